"""Codes of AWS's services and names of the client's errors, by what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
    | {"UnauthorizedSSOTokenError", "TokenRetrievalError", "SSOTokenLoadError"}
    | {"LoginRefreshRequired", "LoginTokenLoadError"}
)
UNKNOWN_KEYS = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}
    | {"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "InvalidToken"}
    | {"InvalidSecurity", "MissingAuthenticationToken", "MissingAuthenticationTokenException"}
)
DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "403",
        "Forbidden",
        "UnauthorizedOperation",
        "AllAccessDisabled",
    }
)
THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
    }
    | {"RequestThrottledException", "RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown", "503"}
    | {"ProvisionedThroughputExceededException", "PriorRequestNotComplete"}
)
UNREACHED = frozenset(
    {"EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError", "ProxyConnectionError"}
    | {"ReadTimeoutError", "HTTPClientError", "ConnectionError", "ResponseStreamingError"}
    | {"IncompleteReadError"}
)
OTHER_REGION = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307"}
)
NO_KEYS = frozenset({"NoCredentialsError", "NoAuthTokenError"})
FAULTS_OF_AWS = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalError",
        "InternalFailureError",
    }
    | {"ServiceUnavailable", "ServiceUnavailableException", "ServerException", "500", "502", "504"}
)
NO_SUCH_REGION = frozenset(
    {"UnknownEndpointError", "InvalidRegionError", "UnknownRegionError", "ServiceNotInRegionError"}
)

#: states of an endpoint that is being changed: it can neither be updated nor deleted
UNDER_WAY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
#: how long one may take to come up, or to say that it does not: its longest health check is an hour
SETTLING_SECONDS = 4000.0


def code_of(error: BaseException) -> str:
    """The code AWS answered with, such as ``"ValidationException"``, or the name of the client's own error.

    Codes of the JSON services may carry a name space (``com.amazon…#Code``), which is left out.
    """
    found = told(error)
    return str(found.get("Code", "")).rpartition("#")[2] if found else type(error).__name__


def message_of(error: BaseException) -> str:
    """What AWS said, in its own words, without the client's framing."""
    found = told(error) or {}
    words = str(found.get("Message") or found.get("message") or "")
    return words or str(error).split("\n", maxsplit=1)[0] or type(error).__name__


def is_absent(error: BaseException) -> bool:
    """Whether AWS says that there is no such thing, for which each service has words of its own.

    An error of the client's own, such as a profile that is not found, says nothing of what AWS has.
    """
    if told(error) is None:
        return False
    code = code_of(error)
    if code in {"404", "NoSuchKey", "NoSuchBucket", "NoSuchUpload", "ResourceNotFound"} or "NotFound" in code:
        return True
    absent = ("Could not find ", "Requested resource not found")
    return code == "ValidationException" and message_of(error).startswith(absent)


def is_passing(error: BaseException) -> bool:
    """Whether the same call may well succeed in a moment: throttled, not reached, or a fault of AWS's own."""
    code = code_of(error)
    return code in THROTTLED or code in UNREACHED or code in FAULTS_OF_AWS


def is_throttled(error: BaseException) -> bool:
    """Whether AWS asks to be called less often."""
    return code_of(error) in THROTTLED


def told(error: BaseException) -> Mapping[str, Any] | None:
    """The ``Error`` of what AWS answered; None where the client itself raised."""
    if type(error).__name__ == "S3UploadFailedError" and error.__context__ is not None:
        return told(error.__context__)
    response = getattr(error, "response", None)
    found = response.get("Error") if isinstance(response, Mapping) else None
    return found if isinstance(found, Mapping) else None


def headers(error: BaseException) -> Mapping[str, str]:
    """The HTTP headers of what AWS answered."""
    response = getattr(error, "response", None) or {}
    found: Mapping[str, str] = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return found
