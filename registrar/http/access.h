// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * access - who may do what to which services.
 *
 * Whoever asks has a token, or none. What a token may do is said by rules, each
 * a prefix of names of services with rights; the longest prefix that fits a
 * name decides. Without one it is what options say of clients on loopback (and
 * on the Unix socket) and of others.
 */
#include <stdbool.h>
#include <stddef.h>

enum access_right {
	ACCESS_NONE = 0, /* of a route: it is for everybody */
	ACCESS_READ = 1,
	ACCESS_WRITE = 2,   /* register, renew, report, deregister */
	ACCESS_OPERATE = 4, /* drain, resume, maintenance, weight */
	/* keys that name files, users, programs, secrets, sockets; targets of
	 * checks that are not the instance */
	ACCESS_EXEC = 8,
};
#define ACCESS_RIGHT_N 4
#define ACCESS_ALL 15u

/*
 * "read,write" as bits, "all" and "none" too. False: it is no such list.
 */
bool access_parse_rights(const char *text, unsigned *ret_rights);
/* "read", the lowest of the bits. */
const char *access_right_name(unsigned right);

#define ACCESS_ID_MAX 32
struct access_rule {
	const char *prefix; /* of names of services; "": all */
	unsigned rights;    /* of enum access_right */
};
struct access_who {
	char id[ACCESS_ID_MAX];         /* of the token, "anonymous" */
	char source[ACCESS_ID_MAX + 8]; /* "api/ID" */
	bool is_anonymous;
	unsigned rule_n;
	const struct access_rule *rules;
};

/* service NULL: is there any? */
bool access_may(
    const struct access_who *who, unsigned right, const char *service);
