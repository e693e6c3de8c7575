/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __PERF_TASK_DIAG_H
#define __PERF_TASK_DIAG_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include "synthetic-events.h"

struct task_diag;

/**
 * struct task_diag_nsinfo - where a process is
 * @mnt_ino: inode number of its mount namespace, or 0 if it cannot be read now
 * @tgid: the process
 * @nstgid: its number in its own pid namespace
 * @in_pidns: is that below the one of perf?
 */
struct task_diag_nsinfo {
	u64 mnt_ino;
	pid_t tgid;
	pid_t nstgid;
	bool in_pidns;
};

#ifdef HAVE_TASK_DIAG_SUPPORT

/**
 * task_diag__open - connect to the kernel's task_diag
 * @machine: the machine whose tasks are wanted
 *
 * Return: NULL if there is no task_diag, it is disabled, @machine is a guest, or
 * /proc is of another pid namespace; the other functions treat NULL like a
 * kernel that reports nothing.
 */
struct task_diag *task_diag__open(struct machine *machine);
struct task_diag *task_diag__open_host(void);
void task_diag__close(struct task_diag *td);

/* For what is not here: the handle of libtask_diag */
struct td_handle *task_diag__handle(struct task_diag *td);

/**
 * task_diag__synthesize_threads - synthesize the events of all tasks
 * @td: connection
 * @tool: for @process
 * @process: called for each event
 * @machine: the host
 * @needs_mmap: synthesize mappings too
 * @mmap_data: and not only those of code
 * @nr_workers: number of threads that do the work
 *
 * Return: 0, or a negative number if some processes are left to /proc: all those
 * that task_diag__has_process() does not know.
 */
int task_diag__synthesize_threads(struct task_diag *td, const struct perf_tool *tool,
				  perf_event__handler_t process, struct machine *machine,
				  bool needs_mmap, bool mmap_data, int nr_workers);
bool task_diag__has_process(const struct task_diag *td, pid_t pid);

/**
 * task_diag__synthesize_process - synthesize the events of a process
 * @td: connection, which several threads may use at the same time
 * @synth: what to synthesize, and where to
 * @pid: a process that task_diag__has_process() does not know
 *
 * Return: 0 if only the other threads than the leader are left to /proc;
 * -ESRCH if the caller may not read the memory of the process; another negative
 * number if all of it is left to /proc.
 */
int task_diag__synthesize_process(struct task_diag *td, struct task_synth *synth,
				  pid_t pid);

/**
 * task_diag__synthesize_thread - synthesize the events of a thread, but no FORK
 * @td: connection
 * @synth: what to synthesize, and where to
 * @tid: the thread; a leader comes with the mappings of its process
 *
 * For a thread map, in which the threads of a process follow its leader.
 *
 * Return: 0; 1 if nothing was done and the thread is left to /proc; a negative
 * number if an event could not be processed.
 */
int task_diag__synthesize_thread(struct task_diag *td, struct task_synth *synth,
				 pid_t tid);

/**
 * task_diag__nsinfo - find the namespaces of a process of the host
 * @pid: the process
 * @info: what is found
 *
 * Return: 0; -ESRCH if there is no such process, or the caller may not read the
 * links in its ns; another negative number if that is left to /proc.
 */
int task_diag__nsinfo(pid_t pid, struct task_diag_nsinfo *info);

/**
 * task_diag__may_wait - whether to look at the links in /proc/PID may wait for ever
 * @pid: the process
 *
 * Return: true if the process is in execve(), or not there, or the caller may not
 * look at them; false also if the kernel does not tell.
 */
bool task_diag__may_wait(pid_t pid);

/* Closes the connection of task_diag__nsinfo() and task_diag__may_wait(). */
void task_diag__exit_shared(void);

#else /* HAVE_TASK_DIAG_SUPPORT */

static inline struct task_diag *task_diag__open(struct machine *machine __maybe_unused)
{
	return NULL;
}

static inline void task_diag__close(struct task_diag *td __maybe_unused)
{
}

static inline int task_diag__synthesize_threads(struct task_diag *td __maybe_unused,
						const struct perf_tool *tool __maybe_unused,
						perf_event__handler_t process __maybe_unused,
						struct machine *machine __maybe_unused,
						bool needs_mmap __maybe_unused,
						bool mmap_data __maybe_unused,
						int nr_workers __maybe_unused)
{
	return -1;
}

static inline bool task_diag__has_process(const struct task_diag *td __maybe_unused,
					  pid_t pid __maybe_unused)
{
	return false;
}

static inline int task_diag__synthesize_process(struct task_diag *td __maybe_unused,
						struct task_synth *synth __maybe_unused,
						pid_t pid __maybe_unused)
{
	return -1;
}

static inline int task_diag__synthesize_thread(struct task_diag *td __maybe_unused,
					       struct task_synth *synth __maybe_unused,
					       pid_t tid __maybe_unused)
{
	return 1;
}

static inline int task_diag__nsinfo(pid_t pid __maybe_unused,
				    struct task_diag_nsinfo *info __maybe_unused)
{
	return -ENOENT;
}

static inline bool task_diag__may_wait(pid_t pid __maybe_unused)
{
	return false;
}

static inline void task_diag__exit_shared(void)
{
}

#endif /* HAVE_TASK_DIAG_SUPPORT */

#endif /* __PERF_TASK_DIAG_H */
