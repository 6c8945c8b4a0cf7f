"""The same scripts on torch: ``python -m experiments.running.torch_column NAME [options]``.

While this module runs, ``fxtorch`` and everything below it means torch; the scripts use nothing that torch lacks but
``fxtorch.vision``, with which published files are read, and which stays what it is.
``--time NAME`` times the step first, and the last line printed is JSON for the comparison.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import json
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any


class TorchUnderOurName(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers ``import fxtorch.x`` with the module ``torch.x``."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "fxtorch":
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module("torch" + spec.name.removeprefix("fxtorch"))
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own_spec


def use_torch() -> None:
    """Let ``fxtorch`` mean torch from now on."""
    importlib.import_module("fxtorch.vision.datasets.utils")
    for name in [n for n in sys.modules if n.partition(".")[0] == "fxtorch" and not n.startswith("fxtorch.vision")]:
        del sys.modules[name]
    sys.meta_path.insert(0, TorchUnderOurName())


def main(argv: Sequence[str]) -> None:
    """Run a script on torch, and where asked time its step before."""
    use_torch()
    timed = argv[:1] == ["--time"]
    name, *rest = argv[1:] if timed else argv
    result = {}
    if timed:
        timing = importlib.import_module("experiments.running.timing").time_step(name, "eager")
        result = {"steps_per_second": timing.steps_per_second, "first": timing.first}
    metrics = importlib.import_module(f"experiments.{name}").main([*rest, "--mode", "eager"])
    if timed:
        print(json.dumps(result | {"metrics": metrics}))


if __name__ == "__main__":
    main(sys.argv[1:])
