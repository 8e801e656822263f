"""The files of one run: what was asked, how it was split, how it went, what came out."""

from __future__ import annotations

import csv
import shlex
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import yaml
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from tqdm import tqdm

from seqpool.errors import UsageError
from seqpool.io.output import open_output
from seqpool.train.data_module import DataModule, Parts

CONFIG = "config.yaml"
COMMAND = "command.txt"
SPLITS = "splits.tsv"
METRICS = "metrics.csv"
MODEL = "model.safetensors"
CHECKPOINTS = "checkpoints"


def resumed_checkpoint(folder: Path, given: str | None) -> Path | None:
    """The checkpoint that a run goes on from: the one given, else the folder's last.

    Raises UsageError where the checkpoint is missing, or the folder holds other things.
    """
    last = folder / CHECKPOINTS / "last.ckpt"
    if given is not None:
        if not Path(given).is_file():
            raise UsageError(f"--ckpt_path {given} does not exist.")
        return Path(given)
    if last.is_file():
        return last
    if folder.exists() and (not folder.is_dir() or not _only_started(folder)):
        raise UsageError(f"--run {folder} is not empty and holds no checkpoint to resume: name a new folder.")
    return None


def _only_started(folder: Path) -> bool:
    """Nothing but what a run writes before its first checkpoint."""
    return {entry.name for entry in folder.iterdir()} <= {CONFIG, COMMAND, SPLITS, METRICS, CHECKPOINTS}


def write_start(folder: Path, config: dict[str, Any], parts: Parts) -> None:
    """config.yaml as given (not expanded), command.txt, splits.tsv. Raises UsageError for an unwritable folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--run {folder} cannot be made: {error.strerror}.") from error
    with open_output(folder / CONFIG) as stream:
        yaml.safe_dump(config, stream, sort_keys=False, allow_unicode=True)
    with open_output(folder / COMMAND) as stream:
        stream.write(f"seqpool {shlex.join(sys.argv[1:])}\n")
    with open_output(folder / SPLITS) as stream:
        flags = sorted({tag for _, part in parts.named() for tag in DataModule.tags_of(part)})
        stream.write("\t".join(["id", "part", "digest", *flags]) + "\n")
        for name, part in parts.named():
            tags = DataModule.tags_of(part)
            for row, (identity, digest) in enumerate(zip(part.ids, part.digests, strict=True)):
                marks = [str(int(tags[flag][row])) if flag in tags else "0" for flag in flags]
                stream.write("\t".join([identity, name, digest, *marks]) + "\n")


class MetricsFile(Callback):
    """metrics.csv: one row per epoch. The rows travel in the checkpoint, so that a resumed run repeats none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Adds the epoch's row and writes the file."""
        row: dict[str, float] = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row["learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        row |= {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
        self.rows = [one for one in self.rows if one["epoch"] < row["epoch"]] + [row]
        if trainer.is_global_zero:
            with open_output(self.path) as stream:
                writer = csv.DictWriter(stream, list(row), lineterminator="\n", restval="")
                writer.writeheader()
                writer.writerows({name: f"{value:.7g}" for name, value in one.items()} for one in self.rows)

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The rows of the run that is resumed."""
        self.rows = list(state_dict["rows"])


class Progress(Callback):
    """A bar per epoch on stderr, with the epoch's figures, when stderr is a terminal."""

    def __init__(self, metric: str | None) -> None:
        self.metric = metric
        self.bar: tqdm[Any] | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Opens the epoch's bar."""
        last = f"/{trainer.max_epochs}" if trainer.max_epochs and trainer.max_epochs > 0 else ""
        self.bar = tqdm(
            total=int(trainer.num_training_batches),
            desc=f"epoch {trainer.current_epoch + 1}{last}",
            unit="step",
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
        )

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """One step."""
        if self.bar is not None:
            self.bar.update()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Closes the bar with the epoch's figures."""
        if self.bar is None:
            return
        shown = [name for name in ("train_loss", "val_loss", self.metric) if name in trainer.callback_metrics]
        self.bar.set_postfix({name: f"{float(trainer.callback_metrics[name]):.4f}" for name in shown if name})
        self.bar.close()


def checkpointing(folder: Path, metric: str | None) -> ModelCheckpoint:
    """Keeps the last epoch's checkpoint and, given a figure, the best one's; both written at an epoch's end."""
    return ModelCheckpoint(
        dirpath=folder / CHECKPOINTS,
        filename="best",
        monitor=metric,
        mode="max",
        save_top_k=1,
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
