"""Several models behind one endpoint: SageMaker's multi-model protocol.

SageMaker puts a model's files below ``/opt/ml/models`` and asks for it to be loaded, and for others to be
unloaded where that is answered 507. A model stays usable for the requests that already have it.

Source: "Custom Containers Contract for Multi-Model Endpoints" of the SageMaker guide. ``status``, ``code``,
``type`` and ``message`` are what the multi-model server of the official containers says beside it.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson

from fraudlab.container.endpoint.asks import Refusal, ServedModel
from fraudlab.container.endpoint.settings import Settings
from fraudlab.container.failure import ConfigError
from fraudlab.container.runtime import available_memory
from fraudlab.container.scorer import load_scorer

#: memory a booster takes while it is loaded, in multiples of its file (measured: 3.1)
_MEMORY_FACTOR = 4
_PAGE = 100
#: to SageMaker a name is opaque; in a path it ends at a slash
_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,256}")


class Models:
    """The models that are loaded, by name.

    Parameters
    ----------
    settings : Settings
    loop : asyncio.AbstractEventLoop
    """

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self._settings = settings
        self._loop = loop
        self._loaded: dict[str, tuple[Path, ServedModel]] = {}
        self._loading: set[str] = set()

    def find(self, name: str) -> ServedModel:
        """The model of a name.

        Raises
        ------
        Refusal
            404 where it is not loaded.
        """
        self._require(name)
        return self._loaded[name][1]

    def describe(self, name: str) -> dict[str, str]:
        """Name, folder and id of a model, as :meth:`find`."""
        self._require(name)
        folder, model = self._loaded[name]
        return {"modelName": name, "modelUrl": str(folder), "modelId": model.scorer.model_id}

    def listing(self, query: bytes) -> dict[str, Any]:
        """One page of all models, in order of their names: ``limit`` of them after ``next_page_token``."""
        asked = parse_qs(query.decode("latin-1"))
        limit = asked.get("limit", [str(_PAGE)])[0]
        if not (limit.isascii() and limit.isdigit() and int(limit[:9]) > 0):
            raise Refusal(400, f"limit is {limit!r}, not a whole number of at least 1")
        after = asked.get("next_page_token", [""])[0]
        names = sorted(name for name in self._loaded if name > after)
        page = names[: int(limit[:9])]
        more = {"nextPageToken": page[-1]} if len(page) < len(names) else {}
        return {"models": [self.describe(name) for name in page], **more}

    async def load(self, body: bytes) -> dict[str, str]:
        """Load a model: ``{"model_name": …, "url": folder}``.

        Raises
        ------
        Refusal
            400 for a request or a model that cannot be used, 409 where the name is taken, 507 where there is
            no room.
        """
        name, folder = self._read_order(body)
        if name in self._loaded or name in self._loading:
            raise Refusal(
                409,
                f"model {name!r} is loaded already; unload it first",
                code=409,
                type="ConflictStatusException",
                message=f"Model {name} is already registered.",
            )
        self._require_room(name, folder)
        self._loading.add(name)
        try:
            scorer = await asyncio.to_thread(load_scorer, folder, max_bytes=self._settings.max_model_bytes)
        except ConfigError as error:
            raise Refusal(400, f"model {name!r}: {error.sentence}", fix=error.fix) from error
        except MemoryError as error:
            raise Refusal(507, f"there is no memory for model {name!r}; unload another first") from error
        finally:
            self._loading.discard(name)
        self._loaded[name] = folder, ServedModel(scorer, self._loop)
        return {"status": "Workers scaled", **self.describe(name)}

    def unload(self, name: str) -> dict[str, str]:
        """Forget a model, as :meth:`find`."""
        described = self.describe(name)
        del self._loaded[name]
        return {"status": f'Model "{name}" unregistered', **described}

    def _require(self, name: str) -> None:
        if name not in self._loaded:
            raise Refusal(
                404,
                f"model {name!r} is not loaded; load it with POST /models",
                code=404,
                type="ModelNotFoundException",
                message=f"Model not found: {name}",
            )

    def _read_order(self, body: bytes) -> tuple[str, Path]:
        try:
            order = orjson.loads(body)
            name, url = order["model_name"], order["url"]
        except (ValueError, TypeError, KeyError) as error:
            raise Refusal(400, 'send {"model_name": NAME, "url": FOLDER}') from error
        if not isinstance(name, str) or not isinstance(url, str) or not _NAME.fullmatch(name):
            raise Refusal(400, f"model_name is {name!r}: use 1 to 256 characters, none of them '/'")
        root = self._settings.model.resolve()
        try:
            folder = (root / url).resolve()
        except (OSError, ValueError) as error:
            raise Refusal(400, f"url {url!r} is not a path") from error
        if root not in folder.parents or not folder.is_dir():
            raise Refusal(400, f"url {url!r} is not a folder below {self._settings.model}")
        return name, folder

    def _require_room(self, name: str, folder: Path) -> None:
        booster = folder / "model.ubj"
        need = booster.stat().st_size * _MEMORY_FACTOR if booster.is_file() else 0
        if len(self._loaded) + len(self._loading) >= self._settings.max_models or need > available_memory():
            raise Refusal(507, f"there is no room for model {name!r}; unload another first")
