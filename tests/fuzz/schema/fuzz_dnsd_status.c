// SPDX-License-Identifier: BSD-2-Clause
/* What lies beside a registry under the name of a status file is one, within
   its bounds, or is passed over. */
#include "schema/dnsd_status.h"

#include <assert.h>
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
	struct arena *a = arena_new();
	struct dnsd_status *all;
	char registry[64], file[128];
	unsigned n;
	int fd;

	(void)snprintf(
	    registry, sizeof(registry), "%s/registry.db", directory());
	(void)snprintf(
	    file, sizeof(file), "%s.dnsd-127.0.0.1:53.status", registry);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
	if (dnsd_status_read_all(registry, 0, a, &all, &n) < 0)
		n = 0;
	assert(n <= 1);
	for (unsigned i = 0; i < n; i++) {
		assert(all[i].address_n <= DNSD_STATUS_ADDRESSES_MAX);
		assert(all[i].zone_n <= DNSD_STATUS_ZONES_MAX);
		assert(all[i].version && all[i].registry_id);
		assert(all[i].trouble && all[i].last_error);
		for (unsigned z = 0; z < all[i].zone_n; z++) {
			assert(dnsd_status_find_zone(
			    &all[i], all[i].zones[z].name));
		}
		(void)dnsd_status_is_alive(&all[i], 0);
	}
	arena_free(a);
	return 0;
}
