// SPDX-License-Identifier: BSD-2-Clause
/*
 * A file of serials is read whole or called damaged; what was read is read
 * again after it was written, and nothing of it went back.
 */
#include "dnsd/publication/serials.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *directory(void)
{
	static char dir[32];

	if (!dir[0]) {
		strcpy(dir, "/tmp/rollcall-fuzz-XXXXXX");
		if (!mkdtemp(dir))
			abort();
	}
	return dir;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct serials s = { 0 }, again = { 0 };
	struct diag err;
	char file[64];
	int fd, error;

	(void)snprintf(file, sizeof(file), "%s/dnsd-serials", directory());
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
	error = serials_read(directory(), &s, &err);
	assert(!error || error == -EBADMSG || error == -EFBIG);
	if (!error) {
		error = serials_write(directory(), &s, 1, &err);
		assert(!error);
		error = serials_read(directory(), &again, &err);
		assert(!error);
		assert(again.n == s.n);
		for (unsigned i = 0; i < s.n; i++)
			assert(serials_find(&again, &s.item[i].zone));
	}
	serials_release(&s);
	serials_release(&again);
	return 0;
}
