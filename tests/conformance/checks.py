"""What is checked of an operator: each check yields its attempts, one for each sample and form."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import fxtorch
from tests.conformance.calls import Side, exactly, widened
from tests.conformance.chance import CHANCE, UNDEFINED, drawn, is_random, same_distribution
from tests.conformance.compare import Differs, Judge, flat
from tests.conformance.convert import Arguments, is_of_the_tests, numpy_of, rebuilt
from tests.conformance.database import Entry, MissingName, find

Attempt = tuple[str, Callable[[], None]]

# The shape, or a Python value, follows from the values: under jit they must raise the error that says so.
DATA_DEPENDENT = frozenset(
    "nonzero argwhere masked_select unique unique_consecutive item bincount combinations equal allclose "
    "linalg.matrix_rank histogramdd repeat_interleave tensor_split "
    "nn.functional.one_hot".split()
)
# PyTorch's gradient is not the derivative (finite differences say so): ours is held to finite differences instead.
NO_REFERENCE = frozenset({"as_strided_scatter"})
# PyTorch computes the gradient along with the value, as a constant: its second derivative is zero, or raises.
NO_SECOND_REFERENCE = frozenset(
    {"nn.functional.linear_cross_entropy[chunked]", "nn.functional.linear_cross_entropy[chunked_none]"}
)
# At a kink PyTorch's second derivative is NaN, where its first is that of one side and ours has a second.
KINKS = frozenset({"linalg.norm[subgradients_at_zero]", "masked.logaddexp"})
FURTHER_TYPES = ("float64", "int64", "bool", "complex64", "bfloat16", "float16")


@dataclass
class Settings:
    """How much is run.

    Attributes:
        most: how many samples of an operator, spread over all; None for all of them.
        every: whether the checks other than forward and gradient take as many too, and not a few.
        dtypes: the further types.
        judge: remembers whether float64 had to decide.
    """

    most: int | None = None
    every: bool = False
    dtypes: tuple[str, ...] = FURTHER_TYPES
    judge: Judge = field(default_factory=Judge)

    def fewer(self, count: int) -> int | None:
        """How many samples a check takes that is content with ``count``."""
        return self.most if self.every else count if self.most is None else min(count, self.most)


class NotHere(Exception):
    """The sample says nothing about this check."""


def forward(entry: Entry, settings: Settings) -> Iterator[Attempt]:
    """Value, type and shape."""
    for arguments in entry.samples(entry.dtype, grad=entry.info.supports_autograd, most=settings.most):
        yield str(arguments), lambda a=arguments: _forward(entry, a, settings)
    if entry.id in CHANCE:
        yield "distribution", lambda: same_distribution(entry.id)


def _forward(entry: Entry, arguments: Arguments, settings: Settings, grad: bool = True) -> None:
    expected = _theirs(entry, arguments)
    actual = Side(fxtorch, entry.ours, arguments, grad=grad)()
    values = entry.id not in UNDEFINED and not is_random(entry, arguments)
    settings.judge.compare(actual, expected, exactly(entry.theirs, arguments), values=values)


def _theirs(entry: Entry, arguments: Arguments) -> Any:
    try:
        found = Side(torch, entry.theirs, arguments)()
    except Exception as error:
        raise NotHere(str(error)) from error
    if any(isinstance(r, torch.Tensor) and r.dtype is torch.complex32 for r in flat(found)):
        raise NotHere("a type that JAX does not have")
    return found


def types(entry: Entry, settings: Settings) -> Iterator[Attempt]:
    """Forward in the further types that PyTorch takes."""
    for name in settings.dtypes:
        dtype = getattr(torch, name)
        if dtype in entry.info.dtypes and dtype != entry.dtype:
            for arguments in entry.samples(dtype, most=settings.fewer(3)):
                yield f"{name}: {arguments}", lambda a=arguments: _forward(entry, a, settings, grad=False)


def gradient(entry: Entry, settings: Settings) -> Iterator[Attempt]:
    """The gradient for fixed random cotangents."""
    yield from _gradients(entry, settings, "gradient", settings.most)


def second(entry: Entry, settings: Settings) -> Iterator[Attempt]:
    """The gradient of the gradient, of a few samples."""
    if entry.info.supports_gradgrad:
        yield from _gradients(entry, settings, "second", settings.fewer(2))


def _gradients(entry: Entry, settings: Settings, of: str, most: int | None) -> Iterator[Attempt]:
    if not entry.info.supports_autograd or not (entry.dtype.is_floating_point or entry.dtype.is_complex):
        return

    def attempt(arguments: Arguments) -> None:
        if entry.info.name in NO_REFERENCE or (of == "second" and entry.id in NO_SECOND_REFERENCE):
            _finite_differences(entry, arguments, of)
            return
        try:
            expected = Side(torch, entry.theirs, arguments).gradients(twice=of == "second")
        except RuntimeError as error:
            raise NotHere(str(error)) from error
        ours = Side(fxtorch, entry.ours, arguments)
        if is_random(entry, arguments):
            drawn(ours, entry.info.name)
            return
        actual = ours.gradients(twice=of == "second")
        if of == "gradient" and any(e is not None for e in expected) and all(a is None for a in actual):
            raise Differs("no gradient")
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            if a is None and e is None:
                continue
            like: Any = a if e is None else e
            a = np.zeros(tuple(like.shape), np.float32) if a is None else numpy_of(a)
            e = np.zeros(a.shape, a.dtype) if e is None else numpy_of(e)
            if of == "second" and entry.id in KINKS:
                e = np.where(np.isnan(e), a, e)
            if a.shape != e.shape:
                raise Differs(f"gradient {i}: shape {list(a.shape)}, not {list(e.shape)}")
            exact = exactly(entry.theirs, arguments, of=of)
            settings.judge.arrays(a, e, f"gradient {i}: ", lambda i=i, exact=exact: exact()[i])

    for arguments in entry.samples(entry.dtype, grad=True, most=most):
        if any(t.requires_grad for t in arguments.tensors):
            yield str(arguments), lambda a=arguments: attempt(a)


def _finite_differences(entry: Entry, arguments: Arguments, of: str) -> None:
    doubles = [widened(t.detach()).requires_grad_(t.requires_grad) for t in arguments.tensors]
    side = Side(fxtorch, entry.ours, arguments.but(doubles))
    check = fxtorch.autograd.gradcheck if of == "gradient" else fxtorch.autograd.gradgradcheck
    check(side.call, tuple(side.tensors))


def jit(entry: Entry, settings: Settings) -> Iterator[Attempt]:
    """The same call as one compiled program."""

    def attempt(arguments: Arguments) -> None:
        expected = _theirs(entry, arguments)
        side = Side(fxtorch, entry.ours, arguments, grad=False)
        compiled = fxtorch.jit(side.call, fullgraph=True)
        if entry.info.name in DATA_DEPENDENT:
            try:
                settings.judge.compare(compiled(*side.tensors), expected)
            except RuntimeError as error:
                if "value" not in str(error):
                    raise
            return
        values = entry.id not in UNDEFINED and not is_random(entry, arguments)
        settings.judge.compare(compiled(*side.tensors), expected, exactly(entry.theirs, arguments), values=values)

    for arguments in entry.samples(entry.dtype, most=settings.fewer(3)):
        yield str(arguments), lambda a=arguments: attempt(a)


def vmap(entry: Entry, settings: Settings) -> Iterator[Attempt]:
    """The same call over a batch of two, whose second row holds the first one's numbers in another order."""

    def attempt(arguments: Arguments) -> None:
        if entry.info.name in DATA_DEPENDENT:
            raise NotHere("the shape depends on the values")
        side = Side(fxtorch, entry.ours, arguments, grad=False)
        if not side.tensors:
            raise NotHere("no Tensor to batch")
        first = _theirs(entry, arguments)
        turned = arguments.but(map(_turned, arguments.tensors))
        try:
            second = Side(torch, entry.theirs, turned, grad=False)()
        except RuntimeError:
            turned, second = arguments, first
        rows = arguments.but(torch.stack(pair) for pair in zip(arguments.tensors, turned.tensors, strict=True))
        values = entry.id not in UNDEFINED and not is_random(entry, arguments)
        if not all(isinstance(r, torch.Tensor) for r in flat(first)):
            raise NotHere("the result is no Tensor")
        result = flat(fxtorch.func.vmap(side.call, randomness="different")(*rows.converted(grad=False)))
        for i, (expected, given) in enumerate(((first, arguments), (second, turned))):
            settings.judge.compare([r[i] for r in result], expected, exactly(entry.theirs, given), values=values)

    for arguments in entry.samples(entry.dtype, most=settings.fewer(2)):
        yield str(arguments), lambda a=arguments: attempt(a)


def _turned(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.flatten().flip(0).reshape(tensor.shape) if tensor.is_floating_point() else tensor


def variants(entry: Entry, settings: Settings) -> Iterator[Attempt]:
    """As a method, in place, with ``out=``, as an operator, by its other names."""
    info = entry.info
    forms: list[tuple[str, Any]] = [("method", info.method_variant), ("operator", info.operator_variant)]
    in_place = [("in place", info.inplace_variant), ("in-place operator", info.inplace_operator_variant)]
    for alias in info.aliases:
        forms += [(f"alias {alias.name}", alias.op), (f"method {alias.name}", alias.method_variant)]
        in_place.append((f"in place {alias.name}", alias.inplace_variant))
    samples = entry.samples(entry.dtype, most=settings.fewer(3))
    for kind, theirs in forms + in_place:
        for arguments in samples:
            if theirs is not None and not (kind.startswith("in") and arguments.broadcasts):
                yield f"{kind}: {arguments}", lambda a=arguments, k=kind, f=theirs: _variant(entry, a, settings, k, f)
    for arguments in samples:
        if info.supports_out:
            yield f"out=: {arguments}", lambda a=arguments: _out(entry, a, settings)


def counterpart(theirs: Any) -> Any:
    """fxtorch's function for one of PyTorch's.

    Raises:
        MissingName: there is none.
    """
    if isinstance(theirs, functools.partial):
        return functools.partial(counterpart(theirs.func), *theirs.args, **theirs.keywords)
    if is_of_the_tests(theirs):
        return rebuilt(theirs, fxtorch)
    if str(getattr(theirs, "__module__", "")) in ("_operator", "operator"):
        return theirs
    name = theirs.__name__
    if getattr(torch.Tensor, name, None) is theirs:
        found = getattr(fxtorch.Tensor, name, None)
        if found is None:
            raise MissingName(f"missing name Tensor.{name}")
        return found
    for space in ("", "nn.functional."):
        if getattr(torch.nn.functional if space else torch, name, None) is theirs:
            return find(space + name)
    return find(name)


def _variant(entry: Entry, arguments: Arguments, settings: Settings, kind: str, theirs: Any) -> None:
    theirs = rebuilt(theirs, torch) if is_of_the_tests(theirs) else theirs
    reference = Side(torch, theirs, arguments, grad=False)
    try:
        expected = reference()
    except Exception as error:
        raise NotHere(str(error)) from error
    ours = find(kind.removeprefix("alias ")) if kind.startswith("alias ") else counterpart(theirs)
    side = Side(fxtorch, ours, arguments, grad=False)
    actual = side()
    values = entry.id not in UNDEFINED and not is_random(entry, arguments)
    settings.judge.compare(actual, expected, exactly(theirs, arguments), values=values)
    if kind.startswith("in") and expected is reference.tensors[0] and actual is not side.tensors[0]:
        raise Differs("the result is not the Tensor itself")


def _out(entry: Entry, arguments: Arguments, settings: Settings) -> None:
    results = []
    for library, fn in ((torch, entry.theirs), (fxtorch, entry.ours)):
        side = Side(library, fn, arguments, grad=False)
        try:
            args, kwargs = side.bound(side.tensors)
            plain = fn(*args, **kwargs)
            one = not isinstance(plain, list | tuple)
            made = tuple(library.empty(tuple(r.shape), dtype=r.dtype) for r in ([plain] if one else plain))
            result = fn(*args, out=made[0] if one else made, **kwargs)
        except Exception as error:
            if library is torch:
                raise NotHere(str(error)) from error
            raise
        if library is fxtorch and not all(r is m for r, m in zip(flat(result), made, strict=True)):
            raise Differs("the result is not out itself")
        results.append(side.process(made[0] if one else made))
    values = entry.id not in UNDEFINED and not is_random(entry, arguments)
    settings.judge.compare(results[1], results[0], exactly(entry.theirs, arguments), values=values)


def errors(entry: Entry, settings: Settings) -> Iterator[Attempt]:
    """Wrong arguments raise the class that PyTorch raises."""
    if entry.info.error_inputs_func is None:
        return

    def attempt(arguments: Arguments) -> None:
        try:
            Side(torch, entry.info.op, arguments)()
        except Exception as error:
            raised = error
        else:
            raise NotHere("PyTorch takes it on the CPU")
        side = Side(fxtorch, entry.ours, arguments)
        try:
            side()
        except MissingName:
            raise
        except Exception as error:
            if not isinstance(error, _class_of(raised)):
                raise Differs(f"{type(error).__name__} ({_line(error)}), not {type(raised).__name__}") from error
        else:
            raise Differs(f"no {type(raised).__name__}: {_line(raised)}")

    for wrong in entry.info.error_inputs("cpu"):
        arguments = Arguments(wrong.sample_input)
        if all(t.device.type == "cpu" and t.layout is torch.strided for t in arguments.tensors):
            yield str(arguments), lambda a=arguments: attempt(a)


def _class_of(error: Exception) -> type:
    name = type(error).__name__
    return getattr(fxtorch.linalg, name) if name == "LinAlgError" else type(error)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:160]


CHECKS: dict[str, Callable[[Entry, Settings], Iterator[Attempt]]] = {
    "forward": forward,
    "gradient": gradient,
    "second": second,
    "dtypes": types,
    "jit": jit,
    "vmap": vmap,
    "variants": variants,
    "errors": errors,
}
