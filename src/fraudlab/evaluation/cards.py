"""Cards as what is found: card precision per day, as the handbook measures it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.budgets import Days
from fraudlab.evaluation.ranking import BoolArray, FloatArray, checked


def card_precision_per_day(
    y: ArrayLike, score: ArrayLike, time: ArrayLike, card: ArrayLike, *, per_day: int
) -> float:
    """Share of fraudulent cards among the most suspicious ones of a day; the mean over days.

    A card has its largest score and its largest label of the day. A card that was found leaves all later
    days; places that no card is left for count as false alarms. ``card_precision_top_k`` of Le Borgne,
    Siblini, Lebichot & Bontempi 2022, "Reproducible Machine Learning for Credit Card Fraud Detection". That
    leaves the order of equal scores open; here cards without fraud come first, so that equal scores never
    flatter. A day that is cut has its part of the places, as in
    :func:`~fraudlab.evaluation.budgets.caught_per_day`.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score, time : array_like of float, shape (n,)
        Times in seconds.
    card : array_like of int, shape (n,)
        0 or more, the same number for the same card.
    per_day : int
        Cards that are looked at on a whole day.

    Raises
    ------
    ValueError
        If there are no rows, or lengths or numbers are not as they should be.

    Examples
    --------
    Card 7 is found on the first day; on the second, card 8 takes its place:

    >>> y, score, card = [1, 0, 1, 0], [0.9, 0.2, 0.8, 0.7], [7, 8, 7, 8]
    >>> card_precision_per_day(y, score, [0, 86_399, 86_400, 172_799], card, per_day=1)
    0.5
    """
    frauds, scores = checked(y, score)
    times, cards = np.asarray(time, dtype=np.float64), check_cards(card, scores.size)
    if times.shape != scores.shape:
        raise ValueError(f"there are {times.size} times for {scores.size} rows")
    if per_day < 1:
        raise ValueError("a day has at least one place")
    days = Days.of(times)
    found = np.zeros(int(cards.max()) + 1, dtype=bool)
    shares = []
    for rows, places in zip(days.rows(), days.places(per_day).tolist(), strict=True):
        today, of_today, labels = cards[rows], scores[rows], frauds[rows]
        left = ~found[today]
        hits = _found_today(today[left], of_today[left], labels[left], places)
        found[hits] = True
        shares.append(hits.size / places)
    return float(np.mean(shares))


def check_cards(card: ArrayLike, rows: int) -> NDArray[np.integer]:
    """Numbers of cards as an array, or the sentence that says why they are not."""
    cards = np.asarray(card)
    if cards.shape != (rows,):
        raise ValueError(f"there are {cards.size} cards for {rows} rows")
    if cards.dtype.kind not in "iu" or cards.min() < 0:
        raise ValueError("cards are whole numbers of 0 or more")
    return cards


def _found_today(
    card: NDArray[np.integer], score: FloatArray, frauds: BoolArray, places: int
) -> NDArray[np.integer]:
    """The fraudulent cards among the most suspicious ones."""
    kept = _rows_of_highest(card, score, places)
    kept = kept[np.argsort(-score[kept], kind="stable")]
    cards, first = np.unique(card[kept], return_index=True)
    fraudulent = np.isin(cards, card[frauds])
    top = np.lexsort((fraudulent, -score[kept[first]]))[:places]
    found: NDArray[np.integer] = cards[top][fraudulent[top]]
    return found


def _rows_of_highest(card: NDArray[np.integer], score: FloatArray, places: int) -> NDArray[np.integer]:
    """Rows that hold the highest score of each of so many cards, and all that are level with the last."""
    most = 2 * places
    while most < score.size:
        lowest = np.partition(score, score.size - most)[score.size - most]
        kept = np.flatnonzero(score >= lowest)
        if np.unique(card[kept]).size >= places:
            return kept
        most *= 4
    return np.arange(score.size)
