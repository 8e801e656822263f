"""Motif files, told apart by their content: `read_motifs` and `write_motifs`."""

from seqpool.motifs.formats.entries import MotifMatrix
from seqpool.motifs.formats.read import read_motifs
from seqpool.motifs.formats.write import write_motifs

__all__ = ["MotifMatrix", "read_motifs", "write_motifs"]
