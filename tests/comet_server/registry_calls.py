"""Calls about the model registry: versions, their status, tags and metadata."""

from __future__ import annotations

from typing import Any

from .experiment_calls import models_of
from .kept import CometServer, RefusedError

STATUSES = ("None", "Development", "QA", "Staging", "Production", "Archived")


def created(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    """A version of a model that its experiment has; a version of a model exists once."""
    run = server.require_run(body["experimentKey"])
    if body["experimentModelName"] not in models_of(server, body["experimentKey"]):
        raise RefusedError(f"the experiment has no model {body['experimentModelName']}")
    name, version = body["registryModelName"], body["version"]
    if (name, version) in [(one["modelName"], one["version"]) for one in server.registered]:
        raise RefusedError(f"version {version} of {name} exists")
    item = {
        "registryModelItemId": f"item{len(server.registered)}",
        "registryModelId": f"model-{name}",
        "workspaceName": run["workspace"],
        "modelName": name,
        "version": version,
        "comment": body.get("versionComment"),
        "description": body.get("registryModelDescription"),
        "isPublic": bool(body.get("publicModel")),
        "experimentKey": body["experimentKey"],
        "experimentModelName": body["experimentModelName"],
        "tags": list(body.get("tags") or []),
        "stages": list(body.get("tags") or []),
        "status": _allowed(body.get("status") or "None"),
        "metadata": {},
        "statusConfiguration": None,
    }
    server.registered.append(item)
    return {"registryModelItemId": item["registryModelItemId"]}


def status(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    _by_id(server, body["modelItemId"])["status"] = _allowed(body["status"])
    return {}


def tagged(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    item = _by_id(server, query["modelItemId"])
    if query["stage"] not in item["tags"]:
        item["tags"].append(query["stage"])
    return {}


def untagged(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    item = _by_id(server, query["modelItemId"])
    item["tags"] = [tag for tag in item["tags"] if tag != query["stage"]]
    return {}


def updated(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    item = _by_id(server, body["registryModelItemId"])
    item["comment"] = body.get("comment", item["comment"])
    item["tags"] = list(body.get("stages", item["tags"]))
    return {}


def noted(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    for item in _versions(server, body["workspaceName"], body["registryModelName"]):
        item["notes"] = body["notes"]
    return {}


def all_models(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    names = {one["modelName"] for one in server.registered if one["workspaceName"] == query["workspaceName"]}
    return {
        "registryModels": [{"modelName": name, "registryModelId": f"model-{name}"} for name in sorted(names)]
    }


def details(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    versions = _versions(server, query["workspaceName"], query["modelName"])
    return {
        "registryModelId": versions[0]["registryModelId"],
        "modelName": query["modelName"],
        "description": versions[0]["description"],
        "isPublic": versions[0]["isPublic"],
        "versions": versions[::-1],
    }


def compact(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    versions = _versions(server, query["workspaceName"], query["modelName"])
    return {"registryModelId": versions[0]["registryModelId"], "modelName": query["modelName"]}


def items(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    return {
        "items": [
            {"version": one["version"]}
            for one in reversed(_versions(server, query["workspaceName"], query["modelName"]))
            if one["version"].startswith(query.get("versionPrefix", ""))
            and query.get("status", one["status"]) == one["status"]
            and ("tag" not in query or query["tag"] in one["tags"])
        ]
    }


def item(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    for one in _versions(server, query["workspaceName"], query["modelName"]):
        if one["version"] == query["version"]:
            return one
    raise RefusedError(f"no version {query['version']}", status=404)


def notes(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    return {"notes": _versions(server, query["workspaceName"], query["modelName"])[0].get("notes", "")}


def allowed(_server: CometServer, _query: dict[str, str], _body: Any) -> Any:
    return {"allowedStatus": list(STATUSES)}


def about_item(server: CometServer, method: str, item_id: str, what: str, body: Any) -> Any:
    """Metadata and status configuration of a version, whose id is a part of the path."""
    found = _by_id(server, item_id)
    if what == "metadata":
        if method == "POST":
            found["metadata"].update({one["key"]: one["value"] for one in body["metadata"]})
            return {}
        return {"metadata": [{"key": name, "value": value} for name, value in found["metadata"].items()]}
    if method == "POST":
        found["statusConfiguration"] = {**body, "modelItemId": item_id}
        found["status"] = _allowed(body["status"])
        return {}
    return found["statusConfiguration"] or {}


def _allowed(name: str) -> str:
    if name not in STATUSES:
        raise RefusedError(f"{name} is no status")
    return name


def _by_id(server: CometServer, item_id: str) -> dict[str, Any]:
    for one in server.registered:
        if one["registryModelItemId"] == item_id:
            return one
    raise RefusedError(f"no model version {item_id}", status=404)


def _versions(server: CometServer, workspace: str, name: str) -> list[dict[str, Any]]:
    found = [
        one for one in server.registered if (one["workspaceName"], one["modelName"]) == (workspace, name)
    ]
    if not found:
        raise RefusedError(f"no model {name} in {workspace}", status=404)
    return found


CALLS = {
    "POST write/registry-model/item/create": created,
    "POST write/registry-model/item/status": status,
    "POST write/registry-model/item/update": updated,
    "GET write/registry-model/item/stage": tagged,
    "GET write/registry-model/item/stage/delete": untagged,
    "POST write/registry-model/notes": noted,
    "GET registry-model": all_models,
    "GET registry-model/details": details,
    "GET registry-model/compact-details": compact,
    "GET registry-model/items": items,
    "GET registry-model/item/details": item,
    "GET registry-model/notes": notes,
    "GET registry-model/allowed_status_values": allowed,
}
