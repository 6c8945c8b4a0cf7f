"""What a single process sees of torch.distributed: names, errors, groups of one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import fxtorch as torch
import fxtorch.distributed as dist
from fxtorch import nn
from tests.running import python


@pytest.fixture
def world_of_one() -> Iterator[None]:
    dist.init_process_group("gloo", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_a_world_of_one_needs_no_others(world_of_one: None) -> None:
    x = torch.tensor([1.0, 2.0])
    dist.all_reduce(x)
    dist.barrier()
    assert x.tolist() == [1.0, 2.0] and dist.group.WORLD is not None and dist.group.WORLD.size() == 1
    model = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
    model(x).sum().backward()
    assert model.module.weight.grad.tolist() == [[1.0, 2.0]]
    with pytest.raises(ValueError, match="initialize the default process group twice"):
        dist.init_process_group("gloo", rank=0, world_size=1)
    with pytest.raises(ValueError, match=r"different ranks of a world of 1"):
        dist.new_group([0, 1])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"backend": "mpi", "rank": 0, "world_size": 1}, dist.DistBackendError, "'mpi' is not supported"),
        ({"world_size": 1}, ValueError, "environment variable RANK expected"),
        ({"rank": 2, "world_size": 2}, ValueError, "rank 2 is not in a world of 2"),
        ({"rank": 0, "world_size": 2}, ValueError, "MASTER_ADDR or MASTER_PORT expected"),
        ({"init_method": "http://127.0.0.1:1", "rank": 0, "world_size": 2}, ValueError, "use env://, tcp://"),
    ],
)
def test_what_is_missing_is_said(
    options: dict, error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(error, match=words):
        dist.init_process_group(**options)
    assert not dist.is_initialized()


def test_without_a_group_collectives_say_so() -> None:
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        dist.all_reduce(torch.ones(1))
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        nn.parallel.DistributedDataParallel(nn.Linear(1, 1))


def test_joining_after_the_first_tensor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.ones(1).sum()
    with pytest.raises(RuntimeError, match="must come before the first Tensor"):
        dist.init_process_group(init_method="tcp://127.0.0.1:1", rank=0, world_size=2)


def test_importing_and_seeding_start_no_backend() -> None:
    text = (
        "import fxtorch as torch; torch.manual_seed(3); from jax._src import xla_bridge; "
        "assert not xla_bridge.backends_are_initialized()"
    )
    ran = python("-c", text)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", ["Store", "ProcessGroupNCCL", "shrink_group", "no_such_thing"])
def test_names_that_are_not_there_raise(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(dist, name)


def test_a_mesh_of_more_devices_than_there_are_says_how_to_get_them() -> None:
    with pytest.raises(RuntimeError, match=r"needs 1000000 cpu devices.*xla_force_host_platform_device_count"):
        dist.init_device_mesh("cpu", (1000000,))
    with pytest.raises(ValueError, match="no axis 'model'"):
        dist.parallel(lambda x: x, axis="model")


def test_a_parallel_step_on_one_device_is_the_step() -> None:
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    opt = torch.optim.SGD(model.parameters(), lr=0.01)

    @dist.parallel(in_dims=(0, None))
    def step(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = (model(x) * scale).square().mean()
        loss.backward()
        opt.step()
        return loss

    losses = [step(torch.ones(3, 2), torch.tensor([2.0])).item() for _ in range(3)]
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[2]
    assert step.programs and model.weight.grad is not None


def test_one_process_has_no_others_to_join(world_of_one: None) -> None:
    model = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
    with dist.algorithms.Join([model]):
        model(torch.ones(1, 2)).sum().backward()
    assert model.module.weight.grad.tolist() == [[1.0, 1.0]]


def test_joining_several_processes_is_refused_unless_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dist.algorithms.join, "is_initialized", lambda: True)
    monkeypatch.setattr(dist.algorithms.join, "get_world_size", lambda: 2)
    with pytest.raises(NotImplementedError, match="give all equally many"), dist.algorithms.Join([]):
        pass
    with dist.algorithms.Join([], enable=False):
        pass
