// SPDX-License-Identifier: GPL-2.0
#include <libtask_diag.h>
#include <linux/sched.h>
#include <linux/taskstats.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "groups_print.h"
#include "output.h"

struct value;
typedef void (*print_fn)(const struct value *value);

/**
 * enum format - the type of a field, and how to show it
 * @U8: a number
 * @S8: a number
 * @U16: a number
 * @U32: a number
 * @S32: a number
 * @U64: a number
 * @S64: a number
 * @OCT32: a number, as text in octal
 * @HEX32: a number, as text in hexadecimal
 * @HEX64: 16 hexadecimal digits, as /proc/PID/status shows masks; in JSON as a
 *	string, as many readers of JSON take no numbers of 64 bits
 * @VMA_FLAGS: enum task_diag_vma_flag, as /proc/PID/maps shows them
 * @FILE_KIND: enum task_diag_file_kind, by name
 * @TEXT1: a string of one byte
 * @TEXT16: a string of 16 bytes, filled up with zero bytes
 * @TEXT32: a string of 32 bytes, filled up with zero bytes
 * @TEXT128: a string of 128 bytes, filled up with zero bytes
 * @INNER: a struct, whose fields follow as if they were the outer one's
 */
enum format {
	U8, S8, U16, U32, S32, U64, S64, OCT32, HEX32, HEX64, VMA_FLAGS, FILE_KIND,
	TEXT1, TEXT16, TEXT32, TEXT128, INNER
};

static const size_t format_size[] = {
	[U8] = 1,
	[S8] = 1,
	[U16] = 2,
	[U32] = 4,
	[S32] = 4,
	[U64] = 8,
	[S64] = 8,
	[OCT32] = 4,
	[HEX32] = 4,
	[HEX64] = 8,
	[VMA_FLAGS] = 4,
	[FILE_KIND] = 4,
	[TEXT1] = 1,
	[TEXT16] = 16,
	[TEXT32] = 32,
	[TEXT128] = 128,
	/* Its fields are looked at one by one. */
	[INNER] = 0,
};

/**
 * struct field - a field of a struct
 * @name: its name
 * @offset: where in the struct it is
 * @format: what it is
 * @inner: %INNER: its fields, like @fields of &struct group
 */
struct field {
	const char *name;
	size_t offset;
	enum format format;
	const struct field *inner;
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
 * @text: of a list: what to call the text of an element, if there is one
 * @unpack: of a list: puts what follows an element's struct after it, for @fields
 */
struct group {
	unsigned int attr;
	const char *name;
	print_fn print;
	print_fn print_json;
	const struct field *fields;
	print_fn element;
	print_fn element_json;
	const char *text;
	void (*unpack)(void *data, const struct td_item *item);
};

/**
 * struct value - the value of a group, or one element of a list
 * @task: whose
 * @attr: the group's attribute
 * @group: what is known of it
 * @data: what the kernel gave, of an element its struct and zeroes after it
 * @len: how much that is: less or more than the struct known here, if the
 *	kernel is older or newer
 * @text: the text of an element
 * @text_len: its length
 */
struct value {
	const struct td_task *task;
	unsigned int attr;
	const struct group *group;
	const char *data;
	size_t len;
	const char *text;
	size_t text_len;
};

/* Room for the struct of an element, and for what @unpack puts after it */
#define ELEMENT_SIZE	1024

/* --- structs ----------------------------------------------------------- */

/* After a text nothing is aligned. */
static __u16 u16_at(const char *at)
{
	__u16 n;

	memcpy(&n, at, sizeof(n));
	return n;
}

static __u32 u32_at(const char *at)
{
	__u32 n;

	memcpy(&n, at, sizeof(n));
	return n;
}

static unsigned long long u64_at(const char *at)
{
	__u64 n;

	memcpy(&n, at, sizeof(n));
	return n;
}

static void print_number(const char *at, enum format format)
{
	switch (format) {
	case U8:
		printf("%u", (unsigned char)*at);
		break;
	case S8:
		printf("%d", (signed char)*at);
		break;
	case U16:
		printf("%u", u16_at(at));
		break;
	case S32:
		printf("%d", (int)u32_at(at));
		break;
	case U64:
		printf("%llu", u64_at(at));
		break;
	case S64:
		printf("%lld", (long long)u64_at(at));
		break;
	default:
		printf("%u", u32_at(at));
	}
}

static void print_vma_flags(__u32 flags)
{
	putchar(flags & TASK_DIAG_VMA_READ ? 'r' : '-');
	putchar(flags & TASK_DIAG_VMA_WRITE ? 'w' : '-');
	putchar(flags & TASK_DIAG_VMA_EXEC ? 'x' : '-');
	putchar(flags & TASK_DIAG_VMA_SHARED ? 's' : 'p');
}

static const char *file_kind_name(__u32 kind);

typedef void (*field_fn)(const struct field *field, const char *at);

static void print_field(const struct field *field, const char *at)
{
	const size_t size = format_size[field->format];

	printf("%s=", field->name);
	switch (field->format) {
	case OCT32:
		printf("%04o", u32_at(at));
		break;
	case HEX32:
		printf("0x%x", u32_at(at));
		break;
	case HEX64:
		printf("%016llx", u64_at(at));
		break;
	case VMA_FLAGS:
		print_vma_flags(u32_at(at));
		break;
	case FILE_KIND:
		printf("%s", file_kind_name(u32_at(at)));
		break;
	case TEXT1:
	case TEXT16:
	case TEXT32:
	case TEXT128:
		print_escaped(at, strnlen(at, size), 0);
		break;
	default:
		print_number(at, field->format);
	}
}

static void print_json_field(const struct field *field, const char *at)
{
	const size_t size = format_size[field->format];

	printf("\"%s\":", field->name);
	switch (field->format) {
	case HEX64:
		printf("\"%016llx\"", u64_at(at));
		break;
	case VMA_FLAGS:
		putchar('"');
		print_vma_flags(u32_at(at));
		putchar('"');
		break;
	case FILE_KIND:
		printf("\"%s\"", file_kind_name(u32_at(at)));
		break;
	case TEXT1:
	case TEXT16:
	case TEXT32:
	case TEXT128:
		print_json_string(at, strnlen(at, size));
		break;
	default:
		print_number(at, field->format);
	}
}

/*
 * Calls @fn for each field that is there, in the struct at @offset. The first
 * field of all is at 0.
 */
static void walk_fields(const struct value *value, const struct field *field,
			size_t offset, field_fn fn, const char *separator)
{
	size_t at;

	for (; field->name; field++) {
		at = offset + field->offset;
		if (at + format_size[field->format] > value->len)
			return;
		if (field->format == INNER) {
			walk_fields(value, field->inner, at, fn, separator);
			continue;
		}
		if (at)
			fputs(separator, stdout);
		fn(field, value->data + at);
	}
}

static void print_fields(const struct value *value)
{
	walk_fields(value, value->group->fields, 0, print_field, " ");
}

static void print_json_fields(const struct value *value)
{
	putchar('{');
	walk_fields(value, value->group->fields, 0, print_json_field, ",");
	putchar('}');
}

static void print_base_value(const struct value *value)
{
	struct task_diag_base base;

	td_group(value->task, TASK_DIAG_BASE, &base, sizeof(base));
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

/* Of a group that is not known here: it may be a list. */
static void print_hex(const struct value *value)
{
	struct td_item item = {};
	size_t i;

	while (td_item(value->task, value->attr, &item, NULL, 0) > 0) {
		for (i = 0; i < item.len; i++)
			printf("%02x", (unsigned char)item.data[i]);
	}
}

static void print_json_hex(const struct value *value)
{
	putchar('"');
	print_hex(value);
	putchar('"');
}

/* --- a struct with a text ----------------------------------------------- */

static void print_cgroup(const struct value *value)
{
	struct task_diag_cgroup cgroup;

	td_group(value->task, TASK_DIAG_CGROUP, &cgroup, sizeof(cgroup));
	printf("id=%llu path=", (unsigned long long)cgroup.id);
	print_escaped(value->data, value->len, 0);
}

static void print_json_cgroup(const struct value *value)
{
	struct task_diag_cgroup cgroup;

	td_group(value->task, TASK_DIAG_CGROUP, &cgroup, sizeof(cgroup));
	printf("{\"id\":%llu,\"path\":", (unsigned long long)cgroup.id);
	print_json_string(value->data, value->len);
	putchar('}');
}

static void print_json_named(const struct value *value)
{
	putchar('{');
	walk_fields(value, value->group->fields, 0, print_json_field, ",");
	printf(",\"%s\":", value->group->text);
	print_json_string(value->text, value->text_len);
	putchar('}');
}

/* A line of /proc/PID/maps */
static void print_vma(const struct value *value)
{
	struct task_diag_vma vma;

	memcpy(&vma, value->data, sizeof(vma));
	printf("%08llx-%08llx ", (unsigned long long)vma.start,
	       (unsigned long long)vma.end);
	print_vma_flags(vma.flags);
	printf(" %08llx %02x:%02x %llu ", (unsigned long long)vma.pgoff,
	       vma.dev_major, vma.dev_minor, (unsigned long long)vma.ino);
	print_escaped(value->text, value->text_len, 0);
}

/* --- VMA_STAT ---------------------------------------------------------- */

/* All that is in an element, in one struct; what is not there is zero. */
struct vma_stat {
	struct task_diag_vma_stat stat;
	struct task_diag_pages pages;
	char vm_flags[128];
};

static void unpack_vma_stat(void *data, const struct td_item *item)
{
	struct vma_stat *all = data;
	size_t len = item->text_len;

	td_pages(item, &all->pages, sizeof(all->pages));
	if (len > sizeof(all->vm_flags))
		len = sizeof(all->vm_flags);
	memset(all->vm_flags, 0, sizeof(all->vm_flags));
	memcpy(all->vm_flags, item->text, len);
}

/* --- FILES and AFFINITY ------------------------------------------------- */

static void print_file(const struct value *value)
{
	struct task_diag_file file;

	memcpy(&file, value->data, sizeof(file));
	printf("%u %s %u:%u %llu %lld 0%o", file.fd, file_kind_name(file.kind),
	       file.dev_major, file.dev_minor, (unsigned long long)file.ino,
	       (long long)file.pos, file.flags);
	if (!value->text_len)
		return;
	putchar(' ');
	print_escaped(value->text, value->text_len, 0);
}

typedef int (*get_mask_fn)(const struct td_task *task, __u32 *mask, size_t nr);

/* As the lines of /proc/PID/status that end in _list */
static void print_bits(const struct td_task *task, get_mask_fn get)
{
	const int bits = get(task, NULL, 0);
	__u32 mask[bits > 0 ? bits / 32 + 1 : 1];
	const char *separator = "";
	int first, bit;

	get(task, mask, ARRAY_SIZE(mask));
	for (bit = 0; bit < bits; bit++) {
		if (!(mask[bit / 32] >> bit % 32 & 1))
			continue;
		first = bit;
		while (bit + 1 < bits && mask[(bit + 1) / 32] >> (bit + 1) % 32 & 1)
			bit++;
		printf("%s%d", separator, first);
		if (bit > first)
			printf("-%d", bit);
		separator = ",";
	}
}

static void print_affinity_as(const struct td_task *task,
			      const char *const format[4])
{
	fputs(format[0], stdout);
	print_bits(task, td_cpus);
	fputs(format[1], stdout);
	if (td_mems(task, NULL, 0) > 0) {
		fputs(format[2], stdout);
		print_bits(task, td_mems);
		fputs(format[1], stdout);
	}
	fputs(format[3], stdout);
}

static void print_affinity(const struct value *value)
{
	static const char *const format[] = { "cpus=", "", " mems=", "" };

	print_affinity_as(value->task, format);
}

static void print_json_affinity(const struct value *value)
{
	static const char *const format[] = {
		"{\"cpus\":\"", "\"", ",\"mems\":\"", "}"
	};

	print_affinity_as(value->task, format);
}

/* --- lists ------------------------------------------------------------- */

static void walk_list(const struct value *list, print_fn element,
		      const char *separator)
{
	__u64 data[ELEMENT_SIZE / sizeof(__u64)];
	const struct group *group = list->group;
	struct value value = *list;
	const char *between = "";
	struct td_item item = {};

	value.data = (const char *)data;
	value.len = sizeof(data);
	while (td_item(list->task, group->attr, &item, data, sizeof(data)) > 0) {
		if (group->unpack)
			group->unpack(data, &item);
		value.text = item.text;
		value.text_len = item.text_len;
		fputs(between, stdout);
		element(&value);
		between = separator;
	}
}

static void print_list(const struct value *value)
{
	walk_list(value, value->group->element, ", ");
}

/* Elements that have a line each */
static void print_list_lines(const struct value *value)
{
	printf("\n\t");
	walk_list(value, value->group->element, "\n\t");
}

static void print_json_list(const struct value *value)
{
	putchar('[');
	walk_list(value, value->group->element_json, ",");
	putchar(']');
}

static void print_gids_as(const struct value *value, const char *separator)
{
	const __u32 *gids;
	size_t nr, i;

	td_gids(value->task, &gids, &nr);
	for (i = 0; i < nr; i++)
		printf("%s%u", i ? separator : "", gids[i]);
}

static void print_gids(const struct value *value)
{
	print_gids_as(value, ", ");
}

static void print_json_gids(const struct value *value)
{
	putchar('[');
	print_gids_as(value, ",");
	putchar(']');
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
	struct task_diag_ns ns;

	memcpy(&ns, value->data, sizeof(ns));
	print_ns_name(&ns);
	printf(":[%llu]", (unsigned long long)ns.ino);
}

static void print_json_ns(const struct value *value)
{
	struct task_diag_ns ns;

	memcpy(&ns, value->data, sizeof(ns));
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
	struct task_diag_limit limit;

	memcpy(&limit, value->data, sizeof(limit));
	print_limit_name(limit.resource);
	putchar('=');
	print_amount(limit.soft, "");
	putchar('/');
	print_amount(limit.hard, "");
}

static void print_json_limit(const struct value *value)
{
	struct task_diag_limit limit;

	memcpy(&limit, value->data, sizeof(limit));
	printf("{\"name\":\"");
	print_limit_name(limit.resource);
	printf("\",\"soft\":");
	print_amount(limit.soft, "\"");
	printf(",\"hard\":");
	print_amount(limit.hard, "\"");
	putchar('}');
}

/* --- the tables -------------------------------------------------------- */

#define FIELD(_struct, _field, _format)					\
	{								\
		.name = #_field,					\
		.offset = offsetof(struct task_diag_##_struct, _field),	\
		.format = _format,					\
	}

static const struct field base_fields[] = {
	FIELD(base, tgid, U32),
	FIELD(base, pid, U32),
	FIELD(base, ppid, U32),
	FIELD(base, tpid, U32),
	FIELD(base, sid, U32),
	FIELD(base, pgid, U32),
	FIELD(base, state, TEXT1),
	FIELD(base, comm, TEXT16),
	FIELD(base, id, U64),
	{}
};

static const struct field cred_fields[] = {
	FIELD(cred, uid, U32),
	FIELD(cred, euid, U32),
	FIELD(cred, suid, U32),
	FIELD(cred, fsuid, U32),
	FIELD(cred, gid, U32),
	FIELD(cred, egid, U32),
	FIELD(cred, sgid, U32),
	FIELD(cred, fsgid, U32),
	FIELD(cred, loginuid, U32),
	FIELD(cred, sessionid, U32),
	FIELD(cred, cap_inheritable, HEX64),
	FIELD(cred, cap_permitted, HEX64),
	FIELD(cred, cap_effective, HEX64),
	FIELD(cred, cap_bounding, HEX64),
	FIELD(cred, cap_ambient, HEX64),
	FIELD(cred, seccomp_filters, U32),
	FIELD(cred, seccomp, U8),
	FIELD(cred, no_new_privs, U8),
	{}
};

#define STAT(_field, _format)						\
	{								\
		.name = #_field,					\
		.offset = offsetof(struct taskstats, _field),		\
		.format = _format,					\
	}

#define STAT_TIME(_field, _part)					\
	{								\
		.name = #_field "_" #_part,				\
		.offset = offsetof(struct taskstats, _field._part),	\
		.format = S64,						\
	}

static const struct field stat_fields[] = {
	STAT(version, U16),
	STAT(ac_exitcode, U32),
	STAT(ac_flag, U8),
	STAT(ac_nice, S8),
	STAT(cpu_count, U64),
	STAT(cpu_delay_total, U64),
	STAT(blkio_count, U64),
	STAT(blkio_delay_total, U64),
	STAT(swapin_count, U64),
	STAT(swapin_delay_total, U64),
	STAT(cpu_run_real_total, U64),
	STAT(cpu_run_virtual_total, U64),
	STAT(ac_comm, TEXT32),
	STAT(ac_sched, U8),
	STAT(ac_uid, U32),
	STAT(ac_gid, U32),
	STAT(ac_pid, U32),
	STAT(ac_ppid, U32),
	STAT(ac_btime, U32),
	STAT(ac_etime, U64),
	STAT(ac_utime, U64),
	STAT(ac_stime, U64),
	STAT(ac_minflt, U64),
	STAT(ac_majflt, U64),
	STAT(coremem, U64),
	STAT(virtmem, U64),
	STAT(hiwater_rss, U64),
	STAT(hiwater_vm, U64),
	STAT(read_char, U64),
	STAT(write_char, U64),
	STAT(read_syscalls, U64),
	STAT(write_syscalls, U64),
	STAT(read_bytes, U64),
	STAT(write_bytes, U64),
	STAT(cancelled_write_bytes, U64),
	STAT(nvcsw, U64),
	STAT(nivcsw, U64),
	STAT(ac_utimescaled, U64),
	STAT(ac_stimescaled, U64),
	STAT(cpu_scaled_run_real_total, U64),
	STAT(freepages_count, U64),
	STAT(freepages_delay_total, U64),
	STAT(thrashing_count, U64),
	STAT(thrashing_delay_total, U64),
	STAT(ac_btime64, U64),
	STAT(compact_count, U64),
	STAT(compact_delay_total, U64),
	STAT(ac_tgid, U32),
	STAT(ac_tgetime, U64),
	STAT(ac_exe_dev, U64),
	STAT(ac_exe_inode, U64),
	STAT(wpcopy_count, U64),
	STAT(wpcopy_delay_total, U64),
	STAT(irq_count, U64),
	STAT(irq_delay_total, U64),
	STAT(cpu_delay_max, U64),
	STAT(cpu_delay_min, U64),
	STAT(blkio_delay_max, U64),
	STAT(blkio_delay_min, U64),
	STAT(swapin_delay_max, U64),
	STAT(swapin_delay_min, U64),
	STAT(freepages_delay_max, U64),
	STAT(freepages_delay_min, U64),
	STAT(thrashing_delay_max, U64),
	STAT(thrashing_delay_min, U64),
	STAT(compact_delay_max, U64),
	STAT(compact_delay_min, U64),
	STAT(wpcopy_delay_max, U64),
	STAT(wpcopy_delay_min, U64),
	STAT(irq_delay_max, U64),
	STAT(irq_delay_min, U64),
	STAT_TIME(cpu_delay_max_ts, tv_sec),
	STAT_TIME(cpu_delay_max_ts, tv_nsec),
	STAT_TIME(blkio_delay_max_ts, tv_sec),
	STAT_TIME(blkio_delay_max_ts, tv_nsec),
	STAT_TIME(swapin_delay_max_ts, tv_sec),
	STAT_TIME(swapin_delay_max_ts, tv_nsec),
	STAT_TIME(freepages_delay_max_ts, tv_sec),
	STAT_TIME(freepages_delay_max_ts, tv_nsec),
	STAT_TIME(thrashing_delay_max_ts, tv_sec),
	STAT_TIME(thrashing_delay_max_ts, tv_nsec),
	STAT_TIME(compact_delay_max_ts, tv_sec),
	STAT_TIME(compact_delay_max_ts, tv_nsec),
	STAT_TIME(wpcopy_delay_max_ts, tv_sec),
	STAT_TIME(wpcopy_delay_max_ts, tv_nsec),
	STAT_TIME(irq_delay_max_ts, tv_sec),
	STAT_TIME(irq_delay_max_ts, tv_nsec),
	{}
};

static const struct field vma_fields[] = {
	FIELD(vma, start, HEX64),
	FIELD(vma, end, HEX64),
	FIELD(vma, pgoff, U64),
	FIELD(vma, ino, U64),
	FIELD(vma, dev_major, U32),
	FIELD(vma, dev_minor, U32),
	FIELD(vma, generation, U32),
	FIELD(vma, flags, VMA_FLAGS),
	{}
};

static const struct field pages_fields[] = {
	FIELD(pages, rss, U64),
	FIELD(pages, pss, U64),
	FIELD(pages, pss_dirty, U64),
	FIELD(pages, pss_anon, U64),
	FIELD(pages, pss_file, U64),
	FIELD(pages, pss_shmem, U64),
	FIELD(pages, pss_locked, U64),
	FIELD(pages, shared_clean, U64),
	FIELD(pages, shared_dirty, U64),
	FIELD(pages, private_clean, U64),
	FIELD(pages, private_dirty, U64),
	FIELD(pages, referenced, U64),
	FIELD(pages, anonymous, U64),
	FIELD(pages, ksm, U64),
	FIELD(pages, lazyfree, U64),
	FIELD(pages, anon_huge, U64),
	FIELD(pages, shmem_huge, U64),
	FIELD(pages, file_huge, U64),
	FIELD(pages, shared_hugetlb, U64),
	FIELD(pages, private_hugetlb, U64),
	FIELD(pages, swap, U64),
	FIELD(pages, swap_pss, U64),
	{}
};

#define STAT_FIELD(_field, _format)					\
	{								\
		.name = #_field,					\
		.offset = offsetof(struct vma_stat, stat._field),	\
		.format = _format,					\
	}

static const struct field vma_stat_fields[] = {
	STAT_FIELD(start, HEX64),
	STAT_FIELD(end, HEX64),
	STAT_FIELD(kernel_page_size, U64),
	STAT_FIELD(mmu_page_size, U64),
	STAT_FIELD(thp_eligible, U32),
	STAT_FIELD(protection_key, U32),
	{ "vm_flags", offsetof(struct vma_stat, vm_flags), TEXT128, NULL },
	{ "pages", offsetof(struct vma_stat, pages), INNER, pages_fields },
	{}
};

static const struct field times_fields[] = {
	FIELD(times, utime, U64),
	FIELD(times, stime, U64),
	FIELD(times, cutime, U64),
	FIELD(times, cstime, U64),
	FIELD(times, gtime, U64),
	FIELD(times, cgtime, U64),
	FIELD(times, start_time, U64),
	FIELD(times, min_flt, U64),
	FIELD(times, cmin_flt, U64),
	FIELD(times, maj_flt, U64),
	FIELD(times, cmaj_flt, U64),
	{}
};

static const struct field sched_fields[] = {
	FIELD(sched, run_time, U64),
	FIELD(sched, run_delay, U64),
	FIELD(sched, pcount, U64),
	FIELD(sched, nvcsw, U64),
	FIELD(sched, nivcsw, U64),
	FIELD(sched, prio, S32),
	FIELD(sched, nice, S32),
	FIELD(sched, policy, U32),
	FIELD(sched, rt_priority, U32),
	FIELD(sched, cpu, U32),
	FIELD(sched, nr_threads, U32),
	FIELD(sched, flags, HEX32),
	FIELD(sched, exit_signal, S32),
	FIELD(sched, numa_group, U32),
	{}
};

static const struct field mem_fields[] = {
	FIELD(mem, total_vm, U64),
	FIELD(mem, hiwater_vm, U64),
	FIELD(mem, hiwater_rss, U64),
	FIELD(mem, rss_anon, U64),
	FIELD(mem, rss_file, U64),
	FIELD(mem, rss_shmem, U64),
	FIELD(mem, data, U64),
	FIELD(mem, stack, U64),
	FIELD(mem, text, U64),
	FIELD(mem, lib, U64),
	FIELD(mem, locked, U64),
	FIELD(mem, pinned, U64),
	FIELD(mem, pgtables, U64),
	FIELD(mem, swap, U64),
	FIELD(mem, hugetlb, U64),
	{}
};

static const struct field signal_fields[] = {
	FIELD(signal, pending, HEX64),
	FIELD(signal, shared_pending, HEX64),
	FIELD(signal, blocked, HEX64),
	FIELD(signal, ignored, HEX64),
	FIELD(signal, caught, HEX64),
	FIELD(signal, queued, U64),
	FIELD(signal, queue_limit, U64),
	FIELD(signal, tty_nr, U32),
	FIELD(signal, tty_pgrp, S32),
	FIELD(signal, exit_code, S32),
	FIELD(signal, core_dumping, U32),
	{}
};

static const struct field io_fields[] = {
	FIELD(io, rchar, U64),
	FIELD(io, wchar, U64),
	FIELD(io, syscr, U64),
	FIELD(io, syscw, U64),
	FIELD(io, read_bytes, U64),
	FIELD(io, write_bytes, U64),
	FIELD(io, cancelled_write_bytes, U64),
	{}
};

static const struct field nspid_fields[] = {
	FIELD(nspid, pid, U32),
	FIELD(nspid, tgid, U32),
	FIELD(nspid, pgid, U32),
	FIELD(nspid, sid, U32),
	{}
};

static const struct field oom_fields[] = {
	FIELD(oom, oom_score, U32),
	FIELD(oom, oom_score_adj, S32),
	{}
};

#define KIND(_name, _kind)						\
	{								\
		.name = _name,						\
		.offset = offsetof(struct task_diag_fd,			\
				   kinds[TASK_DIAG_FILE_##_kind]),	\
		.format = U32,						\
	}

/* After fd_fields, if they were asked for */
static const struct field kinds_fields[] = {
	KIND("other", OTHER),
	KIND("reg", REG),
	KIND("dir", DIR),
	KIND("chr", CHR),
	KIND("blk", BLK),
	KIND("fifo", FIFO),
	KIND("pipe", PIPE),
	KIND("socket", SOCKET),
	KIND("symlink", SYMLINK),
	KIND("memfd", MEMFD),
	KIND("eventfd", EVENTFD),
	KIND("epoll", EPOLL),
	KIND("signalfd", SIGNALFD),
	KIND("timerfd", TIMERFD),
	KIND("inotify", INOTIFY),
	KIND("fanotify", FANOTIFY),
	KIND("pidfd", PIDFD),
	KIND("ns", NS),
	KIND("io_uring", IO_URING),
	KIND("perf_event", PERF_EVENT),
	KIND("bpf", BPF),
	KIND("userfaultfd", USERFAULTFD),
	{}
};

static const struct field fd_fields[] = {
	FIELD(fd, open_fds, U32),
	FIELD(fd, max_fds, U32),
	FIELD(fd, umask, OCT32),
	{ "kinds", 0, INNER, kinds_fields },
	{}
};

static const struct field files_fields[] = {
	FIELD(file, ino, U64),
	FIELD(file, pos, S64),
	FIELD(file, fd, U32),
	FIELD(file, kind, FILE_KIND),
	FIELD(file, flags, OCT32),
	FIELD(file, mnt_id, U32),
	FIELD(file, dev_major, U32),
	FIELD(file, dev_minor, U32),
	FIELD(file, rdev_major, U32),
	FIELD(file, rdev_minor, U32),
	{}
};

static const struct field autogroup_fields[] = {
	FIELD(autogroup, id, U64),
	FIELD(autogroup, nice, S32),
	{}
};

static const struct field ioprio_fields[] = {
	FIELD(ioprio, ioprio, U32),
	{}
};

static const struct field mm_map_fields[] = {
	FIELD(mm_map, start_code, HEX64),
	FIELD(mm_map, end_code, HEX64),
	FIELD(mm_map, start_data, HEX64),
	FIELD(mm_map, end_data, HEX64),
	FIELD(mm_map, start_brk, HEX64),
	FIELD(mm_map, start_stack, HEX64),
	FIELD(mm_map, arg_start, HEX64),
	FIELD(mm_map, arg_end, HEX64),
	FIELD(mm_map, env_start, HEX64),
	FIELD(mm_map, env_end, HEX64),
	FIELD(mm_map, untag_mask, HEX64),
	FIELD(mm_map, thp_enabled, U32),
	{}
};

static const struct field mem_rollup_fields[] = {
	{ "pages", offsetof(struct task_diag_mem_rollup, pages), INNER, pages_fields },
	{}
};

static const char *file_kind_name(__u32 kind)
{
	static char number[32];

	if (kind < TASK_DIAG_FILE_KINDS)
		return kinds_fields[kind].name;
	snprintf(number, sizeof(number), "kind%u", kind);
	return number;
}

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
	STRUCT(TASK_DIAG_STAT, "stat", stat_fields),
	{
		.attr = TASK_DIAG_VMA,
		.name = "vma",
		.print = print_list_lines,
		.print_json = print_json_list,
		.fields = vma_fields,
		.element = print_vma,
		.element_json = print_json_named,
		.text = "name",
	},
	{
		.attr = TASK_DIAG_VMA_STAT,
		.name = "vma_stat",
		.print = print_list_lines,
		.print_json = print_json_list,
		.fields = vma_stat_fields,
		.element = print_fields,
		.element_json = print_json_fields,
		.unpack = unpack_vma_stat,
	},
	BYTES(TASK_DIAG_CMDLINE, "cmdline", print_strings, print_json_strings),
	STRUCT(TASK_DIAG_TIMES, "times", times_fields),
	STRUCT(TASK_DIAG_SCHED, "sched", sched_fields),
	STRUCT(TASK_DIAG_MEM, "mem", mem_fields),
	STRUCT(TASK_DIAG_SIGNAL, "signal", signal_fields),
	BYTES(TASK_DIAG_GROUPS, "groups", print_gids, print_json_gids),
	STRUCT(TASK_DIAG_IO, "io", io_fields),
	BYTES(TASK_DIAG_NAME, "name", print_text, print_json_text),
	BYTES(TASK_DIAG_CGROUP, "cgroup", print_cgroup, print_json_cgroup),
	LIST(TASK_DIAG_NS, "ns", print_ns, print_json_ns, NULL),
	LIST(TASK_DIAG_NSPID, "nspid", print_fields, print_json_fields, nspid_fields),
	BYTES(TASK_DIAG_EXE, "exe", print_text, print_json_text),
	BYTES(TASK_DIAG_ENVIRON, "environ", print_strings, print_json_strings),
	STRUCT(TASK_DIAG_OOM, "oom", oom_fields),
	LIST(TASK_DIAG_LIMITS, "limits", print_limit, print_json_limit, NULL),
	STRUCT(TASK_DIAG_FD, "fd", fd_fields),
	STRUCT(TASK_DIAG_MEM_ROLLUP, "mem_rollup", mem_rollup_fields),
	STRUCT(TASK_DIAG_MM_MAP, "mm_map", mm_map_fields),
	{
		.attr = TASK_DIAG_FILES,
		.name = "files",
		.print = print_list_lines,
		.print_json = print_json_list,
		.fields = files_fields,
		.element = print_file,
		.element_json = print_json_named,
		.text = "path",
	},
	BYTES(TASK_DIAG_LABEL, "label", print_strings, print_json_text),
	BYTES(TASK_DIAG_CWD, "cwd", print_text, print_json_text),
	BYTES(TASK_DIAG_ROOT, "root", print_text, print_json_text),
	BYTES(TASK_DIAG_WCHAN, "wchan", print_text, print_json_text),
	STRUCT(TASK_DIAG_AUTOGROUP, "autogroup", autogroup_fields),
	STRUCT(TASK_DIAG_IOPRIO, "ioprio", ioprio_fields),
	BYTES(TASK_DIAG_AFFINITY, "affinity", print_affinity, print_json_affinity),
};

static const struct group unknown_group = {
	.print = print_hex,
	.print_json = print_json_hex,
};

/* --- for the tool ------------------------------------------------------ */

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
	const size_t per_line = 8;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		fprintf(to, "%s%s%s", i % per_line ? " " : indent, groups[i].name,
			i + 1 == ARRAY_SIZE(groups) ? "\n" : ",");
		if (i % per_line == per_line - 1 && i + 1 < ARRAY_SIZE(groups))
			putc('\n', to);
	}
}

static struct value value_of(const struct td_task *task, unsigned int attr)
{
	struct value value = { .task = task, .group = group(attr), .attr = attr };

	/* Of a list there are none. */
	td_bytes(task, attr, &value.data, &value.len);
	return value;
}

/**
 * print_group() - print the value of a group for people
 * @task: a task that has it
 * @attr: the group's attribute
 */
void print_group(const struct td_task *task, unsigned int attr)
{
	struct value value = value_of(task, attr);

	value.group->print(&value);
}

/**
 * print_json_group() - print the value of a group as JSON
 * @task: a task that has it
 * @attr: the group's attribute
 */
void print_json_group(const struct td_task *task, unsigned int attr)
{
	struct value value = value_of(task, attr);

	value.group->print_json(&value);
}
