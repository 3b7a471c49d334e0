// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/watchdir/trust.h"

#include "schema/conf/units.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

static bool is_trusted(uid_t uid, uid_t also)
{
	return uid == 0 || uid == geteuid() ||
	       (uid == also && also != TRUST_NOBODY);
}

int trust_check_mode(const struct stat *st, struct diag *reterr)
{
	bool dir = S_ISDIR(st->st_mode);

	if (S_ISLNK(st->st_mode) || /* its mode means nothing */
	    !(st->st_mode & (S_IWGRP | S_IWOTH)) ||
	    (dir && (st->st_mode & S_ISVTX)))
		return 0;
	return diag_set(reterr, -EPERM,
	    "found mode %04o, expected a %s that only its owner may write "
	    "to (chmod go-w)",
	    (unsigned)(st->st_mode & 07777), dir ? "directory" : "file");
}

int trust_check(const struct stat *st, uid_t also, struct diag *reterr)
{
	if (!is_trusted(st->st_uid, also)) {
		return diag_set(reterr, -EPERM,
		    "found a %s of user %u, expected one of root, of the "
		    "registrar's user or of --definition-owner",
		    S_ISDIR(st->st_mode)   ? "directory"
		    : S_ISLNK(st->st_mode) ? "link"
		                           : "file",
		    (unsigned)st->st_uid);
	}
	return trust_check_mode(st, reterr);
}

int trust_find_user(const char *name, uid_t *ret_uid, struct diag *reterr)
{
	int64_t number;

	if (!name) {
		*ret_uid = TRUST_NOBODY;
		return 0;
	}
	const struct passwd *p = getpwnam(name);

	if (p) {
		*ret_uid = p->pw_uid;
		return 0;
	}
	if (units_int(name, NULL, &number) < 0 || number < 0 ||
	    number >= UINT32_MAX) {
		return diag_set(reterr, -ENOENT,
		    "found '%s' for --definition-owner, expected a user", name);
	}
	*ret_uid = (uid_t)number;
	return 0;
}
