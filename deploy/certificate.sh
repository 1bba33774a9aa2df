#!/bin/sh
# Makes a certificate that signs itself, where there is none: TLS from the first start, until one of a known authority is there.
#   deploy/certificate.sh FOLDER [HOST]
set -eu
folder="${1:?the folder is missing}" host="${2:-localhost}"
cert="$folder/cert.pem" key="$folder/key.pem"
if [ -e "$cert" ] && [ -e "$key" ]; then
    echo "$folder has a certificate; it is left as it is"
    openssl x509 -in "$cert" -noout -checkend 2592000 >/dev/null \
        || echo "the certificate in $folder ends within 30 days, or has ended: bring a new one" >&2
    exit 0
fi
if [ -e "$cert" ] || [ -e "$key" ]; then
    echo "$folder has one of cert.pem and key.pem without the other; bring the other, or move this one away" >&2
    exit 1
fi
case "$host" in
    *:* ) name="IP:$host" ;;
    *[!0-9.]* ) name="DNS:$host" ;;
    * ) name="IP:$host" ;;
esac
mkdir -p "$folder"
umask 077
# The key last, and each under its own name once it is whole: what is interrupted is begun anew.
trap 'rm -f "$cert.new" "$key.new"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 397 \
    -subj "/CN=$host" -addext "subjectAltName=$name" -keyout "$key.new" -out "$cert.new"
mv "$cert.new" "$cert"
mv "$key.new" "$key"
echo "$folder has a certificate for $host that signs itself, good for 397 days"
