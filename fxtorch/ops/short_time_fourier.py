"""The Fourier transform of short stretches of a signal, and back."""

from __future__ import annotations

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.bounds import CHECKS, Arguments, on_host
from fxtorch.ops.complex import view_as_real
from fxtorch.ops.dtypes import cast, complex_of, is_complex, is_inexact, real_of
from fxtorch.ops.fft import fft, ifft, irfft, rfft
from fxtorch.ops.rearrange import pad
from fxtorch.ops.table import Array, op

LEAST_OVERLAP = 1e-11


def _framed(window: Array | None, win_length: int, n_fft: int, like: Array, call: str) -> Array:
    """The window, by default of ones, in the middle of ``n_fft`` points."""
    if window is None:
        window = jnp.ones((win_length,), dtype=real_of(like.dtype))
    if window.shape != (win_length,):
        raise RuntimeError(
            f"{call}: expected a 1D window tensor of size equal to win_length={win_length}, "
            f"but got window with size {list(window.shape)}"
        )
    left = (n_fft - win_length) // 2
    return jnp.pad(window, (left, n_fft - win_length - left))


def _check(call: str, hop: int, win_length: int, n_fft: int) -> None:
    if hop <= 0:
        raise RuntimeError(f"{call}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{call}: expected 0 < win_length <= n_fft, but got win_length={win_length}")


@op(method=True)
def stft(
    input: Array,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Array | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Array:
    """``X[f, t] = sum_k window[k] input[t * hop_length + k] exp(-2 pi i f k / n_fft)``.

    Args:
        input: (T,) or (B, T).
        n_fft: how many points a transform has.
        hop_length: the distance of the frames; by default ``n_fft // 4``.
        win_length: the length of the window; by default ``n_fft``.
        window: (win_length,); by default ones.
        center: whether frame t is centred at ``t * hop_length``, the signal being padded at both ends.
        pad_mode: how.
        normalized: whether to divide by ``sqrt(n_fft)``.
        onesided: give frequencies 0 to ``n_fft // 2`` only; the default where input and window are real.
        return_complex: give complex numbers, not pairs of real ones in a last dimension.
        align_to_window: with ``center=False``, count frames by the window, not by the points around it.

    Returns:
        (N, frames) or (B, N, frames), with N frequencies.

    Raises:
        RuntimeError: the arguments do not fit, or ``return_complex`` is not given for a real input.
    """
    call = f"stft(n_fft={n_fft}, hop_length={hop_length}, win_length={win_length})"
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    of_complex = is_complex(input.dtype) or (window is not None and is_complex(window.dtype))
    if return_complex is None:
        if not of_complex:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will further require that "
                "return_complex=True in a future PyTorch release."
            )
        return_complex = True
    if not is_inexact(input.dtype):
        raise RuntimeError(f"{call}: expected a tensor of floating point or complex values")
    if input.ndim not in (1, 2):
        raise RuntimeError(f"{call}: expected a 1D or 2D tensor")
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    x = jnp.atleast_2d(input)
    if center:
        x = pad(x[:, None], (n_fft // 2, n_fft // 2), pad_mode)[:, 0]
    if not 0 < n_fft <= x.shape[-1]:
        raise RuntimeError(f"{call}: expected 0 < n_fft <= {x.shape[-1]}, but got n_fft={n_fft}")
    _check(call, hop, length, n_fft)
    weights = _framed(window, length, n_fft, x, call)
    frames = 1 + (x.shape[-1] - (length if align_to_window else n_fft)) // hop
    if align_to_window:  # the windows lie in the signal, what surrounds them may not
        left = (n_fft - length) // 2
        x = jnp.pad(x, ((0, 0), (left, n_fft - length - left)))
    places = np.arange(frames)[:, None] * hop + np.arange(n_fft)
    pieces = x[:, places] * weights
    if onesided and of_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    one = not of_complex if onesided is None else onesided
    found = (rfft if one else fft)(pieces, norm="ortho" if normalized else None)
    found = jnp.swapaxes(found, -2, -1)
    found = found[0] if input.ndim == 1 else found
    return found if return_complex else view_as_real(found)


@op(method=True)
def istft(
    input: Array,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Array | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Array:
    """The signal whose :func:`stft` is nearest to ``input``: overlapping frames, weighted by the window.

    Source: D. Griffin and J. Lim, Signal estimation from modified short-time Fourier transform, 1984.

    Args:
        input: (N, frames) or (B, N, frames), complex.
        n_fft: see :func:`stft`, like the others that are not named here.
        hop_length: the distance of the frames.
        win_length: the length of the window.
        window: (win_length,).
        center: whether the frames were centred.
        normalized: whether they were normalized.
        onesided: whether N counts the frequencies up to ``n_fft // 2`` only; by default as N tells.
        length: how many samples to give; by default up to the end of the last frame.
        return_complex: whether the signal is complex.

    Raises:
        RuntimeError: the arguments do not fit.
    """
    call = f"istft(n_fft={n_fft}, hop_length={hop_length}, win_length={win_length})"
    if not is_complex(input.dtype):
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    hop = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    if input.size == 0:
        raise RuntimeError(f"{call}: input tensor cannot be empty.")
    if input.ndim not in (2, 3):
        raise RuntimeError(f"{call}: expected a tensor with 3 or 4 dimensions, but got {input.ndim + 1}")
    x = input if input.ndim == 3 else input[None]
    one = x.shape[-2] != n_fft if onesided is None else onesided
    if x.shape[-2] != (n_fft // 2 + 1 if one else n_fft):
        raise RuntimeError(
            f"{call}: expected the frequency dimension (3rd to the last) of the input tensor to match "
            f"{'n_fft / 2 + 1' if one else 'n_fft'} when onesided={one}, but got {x.shape[-2]}"
        )
    if one and return_complex:
        raise RuntimeError("Cannot have onesided input with return_complex=True")
    _check(call, hop, win_length, n_fft)
    weights = _framed(window, win_length, n_fft, x, call)
    norm = "ortho" if normalized else None
    pieces = jnp.swapaxes(x, -2, -1)
    if return_complex:
        pieces = ifft(pieces, n_fft, norm=norm)
    else:
        pieces = irfft(pieces if one else pieces[..., : n_fft // 2 + 1], n_fft, norm=norm)
    pieces = pieces * cast(weights, complex_of(weights.dtype) if return_complex else weights.dtype)
    frames = x.shape[-1]
    places = np.arange(frames)[:, None] * hop + np.arange(n_fft)
    total = n_fft + hop * (frames - 1)
    signal = jnp.zeros((x.shape[0], total), dtype=pieces.dtype).at[:, places].add(pieces)
    square = jnp.broadcast_to(weights * weights, places.shape)
    envelope = jnp.zeros((total,), dtype=square.dtype).at[places].add(square)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - start if center else total
    stop = min(end, total)
    signal = lax.slice_in_dim(signal, start, stop, axis=1) / envelope[start:stop]
    if length is not None:
        signal = jnp.pad(signal, ((0, 0), (0, max(end - total, 0))))
    return signal if input.ndim == 3 else signal[0]


def _check_overlap(a: Arguments) -> None:
    """Raise where a sample gets no weight from any frame, so that nothing is known of it."""
    window = None if a["window"] is None else on_host(a["window"])
    if window is None or not is_complex(a["input"].dtype):
        return
    n_fft, frames = a["n_fft"], a["input"].shape[-1]
    hop = n_fft // 4 if a["hop_length"] is None else a["hop_length"]
    if window.ndim != 1 or window.size > n_fft or hop <= 0:
        return  # the operator itself says what is wrong
    places = np.arange(frames)[:, None] * hop + np.arange(n_fft)
    left = (n_fft - window.size) // 2
    square = np.abs(np.pad(window, (left, n_fft - window.size - left))) ** 2
    envelope = np.bincount(places.ravel(), np.tile(square, frames))
    start = n_fft // 2 if a["center"] else 0
    end = envelope.size - start if a["length"] is None else start + a["length"]
    least = envelope[start:end].min(initial=np.inf)
    if least < LEAST_OVERLAP:
        raise RuntimeError(f"istft(n_fft={n_fft}, hop_length={hop}): window overlap add min: {least}")


CHECKS["istft"] = _check_overlap
