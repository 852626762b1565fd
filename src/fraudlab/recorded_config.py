"""The configuration of a run that has begun, read back from its folder."""

from __future__ import annotations

from pathlib import Path

from fraudlab.compose import checked
from fraudlab.config import RunConfig
from fraudlab.container.hook_source import FILE as HOOKS
from fraudlab.errors import RunError
from fraudlab.reason_rules import FILE as REASONS
from fraudlab.redaction import watch_environment

NAME = "config.yaml"


def read_config(folder: Path) -> RunConfig:
    """Read and check what a run was asked for.

    Parameters
    ----------
    folder : Path
        The run's; its own parent is where its runs are.

    Raises
    ------
    RunError
        Where it is missing or no configuration.
    ConfigError
        Where it cannot work here, such as for an environment variable that is not set.
    """
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError  # type: ignore[import-untyped]

    path = folder / NAME
    watch_environment()
    try:
        recorded = OmegaConf.load(path)
        node = OmegaConf.merge(OmegaConf.structured(RunConfig), recorded)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.", fix="repeat the run") from error
    except (OmegaConfBaseException, YAMLError, ValueError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise RunError(f"{path} is no configuration of a run ({reason}).", fix="repeat the run") from error
    if not isinstance(node, DictConfig):
        raise RunError(f"{path} is no configuration of a run (it is a list).", fix="repeat the run")
    if OmegaConf.select(recorded, "model.refit") is None:
        node.model.refit = False  # begun by a version that knew no refit
    if OmegaConf.select(recorded, "model.calibration") is None:
        node.model.calibration = "none"  # begun by a version that calibrated nothing
    texts = folder / REASONS
    if texts.is_file():
        node.serving.reasons = str(texts)  # the file that it was made of can have changed
    elif OmegaConf.select(recorded, "serving.reasons") is None:
        node.serving.reasons = None  # what is in the folder now, it was not given
    kept = folder / HOOKS
    if node.model.hooks and not Path(node.model.hooks).is_file() and kept.is_file():
        node.model.hooks = str(kept)  # begun on another machine
    config = checked(node)
    kept_beside = config.paths.cache == str(Path(config.paths.runs) / ".cache")
    config.paths.runs = str(folder.parent)  # whoever goes on with it may be in another folder
    if kept_beside:
        config.paths.cache = str(folder.parent / ".cache")
    return config
