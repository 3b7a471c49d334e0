# SPDX-License-Identifier: BSD-2-Clause
# Run by `cmake --install`: units and the configuration name the paths of the
# prefix that is installed to, which --prefix may have changed since the build.
#
# in: SOURCE, BINARY  this folder, and that of its build
#     SBINDIR, SYSCONFDIR, DOCDIR  as GNUInstallDirs has them
if(IS_ABSOLUTE "${SYSCONFDIR}")
	set(etc "${SYSCONFDIR}")
elseif(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
	set(etc /etc)
else()
	set(etc "${CMAKE_INSTALL_PREFIX}/${SYSCONFDIR}")
endif()
set(CMAKE_INSTALL_FULL_SYSCONFDIR "${etc}")
set(CMAKE_INSTALL_FULL_SBINDIR "${CMAKE_INSTALL_PREFIX}/${SBINDIR}")

foreach(unit rollcall-dnsd rollcall-registrar)
	configure_file("${SOURCE}/systemd/${unit}.service.in"
		"${BINARY}/${unit}.service" @ONLY)
	file(INSTALL "${BINARY}/${unit}.service"
		DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
endforeach()
file(INSTALL "${SOURCE}/systemd/rollcall-dnsd.socket"
	DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")

configure_file("${SOURCE}/rollcall.yaml.in" "${BINARY}/rollcall.yaml" @ONLY)
file(INSTALL "${BINARY}/rollcall.yaml"
	DESTINATION "${CMAKE_INSTALL_PREFIX}/${DOCDIR}")
# An administrator's configuration is never overwritten, and as it is in no
# list of what was installed, never uninstalled.
set(installed "${CMAKE_INSTALL_MANIFEST_FILES}")
file(INSTALL DESTINATION "${etc}/rollcall/services.d" TYPE DIRECTORY FILES "")
if(NOT EXISTS "$ENV{DESTDIR}${etc}/rollcall/rollcall.yaml")
	file(INSTALL "${BINARY}/rollcall.yaml" DESTINATION "${etc}/rollcall")
endif()
set(CMAKE_INSTALL_MANIFEST_FILES "${installed}")
