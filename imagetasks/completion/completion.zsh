# Completion of PROGRAM for zsh; in ~/.zshrc, after compinit:  eval "$(imagetasks completion zsh --program PROGRAM)"

_imagetasks_completes_PROGRAM() {
    local candidate description
    local -a found
    while IFS=$'\t' read -r candidate description; do
        found+=("${candidate//:/\\:}:$description")
    done < <(printf '%s\n' PROGRAM "${(@)words[2,CURRENT-1]}" "$PREFIX" |
        command imagetasks completion --candidates 2>/dev/null)
    if (( $#found )); then
        _describe PROGRAM found
    else
        _files
    fi
}

compdef _imagetasks_completes_PROGRAM PROGRAM
