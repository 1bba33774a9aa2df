#!/usr/bin/env bash
# Throws generated requests at every route of a server that it starts for this alone, as an administrator, and fails on any
# answer with 5xx. scripts/schemathesis.sh [EXAMPLES [SEED]]: so many requests a route (20), drawn from a seed (1).
# CASTOR names the program, the one that cargo built otherwise.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
examples=${1:-20}
seed=${2:-1}
castor=${CASTOR:-${CARGO_TARGET_DIR:-$here/target}/debug/castor}
version=4.32.5
tool=${CASTOR_HOME:-$HOME/.cache/castor}/tools/schemathesis-$version
if [ ! -e "$tool/schemathesis" ]; then
    echo "schemathesis: installing $version in $tool"
    rm -rf "$tool" "$tool.part"
    python3 -m pip install --quiet --disable-pip-version-check --target "$tool.part" "schemathesis==$version"
    mv "$tool.part" "$tool"
fi
work=$(mktemp -d)
chmod 755 "$work" # as root the cluster runs as another user, who must get there
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; }; rm -rf "$work"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# A busy machine takes its time: the first request that reads opens the models.
export CASTOR_DATA=$work/data CASTOR_PORT=$port CASTOR_LOG=warn CASTOR_REQUEST_TIMEOUT=600
export RATE_LIMIT_DEFAULT=1000000/minute RATE_LIMIT_AUTH=1000000/minute RATE_LIMIT_WORK=1000000/minute RATE_LIMIT_READ=1000000/minute
unset DATABASE_URL REDIS_URL
"$castor" serve >"$work/out" 2>"$work/log" &
server=$!
url=http://127.0.0.1:$port
ready() { python3 -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1])' "$url/api/health/ready" 2>/dev/null; }
for _ in $(seq 600); do
    ready && break
    kill -0 "$server" || { cat "$work/log"; exit 1; }
    sleep 0.5
done
ready || { echo 'schemathesis: the server does not get ready'; exit 1; }
printf 'un acta tiene tres casillas\n' | "$castor" user add --email ana@example.org --role ADMIN --first-name Ana --last-name Paz \
    >"$work/user" 2>&1 || { cat "$work/user"; exit 1; }
token=$(python3 - "$url/api/auth/login" <<'PYTHON'
import json, sys, urllib.request
body = json.dumps({"email": "ana@example.org", "password": "un acta tiene tres casillas"}).encode()
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(request))["data"]["access_token"])
PYTHON
)
# Signing out and ending sessions, whose ids it learns, would end the token; events never end by themselves.
(cd "$work" && PYTHONPATH=$tool python3 -m schemathesis.cli run "$url/api/docs/openapi.json" --url "$url" --no-color \
    --header "Authorization: Bearer $token" --checks not_a_server_error --exclude-path-regex 'logout|/api/events|password|sessions/|/sessions$' \
    --phases examples,coverage,fuzzing --max-examples "$examples" --seed "$seed" --generation-database none --workers 2 --request-timeout 600) || {
    grep -E '"status":5|"level":"ERROR"' "$work/log" | head -n 20
    exit 1
}
