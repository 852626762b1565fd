"""Columns computed from others of the same row, in a language of its own: nothing of it is run as Python."""
