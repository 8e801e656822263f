"""What a trained model says of sequences: FASTA in, one row per sequence out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet
from seqpool.artifact import Artifact
from seqpool.errors import DataError, UsageError
from seqpool.evaluation.answers import Answers, interpret
from seqpool.io.fasta import read_fasta
from seqpool.options.inputs import Letters
from seqpool.records import Sequence

BATCH_ROWS = 256

BATCH_LETTERS = 1 << 20
"""Letters per batch: sequences of 200 letters go by the hundred, chromosomes one by one."""


@dataclass(frozen=True)
class PredictedSequences:
    """Some sequences in input order: names, lengths in letters as read, and what the model says."""

    names: list[str]
    lengths: list[int]
    answers: Answers


def letter_input(artifact: Artifact) -> Letters:
    """What the model reads. Raises UsageError for a model that does not take sequences."""
    if not isinstance(artifact.input, Letters):
        raise UsageError(
            f"the model takes recordings ({artifact.facts.job}), not sequences: use seqpool classify with it."
        )
    return artifact.input


def predict(
    files: Iterable[str],
    artifact: Artifact,
    *,
    on_error: Callable[[DataError], None],
    on_warning: Callable[[str], None],
) -> Iterator[PredictedSequences]:
    """Answers for every sequence of FASTA files, batch by batch, in input order, in constant memory.

    A record with a byte that is no letter, one whose length the network does not take, and a file that cannot be read
    are given to `on_error` and have no row. Raises UsageError where the model does not take sequences.
    """
    reads = letter_input(artifact)
    for batch in _batches(_sequences(files, artifact, reads.letters, on_error, on_warning)):
        codes, lengths = pad(batch, reads)
        with torch.inference_mode():
            outputs = artifact.network(torch.from_numpy(codes), torch.from_numpy(lengths))
        yield PredictedSequences(
            [sequence.name for sequence in batch],
            [len(sequence) for sequence in batch],
            answers_of_outputs(outputs.numpy().astype(np.float64), artifact),
        )


def answers_of_outputs(outputs: NDArray[np.float64], artifact: Artifact) -> Answers:
    """Calibrated probabilities and decisions of a network's (rows, outputs)."""
    facts = artifact.facts
    return interpret(
        outputs,
        facts.target,
        facts.classes,
        temperature=facts.temperature,
        thresholds=facts.thresholds,
        offset=facts.offset,
        scale=facts.scale,
    )


def pad(batch: list[Sequence], reads: Letters) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(rows, longest) codes, padded with the alphabet's unknown symbol, and (rows,) lengths."""
    methionine = reads.letters.symbols.find("M") if reads.skip_leading_methionine else -1
    codes = [one.codes[1:] if methionine >= 0 and one.codes[0] == methionine else one.codes for one in batch]
    lengths = np.array([len(one) for one in codes], dtype=np.int64)
    padded = np.full((len(codes), max(int(lengths.max()), 1)), reads.letters.unknown, dtype=np.uint8)
    for row, one in enumerate(codes):
        padded[row, : len(one)] = one
    return padded, lengths


def _sequences(
    files: Iterable[str],
    artifact: Artifact,
    alphabet: Alphabet,
    on_error: Callable[[DataError], None],
    on_warning: Callable[[str], None],
) -> Iterator[Sequence]:
    wanted = artifact.facts.length if artifact.takes_one_length else None
    for file in files:
        try:
            for sequence in read_fasta(file, alphabet, on_error=on_error, on_warning=on_warning):
                if wanted is not None and len(sequence) != wanted:
                    on_error(
                        DataError(
                            f"{file}: record '{sequence.name}' has {len(sequence)} letters, "
                            f"the model takes {wanted}; the record is left out."
                        )
                    )
                else:
                    yield sequence
        except DataError as error:
            on_error(error)


def _batches(sequences: Iterator[Sequence]) -> Iterator[list[Sequence]]:
    batch: list[Sequence] = []
    longest = 0
    for sequence in sequences:
        longest = max(longest, len(sequence))
        if batch and (len(batch) == BATCH_ROWS or (len(batch) + 1) * longest > BATCH_LETTERS):
            yield batch
            batch, longest = [], len(sequence)
        batch.append(sequence)
    if batch:
        yield batch
