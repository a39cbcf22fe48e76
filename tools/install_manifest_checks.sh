#!/usr/bin/env bash
# Installs what checks the manifests in k8s/ (checkov, kubernetes-validate) into .venv-manifests, from its lock.
# `tools/install_manifest_checks.sh lock` writes the lock anew from tools/manifests/checks.in.
#
# An environment of its own: checkov pins many packages that the services use, in other versions.
set -euo pipefail
cd "$(dirname "$0")/.."
env=.venv-manifests
lock=tools/manifests/checks.lock
[ -x .venv/bin/uv ] || tools/install.sh
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
uv=.venv/bin/uv
if [ "${1:-}" = lock ]; then
    exec "$uv" pip compile --quiet --python-version 3.11 --no-annotate --custom-compile-command "tools/install_manifest_checks.sh lock" \
        --output-file "$lock" tools/manifests/checks.in
fi
stamp="$env/.installed"
if [ ! "$stamp" -nt "$lock" ]; then
    rm -rf "$env"
    "$uv" venv --quiet --python .venv/bin/python "$env"
    "$uv" pip install --quiet --compile-bytecode --python "$env" --no-deps --requirement "$lock"
    touch "$stamp"
fi
