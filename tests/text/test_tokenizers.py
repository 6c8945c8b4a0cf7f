"""Tokenizers with vocabularies in the published formats."""

import copy
import json

import pytest

from fxtorch.text import transforms
from fxtorch.text.bpe import byte_letters

MERGES = "#version: 0.2\nl o\nĠ lo\nĠlo w\ne r\nĠlow er\nlo w\n"


@pytest.fixture
def gpt2(tmp_path):
    (tmp_path / "vocab.bpe").write_text(MERGES, encoding="utf-8")
    tokens = [*byte_letters().values()]
    tokens += ["lo", "low", "Ġlo", "er", "Ġlow", "Ġlower"]
    (tmp_path / "encoder.json").write_text(json.dumps({t: n for n, t in enumerate(tokens)}))
    return lambda **options: transforms.GPT2BPETokenizer(tmp_path / "encoder.json", tmp_path / "vocab.bpe", **options)


def test_gpt2_merges_a_word_with_the_space_before_it(gpt2):
    tokens = gpt2(return_tokens=True)
    assert tokens("low lower lo") == ["low", "Ġlower", "Ġlo"]
    assert tokens(["er", "we'll"]) == [["er"], ["w", "e", "'", "l", "l"]]
    assert tokens("lololo") == ["lo", "lo", "lo"]


def test_gpt2_reads_back_what_it_wrote_in_any_script(gpt2):
    tokens = gpt2()
    text = "low é 中文  x²³ 12\n\n👍 don't "
    numbers = tokens(text)
    assert all(isinstance(number, str) for number in numbers)
    assert tokens.decode(numbers) == text
    assert copy.deepcopy(tokens)(text) == numbers


def test_gpt2_keeps_letters_numbers_and_signs_apart(gpt2):
    words = gpt2(return_tokens=True)
    assert words("a1!") == ["a", "1", "!"]
    with pytest.raises(TypeError, match="not supported"):
        words(3)


def test_clip_ends_words_and_numbers_tokens_by_its_merges(tmp_path):
    (tmp_path / "merges.txt").write_text("#version\nl o\nlo w</w>\ne r</w>\n")
    tokens = transforms.CLIPTokenizer(tmp_path / "merges.txt", return_tokens=True)
    assert tokens(" LOW  lower 12 <|endoftext|>") == ["low</w>", "lo", "w", "er</w>", "1</w>", "2</w>", "<|endoftext|>"]
    numbers = transforms.CLIPTokenizer(tmp_path / "merges.txt")
    assert numbers("low a<|startoftext|>") == ["513", str(256 + ord("a") - 0x21), "515"]
    assert transforms.CLIPTokenizer(tmp_path / "merges.txt", num_merges=1, return_tokens=True)("low") == ["lo", "w</w>"]


def test_bert_takes_the_longest_pieces(tmp_path):
    pieces = ["[PAD]", "[UNK]", "[MASK]", "un", "##aff", "##able", "!", "cafe", "中"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    tokens = transforms.BERTTokenizer(tmp_path / "vocab.txt", return_tokens=True)
    assert tokens("Unaffable! CAFÉ") == ["un", "##aff", "##able", "!", "cafe"]
    assert tokens("中中 [MASK] \x00\ufffdun nothing") == ["中", "中", "[MASK]", "un", "[UNK]"]
    assert transforms.BERTTokenizer(tmp_path / "vocab.txt")(["un!", ""]) == [["3", "6"], []]
    kept = transforms.BERTTokenizer(tmp_path / "vocab.txt", do_lower_case=False, return_tokens=True)
    assert kept("Un café") == ["[UNK]", "[UNK]"]


def test_patterns_are_replaced_in_order():
    tokens = transforms.RegexTokenizer([(r"'", " ' "), (r'"', ""), (r"(\d)", r" \1 ")])
    assert tokens('It\'s "a" 2b') == ["It", "'", "s", "a", "2", "b"]
