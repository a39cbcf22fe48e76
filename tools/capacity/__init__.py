"""Reckons what a job takes: hours, GPUs, storage, tokens, rows.

From the benches' figures where there are any, else from assumptions that say so and can be changed on the command line
(`python -m tools.capacity --help`).
"""
