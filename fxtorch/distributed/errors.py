"""What goes wrong between processes."""

from __future__ import annotations


class DistError(RuntimeError):
    """Something went wrong between processes."""


class DistBackendError(DistError):
    """The backend failed, or does not offer what was asked for."""


class DistNetworkError(DistError):
    """Another process could not be reached."""


class DistStoreError(DistError):
    """The store failed."""


class QueueEmptyError(DistStoreError):
    """There is nothing in a queue of the store."""
