"""Processes behind the pods of a throw-away control plane: COVERAGE.md."""
