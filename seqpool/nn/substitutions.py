"""Amino acids that replace each other in related proteins start as neighbours: an embedding from a matrix."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqpool.alphabet import Alphabet

SPREAD = 1.2
"""Standard deviation of the weights; chosen on peptides kept apart for tuning (0.6: less gain)."""


def substitution_embedding(matrix: str, alphabet: Alphabet, channels: int) -> Tensor:
    """Weights (channels, letters) whose products of two letters follow a substitution matrix.

    The directions of the `channels` largest eigenvalues, each times the root of its eigenvalue (classical scaling,
    Torgerson 1952), to a common spread. matrix: as Biopython names it, such as `BLOSUM62` (Henikoff & Henikoff 1992).
    Raises ValueError for an alphabet or number of channels that the matrix does not have.
    """
    from Bio.Align import substitution_matrices

    if alphabet.name != "protein":
        raise ValueError(f"{matrix} speaks of amino acids, the sequences are {alphabet.name}")
    if channels > len(alphabet.letters):
        raise ValueError(f"{matrix} gives at most {len(alphabet.letters)} channels, embedding is {channels}")
    scores = substitution_matrices.load(matrix)  # type: ignore[no-untyped-call]
    table = np.array([[scores[a, b] for b in alphabet.letters] for a in alphabet.letters], dtype=np.float64)
    values, directions = np.linalg.eigh(table)
    largest = np.argsort(-values)[:channels]
    rows = (directions[:, largest] * np.sqrt(np.clip(values[largest], 0.0, None))).T
    rows *= np.where(rows.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)  # eigh leaves the sign open
    return torch.from_numpy(rows * (SPREAD / rows.std())).float()
