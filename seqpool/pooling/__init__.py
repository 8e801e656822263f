"""Pooling over positions: operators that respect lengths, their geometry, and their choice by name."""

from seqpool.pooling.choice import global_pool, local_pool
from seqpool.pooling.geometry import Geometry, conv_geometry, upsample_geometry
from seqpool.pooling.masks import lengths_from_mask, mask_from_lengths, zero_padding
from seqpool.pooling.operators.adaptive import (
    AdaptiveAvgPool1d,
    AdaptiveMaxPool1d,
    adaptive_avg_pool1d,
    adaptive_max_pool1d,
)
from seqpool.pooling.operators.attention import (
    AttentionPool1d,
    GlobalAttentionPool1d,
    attention_pool1d,
    global_attention_pool1d,
)
from seqpool.pooling.operators.average import AvgPool1d, GlobalAvgPool1d, avg_pool1d, global_avg_pool1d
from seqpool.pooling.operators.blur import BlurPool1d, blur_pool1d
from seqpool.pooling.operators.generalised_mean import (
    GeneralisedMeanPool1d,
    GlobalGeneralisedMeanPool1d,
    generalised_mean_pool1d,
    global_generalised_mean_pool1d,
)
from seqpool.pooling.operators.log_mean_exp import (
    GlobalLogMeanExpPool1d,
    LogMeanExpPool1d,
    global_log_mean_exp_pool1d,
    log_mean_exp_pool1d,
)
from seqpool.pooling.operators.lp import GlobalLPPool1d, LPPool1d, global_lp_pool1d, lp_pool1d
from seqpool.pooling.operators.max_average import (
    GlobalMaxAveragePool1d,
    MaxAveragePool1d,
    global_max_average_pool1d,
    max_average_pool1d,
)
from seqpool.pooling.operators.max_blur import MaxBlurPool1d, max_blur_pool1d
from seqpool.pooling.operators.maximum import GlobalMaxPool1d, MaxPool1d, global_max_pool1d, max_pool1d
from seqpool.pooling.operators.mean_std import (
    GlobalMeanStdPool1d,
    MeanStdPool1d,
    global_mean_std_pool1d,
    mean_std_pool1d,
)
from seqpool.pooling.operators.median import GlobalMedianPool1d, MedianPool1d, global_median_pool1d, median_pool1d
from seqpool.pooling.operators.minimum import GlobalMinPool1d, MinPool1d, global_min_pool1d, min_pool1d
from seqpool.pooling.operators.mixed import GlobalMixedPool1d, MixedPool1d, global_mixed_pool1d, mixed_pool1d
from seqpool.pooling.operators.polyphase import PolyphasePool1d, polyphase_pool1d
from seqpool.pooling.operators.softmax import GlobalSoftmaxPool1d, SoftmaxPool1d, global_softmax_pool1d, softmax_pool1d
from seqpool.pooling.operators.stochastic import (
    GlobalStochasticPool1d,
    StochasticPool1d,
    global_stochastic_pool1d,
    stochastic_pool1d,
)
from seqpool.pooling.operators.strided_convolution import StridedConvPool1d, strided_conv_pool1d
from seqpool.pooling.operators.sum import GlobalSumPool1d, SumPool1d, global_sum_pool1d, sum_pool1d
from seqpool.pooling.operators.top_k import GlobalTopKPool1d, TopKPool1d, global_top_k_pool1d, top_k_pool1d

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveMaxPool1d",
    "AttentionPool1d",
    "AvgPool1d",
    "BlurPool1d",
    "GeneralisedMeanPool1d",
    "Geometry",
    "GlobalAttentionPool1d",
    "GlobalAvgPool1d",
    "GlobalGeneralisedMeanPool1d",
    "GlobalLPPool1d",
    "GlobalLogMeanExpPool1d",
    "GlobalMaxAveragePool1d",
    "GlobalMaxPool1d",
    "GlobalMeanStdPool1d",
    "GlobalMedianPool1d",
    "GlobalMinPool1d",
    "GlobalMixedPool1d",
    "GlobalSoftmaxPool1d",
    "GlobalStochasticPool1d",
    "GlobalSumPool1d",
    "GlobalTopKPool1d",
    "LPPool1d",
    "LogMeanExpPool1d",
    "MaxAveragePool1d",
    "MaxBlurPool1d",
    "MaxPool1d",
    "MeanStdPool1d",
    "MedianPool1d",
    "MinPool1d",
    "MixedPool1d",
    "PolyphasePool1d",
    "SoftmaxPool1d",
    "StochasticPool1d",
    "StridedConvPool1d",
    "SumPool1d",
    "TopKPool1d",
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "attention_pool1d",
    "avg_pool1d",
    "blur_pool1d",
    "conv_geometry",
    "generalised_mean_pool1d",
    "global_attention_pool1d",
    "global_avg_pool1d",
    "global_generalised_mean_pool1d",
    "global_log_mean_exp_pool1d",
    "global_lp_pool1d",
    "global_max_average_pool1d",
    "global_max_pool1d",
    "global_mean_std_pool1d",
    "global_median_pool1d",
    "global_min_pool1d",
    "global_mixed_pool1d",
    "global_pool",
    "global_softmax_pool1d",
    "global_stochastic_pool1d",
    "global_sum_pool1d",
    "global_top_k_pool1d",
    "lengths_from_mask",
    "local_pool",
    "log_mean_exp_pool1d",
    "lp_pool1d",
    "mask_from_lengths",
    "max_average_pool1d",
    "max_blur_pool1d",
    "max_pool1d",
    "mean_std_pool1d",
    "median_pool1d",
    "min_pool1d",
    "mixed_pool1d",
    "polyphase_pool1d",
    "softmax_pool1d",
    "stochastic_pool1d",
    "strided_conv_pool1d",
    "sum_pool1d",
    "top_k_pool1d",
    "upsample_geometry",
    "zero_padding",
]
