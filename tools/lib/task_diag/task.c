// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * A task: joined from the messages about it, and read.
 *
 * The usual task is one message whose groups are all present; its values are
 * read in place. The values of any other task are copied into records. An
 * attribute that continues a value extends the value's record, so each record
 * is a complete value, or a complete element of a list.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "internal.h"

/* The initial size of a store, which it keeps between requests */
#define STORE_MIN	4096
#define STORE_KEEP	(1024 * 1024)

/*
 * Attribute 0 is not a group, so a task keeps TASK_DIAG_EVENT in its place.
 * Returns the place of an attribute, or %TD_GROUPS.
 */
#define EVENT_PLACE	0

static bool is_group(unsigned int attr)
{
	return attr - 1 < TD_GROUPS - 1;
}

static unsigned int place(unsigned int attr)
{
	if (attr == TASK_DIAG_EVENT)
		return EVENT_PLACE;
	return is_group(attr) ? attr : TD_GROUPS;
}

/* --- kinds of groups ----------------------------------------------------- */

/**
 * struct kind - the kind of a group
 * @bytes: it consists of bytes: attributes continue each other
 * @list: each attribute is an element
 * @text: where in the struct is a &struct text_part, or 0
 * @after: fields of the struct that say where in the payload the data after it
 *	are, or 0
 */
struct kind {
	bool bytes;
	bool list;
	__u16 text;
	__u16 after[2];
};

/**
 * struct text_part - fields that each struct with a text after it has in a row
 * @len: length of the whole text
 * @off: where in the text the bytes at @at belong
 * @at: where in the payload they begin
 */
struct text_part {
	__u32 len;
	__u32 off;
	__u32 at;
};

#define BYTES { .bytes = true }
#define TEXT(type, field, is_list) {					\
	.list = is_list,						\
	.text = offsetof(struct task_diag_##type, field##_len),		\
	.after = { offsetof(struct task_diag_##type, field##_at) },	\
}

static const struct kind kinds[TD_GROUPS] = {
	[TASK_DIAG_VMA] = TEXT(vma, name, true),
	[TASK_DIAG_VMA_STAT] = {
		.list = true,
		.after = {
			offsetof(struct task_diag_vma_stat, pages_at),
			offsetof(struct task_diag_vma_stat, vm_flags_at),
		},
	},
	[TASK_DIAG_CMDLINE] = BYTES,
	[TASK_DIAG_GROUPS] = BYTES,
	[TASK_DIAG_NAME] = BYTES,
	[TASK_DIAG_CGROUP] = TEXT(cgroup, path, false),
	[TASK_DIAG_NS] = { .list = true },
	[TASK_DIAG_NSPID] = { .list = true },
	[TASK_DIAG_EXE] = BYTES,
	[TASK_DIAG_ENVIRON] = BYTES,
	[TASK_DIAG_LIMITS] = { .list = true },
	[TASK_DIAG_FILES] = TEXT(file, path, true),
	[TASK_DIAG_LABEL] = BYTES,
	[TASK_DIAG_CWD] = BYTES,
	[TASK_DIAG_ROOT] = BYTES,
	[TASK_DIAG_WCHAN] = BYTES,
	[TASK_DIAG_AFFINITY] = {
		.after = {
			offsetof(struct task_diag_affinity, cpus_at),
			offsetof(struct task_diag_affinity, mems_at),
		},
	},
};

/* A field of a payload; 0 if the payload is too short for it */
static __u32 get_u32(const char *data, size_t len, size_t at)
{
	__u32 value = 0;

	if (at + sizeof(value) <= len)
		memcpy(&value, data + at, sizeof(value));
	return value;
}

/* The length of the struct at the beginning of a payload */
static size_t struct_len(unsigned int attr, const char *data, size_t len)
{
	const __u16 *after = kinds[attr].after;
	size_t shortest = len;
	__u32 at;
	int i;

	for (i = 0; i < 2 && after[i]; i++) {
		at = get_u32(data, len, after[i]);
		if (at && at < shortest)
			shortest = at;
	}
	return shortest;
}

/* --- records ------------------------------------------------------------- */

/**
 * struct td_record - a value in a store, which follows it
 * @zero: always 0, which the length of a struct nlattr never is
 * @type: as in struct nlattr: the group's attribute, perhaps with %OF_PROCESS,
 *	or %REMOVED
 * @len: length of the value
 */
struct td_record {
	__u16 zero;
	__u16 type;
	__u32 len;
};

#define OF_PROCESS	0x2000
#define REMOVED		0x3fff

static struct td_record *record_at(const char *data, size_t at)
{
	return (struct td_record *)(data + at);
}

static char *record_data(struct td_record *rec)
{
	return (char *)(rec + 1);
}

/* The distance from a record with a value of @len bytes to the next record */
static size_t record_size(size_t len)
{
	return sizeof(struct td_record) + NLA_ALIGN(len);
}

/* Makes room for records up to @end. */
static int reserve(struct td_store *store, size_t end)
{
	size_t size = store->size * 2;
	char *data;

	if (end > store->limit)
		return -E2BIG;
	if (end <= store->size)
		return 0;
	if (size < STORE_MIN)
		size = STORE_MIN;
	if (size < end)
		size = end;
	if (size > store->limit)
		size = store->limit;
	data = realloc(store->data, size);
	if (!data)
		return -ENOMEM;
	store->data = data;
	store->size = size;
	return 0;
}

static void note_value(struct td_task *task, unsigned int attr, __u32 at)
{
	const __u64 present = task->present;

	if (!(present >> attr & 1))
		task->first[attr] = at;
	task->last[attr] = at;
	task->present = present | 1ULL << attr;
}

static int add_record(struct td_store *store, struct td_task *task,
		      unsigned int attr, const char *data, size_t len)
{
	struct td_record *rec;
	int err;

	err = reserve(store, store->len + record_size(len));
	if (err)
		return err;
	rec = record_at(store->data, store->len);
	rec->zero = 0;
	rec->type = task->is_process ? attr | OF_PROCESS : attr;
	rec->len = len;
	if (len)
		memcpy(record_data(rec), data, len);
	note_value(task, attr, store->len);
	store->len += record_size(len);
	return 0;
}

/* Moves the last record of a group to the end of all records. */
static int move_record(struct td_store *store, struct td_task *task,
		       unsigned int attr)
{
	const size_t at = task->last[attr];
	const size_t len = record_at(store->data, at)->len;
	struct td_record *rec;
	int err;

	err = reserve(store, store->len + record_size(len));
	if (err)
		return err;
	rec = record_at(store->data, at);
	rec->type = REMOVED;
	if (task->first[attr] == at)
		task->present &= ~(1ULL << attr);
	return add_record(store, task, attr, record_data(rec), len);
}

/* Appends to the last record of a group and keeps its first @keep bytes. */
static int extend_record(struct td_store *store, struct td_task *task,
			 unsigned int attr, size_t keep, const char *data,
			 size_t len)
{
	struct td_record *rec = record_at(store->data, task->last[attr]);
	size_t end;
	int err;

	if (task->last[attr] + record_size(rec->len) != store->len) {
		err = move_record(store, task, attr);
		if (err)
			return err;
	}
	end = task->last[attr] + record_size(keep + len);
	err = reserve(store, end);
	if (err)
		return err;
	rec = record_at(store->data, task->last[attr]);
	if (len)
		memcpy(record_data(rec) + keep, data, len);
	rec->len = keep + len;
	store->len = end;
	return 0;
}

/* Removes records that belong to no present group. */
static void compact(struct td_store *store)
{
	__u64 before[2] = { store->task.present, store->process.present };
	struct td_record *rec;
	struct td_task *task;
	size_t at, to = 0, step;
	unsigned int attr;

	store->task.present = 0;
	store->process.present = 0;
	for (at = 0; at < store->len; at += step) {
		rec = record_at(store->data, at);
		step = record_size(rec->len);
		task = rec->type & OF_PROCESS ? &store->process : &store->task;
		attr = rec->type & ~OF_PROCESS;
		if (rec->type == REMOVED ||
		    !(before[task->is_process] >> attr & 1))
			continue;
		note_value(task, attr, to);
		memmove(store->data + to, rec, step);
		to += step;
	}
	store->len = to;
}

/* --- joining ------------------------------------------------------------- */

/* A group that fails loses the parts that came before. */
static void fail_group(struct td_task *task, unsigned int attr, int err)
{
	task->present &= ~(1ULL << attr);
	task->failed |= 1ULL << attr;
	task->error[attr] = err;
}

/* The offset of a part in its text, 0 for the first part */
static __u32 text_offset(unsigned int attr, const char *data, size_t len)
{
	const size_t at = kinds[attr].text;

	return at ? get_u32(data, len, at + offsetof(struct text_part, off)) : 0;
}

/* Adds a part of the text that follows the struct of the last record. */
static int extend_text(struct td_store *store, struct td_task *task,
		       unsigned int attr, __u32 off, const char *data, size_t len)
{
	const size_t at = struct_len(attr, data, len);
	struct td_record *rec;
	size_t head;

	if (!(task->present >> attr & 1))
		return -EBADMSG;
	rec = record_at(store->data, task->last[attr]);
	head = struct_len(attr, record_data(rec), rec->len);
	if (off > rec->len - head)
		return -EBADMSG;
	return extend_record(store, task, attr, head + off, data + at, len - at);
}

static void add_group(struct td_store *store, struct td_task *task,
		      const struct nlattr *nla)
{
	const unsigned int attr = place(td__attr_type(nla));
	const char *data = td__attr_data(nla);
	const size_t len = td__attr_len(nla);
	const __u32 off = text_offset(attr, data, len);
	int err;

	if (task->failed >> attr & 1)
		return;
	if (off)
		err = extend_text(store, task, attr, off, data, len);
	else if (kinds[attr].bytes && task->present >> attr & 1)
		err = extend_record(store, task, attr,
				    record_at(store->data, task->last[attr])->len,
				    data, len);
	else
		err = add_record(store, task, attr, data, len);
	if (err) {
		fail_group(task, attr, err);
		compact(store);
	}
}

static void add_error(struct td_task *task, const struct nlattr *nla)
{
	struct task_diag_error error;

	td__copy(&error, sizeof(error), td__attr_data(nla), td__attr_len(nla));
	if (is_group(error.attr))
		fail_group(task, error.attr,
			   td__is_errno(error.error) ? error.error : -EBADMSG);
}

/* Returns 1 if TASK_DIAG_MORE is among the attributes up to @end, or -EBADMSG. */
static int add_attrs(struct td_store *store, struct td_task *task,
		     const struct nlattr *nla, const char *end)
{
	int more = 0;

	for (; td__attr_ok(nla, end); nla = td__next_attr(nla)) {
		const unsigned int type = td__attr_type(nla);
		const char *data = td__attr_data(nla);

		if (place(type) < TD_GROUPS)
			add_group(store, task, nla);
		else if (type == TASK_DIAG_ERROR)
			add_error(task, nla);
		else if (type == TASK_DIAG_MORE)
			more = 1;
		else if (type == TASK_DIAG_PROCESS && !task->is_process &&
			 add_attrs(store, &store->process, (const void *)data,
				   data + td__attr_len(nla)) < 0)
			return -EBADMSG;
	}
	return (const char *)nla < end ? -EBADMSG : more;
}

static void reset(struct td_task *task, bool is_process)
{
	task->pid = 0;
	task->is_process = is_process;
	task->present = 0;
	task->failed = 0;
	task->process = NULL;
}

/**
 * td__begin_task() - forget the last task
 * @store: where it is
 */
void td__begin_task(struct td_store *store)
{
	reset(&store->task, false);
	reset(&store->process, true);
	store->len = 0;
}

/**
 * td__add_message() - join a message to those before
 * @store: where those are
 * @nlh: the message, complete, a %TASK_DIAG_CMD_GET or a %TASK_DIAG_CMD_EVENT
 *
 * Return: 1 if the task continues in the next message, 0 if it is complete, or
 * -EBADMSG.
 */
int td__add_message(struct td_store *store, const struct nlmsghdr *nlh)
{
	const struct nlattr *nla = td__first_attr(nlh);
	const char *end = td__message_end(nlh);
	const __u32 pid = td__message_pid(nlh);

	if (!pid || (store->task.pid && store->task.pid != pid))
		return -EBADMSG;
	store->task.pid = pid;
	return add_attrs(store, &store->task, td__next_attr(nla), end);
}

/**
 * td__continues() - whether a task continues in the next message
 * @nlh: a message about it, complete
 *
 * Return: whether it does.
 */
bool td__continues(const struct nlmsghdr *nlh)
{
	const struct nlattr *nla = td__first_attr(nlh);
	const char *end = td__message_end(nlh);

	for (; td__attr_ok(nla, end); nla = td__next_attr(nla)) {
		if (td__attr_type(nla) == TASK_DIAG_MORE)
			return true;
	}
	return false;
}

/*
 * Notes where in the message the groups up to @end are. Returns false if a
 * group continues, failed, or is unknown.
 */
static bool note_groups(struct td_store *store, struct td_task *task,
			const struct nlmsghdr *nlh, const struct nlattr *nla,
			const char *end)
{
	for (; td__attr_ok(nla, end); nla = td__next_attr(nla)) {
		const unsigned int type = nla->nla_type;
		const unsigned int attr = place(type);
		const char *data = td__attr_data(nla);

		if (type == (TASK_DIAG_PROCESS | NLA_F_NESTED)) {
			if (task->is_process ||
			    !note_groups(store, &store->process, nlh,
					 (const void *)data,
					 data + td__attr_len(nla)))
				return false;
			continue;
		}
		if (attr >= TD_GROUPS ||
		    (task->present >> attr & 1 && kinds[attr].bytes) ||
		    text_offset(attr, data, td__attr_len(nla)))
			return false;
		note_value(task, attr, (const char *)nla - (const char *)nlh);
	}
	return (const char *)nla >= end;
}

static const struct td_task *finish(struct td_store *store, const char *data,
				    size_t len)
{
	struct td_task *process = &store->process;

	store->task.data = data;
	store->task.len = len;
	if (process->present || process->failed) {
		process->pid = store->task.pid;
		process->data = data;
		process->len = len;
		store->task.process = process;
	}
	return &store->task;
}

/**
 * td__end_task() - return the complete task
 * @store: where it is, complete
 *
 * Return: the task.
 */
const struct td_task *td__end_task(struct td_store *store)
{
	return finish(store, store->data, store->len);
}

/**
 * td__usual_task() - make a task from the only message about it, without a copy
 * @store: where to
 * @nlh: the message, complete, a %TASK_DIAG_CMD_GET or a %TASK_DIAG_CMD_EVENT
 *
 * Return: the task, or NULL if td__add_message() must read the message.
 */
const struct td_task *td__usual_task(struct td_store *store,
				     const struct nlmsghdr *nlh)
{
	const struct nlattr *nla = td__first_attr(nlh);
	const char *end = td__message_end(nlh);
	struct td_task *task = &store->task;

	reset(task, false);
	reset(&store->process, true);
	task->pid = td__message_pid(nlh);
	if (!task->pid ||
	    !note_groups(store, task, nlh, td__next_attr(nla), end))
		return NULL;
	return finish(store, (const char *)nlh, nlh->nlmsg_len);
}

/**
 * td__trim_store() - free the memory that only few tasks need
 * @store: where the last task of an answer was
 */
void td__trim_store(struct td_store *store)
{
	td__begin_task(store);
	if (store->size <= STORE_KEEP)
		return;
	free(store->data);
	store->data = NULL;
	store->size = 0;
}

/* --- reading ------------------------------------------------------------- */

__u32 td_pid(const struct td_task *task)
{
	return task ? task->pid : 0;
}

const struct td_task *td_process(const struct td_task *task)
{
	return task ? task->process : NULL;
}

__u64 td_failed(const struct td_task *task)
{
	return task ? task->failed : 0;
}

struct td_task *td_task_dup(const struct td_task *task)
{
	/* The task, its process, and their records */
	struct td_task *copy = malloc(2 * sizeof(*task) + task->len);
	char *data;

	if (!copy)
		return NULL;
	data = (char *)(copy + 2);
	copy[0] = *task;
	if (task->len)
		memcpy(data, task->data, task->len);
	copy[0].data = data;
	if (task->process) {
		copy[1] = *task->process;
		copy[1].data = data;
		copy[0].process = &copy[1];
	}
	return copy;
}

void td_task_free(struct td_task *task)
{
	free(task);
}

/* The value at @at, which is a struct nlattr or a struct td_record. */
static const char *value_at(const struct td_task *task, size_t at, size_t *len)
{
	const char *header = task->data + at;
	const struct nlattr *nla = (const void *)header;

	if (nla->nla_len) {
		*len = td__attr_len(nla);
		return td__attr_data(nla);
	}
	*len = record_at(header, 0)->len;
	return record_data(record_at(header, 0));
}

/* The first value at the place @attr, or NULL for the reason in *@err */
static inline const char *find_group(const struct td_task *task,
				     unsigned int attr, size_t *len, int *err)
{
	if (task && attr < TD_GROUPS && task->present >> attr & 1)
		return value_at(task, task->first[attr], len);
	*len = 0;
	if (attr >= TD_GROUPS)
		*err = -EINVAL;
	else if (task && task->failed >> attr & 1)
		*err = task->error[attr];
	else
		*err = -ENODATA;
	return NULL;
}

static void copy_struct(void *to, size_t size, unsigned int attr,
			const char *data, size_t len)
{
	td__copy(to, size, data, data ? struct_len(attr, data, len) : 0);
}

int td_group(const struct td_task *task, unsigned int attr, void *to,
	     size_t size)
{
	const char *data;
	size_t len;
	int err = 0;

	attr = place(attr);
	data = find_group(task, attr, &len, &err);
	copy_struct(to, size, attr, data, len);
	return err;
}

int td_bytes(const struct td_task *task, unsigned int attr, const char **data,
	     size_t *len)
{
	static const __u32 none;
	const char *value;
	size_t text = 0;
	int err = 0;

	attr = place(attr);
	value = find_group(task, attr, len, &err);
	if (value && (kinds[attr].list || task->first[attr] != task->last[attr]))
		err = -EINVAL;
	if (err) {
		*data = (const char *)&none;
		*len = 0;
		return err;
	}
	if (kinds[attr].text)
		text = struct_len(attr, value, *len);
	*data = value + text;
	*len -= text;
	return 0;
}

/* Copies the mask of @bits bits at @at of the group; missing bits are zero. */
static int get_mask(const struct td_task *task, __u32 bits, __u32 at,
		    __u32 *mask, size_t nr)
{
	const char *data;
	size_t len, words;
	int err = 0;

	data = find_group(task, TASK_DIAG_AFFINITY, &len, &err);
	if (data && (bits > INT_MAX || at > len))
		err = -EBADMSG;
	if (err) {
		td__copy(mask, nr * sizeof(*mask), NULL, 0);
		return err;
	}
	words = bits / 32 + !!(bits % 32);
	if (words > (len - at) / sizeof(*mask))
		words = (len - at) / sizeof(*mask);
	td__copy(mask, nr * sizeof(*mask), data + at, words * sizeof(*mask));
	return bits;
}

int td_cpus(const struct td_task *task, __u32 *mask, size_t nr)
{
	struct task_diag_affinity info;

	td_group(task, TASK_DIAG_AFFINITY, &info, sizeof(info));
	return get_mask(task, info.cpus, info.cpus_at, mask, nr);
}

int td_mems(const struct td_task *task, __u32 *mask, size_t nr)
{
	struct task_diag_affinity info;

	td_group(task, TASK_DIAG_AFFINITY, &info, sizeof(info));
	return get_mask(task, info.mems, info.mems_at, mask, nr);
}

/* --- lists --------------------------------------------------------------- */

/* The next value of a list, whose header is at or after @at, or NULL */
static const char *next_value(const struct td_task *task, unsigned int attr,
			      size_t at, size_t *len)
{
	const struct nlattr *nla;
	const char *data;

	/* The values of a process have no lists. */
	while (at <= task->last[attr] && !task->is_process) {
		nla = (const void *)(task->data + at);
		data = value_at(task, at, len);
		if (td__attr_type(nla) == attr)
			return data;
		at = data - task->data + NLA_ALIGN(*len);
	}
	return NULL;
}

static __u32 vma_flags(const struct td_item *item)
{
	return get_u32(item->data, item->len,
		       offsetof(struct task_diag_vma, flags));
}

/* @at is where the struct of the element ends. */
static void set_text(unsigned int attr, struct td_item *item, size_t at)
{
	struct task_diag_vma_stat stat;

	/* The name of the mapping before it */
	if (attr == TASK_DIAG_VMA && item->text &&
	    vma_flags(item) & TASK_DIAG_VMA_SAME_NAME)
		return;
	item->text_len = 0;
	if (kinds[attr].text) {
		item->text_len = item->len - at;
	} else if (attr == TASK_DIAG_VMA_STAT) {
		td__copy(&stat, sizeof(stat), item->data, at);
		if (stat.vm_flags_at <= item->len &&
		    stat.vm_flags_len <= item->len - stat.vm_flags_at) {
			at = stat.vm_flags_at;
			item->text_len = stat.vm_flags_len;
		}
	}
	item->text = item->data + at;
}

int td_item(const struct td_task *task, unsigned int attr, struct td_item *item,
	    void *to, size_t size)
{
	const char *data;
	size_t len, head;
	int err = 0;

	attr = place(attr);
	data = find_group(task, attr, &len, &err);
	if (data && item->next)
		data = next_value(task, attr, item->next, &len);
	head = data ? struct_len(attr, data, len) : 0;
	td__copy(to, size, data, head);
	if (!data)
		return err;
	item->data = data;
	item->len = len;
	item->next = data - task->data + NLA_ALIGN(len);
	set_text(attr, item, head);
	return 1;
}

int td_pages(const struct td_item *item, struct task_diag_pages *pages,
	     size_t size)
{
	struct task_diag_vma_stat stat;

	copy_struct(&stat, sizeof(stat), TASK_DIAG_VMA_STAT, item->data, item->len);
	if (!stat.pages_at || stat.pages_at > item->len ||
	    stat.pages_len > item->len - stat.pages_at) {
		td__copy(pages, size, NULL, 0);
		return -ENODATA;
	}
	td__copy(pages, size, item->data + stat.pages_at, stat.pages_len);
	return 0;
}
