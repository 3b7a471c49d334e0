# SPDX-License-Identifier: BSD-2-Clause
# cmake -DOUT=ui_files.c -P embed.cmake FILE...
#
# Turns the files of the page into one C table.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
set(arrays "")
set(rows "")
set(n 0)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
	set(file "${CMAKE_ARGV${i}}")
	if(NOT file MATCHES "\\.(html|css|js|svg)$")
		continue()
	endif()
	set(type "${type_${CMAKE_MATCH_1}}")
	math(EXPR n "${n} + 1")
	get_filename_component(name "${file}" NAME)
	file(SHA256 "${file}" tag)
	string(SUBSTRING "${tag}" 0 16 tag)
	file(READ "${file}" hex HEX)
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
	string(REGEX REPLACE
		"(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
		"\\1\n" bytes "${bytes}")
	string(APPEND arrays
		"static const unsigned char file_${n}[] = {\n${bytes}};\n")
	string(APPEND rows
		"\t{ \"${name}\", \"${type}\", \"${tag}\", file_${n}, sizeof(file_${n}) },\n")
endforeach()
if(n EQUAL 0)
	message(FATAL_ERROR "no files given")
endif()
file(WRITE "${OUT}" "/* made by embed.cmake */
#include \"registrar/http/ui/ui_files.h\"

${arrays}
const struct ui_file ui_files[] = {
${rows}\t{ 0 } };
")
