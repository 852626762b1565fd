"""``data.derive=auto``: columns that a table's names and values suggest, tried on validation."""
