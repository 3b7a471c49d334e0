# SPDX-License-Identifier: BSD-2-Clause
# cmake -DOUT=migrations.c -P embed.cmake FILE...
#
# Turns migrations/NNNN-what.sql into one C table. Bytes, not string
# literals: C promises no more than 4095 characters of those.
set(arrays "")
set(rows "")
set(n 0)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
	set(file "${CMAKE_ARGV${i}}")
	if(NOT file MATCHES "/([0-9][0-9][0-9][0-9])-[a-z0-9-]+\\.sql$")
		continue()
	endif()
	math(EXPR n "${n} + 1")
	math(EXPR number "1${CMAKE_MATCH_1} - 10000")
	if(NOT number EQUAL n)
		message(FATAL_ERROR "${file}: expected number ${n}")
	endif()
	get_filename_component(name "${file}" NAME_WE)
	file(READ "${file}" hex HEX)
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
	# 16 on a line: some tools choke on lines of 100 kB
	string(REGEX REPLACE
		"(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
		"\\1\n" bytes "${bytes}")
	string(APPEND arrays "static const char sql_${n}[] = {\n${bytes}0 };\n")
	string(APPEND rows "\t{ \"${name}\", sql_${n} },\n")
endforeach()
if(n EQUAL 0)
	message(FATAL_ERROR "no migrations given")
endif()
file(WRITE "${OUT}" "/* made by embed.cmake */
#include \"schema/migrations.h\"

${arrays}
const struct migration migrations[] = {
${rows}};
const int migrations_n = ${n};
")
