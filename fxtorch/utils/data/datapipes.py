"""Data pipes: datasets that are put together by calling methods on one another.

>>> pipe = IterableWrapper(range(6)).map(lambda x: x * x).filter(lambda x: x % 2 == 0).batch(2)
>>> list(pipe)
[[0, 4], [16]]
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Self, TypeVar

from fxtorch.utils.data.dataset import Dataset, IterableDataset
from fxtorch.utils.data.random import host_rng

T = TypeVar("T")


class _Registered:
    """The part of both kinds of pipes that finds registered classes by their functional names."""

    functions: ClassVar[dict[str, Callable[..., Any]]]

    def __getattr__(self, name: str) -> Any:
        made = type(self).functions.get(name)
        if made is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return functools.partial(made, self)

    @classmethod
    def register_function(cls, function_name: str, function: Callable[..., Any]) -> None:
        """Make ``pipe.function_name(*args)`` be ``function(pipe, *args)``."""
        cls.functions[function_name] = function

    @classmethod
    def register_datapipe_as_function(
        cls, function_name: str, cls_to_register: type, enable_df_api_tracing: bool = False
    ) -> None:
        """Make ``pipe.function_name(*args)`` be ``cls_to_register(pipe, *args)``.

        Raises:
            Exception: the name is taken.
        """
        if function_name in cls.functions:
            raise Exception(f"Unable to add DataPipe function name {function_name} as it is already taken")
        cls.functions[function_name] = cls_to_register


class IterDataPipe(_Registered, IterableDataset[T]):
    """A stream of samples; a subclass has ``__iter__``, and may be registered by :class:`functional_datapipe`."""

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}

    def reset(self) -> None:
        """Begin anew; a subclass that keeps state overrides it."""


class MapDataPipe(_Registered, Dataset[T]):
    """Samples by index; a subclass has ``__getitem__`` and ``__len__``."""

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}


class DFIterDataPipe(IterDataPipe):
    """A stream of data frames."""


class DataChunk(list[Any]):
    """A batch: a list that can be iterated over with or without its inner batches."""

    def __init__(self, items: Iterable[Any]) -> None:
        items = list(items)
        super().__init__(items)
        self.items = items

    def as_str(self, indent: str = "") -> str:
        """Its items as text."""
        return indent + "[" + ", ".join(str(i) for i in self) + "]"

    def raw_iterator(self) -> Iterator[Any]:
        """Its items."""
        yield from self.items


class functional_datapipe:
    """Decorates a class of pipes: ``pipe.name(*args)`` then is ``cls(pipe, *args)``.

    Args:
        name: the method's name.
        enable_df_api_tracing: accepted.
    """

    def __init__(self, name: str, enable_df_api_tracing: bool = False) -> None:
        self.name = name

    def __call__(self, cls: Any) -> Any:
        """Register the class.

        Raises:
            TypeError: it is no class of pipes.
        """
        kind = next((k for k in (IterDataPipe, MapDataPipe) if isinstance(cls, type) and issubclass(cls, k)), None)
        if kind is None:
            raise TypeError("`functional_datapipe` can only decorate IterDataPipe or MapDataPipe")
        kind.register_datapipe_as_function(self.name, cls)
        return cls


_deterministic = False


class guaranteed_datapipes_determinism(contextlib.AbstractContextManager["guaranteed_datapipes_determinism"]):
    """Refuse to make pipes that :class:`non_deterministic` marks, within the block."""

    def __enter__(self) -> Self:
        global _deterministic
        self._before, _deterministic = _deterministic, True
        return self

    def __exit__(self, *exc: object) -> None:
        global _deterministic
        _deterministic = self._before


def non_deterministic(marked: Any) -> Any:
    """Decorates a class of pipes whose order is not fixed; given a function of their arguments, where that says so."""
    if not (isinstance(marked, type) and issubclass(marked, IterDataPipe)):
        return functools.partial(_marked, when=marked)
    return _marked(marked, when=lambda *args, **kwargs: True)


def _marked(cls: Any, when: Callable[..., bool]) -> Any:
    class Marked(cls):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if _deterministic and when(*args, **kwargs):
                raise TypeError(f"{cls.__name__} is non-deterministic, and determinism is guaranteed here")
            super().__init__(*args, **kwargs)

    Marked.__name__, Marked.__qualname__, Marked.__doc__ = cls.__name__, cls.__qualname__, cls.__doc__
    return Marked


def argument_validation(f: Callable[..., Any]) -> Callable[..., Any]:
    """Accepted: the function itself."""
    return f


def runtime_validation(f: Callable[..., Any]) -> Callable[..., Any]:
    """Accepted: the function itself."""
    return f


class runtime_validation_disabled(contextlib.AbstractContextManager["runtime_validation_disabled"]):
    """Accepted: nothing is validated at run time."""

    def __exit__(self, *exc: object) -> None:
        pass


class IterableWrapper(IterDataPipe):
    """A pipe of anything iterable.

    Args:
        iterable: the samples.
        deepcopy: accepted.
    """

    def __init__(self, iterable: Iterable[Any], deepcopy: bool = True) -> None:
        self.iterable = iterable

    def __iter__(self) -> Iterator[Any]:
        yield from self.iterable

    def __len__(self) -> int:
        return len(self.iterable)  # type: ignore[arg-type]


@functional_datapipe("map")
class Mapper(IterDataPipe):
    """``fn`` of each sample."""

    def __init__(self, datapipe: IterDataPipe, fn: Callable[[Any], Any]) -> None:
        self.datapipe, self.fn = datapipe, fn

    def __iter__(self) -> Iterator[Any]:
        yield from map(self.fn, self.datapipe)

    def __len__(self) -> int:
        return len(self.datapipe)  # type: ignore[arg-type]


@functional_datapipe("filter")
class Filter(IterDataPipe):
    """The samples for which ``filter_fn`` is true."""

    def __init__(self, datapipe: IterDataPipe, filter_fn: Callable[[Any], bool]) -> None:
        self.datapipe, self.filter_fn = datapipe, filter_fn

    def __iter__(self) -> Iterator[Any]:
        yield from filter(self.filter_fn, self.datapipe)


@functional_datapipe("batch")
class Batcher(IterDataPipe):
    """Lists of ``batch_size`` samples; the last may be shorter, or is dropped."""

    def __init__(self, datapipe: IterDataPipe, batch_size: int, drop_last: bool = False) -> None:
        if batch_size <= 0:
            raise AssertionError("Batch size is required to be larger than 0!")
        self.datapipe, self.batch_size, self.drop_last = datapipe, batch_size, drop_last

    def __iter__(self) -> Iterator[DataChunk]:
        batch: list[Any] = []
        for sample in self.datapipe:
            batch.append(sample)
            if len(batch) == self.batch_size:
                yield DataChunk(batch)
                batch = []
        if batch and not self.drop_last:
            yield DataChunk(batch)


@functional_datapipe("unbatch")
class UnBatcher(IterDataPipe):
    """The samples of batches, one by one."""

    def __init__(self, datapipe: IterDataPipe, unbatch_level: int = 1) -> None:
        self.datapipe, self.unbatch_level = datapipe, unbatch_level

    def __iter__(self) -> Iterator[Any]:
        def opened(item: Any, level: int) -> Iterator[Any]:
            if level == 0 or not isinstance(item, list):
                yield item
            else:
                for part in item:
                    yield from opened(part, level - 1)

        for batch in self.datapipe:
            yield from opened(batch, self.unbatch_level)


@functional_datapipe("shuffle")
class Shuffler(IterDataPipe):
    """The samples in random order, drawn from a buffer of ``buffer_size``."""

    def __init__(self, datapipe: IterDataPipe, *, buffer_size: int = 10000) -> None:
        self.datapipe, self.buffer_size = datapipe, buffer_size

    def __iter__(self) -> Iterator[Any]:
        rng = host_rng(None)
        buffer: list[Any] = []
        for sample in self.datapipe:
            if len(buffer) < self.buffer_size:
                buffer.append(sample)
            else:
                at = int(rng.integers(self.buffer_size))
                yield buffer[at]
                buffer[at] = sample
        for at in rng.permutation(len(buffer)):
            yield buffer[int(at)]


@functional_datapipe("concat")
class Concater(IterDataPipe):
    """One pipe after another."""

    def __init__(self, *datapipes: IterDataPipe) -> None:
        self.datapipes = datapipes

    def __iter__(self) -> Iterator[Any]:
        for pipe in self.datapipes:
            yield from pipe


@functional_datapipe("zip")
class Zipper(IterDataPipe):
    """Tuples of one sample of each pipe, until one of them ends."""

    def __init__(self, *datapipes: IterDataPipe) -> None:
        self.datapipes = datapipes

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        yield from zip(*self.datapipes, strict=False)
