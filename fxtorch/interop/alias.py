"""``import torch`` means fxtorch: a finder that gives the very same module objects under torch's names."""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing.spawn
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import DistributionFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from fxtorch.interop import absent, lacking
from fxtorch.interop.distribution import Distribution, distributions
from fxtorch.interop.names import c
from fxtorch.serialization.names import STAND_INS

ROOTS = {
    "torch": "fxtorch",
    **STAND_INS,
    "functorch": "fxtorch.interop.names.functorch",
}
_own = sys.modules["fxtorch"]
_PYTORCH = {"torch", "functorch"}  # what PyTorch itself brings
PRIVATE = {  # torch's names for modules that have another name here
    "torch.torch": "fxtorch",
    "torch._C": "fxtorch.interop.names.c",
    "torch.__config__": "fxtorch.interop.names.config",
    "torch._custom_ops": "fxtorch.library",
    "torch.distributed._composable": "fxtorch.distributed",
    "torch.distributed._composable.fsdp": "fxtorch.distributed.fsdp",
    "torch.distributed._tensor": "fxtorch.distributed.tensor",
    "torch.distributed._functional_collectives": "fxtorch.interop.names.functional_collectives",
    "torch.distributed.tensor._utils": "fxtorch.distributed.tensor",
    "torch._dynamo": "fxtorch.interop.names.dynamo",
    "torch._dynamo.eval_frame": "fxtorch.interop.names.dynamo",
    "torch._dynamo.config": "fxtorch.interop.names.dynamo_config",
    "torch._inductor": "fxtorch.interop.names.inductor",
    "torch._dynamo._trace_wrapped_higher_order_op": "fxtorch.interop.names.dynamo",
    "torch._dynamo.utils": "fxtorch.interop.names.dynamo",
    "torch._subclasses": "fxtorch.interop.names.fake_tensor",
    "torch._subclasses.fake_tensor": "fxtorch.interop.names.fake_tensor",
    "torch._prims_common": "fxtorch.interop.names.utils",
    "torch._utils": "fxtorch.interop.names.utils",
    "torch._lobpcg": "fxtorch",
    "torch._lowrank": "fxtorch",
    "torch._tensor": "fxtorch.tensor",
    "torch._tensor_str": "fxtorch.interop.names.tensor_str",
    "torch.utils.data._utils": "fxtorch.utils.data",
    "torch.utils.data._utils.collate": "fxtorch.utils.data.collate",
    "torch.utils._pytree": "fxtorch.interop.names.pytree",
    "torch.optim._functional": "fxtorch.optim",
    "torch._jit_internal": "fxtorch.jit",
    "torch.jit._async": "fxtorch.jit",
    "torch.jit._freeze": "fxtorch.jit",
    "torch.jit._fuser": "fxtorch.jit",
    "torch.jit._script": "fxtorch.jit",
    "torch.jit._serialization": "fxtorch.jit",
    "torch.jit._trace": "fxtorch.jit",
    "torch.jit.annotations": "fxtorch.jit",
    "torch.jit.frontend": "fxtorch.jit",
    "torch.autograd.profiler_util": "fxtorch.autograd.profiler",
    "torch.cuda.memory": "fxtorch.cuda",
    "torch.cuda.random": "fxtorch.cuda",
    "torch.cuda.streams": "fxtorch.cuda",
    "torch.distributed.device_mesh": "fxtorch.distributed",
    "torch.distributed.distributed_c10d": "fxtorch.distributed",
    "torch.profiler.profiler": "fxtorch.profiler",
    "torch.signal.windows.windows": "fxtorch.signal.windows",
    "torch.utils.data.datapipes.iter": "fxtorch.utils.data.datapipes",
    "torch.utils.data.datapipes.map": "fxtorch.utils.data.datapipes",
    "torch.utils.data.datapipes.datapipe": "fxtorch.utils.data.datapipes",
    "torch.nn.modules.linear_cross_entropy_options": "fxtorch.nn.modules.linear_cross_entropy",
    "torch.nn._reduction": "fxtorch.interop.names.reduction",
    "torch.onnx.operators": "fxtorch.onnx",
    "torch.onnx.symbolic_helper": "fxtorch.onnx",
    "torch.onnx.symbolic_opset11": "fxtorch.onnx",
    "torch.onnx.utils": "fxtorch.onnx",
    "torch.ao.quantization": "fxtorch.quantization",
    "torch.ao.nn.quantized": "fxtorch.nn.quantized",
    "torch.fx._symbolic_trace": "fxtorch.fx.tracer",
    "torch.fx.experimental": "fxtorch.fx",
    "torch.fx.experimental.proxy_tensor": "fxtorch.interop.names.fake_tensor",
    "torch.cuda.amp.grad_scaler": "fxtorch.cuda.amp",
    "torch.cuda.amp.autocast_mode": "fxtorch.cuda.amp",
    "torch.amp.grad_scaler": "fxtorch.amp",
    "torch.amp.autocast_mode": "fxtorch.amp",
}


_INNER = ("fxtorch.interop", "fxtorch.ops", "fxtorch.tensor", "fxtorch.vision", "fxtorch.text", "fxtorch.audio")


def real_name(name: str) -> str | None:
    """The module that ``name`` means; None for a name that is none of torch's.

    >>> real_name("torch.nn.functional"), real_name("torchvision.models"), real_name("torchmetrics")
    ('fxtorch.nn.functional', 'fxtorch.vision.models', None)
    """
    if name in PRIVATE:
        return PRIVATE[name]
    root, dot, rest = name.partition(".")
    return f"{ROOTS[root]}{dot}{rest}" if root in ROOTS else None


def _private(name: str) -> Any:
    """What torch knows by a private name, or from its C++ half, for programs that take it as an attribute."""
    if name in PRIVATE:
        return importlib.import_module(PRIVATE[name])
    owner, _, last = name.rpartition(".")
    if owner == "torch" and last in c.__all__:
        return getattr(c, last)
    if lacking.recording():
        return None
    return importlib.import_module(name) if absent.holds(name, whole=True) else absent.find(name)


class _Package(ModuleType):
    """A package in which a function is not replaced by the module of the same name once that is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        present = self.__dict__.get(name)
        if not (isinstance(value, ModuleType) and callable(present) and not isinstance(present, ModuleType)):
            super().__setattr__(name, value)


class _Same(Loader):
    """Loads nothing: it hands out the module that is there already."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module of fxtorch's."""
        parent = sys.modules.get(spec.name.rpartition(".")[0])
        real = real_name(spec.name)
        assert real is not None
        try:
            module = importlib.import_module(real)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{real}.".startswith(f"{error.name}."):
                raise
            if absent.holds(spec.name) and not lacking.recording():
                return absent.module(spec.name)
            module = getattr(parent, spec.name.rpartition(".")[2], None)  # a module that has its home elsewhere
            if not isinstance(module, ModuleType):
                return lacking.no_such_module(spec.name, parent)
        spec.loader_state = module.__spec__
        if spec.name in absent.NAMES or any(n.startswith(f"{spec.name}.") for n in (*PRIVATE, *absent.MODULES)):
            module.__dict__.setdefault("__path__", [])  # modules below it can be imported
        if type(module) is ModuleType and hasattr(module, "__path__"):
            module.__class__ = _Package
        for name in [spec.name] if spec.name in PRIVATE else _with_those_below(spec.name, real):
            below = sys.modules.get(f"{real}{name.removeprefix(spec.name)}", module)
            lacking.explain(module if name == spec.name else below, name, _private)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec again: it was executed under its own name."""
        if module.__spec__ is not None and module.__spec__.loader_state is not None:
            module.__spec__ = module.__spec__.loader_state
        if module is _own:
            module.__name__ = "torch"  # libraries look names up in a module of this name


def _with_those_below(public: str, real: str) -> list[str]:
    """The public name of a module, and of those below it that are loaded: they are there without being imported."""
    loaded = [n for n in sys.modules if n.startswith(f"{real}.") and isinstance(sys.modules[n], ModuleType)]
    below = [n.removeprefix(real) for n in loaded if "._" not in n and not n.startswith(_INNER)]
    return [public, *(f"{public}{n}" for n in below)]


class _WithOperators(Loader):
    """Loads the real torchvision's ``extension`` module, and says that its operators are there: fxtorch has them."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """A plain new module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the file, and correct its answer."""
        self.loader.exec_module(module)
        module.__dict__["_has_ops"] = lambda: True


class Finder(MetaPathFinder):
    """Finds torch's modules, and those of its sister libraries, in fxtorch."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = frozenset(roots)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of torch's; for one that fxtorch lacks, None to who only asks."""
        if fullname.partition(".")[0] not in self.roots:
            found = PathFinder.find_spec(fullname, path) if fullname == "torchvision.extension" else None
            if found is not None and found.loader is not None:
                found.loader = _WithOperators(found.loader)
            return found
        if not _is_import() and not _exists(fullname):
            return None
        return ModuleSpec(fullname, _Same())

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        """What is installed, as ``importlib.metadata`` tells it."""
        return distributions(context or DistributionFinder.Context(), {root: ROOTS[root] for root in self.roots})


def _is_import() -> bool:
    """Whether an import asks, and not ``importlib.util.find_spec``."""
    return sys._getframe(3).f_code.co_name == "_find_and_load_unlocked"


def _exists(fullname: str) -> bool:
    real = real_name(fullname)
    try:
        return real in sys.modules or (real is not None and importlib.util.find_spec(real) is not None)
    except ModuleNotFoundError:
        return False


class _InWorkers:
    """Sets up the alias where it is unpickled: it travels in what a spawned process is told first."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = sorted(roots)

    def __reduce__(self) -> tuple[Any, ...]:
        home = str(Path(__file__).parents[2])  # a new process may not look there yet
        return exec, (
            f"import sys\nsys.path.append({home!r})\nfrom fxtorch.interop.alias import alias\nalias({self.roots!r})\n",
        )


def _preparation_data(name: str) -> dict[str, Any]:
    data = _plain_preparation_data(name)
    if _active is not None:
        data["fxtorch"] = _InWorkers(sorted(_active.finder.roots))
    return data


_plain_preparation_data = multiprocessing.spawn.get_preparation_data


class Alias:
    """The alias as it is in force; leaving it as a context manager, or :meth:`undo`, ends it."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder

    def undo(self) -> None:
        """Let ``import torch`` mean again what it meant; modules that hold fxtorch's keep them."""
        global _active
        if _active is self:
            _active = None
            sys.meta_path.remove(self.finder)
            multiprocessing.spawn.get_preparation_data = _plain_preparation_data
            _own.__name__ = "fxtorch"
            for name in [n for n in sys.modules if n.partition(".")[0] in self.finder.roots]:
                del sys.modules[name]

    def __enter__(self) -> Alias:
        return self

    def __exit__(self, *exc: object) -> None:
        self.undo()


_active: Alias | None = None


def stand_ins() -> list[str]:
    """The libraries that the alias gives by default: PyTorch, and its sisters where the real ones are not installed."""
    installed = (root for root in ROOTS if root not in _PYTORCH and importlib.util.find_spec(root) is not None)
    return sorted(ROOTS.keys() - set(installed))


def alias(roots: Sequence[str] | None = None) -> Alias:
    """Let ``import torch``, and all that is below it, mean fxtorch in this process and in those it spawns.

    Args:
        roots: which libraries; by default ``torch``, and ``torchvision``, ``torchtext`` and ``torchaudio`` where they
            are not installed: the Python files of the real ones run on fxtorch too.

    Returns:
        What ends it again: a context manager with the method ``undo()``.

    Raises:
        RuntimeError: the real PyTorch has been imported already.

    In a notebook::

        import fxtorch
        fxtorch.alias()
        import torch.nn.functional as F  # fxtorch.nn.functional
    """
    global _active
    if _active is not None:
        return _active
    if sys.modules.get("torch", _own) is not _own:
        raise RuntimeError("PyTorch itself has been imported already: call fxtorch.alias() before anything imports it")
    _active = Alias(Finder(stand_ins() if roots is None else roots))
    sys.meta_path.insert(0, _active.finder)
    multiprocessing.spawn.get_preparation_data = _preparation_data
    return _active
