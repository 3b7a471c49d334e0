// SPDX-License-Identifier: BSD-2-Clause
/*
 * A template: what is read of it is written, and holds nothing of metadata
 * that would be configuration.
 */
#include "registrar/watch/template.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool right)
{
	if (!right)
		abort();
}

static const json_t *roll_of(void *arg, const char *service)
{
	(void)service;
	return arg;
}

static void on_left_out(void *arg, const json_t *instance, const char *word)
{
	(void)arg;
	(void)word;
	check(instance);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_t *roll = json_loads(
	    "{\"service\":\"s\",\"zone\":\"z\",\"instances\":[{\"name\":\"a\","
	    "\"address\":\"::1\",\"port\":1,\"meta\":{\"k\":\"\\u0001;\"}}]}",
	    0, NULL);
	const struct template_source source = { roll_of, roll, on_left_out };
	char *text = malloc(len + 1), *out = NULL;
	struct arena *a = arena_new();
	struct template *t;
	struct diag why;
	size_t out_len = 0;

	check(text && roll);
	memcpy(text, data, len);
	text[len] = '\0';
	if (template_parse(text, len, a, &t, &why) == 0 &&
	    template_render(t, &source, &out, &out_len, &why) == 0) {
		check(strlen(out) == out_len);
		check(memchr(text, 1, len) || !memchr(out, 1, out_len));
	}
	free(out);
	free(text);
	arena_free(a);
	json_decref(roll);
	return 0;
}
