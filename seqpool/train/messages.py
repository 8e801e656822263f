"""What training says to the user: one line each, on stderr, so that stdout stays free for results."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """One line on stderr."""
    print(text, file=sys.stderr, flush=True)
