"""Metrics, thresholds, curves and intervals: pure functions on arrays, numpy only.

The image carries this package too: the train job chooses the threshold with it.
"""
