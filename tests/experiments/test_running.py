"""What surrounds a training loop: resuming, options, errors in one line, results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import fxtorch as torch
from experiments.__main__ import main
from experiments.running import checkpoints
from experiments.running.errors import Refused, guarded
from experiments.running.system import NAMES, system
from tests.running import python

ROOT = Path(__file__).parents[2]
SMALL = {
    "mlp_mnist": ["--train-size", "256", "--batch-size", "64"],
    "recommender_movielens": ["--train-size", "2000"],
    "linear_regression": [],
}


def leaves(tree, at=""):
    """Every value of a nested checkpoint with its path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{at}.{key}")
    elif isinstance(tree, list | tuple):
        for key, value in enumerate(tree):
            yield from leaves(value, f"{at}[{key}]")
    else:
        yield at, tree.numpy() if isinstance(tree, torch.Tensor) else tree


def stop_after(epoch, monkeypatch):
    save = checkpoints.save

    def save_and_stop(path, options, finished, *rest):
        save(path, options, finished, *rest)
        if finished == epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "save", save_and_stop)


@pytest.mark.parametrize("name", SMALL)
def test_a_killed_and_resumed_run_ends_exactly_where_it_would_have(name, tmp_path, monkeypatch):
    argv = [*SMALL[name], "--embedded", "--epochs", "3"]
    whole = system(name).main([*argv, "--out", str(tmp_path / "whole")])
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            system(name).main([*argv, "--out", str(tmp_path / "parts")])
    torch.randn(7)
    resumed = system(name).main([*argv, "--out", str(tmp_path / "parts"), "--resume"])
    assert resumed == whole
    one, other = (dict(leaves(torch.load(tmp_path / p / name / "checkpoint.pt"))) for p in ("whole", "parts"))
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)


def test_resuming_from_a_named_file_works_into_another_folder(tmp_path):
    run = system("linear_regression").main
    whole = run(["--epochs", "2", "--out", str(tmp_path / "a")])
    file = str(tmp_path / "a/linear_regression/checkpoint.pt")
    assert run(["--epochs", "2", "--out", str(tmp_path / "b"), "--resume", file]) == whole


def test_results_lie_in_one_folder(tmp_path):
    metrics = system("mlp_mnist").main(["--embedded", "--brief", "--train-size", "256", "--out", str(tmp_path)])
    folder = tmp_path / "mlp_mnist"
    for name in ("curves.png", "mistakes.png", "filters.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    assert list((folder / "tensorboard").glob("events*"))
    written = json.loads((folder / "metrics.json").read_text())
    assert written["accuracy"] == metrics["accuracy"]
    assert written["data"].startswith("scikit-learn's digits")


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_the_system_is_and_what_it_takes(name, capsys):
    with pytest.raises(SystemExit) as end:
        system(name).main(["--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert (system(name).__doc__ or "").splitlines()[0] in said
    assert all(option in said for option in ("--mode", "--resume", "--seed", "--brief", "--out", "--data-dir"))


def refusal(name, argv, capsys):
    assert guarded(lambda: system(name).main(argv), name) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"{name}: error: ")
    return said


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--mode", "fast"], "invalid choice: 'fast'"),
        (["--epochs", "0"], "not a positive number"),
        (["--epochs", "many"], "invalid"),
        (["--speed", "9"], "unrecognized arguments: --speed 9"),
        (["--data-dir", "/nowhere"], "no MNIST in /nowhere"),
        (["--embedded", "--resume", "/nowhere.pt"], "no checkpoint to resume from at /nowhere.pt"),
    ],
)
def test_a_wrong_option_gets_one_line(argv, words, tmp_path, capsys):
    assert words in refusal("mlp_mnist", ["--out", str(tmp_path), *argv], capsys)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"nonsense" * 50])
def test_a_damaged_checkpoint_gets_one_line(damage, tmp_path, capsys):
    argv = ["--epochs", "1", "--out", str(tmp_path)]
    system("linear_regression").main(argv)
    file = tmp_path / "linear_regression/checkpoint.pt"
    file.write_bytes(damage(file.read_bytes()))
    capsys.readouterr()
    assert "is not a readable checkpoint" in refusal("linear_regression", [*argv, "--resume"], capsys)


def test_a_checkpoint_of_other_options_or_another_system_gets_one_line(tmp_path, capsys):
    argv = ["--epochs", "1", "--out", str(tmp_path)]
    system("linear_regression").main(argv)
    capsys.readouterr()
    said = refusal("linear_regression", [*argv, "--resume", "--lr", "0.05"], capsys)
    assert "was made with --lr 0.1, not 0.05" in said
    file = str(tmp_path / "linear_regression/checkpoint.pt")
    said = refusal("logistic_regression", [*argv, "--resume", file], capsys)
    assert "is a checkpoint of linear_regression, not of logistic_regression" in said


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    argv = ["--epochs", "2", "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            system("linear_regression").main(argv)
    before = (tmp_path / "linear_regression/checkpoint.pt").read_bytes()

    def fail(contents, path):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fail)
        with pytest.raises(OSError, match="disk full"):
            system("linear_regression").main([*argv, "--resume"])
    assert (tmp_path / "linear_regression/checkpoint.pt").read_bytes() == before


def test_list_names_all_seven(capsys):
    main(["list"])
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == list(NAMES)


def test_run_passes_options_through(tmp_path, capsys):
    main(["run", "linear_regression", "--epochs", "1", "--out", str(tmp_path)])
    assert "| 1 epochs," in capsys.readouterr().out


def test_compare_prints_both_modes_and_draws_a_chart(tmp_path, capsys):
    main(["compare", "linear_regression", "--brief", "--no-torch", "--out", str(tmp_path)])
    said = capsys.readouterr().out
    head, line = (tmp_path / "comparison.txt").read_text().splitlines()
    assert head.split() == ["system", "eager/s", "jit/s", "jit/eager", "compile", "metric", "eager", "jit"]
    assert line in said
    name, *_, metric, eager, jit = line.split()
    assert (name, metric) == ("linear_regression", "r2")
    assert eager == jit
    assert (tmp_path / "comparison.png").exists()
    assert (tmp_path / "eager/linear_regression/fit.png").exists()


def test_an_unknown_system_is_refused():
    with pytest.raises(Refused, match="no system 'resnet'; there are linear_regression"):
        main(["run", "resnet"])


def test_the_command_line_ends_with_code_2_and_one_line():
    done = python("-m", "experiments", "run", "mlp_mnist", "--mode", "fast")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "invalid choice: 'fast'" in done.stderr
