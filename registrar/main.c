// SPDX-License-Identifier: BSD-2-Clause
/*
 * main - find the command, read its options, run it.
 */
#include "registrar/command/commands.h"
#include "registrar/keeper/kept.h"
#include "registrar/run.h"
#include "schema/base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int command_run(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	(void)rest;
	log_setup("registrar", o->run.log_level, o->run.log_format);
	return run_main(&o->run);
}

static int command_serve(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct serve_options serve = o->run.serve;

	(void)rest;
	serve.registry = o->run.registry;
	serve.zone = o->run.zone;
	serve.address = o->run.address;
	serve.sandbox = o->run.sandbox;
	log_setup("registrar serve", o->run.log_level, o->run.log_format);
	return serve_main(&serve);
}

static int command_complete(
    const struct registrar_options *o, const struct conf_strings *rest);

#define TARGETS_MAX 10000

static const struct command {
	const char *name;
	int (*fn)(
	    const struct registrar_options *o, const struct conf_strings *rest);
	const char *usage[2];
	const char *about;
	enum registrar_command scope;
	unsigned rest_min, rest_max;
	const char *rest_name;
} commands[] = {
	{ "run", command_run,
	    { "registrar run [--registry FILE] [--watch DIR] [--zone NAME]" },
	    "Watch processes and run health checks as the definitions say, and "
	    "keep the registry up to date, until SIGTERM or SIGINT. SIGHUP "
	    "reads the directory again.",
	    COMMAND_RUN, 0, 0, NULL },
	{ "serve", command_serve,
	    { "registrar serve --http ADDR:PORT [--registry FILE]" },
	    "Answer over HTTP, as the API says, until SIGTERM or SIGINT: "
	    "what there is, what changes, and what is to be registered, "
	    "renewed, drained or taken out.",
	    COMMAND_SERVE, 0, 0, NULL },
	{ "cluster", command_cluster,
	    { "registrar cluster [status | leave | drop HOST] [--cluster "
	      "ADDR:PORT]" },
	    "Put what this host has into etcd, and what other hosts have "
	    "into the registry, until SIGTERM or SIGINT; `run` starts it. "
	    "With `status` show the hosts that are known, with `leave` take "
	    "back at once what this one has put, with `drop` let go what is "
	    "kept of a host that is gone.",
	    COMMAND_CLUSTER, 0, 2, "ACTION" },
	{ "check", command_check, { "registrar check [PATH ...]" },
	    "Say what is wrong with definitions: files, or the files of "
	    "directories; without PATH those of the watched directory.",
	    COMMAND_CHECK, 0, 1000000, "PATH" },
	{ "status", command_status,
	    { "registrar status [SERVICE] [--json] [--registry FILE]" },
	    "Show services, their instances and what their checks last said. "
	    "SERVICE is in the zone of --zone, or named with its zone; "
	    "without it all services of all zones are shown. Works while no "
	    "registrar runs. Exits with 3 if something is unhealthy, with 4 "
	    "if something casts doubt on what is shown, such as a registrar "
	    "that is not heard any more.",
	    COMMAND_STATUS, 0, 1, "SERVICE" },
	{ "wait", command_wait,
	    { "registrar wait SERVICE[/INSTANCE] [--timeout TIME]" },
	    "Wait until an instance of the service, or that one, is in "
	    "answers, and whoever watches it is heard; the service, and the "
	    "registry, may be yet to come. Exits with 3, and says what it "
	    "found, after TIME.",
	    COMMAND_WAIT, 1, 1, "SERVICE/INSTANCE" },
	{ "watch", command_watch,
	    { "registrar watch SERVICE ... --exec COMMAND | --template IN:OUT" },
	    "Run COMMAND, or write the file OUT as the template IN says, now "
	    "and whenever what DNS says of the services changes, until SIGTERM "
	    "or SIGINT. What cannot be done leaves what was done last.",
	    COMMAND_WATCH, 1, 256, "SERVICE" },
	{ "import", command_import,
	    { "registrar import FILE [--format FORMAT] [--zone NAME]" },
	    "Put the instances of FILE into the registry; - is standard "
	    "input. It holds a JSON object on each line, what Consul's API or "
	    "definition files say, an etcd dump of SkyDNS keys, or the SRV "
	    "records and addresses of a zone file. All or nothing.",
	    COMMAND_IMPORT, 1, 1, "FILE" },
	{ "export", command_export,
	    { "registrar export [SERVICE] [--format FORMAT] [--zone NAME]" },
	    "Print the instances of the zone, or of one service, so that "
	    "`import` reads them back: a JSON object on each line, service "
	    "definitions of Consul, SkyDNS keys, or a zone file with what is "
	    "in answers now.",
	    COMMAND_EXPORT, 0, 1, "SERVICE" },
	{ "backup", command_backup,
	    { "registrar backup FILE [--registry FILE]" },
	    "Copy the registry to FILE as of one moment, whoever writes to it "
	    "meanwhile; check the copy; then put it in the place of what was "
	    "there.",
	    COMMAND_BACKUP, 1, 1, "FILE" },
	{ "restore", command_restore,
	    { "registrar restore FILE [--force] [--registry FILE]" },
	    "Put what `backup` wrote in the place of the registry, while "
	    "programs use it or none does. Where anything would be lost by "
	    "it, because FILE is older, or the registry is another one or "
	    "damaged, say so and change nothing, without --force.",
	    COMMAND_RESTORE, 1, 1, "FILE" },
	{ "pass", command_pass,
	    { "registrar pass SERVICE/INSTANCE [CHECK] [--note TEXT]" },
	    "Report on a ttl check: all is well. CHECK may be left out where "
	    "the instance has one ttl check only. Works while no registrar "
	    "runs.",
	    COMMAND_REPORT, 1, 2, "SERVICE/INSTANCE" },
	{ "warn", command_warn,
	    { "registrar warn SERVICE/INSTANCE [CHECK] [--note TEXT]" },
	    "Report on a ttl check: something is not as it should be.",
	    COMMAND_REPORT, 1, 2, "SERVICE/INSTANCE" },
	{ "fail", command_fail,
	    { "registrar fail SERVICE/INSTANCE [CHECK] [--note TEXT]" },
	    "Report on a ttl check: out of service.", COMMAND_REPORT, 1, 2,
	    "SERVICE/INSTANCE" },
	{ "drain", command_drain,
	    { "registrar drain [SERVICE[/INSTANCE] ...] [--node NAME] "
	      "[--wait]" },
	    "Take instances out of service slowly: at once out of A and AAAA "
	    "answers, with weight 0 in SRV; out of SRV too once no cache can "
	    "hold an answer from before; then its registrar does what "
	    "`on_drained` of the definition says. It goes on whether this "
	    "command waits or not, until `resume`. Without INSTANCE all of "
	    "the service.",
	    COMMAND_DRAIN, 0, TARGETS_MAX, "SERVICE/INSTANCE" },
	{ "resume", command_resume,
	    { "registrar resume [SERVICE[/INSTANCE] ...] [--wait] "
	      "[--timeout TIME]" },
	    "End a drain, however far it has come, or a maintenance: the "
	    "checks decide again.",
	    COMMAND_RESUME, 0, TARGETS_MAX, "SERVICE/INSTANCE" },
	{ "maintenance", command_maintenance,
	    { "registrar maintenance [SERVICE[/INSTANCE] ...] [--node NAME]" },
	    "Take instances out of all answers at once, whatever their "
	    "checks say, until `resume`.",
	    COMMAND_MODE, 0, TARGETS_MAX, "SERVICE/INSTANCE" },
	{ "weight", command_weight,
	    { "registrar weight SERVICE[/INSTANCE] ... N|default "
	      "[--reason TEXT]" },
	    "Set the weight while passing, 0 to 65535, whatever definitions "
	    "say, until `default` gives it back to them.",
	    COMMAND_WEIGHT, 1, TARGETS_MAX, "SERVICE/INSTANCE" },
	{ "register", command_register,
	    { "registrar register SERVICE/INSTANCE [--address ADDR] "
	      "[--port N] ..." },
	    "Put an instance into the registry that no definition names, or "
	    "renew its lease. It has no checks: it is passing until its "
	    "lease, if it has one, runs out.",
	    COMMAND_REGISTER, 1, 1, "SERVICE/INSTANCE" },
	{ "deregister", command_deregister,
	    { "registrar deregister SERVICE[/INSTANCE] ... [--force]" },
	    "Take instances out of the registry. One that a definition names "
	    "would come back: it takes --force.",
	    COMMAND_DEREGISTER, 1, TARGETS_MAX, "SERVICE/INSTANCE" },
	{ "announce", command_announce,
	    { "registrar announce SERVICE/INSTANCE --http ADDR:PORT "
	      "-- COMMAND ..." },
	    "Run a command, and register it while it runs: renew its lease, "
	    "drain it on SIGTERM before it is told, and take it out when it "
	    "has ended. Exits as the command does.",
	    COMMAND_ANNOUNCE, 2, 10000, "SERVICE/INSTANCE" },
	{ "token", command_token,
	    { "registrar token create | list | revoke ID [--rule PREFIX=RIGHTS]" },
	    "Make a token for the API, which is printed this once and kept as "
	    "a hash; show tokens, which are named by their IDs; or end one.",
	    COMMAND_TOKEN, 1, 2, "create | list | revoke ID" },
	{ "history", command_history,
	    { "registrar history [SERVICE[/INSTANCE]] [--since TIME] "
	      "[--at TIME]" },
	    "Show what happened to instances, the newest first, and what "
	    "operators did; with --at the states as they were at that time.",
	    COMMAND_HISTORY, 0, 1, "SERVICE/INSTANCE" },
	{ "explain", command_explain, { "registrar explain NAME [TYPE]" },
	    "Say of each instance whether it is in the answer to NAME, and "
	    "if not, why. NAME is a service, SERVICE/INSTANCE, or a name as "
	    "clients ask it, such as _web._tcp.svc.internal; TYPE is SRV, A "
	    "or AAAA. Exits with 3 if nobody is in the answer.",
	    COMMAND_EXPLAIN, 1, 2, "NAME" },
	{ "top", command_top, { "registrar top [FILTER] [--once]" },
	    "Show services and instances as they change, what is bad above "
	    "what is well. Keys: q quits, arrows, j and k scroll, / filters, "
	    "s sorts, e or enter explains, h shows the history. Prints a "
	    "plain table once if standard output is no terminal.",
	    COMMAND_TOP, 0, 1, "FILTER" },
	{ "mesh", command_mesh,
	    { "registrar mesh [ca | check | explain | SUBCOMMAND] [SERVICE ...]" },
	    "The mesh, as `mesh` of definitions has it. Without a word: keep "
	    "the sidecars of this host (HAProxy) as the registry says, until "
	    "SIGTERM. ca: the authority that issues their certificates. check: "
	    "what policies say together that cannot be; exits with 3 if there "
	    "is anything. explain: may CALLER call CALLEE, by which rule, and "
	    "who gets the calls; exits with 3 if it may not or nobody does. "
	    "intercept SERVICE: lead its traffic through its sidecar, by "
	    "nftables. revoke SERVICE: its identity counts no longer. "
	    "certificates: the last that were issued.",
	    COMMAND_MESH, 0, 3, "SUBCOMMAND" },
	{ "complete", command_complete,
	    { "registrar complete [COMMAND [PREFIX [WORD-BEFORE]]]" },
	    "Say how a line could go on, for the completion of shells.",
	    COMMAND_COMPLETE, 0, 3, "COMMAND" },
};
#define COMMANDS_N (sizeof(commands) / sizeof(*commands))

/* For programs, not for people. */
static bool is_hidden(const struct command *c)
{
	return c->scope == COMMAND_COMPLETE;
}

static const char *const others[] = { "dnsd", NULL };

static int command_complete(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	const char *prefix = rest->n > 1 ? rest->items[1] : "";

	if (rest->n > 2 && complete_values(rest->items[2], prefix))
		return EXIT_DONE;
	for (size_t i = 0; i < COMMANDS_N; i++) {
		const struct command *c = &commands[i];

		if (is_hidden(c))
			continue;
		if (!rest->n) {
			(void)puts(c->name);
		} else if (strcmp(c->name, rest->items[0]) != 0) {
			continue;
		} else if (*prefix == '-') {
			complete_flags(c->scope, prefix);
		} else if (c->rest_name && (strstr(c->rest_name, "SERVICE") ||
		                               c->fn == command_explain)) {
			complete_targets(
			    o, strcmp(c->rest_name, "SERVICE") != 0, prefix);
		}
	}
	return EXIT_DONE;
}

/* ---- help ------------------------------------------------------------- */

static void print_commands(FILE *f)
{
	const char *before = "usage: ";

	for (size_t i = 0; i < COMMANDS_N; i++) {
		if (is_hidden(&commands[i]))
			continue;
		(void)fprintf(f, "%s%s\n", before, commands[i].usage[0]);
		before = "       ";
	}
	for (size_t i = 0; i < COMMANDS_N; i++) {
		if (is_hidden(&commands[i]))
			continue;
		(void)fprintf(f, "\n%s\n", commands[i].name);
		options_print_wrapped(f, 4, commands[i].about);
	}
	(void)fprintf(f, "\n`registrar COMMAND --help` lists the flags of a "
	                 "command.\n");
}

static int bad_command(const char *word)
{
	const char *names[COMMANDS_N + 1] = { 0 };

	size_t n = 0;

	for (size_t i = 0; i < COMMANDS_N; i++) {
		if (!is_hidden(&commands[i]))
			names[n++] = commands[i].name;
	}
	const char *near = conf_nearest(word, names);

	if (near) {
		(void)fprintf(stderr,
		    "registrar: found command '%s', expected '%s'\n", word,
		    near);
		return EXIT_WRONG;
	}
	(void)fprintf(
	    stderr, "registrar: found command '%s', expected one of", word);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(stderr, "%s %s", i ? "," : "", names[i]);
	(void)fputc('\n', stderr);
	return EXIT_WRONG;
}

/* ---- commands --------------------------------------------------------- */

static int run_command(const struct command *cmd,
    const struct options_spec *spec, char *argv[], struct arena *a)
{
	struct registrar_options o = { 0 };
	struct options_result result;
	struct diags errors = { 0 };
	struct diag why;

	if (options_parse(spec, argv, a, &o, &result, &errors) < 0) {
		options_print_errors(stderr, spec, &errors);
		return EXIT_WRONG;
	}
	if (result.action == OPTIONS_HELP) {
		options_print_help(stdout, spec);
		return EXIT_DONE;
	}
	if (result.action == OPTIONS_VERSION) {
		(void)puts("registrar " ROLLCALL_VERSION);
		return EXIT_DONE;
	}
	if (registrar_options_finish(&o, a, &why) < 0) {
		(void)fprintf(stderr, "registrar: %s\n", why.text);
		return EXIT_WRONG;
	}
	o.run.argv = argv + 1;
	return cmd->fn(&o, &result.rest);
}

static int dispatch(const struct command *cmd, char *argv[])
{
	const struct options_spec spec = {
		.program = "registrar",
		.usage = cmd->usage,
		.about = cmd->about,
		.table = &registrar_options_table,
		/* what `run` starts has its flags */
		.scope = cmd->scope | (getenv(KEPT_ENV) ? COMMAND_RUN : 0),
		.others = others,
		.rest_min = cmd->rest_min,
		.rest_max = cmd->rest_max,
		.rest_name = cmd->rest_name,
	};
	struct arena *a = arena_new();
	int code = run_command(cmd, &spec, argv, a);

	arena_free(a);
	return code;
}

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < COMMANDS_N; i++) {
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
	}
	return NULL;
}

static int help(const char *word)
{
	char flag[] = "--help";
	char *argv[] = { flag, flag, NULL };
	const struct command *cmd = word ? find_command(word) : NULL;

	if (cmd)
		return dispatch(cmd, argv);
	if (word && *word != '-')
		return bad_command(word);
	print_commands(stdout);
	return EXIT_DONE;
}

int main(int argc, char *argv[])
{
	const char *word = argc > 1 ? argv[1] : "";

	/* a registry is for its owner, and to be read by its group */
	(void)umask(umask(077) | S_IWGRP | S_IRWXO);

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_WRONG;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	    strcmp(word, "help") == 0)
		return help(argv[2]);
	if (strcmp(word, "--version") == 0) {
		(void)puts("registrar " ROLLCALL_VERSION);
		return EXIT_DONE;
	}
	const struct command *cmd = find_command(word);

	return cmd ? dispatch(cmd, argv + 1) : bad_command(word);
}
