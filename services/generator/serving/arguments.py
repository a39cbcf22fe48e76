"""Our settings as vLLM's: its command line and its environment. Pure: starts nothing, reads nothing."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.generator.serving.architecture import Architecture
from services.generator.serving.names import served_names
from services.generator.serving.settings import ServingSettings
from shared.errors import InvalidInput
from shared.observing.tracing import PATH

# What vLLM can be built for (vllm.config.lora.MaxLoRARanks).
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
_LONGEST_BY_DEFAULT = 8192
# On a CPU a prompt is read whole, so one step must hold the longest; more of them at once is faster.
_CPU_TOKENS_A_STEP = 4096
_GRACE_S = 10
_NOWHERE = "images.are.sent.as.data.invalid"
FRONT = "services.generator.serving.front.Front"
PLUGIN = "selfsynth"
# Between the parts of JSON any number of spaces is allowed; small models go on with them to the last token.
_COMPACT_JSON = json.dumps({"backend": "xgrammar", "disable_any_whitespace": True})
_HIDDEN = ("VLLM_API_KEY",)


@dataclass(frozen=True)
class Device:
    """What vLLM computes on. `head_sizes` are those that it can serve there; None: it will say so itself, early."""

    kind: str
    head_sizes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Command:
    arguments: tuple[str, ...]
    environment: Mapping[str, str]

    def __str__(self) -> str:
        """As one could type it, the key hidden."""
        shown = {name: "***" if name in _HIDDEN else value for name, value in self.environment.items()}
        setting = " ".join(f"{name}={shlex.quote(value)}" for name, value in shown.items())
        return f"{setting} vllm serve {shlex.join(self.arguments)}"


def max_length(settings: ServingSettings, model: Architecture) -> int:
    return settings.engine_max_length or min(model.positions, _LONGEST_BY_DEFAULT)


def max_rank(settings: ServingSettings) -> int:
    """The least rank that vLLM can be built for and that holds ours."""
    wanted = settings.engine_max_lora_rank
    if wanted > RANKS[-1]:
        raise InvalidInput(
            f"the LoRA rank {wanted} is too large: vLLM serves at most {RANKS[-1]}",
            remedy="Lower SELFSYNTH_ENGINE_MAX_LORA_RANK, and train.lora_rank of the jobs with it.",
        )
    return next(rank for rank in RANKS if rank >= wanted)


def command(settings: ServingSettings, model: Architecture, device: Device) -> Command:
    """Raises InvalidInput for what can be known to fail."""
    cpu = device.kind == "cpu"
    if settings.engine_sleep and cpu:
        raise InvalidInput(
            "the engine cannot sleep on a CPU: there is no GPU memory to give back",
            remedy="Leave SELFSYNTH_ENGINE_SLEEP out.",
        )
    parts = (_basic(settings, model, cpu), _lora(settings, model), _cpu(settings, model) if cpu else _gpu(settings))
    arguments = tuple(argument for part in parts for argument in part)
    return Command((*arguments, *settings.engine_extra), _environment(settings, cpu))


def _basic(settings: ServingSettings, model: Architecture, cpu: bool) -> Iterator[str]:
    yield from ("--model", str(settings.engine_model), "--served-model-name", settings.engine_name)
    yield from ("--host", settings.engine_host, "--port", str(settings.engine_port))
    # On a CPU training and our own engine compute in float32.
    dtype = "float32" if cpu and settings.engine_dtype == "auto" else settings.engine_dtype
    yield from ("--dtype", dtype, "--max-model-len", str(max_length(settings, model)))
    yield from ("--max-num-seqs", str(settings.engine_max_rows))
    yield from ("--max-num-queued-reqs", str(settings.engine_max_queued))
    yield f"--{'' if settings.engine_prefix_caching else 'no-'}enable-prefix-caching"
    # Training fills the template from lists of parts, and takes no sampling defaults from the checkpoint.
    yield from ("--chat-template-content-format", "openai", "--generation-config", "vllm")
    yield from ("--structured-outputs-config", _COMPACT_JSON)
    limits = {"image": settings.engine_max_images} | ({"video": 0} if model.takes_videos else {})
    yield from ("--limit-mm-per-prompt", json.dumps(limits), "--allowed-media-domains", _NOWHERE)
    yield from ("--middleware", FRONT, "--shutdown-timeout", str(_GRACE_S))
    yield from ("--disable-uvicorn-access-log", "--disable-fastapi-docs")
    if settings.engine_otlp:
        yield from ("--otlp-traces-endpoint", settings.engine_otlp)


def _lora(settings: ServingSettings, model: Architecture) -> Iterator[str]:
    slots = settings.engine_adapter_slots
    yield from ("--enable-lora", "--max-lora-rank", str(max_rank(settings)), "--max-loras", str(slots))
    yield from ("--max-cpu-loras", str(max(settings.engine_max_adapters, slots)))
    if model.projector:
        yield "--enable-tower-connector-lora"
    yield from ("--lora-target-modules", *served_names([*model.language, *model.projector]))


def _cpu(settings: ServingSettings, model: Architecture) -> Iterator[str]:
    """A request with a seed whose prompt is read in pieces would kill the engine there."""
    tokens = max(_CPU_TOKENS_A_STEP, max_length(settings, model))
    yield from ("--enforce-eager", "--no-enable-chunked-prefill", "--max-num-batched-tokens", str(tokens))


def _gpu(settings: ServingSettings) -> Iterator[str]:
    yield from ("--gpu-memory-utilization", str(settings.engine_memory_share))
    yield from ("--tensor-parallel-size", str(settings.engine_tensor_parallel))
    if settings.engine_sleep:
        yield "--enable-sleep-mode"


def _environment(settings: ServingSettings, cpu: bool) -> dict[str, str]:
    chosen = {
        "VLLM_PLUGINS": PLUGIN,
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_MAX_IMAGE_PIXELS": str(settings.engine_max_pixels),
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }
    if cpu:
        chosen["VLLM_CPU_KVCACHE_SPACE"] = str(settings.engine_cache_gib)
    if cpu and settings.engine_threads:
        chosen |= {"OMP_NUM_THREADS": str(settings.engine_threads), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    if settings.engine_sleep:
        chosen["VLLM_SERVER_DEV_MODE"] = "1"
    if settings.engine_otlp and settings.engine_otlp.endswith(PATH):
        chosen["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"  # else vLLM speaks gRPC
    if settings.engine_key:
        chosen["VLLM_API_KEY"] = settings.engine_key.get_secret_value()
    return chosen
