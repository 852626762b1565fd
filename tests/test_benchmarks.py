"""What benchmarks print: read from wrk rightly, compared rightly, written where it belongs."""

import json
import socket
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks import (
    handbook_runs,
    many_runs,
    models,
    pages,
    payloads,
    serving_report,
    switching,
    tracking_cost,
    training,
    wrk,
)
from benchmarks.running import check, running
from benchmarks.servers import SERVERS
from benchmarks.serving import SCENARIOS, Cores, Scenario

from fraudlab.evaluation.metrics import average_precision

SUMMARY = (
    '{"requests": 3000, "microseconds": 2000000, "p50": 1900, "p99": 4400, "max": 9100, "errors":'
    ' {"connect": 0, "read": 0, "write": 0, "timeout": 0, "status": 0}}'
)


def seen(rate, p50=1.0, p99=2.0):
    return wrk.Load(requests=1, rate=rate, p50=p50, p99=p99, worst=p99, errors={})


def test_wrks_summary_is_read_after_what_wrk_prints_itself():
    found = wrk.parse(f"Running 2s test\n  2 threads\nRequests/sec: 9\n{SUMMARY}\n")
    assert found == wrk.Load(3000, 1500.0, 1.9, 4.4, 9.1, dict.fromkeys(found.errors, 0))
    assert set(found.errors) == {"connect", "read", "write", "timeout", "status"}


def test_a_server_of_somebody_else_is_not_timed(tmp_path):
    (tmp_path / "echo").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        given = SimpleNamespace(folder=tmp_path, model=tmp_path)
        echo = next(server for server in SERVERS if server.name == "echo")
        taken = pytest.raises(SystemExit, match=f"somebody listens on port {port} already")
        with taken, running(echo, given, port=port):
            pass


def test_no_summary_is_an_error():
    with pytest.raises(SystemExit, match="no summary"):
        wrk.parse("unable to connect to 127.0.0.1:1\n")


@pytest.mark.parametrize("kind", ["connect", "read", "write", "timeout", "status"])
def test_one_failed_request_ends_the_benchmark(kind, monkeypatch):
    summary = json.loads(SUMMARY)
    summary["errors"][kind] = 1
    done = wrk.subprocess.CompletedProcess([], 0, json.dumps(summary), "")
    monkeypatch.setattr(wrk.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(SystemExit, match=f"'{kind}': 1"):
        wrk.load("http://127.0.0.1:1/", "text/csv", [], connections=1, seconds=1)


def test_ratios_are_of_rounds_not_of_medians():
    ours, theirs = [seen(10), seen(200), seen(90)], [seen(1), seen(10), seen(30)]
    assert serving_report.ratio(ours, theirs) == "**10.0** (3.0 to 20.0)"
    assert serving_report.ratio(theirs, ours) == "**0.10** (0.05 to 0.33)"
    assert serving_report.ratio(ours, None) == ""


def test_json_is_compared_with_the_official_stacks_csv():
    csv, json_ = Scenario("csv", 1, 16), Scenario("json", 1, 16)
    found = {
        csv: {"official": [seen(100)], "fraudlab": [seen(1200, 1.5, 3.25)], "echo": [seen(2000)]},
        json_: {"fraudlab": [seen(1000)], "echo": [seen(2000)]},
    }
    titles = {"official": "Official", "fraudlab": "Ours", "echo": "Echo"}
    assert serving_report.scenario_rows(csv, found, titles) == [
        ["Official", "16", "100", "1.00", "2.00", "", "**0.05** (0.05 to 0.05)"],
        ["Ours", "16", "1,200", "1.50", "3.25", "**12.0** (12.0 to 12.0)", "**0.60** (0.60 to 0.60)"],
        ["Echo", "16", "2,000", "1.00", "2.00", "**20.0** (20.0 to 20.0)", ""],
    ]
    assert serving_report.scenario_rows(json_, found, titles)[0][5] == "**10.0** (10.0 to 10.0)"
    assert "1.20 (JSON, 1 × 16)" in serving_report.json_sentence(found)


def test_every_protocol_says_the_same_rows():
    rows = np.array([[0.1, -2.5e-7, 3.0], [1e9, 4.0, 1 / 3]], np.float32)
    texts = payloads.texts(rows)
    assert np.array_equal(np.array(texts, np.float32), rows)
    csv = [line.split(",") for line in payloads.as_csv(texts).decode().splitlines()]
    tensor = json.loads(payloads.as_open_inference(texts))["inputs"][0]
    lists = json.loads(payloads.as_json("instances")(texts))["instances"]
    assert tensor["shape"] == [2, 3]
    for values in (csv, lists, np.reshape(tensor["data"], (2, 3))):
        assert np.array_equal(np.array(values, np.float32), rows)


class Answering:
    """A running server that gives one answer."""

    def __init__(self, name, status, answer):
        self.server = next(server for server in SERVERS if server.name == name)
        self.answer = status, answer

    def post(self, _protocol, _body):
        return self.answer


@pytest.mark.parametrize(
    ("name", "status", "answer", "reason"),
    [
        ("official", 200, b"0.25,0.5000005", None),
        ("official", 200, b"0.25,0.500002", "Booster.predict as"),
        ("official", 200, b"0.25", "Booster.predict as"),
        ("official", 415, b"no", "with 415"),
        ("fraudlab", 200, b"0.25\n0.5\n", None),
        ("fraudlab", 200, b"0.25\n0.50000006\n", "Booster.predict as"),
    ],
)
def test_a_server_that_scores_otherwise_is_not_timed(tmp_path, name, status, answer, reason):
    scores = np.array([0.25, 0.5], np.float32)
    given = payloads.Payloads(tmp_path, tmp_path, np.zeros((2, 3), np.float32), scores, leaves=1)
    sizes = {"csv": (2,)}
    if reason is None:
        check(Answering(name, status, answer), given, sizes)
    else:
        with pytest.raises(SystemExit, match=reason):
            check(Answering(name, status, answer), given, sizes)


def test_scenarios_are_distinct_and_every_server_takes_part():
    assert len(set(SCENARIOS)) == len(SCENARIOS)
    formats = {scenario.format for scenario in SCENARIOS}
    assert all(formats & set(server.protocols) for server in SERVERS)
    assert str(Cores.choose(pin=False)) == "shared cores"


def test_training_ratios_pair_runs_and_name_the_rows():
    def runs(*pairs):
        return [{"seconds": seconds, "peak_mib": peak} for seconds, peak in pairs]

    manifest = {"columns": [{}] * 30, "splits": {"train": {"rows": 284807}, "validation": {"rows": 9000}}}
    found = {training.BARE: runs((2.0, 300.0), (4.0, 300.0)), training.SAME: runs((2.1, 240.0), (3.9, 270.0))}
    text = training.report(manifest, found)
    assert "284,807 rows × 31 columns to train on, 9,000 to validate on" in text
    assert "| 3.00 | **1.01** (0.97 to 1.05) | 255 | **0.85** (0.80 to 0.90) |" in text


def test_commands_over_many_runs_are_compared_with_the_list_of_the_same_turn():
    found = {many_runs.LIST: [(0.5, 1.0), (1.0, 1.5)], many_runs.RUN: [(1.0, 2.0), (1.0, 2.0)]}
    text = many_runs.report(10_000, found)
    assert "| 10,000 runs | processor s | wall s | ratio to `runs list` |" in text
    assert "| `fraudlab runs list` | 0.75 | 1.25 |  |" in text
    assert "| `fraudlab models lineage RUN` | 1.00 | 2.00 | **1.50** (1.00 to 2.00) |" in text


def test_switching_is_compared_with_the_quiet_round_before_it():
    found = {
        switching.QUIET: [seen(10, p99=2.0), seen(10, p99=4.0), seen(10, p99=2.0)],
        switching.SWITCHING: [seen(10, p99=4.0), seen(10, p99=4.0), seen(10, p99=3.0)],
    }
    text = switching.report(found, 9, 1234, connections=200)
    assert "| 200 connections | requests |" in text
    assert "switched 9 times, to that of the same left alone: **1.50** (1.00 to 2.00), within 3." in text
    found[switching.SWITCHING] = [seen(10, p99=20.0)] * 3
    assert "BEYOND 3" in switching.report(found, 9, 1234, connections=200)


@pytest.mark.parametrize(
    ("status", "model", "body", "wrong"),
    [
        (200, "aaaaaaaaaaaa", b"0.25\n0.5\n", False),
        (200, "bbbbbbbbbbbb", b"0.75\n1.0\n", False),
        (200, "aaaaaaaaaaaa", b"0.25\n1.0\n", True),
        (200, "bbbbbbbbbbbb", b"0.25\n0.5\n", True),
        (200, "", b"0.25\n0.5\n", True),
        (503, "aaaaaaaaaaaa", b"no", True),
    ],
)
def test_an_answer_of_half_of_each_model_ends_the_benchmark(tmp_path, status, model, body, wrong):
    ours = SimpleNamespace(server=next(server for server in SERVERS if server.name == "fraudlab"), port=1)
    given = payloads.Payloads(tmp_path, tmp_path, np.zeros((400, 3), np.float32), np.zeros(400), leaves=1)
    models = {"a" * 12: np.array([0.25, 0.5], np.float32), "b" * 12: np.array([0.75, 1.0], np.float32)}
    witness = switching.Witness(ours, given, models)
    witness.judge(status, model, body)
    assert bool(witness.wrong) is wrong
    assert witness.answers == (not wrong)


def seconds(clock, cpu=1.0):
    return {"clock": clock, "cpu": cpu}


@pytest.mark.parametrize(
    ("training_pairs", "run_pairs", "verdict"),
    [
        ([(2.06, 2.0), (4.0, 4.0), (1.05, 1.0)], [(5.4, 5.0), (5.0, 5.1), (6.5, 6.0)], "Within 5% "),
        ([(2.2, 2.0), (4.0, 4.0), (1.06, 1.0)], [(5.4, 5.0), (5.0, 5.1), (6.5, 6.0)], "More than 5% "),
        ([(2.06, 2.0), (4.0, 4.0), (1.05, 1.0)], [(5.4, 5.0), (5.6, 5.0), (6.6, 6.0)], "More than 5% "),
    ],
)
def test_what_tracking_adds_is_of_pairs(training_pairs, run_pairs, verdict):
    found = {
        name: [(seconds(ours, 1.5), seconds(theirs)) for ours, theirs in pairs]
        for name, pairs in {"training job": training_pairs, "whole run, offline": run_pairs}.items()
    }
    text = tracking_cost.report(1000, found)
    assert verdict in text
    assert "1,000 rows × 31 columns, 100 rounds, 3 pairs" in text
    assert "| **1.50** (1.50 to 1.50) | +0.50 |" in text
    if verdict.startswith("Within"):
        assert "| training job | 2.00 | **1.03** (1.00 to 1.05) | +0.05 |" in text


def test_with_and_without_tracking_take_turns_at_being_first(capsys):
    order = []

    def measured(tracked):
        order.append(tracked)
        return seconds(len(order))

    found = tracking_cost.pairs(2, measured)
    assert order == [False, True, True, False, False, True]
    assert found == [(seconds(3), seconds(4)), (seconds(6), seconds(5))]
    assert "0/2  measured  with 2.00 s" in capsys.readouterr().out


def test_sections_are_replaced_between_their_markers(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter\n")
    monkeypatch.setattr(pages, "PAGE", page)
    pages.write_section("a", r"new \1")
    assert page.read_text() == "before\n<!-- a:begin -->\nnew \\1\n<!-- a:end -->\nafter\n"
    with pytest.raises(SystemExit, match="no section b"):
        pages.write_section("b", "")


@pytest.mark.parametrize("name", ["serve", "serve-soak", "serve-bulk", "train", "tracking"])
def test_the_page_has_the_sections_benchmarks_write(name):
    text = pages.PAGE.read_text(encoding="utf-8")
    assert f"<!-- {name}:begin -->" in text
    assert f"<!-- {name}:end -->" in text


def test_where_ours_is_behind_is_said_and_noise_is_not():
    def scored(low, high):
        return {"average_precision": 0.8, "difference": (low + high) / 2, "low": low, "high": high}

    seconds, peaks = {"fraudlab": 2.0, "xgboost": 1.0, "lightgbm": 4.0}, {}
    table = {"name": "cards", "rows": 10, "frauds": 2, "test_frauds": 1, "average_precision": 0.7}
    table |= {"seconds": seconds, "peaks": peaks | dict.fromkeys(seconds, 100.0)}
    table["scored"] = {"xgboost": scored(-0.2, -0.1), "lightgbm": scored(-0.2, 0.1)}
    lines = models.report([table]).splitlines()
    assert "| xgboost | 0.800 | -0.150 (-0.200 to -0.100) **ours is behind** | 0.50 | 100 |" in lines[-2]
    assert "| lightgbm | 0.800 | -0.050 (-0.200 to +0.100) | 2.00 | 100 |" in lines[-1]


def of_cards(seed=0, rows=400, cards=30):
    rng = np.random.default_rng(seed)
    label, card = rng.random(rows) < 0.2, rng.integers(cards, size=rows)
    good, bad = rng.integers(20, size=(2, rows)).astype(np.float32)
    return handbook_runs.Scored(label, card, (good + 8 * label, bad)), rng


def test_a_card_drawn_twice_counts_as_if_its_rows_were_there_twice():
    fold, rng = of_cards()
    times = rng.integers(3, size=30)
    repeated = np.repeat(np.arange(fold.label.size), times[fold.card])
    found = handbook_runs.Ranked.sort(fold, fold.scores[0]).average_precision(times)
    assert found == pytest.approx(average_precision(fold.label[repeated], fold.scores[0][repeated]))


def test_the_difference_over_folds_is_of_the_first_model_and_none_for_equal_ones():
    folds = [of_cards(seed)[0] for seed in (1, 2)]
    middle, low, high = handbook_runs.difference(folds)
    plain = [average_precision(f.label, f.scores[0]) - average_precision(f.label, f.scores[1]) for f in folds]
    assert low < middle < high
    assert middle == pytest.approx(np.mean(plain))
    assert low > 0.1
    same = [handbook_runs.Scored(f.label, f.card, (f.scores[0], f.scores[0])) for f in folds]
    assert handbook_runs.difference(same) == (0.0, 0.0, 0.0)


def test_a_model_that_falls_short_ends_the_benchmark():
    names = handbook_runs.MEASURED
    best = {f"{name}_mean": value for name, value in zip(names, (0.694, 0.871, 0.304), strict=True)}
    assert not handbook_runs.short_of(handbook_runs.PUBLISHED[0], best)
    assert len(handbook_runs.short_of(handbook_runs.DECLARED, best)) == 2
    (fault,) = handbook_runs.short_of(handbook_runs.PUBLISHED[0], {**best, "roc_auc_mean": 0.867})
    assert fault.startswith("roc_auc of 100 / 0.1 / 3 is 0.8670, published 0.871")
