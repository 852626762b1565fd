"""One run as one page."""

from __future__ import annotations

from pathlib import Path

from fraudlab.evaluation.operating import OperatingPoint
from fraudlab.files import write_text
from fraudlab.report.concerns import concerns
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.kit.page import page
from fraudlab.report.recorded.ranking_charts import precision_recall, read_curve, roc
from fraudlab.report.recorded.run_prices import prices_of
from fraudlab.report.recorded.run_record import Json, RunRecord, number, read_run
from fraudlab.report.recorded.scores import Scores, read_scores
from fraudlab.report.run.calibration_chart import calibration
from fraudlab.report.run.card_section import card_section
from fraudlab.report.run.concern_list import concern_list
from fraudlab.report.run.derived_section import derived_section
from fraudlab.report.run.fold_section import fold_section
from fraudlab.report.run.glossary import glossary
from fraudlab.report.run.headline import headline, money_line, verdict
from fraudlab.report.run.incumbent_section import incumbent_line, incumbent_section
from fraudlab.report.run.label_section import label_delays, label_section
from fraudlab.report.run.lineage_section import lineage_section
from fraudlab.report.run.members_section import members_section
from fraudlab.report.run.mistakes_section import mistakes_section
from fraudlab.report.run.model_section import model_section
from fraudlab.report.run.operating_section import operating_section
from fraudlab.report.run.parameter_section import parameter_section
from fraudlab.report.run.provenance_section import data_name, provenance_section
from fraudlab.report.run.score_bands import bands_section
from fraudlab.report.run.score_distribution import score_distribution
from fraudlab.report.run.slice_section import slice_section
from fraudlab.report.run.split_timeline import split_section
from fraudlab.report.run.stability_charts import stability_charts
from fraudlab.report.run.team_section import team_section
from fraudlab.report.run.threshold_choice import threshold_choice
from fraudlab.report.run.threshold_stops import operating_range
from fraudlab.report.run.training_curve import training_curve


def render_run(folder: Path) -> Path:
    """Write ``report.html`` into a run folder, from nothing but what is in it.

    The page needs no network and no other file. Parts the folder does not have are left out, so that a
    failed run has a report too, which says why it failed.

    Parameters
    ----------
    folder : Path
        A run folder.

    Returns
    -------
    Path
        The file, there whole or not at all.

    Raises
    ------
    RunError
        If it is no run folder, or a file in it is broken.
    StorageError
        If the report cannot be written.
    """
    record = read_run(folder)
    scores = read_scores(folder)
    prices = prices_of(record)
    reach = operating_range(record, scores, prices)
    point = reach.point if reach else None
    curves = _curves(record, scores, point)
    training = training_curve(record)
    stability = stability_charts(record)
    delays = label_delays(record)
    body = [
        _masthead(record),
        verdict(record, point) if point else None,
        money_line(reach, prices) if reach and prices else None,
        incumbent_line(record, prices) if prices else None,
        headline(record, point, reach, prices) if record.metrics else None,
        concern_list(concerns(record)),
        glossary(record),
        operating_section(record, reach, curves, prices) if reach else None,
        incumbent_section(record, prices),
        bands_section(scores, record.threshold, prices),
        team_section(record, stability),
        slice_section(record),
        mistakes_section(record),
        split_section(record),
        label_section(record, delays),
        fold_section(record),
        model_section(record, training),
        members_section(record),
        derived_section(record),
        parameter_section(record),
        card_section(record),
        lineage_section(record),
        provenance_section(record),
    ]
    charts = [*(curves if reach else []), *stability, *(chart for chart in (delays, training) if chart)]
    data: Json = {"days": record.days}
    if reach:
        data["stops"] = reach.as_json()
    text = page(title=f"{record.id} · fraud model report", body=body, charts=charts, data=data)
    target = folder / "report.html"
    write_text(target, text)
    return target


def _curves(record: RunRecord, scores: Scores | None, point: OperatingPoint | None) -> list[Chart]:
    prevalence = number(record.metrics, "prevalence")
    negatives = point.fp + point.tn if point else None
    precision, ranking = (
        numerals.decimal(number(record.metrics, name)) for name in ("average_precision", "roc_auc")
    )
    area = f"Average precision {precision}, the area under the line"
    auc = f"ROC AUC {ranking}, the area on a linear scale"
    pr, receiver = read_curve(record, "pr"), read_curve(record, "roc")
    charts = [
        precision_recall([pr], subtitle=area, prevalence=prevalence, chosen=point) if pr else None,
        roc([receiver], subtitle=auc, negatives=negatives, chosen=point) if receiver else None,
        score_distribution(record, scores, point),
        threshold_choice(record),
        calibration(scores) if scores else None,
    ]
    return [chart for chart in charts if chart]


def _masthead(record: RunRecord) -> Markup:
    run = record.run
    name = str(run.get("name") or record.id)
    facts = [
        record.id if name != record.id else None,
        numerals.instant(run.get("started")) if run.get("started") else None,
        f"{run['backend']} backend" if run.get("backend") else None,
        f"{numerals.count(rows)} rows" if (rows := number(run, "data", "rows")) else None,
        data_name(run),
    ]
    return element(
        "header",
        element("p", "Fraud model report", class_="eyebrow"),
        element("h1", name),
        element("p", " · ".join(str(fact) for fact in facts if fact), class_="byline"),
    )
