#!/bin/bash
# Asks the server on a port of this machine whether it can work; the image has neither curl nor wget.
#   castor-probe PORT [PATH]
set -euo pipefail
port="${1:?the port is missing}" path="${2:-/api/health/ready}"
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$path" >&3
read -r -t 7 _ status _ <&3
[ "$status" = 200 ] || { echo "$path answers $status"; exit 1; }
