"""What there is to judge of a run: its artifact, and parts of the data that it was not trained on."""

from __future__ import annotations

import csv
from pathlib import Path

from seqpool.artifact import Artifact, load_artifact
from seqpool.errors import UsageError
from seqpool.train.data_module import DataModule, Part
from seqpool.train.run_folder import MODEL, SPLITS


def judged_parts(folder: Path, data: DataModule, parts: tuple[str, ...]) -> tuple[Artifact, list[tuple[str, Part]]]:
    """The run's artifact, and those of the named parts that the data has.

    Raises UsageError where the run has no artifact yet, the data none of the parts, or the run was trained on what
    stands in one of them: another split, or another fold of it.
    """
    path = folder / MODEL
    if not path.is_file():
        raise UsageError(f"{folder} holds no {MODEL}: run seqpool fit with the same --run first.")
    available = dict(data.parts.named())
    chosen = [(name, available[name]) for name in parts if name in available]
    if not chosen:
        raise UsageError(f"the split leaves no {' or '.join(parts)} part to judge.")
    trained = _trained_digests(folder / SPLITS)
    for name, part in chosen:
        known = [row for row, digest in zip(part.ids, part.digests, strict=True) if digest in trained]
        if known:
            raise UsageError(
                f"{folder} was trained on {len(known):,} of the {len(part.ids):,} rows of this {name} part (first: "
                f"{known[0]}): judge it with the split that it was trained with (--run alone takes the run's own)."
            )
    return load_artifact(path), chosen


def _trained_digests(splits: Path) -> set[str]:
    """Digests of the rows that a run was trained on; none where the file has gone."""
    if not splits.is_file():
        return set()
    with splits.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["digest"] for row in rows if row["part"] == "train"}
