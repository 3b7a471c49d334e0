// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_dns - what does a DNS server answer?
 *
 * One question over UDP with a number that cannot be guessed. What is no
 * answer to it is not heard: whoever forges one has to hit port and number.
 */
#include "registrar/net/dial.h"
#include "registrar/net/dns_message.h"
#include "registrar/probe/probe.h"
#include "schema/base/arena.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX 65536
#define SHOWN_MAX 512

struct dns_run {
	int fd;
	struct event *readable;
	struct dns_question question;
	unsigned stray_n; /* datagrams that were no answer */
};

// clang-format off
static const char *const rcodes[] = {
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
};
// clang-format on

static const char *rcode_name(struct arena *a, unsigned rcode)
{
	if (rcode < sizeof(rcodes) / sizeof(rcodes[0]))
		return rcodes[rcode];
	return arena_printf(a, "RCODE%u", rcode);
}

/* "10.0.0.1, 10.0.0.2" */
static const char *list(struct arena *a, const struct dns_answer *answer)
{
	char text[SHOWN_MAX] = "";
	size_t len = 0;

	for (unsigned i = 0; i < answer->n && len < sizeof(text); i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
		    i ? ", " : "", answer->data[i]);
	}
	return arena_strdup(a, text);
}

static bool has(const struct dns_answer *answer, const char *data)
{
	for (unsigned i = 0; i < answer->n; i++) {
		if (strcmp(answer->data[i], data) == 0)
			return true;
	}
	return false;
}

/* The first that is expected and was not answered, or NULL. */
static const char *missing(
    const struct check_dns *check, const struct dns_answer *answer)
{
	for (unsigned i = 0; i < check->expect.n; i++) {
		if (!has(answer, check->expect.items[i]))
			return check->expect.items[i];
	}
	return NULL;
}

static bool is_expected(unsigned expected, const struct dns_answer *answer)
{
	if (expected == DNS_ANY)
		return true;
	if (expected == DNS_NODATA)
		return answer->rcode == 0 && !answer->n;
	return answer->rcode == expected && (answer->rcode || answer->n);
}

static void judge(
    struct probe *p, struct arena *a, const struct dns_answer *answer)
{
	const struct check_dns *check = &p->spec->dns;
	const char *rcode = rcode_name(a, answer->rcode);
	const char *what = answer->n            ? list(a, answer)
	                   : answer->rcode == 0 ? "no records of that type"
	                                        : "";
	const char *cut = answer->truncated ? " (truncated)" : "";
	const char *gap = *what ? ": " : "";
	const char *lacks = missing(check, answer);

	if (!is_expected((unsigned)check->answer, answer)) {
		probe_done_fmt(
		    p, VERDICT_FAIL, "%s%s%s%s", rcode, cut, gap, what);
	} else if (lacks) {
		probe_done_fmt(p, VERDICT_FAIL, "%s%s%s%s, without '%s'", rcode,
		    cut, gap, what, lacks);
	} else {
		probe_done_fmt(
		    p, VERDICT_PASS, "%s%s%s%s", rcode, cut, gap, what);
	}
}

static void take(struct probe *p, const uint8_t *msg, size_t len)
{
	struct dns_run *run = p->run;
	struct arena *a = arena_new();
	struct dns_answer answer;
	const char *why;
	int r = dns_answer_read(a, &run->question, msg, len, &answer, &why);

	if (r == -ENOMSG) {
		run->stray_n++;
	} else if (r < 0) {
		probe_done_fmt(
		    p, VERDICT_FAIL, "the answer is malformed: %s", why);
	} else {
		judge(p, a, &answer);
	}
	arena_free(a);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	uint8_t msg[ANSWER_MAX];
	struct probe *p = arg;
	ssize_t n = recv(fd, msg, sizeof(msg), 0);

	(void)what;
	if (n >= 0) {
		take(p, msg, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		probe_done_error(p, -errno, strerror(errno));
	}
}

static void dns_start(struct probe *p)
{
	const struct check_dns *check = &p->spec->dns;
	uint8_t msg[DNS_QUESTION_MAX];
	int fd = net_fd(
	    &p->prober->net, dial(check->address, check->port, SOCK_DGRAM));

	if (fd < 0) {
		probe_done_error(p, fd, strerror(-fd));
		return;
	}
	struct dns_run *run = xcalloc(1, sizeof(*run));

	run->fd = fd;
	run->question = (struct dns_question){ .name = check->name,
		.type = check->type,
		.id = (uint16_t)rng_below(&p->prober->rng, 65536) };
	p->run = run;
	run->readable = event_new(
	    p->prober->base, fd, EV_READ | EV_PERSIST, on_readable, p);
	if (!run->readable || event_add(run->readable, NULL) < 0)
		abort(); /* out of memory */
	if (send(fd, msg, dns_question_write(&run->question, msg), 0) < 0)
		probe_done_error(p, -errno, strerror(errno));
}

static void dns_stop(struct probe *p)
{
	struct dns_run *run = p->run;

	if (!run)
		return;
	event_free(run->readable);
	close(run->fd);
	free(run);
}

static const char *dns_waiting(const struct probe *p)
{
	const struct dns_run *run = p->run;

	return run->stray_n ? "nothing that answers the question" : "no answer";
}

const struct probe_ops probe_dns_ops = {
	.start = dns_start,
	.stop = dns_stop,
	.waiting = dns_waiting,
};
