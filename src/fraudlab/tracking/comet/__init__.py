"""Comet: everything that knows its SDK, its archives and its server."""
