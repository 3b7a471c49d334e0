# SPDX-License-Identifier: BSD-2-Clause
# fish completion for registrar(8): what there is, the program says itself.

function __registrar_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	set -l where
	set -l found

	if test (count $words) -lt 2
		$words[1] complete 2>/dev/null
		return
	end
	# the registry that the line names is the one to look into
	for k in (seq 3 (math (count $words) - 1))
		switch $words[$k]
			case --registry --config --zone
				set -a where $words[$k] $words[(math $k + 1)]
		end
	end
	set found ($words[1] complete $where -- $words[2] "$current" \
		$words[-1] 2>/dev/null)
	if test (count $found) -gt 0
		printf '%s\n' $found
	else
		__fish_complete_path "$current"
	end
end
complete -c registrar -f -a '(__registrar_complete)'
