"""What each key of ``sagemaker`` may be by itself: names, ids and tags as AWS has them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from fraudlab.cloud_config import SageMakerConfig
from fraudlab.objections import Objection
from fraudlab.service_model import matches

#: tags of one thing, and how many of them are fraudlab's own
MAX_TAGS, OWN_TAGS = 50, 4
_TAG = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]"
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_ROLE_NAME = re.compile(r"(?:[\w+=,.@-]+/)*[\w+=,.@-]{1,64}", re.ASCII)
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_BUCKET_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_BUCKET_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_PREFIX = re.compile(r"[\w!.*'()-]+(?:/[\w!.*'()-]+)*", re.ASCII)
_MAX_PREFIX = 200
_REPOSITORY = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
_KEY_ID = r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_ALIAS = r"alias/[a-zA-Z0-9/_-]{1,250}"
_KMS = re.compile(rf"{_KEY_ID}|{_ALIAS}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:(?:key/{_KEY_ID}|{_ALIAS})")
_SUBNET, _GROUP = (
    re.compile(r"subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})"),
    re.compile(r"sg-(?:[0-9a-f]{8}|[0-9a-f]{17})"),
)
_MAX_SUBNETS, _MAX_GROUPS = 16, 5


def account_objections(account: SageMakerConfig) -> Iterator[Objection]:
    """Whatever of an account's keys cannot be, each by itself."""
    texts: dict[str, tuple[str | None, Callable[[str], str | None]]] = {
        "region": (account.region, _region),
        "profile": (account.profile, lambda text: None if text.strip() else "a profile's name"),
        "role": (account.role, _role),
        "bucket": (account.bucket, _bucket),
        "prefix": (account.prefix, _prefix),
        "repository": (account.repository, _repository),
        "kms": (account.kms, _kms),
        "owner": (account.owner, _owner),
    }
    for name, (value, fault) in texts.items():
        if value is not None and (valid := fault(value)) is not None:
            yield Objection(f"sagemaker.{name}", f"sagemaker.{name}={value} cannot be.", f"valid: {valid}")
    yield from _vpc(account)
    yield from _tags(account.tags)


def _region(text: str) -> str | None:
    return None if _REGION.fullmatch(text) else "a region's name, such as eu-west-1"


def _role(text: str) -> str | None:
    if text.startswith("arn:"):
        return None if _ROLE_ARN.fullmatch(text) else "arn:aws:iam::123456789012:role/NAME"
    return (
        None
        if _ROLE_NAME.fullmatch(text)
        else "a role's name of up to 64 letters, digits and +=,.@-_, or ARN"
    )


def _bucket(text: str) -> str | None:
    if text.startswith("s3://"):
        inner, _, below = text.removeprefix("s3://").strip("/").partition("/")
        return f"the name alone: sagemaker.bucket={inner}" + (f" sagemaker.prefix={below}" if below else "")
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        sound = _BUCKET.fullmatch(text) and ".." not in text and ".-" not in text and "-." not in text
        reserved = text.startswith(_BUCKET_STARTS) or text.endswith(_BUCKET_ENDS)
        if sound and not reserved:
            return None
    return "3 to 63 small letters, digits, hyphens and points, as S3 has them"


def _prefix(text: str) -> str | None:
    parts = text.split("/")
    if _PREFIX.fullmatch(text) and len(text) <= _MAX_PREFIX and not {".", ".."} & set(parts):
        return None
    kept = "/".join(part for part in parts if part not in ("", ".", ".."))
    meant = (
        f": {kept}" if kept and _PREFIX.fullmatch(kept) and len(kept) <= _MAX_PREFIX else ", such as fraudlab"
    )
    return f"up to {_MAX_PREFIX} letters, digits and !-_.*'() in parts with / between them{meant}"


def _repository(text: str) -> str | None:
    if _REPOSITORY.fullmatch(text) and 2 <= len(text) <= 256:
        return None
    return "2 to 256 small letters, digits, and one of -_./ between them"


def _kms(text: str) -> str | None:
    return None if _KMS.fullmatch(text) else "a key's id, alias/NAME, or the ARN of either"


def _owner(text: str) -> str | None:
    if text.strip() and matches(f"{_TAG}{{1,256}}", text):
        return None
    return "up to 256 letters, digits, spaces and _.:/=+-@"


def _vpc(account: SageMakerConfig) -> Iterator[Objection]:
    subnets, groups = account.vpc.subnets, account.vpc.security_groups
    for name, ids, pattern, most in (
        ("subnets", subnets, _SUBNET, _MAX_SUBNETS),
        ("security_groups", groups, _GROUP, _MAX_GROUPS),
    ):
        key, start = f"sagemaker.vpc.{name}", pattern.pattern.partition("-")[0]
        for found in ids:
            if not pattern.fullmatch(found):
                yield Objection(
                    key, f"{key}={found} cannot be.", f"valid: ids such as {start}-0123456789abcdef0"
                )
        if len(set(ids)) < len(ids):
            yield Objection(key, f"{key} names one twice.", "name each once")
        if len(ids) > most:
            yield Objection(key, f"{key} has {len(ids)} ids, and AWS takes {most}.", f"name {most} or fewer")
    if bool(subnets) != bool(groups):
        given, lacking = ("subnets", "security_groups") if subnets else ("security_groups", "subnets")
        yield Objection(
            f"sagemaker.vpc.{lacking}",
            f"sagemaker.vpc.{given} is given, and sagemaker.vpc.{lacking} is not.",
            "give both, or neither",
        )


def _tags(tags: dict[str, str]) -> Iterator[Objection]:
    key, most = "sagemaker.tags", MAX_TAGS - OWN_TAGS
    for name, value in tags.items():
        if not name.strip() or not matches(f"{_TAG}{{1,128}}", name):
            yield Objection(key, f"{key}: {name!r} cannot be a tag's key.", f"{_TAG_WORDS}, up to 128")
        elif name.lower().startswith("aws:"):
            yield Objection(key, f"{key}: {name!r} begins with aws:, which is AWS's own.", "choose another")
        elif name.lower().startswith("fraudlab:"):
            yield Objection(
                key, f"{key}: {name!r} is fraudlab's own.", "choose another key; see sagemaker.owner"
            )
        if not matches(f"{_TAG}{{0,256}}", value):
            yield Objection(key, f"{key}: {name}={value!r} cannot be a tag.", f"{_TAG_WORDS}, up to 256")
    if len(tags) > most:
        yield Objection(
            key,
            f"{key} has {len(tags)} tags; with fraudlab's own {OWN_TAGS} that is more than {MAX_TAGS}.",
            f"leave {len(tags) - most} out",
        )


_TAG_WORDS = "use letters, digits, spaces and _.:/=+-@"
