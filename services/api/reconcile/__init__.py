"""The only code that moves a job: truth (read) -> decide (pure) -> apply (locked write) -> send."""
