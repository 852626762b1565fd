"""A third backend, as somebody would add one: its module, its conf file, and the service behind it."""
