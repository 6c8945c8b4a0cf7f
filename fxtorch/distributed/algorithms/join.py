"""``with Join(models):`` around loops that may differ in length between processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.distributed.process_group import get_world_size, is_initialized


class JoinHook:
    """What a process does for the others once its own inputs have ended."""

    def main_hook(self) -> None:
        """Called for each step that the others still take."""

    def post_hook(self, is_last_joiner: bool) -> None:
        """Called when all have ended."""


class Joinable:
    """What can be given to :class:`Join`."""

    def join_hook(self, **kwargs: Any) -> JoinHook:
        """The hook of this object."""
        raise NotImplementedError(f"{type(self).__name__} says no join_hook")


class Join:
    """A context in which processes may have differently many inputs; with one process there is nothing to do.

    Args:
        joinables: the models and optimizers that take part.
        enable: False where all processes are known to have equally many inputs.
        throw_on_early_termination: raise in all processes where one has ended.
        kwargs: passed to each one's ``join_hook``.
    """

    def __init__(
        self,
        joinables: Sequence[Any],
        enable: bool = True,
        throw_on_early_termination: bool = False,
        **kwargs: Any,
    ) -> None:
        self.joinables, self.enable = list(joinables), enable

    def __enter__(self) -> Join:
        """Begin.

        Raises:
            NotImplementedError: there are several processes, and ``enable`` was not set to False.
        """
        if self.enable and is_initialized() and get_world_size() > 1:
            raise NotImplementedError(
                "fxtorch does not join processes that have differently many batches: give all equally many "
                "(DistributedSampler does), and use Join(..., enable=False)"
            )
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    @staticmethod
    def notify_join_context(joinable: Any) -> None:
        """Nothing: no other process waits."""
