"""The gallery shows every operator, and its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seqpool.pooling import operators

FILES = sorted(path.stem for path in Path(operators.__path__[0]).glob("*.py") if path.stem != "__init__")


def test_every_operator_has_its_picture_and_says_when_to_use_it(repository: Path) -> None:
    page = (repository / "docs" / "pooling.md").read_text(encoding="utf-8")
    shown = re.findall(r"\(pooling/(\w+)\.svg\)", page)
    assert sorted(shown) == FILES == sorted(path.stem for path in (repository / "docs" / "pooling").glob("*.svg"))
    assert page.count("\nUse it ") == len(FILES)
    assert sum(path.stat().st_size for path in (repository / "docs" / "pooling").iterdir()) < 400_000


def test_the_code_on_the_page_runs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (repository / "docs" / "pooling.md").read_text(encoding="utf-8"), re.S)
    assert len(blocks) == len(FILES) + 1
    for block in blocks:
        exec(block, {})
    printed = capsys.readouterr().out
    assert "MaxPool1d(4) (4, 16, 25) [25, 15, 1, 0]" in printed
    assert "AdaptiveMaxPool1d(12) (4, 16, 12) [12, 12, 12, 0]" in printed
