// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties from a task's memory as a whole
 */
#include <linux/mm.h>
#include <linux/mmu_context.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include "internal.h"
#include "task_diag_attrs.h"

int task_diag_fill_mem(struct sk_buff *skb, struct task_diag_task *t)
{
	struct mm_struct *mm = t->mm;
	struct task_diag_mem info;
	u64 exec;

	memset(&info, 0, sizeof(info));
	info.rss_anon = get_mm_counter_sum(mm, MM_ANONPAGES) << PAGE_SHIFT;
	info.rss_file = get_mm_counter_sum(mm, MM_FILEPAGES) << PAGE_SHIFT;
	info.rss_shmem = get_mm_counter_sum(mm, MM_SHMEMPAGES) << PAGE_SHIFT;
	info.swap = get_mm_counter_sum(mm, MM_SWAPENTS) << PAGE_SHIFT;
	info.total_vm = (u64)mm->total_vm << PAGE_SHIFT;
	/* mm updates these marks only when it is about to go below them. */
	info.hiwater_vm = max(info.total_vm, (u64)mm->hiwater_vm << PAGE_SHIFT);
	info.hiwater_rss = max(info.rss_anon + info.rss_file + info.rss_shmem,
			       (u64)mm->hiwater_rss << PAGE_SHIFT);
	info.data = (u64)mm->data_vm << PAGE_SHIFT;
	info.stack = (u64)mm->stack_vm << PAGE_SHIFT;
	exec = (u64)mm->exec_vm << PAGE_SHIFT;
	info.text = PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK);
	info.text = min(info.text, exec);
	info.lib = exec - info.text;
	info.locked = (u64)mm->locked_vm << PAGE_SHIFT;
	info.pinned = (u64)atomic64_read(&mm->pinned_vm) << PAGE_SHIFT;
	info.pgtables = mm_pgtables_bytes(mm);
#ifdef CONFIG_HUGETLB_PAGE
	info.hugetlb = (u64)atomic_long_read(&mm->hugetlb_usage) << PAGE_SHIFT;
#endif
	return task_diag_put(skb, TASK_DIAG_MEM, &info, sizeof(info));
}

int task_diag_fill_mm_map(struct sk_buff *skb, struct task_diag_task *t)
{
	struct mm_struct *mm = t->mm;
	struct task_diag_mm_map info;

	memset(&info, 0, sizeof(info));
	spin_lock(&mm->arg_lock);
	info.start_code = mm->start_code;
	info.end_code = mm->end_code;
	info.start_data = mm->start_data;
	info.end_data = mm->end_data;
	info.start_brk = mm->start_brk;
	info.start_stack = mm->start_stack;
	info.arg_start = mm->arg_start;
	info.arg_end = mm->arg_end;
	info.env_start = mm->env_start;
	info.env_end = mm->env_end;
	spin_unlock(&mm->arg_lock);
	info.untag_mask = mm_untag_mask(mm);
	info.thp_enabled = proc_thp_enabled(mm);
	return task_diag_put(skb, TASK_DIAG_MM_MAP, &info, sizeof(info));
}
