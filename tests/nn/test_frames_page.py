"""docs/frames.md: every statement names tests that exist, its code runs, its picture is the script's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def test_every_statement_has_a_test(repository: Path) -> None:
    page = (repository / "docs" / "frames.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (repository / "tests" / "nn").glob("test_*.py"))
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", page))
    assert len(named) > 30
    assert {name for name in named if f"def {name}(" not in sources} == set()
    for line in page.splitlines():
        if line.startswith("| A") or ("1e-" in line and line.startswith("| ")):
            assert "`test_" in line, line


def test_the_example_runs(repository: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", (repository / "docs" / "frames.md").read_text(), re.S):
        exec(block, {})


def test_the_picture_is_what_the_script_draws(repository: Path, tmp_path: Path) -> None:
    script = [sys.executable, str(repository / "scripts" / "make_frames_picture.py"), "--output", "frames.svg"]
    subprocess.run(script, cwd=tmp_path, check=True, env={"PYTHONPATH": str(repository)})
    assert (tmp_path / "frames.svg").read_text() == (repository / "docs" / "frames.svg").read_text()
