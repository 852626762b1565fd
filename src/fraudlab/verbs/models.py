"""The group ``fraudlab models``: which words it takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from fraudlab.verbs.lineage import add_lineage
from fraudlab.verbs.model_thresholds import add_threshold
from fraudlab.verbs.model_versions import add_version_verbs, registry_option
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option, verb

_IMPORT = "make a model of an official container's xgboost-model"
_EXPORT = "write a model as the official container's archives hold it"
_EXAMPLES = """examples:
  fraudlab models register latest --name fraud-detection-xgb
  fraudlab models approve fraud-detection-xgb 1 --reason "reviewed"
  fraudlab models promote fraud-detection-xgb 1 --to production
  fraudlab models history fraud-detection-xgb
  fraudlab models lineage latest
  fraudlab models import model.tar.gz --columns auto
  fraudlab models export fraud-detection-xgb:production

`fraudlab models ACTION --help` says more."""


def add_models_group(verbs: Verbs) -> None:
    """Add ``models import|export|lineage`` and the verbs of the registry."""
    group = explained_verb(
        verbs,
        "models",
        "versions with approval and stages; where one is from; the official container's models",
        epilog=_EXAMPLES,
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    bring = verb(
        actions,
        "import",
        _import,
        _IMPORT,
        "fraudlab models import model.tar.gz --columns amount,hour,country --threshold 0.8",
    )
    bring.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="xgboost-model (UBJSON or JSON, XGBoost 1.0 or newer), a model.tar.gz or a folder that holds it",
    )
    bring.add_argument(
        "--columns",
        required=True,
        metavar="NAMES|auto",
        help="names of the inputs in order, between commas or in a file; auto: its own, else f0, f1, …",
    )
    bring.add_argument("--threshold", type=float, metavar="T", help="alert from this score on (default: 0.5)")
    bring.add_argument(
        "--output", type=Path, default=Path("imported-model"), metavar="FOLDER", help="%(default)s"
    )
    bring.add_argument(
        "--libsvm-base",
        type=int,
        choices=(0, 1),
        help="the index of the first column in libsvm bodies; 0 for what was trained on libsvm",
    )
    bring.add_argument(
        "--rounds",
        choices=("best", "all"),
        help="where early stopping left more rounds than the best: which of them score",
    )
    take = verb(actions, "export", _export, _EXPORT, "fraudlab models export latest --output model.tar.gz")
    take.add_argument(
        "model",
        metavar="RUN|NAME:VERSION|FOLDER",
        help="run id or `latest`, a version of the registry, a run's or a model's folder",
    )
    take.add_argument(
        "--format", choices=("xgboost-model",), default="xgboost-model", help="default: %(default)s"
    )
    take.add_argument(
        "--output", type=Path, default=Path("xgboost-model.tar.gz"), metavar="FILE", help="%(default)s"
    )
    runs_option(take)
    registry_option(take)
    add_lineage(actions)
    add_version_verbs(actions)
    add_threshold(actions)


def _import(arguments: argparse.Namespace) -> int:
    from fraudlab.models.importing import import_model

    import_model(
        arguments.file,
        columns=arguments.columns,
        output=arguments.output,
        threshold=arguments.threshold,
        libsvm_base=arguments.libsvm_base,
        rounds=arguments.rounds,
    )
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from fraudlab.models.exporting import export_model

    export_model(arguments.model, output=arguments.output, runs=arguments.runs, registry=arguments.registry)
    return 0
