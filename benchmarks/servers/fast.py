"""What many teams write themselves: FastAPI on uvicorn (httptools, uvloop), and ``inplace_predict``.

uvicorn fast:app --workers 1 --http httptools --loop uvloop --no-access-log
"""

from __future__ import annotations

import io
import os

import numpy as np
import xgboost
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

app = FastAPI()
booster = xgboost.Booster(model_file=os.environ["MODEL"])
booster.set_param("nthread", 1)


class Transactions(BaseModel):
    instances: list[list[float]]


class Scores(BaseModel):
    predictions: list[float]


@app.get("/ping")
async def ping() -> dict[str, str]:
    return {}


@app.post("/csv")
async def score_csv(request: Request) -> Response:
    rows = np.loadtxt(io.BytesIO(await request.body()), np.float32, delimiter=",", ndmin=2)
    scores = booster.inplace_predict(rows)
    return Response("\n".join(map(str, scores.tolist())), media_type="text/csv")


@app.post("/json")
async def score_json(transactions: Transactions) -> Scores:
    scores = booster.inplace_predict(np.array(transactions.instances, np.float32))
    return Scores(predictions=scores.tolist())
