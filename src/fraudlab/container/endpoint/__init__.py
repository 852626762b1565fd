"""The endpoint: its HTTP server, what its paths do, its settings and its log."""
