"""What every one of the seven scripts offers, so that comparison, benchmarks and tests can drive them all."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from experiments.running.errors import Refused

if TYPE_CHECKING:
    from fxtorch import Tensor, nn

NAMES = (
    "linear_regression",
    "logistic_regression",
    "mlp_mnist",
    "cnn_cifar10",
    "lstm_imdb",
    "dcgan_mnist",
    "recommender_movielens",
)


class System(Protocol):
    """A script, seen as a module: its model, its training step, and the batch that step works on.

    Attributes:
        BATCH: the batch size of a training step.
    """

    __doc__: str | None
    BATCH: int

    def make_model(self) -> nn.Module:
        """A freshly initialised model, in training mode."""
        ...

    def make_optimizer(self, model: nn.Module) -> Any:
        """The optimizer of its parameters, or one for each of its parts."""
        ...

    def make_step(self, model: nn.Module, optimizer: Any) -> Callable[..., Tensor]:
        """The training step, an ordinary function of a batch that returns the loss."""
        ...

    def make_batch(self, n: int) -> tuple[Tensor, ...]:
        """A batch of the right shapes and random content, the same at every call."""
        ...

    def main(self, argv: Sequence[str] | None = None) -> dict[str, float]:
        """Train and evaluate; the first of the final metrics is the one to compare by."""
        ...


def system(name: str) -> System:
    """The system of that name.

    Raises:
        Refused: there is none.
    """
    if name not in NAMES:
        raise Refused(f"no system {name!r}; there are {', '.join(NAMES)}")
    return cast(System, importlib.import_module(f"experiments.{name}"))
