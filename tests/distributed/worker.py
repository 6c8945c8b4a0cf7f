"""A worker of ``test_processes.py``; each function is a check that every process of a run goes through."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import fxtorch as torch
import fxtorch.distributed as dist
import fxtorch.nn.functional as F
from fxtorch import nn
from fxtorch.utils.data import DataLoader, DistributedSampler, TensorDataset

warnings.simplefilter("error")


def same(tensor: torch.Tensor, expected: Any) -> None:
    np.testing.assert_allclose(tensor.detach().numpy(), expected, rtol=1e-6)


def collectives(rank: int, world: int) -> None:
    x = torch.tensor([1.0, 2.0]) * (rank + 1)
    total = x.clone()
    dist.all_reduce(total)
    same(total, [3.0, 6.0])
    for op, expected in [
        (dist.ReduceOp.MAX, [2, 4]),
        (dist.ReduceOp.MIN, [1, 2]),
        (dist.ReduceOp.PRODUCT, [2, 8]),
        (dist.ReduceOp.AVG, [1.5, 3]),
    ]:
        out = x.clone()
        work = dist.all_reduce(out, op, async_op=True)
        assert work is not None and work.wait()
        same(out, expected)
    bits = torch.tensor([1 << rank, 3])
    dist.all_reduce(bits, dist.ReduceOp.BOR)
    assert bits.tolist() == [3, 3]
    half = torch.ones(3, dtype=torch.bfloat16) * (rank + 1)
    dist.all_reduce(half)
    assert half.dtype == torch.bfloat16 and half.tolist() == [3, 3, 3]
    flags = torch.tensor([rank == 0, False])
    dist.all_reduce(flags, dist.ReduceOp.MAX)
    assert flags.dtype == torch.bool and flags.tolist() == [True, False]

    y = x.clone()
    dist.broadcast(y, 1)
    same(y, [2, 4])
    rows = [torch.zeros(2) for _ in range(world)]
    dist.all_gather(rows, x)
    same(torch.stack(rows), [[1, 2], [2, 4]])
    joined = torch.zeros(4)
    dist.all_gather_into_tensor(joined, x)
    same(joined, [1, 2, 2, 4])
    part = torch.zeros(2)
    dist.reduce_scatter(part, [x, x * 10])
    same(part, [[3, 6], [30, 60]][rank])
    dist.reduce_scatter_tensor(part, torch.cat([x, x * 10]), dist.ReduceOp.AVG)
    same(part, [[1.5, 3], [15, 30]][rank])
    exchanged = torch.zeros(2)
    dist.all_to_all_single(exchanged, x)
    same(exchanged, [[1, 2], [2, 4]][rank])
    received = torch.zeros(2)
    dist.scatter(received, [x, x * 5] if rank == 0 else None, src=0)
    same(received, [[1, 2], [5, 10]][rank])
    gathered = [torch.zeros(2) for _ in range(world)] if rank == 1 else None
    dist.gather(x, gathered, dst=1)
    if gathered is not None:
        same(torch.stack(gathered), [[1, 2], [2, 4]])
    reduced = x.clone()
    dist.reduce(reduced, 0)
    same(reduced, [[3, 6], [2, 4]][rank])
    view = torch.zeros(2, 2)
    dist.all_reduce(view[1].add_(1))
    same(view, [[0, 0], [2, 2]])


def collectives_with_gradients(rank: int, world: int) -> None:
    def gradient(result: Any) -> list[float]:
        """That of the own Tensor, of the sum of both processes' losses: rank + 1 times what each one sees."""
        x = (torch.tensor([1.0, 2.0]) * (rank + 1)).requires_grad_()
        seen = result(x)
        loss: Any = sum(t.sum() for t in seen) if isinstance(seen, tuple) else seen.sum()
        ((rank + 1) * loss).backward()
        assert x.grad is not None
        return x.grad.tolist()

    f = dist.nn.functional
    assert gradient(f.all_reduce) == [3, 3]
    assert gradient(f.all_gather) == [3, 3]
    assert gradient(lambda x: f.broadcast(x, 1)) == [[0, 0], [3, 3]][rank]
    assert gradient(lambda x: f.reduce(x, 0)) == [1, 1]
    assert gradient(lambda x: f.gather(x, 1)) == [2, 2]
    assert gradient(lambda x: f.scatter([x, 5 * x], 0)) == [[11, 11], [0, 0]][rank]
    assert gradient(lambda x: f.reduce_scatter(x, [x, 10 * x])) == [21, 21]
    assert gradient(lambda x: f.all_to_all([x, x], [x, 3 * x])) == [7, 7]
    assert gradient(lambda x: f.all_to_all_single(x, x)) == [1, 2]
    try:
        gradient(lambda x: f.reduce_scatter(x, [x, x], dist.ReduceOp.MAX))
    except RuntimeError as error:
        assert "gradient with ReduceOp.SUM only" in str(error)
    else:
        raise AssertionError("the largest of two has no gradient here")


def messages(rank: int, world: int) -> None:
    other = 1 - rank
    found: list[Any] = [None] * world
    dist.all_gather_object(found, {"rank": rank, "pad": "x" * rank * 50})
    assert [f["rank"] for f in found] == [0, 1]
    told = [("hello", rank)]
    dist.broadcast_object_list(told, src=1)
    assert told == [("hello", 1)]
    got = torch.zeros(3)
    if rank == 0:
        dist.send(torch.tensor([1.0, 2.0, 3.0]), 1)
        assert dist.recv(got, 1) == 1
        same(got, [9, 9, 9])
    else:
        dist.recv(got, 0)
        same(got, [1, 2, 3])
        dist.send(got * 0 + 9, 0)
    mine, theirs = torch.full((2, rank + 1), float(rank)), torch.zeros(2, other + 1)  # each sends before it receives
    works = dist.batch_isend_irecv([dist.P2POp(dist.isend, mine, other), dist.P2POp(dist.irecv, theirs, other)])
    assert all(work.wait() for work in works)
    same(theirs, np.full((2, other + 1), other))
    alone = dist.new_group([rank])
    for r in range(world):
        if dist.new_group([r]) is not dist.GroupMember.NON_GROUP_MEMBER:
            assert r == rank
    value = torch.tensor([float(rank)])
    dist.all_reduce(value, group=alone)
    assert value.item() == rank and dist.get_world_size(alone) == 1 and dist.get_rank(alone) == 0
    dist.barrier()


RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((32, 6)).astype(np.float32), RNG.integers(0, 4, 32)


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))


def single_process(model: Any, batches: list[np.ndarray]) -> list[float]:
    """What one process would have learned from the whole batches."""
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for rows in batches:
        opt.zero_grad()
        loss = F.cross_entropy(model(torch.tensor(X[rows])), torch.tensor(Y[rows]))
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def distributed_data_parallel(rank: int, world: int) -> None:
    data = TensorDataset(torch.tensor(X), torch.tensor(Y), torch.arange(32))
    loader = DataLoader(data, batch_size=4, sampler=DistributedSampler(data, shuffle=True, seed=5))
    model: Any = network()
    with torch.no_grad():
        model[0].weight.mul_(rank + 1)  # only the first process's parameters count
    model = nn.parallel.DistributedDataParallel(model)
    assert next(iter(model.state_dict())) == "module.0.weight"
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses: list[float] = []
    batches: list[Any] = []
    batch: Any
    for batch in loader:
        x, y, rows = batch
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        whole = torch.zeros(2 * len(rows), dtype=rows.dtype)
        dist.all_gather_into_tensor(whole, rows)
        batches.append(whole.numpy())
        mean = loss.detach()
        dist.all_reduce(mean, dist.ReduceOp.AVG)
        losses.append(mean.item())
    assert sorted(np.concatenate(batches)) == list(range(32))
    reference = network()
    np.testing.assert_allclose(losses, single_process(reference, batches), rtol=1e-5)
    for p, q in zip(model.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-4, atol=1e-6)

    opt.zero_grad()
    with model.no_sync():
        F.cross_entropy(model(torch.tensor(X[rank::2])), torch.tensor(Y[rank::2])).backward()
    own = model.module[0].weight.grad.numpy().copy()
    found: list[Any] = [None] * world
    dist.all_gather_object(found, own)
    assert not np.allclose(found[0], found[1])
    F.cross_entropy(model(torch.tensor(X[rank::2])), torch.tensor(Y[rank::2])).backward()
    dist.all_gather_object(found, model.module[0].weight.grad.numpy())
    np.testing.assert_array_equal(found[0], found[1])


def unused_parameters(rank: int, world: int) -> None:
    class Forked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.never = nn.Linear(2, 1), nn.Linear(2, 1), nn.Linear(2, 1)

        def forward(self, x: torch.Tensor, which: int) -> torch.Tensor:
            return (self.a if which == 0 else self.b)(x)

    model = nn.parallel.DistributedDataParallel(Forked(), find_unused_parameters=True)
    model(torch.ones(1, 2), rank).sum().backward()
    same(model.module.a.weight.grad, [[0.5, 0.5]])
    same(model.module.b.weight.grad, [[0.5, 0.5]])
    assert model.module.never.weight.grad is None
    strict = nn.parallel.DistributedDataParallel(Forked())
    strict(torch.ones(1, 2), 0).sum().backward()
    try:
        strict(torch.ones(1, 2), 0)
    except RuntimeError as error:
        assert "b.weight" in str(error) and "find_unused_parameters" in str(error)
    else:
        raise AssertionError("an unfinished reduction was not seen")


def one_program_over_all_processes(rank: int, world: int) -> None:
    model, reference = network(), network()
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    @dist.parallel
    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        return loss

    batches = [np.arange(i, i + 8) for i in range(0, 32, 8)]
    mine = [rows[4 * rank : 4 * rank + 4] for rows in batches]
    losses = [step(torch.tensor(X[rows]), torch.tensor(Y[rows])).item() for rows in mine]
    np.testing.assert_allclose(losses, single_process(reference, batches), rtol=1e-5)
    for p, q in zip(model.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-4, atol=1e-6)
    assert model(torch.tensor(X[:3])).shape == (3, 4)


def batch_norm_over_all_processes(rank: int, world: int) -> None:
    def normed() -> nn.Sequential:
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 4))

    reference = normed()
    wanted = single_process(reference, [np.arange(8), np.arange(8, 16)])
    model = nn.parallel.DistributedDataParallel(nn.SyncBatchNorm.convert_sync_batchnorm(normed()))
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for rows in (np.arange(4) + 4 * rank, np.arange(8, 12) + 4 * rank):
        opt.zero_grad()
        loss = F.cross_entropy(model(torch.tensor(X[rows])), torch.tensor(Y[rows]))
        loss.backward()
        opt.step()
        mean = loss.detach()
        dist.all_reduce(mean, dist.ReduceOp.AVG)
        losses.append(mean.item())
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    for name, value in reference.state_dict().items():
        np.testing.assert_allclose(model.module.state_dict()[name].numpy(), value.numpy(), rtol=1e-4, atol=1e-5)


def in_a_compiled_step_they_say_so(rank: int, world: int) -> None:
    @torch.jit(fullgraph=True)
    def step(x: torch.Tensor) -> torch.Tensor:
        dist.all_reduce(x)
        return x

    try:
        step(torch.ones(2))
    except RuntimeError as error:
        assert "fxtorch.distributed.parallel" in str(error)
    else:
        raise AssertionError("a collective was compiled away")


def from_a_checkpoint(rank: int, world: int) -> None:
    """Trains 6 steps and saves each; in the first attempt rank 1 kills itself after the third."""
    folder = Path(sys.argv[2])
    path, model = folder / "checkpoint.pt", network()
    start, losses = 0, []
    if path.exists():
        saved = torch.load(path)
        model.load_state_dict(saved["model"])
        start, losses = saved["step"], saved["losses"]
    ddp = nn.parallel.DistributedDataParallel(model)
    opt = torch.optim.SGD(ddp.parameters(), lr=0.1)
    for step in range(start, 6):
        opt.zero_grad()
        loss = F.cross_entropy(ddp(torch.tensor(X[rank::2])), torch.tensor(Y[rank::2]))
        loss.backward()
        opt.step()
        mean = loss.detach()
        dist.all_reduce(mean, dist.ReduceOp.AVG)
        losses.append(mean.item())
        if rank == 0:
            torch.save({"model": model.state_dict(), "step": step + 1, "losses": losses}, folder / "new.pt")
            os.replace(folder / "new.pt", path)
        dist.barrier()
        if step == 2 and rank == 1 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)
    (folder / f"done{rank}").write_text(f"{start}")


CHECKS = [
    collectives,
    collectives_with_gradients,
    messages,
    distributed_data_parallel,
    unused_parameters,
    one_program_over_all_processes,
    batch_norm_over_all_processes,
    in_a_compiled_step_they_say_so,
]

if __name__ == "__main__":
    torch.manual_seed(0)  # seeding must not start the backend
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    assert world == 2 and dist.is_initialized() and dist.get_backend() == "gloo"
    for check in CHECKS if sys.argv[1] == "all" else [globals()[sys.argv[1]]]:
        check(rank, world)
        if rank == 0:
            sys.stdout.write(f"passed {check.__name__}\n")
    dist.destroy_process_group()
