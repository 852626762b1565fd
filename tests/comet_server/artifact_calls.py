"""Calls about artifacts: versions of data, their files and addresses."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from .experiment_calls import described
from .kept import Asset, CometServer, RefusedError


def made(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    """A new version, the next major one; an alias moves to the version it was given last."""
    server.require_run(body["experimentKey"])
    versions = [one for one in server.artifacts if one["artifactName"] == body["artifactName"]]
    version = body.get("version") or f"{len(versions) + 1}.0.0"
    if version in [one["version"] for one in versions]:
        raise RefusedError(f"version {version} exists")
    for one in versions:
        one["alias"] = [alias for alias in one["alias"] if alias not in (body["alias"] or [])]
    server.artifacts.append(
        {
            **body,
            "alias": list(body["alias"] or []),
            "version": version,
            "artifactId": f"artifact-{body['artifactName']}",
            "artifactVersionId": str(len(server.artifacts)),
            "state": "OPEN",
            "consumers": [],
        }
    )
    return {
        "artifactId": f"artifact-{body['artifactName']}",
        "artifactVersionId": str(len(server.artifacts) - 1),
        "currentVersion": version,
        "previousVersion": versions[-1]["version"] if versions else None,
    }


def remote_files(server: CometServer, query: dict[str, str], body: Any) -> Any:
    for one in body["remoteArtifactAssetRequests"]:
        server.assets.append(
            Asset(
                query["experimentKey"],
                one["fileName"],
                one.get("type") or "asset",
                b"",
                id=one["assetId"],
                link=one["link"],
                artifact=one["artifactVersionId"],
            )
        )
    return {}


def state(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    version = server.artifacts[int(body["artifactVersionId"])]
    version["state"] = body["state"]
    return {}


def labels(server: CometServer, _query: dict[str, str], body: Any) -> Any:
    version = server.artifacts[int(body["artifactVersionId"])]
    if body.get("alias") is not None:
        for one in server.artifacts:
            if one["artifactName"] == version["artifactName"] and one is not version:
                one["alias"] = [alias for alias in one["alias"] if alias not in body["alias"]]
        version["alias"] = list(body["alias"])
    if body.get("versionMetadata") is not None:
        version["versionMetadata"] = body["versionMetadata"]
    return {}


def found(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    version = _find(server, query)
    if version["state"] != "CLOSED" and "versionId" not in query:  # who makes a version asks by its id
        raise RefusedError("this version is not complete", code=90403)
    consumer = query.get("consumerExperimentKey") or query.get("experimentKey")
    if consumer:
        version["consumers"].append(consumer)
    return {
        "artifact": {
            "artifactId": version["artifactId"],
            "artifactName": version["artifactName"],
            "artifactType": version["artifactType"],
            "workspaceName": _workspace_of(server, version),
            "tags": [],
        },
        "artifactVersion": version["version"],
        "artifactVersionId": version["artifactVersionId"],
        "alias": version["alias"],
        "metadata": version["versionMetadata"] or "{}",
        "sizeInBytes": 0,
        "experimentKey": version["experimentKey"],
        "tags": version["versionTags"] or [],
    }


def files(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    version = _find(server, query)
    return {
        "files": [
            {**described(one), "artifactVersionId": version["artifactVersionId"]}
            for one in server.assets
            if one.artifact == version["artifactVersionId"]
        ]
    }


def details(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    name = unquote(query.get("artifactName", ""))
    versions = [one for one in _of_workspace(server, query) if one["artifactName"] == name]
    if not versions:
        raise RefusedError("no such artifact", code=624523)
    return {
        "artifactId": versions[0]["artifactId"],
        "name": name,
        "type": versions[0]["artifactType"],
        "versions": [
            {
                "artifactVersionId": one["artifactVersionId"],
                "version": one["version"],
                "alias": one["alias"],
                "metadata": one["versionMetadata"],
            }
            for one in versions
        ],
    }


def names(server: CometServer, query: dict[str, str], _body: Any) -> Any:
    if query["workspace"] not in server.workspaces:
        raise RefusedError("no such workspace", code=30001)
    found = {one["artifactName"]: one for one in _of_workspace(server, query)}
    kind = query.get("type")
    return {
        "artifacts": [
            {"artifactId": one["artifactId"], "name": name, "type": one["artifactType"]}
            for name, one in found.items()
            if kind in {None, one["artifactType"]}
        ]
    }


def account(_server: CometServer, _query: dict[str, str], _body: Any) -> Any:
    return {"userName": "me", "defaultWorkspaceName": "ws"}


def _workspace_of(server: CometServer, version: dict[str, Any]) -> str:
    return str(server.runs[version["experimentKey"]]["workspace"])


def _of_workspace(server: CometServer, query: dict[str, str]) -> list[dict[str, Any]]:
    """Return the versions of the workspace that is asked for, or all where none is."""
    wanted = query.get("workspace")
    return [one for one in server.artifacts if wanted in {None, _workspace_of(server, one)}]


def _find(server: CometServer, query: dict[str, str]) -> dict[str, Any]:
    name = unquote(query.get("artifactName", ""))
    wanted = query.get("versionOrAlias") or query.get("alias") or query.get("version")
    for one in reversed(_of_workspace(server, query)):
        if query.get("versionId") is not None:
            fits = query["versionId"] == one["artifactVersionId"]
        elif query.get("artifactId") is not None and not name:
            fits = query["artifactId"] == one["artifactId"]
        else:
            fits = one["artifactName"] == name
        if fits and (wanted is None or wanted == one["version"] or wanted in one["alias"]):
            return one
    raise RefusedError("no such artifact", code=624523)


CALLS = {
    "POST write/artifacts/upsert": made,
    "POST write/artifact/assets/remote/batch": remote_files,
    "POST write/artifacts/state": state,
    "POST write/artifacts/version/labels": labels,
    "GET artifacts/version": found,
    "GET artifacts/version/files": files,
    "GET artifacts/get": details,
    "GET artifacts/get-all": names,
    "GET account-details": account,
}
