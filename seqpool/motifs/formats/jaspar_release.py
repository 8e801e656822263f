"""Motifs of a JASPAR release through pyjaspar, which ships the matrices: nothing is downloaded."""

from __future__ import annotations

import contextlib
import io

import numpy as np

from seqpool.alphabet import DNA
from seqpool.errors import MissingExtraError, UsageError
from seqpool.motifs.formats.entries import MotifMatrix, counted

PREFIX = "jaspar:"


def read_jaspar_release(address: str) -> list[MotifMatrix]:
    """The newest versions of all matrices of `jaspar:YEAR/COLLECTION[/TAXON]`, sorted by identifier.

    Raises UsageError for an address that names no matrices and MissingExtraError without pyjaspar.
    """
    try:
        from pyjaspar import jaspardb
    except ImportError as error:
        raise MissingExtraError("pyjaspar", "jaspar", f"--motifs {address}") from error
    parts = address.removeprefix(PREFIX).split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(f"--motifs {address}: expected jaspar:YEAR/COLLECTION/TAXON, as jaspar:2024/CORE/vertebrates.")
    release, collection, *taxon = parts
    with contextlib.redirect_stdout(io.StringIO()):  # it prints there when it has no such release
        database = jaspardb(release=f"JASPAR{release}")
    if not hasattr(database, "conn"):
        raise UsageError(f"--motifs {address}: pyjaspar holds no release JASPAR{release}.")
    # three queries instead of the five per matrix of fetch_motifs; the tables are JASPAR's own
    cursor = database.conn.cursor()
    newest: dict[str, tuple[int, int]] = {}
    for number, base, version in cursor.execute("select ID, BASE_ID, VERSION from MATRIX"):
        newest[base] = max(newest.get(base, (0, 0)), (int(version), number))
    wanted = "select m.ID, m.BASE_ID, m.VERSION, m.NAME from MATRIX m where m.COLLECTION = ?"
    if taxon:
        wanted += " and m.ID in (select ID from MATRIX_ANNOTATION where TAG = 'tax_group' and VAL = ?)"
    found = {
        number: (f"{base}.{version}", name)
        for number, base, version, name in cursor.execute(wanted, (collection.upper(), *taxon)).fetchall()
        if newest[base][1] == number
    }
    if not found:
        raise UsageError(f"--motifs {address}: JASPAR{release} has no such matrices.")
    cells: dict[int, dict[tuple[int, str], float]] = {number: {} for number in found}
    for number, letter, column, value in cursor.execute("select ID, row, col, val from MATRIX_DATA"):
        if number in cells:
            cells[number][int(column), letter] = float(value)
    motifs: list[MotifMatrix] = []
    for number, (identifier, name) in sorted(found.items(), key=lambda item: item[1][0]):
        width = max(column for column, _ in cells[number])
        counts = [[cells[number][column, letter] for letter in DNA.letters] for column in range(1, width + 1)]
        motifs.append(counted(identifier, name, DNA, np.array(counts), address))
    return motifs
