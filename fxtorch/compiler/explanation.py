"""``fxtorch.compiler.explain``: what each program of a compiled function captured, changes and guards, and why."""

from __future__ import annotations

from typing import Any

from fxtorch.compiler.references import Argument, Entry, Gradient, Reference
from fxtorch.compiler.rollout import Rollout


def explain(fn: Any) -> str:
    """What each program of a compiled function captured, changes and takes for granted, and why it was made.

    >>> import fxtorch as torch
    >>> w = torch.ones(2)
    >>> double = torch.jit(lambda x: x * w)
    >>> _ = double(torch.ones(2))
    >>> print(torch.compiler.explain(double).splitlines()[0])
    <lambda>: 1 program

    Of :func:`fold` and :func:`ensemble` it tells what one step does.
    """
    fn = getattr(fn, "_compiled", fn)  # of a compiled Module
    programs = [p for group in fn.programs.values() for p in group]
    lines = [f"{fn.name}: {len(programs)} program{'s' * (len(programs) != 1)}"]
    made = enumerate(zip(getattr(fn, "reasons", ()), getattr(fn, "makings", ()), strict=True))
    lines += [f"  trace {i + 1}: {reason} ({making})" for i, (reason, making) in made]
    if isinstance(padded := getattr(fn, "waste", None), float):
        lines.append(f"  padding: {padded:.0%} of the elements computed on")
    for i, made_of in enumerate(programs):
        program = _step_of(made_of)
        found, names = program.describe(), program.layout.naming.tensors()
        lines.append(f"  program {i + 1}{_extent(made_of)}")
        lines += [f"    reads {title(r, names)}" for r in found["reads"]]
        lines += [f"    changes {title(r, names)}" for r in found["changes"]]
        if program.executable.in_pieces is not None:
            lines.append("    was compiled again after many calls, with its working memory in pieces")
        lines += [f"    does {side}s" for side in sorted(program.layout.sides)]
        lines += [f"    number {s.key}" for s in program.traced.known.scalars]
        lines += [f"    guards {fact}" for fact in program.guards.describe()]
    return "\n".join(lines)


def _step_of(program: Any) -> Any:
    """The program of one step of one model in a program of many."""
    return program.members[0] if isinstance(program, Rollout) else getattr(program, "transition", program)


def _extent(program: Any) -> str:
    if not isinstance(program, Rollout):
        return ""
    many = [(program.length, "steps"), (len(program.members) if program.mapped else None, "members")]
    return ": " + ", ".join(f"{count} {name}" for count, name in many if count is not None)


def title(reference: Reference, names: dict[int, Any]) -> str:
    """What a piece of state is called."""
    if isinstance(reference, Gradient):
        return f"{title(reference.of, names)}.grad"
    if isinstance(reference, Argument):
        return f"argument {reference.position}"
    if isinstance(reference, Entry):
        return reference.name if reference.number == 0 else f"{reference.name}, Tensor {reference.number}"
    tensor = reference.tensor
    return names[id(tensor)][0] if id(tensor) in names else f"a Tensor {tuple(tensor.shape)}"
