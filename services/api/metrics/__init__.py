"""The coordinator's `/metrics`: what is true of jobs, steps and queues, and how its own requests go."""
