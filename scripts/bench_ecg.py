#!/usr/bin/env python
"""A day of ECG through beats and rhythm: memory, time, and the numbers of the whole.

    SEQPOOL_DATA=... python scripts/bench_ecg.py [--beats ARTIFACT] [--rhythm ARTIFACT] [--hours 24]

Joins MIT-BIH records (two leads, 360 Hz) to one WFDB record of that many hours and one of ten minutes. Each row of the
first table is a process of its own: peak resident memory of finding beats, of judging the rhythm and of both, for ten
minutes and for the long record; the bar is 60 MB between them. The second table is one process on one thread: CPU
seconds of each stage, and its ratio to sleepecg's R-peak detection alone on the same samples, which runs between the
stages; the bar is 30 for all together. The last line compares the beats with those found with all of the record read
and seen at once. Without --beats or --rhythm the models that come with seqpool are used; a missing one is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

RATE_HZ = 360
RECORD_S = 650_000 / RATE_HZ
SHORT_S = 600.0
READ_SAMPLES = 300 * RATE_HZ
MOST_MB, MOST_TIMES = 60.0, 30.0


def write_long(folder: Path, name: str, data: Path, seconds: float) -> Path:
    """One record of the first `seconds` of all records joined, over and over."""
    names = sorted(path.stem for path in data.glob("*.hea"))
    frames, wanted = 0, round(seconds * RATE_HZ)
    sums = np.zeros(2, dtype=np.int64)
    with (folder / f"{name}.dat").open("wb") as stream:
        turn = 0
        while frames < wanted:
            raw = np.fromfile(data / f"{names[turn % len(names)]}.dat", dtype=np.uint8).reshape(-1, 3)  # format 212
            raw = raw[: wanted - frames]
            stream.write(raw.tobytes())
            low, middle, high = raw.astype(np.int64).T
            for place, code in enumerate((low + ((middle & 15) << 8), high + ((middle & 240) << 4))):
                sums[place] += int(np.where(code > 2047, code - 4096, code).sum())
            frames, turn = frames + len(raw), turn + 1
    checksums = (sums + 32768) % 65536 - 32768
    lines = [f"{name} 2 {RATE_HZ} {frames}"]
    for checksum, lead in zip(checksums, ("MLII", "V1"), strict=True):
        lines.append(f"{name}.dat 212 200 11 1024 0 {checksum} 0 {lead}")
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    return folder / name


def peak_mb(record: Path, task: str, models: list[str]) -> float:
    """Peak resident memory of a process that answers `task` (beats, rhythm or both) for a record."""
    command = [sys.executable, __file__, "--measure", task, str(record), *models]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(task: str, record: str, beats: str | None, rhythm: str | None) -> None:
    """Answers, and prints this process's peak resident memory in MB."""
    from seqpool.artifact import load_artifact
    from seqpool.io.ecg.recordings import open_recording
    from seqpool.io.output import open_output
    from seqpool.io.tables import TsvWriter
    from seqpool.jobs.beats import BEAT_COLUMNS, beat_rows, beats_of
    from seqpool.jobs.classify import classified

    if beats is not None and task in ("beats", "both"):
        found, _ = beats_of(open_recording(record), load_artifact(beats))
        with open_output(os.devnull) as stream:
            TsvWriter(stream, tuple(BEAT_COLUMNS)).write(beat_rows(found))
    if rhythm is not None and task in ("rhythm", "both"):
        list(classified([record], load_artifact(rhythm), on_error=_raised, on_note=_silent))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _raised(error: Exception) -> None:
    raise error


def _silent(note: str) -> None:
    pass


def stages(record: Path, beats: str | None, rhythm: str | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name and work of each stage; each takes what those before it left."""
    from seqpool.artifact import load_artifact
    from seqpool.io.ecg.recordings import open_recording
    from seqpool.jobs.classify import classified
    from seqpool.nn.beat_classifier import beat_probabilities
    from seqpool.nn.peak_finder import found_peaks
    from seqpool.signal.prepared_signal import prepared_signal

    opened = open_recording(record)
    yield "reading", lambda: [None for _ in opened.blocks(READ_SAMPLES)]
    if beats is not None:
        artifact = load_artifact(beats)
        reads: Any = artifact.input
        network: Any = artifact.network
        kept: dict[str, Any] = {}

        def prepare() -> None:
            kept["signal"] = prepared_signal(open_recording(record), reads)

        def find() -> None:
            signal = kept["signal"]
            kept["peaks"] = found_peaks(network.detector, signal.read, signal.samples, reads.rate_hz)

        def classes() -> None:
            signal = kept["signal"]
            beat_probabilities(network, signal.read, signal.samples, reads.rate_hz, kept["peaks"])

        yield "beats: reading and preparing", prepare
        yield "beats: R peaks", find
        yield "beats: classes", classes
        kept["signal"].__exit__(None, None, None)
    if rhythm is not None:
        model = load_artifact(rhythm)
        yield "rhythm, all of it", lambda: list(classified([record], model, on_error=_raised, on_note=_silent))


def timed(record: Path, beats: str | None, rhythm: str | None) -> float:
    """Prints the seconds of each stage; returns the ratio of all of them to sleepecg's detector."""
    import torch
    from sleepecg import detect_heartbeats

    from seqpool.io.ecg.recordings import open_recording

    torch.set_num_threads(1)
    signal = open_recording(record).signal()[0].astype(np.float64)
    detect_heartbeats(signal[: 60 * RATE_HZ], RATE_HZ)  # compiled on first use

    def referee() -> float:
        begin = time.process_time()
        detect_heartbeats(signal, RATE_HZ)
        return time.process_time() - begin

    theirs, ours = [referee()], []
    for name, work in stages(record, beats, rhythm):
        begin = time.process_time()
        work()
        ours.append((name, time.process_time() - begin))
        theirs.append(referee())
    unit = float(np.median(theirs))
    print(f"{'sleepecg, R peaks alone':<32}{unit:8.2f} s      1.0")
    for name, seconds in ours:
        print(f"{name:<32}{seconds:8.2f} s {seconds / unit:8.1f}")
    total = sum(seconds for name, seconds in ours if name != "reading")
    print(f"{'all':<32}{total:8.2f} s {total / unit:8.1f}  (bar {MOST_TIMES:g})", flush=True)
    return total / unit


def same_at_once(record: Path, beats: str) -> str:
    """A sentence that compares the beats of blocks with those of the record read and seen at once."""
    from seqpool.artifact import load_artifact
    from seqpool.io.ecg.recordings import open_recording
    from seqpool.jobs.beats import beats_of
    from seqpool.nn import peak_finder
    from seqpool.signal import prepared_signal

    artifact = load_artifact(beats)
    blocks, _ = beats_of(open_recording(record), artifact)
    prepared_signal.READ_S = peak_finder.WINDOW_S = 10**9
    whole, _ = beats_of(open_recording(record), artifact)
    places = np.array_equal(blocks.peak_samples(), whole.peak_samples())
    classes = places and np.array_equal(blocks.classes(), whole.classes())
    return f"{len(whole.times_s)} beats; in blocks the same samples: {places}, the same classes: {classes}"


def shipped(given: str | None, task: str) -> str | None:
    """The file of a model: the one given, else the one that comes with seqpool for the task, else none."""
    from seqpool.errors import UsageError
    from seqpool.zoo.shipped import default_model

    if given is not None:
        return given
    try:
        return str(default_model(task))
    except UsageError as error:
        print(f"without {task}: {error}")
        return None


def main() -> None:
    """Measures and prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beats", metavar="ARTIFACT")
    parser.add_argument("--rhythm", metavar="ARTIFACT")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--measure", nargs=2, metavar=("TASK", "RECORD"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        measure(*arguments.measure, arguments.beats, arguments.rhythm)
        return
    beats, rhythm = shipped(arguments.beats, "beats"), shipped(arguments.rhythm, "rhythm")
    root = Path(os.environ.get("SEQPOOL_DATA") or Path.home() / ".cache" / "seqpool-data")
    models = [f"--{task}={path}" for task, path in (("beats", beats), ("rhythm", rhythm)) if path is not None]
    with tempfile.TemporaryDirectory() as name:
        folder, data = Path(name), root / "ecg" / "mitdb_ds1"
        short = write_long(folder, "short", data, SHORT_S)
        long = write_long(folder, "long", data, arguments.hours * 3600)
        for task in ("beats", "rhythm", "both"):
            few, many = peak_mb(short, task, models), peak_mb(long, task, models)
            print(f"{task:<8} 10 min {few:7.1f} MB   {arguments.hours:g} h {many:7.1f} MB   "
                  f"{many - few:+6.1f} MB  (bar {MOST_MB:g})", flush=True)  # fmt: skip
        timed(long, beats, rhythm)
        if beats is not None:
            print(same_at_once(long, beats))


if __name__ == "__main__":
    main()
