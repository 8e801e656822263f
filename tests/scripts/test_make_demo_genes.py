"""The demo's contigs are what their script makes."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path


def test_the_same_contigs_again(repository: Path, tmp_path: Path) -> None:
    script = repository / "scripts" / "make_demo_genes.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, cwd=repository)
    for name in ("demo_contigs.fa.gz", "demo_contigs.gff3"):
        made, kept = ((folder / name).read_bytes() for folder in (tmp_path, repository / "data"))
        if name.endswith(".gz"):  # compressors differ
            made, kept = gzip.decompress(made), gzip.decompress(kept)
        assert made == kept
