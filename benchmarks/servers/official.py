"""The official SageMaker XGBoost container in miniature: Flask behind one gevent worker of gunicorn.

It goes the container's way from a CSV body to scores (its encoder and its ``/invocations``): guess the
delimiter, split the text, convert to float64, build a DMatrix, ``predict`` without a look at the columns.
Left out, in its favour: nginx in front, a log line a request, selectable output.

    gunicorn --worker-class gevent --workers 1 --keep-alive 60 official:app
"""

from __future__ import annotations

import csv
import os

import flask
import numpy as np
import xgboost

app = flask.Flask(__name__)
booster = xgboost.Booster(model_file=os.environ["MODEL"])
booster.set_param("nthread", 1)


@app.get("/ping")
def ping() -> flask.Response:
    return flask.Response(status=200)


@app.post("/invocations")
def invocations() -> flask.Response:
    kind = (flask.request.content_type or "text/csv").partition(";")[0].strip().lower()
    if kind != "text/csv":
        return flask.Response(f"content type {kind} is not CSV", status=415)
    lines = flask.request.data.strip().decode("utf-8").split("\n")
    guess = csv.Sniffer().sniff(lines[0][:512]).delimiter
    delimiter = "," if guess.isalnum() else guess
    cells = [["nan" if cell == "" else cell for cell in line.split(delimiter)] for line in lines]
    matrix = xgboost.DMatrix(np.array(cells).astype(float))
    scores = booster.predict(matrix, validate_features=False)
    return flask.Response(",".join(map(str, scores.tolist())), mimetype="text/csv")
