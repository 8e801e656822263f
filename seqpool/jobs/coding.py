"""Coding regions of genomes and contigs: letters in, regions with strand and frame out, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.alphabet import DNA, Codes, GeneticCode, codon_codes
from seqpool.artifact import Artifact, load_artifact
from seqpool.errors import DataError, UsageError
from seqpool.jobs.fasta_inputs import FastaInputs
from seqpool.kernels.coding_path import STATES, agreed, extend_paths, traced
from seqpool.nn.coding_evidence import BLOCK, coding_evidence, margin
from seqpool.nn.codon_encoder import CodonEncoder
from seqpool.zoo.shipped import model_file

ENTER_COST = 6.0
"""What the log-odds of a region's codons must sum up to before it is one (natural logarithm)."""

OPEN_COST = 3.0
"""What they must sum up to besides where no stop codon follows the region: at an intron, a frame shift, an error."""

CHUNK = 1000 * BLOCK
"""Letters that are looked at together."""

UNDECIDED = 1 << 20
"""Codons after which a path is decided although others survive; memory stays bounded whatever the sequence."""


@dataclass(frozen=True)
class CodingRegion:
    """A region that codes.

    start, end: 0-based half open on the forward strand, whole codons; with its stop codon where one follows.
    strand: +1 or -1. frame: 0 to 2, of its codons counted from the strand's own 5' end of the whole sequence.
    score: log-odds in bits that its codons code.
    """

    start: int
    end: int
    strand: int
    frame: int
    score: float


@dataclass
class RegionPath:
    """What is known of the best ways through a sequence, and the codons that are not decided yet."""

    enter_cost: float = ENTER_COST
    open_cost: float = OPEN_COST
    totals: NDArray[np.float64] = field(default_factory=lambda: np.array([0.0] + [-1e9] * (STATES - 1)))
    steps: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, STATES), dtype=np.uint8))
    evidence: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, STATES - 1), dtype=np.float32))
    # before the first codon anything may stand: a region that begins there is not open for want of a stop
    stops: NDArray[np.bool_] = field(default_factory=lambda: np.ones((1, STATES - 1), dtype=bool))
    first: int = 0
    state: int = 0
    begun: int = 0
    score: float = 0.0

    def take(
        self, evidence: NDArray[np.float32], stops: NDArray[np.bool_], *, last: bool
    ) -> Iterator[tuple[int, int, int, float]]:
        """More codons, and which of them are stops; gives (state, first codon, end codon, score) of each region that is
        decided."""
        steps = np.empty((len(evidence), STATES), dtype=np.uint8)
        extend_paths(evidence, np.concatenate([self.stops, stops]), self.enter_cost, self.open_cost, self.totals, steps)
        self.stops = stops[-1:]
        self.steps = np.concatenate([self.steps, steps])
        self.evidence = np.concatenate([self.evidence, evidence])
        if last or len(self.steps) > UNDECIDED:
            codon, state = len(self.steps) - 1, int(self.totals.argmax())
            if not last:  # what follows has to start from the state that was decided on
                self.totals[np.arange(STATES) != state] = -1e9
        else:
            codon, state = agreed(self.steps)
        if codon >= 0:
            yield from self._decided(traced(self.steps, codon, state))
            self.steps, self.evidence = self.steps[codon + 1 :], self.evidence[codon + 1 :]
            self.first += codon + 1
        if last and self.state:
            yield self.state, self.begun, self.first, self.score

    def _decided(self, path: NDArray[np.uint8]) -> Iterator[tuple[int, int, int, float]]:
        edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
        for begin, end in pairwise(edges):
            state = int(path[begin])
            if state != self.state:
                if self.state:
                    yield self.state, self.begun, self.first + begin, self.score
                self.state, self.begun, self.score = state, self.first + begin, 0.0
            if state:
                self.score += float(self.evidence[begin:end, state - 1].sum(dtype=np.float64))


class CodingScanner:
    """Finds coding regions with a trained CodonEncoder, sequence after sequence, piece by piece."""

    def __init__(self, network: CodonEncoder, genetic_code: int) -> None:
        """genetic_code: of the sequences. The network is set to it."""
        network.read_as(genetic_code)
        self._network = network
        self._stops = GeneticCode(genetic_code).certain_stops

    def regions(self, pieces: Iterator[Codes], length: int) -> Iterator[CodingRegion]:
        """Regions of one sequence of `length` letters, given in pieces, in order of their end."""
        path = RegionPath()
        stops = _StopMap()
        done = 0
        for codes, before, after in chunks(pieces, length, margin(self._network)):
            evidence, is_stop = self.evidence(codes, before, after)
            stops.take(is_stop)
            letters = len(codes) - before - after
            done += letters
            for state, first, end, score in path.take(evidence, is_stop, last=done == length):
                yield _region(state, first, end, score, length, stops)
            stops.forget(min(path.first, path.begun if path.state else path.first))

    def evidence(self, codes: Codes, before: int, after: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(codons, 6) log-odds of every codon as `coding_evidence` gives them, and whether it is a stop.

        A stop is no codon of a region: its log-odds are minus infinity.
        """
        with torch.inference_mode():
            found = coding_evidence(self._network, torch.from_numpy(codes), before, after).numpy()
        is_stop = np.zeros(found.shape, dtype=bool)
        ends = np.stack([
            self._stops[codon_codes(codes)],
            self._stops[codon_codes(DNA.reverse_complement(codes))][::-1],
        ])  # fmt: skip
        ends = ends[:, before : before + 3 * len(found)]
        flat = np.zeros((2, 3 * len(found)), dtype=bool)
        flat[:, : ends.shape[1]] = ends
        is_stop[:] = flat.reshape(2, -1, 3).transpose(1, 0, 2).reshape(-1, 6)
        found[is_stop] = -np.inf
        return np.nan_to_num(found, neginf=-1e6), is_stop


class _StopMap:
    """Which codons are stops, for the stretch of a sequence that is still needed."""

    def __init__(self) -> None:
        self._first = 0
        self._flags = np.zeros((0, STATES - 1), dtype=bool)

    def take(self, flags: NDArray[np.bool_]) -> None:
        """The next codons."""
        self._flags = np.concatenate([self._flags, flags])

    def forget(self, codon: int) -> None:
        """Codons before the one before this are not needed again."""
        lost = max(codon - 1 - self._first, 0)
        self._flags = self._flags[lost:]
        self._first += lost

    def at(self, codon: int, state: int) -> bool:
        """Whether this codon is known to be a stop in the frame of this state."""
        place = codon - self._first
        return 0 <= place < len(self._flags) and bool(self._flags[place, state - 1])


def _region(state: int, first: int, end: int, score: float, length: int, stops: _StopMap) -> CodingRegion:
    strand, offset = (1, state - 1) if state <= 3 else (-1, state - 4)
    if strand > 0 and stops.at(end, state):
        end += 1
    if strand < 0 and stops.at(first - 1, state):
        first -= 1
    start, stop = 3 * first + offset, 3 * end + offset
    frame = offset if strand > 0 else (length - stop) % 3
    return CodingRegion(start, stop, strand, frame, score / float(np.log(2)))


def chunks(pieces: Iterator[Codes], length: int, context: int) -> Iterator[tuple[Codes, int, int]]:
    """Stretches of CHUNK letters with up to `context` letters on either side: (codes, letters before, letters after).

    Cut at multiples of CHUNK whatever the pieces are, so that results do not depend on them.
    """
    buffer = np.zeros(0, dtype=np.uint8)
    first = 0  # of the buffer
    start = 0  # of the next stretch
    waiting: list[Codes] = []
    held = 0
    for codes in pieces:
        waiting.append(codes)
        held += len(codes)
        end = first + len(buffer) + held
        if end < length and end < start + CHUNK + context:
            continue
        buffer, waiting, held = np.concatenate([buffer, *waiting]), [], 0
        while start < length and (end == length or end >= start + CHUNK + context):
            stop = min(start + CHUNK, length)
            before, after = min(context, start), min(context, length - stop)
            yield buffer[start - before - first : stop + after - first], before, after
            start = stop
        kept = max(start - context, 0)
        buffer, first = buffer[kept - first :], kept


def coding_network(artifact: Artifact) -> CodonEncoder:
    """The network that scans. Raises UsageError for a model that cannot."""
    if artifact.facts.job != "coding" or not isinstance(artifact.network, CodonEncoder):
        raise UsageError(
            f"the model does not find coding regions (its job is {artifact.facts.job}, its network "
            f"{artifact.facts.network['class_path']}): one trained with FrameModel and CodonEncoder does."
        )
    if artifact.network.options.frames != 6:
        raise UsageError("the model reads the given strand only (frames: 3), a genome has two: train one of frames: 6.")
    return artifact.network


@dataclass(frozen=True)
class ScannedSequence:
    """A sequence that is being scanned: its regions come as they are found."""

    name: str
    length: int
    regions: Iterator[CodingRegion]


def scanned(
    inputs: Sequence[str],
    artifact: Artifact,
    *,
    genetic_code: int | None = None,
    on_error: Callable[[DataError], None],
    on_warning: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[ScannedSequence]:
    """Every good sequence of FASTA files in their order; each one's regions are to be taken before the next.

    genetic_code: NCBI's number; None: the model's own. progress: is told the letters done and the letters in all.
    Bad records and files are given to `on_error` first, and give nothing. Raises UsageError for a model that cannot
    scan and for a genetic code that is not.
    """
    network = coding_network(artifact)
    try:
        scanner = CodingScanner(network, genetic_code or network.options.genetic_code)
    except ValueError as error:
        raise UsageError(f"--genetic-code: {error}.") from error
    with FastaInputs(inputs, DNA, soft_mask="keep", warn=on_warning) as fasta:
        for bad in fasta.bad:
            on_error(bad)
        total = sum(fasta.lengths[i] for i in fasta.good)
        done = 0
        runs = fasta.runs()

        def pieces() -> Iterator[Codes]:
            nonlocal done
            for run in runs:
                done += len(run.codes)
                progress(done, total)
                if len(run.codes):
                    yield run.codes
                if run.last:
                    return

        for index in fasta.good:
            of_this = pieces()
            yield ScannedSequence(
                fasta.names[index], fasta.lengths[index], scanner.regions(of_this, fasta.lengths[index])
            )
            for _ in of_this:  # whoever stops early still comes to the next sequence
                pass


def find_coding(
    inputs: Sequence[str | Path], model: str | Path = "dna-coding", *, genetic_code: int | None = None
) -> dict[str, list[CodingRegion]]:
    """Coding regions of every sequence of FASTA files by its name, as `seqpool coding` writes them.

    Raises DataError for the first bad file or record, UsageError for a model that cannot scan.
    """

    def stop(error: DataError) -> None:
        raise error

    artifact = load_artifact(model_file(model))
    found = scanned(
        [str(one) for one in inputs], artifact, genetic_code=genetic_code, on_error=stop, on_warning=lambda text: None
    )
    return {sequence.name: list(sequence.regions) for sequence in found}
