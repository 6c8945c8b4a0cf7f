"""Datasets, read from files laid out as their publishers do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fxtorch.text import datasets
from fxtorch.utils.data import DataLoader


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def test_classified_texts_are_read_any_number_of_times(tmp_path: Path) -> None:
    write(tmp_path / "ag_news_csv" / "train.csv", '"3","Title","Text, ""quoted"""\n"1","B","C"\n')
    write(tmp_path / "ag_news_csv" / "test.csv", '"2","D","E"\n')
    train, test = datasets.AG_NEWS(str(tmp_path))
    for _ in range(2):
        assert list(train) == [(3, 'Title Text, "quoted"'), (1, "B C")]
    assert list(test) == [(2, "D E")]
    labels, texts = next(iter(DataLoader(train, batch_size=2)))
    assert labels.tolist() == [3, 1] and texts[1] == "B C"


def test_films_reviews_are_read_from_their_folders(tmp_path: Path) -> None:
    write(tmp_path / "aclImdb" / "train" / "neg" / "0_2.txt", "bad")
    write(tmp_path / "aclImdb" / "train" / "pos" / "0_9.txt", "good")
    assert list(datasets.IMDB(tmp_path, "train")) == [(1, "bad"), (2, "good")]


def test_running_text_is_read_line_by_line(tmp_path: Path) -> None:
    write(tmp_path / "wikitext-2" / "wiki.valid.tokens", " \n = Title = \n")
    assert list(datasets.WikiText2(tmp_path, split="valid")) == [" \n", " = Title = \n"]
    write(tmp_path / "ptb.test.txt", " a <unk> \n")
    assert list(datasets.PennTreebank(tmp_path, split="test")) == ["a <unk>"]


def test_translations_come_in_pairs(tmp_path: Path) -> None:
    write(tmp_path / "val.de", "Hund\nKatze\n")
    write(tmp_path / "val.en", "dog\ncat\n")
    assert list(datasets.Multi30k(tmp_path, "valid")) == [("Hund", "dog"), ("Katze", "cat")]
    assert next(iter(datasets.Multi30k(tmp_path, "valid", ("en", "de")))) == ("dog", "Hund")


def test_tagged_sentences_are_columns(tmp_path: Path) -> None:
    write(tmp_path / "UDPOS" / "en-ud-tag.v2.dev.txt", "I\tPRON\tPRP\ngo\tVERB\tVBP\n\nOh\tINTJ\tUH\n")
    assert list(datasets.UDPOS(tmp_path, "valid")) == [
        [["I", "go"], ["PRON", "VERB"], ["PRP", "VBP"]], [["Oh"], ["INTJ"], ["UH"]]
    ]  # fmt: skip
    write(tmp_path / "test.txt", "Rockwell NNP B-NP\n. . O\n")
    assert list(datasets.CoNLL2000Chunking(tmp_path, "test")) == [[["Rockwell", "."], ["NNP", "."], ["B-NP", "O"]]]


def test_sentiments_have_a_header(tmp_path: Path) -> None:
    write(tmp_path / "SST-2" / "dev.tsv", "sentence\tlabel\na fine film \t1\n")
    write(tmp_path / "SST-2" / "test.tsv", "index\tsentence\n0\twho knows\n")
    dev, test = datasets.SST2(tmp_path, ("dev", "test"))
    assert list(dev) == [("a fine film", 1)] and list(test) == [("who knows",)]


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"YelpReviewFull: none of test\.csv, yelp_review_full_csv/test\.csv"):
        datasets.YelpReviewFull(tmp_path, "test")
    with pytest.raises(ValueError, match="split 'dev' not found"):
        datasets.IMDB(tmp_path, "dev")


def test_questions_come_with_the_places_of_their_answers(tmp_path: Path) -> None:
    asked = [
        {"question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}, {"text": "she", "answer_start": 9}]},
        {"question": "Why?", "answers": []},
    ]
    tree = {"data": [{"paragraphs": [{"context": "Ada came; she saw.", "qas": asked}]}]}
    write(tmp_path / "SQuAD2" / "dev-v2.0.json", json.dumps(tree))
    context = "Ada came; she saw."
    assert list(datasets.SQuAD2(tmp_path, "dev")) == [
        (context, "Who?", ["Ada", "she"], [0, 9]), (context, "Why?", [""], [-1])
    ]  # fmt: skip
    with pytest.raises(FileNotFoundError, match=r"SQuAD1: none of train-v1\.1\.json"):
        datasets.SQuAD1(tmp_path, "train")


GLUE = {
    ("CoLA", "train"): ("cola_public/raw/in_domain_train.tsv", 'gj04\t1\t\t"So" it is.\n', ("gj04", 1, "So it is.")),
    ("MNLI", "dev_matched"): (
        "multinli_1.0/multinli_1.0_dev_matched.txt",
        'gold\nneutral\tb\tp\tb\tp\tA "dog.\tA cat.\tmore\n-\tb\tp\tb\tp\tx\ty\n',
        (1, 'A "dog.', "A cat."),
    ),
    ("MRPC", "test"): ("msr_paraphrase_test.txt", 'Quality\n1\t2\t3\t"One\tTwo\n', (1, '"One', "Two")),
    ("QNLI", "train"): ("QNLI/train.tsv", "index\n0\tWho?\tAda.\tnot_entailment\n", (1, "Who?", "Ada.")),
    ("QNLI", "test"): ("QNLI/test.tsv", "index\n0\tWho?\tAda.\n", ("Who?", "Ada.")),
    ("RTE", "dev"): ("RTE/dev.tsv", "index\n0\tIt rains.\tIt is wet.\tentailment\n", (0, "It rains.", "It is wet.")),
    ("STSB", "dev"): ("stsbenchmark/sts-dev.csv", "news\tM\t2\t7\t3.5\tA\tB\n", (7, 3.5, "A", "B")),
    ("WNLI", "train"): ("WNLI/train.tsv", "index\n0\tIt fell.\tThe cup fell.\t1\n", (1, "It fell.", "The cup fell.")),
}


@pytest.mark.parametrize(("name", "split"), GLUE)
def test_tasks_of_glue_are_read_from_their_tables(tmp_path: Path, name: str, split: str) -> None:
    file, content, item = GLUE[name, split]
    write(tmp_path / file, content)
    dataset = getattr(datasets, name)(tmp_path, split)
    assert list(dataset) == [item] == list(dataset)


def test_questions_of_quora_have_no_split(tmp_path: Path) -> None:
    write(tmp_path / "quora_duplicate_questions.tsv", 'id\n0\t1\t2\t"a ""b"""\tc\t1\n')
    assert list(datasets.QQP(tmp_path)) == [(1, 'a "b"', "c")]


def test_where_multi30k_is_published_can_be_set() -> None:
    assert set(datasets.multi30k.URL) == {"train", "valid", "test"} and datasets.DATASETS["Multi30k"]
