"""An endpoint of SageMaker is asked by its name; what its container says reads as of any other."""

import io
import tarfile

import pytest
from botocore.exceptions import ClientError
from tests.moto_account import make_bucket, tags

from fraudlab.cli import main
from fraudlab.errors import BackendError, EndpointError, RequestTooLarge
from fraudlab.predict.service_client import MAX_SERVICE_BODY, ServiceClient, is_endpoint_name

NAME = "fraudlab-scoring"
CONTRACT = {"columns": ["a"], "threshold": 0.5}


def packed(name="model.json", content='{"columns": ["a"], "threshold": 0.5}'):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content.encode())
        archive.addfile(member, io.BytesIO(content.encode()))
    return sink.getvalue()


def serve(account, archive):
    client = account.client("sagemaker")
    bucket = make_bucket(account)
    account.client("s3").put_object(Bucket=bucket, Key="fraudlab/m/model.tar.gz", Body=archive)
    container = {"Image": "i", "ModelDataUrl": f"s3://{bucket}/fraudlab/m/model.tar.gz"}
    role = "arn:aws:iam::123456789012:role/r"
    client.create_model(ModelName=NAME, ExecutionRoleArn=role, PrimaryContainer=container, Tags=tags())
    variant = {
        "VariantName": "A",
        "ModelName": NAME,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    client.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[variant], Tags=tags())
    client.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME, Tags=tags())


def refusal(code, message="", **more):
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}, **more}, "InvokeEndpoint"
    )


def answering(account, monkeypatch, *answers):
    waiting, asked = list(answers), []

    def invoke(**request):
        asked.append(request)
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"Body": io.BytesIO(answer)}

    monkeypatch.setattr(account.client("sagemaker-runtime"), "invoke_endpoint", invoke)
    return asked


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("fraudlab-scoring", True),
        ("Other1", True),
        ("http://localhost:8080", False),
        ("localhost:8080", False),
        ("127.0.0.1", False),
        ("a_b", False),
        ("", False),
        ("a" * 64, False),
    ],
)
def test_a_name_is_no_url(text, is_name):
    assert is_endpoint_name(text) is is_name


def test_the_model_is_read_from_the_archive_that_is_served(moto_account):
    serve(moto_account, packed())
    client = ServiceClient(NAME, moto_account)
    assert client.model() == CONTRACT
    assert client.max_body() == MAX_SERVICE_BODY


@pytest.mark.parametrize(
    "archive", [b"no archive", packed("x.json"), packed(content="[]"), packed(content="{")]
)
def test_a_model_of_somebody_else_is_told(moto_account, archive):
    serve(moto_account, archive)
    with pytest.raises(EndpointError, match="is none of fraudlab's"):
        ServiceClient(NAME, moto_account).model()


def test_an_endpoint_that_is_not_there_names_those_that_are(moto_account):
    serve(moto_account, packed())
    with pytest.raises(EndpointError, match="There is no endpoint fraudlab-scroing in eu-west-1") as error:
        ServiceClient("fraudlab-scroing", moto_account).model()
    assert error.value.fix.startswith("did you mean 'fraudlab-scoring'?")


def test_scores_come_back(moto_account, monkeypatch):
    asked = answering(moto_account, monkeypatch, b"0.5\n")
    assert ServiceClient(NAME, moto_account).invoke(b"1\n") == b"0.5\n"
    assert (asked[0]["EndpointName"], asked[0]["ContentType"]) == (NAME, "text/csv")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            refusal(
                "ModelError", OriginalStatusCode=400, OriginalMessage='{"detail": "Row 1 has 2 fields."}'
            ),
            EndpointError,
            f"{NAME} answered 400: Row 1 has 2 fields.",
        ),
        (
            refusal("ModelError", OriginalStatusCode=500, OriginalMessage="boom"),
            EndpointError,
            "answered 500: boom",
        ),
        (
            refusal("ModelError", OriginalStatusCode=413, OriginalMessage="large"),
            RequestTooLarge,
            "413: large",
        ),
        (
            refusal("ValidationError", "Member must have length less than or equal to 6291456"),
            RequestTooLarge,
            "length less than",
        ),
        (refusal("ValidationError", f"Endpoint {NAME} of account 1 not found."), EndpointError, "not found"),
        (refusal("AccessDeniedException", "no"), EndpointError, "may not"),
    ],
)
def test_what_is_refused_reads_well(moto_account, monkeypatch, error, kind, said):
    answering(moto_account, monkeypatch, error)
    with pytest.raises(kind, match=said) as raised:
        ServiceClient(NAME, moto_account).invoke(b"1\n")
    assert type(raised.value) is kind
    assert raised.value.fix


@pytest.mark.parametrize(
    "busy",
    [
        refusal("ModelError", OriginalStatusCode=503, OriginalMessage="busy"),
        refusal("ModelNotReadyException"),
    ],
)
def test_a_busy_endpoint_is_asked_again(moto_account, monkeypatch, busy):
    pauses = []
    answering(moto_account, monkeypatch, busy, busy, b"0.5\n")
    assert ServiceClient(NAME, moto_account, sleep=pauses.append).invoke(b"1\n") == b"0.5\n"
    assert pauses == [0.5, 1.0]


def test_one_that_stays_busy_is_given_up(moto_account, monkeypatch):
    answering(
        moto_account, monkeypatch, *[refusal("ModelError", OriginalStatusCode=503, OriginalMessage="x")] * 6
    )
    with pytest.raises(EndpointError, match="answered 503"):
        ServiceClient(NAME, moto_account, sleep=lambda _: None).invoke(b"1\n")


def test_overrides_are_for_a_name(in_tmp, capsys):
    assert main(["predict", "t.csv", "sagemaker.region=eu-west-1", "--endpoint", "http://localhost:1"]) == 2
    assert "--endpoint NAME" in capsys.readouterr().err


def test_without_credentials_it_is_one_sentence(in_tmp, monkeypatch, capsys, no_own_defaults):
    monkeypatch.setenv("HOME", str(in_tmp))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert (
        main(["predict", "t.csv", "--endpoint", NAME, "sagemaker.region=eu-west-1"]) == BackendError.exit_code
    )
    assert "there are no AWS credentials" in capsys.readouterr().err
