"""Words for what other libraries say."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """An exception of a library as the end of one sentence: its type and the first line of its text."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
