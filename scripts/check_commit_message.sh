#!/bin/sh
# check_commit_message.sh FILE: fails when the subject of a commit message is empty or longer than 60 characters.
set -eu
subject=$(grep -v '^#' "$1" | head -n 1)
length=$(printf '%s' "$subject" | wc -m)
if [ "$length" -lt 1 ] || [ "$length" -gt 60 ]; then
  echo "commit subject has $length characters, allowed are 1 to 60: $subject" >&2
  exit 1
fi
