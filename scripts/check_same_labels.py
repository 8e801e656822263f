#!/usr/bin/env python
"""Does a recording keep its label as WFDB, EDF and CSV, in mV and uV, at other rates, and upside down?

    SEQPOOL_DATA=... python scripts/check_same_labels.py [--recordings 500] [--beats 22] [--seed 12] [--results FILE]

Rhythm: so many recordings of CinC 2017 (300 Hz), drawn without replacement by numpy's default generator of the seed
from the sorted names, cut to whole seconds. Each is written in every format and unit at its own rate and at 100, 250,
360 and 500 Hz (scipy's polyphase resampling), and as WFDB upside down at each rate. A step is 1 uV in 16 bits
throughout, as the recorder that they come from has (1000 steps per mV, up to 32 mV): at the own rate each form holds
the very samples, at another rate they are rounded to such steps. Beats: five minutes of so many records of MIT-BIH DS1
in the same forms, a step of 5 uV; the share of beats that the form keeps, within 50 ms and of the same class, of those
found in either.

The shipped models label every form by the functions behind `seqpool classify`. Results on stdout, one line a recording
on stderr; what was done stands in --results and is not done again. The exit code is 1 where formats and units of one
rate do not all agree in rhythm, or a rate or the sign keeps less than 98 % of the labels of the original.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import edfio
import numpy as np
import torch
import wfdb
from numpy.typing import NDArray
from scipy.signal import resample_poly

from seqpool.artifact import Artifact, load_artifact
from seqpool.jobs.beats import beats_of_recordings
from seqpool.jobs.classify import classified
from seqpool.zoo.shipped import default_model

Steps = NDArray[np.int64]

RATES_HZ = (100, 250, 360, 500)
FORMATS = ("wfdb", "edf", "csv")
UNITS = {"mV": 1.0, "uV": 1000.0}
LEAST_SAME = 0.98
BEATS_S = 300
NEAR_S = 0.05
CINC_HZ, CINC_MV = 300, 0.001
DS1_HZ, DS1_MV = 360, 0.005


def written(
    folder: Path, name: str, kind: str, unit: str, steps: Steps, rate_hz: int, step_mv: float, lead: str
) -> Path:
    """Writes whole seconds of a lead, (samples,) whole steps of `step_mv`, and returns the name to read it by."""
    size = step_mv * UNITS[unit]
    if kind == "wfdb":
        wfdb.wrsamp(name, fs=rate_hz, units=[unit], sig_name=[lead], d_signal=steps[:, None], fmt=["16"],
                    adc_gain=[1 / size], baseline=[0], write_dir=str(folder))  # fmt: skip
        return folder / name
    if kind == "edf":
        signal = edfio.EdfSignal.from_digital(
            steps.astype(np.int16), rate_hz, label=f"ECG {lead}", physical_dimension=unit,
            physical_range=(-32768 * size, 32767 * size), digital_range=(-32768, 32767),
        )  # fmt: skip
        edfio.Edf([signal], data_record_duration=1).write(folder / f"{name}.edf")
        return folder / f"{name}.edf"
    decimals = 3 if unit == "mV" else 0
    rows = [f"{at / rate_hz:.6f},{value * size:.{decimals}f}" for at, value in enumerate(steps.tolist())]
    (folder / f"{name}.csv").write_text("\n".join([f"time_s,{lead} [{unit}]", *rows]) + "\n")
    return folder / f"{name}.csv"


def forms(folder: Path, steps: Steps, rate_hz: int, step_mv: float, lead: str) -> dict[str, Path]:
    """Writes every form of a recording; its names by `rate format unit sign`, the original's rate first."""
    found = {}
    for to_hz in (rate_hz, *(rate for rate in RATES_HZ if rate != rate_hz)):
        here = steps
        if to_hz != rate_hz:
            shared = np.gcd(to_hz, rate_hz)
            moved = resample_poly(steps.astype(np.float64), to_hz // shared, rate_hz // shared, padtype="edge")
            here = np.clip(np.rint(moved), -32767, 32767).astype(np.int64)
        for kind in FORMATS:
            for unit in UNITS:
                label = f"{to_hz}_{kind}_{unit}_upright"
                found[label] = written(folder, label, kind, unit, here, to_hz, step_mv, lead)
        label = f"{to_hz}_wfdb_mV_inverted"
        found[label] = written(folder, label, "wfdb", "mV", -here, to_hz, step_mv, lead)
    return found


def raised(error: Exception) -> None:
    """Any form that cannot be read ends the run."""
    raise error


def silent(note: str) -> None:
    """Notes are not looked at here."""


class Results:
    """Finished recordings, one JSON line each."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._done: dict[str, dict[str, Any]] = {row.pop("recording"): row for row in map(json.loads, lines)}

    def of(self, recording: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What was found for a recording, now or in an earlier run."""
        if recording not in self._done:
            begin = time.perf_counter()
            self._done[recording] = call()
            print(f"{recording}\t{time.perf_counter() - begin:.2f} s", file=sys.stderr, flush=True)
            if self._path is not None:
                with self._path.open("a") as stream:
                    stream.write(json.dumps({"recording": recording, **self._done[recording]}) + "\n")
        return self._done[recording]


def rhythm_of_forms(record: Path, artifact: Artifact) -> dict[str, Any]:
    """The decision and the confidence for each form of a recording of CinC 2017."""
    raw: Steps = wfdb.rdrecord(str(record), physical=False).d_signal[:, 0].astype(np.int64)
    with tempfile.TemporaryDirectory() as name:
        found = forms(Path(name), raw[: len(raw) // CINC_HZ * CINC_HZ], CINC_HZ, CINC_MV, "I")
        results = classified([str(path) for path in found.values()], artifact, on_error=raised, on_note=silent)
        answers = {label: one.answer for label, one in zip(found, results, strict=True)}
    return {
        label: [answer.decision_names()[0], round(float(answer.confidence()[0]), 6)]
        for label, answer in answers.items()
    }


def beats_of_forms(record: Path, artifact: Artifact) -> dict[str, Any]:
    """For each form of five minutes of a record of DS1: beats kept, and beats in it or in the original."""
    read = wfdb.rdrecord(str(record), physical=False, sampto=BEATS_S * DS1_HZ)
    lead = "MLII"
    raw: Steps = read.d_signal[:, read.sig_name.index(lead)].astype(np.int64) - 1024
    with tempfile.TemporaryDirectory() as name:
        found = forms(Path(name), raw, DS1_HZ, DS1_MV, lead)
        paths = [str(path) for path in found.values()]
        results = list(beats_of_recordings(paths, artifact, on_error=raised, on_note=silent))
    first = results[0]
    kept = {}
    for label, one in zip(found, results, strict=True):
        apart = np.abs(first.times_s[:, None] - one.times_s)
        pairs = np.flatnonzero(apart.min(axis=1, initial=np.inf) <= NEAR_S)
        same = (first.classes()[pairs] == one.classes()[apart[pairs].argmin(axis=1)]).sum()
        kept[label] = [int(same), len(first.times_s) + len(one.times_s) - len(pairs)]
    return kept


def rhythm_table(rows: Sequence[dict[str, Any]]) -> bool:
    """Prints the recordings that keep their label in each form; whether all bars are met."""
    print("rhythm\trecordings\tsame label\tshare\tbar\tlargest change of confidence where the label stays")
    good = True
    labels = list(rows[0])
    original = labels[0]
    for label in labels[1:]:
        rate = label.split("_")[0]
        same_rate = f"{rate}_wfdb_mV_upright"
        # formats and units are held against the same samples, rates and sign against the original
        exact = label.endswith("upright") and label != same_rate
        against = same_rate if exact else original
        same = [row for row in rows if row[label][0] == row[against][0]]
        moved = max((abs(row[label][1] - row[against][1]) for row in same), default=0.0)
        least = 1.0 if exact else LEAST_SAME
        good = good and len(same) >= least * len(rows)
        name = label.replace("_", " ") + (f" against {same_rate.replace('_', ' ')}" if exact else "")
        print(f"{name}\t{len(rows)}\t{len(same)}\t{len(same) / len(rows):.4f}\t{least:g}\t{moved:.6f}")
    return good


def beats_table(rows: Sequence[dict[str, Any]]) -> None:
    """Prints the share of beats that each form keeps."""
    print("beats\trecords\tbeats\tsame\tshare\tleast of a record")
    for label in list(rows[0])[1:]:
        same, count = (sum(row[label][place] for row in rows) for place in (0, 1))
        least = min(row[label][0] / max(row[label][1], 1) for row in rows)
        print(f"{label.replace('_', ' ')}\t{len(rows)}\t{count}\t{same}\t{same / max(count, 1):.4f}\t{least:.4f}")


def main() -> int:
    """Labels what is missing and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=int, default=500)
    parser.add_argument("--beats", type=int, default=22, help="records of DS1")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--results", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    root = Path(os.environ.get("SEQPOOL_DATA") or Path.home() / ".cache" / "seqpool-data") / "ecg"
    names = sorted(path.stem for path in (root / "cinc2017").glob("*.hea"))
    chosen = np.random.default_rng(arguments.seed).choice(names, arguments.recordings, replace=False).tolist()
    results = Results(arguments.results)
    good = True
    if chosen:
        artifact = load_artifact(default_model("rhythm"))
        good = rhythm_table(
            [results.of(name, lambda name=name: rhythm_of_forms(root / "cinc2017" / name, artifact)) for name in chosen]
        )
    records = sorted(path.stem for path in (root / "mitdb_ds1").glob("*.hea"))[: arguments.beats]
    if records:
        beats = load_artifact(default_model("beats"))
        beats_table(
            [results.of(name, lambda name=name: beats_of_forms(root / "mitdb_ds1" / name, beats)) for name in records]
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
