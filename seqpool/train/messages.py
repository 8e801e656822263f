"""What training says to the user: one line each, on stderr, so that stdout stays free for results."""

from __future__ import annotations

import sys

quiet = False
"""Set by `--quiet`."""


def say(text: str) -> None:
    """One line on stderr, unless quiet."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)
