# Completion of PROGRAM for fish; in ~/.config/fish/config.fish:  imagetasks completion fish --program PROGRAM | source

function __imagetasks_completes_PROGRAM
    set -l before (commandline -opc)
    set -e before[1]
    set -l current (commandline -ct)
    set -l found (printf '%s\n' PROGRAM $before "$current" | command imagetasks completion --candidates 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end

complete -c PROGRAM -f -k -a '(__imagetasks_completes_PROGRAM)'
