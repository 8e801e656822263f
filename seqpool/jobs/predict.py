"""What a trained model says of sequences: FASTA in, one row per sequence out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet
from seqpool.artifact import Artifact, load_artifact
from seqpool.errors import DataError, UsageError
from seqpool.evaluation.answers import Answers, interpret
from seqpool.evaluation.coding import CodingAnswers, coding_answers
from seqpool.io.fasta import read_fasta
from seqpool.io.tables import Table, concatenated
from seqpool.nn.codon_encoder import CodonEncoder
from seqpool.nn.evidence import StrongestWindows, strongest_windows
from seqpool.options.coding import NONCODING
from seqpool.options.inputs import Letters
from seqpool.records import Sequence
from seqpool.zoo.shipped import model_file

BATCH_ROWS = 256

BATCH_LETTERS = 1 << 20
"""Letters per batch: sequences of 200 letters go by the hundred, chromosomes one by one."""


@dataclass(frozen=True)
class PredictedSequences:
    """Some sequences in input order: names, lengths in letters as read, what the model says, and where (if asked)."""

    names: list[str]
    lengths: list[int]
    answers: Answers | CodingAnswers
    where: StrongestWindows | None = None


def letter_input(artifact: Artifact) -> Letters:
    """What the model reads. Raises UsageError for a model that does not take sequences."""
    if not isinstance(artifact.input, Letters):
        raise UsageError(
            f"the model takes recordings ({artifact.facts.job}), not sequences: use seqpool classify with it."
        )
    return artifact.input


def predicted(
    files: Iterable[str],
    artifact: Artifact,
    *,
    where: bool = False,
    on_error: Callable[[DataError], None],
    on_warning: Callable[[str], None],
) -> Iterator[PredictedSequences]:
    """Answers for every sequence of FASTA files, batch by batch, in input order, in constant memory.

    where: with the window that spoke most for each class. A record with a byte that is no letter, one whose length the
    network does not take, and a file that cannot be read are given to `on_error` and have no row. The first one that is
    longer than the fragments that a model of coding was trained on is a warning.
    Raises UsageError where the model does not take sequences.
    """
    reads = letter_input(artifact)
    if where and artifact.facts.job == "coding":
        raise UsageError("--where is not for a model of coding: its columns frame and strand say where it looked.")
    longest = _longest_fragment(artifact)
    for batch in _batches(_sequences(files, artifact, reads.letters, on_error, on_warning)):
        too_long = next((one for one in batch if longest is not None and len(one) > longest), None)
        if too_long is not None:
            on_warning(
                f"record '{too_long.name}' has {len(too_long):,} letters, the model judges fragments of up to "
                f"{longest}, as it was trained on: it and other long ones are judged as one fragment each; "
                "seqpool coding finds the coding regions in them."
            )
            longest = None
        padded, read_lengths, skipped = pad(batch, reads)
        codes, lengths = torch.from_numpy(padded), torch.from_numpy(read_lengths)
        with torch.inference_mode():
            outputs = artifact.network(codes, lengths)
        windows = None
        if where:
            windows = strongest_windows(artifact.network, codes, lengths, len(artifact.facts.classes))
            shift = skipped[:, None]
            windows = StrongestWindows(windows.start + shift, windows.stop + shift, windows.strand)
        yield PredictedSequences(
            [sequence.name for sequence in batch],
            [len(sequence) for sequence in batch],
            answers_of_outputs(outputs.numpy().astype(np.float64), artifact),
            windows,
        )


def _longest_fragment(artifact: Artifact) -> int | None:
    """Letters of the longest fragment that a model which can also scan was trained on; None for other models."""
    if not isinstance(artifact.network, CodonEncoder):
        return None
    lengths = artifact.facts.data.get("fragments", {}).get("lengths")
    return int(lengths[1]) if lengths else None


def predict(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    model: str | os.PathLike[str],
    *,
    where: bool = False,
) -> Table:
    """The table of `seqpool predict` for one or more FASTA files and an artifact.

    Raises DataError for the first bad file or record, UsageError where the model does not take sequences.
    """

    def stop(error: DataError) -> None:
        raise error

    paths = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    artifact = load_artifact(model_file(os.fspath(model)))
    results = predicted(
        [os.fspath(path) for path in paths], artifact, where=where, on_error=stop, on_warning=warnings.warn
    )
    return concatenated([table_rows(result) for result in results], table_columns(artifact, where=where))


def table_columns(artifact: Artifact, *, where: bool) -> dict[str, Any]:
    """Columns of the table, by name, with their types."""
    facts = artifact.facts
    columns: dict[str, Any] = {"sequence": str, "length": np.int64}
    if facts.job == "coding":
        return columns | {"p_coding": np.float64, "frame": np.int64, "strand": str, "decision": str}
    prefix = "y" if facts.target == "regression" else "p"
    columns |= {f"{prefix}_{name}": np.float64 for name in facts.classes}
    columns["decision"] = str
    if where:
        for name in facts.classes:
            columns |= {f"start_{name}": np.int64, f"stop_{name}": np.int64, f"strand_{name}": str}
    return columns


def table_rows(result: PredictedSequences) -> dict[str, NDArray[Any]]:
    """The rows of the table; starts and stops are 1-based and closed, as FIMO's."""
    answers = result.answers
    rows: dict[str, NDArray[Any]] = {
        "sequence": np.array(result.names, dtype=object),
        "length": np.array(result.lengths, dtype=np.int64),
    }
    if isinstance(answers, CodingAnswers):
        rows |= {"p_coding": np.round(answers.p_coding, 6), "frame": answers.frame}
        rows["strand"] = np.array([strand or "." for strand in answers.strand], dtype=object)
        rows["decision"] = np.where(answers.coding, "coding", NONCODING).astype(object)
        return rows
    rows |= {name: np.round(answers.values[:, i], 6) for i, name in enumerate(answers.columns())}
    rows["decision"] = np.array(answers.decision_names(), dtype=object)
    if result.where is not None:
        for i, name in enumerate(answers.classes):
            rows[f"start_{name}"] = result.where.start[:, i] + 1
            rows[f"stop_{name}"] = result.where.stop[:, i]
            rows[f"strand_{name}"] = np.where(result.where.strand[:, i] > 0, "+", "-").astype(object)
    return rows


def answers_of_outputs(outputs: NDArray[np.float64], artifact: Artifact) -> Answers | CodingAnswers:
    """Calibrated probabilities and decisions of a network's (rows, outputs)."""
    facts = artifact.facts
    if facts.job == "coding":
        return coding_answers(outputs, temperature=facts.temperature, threshold=facts.thresholds[0])
    return interpret(
        outputs,
        facts.target,
        facts.classes,
        temperature=facts.temperature,
        thresholds=facts.thresholds,
        offset=facts.offset,
        scale=facts.scale,
    )


def pad(batch: list[Sequence], reads: Letters) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """(rows, longest) codes padded with the unknown symbol, (rows,) lengths, (rows,) letters left out at the start."""
    methionine = reads.letters.symbols.find("M") if reads.skip_leading_methionine else -1
    skipped = np.array([int(one.codes[0] == methionine) for one in batch], dtype=np.int64)
    codes = [one.codes[skip:] for one, skip in zip(batch, skipped, strict=True)]
    lengths = np.array([len(one) for one in codes], dtype=np.int64)
    padded = np.full((len(codes), max(int(lengths.max()), 1)), reads.letters.unknown, dtype=np.uint8)
    for row, one in enumerate(codes):
        padded[row, : len(one)] = one
    return padded, lengths, skipped


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
