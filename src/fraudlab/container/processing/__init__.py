"""The steps of a process job."""
