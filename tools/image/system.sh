#!/usr/bin/env bash
# Run in every image: sees to it that the base has Python, and installs the Debian packages that are named.
# Bases with Python keep theirs; CUDA's have none and get the distribution's.
set -euo pipefail
wanted=("$@")
command -v python3 >/dev/null || wanted+=(python3 python3-venv ca-certificates)
if [ "${#wanted[@]}" -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${wanted[@]}" >/dev/null
    rm -rf /var/lib/apt/lists/*
fi
python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
    { echo "error: the base has $(python3 --version). Take one with Python 3.11 to 3.13, or with none" >&2; exit 1; }
# Everything runs as this user. torch asks for the user's name; its home is the one folder that can be written.
groupadd --gid 10001 selfsynth
useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/selfsynth --shell /usr/sbin/nologin selfsynth
install --directory --owner 10001 --group 10001 /var/lib/selfsynth
