#!/usr/bin/env bash
# Checks licences, bans and sources of the dependencies against deny.toml. Installs cargo-deny, pinned, when it is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools="${CASTOR_HOME:-$HOME/.cache/castor}/tools"
export PATH="$PATH:$tools/bin"
if ! command -v cargo-deny >/dev/null; then
    echo "deny: installing cargo-deny 0.20.2 in $tools"
    CARGO_TARGET_DIR="$tools/target" cargo install --quiet --locked --root "$tools" cargo-deny --version 0.20.2
    rm -rf "$tools/target"
fi
cd "$here"
exec cargo deny --locked --workspace check licenses bans sources
