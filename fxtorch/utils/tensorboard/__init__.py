"""torch.utils.tensorboard: event files for TensorBoard, written by tensorboardX; needs ``fxtorch[experiments]``."""

from __future__ import annotations

from typing import Any

import numpy as np

from fxtorch.tensor import Tensor

__all__ = ["SummaryWriter"]


def _plain(value: Any) -> Any:
    """Tensors as NumPy arrays, in containers too."""
    if isinstance(value, Tensor):
        return np.asarray(value.detach().numpy())
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return type(value)(_plain(v) for v in value) if type(value) in (list, tuple) else value


class SummaryWriter:
    """Writes what TensorBoard shows: scalars, images, histograms, text, embeddings ...

    Every method is tensorboardX's, with Tensors taken as arrays.

    Args:
        log_dir: the folder; by default ``runs/`` with the time and the machine's name.
        args, kwargs: further arguments of ``tensorboardX.SummaryWriter``.

    Raises:
        ImportError: tensorboardX is not installed.
    """

    def __init__(self, log_dir: str | None = None, *args: Any, **kwargs: Any) -> None:
        try:
            import tensorboardX
        except ImportError:
            raise ImportError('writing event files needs an extra: pip install "fxtorch[experiments]"') from None
        self._writer = tensorboardX.SummaryWriter(log_dir, *args, **kwargs)
        self.log_dir = self._writer.logdir

    def get_logdir(self) -> str:
        """The folder."""
        return str(self.log_dir)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """The model's layers, as text: there is no graph of TorchScript to draw."""
        self._writer.add_text("model", f"    {str(model).replace(chr(10), chr(10) + '    ')}")

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._writer, name)
        if not callable(method):
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            return method(*_plain(args), **_plain(kwargs))

        return call

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self._writer.close()
