"""The card of a run: what it says, where it lies, and that a person's words outlive it."""

import json
import re
import shutil
import tarfile

import pytest

from fraudlab.cli import main
from fraudlab.errors import ArchiveError
from fraudlab.report import render_run
from fraudlab.report.card.model_card import write_card

from ..example_run import build_run

SECTIONS = [
    "Purpose", "Data", "Metrics", "Operating point", "Cautions", "Limits", "Lineage", "Notes"
]  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_run(tmp_path_factory.mktemp("runs") / "a")


@pytest.fixture
def run(built, tmp_path):
    """A completed run with an archive of its model."""
    folder = tmp_path / "runs" / "a"
    shutil.copytree(built, folder)
    (folder / "model" / "model.ubj").write_bytes(b"booster")
    with tarfile.open(folder / "model" / "model.tar.gz", "w:gz") as archive:
        for name in ("model.ubj", "model.json"):
            archive.add(folder / "model" / name, arcname=name)
    return folder


def written(run):
    return write_card(run).path.read_text(encoding="utf-8")


def packed(run):
    with tarfile.open(run / "model" / "model.tar.gz") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}


def test_it_says_what_one_asks_of_a_model(run):
    text = written(run)
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == SECTIONS
    low, high = (metrics[f"average_precision_{end}"] for end in ("low", "high"))
    assert f"| Average precision | {metrics['average_precision']:.3f} ({low:.3f}–{high:.3f}) |" in text
    assert re.search(r"\| Recall \| 0\.\d{3} \(0\.\d{3}–0\.\d{3}\) \|", text)
    assert f"| False alarms | {metrics['false_positives']:,} |" in text
    assert json.loads((run / "run.json").read_text())["git"]["commit"] in text
    assert "claims conformity with no law" in text
    # its cautions are those of the report, none left out
    page = render_run(run).read_text(encoding="utf-8")
    for title in re.findall(r"^- (?:Problem|Caution|Note): ([^.]*)\.", text, re.MULTILINE):
        assert title in page


def test_it_is_in_the_archive_beside_the_same_model(run):
    before = packed(run)
    text = written(run)
    after = packed(run)
    assert after.pop("model_card.md").decode() == text
    assert after == before
    first = (run / "model" / "model.tar.gz").read_bytes()
    write_card(run)
    assert (run / "model" / "model.tar.gz").read_bytes() == first


def test_the_words_of_a_person_outlive_regeneration_and_are_on_the_page(run, monkeypatch, capsys):
    monkeypatch.chdir(run.parents[1])
    mine = "For the team of card disputes.\n\nNot for <b>loans</b>."
    path = run / "model" / "model_card.md"
    path.write_text(written(run).replace("<!-- yours: purpose -->\n\n", f"<!-- yours: purpose -->\n{mine}\n"))
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "git": {"commit": "f" * 40, "dirty": True}}))
    assert main(["runs", "report", "a"]) == 0
    text = path.read_text(encoding="utf-8")
    assert mine in text
    assert f"{'f' * 40} with uncommitted changes" in text
    assert packed(run)["model_card.md"].decode() == text
    assert not list((run / "model").glob("*changed*"))
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<p>For the team of card disputes.</p>" in page
    assert "Not for &lt;b&gt;loans&lt;/b&gt;." in page
    assert f"model card: {path.relative_to(run.parents[1])}" in capsys.readouterr().out.replace(
        f"{run.parents[1]}/", ""
    )


def test_a_card_that_was_changed_elsewhere_is_kept_and_said_each_time(run, monkeypatch, capsys):
    monkeypatch.chdir(run.parents[1])
    path = run / "model" / "model_card.md"
    for number in (1, 2):
        changed = written(run).replace("## Limits", f"mine {number}\n\n## Limits")
        path.write_text(changed)
        assert main(["runs", "report", "a"]) == 0
        kept = run / "model" / f"model_card.changed-{number}.md"
        assert kept.read_text() == changed
        assert str(kept) in capsys.readouterr().out
        assert f"mine {number}" not in path.read_text()
    assert sorted(packed(run)) == ["model.json", "model.ubj", "model_card.md"]


def test_names_of_a_run_make_no_markup_of_their_own(tmp_path):
    hostile = "x --> <script>a</script>\n## Purpose\n| a | `b` *c*"
    folder = build_run(
        tmp_path / "a", run={"name": hostile}, columns=("V1|", "<!-- yours: notes -->", "Amount")
    )
    text = written(folder)
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == SECTIONS
    assert "<script>" not in text
    path = folder / "model" / "model_card.md"
    path.write_text(text.replace("<!-- yours: notes -->\n\n", "<!-- yours: notes -->\nmine\n"))
    assert "mine" in written(folder)


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ({"split": "stratified", "time": None, "amount": False}, "how it ages was not measured"),
        ({"frauds": 3}, "frauds"),
        ({"run": {"git": None, "image": None}}, "| Commit | not recorded |"),
    ],
)
def test_what_a_run_does_not_have_is_left_out_or_said(tmp_path, variant, said):
    text = written(build_run(tmp_path / "a", **variant))
    assert said in text
    assert "None" not in text.replace("None was found", "")
    assert "nan" not in text


def test_a_run_without_a_model_has_no_card(tmp_path):
    folder = build_run(tmp_path / "a")
    (folder / "model" / "model.json").unlink()
    assert write_card(folder) is None
    assert "<h2>Model card</h2>" not in render_run(folder).read_text(encoding="utf-8")


def test_a_broken_archive_stays_as_it_is_and_is_said(run):
    archive = run / "model" / "model.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-20])
    before = archive.read_bytes()
    with pytest.raises(ArchiveError):
        write_card(run)
    assert archive.read_bytes() == before


def test_columns_that_are_computed_stand_with_their_expressions(run):
    assert "Columns computed of them" not in written(run)
    model = json.loads((run / "model" / "model.json").read_text())
    derived = [{"name": "ratio", "expression": "V1 / V2"}, {"name": "l", "expression": "log(V1) | V2"}]
    (run / "model" / "model.json").write_text(json.dumps({**model, "derived": derived}))
    assert "| Columns computed of them | ratio = V1 / V2; l = log(V1) \\| V2 |" in written(run)
