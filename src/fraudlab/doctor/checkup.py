"""Which checks there are, and what is printed of them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab._version import __version__
from fraudlab.doctor import comet, containers, machine, packages
from fraudlab.doctor.examination import Asked, begin, exit_code
from fraudlab.doctor.finding import MARKS, Check, Finding, Findings, State, well, wrong
from fraudlab.errors import FraudlabError

if TYPE_CHECKING:
    from fraudlab.aws.account import Account
    from fraudlab.config import RunConfig

#: of a checkout; in an installed package there are no files of that name
_ROOT = Path(__file__).parents[3]
_NAME_COLUMNS = 20


def check_up(overrides: Sequence[str], *, cloud: bool = False, as_json: bool = False) -> int:
    """Make every check, print what was found, and give the exit code.

    Parameters
    ----------
    overrides : sequence of str
        As behind ``fraudlab train``: what is checked is what such a run would need.
    cloud : bool
        Check the AWS account too; so is done where the configured backend is in an account.
    as_json : bool
        Print one JSON object.
    """
    asked = begin(_machine_checks())
    config, read = _configuration(overrides)
    account: Account | None = None
    trouble: Findings = []
    if cloud or _in_cloud(config):
        account, trouble = _opened(config)
    asked += begin(_run_checks(config))
    if account is not None:
        asked += begin(_account_checks(config, account))
    findings = _printed(_in_order(asked, read, trouble), quiet=as_json)
    if as_json:
        print(json.dumps(_as_record(findings), ensure_ascii=False))
    else:
        print(_summary(findings))
    return exit_code(findings)


def _opened(config: RunConfig) -> tuple[Account | None, Findings]:
    """The account that the configuration means, a rehearsal's where it rehearses."""
    from fraudlab.cloud.configured_account import account_of

    try:
        return account_of(config), []
    except FraudlabError as error:
        return None, [wrong("account", error.message.rstrip("."), fix=error.fix)]


def _machine_checks() -> list[Check]:
    """What can be checked before the configuration has been read."""
    return [
        Check("Python", machine.check_python),
        Check("packages", packages.check_packages),
        Check("locked versions", lambda: packages.check_lock(_ROOT / "requirements" / "launcher.txt")),
    ]


def _run_checks(config: RunConfig) -> list[Check]:
    """What a run with this configuration needs of this machine."""
    from fraudlab.aws.image_uris import in_registry
    from fraudlab.backend_registry import describe
    from fraudlab.backends.docker_engine import default_image

    image, ask = config.backend.image or default_image(), containers.ask_engine
    backend = describe(config.backend.kind)
    pulled = backend.in_cloud and in_registry(image)
    by_compose = backend.jobs == "containers"
    # what is in no registry yet is pushed from the engine; a rehearsal runs it there too
    needed = by_compose or backend.rehearsed or (backend.in_cloud and not pulled)

    def check_image() -> Findings:
        if pulled:
            return [well("image", f"{image}: jobs pull it from there")]
        ours = config.backend.image is None
        return containers.check_image(ask, image, version=__version__, root=_ROOT, ours=ours, needed=needed)

    return [
        Check("Docker", lambda: containers.check_engine(ask, needed=needed)),
        Check("Compose", lambda: containers.check_compose(needed=by_compose)),
        Check("image", check_image),
        Check("base image", lambda: containers.check_base(ask, _ROOT, image=image)),
        Check("disk", lambda: machine.check_disk(Path(config.paths.runs))),
        Check("data", lambda: machine.check_data(config)),
        Check("Comet", lambda: comet.check_comet(config.tracking.mode.value)),
    ]


def _account_checks(config: RunConfig, account: Account) -> list[Check]:
    """What such a run needs of the AWS account."""
    from fraudlab.doctor import account_access, account_costs, account_storage, quota_checks

    bound = functools.partial(account_access.with_identity, account=account)
    registry = functools.partial(account_storage.check_registry, repository=config.sagemaker.repository)
    quotas = functools.partial(quota_checks.check_quotas, wanted=quota_checks.wanted_quotas(config))
    costs = functools.partial(account_costs.check_costs, cache=Path(config.paths.cache))
    return [
        Check("credentials", lambda: account_access.check_credentials(account), 20),
        Check("region", lambda: account_access.check_region(account)),
        Check("role", bound("role", ask=account_access.check_role), 20),
        Check("PassRole", bound("PassRole", ask=account_access.check_pass_role), 20),
        Check("bucket", bound("bucket", ask=account_storage.check_bucket), 20),
        Check("registry", bound("registry", ask=registry), 20),
        Check("quotas", bound("quotas", ask=quotas), 60),
        Check("costs", bound("costs", ask=costs), 60),
    ]


def _configuration(overrides: Sequence[str]) -> tuple[RunConfig, Finding]:
    """The configuration, or the schema's defaults where it cannot be read."""
    try:
        from fraudlab.compose import compose

        config = compose(overrides)
    except FraudlabError as error:
        return _defaults(), wrong("configuration", error.message.rstrip("."), fix=error.fix)
    except ImportError as error:
        return _defaults(), wrong("configuration", f"cannot be read: {error}", fix="make setup")
    said = " ".join(overrides) or "as conf/ has it"
    return config, well(
        "configuration", f"{said}; backend={config.backend.kind}, data={config.data.kind.value}"
    )


def _defaults() -> RunConfig:
    from fraudlab.config import RunConfig

    config = RunConfig()
    config.data.path, config.paths.cache = None, f"{config.paths.runs}/.cache"
    return config


def _in_cloud(config: RunConfig) -> bool:
    from fraudlab.backend_registry import describe

    return describe(config.backend.kind).in_cloud


def _in_order(asked: Sequence[Asked], read: Finding, trouble: Findings) -> Iterator[Finding]:
    early = len(_machine_checks())
    for one in asked[:early]:
        yield from one.findings()
    yield read
    for one in asked[early:]:
        yield from one.findings()
    yield from trouble


def _printed(findings: Iterator[Finding], *, quiet: bool) -> list[Finding]:
    """Print each finding as soon as it and those before it are known."""
    from fraudlab.redaction import hide

    told = []
    for finding in findings:
        told.append(finding)
        if quiet:
            continue
        print(hide(f"{MARKS[finding.state]} {finding.check:<{_NAME_COLUMNS}} {finding.said}"), flush=True)
        if finding.fix and finding.state is not State.well:
            print(hide(f"  {'':<{_NAME_COLUMNS}} fix: {finding.fix}"), flush=True)
    return told


def _summary(findings: Sequence[Finding]) -> str:
    counts = {state: sum(finding.state is state for finding in findings) for state in State}
    parts = [f"{counts[State.well]} well"]
    words = {State.note: "to know", State.wrong: "wrong", State.unknown: "unknown"}
    parts += [f"{counts[state]} {word}" for state, word in words.items() if counts[state]]
    return f"doctor: {', '.join(parts)}"


def _as_record(findings: Sequence[Finding]) -> dict[str, object]:
    from fraudlab.redaction import hide

    return {
        "version": __version__,
        "exit_code": exit_code(findings),
        "findings": [hide(finding.as_record()) for finding in findings],
    }
