"""Numbers that depend on seed, epoch, row and position only, and are as random as they should be."""

from __future__ import annotations

import numpy as np
from scipy.stats import chisquare

from seqpool.kernels.row_random import row_states, with_random_letters


def test_states_differ_in_every_argument() -> None:
    rows = np.arange(5000)
    states = [row_states(seed, epoch, rows) for seed in (0, 1, 2**40) for epoch in (0, 1, 2)]
    assert len(np.unique(np.concatenate(states))) == 9 * 5000
    assert np.array_equal(row_states(1, 2, np.array([7, 3])), row_states(1, 2, rows)[[7, 3]])


def test_the_share_of_letters_is_replaced_by_each_letter_equally() -> None:
    codes = np.full((4000, 50), 9, dtype=np.uint8)
    lengths = np.full(4000, 40)
    disturbed = with_random_letters(codes, lengths, 4, 0.1, seed=3, epoch=1, rows=np.arange(4000))
    assert (disturbed[:, 40:] == 9).all()
    replaced = disturbed[:, :40] != 9
    # 160,000 letters: the share's standard deviation is 0.00075
    assert abs(replaced.mean() - 0.1) < 0.004
    assert chisquare(np.bincount(disturbed[:, :40][replaced], minlength=4)).pvalue > 1e-4
    assert chisquare(replaced.sum(axis=0)).pvalue > 1e-4


def test_noise_does_not_depend_on_the_batch() -> None:
    codes = np.zeros((100, 30), dtype=np.uint8)
    lengths = np.full(100, 30)
    whole = with_random_letters(codes, lengths, 20, 0.5, seed=0, epoch=0, rows=np.arange(100))
    some = np.array([80, 2])
    assert np.array_equal(
        with_random_letters(codes[:2, :20], lengths[:2] - 10, 20, 0.5, seed=0, epoch=0, rows=some), whole[some, :20]
    )
    assert not np.array_equal(whole, with_random_letters(codes, lengths, 20, 0.5, seed=0, epoch=1, rows=np.arange(100)))
