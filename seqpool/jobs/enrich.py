"""Which motifs more target sequences hold than background sequences: Fisher's exact test, alike motifs together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool import __version__
from seqpool.alphabet import Alphabet
from seqpool.errors import DataError, UsageError
from seqpool.evaluation.enrichment import fisher_log_p_values
from seqpool.io.compressed import shown_name
from seqpool.io.tables import Table
from seqpool.jobs.enrich_background import genome_windows, shuffled_sequences, with_gc_of
from seqpool.jobs.enrich_hits import HitCounts, count_hits
from seqpool.jobs.enrich_sequences import (
    Places,
    SequenceSet,
    counted,
    is_fasta,
    letters_of_places,
    places_of_regions,
    sequences_of_fasta,
)
from seqpool.jobs.fasta_inputs import FastaInputs
from seqpool.jobs.scan_motifs import (
    ScanMotif,
    alphabet_of_motifs,
    chosen_background,
    made_ready,
    read_scannable,
    scanned_strands,
    warn_of_motifs_without_hits,
)
from seqpool.motifs.matrix import CountMatrix, FilterMatrix, Matrix, Scannable
from seqpool.motifs.similarity import ALIKE, MotifSimilarity, grouped
from seqpool.motifs.statistics import q_values_of_list
from seqpool.options.enrich import GENOME, SHUFFLES, EnrichOptions
from seqpool.options.scan import DEFAULT_P_VALUE

ENRICH_COLUMNS: dict[str, Any] = {
    "motif_id": str,
    "motif_alt_id": str,
    "p_value": np.float64,
    "q_value": np.float64,
    "target_hits": np.int64,
    "target_total": np.int64,
    "background_hits": np.int64,
    "background_total": np.int64,
    "fold": np.float64,
    "mean_offset_bp": np.float64,
    "cluster": str,
    "log10_p_value": np.float64,
    "offset_sd_bp": np.float64,
}
"""One row per motif; `hits` and `total` count sequences. `cluster` is the id of the group's first motif."""

LENGTHS_DIFFER = 0.1
GC_DIFFERS = 0.03
"""Differences of mean lengths (as a share of the larger) and of GC content that make a comparison doubtful."""


@dataclass(frozen=True)
class EnrichSummary:
    """What an enrichment gave: its table, and facts for people."""

    table: Table
    facts: dict[str, str]


class _Reader:
    """Reads target and background."""

    def __init__(
        self,
        alphabet: Alphabet,
        options: EnrichOptions,
        warn: Callable[[str], None],
        on_error: Callable[[DataError], None],
    ) -> None:
        self.alphabet = alphabet
        self.options = options
        self.warn = warn
        self.on_error = on_error

    def _open(self, paths: Sequence[str]) -> FastaInputs:
        return FastaInputs(paths, self.alphabet, soft_mask=self.options.soft_mask, warn=self.warn)

    def _fasta(self, paths: Sequence[str]) -> SequenceSet:
        with self._open(paths) as fasta:
            for error in fasta.bad:
                self.on_error(error)
            return sequences_of_fasta(fasta, _shown(paths), self.alphabet)

    def _regions(self, path: str, genome: FastaInputs) -> tuple[SequenceSet, Places]:
        places, said = places_of_regions(path, genome, size=self.options.size, names=self.options.names)
        return SequenceSet(self.alphabet, said, letters_of_places(genome, places)), places

    def both(self, inputs: Sequence[str]) -> tuple[SequenceSet, SequenceSet | None]:
        """Target and background; no background when there is no target."""
        if not self.options.genome:
            target = self._fasta(inputs)
            return target, self._background(target, None, None) if len(target) else None
        with self._open(self.options.genome) as genome:
            for error in genome.bad:
                self.on_error(error)
            if not genome.good:
                raise DataError(f"--genome {_shown(self.options.genome)} holds no sequence that can be read.")
            places = None
            if self.options.regions is None:
                target = self._fasta(inputs)
            else:
                target, places = self._regions(self.options.regions, genome)
            return target, self._background(target, genome, places) if len(target) else None

    def _background(self, target: SequenceSet, genome: FastaInputs | None, places: Places | None) -> SequenceSet:
        options, given = self.options, self.options.background_sequences
        if given == SHUFFLES:
            return shuffled_sequences(target, seed=options.seed, threads=_threads(options))
        if given == GENOME and genome is not None:
            source = _shown(options.genome)
            background, wanted = genome_windows(
                genome, target, places, source, match_gc=options.match_gc, seed=options.seed
            )
            if not len(background):
                gc = ", has its GC" if options.match_gc else ""
                raise DataError(
                    f"{source}: no window of the target's lengths lies outside its regions{gc} and has no N."
                )
            if len(background) < wanted:
                self.warn(f"only {len(background):,} of {wanted:,} wanted windows of {source} fit.")
            return background
        background = self._given(given, genome)
        if not len(background):
            raise DataError(f"--background-sequences {given} holds no sequence: there is nothing to compare with.")
        return with_gc_of(target, background, options.seed) if options.match_gc else background

    def _given(self, path: str, genome: FastaInputs | None) -> SequenceSet:
        if is_fasta(path):
            return self._fasta([path])
        if genome is None:
            raise UsageError(
                f"--background-sequences {path} is no FASTA file; regions (BED) take their letters from --genome FASTA."
            )
        return self._regions(path, genome)[0]


def _shown(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(shown_name(path) for path in paths[:3]) + more


def _threads(options: EnrichOptions) -> int:
    return options.threads or os.cpu_count() or 1


def warn_of_doubtful_comparison(
    target: SequenceSet, background: SequenceSet, options: EnrichOptions, warn: Callable[[str], None]
) -> None:
    """Sentences for what makes enrichments that are none, or hides some: lengths, GC, sequences that stand twice."""
    lengths = (float(target.counts.sum() / len(target)), float(background.counts.sum() / len(background)))
    if abs(lengths[0] - lengths[1]) > LENGTHS_DIFFER * max(lengths):
        warn(
            f"target sequences have {lengths[0]:,.1f} plain letters on average, those of the background "
            f"{lengths[1]:,.1f}: the longer hold more hits by chance; compare sequences of one length."
        )
    if target.alphabet.complement is not None and abs(target.mean_gc - background.mean_gc) > GC_DIFFERS:
        warn(
            f"the GC content is {target.mean_gc:.3f} in the target and {background.mean_gc:.3f} in the background: "
            "motifs rich in G and C, or poor in them, are enriched by that alone "
            + ("although it was matched as far as can be." if options.match_gc else "(see --match-gc).")
        )
    of_target = Counter(codes.tobytes() for codes in target.codes)
    copies = len(target) - len(of_target)
    if copies:
        said = counted(copies, "target sequence")
        warn(f"{said} stood before, letter for letter; each copy counts.")
    if options.background_sequences != SHUFFLES:
        shared = sum(codes.tobytes() in of_target for codes in background.codes)
        if shared:
            said = counted(shared, "background sequence")
            warn(f"{said} also in the target, letter for letter: counted on both sides, which hides enrichment.")


def warn_of_short_sequences(target: SequenceSet, motifs: Sequence[Scannable], warn: Callable[[str], None]) -> None:
    """One sentence when target sequences can hold no motif at all."""
    narrowest = min(motif.width for motif in motifs)
    short = int((target.lengths < narrowest).sum())
    if short:
        said = counted(short, "target sequence")
        warn(f"{said} of {len(target):,} shorter than every motif ({narrowest} letters): no hit, but in the total.")


@dataclass(frozen=True)
class _BothSets:
    """Target and background as one, to measure a background of letters from."""

    sets: tuple[SequenceSet, SequenceSet]

    @property
    def letter_counts(self) -> NDArray[np.int64]:
        return self.sets[0].letter_counts + self.sets[1].letter_counts


def run_enrich(
    inputs: Sequence[str],
    motifs: Sequence[Scannable],
    options: EnrichOptions,
    *,
    warn: Callable[[str], None],
    on_error: Callable[[DataError], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> EnrichSummary:
    """Compare the target (FASTA files `inputs`, or `options.regions`) with its background.

    warn: takes one sentence at a time. on_error: takes the DataError of each bad record or file, which is left out.
    progress: takes the letters done and the letters in all. Without a target sequence the table is empty. Raises
    DataError for a background without sequences, UsageError for inputs beside regions and for options that do not fit
    the alphabet.
    """
    if bool(inputs) == (options.regions is not None):
        raise UsageError(
            "sequences and --regions were both given, expected one of them (the genome of --regions is --genome FASTA)."
            if inputs
            else "no input was given: FASTA files, or --regions BED --genome FASTA."
        )
    alphabet = alphabet_of_motifs(motifs)
    if options.match_gc and alphabet.complement is None:
        raise UsageError(f"--match-gc: {alphabet.name} has no GC content.")
    scanning = options.scan_options()
    strands = scanned_strands(scanning, alphabet)
    reader = _Reader(alphabet, options, warn, on_error)
    target, background = reader.both(inputs)
    if background is None:
        warn("the target holds no sequence: there is nothing to compare.")
        return EnrichSummary(_empty_table(), {"seqpool-version": __version__})
    warn_of_short_sequences(target, motifs, warn)
    warn_of_doubtful_comparison(target, background, options, warn)
    letters = chosen_background(scanning, alphabet, _BothSets((target, background)), strands)
    ready = [made_ready(motif, letters, scanning) for motif in motifs]
    thresholds = [motif.threshold(scanning) for motif in ready]
    warn_of_motifs_without_hits(ready, thresholds, warn)
    lanes = [lane for i, motif in enumerate(ready) for lane in motif.lanes(i, strands, thresholds[i])]
    done, total = 0, int(target.lengths.sum() + background.lengths.sum())

    def step(letters_done: int) -> None:
        nonlocal done
        done += letters_done
        progress(done, total)

    of_target, of_background = (
        count_hits(sequences, lanes, len(ready), threads=_threads(options), progress=step)
        for sequences in (target, background)
    )
    table = enrichment_table(ready, of_target, len(target), of_background, len(background), _groups_of(motifs))
    sources = sorted({motif.source for motif in motifs if motif.source})
    facts = {
        "seqpool-version": __version__,
        "motifs": f"{len(motifs):,} from {', '.join(sources)}" if sources else f"{len(motifs):,}",
        "target": target.describe(),
        "background-sequences": background.describe(),
        "background": letters.describe(alphabet),
        "pseudocount": f"{options.pseudocount:g}",
        "strands": strands,
        "hits": _hit_rule(options),
        "test": "Fisher's exact, one-sided: more target sequences with a hit",
        "clusters": f"correlation with the first motif of at least {ALIKE:g}",
        "seed": str(options.seed),
    }
    return EnrichSummary(table, facts)


def _hit_rule(options: EnrichOptions) -> str:
    if options.min_score is not None:
        return f"score >= {options.min_score:g}"
    if options.threshold is not None:
        return "each motif's own threshold"
    return f"p <= {options.p_value or DEFAULT_P_VALUE:g}"


def _empty_table() -> Table:
    return Table({name: np.zeros(0, dtype=object if kind is str else kind) for name, kind in ENRICH_COLUMNS.items()})


def _groups_of(motifs: Sequence[Scannable]) -> Callable[[Sequence[int]], list[list[int]]]:
    similarity = MotifSimilarity([_compared(motif) for motif in motifs], motifs[0].alphabet)
    return lambda order: grouped(order, similarity)


def _compared(motif: Scannable) -> Matrix:
    """What motifs are compared by: frequencies without a background's share, or a filter's weights."""
    if isinstance(motif, FilterMatrix):
        return motif.weights
    even = np.full(len(motif.alphabet.letters), 1 / len(motif.alphabet.letters))
    return (motif.frequencies(even) if isinstance(motif, CountMatrix) else motif).frequencies


def enrichment_table(
    motifs: Sequence[ScanMotif],
    target: HitCounts,
    target_total: int,
    background: HitCounts,
    background_total: int,
    groups_of: Callable[[Sequence[int]], list[list[int]]],
) -> Table:
    """Rows by group, the group of the smallest p first, and by p within each.

    groups_of: from motif numbers by p to groups of them. `fold` is the ratio of the two shares of sequences with a
    hit: infinite when only the target has one, NaN when neither has.
    """
    log_p = fisher_log_p_values(target.sequences, target_total, background.sequences, background_total)
    # a p-value that is no float any more is still never 0
    p_value = np.maximum(np.exp(log_p), np.finfo(np.float64).tiny)
    with np.errstate(divide="ignore", invalid="ignore"):
        fold = (target.sequences / target_total) / (background.sequences / background_total)
    order = np.argsort(log_p, kind="stable").tolist()
    ids = _distinct_ids(motifs)
    groups = groups_of(order)
    rows = [number for group in groups for number in group]
    columns = {
        "motif_id": np.array([motif.motif.name for motif in motifs], dtype=object),
        "motif_alt_id": np.array([motif.motif.alternate_name for motif in motifs], dtype=object),
        "p_value": p_value,
        "q_value": q_values_of_list(p_value),
        "target_hits": target.sequences,
        "target_total": np.full(len(motifs), target_total, dtype=np.int64),
        "background_hits": background.sequences,
        "background_total": np.full(len(motifs), background_total, dtype=np.int64),
        "fold": fold,
        "mean_offset_bp": target.mean_offset(),
        "log10_p_value": log_p / np.log(10) + 0.0,  # no minus zero
        "offset_sd_bp": target.offset_deviation(),
    }
    ordered = {name: values[rows] for name, values in columns.items()}
    ordered["cluster"] = np.array([ids[group[0]] for group in groups for _ in group], dtype=object)
    return Table({name: ordered[name] for name in ENRICH_COLUMNS})


def _distinct_ids(motifs: Sequence[ScanMotif]) -> list[str]:
    """Names of motifs; the second of a name gets `_2`, as in the matrices of `scan`."""
    seen: Counter[str] = Counter()
    ids = []
    for motif in motifs:
        seen[motif.motif.name] += 1
        number = seen[motif.motif.name]
        ids.append(motif.motif.name if number == 1 else f"{motif.motif.name}_{number}")
    return ids


def enrich(
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    motifs: str | os.PathLike[str] | Sequence[Scannable] | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    warn: Callable[[str], None] = lambda sentence: None,
    **options: Any,
) -> Table:
    """Compare FASTA files with a background and return one row per motif (columns as ENRICH_COLUMNS).

    inputs: one or more FASTA files, or none (`[]`) with `regions` and `genome`; motifs: a motif file or matrices from
    `read_motifs`; model: an artifact whose filters take their place; options: as EnrichOptions. Raises DataError for a
    bad input and UsageError for a bad option.
    """
    paths = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    genome = options.pop("genome", ())
    genomes = (os.fspath(genome),) if isinstance(genome, str | os.PathLike) else tuple(genome)
    chosen = EnrichOptions(genome=genomes, **options)
    matrices, scanning = read_scannable(motifs, model, chosen.scan_options())

    def stop(error: DataError) -> None:
        raise error

    chosen = replace(chosen, strands=scanning.strands)
    return run_enrich([os.fspath(path) for path in paths], matrices, chosen, warn=warn, on_error=stop).table
