"""Keys of an account, of a rehearsal and of machines: good, odd and bad values of each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fraudlab.account_rules import account_objections
from fraudlab.backend_registry import descriptions
from fraudlab.cloud_config import FAULTS, RehearsalConfig, SageMakerConfig, VpcConfig
from fraudlab.cloud_rules import _EVERYWHERE, COMPONENTS, check_cloud
from fraudlab.compose import as_yaml, compose
from fraudlab.config import RunConfig
from fraudlab.config_rules import scored_via
from fraudlab.errors import ConfigError
from fraudlab.recorded_config import read_config
from fraudlab.service_model import names_of

KEY_ID = "01234567-89ab-cdef-0123-456789abcdef"
#: key, values that can be, values that cannot
VALUES: dict[str, tuple[list[str], list[str]]] = {
    "region": (
        ["eu-west-1", "us-east-1", "us-gov-west-1", "cn-north-1", "ap-southeast-12", "eusc-de-east-1"],
        ["", "eu-west", "euwest1", "eu-west1", "EU-WEST-1", "eu-west-1a", "https://eu-west-1", " eu-west-1",
         "eu_west_1"],
    ),
    "profile": (["fraud", "Fraud Team", "a@b"], ["", " "]),
    "role": (
        ["fraudlab-execution", "AmazonSageMaker-ExecutionRole-20260101T000000", "a+b=c,d.e@f-g_h", "r" * 64,
         "service-role/Fraud",
         "arn:aws:iam::123456789012:role/fraud", "arn:aws:iam::123456789012:role/service-role/fraud",
         "arn:aws-cn:iam::123456789012:role/fraud", "arn:aws-us-gov:iam::123456789012:role/fraud"],
        ["", "a role", "r" * 65, "rolé", "/fraud", "arn:aws:iam::12345:role/fraud",
         "arn:aws:iam::123456789012:user/me", "arn:aws:sts::123456789012:assumed-role/fraud/me",
         "arn:aws:iam::123456789012:role/"],
    ),
    "bucket": (
        ["abc", "fraudlab-123456789012-eu-west-1", "my.bucket", "0a0", "b" * 63],
        ["", "ab", "b" * 64, "Bucket", "under_score", "-abc", "abc-", "a..b", "a.-b", "192.168.5.4", "s3://abc",
         "s3://abc/team/fraud", "abc/def", "xn--abc", "sthree-abc", "amzn-s3-demo-abc", "abc-s3alias",
         "abc--ol-s3", "abc.mrap", "abc--x-s3", "abc--table-s3", "bücket", "arn:aws:s3:::abc"],
    ),
    "prefix": (
        ["fraudlab", "team/fraud", "a/b/c/d", "2026", "it's(ok)!*", "p" * 200],
        ["", "/", "/fraudlab", "fraudlab/", "a//b", "a/../b", ".", "a b", "p" * 201, "größe", "a\\b", "s3://b/p"],
    ),
    "repository": (
        ["fraudlab-xgboost", "team/fraud", "a.b_c-d", "ab"],
        ["", "a", "Fraud", "fraud-", "-fraud", "a//b", "r" * 257, "fraud:latest", "fraud lab",
         "123456789012.dkr.ecr.eu-west-1.amazonaws.com/Fraud"],
    ),
    "kms": (
        [KEY_ID, "mrk-" + "0" * 32, "alias/fraud", "alias/aws/s3",
         f"arn:aws:kms:eu-west-1:123456789012:key/{KEY_ID}",
         "arn:aws-cn:kms:cn-north-1:123456789012:alias/fraud",
         "arn:aws:kms:us-east-1:123456789012:key/mrk-" + "0" * 32],
        ["", "fraud", "aliasfraud", "alias/", "alias/a b", KEY_ID[:-1], KEY_ID.upper(), f"key/{KEY_ID}",
         f"arn:aws:kms:eu-west-1:123456789012:{KEY_ID}", f"arn:aws:s3:eu-west-1:123456789012:key/{KEY_ID}"],
    ),
    "owner": (
        ["ada", "Grace Hopper", "ada@example.com", "Åsa", "o" * 256],
        ["", " ", "a;b", "a<b>", "o" * 257, "a\nb", "😀"],
    ),
}  # fmt: skip


def of_account(**keys: object) -> list[str]:
    return [found.message for found in account_objections(SageMakerConfig(**keys))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"), [(key, good) for key, (goods, _) in VALUES.items() for good in goods]
)
def test_what_can_be(key: str, value: str) -> None:
    assert of_account(**{key: value}) == []


@pytest.mark.parametrize(("key", "value"), [(key, bad) for key, (_, bads) in VALUES.items() for bad in bads])
def test_what_cannot_be_is_named_with_its_value_and_what_would(key: str, value: str) -> None:
    (found,) = account_objections(SageMakerConfig(**{key: value}))  # type: ignore[arg-type]
    assert found.message == f"sagemaker.{key}={value} cannot be."
    assert found.fix.startswith("valid: ")


def test_every_key_of_an_account_that_is_a_text_has_values_here() -> None:
    texts = {
        name for name, value in vars(SageMakerConfig()).items() if value is None or isinstance(value, str)
    }
    assert set(VALUES) == texts - {"max_wait_minutes", "max_usd"}


def test_a_url_of_a_bucket_is_taken_apart_in_the_fix() -> None:
    (found,) = account_objections(SageMakerConfig(bucket="s3://abc/team/fraud/"))
    assert found.fix == "valid: the name alone: sagemaker.bucket=abc sagemaker.prefix=team/fraud"
    (found,) = account_objections(SageMakerConfig(prefix="/team//fraud/"))
    assert found.fix.endswith(": team/fraud")


SUBNET, GROUP = "subnet-0123456789abcdef0", "sg-01234567"
NETWORKS: list[tuple[list[str], list[str], str | None]] = [
    ([], [], None),
    ([SUBNET], [GROUP], None),
    ([SUBNET], [], "sagemaker.vpc.subnets is given, and sagemaker.vpc.security_groups is not."),
    ([], [GROUP], "sagemaker.vpc.security_groups is given, and sagemaker.vpc.subnets is not."),
    ([SUBNET, SUBNET], [GROUP], "sagemaker.vpc.subnets names one twice."),
    ([GROUP], [GROUP], f"sagemaker.vpc.subnets={GROUP} cannot be."),
    (["subnet-0123"], [GROUP], "sagemaker.vpc.subnets=subnet-0123 cannot be."),
    ([SUBNET], ["default"], "sagemaker.vpc.security_groups=default cannot be."),
    ([f"subnet-{n:08x}" for n in range(17)], [GROUP], "sagemaker.vpc.subnets has 17 ids, and AWS takes 16."),
    (
        [SUBNET],
        [f"sg-{n:08x}" for n in range(6)],
        "sagemaker.vpc.security_groups has 6 ids, and AWS takes 5.",
    ),
]


@pytest.mark.parametrize(("subnets", "groups", "message"), NETWORKS)
def test_networks(subnets: list[str], groups: list[str], message: str | None) -> None:
    found = of_account(vpc=VpcConfig(subnets, groups))
    assert found == ([] if message is None else [message])


TAGS: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"cost-center": "4711"}, True),
    ({"größe": "zwölf Äpfel", "a/b:c=d+e@f_g.h": ""}, True),
    ({f"k{n}": "v" for n in range(46)}, True),
    ({f"k{n}": "v" for n in range(47)}, False),
    ({"k" * 128: "v" * 256}, True),
    ({"k" * 129: ""}, False),
    ({"k": "v" * 257}, False),
    ({"": "v"}, False),
    ({"k;": "v"}, False),
    ({"k": "a;b"}, False),
    ({"aws:cloudformation:stack": "v"}, False),
    ({"AWS:x": "v"}, False),
    ({"fraudlab:run": "v"}, False),
]


@pytest.mark.parametrize(("tags", "holds"), TAGS)
def test_tags(tags: dict[str, str], holds: bool) -> None:
    assert (of_account(tags=tags) == []) is holds


def test_fifty_one_tags_are_counted_with_fraudlabs_own() -> None:
    (message,) = of_account(tags={f"k{n}": "v" for n in range(47)})
    assert message == "sagemaker.tags has 47 tags; with fraudlab's own 4 that is more than 50."


MACHINES: list[tuple[str, str, str]] = [
    ("train", "ml.nonsense.xlarge", "ml."),
    ("train", "m5.xlarge", "did you mean ml.m5.xlarge?"),
    ("train", "ML.M5.XLARGE", "did you mean ml.m5.xlarge?"),
    ("train", "ml.m5.4xlarg", "ml.m5.4xlarge"),
    ("train", "local", "such as ml.m5.xlarge"),
    ("train", "", "such as ml.m5.xlarge"),
    ("process", "ml.inf1.xlarge", ""),
    ("transform", "ml.t3.medium", ""),
    ("transform", "ml.r5.large", ""),
    ("serve", "ml.t3.medium", "ml.t2.medium"),
]


@pytest.mark.parametrize(("job", "name", "hint"), MACHINES)
def test_machines_that_a_component_does_not_have(job: str, name: str, hint: str) -> None:
    config = RunConfig()
    getattr(config.compute, job).instance_type = name
    with pytest.raises(ConfigError) as refused:
        check_cloud(config)
    assert refused.value.message.startswith(
        f"compute.{job}.instance_type={name}: SageMaker has no such machine"
    )
    assert hint in refused.value.fix


def test_a_machine_of_another_component_is_said_to_be_one() -> None:
    config = RunConfig()
    config.compute.serve.instance_type = "ml.t3.medium"
    with pytest.raises(ConfigError, match=r"for endpoints, only for processing jobs and training jobs\."):
        check_cloud(config)


@pytest.mark.parametrize("job", COMPONENTS)
def test_the_machines_that_are_known_without_reading_are_everywhere(job: str) -> None:
    assert set(names_of(COMPONENTS[job])) >= _EVERYWHERE
    assert getattr(RunConfig().compute, job).instance_type in _EVERYWHERE


def test_machines_are_refused_wherever_jobs_run_and_all_at_once(no_own_defaults: None) -> None:
    wrong = ["compute.train.instance_type=ml.nonsense.xlarge", "compute.serve.instance_type=ml.t3.medium"]
    for backend in ("process", "local"):
        with pytest.raises(ConfigError) as refused:
            compose([f"backend={backend}", *wrong, "sagemaker.region=eu-west"])
        for key in ("compute.train.instance_type=", "compute.serve.instance_type=", "sagemaker.region="):
            assert key in refused.value.message


TOGETHER: list[tuple[dict[str, object], str | None]] = [
    ({"spot": True}, None),
    ({"spot": True, "max_wait_minutes": 60}, None),
    ({"spot": True, "max_wait_minutes": 59}, "sagemaker.max_wait_minutes=59 is less than"),
    ({"max_wait_minutes": 120}, "sagemaker.max_wait_minutes=120 is for spot instances"),
    ({"warm_pool_minutes": 10}, None),
    ({"spot": True, "warm_pool_minutes": 10}, "those of sagemaker.spot=true cannot be kept"),
]


@pytest.mark.parametrize(("keys", "words"), TOGETHER)
def test_keys_that_go_together(keys: dict[str, object], words: str | None) -> None:
    config = RunConfig(sagemaker=SageMakerConfig(**keys))  # type: ignore[arg-type]
    if words is None:
        check_cloud(config)
        return
    with pytest.raises(ConfigError) as refused:
        check_cloud(config)
    assert words in refused.value.message


ENDPOINTS = {
    "http://127.0.0.1:4566": True,
    "http://127.0.0.1:4566/": True,
    "http://localhost:4566": True,
    "http://[::1]:4566": True,
    "https://127.0.0.1": True,
    "http://127.1.2.3:1": True,
    "127.0.0.1:4566": False,
    "http://10.0.0.1:4566": False,
    "http://0.0.0.0:4566": False,
    "http://example.com": False,
    "http://localhost.example.com": False,
    "http://user:secret@127.0.0.1:4566": False,
    "http://127.0.0.1:99999": False,
    "http://127.0.0.1:0": False,
    "http://127.0.0.1:4566/path": False,
    "ftp://127.0.0.1": False,
    "http://[::1": False,
    "": False,
}


@pytest.mark.parametrize(("url", "holds"), ENDPOINTS.items())
def test_a_rehearsal_is_on_this_machine(url: str, holds: bool) -> None:
    config = RunConfig(rehearsal=RehearsalConfig(endpoint=url))
    if holds:
        check_cloud(config)
        return
    with pytest.raises(ConfigError, match="is no URL of this machine"):
        check_cloud(config)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("spot-interruption", "spot_interruption"),
        ("Throttling", "throttling"),
        ("quotas", "quota"),
        ("nonsense", ""),
    ],
)
def test_a_fault_that_is_none(name: str, meant: str) -> None:
    config = RunConfig(rehearsal=RehearsalConfig(faults=[name]))
    with pytest.raises(ConfigError) as refused:
        check_cloud(config)
    assert f"{name!r} is no fault." in refused.value.message
    assert (f"did you mean {meant}?" in refused.value.fix) is bool(meant)
    assert ", ".join(sorted(FAULTS)) in refused.value.fix


def test_faults_without_a_rehearsal_would_do_nothing() -> None:
    config = RunConfig(rehearsal=RehearsalConfig(faults=["quota"]))
    config.backend.kind = "process"
    with pytest.raises(
        ConfigError, match=r"rehearsal\.faults=\[quota\] is for a rehearsal, and backend=process is"
    ):
        check_cloud(config)


#: as a person types them, and what the tags are then
TYPED: list[tuple[list[str], dict[str, str]]] = [
    (["sagemaker.tags={cost-center: 4711}"], {"cost-center": "4711"}),
    (["sagemaker.tags={a: b c, team: x:y}"], {"a": "b c", "team": "x:y"}),
    (["sagemaker.tags={a: 'b, c'}"], {"a": "b, c"}),
    (["sagemaker.tags.cost-center=4711", "sagemaker.tags.a=b c"], {"cost-center": "4711", "a": "b c"}),
    (["++sagemaker.tags.a=1"], {"a": "1"}),
    (["+sagemaker.tags={a: 1}"], {"a": "1"}),
    (["sagemaker.tags={}"], {}),
]


@pytest.mark.parametrize(("words", "tags"), TYPED)
def test_tags_are_typed_as_other_keys_are(
    words: list[str], tags: dict[str, str], no_own_defaults: None
) -> None:
    if any("," in value for value in tags.values()):
        with pytest.raises(ConfigError, match="cannot be a tag"):
            compose(words)
        return
    assert compose(words).sagemaker.tags == tags


def test_tags_come_from_a_persons_own_defaults_and_are_recorded(no_own_defaults: None, in_tmp: Path) -> None:
    own = in_tmp / "conf" / "local"
    own.mkdir(parents=True)
    text = "# @package _global_\nsagemaker: {tags: {Kostenstelle größe: '4711'}, spot: true}\n"
    (own / "local.yaml").write_text(text, encoding="utf-8")
    config = compose(["run.id=r"])
    assert config.sagemaker.tags == {"Kostenstelle größe": "4711"}
    (in_tmp / "r").mkdir()
    (in_tmp / "r" / "config.yaml").write_text(as_yaml(config), encoding="utf-8")
    assert read_config(in_tmp / "r").sagemaker == config.sagemaker


def test_the_defaults_read_no_service_model() -> None:
    """It is read in 70 ms, which a run on a laptop need not spend."""
    code = (
        "import sys; from fraudlab import service_model; from fraudlab.compose import compose; compose([]); "
        "assert service_model._model.cache_info().currsize == 0; assert 'botocore' not in sys.modules; "
        "service_model.names_of('TrainingInstanceType'); assert 'botocore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("backend", ["process", "local"])
def test_a_transform_job_where_none_can_run_is_refused_in_words(backend: str, no_own_defaults: None) -> None:
    with pytest.raises(ConfigError) as refused:
        compose([f"backend={backend}", "evaluation.via=transform"])
    assert (
        refused.value.message
        == f"evaluation.via=transform needs transform jobs, and backend={backend} runs none."
    )
    assert "backend=sagemaker" in refused.value.fix


@pytest.mark.parametrize(("transforms", "via"), [(True, "transform"), (False, "endpoint")])
def test_auto_is_a_transform_job_where_they_run(transforms: bool, via: str) -> None:
    backend = next(found for found in descriptions() if found.transforms is transforms)
    assert scored_via(RunConfig(), backend).value == via
