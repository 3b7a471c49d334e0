// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * template - a text with places for the instances of services.
 *
 *	upstream web {
 *	{{range web}}
 *	    server {{endpoint}} weight={{weight}};   # {{name}} {{meta.version}}
 *	{{else}}
 *	    server 127.0.0.1:9 down;
 *	{{end}}
 *	}
 *
 * What is between range and end is written once for each instance, what is
 * between else and end if there is none; range without a name is the one
 * service that is watched. Words: name, service, zone, address, port, endpoint
 * (address:port, [address]:port for IPv6), weight, priority, locality, state,
 * tags (with commas between) and meta.KEY. A line with one of range, else and
 * end and blanks alone is not written. Nothing nests.
 *
 * Whoever may register an instance writes its metadata, and must not write
 * configuration: an instance whose words hold anything but letters, digits and
 * ._:/@%+,=~- is left out. Pure.
 */
#include "registrar/lib/json.h"
#include "schema/base/arena.h"
#include "schema/base/diag.h"

#include <stddef.h>

#define TEMPLATE_MAX (1 << 20)
#define TEMPLATE_PARTS_MAX 10000

struct template;

/* Lives in a, as the text does. -EINVAL: "line 3: found X, expected Y". */
int template_parse(const char *text, size_t len, struct arena *a,
    struct template **ret_t, struct diag *reterr);

/* The next service that it names, from *at = 0 on; NULL: no more; "": the one
 * that is watched. */
const char *template_service(const struct template *t, size_t *at);

struct template_source {
	/* What roll_read() says of a service as the template names it. */
	const json_t *(*roll)(void *arg, const char *service);
	void *arg;
	/* one was left out, for such a word */
	void (*left_out)(void *arg, const json_t *instance, const char *word);
};
/*
 * *ret_text is from malloc(). -ENODATA: nobody is there, and the template does
 * not say (else) what to write then; -E2BIG: more than 64 MiB.
 */
int template_render(const struct template *t, const struct template_source *s,
    char **ret_text, size_t *ret_len, struct diag *reterr);
