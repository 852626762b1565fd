"""BentoML: a service class with the booster, one worker.

bentoml serve bento:Fraud
"""

import os
from typing import Annotated

import bentoml
import numpy as np
import xgboost
from bentoml.validators import DType, Shape


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Fraud:
    def __init__(self) -> None:
        self.booster = xgboost.Booster(model_file=os.environ["MODEL"])
        self.booster.set_param("nthread", 1)

    @bentoml.api
    def score(self, rows: Annotated[np.ndarray, DType("float32"), Shape((-1, 30))]) -> np.ndarray:
        return self.booster.inplace_predict(rows)
