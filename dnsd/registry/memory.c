// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/registry/memory.h"

#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	LOOK_MS = 100,       /* limits may be put on a process that runs */
	TRIM_MS = 1000,      /* between two times that free pages go back */
	RESERVE = 16 << 20,  /* for reading, and for what is being replaced */
	RESERVE_OF_USED = 8, /* and this part of what is used */
	LEVELS_MAX = 16,     /* of cgroups, one in another */
	PATH_LEN = 512,
};

struct memory {
	int64_t left, look_at_ms, trim_at_ms;
	char cgroup[PATH_LEN]; /* its directory; "": there is none */
	size_t mount_len;      /* of that, where the hierarchy begins */
	bool is_v1;
};

/* ---- what is used, and how much may be --------------------------------- */

static void limit(struct memory *m, int64_t used, int64_t most)
{
	int64_t reserve = most / 8 < RESERVE ? most / 8 : RESERVE;
	int64_t left = most - used - reserve - used / RESERVE_OF_USED;

	if (left < m->left)
		m->left = left;
}

static bool read_file(const char *path, char *text, size_t room)
{
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, room - 1);

	text[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/* As the kernel counts for the two limits, but for what malloc() has free. */
static void look_at_process(struct memory *m)
{
	long long page = sysconf(_SC_PAGESIZE), size = 0, data = 0;
	struct rlimit all, of_data;
	char text[256];

	if (getrlimit(RLIMIT_AS, &all) < 0 ||
	    getrlimit(RLIMIT_DATA, &of_data) < 0 ||
	    (all.rlim_cur == RLIM_INFINITY &&
	        of_data.rlim_cur == RLIM_INFINITY))
		return;
	if (!read_file("/proc/self/statm", text, sizeof(text)) ||
	    // NOLINTNEXTLINE(cert-err34-c): the kernel's, in range
	    sscanf(text, "%lld %*d %*d %*d %*d %lld", &size, &data) != 2)
		return;
	int64_t spare = (int64_t)mallinfo2().fordblks;
	if (all.rlim_cur != RLIM_INFINITY)
		limit(m, size * page - spare, (int64_t)all.rlim_cur);
	if (of_data.rlim_cur != RLIM_INFINITY)
		limit(m, data * page - spare, (int64_t)of_data.rlim_cur);
}

/* -1: it says none. */
static int64_t read_number(const char *dir, const char *name, const char *key)
{
	char path[PATH_LEN + 64], text[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!read_file(path, text, sizeof(text)))
		return -1;
	const char *at = key ? strstr(text, key) : text;
	if (!at || (key && at != text && at[-1] != '\n'))
		return -1;
	at += key ? strlen(key) : 0;
	return *at == 'm' ? -1 : strtoll(at, NULL, 10); /* "max" */
}

/* What files have in memory is given up before anybody is killed. */
static void look_at_cgroup(struct memory *m, const char *dir)
{
	int64_t most = read_number(
	    dir, m->is_v1 ? "memory.limit_in_bytes" : "memory.max", NULL);
	int64_t used = read_number(
	    dir, m->is_v1 ? "memory.usage_in_bytes" : "memory.current", NULL);
	int64_t files = read_number(
	    dir, "memory.stat", m->is_v1 ? "total_cache " : "file ");

	if (most > 0 && used >= 0)
		limit(m, used - (files > 0 ? files : 0), most);
}

static void look_at_cgroups(struct memory *m)
{
	char dir[PATH_LEN];

	(void)snprintf(dir, sizeof(dir), "%s", m->cgroup);
	for (int n = 0; n < LEVELS_MAX && strlen(dir) > m->mount_len; n++) {
		look_at_cgroup(m, dir);
		*strrchr(dir, '/') = '\0';
	}
}

static void look(struct memory *m)
{
	m->left = INT64_MAX;
	m->look_at_ms = clock_mono_ms() + LOOK_MS;
	look_at_process(m);
	look_at_cgroups(m);
}

/* ---- where its cgroup is ----------------------------------------------- */

/* Lines are "0::/system.slice/…" or, in version 1, "4:memory:/…". */
static void find_cgroup(struct memory *m)
{
	static const char v1[] = ":memory:", v2[] = "0::";
	char text[4096];

	if (!read_file("/proc/self/cgroup", text, sizeof(text)))
		return;
	const char *at = strstr(text, v1), *mount = "/sys/fs/cgroup/memory";
	m->is_v1 = at != NULL;
	if (at) {
		at += sizeof(v1) - 1;
	} else if ((at = strstr(text, v2))) {
		at += sizeof(v2) - 1;
		mount = "/sys/fs/cgroup";
	}
	if (!at || strcspn(at, "\n") + strlen(mount) >= PATH_LEN)
		return;
	m->mount_len = strlen(mount);
	(void)snprintf(m->cgroup, sizeof(m->cgroup), "%s%.*s", mount,
	    (int)strcspn(at, "\n"), at);
}

struct memory *memory_new(void)
{
	struct memory *m = xcalloc(1, sizeof(*m));

	find_cgroup(m);
	return m;
}

void memory_free(struct memory *m)
{
	free(m);
}

bool memory_allows(struct memory *m, size_t more)
{
	int64_t need = (int64_t)more, now_ms = clock_mono_ms();

	if (now_ms >= m->look_at_ms)
		look(m);
	if (m->left < need && now_ms >= m->trim_at_ms) {
		(void)malloc_trim(0);
		m->trim_at_ms = now_ms + TRIM_MS;
		look(m);
	}
	if (m->left < need)
		return false;
	if (m->left != INT64_MAX)
		m->left -= need;
	return true;
}
