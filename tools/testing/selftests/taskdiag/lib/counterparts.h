/* SPDX-License-Identifier: GPL-2.0 */
/* Compares all groups of a task with their counterparts in procfs. */
#ifndef TASKDIAG_COUNTERPARTS_H
#define TASKDIAG_COUNTERPARTS_H

#include "taskdiag.h"

#define STRINGS		(BIT(CMDLINE) | BIT(ENVIRON))
#define ALL_GROUPS	(STRINGS | BIT(BASE) | BIT(CRED) | BIT(TIMES) |	\
			 BIT(SCHED) | BIT(MEM) | BIT(SIGNAL) |		\
			 BIT(GROUPS) | BIT(IO) | BIT(NAME) | BIT(OOM) |	\
			 BIT(LIMITS) | BIT(FD) | BIT(MM_MAP) |		\
			 BIT(LABEL) | BIT(CWD) | BIT(ROOT) |		\
			 BIT(WCHAN) | BIT(AUTOGROUP) | BIT(IOPRIO) |	\
			 BIT(AFFINITY))
/* What a task without memory lacks, and a zombie */
#define NO_MEMORY	(BIT(MEM) | BIT(MM_MAP))
#define ZOMBIE_LACKS	(NO_MEMORY | BIT(FD) | BIT(CWD) | BIT(ROOT))

/* Of this process and its children: some need a module, or a session. */
__u64 groups_of_self(void);

/* The parent, as procfs reports it; 0 if there is none */
__u32 parent_of(__u32 pid);

/*
 * By a plain request and by a dump of the process alone; the second function wants
 * the groups of @failed to fail.
 */
const char *process_differs(struct td_sock *sock, __u32 pid);
const char *process_fails(struct td_sock *sock, __u32 pid, __u64 failed);

/*
 * By every strategy over processes, and all threads by both strategies over them;
 * @absent is the set of groups that the leader lacks.
 */
const char *task_differs(struct td_sock *sock, __u32 pid, __u64 absent);

/* Which task, how it is requested, and what is to be missing */
struct query {
	__u16	flags;
	__u64	strategy;
	__u32	pid;		/* in the request */
	__u32	tgid;		/* where procfs has it */
	__u32	tid;		/* 0 for a process */
	__u64	absent;
	__u64	failed;
};

/*
 * Compares a task that runs: each field must be within what procfs says before and
 * after. Adds to diff what is not, and returns the sum of all counters.
 */
__u64 check_running(struct td_sock *sock, const struct query *query);

void get_group(struct td_sock *sock, __u64 strategy, __u32 nr, __u16 attr,
	       void *value, size_t size);

/*
 * The struct of one group, to say more about than that it equals procfs; of
 * zeroes if it is not there.
 */
#define GROUP_OF(sock, strategy, nr, group, type) ({			\
	struct task_diag_##type _value = {};				\
	get_group(sock, strategy, nr, TASK_DIAG_##group, &_value,	\
		  sizeof(_value));					\
	_value;								\
})

#define PROCESS(sock, pid, group, type) \
	GROUP_OF(sock, TASK_DIAG_DUMP_ONE, pid, group, type)
#define THREAD(sock, tid, group, type) \
	GROUP_OF(sock, TASK_DIAG_DUMP_THREAD, tid, group, type)
/* Sets the bytes of each group that are compared. */
void mark_compared(char seen[TD_MAX_GROUPS][512]);

/* The size of a group that has one, or 0 */
size_t group_size(unsigned int attr);

#endif /* TASKDIAG_COUNTERPARTS_H */
