"""Change of sampling rate by an exact ratio, in one piece or chunk by chunk with the same numbers."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, upfirdn

Samples = NDArray[np.float64]


def exact_ratio(from_hz: float, to_hz: float) -> Fraction:
    """`to_hz / from_hz`, with rates taken to 0.0001 Hz (no header states more)."""
    return Fraction(round(to_hz * 10_000), round(from_hz * 10_000))


def resample(samples: Samples, from_hz: float, to_hz: float) -> Samples:
    """(..., n) samples at `from_hz` as (..., ceil(n · to_hz / from_hz)) at `to_hz`.

    Polyphase, with the low-pass of `scipy.signal.resample_poly` (Kaiser window, beta 5, -6 dB at the lower Nyquist
    frequency), no delay; before the first and after the last sample the signal is taken to stay as it is, so that a
    constant offset passes unchanged. The samples must be finite.
    """
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate([resampler.feed(samples), resampler.finish()], axis=-1)


@lru_cache(maxsize=16)
def low_pass(up: int, down: int) -> Samples:
    """Filter at the rate from_hz · up, of an odd number of taps; of every output those at one phase of `up` count."""
    widest = max(up, down)
    taps = firwin(20 * widest + 1, 1 / widest, window=("kaiser", 5.0)) * up if widest > 1 else np.ones(1)
    return np.asarray(taps, dtype=np.float64)


class Resampler:
    """`resample` for a signal that comes in chunks: what `feed` and `finish` give, joined, is the same to the bit.

    Memory: one chunk and the filter's length.
    """

    def __init__(self, from_hz: float, to_hz: float) -> None:
        ratio = exact_ratio(from_hz, to_hz)
        self.up, self.down = ratio.numerator, ratio.denominator
        taps = low_pass(self.up, self.down)
        # leading zeros make the filter's delay a whole number of outputs
        lead = -(len(taps) // 2) % self.down
        self._taps = np.concatenate([np.zeros(lead), taps])
        self._delay = (len(taps) // 2 + lead) // self.down
        self._half = len(taps) // 2
        # input held on each side of an output, in whole steps of `down` so that the filter's phases stay aligned
        self._margin = (self._half // self.up // self.down + 2) * self.down
        self._held: Samples | None = None  # the input from sample `_begin` on
        self._offset: Samples = np.zeros(1)
        self._begin = -self._margin
        self._received = 0
        self._given = 0

    def feed(self, chunk: Samples) -> Samples:
        """The outputs that these input samples (..., n) complete."""
        chunk = np.asarray(chunk, dtype=np.float64)
        if chunk.shape[-1] == 0:
            return chunk
        if self._held is None:
            # the filter's phases differ in their sums by 0.07 %, which would make a tone of a constant
            self._offset = chunk[..., :1].copy()
            chunk = chunk - self._offset
            self._held = np.repeat(chunk[..., :1], self._margin, axis=-1)
        else:
            chunk = chunk - self._offset
        self._held = np.concatenate([self._held, chunk], axis=-1)
        self._received += chunk.shape[-1]
        ready = (self._received - 1) * self.up - self._half  # last instant, in steps of 1/up samples, that is complete
        return self._outputs(ready // self.down + 1 if ready >= 0 else 0)

    def finish(self) -> Samples:
        """The outputs that are left once the input has ended."""
        if self._held is None:
            return np.zeros(0)
        after = np.repeat(self._held[..., -1:], self._margin, axis=-1)
        self._held = np.concatenate([self._held, after], axis=-1)
        return self._outputs(-(-self._received * self.up // self.down))

    def _outputs(self, until: int) -> Samples:
        """Outputs from the first that was not given to `until`, and the input that later ones need."""
        assert self._held is not None
        if until <= self._given:
            return self._held[..., :0]
        offset = self._delay - self._begin // self.down * self.up
        filtered = upfirdn(self._taps, self._held, self.up, self.down, axis=-1)
        result: Samples = filtered[..., self._given + offset : until + offset] + self._offset
        self._given = until
        begin = max(self._begin, (until * self.down // self.up - self._margin) // self.down * self.down)
        self._held = self._held[..., begin - self._begin :]
        self._begin = begin
        return result
