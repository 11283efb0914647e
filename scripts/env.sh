#!/bin/sh
# Writes the secrets of compose (.env) and of Kubernetes (k8s/overlays/*/secrets/POD.env) with random values, readable by
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

# The services with a database role, whose password the migration step sets.
services="metrics alerts backtest engine stress"

upper() { echo "$1" | tr a-z A-Z; }

password_of() { echo "SEATRIAL_$(upper "$1")_DATABASE_PASSWORD"; }

address_of() { # service, address of the database, password: the address with the role of the service
  echo "$2" | sed "s#://\([^/@]*@\)\{0,1\}#://seatrial_$1:$3@#"
}

drop() { # file, name: a line that is no longer read
  grep -q "^$2=" "$1" || return 0
  grep -v "^$2=" "$1" >"$1.new" || true
  mv "$1.new" "$1"
}

# One token for each caller; only the operator's may do everything.
accepted() { # service; reads the tokens of the callers
  case $1 in
    metrics) echo "$operator=admin,name:operator;$alerts=metrics:read,name:alerts;$engine=events:write,name:engine" ;;
    engine) echo "$operator=admin,name:operator;$alerts=engine:control,name:alerts;$stress=engine:trade,name:stress;$worker=engine:trade,name:stress-worker" ;;
    stress) echo "$operator=admin,name:operator;$worker=stress:work,name:stress-worker;$run=stress:run,stress:read,name:stress-run" ;;
    *) echo "$operator=admin,name:operator" ;;
  esac
}

start .env
for name in POSTGRES_PASSWORD SEATRIAL_TOKEN ALERTS_TOKEN ENGINE_TOKEN STRESS_TOKEN STRESS_WORKER_TOKEN STRESS_RUN_TOKEN \
  SEATRIAL_ENGINE_WEBHOOK_SECRET ALERT_WEBHOOK_SECRET GRAFANA_PASSWORD; do
  put .env "$name" "$(random)"
done

for service in $services; do put .env "$(password_of "$service")" "$(random)"; done

for overlay in k8s/overlays/*/; do
  [ -d "$overlay" ] || continue
  secrets="${overlay}secrets"
  mkdir -p "$secrets"
  chmod 700 "$secrets"
  former="${overlay}secret.env" # of earlier versions: one file for all pods
  kept() { if [ -e "$former" ] && have "$former" "$1"; then value "$former" "$1"; else random; fi; }
  for pod in operator metrics alerts backtest engine stress stress-worker stress-run migrate; do start "$secrets/$pod.env"; done

  put "$secrets/operator.env" SEATRIAL_TOKEN "$(kept SEATRIAL_TOKEN)" # for people; in no pod's environment as its own
  for pod in alerts engine stress stress-worker stress-run; do put "$secrets/$pod.env" SEATRIAL_TOKEN "$(random)"; done
  operator=$(value "$secrets/operator.env" SEATRIAL_TOKEN) alerts=$(value "$secrets/alerts.env" SEATRIAL_TOKEN)
  engine=$(value "$secrets/engine.env" SEATRIAL_TOKEN) stress=$(value "$secrets/stress.env" SEATRIAL_TOKEN)
  worker=$(value "$secrets/stress-worker.env" SEATRIAL_TOKEN) run=$(value "$secrets/stress-run.env" SEATRIAL_TOKEN)
  for pod in metrics alerts backtest engine stress; do put "$secrets/$pod.env" SEATRIAL_TOKENS "$(accepted $pod)"; done
  put "$secrets/engine.env" SEATRIAL_ENGINE_WEBHOOK_SECRET "$(kept SEATRIAL_ENGINE_WEBHOOK_SECRET)"
  put "$secrets/alerts.env" ALERT_WEBHOOK_SECRET "$(kept ALERT_WEBHOOK_SECRET)"
  empty "$secrets/alerts.env" ALERT_WEBHOOK_URL # where alerts go, if anywhere

  address=${SEATRIAL_DATABASE_URL:-}
  if [ "$overlay" = k8s/overlays/local/ ]; then
    start "$secrets/postgres.env"
    put "$secrets/postgres.env" POSTGRES_PASSWORD "$(kept POSTGRES_PASSWORD)"
    address="postgresql://seatrial:$(value "$secrets/postgres.env" POSTGRES_PASSWORD)@postgres:5432/seatrial"
  elif [ -z "$address" ] && [ -e "$former" ]; then
    address=$(value "$former" SEATRIAL_DATABASE_URL)
  fi
  [ -z "$address" ] || put "$secrets/migrate.env" SEATRIAL_DATABASE_URL "$address" # the owner; in no other pod
  empty "$secrets/migrate.env" SEATRIAL_DATABASE_URL
  address=$(value "$secrets/migrate.env" SEATRIAL_DATABASE_URL)
  [ "$overlay" != k8s/overlays/local/ ] || put "$secrets/migrate.env" SEATRIAL_DATABASE_DEDICATED 1
  for service in $services; do
    file="$secrets/$service.env" name="SEATRIAL_$(upper "$service")_DATABASE_URL"
    put "$secrets/migrate.env" "$(password_of "$service")" "$(random)"
    [ -z "$address" ] ||
      put "$file" "$name" "$(address_of "$service" "$address" "$(value "$secrets/migrate.env" "$(password_of "$service")")")"
    empty "$file" "$name"
    have "$file" "$name" && drop "$file" SEATRIAL_DATABASE_URL # of earlier versions: every pod was the owner
  done
  have "$secrets/migrate.env" SEATRIAL_DATABASE_URL ||
    echo "before you apply $overlay run SEATRIAL_DATABASE_URL=postgresql://OWNER:PASSWORD@HOST/NAME make env with the address of your Postgres"
  [ ! -e "$former" ] || echo "$former is no longer read; its values are in $secrets now, delete it"
done

if [ -z "$written" ]; then
  echo "every secret was there already; nothing changed"
else
  echo "wrote these secrets:"
  for entry in $written; do echo "${entry%%:*}"; done | sort -u | while read -r file; do
    echo "$file"
    for entry in $written; do case $entry in "$file":*) echo "${entry#*:}" ;; esac; done | tr '\n' ' ' | fold -s -w 76 | sed 's/^/  /; s/ *$//'
    echo
  done
fi

for file in .env k8s/overlays/*/secrets/*.env k8s/overlays/*/settings/*.conf; do
  [ -e "$file" ] || continue
  sed -n 's/^[[:space:]]*\(SEATRIAL_[A-Za-z0-9_]*\)=.*/\1/p' "$file" | while read -r name; do
    grep -q "\"$name\"" "$known" || echo "$file: $name is set, but nothing reads it; docs/configuration.md lists every name"
  done
done
