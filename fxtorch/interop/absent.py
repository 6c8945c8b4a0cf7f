"""Parts of PyTorch that libraries import whether or not they use them, and fxtorch lacks: importing them works.

What such an import gives can be named in annotations, asked for with ``isinstance`` (no object is one) and subclassed.
To call it raises, and says that fxtorch lacks it: that is the place where it is used.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

MODULES = (
    "torch._dynamo.exc",
    "torch._higher_order_ops",
    "torch._ops",
    "torch.ao.quantization.fake_quantize",
    "torch.ao.quantization.observer",
    "torch.ao.quantization.qconfig",
    "torch.ao.quantization.quantize_fx",
    "torch.distributed._shard",
    "torch.distributed._tensor.experimental",
    "torch.distributed.algorithms._checkpoint",
    "torch.distributed.checkpoint",
    "torch.distributed.constants",
    "torch.distributed.elastic",
    "torch.distributed.optim",
    "torch.distributed.pipelining",
    "torch.distributed.rpc",
    "torch.distributed.tensor.experimental",
    "torch.distributed.tensor.parallel",
    "torch.distributed.utils",
    "torch.export",
    "torch.fx._pytree",
    "torch.fx.experimental.optimization",
    "torch.fx.experimental.symbolic_shapes",
    "torch.fx.operator_schemas",
    "torch.fx.passes",
    "torch.fx.traceback",
    "torch.nested",
    "torch.quantization.fake_quantize",
    "torch.quantization.observer",
    "torch.quantization.qconfig",
    "torch.quantization.quantize_fx",
    "torch.utils._python_dispatch",
    "torch.utils.flop_counter",
    "torch.utils.mobile_optimizer",
)
NAMES = {
    "torch": "PyTorchFileReader PyTorchFileWriter SymBool SymFloat SymInt",
    "torch.cuda": "StreamContext",
    "torch.distributed.tensor.placement_types": "_StridedShard",
    "torch.distributed": "FileStore",
    "torch.distributed.fsdp": (
        "BackwardPrefetch CPUOffload FSDPModule FullOptimStateDictConfig FullStateDictConfig FullyShardedDataParallel "
        "LocalStateDictConfig MixedPrecision OptimStateKeyType ShardedOptimStateDictConfig ShardedStateDictConfig "
        "ShardingStrategy StateDictType api fully_sharded_data_parallel register_fsdp_forward_method "
        "sharded_grad_scaler wrap"
    ),
}


class _Absent(type):
    """A class of which there are no objects."""

    _name: str

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]  # it decorates something, which may never be called
        raise NotImplementedError(f"{cls._name} was called: fxtorch lacks it")

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(f"{cls._name}.{name}")

    def __getitem__(cls, item: Any) -> Any:
        return cls  # in an annotation

    def __or__(cls, other: Any) -> Any:
        return Any  # in an annotation

    __ror__ = __or__


_made: dict[str, _Absent] = {}


def stand_in(name: str) -> _Absent:
    """What ``name`` means where it is imported: the same class each time.

    >>> strategy = stand_in("torch.distributed.fsdp.ShardingStrategy")
    >>> isinstance(3, strategy)
    False
    """
    if name not in _made:
        _made[name] = _Absent(name.rpartition(".")[2], (), {"_name": name, "__module__": name.rpartition(".")[0]})
    return _made[name]


def holds(module: str, *, whole: bool = False) -> bool:
    """Whether ``module`` is one of these, or below one; with ``whole`` not one that is but a name of another.

    >>> holds("torch.distributed.checkpoint.state_dict"), holds("torch.nn")
    (True, False)
    """
    if any(f"{module}.".startswith(f"{m}.") for m in MODULES):
        return True
    return not whole and any(module.startswith(f"{owner}.{n}") for owner, names in NAMES.items() for n in names.split())


def find(name: str) -> _Absent | None:
    """The stand-in for a name of a module that fxtorch has otherwise."""
    owner, _, last = name.rpartition(".")
    return stand_in(name) if last in NAMES.get(owner, "").split() else None


def module(name: str) -> ModuleType:
    """A module whose every public name is a stand-in."""
    made = ModuleType(name, "A part of PyTorch that fxtorch lacks.")
    made.__path__ = []

    def __getattr__(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return stand_in(f"{name}.{attribute}")

    __getattr__.explains = True  # type: ignore[attr-defined]
    made.__dict__["__getattr__"] = __getattr__
    return made
