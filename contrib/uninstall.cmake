# SPDX-License-Identifier: BSD-2-Clause
# The target `uninstall`: removes what the last `cmake --install` of this build
# put there. Configuration, definitions and the registry are not in that list.
# DESTDIR holds as it does for the installation.
#
# in: MANIFEST  what was installed, one file a line
if(NOT EXISTS "${MANIFEST}")
	message(FATAL_ERROR "${MANIFEST} is not there: nothing was installed")
endif()
file(STRINGS "${MANIFEST}" files)
set(folders "")
set(removed 0)
foreach(file ${files})
	set(path "$ENV{DESTDIR}${file}")
	if(EXISTS "${path}" OR IS_SYMLINK "${path}")
		file(REMOVE "${path}")
		math(EXPR removed "${removed} + 1")
		get_filename_component(folder "${path}" DIRECTORY)
		list(APPEND folders "${folder}")
	endif()
endforeach()

# Ours alone are those named after us, and what they are in stays.
foreach(folder ${folders})
	while(folder MATCHES "/rollcall(/|$)")
		file(GLOB left "${folder}/*" "${folder}/.*")
		list(FILTER left EXCLUDE REGEX "/\\.\\.?$")
		if(left)
			break()
		endif()
		file(REMOVE_RECURSE "${folder}")
		get_filename_component(folder "${folder}" DIRECTORY)
	endwhile()
endforeach()
message(STATUS "${removed} files removed; configuration and registry stay")
