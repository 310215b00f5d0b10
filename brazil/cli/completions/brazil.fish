# Completion of brazil for fish, 3.0 or newer. See: brazil completion --help

function __brazil_complete
    set -l program (commandline -opc)[1]
    set -l line (commandline -cp | string collect)
    for answer in (env _BRAZIL_COMPLETE=fish _BRAZIL_LINE="$line" $program 2> /dev/null)
        set -l parts (string split -m 2 \t -- $answer)
        switch $parts[1]
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
            case plain
                printf '%s\t%s\n' $parts[2] $parts[3]
        end
    end
end

complete --command brazil --no-files --keep-order --arguments '(__brazil_complete)'
