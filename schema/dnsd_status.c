// SPDX-License-Identifier: BSD-2-Clause
#include "schema/dnsd_status.h"

#include "schema/base/replace.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "rollcall-dnsd 1"
#define BEFORE ".dnsd-"
#define BEHIND ".status"
#define PULSE ".lock"
#define FILE_MAX 262144 /* octets */
#define FILES_MAX 64

uint64_t dnsd_status_pid_space(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) < 0 ? 0 : (uint64_t)st.st_ino;
}

/* ---- writing ---------------------------------------------------------- */

static void put_text(FILE *f, const char *key, const char *value)
{
	(void)fprintf(f, "%s ", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		(void)fputc(c < 0x20 || c == 0x7f ? '?' : c, f);
	}
	(void)fputc('\n', f);
}

static void put_number(FILE *f, const char *key, int64_t value)
{
	(void)fprintf(f, "%s %lld\n", key, (long long)value);
}

static void print(FILE *f, const struct dnsd_status *s)
{
	(void)fputs(MAGIC "\n", f);
	put_number(f, "pid", s->pid);
	(void)fprintf(f, "pid_space %llu\n", (unsigned long long)s->pid_space);
	put_text(f, "version", s->version);
	put_number(f, "started_wall_ms", s->started_wall_ms);
	put_number(f, "written_wall_ms", s->written_wall_ms);
	put_number(f, "ended_wall_ms", s->ended_wall_ms);
	for (unsigned k = 0; k < s->address_n; k++)
		put_text(f, "address", s->addresses[k]);
	put_text(f, "registry_id", s->registry_id);
	put_number(f, "revision", s->revision);
	put_text(f, "trouble", s->trouble);
	put_text(f, "last_error", s->last_error);
	put_number(f, "last_error_wall_ms", s->last_error_wall_ms);
	for (unsigned k = 0; k < s->zone_n; k++) {
		(void)fprintf(f, "zone %s %lld\n", s->zones[k].name,
		    (long long)s->zones[k].publication);
	}
	put_number(f, "other_zones", s->other_n);
}

char *dnsd_status_pulse_path(const char *registry, const char *address)
{
	return xasprintf("%s" BEFORE "%.*s" PULSE, registry,
	    (int)strcspn(address, " /"), address);
}

int dnsd_status_write(
    const char *registry, const struct dnsd_status *s, struct diag *reterr)
{
	const char *first = s->address_n ? s->addresses[0] : "none";
	scoped_free char *path = xasprintf("%s" BEFORE "%.*s" BEHIND, registry,
	    (int)strcspn(first, " /"), first);
	scoped_free char *copy = xstrdup(path), *again = xstrdup(path);
	scoped_free char *text = NULL;
	size_t len;
	scoped_fd int fd =
	    open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 ? -errno : 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort(); /* out of memory */
	print(f, s);
	(void)fclose(f);
	if (!error) {
		error =
		    replace_file(fd, basename(again), text, len, REPLACE_SOON);
	}

	if (!error)
		return 0;
	return diag_set(
	    reterr, error, "cannot write '%s': %s", path, strerror(-error));
}

/* ---- reading ---------------------------------------------------------- */

struct reading {
	struct arena *arena;
	struct dnsd_status *s;
	unsigned zone_max;
};

static void take_zone(struct reading *r, char *value)
{
	struct dnsd_status *s = r->s;
	char *blank = strchr(value, ' ');

	if (!blank || s->zone_n == r->zone_max)
		return;
	*blank = '\0';
	s->zones[s->zone_n++] = (struct dnsd_status_zone){
		.name = arena_strdup(r->arena, value),
		.publication = strtoll(blank + 1, NULL, 10),
	};
}

static const char **text_of(struct dnsd_status *s, const char *key)
{
	if (!strcmp(key, "version"))
		return &s->version;
	if (!strcmp(key, "registry_id"))
		return &s->registry_id;
	if (!strcmp(key, "trouble"))
		return &s->trouble;
	return strcmp(key, "last_error") ? NULL : &s->last_error;
}

static int64_t *number_of(struct dnsd_status *s, const char *key)
{
	if (!strcmp(key, "started_wall_ms"))
		return &s->started_wall_ms;
	if (!strcmp(key, "written_wall_ms"))
		return &s->written_wall_ms;
	if (!strcmp(key, "ended_wall_ms"))
		return &s->ended_wall_ms;
	if (!strcmp(key, "revision"))
		return &s->revision;
	return strcmp(key, "last_error_wall_ms") ? NULL
	                                         : &s->last_error_wall_ms;
}

static void take(struct reading *r, const char *key, char *value)
{
	struct dnsd_status *s = r->s;
	const char **text = text_of(s, key);
	int64_t *number = number_of(s, key);

	if (text) {
		*text = arena_strdup(r->arena, value);
	} else if (number) {
		*number = strtoll(value, NULL, 10);
	} else if (!strcmp(key, "zone")) {
		take_zone(r, value);
	} else if (!strcmp(key, "address") &&
	           s->address_n < DNSD_STATUS_ADDRESSES_MAX) {
		s->addresses[s->address_n++] = arena_strdup(r->arena, value);
	} else if (!strcmp(key, "pid")) {
		s->pid = (int)strtol(value, NULL, 10);
	} else if (!strcmp(key, "pid_space")) {
		s->pid_space = strtoull(value, NULL, 10);
	} else if (!strcmp(key, "other_zones")) {
		s->other_n = (unsigned)strtoul(value, NULL, 10);
	}
}

static bool parse(struct reading *r, char *text)
{
	char *rest = text, *line = strsep(&rest, "\n");

	if (strcmp(line, MAGIC) != 0)
		return false;
	for (const char *p = rest; p && (p = strstr(p, "zone ")); p++)
		r->zone_max++;
	if (r->zone_max > DNSD_STATUS_ZONES_MAX)
		r->zone_max = DNSD_STATUS_ZONES_MAX;
	r->s->zones =
	    arena_alloc(r->arena, r->zone_max + 1, sizeof(*r->s->zones));
	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		take(r, line, value);
	}
	return r->s->address_n && r->s->pid > 0;
}

/* NULL: it cannot be read, or is no file of that size. */
static char *read_file(int directory, const char *name)
{
	scoped_fd int fd = openat(
	    directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	scoped_free char *text = xcalloc(1, FILE_MAX + 1);
	while (len < FILE_MAX && (n = read(fd, text + len, FILE_MAX - len)) > 0)
		len += (size_t)n;
	return len == FILE_MAX ? NULL : take_ptr(&text);
}

/* A number of ours, and nobody has it. */
static bool is_gone(const struct dnsd_status *s)
{
	return s->pid_space && s->pid_space == dnsd_status_pid_space() &&
	       kill(s->pid, 0) < 0 && errno == ESRCH;
}

static bool read_one(
    int directory, const char *name, struct arena *a, struct dnsd_status *ret_s)
{
	scoped_free char *text = read_file(directory, name);
	struct reading r = { .arena = a, .s = ret_s };

	*ret_s = (struct dnsd_status){ .version = "",
		.registry_id = "",
		.revision = -1,
		.trouble = "",
		.last_error = "" };
	if (!text || !parse(&r, text))
		return false;
	ret_s->gone = is_gone(ret_s);
	return true;
}

static bool is_status(const char *name, const char *registry)
{
	size_t len = strlen(name), begin = strlen(registry);
	size_t end = strlen(BEHIND);

	return len > begin + strlen(BEFORE) + end &&
	       !strncmp(name, registry, begin) &&
	       !strncmp(name + begin, BEFORE, strlen(BEFORE)) &&
	       !strcmp(name + len - end, BEHIND);
}

static int by_address(const void *a, const void *b)
{
	const struct dnsd_status *x = a, *y = b;

	return strcmp(x->addresses[0], y->addresses[0]);
}

static void look_at_pulse(
    const char *registry, struct dnsd_status *s, int64_t now_wall_ms)
{
	scoped_free char *path =
	    dnsd_status_pulse_path(registry, s->addresses[0]);

	pulse_look(path, s->pid, now_wall_ms, &s->pulse);
	s->gone |= s->pulse.sign == PULSE_GONE;
}

int dnsd_status_read_all(const char *registry, int64_t now_wall_ms,
    struct arena *a, struct dnsd_status **ret_all, unsigned *ret_n)
{
	scoped_free char *copy = xstrdup(registry), *again = xstrdup(registry);
	const char *file = basename(again);
	const struct dirent *entry;
	unsigned n = 0;
	DIR *d = opendir(dirname(copy));

	if (!d)
		return -errno;
	struct dnsd_status *all =
	    arena_alloc(a, FILES_MAX, sizeof(struct dnsd_status));
	while (n < FILES_MAX && (entry = readdir(d))) {
		if (is_status(entry->d_name, file) &&
		    read_one(dirfd(d), entry->d_name, a, &all[n]))
			look_at_pulse(registry, &all[n++], now_wall_ms);
	}
	(void)closedir(d);
	if (n)
		qsort(all, n, sizeof(*all), by_address);
	*ret_all = all;
	*ret_n = n;
	return 0;
}

/* ---- judging ---------------------------------------------------------- */

bool dnsd_status_is_alive(const struct dnsd_status *s, int64_t now_wall_ms)
{
	/* one from the future is of a clock that was set back since */
	return !s->ended_wall_ms && !s->gone &&
	       s->written_wall_ms > now_wall_ms - DNSD_STATUS_SILENT_MS;
}

const struct dnsd_status_zone *dnsd_status_find_zone(
    const struct dnsd_status *s, const char *zone)
{
	for (unsigned k = 0; k < s->zone_n; k++) {
		if (!strcmp(s->zones[k].name, zone))
			return &s->zones[k];
	}
	return NULL;
}
