"""Band-pass and mains notch as second-order sections in float64: zero phase offline, causal with carried state.

Sections, because a band-pass from 0.05 Hz written as one polynomial ratio has poles outside the unit circle at ECG
rates; float64, because float32 sections are wrong by up to 0.03 mV there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, iirnotch, sosfilt, sosfilt_zi, sosfiltfilt, tf2sos

Sections = NDArray[np.float64]
Samples = NDArray[np.float64]


def design(
    rate_hz: float,
    highpass_hz: float | None = None,
    lowpass_hz: float | None = None,
    order: int = 2,
    notch_hz: float | None = None,
) -> Sections:
    """(sections, 6): a Butterworth high-pass, low-pass or both, and a notch of quality 30; none at all passes all.

    order: of each edge. Raises ValueError where a frequency is not between 0 and half the rate.
    """
    return _designed(rate_hz, highpass_hz, lowpass_hz, order, notch_hz).copy()


@lru_cache(maxsize=64)
def _designed(
    rate_hz: float, highpass_hz: float | None, lowpass_hz: float | None, order: int, notch_hz: float | None
) -> Sections:
    nyquist = rate_hz / 2
    for name, value in (("highpass_hz", highpass_hz), ("lowpass_hz", lowpass_hz), ("notch_hz", notch_hz)):
        if value is not None and not 0 < value < nyquist:
            raise ValueError(f"{name} is {value:g}, expected more than 0 and less than half the rate ({nyquist:g} Hz)")
    parts = []
    if highpass_hz is not None and lowpass_hz is not None:
        parts.append(butter(order, [highpass_hz, lowpass_hz], "bandpass", fs=rate_hz, output="sos"))
    elif highpass_hz is not None:
        parts.append(butter(order, highpass_hz, "highpass", fs=rate_hz, output="sos"))
    elif lowpass_hz is not None:
        parts.append(butter(order, lowpass_hz, "lowpass", fs=rate_hz, output="sos"))
    if notch_hz is not None:
        parts.append(tf2sos(*iirnotch(notch_hz, 30.0, fs=rate_hz)))
    return np.concatenate(parts) if parts else np.zeros((0, 6))


def zero_phase(samples: Samples, sections: Sections, rate_hz: float) -> Samples:
    """(..., n) filtered forwards and backwards: no delay, and twice the attenuation (-6 dB at the edges).

    The ends are continued by up to 3 s of odd reflection.
    """
    if not len(sections) or samples.shape[-1] < 2:
        return samples
    padding = min(samples.shape[-1] - 1, round(3 * rate_hz))
    return np.asarray(sosfiltfilt(sections, samples, axis=-1, padlen=padding), dtype=np.float64)


FORGOTTEN = 1e-9
"""What is left of a disturbance once a filter has forgotten it."""


def memory_samples(sections: Sections) -> int:
    """Samples after which the slowest pole of a filter has FORGOTTEN a disturbance."""
    poles = [abs(pole) for section in sections for pole in np.roots(section[3:])]
    slowest = max(poles, default=0.0)
    return int(np.ceil(np.log(FORGOTTEN) / np.log(slowest))) if slowest > 0 else 1


class ZeroPhaseBlocks:
    """`zero_phase` for a signal (n,) that comes in chunks, in blocks of a fixed size.

    A block is filtered with as much of the signal on both sides as the filter remembers, so its samples differ from
    those of the whole by about 1e-9 of the signal; they are the same to the bit however the chunks were cut, and a
    signal of one block is filtered as a whole. Memory: a block, its sides and a chunk.
    """

    def __init__(self, sections: Sections, rate_hz: float, block: int) -> None:
        self.sections, self.rate_hz, self.block = sections, rate_hz, block
        self._side = memory_samples(sections)
        self._held: list[Samples] = []
        self._begin = 0  # of what is held
        self._received = 0
        self._given = 0

    def feed(self, chunk: Samples) -> Iterator[Samples]:
        """The blocks that these samples complete."""
        self._held.append(np.asarray(chunk, dtype=np.float64))
        self._received += len(chunk)
        while self._given + self.block + self._side <= self._received:
            yield self._filtered(self._given + self.block)

    def finish(self) -> Iterator[Samples]:
        """The blocks that are left once the signal has ended."""
        while self._given < self._received:
            yield self._filtered(min(self._given + self.block, self._received))

    def _filtered(self, until: int) -> Samples:
        held = np.concatenate(self._held)
        piece = held[: min(until + self._side, self._received) - self._begin]
        result = zero_phase(piece, self.sections, self.rate_hz)[self._given - self._begin : until - self._begin]
        begin = max(until - self._side, 0)
        self._held, self._begin, self._given = [held[begin - self._begin :]], begin, until
        return result


class CausalFilter:
    """A filter that carries its state from chunk to chunk: any cutting gives the numbers of the whole, to the bit.

    It starts as if the first sample had always been there, so an offset makes no step.
    """

    def __init__(self, sections: Sections) -> None:
        self.sections = sections
        self._state: NDArray[np.float64] | None = None

    def feed(self, chunk: Samples) -> Samples:
        """(..., n) the next samples, filtered."""
        samples = np.asarray(chunk, dtype=np.float64)
        if not len(self.sections) or samples.shape[-1] == 0:
            return samples
        if self._state is None:
            steady = sosfilt_zi(self.sections)
            shape = (len(steady), *(1,) * (samples.ndim - 1), 2)
            self._state = steady.reshape(shape) * samples[..., :1]
        filtered, self._state = sosfilt(self.sections, samples, axis=-1, zi=self._state)
        return np.asarray(filtered, dtype=np.float64)
