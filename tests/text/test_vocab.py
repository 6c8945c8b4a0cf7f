"""Vocabularies, tokenizers, vectors and transforms."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest

import fxtorch as torch
from fxtorch import text
from fxtorch.text import data, transforms
from fxtorch.text.vocab import CharNGram, FastText, GloVe, Vectors, Vocab, build_vocab_from_iterator, vocab


def test_tokens_are_ranked_by_frequency_then_by_alphabet() -> None:
    made = build_vocab_from_iterator([["c", "b", "b"], ["a", "c", "d"]], min_freq=1, specials=["<unk>", "d"])
    assert made.get_itos() == ["<unk>", "d", "b", "c", "a"]
    last = build_vocab_from_iterator([["b", "a", "b"]], specials=["<unk>"], special_first=False)
    assert last.get_itos() == ["b", "a", "<unk>"]
    assert build_vocab_from_iterator([["a", "b", "b", "c"]], specials=["x"], max_tokens=2).get_itos() == ["x", "b"]
    assert build_vocab_from_iterator([["a", "b", "b"]], min_freq=2).get_itos() == ["b"]


def test_unknown_tokens_raise_until_they_have_a_number() -> None:
    made = vocab(OrderedDict(a=2, b=1), specials=["<unk>"])
    with pytest.raises(RuntimeError, match="Token z not found and default index is not set"):
        made["z"]
    made.set_default_index(made["<unk>"])
    assert made(["a", "z", "b"]) == [1, 0, 2]
    assert "z" not in made and made.get_default_index() == 0


def test_tokens_are_put_in_their_place() -> None:
    made = Vocab(["a", "b"])
    made.insert_token("c", 1)
    made.append_token("d")
    assert made.get_stoi() == {"a": 0, "c": 1, "b": 2, "d": 3}
    assert made.lookup_tokens([3, 0]) == ["d", "a"] and made.lookup_indices(["b"]) == [2]
    with pytest.raises(RuntimeError, match="already exists"):
        made.append_token("a")
    with pytest.raises(RuntimeError, match="out of bounds"):
        made.lookup_token(4)
    with pytest.raises(RuntimeError, match="Duplicate token"):
        Vocab(["a", "a"])


def test_a_copy_and_a_pickle_are_the_same() -> None:
    made = vocab(OrderedDict(a=2, b=1))
    made.set_default_index(1)
    for twin in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert twin(["b", "a", "z"]) == [1, 0, 1]


def test_basic_english_separates_marks() -> None:
    tokenizer = data.get_tokenizer("basic_english")
    assert tokenizer('He said: "it\'s (so) good!"; really?<br />Yes, no.') == [
        "he", "said", "it", "'", "s", "(", "so", ")", "good", "!", "really", "?", "yes", ",", "no", "."
    ]  # fmt: skip
    assert data.get_tokenizer(None)("A b") == ["A", "b"]
    assert data.get_tokenizer(str.split)("A b") == ["A", "b"]
    with pytest.raises(ValueError, match="only available"):
        data.get_tokenizer("basic_english", "de")
    with pytest.raises(ValueError, match="valid choices"):
        data.get_tokenizer("other")


def test_ngrams_follow_the_tokens() -> None:
    assert list(data.ngrams_iterator(["a", "b", "c"], 3)) == ["a", "b", "c", "a b", "b c", "a b c"]


def test_bleu_is_papinenis() -> None:
    candidate = [["my", "full", "pytorch", "test"], ["another", "sentence"]]
    references = [
        [["my", "full", "pytorch", "test"], ["completely", "different"]],
        [["no", "match"]],
    ]
    assert data.bleu_score(candidate, references) == pytest.approx(0.8408964276313782)
    assert data.bleu_score([["a"]], [[["b"]]]) == 0.0


def test_vectors_are_read_from_their_file(tmp_path: Path) -> None:
    (tmp_path / "glove.6B.3d.txt").write_text("the 1.0 2.0 3.0\ncat 4.0 5.0 6.0\n")
    vectors = GloVe("6B", 3, cache=str(tmp_path))
    assert len(vectors) == 2 and vectors.dim == 3 and vectors.stoi == {"the": 0, "cat": 1}
    assert vectors["cat"].tolist() == [4, 5, 6] and vectors["dog"].tolist() == [0, 0, 0]
    assert vectors.get_vecs_by_tokens(["The", "dog"], lower_case_backup=True).tolist() == [[1, 2, 3], [0, 0, 0]]
    with pytest.raises(FileNotFoundError, match="put the publisher's file there"):
        Vectors("none.txt", cache=str(tmp_path))


def test_fasttext_skips_the_header_and_character_pieces_are_averaged(tmp_path: Path) -> None:
    (tmp_path / "wiki.en.vec").write_text("1 3\nthe 1.0 2.0 3.0 \n")
    assert FastText("en", cache=str(tmp_path))["the"].tolist() == [1, 2, 3]
    (tmp_path / "charNgram.txt").write_text("2gram-#BEGIN#a 1.0 2.0\n3gram-ab#END# 3.0 6.0\n2gram-zz 9.0 9.0\n")
    pieces = CharNGram(cache=str(tmp_path))
    assert pieces["ab"].tolist() == [[2, 4]]
    assert pieces["q"].tolist() == [[0, 0]]


def test_texts_become_tensors() -> None:
    made = vocab(OrderedDict(a=1, b=1), specials=["<pad>", "<bos>"])
    pipeline = transforms.Sequential(
        transforms.VocabTransform(made), transforms.Truncate(2), transforms.AddToken(1), transforms.ToTensor(0)
    )
    assert pipeline([["a", "b", "a"], ["b"]]).tolist() == [[1, 2, 3], [1, 3, 0]]
    assert pipeline(["a"]).tolist() == [1, 2]
    assert transforms.PadTransform(4, 9)(torch.tensor([1, 2])).tolist() == [1, 2, 9, 9]
    assert transforms.StrToIntTransform()([["1", "2"], ["3"]]) == [[1, 2], [3]]
    labels = transforms.LabelToIndex(["pos", "neg"], sort_names=True)
    assert labels(["pos", "neg"]) == [1, 0] and labels.label_names == ["neg", "pos"]


def test_iterables_become_datasets() -> None:
    listed = data.to_map_style_dataset(iter([(1, "a"), (2, "b")]))
    assert len(listed) == 2 and listed[1] == (2, "b")
    numbers = data.numericalize_tokens_from_iterator({"a": 0, "b": 1}, data.simple_space_split(["a b a"]), ["b"])
    assert [list(row) for row in numbers] == [[0, 0]]
    text.disable_torchtext_deprecation_warning()
