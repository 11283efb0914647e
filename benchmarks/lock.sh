#!/bin/sh
# Compiles the hashed locks of the rivals (needs uv on the PATH). Never installed into the product's environment.
set -eu
cd "$(dirname "$0")/locks"
for rival in *.in; do
  uv pip compile --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
    --no-header --quiet "$rival" -o "${rival%.in}.txt" >/dev/null
done
