"""A trained network of beats on a whole lead whose R peaks are known: the probability of each class for each beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.nn.beat_network import BeatNetwork
from seqpool.options.beat_inputs import BeatInputs, FibrillationGate
from seqpool.options.training import BEAT_CLASSES as CLASSES
from seqpool.signal.beat_inputs import beat_inputs
from seqpool.signal.beat_intervals import irregularity
from seqpool.signal.beat_stretches import beat_stretches
from seqpool.signal.beat_windows import Flags

LEAST_FACTOR = 1e-12
"""A gate of factor 0 multiplies by this, which leaves a logit finite."""

Read = Callable[[int, int], NDArray[np.float32]]
"""(start, stop) -> (1, stop - start) of a prepared lead."""

Numbers = NDArray[np.float64]


def beat_probabilities(
    network: BeatNetwork, read: Read, samples: int, rate_hz: float, peaks_s: Numbers, *, temperature: float = 1.0
) -> Numbers:
    """(beats, CLASSES) probabilities of the beats at these R peaks, after the gate for atrial fibrillation.

    network: in evaluation mode. read, samples, rate_hz: of the lead. peaks_s: (beats,) rising, in seconds from its
    first sample, all of the recording's. The lead is read in stretches (`BeatInputs.stretch_s`), so memory does not
    grow with it.
    """
    numbers = network.inputs
    found = np.zeros((len(peaks_s), len(CLASSES)))
    around_s = numbers.before_s + numbers.after_s + 2 * numbers.longest_shift_s
    pieces = beat_stretches(
        samples, rate_hz, peaks_s, stretch_s=numbers.stretch_s, margin_s=numbers.margin_s, around_s=around_s
    )
    for piece in pieces:
        seen = peaks_s[piece.first : piece.last]
        signal = np.asarray(read(piece.start, piece.stop))[0]
        difference, features = beat_inputs(signal, rate_hz, seen - piece.start / rate_hz, numbers)
        # the gate of a beat asks which of so many beats around are ectopic, or beside an ectopic one
        around = numbers.fibrillation_beats + 2
        first, last = max(piece.own_first - around, piece.first), min(piece.own_last + around, piece.last)
        near = slice(first - piece.first, last - piece.first)
        logits = logits_of(network, difference[near], features[near])
        gated = softmax(gated_logits(logits, seen[near], network.options.gate, numbers) / temperature)
        found[piece.own_first : piece.own_last] = gated[piece.own_first - first : piece.own_last - first]
    return found


def logits_of(network: BeatNetwork, difference: NDArray[np.float32], features: NDArray[np.float32]) -> Numbers:
    """(beats, CLASSES) logits of a network in evaluation mode."""
    if not len(difference):
        return np.zeros((0, len(CLASSES)))
    with torch.inference_mode():
        logits: Numbers = network(torch.from_numpy(difference), torch.from_numpy(features)).double().numpy()
    return logits


def softmax(logits: Numbers) -> Numbers:
    """(beats, classes) probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Numbers = powers / powers.sum(axis=1, keepdims=True)
    return shares


def gated_logits(logits: Numbers, peaks_s: Numbers, gate: FibrillationGate, numbers: BeatInputs) -> Numbers:
    """The logits with that of S lowered where the rhythm around a beat is as irregular as in atrial fibrillation, beats
    called V or F and those beside them left out of account. No temperature comes before: it changes no decision."""
    called: Flags = np.isin(logits.argmax(axis=1), (CLASSES.index("V"), CLASSES.index("F")))
    irregular = irregularity(peaks_s, called, numbers.fibrillation_beats) > gate.limit
    found = logits.copy()
    found[irregular, CLASSES.index("S")] += np.log(max(gate.factor, LEAST_FACTOR))
    return found
