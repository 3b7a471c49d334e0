// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/options.h"

#include "dnsd/forward/upstream.h"
#include "dnsd/message/screen/limit.h"
#include "dnsd/message/screen/networks.h"
#include "dnsd/message/wire/dname.h"
#include "dnsd/transport/address.h"
#include "dnsd/zonefile/apex.h"

static const char *const log_levels[] = { "error", "warn", "info", "debug",
	NULL };
static const char *const log_formats[] = { "text", "json", NULL };

static const char *const cookie_modes[] = { "off", "on", "require", NULL };
static const char *const outsides[] = { "refuse", "nxdomain", "forward", NULL };
static const char *const switches[] = { "off", "on", NULL };
static const char *const denials[] = { "refuse", "drop", NULL };
static const char expects_upstream[] =
    "ADDRESS[:PORT], tls://ADDRESS#NAME or 'system'";
static const char expects_network[] =
    "a network such as 10.0.0.0/8 or fd00::/8, without bits beyond its length";

static bool is_name(const char *text)
{
	struct dname name;

	return *text && dname_from_text(&name, text);
}

/* It stands in a text of libunbound's, in quotes. */
static bool is_path(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p < ' ' || *p == '"' || *p == '\\')
			return false;
	}
	return *text == '/';
}

static bool is_listen(const char *text)
{
	struct address a;
	struct diag why;

	return address_parse(text, ADDRESS_PORT_DNS, &a, &why) == 0;
}

static const char expects_listen[] =
    "a numeric address, with or without port, such as 127.0.0.1:53 or [::1]:53";

/* As the registry and names below it allow. */
static bool is_zone(const char *text)
{
	struct dname name;

	return *text && dname_from_text(&name, text) && name.label_n &&
	       name.len <= APEX_ZONE_LEN_MAX;
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
	    .valid = is_zone,
	    .expects = "a domain name of at most 120 octets",
	    .arg = "NAME",
	    .help = "Zone to serve" },
	{ .key = "zones",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, zone_directory),
	    .arg = "DIR",
	    .help = "Directory of master files, NAME.zone each, that are "
	            "served as well and followed" },
	{ .key = "state",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, state),
	    .arg = "DIR",
	    .help = "Directory in which the serials of zones are kept from "
	            "one run to the next; that of the registry if not set" },
	{ .key = "listen",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, listen),
	    .valid = is_listen,
	    .expects = expects_listen,
	    .fallback = "127.0.0.1:5300",
	    .arg = "ADDR:PORT",
	    .help = "Address for UDP and TCP, [ADDR]:PORT for IPv6" },
	{ .key = "listen_tls",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, listen_tls),
	    .valid = is_listen,
	    .expects = expects_listen,
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
	    .whole = true,
	    .low = 0,
	    .high = 86400000,
	    .fallback = "5s",
	    .common = true,
	    .arg = "TIME",
	    .help = "TTL of services that name none" },
	{ .key = "negative_ttl",
	    .kind = CONF_DURATION,
	    .offset = offsetof(struct options, negative_ttl_ms),
	    .whole = true,
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
	    .absent = 65535,
	    .arg = "N",
	    .help = "Addresses in an A or AAAA answer of services that set "
	            "no limit; all: with TC where they do not fit; if not "
	            "set: as many as fit" },
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
	    .valid = is_listen,
	    .expects = expects_listen,
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
	{ .key = "cookies",
	    .kind = CONF_ENUM,
	    .offset = offsetof(struct options, cookies),
	    .names = cookie_modes,
	    .fallback = "on",
	    .arg = "MODE",
	    .help = "DNS cookies: off, on, or required over UDP of clients "
	            "that know them" },
	{ .key = "cookie_secrets",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, cookie_secrets),
	    .arg = "FILE",
	    .help = "Secrets of server cookies, shared by several servers; "
	            "one is drawn if there is no file" },
	{ .key = "allow_query",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, allow_query),
	    .valid = networks_is_one,
	    .expects = expects_network,
	    .arg = "NETWORK",
	    .help = "Network that may ask, !NETWORK for one that may not; "
	            "everybody if there is none" },
	{ .key = "denied",
	    .kind = CONF_ENUM,
	    .offset = offsetof(struct options, denied),
	    .names = denials,
	    .fallback = "refuse",
	    .arg = "HOW",
	    .help = "What others get: REFUSED or nothing" },
	{ .key = "outside",
	    .kind = CONF_ENUM,
	    .offset = offsetof(struct options, outside),
	    .names = outsides,
	    .fallback = "refuse",
	    .arg = "HOW",
	    .help = "What is said to names in no zone of ours" },
	{ .key = "allow_recursion",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, allow_recursion),
	    .valid = networks_is_one,
	    .expects = expects_network,
	    .arg = "NETWORK",
	    .help = "Network that may ask for such names, others are refused; "
	            "loopback and the private networks of this host's "
	            "interfaces if there is none" },
	{ .key = "upstream",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, upstreams),
	    .fallback = "system",
	    .valid = upstream_is_one,
	    .expects = expects_upstream,
	    .arg = "ADDR[:PORT]",
	    .help = "Server that is asked for such names, or tls://ADDR#NAME, "
	            "or system for those of /etc/resolv.conf" },
	{ .key = "upstream_zones",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, upstream_zones),
	    .map = true,
	    .valid = upstream_zone_is_one,
	    .expects = "NAME=ADDRESS[:PORT]",
	    .arg = "NAME=ADDR",
	    .help = "Server that is asked for the names of one zone" },
	{ .key = "upstream_ca",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, upstream_ca),
	    .fallback = "/etc/ssl/certs/ca-certificates.crt",
	    .valid = is_path,
	    .expects = "an absolute path",
	    .arg = "FILE",
	    .help = "Certificates that those over TLS are known by, in PEM" },
	{ .key = "resolv_conf",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, resolv_conf),
	    .fallback = "/etc/resolv.conf",
	    .arg = "FILE",
	    .help = "Where system finds its servers first" },
	{ .key = "recursion",
	    .kind = CONF_BOOL,
	    .offset = offsetof(struct options, recursion),
	    .help = "Ask from the root on, without upstreams" },
	{ .key = "root_hints",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, root_hints),
	    .valid = is_path,
	    .expects = "an absolute path",
	    .arg = "FILE",
	    .help = "Servers of the root, as a master file; those of the "
	            "Internet if not set" },
	{ .key = "recursion_limit",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, recursion_limit),
	    .low = 1,
	    .high = 1024,
	    .fallback = "256",
	    .arg = "N",
	    .help = "Questions of one network that may wait for others at a "
	            "time" },
	{ .key = "validation",
	    .kind = CONF_ENUM,
	    .offset = offsetof(struct options, validation),
	    .names = switches,
	    .fallback = "off",
	    .arg = "MODE",
	    .help = "DNSSEC validation of what others say" },
	{ .key = "trust_anchor",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options, trust_anchor),
	    .fallback = "/usr/share/dns/root.key",
	    .valid = is_path,
	    .expects = "an absolute path",
	    .arg = "FILE",
	    .help = "Keys that validation begins with, as DS or DNSKEY" },
	{ .key = "negative_trust_anchors",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, negative_trust_anchors),
	    .valid = is_name,
	    .expects = "a domain name",
	    .arg = "NAME",
	    .help = "Zone that is not validated, such as a private one" },
	{ .key = "special_names_out",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, special_names_out),
	    .valid = is_name,
	    .expects = "a domain name",
	    .arg = "NAME",
	    .help = "Special name that others are asked for, too: test, "
	            "10.in-addr.arpa ..." },
	{ .key = "serve_stale",
	    .kind = CONF_DURATION,
	    .offset = offsetof(struct options, serve_stale_ms),
	    .whole = true,
	    .low = 0,
	    .high = 604800000,
	    .fallback = "1d",
	    .arg = "TIME",
	    .help = "How long an answer may be over that is given when "
	            "nobody can be asked; 0s: never" },
	{ .key = "outside_min_ttl",
	    .kind = CONF_DURATION,
	    .offset = offsetof(struct options, outside_min_ttl_ms),
	    .whole = true,
	    .low = 0,
	    .high = 3600000,
	    .fallback = "0s",
	    .arg = "TIME",
	    .help = "Smallest TTL of what others say" },
	{ .key = "outside_cache",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, outside_cache),
	    .low = 0,
	    .high = 4096,
	    .fallback = "64",
	    .arg = "MIB",
	    .help = "Room for answers of others that are given again at "
	            "once; 0: none" },
	{ .key = "outside_max_ttl",
	    .kind = CONF_DURATION,
	    .offset = offsetof(struct options, outside_max_ttl_ms),
	    .whole = true,
	    .low = 0,
	    .high = 604800000,
	    .fallback = "1d",
	    .arg = "TIME",
	    .help = "Largest TTL of what others say" },
	{ .key = "query_limit",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, query_limit),
	    .low = 0,
	    .high = LIMIT_RATE_MAX,
	    .fallback = "0",
	    .arg = "N",
	    .help = "Queries a second of a network, in each thread; 0 means "
	            "no limit" },
	{ .key = "query_burst",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, query_burst),
	    .low = 0,
	    .high = LIMIT_RATE_MAX,
	    .fallback = "0",
	    .arg = "N",
	    .help = "Queries at once before query-limit holds; 0 means as "
	            "many as that" },
	{ .key = "rrl",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, rrl),
	    .low = 0,
	    .high = LIMIT_RATE_MAX,
	    .word = "off",
	    .word_value = 0,
	    .absent = -1,
	    .arg = "N",
	    .help = "Like responses a second over UDP to a network, from each "
	            "thread; 0 or off means no limit; 20 outside private "
	            "networks if not set" },
	{ .key = "rrl_negative",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, rrl_negative),
	    .low = 0,
	    .high = LIMIT_RATE_MAX,
	    .absent = -1,
	    .arg = "N",
	    .help = "The same for NXDOMAIN and NODATA of a zone; as rrl if "
	            "not set" },
	{ .key = "rrl_errors",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, rrl_errors),
	    .low = 0,
	    .high = LIMIT_RATE_MAX,
	    .absent = -1,
	    .arg = "N",
	    .help = "The same for errors; as rrl if not set" },
	{ .key = "rrl_window",
	    .kind = CONF_SECONDS,
	    .offset = offsetof(struct options, rrl_window_s),
	    .low = 1,
	    .high = LIMIT_DEBT_MAX_S,
	    .fallback = "15",
	    .arg = "SECONDS",
	    .help = "Time for which a network that went on is limited at most "
	            "after it stopped" },
	{ .key = "rrl_slip",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, rrl_slip),
	    .low = 0,
	    .high = 10,
	    .fallback = "2",
	    .arg = "N",
	    .help = "Every so many limited responses are sent empty with TC; 0 "
	            "means none" },
	{ .key = "rrl_leak",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, rrl_leak),
	    .low = 0,
	    .high = 10,
	    .fallback = "0",
	    .arg = "N",
	    .help = "Every so many limited responses are sent as they are; 0 "
	            "means none" },
	{ .key = "limit_exempt",
	    .kind = CONF_STRINGS,
	    .offset = offsetof(struct options, limit_exempt),
	    .valid = networks_is_one,
	    .expects = expects_network,
	    .arg = "NETWORK",
	    .help = "Network that no limit holds for, !NETWORK for one that it "
	            "does" },
	{ .key = "limit_ipv4_bits",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, limit_ipv4_bits),
	    .low = 0,
	    .high = 32,
	    .fallback = "24",
	    .arg = "BITS",
	    .help = "Length of the networks that limits count" },
	{ .key = "limit_ipv6_bits",
	    .kind = CONF_INT,
	    .offset = offsetof(struct options, limit_ipv6_bits),
	    .low = 0,
	    .high = 64,
	    .fallback = "56",
	    .arg = "BITS",
	    .help = "The same for IPv6" },
	{ .key = "check",
	    .kind = CONF_BOOL,
	    .offset = offsetof(struct options, check),
	    .flag_only = true,
	    .help = "Say whether the options are right, and end" },
	{ .key = "sandbox",
	    .kind = CONF_ENUM,
	    .offset = offsetof(struct options, sandbox),
	    .names = sandbox_modes,
	    .fallback = "auto",
	    .common = true,
	    .arg = "MODE",
	    .help = "Restrict itself: auto, as far as the kernel can; on, or "
	            "do not start; off" },
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
