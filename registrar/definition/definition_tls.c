// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_tls - `tls: true`, `tls: {name: api.example, ca: /etc/x.pem}`.
 *
 * Files are not looked at: they may come later, and change.
 */
#include "registrar/definition/definition_parts.h"

#include <errno.h>
#include <string.h>

#define AT(member) .offset = offsetof(struct net_tls, member)
#define HOST_MAX 253 /* octets; RFC 1035 2.3.4 in presentation format */

static const struct conf_field fields[] = {
	{ .key = "name",
	    .kind = CONF_STRING,
	    .expects = "the name or address of a host",
	    AT(server_name) },
	{ .key = "ca",
	    .kind = CONF_STRING,
	    .valid = path_is_absolute,
	    .expects = "the absolute path of a file of certificates",
	    AT(ca_file) },
	{ .key = "cert",
	    .kind = CONF_STRING,
	    .valid = path_is_absolute,
	    .expects = "the absolute path of a file with a certificate",
	    AT(cert_file) },
	{ .key = "key",
	    .kind = CONF_STRING,
	    .valid = path_is_absolute,
	    .expects = "the absolute path of a file with a key",
	    AT(key_file) },
	{ .key = "verify", .kind = CONF_BOOL, .fallback = "true", AT(verify) },
	{ 0 },
};
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_table table = {
	.what = "'tls'", .fields = fields, .finish = finish
};

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	const struct net_tls *tls = base;

	if (!tls->cert_file != !tls->key_file) {
		return conf_bad(c, map,
		    "found '%s' without '%s' in 'tls', expected both or none",
		    tls->cert_file ? "cert" : "key",
		    tls->cert_file ? "key" : "cert");
	}
	if (tls->ca_file && !tls->verify) {
		return conf_bad(c, conf_get(map, "ca")->key,
		    "found 'ca' beside 'verify: false', expected one of them");
	}
	return 0;
}

int take_tls(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	bool map = node->type == CONF_MAP;
	bool word = node->type == CONF_SCALAR && node->plain;
	bool yes = word && strcmp(node->text, "true") == 0;
	struct net_tls tls = { 0 };

	if (!map && !yes && (!word || strcmp(node->text, "false") != 0)) {
		return conf_bad(c, node, "found %s for '%s', expected %s",
		    conf_describe(c, node), f->key, TLS_RULE);
	}
	if (map && conf_fill(c, &table, node, &tls) < 0)
		return -EINVAL;
	if (!map)
		conf_defaults(c, &table, &tls);
	tls.on = map || yes;
	*(struct net_tls *)at = tls;
	return 0;
}

bool host_is_valid(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "0123456789.-_:";

	/* OpenSSL takes ".example.com" for all names below it */
	return *text && *text != '.' && strspn(text, letters) == strlen(text) &&
	       strlen(text) <= HOST_MAX;
}

int resolve_tls(struct conf_context *c, const struct conf_node *check,
    const struct template_vars *v, const char *host, struct net_tls *tls)
{
	const char **const texts[] = { &tls->server_name, &tls->ca_file,
		&tls->cert_file, &tls->key_file };
	const struct conf_node *node = conf_get(check, "tls");

	if (!tls->on)
		return 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (*texts[i] && template_fill(c, node, TEMPLATE_PLAIN,
		                     *texts[i], v, texts[i]) < 0)
			return -EINVAL;
	}
	if (!tls->server_name)
		tls->server_name = host;
	if (!host_is_valid(tls->server_name)) {
		return conf_bad(c, node ? node : check,
		    "found '%s' for 'name' in 'tls', expected the name or "
		    "address of a host",
		    tls->server_name);
	}
	return 0;
}

bool tls_equal(const struct net_tls *a, const struct net_tls *b)
{
	if (!a->on || !b->on)
		return a->on == b->on;
	return a->verify == b->verify &&
	       text_equal(a->server_name, b->server_name) &&
	       text_equal(a->ca_file, b->ca_file) &&
	       text_equal(a->cert_file, b->cert_file) &&
	       text_equal(a->key_file, b->key_file) &&
	       text_equal(a->alpn, b->alpn);
}
