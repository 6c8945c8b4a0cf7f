"""Methods and properties of ``Tensor`` that the operator database does not hold, against PyTorch's: one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="compares with PyTorch")

from tests.parity.calls import assert_same

Calls = dict[str, Callable[[Any], Any]]


def six(t: Any) -> Any:
    return t.arange(6.0).reshape(2, 3)


def raised(call: Callable[[], Any]) -> str:
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "nothing"


QUESTIONS: Calls = {
    "sizes": lambda t: [
        (x.element_size(), x.itemsize, x.nbytes, x.nelement(), x.ndimension(), x.numel(), x.dim())
        for x in (six(t), t.ones(0, 2), t.tensor(True), t.ones(3, dtype=t.complex128), t.ones(2, dtype=t.float16))
    ],
    "devices": lambda t: [
        (x.is_cpu, x.is_cuda, x.is_ipu, x.is_maia, x.is_mkldnn, x.is_mps, x.is_mtia, x.is_vulkan, x.is_xla, x.is_xpu)
        for x in (six(t),)
    ],
    "kinds": lambda t: [
        (x.is_quantized, x.is_nested, x.is_sparse, x.is_sparse_csr, x.is_meta, x.is_leaf) for x in (six(t),)
    ],
    "flags": lambda t: [
        (x.is_distributed(), x.is_shared(), x.is_pinned(), x.is_inference(), x.is_signed(), x.is_neg(), x.is_conj())
        for x in (six(t), t.ones(2, dtype=t.complex64))
    ],
    "get_device": lambda t: [six(t).get_device(), t.get_device(six(t))],
    "is_nonzero": lambda t: [t.tensor([[3]]).is_nonzero(), raised(lambda: six(t).is_nonzero())],
    "is_same_size": lambda t: [six(t).is_same_size(six(t)), six(t).is_same_size(t.ones(3, 2))],
    "is_set_to": lambda t: (lambda x: [x.is_set_to(x), x.is_set_to(x.clone()), x.is_set_to(x.view(2, 3))])(six(t)),
    "dim_order": lambda t: [
        six(t).dim_order(),
        six(t).T.dim_order(),
        t.ones(1, 2, 3, 4).permute(0, 2, 3, 1).dim_order(),
    ],
    "is_contiguous": lambda t: [
        six(t).is_contiguous(),
        six(t).T.is_contiguous(),
        six(t)[:, :2].is_contiguous(),
        six(t)[:1].is_contiguous(),
    ],
    "transposes": lambda t: [six(t).T, six(t).mT, six(t).H, (six(t) * 1j).H, (six(t) * 1j).mH, t.ones(2, 3, 4).mT],
    "transposes of vectors": lambda t: [raised(lambda: t.ones(3).mT), raised(lambda: t.ones(2, 2, 2).H)],
    "graph": lambda t: (lambda y: [y.grad_fn is None, y.output_nr, y.retains_grad, y.is_leaf])(
        t.ones(2, requires_grad=True) * 2
    ),
    "graph of a leaf": lambda t: (lambda y: [y.grad_fn, y.output_nr, y.retains_grad])(t.ones(2, requires_grad=True)),
    "second result": lambda t: t.ones(2, 2, requires_grad=True).unbind()[1].output_nr,
    "strides": lambda t: [
        (x.stride(), x.stride(0), x.storage_offset()) for x in (six(t), six(t).T, six(t)[1:], six(t)[:, 1])
    ],
    "name": lambda t: [six(t).name, six(t).requires_grad, six(t).grad, six(t).layout, six(t).ndim, six(t).shape],
    "types": lambda t: [six(t).type(), six(t).type("torch.IntTensor"), six(t).type(t.int8), t.ones(1).long().type()],
    "type_as": lambda t: six(t).type_as(t.ones(1, dtype=t.float16)),
    "storage": lambda t: [len(six(t).storage()), six(t).storage().tolist(), six(t)[1].storage().tolist()],
    "untyped_storage": lambda t: [six(t).untyped_storage().nbytes(), six(t)[1].untyped_storage().nbytes()],
    "data_ptr": lambda t: (lambda x: [x.data_ptr() == x.view(3, 2).data_ptr(), type(x.data_ptr())])(six(t)),
    "real": lambda t: (lambda z: [z.real, z.imag, raised(lambda: six(t).imag)])(t.tensor([1 + 2j, 3 - 1j])),
    "to another library": lambda t: [six(t).numpy(), six(t).tolist(), t.tensor(3).item(), t.ones(2).bool().tolist()],
}

CHANGES: Calls = {
    "detach_": lambda t: (lambda y: [y.detach_() is y, y.requires_grad, y.grad_fn])(t.ones(2, requires_grad=True) * 2),
    "detach_ of a view": lambda t: raised(lambda: (t.ones(2, requires_grad=True) * 2)[0].detach_()),
    "relu_": lambda t: (lambda x: [x.relu_() is x, x])(six(t) - 3),
    "apply_": lambda t: six(t).apply_(lambda v: v * 2 + 1),
    "apply_ that requires a gradient": lambda t: raised(lambda: t.ones(1, requires_grad=True).apply_(lambda v: v)),
    "map_": lambda t: six(t).map_(t.ones(2, 3) * 2, lambda a, b: a * b + 1),
    "map2_": lambda t: six(t).map2_(t.ones(2, 3), t.ones(2, 3) * 3, lambda a, b, c: a + b * c),
    "resize_": lambda t: [six(t).resize_(3, 2), six(t).resize_(2, 2), tuple(six(t).resize_((4, 5)).shape)],
    "resize_as_": lambda t: six(t).resize_as_(t.ones(3, 2)),
    "set_": lambda t: (lambda x, y: [x.set_(y), x.shape])(t.ones(1), six(t)),
    "set_ to nothing": lambda t: tuple(six(t).set_().shape),
    "set_ to a storage": lambda t: [
        t.ones(1).set_(six(t).untyped_storage(), 1, (2, 2), (2, 1)),
        t.ones(1).set_(six(t), 2, (2, 2)),
    ],
    "share_memory_": lambda t: tuple(six(t).share_memory_().shape),
    "register_post_accumulate_grad_hook": lambda t: after_accumulation(t),
    "retain_grad": lambda t: retained(t),
    "register_hook": lambda t: hooked(t),
    "requires_grad_": lambda t: [
        six(t).requires_grad_().requires_grad,
        raised(lambda: t.ones(1, dtype=t.int64).requires_grad_()),
        raised(lambda: (t.ones(1, requires_grad=True) * 2).requires_grad_(False)),
    ],
    "data": lambda t: (lambda x: [x.data.requires_grad, x.data.fill_(5), x])(t.ones(2, requires_grad=True)),
    "new": lambda t: [tuple(six(t).new(2, 3).shape), six(t).new([1, 2]), six(t).new().dtype],
    "new_tensor": lambda t: [six(t).double().new_tensor([1, 2]), six(t).new_tensor([1, 2], dtype=t.int8)],
    "copy_": lambda t: [six(t).copy_(t.ones(3)), t.ones(2, dtype=t.int64).copy_(t.tensor([1.7, -1.7]))],
    "copy_ of another shape": lambda t: raised(lambda: six(t).copy_(t.ones(4))),
    "fill_diagonal_": lambda t: [t.zeros(3, 3).fill_diagonal_(2), t.zeros(5, 2).fill_diagonal_(2, wrap=True)],
    "zero_": lambda t: (lambda x: [x[0].zero_(), x])(six(t)),
    "random_": lambda t: (lambda x: [bool(((x >= 3) & (x < 7)).all()), x.dtype])(t.empty(50).random_(3, 7)),
    "bernoulli_": lambda t: [t.ones(3).bernoulli_(0.0), t.zeros(3).bernoulli_(1.0), t.zeros(2).bernoulli_(t.ones(2))],
    "as_subclass": lambda t: type(six(t).as_subclass(t.nn.Parameter)),
    "unsafe_split_with_sizes": lambda t: six(t).unsafe_split_with_sizes([1, 2], dim=1),
    "slogdet": lambda t: t.tensor([[2.0, 1], [1, 3]]).slogdet(),
    "prelu": lambda t: (six(t) - 3).prelu(t.tensor([0.1])),
    "hardshrink": lambda t: (six(t) - 3).hardshrink(1.5),
}


def after_accumulation(t: Any) -> Any:
    x, seen = t.ones(2, requires_grad=True), []
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.clone()))
    (x * 3).sum().backward()
    handle.remove()
    (x * 3).sum().backward()
    return seen, x.grad, raised(lambda: (x * 2).register_post_accumulate_grad_hook(print))


def retained(t: Any) -> Any:
    x = t.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    return y.retains_grad, y.grad, raised(lambda: t.ones(1).retain_grad())


def hooked(t: Any) -> Any:
    x = t.ones(2, requires_grad=True)
    handle = x.register_hook(lambda g: g * 10)
    (x * 3).sum().backward()
    handle.remove()
    (x * 3).sum().backward()
    return x.grad, raised(lambda: t.ones(1).register_hook(print))


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_a_tensor_says_of_itself(name):
    assert_same(QUESTIONS[name])


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_it(name):
    assert_same(CHANGES[name])
