"""``fraudlab predict``: the rows of a file, scored through an endpoint."""

from fraudlab.predict.file_rows import CsvOptions
from fraudlab.predict.prediction import predict_file

__all__ = ["CsvOptions", "predict_file"]
