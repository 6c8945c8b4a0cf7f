"""Features from inside a model: torchvision.models.feature_extraction, on ``torch.fx``."""

from __future__ import annotations

import copy
import inspect
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fxtorch import fx, nn
from fxtorch.fx.graph_module import _copy_attr
from fxtorch.vision import ops
from fxtorch.vision.models.swin_transformer import ShiftedWindowAttention

Names = list[str] | dict[str, str]
_NUMBERED = re.compile(r"(.+)_(\d+)$")


def _leaves_of_ops() -> list[type[nn.Module]]:
    kinds = [kind for kind in vars(ops).values() if inspect.isclass(kind) and issubclass(kind, nn.Module)]
    return [*kinds, ShiftedWindowAttention]  # which looks at sizes


def _options(given: dict[str, Any] | None) -> dict[str, Any]:
    """A tracer's arguments: the layers of ``ops`` are steps, and so are its functions."""
    return {"autowrap_modules": (math, ops), "leaf_modules": _leaves_of_ops(), **(given or {})}


class LeafModuleAwareTracer(fx.Tracer):
    """A tracer that is told which further Modules are steps.

    Args:
        leaf_modules: their classes.
    """

    def __init__(self, *args: Any, leaf_modules: Sequence[type[nn.Module]] = (), **kwargs: Any) -> None:
        self.leaf_modules = tuple(leaf_modules)
        super().__init__(*args, **kwargs)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a call of the Module is one step."""
        return isinstance(m, self.leaf_modules) or super().is_leaf_module(m, module_qualified_name)


class NodePathTracer(LeafModuleAwareTracer):
    """A tracer that notes in which Module each step was made.

    Attributes:
        node_to_qualname: the name of each step: the Module's for its call, else ``module.function``, those of one name
            being numbered from the second on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current_module_qualname = ""
        self.node_to_qualname: dict[fx.Node, str] = {}
        self._calls: dict[str, int] = {}

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The call, while its Module is the present one."""
        before = self.current_module_qualname
        self.current_module_qualname = self.path_of_module(m)
        try:
            return super().call_module(m, forward, args, kwargs)
        finally:
            self.current_module_qualname = before

    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *rest: Any, **options: Any) -> Any:
        """A step, with its name noted."""
        made = super().create_proxy(kind, target, args, kwargs, *rest, **options)
        self.node_to_qualname[made.node] = self._name(self.current_module_qualname, made.node)
        return made

    def _name(self, module: str, node: fx.Node) -> str:
        name = module if node.op == "call_module" else f"{module}.{node}".lstrip(".")
        numbered = _NUMBERED.match(name)
        name = numbered[1] if numbered else name
        count = self._calls.get(name, 0)
        self._calls[name] = count + 1
        return f"{name}_{count}" if count else name


@contextmanager
def _mode(model: nn.Module, training: bool) -> Iterator[None]:
    """The model while training or not, and each part as it was afterwards."""
    before = {part: part.training for part in model.modules()}
    model.train(training)
    try:
        yield
    finally:
        for part, was in before.items():
            part.training = was


def _traced(model: nn.Module, training: bool, options: dict[str, Any], concrete_args: Any) -> tuple[Any, fx.Graph]:
    tracer = NodePathTracer(**options)
    with _mode(model, training):
        return tracer, tracer.trace(model, concrete_args=concrete_args)


def get_graph_node_names(
    model: nn.Module,
    tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> tuple[list[str], list[str]]:
    """The names of a model's steps, while training and after, in the order in which they run.

    Args:
        model: the model; it must be traceable.
        tracer_kwargs: arguments of :class:`NodePathTracer`.
        suppress_diff_warning: say nothing where the two differ.
        concrete_args: values of arguments that are to be taken as they are.

    >>> get_graph_node_names(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))[0]
    ['input', '0', '1']
    """
    names = []
    for training in (True, False):
        tracer, _ = _traced(model, training, _options(tracer_kwargs), concrete_args)
        names.append(list(tracer.node_to_qualname.values()))
    if names[0] != names[1] and not suppress_diff_warning:
        warnings.warn(
            "the steps of the model while training and after differ: give train_return_nodes and eval_return_nodes "
            "apart where they concern such steps",
            stacklevel=2,
        )
    return names[0], names[1]


class DualGraphModule(fx.GraphModule):
    """A Module of two graphs, one for training and one for evaluation.

    Args:
        root: whose parts they call.
        train_graph: while training.
        eval_graph: after.
        class_name: of the new Module's class.
    """

    def __init__(
        self, root: nn.Module, train_graph: fx.Graph, eval_graph: fx.Graph, class_name: str = "GraphModule"
    ) -> None:
        super().__init__(root, train_graph, class_name)
        for node in eval_graph.nodes:
            if node.op in ("get_attr", "call_module"):
                _copy_attr(root, self, str(node.target))
        self.train_graph = train_graph
        self.eval_graph = eval_graph
        self.train(root.training)

    def train(self, mode: bool = True) -> Any:
        """As any Module's; and another graph runs."""
        if mode != self.training or self.graph is not (self.train_graph if mode else self.eval_graph):
            self.graph = self.train_graph if mode else self.eval_graph
        return super().train(mode)


def _named(nodes: Names) -> dict[str, str]:
    return {str(k): str(v) for k, v in nodes.items()} if isinstance(nodes, dict) else {str(n): str(n) for n in nodes}


def create_feature_extractor(
    model: nn.Module,
    return_nodes: Names | None = None,
    train_return_nodes: Names | None = None,
    eval_return_nodes: Names | None = None,
    tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> fx.GraphModule:
    """A Module that gives what a model computes at some of its steps, and runs no further than it must.

    Args:
        model: the model; it must be traceable, and keeps its parameters, which the two share.
        return_nodes: the steps, as :func:`get_graph_node_names` names them, or the first part of such a name for its
            last step; a dict also says what each is called in the result.
        train_return_nodes: those while training, where they differ.
        eval_return_nodes: those after.
        tracer_kwargs: arguments of :class:`NodePathTracer`.
        suppress_diff_warning: accepted; there is no warning here.
        concrete_args: values of arguments that are to be taken as they are.

    Raises:
        ValueError: a step is not there, or not exactly one way of naming them is used.

    >>> import fxtorch as torch
    >>> features = create_feature_extractor(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), {"0": "before"})
    >>> {name: tuple(value.shape) for name, value in features(torch.ones(1, 2)).items()}
    {'before': (1, 3)}
    """
    if (train_return_nodes is None) != (eval_return_nodes is None) or (return_nodes is None) == (
        train_return_nodes is None
    ):
        raise ValueError("give either return_nodes, or both train_return_nodes and eval_return_nodes")
    graphs = []
    for training, wanted in ((True, train_return_nodes), (False, eval_return_nodes)):
        tracer, graph = _traced(model, training, _options(tracer_kwargs), concrete_args)
        _return(graph, tracer.node_to_qualname, _named(return_nodes or wanted or {}))
        graphs.append(graph)
    return DualGraphModule(model, *graphs, class_name=type(model).__name__)


def _return(graph: fx.Graph, names: dict[fx.Node, str], wanted: dict[str, str]) -> None:
    """Let ``graph`` end in a dict of the wanted steps, and drop what they do not need."""
    found: dict[str, fx.Node] = {}
    left = copy.copy(wanted)
    for node in reversed(list(graph.nodes)):
        if node.op == "output":
            graph.erase_node(node)
        name = names.get(node, "")
        for query in [q for q in left if f"{name}.".startswith(f"{q}.")]:
            found[left.pop(query)] = node
    if left:
        raise ValueError(
            f"node: '{next(iter(left))}' is not present in model. Hint: use `get_graph_node_names` to make sure the "
            "`return_nodes` you specified are present. It may even be that you need to specify `train_return_nodes` "
            "and `eval_return_nodes` separately."
        )
    graph.output({out: found[out] for out in wanted.values()})
    graph.eliminate_dead_code()
