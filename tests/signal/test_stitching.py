"""Windows that overlap, and the part of the signal that each answers for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.signal.stitching import pieces_of


@given(st.integers(1, 500), st.integers(2, 60), st.data())
def test_parts_cover_the_signal_once_and_lie_in_their_windows(samples: int, window: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, window))
    pieces = list(pieces_of(samples, window, stride))
    assert [place for piece in pieces for place in range(piece.first, piece.last)] == list(range(samples))
    for piece in pieces:
        assert piece.start <= piece.first <= piece.last <= piece.stop <= samples
        assert piece.stop - piece.start == min(window, samples)


def test_with_half_a_window_of_stride_the_middle_half_answers() -> None:
    pieces = list(pieces_of(40, 20, 10))
    assert [(piece.first, piece.last) for piece in pieces] == [(0, 15), (15, 25), (25, 40)]
    with pytest.raises(ValueError, match="leaves gaps"):
        list(pieces_of(40, 20, 21))
