"""The Nodes of operators' calls: what is saved for the backward, and the backward as a compiled program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from jax._src.array import ArrayImpl  # making an array to ask for its type would start the backend

from fxtorch.tensor.modes import modes
from fxtorch.tensor.overwriting import RESULT_NEEDED, SAVES_NUMBERS
from fxtorch.tensor.record import Plan, Record, outputs
from fxtorch.tensor.tape import FREED, Node
from fxtorch.tensor.tensor import Tensor, unwrap, wrap

_NUMBERS = frozenset({int, float, bool, complex})


class CallNode(Node):
    """A call of an operator.  Its backward is itself an operator, where it is recorded."""

    __slots__ = ()

    apply: ClassVar[Callable[[Record, Sequence[Any]], Any]]  # what runs a record on Tensors


class OpNode(CallNode):
    """A call of a compiled operator: saved inputs and outputs by reference, and the plan that uses them."""

    __slots__ = ("checks", "plan", "residuals", "saved_in", "saved_out")

    plan: Plan
    saved_in: tuple[Any, ...] | None
    saved_out: tuple[Any, ...]
    residuals: tuple[Any, ...]
    checks: list[tuple[list[int], int]]
    of_saved_values = True
    saved: ClassVar[Callable[[OpNode, str], Any]]  # what looks up ``_saved_self`` and its like

    def __getattr__(self, name: str) -> Any:
        return OpNode.saved(self, name)

    @property
    def n_outputs(self) -> int:
        """How many results the call had."""
        return len(self.plan.carries)

    @property
    def frees(self) -> bool:
        """Whether it saved Tensors."""
        if self.saved_out or self.residuals:
            return True
        saved = self.saved_in or ()
        return bool(saved) and (self.label in SAVES_NUMBERS or not all(x.__class__ in _NUMBERS for x in saved))

    def verify(self) -> tuple[Any, ...]:
        """The saved inputs, once it is sure that they are there and were not overwritten."""
        if self.saved_in is None:
            raise RuntimeError(FREED)
        for cell, version in self.checks:
            if cell[1] != version:
                raise overwritten(self.name(), cell[1], version)
        return self.saved_in

    def wrote(self, target: Tensor, result: Tensor) -> None:
        """Take note that the call was in place: what it saved of ``target`` is the value before, and stays right."""
        if not self.of_saved_values:
            return
        cell = target._cell
        assert cell is not None
        self.checks = [c for c in self.checks if c[0] is not cell and c[0] is not result._cell]
        if self.plan.saved_out and self.label in RESULT_NEEDED:
            self.checks.append((cell, cell[1]))

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Run the compiled backward."""
        plan, ct = self.plan, cts[0]
        if plan.passes and ct is not None and ct.dtype == plan.avals[0][1]:
            return (ct,) * len(plan.diff)
        return plan.backward(self.verify(), self.saved_out, self.residuals, tuple(cts))

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Run the backward as a recorded operator of the saved values and the cotangents."""
        plan = self.plan
        edge = {i: k for k, i in enumerate(plan.diff)}
        tensors = [
            wrap(v) if i not in edge else edge_tensor(v, self.edges[edge[i]], self.slots[edge[i]])
            for i, v in zip(plan.saved_in, self.verify(), strict=True)
        ]
        tensors += [edge_tensor(v, self, j) for j, v in zip(plan.saved_out, self.saved_out, strict=True)]
        present = tuple(ct is not None for ct in cts)
        return outputs(CallNode.apply(plan.double(present), tensors + [ct for ct in cts if ct is not None]))

    def release(self) -> None:
        """Drop the saved arrays; a Node that saved nothing can be used again."""
        if self.frees:
            self.saved_in, self.saved_out, self.residuals = None, (), ()


def overwritten(name: str, found: int, expected: int) -> RuntimeError:
    """torch's error for a backward step of that ``name`` whose saved value was changed in place."""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"a Tensor saved by {name} is at version {found}; expected version {expected} instead. "
        "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True)."
    )


class PackedNode(OpNode):
    """A call whose saved values went through the pack hook of ``saved_tensors_hooks``."""

    __slots__ = ("unpack",)

    of_saved_values = False

    def pack(self) -> None:
        """Replace what was saved by what the hook makes of it."""
        hooks = modes.saved_hooks
        assert hooks is not None
        pack, self.unpack = hooks
        modes.saved_hooks = None  # what the hook does is not packed in turn
        try:
            self.saved_in, self.saved_out, self.residuals = (
                tuple(_Packed(pack(wrap(v))) if isinstance(v, ArrayImpl) else v for v in values)
                for values in (self.verify(), self.saved_out, self.residuals)
            )
        finally:
            modes.saved_hooks = hooks
        self.checks = []  # values that were packed cannot be overwritten

    def opened(self) -> OpNode:
        """The same call with its values unpacked."""
        node = OpNode(self.label, self.edges, self.slots)
        node.number, node.plan, node.checks = self.number, self.plan, []
        node.saved_in, node.saved_out, node.residuals = (
            tuple(unwrap(self.unpack(v.value)) if isinstance(v, _Packed) else v for v in values)
            for values in (self.verify(), self.saved_out, self.residuals)
        )
        return node

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Unpack, and run the compiled backward."""
        return self.opened().pull(cts)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Unpack, and run the backward as a recorded operator."""
        return self.opened().pull_tensors(cts)


class _Packed:
    """What a pack hook returned."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class StaleLeaf(Node):
    """Passes a gradient on to a leaf whose value has changed since it was saved."""

    __slots__ = ()

    def __init__(self, leaf: Tensor) -> None:
        super().__init__("stale_leaf", [leaf], [0])

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """The gradient itself."""
        return cts

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """The gradient itself."""
        return cts


def edge_tensor(array: Any, edge: Any, slot: int) -> Tensor:
    """The Tensor at the other end of an edge, with the value it had when it was saved."""
    if not isinstance(edge, Node):
        if edge._data is array:
            return edge
        edge = StaleLeaf(edge)
    t = wrap(array)
    t._rg, t._node, t._index = True, edge, slot
    return t
