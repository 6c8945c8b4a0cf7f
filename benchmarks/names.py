"""How many of PyTorch's public names fxtorch has: ``python -m benchmarks.names``, with ``--missing`` the others too.

Of ``torch`` and ``Tensor``, those names are counted that PyTorch itself documents: functions, classes and properties
with a docstring of their own, types of elements, layouts and memory formats.  The others there are traces of how
PyTorch is built (TorchScript's classes, kernels of one vendor, quantised types); ``--all`` counts them too.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType

PLACES = """
    torch Tensor nn nn.functional nn.init nn.utils nn.utils.rnn nn.utils.parametrizations nn.parameter optim
    optim.lr_scheduler optim.swa_utils autograd autograd.functional autograd.forward_ad autograd.graph func linalg fft
    special random cuda utils.data utils.checkpoint testing distributions distributed amp backends jit
""".split()

# Not part of what a program calls: typing helpers, submodules reached by import, internals without an underscore.
SKIPPED = {"Any", "Callable", "TYPE_CHECKING", "TypeVar", "Union", "Optional", "annotations", "overload", "warnings"}
SKIPPED |= {"Tensor", "common_notes", "factory_kwargs"}

# Types of elements that PyTorch itself gives no operators.
SHELLS = {f"{kind}{bits}" for kind in ("int", "uint") for bits in range(1, 8)} | {"float4_e2m1fn_x2", "bit"}


def documented(owner: object, name: str) -> bool:
    """Whether PyTorch says what ``owner.name`` is."""
    value = inspect.getattr_static(owner, name, None)
    if isinstance(value, staticmethod):
        value = value.__func__
    if type(value).__name__ in ("dtype", "layout", "memory_format", "float"):
        return name not in SHELLS and not name.startswith(("q", "bits"))
    is_data = isinstance(value, bool | int | str | set | dict | tuple)
    return not is_data and bool(getattr(value, "__doc__", None))


def public(owner: object, module: str | None, *, everything: bool = True) -> set[str]:
    """The names that torch itself calls public there."""
    listed = getattr(owner, "__all__", None)
    if isinstance(owner, ModuleType) and module == "torch":
        listed = None
    names = set(listed) if listed else {n for n in dir(owner) if not n.startswith("_")}
    kept = set()
    for name in names - SKIPPED:
        if name.startswith("_"):
            continue
        value = getattr(owner, name, None)
        if isinstance(value, ModuleType) and not listed:
            continue
        if not listed and isinstance(owner, ModuleType):
            home = getattr(value, "__module__", None) or ""
            if (inspect.isclass(value) or inspect.isfunction(value)) and not home.startswith("torch"):
                continue
            if name.endswith("Type") or (name[:1].isupper() and home.startswith("torch._C")):
                continue
        if everything or documented(owner, name):
            kept.add(name)
    return kept


def compare(torch: ModuleType, ours: ModuleType, *, everything: bool = False) -> dict[str, tuple[set[str], set[str]]]:
    """For each place, torch's names and those of them that are missing."""
    found = {}
    for place in PLACES:
        theirs_at, ours_at = [_at(package, place) for package in (torch, ours)]
        names = (
            set()
            if theirs_at is None
            else public(theirs_at, place, everything=everything or place not in ("torch", "Tensor"))
        )
        if not names:
            continue
        found[place] = names, {n for n in names if not _has(ours_at, n)}
    return found


def _at(package: ModuleType, place: str) -> object | None:
    if place == "torch":
        return package
    value: object = package
    path = ""
    for part in place.split("."):
        path += f".{part}"
        if not hasattr(value, part):
            try:
                importlib.import_module(package.__name__ + path)
            except ImportError:
                return None
        value = getattr(value, part, None)
    return value


def _has(owner: object | None, name: str) -> bool:
    return owner is not None and hasattr(owner, name)


def main(arguments: list[str]) -> None:
    """Print the table."""
    import torch

    import fxtorch

    total = present = 0
    for place, (names, missing) in compare(torch, fxtorch, everything="--all" in arguments).items():
        total, present = total + len(names), present + len(names) - len(missing)
        print(
            f"{place:28} {len(names) - len(missing):5} of {len(names):5}  {100 * (1 - len(missing) / len(names)):5.1f}%"
        )
        if "--missing" in arguments:
            print("    " + " ".join(sorted(missing)))
    print(f"{'all':28} {present:5} of {total:5}  {100 * present / total:5.1f}%")


if __name__ == "__main__":
    main(sys.argv[1:])
