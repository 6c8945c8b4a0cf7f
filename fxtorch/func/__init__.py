"""torch.func: transformations of functions, by JAX's own.

A function of Tensors, nested as one likes, becomes its gradient, its Jacobian or its vectorised form; these compose in
any order, with themselves, with the tape (what a transformation returns can be differentiated by ``backward()``) and
with ``fxtorch.jit``.  ``grad`` of a Module differentiates by its parameters.
"""

from fxtorch.func.control_flow import cond, map, scan, while_loop
from fxtorch.func.derivatives import grad, grad_and_value, jvp, linearize, value_and_grad, vjp
from fxtorch.func.functional_call import functional_call
from fxtorch.func.jacobians import hessian, jacfwd, jacrev
from fxtorch.func.module_state import functionalize, replace_all_batch_norm_modules_, stack_module_state
from fxtorch.func.repeated import scan_modules
from fxtorch.func.vmap import vmap

__all__ = [
    "cond",
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "map",
    "replace_all_batch_norm_modules_",
    "scan",
    "scan_modules",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
