// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/password.h"

#include "registrar/lib/secret.h"

#include <string.h>

int password_read(const char *path, char buf[PASSWORD_MAX], struct diag *reterr)
{
	buf[0] = '\0';
	if (!path)
		return 0;
	size_t len;
	int r = secret_read_file(
	    path, "a password", buf, PASSWORD_MAX, &len, reterr);

	if (r < 0)
		return r;
	buf[strcspn(buf, "\r\n")] = '\0';
	return 0;
}
