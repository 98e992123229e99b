"""The computed estate: what an environment consists of, read from its committed snapshots alone."""
