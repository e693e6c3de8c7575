// SPDX-License-Identifier: GPL-2.0
/*
 * The rival: a task iterator that gives what task_diag gives with --show base,
 * in the numbers of the initial pid namespace. It is for who may trace the
 * whole kernel, and checks nothing.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "task_bpf_all.h"

/* From include/linux/sched.h: macros are not in BTF. */
#define TASK_UNINTERRUPTIBLE	0x0002
#define TASK_REPORT		0x007f
#define TASK_NOLOAD		0x0400
#define TASK_RTLOCK_WAIT	0x1000
#define TASK_FROZEN		0x8000
#define TASK_IDLE		(TASK_UNINTERRUPTIBLE | TASK_NOLOAD)
#define TASK_REPORT_IDLE	(TASK_REPORT + 1)

char LICENSE[] SEC("license") = "GPL";

/* Set before the program is loaded */
bool threads;

/* No string: it would go to a section for strings, which libbpf does not know. */
static const char state_letters[] = {
	'R', 'S', 'D', 'T', 't', 'X', 'Z', 'P', 'I'
};

/* task_state_to_char() */
static char task_state(const struct task_struct *task)
{
	unsigned int state = task->__state;
	unsigned int report = (state | task->exit_state) & TASK_REPORT;
	unsigned int i;

	if ((state & TASK_IDLE) == TASK_IDLE)
		report = TASK_REPORT_IDLE;
	if (state & (TASK_RTLOCK_WAIT | TASK_FROZEN))
		report = TASK_UNINTERRUPTIBLE;

	/* fls(): BPF has no instruction for it. */
	for (i = 0; report && i < sizeof(state_letters) - 1; i++)
		report >>= 1;
	return state_letters[i];
}

SEC("iter/task")
int task_bpf_all(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct task_bpf_base base = {};
	struct signal_struct *signal;
	const __u64 *comm;

	/* The last call has none. */
	if (!task)
		return 0;
	if (!threads && task->pid != task->tgid)
		return 0;

	/* A task that is reaped already has none of these numbers. */
	if (!task->thread_pid)
		return 0;
	signal = task->signal;
	base.tgid = task->tgid;
	base.pid = task->pid;
	base.ppid = task->real_parent->tgid;
	if (task->ptrace)
		base.tpid = task->parent->pid;
	base.sid = signal->pids[PIDTYPE_SID]->numbers[0].nr;
	base.pgid = signal->pids[PIDTYPE_PGID]->numbers[0].nr;
	base.state = task_state(task);
	base.id = task->thread_pid->ino;
	/* Plain loads are cheaper than bpf_probe_read_kernel(). */
	comm = (const void *)task->comm;
	__builtin_memcpy(base.comm, comm, sizeof(base.comm));

	bpf_seq_write(ctx->meta->seq, &base, sizeof(base));
	return 0;
}
