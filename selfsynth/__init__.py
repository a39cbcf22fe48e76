"""What a user imports and types: the client, the command, the embedded stack and the demo."""
