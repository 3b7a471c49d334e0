// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * commands - what `registrar COMMAND` does, but for `run` (run.h).
 *
 * They print, and return the exit code of the program.
 */
#include "registrar/options.h"

#include <stdio.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_WRONG = 2,     /* usage or input */
	EXIT_UNHEALTHY = 3, /* it works, but services do not */
	EXIT_DOUBTFUL = 4,  /* what is shown may not be so: told.h */
};

/* [status | leave | drop HOST]; without: the process */
int command_cluster(
    const struct registrar_options *o, const struct conf_strings *rest);
/* PATH ...: files and directories; none: the watched directory. */
int command_check(
    const struct registrar_options *o, const struct conf_strings *rest);
/* [SERVICE] */
int command_status(
    const struct registrar_options *o, const struct conf_strings *rest);
/* FILE */
int command_import(
    const struct registrar_options *o, const struct conf_strings *rest);
/* [SERVICE] */
int command_export(
    const struct registrar_options *o, const struct conf_strings *rest);
/* FILE */
int command_backup(
    const struct registrar_options *o, const struct conf_strings *rest);
int command_restore(
    const struct registrar_options *o, const struct conf_strings *rest);
/* SERVICE/INSTANCE [CHECK]: a report on a ttl check */
int command_pass(
    const struct registrar_options *o, const struct conf_strings *rest);
int command_warn(
    const struct registrar_options *o, const struct conf_strings *rest);
int command_fail(
    const struct registrar_options *o, const struct conf_strings *rest);
/* SERVICE[/INSTANCE]: the mode of instances */
int command_drain(
    const struct registrar_options *o, const struct conf_strings *rest);
int command_resume(
    const struct registrar_options *o, const struct conf_strings *rest);
int command_maintenance(
    const struct registrar_options *o, const struct conf_strings *rest);
/* SERVICE[/INSTANCE] N */
int command_weight(
    const struct registrar_options *o, const struct conf_strings *rest);
/* SERVICE/INSTANCE; SERVICE[/INSTANCE] */
int command_register(
    const struct registrar_options *o, const struct conf_strings *rest);
int command_deregister(
    const struct registrar_options *o, const struct conf_strings *rest);
/* SERVICE/INSTANCE COMMAND ... */
int command_announce(
    const struct registrar_options *o, const struct conf_strings *rest);
/* create | list | revoke ID */
int command_token(
    const struct registrar_options *o, const struct conf_strings *rest);
/* NAME [TYPE] */
int command_explain(
    const struct registrar_options *o, const struct conf_strings *rest);
/* [SERVICE[/INSTANCE]] */
int command_history(
    const struct registrar_options *o, const struct conf_strings *rest);

/* SERVICE[/INSTANCE]: until it is in answers */
int command_wait(
    const struct registrar_options *o, const struct conf_strings *rest);

/* check | explain CALLER CALLEE */
int command_mesh(
    const struct registrar_options *o, const struct conf_strings *rest);

/* [FILTER]: services and instances, live */
int command_watch(
    const struct registrar_options *o, const struct conf_strings *rest);
int command_top(
    const struct registrar_options *o, const struct conf_strings *rest);

/* What explain and history print. */
int explain_write(FILE *out, FILE *err, const struct registrar_options *o,
    const struct conf_strings *rest);
int history_write(FILE *out, FILE *err, const struct registrar_options *o,
    const struct conf_strings *rest);

/*
 * For `complete`: flags of a command, and names, that begin so. Values: of
 * flag; true if it takes one, be it a path, which the shell knows best.
 */
bool complete_values(const char *flag, const char *prefix);
void complete_flags(unsigned scope, const char *prefix);
void complete_targets(
    const struct registrar_options *o, bool instances, const char *prefix);
