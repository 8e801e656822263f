"""Makes data/ecg_demo: simulated one-lead ECG of two rhythms with known beat times, as WFDB records.

    python scripts/make_demo_ecg.py [FOLDER]        default: data/ecg_demo

60 records e01 ... e60 of 10 s at 125 Hz, 1 uV per count: every second one is regular (sinus rhythm with the usual
variability), the others irregular without a P wave, as in atrial fibrillation. REFERENCE.csv holds `record,label`,
beats.tsv the time of every R peak, eNN.waves the onset, peak and offset of every P, QRS and T wave, as WFDB annotations
`( p )`, `( N )`, `( t )`. The same seed gives the same files.

Source: McSharry, Clifford, Tarassenko, Smith 2003, "A dynamical model for generating synthetic electrocardiogram
signals", IEEE Trans Biomed Eng 50:289; wave angles and rate factors as in their program ECGSYN.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 20030
RECORDS = 60
DURATION_S = 10.0
RATE_HZ = 125
STEPS = 4  # integration steps per sample: a step of 2 ms keeps the error of the wave under 1 uV
COUNTS_PER_MV = 1000
BEFORE_S = 1.0  # simulated and cut off, so that a record does not begin on a beat
LABELS = ("regular", "irregular")

WAVES = ("P", "Q", "R", "S", "T")
ANGLE = np.deg2rad([-70.0, -15.0, 0.0, 15.0, 100.0])
HEIGHT = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
WIDTH = np.array([0.25, 0.1, 0.1, 0.1, 0.4])
RESPIRATION_HZ = 0.25
LOWEST_MV, HIGHEST_MV = -0.4, 1.2

Array = NDArray[np.float64]


def regular_intervals(rng: np.random.Generator, rate_bpm: float, sd_bpm: float) -> Array:
    """RR intervals in seconds: a series with two spectral peaks (0.1 and 0.25 Hz, power ratio 0.5), read beat by beat.

    Mean 60 / rate, standard deviation 60 · sd / rate^2, phases at random.
    """
    count = 256  # of one second each
    frequency = np.fft.rfftfreq(count, 1.0)
    low, high = (np.exp(-((frequency - centre) ** 2) / (2 * 0.01**2)) for centre in (0.1, 0.25))
    amplitude = np.sqrt(0.5 * low + high)
    series = np.fft.irfft(amplitude * np.exp(2j * np.pi * rng.random(len(frequency))), count)
    series = (series - series.mean()) / series.std() * 60 * sd_bpm / rate_bpm**2 + 60 / rate_bpm
    intervals: list[float] = []
    while sum(intervals) < DURATION_S + BEFORE_S + 2:
        intervals.append(float(np.interp(sum(intervals), np.arange(count), series)))
    return np.array(intervals)


def irregular_intervals(rng: np.random.Generator, rate_bpm: float) -> Array:
    """RR intervals in seconds, independent of each other: log-normal with a spread of 25 %, at least 0.35 s."""
    count = round((DURATION_S + BEFORE_S + 4) / 0.35)
    return np.maximum(60 / rate_bpm * np.exp(rng.normal(0.0, 0.25, count)), 0.35)


def angular_speed(intervals: Array, times: Array) -> Array:
    """(times,) radians per second: one turn per interval, from R peak to R peak."""
    beat = np.searchsorted(np.cumsum(intervals), times, side="right")
    return 2 * np.pi / intervals[np.minimum(beat, len(intervals) - 1)]


def simulate(intervals: list[Array], heights: Array, rate_hz: float) -> Array:
    """(records, steps) the z of McSharry's equations from (1, 0, 0.04), one Runge-Kutta step of order 4 per sample.

    intervals: seconds from R peak to R peak of each record. heights: (records, 5) of the waves.
    """
    steps = round((DURATION_S + BEFORE_S) * rate_hz)
    step = 1.0 / rate_hz
    # the speed changes at an R peak, so each Runge-Kutta stage uses the speed of the step's start
    speed = np.stack([angular_speed(rr, np.arange(steps) * step) for rr in intervals])
    hurry = np.sqrt(np.array([1.0 / rr.mean() for rr in intervals]))[:, None]  # sqrt(beats per second)
    angle = ANGLE * np.concatenate([np.sqrt(hurry), hurry, hurry, hurry, np.ones_like(hurry)], axis=1)
    width = WIDTH * hurry

    def slope(state: Array, speed_now: Array, time_s: float) -> Array:
        x, y, z = state
        pull = 1.0 - np.hypot(x, y)
        apart = (np.arctan2(y, x)[:, None] - angle + np.pi) % (2 * np.pi) - np.pi
        waves = (heights * apart * np.exp(-(apart**2) / (2 * width**2))).sum(axis=1)
        baseline = 0.005 * np.sin(2 * np.pi * RESPIRATION_HZ * time_s)
        return np.stack([pull * x - speed_now * y, pull * y + speed_now * x, -waves - (z - baseline)])

    state = np.tile(np.array([[1.0], [0.0], [0.04]]), len(intervals))
    trace = np.empty((len(intervals), steps))
    for number in range(steps):
        trace[:, number] = state[2]
        time_s, w = number * step, speed[:, number]
        first = slope(state, w, time_s)
        second = slope(state + step / 2 * first, w, time_s + step / 2)
        third = slope(state + step / 2 * second, w, time_s + step / 2)
        fourth = slope(state + step * third, w, time_s + step)
        state = state + step / 6 * (first + 2 * second + 2 * third + fourth)
    return trace


def wave_marks(intervals: Array, *, with_p: bool) -> list[tuple[int, str]]:
    """(sample, symbol) in order: where the waves of the model lie within each beat, two and a half widths to each side.

    A complex begins with its Q and ends with its S. Angles before 0 belong to the interval before the R peak. Waves
    that do not lie within the record as a whole are left out.
    """
    hurry = np.sqrt(1.0 / intervals.mean())
    angle = ANGLE * np.array([np.sqrt(hurry), hurry, hurry, hurry, 1.0])
    reach = 2.5 * WIDTH * hurry
    marks: list[tuple[int, str]] = []
    for peak, before, after in zip(np.cumsum(intervals)[:-1], intervals[:-1], intervals[1:], strict=True):
        turn = np.where(angle <= 0, before, after) / (2 * np.pi)
        times = {
            "p": (angle[0] - reach[0], angle[0], angle[0] + reach[0]),
            "N": (angle[1] - reach[1], 0.0, angle[3] + reach[3]),
            "t": (angle[4] - reach[4], angle[4], angle[4] + reach[4]),
        }
        for (symbol, places), turns in zip(
            times.items(), (turn[[0, 0, 0]], turn[[1, 1, 3]], turn[[4, 4, 4]]), strict=True
        ):
            at = np.rint((peak - BEFORE_S + np.array(places) * turns) * RATE_HZ).astype(int).tolist()
            if at[0] >= 0 and at[2] < DURATION_S * RATE_HZ and (with_p or symbol != "p"):
                marks += zip(at, ("(", symbol, ")"), strict=True)
    return sorted(marks, key=lambda mark: mark[0])


def make() -> tuple[NDArray[np.int16], list[str], list[Array], list[list[tuple[int, str]]]]:
    """(records, samples) counts of 1 uV, the label of each record, its R peaks in seconds from its start, its waves."""
    rng = np.random.default_rng(SEED)
    labels = [LABELS[number % 2] for number in range(RECORDS)]
    intervals, heights = [], []
    for label in labels:
        rate_bpm = rng.uniform(58, 95)
        if label == "regular":
            intervals.append(regular_intervals(rng, rate_bpm, rng.uniform(0.8, 2.0)))
        else:
            intervals.append(irregular_intervals(rng, rate_bpm))
        height = HEIGHT * rng.uniform(0.8, 1.2, 5)
        height[0] *= label == "regular"
        heights.append(height)
    trace = simulate(intervals, np.array(heights), RATE_HZ * STEPS)
    lowest, highest = trace.min(axis=1, keepdims=True), trace.max(axis=1, keepdims=True)
    millivolts = LOWEST_MV + (HIGHEST_MV - LOWEST_MV) * (trace - lowest) / (highest - lowest)
    kept = millivolts[:, round(BEFORE_S * RATE_HZ * STEPS) :: STEPS]
    noisy = kept + rng.normal(0.0, 0.01, kept.shape)
    beats = [np.cumsum(rr) - BEFORE_S for rr in intervals]
    beats = [times[(times >= 0) & (times < DURATION_S)] for times in beats]
    marks = [wave_marks(rr, with_p=label == "regular") for rr, label in zip(intervals, labels, strict=True)]
    return np.rint(noisy * COUNTS_PER_MV).astype(np.int16), labels, beats, marks


def write(folder: Path) -> None:
    """The records with their waves, RECORDS, REFERENCE.csv and beats.tsv."""
    import wfdb

    folder.mkdir(parents=True, exist_ok=True)
    counts, labels, beats, marks = make()
    names = [f"e{number + 1:02d}" for number in range(RECORDS)]
    for name, signal, label in zip(names, counts, labels, strict=True):
        wfdb.wrsamp(
            name, fs=RATE_HZ, units=["mV"], sig_name=["II"], d_signal=signal[:, None].astype(np.int64), fmt=["16"],
            adc_gain=[COUNTS_PER_MV], baseline=[0], write_dir=str(folder),
            comments=[f"simulated by scripts/make_demo_ecg.py, {label} rhythm"],
        )  # fmt: skip
    for name, waves in zip(names, marks, strict=True):
        samples, symbols = zip(*waves, strict=True)
        wfdb.wrann(name, "waves", np.array(samples), list(symbols), fs=RATE_HZ, write_dir=str(folder))
    (folder / "RECORDS").write_text("".join(f"{name}\n" for name in names))
    (folder / "REFERENCE.csv").write_text("".join(f"{n},{label}\n" for n, label in zip(names, labels, strict=True)))
    lines = ["record\tbeat\ttime_s\n"]
    for name, times in zip(names, beats, strict=True):
        lines += [f"{name}\t{number + 1}\t{time:.4f}\n" for number, time in enumerate(times)]
    (folder / "beats.tsv").write_text("".join(lines))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "data" / "ecg_demo")
