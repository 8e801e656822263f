"""Overlap of genomic windows against every pair of positions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seqpool.train.windows import overlap_any, windows_of

spans = st.tuples(st.sampled_from(["chr1", "chr2", "X"]), st.integers(0, 30), st.integers(1, 8)).map(
    lambda span: f"{span[0]}:{span[1]}-{span[1] + span[2]}"
)
names = st.lists(st.one_of(spans, st.just("peak7")), max_size=12)


def positions(name: str) -> set[tuple[str, int]]:
    if ":" not in name:
        return set()
    chromosome, _, span = name.partition(":")
    start, end = span.split("-")
    return {(chromosome, position) for position in range(int(start), int(end))}


@given(names, names)
def test_overlap_equals_shared_positions(here: list[str], there: list[str]) -> None:
    covered = set().union(*(positions(name) for name in there))
    found = overlap_any(windows_of(here), windows_of(there))
    assert found.tolist() == [bool(positions(name) & covered) for name in here]


def test_names_with_a_strand_are_windows() -> None:
    windows = windows_of(["chr1:5-10(-)", "chr1:9-12", "chr1:x-12", "chr1:5-10:+"])
    assert windows.chromosome.tolist() == ["chr1", "chr1", "", ""]
    assert windows.end.tolist() == [10, 12, 0, 0]
