"""How beats are described to a network, and what is done about atrial fibrillation; stored in the artifact."""

from __future__ import annotations

from dataclasses import dataclass, field

from seqpool.options.signal_input import Signal


@dataclass(frozen=True)
class BeatInputs:
    """Every number by which beats are described, once a lead is prepared (de Chazal et al. 2004 for the idea of RR
    ratios and shapes; docs/experiments-ecg.md for what each is worth).

    before_s, after_s: a beat's window around its R peak. align_from_s, align_to_s: the stretch by which a beat is laid
    on its template, moved by at most longest_shift_s.
    regular_within: intervals that differ from the median of the local_beats around by at most this share are regular.
    least_correlation: of a QRS complex with its template, for the beat to count as of its shape.
    template_beats: regular beats up to so many before and after make a beat's template. local_beats, far_beats: so many
    intervals before and after make the references of RR ratios. fibrillation_beats: likewise of the irregularity.
    clusters: of regular shapes. neighbours: so many beats of the most similar shape tell what rhythm they come in.
    stretch_s: a long recording is cut into stretches of about so long, each with statistics of its own, which see
    margin_s on both sides.
    """

    before_s: float = 0.896
    after_s: float = 0.64
    align_from_s: float = -0.25
    align_to_s: float = 0.4
    longest_shift_s: float = 0.112
    regular_within: float = 0.12
    least_correlation: float = 0.9
    template_beats: int = 150
    local_beats: int = 8
    far_beats: int = 300
    fibrillation_beats: int = 30
    clusters: int = 5
    neighbours: int = 20
    stretch_s: float = 1800.0
    margin_s: float = 150.0

    def __post_init__(self) -> None:
        if not 0.5 <= self.before_s <= 5 or not 0.5 <= self.after_s <= 5:
            raise ValueError("before_s and after_s are 0.5 to 5 s")
        if not -self.before_s <= self.align_from_s < self.align_to_s <= self.after_s:
            raise ValueError("align_from_s to align_to_s lies inside the window from -before_s to after_s")
        if not 0 <= self.longest_shift_s <= 0.5:
            raise ValueError(f"longest_shift_s is {self.longest_shift_s:g}, expected 0 to 0.5 s")
        if not 0 < self.regular_within < 1 or not 0 < self.least_correlation < 1:
            raise ValueError("regular_within and least_correlation are shares between 0 and 1")
        for name in ("template_beats", "local_beats", "far_beats", "fibrillation_beats", "clusters", "neighbours"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 1")
        if self.stretch_s < 60 or self.margin_s < 0:
            raise ValueError("stretch_s is at least 60 and margin_s at least 0")


@dataclass(frozen=True)
class FibrillationGate:
    """In atrial fibrillation every interval is unlike the last, and an early beat is no supraventricular ectopic one.

    limit: where the median |log of an interval over the next| around a beat (fibrillation_beats before and after, beats
    called V or F and those beside them left out) is above it, the probability of S is multiplied by factor.
    """

    limit: float = 0.07
    factor: float = 0.05

    def __post_init__(self) -> None:
        if self.limit <= 0 or not 0 <= self.factor <= 1:
            raise ValueError("limit is above 0, factor from 0 to 1")


@dataclass(frozen=True)
class BeatSignal(Signal):
    """One lead, and how the beats in it are described.

    A lead is prepared as `Signal` says; `window_s` and `stride_s` are not used: a detector sees whole leads.
    """

    beats: BeatInputs = field(default_factory=BeatInputs)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.all_leads:
            raise ValueError("all_leads is set, expected one lead at a time: beats are those of one lead")
