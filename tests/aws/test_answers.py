"""Errors of AWS as one sentence and a fix."""

from __future__ import annotations

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from fraudlab.aws.answers import (
    AccessRefused,
    CredentialsExpired,
    QuotaReached,
    Throttled,
    code_of,
    explained,
    explained_calls,
    is_absent,
    is_passing,
)
from fraudlab.errors import BackendError, BackendLost

QUOTA = (
    "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances, with current"
    " utilization of 0 Instances and a request delta of 1 Instances. Please contact AWS support."
)
USER = "User: arn:aws:iam::111122223333:user/ann"


def answer(code: str, message: str = "", **more: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message, **more}}, "CreateTrainingJob")


@pytest.mark.parametrize(
    ("error", "kind", "says", "fix"),
    [
        (exceptions.NoCredentialsError(), BackendError, "there are no AWS credentials", "aws sso login"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), BackendError, "env", "log in"),
        (exceptions.ProfileNotFound(profile="work"), BackendError, "(work)", "sagemaker.profile=NAME"),
        (exceptions.NoRegionError(), BackendError, "no region is set", "sagemaker.region=REGION"),
        (exceptions.UnauthorizedSSOTokenError(), CredentialsExpired, "have expired", "log in again"),
        (
            answer("ExpiredToken", "The provided token has expired."),
            CredentialsExpired,
            "have expired",
            "log in",
        ),
        (answer("ExpiredTokenException", "x"), CredentialsExpired, "have expired", "log in"),
        (
            answer("UnrecognizedClientException", "The security token included in the request is invalid."),
            BackendError,
            "does not know these credentials",
            "get-caller-identity",
        ),
        (
            answer("InvalidSignatureException", "Signature expired: 2026"),
            BackendError,
            "clock is wrong",
            "clock",
        ),
        (
            answer(
                "AccessDeniedException",
                f"{USER} is not authorized to perform: sagemaker:CreateTrainingJob on"
                " resource: arn:aws:sagemaker:eu-west-1:111122223333:training-job/t because no identity",
            ),
            AccessRefused,
            "may not sagemaker:CreateTrainingJob on arn:aws:sagemaker:eu-west-1",
            "docs/admin.md",
        ),
        (
            answer(
                "AccessDeniedException",
                f"{USER} is not authorized to perform: iam:PassRole on resource:"
                " arn:aws:iam::111122223333:role/r because no identity-based policy allows it",
            ),
            AccessRefused,
            "you may not pass the role on arn:aws:iam::111122223333:role/r",
            "sagemaker.role",
        ),
        (
            answer("ValidationException", "Could not assume role arn:aws:iam::1:role/r."),
            AccessRefused,
            "may not take on the role",
            "sagemaker.role",
        ),
        (answer("403", "Forbidden"), AccessRefused, "may not CreateTrainingJob", "administrator"),
        (answer("NoSuchBucket", "x", BucketName="b"), BackendError, "no such bucket, b", "sagemaker.bucket"),
        (
            answer("PermanentRedirect", "x", Region="us-west-2"),
            BackendError,
            "another region, us-west-2",
            "sagemaker.region=us-west-2",
        ),
        (
            answer("AccessDenied", "Access Denied because object protected by object lock."),
            BackendError,
            "keeps its objects locked",
            "without object lock",
        ),
        (answer("KMS.DisabledException", "x"), BackendError, "the key cannot be used", "sagemaker.kms"),
        (
            answer("RepositoryNotFoundException", "x"),
            BackendError,
            "no such repository",
            "sagemaker.repository",
        ),
        (
            answer("ResourceLimitExceeded", QUOTA),
            QuotaReached,
            "'ml.m5.large for endpoint usage' is 0",
            "Quotas",
        ),
        (answer("ThrottlingException", "Rate exceeded"), Throttled, "called less often", "in a minute"),
        (answer("SlowDown", "Reduce your request rate."), Throttled, "called less often", "in a minute"),
        (answer("InternalFailure"), BackendLost, "AWS has a fault", "in a minute"),
        (
            exceptions.EndpointConnectionError(endpoint_url="https://x"),
            BackendLost,
            "cannot be reached",
            "proxy",
        ),
        (
            exceptions.SSLError(endpoint_url="https://x", error="e"),
            BackendError,
            "not trusted",
            "AWS_CA_BUNDLE",
        ),
        (answer("ValidationException", "1 validation error."), BackendError, "1 validation error", "doctor"),
    ],
)
def test_what_aws_answers_is_a_sentence_and_a_fix(
    error: Exception, kind: type[BackendError], says: str, fix: str
) -> None:
    found = explained(error, doing="Starting the train job")
    assert type(found) is kind
    assert found.message.startswith("Starting the train job failed: ")
    assert says in found.message
    assert found.message.endswith(".")
    assert not found.message.endswith("..")
    assert fix in found.fix


def test_only_what_boto3_raises_is_explained() -> None:
    with pytest.raises(ValueError, match="ours"), explained_calls(doing="It"):
        raise ValueError("ours")
    with pytest.raises(BackendError, match="no AWS credentials"), explained_calls(doing="It"):
        raise exceptions.NoCredentialsError


def test_codes_of_json_services_lose_their_name_space() -> None:
    assert code_of(answer("com.amazon.coral.service#ThrottlingException")) == "ThrottlingException"


def test_not_found_is_a_validation_error_there() -> None:
    assert is_absent(answer("ValidationException", "Requested resource not found."))
    assert is_absent(answer("ValidationException", 'Could not find model "m".'))
    assert is_absent(answer("404"))
    assert not is_absent(answer("ValidationException", "1 validation error"))


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ProfileNotFound(profile="p"),
        exceptions.ConfigNotFound(path="p"),
        type("ResourceNotFound", (Exception,), {})(),
        ValueError("Could not find it"),
    ],
)
def test_what_the_client_does_not_find_is_not_absent_in_the_account(error: Exception) -> None:
    assert not is_absent(error)


def test_what_passes_and_what_does_not() -> None:
    assert is_passing(answer("ThrottlingException"))
    assert not is_passing(answer("AccessDenied"))
