#!/usr/bin/env bash
# Fuzzes one target: scripts/fuzz.sh TARGET [RUNS], with TARGET one of file, serial, codes, grammar; a million runs when
# not said. Needs a nightly toolchain, cargo-fuzz and a C++ compiler. What it finds is kept in fuzz/artifacts.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${1:?one of: file serial codes grammar}
runs=${2:-1000000}
"$here/scripts/install.sh"
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz --version 0.13.2
cd "$here"
mkdir -p "fuzz/corpus/$target"
# No sanitizer: the code under test is safe Rust, and PDFium comes built without one.
exec cargo +nightly fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -runs="$runs" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1
