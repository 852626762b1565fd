"""What a plan is made of is found on this machine, and shown as it will be sent."""

import pytest

from fraudlab.backend_registry import describe
from fraudlab.compose import compose
from fraudlab.plan import survey as surveying
from fraudlab.plan.survey import AskedAccount, region_of, survey

CLOUD = ["backend=sagemaker", "sagemaker.region=eu-west-1"]
REGISTRY = "444455556666.dkr.ecr.eu-central-1.amazonaws.com/team/fraud"
DIGEST = f"sha256:{'ab' * 32}"
IMAGE_ID = f"sha256:{'cd' * 32}"


@pytest.fixture(autouse=True)
def own_folder(no_own_defaults, monkeypatch):
    monkeypatch.setattr(surveying, "image_id", lambda name: IMAGE_ID if "fraudlab" in name else None)


@pytest.mark.parametrize(
    ("name", "tag", "found"),
    [
        (f"{REGISTRY}:v7", "v7", None),
        (REGISTRY, "latest", None),
        (f"{REGISTRY}@{DIGEST}", DIGEST, DIGEST),
        ("444455556666.dkr.ecr-fips.us-gov-west-1.amazonaws.com/f:2", "2", None),
        ("444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn/f:2", "2", None),
    ],
)
def test_an_image_in_a_registry_is_shown_as_it_is(name, tag, found):
    facts = survey(compose([*CLOUD, f"backend.image={name}"]))
    assert (facts.image.uri, facts.image.tag, facts.image.id) == (name, tag, found)
    assert facts.requests["CreateTrainingJob"]["AlgorithmSpecification"]["TrainingImage"] == name
    assert not [note for note in facts.notes if "make image" in note]


@pytest.mark.parametrize(
    ("region", "domain"), [("eu-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")]
)
def test_an_image_of_this_machine_is_shown_under_its_tag_in_the_registry(region, domain):
    facts = survey(compose(["backend=sagemaker", f"sagemaker.region={region}"]))
    start, _, tag = facts.image.uri.rpartition(":")
    assert start == f"111122223333.dkr.ecr.{region}.{domain}/fraudlab-xgboost"
    assert tag.endswith("-" + "cd" * 16)
    assert facts.image.id == IMAGE_ID


def test_an_image_that_is_not_there_is_said():
    facts = survey(compose([*CLOUD, "backend.image=nothing:1"]))
    assert facts.image.id is None
    assert any("No image nothing:1" in note for note in facts.notes)


def test_placeholders_stand_for_what_only_the_account_knows_and_are_said():
    facts = survey(compose(CLOUD))
    job = facts.requests["CreateTrainingJob"]
    assert facts.account is None
    assert job["RoleArn"] == "arn:aws:iam::111122223333:role/fraudlab-execution"
    assert job["OutputDataConfig"]["S3OutputPath"].startswith(
        "s3://fraudlab-111122223333-eu-west-1/fraudlab/"
    )
    assert any("Nobody has asked for the account" in note for note in facts.notes)


def test_an_account_that_has_answered_stands_in_every_request():
    asked = AskedAccount("777788889999", "eu-west-1", "arn:aws:iam::777788889999:role/r", "mine")
    facts = survey(compose(CLOUD), asked=asked)
    assert facts.account == "777788889999"
    assert "111122223333" not in str(facts.requests)
    assert facts.requests["CreateTrainingJob"]["RoleArn"] == asked.role_arn
    assert not any("Nobody has asked" in note for note in facts.notes)


@pytest.mark.parametrize(
    ("words", "environment", "region"),
    [
        (["sagemaker.region=eu-west-1"], {"AWS_REGION": "us-east-2"}, "eu-west-1"),
        ([], {"AWS_REGION": "us-east-2", "AWS_DEFAULT_REGION": "us-west-2"}, "us-east-2"),
        ([], {"AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        ([], {}, "ap-southeast-1"),
        ([], {"AWS_PROFILE": "fraud"}, "eu-central-1"),
        (["sagemaker.profile=fraud"], {"AWS_PROFILE": "default"}, "eu-central-1"),
        (["sagemaker.profile=none"], {}, None),
        ([], {"AWS_CONFIG_FILE": "/nonexistent"}, None),
        ([], {"AWS_CONFIG_FILE": "damaged"}, None),
    ],
)
def test_the_region_is_found_by_the_rules_of_boto3(tmp_path, monkeypatch, words, environment, region):
    """boto3 itself finds the same, where it is given a profile that is there."""
    config = tmp_path / "config"
    config.write_text("[default]\nregion = ap-southeast-1\n[profile fraud]\nregion = eu-central-1\n")
    (tmp_path / "damaged").write_bytes(b"\xff\xfe[")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert region_of(compose(["backend=sagemaker", *words]), describe("sagemaker")) == region


def test_nothing_on_this_machine_has_a_region(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    assert region_of(compose(["backend=process"]), describe("process")) is None
    assert region_of(compose(["backend=rehearsal"]), describe("rehearsal")) == "us-east-1"


@pytest.mark.parametrize(
    ("via", "operation"), [("auto", "CreateTransformJob"), ("transform", "CreateTransformJob"),
                           ("endpoint", "CreateEndpointConfig")],
)  # fmt: skip
def test_the_way_of_scoring_is_the_runs(via, operation):
    facts = survey(compose([*CLOUD, f"evaluation.via={via}"]))
    assert operation in facts.requests
    assert len({"CreateTransformJob", "CreateEndpointConfig"} & facts.requests.keys()) == 1


def test_a_table_is_looked_at_and_not_read(tmp_path):
    lines = ["id,ts,amount,label", *(f"{i},2026-01-01 00:00:{i % 60:02d},1.5,{i % 2}" for i in range(5000))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    words = ["data=table", "data.path=t.csv", "data.label=label", "data.time=ts", "data.id=[id]"]
    facts = survey(compose([*CLOUD, *words]))
    size = facts.table.size
    assert (size.bytes, size.exact, size.columns) == ((tmp_path / "t.csv").stat().st_size, False, 4)
    assert size.rows == pytest.approx(5000, rel=0.02)
    assert facts.table.sha256 is None
    assert "has not been read yet" in facts.prepared_unknown
    assert not (tmp_path / "runs").exists()


def test_a_plan_writes_nothing(tmp_path):
    before = sorted(tmp_path.rglob("*"))
    survey(compose(CLOUD))
    assert sorted(tmp_path.rglob("*")) == before
