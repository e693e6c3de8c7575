// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties from a task's memory: arguments and
 * environment
 *
 * The fillers run without exec_update_lock and may use nothing but t->mm.
 */
#include <linux/cacheflush.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <net/netlink.h>
#include "task_diag_attrs.h"

/*
 * A task that maps and unmaps all the time holds the lock often, but briefly:
 * retry, but never wait for a task that may hold it as long as it likes.
 */
static bool task_diag_mmap_trylock(const struct task_diag_task *t,
				   unsigned long until)
{
	while (!mmap_read_trylock(t->mm)) {
		if (t->at_once || time_after(jiffies, until) ||
		    fatal_signal_pending(current))
			return false;
		usleep_range(10, 50);
	}
	return true;
}

/* What access_remote_vm() reads with FOLL_ANON and without FOLL_FORCE */
static bool task_diag_is_readable(struct vm_area_struct *vma)
{
	return vma_is_anonymous(vma) && vma->vm_flags & VM_READ &&
	       !(vma->vm_flags & (VM_IO | VM_PFNMAP));
}

/* Copies from one page of @vma, if the page is in memory. */
static bool task_diag_copy_page(struct vm_area_struct *vma, unsigned long addr,
				void *buf, unsigned int len)
{
	struct folio_walk walk;
	void *page;

	if (!folio_walk_start(&walk, vma, addr, FW_ZEROPAGE))
		return false;
	if (walk.page) {
		page = kmap_local_page(walk.page);
		copy_from_user_page(vma, walk.page, addr, buf,
				    page + offset_in_page(addr), len);
		kunmap_local(page);
	} else {
		memset(buf, 0, len);
	}
	folio_walk_end(&walk, vma);
	return true;
}

/**
 * struct task_diag_read - a read of another task's memory
 * @addr: address of the next byte
 * @buf: where the next byte goes
 * @left: bytes still to be read
 */
struct task_diag_read {
	unsigned long	addr;
	void		*buf;
	unsigned int	left;
};

static void task_diag_advance(struct task_diag_read *read, unsigned int len)
{
	read->addr += len;
	read->buf += len;
	read->left -= len;
}

static int task_diag_read_vma(struct vm_area_struct *vma,
			      struct task_diag_read *read)
{
	unsigned int len;

	if (!task_diag_is_readable(vma))
		return -ENODATA;
	while (read->left && read->addr < vma->vm_end) {
		len = min_t(unsigned int, read->left,
			    PAGE_SIZE - offset_in_page(read->addr));
		if (!task_diag_copy_page(vma, read->addr, read->buf, len))
			return -EFAULT;
		task_diag_advance(read, len);
	}
	return 0;
}

/*
 * access_remote_vm() expands a stack down to the address, as far as the reader's
 * RLIMIT_STACK, and reads zeroes there. Read the same, but leave the stack as it
 * is.
 */
static int task_diag_read_below_stack(struct mm_struct *mm,
				      struct task_diag_read *read)
{
	struct vm_area_struct *vma, *prev;
	unsigned int len;

	vma = find_vma_prev(mm, read->addr, &prev);
	if (!vma || !(vma->vm_flags & VM_GROWSDOWN) ||
	    !task_diag_is_readable(vma) ||
	    vma->vm_end - (read->addr & PAGE_MASK) > rlimit(RLIMIT_STACK))
		return -ENODATA;
	if (prev && !(prev->vm_flags & VM_GROWSDOWN) && vma_is_accessible(prev) &&
	    (read->addr & PAGE_MASK) - prev->vm_end < stack_guard_gap)
		return -ENODATA;
	len = min_t(unsigned long, read->left, vma->vm_start - read->addr);
	memset(read->buf, 0, len);
	task_diag_advance(read, len);
	return 0;
}

/*
 * Like access_remote_vm() with FOLL_ANON, for reading, but takes no fault: a
 * page under userfaultfd comes when its owner likes, and one from swap is
 * charged to the memory cgroup of the task, where that may reclaim, or kill. The
 * lock of one mapping is enough, so tasks that map and unmap do not matter.
 *
 * Returns 0, with fewer bytes in *@got than @len where no more can be read at
 * all; -EFAULT at a page that is not in memory; or -EAGAIN.
 */
static int task_diag_read_mm(const struct task_diag_task *t, unsigned long addr,
			     void *buf, unsigned int len, unsigned int *got)
{
	const unsigned long until = jiffies + msecs_to_jiffies(TASK_DIAG_LOCK_MS);
	struct task_diag_read read = { .addr = addr, .buf = buf, .left = len };
	struct mm_struct *mm = t->mm;
	struct vm_area_struct *vma;
	int err = 0;

	while (!err && read.left) {
		vma = lock_vma_under_rcu(mm, read.addr);
		if (vma) {
			err = task_diag_read_vma(vma, &read);
			vma_end_read(vma);
			continue;
		}
		if (!task_diag_mmap_trylock(t, until)) {
			err = -EAGAIN;
			break;
		}
		vma = vma_lookup(mm, read.addr);
		err = vma ? task_diag_read_vma(vma, &read) :
			    task_diag_read_below_stack(mm, &read);
		mmap_read_unlock(mm);
	}
	*got = len - read.left;
	return err == -ENODATA ? 0 : err;
}

/*
 * Appends the bytes from @start + t->pos to @end, up to the first that cannot
 * be read; @text ends with its first zero byte. A value that fits an empty
 * message moves to the next one as a whole: parts would be of two moments.
 */
static int task_diag_put_bytes(struct sk_buff *skb, struct task_diag_task *t,
			       u16 attr, unsigned long start, unsigned long end,
			       bool text)
{
	unsigned long len = end - start - min_t(u64, t->pos, end - start);
	unsigned int part = min_t(unsigned long, len, task_diag_room(skb));
	const bool empty = task_diag_is_empty(skb);
	unsigned int got, before = skb->len;
	void *bytes;
	int err;

	if (!len)
		return 0;
	bytes = part ? task_diag_reserve(skb, attr, part) : NULL;
	if (!bytes)
		return -EMSGSIZE;
	err = task_diag_read_mm(t, start + t->pos, bytes, part, &got);
	if (text && memchr(bytes, 0, got)) {
		got = strlen(bytes) + 1;
		len = got;
		err = 0;
	} else if (!err && got == part && part < len && !empty) {
		err = -EMSGSIZE;
	}
	task_diag_shorten(skb, before, err ? 0 : got);
	if (err || got < part)
		return err;
	t->pos += got;
	return got < len ? -EMSGSIZE : 0;
}

/*
 * What execve() allows for arguments and environment together. prctl() can make
 * longer ones, of any size, and a dump would never get past them.
 */
#define TASK_DIAG_ARGS_MAX	(_STK_LIM / 4 * 3)

/*
 * The rules of /proc/PID/cmdline: a program may have written a title over its
 * arguments, over the zero byte at their end, and on into the environment.
 */
int task_diag_fill_cmdline(struct sk_buff *skb, struct task_diag_task *t)
{
	unsigned long arg_start, arg_end, env_start, env_end;
	const unsigned int before = skb->len;
	struct mm_struct *mm = t->mm;
	unsigned int got;
	bool title;
	char last;
	int err;

	spin_lock(&mm->arg_lock);
	arg_start = mm->arg_start;
	arg_end = mm->arg_end;
	env_start = mm->env_start;
	env_end = mm->env_end;
	spin_unlock(&mm->arg_lock);

	if (!mm->env_end || arg_start >= arg_end)
		return 0;
	if (arg_end - arg_start > TASK_DIAG_ARGS_MAX)
		return -E2BIG;
	/* In most cases they fit, can be read and are no title. */
	if (!t->pos && arg_end - arg_start <= task_diag_room(skb)) {
		err = task_diag_put_bytes(skb, t, TASK_DIAG_CMDLINE, arg_start,
					  arg_end, false);
		if (err || (t->pos == arg_end - arg_start &&
			    !skb->data[before + NLA_HDRLEN + t->pos - 1]))
			return err;
		skb_trim(skb, before);
		t->pos = 0;
	}
	err = task_diag_read_mm(t, arg_end - 1, &last, 1, &got);
	if (err)
		return err;
	title = got && last;
	if (title) {
		if (env_start == arg_end && env_end >= env_start)
			arg_end = env_end;
		arg_end = min(arg_end, arg_start + PAGE_SIZE);
	}
	return task_diag_put_bytes(skb, t, TASK_DIAG_CMDLINE, arg_start, arg_end,
				   title);
}

int task_diag_fill_environ(struct sk_buff *skb, struct task_diag_task *t)
{
	unsigned long env_start, env_end;
	struct mm_struct *mm = t->mm;

	spin_lock(&mm->arg_lock);
	env_start = mm->env_start;
	env_end = mm->env_end;
	spin_unlock(&mm->arg_lock);

	if (env_start >= env_end)
		return 0;
	if (env_end - env_start > TASK_DIAG_ARGS_MAX)
		return -E2BIG;
	return task_diag_put_bytes(skb, t, TASK_DIAG_ENVIRON, env_start, env_end,
				   false);
}
