// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * index - tables inside the block of a large service (service.h): the
 * instance of a name, and of an address.
 */
struct service;

/* Slots for so many entries, at most half of them used. */
unsigned index_slots(unsigned n);

/* s->index has room for a word and those slots; all is zero. */
void index_labels(struct service *s, unsigned slots);
/* The same right behind it, for SERVICE_ADDRESS_INDEX. */
void index_addresses(struct service *s, unsigned slots);
