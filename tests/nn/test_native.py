"""torch's names below nn.functional: the same numbers, in the order of arguments of torch's core."""

from __future__ import annotations

import pytest

import fxtorch as torch
import fxtorch.nn.functional as F


def test_normalisations_take_their_weights_first() -> None:
    x = torch.arange(24.0).reshape(2, 3, 4).sin()
    w, b, mean, var = torch.ones(3) * 2, torch.ones(3), torch.zeros(3), torch.ones(3)
    expected = F.batch_norm(x, mean.clone(), var.clone(), w, b, True, 0.1, 1e-5)
    torch.testing.assert_close(torch.batch_norm(x, w, b, mean.clone(), var.clone(), True, 0.1, 1e-5, False), expected)
    out, save_mean, save_invstd = torch.native_batch_norm(x, w, b, mean, var, True, 0.1, 1e-5)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close((x - save_mean[:, None]) * save_invstd[:, None] * 2 + 1, expected)
    assert mean.tolist() != [0.0, 0.0, 0.0]
    torch.testing.assert_close(
        torch.instance_norm(x, w, b, None, None, True, 0.1, 1e-5, False), F.instance_norm(x, None, None, w, b)
    )


def test_layer_and_group_norm_give_their_moments_too() -> None:
    x = torch.arange(24.0).reshape(2, 4, 3).cos()
    out, mean, rstd = torch.native_layer_norm(x, (3,), None, None, 1e-5)
    torch.testing.assert_close((x - mean) * rstd, out)
    out, mean, rstd = torch.native_group_norm(x, None, None, 2, 4, 3, 2, 1e-5)
    torch.testing.assert_close(((x.reshape(2, 2, 6) - mean[..., None]) * rstd[..., None]).reshape(2, 4, 3), out)


def test_embeddings_take_the_table_first() -> None:
    table, index = torch.arange(8.0).reshape(4, 2), torch.tensor([1, 3, 0])
    assert torch.embedding(table, index).tolist() == [[2.0, 3.0], [6.0, 7.0], [0.0, 1.0]]
    out, bag, size, _ = torch.embedding_bag(table, index, torch.tensor([0, 2]))
    assert out.tolist() == [[8.0, 10.0], [0.0, 1.0]]
    assert (bag.tolist(), size.tolist()) == ([0, 0, 1], [2, 1])


def test_one_convolution_serves_all_dimensions() -> None:
    x, w = torch.arange(10.0).reshape(1, 2, 5), torch.ones(3, 2, 2)
    torch.testing.assert_close(torch.convolution(x, w, None, [1], [0], [1], False, [0], 1), F.conv1d(x, w))
    w = w.transpose(0, 1)
    torch.testing.assert_close(
        torch.convolution(x, w, None, [2], [0], [1], True, [1], 1), F.conv_transpose1d(x, w, None, 2, 0, 1)
    )


def test_reductions_are_numbered() -> None:
    x, t = torch.tensor([0.5, -1.0]), torch.tensor([1.0, 0.0])
    for number, name in enumerate(("none", "mean", "sum")):
        torch.testing.assert_close(
            torch.binary_cross_entropy_with_logits(x, t, reduction=number),
            F.binary_cross_entropy_with_logits(x, t, reduction=name),
        )
        torch.testing.assert_close(
            torch.poisson_nll_loss(x, t, True, False, 1e-8, number), F.poisson_nll_loss(x, t, reduction=name)
        )


def test_a_numbered_mean_of_kl_div_does_not_warn() -> None:
    x, t = torch.tensor([0.5, -1.0]), torch.tensor([1.0, 0.0])
    torch.testing.assert_close(torch.kl_div(x, t, 0), F.kl_div(x, t, reduction="none"))
    torch.testing.assert_close(torch.kl_div(x, t, 2), F.kl_div(x, t, reduction="sum"))
    with pytest.warns(UserWarning, match="'mean' divides the total loss"):
        mean = F.kl_div(x, t, reduction="mean")
    torch.testing.assert_close(torch.kl_div(x, t, 1), mean)


def test_norms_over_other_dimensions() -> None:
    v = torch.arange(6.0).reshape(2, 3)
    torch.testing.assert_close(torch.norm_except_dim(v, 2, 0), v.norm(dim=1, keepdim=True))
    torch.testing.assert_close(torch.norm_except_dim(v, 2, -1), v.norm())
    torch.testing.assert_close(torch.frobenius_norm(v, 1), v.norm(dim=1))
    torch.testing.assert_close(torch.nuclear_norm(v), torch.linalg.svdvals(v).sum())


def test_dropout_says_what_it_kept() -> None:
    torch.manual_seed(0)
    x = torch.ones(200)
    out, kept = torch.native_dropout(x, 0.5, True)
    torch.testing.assert_close(out, kept * 2.0)
    assert 50 < int(kept.sum()) < 150
    whole = torch.feature_dropout(torch.ones(4, 8, 3), 0.5, True)
    torch.testing.assert_close(whole, whole[..., :1].expand(4, 8, 3))


def test_pooling_gives_its_indices() -> None:
    x = torch.tensor([[[1.0, 3.0, 2.0, 5.0]]])
    values, places = torch.max_pool1d_with_indices(x, 2)
    assert (values.tolist(), places.tolist()) == ([[[3.0, 5.0]]], [[[1, 3]]])
    assert torch.adaptive_max_pool1d(x, 1)[1].tolist() == [[[3]]]


@pytest.mark.parametrize("name", ["eig", "lstsq", "matrix_rank", "solve", "symeig"])
def test_a_removed_function_says_what_to_write(name: str) -> None:
    with pytest.raises(RuntimeError, match="now removed"):
        getattr(torch, name)(torch.eye(2))
