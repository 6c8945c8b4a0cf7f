"""Transforms: inverses, volumes, and the registries."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import fxtorch as torch
from fxtorch import distributions as dist
from fxtorch.distributions import constraints, kl
from tests.distributions.examples import t

BIJECTIONS: dict[str, Any] = {
    "affine": dist.AffineTransform(0.3, -2.0),
    "correlations": dist.CorrCholeskyTransform(),
    "exp": dist.ExpTransform(),
    "sigmoid": dist.SigmoidTransform(),
    "softplus": dist.SoftplusTransform(),
    "stick breaking": dist.StickBreakingTransform(),
    "tanh": dist.TanhTransform(),
    "chain": dist.ComposeTransform([dist.TanhTransform(), dist.AffineTransform(2.0, 0.5), dist.PowerTransform(2.0)]),
}


@pytest.mark.parametrize("name", BIJECTIONS)
def test_a_transform_says_how_it_changes_volumes(name: str) -> None:
    transform, x = BIJECTIONS[name], t(torch, [0.3, -0.8, 1.1])
    y, jacobian = jax.jit(lambda x: (transform(x), torch.func.jacfwd(transform)(x)))(x)
    np.testing.assert_allclose(transform.inv(y).numpy(), x.numpy(), rtol=1e-7)
    assert transform.codomain.check(y).all()
    jacobian = jacobian.numpy()
    if jacobian.ndim == 3:  # a factor's free entries are those below the diagonal
        jacobian = jacobian[np.tril_indices(3, -1)]
    elif len(jacobian) > 3:  # the last part of a simplex is what the others leave
        jacobian = jacobian[:-1]
    expected = np.log(np.abs(np.linalg.det(jacobian)))
    np.testing.assert_allclose(transform.log_abs_det_jacobian(x, y).sum().item(), expected, rtol=1e-7)


SETS = [
    constraints.real, constraints.positive, constraints.nonnegative, constraints.greater_than(2.0),
    constraints.less_than(-1.0), constraints.unit_interval, constraints.interval(-2.0, 3.0), constraints.simplex,
    constraints.corr_cholesky, constraints.independent(constraints.positive, 1),
    constraints.cat([constraints.positive, constraints.simplex], -1, [2, 4]),
    constraints.stack([constraints.positive] * 3 + [constraints.unit_interval] * 3, -1),
]  # fmt: skip


@pytest.mark.parametrize("constraint", SETS, ids=repr)
def test_registered_transforms_lead_into_their_constraint(constraint: Any) -> None:
    x = torch.randn(2, 6)
    for registry in (dist.biject_to, dist.transform_to):
        if not isinstance(constraint, constraints.cat):
            assert constraint.check(registry(constraint)(x)).all()
    if isinstance(constraint, constraints.cat):
        assert constraint.cseq[1].check(dist.transform_to(constraint)(x)[..., 2:]).all()


@pytest.mark.parametrize("constraint", [constraints.lower_cholesky, constraints.positive_definite], ids=repr)
def test_matrices_are_led_into_their_constraint(constraint: Any) -> None:
    assert constraint.check(dist.transform_to(constraint)(torch.randn(2, 3, 3))).all()


def test_a_cache_gives_the_very_argument_back() -> None:
    transform = dist.TanhTransform(cache_size=1)
    x = torch.tensor([20.0])
    assert transform.inv(transform(x)) is x
    assert dist.TanhTransform().inv(dist.TanhTransform()(x)).isinf().all()


def test_divergences_are_declared_for_the_nearest_pair_and_ambiguity_is_told() -> None:
    class Own(dist.Normal):
        pass

    p = Own(torch.tensor(0.0), 1.0)
    assert dist.kl_divergence(p, dist.Normal(torch.tensor(0.0), 1.0)).item() == 0

    @dist.register_kl(Own, dist.Distribution)
    def left(p: Any, q: Any) -> Any:
        return torch.tensor(1.0)

    try:
        with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(Own, Normal\)"):
            assert dist.kl_divergence(p, dist.Normal(torch.tensor(0.0), 1.0)).item() == 1
    finally:
        kl._registry.pop((Own, dist.Distribution))
        kl._find.cache.clear()


def test_a_subclass_with_its_own_constructor_must_say_how_it_expands() -> None:
    class Own(dist.Normal):
        def __init__(self) -> None:
            super().__init__(torch.tensor(0.0), 1.0)

    with pytest.raises(NotImplementedError, match=r"must also define a custom .expand\(\) method"):
        Own().expand((2,))


def test_checks_can_be_switched_off_for_one_and_for_all() -> None:
    assert dist.Normal(torch.tensor(0.0), -1.0, validate_args=False).scale.item() == -1
    dist.Distribution.set_default_validate_args(False)
    try:
        assert dist.Normal(torch.tensor(0.0), -1.0).scale.item() == -1
    finally:
        dist.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="to satisfy the constraint"):
        dist.Normal(torch.tensor(0.0), -1.0)
