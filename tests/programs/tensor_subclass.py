"""Tensors with names attached, by subclassing and __torch_function__; typed constructors and old ways to convert."""

import torch
from common import normal, record


class MetadataTensor:
    def __init__(self, data, metadata=None, **kwargs):
        self._t = torch.as_tensor(data, **kwargs)
        self._metadata = metadata

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if kwargs is None:
            kwargs = {}
        metadatas = tuple(a._metadata for a in args if hasattr(a, "_metadata"))
        args = [getattr(a, "_t", a) for a in args]
        assert len(metadatas) > 0
        return MetadataTensor(func(*args, **kwargs), metadata=metadatas[0])


class Named(torch.Tensor):
    calls = []

    @staticmethod
    def __new__(cls, x, name="", *args, **kwargs):
        return super().__new__(cls, x, *args, **kwargs)

    def __init__(self, x, name=""):
        self.name_of = name

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append(getattr(func, "__name__", ""))
        return super().__torch_function__(func, types, args, kwargs or {})


m = torch.add(MetadataTensor([[1.0], [2.0]], metadata={"owner": "me"}), torch.tensor([[1.0], [1.0]]))
assert m._metadata == {"owner": "me"}
record("metadata", m._t)
named = Named([1.0, 2.0, 3.0], "three")
doubled = (named * 2).exp().sum()
assert isinstance(doubled, Named) and named.name_of == "three"
assert {"mul", "exp", "sum"} <= set(Named.calls), Named.calls
record("doubled", doubled.as_subclass(torch.Tensor))
x = torch.DoubleTensor([[1, 2], [3, 4]])
y = torch.LongTensor(2, 2).fill_(3)
z = torch.ByteTensor([1, 0])
assert x.type() == "torch.DoubleTensor" and isinstance(y, torch.LongTensor) and z.dtype is torch.uint8
record("typed", x.type(torch.FloatTensor) * y.type("torch.FloatTensor") + z.type_as(x).float())
w = torch.autograd.Variable(normal(2, 3), requires_grad=True)
out = w.mm(torch.ones(3, 1)).clamp(min=0)
out.backward(torch.ones_like(out))
record("variable", w.grad.data)
idx = torch.tensor([0, 2, 0])
acc = torch.zeros(3)
acc[idx] += 1
acc.index_add_(0, idx, torch.ones(3)).masked_fill_(acc > 5, 0)
record("indexed", acc)
values, places = torch.tensor([3.0, 1.0, 2.0]).sort()
top = torch.tensor([3.0, 1.0, 2.0]).topk(2)
record("sorted", torch.cat([values, places.float(), top.values, top.indices.float()]))
record("where", torch.stack(torch.where(torch.tensor([[True, False], [False, True]]))))
record("svd", torch.linalg.svd(normal(3, 2), full_matrices=False).S)
