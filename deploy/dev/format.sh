#!/usr/bin/env bash
# ./dev format [--check]
# clang-format-14 of all .h and .cc files, in place; --check only names those that would change.
source "$WEIR_ROOT/deploy/dev/environment.sh"

mode=(-i)
case "${1:-}" in
  "") ;;
  -h | --help) print_help "$0"; exit 0 ;;
  --check) mode=(--dry-run -Werror) ;;
  *) wrong_usage format "unknown option '$1'" ;;
esac
mapfile -d '' -t files < <(git ls-files -z --cached --others --exclude-standard -- '*.h' '*.cc')
existing=()
for file in "${files[@]}"; do
  if [[ -f "$file" ]]; then existing+=("$file"); fi
done
if [[ ${#existing[@]} -eq 0 ]]; then exit 0; fi
printf '%s\0' "${existing[@]}" |
  xargs -0 -n 40 -P "$WEIR_JOBS" clang-format-14 "${mode[@]}" --style=file
