"""Answers about coding: probabilities, readings, and figures against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from seqpool.evaluation.coding import coding_answers, coding_scores, scores_by_length


@given(st.integers(0, 10**6), st.floats(0.2, 5))
def test_probability_of_coding_is_that_of_all_frames(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, (20, 7))
    logits[:, 0] = 0
    answers = coding_answers(logits, temperature=temperature, threshold=0.3)
    expected = softmax(logits / temperature, axis=1)
    np.testing.assert_allclose(answers.p_coding, 1 - expected[:, 0], atol=1e-12)
    assert np.array_equal(answers.coding, answers.p_coding >= 0.3)
    assert np.array_equal(answers.reading, expected[:, 1:].argmax(axis=1) + 1)
    assert set(answers.strand) <= {"+", "-"}


@given(st.integers(0, 10**6))
def test_exchanging_the_strands_changes_not_a_bit(seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 30, (50, 7))
    logits[:, 0] = 0
    here, there = coding_answers(logits), coding_answers(logits[:, [0, 4, 5, 6, 1, 2, 3]])
    assert np.array_equal(here.p_coding, there.p_coding)
    assert np.array_equal(here.evidence, there.evidence)
    assert np.array_equal(here.frame, there.frame)
    assert [("-" if strand == "+" else "+") for strand in there.strand] == here.strand


def test_a_fragment_too_short_for_any_frame() -> None:
    answers = coding_answers(np.array([[0.0] + [-np.inf] * 6]))
    assert answers.p_coding.tolist() == [0]
    assert answers.frame.tolist() == [-1]
    assert answers.strand == [""]
    assert not answers.coding.any()


def test_scores_equal_scikit_learn() -> None:
    random = np.random.default_rng(0)
    target = random.integers(0, 7, 400).astype(float)
    evidence = random.normal(0, 1, 400) + (target > 0)
    reading = np.where(random.random(400) < 0.7, target, random.integers(1, 7, 400)).astype(np.int64)
    scores = coding_scores(target, evidence, reading)
    assert scores["roc_auc"] == pytest.approx(roc_auc_score(target > 0, evidence))
    coding = target > 0
    assert scores["frame_accuracy"] == pytest.approx((reading[coding] == target[coding]).mean())
    lengths = np.repeat([60, 120], 200)
    each = scores_by_length(target, evidence, reading, lengths, np.arange(400))
    assert each["roc_auc[120]"] == pytest.approx(roc_auc_score(target[200:] > 0, evidence[200:]))
    assert np.isnan(coding_scores(np.zeros(3), np.zeros(3), np.zeros(3, dtype=np.int64))["frame_accuracy"])
