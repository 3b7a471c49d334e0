# SPDX-License-Identifier: BSD-2-Clause
# bash completion for registrar(8): what there is, the program says itself.

_registrar()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]}
	local -a where=()
	local k

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W \
			"$("$program" complete 2>/dev/null)" -- "$cur")
		return
	fi
	# the registry that the line names is the one to look into
	for ((k = 2; k + 1 < COMP_CWORD; k++)); do
		case ${COMP_WORDS[k]} in
		--registry|--config|--zone)
			where+=("${COMP_WORDS[k]}" "${COMP_WORDS[k+1]}");;
		esac
	done
	# nothing is offered where a path is wanted: bash completes those
	mapfile -t COMPREPLY < <("$program" complete "${where[@]}" -- \
		"$command" "$cur" "$prev" 2>/dev/null)
}
complete -o bashdefault -o default -F _registrar registrar
