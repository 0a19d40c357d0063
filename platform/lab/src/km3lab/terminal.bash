# The bash of each of Lab's terminals reads this file instead of ~/.bashrc, and this file reads ~/.bashrc:
# one that ends the shell must not leave its owner without a terminal to fix it in.

_km3_without_settings() {
    trap - EXIT
    printf '%s\n' 'Your ~/.bashrc ended the shell, so this one runs without it. Fix the file (nano ~/.bashrc).'
    unset PROMPT_COMMAND
    exec "$BASH" --norc --noprofile -i
}

# At the first prompt, after the prompt command of ~/.bashrc.
_km3_ready() {
    [[ $(trap -p EXIT) == *_km3_without_settings* ]] && trap - EXIT
    # Nobody can work in a shell that ends at the first failing command.
    set +e
    PROMPT_COMMAND=$_km3_prompt_command
    [[ -n $PROMPT_COMMAND ]] || unset PROMPT_COMMAND
    unset -f _km3_ready _km3_without_settings
    unset _km3_prompt_command
}

trap _km3_without_settings EXIT
# shellcheck source=/dev/null
[[ -f ~/.bashrc && -r ~/.bashrc ]] && . ~/.bashrc
_km3_prompt_command=${PROMPT_COMMAND[*]/%/;}
_km3_prompt_command=${_km3_prompt_command%;}
PROMPT_COMMAND="${_km3_prompt_command:+$_km3_prompt_command; }_km3_ready"
