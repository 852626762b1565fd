"""Verbs that come in groups, a module per group; heavy modules are imported only when a verb runs."""
