"""The parameters of a training job: a typed object, from the strings SageMaker delivers.

Names, kinds and ranges are in :mod:`~fraudlab.container.hyperparameters.table`, those that change nothing in
:mod:`~fraudlab.container.hyperparameters.legacy`, and what cannot be together in
:mod:`~fraudlab.container.hyperparameters.rules`. The launcher reads its ``model`` section by the same
function, so that both sides of the container's wall refuse the same things in the same words.
"""

from fraudlab.container.hyperparameters.eval_metrics import (
    COMPUTED,
    OF_ALERTS,
    UNWEIGHTED,
    direction,
    is_hook,
    printed,
)
from fraudlab.container.hyperparameters.member_parameters import APART, read_hyperparameters, set_apart
from fraudlab.container.hyperparameters.parameters import Hyperparameters
from fraudlab.container.hyperparameters.rules import SHARES
from fraudlab.container.hyperparameters.strings import canonical, remarks, wanted
from fraudlab.container.hyperparameters.table import OF_A_MEMBER

__all__ = [
    "APART",
    "COMPUTED",
    "OF_ALERTS",
    "OF_A_MEMBER",
    "SHARES",
    "UNWEIGHTED",
    "Hyperparameters",
    "canonical",
    "direction",
    "is_hook",
    "printed",
    "read_hyperparameters",
    "remarks",
    "set_apart",
    "wanted",
]
