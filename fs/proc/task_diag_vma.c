// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties from a task's mappings
 *
 * The fillers run without exec_update_lock and may use nothing but t->mm.
 */
#include <linux/dcache.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/pkeys.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <net/netlink.h>
#include "internal.h"
#include "task_diag_attrs.h"

/*
 * Of a buffer for one path. Directories that are made relative to each other have
 * paths of any length.
 */
#define TASK_DIAG_NAME_MAX	SZ_1M

/* A process that maps ahead of the walk, and unmaps behind it, must not keep it up. */
#define TASK_DIAG_VMAS_MORE	SZ_16K

/* The most bytes of names in the list of one process's mappings */
#define TASK_DIAG_NAMES_MAX	SZ_16M

/* Attributes are aligned to 4 bytes; some architectures need 8 for u64. */
struct task_diag_vma_payload {
	struct task_diag_vma info;
} __packed __aligned(NLA_ALIGNTO);

/**
 * struct task_diag_name - the name of a mapping, and the buffer for it
 * @data: buffer
 * @size: size of @data
 * @path: file of the last mapping that had one, while a lock keeps it; or none
 * @path_name: name of that file, in @data
 * @path_len: length of @path_name
 * @before: it is the file of the mapping before
 * @flags: why the name is left out, see &enum task_diag_vma_flag
 * @len: length of the name
 * @payload: the mapping, if it does not fit the message
 * @value: @payload and its name
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
	struct task_diag_vma_payload payload;
	struct task_diag_value	value;
	bool			keep;
};

/**
 * struct task_diag_gather - what is gathered from the pages of mappings
 * @mss: the sums
 * @start: start of the mapping, or the part of one, that @next lies in
 * @file: file of that mapping; not to be dereferenced
 * @flags: its flags
 * @next: where to continue if the time was up, else 0
 * @swap_to: where to continue to count swapped shared memory
 * @until: when the time is up, in jiffies
 * @ops: the callbacks that gather
 */
struct task_diag_gather {
	struct mem_size_stats		mss;
	unsigned long			start;
	const struct file		*file;
	vm_flags_t			flags;
	unsigned long			next;
	unsigned long			swap_to;
	unsigned long			until;
	const struct mm_walk_ops	*ops;
};

/**
 * struct task_diag_walk - a walk over the mappings of a task
 * @mm: the mm of the mappings
 * @flags: which mappings to report, see &enum task_diag_flag
 * @mmap_locked: the mmap lock is held
 * @vmi: position of the walk, while @mmap_locked
 * @locked: the mapping whose own lock is held, while not @mmap_locked
 * @name: for the name of a mapping
 * @gather: for the pages of a mapping, of the groups that have these
 */
struct task_diag_walk {
	struct mm_struct	*mm;
	u32			flags;
	bool			mmap_locked;
	struct vma_iterator	vmi;
	struct vm_area_struct	*locked;
	struct task_diag_name	name;
	struct task_diag_gather	*gather;
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
 * Locks the mapping at or after @addr: by the mmap lock or, if that is taken,
 * by its own. Returns NULL if there is none, and -EAGAIN if both are taken.
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

/* Lets waiters for the lock run, and locks the mapping at or after @addr. */
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

/* Returns the mapping at or after @addr, locked. */
static struct vm_area_struct *task_diag_next_vma(struct task_diag_walk *walk,
						 unsigned long addr)
{
	if (walk->mmap_locked && !need_resched() &&
	    !mmap_lock_is_contended(walk->mm))
		return vma_next(&walk->vmi);
	return task_diag_relock_vma(walk, addr);
}

/* The mapping of the architecture, which maps shows after all others */
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
 * Calls @put for each requested mapping from t->pos on. Of a mapping that by
 * now begins before t->pos, reports the part from there on. Returns
 * -EINPROGRESS if the time is up.
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

	if (!t->pos)
		t->vmas = 2 * walk->mm->map_count + TASK_DIAG_VMAS_MORE;
	while (!err) {
		vma = task_diag_next_vma(walk, t->pos) ?:
		      task_diag_gate_vma(walk, t->pos);
		if (IS_ERR_OR_NULL(vma)) {
			err = PTR_ERR(vma);
			/* The list so far is correct: continue after it. */
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
		if (!t->vmas--)
			err = -E2BIG;
		else if (fatal_signal_pending(current))
			/* A list that was aborted must not look complete. */
			err = -EAGAIN;
		else if (time_after(jiffies, t->until))
			err = -EINPROGRESS;
	}
	task_diag_unlock(walk);
	return err;
}

/* The name of a mapping of a file. @before: the previous mapping was of one, too. */
static const char *task_diag_vma_path(const struct path *path,
				      struct task_diag_name *name, bool before)
{
	const char *text;

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
		before = false;
	}
	name->before = true;
	if (before) {
		name->flags = TASK_DIAG_VMA_SAME_NAME;
		return "";
	}
	name->len = name->path_len;
	return name->path_name;
}

/* Returns the last column of maps, made in @name or elsewhere. */
static const char *task_diag_vma_name(struct vm_area_struct *vma,
				      struct task_diag_name *name)
{
	const bool before = name->before;
	const char *text, *format;
	const struct path *path;

	name->before = false;
	name->flags = 0;
	name->len = 0;
	get_vma_name(vma, &path, &text, &format);
	if (path)
		return task_diag_vma_path(path, name, before);
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
	struct task_diag_vma_payload *payload, *to;
	const struct inode *inode;
	const char *text;

	if (t->names > TASK_DIAG_NAMES_MAX)
		return -E2BIG;
	text = task_diag_vma_name(vma, name);
	if (IS_ERR(text))
		return PTR_ERR(text);

	to = task_diag_reserve(skb, TASK_DIAG_VMA, sizeof(*to) + name->len);
	payload = to ?: &name->payload;
	/* Not memset() first: this runs very often. */
	payload->info.start = t->pos;
	payload->info.end = vma->vm_end;
	if (vma->vm_file) {
		inode = file_user_inode(vma->vm_file);
		payload->info.pgoff = ((u64)vma->vm_pgoff << PAGE_SHIFT) +
				      t->pos - vma->vm_start;
		payload->info.ino = inode->i_ino;
		payload->info.dev_major = MAJOR(inode->i_sb->s_dev);
		payload->info.dev_minor = MINOR(inode->i_sb->s_dev);
		payload->info.generation = inode->i_generation;
	} else {
		payload->info.pgoff = 0;
		payload->info.ino = 0;
		payload->info.dev_major = 0;
		payload->info.dev_minor = 0;
		payload->info.generation = 0;
	}
	payload->info.flags = name->flags |
			      (vma->vm_flags & VM_READ ? TASK_DIAG_VMA_READ : 0) |
			      (vma->vm_flags & VM_WRITE ? TASK_DIAG_VMA_WRITE : 0) |
			      (vma->vm_flags & VM_EXEC ? TASK_DIAG_VMA_EXEC : 0) |
			      (vma->vm_flags & VM_MAYSHARE ? TASK_DIAG_VMA_SHARED : 0);
	payload->info.name_len = name->len;
	payload->info.name_off = 0;
	payload->info.name_at = sizeof(*payload);
	payload->info.pad = 0;
	if (to) {
		if (name->len)
			memcpy(to + 1, text, name->len);
		t->names += name->len;
		return 0;
	}

	name->value = (struct task_diag_value) {
		.head = payload,
		.head_len = sizeof(*payload),
		.off_at = offsetof(struct task_diag_vma, name_off),
		.data = text,
		.len = name->len,
	};
	/* Not kept here: that allocates, and a lock of the task is held. */
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
	for (name->size = PATH_MAX;
	     err == -ENAMETOOLONG && name->size <= TASK_DIAG_NAME_MAX;
	     name->size *= 2) {
		name->data = name->size == PATH_MAX ? task_diag_buf(t) :
				kvmalloc(name->size, GFP_KERNEL);
		if (!name->data)
			return -ENOMEM;
		name->keep = false;
		err = task_diag_walk_vmas(skb, t, &walk, task_diag_put_vma);
		if (name->keep)
			err = task_diag_keep(skb, t, TASK_DIAG_VMA, &name->value);
		if (name->data != t->buf)
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

/* Returns the number of letters that it wrote to @to. */
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

/* Amount of shared memory that is looked up in swap in one step */
#define TASK_DIAG_HOLE		SZ_256M

/* Page tables without pages are looked at in steps of this size. */
#define TASK_DIAG_WALK_RANGE	(1UL << (BITS_PER_LONG == 64 ? 36 : 30))

static struct task_diag_gather *task_diag_gather_of(struct mm_walk *walk)
{
	return container_of(walk->private, struct task_diag_gather, mss);
}

static bool task_diag_time_is_up(const struct task_diag_gather *gather)
{
	return time_after(jiffies, gather->until) || fatal_signal_pending(current);
}

/* Whether to continue at @addr later; never at first, so there is progress. */
static bool task_diag_pauses(struct task_diag_gather *gather, unsigned long addr)
{
	if (addr == gather->next || !task_diag_time_is_up(gather))
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
 * Counts what is in swap of the shared memory that @vma maps from @start on.
 * Returns -EINPROGRESS if another message must continue.
 */
static int task_diag_gather_swap(struct task_diag_gather *gather,
				 struct vm_area_struct *vma, unsigned long start)
{
	const unsigned long first = max(start, gather->swap_to);
	unsigned long addr = first, len;
	pgoff_t index;

	/* If the file is mapped as a whole, its inode has the number. */
	if (addr == vma->vm_start && !vma->vm_pgoff &&
	    vma->vm_end - addr >= i_size_read(file_inode(vma->vm_file))) {
		gather->mss.swap += shmem_swap_usage(vma);
		addr = vma->vm_end;
	}
	for (; addr < vma->vm_end; addr += len) {
		if (addr != first && task_diag_time_is_up(gather)) {
			gather->swap_to = addr;
			gather->next = start;
			return -EINPROGRESS;
		}
		/* A swapped large folio, counted once, is aligned in the file. */
		index = linear_page_index(vma, addr);
		len = TASK_DIAG_HOLE - (((u64)index << PAGE_SHIFT) & (TASK_DIAG_HOLE - 1));
		len = min(len, vma->vm_end - addr);
		gather->mss.swap += shmem_partial_swap_usage(vma->vm_file->f_mapping,
							     index,
							     index + (len >> PAGE_SHIFT));
	}
	gather->swap_to = addr;
	return 0;
}

/*
 * Gathers what smaps reports of @vma, from @start on. Returns -EINPROGRESS if
 * another message must continue at gather->next.
 */
static int task_diag_gather_vma(struct task_diag_walk *walk,
				struct vm_area_struct *vma, unsigned long start)
{
	const bool swapped = task_diag_is_swapped_shmem(vma);
	/* It may have pages of its own, so look for swapped ones in its holes. */
	const bool cow = (vma->vm_flags & (VM_SHARED | VM_WRITE)) == VM_WRITE;
	struct task_diag_gather *gather = walk->gather;
	unsigned long addr, end;
	struct mm_walk_ops ops;
	int err;

	err = swapped && !cow ? task_diag_gather_swap(gather, vma, start) : 0;
	if (err)
		return err;
	gather->ops = swapped && cow ? &smaps_shmem_walk_ops : &smaps_walk_ops;
	ops = *gather->ops;
	ops.pmd_entry = task_diag_gather_pmd;
	if (ops.hugetlb_entry)
		ops.hugetlb_entry = task_diag_gather_hugetlb;
	if (ops.pte_hole)
		ops.pte_hole = task_diag_gather_hole;
	if (walk->locked)
		ops.walk_lock = PGWALK_VMA_RDLOCK_VERIFY;
	gather->next = start;
	for (addr = start; addr < vma->vm_end; addr = end) {
		if (task_diag_pauses(gather, addr))
			return -EINPROGRESS;
		end = addr | (TASK_DIAG_WALK_RANGE - 1);
		end = min(end, vma->vm_end - 1) + 1;
		if (walk_page_range_vma(vma, addr, end, &ops, &gather->mss) > 0)
			return -EINPROGRESS;
	}
	gather->next = 0;
	return 0;
}

static void task_diag_resume_gather(struct task_diag_gather *gather,
				    struct task_diag_task *t)
{
	if (t->kept.head) {
		*gather = *(struct task_diag_gather *)t->kept.head;
		task_diag_forget(t);
	}
	gather->until = t->until;
}

static int task_diag_keep_gather(const struct task_diag_gather *gather,
				 struct task_diag_task *t)
{
	t->kept.head = kmemdup(gather, sizeof(*gather), GFP_KERNEL_ACCOUNT);
	return t->kept.head ? -EINPROGRESS : -ENOMEM;
}

static int task_diag_put_vma_stat(struct sk_buff *skb, struct task_diag_task *t,
				  struct vm_area_struct *vma,
				  struct task_diag_walk *walk)
{
	struct task_diag_gather *gather = walk->gather;
	struct {
		struct task_diag_vma_stat stat;
		struct task_diag_pages pages;
		char vm_flags[2 * BITS_PER_LONG];
	} info;
	int err;

	/* Checked before the walk of its pages, which may take long. */
	if (task_diag_room(skb) < sizeof(info))
		return -EMSGSIZE;

	if (gather->start != t->pos)
		gather->next = 0;
	if (!gather->next) {
		memset(&gather->mss, 0, sizeof(gather->mss));
		gather->swap_to = 0;
		gather->start = t->pos;
		gather->file = vma->vm_file;
		gather->flags = vma->vm_flags;
	} else if (gather->next >= vma->vm_end || gather->file != vma->vm_file ||
		   gather->flags != vma->vm_flags) {
		/* Another mapping by now: starting over might never end. */
		return -EAGAIN;
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
	struct task_diag_gather gather = {};
	struct task_diag_walk walk = {
		.mm = t->mm,
		.flags = t->flags,
		.gather = &gather,
	};
	int err;

	task_diag_resume_gather(&gather, t);
	err = task_diag_walk_vmas(skb, t, &walk, task_diag_put_vma_stat);
	return err == -EINPROGRESS ? task_diag_keep_gather(&gather, t) : err;
}

static int task_diag_add_vma(struct sk_buff *skb, struct task_diag_task *t,
			     struct vm_area_struct *vma,
			     struct task_diag_walk *walk)
{
	int err = task_diag_gather_vma(walk, vma, t->pos);

	if (err)
		t->pos = walk->gather->next;
	return err;
}

int task_diag_fill_mem_rollup(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_gather gather = {};
	struct task_diag_walk walk = { .mm = t->mm, .gather = &gather };
	struct task_diag_mem_rollup info;
	int err;

	if (task_diag_room(skb) < sizeof(info))
		return -EMSGSIZE;
	task_diag_resume_gather(&gather, t);
	err = task_diag_walk_vmas(skb, t, &walk, task_diag_add_vma);
	if (err == -EINPROGRESS)
		return task_diag_keep_gather(&gather, t);
	if (err)
		return err;
	memset(&info, 0, sizeof(info));
	task_diag_fill_pages(&info.pages, &gather.mss);
	return task_diag_put(skb, TASK_DIAG_MEM_ROLLUP, &info, sizeof(info));
}
#endif /* CONFIG_PROC_PAGE_MONITOR */
