#!/bin/sh
# Writes one file per secret for compose.yaml, into ./secrets or the folder that is named. A file
# that exists is left as it is.
set -eu
cd "$(dirname "$0")/.."
folder="${1:-secrets}"
umask 077
mkdir -p "$folder"

keep() { [ -s "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"; }
text() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
hexadecimal() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

for name in session_secret csrf_secret integrity_key client_secret_pepper admin_api_key \
  metrics_password postgres_password; do
  keep "$name" "$(text)"
done
keep data_encryption_key "$(hexadecimal)"
keep database_url "postgres://authplane:$(cat "$folder/postgres_password")@postgres:5432/authplane"

# The containers run as user 10001, and file secrets keep the owner that they have here.
[ "$folder" != secrets ] || chown -R 10001:10001 secrets 2>/dev/null ||
  echo "run 'sudo chown -R 10001:10001 secrets', or the containers cannot read them" >&2
