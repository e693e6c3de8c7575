// SPDX-License-Identifier: GPL-2.0
/* Shows tasks and their properties, as task_diag gives them. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <linux/magic.h>

#include "client.h"
#include "delays_print.h"
#include "follow.h"
#include "groups_print.h"
#include "output.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

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

/* @to is zero: what the kernel's struct lacks stays so. */
static void copy_struct(void *to, size_t size, const struct nlattr *attr)
{
	const size_t len = td_attr_len(attr);

	memcpy(to, td_attr_data(attr), len < size ? len : size);
}

static int read_header(const struct nlmsghdr *nlh, void *arg)
{
	struct task_diag_header *header = arg;
	const struct nlattr *attr;

	attr = td_first_attr(nlh);
	for (; td_attr_ok(attr, td_end(nlh)); attr = td_attr_next(attr)) {
		if (td_attr_type(attr) == TASK_DIAG_HEADER)
			copy_struct(header, sizeof(*header), attr);
	}
	return 0;
}

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

/* --- a task, put together from its messages ---------------------------- */

/**
 * struct task - what the messages on one task said
 * @pid: which one, 0 for none yet
 * @more: there is more to come
 * @present: mask of the groups that are there
 * @groups: their values, by attribute
 * @errors: array of struct task_diag_error
 * @event: what happened to it, if that is why there is a message
 * @process: of a leader: the values of its process, or NULL
 */
struct task {
	__u32 pid;
	bool more;
	__u64 present;
	struct bytes groups[NR_GROUPS];
	struct bytes errors;
	struct task_diag_event event;
	struct task *process;
};

static void reset_task(struct task *task, __u32 pid)
{
	unsigned int attr;

	task->pid = pid;
	task->present = 0;
	for (attr = 0; attr < NR_GROUPS; attr++)
		task->groups[attr].len = 0;
	task->errors.len = 0;
	memset(&task->event, 0, sizeof(task->event));
	if (task->process)
		reset_task(task->process, 0);
}

static void free_task(struct task *task)
{
	unsigned int attr;

	for (attr = 0; attr < NR_GROUPS; attr++)
		free(task->groups[attr].data);
	free(task->errors.data);
	if (task->process)
		free_task(task->process);
	free(task->process);
}

/* Of a group that fails at a later part, those before it are no value. */
static void add_error(struct task *task, const struct nlattr *attr)
{
	struct task_diag_error error = {};

	copy_struct(&error, sizeof(error), attr);
	add_bytes(&task->errors, &error, sizeof(error));
	if (error.attr < NR_GROUPS) {
		task->present &= ~(1ULL << error.attr);
		task->groups[error.attr].len = 0;
	}
}

static void add_attr(struct task *task, const struct nlattr *attr);

/* The attributes in @nest, of the process that @task leads */
static void add_process(struct task *task, const struct nlattr *nest)
{
	const void *end = (const char *)nest + nest->nla_len;
	const struct nlattr *attr = td_attr_data(nest);

	if (!task->process)
		task->process = calloc(1, sizeof(*task->process));
	if (!task->process)
		die("calloc");
	task->process->pid = task->pid;
	for (; td_attr_ok(attr, end); attr = td_attr_next(attr))
		add_attr(task->process, attr);
}

/* What is neither a group nor known here adds nothing to them. */
static void add_attr(struct task *task, const struct nlattr *attr)
{
	const unsigned int type = td_attr_type(attr);

	if (type == TASK_DIAG_MORE) {
		task->more = true;
	} else if (type == TASK_DIAG_ERROR) {
		add_error(task, attr);
	} else if (type == TASK_DIAG_PROCESS) {
		add_process(task, attr);
	} else if (type == TASK_DIAG_EVENT) {
		copy_struct(&task->event, sizeof(task->event), attr);
	} else if (type < NR_GROUPS) {
		task->present |= 1ULL << type;
		join_group(type, &task->groups[type], td_attr_data(attr),
			   td_attr_len(attr));
	}
}

static void add_message(struct task *task, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	task->more = false;
	/* The first one is TASK_DIAG_PID. */
	attr = td_attr_next(td_first_attr(nlh));
	for (; td_attr_ok(attr, td_end(nlh)); attr = td_attr_next(attr))
		add_attr(task, attr);
}

static size_t nr_errors(const struct task *task)
{
	return task->errors.len / sizeof(struct task_diag_error);
}

static const struct task_diag_error *errors(const struct task *task)
{
	return (const void *)task->errors.data;
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

/* --- the ways to show it ----------------------------------------------- */

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

static void print_errors(const struct task *task, const char *separator)
{
	const struct task_diag_error *error = errors(task);
	size_t i;

	for (i = 0; i < nr_errors(task); i++)
		printf("%s[%s: %s]", separator, group_name(error[i].attr),
		       error_name(error[i].error));
}

static void print_process_lines(const struct task *process)
{
	unsigned int attr;

	for (attr = TASK_DIAG_BASE; attr < NR_GROUPS; attr++) {
		if (!(process->present >> attr & 1))
			continue;
		printf("\n    process %s: ", group_name(attr));
		print_group(attr, &process->groups[attr]);
	}
	print_errors(process, "\n    process ");
}

/* The groups from @attr on end the line, or follow it. */
static void print_groups(const struct task *task, unsigned int attr, __u64 show)
{
	const bool one_line = fits_line(show);

	for (; attr < NR_GROUPS; attr++) {
		if (!(task->present >> attr & 1))
			continue;
		if (attr == TASK_DIAG_BASE || one_line)
			putchar(' ');
		else
			printf("\n    %s: ", group_name(attr));
		print_group(attr, &task->groups[attr]);
	}
	print_errors(task, one_line ? " " : "\n    ");
	if (task->process && task->process->pid)
		print_process_lines(task->process);
	putchar('\n');
}

static void print_lines(const struct task *task, __u64 show)
{
	printf("%7u", task->pid);
	print_groups(task, TASK_DIAG_BASE, show);
}

static void print_json_errors(const struct task *task)
{
	const struct task_diag_error *error = errors(task);
	size_t i;

	printf(",\"errors\":[");
	for (i = 0; i < nr_errors(task); i++)
		printf("%s{\"group\":\"%s\",\"error\":\"%s\"}", i ? "," : "",
		       group_name(error[i].attr), error_name(error[i].error));
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
	printf(",\"ppid\":%u,\"exit_code\":%u,\"exit_signal\":%d}", event->ppid,
	       event->exit_code, event->exit_signal);
}

static void print_json(const struct task *task)
{
	unsigned int attr;

	printf("{\"pid\":%u", task->pid);
	if (task->event.type)
		print_json_event(&task->event);
	for (attr = TASK_DIAG_BASE; attr < NR_GROUPS; attr++) {
		if (task->present >> attr & 1) {
			printf(",\"%s\":", group_name(attr));
			print_json_group(attr, &task->groups[attr]);
		}
	}
	if (nr_errors(task))
		print_json_errors(task);
	if (task->process && task->process->pid) {
		printf(",\"process\":");
		print_json(task->process);
	}
	putchar('}');
}

static void print_name(const struct task *task)
{
	const struct bytes *group = &task->groups[TASK_DIAG_BASE];
	struct task_diag_base base = {};

	memcpy(&base, group->data, group->len < sizeof(base) ? group->len : sizeof(base));
	print_escaped(base.comm,
		      strnlen((const char *)base.comm, sizeof(base.comm)), 0);
}

/* getdelays, too, calls a thread PID and a process TGID. */
static void print_block(const struct task *task, const char *what)
{
	const struct bytes *stat = &task->groups[TASK_DIAG_STAT];

	printf("%s\t%u\n", what, task->pid);
	if (task->present & TASK_DIAG_SHOW_STAT) {
		print_delays(stat->data, stat->len);
	} else {
		print_name(task);
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

static void print_event_line(const struct task *task, __u64 show)
{
	const struct task_diag_event *event = &task->event;
	const struct bytes *group = &task->groups[TASK_DIAG_BASE];
	struct task_diag_base base = {};

	if (task->present & TASK_DIAG_SHOW_BASE)
		memcpy(&base, group->data,
		       group->len < sizeof(base) ? group->len : sizeof(base));
	if (event->lost)
		printf("%llu events lost\n", event->lost);
	printf("%7llu.%06llu %s %7u %7u ", event->time / 1000000000,
	       event->time / 1000 % 1000000, event_name(event->type), task->pid,
	       event->ppid);
	print_escaped(base.comm,
		      strnlen((const char *)base.comm, sizeof(base.comm)),
		      TASK_DIAG_COMM_LEN - 1);
	putchar(' ');
	print_status(event);
	print_groups(task, TASK_DIAG_BASE + 1, show);
}

/* --- what was asked for ------------------------------------------------ */

#define DELAYS_SHOW	(TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_STAT)

enum mode {
	MODE_TABLE, MODE_JSON, MODE_DELAYS, MODE_QUIET, MODE_BENCH, MODE_PIDS
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
	size_t buffer;
	__u32 pids[TASK_DIAG_PIDS_MAX];
	__u32 flags;
	__u32 numbers[TASK_DIAG_ATTR_MAX + 1];
	struct td_selection selections[TASK_DIAG_ATTR_MAX + 1];
	size_t nr_selections;
} opts = {
	.req.show_flags = TASK_DIAG_SHOW_BASE,
	.buffer = TD_BUFFER_SIZE,
};

/* @data must stay. */
static void select_by(__u16 attr, const void *data, int len)
{
	size_t i;

	for (i = 0; i < opts.nr_selections; i++) {
		if (opts.selections[i].attr == attr)
			break;
	}
	opts.selections[i] = (struct td_selection) { attr, data, len };
	if (i == opts.nr_selections)
		opts.nr_selections++;
}

/**
 * struct reader - what the callbacks keep from message to message
 * @tasks: how many tasks there were
 * @last_pid: the last one; a task's messages follow each other
 * @task: until MODE_DELAYS: the task that is being put together
 */
struct reader {
	unsigned long tasks;
	__u32 last_pid;
	struct task task;
};

static int count_task(const struct nlmsghdr *nlh, void *arg)
{
	struct reader *reader = arg;
	__u32 pid = td_pid(nlh);

	reader->tasks += pid != reader->last_pid;
	reader->last_pid = pid;
	return 0;
}

static int print_pid(const struct nlmsghdr *nlh, void *arg)
{
	struct reader *reader = arg;
	__u32 pid = td_pid(nlh);

	if (pid && pid != reader->last_pid)
		printf("%u\n", pid);
	reader->last_pid = pid;
	return 0;
}

static bool by_thread(void)
{
	return opts.req.dump_strategy == TASK_DIAG_DUMP_ALL_THREAD ||
	       opts.req.dump_strategy == TASK_DIAG_DUMP_THREAD;
}

static void print_task(struct reader *reader)
{
	const __u64 show = opts.req.show_flags;

	if (!reader->task.pid)
		return;
	if (opts.mode == MODE_JSON) {
		printf(reader->tasks ? ",\n" : "\n");
		print_json(&reader->task);
	} else if (opts.mode == MODE_DELAYS) {
		print_block(&reader->task, by_thread() ? "PID" : "TGID");
	} else {
		print_lines(&reader->task, show);
	}
	reader->tasks++;
}

static int collect_task(const struct nlmsghdr *nlh, void *arg)
{
	struct reader *reader = arg;
	__u32 pid = td_pid(nlh);

	if (!pid)
		return 0;
	if (pid != reader->task.pid || !reader->task.more) {
		print_task(reader);
		reset_task(&reader->task, pid);
	}
	add_message(&reader->task, nlh);
	return 0;
}

static int fail(const char *reason)
{
	fflush(stdout);
	fprintf(stderr, "task_diag_all: %s\n", reason);
	return -1;
}

/* Inline for the reason that td_receive() is */
static __always_inline int ask(struct td_client *client, td_message_fn fn,
			       void *arg)
{
	int flags = opts.plain ? 0 : NLM_F_DUMP;

	if (td_request_selected(client, TASK_DIAG_CMD_GET, flags, &opts.req,
				opts.selections, opts.nr_selections) ||
	    td_receive(client, fn, arg))
		return fail(client->error);
	return 0;
}

static int count_tasks(struct td_client *client)
{
	struct reader reader = {};
	unsigned long long start;
	int err;

	client->syscalls = 0;
	start = now_ns();
	err = ask(client, count_task, &reader);
	if (err)
		return err;
	if (opts.mode == MODE_BENCH)
		print_bench(reader.tasks, client->syscalls, now_ns() - start);
	else
		printf("%lu\n", reader.tasks);
	return 0;
}

static int show_pids(struct td_client *client)
{
	struct reader reader = {};

	return ask(client, print_pid, &reader);
}

static int show_tasks(struct td_client *client)
{
	struct reader reader = {};
	int err;

	if (opts.mode == MODE_JSON)
		putchar('[');
	else if (opts.mode == MODE_TABLE)
		print_title(opts.req.show_flags & TASK_DIAG_SHOW_BASE ?
			    "    PID " BASE_COLUMNS : "    PID",
			    opts.req.show_flags);
	err = ask(client, collect_task, &reader);
	print_task(&reader);
	if (opts.mode == MODE_JSON)
		printf("\n]\n");
	if (!err && reader.task.more)
		err = fail("the answer ended before its last task did");
	free_task(&reader.task);
	return err;
}

/* A line at a time, and each of JSON is a value of its own. */
static int print_event(const struct nlmsghdr *nlh, void *arg)
{
	struct reader *reader = arg;

	if (td_genl(nlh)->cmd != TASK_DIAG_CMD_EVENT)
		return TD_GO_ON;
	reset_task(&reader->task, td_pid(nlh));
	add_message(&reader->task, nlh);
	if (opts.mode == MODE_JSON) {
		print_json(&reader->task);
		putchar('\n');
	} else {
		print_event_line(&reader->task, opts.req.show_flags);
	}
	return TD_GO_ON;
}

/* The acknowledgment is among the events. */
static int receive_events(struct td_client *client, unsigned long long until_ns)
{
	struct reader reader = {};
	int ret = 0;

	while (!ret && wait_for_event(client->fd, until_ns) > 0) {
		ssize_t len = td_receive_part(client);

		if (len == -EAGAIN)
			continue;
		if (len == -ENOBUFS) {
			/* The next event tells how many. */
			fprintf(stderr, "task_diag_all: events were lost\n");
			continue;
		}
		ret = len < 0 ? len : td_walk(client, len, print_event, &reader);
		if (ret == TD_GO_ON)
			ret = 0;
	}
	free_task(&reader.task);
	return ret ? fail(client->error) : 0;
}

static int show_events(struct td_client *client, unsigned long long until_ns)
{
	/* It may be woken by a message that is not the kernel's. */
	if (fcntl(client->fd, F_SETFL, O_NONBLOCK))
		die("fcntl");
	if (opts.mode == MODE_TABLE) {
		opts.req.show_flags |= TASK_DIAG_SHOW_BASE;
		print_title(EVENT_COLUMNS, opts.req.show_flags);
	}
	if (td_request_selected(client, TASK_DIAG_CMD_SUBSCRIBE, NLM_F_ACK,
				&opts.req, opts.selections, opts.nr_selections))
		return fail(client->error);
	return receive_events(client, until_ns);
}

static void show_header(const struct task_diag_header *header)
{
	if (opts.mode == MODE_JSON)
		print_json_header(header);
	else
		print_header(header);
}

/* All but the plainest answers need to know what the kernel supports. */
static int get_header(struct td_client *client, struct task_diag_header *header)
{
	if (opts.mode > MODE_DELAYS && !opts.show_all)
		return 0;
	if (td_request(client, TASK_DIAG_CMD_HEADER, 0, NULL) ||
	    td_receive(client, read_header, header))
		return fail(client->error);
	if (opts.show_all)
		opts.req.show_flags |= opts.follow ? header->event_show_flags :
						     header->show_flags;
	return 0;
}

static int follow(struct td_client *client, const struct task_diag_header *header)
{
	unsigned long long until_ns = 0;

	if (!header->events)
		return fail("this kernel has no subscriptions to events");
	begin_to_follow();
	if (opts.time_given)
		until_ns = now_ns() + opts.seconds * 1000000000ULL;
	if (opts.mirror)
		return follow_in_mirror(opts.req.dump_strategy, until_ns,
					opts.mode == MODE_JSON);
	if (!opts.events)
		opts.events = header->events;
	select_by(TASK_DIAG_EVENTS, &opts.events, sizeof(opts.events));
	return show_events(client, until_ns);
}

static int show(struct td_client *client)
{
	struct task_diag_header header = {};
	int err;

	err = get_header(client, &header);
	if (err)
		return err;
	if (opts.header) {
		show_header(&header);
		return 0;
	}
	if (opts.follow || opts.mirror)
		return follow(client, &header);
	if (opts.mode == MODE_PIDS)
		return show_pids(client);
	if (opts.mode > MODE_DELAYS)
		return count_tasks(client);
	return show_tasks(client);
}

/* --- the command line -------------------------------------------------- */

/* What a task may be in, and how many letters the kernel takes */
#define STATES_KNOWN	"RSDTtXZPI"
#define STATES_MAX	16

static void print_usage(FILE *to)
{
	size_t i;

	fputs("usage: task_diag_all [OPTION]...\n"
	      "Shows tasks as the kernel's task_diag gives them.\n\n"
	      "  --strategy WHICH  which tasks (all): ", to);
	for (i = 0; i < ARRAY_SIZE(strategies); i++)
		fprintf(to, "%s%s", i ? ", " : "", strategies[i]);
	fputs("\n"
	      "  --pid PID         where one, children and thread start; 0, the default,\n"
	      "                    is task_diag_all itself\n"
	      "  --show LIST       which properties (base): all, none, or with commas of:\n",
	      to);
	print_group_names(to, "                      ");
	fputs("                    with only_vma_exec of executable mappings only, and with\n"
	      "                    only_vma_file of those of files only\n"
	      "  --sockets         of files only the sockets\n"
	      "  --paths           of files their paths, too\n"
	      "  --kinds           in fd how many descriptors are of each kind\n"
	      "  --with-process    of the leader of each process also the values of all of it\n"
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
	      "  --plain           a plain request, no dump: for --strategy one, which is\n"
	      "                    then the default\n"
	      "  --follow          events as they happen, in place of tasks: of processes, or of\n"
	      "                    threads with --strategy all-thread\n"
	      "  --events LIST     which (all), with commas: fork, exec, exit, comm, cred\n"
	      "  --mirror          keep all processes or threads up to date by events, compare\n"
	      "                    them with a dump each second, and tell what differs\n"
	      "  --for SECONDS     end --follow or --mirror after this time, not with SIGINT or\n"
	      "                    SIGTERM only\n"
	      "  --header          show what the kernel supports\n"
	      "  --buffer BYTES    receive as much at a time (65536)\n"
	      "  --help            this text\n\n"
	      "The table has a line per task: its pid, base in columns, and one other group of\n"
	      "properties. Of several others each has an indented line of its own, and each\n"
	      "mapping of vma and vma_stat, and each descriptor of files. A group that a task\n"
	      "does not have is left out; one that could not be read shows as [group: ERROR].\n"
	      "In names and other texts a byte that is not printable ASCII shows as \\xHH;\n"
	      "arguments and variables stand with a blank in between.\n\n"
	      "An event has a line of its time since boot, its type, the pid of the task and of\n"
	      "its parent, the name, of exit the status or SIG and the signal, and the groups as\n"
	      "in the table; or it is a value of JSON in a line.\n\n"
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
		opts.buffer = number("no size of a buffer:", optarg, 1UL << 30);
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
	check_following();
}

int main(int argc, char **argv)
{
	struct td_client client;
	int err;

	parse_options(argc, argv);
	if (td_connect(&client, opts.buffer)) {
		fail(client.error);
		return 1;
	}
	err = show(&client);
	td_disconnect(&client);
	return finish_output() || err ? 1 : 0;
}
