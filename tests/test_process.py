"""Settings of the process, devices, the random module, gradient scaling, and comparing Tensors."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import fxtorch as torch
from fxtorch.testing import assert_close


def test_the_version_is_torchs_api_and_fxtorchs_own() -> None:
    release, _, own = torch.__version__.partition("+fxtorch.")
    assert tuple(map(int, release.split("."))) >= (2, 0) and own == torch.version.fxtorch


def test_determinism_and_its_debug_mode_are_one_setting() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.are_deterministic_algorithms_enabled() and torch.get_deterministic_debug_mode() == 1
    torch.set_deterministic_debug_mode("default")
    assert not torch.are_deterministic_algorithms_enabled()


def test_matmul_precision_reaches_jax() -> None:
    before = jax.config.values["jax_default_matmul_precision"]
    torch.backends.cuda.matmul.allow_tf32 = True
    assert torch.get_float32_matmul_precision() == "high" == jax.config.values["jax_default_matmul_precision"]
    torch.set_float32_matmul_precision("highest")
    assert torch.backends.cuda.matmul.allow_tf32 is False
    jax.config.update("jax_default_matmul_precision", before)
    with pytest.raises(RuntimeError, match="is not one of 'highest', 'high', or 'medium'"):
        torch.set_float32_matmul_precision("low")


def test_without_a_gpu_cuda_says_so() -> None:
    if any(d.platform == "gpu" for d in jax.devices()):
        pytest.skip("there is a GPU")
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
    assert not torch.backends.cudnn.is_available()
    torch.cuda.manual_seed_all(3)
    torch.cuda.empty_cache()
    assert torch.cuda.memory_allocated() == 0
    for call in (torch.cuda.synchronize, torch.cuda.current_device, lambda: torch.zeros(1).cuda()):
        with pytest.raises(RuntimeError, match="No CUDA GPUs are available"):
            call()


def test_switches_of_a_backend_are_restored_after_a_block() -> None:
    with torch.backends.cudnn.flags(benchmark=True):
        assert torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.benchmark


def test_draws_inside_a_fork_leave_the_state_outside() -> None:
    torch.manual_seed(5)
    with torch.random.fork_rng():
        inside = torch.rand(2)
    assert torch.equal(torch.rand(2), inside)
    with torch.random.fork_rng(enabled=False):
        inside = torch.rand(2)
    assert not torch.equal(torch.rand(2), inside)


def test_a_scaler_steps_or_backs_off() -> None:
    p = torch.nn.Parameter(torch.ones(2))
    opt = torch.optim.SGD([p], lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=1)
    scaler.scale(p.sum()).backward()
    assert p.grad is not None and p.grad.tolist() == [8.0, 8.0]
    scaler.step(opt)
    scaler.update()
    assert p.tolist() == [0.0, 0.0] and scaler.get_scale() == 16.0
    p.grad = torch.tensor([float("inf"), 1.0])
    scaler.step(opt)
    scaler.update()
    assert p.tolist() == [0.0, 0.0] and scaler.get_scale() == 8.0
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 8.0


def test_close_tensors_pass_and_tolerances_are_the_types() -> None:
    one = torch.ones(2)
    assert_close(one, one + 1e-6)
    assert_close({"a": [one, 1.0]}, {"a": [one, 1.0 + 1e-8]})
    with pytest.raises(AssertionError):
        assert_close(one.double(), one.double() + 1e-6)
    assert_close(one, one + 0.1, rtol=0.2, atol=0.0)
    assert_close(torch.tensor([float("nan")]), torch.tensor([float("nan")]), equal_nan=True)


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 4.0]), "Mismatched elements: 1 / 3 (33.3%)"),
        (torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 4.0]), "1.0 at index (2,) (up to 1e-05 allowed)"),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "Tensor-likes are not equal!"),
        (torch.ones(2), torch.ones(3), "attribute 'shape' do not match: torch.Size([2]) != torch.Size([3])."),
        (torch.ones(2), torch.ones(2).double(), "attribute 'dtype' do not match: torch.float32 != torch.float64."),
        ([torch.ones(1), torch.ones(1)], [torch.ones(1), torch.zeros(1)], "The failure occurred for item [1]"),
        ([1.0], [1.0, 2.0], "The length of the sequences mismatch: 1 != 2"),
        (1.0, 2.0, "Expected 2.0 but got 1.0."),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")]), "Tensor-likes are not close!"),
    ],
)  # fmt: skip
def test_what_is_not_close_is_described(actual: object, expected: object, words: str) -> None:
    with pytest.raises(AssertionError) as error:
        assert_close(actual, expected)
    assert words in str(error.value)


def test_one_tolerance_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="rtol and atol must both be specified"):
        assert_close(1.0, 1.0, rtol=1.0)


def test_random_tensors_for_tests_stay_in_their_bounds_and_follow_the_seed() -> None:
    x = torch.testing.make_tensor(50, dtype=torch.float64, low=2, high=3)
    assert x.min().item() >= 2 and x.max().item() <= 3
    torch.manual_seed(1)
    a = torch.testing.make_tensor((3,), dtype=torch.int64)
    torch.manual_seed(1)
    np.testing.assert_array_equal(a.numpy(), torch.testing.make_tensor((3,), dtype=torch.int64).numpy())
