#!/usr/bin/env bash
# Builds the interface to ui/dist. Quick when nothing changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/scripts/node.sh"
cd "$here/ui"
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --no-audit --no-fund --silent
fi
if [ ! -f dist/index.html ] \
    || [ -n "$(find src public index.html package-lock.json vite.config.ts -type f -newer dist/index.html -print -quit)" ]; then
    npm run --silent build >&2
fi
