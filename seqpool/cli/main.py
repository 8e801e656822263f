"""`seqpool VERB INPUT... [options]`: finds the verb, runs it, turns failures into one sentence and an exit code."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from seqpool import __version__
from seqpool.cli.arguments import Parser, option_strings, refuse_unknown_options
from seqpool.errors import SeqpoolError, UsageError

VERBS: dict[str, str] = {
    "scan": "find motifs in FASTA files, with exact p- and q-values",
    "enrich": "which motifs sequences hold more often than others do",
    "classify": "classify ECG recordings and sound files with a trained model",
    "holter": "report rates, ectopic beats, pauses and atrial fibrillation of long ECG recordings",
    "delineate": "find P, QRS and T waves in ECG recordings, and intervals",
    "coding": "find coding regions in genomes and contigs, with strand and frame",
    "fit": "train a model from a config file",
    "validate": "judge a run on its validation part",
    "test": "judge a run on its validation and test parts",
    "predict": "what a trained model says of sequences in FASTA files",
    "certify": "what noise or changed letters a model's decisions withstand, proven",
    "describe": "print what a config or a model is: layers, receptive field, data, figures",
    "models": "list the models that come with seqpool, or print their cards",
}
"""Verb and what it does; the verb's parser is in the module of the same name in this folder."""

INTERRUPTED = 130
YOUNG_OBJECTS = 50_000
"""Looked through for garbage at a time: at Python's 700 that is a tenth of a short command, which makes none."""


def _top_help() -> str:
    width = max((len(verb) for verb in VERBS), default=0)
    lines = [f"  {verb.ljust(width)}  {summary}" for verb, summary in VERBS.items()]
    return "\n".join(
        [
            "usage: seqpool VERB INPUT... [options]",
            "",
            "Scan FASTA files for motifs, train networks from a config file, classify recordings.",
            "",
            "verbs:",
            *lines,
            "",
            "`seqpool VERB --help` shows a verb's options and an example that runs on data/.",
            "exit codes: 0 all done; 1 some or all inputs were bad; 2 usage or config; 130 interrupted.",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(_top_help(), file=sys.stdout if words else sys.stderr)
        return 0 if words else UsageError.exit_code
    if words[0] == "--version":
        print(f"seqpool {__version__}")
        return 0
    verb = words[0]
    try:
        if verb not in VERBS:
            raise UsageError(f"'{verb}' is not a verb of seqpool (verbs: {', '.join(VERBS)}).")
        module = import_module(f"seqpool.cli.{verb}")
        parser = Parser(
            prog=f"seqpool {verb}", formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
        )
        module.add_arguments(parser)
        if not getattr(module, "TAKES_REST", False):
            refuse_unknown_options(words[1:], option_strings(parser))
        parsed, parsed_rest = parser.parse_known_args(words[1:])
        parsed.rest = parsed_rest
        parsed.own_process = arguments is None
        code = module.run(parsed)
        sys.stdout.flush()
        return int(code)
    except SystemExit as stop:  # --help
        return stop.code if isinstance(stop.code, int) else UsageError.exit_code
    except SeqpoolError as error:
        print(f"seqpool {verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): that is how it says it has enough. stdout is pointed elsewhere so that
        # the interpreter's last flush does not raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"seqpool {verb}: {error.filename or 'output'}: {error.strerror or error}.", file=sys.stderr)
        return SeqpoolError.exit_code


def entry_point() -> None:
    """The `seqpool` program."""
    gc.set_threshold(YOUNG_OBJECTS)
    code = main()
    gc.freeze()  # the process ends: nothing is looked for once more
    if code == INTERRUPTED:  # die of the signal, so that a shell loop around us stops too
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(code)
