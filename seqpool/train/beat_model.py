"""R peaks and the class of every beat: the Lightning module of a network of beats."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.evaluation.ec57 import j_kappa
from seqpool.nn.beat_network import BeatNetwork
from seqpool.nn.build import build_network
from seqpool.options.training import BEAT_CLASSES, beat_model_record
from seqpool.options.training import BeatModel as BeatOptions
from seqpool.train.beat_judge import marked_answers
from seqpool.train.beat_part import UNTAUGHT, BeatBatch, BeatPart
from seqpool.train.beats import Beats
from seqpool.train.peak_part import peak_loss
from seqpool.train.trained_network import TrainedNetwork


class BeatModel(TrainedNetwork):
    """Trains a BeatNetwork on recordings with marked beats: in each step its detector on windows of the lead and its
    classifiers on single beats, the losses added.

    The network is built once the data is known. Dropout and mix-up are functions of (seed, step), draws and their
    variation of (seed, epoch): a run that was killed and resumed repeats the uninterrupted one.
    """

    target = "beats"
    main_metric = "j_kappa"
    options: BeatOptions
    network: BeatNetwork | None

    def __init__(self, options: dict[str, Any], seed: int) -> None:
        """`options`: the fields of the option record BeatModel. Raises UsageError naming a key that is wrong."""
        super().__init__(seed)
        self.options = beat_model_record(options)
        self._losses: list[tuple[Tensor, int]] = []

    def setup(self, stage: str) -> None:
        """Builds the network for the data that the trainer has."""
        if self.network is not None:
            return
        self.data = self.trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(self.data, Beats):
            raise UsageError("model BeatModel needs a class for every beat: it goes with the data Beats.")
        self.classes = BEAT_CLASSES
        torch.manual_seed(self.seed)
        network = build_network(self.options.network, self.data.parts.input, len(BEAT_CLASSES), None)
        assert isinstance(network, BeatNetwork)
        self.network = network

    def forward(self, difference: Tensor, features: Tensor) -> Tensor:
        """(N, BEAT_CLASSES) logits of single beats."""
        assert self.network is not None
        return self.network(difference, features)  # type: ignore[no-any-return]

    def training_step(self, batch: BeatBatch, batch_idx: int) -> Tensor:
        """The loss of one batch. Dropout and mix-up are functions of (seed, step), whatever drew numbers before."""
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)
        assert self.network is not None
        target = F.one_hot(batch.target, len(BEAT_CLASSES)).to(batch.features.dtype)
        difference, features, target = self._mixed(batch.difference, batch.features, target)
        logits = self.network.each(difference, features)
        classes = torch.stack([F.cross_entropy(one, target) for one in logits]).sum()
        peaks = peak_loss(self.network.detector(batch.x), batch.peaks, batch.known)
        return self.logged_loss(classes + peaks, len(batch.row))

    def _mixed(self, difference: Tensor, features: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Beats blended in pairs, their labels too, with a share from Beta(alpha, alpha) for the batch."""
        if not self.options.mix_up:
            return difference, features, target
        alpha = torch.full((1,), self.options.mix_up, device=difference.device)
        share = torch.distributions.Beta(alpha, alpha).sample()
        other = torch.randperm(len(difference), device=difference.device)
        blended = [share * one + (1 - share) * one[other] for one in (difference, features, target)]
        return blended[0], blended[1], blended[2]

    def validation_step(self, batch: BeatBatch, batch_idx: int) -> None:
        """The classifiers' loss on a recording's beats; the figures need whole recordings."""
        taught = batch.target != UNTAUGHT
        loss = F.cross_entropy(self(batch.difference[taught], batch.features[taught]), batch.target[taught])
        self._losses.append((loss.detach(), int(taught.sum())))

    def on_validation_epoch_end(self) -> None:
        """Logs the loss and j-kappa at the marked beats."""
        beats = sum(count for _, count in self._losses)
        self.log("val_loss", torch.stack([loss * count for loss, count in self._losses if count]).sum() / beats)
        self._losses.clear()
        part = self.data.parts.validation
        assert isinstance(part, BeatPart)
        assert self.network is not None
        matrix = np.sum([one.matrix() for one in marked_answers(self.network, part, self.data.options.signal)], axis=0)
        self.log(f"val_{self.main_metric}", j_kappa(matrix)[2])
