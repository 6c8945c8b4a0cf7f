"""The same scripts on torch, for the comparison: ``python -m experiments.running.torch_column NAME [options]``.

While this module runs, ``fxtorch`` and everything below it means torch: the scripts use nothing else.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any


class _TorchUnderOurName(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "fxtorch":
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module("torch" + spec.name.removeprefix("fxtorch"))
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own


def main(argv: Sequence[str]) -> None:
    """Run a script, or time its step, on torch."""
    sys.meta_path.insert(0, _TorchUnderOurName())
    if argv[:1] == ["--time"]:
        from experiments.running.timing import print_timing

        print_timing(argv[1])
        return
    importlib.import_module(f"experiments.{argv[0]}").main([*argv[1:], "--mode", "eager"])


if __name__ == "__main__":
    main(sys.argv[1:])
