// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who has a zone: the file that came with it first, until it is gone or says
 * another zone. A file whose zone another one has keeps what it had and waits
 * with what it read, unless that one is away: a file that was renamed hands its
 * zone over.
 */
#include "dnsd/zonefile/zonedir.h"

#include "dnsd/message/data/catalog.h"
#include "dnsd/options.h"
#include "dnsd/zonefile/apex.h"
#include "dnsd/zonefile/conflict.h"
#include "dnsd/zonefile/zonefile.h"
#include "dnsd/zonefile/zonelist.h"
#include "dnsd/zonefile/zonereader.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { NEWS_MAX = 32 /* taken up before others have their turn */ };

/* A file that is there, and what it gave. */
struct served {
	char *file;
	struct zone *zone;        /* its last good version; NULL: none */
	struct zonenews *waiting; /* for a zone that another file has */
	bool is_away;
	bool is_gone; /* and has no zone: to be freed */
};

struct zonedir {
	const struct options *options;
	struct catalog *catalog;
	struct zonereader *reader;
	struct event *arrived;
	struct served **served; /* by file name */
	unsigned served_n, served_room;
	unsigned waiting_n; /* of those */
	bool has_gone;      /* some of them are */
	int trouble;        /* the error that was logged last; 0: all is well */
	int unwatched;      /* the same, of what cannot be watched */
	/* A walk over all services, a part at a time. */
	struct event *walk;
	unsigned walk_at;
	struct zone *walk_zone; /* whose records are new; NULL: none */
	struct conflicts conflicts;
};

/* ---- files ------------------------------------------------------------ */

static unsigned place_of(
    const struct zonedir *d, const char *file, bool *ret_found)
{
	unsigned low = 0, high = d->served_n;

	*ret_found = false;
	while (low < high) {
		unsigned i = (low + high) / 2;
		int order = strcmp(d->served[i]->file, file);

		if (!order) {
			*ret_found = true;
			return i;
		}
		if (order < 0) {
			low = i + 1;
		} else {
			high = i;
		}
	}
	return low;
}

static struct served *served_of(struct zonedir *d, const char *file)
{
	bool found;
	unsigned i = place_of(d, file, &found);

	if (found)
		return d->served[i];
	struct served *s = xcalloc(1, sizeof(*s));
	s->file = xstrdup(file);
	if (d->served_n == d->served_room) {
		d->served_room = 2 * d->served_room + 16;
		d->served = xreallocarray(
		    d->served, d->served_room, sizeof(struct served *));
	}
	memmove(d->served + i + 1, d->served + i,
	    (d->served_n++ - i) * sizeof(struct served *));
	d->served[i] = s;
	return s;
}

static void served_free(struct served *s)
{
	zonenews_free(s->waiting);
	free(s->file);
	free(s);
}

/* Consumes n; NULL: it waits no longer. */
static void set_waiting(struct zonedir *d, struct served *s, struct zonenews *n)
{
	d->waiting_n += n ? 1 : 0;
	d->waiting_n -= s->waiting ? 1 : 0;
	zonenews_free(s->waiting);
	s->waiting = n;
}

static bool is_name_of(const struct zone *z, const struct dname *name)
{
	return z->name.len == name->len &&
	       !memcmp(z->name.lower, name->lower, name->len);
}

static struct served *waiting_for(const struct zonedir *d, const struct zone *z)
{
	for (unsigned i = 0; d->waiting_n && i < d->served_n; i++) {
		struct served *s = d->served[i];

		if (s->waiting && is_name_of(z, &s->waiting->apex))
			return s;
	}
	return NULL;
}

/* ---- zones ------------------------------------------------------------ */

static void zone_text(const struct zone *z, char ret_text[DNAME_TEXT_MAX])
{
	dname_to_text(z->name.lower, ret_text);
}

/* The zone goes, or goes back to what the options say. */
static void withdraw(struct zonedir *d, struct zone *z)
{
	struct zone_image *image;
	char text[DNAME_TEXT_MAX];
	struct diag diag;

	zone_text(z, text);
	if (!zone_follows(z)) {
		catalog_remove_zone(d->catalog, z);
		log_info("zone '%s' is no longer served", text);
	} else if (apex_image(d->options, z, &image, &diag) < 0) {
		log_warn("zone '%s' keeps its records: %s", text, diag.text);
	} else {
		catalog_set_image(d->catalog, z, image);
		log_info("zone '%s' has no file any more", text);
	}
}

/* z: the zone of that name, if there is one. */
static struct zone *put_image(
    struct zonedir *d, struct zone *z, struct zonenews *n)
{
	struct zone_image *image = take_ptr(&n->image);

	if (z) {
		catalog_set_image(d->catalog, z, image);
		return z;
	}
	z = zone_new(&n->apex, catalog_seed(d->catalog));
	(void)zone_set_image(z, image);
	catalog_add_zone(d->catalog, z);
	return z;
}

/* ---- conflicts -------------------------------------------------------- */

static void check_service(void *arg, const struct service *s)
{
	struct zonedir *d = arg;

	if (s->zone == d->walk_zone) {
		conflicts_add(&d->conflicts, s);
	} else if (d->walk_zone->address_len) {
		conflicts_add_addresses(&d->conflicts, s, d->walk_zone);
	}
}

/* When others have had their turn. */
static void start_walk(struct zonedir *d)
{
	struct timeval now = { 0, 0 };

	event_add(d->walk, &now);
}

static void on_walk(evutil_socket_t fd, short what, void *arg)
{
	struct zonedir *d = arg;

	(void)fd;
	(void)what;
	if (catalog_each_service(d->catalog, &d->walk_at, check_service, d)) {
		start_walk(d);
		return;
	}
	conflicts_report(&d->conflicts);
	d->walk_zone = NULL;
}

/*
 * Zones of services are few: of two that come together the last is told. At
 * the start there are no services yet; whoever loads them looks as well.
 */
static void find_conflicts(struct zonedir *d, struct zone *z)
{
	struct conflicts hidden = { .catalog = d->catalog };

	if (!d->arrived)
		return;
	if (!zone_follows(z)) {
		conflicts_add_zone(&hidden, z);
		conflicts_report(&hidden);
		return;
	}
	d->conflicts = hidden;
	if (z->has_services)
		conflicts_add_browsing(&d->conflicts, z);
	d->walk_zone = z;
	d->walk_at = 0;
	start_walk(d);
}

/* ---- who has a zone --------------------------------------------------- */

static void claim(struct zonedir *d, struct served *s, struct zonenews *n);

/* Whoever waits for the zone has it now, or nobody. */
static void give_up(struct zonedir *d, struct zone *z)
{
	struct served *next = waiting_for(d, z);

	z->file = NULL;
	if (next) {
		d->waiting_n--;
		claim(d, next, take_ptr(&next->waiting));
	} else {
		withdraw(d, z);
	}
}

/* Who is away, or waits itself for another zone, does not keep one. */
static bool keeps(const struct served *other)
{
	return !other->is_away && !other->waiting;
}

/* Of a zone of services: the file's holds, whatever the options say. */
static void tell_negative_ttl(const struct zonedir *d, const struct zone *z,
    const struct zone_image *image)
{
	int64_t option_s = d->options->negative_ttl_ms / 1000;
	char text[DNAME_TEXT_MAX];

	if (image->negative_ttl_s == zone_image(z)->negative_ttl_s ||
	    image->negative_ttl_s == option_s)
		return;
	zone_text(z, text);
	log_warn("zone '%s': NXDOMAIN and NODATA have the TTL of the file's "
	         "SOA, %u s, and not that of --negative-ttl, %lld s",
	    text, image->negative_ttl_s, (long long)option_s);
}

/* Consumes n, a new version of the file. */
static void claim(struct zonedir *d, struct served *s, struct zonenews *n)
{
	struct zone *z = catalog_find_zone(d->catalog, &n->apex);
	struct served *other = z && z->file != s ? z->file : NULL;
	struct zone *before = s->zone;

	s->is_away = false;
	set_waiting(d, s, NULL);
	if (other && keeps(other)) {
		log_warn("zone file '%s': found the zone of '%s', expected "
		         "another; it waits until that one is gone",
		    s->file, other->file);
		set_waiting(d, s, n);
		return;
	}
	zonenews_log(n, s->file, z && z == before ? zone_image(z) : NULL);
	if (z && zone_follows(z))
		tell_negative_ttl(d, z, n->image);
	if (other)
		other->zone = NULL;
	s->zone = put_image(d, z, n);
	s->zone->file = s;
	zonenews_free(n);
	find_conflicts(d, s->zone);
	if (before && before != s->zone)
		give_up(d, before);
}

/* The file is gone: so are what it waited with and its zone. */
static void leave(struct zonedir *d, struct served *s)
{
	struct zone *z = s->zone;

	set_waiting(d, s, NULL);
	s->zone = NULL;
	s->is_gone = d->has_gone = true;
	if (z)
		give_up(d, z);
}

static void free_gone(struct zonedir *d)
{
	unsigned n = 0;

	for (unsigned i = 0; d->has_gone && i < d->served_n; i++) {
		if (d->served[i]->is_gone) {
			served_free(d->served[i]);
		} else {
			d->served[n++] = d->served[i];
		}
	}
	if (d->has_gone)
		d->served_n = n;
	d->has_gone = false;
}

/* ---- news ------------------------------------------------------------- */

/* One line for each new kind of trouble, one when it is over. */
static void complain(struct zonedir *d, const struct zonenews *n)
{
	if (n->error && d->trouble != n->error) {
		log_warn("cannot read zones '%s': %s; %s",
		    d->options->zone_directory, n->diag.text,
		    d->served_n ? "answering with the last good data"
		                : "no zone file is served");
	}
	if (!n->error && d->trouble) {
		log_info("zones '%s' are being followed again",
		    d->options->zone_directory);
	}
	d->trouble = n->error;
}

/* What n was to be, or would have been by its file's name; NULL: no zone. */
static const struct zone *zone_meant(
    const struct zonedir *d, const struct zonenews *n)
{
	struct dname name = n->apex;
	scoped_free char *text = xstrdup(n->file);

	if (!name.len) {
		text[strlen(text) - strlen(ZONE_SUFFIX)] = '\0';
		if (!dname_from_text(&name, text))
			return NULL;
		dname_hash(&name, catalog_seed(d->catalog));
	}
	return catalog_find_zone(d->catalog, &name);
}

static void refuse(
    struct zonedir *d, struct served *s, const struct zonenews *n)
{
	const struct zone *meant = s->zone ? NULL : zone_meant(d, n);
	const char *instead = "nothing of it is served";

	s->is_away = false;
	if (s->zone) {
		instead = "answering with the last good version";
	} else if (meant && zone_follows(meant) && !meant->file) {
		instead = "the zone has services, and SOA and NS of the "
		          "options, without it";
	}
	log_warn("zone file %s; %s", n->diag.text, instead);
}

static void end_look(struct zonedir *d, const struct zonenews *n)
{
	if (n->error && n->error != d->unwatched) {
		log_warn(
		    "%s; zone files are looked at now and then", n->diag.text);
	}
	d->unwatched = n->error;
	free_gone(d);
}

/* Consumes n. */
static void take_up(struct zonedir *d, struct zonenews *n)
{
	switch (n->kind) {
	case ZONENEWS_AWAY:
		served_of(d, n->file)->is_away = true;
		break;
	case ZONENEWS_BACK:
		served_of(d, n->file)->is_away = false;
		break;
	case ZONENEWS_GONE:
		leave(d, served_of(d, n->file));
		break;
	case ZONENEWS_LOADED:
		claim(d, served_of(d, n->file), n);
		return;
	case ZONENEWS_WRONG:
		refuse(d, served_of(d, n->file), n);
		break;
	case ZONENEWS_TROUBLE:
		complain(d, n);
		break;
	case ZONENEWS_DONE:
		end_look(d, n);
		break;
	}
	zonenews_free(n);
}

static void on_arrived(evutil_socket_t fd, short what, void *arg)
{
	struct zonedir *d = arg;
	struct zonenews *n;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < NEWS_MAX && (n = zonereader_take(d->reader));
	     i++)
		take_up(d, n);
}

void zonedir_look(struct zonedir *d)
{
	zonereader_look(d->reader);
}

/* ---- life ------------------------------------------------------------- */

struct zonedir *zonedir_new(
    struct event_base *base, const struct options *o, struct catalog *c)
{
	struct zonedir *d = xcalloc(1, sizeof(*d));
	enum zonenews_kind kind;

	d->options = o;
	d->catalog = c;
	d->walk = evtimer_new(base, on_walk, d);
	d->reader = zonereader_new(o->zone_directory, catalog_seed(c));
	do {
		struct zonenews *n = zonereader_wait(d->reader);

		kind = n->kind;
		take_up(d, n);
	} while (kind != ZONENEWS_DONE);
	d->arrived = event_new(base, zonereader_fd(d->reader),
	    EV_READ | EV_PERSIST, on_arrived, d);
	event_add(d->arrived, NULL);
	return d;
}

void zonedir_free(struct zonedir *d)
{
	if (!d)
		return;
	event_free(d->arrived);
	event_free(d->walk);
	zonereader_free(d->reader);
	for (unsigned i = 0; i < d->served_n; i++)
		served_free(d->served[i]);
	free(d->served);
	free(d);
}

struct checked {
	const char *file;
	struct dname apex;
};

static int by_apex(const void *a, const void *b)
{
	const struct checked *x = a, *y = b;
	int order = (int)x->apex.len - (int)y->apex.len;

	if (!order)
		order = memcmp(x->apex.lower, y->apex.lower, x->apex.len);
	return order ? order : strcmp(x->file, y->file);
}

/* Of two files with one zone, one is not served. */
static int find_twice(struct checked *c, unsigned n)
{
	int wrong = 0;

	if (n)
		qsort(c, n, sizeof(*c), by_apex);
	for (unsigned i = 1; i < n; i++) {
		if (c[i].apex.len != c[i - 1].apex.len ||
		    memcmp(c[i].apex.lower, c[i - 1].apex.lower,
		        c[i].apex.len) != 0)
			continue;
		log_error("zone file '%s': found the zone of '%s', expected "
		          "another",
		    c[i].file, c[i - 1].file);
		wrong++;
	}
	return wrong;
}

int zonedir_check(const struct options *o, struct diag *reterr)
{
	scoped_fd int fd =
	    open(o->zone_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct zonelist l = { 0 };
	int error = fd < 0 ? -errno : zonelist_read(&l, fd);
	unsigned good = 0;

	if (error) {
		return diag_set(reterr, error, "cannot read zones '%s': %s",
		    o->zone_directory, strerror(-error));
	}
	scoped_free struct checked *checked =
	    xcalloc(l.n + 1, sizeof(*checked));
	for (unsigned i = 0; i < l.n; i++) {
		struct zonefile z;

		if (zonefile_load(fd, l.file[i], 1, &z, reterr) < 0) {
			log_error("zone file %s", reterr->text);
		} else {
			zonefile_notes_log(&z.notes, l.file[i]);
			checked[good++] = (struct checked){ l.file[i], z.apex };
		}
		zonefile_release(&z);
	}
	int wrong = (int)(l.n - good) + find_twice(checked, good);
	zonelist_release(&l);
	return wrong;
}
