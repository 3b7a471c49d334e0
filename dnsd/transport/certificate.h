// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * certificate - the certificate and key of TLS, taken up anew when their
 * files change. Control thread.
 *
 * The files are looked at by their names, through symbolic links, so that
 * whatever puts new ones there is noticed. A change is taken up once both
 * files have stayed as they are from one look to the next: nobody writes two
 * files at once. Bad files are one line in the log, and the last good ones
 * stay in force.
 */
#include "schema/base/diag.h"

#include <event2/event.h>

struct certificate;
struct tls_context;

enum { CERTIFICATE_LOOK_S = 1 };

/* -EINVAL: reterr says what is wrong with which file. Borrows the paths. */
int certificate_open(const char *cert_path, const char *key_path,
    struct certificate **ret_c, struct diag *reterr);
void certificate_free(struct certificate *c);

/* As long as the certificate lives. */
struct tls_context *certificate_context(struct certificate *c);

/* Looks now and then from here on. NULL is ignored. */
void certificate_watch(struct certificate *c, struct event_base *base);
/* Loads the files now. NULL is ignored. */
void certificate_reload(struct certificate *c);
