"""The house rules: imports point down only, and light commands stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import seqpool
from seqpool.cli.main import VERBS

PACKAGE = Path(seqpool.__file__).parent

FLOORS = {
    "errors": 0, "alphabet": 0, "records": 0,
    "options": 1, "kernels": 1, "io": 1, "signal": 1, "evaluation": 1,
    "pooling": 2, "motifs": 2,
    "nn": 3,
    "artifact": 4, "zoo": 4, "plots": 4,
    "jobs": 5, "train": 5,
    "cli": 6,
}  # fmt: skip

FORBIDDEN = {
    "torch": {
        "errors",
        "alphabet",
        "records",
        "options",
        "kernels",
        "io",
        "signal",
        "evaluation",
        "motifs",
        "plots",
    },
    "pytorch_lightning": set(FLOORS) - {"train"},
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> list[tuple[int, str]]:
    """(line, dotted module) of every import in a file, those inside functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
            module = node.module or ""
            found.append((node.lineno, module))
            if module == "seqpool":
                found += [(node.lineno, f"seqpool.{alias.name}") for alias in node.names]
    return found


SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or room_of(path) in FLOORS)


def test_every_file_belongs_to_a_room() -> None:
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms <= set(FLOORS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    for line, module in imported_modules(path):
        top = module.split(".")[0]
        assert room not in FORBIDDEN.get(top, set()), f"{path}:{line}: {room} must not import {top}"
        if top == "seqpool" and len(module.split(".")) > 1:
            target = module.split(".")[1]
            if target in FLOORS and target != room:
                # floor 0 is three files that build on one another; every other floor is rooms apart
                lower = FLOORS[target] < FLOORS[room] or FLOORS[target] == FLOORS[room] == 0
                assert lower, f"{path}:{line}: {room} must not import {target}"


def modules_after(code: str) -> set[str]:
    """Top-level modules loaded once `code` has run in a fresh interpreter."""
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    return set(done.stderr.splitlines()[-1].split())


HEAVY = {"torch", "pytorch_lightning", "lightning_fabric", "torchmetrics"}


@pytest.mark.parametrize(
    "code",
    [
        "import seqpool",
        "from seqpool.cli.main import main; main(['--help'])",
        *[f"from seqpool.cli.main import main; main(['{verb}', '--help'])" for verb in VERBS],
    ],
)
def test_import_budget(code: str) -> None:
    assert not modules_after(code) & HEAVY


def test_scan_with_a_motif_file_loads_no_torch(repository: Path) -> None:
    words = ["scan", "data/demo_negatives.fa.gz", "--motifs", "data/demo_motifs.jaspar", "--output", "/dev/null"]
    code = f"import os; os.chdir({str(repository)!r}); from seqpool.cli.main import main; assert main({words}) == 0"
    assert not modules_after(code) & HEAVY
