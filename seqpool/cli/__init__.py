"""Parsing and printing, one file per verb; a verb imports what it needs when it is called."""
