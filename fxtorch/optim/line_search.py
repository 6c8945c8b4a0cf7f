"""The line search of L-BFGS: a step that satisfies the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax


class Point(NamedTuple):
    """A place on the line: how far along, the loss there, its gradient, that one's slope along it and largest part."""

    t: float
    loss: float
    grad: jax.Array
    slope: float
    largest: float


Evaluate = Callable[[float], Point]


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through the values and slopes of ``a`` and ``b`` is least within ``bounds`` (or between them)."""
    low, high = bounds or (min(a.t, b.t), max(a.t, b.t))
    if a.t > b.t:
        a, b = b, a
    theta = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = theta**2 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2.0
    gamma = math.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + gamma - theta) / (b.slope - a.slope + 2 * gamma))
    return min(max(t, low), high)


def strong_wolfe(
    evaluate: Evaluate,
    start: Point,
    t: float,
    length: float,
    *,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    tolerance: float = 1e-9,
    max_iter: int = 25,
) -> tuple[Point, int]:
    """A point on the line with enough less loss and a flat enough slope, and how many evaluations that took.

    Args:
        evaluate: the :class:`Point` at a distance.
        start: the point at distance 0.
        t: the first distance to try.
        length: the largest element of the direction.
        decrease: the part of the first slope by which the loss must fall.
        curvature: the part of the first slope that may be left.
        tolerance: an interval shorter than this is not searched further.
        max_iter: how many points to try.

    Source: Nocedal and Wright, "Numerical optimization", 2006, algorithms 3.5 and 3.6.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + decrease * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -curvature * start.slope

    previous, point = start, evaluate(t)
    tried = 0
    while tried < max_iter:
        if too_high(point) or (tried > 1 and point.loss >= previous.loss):
            break
        if flat(point):
            return point, tried + 1
        if point.slope >= 0:
            break
        bounds = point.t + 0.01 * (point.t - previous.t), point.t * 10
        t = cubic_minimum(previous, point, bounds)
        previous, point = point, evaluate(t)
        tried += 1
    bracket = [start if tried == max_iter else previous, point]
    return _zoom(evaluate, bracket, too_high, flat, length, tolerance, tried, max_iter)


def _zoom(
    evaluate: Evaluate,
    bracket: list[Point],
    too_high: Callable[[Point], bool],
    flat: Callable[[Point], bool],
    length: float,
    tolerance: float,
    tried: int,
    max_iter: int,
) -> tuple[Point, int]:
    """Narrow ``bracket``, which holds a good point, until one is found."""
    low = 0 if bracket[0].loss <= bracket[1].loss else 1
    stuck = False
    evaluations = tried + 1
    while tried < max_iter and abs(bracket[1].t - bracket[0].t) * length >= tolerance:
        t = cubic_minimum(bracket[0], bracket[1])
        left, right = sorted(p.t for p in bracket)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) >= margin:
            stuck = False
        elif stuck or t >= right or t <= left:
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stuck = False
        else:
            stuck = True
        point = evaluate(t)
        evaluations += 1
        tried += 1
        if too_high(point) or point.loss >= bracket[low].loss:
            bracket[1 - low] = point
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        if flat(point):
            bracket[low] = point
            break
        if point.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = point
    return bracket[low], evaluations
