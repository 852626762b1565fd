"""``fraudlab deploy``: its words, and where it deploys to."""

from __future__ import annotations

import argparse
from pathlib import Path

from fraudlab.errors import ConfigError
from fraudlab.verbs.model_versions import registry_option
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option

_DESCRIPTION = """Keep an endpoint of a completed run's model. In an account its price per month is shown, and
a question asked; an endpoint of that name that is there is updated, and answers all the while. --undeploy
takes it away with its configuration and its model, in whatever state it is."""
_EPILOG = """examples:
  fraudlab deploy latest --to sagemaker
  fraudlab deploy latest --to sagemaker --name scoring compute.serve.instance_type=ml.m5.xlarge
  fraudlab deploy fraud-detection-xgb:production --to sagemaker    updates it after a promotion
  fraudlab deploy --to sagemaker --name scoring --undeploy
  fraudlab deploy latest --to local                  Docker Compose on this machine, as `make up`
  fraudlab deploy latest --to rehearsal              a loopback AWS on this machine"""


def add_deploy(verbs: Verbs) -> None:
    """Add ``deploy``."""
    parser = explained_verb(
        verbs,
        "deploy",
        "keep an endpoint of a run's model, in SageMaker or on this machine, or take it away",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="RUN KEY=VALUE",
        help="run id, `latest` or NAME:VERSION, and overrides as behind `fraudlab train`",
    )
    parser.add_argument("--to", required=True, choices=("sagemaker", "local", "rehearsal"), help="where")
    parser.add_argument(
        "--name", metavar="NAME", help="of the endpoint (default: fraudlab-RUN, or -NAME-STAGE)"
    )
    parser.add_argument("--undeploy", action="store_true", help="take the endpoint away")
    parser.add_argument("--yes", action="store_true", help="deploy without asking")
    runs_option(parser)
    registry_option(parser)
    parser.set_defaults(command=_deploy)


def _deploy(arguments: argparse.Namespace) -> int:
    run, overrides = _sorted(arguments.words)
    if arguments.to == "local":
        return _locally(arguments, run, overrides)
    from fraudlab.cloud import deploying

    if arguments.undeploy:
        if arguments.name is None and run is None:
            raise ConfigError("Which endpoint?", fix="name the run, or --name NAME")
        name, run_id = arguments.name, None
        if name is None and run is not None:
            name, run_id = _endpoint_of(run, arguments)
        return deploying.undeploy(overrides, to=arguments.to, name=name, run_id=run_id, runs=arguments.runs)
    if run is None:
        raise ConfigError("Which run?", fix="name a run: fraudlab deploy latest --to sagemaker")
    return deploying.deploy_run(
        run,
        overrides,
        to=arguments.to,
        name=arguments.name,
        yes=arguments.yes,
        runs=arguments.runs,
        registry=arguments.registry,
    )


def _locally(arguments: argparse.Namespace, run: str | None, overrides: list[str]) -> int:
    from fraudlab.cloud.local_endpoint import deploy_locally, undeploy_locally

    if overrides or arguments.name is not None:
        raise ConfigError(
            "--to local takes neither --name nor overrides.", fix="FRAUDLAB_PORT and others: docs/serving.md"
        )
    if arguments.undeploy:
        return undeploy_locally(runs=arguments.runs)
    return deploy_locally(run or "latest", runs=arguments.runs, registry=arguments.registry)


def _sorted(words: list[str]) -> tuple[str | None, list[str]]:
    """The run, which is the one word without ``=``, and the overrides."""
    named = [word for word in words if "=" not in word and not word.startswith("~")]
    if len(named) > 1:
        raise ConfigError(f"{' and '.join(named)} are two runs.", fix="name one run")
    return (named[0] if named else None), [word for word in words if word not in named]


def _endpoint_of(named: str, arguments: argparse.Namespace) -> tuple[str | None, str | None]:
    """The name of the endpoint of a stage, which needs no version there; else the id of a run."""
    from fraudlab.registry import registered_run, standing_name

    if standing := standing_name(named):
        return standing, None
    run = registered_run(named, registry=arguments.registry)
    return None, run.id if run else _run_id(named, arguments.runs)


def _run_id(name: str, runs: Path | None) -> str:
    """The id of a run; one that is no longer on this disk is what was typed."""
    from fraudlab.errors import RunError
    from fraudlab.runs import find_run

    try:
        return find_run(runs, name).id
    except RunError:
        if name == "latest":
            raise
        return Path(name).name
