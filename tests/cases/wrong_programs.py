"""Short programs that go wrong, with the class and the words of PyTorch's error (its first line)."""

_CTC = "F.ctc_loss(torch.zeros(5, 2, 3), torch.tensor({}), {}, {}{})"
_ALLOCATE = "(while checking arguments for ctc_loss_allocate_outputs)"
_DATA = "data set to a tensor that requires gradients must be floating point or complex dtype"

WRONG_PROGRAMS = [
    (
        _CTC.format("[[1, 2], [1, 1]]", "[5, 5]", "[2, 3]", ""),
        RuntimeError,
        "Expected tensor to have size at least 3 at dimension 1, but got size 2 for argument #2 'targets' " + _ALLOCATE,
    ),
    (
        _CTC.format("[1, 2, 1]", "[5, 5]", "[2, 2]", ""),
        RuntimeError,
        "Expected tensor to have size 4 at dimension 0, but got size 3 for argument #2 'targets' " + _ALLOCATE,
    ),
    (
        _CTC.format("[[1, 2], [1, 1]]", "[5, 6]", "[2, 2]", ""),
        RuntimeError,
        "Expected input_lengths to have value at most 5, but got value 6 " + _ALLOCATE,
    ),
    (
        _CTC.format("[[1, 2], [1, 1]]", "torch.tensor([5, 5])", "torch.tensor([2, -1])", ""),
        RuntimeError,
        "Expected target_lengths to have value at least 0, but got value -1 " + _ALLOCATE,
    ),
    (
        _CTC.format("[[1, 2], [1, 1]]", "[5, 5]", "[2]", ""),
        RuntimeError,
        "target_lengths must be of size batch_size",
    ),
    (_CTC.format("[[1, 2], [1, 1]]", "[5]", "[2, 2]", ""), RuntimeError, "input_lengths must be of size batch_size"),
    (
        _CTC.format("[[1, 2], [1, 1]]", "[5, 5]", "[2, 2]", ", blank=3"),
        RuntimeError,
        "blank must be in label range",
    ),
    ("x = torch.ones(2, requires_grad=True); x.data = torch.ones(2, dtype=torch.int64)", RuntimeError, _DATA),
    ("nn.Parameter(torch.ones(2)).data = torch.ones(2) > 0", RuntimeError, _DATA),
    (
        "x = torch.ones(2, requires_grad=True); x.register_hook(lambda g: torch.ones(5)); x.sum().backward()",
        RuntimeError,
        "hook '<lambda>' has changed the size of value",
    ),
    (
        "x = torch.ones(2, requires_grad=True); y = x * 2; y.register_hook(lambda g: g.double()); y.sum().backward()",
        RuntimeError,
        "hook '<lambda>' has changed the type of value (was torch.FloatTensor got torch.DoubleTensor)",
    ),
    (
        "x = torch.ones(2, requires_grad=True); x.register_hook(lambda g: 3); x.sum().backward()",
        TypeError,
        "expected Variable, but hook returned 'int'",
    ),
    (
        "nn.Linear(3, 2)(torch.ones(2, 3, dtype=torch.float64))",
        RuntimeError,
        "mat1 and mat2 must have the same dtype, but got Double and Float",
    ),
    (
        "F.linear(torch.ones(5, 2, 3), torch.ones(4, 3), torch.ones(3))",
        RuntimeError,
        "The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 1.  "
        "Target sizes: [10, 4].  Tensor sizes: [3]",
    ),
    (
        "torch.mm(torch.ones(2, 2), torch.ones(2, 2, dtype=torch.int64))",
        RuntimeError,
        "expected m1 and m2 to have the same dtype, but got: float != long int",
    ),
    (
        "torch.ones(2).masked_fill(torch.ones(2), 1)",
        RuntimeError,
        "masked_fill_ only supports boolean masks, but got mask with dtype float",
    ),
    (
        "nn.Embedding(3, 2)(torch.tensor([1.0]))",
        RuntimeError,
        "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
        "but got torch.FloatTensor instead (while checking arguments for embedding)",
    ),
    (
        "torch.softmax(torch.ones(2, 2, dtype=torch.int64), 0)",
        NotImplementedError,
        "\"softmax_kernel_impl\" not implemented for 'Long'",
    ),
    (
        "F.scaled_dot_product_attention(torch.ones(2, 3, 4), torch.ones(2, 3, 5), torch.ones(2, 3, 4))",
        RuntimeError,
        "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [2, 5].",
    ),
    (
        "F.scaled_dot_product_attention(torch.ones(2, 3, 4), torch.ones(2, 3, 4), torch.ones(2, 5, 4))",
        RuntimeError,
        "Expected size for first two dimensions of batch2 tensor to be: [2, 3] but got: [2, 5].",
    ),
    (
        "F.scaled_dot_product_attention(torch.ones(2, 3, 4), torch.ones(3, 3, 4), torch.ones(3, 3, 4))",
        RuntimeError,
        "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0",
    ),
    (
        "torch.utils.data.DataLoader([1, 2]).batch_size = 3",
        ValueError,
        "batch_size attribute should not be set after DataLoader is initialized",
    ),
    (
        "torch.utils.checkpoint.checkpoint(torch.sin, torch.ones(2), use_reentrant=True, debug=True)",
        ValueError,
        "Passing `context_fn` or `debug` is only supported when use_reentrant=False.",
    ),
    (
        "torch.func.functional_call(nn.Linear(2, 2), [1], torch.ones(2))",
        ValueError,
        "Expected all elements of parameter_and_buffer_dicts to be dictionaries",
    ),
    (
        "torch.func.functional_call(nn.Linear(2, 2), {}, torch.ones(2), strict=True)",
        RuntimeError,
        "Error(s) in reparametrizing for Linear:",
    ),
    (
        "torch.func.grad(torch.sin)(torch.ones(2))",
        RuntimeError,
        "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with 1 dims. "
        "Maybe you wanted to use the vjp or jacrev APIs instead?",
    ),
    ("nn.ParameterDict({'a': torch.ones(2)})['b']", AttributeError, "'ParameterDict' object has no attribute 'b'"),
    ("nn.LSTM(3, 4)(torch.ones(2, 2, 2, 3))", ValueError, "LSTM: Expected input to be 2D or 3D, got 4D instead"),
    ("torch.quantile(torch.ones(3), 2.0)", RuntimeError, "quantile() q must be in the range [0, 1] but got 2"),
]
