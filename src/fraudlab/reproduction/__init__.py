"""A run carried out once more: the same bytes, or what differs."""
