/* SPDX-License-Identifier: GPL-2.0 */
/* The command line that all baselines have: programs that task_diag is compared with */
#ifndef TASKDIAG_BASELINE_H
#define TASKDIAG_BASELINE_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

#include "output.h"

/**
 * struct tool_options - what all the tools that task_diag is compared with have
 * @threads: threads, not processes
 * @pids: show pids alone
 * @quiet: show the number of tasks
 * @bench: show that, and what reading them took
 */
struct tool_options {
	bool threads;
	bool pids;
	bool quiet;
	bool bench;
};

/* Values in struct option; a tool's own ones start at the last. */
enum {
	OPTION_THREADS = 1,
	OPTION_PIDS,
	OPTION_QUIET,
	OPTION_BENCH,
	OPTION_HELP,
	OPTION_OWN,
};

/* The usage of the options that all tools have */
#define TOOL_USAGE \
	"  --only-pids     pids alone, one a line\n" \
	"  --quiet         the number of tasks\n" \
	"  --bench         the number of tasks, and the system calls and the\n" \
	"                  nanoseconds that reading them took\n" \
	"  --help          this text\n"

/**
 * struct tool - a program that task_diag is compared with
 * @usage: text that --help shows
 * @options: what it has beside --only-pids, --quiet, --bench and --help
 * @nr_options: how many these are
 * @parse: called for an option that is not one of all tools', if not %NULL;
 *	false if it is unknown, or its value wrong
 */
struct tool {
	const char *usage;
	const struct option *options;
	size_t nr_options;
	bool (*parse)(int option);
};

void parse_tool_options(int argc, char **argv, const struct tool *tool,
			struct tool_options *opts);
noreturn void tool_bad_usage(const struct tool *tool);
bool shows_tasks(const struct tool_options *opts);
void print_result(const struct tool_options *opts, unsigned long tasks,
		  unsigned long syscalls, unsigned long long ns);

#endif /* TASKDIAG_BASELINE_H */
