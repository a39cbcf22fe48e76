"""vLLM's way to an adapter that it does not know yet: from the object store, by name, on whichever replica is asked."""

import asyncio
from http import HTTPStatus
from pathlib import Path

from vllm.exceptions import GracefulHTTPError, VLLMValidationError
from vllm.lora.request import LoRARequest
from vllm.lora.resolver import LoRAResolver

from services.generator.serving.served import Served
from shared.errors import NotFound, SelfSynthError, StoreUnavailable, SystemFault, UserFault

NAME = "selfsynth"


class StoreResolver(LoRAResolver):  # type: ignore[misc]  # vllm is not where types are checked
    """vLLM asks it once a name, and remembers the answer until `files.on_drop` says that the files go."""

    def __init__(self, served: Served) -> None:
        self.served = served

    async def resolve_lora(self, base_model_name: str, lora_name: str) -> LoRARequest | None:
        """None for an unknown name (404). Raises vLLM's errors, which become HTTP answers with the reason: 400 when the
        adapter does not fit, 503 when the store cannot be reached, else 500."""
        try:
            folder = await asyncio.to_thread(self._checked, lora_name)
        except NotFound:
            return None
        except UserFault as error:
            raise VLLMValidationError(_said(error)) from error
        except SystemFault as error:
            away = isinstance(error, StoreUnavailable)
            status = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.INTERNAL_SERVER_ERROR
            raise GracefulHTTPError(_said(error), status) from error
        # vLLM replaces the number by one of its own.
        return LoRARequest(lora_name=lora_name, lora_int_id=1, lora_path=str(folder))

    def _checked(self, name: str) -> Path:
        folder = self.served.files.fetch(name)
        self.served.places.check(folder, name)
        return folder


def _said(error: SelfSynthError) -> str:
    return f"{error.message}. {error.remedy}"
