"""What `fit`, `validate` and `test` share: configs, overrides and the run folder."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from seqpool.cli.arguments import nearest_option, positive_int
from seqpool.errors import UsageError
from seqpool.options.config import SECTIONS, Experiment, check_config, read_config

OVERRIDES_HELP = """
any key of the config can be set on the command line, `init_args` left out:
  --model.network.filters 64   --data.folder DIR   --trainer.max_epochs 5   --seed_everything 1
"""


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config FILE...` (also repeated), `--run DIR`, `--threads N`."""
    parser.add_argument("--config", metavar="FILE", nargs="+", action="extend", help="configs, merged left to right")
    parser.add_argument("--run", metavar="DIR", help="the run's folder (default: runs/ and the last config's name)")
    parser.add_argument("--threads", type=positive_int, metavar="N", help="default: all cores")
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")


def experiment_of(arguments: argparse.Namespace, parser_options: list[str]) -> Experiment:
    """The checked experiment of a command line. Raises UsageError."""
    overrides = _overrides(arguments.rest, parser_options)
    if not arguments.config:
        raise UsageError("no --config was given (see --help for an example).")
    return check_config(read_config(arguments.config, overrides))


def experiment_of_run(arguments: argparse.Namespace, parser_options: list[str]) -> Experiment:
    """As `experiment_of`; without `--config` the config that the run was trained with. Raises UsageError."""
    if not arguments.config and arguments.run:
        # of several runs in one folder any: folds and seeds are told from the folders
        kept = sorted(Path(arguments.run).glob("**/config.yaml"), key=lambda path: (len(path.parts), path))
        if not kept:
            raise UsageError(f"--run {arguments.run} holds no config.yaml: name the folder of a run, or give --config.")
        arguments.config = [str(kept[0])]
    return experiment_of(arguments, parser_options)


def _overrides(words: list[str], options: list[str]) -> list[tuple[str, str]]:
    """Overrides as (key, text): `--data.folder X` and `--data.folder=X`. Raises UsageError for any other word."""
    overrides = []
    iterator = iter(words)
    for word in iterator:
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name.split(".")[0] not in SECTIONS:
            raise UsageError(nearest_option(word, [*options, *(f"--{section}.KEY" for section in SECTIONS)]))
        if not equals:
            try:
                text = next(iterator)
            except StopIteration:
                raise UsageError(f"{word} needs a value.") from None
        overrides.append((name, text))
    return overrides


def run_folder(arguments: argparse.Namespace) -> Path:
    """`--run`, else runs/NAME of the last config."""
    return Path(arguments.run) if arguments.run else Path("runs") / Path(arguments.config[-1]).stem


def prepare(arguments: argparse.Namespace) -> None:
    """Threads and silence, before torch is loaded."""
    if arguments.threads is not None:
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[variable] = str(arguments.threads)
    if arguments.quiet:
        from seqpool.train import messages

        messages.quiet = True


def print_scores(scores: dict[str, Any]) -> None:
    """`part score value lower upper` as a table on stdout."""
    print("part\tscore\tvalue\tlower\tupper")
    for part, found in scores.items():
        for name, value in found["scores"].items():
            if isinstance(value, dict):
                print(f"{part}\t{name}\t{value['value']:.6g}\t{value['lower']:.6g}\t{value['upper']:.6g}")
        for other, inner in found.items():
            if other.startswith("without "):
                for name, value in inner["scores"].items():
                    print(f"{part} {other}\t{name}\t{value:.6g}\t\t")


__all__ = [
    "OVERRIDES_HELP",
    "add_config",
    "experiment_of",
    "experiment_of_run",
    "prepare",
    "print_scores",
    "run_folder",
]
