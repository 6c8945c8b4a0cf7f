"""Functions with gradients of their own: a straight-through sign, a reversed gradient, a checked exponential."""

import torch
from common import fill, normal, record, record_grads
from torch import nn
from torch.autograd import Function, gradcheck
from torch.autograd.function import once_differentiable


class BinActive(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.sign()

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input.ge(1)] = 0
        grad_input[input.le(-1)] = 0
        return grad_input


class ReverseLayerF(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.neg() * ctx.alpha, None


class LinearFunction(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class Exp(Function):
    @staticmethod
    def forward(ctx, i):
        result = i.exp()
        ctx.mark_non_differentiable(i > 0)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        return grad_output * ctx.saved_tensors[0]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(4, 3))
        self.bias = nn.Parameter(torch.empty(4))
        self.features, self.domain = nn.Linear(4, 3), nn.Linear(4, 2)

    def forward(self, x):
        x = LinearFunction.apply(x, self.weight, self.bias)
        return self.features(BinActive.apply(x)), self.domain(ReverseLayerF.apply(x, 0.5))


net = fill(Net())
classes, domain = net(normal(5, 3))
loss = Exp.apply(classes * 0.1).sum() + nn.functional.cross_entropy(domain, torch.tensor([0, 1, 0, 1, 1]))
loss.backward()
record("loss", loss)
record_grads(net)
input = (torch.randn(2, 3, dtype=torch.double, requires_grad=True), torch.randn(2, 3, dtype=torch.double))
record("checked", gradcheck(LinearFunction.apply, input, eps=1e-6, atol=1e-4))
