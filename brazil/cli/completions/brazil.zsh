#compdef brazil
# Completion of brazil for zsh. See: brazil completion --help

_brazil() {
    local kind value help line
    local -a values shown
    line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    while IFS=$'\t' read -r kind value help; do
        case $kind in
        dir | file)
            compset -P '*='
            if [[ $kind == dir ]]; then _files -/; else _files; fi
            ;;
        plain)
            values+=("$value")
            shown+=("$value${help:+  -- $help}")
            ;;
        esac
    done < <(_BRAZIL_COMPLETE=zsh _BRAZIL_LINE=$line $words[1] 2> /dev/null)
    if ((${#${(M)shown:#*  -- *}})); then
        compadd -V brazil -l -d shown -a values
    elif (($#values)); then
        compadd -V brazil -a values
    fi
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _brazil "$@" # found in $fpath by compinit
else
    compdef _brazil brazil
fi
