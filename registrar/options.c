// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/options.h"

#include "registrar/cluster/etcd.h"
#include "registrar/http/access.h"
#include "registrar/http/listen.h"
#include "registrar/report/ports.h"
#include "schema/label.h"
#include "schema/registry.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define ZONE_TEXT_MAX 128

/* Lower case and without a final dot, as the registry has it. */
static void fold_zone(const char *text, char out[static ZONE_TEXT_MAX])
{
	size_t len = strnlen(text, ZONE_TEXT_MAX - 1);

	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	if (len && out[len - 1] == '.')
		len--;
	out[len] = '\0';
}

static bool is_zone(const char *text)
{
	char folded[ZONE_TEXT_MAX];

	fold_zone(text, folded);
	return strlen(text) < ZONE_TEXT_MAX && label_is_zone(folded);
}

/* It becomes "registrar/NAME", the source of rows. */
static bool is_source(const char *text)
{
	const char *p = text;

	while (*p > 0x20 && *p < 0x7f)
		p++;
	return *text && !*p && strlen(text) <= 200;
}

static bool is_address(const char *text)
{
	struct in6_addr raw;

	return inet_pton(AF_INET, text, &raw) == 1 ||
	       inet_pton(AF_INET6, text, &raw) == 1;
}

static bool is_outside4(const char *text)
{
	struct in_addr raw;

	return inet_pton(AF_INET, text, &raw) == 1 &&
	       strncmp(text, "127.", 4) != 0 && strcmp(text, "0.0.0.0") != 0;
}

static bool is_outside6(const char *text)
{
	return label_is_ipv6(text) && strcmp(text, "::1") != 0 &&
	       strcmp(text, "::") != 0;
}

static bool is_user(const char *text)
{
	return *text && *text != '-' && strlen(text) <= 255 &&
	       !strpbrk(text, " \t\n:/");
}

/* As a string of TXT has it, RFC 6763 section 6.4. */
static bool is_pair(const char *text)
{
	const char *p = text;

	while (*p >= 0x20 && *p <= 0x7e && *p != '=')
		p++;
	if (p == text || *p != '=')
		return false;
	while ((unsigned char)*p >= 0x20 && *p != 0x7f)
		p++;
	return !*p && p - text <= 255;
}

static bool is_rights(const char *text)
{
	unsigned rights;

	return access_parse_rights(text, &rights);
}

/* PREFIX=RIGHTS */
static bool is_rule(const char *text)
{
	const char *at = strchr(text, '=');

	return at &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
	           (size_t)(at - text) &&
	       is_rights(at + 1);
}

static bool is_host(const char *text)
{
	return *text && strlen(text) <= 253 && !strpbrk(text, " \t\n:/[]");
}

static bool is_netns(const char *text)
{
	return *text && *text != '.' && strlen(text) <= 255 &&
	       !strpbrk(text, "/ \t\n");
}

/* Into a text of nftables. */
static bool is_cgroup(const char *text)
{
	return *text && *text != '/' && strlen(text) <= 255 &&
	       !strpbrk(text, "\"\\ \t\n;{}");
}

static bool is_path(const char *text)
{
	return *text;
}

static const char *const log_levels[] = { "error", "warn", "info", "debug",
	NULL };
static const char *const exchange_formats[] = { [FORMAT_LINES] = "lines",
	[FORMAT_CONSUL] = "consul",
	[FORMAT_SKYDNS] = "skydns",
	[FORMAT_ZONE] = "zone",
	NULL };
static const char *const log_formats[] = { "text", "json", NULL };

#define COMMAND_OPERATE                                                        \
	(COMMAND_DRAIN | COMMAND_MODE | COMMAND_RESUME | COMMAND_WEIGHT |      \
	    COMMAND_DEREGISTER)
/* What runs beside the registrar takes its command line. */
#define COMMAND_RUNS (COMMAND_RUN | COMMAND_SERVE | COMMAND_CLUSTER)
#define EXPECTS_RIGHTS                                                         \
	"none, all, or some of read, write, operate, exec, joined by commas"
#define COMMAND_IN_CLUSTER (COMMAND_RUN | COMMAND_CLUSTER)
#define AT(member) .offset = offsetof(struct registrar_options, member)

static const struct conf_field fields[] = {
	{ .key = "registry",
	    .kind = CONF_STRING,
	    AT(run.registry),
	    .valid = is_path,
	    .expects = "the path of a file",
	    .fallback = "/var/lib/rollcall/registry.db",
	    .common = true,
	    .scope = ~(unsigned)COMMAND_CHECK,
	    .arg = "FILE",
	    .help = "The registry" },
	{ .key = "mesh_dir",
	    .kind = CONF_STRING,
	    AT(mesh_dir),
	    .valid = is_path,
	    .expects = "the path of a directory",
	    .fallback = "/var/lib/rollcall/mesh",
	    .scope = COMMAND_MESH,
	    .arg = "DIR",
	    .help = "Files and sockets of the sidecars" },
	{ .key = "ca_dir",
	    .kind = CONF_STRING,
	    AT(ca_dir),
	    .valid = is_path,
	    .expects = "the path of a directory",
	    .fallback = "/var/lib/rollcall/ca",
	    .scope = COMMAND_MESH,
	    .arg = "DIR",
	    .help = "Where the authority has its key and its certificate" },
	{ .key = "ca_socket",
	    .kind = CONF_STRING,
	    AT(ca_socket),
	    .valid = is_path,
	    .expects = "the path of a socket",
	    .fallback = "/run/rollcall/ca.sock",
	    .scope = COMMAND_MESH,
	    .arg = "PATH",
	    .help = "Where the authority is asked" },
	{ .key = "ca_life",
	    .kind = CONF_DURATION,
	    AT(ca_life_ms),
	    .low = 5000,
	    .high = 2592000000,
	    .fallback = "24h",
	    .scope = COMMAND_MESH,
	    .arg = "TIME",
	    .help = "How long a certificate is valid; renewed at half of it" },
	{ .key = "user",
	    .kind = CONF_STRING,
	    .flag_only = true,
	    AT(user),
	    .valid = is_user,
	    .expects = "the name or number of a user",
	    .scope = COMMAND_MESH,
	    .arg = "USER",
	    .help = "Whose calls are intercepted; the service's if not set" },
	{ .key = "cgroup",
	    .kind = CONF_STRING,
	    .flag_only = true,
	    AT(cgroup),
	    .valid = is_cgroup,
	    .expects = "a path below the root of cgroups, such as "
	               "system.slice/web.service",
	    .scope = COMMAND_MESH,
	    .arg = "PATH",
	    .help = "Calls of that cgroup are intercepted, whoever the user" },
	{ .key = "netns",
	    .kind = CONF_STRING,
	    .flag_only = true,
	    AT(netns),
	    .valid = is_netns,
	    .expects = "the name of a network namespace",
	    .scope = COMMAND_MESH,
	    .arg = "NAME",
	    .help = "In that network namespace, calls of all but the sidecar" },
	{ .key = "print",
	    .kind = CONF_BOOL,
	    .flag_only = true,
	    AT(print),
	    .scope = COMMAND_MESH,
	    .help = "Print the rules of nftables, do nothing" },
	{ .key = "undo",
	    .kind = CONF_BOOL,
	    .flag_only = true,
	    AT(undo),
	    .scope = COMMAND_MESH,
	    .help = "Take back what intercept or revoke has done" },
	{ .key = "watch",
	    .kind = CONF_STRING,
	    AT(run.watch),
	    .valid = is_path,
	    .expects = "the path of a directory",
	    .fallback = "/etc/rollcall/services.d",
	    .scope = COMMAND_RUNS | COMMAND_CHECK,
	    .arg = "DIR",
	    .help = "Directory of definitions" },
	{ .key = "zone",
	    .kind = CONF_STRING,
	    AT(run.zone),
	    .valid = is_zone,
	    .expects = "a domain name of at most 120 octets",
	    .fallback = "svc.internal",
	    .arg = "NAME",
	    .help = "Zone of services that name none" },
	{ .key = "name",
	    .kind = CONF_STRING,
	    AT(run.name),
	    .valid = is_source,
	    .expects = "1..200 printable ASCII characters, no blanks",
	    .scope = COMMAND_RUNS,
	    .arg = "NAME",
	    .help = "Name of this registrar in the registry; the host's name "
	            "if not set" },
	{ .key = "host",
	    .kind = CONF_STRING,
	    AT(run.node),
	    .valid = is_source,
	    .expects = "1..200 printable ASCII characters, no blanks",
	    .scope = COMMAND_RUNS,
	    .arg = "NAME",
	    .help = "Name of this host among others; the host's name if not "
	            "set" },
	{ .key = "adopt",
	    .kind = CONF_STRING,
	    .flag_only = true,
	    AT(run.adopt),
	    .valid = is_source,
	    .expects = "1..200 printable ASCII characters, no blanks",
	    .scope = COMMAND_RUNS,
	    .arg = "NAME",
	    .help = "Make the rows of a registrar ours that had that name and "
	            "does not run" },
	{ .key = "address",
	    .kind = CONF_STRING,
	    AT(run.address),
	    .valid = is_address,
	    .expects = "an IPv4 or IPv6 address",
	    .fallback = "127.0.0.1",
	    .scope = COMMAND_RUNS | COMMAND_CHECK | COMMAND_REGISTER |
	             COMMAND_IMPORT | COMMAND_ANNOUNCE,
	    .arg = "ADDR",
	    .help = "Address of instances that name none: this host's, as "
	            "clients reach it" },
	{ .key = "cgroups",
	    .kind = CONF_STRING,
	    AT(run.cgroups),
	    .valid = is_path,
	    .expects = "the path of a directory",
	    .scope = COMMAND_RUNS,
	    .arg = "DIR",
	    .help = "Where the cgroups of units are; found by itself if not "
	            "set" },
	{ .key = "container_socket",
	    .kind = CONF_STRING,
	    AT(run.container_socket),
	    .valid = is_path,
	    .expects = "the path of a socket",
	    .scope = COMMAND_RUNS,
	    .arg = "PATH",
	    .help = "Where Docker or Podman answers; /run/docker.sock or "
	            "/run/podman/podman.sock if not set" },
	{ .key = "container_labels",
	    .kind = CONF_BOOL,
	    AT(run.container_labels),
	    .scope = COMMAND_RUNS,
	    .help = "Containers are what their labels rollcall.* say" },
	{ .key = "json",
	    .kind = CONF_BOOL,
	    AT(json),
	    .scope = COMMAND_CLUSTER | COMMAND_STATUS | COMMAND_OPERATE |
	             COMMAND_REGISTER | COMMAND_EXPLAIN | COMMAND_HISTORY |
	             COMMAND_TOKEN,
	    .help = "Everything, as JSON" },
	{ .key = "reason",
	    .kind = CONF_STRING,
	    AT(reason),
	    .scope = COMMAND_OPERATE,
	    .arg = "TEXT",
	    .help = "Why, for those who look at the history" },
	{ .key = "wait",
	    .kind = CONF_BOOL,
	    AT(wait),
	    .scope = COMMAND_DRAIN | COMMAND_RESUME,
	    .help = "Wait until the drain is over, or what is resumed is in "
	            "answers; exit with 1 if it failed" },
	{ .key = "once",
	    .kind = CONF_BOOL,
	    AT(once),
	    .scope = COMMAND_TOP | COMMAND_WATCH,
	    .help = "Print a plain table, or do it once, and end" },
	{ .key = "exec",
	    .kind = CONF_STRING,
	    .flag_only = true,
	    AT(watch.exec),
	    .scope = COMMAND_WATCH,
	    .arg = "COMMAND",
	    .help = "Run this by sh, with what DNS says as JSON on its "
	            "standard input" },
	{ .key = "template",
	    .kind = CONF_STRINGS,
	    .flag_only = true,
	    AT(watch.templates),
	    .scope = COMMAND_WATCH,
	    .arg = "IN:OUT",
	    .help = "Write the file OUT as the template IN says" },
	{ .key = "reload",
	    .kind = CONF_STRING,
	    .flag_only = true,
	    AT(watch.reload),
	    .scope = COMMAND_WATCH,
	    .arg = "COMMAND",
	    .help = "Run this by sh when a file was written; if it fails, "
	            "the files are put back" },
	{ .key = "settle",
	    .kind = CONF_DURATION,
	    .flag_only = true,
	    AT(watch.settle_ms),
	    .low = 0,
	    .high = 60000,
	    .fallback = "100ms",
	    .scope = COMMAND_WATCH,
	    .arg = "TIME",
	    .help = "Wait until nothing has changed for so long, at most ten "
	            "times as long" },
	{ .key = "deadline",
	    .kind = CONF_DURATION,
	    AT(deadline_ms),
	    .low = 1,
	    .high = 31536000000,
	    .scope = COMMAND_DRAIN,
	    .arg = "TIME",
	    .help = "Wait no longer, for caches or for what the definition "
	            "says is done then" },
	{ .key = "deregister",
	    .kind = CONF_BOOL,
	    AT(deregister),
	    .scope = COMMAND_DRAIN,
	    .help = "Wait, and take it out of the registry in the end" },
	{ .key = "ttl",
	    .kind = CONF_DURATION,
	    AT(ttl_ms),
	    .whole = true,
	    .low = 0,
	    .high = 86400000,
	    .fallback = "5s",
	    .common = true,
	    .scope = COMMAND_DRAIN | COMMAND_EXPORT,
	    .arg = "TIME",
	    .help = "TTL of services that name none: dnsd's" },
	{ .key = "force",
	    .kind = CONF_BOOL,
	    AT(force),
	    .scope = COMMAND_REGISTER | COMMAND_DEREGISTER | COMMAND_DRAIN |
	             COMMAND_MODE | COMMAND_RESTORE,
	    .help = "Though somebody else wrote it, nothing of the service "
	            "is left in answers, or what is restored is older" },
	{ .key = "unhealthy",
	    .kind = CONF_BOOL,
	    .flag_only = true,
	    AT(unhealthy),
	    .scope = COMMAND_STATUS,
	    .help = "Only what is not passing, and services without answer" },
	{ .key = "nagios",
	    .kind = CONF_BOOL,
	    .flag_only = true,
	    AT(nagios),
	    .scope = COMMAND_STATUS,
	    .help = "One line with numbers; exit with 0, 1, 2 or 3 as plugins "
	            "of Nagios do" },
	{ .key = "node",
	    .kind = CONF_STRING,
	    .flag_only = true,
	    AT(node),
	    .valid = is_source,
	    .expects = "the name of a registrar",
	    .scope =
	        COMMAND_STATUS | COMMAND_DRAIN | COMMAND_MODE | COMMAND_RESUME,
	    .arg = "NAME",
	    .help = "Only what the registrar of that name describes: what is "
	            "on its host" },
	{ .key = "timeout",
	    .kind = CONF_DURATION,
	    .flag_only = true,
	    AT(timeout_ms),
	    .low = 0,
	    .high = 86400000,
	    .fallback = "60s",
	    .scope = COMMAND_WAIT | COMMAND_RESUME,
	    .arg = "TIME",
	    .help = "Wait no longer; exit with 3 then, or with 1 if it is "
	            "resume" },
	{ .key = "take_over",
	    .kind = CONF_BOOL,
	    .flag_only = true,
	    AT(take_over),
	    .scope = COMMAND_REGISTER | COMMAND_DEREGISTER | COMMAND_DRAIN |
	             COMMAND_IMPORT,
	    .help = "Take rows over that belong to somebody else" },
	{ .key = "address6",
	    .kind = CONF_STRING,
	    AT(address6),
	    .valid = label_is_ipv6,
	    .expects = "an IPv6 address in lower case",
	    .scope = COMMAND_REGISTER,
	    .arg = "ADDR",
	    .help = "IPv6 address beside an IPv4 address" },
	{ .key = "protocol",
	    .kind = CONF_STRING,
	    AT(protocol),
	    .valid = label_is_service,
	    .expects = LABEL_SERVICE_RULE,
	    .scope = COMMAND_REGISTER,
	    .arg = "NAME",
	    .help = "Of a service that is not there yet, tcp if not set; "
	            "expected of one that is" },
	{ .key = "port",
	    .kind = CONF_STRINGS,
	    AT(ports),
	    .valid = port_arg_is_valid,
	    .expects = PORT_ARG_RULE,
	    .scope = COMMAND_REGISTER | COMMAND_ANNOUNCE,
	    .arg = "[NAME=]N[/PROTOCOL]",
	    .help = "Port, several if the service has; its own if not set" },
	{ .key = "priority",
	    .kind = CONF_INT,
	    AT(priority),
	    .low = 0,
	    .high = 65535,
	    .fallback = "0",
	    .scope = COMMAND_REGISTER,
	    .arg = "N",
	    .help = "Lower is preferred" },
	{ .key = "weight",
	    .kind = CONF_INT,
	    AT(weight),
	    .low = 0,
	    .high = 65535,
	    .fallback = "100",
	    .scope = COMMAND_REGISTER | COMMAND_ANNOUNCE,
	    .arg = "N",
	    .help = "Share among those of its priority" },
	{ .key = "lease",
	    .kind = CONF_DURATION,
	    AT(lease_ms),
	    .low = 1000,
	    .high = 31536000000,
	    .scope = COMMAND_REGISTER | COMMAND_ANNOUNCE,
	    .arg = "TIME",
	    .help = "Out of answers after that time, unless registered "
	            "again; for ever if not set" },
	{ .key = "tag",
	    .kind = CONF_STRINGS,
	    AT(tags),
	    .valid = label_is_tag,
	    .expects = TAG_RULE,
	    .scope = COMMAND_REGISTER | COMMAND_ANNOUNCE,
	    .arg = "TAG",
	    .help = "Tag of the instance" },
	{ .key = "meta",
	    .kind = CONF_STRINGS,
	    .flag_only = true,
	    AT(meta),
	    .valid = is_pair,
	    .expects = "KEY=VALUE of at most 255 octets, KEY of printable "
	               "ASCII, without control characters",
	    .scope = COMMAND_REGISTER,
	    .arg = "KEY=VALUE",
	    .help = "Words of the instance, for TXT" },
	{ .key = "ttl", /* behind that of the others, which the file has */
	    .kind = CONF_SECONDS,
	    .flag_only = true,
	    AT(service_ttl_s),
	    .high = 604800,
	    .absent = ROW_DEFAULT,
	    .scope = COMMAND_REGISTER,
	    .arg = "TIME",
	    .help = "TTL of a service that is not there yet, or that register "
	            "made; expected of one that others describe" },
	{ .key = "max_answers",
	    .kind = CONF_INT,
	    AT(max_answers),
	    .low = 1,
	    .high = 1000,
	    .word = "all",
	    .word_value = 0,
	    .absent = 65535,
	    .scope = COMMAND_EXPLAIN,
	    .arg = "N",
	    .help = "Addresses in an answer of services that set no limit: "
	            "dnsd's; if not set: as many as fit" },
	{ .key = "format",
	    .kind = CONF_ENUM,
	    AT(format),
	    .names = exchange_formats,
	    .absent = FORMAT_AUTO,
	    .scope = COMMAND_IMPORT | COMMAND_EXPORT,
	    .arg = "FORMAT",
	    .help = "lines, consul, skydns or zone; import knows it by the "
	            "content, export writes lines" },
	{ .key = "dry_run",
	    .kind = CONF_BOOL,
	    AT(dry_run),
	    .scope = COMMAND_IMPORT,
	    .help = "Write nothing; tell what would change" },
	{ .key = "limit",
	    .kind = CONF_INT,
	    AT(limit),
	    .low = 1,
	    .high = 1000000000,
	    .fallback = "50",
	    .scope = COMMAND_HISTORY,
	    .arg = "N",
	    .help = "Rows to show, the newest first" },
	{ .key = "since",
	    .kind = CONF_STRING,
	    AT(since),
	    .scope = COMMAND_HISTORY,
	    .arg = "TIME",
	    .help = "Nothing older: 15m (ago), 07:30, 2026-11-23T07:30Z; UTC" },
	{ .key = "at",
	    .kind = CONF_STRING,
	    AT(at),
	    .scope = COMMAND_HISTORY,
	    .arg = "TIME",
	    .help = "The states as they were then" },
	{ .key = "note",
	    .kind = CONF_STRING,
	    AT(note),
	    .scope = COMMAND_REPORT | COMMAND_TOKEN,
	    .arg = "TEXT",
	    .help = "What the check is to show, what the token is for" },
	{ .key = "http",
	    .kind = CONF_STRINGS,
	    AT(run.serve.http),
	    .valid = listen_is_address,
	    .expects = "ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH",
	    .scope = COMMAND_RUNS | COMMAND_ANNOUNCE,
	    .arg = "ADDR:PORT",
	    .help = "Where the API is; repeat for more" },
	{ .key = "consul",
	    .kind = CONF_STRINGS,
	    AT(run.serve.consul),
	    .valid = listen_is_address,
	    .expects = "ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH",
	    .scope = COMMAND_RUNS,
	    .arg = "ADDR:PORT",
	    .help = "Where Consul's API is, such as 127.0.0.1:8500" },
	{ .key = "http_host",
	    .kind = CONF_STRINGS,
	    AT(run.serve.hosts),
	    .valid = is_host,
	    .expects = "the name of a host",
	    .scope = COMMAND_RUNS,
	    .arg = "NAME",
	    .help = "A name by which clients ask, besides the host's, "
	            "localhost and addresses; repeat for more" },
	{ .key = "anonymous_local",
	    .kind = CONF_STRING,
	    AT(run.serve.anonymous_local),
	    .valid = is_rights,
	    .expects = EXPECTS_RIGHTS,
	    .fallback = "read,write",
	    .scope = COMMAND_RUNS,
	    .arg = "RIGHTS",
	    .help = "What clients of this host may without a token" },
	{ .key = "anonymous",
	    .kind = CONF_STRING,
	    AT(run.serve.anonymous),
	    .valid = is_rights,
	    .expects = EXPECTS_RIGHTS,
	    .fallback = "none",
	    .scope = COMMAND_RUNS,
	    .arg = "RIGHTS",
	    .help = "What clients of other hosts may without a token" },
	{ .key = "http_connections",
	    .kind = CONF_INT,
	    AT(run.serve.conns),
	    .low = 10,
	    .high = 1000000,
	    .fallback = "20000",
	    .scope = COMMAND_RUNS,
	    .arg = "N",
	    .help = "Connections at a time; the one that is idle longest "
	            "makes room" },
	{ .key = "http_client_connections",
	    .kind = CONF_INT,
	    AT(run.serve.conns_a_peer),
	    .low = 1,
	    .high = 1000000,
	    .fallback = "1000",
	    .scope = COMMAND_RUNS,
	    .arg = "N",
	    .help = "Connections of one client of another host" },
	{ .key = "rule",
	    .kind = CONF_STRINGS,
	    AT(rules),
	    .valid = is_rule,
	    .expects = "PREFIX=RIGHTS, such as web=read,write or =read",
	    .flag_only = true,
	    .scope = COMMAND_TOKEN,
	    .arg = "PREFIX=RIGHTS",
	    .help = "What the token may do to services whose names begin so; "
	            "repeat for more; =read if none" },
	{ .key = "lifetime",
	    .kind = CONF_DURATION,
	    AT(lifetime_ms),
	    .low = 1000,
	    .high = 315360000000,
	    .flag_only = true,
	    .scope = COMMAND_TOKEN,
	    .arg = "TIME",
	    .help = "After which the token is over; never if not set" },
	{ .key = "cluster",
	    .kind = CONF_STRINGS,
	    AT(run.cluster.endpoints),
	    .valid = etcd_is_endpoint,
	    .expects = "ADDRESS:PORT or [ADDRESS]:PORT, with http:// or "
	               "https:// before it",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "ADDR:PORT",
	    .help = "A member of etcd, through which hosts tell each other "
	            "what they have; repeat for more" },
	{ .key = "cluster_address",
	    .kind = CONF_STRING,
	    AT(run.cluster.address),
	    .valid = is_outside4,
	    .expects = "an IPv4 address that is no loopback address",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "ADDR",
	    .help = "What other hosts are told in the place of 127.0.0.0/8" },
	{ .key = "cluster_address6",
	    .kind = CONF_STRING,
	    AT(run.cluster.address6),
	    .valid = is_outside6,
	    .expects = "an IPv6 address in lower case that is no loopback "
	               "address",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "ADDR",
	    .help = "What other hosts are told in the place of ::1" },
	{ .key = "cluster_lease",
	    .kind = CONF_DURATION,
	    AT(run.cluster.lease_ms),
	    .whole = true,
	    .low = 2000,
	    .high = 3600000,
	    .fallback = "6s",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "TIME",
	    .help = "After that time without a sign of this host others "
	            "hold it for gone" },
	{ .key = "cluster_user",
	    .kind = CONF_STRING,
	    AT(run.cluster.user),
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "NAME",
	    .help = "User of etcd" },
	{ .key = "cluster_password_file",
	    .kind = CONF_STRING,
	    AT(run.cluster.password_file),
	    .valid = is_path,
	    .expects = "the path of a file",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "FILE",
	    .help = "Its first line is the password of that user" },
	{ .key = "cluster_ca",
	    .kind = CONF_STRING,
	    AT(run.cluster.ca_file),
	    .valid = is_path,
	    .expects = "the path of a file",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "FILE",
	    .help = "Who may vouch for members at https://; those that the "
	            "system trusts if not set" },
	{ .key = "cluster_cert",
	    .kind = CONF_STRING,
	    AT(run.cluster.cert_file),
	    .valid = is_path,
	    .expects = "the path of a file",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "FILE",
	    .help = "Certificate that members are shown" },
	{ .key = "cluster_key",
	    .kind = CONF_STRING,
	    AT(run.cluster.key_file),
	    .valid = is_path,
	    .expects = "the path of a file",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "FILE",
	    .help = "Its key" },
	{ .key = "cluster_drop_after",
	    .kind = CONF_DURATION,
	    AT(run.cluster.drop_after_ms),
	    .low = 0,
	    .high = 31536000000,
	    .fallback = "0s",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "TIME",
	    .help = "Forget what other hosts said once etcd was away for "
	            "that time; 0s: it is kept" },
	{ .key = "max_removal",
	    .kind = CONF_INT,
	    AT(run.cluster.max_removal),
	    .low = 1,
	    .high = 100,
	    .unit = "%",
	    .fallback = "30",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "PERCENT",
	    .help = "Where several hosts end at about the same time, and with "
	            "them more of all instances than that, keep them" },
	{ .key = "max_removal_within",
	    .kind = CONF_DURATION,
	    AT(run.cluster.removal_ms),
	    .low = 1000,
	    .high = 86400000,
	    .fallback = "1m",
	    .scope = COMMAND_IN_CLUSTER,
	    .arg = "TIME",
	    .help = "What is about the same time" },
	{ .key = "definition_owner",
	    .kind = CONF_STRING,
	    AT(run.definition_owner),
	    .valid = is_user,
	    .expects = "the name or number of a user",
	    .scope = COMMAND_RUNS,
	    .arg = "USER",
	    .help = "Whose definitions count besides those of root and of "
	            "the registrar's own user" },
	{ .key = "exec_user",
	    .kind = CONF_STRING,
	    AT(run.exec_user),
	    .valid = is_user,
	    .expects = "the name or number of a user",
	    .scope = COMMAND_RUNS,
	    .arg = "USER",
	    .help = "User of exec checks that name none; the registrar's own "
	            "if not set" },
	{ .key = "exec_limit",
	    .kind = CONF_INT,
	    AT(run.exec_limit),
	    .low = 1,
	    .high = 1024,
	    .fallback = "32",
	    .scope = COMMAND_RUNS,
	    .arg = "N",
	    .help = "Programs of exec checks that run at a time; others wait "
	            "for their turn" },
	{ .key = "sandbox",
	    .kind = CONF_ENUM,
	    AT(run.sandbox),
	    .names = sandbox_modes,
	    .fallback = "auto",
	    .common = true,
	    .scope = COMMAND_RUNS | COMMAND_MESH,
	    .arg = "MODE",
	    .help = "Restrict itself: auto, as far as the kernel can; on, or "
	            "do not start; off" },
	{ .key = "log_level",
	    .kind = CONF_ENUM,
	    AT(run.log_level),
	    .names = log_levels,
	    .fallback = "info",
	    .common = true,
	    .scope = COMMAND_RUNS | COMMAND_WATCH | COMMAND_MESH,
	    .arg = "LEVEL",
	    .help = "Least to log: error, warn, info, debug" },
	{ .key = "log_format",
	    .kind = CONF_ENUM,
	    AT(run.log_format),
	    .names = log_formats,
	    .fallback = "text",
	    .common = true,
	    .scope = COMMAND_RUNS | COMMAND_WATCH | COMMAND_MESH,
	    .arg = "FORMAT",
	    .help = "Log lines as text or as json" },
	{ 0 },
};

const struct conf_table registrar_options_table = {
	.what = "section 'registrar'",
	.size = sizeof(struct registrar_options),
	.fields = fields,
};

int registrar_options_finish(
    struct registrar_options *o, struct arena *a, struct diag *reterr)
{
	char zone[ZONE_TEXT_MAX], host[HOST_NAME_MAX + 1] = "";

	fold_zone(o->run.zone, zone);
	o->run.zone = arena_strdup(a, zone);
	if (o->run.name && !o->run.node &&
	    (gethostname(host, sizeof(host) - 1) < 0 || !is_source(host)))
		o->run.node = o->run.name;
	if (o->run.name && o->run.node)
		return 0;
	if (gethostname(host, sizeof(host) - 1) < 0 || !is_source(host)) {
		return diag_set(reterr, -EINVAL,
		    "--name: found nothing and no usable host name, expected "
		    "NAME");
	}
	if (!o->run.name)
		o->run.name = arena_strdup(a, host);
	if (!o->run.node)
		o->run.node = arena_strdup(a, host);
	return 0;
}
