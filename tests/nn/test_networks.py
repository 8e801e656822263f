"""Networks: a row gives the same values alone, padded, in any batch; both engines agree; strands are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from seqpool.alphabet import DNA, PROTEIN
from seqpool.errors import UsageError
from seqpool.nn.build import build_network
from seqpool.nn.convolution import SameConv1d
from seqpool.nn.motif_detector import MotifDetector
from seqpool.nn.normalisation import MaskedBatchNorm1d
from seqpool.options.inputs import Letters
from seqpool.options.networks import NETWORKS, network_record
from seqpool.pooling.geometry import Geometry

DETECTORS: dict[str, dict[str, Any]] = {
    "plain": {"filters": 6, "width": 5},
    "forward": {"filters": 6, "width": 5, "strands": "forward"},
    "apart": {"filters": 6, "width": 5, "strands": "apart"},
    "shared": {
        "filters": 6,
        "width": [5, 7],
        "strands": "shared",
        "hidden": 5,
        "word_lengths": [2],
        "composition": True,
    },
    "shared average": {"filters": 6, "width": 5, "strands": "shared", "pool": "max_average", "normalise": False},
    "widths": {"filters": 7, "width": [3, 6, 11]},
    "average": {"filters": 6, "width": 5, "pool": "max_average"},
    "average apart": {"filters": 6, "width": 5, "pool": "max_average", "strands": "apart"},
    "bins": {"filters": 6, "width": 5, "position_bins": 4},
    "bins apart": {"filters": 6, "width": 5, "position_bins": 3, "strands": "apart", "pool": "max_average"},
    "words": {"filters": 6, "width": 5, "word_lengths": [2, 3]},
    "composition": {"filters": 6, "width": 5, "composition": True, "hidden": 0, "normalise": False},
    "no padding": {"filters": 6, "width": 9, "padding": 0},
    "members": {"filters": 7, "width": [5, 9], "members": 3, "word_lengths": [2], "composition": True},
    "members apart": {"filters": 6, "width": 5, "members": 2, "strands": "apart", "pool": "max_average"},
}

ENCODERS: dict[str, dict[str, Any]] = {
    "plain": {"channels": [4, 8]},
    "residual": {"channels": [4, 4], "residual": True, "convolutions": 2},
    "strides": {"channels": [4, 8], "stride": [2, 1], "pool_size": 1, "width": [5, 4]},
    "dilation": {"channels": [4, 8], "dilation": [1, 3], "pool_size": 1},
    "embedding": {"channels": [4, 8], "embedding": 3, "pool_each": True, "pool_size": 1},
    "positions": {"channels": [4], "positions": 4},
    "class maps": {"channels": [4, 8], "head": "class_maps", "global_pool": "average"},
    "log-mean-exp": {"channels": [4, 8], "global_pool": "log_mean_exp", "pool": "average"},
    "composition": {"channels": [4], "composition": True, "hidden": 5},
}


def made(name: str, arguments: dict[str, Any], alphabet: str = "dna", length: int | None = None) -> nn.Module:
    torch.manual_seed(1)
    record = network_record({"class_path": name, "init_args": arguments})
    network = build_network(record, Letters(alphabet), 3, length)
    # weights as after some training: running moments and biases are not at their start
    generator = torch.Generator().manual_seed(2)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            assert module.running_mean is not None
            module.running_mean.uniform_(-0.2, 0.2, generator=generator)
            module.bias.data.uniform_(-0.2, 0.2, generator=generator)
    return network.eval()


def codes(rows: int, length: int, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.choice(15, (rows, length), p=[0.235] * 4 + [0.06 / 11] * 11).astype(np.uint8))


CASES = [("MotifDetector", name) for name in DETECTORS if "bins" not in name] + [("Encoder", name) for name in ENCODERS]


def arguments_of(kind: str, name: str) -> dict[str, Any]:
    return (DETECTORS if kind == "MotifDetector" else ENCODERS)[name]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_row_does_not_depend_on_its_batch(kind: str, name: str) -> None:
    network = made(kind, arguments_of(kind, name))
    x, lengths = codes(5, 40), torch.tensor([40, 17, 25, 12, 33])
    together = network(x, lengths)
    junk = torch.where(torch.arange(40) < lengths[:, None], x, torch.tensor(3, dtype=torch.uint8))
    assert torch.equal(network(junk, lengths), together)
    for row, length in enumerate(lengths.tolist()):
        alone = network(x[row : row + 1, :length], torch.tensor([length]))
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", DETECTORS)
def test_engines_agree_with_gradients(name: str) -> None:
    x, lengths = codes(6, 30, seed=3), torch.tensor([30, 4, 12, 30, 9, 21])
    if "bins" in name:
        lengths = torch.full((6,), 30)
    found = []
    for engine in ("fused", "torch"):
        network = made("MotifDetector", {**DETECTORS[name], "engine": engine}, length=30)
        for parameter in network.parameters():
            if parameter.ndim == 1 or parameter.shape[1] <= 4:  # biases are not zero after training
                nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(3))
        output = network(x, lengths)
        output.square().sum().backward()
        found.append([output, *[p.grad for p in network.parameters()]])
    for fused, plain in zip(*found, strict=True):
        torch.testing.assert_close(fused, plain, atol=2e-5, rtol=2e-4)


BOTH_STRANDS = [
    name for name, options in DETECTORS.items() if options.get("strands", "shared") == "shared" and "bins" not in name
]
"""A position has no counterpart on the other strand, so a network with bins is left out."""


@pytest.mark.parametrize("name", BOTH_STRANDS)
def test_both_strands_give_one_answer(name: str) -> None:
    network = made("MotifDetector", DETECTORS[name])
    x = codes(8, 35, seed=4)
    other = torch.from_numpy(np.stack([DNA.reverse_complement(row) for row in x.numpy()]))
    if DETECTORS[name].get("pool") == "max_average":  # a mean over windows is added up in the order of its words
        torch.testing.assert_close(network(other), network(x), atol=1e-6, rtol=1e-6)
    else:
        assert torch.equal(network(other), network(x))


@pytest.mark.parametrize("name", DETECTORS)
def test_one_hot_is_the_same_as_codes(name: str) -> None:
    network = made("MotifDetector", DETECTORS[name], length=30)
    assert isinstance(network, MotifDetector)
    x = codes(4, 30, seed=5).clamp(max=4)
    torch.testing.assert_close(network(network.one_hot(x)), network(x), atol=1e-5, rtol=1e-5)


def test_a_peptide_shorter_than_the_filters_is_lengthened_with_unknown_letters() -> None:
    network = made("MotifDetector", {"filters": 4, "width": 7, "strands": "forward", "padding": 0}, "protein")
    short = torch.from_numpy(PROTEIN.encode("MK"))[None]
    longer = torch.from_numpy(PROTEIN.encode("MKXXXXX"))[None]
    assert torch.equal(network(short), network(longer))


def test_masked_normalisation_equals_batch_norm_on_valid_positions() -> None:
    torch.manual_seed(0)
    x, lengths = torch.randn(4, 3, 9, dtype=torch.float64) * 2 + 5, torch.tensor([9, 0, 4, 7])
    masked, plain = MaskedBatchNorm1d(3).double(), nn.BatchNorm1d(3).double()
    valid = torch.cat([x[row, :, :length] for row, length in enumerate(lengths.tolist())], dim=1)[None]
    expected = plain(valid)[0]
    found = masked(torch.where(torch.arange(9) < lengths[:, None, None], x, torch.nan), lengths)
    found = torch.cat([found[row, :, :length] for row, length in enumerate(lengths.tolist())], dim=1)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(masked.running_mean, plain.running_mean)
    torch.testing.assert_close(masked.running_var, plain.running_var)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_convolution_against_loops(kernel: int, stride: int, dilation: int) -> None:
    torch.manual_seed(0)
    layer = SameConv1d(2, 3, kernel, stride=stride, dilation=dilation).double()
    for length in (1, 2, 5, 8):
        x = torch.randn(1, 2, length, dtype=torch.float64)
        left = dilation * (kernel - 1) // 2
        expected = np.zeros((3, -(-length // stride)))
        for j in range(expected.shape[1]):
            for i in range(kernel):
                at = j * stride - left + i * dilation
                if 0 <= at < length:
                    expected[:, j] += layer.weight[:, :, i].detach().numpy() @ x[0, :, at].numpy()
        expected += layer.bias.detach().numpy()[:, None]  # type: ignore[union-attr]
        output = layer(x)
        assert isinstance(output, torch.Tensor)
        np.testing.assert_allclose(output[0].detach().numpy(), expected, atol=1e-12)


def test_encoder_geometry_counts_every_layer() -> None:
    network = made("Encoder", {"channels": [4, 8, 8], "width": 7, "pool_size": 2})
    assert network.network.geometry() == Geometry(jump=8, receptive_field=50, start=-21)  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("name", ["skip", "flatten"])
def test_networks_that_keep_positions_apart_need_one_length(name: str) -> None:
    options = {"channels": [4], "skip": True} if name == "skip" else {"channels": [4], "global_pool": "flatten"}
    with pytest.raises(UsageError, match="need inputs of one length"):
        made("Encoder", options)
    assert made("Encoder", options, length=30)(codes(2, 30)).shape == (2, 3)


class Own(nn.Module):
    """A user's network."""

    def __init__(self, channels: int, outputs: int, length: int | None, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, outputs, width)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        return self.convolution(x).amax(dim=2)


def test_a_users_own_class_is_built_by_its_path() -> None:
    import sys

    module = sys.modules[Own.__module__]
    sys.modules["my_networks"] = module
    assert made("my_networks.Own", {"width": 3})(codes(2, 12), torch.tensor([12, 12])).shape == (2, 3)
    with pytest.raises(UsageError, match=r"my_networks.Own cannot be made: .*unexpected keyword argument 'depth'"):
        made("my_networks.Own", {"depth": 3})
    with pytest.raises(UsageError, match=r"my_networks.Missing cannot be imported"):
        made("my_networks.Missing", {})


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ("MotifDetektor", "network.class_path is 'MotifDetektor': did you mean MotifDetector"),
        (
            {"class_path": "Encoder", "init_args": {"chanels": [3]}},
            "chanels is not an option of Encoder: did you mean channels",
        ),
        ({"class_path": "Encoder", "args": {}}, "network.args is not accepted"),
        ({"init_args": {}}, "network should be a mapping with class_path"),
        ({"class_path": "MotifDetector", "init_args": {"width": 65}}, "width is 65, expected 1 to 64"),
        ({"class_path": "MotifDetector", "init_args": {"filters": 1, "width": [3, 4]}}, "1 filters cannot be shared"),
        ({"class_path": "MotifDetector", "init_args": {"dropout": 1.0}}, "dropout is 1.0, expected a share"),
        ({"class_path": "Encoder", "init_args": {"width": [3]}}, "width lists 1 values for 4 blocks"),
        ({"class_path": "Encoder", "init_args": {"positions": 3}}, "expected an even number"),
        ({"class_path": "Encoder", "init_args": {"channels": []}}, "channels is empty"),
    ],
)
def test_rejections(choice: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        network_record(choice, key=("network",))


def test_protein_has_one_strand() -> None:
    with pytest.raises(UsageError, match="protein sequences have one strand: set strands: forward"):
        made("MotifDetector", {}, "protein")


def test_unknown_pool_lists_the_names() -> None:
    with pytest.raises(UsageError, match=r"expected one of .*max.*did you mean max"):
        made("Encoder", {"pool": "maxx"})


def test_filters_start_from_motifs() -> None:
    network = made("MotifDetector", {"filters": 6, "width": [5, 9]})
    assert isinstance(network, MotifDetector)
    matrix = np.random.default_rng(0).normal(size=(4, 7))
    assert network.start_from([matrix, np.ones((4, 5)), np.eye(4, 12)]) == 3
    narrow, wide = network.filter_layers()
    assert torch.allclose(wide.weight[0, :, 0], torch.zeros(4))
    assert np.corrcoef(wide.weight[0, :, 1:8].detach().numpy().ravel(), matrix.ravel())[0, 1] == pytest.approx(1)
    assert torch.equal(narrow.weight[0], narrow.weight[0, :1, :1].expand(4, 5))
    assert NETWORKS.keys() >= {"MotifDetector", "Encoder"}


@pytest.mark.parametrize("name", ["members", "members apart"])
def test_members_share_nothing_but_the_composition(name: str) -> None:
    """The logits of one member have no gradient in the weights that another member's have one in."""
    network = made("MotifDetector", DETECTORS[name])
    assert isinstance(network, MotifDetector)
    x, lengths = codes(4, 30), torch.full((4,), 30)
    logits = network.member_logits(x, lengths)
    torch.testing.assert_close(torch.stack(logits).mean(dim=0), network(x, lengths))
    parameters = dict(network.named_parameters())
    touched: list[dict[str, torch.Tensor]] = []
    for member in network.member_logits(x, lengths):
        gradients = torch.autograd.grad(member.sum(), list(parameters.values()), retain_graph=True, allow_unused=True)
        touched.append(
            {
                parameter: gradient != 0
                for parameter, gradient in zip(parameters, gradients, strict=True)
                if gradient is not None
            }
        )
    letters = 4 if DETECTORS[name].get("composition") else 0
    for first in range(len(touched)):
        for second in range(first):
            for parameter in touched[first].keys() & touched[second].keys():
                both = touched[first][parameter] & touched[second][parameter]
                if parameter.startswith("norm."):
                    both = both[: len(both) - letters]
                assert not both.any(), parameter
    assert all(any(found.any() for found in one.values()) for one in touched)


def test_a_member_is_the_detector_of_its_own_filters() -> None:
    """Take one member's filters, norm and head out of an ensemble: the same logits."""
    arguments: dict[str, Any] = {"filters": 6, "width": 5, "members": 2, "hidden": 4}
    whole = made("MotifDetector", arguments)
    alone = made("MotifDetector", {**arguments, "filters": 3, "members": 1})
    assert isinstance(whole, MotifDetector)
    own = torch.arange(1, 6, 2)
    state = {name: value for name, value in whole.state_dict().items() if not name.startswith("head.")}
    state = {name: value[own] if value.ndim and len(value) == 6 else value for name, value in state.items()}
    state |= {
        name.replace("head.heads.1.", "head."): value
        for name, value in whole.state_dict().items()
        if name.startswith("head.heads.1.")
    }
    alone.load_state_dict(state)
    x, lengths = codes(4, 30), torch.full((4,), 30)
    torch.testing.assert_close(alone(x, lengths), whole.member_logits(x, lengths)[1])


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        ({"filters": 8, "width": [5, 9], "members": 5}, 4),
        ({"filters": 99, "word_lengths": [3], "word_channels": 2, "members": 3}, 2),
    ],
)
def test_each_member_takes_a_filter_of_every_width(arguments: dict[str, Any], most: int) -> None:
    with pytest.raises(UsageError, match=f"expected 1 to {most}: each takes a filter of every width"):
        network_record({"class_path": "MotifDetector", "init_args": arguments})


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"hidden": 0}, "hidden is 0"),
        ({"members": 2}, "members is above 1"),
        ({"position_bins": 3}, "position_bins is above 1"),
    ],
)
def test_shared_strands_say_what_they_need(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=f"strands: shared needs one detector .* but {reason}"):
        made("MotifDetector", {"filters": 6, "width": 5, "strands": "shared", **options}, length=30)
