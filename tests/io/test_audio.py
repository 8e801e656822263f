"""Audio files: rate, length and values against SciPy's writer, libsndfile and the table of odd files."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from seqpool.errors import DataError
from seqpool.io.audio import find_audio, read_audio

TONE = 0.5 * np.sin(np.arange(800) / 5.0)


@pytest.mark.parametrize(
    ("values", "step"),
    [
        (np.round(TONE * 32767).astype(np.int16), 2**-15),
        ((np.round(TONE * 127) + 128).astype(np.uint8), 2**-7),
        (np.round(TONE * (2**31 - 1)).astype(np.int32), 2**-31),
        (TONE.astype(np.float32), 0.0),
        (TONE * 3, 0.0),
    ],
    ids=["int16", "uint8", "int32", "float32", "float64 above full scale"],
)
def test_wav_written_by_scipy(tmp_path: Path, values: np.ndarray, step: float) -> None:
    wavfile.write(tmp_path / "a.wav", 8000, np.stack([values, values[::-1]], axis=1))
    clip = read_audio(tmp_path / "a.wav")
    expected = values.astype(np.float64) if not step else (values.astype(np.float64) - 128 * (step > 0.005)) * step
    np.testing.assert_allclose(clip.samples, [expected, expected[::-1]], rtol=1e-6)
    assert (clip.rate_hz, clip.duration_s) == (8000, 0.1)
    assert clip.source == str(tmp_path / "a")
    np.testing.assert_allclose(clip.samples, soundfile.read(tmp_path / "a.wav")[0].T, atol=1e-6)


@pytest.mark.parametrize(("ending", "close"), [("flac", 1e-4), ("aiff", 1e-4), ("ogg", 0.05)])
def test_files_written_by_libsndfile(tmp_path: Path, ending: str, close: float) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, TONE, 16000)
    clip = read_audio(path.rename(tmp_path / "named.wav"))
    np.testing.assert_allclose(clip.samples[0], TONE, atol=close)
    assert clip.rate_hz == 16000


def test_a_rate_that_is_not_known(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", 8000, TONE.astype(np.float32))
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[24:28], content[28:32] = struct.pack("<I", 0), struct.pack("<I", 0)
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(DataError, match="does not say its sampling rate"):
        read_audio(tmp_path / "a.wav")
    assert read_audio(tmp_path / "a.wav", rate_hz=4000).rate_hz == 4000


def test_folders_are_searched_and_files_taken_as_they_are(tmp_path: Path) -> None:
    for name in ("b/x.WAV", "b/c/y.flac", "b/notes.txt", "a.wav", "odd"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = find_audio([str(tmp_path / "odd"), str(tmp_path)])
    assert [Path(name).name for name in found] == ["odd", "a.wav", "y.flac", "x.WAV"]
    for wrong in ("nothing", "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(DataError, match=wrong):
            find_audio([tmp_path / wrong])


def shown(cell: str) -> tuple[float, int, int] | None:
    """Rate, samples and channels of a cell such as `8000 Hz (800, 6) <i2`; None for an error."""
    found = re.match(r"(\d+) Hz \((\d+),(?: (\d+))?\)", cell)
    return found and (float(found[1]), int(found[2]), int(found[3] or 1))


@pytest.mark.data
def test_every_odd_file_is_read_as_its_table_says_or_refused_in_a_sentence(data: Path) -> None:
    folder = data / "audio/formats"
    rows = [line.split(" | ") for line in (folder / "README.md").read_text().splitlines() if line.startswith("| ")]
    refused = set()
    sentences = {}
    for name, _, _, scipy_cell, soundfile_cell in rows[1:]:
        path = folder / name.removeprefix("| ")
        expected = shown(scipy_cell) or shown(soundfile_cell.rstrip("| "))
        try:
            clip = read_audio(path)
        except DataError as error:
            refused.add(path.name)
            sentences[path] = str(error)
            continue
        assert (clip.rate_hz, *clip.samples.shape[::-1]) == expected, path.name
        assert np.isfinite(clip.samples).all()
    for path, text in sentences.items():
        assert text.startswith(f"{path}: ")
        assert text.endswith(".")
        assert "\n" not in text
    # soundfile reads none of these either, but for headers that are wrong and content that is no sound
    assert refused == {
        "bad_magic.wav", "block_align_wrong.wav", "channels_zero.wav", "data_size_zero_streamed.wav", "empty_file.wav",
        "f32_nan_inf.wav", "format_tag_unknown.wav", "no_data_chunk.wav", "no_fmt_chunk.wav", "rate_1.wav",
        "rate_zero.wav", "scipy-test-44100Hz-le-1ch-4bytes-early-eof-no-data.wav",
        "scipy-test-44100Hz-le-1ch-4bytes-incomplete-chunk.wav", "scipy-test-8000Hz-le-3ch-5S-24bit-inconsistent.wav",
        "text_named_wav.wav", "truncated.flac", "truncated.ogg", "truncated_header.wav", "zero_samples.wav",
    }  # fmt: skip
    assert len(rows) > 60
