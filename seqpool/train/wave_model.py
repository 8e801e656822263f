"""P, QRS and T waves: the Lightning module of networks that label every sample."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.evaluation.delineation import delineation_scores
from seqpool.nn.build import build_network
from seqpool.options.training import WAVE_OUTPUTS, wave_model_record
from seqpool.options.training import WaveModel as WaveOptions
from seqpool.records import WAVES
from seqpool.train.data_module import Batch
from seqpool.train.trained_network import TrainedNetwork
from seqpool.train.wave_judge import tallies_of
from seqpool.train.wave_part import UNKNOWN
from seqpool.train.waves import Waves


class WaveModel(TrainedNetwork):
    """Trains a SampleLabeller on recordings with marked waves.

    The network is built once the data is known. Dropout is a function of (seed, step), rows and their variation of
    (seed, epoch): a run that was killed and resumed repeats the uninterrupted one.
    """

    target = "waves"
    main_metric = "f1"
    options: WaveOptions
    class_weights: Tensor

    def __init__(self, options: dict[str, Any], seed: int) -> None:
        """`options`: the fields of the option record WaveModel. Raises UsageError naming a key that is wrong."""
        super().__init__(seed)
        self.options = wave_model_record(options)
        self._losses: list[tuple[Tensor, int]] = []

    def setup(self, stage: str) -> None:
        """Builds the network for the data that the trainer has."""
        if self.network is not None:
            return
        self.data = self.trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(self.data, Waves):
            raise UsageError("model WaveModel needs a label for every sample: it goes with the data Waves.")
        self.classes = WAVE_OUTPUTS
        torch.manual_seed(self.seed)
        self.network = build_network(self.options.network, self.data.parts.input, len(WAVE_OUTPUTS), None)
        weights = [self.options.class_weights.get(name, 1.0) for name in WAVE_OUTPUTS[:-1]]
        self.register_buffer("class_weights", torch.tensor(weights), persistent=False)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (N, 2 + waves, L): none, WAVES, and whether the row has P waves."""
        assert self.network is not None
        if lengths is None:
            return self.network(x)  # type: ignore[no-any-return]
        return self.network(x, lengths)[0]  # type: ignore[no-any-return]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch. Dropout is a function of (seed, step), whatever drew numbers before."""
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)
        return self.logged_loss(self.loss(self(batch.x, batch.lengths), batch.target), len(batch.row))

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Weighted cross-entropy of the samples, and of P waves at all; labels that are not known count nothing.

        logits: (N, 2 + waves, L). target: (N, L + 1) as `labels_of` gives it.
        """
        samples = F.cross_entropy(logits[:, :-1], target[:, :-1], weight=self.class_weights, ignore_index=UNKNOWN)
        known = target[:, -1] != UNKNOWN
        present = F.binary_cross_entropy_with_logits(logits[known, -1, 0], target[known, -1].to(logits.dtype))
        return samples + self.options.presence_weight * present

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """The loss of a batch; the waves need whole recordings."""
        logits = self(batch.x, batch.lengths)
        self._losses.append((self.loss(logits, batch.target).detach(), len(batch.row)))

    def on_validation_epoch_end(self) -> None:
        """Logs the loss and the mean F1 of the onsets and offsets of P, QRS and T."""
        rows = sum(rows for _, rows in self._losses)
        self.log("val_loss", torch.stack([loss * rows for loss, rows in self._losses]).sum() / rows)
        self._losses.clear()
        part = self.data.parts.validation
        assert self.network is not None
        assert part is not None
        scores = delineation_scores(tallies_of(self.network, self.data, part))
        ends = [scores[f"f1[{wave} {point}]"] for wave in WAVES for point in ("onset", "offset")]
        self.log(f"val_{self.main_metric}", sum(ends) / len(ends))
