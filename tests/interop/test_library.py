"""torch.library: operators that libraries register, as those of spiking networks do for each kind of device."""

import pytest

import fxtorch as torch


def test_the_implementation_for_the_cpu_runs_there_whatever_else_is_registered_after_it():
    library = torch.library.Library("kinds_of_devices", "FRAGMENT")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: 2 * x, "CPU")
    library.impl("twice", lambda x: 1 / 0, "CUDA")
    assert torch.ops.kinds_of_devices.twice.default(torch.ones(2)).tolist() == [2.0, 2.0]


def test_one_registered_for_cuda_alone_runs_anywhere():
    library = torch.library.Library("kinds_of_devices", "FRAGMENT")
    library.impl("thrice", lambda x: 3 * x, "CUDA")
    assert torch.ops.kinds_of_devices.thrice(torch.ones(2)).tolist() == [3.0, 3.0]


def test_an_implementation_given_after_the_gradient_is_the_one_that_runs():
    @torch.library.triton_op("kinds_of_devices::square", mutates_args=())
    def square(x):
        raise AssertionError("replaced")

    def backward(ctx, grad):
        return 2 * ctx.saved_tensors[0] * grad

    square.register_autograd(backward, setup_context=lambda ctx, inputs, output: ctx.save_for_backward(inputs[0]))
    torch.library.impl("kinds_of_devices::square", "CPU", lambda x: x * x)
    x = torch.tensor([3.0], requires_grad=True)
    torch.ops.kinds_of_devices.square(x).backward()
    assert x.grad.tolist() == [6.0]


def test_an_operator_without_implementation_says_so():
    torch.library.define("kinds_of_devices::nothing", "(Tensor x) -> Tensor")
    with pytest.raises(NotImplementedError, match="kinds_of_devices::nothing"):
        torch.ops.kinds_of_devices.nothing(torch.ones(1))


def test_a_kernel_stays_what_it_is():
    kernel = object()
    assert torch.library.wrap_triton(kernel) is kernel
