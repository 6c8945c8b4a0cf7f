"""The checks of optimizer options, in torch's words."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor import Tensor


def check_lr(lr: Any) -> None:
    """Raise unless ``lr`` is at least 0 and, if a Tensor, has one element.

    Raises:
        ValueError: it is negative, or has several elements.
    """
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_tensors(lr: Any, betas: tuple[Any, Any], *, foreach: bool | None, capturable: bool) -> None:
    """Raise where Adam's options are Tensors and torch would not take them so.

    Raises:
        ValueError: one beta alone is a Tensor or has several elements; or with ``foreach`` but not ``capturable``, an
            option is a Tensor at all.
    """
    tensors = [isinstance(b, Tensor) for b in betas]
    if any(tensors) and not all(tensors):
        raise ValueError("betas must be either both floats or both Tensors")
    given = {"lr": lr, "betas[0]": betas[0], "betas[1]": betas[1]}
    for name, value in given.items():
        if not isinstance(value, Tensor):
            continue
        if foreach and not capturable:
            what = "lr as a Tensor" if name == "lr" else f"{name} as a Tensor"
            raise ValueError(f"{what} is not supported for capturable=False and foreach=True")
        if value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")


def check_not_negative(**options: Any) -> None:
    """Raise for the first of ``options`` that is negative.

    Raises:
        ValueError: naming it; ``eps`` is called epsilon.
    """
    for name, value in options.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {'epsilon' if name == 'eps' else name} value: {value}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """Raise unless both decay rates lie in ``[0, 1)``.

    Raises:
        ValueError: naming the one that does not.
    """
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
