#!/usr/bin/env bash
# Fuzzes one target: scripts/fuzz.sh TARGET [RUNS], with TARGET one of file, serial, codes, grammar; a million runs when
# not said. Needs cargo-fuzz, a C++ compiler and a nightly toolchain; where there is none, the stable one is told to take
# what fuzzing needs of it. What it finds is kept in fuzz/artifacts.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${1:?one of: file serial codes grammar}
runs=${2:-1000000}
"$here/scripts/install.sh"
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz --version 0.13.2
if cargo +nightly --version >/dev/null 2>&1; then
    toolchain=(+nightly)
else
    toolchain=()
    export RUSTC_BOOTSTRAP=1
fi
cd "$here"
mkdir -p "fuzz/corpus/$target"
# No sanitizer: the code under test is safe Rust, and PDFium comes built without one.
exec cargo "${toolchain[@]}" fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -runs="$runs" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1
