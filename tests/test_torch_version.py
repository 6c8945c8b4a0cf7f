"""The version that programs compare."""

from __future__ import annotations

import pytest

import fxtorch as torch
from fxtorch.torch_version import TorchVersion


def test_numbers_are_compared_as_numbers() -> None:
    assert torch.__version__ >= "2.2"
    assert not torch.__version__ < "2.9.1"
    assert TorchVersion("1.10") > "1.9"
    assert TorchVersion("2.0") <= (2, 0, 0)


def test_what_comes_before_a_release_is_less() -> None:
    assert TorchVersion("2.1.0a0+git") < "2.1.0rc1" < TorchVersion("2.1.0")
    assert TorchVersion("2.1.0.dev20230101") < "2.1.0a0"


def test_it_is_text_and_equals_text_or_numbers() -> None:
    version = TorchVersion("2.1.0")
    assert version.split(".")[0] == "2"
    assert version == "2.1.0"
    assert version == (2, 1)
    assert hash(version) == hash("2.1.0")


def test_what_is_no_version_raises() -> None:
    with pytest.raises(ValueError, match="Invalid version"):
        _ = TorchVersion("2.0") > "new"
    with pytest.raises(TypeError, match="int"):
        _ = TorchVersion("2.0") > 1
