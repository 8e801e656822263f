"""`seqpool validate`: judges the model of a run."""

from __future__ import annotations

import argparse

from seqpool.cli.arguments import option_strings
from seqpool.cli.experiment import OVERRIDES_HELP, add_config, experiment_of_run, prepare, print_scores, run_folder

TAKES_REST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `validate`."""
    parser.description = "Judge a run's model on its validation part, with the config that it was trained with."
    parser.epilog = OVERRIDES_HELP + ("\nexample:\n  seqpool validate --run runs/demo_motifs\n")
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints scores with bootstrap intervals; returns the exit code."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    experiment = experiment_of_run(arguments, option_strings(parser))
    prepare(arguments)
    from seqpool.train.several import judge_all

    print_scores(judge_all(experiment, run_folder(arguments), ("validation",)))
    return 0
