// SPDX-License-Identifier: BSD-2-Clause
/*
 * What etcd answers, and what others have put there. The first octet says
 * what it is: 'r' range, 'w' watch, 'i' instance, 's' service, 'o' wish of an
 * operator, 'k' key. What is taken holds what the headers promise.
 */
#include "registrar/cluster/etcd_json.h"
#include "registrar/cluster/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
	if (!what)
		abort();
}

static void try_key(const char *key)
{
	struct record_key k;
	struct record_name n;

	if (!record_key_parse(key, &k))
		return;
	must(*k.node && *k.kind && strlen(k.rest) < RECORD_PART_MAX);
	if (record_name_parse(k.rest, true, &n) == 0)
		must(*n.zone && *n.service && *n.name);
	if (record_name_parse(k.rest, false, &n) == 0)
		must(*n.zone && *n.service && !*n.name);
}

static void on_kv(void *arg, const char *key, const char *value, int64_t lease)
{
	(void)arg;
	(void)lease;
	must(*key && strlen(key) <= ETCD_KEY_MAX + 2);
	must(!value || strlen(value) <= ETCD_VALUE_MAX + 2);
	try_key(key);
}

static void reply(char kind, const char *text, size_t len)
{
	json_error_t e;
	json_t *o = json_loadb(text, len, 0, &e);

	(void)etcd_error(o);
	(void)etcd_number(o, "revision");
	if (kind == 'r') {
		(void)etcd_each_kv(o, on_kv, NULL);
	} else {
		(void)etcd_each_event(o, on_kv, NULL);
	}
	json_decref(o);
}

static void instance(const char *text, struct arena *a)
{
	struct instance_row row;

	if (record_to_instance(text, a, 1000000, &row) < 0)
		return;
	must(row.address && row.source && row.tags && row.meta);
	must(row.mode == MODE_DRAINING || !row.drain.until_wall_ms);
	row.zone = "svc.internal";
	row.service = "web";
	row.name = "i";
	char *again = record_of_instance(&row, 1000000);

	must(record_to_instance(again, a, 1000000, &row) == 0);
	free(again);
}

static void record(char kind, const char *text)
{
	struct arena *a = arena_new();
	struct service_row service;
	struct record_wish wish;

	if (kind == 'i') {
		instance(text, a);
	} else if (kind == 's') {
		if (record_to_service(text, a, &service) == 0)
			must(service.protocol && service.source);
	} else if (kind == 'o') {
		(void)record_to_wish(text, a, &wish);
	} else {
		try_key(text);
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (*data == 'r' || *data == 'w') {
		reply((char)*data, (const char *)data + 1, size - 1);
		return 0;
	}
	char *text = calloc(size, 1);

	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	record((char)*data, text);
	free(text);
	return 0;
}
