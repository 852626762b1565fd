"""What was made of what: from raw table to prepared data, run, model and endpoint, and back."""
