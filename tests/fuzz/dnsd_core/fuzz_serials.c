// SPDX-License-Identifier: BSD-2-Clause
/*
 * A file of serials is read whole or called damaged; what was read is read
 * again after it was written, and nothing of it went back. The first octet
 * says whether a checksum that is right goes behind the text: none would be
 * found by chance.
 */
#include "dnsd/message/wire/siphash.h"
#include "dnsd/publication/serials.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void write_file(
    const char *path, const uint8_t *text, size_t len, bool right)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "serials of zones";
	FILE *f = fopen(path, "we");

	if (!f || fwrite(text, 1, len, f) != len)
		abort();
	/* the sum is of all before its line */
	if (right && len) {
		(void)fprintf(f, "sum %016llx\n",
		    (unsigned long long)siphash(key, text, len));
	}
	if (fclose(f) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct serials s = { 0 }, again = { 0 };
	struct diag err;
	char file[64];
	int error;

	if (!len)
		return 0;
	(void)snprintf(file, sizeof(file), "%s/dnsd-serials", directory());
	write_file(file, data + 1, len - 1, data[0] & 1);
	error = serials_read(directory(), &s, &err);
	assert(!error || error == -EBADMSG);
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
