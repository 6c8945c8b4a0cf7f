"""Who holds a Tensor, in words, for errors about Tensors that must not be held."""

from __future__ import annotations

import gc
from typing import Any


def holder_of(tensor: Any) -> str:
    """Who holds ``tensor``, in words: ``attribute 'running_mean' of BatchNorm1d``."""
    for holder in gc.get_referrers(tensor):
        if isinstance(holder, list):
            return f"a list of {len(holder)} items"
        table = holder if isinstance(holder, dict) else getattr(holder, "__dict__", None)
        if not isinstance(table, dict) or "_data" in table:
            continue
        key = next((k for k, v in table.items() if v is tensor), None)
        if key is None:
            continue
        owner = holder if holder is not table else _owner(table)
        if owner is not None:
            return f"attribute '{key}' of {getattr(owner, '__name__', type(owner).__name__)}"
        return f"the entry '{key}' of a dict"
    return f"a Tensor of shape {tuple(tensor._data.shape)} from outside"


def _owner(table: dict[Any, Any]) -> Any:
    """The object whose attributes ``table`` holds, or whose buffers or parameters; None for a dict of the user's."""
    for holder in gc.get_referrers(table):
        if getattr(holder, "__dict__", None) is table:
            return holder
        if isinstance(holder, dict) and any(v is table for v in holder.values()):
            for owner in gc.get_referrers(holder):
                if getattr(owner, "__dict__", None) is holder and hasattr(owner, "named_parameters"):
                    return owner
        elif hasattr(holder, "named_parameters"):
            return holder
    return None
