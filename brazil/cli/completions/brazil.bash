# Completion of brazil for bash, 4.4 or newer. See: brazil completion --help

_brazil_completion() {
    local kind value about files= cur=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT}
    local -a values=()
    # bash takes a word apart at these signs. What it replaces begins behind them, but with an "@".
    [[ $cur == [=:] ]] && cur=
    [[ $line == *@"$cur" ]] && cur=@$cur
    while IFS=$'\t' read -r kind value about; do
        case $kind in
        dir | file) files=$kind ;;
        plain) values+=("$value") ;;
        esac
    done < <(_BRAZIL_COMPLETE=bash _BRAZIL_LINE=$line _BRAZIL_WORD=$cur "$1" 2> /dev/null)
    COMPREPLY=()
    if [[ $files ]]; then
        compopt -o filenames # bash quotes them, and puts a slash behind folders
        COMPREPLY=(${values[@]+"${values[@]}"})
        while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -A "${files/dir/directory}" -- "$cur")
    else
        for value in ${values[@]+"${values[@]}"}; do
            [[ $cur == [\"\']* ]] || printf -v value '%q' "$value"
            COMPREPLY+=("$value")
        done
    fi
}

complete -o nosort -F _brazil_completion brazil
