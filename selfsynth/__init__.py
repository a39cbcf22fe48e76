"""What a user imports and types: the client, the command, the embedded stack and the demo."""

from selfsynth.client import ApiError, ApiUnavailable, Client

__all__ = ["ApiError", "ApiUnavailable", "Client"]
