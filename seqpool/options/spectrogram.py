"""How sound becomes a map of time and frequency, as records: in seconds and hertz, whatever the rate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Pcen:
    """Per-channel energy normalisation (Wang et al. 2017), with the names and defaults of librosa.

    gain, bias, power: P = (E / (eps + M)^gain + bias)^power - bias^power. time_constant_s: of the smoothed energy M.
    scale: what the power is multiplied by before; with samples from -1 to 1 librosa's documentation takes 2^31.
    start: M before the first frame: `one`, as in librosa, an absolute level whatever the clip's; or `first`, the
    first frame's energy, so that a short clip is not swallowed by the run-in.
    """

    gain: float = 0.98
    bias: float = 2.0
    power: float = 0.5
    time_constant_s: float = 0.4
    eps: float = 1e-6
    scale: float = 1.0
    start: Literal["one", "first"] = "one"

    def __post_init__(self) -> None:
        for name in ("gain", "bias", "power", "time_constant_s", "eps", "scale"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name):g}, expected more than 0")


@dataclass(frozen=True)
class Spectrogram:
    """Power of a short-time Fourier transform, summed into bands, compressed, normalised.

    window_s, hop_s: length of the periodic Hann window, and from one frame to the next. Frame t is centred on t hops;
        outside of the clip there are zeros. transform_s: length of the transform, the window in its middle; null: the
        smallest power of two of samples that holds the window.
    bands: `mel_slaney` or `mel_htk` (triangles equally spaced in mel of that definition), `log` (triangles equally
        spaced in octaves) or `linear` (every frequency of the transform, power as it is). band_count: of the first
        three. lowest_hz, highest_hz: edges of the bands; highest null: half the rate.
    equal_area: each triangle is divided by half its width in hertz (librosa's norm="slaney").
    level: `clip`: power is divided by its mean over the clip, so that loudness counts nothing; `none`.
    compression: `log`: ln(power + log_floor); `decibel`: 10 log10 of at least log_floor, and at most `range_db` below
        the clip's peak; `pcen`; `none`.
    normalise: `clip`: mean 0 and deviation 1 over the clip; `none`.
    views: what the network sees of it, as channels: `plain`; `row`, without each band's mean over time; `delta` and
        `delta2`, slope and curvature over 9 frames, edge frames repeated beyond the edge.
    """

    window_s: float = 0.032
    hop_s: float = 0.01
    transform_s: float | None = None
    bands: Literal["mel_slaney", "mel_htk", "log", "linear"] = "mel_slaney"
    band_count: int = 40
    lowest_hz: float = 0.0
    highest_hz: float | None = None
    equal_area: bool = True
    level: Literal["clip", "none"] = "clip"
    compression: Literal["log", "decibel", "pcen", "none"] = "log"
    log_floor: float = 1e-5
    range_db: float | None = 80.0
    pcen: Pcen = field(default_factory=Pcen)
    normalise: Literal["clip", "none"] = "clip"
    views: tuple[Literal["plain", "row", "delta", "delta2"], ...] = ("plain",)

    def __post_init__(self) -> None:
        if not 0 < self.hop_s <= self.window_s:
            raise ValueError(f"hop_s is {self.hop_s:g}, expected more than 0 and at most window_s ({self.window_s:g})")
        if self.transform_s is not None and self.transform_s < self.window_s:
            raise ValueError(f"transform_s is {self.transform_s:g}, expected at least window_s ({self.window_s:g})")
        if self.band_count < 1:
            raise ValueError(f"band_count is {self.band_count}, expected at least 1")
        if self.lowest_hz < 0 or (self.highest_hz is not None and self.highest_hz <= self.lowest_hz):
            raise ValueError("lowest_hz is at least 0 and below highest_hz")
        if self.bands == "log" and self.lowest_hz <= 0:
            raise ValueError("bands: log start above 0 Hz: set lowest_hz")
        if self.log_floor <= 0 or (self.range_db is not None and self.range_db <= 0):
            raise ValueError("log_floor and range_db are above 0")
        if not self.views or len(set(self.views)) < len(self.views):
            raise ValueError("views lists each view once, at least one")


@dataclass(frozen=True)
class SpectrogramAugmentation:
    """How a spectrogram differs from step to step in training.

    time_masks stretches of up to time_mask_s seconds, and frequency_masks stretches of up to frequency_mask_bands
    bands, are set to the clip's mean (SpecAugment, Park et al. 2019); they lie within the clip, not in its padding.
    frequency_warp: frequencies are multiplied by a factor drawn from 1 - this to 1 + this before they are summed into
    bands, as of a shorter or longer vocal tract (VTLP, Jaitly & Hinton 2013).
    """

    time_masks: int = 0
    time_mask_s: float = 0.1
    frequency_masks: int = 0
    frequency_mask_bands: int = 4
    frequency_warp: float = 0.0

    def __post_init__(self) -> None:
        if self.time_masks < 0 or self.frequency_masks < 0:
            raise ValueError("time_masks and frequency_masks are at least 0")
        if not self.time_mask_s > 0 or self.frequency_mask_bands < 1:
            raise ValueError("time_mask_s is above 0 and frequency_mask_bands at least 1")
        if not 0 <= self.frequency_warp < 0.5:
            raise ValueError(f"frequency_warp is {self.frequency_warp:g}, expected a share from 0 up to 0.5")
