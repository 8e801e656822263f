"""A network on maps layer by layer: its spectrogram, its plan of strides, and what becomes of a typical clip."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from seqpool.nn.map_layers import MapBlock, MapLayers
from seqpool.nn.spectrogram import Spectrogram, frames_of
from seqpool.nn.spectrogram_encoder import SpectrogramEncoder
from seqpool.pooling.geometry import Geometry, conv_geometry

TYPICAL_S = 1.0
"""The clip that a plan is shown for where the options name none."""


def spectrogram_table(network: SpectrogramEncoder, length: int | None) -> Iterator[str]:
    """Lines on the front end, the plan for a clip of the balance's length (else of `length` samples, else of
    TYPICAL_S), and each block with the time and the bands that one cell of its map sees."""
    front, balance = network.front, network.options.balance
    clip_s = TYPICAL_S if length is None else length / front.rate_hz
    clip_s = clip_s if balance is None else balance.clip_s
    frames = frames_of(clip_s, front.options, front.rate_hz)
    plan = network.layers.plan(frames, front.bands)
    wanted = "" if balance is None else f", wanted {balance.ratio:g}"
    yield from _front(front)
    yield (
        f"plan       {clip_s:g} s: {frames} frames x {front.bands} bands -> {plan.frames} x {plan.bands}, "
        f"ratio {plan.ratio:.2f}{wanted}"
    )
    start = conv_geometry(front.transform, front.hop, padding=front.transform // 2)
    yield from _blocks(network.layers, (frames, front.bands), start, front.rate_hz)
    rest = _weights(network) - _weights(network.layers.blocks)
    yield f"  {'pool over the map, head':25} {'':>8} {'':>11} {'':>9} {'':>6} {rest:>9,}"


def image_table(layers: MapLayers, rows: int, columns: int) -> Iterator[str]:
    """Lines on each block for images of so many rows and columns."""
    plan = layers.plan(columns, rows)
    yield f"plan       {columns} columns x {rows} rows -> {plan.frames} x {plan.bands}"
    yield from _blocks(layers, (columns, rows), Geometry(), None)
    rest = _weights(layers) - _weights(layers.blocks)
    yield f"  {'pool over the map, head':25} {'':>8} {'':>11} {'':>9} {'':>6} {rest:>9,}"


def _front(front: Spectrogram) -> Iterator[str]:
    options = front.options
    highest = front.rate_hz / 2 if options.highest_hz is None else options.highest_hz
    span = f" from {options.lowest_hz:g} to {highest:g} Hz" if options.bands != "linear" else ""
    yield (
        f"front end  {front.rate_hz:g} Hz, window {front.window} and hop {front.hop} samples, transform of "
        f"{front.transform}, {front.bands} bands ({options.bands}){span}"
    )
    state = f" from {options.pcen.start}" if options.compression == "pcen" else ""
    yield (
        f"           level {options.level}, compression {options.compression}{state}, normalise {options.normalise}, "
        f"views {' '.join(options.views)}, zeros outside of the clip"
    )


def _blocks(layers: MapLayers, size: tuple[int, int], start: Geometry, rate_hz: float | None) -> Iterator[str]:
    unit = "seconds" if rate_hz else "columns"
    yield "layers (time x frequency)" if rate_hz else "layers (columns x rows)"
    yield f"  {'block':16} {'stride':>8} {'channels':>8} {'map':>11} {unit:>9} {'bands':>6} {'weights':>9}"
    time, frequency = start, Geometry()
    for number, (block, after) in enumerate(zip(layers.blocks, layers.sizes(*size), strict=True), start=1):
        assert isinstance(block, MapBlock)
        time, frequency = time >> block.time_geometry(), frequency >> block.frequency_geometry()
        seen = f"{int(time.receptive_field) / rate_hz:9.3f}" if rate_hz else f"{int(time.receptive_field):9}"
        stride = f"{block.stride[0]} x {block.stride[1]}"
        label = f"{number}. conv, {block.pool}"
        yield (
            f"  {label:16} {stride:>8} {layers.options.channels[number - 1]:>8} {f'{after[0]} x {after[1]}':>11} "
            f"{seen} {int(frequency.receptive_field):>6} {_weights(block):>9,}"
        )


def _weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
