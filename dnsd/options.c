// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/options.h"

#include "dnsd/dname.h"

static const char *const log_levels[] = { "error", "warn", "info", "debug",
	NULL };
static const char *const log_formats[] = { "text", "json", NULL };

static bool is_name(const char *text)
{
	struct dname name;

	return *text && dname_from_text(&name, text);
}

static const struct conf_field fields[] = {
	{ .key = "registry",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, registry),
	    .fallback = "/var/lib/rollcall/registry.db",
	    .common = true,
	    .arg = "FILE",
	    .help = "The registry to answer from; it need not exist yet" },
	{ .key = "zone",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, zones),
	    .fallback = "svc.internal",
	    .valid = is_name,
	    .expects = "a domain name",
	    .arg = "NAME",
	    .help = "Zone to serve" },
	{ .key = "zones",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, zone_directory),
	    .arg = "DIR",
	    .help = "Directory of master files, NAME.zone each, that are "
	            "served as well and followed" },
	{ .key = "listen",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, listen),
	    .fallback = "127.0.0.1:5300",
	    .arg = "ADDR:PORT",
	    .help = "Address for UDP and TCP, [ADDR]:PORT for IPv6" },
	{ .key = "listen_tls",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, listen_tls),
	    .arg = "ADDR:PORT",
	    .help = "Address for DNS over TLS; needs "
	            "tls-cert and tls-key" },
	{ .key = "tls_cert",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, tls_cert),
	    .arg = "FILE",
	    .help = "Certificate for TLS with those that sign it, in PEM; "
	            "taken up anew when it changes" },
	{ .key = "tls_key",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, tls_key),
	    .arg = "FILE",
	    .help = "Key of that certificate, in PEM, without passphrase" },
	{ .key = "workers",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, workers),
	    .low = 0,
	    .high = 256,
	    .fallback = "0",
	    .arg = "N",
	    .help = "Threads for each address; 0 means one for each core" },
	{ .key = "ttl",
	    .kind = CONF_DURATION,
	    .offset = offsetof(struct options, ttl_ms),
	    .low = 0,
	    .high = 86400000,
	    .fallback = "5s",
	    .arg = "TIME",
	    .help = "TTL of services that name none" },
	{ .key = "negative_ttl",
	    .kind = CONF_DURATION,
	    .offset = offsetof(struct options, negative_ttl_ms),
	    .low = 0,
	    .high = 86400000,
	    .fallback = "2s",
	    .arg = "TIME",
	    .help = "TTL of NXDOMAIN and NODATA" },
	{ .key = "max_answers",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, max_answers),
	    .low = 1,
	    .high = 1000,
	    .word = "all",
	    .word_value = 0,
	    .fallback = "8",
	    .arg = "N",
	    .help = "Addresses in an A or AAAA answer of services that set "
	            "no limit" },
	{ .key = "ns",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, ns),
	    .valid = is_name,
	    .expects = "a domain name",
	    .arg = "NAME",
	    .help = "Name server of the zones, the first one is the primary; "
	            "ns1.ZONE if there is none" },
	{ .key = "ns_address",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, ns_addresses),
	    .arg = "ADDR",
	    .help = "Address of the name servers whose names lie in a zone; "
	            "the addresses listened on if there is "
	            "none" },
	{ .key = "hostmaster",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, hostmaster),
	    .valid = is_name,
	    .expects = "a mail address as a domain name",
	    .arg = "NAME",
	    .help = "Mailbox in the SOA record; hostmaster.ZONE if not set" },
	{ .key = "identity",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, identity),
	    .arg = "TEXT",
	    .help = "Answer to NSID, id.server and hostname.bind" },
	{ .key = "version_text",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, version),
	    .fallback = "rollcall",
	    .arg = "TEXT",
	    .help = "Answer to version.bind; empty refuses it" },
	{ .key = "udp_size",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, udp_size),
	    .low = 512,
	    .high = 4096,
	    .fallback = "1232",
	    .arg = "OCTETS",
	    .help = "Largest answer over UDP" },
	{ .key = "tcp_connections",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, tcp_connections),
	    .low = 1,
	    .high = 1000000,
	    .fallback = "10000",
	    .arg = "N",
	    .help = "TCP and TLS connections in all; beyond, the one idle the "
	            "longest is closed" },
	{ .key = "tcp_idle",
	    .kind = CONF_DURATION,
	    .offset = offsetof(struct options, tcp_idle_ms),
	    .low = 10,
	    .high = 3600000,
	    .fallback = "10s",
	    .arg = "TIME",
	    .help = "Time after which a TCP or TLS connection without a whole "
	            "request is closed" },
	{ .key = "check",
	    .kind = CONF_BOOL,
	    .offset = offsetof(struct options, check),
	    .help = "Say whether the options are right, and end" },
	{ .key = "log_level",
	    .kind = CONF_ENUM,
	    .offset = offsetof(struct options, log_level),
	    .names = log_levels,
	    .fallback = "info",
	    .common = true,
	    .arg = "LEVEL",
	    .help = "How much to log" },
	{ .key = "log_format",
	    .kind = CONF_ENUM,
	    .offset = offsetof(struct options, log_format),
	    .names = log_formats,
	    .fallback = "text",
	    .common = true,
	    .arg = "FORMAT",
	    .help = "How log lines look" },
	{ 0 },
};

static const struct conf_table table = {
	.what = "the options of dnsd",
	.size = sizeof(struct options),
	.fields = fields,
};

static const char *const usage[] = {
	"dnsd [--registry FILE] [--zone NAME]... [--listen ADDR:PORT]...", NULL
};
static const char *const others[] = { "registrar", NULL };

const struct options_spec dnsd_options = {
	.program = "dnsd",
	.usage = usage,
	.about = "Authoritative DNS server that answers SRV, A, AAAA and TXT "
	         "from a registry of services, by weight, with healthy "
	         "instances only.",
	.table = &table,
	.others = others,
};
