"""Random programs in PyTorch's manner: what the differential test runs eagerly and compiled.

A program is data: a list of calls, each with what happens before and after it in eager code, the statements of the step
(drawn once), and what it returns.  All Tensors are 2x3 (or a row of that), so that any statement fits any Tensor.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import fxtorch as torch
from fxtorch import nn
from fxtorch.utils.checkpoint import checkpoint


class Slots:
    """An object without a ``__dict__``."""

    __slots__ = ("h", "k")

    def __init__(self) -> None:
        self.h, self.k = torch.zeros(2, 3), 1.5


class World:
    """Everything that a step can reach: parameters, buffers, views, containers, attributes, two optimizers."""

    factor = 0.75

    def __init__(self, kind: str) -> None:
        torch.manual_seed(0)
        self.net: Any = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
        self.w = nn.Parameter(torch.linspace(-1.0, 1.0, 6).reshape(2, 3))
        self.buf = torch.linspace(0.0, 1.0, 6).reshape(2, 3)
        self.row = self.buf[0]
        self.alias = self.buf.detach()
        self.twin = copy.deepcopy(self.buf)  # another Tensor on the same array
        self.table: dict[str, torch.Tensor] = {"h": torch.ones(2, 3)}
        self.pair = (torch.zeros(2, 3), torch.ones(2, 3))
        self.trail: list[torch.Tensor] = []
        self.scale, self.count = 0.5, 0
        self.rule: Callable[[torch.Tensor], torch.Tensor] = torch.sin
        self.last: torch.Tensor | None = None
        params = [self.w, *self.net.parameters()]
        self.opt: Any = (
            torch.optim.Adam(params, lr=0.05) if kind == "Adam" else torch.optim.SGD(params, lr=0.1, momentum=0.9)
        )
        self.head = nn.Linear(3, 3)
        self.head.weight = self.net[0].weight  # tied
        self.ema = copy.deepcopy(self.net)
        self.second = torch.optim.SGD([self.w, *self.head.parameters()], lr=0.05)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.second, 2, 0.5)
        self.slots, self.recent = Slots(), deque([torch.zeros(2, 3)], maxlen=2)
        self.h0, self.h1 = torch.ones(2, 3), torch.zeros(2, 3)
        self.leaf = torch.linspace(1.0, -1.0, 12)[3:9].view(2, 3).requires_grad_()  # a leaf, and a view
        self.kept: list[torch.Tensor] = []
        self.hooks: list[Any] = []

    def tensors(self) -> dict[str, Any]:
        """All state, by name."""
        found = {f"net.{k}": v for k, v in (*self.net.named_parameters(), *self.net.named_buffers())}
        found |= {f"ema.{k}": v for k, v in self.ema.state_dict(keep_vars=True).items()}
        found |= {"head.bias": self.head.bias, "slot": self.slots.h, "h0": self.h0, "h1": self.h1}
        found |= {"leaf": self.leaf}
        found |= {f"recent.{i}": v for i, v in enumerate(self.recent)}
        found |= {"w": self.w, "buf": self.buf, "row": self.row, "alias": self.alias, "twin": self.twin}
        found |= {f"table.{k}": v for k, v in self.table.items()}
        found |= {f"pair.{i}": v for i, v in enumerate(self.pair)} | {f"trail.{i}": v for i, v in enumerate(self.trail)}
        found |= {f"kept.{i}": v for i, v in enumerate(self.kept)} | {"last": self.last}
        found |= {f"{k}.grad": v.grad for k, v in found.items() if v is not None and v.is_leaf}
        found |= {
            f"opt.{i}.{key}": value
            for i, p in enumerate(self.opt.param_groups[0]["params"])
            for key, value in self.opt.state.get(p, {}).items()
        }
        found["rng"] = torch.get_rng_state()
        return found


Statement = Callable[[World, list[Any], int, int], Any]
S: dict[str, Statement] = {}


def statement(fn: Statement) -> Statement:
    S[fn.__name__] = fn
    return fn


def at(values: list[Any], i: int) -> torch.Tensor:
    return values[i % len(values)]


def within(x: torch.Tensor, *rows: int) -> torch.Tensor:
    """The numbers of rows, as a Tensor; of those that ``x`` has, for a compiled program cannot raise for others."""
    return torch.tensor([min(row, len(x) - 1) for row in rows])


# --- values --------------------------------------------------------------------------------------------------------

S["tanh"] = lambda W, v, i, j: at(v, i).tanh()
S["negative"] = lambda W, v, i, j: -at(v, i)
S["add"] = lambda W, v, i, j: at(v, i) + at(v, j)
S["times"] = lambda W, v, i, j: at(v, i) * at(v, j) * 0.5
S["larger"] = lambda W, v, i, j: torch.maximum(at(v, i), at(v, j))
S["scaled"] = lambda W, v, i, j: at(v, i) * W.scale
S["noise"] = lambda W, v, i, j: at(v, i) + torch.rand(2, 3)
S["layer"] = lambda W, v, i, j: W.net(at(v, i))
S["by_mode"] = lambda W, v, i, j: at(v, i) * 2 if W.net.training else at(v, i) - 1
S["weight"] = lambda W, v, i, j: W.w
S["leaf"] = lambda W, v, i, j: W.leaf
S["buffer"] = lambda W, v, i, j: W.buf
S["stored"] = lambda W, v, i, j: W.table["h"]
S["second"] = lambda W, v, i, j: W.pair[1]
S["twin"] = lambda W, v, i, j: W.twin
S["last"] = lambda W, v, i, j: W.last if W.last is not None else at(v, i)
S["gradient"] = lambda W, v, i, j: W.w.grad
S["tied"] = lambda W, v, i, j: W.head(at(v, i))
S["unrecorded"] = lambda W, v, i, j: torch.no_grad()(lambda t: t * 3 + W.w)(at(v, i))
S["slot"] = lambda W, v, i, j: W.slots.h * W.slots.k
S["named"] = lambda W, v, i, j: getattr(W, f"h{j % 2}")
S["recent"] = lambda W, v, i, j: W.recent[0]
S["of_class"] = lambda W, v, i, j: at(v, i) * W.factor
S["detached"] = lambda W, v, i, j: at(v, i).detach()
S["copied"] = lambda W, v, i, j: at(v, i).clone()
S["row_of"] = lambda W, v, i, j: at(v, i)[0]
S["turned"] = lambda W, v, i, j: at(v, i).t().t()
S["rows"] = lambda W, v, i, j: at(v, i)[0:1] + at(v, j)
S["reshaped"] = lambda W, v, i, j: at(v, i).view(2, 3)
S["last_row"] = lambda W, v, i, j: at(v, i).chunk(2)[1]
S["turned_over"] = lambda W, v, i, j: torch.stack(at(v, i).unbind(0)[::-1])
S["picked"] = lambda W, v, i, j: at(v, i)[within(at(v, i), 1, 0)]
S["where"] = lambda W, v, i, j: torch.where(at(v, i) > 0, at(v, i), at(v, j) * 0.5)
S["ruled"] = lambda W, v, i, j: W.rule(at(v, i))
S["derivative"] = lambda W, v, i, j: torch.autograd.grad((W.w * at(v, i)).sum(), W.w)[0]


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * 3 * ctx.saved_tensors[0].sign()


doubled = torch.jit(lambda x: x * 2)

S["by_rule"] = lambda W, v, i, j: Doubled.apply(at(v, i))
# both branches save the same: of a compiled one it is not known which of them ran
S["by_value"] = lambda W, v, i, j: torch.cond(at(v, i).sum() > 0, lambda t: t + 2, lambda t: t - 1, (at(v, i),))
S["chosen"] = lambda W, v, i, j: torch.cond(at(v, i).sum() > 0, lambda t: t * W.w, lambda t: t * W.w * 0.5, (at(v, i),))
S["scanned"] = lambda W, v, i, j: torch.scan(lambda c, r: (c + r, c * W.w[0]), torch.zeros(3), at(v, i))[1]


@statement
def folded(W: World, v: list[Any], i: int, j: int) -> torch.Tensor:
    last, each = torch.scan(lambda c, r: ((c * W.w + r).tanh(), c), at(v, i), at(v, j) + torch.zeros(2, 1, 1))
    return last + each[1]


S["inner"] = lambda W, v, i, j: doubled(at(v, i))
# what is not an argument would be read again in the backward, as it is then
S["again"] = lambda W, v, i, j: checkpoint(lambda x, w: (x @ w).tanh(), at(v, i), W.net[0].weight)


# --- changes in place ----------------------------------------------------------------------------------------------


@statement
def add_(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i).add_(at(v, j))


@statement
def mul_(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i).mul_(0.5)


@statement
def copy_(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i).copy_(at(v, j))


@statement
def set_row(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i)[0] = at(v, j)[1]


@statement
def set_part(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i).view(-1)[1:4].fill_(0.25)


@statement
def set_turned(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i).t()[1].mul_(2)


@statement
def set_masked(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i)[at(v, j) > 0] = 0.125


@statement
def set_picked(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i).index_add_(0, within(at(v, i), 1, 1), at(v, j).detach() * 0.25)


@statement
def set_column(W: World, v: list[Any], i: int, j: int) -> None:
    at(v, i)[:, 1] *= 0.5


@statement
def into_buffer(W: World, v: list[Any], i: int, j: int) -> None:
    with torch.no_grad():
        torch.mul(at(v, i), 0.75, out=W.buf)


@statement
def swap_data(W: World, v: list[Any], i: int, j: int) -> None:
    W.w.data = at(v, i).detach() + torch.zeros(2, 3)


@statement
def change_buffer(W: World, v: list[Any], i: int, j: int) -> None:
    W.buf.add_(at(v, i).detach())


@statement
def change_row(W: World, v: list[Any], i: int, j: int) -> None:
    W.row.sub_(0.125)


@statement
def change_alias(W: World, v: list[Any], i: int, j: int) -> None:
    W.alias[1].mul_(0.5)


@statement
def decay(W: World, v: list[Any], i: int, j: int) -> None:
    with torch.no_grad():
        W.w.mul_(0.9)
        W.w[0] -= 0.01


@statement
def data(W: World, v: list[Any], i: int, j: int) -> None:
    W.w.data.clamp_(-0.75, 0.75)


# --- gradients and optimizers --------------------------------------------------------------------------------------


@statement
def backward(W: World, v: list[Any], i: int, j: int) -> None:
    (at(v, i) * at(v, i)).mean().backward()


@statement
def backward_kept(W: World, v: list[Any], i: int, j: int) -> None:
    (W.w * at(v, i).tanh()).sum().backward(retain_graph=True)


@statement
def no_gradient(W: World, v: list[Any], i: int, j: int) -> None:
    W.w.grad = None


@statement
def zero_gradient(W: World, v: list[Any], i: int, j: int) -> None:
    W.opt.zero_grad(set_to_none=j % 2 == 0)


@statement
def own_gradient(W: World, v: list[Any], i: int, j: int) -> None:
    W.w.grad = at(v, i).detach() * 0.5


@statement
def change_gradient(W: World, v: list[Any], i: int, j: int) -> None:
    if W.w.grad is not None:
        W.w.grad.mul_(0.5)


@statement
def clip(W: World, v: list[Any], i: int, j: int) -> None:
    nn.utils.clip_grad_norm_([W.w, *W.net[0].parameters()], 0.5)


@statement
def clip_values(W: World, v: list[Any], i: int, j: int) -> None:
    nn.utils.clip_grad_value_(W.net.parameters(), 0.05)


@statement
def step(W: World, v: list[Any], i: int, j: int) -> None:
    W.opt.step()


@statement
def train(W: World, v: list[Any], i: int, j: int) -> None:
    W.opt.zero_grad()
    linear, norm = W.net[0], W.net[1]  # a batch norm of two rows would leave them rounding errors for gradients
    loss = ((linear(at(v, i)).tanh() * norm.weight + norm.bias) * W.w).square().mean()
    loss.backward()
    W.opt.step()


@statement
def freeze(W: World, v: list[Any], i: int, j: int) -> None:
    W.net[0].weight.requires_grad_(j % 2 == 0)


@statement
def second_step(W: World, v: list[Any], i: int, j: int) -> None:
    W.second.step()


@statement
def scheduled(W: World, v: list[Any], i: int, j: int) -> None:
    W.schedule.step()


@statement
def average(W: World, v: list[Any], i: int, j: int) -> None:
    with torch.no_grad():
        for mean, now in zip(W.ema.parameters(), W.net.parameters(), strict=False):
            mean.lerp_(now, 0.25)


# --- stores --------------------------------------------------------------------------------------------------------


@statement
def store(W: World, v: list[Any], i: int, j: int) -> None:
    W.table["h"] = at(v, i).detach()


@statement
def store_pair(W: World, v: list[Any], i: int, j: int) -> None:
    W.pair = (W.pair[1], at(v, i).detach())


@statement
def store_last(W: World, v: list[Any], i: int, j: int) -> None:
    W.last = at(v, i).detach().clone()


@statement
def store_slot(W: World, v: list[Any], i: int, j: int) -> None:
    W.slots.h = W.slots.h * 0.5 + at(v, i).detach()


@statement
def store_named(W: World, v: list[Any], i: int, j: int) -> None:
    setattr(W, f"h{j % 2}", at(v, i).detach() + 1)


@statement
def remember(W: World, v: list[Any], i: int, j: int) -> None:
    W.recent.append(at(v, i).detach())


@statement
def append(W: World, v: list[Any], i: int, j: int) -> None:
    W.trail.append(at(v, i).detach())


@statement
def fail(W: World, v: list[Any], i: int, j: int) -> None:
    if W.count > 1:
        raise ValueError("on purpose")


@statement
def count(W: World, v: list[Any], i: int, j: int) -> None:
    W.count += 1


# --- what happens between the calls --------------------------------------------------------------------------------

Between = Callable[[World, int], Any]
B: dict[str, Between] = {
    "train": lambda W, i: W.net.train(i % 2 == 0),
    "rate": lambda W, i: W.opt.param_groups[0].__setitem__("lr", 0.01 * (1 + i)),
    "scale": lambda W, i: setattr(W, "scale", 0.25 * (1 + i)),
    "bump": lambda W, i: W.buf.add_(i),
    "clear": lambda W, i: W.opt.zero_grad(),
    "keep_clone": lambda W, i: W.kept.append(W.buf.clone()),
    "keep_alias": lambda W, i: W.kept.append(W.w.detach()),
    "keep_deepcopy": lambda W, i: W.kept.append(copy.deepcopy(W.w.detach())),
    "other_buffer": lambda W, i: setattr(W, "buf", torch.full((2, 3), float(i))),
    "other_entry": lambda W, i: W.table.__setitem__("h", torch.full((2, 3), 0.5 * i)),
    "frozen": lambda W, i: W.w.requires_grad_(i % 2 == 0),
    "hook": lambda W, i: W.hooks.append(W.net.register_forward_hook(lambda m, args, out: out * (1 + i))),
    "unhook": lambda W, i: [hook.remove() for hook in W.hooks] and None,
    "layer": lambda W, i: W.net.__setitem__(0, nn.Linear(3, 3, bias=i % 2 == 0)),
    "slot": lambda W, i: setattr(W.slots, "k", 0.5 + i),
    "other_slot": lambda W, i: setattr(W.slots, "h", torch.full((2, 3), float(i))),
    "other_named": lambda W, i: setattr(W, f"h{i % 2}", torch.full((2, 3), float(i))),
    "class": lambda W, i: setattr(W, "factor", 0.5 * i),
    "schedule": lambda W, i: W.schedule.step(),
    "forget": lambda W, i: W.opt.state.clear(),
    "load": lambda W, i: W.net.load_state_dict(W.net.state_dict()) and None,
    "hook_on_gradient": lambda W, i: W.hooks.append(W.head.bias.register_hook(lambda g: g * (1 + i))),
    "seed": lambda W, i: torch.manual_seed(i) and None,
    "rule": lambda W, i: setattr(W, "rule", (torch.sin, torch.cos, lambda t: t * i, torch.exp)[i]),
    "freeze_net": lambda W, i: W.net.requires_grad_(i % 2 == 0),
    "dropout": lambda W, i: setattr(W.net[2], "p", 0.25 * i),
    "momentum": lambda W, i: W.net[1].__setattr__("momentum", 0.1 * (1 + i)),
    "data": lambda W, i: setattr(W.w, "data", torch.full((2, 3), 0.25 * i)),
    "given_gradient": lambda W, i: setattr(W.w, "grad", torch.full((2, 3), 0.125 * i) if i else None),
    "added_gradient": lambda W, i: W.w.grad is not None and W.w.grad.detach().add_(0.125 * i),
    "load_optimizer": lambda W, i: W.opt.load_state_dict(copy.deepcopy(W.opt.state_dict())),
    "add_group": lambda W, i: W.second.add_param_group({"params": [nn.Parameter(torch.ones(2, 3))], "lr": 0.1}),
    "norm": lambda W, i: W.net.__setitem__(1, nn.BatchNorm1d(3, affine=True, momentum=0.25 * (1 + i))),
    "bias": lambda W, i: W.net[1].bias.data.mul_(0.5 * i),
    "keep_bias": lambda W, i: W.kept.append(W.net[1].bias.detach()),
    "moment": lambda W, i: [s["step"].add_(i) for s in W.opt.state.values() if "step" in s] and None,
}

# --- what happens after a call --------------------------------------------------------------------------------------

After = Callable[[World, list[torch.Tensor], torch.Tensor, int], Any]


def following(fn: After) -> After:
    A[fn.__name__] = fn
    return fn


def unrecorded(fn: After) -> After:
    A[fn.__name__] = torch.no_grad()(fn)
    return fn


A: dict[str, After] = {
    "backward": lambda W, out, x, i: at(out, i).requires_grad and at(out, i).sum().backward(),
    "backward_kept": lambda W, out, x, i: (
        at(out, i).requires_grad and (at(out, i) * W.w).sum().backward(retain_graph=True)
    ),
    "derivative": lambda W, out, x, i: W.kept.extend(
        g
        for g in torch.autograd.grad(at(out, i).square().sum() + W.w.sum(), (W.w, W.leaf), allow_unused=True)
        if g is not None
    ),
    "step": lambda W, out, x, i: W.opt.step(),
}


@following
def second_derivative(W: World, out: list[torch.Tensor], x: torch.Tensor, i: int) -> None:
    if at(out, i).requires_grad:
        value = at(out, i).pow(3).sum() + W.w.square().sum()
        first = torch.autograd.grad(value, (W.w, W.leaf), create_graph=True, allow_unused=True)
        torch.stack([g.square().sum() for g in first if g is not None]).sum().backward()


@unrecorded
def overwrite(W: World, out: list[torch.Tensor], x: torch.Tensor, i: int) -> None:
    at(out, i).mul_(0.5)


@unrecorded
def overwrite_given(W: World, out: list[torch.Tensor], x: torch.Tensor, i: int) -> None:
    x.add_(0.25)


@unrecorded
def overwrite_state(W: World, out: list[torch.Tensor], x: torch.Tensor, i: int) -> None:
    (W.w, W.buf, W.net[0].weight, W.leaf)[i % 4].mul_(0.75)


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        kind: the optimizer.
        statements: what the step does.
        returned: which of its values the step returns.
        calls: for each call, what happens before it, the number that is passed, and what happens after it.
        touch: whether the caller changes what a call returned in place.
    """

    kind: str
    statements: tuple[tuple[str, int, int], ...]
    returned: tuple[int, ...]
    calls: tuple[tuple[tuple[tuple[str, int], ...], int, tuple[tuple[str, int], ...]], ...]
    touch: bool


def programs() -> st.SearchStrategy[Program]:
    number, given = st.integers(0, 7), st.integers(0, len(X) + len(ARGUMENTS) - 1)
    between = st.lists(st.tuples(st.sampled_from(sorted(B)), st.integers(0, 3)), max_size=2).map(tuple)
    after = st.lists(st.tuples(st.sampled_from(sorted(A)), st.integers(0, 3)), max_size=3).map(tuple)
    some = st.lists(st.tuples(st.sampled_from(sorted(S)), number, number), min_size=1, max_size=8)
    whole = st.builds(
        lambda before, i, after: [*before, ("train", i, 0), *after], some, number, some
    )  # a training step
    return st.builds(
        Program,
        kind=st.sampled_from(["SGD", "Adam"]),
        statements=st.one_of(some, whole).map(tuple),
        returned=st.lists(number, min_size=1, max_size=3).map(tuple),
        calls=st.lists(st.tuples(between, given, after), min_size=1, max_size=4).map(tuple),
        touch=st.booleans(),
    )


# arguments that the step reaches in another way, too
ARGUMENTS: list[Callable[[World], torch.Tensor]] = [lambda W: W.buf, lambda W: W.buf.view(2, 3), lambda W: W.w]
X = np.linspace(-1.0, 1.0, 48).astype(np.float32).reshape(8, 2, 3)


def run(program: Program, compiler: Callable[..., Any] | None) -> list[Any]:
    """What the program shows after each call: results, state, or an exception, which ends it."""
    world = World(program.kind)

    def body(x: torch.Tensor) -> Any:
        values: list[Any] = [x]
        for name, i, j in program.statements:
            made = S[name](world, values, i, j)
            if made is not None:
                values.append(made)
        return [at(values, i) for i in program.returned]

    call = body if compiler is None else compiler(body)
    seen: list[Any] = []
    for before, number, after in program.calls:
        for name, i in before:
            if name == "bump" and world.buf.requires_grad:
                continue
            if name == "frozen" and not world.w.is_leaf:
                continue
            B[name](world, i)
        x = ARGUMENTS[number - len(X)](world) if number >= len(X) else torch.tensor(X[number])
        try:
            out = call(x)
            for name, i in after:
                A[name](world, out, x, i)
        except Exception as error:
            seen.append(
                (type(error).__name__, str(error).split("inplace operation")[0])
            )  # of what, is said in two ways
            break
        if program.touch:
            with torch.no_grad():
                for t in out:
                    t.mul_(0.5)
        known = {id(t): name for name, t in world.tensors().items()} | {id(x): "x"}
        seen.append(
            (
                [(show(t), known.get(id(t), "new")) for t in (*out, x)],
                {name: show(t) for name, t in world.tensors().items()},
                world.count,
            )
        )
    return seen


def show(t: Any) -> Any:
    """A Tensor as what can be compared."""
    if t is None:
        return None
    return np.array(t.detach().numpy()), t.requires_grad, t.is_leaf
