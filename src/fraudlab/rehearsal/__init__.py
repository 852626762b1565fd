"""A loopback AWS that runs the jobs it is asked for: ``fraudlab rehearsal``; see ``docs/rehearsal.md``.

It knows nothing of runs: any client of SageMaker's API may ask it. Only the verb imports it.
"""
