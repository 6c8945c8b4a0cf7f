"""By which names torch's classes and functions stand in files: those of the modules in which PyTorch defines them."""

from __future__ import annotations

import importlib
from types import FunctionType
from typing import Any, NamedTuple

from fxtorch import nn, optim
from fxtorch.nn import functional

_HOMES = {  # where PyTorch defines what has a file of another name here
    "fxtorch.nn.modules.attention": "torch.nn.modules.activation",
    "fxtorch.nn.modules.linear_cross_entropy": "torch.nn.modules.loss",
    "fxtorch.nn.modules.parameter_containers": "torch.nn.modules.container",
    "fxtorch.optim.adafactor": "torch.optim",
    "fxtorch.optim.muon": "torch.optim",
    "fxtorch.tensor.tensor": "torch",
}
STAND_INS = {"torchvision": "fxtorch.vision", "torchtext": "fxtorch.text", "torchaudio": "fxtorch.audio"}
"""PyTorch's libraries, and what stands in for each."""
_SCHEDULERS = "fxtorch.optim.lr_scheduler"
_PACKAGES: dict[str, Any] = {  # files may name a thing in any module below these, or in the package itself
    "torch.optim.lr_scheduler": optim.lr_scheduler,
    "torch.nn.functional": functional,
    "torch.nn": nn,
    "torch.optim": optim,
    "torch._C._nn": functional,
}


class Global(NamedTuple):
    """The name of a class or function that need not exist here."""

    module: str
    name: str

    def __call__(self, *args: Any) -> Any:
        """Refuse: pickle wants something callable, but it only writes the name."""
        raise TypeError(f"{self.module}.{self.name} is only a name")


def torch_name(obj: Any) -> Global | None:
    """The name that PyTorch has for a class or function of fxtorch's; None for anybody else's.

    >>> torch_name(nn.MultiheadAttention)
    Global(module='torch.nn.modules.activation', name='MultiheadAttention')
    """
    module, name = getattr(obj, "__module__", None) or "", getattr(obj, "__qualname__", "")
    if module.partition(".")[0] != "fxtorch":
        return None
    if isinstance(obj, FunctionType) and getattr(functional, name, None) is obj:
        return Global("torch.nn.functional", name)
    if module.startswith(f"{_SCHEDULERS}."):
        module = _SCHEDULERS
    for theirs, ours in STAND_INS.items():
        if f"{module}.".startswith(f"{ours}."):
            return Global(theirs + module.removeprefix(ours), name)
    return Global(_HOMES.get(module, "torch" + module.removeprefix("fxtorch")), name)


def names_of(obj: Any) -> list[str]:
    """Every dotted name that files may have for a class or function, one of fxtorch's or not.

    >>> names_of(functional.gelu)
    ['torch.nn.functional.gelu', 'torch.gelu', 'torch._C._nn.gelu']
    """
    known, own = torch_name(obj), f"{obj.__module__}.{obj.__qualname__}"
    if known is None:
        return [own]
    home = f"{known.module}.{known.name}"
    if known.module == "torch.nn.functional":
        return [home, f"torch.{known.name}", f"torch._C._nn.{known.name}"]
    return [home, *(f"{p}.{known.name}" for p, space in _PACKAGES.items() if getattr(space, known.name, None) is obj)]


def named(module: str, name: str) -> Any:
    """The class or function of fxtorch's that PyTorch knows by this name; None where there is none.

    >>> named("torch.nn.modules.sparse", "Embedding") is nn.Embedding
    True
    """
    for theirs, ours in STAND_INS.items():
        if f"{module}.".startswith(f"{theirs}."):
            inner = ours + module.removeprefix(theirs)
            while inner != ours and _lookup(inner, name) is None:  # a package there may be one file here
                inner = inner.rpartition(".")[0]
            return _lookup(inner, name)
    if (module, name) == ("torch._C", "_VariableFunctionsClass"):
        return importlib.import_module("fxtorch")  # its attributes are how PyTorch's compiled functions are written
    for package, space in _PACKAGES.items():
        if f"{module}.".startswith(f"{package}.") and hasattr(space, name):
            return getattr(space, name)
    return _lookup("fx" + module, name)


def _lookup(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:
        return None
