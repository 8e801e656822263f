"""Runs an experiment: builds trainer, model and data from a checked config, trains, writes the artifact."""

from __future__ import annotations

import inspect
import logging
import os
import re
import warnings
from collections import UserDict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from jsonargparse import ArgumentError
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.cli import LightningCLI
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from seqpool.errors import DataError, SeqpoolError, UsageError
from seqpool.motifs.formats import read_motifs
from seqpool.motifs.matrix import CountMatrix, FrequencyMatrix
from seqpool.nn.encoder import Encoder
from seqpool.nn.motif_detector import MotifDetector
from seqpool.nn.substitutions import substitution_embedding
from seqpool.options.check import nearest, plain
from seqpool.options.config import Experiment
from seqpool.options.inputs import Letters, NetworkInput
from seqpool.options.networks import network_config
from seqpool.train.data_module import DataModule
from seqpool.train.finish import write_artifact
from seqpool.train.messages import say
from seqpool.train.run_folder import (
    METRICS,
    MODEL,
    MetricsFile,
    Progress,
    checkpointing,
    resumed_checkpoint,
    write_start,
)
from seqpool.train.trained_network import TrainedNetwork

_QUIET_LOGGERS = ("pytorch_lightning", "lightning_fabric", "pytorch_lightning.utilities.rank_zero")

_ADVISERS = r"(pytorch_lightning|lightning_fabric|lightning_utilities|jsonargparse|torch)\b.*"
"""Modules whose warnings are advice on how to use them, and none of it the user's to take."""


@contextmanager
def _without_advice() -> Iterator[None]:
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_ADVISERS)
        yield


def fit(experiment: Experiment, folder: Path, *, checkpoint: str | None = None, init: str | None = None) -> Path:
    """Trains one model in `folder` and returns the path of its artifact.

    A folder that holds a checkpoint is resumed; one whose artifact is there is finished and left as it is.
    checkpoint: go on from this one. init: an artifact whose matching layers the network starts from.
    Raises UsageError, DataError.
    """
    if (folder / MODEL).is_file():
        say(f"{folder}: finished before, left as it is")
        return folder / MODEL
    resumed = resumed_checkpoint(folder, checkpoint)
    with _without_advice():
        return _fit(experiment, folder, resumed, init)


def _fit(experiment: Experiment, folder: Path, resumed: Path | None, init: str | None) -> Path:
    trainer, model, data = _instantiate(experiment, folder)
    parts = data.parts
    write_start(folder, experiment.values, parts)
    if experiment.model.keep == "best" and parts.validation is None:
        say("there is no validation part: the last epoch's weights are kept")
    say(f"device: {_device(trainer)}; rows: {', '.join(f'{len(p.ids)} {name}' for name, p in parts.named())}")
    motif_file = getattr(experiment.model.network, "motifs", None)
    matrix = getattr(experiment.model.network, "substitution_matrix", None)
    if init is not None or motif_file is not None or matrix is not None:
        model.trainer = trainer
        trainer.datamodule = data  # type: ignore[attr-defined]
        model.setup("fit")
        assert model.network is not None
        if motif_file is not None:
            _start_from_motifs(model.network, motif_file)
        if matrix is not None:
            _start_from_substitutions(model.network, matrix, parts.input)
        if init is not None:
            _start_from_artifact(model.network, init)
    if resumed is not None:
        say(f"resuming from {resumed}")
    try:
        trainer.fit(model, datamodule=data, ckpt_path=resumed, weights_only=False if resumed else None)
    except SystemExit as stop:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from stop
    except OSError as error:
        raise DataError(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from error
    artifact = folder / MODEL
    if trainer.is_global_zero:
        _take_best_weights(trainer, model, experiment)
        write_artifact(artifact, model, data, experiment)
    return artifact


def _instantiate(experiment: Experiment, folder: Path) -> tuple[pl.Trainer, TrainedNetwork, DataModule]:
    """Trainer, model and data module through LightningCLI."""
    accepted = [name for name in inspect.signature(pl.Trainer.__init__).parameters if name != "self"]
    for name in experiment.trainer:
        if name not in accepted:
            raise UsageError(f"trainer.{name} is not an option of Lightning's Trainer: {nearest(name, accepted)}.")
    model_module = import_module(experiment.model.module)
    data_module = import_module(experiment.data.module)
    model_options = {
        **{name: plain(getattr(experiment.model, name)) for name in plain(experiment.model)},
        # a dict whose class_path can be imported would be made into that class by jsonargparse
        "network": UserDict(network_config(experiment.model.network)),
    }
    try:
        cli = LightningCLI(
            model_class=getattr(model_module, type(experiment.model).__name__),
            datamodule_class=getattr(data_module, experiment.data_class),
            run=False,
            seed_everything_default=experiment.seed,
            save_config_callback=None,
            parser_kwargs={"exit_on_error": False},
            trainer_defaults={
                "logger": False,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "num_sanity_val_steps": 0,
                "deterministic": True,
                "max_epochs": 10,
                "default_root_dir": str(folder),
            },
            args={
                "seed_everything": experiment.seed,
                "trainer": experiment.trainer,
                "model": {"options": model_options, "seed": experiment.seed},
                "data": {"options": plain(experiment.data), "target": experiment.model.target},
            },
        )
    except ArgumentError as error:
        raise UsageError(_trainer_sentence(str(error))) from error
    except SeqpoolError:
        raise
    except (TypeError, ValueError, ImportError) as error:
        raise UsageError(_trainer_sentence(str(error))) from error
    trainer: Any = cli.trainer
    model, data = cli.model, cli.datamodule
    metric = f"val_{model.main_metric}" if data.parts.validation is not None else None
    trainer.callbacks[:0] = [MetricsFile(folder / METRICS), Progress(metric)]
    best = metric if experiment.model.keep == "best" else None
    if experiment.model.early_stopping is not None:
        if metric is None:
            raise UsageError("model.early_stopping needs a validation part, and the split leaves none.")
        patience = experiment.model.early_stopping
        trainer.callbacks.append(EarlyStopping(metric, mode="max", patience=patience, check_on_train_epoch_end=True))
    trainer.callbacks = [c for c in trainer.callbacks if not isinstance(c, pl.callbacks.ModelCheckpoint)]
    trainer.callbacks.append(checkpointing(folder, best))
    if experiment.model.optimizer.gradient_clip is not None:
        trainer.gradient_clip_val = experiment.model.optimizer.gradient_clip
    return trainer, model, data


def _trainer_sentence(text: str) -> str:
    """What jsonargparse says of a keyword in many lines, as one sentence: key, value, what was expected."""
    key = re.search(r'key "([^"]+)"', text)
    given = re.search(r"Given value: (.*)", text)
    expected = re.search(r"Expected (?:a |an )?(.*?)(?:\. |\n|$)", text)
    if key is None or expected is None:
        return "trainer: " + " ".join(text.split())
    value = f" is {given.group(1).strip()!r}" if given is not None else ""
    return f"{key.group(1)}{value}, expected {expected.group(1).strip()}."


def _device(trainer: pl.Trainer) -> str:
    device = trainer.strategy.root_device
    if device.type == "cpu":
        return f"cpu ({torch.get_num_threads()} threads)"
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def _start_from_motifs(network: nn.Module, file: str) -> None:
    """The first filters become the log-odds of a motif file, against a uniform background, pseudocount 1."""
    assert isinstance(network, MotifDetector)
    letters = network.one_hot.table.shape[1]
    background = np.full(letters, 1 / letters)
    matrices = []
    for matrix in read_motifs(file):
        if len(matrix.alphabet.letters) != letters:
            raise UsageError(f"motif {matrix.name} of {file} is of {matrix.alphabet.name}, the sequences are not.")
        frequencies = matrix.frequencies(background, 1.0) if isinstance(matrix, CountMatrix) else matrix
        motif = frequencies.log_odds(background) if isinstance(frequencies, FrequencyMatrix) else frequencies
        matrices.append(np.clip(motif.log_odds, -10.0, None).T)
    placed = network.start_from(matrices)
    say(f"filters: {placed} of the {len(matrices)} motifs of {file} are the first filters")


def _start_from_substitutions(network: nn.Module, matrix: str, network_input: NetworkInput) -> None:
    """The embedding of an encoder of proteins becomes that of a substitution matrix."""
    encoder = getattr(network, "network", network)
    assert isinstance(encoder, Encoder)
    assert encoder.embedding is not None
    if not isinstance(network_input, Letters):
        raise UsageError("network.substitution_matrix speaks of amino acids, the data are signals.")
    try:
        weight = substitution_embedding(matrix, network_input.letters, encoder.embedding.out_channels)
    except ValueError as error:
        raise UsageError(f"network.substitution_matrix: {error}.") from error
    with torch.no_grad():
        encoder.embedding.weight.copy_(weight[:, :, None])


def _start_from_artifact(network: nn.Module, file: str) -> None:
    """Layers of the same name and shape are taken from an artifact; the rest is said."""
    if not os.path.isfile(file):
        raise UsageError(f"--init {file} does not exist.")
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise DataError(f"--init {file} is not an artifact of seqpool, or is damaged: {error}.") from error
    own = network.state_dict()
    taken = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    network.load_state_dict(taken, strict=False)
    left = sorted(set(own) - set(taken))
    new = f"; new: {', '.join(left)}" if left else ""
    say(f"init: {len(taken)} of {len(own)} tensors are taken from {file}{new}")


def _take_best_weights(trainer: Any, model: TrainedNetwork, experiment: Experiment) -> None:
    callback = trainer.checkpoint_callback
    best = getattr(callback, "best_model_path", "")
    if (
        experiment.model.keep == "best"
        and best
        and Path(best).is_file()
        and trainer.datamodule.parts.validation is not None
    ):
        state = torch.load(best, map_location="cpu", weights_only=False)["state_dict"]
        model.load_state_dict(state, strict=False)
