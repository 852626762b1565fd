"""A raw table: its files, how they are read, and its rows; for the launcher, the job and ``predict``."""
