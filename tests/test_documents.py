"""Every command that README.md and docs/ show, run as a user types it, and every file they point to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDES = ["README.md", "docs/scan.md", "docs/enrich.md", "docs/fit.md", "docs/classify.md", "docs/delineate.md",
          "docs/holter.md", "docs/models.md", "docs/coding.md", "docs/certainty.md"]  # fmt: skip


def commands(text: str) -> list[str]:
    """The lines of a page's shell blocks that call seqpool."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if "seqpool " in line and line[:5] != "bash "]


@pytest.fixture(scope="module")
def desk(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/ and configs/ where `seqpool` is a command, so that nothing is written into the clone."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("data", "configs"):
        (folder / name).symlink_to(repository / name)
    program = folder / "bin" / "seqpool"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{repository}" exec "{sys.executable}" -m seqpool "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("guide", GUIDES)
def test_commands_run_as_typed(guide: str, repository: Path, desk: Path) -> None:
    typed = commands((repository / guide).read_text(encoding="utf-8"))
    assert typed
    environment = {**os.environ, "PATH": f"{desk / 'bin'}:{os.environ['PATH']}"}
    for command in typed:
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            env=environment,
            cwd=desk,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        for written in re.findall(r"(?:--output|>) (\S+)", command):
            assert (desk / written).stat().st_size > 0, command
        if not re.search(r"--output|>|seqpool fit", command):
            assert done.stdout, command


@pytest.mark.parametrize("guide", GUIDES)
def test_python_examples_run(guide: str, repository: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", (repository / guide).read_text(), flags=re.M | re.S):
        subprocess.run([sys.executable, "-c", block], cwd=repository, check=True, timeout=120, capture_output=True)


@pytest.mark.parametrize("guide", GUIDES)
def test_options_exist(guide: str, repository: Path) -> None:
    """An option that a page names is one of the verbs that its commands call."""
    text = (repository / guide).read_text(encoding="utf-8")
    verbs = {found for command in commands(text) for found in re.findall(r"seqpool ([a-z]+)", command)}
    helps = "".join(
        subprocess.run([sys.executable, "-m", "seqpool", verb, "--help"], cwd=repository, capture_output=True).stdout
        .decode()
        for verb in sorted(verbs)
    )  # fmt: skip
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z_-]*(?![\w.-])", text)) - {"--help"}
    assert named
    assert not {option for option in named if not re.search(rf"{option}(?![\w-])", helps)}


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str, repository: Path) -> None:
    page = repository / guide
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing
