/* SPDX-License-Identifier: GPL-2.0 */
/* How the tools that go through procfs find the tasks, with no stdio on the way */
#ifndef TASKDIAG_PROCFS_H
#define TASKDIAG_PROCFS_H

#include <stdbool.h>
#include <string.h>

#include "baseline.h"

/* Longest path from /proc to a file of a task that the tools read */
#define PROCFS_PATH_SIZE	64

/* Appends the string constant @suffix to the path of a task. */
#define MAKE_PATH(path, name, suffix) \
	memcpy(stpcpy(path, name), suffix, sizeof(suffix))

/**
 * typedef procfs_fn - what the walks call for each task
 * @dir: descriptor of the directory that has it
 * @name: its pid, the name of its own directory in there
 */
typedef void (*procfs_fn)(int dir, const char *name);

/* System calls until now; the callbacks add theirs. */
extern unsigned long procfs_syscalls;

bool procfs_gone(void);
int procfs_open(int dir, const char *path, int flags);
void procfs_close(int fd);
void procfs_walk(bool threads, procfs_fn fn, void (*flush)(void));
bool procfs_show_stat(const char *buf, size_t len, const struct tool_options *opts);

#endif /* TASKDIAG_PROCFS_H */
