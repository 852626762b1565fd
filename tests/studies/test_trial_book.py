"""What is remembered of trials, also after a kill at any byte of the journal, and that a seed repeats."""

import itertools

import pytest

from fraudlab.studies.trial_book import TrialBook, best_of, first_settings
from fraudlab.studies.tune_options import read_options


def options(*words: str):
    space = ["tune.space={max_depth: {low: 2, high: 9}, gamma: {low: 0, high: 5}}"]
    found, wrong = read_options([*space, "tune.warmup_rounds=0", *words])
    assert wrong == []
    return found


def opened(path, *words: str, seed=7, first=None):
    return TrialBook(path, options(*words), seed=seed, first=first or {})


def value_of(params) -> float:
    return 1.0 - abs(params["max_depth"] - 6) / 10 - params["gamma"] / 100


def carry_out(book, count):
    for _ in range(count):
        trial = book.ask()
        book.begin(trial, f"t{trial.number}")
        book.complete(trial, value_of(trial.params), rounds=3, seconds=0.5)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_seed_tries_the_same(tmp_path, sampler):
    tried = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        book = opened(tmp_path / name, f"tune.sampler={sampler}", seed=seed)
        carry_out(book, 14)
        tried.append([dict(row.params) for row in book.rows()])
    assert tried[0] == tried[1] != tried[2]
    assert len({str(params) for params in tried[0]}) > 10


def test_a_restart_changes_nothing_of_what_is_tried(tmp_path):
    whole = opened(tmp_path / "whole")
    carry_out(whole, 14)
    for _ in range(7):
        carry_out(opened(tmp_path / "parts"), 2)
    assert opened(tmp_path / "parts").rows() == whole.rows()


def test_what_it_starts_from_is_tried_first(tmp_path):
    carry_out(book := opened(tmp_path / "a", first={"max_depth": 4, "gamma": 0.5}), 2)
    assert book.rows()[0].params == {"max_depth": 4, "gamma": 0.5}
    assert [row.number for row in opened(tmp_path / "a", first={"max_depth": 4, "gamma": 0.5}).rows()] == [
        0,
        1,
    ]


def test_what_it_starts_from_is_not_tried_where_it_may_not_be():
    space = options().space
    assert first_settings(space, {"max_depth": 4, "gamma": 0.0}) == {"max_depth": 4, "gamma": 0.0}
    for model in ({"max_depth": 1, "gamma": 0.0}, {"max_depth": 4, "gamma": None}):
        assert first_settings(space, model) == {}


def test_a_journal_cut_at_any_byte_loses_and_doubles_no_trial_that_had_ended(tmp_path):
    """As a process is killed: what was written last is there in part."""
    path = tmp_path / "whole"
    carry_out(opened(path), 3)
    content = path.read_bytes()
    whole = opened(path).rows()
    cuts = [*range(0, len(content), 97), *itertools.islice(range(len(content), 0, -1), 60)]
    for cut in cuts:
        part = tmp_path / "part"
        part.write_bytes(content[:cut])
        book = opened(part)
        before = book.rows()
        assert [row.number for row in before] == list(range(len(before)))
        for trial in book.left():
            book.begin(trial, f"t{trial.number}")
            book.complete(trial, value_of(trial.params), rounds=3, seconds=0.5)
        carry_out(book, 3 - len(book.rows()))
        assert opened(part).rows() == whole


def test_a_trial_that_falls_behind_is_ended_and_says_so(tmp_path):
    book = opened(tmp_path / "a")
    for height in (0.5, 0.6, 0.7, 0.8, 0.9):
        trial = book.ask()
        assert not any(book.is_worse(trial, number, height) for number in (4, 9))
        book.complete(trial, height, rounds=10, seconds=1.0)
    trial = book.ask()
    assert book.is_worse(trial, 4, 0.1)
    book.prune(trial, seconds=0.1)
    row = book.rows()[-1]
    assert (row.state, row.value, row.round) == ("pruned", 0.1, 4)
    assert best_of(book.rows()).value == 0.9


def test_a_trial_that_goes_on_is_not_judged_again_by_rounds_it_survived(tmp_path):
    book = opened(tmp_path / "a")
    trial = book.ask()
    assert not book.is_worse(trial, 9, 0.1)
    for height in (0.5, 0.6, 0.7, 0.8, 0.9):
        other = book.ask()
        book.is_worse(other, 9, height), book.is_worse(other, 14, height)
        book.complete(other, height, rounds=10, seconds=1.0)
    again = opened(tmp_path / "a")
    (left,) = again.left()
    assert (left.number, left.params) == (0, trial.params)
    assert [again.is_worse(left, number, 0.1) for number in (4, 9, 14)] == [False, False, True]


def test_of_equal_trials_the_first_is_best(tmp_path):
    book = opened(tmp_path / "a")
    for value in (0.5, 0.7, 0.7):
        book.complete(book.ask(), value, rounds=1, seconds=1.0)
    book.fail(book.ask(), "no")
    assert best_of(book.rows()).number == 1
    assert [row.state for row in book.rows()] == ["completed"] * 3 + ["failed"]


def test_importance_needs_trials(tmp_path):
    book = opened(tmp_path / "a")
    carry_out(book, 9)
    assert book.importance() == {}
    carry_out(book, 11)
    assert set(book.importance()) == {"max_depth", "gamma"}
