"""The demo's contigs are what their script makes."""

from __future__ import annotations

import gzip
import importlib.util
import sys
from pathlib import Path

import pytest


def test_the_same_contigs_again(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = repository / "scripts" / "make_demo_genes.py"
    spec = importlib.util.spec_from_file_location("make_demo_genes", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    module.main()
    for name in ("demo_contigs.fa.gz", "demo_contigs.gff3"):
        made, kept = ((folder / name).read_bytes() for folder in (tmp_path, repository / "data"))
        if name.endswith(".gz"):  # compressors differ
            made, kept = gzip.decompress(made), gzip.decompress(kept)
        assert made == kept
