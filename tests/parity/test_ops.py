"""Every case of every family against PyTorch: value, shape, type, gradient, forms, errors."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np
import pytest

import fxtorch
from fxtorch.ops.table import TABLE, Op
from tests.cases import Case, Error, all_cases, all_errors
from tests.cases.run import Call, assert_close, flat, function, to_numpy
from tests.parity.torchvision_reference import HAS_KERNELS

torch = pytest.importorskip("torch", reason="compares with PyTorch")


def comparable(case: Case) -> bool:
    """Whether the reference is installed: torchvision's operators need its compiled library."""
    return HAS_KERNELS or not case.name.startswith("ops.torchvision.")


CASES = [case for case in all_cases() if comparable(case)]
ID = operator.attrgetter("id")
OPS: dict[str, Op] = {name.removeprefix("torch."): op for op in TABLE.values() for name in op.names}
FIRST = list({c.name: c for c in reversed(CASES)}.values())[::-1]


def compare(actual: list[Any], expected: list[Any], *, dtype: str | None = None) -> None:
    """Values, shapes and types of all results."""
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        if not isinstance(e, torch.Tensor):
            assert type(a) is type(e)
            assert a == e
            continue
        assert str(a.dtype) == str(e.dtype)
        assert tuple(a.shape) == tuple(e.shape)
        assert_close(to_numpy(a), to_numpy(e), dtype=dtype or str(e.dtype).removeprefix("torch."))


def compare_gradients(case: Case) -> None:
    """Gradients of all Tensors, in double precision; one that is not reached counts as 0."""
    actual = Call(case, fxtorch, double=True).gradients()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = Call(case, torch, double=True).gradients()
    for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
        if a is None and e is None:
            continue
        shown = f"gradient of Tensor {i}"
        a = np.zeros_like(e) if a is None else a
        assert_close(a, np.zeros_like(a) if e is None else e, shown)


@pytest.mark.parametrize("case", CASES, ids=ID)
def test_values_and_gradients_are_pytorchs(case: Case) -> None:
    expected, actual = Call(case, torch), Call(case, fxtorch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = expected(*expected.tensors)
    compare(actual(*actual.tensors), wanted)
    if case.grad:
        compare_gradients(case)


def attempt(call: Call) -> list[Any] | None:
    """The results, or None where the library refuses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call(*call.tensors)
    except (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError):
        return None


@pytest.mark.parametrize("kind", ["int64", "bool"])
@pytest.mark.parametrize("case", [c for c in FIRST if c.types], ids=ID)
def test_integers_and_booleans_give_pytorchs_type(case: Case, kind: str) -> None:
    expected = attempt(Call(case, torch, cast=kind))
    if expected is None:
        pytest.skip("PyTorch has no such kernel")
    actual = Call(case, fxtorch, cast=kind)
    compare(actual(*actual.tensors), expected)


def forms(case: Case) -> list[str]:
    """The further ways in which the table says the operator can be called."""
    op = OPS.get(case.name)
    space, _, short = case.name.rpartition(".")
    if op is None or op.view is not None or op.dynamic or space in ("Tensor", "nn.functional"):
        return []
    method = op.method and f"Tensor.{short}" in op.names
    return ["method"] * method + ["inplace"] * (method and op.inplace) + ["out"] * bool(op.out)


FORMS = [(c, f) for c in FIRST for f in forms(c)]


def in_form(library: Any, case: Case, form: str) -> Call:
    fn = function(library, case.name)
    short = case.name.rpartition(".")[2]
    places = [i for i, p in enumerate(OPS[case.name].params) if p.kind in ("array", "either")]

    def method(*args: Any, **kwargs: Any) -> Any:
        at = places[0]
        rest = [a for i, a in enumerate(args) if i != at]
        return getattr(args[at], short + ("_" if form == "inplace" else ""))(*rest, **kwargs)

    def out(*args: Any, **kwargs: Any) -> Any:
        like = fn(*args, **kwargs)
        if isinstance(like, tuple):
            target = tuple(library.empty(0, dtype=r.dtype) for r in like)
        else:
            target = library.empty(0, dtype=like.dtype)
        result = fn(*args, out=target, **kwargs)
        assert all(r is t for r, t in zip(flat(result), flat(target), strict=True))
        return target

    return Call(case, library, fn=out if form == "out" else method)


@pytest.mark.parametrize(
    ("case", "form"), [(c, f) for c in FIRST for f in forms(c)], ids=lambda x: x if isinstance(x, str) else x.id
)
def test_methods_in_place_and_out_do_as_in_pytorch(case: Case, form: str) -> None:
    reference = in_form(torch, case, form)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = reference(*reference.tensors)
        except RuntimeError:
            actual = in_form(fxtorch, case, form)
            with pytest.raises(RuntimeError):
                actual(*actual.tensors)
            return
        except TypeError:
            assert form == "out", "the table offers a form that PyTorch does not have"
            pytest.skip("PyTorch takes out= with other arguments only")
    actual = in_form(fxtorch, case, form)
    compare(actual(*actual.tensors), expected)


@pytest.mark.parametrize("error", [e for e in all_errors() if comparable(e)], ids=ID)
def test_errors_are_pytorchs(error: Error) -> None:
    reference, actual = Call(error, torch), Call(error, fxtorch)
    with pytest.raises(Exception) as raised:
        reference(*reference.tensors)
    singular = issubclass(raised.type, torch.linalg.LinAlgError)
    kind = fxtorch.linalg.LinAlgError if singular else raised.type
    with pytest.raises(kind, match=error.match or None):
        actual(*actual.tensors)


def offered(op: Op) -> list[str]:
    """Public names of the table that PyTorch does not have."""
    missing = []
    for name in op.names:
        if name.rpartition(".")[2].startswith("_") or (name.startswith("ops.") and not HAS_KERNELS):
            continue
        found: Any = torch
        for part in name.removeprefix("torch.").split("."):
            found = getattr(found, part, None)
        if found is None and not (op.inplace and hasattr(torch.Tensor, f"{op.name.removeprefix('Tensor.')}_")):
            missing.append(name)
    return missing


def test_every_name_is_one_of_pytorchs() -> None:
    assert [name for op in TABLE.values() for name in offered(op)] == []
