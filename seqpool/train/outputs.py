"""What a network says of a whole part."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seqpool.train.data_module import Batches, Part


def outputs_of(network: nn.Module, part: Part, batch_size: int) -> NDArray[np.float64]:
    """(rows, outputs) of a network in evaluation mode on a part, in order."""
    network.eval()
    with torch.inference_mode():
        found = [
            network(batch.x, batch.lengths).cpu().numpy().astype(np.float64)
            for batch in Batches(part, batch_size, multiclass=False)
        ]
    return np.concatenate(found) if found else np.zeros((0, 1))
