// SPDX-License-Identifier: BSD-2-Clause
/*
 * inotify says that something happened; what is looked at then is every file,
 * by what stat(2) tells of it and of what it includes. That is a few
 * microseconds a file, and right whichever way a file was written. Events are
 * collected for a moment, so that a set of files that is copied in comes as
 * one. A look every ten seconds finds what inotify does not tell: included
 * files in other directories.
 */
#include "dnsd/zonedir.h"

#include "dnsd/apex.h"
#include "dnsd/catalog.h"
#include "dnsd/options.h"
#include "dnsd/zonefile.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	SETTLE_MS = 20, /* after an event */
	SAFETY_LOOK_MS = 10000,
};

/* A file that is there, and what it gave. */
struct served {
	char *file;
	struct zonefile read; /* its last reading, good or not */
	struct zone *zone;    /* its last good version; NULL: none */
	bool is_there;
};

struct zonedir {
	const struct options *options;
	struct catalog *catalog;
	struct served **served; /* by file name */
	unsigned served_n;
	int fd;        /* of the directory; -1: not open */
	int notify_fd; /* -1: no inotify */
	int watch;     /* -1: none */
	int complaint; /* the error that was logged last; 0: all is well */
	struct event *notified, *settled, *safety_look;
};

/* ---- one file --------------------------------------------------------- */

static void zone_text(const struct zone *z, char ret_text[DNAME_TEXT_MAX])
{
	dname_to_text(z->name.lower, ret_text);
}

/* The zone goes, or goes back to what the options say. */
static void withdraw(struct zonedir *d, struct served *s)
{
	struct zone_image *image;
	char text[DNAME_TEXT_MAX];
	struct diag diag;

	if (!s->zone)
		return;
	zone_text(s->zone, text);
	if (!s->zone->has_services) {
		catalog_remove_zone(d->catalog, s->zone);
		log_info("zone '%s' is no longer served", text);
	} else if (apex_image(d->options, s->zone, &image, &diag) < 0) {
		log_warn("zone '%s' keeps its records: %s", text, diag.text);
	} else {
		catalog_set_image(d->catalog, s->zone, image);
		log_info("zone '%s' has no file any more", text);
	}
	s->zone = NULL;
}

static const struct served *owner_of(
    const struct zonedir *d, const struct zone *z)
{
	for (unsigned i = 0; i < d->served_n; i++) {
		if (d->served[i]->zone == z)
			return d->served[i];
	}
	return NULL;
}

static struct zone *take_zone(
    struct zonedir *d, struct served *s, struct zone_image *image)
{
	const struct dname *apex = &s->read.apex;
	struct zone *z = catalog_find_zone(d->catalog, apex);

	if (z) {
		if (z->has_services && z != s->zone) {
			log_warn("zone file '%s': its records take the place "
			         "of those made from the options, and go "
			         "before services of the same name and type",
			    s->file);
		}
		catalog_set_image(d->catalog, z, image);
		return z;
	}
	z = zone_new(apex, catalog_seed(d->catalog));
	(void)zone_set_image(z, image);
	catalog_add_zone(d->catalog, z);
	return z;
}

static void publish(struct zonedir *d, struct served *s)
{
	struct zone_image *image = s->read.image;
	struct zone *z = catalog_find_zone(d->catalog, &s->read.apex);
	const struct served *other = z && z != s->zone ? owner_of(d, z) : NULL;

	s->read.image = NULL;
	if (other) {
		log_warn("zone file '%s': found the zone of '%s', expected "
		         "another",
		    s->file, other->file);
		zone_image_free(image);
		return;
	}
	if (z != s->zone)
		withdraw(d, s);
	s->zone = take_zone(d, s, image);
}

static void load(struct zonedir *d, struct served *s)
{
	int64_t start_ms = clock_mono_ms();
	char text[DNAME_TEXT_MAX];
	struct diag diag;

	zonefile_release(&s->read);
	if (zonefile_load(d->fd, s->file, catalog_seed(d->catalog), &s->read,
	        &diag) < 0) {
		log_warn("zone file %s; %s", diag.text,
		    s->zone ? "answering with the last good version"
		            : "the zone is not served");
		return;
	}
	const struct zone_image *m = s->read.image;
	unsigned rr_n = m->rr_n;
	uint32_t serial = m->serial;
	size_t len = m->len;
	publish(d, s);
	if (!s->zone)
		return;
	zone_text(s->zone, text);
	log_info("zone '%s' loaded file=%s serial=%u records=%u octets=%zu "
	         "ms=%lld",
	    text, s->file, serial, rr_n, len,
	    (long long)(clock_mono_ms() - start_ms));
}

/* ---- all files -------------------------------------------------------- */

static void served_free(struct served *s)
{
	zonefile_release(&s->read);
	free(s->file);
	free(s);
}

static int by_file(const void *a, const void *b)
{
	const struct served *const *x = a, *const *y = b;

	return strcmp((*x)->file, (*y)->file);
}

static struct served *find_served(const struct zonedir *d, char *file)
{
	struct served key = { .file = file };
	const struct served *k = &key;
	struct served **found = d->served_n
	                            ? bsearch(&k, d->served, d->served_n,
	                                  sizeof(struct served *), by_file)
	                            : NULL;

	return found ? *found : NULL;
}

static int is_zone_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 &&
	       !strcmp(e->d_name + len - 5, ".zone");
}

/* Files that are new go into d->served, not yet sorted. */
static void note_file(struct zonedir *d, char *file, unsigned sorted_n)
{
	unsigned all = d->served_n;

	d->served_n = sorted_n;
	struct served *s = find_served(d, file);
	d->served_n = all;
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->file = xstrdup(file);
		d->served = xreallocarray(
		    d->served, d->served_n + 1, sizeof(struct served *));
		d->served[d->served_n++] = s;
	}
	s->is_there = true;
}

static void drop_missing(struct zonedir *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->served_n; i++) {
		struct served *s = d->served[i];

		if (s->is_there) {
			d->served[n++] = s;
			continue;
		}
		withdraw(d, s);
		served_free(s);
	}
	d->served_n = n;
}

/* One line for each new kind of trouble, one when it is over. */
static void complain(struct zonedir *d, int error)
{
	if (error && d->complaint != error) {
		log_warn("cannot read zones '%s': %s; answering with the last "
		         "good data",
		    d->options->zone_directory, strerror(error));
	}
	if (!error && d->complaint) {
		log_info("zones '%s' are being followed again",
		    d->options->zone_directory);
	}
	d->complaint = error;
}

static void open_directory(struct zonedir *d)
{
	const char *path = d->options->zone_directory;

	if (d->fd >= 0)
		close(d->fd);
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->notify_fd >= 0) {
		d->watch = inotify_add_watch(d->notify_fd, path,
		    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
		        IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
	}
}

static int list(struct zonedir *d)
{
	struct dirent **entry;
	unsigned sorted_n = d->served_n;
	int n;

	open_directory(d);
	if (d->fd < 0)
		return errno;
	n = scandirat(d->fd, ".", &entry, is_zone_file, alphasort);
	if (n < 0)
		return errno;
	for (unsigned i = 0; i < d->served_n; i++)
		d->served[i]->is_there = false;
	for (int i = 0; i < n; i++) {
		note_file(d, entry[i]->d_name, sorted_n);
		free(entry[i]);
	}
	free(entry);
	drop_missing(d);
	qsort(d->served, d->served_n, sizeof(struct served *), by_file);
	return 0;
}

void zonedir_look(struct zonedir *d)
{
	int error = list(d);

	complain(d, error);
	if (error)
		return;
	for (unsigned i = 0; i < d->served_n; i++) {
		struct served *s = d->served[i];

		if (!s->read.stamps.n ||
		    stamps_are_stale(d->fd, &s->read.stamps))
			load(d, s);
	}
}

int zonedir_check(const struct options *o, struct diag *reterr)
{
	struct dirent **entry;
	struct zonefile z;
	int wrong = 0;
	int n = scandir(o->zone_directory, &entry, is_zone_file, alphasort);
	int fd = open(o->zone_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (n < 0 || fd < 0) {
		return diag_set(reterr, -errno, "cannot read zones '%s': %s",
		    o->zone_directory, strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		if (zonefile_load(fd, entry[i]->d_name, 1, &z, reterr) < 0) {
			log_error("zone file %s", reterr->text);
			wrong++;
		}
		zonefile_release(&z);
		free(entry[i]);
	}
	free(entry);
	close(fd);
	return wrong;
}

/* ---- when to look ----------------------------------------------------- */

static void start(struct event *e, int ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000L };

	event_add(e, &t);
}

static void on_settled(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	zonedir_look(arg);
}

static void on_safety_look(evutil_socket_t fd, short what, void *arg)
{
	struct zonedir *d = arg;

	(void)fd;
	(void)what;
	zonedir_look(d);
	start(d->safety_look, SAFETY_LOOK_MS);
}

static void on_notified(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char buffer[16 * 1024];
	struct zonedir *d = arg;

	(void)what;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		continue;
	start(d->settled, SETTLE_MS);
}

/* ---- life ------------------------------------------------------------- */

struct zonedir *zonedir_new(
    struct event_base *base, const struct options *o, struct catalog *c)
{
	struct zonedir *d = xcalloc(1, sizeof(*d));

	d->options = o;
	d->catalog = c;
	d->fd = d->watch = -1;
	d->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (d->notify_fd < 0) {
		log_warn("no inotify, zone files are looked at every %d s: %s",
		    SAFETY_LOOK_MS / 1000, strerror(errno));
	}
	d->settled = evtimer_new(base, on_settled, d);
	d->safety_look = evtimer_new(base, on_safety_look, d);
	if (d->notify_fd >= 0) {
		d->notified = event_new(
		    base, d->notify_fd, EV_READ | EV_PERSIST, on_notified, d);
		event_add(d->notified, NULL);
	}
	on_safety_look(-1, 0, d);
	return d;
}

void zonedir_free(struct zonedir *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->served_n; i++)
		served_free(d->served[i]);
	free(d->served);
	if (d->notified)
		event_free(d->notified);
	event_free(d->settled);
	event_free(d->safety_look);
	if (d->notify_fd >= 0)
		close(d->notify_fd);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}
