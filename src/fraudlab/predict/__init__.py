"""``fraudlab predict``: the rows of a file, scored through an endpoint."""

from fraudlab.predict.prediction import predict_file
from fraudlab.predict.table import CsvOptions

__all__ = ["CsvOptions", "predict_file"]
