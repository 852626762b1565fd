"""Models with a history one can defend: an append-only log, what it adds up to, and copies by content."""

from fraudlab.registry.actor_names import Actor, acting
from fraudlab.registry.model_registry import ModelRegistry
from fraudlab.registry.refusals import Done
from fraudlab.registry.registry_state import ModelVersion, RegisteredModel, RegistryState, fold
from fraudlab.registry.resolving import model_folder, registered_run, run_or_version, standing_name
from fraudlab.registry.version_names import VersionReference, meant_reference, reference_in
from fraudlab.registry_config import STAGES

__all__ = [
    "STAGES",
    "Actor",
    "Done",
    "ModelRegistry",
    "ModelVersion",
    "RegisteredModel",
    "RegistryState",
    "VersionReference",
    "acting",
    "fold",
    "meant_reference",
    "model_folder",
    "reference_in",
    "registered_run",
    "run_or_version",
    "standing_name",
]
