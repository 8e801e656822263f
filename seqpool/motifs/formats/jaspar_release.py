"""Motifs of a JASPAR release through pyjaspar, which ships the matrices: nothing is downloaded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from seqpool.alphabet import DNA
from seqpool.errors import MissingExtraError, UsageError
from seqpool.motifs.formats.entries import MotifMatrix, counted

PREFIX = "jaspar:"


def _database(address: str, release: str) -> Path:
    """pyjaspar's file of a release; the package is not imported, which would take longer than all the rest."""
    package = find_spec("pyjaspar")
    if package is None or package.origin is None:
        raise MissingExtraError("pyjaspar", "jaspar", f"--motifs {address}")
    path = Path(package.origin).parent / "data" / f"JASPAR{release}.sqlite"
    if not release.isalnum() or not path.exists():
        raise UsageError(f"--motifs {address}: pyjaspar holds no release JASPAR{release}.")
    return path


def read_jaspar_release(address: str) -> list[MotifMatrix]:
    """The newest versions of all matrices of `jaspar:YEAR/COLLECTION[/TAXON]`, sorted by identifier.

    Raises UsageError for an address that names no matrices and MissingExtraError without pyjaspar.
    """
    parts = address.removeprefix(PREFIX).split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(f"--motifs {address}: expected jaspar:YEAR/COLLECTION/TAXON, as jaspar:2024/CORE/vertebrates.")
    release, collection, *taxon = parts
    with closing(sqlite3.connect(f"{_database(address, release).as_uri()}?mode=ro", uri=True)) as database:
        found = _newest_matrices(database, collection, taxon, address)
    if not found:
        raise UsageError(f"--motifs {address}: JASPAR{release} has no such matrices.")
    return found


def _newest_matrices(
    database: sqlite3.Connection, collection: str, taxon: list[str], address: str
) -> list[MotifMatrix]:
    """Three queries on JASPAR's own tables."""
    newest: dict[str, tuple[int, int]] = {}
    for number, base, version in database.execute("select ID, BASE_ID, VERSION from MATRIX"):
        newest[base] = max(newest.get(base, (0, 0)), (int(version), number))
    wanted, values = "from MATRIX m where m.COLLECTION = ?", (collection.upper(), *taxon)
    if taxon:
        wanted += " and m.ID in (select ID from MATRIX_ANNOTATION where TAG = 'tax_group' and VAL = ?)"
    names = {
        number: (f"{base}.{version}", name)
        for number, base, version, name in database.execute(
            f"select m.ID, m.BASE_ID, m.VERSION, m.NAME {wanted}", values
        )
        if newest[base][1] == number
    }
    cells = f"select ID, val from MATRIX_DATA where ID in ({', '.join(map(str, names))}) order by ID, col, row"
    values_of: dict[int, list[float]] = {number: [] for number in names}
    for number, value in database.execute(cells):  # letters in their order within columns
        values_of[number].append(value)
    return [
        counted(identifier, name, DNA, np.array(values_of[number], dtype=np.float64).reshape(-1, 4), address)
        for number, (identifier, name) in sorted(names.items(), key=lambda item: item[1][0])
    ]
