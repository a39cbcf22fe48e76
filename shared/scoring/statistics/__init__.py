"""What a reviewer asks of predictions: intervals, confusion, paired tests, calibration. Pure, on numpy.

Computed where all shards' rows of all rounds come together (the coordinator's report, a bench), never in a step.
"""
