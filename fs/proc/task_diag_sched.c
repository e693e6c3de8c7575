// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties about time and processors
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/iocontext.h>
#include <linux/ioprio.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sched/autogroup.h>
#include <linux/sched/cputime.h>
#include <linux/sched/numa_balancing.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/seqlock.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include "task_diag_attrs.h"

/* Sums under stats_lock the counters that a thread hands on when it ends. */
static void task_diag_sum_threads(struct task_diag_times *info,
				  struct task_struct *task, bool per_thread)
{
	struct signal_struct *sig = task->signal;
	struct task_struct *t;

	guard(rcu)();
	scoped_seqlock_read(&sig->stats_lock, ss_lock_irqsave) {
		info->cutime = sig->cutime;
		info->cstime = sig->cstime;
		info->cgtime = sig->cgtime;
		info->cmin_flt = sig->cmin_flt;
		info->cmaj_flt = sig->cmaj_flt;
		if (per_thread)
			continue;
		info->min_flt = sig->min_flt;
		info->maj_flt = sig->maj_flt;
		info->gtime = sig->gtime;
		__for_each_thread(sig, t) {
			info->min_flt += t->min_flt;
			info->maj_flt += t->maj_flt;
			info->gtime += task_gtime(t);
		}
	}
}

int task_diag_fill_times(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	struct task_diag_times info;
	u64 utime, stime;

	memset(&info, 0, sizeof(info));
	task_diag_sum_threads(&info, task, t->per_thread);
	if (t->per_thread) {
		task_cputime_adjusted(task, &utime, &stime);
		info.min_flt = task->min_flt;
		info.maj_flt = task->maj_flt;
		info.gtime = task_gtime(task);
	} else {
		thread_group_cputime_adjusted(task, &utime, &stime);
	}
	info.utime = utime;
	info.stime = stime;
	info.start_time = task->start_boottime + t->boottime;

	return task_diag_put(skb, TASK_DIAG_TIMES, &info, sizeof(info));
}

int task_diag_fill_sched(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	struct task_diag_sched info;

	memset(&info, 0, sizeof(info));
#ifdef CONFIG_SCHED_INFO
	info.run_time = task->se.sum_exec_runtime;
	info.run_delay = task->sched_info.run_delay;
	info.pcount = task->sched_info.pcount;
#endif
	info.nvcsw = task->nvcsw;
	info.nivcsw = task->nivcsw;
	info.prio = task_prio(task);
	info.nice = task_nice(task);
	info.policy = task->policy;
	info.rt_priority = task->rt_priority;
	info.cpu = task_cpu(task);
	info.nr_threads = get_nr_threads(task);
	info.flags = task->flags;
	info.exit_signal = task->exit_signal;
	info.numa_group = task_numa_group_id(task);

	return task_diag_put(skb, TASK_DIAG_SCHED, &info, sizeof(info));
}

#ifdef CONFIG_SCHED_AUTOGROUP
int task_diag_fill_autogroup(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_autogroup info;
	unsigned long id;
	int nice;

	if (!proc_sched_autogroup(t->task, &id, &nice))
		return -ENODATA;
	memset(&info, 0, sizeof(info));
	info.id = id;
	info.nice = nice;
	return task_diag_put(skb, TASK_DIAG_AUTOGROUP, &info, sizeof(info));
}
#endif

#ifdef CONFIG_BLOCK
int task_diag_fill_ioprio(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	struct task_diag_ioprio info;
	int err;

	err = security_task_getioprio(task);
	if (err)
		return err;
	memset(&info, 0, sizeof(info));
	task_lock(task);
	info.ioprio = task->io_context ? task->io_context->ioprio :
					 IOPRIO_DEFAULT;
	task_unlock(task);
	return task_diag_put(skb, TASK_DIAG_IOPRIO, &info, sizeof(info));
}
#endif

int task_diag_fill_affinity(struct sk_buff *skb, struct task_diag_task *t)
{
	const unsigned int cpus_len = BITS_TO_U32(nr_cpu_ids) * sizeof(u32);
	struct task_diag_affinity info;
	unsigned int mems_len = 0;
	unsigned int seq __maybe_unused;
	void *payload;

	memset(&info, 0, sizeof(info));
	info.cpus = nr_cpu_ids;
	info.cpus_at = sizeof(info);
	info.mems_at = sizeof(info) + cpus_len;
#ifdef CONFIG_CPUSETS
	info.mems = MAX_NUMNODES;
	mems_len = BITS_TO_U32(MAX_NUMNODES) * sizeof(u32);
#endif
	payload = task_diag_reserve(skb, TASK_DIAG_AFFINITY,
				    sizeof(info) + cpus_len + mems_len);
	if (!payload)
		return -EMSGSIZE;
	memcpy(payload, &info, sizeof(info));
	scoped_guard(raw_spinlock_irqsave, &t->task->pi_lock)
		bitmap_to_arr32(payload + info.cpus_at,
				cpumask_bits(&t->task->cpus_mask), info.cpus);
#ifdef CONFIG_CPUSETS
	do {
		seq = read_seqcount_begin(&t->task->mems_allowed_seq);
		bitmap_to_arr32(payload + info.mems_at,
				t->task->mems_allowed.bits, info.mems);
	} while (read_seqcount_retry(&t->task->mems_allowed_seq, seq));
#endif
	return 0;
}
