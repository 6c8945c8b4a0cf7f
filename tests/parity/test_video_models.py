"""Models of films beside torchvision's: the same parameters, results and preparation of frames."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch
from fxtorch.vision.models import video as ours

torch = pytest.importorskip("torch", reason="compares with PyTorch")
pytest.importorskip("tests.parity.torchvision_reference", reason="compares with torchvision")
theirs = pytest.importorskip("torchvision.models.video", reason="compares with torchvision")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "r2plus1d_18"])
def test_a_model_of_films_has_torchvisions_parameters_and_results(name: str) -> None:
    reference, model = (getattr(library, name)(num_classes=5).eval() for library in (theirs, ours))
    state = {k: fxtorch.from_numpy(v.numpy().copy()) for k, v in reference.state_dict().items()}
    assert list(model.state_dict()) == list(state) and str(model) == str(reference)
    model.load_state_dict(state)
    film = RNG.standard_normal((1, 3, 4, 24, 24)).astype("float32")
    with torch.no_grad():
        expected = reference(torch.from_numpy(film)).numpy()
    np.testing.assert_allclose(model(fxtorch.from_numpy(film)).detach().numpy(), expected, rtol=1e-3, atol=1e-5)


def test_s3d_has_torchvisions_parameters_results_and_gradients() -> None:
    reference, model = (library.s3d(num_classes=3, dropout=0.0).double().eval() for library in (theirs, ours))
    state = {k: fxtorch.from_numpy(v.numpy().copy()) for k, v in reference.state_dict().items()}
    assert list(model.state_dict()) == list(state) and str(model) == str(reference)
    assert ours.S3D_Weights.DEFAULT.url == theirs.S3D_Weights.DEFAULT.url
    model.load_state_dict(state)
    film = RNG.standard_normal((1, 3, 14, 64, 64))
    results = []
    for library, net in ((torch, reference), (fxtorch, model)):
        net.avgpool = library.nn.AvgPool3d((2, 2, 2), 1)  # the one of the paper takes films of 224 pixels, for minutes
        logits = net(library.from_numpy(film))
        logits.square().sum().backward()
        grads = {name: p.grad.numpy() for name, p in net.named_parameters()}
        results.append((logits.detach().numpy(), grads))
    (expected, wanted), (actual, found) = results
    np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=1e-7)
    for name, grad in wanted.items():
        np.testing.assert_allclose(found[name], grad, rtol=1e-7, atol=1e-7 * max(1.0, float(abs(grad).max())))


def test_frames_are_prepared_as_the_checkpoint_wants_them() -> None:
    film = RNG.random((2, 4, 3, 60, 80)).astype("float32")
    reference, preset = (library.R3D_18_Weights.DEFAULT.transforms() for library in (theirs, ours))
    expected, actual = reference(torch.from_numpy(film)), preset(fxtorch.from_numpy(film))
    assert [preset.mean, preset.std] == [list(reference.mean), list(reference.std)]
    assert actual.shape == (2, 3, 4, 112, 112) and ours.R3D_18_Weights.DEFAULT.url == theirs.R3D_18_Weights.DEFAULT.url
    unit = np.array(reference.std)[:, None, None, None]  # of the frames themselves, before they are divided by it
    np.testing.assert_allclose(actual.numpy() * unit, expected.numpy() * unit, rtol=1.3e-6, atol=1e-5)
