"""``torch._inductor``: switches of a compiler that is not used here; they are remembered."""

from types import SimpleNamespace

config = SimpleNamespace(
    coordinate_descent_tuning=False,
    fx_graph_cache=True,
    max_autotune=False,
    triton=SimpleNamespace(cudagraphs=False, unique_kernel_names=True),
)


def cudagraph_mark_step_begin() -> None:
    """Nothing: there are no CUDA graphs that a step would overwrite."""


def list_mode_options(mode: str | None = None, dynamic: bool | None = None) -> dict[str, dict[str, bool]]:
    """No options: XLA's own are set by ``compiler_options`` of ``fxtorch.jit``."""
    return {}
