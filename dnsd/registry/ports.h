// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * ports - the ports of a service, and what its instances say of them, to the
 * part of its block that others than its first are answered from (service.h).
 */
#include "schema/label.h"
#include "schema/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;

struct port_entry {
	char protocol[16];
	char name[LABEL_SERVICE_MAX + 1]; /* "": it has none */
	uint16_t number;
};

/* A number that one instance has for one of them. */
struct port_override {
	uint16_t port; /* which one */
	uint16_t number;
};

/* Those of one instance: n from first on. */
struct owner_ports {
	uint32_t first, n;
};

struct ports {
	struct port_entry item[PORTS_MAX]; /* the first is that of the row */
	unsigned n;
	struct port_override *other;
	size_t other_n, other_room;
};

/* Zero is empty. */
void ports_release(struct ports *p);
void ports_reset(struct ports *p, const struct service_row *row);
/* A further one; what the registry would refuse is passed over. */
void ports_add(struct ports *p, const struct port_row *row);
/* Another number for one; that of none is passed over. */
void ports_override(
    struct ports *p, struct owner_ports *o, const struct port_row *row);

/* Octets of the part, aligned to 4; 0: there is none. */
size_t ports_len(const struct ports *p, unsigned instance_n);
/* The part at s->ports; then the numbers of one instance where it lies. */
void ports_fill(const struct ports *p, struct service *s);
void ports_fill_instance(const struct ports *p, const struct owner_ports *o,
    struct service *s, unsigned place);
