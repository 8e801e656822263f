"""What a network for recordings eats: leads, rate, and every number of the preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Signal:
    """Voltage signals of one rate, brought to a form without a unit. Stored in the artifact.

    leads: a model of one channel prefers them in this order, and takes a recording's only lead whatever its name;
        with `all_leads` each is a channel.
    rate_hz: of the network's input; recordings of any rate are resampled (polyphase).
    highpass_hz, lowpass_hz: Butterworth edges, each of order `filter_order`; null: none. notch_hz: mains hum.
    causal: filtered forwards only, as in a stream; else forwards and backwards, without delay.
    normalise: divided by the median range of a second (`second_range`), by the standard deviation (`standard`), or
        left in millivolts (`none`). limit: larger amplitudes are cut to it; null: not cut.
    upright: a lead that points down (the median over seconds of the sum of the smallest and the largest sample is
        below 0) is turned over, so that a recording upside down gets the same answer; not with `all_leads`, whose
        signs tell of the heart's axis.
    shortest_s: a shorter recording is refused.
    window_s: longer recordings are judged in windows of so many seconds, every `stride_s` seconds (null: half a
        window), and the probabilities averaged; null: each recording in one piece.
    """

    leads: tuple[str, ...] = ()
    all_leads: bool = False
    rate_hz: float = 100.0
    highpass_hz: float | None = 0.5
    lowpass_hz: float | None = 40.0
    filter_order: int = 2
    notch_hz: float | None = None
    causal: bool = False
    normalise: Literal["second_range", "standard", "none"] = "second_range"
    upright: bool = False
    limit: float | None = 5.0
    shortest_s: float = 2.0
    window_s: float | None = None
    stride_s: float | None = None

    def __post_init__(self) -> None:
        if self.all_leads and not self.leads:
            raise ValueError("all_leads is set and leads is empty, expected the names of the leads")
        if self.all_leads and self.upright:
            raise ValueError("upright is set, which turns one lead: a model of several together reads them as they are")
        if not 1 <= self.rate_hz <= 100_000:
            raise ValueError(f"rate_hz is {self.rate_hz:g}, expected 1 to 100000")
        for name in ("highpass_hz", "lowpass_hz", "notch_hz"):
            value = getattr(self, name)
            if value is not None and not 0 < value < self.rate_hz / 2:
                raise ValueError(f"{name} is {value:g}, expected more than 0 and less than half of rate_hz")
        if self.highpass_hz is not None and self.lowpass_hz is not None and self.highpass_hz >= self.lowpass_hz:
            raise ValueError(f"highpass_hz ({self.highpass_hz:g}) must be below lowpass_hz ({self.lowpass_hz:g})")
        if not 1 <= self.filter_order <= 8:
            raise ValueError(f"filter_order is {self.filter_order}, expected 1 to 8")
        for name in ("limit", "shortest_s", "window_s", "stride_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value:g}, expected more than 0")
        if self.stride_s is not None and (self.window_s is None or self.stride_s > self.window_s):
            raise ValueError("stride_s goes with window_s and is at most as long")

    @property
    def channels(self) -> int:
        """Channels of the tensor that the network gets."""
        return len(self.leads) if self.all_leads else 1
