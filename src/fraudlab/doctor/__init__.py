"""``fraudlab doctor``: whether everything a run needs is there, and what mends what is not."""
