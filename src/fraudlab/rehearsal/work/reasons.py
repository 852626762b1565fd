"""The words in which SageMaker says how a job or an endpoint ended. ``docs/rehearsal.md`` says whence."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

#: characters of a failure file that are shown, and of a whole reason
_SHOWN = 1024

NO_IMAGE = (
    "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are"
    " incorrect."
)
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity."
    " Please retry using a different ML instance type."
)
NO_CAPACITY_FOR_ENDPOINT = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error."
    " Please retry using a different ML instance type or after some time."
)
SEE_LOGS = "AlgorithmError: See job logs for more information"
SEE_LOGS_CLIENT = "ClientError: See job logs for more information"
GONE = (
    "InternalServerError: We encountered an internal error. Please try again. (The job's container is gone.)"
)


class WorkFailed(Exception):
    """A job or an endpoint failed; `reason` is its FailureReason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason[:_SHOWN]


class WorkLeft(Exception):
    """The rehearsal ends: what runs goes on, and the next rehearsal of this state takes it up."""


def algorithm_error(failure: bytes, code: int) -> str:
    """The reason of a job whose container ended with a code.

    Parameters
    ----------
    failure : bytes
        What it left for a person to read; as much is shown as leaves room for the code.
    """
    behind = f", exit code: {code}"
    before = "AlgorithmError: "
    said = failure.decode(errors="replace").strip()
    return before + said[: _SHOWN - len(before) - len(behind)] + behind


def exit_message(said: Sequence[bytes]) -> str:
    """What a processing job's containers left for a person to read, as much as ExitMessage may have.

    Parameters
    ----------
    said : sequence of bytes
        The beginning of each container's message; it may be cut within a character.

    Raises
    ------
    UnicodeDecodeError
        It is not UTF-8.
    """
    decoders = [codecs.getincrementaldecoder("utf-8")() for _ in said]
    return "".join(one.decode(text) for one, text in zip(decoders, said, strict=True))[:_SHOWN]


def unhealthy(variant: str) -> str:
    """The reason of an endpoint whose container never answered its ping."""
    return (
        f"The primary container for production variant {variant} did not pass the ping health check."
        " Please check CloudWatch logs for this endpoint."
    )


def no_endpoint_image(image: str) -> str:
    """The reason of an endpoint whose image is not there."""
    return f"The image '{image}' for the primary container does not exist, or its permissions are incorrect."


def no_model_data(uri: str) -> str:
    """The reason where a model's archive is not there."""
    return (
        f'Failed to download model data for container "container_1" from URL: "{uri}". Please ensure that'
        " there is an object located at the URL and that the role passed to CreateModel has permissions to"
        " download the model."
    )
