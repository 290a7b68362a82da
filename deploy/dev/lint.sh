#!/usr/bin/env bash
# ./dev lint [--all | --since REVISION]
# clang-tidy-14 on the .cc files changed since REVISION (default: the merge base with origin/main,
# else HEAD) and on untracked ones, or on all; then the tests labelled tidy (layers, style, docs,
# format, shellcheck, CI budget).
source "$WEIR_ROOT/deploy/dev/environment.sh"

all=false
since="$(git merge-base HEAD origin/main 2>/dev/null || echo HEAD)"
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    --all) all=true; shift ;;
    --since) since="${2:-}"; shift 2 || wrong_usage lint "--since needs a revision" ;;
    *) wrong_usage lint "unknown option '$1'" ;;
  esac
done
bash deploy/dev/setup.sh --kafka none
configure_and_build dev weir_generated
if $all; then
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.cc')
else
  mapfile -t files < <({
    git diff --name-only --diff-filter=d "$since" -- '*.cc'
    git ls-files --others --exclude-standard -- '*.cc'
  } | sort -u)
fi
status=0
for file in "${files[@]}"; do
  # Fuzz targets and the like are not in the dev build.
  grep -qF "/$file\"" build/dev/compile_commands.json || continue
  echo "clang-tidy $file"
  clang-tidy-14 --quiet -p build/dev --extra-arg=-Wno-unknown-warning-option \
    --warnings-as-errors='*' "$file" 2>/dev/null || status=1
done
ctest --test-dir build/dev --output-on-failure --no-tests=error -L tidy || status=1
exit "$status"
