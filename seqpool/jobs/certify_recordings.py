"""What noise, offset, gain and wander a model's decisions on recordings withstand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqpool.artifact import Artifact
from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.leads import millivolts_per
from seqpool.io.ecg.recordings import read_recording
from seqpool.jobs.certify_letters import Certified
from seqpool.jobs.classify import averaged, interpreted, signal_input
from seqpool.jobs.recording_inputs import OnError, OnNote
from seqpool.nn.certify import (
    BISECTIONS,
    LEAST_MARGIN,
    Certifier,
    Rule,
    attacked,
    decided_by_mean,
    mean_probabilities,
    smallest_success,
)
from seqpool.nn.intervals import interval_of
from seqpool.nn.perturbations import Gain, Noise, Perturbation, Wander, logit_bounds
from seqpool.options.signal_input import Signal
from seqpool.pooling.intervals import Bounds
from seqpool.records import Recording
from seqpool.signal.prepared_signal import PreparedSignal
from seqpool.signal.preprocessing import in_memory
from seqpool.signal.reach import is_plain, largest_gain
from seqpool.signal.windows import window_starts

MOST_MV = 5.0
"""A search for the largest radius goes up to here: more than any heart."""

MOST_GAIN = 0.99


class RecordingCase:
    """One recording and its decision."""

    def __init__(
        self, recording: Recording, reads: Signal, lead: str | None, artifact: Artifact, certifier: Certifier
    ) -> None:
        """Raises DataError where it cannot be judged, or has missing samples."""
        self.recording, self.reads, self.lead = recording, reads, lead
        self.artifact, self.certifier, self.rule = artifact, certifier, certifier.rule
        self.plain = is_plain(reads, recording.rate_hz)
        self.gain = largest_gain(reads, recording.rate_hz)
        with self.prepared(recording.signal) as prepared:
            if prepared.missing_share:
                raise DataError(
                    f"{recording.source}: {100 * prepared.missing_share:.2g} % of its samples are missing (NaN), of "
                    "which nothing can be proven: cut out a stretch without gaps."
                )
            samples = prepared.samples
            window = max(round((reads.window_s or samples / reads.rate_hz) * reads.rate_hz), 1)
            stride = max(round((reads.stride_s or window / reads.rate_hz / 2) * reads.rate_hz), 1)
            self.starts = window_starts(samples, window, stride).tolist()
            self.length = min(window, samples)
            wanted = artifact.facts.length if artifact.takes_one_length else None
            if wanted is not None and self.length != wanted:
                raise DataError(
                    f"{recording.source}: {self.length / reads.rate_hz:g} s of signal, the model takes "
                    f"{wanted / reads.rate_hz:g} s."
                )
            self.signal = self._tensor(prepared.read(0, samples))
        self.decided, self.name = self.judged(self.signal)

    def _tensor(self, values: NDArray[np.float32]) -> Tensor:
        dtype = next(self.certifier.network.parameters()).dtype
        return torch.from_numpy(values)[None].to(dtype)

    def prepared(self, signal: NDArray[np.float32]) -> PreparedSignal:
        """A recording like this with other samples, as the network gets it."""
        return in_memory(replace(self.recording, signal=signal), self.reads, self.lead)

    def windows(self, signal: Tensor) -> Tensor:
        """(windows, C, length) of a prepared signal (1, C, L)."""
        return torch.cat([signal[:, :, start : start + self.length] for start in self.starts])

    def judged(self, signal: Tensor) -> tuple[NDArray[np.int64], str]:
        """(labels,) of the decision as `seqpool classify` makes it, and in words."""
        with torch.no_grad():
            outputs = self.certifier.network(self.windows(signal)).double().numpy()
        answer = averaged(interpreted(outputs, self.artifact), np.full(len(self.starts), self.length), self.artifact)
        assert answer.decisions is not None
        return answer.decisions.reshape(-1), answer.decision_names()[0]

    def margin(self, signal: Tensor) -> Tensor:
        """(1,) how far the answer is from another decision; differentiable."""
        logits: Tensor = self.certifier.network(self.windows(signal))
        own = torch.from_numpy(self.decided)
        if len(self.starts) == 1:
            return self.rule.margin(logits, own if self.rule.target == "multiclass" else own[None])
        logits = logits / self.rule.temperature
        if self.rule.target == "multiclass":
            return replace(self.rule, temperature=1.0).margin(logits.softmax(dim=1).mean(dim=0, keepdim=True), own)
        limits = torch.tensor(list(self.rule.thresholds) or [0.5] * logits.shape[1], dtype=logits.dtype)
        away: Tensor = (logits.sigmoid().mean(dim=0) - limits) * (2 * own - 1)
        return away.amin()[None]

    def proven(self, perturbation: Perturbation) -> bool:
        """Whether no such perturbation of the recording alters the decision."""
        if self.plain:
            x = self.windows(self.signal)
            if len(self.starts) == 1:
                return bool(self.certifier.proven(x, self._decided_rows(), perturbation)[0])
            with torch.no_grad():
                return self._proven_mean(logit_bounds(self.certifier.network, x, perturbation))
        box = self._box(perturbation)
        if box is None:
            return False
        if len(self.starts) == 1:
            return bool(self.certifier.least_margin_within(*box, self._decided_rows())[0] > LEAST_MARGIN)
        with torch.no_grad():
            return self._proven_mean(interval_of(self.certifier.network, *box))

    def _decided_rows(self) -> Tensor:
        own = torch.from_numpy(self.decided)
        return own if self.rule.target == "multiclass" else own[None]

    def _proven_mean(self, bounds: Bounds) -> bool:
        return decided_by_mean(*mean_probabilities(bounds, self.rule), self.rule, self.decided)

    def _box(self, perturbation: Perturbation) -> tuple[Tensor, Tensor] | None:
        """Bounds of the windows after the preparation; None where there are none."""
        if isinstance(perturbation, Gain):
            if self.reads.normalise != "none":
                reach, share = 0.0, 0.0  # what is divided by its own amplitude forgets the gain
            else:
                reach, share = 0.0, perturbation.radius
        else:
            # a perturbed sample is rounded where it is stored
            stored = float(np.finfo(np.float32).eps) * float(np.abs(self.recording.signal).max())
            reach, share = self.gain * (perturbation.radius + stored), 0.0
        with self.prepared(self.recording.signal) as prepared:
            ends = prepared.read_within(0, prepared.samples, reach)
        if ends is None:
            return None
        low, high = (self.windows(self._tensor(end)) for end in ends)
        if share:
            box = Gain(share).box(low)[0], Gain(share).box(high)[1]
            limit = self.reads.limit
            return box if limit is None else (box[0].clamp(-limit, limit), box[1].clamp(-limit, limit))
        return low, high

    def succeeds(self, perturbation: Perturbation) -> bool:
        """Whether an attack alters the decision."""
        if self.plain:
            _, worst = attacked(self.margin, self.signal, perturbation)
            return bool((self.judged(worst)[0] != self.decided).any())
        return any(self._altered(signal) for signal in self._attempts(perturbation))

    def _altered(self, signal: NDArray[np.float32]) -> bool:
        try:
            with self.prepared(signal) as prepared:
                found, _ = self.judged(self._tensor(prepared.read(0, prepared.samples)))
        except DataError:
            return False
        return bool((found != self.decided).any())

    def _attempts(self, perturbation: Perturbation) -> Iterator[NDArray[np.float32]]:
        """Perturbed recordings: noise against the gradient at the network's input, carried back to the samples; of the
        other kinds some of each."""
        clean = torch.from_numpy(self.recording.signal)[None]
        if isinstance(perturbation, Noise):
            yield from self._against_the_gradient(perturbation.radius)
            return
        generator = torch.Generator().manual_seed(0)
        for _ in range(8):
            place = 2 * torch.rand(perturbation.shape(clean), generator=generator) - 1
            if isinstance(perturbation, Wander):
                yield perturbation.applied(clean, place)[0].numpy()
                continue
            for sign in (-1.0, 1.0):
                yield perturbation.applied(clean, torch.full_like(place, sign))[0].numpy()
            return

    def _against_the_gradient(self, radius: float, steps: int = 6) -> Iterator[NDArray[np.float32]]:
        now = self.recording.signal
        samples = now.shape[1]
        names = list(self.recording.leads)
        for step in range(steps):
            try:
                with self.prepared(now) as prepared:
                    x = self._tensor(prepared.read(0, prepared.samples)).requires_grad_(True)
                    leads = prepared.leads
                    flipped = prepared.turned
            except DataError:
                return
            (gradient,) = torch.autograd.grad(self.margin(x).sum(), x)
            push = np.zeros_like(now)
            times = np.arange(samples) / self.recording.rate_hz * self.reads.rate_hz
            rows = [gradient[0, i].double().numpy() for i in range(x.shape[1])]
            for name, row, turned in zip(leads, rows, flipped, strict=False):
                if name in names:
                    uphill = np.sign(np.interp(times, np.arange(len(row)), row))
                    push[names.index(name)] = -uphill if turned else uphill
            size = radius * max(1.0 - step / steps, 0.2)
            clean = self.recording.signal
            now = np.clip(now - np.float32(size) * push, clean - np.float32(radius), clean + np.float32(radius))
            yield now


def certified_recordings(
    names: Iterable[str],
    artifact: Artifact,
    perturbation: Perturbation,
    asked: bool,
    *,
    lead: str | None = None,
    double: bool = False,
    on_error: OnError,
    on_note: OnNote,
    **reading: Any,
) -> Iterator[Certified]:
    """A row for each recording, one at a time in memory.

    perturbation: of the radius that is asked for; asked False: of any, the largest is searched for. double: in
    float64. reading: unit, rate_hz, ignore_checksum, as `seqpool classify` takes them. A recording that cannot be
    judged is given to `on_error`. Raises UsageError where nothing can be proven of the model.
    """
    reads = signal_input(artifact)
    if artifact.facts.target == "regression":
        raise UsageError("the model predicts values and decides nothing: there is no decision to certify.")
    if reading.get("unit") is not None and millivolts_per(reading["unit"]) is None:
        raise UsageError(f"unit {reading['unit']!r} is no voltage (accepted: V, mV, uV, nV, or a number of them).")
    facts = artifact.facts
    network = artifact.network.double() if double else artifact.network
    certifier = Certifier(network, Rule(facts.target, facts.thresholds, facts.temperature))
    for name in names:
        try:
            recording = read_recording(name, **reading)
            for note in recording.notes:
                on_note(f"{recording.source}: {note}.")
            own = replace(perturbation, rate_hz=reads.rate_hz) if isinstance(perturbation, Wander) else perturbation
            yield _certified(RecordingCase(recording, reads, lead, artifact, certifier), own, asked)
        except DataError as error:
            on_error(error)
        except OSError as error:
            on_error(DataError(f"{name}: cannot be read: {error.strerror or error}."))


def _certified(case: RecordingCase, perturbation: Perturbation, asked: bool) -> Certified:
    most = perturbation.radius if asked else MOST_GAIN if isinstance(perturbation, Gain) else MOST_MV

    def at(radius: float) -> Perturbation:
        return replace(perturbation, radius=radius)

    def succeeds(radius: float) -> bool:
        return case.succeeds(at(radius))

    if asked:
        proven = most if case.proven(at(most)) else 0.0
    else:
        proven = _bisected(lambda radius: case.proven(at(radius)), most)
    attack = None if proven >= most else smallest_success(succeeds, proven, most)
    source = case.recording.source
    return Certified(source, case.name, proven, perturbation.unit, case.certifier.method, attack)


def _bisected(holds: Callable[[float], bool], most: float) -> float:
    """The largest radius up to `most` that holds, to 1 part in 1000 of itself; 0 where not even 1e-10 of it does."""
    low, high = 0.0, most
    if holds(most):
        return most
    radius = most
    while low == 0 and radius > most * 1e-10:
        radius /= 4
        if holds(radius):
            low = radius
        else:
            high = radius
    if low == 0:
        return 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
