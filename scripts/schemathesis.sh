#!/usr/bin/env bash
# Throws generated requests at every route of a running server, as an administrator, and fails on any answer with 5xx:
#   scripts/schemathesis.sh http://127.0.0.1:5001 ACCESS_TOKEN [options of schemathesis]
# Start that server for it alone, with RATE_LIMIT_DEFAULT, _AUTH and _WORK at 1000000/minute: accounts and leads are made.
set -euo pipefail
url=$1
token=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check schemathesis
# Signing out would end the token; events never end by themselves.
cd "$work" && "$work/venv/bin/schemathesis" run "$url/api/docs/openapi.json" --url "$url" \
    --header "Authorization: Bearer $token" --checks not_a_server_error --exclude-path-regex 'logout|/api/events|password' "$@"
