// SPDX-License-Identifier: GPL-2.0
/*
 * Every field of every group equals the file under /proc/PID that shows it, for
 * tasks in every condition, and groups come whole however they are split.
 */
#include "lib/harness.h"

#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define STRINGS		(BIT(CMDLINE) | BIT(ENVIRON))
#define ALL_GROUPS	(STRINGS | BIT(BASE) | BIT(CRED) | BIT(TIMES) |	\
			 BIT(SCHED) | BIT(MEM) | BIT(SIGNAL) |		\
			 BIT(GROUPS) | BIT(IO) | BIT(NAME) | BIT(OOM) |	\
			 BIT(LIMITS) | BIT(FD) | BIT(MM_MAP) |		\
			 BIT(LABEL) | BIT(CWD) | BIT(ROOT) |		\
			 BIT(WCHAN) | BIT(AUTOGROUP) | BIT(IOPRIO) |	\
			 BIT(AFFINITY))
/* What a task without memory lacks, and a zombie */
#define NO_MEMORY	(BIT(MEM) | BIT(MM_MAP))
#define ZOMBIE_LACKS	(NO_MEMORY | BIT(FD) | BIT(CWD) | BIT(ROOT))

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

static char *read_twin(enum file file, __u32 pid, __u32 tid, size_t *len)
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
 * meets a page behind userfaultfd.
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
			snap.text[i] = read_twin(i, pid, tid, &snap.len[i]);
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
#define TWIN(group, type, field, how, ...)			\
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
	TWIN(group, type, field, FIXED, .file = NONE)

static const struct field fields[] = {
	TWIN(BASE, base, tgid, FIXED, IN_STATUS("Tgid", 1)),
	TWIN(BASE, base, pid, FIXED, IN_STATUS("Pid", 1)),
	TWIN(BASE, base, ppid, FIXED, IN_STATUS("PPid", 1)),
	TWIN(BASE, base, ppid, FIXED, IN_STAT(4)),
	TWIN(BASE, base, tpid, FIXED, IN_STATUS("TracerPid", 1)),
	TWIN(BASE, base, sid, FIXED, IN_STAT(6)),
	TWIN(BASE, base, pgid, FIXED, IN_STAT(5)),
	TWIN(BASE, base, state, MOVES, IN_STAT(3), .unit = LETTER),
	TWIN(BASE, base, state, MOVES, IN_STATUS("State", 1), .unit = LETTER),
	PAD(BASE, base, pad),
	PAD(BASE, base, pad2),
	/* BASE.comm, in check_name() */

	TWIN(CRED, cred, uid, FIXED, IN_STATUS("Uid", 1)),
	TWIN(CRED, cred, euid, FIXED, IN_STATUS("Uid", 2)),
	TWIN(CRED, cred, suid, FIXED, IN_STATUS("Uid", 3)),
	TWIN(CRED, cred, fsuid, FIXED, IN_STATUS("Uid", 4)),
	TWIN(CRED, cred, gid, FIXED, IN_STATUS("Gid", 1)),
	TWIN(CRED, cred, egid, FIXED, IN_STATUS("Gid", 2)),
	TWIN(CRED, cred, sgid, FIXED, IN_STATUS("Gid", 3)),
	TWIN(CRED, cred, fsgid, FIXED, IN_STATUS("Gid", 4)),
	TWIN(CRED, cred, loginuid, FIXED, ONLY_WORD(LOGINUID)),
	TWIN(CRED, cred, sessionid, FIXED, ONLY_WORD(SESSIONID)),
	TWIN(CRED, cred, cap_inheritable, FIXED, IN_STATUS("CapInh", 1),
	     .unit = HEX),
	TWIN(CRED, cred, cap_permitted, FIXED, IN_STATUS("CapPrm", 1),
	     .unit = HEX),
	TWIN(CRED, cred, cap_effective, FIXED, IN_STATUS("CapEff", 1),
	     .unit = HEX),
	TWIN(CRED, cred, cap_bounding, FIXED, IN_STATUS("CapBnd", 1),
	     .unit = HEX),
	TWIN(CRED, cred, cap_ambient, FIXED, IN_STATUS("CapAmb", 1),
	     .unit = HEX),
	TWIN(CRED, cred, seccomp_filters, FIXED,
	     IN_STATUS("Seccomp_filters", 1)),
	TWIN(CRED, cred, seccomp, FIXED, IN_STATUS("Seccomp", 1)),
	TWIN(CRED, cred, no_new_privs, FIXED, IN_STATUS("NoNewPrivs", 1)),
	PAD(CRED, cred, pad),

	TWIN(TIMES, times, utime, GROWS, IN_STAT(14), .unit = TICKS),
	TWIN(TIMES, times, stime, GROWS, IN_STAT(15), .unit = TICKS),
	TWIN(TIMES, times, cutime, GROWS, IN_STAT(16), .unit = TICKS),
	TWIN(TIMES, times, cstime, GROWS, IN_STAT(17), .unit = TICKS),
	TWIN(TIMES, times, gtime, GROWS, IN_STAT(43), .unit = TICKS),
	TWIN(TIMES, times, cgtime, GROWS, IN_STAT(44), .unit = TICKS),
	TWIN(TIMES, times, start_time, FIXED, IN_STAT(22), .unit = TICKS),
	TWIN(TIMES, times, min_flt, GROWS, IN_STAT(10)),
	TWIN(TIMES, times, cmin_flt, GROWS, IN_STAT(11)),
	TWIN(TIMES, times, maj_flt, GROWS, IN_STAT(12)),
	TWIN(TIMES, times, cmaj_flt, GROWS, IN_STAT(13)),

	TWIN(SCHED, sched, run_time, GROWS, ONLY_WORD(SCHEDSTAT)),
	TWIN(SCHED, sched, run_delay, GROWS, .file = SCHEDSTAT, .word = 2),
	TWIN(SCHED, sched, pcount, GROWS, .file = SCHEDSTAT, .word = 3),
	TWIN(SCHED, sched, nvcsw, GROWS,
	     IN_STATUS("voluntary_ctxt_switches", 1)),
	TWIN(SCHED, sched, nivcsw, GROWS,
	     IN_STATUS("nonvoluntary_ctxt_switches", 1)),
	TWIN(SCHED, sched, prio, FIXED, IN_STAT(18)),
	TWIN(SCHED, sched, nice, FIXED, IN_STAT(19)),
	TWIN(SCHED, sched, policy, FIXED, IN_STAT(41)),
	TWIN(SCHED, sched, rt_priority, FIXED, IN_STAT(40)),
	TWIN(SCHED, sched, cpu, MOVES, IN_STAT(39)),
	TWIN(SCHED, sched, nr_threads, MOVES, IN_STAT(20)),
	TWIN(SCHED, sched, nr_threads, MOVES, IN_STATUS("Threads", 1)),
	TWIN(SCHED, sched, flags, MOVES, IN_STAT(9)),
	TWIN(SCHED, sched, exit_signal, FIXED, IN_STAT(38)),
	TWIN(SCHED, sched, numa_group, MOVES, IN_STATUS("Ngid", 1)),
	PAD(SCHED, sched, pad),

	TWIN(MEM, mem, total_vm, MOVES, IN_STATUS("VmSize", 1), .unit = KIB),
	TWIN(MEM, mem, total_vm, MOVES, IN_STATM(1)),
	TWIN(MEM, mem, total_vm, MOVES, IN_STAT(23)),
	TWIN(MEM, mem, hiwater_vm, GROWS, IN_STATUS("VmPeak", 1), .unit = KIB),
	/* The counters that it comes from are exact at rest only. */
	TWIN(MEM, mem, hiwater_rss, MOVES, IN_STATUS("VmHWM", 1), .unit = KIB),
	TWIN(MEM, mem, rss_anon, MOVES, IN_STATUS("RssAnon", 1), .unit = KIB),
	TWIN(MEM, mem, rss_anon, MOVES, IN_STATUS("VmRSS", 1), .unit = KIB,
	     .plus = { AND(rss_file), AND(rss_shmem) }),
	TWIN(MEM, mem, rss_anon, MOVES, IN_STATM(2),
	     .plus = { AND(rss_file), AND(rss_shmem) }),
	TWIN(MEM, mem, rss_file, MOVES, IN_STATUS("RssFile", 1), .unit = KIB),
	TWIN(MEM, mem, rss_file, MOVES, IN_STATM(3),
	     .plus = { AND(rss_shmem) }),
	TWIN(MEM, mem, rss_shmem, MOVES, IN_STATUS("RssShmem", 1), .unit = KIB),
	TWIN(MEM, mem, data, MOVES, IN_STATUS("VmData", 1), .unit = KIB),
	TWIN(MEM, mem, data, MOVES, IN_STATM(6), .plus = { AND(stack) }),
	TWIN(MEM, mem, stack, MOVES, IN_STATUS("VmStk", 1), .unit = KIB),
	TWIN(MEM, mem, text, FIXED, IN_STATUS("VmExe", 1), .unit = KIB),
	TWIN(MEM, mem, lib, MOVES, IN_STATUS("VmLib", 1), .unit = KIB),
	TWIN(MEM, mem, locked, MOVES, IN_STATUS("VmLck", 1), .unit = KIB),
	TWIN(MEM, mem, pinned, MOVES, IN_STATUS("VmPin", 1), .unit = KIB),
	TWIN(MEM, mem, pgtables, MOVES, IN_STATUS("VmPTE", 1), .unit = KIB),
	TWIN(MEM, mem, swap, MOVES, IN_STATUS("VmSwap", 1), .unit = KIB),
	TWIN(MEM, mem, hugetlb, MOVES, IN_STATUS("HugetlbPages", 1),
	     .unit = KIB),

	TWIN(SIGNAL, signal, pending, MOVES, IN_STATUS("SigPnd", 1),
	     .unit = HEX),
	TWIN(SIGNAL, signal, shared_pending, MOVES, IN_STATUS("ShdPnd", 1),
	     .unit = HEX),
	TWIN(SIGNAL, signal, blocked, MOVES, IN_STATUS("SigBlk", 1),
	     .unit = HEX),
	TWIN(SIGNAL, signal, ignored, FIXED, IN_STATUS("SigIgn", 1),
	     .unit = HEX),
	TWIN(SIGNAL, signal, caught, FIXED, IN_STATUS("SigCgt", 1),
	     .unit = HEX),
	TWIN(SIGNAL, signal, queued, MOVES, IN_STATUS("SigQ", 1)),
	TWIN(SIGNAL, signal, queue_limit, FIXED, IN_STATUS("SigQ", 2)),
	TWIN(SIGNAL, signal, tty_nr, FIXED, IN_STAT(7)),
	TWIN(SIGNAL, signal, tty_pgrp, FIXED, IN_STAT(8)),
	TWIN(SIGNAL, signal, exit_code, FIXED, IN_STAT(52)),
	TWIN(SIGNAL, signal, core_dumping, FIXED, IN_STATUS("CoreDumping", 1),
	     .may_lack = true),

	TWIN(IO, io, rchar, GROWS, IN_IO("rchar")),
	TWIN(IO, io, wchar, GROWS, IN_IO("wchar")),
	TWIN(IO, io, syscr, GROWS, IN_IO("syscr")),
	TWIN(IO, io, syscw, GROWS, IN_IO("syscw")),
	TWIN(IO, io, read_bytes, GROWS, IN_IO("read_bytes")),
	TWIN(IO, io, write_bytes, GROWS, IN_IO("write_bytes")),
	TWIN(IO, io, cancelled_write_bytes, GROWS,
	     IN_IO("cancelled_write_bytes")),

	TWIN(OOM, oom, oom_score, MOVES, ONLY_WORD(OOM_SCORE)),
	TWIN(OOM, oom, oom_score_adj, FIXED, ONLY_WORD(OOM_SCORE_ADJ)),

	TWIN(FD, fd, open_fds, MOVES, ONLY_WORD(FD)),
	TWIN(FD, fd, max_fds, MOVES, IN_STATUS("FDSize", 1)),
	TWIN(FD, fd, umask, FIXED, IN_STATUS("Umask", 1), .unit = OCTAL),
	PAD(FD, fd, pad),
	/* FD.kinds, in files_test */

	TWIN(AUTOGROUP, autogroup, id, FIXED, IN_AUTOGROUP(1)),
	TWIN(AUTOGROUP, autogroup, nice, FIXED, IN_AUTOGROUP(3)),
	PAD(AUTOGROUP, autogroup, pad),

	TWIN(IOPRIO, ioprio, ioprio, FIXED, ONLY_WORD(IOPRIO)),
	PAD(IOPRIO, ioprio, pad),

	TWIN(MM_MAP, mm_map, start_code, FIXED, IN_STAT(26)),
	TWIN(MM_MAP, mm_map, end_code, FIXED, IN_STAT(27)),
	TWIN(MM_MAP, mm_map, start_stack, FIXED, IN_STAT(28)),
	TWIN(MM_MAP, mm_map, start_data, FIXED, IN_STAT(45)),
	TWIN(MM_MAP, mm_map, end_data, FIXED, IN_STAT(46)),
	TWIN(MM_MAP, mm_map, start_brk, FIXED, IN_STAT(47)),
	TWIN(MM_MAP, mm_map, arg_start, FIXED, IN_STAT(48)),
	TWIN(MM_MAP, mm_map, arg_end, FIXED, IN_STAT(49)),
	TWIN(MM_MAP, mm_map, env_start, FIXED, IN_STAT(50)),
	TWIN(MM_MAP, mm_map, env_end, FIXED, IN_STAT(51)),
	TWIN(MM_MAP, mm_map, untag_mask, FIXED, IN_STATUS("untag_mask", 1),
	     .unit = HEX),
	TWIN(MM_MAP, mm_map, thp_enabled, FIXED, IN_STATUS("THP_enabled", 1)),
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
static bool twin_of(const struct field *field, const struct snap *snap,
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

	exists = twin_of(field, before, &low);
	exists = twin_of(field, after, &high) && exists;
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

/* Of this process and its children: some need a module, or a session. */
static __u64 groups_of_self(void)
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

/* Which task, how it is asked for, and what is to be missing */
struct query {
	__u16	flags;
	__u64	strategy;
	__u32	pid;		/* in the request */
	__u32	tgid;		/* where procfs has it */
	__u32	tid;		/* 0 for a process */
	__u64	absent;
	__u64	failed;
};

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

static __u32 parent_of(__u32 pid)
{
	struct task_diag_base base;
	char name[80];

	return proc_base("/proc", pid, 0, &base, name) ? 0 : base.ppid;
}

/* By the first @nr ways to ask for a process */
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

/* By every strategy over processes; @absent is a set of groups. */
static const char *process_lacks(struct td_sock *sock, __u32 pid, __u64 absent)
{
	return check_process(sock, pid, absent, 0, 4);
}

/* By a plain request and by a dump of it alone; so the next one. */
static const char *process_differs(struct td_sock *sock, __u32 pid)
{
	return check_process(sock, pid, 0, 0, 2);
}

static const char *process_fails(struct td_sock *sock, __u32 pid, __u64 failed)
{
	return check_process(sock, pid, 0, failed, 2);
}

/* All threads, by both strategies over them; @absent is what the leader lacks. */
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

static const char *task_differs(struct td_sock *sock, __u32 pid, __u64 absent)
{
	const char *text = process_lacks(sock, pid, absent);

	return text[0] ? text : threads_lack(sock, pid, absent);
}

/*
 * The struct of one group, to say more about than that it equals procfs; of
 * zeroes if it is not there.
 */
#define GROUP_OF(sock, strategy, nr, group, type) ({			\
	struct task_diag_##type _value = {};				\
	get_group(sock, strategy, nr, TASK_DIAG_##group, &_value,	\
		  sizeof(_value));					\
	_value;								\
})

static void get_group(struct td_sock *sock, __u64 strategy, __u32 nr,
		      __u16 attr, void *value, size_t size)
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

#define PROCESS(sock, pid, group, type) \
	GROUP_OF(sock, TASK_DIAG_DUMP_ONE, pid, group, type)
#define THREAD(sock, tid, group, type) \
	GROUP_OF(sock, TASK_DIAG_DUMP_THREAD, tid, group, type)

FIXTURE(groups)
{
	struct td_sock sock;
};

FIXTURE_SETUP(groups)
{
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(groups)
{
	td_kill_children();
	td_close(&self->sock);
}

/* --- the table itself -------------------------------------------------- */

/* A field that nobody compares would be found here. */
TEST(every_byte_of_every_struct_is_compared)
{
	char seen[TD_MAX_GROUPS][512] = {};
	unsigned int i, byte;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		memset(&seen[fields[i].attr][fields[i].offset], 1,
		       fields[i].size);
	memset(&seen[TASK_DIAG_BASE][offsetof(struct task_diag_base, comm)], 1,
	       TASK_DIAG_COMM_LEN);
	/* This one in base_test */
	memset(&seen[TASK_DIAG_BASE][offsetof(struct task_diag_base, id)], 1,
	       sizeof(__u64));
	for (i = 0; i < ARRAY_SIZE(limit_names); i++)
		if (limit_names[i])
			memset(&seen[TASK_DIAG_LIMITS]
			       [i * sizeof(struct task_diag_limit)], 1,
			       sizeof(struct task_diag_limit));
	for (i = 0; i < TD_MAX_GROUPS; i++)
		for (byte = 0; byte < sizes[i]; byte++)
			EXPECT_EQ(1, seen[i][byte])
				TH_LOG("group %u, byte %u", i, byte);
}

TEST_F(groups, kernel_has_all_groups)
{
	struct td_answer *answer;

	answer = td_dump(&self->sock, TASK_DIAG_DUMP_ONE, 0, 0);
	ASSERT_STREQ("", td_whole(answer));
	EXPECT_EQ(ALL_GROUPS, answer->header.show_flags & ALL_GROUPS);
	EXPECT_EQ(sysconf(_SC_CLK_TCK), answer->header.clk_tck);
	EXPECT_EQ(sysconf(_SC_PAGESIZE), answer->header.page_size);
	td_free(answer);
}

/* --- processes and threads --------------------------------------------- */

TEST_F(groups, sleeping_process_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_sleeper(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
}

TEST_F(groups, stopped_process_equals_procfs)
{
	pid_t pid;

	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_TRUE(td_wait_state(pid, 0, 'T'));
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(SIGSTOP, PROCESS(&self->sock, pid, SIGNAL, signal).exit_code);
}

static void wait_for_vfork(const void *unused)
{
	const pid_t parent = getpid();

	td_ready();
	/* The child has the parent's stack: it makes system calls only. */
	if (!vfork()) {
		syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		/* The parent, killed as it waits, may have been faster. */
		while (syscall(SYS_getppid) == parent)
			syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
		syscall(SYS_exit, 0);
	}
	_exit(0);
}

TEST_F(groups, process_in_uninterruptible_sleep_equals_procfs)
{
	pid_t pid;

	pid = td_spawn(wait_for_vfork, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(td_wait_state(pid, 0, 'D'));
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
}

TEST_F(groups, zombie_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_zombie(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, ZOMBIE_LACKS));
	EXPECT_EQ(SIGKILL, PROCESS(&self->sock, pid, SIGNAL, signal).exit_code);
}

static void end_with_7(const void *unused)
{
	td_ready();
	_exit(7);
}

TEST_F(groups, zombie_that_ended_by_itself_has_its_exit_code)
{
	pid_t pid;

	pid = td_spawn(end_with_7, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	EXPECT_STREQ("", task_differs(&self->sock, pid, ZOMBIE_LACKS));
	EXPECT_EQ(7 << 8, PROCESS(&self->sock, pid, SIGNAL, signal).exit_code);
}

static const char core_pattern[] = "/proc/sys/kernel/core_pattern";

/* The helper does not read the core, so that dumping it does not end. */
static void dump_core(const void *unused)
{
	static const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	td_must(!setrlimit(RLIMIT_CORE, &limit), "RLIMIT_CORE");
	td_ready();
	abort();
}

TEST_F(groups, process_that_dumps_core_equals_procfs)
{
	char *pattern;
	size_t len;
	pid_t pid;
	int fd;

	pattern = td_read_whole(core_pattern, &len);
	fd = open(core_pattern, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(17, pwrite(fd, "|/usr/bin/sleep 5", 17, 0));
	pid = td_spawn(dump_core, NULL);
	EXPECT_LT(0, pid);
	/* Full pipe */
	EXPECT_TRUE(td_wait_state(pid, 0, 'S'));
	EXPECT_EQ(len, pwrite(fd, pattern, len, 0));
	close(fd);
	free(pattern);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(1, PROCESS(&self->sock, pid, SIGNAL, signal).core_dumping);
}

static void set_umask(const void *unused)
{
	umask(0137);
}

TEST_F(groups, umask_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_sleeper(set_umask, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(0137, PROCESS(&self->sock, pid, FD, fd).umask);
}

static void forbid_huge_pages(const void *unused)
{
	td_must(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "PR_SET_THP_DISABLE");
}

TEST_F(groups, process_without_huge_pages_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_sleeper(forbid_huge_pages, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(0, PROCESS(&self->sock, pid, MM_MAP, mm_map).thp_enabled);
	pid = td_spawn_sleeper(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(1, PROCESS(&self->sock, pid, MM_MAP, mm_map).thp_enabled);
}

TEST_F(groups, processes_with_any_name_equal_procfs)
{
	static const char * const names[] = {
		"", "fifteen bytes..", ") R 1 2 (x", "new\nline\ttab", "\x01\xff",
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		pid = td_spawn_sleeper(td_set_name, names[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
	}
}

static pthread_mutex_t io_lock = PTHREAD_MUTEX_INITIALIZER;

/* A file that is on no tmpfs, so that its pages can be dropped */
static void fault_with_io(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat st;
	void *page;

	td_must(fd >= 0 && !fstat(fd, &st), "/proc/self/exe");
	/*
	 * Its last page is of its symbols, which nobody maps. One at a time, or
	 * one finds what another has read in.
	 */
	pthread_mutex_lock(&io_lock);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd,
		    (st.st_size - 1) & ~4095L);
	td_must(page != MAP_FAILED && !madvise(page, 4096, MADV_POPULATE_READ),
		"mmap");
	munmap(page, 4096);
	pthread_mutex_unlock(&io_lock);
	close(fd);
}

static void touch_memory(size_t size)
{
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 1, size);
	munmap(area, size);
}

static double cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Some of all that is counted: 3 ticks, 64 faults, 20 reads, 30 writes */
static void work(void)
{
	double end = cpu_time() + 0.03;
	int null, zero;
	char buf[100];
	unsigned int i;

	null = open("/dev/null", O_WRONLY);
	zero = open("/dev/zero", O_RDONLY);
	td_must(null >= 0 && zero >= 0, "open");
	for (i = 0; i < 20; i++)
		td_must(read(zero, buf, 50) == 50, "read");
	for (i = 0; i < 30; i++)
		td_must(write(null, buf, 100) == 100, "write");
	close(null);
	close(zero);
	touch_memory(64 * 4096);
	fault_with_io();
	while (cpu_time() < end)
		getppid();
}

static void *work_and_end(void *unused)
{
	work();
	return unused;
}

static void *work_and_sleep(void *barrier)
{
	prctl(PR_SET_NAME, "worker");
	work();
	pthread_barrier_wait(barrier);
	return td_sleep_in_thread(NULL);
}

static void start_workers(const void *unused)
{
	static pthread_barrier_t worked;
	pthread_t thread;
	unsigned int i;

	pthread_barrier_init(&worked, NULL, 3);
	for (i = 0; i < 2; i++) {
		td_must(!pthread_create(&thread, NULL, work_and_end, NULL),
			"pthread_create");
		pthread_join(thread, NULL);
	}
	for (i = 0; i < 2; i++)
		td_must(!pthread_create(&thread, NULL, work_and_sleep, &worked),
			"pthread_create");
	pthread_barrier_wait(&worked);
}

TEST_F(groups, process_counts_its_threads_and_dead_threads)
{
	struct task_diag_times whole, thread;
	struct task_diag_io io, thread_io;
	pid_t pid;

	pid = td_spawn_sleeper(start_workers, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	whole = PROCESS(&self->sock, pid, TIMES, times);
	thread = THREAD(&self->sock, pid, TIMES, times);
	EXPECT_LE(thread.utime + thread.stime + 4 * 20000000,
		  whole.utime + whole.stime);
	EXPECT_LE(thread.min_flt + 4 * 64, whole.min_flt);
	EXPECT_LE(thread.maj_flt + 4, whole.maj_flt);

	io = PROCESS(&self->sock, pid, IO, io);
	thread_io = THREAD(&self->sock, pid, IO, io);
	EXPECT_LE(thread_io.wchar + 4 * 3000, io.wchar);
	EXPECT_LE(thread_io.rchar + 4 * 1000, io.rchar);
	EXPECT_LE(thread_io.syscw + 4 * 30, io.syscw);
	EXPECT_LE(thread_io.syscr + 4 * 20, io.syscr);
}

static void start_workers_and_end(const void *unused)
{
	start_workers(NULL);
	td_ready();
	syscall(SYS_exit, 0);
}

TEST_F(groups, zombie_leader_and_its_threads_equal_procfs)
{
	pid_t pid;

	pid = td_spawn(start_workers_and_end, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	EXPECT_STREQ("", task_differs(&self->sock, pid, ZOMBIE_LACKS));
	EXPECT_LE(80000000, PROCESS(&self->sock, pid, TIMES, times).utime +
			    PROCESS(&self->sock, pid, TIMES, times).stime);
}

static void reap_workers(const void *unused)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		/* Nobody unlocks what another thread holds at a fork. */
		pthread_mutex_lock(&io_lock);
		pid = fork();
		pthread_mutex_unlock(&io_lock);
		if (!pid) {
			work();
			_exit(0);
		}
		td_must(td_wait(pid) == 0, "wait");
	}
}

TEST_F(groups, process_counts_children_that_it_waited_for)
{
	struct task_diag_times times, thread;
	pid_t pid;

	pid = td_spawn_sleeper(reap_workers, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	times = PROCESS(&self->sock, pid, TIMES, times);
	EXPECT_LE(40000000, times.cutime + times.cstime);
	EXPECT_LE(2 * 64, times.cmin_flt);
	EXPECT_LE(2, times.cmaj_flt);
	EXPECT_LE(2 * 3000, PROCESS(&self->sock, pid, IO, io).wchar);
	thread = THREAD(&self->sock, pid, TIMES, times);
	EXPECT_EQ(times.cmin_flt, thread.cmin_flt);
}

/* A kernel thread whose name starts like that and has at least so many bytes */
static pid_t find_kthread(const char *name, size_t len)
{
	struct td_set pids = proc_pids("/proc");
	pid_t found = -1;
	char text[80];
	size_t i;

	for (i = 0; i < pids.nr && found < 0; i++)
		if (!proc_read("/proc", pids.pids[i], 0, "cmdline", text,
			       sizeof(text)) &&
		    proc_read("/proc", pids.pids[i], 0, "comm", text,
			      sizeof(text)) > (ssize_t)len &&
		    !strncmp(text, name, strlen(name)))
			found = pids.pids[i];
	td_set_free(&pids);
	return found;
}

TEST_F(groups, kernel_threads_equal_procfs)
{
	/* Such as have little to do: others do not hold still. */
	static const struct {
		const char	*name;
		size_t		len;
	} kthreads[] = {
		{ "kthreadd", 8 }, { "kworker/R-", 16 }, { "cpuhp/0", 7 },
		{ "rcu_tasks", 16 }, { "oom_reaper", 10 },
	};
	unsigned int i, found = 0;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(kthreads); i++) {
		pid = find_kthread(kthreads[i].name, kthreads[i].len);
		if (pid < 0)
			continue;
		found++;
		EXPECT_STREQ("", task_differs(&self->sock, pid, NO_MEMORY));
	}
	EXPECT_LT(2, found);
	EXPECT_LT(0, find_kthread("kworker/R-", 16));
}

/* Workers are busy at times: one of them will hold still. */
TEST_F(groups, worker_has_its_long_name)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct td_props_answer *answer;
	const struct td_group *group;
	char comm[80] = "", name[80];
	ssize_t len;
	pid_t pid;

	do {
		pid = find_kthread("kworker/", 18);
		ASSERT_LT(0, pid);
		len = proc_read("/proc", pid, 0, "comm", comm, sizeof(comm));
		answer = td_get_props(&self->sock, NLM_F_DUMP,
				      TASK_DIAG_DUMP_ONE, BIT(NAME), pid);
		name[0] = 0;
		if (answer->nr_tasks == 1) {
			group = &answer->tasks[0].groups[TASK_DIAG_NAME];
			snprintf(name, sizeof(name), "%.*s\n", (int)group->len,
				 group->data);
		}
		td_free_props(answer);
	} while (strcmp(comm, name) && td_now() < deadline);
	EXPECT_STREQ(comm, name);
	EXPECT_LT(16, len);
}

/* --- credentials ------------------------------------------------------- */

/* As the kernel has it: the library sets what it likes besides. */
static void set_caps(__u64 effective, __u64 permitted, __u64 inheritable)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		data[i].effective = effective >> 32 * i;
		data[i].permitted = permitted >> 32 * i;
		data[i].inheritable = inheritable >> 32 * i;
	}
	td_must(!syscall(SYS_capset, &header, data), "capset");
}

#define CAP(name)	(1ULL << CAP_##name)
#define CAPS_PERMITTED	(CAP(CHOWN) | CAP(KILL) | \
			 CAP(SYS_TIME) | CAP(BPF))
#define CAPS_INHERITED	(CAP(CHOWN) | CAP(SYS_TIME) | \
			 CAP(WAKE_ALARM))

static void filter_system_calls(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { .len = 1, .filter = &allow };

	td_must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "NO_NEW_PRIVS");
	td_must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), "SECCOMP");
	td_must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), "SECCOMP");
}

static void be_everyone(const void *unused)
{
	td_must(td_write_file("/proc/self/loginuid", "4321"), "loginuid");
	td_must(!prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT), "PR_CAPBSET_DROP");
	td_must(!prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
	td_must(!setresgid(2001, 2002, 2003), "setresgid");
	td_must(!setresuid(1001, 1002, 1003), "setresuid");
	set_caps(CAPS_PERMITTED | CAP(SETUID) | CAP(SETGID),
		 CAPS_PERMITTED | CAP(SETUID) | CAP(SETGID) |
		 CAPS_INHERITED, CAPS_INHERITED);
	setfsgid(2004);
	setfsuid(1004);
	set_caps(CAP(KILL), CAPS_PERMITTED, CAPS_INHERITED);
	td_must(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0),
		"PR_CAP_AMBIENT_RAISE");
	filter_system_calls();
}

TEST_F(groups, credentials_that_all_differ_equal_procfs)
{
	struct task_diag_cred cred;
	pid_t pid;

	pid = td_spawn_sleeper(be_everyone, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	cred = PROCESS(&self->sock, pid, CRED, cred);
	EXPECT_EQ(1001, cred.uid);
	EXPECT_EQ(1002, cred.euid);
	EXPECT_EQ(1003, cred.suid);
	EXPECT_EQ(1004, cred.fsuid);
	EXPECT_EQ(2001, cred.gid);
	EXPECT_EQ(2002, cred.egid);
	EXPECT_EQ(2003, cred.sgid);
	EXPECT_EQ(2004, cred.fsgid);
	EXPECT_EQ(4321, cred.loginuid);
	EXPECT_NE(~0U, cred.sessionid);
	EXPECT_EQ(CAPS_INHERITED, cred.cap_inheritable);
	EXPECT_EQ(CAPS_PERMITTED, cred.cap_permitted);
	EXPECT_EQ(CAP(KILL), cred.cap_effective);
	EXPECT_EQ(0, cred.cap_bounding & CAP(SYS_BOOT));
	EXPECT_NE(0, cred.cap_bounding);
	EXPECT_EQ(CAP(CHOWN), cred.cap_ambient);
	EXPECT_EQ(1, cred.no_new_privs);
	EXPECT_EQ(SECCOMP_MODE_FILTER, cred.seccomp);
	EXPECT_EQ(2, cred.seccomp_filters);
}

/* --- threads that differ from their process ---------------------------- */

static void handle(int sig)
{
}

/* The system calls change the thread alone; the library's change all. */
static void *be_another(void *barrier)
{
	sigset_t set;

	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	prctl(PR_SET_NAME, "another");
	td_must(!syscall(SYS_setpriority, PRIO_PROCESS, 0, 5), "setpriority");
	td_must(!syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), "tgkill");
	td_must(!syscall(SYS_setresgid, 2005, 2006, 2007), "setresgid");
	td_must(!syscall(SYS_setresuid, 1005, 1006, 1007), "setresuid");
	filter_system_calls();
	pthread_barrier_wait(barrier);
	return td_sleep_in_thread(NULL);
}

static void start_another(const void *unused)
{
	static pthread_barrier_t ready;
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, 2);
	td_must(!pthread_create(&thread, NULL, be_another, &ready),
		"pthread_create");
	pthread_barrier_wait(&ready);
}

TEST_F(groups, thread_has_values_of_its_own)
{
	struct td_set tids;
	pid_t pid, tid;

	pid = td_spawn_sleeper(start_another, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	tids = proc_tids("/proc", pid);
	ASSERT_EQ(2, tids.nr);
	tid = tids.pids[1];
	EXPECT_EQ(1006, THREAD(&self->sock, tid, CRED, cred).euid);
	EXPECT_EQ(0, PROCESS(&self->sock, pid, CRED, cred).euid);
	EXPECT_EQ(5, THREAD(&self->sock, tid, SCHED, sched).nice);
	EXPECT_EQ(-1, THREAD(&self->sock, tid, SCHED, sched).exit_signal);
	EXPECT_EQ(SIGCHLD, PROCESS(&self->sock, pid, SCHED, sched).exit_signal);
	EXPECT_EQ(1ULL << (SIGUSR1 - 1),
		  THREAD(&self->sock, tid, SIGNAL, signal).pending);
	EXPECT_EQ(0, PROCESS(&self->sock, pid, SIGNAL, signal).pending);
	td_set_free(&tids);
}

/* --- signals, terminal, scheduling, limits ----------------------------- */

static __u64 sig_bit(int sig)
{
	return 1ULL << (sig - 1);
}

static void set_signals(const void *unused)
{
	union sigval value = {};
	sigset_t set;
	int i;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMAX);
	td_must(!sigprocmask(SIG_SETMASK, &set, NULL), "sigprocmask");
	signal(SIGHUP, SIG_IGN);
	signal(SIGRTMIN + 5, SIG_IGN);
	signal(SIGTERM, handle);
	signal(SIGRTMAX - 1, handle);
	td_must(!syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), "tgkill");
	td_must(!kill(getpid(), SIGUSR2), "kill");
	for (i = 0; i < 7; i++)
		td_must(!sigqueue(getpid(), SIGRTMAX, value), "sigqueue");
}

TEST_F(groups, signals_equal_procfs)
{
	struct task_diag_signal signal;
	pid_t pid;

	pid = td_spawn_sleeper(set_signals, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	signal = PROCESS(&self->sock, pid, SIGNAL, signal);
	EXPECT_EQ(sig_bit(SIGUSR1), signal.pending);
	EXPECT_EQ(sig_bit(SIGUSR2) | sig_bit(SIGRTMAX), signal.shared_pending);
	EXPECT_EQ(sig_bit(SIGUSR1) | sig_bit(SIGUSR2) | sig_bit(SIGRTMAX),
		  signal.blocked);
	EXPECT_EQ(sig_bit(SIGHUP) | sig_bit(SIGRTMIN + 5),
		  signal.ignored & (sig_bit(SIGHUP) | sig_bit(SIGRTMIN + 5) |
				    sig_bit(SIGTERM)));
	EXPECT_EQ(sig_bit(SIGTERM) | sig_bit(SIGRTMAX - 1),
		  signal.caught & (sig_bit(SIGTERM) | sig_bit(SIGRTMAX - 1) |
				   sig_bit(SIGHUP)));
	EXPECT_LE(9, signal.queued);
	EXPECT_EQ(0, signal.tty_nr);
	EXPECT_EQ(-1, signal.tty_pgrp);
}

static void open_terminal(const void *unused)
{
	int master, slave;

	td_must(setsid() > 0, "setsid");
	master = posix_openpt(O_RDWR | O_NOCTTY);
	td_must(master >= 0 && !grantpt(master) && !unlockpt(master), "ptmx");
	slave = open(ptsname(master), O_RDWR);
	td_must(slave >= 0, "pts");
	td_must(tcgetpgrp(slave) == getpid(), "tcgetpgrp");
}

TEST_F(groups, terminal_equals_procfs)
{
	struct task_diag_signal signal;
	pid_t pid;

	pid = td_spawn_sleeper(open_terminal, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	signal = PROCESS(&self->sock, pid, SIGNAL, signal);
	EXPECT_EQ(136, signal.tty_nr >> 8 & 0xfff);
	EXPECT_EQ(pid, signal.tty_pgrp);
}

struct policy {
	int	policy;
	int	priority;
	int	nice;
};

static void set_policy(const void *arg)
{
	const struct policy *policy = arg;
	struct sched_param param = { .sched_priority = policy->priority };

	while (cpu_time() < 0.01)
		getppid();
	td_must(!setpriority(PRIO_PROCESS, 0, policy->nice), "setpriority");
	td_must(!sched_setscheduler(0, policy->policy, &param),
		"sched_setscheduler");
}

TEST_F(groups, tasks_with_any_policy_equal_procfs)
{
	static const struct policy policies[] = {
		{ SCHED_OTHER, 0, -20 }, { SCHED_OTHER, 0, 19 },
		{ SCHED_BATCH, 0, 7 }, { SCHED_IDLE, 0, 0 },
		{ SCHED_FIFO, 7, -3 }, { SCHED_RR, 99, 4 },
		{ SCHED_FIFO | SCHED_RESET_ON_FORK, 1, 0 },
	};
	struct task_diag_sched sched;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		pid = td_spawn_sleeper(set_policy, &policies[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
		sched = PROCESS(&self->sock, pid, SCHED, sched);
		EXPECT_EQ(policies[i].policy & ~SCHED_RESET_ON_FORK,
			  sched.policy);
		EXPECT_EQ(policies[i].priority, sched.rt_priority);
		EXPECT_EQ(policies[i].nice, sched.nice);
		EXPECT_LT(0, sched.pcount);
		EXPECT_LT(0, sched.run_time);
	}
}

static void lead_session(const void *nice)
{
	td_must(setsid() > 0, "setsid");
	if (nice)
		td_must(td_write_file("/proc/self/autogroup", nice),
			"autogroup");
}

TEST_F(groups, autogroup_equals_procfs)
{
	struct task_diag_autogroup first, second;
	pid_t pids[2];

	pids[0] = td_spawn_sleeper(lead_session, "-7");
	ASSERT_LT(0, pids[0]);
	pids[1] = td_spawn_sleeper(lead_session, "19");
	ASSERT_LT(0, pids[1]);
	EXPECT_STREQ("", task_differs(&self->sock, pids[0], 0));
	EXPECT_STREQ("", task_differs(&self->sock, pids[1], 0));
	first = PROCESS(&self->sock, pids[0], AUTOGROUP, autogroup);
	second = PROCESS(&self->sock, pids[1], AUTOGROUP, autogroup);
	EXPECT_EQ(-7, first.nice);
	EXPECT_EQ(19, second.nice);
	EXPECT_NE(first.id, second.id);
}

static void set_ioprio(int ioprio)
{
	td_must(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, ioprio),
		"ioprio_set");
}

/* IOPRIO is what was set, or 0, and not what the nice value implies. */
static void be_nice_to_storage(const void *ioprio)
{
	td_must(!setpriority(PRIO_PROCESS, 0, 5), "setpriority");
	if (*(const int *)ioprio)
		set_ioprio(*(const int *)ioprio);
}

TEST_F(groups, any_io_priority_is_reported)
{
	const int ioprios[] = {
		0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 3),
		IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 0),
		IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7),
		IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0),
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(ioprios); i++) {
		pid = td_spawn_sleeper(be_nice_to_storage, &ioprios[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
		EXPECT_EQ(ioprios[i],
			  PROCESS(&self->sock, pid, IOPRIO, ioprio).ioprio);
	}
}

static void *sleep_with_ioprio_and_cpu(void *unused)
{
	set_ioprio(IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
	td_stay_on_cpu(0);
	td_ready();
	return td_sleep_in_thread(NULL);
}

static void start_thread_with_ioprio_and_cpu(const void *unused)
{
	pthread_t thread;

	set_ioprio(IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 2));
	td_must(!pthread_create(&thread, NULL, sleep_with_ioprio_and_cpu, NULL),
		"pthread_create");
	/* The thread says when they are ready. */
	for (;;)
		pause();
}

/* The mask of up to 64 processors or memory nodes that a task may use */
static __u64 get_mask(struct td_sock *sock, __u64 strategy, __u32 nr, bool mems)
{
	char bytes[sizeof(struct task_diag_affinity) + 256];
	struct task_diag_affinity info;
	__u32 words[2] = {}, bits, at;
	size_t len;

	len = td_get_bytes(sock, strategy, nr, TASK_DIAG_AFFINITY, bytes,
			   sizeof(bytes));
	memcpy(&info, bytes, sizeof(info));
	bits = mems ? info.mems : info.cpus;
	at = mems ? info.mems_at : info.cpus_at;
	if (len && at <= sizeof(bytes) - sizeof(words))
		memcpy(words, bytes + at, bits > 32 ? 8 : bits ? 4 : 0);
	return words[0] | (__u64)words[1] << 32;
}

TEST_F(groups, thread_has_its_own_io_priority_and_processors)
{
	struct task_diag_ioprio ioprio;
	struct td_set tids;
	__u64 all;
	pid_t pid;

	pid = td_spawn_sleeper(start_thread_with_ioprio_and_cpu, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	tids = proc_tids("/proc", pid);
	ASSERT_EQ(2, tids.nr);
	ioprio = THREAD(&self->sock, tids.pids[0], IOPRIO, ioprio);
	EXPECT_EQ(IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 2), ioprio.ioprio);
	ioprio = THREAD(&self->sock, tids.pids[1], IOPRIO, ioprio);
	EXPECT_EQ(IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0), ioprio.ioprio);
	EXPECT_EQ(1, get_mask(&self->sock, TASK_DIAG_DUMP_THREAD, tids.pids[1],
			      false));
	all = get_mask(&self->sock, TASK_DIAG_DUMP_THREAD, tids.pids[0], false);
	EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), __builtin_popcountll(all));
	td_set_free(&tids);
}

static void stay_on(const void *cpu)
{
	td_stay_on_cpu(*(const int *)cpu);
}

TEST_F(groups, tasks_on_one_processor_equal_procfs)
{
	int cpu, nr = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t pid;

	for (cpu = 0; cpu < nr && cpu < 4; cpu++) {
		pid = td_spawn_sleeper(stay_on, &cpu);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
		EXPECT_EQ(1ULL << cpu, get_mask(&self->sock, TASK_DIAG_DUMP_ONE,
						pid, false));
	}
}

#define CPUSET		"/sys/fs/cgroup/taskdiag_cpuset"
#define CONTROLLERS	"/sys/fs/cgroup/cgroup.subtree_control"

static void join_cpuset(const void *unused)
{
	td_must(td_write_file(CPUSET "/cgroup.procs", "0"), "cgroup.procs");
}

TEST_F(groups, task_in_a_cpuset_equals_procfs)
{
	pid_t pid;

	if (!td_write_file(CONTROLLERS, "+cpuset"))
		SKIP(return, "no cpusets: %s", strerror(errno));
	ASSERT_TRUE(!mkdir(CPUSET, 0755) || errno == EEXIST);
	EXPECT_TRUE(td_write_file(CPUSET "/cpuset.cpus", "0"));
	EXPECT_TRUE(td_write_file(CPUSET "/cpuset.mems", "0"));
	pid = td_spawn_sleeper(join_cpuset, NULL);
	EXPECT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(1, get_mask(&self->sock, TASK_DIAG_DUMP_ONE, pid, false));
	EXPECT_EQ(1, get_mask(&self->sock, TASK_DIAG_DUMP_ONE, pid, true));
	td_kill_children();
	rmdir(CPUSET);
	td_write_file(CONTROLLERS, "-cpuset");
}

static void sleep_in_nanosleep(void)
{
	for (;;)
		sleep(1000);
}

static void sleep_in_read(void)
{
	int fds[2];
	char byte;

	td_must(!pipe(fds) && read(fds[0], &byte, 1) < 0, "read");
}

static void sleep_in_poll(void)
{
	poll(NULL, 0, -1);
}

static void sleep_in_wait(void)
{
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	wait(NULL);
}

static void sleep_in_futex(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&mutex);
	pthread_mutex_lock(&mutex);
}

static void sleep_somewhere(const void *arg)
{
	void (* const *fall_asleep)(void) = arg;

	td_ready();
	(*fall_asleep)();
}

TEST_F(groups, tasks_that_sleep_anywhere_equal_procfs)
{
	static void (* const places[])(void) = {
		sleep_in_nanosleep, sleep_in_read, sleep_in_poll, sleep_in_wait,
		sleep_in_futex,
	};
	char wchan[2][128];
	unsigned int i;
	pid_t pid;

	memset(wchan, 0, sizeof(wchan));
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		pid = td_spawn_sleeper(sleep_somewhere, &places[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
		EXPECT_LT(0, td_get_bytes(&self->sock, TASK_DIAG_DUMP_ONE, pid,
					  TASK_DIAG_WCHAN, wchan[i % 2],
					  sizeof(wchan[0]) - 1));
		EXPECT_STRNE(wchan[0], wchan[1]);
	}
}

/* The caller runs while it asks. */
TEST_F(groups, caller_gets_all_groups_of_itself)
{
	static const __u16 flags[] = { 0, NLM_F_DUMP };
	struct td_props_answer *answer;
	const struct td_group *wchan;
	char text[64];
	unsigned int i;

	td_read_file("/proc/self/wchan", text, sizeof(text));
	EXPECT_STREQ("0", text);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		answer = td_get_props(&self->sock, flags[i], TASK_DIAG_DUMP_ONE,
				      ALL_GROUPS, 0);
		EXPECT_STREQ("", td_props_whole(answer));
		ASSERT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(groups_of_self(), answer->tasks[0].has);
		wchan = &answer->tasks[0].groups[TASK_DIAG_WCHAN];
		EXPECT_STREQ("0", wchan->data);
		td_free_props(answer);
	}
}

/* Each limit has its own numbers, as far as the kernel lets it. */
static void set_limits(const void *unused)
{
	struct rlimit limit;
	int i;

	for (i = 0; i < RLIM_NLIMITS; i++) {
		limit.rlim_cur = 0x10000000 + i;
		limit.rlim_max = 0x20000000 + i;
		if (i == RLIMIT_NOFILE) {
			limit.rlim_cur = 100;
			limit.rlim_max = 200;
		} else if (i == RLIMIT_CORE || i == RLIMIT_CPU) {
			limit.rlim_max = RLIM_INFINITY;
		} else if (i == RLIMIT_AS || i == RLIMIT_DATA) {
			limit.rlim_cur = (1ULL << 40) + i;
			limit.rlim_max = (1ULL << 41) + i;
		}
		td_must(!setrlimit(i, &limit), "setrlimit");
	}
	td_must(td_write_file("/proc/self/oom_score_adj", "-321"),
		"oom_score_adj");
}

TEST_F(groups, limits_equal_procfs)
{
	struct task_diag_oom oom;
	pid_t pid;

	pid = td_spawn_sleeper(set_limits, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	oom = PROCESS(&self->sock, pid, OOM, oom);
	EXPECT_EQ(-321, oom.oom_score_adj);
	EXPECT_LT(0, oom.oom_score);
}

static void set_oom_score_adj(const void *text)
{
	td_must(td_write_file("/proc/self/oom_score_adj", text),
		"oom_score_adj");
}

TEST_F(groups, oom_scores_equal_procfs)
{
	pid_t first, last;

	first = td_spawn_sleeper(set_oom_score_adj, "1000");
	last = td_spawn_sleeper(set_oom_score_adj, "-1000");
	ASSERT_LT(0, first);
	ASSERT_LT(0, last);
	EXPECT_STREQ("", process_differs(&self->sock, first));
	EXPECT_STREQ("", process_differs(&self->sock, last));
	EXPECT_LT(1000, PROCESS(&self->sock, first, OOM, oom).oom_score);
	EXPECT_EQ(0, PROCESS(&self->sock, last, OOM, oom).oom_score);
}

static void open_many(const void *unused)
{
	struct rlimit limit = { 1024, 1024 };
	int i, fd;

	td_must(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	for (i = 0; i < 300; i++) {
		fd = open("/dev/null", O_RDONLY);
		td_must(fd >= 0, "open");
	}
	for (i = fd; i > fd - 280; i -= 2)
		close(i);
}

TEST_F(groups, open_files_are_counted)
{
	struct task_diag_fd fd;
	pid_t pid;

	pid = td_spawn_sleeper(open_many, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	fd = PROCESS(&self->sock, pid, FD, fd);
	EXPECT_LE(160, fd.open_fds);
	EXPECT_LE(300, fd.max_fds);
}

/* --- memory ------------------------------------------------------------ */

/* Pages that io_uring keeps are pinned. */
static void pin(char *area, size_t size)
{
	struct iovec iov = { .iov_base = area, .iov_len = size };
	struct io_uring_params params = {};
	int fd;

	fd = syscall(SYS_io_uring_setup, 1, &params);
	td_must(fd >= 0, "io_uring_setup");
	td_must(!syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS,
			 &iov, 1), "io_uring_register");
}

static char *map(size_t size, int flags, int fd)
{
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 1, size);
	return area;
}

static void use_memory(const void *unused)
{
	touch_memory(9 << 20);
	map(1 << 20, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(2 << 20, MAP_SHARED | MAP_ANONYMOUS, -1);
	td_must(!mlock(map(40960, MAP_PRIVATE | MAP_ANONYMOUS, -1), 40960),
		"mlock");
	/* io_uring charges who may lock as much as they like for nothing. */
	set_caps(0, 0, 0);
	pin(map(20480, MAP_PRIVATE | MAP_ANONYMOUS, -1), 20480);
}

TEST_F(groups, memory_of_every_kind_equals_procfs)
{
	struct task_diag_mem mem;
	pid_t pid;

	pid = td_spawn_sleeper(use_memory, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	mem = PROCESS(&self->sock, pid, MEM, mem);
	EXPECT_LE(mem.total_vm + (4 << 20), mem.hiwater_vm);
	EXPECT_LE(mem.rss_anon + mem.rss_file + mem.rss_shmem + (4 << 20),
		  mem.hiwater_rss);
	EXPECT_LE(1 << 20, mem.rss_anon);
	EXPECT_LE(2 << 20, mem.rss_shmem);
	EXPECT_LE(4096, mem.rss_file);
	EXPECT_EQ(40960, mem.locked);
	EXPECT_EQ(20480, mem.pinned);
	EXPECT_LE(4096, mem.pgtables);
}

static void use_huge_page(const void *unused)
{
	map(2 << 20, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
}

static void make_code_writable(const void *unused)
{
	unsigned long start, end;
	char line[PATH_MAX + 100];
	FILE *maps = fopen("/proc/self/maps", "r");

	td_must(maps, "maps");
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx r-xp", &start, &end) == 2 &&
		    strstr(line, "r-xp") && strchr(line, '/'))
			td_must(!mprotect((void *)start, end - start,
					  PROT_READ | PROT_WRITE | PROT_EXEC),
				"mprotect");
	fclose(maps);
}

/* Code that can be written to is code to statm, not to status. */
TEST_F(groups, task_with_writable_code_equals_procfs)
{
	struct task_diag_mm_map map;
	unsigned long text;
	char statm[256];
	pid_t pid;

	pid = td_spawn_sleeper(make_code_writable, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	map = PROCESS(&self->sock, pid, MM_MAP, mm_map);
	ASSERT_LT(0, proc_read("/proc", pid, 0, "statm", statm, sizeof(statm)));
	td_must(sscanf(statm, "%*u %*u %*u %lu", &text) == 1, "statm");
	EXPECT_EQ(text, (map.end_code + 4095) / 4096 - map.start_code / 4096);
}

TEST_F(groups, huge_pages_equal_procfs)
{
	static const char nr_hugepages[] = "/proc/sys/vm/nr_hugepages";
	char before[16];
	size_t len;
	pid_t pid;
	char *text;

	text = td_read_whole(nr_hugepages, &len);
	snprintf(before, sizeof(before), "%s", text);
	free(text);
	if (!len || !td_write_file(nr_hugepages, "2"))
		SKIP(return, "no huge pages");
	pid = td_spawn_sleeper(use_huge_page, NULL);
	EXPECT_LT(0, pid);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
	EXPECT_EQ(2 << 20, PROCESS(&self->sock, pid, MEM, mem).hugetlb);
	EXPECT_TRUE(td_write_file(nr_hugepages, before));
}

/* --- supplementary groups ---------------------------------------------- */

static void join_groups(const void *arg)
{
	unsigned int i, nr = *(const unsigned int *)arg;
	gid_t *gids = calloc(nr + 1, sizeof(*gids));

	td_must(gids, "calloc");
	for (i = 0; i < nr; i++)
		gids[i] = 3000 + 3 * i;
	td_must(!setgroups(nr, gids), "setgroups");
}

TEST_F(groups, supplementary_groups_of_any_number_equal_procfs)
{
	static const unsigned int numbers[] = { 0, 1, 1000, 5000, 65536 };
	static const size_t recv_sizes[] = { 4096, 65536 };
	struct td_props_answer *answer;
	struct td_group *group;
	struct td_sock sock;
	unsigned int i, s;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		pid = td_spawn_sleeper(join_groups, &numbers[i]);
		ASSERT_LT(0, pid);
		for (s = 0; s < ARRAY_SIZE(recv_sizes); s++) {
			ASSERT_EQ(0, td_open(&sock));
			td_set_recv_size(&sock, recv_sizes[s]);
			EXPECT_STREQ("", process_differs(&sock, pid));
			answer = td_get_props(&sock, NLM_F_DUMP,
					      TASK_DIAG_DUMP_ONE, BIT(GROUPS),
					      pid);
			ASSERT_EQ(1, answer->nr_tasks);
			group = &answer->tasks[0].groups[TASK_DIAG_GROUPS];
			EXPECT_EQ(numbers[i] * sizeof(__u32), group->len);
			EXPECT_LE(group->len / recv_sizes[s], group->nr_parts);
			EXPECT_EQ(group->nr_parts, answer->tasks[0].nr_msgs);
			td_free_props(answer);
			td_close(&sock);
		}
	}
}

/* --- arguments and environment ----------------------------------------- */

/*
 * This program as "NAME --sleep FD BYTES [...]": says on FD that it is there,
 * and sleeps. Before that it overwrites its arguments, as setproctitle() does,
 * up to BYTES past their end; 0 leaves them alone.
 */
static void sleep_main(int argc, char **argv)
{
	char *end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
	int past = atoi(argv[3]);

	td_ready_fd = atoi(argv[2]);
	if (past)
		memset(argv[0], 't', end + past - argv[0]);
	td_ready();
	for (;;)
		pause();
}

struct program {
	char	past[8];
	size_t	arg_len;	/* of one more argument */
	size_t	env_len;	/* of the only variable */
};

static char *long_text(size_t len, const char *start)
{
	char *text;
	size_t i;

	if (!len)
		return NULL;
	text = calloc(1, len + 1);
	td_must(text, "calloc");
	for (i = 0; i < len; i++)
		text[i] = 'A' + i % 57;
	memcpy(text, start, strlen(start));
	return text;
}

static void run_program(const void *arg)
{
	const struct program *program = arg;
	char *env[2] = { long_text(program->env_len, "VAR="), NULL };
	char fd[12];

	snprintf(fd, sizeof(fd), "%d", td_ready_fd);
	execle("/proc/self/exe", "sleeper", "--sleep", fd, program->past,
	       long_text(program->arg_len, "arg"), NULL, env);
	td_must(false, "execle");
}

static const struct program big_program = {
	.past = "0", .arg_len = 128 * 1024 - 1, .env_len = 100 * 1024,
};

TEST_F(groups, any_arguments_and_environment_equal_procfs)
{
	static const struct program programs[] = {
		{ "0", 0, 0 }, { "0", 10, 0 }, { "0", 10, 10 },
		{ "0", 4096, 4096 }, { "0", 6000, 3000 },
		{ "1", 0, 500 }, { "50", 10, 500 }, { "50", 5000, 500 },
		{ "-1", 0, 500 }, { "-5", 10, 500 }, { "501", 10, 500 },
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		pid = td_spawn_sleeper(run_program, &programs[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid))
			TH_LOG("program %u", i);
	}
}

FIXTURE(recv_size)
{
	struct td_sock sock;
};

FIXTURE_VARIANT(recv_size)
{
	size_t size;
};

FIXTURE_VARIANT_ADD(recv_size, page)
{
	.size = 4096,
};

FIXTURE_VARIANT_ADD(recv_size, kib_12)
{
	.size = 12288,
};

FIXTURE_VARIANT_ADD(recv_size, kib_64)
{
	.size = 65536,
};

/* The kernel remembers the largest recv of a socket: each has its own. */
FIXTURE_SETUP(recv_size)
{
	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, variant->size);
}

FIXTURE_TEARDOWN(recv_size)
{
	td_kill_children();
	td_close(&self->sock);
}

TEST_F(recv_size, parts_of_long_groups_join_to_the_whole)
{
	struct td_props_answer *answer;
	const struct td_props *task;
	pid_t pid;

	pid = td_spawn_sleeper(run_program, &big_program);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
			      ALL_GROUPS, pid);
	ASSERT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	task = &answer->tasks[0];
	EXPECT_LT(128 * 1024, task->groups[TASK_DIAG_CMDLINE].len);
	EXPECT_EQ(100 * 1024 + 1, task->groups[TASK_DIAG_ENVIRON].len);
	EXPECT_LE(228 * 1024 / 32768, task->nr_msgs);
	if (variant->size == 4096)
		EXPECT_LE(228 / 4, task->nr_msgs);
	td_free_props(answer);
}

/* Those that do not fit are split amid those that do. */
TEST_F(recv_size, tasks_that_are_split_among_many_are_whole)
{
	struct td_props_answer *answer;
	pid_t pids[9];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = td_spawn_sleeper(i % 3 == 1 ? run_program : NULL,
					   &big_program);
		ASSERT_LT(0, pids[i]);
	}
	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_CHILDREN,
			      ALL_GROUPS, 0);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(ARRAY_SIZE(pids), answer->nr_tasks);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		EXPECT_EQ(pids[i], answer->tasks[i].pid);
		EXPECT_EQ(groups_of_self(), answer->tasks[i].has);
		if (i % 3 == 1)
			EXPECT_LT(4, answer->tasks[i].nr_msgs);
	}
	td_free_props(answer);
	EXPECT_STREQ("", process_differs(&self->sock, pids[0]));
	EXPECT_STREQ("", process_differs(&self->sock, pids[4]));
}

/* --- storage ----------------------------------------------------------- */

#define STORAGE_SIZE	(16 << 20)

FIXTURE(storage)
{
	struct td_sock sock;
	struct td_storage storage;
};

FIXTURE_SETUP(storage)
{
	self->storage.fd = -1;
	ASSERT_EQ(0, td_open(&self->sock));
	ASSERT_STREQ("", td_open_storage(&self->storage, STORAGE_SIZE));
}

FIXTURE_TEARDOWN(storage)
{
	td_kill_children();
	td_close_storage(&self->storage);
	td_close(&self->sock);
}

/* Reads 32 KiB at least, writes 64, and takes back 16 before they are out. */
static void use_storage(const void *path)
{
	const __u64 range[] = { 8 << 20, 16384 };
	int fd = open(path, O_RDWR);
	static char buf[65536];

	td_must(fd >= 0 && pread(fd, buf, 32768, 4 << 20) == 32768 &&
		pwrite(fd, buf, 49152, 0) == 49152 && !fsync(fd) &&
		pwrite(fd, buf, range[1], range[0]) == (ssize_t)range[1] &&
		!ioctl(fd, BLKZEROOUT, range), path);
}

TEST_F(storage, storage_that_a_process_uses_is_counted)
{
	struct task_diag_io io;
	pid_t pid;

	/* With its last descriptor here what is dirty would be written. */
	pid = td_spawn_sleeper(use_storage, self->storage.path);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	io = PROCESS(&self->sock, pid, IO, io);
	EXPECT_LE(32768, io.read_bytes);
	EXPECT_EQ(65536, io.write_bytes);
	EXPECT_EQ(16384, io.cancelled_write_bytes);
}

TEST_F(storage, swapped_out_memory_is_counted)
{
	struct task_diag_mem mem;
	pid_t pid;

	ASSERT_STREQ("", td_start_swap(&self->storage, STORAGE_SIZE));
	pid = td_spawn_sleeper(td_swap_out, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	mem = PROCESS(&self->sock, pid, MEM, mem);
	EXPECT_EQ(1 << 19, mem.swap);
	EXPECT_LE(1 << 19, mem.rss_anon);
}

#define CGROUP	"/sys/fs/cgroup/taskdiag_groups"

static void swap_out_environment(const void *unused)
{
	char *area;

	td_must(td_write_file(CGROUP "/cgroup.procs", "0"), "cgroup.procs");
	area = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', 8192);
	td_move_strings(area, 4096, area + 4096, 4096);
	td_page_out(area + 4096, 4096);
}

/* Neither kind of request reads the page, which would be charged to the cgroup. */
static void expect_untouched(struct __test_metadata *_metadata,
			     struct td_sock *sock, pid_t pid)
{
	static const __u16 flags[] = { 0, NLM_F_DUMP };
	struct td_props_answer *answer;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		answer = td_get_props(sock, flags[i % 2], TASK_DIAG_DUMP_ONE,
				      BIT(ENVIRON), pid);
		EXPECT_STREQ("", td_props_whole(answer));
		ASSERT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(-EFAULT,
			  answer->tasks[0].groups[TASK_DIAG_ENVIRON].error);
		td_free_props(answer);
		usleep(20000);
	}
}

TEST_F(storage, swapped_out_environment_stays_swapped_out)
{
	char before[1024], after[1024], path[64];
	struct task_diag_mem mem;
	pid_t pid;

	td_write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	ASSERT_TRUE(!mkdir(CGROUP, 0755) || errno == EEXIST);
	if (access(CGROUP "/memory.reclaim", W_OK))
		SKIP(return, "no cgroup2 with memory.reclaim: CONFIG_MEMCG");
	ASSERT_STREQ("", td_start_swap(&self->storage, STORAGE_SIZE));
	pid = td_spawn_sleeper(swap_out_environment, NULL);
	ASSERT_LT(0, pid);
	/* What was written out is still cached, until that is. */
	td_write_file(CGROUP "/memory.reclaim", "1M");
	mem = PROCESS(&self->sock, pid, MEM, mem);
	EXPECT_LT(0, mem.swap);
	td_read_file(CGROUP "/memory.events", before, sizeof(before));
	expect_untouched(_metadata, &self->sock, pid);
	td_read_file(CGROUP "/memory.events", after, sizeof(after));
	EXPECT_STREQ(before, after);
	EXPECT_EQ(mem.swap, PROCESS(&self->sock, pid, MEM, mem).swap);

	/* procfs reads it in. */
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	td_read_file(path, after, sizeof(after));
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	td_kill_children();
	rmdir(CGROUP);
}

TEST_F(groups, groups_that_fit_come_in_one_message)
{
	static const struct program small = { "0", 10, 10 };
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(run_program, &small);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE, ALL_GROUPS,
			      pid);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_EQ(1, answer->tasks[0].nr_msgs);
	EXPECT_EQ(groups_of_self(), answer->tasks[0].has);
	td_free_props(answer);
}

TEST_F(groups, groups_that_do_not_fit_need_a_dump)
{
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(run_program, &big_program);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE, ALL_GROUPS,
			      pid);
	EXPECT_EQ(EMSGSIZE, answer->rest->error);
	EXPECT_STREQ("task does not fit in one message: ask with NLM_F_DUMP",
		     answer->rest->text);
	EXPECT_EQ(0, answer->nr_tasks);
	td_free_props(answer);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
}

#define NR_MANY_GIDS	20000

static void join_many_groups(const void *unused)
{
	static gid_t gids[NR_MANY_GIDS];
	unsigned int i;

	for (i = 0; i < NR_MANY_GIDS; i++)
		gids[i] = i;
	td_must(!setgroups(NR_MANY_GIDS, gids), "setgroups");
}

/* A warning of the kernel sets a bit in it. */
static unsigned long kernel_taint(void)
{
	char text[32];

	td_read_file("/proc/sys/kernel/tainted", text, sizeof(text));
	return strtoul(text, NULL, 10);
}

/* Without BASE, so that the message is empty when the group does not fit */
TEST_F(groups, group_that_does_not_fit_alone_makes_no_warning)
{
	const unsigned long before = kernel_taint();
	struct td_props_answer *answer;
	pid_t pid;

	if (geteuid())
		SKIP(return, "only root joins groups");
	pid = td_spawn_sleeper(join_many_groups, NULL);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE, BIT(GROUPS),
			      pid);
	EXPECT_EQ(EMSGSIZE, answer->rest->error);
	EXPECT_STREQ("task does not fit in one message: ask with NLM_F_DUMP",
		     answer->rest->text);
	td_free_props(answer);
	EXPECT_EQ(before, kernel_taint());
}

TEST_F(groups, sums_over_many_threads_need_a_dump)
{
	static const __u64 sums[] = { BIT(TIMES), BIT(STAT), BIT(OOM),
				      BIT(IO) };
	static const unsigned int few = 63, many = 64;
	struct td_props_answer *answer;
	pid_t pid_of_few, pid_of_many;
	unsigned int i;

	pid_of_few = td_spawn(td_start_threads, &few);
	pid_of_many = td_spawn(td_start_threads, &many);
	ASSERT_LT(0, pid_of_few);
	ASSERT_LT(0, pid_of_many);
	for (i = 0; i < ARRAY_SIZE(sums); i++) {
		answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
				      sums[i], pid_of_many);
		EXPECT_EQ(EMSGSIZE, answer->rest->error);
		EXPECT_STREQ("process has many threads: ask with NLM_F_DUMP",
			     answer->rest->text);
		EXPECT_EQ(0, answer->nr_tasks);
		td_free_props(answer);

		answer = td_get_props(&self->sock, NLM_F_DUMP,
				      TASK_DIAG_DUMP_ONE, sums[i], pid_of_many);
		EXPECT_EQ(1, answer->nr_tasks);
		td_free_props(answer);

		answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
				      sums[i], pid_of_few);
		EXPECT_EQ(1, answer->nr_tasks);
		td_free_props(answer);
	}
	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
			      BIT(BASE) | BIT(CRED), pid_of_many);
	EXPECT_EQ(1, answer->nr_tasks);
	td_free_props(answer);
}

/*
 * Arguments and environment anywhere: @arg bytes, @gap more, @env bytes, all
 * letters but for zeroes at @nul, of which 0 ends the list. Negative ones count
 * from the end of the arguments.
 */
struct title {
	int	arg;
	int	gap;
	int	env;
	int	nul[4];
};

#define TITLE_START	1000	/* amid a page */

static void set_title(const void *arg)
{
	const struct title *title = arg;
	char *area = map(8 * 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *text = area + TITLE_START;
	int i;

	for (i = 0; i < 7 * 4096; i++)
		text[i] = 'a' + i % 26;
	for (i = 0; i < ARRAY_SIZE(title->nul) && title->nul[i]; i++)
		text[title->nul[i] + (title->nul[i] < 0 ? title->arg : 0)] = 0;
	td_move_strings(text, title->arg, text + title->arg + title->gap,
			title->env);
}

TEST_F(groups, any_title_equals_procfs)
{
	static const struct title titles[] = {
		{ 10, 0, 20, { 4, -1 } },	/* no title: two arguments */
		{ 10, 0, 20, { 15 } },		/* runs into the environment */
		{ 10, 0, 20, { 10 } },		/* its zero byte is there */
		{ 10, 0, 20, {} },			/* fills the environment */
		{ 10, 0, 20, { 3 } },		/* ends before the arguments */
		{ 10, 5, 20, { 12 } },		/* no environment behind */
		{ 10, 0, 0, {} },			/* no environment at all */
		{ 5000, 0, 20, {} },		/* more than a page */
		{ 5000, 0, 20, { 4500 } },	/* and ends in the second */
		{ 5000, 0, 20, { 100 } },
		{ 4096, 0, 20, {} }, { 4096, 0, 20, { 4096 } },
		{ 4095, 0, 20, {} }, { 4095, 0, 20, { 4096 } },
		{ 2000, 0, 5000, {} }, { 2000, 0, 5000, { 5000 } },
		{ 12000, 0, 6000, { -1 } },	/* no title, but long */
		{ 0, 0, 20, {} }, { 0, 0, 0, {} }, { 1, 0, 1, {} }, { 1, 0, 1, { -1 } },
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(titles); i++) {
		pid = td_spawn_sleeper(set_title, &titles[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid))
			TH_LOG("title %u", i);
	}
}

/* Pages that were never touched are read as zeroes. */
static void use_untouched_pages(const void *unused)
{
	char *area = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	td_move_strings(area, 8192, area + 8192, 8192);
}

TEST_F(groups, untouched_arguments_equal_procfs)
{
	pid_t pid;

	pid = td_spawn_sleeper(use_untouched_pages, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
}

/* --- groups that cannot be read now ------------------------------------ */

/* Pages of which all but the first @arg come when a handler likes: never. */
static void wait_for_handler(const void *arg)
{
	size_t present = *(const unsigned int *)arg * 4096;
	char *area = td_map_for_handler(4 * 4096, present);

	td_move_strings(area, 8192, area + 8192, 8192);
}

static void map_file(const void *unused)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *area = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);

	td_must(area != MAP_FAILED, "mmap");
	td_move_strings(area, 4096, area + 4096, 4096);
}

/* CMDLINE and ENVIRON fail, without a wait, and all others are there. */
static void expect_absent_pages(struct __test_metadata *_metadata,
				struct td_sock *sock, pid_t pid)
{
	struct td_props_answer *answer;
	const struct td_props *task;
	double start = td_now();

	answer = td_get_props(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE, ALL_GROUPS,
			      pid);
	EXPECT_GT(1, td_now() - start);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	task = &answer->tasks[0];
	EXPECT_EQ(STRINGS, task->failed);
	EXPECT_EQ(-EFAULT, task->groups[TASK_DIAG_CMDLINE].error);
	EXPECT_EQ(-EFAULT, task->groups[TASK_DIAG_ENVIRON].error);
	td_free_props(answer);
}

TEST_F(groups, arguments_behind_userfaultfd_are_not_in_memory)
{
	static const unsigned int present[] = { 0, 1 };
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(present); i++) {
		pid = td_spawn_sleeper(wait_for_handler, &present[i]);
		ASSERT_LT(0, pid);
		expect_absent_pages(_metadata, &self->sock, pid);
		EXPECT_STREQ("", process_fails(&self->sock, pid, STRINGS));
	}
}

/* procfs has nothing of arguments in a file, either. */
TEST_F(groups, arguments_in_a_file_are_absent)
{
	pid_t pid;

	pid = td_spawn_sleeper(map_file, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
}

/* What becomes of the pages @first up to @end of four with arguments */
struct unreadable {
	unsigned int first;
	unsigned int end;
	bool unmapped;
	size_t len;		/* what is left to be read */
};

static void make_unreadable(const void *arg)
{
	const struct unreadable *pages = arg;
	char *area = mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *first = area + pages->first * 4096;
	size_t len = (pages->end - pages->first) * 4096;

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', 6 * 4096);
	area[4 * 4096 - 1] = 0;
	/* Of its own, for what comes before not to grow */
	td_must(!mprotect(area + 5 * 4096, 4096, PROT_NONE), "mprotect");
	td_move_strings(area, 4 * 4096, area + 4 * 4096, 4096);
	if (pages->unmapped)
		td_must(!munmap(first, len), "munmap");
	else
		td_must(!mprotect(first, len, PROT_NONE), "mprotect");
}

static void have_arguments(const void *unused)
{
	char *area = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', 4096);
	area[999] = 0;
	td_move_strings(area, 1000, area + 1000, 500);
}

TEST_F(groups, strings_that_fit_a_message_are_not_cut)
{
	static const __u16 groups[] = {
		TASK_DIAG_CMDLINE, TASK_DIAG_ENVIRON, TASK_DIAG_EXE,
	};
	struct td_props_answer *answer;
	const struct td_group *group;
	unsigned int i, k, nr = 0;

	for (i = 0; i < 30; i++)
		ASSERT_LT(0, td_spawn_sleeper(have_arguments, NULL));
	td_set_recv_size(&self->sock, 4096);
	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL,
			      STRINGS | BIT(EXE), 0);
	EXPECT_STREQ("", td_props_whole(answer));
	for (i = 0; i < answer->nr_tasks; i++) {
		for (k = 0; k < ARRAY_SIZE(groups); k++) {
			group = &answer->tasks[i].groups[groups[k]];
			if (!group->len || group->len > 3000)
				continue;
			EXPECT_EQ(1, group->nr_parts);
			nr++;
		}
	}
	EXPECT_LE(90, nr);
	td_free_props(answer);
}

TEST_F(groups, strings_that_cannot_be_read_end_as_in_procfs)
{
	static const struct unreadable cases[] = {
		{ 0, 4, true, 0 },
		{ 0, 4, false, 0 },
		{ 1, 2, true, 4096 },
		{ 2, 3, false, 8192 },
		{ 3, 4, false, 12288 },
	};
	struct td_props_answer *answer;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pid = td_spawn_sleeper(make_unreadable, &cases[i]);
		ASSERT_LT(0, pid);
		answer = td_get_props(&self->sock, NLM_F_DUMP,
				      TASK_DIAG_DUMP_ONE, STRINGS, pid);
		EXPECT_STREQ("", td_props_whole(answer));
		ASSERT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(0, answer->tasks[0].failed);
		EXPECT_EQ(cases[i].len,
			  answer->tasks[0].groups[TASK_DIAG_CMDLINE].len)
			TH_LOG("case %u", i);
		EXPECT_EQ(4096, answer->tasks[0].groups[TASK_DIAG_ENVIRON].len);
		td_free_props(answer);
		EXPECT_STREQ("", process_differs(&self->sock, pid))
			TH_LOG("case %u", i);
	}
}

/*
 * A stack with a hole in it: procfs makes it grow there, and reads zeroes. It is
 * not asked here, as it may leave a backtrace in the kernel's log.
 */
static void unmap_amid_stack(const void *unused)
{
	char *area = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', 8 * 4096);
	area[6 * 4096 - 1] = 0;
	td_move_strings(area, 6 * 4096, area + 6 * 4096, 2 * 4096);
	td_must(!munmap(area + 2 * 4096, 4096), "munmap");
}

TEST_F(groups, arguments_below_a_hole_in_the_stack_equal_procfs)
{
	struct td_props_answer *answer;
	struct td_group *args;
	pid_t pid;

	pid = td_spawn_sleeper(unmap_amid_stack, NULL);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
			      STRINGS, pid);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_EQ(0, answer->tasks[0].failed);
	args = &answer->tasks[0].groups[TASK_DIAG_CMDLINE];
	ASSERT_EQ(6 * 4096, args->len);
	EXPECT_EQ('x', args->data[2 * 4096 - 1]);
	EXPECT_EQ(0, args->data[2 * 4096]);
	EXPECT_EQ(0, args->data[3 * 4096 - 1]);
	EXPECT_EQ('x', args->data[3 * 4096]);
	td_free_props(answer);
}

static void *map_and_unmap(void *unused)
{
	char *area;

	for (;;) {
		area = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		td_must(area != MAP_FAILED, "mmap");
		*area = 1;
		munmap(area, 65536);
	}
	return NULL;
}

static void start_mappers(const void *unused)
{
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < 8; i++)
		td_must(!pthread_create(&thread, NULL, map_and_unmap, NULL),
			"pthread_create");
}

static unsigned int count_failed(struct td_sock *sock, __u64 groups, pid_t pid,
				 unsigned int rounds)
{
	struct td_props_answer *answer;
	unsigned int failed = 0;

	while (rounds--) {
		answer = td_get_props(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
				      groups, pid);
		failed += answer->nr_tasks != 1 || answer->tasks[0].failed;
		td_free_props(answer);
	}
	return failed;
}

/* At most one in twenty, where procfs would wait for its turn */
TEST_F(groups, arguments_of_a_process_that_maps_all_the_time_are_read)
{
	pid_t pid;

	if (!td_has_vma_locks())
		SKIP(return, "32-bit kernels have no CONFIG_PER_VMA_LOCK");
	pid = td_spawn_sleeper(start_mappers, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, count_failed(&self->sock, STRINGS, pid, 300));
	EXPECT_GE(5, count_failed(&self->sock, BIT(VMA), pid, 100));
	EXPECT_GE(5, count_failed(&self->sock, BIT(MEM_ROLLUP), pid, 100));
	EXPECT_GE(5, count_failed(&self->sock, BIT(VMA_STAT), pid, 100));
}

/* Starts a dump of a process, and receives its first part. */
static struct td_props_answer *begin_task(struct td_sock *sock, pid_t pid,
					  __u64 groups)
{
	struct task_diag_pid req = {
		.show_flags = groups,
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = pid,
	};
	struct td_props_answer *answer;

	td_set_recv_size(sock, 4096);
	answer = td_start_props(sock, NLM_F_DUMP, &req);
	while (!answer->nr_tasks && td_recv_props(sock, answer))
		;
	return answer;
}

/*
 * Expects of a task whose first part was received that the rest is gone. One
 * recv more is on its way already: the kernel is ahead by it.
 */
static void expect_gone(struct __test_metadata *_metadata, struct td_sock *sock,
			struct td_props_answer *answer)
{
	const struct td_props *task;

	while (td_recv_props(sock, answer))
		;
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	task = &answer->tasks[0];
	EXPECT_EQ(STRINGS, task->failed);
	EXPECT_EQ(-ESRCH, task->groups[TASK_DIAG_CMDLINE].error);
	EXPECT_EQ(-ESRCH, task->groups[TASK_DIAG_ENVIRON].error);
	EXPECT_EQ(groups_of_self() & ~BIT(ENVIRON), task->has);
	td_free_props(answer);
}

TEST_F(groups, end_of_the_task_ends_its_answer)
{
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(run_program, &big_program);
	ASSERT_LT(0, pid);
	answer = begin_task(&self->sock, pid, ALL_GROUPS);
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_TRUE(answer->tasks[0].more);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	expect_gone(_metadata, &self->sock, answer);

	/* The same with one that is reaped. */
	pid = td_spawn_sleeper(run_program, &big_program);
	ASSERT_LT(0, pid);
	answer = begin_task(&self->sock, pid, ALL_GROUPS);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	expect_gone(_metadata, &self->sock, answer);
}

/* Sleeps with long arguments until a signal, then runs something else. */
static void run_again(int sig)
{
	execl("/proc/self/exe", "again", NULL);
	_exit(1);
}

static void exec_on_signal(const void *unused)
{
	char *area = map(40 * 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	signal(SIGUSR1, run_again);
	area[20 * 4096 - 1] = 0;
	td_move_strings(area, 20 * 4096, area + 20 * 4096, 20 * 4096);
}

/* Makes the task that exec_on_signal() prepared do so, and waits for it. */
static bool calls_exec(pid_t pid)
{
	double deadline = td_now() + TD_DEADLINE_S;
	char text[64] = "";

	td_must(!kill(pid, SIGUSR1), "kill");
	while (strcmp(text, "again") && td_now() < deadline)
		proc_read("/proc", pid, 0, "cmdline", text, sizeof(text));
	return !strcmp(text, "again");
}

TEST_F(groups, exec_ends_the_answer_for_the_task)
{
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(exec_on_signal, NULL);
	ASSERT_LT(0, pid);
	answer = begin_task(&self->sock, pid, ALL_GROUPS);
	ASSERT_EQ(1, answer->nr_tasks);
	ASSERT_TRUE(calls_exec(pid));
	expect_gone(_metadata, &self->sock, answer);
}

static void join_groups_and_exec_on_signal(const void *nr)
{
	join_groups(nr);
	exec_on_signal(NULL);
}

/* Nor is anything left of one that needs no memory. */
TEST_F(groups, exec_ends_a_long_list)
{
	static const unsigned int nr = 65536;
	struct td_props_answer *answer;
	const struct td_props *task;
	pid_t pid;

	pid = td_spawn_sleeper(join_groups_and_exec_on_signal, &nr);
	ASSERT_LT(0, pid);
	answer = begin_task(&self->sock, pid, BIT(CRED) | BIT(GROUPS));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_TRUE(answer->tasks[0].more);
	ASSERT_TRUE(calls_exec(pid));
	while (td_recv_props(&self->sock, answer))
		;
	EXPECT_STREQ("", td_props_whole(answer));
	task = td_find_props(answer, pid);
	ASSERT_NE(NULL, task);
	EXPECT_EQ(BIT(GROUPS), task->failed);
	EXPECT_EQ(-ESRCH, task->groups[TASK_DIAG_GROUPS].error);
	td_free_props(answer);
}

/* --- other readers, other namespaces ----------------------------------- */

/* Compares children of this process: a plain one, and one with threads. */
static const char *own_children_differ(void)
{
	static const unsigned int nr_threads = 2;
	struct td_sock sock;
	const char *text;
	pid_t plain, threads;

	td_must(!td_open(&sock), "td_open");
	plain = td_spawn_sleeper(NULL, NULL);
	threads = td_spawn_sleeper(td_start_threads, &nr_threads);
	td_must(plain > 0 && threads > 0, "td_spawn");
	text = task_differs(&sock, plain, 0);
	if (!text[0])
		text = task_differs(&sock, threads, 0);
	td_close(&sock);
	return text;
}

static const char *user_sees_his_own(void)
{
	td_become(TD_ALICE);
	return own_children_differ();
}

TEST(ordinary_user_gets_the_same_values)
{
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(user_sees_his_own));
}

static void map_to_user(const void *unused)
{
	static const gid_t gids[] = { TD_ALICE, TD_BOB };

	td_must(!setgroups(2, gids), "setgroups");
	td_unshare_user(0);
}

TEST_F(groups, ids_are_those_of_the_readers_user_namespace)
{
	pid_t pid;

	pid = td_spawn_sleeper(map_to_user, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(0, PROCESS(&self->sock, pid, CRED, cred).uid);
}

static const char *groups_overflow(void)
{
	struct td_props_answer *answer;
	const char *text = "GROUPS has no overflow ids";
	struct td_sock sock;
	__u32 *gids;

	map_to_user(NULL);
	td_must(!td_open(&sock), "td_open");
	answer = td_get_props(&sock, 0, TASK_DIAG_DUMP_ONE, BIT(GROUPS), 0);
	gids = (void *)answer->tasks[0].groups[TASK_DIAG_GROUPS].data;
	if (gids && gids[0] == 65534 && gids[1] == 65534)
		text = own_children_differ();
	td_free_props(answer);
	return text;
}

static const char *ids_overflow(void)
{
	struct task_diag_cred cred;
	struct td_sock sock;

	td_must(!unshare(CLONE_NEWUSER), "unshare");
	td_must(!td_open(&sock), "td_open");
	cred = PROCESS(&sock, getpid(), CRED, cred);
	if (cred.uid != 65534 || cred.fsuid != 65534 || cred.egid != 65534)
		return "CRED has no overflow ids";
	return own_children_differ();
}

TEST(ids_that_a_user_namespace_lacks_are_overflow_ids)
{
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(groups_overflow));
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(ids_overflow));
}

#define TIME_OFFSET_S	1000000

/* In a time namespace of its own; the parent's start is the same event. */
static const char *start_time_is_shifted(void)
{
	struct task_diag_times outside, inside;
	struct td_sock sock;
	int fds[2];
	pid_t pid;

	td_must(!pipe(fds), "pipe");
	td_must(!td_open(&sock), "td_open");
	outside = PROCESS(&sock, getppid(), TIMES, times);
	td_must(!unshare(CLONE_NEWTIME), "unshare");
	td_must(td_write_file("/proc/self/timens_offsets",
			      "boottime 1000000 0"), "timens_offsets");
	pid = fork();
	if (pid)
		return td_wait(pid) ? "see above" : "";
	/* The socket was opened outside: the dump belongs to who asks. */
	td_children = (struct td_set){};
	td_must(!td_open(&sock), "td_open");
	inside = PROCESS(&sock, parent_of(getppid()), TIMES, times);
	td_must(inside.start_time ==
		outside.start_time + TIME_OFFSET_S * 1000000000ULL,
		"start_time");
	fprintf(stderr, "%s", own_children_differ());
	td_kill_children();
	_exit(diff.len ? KSFT_FAIL : KSFT_PASS);
}

TEST(start_time_is_of_the_readers_time_namespace)
{
	if (access("/proc/self/timens_offsets", W_OK))
		SKIP(return, "no time namespaces");
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(start_time_is_shifted));
}

static void start_session_below(const void *unused)
{
	pid_t pid;

	td_must(!unshare(CLONE_NEWPID), "unshare");
	pid = td_fork();
	if (!pid) {
		open_terminal(NULL);
		td_ready();
		for (;;)
			pause();
	}
	td_must(pid > 0, "fork");
	/* It is the child that says that all is ready. */
	td_must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	close(td_ready_fd);
	td_ready_fd = -1;
}

static const char *pid_namespace_agrees(void)
{
	pid_t pid;

	td_must(!unshare(CLONE_NEWPID | CLONE_NEWNS), "unshare");
	pid = fork();
	if (pid)
		return td_wait(pid) ? "see above" : "";
	td_children = (struct td_set){};
	td_must(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		!mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
	fprintf(stderr, "%s", own_children_differ());
	td_kill_children();
	_exit(diff.len ? KSFT_FAIL : KSFT_PASS);
}

TEST_F(groups, task_in_another_pid_namespace_equals_procfs)
{
	struct td_set children;
	pid_t pid;
	char path[80];
	char *text;
	size_t len;

	pid = td_spawn(start_session_below, NULL);
	ASSERT_LT(0, pid);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	text = td_read_whole(path, &len);
	children = (struct td_set){};
	td_set_add(&children, strtoul(text, NULL, 10));
	free(text);
	ASSERT_LT(0, children.pids[0]);
	EXPECT_STREQ("", task_differs(&self->sock, children.pids[0], 0));
	EXPECT_EQ(children.pids[0],
		  PROCESS(&self->sock, children.pids[0], SIGNAL, signal)
		  .tty_pgrp);
	td_set_free(&children);
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(pid_namespace_agrees));
}

/* --- tasks that run ---------------------------------------------------- */

static void *run_for_ever(void *unused)
{
	for (;;) {
		touch_memory(16 * 4096);
		fault_with_io();
	}
	return unused;
}

static void keep_running(const void *unused)
{
	pthread_t thread;
	int null;

	null = open("/dev/null", O_WRONLY);
	td_must(null >= 0, "open");
	td_must(!pthread_create(&thread, NULL, run_for_ever, NULL),
		"pthread_create");
	td_ready();
	for (;;) {
		/* What a thread did must not be lost, nor counted twice. */
		td_must(!pthread_create(&thread, NULL, work_and_end, NULL),
			"pthread_create");
		pthread_join(thread, NULL);
		reap_workers(NULL);
		td_must(write(null, "running", 7) == 7, "write");
	}
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

/* Within what procfs says before and after; returns the sum of all counters. */
static __u64 check_running(struct td_sock *sock, const struct query *query)
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

TEST_F(groups, running_process_is_within_what_procfs_says)
{
	struct query query = { .flags = NLM_F_DUMP };
	const double deadline = td_now() + TD_DEADLINE_S;
	__u64 sum, last = 0;
	unsigned int i, grew = 0;
	pid_t pid;

	pid = td_spawn(keep_running, NULL);
	ASSERT_LT(0, pid);
	query.pid = pid;
	query.tgid = pid;
	begin_diff();
	/* At times it may not have had a processor in between. */
	for (i = 0; !diff.len && (i < 30 ||
				  (grew <= 5 && td_now() < deadline)); i++) {
		query.strategy = TASK_DIAG_DUMP_ONE;
		query.tid = 0;
		sum = check_running(&self->sock, &query);
		grew += sum > last;
		last = sum;
		query.strategy = TASK_DIAG_DUMP_THREAD;
		query.tid = pid;
		check_running(&self->sock, &query);
	}
	EXPECT_STREQ("", diff.text);
	EXPECT_LT(5, grew);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "--sleep"))
		sleep_main(argc, argv);
	if (!strcmp(argv[0], "again"))
		for (;;)
			pause();
	return td_main(argc, argv);
}
