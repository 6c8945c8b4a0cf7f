"""Adaptive softmax: a softmax over very many classes of very different frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.container import ModuleList, Sequential
from fxtorch.nn.modules.linear import Linear
from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor


class ASMoutput(NamedTuple):
    """The log-probability of each target, and their negative mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """log p(class) by a head of frequent classes and clusters of rare ones, each cluster through fewer features.

    Shapes: input (N, in_features) or (in_features), target (N) or ().  Classes are numbered by falling frequency.
    Source: Grave et al. 2017.

    Args:
        in_features: the size of an input.
        n_classes: how many classes there are.
        cutoffs: where the clusters begin.
        div_value: cluster i has in_features / div_value^(i + 1) features.
        head_bias: whether the head has a bias.
        device: where the parameters live.
        dtype: their type.

    Raises:
        ValueError: the cutoffs are not rising ints between 1 and n_classes - 1.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if len(cutoffs) == 0:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        rising = cutoffs == sorted(set(cutoffs)) and all(int(c) == c for c in cutoffs)
        if not rising or min(cutoffs) <= 0 or max(cutoffs) > n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                "value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // (div_value ** (i + 1)))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            first = Linear(in_features, hidden, False, device, dtype)
            self.tail.append(Sequential(first, Linear(hidden, size, False, device, dtype)))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> ASMoutput:
        """The log-probabilities of ``target`` and their negative mean.

        Every cluster is computed for every sample, so that all shapes are static.

        Raises:
            RuntimeError: the batch sizes differ.
        """
        batched = target.ndim > 0
        if batched and input.shape[0] != target.shape[0]:
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        x, y = (input, target) if batched else (input.unsqueeze(0), target.unsqueeze(0))
        head = F.log_softmax(self.head(x), 1)
        output = head.gather(1, y.clamp(max=self.shortlist_size - 1).unsqueeze(1)).squeeze(1)
        for i, tail in enumerate(self.tail):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            inside = (y >= low) & (y < high)
            local = F.log_softmax(tail(x), 1).gather(1, (y - low).clamp(0, high - low - 1).unsqueeze(1)).squeeze(1)
            output = torch.where(inside, head[:, self.shortlist_size + i] + local, output)
        loss = (-output).mean()
        return ASMoutput(output if batched else output.squeeze(0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities (N, n_classes) of all classes."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            cluster = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(tail(input), 1) + cluster)
        return torch.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each sample."""
        return self.log_prob(input).argmax(1)
