# Completion of weir for fish:  weir completion fish | source
function __weir_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    if contains -- :files $answer
        set -l flag (string match -r -- '^--[^=]*=' "$current")
        for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current"))
            echo "$flag$path"
        end
    end
    string match -v -- :files $answer
end
complete -c weir -f -a '(__weir_complete)'
