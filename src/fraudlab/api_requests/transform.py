"""CreateTransformJob: files of rows in, a file of scores for each out."""

from __future__ import annotations

from typing import Literal

from fraudlab.api_requests import placement as places
from fraudlab.api_requests.placement import Placement, Request, job_name
from fraudlab.config import RunConfig

#: what the payloads that are under way at once on a machine may have together, in MB
MAX_UNDER_WAY_MB = 100
#: requests under way for each worker of the image: one is scored while the next is read
_PER_WORKER = 2


def payload_mb(config: RunConfig) -> int:
    """The largest body that a transform job sends, in MB: what the image takes, as far as AWS sends it."""
    return min(config.serving.max_body_mib, MAX_UNDER_WAY_MB)


def transform_job(
    config: RunConfig,
    placement: Placement,
    *,
    run_id: str,
    data: str,
    output: str,
    split: Literal["None", "Line"] = "None",
    join_input: bool = False,
    input_filter: str | None = None,
    output_filter: str | None = None,
) -> Request:
    """Build CreateTransformJob: CSV rows in, one line per row out.

    Parameters
    ----------
    data : str
        URI that the names of the CSV files begin with.
    output : str
        URI that receives a file ``NAME.out`` for each file ``NAME``.
    split : {"None", "Line"}
        Send each file whole, or as many of its lines at once as fit: then no value may have a line break.
    join_input : bool
        Write each row's input before its score.
    input_filter, output_filter : str, optional
        JSONPath of the columns that are sent, and of those that are written, such as ``$[1:]``.
    """
    machine, payload = config.compute.transform, payload_mb(config)
    at_once = min(_PER_WORKER * config.serving.workers, MAX_UNDER_WAY_MB // payload)
    lines = split == "Line"
    return {
        "TransformJobName": job_name(run_id, "transform"),
        "ModelName": job_name(run_id, "model"),
        "MaxConcurrentTransforms": at_once,
        "MaxPayloadInMB": payload,
        **({"BatchStrategy": "MultiRecord"} if lines else {}),
        "Environment": {},
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}},
            "ContentType": "text/csv",
            "CompressionType": "None",
            "SplitType": split,
        },
        "TransformOutput": {
            "S3OutputPath": output,
            "Accept": "text/csv",
            "AssembleWith": "Line" if lines or join_input else "None",
            **places.output_key(config, placement),
        },
        **_data_processing(join_input=join_input, input_filter=input_filter, output_filter=output_filter),
        "TransformResources": {
            "InstanceType": places.instance_type(machine, placement),
            "InstanceCount": machine.instance_count,
            **places.volume_key(config, machine, placement),
        },
        "Tags": places.tags(config, placement, run_id),
    }


def _data_processing(*, join_input: bool, input_filter: str | None, output_filter: str | None) -> Request:
    found = {"InputFilter": input_filter, "OutputFilter": output_filter}
    chosen: Request = {name: value for name, value in found.items() if value is not None}
    if join_input:
        chosen["JoinSource"] = "Input"
    return {"DataProcessing": chosen} if chosen else {}
