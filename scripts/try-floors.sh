#!/bin/sh
# Installs the SDK alone with the lowest versions it promises, and uses it once.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements-floors.txt
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation ./shared/core ./sdk
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" "$OLDPWD/scripts/try_floors.py"
