"""What fraudlab costs and what its defaults are worth: ratios against a comparator, measured in one run."""
