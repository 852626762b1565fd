"""A raw table: which files it is, how they are to be read, and its rows. The launcher, the process job and ``predict`` share it."""
