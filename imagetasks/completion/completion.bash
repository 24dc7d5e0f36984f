# Completion of PROGRAM for bash; in ~/.bashrc:  eval "$(imagetasks completion bash --program PROGRAM)"

_imagetasks_completes_PROGRAM() {
    local line=${COMP_LINE:0:COMP_POINT} candidate current kept
    local -a words
    # The words as they were typed: readline has broken its own at each ":" and "=".
    IFS=$' \t' read -r -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[${#words[@]} - 1]}
    kept=${current%"${current##*["$COMP_WORDBREAKS"]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        COMPREPLY+=("${candidate#"$kept"}")
    done < <(printf '%s\n' PROGRAM "${words[@]:1}" | command imagetasks completion --candidates 2>/dev/null)
}

complete -o default -F _imagetasks_completes_PROGRAM PROGRAM
