"""Invented text and ratings, for machines that have neither the files nor a network.  They say nothing of the world."""

from __future__ import annotations

import numpy as np

_GOOD = "wonderful moving brilliant charming delightful superb gripping funny fresh beautiful".split()
_BAD = "dull awful boring clumsy tedious flat shallow predictable lazy forgettable".split()
_PARTS = "story acting plot camera music ending script cast pace dialogue".split()
_FILLER = "the a film with its and for this was one scene that in of it to director audience".split()


def reviews(train: int = 2000, test: int = 1000, seed: int = 0) -> tuple[dict[str, list[str]], dict[str, list[int]]]:
    """Reviews of 20 to 60 words whose verdict is the majority of their adjectives."""
    rng = np.random.default_rng(seed)

    def review(favourable: bool) -> str:
        text = list(rng.choice(_FILLER, rng.integers(15, 50)))
        for _ in range(rng.integers(2, 5)):
            mine, other = (_GOOD, _BAD) if favourable else (_BAD, _GOOD)
            said = mine if rng.random() < 0.9 else other
            at = rng.integers(len(text))
            text[at:at] = [rng.choice(_PARTS), "is", rng.choice(said)]
        return " ".join(text)

    labels = {part: [int(v) for v in rng.integers(0, 2, n)] for part, n in (("train", train), ("test", test))}
    return {part: [review(bool(v)) for v in labels[part]] for part in labels}, labels


def ratings(
    users: int = 300, films: int = 400, count: int = 20_000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratings of one to five from tastes of three dimensions, biases and noise; each pair at most once."""
    rng = np.random.default_rng(seed)
    pairs = rng.choice(users * films, count, replace=False)
    user, film = pairs // films, pairs % films
    taste, kind = rng.normal(size=(users, 3)), rng.normal(size=(films, 3))
    bias = 3.5 + 0.4 * rng.normal(size=users)[user] + 0.5 * rng.normal(size=films)[film]
    score = bias + 0.4 * (taste[user] * kind[film]).sum(1) + 0.5 * rng.normal(size=count)
    return user, film, np.clip(np.rint(score), 1, 5)
