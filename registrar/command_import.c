// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/commands.h"
#include "registrar/import.h"

#include <errno.h>

int command_import(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct import_result result;
	struct diag why;
	int r = import_run(
	    o->run.registry, o->run.zone, rest->items[0], &result, &why);

	if (r < 0) {
		(void)fprintf(stderr, "registrar: %s\n", why.text);
		return r == -EINVAL ? EXIT_WRONG : EXIT_FAILED;
	}
	printf("%lu instances, %lld changes\n", result.instances_n,
	    (long long)result.changes_n);
	return EXIT_DONE;
}
