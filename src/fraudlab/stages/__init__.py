"""The stages of a run, one module each; :mod:`fraudlab.workflow` puts them in order."""
