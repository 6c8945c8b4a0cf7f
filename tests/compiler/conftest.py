"""Each test of the compiler also asks whether the quick check of the guards says what the whole one does."""

from __future__ import annotations

import pytest

from fxtorch.compiler.guards import Guards


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
