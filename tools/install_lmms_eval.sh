#!/usr/bin/env bash
# Installs lmms-eval's locked versions into .venv-lmms-eval, always with the CPU build of torch: it asks an engine over HTTP.
#
# An environment of its own: lmms-eval pins what the services' packages do not agree with. Nothing is resolved here
# (--no-deps): the lock says everything, and a folder of local wheels that pip is configured with may offer torch.
set -euo pipefail
cd "$(dirname "$0")/.."
env=.venv-lmms-eval
lock=tools/lmms_eval/eval.lock
stamp="$env/.installed"
if [ "$stamp" -nt "$lock" ]; then exit 0; fi
[ -x .venv/bin/uv ] || tools/install.sh
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
uv=.venv/bin/uv
rm -rf "$env"
"$uv" venv --quiet --python .venv/bin/python "$env"
options=()
links="$(.venv/bin/python -m pip config get global.find-links 2>/dev/null || true)"
[ -n "$links" ] && options+=(--find-links "$links")
if [ -z "$links" ] || ! ls "$links"/torch-*+cpu*.whl >/dev/null 2>&1; then
    options+=(--torch-backend cpu)
fi
# Not compiled: of its many packages a benchmark imports few, and they are compiled when it first does.
"$uv" pip install --quiet --python "$env" --no-deps "${options[@]}" --requirement "$lock"
touch "$stamp"
