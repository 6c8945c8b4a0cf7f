"""Recurrent layers and cells."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any, ClassVar

from fxtorch.nn import init
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter
from fxtorch.nn.utils.rnn import PackedSequence, lengths_of, pack_sorted, pad_sorted
from fxtorch.tensor import Tensor, modes

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_OPERATORS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn_tanh", "RNN_RELU": "rnn_relu"}


class RNNBase(Module):
    """What the recurrent layers share: parameters, their names and checks, packed sequences.

    Layer k has ``weight_ih_lk``, ``weight_hh_lk``, ``bias_ih_lk``, ``bias_hh_lk``, with a projection ``weight_hr_lk``
    too, and each once more with ``_reverse`` for the backward direction.  All start from U(-k, k),
    k = 1 / sqrt(hidden_size).

    Args:
        mode: ``"LSTM"``, ``"GRU"``, ``"RNN_TANH"`` or ``"RNN_RELU"``.
        input_size: the size of an input.
        hidden_size: the size of a state.
        num_layers: how many layers are stacked.
        bias: whether there are biases.
        batch_first: whether inputs are (N, L, ...) instead of (L, N, ...).
        dropout: the probability of Dropout between layers.
        bidirectional: whether each layer runs both ways.
        proj_size: the size that the state is projected to, 0 for none (LSTM only).
        device: where the parameters live.
        dtype: their type.

    Raises:
        TypeError: a size is no int.
        ValueError: a size or probability is out of range.
    """

    _also_written: ClassVar[tuple[str, ...]] = ("_flat_weights",)

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_sizes(input_size, hidden_size, num_layers, proj_size)
        if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        for name, flag in (("bias", bias), ("batch_first", batch_first), ("bidirectional", bidirectional)):
            if not isinstance(flag, bool):
                raise TypeError(f"{name} should be of type bool, got: {type(flag).__name__}")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=3,
            )
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._flat_weights_names: list[str] = []
        self._all_weights: list[list[str]] = []
        gates, state = _GATES[mode] * hidden_size, proj_size or hidden_size
        for layer, suffix in itertools.product(range(num_layers), ("", "_reverse")[: self._directions]):
            inputs = input_size if layer == 0 else state * self._directions
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, inputs), "weight_hh": (gates, state)}
            if bias:
                shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            names = [f"{kind}_l{layer}{suffix}" for kind in shapes]
            for name, shape in zip(names, shapes.values(), strict=True):
                setattr(self, name, Parameter(torch.empty(shape, device=device, dtype=dtype)))
            self._flat_weights_names += names
            self._all_weights.append(names)
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing: where parameters lie in memory is XLA's business."""

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:  # noqa: D102
        settings = [
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0.0),
            ("bidirectional", False),
        ]
        changed = [f"{name}={getattr(self, name)}" for name, default in settings if getattr(self, name) != default]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *changed])

    # --- the forward of all three ---------------------------------------------------------------------------------

    def _run(self, input: Any, hx: tuple[Tensor, ...] | None) -> tuple[Any, tuple[Tensor, ...]]:
        """Output and last states, batched or not, packed or not, as ``input`` is."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, hx)
        if input.ndim not in (2, 3):
            raise ValueError(f"{self._name()}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        batched = input.ndim == 3
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
        if hx is not None:
            self._check_hidden_ndim(hx, 3 if batched else 2, batched)
            hx = hx if batched else tuple(state.unsqueeze(1) for state in hx)
        self._check_input(input)
        hx = self._states(hx, input, input.shape[batch_dim])
        output, *states = self._operator(input, hx, self.batch_first, None)
        if not batched:
            return output.squeeze(batch_dim), tuple(state.squeeze(1) for state in states)
        return output, tuple(states)

    def _run_packed(
        self, packed: PackedSequence, hx: tuple[Tensor, ...] | None
    ) -> tuple[PackedSequence, tuple[Tensor, ...]]:
        """The packed steps are spread to (L, N, ...); the operator stops each sequence at its length."""
        lengths = lengths_of(packed.batch_sizes)
        input = pad_sorted(packed.data, packed.batch_sizes)
        self._check_input(input)
        if hx is not None and packed.sorted_indices is not None:
            hx = tuple(state.index_select(1, packed.sorted_indices) for state in hx)
        hx = self._states(hx, input, len(lengths))
        output, *states = self._operator(input, hx, False, lengths)
        if packed.unsorted_indices is not None:
            states = [state.index_select(1, packed.unsorted_indices) for state in states]
        data = pack_sorted(output, packed.batch_sizes)
        return packed._replace(data=data), tuple(states)

    def _operator(
        self, input: Tensor, hx: tuple[Tensor, ...], batch_first: bool, lengths: Tensor | None
    ) -> tuple[Tensor, ...]:
        return getattr(torch, _OPERATORS[self.mode])(
            input,
            hx if self.mode == "LSTM" else hx[0],
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            batch_first,
            lengths=lengths,
        )

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.hidden_size,)

    def _states(self, hx: tuple[Tensor, ...] | None, input: Tensor, batch: int) -> tuple[Tensor, ...]:
        """The first states: zeros, or those given, checked."""
        shapes = [(self.num_layers * self._directions, batch, size) for size in self._state_sizes()]
        if hx is None:
            return tuple(torch.zeros(shape, dtype=input.dtype, device=input.device) for shape in shapes)
        for index, (state, shape) in enumerate(zip(hx, shapes, strict=True)):
            if tuple(state.shape) != shape:
                which = f"hidden[{index}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {which} size {shape}, got {list(state.shape)}")
        return hx

    def _check_input(self, input: Tensor) -> None:
        weight = self._flat_weights[0]
        if input.dtype != weight.dtype and modes.autocast is None:
            raise ValueError(f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}).")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )

    def _check_hidden_ndim(self, hx: tuple[Tensor, ...], wanted: int, batched: bool) -> None:
        if any(state.ndim != wanted for state in hx):
            kind = "batched" if batched else "unbatched"
            ndims = ", ".join(f"{state.ndim}-D" for state in hx)
            if self.mode == "LSTM":
                raise RuntimeError(
                    f"For {kind} {wanted}-D input, hx and cx should also be {wanted}-D but got ({ndims}) tensors"
                )
            raise RuntimeError(f"For {kind} {wanted}-D input, hx should also be {wanted}-D but got {ndims} tensor")

    def _name(self) -> str:
        return self.mode.partition("_")[0]


def _check_sizes(input_size: Any, hidden_size: Any, num_layers: Any, proj_size: int) -> None:
    if not isinstance(input_size, int):
        raise TypeError(f"input_size should be of type int, got: {type(input_size).__name__}")
    if input_size <= 0:
        raise ValueError("input_size must be greater than zero")
    if not isinstance(hidden_size, int):
        raise TypeError(f"hidden_size should be of type int, got: {type(hidden_size).__name__}")
    if hidden_size <= 0:
        raise ValueError("hidden_size must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or relu in place of tanh.

    Shapes: input (L, N, input_size), (N, L, input_size) with ``batch_first``, or (L, input_size), or a
    PackedSequence; output likewise with D hidden_size, D = 2 where bidirectional; state (D num_layers, N,
    hidden_size).

    Args:
        *args: ``input_size``, ``hidden_size``, ``num_layers``, ``nonlinearity`` (``"tanh"`` or ``"relu"``) and the
            further ones of :class:`RNNBase`.
        **kwargs: the same by keyword.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            self_nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self_nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self_nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self_nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_" + self_nonlinearity.upper(), *args, **kwargs)
        self.nonlinearity = self_nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """The states of the last layer at all steps, and those of all layers at the last step."""
        output, (state,) = self._run(input, None if hx is None else (hx,))
        return output, state


class GRU(RNNBase):
    """r, z = sigmoid(...), n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h.

    Shapes and arguments as for :class:`RNN`, without ``nonlinearity``.  Source: Cho et al. 2014.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """The states of the last layer at all steps, and those of all layers at the last step."""
        output, (state,) = self._run(input, None if hx is None else (hx,))
        return output, state


class LSTM(RNNBase):
    """i, f, o = sigmoid(...), g = tanh(...), c' = f c + i g, h' = o tanh(c'), each of W_i* x + b_i* + W_h* h + b_h*.

    Shapes: input (L, N, input_size), (N, L, input_size) with ``batch_first``, or (L, input_size), or a
    PackedSequence; output likewise with D H, D = 2 where bidirectional, H = proj_size or hidden_size; states h
    (D num_layers, N, H) and c (D num_layers, N, hidden_size).  Sources: Hochreiter and Schmidhuber 1997; Sak et al.
    2014 for ``proj_size``.

    Args:
        *args: ``input_size``, ``hidden_size``, ``num_layers``, ``bias``, ``batch_first``, ``dropout``,
            ``bidirectional``, ``proj_size``, as in :class:`RNNBase`.
        **kwargs: the same by keyword.

    >>> import fxtorch as torch
    >>> lstm = torch.nn.LSTM(10, 20, num_layers=2, batch_first=True)
    >>> output, (h, c) = lstm(torch.randn(3, 5, 10))
    >>> output.shape, h.shape
    (torch.Size([3, 5, 20]), torch.Size([2, 3, 20]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, self.hidden_size)

    def forward(self, input: Any, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Any, tuple[Tensor, ...]]:
        """The states h of the last layer at all steps, and (h, c) of all layers at the last step."""
        return self._run(input, hx)


class RNNCellBase(Module):
    """What the cells share.

    ``weight_ih`` (gates hidden_size, input_size), ``weight_hh`` (gates hidden_size, hidden_size), ``bias_ih`` and
    ``bias_hh`` start from U(-k, k), k = 1 / sqrt(hidden_size).

    Args:
        input_size: the size of an input.
        hidden_size: the size of a state.
        bias: whether there are biases.
        num_chunks: how many gates there are.
        device: where the parameters live.
        dtype: their type.
    """

    nonlinearity: str | None = None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        shapes = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }
        for name, shape in shapes.items():
            wanted = bias or name.startswith("weight")
            made = Parameter(torch.empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:  # noqa: D102
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        return text if self.nonlinearity in (None, "tanh") else f"{text}, nonlinearity={self.nonlinearity}"

    def _step(self, operator: str, input: Tensor, hx: tuple[Tensor, ...] | None, states: int) -> tuple[Tensor, ...]:
        """One step, with or without a batch dimension."""
        if input.ndim not in (1, 2):
            raise ValueError(f"{type(self).__name__}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        for state in hx or ():
            if state.ndim not in (1, 2):
                raise ValueError(f"{type(self).__name__}: Expected hidden to be 1D or 2D, got {state.ndim}D instead")
        batched = input.ndim == 2
        if not batched:
            input = input.unsqueeze(0)
            hx = None if hx is None else tuple(state.unsqueeze(0) for state in hx)
        if hx is None:
            zeros = torch.zeros((input.shape[0], self.hidden_size), dtype=input.dtype, device=input.device)
            hx = (zeros,) * states
        cell = getattr(torch, operator)
        given = hx if states == 2 else hx[0]
        made = cell(input, given, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        made = made if isinstance(made, tuple) else (made,)
        return made if batched else tuple(state.squeeze(0) for state in made)


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu in place of tanh.

    Shapes: input (N, input_size) or (input_size), state (N, hidden_size) or (hidden_size), zeros by default.

    Args:
        input_size: the size of an input.
        hidden_size: the size of a state.
        bias: whether there are biases.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        device: where the parameters live.
        dtype: their type.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(f"rnn_{self.nonlinearity}_cell", input, None if hx is None else (hx,), 1)[0]


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`: (h, c) to (h', c'); arguments as for :class:`RNNCell` without ``nonlinearity``."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, ...]:
        """The next states (h, c)."""
        return self._step("lstm_cell", input, hx, 2)


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`; arguments as for :class:`RNNCell` without ``nonlinearity``."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state."""
        return self._step("gru_cell", input, None if hx is None else (hx,), 1)[0]
