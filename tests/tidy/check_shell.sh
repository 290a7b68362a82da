#!/usr/bin/env bash
# Runs shellcheck over every shell script in the tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mapfile -d '' -t scripts < <(find . -path ./build -prune -o -path ./.git -prune -o \
  -type f -name '*.sh' -print0)
shellcheck -x --source-path=SCRIPTDIR dev .ci/run "${scripts[@]}"
echo "shellcheck: $((${#scripts[@]} + 2)) scripts, clean"
