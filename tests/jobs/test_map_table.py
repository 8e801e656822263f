"""What `describe` says of an encoder of spectrograms."""

from __future__ import annotations

from pathlib import Path

from seqpool.jobs.describe import describe


def test_the_plan_of_a_config_is_printed(repository: Path, tmp_path: Path) -> None:
    text = (repository / "configs/digits.yaml").read_text()
    start = text.index("        strides:")
    end = text.index("\n", start)
    (tmp_path / "c.yaml").write_text(text[:start] + "        balance: {clip_s: 0.55, ratio: 2}" + text[end:])
    lines = list(describe(tmp_path / "c.yaml"))
    assert any("window 256 and hop 100 samples, transform of 256, 16 bands (mel_slaney) from 60 to" in x for x in lines)
    # 45 frames, 16 bands: ceil(45 / 6) = 8 and ceil(16 / 4) = 4 are in two strided layers each
    assert "plan       0.55 s: 45 frames x 16 bands -> 8 x 4, ratio 2.00, wanted 2" in lines
    assert [line.split()[3:6] for line in lines if "conv, max" in line] == [
        ["1", "x", "1"], ["1", "x", "1"], ["2", "x", "2"], ["3", "x", "2"]
    ]  # fmt: skip
    manual = list(describe(repository / "configs/esc10.yaml"))
    # 5 s at 50 frames a second; a frame is 1024 samples, and the first block sees 4 of them, 320 apart
    assert "plan       5 s: 251 frames x 64 bands -> 16 x 4, ratio 4.00, wanted 4" in manual
    assert any(line.split()[7:] == ["126", "x", "32", "0.124", "4", "176"] for line in manual if "1. conv" in line)
