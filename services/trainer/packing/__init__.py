"""All QA pairs of an image in one sequence: the image and what precedes the questions is computed once.

Loss and gradients are those of separate sequences, for a third of the tokens or less. Knows token ids and masks,
nothing of jobs, files and schedules.
"""
