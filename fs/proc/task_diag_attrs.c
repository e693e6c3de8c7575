// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties
 *
 * Most values have a counterpart in a file under /proc/PID, and are read the way
 * that file reads them, unless that could wait for another user.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <net/netlink.h>
#include "internal.h"
#include "task_diag_attrs.h"

/* Appends the next part of the value that is kept. */
int task_diag_put_kept(struct sk_buff *skb, struct task_diag_task *t, u16 attr)
{
	struct task_diag_value *value = &t->kept;
	const unsigned int room = task_diag_room(skb);
	unsigned int part;
	void *payload;

	if (room <= value->head_len)
		return -EMSGSIZE;
	part = min(value->len - t->part, room - value->head_len);
	payload = task_diag_reserve(skb, attr, value->head_len + part);
	if (!payload)
		return -EMSGSIZE;
	if (value->head_len)
		*(u32 *)(value->head + value->off_at) = t->part;
	memcpy(payload, value->head, value->head_len);
	memcpy(payload + value->head_len, value->data + t->part, part);
	t->part += part;
	return t->part < value->len ? -EMSGSIZE : 0;
}

static void task_diag_copy_value(void *to, const struct task_diag_value *value)
{
	memcpy(to, value->head, value->head_len);
	memcpy(to + value->head_len, value->data, value->len);
}

/* Appends the first part of a value that did not fit an empty message. */
int task_diag_keep(struct sk_buff *skb, struct task_diag_task *t, u16 attr,
		   const struct task_diag_value *value)
{
	void *copy;

	if (t->at_once || !task_diag_is_empty(skb))
		return -EMSGSIZE;
	copy = kvmalloc(value->head_len + value->len, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	task_diag_copy_value(copy, value);
	t->kept = *value;
	t->kept.head = copy;
	t->kept.data = copy + value->head_len;
	return task_diag_put_kept(skb, t, attr);
}

/* Appends a value; keeps it if not even an empty message has room for it. */
int task_diag_put_whole(struct sk_buff *skb, struct task_diag_task *t, u16 attr,
			const struct task_diag_value *value)
{
	void *payload = task_diag_reserve(skb, attr,
					  value->head_len + value->len);

	if (!payload)
		return task_diag_keep(skb, t, attr, value);
	task_diag_copy_value(payload, value);
	return 0;
}

/*
 * Appends an attribute for each of @nr elements of @size bytes: all of them or,
 * if that needs another message, none.
 */
int task_diag_put_list(struct sk_buff *skb, u16 attr, const void *list,
		       unsigned int size, unsigned int nr)
{
	unsigned int i;

	if (task_diag_room(skb) + NLA_HDRLEN < nr * nla_total_size(size))
		return -EMSGSIZE;
	for (i = 0; i < nr; i++)
		task_diag_put(skb, attr, list + i * size, size);
	return 0;
}

/*
 * Room for a path and TASK_DIAG_DELETED, for a filler until it returns, or NULL:
 * the tasks of a datagram share it, since to allocate takes a tenth of what a
 * path takes.
 */
char *task_diag_buf(struct task_diag_task *t)
{
	if (!t->buf)
		t->buf = kmalloc(PATH_MAX + sizeof(TASK_DIAG_DELETED), t->gfp);
	return t->buf;
}

static int task_diag_fill_name(struct sk_buff *skb, struct task_diag_task *t)
{
	char name[PROC_TASK_COMM_LEN];

	proc_task_comm(name, sizeof(name), t->task);
	return task_diag_put(skb, TASK_DIAG_NAME, name, strlen(name));
}

#define TASK_DIAG_GROUP(_name, _phase, _missing, _fill, ...)	\
	{							\
		.name = #_name,					\
		.attr = TASK_DIAG_##_name,			\
		.phase = TASK_DIAG_PHASE_##_phase,		\
		.missing = _missing,				\
		.fill = _fill,					\
		__VA_ARGS__					\
	}
#define TASK_DIAG_ONLY_VMA	(TASK_DIAG_ONLY_VMA_EXEC | TASK_DIAG_ONLY_VMA_FILE)
#define TASK_DIAG_NEEDS(option)	\
	(IS_ENABLED(CONFIG_##option) ? NULL : "CONFIG_" #option)

/* MIPS has 128. */
#define TASK_DIAG_NEEDS_64_SIGNALS	(_NSIG <= 64 ? NULL : "a limit of 64 signals")

const struct task_diag_group task_diag_groups[] = {
	TASK_DIAG_GROUP(BASE, RCU, NULL, NULL),
	TASK_DIAG_GROUP(CRED, EXEC, NULL, task_diag_fill_cred),
	TASK_DIAG_GROUP(STAT, EXEC, TASK_DIAG_NEEDS(TASKSTATS),
			task_diag_fill_stat, .per_process = true,
			.cost = TASK_DIAG_COST_THREADS, .uses_mm = true),
	TASK_DIAG_GROUP(TIMES, EXEC, NULL, task_diag_fill_times,
			.per_process = true, .cost = TASK_DIAG_COST_THREADS),
	TASK_DIAG_GROUP(SCHED, EXEC, NULL, task_diag_fill_sched),
	TASK_DIAG_GROUP(SIGNAL, EXEC, TASK_DIAG_NEEDS_64_SIGNALS,
			task_diag_fill_signal, .per_process = true),
	TASK_DIAG_GROUP(GROUPS, EXEC, NULL, task_diag_fill_groups),
	TASK_DIAG_GROUP(IO, EXEC, TASK_DIAG_NEEDS(TASK_IO_ACCOUNTING),
			task_diag_fill_io, .per_process = true,
			.cost = TASK_DIAG_COST_THREADS),
	TASK_DIAG_GROUP(NAME, EXEC, NULL, task_diag_fill_name),
	TASK_DIAG_GROUP(CGROUP, EXEC, TASK_DIAG_NEEDS(CGROUPS),
			task_diag_fill_cgroup),
	TASK_DIAG_GROUP(NS, EXEC, NULL, task_diag_fill_ns),
	TASK_DIAG_GROUP(NSPID, EXEC, NULL, task_diag_fill_nspid),
	TASK_DIAG_GROUP(OOM, EXEC, NULL, task_diag_fill_oom,
			.cost = TASK_DIAG_COST_THREADS),
	TASK_DIAG_GROUP(LIMITS, EXEC, NULL, task_diag_fill_limits),
	TASK_DIAG_GROUP(FD, EXEC, NULL, task_diag_fill_fd,
			.flags = TASK_DIAG_FD_KINDS),
	TASK_DIAG_GROUP(FILES, EXEC, NULL, task_diag_fill_files,
			.cost = TASK_DIAG_COST_MANY,
			.flags = TASK_DIAG_ONLY_SOCKETS | TASK_DIAG_FILE_PATHS),
	TASK_DIAG_GROUP(LABEL, EXEC, TASK_DIAG_NEEDS(SECURITY),
			task_diag_fill_label, .no_event = true),
	TASK_DIAG_GROUP(CWD, EXEC, NULL, task_diag_fill_cwd),
	TASK_DIAG_GROUP(ROOT, EXEC, NULL, task_diag_fill_root),
	TASK_DIAG_GROUP(WCHAN, EXEC, TASK_DIAG_NEEDS(KALLSYMS),
			task_diag_fill_wchan, .no_event = true),
	TASK_DIAG_GROUP(AUTOGROUP, EXEC, TASK_DIAG_NEEDS(SCHED_AUTOGROUP),
			task_diag_fill_autogroup),
	TASK_DIAG_GROUP(IOPRIO, EXEC, TASK_DIAG_NEEDS(BLOCK),
			task_diag_fill_ioprio),
	TASK_DIAG_GROUP(AFFINITY, EXEC, NULL, task_diag_fill_affinity),
	TASK_DIAG_GROUP(MEM, MM, NULL, task_diag_fill_mem),
	TASK_DIAG_GROUP(MEM_ROLLUP, MM, TASK_DIAG_NEEDS(PROC_PAGE_MONITOR),
			task_diag_fill_mem_rollup,
			.cost = TASK_DIAG_COST_MANY),
	TASK_DIAG_GROUP(MM_MAP, MM, NULL, task_diag_fill_mm_map),
	TASK_DIAG_GROUP(EXE, MM, NULL, task_diag_fill_exe),
	TASK_DIAG_GROUP(CMDLINE, MM, NULL, task_diag_fill_cmdline),
	TASK_DIAG_GROUP(ENVIRON, MM, NULL, task_diag_fill_environ),
	TASK_DIAG_GROUP(VMA, MM, NULL, task_diag_fill_vma,
			.cost = TASK_DIAG_COST_MANY,
			.flags = TASK_DIAG_ONLY_VMA),
	TASK_DIAG_GROUP(VMA_STAT, MM, TASK_DIAG_NEEDS(PROC_PAGE_MONITOR),
			task_diag_fill_vma_stat,
			.cost = TASK_DIAG_COST_MANY,
			.flags = TASK_DIAG_ONLY_VMA),
};

const unsigned int task_diag_nr_groups = ARRAY_SIZE(task_diag_groups);
