"""Training on more than one process and machine: how they are launched, and what each of them holds."""
