"""What fraudlab costs, and what its defaults are worth: ratios against a named comparator, measured in one run."""
