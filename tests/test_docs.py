"""What the pages say is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from docs.support import PAGE, page

ROOT = Path(__file__).parents[1]


def test_the_support_table_is_that_of_the_code() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_the_examples_in_the_readme_run() -> None:
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})


def test_the_readme_names_only_commands_that_the_makefile_has() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", (ROOT / "README.md").read_text())) <= targets


def test_each_promise_of_the_compiler_has_a_test() -> None:
    promised = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "docs" / "compiler_tests.md").read_text())
    assert len(promised) > 50
    missing = [
        f"{file}::{name}"
        for file, name in promised
        if not re.search(rf"^def {name}\b", (ROOT / "tests" / file).read_text(), flags=re.MULTILINE)
    ]
    assert not missing
