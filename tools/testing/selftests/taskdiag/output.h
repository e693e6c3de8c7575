/* SPDX-License-Identifier: GPL-2.0 */
/* What the tools print, all in the same way */
#ifndef TASKDIAG_OUTPUT_H
#define TASKDIAG_OUTPUT_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>
#include <linux/task_diag.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Title of print_base() */
#define BASE_COLUMNS \
	"    TGID    PPID    TPID     SID    PGID S COMM           "

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
noreturn void die(const char *what);

unsigned long long now_ns(void);
void print_bench(unsigned long tasks, unsigned long syscalls,
		 unsigned long long ns);
void print_escaped(const void *bytes, size_t len, int width);
void print_json_string(const void *bytes, size_t len);
void print_base(const struct task_diag_base *base);
int finish_output(void);

#endif /* TASKDIAG_OUTPUT_H */
