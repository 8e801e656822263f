"""Coding or not, and in which frame of which strand: the Lightning module."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.evaluation.coding import coding_answers, coding_scores
from seqpool.nn.build import build_network
from seqpool.nn.codon_encoder import CodonEncoder
from seqpool.options.training import FrameModel as FrameOptions
from seqpool.options.training import frame_model_record
from seqpool.train.coding_fragments import CodingFragments
from seqpool.train.data_module import Batch
from seqpool.train.trained_network import TrainedNetwork


class FrameModel(TrainedNetwork):
    """Trains a network on fragments of annotated genomes: one of the readings codes, or none.

    The network is built once the data is known; a CodonEncoder is given the log-odds of its pairs of codons, counted on
    the training stretches. Dropout is a function of (seed, step), fragments of (seed, epoch): a run that was killed and
    resumed repeats the uninterrupted one.
    """

    target = "coding"
    main_metric = "roc_auc"
    options: FrameOptions

    def __init__(self, options: dict[str, Any], seed: int) -> None:
        """`options`: the fields of the option record FrameModel. Raises UsageError naming a key that is wrong."""
        super().__init__(seed)
        self.options = frame_model_record(options)
        self._validated: list[tuple[Tensor, Tensor]] = []

    def setup(self, stage: str) -> None:
        """Builds the network for the data that the trainer has."""
        if self.network is not None:
            return
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, CodingFragments):
            raise UsageError("model FrameModel needs a frame and strand for every row: it goes with CodingFragments.")
        parts = data.parts
        self.classes = parts.classes
        torch.manual_seed(self.seed)
        self.network = build_network(self.options.network, parts.input, len(parts.classes), parts.length)
        if isinstance(self.network, CodonEncoder):
            self.network.pair_log_odds.copy_(torch.from_numpy(data.codon_pair_log_odds()))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (N, 1 + readings): no coding, then each strand and frame."""
        assert self.network is not None
        return self.network(x, lengths)  # type: ignore[no-any-return]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch. Dropout is a function of (seed, step), whatever drew numbers before."""
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)
        return self.logged_loss(F.cross_entropy(self(batch.x, batch.lengths), batch.target), len(batch.row))

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collects logits; figures need all of them."""
        self._validated.append((self(batch.x, batch.lengths).detach(), batch.target))

    def on_validation_epoch_end(self) -> None:
        """Logs the loss and, over fragments of all lengths, `coding_scores`."""
        logits, target = (torch.cat(some) for some in zip(*self._validated, strict=True))
        self._validated.clear()
        self.log("val_loss", F.cross_entropy(logits, target))
        answers = coding_answers(logits.cpu().numpy().astype(np.float64))
        truth = target.cpu().numpy().astype(np.float64)
        for name, value in coding_scores(truth, answers.evidence, answers.reading).items():
            self.log(f"val_{name}", value)
