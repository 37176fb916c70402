# bash completion for argus-agent(8)                       -*- shell-script -*-

_argus_agent() {
        COMPREPLY=()
        if [[ ${COMP_WORDS[COMP_CWORD]} == -* ]]; then
                COMPREPLY=($(compgen -W '--check --once --help --version' -- "${COMP_WORDS[COMP_CWORD]}"))
        fi
        return 0
}

complete -F _argus_agent argus-agent
