#!/bin/sh
# Compiles the hashed locks anew. They carry no registry address and no local path; uv.lock would, so it is not kept.
set -eu
cd "$(dirname "$0")/.."
members="shared services/metrics services/alerts services/backtest services/engine sdk"
ours="seatrial seatrial-shared seatrial-metrics seatrial-alerts seatrial-backtest seatrial-engine"
options="--python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header"
skip=$(for name in $ours; do printf ' --no-emit-package %s' "$name"; done)
projects=$(for member in $members; do printf ' %s/pyproject.toml' "$member"; done)
# shellcheck disable=SC2086
uv pip compile $options $skip --all-extras $projects requirements-build.in -o requirements.txt >/dev/null
# shellcheck disable=SC2086
uv pip compile $options -c requirements.txt requirements-dev.in -o requirements-dev.txt >/dev/null
echo "locked $(grep -c '==' requirements.txt) packages for the product, $(grep -c '==' requirements-dev.txt) for the tools"
