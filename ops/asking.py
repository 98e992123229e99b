"""Asks the operator at the terminal."""

import sys


def confirmed(question: str) -> bool:
    """Whether the answer is yes; where there is no terminal nobody says so."""
    if not sys.stdin.isatty():
        print("this is no terminal to ask at: say --yes", file=sys.stderr)
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
