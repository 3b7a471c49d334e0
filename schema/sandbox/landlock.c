// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rights that a ruleset handles are denied everywhere but where a rule grants
 * them. Reading is handled of who needs none any more. A rule belongs to the
 * directory that is found now, not to its name: if another one takes its place,
 * that is not writable.
 */
#include "schema/sandbox/landlock.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/landlock.h of Linux 6.12, and since which ABI */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,     /* 2 */
	FS_TRUNCATE = 1 << 14,  /* 3 */
	FS_IOCTL_DEV = 1 << 15, /* 5 */
	NET_BIND_TCP = 1 << 0,  /* 4 */
	SCOPE_SIGNAL = 1 << 1,  /* 6 */
	RULE_PATH_BENEATH = 1,
	CREATE_RULESET_VERSION = 1 << 0,
};

struct ruleset_attr {
	uint64_t fs;
	uint64_t net;   /* ABI 4 */
	uint64_t scope; /* ABI 6 */
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* What SQLite does in the directory of a database. */
#define FS_DATABASE (FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG | FS_TRUNCATE)

int landlock_abi(void)
{
	long abi = syscall(
	    SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

/* ---- rules ------------------------------------------------------------ */

static struct ruleset_attr handled(const struct landlock_rules *rules, int abi)
{
	struct ruleset_attr a = { .fs = FS_EXECUTE | FS_WRITE_FILE |
		                        FS_REMOVE_DIR | FS_REMOVE_FILE |
		                        FS_MAKE_CHAR | FS_MAKE_DIR |
		                        FS_MAKE_REG | FS_MAKE_SOCK |
		                        FS_MAKE_FIFO | FS_MAKE_BLOCK |
		                        FS_MAKE_SYM };

	if (rules->is_blind)
		a.fs |= FS_READ_FILE | FS_READ_DIR;
	if (abi >= 2)
		a.fs |= FS_REFER;
	if (abi >= 3)
		a.fs |= FS_TRUNCATE;
	if (abi >= 5)
		a.fs |= FS_IOCTL_DEV;
	if (abi >= 4 && !rules->may_bind)
		a.net |= NET_BIND_TCP;
	if (abi >= 6 && !rules->may_signal)
		a.scope |= SCOPE_SIGNAL;
	return a;
}

/* An older kernel refuses a structure that is longer than its own. */
static size_t attr_len(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset_attr);
	return abi >= 4 ? offsetof(struct ruleset_attr, scope)
	                : offsetof(struct ruleset_attr, net);
}

static int allow(int ruleset, const char *path, uint64_t rights)
{
	scoped_fd int fd = open(path, O_PATH | O_CLOEXEC);
	const struct path_beneath_attr rule = { .allowed = rights,
		.parent_fd = fd };

	if (fd < 0)
		return -errno;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule,
	           0) < 0
	           ? -errno
	           : 0;
}

/* ---- where files are written ------------------------------------------ */

char *landlock_directory(const char *file)
{
	scoped_free char *copy = xstrdup(file);

	return xstrdup(dirname(copy));
}

static void note(struct sandbox_places *p, const char *dir)
{
	size_t have = strlen(p->text);
	struct stat st;

	(void)snprintf(p->text + have, sizeof(p->text) - have, "%s'%s'",
	    have ? " and " : "", dir);
	if (stat(dir, &st) < 0 || p->n == SANDBOX_PLACES_MAX)
		return;
	p->at[p->n].device = st.st_dev;
	p->at[p->n++].inode = st.st_ino;
}

/* Allows dir, or what is nearest above it. */
static int allow_nearest(
    int ruleset, const char *dir, uint64_t rights, struct sandbox_places *p)
{
	scoped_free char *at = xstrdup(dir);
	int error;

	while ((error = allow(ruleset, at, rights)) == -ENOENT &&
	       strcmp(at, "/") != 0 && strcmp(at, ".") != 0) {
		char *above = landlock_directory(at);

		p->above = true;
		free(at);
		at = above;
	}
	if (error == 0)
		note(p, at);
	return error;
}

/* Where the link at path leads, or NULL: it is none. */
static char *follow_link(const char *path, const char *dir)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return NULL;
	target[n] = '\0';
	return target[0] == '/' ? xstrdup(target)
	                        : xasprintf("%s/%s", dir, target);
}

/* SQLite keeps the log of a database beside where its name leads. */
static int allow_file(
    int ruleset, const char *file, uint64_t rights, struct sandbox_places *p)
{
	scoped_free char *at = xstrdup(file);
	int error = 0;

	for (int links = 0; at && links < SANDBOX_PLACES_MAX && !error;
	     links++) {
		scoped_free char *dir = landlock_directory(at);
		char *next = follow_link(at, dir);

		error = allow_nearest(ruleset, dir, rights, p);
		free(at);
		at = next;
	}
	return error;
}

int landlock_restrict(
    const struct landlock_rules *rules, struct sandbox_places *ret_places)
{
	int abi = landlock_abi();
	const struct ruleset_attr attr = handled(rules, abi);
	const uint64_t database = FS_DATABASE & attr.fs;
	scoped_fd int ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, attr_len(abi), 0);

	if (ruleset < 0)
		return -errno;
	*ret_places = (struct sandbox_places){ .n = 0 };
	int error = rules->file
	                ? allow_file(ruleset, rules->file, database, ret_places)
	                : 0;

	if (!error && rules->directory) {
		error = allow_nearest(
		    ruleset, rules->directory, database, ret_places);
	}
	/* where libraries let descriptors lead that they want nothing of */
	if (!error)
		(void)allow(ruleset, "/dev/null", FS_WRITE_FILE);
#ifdef SANDBOX_COUNTS_BELOW
	/* -DCOVERAGE=ON: programs write their counts when they end */
	if (!error)
		(void)allow(ruleset, SANDBOX_COUNTS_BELOW, database);
#endif
	if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		error = -errno;
	return error;
}
