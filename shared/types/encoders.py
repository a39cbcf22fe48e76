"""Which text encoder scored what: told by the selector, shown by the coordinator. Pure."""

from pydantic import BaseModel, ConfigDict


class EncoderFacts(BaseModel):
    """`name` is what the operator set, `prefix` what goes before every text. `identity` is a SHA-256 over all that an
    embedding depends on beside the text: scores of encoders that differ in it are not on one scale."""

    model_config = ConfigDict(frozen=True)

    name: str
    prefix: str
    identity: str
