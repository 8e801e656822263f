"""How a model is trained, as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seqpool.errors import UsageError
from seqpool.options.certify import CertifiedTraining
from seqpool.options.check import Where, dotted, record
from seqpool.options.networks import BeatNetwork, Encoder, MotifDetector, Network, SampleLabeller, network_record
from seqpool.records import WAVES

TARGETS = ("binary", "multiclass", "multilabel", "regression", "waves", "beats", "coding")
"""Kinds of answer: of the first four one per input, of `waves` one per sample, of `beats` one per beat; of `coding`
whether an input codes, and in which frame of which strand."""

Target = Literal["binary", "multiclass", "multilabel", "regression"]

WAVE_OUTPUTS = ("none", *WAVES, "any P")
"""What a network for waves says: a label of each sample, and last, of the whole row, whether it has P waves at all."""

BEAT_CLASSES = ("N", "S", "V", "F")
"""The AAMI classes that a network of beats tells apart; beats of class Q (paced, unknown) are called one of them."""


@dataclass(frozen=True)
class Optimizer:
    """AdamW (Loshchilov & Hutter 2019).

    learning_rate: the largest one. weight_decay: decoupled, on weight matrices only.
    schedule: `constant`; `cosine` down to zero; `one_cycle` (Smith & Topin 2018): up over the first 30 % of the steps
    from 1/25 of the rate, then down to zero.
    gradient_clip: largest norm of the gradient; null: not clipped.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    schedule: Literal["constant", "cosine", "one_cycle"] = "cosine"
    gradient_clip: float | None = None

    def __post_init__(self) -> None:
        if self.learning_rate <= 0 or self.weight_decay < 0:
            raise ValueError("learning_rate must be above 0 and weight_decay at least 0")
        if self.gradient_clip is not None and self.gradient_clip <= 0:
            raise ValueError("gradient_clip must be above 0")


@dataclass(frozen=True)
class SequenceModel:
    """One label, several labels or values per input, whatever the input.

    class_weights: `balanced` (each class counts the same in the loss), or a weight per class name.
    label_smoothing: share of each label given to the other classes. mix_up: the alpha of Zhang et al. 2018 for
    signals; 0: off.
    certify: trains for answers that are proven to withstand noise or substitutions; null: not.
    keep: the weights of the epoch with the best validation figure (`best`) or of the last epoch (`last`; also where
    there is no validation part). early_stopping: stop after so many epochs without a better figure; null: never.
    """

    module: ClassVar[str] = "seqpool.train.sequence_model"

    network: Network
    target: Target
    optimizer: Optimizer = field(default_factory=Optimizer)
    class_weights: Literal["balanced"] | dict[str, float] | None = None
    label_smoothing: float = 0.0
    mix_up: float = 0.0
    certify: CertifiedTraining | None = None
    keep: Literal["best", "last"] = "best"
    early_stopping: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.network, SampleLabeller | BeatNetwork):
            name = type(self.network).__name__
            raise ValueError(f"{name} answers for every sample or beat, expected a network with one answer per input")
        if not 0 <= self.label_smoothing < 0.5:
            raise ValueError(f"label_smoothing is {self.label_smoothing}, expected 0 up to 0.5")
        if self.mix_up < 0:
            raise ValueError(f"mix_up is {self.mix_up}, expected at least 0")
        if self.early_stopping is not None and self.early_stopping < 1:
            raise ValueError(f"early_stopping is {self.early_stopping}, expected at least 1 epoch or null")
        if self.target == "regression" and (self.class_weights is not None or self.label_smoothing):
            raise ValueError("class_weights and label_smoothing are for classes, the target is regression")
        if self.certify is not None:
            if self.target == "regression":
                raise ValueError("certify is for classes, the target is regression")
            if self.mix_up:
                raise ValueError("certify and mix_up do not go together: what is mixed has no one answer to prove")
            letters = isinstance(self.network, MotifDetector)
            if letters != (self.certify.substitutions is not None):
                raise ValueError("certify takes substitutions for a MotifDetector and noise for any other network")


def sequence_model_record(
    values: Mapping[str, Any], *, key: tuple[str, ...] = (), where: Where = dotted
) -> SequenceModel:
    """The record of a config's `model.init_args`. Raises UsageError naming the key that is wrong."""
    if "network" not in values:
        raise UsageError(f"{where(key)} lacks network, which SequenceModel needs.")
    network = network_record(values["network"], key=(*key, "network"), where=where)
    return record(SequenceModel, {**values, "network": network}, key=key, where=where)


@dataclass(frozen=True)
class WaveModel:
    """P, QRS and T waves: a label for every sample, and whether the row has P waves at all.

    network: a SampleLabeller with `whole_outputs: 1`.
    class_weights: of `none`, `P`, `QRS` and `T` in the cross-entropy of the samples; those not named weigh 1.
    presence_weight: of the cross-entropy of P waves at all, beside that of the samples.
    keep: the weights of the epoch with the best validation figure (`best`) or of the last epoch (`last`; also where
    there is no validation part). early_stopping: stop after so many epochs without a better figure; null: never.
    """

    module: ClassVar[str] = "seqpool.train.wave_model"
    target: ClassVar[str] = "waves"

    network: Network
    optimizer: Optimizer = field(default_factory=Optimizer)
    class_weights: dict[str, float] = field(default_factory=dict)
    presence_weight: float = 0.2
    keep: Literal["best", "last"] = "best"
    early_stopping: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.network, MotifDetector | Encoder | BeatNetwork):
            raise ValueError("the network does not answer for every sample, expected SampleLabeller")
        if isinstance(self.network, SampleLabeller) and self.network.whole_outputs != 1:
            raise ValueError("network.whole_outputs should be 1: whether there are P waves at all")
        unknown = set(self.class_weights) - set(WAVE_OUTPUTS[:-1])
        if unknown:
            raise ValueError(
                f"class_weights names {', '.join(sorted(unknown))}, expected some of {', '.join(WAVE_OUTPUTS[:-1])}"
            )
        if self.presence_weight < 0 or any(weight < 0 for weight in self.class_weights.values()):
            raise ValueError("class_weights and presence_weight are at least 0")
        if self.early_stopping is not None and self.early_stopping < 1:
            raise ValueError(f"early_stopping is {self.early_stopping}, expected at least 1 epoch or null")


def wave_model_record(values: Mapping[str, Any], *, key: tuple[str, ...] = (), where: Where = dotted) -> WaveModel:
    """The record of a config's `model.init_args`. Raises UsageError naming the key that is wrong."""
    if "network" not in values:
        raise UsageError(f"{where(key)} lacks network, which WaveModel needs.")
    network = network_record(values["network"], key=(*key, "network"), where=where)
    return record(WaveModel, {**values, "network": network}, key=key, where=where)


@dataclass(frozen=True)
class BeatModel:
    """Beats: where their R peaks are, and the AAMI class of each.

    network: a BeatNetwork; its detector and its classifiers are trained in the same steps and share nothing.
    mix_up: the alpha of Zhang et al. 2018, of pairs of beats; 0: off.
    temperature: of the probabilities where there is no validation part to fit it on, as a cross-validation found it.
    keep: the weights of the epoch with the best validation figure, j-kappa at marked beats (`best`), or of the last
    epoch (`last`; also where there is no validation part). early_stopping: stop after so many epochs without a better
    figure; null: never.
    """

    module: ClassVar[str] = "seqpool.train.beat_model"
    target: ClassVar[str] = "beats"

    network: Network
    optimizer: Optimizer = field(default_factory=Optimizer)
    mix_up: float = 0.0
    temperature: float = 1.0
    keep: Literal["best", "last"] = "last"
    early_stopping: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.network, BeatNetwork):
            raise ValueError("the network does not answer for beats, expected BeatNetwork")
        if self.mix_up < 0 or self.temperature <= 0:
            raise ValueError("mix_up is at least 0 and temperature above 0")
        if self.early_stopping is not None and self.early_stopping < 1:
            raise ValueError(f"early_stopping is {self.early_stopping}, expected at least 1 epoch or null")


def beat_model_record(values: Mapping[str, Any], *, key: tuple[str, ...] = (), where: Where = dotted) -> BeatModel:
    """The record of a config's `model.init_args`. Raises UsageError naming the key that is wrong."""
    network = network_record(values.get("network", "BeatNetwork"), key=(*key, "network"), where=where)
    return record(BeatModel, {**values, "network": network}, key=key, where=where)


@dataclass(frozen=True)
class FrameModel:
    """Coding or not, and in which frame of which strand: one of the readings, or none.

    network: a CodonEncoder, or another network with one answer per input, which then sees each fragment as it is.
    keep: the weights of the epoch with the best validation figure (`best`) or of the last epoch (`last`; also where
    there is no validation part). early_stopping: stop after so many epochs without a better figure; null: never.
    """

    module: ClassVar[str] = "seqpool.train.frame_model"
    target: ClassVar[str] = "coding"

    network: Network
    optimizer: Optimizer = field(default_factory=Optimizer)
    keep: Literal["best", "last"] = "best"
    early_stopping: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.network, SampleLabeller | BeatNetwork):
            raise ValueError("the network answers for samples or beats, expected one answer per input: CodonEncoder")
        if self.early_stopping is not None and self.early_stopping < 1:
            raise ValueError(f"early_stopping is {self.early_stopping}, expected at least 1 epoch or null")


def frame_model_record(values: Mapping[str, Any], *, key: tuple[str, ...] = (), where: Where = dotted) -> FrameModel:
    """The record of a config's `model.init_args`. Raises UsageError naming the key that is wrong."""
    if "network" not in values:
        raise UsageError(f"{where(key)} lacks network, which FrameModel needs.")
    network = network_record(values["network"], key=(*key, "network"), where=where)
    return record(FrameModel, {**values, "network": network}, key=key, where=where)


Model = SequenceModel | WaveModel | BeatModel | FrameModel

MODELS: dict[str, Callable[..., Model]] = {
    "SequenceModel": sequence_model_record,
    "WaveModel": wave_model_record,
    "BeatModel": beat_model_record,
    "FrameModel": frame_model_record,
}

__all__ = [
    "BEAT_CLASSES",
    "MODELS",
    "TARGETS",
    "WAVE_OUTPUTS",
    "BeatModel",
    "FrameModel",
    "Model",
    "Optimizer",
    "SequenceModel",
    "Target",
    "WaveModel",
]
