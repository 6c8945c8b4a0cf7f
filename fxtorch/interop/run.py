"""Running somebody's program as Python would, with torch's names meaning fxtorch."""

from __future__ import annotations

import builtins
import io
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from fxtorch.interop.alias import alias
from fxtorch.interop.lacking import lacks
from fxtorch.tensor import Tensor


def fresh_main(file: str | None) -> ModuleType:
    """A new ``__main__``: the program's classes pickle as ``__main__.X``, and spawned workers find the file again."""
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    if file is not None:
        module.__file__ = file
    sys.modules["__main__"] = module
    return module


def _first_on_path(folder: str) -> None:
    # in the place of the folder that Python put there for `python -m fxtorch`
    sys.path[:1] = [folder]


def _file_of(script: str) -> Path:
    path = Path(script)
    return path / "__main__.py" if path.is_dir() else path


def unreadable(script: str) -> str:
    """Why there is no program to read, in Python's words; empty where there is one.

    >>> unreadable("absent.py").endswith("absent.py': [Errno 2] No such file or directory")
    True
    """
    path = _file_of(script)
    try:
        with io.open_code(str(path.absolute())):
            return ""
    except OSError as error:
        if Path(script).is_dir():
            return f"can't find '__main__' module in {str(Path(script).absolute())!r}"
        return f"can't open file {str(path.absolute())!r}: [Errno {error.errno}] {error.strerror}"


def run_script(script: str, args: list[str]) -> ModuleType:
    """Run a file; its folder comes first on ``sys.path``.

    Raises:
        FileNotFoundError: there is no such file.
    """
    alias()
    path = _file_of(script)
    with io.open_code(str(path.absolute())) as file:
        code = compile(file.read(), str(path), "exec", dont_inherit=True)
    sys.argv[:] = [script, *args]
    _first_on_path(str(path.resolve().parent))
    module = fresh_main(str(path))
    if Path(script).is_dir():
        module.__package__ = ""
    _execute(code, module)
    return module


def run_code(code: str, args: list[str]) -> ModuleType:
    """Run text as ``python -c`` does."""
    alias()
    sys.argv[:] = ["-c", *args]
    _first_on_path("")
    module = fresh_main(None)
    _execute(compile(code, "<string>", "exec", dont_inherit=True), module)
    return module


def run_module(name: str, args: list[str]) -> dict[str, Any]:
    """Run a module as ``python -m`` does."""
    alias()
    sys.argv[:] = [name, *args]
    _first_on_path(str(Path.cwd()))
    try:
        return runpy.run_module(name, run_name="__main__", alter_sys=True)
    except AttributeError as error:
        _explain(error)
        raise


def _execute(code: Any, module: ModuleType) -> None:
    try:
        exec(code, module.__dict__)
    except AttributeError as error:
        _explain(error)
        raise


def _explain(error: AttributeError) -> None:
    """Say of an attribute that a Tensor has in torch, perhaps, that it is fxtorch that lacks it."""
    if isinstance(error.obj, Tensor) and error.name and "fxtorch" not in str(error):
        error.add_note(lacks("'Tensor' object", error.name, dir(type(error.obj))))
