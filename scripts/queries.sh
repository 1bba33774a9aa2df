#!/usr/bin/env bash
# Writes .sqlx: what the compiler needs to know of the store's queries without a database. Run after changing a query
# or a migration; ./test fails when a query has no entry.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$work/queries.db" migrations/local/*.sql <<'PYTHON'
import pathlib, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
for file in sorted(sys.argv[2:]):
    database.executescript(pathlib.Path(file).read_text())
PYTHON
rm -rf .sqlx && mkdir .sqlx
touch crates/castor-store/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$here/.sqlx" DATABASE_URL="sqlite://$work/queries.db" cargo check --quiet -p castor-store
