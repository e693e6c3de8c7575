/* SPDX-License-Identifier: GPL-2.0 */
/* What the tools print, all in the same way */
#ifndef TASKDIAG_OUTPUT_H
#define TASKDIAG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>
#include <linux/task_diag.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Title of print_base() */
#define BASE_COLUMNS \
	"    TGID    PPID    TPID     SID    PGID S COMM           "

noreturn void die(const char *what);

unsigned long long now_ns(void);
void print_bench(unsigned long tasks, unsigned long syscalls,
		 unsigned long long ns);
void print_escaped(const void *bytes, size_t len, int width);
void print_json_string(const void *bytes, size_t len);
void print_base(const struct task_diag_base *base);
int finish_output(void);

#endif /* TASKDIAG_OUTPUT_H */
