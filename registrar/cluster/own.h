// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * own - what this host says to the others: which keys, with which values, and
 * what of it etcd has not got yet.
 *
 * Rows come in service by service, as they are read; a key that changes many
 * times while a transaction is on its way is put once. One thread.
 */
#include "registrar/cluster/record.h"

#define OWN_BATCH 60 /* operations of a transaction; etcd takes 128 */

struct own;

/* address, address6: in the place of loopback ones; or NULL. Borrowed. */
struct own *own_new(
    const char *node, const char *address, const char *address6);
void own_free(struct own *o);

/* ---- from the registry ------------------------------------------------- */

/* All services come; those that do not are gone. */
void own_all_begin(struct own *o);
void own_all_end(struct own *o);
/* A service, its instances (of this host), then the end. */
void own_service(struct own *o, const struct service_row *row);
void own_instance(
    struct own *o, const struct instance_row *row, int64_t now_wall_ms);
void own_service_end(struct own *o);
void own_gone(struct own *o, const char *zone, const char *service);
/* What this host says of a service whose row is of another. */
void own_claim(struct own *o, const struct service_row *row);
/* Services that own_claim() is wanted for; forgets them. */
void own_each_claim(struct own *o,
    void (*fn)(void *arg, const char *zone, const char *service), void *arg);
/* Instances of this host whose row is of it no more, since the last time. */
void own_each_lost(
    struct own *o, void (*fn)(void *arg, const char *rest), void *arg);
/* -1: none; else when a service is to be read again though none changed. */
int64_t own_due_wall_ms(const struct own *o);
void own_each_due(struct own *o, int64_t now_wall_ms,
    void (*fn)(void *arg, const char *zone, const char *service), void *arg);

/* ---- from and to etcd -------------------------------------------------- */

/* A key of ours, as a snapshot or an event has it; value NULL: it is gone. */
void own_seen(struct own *o, const char *key, const char *value);
/* All there is was seen: what is there beyond what we say is to go. */
void own_seen_all(struct own *o);
/* Keys that hang on our lease; those not wanted are to go. */
void own_hangs(struct own *o, const char *key);
/* etcd has nothing of it any more: all again, under another lease. */
void own_lost_all(struct own *o);

/* Any other key of ours; text NULL: it is not wanted, and is to be deleted. */
void own_extra(struct own *o, const char *key, const char *text);
bool own_wants(const struct own *o, const char *key);
/* It is not wanted, and somebody deleted it. */
void own_extra_gone(struct own *o, const char *key);

bool own_has_more(const struct own *o);
/* Operations for a transaction, at most OWN_BATCH; they are on their way. */
json_t *own_batch(struct own *o, int64_t lease);
void own_batch_done(struct own *o, bool done);

unsigned own_instance_n(const struct own *o);
/* Instances that stay here, since they are on a loopback address. */
unsigned own_kept_n(const struct own *o);
