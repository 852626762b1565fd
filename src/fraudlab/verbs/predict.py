"""``fraudlab predict``: its words, and what answers."""

from __future__ import annotations

import argparse
from pathlib import Path

from fraudlab.verbs.model_versions import registry_option
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option

_ENDPOINT = "http://localhost:8080"
_DESCRIPTION = """Score the rows of a file through an endpoint: one that runs, one of SageMaker by its name,
or, with --model, one that is started here with that model and ends with the command.
With --endpoint and --model the endpoint has to have that model."""
_EPILOG = """examples:
  fraudlab predict --endpoint http://localhost:8080 transactions.parquet --output scores.csv
  fraudlab predict --model fraud-detection-xgb:production transactions.csv    no endpoint is needed
  fraudlab predict --endpoint fraud-detection-xgb:production transactions.csv
                                              what `fraudlab deploy` keeps of that version"""


def add_predict(verbs: Verbs) -> None:
    """Add ``predict``."""
    parser = explained_verb(
        verbs,
        "predict",
        "score the rows of a file through an endpoint",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="CSV with a header, or Parquet, of raw rows; or a folder of such files",
    )
    parser.add_argument(
        "words", nargs="*", metavar="KEY=VALUE", help="with a name, as behind `fraudlab train`: the account"
    )
    for option, example in (("separator", "semicolon"), ("decimal", ","), ("encoding", "latin-1")):
        parser.add_argument(
            f"--{option}",
            metavar="TEXT",
            help=f"of a CSV file, such as {example}; default: as data.{option}, found where it is certain",
        )
    parser.add_argument(
        "--endpoint",
        metavar="URL|NAME|NAME:VERSION",
        help=f"URL, name of an endpoint of SageMaker, or the version that it has (default: {_ENDPOINT})",
    )
    parser.add_argument(
        "--model",
        metavar="NAME:VERSION|RUN|FOLDER",
        help="a version of the registry, run id, `latest` or a folder: what has to answer",
    )
    parser.add_argument("--output", type=Path, metavar="CSV", help="default: standard output")
    parser.add_argument(
        "--batch-rows",
        type=int,
        default=20_000,
        metavar="N",
        help="rows of a request, at most (%(default)s); fewer where the endpoint takes fewer bytes",
    )
    parser.add_argument(
        "--allow-unseen",
        action="store_true",
        help="score also where no row of a column has a category that training has seen",
    )
    parser.add_argument(
        "--reasons",
        choices=("text", "numbers"),
        help="write what moved each score most: in words, or as the contribution of each column",
    )
    runs_option(parser)
    registry_option(parser)
    parser.set_defaults(command=_predict)


def _predict(arguments: argparse.Namespace) -> int:
    from fraudlab.registry import model_folder
    from fraudlab.registry.version_endpoint import endpoint_with

    model = None
    if arguments.model is not None:
        model = model_folder(arguments.model, runs=arguments.runs, registry=arguments.registry)
    if model is not None and arguments.endpoint is None:
        with endpoint_with(model) as url:
            return _score(arguments, url, model)
    from fraudlab.predict.named_model import endpoint_of

    endpoint, version = endpoint_of(arguments.endpoint or _ENDPOINT, registry=arguments.registry)
    return _score(arguments, endpoint, model or version)


def _score(arguments: argparse.Namespace, endpoint: str, model: Path | None) -> int:
    from fraudlab.predict import CsvOptions, predict_file

    predict_file(
        arguments.file,
        endpoint=endpoint,
        overrides=arguments.words,
        output=arguments.output,
        batch_rows=arguments.batch_rows,
        allow_unseen=arguments.allow_unseen,
        options=CsvOptions(
            separator=arguments.separator, decimal=arguments.decimal, encoding=arguments.encoding
        ),
        model=model,
        reasons=arguments.reasons,
    )
    return 0
