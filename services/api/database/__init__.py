"""Tables, connection and migrations. Knows rows, nothing of what moves them."""
