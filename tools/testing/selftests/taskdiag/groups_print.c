// SPDX-License-Identifier: GPL-2.0
#include <linux/sched.h>
#include <linux/task_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "groups_print.h"
#include "output.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct value;
typedef void (*print_fn)(const struct value *value);

/**
 * enum format - how to show a field
 * @DECIMAL: as a number
 * @HEX: in hexadecimal, in JSON as a number
 * @MASK: 16 hexadecimal digits, as /proc/PID/status shows masks; in JSON as a
 *	string, as not all readers of JSON have numbers of 64 bits
 * @TEXT: in JSON only, as a string that may end with a zero byte
 */
enum format { DECIMAL, HEX, MASK, TEXT };

/**
 * struct field - a field of a struct
 * @name: its name
 * @offset: where in the struct it is
 * @size: its bytes
 * @is_signed: whether it may be negative
 * @format: how to show it
 */
struct field {
	const char *name;
	size_t offset;
	size_t size;
	bool is_signed;
	enum format format;
};

/**
 * struct group - a group of properties
 * @attr: its attribute
 * @name: its name, for --show and in JSON
 * @print: prints its value as text
 * @print_json: prints its value as JSON
 * @fields: the fields of its struct, up to one without a name
 * @element: of a list: prints an element as text
 * @element_json: of a list: prints an element as JSON
 * @join: joins the parts of a value where add_bytes() does not do
 */
struct group {
	unsigned int attr;
	const char *name;
	print_fn print;
	print_fn print_json;
	const struct field *fields;
	print_fn element;
	print_fn element_json;
	void (*join)(struct bytes *joined, const void *data, size_t len,
		     size_t size);
};

/**
 * struct value - the value of a group, or one element of a list
 * @group: which group
 * @data: what the kernel gave
 * @len: how much that is: less or more than the struct known here, if the
 *	kernel is older or newer
 * @size: bytes of the group's struct, for a list of one element, in this
 *	kernel
 * @index: which element it is
 */
struct value {
	const struct group *group;
	const char *data;
	size_t len;
	size_t size;
	size_t index;
};

/* Copies of @value what fits into @to, @size bytes of zeroes. */
static void copy_struct(void *to, size_t size, const struct value *value)
{
	memcpy(to, value->data, value->len < size ? value->len : size);
}

/* --- structs ----------------------------------------------------------- */

static bool has_field(const struct value *value, const struct field *field)
{
	return field->offset + field->size <= value->len;
}

static unsigned long long unsigned_number(const void *at, size_t size)
{
	switch (size) {
	case sizeof(__u8):
		return *(const __u8 *)at;
	case sizeof(__u32):
		return *(const __u32 *)at;
	default:
		return *(const __u64 *)at;
	}
}

static void print_number(const void *at, const struct field *field)
{
	if (field->is_signed)
		printf("%d", *(const __s32 *)at);
	else
		printf("%llu", unsigned_number(at, field->size));
}

static void print_fields(const struct value *value)
{
	const struct field *field = value->group->fields;
	const char *between = "";
	const char *at;

	for (; field->name && has_field(value, field); field++) {
		at = value->data + field->offset;
		printf("%s%s=", between, field->name);
		between = " ";
		if (field->format == MASK)
			printf("%016llx", unsigned_number(at, field->size));
		else if (field->format == HEX)
			printf("0x%llx", unsigned_number(at, field->size));
		else
			print_number(at, field);
	}
}

static void print_json_fields(const struct value *value)
{
	const struct field *field = value->group->fields;
	const char *between = "";
	const char *at;

	putchar('{');
	for (; field->name && has_field(value, field); field++) {
		at = value->data + field->offset;
		printf("%s\"%s\":", between, field->name);
		between = ",";
		if (field->format == MASK)
			printf("\"%016llx\"", unsigned_number(at, field->size));
		else if (field->format == TEXT)
			print_json_string(at, strnlen(at, field->size));
		else
			print_number(at, field);
	}
	putchar('}');
}

static void print_base_value(const struct value *value)
{
	struct task_diag_base base = {};

	copy_struct(&base, sizeof(base), value);
	print_base(&base);
}

/* --- bytes ------------------------------------------------------------- */

static void print_text(const struct value *value)
{
	print_escaped(value->data, value->len, 0);
}

static void print_json_text(const struct value *value)
{
	print_json_string(value->data, value->len);
}

/* Strings that a zero byte ends each; the last one may lack it. */
static void print_strings(const struct value *value)
{
	size_t pos, len;

	for (pos = 0; pos < value->len; pos += len + 1) {
		if (pos)
			putchar(' ');
		len = strnlen(value->data + pos, value->len - pos);
		print_escaped(value->data + pos, len, 0);
	}
}

static void print_json_strings(const struct value *value)
{
	size_t pos, len;

	putchar('[');
	for (pos = 0; pos < value->len; pos += len + 1) {
		if (pos)
			putchar(',');
		len = strnlen(value->data + pos, value->len - pos);
		print_json_string(value->data + pos, len);
	}
	putchar(']');
}

/* Of a group that is not known here */
static void print_hex(const struct value *value)
{
	size_t i;

	for (i = 0; i < value->len; i++)
		printf("%02x", (unsigned char)value->data[i]);
}

static void print_json_hex(const struct value *value)
{
	putchar('"');
	print_hex(value);
	putchar('"');
}

/* --- a struct with bytes behind ---------------------------------------- */

/* Each part begins with the struct, which says where the bytes belong. */
static void join_cgroup(struct bytes *joined, const void *data, size_t len,
			size_t size)
{
	struct task_diag_cgroup part;

	if (size < sizeof(part) || len < size)
		return;
	memcpy(&part, data, sizeof(part));
	if (!joined->len)
		add_bytes(joined, data, size);
	if (size + part.path_off > joined->len)
		return;
	joined->len = size + part.path_off;
	add_bytes(joined, (const char *)data + size, len - size);
}

/* Returns the length of the path, with which @value ends. */
static size_t read_cgroup(struct task_diag_cgroup *info,
			  const struct value *value)
{
	memset(info, 0, sizeof(*info));
	copy_struct(info, sizeof(*info), value);
	return value->len > value->size ? value->len - value->size : 0;
}

static void print_cgroup(const struct value *value)
{
	struct task_diag_cgroup info;
	size_t len = read_cgroup(&info, value);

	printf("id=%llu path=", (unsigned long long)info.id);
	print_escaped(value->data + value->size, len, 0);
}

static void print_json_cgroup(const struct value *value)
{
	struct task_diag_cgroup info;
	size_t len = read_cgroup(&info, value);

	printf("{\"id\":%llu,\"path\":", (unsigned long long)info.id);
	print_json_string(value->data + value->size, len);
	putchar('}');
}

/* --- lists ------------------------------------------------------------- */

static void walk_list(const struct value *list, print_fn element,
		      const char *separator)
{
	struct value value = *list;

	value.len = list->size;
	for (; list->size && (value.index + 1) * list->size <= list->len; value.index++) {
		value.data = list->data + value.index * list->size;
		if (value.index)
			fputs(separator, stdout);
		element(&value);
	}
}

static void print_list(const struct value *value)
{
	walk_list(value, value->group->element, ", ");
}

static void print_json_list(const struct value *value)
{
	putchar('[');
	walk_list(value, value->group->element_json, ",");
	putchar(']');
}

static void print_gid(const struct value *value)
{
	__u32 gid = 0;

	copy_struct(&gid, sizeof(gid), value);
	printf("%u", gid);
}

/* As the files in /proc/PID/ns are called */
static void print_ns_name(const struct task_diag_ns *ns)
{
	static const struct {
		__u32 type;
		const char *name;
	} types[] = {
		{ CLONE_NEWCGROUP, "cgroup" },
		{ CLONE_NEWIPC, "ipc" },
		{ CLONE_NEWNET, "net" },
		{ CLONE_NEWNS, "mnt" },
		{ CLONE_NEWPID, "pid" },
		{ CLONE_NEWTIME, "time" },
		{ CLONE_NEWUSER, "user" },
		{ CLONE_NEWUTS, "uts" },
	};
	size_t i = 0;

	while (i < ARRAY_SIZE(types) && types[i].type != ns->type)
		i++;
	if (i < ARRAY_SIZE(types))
		printf("%s", types[i].name);
	else
		printf("type0x%x", ns->type);
	if (ns->for_children)
		printf("_for_children");
}

static void print_ns(const struct value *value)
{
	struct task_diag_ns ns = {};

	copy_struct(&ns, sizeof(ns), value);
	print_ns_name(&ns);
	printf(":[%llu]", (unsigned long long)ns.ino);
}

static void print_json_ns(const struct value *value)
{
	struct task_diag_ns ns = {};

	copy_struct(&ns, sizeof(ns), value);
	printf("{\"name\":\"");
	print_ns_name(&ns);
	printf("\",\"dev\":%u,\"ino\":%llu}", ns.dev, (unsigned long long)ns.ino);
}

static void print_limit_name(size_t nr)
{
	static const char *const names[] = {
		[RLIMIT_CPU] = "cpu",
		[RLIMIT_FSIZE] = "fsize",
		[RLIMIT_DATA] = "data",
		[RLIMIT_STACK] = "stack",
		[RLIMIT_CORE] = "core",
		[RLIMIT_RSS] = "rss",
		[RLIMIT_NPROC] = "nproc",
		[RLIMIT_NOFILE] = "nofile",
		[RLIMIT_MEMLOCK] = "memlock",
		[RLIMIT_AS] = "as",
		[RLIMIT_LOCKS] = "locks",
		[RLIMIT_SIGPENDING] = "sigpending",
		[RLIMIT_MSGQUEUE] = "msgqueue",
		[RLIMIT_NICE] = "nice",
		[RLIMIT_RTPRIO] = "rtprio",
		[RLIMIT_RTTIME] = "rttime",
	};

	if (nr < ARRAY_SIZE(names))
		printf("%s", names[nr]);
	else
		printf("limit%zu", nr);
}

static void print_amount(unsigned long long amount, const char *quote)
{
	if (amount == ~0ULL)
		printf("%sunlimited%s", quote, quote);
	else
		printf("%llu", amount);
}

static void print_limit(const struct value *value)
{
	struct task_diag_limit limit = {};

	copy_struct(&limit, sizeof(limit), value);
	print_limit_name(value->index);
	putchar('=');
	print_amount(limit.soft, "");
	putchar('/');
	print_amount(limit.hard, "");
}

static void print_json_limit(const struct value *value)
{
	struct task_diag_limit limit = {};

	copy_struct(&limit, sizeof(limit), value);
	printf("{\"name\":\"");
	print_limit_name(value->index);
	printf("\",\"soft\":");
	print_amount(limit.soft, "\"");
	printf(",\"hard\":");
	print_amount(limit.hard, "\"");
	putchar('}');
}

/* --- the tables -------------------------------------------------------- */

#define MEMBER(_struct, _field)	(((struct task_diag_##_struct *)0)->_field)
#define FIELD(_struct, _field, _format)					\
	{								\
		.name = #_field,					\
		.offset = offsetof(struct task_diag_##_struct, _field),	\
		.size = sizeof(MEMBER(_struct, _field)),		\
		.format = _format,					\
	}
/* All signed fields have 32 bits. */
#define SIGNED(_struct, _field)						\
	{								\
		.name = #_field,					\
		.offset = offsetof(struct task_diag_##_struct, _field),	\
		.size = sizeof(__s32),					\
		.is_signed = true,					\
	}

static const struct field base_fields[] = {
	FIELD(base, tgid, DECIMAL),
	FIELD(base, pid, DECIMAL),
	FIELD(base, ppid, DECIMAL),
	FIELD(base, tpid, DECIMAL),
	FIELD(base, sid, DECIMAL),
	FIELD(base, pgid, DECIMAL),
	FIELD(base, state, TEXT),
	FIELD(base, comm, TEXT),
	{}
};

static const struct field cred_fields[] = {
	FIELD(cred, uid, DECIMAL),
	FIELD(cred, euid, DECIMAL),
	FIELD(cred, suid, DECIMAL),
	FIELD(cred, fsuid, DECIMAL),
	FIELD(cred, gid, DECIMAL),
	FIELD(cred, egid, DECIMAL),
	FIELD(cred, sgid, DECIMAL),
	FIELD(cred, fsgid, DECIMAL),
	FIELD(cred, loginuid, DECIMAL),
	FIELD(cred, sessionid, DECIMAL),
	FIELD(cred, cap_inheritable, MASK),
	FIELD(cred, cap_permitted, MASK),
	FIELD(cred, cap_effective, MASK),
	FIELD(cred, cap_bounding, MASK),
	FIELD(cred, cap_ambient, MASK),
	FIELD(cred, seccomp_filters, DECIMAL),
	FIELD(cred, seccomp, DECIMAL),
	FIELD(cred, no_new_privs, DECIMAL),
	{}
};

static const struct field times_fields[] = {
	FIELD(times, utime, DECIMAL),
	FIELD(times, stime, DECIMAL),
	FIELD(times, cutime, DECIMAL),
	FIELD(times, cstime, DECIMAL),
	FIELD(times, gtime, DECIMAL),
	FIELD(times, cgtime, DECIMAL),
	FIELD(times, start_time, DECIMAL),
	FIELD(times, min_flt, DECIMAL),
	FIELD(times, cmin_flt, DECIMAL),
	FIELD(times, maj_flt, DECIMAL),
	FIELD(times, cmaj_flt, DECIMAL),
	{}
};

static const struct field sched_fields[] = {
	FIELD(sched, run_time, DECIMAL),
	FIELD(sched, run_delay, DECIMAL),
	FIELD(sched, pcount, DECIMAL),
	FIELD(sched, nvcsw, DECIMAL),
	FIELD(sched, nivcsw, DECIMAL),
	SIGNED(sched, prio),
	SIGNED(sched, nice),
	FIELD(sched, policy, DECIMAL),
	FIELD(sched, rt_priority, DECIMAL),
	FIELD(sched, cpu, DECIMAL),
	FIELD(sched, nr_threads, DECIMAL),
	FIELD(sched, flags, HEX),
	SIGNED(sched, exit_signal),
	{}
};

static const struct field mem_fields[] = {
	FIELD(mem, total_vm, DECIMAL),
	FIELD(mem, hiwater_vm, DECIMAL),
	FIELD(mem, hiwater_rss, DECIMAL),
	FIELD(mem, rss_anon, DECIMAL),
	FIELD(mem, rss_file, DECIMAL),
	FIELD(mem, rss_shmem, DECIMAL),
	FIELD(mem, data, DECIMAL),
	FIELD(mem, stack, DECIMAL),
	FIELD(mem, text, DECIMAL),
	FIELD(mem, lib, DECIMAL),
	FIELD(mem, locked, DECIMAL),
	FIELD(mem, pinned, DECIMAL),
	FIELD(mem, pgtables, DECIMAL),
	FIELD(mem, swap, DECIMAL),
	FIELD(mem, hugetlb, DECIMAL),
	{}
};

static const struct field signal_fields[] = {
	FIELD(signal, pending, MASK),
	FIELD(signal, shared_pending, MASK),
	FIELD(signal, blocked, MASK),
	FIELD(signal, ignored, MASK),
	FIELD(signal, caught, MASK),
	FIELD(signal, queued, DECIMAL),
	FIELD(signal, queue_limit, DECIMAL),
	FIELD(signal, tty_nr, DECIMAL),
	SIGNED(signal, tty_pgrp),
	{}
};

static const struct field io_fields[] = {
	FIELD(io, rchar, DECIMAL),
	FIELD(io, wchar, DECIMAL),
	FIELD(io, syscr, DECIMAL),
	FIELD(io, syscw, DECIMAL),
	FIELD(io, read_bytes, DECIMAL),
	FIELD(io, write_bytes, DECIMAL),
	FIELD(io, cancelled_write_bytes, DECIMAL),
	{}
};

static const struct field nspid_fields[] = {
	FIELD(nspid, pid, DECIMAL),
	FIELD(nspid, tgid, DECIMAL),
	FIELD(nspid, pgid, DECIMAL),
	FIELD(nspid, sid, DECIMAL),
	{}
};

static const struct field oom_fields[] = {
	FIELD(oom, oom_score, DECIMAL),
	SIGNED(oom, oom_score_adj),
	{}
};

static const struct field fd_fields[] = {
	FIELD(fd, open_fds, DECIMAL),
	FIELD(fd, max_fds, DECIMAL),
	{}
};

#define STRUCT(_attr, _name, _fields)					\
	{								\
		.attr = _attr,						\
		.name = _name,						\
		.print = print_fields,					\
		.print_json = print_json_fields,			\
		.fields = _fields,					\
	}
#define LIST(_attr, _name, _element, _element_json, _fields)		\
	{								\
		.attr = _attr,						\
		.name = _name,						\
		.print = print_list,					\
		.print_json = print_json_list,				\
		.fields = _fields,					\
		.element = _element,					\
		.element_json = _element_json,				\
	}
#define BYTES(_attr, _name, _print, _print_json)			\
	{								\
		.attr = _attr,						\
		.name = _name,						\
		.print = _print,					\
		.print_json = _print_json,				\
	}

static const struct group groups[] = {
	{
		.attr = TASK_DIAG_BASE,
		.name = "base",
		.print = print_base_value,
		.print_json = print_json_fields,
		.fields = base_fields,
	},
	STRUCT(TASK_DIAG_CRED, "cred", cred_fields),
	BYTES(TASK_DIAG_CMDLINE, "cmdline", print_strings, print_json_strings),
	STRUCT(TASK_DIAG_TIMES, "times", times_fields),
	STRUCT(TASK_DIAG_SCHED, "sched", sched_fields),
	STRUCT(TASK_DIAG_MEM, "mem", mem_fields),
	STRUCT(TASK_DIAG_SIGNAL, "signal", signal_fields),
	LIST(TASK_DIAG_GROUPS, "groups", print_gid, print_gid, NULL),
	STRUCT(TASK_DIAG_IO, "io", io_fields),
	BYTES(TASK_DIAG_NAME, "name", print_text, print_json_text),
	{
		.attr = TASK_DIAG_CGROUP,
		.name = "cgroup",
		.print = print_cgroup,
		.print_json = print_json_cgroup,
		.join = join_cgroup,
	},
	LIST(TASK_DIAG_NS, "ns", print_ns, print_json_ns, NULL),
	LIST(TASK_DIAG_NSPID, "nspid", print_fields, print_json_fields, nspid_fields),
	BYTES(TASK_DIAG_EXE, "exe", print_text, print_json_text),
	BYTES(TASK_DIAG_ENVIRON, "environ", print_strings, print_json_strings),
	STRUCT(TASK_DIAG_OOM, "oom", oom_fields),
	LIST(TASK_DIAG_LIMITS, "limits", print_limit, print_json_limit, NULL),
	STRUCT(TASK_DIAG_FD, "fd", fd_fields),
};

static const struct group unknown_group = {
	.print = print_hex,
	.print_json = print_json_hex,
};

/* --- for the tool ------------------------------------------------------ */

/**
 * add_bytes() - append bytes
 * @bytes: where to
 * @data: which ones
 * @len: how many
 */
void add_bytes(struct bytes *bytes, const void *data, size_t len)
{
	while (bytes->len + len > bytes->size) {
		bytes->size = bytes->size ? 2 * bytes->size : 256;
		bytes->data = realloc(bytes->data, bytes->size);
		if (!bytes->data) {
			perror("realloc");
			exit(1);
		}
	}
	if (len)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

static const struct group *group(unsigned int attr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (groups[i].attr == attr)
			return &groups[i];
	}
	return &unknown_group;
}

/**
 * group_name() - the name of a group of properties
 * @attr: its attribute
 *
 * Return: the name, until the next call.
 */
const char *group_name(unsigned int attr)
{
	static char number[32];

	if (group(attr)->name)
		return group(attr)->name;
	snprintf(number, sizeof(number), "attr%u", attr);
	return number;
}

/**
 * find_group() - find a group of properties by its name
 * @name: the name
 * @attr: set to its attribute
 *
 * Return: whether there is one of that name.
 */
bool find_group(const char *name, unsigned int *attr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!strcmp(groups[i].name, name)) {
			*attr = groups[i].attr;
			return true;
		}
	}
	return false;
}

/**
 * print_group_names() - print the names of all groups, with commas
 * @to: where
 * @indent: what lines begin with
 */
void print_group_names(FILE *to, const char *indent)
{
	const size_t per_line = 9;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		fprintf(to, "%s%s%s", i % per_line ? " " : indent, groups[i].name,
			i + 1 == ARRAY_SIZE(groups) ? "\n" : ",");
		if (i % per_line == per_line - 1 && i + 1 < ARRAY_SIZE(groups))
			putc('\n', to);
	}
}

/**
 * join_group() - join an attribute to those of the same task and group before
 * @attr: the group's attribute
 * @joined: what was joined so far
 * @data: payload of the attribute
 * @len: its length
 * @size: size of the group's struct, as the kernel's header tells it
 */
void join_group(unsigned int attr, struct bytes *joined, const void *data,
		size_t len, size_t size)
{
	if (group(attr)->join)
		group(attr)->join(joined, data, len, size);
	else
		add_bytes(joined, data, len);
}

static struct value make_value(unsigned int attr, const struct bytes *joined,
			       size_t size)
{
	return (struct value) {
		.group = group(attr),
		.data = joined->data,
		.len = joined->len,
		.size = size,
	};
}

/**
 * print_group() - print the value of a group for people
 * @attr: the group's attribute
 * @joined: the value
 * @size: size of the group's struct, as the kernel's header tells it
 */
void print_group(unsigned int attr, const struct bytes *joined, size_t size)
{
	struct value value = make_value(attr, joined, size);

	value.group->print(&value);
}

/**
 * print_json_group() - print the value of a group as JSON
 * @attr: the group's attribute
 * @joined: the value
 * @size: size of the group's struct, as the kernel's header tells it
 */
void print_json_group(unsigned int attr, const struct bytes *joined,
		      size_t size)
{
	struct value value = make_value(attr, joined, size);

	value.group->print_json(&value);
}
