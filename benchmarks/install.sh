#!/bin/sh
# Makes an environment for ourselves, as users install us, and one for each group of rivals under .bench, all from
# hashed locks; keeps one whose lock is unchanged.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
pip="-m pip install --quiet --disable-pip-version-check"
for lock in requirements.txt benchmarks/locks/*.txt; do
  name=$(basename "$lock" .txt)
  if [ "$name" = requirements ]; then name=seatrial; fi
  home=.bench/$name
  if cmp -s "$lock" "$home/.installed"; then continue; fi
  echo "installing $name ($(grep -c '==' "$lock") packages)"
  rm -rf "$home"
  "$python" -m venv "$home"
  "$home/bin/python" $pip --require-hashes -r "$lock"
  if [ "$name" = seatrial ]; then
    "$home/bin/python" $pip --no-deps --no-build-isolation $(printf -- '-e %s ' "$@")
  fi
  cp "$lock" "$home/.installed"
done
