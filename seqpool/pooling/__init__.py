"""Pooling over positions: operators that respect lengths, their geometry, and their choice by name."""

from seqpool.pooling.choice import global_pool, local_pool
from seqpool.pooling.geometry import Geometry, conv_geometry
from seqpool.pooling.masks import lengths_from_mask, mask_from_lengths, zero_padding
from seqpool.pooling.operators.average import AvgPool1d, GlobalAvgPool1d, avg_pool1d, global_avg_pool1d
from seqpool.pooling.operators.log_mean_exp import (
    GlobalLogMeanExpPool1d,
    LogMeanExpPool1d,
    global_log_mean_exp_pool1d,
    log_mean_exp_pool1d,
)
from seqpool.pooling.operators.maximum import GlobalMaxPool1d, MaxPool1d, global_max_pool1d, max_pool1d

__all__ = [
    "AvgPool1d",
    "Geometry",
    "GlobalAvgPool1d",
    "GlobalLogMeanExpPool1d",
    "GlobalMaxPool1d",
    "LogMeanExpPool1d",
    "MaxPool1d",
    "avg_pool1d",
    "conv_geometry",
    "global_avg_pool1d",
    "global_log_mean_exp_pool1d",
    "global_max_pool1d",
    "global_pool",
    "lengths_from_mask",
    "local_pool",
    "log_mean_exp_pool1d",
    "mask_from_lengths",
    "max_pool1d",
    "zero_padding",
]
