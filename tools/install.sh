#!/usr/bin/env bash
# Installs the locked versions of one dependency group into .venv (default: dev).
#
# Why not `uv sync`: see tools/locked.sh. TORCH_BACKEND=cpu asks for PyTorch's CPU index on machines that can reach it; the
# default is what the lock names.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/locked.sh
group="${1:-dev}"
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
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(uv_version)"
fi
uv=.venv/bin/uv
stamp=".venv/.installed-$group"
if [ -f "$stamp" ] && [ "$stamp" -nt uv.lock ] && [ "$stamp" -nt pyproject.toml ]; then exit 0; fi
torch_options .venv/bin/python
wanted="$(mktemp)"
trap 'rm -f "$wanted"' EXIT
requirements "$uv" "$group" >"$wanted"
echo "installing the locked packages into .venv; the first time takes some minutes"
# Compiled here once: every worker process imports torch, and uncompiled that costs each of them ten seconds.
"$uv" pip install --quiet --compile-bytecode --python .venv/bin/python "${torch_options[@]}" --requirement "$wanted"
"$uv" pip install --quiet --python .venv/bin/python --no-deps --editable .
touch "$stamp"
