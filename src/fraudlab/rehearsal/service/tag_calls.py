"""AddTags, ListTags and DeleteTags."""

from __future__ import annotations

from typing import Any

from fraudlab.rehearsal.api_call import refused
from fraudlab.rehearsal.resource import Resource
from fraudlab.rehearsal.service.grounds import Grounds, check_tags
from fraudlab.rehearsal.service.listings import page

Request = dict[str, Any]
_MOST = 50


def add_tags(request: Request, grounds: Grounds) -> Request:
    """AddTags."""
    resource = _tagged(request, grounds)
    check_tags(request["Tags"])
    given = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    if len({*resource.tags, *given}) > _MOST:
        raise refused(f"The maximum number of tags per resource, {_MOST}, is exceeded.")
    changed = grounds.store.change(resource.kind, resource.name, lambda one: one.tags.update(given))
    return {"Tags": _as_list(changed.tags)}


def list_tags(request: Request, grounds: Grounds) -> Request:
    """ListTags."""
    shown, more = page(_as_list(_tagged(request, grounds).tags), request, default=_MOST)
    return {"Tags": shown, **more}


def delete_tags(request: Request, grounds: Grounds) -> Request:
    """DeleteTags."""
    resource = _tagged(request, grounds)

    def change(one: Resource) -> None:
        one.tags = {key: value for key, value in one.tags.items() if key not in request["TagKeys"]}

    grounds.store.change(resource.kind, resource.name, change)
    return {}


def _tagged(request: Request, grounds: Grounds) -> Resource:
    found = grounds.store.by_arn(request["ResourceArn"])
    if found is None:
        raise refused(f"Could not find resource {request['ResourceArn']}.")
    return found


def _as_list(tags: dict[str, str]) -> list[Request]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
