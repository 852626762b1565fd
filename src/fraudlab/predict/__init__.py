"""``fraudlab predict``: the rows of a file, scored through an endpoint."""

from fraudlab.predict.prediction import predict_file

__all__ = ["predict_file"]
