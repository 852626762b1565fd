"""Formats that more than one command reads: tables, their columns and values, libsvm and recordio."""
