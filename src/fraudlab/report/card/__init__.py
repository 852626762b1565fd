"""A model's card: what it is for, how good it is, where it is from and what it is not."""
