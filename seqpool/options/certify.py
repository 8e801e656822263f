"""What a prediction should withstand: amounts as users write them, and training for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

SIGNAL_KINDS = ("noise", "offset", "gain", "wander")
LETTER_KINDS = ("substitutions", "unknown", "trim")

MILLIVOLTS = {"V": 1000.0, "mV": 1.0, "uV": 1e-3, "µV": 1e-3, "nV": 1e-6}

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|inf"


def millivolts(text: str) -> float:
    """A voltage above 0 with its unit, such as `0.05mV` or `50 uV`, in millivolts. Raises ValueError for any other."""
    found = re.fullmatch(rf"\s*({_NUMBER})\s*(V|mV|uV|µV|nV)\s*", text)
    if found is None:
        raise ValueError(f"{text!r} is no voltage, expected a number with a unit (V, mV, uV, nV), such as 0.05mV")
    value = float(found[1]) * MILLIVOLTS[found[2]]
    if not 0 < value < float("inf"):
        raise ValueError(f"{text} is no radius, expected more than 0")
    return value


def hertz(text: str) -> float:
    """A frequency above 0 with its unit, such as `0.5Hz`. Raises ValueError for any other."""
    found = re.fullmatch(rf"\s*({_NUMBER})\s*Hz\s*", text)
    if found is None:
        raise ValueError(f"{text!r} is no frequency, expected a number of Hz, such as 0.5Hz")
    value = float(found[1])
    if not 0 < value < float("inf"):
        raise ValueError(f"{text} is no frequency, expected more than 0")
    return value


def share(text: str | float) -> float:
    """A share above 0 and below 1. Raises ValueError for any other."""
    value = float(text)
    if not 0 < value < 1:
        raise ValueError(f"{text} is no gain, expected a share above 0 and below 1, such as 0.1")
    return value


def wander(text: str) -> tuple[float, float]:
    """Amplitude in millivolts and frequency in hertz of such as `0.2mV:0.5Hz`. Raises ValueError for any other."""
    amount, colon, frequency = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is no wander, expected an amplitude and a frequency, such as 0.2mV:0.5Hz")
    return millivolts(amount), hertz(frequency)


@dataclass(frozen=True)
class CertifiedTraining:
    """A term of the loss on what is proven: the loss of the worst logits within the interval bounds
    (Gowal et al. 2018, arXiv:1810.12715).

    noise: on every sample that the network sees, such as `0.05mV`; the signal is left in millivolts then
    (`signal: {normalise: none}`). substitutions: of so many letters anywhere, for a MotifDetector. One of the two.
    warmup: epochs over which radius and weight grow from 0. weight: the term's share of the loss from then on.
    """

    noise: str | None = None
    substitutions: int | None = None
    warmup: int = 5
    weight: float = 0.5

    def __post_init__(self) -> None:
        if (self.noise is None) == (self.substitutions is None):
            raise ValueError("certify takes noise (for signals) or substitutions (for letters), and not both")
        if self.noise is not None:
            millivolts(self.noise)
        if self.substitutions is not None and self.substitutions < 1:
            raise ValueError(f"substitutions is {self.substitutions}, expected at least 1")
        if self.warmup < 0:
            raise ValueError(f"warmup is {self.warmup}, expected at least 0 epochs")
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight is {self.weight:g}, expected a share above 0 and up to 1")

    @property
    def noise_mv(self) -> float:
        """The noise in millivolts; 0 where letters are substituted."""
        return 0.0 if self.noise is None else millivolts(self.noise)
