/* SPDX-License-Identifier: GPL-2.0 */
/* task_diag: declarations shared by the fillers, see struct task_diag_group */
#ifndef _PROC_TASK_DIAG_ATTRS_H
#define _PROC_TASK_DIAG_ATTRS_H

#include <linux/errno.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <linux/types.h>

struct sk_buff;

/* How long a dump tries to take a lock that it must not wait for */
#define TASK_DIAG_LOCK_MS	10

static inline int task_diag_put(struct sk_buff *skb, u16 attr, const void *data,
				unsigned int len)
{
	void *payload = task_diag_reserve(skb, attr, len);

	if (!payload)
		return -EMSGSIZE;
	memcpy(payload, data, len);
	return 0;
}

/* What a path ends in if its file or directory is gone */
#define TASK_DIAG_DELETED	" (deleted)"

char *task_diag_buf(struct task_diag_task *t);
int task_diag_put_list(struct sk_buff *skb, u16 attr, const void *list,
		       unsigned int size, unsigned int nr);
int task_diag_keep(struct sk_buff *skb, struct task_diag_task *t, u16 attr,
		   const struct task_diag_value *value);
int task_diag_put_whole(struct sk_buff *skb, struct task_diag_task *t, u16 attr,
			const struct task_diag_value *value);
int task_diag_put_kept(struct sk_buff *skb, struct task_diag_task *t, u16 attr);

/* task_diag_cred.c */
int task_diag_fill_cred(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_groups(struct sk_buff *skb, struct task_diag_task *t);

/* task_diag_sched.c */
int task_diag_fill_times(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_sched(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_affinity(struct sk_buff *skb, struct task_diag_task *t);
#ifdef CONFIG_SCHED_AUTOGROUP
int task_diag_fill_autogroup(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_autogroup NULL
#endif
#ifdef CONFIG_BLOCK
int task_diag_fill_ioprio(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_ioprio NULL
#endif

/* task_diag_stat.c */
#ifdef CONFIG_TASKSTATS
int task_diag_fill_stat(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_stat NULL
#endif
#ifdef CONFIG_TASK_IO_ACCOUNTING
int task_diag_fill_io(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_io NULL
#endif

/* task_diag_signal.c */
int task_diag_fill_signal(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_limits(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_oom(struct sk_buff *skb, struct task_diag_task *t);
#ifdef CONFIG_KALLSYMS
int task_diag_fill_wchan(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_wchan NULL
#endif

/* task_diag_ns.c */
int task_diag_fill_ns(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_nspid(struct sk_buff *skb, struct task_diag_task *t);
#ifdef CONFIG_CGROUPS
int task_diag_fill_cgroup(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_cgroup NULL
#endif
#ifdef CONFIG_SECURITY
int task_diag_fill_label(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_label NULL
#endif

/* task_diag_mm.c */
int task_diag_fill_mem(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_mm_map(struct sk_buff *skb, struct task_diag_task *t);

/* task_diag_path.c */
int task_diag_fill_exe(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_cwd(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_root(struct sk_buff *skb, struct task_diag_task *t);

/* task_diag_args.c */
int task_diag_fill_cmdline(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_environ(struct sk_buff *skb, struct task_diag_task *t);

/* task_diag_vma.c */
int task_diag_fill_vma(struct sk_buff *skb, struct task_diag_task *t);
#ifdef CONFIG_PROC_PAGE_MONITOR
int task_diag_fill_mem_rollup(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_vma_stat(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_mem_rollup NULL
#define task_diag_fill_vma_stat NULL
#endif

/* task_diag_files.c */
int task_diag_fill_fd(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_files(struct sk_buff *skb, struct task_diag_task *t);

#endif /* _PROC_TASK_DIAG_ATTRS_H */
