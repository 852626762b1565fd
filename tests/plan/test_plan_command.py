"""`fraudlab plan` as it is called: for people, and as JSON whose shape scripts can rely on."""

import gc
import json
import subprocess
import sys

import jsonschema
import pytest

from fraudlab.cli import main
from fraudlab.plan import survey

CLOUD = ["backend=sagemaker", "sagemaker.region=eu-west-1"]
SECRET = "s3cr3tOfMine0123456789"

NUMBER, TEXT, COUNT = {"type": ["number", "null"]}, {"type": ["string", "null"]}, {"type": "integer"}
KNOWN_TEXT, TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}


def whole_object(**properties):
    """An object with these keys, all of them, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def or_null(schema):
    return {"anyOf": [schema, {"type": "null"}]}


PRICE = whole_object(
    usd={"type": "number", "minimum": 0}, kind=KNOWN_TEXT, date=KNOWN_TEXT, source=KNOWN_TEXT
)
STEP = whole_object(
    name={"enum": ["process", "train", "transform", "endpoint"]},
    component={"enum": ["processing", "training", "transform", "hosting"]},
    instance_type=KNOWN_TEXT, instance_count=COUNT, volume_gb=COUNT, max_seconds=COUNT,
    spot={"type": "boolean"}, warm_pool_seconds=COUNT, skipped=TEXT, most_usd=NUMBER,
    items={"type": "array", "items": whole_object(
        what={"enum": ["machines", "volumes", "warm pool"]}, usd=NUMBER, price=or_null(PRICE),
    )},
    likely_usd=NUMBER, likely_seconds=NUMBER, earlier_runs=COUNT,
)  # fmt: skip
SCHEMA = whole_object(
    backend=KNOWN_TEXT, in_cloud={"type": "boolean"}, rehearsed={"type": "boolean"}, region=TEXT,
    account=TEXT, run=KNOWN_TEXT, via={"enum": ["transform", "endpoint"]},
    settings={"type": "object", "additionalProperties": KNOWN_TEXT},
    image=whole_object(name=KNOWN_TEXT, id=TEXT, uri=KNOWN_TEXT, tag=KNOWN_TEXT),
    data=whole_object(path=KNOWN_TEXT, files=COUNT, bytes=NUMBER, rows=NUMBER, rows_exact={"type": "boolean"},
                      columns=NUMBER, sha256=TEXT),
    requests={"type": "object", "additionalProperties": {"type": "object"}},
    steps={"type": "array", "items": STEP},
    most_usd=NUMBER, likely_usd=NUMBER, likely_seconds=NUMBER, unpriced=TEXTS,
    prices=whole_object(caveat=KNOWN_TEXT, used={"type": "array", "items": PRICE}),
    spot=or_null(whole_object(low=NUMBER, high=NUMBER, seen=KNOWN_TEXT)),
    quotas={"type": "array", "items": whole_object(
        name=KNOWN_TEXT, needed=COUNT, zero_by_default={"type": "boolean"},
    )},
    permissions=or_null(whole_object(launcher=TEXTS, role=TEXTS)),
    notes=TEXTS, error={"type": "null"},
)  # fmt: skip
REFUSED = whole_object(
    error=whole_object(type=KNOWN_TEXT, message=KNOWN_TEXT, fix=KNOWN_TEXT, exit_code=COUNT)
)


@pytest.fixture(autouse=True)
def own_folder(no_own_defaults, monkeypatch):
    monkeypatch.setattr(survey, "image_id", lambda _: None)
    yield
    gc.enable()  # the command disables it, as its process ends


def planned(capsys, *words):
    code = main(["plan", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.parametrize(
    "words",
    [
        ["backend=process"],
        ["backend=local"],
        ["backend=rehearsal"],
        CLOUD,
        ["backend=sagemaker"],
        ["backend=sagemaker", "sagemaker.region=sa-east-1"],
        [*CLOUD, "sagemaker.spot=true", "evaluation.via=endpoint"],
        [*CLOUD, "sagemaker.warm_pool_minutes=10"],
        [*CLOUD, "compute.train.instance_type=ml.c7i.4xlarge", "compute.train.instance_count=2"],
    ],
)
def test_the_json_has_one_shape_for_every_backend(capsys, words):
    code, out, _ = planned(capsys, *words, "--json")
    assert code == 0
    (line,) = out.splitlines()
    jsonschema.validate(json.loads(line), SCHEMA)


def test_what_is_refused_is_one_object_too(capsys):
    code, out, err = planned(capsys, *CLOUD, "sagemaker.max_usd=0.01", "--json")
    assert code == 2
    answer = json.loads(out)
    jsonschema.validate(answer, REFUSED)
    assert "sagemaker.max_usd" in answer["error"]["message"]
    assert err.startswith("error: ")


def test_a_region_without_prices_has_no_figure(capsys):
    answer = json.loads(planned(capsys, "backend=sagemaker", "sagemaker.region=sa-east-1", "--json")[1])
    figures = [step[name] for step in answer["steps"] for name in ("most_usd", "likely_usd")]
    figures += [item["usd"] for step in answer["steps"] for item in step["items"]]
    assert set(figures) == {None}
    assert (answer["most_usd"], answer["prices"]["used"]) == (None, [])


def test_a_secret_is_in_neither_the_answer_nor_the_error(capsys, monkeypatch):
    monkeypatch.setenv("COMET_API_KEY", SECRET)
    table = ["data=table", "data.label=y", f"data.path={SECRET}.csv"]
    code, out, err = planned(capsys, *CLOUD, *table, "--json")
    assert (code, "***.csv" in err) == (3, True)
    assert SECRET not in out + err
    code, out, err = planned(capsys, *CLOUD, f"sagemaker.owner={SECRET}", "--full")
    assert (code, "***" in out) == (0, True)
    assert SECRET not in out + err


def test_people_are_shown_requests_steps_and_what_it_may_cost(capsys):
    code, out, _ = planned(capsys, *CLOUD)
    assert code == 0
    heads = [line.split()[0] for line in out.splitlines() if not line.startswith(" ")]
    for head in ("where", "image", "data", "requests,", "steps:", "cost", "prices", "spot", "quotas",
                 "launcher", "role"):  # fmt: skip
        assert head in heads
    assert "CreateTrainingJob" in out
    assert '"TrainingJobName"' not in out
    assert '"TrainingJobName"' in planned(capsys, *CLOUD, "--full")[1]


def test_a_flag_that_it_does_not_have_is_refused(capsys):
    code, _, err = planned(capsys, "--al")
    assert code == 2
    assert "valid: --full, --json, --ask" in err


def test_a_plan_imports_nothing_that_it_does_not_need(tmp_path):
    """It is to take no more than a second, and Hydra takes most of that."""
    code = (
        "import sys; from fraudlab.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'numpy', 'pyarrow', 'pandas', 'sklearn', 'xgboost', 'rich', 'docker', 'boto3', 'botocore', "
        "'sagemaker', 'fraudlab.backends.aws.aws_backend', 'fraudlab.workflow'} & set(sys.modules); "
        "sys.exit(str(heavy) if code or heavy else 0)"
    )
    for words in (CLOUD, ["backend=rehearsal"], ["backend=process"]):
        done = subprocess.run(
            [sys.executable, "-c", code, "plan", *words],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
