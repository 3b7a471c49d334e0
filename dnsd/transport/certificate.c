// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/transport/certificate.h"

#include "dnsd/transport/tls.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What tells a file from the one that was there before; all zero: none. */
struct mark {
	uint64_t device, inode;
	int64_t size, modified_ns, changed_ns;
};

struct marks {
	struct mark cert, key;
};

struct certificate {
	const char *cert_path, *key_path;
	struct tls_context *tls;
	struct marks taken; /* of what was tried last, good or bad */
	struct marks seen;  /* at the last look */
	struct event look;
};

static int64_t to_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct mark mark_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct mark){ 0 };
	return (struct mark){ st.st_dev, st.st_ino, st.st_size,
		to_ns(st.st_mtim), to_ns(st.st_ctim) };
}

static struct marks mark_files(const struct certificate *c)
{
	return (
	    struct marks){ mark_file(c->cert_path), mark_file(c->key_path) };
}

static bool same(const struct marks *a, const struct marks *b)
{
	return memcmp(a, b, sizeof(*a)) == 0; /* no padding: all 64 bits */
}

int certificate_open(const char *cert_path, const char *key_path,
    struct certificate **ret_c, struct diag *reterr)
{
	struct certificate *c = xcalloc(1, sizeof(*c));

	c->cert_path = cert_path;
	c->key_path = key_path;
	c->taken = c->seen = mark_files(c);
	int error = tls_context_new(cert_path, key_path, &c->tls, reterr);
	if (error) {
		free(c);
		return error;
	}
	*ret_c = c;
	return 0;
}

void certificate_free(struct certificate *c)
{
	if (!c)
		return;
	if (event_initialized(&c->look))
		event_del(&c->look);
	tls_context_free(c->tls);
	free(c);
}

struct tls_context *certificate_context(struct certificate *c)
{
	return c->tls;
}

void certificate_reload(struct certificate *c)
{
	struct diag diag;

	if (!c)
		return;
	c->taken = c->seen = mark_files(c);
	int error = tls_context_load(c->tls, c->cert_path, c->key_path, &diag);
	if (error < 0) {
		log_warn("%s; the last good one stays in force", diag.text);
		return;
	}
	log_info("certificate loaded from '%s'", c->cert_path);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct certificate *c = arg;
	struct marks now = mark_files(c);

	(void)fd;
	(void)what;
	if (!same(&now, &c->taken) && same(&now, &c->seen))
		certificate_reload(c);
	c->seen = now;
}

void certificate_watch(struct certificate *c, struct event_base *base)
{
	struct timeval pause = { CERTIFICATE_LOOK_S, 0 };

	if (!c)
		return;
	event_assign(&c->look, base, -1, EV_PERSIST, on_look, c);
	event_add(&c->look, &pause);
}
