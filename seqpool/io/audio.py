"""Audio files: samples and rate, by content and not by ending; whatever is wrong with a file is one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from seqpool.errors import DataError, MissingExtraError

ENDINGS = (
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64",
)  # fmt: skip
"""Endings by which files are found in a folder; a file that is named is read whatever its ending."""

LOWEST_RATE_HZ = 100.0
"""Below this a header's rate is a mistake: no sound has so few samples."""

_WAV_MARKS = (b"RIFF", b"RIFX", b"RF64")

# A-law, mu-law, IMA and Microsoft ADPCM, GSM 6.10: what SciPy does not decode in a WAV file and soundfile does
_COMPRESSED_WAV = ("ALAW", "MULAW", "DVI_ADPCM", "ADPCM", "GSM610")


@dataclass(frozen=True)
class AudioClip:
    """Sound of one file.

    samples: (channels, samples) float32; whole numbers of n bits are divided by 2^(n-1), so that full scale is 1;
    floats are as the file has them, which may go beyond.
    rate_hz: samples per second, at least LOWEST_RATE_HZ. source: the name as given, without ending.
    notes: what the reader had to assume, one sentence each without its full stop.
    """

    samples: NDArray[np.float32]
    rate_hz: float
    source: str
    notes: tuple[str, ...] = field(default=())

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.rate_hz)


def read_audio(path: str | Path, *, rate_hz: float | None = None) -> AudioClip:
    """The sound in a file: WAV through SciPy; FLAC, Ogg, MP3, AIFF, AU, CAF, W64 and compressed WAV through soundfile.

    rate_hz: of a file whose header states a rate of 0.
    Raises DataError for a file that is missing, damaged, no audio, without samples or with samples that are not finite,
    and where the rate is unknown or below LOWEST_RATE_HZ; MissingExtraError where soundfile is needed and missing.
    """
    name = str(path)
    try:
        with open(path, "rb") as stream:
            mark = stream.read(12)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}.") from error
    if not mark:
        raise DataError(f"{name}: the file is empty, expected audio.")
    notes: list[str] = []
    if mark[:4] in _WAV_MARKS and mark[8:] in (b"WAVE", b""):
        samples, rate = _by_scipy(name, notes)
    else:
        samples, rate = _by_soundfile(name)
    rate = _plausible(name, rate, rate_hz)
    if samples.shape[1] == 0:
        raise DataError(f"{name}: the file holds no samples.")
    wrong = np.flatnonzero(~np.isfinite(samples).all(axis=0))
    if len(wrong):
        raise DataError(
            f"{name}: {len(wrong)} of {samples.shape[1]} samples are not finite (first: sample {wrong[0]}), "
            "expected numbers."
        )
    return AudioClip(samples, rate, without_ending(name), tuple(notes))


def find_audio(inputs: Iterable[str | Path]) -> list[str]:
    """Files as they are; of folders every audio file in it and below, sorted.

    Raises DataError for a name that does not exist and for a folder without audio.
    """
    found: list[str] = []
    for given in inputs:
        path = Path(given)
        if path.is_dir():
            inside = sorted(str(file) for file in path.rglob("*") if file.suffix.lower() in ENDINGS and file.is_file())
            if not inside:
                raise DataError(f"{given}: the folder holds no audio ({' '.join(ENDINGS)}).")
            found += inside
        elif path.exists():
            found.append(str(given))
        else:
            raise DataError(f"{given}: there is no such file or folder.")
    return found


def without_ending(name: str) -> str:
    """A file's name without its ending, where that is one of ENDINGS."""
    path = Path(name)
    return name[: -len(path.suffix)] if path.suffix.lower() in ENDINGS else name


def _by_scipy(name: str, notes: list[str]) -> tuple[NDArray[np.float32], float]:
    """(channels, samples) and the rate that the header states, of a WAV file."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            rate, values = wavfile.read(name)
    except Exception as error:  # on bad headers SciPy raises whatever its parser trips over
        if any(f": {kind}." in str(error) for kind in _COMPRESSED_WAV):
            return _by_soundfile(name)
        reason = str(error).rstrip(".") if isinstance(error, ValueError) else "its header is incomplete"
        raise DataError(f"{name}: the WAV file is damaged or of a kind that is not read: {reason}.") from error
    if any("EOF prematurely" in str(one.message) for one in said):
        notes.append("the file is shorter than its header says, and is read as far as it goes")
    return _full_scale_one(np.asarray(values)), float(rate)


def _full_scale_one(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """(samples,) or (samples, channels) of any type as (channels, samples) float32."""
    rows = values[None] if values.ndim == 1 else values.T
    kind = rows.dtype.kind
    if kind == "f":
        return np.ascontiguousarray(rows, dtype=np.float32)
    centre = 128 if kind == "u" else 0  # 8-bit WAV is unsigned
    scale = 2.0 ** (8 * rows.dtype.itemsize - 1)
    return np.ascontiguousarray((rows.astype(np.float64) - centre) / scale, dtype=np.float32)


def _by_soundfile(name: str) -> tuple[NDArray[np.float32], float]:
    try:
        import soundfile
    except ImportError as error:
        raise MissingExtraError("soundfile", "audio", f"{name}: reading audio other than WAV") from error
    try:
        values, rate = soundfile.read(name, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise DataError(f"{name}: the file is damaged or no audio that is known: {reason}.") from error
    return np.ascontiguousarray(values.T), float(rate)


def _plausible(name: str, rate: float, given: float | None) -> float:
    if rate == 0 and given is not None:
        rate = given
    if rate == 0:
        raise DataError(f"{name}: the file does not say its sampling rate (it states 0 Hz): name it with rate_hz.")
    if rate < LOWEST_RATE_HZ:
        raise DataError(f"{name}: the sampling rate is {rate:g} Hz, expected at least {LOWEST_RATE_HZ:g} Hz for sound.")
    return rate
