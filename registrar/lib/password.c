// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/password.h"

#include "registrar/lib/secret.h"

#include <string.h>

int password_take(const struct fetch *f, const char *path,
    char buf[PASSWORD_MAX], struct diag *reterr)
{
	buf[0] = '\0';
	if (!path)
		return 0;
	struct fetched is = { 0 };
	int r =
	    secret_take_file(f, path, "a password", PASSWORD_MAX, &is, reterr);

	if (r < 0)
		return r;
	memcpy(buf, is.text, is.len);
	buf[is.len] = '\0';
	buf[strcspn(buf, "\r\n")] = '\0';
	return 0;
}
