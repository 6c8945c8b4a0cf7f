"""What several models share."""

from __future__ import annotations

from collections import OrderedDict

from fxtorch import nn
from fxtorch.tensor import Tensor


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of ``divisor`` nearest to ``v``, not less than nine tenths of it nor than ``min_value``.

    >>> _make_divisible(33, 8)
    32
    """
    near = max(divisor if min_value is None else min_value, int(v + divisor / 2) // divisor * divisor)
    return near if near >= 0.9 * v else near + divisor


class IntermediateLayerGetter(nn.ModuleDict):
    """The first layers of a model, giving what some of them compute.

    Args:
        model: a model whose children run one after the other.
        return_layers: from names of its children to names in the result.

    Raises:
        ValueError: the model has no such child.

    >>> import fxtorch as torch
    >>> body = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(4, 5))
    >>> {name: x.shape[-1] for name, x in IntermediateLayerGetter(body, {"0": "a", "1": "b"})(torch.ones(1, 2)).items()}
    {'a': 3, 'b': 4}
    """

    def __init__(self, model: nn.Module, return_layers: dict[str, str]) -> None:
        names = [name for name, _ in model.named_children()]
        if not set(return_layers) <= set(names):
            raise ValueError("return_layers are not present in model")
        last = max(names.index(str(name)) for name in return_layers)
        super().__init__(OrderedDict(list(model.named_children())[: last + 1]))
        self.return_layers = {str(name): str(new) for name, new in return_layers.items()}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The results of the chosen layers, under their new names."""
        out: dict[str, Tensor] = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                out[self.return_layers[name]] = x
        return out
