"""The average of runs against sums done by hand, and what is refused."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqpool.errors import DataError

Table = Callable[..., dict[tuple[str, str], list[float]]]
HEAD = "id\tsplit\tlabel\tp_cat\tp_dog\tdecision\n"


def write(folder: Path, rows: dict[str, tuple[str, float]]) -> None:
    folder.mkdir(parents=True)
    lines = [f"{name}\ttest\t{label}\t{p:.6f}\t{1 - p:.6f}\tcat\n" for name, (label, p) in rows.items()]
    (folder / "predictions.tsv").write_text(HEAD + "x\tvalidation\tdog\t0.9\t0.1\tcat\n" + "".join(lines))


@pytest.fixture
def table(repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Table:
    """Runs the script with these arguments; its table by place and run."""
    spec = importlib.util.spec_from_file_location("average_runs", repository / "scripts" / "average_runs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "average_runs", module)  # its dataclass looks itself up
    spec.loader.exec_module(module)

    def called(*arguments: str) -> dict[tuple[str, str], list[float]]:
        monkeypatch.setattr(sys, "argv", ["average_runs.py", *arguments])
        module.main()
        lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
        assert lines[0] == ["place", "run", "accuracy", "f1_macro", "f1[cat]", "f1[dog]"]
        return {(place, Path(run).name): [float(cell) for cell in cells] for place, run, *cells in lines[1:]}

    return called


def test_runs_are_averaged_place_by_place(table: Table, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    # alone each run has one of a, b wrong; the mean has both right. The validation row is not counted
    write(one / "fold1", {"a": ("cat", 0.9), "b": ("dog", 0.6)})
    write(other / "fold1", {"a": ("cat", 0.4), "b": ("dog", 0.1)})
    write(one / "fold2", {"c": ("cat", 0.9), "d": ("dog", 0.2)})
    write(other / "fold2", {"c": ("cat", 0.9), "d": ("dog", 0.2)})
    write(one / "fold3", {"e": ("cat", 0.9)})
    found = table(str(one), str(other))
    assert found["fold1", "one"] == [0.5, 0.3333, 0.6667, 0.0]
    assert found["fold1", "average"] == [1.0] * 4
    assert found["mean", "one"][0] == 0.75
    assert found["mean", "average"][0] == 1.0
    assert all(place != "fold3" for place, _ in found)


def test_logarithms_and_weights(table: Table, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, {"a": ("cat", 0.2), "b": ("dog", 0.2)})
    write(other, {"a": ("cat", 0.9), "b": ("dog", 0.2)})
    # cat: mean .55 against .45; of the logarithms too; with three times the weight for the first .375 against .625
    assert math.sqrt(0.2 * 0.9) > math.sqrt(0.8 * 0.1)
    assert table(str(one), str(other))[".", "average"][0] == 1.0
    assert table(str(one), str(other), "--logits")[".", "average"][0] == 1.0
    assert table(str(one), str(other), "--weights", "3", "1")[".", "average"][0] == 0.5


def test_other_rows_are_refused(table: Table, tmp_path: Path) -> None:
    write(tmp_path / "one", {"a": ("cat", 0.2)})
    write(tmp_path / "other", {"b": ("cat", 0.9)})
    with pytest.raises(DataError, match="other rows, labels or classes"):
        table(str(tmp_path / "one"), str(tmp_path / "other"))
