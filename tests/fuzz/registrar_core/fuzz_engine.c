// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a container engine answers. The first octet says what it is: 'i'
 * inspect, 'l' list, 'e' event. Whatever it is, what is made of it holds what
 * container.h promises.
 */
#include "registrar/container/container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
	if (!what)
		abort();
}

static void must_be_id(const char *id)
{
	must(strlen(id) >= 12 && strlen(id) <= CONTAINER_ID_MAX &&
	     !id[strspn(id, "0123456789abcdef")]);
}

/* ---- JSON ------------------------------------------------------------- */

static void try_place(const struct container *c, int port, bool udp,
    bool network, const char *name)
{
	const struct container_choice choice = { .port = port,
		.udp = udp,
		.network = network,
		.network_name = name };
	struct container_place place;
	const char *why = NULL;
	int r = container_place(c, &choice, &place, &why);

	if (r < 0) {
		must(r == -ENOENT && why && *why);
	} else {
		must(place.port >= (network ? 0 : 1) && place.port <= 65535);
		must(!place.address || *place.address);
	}
}

static void inspect(const char *text, size_t len)
{
	struct container *c;

	if (container_parse(text, len, &c) < 0)
		return;
	must_be_id(c->id);
	must(c->pid >= 0 && (c->running || !c->pid));
	must(c->labels.n <= CONTAINER_LABELS_MAX);
	must(c->port_n <= CONTAINER_PORTS_MAX);
	for (unsigned n = 0; n < c->labels.n; n++) {
		must(container_label(c, c->labels.items[n].key) != NULL);
		must(strlen(c->labels.items[n].value) < 8192);
	}
	for (unsigned n = 0; n < c->port_n; n++) {
		must(c->ports[n].port >= 1 && c->ports[n].port <= 65535);
		must(c->ports[n].host_port >= 0 &&
		     c->ports[n].host_port <= 65535);
		try_place(c, c->ports[n].port, c->ports[n].udp, false, NULL);
	}
	for (unsigned n = 0; n < c->network_n; n++)
		try_place(c, 80, false, true, c->networks[n].name);
	try_place(c, 0, false, false, NULL);
	try_place(c, 0, true, true, NULL);
	container_free(c);
}

static void listed(void *arg, const char *id, bool running)
{
	(void)arg;
	(void)running;
	must_be_id(id);
}

static void event(const char *text, size_t len)
{
	struct container_event e;

	if (container_event_parse(text, len, &e) < 0)
		return;
	if (e.kind != CONTAINER_SAME)
		must_be_id(e.id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (!size)
		return 0;
	switch (*data) {
	case 'i':
		inspect(text + 1, size - 1);
		break;
	case 'l':
		(void)container_list_parse(text + 1, size - 1, listed, NULL);
		break;
	case 'e':
		event(text + 1, size - 1);
		break;
	default:
		break;
	}
	return 0;
}
