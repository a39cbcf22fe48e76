# Sourced by what installs locked versions with uv. Which build of torch is the question: the lock names PyPI's, which
# is the CUDA one. A folder of wheels that pip is configured with may hold the CPU build, and then that one is taken;
# otherwise TORCH_BACKEND=cpu takes it from PyTorch's CPU index (docs/adr/0003). Neither may ever reach the lock.

export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"

# torch_options PYTHON: sets `torch_options` for `uv pip install`, and `torch_is_cpu` to yes or no. PYTHON's pip is
# asked for the folder of wheels.
torch_options() {
    torch_options=()
    torch_is_cpu=no
    local links
    # Listed, since `pip config get` looks into the user's own file only.
    links="$("$1" -m pip config list 2>/dev/null | sed -n "s/^[^=]*\.find-links='\(.*\)'\$/\1/p" | tail -1)"
    [ -n "$links" ] && torch_options+=(--find-links "$links")
    if [ -n "$links" ] && ls "$links"/torch-*+cpu*.whl >/dev/null 2>&1; then
        torch_is_cpu=yes
    elif [ -n "${TORCH_BACKEND:-}" ]; then
        torch_options+=(--torch-backend "$TORCH_BACKEND")
        [ "$TORCH_BACKEND" = cpu ] && torch_is_cpu=yes
    fi
    return 0
}

# requirements UV GROUP...: the locked versions of dependency groups, without the project itself. Call torch_options
# before: the CPU build of torch needs neither triton nor the CUDA libraries that the lock lists for the other one.
requirements() {
    local uv="$1" unwanted='^$'
    shift
    [ "$torch_is_cpu" = yes ] && unwanted='^(nvidia-|triton|cuda-)'
    "$uv" export --quiet --frozen --no-default-groups "${@/#/--group=}" --no-hashes --no-emit-project | grep -vE "$unwanted"
}

# uv_version: the one that the project is locked with.
uv_version() {
    sed -n 's/^uv_version *= *"\(.*\)".*/\1/p' tools/versions.toml
}
