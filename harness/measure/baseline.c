// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "baseline.h"

/**
 * tool_bad_usage() - end a tool because of its command line
 * @tool: which one
 */
noreturn void tool_bad_usage(const struct tool *tool)
{
	fputs(tool->usage, stderr);
	exit(2);
}

/**
 * parse_tool_options() - parse the command line of a tool
 * @argc: of main()
 * @argv: of main()
 * @tool: which one
 * @opts: set to what all tools have in common
 *
 * Ends the program after --help and wrong usage.
 */
void parse_tool_options(int argc, char **argv, const struct tool *tool,
			struct tool_options *opts)
{
	static const struct option shared[] = {
		{ "only-pids", no_argument, NULL, OPTION_PIDS },
		{ "quiet", no_argument, NULL, OPTION_QUIET },
		{ "bench", no_argument, NULL, OPTION_BENCH },
		{ "help", no_argument, NULL, OPTION_HELP },
		{}
	};
	struct option table[tool->nr_options + ARRAY_SIZE(shared)];
	int option;
	size_t i;

	for (i = 0; i < tool->nr_options; i++)
		table[i] = tool->options[i];
	memcpy(table + i, shared, sizeof(shared));
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (option) {
		case OPTION_THREADS:
			opts->threads = true;
			break;
		case OPTION_PIDS:
			opts->pids = true;
			break;
		case OPTION_QUIET:
			opts->quiet = true;
			break;
		case OPTION_BENCH:
			opts->bench = true;
			break;
		case OPTION_HELP:
			fputs(tool->usage, stdout);
			exit(finish_output() ? 1 : 0);
		default:
			if (!tool->parse || !tool->parse(option))
				tool_bad_usage(tool);
		}
	}
	if (optind < argc || opts->pids + opts->quiet + opts->bench > 1)
		tool_bad_usage(tool);
}

/**
 * shows_tasks() - whether more than the number of tasks is to be shown
 * @opts: what the command line asked for
 */
bool shows_tasks(const struct tool_options *opts)
{
	return !opts->quiet && !opts->bench;
}

/**
 * print_result() - print what is left to print when all tasks are read
 * @opts: what the command line asked for
 * @tasks: how many there were
 * @syscalls: system calls that took
 * @ns: nanoseconds that took
 */
void print_result(const struct tool_options *opts, unsigned long tasks,
		  unsigned long syscalls, unsigned long long ns)
{
	if (opts->bench)
		print_bench(tasks, syscalls, ns);
	else if (opts->quiet)
		printf("%lu\n", tasks);
}
