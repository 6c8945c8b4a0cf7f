"""``save`` and ``load``."""

from __future__ import annotations

import io
import os
import pickle
import sys
import warnings
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from fxtorch.serialization.archive import Reader, Writer, atomic_write
from fxtorch.serialization.legacy import LegacyReader, is_legacy
from fxtorch.serialization.machine import Machine
from fxtorch.serialization.names import named
from fxtorch.serialization.pickling import pickled, raw
from fxtorch.serialization.places import MapLocation, place_of
from fxtorch.serialization.rebuild import ADMITTED, ClassName, Loaded
from fxtorch.serialization.safe_globals import by_name
from fxtorch.serialization.skipping import skip_data
from fxtorch.serialization.storages import StorageClass
from fxtorch.tensor.dtype import ALL
from fxtorch.tensor.storages import TypedStorage

DEFAULT_PROTOCOL = 2  # of pickle: what PyTorch reads everywhere
File = str | os.PathLike[str] | IO[bytes]

_FORCED = ("WEIGHTS_ONLY_LOAD", "NO_WEIGHTS_ONLY_LOAD")
_TRUE = ("1", "y", "yes", "true")
_REFUSED = (
    "Weights only load failed. {name} was not loaded: it needs more than the types that weights need.\n"
    "\tIf you trust the file, let in what it names (see below), or re-run `torch.load` with `weights_only` set to "
    "`False`, which runs code that the file chooses.\n"
    "\tWeightsUnpickler error: {error}"
)


def save(
    obj: Any,
    f: File,
    pickle_module: Any = None,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write ``obj`` as PyTorch does: a file that ``torch.load`` reads there and here.

    Writing to a path is atomic: after a crash the old file or the new one is there, whole.  Tensors that share an
    array, and views of it, share a storage.

    Args:
        obj: Tensors, state dicts, numbers, strings, containers of these; other objects are pickled by reference to
            their class, and load only with ``weights_only=False``.
        f: a path, or a binary stream.
        pickle_module: accepted; the pickler is one that knows torch's names.
        _use_new_zipfile_serialization: accepted; the format is the one that PyTorch has read since 1.6.
        _disable_byteorder_record: whether to leave out which end of a number comes first.
        pickle_protocol: of the objects in it.

    Raises:
        RuntimeError: the folder of the path does not exist.
        pickle.PicklingError, AttributeError, TypeError: something in ``obj`` cannot be pickled; nothing is written.

    Example:
        >>> import io
        >>> import fxtorch as torch
        >>> file = io.BytesIO()
        >>> torch.save({"w": torch.ones(2), "step": 3}, file)
        >>> torch.load(io.BytesIO(file.getvalue()))
        {'w': tensor([1., 1.]), 'step': 3}
    """
    if not isinstance(f, str | os.PathLike) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    data, storages = pickled(obj, pickle_protocol)
    stream: AbstractContextManager[IO[bytes]]
    if isinstance(f, str | os.PathLike):
        folder, stream = Path(f).stem or "archive", atomic_write(f)
    else:
        folder, stream = "archive", nullcontext(f)
    with stream as file, Writer(file, folder) as writer:
        writer.write("data.pkl", data)
        writer.write(".format_version", b"1")
        writer.write(".storage_alignment", b"64")
        if not _disable_byteorder_record:
            writer.write("byteorder", sys.byteorder.encode())
        for key, array in storages.items():
            writer.write(f"data/{key}", bytes(array.nbytes) if skip_data.active else raw(array))


def load(
    f: File,
    map_location: MapLocation = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read a file that :func:`save` or PyTorch wrote; the whole file is checked before anything is returned.

    Args:
        f: a path, or a binary stream that can seek.
        map_location: where its Tensors go: a device, a dict from saved to wanted devices, or a function of a storage
            and the saved device.
        pickle_module: for ``weights_only=False``: whose ``Unpickler`` to use.
        weights_only: admit only what weights need (Tensors, numbers, strings, containers and what
            :func:`add_safe_globals` let in), and run no code from the file.  ``False`` loads anything, and runs what
            the file asks for: only for files you trust.  Unless given it is true without a ``pickle_module``, which
            ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1`` in the environment changes; ``TORCH_FORCE_WEIGHTS_ONLY_LOAD=1``
            makes it true in any case.
        mmap: accepted for the path of a file in the zip format; storages are read one by one in any case.
        pickle_load_args: for ``weights_only=False``: further arguments of the ``Unpickler``.

    Raises:
        FileNotFoundError: there is no such file.
        EOFError: it is empty.
        ValueError: ``mmap`` is wanted of a stream.
        RuntimeError: it is not a PyTorch file, is damaged, is an old one of which ``mmap`` is wanted, or was saved on a
            device that is not here; or both variables are set.
        pickle.UnpicklingError: it needs more than ``weights_only`` admits, by the name of what it needs.
    """
    strict = _is_strict(weights_only, pickle_module)
    if not isinstance(f, str | os.PathLike) and not (hasattr(f, "seek") and hasattr(f, "read")):
        raise AttributeError(
            f"'{type(f).__name__}' object has no attribute 'seek'. You can only torch.load from a file that is "
            "seekable. Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
        )
    if mmap and not isinstance(f, str | os.PathLike):
        raise ValueError("f must be a file path in order to use the mmap argument")
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            if mmap and is_legacy(file):
                raise RuntimeError(
                    f"mmap can only be used with files saved with `torch.save({f}, "
                    "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this option in order "
                    "to use mmap."
                )
            return _given(_load(file, str(f), map_location, pickle_module, strict, pickle_load_args))
    return _given(_load(f, "the stream", map_location, pickle_module, strict, pickle_load_args))


def _is_strict(weights_only: bool | None, pickle_module: Any) -> bool:
    """Whether only weights are admitted: by the argument, and by PyTorch's two variables of the environment."""
    always, never = (os.environ.get(f"TORCH_FORCE_{name}", "0").lower() in _TRUE for name in _FORCED)
    if always and never:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` should be set, "
            "but both were set."
        )
    if always or weights_only is not None:
        return always or bool(weights_only)
    if never:
        warnings.warn(
            "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the `weights_only` argument was not "
            "explicitly passed to `torch.load`, forcing weights_only=False.",
            UserWarning,
            stacklevel=3,
        )
        return False
    return pickle_module is None


def _load(
    file: IO[bytes],
    name: str,
    map_location: MapLocation,
    pickle_module: Any,
    weights_only: bool,
    pickle_load_args: dict[str, Any],
) -> Any:
    reader = LegacyReader(file, name) if is_legacy(file) else Reader(file, name)
    storages = _Storages(reader, map_location)
    data = reader.read("data.pkl")
    if not weights_only:
        unpickler = _trusting(pickle_module or pickle, storages)
        return unpickler(io.BytesIO(data), **pickle_load_args).load()
    if pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    try:
        return Machine(data, ADMITTED, by_name(), storages).run()
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(_REFUSED.format(name=name, error=error)) from None


def load_part(data: bytes) -> Any:
    """What the bytes of a file hold, a storage as what Tensors are made from: files within plain pickles."""
    return _load(io.BytesIO(data), "the stream", None, None, False, {})


def _given(found: Any) -> Any:
    """What a file holds; a storage that was saved by itself as the one that PyTorch gives, of bytes where it was."""
    if not isinstance(found, Loaded):
        return found
    kind = found.dtype or ALL["uint8"]
    elements = found.tensor((0, (len(found.data) // kind.itemsize,), (1,)), kind)
    return TypedStorage(elements)


class _Storages:
    """The storages of one file, each read once."""

    def __init__(self, reader: Reader | LegacyReader, map_location: MapLocation) -> None:
        self._reader = reader
        self._map_location = map_location
        self._order = reader.byte_order()
        self._loaded: dict[str, Loaded] = {}

    def __call__(self, reference: tuple[Any, ...]) -> Loaded:
        _, kind, key, location, count, *part = reference
        if part not in ([], [None]):
            raise pickle.UnpicklingError("storages that are parts of others, as very old files have them, are not read")
        if not isinstance(kind, StorageClass) or not isinstance(key, str) or not isinstance(location, str):
            raise pickle.UnpicklingError("the file is damaged: a reference to no storage")
        if key not in self._loaded:
            expected = count * (1 if kind.dtype is None else kind.dtype.itemsize)
            data = bytes(expected) if skip_data.active else self._reader.read(f"data/{key}")
            if len(data) != expected:
                raise pickle.UnpicklingError(
                    f"the file is damaged: storage {key} has {len(data)} bytes where {expected} belong"
                )
            place = place_of(location, self._map_location)
            self._loaded[key] = Loaded(data, kind.dtype, self._order, place)
        return self._loaded[key]


def _trusting(pickle_module: Any, storages: _Storages) -> type[pickle.Unpickler]:
    """An unpickler that loads whatever the file names, torch's own names as fxtorch's."""

    class Unpickler(pickle_module.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            return pid[1] if pid[0] == "module" else storages(pid)  # old files hold the sources of classes

        def find_class(self, module: str, name: str) -> Any:
            known = ADMITTED.get(f"{module}.{name}")
            root = module.partition(".")[0]
            if root == "torch" and known is not None and not isinstance(known, ClassName):
                return known
            # torchvision may be the real one
            real = root != "torch" and not getattr(sys.modules.get(root), "__name__", "fxtorch").startswith("fxtorch")
            found = named(module, name) if root.startswith("torch") and not real else None
            return super().find_class(f"fx{module}" if root == "torch" else module, name) if found is None else found

    return Unpickler
