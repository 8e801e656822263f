"""XML, SCP-ECG, ISHNE and DICOM: against the files' own headers, relations that must hold, and fixtures made here."""

from __future__ import annotations

import binascii
import struct
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from seqpool.errors import DataError
from seqpool.io.ecg.recordings import open_recording, read_recording
from seqpool.io.ecg.scp_huffman import DEFAULT_TABLE, decoded, read_tables
from seqpool.io.ecg.xli import decompress

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
WAVE = np.rint(200 * np.sin(np.arange(1000) / 10)).astype(int)


@pytest.mark.data
@pytest.mark.parametrize("name", ["129DYPRG_1-03", "ad4d3d80_1-04", "2020-5-18_1-04-01"])
def test_philips_leads_obey_einthoven_and_the_calibration_pulse_is_one_millivolt(data: Path, name: str) -> None:
    recording = read_recording(data / f"ecg/formats/philips-xml/{name}.xml")
    assert (recording.leads, recording.rate_hz, recording.signal.shape) == (TWELVE, 500.0, (12, 5500))
    steps = np.rint(recording.signal.astype(np.float64) / 0.005)
    np.testing.assert_allclose(recording.signal, steps * 0.005, rtol=1e-6)
    one, two, three, right, left, foot = steps[:6, :5300]
    # the recorder filtered each lead for itself: sums hold to a step or two
    assert np.abs(three - (two - one)).max() <= 2
    assert np.abs(right + (one + two) / 2).max() <= 2
    assert np.abs(left - (one - three) / 2).max() <= 2
    assert np.abs(foot - (two + three) / 2).max() <= 2
    assert (steps[:, 5350:5450] == 200).all()  # the recorder ends each lead with 1 mV for 0.2 s
    assert (steps[:, 5450:] == 0).all()
    assert recording.start is not None


def compressed(values: np.ndarray) -> bytes:
    """XLI by its description: second differences, high bytes before low bytes, LZW of ten bits."""
    differences = 2 * values[1:-1] - values[:-2] - values[2:]
    words = np.concatenate([values[:2], differences[1:] + 64, [0]]).astype(np.int16)
    raw = (words.astype(np.uint16) >> 8).astype(np.uint8).tobytes() + (words & 0xFF).astype(np.uint8).tobytes()
    table = {bytes([value]): value for value in range(256)}
    codes, current = [], b""
    for byte in raw:
        longer = current + bytes([byte])
        if longer in table:
            current = longer
            continue
        codes.append(table[current])
        if len(table) <= 1022:
            table[longer] = len(table)
        current = bytes([byte])
    codes += [table[current], 1023]
    bits = "".join(f"{code:010b}" for code in codes)
    chunk = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return struct.pack("<ihh", len(chunk), 1, int(differences[0])) + chunk


def test_xli_undoes_its_description() -> None:
    leads = [np.random.default_rng(seed).normal(0, 30, 2000).cumsum().round().astype(int) % 3000 for seed in range(3)]
    found = decompress(b"".join(compressed(lead) for lead in leads), 3)
    for lead, values in zip(leads, found, strict=True):
        np.testing.assert_array_equal(values[:2000], lead)


@pytest.mark.parametrize("cut", [3, 9, 200])
def test_xli_that_ends_early(cut: int) -> None:
    with pytest.raises(ValueError, match=r"lead 1|end before"):
        decompress(compressed(WAVE)[:cut], 1)


@pytest.mark.data
def test_hl7_samples(data: Path) -> None:
    folder = data / "ecg/formats/hl7-aecg"
    example = read_recording(folder / "hl7aecg_example.xml")
    assert (example.leads, example.rate_hz, example.signal.shape) == (TWELVE, 100.0, (12, 1000))
    np.testing.assert_allclose(example.signal[0, :5], np.array([-42, -40, -38, -41, -39]) * 0.005, rtol=1e-6)
    assert str(example.start) == "2025-09-23 10:35:50"
    smallest = read_recording(folder / "minimum_aecg.xml")
    digits = np.array([-2, -2, -2, -2, -3, -4, -3, -5, -5, -4, -6, -9, -9])
    np.testing.assert_allclose(smallest.signal[0], digits * 0.0025, rtol=1e-6)
    assert (smallest.leads, smallest.rate_hz) == (("II",), 500.0)
    with pytest.raises(DataError, match="no voltage signal"):
        read_recording(folder / "empty.xml")


def aecg(body: str, head: str = "") -> str:
    return f'<?xml version="1.0"?>{head}<x:AnnotatedECG xmlns:x="urn:hl7-org:v3">{body}</x:AnnotatedECG>'


def sequence_set(step: str = '<increment value="0.004" unit="s"/>', digits: str = "", scale: str = "5") -> str:
    digits = digits or " ".join(map(str, WAVE))
    return (
        f"<component><sequenceSet><component><sequence><code code='TIME_RELATIVE'/><value>{step}</value></sequence>"
        "</component><component><sequence><code code='MDC_ECG_LEAD_AVR'/><value><origin value='1' unit='mV'/>"
        f"<scale value='{scale}' unit='uV'/><digits>{digits}</digits></value></sequence></component></sequenceSet>"
        "</component>"
    )


def test_hl7_origin_groups_and_prefix(tmp_path: Path) -> None:
    short = sequence_set(digits="1 2 3")
    body = f"<series>{short}{sequence_set()}</series><derivedSeries>{sequence_set()}</derivedSeries>"
    (tmp_path / "r.xml").write_text(aecg(body), encoding="utf-16")
    recording = read_recording(tmp_path / "r.xml")
    assert (recording.leads, recording.rate_hz) == (("aVR",), 250.0)
    np.testing.assert_allclose(recording.signal[0], 1 + WAVE * 0.005, rtol=1e-6)
    assert len(recording.skipped) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (aecg(sequence_set(digits="1 two 3")), "no number"),
        (aecg(sequence_set(step='<increment value="0" unit="s"/>')), "more than 0 s"),
        (aecg(sequence_set(step='<increment value="1" unit="h"/>')), "more than 0 s"),
        (aecg(sequence_set(step="")), "no sampling rate"),
        (aecg(sequence_set(scale="nan")), "expected a number"),
        (aecg("<a>")[:-3], "damaged in line 1"),
        (aecg("&e;", '<!DOCTYPE a [<!ENTITY e "x">]>'), "declares the entity 'e'"),
        (aecg("&e;", '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), "declares the entity 'e'"),
        (aecg("<a>" * 200 + "</a>" * 200), "nested more than 100"),
    ],
)
def test_xml_that_cannot_be(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "r.xml").write_text(text)
    with pytest.raises(DataError, match=sentence):
        read_recording(tmp_path / "r.xml")


@pytest.mark.data
def test_muse_sample_and_its_checksum(data: Path, tmp_path: Path) -> None:
    path = data / "ecg/formats/ge-muse-xml/braveheart_example1.xml"
    recording = read_recording(path)
    assert recording.leads == ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    assert (recording.rate_hz, recording.signal.shape) == (500.0, (8, 5000))
    steps = recording.signal / np.float32(0.00488)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-2)
    assert int(np.rint(steps[0]).sum()) == -12251
    assert recording.skipped == (("the waveform Median", "a longer one is read"),)
    text = path.read_text("latin-1")
    (tmp_path / "r.xml").write_text(text.replace("2448704614", "2448704615"), "latin-1")
    with pytest.raises(DataError, match=r"lead I has checksum 2448704614.*--ignore-checksum"):
        read_recording(tmp_path / "r.xml")
    assert "checksum" in read_recording(tmp_path / "r.xml", ignore_checksum=True).notes[0]


@pytest.mark.data
def test_scp_samples(data: Path) -> None:
    example = read_recording(data / "ecg/formats/scp/Example.scp")
    assert set(example.leads) == set(TWELVE)
    assert (example.rate_hz, example.signal.shape, str(example.start)) == (500.0, (12, 5000), "2002-11-22 09:10:00")
    by_name = dict(zip(example.leads, example.signal.astype(np.float64), strict=True))
    assert np.abs(by_name["III"] - (by_name["II"] - by_name["I"])).max() <= 0.0051
    assert np.abs(by_name["aVF"] - (by_name["II"] + by_name["III"]) / 2).max() <= 0.0051
    # the smallest HL7 sample holds the first samples of the same recording
    digits = read_recording(data / "ecg/formats/hl7-aecg/minimum_aecg.xml").signal[0]
    np.testing.assert_allclose(by_name["I"][:13], digits, atol=1e-6)
    demo_path = data / "ecg/formats/scp/demo.scp"
    demo = read_recording(demo_path)
    assert (demo.leads, demo.rate_hz) == (("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), 1000.0)
    raw = np.frombuffer(demo_path.read_bytes()[386 + 16 + 6 + 16 :][: 8 * 20000], "<i2").reshape(8, 10000)
    np.testing.assert_allclose(demo.signal, raw * 183e-6, rtol=1e-6)
    with pytest.raises(DataError, match="not standard SCP-ECG"):
        read_recording(data / "ecg/formats/scp/healforce_62.SCP")


def scp(values: np.ndarray, *, tables: bytes = b"", difference: int = 0, flags: int = 4, bimodal: int = 0) -> bytes:
    """A file of one lead (II) by ISO 11073-91064, raw unless `tables` codes it."""
    coded = values if isinstance(values, bytes) else values.astype("<i2").tobytes()
    bodies = {
        1: struct.pack("<BHHBB", 25, 4, 2001, 2, 3) + struct.pack("<BHBBB", 26, 3, 4, 5, 6) + b"\xff\0\0",
        2: tables,
        3: struct.pack("<BBIIB", 1, flags, 1, 1000, 2),
        6: struct.pack("<HHBBH", 5000, 4000, difference, bimodal, len(coded)) + coded,
    }
    sections, pointers, at = b"", b"", 6 + 16 + 12 * 10
    for number in range(12):
        body = bodies.get(number, b"")
        section = struct.pack("<HIBB6s", number, 16 + len(body), 20, 20, b"") + body
        section = struct.pack("<H", binascii.crc_hqx(section, 0xFFFF)) + section if body else b""
        length = 136 if number == 0 else len(section)
        pointers += struct.pack("<HII", number, length, 7 if number == 0 else at + 1 if section else 0)
        sections += section
        at += len(section)
    head = struct.pack("<HIBB6s", 0, 136, 20, 20, b"SCPECG") + pointers
    body = struct.pack("<H", binascii.crc_hqx(head, 0xFFFF)) + head + sections
    return struct.pack("<HI", 0, len(body) + 6) + body


@pytest.mark.parametrize("difference", [0, 1, 2])
def test_scp_differences(tmp_path: Path, difference: int) -> None:
    stored = WAVE.copy()
    if difference == 1:
        stored = np.diff(WAVE, prepend=0)
    elif difference == 2:
        stored[2:] = WAVE[2:] - 2 * WAVE[1:-1] + WAVE[:-2]
    (tmp_path / "r.scp").write_bytes(scp(stored, difference=difference))
    recording = read_recording(tmp_path / "r.scp")
    np.testing.assert_allclose(recording.signal[0], WAVE * 0.005, rtol=1e-6)
    assert (recording.leads, recording.rate_hz, str(recording.start)) == (("II",), 250.0, "2001-02-03 04:05:06")


def bits_of(text: str) -> bytes:
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def test_huffman_tables() -> None:
    coded = bits_of("0" + "100" + "101" + "1111111100" + "1111111101" + "1111111110" + "10000000" + "1111111111"
                    + "0111111111111111")  # fmt: skip
    assert decoded(coded, 7, [DEFAULT_TABLE]).tolist() == [0, 1, -1, 8, -8, -128, 32767]
    # a table of its own: 0 -> 7; 10 -> value in 4 bits; 11 -> the second table, where 1 -> -3 and 0 -> back
    own = struct.pack("<HH", 2, 3) + b"".join(
        struct.pack("<BBBhI", *row) for row in ((1, 1, 1, 7, 0), (2, 6, 1, 0, 0b01), (2, 2, 0, 2, 0b11))
    )
    own += struct.pack("<H", 2) + struct.pack("<BBBhI", 1, 1, 1, -3, 1) + struct.pack("<BBBhI", 1, 1, 0, 1, 0)
    assert decoded(bits_of("0" + "101000" + "11" + "1" + "1" + "0" + "0"), 5, read_tables(own)).tolist() == [
        7, -8, -3, -3, 7,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="bits end after 4"):
        decoded(b"\x00", 9, [{(2, 0): DEFAULT_TABLE[(1, 0)], (3, 7): DEFAULT_TABLE[(1, 0)]}])


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (scp(WAVE, flags=5), "subtraction of a reference beat"), (scp(WAVE, bimodal=1), "bimodal"),
        (scp(WAVE[:500]), "500 samples, the file promises 1000"), (scp(WAVE)[:300], "truncated"),
        (scp(WAVE, difference=3), "cannot be"), (scp(b"\xff", tables=struct.pack("<H", 19999)), "bits end"),
    ],
)  # fmt: skip
def test_scp_that_cannot_be(tmp_path: Path, raw: bytes, sentence: str) -> None:
    (tmp_path / "r.scp").write_bytes(raw)
    with pytest.raises(DataError, match=sentence):
        read_recording(tmp_path / "r.scp")


def ishne(values: np.ndarray, codes: list[int], *, samples: int | None = None, text: bytes = b"note") -> bytes:
    """A Holter file by Badilini 1998; no real sample is at hand. values: (leads, samples) in steps of 2500 nV."""
    leads, number = values.shape
    offset = 522 + len(text)
    head = struct.pack("<4ih", len(text), number if samples is None else samples, 522, offset, 1)
    head += b"Doe".ljust(40, b"\0") + b"Jane".ljust(40, b"\0") + b"7".ljust(20, b"\0") + struct.pack("<2h", 0, 0)
    head += struct.pack("<12h", 1, 1, 1950, 3, 2, 2001, 4, 2, 2001, 10, 20, 30)
    pad = [-9] * (12 - leads)
    head += struct.pack("<h36h", leads, *codes, *pad, *([1] * leads), *pad, *([2500] * leads), *pad)
    head += struct.pack("<h40sh80s80s88s", 0, b"digital", 250, b"", b"", b"") + text
    return b"ISHNE1.0" + struct.pack("<H", binascii.crc_hqx(head, 0xFFFF)) + head + values.T.astype("<i2").tobytes()


def test_ishne(tmp_path: Path) -> None:
    values = np.stack([WAVE, -WAVE, WAVE // 2])
    values[1, 100:110] = -32768
    (tmp_path / "r.ecg").write_bytes(ishne(values, [6, 11, 19]))
    recording = read_recording(tmp_path / "r.ecg")
    assert (recording.leads, recording.rate_hz, str(recording.start)) == (
        ("II", "V1", "AI"),
        250.0,
        "2001-02-03 10:20:30",
    )
    wanted = values * 0.0025
    wanted[1, 100:110] = np.nan
    np.testing.assert_allclose(recording.signal, wanted, rtol=1e-6)
    assert not any("Doe" in str(part) or "Jane" in str(part) for part in (recording.notes, recording.skipped))
    blocks = np.concatenate(list(open_recording(tmp_path / "r.ecg").blocks(333)), axis=1)
    np.testing.assert_array_equal(blocks, recording.signal)
    (tmp_path / "all.ecg").write_bytes(ishne(values, [6, 11, 19], samples=3000))  # of all leads together
    np.testing.assert_array_equal(read_recording(tmp_path / "all.ecg").signal, recording.signal)


def test_ishne_that_cannot_be(tmp_path: Path) -> None:
    raw = bytearray(ishne(WAVE[None], [6]))
    (tmp_path / "r.ecg").write_bytes(raw[:-200])
    with pytest.raises(DataError, match="holds 900 samples per lead and the header promises 1000"):
        read_recording(tmp_path / "r.ecg")
    raw[30] ^= 1
    (tmp_path / "r.ecg").write_bytes(raw)
    with pytest.raises(DataError, match=r"checksum.*--ignore-checksum"):
        read_recording(tmp_path / "r.ecg")
    assert read_recording(tmp_path / "r.ecg", ignore_checksum=True).notes
    raw[8:10] = b"\0\0"  # a placeholder
    (tmp_path / "r.ecg").write_bytes(raw)
    assert not read_recording(tmp_path / "r.ecg").notes
    for at, field, sentence in ((156, 13, "13 leads"), (272, 0, "at 0 Hz"), (206, 0, "resolution of 0 nV")):
        broken = raw.copy()
        struct.pack_into("<h", broken, at, field)
        (tmp_path / "r.ecg").write_bytes(broken)
        with pytest.raises(DataError, match=sentence):
            read_recording(tmp_path / "r.ecg")


@pytest.mark.data
def test_dicom_sample(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = data / "ecg/formats/dicom/waveform_ecg.dcm"
    recording = read_recording(path)
    assert (recording.leads, recording.rate_hz, recording.signal.shape) == (TWELVE, 1000.0, (12, 10000))
    theirs = pydicom.dcmread(path).waveform_array(0).T
    np.testing.assert_allclose(recording.signal, theirs * 1e-3, rtol=3e-7, atol=1e-9)
    assert recording.skipped[0][1] == "a longer one is read"
    assert str(recording.start) == "2013-01-25 10:59:19"
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DataError, match=r"needs pydicom, .* pip install 'seqpool\[dicom\]'"):
        read_recording(path)
