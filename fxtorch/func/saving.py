"""What the eager turns of a branch or loop would save for their backward, where it runs as one program.

The program itself saves what it likes.  PyTorch's rules (a saved value must not be overwritten, a graph is used up by
the first walk) are about the operators inside.  So the body is traced once more, recorded on the tape as eager code is,
and the graph behind each of its results is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fxtorch.tensor import Tensor
from fxtorch.tensor.engine import reachable
from fxtorch.tensor.nodes import overwritten
from fxtorch.tensor.tape import FREED, Node
from fxtorch.tensor.traced import Body, TracedNode

_NONE: frozenset[int] = frozenset()


class Start(Node):
    """The place on the tape of an argument of a body that is traced to be looked at."""

    __slots__ = ()


@dataclass(frozen=True)
class Needs:
    """What stands behind one result of a body.

    Attributes:
        wanted: whether it has a graph at all.
        arguments: the numbers of the arguments that must not be overwritten, ``results``: of the results, and
            ``others``: the ids of Tensors from outside.
        late: whether the body itself overwrites one of them.
        reached: the numbers of the arguments, and ids of Tensors from outside, that gradients arrive at.
        parts: the steps that can be walked only once.
    """

    wanted: bool = False
    arguments: frozenset[int] = _NONE
    results: frozenset[int] = _NONE
    others: frozenset[int] = _NONE
    late: bool = False
    reached: frozenset[int] = _NONE
    parts: frozenset[int] = _NONE

    def __or__(self, other: Needs) -> Needs:
        """What a result needs that stands before both."""
        return Needs(
            self.wanted or other.wanted, self.arguments | other.arguments, self.results | other.results,
            self.others | other.others, self.late or other.late, self.reached | other.reached, self.parts | other.parts,
        )  # fmt: skip

    def __and__(self, other: Needs) -> Needs:
        """What a result needs whichever of the two it comes from."""
        return Needs(
            self.wanted or other.wanted, self.arguments & other.arguments, self.results & other.results,
            self.others & other.others, self.late and other.late, self.reached | other.reached,
            self.parts | other.parts if self.parts and other.parts else _NONE,
        )  # fmt: skip


def behind(arguments: Sequence[Tensor], results: Sequence[Tensor], others: Sequence[Tensor]) -> list[Needs]:
    """What stands behind each result of a body that was recorded.

    Args:
        arguments: its arguments, those that want gradients at a :class:`Start` of their own.
        results: what it returned.
        others: the Tensors from outside that it met.
    """
    cells: dict[int, tuple[str, int]] = {}
    for kind, tensors in (("results", results), ("others", others), ("arguments", arguments)):
        for i, t in enumerate(tensors):
            if t._cell is not None:
                cells[id(t._cell)] = kind, id(t) if kind == "others" else i
    starts = {t._node: i for i, t in enumerate(arguments) if t._node is not None}
    starts |= {t._node: id(t) for t in others if t._node is not None}
    found = []
    for t in results:
        if not t.requires_grad:
            found.append(Needs())
            continue
        nodes = reachable([t._node]) if t._node is not None else []
        saved = [pair for node in nodes for pair in _counters(node, cells)]
        of: dict[str, set[int]] = {"arguments": set(), "results": set(), "others": set()}
        for cell, _ in saved:
            kind, number = cells[id(cell)]
            of[kind].add(number)
        leaves = {id(edge) for node in nodes for edge in node.edges if isinstance(edge, Tensor)}
        found.append(
            Needs(
                True,
                frozenset(of["arguments"]),
                frozenset(of["results"]),
                frozenset(of["others"]),
                any(cell[1] != version for cell, version in saved),
                frozenset({starts[node] for node in nodes if node in starts} | leaves),
                frozenset(i for node in nodes for i in (*node.parts, *((node.number,) if node.frees else ()))),
            )
        )
    return found


def _counters(node: Node, cells: Mapping[int, object]) -> Iterator[tuple[list[int], int]]:
    if isinstance(node, TracedNode):
        yield from ((cell, v) for cell, v, place, i in node.checks if id(cell) in cells and node.needs()(place, i))
    else:
        yield from ((cell, v) for cell, v in node.counters() if id(cell) in cells)


def repeated(turn: Callable[[tuple[bool, ...]], list[Needs]], begin: Sequence[bool], count: int) -> list[Needs]:
    """What stands behind the results of a loop: the state after it, and what all its turns kept.

    Args:
        turn: what stands behind the results of one turn, of a state that wants gradients as said.
        begin: whether the state that the loop begins with does.
        count: the number of turns.
    """
    n, flags = len(begin), tuple(begin)
    inside: frozenset[int] = frozenset(range(n))  # the state between two turns: nobody can overwrite it
    before: list[Needs] = []  # behind the state of the turn before
    kept: list[Needs] = []  # of all turns
    seen: dict[tuple[bool, ...], list[Needs]] = {}
    ends: list[Needs] = []
    for number in range(count):
        own = seen.get(flags)
        if own is None:
            own = seen[flags] = turn(flags)
        whole = [replace(need, results=need.results & inside) for need in own]
        if number:
            for i, need in enumerate(whole):
                whole[i] = replace(need, arguments=need.arguments - inside, reached=need.reached - inside)
                for j in need.reached & inside:
                    whole[i] |= before[j]
        after = [replace(need, results=_NONE) for need in whole]
        now = [a | b for a, b in zip(after[n:], kept or after[n:], strict=True)]
        ends = [*whole[:n], *(a | b for a, b in zip(whole[n:], now, strict=True))]
        new_flags = tuple(need.wanted for need in after[:n])
        if (after[:n], now, new_flags) == (before, kept, flags):
            break
        before, kept, flags = after[:n], now, new_flags
    return ends


class Saving(Node):
    """Stands before a result of a branch or loop: who walks it needs what the eager steps behind it saved.

    Args:
        label: what to call it.
        result: the Tensor, which is to stand before this Node.
        checks: counters of changes of what was saved, and the versions then.
        parts: the steps that can be walked once.
        body: of the call, whose results share what was used up.
    """

    __slots__ = ("body", "checks", "parts", "walked")

    def __init__(
        self,
        label: str,
        result: Tensor,
        checks: Sequence[tuple[list[int], int]],
        parts: frozenset[int],
        body: Body,
    ) -> None:
        super().__init__(label, [result._node], [result._index])
        self.checks = list(checks)
        self.parts = parts
        self.body = body
        self.walked = False

    @property
    def frees(self) -> bool:  # type: ignore[override]
        """Whether something was saved behind it."""
        return bool(self.parts)

    @property
    def used_up(self) -> bool:  # type: ignore[override]
        """Whether what was saved is gone."""
        return self.walked or not self.body.used.isdisjoint(self.parts)

    def counters(self) -> list[tuple[list[int], int]]:
        """Those of what was saved."""
        return self.checks

    def pull(self, cts: Sequence[object]) -> Sequence[object]:
        """The cotangent itself, once it is sure that the walk is allowed."""
        if self.walked:
            raise RuntimeError(FREED)
        for cell, version in self.checks:
            if cell[1] != version:
                raise overwritten(self.name(), cell[1], version)
        if self.used_up:  # by way of another result
            raise RuntimeError(FREED)
        return cts

    pull_tensors = pull  # type: ignore[assignment]

    def release(self) -> None:
        """Note what was used up."""
        self.body.walked |= self.parts
        self.walked = self.frees


def stand_before(
    label: str,
    results: Sequence[Tensor],
    needs: Sequence[Needs],
    arguments: Sequence[Tensor],
    lifted: Sequence[Tensor],
    met: Mapping[int, Tensor],
) -> None:
    """Give the results of a branch or loop the place on the tape that they would have eagerly, as far as it shows.

    Args:
        label: what to call it.
        results: the Tensors, all of one Node.
        needs: what stands behind each.
        arguments: the first inputs of that Node.
        lifted: the others.
        met: all Tensors from outside, by id.
    """
    body = Body()
    keys = [*range(len(arguments)), *map(id, lifted)]
    for t, need in zip(results, needs, strict=True):
        node = t._node
        if not isinstance(node, TracedNode):
            continue
        if not need.wanted:
            t._rg, t._node, t._index = False, None, 0
            continue
        node.body = body
        body.reaches[t._index] = frozenset(k for k, i in enumerate(node.plan.diff) if keys[i] in need.reached)
        saved = [met[i] for i in need.others] + [arguments[i] for i in need.arguments]
        checks: list[tuple[list[int], int]] = [([0, 1], 0)] if need.late else []
        for x in (*saved, *(results[i] for i in need.results)):
            if x._cell is None:
                x._cell = [0, 0]
            checks.append((x._cell, x._cell[1]))
        t._node, t._index = Saving(label, t, checks, need.parts, body), 0
