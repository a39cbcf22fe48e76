#!/usr/bin/env bash
# Installs the locked versions of one dependency group into .venv (default: dev).
#
# Why not `uv sync`: the lock names PyPI's CUDA build of torch. Where pip is configured with a folder of local wheels
# (find-links), a CPU build of the same version there must win, and must never be written into the lock.
# TORCH_BACKEND=cpu asks for PyTorch's CPU index on machines that can reach it; the default is what the lock names.
set -euo pipefail
cd "$(dirname "$0")/.."
group="${1:-dev}"
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
python="${PYTHON:-}"
if [ -z "$python" ]; then
    for name in python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'; then
            python="$name"
            break
        fi
    done
fi
[ -n "$python" ] || { echo "error: no Python 3.11 to 3.13 on PATH. Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
if [ ! -x .venv/bin/uv ]; then
    "$python" -m venv .venv || { echo "error: $python cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; }
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$(sed -n 's/^uv_version *= *"\(.*\)".*/uv==\1/p' tools/versions.toml)"
fi
uv=.venv/bin/uv
stamp=".venv/.installed-$group"
if [ -f "$stamp" ] && [ "$stamp" -nt uv.lock ] && [ "$stamp" -nt pyproject.toml ]; then exit 0; fi
constraints="$(mktemp)"
trap 'rm -f "$constraints"' EXIT
"$uv" export --quiet --frozen --no-default-groups --group "$group" --no-hashes --no-emit-project --output-file "$constraints" >/dev/null
options=()
links="$(.venv/bin/python -m pip config get global.find-links 2>/dev/null || true)"
[ -n "$links" ] && options+=(--find-links "$links")
[ -n "${TORCH_BACKEND:-}" ] && options+=(--torch-backend "$TORCH_BACKEND")
wanted="$constraints"
if [ -n "$links" ] && ls "$links"/torch-*+cpu*.whl >/dev/null 2>&1; then
    # The CPU build needs neither triton nor the CUDA libraries that the lock lists for the other one.
    wanted="$(mktemp)"
    trap 'rm -f "$constraints" "$wanted"' EXIT
    grep -vE '^(nvidia-|triton|cuda-)' "$constraints" >"$wanted"
fi
echo "installing the locked packages into .venv; the first time takes some minutes"
# Compiled here once: every worker process imports torch, and uncompiled that costs each of them ten seconds.
"$uv" pip install --quiet --compile-bytecode --python .venv/bin/python "${options[@]}" --requirement "$wanted"
"$uv" pip install --quiet --python .venv/bin/python --no-deps --editable .
touch "$stamp"
