"""The tags that say that fraudlab made a thing, and for which run.

What fraudlab made is found by names that begin with :data:`NAME_PREFIX` *and* by :data:`PROJECT`: somebody
else's thing may have such a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: what the names of all jobs, models and endpoints begin with
NAME_PREFIX = "fraudlab-"
#: on everything that fraudlab makes; its value is the project's name
PROJECT = "fraudlab:project"
#: the id of the run it is for
RUN = "fraudlab:run"
#: the commit whose code asked for it
COMMIT = "fraudlab:commit"
#: whose run it is
OWNER = "fraudlab:owner"


def as_mapping(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags of a request, or of ListTags, by key."""
    return {tag["Key"]: tag["Value"] for tag in tags}
