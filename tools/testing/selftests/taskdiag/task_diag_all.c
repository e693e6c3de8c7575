// SPDX-License-Identifier: GPL-2.0
/* Shows tasks and their properties, as task_diag gives them. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <libtask_diag.h>
#include <linux/magic.h>

#include "delays_print.h"
#include "follow.h"
#include "groups_print.h"
#include "output.h"
#include "syscalls.h"

/* Flags of a request, which --show takes beside groups */
static const struct {
	const char *name;
	__u32 flag;
} flags[] = {
	{ "only_vma_exec", TASK_DIAG_ONLY_VMA_EXEC },
	{ "only_vma_file", TASK_DIAG_ONLY_VMA_FILE },
	{ "only_sockets", TASK_DIAG_ONLY_SOCKETS },
	{ "file_paths", TASK_DIAG_FILE_PATHS },
	{ "fd_kinds", TASK_DIAG_FD_KINDS },
	{ "with_process", TASK_DIAG_WITH_PROCESS },
};

static const char *const strategies[] = {
	[TASK_DIAG_DUMP_ALL] = "all",
	[TASK_DIAG_DUMP_ONE] = "one",
	[TASK_DIAG_DUMP_ALL_THREAD] = "all-thread",
	[TASK_DIAG_DUMP_CHILDREN] = "children",
	[TASK_DIAG_DUMP_THREAD] = "thread",
};

static const char *const event_types[] = {
	[TASK_DIAG_EVENT_FORK] = "fork",
	[TASK_DIAG_EVENT_EXEC] = "exec",
	[TASK_DIAG_EVENT_EXIT] = "exit",
	[TASK_DIAG_EVENT_COMM] = "comm",
	[TASK_DIAG_EVENT_CRED] = "cred",
};

/* --- what the kernel supports ------------------------------------------ */

static const char *flag_name(unsigned int nr)
{
	static char number[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].flag == 1U << nr)
			return flags[i].name;
	}
	snprintf(number, sizeof(number), "flag%u", nr);
	return number;
}

static const char *strategy_name(unsigned int nr)
{
	static char number[32];

	if (nr < ARRAY_SIZE(strategies))
		return strategies[nr];
	snprintf(number, sizeof(number), "strategy%u", nr);
	return number;
}

static const char *event_name(unsigned int nr)
{
	static char number[32];

	if (nr < ARRAY_SIZE(event_types) && event_types[nr])
		return event_types[nr];
	snprintf(number, sizeof(number), "event%u", nr);
	return number;
}

/* The names of the bits in @mask, each in @quote and after @separator but one */
static void print_mask(__u64 mask, const char *(*name)(unsigned int nr),
		       const char *quote, const char *separator)
{
	const char *between = "";
	unsigned int nr;

	for (nr = 0; nr < 64; nr++) {
		if (mask >> nr & 1) {
			printf("%s%s%s%s", between, quote, name(nr), quote);
			between = separator;
		}
	}
}

static void print_header(const struct task_diag_header *header)
{
	printf("show ");
	print_mask(header->show_flags, group_name, "", ",");
	printf("\nflag ");
	print_mask(header->flags, flag_name, "", ",");
	printf("\nstrategy ");
	print_mask(header->dump_strategies, strategy_name, "", "|");
	printf("\nevent ");
	print_mask(header->events, event_name, "", ",");
	printf("\nevent_show ");
	print_mask(header->event_show_flags, group_name, "", ",");
	printf("\npage_size %u\nclk_tck %u\n", header->page_size,
	       header->clk_tck);
}

static void print_json_header(const struct task_diag_header *header)
{
	printf("{\"show\":[");
	print_mask(header->show_flags, group_name, "\"", ",");
	printf("],\"flag\":[");
	print_mask(header->flags, flag_name, "\"", ",");
	printf("],\"strategy\":[");
	print_mask(header->dump_strategies, strategy_name, "\"", ",");
	printf("],\"event\":[");
	print_mask(header->events, event_name, "\"", ",");
	printf("],\"event_show\":[");
	print_mask(header->event_show_flags, group_name, "\"", ",");
	printf("],\"page_size\":%u,\"clk_tck\":%u}\n", header->page_size,
	       header->clk_tck);
}

/* --- the ways to show a task ------------------------------------------- */

static bool has_group(const struct td_task *task, unsigned int attr)
{
	return !td_group(task, attr, NULL, 0);
}

static const char *error_name(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ -E2BIG, "E2BIG" },
		{ -EAGAIN, "EAGAIN" },
		{ -EFAULT, "EFAULT" },
		{ -EMSGSIZE, "EMSGSIZE" },
		{ -ENAMETOOLONG, "ENAMETOOLONG" },
		{ -ENOMEM, "ENOMEM" },
		{ -ESRCH, "ESRCH" },
	};
	static char number[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].error == error)
			return names[i].name;
	}
	snprintf(number, sizeof(number), "errno%d", -error);
	return number;
}

/* One group besides BASE ends a task's line, unless it is of lines itself. */
static bool fits_line(__u64 show)
{
	const __u64 lines = TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT |
			    TASK_DIAG_SHOW_FILES;
	const __u64 rest = show & ~TASK_DIAG_SHOW_BASE;

	return !(rest & (rest - 1)) && !(rest & lines);
}

/* The columns of the title, and that of the one other group */
static void print_title(const char *columns, __u64 show)
{
	const char *name;
	unsigned int attr;

	fputs(columns, stdout);
	for (attr = TASK_DIAG_BASE + 1; fits_line(show) && attr < NR_GROUPS; attr++) {
		if (!(show >> attr & 1))
			continue;
		putchar(' ');
		for (name = group_name(attr); *name; name++)
			putchar(toupper(*name));
	}
	putchar('\n');
}

static void print_errors(const struct td_task *task, const char *separator)
{
	const __u64 failed = td_failed(task);
	unsigned int attr;

	for (attr = TASK_DIAG_BASE; attr < NR_GROUPS; attr++) {
		if (failed >> attr & 1)
			printf("%s[%s: %s]", separator, group_name(attr),
			       error_name(td_group(task, attr, NULL, 0)));
	}
}

static void print_process_lines(const struct td_task *process)
{
	unsigned int attr;

	for (attr = TASK_DIAG_BASE; attr < NR_GROUPS; attr++) {
		if (!has_group(process, attr))
			continue;
		printf("\n    process %s: ", group_name(attr));
		print_group(process, attr);
	}
	print_errors(process, "\n    process ");
}

/* The groups from @attr on end the line, or follow it. */
static void print_groups(const struct td_task *task, unsigned int attr, __u64 show)
{
	const bool one_line = fits_line(show);

	for (; attr < NR_GROUPS; attr++) {
		if (!has_group(task, attr))
			continue;
		if (attr == TASK_DIAG_BASE || one_line)
			putchar(' ');
		else
			printf("\n    %s: ", group_name(attr));
		print_group(task, attr);
	}
	print_errors(task, one_line ? " " : "\n    ");
	if (td_process(task))
		print_process_lines(td_process(task));
	putchar('\n');
}

static void print_lines(const struct td_task *task, __u64 show)
{
	printf("%7u", td_pid(task));
	print_groups(task, TASK_DIAG_BASE, show);
}

static void print_json_errors(const struct td_task *task)
{
	const __u64 failed = td_failed(task);
	const char *separator = "";
	unsigned int attr;

	printf(",\"errors\":[");
	for (attr = TASK_DIAG_BASE; attr < NR_GROUPS; attr++) {
		if (!(failed >> attr & 1))
			continue;
		printf("%s{\"group\":\"%s\",\"error\":\"%s\"}", separator,
		       group_name(attr), error_name(td_group(task, attr, NULL, 0)));
		separator = ",";
	}
	putchar(']');
}

static void print_json_event(const struct task_diag_event *event)
{
	printf(",\"event\":{\"type\":\"%s\",\"last\":%s,\"time\":%llu,\"id\":%llu",
	       event_name(event->type),
	       event->flags & TASK_DIAG_EVENT_LAST ? "true" : "false",
	       event->time, event->id);
	printf(",\"parent_id\":%llu,\"old_id\":%llu,\"lost\":%llu,\"tgid\":%u",
	       event->parent_id, event->old_id, event->lost, event->tgid);
	printf(",\"ppid\":%u,\"exit_code\":%d,\"exit_signal\":%d}", event->ppid,
	       event->exit_code, event->exit_signal);
}

static void print_json(const struct td_task *task)
{
	struct task_diag_event event;
	unsigned int attr;

	printf("{\"pid\":%u", td_pid(task));
	if (!td_group(task, TASK_DIAG_EVENT, &event, sizeof(event)))
		print_json_event(&event);
	for (attr = TASK_DIAG_BASE; attr < NR_GROUPS; attr++) {
		if (has_group(task, attr)) {
			printf(",\"%s\":", group_name(attr));
			print_json_group(task, attr);
		}
	}
	if (td_failed(task))
		print_json_errors(task);
	if (td_process(task)) {
		printf(",\"process\":");
		print_json(td_process(task));
	}
	putchar('}');
}

static void print_name(const struct td_task *task, int width)
{
	struct task_diag_base base;

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	print_escaped(base.comm,
		      strnlen((const char *)base.comm, sizeof(base.comm)), width);
}

/* getdelays, too, calls a thread PID and a process TGID. */
static void print_block(const struct td_task *task, const char *what)
{
	const char *stat;
	size_t len;

	printf("%s\t%u\n", what, td_pid(task));
	if (!td_bytes(task, TASK_DIAG_STAT, &stat, &len)) {
		print_delays(stat, len);
	} else {
		print_name(task, 0);
		print_errors(task, ": ");
		putchar('\n');
	}
}

/* --- events ------------------------------------------------------------ */

#define EVENT_COLUMNS	"          TIME TYPE     PID    PPID COMM            STATUS"

static void print_status(const struct task_diag_event *event)
{
	if (event->type != TASK_DIAG_EVENT_EXIT)
		printf("%6s", "");
	else if (WIFSIGNALED(event->exit_code))
		printf("SIG%-3d", WTERMSIG(event->exit_code));
	else
		printf("%6d", WEXITSTATUS(event->exit_code));
}

static void print_event_line(const struct td_task *task, __u64 show)
{
	struct task_diag_event event;

	td_group(task, TASK_DIAG_EVENT, &event, sizeof(event));
	if (event.lost)
		printf("%llu events lost\n", event.lost);
	printf("%7llu.%06llu %s %7u %7u ", event.time / 1000000000,
	       event.time / 1000 % 1000000, event_name(event.type), td_pid(task),
	       event.ppid);
	print_name(task, TASK_DIAG_COMM_LEN - 1);
	putchar(' ');
	print_status(&event);
	print_groups(task, TASK_DIAG_BASE + 1, show);
}

/* --- what was asked for ------------------------------------------------ */

#define DELAYS_SHOW	(TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_STAT)

enum mode {
	MODE_TABLE, MODE_JSON, MODE_DELAYS, MODE_QUIET, MODE_BENCH, MODE_PIDS
};

/**
 * struct selection - an attribute of the request: TASK_DIAG_SELECT_*
 * @attr: which one
 * @data: its payload
 * @len: how long that is
 */
struct selection {
	unsigned int attr;
	const void *data;
	size_t len;
};

static struct {
	struct task_diag_pid req;
	enum mode mode;
	bool strategy_given;
	bool show_given;
	bool show_all;
	bool header;
	bool plain;
	bool follow;
	bool mirror;
	bool time_given;
	__u32 events;
	unsigned int seconds;
	__u32 pids[TASK_DIAG_PIDS_MAX];
	__u32 flags;
	__u32 numbers[TASK_DIAG_ATTR_MAX + 1];
	struct selection selections[TASK_DIAG_ATTR_MAX + 1];
	size_t nr_selections;
} opts = {
	.req.show_flags = TASK_DIAG_SHOW_BASE,
};

/* @data must stay. */
static void select_by(unsigned int attr, const void *data, size_t len)
{
	size_t i;

	for (i = 0; i < opts.nr_selections; i++) {
		if (opts.selections[i].attr == attr)
			break;
	}
	opts.selections[i] = (struct selection) { attr, data, len };
	if (i == opts.nr_selections)
		opts.nr_selections++;
}

/* --- asking ------------------------------------------------------------ */

static int fail(const char *reason)
{
	fflush(stdout);
	fprintf(stderr, "task_diag_all: %s\n", reason);
	return -1;
}

static void select_tasks(struct td_handle *td)
{
	size_t i;

	for (i = 0; i < opts.nr_selections; i++)
		td_select(td, opts.selections[i].attr, opts.selections[i].data,
			  opts.selections[i].len);
}

static int show_each(struct td_handle *td, void (*show)(const struct td_task *task))
{
	const struct td_task *task;
	int ret;

	select_tasks(td);
	if (opts.plain) {
		ret = td_get(td, &opts.req, sizeof(opts.req), &task);
		if (!ret)
			show(task);
	} else {
		ret = td_dump(td, &opts.req, sizeof(opts.req));
		while (!ret && (ret = td_next(td, &task)) > 0) {
			show(task);
			ret = 0;
		}
	}
	return ret ? fail(td_error(td)) : 0;
}

static int count_tasks(struct td_handle *td)
{
	const struct td_task *task;
	unsigned long long start;
	size_t nr = 1;
	int err;

	syscalls = 0;
	start = now_ns();
	select_tasks(td);
	if (opts.plain)
		err = td_get(td, &opts.req, sizeof(opts.req), &task);
	else
		err = td_dump(td, &opts.req, sizeof(opts.req)) ?: td_count(td, &nr);
	if (err)
		return fail(td_error(td));
	if (opts.mode == MODE_BENCH)
		print_bench(nr, syscalls, now_ns() - start);
	else
		printf("%zu\n", nr);
	return 0;
}

static void print_pid(const struct td_task *task)
{
	printf("%u\n", td_pid(task));
}

static bool by_thread(void)
{
	return opts.req.dump_strategy == TASK_DIAG_DUMP_ALL_THREAD ||
	       opts.req.dump_strategy == TASK_DIAG_DUMP_THREAD;
}

static void print_task(const struct td_task *task)
{
	static const char *separator = "\n";

	if (opts.mode == MODE_JSON) {
		fputs(separator, stdout);
		print_json(task);
		separator = ",\n";
	} else if (opts.mode == MODE_DELAYS) {
		print_block(task, by_thread() ? "PID" : "TGID");
	} else {
		print_lines(task, opts.req.show_flags);
	}
}

static int show_tasks(struct td_handle *td)
{
	int err;

	if (opts.mode == MODE_JSON)
		putchar('[');
	else if (opts.mode == MODE_TABLE)
		print_title(opts.req.show_flags & TASK_DIAG_SHOW_BASE ?
			    "    PID " BASE_COLUMNS : "    PID",
			    opts.req.show_flags);
	err = show_each(td, print_task);
	if (opts.mode == MODE_JSON)
		printf("\n]\n");
	return err;
}

/* A line at a time, and each of JSON is a value of its own. */
static void print_event(const struct td_task *task)
{
	if (opts.mode == MODE_JSON) {
		print_json(task);
		putchar('\n');
	} else {
		print_event_line(task, opts.req.show_flags);
	}
}

static int show_events(struct td_handle *td, unsigned long long until_ns)
{
	const struct td_task *task;
	int ret;

	if (opts.mode == MODE_TABLE) {
		opts.req.show_flags |= TASK_DIAG_SHOW_BASE;
		print_title(EVENT_COLUMNS, opts.req.show_flags);
	}
	select_tasks(td);
	if (td_subscribe(td, &opts.req, sizeof(opts.req), opts.events))
		return fail(td_error(td));
	do {
		ret = td_event(td, &task, 0);
		if (ret > 0)
			print_event(task);
		else if (ret == -ENOBUFS)
			/* The next event tells how many. */
			fprintf(stderr, "task_diag_all: events were lost\n");
		else if (ret != -EAGAIN)
			return fail(td_error(td));
		/* Neither a signal nor the end waits for events that are there. */
		ret = wait_for_event(td_fd(td), ret == -EAGAIN ? until_ns : 1);
	} while (ret >= 0 && (!until_ns || now_ns() < until_ns));
	return 0;
}

static void show_header(const struct task_diag_header *header)
{
	if (opts.mode == MODE_JSON)
		print_json_header(header);
	else
		print_header(header);
}

static int follow(struct td_handle *td, const struct task_diag_header *header)
{
	unsigned long long until_ns = 0;

	begin_to_follow();
	if (opts.time_given)
		until_ns = now_ns() + opts.seconds * 1000000000ULL;
	if (opts.mirror)
		return follow_in_mirror(td, opts.req.dump_strategy, until_ns,
					opts.mode == MODE_JSON);
	if (!opts.events)
		opts.events = header->events;
	return show_events(td, until_ns);
}

static int show(struct td_handle *td)
{
	struct task_diag_header header;

	td_header(td, &header, sizeof(header));
	if (opts.show_all)
		opts.req.show_flags |= opts.follow ? header.event_show_flags :
						     header.show_flags;
	if (opts.header) {
		show_header(&header);
		return 0;
	}
	if (opts.follow || opts.mirror)
		return follow(td, &header);
	if (opts.mode == MODE_PIDS)
		return show_each(td, print_pid);
	if (opts.mode > MODE_DELAYS)
		return count_tasks(td);
	return show_tasks(td);
}

/* --- the command line -------------------------------------------------- */

/* What a task may be in, and how many letters the kernel takes */
#define STATES_KNOWN	"RSDTtXZPI"
#define STATES_MAX	16

static void print_usage(FILE *to)
{
	size_t i;

	fputs("usage: task_diag_all [OPTION]...\n"
	      "Shows tasks as task_diag reports them.\n\n"
	      "  --strategy WHICH  which tasks (all): ", to);
	for (i = 0; i < ARRAY_SIZE(strategies); i++)
		fprintf(to, "%s%s", i ? ", " : "", strategies[i]);
	fputs("\n"
	      "  --pid PID         where one, children and thread start; 0, the default,\n"
	      "                    is task_diag_all itself\n"
	      "  --show LIST       which properties (base): all, none, or with commas of:\n",
	      to);
	print_group_names(to, "                      ");
	fputs("                    only_vma_exec: executable mappings only;\n"
	      "                    only_vma_file: mappings of files only\n"
	      "  --sockets         files: sockets only\n"
	      "  --paths           files: with their paths\n"
	      "  --kinds           fd: how many descriptors are of each kind\n"
	      "  --with-process    for the leader of each process, also the values of the\n"
	      "                    whole process\n"
	      "  --pids LIST       only these pids, with commas, each once and in this order\n"
	      "  --cgroup DIR      only tasks of this cgroup, a directory of cgroup2\n"
	      "  --descendants     and of the cgroups below it\n"
	      "  --user USER       only tasks of this effective user, a name or a number\n"
	      "  --real-user USER  only tasks of this real user\n"
	      "  --session SID     only tasks of this session\n"
	      "  --tty DEVICE      only tasks with this controlling terminal; none: without\n"
	      "  --states LETTERS  only tasks in one of these states: " STATES_KNOWN "\n"
	      "  --kernel-threads WHICH\n"
	      "                    yes: only kernel threads; no: none of them\n"
	      "  --plain           a plain request, no dump unless it takes one: for --strategy\n"
	      "                    one, which is then the default\n"
	      "  --follow          events as they happen, in place of tasks: of processes, or of\n"
	      "                    threads with --strategy all-thread\n"
	      "  --events LIST     which (all), with commas: fork, exec, exit, comm, cred\n"
	      "  --mirror          keep all processes or threads up to date by events, compare\n"
	      "                    them with a dump each second, and report differences\n"
	      "  --for SECONDS     end --follow or --mirror after this time; without it they end\n"
	      "                    with SIGINT or SIGTERM\n"
	      "  --header          show what the kernel supports\n"
	      "  --buffer BYTES    receive no more than this at a time\n"
	      "  --help            this text\n\n"
	      "The table has a line per task: its pid, base in columns, and one other group of\n"
	      "properties. Of several others each has an indented line of its own, and each\n"
	      "mapping of vma and vma_stat, and each descriptor of files. A group that a task\n"
	      "does not have is left out; one that could not be read shows as [group: ERROR].\n"
	      "In names and other texts a byte that is not printable ASCII shows as \\xHH;\n"
	      "arguments and variables stand with a blank in between.\n\n"
	      "An event has a line of its time since boot, its type, the pid of the task and of\n"
	      "its parent, the name, for exit the status or signal, and the groups as in the\n"
	      "table; with --json it is a JSON value in a line.\n\n"
	      "In place of the table, one of these:\n"
	      "  --json            JSON, where a byte of a text that is not UTF-8 is \\udcHH\n"
	      "  --delays          waits, I/O and context switches as getdelays -d -i -q prints\n"
	      "                    them, but the name like other texts: of a thread what its\n"
	      "                    -p has, of a process what its -t has, and the name and I/O\n"
	      "                    that -t lacks; implies --show base,stat, takes no other\n"
	      "  --only-pids       pids alone, one a line\n"
	      "  --quiet           the number of tasks\n"
	      "  --bench           the number of tasks, and the system calls and the\n"
	      "                    nanoseconds from the request to its answer's end\n\n"
	      "Exit status: 0; 1 if the kernel refused, or a mirror differed from ten dumps in\n"
	      "a row; 2 for wrong usage.\n", to);
}

static noreturn void bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "task_diag_all: %s '%s'\n", what, value);
	print_usage(stderr);
	exit(2);
}

static unsigned long number(const char *option, const char *value,
			    unsigned long max)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || n > max)
		bad_usage(option, value);
	return n;
}

static __u64 parse_strategy(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		if (!strcmp(strategies[i], name))
			return i;
	}
	bad_usage("no such strategy:", name);
}

static void parse_name(const char *name)
{
	unsigned int attr;
	size_t i;

	if (find_group(name, &attr)) {
		opts.req.show_flags |= 1ULL << attr;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!strcmp(flags[i].name, name)) {
			opts.req.flags |= flags[i].flag;
			return;
		}
	}
	bad_usage("no such properties:", name);
}

static void parse_show(char *list)
{
	char *name;

	opts.req.show_flags = 0;
	opts.req.flags = 0;
	opts.show_all = false;
	opts.show_given = true;
	while ((name = strsep(&list, ","))) {
		if (!strcmp(name, "all"))
			opts.show_all = true;
		else if (strcmp(name, "none"))
			parse_name(name);
	}
}

static void parse_events(char *list)
{
	char *name;
	size_t i;

	opts.events = 0;
	while ((name = strsep(&list, ","))) {
		for (i = 1; i < ARRAY_SIZE(event_types); i++) {
			if (!strcmp(event_types[i], name))
				break;
		}
		if (i == ARRAY_SIZE(event_types))
			bad_usage("no such event:", name);
		opts.events |= 1U << i;
	}
}

static void set_mode(enum mode mode, const char *option)
{
	if (opts.mode != MODE_TABLE && opts.mode != mode)
		bad_usage("one way to show is enough:", option);
	opts.mode = mode;
}

static void select_by_number(__u16 attr, __u32 number)
{
	opts.numbers[attr] = number;
	select_by(attr, &opts.numbers[attr], sizeof(number));
}

static bool is_selected(size_t nr, __u32 pid)
{
	while (nr--) {
		if (opts.pids[nr] == pid)
			return true;
	}
	return false;
}

/* The kernel shows a task as often as the list has it: once is enough. */
static void select_pids(char *list)
{
	size_t nr = 0;
	char *item;
	__u32 pid;

	while ((item = strsep(&list, ","))) {
		pid = number("no pid:", item, UINT_MAX);
		if (is_selected(nr, pid))
			continue;
		if (nr == ARRAY_SIZE(opts.pids))
			bad_usage("too many pids, from", item);
		opts.pids[nr++] = pid;
	}
	select_by(TASK_DIAG_SELECT_PIDS, opts.pids, nr * sizeof(opts.pids[0]));
}

static void select_cgroup(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		bad_usage("no cgroup:", path);
	select_by_number(TASK_DIAG_SELECT_CGROUP_FD, fd);
}

static void select_user(__u16 attr, const char *name)
{
	const struct passwd *user = getpwnam(name);

	select_by_number(attr, user ? user->pw_uid :
				      number("no such user:", name, UINT_MAX));
}

static void select_tty(const char *path)
{
	struct stat st = {};

	if (strcmp(path, "none") && (stat(path, &st) || !S_ISCHR(st.st_mode)))
		bad_usage("no terminal:", path);
	/* The form of tty_nr, which procfs has too */
	select_by_number(TASK_DIAG_SELECT_TTY,
			 (minor(st.st_rdev) & 0xff) | major(st.st_rdev) << 8 |
			 (minor(st.st_rdev) & ~0xffU) << 12);
}

static void select_states(const char *letters)
{
	const size_t known = strspn(letters, STATES_KNOWN);

	if (!known || letters[known] || known > STATES_MAX)
		bad_usage("no states:", letters);
	select_by(TASK_DIAG_SELECT_STATES, letters, known + 1);
}

static void select_kernel_threads(const char *which)
{
	if (strcmp(which, "yes") && strcmp(which, "no"))
		bad_usage("neither yes nor no:", which);
	select_by_number(TASK_DIAG_SELECT_KTHREADS, *which == 'y');
}

enum {
	STRATEGY, PID, SHOW, PLAIN, HEADER, BUFFER, JSON, DELAYS, ONLY_PIDS, QUIET,
	BENCH, HELP, SOCKETS, PATHS, KINDS, WITH_PROCESS, PIDS, CGROUP, DESCENDANTS,
	USER, REAL_USER, SESSION, TTY, STATES, KERNEL_THREADS, FOLLOW, EVENTS, MIRROR,
	FOR
};

static const struct option options[] = {
	{ "strategy", required_argument, NULL, STRATEGY },
	{ "pid", required_argument, NULL, PID },
	{ "show", required_argument, NULL, SHOW },
	{ "plain", no_argument, NULL, PLAIN },
	{ "header", no_argument, NULL, HEADER },
	{ "buffer", required_argument, NULL, BUFFER },
	{ "json", no_argument, NULL, JSON },
	{ "delays", no_argument, NULL, DELAYS },
	{ "only-pids", no_argument, NULL, ONLY_PIDS },
	{ "quiet", no_argument, NULL, QUIET },
	{ "bench", no_argument, NULL, BENCH },
	{ "help", no_argument, NULL, HELP },
	{ "sockets", no_argument, NULL, SOCKETS },
	{ "paths", no_argument, NULL, PATHS },
	{ "kinds", no_argument, NULL, KINDS },
	{ "with-process", no_argument, NULL, WITH_PROCESS },
	{ "pids", required_argument, NULL, PIDS },
	{ "cgroup", required_argument, NULL, CGROUP },
	{ "descendants", no_argument, NULL, DESCENDANTS },
	{ "user", required_argument, NULL, USER },
	{ "real-user", required_argument, NULL, REAL_USER },
	{ "session", required_argument, NULL, SESSION },
	{ "tty", required_argument, NULL, TTY },
	{ "states", required_argument, NULL, STATES },
	{ "kernel-threads", required_argument, NULL, KERNEL_THREADS },
	{ "follow", no_argument, NULL, FOLLOW },
	{ "events", required_argument, NULL, EVENTS },
	{ "mirror", no_argument, NULL, MIRROR },
	{ "for", required_argument, NULL, FOR },
	{}
};

static void parse_option(int option)
{
	switch (option) {
	case STRATEGY:
		opts.req.dump_strategy = parse_strategy(optarg);
		opts.strategy_given = true;
		break;
	case PID:
		opts.req.pid = number("no pid:", optarg, UINT_MAX);
		break;
	case SHOW:
		parse_show(optarg);
		break;
	case PLAIN:
		opts.plain = true;
		break;
	case HEADER:
		opts.header = true;
		break;
	case BUFFER:
		receive_size = number("no size of a buffer:", optarg, 1UL << 30);
		break;
	case JSON:
		set_mode(MODE_JSON, "--json");
		break;
	case DELAYS:
		set_mode(MODE_DELAYS, "--delays");
		break;
	case ONLY_PIDS:
		set_mode(MODE_PIDS, "--only-pids");
		break;
	case QUIET:
		set_mode(MODE_QUIET, "--quiet");
		break;
	case BENCH:
		set_mode(MODE_BENCH, "--bench");
		break;
	case SOCKETS:
		opts.flags |= TASK_DIAG_ONLY_SOCKETS;
		break;
	case PATHS:
		opts.flags |= TASK_DIAG_FILE_PATHS;
		break;
	case KINDS:
		opts.flags |= TASK_DIAG_FD_KINDS;
		break;
	case WITH_PROCESS:
		opts.flags |= TASK_DIAG_WITH_PROCESS;
		break;
	case PIDS:
		select_pids(optarg);
		break;
	case CGROUP:
		select_cgroup(optarg);
		break;
	case DESCENDANTS:
		select_by(TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
		break;
	case USER:
		select_user(TASK_DIAG_SELECT_EUID, optarg);
		break;
	case REAL_USER:
		select_user(TASK_DIAG_SELECT_UID, optarg);
		break;
	case SESSION:
		select_by_number(TASK_DIAG_SELECT_SID,
				 number("no session:", optarg, UINT_MAX));
		break;
	case TTY:
		select_tty(optarg);
		break;
	case STATES:
		select_states(optarg);
		break;
	case KERNEL_THREADS:
		select_kernel_threads(optarg);
		break;
	case FOLLOW:
		opts.follow = true;
		break;
	case EVENTS:
		parse_events(optarg);
		break;
	case MIRROR:
		opts.mirror = true;
		break;
	case FOR:
		opts.seconds = number("no time:", optarg, UINT_MAX);
		opts.time_given = true;
		break;
	case HELP:
		print_usage(stdout);
		exit(finish_output() ? 1 : 0);
	default:
		print_usage(stderr);
		exit(2);
	}
}

static void check_following(void)
{
	const char *option = opts.follow ? "--follow" : "--mirror";

	if (!opts.follow && opts.events)
		bad_usage("only with --follow:", "--events");
	if (!opts.follow && !opts.mirror && opts.time_given)
		bad_usage("only with --follow or --mirror:", "--for");
	if (!opts.follow && !opts.mirror)
		return;
	if (opts.follow && opts.mirror)
		bad_usage("not with --mirror:", option);
	if (opts.mode > MODE_JSON || opts.header || opts.plain)
		bad_usage("only as lines or with --json:", option);
	if (opts.req.dump_strategy != TASK_DIAG_DUMP_ALL &&
	    opts.req.dump_strategy != TASK_DIAG_DUMP_ALL_THREAD)
		bad_usage("only with --strategy all or all-thread:", option);
	if (opts.mirror && (opts.show_given || opts.req.flags || opts.nr_selections))
		bad_usage("not with --show or a selection:", option);
}

static void parse_options(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		parse_option(option);
	if (optind < argc)
		bad_usage("unexpected argument", argv[optind]);
	opts.req.flags |= opts.flags;
	if (opts.header && opts.mode > MODE_JSON)
		bad_usage("only as a table or with --json:", "--header");
	if (opts.mode == MODE_DELAYS) {
		if (opts.show_given)
			bad_usage("--delays settles what to show:", "--show");
		opts.req.show_flags = DELAYS_SHOW;
	}
	if (opts.plain && !opts.strategy_given)
		opts.req.dump_strategy = TASK_DIAG_DUMP_ONE;
	if (opts.plain && opts.req.dump_strategy != TASK_DIAG_DUMP_ONE)
		bad_usage("only with --strategy one:", "--plain");
	check_following();
}

int main(int argc, char **argv)
{
	struct td_handle *td;
	int err;

	parse_options(argc, argv);
	if (td_open(&td)) {
		err = fail(td_error(td));
	} else {
		td_set_limit(td, SIZE_MAX);
		err = show(td);
	}
	td_close(td);
	return finish_output() || err ? 1 : 0;
}
