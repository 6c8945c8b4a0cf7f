"""What a compiled call hands back: Tensors that are new, that were there before, or that share memory with either."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import jax

from fxtorch.compiler import errors
from fxtorch.compiler.references import Gradient, Held, Input, Reference
from fxtorch.nn import Module
from fxtorch.tensor import Tensor, wrap
from fxtorch.tensor.engine import reachable
from fxtorch.tensor.nodes import overwritten
from fxtorch.tensor.tape import FREED, Node
from fxtorch.tensor.traced import TracedNode
from fxtorch.tensor.views import Link

if TYPE_CHECKING:
    from fxtorch.compiler.capture import Capture

_OWN = frozenset({"_data", "_rg", "_node", "_index", "_grad", "_link", "_cell", "_lent", "_resident"})


_LEAVES = (Tensor, Module, GeneratorType, map, filter, zip, enumerate, reversed)  # JAX warns of the iterators


def is_leaf(x: Any) -> bool:
    """What the arguments and results are taken apart to."""
    return isinstance(x, _LEAVES)


class Spent(Node):
    """The ``grad_fn`` of a result whose graph was used up inside of the program, or cannot be walked.

    Args:
        words: what a walk raises.
        ends: the Tensors that the graph led to, or Nodes: a walk that looks for one of them comes here.
    """

    __slots__ = ("words",)

    def __init__(self, words: str, ends: list[Any]) -> None:
        super().__init__("compiled", ends, [0] * len(ends))
        self.words = words

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """There is nothing left."""
        raise RuntimeError(self.words)

    pull_tensors = pull


@dataclass(frozen=True)
class Graph:
    """How a Tensor stands to the tape at the end of the function.

    Attributes:
        requires_grad: its flag.
        kind: ``"leaf"``, ``"alive"`` (a graph of which a part can be walked from outside) or ``"spent"``.
        words: what a walk of a spent graph raises.
        held: the leaves that a spent graph led to, and ``given``: the same among the arguments, and the Tensors whose
            eager graphs it went on into.
    """

    requires_grad: bool
    kind: str
    words: str = FREED
    held: list[Any] = field(default_factory=list, compare=False)
    given: list[Reference] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, tensor: Tensor, capture: Capture) -> Graph:
        """That of ``tensor``, which is brought up to date.

        A graph of which something was used up is walked on only where a step is left that saved something: of the
        loss of a training step there is none, so that its program need not keep what a walk would take.
        """
        requires_grad = tensor.requires_grad
        node = tensor._node
        if node is None:
            return cls(requires_grad, "leaf")
        changed = found = None  # what a walk would raise before it came to what was used up, and there
        nodes, hooked, alive = reachable([node]), False, False
        for behind in nodes:
            words = FREED if behind.used_up else getattr(behind, "refusal", None)
            alive = alive or (behind.frees and words is None)
            if found is None:
                hooked = hooked or bool(behind.hooks or getattr(behind, "of_hooks", False))
                changed = changed or (None if words else _overwritten(behind))
                found = words and (changed or words)
        alive = alive or found is None
        if hooked or (alive and any(n.hooks or getattr(n, "of_hooks", False) for n in nodes)):
            raise errors.NotCompilable(
                "a hook on a gradient inside of it would not run when the backward is called outside; call "
                "backward() in the function, too"
            )
        if alive or found is None:
            return cls(requires_grad, "alive")
        return cls(requires_grad, "spent", found, *_ends(nodes, capture))

    def put_on(self, tensor: Tensor, out: Any, leaves: Sequence[Any]) -> None:
        """Give ``tensor``, whose values are the program's output ``out``, this place; ``leaves``: of the call."""
        if self.kind == "alive" and isinstance(out, Tensor):
            tensor._rg, tensor._node, tensor._index = out._rg, out._node, out._index
        elif self.kind == "leaf":
            tensor._rg, tensor._node, tensor._index = self.requires_grad, None, 0
        else:
            ends = self.held
            if self.given:
                ends = [*ends, *(t if t._node is None else t._node for t in (r.find(leaves) for r in self.given))]
            tensor._rg, tensor._node, tensor._index = True, Spent(self.words, ends), 0


def _ends(nodes: Sequence[Node], capture: Capture) -> tuple[list[Any], list[Reference]]:
    """The leaves that a graph leads to, and where to find what else it leads to."""
    edges = {id(edge): edge for node in nodes for edge in node.edges if isinstance(edge, Tensor | Input)}
    held: list[Any] = []
    given: list[Reference] = []
    for edge in edges.values():
        if isinstance(edge, Input):
            given.append(edge.owner)
        elif (argument := capture.argument(edge)) is not None:
            given.append(argument)
        elif not capture.is_made(edge):
            reference = capture.reference(edge)
            if isinstance(reference, Held):
                held.append(edge)
            else:
                given.append(reference)
    return held, given


def _overwritten(node: Node) -> str | None:
    """What walking ``node`` raises, where the function has overwritten what it needs."""
    if isinstance(node, TracedNode):
        try:
            node.verify()
        except RuntimeError as error:
            return str(error)
    changed = [
        str(overwritten(node.name(), cell[1], version)) for cell, version in node.counters() if cell[1] != version
    ]
    return changed[0] if changed else None


@dataclass
class Known:
    """A Tensor that the caller has already."""

    reference: Reference


@dataclass
class Fresh:
    """A Tensor that the function made.

    Attributes:
        output: the number of the program's output with its values.
        graph: its place on the tape.
        cls: its class.
        extra: attributes that were hung on it.
        grad: the number of the piece that is its gradient.
        parent: for a view, the number of the piece it shares memory with, and ``link``: how.
    """

    output: int
    graph: Graph
    cls: type[Tensor]
    extra: dict[str, Any]
    grad: int | None = None
    parent: int | None = None
    link: Link | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is a leaf that wants no gradient, and nothing more: as gradients are, most of the time."""
        return self.stands_alone and not self.graph.requires_grad

    @property
    def stands_alone(self) -> bool:
        """Whether it is a Tensor of no other class, no view, with no gradient, attributes or graph to walk."""
        nothing_more = self.cls is Tensor and self.grad is None and self.parent is None and not self.extra
        return nothing_more and self.graph.kind != "alive"

    def made_of(self, outputs: Sequence[Any], leaves: Sequence[Any]) -> Tensor:
        """One that :attr:`stands_alone`, from the outputs of the program and the arguments of the call."""
        tensor = wrap(outputs[self.output])
        if self.graph.requires_grad:
            self.graph.put_on(tensor, None, leaves)
        return tensor


@dataclass
class Leaf:
    """A leaf of a result: ``"piece"`` and its number, ``"array"`` and the output's, or ``"constant"`` and itself."""

    kind: str
    value: Any


@dataclass
class Pieces:
    """All Tensors that one program hands back, each once."""

    pieces: list[Known | Fresh] = field(default_factory=list)

    def __post_init__(self) -> None:
        fresh = [(i, p) for i, p in enumerate(self.pieces) if isinstance(p, Fresh)]
        self._with_grad = [i for i, p in fresh if p.grad is not None]
        self.shared = {n for _, p in fresh for n in (p.grad, p.parent) if n is not None}
        self._without: Collection[int] | None = None
        self._wanted: list[int] = []
        self._known = [(i, p.reference) for i, p in enumerate(self.pieces) if isinstance(p, Known)]
        self.plain = [p.output if isinstance(p, Fresh) and p.is_plain else -1 for p in self.pieces]

    def look_up(self, leaves: Sequence[Any]) -> dict[int, Tensor]:
        """Those that the caller has already, before anything is another one."""
        found = {i: reference.find(leaves) for i, reference in self._known}
        for i, reference in self._known:
            if isinstance(reference, Gradient):
                found[i]._data  # noqa: B018  (the program may be about to give its place to a new one)
        return found

    def hand_back(
        self, outputs: Sequence[Any], known: dict[int, Tensor], without: Collection[int], leaves: Sequence[Any]
    ) -> dict[int, Tensor]:
        """The Tensors by their numbers, from the program's outputs.

        Args:
            outputs: of the program.
            known: what :meth:`look_up` found.
            without: numbers of pieces that somebody else makes.
            leaves: the arguments of the call.
        """
        if without is not self._without:
            self._without, self._wanted = without, [i for i in range(len(self.pieces)) if i not in without]
        made = known
        for i in self._wanted:  # a view comes after what it is a view of
            piece, plain = self.pieces[i], self.plain[i]
            if plain >= 0 and not isinstance(out := outputs[plain], Tensor):
                tensor = made[i] = _bare(Tensor)
                tensor._data = out
                continue
            if isinstance(piece, Known):
                continue
            out = outputs[piece.output]
            if piece.cls is Tensor and piece.graph.kind == "alive" and isinstance(out, Tensor):
                tensor = out
            else:
                array = out._data if isinstance(out, Tensor) else out
                tensor = wrap(array) if piece.cls is Tensor else _new(piece.cls, array)
                if piece.graph.requires_grad:
                    piece.graph.put_on(tensor, out, leaves)
            if piece.extra:
                tensor.__dict__.update(piece.extra)
            if piece.parent is not None:
                _share(tensor, made[piece.parent], piece.link)
            made[i] = tensor
        for i in self._with_grad:
            made[i]._grad = made[self.pieces[i].grad]  # type: ignore[union-attr]
        return made


_bare = object.__new__


def _new(cls: type[Tensor], array: Any) -> Tensor:
    tensor = object.__new__(cls)
    tensor._data = array
    return tensor


def _share(view: Tensor, parent: Tensor, link: Link | None) -> None:
    """Make ``view``, whose values are up to date, a view of ``parent`` as ``link`` says."""
    assert link is not None
    parent._data  # noqa: B018  (a compiled step counts the changes of those that were asked for)
    cell = parent._cell
    if cell is None:
        cell = parent._cell = [0, 0]
    view._cell = cell
    view._link = link.of(parent, cell)


class Collector:
    """Takes the Tensors that leave a trace apart: which arrays the program returns, and what is made of them."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.outputs: list[Any] = []
        self.pieces: list[Known | Fresh] = []
        self._numbers: dict[int, int] = {}
        self.tensors: list[Tensor] = []  # that the pieces are made of; held, so that their ids stay theirs
        self._roots: dict[int, int] = {}

    def expect(self, values: Sequence[Any]) -> None:
        """Look at all that will be handed back: a base that nobody sees but several views share is handed back too."""
        tensors = {id(x): x for x in values if isinstance(x, Tensor)}
        for tensor in tensors.values():
            root = _root(tensor)
            if root is not tensor:
                self._roots[id(root)] = self._roots.get(id(root), 0) + 1
        for tensor in tensors.values():
            if id(tensor) in self._roots:
                self._roots[id(tensor)] += 1

    def leaf(self, x: Any) -> Leaf:
        """What becomes of a leaf of a result."""
        if isinstance(x, Tensor):
            return Leaf("piece", self.piece(x))
        if isinstance(x, jax.Array):
            self.outputs.append(x)
            return Leaf("array", len(self.outputs) - 1)
        return Leaf("constant", x)

    def piece(self, tensor: Tensor) -> int:
        """The number of the piece that ``tensor`` is."""
        number = self._numbers.get(id(tensor))
        if number is not None:
            return number
        argument = self.capture.argument(tensor)
        if argument is not None or not self.capture.is_made(tensor):
            return self._add(tensor, Known(argument or self.capture.reference(tensor)))
        graph = Graph.of(tensor, self.capture)
        parent = link = None
        if tensor._link is not None and self._shared(tensor):
            parent, link = self.piece(tensor._link.parent), tensor._link.of(_NOBODY, [0, 0])
        grad = None if tensor._grad is None else self.piece(tensor._grad)
        extra = {k: v for k, v in tensor.__dict__.items() if k not in _OWN and not isinstance(v, Tensor)}
        self.outputs.append(tensor._data)
        return self._add(
            tensor, Fresh(len(self.outputs) - 1, graph, type(tensor), extra, grad, parent, link)
        )  # fmt: skip

    def _add(self, tensor: Tensor, piece: Known | Fresh) -> int:
        self.pieces.append(piece)
        self.tensors.append(tensor)
        self._numbers[id(tensor)] = len(self.pieces) - 1
        return len(self.pieces) - 1

    def _shared(self, view: Tensor) -> bool:
        """Whether anybody else sees the memory of ``view`` after the call."""
        root = _root(view)
        return not self.capture.is_made(root) or self._roots.get(id(root), 0) > 1


_NOBODY = wrap(None)  # the parent of a view that has none yet


def _root(tensor: Tensor) -> Tensor:
    while tensor._link is not None:
        tensor = tensor._link.parent
    return tensor
