"""Calls about one experiment: opening it, writing to it, asking what it has."""

from __future__ import annotations

import json
from typing import Any

from .kept import Asset, CometServer, RefusedError

HEARTBEAT = {
    "is_alive_beat_duration_millis": 10_000,
    "gpu_monitor_interval_millis": 60_000,
    "cpu_monitor_interval_millis": 60_000,
    "parameter_update_interval_millis": 10_000,
    "pending_rpcs": False,
}


def opened(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    if server.refuses:
        error = RefusedError(str(server.refuses.get("msg")))
        error.answer = server.refuses
        raise error
    key, workspace = body["experimentKey"], body.get("teamName")
    if workspace not in server.workspaces:
        raise RefusedError(f"workspace {workspace} does not exist", code=30001)
    if key in server.runs and not body.get("getOrCreateEnabled"):
        raise RefusedError("experiment exists", code=90999)
    if not 32 <= len(str(key)) <= 50:
        raise RefusedError(f"{key} is no experiment key")
    server.runs.setdefault(
        key, {"workspace": workspace or "ws", "project": body.get("projectName"), "offline": body["offline"]}
    )
    return _run(server, key)


def resumed(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    server.require_run(body["previousExperiment"])
    return _run(server, body["previousExperiment"])


def _run(server: CometServer, key: str) -> dict[str, Any]:
    return {
        "runId": f"run-{key}",
        "project_id": "project",
        "name": "test",
        "focusUrl": f"{server.url.removesuffix('clientlib/')}ws/proj/",
        "lastOffset": 0,
        "featureToggles": [],
        "upload_file_size_limit_in_mb": 100,
        "asset_upload_file_size_limit_in_mb": 1000,
    }


def heartbeat(_server: CometServer, _query: dict[str, str], _body: Any) -> Any:
    return HEARTBEAT


def metrics(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    server.require_run(body["experimentKey"])
    for value in body["values"]:
        float(value["metricValue"])
        server.metrics.append({"experimentKey": body["experimentKey"], **value})
    return {}


def parameters(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    server.require_run(body["experimentKey"])
    server.parameters += [{"experimentKey": body["experimentKey"], **value} for value in body["values"]]
    return {}


def other(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    server.require_run(body["experimentKey"])
    server.others.append({name: body[name] for name in ("experimentKey", "key", "value")})
    return {}


def tags(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    run = server.require_run(body["experimentKey"])
    run.setdefault("tags", set()).update(body["addedTags"])
    server.tags += body["addedTags"]
    return {}


def asset(server: CometServer, query: dict[str, str], body: Any) -> Any:
    server.require_run(query["experimentId"])
    remote = query.get("isRemote", "").lower() == "true"
    if not isinstance(body, bytes):
        raise TypeError("an upload is multipart")
    step = query.get("step")
    server.assets.append(
        Asset(
            query["experimentId"],
            query["fileName"],
            query.get("type", "asset"),
            b"" if remote else body,
            id=query["assetId"],
            group=query.get("groupingName", ""),
            link=body.decode() if remote else None,
            artifact=query.get("artifactVersionId"),
            step=int(step) if step else None,
        )
    )
    return {"assetId": query["assetId"]}


def remote_model(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    server.require_run(body["experimentKey"])
    server.models.append(
        {
            "experimentKey": body["experimentKey"],
            "modelName": body["modelName"],
            "remoteAssets": body["remoteEntities"],
        }
    )
    return {}


def about(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    key = query["experimentKey"]
    run = server.require_run(key)
    return {
        "experimentKey": key,
        "experimentName": "x",
        "workspaceName": run["workspace"],
        "projectName": run["project"],
        "projectId": "project",
    }


def all_metrics(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    server.require_run(query["experimentKey"])
    return {
        "metrics": [
            {
                "metricName": one["metricName"],
                "metricValue": str(one["metricValue"]),
                "timestamp": one["timestamp"],
                "step": one["step"],
                "epoch": one["epoch"],
                "runContext": one["context"],
            }
            for one in server.metrics
            if one["experimentKey"] == query["experimentKey"] and query.get("metricName", one["metricName"])
            == one["metricName"]
        ]
    }  # fmt: skip


def all_parameters(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    server.require_run(query["experimentKey"])
    latest = {
        one["parameterName"]: one["parameterValue"]
        for one in server.parameters
        if one["experimentKey"] == query["experimentKey"]
    }
    return {"values": [{"name": name, "valueCurrent": _text(value)} for name, value in latest.items()]}


def all_others(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    server.require_run(query["experimentKey"])
    latest = {
        one["key"]: one["value"] for one in server.others if one["experimentKey"] == query["experimentKey"]
    }
    return {"values": [{"name": name, "valueCurrent": _text(value)} for name, value in latest.items()]}


def all_tags(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    return {"tags": sorted(server.require_run(query["experimentKey"]).get("tags", ()))}


def all_assets(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    server.require_run(query["experimentKey"])
    kind = query.get("type", "all")
    return {
        "assets": [
            described(one)
            for one in server.assets
            if one.experiment == query["experimentKey"] and not one.artifact and kind in {"all", one.kind}
        ]
    }


def described(asset: Asset) -> dict[str, Any]:
    """Return an asset as lists of them have it."""
    return {
        "assetId": asset.id,
        "fileName": asset.name,
        "fileSize": len(asset.content),
        "type": asset.kind,
        "dir": asset.group,
        "remote": asset.link is not None,
        "link": asset.link,
        "step": asset.step,
        "metadata": None,
    }


def content(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    for one in server.assets:
        if one.id == query["assetId"]:
            return one.content
    raise RefusedError("no such asset", status=404)


def models_of(server: CometServer, key: str) -> list[str]:
    """Return the names of an experiment's models."""
    files = [one.group for one in server.assets if one.experiment == key and one.kind == "model-element"]
    remote = [one["modelName"] for one in server.models if one["experimentKey"] == key]
    return sorted({*files, *remote})


def all_models(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    key = query["experimentKey"]
    server.require_run(key)
    return {
        "models": [
            {"experimentModelId": f"{key}/{name}", "experimentKey": key, "modelName": name}
            for name in models_of(server, key)
        ]
    }


def model_assets(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    key, name = query["experimentKey"], query["modelName"]
    files = [described(one) for one in server.assets if (one.experiment, one.group) == (key, name)]
    for one in server.models:
        if (one["experimentKey"], one["modelName"]) == (key, name):
            files += [{**remote, "remote": True} for remote in one["remoteAssets"]]
    return {"assets": files}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


CALLS = {
    "POST logger/add/run": opened,
    "POST logger/get/run": resumed,
    "POST status-report/update": heartbeat,
    "POST batch/logger/experiment/metric": metrics,
    "POST batch/logger/experiment/parameter": parameters,
    "POST write/experiment/log-other": other,
    "POST tags/add-tags-to-experiment": tags,
    "POST asset/upload": asset,
    "POST asset/log-remote-model": remote_model,
    "GET experiment/metadata": about,
    "GET experiment/metrics/get-all": all_metrics,
    "GET experiment/metrics/get-metric": all_metrics,
    "GET experiment/parameters": all_parameters,
    "GET experiment/log-other": all_others,
    "GET experiment/tags": all_tags,
    "GET experiment/asset/list": all_assets,
    "GET experiment/asset/get-asset": content,
    "GET experiment/model": all_models,
    "GET experiment/model/asset/list": model_assets,
}
