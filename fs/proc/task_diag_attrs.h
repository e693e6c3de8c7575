/* SPDX-License-Identifier: GPL-2.0 */
/* task_diag: what its fillers share, see struct task_diag_group */
#ifndef _PROC_TASK_DIAG_ATTRS_H
#define _PROC_TASK_DIAG_ATTRS_H

#include <linux/types.h>

struct sk_buff;
struct task_diag_task;
struct task_diag_value;

int task_diag_put(struct sk_buff *skb, u16 attr, const void *data,
		  unsigned int len);
int task_diag_keep(struct sk_buff *skb, struct task_diag_task *t, u16 attr,
		   const struct task_diag_value *value);
int task_diag_put_whole(struct sk_buff *skb, struct task_diag_task *t, u16 attr,
			const struct task_diag_value *value);
int task_diag_put_kept(struct sk_buff *skb, struct task_diag_task *t, u16 attr);

int task_diag_fill_fd(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_files(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_cwd(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_root(struct sk_buff *skb, struct task_diag_task *t);

int task_diag_fill_cmdline(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_environ(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_exe(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_mem(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_mm_map(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_vma(struct sk_buff *skb, struct task_diag_task *t);

#ifdef CONFIG_PROC_PAGE_MONITOR
int task_diag_fill_mem_rollup(struct sk_buff *skb, struct task_diag_task *t);
int task_diag_fill_vma_stat(struct sk_buff *skb, struct task_diag_task *t);
#else
#define task_diag_fill_mem_rollup NULL
#define task_diag_fill_vma_stat NULL
#endif

#endif /* _PROC_TASK_DIAG_ATTRS_H */
