"""`seqpool fit`: trains a model from a config file."""

from __future__ import annotations

import argparse
import sys

from seqpool.cli.arguments import option_strings, positive_int
from seqpool.cli.experiment import OVERRIDES_HELP, add_config, experiment_of, prepare, run_folder
from seqpool.errors import UsageError

TAKES_REST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `fit`."""
    parser.description = "Train a model from a config file; writes a run folder with the artifact model.safetensors."
    parser.epilog = OVERRIDES_HELP + (
        "\nexample:\n  seqpool fit --config configs/demo_motifs.yaml --run runs/demo_motifs\n"
        "The same command again resumes a run that was cut short."
    )
    add_config(parser)
    parser.add_argument("--ckpt_path", metavar="FILE", help="go on from this checkpoint (default: the run's last)")
    parser.add_argument("--init", metavar="ARTIFACT", help="start from this model's weights where layers match")
    parser.add_argument("--folds", choices=["all"], help="train once per fold, each fold once as test")
    parser.add_argument("--seeds", type=positive_int, metavar="N", help="train with N seeds, from seed_everything on")
    parser.add_argument("--print_config", action="store_true", help="print the merged config and stop")


def run(arguments: argparse.Namespace) -> int:
    """Trains; returns the exit code."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    experiment = experiment_of(arguments, option_strings(parser))
    if arguments.print_config:
        import yaml

        yaml.safe_dump(experiment.values, sys.stdout, sort_keys=False, allow_unicode=True)
        return 0
    several = arguments.folds is not None or arguments.seeds is not None
    if several and arguments.ckpt_path is not None:
        raise UsageError("--ckpt_path goes on with one run; leave it out beside --folds and --seeds.")
    prepare(arguments)
    from seqpool.train.messages import say
    from seqpool.train.run import fit
    from seqpool.train.several import fit_several

    folder = run_folder(arguments)
    if several:
        fit_several(experiment, folder, folds=arguments.folds is not None, seeds=arguments.seeds, init=arguments.init)
        return 0
    artifact = fit(experiment, folder, checkpoint=arguments.ckpt_path, init=arguments.init)
    say(f"model: {artifact}")
    return 0
