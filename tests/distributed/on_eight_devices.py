"""What runs with eight virtual CPU devices; ``test_devices.py`` starts this in a process of its own."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import jax
import numpy as np

import fxtorch as torch
import fxtorch.distributed as dist
import fxtorch.nn.functional as F
from fxtorch import nn
from fxtorch.distributed.tensor import Replicate, Shard, distribute_module, distribute_tensor

warnings.simplefilter("error")
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((3, 16, 6)).astype(np.float32), RNG.integers(0, 4, (3, 16))


class Trained:
    def __init__(self, *, norm: Any = nn.BatchNorm1d, shard: bool = False, lr: float = 0.01) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(6, 16, bias=False), norm(16), nn.ReLU(), nn.Linear(16, 4))
        if shard:
            dist.fully_shard(self.model)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=lr)

    def step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.opt.zero_grad()
        loss = F.cross_entropy(self.model(x), y)
        loss.backward()
        self.opt.step()
        return loss

    def statistics(self) -> list[np.ndarray]:
        return [self.model[1].running_mean.numpy(), self.model[1].running_var.numpy()]


def train(trained: Trained, step: Any = None, sizes: tuple[int, ...] = (16, 16, 16)) -> list[float]:
    run = step or torch.jit(trained.step)
    return [run(torch.tensor(x[:n]), torch.tensor(y[:n])).item() for x, y, n in zip(X, Y, sizes, strict=True)]


def assert_same(a: Trained, b: Trained) -> None:
    for name, value in b.model.state_dict().items():
        np.testing.assert_allclose(
            a.model.state_dict()[name].numpy(), value.numpy(), rtol=1e-4, atol=1e-5, err_msg=name
        )


def batches_are_split_and_losses_are_those_of_one_device() -> None:
    one, many = Trained(), Trained()
    step = dist.parallel(many.step)
    np.testing.assert_allclose(train(many, step), train(one), rtol=1e-5)
    assert_same(many, one)
    assert len(many.model[0].weight._data.sharding.device_set) == 8
    program = next(iter(step.programs.values()))[0]
    assert [s[0] for s in program.specs] == ["data", "data"]


def a_last_batch_that_does_not_divide_is_run() -> None:
    one, many = Trained(), Trained()
    sizes = (16, 16, 11)
    np.testing.assert_allclose(train(many, dist.parallel(many.step), sizes), train(one, None, sizes), rtol=1e-5)
    assert_same(many, one)


def the_work_is_really_divided() -> None:
    many = Trained()
    step = dist.parallel(many.step)
    train(many, step)
    program = next(iter(step.programs.values()))[0]
    state = program._gather([torch.tensor(X[0]), torch.tensor(Y[0])])
    arrays = step._place([torch.tensor(X[0]), torch.tensor(Y[0])], jax.tree.structure(((0, 0), {})))
    numbers = [np.asarray(n) for n in program.transition.numbers()]
    text = program.run.lower(state, arrays, numbers, tuple(x.sharding for x in state)).compile().as_text()
    assert "all-reduce" in text
    assert "f32[2,16]" in text, "each device computes two rows of the hidden layer"
    assert "f32[16,16]{1,0} dot" not in text


def batch_norm_takes_the_moments_of_each_part_when_it_is_not_synchronised() -> None:
    local = Trained()
    step = dist.parallel(local.step, sync_batchnorm=False)
    step(torch.tensor(X[0]), torch.tensor(Y[0]))
    hidden = X[0] @ Trained().model[0].weight.detach().numpy().T
    parts = hidden.reshape(8, 2, 16)
    mean, var = local.statistics()
    np.testing.assert_allclose(mean, 0.1 * parts.mean(1).mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(var, 0.9 + 0.1 * parts.var(1, ddof=1).mean(0), rtol=1e-4, atol=1e-6)
    synced, whole = Trained(norm=nn.SyncBatchNorm), Trained()
    got = dist.parallel(synced.step, sync_batchnorm=False)(torch.tensor(X[0]), torch.tensor(Y[0])).item()
    np.testing.assert_allclose(got, whole.step(torch.tensor(X[0]), torch.tensor(Y[0])).item(), rtol=1e-5)
    np.testing.assert_allclose(synced.statistics(), whole.statistics(), rtol=1e-4, atol=1e-6)


def parameters_gradients_and_optimizer_state_are_split() -> None:
    one, many = Trained(), Trained(shard=True)
    np.testing.assert_allclose(train(many, dist.parallel(many.step)), train(one), rtol=1e-5)
    assert_same(many, one)
    weight = many.model[0].weight
    moments = many.opt.state[weight]
    for tensor in (weight, weight.grad, moments["exp_avg"], moments["exp_avg_sq"]):
        assert tensor.shape == (16, 6) and dist.sharding.local_shape(tensor) == (2, 6)
    assert dist.sharding.local_shape(many.model[3].bias) == (4,), "8 devices do not divide it"


def a_sharded_model_trains_eagerly_too() -> None:
    one, many = Trained(), Trained(shard=True)
    np.testing.assert_allclose(train(many, many.step), train(one), rtol=1e-5)
    assert dist.sharding.local_shape(many.opt.state[many.model[0].weight]["exp_avg"]) == (2, 6)


def a_mesh_of_two_axes_splits_over_the_one_that_is_named() -> None:
    mesh = dist.init_device_mesh("cpu", (2, 4), mesh_dim_names=("data", "model"))
    one, many = Trained(), Trained()
    dist.fully_shard(many.model, mesh=mesh, axis="model")
    np.testing.assert_allclose(train(many, dist.parallel(many.step, mesh, axis="data")), train(one), rtol=1e-5)
    assert dist.sharding.local_shape(many.model[0].weight) == (4, 6)
    assert mesh.size() == 8 and mesh.size(1) == 4


def a_new_learning_rate_and_eager_code_between_do_not_compile_again() -> None:
    many = Trained()
    step = dist.parallel(many.step)
    train(many, step)
    many.opt.param_groups[0]["lr"] = 0.0
    before = many.model[0].weight.detach().numpy().copy()
    many.model(torch.tensor(X[0])).sum().item()
    train(many, step)
    np.testing.assert_array_equal(many.model[0].weight.detach().numpy(), before)
    assert sum(map(len, step.programs.values())) == 1


def a_folded_parallel_step_is_split_as_well() -> None:
    one, many = Trained(), Trained()
    got = torch.fold(dist.parallel(many.step), unroll=1)(torch.tensor(X), torch.tensor(Y)).tolist()
    np.testing.assert_allclose(got, train(one), rtol=1e-5)
    assert_same(many, one)
    assert len(many.model[0].weight._data.sharding.device_set) == 8


def collectives_have_no_place_in_a_step_that_sees_the_whole_batch() -> None:
    try:
        dist.parallel(lambda x: dist.all_reduce(x))(torch.ones(8))
    except RuntimeError as error:
        assert "leave the collective out" in str(error)
    else:
        raise AssertionError("all_reduce did nothing, silently")


def pmap_runs_one_slice_a_device_with_collectives_and_gradients() -> None:
    x = torch.arange(16.0).reshape(8, 2)

    def fn(row: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        total = row.clone()
        dist.all_reduce(total, dist.ReduceOp.SUM)
        return row * scale, total

    scaled, total = torch.pmap(fn, in_dims=(0, None))(x, torch.tensor(3.0))
    np.testing.assert_array_equal(scaled.numpy(), x.numpy() * 3)
    np.testing.assert_array_equal(total.numpy(), np.broadcast_to(x.numpy().sum(0), (8, 2)))
    w = torch.ones(2, requires_grad=True)
    torch.pmap(lambda row, w: (row * w).sum(), in_dims=(0, None))(x, w).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), x.numpy().sum(0))
    picked = torch.pmap(lambda row: (dist.broadcast(row, 3), row)[1])(x.clone())
    np.testing.assert_array_equal(picked.numpy(), np.broadcast_to(x.numpy()[3], (8, 2)))


def tensors_lie_as_their_placements_say() -> None:
    mesh = dist.init_device_mesh("cpu", (2, 4), mesh_dim_names=("rows", "columns"))
    w = torch.arange(32.0).reshape(4, 8).requires_grad_()
    x = distribute_tensor(w, mesh, [Shard(0), Shard(-1)])
    assert x.placements == (Shard(0), Shard(1)) and x.requires_grad and x.is_leaf
    assert {s.data.shape for s in x._data.addressable_shards} == {(2, 2)}
    np.testing.assert_array_equal(x.to_local().detach().numpy(), w.detach().numpy())
    other = x.redistribute(placements=[Replicate(), Shard(0)])
    assert other.placements == (Replicate(), Shard(0)) and x.full_tensor()._data.sharding.is_fully_replicated
    (other * x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * w.detach().numpy())

    def columns(name: str, module: nn.Module, mesh: Any) -> None:
        if isinstance(module, nn.Linear):
            module.weight = nn.Parameter(distribute_tensor(module.weight, mesh, [Replicate(), Shard(0)]))

    net = distribute_module(nn.Linear(3, 8), mesh, columns)
    assert {s.data.shape for s in net.weight._data.addressable_shards} == {(2, 3)}
    assert net.bias._data.sharding.is_fully_replicated and len(net.bias._data.sharding.device_set) == 8


CHECKS = [
    tensors_lie_as_their_placements_say,
    batches_are_split_and_losses_are_those_of_one_device,
    a_last_batch_that_does_not_divide_is_run,
    the_work_is_really_divided,
    batch_norm_takes_the_moments_of_each_part_when_it_is_not_synchronised,
    parameters_gradients_and_optimizer_state_are_split,
    a_sharded_model_trains_eagerly_too,
    a_mesh_of_two_axes_splits_over_the_one_that_is_named,
    a_new_learning_rate_and_eager_code_between_do_not_compile_again,
    a_folded_parallel_step_is_split_as_well,
    collectives_have_no_place_in_a_step_that_sees_the_whole_batch,
    pmap_runs_one_slice_a_device_with_collectives_and_gradients,
]

if __name__ == "__main__":
    assert jax.device_count() == 8
    found: dict[str, str] = {}
    for check in CHECKS:
        try:
            check()
            found[check.__name__] = ""
        except Exception as error:
            import traceback

            found[check.__name__] = traceback.format_exc() + str(error)
    json.dump(found, sys.stdout)
