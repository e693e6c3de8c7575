// SPDX-License-Identifier: GPL-2.0
/* The procfs counterpart of each field of each group, and what differs from it */
#include "counterparts.h"

#include <linux/ioprio.h>
#include <sys/resource.h>

/* --- what procfs says -------------------------------------------------- */

enum file {
	NONE,			/* for padding, which is zero */
	STAT, STATUS, STATM, IO, LIMITS, SCHEDSTAT, OOM_SCORE, OOM_SCORE_ADJ,
	LOGINUID, SESSIONID, COMM, FD, LABEL, CWD, ROOT, WCHAN, AUTOGROUP,
	IOPRIO, CMDLINE, ENVIRON, NR_FILES
};

static const char * const file_names[NR_FILES] = {
	[CMDLINE] = "cmdline", [ENVIRON] = "environ", [STAT] = "stat",
	[STATUS] = "status", [STATM] = "statm", [IO] = "io",
	[LIMITS] = "limits", [SCHEDSTAT] = "schedstat",
	[OOM_SCORE] = "oom_score", [OOM_SCORE_ADJ] = "oom_score_adj",
	[LOGINUID] = "loginuid", [SESSIONID] = "sessionid", [COMM] = "comm",
	[FD] = "fd", [LABEL] = "attr/current", [CWD] = "cwd", [ROOT] = "root",
	[WCHAN] = "wchan", [AUTOGROUP] = "autogroup",
};

/* All that procfs says about a task; "" for what it does not say */
struct snap {
	char	*text[NR_FILES];
	size_t	len[NR_FILES];
};

/* The size of the directory fd is the number of open descriptors. */
static char *read_fd_size(const char *path, size_t *len)
{
	char *text = calloc(1, 24);
	struct stat st;

	td_must(text, "calloc");
	*len = 0;
	if (!stat(path, &st))
		*len = sprintf(text, "%llu\n", (unsigned long long)st.st_size);
	return text;
}

static char *read_whole_link(const char *path, size_t *len)
{
	char *text = calloc(1, PATH_MAX + 1);
	ssize_t got;

	td_must(text, "calloc");
	got = readlink(path, text, PATH_MAX);
	*len = got > 0 ? got : 0;
	return text;
}

/* No file shows it. */
static char *get_ioprio(__u32 pid, size_t *len)
{
	long ioprio = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid);
	char *text = calloc(1, 24);

	td_must(text, "calloc");
	*len = ioprio < 0 ? 0 : sprintf(text, "%ld\n", ioprio);
	return text;
}

static char *read_counterpart(enum file file, __u32 pid, __u32 tid,
			      size_t *len)
{
	char path[120];

	/* Threads have no file of their own for their process's autogroup. */
	if (tid && file != AUTOGROUP)
		snprintf(path, sizeof(path), "/proc/%u/task/%u/%s", pid, tid,
			 file_names[file] ?: "");
	else
		snprintf(path, sizeof(path), "/proc/%u/%s", pid,
			 file_names[file] ?: "");
	switch (file) {
	case FD:
		return read_fd_size(path, len);
	case CWD:
	case ROOT:
		return read_whole_link(path, len);
	case IOPRIO:
		return get_ioprio(tid ?: pid, len);
	default:
		return td_read_whole(path, len);
	}
}

/*
 * Of the thread @tid of @pid, or with 0 of the process. The files of groups that
 * are to fail, @failed, are not read: a debugging kernel complains when procfs
 * reads a page that userfaultfd is to fill.
 */
static struct snap take_snap(__u32 pid, __u32 tid, __u64 failed)
{
	struct snap snap = {};
	unsigned int i;

	/* First the last ones, which may touch the task's memory. */
	for (i = NR_FILES - 1; i > NONE; i--) {
		if ((i == CMDLINE && failed & BIT(CMDLINE)) ||
		    (i == ENVIRON && failed & BIT(ENVIRON)))
			snap.text[i] = calloc(1, 1);
		else
			snap.text[i] = read_counterpart(i, pid, tid, &snap.len[i]);
		td_must(snap.text[i], "calloc");
	}
	return snap;
}

static void free_snap(struct snap *snap)
{
	unsigned int i;

	for (i = 0; i < NR_FILES; i++)
		free(snap->text[i]);
}

static bool same_snap(const struct snap *a, const struct snap *b)
{
	unsigned int i;

	for (i = NONE + 1; i < NR_FILES; i++)
		if (a->len[i] != b->len[i] ||
		    memcmp(a->text[i], b->text[i], a->len[i]))
			return false;
	return true;
}

/* What follows @key at the start of a line */
static const char *after_key(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && strncmp(text, key, len)) {
		text = strchr(text, '\n');
		text += !!text;
	}
	return text ? text + len : NULL;
}

/* The @word'th word of a line, the first one being 1; NULL if it has fewer */
static const char *nth_word(const char *line, unsigned int word)
{
	static const char between[] = " \t:/";

	if (!line)
		return NULL;
	line += strspn(line, between);
	while (--word) {
		line += strcspn(line, " \t:/\n");
		line += strspn(line, between);
	}
	return *line && *line != '\n' ? line : NULL;
}

/* --- the table --------------------------------------------------------- */

enum unit {
	AS_IS, LETTER, HEX, OCTAL,
	TICKS,			/* here in nanoseconds */
	KIB, PAGES,		/* here in bytes */
};

/* What may happen to a field while the task runs */
enum change { FIXED, GROWS, MOVES };

/*
 * A field and the word of a file that it equals. @plus are the offsets of
 * fields of the same size that are to be added to it.
 */
struct field {
	const char	*name;
	__u16		attr;
	__u16		offset;
	__u16		size;
	__u16		plus[2];
	enum change	change;
	enum unit	unit;
	enum file	file;
	unsigned int	word;
	const char	*key;		/* what the line starts with, or NULL */
	bool		may_lack;	/* no line instead of 0 */
};

/* Of a struct's member, which comes last, as offsetof() has it */
#define PLACE(type, ...)					\
	.offset = offsetof(type, __VA_ARGS__),			\
	.size = sizeof(((type *)0)->__VA_ARGS__)
#define FIELD(group, type, field, how, ...)			\
	{							\
		.name = #group "." #field,			\
		.attr = TASK_DIAG_##group,			\
		PLACE(struct task_diag_##type, field),		\
		.change = how,					\
		__VA_ARGS__					\
	}
#define IN_STAT(n)	.file = STAT, .word = (n)
#define IN_STATUS(line, n) \
	.file = STATUS, .key = line ":", .word = (n)
#define IN_STATM(n)	.file = STATM, .word = (n), .unit = PAGES
#define IN_IO(line)	.file = IO, .key = line ":", .word = 1
#define IN_AUTOGROUP(n)	.file = AUTOGROUP, .key = "/autogroup-", .word = (n)
#define ONLY_WORD(name)	.file = name, .word = 1
#define AND(field)	offsetof(struct task_diag_mem, field)
#define PAD(group, type, field) \
	FIELD(group, type, field, FIXED, .file = NONE)

static const struct field fields[] = {
	FIELD(BASE, base, tgid, FIXED, IN_STATUS("Tgid", 1)),
	FIELD(BASE, base, pid, FIXED, IN_STATUS("Pid", 1)),
	FIELD(BASE, base, ppid, FIXED, IN_STATUS("PPid", 1)),
	FIELD(BASE, base, ppid, FIXED, IN_STAT(4)),
	FIELD(BASE, base, tpid, FIXED, IN_STATUS("TracerPid", 1)),
	FIELD(BASE, base, sid, FIXED, IN_STAT(6)),
	FIELD(BASE, base, pgid, FIXED, IN_STAT(5)),
	FIELD(BASE, base, state, MOVES, IN_STAT(3), .unit = LETTER),
	FIELD(BASE, base, state, MOVES, IN_STATUS("State", 1), .unit = LETTER),
	PAD(BASE, base, pad),
	PAD(BASE, base, pad2),
	/* BASE.comm, in check_name() */

	FIELD(CRED, cred, uid, FIXED, IN_STATUS("Uid", 1)),
	FIELD(CRED, cred, euid, FIXED, IN_STATUS("Uid", 2)),
	FIELD(CRED, cred, suid, FIXED, IN_STATUS("Uid", 3)),
	FIELD(CRED, cred, fsuid, FIXED, IN_STATUS("Uid", 4)),
	FIELD(CRED, cred, gid, FIXED, IN_STATUS("Gid", 1)),
	FIELD(CRED, cred, egid, FIXED, IN_STATUS("Gid", 2)),
	FIELD(CRED, cred, sgid, FIXED, IN_STATUS("Gid", 3)),
	FIELD(CRED, cred, fsgid, FIXED, IN_STATUS("Gid", 4)),
	FIELD(CRED, cred, loginuid, FIXED, ONLY_WORD(LOGINUID)),
	FIELD(CRED, cred, sessionid, FIXED, ONLY_WORD(SESSIONID)),
	FIELD(CRED, cred, cap_inheritable, FIXED, IN_STATUS("CapInh", 1),
	      .unit = HEX),
	FIELD(CRED, cred, cap_permitted, FIXED, IN_STATUS("CapPrm", 1),
	      .unit = HEX),
	FIELD(CRED, cred, cap_effective, FIXED, IN_STATUS("CapEff", 1),
	      .unit = HEX),
	FIELD(CRED, cred, cap_bounding, FIXED, IN_STATUS("CapBnd", 1),
	      .unit = HEX),
	FIELD(CRED, cred, cap_ambient, FIXED, IN_STATUS("CapAmb", 1),
	      .unit = HEX),
	FIELD(CRED, cred, seccomp_filters, FIXED,
	      IN_STATUS("Seccomp_filters", 1)),
	FIELD(CRED, cred, seccomp, FIXED, IN_STATUS("Seccomp", 1)),
	FIELD(CRED, cred, no_new_privs, FIXED, IN_STATUS("NoNewPrivs", 1)),
	PAD(CRED, cred, pad),

	FIELD(TIMES, times, utime, GROWS, IN_STAT(14), .unit = TICKS),
	FIELD(TIMES, times, stime, GROWS, IN_STAT(15), .unit = TICKS),
	FIELD(TIMES, times, cutime, GROWS, IN_STAT(16), .unit = TICKS),
	FIELD(TIMES, times, cstime, GROWS, IN_STAT(17), .unit = TICKS),
	FIELD(TIMES, times, gtime, GROWS, IN_STAT(43), .unit = TICKS),
	FIELD(TIMES, times, cgtime, GROWS, IN_STAT(44), .unit = TICKS),
	FIELD(TIMES, times, start_time, FIXED, IN_STAT(22), .unit = TICKS),
	FIELD(TIMES, times, min_flt, GROWS, IN_STAT(10)),
	FIELD(TIMES, times, cmin_flt, GROWS, IN_STAT(11)),
	FIELD(TIMES, times, maj_flt, GROWS, IN_STAT(12)),
	FIELD(TIMES, times, cmaj_flt, GROWS, IN_STAT(13)),

	FIELD(SCHED, sched, run_time, GROWS, ONLY_WORD(SCHEDSTAT)),
	FIELD(SCHED, sched, run_delay, GROWS, .file = SCHEDSTAT, .word = 2),
	FIELD(SCHED, sched, pcount, GROWS, .file = SCHEDSTAT, .word = 3),
	FIELD(SCHED, sched, nvcsw, GROWS,
	      IN_STATUS("voluntary_ctxt_switches", 1)),
	FIELD(SCHED, sched, nivcsw, GROWS,
	      IN_STATUS("nonvoluntary_ctxt_switches", 1)),
	FIELD(SCHED, sched, prio, FIXED, IN_STAT(18)),
	FIELD(SCHED, sched, nice, FIXED, IN_STAT(19)),
	FIELD(SCHED, sched, policy, FIXED, IN_STAT(41)),
	FIELD(SCHED, sched, rt_priority, FIXED, IN_STAT(40)),
	FIELD(SCHED, sched, cpu, MOVES, IN_STAT(39)),
	FIELD(SCHED, sched, nr_threads, MOVES, IN_STAT(20)),
	FIELD(SCHED, sched, nr_threads, MOVES, IN_STATUS("Threads", 1)),
	FIELD(SCHED, sched, flags, MOVES, IN_STAT(9)),
	FIELD(SCHED, sched, exit_signal, FIXED, IN_STAT(38)),
	FIELD(SCHED, sched, numa_group, MOVES, IN_STATUS("Ngid", 1)),
	PAD(SCHED, sched, pad),

	FIELD(MEM, mem, total_vm, MOVES, IN_STATUS("VmSize", 1), .unit = KIB),
	FIELD(MEM, mem, total_vm, MOVES, IN_STATM(1)),
	FIELD(MEM, mem, total_vm, MOVES, IN_STAT(23)),
	FIELD(MEM, mem, hiwater_vm, GROWS, IN_STATUS("VmPeak", 1), .unit = KIB),
	/* The counters that it comes from are exact at rest only. */
	FIELD(MEM, mem, hiwater_rss, MOVES, IN_STATUS("VmHWM", 1), .unit = KIB),
	FIELD(MEM, mem, rss_anon, MOVES, IN_STATUS("RssAnon", 1), .unit = KIB),
	FIELD(MEM, mem, rss_anon, MOVES, IN_STATUS("VmRSS", 1), .unit = KIB,
	      .plus = { AND(rss_file), AND(rss_shmem) }),
	FIELD(MEM, mem, rss_anon, MOVES, IN_STATM(2),
	      .plus = { AND(rss_file), AND(rss_shmem) }),
	FIELD(MEM, mem, rss_file, MOVES, IN_STATUS("RssFile", 1), .unit = KIB),
	FIELD(MEM, mem, rss_file, MOVES, IN_STATM(3),
	      .plus = { AND(rss_shmem) }),
	FIELD(MEM, mem, rss_shmem, MOVES, IN_STATUS("RssShmem", 1), .unit = KIB),
	FIELD(MEM, mem, data, MOVES, IN_STATUS("VmData", 1), .unit = KIB),
	FIELD(MEM, mem, data, MOVES, IN_STATM(6), .plus = { AND(stack) }),
	FIELD(MEM, mem, stack, MOVES, IN_STATUS("VmStk", 1), .unit = KIB),
	FIELD(MEM, mem, text, FIXED, IN_STATUS("VmExe", 1), .unit = KIB),
	FIELD(MEM, mem, lib, MOVES, IN_STATUS("VmLib", 1), .unit = KIB),
	FIELD(MEM, mem, locked, MOVES, IN_STATUS("VmLck", 1), .unit = KIB),
	FIELD(MEM, mem, pinned, MOVES, IN_STATUS("VmPin", 1), .unit = KIB),
	FIELD(MEM, mem, pgtables, MOVES, IN_STATUS("VmPTE", 1), .unit = KIB),
	FIELD(MEM, mem, swap, MOVES, IN_STATUS("VmSwap", 1), .unit = KIB),
	FIELD(MEM, mem, hugetlb, MOVES, IN_STATUS("HugetlbPages", 1),
	      .unit = KIB),

	FIELD(SIGNAL, signal, pending, MOVES, IN_STATUS("SigPnd", 1),
	      .unit = HEX),
	FIELD(SIGNAL, signal, shared_pending, MOVES, IN_STATUS("ShdPnd", 1),
	      .unit = HEX),
	FIELD(SIGNAL, signal, blocked, MOVES, IN_STATUS("SigBlk", 1),
	      .unit = HEX),
	FIELD(SIGNAL, signal, ignored, FIXED, IN_STATUS("SigIgn", 1),
	      .unit = HEX),
	FIELD(SIGNAL, signal, caught, FIXED, IN_STATUS("SigCgt", 1),
	      .unit = HEX),
	FIELD(SIGNAL, signal, queued, MOVES, IN_STATUS("SigQ", 1)),
	FIELD(SIGNAL, signal, queue_limit, FIXED, IN_STATUS("SigQ", 2)),
	FIELD(SIGNAL, signal, tty_nr, FIXED, IN_STAT(7)),
	FIELD(SIGNAL, signal, tty_pgrp, FIXED, IN_STAT(8)),
	FIELD(SIGNAL, signal, exit_code, FIXED, IN_STAT(52)),
	FIELD(SIGNAL, signal, core_dumping, FIXED, IN_STATUS("CoreDumping", 1),
	      .may_lack = true),

	FIELD(IO, io, rchar, GROWS, IN_IO("rchar")),
	FIELD(IO, io, wchar, GROWS, IN_IO("wchar")),
	FIELD(IO, io, syscr, GROWS, IN_IO("syscr")),
	FIELD(IO, io, syscw, GROWS, IN_IO("syscw")),
	FIELD(IO, io, read_bytes, GROWS, IN_IO("read_bytes")),
	FIELD(IO, io, write_bytes, GROWS, IN_IO("write_bytes")),
	FIELD(IO, io, cancelled_write_bytes, GROWS,
	      IN_IO("cancelled_write_bytes")),

	FIELD(OOM, oom, oom_score, MOVES, ONLY_WORD(OOM_SCORE)),
	FIELD(OOM, oom, oom_score_adj, FIXED, ONLY_WORD(OOM_SCORE_ADJ)),

	FIELD(FD, fd, open_fds, MOVES, ONLY_WORD(FD)),
	FIELD(FD, fd, max_fds, MOVES, IN_STATUS("FDSize", 1)),
	FIELD(FD, fd, umask, FIXED, IN_STATUS("Umask", 1), .unit = OCTAL),
	PAD(FD, fd, pad),
	/* FD.kinds, in files_test */

	FIELD(AUTOGROUP, autogroup, id, FIXED, IN_AUTOGROUP(1)),
	FIELD(AUTOGROUP, autogroup, nice, FIXED, IN_AUTOGROUP(3)),
	PAD(AUTOGROUP, autogroup, pad),

	FIELD(IOPRIO, ioprio, ioprio, FIXED, ONLY_WORD(IOPRIO)),
	PAD(IOPRIO, ioprio, pad),

	FIELD(MM_MAP, mm_map, start_code, FIXED, IN_STAT(26)),
	FIELD(MM_MAP, mm_map, end_code, FIXED, IN_STAT(27)),
	FIELD(MM_MAP, mm_map, start_stack, FIXED, IN_STAT(28)),
	FIELD(MM_MAP, mm_map, start_data, FIXED, IN_STAT(45)),
	FIELD(MM_MAP, mm_map, end_data, FIXED, IN_STAT(46)),
	FIELD(MM_MAP, mm_map, start_brk, FIXED, IN_STAT(47)),
	FIELD(MM_MAP, mm_map, arg_start, FIXED, IN_STAT(48)),
	FIELD(MM_MAP, mm_map, arg_end, FIXED, IN_STAT(49)),
	FIELD(MM_MAP, mm_map, env_start, FIXED, IN_STAT(50)),
	FIELD(MM_MAP, mm_map, env_end, FIXED, IN_STAT(51)),
	FIELD(MM_MAP, mm_map, untag_mask, FIXED, IN_STATUS("untag_mask", 1),
	      .unit = HEX),
	FIELD(MM_MAP, mm_map, thp_enabled, FIXED, IN_STATUS("THP_enabled", 1)),
	PAD(MM_MAP, mm_map, pad),
};

/* The elements of LIMITS, as their lines in /proc/PID/limits start */
static const char * const limit_names[] = {
	[RLIMIT_CPU] = "Max cpu time",
	[RLIMIT_FSIZE] = "Max file size",
	[RLIMIT_DATA] = "Max data size",
	[RLIMIT_STACK] = "Max stack size",
	[RLIMIT_CORE] = "Max core file size",
	[RLIMIT_RSS] = "Max resident set",
	[RLIMIT_NPROC] = "Max processes",
	[RLIMIT_NOFILE] = "Max open files",
	[RLIMIT_MEMLOCK] = "Max locked memory",
	[RLIMIT_AS] = "Max address space",
	[RLIMIT_LOCKS] = "Max file locks",
	[RLIMIT_SIGPENDING] = "Max pending signals",
	[RLIMIT_MSGQUEUE] = "Max msgqueue size",
	[RLIMIT_NICE] = "Max nice priority",
	[RLIMIT_RTPRIO] = "Max realtime priority",
	[RLIMIT_RTTIME] = "Max realtime timeout",
};

/* Payloads of one size */
static const size_t sizes[TD_MAX_GROUPS] = {
	[TASK_DIAG_BASE] = sizeof(struct task_diag_base),
	[TASK_DIAG_CRED] = sizeof(struct task_diag_cred),
	[TASK_DIAG_TIMES] = sizeof(struct task_diag_times),
	[TASK_DIAG_SCHED] = sizeof(struct task_diag_sched),
	[TASK_DIAG_MEM] = sizeof(struct task_diag_mem),
	[TASK_DIAG_SIGNAL] = sizeof(struct task_diag_signal),
	[TASK_DIAG_IO] = sizeof(struct task_diag_io),
	[TASK_DIAG_OOM] = sizeof(struct task_diag_oom),
	[TASK_DIAG_LIMITS] = RLIM_NLIMITS * sizeof(struct task_diag_limit),
	/* Without TASK_DIAG_FD_KINDS */
	[TASK_DIAG_FD] = offsetof(struct task_diag_fd, kinds),
	[TASK_DIAG_MM_MAP] = sizeof(struct task_diag_mm_map),
	[TASK_DIAG_AUTOGROUP] = sizeof(struct task_diag_autogroup),
	[TASK_DIAG_IOPRIO] = sizeof(struct task_diag_ioprio),
};

/* --- the comparison ---------------------------------------------------- */

static __u64 load(const char *data, size_t size)
{
	__u64 any = 0;

	switch (size) {
	case 1:
		return *(__u8 *)data;
	case 4:
		return *(__u32 *)data;
	case 8:
		return *(__u64 *)data;
	}
	/* Padding, of any size */
	while (size--)
		any |= (__u8)data[size];
	return any;
}

/* In procfs's unit */
static __u64 value_of(const struct field *field, const char *data)
{
	__u64 value = load(data + field->offset, field->size);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(field->plus) && field->plus[i]; i++)
		value += load(data + field->plus[i], field->size);
	switch (field->unit) {
	case TICKS:
		return value / (1000000000 / sysconf(_SC_CLK_TCK));
	case KIB:
		return value / 1024;
	case PAGES:
		return value / sysconf(_SC_PAGESIZE);
	default:
		return value;
	}
}

/* As wide as the field; false if procfs does not have it for this task */
static bool counterpart_of(const struct field *field, const struct snap *snap,
			   __u64 *value)
{
	const char *line = snap->text[field->file], *word;

	*value = 0;
	if (field->file == NONE)
		return true;
	if (field->file == STAT)
		/* The name in parentheses may be like anything. */
		line = strrchr(line, ')') ? strrchr(line, ')') + 1 : NULL;
	else if (field->key)
		line = after_key(line, field->key);
	word = nth_word(line, field->file == STAT ? field->word - 2 :
						    field->word);
	if (!word)
		return false;
	if (field->unit == LETTER)
		*value = *word;
	else if (*word == '-')
		*value = strtoll(word, NULL, 10);
	else
		*value = strtoull(word, NULL, field->unit == HEX ? 16 :
					      field->unit == OCTAL ? 8 : 10);
	if (field->size < sizeof(*value))
		*value &= (1ULL << 8 * field->size) - 1;
	return true;
}

/* @before and @after are one, for a task that holds still. */
static void check_field(const struct field *field, const struct td_props *task,
			const struct snap *before, const struct snap *after)
{
	const struct td_group *group = &task->groups[field->attr];
	bool exists, still = before == after;
	__u64 value, low, high;

	exists = counterpart_of(field, before, &low);
	exists = counterpart_of(field, after, &high) && exists;
	if (!(task->has & (1ULL << field->attr))) {
		if (exists && (low || high) && !task->failed)
			differs("%u %s: procfs %llu, task_diag has no such group; ",
				task->pid, field->name, low);
		return;
	}
	value = value_of(field, group->data);
	if (!exists && !value && field->may_lack)
		return;
	if (!exists)
		differs("%u %s: not in procfs, task_diag %llu; ", task->pid,
			field->name, value);
	else if (still || field->change == FIXED ?
		 value != low :
		 field->change == GROWS && (value < low || value > high))
		differs("%u %s: procfs %llu to %llu, task_diag %llu; ",
			task->pid, field->name, low, high, value);
}

static void check_limits(const struct td_props *task, const struct snap *snap)
{
	const struct td_group *limits = &task->groups[TASK_DIAG_LIMITS];
	const char *line, *soft, *hard;
	struct task_diag_limit limit;
	unsigned int i;

	if (limits->nr_parts != RLIM_NLIMITS)
		differs("%u has %u limits; ", task->pid, limits->nr_parts);
	for (i = 0; i < ARRAY_SIZE(limit_names); i++) {
		line = after_key(snap->text[LIMITS], limit_names[i]);
		soft = nth_word(line, 1);
		hard = nth_word(line, 2);
		if (i < limits->nr_parts &&
		    (td_copy_part(limits, i, &limit, sizeof(limit)) !=
		     sizeof(limit) || limit.resource != i || limit.pad))
			differs("%u limit %u is of %u; ", task->pid, i,
				limit.resource);
		if (soft && hard && i < limits->nr_parts &&
		    limit.soft == (*soft == 'u' ? ~0ULL :
				       strtoull(soft, NULL, 10)) &&
		    limit.hard == (*hard == 'u' ? ~0ULL :
				       strtoull(hard, NULL, 10)))
			continue;
		differs("%u %s: procfs %.40s; ", task->pid, limit_names[i],
			line ? line : "nothing");
	}
}

static void check_groups(const struct td_props *task, const struct snap *snap)
{
	const struct td_group *group = &task->groups[TASK_DIAG_GROUPS];
	const char *word = after_key(snap->text[STATUS], "Groups:");
	const __u32 *gids = (void *)group->data;
	size_t i, nr = group->len / sizeof(*gids);
	char *end;

	for (i = 0; word; i++) {
		word = nth_word(word, 1);
		if (!word)
			break;
		if (i < nr && gids[i] != strtoul(word, NULL, 10))
			differs("%u GROUPS %zu: procfs %.10s, task_diag %u; ",
				task->pid, i, word, gids[i]);
		strtoul(word, &end, 10);
		word = end;
	}
	if (i != nr || group->len % sizeof(*gids))
		differs("%u GROUPS: %zu in procfs, %zu bytes in task_diag; ",
			task->pid, i, group->len);
}

static void check_bytes(const struct td_props *task, __u16 attr,
			const char *text, size_t len)
{
	const struct td_group *group = &task->groups[attr];
	size_t i = 0;

	while (i < len && i < group->len && text[i] == group->data[i])
		i++;
	if (i < len || i < group->len)
		differs("%u %u bytes of group %u, and %zu in procfs, differ at %zu; ",
			task->pid, (unsigned int)group->len, attr, len, i);
}

/* Groups of bytes, absent if their file has none */
static const struct {
	__u16		attr;
	enum file	file;
	enum change	change;
} byte_files[] = {
	{ TASK_DIAG_CMDLINE, CMDLINE, FIXED },
	{ TASK_DIAG_ENVIRON, ENVIRON, FIXED },
	{ TASK_DIAG_LABEL, LABEL, FIXED },
	{ TASK_DIAG_CWD, CWD, FIXED },
	{ TASK_DIAG_ROOT, ROOT, FIXED },
	{ TASK_DIAG_WCHAN, WCHAN, MOVES },
};

/* Up to 64 bits, in words of 32 with commas between them */
static __u64 mask_of(const char *line)
{
	__u64 mask = 0;
	char *end;

	do {
		mask = mask << 32 | strtoul(line, &end, 16);
		line = end + 1;
	} while (*end == ',');
	return mask;
}

static void check_mask(const struct td_props *task, const struct snap *snap,
		       const char *key, __u32 nr, __u32 at)
{
	const struct td_group *group = &task->groups[TASK_DIAG_AFFINITY];
	const char *line = after_key(snap->text[STATUS], key);
	const __u32 nr_words = (nr + 31) / 32;
	__u32 words[2] = {};
	__u64 mask;

	if (!nr && !line)
		return;
	if (!line || !nr || nr > 64) {
		differs("%u %s %.20s, of %u bits; ", task->pid, key, line ?: "",
			nr);
		return;
	}
	memcpy(words, group->data + at, nr_words * sizeof(*words));
	mask = words[0] | (__u64)words[1] << 32;
	if (mask != mask_of(line))
		differs("%u %s procfs %.20s, task_diag %llx; ", task->pid, key,
			line, mask);
}

static void check_affinity(const struct td_props *task, const struct snap *snap)
{
	const struct td_group *group = &task->groups[TASK_DIAG_AFFINITY];
	struct task_diag_affinity info = {};

	if (group->len >= sizeof(info))
		memcpy(&info, group->data, sizeof(info));
	if (group->nr_parts != 1 || info.cpus_at != sizeof(info) ||
	    info.mems_at != info.cpus_at + (info.cpus + 31) / 32 * 4 ||
	    group->len != info.mems_at + (info.mems + 31) / 32 * 4) {
		differs("%u AFFINITY has %zu bytes in %u parts, masks at %u and %u; ",
			task->pid, group->len, group->nr_parts, info.cpus_at,
			info.mems_at);
		return;
	}
	check_mask(task, snap, "Cpus_allowed:", info.cpus, info.cpus_at);
	check_mask(task, snap, "Mems_allowed:", info.mems, info.mems_at);
}

/* Kernel threads and workers have a longer name than BASE.comm has room for. */
static void check_name(const struct td_props *task, const struct snap *snap)
{
	const struct task_diag_base *base;
	const char *name = snap->text[COMM], *flags;
	size_t len = snap->len[COMM] - !!snap->len[COMM], i;

	check_bytes(task, TASK_DIAG_NAME, name, len);
	base = (void *)task->groups[TASK_DIAG_BASE].data;
	if (!base)
		return;
	flags = nth_word(strrchr(snap->text[STAT], ')') + 1, 9 - 2);
	if (flags && strtoul(flags, NULL, 10) & 0x200000 /* PF_KTHREAD */)
		len = strnlen((char *)base->comm, sizeof(base->comm));
	for (i = 0; i < sizeof(base->comm); i++) {
		if (base->comm[i] == (i < len ? (__u8)name[i] : 0))
			continue;
		differs("%u BASE.comm: procfs %s, task_diag %.16s; ",
			task->pid, name, base->comm);
		break;
	}
}

/* Whether the groups are there that should be, each once and of its size */
static void check_presence(const struct td_props *task, const struct snap *snap,
			   __u64 asked, __u64 absent, __u64 failed)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(byte_files); i++)
		if (!snap->len[byte_files[i].file])
			absent |= 1ULL << byte_files[i].attr;
	if (!snap->len[AUTOGROUP])
		absent |= BIT(AUTOGROUP);
	/* The parts of a list that failed at a later one may be there. */
	if ((task->has & ~failed) != (asked & ~absent & ~failed))
		differs("%u has groups 0x%llx instead of 0x%llx; ", task->pid,
			task->has, asked & ~absent & ~failed);
	if (task->failed != failed)
		differs("%u failed at groups 0x%llx instead of 0x%llx; ",
			task->pid, task->failed, failed);
	for (i = 0; i < TD_MAX_GROUPS; i++) {
		if (!sizes[i] || !(task->has & (1ULL << i)))
			continue;
		if (task->groups[i].len != sizes[i] ||
		    task->groups[i].nr_parts !=
		    (i == TASK_DIAG_LIMITS ? RLIM_NLIMITS : 1))
			differs("%u group %u has %zu bytes in %u parts; ",
				task->pid, i, task->groups[i].len,
				task->groups[i].nr_parts);
	}
}

static void check_task(const struct td_props *task, const struct snap *before,
		       const struct snap *after, __u64 failed)
{
	unsigned int i;
	enum file file;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		check_field(&fields[i], task, before, after);
	check_limits(task, before);
	check_groups(task, before);
	check_name(task, before);
	check_affinity(task, before);
	for (i = 0; i < ARRAY_SIZE(byte_files); i++) {
		file = byte_files[i].file;
		if (failed & (1ULL << byte_files[i].attr) ||
		    (byte_files[i].change == MOVES && before != after))
			continue;
		check_bytes(task, byte_files[i].attr, before->text[file],
			    before->len[file]);
	}
}

/* To the byte */
static bool same_props(const struct td_props *a, const struct td_props *b)
{
	unsigned int i;

	for (i = 0; i < TD_MAX_GROUPS; i++)
		if (a->groups[i].len != b->groups[i].len ||
		    memcmp(a->groups[i].data ?: "", b->groups[i].data ?: "",
			   a->groups[i].len))
			return false;
	return true;
}

/* --- asking ------------------------------------------------------------ */

__u64 groups_of_self(void)
{
	struct snap snap = take_snap(getpid(), 0, 0);
	__u64 groups = ALL_GROUPS;

	if (!snap.len[LABEL])
		groups &= ~BIT(LABEL);
	if (!snap.len[AUTOGROUP])
		groups &= ~BIT(AUTOGROUP);
	free_snap(&snap);
	return groups;
}

static struct snap snap_of(const struct query *query)
{
	return take_snap(query->tgid, query->tid, query->failed);
}

static struct td_props_answer *ask(struct td_sock *sock,
				   const struct query *query)
{
	return td_get_props(sock, query->flags, query->strategy, ALL_GROUPS,
			    query->pid);
}

/* A plain request has one message of about a page. */
static bool too_big(const struct td_props_answer *answer,
		    const struct snap *snap)
{
	const char *gids = after_key(snap->text[STATUS], "Groups:");
	size_t size = snap->len[CMDLINE] + snap->len[ENVIRON] +
		      (gids ? strcspn(gids, "\n") : 0);

	if (answer->rest->error != EMSGSIZE || size < 2000)
		return false;
	if (strcmp(answer->rest->text,
		   "task does not fit in one message: ask with NLM_F_DUMP"))
		differs("error text '%s'; ", answer->rest->text);
	return true;
}

static void compare(const struct query *query,
		    const struct td_props_answer *answer,
		    const struct snap *snap)
{
	const struct td_props *task;

	if (!query->flags && too_big(answer, snap))
		return;
	differs("%s", td_props_whole(answer));
	task = td_find_props(answer, query->tid ?: query->tgid);
	if (!task) {
		differs("%u is not in the answer; ", query->tid ?: query->tgid);
		return;
	}
	check_presence(task, snap, ALL_GROUPS, query->absent, query->failed);
	check_task(task, snap, snap, query->failed);
}

/* Whether the task did not change between two answers */
static bool held_still(const struct query *query,
		       const struct td_props_answer *answer,
		       const struct td_props_answer *again)
{
	__u32 nr = query->tid ?: query->tgid;
	const struct td_props *a = td_find_props(answer, nr);
	const struct td_props *b = td_find_props(again, nr);

	return a && b ? same_props(a, b) : !a && !b;
}

/*
 * Compares the task with procfs. It may not have come to rest yet: what counts
 * is two answers with nothing changed between them, nor in procfs around them.
 */
static bool check(struct td_sock *sock, const struct query *query)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct td_props_answer *answer, *again;
	struct snap before, after;
	bool still;

	do {
		before = snap_of(query);
		answer = ask(sock, query);
		/* In a dump of all there are others, and it takes longer. */
		again = query->pid ? ask(sock, query) : answer;
		after = snap_of(query);
		still = same_snap(&before, &after) &&
			held_still(query, answer, again);
		if (still)
			compare(query, answer, &before);
		td_free_props(answer);
		if (again != answer)
			td_free_props(again);
		free_snap(&before);
		free_snap(&after);
		if (still)
			return !diff.len;
	} while (td_now() < deadline);
	differs("%u did not hold still; ", query->tgid);
	return false;
}

__u32 parent_of(__u32 pid)
{
	struct task_diag_base base;
	char name[80];

	return proc_base("/proc", pid, 0, &base, name) ? 0 : base.ppid;
}

/* By the first @nr ways to request a process */
static const char *check_process(struct td_sock *sock, __u32 pid, __u64 absent,
				 __u64 failed, unsigned int nr)
{
	struct query queries[] = {
		{ .flags = 0, .strategy = TASK_DIAG_DUMP_ONE, .pid = pid },
		{ .flags = NLM_F_DUMP, .strategy = TASK_DIAG_DUMP_ONE,
		  .pid = pid },
		{ .flags = NLM_F_DUMP, .strategy = TASK_DIAG_DUMP_ALL },
		{ .flags = NLM_F_DUMP, .strategy = TASK_DIAG_DUMP_CHILDREN,
		  .pid = parent_of(pid) },
	};
	struct query *query;

	begin_diff();
	for (query = queries; query < queries + nr; query++) {
		if (query->strategy == TASK_DIAG_DUMP_CHILDREN && !query->pid)
			continue;
		query->tgid = pid;
		query->absent = absent;
		query->failed = failed;
		if (!check(sock, query)) {
			differs("strategy %llu, flags 0x%x", query->strategy,
				query->flags);
			break;
		}
	}
	return diff.text;
}

static const char *process_lacks(struct td_sock *sock, __u32 pid, __u64 absent)
{
	return check_process(sock, pid, absent, 0, 4);
}

const char *process_differs(struct td_sock *sock, __u32 pid)
{
	return check_process(sock, pid, 0, 0, 2);
}

const char *process_fails(struct td_sock *sock, __u32 pid, __u64 failed)
{
	return check_process(sock, pid, 0, failed, 2);
}

static const char *threads_lack(struct td_sock *sock, __u32 pid, __u64 absent)
{
	static const __u64 strategies[] = {
		TASK_DIAG_DUMP_THREAD, TASK_DIAG_DUMP_ALL_THREAD,
	};
	struct td_set tids = proc_tids("/proc", pid);
	struct query query = { .flags = NLM_F_DUMP, .pid = pid, .tgid = pid };
	unsigned int i;
	size_t thread;

	begin_diff();
	for (i = 0; i < ARRAY_SIZE(strategies) && !diff.len; i++) {
		query.strategy = strategies[i];
		for (thread = 0; thread < tids.nr && !diff.len; thread++) {
			query.tid = tids.pids[thread];
			query.absent = query.tid == pid ? absent : 0;
			if (!check(sock, &query))
				differs("strategy %llu", query.strategy);
		}
	}
	if (!tids.nr)
		differs("%u has no threads", pid);
	td_set_free(&tids);
	return diff.text;
}

const char *task_differs(struct td_sock *sock, __u32 pid, __u64 absent)
{
	const char *text = process_lacks(sock, pid, absent);

	return text[0] ? text : threads_lack(sock, pid, absent);
}

void get_group(struct td_sock *sock, __u64 strategy, __u32 nr, __u16 attr,
	       void *value, size_t size)
{
	struct td_props_answer *answer;
	const struct td_props *task;

	answer = td_get_props(sock, NLM_F_DUMP, strategy, 1ULL << attr, nr);
	task = td_find_props(answer, nr);
	/* FD is a part of its struct. */
	size = sizes[attr] ?: size;
	if (!td_props_whole(answer)[0] && task &&
	    task->groups[attr].len == size)
		memcpy(value, task->groups[attr].data, size);
	td_free_props(answer);
}

static __u64 counters_of(const struct td_props *task)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].change == GROWS &&
		    task->has & (1ULL << fields[i].attr))
			sum += load(task->groups[fields[i].attr].data +
				    fields[i].offset, fields[i].size);
	return sum;
}

__u64 check_running(struct td_sock *sock, const struct query *query)
{
	struct snap before = snap_of(query);
	struct td_props_answer *answer = ask(sock, query);
	struct snap after = snap_of(query);
	const struct td_props *task;
	__u64 sum = 0, busy;

	task = td_find_props(answer, query->tid ?: query->tgid);
	differs("%s%s", td_props_whole(answer), task ? "" : "no such task");
	if (task) {
		/* It may be changing its mappings just then. */
		busy = task->failed & STRINGS;
		check_presence(task, &before, ALL_GROUPS, 0, busy);
		check_task(task, &before, &after, busy);
		sum = counters_of(task);
	}
	td_free_props(answer);
	free_snap(&before);
	free_snap(&after);
	return sum;
}

/* --- the table itself -------------------------------------------------- */

void mark_compared(char seen[TD_MAX_GROUPS][512])
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		memset(&seen[fields[i].attr][fields[i].offset], 1,
		       fields[i].size);
	for (i = 0; i < ARRAY_SIZE(limit_names); i++)
		if (limit_names[i])
			memset(&seen[TASK_DIAG_LIMITS]
			       [i * sizeof(struct task_diag_limit)], 1,
			       sizeof(struct task_diag_limit));
}

size_t group_size(unsigned int attr)
{
	return sizes[attr];
}
