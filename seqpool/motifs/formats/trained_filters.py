"""The filters of a trained motif detector, as motifs: read from its artifact without torch."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError, safe_open

from seqpool.alphabet import Alphabet
from seqpool.errors import DataError, SeqpoolError
from seqpool.motifs.matrix import FilterMatrix, Matrix
from seqpool.options.check import record
from seqpool.options.facts import Facts, read_facts
from seqpool.options.inputs import Letters
from seqpool.options.networks import MotifDetector, network_record


@dataclass(frozen=True)
class TrainedFilters:
    """filters: in the order of the network's features, named `filter_1`, `filter_2`, ...; strands: `both` or
    `forward`, as they were trained."""

    filters: tuple[FilterMatrix, ...]
    strands: str


def read_filters(path: str | os.PathLike[str]) -> TrainedFilters:
    """The filters of an artifact whose network is a MotifDetector.

    Raises DataError for a file that is damaged or of another kind, and for a network without motif filters.
    """
    name = os.fspath(path)
    facts = read_facts(name)
    detector, alphabet = _detector(name, facts)
    filters: list[FilterMatrix] = []
    for layer, width in enumerate(detector.widths):
        weights = _weights(name, f"motifs.{layer}.weight")
        if weights.ndim != 3 or weights.shape[1:] != (len(alphabet.letters), width):
            raise DataError(
                f"{name}: weight motifs.{layer}.weight is {weights.shape}, "
                f"expected (filters, {len(alphabet.letters)}, {width})."
            )
        for one in weights:
            filters.append(FilterMatrix(f"filter_{len(filters) + 1}", "", alphabet, one.T, name))
    if len(filters) != detector.filters:
        raise DataError(f"{name} holds {len(filters)} filters, expected {detector.filters}: the file is damaged.")
    return TrainedFilters(tuple(filters), "forward" if detector.strands == "forward" else "both")


def _detector(name: str, facts: Facts) -> tuple[MotifDetector, Alphabet]:
    try:
        network = network_record(facts.network)
        if not isinstance(network, MotifDetector):
            raise DataError(
                f"{name} holds a network of class {facts.network['class_path']}, which has no motif filters: "
                "--model of scan takes a MotifDetector."
            )
        values = {key: value for key, value in facts.input.items() if key != "kind"}
        letters: Letters = record(Letters, values, key=("input",))
    except DataError:
        raise
    except SeqpoolError as error:
        raise DataError(f"{name} describes a model that cannot be built: {error}") from error
    return network, letters.letters


def _weights(name: str, key: str) -> Matrix:
    try:
        with safe_open(name, framework="np") as opened:
            weights = np.asarray(opened.get_tensor(key), dtype=np.float64)
    except SafetensorError as error:
        raise DataError(f"{name} lacks the weight {key}: the file is damaged.") from error
    except TypeError as error:
        raise DataError(f"{name}: weight {key} is of a number type that NumPy lacks; store it as float32.") from error
    if not np.isfinite(weights).all():
        raise DataError(f"{name}: weight {key} is not finite.")
    return weights
