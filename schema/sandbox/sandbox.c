// SPDX-License-Identifier: BSD-2-Clause
#include "schema/sandbox/sandbox.h"

#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/sandbox/calls.h"
#include "schema/sandbox/landlock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

const char *const sandbox_modes[] = { "auto", "on", "off", NULL };

static int without(const struct sandbox *s, int error, const char *what,
    const char *why, struct diag *reterr)
{
	if (s->mode != SANDBOX_ON)
		return 0;
	return diag_set(reterr, error,
	    "found no %s (%s), expected it because of 'sandbox: on'", what,
	    why);
}

/* ---- files ------------------------------------------------------------ */

/*
 * With hidepid a process is there only for who may trace it, which is nobody
 * under Landlock: a watch would take all of them for ended.
 */
static bool proc_hides(void)
{
	scoped_file FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		const char *hides = strstr(line, "hidepid=");

		if (hides && strstr(line, " /proc ") &&
		    strstr(line, " - proc ") &&
		    strncmp(hides, "hidepid=0", 9) != 0 &&
		    strncmp(hides, "hidepid=off", 11) != 0)
			return true;
	}
	return false;
}

bool sandbox_has_landlock(struct sandbox *s)
{
	s->no_landlock = NULL;
	if (s->mode == SANDBOX_OFF) {
		s->no_landlock = "it is off";
	} else if (landlock_abi() < 1) {
		s->no_landlock = "this kernel has none, or it is not enabled";
	} else if ((s->uses & SANDBOX_PROCESSES) && proc_hides()) {
		s->no_landlock = "/proc is mounted with hidepid, and would "
		                 "hide every process from it";
	}
	return !s->no_landlock;
}

int sandbox_files(struct sandbox *s, const char *file, struct diag *reterr)
{
	const struct landlock_rules rules = { .file = file,
		.directory = s->directory,
		.is_blind = s->uses & SANDBOX_BLIND,
		.may_bind = s->uses & SANDBOX_BINDS,
		.may_signal = s->uses & SANDBOX_PROCESSES };

	if (s->mode == SANDBOX_OFF)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		s->no_landlock = "no_new_privs cannot be set";
		return without(
		    s, -errno, "no_new_privs", strerror(errno), reterr);
	}
	s->no_new_privileges = true;
	if (!sandbox_has_landlock(s))
		return without(s, -ENOSYS, "Landlock", s->no_landlock, reterr);
	int error = landlock_restrict(&rules, &s->places);

	if (error < 0) {
		s->no_landlock = strerrordesc_np(-error);
		return without(s, error, "Landlock", s->no_landlock, reterr);
	}
	s->landlock = landlock_abi();
	return 0;
}

bool sandbox_is_elsewhere(const struct sandbox *s, const char *file)
{
	scoped_free char *real = realpath(file, NULL);
	scoped_free char *dir = landlock_directory(real ? real : file);
	struct stat st;

	if (!s->landlock || s->places.above || stat(dir, &st) < 0)
		return false;
	for (unsigned i = 0; i < s->places.n; i++) {
		if (s->places.at[i].device == st.st_dev &&
		    s->places.at[i].inode == st.st_ino)
			return false;
	}
	return true;
}

/* ---- calls ------------------------------------------------------------ */

int sandbox_calls(struct sandbox *s, struct diag *reterr)
{
	if (s->mode == SANDBOX_OFF)
		return 0;
	int error = calls_restrict(s->uses);

	if (error < 0) {
		s->no_calls = strerrordesc_np(-error);
		return without(s, error, "seccomp", s->no_calls, reterr);
	}
	s->calls = true;
	return 0;
}

/* ---- the log ---------------------------------------------------------- */

void sandbox_log(const struct sandbox *s)
{
	char landlock[sizeof(s->places.text) + 160], calls[160];

	if (s->mode == SANDBOX_OFF) {
		log_info("sandbox: off");
		return;
	}
	if (s->landlock) {
		(void)snprintf(landlock, sizeof(landlock),
		    "Landlock (ABI %d): writes below %s alone, executes "
		    "nothing",
		    s->landlock, s->places.text);
	} else {
		(void)snprintf(landlock, sizeof(landlock), "no Landlock: %s",
		    s->no_landlock);
	}
	(void)snprintf(calls, sizeof(calls), "%s%s",
	    s->calls ? "seccomp" : "no seccomp: ", s->calls ? "" : s->no_calls);
	log_info("sandbox: %s; %s; %s",
	    s->no_new_privileges ? "no new privileges"
	                         : "new privileges are possible",
	    calls, landlock);
}
