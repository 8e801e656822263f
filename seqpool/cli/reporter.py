"""What a command for recordings says on stderr, and how many of its inputs were bad."""

from __future__ import annotations

import sys

from seqpool.errors import SeqpoolError


class Reporter:
    """Says errors and notes of one command, one line each, past a progress bar.

    bad: errors so far. quiet: notes are not said; errors are.
    """

    def __init__(self, verb: str, *, quiet: bool) -> None:
        self.bad = 0
        self._verb, self._quiet = verb, quiet

    def error(self, error: SeqpoolError) -> None:
        """Counts and says it."""
        self.bad += 1
        self._say(str(error))

    def note(self, sentence: str) -> None:
        """Says it, unless quiet."""
        if not self._quiet:
            self._say(f"note: {sentence}")

    def _say(self, sentence: str) -> None:
        from tqdm import tqdm

        tqdm.write(f"seqpool {self._verb}: {sentence}", file=sys.stderr)
