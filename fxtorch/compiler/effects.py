"""What a step does on the host beside its program: schedulers step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Numbers = tuple[tuple[dict[Any, Any], Any], ...]


class Effects:
    """What one function does on the host, in its order.

    All of it is done before the program runs, so that a schedule that raises leaves every Tensor as it was: what
    changes numbers that the program uses in this call, after they have been read.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Callable[[], None], bool]] = []
        self._tables: dict[int, dict[Any, Any]] = {}

    def add(self, run: Callable[[], None], owner: Any, numbers: Numbers, *, late: bool) -> None:
        """One more.

        Args:
            run: what to do.
            owner: the scheduler that steps.
            numbers: where it sets numbers.
            late: whether these numbers have to be read before; what follows is late, too.
        """
        self._runs.append((run, late))
        changed = [owner.__dict__, *(inner.__dict__ for inner in _within(owner)), *(table for table, _ in numbers)]
        self._tables.update((id(table), table) for table in changed)

    def __bool__(self) -> bool:
        return bool(self._runs)

    @property
    def any_late(self) -> bool:
        """Whether one of them is."""
        return any(late for _, late in self._runs)

    def run(self, *, late: bool) -> None:
        """Do those that come before the numbers are read, or those that come after."""
        for run, is_late in self._runs:
            if is_late == late:
                run()

    @contextmanager
    def taken_back(self) -> Iterator[None]:
        """Whatever is raised inside, the schedulers and what they set are as they were."""
        tables = [(table, dict(table)) for table in self._tables.values()]
        lists = [(x, x.copy()) for _, then in tables for x in then.values() if type(x) is list]
        try:
            yield
        except BaseException:
            for table, then in tables:
                for key in [key for key in table if key not in then]:
                    del table[key]
                table.update(then)
            for items, then in lists:
                items[:] = then
            raise


def _within(owner: Any) -> Iterator[Any]:
    """The schedulers that a scheduler is made of."""
    for inner in getattr(owner, "_schedulers", ()):
        yield inner
        yield from _within(inner)
