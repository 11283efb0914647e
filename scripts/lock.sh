#!/bin/sh
# Recompiles the hashed locks. They contain no registry address and no local path; uv.lock would, so there is none.
set -eu
cd "$(dirname "$0")/.."
services=$(ls services)
parts="core trading backtesting service"
members="$(printf 'shared/%s ' $parts) $(printf 'services/%s ' $services) sdk"
options="--python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet"
skip="--no-emit-package seatrial $(printf -- '--no-emit-package seatrial-%s ' $parts) $(printf -- '--no-emit-package seatrial-%s ' $services)"
projects=$(for member in $members; do printf ' %s/pyproject.toml' "$member"; done)
# shellcheck disable=SC2086
{
  uv pip compile $options $skip --all-extras $projects requirements-build.in -o requirements.txt >/dev/null
  uv pip compile $options -c requirements.txt requirements-build.in -o requirements-build.txt >/dev/null
  uv pip compile $options -c requirements.txt requirements-dev.in -o requirements-dev.txt >/dev/null
  uv pip compile $options requirements-deploy.in -o requirements-deploy.txt >/dev/null
  for service in $services; do # what the service's image installs, and nothing else
    uv pip compile $options $skip -c requirements.txt "services/$service/pyproject.toml" \
      -o "services/$service/requirements.txt" >/dev/null
  done
}
echo "locked $(grep -c '==' requirements.txt) packages for the product, $(grep -c '==' requirements-dev.txt) for the tools"
# The lowest versions that the SDK promises to work with; CI tries them once.
# shellcheck disable=SC2086
uv pip compile $options $skip --resolution lowest-direct sdk/pyproject.toml shared/core/pyproject.toml requirements-build.in \
  -o requirements-floors.txt >/dev/null
