"""Rows kept beside an unfinished table: what was added is there again, whatever a kill cut short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.errors import DataError, UsageError
from seqpool.io.finished_rows import FinishedRows

COLUMNS: dict[str, Any] = {"record": str, "sample": np.int64, "p": np.float64}


def rows(name: str, count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(count)
    p = rng.random(count) / 3
    p[: count // 2] = np.nan
    return {"record": np.array([name] * count, dtype=object), "sample": np.arange(count), "p": p}


def killed(path: Path, names: list[str], **run: Any) -> None:
    """A run that ends without a word after some inputs."""
    with pytest.raises(KeyboardInterrupt), FinishedRows(path, COLUMNS, run, resume=False) as left:  # noqa: PT012
        for place, name in enumerate(names):
            left.add(name, rows(name, place))
        raise KeyboardInterrupt


@given(st.lists(st.text(min_size=1, max_size=6), unique=True, min_size=1, max_size=5), st.integers(0, 400))
def test_what_was_added_is_there_again(tmp_path_factory: pytest.TempPathFactory, names: list[str], cut: int) -> None:
    path = tmp_path_factory.mktemp("t") / "o.tsv"
    killed(path, names, model="a")
    side = path.with_name("o.tsv.unfinished")
    whole = side.read_bytes()
    header = whole.index(b"\n") + 1
    kept = whole[: max(len(whole) - cut, header)]
    side.write_bytes(kept)
    survivors = names[: kept.count(b"\n") - 1]
    with FinishedRows(path, COLUMNS, {"model": "a"}, resume=True) as again:
        assert len(again) == len(survivors)
        for place, name in enumerate(names):
            found = again.get(name)
            assert (found is None) == (name not in survivors)
            if found is not None:
                for column, values in rows(name, place).items():
                    np.testing.assert_array_equal(found[column], values)
                    assert found[column].dtype == values.dtype
            again.add(name, rows(name, place))
            assert again.get(name) is not None
    assert not side.exists()


def test_a_failure_leaves_the_rows_and_success_does_not(tmp_path: Path) -> None:
    path, side = tmp_path / "o.tsv", tmp_path / "o.tsv.unfinished"
    with pytest.raises(KeyboardInterrupt), FinishedRows(path, COLUMNS, {}, resume=False) as one:  # noqa: PT012
        one.add("a", rows("a", 3))
        raise KeyboardInterrupt
    assert side.exists()
    with pytest.raises(KeyboardInterrupt), FinishedRows(path, COLUMNS, {}, resume=False) as one:  # noqa: PT012
        assert one.get("a") is None  # begun anew
        raise KeyboardInterrupt
    assert not side.exists()  # nothing was done


def test_runs_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "o.tsv"
    killed(path, ["a"], model="one", lead="II")
    with pytest.raises(UsageError, match=r"another lead \(II, now V1\)"):
        FinishedRows(path, COLUMNS, {"model": "one", "lead": "V1"}, resume=True)
    with pytest.raises(UsageError, match="another columns"):
        FinishedRows(path, {"record": str}, {"model": "one", "lead": "II"}, resume=True)
    (tmp_path / "o.tsv.unfinished").write_bytes(b"\x00something else")
    with pytest.raises(UsageError, match="was not left by an unfinished run"):
        FinishedRows(path, COLUMNS, {}, resume=True)
    with pytest.raises(UsageError, match="name it with --output"):
        FinishedRows(None, COLUMNS, {}, resume=True)
    with pytest.raises(DataError, match="cannot be written"):
        FinishedRows(tmp_path / "absent/o.tsv", COLUMNS, {}, resume=False)


@pytest.mark.parametrize("output", [None, "/dev/null"])
def test_nothing_is_kept_beside_a_stream(output: str | None) -> None:
    with FinishedRows(output, COLUMNS, {}, resume=False) as one:
        one.add("a", rows("a", 2))
        assert one.get("a") is None
    assert not Path("/dev/null.unfinished").exists()
