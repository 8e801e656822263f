"""How recordings are read: options that the verbs for recordings share."""

from __future__ import annotations

import argparse
import math

from seqpool.io.ecg.leads import millivolts_per


def _unit(text: str) -> str:
    if millivolts_per(text) is None:
        raise argparse.ArgumentTypeError(f"expected V, mV, uV, nV, or a number of them such as 5uV, got {text}")
    return text


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of samples per second, got {text}")
    return value


def add_recording_options(parser: argparse.ArgumentParser, lead: str) -> None:
    """`--lead NAME` (help: `lead`), `--unit`, `--rate-hz`, `--ignore-checksum`."""
    parser.add_argument("--lead", metavar="NAME", help=lead)
    parser.add_argument(
        "--unit",
        type=_unit,
        metavar="UNIT",
        help="of the samples, whatever the file says: V, mV, uV, nV, or a step such as 5uV",
    )
    parser.add_argument("--rate-hz", type=_rate, metavar="X", help="samples per second, for files that carry no rate")
    parser.add_argument("--ignore-checksum", action="store_true", help="a wrong checksum is only a warning")


def add_plot(parser: argparse.ArgumentParser) -> None:
    """`--plot FILE`."""
    parser.add_argument("--plot", metavar="FILE", help="draw the recordings on ECG paper: .svg, .pdf or .png")
