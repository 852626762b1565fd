"""An endpoint that follows a link: where it leads elsewhere, the model there takes over between two requests.

The new model is loaded beside the old one and scores its canary first. A request has the model that was there
when it came, to the end of its answer. Whatever goes wrong, the old model stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from fraudlab.container.endpoint.asks import ServedModel
from fraudlab.container.endpoint.logs import log
from fraudlab.container.failure import JobError
from fraudlab.container.runtime import available_memory
from fraudlab.container.scorer import Scorer, load_scorer

#: how often the link is looked at, and how long a model that could not take over is left alone
_LOOK_SECONDS, _AGAIN_SECONDS = 0.5, 60.0
#: memory a booster takes while it is loaded, in multiples of its file (measured: 3.1)
_MEMORY_FACTOR = 4


class Follower:
    """Follows a link on behalf of an endpoint.

    Parameters
    ----------
    link : Path
        A link to a model's folder, or a path with one in it.
    loaded : Path
        Where it led when `model` was loaded.
    model : ServedModel
        Which answers now.
    switch : callable
        Given the next model, lets it answer all requests from now on.
    max_bytes : int
        Of a model file.
    """

    def __init__(
        self,
        link: Path,
        loaded: Path,
        model: ServedModel,
        *,
        switch: Callable[[ServedModel], None],
        max_bytes: int,
    ) -> None:
        self._link = link
        self._loaded = loaded
        self._model = model
        self._switch = switch
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
        self._refused: tuple[Path, float] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look at the link from now on, first at once."""
        self._task = self._loop.create_task(self._go_on())

    def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()

    async def look(self) -> bool:
        """Follow the link once; whether another model answers now."""
        target = await asyncio.to_thread(_led_to, self._link)
        if target == self._loaded or (
            self._refused is not None
            and self._refused[0] == target
            and self._loop.time() < self._refused[1] + _AGAIN_SECONDS
        ):
            return False
        try:
            model = await asyncio.to_thread(self._load, target)
        except Exception as error:  # noqa: BLE001  (the old model answers whatever a new one does)
            self._refused = target, self._loop.time()
            why = error.sentence if isinstance(error, JobError) else f"{type(error).__name__}: {error}"
            log(logging.ERROR, "the old model stays", folder=str(target), reason=why)
            return False
        if await asyncio.to_thread(_led_to, self._link) != target:  # taken back while it was loaded
            return False
        before, self._model, self._loaded, self._refused = self._model, model, target, None
        self._switch(model)
        log(
            logging.INFO,
            "switched",
            model=model.scorer.model_id,
            before=before.scorer.model_id,
            folder=str(target),
        )
        return True

    async def _go_on(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    def _load(self, folder: Path) -> ServedModel:
        booster = folder / "model.ubj"
        need = booster.stat().st_size * _MEMORY_FACTOR if booster.is_file() else 0
        if need > available_memory():
            raise MemoryError("there is no room for two models")
        scorer = load_scorer(folder, max_bytes=self._max_bytes)
        if (differs := _other_columns(self._model.scorer, scorer)) is not None:
            raise ValueError(differs)
        model = ServedModel(scorer, self._loop)
        if not model.healthy():
            raise ValueError("it does not score its canary")
        return model


def _led_to(link: Path) -> Path:
    """The folder behind a link; the link itself where it leads in a circle, which cannot be loaded."""
    try:
        return link.resolve()
    except (OSError, RuntimeError):
        return link


def _other_columns(old: Scorer, new: Scorer) -> str | None:
    """Why callers of one model cannot be answered by another; None where they can.

    Categories may be others: a value that was not learnt is an answer, not a refusal.
    """
    kinds = [
        {column.name: (column.categories is None, column.clock) for column in scorer.features.columns}
        for scorer in (old, new)
    ]
    if list(kinds[0].items()) == list(kinds[1].items()):
        return None
    changed = [name for name, kind in kinds[1].items() if kinds[0].get(name) != kind]
    changed += [name for name in kinds[0] if name not in kinds[1]]
    what = f"differ in {', '.join(changed[:5])}" if changed else "stand in another order"
    return f"its columns {what}: callers send those of the old; start an endpoint of its own for it"
