"""How far a beat's shape is from that of regular beats, and how broad, high and steep it is."""

from __future__ import annotations

import numpy as np

from seqpool.signal.beat_intervals import moved, running_median
from seqpool.signal.beat_templates import LaidBeats
from seqpool.signal.beat_windows import FLAT, BeatNumbers, Flags, Floats, Numbers, correlation, stretch
from seqpool.signal.medians import column_medians, row_medians

_PARTS_S = {"P": (-0.26, -0.07), "QRS": (-0.08, 0.10), "T": (0.14, 0.46), "broad QRS": (-0.14, 0.20)}
"""Seconds from the R peak of the stretches that are compared one by one."""

_BODY_S = (-0.25, 0.40)
_COMPLEX_S = (-0.16, 0.22)
_CLUSTERED_S = {"QRS": (-0.10, 0.14), "body": _BODY_S}

_OF_NEIGHBOURS = ("distance QRS", "correlation QRS", "scaled distance P", "scaled distance T", "width", "height")
"""Told of the beat before and the one after, too."""

_AGAINST_THOSE_AROUND = ("distance QRS", "distance P", "distance T", "cluster body")
"""Told once more against the beats around, all of which noise makes unlike the template."""

AROUND = 10
"""So many beats before and after."""

SHAPE_FEATURES = (
    *(f"{what} {part}" for part in _PARTS_S for what in ("scaled distance", "distance", "correlation")),
    "correlation whole",
    "distance whole",
    *(f"cluster {part}" for part in _CLUSTERED_S),
    "width",
    "height",
    "slope",
    "area",
    "sharpness",
    "width in seconds",
    "upwards",
    "downwards",
    "T upwards",
    "T downwards",
    "P upwards",
    "match",
    "moved by",
    *(f"{name} {side}" for name in _OF_NEIGHBOURS for side in ("before", "after")),
    *(f"{name} to those around" for name in _AGAINST_THOSE_AROUND),
    "noise",
)
"""Names of what `shape_features` tells of a beat."""

_LEAST_SPREAD = 0.03
"""Noise of a typical lead, of height 1: less is not believed."""


def shape_features(laid: LaidBeats, numbers: BeatNumbers, rate_hz: float) -> dict[str, Numbers]:
    """SHAPE_FEATURES of each beat. Distances and ratios are logarithms, heights in those of the template."""
    found = {**_distances(laid, numbers, rate_hz), **_clusters(laid, numbers, rate_hz), **_form(laid, numbers, rate_hz)}
    found["match"] = laid.match
    found["moved by"] = np.abs(laid.shift) / rate_hz * 25
    for name in _OF_NEIGHBOURS:
        found[f"{name} before"], found[f"{name} after"] = moved(found[name], -1), moved(found[name], 1)
    for name in _AGAINST_THOSE_AROUND:
        found[f"{name} to those around"] = found[name] - running_median(found[name], AROUND)
    found["noise"] = running_median(found["scaled distance QRS"], AROUND)
    return {name: found[name] for name in SHAPE_FEATURES}


def _distances(laid: LaidBeats, numbers: BeatNumbers, rate_hz: float) -> dict[str, Numbers]:
    """Root mean square differences from the template, plain and over the spread of regular beats, and correlations."""
    difference = laid.beats - laid.templates
    spread: Floats = np.float32(1.4826) * column_medians(np.abs(difference[laid.regular]))
    spread = np.maximum(spread, max(_LEAST_SPREAD, 0.3 * float(np.median(spread))))
    found = {}
    for name, seconds in _PARTS_S.items():
        part = stretch(numbers, rate_hz, *seconds)
        own = difference[:, part]
        if name in ("P", "T"):  # flat waves: a shifted base line is no other shape
            own = own - own.mean(axis=1, keepdims=True)
        found[f"scaled distance {name}"] = _log_size(own / spread[part], 0.1)
        found[f"distance {name}"] = _log_size(own, 0.02)
        found[f"correlation {name}"] = correlation(laid.beats[:, part], laid.templates[:, part])
    part = stretch(numbers, rate_hz, *_PARTS_S["broad QRS"])
    found["correlation whole"] = correlation(laid.beats[:, part], laid.whole[None, part])
    found["distance whole"] = _log_size(laid.beats[:, part] - laid.whole[part], 0.02)
    return found


def _log_size(values: Floats, least: float) -> Numbers:
    found: Numbers = np.log(np.sqrt((values.astype(np.float64) ** 2).mean(axis=1)) + least)
    return found


def _clusters(laid: LaidBeats, numbers: BeatNumbers, rate_hz: float) -> dict[str, Numbers]:
    """Distance to the nearest of the shapes that regular beats come in."""
    found = {}
    for name, seconds in _CLUSTERED_S.items():
        values = laid.beats[:, stretch(numbers, rate_hz, *seconds)]
        nearest = np.sqrt(_squared(values, cluster_centres(values[laid.regular], numbers.clusters)).min(axis=1))
        typical = float(np.median(nearest[laid.regular]))
        found[f"cluster {name}"] = np.log(nearest / (typical + 0.02 * np.sqrt(values.shape[1])) + 0.1)
    return found


def cluster_centres(values: Floats, count: int, rounds: int = 10) -> Floats:
    """(at most `count`, features) centres of clusters (k-means, Lloyd 1982) of values (n, features), n at least one.

    No chance is in it: the first centre is the median, each next one lies far from those before, though not farthest,
    where artefacts are. A centre with fewer than 2 % of the values stays where it was put.
    """
    centres = column_medians(values)[None]
    squared = _squared(values, centres)
    for _ in range(min(count, len(values)) - 1):
        order = np.argsort(squared.min(axis=1), kind="stable")
        added = values[order[int(0.97 * (len(order) - 1))]][None]
        centres = np.concatenate([centres, added])
        squared = np.concatenate([squared, _squared(values, added)], axis=1)
    nearest = squared.argmin(axis=1)
    for _ in range(rounds):
        for place in range(len(centres)):
            members = nearest == place
            if members.sum() > max(3, 0.02 * len(values)):
                centre = values[members].mean(axis=0)
                if (centre != centres[place]).any():
                    centres[place] = centre
                    squared[:, place] = _squared(values, centre[None])[:, 0]
        before, nearest = nearest, squared.argmin(axis=1)
        if (nearest == before).all():
            break
    return centres


def _squared(values: Floats, centres: Floats) -> Floats:
    """(n, centres) squared distances."""
    return np.stack([((values - centre) ** 2).sum(axis=1) for centre in centres], axis=1)


def _form(laid: LaidBeats, numbers: BeatNumbers, rate_hz: float) -> dict[str, Numbers]:
    """Width, height, slope and area of the QRS complex over those of regular beats, and how high waves reach."""
    beats = laid.beats.astype(np.float64)
    inside = stretch(numbers, rate_hz, *_COMPLEX_S)
    base = row_medians(beats[:, stretch(numbers, rate_hz, *_BODY_S)])[:, None]
    qrs, usual = beats[:, inside], laid.templates[:, inside].astype(np.float64)
    size = np.abs(qrs - base)
    height = np.ptp(qrs, axis=1)
    slope = np.abs(np.diff(qrs, axis=1)).max(axis=1)
    width_s = (size > 0.25 * size.max(axis=1, keepdims=True)).sum(axis=1) / rate_hz
    scale = max(float(np.ptp(laid.whole[inside])), FLAT)
    t_wave = beats[:, stretch(numbers, rate_hz, *_PARTS_S["T"])] - base
    p_wave = beats[:, stretch(numbers, rate_hz, *_PARTS_S["P"])] - base
    regular = laid.regular
    return {
        "width": _log_ratio(width_s, regular),
        "height": _log_ratio(height, regular),
        "slope": _log_ratio(slope, regular),
        "area": _log_ratio(size.sum(axis=1), regular),
        "sharpness": _log_ratio(slope / np.maximum(height, FLAT), regular),
        "width in seconds": 10 * width_s - 1,
        "upwards": (qrs.max(axis=1) - usual.max(axis=1)) / scale,
        "downwards": (qrs.min(axis=1) - usual.min(axis=1)) / scale,
        "T upwards": _over_regular(t_wave.max(axis=1), regular) / scale,
        "T downwards": _over_regular(t_wave.min(axis=1), regular) / scale,
        "P upwards": _over_regular(p_wave.max(axis=1), regular) / scale,
    }


def _log_ratio(values: Numbers, regular: Flags) -> Numbers:
    found: Numbers = np.log((values + 1e-3) / (np.median(values[regular]) + 1e-3))
    return found


def _over_regular(values: Numbers, regular: Flags) -> Numbers:
    found: Numbers = values - np.median(values[regular])
    return found
