// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * sandbox - what a program that is taken over can still do: very little.
 *
 * Three things of the kernel, none of which can be undone. No new privileges
 * (set-user-ID programs are like others). Landlock: nothing is written but
 * below one directory, nothing is executed; reading stays as it is, for
 * definitions may name any file. seccomp: system calls that the program has
 * no use for fail (calls.h).
 *
 * Everything that needs a privilege comes before; what runs other programs
 * is a process that was forked before. The parts are told what a program
 * does, not which one it is.
 *
 * Landlock also hides other processes: whoever is restricted may not follow
 * /proc/PID/exe and /proc/PID/fd of those who are not (landlock(7), "Ptrace
 * restrictions"), and sees no process at all where /proc is mounted with
 * hidepid. Who needs them asks a process that was forked before, too.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <sys/types.h>

/* SANDBOX_AUTO is 0, the default. */
enum sandbox_mode {
	SANDBOX_AUTO, /* what this kernel has */
	SANDBOX_ON,   /* all of it, or an error */
	SANDBOX_OFF,
};
/* Their names, for tables of options; ends with NULL. */
extern const char *const sandbox_modes[];

/* What a program does after the start; a set. */
enum sandbox_use {
	SANDBOX_CONNECTS = 1,  /* makes sockets, to others and of netlink */
	SANDBOX_PROCESSES = 2, /* watches those of others, and sends signals */
	SANDBOX_BINDS = 4,     /* TCP ports, between both functions */
	SANDBOX_LOOKS = 8,     /* reads files, and talks on what it has open */
	SANDBOX_BLIND = 16,    /* opens no file or directory any more */
};

/* Directories in which files may be written, as they were at the start. */
#define SANDBOX_PLACES_MAX 8
struct sandbox_places {
	char text[512]; /* in quotes, for the log; cut */
	unsigned n;
	struct {
		dev_t device;
		ino_t inode;
	} at[SANDBOX_PLACES_MAX];
	bool above; /* one was not there: what is nearest above it is */
};

struct sandbox {
	enum sandbox_mode mode;
	unsigned uses; /* of enum sandbox_use */
	/* Where files are written too; NULL: nowhere. Borrowed. */
	const char *directory;
	/* what was put in force; begin with zeros */
	bool no_new_privileges, calls;
	int landlock; /* ABI; 0: none */
	struct sandbox_places places;
	const char *no_landlock, *no_calls; /* why not; static */
};

/*
 * Would sandbox_files() put Landlock in force? If not, s->no_landlock says
 * why.
 */
bool sandbox_has_landlock(struct sandbox *s);

/*
 * No new privileges, and Landlock: of all files only those in s->directory, in
 * the directory of `file`, and where symbolic links lead from there, are
 * written, made or removed from now on. A directory that is not there yet
 * stands for the nearest one above it that is. NULL: none is written. Holds for
 * this thread and for those that it starts, so it comes before them. -errno
 * only if s->mode is SANDBOX_ON.
 */
int sandbox_files(struct sandbox *s, const char *file, struct diag *reterr);

/* seccomp, for all threads that there are and will be. Errors as above. */
int sandbox_calls(struct sandbox *s, struct diag *reterr);

/*
 * Is the directory of `file` another one than at the start, so that nothing
 * can be written there? Landlock goes by directories, not by their names.
 */
bool sandbox_is_elsewhere(const struct sandbox *s, const char *file);

/* One line: what is in force, and why not more. */
void sandbox_log(const struct sandbox *s);
