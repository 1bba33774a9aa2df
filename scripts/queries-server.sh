#!/usr/bin/env bash
# Writes crates/castor-server/.sqlx: what the compiler needs to know of the server's queries without a database. Run after
# changing a query or a migration of the server; a PostgreSQL of its own is started for it and removed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
bin=${CASTOR_POSTGRES_BIN:-$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)}
work=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then # initdb refuses root
    chown postgres "$work"
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups env "HOME=$work")
fi
chmod 755 "$work"
trap '"${as[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
"${as[@]}" "$bin/initdb" -D "$work/data" -U castor --auth=trust --encoding=UTF8 --no-locale >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"${as[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off" start >/dev/null
url=postgres://castor@127.0.0.1:$port/postgres
for file in migrations/server/*.sql; do
    psql --quiet --no-psqlrc --single-transaction -v ON_ERROR_STOP=1 "$url" -f "$file"
done
# Into the place of the former ones when all of them are right.
mkdir "$work/sqlx"
touch crates/castor-server/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$work/sqlx CASTOR_SERVER_DATABASE_URL=$url cargo check --quiet -p castor-server
rm -rf crates/castor-server/.sqlx
cp -r "$work/sqlx" crates/castor-server/.sqlx
