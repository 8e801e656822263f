"""What the artifact remembers of a file it was trained on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any


def file_facts(path: str) -> dict[str, Any]:
    """Name, size and SHA-256 of a file."""
    digest = hashlib.sha256()
    size = 0
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            size += len(block)
    return {"name": Path(path).name, "bytes": size, "sha256": digest.hexdigest()}
