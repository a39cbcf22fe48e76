"""How a queue worker runs one step: start, renew the lease, push progress, end. Knows no step's content."""
