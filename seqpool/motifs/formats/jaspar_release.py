"""Motifs of a JASPAR release through pyjaspar, which ships the matrices: nothing is downloaded."""

from __future__ import annotations

import contextlib
import io
import warnings

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "zero motifs returned" is said below, in our words
        found = database.fetch_motifs(collection=collection, tax_group=taxon or None)
    if not found:
        raise UsageError(f"--motifs {address}: JASPAR{release} has no such matrices.")
    motifs: list[MotifMatrix] = []
    for motif in sorted(found, key=lambda motif: str(motif.matrix_id)):
        counts = np.array([motif.counts[letter] for letter in DNA.letters]).T
        motifs.append(counted(str(motif.matrix_id), str(motif.name), DNA, counts, address))
    return motifs
