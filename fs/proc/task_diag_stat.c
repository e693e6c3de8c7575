// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties from accounting: struct taskstats, I/O
 */
#include <linux/acct.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <linux/task_io_accounting_ops.h>
#include <linux/taskstats_kern.h>
#include <linux/user_namespace.h>
#include "internal.h"
#include "task_diag_attrs.h"

#ifdef CONFIG_TASKSTATS
/*
 * Whether the caller, which may see the task, may know what it read and wrote.
 * If the task has no mm, the owner of its file io, which has mode 0400, may.
 */
static bool task_diag_may_read_io(const struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	bool may_read;
	kuid_t uid;
	kgid_t gid;

	/* In an event, the mm of the last thread counts for the leader, too. */
	if (t->mm || READ_ONCE(task->mm))
		return true;
	task_dump_owner(task, S_IFREG | 0400, &uid, &gid);
	if (uid_eq(uid, current_fsuid()))
		return true;
	rcu_read_lock();
	/* Not ns_capable(): that marks current, and ac_flag may be current's. */
	may_read = !security_capable(current_cred(), __task_cred(task)->user_ns,
				     CAP_SYS_PTRACE, CAP_OPT_NOAUDIT);
	rcu_read_unlock();
	return may_read;
}

static void task_diag_hide_io(struct taskstats *info)
{
	info->read_char = 0;
	info->write_char = 0;
	info->read_syscalls = 0;
	info->write_syscalls = 0;
	info->read_bytes = 0;
	info->write_bytes = 0;
	info->cancelled_write_bytes = 0;
}

/* Fields of taskstats from the mm, which a leader that ended first lacks */
static void task_diag_stat_of_mm(struct taskstats *info, struct mm_struct *mm)
{
	struct file *exe = get_mm_exe_file(mm);

	info->hiwater_rss = get_mm_hiwater_rss(mm) << (PAGE_SHIFT - 10);
	info->hiwater_vm = get_mm_hiwater_vm(mm) << (PAGE_SHIFT - 10);
	if (!exe)
		return;
	info->ac_exe_dev = huge_encode_dev(file_inode(exe)->i_sb->s_dev);
	info->ac_exe_inode = file_inode(exe)->i_ino;
	fput(exe);
}

int task_diag_fill_stat(struct sk_buff *skb, struct task_diag_task *t)
{
	struct taskstats info;
	int err = 0;

	if (t->per_thread)
		taskstats_fill_task(t->user_ns, t->pid_ns, t->task, &info);
	else
		err = taskstats_fill_process(t->user_ns, t->pid_ns, t->task,
					     &info);
	if (err)
		return err;
	if (t->mm && !t->task->mm)
		task_diag_stat_of_mm(&info, t->mm);
	if (t->group_dead)
		info.ac_flag |= AGROUP;
	if (!task_diag_may_read_io(t))
		task_diag_hide_io(&info);
	return task_diag_put(skb, TASK_DIAG_STAT, &info, sizeof(info));
}
#endif

#ifdef CONFIG_TASK_IO_ACCOUNTING
int task_diag_fill_io(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_io_accounting acct;
	struct task_diag_io info;

	if (!task_diag_may_read_io(t))
		return -ENODATA;
	memset(&info, 0, sizeof(info));
	proc_sum_ioac(t->task, &acct, !t->per_thread);
	info.rchar = acct.rchar;
	info.wchar = acct.wchar;
	info.syscr = acct.syscr;
	info.syscw = acct.syscw;
	info.read_bytes = acct.read_bytes;
	info.write_bytes = acct.write_bytes;
	info.cancelled_write_bytes = acct.cancelled_write_bytes;
	return task_diag_put(skb, TASK_DIAG_IO, &info, sizeof(info));
}
#endif
