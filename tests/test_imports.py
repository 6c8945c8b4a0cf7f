"""What importing fxtorch needs, and which way imports run."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import python

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fxtorch"
FILES = sorted(PACKAGE.rglob("*.py"))

# DESIGN: imports run one way.  A room may import from a room of a lower number, and from itself.
ROOMS = {
    "_setup": -1,
    "ops": 0,
    "settings": 0,
    "profiler": 0,
    "version": 0,
    "tensor": 1,
    "fft": 2,
    "linalg": 2,
    "special": 2,
    "masked": 2,
    "signal": 2,
    "sparse": 2,
    "debug": 2,
    "random": 2,
    "removed": 0,
    "return_types": 2,
    "testing": 2,
    "accelerator": 2,
    "cpu": 4,
    "functional": 2,
    "futures": 0,
    "mps": 2,
    "mtia": 2,
    "multiprocessing": 2,
    "onnx": 2,
    "overrides": 2,
    "storage": 5,  # it loads plain pickles
    "torch_version": -1,
    "types": 2,
    "xpu": 2,
    "backends": 2,
    "autograd": 2,
    "amp": 3,
    "cuda": 4,
    "nn": 3,
    "optim": 3.5,  # its swa_utils average Modules
    "func": 2.9,  # nn.utils.stateless is its functional_call
    "distributions": 4,
    "compiler": 4,
    "distributed": 4.5,  # its parallel steps are compiled
    "serialization": 4,
    "fx": 4,
    "hub": 4.5,  # utils.model_zoo is an older name of it
    "library": 4,
    "quantization": 4,
    "ao": 4.5,  # torch.ao.quantization is that
    "utils": 4.6,
    "vision": 5,
    "text": 5,
    "audio": 5,
    "interop": 5,
    "__init__": 6,
    "__main__": 7,
}

# Imported inside a function on purpose: an extra that only the caller of that function needs.
# JAX brings SciPy; importing it, or jax.experimental.sparse, takes up to half a second that few programs need to spend.
SLOW = {"scipy", "jax.experimental"}
EXTRAS = {"tensorboardX", "safetensors", "orbax", "tqdm", "matplotlib", "PIL", "tensorflow_datasets", "jax2onnx"}

TRAINING_STEP = """
import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch import nn

model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(5, 3), torch.tensor([0, 1, 0, 1, 1])

def step(x, y):
    opt.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    opt.step()
    return loss

losses = [step(x, y).item() for _ in range(3)]
losses += [torch.jit(step)(x, y).item() for _ in range(3)]
assert losses == sorted(losses, reverse=True), losses
"""

# Hides every distribution that the stated core dependencies do not bring along, as a clean environment would.
CLEAN = """
import re, sys
from importlib import metadata
from importlib.abc import MetaPathFinder

def closure(names):
    seen, queue = set(), list(names)
    while queue:
        name = re.split(r"[^A-Za-z0-9_.-]", queue.pop(), maxsplit=1)[0].lower().replace("_", "-")
        if name not in seen:
            try:
                wanted = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                continue
            seen.add(name)
            queue += [r for r in wanted if "extra ==" not in r]
    return seen

core = closure({core!r})
hidden = {{
    module
    for module, owners in metadata.packages_distributions().items()
    if not {{o.lower().replace("_", "-") for o in owners}} & (core | {{"fxtorch"}})
}} | {{"torch"}}

class Hide(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"{{name}} is not among the core dependencies", name=name)

assert {{"torch", "hypothesis", "matplotlib"}} <= hidden and not {{"jax", "flax", "optax", "numpy"}} & hidden
sys.meta_path.insert(0, Hide())
"""


def core_dependencies() -> list[str]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def test_a_training_step_runs_where_only_the_core_dependencies_are_installed() -> None:
    program = CLEAN.format(core=core_dependencies()) + TRAINING_STEP + "assert 'torch' not in sys.modules"
    ran = python("-W", "error", "-c", program)
    assert ran.returncode == 0, ran.stderr


def test_an_undeclared_dependency_would_be_seen() -> None:
    program = CLEAN.format(core=core_dependencies()) + "import matplotlib"
    ran = python("-c", program)
    assert "matplotlib is not among the core dependencies" in ran.stderr


def test_core_dependencies_are_the_five_that_the_design_names() -> None:
    assert [d.partition(">")[0] for d in core_dependencies()] == ["jax", "jaxlib", "optax", "flax", "numpy"]


def module_name(path: Path) -> str:
    """``fxtorch.nn.init`` of a path."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, package: str) -> Iterator[tuple[str, int]]:
    """Every module that a tree imports, relative ones resolved against ``package``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{module}.{alias.name}"
                yield (full if module == "fxtorch" else module), node.lineno


def room(module: str) -> str:
    return [*module.split("."), "__init__"][1]


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_run_one_way(path: Path) -> None:
    own = room(module_name(path))
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    for module, line in imports(ast.parse(path.read_text()), package):
        other = room(module)
        if module.partition(".")[0] == "fxtorch" and other != own:
            assert ROOMS[other] < ROOMS[own], f"{path.name}:{line} imports {module} from a room above it"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_function_imports_only_extras_and_what_is_slow_to_import(path: Path) -> None:
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for module, line in imports(function, "fxtorch"):
                known = module in SLOW or module.partition(".")[0] in EXTRAS | SLOW
                assert known, f"{path.name}:{line}: {function.name} imports {module}"


def test_importing_it_imports_nothing_that_is_slow_and_seldom_needed() -> None:
    ran = python("-c", "import fxtorch, sys; print([m for m in ('scipy', 'flax', 'torch', 'PIL') if m in sys.modules])")
    assert ran.stdout.strip() == "[]", ran.stdout + ran.stderr


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_torch_is_never_imported(path: Path) -> None:
    for module, line in imports(ast.parse(path.read_text()), "fxtorch"):
        assert module.partition(".")[0] != "torch", f"{path.name}:{line}"
