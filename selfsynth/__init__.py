"""What a user imports and types: the client, the command, the embedded stack and the demo."""

from selfsynth.api_errors import ApiError, ApiUnavailable
from selfsynth.client import Client

__all__ = ["ApiError", "ApiUnavailable", "Client"]
