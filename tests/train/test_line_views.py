"""Views of a line: what is drawn is what the angle says, and a small encoder learns it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqpool.artifact import load_artifact
from seqpool.options.config import check_config, read_config
from seqpool.options.images import LineViews as Options
from seqpool.train.line_views import LineViews, drawn_views
from seqpool.train.run import fit


def test_the_angle_points_at_the_line_half_a_view_ahead() -> None:
    images, angles = drawn_views(Options(views=300, noise=0.0))
    rows = images[:, 0, 15:17].mean(axis=1)  # around half a view ahead
    bright = np.clip(rows - rows.min(axis=1, keepdims=True), 0, None) ** 4
    seen = (bright * ((np.arange(32) + 0.5) / 32 - 0.5)).sum(axis=1) / bright.sum(axis=1)
    inside = np.abs(angles) < 35
    np.testing.assert_allclose(seen[inside], 0.5 * np.tan(np.radians(angles[inside])), atol=0.02)
    assert (angles.min() < -43) & (angles.max() > 43)


def test_a_view_depends_on_the_seed_and_its_number() -> None:
    few, many, others = (drawn_views(Options(views=n, seed=seed))[0] for n, seed in ((10, 3), (20, 3), (10, 4)))
    np.testing.assert_array_equal(few, many[:10])
    assert not np.array_equal(few, others)


def test_no_view_is_on_two_sides() -> None:
    parts = LineViews({"views": 100}, target="regression").parts
    assert {name: len(part.ids) for name, part in parts.named()} == {"train": 80, "validation": 10, "test": 10}
    assert len({digest for _, part in parts.named() for digest in part.digests}) == 100
    assert parts.train.inputs(np.arange(3), 0, 0)[0].shape == (3, 1, 32, 32)


def test_a_run_writes_an_artifact_for_images(repository: Path, tmp_path: Path) -> None:
    overrides = [("data.views", "60"), ("trainer.max_epochs", "1"), ("data.batch_size", "16")]
    config = read_config([str(repository / "configs/line_follower.yaml")], overrides)
    artifact = load_artifact(fit(check_config(config), tmp_path / "run"))
    assert artifact.facts.job == "image"
    assert artifact.facts.classes == ["steering_angle_deg"]
    assert artifact.facts.parameters == 30_485
