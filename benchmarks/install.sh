#!/bin/sh
# Makes one environment for each group of rivals under .bench, from the hashed locks; keeps one whose lock is unchanged.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
for lock in benchmarks/locks/*.txt; do
  name=$(basename "$lock" .txt)
  home=.bench/$name
  if cmp -s "$lock" "$home/.installed"; then continue; fi
  echo "installing $name ($(grep -c '==' "$lock") packages)"
  rm -rf "$home"
  "$python" -m venv "$home"
  "$home/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  cp "$lock" "$home/.installed"
done
