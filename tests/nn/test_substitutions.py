"""The embedding from a substitution matrix: products of letters follow the matrix."""

from __future__ import annotations

import numpy as np
import pytest
from Bio.Align import substitution_matrices

from seqpool.alphabet import DNA, PROTEIN
from seqpool.nn.substitutions import SPREAD, substitution_embedding


@pytest.mark.parametrize("matrix", ["BLOSUM45", "BLOSUM62", "BLOSUM80", "PAM250"])
def test_products_follow_the_matrix(matrix: str) -> None:
    weight = substitution_embedding(matrix, PROTEIN, 16).double().numpy()
    assert weight.shape == (16, 20)
    assert weight.std() == pytest.approx(SPREAD, rel=1e-5)
    table = np.array([[substitution_matrices.load(matrix)[a, b] for b in PROTEIN.letters] for a in PROTEIN.letters])
    apart = ~np.eye(20, dtype=bool)
    assert np.corrcoef((weight.T @ weight)[apart], table[apart])[0, 1] > 0.8


def test_letters_that_replace_each_other_are_nearest() -> None:
    weight = substitution_embedding("BLOSUM62", PROTEIN, 16).double().numpy()
    distance = np.linalg.norm(weight[:, :, None] - weight[:, None, :], axis=0) + np.diag(np.full(20, np.inf))
    nearest = {letter: PROTEIN.letters[int(distance[i].argmin())] for i, letter in enumerate(PROTEIN.letters)}
    assert {letter: nearest[letter] for letter in "IVKRFY"} == dict(zip("IVKRFY", "VIRKYF", strict=True))


def test_what_the_matrix_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="speaks of amino acids, the sequences are dna"):
        substitution_embedding("BLOSUM62", DNA, 4)
    with pytest.raises(ValueError, match="at most 20 channels, embedding is 32"):
        substitution_embedding("BLOSUM62", PROTEIN, 32)
