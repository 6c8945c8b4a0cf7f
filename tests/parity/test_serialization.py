"""Files of PyTorch read here, files written here read by PyTorch."""

from __future__ import annotations

import io
import pickle
import re
from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity tests compare with PyTorch")

import fxtorch  # noqa: E402
from fxtorch import optim  # noqa: E402
from fxtorch.serialization import load, save  # noqa: E402
from fxtorch.tensor.dtype import ALL  # noqa: E402


def from_torch(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file)
    return load(io.BytesIO(file.getvalue()), **options)


def to_torch(obj):
    file = io.BytesIO()
    save(obj, file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=True)


def bits(tensor):
    if isinstance(tensor, torch.Tensor):
        return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return np.asarray(tensor.detach().numpy()).tobytes()


def example(name):
    return torch.tensor([[0.0, 1.0, 3.0], [2.0, 1.0, 0.0]]).to(getattr(torch, name))


@pytest.mark.parametrize("name", list(ALL))
def test_every_type_goes_both_ways(name):
    x = example(name)
    back = from_torch(x)
    assert (back.dtype, tuple(back.shape)) == (ALL[name], (2, 3))
    assert bits(back) == bits(x)
    there = to_torch(back)
    assert (there.dtype, there.shape, there.stride()) == (x.dtype, x.shape, x.stride())
    assert bits(there) == bits(x)


BASE = torch.arange(24.0)
VIEWS = {
    "transposed": BASE.reshape(4, 6).T,
    "sliced": BASE.reshape(4, 6)[1:3, ::2],
    "expanded": BASE[3:4].expand(5, 1, 2)[:, 0],
    "offset": BASE[20:],
    "channels last": BASE.reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
    "conjugated": torch.complex(BASE, BASE + 1).conj(),
    "imaginary part of a conjugate": torch.complex(BASE, BASE + 1).conj().imag,
    "empty": BASE[:0],
    "scalar": BASE[5],
}


@pytest.mark.parametrize("name", VIEWS)
def test_strides_and_offsets_are_understood(name):
    assert from_torch(VIEWS[name]).tolist() == VIEWS[name].tolist()


@pytest.mark.parametrize("order", ["base first", "base last"])
def test_views_of_one_storage_share_memory(order):
    base = torch.arange(6.0)
    parts = [base, base[2:4], base.reshape(2, 3).T]
    loaded = from_torch(parts if order == "base first" else parts[::-1])
    whole, middle, turned = loaded if order == "base first" else loaded[::-1]
    whole.mul_(10)
    assert middle.tolist() == [20.0, 30.0]
    assert turned.tolist() == [[0.0, 30.0], [10.0, 40.0], [20.0, 50.0]]
    middle.zero_()
    assert whole.tolist() == [0.0, 10.0, 0.0, 0.0, 40.0, 50.0]
    assert turned.tolist() == [[0.0, 0.0], [10.0, 40.0], [0.0, 50.0]]


def test_plain_values_and_torchs_own_go_both_ways():
    value = OrderedDict(
        n=[1, -5, 2**70, 1.5, True, None, 2j],
        t=("é", b"\x00\xff", bytearray(b"ab"), {1, 2}),
        size=torch.Size([2, 3]),
        device=torch.device("cpu"),
        dtype=torch.bfloat16,
    )
    back = from_torch(value)
    assert (back["n"], back["t"]) == (value["n"], value["t"])
    assert (back["size"], back["device"], back["dtype"]) == (
        fxtorch.Size([2, 3]),
        fxtorch.device("cpu"),
        fxtorch.bfloat16,
    )
    assert to_torch(back) == value


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_other_pickle_protocols_are_read(protocol):
    file = io.BytesIO()
    torch.save({"a": torch.ones(2), "b": b"x", "c": {1}, "d": "e" * 300}, file, pickle_protocol=protocol)
    back = load(io.BytesIO(file.getvalue()))
    assert (back["a"].tolist(), back["b"], back["c"], back["d"]) == ([1.0, 1.0], b"x", {1}, "e" * 300)


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.LazyLinear(5)
    ).to(torch.float32)


def test_a_state_dict_goes_both_ways():
    net = model()
    net(torch.zeros(2, 1, 5, 5))
    state = net.state_dict()
    back = from_torch(state)
    assert list(back) == list(state)
    assert back._metadata == state._metadata
    there = to_torch(back)
    assert there._metadata == state._metadata
    for name, tensor in state.items():
        assert torch.equal(there[name], tensor)
    net.load_state_dict(there)


def test_parameters_with_attributes_are_read():
    p = torch.nn.Parameter(torch.ones(2))
    p.rank = 3
    back = from_torch([p])[0]
    assert (back.rank, back.requires_grad, back.tolist()) == (3, True, [1.0, 1.0])


class Aliased(pickle.Unpickler):
    """Plain pickle, torch's names meaning fxtorch's."""

    def find_class(self, module, name):
        if module.split(".")[0] == "torch":
            module = (
                "fxtorch.interop.names.utils" if module == "torch._utils" else module.replace("torch", "fxtorch", 1)
            )
        return super().find_class(module, name)


def test_plain_pickles_of_tensors_are_read():
    made = {"t": torch.arange(6.0).reshape(2, 3).t(), "p": torch.nn.Parameter(torch.ones(2).bfloat16())}
    read = Aliased(io.BytesIO(pickle.dumps(made))).load()
    assert read["t"].tolist() == made["t"].tolist() and type(read["p"]) is fxtorch.nn.Parameter
    assert read["p"].dtype is fxtorch.bfloat16 and read["p"].requires_grad


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_an_optimizers_state_goes_both_ways(name):
    options = {"momentum": 0.9} if name != "Adam" else {"amsgrad": True}
    p = torch.nn.Parameter(torch.ones(3))
    theirs = getattr(torch.optim, name)([p], lr=0.1, **options)
    q = fxtorch.ones(3, requires_grad=True)
    ours = getattr(optim, name)([q], lr=0.1, **options)
    for scale in (1.0, 2.0):
        p.grad, q.grad = torch.full((3,), scale), fxtorch.full((3,), scale)
        theirs.step()
        ours.step()
    fresh = getattr(optim, name)([fxtorch.ones(3, requires_grad=True)], **options)
    fresh.load_state_dict(from_torch(theirs.state_dict()))
    back = getattr(torch.optim, name)([torch.nn.Parameter(torch.ones(3))], **options)
    back.load_state_dict(to_torch(ours.state_dict()))
    for key, value in theirs.state[p].items():
        np.testing.assert_allclose(fresh.state_dict()["state"][0][key].numpy(), value.numpy(), rtol=1e-6)
        np.testing.assert_allclose(back.state_dict()["state"][0][key].numpy(), value.numpy(), rtol=1e-6)
    assert fresh.param_groups[0]["lr"] == back.param_groups[0]["lr"] == 0.1


def test_files_on_disk_can_be_mapped_by_torch(tmp_path):
    path = tmp_path / "w.pt"
    save({"w": fxtorch.arange(100), "h": fxtorch.ones(3, dtype=fxtorch.bfloat16)}, path)
    mapped = torch.load(path, mmap=True, weights_only=True)
    assert mapped["w"].tolist() == list(range(100))
    assert mapped["h"].tolist() == [1.0, 1.0, 1.0]


def test_a_generators_state_is_read():
    state = torch.Generator().manual_seed(3).get_state()
    assert bits(from_torch({"rng": state})["rng"]) == bits(state)


@pytest.mark.parametrize(
    "obj",
    [torch.nn.Linear(1, 1), np.float32(1), np.arange(3), slice(1, 2)],
    ids=["module", "numpy scalar", "numpy array", "slice"],
)
def test_what_torch_refuses_is_refused_by_the_same_name(obj):
    file = io.BytesIO()
    torch.save(obj, file)

    def refusal(read):
        with pytest.raises(pickle.UnpicklingError) as error:
            read(io.BytesIO(file.getvalue()), weights_only=True)
        text = str(error.value)
        return text[text.index("Unsupported global") :].split("\n")[0]

    assert refusal(load) == refusal(torch.load)


@pytest.mark.filterwarnings("ignore:Sparse")  # of PyTorch, that they are in beta or not checked
@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr", "to_sparse_csc"])
def test_sparse_tensors_go_both_ways(layout):
    sparse = getattr(torch.tensor([[0.0, 2.0], [3.0, 0.0]]), layout)()
    read = from_torch({"w": sparse})["w"]
    assert str(read.layout) == str(sparse.layout) and read.to_dense().tolist() == [[0.0, 2.0], [3.0, 0.0]]
    back = to_torch(getattr(fxtorch.tensor([[0.0, 2.0], [3.0, 0.0]]), layout)())
    assert back.layout == sparse.layout and torch.equal(back.to_dense(), sparse.to_dense())


def test_tensors_without_values_go_both_ways():
    assert from_torch(torch.empty(2, 3, device="meta", dtype=torch.float64)).dtype is fxtorch.float64
    back = to_torch(fxtorch.empty(2, 3, device="meta"))
    assert back.is_meta and back.shape == (2, 3)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "complex64", "float8_e4m3fn", "float8_e4m3fnuz"])
def test_views_written_here_share_memory_there(name):
    base = fxtorch.arange(12).reshape(3, 4).to(getattr(fxtorch, name))
    read = to_torch({"base": base, "corner": base[1:, 2:], "turned": base.T, "row": base[1], "alias": base.detach()})
    assert read["corner"].stride() == (4, 1) and read["corner"].storage_offset() == 6
    assert read["turned"].stride() == (1, 4)
    assert len({t.untyped_storage().data_ptr() for t in read.values()}) == 1
    assert read["corner"].to(torch.complex64).real.tolist() == [[6.0, 7.0], [10.0, 11.0]]


def test_a_view_of_a_copy_is_written_alone():
    x = fxtorch.arange(6.0).reshape(2, 3)
    read = to_torch({"flat": x.T.reshape(6), "real": fxtorch.complex(x, x).real, "none": x[:0]})
    assert read["flat"].tolist() == [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    assert read["real"].tolist() == x.tolist() and read["none"].shape == (0, 3)


def test_the_flags_that_programs_pass_are_accepted(tmp_path):
    save({"w": fxtorch.ones(2)}, tmp_path / "w.pt", _use_new_zipfile_serialization=False, pickle_protocol=2)
    assert torch.load(tmp_path / "w.pt")["w"].tolist() == [1.0, 1.0]


WHOLE = {
    "Linear": ((3, 4), (2, 3)),
    "Conv2d": ((3, 4, 2), (1, 3, 5, 5)),
    "BatchNorm1d": ((4,), (3, 4)),
    "Dropout": ((), (2, 3)),
    "GRU": ((3, 4, 2), (5, 2, 3)),
    "LSTM": ((3, 4), (5, 2, 3)),
    "LSTMCell": ((3, 4), (2, 3)),
    "LayerNorm": ((3,), (2, 3)),
    "Upsample": ((None, 2), (1, 2, 3, 3)),
    "PReLU": ((), (2, 3)),
    "ConvTranspose2d": ((3, 4, 2), (1, 3, 5, 5)),
    "TransformerEncoderLayer": ((4, 2, 8), (5, 2, 4)),
}


def first(out):
    return first(out[0]) if isinstance(out, tuple) else out


@pytest.mark.parametrize("name", WHOLE)
def test_whole_modules_go_both_ways_where_their_classes_are_let_in(name):
    args, shape = WHOLE[name]
    x = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)

    def classes(space):
        found = [type(m) for m in getattr(space.nn, name)(*args).modules()]
        return [*found, space.nn.functional.relu]

    ours, theirs = getattr(fxtorch.nn, name)(*args).eval(), getattr(torch.nn, name)(*args).eval()
    with torch.serialization.safe_globals(classes(torch)):
        there = to_torch(ours)
    with fxtorch.serialization.safe_globals(classes(fxtorch)):
        here = from_torch(theirs, weights_only=True)
    assert type(there) is type(theirs) and type(here) is type(ours)
    assert vars(there).keys() == vars(theirs).keys() and vars(here).keys() == vars(ours).keys()
    for mine, its in ((ours, there), (here, theirs)):
        np.testing.assert_allclose(
            first(mine(fxtorch.tensor(x))).detach().numpy(), first(its(torch.tensor(x))).detach().numpy(),
            rtol=1.3e-6, atol=1e-5,
        )  # fmt: skip
    with pytest.raises(pickle.UnpicklingError, match=re.escape(type(ours).__qualname__)):
        from_torch(theirs, weights_only=True)


def test_functions_are_known_by_each_of_their_names():
    for function in (torch.nn.functional.gelu, torch.relu, torch.nn.functional.relu, torch.tanh):
        assert callable(from_torch([function], weights_only=False)[0])
    assert from_torch({"act": torch.nn.functional.gelu}, weights_only=False)["act"] is fxtorch.nn.functional.gelu
    file = io.BytesIO()
    save({"act": fxtorch.nn.functional.gelu}, file)
    again = torch.load(io.BytesIO(file.getvalue()), weights_only=False)["act"]
    assert again(torch.zeros(1)) == 0


def test_attributes_of_tensors_go_both_ways():
    for space, carry in ((torch, from_torch), (fxtorch, to_torch)):
        x, p = space.ones(2), space.nn.Parameter(space.ones(1))
        x.note, p.rate = "mine", 0.5
        back = carry({"x": x, "p": p, "b": space.nn.Buffer(space.ones(2))})
        assert (back["x"].note, back["p"].rate, back["b"].persistent) == ("mine", 0.5, True)


def test_names_that_a_file_would_need_are_pytorchs():
    file = io.BytesIO()
    torch.save({"a": torch.nn.Linear(2, 2), "b": np.ones(2), "c": torch.ones(1)}, file)
    ours = fxtorch.serialization.get_unsafe_globals_in_checkpoint(file)
    assert set(ours) == set(torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(file.getvalue())))


class Kind(torch.Tensor):
    """A class of Tensors, of theirs."""


class OurKind(fxtorch.Tensor):
    """The same, of ours."""


def test_a_tensor_of_a_class_without_attributes_is_read(tmp_path, monkeypatch):
    torch.save(torch.ones(2).as_subclass(Kind), tmp_path / "kind.pt")
    monkeypatch.setitem(globals(), "Kind", OurKind)
    read = fxtorch.load(tmp_path / "kind.pt", weights_only=False)
    assert type(read) is OurKind and read.tolist() == [1.0, 1.0]


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_a_storage_that_was_saved_by_itself_is_read(tmp_path):
    for name, storage in (("typed", torch.arange(3.0).storage()), ("bytes", torch.arange(3.0).untyped_storage())):
        torch.save(storage, tmp_path / name)
        for strict in (True, False):
            theirs = torch.load(tmp_path / name, weights_only=strict)
            ours = fxtorch.load(tmp_path / name, weights_only=strict)
            assert type(ours).__name__ == type(theirs).__name__ and ours.tolist() == theirs.tolist()
