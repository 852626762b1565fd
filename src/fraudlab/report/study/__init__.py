"""The page of a study that tunes a model."""
