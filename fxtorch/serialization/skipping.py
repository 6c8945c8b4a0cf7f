"""Files without the numbers of their Tensors: a place for each, to be filled or read later."""

from __future__ import annotations


class skip_data:
    """A ``with`` block in which ``save`` leaves room for the numbers of Tensors, and ``load`` does not read them.

    What a file without numbers holds is zeros; what is loaded in the block has its shapes and types, and zeros.

    Args:
        materialize_fake_tensors: accepted; Tensors without memory are those of the device ``"meta"``.

    Example:
        >>> import io
        >>> import fxtorch as torch
        >>> file = io.BytesIO()
        >>> torch.save(torch.ones(3), file)
        >>> with torch.serialization.skip_data():
        ...     torch.load(io.BytesIO(file.getvalue()))
        tensor([0., 0., 0.])
    """

    active = False  # whether such a block is open

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> None:
        self._before = skip_data.active
        skip_data.active = True

    def __exit__(self, *exc: object) -> None:
        skip_data.active = self._before
