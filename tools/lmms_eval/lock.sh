#!/usr/bin/env bash
# Locks tools/lmms_eval/eval.in. A lock of its own, since lmms-eval pins a wandb that conflicts with the trackers'. What is
# large keeps the version of uv.lock, so that both environments share one download.
set -euo pipefail
cd "$(dirname "$0")/../.."
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
uv=.venv/bin/uv
constraints="$(mktemp)"
trap 'rm -f "$constraints"' EXIT
"$uv" export --quiet --frozen --no-default-groups --group dev --no-hashes --no-emit-project --no-annotate --no-header |
    grep -E '^(torch|transformers|tokenizers|datasets|pyarrow|numpy|scipy|scikit-learn|pandas|pillow|sympy|aiohttp)==' >"$constraints"
"$uv" pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 --constraint "$constraints" \
    --no-annotate --custom-compile-command tools/lmms_eval/lock.sh --override tools/lmms_eval/overrides.txt \
    tools/lmms_eval/eval.in --output-file tools/lmms_eval/eval.lock
# The CUDA libraries are what PyPI's torch asks for; the CPU build needs none.
sed -i -E '/^(nvidia-|cuda-|triton)/d' tools/lmms_eval/eval.lock
