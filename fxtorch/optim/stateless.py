"""An optimizer on other parameters and another state, for a while."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from fxtorch.optim.optimizer import Optimizer
from fxtorch.tensor import Tensor


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: Mapping[str, Tensor], swapin_optim_state: Mapping[str, Any]
) -> Iterator[None]:
    """Within the block ``optimizer`` works on ``swapin_parameters``, with the state given; then it is as before.

    Changes of these Tensors in place stay; what the step assigns besides (new state, options) does not.

    Args:
        optimizer: one whose state exists already.
        swapin_parameters: Tensors in the order of the optimizer's parameters.
        swapin_optim_state: what ``state_dict()`` gives: state by the number of the parameter, and options.

    Raises:
        RuntimeError: there are not as many parameters or groups as the optimizer has.

    >>> import fxtorch as torch
    >>> w, other = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    >>> opt = torch.optim.SGD([w], lr=0.5)
    >>> other.grad = torch.ones(1)
    >>> with swap_in_optimizer_params_and_state(opt, {"w": other}, opt.state_dict()):
    ...     opt.step()
    >>> w.item(), other.item()
    (1.0, 0.5)
    """
    given, saved = list(swapin_parameters.values()), swapin_optim_state["param_groups"]
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    if len(given) != count:
        raise RuntimeError(f"the optimizer has {count} parameters, but {len(given)} were given")
    if [len(g["params"]) for g in saved] != [len(g["params"]) for g in optimizer.param_groups]:
        raise RuntimeError("the groups of the state given are not those of the optimizer")
    state, groups = optimizer.state, [dict(group) for group in optimizer.param_groups]
    numbers = [number for group in saved for number in group["params"]]
    by_number = dict(zip(numbers, given, strict=True))
    swapped: defaultdict[Any, Any] = defaultdict(dict)
    for number, entry in swapin_optim_state["state"].items():
        swapped[by_number.get(number, number)] = dict(entry)
    try:
        optimizer.state = swapped
        for group, options in zip(optimizer.param_groups, saved, strict=True):
            group.update({**options, "params": [by_number[number] for number in options["params"]]})
        yield
    finally:
        optimizer.state = state
        for group, before in zip(optimizer.param_groups, groups, strict=True):
            group.clear()
            group.update(before)
