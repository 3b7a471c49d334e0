// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/zonelist.h"

#include "schema/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int is_zone_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 &&
	       !strcmp(e->d_name + len - 5, ZONE_SUFFIX);
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

int zonelist_read(struct zonelist *ret_l, int dir_fd)
{
	struct dirent **entry;
	int n = scandirat(dir_fd, ".", &entry, is_zone_file, NULL);

	if (n < 0)
		return -errno;
	*ret_l = (struct zonelist){ xcalloc((size_t)n + 1, sizeof(char *)),
		(unsigned)n };
	for (int i = 0; i < n; i++) {
		ret_l->file[i] = xstrdup(entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	qsort(ret_l->file, ret_l->n, sizeof(char *), by_name);
	return 0;
}

void zonelist_release(struct zonelist *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->file[i]);
	free(l->file);
	*l = (struct zonelist){ 0 };
}
