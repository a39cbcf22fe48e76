#!/usr/bin/env bash
# Run while an image is built: installs locked versions into ./.venv, with neither uv, pip nor the project in it.
# `install.sh group NAME...` takes dependency groups of uv.lock, `install.sh vllm KIND` one of tools/vllm/KIND.lock. What is
# there already is added to.
set -euo pipefail
# shellcheck source=tools/locked.sh
. tools/locked.sh
export UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
kind="$1" tool=/opt/uv
shift
if [ ! -x "$tool/bin/uv" ]; then
    python3 -m venv "$tool"
    "$tool/bin/python" -m pip install --quiet "uv==$(uv_version)"
fi
[ -d .venv ] || "$tool/bin/uv" venv --quiet --python "$(command -v python3)" .venv
torch_options "$tool/bin/python"
case "$kind" in
    group) requirements "$tool/bin/uv" "$@" >/tmp/wanted ;;
    vllm) cp "tools/vllm/$1.lock" /tmp/wanted ;;
    *) echo "error: say 'group NAME...' or 'vllm KIND', not '$kind'" >&2; exit 1 ;;
esac
"$tool/bin/uv" pip install --quiet --python .venv --no-deps "${torch_options[@]}" --requirement /tmp/wanted
rm /tmp/wanted
# Compiled here once, since nothing can be written where the image runs: but for what no service imports, or only a
# few of hundreds (models). Some packages carry files that no Python compiles.
.venv/bin/python -m compileall -q -j 0 -x '/tests/|/transformers/models/|/torch/testing/' .venv/lib || true
if [ "$kind" = vllm ]; then
    # vLLM finds our plugin by the project's entry point. An editable install only names this folder: the code comes later.
    touch README.md
    "$tool/bin/uv" pip install --quiet --python .venv --no-deps --editable .
fi
