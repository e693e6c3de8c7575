// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties from signals, limits and wait channel
 */
#include <linux/kallsyms.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <linux/tty.h>
#include <linux/user_namespace.h>
#include "internal.h"
#include "task_diag_attrs.h"

static u64 task_diag_sigset(const sigset_t *set)
{
	return set->sig[0] |
	       (_NSIG_WORDS > 1 ? (u64)set->sig[_NSIG_WORDS - 1] << 32 : 0);
}

int task_diag_fill_signal(struct sk_buff *skb, struct task_diag_task *t)
{
	struct signal_struct *sig = t->task->signal;
	sigset_t ignored = {}, caught = {};
	struct task_diag_signal info;
	unsigned long flags;
	struct pid *pgrp;

	memset(&info, 0, sizeof(info));
	info.tty_pgrp = -1;

	if (!lock_task_sighand(t->task, &flags))
		return -ESRCH;
	if (sig->tty) {
		pgrp = tty_get_pgrp(sig->tty);
		info.tty_pgrp = pid_nr_ns(pgrp, t->pid_ns);
		put_pid(pgrp);
		info.tty_nr = new_encode_dev(tty_devnum(sig->tty));
	}
	collect_sigign_sigcatch(t->task, &ignored, &caught);
	info.pending = task_diag_sigset(&t->task->pending.signal);
	info.shared_pending = task_diag_sigset(&sig->shared_pending.signal);
	info.blocked = task_diag_sigset(&t->task->blocked);
	info.ignored = task_diag_sigset(&ignored);
	info.caught = task_diag_sigset(&caught);
	rcu_read_lock();
	info.queued = get_rlimit_value(task_ucounts(t->task),
				       UCOUNT_RLIMIT_SIGPENDING);
	rcu_read_unlock();
	info.queue_limit = task_rlimit(t->task, RLIMIT_SIGPENDING);
	info.exit_code = t->task->exit_code;
	if (!t->per_thread &&
	    sig->flags & (SIGNAL_GROUP_EXIT | SIGNAL_STOP_STOPPED))
		info.exit_code = sig->group_exit_code;
	info.core_dumping = !!sig->core_state;
	unlock_task_sighand(t->task, &flags);

	return task_diag_put(skb, TASK_DIAG_SIGNAL, &info, sizeof(info));
}

int task_diag_fill_limits(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_limit info[RLIM_NLIMITS];
	struct rlimit rlim[RLIM_NLIMITS];
	struct task_struct *leader;
	unsigned int i;

	rcu_read_lock();
	if (!pid_alive(t->task)) {
		rcu_read_unlock();
		return -ESRCH;
	}
	/* The lock of do_prlimit(), which sets soft and hard limit together */
	leader = READ_ONCE(t->task->group_leader);
	task_lock(leader);
	memcpy(rlim, t->task->signal->rlim, sizeof(rlim));
	task_unlock(leader);
	rcu_read_unlock();

	memset(info, 0, sizeof(info));
	for (i = 0; i < RLIM_NLIMITS; i++) {
		info[i].resource = i;
		info[i].soft = rlim[i].rlim_cur == RLIM_INFINITY ?
			       RLIM64_INFINITY : rlim[i].rlim_cur;
		info[i].hard = rlim[i].rlim_max == RLIM_INFINITY ?
			       RLIM64_INFINITY : rlim[i].rlim_max;
	}
	return task_diag_put_list(skb, TASK_DIAG_LIMITS, info, sizeof(info[0]),
				  ARRAY_SIZE(info));
}

int task_diag_fill_oom(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_oom info;

	memset(&info, 0, sizeof(info));
	info.oom_score = proc_oom_points(t->task);
	info.oom_score_adj = t->task->signal->oom_score_adj;
	return task_diag_put(skb, TASK_DIAG_OOM, &info, sizeof(info));
}

#ifdef CONFIG_KALLSYMS
int task_diag_fill_wchan(struct sk_buff *skb, struct task_diag_task *t)
{
	const unsigned long wchan = get_wchan(t->task);
	char name[KSYM_NAME_LEN];

	if (!wchan || lookup_symbol_name(wchan, name))
		strscpy(name, "0");
	return task_diag_put(skb, TASK_DIAG_WCHAN, name, strlen(name));
}
#endif
