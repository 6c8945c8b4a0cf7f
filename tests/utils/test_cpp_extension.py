import pytest

import fxtorch as torch
from fxtorch.utils import cpp_extension


@pytest.mark.parametrize("name", ["load", "load_inline", "CppExtension", "CUDAExtension", "include_paths"])
def test_what_would_build_an_extension_says_at_the_call_that_it_cannot(name):
    with pytest.raises(NotImplementedError, match=rf"cpp_extension\.{name}: fxtorch has no C\+\+ interface"):
        getattr(cpp_extension, name)("fast", ["fast.cpp"])


def test_a_package_may_name_the_build_class_and_is_refused_where_it_makes_one():
    with pytest.raises(NotImplementedError, match="BuildExtension"):
        torch.utils.cpp_extension.BuildExtension()
    with pytest.raises(NotImplementedError, match="BuildExtension"):
        torch.utils.cpp_extension.BuildExtension.with_options(use_ninja=False)


def test_no_cuda_toolkit_is_claimed():
    assert cpp_extension.CUDA_HOME is None
    assert not cpp_extension.IS_HIP_EXTENSION
