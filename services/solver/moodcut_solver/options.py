"""The ways to place one shot: which numbers of bars at which positions, and what each is worth, as integers.

All recursions work on integers, so that equal scores compare as equal whatever order they are added in, and so that one
number holds both the score and the tie-break: value = (score in quanta) * (bar_count + 1) - 1 for every chosen shot. A
selection has at most bar_count shots, so fewer shots (more bars a shot) decide only between equal scores.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from moodcut_solver.compiled import COMPILED, compiled
from moodcut_solver.problem import Bools, Floats, Ints, LengthMode, Problem, Weighting
from moodcut_solver.scores import ScoreTable

NEVER: int = -(1 << 61)
"""Value of what is impossible. Sums of possible values stay within +-2**58, so anything below IMPOSSIBLE is."""
IMPOSSIBLE: int = -(1 << 60)
_LARGEST_SUM = 1 << 58
_LARGEST_QUANTUM_DIGITS = 300.0

Values = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Blocks = np.ndarray[tuple[int, int, int], np.dtype[np.int64]]
Rows = np.ndarray[tuple[int, int], np.dtype[np.int16]]


class Options(NamedTuple):
    """Arrays of n shots for the compiled loops.

    ``shortest`` (n,): fewest bars. ``longest`` (r, bar_count) int16 and ``longest_row`` (n,): most bars at each first
    bar; 0 where the shot cannot begin. ``whole``: only the most is allowed. ``must`` (n,): cannot be skipped. ``pin``
    (n,): only first bar, or -1. ``quanta`` (n,): score for shots without ``sums_row``; ``sums`` (m, bar_count + 1):
    running sums of scores per bar. ``value_factor``: quanta to values. ``quantum``: quanta in a score of 1.
    ``rounding``: by how much rounding to quanta can make one selection look better than another, as a score.
    ``usual_score``: median size of the scores that are not 0.
    ``width``: most lengths to choose from at once.
    """

    shortest: Ints
    longest: Rows
    longest_row: Ints
    whole: bool
    must: Bools
    pin: Ints
    per_bar: bool
    quanta: Ints
    sums: Values
    sums_row: Ints
    value_factor: int
    quantum: float
    rounding: float
    usual_score: float
    width: int
    bar_count: int


def build_options(problem: Problem, scores: ScoreTable) -> Options:
    """The options of ``problem``. ``longest`` never reaches beyond the grid where boundaries are given."""
    bar_count = problem.bar_count
    whole = problem.length_mode is LengthMode.WHOLE_SHOT
    longest, row = _longest(problem, whole)
    shortest = np.maximum(problem.min_bars, 1)
    widest = longest.max(axis=1).astype(np.int64)
    width = 1 if whole else int(max(1, np.max(widest[row] - shortest + 1)))
    factor = bar_count + 1
    choosable = widest[row] > 0
    values = np.where(choosable, scores.values, 0.0)
    bar_values = scores.bar_values * np.isin(np.arange(len(scores.bar_values)), scores.row[choosable])[:, None]
    quantum = _quantum(problem, values, bar_values, scores.row, widest[row])
    sums = np.zeros((max(1, len(bar_values)), bar_count + 1), np.int64)
    if len(bar_values):
        np.cumsum(_rounded(bar_values * quantum), axis=1, out=sums[:, 1:])
    return Options(
        shortest=shortest,
        longest=longest,
        longest_row=row,
        whole=whole,
        must=problem.required | (problem.pinned >= 0),
        pin=problem.pinned,
        per_bar=problem.weighting is Weighting.PER_BAR,
        quanta=_rounded(values * quantum),
        sums=sums,
        sums_row=scores.row,
        value_factor=factor,
        quantum=quantum,
        rounding=bar_count / quantum,
        usual_score=_usual(values, bar_values),
        width=width,
        bar_count=bar_count,
    )


def _rounded(values: Floats) -> Ints:
    return np.rint(values).astype(np.int64)


def _quantum(problem: Problem, values: Floats, bar_values: Floats, row: Ints, widest: Ints) -> float:
    """Quanta in a score of 1: a power of ten (decimal scores stay exact), as large as sums of values allow.

    What a selection can sum to at most: the largest scores, each for as long as its shot can last, until the grid is
    full. ``values`` (n,) and ``bar_values`` are 0 for shots that cannot be chosen; ``widest`` (n,): most bars of each.
    """
    largest = np.abs(values)
    if len(bar_values):
        largest = np.where(row >= 0, np.abs(bar_values).max(axis=1)[row], largest)
    order = np.argsort(-largest)
    counts = widest[order] if problem.weighting is Weighting.PER_BAR else np.ones(len(order), np.int64)
    before = np.cumsum(counts) - counts
    total = float(np.sum(largest[order] * np.clip(problem.bar_count - before, 0, counts)))
    if total == 0.0:
        return 1.0
    room = _LARGEST_SUM / (1.1 * (problem.bar_count + 1))
    return float(10.0 ** min(_LARGEST_QUANTUM_DIGITS, np.floor(np.log10(room) - np.log10(total))))


def _usual(values: Floats, bar_values: Floats) -> float:
    sizes = np.abs(np.concatenate((values, bar_values.ravel())))
    sizes = sizes[sizes > 0]
    return float(np.median(sizes)) if len(sizes) else np.inf


def _longest(problem: Problem, whole: bool) -> tuple[Rows, Ints]:
    """Most bars at each first bar, one row for each kind of shot, and each shot's row (row 0: cannot be chosen)."""
    bar_count = problem.bar_count
    most = np.full(problem.shot_count, bar_count + 1, np.int64) if whole else problem.max_bars
    if problem.boundaries is None:
        assert problem.bars is not None
        kind = np.minimum(problem.bars, bar_count + 1)
    else:
        assert problem.ticks is not None
        kind = problem.ticks
    kind = np.where(problem.excluded, -1, kind)
    keys, row = np.unique(np.stack([kind, most]), axis=1, return_inverse=True)
    positions = np.arange(bar_count)
    if problem.boundaries is None:
        rows = np.repeat(keys[0][:, None], bar_count, axis=1)
    else:
        reach = problem.boundaries[:-1][None, :] + np.maximum(keys[0], 0)[:, None]
        rows = np.searchsorted(problem.boundaries, reach, side="right") - 1 - positions[None, :]
    rows = np.minimum(np.where(keys[0][:, None] < 0, 0, rows), keys[1][:, None])
    rows = np.where(rows > bar_count, 0 if whole else bar_count, rows)
    return np.ascontiguousarray(rows, dtype=np.int16), row.reshape(-1).astype(np.int64)


@compiled
def option_range(options: Options, shot: int) -> tuple[int, int]:
    """Fewest and most bars the shot can cover anywhere; the first exceeds the second if it cannot be chosen."""
    row = options.longest_row[shot]
    fewest = options.bar_count + 1
    most = 0
    for first in range(options.bar_count):
        length = options.longest[row, first]
        if length > most:
            most = length
        if 0 < length < fewest:
            fewest = length
    if not options.whole:
        fewest = options.shortest[shot]
    return fewest, most


@compiled
def _value(options: Options, shot: int, first: int, length: int) -> int:
    """Value of covering ``length`` bars from bar ``first``."""
    source = options.sums_row[shot]
    if source < 0:
        score = options.quanta[shot] * length if options.per_bar else options.quanta[shot]
    else:
        score = options.sums[source, first + length] - options.sums[source, first]
        if not options.per_bar:
            score = (2 * score + length) // (2 * length)
    return int(score * options.value_factor - 1)


@compiled
def fill_values(options: Options, shot: int, fewest: int, most: int, values: Values) -> None:
    """Write the value of every way to place a shot; NEVER where it is not allowed.

    Whole shots: ``values[0, b]`` from bar ``b`` with the length that ``longest`` gives there. Flexible:
    ``values[a, b]`` with ``fewest + a`` bars.
    """
    limits = options.longest[options.longest_row[shot]]
    pin = options.pin[shot]
    if options.whole:
        for first in range(options.bar_count):
            length = limits[first]
            allowed = length > 0 and first + length <= options.bar_count and (pin < 0 or pin == first)
            values[0, first] = _value(options, shot, first, length) if allowed else NEVER
        return
    for length in range(fewest, most + 1):
        out = values[length - fewest]
        for first in range(options.bar_count - length + 1):
            allowed = limits[first] >= length and (pin < 0 or pin == first)
            out[first] = _value(options, shot, first, length) if allowed else NEVER


def fill_values_numpy(options: Options, shot: int, fewest: int, most: int, values: Values) -> None:
    """:func:`fill_values` without a compiler."""
    limits = options.longest[options.longest_row[shot]].astype(np.int64)
    bars = np.arange(options.bar_count)
    placeable = (bars == options.pin[shot]) | (options.pin[shot] < 0)
    for row in range(1 if options.whole else max(0, most - fewest + 1)):
        length = limits if options.whole else np.full(options.bar_count, fewest + row)
        allowed = placeable & (length > 0) & (limits >= length) & (bars + length <= options.bar_count)
        first, length = bars[allowed], length[allowed]
        if options.sums_row[shot] < 0:
            score = options.quanta[shot] * length if options.per_bar else np.full(len(length), options.quanta[shot])
        else:
            sums = options.sums[options.sums_row[shot]]
            score = sums[first + length] - sums[first]
            if not options.per_bar:
                score = (2 * score + length) // (2 * length)
        values[row, : options.bar_count] = NEVER
        values[row, first] = score * options.value_factor - 1


def option_range_numpy(options: Options, shot: int) -> tuple[int, int]:
    """:func:`option_range` without a compiler."""
    limits = options.longest[options.longest_row[shot]]
    most = int(limits.max())
    if not options.whole:
        return int(options.shortest[shot]), most
    return (int(limits[limits > 0].min()) if most else options.bar_count + 1), most


@compiled
def _fill_block(options: Options, first: int, end: int, ranges: Values, block: Blocks) -> None:
    for shot in range(first, end):
        fewest, most = option_range(options, shot)
        ranges[shot - first, 0] = fewest
        ranges[shot - first, 1] = most
        fill_values(options, shot, fewest, most, block[shot - first])


def block_values(options: Options, first: int, end: int, *, use_compiled: bool = COMPILED) -> tuple[Values, Blocks]:
    """Range of lengths (s, 2) and values (s, width, bar_count) of the s shots ``first`` to ``end - 1``."""
    ranges = np.empty((end - first, 2), np.int64)
    block = np.empty((end - first, max(1, options.width), options.bar_count + 1), np.int64)
    if use_compiled:
        _fill_block(options, first, end, ranges, block)
    else:
        for shot in range(first, end):
            fewest, most = option_range_numpy(options, shot)
            ranges[shot - first] = fewest, most
            fill_values_numpy(options, shot, fewest, most, block[shot - first])
    return ranges, block
