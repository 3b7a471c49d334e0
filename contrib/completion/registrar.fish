# SPDX-License-Identifier: BSD-2-Clause
# fish completion for registrar(8): what there is, the program says itself.

function __registrar_complete
	set -l words (commandline -opc)
	if test (count $words) -lt 2
		$words[1] complete 2>/dev/null
	else
		$words[1] complete -- $words[2] (commandline -ct) 2>/dev/null
	end
end
complete -c registrar -a '(__registrar_complete)'
