"""Programs compiled before the first call, their cost and their text; padding to few sizes; what explain tells."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.compiler import explain
from tests.compiler.scenarios import step_of


def test_lowering_runs_nothing_and_the_calls_after_compile_nothing() -> None:
    net = nn.Linear(3, 2)
    opt = torch.optim.Adam(net.parameters(), lr=0.1)
    step, x = torch.jit(step_of(net, opt), max_traces=1), torch.ones(4, 3)
    before = net.weight.tolist()
    program = step.lower(x).compile()
    assert net.weight.tolist() == before and net.weight.grad is None
    losses = [step(x).item() for _ in range(3)]
    assert losses[0] > losses[1] > losses[2] and step.traces == 1
    assert "HloModule" in program.as_text()


def test_the_cost_of_a_product_is_its_multiplications_and_additions() -> None:
    a, b = torch.ones(16, 32), torch.ones(32, 8)
    cost = torch.jit(torch.matmul).lower(a, b).compile().cost
    assert 0.9 * 2 * 16 * 32 * 8 <= cost.flops <= 1.1 * 2 * 16 * 32 * 8
    assert cost.argument_bytes == 4 * (16 * 32 + 32 * 8) and cost.output_bytes == 4 * 16 * 8
    assert cost.peak_bytes >= cost.argument_bytes + cost.output_bytes and "FLOPs" in str(cost)


def test_profiles_and_programs_carry_the_names_of_modules() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
            self.head = nn.Linear(3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.encoder(x))

    net = Net()
    text = torch.jit(lambda x: net(x)).lower(torch.ones(2, 3)).compile().as_text()
    assert "Net/encoder/0/" in text and "Net/head/" in text


def test_what_is_baked_in_is_lowered_anew_when_it_changes() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    run = torch.jit(lambda x: net(x))
    run.lower(torch.ones(2, 3)).compile()
    net.eval()
    np.testing.assert_array_equal(run(torch.ones(2, 3)).detach().numpy(), net(torch.ones(2, 3)).detach().numpy())
    assert run.traces == 2


def test_repeated_layers_are_in_the_program_once() -> None:
    counts = []
    for layers in (8, 24):  # fewer are faster without a loop
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        net = nn.TransformerEncoder(layer, layers).eval()
        text = torch.jit(lambda x, net=net: net(x)).lower(torch.ones(1, 4, 8)).as_text()
        counts.append(text.count("dot_general"))
    assert counts[0] == counts[1] > 0


def test_padding_does_with_one_program_for_many_sizes() -> None:
    @torch.jit(dynamic="bucket", axes={"x": 0, "y": 0}, sizes=[4, 8])
    def loss(x: torch.Tensor, y: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.where(mask, (x - y) ** 2, 0.0).sum() / mask.sum()

    for n in (5, 6, 7, 8, 3):
        assert loss(torch.full((n,), 3.0), torch.ones(n)).item() == 4.0
    assert loss.traces == 2
    assert loss.waste == pytest.approx(1 - 29 / 36)
    assert "padding: 19% of the elements" in explain(loss)
    with pytest.raises(ValueError, match="9 is more than the largest size"):
        loss(torch.ones(9), torch.ones(9))


def test_axes_with_names_get_a_mask_each() -> None:
    @torch.jit(dynamic="bucket", axes={"x": {0: "batch", 1: "time"}})
    def total(x: torch.Tensor, batch_mask: torch.Tensor, time_mask: torch.Tensor) -> torch.Tensor:
        return (x + 1).mul(batch_mask[:, None] * time_mask).sum()

    assert total(torch.ones(3, 5)).item() == 30.0 and total(torch.ones(4, 7)).item() == 56.0
    assert total.traces == 1


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (self.layer(x)[:, 0] * mask).sum()


def test_a_module_is_padded_and_takes_part_in_an_eager_backward() -> None:
    net = Masked()
    fast = torch.jit(net, dynamic="bucket", axes={"x": 0})
    for n in (3, 4):
        x = torch.ones(n, 3)
        found = fast(x)
        net.zero_grad()
        found.backward()
        assert found.item() == pytest.approx(net(x, torch.ones(n)).item(), rel=1.3e-6)
        assert net.layer.weight.grad is not None and net.layer.weight.grad.tolist() == [[n] * 3]
    assert fast.traces == 1 and fast.waste == pytest.approx(1 / 8)


def test_a_module_and_what_is_padded_are_lowered_as_functions_are() -> None:
    net = nn.Linear(3, 2)
    fast = torch.jit(net)
    x = torch.ones(4, 3)
    assert fast.lower(x).compile().cost.flops > 0
    np.testing.assert_array_equal(fast(x).detach(), net(x).detach())
    assert "1 program" in explain(fast)
    padded = torch.jit(lambda x, mask: (x * mask).sum(), dynamic="bucket", axes={"x": 0})
    assert "4xf32" in padded.lower(torch.ones(3)).as_text()
    padded.lower(torch.ones(3)).compile()
    assert padded(torch.ones(4)).item() == 4 and padded.traces == 1 and padded.waste == 0


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ((None,), TypeError, "x is to be padded, and must be a Tensor, not NoneType"),
        (([1.0],), TypeError, "x is to be padded, and must be a Tensor, not list"),
        ((torch.tensor(1.0),), IndexError, r"x is to be padded along axis 0, which its shape \(\) has not"),
        ((), TypeError, "x is to be padded, and must be a Tensor"),
    ],
)
def test_what_cannot_be_padded_is_an_error_with_its_name(given: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        torch.jit(lambda x, mask: x * mask, dynamic="bucket", axes={"x": 0})(*given)


def test_padding_a_function_without_a_mask_is_an_error() -> None:
    with pytest.raises(TypeError, match="has no argument 'mask'"):
        torch.jit(lambda x: x, dynamic="bucket", axes={"x": 0})


def test_explain_tells_of_each_trace_why_and_how_long() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.1))
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    step = torch.jit(step_of(net, opt))
    step(torch.ones(4, 3))
    net.eval()
    step(torch.ones(4, 3))
    step(torch.ones(5, 3))
    text = explain(step)
    assert "trace 1: the first call (" in text and " s, of which XLA " in text
    assert "trace 2: changed: net.1.training: True became False" in text
    assert "float32[4,3] became float32[5,3]" in text
    assert "reads opt.state[0]['momentum_buffer']" in text and "changes net.0.weight" in text


def test_a_program_found_on_the_disk_is_counted(tmp_path: Any) -> None:
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    compilation_cache.reset_cache()
    try:
        runs = [torch.jit(lambda x: (x * 3 + 7.25).tanh()) for _ in range(2)]
        for run in runs:
            run(torch.ones(3))
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
        compilation_cache.reset_cache()
    assert runs[0].makings[0].misses >= 1
    assert runs[1].makings[0].hits >= 1 and "from the disk" in explain(runs[1])


def test_explain_tells_what_a_step_of_many_does() -> None:
    net = nn.Linear(3, 2)
    step = step_of(net, torch.optim.SGD(net.parameters(), lr=0.1))
    folded = torch.fold(step)
    assert "0 programs" in explain(folded)
    folded(torch.ones(5, 4, 3))
    text = explain(folded)
    assert "program 1: 5 steps" in text and "changes net.weight" in text
    many = torch.ensemble([step, step_of(other := nn.Linear(3, 2), torch.optim.SGD(other.parameters(), lr=0.1))])
    many(torch.ones(4, 3))
    assert "program 1: 2 members" in explain(many)


def test_explain_names_the_flag_of_a_parameter_and_the_state_of_objects() -> None:
    class Trainer:
        def __init__(self) -> None:
            self.net, self.scale, self.h = nn.Linear(3, 2), 2.0, torch.zeros(2)

        def run(self, x: torch.Tensor) -> torch.Tensor:
            self.h = self.h + 1
            return self.net(x) * self.scale + self.h

    trainer = Trainer()
    run = torch.jit(trainer.run)
    run(torch.ones(4, 3))
    trainer.net.weight.requires_grad_(False)
    run(torch.ones(4, 3))
    trainer.scale = 3.0
    run(torch.ones(4, 3))
    assert run.reasons[1:] == [
        "changed: self.net.weight.requires_grad: True became False",
        "changed: self.scale: 2.0 became 3.0",
    ]
    assert "reads self.h" in explain(run) and "reads self.net.bias" in explain(run)


def test_the_step_of_an_optimizer_overwrites_parameters_and_moments_where_they_are() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(40, 50), torch.nn.ReLU(), torch.nn.Linear(50, 30))
    opt = torch.optim.Adam(model.parameters())

    step, x = torch.jit(step_of(model, opt)), torch.randn(8, 40)
    step(x)
    program = step.lower(x).compile().as_text()
    entry = program[program.index("ENTRY") :]
    assert re.findall(r"= f32\[(?:50,40|30,50)\]\S* fusion\(", entry)
    copies = re.findall(r"= f32\[(?:50,40|30,50)\]\S* copy\(", entry)
    assert len(copies) <= 1  # a weight that XLA updates before the gradient has gone through its layer; it was 6
