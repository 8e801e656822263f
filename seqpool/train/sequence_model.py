"""One label, several labels or values per input: the Lightning module of detectors and encoders."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.evaluation.answers import interpret
from seqpool.nn.build import build_network
from seqpool.nn.intervals import interval_of, without_map
from seqpool.nn.motif_detector import MotifDetector
from seqpool.nn.substitution_bounds import substitution_bounds
from seqpool.options.training import SequenceModel as Options
from seqpool.options.training import sequence_model_record
from seqpool.pooling.intervals import Bounds
from seqpool.train.data_module import Batch, DataModule, Parts
from seqpool.train.trained_network import TrainedNetwork

MAIN_METRIC = {"binary": "roc_auc", "multiclass": "f1_macro", "multilabel": "roc_auc", "regression": "pearson_r"}
"""The figure that tells which epoch is best; larger is better."""


class SequenceModel(TrainedNetwork):
    """Trains any network on any data module whose rows have one answer each.

    The network is built once the data is known. Dropout is a function of (seed, step), shuffling of (seed, epoch):
    a run that was killed and resumed repeats the uninterrupted one.
    """

    options: Options
    class_weights: Tensor
    offset: Tensor
    scale: Tensor

    def __init__(self, options: dict[str, Any], seed: int) -> None:
        """`options`: the fields of the option record SequenceModel. Raises UsageError naming a key that is wrong."""
        super().__init__(seed)
        self.options = sequence_model_record(options)
        self.target = self.options.target
        self._logits: list[Tensor] = []
        self._batches: list[Batch] = []

    def setup(self, stage: str) -> None:
        """Builds the network for the data that the trainer has."""
        if self.network is not None:
            return
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, DataModule)
        parts = data.parts
        check_target(self.target, parts)
        self.classes = parts.classes
        torch.manual_seed(self.seed)
        self.network = build_network(self.options.network, parts.input, self.output_count(parts), parts.length)
        check_certify(self.options, self.network, parts)
        self.register_buffer("class_weights", torch.from_numpy(self._class_weights(parts)).float(), persistent=False)
        offset, scale = target_scale(parts) if self.target == "regression" else (np.zeros(1), np.ones(1))
        self.register_buffer("offset", torch.from_numpy(offset).float(), persistent=False)
        self.register_buffer("scale", torch.from_numpy(scale).float(), persistent=False)

    @property
    def main_metric(self) -> str:
        """The figure that tells which epoch is best."""
        return MAIN_METRIC[self.target]

    def output_count(self, parts: Parts) -> int:
        """Outputs of the network."""
        return 1 if self.target == "binary" else len(parts.classes)

    def _class_weights(self, parts: Parts) -> NDArray[np.float64]:
        chosen = self.options.class_weights
        count = len(parts.classes)
        if chosen is None:
            return np.ones(count)
        if isinstance(chosen, dict):
            unknown = set(chosen) - set(parts.classes)
            if unknown:
                raise UsageError(
                    f"model.class_weights names {', '.join(sorted(unknown))}, but the classes are "
                    f"{', '.join(parts.classes)}."
                )
            return np.array([chosen.get(name, 1.0) for name in parts.classes])
        if self.target == "multilabel":
            share = np.nanmean(parts.train.target, axis=0)
            return np.asarray((1 - share) / np.clip(share, 1e-6, None))
        rows = np.bincount(parts.train.target.astype(np.int64), minlength=count)
        return np.asarray(rows.sum() / (count * np.clip(rows, 1, None)))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (N, outputs); values of a regression are in units of the training targets' deviation."""
        assert self.network is not None
        return self.network(x, lengths)  # type: ignore[no-any-return]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch. Dropout and mix-up are functions of (seed, step), whatever drew numbers before."""
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)
        if self.options.mix_up > 0 and batch.x.is_floating_point():
            loss = self._mixed_loss(batch)
        else:
            each = self._member_logits(batch.x, batch.lengths)
            loss = torch.stack([self.loss(logits, batch.target, batch.weight) for logits in each]).mean()
            if self.options.certify is not None:
                loss = self._with_proof(loss, batch, batch_idx)
        return self.logged_loss(loss, len(batch.row))

    def _with_proof(self, loss: Tensor, batch: Batch, batch_idx: int) -> Tensor:
        """The loss with that of the worst logits within the bounds, whose radius and weight grow over the warm-up."""
        options = self.options.certify
        assert options is not None
        assert self.network is not None
        epochs = self.current_epoch + batch_idx / max(int(self.trainer.num_training_batches), 1)
        grown = min(epochs / options.warmup, 1.0) if options.warmup else 1.0
        if grown == 0:
            return loss
        if options.substitutions is not None:
            assert isinstance(self.network, MotifDetector)
            bounds = substitution_bounds(self.network, batch.x, batch.lengths, options.substitutions)
        else:
            reach = grown * options.noise_mv
            bounds = interval_of(self.network, batch.x - reach, batch.x + reach, batch.lengths)
        proven = self.loss(worst_logits(bounds, batch.target, self.target), batch.target, batch.weight)
        share = grown * options.weight
        return (1 - share) * loss + share * proven

    def _member_logits(self, x: Tensor, lengths: Tensor) -> list[Tensor]:
        """Of each member of an ensemble in one network; elsewhere the network's own, alone."""
        members = getattr(self.network, "member_logits", None)
        return [self(x, lengths)] if members is None else members(x, lengths)

    def _mixed_loss(self, batch: Batch) -> Tensor:
        """Mix-up (Zhang et al. 2018): inputs and losses of two rows, the larger share first."""
        alpha = self.options.mix_up
        share = torch.distributions.Beta(alpha, alpha).sample((len(batch.row),)).to(batch.x.device)
        share = torch.maximum(share, 1 - share)
        other = torch.randperm(len(batch.row), device=batch.x.device)
        wide = share.view(-1, *[1] * (batch.x.ndim - 1))
        x = wide * batch.x + (1 - wide) * batch.x[other]
        logits = self(x, torch.maximum(batch.lengths, batch.lengths[other]))
        first = self.loss(logits, batch.target, batch.weight * share)
        second = self.loss(logits, batch.target[other], batch.weight[other] * (1 - share))
        return first + second

    def loss(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Mean over rows of weight times loss; missing targets (NaN) count nothing."""
        smoothing = self.options.label_smoothing
        if self.target == "multiclass":
            rows = F.cross_entropy(
                logits, target, weight=self.class_weights, label_smoothing=smoothing, reduction="none"
            )
            return (rows * weight).mean()
        known = ~torch.isnan(target)
        filled = torch.where(known, target, torch.zeros_like(target))
        if self.target == "regression":
            error = (logits - (filled - self.offset) / self.scale).square()
            each = torch.where(known, error, torch.zeros_like(error)).sum(dim=1) / known.sum(dim=1).clamp(min=1)
            return (each * weight).mean()
        smooth = filled * (1 - 2 * smoothing) + smoothing
        if self.target == "binary":
            each = F.binary_cross_entropy_with_logits(logits[:, 0], smooth, reduction="none")
            by_class = torch.where(filled > 0.5, self.class_weights[1], self.class_weights[0])
            return (torch.where(known, each, torch.zeros_like(each)) * weight * by_class).mean()
        each = F.binary_cross_entropy_with_logits(logits, smooth, pos_weight=self.class_weights, reduction="none")
        each = torch.where(known, each, torch.zeros_like(each)).sum(dim=1) / known.sum(dim=1).clamp(min=1)
        return (each * weight).mean()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collects logits; figures need all of them."""
        self._logits.append(self(batch.x, batch.lengths).detach())
        self._batches.append(batch)

    def on_validation_epoch_end(self) -> None:
        """Logs the loss and the figures of the whole part, which every process judges for itself."""
        logits = torch.cat(self._logits)
        target = torch.cat([batch.target for batch in self._batches])
        weight = torch.cat([batch.weight for batch in self._batches])
        self._logits.clear()
        self._batches.clear()
        self.log("val_loss", self.loss(logits, target, weight))
        outputs = logits.cpu().numpy().astype(np.float64)
        for name, value in self.metrics(outputs, target.cpu().numpy().astype(np.float64)).items():
            self.log(f"val_{name}", value)

    def metrics(self, outputs: NDArray[np.float64], target: NDArray[np.float64]) -> dict[str, float]:
        """The part's main figures, at plain thresholds of one half."""
        offset, scale = self.offset.cpu().tolist(), self.scale.cpu().tolist()
        found = interpret(outputs, self.target, self.classes, offset=offset, scale=scale).metrics(target)
        return {name: value for name, value in found.items() if "[" not in name}


def worst_logits(bounds: Bounds, target: Tensor, kind: str) -> Tensor:
    """The logits between the bounds (N, outputs) that speak least for the true classes."""
    if kind == "multiclass":
        true = torch.nn.functional.one_hot(target, bounds.lower.shape[1]).bool()
    else:
        true = (target if target.dim() == 2 else target[:, None]) > 0.5
    return torch.where(true, bounds.lower, bounds.upper)


def check_certify(options: Options, network: nn.Module, parts: Parts) -> None:
    """Raises UsageError where nothing can be proven of the network, or its input is not in millivolts."""
    if options.certify is None:
        return
    missing = without_map(network)
    if missing:
        raise UsageError(f"model.certify: {missing[0]} has no interval map, so nothing can be proven of the network.")
    if options.certify.noise is not None:
        normalise = getattr(parts.input, "normalise", None)
        if normalise != "none":
            said = "the data are no recordings" if normalise is None else f"signal.normalise is {normalise}"
            raise UsageError(f"model.certify.noise is in millivolts, and {said}: expected signal: {{normalise: none}}.")


def check_target(target: str, parts: Parts) -> None:
    """Raises UsageError where the labels are of another kind than the target."""
    labels = parts.train.target
    if target == "binary" and len(parts.classes) != 2:
        raise UsageError(
            f"model.target is binary, but the data has {len(parts.classes)} classes ({', '.join(parts.classes)}): "
            "set target: multiclass."
        )
    if target in ("binary", "multiclass") and labels.ndim != 1:
        raise UsageError(f"model.target is {target}, but the data has {labels.shape[1]} label columns: set multilabel.")
    if target in ("multilabel", "regression") and labels.ndim != 2:
        raise UsageError(f"model.target is {target}, but the data has one class per row: set binary or multiclass.")


def target_scale(parts: Parts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each training target, known values only."""
    offset = np.nanmean(parts.train.target, axis=0)
    scale = np.nanstd(parts.train.target, axis=0)
    return offset, np.where(scale > 0, scale, 1.0)
