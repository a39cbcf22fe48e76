"""What coordinator and workers are told of endpoints, read from `SELFSYNTH_*` when a process is wired."""

from pydantic import Field, field_validator

from shared.endpoints.addresses import LOOPBACK, ConceptEndpoint, parsed
from shared.settings import ServiceSettings


class EndpointSettings(ServiceSettings):
    """Which endpoints may be asked for concepts, or to judge answers (docs/adr/0006). The coordinator checks requests
    by them; only the workers that ask read the keys."""

    concept_endpoints: dict[str, ConceptEndpoint] = Field(
        {}, description='JSON: secret -> {"base_url", and "key_file" or "key_env"}'
    )
    concept_open_urls: tuple[str, ...] = Field(
        (), description='base URLs that may be asked without a key; "loopback": any port of this machine'
    )

    @field_validator("concept_open_urls")
    @classmethod
    def _addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if url != LOOPBACK:
                parsed(url)
        return urls
