// SPDX-License-Identifier: GPL-2.0
/* Shows tasks and their properties, as task_diag gives them. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

#include "client.h"
#include "output.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* --- the groups of properties ------------------------------------------ */

static void base_table(const void *data, size_t len)
{
	struct task_diag_base base = {};

	memcpy(&base, data, len < sizeof(base) ? len : sizeof(base));
	print_base(&base);
}

static void base_json(const void *data, size_t len)
{
	struct task_diag_base base = {};

	memcpy(&base, data, len < sizeof(base) ? len : sizeof(base));
	printf("{\"tgid\":%u,\"pid\":%u,\"ppid\":%u,\"tpid\":%u,", base.tgid,
	       base.pid, base.ppid, base.tpid);
	printf("\"sid\":%u,\"pgid\":%u,\"state\":\"%c\",\"comm\":", base.sid,
	       base.pgid, base.state);
	print_json_string(base.comm, strnlen((char *)base.comm, sizeof(base.comm)));
	putchar('}');
}

/**
 * struct group - how to show a group of properties
 * @attr: its attribute
 * @name: its name, for --show and in JSON
 * @columns: its part of the table's title
 * @table: prints its part of a line of the table, as wide as @columns
 * @json: prints its value
 *
 * Payloads may be shorter or longer than the structs known here. One that was
 * split over messages is in one piece again.
 */
struct group {
	unsigned int attr;
	const char *name;
	const char *columns;
	void (*table)(const void *data, size_t len);
	void (*json)(const void *data, size_t len);
};

static const struct group groups[] = {
	{ TASK_DIAG_BASE, "base", BASE_COLUMNS, base_table, base_json },
};

static const char *const strategies[] = {
	[TASK_DIAG_DUMP_ALL] = "all",
	[TASK_DIAG_DUMP_ONE] = "one",
	[TASK_DIAG_DUMP_ALL_THREAD] = "all-thread",
	[TASK_DIAG_DUMP_CHILDREN] = "children",
	[TASK_DIAG_DUMP_THREAD] = "thread",
};

/* --- a task, put together from its messages ---------------------------- */

struct bytes {
	char *data;
	size_t len;
	size_t size;
};

/**
 * struct task - what the messages on one task said
 * @pid: which one, 0 for none yet
 * @more: there is more to come
 * @present: mask of the groups that are there
 * @groups: their payloads
 * @errors: array of struct task_diag_error
 * @unknown: attributes that are neither, as they came
 */
struct task {
	__u32 pid;
	bool more;
	__u64 present;
	struct bytes groups[ARRAY_SIZE(groups)];
	struct bytes errors;
	struct bytes unknown;
};

static void add_bytes(struct bytes *bytes, const void *data, size_t len)
{
	while (bytes->len + len > bytes->size) {
		bytes->size = bytes->size ? 2 * bytes->size : 256;
		bytes->data = realloc(bytes->data, bytes->size);
		if (!bytes->data) {
			perror("task_diag_all");
			exit(1);
		}
	}
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

static void reset_task(struct task *task, __u32 pid)
{
	size_t i;

	task->pid = pid;
	task->present = 0;
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		task->groups[i].len = 0;
	task->errors.len = 0;
	task->unknown.len = 0;
}

static void free_task(struct task *task)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		free(task->groups[i].data);
	free(task->errors.data);
	free(task->unknown.data);
}

static void add_attr(struct task *task, const struct nlattr *attr)
{
	static const char padding[NLA_ALIGNTO];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (groups[i].attr == td_attr_type(attr)) {
			task->present |= 1ULL << groups[i].attr;
			add_bytes(&task->groups[i], td_attr_data(attr), td_attr_len(attr));
			return;
		}
	}
	if (td_attr_type(attr) == TASK_DIAG_ERROR) {
		add_bytes(&task->errors, td_attr_data(attr), td_attr_len(attr));
		return;
	}
	add_bytes(&task->unknown, attr, attr->nla_len);
	add_bytes(&task->unknown, padding, NLA_ALIGN(attr->nla_len) - attr->nla_len);
}

static void add_message(struct task *task, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	task->more = false;
	/* The first one is TASK_DIAG_PID. */
	attr = td_attr_next(td_first_attr(nlh));
	for (; td_attr_ok(attr, td_end(nlh)); attr = td_attr_next(attr)) {
		if (td_attr_type(attr) == TASK_DIAG_MORE)
			task->more = true;
		else
			add_attr(task, attr);
	}
}

/* --- the ways to show it ----------------------------------------------- */

static const char *group_name(unsigned int attr)
{
	static char number[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (groups[i].attr == attr)
			return groups[i].name;
	}
	snprintf(number, sizeof(number), "attr%u", attr);
	return number;
}

static size_t nr_errors(const struct task *task)
{
	return task->errors.len / sizeof(struct task_diag_error);
}

static const struct task_diag_error *errors(const struct task *task)
{
	return (const void *)task->errors.data;
}

static void print_hex(const struct nlattr *attr)
{
	const unsigned char *s = td_attr_data(attr);
	size_t i;

	for (i = 0; i < td_attr_len(attr); i++)
		printf("%02x", s[i]);
}

static void table_begin(__u64 show)
{
	size_t i;

	printf("    PID");
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (show >> groups[i].attr & 1)
			printf(" %s", groups[i].columns);
	}
	putchar('\n');
}

static void table_task(const struct task *task, __u64 show)
{
	const char *end = task->unknown.data + task->unknown.len;
	const struct task_diag_error *error = errors(task);
	const struct nlattr *attr;
	size_t i;

	printf("%7u", task->pid);
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (task->present >> groups[i].attr & 1) {
			putchar(' ');
			groups[i].table(task->groups[i].data, task->groups[i].len);
		} else if (show >> groups[i].attr & 1) {
			printf(" %-*s", (int)strlen(groups[i].columns), "-");
		}
	}
	for (i = 0; i < nr_errors(task); i++)
		printf(" [%s: %s]", group_name(error[i].attr), strerror(-error[i].error));
	attr = (const void *)task->unknown.data;
	for (; td_attr_ok(attr, end); attr = td_attr_next(attr)) {
		printf(" [%s: ", group_name(td_attr_type(attr)));
		print_hex(attr);
		putchar(']');
	}
	putchar('\n');
}

static void json_errors(const struct task *task)
{
	const struct task_diag_error *error = errors(task);
	size_t i;

	printf(",\"errors\":[");
	for (i = 0; i < nr_errors(task); i++)
		printf("%s{\"group\":\"%s\",\"error\":%d}", i ? "," : "",
		       group_name(error[i].attr), error[i].error);
	putchar(']');
}

static void json_task(const struct task *task)
{
	const char *end = task->unknown.data + task->unknown.len;
	const struct nlattr *attr;
	size_t i;

	printf("{\"pid\":%u", task->pid);
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (task->present >> groups[i].attr & 1) {
			printf(",\"%s\":", groups[i].name);
			groups[i].json(task->groups[i].data, task->groups[i].len);
		}
	}
	if (nr_errors(task))
		json_errors(task);
	attr = (const void *)task->unknown.data;
	for (; td_attr_ok(attr, end); attr = td_attr_next(attr)) {
		printf(",\"%s\":\"", group_name(td_attr_type(attr)));
		print_hex(attr);
		putchar('"');
	}
	putchar('}');
}

/* --- what was asked for ------------------------------------------------ */

enum mode { MODE_TABLE, MODE_JSON, MODE_QUIET, MODE_BENCH, MODE_PIDS };

static struct {
	struct task_diag_pid req;
	enum mode mode;
	bool header;
	bool plain;
	size_t buffer;
} opts = {
	.req.show_flags = TASK_DIAG_SHOW_BASE,
	.buffer = TD_BUFFER_SIZE,
};

/**
 * struct reader - what the callbacks keep from message to message
 * @tasks: how many tasks there were
 * @last_pid: the last one; a task's messages follow each other
 * @task: MODE_TABLE, MODE_JSON: the task that is being put together
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

static void print_task(struct reader *reader)
{
	if (!reader->task.pid)
		return;
	if (opts.mode == MODE_JSON) {
		printf(reader->tasks ? ",\n" : "\n");
		json_task(&reader->task);
	} else {
		table_task(&reader->task, opts.req.show_flags);
	}
	reader->tasks++;
}

static int collect_task(const struct nlmsghdr *nlh, void *arg)
{
	struct reader *reader = arg;
	__u32 pid = td_pid(nlh);

	if (!pid)
		return 0;
	if (pid != reader->task.pid) {
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

	if (td_request(client, TASK_DIAG_CMD_GET, flags, &opts.req) ||
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
	else
		table_begin(opts.req.show_flags);
	err = ask(client, collect_task, &reader);
	print_task(&reader);
	if (opts.mode == MODE_JSON)
		printf("\n]\n");
	if (!err && reader.task.more)
		err = fail("the answer ended amid a task");
	free_task(&reader.task);
	return err;
}

/* --- what the kernel supports ------------------------------------------ */

struct header {
	struct task_diag_header fixed;
	struct task_diag_group_size sizes[64];
	size_t nr_sizes;
};

static int read_header(const struct nlmsghdr *nlh, void *arg)
{
	struct header *header = arg;
	const struct nlattr *attr;
	size_t len;

	attr = td_first_attr(nlh);
	for (; td_attr_ok(attr, td_end(nlh)); attr = td_attr_next(attr)) {
		len = td_attr_len(attr);
		switch (td_attr_type(attr)) {
		case TASK_DIAG_HEADER:
			if (len > sizeof(header->fixed))
				len = sizeof(header->fixed);
			memcpy(&header->fixed, td_attr_data(attr), len);
			break;
		case TASK_DIAG_GROUP_SIZE:
			if (len > sizeof(header->sizes))
				len = sizeof(header->sizes);
			memcpy(header->sizes, td_attr_data(attr), len);
			header->nr_sizes = len / sizeof(header->sizes[0]);
			break;
		}
	}
	return 0;
}

static const char *strategy_name(unsigned int nr)
{
	static char number[32];

	if (nr < ARRAY_SIZE(strategies))
		return strategies[nr];
	snprintf(number, sizeof(number), "strategy%u", nr);
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

static void table_header(const struct header *header)
{
	size_t i;

	printf("show ");
	print_mask(header->fixed.show_flags, group_name, "", ",");
	printf("\nstrategy ");
	print_mask(header->fixed.dump_strategies, strategy_name, "", "|");
	printf("\npage_size %u\nclk_tck %u\n", header->fixed.page_size,
	       header->fixed.clk_tck);
	for (i = 0; i < header->nr_sizes; i++)
		printf("size %s %u\n", group_name(header->sizes[i].attr),
		       header->sizes[i].size);
}

static void json_header(const struct header *header)
{
	size_t i;

	printf("{\"show\":[");
	print_mask(header->fixed.show_flags, group_name, "\"", ",");
	printf("],\"strategy\":[");
	print_mask(header->fixed.dump_strategies, strategy_name, "\"", ",");
	printf("],\"page_size\":%u,\"clk_tck\":%u,\"size\":{",
	       header->fixed.page_size, header->fixed.clk_tck);
	for (i = 0; i < header->nr_sizes; i++)
		printf("%s\"%s\":%u", i ? "," : "",
		       group_name(header->sizes[i].attr), header->sizes[i].size);
	printf("}}\n");
}

static int show_header(struct td_client *client)
{
	struct header header = {};

	if (td_request(client, TASK_DIAG_CMD_HEADER, 0, NULL) ||
	    td_receive(client, read_header, &header))
		return fail(client->error);
	if (opts.mode == MODE_JSON)
		json_header(&header);
	else
		table_header(&header);
	return 0;
}

/* --- the command line -------------------------------------------------- */

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
	      "  --show LIST       which properties, with commas (base), or none: ", to);
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		fprintf(to, "%s%s", i ? ", " : "", groups[i].name);
	fputs("\n"
	      "  --plain           a plain request, no dump: for --strategy one, which is\n"
	      "                    then the default\n"
	      "  --header          show what the kernel supports\n"
	      "  --buffer BYTES    receive as much at a time (65536)\n"
	      "  --help            this text\n\n"
	      "One of these in place of the table, where bytes of names that are not\n"
	      "printable ASCII show as \\xHH:\n"
	      "  --json            JSON; a byte of a name that is not UTF-8 is \\udcHH\n"
	      "  --pids            pids alone, one a line\n"
	      "  --quiet           the number of tasks\n"
	      "  --bench           the number of tasks, and the system calls and the\n"
	      "                    nanoseconds from the request to its answer's end\n\n"
	      "Exit status: 0; 1 if the kernel refused; 2 for wrong usage.\n", to);
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

static __u64 parse_group(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!strcmp(groups[i].name, name))
			return 1ULL << groups[i].attr;
	}
	bad_usage("no such properties:", name);
}

static __u64 parse_show(char *list)
{
	__u64 show = 0;
	char *name;

	if (!strcmp(list, "none"))
		return 0;
	while ((name = strsep(&list, ",")))
		show |= parse_group(name);
	return show;
}

static void set_mode(enum mode mode, const char *option)
{
	if (opts.mode != MODE_TABLE && opts.mode != mode)
		bad_usage("one way to show is enough:", option);
	opts.mode = mode;
}

static void parse_options(int argc, char **argv)
{
	enum { STRATEGY, PID, SHOW, PLAIN, HEADER, BUFFER, JSON, PIDS, QUIET,
	       BENCH, HELP };
	static const struct option options[] = {
		{ "strategy", required_argument, NULL, STRATEGY },
		{ "pid", required_argument, NULL, PID },
		{ "show", required_argument, NULL, SHOW },
		{ "plain", no_argument, NULL, PLAIN },
		{ "header", no_argument, NULL, HEADER },
		{ "buffer", required_argument, NULL, BUFFER },
		{ "json", no_argument, NULL, JSON },
		{ "pids", no_argument, NULL, PIDS },
		{ "quiet", no_argument, NULL, QUIET },
		{ "bench", no_argument, NULL, BENCH },
		{ "help", no_argument, NULL, HELP },
		{}
	};
	bool strategy_given = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case STRATEGY:
			opts.req.dump_strategy = parse_strategy(optarg);
			strategy_given = true;
			break;
		case PID:
			opts.req.pid = number("no pid:", optarg, UINT_MAX);
			break;
		case SHOW:
			opts.req.show_flags = parse_show(optarg);
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
		case PIDS:
			set_mode(MODE_PIDS, "--pids");
			break;
		case QUIET:
			set_mode(MODE_QUIET, "--quiet");
			break;
		case BENCH:
			set_mode(MODE_BENCH, "--bench");
			break;
		case HELP:
			print_usage(stdout);
			exit(finish_output() ? 1 : 0);
		default:
			print_usage(stderr);
			exit(2);
		}
	}
	if (optind < argc)
		bad_usage("unexpected argument", argv[optind]);
	if (opts.header && opts.mode > MODE_JSON)
		bad_usage("not with --json or a table:", "--header");
	if (opts.plain && !strategy_given)
		opts.req.dump_strategy = TASK_DIAG_DUMP_ONE;
}

int main(int argc, char **argv)
{
	struct td_client client;
	int err;

	parse_options(argc, argv);
	if (td_open(&client, opts.buffer)) {
		fail(client.error);
		return 1;
	}
	if (opts.header)
		err = show_header(&client);
	else if (opts.mode == MODE_PIDS)
		err = show_pids(&client);
	else if (opts.mode >= MODE_QUIET)
		err = count_tasks(&client);
	else
		err = show_tasks(&client);
	td_close(&client);
	return finish_output() || err ? 1 : 0;
}
