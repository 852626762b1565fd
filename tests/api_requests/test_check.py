"""Requests are refused before they are sent, by the keys that a person set, all at once."""

import copy
import json
from dataclasses import replace
from functools import cache

import botocore.session
import pytest
from botocore.validate import ParamValidator

from fraudlab import service_model
from fraudlab.api_requests import CloudOptions, Placement, check_requests, requests_of_run, transform_job
from fraudlab.api_requests.check import find, key_of
from fraudlab.compose import compose
from fraudlab.errors import ConfigError

CLOUD = Placement(
    image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraudlab-xgboost:sha-0123456789abcdef",
    role_arn="arn:aws:iam::123456789012:role/fraudlab-execution",
    cloud=CloudOptions("s3://fraudlab-123456789012-eu-west-1/fraudlab", owner="ada", commit="0" * 40),
)
EVERYTHING = [
    "sagemaker.spot=true",
    "sagemaker.max_wait_minutes=600",
    "sagemaker.kms=arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
    "sagemaker.vpc.subnets=[subnet-0123456789abcdef0,subnet-01234567]",
    "sagemaker.vpc.security_groups=[sg-0123456789abcdef0]",
    "sagemaker.tags={cost-center: 4711, fruit: 'zwölf Äpfel'}",
    "sagemaker.owner=Grace Hopper",
    "sagemaker.encrypt_between_hosts=true",
    "compute.train.instance_count=2",
    "compute.transform.instance_count=3",
    "serving.workers=8",
    "serving.max_body_mib=1024",
]
EXACT = ["model.tree_method=exact", "model.max_bin=256", "model.fraud_bins=0"]
WARM = [
    "sagemaker.warm_pool_minutes=60",
    "compute.train.instance_type=ml.g4dn.xlarge",
    "sagemaker.kms=alias/f",
]
LONGEST = "20261123-142501-" + "a" * 24
SETTINGS = {"defaults": [], "everything": EVERYTHING, "warm": WARM}


@pytest.fixture(scope="module")
def service():
    return botocore.session.get_session().get_service_model("sagemaker")


@cache
def composed(*overrides):
    return compose(overrides)


def requests(overrides=()):
    config = composed(*overrides)
    found = requests_of_run(config, CLOUD, run_id=LONGEST, via="transform")
    return config, found | requests_of_run(config, CLOUD, run_id=LONGEST, via="endpoint")


@pytest.mark.parametrize("name", SETTINGS)
def test_requests_that_grow_are_whole(service, name):
    config, found = requests(SETTINGS[name])
    for operation, request in found.items():
        shape = service.operation_model(operation).input_shape
        assert ParamValidator().validate(request, shape).generate_report() == "", operation
    assert list(find(config, found)) == []
    check_requests(config, found)


def test_a_rehearsal_and_the_service_are_sent_the_same_and_a_laptop_nothing_of_an_account():
    config, found = requests(EVERYTHING)
    train = found["CreateTrainingJob"]
    assert train["EnableManagedSpotTraining"] is True
    assert train["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 36000}
    assert train["CheckpointConfig"] == {
        "S3Uri": f"s3://fraudlab-123456789012-eu-west-1/fraudlab/runs/{LONGEST}/checkpoints",
        "LocalPath": "/opt/ml/checkpoints",
    }
    assert train["EnableInterContainerTrafficEncryption"] is True
    assert train["ResourceConfig"]["VolumeKmsKeyId"] == config.sagemaker.kms
    assert train["OutputDataConfig"]["KmsKeyId"] == config.sagemaker.kms
    network = {
        "Subnets": ["subnet-0123456789abcdef0", "subnet-01234567"],
        "SecurityGroupIds": ["sg-0123456789abcdef0"],
    }
    assert train["VpcConfig"] == found["CreateModel"]["VpcConfig"] == network
    assert found["CreateProcessingJob"]["NetworkConfig"] == {
        "EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True, "VpcConfig": network
    }  # fmt: skip
    assert found["CreateProcessingJob"]["ProcessingOutputConfig"]["KmsKeyId"] == config.sagemaker.kms
    assert found["CreateEndpointConfig"]["KmsKeyId"] == config.sagemaker.kms
    variant = found["CreateEndpointConfig"]["ProductionVariants"][0]
    assert 60 <= variant["ContainerStartupHealthCheckTimeoutInSeconds"] <= 3600
    assert 60 <= variant["ModelDataDownloadTimeoutInSeconds"] <= 3600
    for operation, request in found.items():
        tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        assert tags == {
            "fraudlab:project": "fraudlab", "fraudlab:run": LONGEST, "fraudlab:commit": "0" * 40,
            "fraudlab:owner": "Grace Hopper", "cost-center": "4711", "fruit": "zwölf Äpfel",
        }, operation  # fmt: skip
    laptop = Placement("image", CLOUD.role_arn, instance_type="local")
    plain = requests_of_run(compose([]), laptop, run_id=LONGEST, via="transform")
    account = [word for word in EVERYTHING if word.startswith("sagemaker.")]
    assert requests_of_run(compose(account), laptop, run_id=LONGEST, via="transform") == plain


def test_every_job_and_model_is_isolated():
    _, found = requests()
    assert found["CreateTrainingJob"]["EnableNetworkIsolation"] is True
    assert found["CreateModel"]["EnableNetworkIsolation"] is True
    assert found["CreateProcessingJob"]["NetworkConfig"]["EnableNetworkIsolation"] is True


def test_without_keys_of_an_account_nothing_more_is_asked_than_tags_and_time_outs():
    _, found = requests()
    laptop = replace(CLOUD, cloud=None)
    plain = requests_of_run(compose([]), laptop, run_id=LONGEST, via="endpoint")
    grown = json.loads(json.dumps({name: found[name] for name in plain}))
    for request in [*grown.values(), *plain.values()]:
        del request["Tags"]
    variant = grown["CreateEndpointConfig"]["ProductionVariants"][0]
    del variant["ContainerStartupHealthCheckTimeoutInSeconds"], variant["ModelDataDownloadTimeoutInSeconds"]
    texts = json.dumps(grown).replace(
        f"s3://fraudlab-123456789012-eu-west-1/fraudlab/runs/{LONGEST}", "file:///" + LONGEST
    )
    assert json.loads(texts) == plain


def test_a_warm_pool_and_disks_that_encrypt_themselves():
    _, found = requests(WARM)
    machines = found["CreateTrainingJob"]["ResourceConfig"]
    assert machines["KeepAlivePeriodInSeconds"] == 3600
    assert "VolumeKmsKeyId" not in machines
    assert found["CreateTrainingJob"]["OutputDataConfig"]["KmsKeyId"] == "alias/f"
    assert found["CreateProcessingJob"]["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == "alias/f"


@pytest.mark.parametrize(
    ("body", "workers", "expected"),
    [
        (25, 1, (25, 2)),
        (25, 8, (25, 4)),
        (1, 64, (1, 100)),
        (60, 8, (60, 1)),
        (1024, 64, (100, 1)),
        (33, 2, (33, 3)),
    ],
)
def test_the_payloads_under_way_fit(body, workers, expected):
    _, found = requests([f"serving.max_body_mib={body}", f"serving.workers={workers}"])
    job = found["CreateTransformJob"]
    assert (job["MaxPayloadInMB"], job["MaxConcurrentTransforms"]) == expected


TRAIN, PROCESS, TRANSFORM = "CreateTrainingJob", "CreateProcessingJob", "CreateTransformJob"
MODEL, SERVE, ENDPOINT = "CreateModel", "CreateEndpointConfig", "CreateEndpoint"
CLUSTER, METRICS = "ProcessingResources.ClusterConfig", "AlgorithmSpecification.MetricDefinitions"
VPC = "sagemaker.vpc"
#: operation, path, a value that AWS refuses, the key that is named
REFUSED = [
    (TRAIN, "TrainingJobName", "a" * 64, "run.id"),
    (TRAIN, "TrainingJobName", "no spaces", "run.id"),
    (TRAIN, "TrainingJobName", "under_score", "run.id"),
    (TRAIN, "TrainingJobName", "-begins", "run.id"),
    (PROCESS, "ProcessingJobName", "a" * 64, "run.id"),
    (TRANSFORM, "TransformJobName", "a" * 64, "run.id"),
    (MODEL, "ModelName", "a" * 64, "run.id"),
    (SERVE, "EndpointConfigName", "a" * 64, "run.id"),
    (ENDPOINT, "EndpointName", "a" * 64, "run.id"),
    (TRAIN, "ResourceConfig.InstanceType", "ml.m5.tiny", "compute.train.instance_type"),
    (PROCESS, f"{CLUSTER}.InstanceType", "local", "compute.process.instance_type"),
    (TRANSFORM, "TransformResources.InstanceType", "ml.r5.large", "compute.transform.instance_type"),
    (SERVE, "ProductionVariants.0.InstanceType", "ml.t3.medium", "compute.serve.instance_type"),
    (TRAIN, "ResourceConfig.InstanceCount", 0, "compute.train.instance_count"),
    (TRAIN, "ResourceConfig.InstanceCount", 101, "compute.train.instance_count"),
    (PROCESS, f"{CLUSTER}.InstanceCount", 101, "compute.process.instance_count"),
    (TRANSFORM, "TransformResources.InstanceCount", 0, "compute.transform.instance_count"),
    (SERVE, "ProductionVariants.0.InitialInstanceCount", 0, "compute.serve.instance_count"),
    (TRAIN, "ResourceConfig.VolumeSizeInGB", 16_385, "compute.train.volume_gb"),
    (PROCESS, f"{CLUSTER}.VolumeSizeInGB", 16_385, "compute.process.volume_gb"),
    (TRAIN, "StoppingCondition.MaxRuntimeInSeconds", 99_999_999 * 60, "compute.train.max_minutes"),
    (PROCESS, "StoppingCondition.MaxRuntimeInSeconds", 777_601, "compute.process.max_minutes"),
    (TRAIN, "StoppingCondition.MaxWaitTimeInSeconds", 3599, "sagemaker.max_wait_minutes"),
    (TRAIN, "ResourceConfig.KeepAlivePeriodInSeconds", 21_601, "sagemaker.warm_pool_minutes"),
    (TRAIN, "ResourceConfig.KeepAlivePeriodInSeconds", 60, "sagemaker.warm_pool_minutes"),
    (TRAIN, "OutputDataConfig.KmsKeyId", "a key", "sagemaker.kms"),
    (TRAIN, "ResourceConfig.VolumeKmsKeyId", "k" * 2049, "sagemaker.kms"),
    (SERVE, "KmsKeyId", "a key", "sagemaker.kms"),
    (TRANSFORM, "TransformOutput.KmsKeyId", "a key", "sagemaker.kms"),
    (TRAIN, "VpcConfig.Subnets", [], f"{VPC}.subnets"),
    (TRAIN, "VpcConfig.Subnets", ["subnet-1"] * 17, f"{VPC}.subnets"),
    (MODEL, "VpcConfig.SecurityGroupIds", ["sg-1"] * 6, f"{VPC}.security_groups"),
    (PROCESS, "NetworkConfig.VpcConfig.SecurityGroupIds", ["not one"], f"{VPC}.security_groups"),
    (TRAIN, "Tags", [{"Key": f"k{n}", "Value": ""} for n in range(51)], "sagemaker.tags"),
    (ENDPOINT, "Tags", [{"Key": "k" * 129, "Value": ""}], "sagemaker.tags"),
    (MODEL, "Tags", [{"Key": "k", "Value": "v" * 257}], "sagemaker.tags"),
    (MODEL, "Tags", [{"Key": "k", "Value": "a;b"}], "sagemaker.tags"),
    (MODEL, "Tags", [{"Key": "AWS:x", "Value": ""}], "sagemaker.tags"),
    (MODEL, "Tags", [{"Key": "k", "Value": ""}, {"Key": "k", "Value": "2"}], "sagemaker.tags"),
    (TRAIN, "RoleArn", "fraudlab-execution", "sagemaker.role"),
    (MODEL, "ExecutionRoleArn", "arn:aws:iam::12:role/x", "sagemaker.role"),
    (TRAIN, "AlgorithmSpecification.TrainingImage", "i" * 256, "backend.image"),
    (PROCESS, "AppSpecification.ImageUri", "i" * 256, "backend.image"),
    (MODEL, "PrimaryContainer.Image", "an image", "backend.image"),
    (TRAIN, "OutputDataConfig.S3OutputPath", "file:///x", "sagemaker.prefix"),
    (TRAIN, "CheckpointConfig.S3Uri", "s3://b/" + "k" * 1024, "sagemaker.prefix"),
    (TRAIN, "HyperParameters.max_depth", "8" * 2501, "model.max_depth"),
    (TRAIN, "HyperParameters.max_depth", 8, "model.max_depth"),
    (TRAIN, f"{METRICS}.0.Regex", "r" * 501, "model.eval_metric"),
    (TRAIN, f"{METRICS}", [{"Name": "n", "Regex": "r"}] * 41, "model.eval_metric"),
    (TRANSFORM, "MaxPayloadInMB", 101, "serving.max_body_mib"),
    (TRANSFORM, "MaxConcurrentTransforms", 101, "serving.workers"),
]  # fmt: skip
#: what no key is behind: the request's own path is named
OURS = [
    (TRAIN, "Environment", {"K": "v" * 513}, "Environment[K]"),
    (TRAIN, "Environment", {"not a name": ""}, "Environment[not a name]"),
    (PROCESS, "Environment", {"K": "v" * 257}, "Environment[K]"),
    (TRANSFORM, "Environment", {f"K{n}": "" for n in range(17)}, "Environment"),
    (TRAIN, "HyperParameters", {f"k{n}": "1" for n in range(101)}, "HyperParameters"),
    (TRANSFORM, "DataProcessing", {"InputFilter": "$" * 64}, "DataProcessing.InputFilter"),
    (TRANSFORM, "DataProcessing", {"JoinSource": "Output"}, "DataProcessing.JoinSource"),
    (TRANSFORM, "BatchStrategy", "MultiRecord", "BatchStrategy"),
    (TRANSFORM, "TransformInput.SplitType", "Lines", "TransformInput.SplitType"),
    (TRAIN, "Nonsense", 1, "Nonsense"),
    (TRAIN, "InputDataConfig", [], "InputDataConfig"),
    (TRAIN, "EnableNetworkIsolation", 1, "EnableNetworkIsolation"),
]  # fmt: skip


def changed(overrides, operation, path, value):
    config, found = requests(overrides)
    found = copy.deepcopy(found)
    target = found[operation]
    *above, last = path.split(".")
    for part in above:
        target = target[int(part)] if isinstance(target, list) else target[part]
    target[last] = value
    return config, found


@pytest.mark.parametrize(("operation", "path", "value", "key"), REFUSED)
def test_what_aws_refuses_is_refused_by_the_key_behind_it(operation, path, value, key):
    config, found = changed(EVERYTHING, operation, path, value)
    with pytest.raises(ConfigError) as refused:
        check_requests(config, found)
    assert refused.value.message.startswith(f"{key}=")
    assert refused.value.fix


@pytest.mark.parametrize(("operation", "path", "value", "where"), OURS)
def test_what_no_key_is_behind_is_named_by_its_path(operation, path, value, where):
    config, found = changed([], operation, path, value)
    with pytest.raises(ConfigError, match="^" + operation) as refused:
        check_requests(config, found)
    assert f"{operation}: {where} " in refused.value.message


@pytest.mark.parametrize("field", ["RoleArn", "TrainingJobName", "OutputDataConfig"])
def test_what_is_missing_is_said(field):
    config, found = requests()
    del found["CreateTrainingJob"][field]
    with pytest.raises(ConfigError, match=f"{field} is missing"):
        check_requests(config, found)


def test_all_is_said_at_once():
    config, found = changed([], "CreateTrainingJob", "ResourceConfig.InstanceType", "ml.m5.xlargo")
    found["CreateModel"]["Tags"] = [{"Key": "k", "Value": "a;b"}]
    found["CreateTransformJob"]["MaxPayloadInMB"] = 101
    with pytest.raises(ConfigError) as refused:
        check_requests(config, found)
    for key in ("compute.train.instance_type=", "sagemaker.tags=", "serving.max_body_mib="):
        assert key in refused.value.message
    assert "did you mean 'ml.m5.xlarge'?" in refused.value.fix


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["model.k_fold=3"], "compute.train.instance_count=2, and model.k_fold=3 needs one host."),
        (EXACT, "model.tree_method=exact needs one host."),
        (["compute.process.instance_count=2"], "each host would prepare the whole table"),
    ],
)  # fmt: skip
def test_what_the_image_does_on_one_host_only_is_said_before_machines_are_paid_for(overrides, sentence):
    with pytest.raises(ConfigError, match=sentence.replace(".", r"\.")):
        check_requests(*requests(["compute.train.instance_count=2", *overrides]))


@pytest.mark.parametrize("machine", ["ml.m6g.xlarge", "ml.c7g.large", "ml.r6gd.2xlarge"])
def test_a_machine_that_cannot_run_the_image_is_refused(machine):
    words = ["evaluation.via=endpoint", f"compute.serve.instance_type={machine}"]
    with pytest.raises(ConfigError, match=rf"serve\.instance_type={machine} has an arm64 processor"):
        check_requests(*requests(words))
    image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/own:arm64"
    check_requests(*requests([*words, f"backend.image={image}"]))


def test_a_transform_job_can_join_filter_and_split_its_rows():
    config, _ = requests()
    request = transform_job(
        config, CLOUD, run_id=LONGEST, data="s3://b/p/in/", output="s3://b/p/out", split="Line",
        join_input=True, input_filter="$[1:]", output_filter="$[0,-1]",
    )  # fmt: skip
    check_requests(config, {"CreateTransformJob": request})
    assert request["DataProcessing"] == {
        "InputFilter": "$[1:]", "OutputFilter": "$[0,-1]", "JoinSource": "Input",
    }  # fmt: skip
    assert (request["TransformInput"]["SplitType"], request["BatchStrategy"]) == ("Line", "MultiRecord")
    assert request["TransformOutput"]["AssembleWith"] == "Line"


def test_the_service_model_here_is_botocores(service):
    for shape in ("TrainingInstanceType", "ProcessingInstanceType", "TransformInstanceType", "S3DataType"):
        assert list(service_model.names_of(shape)) == service.shape_for(shape).enum


def test_every_pattern_of_a_request_is_understood(service):
    """A pattern that Python cannot read would refuse nothing."""
    _, found = requests(EVERYTHING)

    def strings(shape, value):
        if shape.type_name == "structure":
            for name, member in value.items():
                yield from strings(shape.members[name], member)
        elif shape.type_name == "list":
            for member in value:
                yield from strings(shape.member, member)
        elif shape.type_name == "map":
            for key, member in value.items():
                yield from strings(shape.key, key)
                yield from strings(shape.value, member)
        elif shape.type_name == "string":
            yield shape

    patterns = {
        shape.metadata["pattern"]
        for operation, request in found.items()
        for shape in strings(service.operation_model(operation).input_shape, request)
        if "pattern" in shape.metadata
    }
    assert len(patterns) > 10
    assert all(service_model._compiled(_ascii(pattern)) for pattern in patterns)


def _ascii(pattern):
    for name, signs in service_model._CLASSES.items():
        pattern = pattern.replace(name, signs)
    return pattern


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        *[("größe", True), ("成本", True), ("a b", True), ("½", True), ("", True)],
        *[("a;b", False), ("a\tb", False), ("😀", False)],
    ],
)
def test_letters_of_every_language_are_letters_of_a_tag(text, holds):
    assert service_model.matches(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", text) is holds


def test_a_key_behind_every_field_that_a_person_sets():
    assert key_of("CreateEndpointConfig", "ProductionVariants[0].ModelName") == "run.id"
    assert key_of("CreateEndpoint", "InstanceType") is None
    assert key_of("CreateTrainingJob", "HyperParameters[seed]") == "seed"
