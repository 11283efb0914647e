#!/bin/sh
# Writes the secrets of compose (.env) and of Kubernetes (k8s/overlays/*/secret.env) with random values, readable by
# their owner only. What is already there stays as it is, so running it again changes nothing.
# SEATRIAL_ENV_ROOT puts the files below another folder (for tests).
# It names every SEATRIAL_ variable in these files that nothing reads: compose would leave it out without a word.
set -eu
known="$(cd "$(dirname "$0")/.." && pwd)/shared/core/seatrial_core/variable_names.py"
cd "${SEATRIAL_ENV_ROOT:-$(dirname "$0")/..}"
umask 077
written=""

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

have() { grep -q "^$2=." "$1"; } # file, name: set and not empty

put() { # file, name, value: only when the name has no value yet
  have "$1" "$2" && return 0
  grep -v "^$2=" "$1" >"$1.new" || true
  printf '%s=%s\n' "$2" "$3" >>"$1.new"
  mv "$1.new" "$1"
  written="$written $1:$2"
}

empty() { grep -q "^$2=" "$1" || echo "$2=" >>"$1"; } # a line to fill in

value() { sed -n "s/^$2=//p" "$1" | tail -n 1; }

start() { [ -e "$1" ] || : >"$1"; chmod 600 "$1"; }

start .env
for name in POSTGRES_PASSWORD SEATRIAL_TOKEN SEATRIAL_ENGINE_WEBHOOK_SECRET ALERT_WEBHOOK_SECRET GRAFANA_PASSWORD; do
  put .env "$name" "$(random)"
done

for overlay in k8s/overlays/*/; do
  [ -d "$overlay" ] || continue
  file="${overlay}secret.env"
  start "$file"
  put "$file" SEATRIAL_TOKEN "$(random)"
  put "$file" SEATRIAL_TOKENS "$(value "$file" SEATRIAL_TOKEN)=admin"
  for name in SEATRIAL_ENGINE_WEBHOOK_SECRET ALERT_WEBHOOK_SECRET; do put "$file" "$name" "$(random)"; done
  start "${overlay}stress-run.env"
  put "${overlay}stress-run.env" SEATRIAL_TOKEN "$(value "$file" SEATRIAL_TOKEN)"
  empty "$file" ALERT_WEBHOOK_URL # where alerts go, if anywhere
  if [ "$overlay" = k8s/overlays/local/ ]; then
    put "$file" POSTGRES_PASSWORD "$(random)"
    put "$file" SEATRIAL_DATABASE_URL "postgresql://seatrial:$(value "$file" POSTGRES_PASSWORD)@postgres:5432/seatrial"
  elif ! have "$file" SEATRIAL_DATABASE_URL; then
    empty "$file" SEATRIAL_DATABASE_URL
    echo "set SEATRIAL_DATABASE_URL in $file to the address of your Postgres before you apply it"
  fi
done

[ -z "$written" ] && echo "every secret was there already; nothing changed" || echo "wrote$written"

for file in .env k8s/overlays/*/*.env k8s/overlays/*/settings/*.conf; do
  [ -e "$file" ] || continue
  sed -n 's/^[[:space:]]*\(SEATRIAL_[A-Za-z0-9_]*\)=.*/\1/p' "$file" | while read -r name; do
    grep -q "\"$name\"" "$known" || echo "$file: $name is set, but nothing reads it; docs/configuration.md lists every name"
  done
done
