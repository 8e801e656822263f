"""A network layer by layer: what one output sees, how far apart outputs lie, what folds, how many weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import nn

from seqpool.jobs.map_table import image_table, spectrogram_table
from seqpool.nn.beat_network import BeatNetwork
from seqpool.nn.convolution import ConvolutionBlock
from seqpool.nn.decoders import SampleLabeller
from seqpool.nn.encoder import Encoder
from seqpool.nn.map_layers import MapLayers
from seqpool.nn.motif_detector import MotifDetector
from seqpool.nn.spectrogram_encoder import SpectrogramEncoder
from seqpool.options.images import Image
from seqpool.options.inputs import Letters, NetworkInput
from seqpool.pooling.geometry import (
    Geometry,
    attenuation_db,
    head_parameters,
    heartbeats,
    receptive_field_warnings,
    seconds,
    whole_codons,
)
from seqpool.pooling.operators.average import AvgPool1d
from seqpool.pooling.operators.blur import BlurPool1d, blur_taps
from seqpool.pooling.operators.max_blur import MaxBlurPool1d


def layer_table(network: nn.Module, network_input: NetworkInput, length: int | None) -> Iterator[str]:
    """Lines of the table; `length`: positions of one input, where it is known.

    `field` is the receptive field and `jump` the distance between outputs, in letters or samples, then in codons or
    in seconds and heartbeats of 75 a minute. `fold` is the attenuation in dB of the layer's linear filter at the edge
    of what its stride folds (pi / stride); a layer that is no fixed linear filter has none.
    """
    inner = getattr(network, "network", network)
    if isinstance(inner, MotifDetector):
        yield from _of_detector(inner)
    elif isinstance(inner, Encoder):
        yield from _of_encoder(inner, network_input, length)
    elif isinstance(inner, SampleLabeller):
        yield from _of_labeller(inner, network_input)
    elif isinstance(inner, BeatNetwork):
        yield from _of_labeller(inner.detector, network_input)
        yield f"  {len(inner.classifiers)} classifiers of single beats: {_weights(inner.classifiers):,} weights"
    elif isinstance(inner, SpectrogramEncoder):
        yield from spectrogram_table(inner, length)
    elif isinstance(inner, MapLayers) and isinstance(network_input, Image):
        yield from image_table(inner, network_input.rows, network_input.columns)
    else:
        yield f"layers     {type(inner).__name__}: {_weights(inner):,} weights"


def _weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _of_detector(network: MotifDetector) -> Iterator[str]:
    yield "layers"
    for layer in network.filter_layers():
        count, letters, width = layer.weight.shape
        strands = "one strand" if layer.strands == "forward" else "both strands"
        size = f"{count * letters * width:,} weights"
        yield f"  {count} filters of width {width}, {strands}, then global {network.options.pool}: {size}"
    for words in network.words:
        yield f"  bag of words of {words.k} letters: {_weights(words):,} weights"
    yield f"  head: {_weights(network.head):,} weights"


def _of_encoder(network: Encoder, network_input: NetworkInput, length: int | None) -> Iterator[str]:
    rate = getattr(network_input, "rate_hz", None)
    letters = isinstance(network_input, Letters)
    unit = "letters" if letters else "samples"
    scale = f"{'seconds':>8} {'beats':>6}" if rate else f"{'codons':>8}" if letters else ""
    yield f"layers (jump and receptive field in {unit})"
    yield f"  {'layer':28} {'channels':>8} {'jump':>6} {'field':>6} {scale} {'fold dB':>8} {'weights':>9}"
    whole = Geometry()
    for i, block in enumerate(network.blocks):
        assert isinstance(block, ConvolutionBlock)
        modules = [*block.convolutions, *([] if block.pool is None else [block.pool])]
        for (name, geometry), module in zip(block.layers(), modules, strict=True):
            whole = whole >> geometry
            channels = network.options.channels[i] if name == "conv" else block.output_channels
            field = int(whole.receptive_field)
            shown = ""
            if rate:
                shown = f"{seconds(field, rate):8.3f} {heartbeats(field, rate):6.2f}"
            elif letters:
                shown = f"{whole_codons(field)[0]:8}"
            label = f"{i + 1}. {name}"
            yield (
                f"  {label:28} {channels:>8} {int(whole.jump):>6} {field:>6} {shown} "
                f"{_fold(module):>8} {_weights(module):>9,}"
            )
    rest = _weights(network) - _weights(network.blocks)
    yield f"  {'pool over positions, head':28} {'':8} {'':6} {'':6} {' ' * len(scale)} {'':8} {rest:>9,}"
    if length is not None:
        positions = max(int(length // int(whole.jump)), 1)
        flat, pooled = head_parameters(network.options.channels[-1], positions, 1)
        yield f"  a dense layer on all {positions} positions: {flat:,} weights per class; after the pool: {pooled:,}"
    for sentence in receptive_field_warnings(whole, length or 1 << 62, rate):
        yield f"  warning: {sentence}"


def _of_labeller(network: SampleLabeller, network_input: NetworkInput) -> Iterator[str]:
    rate = getattr(network_input, "rate_hz", None)
    options = network.options
    yield "levels (jump and receptive field in samples)"
    scale = f"{'seconds':>8} {'beats':>6}" if rate else ""
    yield f"  {'level':8} {'channels':>8} {'jump':>6} {'field':>6} {scale}"
    for number, (channels, geometry) in enumerate(zip(options.channels, network.geometries(), strict=True), start=1):
        field = int(geometry.receptive_field)
        shown = f"{seconds(field, rate):8.3f} {heartbeats(field, rate):6.2f}" if rate else ""
        yield f"  {number:<8} {channels:>8} {int(geometry.jump):>6} {field:>6} {shown}"
    yield f"  {options.decoder} decoder, labels: {_weights(network):,} weights in all"


def _fold(module: nn.Module) -> str:
    """Attenuation at pi / stride of a layer that is a fixed linear filter."""
    geometry = getattr(module, "geometry", Geometry())
    stride = int(geometry.jump)
    if stride == 1:
        return ""
    if isinstance(module, AvgPool1d):
        taps = [1.0] * module.kernel_size
    elif isinstance(module, BlurPool1d | MaxBlurPool1d):
        taps = blur_taps(stride, module.taps)
    else:
        return "-"
    return f"{attenuation_db(taps, math.pi / stride):.1f}"
