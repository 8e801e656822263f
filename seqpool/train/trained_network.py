"""What every kind of training shares: the optimizer, the loss's log, and checkpoints that know whose they are."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Protocol

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from seqpool.errors import DataError, UsageError
from seqpool.options.check import plain
from seqpool.options.networks import Network, network_config
from seqpool.options.training import Optimizer


class TrainingOptions(Protocol):
    """What the option record of every kind of model has."""

    @property
    def network(self) -> Network: ...
    @property
    def optimizer(self) -> Optimizer: ...


class TrainedNetwork(pl.LightningModule, ABC):
    """A network that a subclass builds once the data is known, and trains with AdamW.

    options: the kind's record. seed: of weights, dropout and batches. target: the kind of answer. classes: the names
    of the data's classes, known after `setup`.
    """

    options: TrainingOptions
    target: str
    classes: tuple[str, ...]

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.network: nn.Module | None = None

    @property
    @abstractmethod
    def main_metric(self) -> str:
        """The figure, logged as `val_...`, that tells which epoch is best; larger is better."""

    def logged_loss(self, loss: Tensor, rows: int) -> Tensor:
        """A step's loss, once it is logged. Raises DataError where it is not finite."""
        if not bool(torch.isfinite(loss)):
            raise DataError(
                f"the loss is not finite in epoch {self.current_epoch}, step {self.global_step}: lower "
                "optimizer.learning_rate or set optimizer.gradient_clip."
            )
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=rows, sync_dist=True)
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, decay on matrices only, with the schedule of the options."""
        options = self.options.optimizer
        decayed = [p for p in self.parameters() if p.requires_grad and p.ndim > 1]
        plain_ones = [p for p in self.parameters() if p.requires_grad and p.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": options.weight_decay}, {"params": plain_ones, "weight_decay": 0.0}],
            lr=options.learning_rate,
        )
        if options.schedule == "constant":
            return {"optimizer": optimizer}
        steps = max(int(self.trainer.estimated_stepping_batches), 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(options, step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Notes what the weights belong to."""
        checkpoint["seqpool"] = self._identity()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuses a checkpoint of another model. Raises UsageError naming what differs."""
        found = checkpoint.get("seqpool")
        if found is None:
            raise UsageError("the checkpoint was not written by seqpool fit.")
        for name, value in self._identity().items():
            if found.get(name) != value:
                raise UsageError(
                    f"the checkpoint disagrees with the config: {name} is {found.get(name)!r} in the checkpoint and "
                    f"{value!r} in the config (start a new run with another --run folder, or use --init)."
                )

    def _identity(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "network": network_config(self.options.network),
            "target": self.target,
            "optimizer": plain(self.options.optimizer),
            "classes": list(self.classes),
        }


def rate_factor(options: Optimizer, progress: float) -> float:
    """Learning rate as a share of the largest one, `progress` from 0 to 1 over all steps."""
    if options.schedule == "one_cycle":
        if progress < 0.3:
            return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * progress / 0.3))
        progress = (progress - 0.3) / 0.7
    return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
