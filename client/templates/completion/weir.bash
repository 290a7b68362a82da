# Completion of weir for bash:  source <(weir completion bash)
#
# Readline cuts words at "=" and ":" and replaces only what stands behind the last cut; weir wants
# its words whole.
_weir() {
  local rest=$COMP_LINE words=() word i
  for ((i = 0; i <= COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if ((i > 1)) && [[ -n $rest && $rest != [[:space:]]* ]]; then
      words[-1]+=$word
    else
      words+=("$word")
      rest=${rest#"${rest%%[![:space:]]*}"}
    fi
    rest=${rest#"$word"}
  done
  local current=${words[-1]} cut='' line
  for word in = :; do
    [[ $COMP_WORDBREAKS == *"$word"* && $current == *"$word"* ]] || continue
    line=${current%"${current##*"$word"}"}
    ((${#line} > ${#cut})) && cut=$line
  done
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
    else
      line=${line%%$'\t'*}
      COMPREPLY+=("${line#"$cut"}")
    fi
  done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _weir weir
