"""nn.utils against PyTorch from the same weights: parametrizations, pruning, spectral norm, fusion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="compares with PyTorch")
pytest.importorskip("torch.nn.utils.prune", reason="torch does not import it by itself")

pytestmark = pytest.mark.filterwarnings("ignore:`torch.nn.utils:FutureWarning")  # of torch's older forms


def pair(make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The same module in both libraries, with the same weights."""
    torch.manual_seed(0)
    theirs, ours = make(torch), make(fxtorch)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: fxtorch.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return theirs, ours


def agree(theirs: Any, ours: Any, shape: tuple[int, ...]) -> None:
    """Outputs, gradients of parameters and the state afterwards are equal."""
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for module, library in ((theirs, torch), (ours, fxtorch)):
        out = module(library.tensor(x))
        (out * out).sum().backward()
    np.testing.assert_allclose(
        ours(fxtorch.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-5
    )
    for (name, p), (other, q) in zip(theirs.named_parameters(), ours.named_parameters(), strict=True):
        assert name == other
        np.testing.assert_allclose(q.grad.numpy(), p.grad.numpy(), rtol=2e-5, atol=2e-5, err_msg=name)
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), rtol=1e-5, atol=1e-5, err_msg=name)


LAYERS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "weight norm": (lambda t: t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 2)), (4, 3)),
    "weight norm over all": (lambda t: t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 2), dim=None), (4, 3)),
    "spectral norm": (lambda t: t.nn.utils.parametrizations.spectral_norm(t.nn.Conv1d(2, 3, 2)), (1, 2, 4)),
    "spectral norm, transposed": (
        lambda t: t.nn.utils.parametrizations.spectral_norm(t.nn.ConvTranspose1d(2, 3, 2)),
        (1, 2, 4),
    ),
    "spectral norm's hook": (lambda t: t.nn.utils.spectral_norm(t.nn.Linear(3, 2), n_power_iterations=2), (4, 3)),
}
for _map, _n, _k in (("matrix_exp", 3, 3), ("cayley", 2, 4), ("householder", 4, 2)):
    LAYERS[f"orthogonal, {_map}"] = (
        lambda t, m=_map, n=_n, k=_k: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(k, n), orthogonal_map=m),
        (4, _k),
    )


@pytest.mark.parametrize("name", LAYERS)
def test_a_parametrized_layer_is_torchs(name: str) -> None:
    make, shape = LAYERS[name]
    theirs, ours = pair(make)
    assert repr(ours) == repr(theirs)
    agree(theirs, ours, shape)
    agree(theirs.eval(), ours.eval(), shape)


@pytest.mark.parametrize("name", ["weight norm", "spectral norm", "orthogonal, cayley"])
@pytest.mark.parametrize("keep", [True, False])
def test_a_parametrization_comes_off_as_in_torch(name: str, keep: bool) -> None:
    make, _ = LAYERS[name]
    pairs = pair(make)
    if name == "weight norm" and not keep:
        for module, library in zip(pairs, (torch, fxtorch), strict=True):
            with pytest.raises(ValueError, match="sequence of tensors"):
                library.nn.utils.parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
        return
    for module, library in zip(pairs, (torch, fxtorch), strict=True):
        module.eval()
        library.nn.utils.parametrize.remove_parametrizations(module, "weight", leave_parametrized=keep)
    theirs, ours = pairs
    assert repr(ours) == repr(theirs)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_an_orthogonal_weight_can_be_assigned() -> None:
    layer = fxtorch.nn.utils.parametrizations.orthogonal(fxtorch.nn.Linear(3, 4))
    q = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 3)))[0].astype(np.float32)
    layer.weight = fxtorch.tensor(q)
    np.testing.assert_allclose(layer.weight.detach().numpy(), q, atol=1e-6)


PRUNED: dict[str, Callable[[Any, Any], Any]] = {
    "l1": lambda p, m: p.l1_unstructured(m, "weight", 5),
    "l1, a part": lambda p, m: p.l1_unstructured(m, "weight", 0.4),
    "structured": lambda p, m: p.ln_structured(m, "weight", 2, 2, 0),
    "twice": lambda p, m: p.ln_structured(p.l1_unstructured(m, "weight", 3), "weight", 1, 1, 1),
    "columns, then elements": lambda p, m: p.l1_unstructured(p.ln_structured(m, "weight", 1, 2, 1), "weight", 0.5),
    "identity": lambda p, m: p.identity(m, "bias"),
}


@pytest.mark.parametrize("name", PRUNED)
def test_pruning_chooses_what_torch_chooses(name: str) -> None:
    theirs, ours = pair(lambda t: t.nn.Linear(4, 3))
    PRUNED[name](torch.nn.utils.prune, theirs)
    PRUNED[name](fxtorch.nn.utils.prune, ours)
    agree(theirs, ours, (2, 4))
    kept = "bias" if name == "identity" else "weight"
    assert fxtorch.nn.utils.prune.is_pruned(ours)
    torch.nn.utils.prune.remove(theirs, kept)
    fxtorch.nn.utils.prune.remove(ours, kept)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    np.testing.assert_array_equal(getattr(ours, kept).detach().numpy(), getattr(theirs, kept).detach().numpy())


def test_global_pruning_chooses_what_torch_chooses() -> None:
    theirs, ours = pair(lambda t: t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Linear(4, 2)))
    for model, library in ((theirs, torch), (ours, fxtorch)):
        prune = library.nn.utils.prune
        prune.global_unstructured([(m, "weight") for m in model], prune.L1Unstructured, amount=7)
    agree(theirs, ours, (2, 3))


@pytest.mark.parametrize(("bias", "transpose"), [(False, True), (True, False)])
def test_a_fused_convolution_is_torchs(bias: bool, transpose: bool) -> None:
    name = "ConvTranspose2d" if transpose else "Conv2d"
    theirs, ours = pair(lambda t: t.nn.Sequential(getattr(t.nn, name)(2, 3, 2, bias=bias), t.nn.BatchNorm2d(3)))
    x = np.random.default_rng(2).normal(size=(4, 2, 3, 3)).astype(np.float32)
    results = []
    for model, library in ((theirs, torch), (ours, fxtorch)):
        model(library.tensor(x))
        fused = library.nn.utils.fuse_conv_bn_eval(*model.eval(), transpose=transpose)
        results.append(fused(library.tensor(x)).detach().numpy())
        np.testing.assert_allclose(results[-1], model(library.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5, atol=1e-5)


def test_a_fused_linear_layer_is_torchs() -> None:
    theirs, ours = pair(lambda t: t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3)).eval())
    a, b = torch.nn.utils.fuse_linear_bn_eval(*theirs), fxtorch.nn.utils.fuse_linear_bn_eval(*ours)
    np.testing.assert_allclose(b.weight.detach().numpy(), a.weight.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(b.bias.detach().numpy(), a.bias.detach().numpy(), rtol=1e-6)
