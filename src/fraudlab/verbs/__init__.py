"""Verbs that come in groups, a module per group; everything heavy is imported by who carries one out."""
