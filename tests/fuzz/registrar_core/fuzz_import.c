// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any text, read as any format: refused, each problem on a line that has a
 * place, or taken; and nothing is written of what is only looked at.
 */
#include "registrar/exchange/import.h"
#include "schema/registry.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One registry for the whole run: nothing is ever put into it. */
static const char *registry(void)
{
	static char path[64];

	if (!path[0]) {
		char dir[] = "/tmp/rollcall-fuzz-XXXXXX";
		struct registry *r;
		struct diag err;

		if (!mkdtemp(dir))
			abort();
		(void)snprintf(path, sizeof(path), "%s/registry.db", dir);
		if (registry_open(path, REGISTRY_WRITE, &r, &err) < 0)
			abort();
		registry_close(r);
	}
	return path;
}

static void on_change(const char *line)
{
	assert(line[0]);
	assert(!strchr(line, '\n'));
}

static void check_diags(const struct diags *d)
{
	assert(d->n <= DIAGS_MAX);
	for (unsigned i = 0; i < d->n; i++)
		assert(d->items[i].text[0] && !strchr(d->items[i].text, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct import_result result = { 0 };
	struct diags errors = { 0 };
	char file[32];
	int fd, error;

	if (!len)
		return 0;
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, len - 1) != (ssize_t)(len - 1))
		abort();
	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	const struct import_config c = { .registry = registry(),
		.zone = "svc.internal",
		.address = "127.0.0.1",
		.file = file,
		.format = (enum exchange_format)(data[0] % 5) + FORMAT_AUTO,
		.would = on_change };

	error = import_run(&c, &result, &errors);
	assert(error <= 0);
	assert(!error || errors.n);
	check_diags(&errors);
	check_diags(&result.left_out);
	close(fd);
	return 0;
}
