"""ensemble: many models and their optimizers, trained by one program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.compiler import NotCompilable

X = np.random.default_rng(0).standard_normal((5, 8, 3)).astype(np.float32)


class Member:
    """A seeded model with a learning rate of its own."""

    def __init__(self, seed: int, lr: float, *, drop: float = 0.0, norm: bool = True, shared: Any = None) -> None:
        torch.manual_seed(seed)
        middle = nn.BatchNorm1d(4) if norm else nn.Tanh()
        self.model = nn.Sequential(nn.Linear(3, 4), middle, nn.Dropout(drop), nn.Linear(4, 1, bias=False))
        self.opt = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.shared = shared

    def step(self, x: torch.Tensor) -> torch.Tensor:
        self.opt.zero_grad()
        loss = (self.model(x) ** 2).mean()
        loss.backward()
        self.opt.step()
        if self.shared is not None:
            self.shared.add_(loss.detach())
        return loss.detach()


def members(**options: Any) -> list[Member]:
    return [Member(seed, 0.01 * (seed + 1), **options) for seed in range(3)]


def assert_same(got: list[Member], wanted: list[Member]) -> None:
    for a, b in zip(got, wanted, strict=True):
        for name, value in b.model.state_dict().items():
            np.testing.assert_allclose(a.model.state_dict()[name].numpy(), value.numpy(), rtol=1e-4, atol=1e-6)
        for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-4, atol=1e-6)
            momenta = (m.opt.state[w]["momentum_buffer"].numpy() for m, w in ((a, p), (b, q)))
            np.testing.assert_allclose(*momenta, rtol=1e-4, atol=1e-6)


def test_every_member_trains_as_if_it_were_alone() -> None:
    together, alone = members(), members()
    train = torch.ensemble([m.step for m in together])
    got = [train(torch.tensor(x)).tolist() for x in X]
    np.testing.assert_allclose(got, [[m.step(torch.tensor(x)).item() for m in alone] for x in X], rtol=1e-4)
    assert_same(together, alone)
    together[0].opt.param_groups[0]["lr"] = 0.0
    before = [m.model[0].weight.tolist() for m in together]
    torch.optim.SGD.zero_grad(together[0].opt)
    for state in together[0].opt.state.values():
        state["momentum_buffer"].zero_()
    train(torch.tensor(X[0]))
    assert [m.model[0].weight.tolist() == b for m, b in zip(together, before, strict=True)] == [True, False, False]
    assert sum(map(len, train.programs.values())) == 1


def test_many_steps_of_an_ensemble_are_one_program() -> None:
    together, alone = members(), members()
    got = torch.fold(torch.ensemble([m.step for m in together]))(torch.tensor(X))
    assert got.shape == (5, 3)
    np.testing.assert_allclose(got, [[m.step(torch.tensor(x)).item() for m in alone] for x in X], rtol=1e-4)
    assert_same(together, alone)


def test_every_member_may_see_a_batch_of_its_own() -> None:
    together, alone = members(), members()
    got = torch.ensemble([m.step for m in together], in_dims=1)(torch.tensor(X[:3].swapaxes(0, 1)))
    np.testing.assert_allclose(got, [m.step(torch.tensor(x)).item() for m, x in zip(alone, X, strict=False)], rtol=1e-4)
    assert_same(together, alone)


def test_members_draw_differently_from_the_generator_that_they_share() -> None:
    dropped = [nn.Dropout(0.5) for _ in range(3)]
    steps = [lambda x, drop=drop: drop(x) for drop in dropped]
    train = torch.ensemble(steps)
    first, second = (train(torch.ones(100)).numpy() for _ in range(2))
    assert all((first[i] != first[j]).any() for i, j in [(0, 1), (0, 2), (1, 2)])
    assert (first != second).any()
    assert 0.3 < (first == 0).mean() < 0.7


def test_members_with_checks_compute_the_same() -> None:
    nets = [nn.Linear(3, 1) for _ in range(3)]

    def member(net: nn.Module) -> Any:
        def step(x: torch.Tensor) -> torch.Tensor:
            torch.debug.check(x.sum() < 1e9, "large")
            return net(x).sum()

        return step

    run, x = torch.ensemble([member(net) for net in nets]), torch.tensor(X[0])
    torch.testing.assert_close(run(x), torch.stack([net(x).sum() for net in nets]))
    with pytest.raises(torch.debug.CheckError, match="large"):
        run(x + 1e9)


def test_members_that_compute_different_things_are_refused() -> None:
    mixed = [Member(0, 0.1), Member(1, 0.1, norm=False)]
    with pytest.raises(NotCompilable, match="member 1 of the ensemble computes something else than member 0"):
        torch.ensemble([m.step for m in mixed])(torch.tensor(X[0]))


def test_a_tensor_that_members_share_cannot_be_changed_by_each() -> None:
    total = torch.zeros(())
    with pytest.raises(NotCompilable, match="that all members of the ensemble share"):
        torch.ensemble([m.step for m in members(shared=total)])(torch.tensor(X[0]))


def test_wrong_numbers_of_members_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        torch.ensemble([])
    with pytest.raises(ValueError, match="dimension 0 of an argument has 8 slices for 3 members"):
        torch.ensemble([m.step for m in members()], in_dims=0)(torch.tensor(X[0]))
