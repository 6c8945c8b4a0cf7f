"""What becomes of a program's outputs: new values of state, gradients, and what the function returned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import jax

from fxtorch.compiler.packing import Packing, new_slot, slots_of
from fxtorch.compiler.program_node import ProgramNode
from fxtorch.compiler.references import Gradient, Held
from fxtorch.compiler.results import Fresh, Leaf
from fxtorch.compiler.steady import Steady
from fxtorch.compiler.trace import Change, Layout
from fxtorch.tensor import Tensor, modes, unwrap, wrap
from fxtorch.tensor.engine import backward
from fxtorch.tensor.slots import Slots
from fxtorch.tensor.stacks import Stacks
from fxtorch.tensor.structure import structure
from fxtorch.tensor.tensor import state as lasting


class Outcome:
    """How one program's outputs are handed out, with what most programs do most set apart.

    Args:
        layout: what the outputs mean.
        on_tape: whether the program is recorded, and its outputs are Tensors with a graph.

    Attributes:
        steady: what holds the state between the calls; None where every Tensor gets its array back.
    """

    def __init__(self, layout: Layout, *, on_tape: bool = False) -> None:
        self.layout = layout
        self.steady: Steady | None = None
        self._only: list[Fresh] | None = None  # the results, where there is nothing else to hand out
        self._renewed: list[tuple[Tensor, Any]] = []
        self._others: list[Change] = []
        for c in layout.changed:
            tensor = None if on_tape else _renewed(c)
            if tensor is not None:
                if tensor._rg and tensor._cell is None:
                    tensor._cell = [0, 0]
                self._renewed.append((tensor, c.output))
            else:
                self._others.append(c)
        used = layout.pieces.shared | {leaf.value for leaf in _leaves(layout) if leaf.kind == "piece"}
        used |= {piece for piece, times in Counter(piece for _, piece in layout.grads).items() if times > 1}
        plain = layout.pieces.plain
        self._graded: list[tuple[Tensor, int]] = []
        self._other_grads = []
        self._own: set[int] = set()  # pieces that are a gradient and nothing more
        for owner, piece in layout.grads:
            if piece is None or not isinstance(owner, Held) or piece in used or plain[piece] < 0 or on_tape:
                self._other_grads.append((owner, piece))
            else:
                self._graded.append((owner.tensor, plain[piece]))
                self._own.add(piece)

    def keep(
        self, overwritten: Sequence[Tensor], packing: Packing, outputs: list[Any], stacks: Stacks | None
    ) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any], Sequence[Any]]:
        """Leave with the program what it overwrites at each call; called in its trace.

        JAX pairs donated inputs with outputs of equal type, in their order, and so each overwrites itself.  Single
        numbers come last: what overwrites them early would hold up all that still reads them (68 us in place of 52 for
        the step of a 64-64-10 perceptron).

        Args:
            overwritten: all of them only get new values (see :func:`renews`).
            packing: how they lie in the inputs.
            outputs: of the pure function, of which what stays is taken.
            stacks: which of them are rows of one array.

        Returns:
            the state, the outputs that are left, the gradients, and the state that is single numbers.
        """
        new = {id(tensor): output for tensor, output in self._renewed}
        kept = [new.pop(id(tensor)) for tensor in overwritten]
        owners, graded = [t for t, _ in self._graded], [output for _, output in self._graded]
        orders = [packing.orders.get(Gradient(Held(owner)).identity) for owner in owners]
        grad_slots = slots_of([outputs[i] for i in graded], orders, stacks, joins=packing.joins)
        steady = Steady.of(overwritten, packing.slots, owners, grad_slots)
        self._renewed, self._graded = [(t, output) for t, output in self._renewed if id(t) in new], []
        self.steady = steady
        self._only = self._only_results()

        def take(places: Sequence[int], slots: Slots) -> list[Any]:
            new = [new_slot(slot, [outputs[places[i]] for i in slot.members], stacks) for slot in slots]
            for i in places:
                outputs[i] = None
            return new

        state, grads = take(kept, packing.slots), take(graded, steady.grad_slots)
        return state[: packing.early], outputs, grads, state[packing.early :]

    def _only_results(self) -> list[Fresh] | None:
        """The results, where all are new Tensors that nothing else leads to, and there is nothing else to hand out."""
        layout, pieces = self.layout, self.layout.pieces
        others = (self._renewed, self._others, self._graded, self._other_grads, layout.entries, layout.flows)
        numbers = [leaf.value if leaf.kind == "piece" else -1 for leaf in layout.results]
        if any(others) or sorted(numbers) != [i for i in range(len(pieces.pieces)) if i not in self._own]:
            return None
        found = [piece for i in numbers if isinstance(piece := pieces.pieces[i], Fresh) and piece.stands_alone]
        return found if len(found) == len(numbers) else None

    def write_back(
        self,
        outputs: Sequence[Any],
        leaves: Sequence[Any],
        state: Sequence[Any],
        grads: Sequence[Any],
        node: ProgramNode | None = None,
    ) -> Any:
        """Give everybody what is theirs; returns the function's result.

        Args:
            outputs: of the program.
            leaves: the arguments of the call.
            state: new values of what stays with the program.
            grads: the gradients that stay there, too.
            node: the call on the tape, where it is recorded.
        """
        layout = self.layout
        if self._only is not None and self.steady is not None:
            self.steady.keep(list(state), list(grads))
            modes.grad = layout.grad_mode
            return jax.tree.unflatten(layout.tree, [piece.made_of(outputs, leaves) for piece in self._only])
        known = layout.pieces.look_up(leaves)
        graphs = [_as_it_stands(node.owner.find(leaves)) for node, _ in layout.flows]
        for tensor, output in self._renewed:  # what _rebind comes to for a base, without its questions
            tensor._data = outputs[output]
            cell = tensor._cell
            if cell is not None:  # of an optimizer's state nobody has taken views
                cell[0] += 1
                cell[1] += 1
        if self.steady is not None:
            self.steady.keep(list(state), list(grads))
        made = layout.pieces.hand_back(outputs, known, self._own, leaves)
        for change in self._others:
            reference = change.reference
            tensor = reference.tensor if isinstance(reference, Held) else reference.find(leaves)
            out = None if change.output is None else outputs[change.output]
            if change.graph is not None:
                change.graph.put_on(tensor, out, leaves)
                structure.changed()
            if out is not None:  # a view takes its base along, onto the tape too
                recorded = tensor._link is not None and change.graph is not None
                tensor._rebind(array_of(out), tensor._node if recorded else None, tensor._index)
        for tensor, output in self._graded:
            tensor._set_grad(lasting(outputs[output]))
        for owner, piece in self._other_grads:
            owner.find(leaves)._set_grad(None if piece is None else made[piece])

        def value(leaf: Leaf) -> Any:
            if leaf.kind == "piece":
                return made[leaf.value]
            return leaf.value if leaf.kind == "constant" else array_of(outputs[leaf.value])

        for place, tree, found in layout.entries:
            place.set(jax.tree.unflatten(tree, [value(leaf) for leaf in found]))
        for before, (end, output) in zip(graphs, layout.flows, strict=True):
            backward([before], [wrap(array_of(outputs[output]))], retain_graph=end.retained, create_graph=False)
        if node is not None:
            node.settle(made)
        modes.grad = layout.grad_mode
        return jax.tree.unflatten(layout.tree, [value(leaf) for leaf in layout.results])


def renews(layout: Layout, tensors: Sequence[Tensor] | None) -> bool:
    """Whether all of ``tensors`` only get new values."""
    renewed = {id(_renewed(change)) for change in layout.changed}
    return bool(tensors) and all(id(tensor) in renewed for tensor in tensors)


def array_of(out: Any) -> Any:
    """The values of an output, which is a Tensor where the program is on the tape."""
    return out._data if isinstance(out, Tensor) else out


def _renewed(change: Change) -> Tensor | None:
    """The Tensor that only gets new values, where it is found at once; that it does not become a view is a guard."""
    tensor = change.reference.tensor if isinstance(change.reference, Held) else None
    plain = change.graph is None and change.output is not None and tensor is not None and tensor._link is None
    return tensor if plain else None


def _leaves(layout: Layout) -> list[Leaf]:
    return [*layout.results, *(leaf for _, _, found in layout.entries for leaf in found)]


def _as_it_stands(tensor: Tensor) -> Tensor:
    """A Tensor where ``tensor`` stands on the tape now, before it is another one."""
    twin = wrap(unwrap(tensor))
    twin._rg, twin._node, twin._index = tensor._rg, tensor._node, tensor._index
    return twin
