"""What an endpoint of a run says, or does not live to say."""

import pytest
from urllib3.exceptions import IncompleteRead, ProtocolError

from fraudlab.backends.endpoint import Endpoint
from fraudlab.errors import EndpointError, RequestTooLarge


class Stream:
    def __init__(self, content, status=200):
        self.content, self.status = content, status

    def read(self):
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


class Runtime:
    def __init__(self, outcome):
        self.outcome = outcome

    def invoke_endpoint(self, **request):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return {"Body": self.outcome}


def invoke(outcome):
    return Endpoint("e", Runtime(outcome)).invoke(b"1\n", content_type="text/csv", accept="text/csv")


def test_the_answer_of_an_endpoint():
    assert invoke(Stream(b"0.5\n")) == b"0.5\n"


@pytest.mark.parametrize(
    "death",
    [
        ProtocolError("Connection aborted."),
        ConnectionResetError(104, "Connection reset by peer"),
        Stream(IncompleteRead(5, 100)),
        Stream(ConnectionResetError(104, "Connection reset by peer")),
    ],
)
def test_an_endpoint_that_dies_while_scoring_is_an_endpoint_error(death):
    with pytest.raises(EndpointError, match="The endpoint does not answer") as caught:
        invoke(death)
    assert caught.value.fix == "read logs/serve.log of the run"


def test_a_refusal_is_in_the_endpoints_own_words():
    with pytest.raises(EndpointError, match="answered 400: row 1 is blank"):
        invoke(Stream(b"row 1 is blank", 400))


def test_a_request_that_is_too_large_is_an_error_of_its_own():
    with pytest.raises(RequestTooLarge, match="answered 413"):
        invoke(Stream(b"too many rows", 413))
