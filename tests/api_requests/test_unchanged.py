"""What local mode and plain processes are sent is what they were always sent."""

import json
from pathlib import Path

import pytest

from fraudlab import api_requests
from fraudlab.api_requests import Placement
from fraudlab.compose import compose

ID = "20261123-142501-baseline"
PLACE = Placement(
    "fraudlab-xgboost:0.1.0", "arn:aws:iam::000000000000:role/none", instance_type="local"
)  # fmt: skip
#: as they were before requests grew for AWS
STORED = json.loads(Path(__file__).with_name("local_requests.json").read_text(encoding="utf-8"))
#: an account's keys, which only a place in AWS asks for
ACCOUNT = [
    "sagemaker.spot=true",
    "sagemaker.kms=alias/fraud",
    "sagemaker.vpc.subnets=[subnet-0123456789abcdef0]",
    "sagemaker.vpc.security_groups=[sg-0123456789abcdef0]",
    "sagemaker.owner=ada",
    "sagemaker.encrypt_between_hosts=true",
]


@pytest.mark.parametrize("account", [[], ACCOUNT], ids=["", "with an account"])
@pytest.mark.parametrize("name", STORED)
def test_requests_on_this_machine_are_those_of_before(name, account):
    config = compose([*STORED[name]["overrides"], *account])
    channels = {channel: f"file:///w/{channel}" for channel in ("train", "validation", "config")}
    sent = {
        "CreateProcessingJob": api_requests.processing_job(
            config, PLACE, run_id=ID, raw="file:///w/raw", config_channel="file:///w/config",
            prepared="file:///w/prepared",
        ),
        "CreateTrainingJob": api_requests.training_job(
            config, PLACE, run_id=ID, channels=channels, output="file:///w/training-output"
        ),
        "CreateModel": api_requests.model(
            config, PLACE, run_id=ID, model_data="file:///w/serving/model.tar.gz"
        ),
        "CreateEndpointConfig": api_requests.endpoint_config(config, PLACE, run_id=ID),
        "CreateEndpoint": api_requests.endpoint(config, PLACE, run_id=ID),
    }  # fmt: skip
    assert sent == STORED[name]["requests"]
    assert json.dumps(list(sent)) == json.dumps(list(STORED[name]["requests"]))
