// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <libtask_diag.h>

#include "follow.h"
#include "output.h"

#define SECOND		1000000000ULL
#define MILLISECOND	1000000ULL

/* --- waiting ----------------------------------------------------------- */

static int signals;

/* From here on SIGINT and SIGTERM end wait_for_event(), and nothing else. */
void begin_to_follow(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		die("signalfd");
	/* Each line when it is printed, also into a pipe */
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/**
 * wait_for_event() - wait for a socket
 * @fd: which one
 * @until_ns: how long at most, as now_ns() tells it, or 0 for as long as it takes
 *
 * Return: 1 if it has something, 0 if the time is over, -1 if it is to end.
 */
int wait_for_event(int fd, unsigned long long until_ns)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	const unsigned long long now = now_ns();
	struct timespec left = {};

	if (until_ns > now) {
		left.tv_sec = (until_ns - now) / SECOND;
		left.tv_nsec = (until_ns - now) % SECOND;
	}
	if (ppoll(fds, ARRAY_SIZE(fds), until_ns ? &left : NULL, NULL) < 0)
		die("ppoll");
	if (fds[0].revents || ferror(stdout))
		return -1;
	return !!fds[1].revents;
}

/* --- a mirror that checks itself --------------------------------------- */

/*
 * A task may begin or end between a dump and the event that reports it, which is a
 * difference for a moment. A difference that as many dumps have as this is real.
 */
#define TRIES	10
#define PAUSE	(100 * MILLISECOND)

/**
 * struct task - a task that a dump has, or a difference
 * @id: its id
 * @pid: its number
 * @in_mirror: the mirror has it, and the dump not
 * @leaderless: a process that may live on in a thread: the dump does not tell
 */
struct task {
	__u64 id;
	__u32 pid;
	bool in_mirror;
	bool leaderless;
};

struct tasks {
	struct task *tasks;
	size_t nr;
	size_t room;
};

static struct td_handle *td;
static struct td_mirror *mirror;
static struct task_diag_pid req;

static int fail(void)
{
	fflush(stdout);
	fprintf(stderr, "task_diag_all: %s\n", td_error(td));
	return -1;
}

static void add_task(struct tasks *to, const struct task_diag_base *base,
		     bool in_mirror, bool leaderless)
{
	if (to->nr == to->room) {
		to->room = to->room ? 2 * to->room : 1024;
		to->tasks = realloc(to->tasks, to->room * sizeof(*to->tasks));
		if (!to->tasks)
			die("realloc");
	}
	to->tasks[to->nr++] = (struct task) {
		.id = base->id,
		.pid = base->pid,
		.in_mirror = in_mirror,
		.leaderless = leaderless,
	};
}

static int by_id(const void *a, const void *b)
{
	const struct task *one = a, *other = b;

	return one->id < other->id ? -1 : one->id > other->id;
}

static bool has_task(const struct tasks *tasks, __u64 id)
{
	const struct task key = { .id = id };

	return tasks->nr && bsearch(&key, tasks->tasks, tasks->nr, sizeof(key), by_id);
}

/* The tasks that live, or may live, but for those that only wait for their parents */
static int dump_tasks(struct tasks *to)
{
	const bool threads = req.dump_strategy == TASK_DIAG_DUMP_ALL_THREAD;
	struct task_diag_sched sched;
	const struct td_task *task;
	struct task_diag_base base;
	bool ended;
	int ret;

	to->nr = 0;
	ret = td_dump(td, &req, sizeof(req));
	while (!ret && (ret = td_next(td, &task)) > 0) {
		td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
		td_group(task, TASK_DIAG_SCHED, &sched, sizeof(sched));
		ended = strchr("ZX", base.state);
		if (!ended || (!threads && sched.nr_threads > 1))
			add_task(to, &base, false, ended);
		ret = 0;
	}
	if (to->nr)
		qsort(to->tasks, to->nr, sizeof(*to->tasks), by_id);
	return ret ? fail() : 0;
}

/*
 * Leaves in @differences those that there are still, or finds all if it is the
 * @first dump.
 */
static int compare(struct tasks *differences, bool first)
{
	static struct tasks dumped, now;
	struct task_diag_base base = {};
	size_t i, nr = 0;

	if (dump_tasks(&dumped))
		return -1;
	if (td_mirror_update(mirror, 0) < 0)
		return fail();
	now.nr = 0;
	while (td_mirror_next(mirror, base.id, &base, sizeof(base))) {
		if (!has_task(&dumped, base.id))
			add_task(&now, &base, true, false);
	}
	for (i = 0; i < dumped.nr; i++) {
		const struct task *task = &dumped.tasks[i];
		const struct task_diag_base missing = {
			.id = task->id,
			.pid = task->pid,
		};

		if (!task->leaderless && td_mirror_find(mirror, task->id, NULL, 0))
			add_task(&now, &missing, false, false);
	}
	if (now.nr)
		qsort(now.tasks, now.nr, sizeof(*now.tasks), by_id);
	if (first) {
		const struct tasks old = *differences;

		*differences = now;
		now = old;
		return 0;
	}
	for (i = 0; i < differences->nr; i++) {
		if (has_task(&now, differences->tasks[i].id))
			differences->tasks[nr++] = differences->tasks[i];
	}
	differences->nr = nr;
	return 0;
}

static void print_check(const struct tasks *differences, bool json)
{
	const char *const which[] = { "missing", "excess" };
	struct task_diag_base base = {};
	const char *comma = "";
	size_t i, nr = 0;

	while (td_mirror_next(mirror, base.id, &base, sizeof(base)))
		nr++;
	if (json)
		printf("{\"tasks\":%zu,\"lost\":%llu,\"differences\":[", nr,
		       td_mirror_lost(mirror));
	else
		printf("%zu tasks, %zu differ, %llu events lost\n", nr,
		       differences->nr, td_mirror_lost(mirror));
	for (i = 0; i < differences->nr; i++) {
		const struct task *task = &differences->tasks[i];

		printf(json ? "%s{\"what\":\"%s\",\"pid\":%u,\"id\":%llu}" :
			      "%s%s: pid %u, id %llu\n", comma,
		       which[task->in_mirror], task->pid, task->id);
		comma = json ? "," : "";
	}
	if (json)
		printf("]}\n");
}

/* Returns how many differences stayed, or -1. */
static int check_mirror(bool json)
{
	static struct tasks differences;
	int i;

	differences.nr = 0;
	for (i = 0; i < TRIES && (!i || differences.nr); i++) {
		if (i && wait_for_event(-1, now_ns() + PAUSE) < 0)
			return 0;
		if (compare(&differences, !i))
			return -1;
	}
	print_check(&differences, json);
	if (differences.nr && td_mirror_dump(mirror) < 0)
		return fail();
	return differences.nr;
}

static int keep_mirror(unsigned long long until_ns, bool json)
{
	unsigned long long next = now_ns();
	bool differed = false;
	int ret;

	do {
		next += SECOND;
		if (until_ns && next > until_ns)
			next = until_ns;
		do {
			ret = td_mirror_update(mirror, 0);
			if (ret < 0)
				return fail();
			/* Perhaps no event follows by which it becomes current. */
			ret = wait_for_event(td_fd(td), ret ? 1 : next);
		} while (ret >= 0 && now_ns() < next);
		if (ret < 0)
			break;
		ret = check_mirror(json);
		if (ret < 0)
			return ret;
		differed |= ret > 0;
	} while (!until_ns || next < until_ns);
	return differed ? -1 : 0;
}

/**
 * follow_in_mirror() - keep a mirror, and compare it with a dump each second
 * @handle: a handle without selections
 * @strategy: of processes or of threads
 * @until_ns: how long, as now_ns() tells it, or 0 until a signal
 * @json: print JSON, not text
 *
 * Return: 0, or -1 after an error or if a difference stayed.
 */
int follow_in_mirror(struct td_handle *handle, __u64 strategy,
		     unsigned long long until_ns, bool json)
{
	int err;

	td = handle;
	req.dump_strategy = strategy;
	req.show_flags = TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_SCHED;
	if (td_mirror_open(&mirror, td, strategy) < 0)
		return fail();
	err = keep_mirror(until_ns, json);
	td_mirror_close(mirror);
	return err;
}
