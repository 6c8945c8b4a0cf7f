"""What the programs share: weights and data from NumPy, and the values that are compared."""

import numpy as np
import torch

RESULTS = {}


def fill(module, seed=0):
    """Give every parameter values that do not depend on the library's random numbers."""
    rng = np.random.RandomState(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = max(int(np.prod(parameter.shape[1:])), 1)
            values = rng.uniform(-1, 1, tuple(parameter.shape)) / np.sqrt(fan_in)
            parameter.copy_(torch.from_numpy(values).to(parameter.dtype))
    return module


def array(*shape, seed=0):
    """Normal numbers."""
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def normal(*shape, seed=0):
    """Normal numbers as a Tensor."""
    return torch.from_numpy(array(*shape, seed=seed))


def integers(high, *shape, seed=0):
    """Integers below ``high`` as a Tensor."""
    return torch.from_numpy(np.random.RandomState(seed).randint(0, high, shape))


def record(name, value):
    """Keep a value for the comparison."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.to_dense() if value.layout != torch.strided else value
        value = value.float().numpy() if value.dtype == torch.bfloat16 else value.numpy()
    assert name not in RESULTS, name
    RESULTS[name] = np.array(value)


def record_grads(module, prefix="grad"):
    """Keep the gradient of every parameter."""
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            record(f"{prefix}.{name}", parameter.grad)
