"""`python -m seqpool` is `seqpool`."""

from seqpool.cli.main import entry_point

entry_point()
