"""What a rehearsal says to whoever started it."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path

from fraudlab.files import write_json

REGION = "us-east-1"
ACCOUNT = "000000000000"
#: no secret: the rehearsal takes any key
ACCESS_KEY = "AKIAREHEARSAL0000000"
SECRET_KEY = "rehearsal"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/fraudlab-execution"
BUCKET = f"fraudlab-{ACCOUNT}-{REGION}"


@dataclass(frozen=True)
class Announcement:
    """Where a rehearsal answers; its bucket and its role exist.

    Attributes
    ----------
    registry : str or None
        ``127.0.0.1:PORT`` of the registry; None where the local engine's own tags stand for it.
    sagemaker_config : str
        Defaults for the SageMaker SDK: without them it asks a host that is written in it for the account, and
        sends telemetry past every endpoint URL.
    """

    url: str
    pid: int
    registry: str | None = None
    sagemaker_config: str = ""
    region: str = REGION
    account: str = ACCOUNT
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    role: str = ROLE
    bucket: str = BUCKET

    def environment(self) -> dict[str, str]:
        """The variables that any client of AWS reads."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "SAGEMAKER_USER_CONFIG_OVERRIDE": self.sagemaker_config,
        }

    def exports(self) -> list[str]:
        """The same as lines for a shell."""
        return [f"export {name}={shlex.quote(value)}" for name, value in self.environment().items()]

    def write_sagemaker_config(self) -> None:
        """Write the defaults for the SageMaker SDK."""
        session = {"DefaultS3Bucket": self.bucket}
        modules = {"TelemetryOptOut": True, "Session": session}
        content = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": modules}}}
        write_json(Path(self.sagemaker_config), content)  # JSON is YAML

    def write(self, file: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_json(file, dataclasses.asdict(self))
