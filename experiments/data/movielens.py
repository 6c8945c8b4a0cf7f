"""MovieLens 100K: 100,000 ratings of 1,682 films by 943 people (Harper and Konstan, 2015)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.data.archives import members
from experiments.data.cache import Arrays
from experiments.data.collection import Collection, Form
from experiments.data.generated import ratings


def _read(path: Path) -> Arrays:
    """``u.data`` (user, film, rating, time, between tabs) and ``u.item`` (``|`` between fields, in Latin-1)."""
    table, titles = None, {}
    for name, content in members(path):
        if name.endswith("u.data"):
            table = np.array([line.split("\t") for line in content.decode().splitlines()], np.int64)
            if table.ndim != 2 or table.shape[1] != 4:
                raise ValueError("u.data does not hold four columns")
        elif name.endswith("u.item"):
            fields = (line.split("|", 2) for line in content.decode("latin-1").splitlines() if line)
            titles = {int(number): title for number, title, _ in fields}
    if table is None:
        raise ValueError("it holds no u.data")
    return _arrays(table[:, 0] - 1, table[:, 1] - 1, table[:, 2], {n - 1: title for n, title in titles.items()})


def _from_records(splits: dict) -> Arrays:
    users, films, given, titles = [], [], [], {}
    for record in splits["train"]:
        film = int(record["movie_id"]) - 1
        users.append(int(record["user_id"]) - 1)
        films.append(film)
        given.append(float(record["user_rating"]))
        title = record["movie_title"]
        titles[film] = title.decode() if isinstance(title, bytes) else str(title)
    return _arrays(np.array(users), np.array(films), np.array(given), titles)


def _arrays(users: np.ndarray, films: np.ndarray, given: np.ndarray, titles: dict[int, str]) -> Arrays:
    names = [titles.get(film, f"film {film + 1}") for film in range(int(films.max()) + 1)]
    return {
        "users": users.astype(np.int32),
        "films": films.astype(np.int32),
        "ratings": given.astype(np.float32),
        "titles": np.frombuffer("\n".join(names).encode(), np.uint8),
    }


def _stand_in() -> tuple[Arrays, str]:
    users, films, given = ratings()
    return _arrays(users, films, given, {}), "generated ratings (invented)"


MOVIELENS = Collection(
    name="MovieLens-100K",
    folders=("", "movielens100k", "movielens"),
    forms=(Form(("ml-100k.zip",), _read), Form(("ml-100k",), _read)),
    urls=("https://files.grouplens.org/datasets/movielens/ml-100k.zip",),
    tfds="movielens/100k-ratings",
    splits=("train",),
    from_records=_from_records,
    stand_in=_stand_in,
)
"""``users`` and ``films`` int32, ``ratings`` float32, all ``(100000,)``; ``titles``, a line a film."""
