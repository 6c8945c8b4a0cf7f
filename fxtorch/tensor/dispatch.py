"""From the table of operators to what users call: ``torch.f``, ``Tensor.f``, ``Tensor.f_`` and ``out=``.

One function is generated for each row, as source text, so that it has torch's signature and costs no argument parsing
of its own.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any

import jax
from jax.core import Tracer

from fxtorch.ops.table import TABLE, Op, Out, Param
from fxtorch.tensor import device as devices
from fxtorch.tensor import generator, meta, views
from fxtorch.tensor.dtype import dtype
from fxtorch.tensor.modes import modes
from fxtorch.tensor.nodes import OpNode
from fxtorch.tensor.older import in_older_form
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.outputs import into, into_fitting
from fxtorch.tensor.overlap import check_written
from fxtorch.tensor.quick import quick
from fxtorch.tensor.structure import structure
from fxtorch.tensor.tensor import Tensor
from fxtorch.tensor.traced import TracedNode

_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}
_FACTORY = ("layout", "device", "pin_memory", "requires_grad", "memory_format")

_operators: dict[str, Operator] = {}
_functions: dict[str, Callable[..., Any]] = {}


def operator(name: str) -> Operator:
    """The operator of that name in the table."""
    return _operators[name]


def _without_examples(doc: str | None) -> str | None:
    """A docstring of a pure function for its public form: the examples are of arrays, and run where they stand."""
    return None if doc is None else re.sub(r"(?m)^[ \t]*>>> .*\n(?:[ \t]*\S.*\n)*", "", doc + "\n").rstrip()


def namespace(space: str) -> dict[str, Callable[..., Any]]:
    """The public functions of ``torch`` or of one of its modules (``"nn.functional"``, ``"linalg"``), by name."""
    prefix = f"{space}."
    return {
        name[len(prefix) :]: fn
        for name, fn in _functions.items()
        if name.startswith(prefix) and "." not in name[len(prefix) :]
    }


def replace(name: str, fn: Callable[..., Any]) -> None:
    """Give out ``fn``, which may call what was there, under the qualified name of an operator's function."""
    _functions[name] = fn


def no_such_name(module: str, name: str) -> AttributeError:
    """The error for a name that a module of torch's may have and fxtorch has not, with names that are near."""
    prefix = f"{module}.".replace("fxtorch.", "") if module != "fxtorch" else "torch."
    near = difflib.get_close_matches(name, [n.removeprefix(prefix) for n in _functions if n.startswith(prefix)])
    hint = f"; near names: {', '.join(near)}" if near and not name.startswith("_") else ""
    return AttributeError(f"module '{module}' has no attribute '{name}'{hint}")


def in_place(op: Operator, position: int, args: Sequence[Any]) -> Tensor:
    """Run ``op`` and make its result the new value of its argument at ``position``."""
    target = args[position]
    if modes.grad:
        check_writable(target)
    if target._cell is not None:
        check_written(op, position, args)
    result = op(*args)
    node = result._node
    if modes.forward is not None:
        modes.forward.give(target, result.__dict__.get("_tangent"))
    target._rebind(result._data, node, result._index)
    if isinstance(node, OpNode | TracedNode):
        node.wrote(target, result)
    return target


def become(op: Operator, position: int, args: Sequence[Any]) -> Tensor:
    """Make the argument at ``position`` the view that ``op`` gives of it: ``unsqueeze_``, ``t_``."""
    target = args[position]
    if modes.grad:
        check_writable(target)
    before = views.twin(target)
    view = op(*(before if a is target else a for a in args))
    if view._cell is not None:
        view._cell[1] += 1
    target.__dict__.update(view.__dict__)
    structure.changed()
    return target


def check_writable(target: Tensor) -> None:
    """Raise torch's error for an in-place change that the graph could not see."""
    if target.requires_grad and target._node is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    base = target._base
    if base is not None and base._rg and base._node is None:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")


def place(result: Any, name: str, layout: Any, device: Any, requires_grad: bool) -> Any:
    """A factory's result, on the device and with the flag that the caller wants.

    Raises:
        ValueError: a sparse layout is asked for, and the values are not all zeros.
    """
    if layout is not None and str(layout) != "torch.strided":
        if name not in ("zeros", "empty"):
            raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
        return result.to_sparse(layout=layout).requires_grad_(requires_grad)
    if devices.is_meta(device):
        return meta.moved(result).requires_grad_(requires_grad)
    target = devices.default_jax_device() if device is None else devices.to_jax(device)
    if target is not None and not isinstance(result._data, Tracer):
        result._data = jax.device_put(result._data, target)
    if requires_grad:
        result.requires_grad = True
    return result


def factory(operator: Operator, args: tuple[Any, ...], name: str, layout: Any, device: Any, requires_grad: bool) -> Any:
    """A new Tensor from a factory's operator; nothing is computed for one on the ``meta`` device."""
    if devices.is_meta(device) or (device is None and any(isinstance(a, Tensor) and meta.is_meta(a) for a in args)):
        return meta.run(operator, args).requires_grad_(requires_grad)
    return place(operator(*map(meta.filled, args)), name, layout, device, requires_grad)


def spread(name: str, values: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Sizes given one by one, as one sequence, or by name; ``view`` takes a type in their place, also by name."""
    if not values and name in keywords:
        return keywords.pop(name)
    if not values and isinstance(keywords.get("dtype"), dtype):
        return keywords.pop("dtype")
    if len(values) == 1 and (isinstance(values[0], list | tuple) or values[0] is None):
        return values[0]
    return values


def again(fn: Callable[..., Any], given: dict[str, Any], extra: dict[str, Any], variadic: str | None) -> Any:
    """Call ``fn`` once more with NumPy's names for arguments translated."""
    named = {}
    for key, value in extra.items():
        if _NUMPY_NAMES.get(key) not in given:
            raise TypeError(f"{fn.__name__}() got an unexpected keyword argument '{key}'")
        named[_NUMPY_NAMES[key]] = value
    given = {k: v for k, v in given.items() if k not in named and v is not _REQUIRED}
    rest = given.pop(variadic, ()) if variadic else ()
    return fn(**given, **named, **({variadic: rest} if variadic and rest else {}))


class _Required:
    def __repr__(self) -> str:
        return "<required>"


_REQUIRED = _Required()


def missing(fn: Callable[..., Any], *names: str) -> TypeError:
    """torch's error for arguments that were not given."""
    return TypeError(
        f"{fn.__name__}() missing {len(names)} required positional arguments: " + ", ".join(f'"{n}"' for n in names)
    )


def _call(public: Sequence[Param], args: str, short: Callable[..., Any] | None) -> list[str]:
    """The lines that call the operator, the short way where nothing but Tensors is given."""
    if short is None:
        return [f"    return _operator({args})"]
    given = ", ".join(p.name for p in public if p.default is Parameter.empty)
    others = [f"{p.name} is _default_{p.name}" for p in public if p.default is not Parameter.empty]
    if not others:
        return [f"    return _quick({given})"]
    return [f"    if {' and '.join(others)}: return _quick({given})", f"    return _operator({args})"]


def _source(op: Op, name: str, short: Callable[..., Any] | None, *, inplace: bool) -> tuple[str, dict[str, Any]]:
    """The text of the public function, and the defaults it refers to."""
    scope: dict[str, Any] = {}
    public = [p for p in op.params if p.kind != "key"]
    plain = [p for p in public if not p.keyword_only and p.name != op.variadic]
    keyword = [p for p in public if p.keyword_only]
    renames = {"dim", "keepdim"} & {p.name for p in public}
    late = op.variadic is not None and any(p.default is not Parameter.empty for p in plain)

    def declared(p: Any) -> str:
        if p.default is Parameter.empty:
            return p.name
        scope[f"_default_{p.name}"] = p.default
        return f"{p.name}=_default_{p.name}"

    signature = [declared(p) for p in plain if not (late and p.default is not Parameter.empty)]
    extra = [f"_older_{name}" for name in op.older]
    signature += [f"{name}=None" for name in extra]
    if _takes_inplace(op) and not inplace:
        signature.append("inplace=False")
    if op.variadic is not None:
        signature.append(f"*{op.variadic}")
        keyword = [p for p in plain if late and p.default is not Parameter.empty] + keyword
    elif keyword or (op.out and not inplace) or op.factory or _has_key(op):
        signature.append("*")
    signature += [declared(p) for p in keyword]
    if _has_key(op):
        signature.append("generator=None")
    if op.out and not inplace:
        signature.append("out=None")
    if op.factory and not inplace:
        signature += [f"{n}=None" if n not in ("pin_memory", "requires_grad") else f"{n}=False" for n in _FACTORY]
    if renames or op.variadic:
        signature.append("**extra")
    lines = [f"def {name}({', '.join(signature)}):"]
    if extra:
        given = ", ".join([*(p.name for p in plain), *extra])
        out = "" if inplace or not op.out else ", **({} if out is None else {'out': out})"
        lines.append(f"    if {extra[0]} is not None: return _in_older_form({name}, {op.older}, ({given}){out})")
    if op.variadic is not None:
        if next(p.kind for p in op.params if p.name == op.variadic) == "static":
            lines.append(f"    if not {op.variadic} and not extra: raise _missing({name}, {op.variadic!r})")
        lines.append(f"    {op.variadic} = _spread('{op.variadic}', {op.variadic}, extra)")
    if renames or op.variadic:
        given = ", ".join(f"{p.name!r}: {p.name}" for p in public)
        lines.append(f"    if extra: return _again({name}, {{{given}}}, extra, {op.variadic!r})")
    if _takes_inplace(op) and not inplace:
        lines.append(f"    if inplace: return {name}_({', '.join(p.name for p in plain)})")
    args = ", ".join(_key_argument(op) if p.kind == "key" else p.name for p in op.params)
    if inplace:
        position = next(i for i, p in enumerate(op.params) if p.kind in ("array", "either"))
        lines.append(f"    return _in_place(_operator, {position}, ({args},))")
    elif op.factory:
        if op.out and any(p.name == "dtype" for p in op.params):
            lines.append("    if out is not None and dtype is None: dtype = out.dtype")
        lines.append(f"    result = _factory(_operator, ({args},), {name!r}, layout, device, requires_grad)")
        lines.append("    return result if out is None else _into(out, result)" if op.out else "    return result")
    elif op.out:
        store = f"_into_fitting(out, _operator({args}), _wanted, ({args},))" if isinstance(op.out, Out) else ""
        lines.append(f"    if out is not None: return {store or f'_into(out, _operator({args}))'}")
        lines += _call(public, args, short)
    else:
        lines += _call(public, args, short)
    return "\n".join(lines), scope


def _has_key(op: Op) -> bool:
    return any(p.kind == "key" for p in op.params)


def _key_argument(op: Op) -> str:
    """A key is drawn only where it will be used: not by dropout in evaluation mode."""
    draw = "_generator.key_source(generator)"
    return f"{draw} if training else None" if any(p.name == "training" for p in op.params) else draw


def _takes_inplace(op: Op) -> bool:
    return op.inplace and any(n.startswith("nn.functional.") for n in op.names)


def _generate(op: Op) -> None:
    short = op.name.rpartition(".")[2].rstrip("_")
    forms = [(short, Operator(op), False)]
    if op.inplace:
        forms.insert(0, (f"{short}_", Operator(op, inplace=op.view is None), True))
    made: dict[str, Any] = {}
    for name, runner, inplace in forms:
        if op.view is not None:
            runner.link = views.link
        short_way = None if inplace or op.factory or op.variadic else quick(runner)
        text, scope = _source(op, name, short_way, inplace=inplace)
        scope.update(made)
        scope.update(
            _operator=runner, _in_place=in_place if op.view is None else become, _into=into, _factory=factory,
            _into_fitting=into_fitting, _wanted=op.out, _quick=short_way,
            _spread=spread, _again=again, _missing=missing, _generator=generator, _in_older_form=in_older_form,
        )  # fmt: skip
        exec(compile(text, f"<fxtorch {op.name}>", "exec"), scope)
        fn = made[name] = runner.public = scope[name]
        # Where pickle finds it again.
        home = next((q.rpartition(".")[0] for q in op.names if not q.startswith("Tensor.")), "torch")
        fn.__module__ = "fxtorch" if home == "torch" else f"fxtorch.{home}"
        if op.older:  # the older form's place is nobody's to name
            whole = inspect.signature(fn)
            known = [p for p in whole.parameters.values() if not p.name.startswith("_older_")]
            fn.__signature__ = whole.replace(parameters=known)
        fn.__doc__ = f"In-place form of :func:`{short}`." if inplace else _without_examples(op.fn.__doc__)
        suffix = "_" if inplace else ""
        for qualified in op.names:
            _functions[qualified + suffix] = fn
            if qualified.startswith("Tensor."):
                setattr(Tensor, qualified.removeprefix("Tensor.") + suffix, fn)
            elif inplace and not op.method:
                setattr(Tensor, qualified.rpartition(".")[2] + suffix, fn)
        if inplace and not op.names:
            setattr(Tensor, name, fn)
    _operators[op.name] = forms[-1][1]


for _op in list(TABLE.values()):
    _generate(_op)
