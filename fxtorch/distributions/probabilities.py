"""Parameters that are given as probabilities or as logits."""

from __future__ import annotations

from typing import Any

from fxtorch.distributions.utils import lazy_property, logits_to_probs, probs_to_logits
from fxtorch.tensor import Size, Tensor


def only_one(probs: Any, logits: Any) -> None:
    """Raise unless one of the two is given.

    Raises:
        ValueError: both or neither are.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class ProbsOrLogits:
    """Computes the one that was not given: for a yes or no by itself, log odds; over classes, logarithms."""

    _is_binary = True

    @lazy_property
    def logits(self) -> Tensor:
        """Log odds, or logarithms of the probabilities."""
        return probs_to_logits(self.probs, is_binary=self._is_binary)

    @lazy_property
    def probs(self) -> Tensor:
        """Probabilities."""
        return logits_to_probs(self.logits, is_binary=self._is_binary)

    @property
    def _param(self) -> Tensor:
        """The one that was given."""
        given = self.__dict__
        return given["probs"] if "probs" in given else given["logits"]

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape
