"""Complex numbers: their parts, conjugates and angles."""

from __future__ import annotations

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import cast, complex_of, default_float, is_complex, is_float, is_inexact, real_of
from fxtorch.ops.table import Array, Out, Strict, View, op


def _check_complex(name: str, input: Array) -> None:
    if not is_complex(input.dtype):
        raise RuntimeError(f"{name} is only supported for complex tensors")


def _write_real(base: Array, value: Array) -> Array:
    return lax.complex(value, lax.imag(base)) if is_complex(base.dtype) else value


def _write_imag(base: Array, value: Array) -> Array:
    return lax.complex(lax.real(base), value)


@op(view=View(write=_write_real, strides=lambda base: base.real))
def real(input: Array) -> Array:
    """The real part."""
    return lax.real(input) if is_complex(input.dtype) else input


@op(view=View(write=_write_imag, strides=lambda base: base.imag))
def imag(input: Array) -> Array:
    """The imaginary part.

    Raises:
        RuntimeError: the input is real.
    """
    if not is_complex(input.dtype):
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return lax.imag(input)


def _join_parts(parts: Array) -> Array:
    return lax.complex(parts[..., 0], parts[..., 1])


def _parts(input: Array) -> Array:
    return jnp.stack([lax.real(input), lax.imag(input)], axis=-1)


@op(
    view=View(
        write=lambda base, value: _join_parts(value),
        strides=lambda base: base[..., None].view(real_of(base.dtype)),
    )
)
def view_as_real(input: Array) -> Array:
    """Real and imaginary part side by side in a new last dimension.

    Raises:
        RuntimeError: the input is real.
    """
    _check_complex("view_as_real", input)
    return _parts(input)


def _np_complex(base: np.ndarray) -> np.ndarray | None:
    try:
        return base.view(complex_of(base.dtype))[..., 0]
    except ValueError:  # the parts are not neighbours
        return None


@op(view=View(write=lambda base, value: _parts(value), strides=_np_complex))
def view_as_complex(input: Array) -> Array:
    """The last dimension, of size 2, as real and imaginary part.

    Raises:
        RuntimeError: the input is not real floating, or the last size is not 2.
    """
    if not is_float(input.dtype):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, "
            f"but got a tensor of scalar type: {input.dtype}"
        )
    if input.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    return _join_parts(input)


@op(method=True)
def conj(input: Array) -> Array:
    """The complex conjugate."""
    return lax.conj(input) if is_complex(input.dtype) else input


@op(method=True, inplace=True, out=True)
def conj_physical(input: Array) -> Array:
    """The complex conjugate."""
    return lax.conj(input) if is_complex(input.dtype) else input


@op(method=True)
def resolve_conj(input: Array) -> Array:
    """``input`` itself: a conjugate is never lazy here."""
    return input


@op(method=True)
def resolve_neg(input: Array) -> Array:
    """``input`` itself: a negation is never lazy here."""
    return input


@op(method=True, out=True)
def angle(input: Array) -> Array:
    """The angle of a complex number, in (-pi, pi]; 0 or pi for a real one."""
    if is_complex(input.dtype):
        zero = input == 0
        safe = jnp.where(zero, 1, input)
        return jnp.where(zero, jnp.angle(lax.stop_gradient(input)), lax.atan2(lax.imag(safe), lax.real(safe)))
    x = input if is_inexact(input.dtype) else cast(input, default_float())
    return jnp.where(x != x, cast(np.nan, x.dtype), jnp.where(x < 0, cast(np.pi, x.dtype), cast(0, x.dtype)))


@op(out=Out(typed=True))
def complex(real: Strict, imag: Strict) -> Array:
    """``real + i * imag``.

    Raises:
        RuntimeError: the parts are not floating, or their types differ.
    """
    if not is_float(real.dtype) or not is_float(imag.dtype):
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {real.dtype} and {imag.dtype}"
        )
    if real.dtype != imag.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {real.dtype} but got scalar type {imag.dtype} for second argument"
        )
    return lax.complex(*jnp.broadcast_arrays(real, imag))


@op(out=True)
def polar(abs: Strict, angle: Strict) -> Array:
    """``abs * (cos(angle) + i * sin(angle))``."""
    return complex(abs * lax.cos(angle), abs * lax.sin(angle))
