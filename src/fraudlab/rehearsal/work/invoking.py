"""One request to an endpoint, and the answers of the runtime service around those of the container."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping

from fraudlab.rehearsal.work.hosting import Hosting, Variant
from fraudlab.rehearsal.work.serving_box import ContainerReply

#: seconds in which a container has to answer, and bytes that a request may have
ANSWER_WITHIN, MAX_BODY = 60.0, 25 * 1024 * 1024
#: what goes on to the container beside Content-Type and Accept
_PASSED_ON = (
    "X-Amzn-SageMaker-Custom-Attributes",
    "X-Amzn-SageMaker-Inference-Id",
    "X-Amzn-SageMaker-Target-Model",
)
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency"
    " metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)

Answer = tuple[int, dict[str, str], bytes]


def asked(hosting: Hosting | None, name: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Ask an endpoint once.

    Parameters
    ----------
    hosting : Hosting or None
        None where there is no endpoint of that name.
    headers : mapping
        In any case.
    """
    given = {key.lower(): value for key, value in headers.items()}
    if len(body) > MAX_BODY:
        return validation_error(
            f"The request body has {len(body)} bytes, which exceeds the limit of {MAX_BODY} bytes."
        )
    wanted = given.get("x-amzn-sagemaker-target-variant")
    try:
        chosen = hosting.chosen(wanted) if hosting is not None else None
    except KeyError:
        return validation_error(f"Variant {wanted} of endpoint {name} not found.")
    if hosting is None or chosen is None:
        return validation_error(f"Endpoint {name} of account 000000000000 not found.")
    fleet, variant = chosen
    try:
        return _answer(hosting, variant, body, given)
    finally:
        hosting.answered(fleet)


def _answer(hosting: Hosting, variant: Variant, body: bytes, given: Mapping[str, str]) -> Answer:
    sent = {
        name: given[name.lower()] for name in ("Content-Type", "Accept", *_PASSED_ON) if name.lower() in given
    }
    try:
        reply = variant.next_box().ask("POST", "/invocations", body, sent, timeout=ANSWER_WITHIN)
    except TimeoutError:
        return model_error(hosting, 0, _TIMED_OUT.encode())
    except (OSError, http.client.HTTPException):
        return model_error(hosting, 0, b"The container primary closed the connection.")
    if not 200 <= reply.status < 300:
        return model_error(hosting, reply.status, reply.body)
    return 200, _passed_back(reply, variant.name), reply.body


def _passed_back(reply: ContainerReply, variant: str) -> dict[str, str]:
    found = {name.lower(): value for name, value in reply.headers.items()}
    back = {"x-Amzn-Invoked-Production-Variant": variant}
    for name in ("Content-Type", *_PASSED_ON[:2]):
        if name.lower() in found:
            back[name] = found[name.lower()]
    return back


def model_error(hosting: Hosting, status: int, message: bytes) -> Answer:
    """The answer where the container has given none, or one with another status than 2xx."""
    said = message.decode(errors="replace")
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{hosting.progress.name}"
    region = hosting.progress.record.arn.split(":")[3]
    content = {
        "Message": f'Received {side} error ({status}) from primary with message "{said}". See the log group'
        f" {group} in account 000000000000 for more information.",
        "OriginalMessage": said,
        "OriginalStatusCode": status,
        "LogStreamArn": f"arn:aws:logs:{region}:000000000000:log-group:{group}",
    }
    return 424, _error("ModelError"), json.dumps(content).encode()


def validation_error(message: str) -> Answer:
    """The answer to a request that cannot be meant."""
    return 400, _error("ValidationError"), json.dumps({"Message": message}).encode()


def _error(code: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "x-amzn-errortype": code}
