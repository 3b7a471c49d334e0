// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * index - tables inside the block of a service (service.h) that follow from
 * its instances: the groups of one priority and, of a large one, sums of
 * weights, the instance of a name, and that of an address.
 */
struct service;

/* s->groups and, if it is there, s->cumulative; all is zero. */
void index_groups(struct service *s);

/* Slots for so many entries, at most half of them used. */
unsigned index_slots(unsigned n);

/* s->index has room for a word and those slots; all is zero. */
void index_labels(struct service *s, unsigned slots);
/* The same right behind it, for SERVICE_ADDRESS_INDEX. */
void index_addresses(struct service *s, unsigned slots);
