// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * h2_support - what a server of HTTP/2 says, from a text.
 *
 * Each line is a frame on stream 1 (RFC 9113):
 *
 *	settings
 *	headers NAME=VALUE|NAME=VALUE	last: ... and the end of the stream
 *	data 00 00 00 00 02 08 01
 *	reset CODE
 *	goaway LAST CODE TEXT
 *	pong 00 00 00 00 00 00 00 00
 *	frame TYPE FLAGS STREAM 00 01 02
 *
 * Headers are literals that no table keeps (RFC 7541 6.2.2).
 */
#include "hex_support.h"
#include "support.h"

#define H2_SETTINGS "settings\n"
#define H2_HEAD "headers :status=200|content-type=application/grpc\n"
#define H2_OK "last grpc-status=0\n"

struct h2_answer {
	size_t len;
	char octets[4096];
};

static inline void h2_put(struct h2_answer *a, const void *data, size_t len)
{
	assert_true(len <= sizeof(a->octets) - a->len);
	memcpy(a->octets + a->len, data, len);
	a->len += len;
}

static inline void h2_frame(struct h2_answer *a, unsigned type, unsigned flags,
    unsigned stream, const struct h2_answer *payload)
{
	const unsigned char head[] = { 0, (unsigned char)(payload->len >> 8),
		(unsigned char)payload->len, (unsigned char)type,
		(unsigned char)flags, 0, 0, (unsigned char)(stream >> 8),
		(unsigned char)stream };

	h2_put(a, head, sizeof(head));
	h2_put(a, payload->octets, payload->len);
}

/* A length of up to 254 octets in seven bits (RFC 7541 5.1). */
static inline void h2_string(struct h2_answer *a, const char *text, size_t len)
{
	const unsigned char head[] = { (unsigned char)(len < 127 ? len : 127),
		(unsigned char)(len < 127 ? 0 : len - 127) };

	assert_true(len < 127 + 128);
	h2_put(a, head, len < 127 ? 1 : 2);
	h2_put(a, text, len);
}

static inline void h2_fields(struct h2_answer *a, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "|");
		size_t name_len = strcspn(text, "=");

		assert_true(name_len < len);
		h2_put(a, "", 1);
		h2_string(a, text, name_len);
		h2_string(a, text + name_len + 1, len - name_len - 1);
		text += len + (text[len] == '|');
	}
}

/* True: *p begins with that word, and is behind it. */
static inline bool h2_word(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*p, word, len) != 0 || ((*p)[len] && (*p)[len] != ' '))
		return false;
	*p += len + ((*p)[len] == ' ');
	return true;
}

static inline unsigned h2_number(const char **p)
{
	char *end;
	unsigned long n = strtoul(*p, &end, 10);

	assert_ptr_not_equal(end, *p);
	*p = end + (*end == ' ');
	return (unsigned)n;
}

/* Four octets, of which three are zero. */
static inline void h2_put_number(struct h2_answer *a, unsigned n)
{
	const unsigned char octets[] = { 0, 0, 0, (unsigned char)n };

	h2_put(a, octets, sizeof(octets));
}

static inline struct h2_answer h2_hex(const char *text)
{
	struct h2_answer a;

	a.len = hex_octets(text, (uint8_t *)a.octets, sizeof(a.octets));
	return a;
}

static inline void h2_line(struct h2_answer *a, const char *p)
{
	struct h2_answer payload = { 0 };

	if (h2_word(&p, "settings")) {
		h2_frame(a, 4, 0, 0, &payload);
	} else if (h2_word(&p, "headers")) {
		h2_fields(&payload, p);
		h2_frame(a, 1, 4, 1, &payload);
	} else if (h2_word(&p, "last")) {
		h2_fields(&payload, p);
		h2_frame(a, 1, 5, 1, &payload);
	} else if (h2_word(&p, "data")) {
		payload = h2_hex(p);
		h2_frame(a, 0, 0, 1, &payload);
	} else if (h2_word(&p, "pong")) {
		payload = h2_hex(p);
		h2_frame(a, 6, 1, 0, &payload);
	} else if (h2_word(&p, "reset")) {
		h2_put_number(&payload, h2_number(&p));
		h2_frame(a, 3, 0, 1, &payload);
	} else if (h2_word(&p, "goaway")) {
		h2_put_number(&payload, h2_number(&p));
		h2_put_number(&payload, h2_number(&p));
		h2_put(&payload, p, strlen(p));
		h2_frame(a, 7, 0, 0, &payload);
	} else if (h2_word(&p, "frame")) {
		unsigned type = h2_number(&p), flags = h2_number(&p);
		unsigned stream = h2_number(&p);

		payload = h2_hex(p);
		h2_frame(a, type, flags, stream, &payload);
	} else {
		fail_msg("no frame: %s", p);
	}
}

static inline struct h2_answer h2_build(const char *script)
{
	struct h2_answer a = { 0 };
	char line[1024];

	while (*script) {
		size_t len = strcspn(script, "\n");

		assert_true(len < sizeof(line));
		memcpy(line, script, len);
		line[len] = '\0';
		h2_line(&a, line);
		script += len + (script[len] == '\n');
	}
	return a;
}
