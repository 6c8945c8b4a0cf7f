"""The names of torch.jit, and operators that libraries register."""

from __future__ import annotations

import io

import pytest

import fxtorch as torch
from fxtorch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x).relu()


def test_a_scripted_module_is_the_module_and_can_save_itself() -> None:
    net = Net()
    scripted = torch.jit.script(net)
    assert isinstance(scripted, torch.jit.ScriptModule) and isinstance(scripted, Net)
    assert not isinstance(net, torch.jit.ScriptModule)
    assert scripted.layer.weight is net.layer.weight and list(scripted.state_dict()) == list(net.state_dict())
    scripted.eval()
    assert not net.training
    file = io.BytesIO()
    scripted.save(file)
    again = torch.jit.load(io.BytesIO(file.getvalue()))
    x = torch.randn(4, 3)
    assert isinstance(again, torch.jit.ScriptModule) and torch.equal(again(x), net(x))


def test_a_traced_module_keeps_its_names_and_is_compiled() -> None:
    net = Net()
    traced = torch.jit.trace(net, torch.ones(1, 3))
    assert list(traced.state_dict()) == list(net.state_dict())
    traced(torch.ones(1, 3)).sum().backward()
    assert net.layer.bias.grad is not None and net._compiled_call_impl is None


def test_torch_jit_can_be_imported_from() -> None:
    from fxtorch.jit import ScriptModule, script  # pyright: ignore[reportMissingImports]

    def f(x):
        return x

    assert script(f) is f and ScriptModule is torch.jit.ScriptModule and not torch.jit.is_scripting()


def test_an_operator_of_a_library_has_the_gradient_that_was_registered() -> None:
    @torch.library.custom_op("tests::thrice", mutates_args=())
    def thrice(x, times=3):
        return x * times

    def backward(ctx, grad):
        return grad * ctx.times * 10, None

    def setup(ctx, inputs, output):
        ctx.times = inputs[1]

    thrice.register_autograd(backward, setup_context=setup)
    x = torch.ones(2, requires_grad=True)
    y = torch.ops.tests.thrice(x)
    y.sum().backward()
    assert y.tolist() == [3.0, 3.0] and x.grad.tolist() == [30.0, 30.0]
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = torch.ops.tests.absent
    with pytest.raises(OSError, match="loads no compiled operators"):
        torch.ops.load_library("libtorchvision.so")


def test_a_library_may_announce_an_operator_and_give_its_body_later() -> None:
    lib = torch.library.Library("tests2", "DEF")
    lib.define("plus(Tensor a, Tensor b) -> Tensor")
    with pytest.raises(NotImplementedError, match="tests2::plus"):
        torch.ops.tests2.plus(torch.ones(1), torch.ones(1))
    lib.impl("plus", lambda a, b: a + b, "CPU")
    assert torch.ops.tests2.plus(torch.ones(1), torch.ones(1)).item() == 2.0
    assert torch.ops.aten.relu.default(torch.tensor([-1.0])).item() == 0.0


def test_blocks_that_choose_a_fuser_or_a_kernel_change_no_result() -> None:
    q = torch.randn(1, 2, 4, 8)
    wanted = nn.functional.scaled_dot_product_attention(q, q, q)
    with torch.jit.fuser("fuser2"), torch.backends.cuda.sdp_kernel(enable_flash=False, enable_mem_efficient=False):
        got = nn.functional.scaled_dot_product_attention(q, q, q)
    assert torch.equal(got, wanted)


def test_cuda_graphs_point_to_jit() -> None:
    with pytest.raises(RuntimeError, match=r"there are no CUDA graphs: fxtorch\.jit makes one program"):
        torch.cuda.CUDAGraph()
