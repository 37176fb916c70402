# bash completion for argusctl(1)                          -*- shell-script -*-

_argusctl() {
        local cur=${COMP_WORDS[COMP_CWORD]} verb='' word i
        local options='--help --version --json --user --wait='
        local verbs='status is-online report reregister node health monitor log-level check'
        local levels='err warning notice info debug'
        COMPREPLY=()

        # "=" is a word of its own; a number of seconds cannot be guessed
        if [[ $cur == = || ${COMP_WORDS[COMP_CWORD-1]} == = || ${COMP_WORDS[COMP_CWORD-1]} == --wait ]]; then
                return 0
        fi

        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if [[ " $verbs " == *" $word "* ]]; then
                        verb=$word
                        break
                fi
        done

        if [[ $cur == -* ]]; then
                [[ -z $verb || $verb == is-online ]] || options=${options/ --wait=/}
                COMPREPLY=($(compgen -W "$options" -- "$cur"))
                [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
        elif [[ -z $verb ]]; then
                COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
        elif [[ $verb == log-level && ${COMP_WORDS[COMP_CWORD-1]} == log-level ]]; then
                COMPREPLY=($(compgen -W "$levels" -- "$cur"))
        fi
        return 0
}

complete -F _argusctl argusctl
