"""The coordinator: REST, rounds, reconcile. The only code that knows Postgres; holds no model code."""
