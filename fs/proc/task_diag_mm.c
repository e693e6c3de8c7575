// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties that a task has from its memory
 *
 * These run without exec_update_lock: all that they may use is t->mm.
 */
#include <linux/cacheflush.h>
#include <linux/dcache.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_context.h>
#include <linux/pagewalk.h>
#include <linux/pkeys.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/task_diag.h>
#include <net/netlink.h>
#include "internal.h"
#include "task_diag_attrs.h"

/* How long a dump tries for a lock that it must not wait for */
#define TASK_DIAG_LOCK_MS	10

/*
 * A task that maps and unmaps all the time holds the lock often, but briefly:
 * retry, but never wait for a task that may hold it as long as it likes.
 */
static bool task_diag_mmap_trylock(const struct task_diag_task *t)
{
	const unsigned long end = jiffies + msecs_to_jiffies(TASK_DIAG_LOCK_MS);

	while (!mmap_read_trylock(t->mm)) {
		if (t->at_once || time_after(jiffies, end) ||
		    fatal_signal_pending(current))
			return false;
		usleep_range(10, 50);
	}
	return true;
}

int task_diag_fill_exe(struct sk_buff *skb, struct task_diag_task *t)
{
	struct file *exe;
	char *buf, *path;
	int err;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, TASK_DIAG_EXE);
	exe = get_mm_exe_file(t->mm);
	if (!exe)
		return -ENODATA;
	err = -ENOMEM;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		goto put;
	path = d_path_from(&exe->f_path, t->root, buf, PATH_MAX);
	err = PTR_ERR_OR_ZERO(path);
	if (!err)
		err = task_diag_put_whole(skb, t, TASK_DIAG_EXE,
					  &(struct task_diag_value) {
						.data = path,
						.len = strlen(path),
					  });
	kfree(buf);
put:
	fput(exe);
	return err;
}

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
	/* The high-water marks are kept only when about to go below them. */
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

/* What access_remote_vm() reads with FOLL_ANON and without FOLL_FORCE */
static bool task_diag_is_readable(struct vm_area_struct *vma)
{
	return vma_is_anonymous(vma) && vma->vm_flags & VM_READ &&
	       !(vma->vm_flags & (VM_IO | VM_PFNMAP));
}

/* Copies from one page of @vma, if it is in memory. */
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
 * @addr: where it goes on
 * @buf: where that goes to
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
 * access_remote_vm() makes a stack grow down to the address, and reads zeroes
 * there. Read the same, but leave the stack as it is.
 */
static int task_diag_read_below_stack(struct mm_struct *mm,
				      struct task_diag_read *read)
{
	struct vm_area_struct *vma, *prev;
	unsigned int len;

	vma = find_vma_prev(mm, read->addr, &prev);
	if (!vma || !(vma->vm_flags & VM_GROWSDOWN))
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
 * page behind userfaultfd comes when its owner likes, and one from swap is
 * charged to the memory cgroup of the task, where that may reclaim, or kill. The
 * lock of one mapping suffices, so a task that maps and unmaps does not matter.
 *
 * Returns 0, with fewer bytes in *@got than @len where no more can be read at
 * all; -EFAULT at a page that is not in memory; or -EAGAIN.
 */
static int task_diag_read_mm(const struct task_diag_task *t, unsigned long addr,
			     void *buf, unsigned int len, unsigned int *got)
{
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
		if (!task_diag_mmap_trylock(t)) {
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
 * Appends the bytes from @start + t->pos to @end, up to the first that cannot be
 * read; @text ends with its first zero byte. What fits an empty message is not
 * cut, but begins in the next one: otherwise it would join two moments.
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
 * What execve() allows for arguments and environment together. Longer ones are
 * made by prctl(): of any size, and no dump would get past them.
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
	/* As a rule they fit and are no title: then one read does. */
	if (!t->pos && arg_end - arg_start <= task_diag_room(skb)) {
		err = task_diag_put_bytes(skb, t, TASK_DIAG_CMDLINE, arg_start,
					  arg_end, false);
		if (err || t->pos < arg_end - arg_start ||
		    !skb->data[before + NLA_HDRLEN + t->pos - 1])
			return err;
		skb_trim(skb, before);
		t->pos = 0;
		title = true;
	} else {
		err = task_diag_read_mm(t, arg_end - 1, &last, 1, &got);
		if (err)
			return err;
		title = got && last;
	}
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

/* Longer paths than this are not reported: nobody could open them either. */
#define TASK_DIAG_NAME_MAX	SZ_1M

/* Names that one process may make a list of mappings consist of */
#define TASK_DIAG_NAMES_MAX	SZ_16M

/**
 * struct task_diag_name - where put functions make the name of a mapping
 * @data: buffer
 * @size: of that
 * @path: of the last file of a mapping, while a lock keeps that; or none
 * @path_name: what that is called, in @data
 * @path_len: length of that
 * @before: it is the file of the mapping before
 * @flags: why it is left out, see &enum task_diag_vma_flag
 * @len: length of the name
 * @info: the mapping, if it does not fit the message
 * @value: that and its name
 * @keep: they do not fit an empty message
 */
struct task_diag_name {
	char			*data;
	size_t			size;
	struct path		path;
	const char		*path_name;
	u32			path_len;
	bool			before;
	u32			flags;
	u32			len;
	struct task_diag_vma	info;
	struct task_diag_value	value;
	bool			keep;
};

/**
 * struct task_diag_gather - what is gathered from the pages of mappings
 * @mss: that
 * @start: of the mapping, or the part of one, that @next lies in
 * @next: where to go on, if the time was up; else 0
 * @until: when it is, in jiffies
 * @ops: what gathers
 */
struct task_diag_gather {
	struct mem_size_stats		mss;
	unsigned long			start;
	unsigned long			next;
	unsigned long			until;
	const struct mm_walk_ops	*ops;
};

/**
 * struct task_diag_walk - a walk over the mappings of a task
 * @mm: they belong to
 * @flags: which of them, see &enum task_diag_flag
 * @mmap_locked: the lock of all of them is held
 * @vmi: where the walk is, while it is
 * @locked: the mapping of which the own lock is held, while it is not
 * @name: for the name of a mapping
 * @gather: for its pages
 */
struct task_diag_walk {
	struct mm_struct	*mm;
	u32			flags;
	bool			mmap_locked;
	struct vma_iterator	vmi;
	struct vm_area_struct	*locked;
	struct task_diag_name	name;
	struct task_diag_gather	gather;
};

static void task_diag_unlock(struct task_diag_walk *walk)
{
	if (walk->mmap_locked)
		mmap_read_unlock(walk->mm);
	else if (walk->locked)
		vma_end_read(walk->locked);
	walk->mmap_locked = false;
	walk->locked = NULL;
	walk->name.path = (struct path) {};
}

/*
 * Locks the mapping at or after @addr: by the lock of all, or by its own if that
 * one is taken. Returns NULL if there is none, and -EAGAIN if both are taken.
 */
static struct vm_area_struct *task_diag_lock_vma(struct task_diag_walk *walk,
						 unsigned long addr)
{
	MA_STATE(mas, &walk->mm->mm_mt, addr, addr);
	bool found;

	if (mmap_read_trylock(walk->mm)) {
		walk->mmap_locked = true;
		vma_iter_init(&walk->vmi, walk->mm, addr);
		return vma_next(&walk->vmi);
	}
	rcu_read_lock();
	found = mas_find(&mas, ULONG_MAX);
	rcu_read_unlock();
	if (!found)
		return NULL;
	walk->locked = lock_vma_under_rcu(walk->mm, max(addr, mas.index));
	return walk->locked ?: ERR_PTR(-EAGAIN);
}

/* Lets those in who wait for the lock, and locks the mapping at or after @addr. */
static noinline struct vm_area_struct *
task_diag_relock_vma(struct task_diag_walk *walk, unsigned long addr)
{
	const unsigned long end = jiffies + msecs_to_jiffies(TASK_DIAG_LOCK_MS);
	struct vm_area_struct *vma;

	task_diag_unlock(walk);
	cond_resched();
	while ((vma = task_diag_lock_vma(walk, addr)) == ERR_PTR(-EAGAIN)) {
		if (time_after(jiffies, end) || fatal_signal_pending(current))
			break;
		usleep_range(10, 50);
	}
	return vma;
}

/* The mapping at or after @addr, locked */
static struct vm_area_struct *task_diag_next_vma(struct task_diag_walk *walk,
						 unsigned long addr)
{
	if (walk->mmap_locked && !need_resched() &&
	    !mmap_lock_is_contended(walk->mm))
		return vma_next(&walk->vmi);
	return task_diag_relock_vma(walk, addr);
}

/* The mapping of the architecture, which maps has behind all others */
static struct vm_area_struct *task_diag_gate_vma(const struct task_diag_walk *walk,
						 unsigned long addr)
{
	struct vm_area_struct *vma = get_gate_vma(walk->mm);

	return vma && vma->vm_end > addr ? vma : NULL;
}

static bool task_diag_wants_vma(const struct task_diag_walk *walk,
				const struct vm_area_struct *vma)
{
	if (walk->flags & TASK_DIAG_ONLY_VMA_EXEC && !(vma->vm_flags & VM_EXEC))
		return false;
	return !(walk->flags & TASK_DIAG_ONLY_VMA_FILE) || vma->vm_file;
}

/*
 * Calls @put for each mapping from t->pos on that is asked for; for the part from
 * t->pos on of one that has come to begin before that. Returns -EINPROGRESS if
 * the time is up.
 */
static __always_inline int
task_diag_walk_vmas(struct sk_buff *skb, struct task_diag_task *t,
		    struct task_diag_walk *walk,
		    int (*put)(struct sk_buff *skb, struct task_diag_task *t,
			       struct vm_area_struct *vma,
			       struct task_diag_walk *walk))
{
	const unsigned int before = skb->len;
	struct vm_area_struct *vma;
	int err = 0;

	while (!err) {
		vma = task_diag_next_vma(walk, t->pos) ?:
		      task_diag_gate_vma(walk, t->pos);
		if (IS_ERR_OR_NULL(vma)) {
			err = PTR_ERR(vma);
			/* What there is of the list is true: go on behind it. */
			if (err && skb->len > before)
				err = -EMSGSIZE;
			break;
		}
		t->pos = max_t(u64, t->pos, vma->vm_start);
		if (task_diag_wants_vma(walk, vma))
			err = put(skb, t, vma, walk);
		if (err)
			break;
		t->pos = vma->vm_end;
		if (fatal_signal_pending(current))
			/* A list that was aborted must not look complete. */
			err = -EAGAIN;
		else if (time_after(jiffies, t->until))
			err = -EINPROGRESS;
	}
	task_diag_unlock(walk);
	return err;
}

/* The last column of maps, made in @name, or not. */
static const char *task_diag_vma_name(struct vm_area_struct *vma,
				      struct task_diag_name *name)
{
	const char *text, *format;
	const struct path *path;
	bool same = name->before;

	name->before = false;
	name->flags = 0;
	name->len = 0;
	get_vma_name(vma, &path, &text, &format);
	if (path) {
		if (!path_equal(path, &name->path)) {
			name->path = (struct path) {};
			text = d_path(path, name->data, name->size);
			if (text == ERR_PTR(-ENAMETOOLONG) &&
			    name->size >= TASK_DIAG_NAME_MAX) {
				name->flags = TASK_DIAG_VMA_LONG_NAME;
				return "";
			}
			if (IS_ERR(text))
				return text;
			name->path = *path;
			name->path_name = text;
			name->path_len = name->data + name->size - 1 - text;
			same = false;
		}
		name->before = true;
		if (same) {
			name->flags = TASK_DIAG_VMA_SAME_NAME;
			return "";
		}
		name->len = name->path_len;
		return name->path_name;
	}
	if (format) {
		name->path = (struct path) {};
		name->len = snprintf(name->data, name->size, format, text);
		return name->data;
	}
	if (!text)
		return "";
	name->len = strlen(text);
	return text;
}

static int task_diag_put_vma(struct sk_buff *skb, struct task_diag_task *t,
			     struct vm_area_struct *vma,
			     struct task_diag_walk *walk)
{
	struct task_diag_name *name = &walk->name;
	struct task_diag_vma *info, *to;
	const struct inode *inode;
	const char *text;

	if (t->names > TASK_DIAG_NAMES_MAX)
		return -E2BIG;
	text = task_diag_vma_name(vma, name);
	if (IS_ERR(text))
		return PTR_ERR(text);

	to = task_diag_reserve(skb, TASK_DIAG_VMA, sizeof(*to) + name->len);
	info = to ?: &name->info;
	memset(info, 0, sizeof(*info));
	info->start = t->pos;
	info->end = vma->vm_end;
	if (vma->vm_file) {
		inode = file_user_inode(vma->vm_file);
		info->pgoff = ((u64)vma->vm_pgoff << PAGE_SHIFT) + t->pos -
			      vma->vm_start;
		info->ino = inode->i_ino;
		info->dev_major = MAJOR(inode->i_sb->s_dev);
		info->dev_minor = MINOR(inode->i_sb->s_dev);
		info->generation = inode->i_generation;
	}
	info->flags = name->flags |
		      (vma->vm_flags & VM_READ ? TASK_DIAG_VMA_READ : 0) |
		      (vma->vm_flags & VM_WRITE ? TASK_DIAG_VMA_WRITE : 0) |
		      (vma->vm_flags & VM_EXEC ? TASK_DIAG_VMA_EXEC : 0) |
		      (vma->vm_flags & VM_MAYSHARE ? TASK_DIAG_VMA_SHARED : 0);
	info->name_len = name->len;
	info->name_at = sizeof(*info);
	if (to) {
		memcpy(to + 1, text, name->len);
		t->names += name->len;
		return 0;
	}

	name->value = (struct task_diag_value) {
		.head = info,
		.head_len = sizeof(*info),
		.off_at = offsetof(struct task_diag_vma, name_off),
		.data = text,
		.len = name->len,
	};
	/* Not here: that allocates, and a lock of the task is held. */
	name->keep = task_diag_is_empty(skb);
	return -EMSGSIZE;
}

int task_diag_fill_vma(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_walk walk = { .mm = t->mm, .flags = t->flags };
	struct task_diag_name *name = &walk.name;
	int err;

	if (t->kept.data) {
		err = task_diag_put_kept(skb, t, TASK_DIAG_VMA);
		if (err)
			return err;
		t->pos = ((const struct task_diag_vma *)t->kept.head)->end;
		t->names += t->kept.len;
		task_diag_forget(t);
	}
	err = -ENAMETOOLONG;
	/* Deeply nested directories make paths that no program can open. */
	for (name->size = PATH_MAX;
	     err == -ENAMETOOLONG && name->size <= TASK_DIAG_NAME_MAX;
	     name->size *= 2) {
		name->data = kvmalloc(name->size, GFP_KERNEL_ACCOUNT);
		if (!name->data)
			return -ENOMEM;
		name->keep = false;
		err = task_diag_walk_vmas(skb, t, &walk, task_diag_put_vma);
		if (name->keep)
			err = task_diag_keep(skb, t, TASK_DIAG_VMA, &name->value);
		kvfree(name->data);
	}
	return err;
}

#ifdef CONFIG_PROC_PAGE_MONITOR
static void task_diag_fill_pages(struct task_diag_pages *pages,
				 const struct mem_size_stats *mss)
{
	pages->rss = mss->resident;
	pages->pss = mss->pss >> PSS_SHIFT;
	pages->pss_dirty = mss->pss_dirty >> PSS_SHIFT;
	pages->pss_anon = mss->pss_anon >> PSS_SHIFT;
	pages->pss_file = mss->pss_file >> PSS_SHIFT;
	pages->pss_shmem = mss->pss_shmem >> PSS_SHIFT;
	pages->pss_locked = mss->pss_locked >> PSS_SHIFT;
	pages->shared_clean = mss->shared_clean;
	pages->shared_dirty = mss->shared_dirty;
	pages->private_clean = mss->private_clean;
	pages->private_dirty = mss->private_dirty;
	pages->referenced = mss->referenced;
	pages->anonymous = mss->anonymous;
	pages->ksm = mss->ksm;
	pages->lazyfree = mss->lazyfree;
	pages->anon_huge = mss->anonymous_thp;
	pages->shmem_huge = mss->shmem_thp;
	pages->file_huge = mss->file_thp;
	pages->shared_hugetlb = mss->shared_hugetlb;
	pages->private_hugetlb = mss->private_hugetlb;
	pages->swap = mss->swap;
	pages->swap_pss = mss->swap_pss >> PSS_SHIFT;
}

/* Returns how many letters it wrote to @to. */
static unsigned int task_diag_fill_vm_flags(char to[2 * BITS_PER_LONG],
					    vm_flags_t vm_flags)
{
	unsigned int bit, len = 0;
	const char *letters;

	for (bit = 0; bit < BITS_PER_LONG; bit++) {
		if (!(vm_flags & (1UL << bit)))
			continue;
		for (letters = smap_vma_flag(bit); *letters; letters++)
			to[len++] = *letters;
	}
	return len;
}

/* What of shared memory is in swap is looked up this much at once. */
#define TASK_DIAG_HOLE		SZ_256M

static struct task_diag_gather *task_diag_gather_of(struct mm_walk *walk)
{
	return container_of(walk->private, struct task_diag_gather, mss);
}

/* Whether to continue at @addr later; never at first, so there is progress. */
static bool task_diag_pauses(struct task_diag_gather *gather, unsigned long addr)
{
	if (addr == gather->next || (time_before_eq(jiffies, gather->until) &&
				     !fatal_signal_pending(current)))
		return false;
	gather->next = addr;
	return true;
}

static int task_diag_gather_pmd(pmd_t *pmd, unsigned long addr,
				unsigned long end, struct mm_walk *walk)
{
	struct task_diag_gather *gather = task_diag_gather_of(walk);

	if (task_diag_pauses(gather, addr))
		return 1;
	return gather->ops->pmd_entry(pmd, addr, end, walk);
}

static int task_diag_gather_hugetlb(pte_t *pte, unsigned long hmask,
				    unsigned long addr, unsigned long end,
				    struct mm_walk *walk)
{
	struct task_diag_gather *gather = task_diag_gather_of(walk);

	if (task_diag_pauses(gather, addr))
		return 1;
	return gather->ops->hugetlb_entry(pte, hmask, addr, end, walk);
}

static int task_diag_gather_hole(unsigned long addr, unsigned long end,
				 int depth, struct mm_walk *walk)
{
	struct task_diag_gather *gather = task_diag_gather_of(walk);
	unsigned long len;

	for (; addr < end; addr += len) {
		if (task_diag_pauses(gather, addr))
			return 1;
		len = min_t(unsigned long, end - addr, TASK_DIAG_HOLE);
		gather->ops->pte_hole(addr, addr + len, depth, walk);
	}
	return 0;
}

static bool task_diag_is_swapped_shmem(const struct vm_area_struct *vma)
{
	return vma->vm_file && shmem_mapping(vma->vm_file->f_mapping) &&
	       READ_ONCE(SHMEM_I(file_inode(vma->vm_file))->swapped);
}

/*
 * Gathers what smaps reports of @vma, from @start on. Returns -EINPROGRESS if
 * another message is to continue at gather->next.
 */
static int task_diag_gather_vma(struct task_diag_walk *walk,
				struct vm_area_struct *vma, unsigned long start)
{
	struct task_diag_gather *gather = &walk->gather;
	struct mm_walk_ops ops;

	gather->ops = task_diag_is_swapped_shmem(vma) ? &smaps_shmem_walk_ops :
							&smaps_walk_ops;
	ops = *gather->ops;
	ops.pmd_entry = task_diag_gather_pmd;
	if (ops.hugetlb_entry)
		ops.hugetlb_entry = task_diag_gather_hugetlb;
	if (ops.pte_hole)
		ops.pte_hole = task_diag_gather_hole;
	if (walk->locked)
		ops.walk_lock = PGWALK_VMA_RDLOCK_VERIFY;
	gather->next = start;
	if (walk_page_range_vma(vma, start, vma->vm_end, &ops, &gather->mss) > 0)
		return -EINPROGRESS;
	gather->next = 0;
	return 0;
}

static void task_diag_resume_gather(struct task_diag_walk *walk,
				    struct task_diag_task *t)
{
	if (t->kept.head) {
		walk->gather = *(struct task_diag_gather *)t->kept.head;
		task_diag_forget(t);
	}
	walk->gather.until = t->until;
}

static int task_diag_keep_gather(const struct task_diag_walk *walk,
				 struct task_diag_task *t)
{
	t->kept.head = kmemdup(&walk->gather, sizeof(walk->gather),
			       GFP_KERNEL_ACCOUNT);
	return t->kept.head ? -EINPROGRESS : -ENOMEM;
}

static int task_diag_put_vma_stat(struct sk_buff *skb, struct task_diag_task *t,
				  struct vm_area_struct *vma,
				  struct task_diag_walk *walk)
{
	struct task_diag_gather *gather = &walk->gather;
	struct {
		struct task_diag_vma_stat stat;
		struct task_diag_pages pages;
		char vm_flags[2 * BITS_PER_LONG];
	} info;
	int err;

	/* Before the walk of its pages, which may be long */
	if (task_diag_room(skb) < sizeof(info))
		return -EMSGSIZE;

	/* A mapping that is another by now is begun anew. */
	if (gather->start != t->pos || gather->next >= vma->vm_end)
		gather->next = 0;
	if (!gather->next) {
		memset(&gather->mss, 0, sizeof(gather->mss));
		gather->start = t->pos;
	}
	err = task_diag_gather_vma(walk, vma, gather->next ?: t->pos);
	if (err)
		return err;

	memset(&info, 0, sizeof(info));
	info.stat.start = t->pos;
	info.stat.end = vma->vm_end;
	info.stat.kernel_page_size = vma_kernel_pagesize(vma);
	info.stat.mmu_page_size = vma_mmu_pagesize(vma);
	info.stat.thp_eligible = smap_thp_eligible(vma);
	info.stat.protection_key = vma_pkey(vma);
	info.stat.pages_at = offsetof(typeof(info), pages);
	info.stat.pages_len = sizeof(info.pages);
	info.stat.vm_flags_at = offsetof(typeof(info), vm_flags);
	info.stat.vm_flags_len = task_diag_fill_vm_flags(info.vm_flags,
							 vma->vm_flags);
	task_diag_fill_pages(&info.pages, &gather->mss);
	return task_diag_put(skb, TASK_DIAG_VMA_STAT, &info,
			     info.stat.vm_flags_at + info.stat.vm_flags_len);
}

int task_diag_fill_vma_stat(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_walk walk = { .mm = t->mm, .flags = t->flags };
	int err;

	task_diag_resume_gather(&walk, t);
	err = task_diag_walk_vmas(skb, t, &walk, task_diag_put_vma_stat);
	return err == -EINPROGRESS ? task_diag_keep_gather(&walk, t) : err;
}

static int task_diag_add_vma(struct sk_buff *skb, struct task_diag_task *t,
			     struct vm_area_struct *vma,
			     struct task_diag_walk *walk)
{
	int err = task_diag_gather_vma(walk, vma, t->pos);

	if (err)
		t->pos = walk->gather.next;
	return err;
}

int task_diag_fill_mem_rollup(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_walk walk = { .mm = t->mm };
	struct task_diag_mem_rollup info;
	int err;

	if (task_diag_room(skb) < sizeof(info))
		return -EMSGSIZE;
	task_diag_resume_gather(&walk, t);
	err = task_diag_walk_vmas(skb, t, &walk, task_diag_add_vma);
	if (err == -EINPROGRESS)
		return task_diag_keep_gather(&walk, t);
	if (err)
		return err;
	memset(&info, 0, sizeof(info));
	task_diag_fill_pages(&info.pages, &walk.gather.mss);
	return task_diag_put(skb, TASK_DIAG_MEM_ROLLUP, &info, sizeof(info));
}
#endif /* CONFIG_PROC_PAGE_MONITOR */
