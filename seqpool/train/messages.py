"""What training says to the user: one line each, on stderr, so that stdout stays free for results."""

from __future__ import annotations

import os
import sys

quiet = False
"""Set by `--quiet`."""


def say(text: str) -> None:
    """One line on stderr, unless quiet; of several processes only the first speaks."""
    if not quiet and os.environ.get("LOCAL_RANK", "0") == "0":
        print(text, file=sys.stderr, flush=True)
