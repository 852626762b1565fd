"""``fraudlab models lineage``: its words, and who is asked what it takes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.verbs.model_versions import registry_option
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option

if TYPE_CHECKING:
    from fraudlab.lineage.graph import Lineage

_SUMMARY = "what a run, a model, a table or an endpoint was made of, and what was made of it"
_DESCRIPTION = """From raw table to prepared data, run, model, registry version and endpoint, and back. An
endpoint leads back to the commit, the image, the data and the configuration behind its answers: name its URL,
or the model's id that its answers have (the header x-fraudlab-model, or the output `model`)."""
_EPILOG = """examples:
  fraudlab models lineage latest
  fraudlab models lineage transactions.parquet          every run, model and endpoint that came of a table
  fraudlab models lineage fraud-detection-xgb:production
  fraudlab models lineage http://localhost:8080         what answers there
  fraudlab models lineage d816a0a4bec2 --json           an answer's model, for scripts"""


def add_lineage(actions: Verbs) -> None:
    """Add ``models lineage``."""
    parser = explained_verb(actions, "lineage", _SUMMARY, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument(
        "word", metavar="MODEL|RUN|DATA", help="a name, a path, a URL, or the first digits of a digest"
    )
    parser.add_argument("--json", action="store_true", help="print nodes and edges as one JSON object")
    runs_option(parser)
    registry_option(parser)
    parser.set_defaults(command=_lineage)


def _lineage(arguments: argparse.Namespace) -> int:
    from fraudlab.files import as_json
    from fraudlab.lineage.drawing import lines
    from fraudlab.lineage.tracing import trace
    from fraudlab.redaction import hide

    said: set[str] = set()

    def left_out(message: str) -> None:
        if message not in said:
            print(hide(f"left out: {message}"), file=sys.stderr)
        said.add(message)

    asked = trace(
        arguments.word,
        runs=arguments.runs,
        served=_served,
        table_digest=_table_digest,
        versions=lambda lineage: _add_versions(lineage, arguments.registry, left_out),
        left_out=left_out,
    )
    if arguments.json:
        print(as_json(hide(asked.as_dict())), end="")
    else:
        print(hide("\n".join(lines(asked.lineage.of(asked.node), asked=asked.node.key))))
    return 0


def _add_versions(lineage: Lineage, folder: Path, left_out: Callable[[str], None]) -> None:
    from fraudlab.errors import FraudlabError
    from fraudlab.lineage.registered import add_version
    from fraudlab.registry.model_registry import ModelRegistry

    registry = ModelRegistry(folder)
    try:
        models = registry.state().models.values()
    except FraudlabError as error:
        left_out(error.message)
        return
    for model in models:
        for version in model.versions:
            try:
                add_version(
                    lineage,
                    name=model.name,
                    number=version.number,
                    status=version.status,
                    stages=model.stages_of(version.number),
                    is_latest=version is model.versions[-1],
                    registered=version.registered.time,
                    content=version.content,
                    kept=registry.store.run_folder(version.content, version.run),
                )
            except FraudlabError as error:
                left_out(f"{version.reference}: {error.message}")


def _served(url: str) -> Mapping[str, Any]:
    from fraudlab.predict.client import EndpointClient

    return EndpointClient(url).model()


def _table_digest(path: Path) -> str:
    from fraudlab.container.table_layout import whole_sha256
    from fraudlab.data.file_hashes import file_sha256
    from fraudlab.data.places import find_place

    place = find_place(path)
    return whole_sha256([(name, file_sha256(place.folder / name)) for name in place.files])
