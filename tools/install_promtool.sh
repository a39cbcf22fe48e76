#!/usr/bin/env bash
# Puts promtool, which checks Prometheus' rules, into .venv/bin: out of Debian's package, which is not installed.
# Where there is none to be had it says so and goes on: the tests that want it are then skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
target="$PWD/.venv/bin/promtool"
if [ -x "$target" ] || command -v promtool >/dev/null; then exit 0; fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
unpack() { (cd "$folder" && apt-get download prometheus && dpkg-deb -x prometheus_*.deb unpacked); }
if ! { unpack || { apt-get update && unpack; }; } >"$folder/log" 2>&1; then
    echo "NOT INSTALLED: promtool. Debian's package 'prometheus' could not be had: $(tail -1 "$folder/log")" >&2
    exit 0
fi
install -m 755 "$folder/unpacked/usr/bin/promtool" "$target"
