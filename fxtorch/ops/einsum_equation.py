"""What is wrong with an equation of ``einsum``, in torch's words."""

from __future__ import annotations

from collections.abc import Sequence

_SUBSCRIPTS = "subscripts must be in [a-zA-Z]"


def check_equation(equation: str, shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise where ``equation`` is malformed, or operands of ``shapes`` do not fit it.

    Raises:
        RuntimeError: so it is.

    >>> check_equation("ij,jk->ik", [(2, 3), (4, 5)])
    Traceback (most recent call last):
    RuntimeError: einsum(): subscript j has size 4 for operand 1 which does not broadcast with previously seen size 3
    """
    left, arrow, right = equation.partition("->")
    operands = _operands(left, len(shapes))
    sizes: dict[str, int] = {}
    for number, (labels, shape) in enumerate(zip(operands, shapes, strict=True)):
        given = len(labels) - labels.count(".")
        if "." not in labels and given != len(shape):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({given}) does not match the number of dimensions "
                f"({len(shape)}) for operand {number} and no ellipsis was given"
            )
        if given > len(shape):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({given}) is more than the number of dimensions "
                f"({len(shape)}) for operand {number}"
            )
        _check_sizes(number, labels, shape, sizes)
    if arrow:
        _check_output(right, len(left) + 2, set("".join(operands)))


def _operands(left: str, count: int) -> list[str]:
    """The labels of each operand, an ellipsis as one dot."""
    operands, i = [""], 0
    while i < len(left):
        if left[i] == ".":
            number = len(operands) - 1
            if "." in operands[-1]:
                raise RuntimeError(f"einsum(): found '.' for operand {number} for which an ellipsis was already found")
            if left[i : i + 3] != "...":
                raise RuntimeError(f"einsum(): found '.' for operand {number} that is not part of any ellipsis")
            operands[-1] += "."
            i += 2
        elif left[i] == ",":
            operands.append("")
            if len(operands) > count:
                raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
        elif left[i].isascii() and left[i].isalpha():
            operands[-1] += left[i]
        elif left[i] != " ":
            raise RuntimeError(f"einsum(): invalid subscript given at index {i} in the equation string, {_SUBSCRIPTS}")
        i += 1
    if len(operands) < count:
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    return operands


def _check_sizes(number: int, labels: str, shape: tuple[int, ...], sizes: dict[str, int]) -> None:
    """Compare the sizes of an operand's labels with each other, and with those of the operands before it."""
    before, _, after = labels.partition(".")
    own: dict[str, int] = {}
    for label, size in [*zip(before, shape, strict=False), *zip(reversed(after), reversed(shape), strict=False)]:
        if own.setdefault(label, size) != size:
            raise RuntimeError(
                f"einsum(): subscript {label} is repeated for operand {number} but the sizes don't match, {size} != "
                f"{own[label]}"
            )
    for label, size in own.items():
        seen = sizes.get(label, 1)
        if size != 1 and seen not in (1, size):
            raise RuntimeError(
                f"einsum(): subscript {label} has size {size} for operand {number} which does not broadcast with "
                f"previously seen size {seen}"
            )
        sizes[label] = max(size, seen)


def _check_output(right: str, start: int, known: set[str]) -> None:
    """Check the labels after the arrow."""
    seen: set[str] = set()
    plain = right.replace("...", "   ", 1)
    for i, label in enumerate(plain):
        if label == " ":
            continue
        if label == ".":
            why = (
                "but an ellipsis (...) was already found"
                if "..." in right
                else "that is not part of any ellipsis (...)"
            )
            raise RuntimeError(f"einsum(): found '.' for output {why}")
        if not (label.isascii() and label.isalpha()):
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {start + i} in the equation string, {_SUBSCRIPTS}"
            )
        if label in seen:
            raise RuntimeError(f"einsum(): output subscript {label} appears more than once in the output")
        if label not in known:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
        seen.add(label)
