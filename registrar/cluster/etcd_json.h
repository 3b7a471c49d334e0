// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * etcd_json - what etcd's JSON gateway says, and how it is asked.
 *
 * Keys and values are base64, numbers of 64 bits are texts, and what is zero
 * is left out; numbers as numbers are taken too. Pure: no I/O, no clock. The
 * texts come from others: all of it is looked at with bounds.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETCD_KEY_MAX 1024    /* octets of a key that is looked at */
#define ETCD_VALUE_MAX 65536 /* of a value */

/* A JSON text of base64. */
json_t *etcd_bytes(const char *text);
/* The end of the range of all keys that begin with prefix. */
json_t *etcd_bytes_end(const char *prefix);
/*
 * What such a text holds, on the heap, with a NUL behind it. NULL: it is no
 * base64, longer than max, or holds a NUL. A member that is not there is "".
 */
char *etcd_text(const json_t *bytes, size_t max);
/* 0 if there is none. */
int64_t etcd_number(const json_t *o, const char *key);
json_t *etcd_int64(int64_t n);

/* Of an error: its text, or NULL if there is none in it. */
const char *etcd_error(const json_t *reply);

/*
 * Each key of a reply of a range, or of a message of a watch. value NULL: the
 * key was deleted. Keys and values that are too long, or no text, are passed
 * over; returns how many were.
 */
typedef void (*etcd_kv_fn)(
    void *arg, const char *key, const char *value, int64_t lease);
unsigned etcd_each_kv(const json_t *range, etcd_kv_fn fn, void *arg);
unsigned etcd_each_event(const json_t *result, etcd_kv_fn fn, void *arg);

/* ---- requests ---------------------------------------------------------- */

json_t *etcd_range(
    const char *prefix, const char *after, unsigned limit, int64_t revision);
json_t *etcd_watch(const char *prefix, int64_t from_revision);
/* Operations of a transaction. lease 0: none. */
json_t *etcd_put_op(const char *key, const char *value, int64_t lease);
json_t *etcd_delete_op(const char *key);
/* Only while it hangs on that lease: others may have put it again. */
json_t *etcd_delete_own_op(const char *key, int64_t lease);
/* Takes compare (NULL: none) and both lists over; NULL is an empty one. */
json_t *etcd_txn(json_t *compare, json_t *then, json_t *otherwise);
/* For `compare`. */
json_t *etcd_is_absent(const char *key);
json_t *etcd_hangs_on(const char *key, int64_t lease);
