"""Reading and writing through integer arrays and masks."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randbool, randint, randn, tensor

COUNT = "as many as the values say"
OWN = "it changes its argument"
ROWS = tensor([[0, 2, 1], [1, 0, 2]])
REPEATED = tensor([[0, 0, 1], [0, 1, 1]])

READ = [
    case("gather", randn(3, 4), 0, ROWS).but(types=False),
    case("gather", randn(3, 4), 1, tensor([[3, 0], [1, 1], [2, 2]])),
    case("gather", randn(3, 4), -1, tensor([[3]])),
    case("gather", randn(5), 0, tensor([4, 4, 0])),
    case("gather", randn(3), 0, tensor(1)),
    case("gather", randn(3, 4), 0, tensor([[0, 2]], "int32")),
    case("take", randn(3, 4), tensor([[0, -1], [5, 5]])).but(types=False),
    case("take_along_dim", randn(3, 4), tensor([[0, 2, 1, 1]]), 0).but(types=False),
    case("take_along_dim", randn(3, 4), tensor([0, 11])),
    case("take_along_dim", randn(3, 4), tensor([[-1, 0, -3, 2]]), 0).but(types=False),
    case("index_select", randn(3, 4), 0, tensor([2, 0, 0])).but(types=False),
    case("index_select", randn(3, 4), 1, tensor([3])),
    case("index_select", randn(3, 4), -1, tensor([1, 2], "int32")),
    case("masked_select", randn(3, 4), randbool(3, 4)).but(jit=COUNT),
    case("masked_select", randn(3, 4), randbool(4)).but(jit=COUNT),
    case("nonzero", tensor([[0, 1, 0], [2, 0, 3]])).but(jit=COUNT),
    case("nonzero", tensor([[0, 1, 0], [2, 0, 3]]), as_tuple=True).but(jit=COUNT),
    case("nonzero", tensor(2)).but(jit=COUNT),
    case("nonzero", tensor(0.0), as_tuple=True).but(jit=COUNT),
    case("argwhere", tensor([[0.0, 1.5], [2.0, 0.0]])).but(jit=COUNT),
    case("nn.functional.one_hot", tensor([0, 2, 1]), 4),
    case("nn.functional.one_hot", tensor([[0, 2], [1, 1]])).but(jit=COUNT),
    case("unravel_index", tensor([5, 0, 23]), (2, 3, 4)),
]

WRITTEN = [
    case("index_fill", randn(3, 4), 0, tensor([0, 2]), 1.5).but(types=False),
    case("index_fill", randn(3, 4), 1, tensor([3]), tensor(2.0)),
    case("index_put", randn(3, 4), [tensor([0, 2])], randn(4)).but(types=False),
    case("index_put", randn(3, 4), [tensor([0, 0]), tensor([1, 1])], randn(2), True),
    case("index_put", randn(3, 4), [tensor([0, 2]), tensor([1])], randn()),
    case("index_put", randn(4), [tensor([True, False, True, False])], tensor(1.0), accumulate=True),
    case("index_put", randbool(4), [tensor([1, 1, 3])], tensor([False, True, False]), accumulate=True),
    case("Tensor.fill_diagonal_", randn(3, 4), 2.0).but(grad=False, jit=OWN),
    case("Tensor.fill_diagonal_", randn(5, 2), 2.0, wrap=True).but(grad=False, jit=OWN),
    case("Tensor.fill_diagonal_", randn(5, 2), 2.0).but(grad=False, jit=OWN),
    case("Tensor.fill_diagonal_", randn(3, 3, 3), 2.0).but(grad=False, jit=OWN),
    case("masked_fill", randn(3, 4), randbool(3, 4), 0.5).but(types=False),
    case("masked_fill", randn(3, 4), randbool(4), tensor(2.0)),
    case("masked_fill", randint(3, 4), randbool(3, 1), 7),
    case("masked_scatter", randn(3, 4), randbool(3, 4), randn(12)).but(types=False),
    case("masked_scatter", randn(3, 4), randbool(4), randn(3, 4)),
    case("put", randn(3, 4), tensor([0, -1, 5]), randn(3)).but(types=False),
    case("put", randn(3, 4), tensor([0, 0, 5]), randn(3), True),
    case("scatter", randn(3, 4), 0, ROWS, randn(2, 3)).but(types=False),
    case("scatter", randn(3, 4), 1, tensor([[0], [3]]), 2.5),
    case("scatter", randn(3, 4), 1, tensor([[0], [3]]), value=2.5),
    case("scatter", randn(3, 4), 0, REPEATED, 2.5, reduce="add").but(grad=False),
    case("scatter", randn(3, 4), 0, REPEATED, 2.5, reduce="multiply").but(grad=False),
    case("scatter", randn(3), 0, tensor([1]), randn(1)),
    case("scatter_add", randn(3, 4), 0, REPEATED, randn(2, 3)).but(types=False),
    case("scatter_add", randn(3, 4), 1, REPEATED, randn(3, 4)).but(grad=False),
    *(
        case("scatter_reduce", randn(3, 4), 0, REPEATED, randn(2, 3), reduce, include_self=own).but(types=False)
        for reduce in ("sum", "prod", "mean", "amax", "amin")
        for own in (True, False)
    ),
    case("scatter_reduce", tensor([1.0, 2.0]), 0, tensor([0, 0, 1]), tensor([1.0, 1.0, 2.0]), "amax").but(grad=False),
    case("scatter_reduce", randint(5), 0, tensor([0, 0, 1]), randint(3), "amin", include_self=False),
    case("scatter_reduce", randint(5), 0, tensor([0, 0, 1]), randint(3), "sum"),
    case("index_add", randn(3, 4), 0, tensor([0, 0]), randn(2, 4)).but(types=False),
    case("index_add", randn(3, 4), 1, tensor([3, 1]), randn(3, 2), alpha=0.5),
    case("index_copy", randn(3, 4), 0, tensor([2, 0]), randn(2, 4)).but(types=False),
]

CASES = [*READ, *WRITTEN]

ERRORS = [
    error("gather", randn(3, 4), 0, tensor([[0, 5]]), match="index 5 is out of bounds for dimension 0 with size 3"),
    error("gather", randn(3, 4), 0, tensor([[0, -1]]), match="index -1 is out of bounds for dimension 0 with size 3"),
    error("gather", randn(3, 4), 0, tensor([0, 1]), match="must have the same number of dimensions as input"),
    error("gather", randn(3, 4), 0, randint(1, 5, low=0, high=1), match="Size does not match at dimension 1"),
    error("take", randn(3, 4), tensor([100]), match="tried to access index 100 on a tensor of 12 elements"),
    error("index_select", randn(3, 4), 0, tensor([5]), match="index out of range in self"),
    error("index_add", randn(3, 4), 0, tensor([0, 5]), randn(2, 4), match="index 5 is out of bounds"),
    error("index_add", randn(3, 4), 0, tensor([0, 1]), randn(3, 4), match="should be equal to source.size"),
    error("index_copy", randn(3, 4), 0, tensor([0, 5]), randn(2, 4), match="index 5 is out of bounds"),
    error("index_fill", randn(3, 4), 0, tensor([5]), 1.0, match="index 5 is out of bounds"),
    error("scatter", randn(3, 4), 0, tensor([[0, 5]]), 1.0, match="index 5 is out of bounds"),
    error("scatter", randn(3, 4), 0, tensor([[0, 1]]), randn(1, 1), match="Expected index .* to be no larger than"),
    error("scatter_add", randn(3, 4), 0, tensor([[0, 5]]), randn(1, 2), match="index 5 is out of bounds"),
    error("select", randn(3, 4), 0, 5, match="index 5 out of range for tensor of size"),
    error("narrow", randn(3, 4), 0, 1, 5, match="exceeds dimension size"),
    error("narrow", randn(3, 4), 0, 4, 1, match="start out of range"),
    error("masked_fill", randn(3, 4), tensor([1]), 0.0, match="only supports boolean masks"),
    error("masked_fill", randn(3, 4), randbool(4), randn(2), match="only supports a 0-dimensional value tensor"),
    error("masked_select", randn(3, 4), randbool(2), match="must match the size of tensor b"),
    error("put", randn(3, 4), tensor([50]), randn(1), match="tried to access index 50"),
    error("nn.functional.one_hot", tensor([0, 5]), 3, match="smaller than num_classes"),
    error("nn.functional.one_hot", tensor([-1]), 3, match="non-negative"),
]
