"""x"""
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter, Buffer
