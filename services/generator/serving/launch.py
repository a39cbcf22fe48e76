"""Starts vLLM's own server in this process, whichever build of it is installed."""

import os

from vllm.entrypoints.launchers.api_server.entry import run_server
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.entrypoints.serve.utils.api_utils import cli_env_setup
from vllm.lora.resolver import LoRAResolverRegistry
from vllm.platforms import current_platform
from vllm.utils.argparse_utils import FlexibleArgumentParser

from services.generator.serving.arguments import Command, Device
from services.generator.serving.resolver import NAME, StoreResolver
from services.generator.serving.served import Served
from shared.errors import SystemFault


def find_device() -> Device:
    """Raises SystemFault when this build of vLLM finds nothing to compute on."""
    kind = current_platform.device_type
    if not kind:
        raise SystemFault(
            "vLLM finds no device to compute on",
            remedy="Install the build for this machine: tools/install_vllm.sh cpu, or cuda with a GPU in sight.",
        )
    if kind != "cpu":
        return Device(kind)
    from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend

    return Device(kind, tuple(CPUAttentionBackend.get_supported_head_sizes()))


def serve(command: Command, served: Served) -> None:
    """Serve until SIGTERM; what was asked is answered first, for as long as the command says."""
    import uvloop

    os.environ.update(command.environment)
    cli_env_setup()
    LoRAResolverRegistry.register_resolver(NAME, StoreResolver(served))
    arguments = make_arg_parser(FlexibleArgumentParser()).parse_args(list(command.arguments))
    validate_parsed_serve_args(arguments)
    uvloop.run(run_server(arguments))
