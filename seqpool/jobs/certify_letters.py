"""What changed letters a model's decisions on sequences withstand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seqpool.artifact import Artifact
from seqpool.errors import DataError
from seqpool.evaluation.coding import CodingAnswers
from seqpool.io.fasta import read_fasta
from seqpool.jobs.predict import answers_of_outputs, letter_input, pad
from seqpool.jobs.recording_inputs import OnError, OnNote
from seqpool.nn.certify import LEAST_MARGIN, MOST_PAIRS, Rule
from seqpool.nn.intervals import with_margins
from seqpool.nn.letter_changes import (
    Codes,
    LetterChanges,
    changed,
    feature_bounds,
    network_outputs,
    outputs_of_single_changes,
)
from seqpool.nn.motif_detector import MotifDetector

CLOSE = 1e-3
"""Answers whose logits lie so close to another decision are given by the network itself."""

MOST_VARIANTS = 3000
"""Single changes of a sequence, each of which is looked at by itself where bounds of all do not suffice."""

MOST_LETTERS = 5000
"""Of a sequence: its single changes take that many times its own memory, thrice."""

GREEDY_ROUNDS = 16
"""Changes after which a greedy attack gives up where none were asked for."""


@dataclass(frozen=True)
class Certified:
    """One input: its decision, the radius proven and how, and the radius at which an attack changes the decision.

    radius: 0 where nothing is proven. attack_radius: None where no attack succeeded.
    """

    input: str
    decision: str
    radius: float
    unit: str
    method: str
    attack_radius: float | None


@dataclass(frozen=True)
class Withstood:
    """Whether a decision withstands some changes; by which method, and changed codes that it does not withstand."""

    proven: bool
    method: str
    witness: Codes | None = None


class LetterCertifier:
    """Decisions of a model on letters, one sequence at a time."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.network: nn.Module = artifact.network
        self.alphabet = letter_input(artifact).letters
        facts = artifact.facts
        self.rule = None if facts.job == "coding" else Rule(facts.target, facts.thresholds, facts.temperature)
        self._pairs: MotifDetector | None = None

    def decisions(self, outputs: NDArray[np.float64]) -> NDArray[np.int64]:
        """(rows, labels) of outputs; of a model of coding, whether they are coding."""
        answers = answers_of_outputs(outputs, self.artifact)
        if isinstance(answers, CodingAnswers):
            return answers.coding.astype(np.int64)[:, None]
        assert answers.decisions is not None
        return answers.decisions.reshape(len(outputs), -1)

    def name(self, codes: Codes) -> str:
        """The decision on a sequence, in words."""
        answers = answers_of_outputs(network_outputs(self.network, codes[None]), self.artifact)
        if isinstance(answers, CodingAnswers):
            return "coding" if answers.coding[0] else "noncoding"
        return answers.decision_names()[0]

    def decision(self, codes: Codes) -> NDArray[np.int64]:
        """(labels,) of a sequence."""
        found: NDArray[np.int64] = self.decisions(network_outputs(self.network, codes[None]))[0]
        return found

    def single_changes(self, codes: Codes, changes: LetterChanges) -> tuple[Codes, NDArray[np.float64]]:
        """(changes, L) codes after each single change, and their outputs; those close to another decision, where
        rounding could decide, are the network's own."""
        positions, replacement = changes.variants(codes)
        rows = changed(codes, positions, replacement)
        outputs = outputs_of_single_changes(self.network, codes, positions, replacement)
        if self.rule is not None and isinstance(self.network, MotifDetector):
            logits = torch.from_numpy(outputs)
            close = self.rule.margin(logits, self.rule.decisions(logits)).abs() < CLOSE
            if bool(close.any()):
                outputs[close.numpy()] = network_outputs(self.network, rows[close.numpy()])
        return rows, outputs

    def withstands(self, codes: Codes, decided: NDArray[np.int64], changes: LetterChanges) -> Withstood:
        """Whether no such changes alter the decision; `exact` where every one was looked at."""
        if changes.count > 1 and self._within_bounds(codes, changes):
            return Withstood(True, "windows")
        single = replace(changes, count=1)
        positions, _ = changes.variants(codes)
        if len(positions) > MOST_VARIANTS and changes.count > 1:
            return Withstood(False, "windows")
        rows, outputs = self.single_changes(codes, single)
        wrong = (self.decisions(outputs) != decided).any(axis=1) if len(rows) else np.zeros(0, dtype=bool)
        if wrong.any():
            return Withstood(False, "exact", rows[np.flatnonzero(wrong)[0]])
        if changes.count == 1:
            return Withstood(True, "exact")
        if changes.count > 2 and not isinstance(self.network, MotifDetector):
            return Withstood(False, "exact")
        fewer = replace(changes, count=changes.count - 1)
        order = np.arange(len(rows)) if self.rule is None else self._weakest_first(outputs, decided)
        for row in order:
            if changes.count == 2:
                found = self.withstands(rows[row], decided, fewer)
                if not found.proven:
                    return Withstood(False, "exact", found.witness)
            elif not self._within_bounds(rows[row], fewer):
                return Withstood(False, "windows")
        return Withstood(True, "exact" if changes.count == 2 else "windows")

    def _weakest_first(self, outputs: NDArray[np.float64], decided: NDArray[np.int64]) -> NDArray[np.int64]:
        assert self.rule is not None
        own = torch.from_numpy(decided)
        wide = own.expand(len(outputs)) if self.rule.target == "multiclass" else own.expand(len(outputs), -1)
        margin = self.rule.margin(torch.from_numpy(outputs), wide)
        order: NDArray[np.int64] = margin.argsort().numpy()
        return order

    def _within_bounds(self, codes: Codes, changes: LetterChanges) -> bool:
        """Whether the bounds of a motif detector's features prove the decision."""
        if self.rule is None or not isinstance(self.network, MotifDetector):
            return False
        decided = self.rule.decisions(torch.from_numpy(network_outputs(self.network, codes[None])))
        with torch.no_grad():
            features = feature_bounds(self.network, codes, changes)
            if self.rule.target == "multiclass":
                if self._pairs is None:
                    self._pairs = self._with_pairs()
                found = self._pairs.answer_interval(features.lower, features.upper).lower.double()
                outputs = int((1 + (1 + 4 * found.shape[1]) ** 0.5) / 2)
                own = found.view(outputs, outputs - 1)[int(decided[0])]
                return bool(own.amin() > LEAST_MARGIN)
            bounds = self.network.answer_interval(features.lower, features.upper)
        return bool(self.rule.least_margin(bounds, decided)[0] > LEAST_MARGIN)

    def _with_pairs(self) -> MotifDetector:
        assert isinstance(self.network, MotifDetector)
        eye = torch.eye(len(self.artifact.facts.classes))
        rows = [eye[i] - eye[j] for i in range(len(eye)) for j in range(len(eye)) if i != j]
        assert len(rows) <= max(MOST_PAIRS, len(eye) ** 2)
        made = with_margins(self.network, self.network.last_layers(), torch.stack(rows))
        assert isinstance(made, MotifDetector)
        return made

    def greedy(self, codes: Codes, decided: NDArray[np.int64], changes: LetterChanges) -> int | None:
        """Changes after which the decision is another one, each the one that does most; None where `changes.count` of
        them do not suffice."""
        single = replace(changes, count=1)
        now = codes
        for used in range(1, changes.count + 1):
            rows, outputs = self.single_changes(now, single)
            # a change may be taken back, which is no progress
            if not len(rows):
                return None
            if (self.decisions(outputs) != decided).any():
                return used
            if self.rule is None:
                coding = outputs[:, 1:].max(axis=1) - outputs[:, 0]
                now = rows[int(coding.argmin() if decided[0] else coding.argmax())]
            else:
                now = rows[int(self._weakest_first(outputs, decided)[0])]
        return None

    def largest(self, codes: Codes, decided: NDArray[np.int64], kind: LetterChanges) -> tuple[int, str, int | None]:
        """The most changes that are proven to alter nothing, the method, and the fewest that were found to."""
        proven, method, attack = 0, "exact", None
        while proven < len(codes):
            found = self.withstands(codes, decided, replace(kind, count=proven + 1))
            if not found.proven:
                attack = proven + 1 if found.witness is not None else None
                break
            proven, method = proven + 1, found.method
        rounds = min(GREEDY_ROUNDS, len(codes))
        if attack is None and proven < len(codes):
            attack = self.greedy(codes, decided, replace(kind, count=rounds))
        return proven, method, attack

    def trimmed(self, codes: Codes, decided: NDArray[np.int64], count: int) -> int | None:
        """The fewest letters, up to `count`, whose loss at the ends alters the decision; None where none does."""
        for lost in range(1, min(count, len(codes) - 1) + 1):
            rows = np.stack([codes[front : len(codes) - (lost - front)] for front in range(lost + 1)])
            if (self.decisions(network_outputs(self.network, rows)) != decided).any():
                return lost
        return None


def certified_sequences(
    files: Iterable[str], artifact: Artifact, kind: str | None, count: int, *, on_error: OnError, on_note: OnNote
) -> Iterator[Certified]:
    """A row for each sequence of FASTA files.

    kind: `substitutions`, `unknown` or `trim` of `count` letters; None: the largest number of substitutions. A sequence
    that cannot be judged is given to `on_error`. Raises UsageError where the model does not take sequences.
    """
    reads = letter_input(artifact)
    certifier = LetterCertifier(artifact)
    wanted = artifact.facts.length if artifact.takes_one_length else None
    for file in files:
        try:
            for sequence in read_fasta(file, reads.letters, on_error=on_error, on_warning=on_note):
                if len(sequence) == 0:
                    on_error(
                        DataError(f"{file}: record '{sequence.name}' holds no letter: there is nothing to certify.")
                    )
                    continue
                if len(sequence) > MOST_LETTERS:
                    on_error(
                        DataError(
                            f"{file}: record '{sequence.name}' has {len(sequence):,} letters, all of whose changes are "
                            f"too many to look at: expected up to {MOST_LETTERS:,}; cut out the part that matters."
                        )
                    )
                    continue
                if wanted is not None and (len(sequence) != wanted or kind == "trim"):
                    on_error(DataError(f"{file}: record '{sequence.name}' has {len(sequence)} letters, the model takes "
                                       f"{wanted} and no other number; the record is left out."))  # fmt: skip
                    continue
                codes = pad([sequence], reads)[0][0]
                yield _certified(sequence.name, codes, certifier, kind, count)
        except DataError as error:
            on_error(error)


def _certified(name: str, codes: Codes, certifier: LetterCertifier, kind: str | None, count: int) -> Certified:
    decided, said = certifier.decision(codes), certifier.name(codes)
    if kind == "trim":
        broken = certifier.trimmed(codes, decided, count)
        proven = min(count, len(codes) - 1) if broken is None else broken - 1
        return Certified(name, said, float(proven), "letters", "exact", None if broken is None else float(broken))
    if kind is None:
        proven, method, attack = certifier.largest(
            codes, decided, LetterChanges("substitutions", 1, certifier.alphabet)
        )
        return Certified(name, said, float(proven), "letters", method, None if attack is None else float(attack))
    named: Literal["substitutions", "unknown"] = "unknown" if kind == "unknown" else "substitutions"
    changes = LetterChanges(named, min(count, len(codes)), certifier.alphabet)
    found = certifier.withstands(codes, decided, changes)
    attack = None
    if not found.proven:
        attack = certifier.greedy(codes, decided, changes)
        if attack is None and found.witness is not None:
            attack = int((found.witness != codes).sum())
    radius = float(count if found.proven else 0)
    return Certified(name, said, radius, "letters", found.method, None if attack is None else float(attack))
