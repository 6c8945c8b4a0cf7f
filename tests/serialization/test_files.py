"""save and load without PyTorch: round trips, refusals, damage, atomic writing."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import sys
import zipfile
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.nn.modules.linear import NonDynamicallyQuantizableLinear
from fxtorch.nn.parameter import Parameter
from fxtorch.serialization import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    load,
    safe_globals,
    save,
)
from fxtorch.serialization.legacy import START
from fxtorch.serialization.pickling import Pickler
from fxtorch.tensor.dtype import ALL


def written(obj):
    file = io.BytesIO()
    save(obj, file)
    return io.BytesIO(file.getvalue())


def round_trip(obj, **options):
    return load(written(obj), **options)


class Secret:
    def __init__(self):
        self.opened = False

    def __setstate__(self, state):
        self.__dict__.update(state, opened=True)


@pytest.mark.parametrize("dtype", list(ALL.values()), ids=list(ALL))
def test_every_type_comes_back(dtype):
    x = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype)
    back = round_trip(x)
    assert (back.dtype, tuple(back.shape)) == (dtype, (2, 3))
    assert np.asarray(back.numpy()).tobytes() == np.asarray(x.numpy()).tobytes()


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1, 4)], ids=str)
def test_every_shape_comes_back(shape):
    assert tuple(round_trip(torch.ones(shape)).shape) == shape


def test_plain_values_come_back():
    value = {
        "n": [1, -5, 2**70, 255, 65536, True, None, 1.5, 2j],
        "t": ("é", b"\x00\xff", bytearray(b"ab"), ()),
        3: {1, 2},
        "o": OrderedDict(b=1, a=2),
        "c": Counter("aab"),
        "s": torch.Size([2, 3]),
        "d": torch.float16,
        "v": torch.device("cpu"),
    }
    back = round_trip(value)
    assert back == value
    assert {k: type(v) for k, v in back.items()} == {k: type(v) for k, v in value.items()}


def test_an_object_seen_twice_is_one_object():
    x = torch.ones(2)
    back = round_trip([x, x, [x]])
    assert back[0] is back[1] is back[2][0]


def test_parameters_and_gradients_flags_come_back():
    back = round_trip([Parameter(torch.ones(2)), Parameter(torch.ones(2), requires_grad=False)])
    assert [type(p) for p in back] == [Parameter, Parameter]
    assert [p.requires_grad for p in back] == [True, False]
    assert round_trip(torch.ones(2, requires_grad=True)).requires_grad


def test_attributes_of_a_state_dict_come_back():
    state: Any = OrderedDict(w=torch.ones(2))
    state._metadata = {"": {"version": 1}}
    assert round_trip(state)._metadata == {"": {"version": 1}}


def test_tensors_on_one_array_share_memory_afterwards():
    x = torch.zeros(3)
    a, b = round_trip([x, x.detach()])
    a.add_(1)
    assert b.tolist() == [1.0, 1.0, 1.0]


def test_a_path_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "model.pt"
    save({"step": 1}, path)
    with pytest.raises(Exception, match="pickle"):
        save({"step": 2, "f": (i for i in [])}, path)
    assert load(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    save({"step": 1}, path)

    def full_disk(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save({"step": 2}, path)
    monkeypatch.undo()
    assert load(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]


def test_a_link_stays_a_link_and_the_mode_stays(tmp_path):
    real, link = tmp_path / "real.pt", tmp_path / "link.pt"
    save(1, real)
    real.chmod(0o640)
    link.symlink_to(real)
    save(2, link)
    assert link.is_symlink()
    assert load(real) == 2
    assert real.stat().st_mode & 0o777 == 0o640


def test_storages_begin_on_64_byte_boundaries():
    file = written([torch.ones(3), torch.ones(5, dtype=torch.bool), torch.ones(2)])
    with zipfile.ZipFile(file) as archive:
        records = [info for info in archive.infolist() if "/data/" in info.filename]
    assert len(records) == 3
    for info in records:
        file.seek(info.header_offset + 26)
        name, extra = np.frombuffer(file.read(4), "<u2").tolist()
        assert (info.header_offset + 30 + name + extra) % 64 == 0


def test_the_same_object_gives_the_same_bytes():
    assert written({"a": torch.ones(3)}).getvalue() == written({"a": torch.ones(3)}).getvalue()


def test_another_class_is_refused_by_its_name_and_not_made():
    file = written(Secret())
    with pytest.raises(pickle.UnpicklingError, match=r"Unsupported global: GLOBAL \S*Secret was not an allowed global"):
        load(file)


def test_safe_globals_let_a_class_in_for_a_while():
    with safe_globals([Secret]):
        assert get_safe_globals() == [Secret]
        assert round_trip(Secret()).opened
    assert get_safe_globals() == []
    with pytest.raises(pickle.UnpicklingError):
        round_trip(Secret())


def test_numpy_values_need_safe_globals():
    array = np.arange(3.0)
    with pytest.raises(pickle.UnpicklingError, match=r"numpy\._core\.multiarray\._reconstruct"):
        round_trip(array)
    reconstruct: Any = np.arange(1).__reduce__()[0]
    add_safe_globals([reconstruct, np.ndarray, np.dtype, type(np.dtype(np.float64))])
    try:
        assert round_trip(array).tolist() == [0.0, 1.0, 2.0]
    finally:
        clear_safe_globals()


def test_anything_loads_where_the_file_is_trusted():
    assert round_trip(Secret(), weights_only=False).opened
    assert round_trip({"w": torch.ones(2)}, weights_only=False)["w"].tolist() == [1.0, 1.0]


def forged(pickled, records=()):
    """A PyTorch file with this pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, data in records:
            archive.writestr(f"archive/{name}", data)
    return io.BytesIO(file.getvalue())


def tensor_pickle(offset=0, size=(2,), stride=(1,), count=2, key="0"):
    """The pickle of a float32 Tensor, each number as given."""

    def numbers(values):
        return b"(" + b"".join(b"J" + int(v).to_bytes(4, "little", signed=True) for v in values) + b"t"

    name = b"X" + len(key).to_bytes(4, "little") + key.encode()
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + name + b"X\x03\x00\x00\x00cpu"
    storage += b"J" + count.to_bytes(4, "little") + b"tQ"
    place = b"J" + offset.to_bytes(4, "little", signed=True)
    hooks = b"ccollections\nOrderedDict\n)R"
    geometry = place + numbers(size) + numbers(stride)
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + geometry + b"\x89" + hooks + b"tR."


def test_the_forged_tensor_is_right_when_its_numbers_are():
    data = np.array([1, 2], np.float32).tobytes()
    assert load(forged(tensor_pickle(), [("data/0", data)])).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "numbers",
    [
        {"offset": 1},
        {"offset": -1},
        {"size": (3,)},
        {"size": (-1,)},
        {"stride": (2,)},
        {"stride": (-1,)},
        {"size": (2, 2), "stride": (1,)},
        {"count": 3},
    ],
    ids=str,
)
def test_a_tensor_outside_of_its_storage_is_refused(numbers):
    data = np.array([1, 2], np.float32).tobytes()
    with pytest.raises(pickle.UnpicklingError, match="damaged"):
        load(forged(tensor_pickle(**numbers), [("data/0", data)]))


def test_a_tensor_that_would_fill_the_memory_is_refused():
    data = np.array([1, 2], np.float32).tobytes()
    with pytest.raises(pickle.UnpicklingError, match="would fill the memory"):
        load(forged(tensor_pickle(size=(2**30, 2), stride=(0, 1)), [("data/0", data)]))


@pytest.mark.parametrize(
    ("pickled", "words"),
    [
        (b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.", "GLOBAL posix.system|GLOBAL os.system"),
        (b"\x80\x02c__builtin__\neval\n(X\x01\x00\x00\x001tR.", "GLOBAL eval"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93(X\x01\x00\x00\x001tR.", "GLOBAL exec"),
        (b"\x80\x02ctorch\nload\n(X\x01\x00\x00\x00atR.", "GLOBAL torch.load"),
        (b"\x80\x02(X\x01\x00\x00\x00ai1\n.", "Unsupported operand"),
        (b"\x80\x02K\x01(K\x01tR.", "unrecognized function"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "Can only create new object"),
        (b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb.", "Can only build"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "Only persistent_load of storage"),
        (b"\x80\x02c__builtin__\nbytearray\n(J\xff\xff\xff\x7ftR.", "bytearray that is not made of bytes"),
        (b"\x80\x02ctorch\nTensor\n(J\xff\xff\xff\x7ftR.", "unrecognized function"),
        (b"\x80\x02]K\x01K\x02s.", "Can only set items"),
        (b"\x80\x02K\x01", "cut short"),
        (b"\x80\x02h\x05.", "damaged"),
        (b"\x80\x02R.", "damaged"),
        (b"\x80\x02X\xff\xff\xff\xffab", "cut short"),
    ],
    ids=["os.system", "eval", "exec", "torch.load", "old call", "number", "new", "class state", "reference", "bomb",
         "large tensor", "list as dict", "no end", "no memo", "empty stack", "long text"],
)  # fmt: skip
def test_what_no_weights_need_is_refused(pickled, words):
    with pytest.raises(pickle.UnpicklingError, match=words):
        load(forged(pickled))


def test_no_damage_of_the_pickle_gets_past_the_machine():
    rng = np.random.default_rng(0)
    state = OrderedDict(a=torch.ones(2, 3), b=[1, 2.5, "x", {1}], c=torch.float16, d=torch.ones(2, dtype=torch.uint16))
    with zipfile.ZipFile(written(state)) as archive:
        records = [(name.partition("/")[2], archive.read(name)) for name in archive.namelist()]
    whole = dict(records)["data.pkl"]
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        for at in rng.integers(len(whole), size=rng.integers(1, 4)):
            damaged[at] = rng.integers(256)
        try:
            load(forged(bytes(damaged), [r for r in records if r[0] != "data.pkl"]))
        except (pickle.UnpicklingError, RuntimeError):
            refused += 1
    assert refused > 300


@pytest.mark.parametrize("where", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_a_file_cut_short_gives_one_clear_error(tmp_path, where):
    whole = written({"w": torch.ones(1000)}).getvalue()
    path = tmp_path / "cut.pt"
    path.write_bytes(whole[: int(len(whole) * where)])
    with pytest.raises(RuntimeError, match=r"cut\.pt is cut short or damaged"):
        load(path)


def test_a_flipped_byte_is_noticed():
    whole = bytearray(written({"w": torch.ones(1000)}).getvalue())
    whole[len(whole) // 2] ^= 1
    with pytest.raises(RuntimeError, match="record data/0 cannot be read"):
        load(io.BytesIO(bytes(whole)))


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"", EOFError, "is empty"),
        (b"hello", RuntimeError, "is not a PyTorch file"),
        (pickle.dumps({}, 2), RuntimeError, "is a pickle but not a PyTorch file: Invalid magic number"),
        (pickle.dumps({}, 4), RuntimeError, "is a pickle but not a PyTorch file: Invalid magic number"),
    ],
    ids=["empty", "text", "pickle", "newer pickle"],
)
def test_a_foreign_file_is_named_for_what_it_is(content, kind, words):
    with pytest.raises(kind, match=words):
        load(io.BytesIO(content))


def test_memory_is_mapped_of_zip_files_on_disk_alone(tmp_path):
    torch.save(torch.arange(3.0), tmp_path / "new.pt")
    assert torch.load(tmp_path / "new.pt", mmap=True).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        torch.load(written(1), mmap=True)
    (tmp_path / "old.pt").write_bytes(legacy_file({"step": 3}, {}))
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        torch.load(tmp_path / "old.pt", mmap=True)


def test_a_file_without_numbers_keeps_room_for_them():
    state = {"w": torch.ones(2, 3), "v": torch.tensor([1, 2])}
    with torch.serialization.skip_data():
        empty = written(state).getvalue()
    full = written(state).getvalue()
    assert len(empty) == len(full) and empty != full
    for content, block in ((empty, contextlib.nullcontext()), (full, torch.serialization.skip_data())):
        with block:
            loaded = load(io.BytesIO(content))
        assert loaded["w"].tolist() == [[0, 0, 0]] * 2 and loaded["v"].tolist() == [0, 0]
    assert load(io.BytesIO(full))["v"].tolist() == [1, 2]


def test_another_zip_is_not_taken_for_weights():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(RuntimeError, match=r"no data\.pkl"):
        load(io.BytesIO(file.getvalue()))


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.pt")


def from_gpu():
    pickled = tensor_pickle().replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:7")
    return forged(pickled, [("data/0", np.array([1, 2], np.float32).tobytes())])


def test_a_device_that_is_not_here_is_named_with_the_way_out():
    with pytest.raises(RuntimeError, match=r"deserialize object on a CUDA device.*map_location"):
        load(from_gpu())


@pytest.mark.parametrize(
    "map_location",
    ["cpu", torch.device("cpu"), {"cuda:7": "cpu"}, lambda storage, location: storage],
    ids=["str", "device", "dict", "function"],
)
def test_map_location_says_where_instead(map_location):
    assert load(from_gpu(), map_location=map_location).tolist() == [1.0, 2.0]


def test_big_endian_files_are_read():
    data = np.array([1, 2], ">f4").tobytes()
    assert load(forged(tensor_pickle(), [("data/0", data), ("byteorder", b"big")])).tolist() == [1.0, 2.0]


def legacy_file(obj: object, storages: dict[str, bytes]) -> bytes:
    """The bytes that PyTorch wrote before version 1.6."""
    parts = [START, pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2)]
    file = io.BytesIO()
    pickler = Pickler(file)
    persistent = pickler.persistent_id
    pickler.persistent_id = lambda obj: (*found, None) if (found := persistent(obj)) else None
    pickler.dump(obj)
    parts += [file.getvalue(), pickle.dumps(list(storages), 2)]
    for data in storages.values():
        parts += [struct.pack("<q", len(data) // 4), data]
    return b"".join(parts)


def test_files_from_before_version_1_6_are_read() -> None:
    w = torch.arange(6.0).reshape(2, 3)
    content = legacy_file({"w": w, "epoch": 3}, {"0": w.numpy().tobytes()})
    loaded = torch.load(io.BytesIO(content))
    assert loaded["epoch"] == 3 and loaded["w"].tolist() == w.tolist()
    with pytest.raises(RuntimeError, match="cut short or damaged"):
        torch.load(io.BytesIO(content[:-4]))
    evil = legacy_file({"w": w, "f": os.system}, {"0": w.numpy().tobytes()})
    with pytest.raises(pickle.UnpicklingError, match="system"):
        torch.load(io.BytesIO(evil))


def test_whole_modules_are_written_by_pytorchs_names() -> None:
    file = io.BytesIO()
    torch.save(torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.ReLU()), file)
    assert b"fxtorch" not in file.getvalue() and b"ctorch.nn.modules.linear\nLinear\n" in file.getvalue()
    again = torch.load(io.BytesIO(file.getvalue()), weights_only=False)
    assert type(again[0]) is torch.nn.Linear


class Trusted:
    """A class of one's own."""


def test_the_environment_says_what_load_trusts_where_the_caller_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(Trusted()).getvalue()
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        load(io.BytesIO(data))
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.warns(UserWarning, match="TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected"):
        assert isinstance(load(io.BytesIO(data)), Trusted)
    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(data), weights_only=True)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "yes")
    with pytest.raises(RuntimeError, match="both were set"):
        load(io.BytesIO(data))
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(data), weights_only=False)


def test_a_pickle_module_of_ones_own_is_trust() -> None:
    data = written(Trusted()).getvalue()
    assert isinstance(load(io.BytesIO(data), pickle_module=pickle), Trusted)
    with pytest.raises(RuntimeError, match="explicit pickle_module"):
        load(io.BytesIO(data), pickle_module=pickle, weights_only=True)


def test_a_module_whose_class_is_let_in_loads_without_running_code() -> None:
    layer = torch.nn.MultiheadAttention(4, 2)
    data = written(layer).getvalue()
    with pytest.raises(pickle.UnpicklingError, match=r"torch\.nn\.modules\.activation\.MultiheadAttention"):
        load(io.BytesIO(data))
    classes = [torch.nn.MultiheadAttention, NonDynamicallyQuantizableLinear]
    with torch.serialization.safe_globals(classes):
        again = load(io.BytesIO(data))
    assert torch.equal(again.in_proj_weight, layer.in_proj_weight)


def test_a_file_read_to_the_meta_device_gives_shapes_and_types_alone() -> None:
    file = io.BytesIO()
    base = torch.arange(6.0)
    torch.save({"base": base, "view": base[2:4], "layer": torch.nn.Linear(2, 3).state_dict()}, file)
    loaded = torch.load(io.BytesIO(file.getvalue()), map_location="meta")
    assert loaded["base"].is_meta and loaded["layer"]["weight"].shape == (3, 2)
    assert loaded["view"].is_meta and loaded["view"].shape == (2,)


def test_what_is_no_file_says_so() -> None:
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
        torch.save(1, 5)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="seekable"):
        torch.load(5)  # type: ignore[arg-type]


class Marked(torch.Tensor):
    """A class of Tensors that a program makes."""


def test_what_a_program_hangs_on_a_tensor_is_kept():
    x: Any = torch.ones(2)
    p: Any = Parameter(torch.ones(1))
    x.note, p.rate = "mine", 0.5
    back = round_trip({"x": x, "p": p, "b": torch.nn.Buffer(torch.ones(1))})
    assert (back["x"].note, back["p"].rate, type(back["b"])) == ("mine", 0.5, torch.Tensor)


def test_tensors_of_a_programs_own_class_are_let_in_by_name():
    x = torch.ones(2).as_subclass(Marked)
    x.note = "mine"
    with pytest.raises(pickle.UnpicklingError, match="Marked"):
        round_trip(x)
    with safe_globals([Marked]):
        back = round_trip(x)
    again = round_trip(x, weights_only=False)
    assert (type(back), back.note, type(again), again.note) == (Marked, "mine", Marked, "mine")


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_a_file_would_need_is_listed_without_loading_it(protocol):
    file = io.BytesIO()
    save([Secret(), Secret, torch.ones(2), Counter("a"), torch.nn.ReLU()], file, pickle_protocol=protocol)
    names = [f"{__name__}.Secret", "torch.nn.modules.activation.ReLU"]
    assert torch.serialization.get_unsafe_globals_in_checkpoint(file) == names
    with safe_globals([Secret]):
        assert torch.serialization.get_unsafe_globals_in_checkpoint(file) == names[1:]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RuntimeError, match=r"Parent directory .*nowhere does not exist"):
        save(1, tmp_path / "nowhere" / "x.pt")


def test_a_storage_goes_where_a_programs_own_function_says():
    def here(storage, location):
        assert torch.serialization.location_tag(storage) == location == "cpu"
        return torch.serialization.default_restore_location(storage, "cpu")

    assert round_trip(torch.ones(2), map_location=here).tolist() == [1, 1]


def test_what_the_stand_ins_define_is_written_by_their_public_names(monkeypatch):
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)  # the real one, if there, would be meant
    from fxtorch.vision.models.squeezenet import Fire

    data = zipfile.ZipFile(written(Fire(2, 2, 2, 2))).read("archive/data.pkl")
    assert b"torchvision.models.squeezenet\nFire\n" in data
    assert isinstance(round_trip(Fire(2, 2, 2, 2), weights_only=False), Fire)
