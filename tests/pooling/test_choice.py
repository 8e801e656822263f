"""A pooling choice in a config becomes a module, or one sentence."""

from __future__ import annotations

import pytest
import torch

from seqpool.errors import UsageError
from seqpool.options.pooling import GLOBAL_NAMES, LOCAL_NAMES, Pooling
from seqpool.pooling import global_pool, local_pool
from seqpool.pooling.choice import OPERATORS

LOCAL = [name for name, operator in OPERATORS.items() if operator.local]
GLOBAL = [name for name, operator in OPERATORS.items() if operator.whole]


@pytest.mark.parametrize("name", LOCAL)
def test_every_local_choice_halves_a_sequence(name: str) -> None:
    pool = local_pool(name, 2, 2, 4)
    output, lengths = pool(torch.rand(3, 4, 8), torch.tensor([8, 4, 0]))
    assert output.shape == (3, pool.output_channels(4), 4)
    assert lengths.tolist() == [4, 2, 0]


@pytest.mark.parametrize("name", GLOBAL)
def test_every_global_choice_removes_the_axis(name: str) -> None:
    pool = global_pool(name, 4)
    output = pool(torch.rand(3, 4, 8), torch.tensor([8, 4, 0]))
    assert output.shape == (3, pool.output_channels(4))
    assert not output[2].any()


def test_an_unknown_name_is_answered_with_the_names_and_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"'avrage' is no local pooling, expected one of max .*; did you mean average\?"
    ):
        local_pool("avrage", 2, 2, 4)
    with pytest.raises(UsageError, match="no global pooling"):
        global_pool({"name": "nothing"}, 4)


def test_the_names_that_options_know_are_those_that_can_be_built() -> None:
    assert list(LOCAL_NAMES) == LOCAL
    assert list(GLOBAL_NAMES) == GLOBAL


def test_an_unknown_parameter_is_answered_with_the_parameters() -> None:
    with pytest.raises(UsageError, match=r"no parameter 'temperatur', expected temperature learnable; did you mean"):
        global_pool({"name": "log_mean_exp", "temperatur": 1}, 4)
    with pytest.raises(UsageError, match="expected none"):
        global_pool({"name": "max", "p": 1}, 4)


@pytest.mark.parametrize("choice", [3, {"p": 3}, None])
def test_what_is_no_choice_is_refused(choice: object) -> None:
    with pytest.raises(UsageError, match="pooling choice"):
        Pooling.parse(choice)


@pytest.mark.parametrize("plain", ["max", {"name": "lp", "p": 3}])
def test_the_plain_form_reads_back(plain: object) -> None:
    choice = Pooling.parse(plain)
    assert choice.plain() == plain
    assert Pooling.parse(choice) is choice
    assert hash(choice) == hash(Pooling.parse(plain))
