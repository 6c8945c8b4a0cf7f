"""Each test of the compiler also asks whether the quick check of the guards says what the whole one does."""

from __future__ import annotations

from typing import Any

import pytest

from fxtorch.compiler.guards import Guards
from fxtorch.tensor.resident import Resident


@pytest.fixture(autouse=True)
def whole_check(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Guards.hold

    def hold(self: Guards) -> bool:
        found = quick(self)
        if found:
            self.forget()
            assert quick(self), f"a change was not noted: {self.broken()}"
        return found

    monkeypatch.setattr(Guards, "hold", hold)


@pytest.fixture(autouse=True)
def nobody_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gives a Tensor another array has taken the one that its program keeps."""
    plain = Resident.all_arrays

    def all_arrays(self: Resident, copy: Any) -> list[Any] | None:
        own = {i for i, tensor in enumerate(self.tensors) if "_data" in tensor.__dict__}
        assert own == set(self.taken) and len(self.taken) == len(own)
        return plain(self, copy)

    monkeypatch.setattr(Resident, "all_arrays", all_arrays)
