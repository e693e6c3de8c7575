// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties
 *
 * Every value here has a twin in a file under /proc/PID, and is read the way
 * that file reads it.
 */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/task_diag.h>

/* pid_nr_ns() without a call where it is not needed: BASE is all of these. */
static u32 task_diag_nr(struct pid *pid, struct pid_namespace *ns)
{
	return ns->level ? pid_nr_ns(pid, ns) : pid_nr(pid);
}

/**
 * task_diag_fill_base() - fill the group BASE
 * @base: where to; all of it is written
 * @task: which task, found in the RCU section that the caller is in
 * @pid: by which pid it was found
 * @nr: the number of @pid in @ns
 * @ns: the requester's pid namespace
 */
void task_diag_fill_base(struct task_diag_base *base, struct task_struct *task,
			 const struct pid *pid, u32 nr,
			 struct pid_namespace *ns)
{
	struct pid *tgid = task_tgid(task);
	struct pid *pgid = task_pgrp(task);
	struct pid *sid = task_session(task);
	struct task_struct *tracer = ptrace_parent(task);

	/* In most tasks some of the ids are one: look each up but once. */
	base->pid = nr;
	base->tgid = tgid == pid ? nr : task_diag_nr(tgid, ns);
	base->pgid = pgid == tgid ? base->tgid : task_diag_nr(pgid, ns);
	base->sid = sid == pgid ? base->pgid : task_diag_nr(sid, ns);
	base->ppid = pid_alive(task) ?
		task_diag_nr(task_tgid(rcu_dereference(task->real_parent)), ns) : 0;
	base->tpid = tracer ? task_diag_nr(task_pid(tracer), ns) : 0;
	base->state = task_state_to_char(task);
	memset(base->pad, 0, sizeof(base->pad));

	BUILD_BUG_ON(sizeof(base->comm) != sizeof(task->comm));
	task_lock(task);
	memcpy(base->comm, task->comm, sizeof(base->comm));
	task_unlock(task);
}

const struct task_diag_group task_diag_groups[] = {
	{ "BASE", TASK_DIAG_BASE, sizeof(struct task_diag_base) },
};

const unsigned int task_diag_nr_groups = ARRAY_SIZE(task_diag_groups);
