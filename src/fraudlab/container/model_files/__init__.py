"""A model's files: written by training, and checked before XGBoost reads them."""
