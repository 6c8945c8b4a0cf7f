"""autocast and GradScaler against PyTorch: the type of every result, the lists of both devices, the scaler's path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch
from fxtorch.amp.lists import BANNED, POLICIES
from fxtorch.ops.table import TABLE

torch = pytest.importorskip("torch", reason="compares with PyTorch")
lists = pytest.importorskip("torch.testing._internal.autocast_test_lists", reason="torch's own lists")

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True:UserWarning")

X = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
Run = Callable[[Any, Any], Any]

# Each is given the library and a (3, 2, 4) Tensor, float32 or bfloat16.
CASES: dict[str, Run] = {
    "linear": lambda t, x: t.nn.Linear(4, 3)(x),
    "conv, norm, conv": lambda t, x: t.nn.Sequential(t.nn.Conv1d(2, 3, 1), t.nn.BatchNorm1d(3), t.nn.Conv1d(3, 2, 1))(
        x
    ),
    "layer norm": lambda t, x: t.nn.LayerNorm(4)(x),
    "group norm": lambda t, x: t.nn.GroupNorm(2, 2)(x),
    "batch norm": lambda t, x: t.nn.BatchNorm1d(2)(x),
    "lstm": lambda t, x: t.nn.LSTM(4, 3)(x)[0],
    "gru cell": lambda t, x: t.nn.GRUCell(4, 3)(x[0].float()),
    "attention": lambda t, x: t.nn.MultiheadAttention(4, 2)(x, x, x)[0],
    "encoder layer": lambda t, x: t.nn.TransformerEncoderLayer(4, 2, 8)(x),
    "prelu": lambda t, x: t.nn.PReLU()(x),
    "softmax": lambda t, x: x.softmax(-1),
    "exp": lambda t, x: x.exp(),
    "sum": lambda t, x: x.sum(),
    "prod": lambda t, x: x.prod(),
    "einsum": lambda t, x: t.einsum("ab,cb->ac", x[0], x[0]),
    "tensordot": lambda t, x: t.tensordot(x[0], x[0].T, 1),
    "mv": lambda t, x: t.mv(x[0].float(), x[0][0].float()),
    "mixed product": lambda t, x: x[0] @ x[0].float().T,
    "float64 product": lambda t, x: x[0].double() @ x[0].double().T,
    "addmm": lambda t, x: t.addmm(x[0][:, :2].clone(), x[0], x[0].T),
    "cat": lambda t, x: t.cat([x, x.float()]),
    "stack": lambda t, x: t.stack([x, x.float()]),
    "mixed sum": lambda t, x: x + x.float(),
    "cross entropy": lambda t, x: t.nn.functional.cross_entropy(x[0], t.tensor([0, 1])),
    "mse": lambda t, x: t.nn.functional.mse_loss(x, x),
    "gaussian nll": lambda t, x: t.nn.functional.gaussian_nll_loss(x, x, x.abs()),
    "reflected": lambda t, x: t.nn.functional.pad(x, (1, 1), "reflect"),
    "padded": lambda t, x: t.nn.functional.pad(x, (1, 1)),
    "cdist": lambda t, x: t.cdist(x, x),
    "quantile": lambda t, x: t.quantile(x, 0.5),
    "rfft": lambda t, x: t.fft.rfft(x).abs(),
    "embedding": lambda t, x: t.nn.Embedding(3, 2)(t.tensor([0])),
    "sdpa": lambda t, x: t.nn.functional.scaled_dot_product_attention(x, x, x),
    "interpolated": lambda t, x: t.nn.functional.interpolate(x, scale_factor=2),
}


@pytest.mark.parametrize("small", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", CASES)
def test_results_have_torchs_types(name: str, small: bool) -> None:
    found = []
    for library in (torch, fxtorch):
        x = library.tensor(X)
        try:
            with library.autocast("cpu", dtype=library.bfloat16):
                found.append(str(CASES[name](library, x.bfloat16() if small else x).dtype))
        except RuntimeError as error:  # torch, too, has no quantile of bfloat16 and the like
            found.append(type(error).__name__)
    assert found[1] == found[0]


OURS = {
    "nll_loss2d": "nll_loss",
    "grid_sampler": "grid_sample",
    "linalg_vecdot": "vecdot",
    "linalg_multi_dot": "multi_dot",
}
WITHOUT = {"convolution", "_convolution", "_addmm_activation", "_native_multi_head_attention"}
WITHOUT |= {"reflection_pad1d"}  # F.pad, whose mode decides
_ANY = {"torch_fp32": "float32", "nn_fp32": "float32", "torch_need_autocast_promote": "widest"}
HELD = {
    "cpu": (lists.AutocastCPUTestLists, {"torch_16": "low", "nn_16": "low", **_ANY}),
    "cuda": (lists.AutocastTestLists, {"torch_fp16": "low", "nn_fp16": "low", "linalg_fp16": "low", **_ANY}),
}


@pytest.mark.parametrize("device", HELD)
def test_operators_are_in_the_lists_that_torch_tests(device: str) -> None:
    made, kinds = HELD[device]
    wrong = []
    for kind, policy in kinds.items():
        for entry in getattr(made(torch.device("cpu")), kind):
            name = str(OURS.get(entry[0], entry[0]))
            if name in WITHOUT or name.startswith("cudnn") or name not in TABLE:
                continue
            if POLICIES[device].get(name) != policy:
                wrong.append(f"{name}: {POLICIES[device].get(name)} where torch has {policy}")
    assert not wrong
    assert {entry[0] for entry in getattr(made(torch.device("cpu")), "banned", ())} <= BANNED.get(device, set())


def test_every_listed_operator_exists() -> None:
    later = {"cond", "geqrf", "ormqr", "stft", "renorm", "_attention", "vecdot"}  # not rows of the table, all of them
    known = set(TABLE) | {name.rpartition(".")[2] for name in TABLE}
    assert {name for table in POLICIES.values() for name in table} <= known | later


def test_a_scaled_training_takes_torchs_path() -> None:
    found = []
    for library in (torch, fxtorch):
        w = library.tensor([1.0, -2.0], requires_grad=True)
        opt = library.optim.Adam([w], lr=0.25)
        scaler = library.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=2, backoff_factor=0.25)
        path = []
        for factor in (1.0, 1.0, float("inf"), 1.0, float("nan"), 1.0, 1.0):
            opt.zero_grad()
            scaler.scale((w * w).sum() * factor).backward()
            scaler.unscale_(opt)
            library.nn.utils.clip_grad_norm_([w], 1.0)
            scaler.step(opt)
            scaler.update()
            path.append([*w.tolist(), scaler.get_scale()])
        scaler.update(64.0)
        found.append((path, scaler.state_dict()))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5)
    assert found[1][1] == found[0][1]
