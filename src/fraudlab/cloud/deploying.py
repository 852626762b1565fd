"""``fraudlab deploy`` as it is called: shows the price of a month, asks, and makes or updates an endpoint."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fraudlab.api_requests import Placement
from fraudlab.cloud.agreement import require_agreement
from fraudlab.cloud.configured_account import account_of
from fraudlab.cloud.endpoint_states import GONE, Waiting
from fraudlab.cloud.made_things import no_such_endpoint
from fraudlab.cloud.running_costs import is_rehearsed, say_costs
from fraudlab.cloud.standing_endpoint import Deployed, deploy, require_ours, take_away
from fraudlab.cloud.standing_requests import endpoint_name, standing_requests
from fraudlab.config import RunConfig
from fraudlab.errors import ConfigError, RunError
from fraudlab.lineage.deployments import record_deployment, record_removal
from fraudlab.lineage.recorded import model_digest
from fraudlab.plan.costs import dollars, usd_per_month
from fraudlab.plan.price_cache import known_prices
from fraudlab.plan.prices import CAVEAT, Component
from fraudlab.registry import reference_in, run_or_version, standing_name
from fraudlab.runs import DEFAULT, Run, require_completed

#: words that say which account is meant, and which a later command needs again
_PLACES = ("sagemaker.", "rehearsal.", "paths.")
_REHEARSED_POLL_SECONDS = 0.2


def deploy_run(
    run_name: str,
    overrides: Sequence[str],
    *,
    to: str,
    name: str | None,
    yes: bool,
    runs: Path | None,
    registry: Path,
) -> int:
    """Keep an endpoint of a completed run's model in an account.

    Parameters
    ----------
    run_name : str
        A run's id, ``latest``, a run's folder, or a version of the registry.
    overrides : sequence of str
        As behind ``fraudlab train``: the account, the machine (``compute.serve``), the settings of serving.
    to : str
        The name of a backend in an account, or of its rehearsal.
    name : str or None
        Of the endpoint; None makes one from the run's id, or the model's name and its stage.
    yes : bool
        Ask nothing.
    runs, registry : Path
        Where runs and the registry are.

    Raises
    ------
    FraudlabError
        Where it cannot be deployed, or nobody agrees.
    """
    config = _composed(overrides, to)
    run = run_or_version(run_name, runs=runs, registry=registry)
    archive = _archive(require_completed(run))
    endpoint = endpoint_name(name or standing_name(run_name), run.id)
    account = account_of(config)
    before = require_ours(account, endpoint)
    _say(_price_line(config, endpoint, account.region, rehearsed=is_rehearsed(account)))
    question = f"Deploy {run.id} as {endpoint}" if before.status == GONE else f"Update {endpoint} to {run.id}"
    agreed = yes or config.yes or is_rehearsed(account)
    if not require_agreement(f"{question}?", yes=agreed, instead="add --yes"):
        _say("nothing was deployed")
        return 0
    waiting = _waiting(config)
    with tempfile.TemporaryDirectory(prefix="fraudlab-deploy-") as work:
        placement, uri = _staged(config, run, archive, Path(work))
        wanted = standing_requests(config, placement, name=endpoint, run_id=run.id, model_data=uri)
        done = deploy(account, wanted, waiting=waiting)
    words = {
        Deployed.created: "is in service",
        Deployed.updated: "answers with the new model",
        Deployed.unchanged: "has this model already; nothing was changed",
    }
    _say(f"endpoint {endpoint} {words[done]}")
    place = "".join(f" {shlex.quote(word)}" for word in overrides if word.startswith(_PLACES))
    where = place if to == "sagemaker" else f" backend={to}{place}"
    _say(f"ask it: fraudlab predict --endpoint {endpoint} transactions.csv{where}")
    _say(f"take it away: fraudlab deploy --to {to} --name {endpoint} --undeploy{place}")
    say_costs(account, _say, cache=config.paths.cache)
    record_deployment(
        run.folder.parent if reference_in(run_name) is None else runs or DEFAULT,
        endpoint=endpoint,
        place=_place(config, account.region),
        model=model_digest(run.folder),
    )
    return 0


def undeploy(
    overrides: Sequence[str], *, to: str, name: str | None, run_id: str | None, runs: Path | None = None
) -> int:
    """Take away an endpoint, its configuration and its model.

    Raises
    ------
    FraudlabError
        Where there is none, or something of it could not be taken away.
    """
    config = _composed(overrides, to)
    endpoint = endpoint_name(name, run_id)
    account = account_of(config)
    gone = take_away(account, endpoint, waiting=_waiting(config))
    if not gone:
        raise no_such_endpoint(account, endpoint)
    record_removal(runs or Path(config.paths.runs), endpoint=endpoint, place=_place(config, account.region))
    for what in gone:
        _say(f"removed: {what}")
    say_costs(account, _say, cache=config.paths.cache)
    return 0


def _place(config: RunConfig, region: str) -> str:
    """Where an endpoint is, in the words of lineage."""
    return f"{config.backend.kind} {region}"


def _composed(overrides: Sequence[str], to: str) -> RunConfig:
    from fraudlab.compose import compose

    if any(word.startswith("backend=") for word in overrides):
        raise ConfigError("backend= and --to say the same.", fix="leave backend= out")
    return compose([f"backend={to}", *overrides])


def _archive(run: Run) -> Path:
    archive = run.folder / "model" / "model.tar.gz"
    if not archive.is_file():
        raise RunError(f"Run {run.id} has no model/model.tar.gz.", fix="repeat the run")
    return archive


def _price_line(config: RunConfig, endpoint: str, region: str, *, rehearsed: bool) -> str:
    """What the endpoint costs for as long as it stays."""
    machine, prices = config.compute.serve, known_prices(Path(config.paths.cache))
    what = f"endpoint {endpoint}: {machine.instance_count} × {machine.instance_type} in {region}"
    if rehearsed:
        return f"{what}, rehearsed: costs nothing"
    rate = prices.hourly(region, Component.hosting, machine.instance_type)
    month = usd_per_month(prices, region, machine.instance_type, machines=machine.instance_count)
    if rate is None or month is None:
        return f"{what}, price unknown; it is paid for by the second until it is taken away"
    hour = dollars(rate.usd * machine.instance_count)
    return f"{what}, {hour} per hour, {dollars(month)} per month until it is taken away ({CAVEAT})"


def _staged(config: RunConfig, run: Run, archive: Path, work: Path) -> tuple[Placement, str]:
    """The place in the account, with the image pushed, and the URI of the run's model there."""
    from fraudlab.backends import open_backend
    from fraudlab.config import Fallback

    config.backend.fallback = Fallback.error
    backend = open_backend(config, run_id=run.id, workspace=work).backend
    try:
        folder = work / "model"
        folder.mkdir()
        shutil.copyfile(archive, folder / "model.tar.gz")
        uri = backend.files.stage(folder, name="deployed")
        return backend.placement, f"{uri}/model.tar.gz"
    finally:
        backend.close()


def _waiting(config: RunConfig) -> Waiting:
    from fraudlab.backend_registry import describe

    if describe(config.backend.kind).rehearsed:
        return Waiting(poll_seconds=_REHEARSED_POLL_SECONDS, say=_say)
    return Waiting(say=_say)


def _say(text: str) -> None:
    from fraudlab.redaction import hide

    print(hide(text), flush=True)
