"""Options that several verbs share: same name, same meaning everywhere."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from seqpool.errors import UsageError


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError instead of printing the usage."""
        raise UsageError(f"{message} (see {self.prog} --help).")


def option_strings(parser: argparse.ArgumentParser) -> list[str]:
    """Every option of a parser, as typed."""
    return [option for action in parser._actions for option in action.option_strings if option != "-h"]


def nearest_option(word: str, options: Iterable[str]) -> str:
    """The sentence for a word that is no option, with the nearest one."""
    names = list(options)
    close = difflib.get_close_matches(word.partition("=")[0], names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{word} is not accepted: {hint}(options: {' '.join(names)})"


def refuse_unknown_options(words: Iterable[str], options: list[str]) -> None:
    """Raises UsageError naming the first word that looks like an option and is none, and the nearest that is one."""
    for word in words:
        if word == "--":
            return
        if word.startswith("--") and word.partition("=")[0] not in options:
            raise UsageError(nearest_option(word, options))


def positive_int(text: str) -> int:
    """An integer of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text}")
    return value


def add_inputs(parser: argparse.ArgumentParser, metavar: str, what: str) -> None:
    """Positional inputs and `--list FILE`."""
    parser.add_argument("inputs", nargs="*", metavar=metavar, help=what)
    parser.add_argument("--list", metavar="FILE", dest="list_file", help="a file with one input per line")


def add_output(parser: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    """`--output`, `--format`, `--quiet`."""
    parser.add_argument("--output", metavar="FILE", help="write here instead of stdout (whole or not at all)")
    parser.add_argument("--format", choices=formats, help=f"default: by the ending of --output, else {formats[0]}")
    parser.add_argument("--quiet", action="store_true", help="no progress and no facts on stderr")


def add_model(parser: argparse.ArgumentParser, default: str) -> None:
    """`--model ARTIFACT|NAME`; `default` names the shipped model in the help."""
    parser.add_argument(
        "--model",
        metavar="ARTIFACT|NAME",
        help=f"a model that `seqpool fit` wrote, or one that comes with seqpool (default: that {default})",
    )


def chosen_model(given: str | None, task: str) -> Path:
    """The file of `--model`, of the shipped model for `task` where it was not given. Raises UsageError."""
    from seqpool.zoo.shipped import default_model, model_file

    return default_model(task) if given is None else model_file(given)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """`--threads N`."""
    parser.add_argument("--threads", type=positive_int, metavar="N", help="default: all cores")


def given_inputs(arguments: argparse.Namespace) -> list[str]:
    """The inputs of a command: positional ones, then those of `--list`. Raises UsageError when there is none."""
    inputs = list(arguments.inputs)
    if arguments.list_file is not None:
        try:
            text = Path(arguments.list_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--list {arguments.list_file} cannot be read: {error}.") from error
        inputs += [line.strip() for line in text.splitlines() if line.strip()]
    if not inputs:
        raise UsageError("no input was given (see --help for an example).")
    return inputs


_ENDINGS = {".gff": "gff3", ".json": "jsonl", ".txt": "tsv"}


def chosen_format(arguments: argparse.Namespace, formats: tuple[str, ...]) -> str:
    """`--format`, else what the ending of `--output` says, else the first of the verb's formats."""
    if arguments.format is not None:
        return str(arguments.format)
    ending = Path(arguments.output or "").suffix.lower()
    name = _ENDINGS.get(ending, ending.lstrip("."))
    return name if name in formats else formats[0]
