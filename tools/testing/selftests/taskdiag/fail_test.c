// SPDX-License-Identifier: GPL-2.0
/*
 * A request during which an allocation fails, whichever it is, ends in a clear
 * error, or in an answer that lacks nothing but a group which it names. It
 * leaves nothing allocated, and the socket continues to work.
 *
 * All tests run in a pid namespace of their own: a dump of all tasks is short
 * there, and holds still, so that it can be compared byte by byte.
 */
#include "lib/harness.h"

#include <linux/magic.h>
#include <linux/membarrier.h>
#include <linux/taskstats.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <sys/wait.h>

/* Groups that an allocation may cost, and the error that says so: ENOMEM, */
#define NEED_MEMORY	(BIT(CGROUP) | BIT(EXE) | BIT(CWD) | BIT(ROOT) | \
			 BIT(LABEL) | BIT(FD) | TD_LONG_GROUPS)
#define NEED_PAGES	(BIT(CMDLINE) | BIT(ENVIRON))	/* or EFAULT */
/* Groups for which memory is taken, be the task one that has them or not */
#define NEED_MEMORY_FIRST \
	(BIT(CWD) | BIT(ROOT) | BIT(LABEL) | BIT(FD) | BIT(FILES))

#define DEADLINE_S	300	/* an emulated debug kernel is slow */
#define ANY_NUMBER	1000
#define BUSY		"/tmp/busy"

/* --- what fails -------------------------------------------------------- */

#define DEBUGFS		"/sys/kernel/debug/"
#define MANY_TIMES	1000000000

/*
 * Nothing fails by itself: only what fail-nth says, or for tasks that have
 * make-it-fail, if a test sets a probability. A stack trace for each failure
 * would look like a report of a bug. User pages must not fail: they are
 * allocated whenever this program likes.
 */
static const struct {
	const char *file;
	const char *value;
} settings[] = {
	{ "failslab/verbose", "0" },
	{ "failslab/probability", "0" },
	{ "failslab/interval", "1" },
	{ "failslab/times", "-1" },
	{ "failslab/space", "0" },
	{ "failslab/task-filter", "Y" },
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/cache-filter", "N" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_page_alloc/probability", "0" },
	{ "fail_page_alloc/interval", "1" },
	{ "fail_page_alloc/times", "-1" },
	{ "fail_page_alloc/space", "0" },
	{ "fail_page_alloc/task-filter", "Y" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "Y" },
	{ "fail_page_alloc/min-order", "0" },
};

static char settings_before[ARRAY_SIZE(settings)][32];

static bool set(const char *file, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), DEBUGFS "%s", file);
	return td_write_file(path, value);
}

static bool change_settings(void)
{
	char path[96];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s", settings[i].file);
		td_read_file(path, settings_before[i], sizeof(settings_before[i]));
		if (!set(settings[i].file, settings[i].value))
			return false;
	}
	return true;
}

/* In reverse: no allocation may fail with a stack trace in between. */
static void restore_settings(void)
{
	size_t i = ARRAY_SIZE(settings);

	while (i--)
		if (settings_before[i][0])
			set(settings[i].file, settings_before[i]);
}

/* Failures since the settings' "times" were MANY_TIMES */
static unsigned long nr_failures(void)
{
	static const char * const files[] = {
		DEBUGFS "failslab/times", DEBUGFS "fail_page_alloc/times",
	};
	unsigned long nr = 0;
	char text[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		td_read_file(files[i], text, sizeof(text));
		nr += MANY_TIMES - strtol(text, NULL, 10);
	}
	return nr;
}

/* Which failures of the caller's thread */
enum mode {
	ONE_FAILS,	/* the allocation number @step */
	REST_FAILS,	/* all from the slab allocator, see space_of() */
	SOME_FAIL,	/* as the settings say */
};

/* What fails in one system call of a request */
struct fault {
	enum mode	mode;
	int		fd;		/* of the thread's file in procfs */
	unsigned int	call;		/* 0 for sendto(), 1 for the first recv() */
	unsigned int	step;
	bool		reached;	/* there was such a call */
	bool		injected;	/* and something did fail in it */
};

static void open_fault(struct fault *fault, enum mode mode)
{
	*fault = (struct fault){ .mode = mode };
	fault->fd = open(mode == ONE_FAILS ? "/proc/thread-self/fail-nth" :
					     "/proc/thread-self/make-it-fail",
			 O_RDWR);
	td_must(fault->fd >= 0, "fail-nth");
}

static void write_fault(const struct fault *fault, unsigned int value)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", value);

	td_must(pwrite(fault->fd, text, len, 0) == len, "fail-nth");
}

/* Bytes that are had before the rest fails: small objects, then buffers */
static unsigned int space_of(unsigned int step)
{
	return step < 8 ? 128 * step : step < 16 ? 1024 * (step - 7) :
						   4096 * (step - 13);
}

/* Must be the last thing before the call, and the next one the first after. */
static void arm(struct fault *fault, unsigned int call)
{
	char text[12];

	if (!fault || (fault->mode != SOME_FAIL && fault->call != call))
		return;
	fault->reached = true;
	if (fault->mode == REST_FAILS) {
		snprintf(text, sizeof(text), "%u", space_of(fault->step));
		td_must(set("failslab/space", text), "space");
		snprintf(text, sizeof(text), "%u", MANY_TIMES);
		td_must(set("failslab/times", text), "times");
	}
	write_fault(fault, fault->mode == ONE_FAILS ? fault->step + 1 : 1);
}

static void disarm(struct fault *fault, unsigned int call)
{
	char text[32] = {};

	if (!fault || (fault->mode != SOME_FAIL && fault->call != call))
		return;
	/* What is left to count: 0 if it came to that */
	td_must(pread(fault->fd, text, sizeof(text) - 1, 0) > 0, "fail-nth");
	write_fault(fault, 0);
	if (fault->mode == ONE_FAILS) {
		fault->injected = text[0] == '0';
	} else if (fault->mode == REST_FAILS) {
		td_read_file(DEBUGFS "failslab/times", text, sizeof(text));
		fault->injected = strtol(text, NULL, 10) < MANY_TIMES;
	}
}

/* --- requests ---------------------------------------------------------- */

struct query {
	__u8	cmd;
	__u16	flags;
	__u64	strategy;
	__u64	show_flags;
	__u32	req_flags;	/* enum task_diag_flag */
	__u32	pid;
	int	cgroup_fd;	/* that it selects, or 0 */
	size_t	recv_size;
};

struct outcome {
	struct td_props_answer	*answer;
	int			error;	/* positive: what the requester gets */
	bool			goes_on;	/* the dump, in spite of that */
};

/* Touches the buffer: its pages shall not be allocated during a call. */
static void open_sock(struct td_sock *sock, const struct query *query)
{
	td_must(!td_open(sock), "td_open");
	td_set_recv_size(sock, query->recv_size);
	memset(sock->buf, 0, sock->size);
}

static int send_query(struct td_sock *sock, const struct query *query,
		      struct fault *fault)
{
	struct task_diag_pid req = {
		.show_flags = query->show_flags,
		.dump_strategy = query->strategy,
		.pid = query->pid,
		.flags = query->req_flags,
	};
	struct td_msg msg;
	int err;

	if (query->cmd == TASK_DIAG_CMD_GET)
		td_request_get(sock, &msg, query->flags, &req);
	else
		td_request(sock, &msg, query->cmd, query->flags);
	if (query->cgroup_fd) {
		td_put(&msg, TASK_DIAG_SELECT_CGROUP_FD, &query->cgroup_fd,
		       sizeof(query->cgroup_fd));
		td_put(&msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
	}
	arm(fault, 0);
	err = td_send(sock, &msg);
	disarm(fault, 0);
	return -err;
}

/* Up to the first error, of whatever call, or the end */
static struct outcome ask(struct td_sock *sock, const struct query *query,
			  struct fault *fault)
{
	struct outcome outcome = { .answer = td_new_props() };
	struct td_answer *rest = outcome.answer->rest;
	unsigned int call;
	ssize_t len;
	int err;

	outcome.error = send_query(sock, query, fault);
	for (call = 1; !outcome.error && !rest->ended && !rest->broken[0];
	     call++) {
		arm(fault, call);
		len = recv(sock->fd, sock->buf, sock->size, MSG_TRUNC);
		err = errno;
		disarm(fault, call);
		if (len < 0)
			outcome.error = err;
		else
			td_parse_datagram(sock, rest, len);
	}
	if (!outcome.error)
		outcome.error = rest->error;
	return outcome;
}

/*
 * When there is no memory for the next datagram of a dump, netlink says so and
 * leaves the dump as it is. The dump continues when the socket receives anything
 * else, here the answer to another request, and must lack nothing then.
 */
static void go_on(struct td_sock *sock, struct outcome *outcome)
{
	const struct nlmsghdr *nlh = (void *)sock->buf;
	struct td_answer *rest = outcome->answer->rest;
	bool answered = false;
	struct td_msg msg;
	ssize_t len;

	/* Requests of td_request() have higher numbers. */
	td_begin(&msg, sock->family, TASK_DIAG_CMD_HEADER, 0, 0);
	td_must(!td_send(sock, &msg), "sendto");
	rest->ended = false;
	rest->error = 0;
	while ((len = recv(sock->fd, sock->buf, sock->size,
			   MSG_TRUNC | MSG_DONTWAIT)) > 0) {
		if (!nlh->nlmsg_seq) {
			answered = nlh->nlmsg_type == sock->family;
			continue;
		}
		outcome->goes_on = true;
		td_parse_datagram(sock, outcome->answer->rest, len);
	}
	if (errno != EAGAIN || !answered)
		td_broken(rest, "after error %d, another request fails: %s",
			  outcome->error, strerror(errno));
}

/* --- what is right ----------------------------------------------------- */

/* The first group whose bytes differ from those without a failure */
static char other_bytes[80];

struct text_part {
	__u32	len;
	__u32	off;
	__u32	at;
	__u32	pad;
};

/* The struct at @pos repeats @info, for a text of which @left bytes are to come */
static bool is_next_part(const char *info, const char *pos, const char *end,
			 size_t size, __u32 left)
{
	const size_t at = size - sizeof(struct text_part);
	struct text_part part;

	if (pos + size > end || memcmp(info, pos, at + sizeof(part.len)))
		return false;
	memcpy(&part, pos + at, sizeof(part));
	return part.len - part.off == left;
}

/* Which mappings come without the name of the one before, messages decide. */
static void drop_same_name(struct td_group *joined, size_t at,
			   const char **last, __u32 *last_len)
{
	const char *name = joined->data + at + sizeof(struct task_diag_vma);
	struct task_diag_vma vma;

	memcpy(&vma, joined->data + at, sizeof(vma));
	if (!(vma.flags & TASK_DIAG_VMA_SAME_NAME) &&
	    (!vma.name_len || vma.name_len != *last_len ||
	     memcmp(name, *last, vma.name_len))) {
		*last = name;
		*last_len = vma.name_len;
		return;
	}
	vma.flags |= TASK_DIAG_VMA_SAME_NAME;
	vma.name_len = 0;
	memcpy(joined->data + at, &vma, sizeof(vma));
	joined->len = at + sizeof(vma);
}

/*
 * Joins texts that came in parts, each of them after the same struct, which
 * ends with a struct text_part.
 */
static struct td_group join_parts(const struct td_group *group, size_t size)
{
	struct td_group joined = { .data = malloc(group->len + 1) };
	const char *pos = group->data, *end = pos + group->len, *info;
	const char *name = NULL;
	__u32 left, name_len = 0;
	size_t at;

	td_must(joined.data, "malloc");
	while (pos + size <= end) {
		at = joined.len;
		info = pos;
		memcpy(&left, info + size - sizeof(struct text_part),
		       sizeof(left));
		memcpy(joined.data + joined.len, info, size);
		joined.len += size;
		pos += size;
		while (left && pos < end) {
			if (is_next_part(info, pos, end, size, left)) {
				pos += size;
				continue;
			}
			joined.data[joined.len++] = *pos++;
			left--;
		}
		if (size == sizeof(struct task_diag_vma))
			drop_same_name(&joined, at, &name, &name_len);
	}
	return joined;
}

static bool same_bytes(const struct td_group *a, const struct td_group *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static bool same_parts(const struct td_group *seen, const struct td_group *good,
		       size_t size)
{
	struct td_group a = join_parts(seen, size), b = join_parts(good, size);
	bool same = same_bytes(&a, &b);

	free(a.data);
	free(b.data);
	return same;
}

/* Time passes while a task sleeps, and the clock is set. */
static bool same_stats(const struct td_group *seen, const struct td_group *good)
{
	struct taskstats a, b;

	if (seen->len != sizeof(a) || good->len != sizeof(b))
		return false;
	memcpy(&a, seen->data, sizeof(a));
	memcpy(&b, good->data, sizeof(b));
	a.ac_etime = b.ac_etime;
	a.ac_tgetime = b.ac_tgetime;
	a.ac_btime = b.ac_btime;
	a.ac_btime64 = b.ac_btime64;
	return !memcmp(&a, &b, sizeof(a));
}

/* Signals queued count for a user: others of them come and go. */
static bool same_signals(const struct td_group *seen,
			 const struct td_group *good)
{
	struct task_diag_signal a, b;

	if (seen->len != sizeof(a) || good->len != sizeof(b))
		return false;
	memcpy(&a, seen->data, sizeof(a));
	memcpy(&b, good->data, sizeof(b));
	a.queued = b.queued;
	return !memcmp(&a, &b, sizeof(a));
}

static bool same_group(__u16 attr, const struct td_group *seen,
		       const struct td_group *good)
{
	if (!seen->len || !good->len)
		return seen->len == good->len;
	switch (attr) {
	case TASK_DIAG_STAT:
		return same_stats(seen, good);
	case TASK_DIAG_SIGNAL:
		return same_signals(seen, good);
	case TASK_DIAG_VMA:
		return same_parts(seen, good, sizeof(struct task_diag_vma));
	case TASK_DIAG_CGROUP:
		return same_parts(seen, good, sizeof(struct task_diag_cgroup));
	case TASK_DIAG_FILES:
		return same_parts(seen, good, sizeof(struct task_diag_file));
	default:
		return same_bytes(seen, good);
	}
}

static bool may_fail(__u64 bit, int error)
{
	return (bit & NEED_MEMORY && error == -ENOMEM) ||
	       (bit & NEED_PAGES && error == -EFAULT);
}

/* Returns how many groups failed; bytes of groups in @moving do not count. */
static unsigned int compare_task(const struct td_props *seen,
				 const struct td_props *good, __u64 moving)
{
	const __u64 had = good->has | good->failed | NEED_MEMORY_FIRST;
	const struct td_group *group;
	unsigned int nr_failed = 0;
	__u64 bit;
	__u16 i;

	for (i = 0; i < TD_MAX_GROUPS; i++) {
		bit = 1ULL << i;
		group = &seen->groups[i];
		/* A path can be too long to be reported. */
		if (seen->failed & good->failed & bit &&
		    group->error == good->groups[i].error)
			continue;
		if (seen->failed & bit) {
			nr_failed++;
			if (!may_fail(bit, group->error) || !(had & bit))
				differs("group %u of %u has error %d; ", i,
					seen->pid, group->error);
		} else if ((seen->has ^ good->has) & bit) {
			differs("group %u of %u is %s; ", i, seen->pid,
				seen->has & bit ? "in excess" : "absent");
		} else if (!(moving & bit) && !other_bytes[0] &&
			   !same_group(i, group, &good->groups[i])) {
			snprintf(other_bytes, sizeof(other_bytes),
				 "group %u of %u has other bytes", i, seen->pid);
		}
	}
	return nr_failed;
}

/*
 * All tasks in the same order, with at most @max_failed groups that failed.
 * Returns how many did.
 */
static unsigned int compare(const struct td_props_answer *seen,
			    const struct td_props_answer *good,
			    unsigned int max_failed)
{
	const struct td_answer *a = seen->rest, *b = good->rest;
	unsigned int nr_failed = 0;
	size_t i;

	if (a->has_header != b->has_header ||
	    memcmp(&a->header, &b->header, sizeof(a->header)))
		differs("another header; ");
	for (i = 0; i < seen->nr_tasks && i < good->nr_tasks; i++) {
		if (seen->tasks[i].pid != good->tasks[i].pid) {
			differs("task %u instead of %u; ", seen->tasks[i].pid,
				good->tasks[i].pid);
			return nr_failed;
		}
		/* It is us that do not hold still. */
		nr_failed += compare_task(&seen->tasks[i], &good->tasks[i],
					  seen->tasks[i].pid == getpid() ? ~0ULL :
									   0);
	}
	if (seen->nr_tasks != good->nr_tasks)
		differs("%zu tasks instead of %zu; ", seen->nr_tasks,
			good->nr_tasks);
	if (nr_failed > max_failed)
		differs("%u groups failed; ", nr_failed);
	return nr_failed;
}

/* What failures came to, so far */
static struct {
	unsigned int	injected;
	unsigned int	errors;
	unsigned int	go_on;		/* of those, dumps that went on */
	unsigned int	groups;		/* answers that lacked a group */
} counts;

static void differs_from_whole(const struct td_props_answer *answer)
{
	const char *text = td_props_whole(answer);

	if (text[0])
		differs("%s; ", text);
}

/* Asks with @fault, or without one, and leaves the socket fit for more. */
static void ask_and_judge(struct td_sock *sock, const struct query *query,
			  struct fault *fault,
			  const struct td_props_answer *good)
{
	struct outcome outcome = ask(sock, query, fault);
	struct td_answer *rest = outcome.answer->rest;
	unsigned int max_failed = 0;

	if (fault)
		max_failed = fault->mode == ONE_FAILS ? 1 : ANY_NUMBER;
	if (outcome.error && !rest->broken[0])
		go_on(sock, &outcome);
	if (rest->broken[0])
		differs("%s; ", rest->broken);
	else if (outcome.error && (!fault || !fault->injected ||
				   (outcome.error != ENOMEM &&
				    outcome.error != ENOBUFS)))
		differs("%s; ", strerror(outcome.error));
	else if (!outcome.error || outcome.goes_on)
		differs_from_whole(outcome.answer);
	if (!diff.len && (!outcome.error || outcome.goes_on))
		counts.groups += !!compare(outcome.answer, good, max_failed);
	counts.errors += !!outcome.error;
	counts.go_on += outcome.goes_on;
	td_free_props(outcome.answer);
}

static struct td_props_answer *ask_well(const struct query *query)
{
	struct outcome outcome;
	struct td_sock sock;

	open_sock(&sock, query);
	outcome = ask(&sock, query, NULL);
	td_close(&sock);
	return outcome.answer;
}

/*
 * The request with a failure, then on the same socket and on a new one without.
 * Tasks may not have come to rest yet, and a page may get another user: what
 * counts is that all is as it was before or as it is after. Returns what is
 * wrong.
 */
static const char *try_fault(const struct query *query, struct fault *fault,
			     struct td_props_answer **good)
{
	struct td_sock sock, new_sock;
	struct td_props_answer *again;
	unsigned int tries;

	for (tries = 0; tries < 10; tries++) {
		begin_diff();
		other_bytes[0] = 0;
		fault->reached = false;
		fault->injected = false;
		open_sock(&sock, query);
		ask_and_judge(&sock, query, fault, *good);
		if (diff.len)
			differs("with the failure");
		else
			ask_and_judge(&sock, query, NULL, *good);
		if (!diff.len) {
			open_sock(&new_sock, query);
			ask_and_judge(&new_sock, query, NULL, *good);
			td_close(&new_sock);
		}
		td_close(&sock);
		if (diff.len || !other_bytes[0])
			return diff.text;

		again = ask_well(query);
		other_bytes[0] = 0;
		compare(again, *good, 0);
		td_free_props(*good);
		*good = again;
		if (diff.len || !other_bytes[0])
			break;
	}
	differs("%s", tries < 10 ? "other bytes with a failure only" :
				   "tasks do not hold still");
	return diff.text;
}

/* Lets one allocation after the other fail, in each system call from @call on. */
static void try_faults_from(struct __test_metadata *_metadata,
			    const struct query *query, enum mode mode,
			    unsigned int call)
{
	struct td_props_answer *good = ask_well(query);
	unsigned int before = counts.injected;
	struct fault fault;
	const char *text;

	open_fault(&fault, mode);
	fault.call = call;
	ASSERT_STREQ("", td_props_whole(good));
	do {
		fault.step = 0;
		do {
			text = try_fault(query, &fault, &good);
			counts.injected += fault.injected;
			fault.step++;
		} while (fault.injected && !text[0]);
		ASSERT_STREQ("", text)
			TH_LOG("show_flags 0x%llx, recv %zu: call %u, step %u",
			       query->show_flags, query->recv_size, fault.call,
			       fault.step - 1);
		fault.call++;
	} while (fault.reached);
	ASSERT_LT(before, counts.injected)
		TH_LOG("nothing fails for show_flags 0x%llx, recv %zu",
		       query->show_flags, query->recv_size);
	close(fault.fd);
	td_free_props(good);
}

static void try_faults(struct __test_metadata *_metadata,
		       const struct query *query, enum mode mode)
{
	try_faults_from(_metadata, query, mode, 0);
}

/*
 * What debugs the kernel allocates as well, and not the same each time: an
 * allocation may come to be passed over.
 */
static void try_faults_of_groups(struct __test_metadata *_metadata,
				 const struct query *query)
{
	unsigned int tries;

	for (tries = 0; tries < 10 && !counts.groups; tries++)
		try_faults(_metadata, query, ONE_FAILS);
	EXPECT_LT(0, counts.groups);
}

static void log_counts(struct __test_metadata *_metadata)
{
	TH_LOG("%u failures: %u errors, %u dumps went on, %u lacked a group",
	       counts.injected, counts.errors, counts.go_on, counts.groups);
}

/* --- tasks to request ------------------------------------------------ */

/* Arguments of this program when it is one of them */
struct program {
	unsigned int	nr_threads;
	unsigned int	nr_mappings;
	bool		deep;		/* map a file whose path is too long */
	size_t		arg_len;	/* of one more argument */
};

/* Every other page is read-only, so that they are not merged. */
static void map_many(unsigned int nr)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	unsigned int i;
	char *area;

	if (!nr)
		return;
	area = mmap(NULL, nr * page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	td_must(area != MAP_FAILED, "mmap");
	for (i = 0; i < nr; i += 2)
		td_must(!mprotect(area + i * page, page, PROT_READ),
			"mprotect");
}

/* Its name needs a longer buffer than others. */
static void map_deep_file(void)
{
	char name[201] = {};
	unsigned int i;
	int fd;

	memset(name, 'd', sizeof(name) - 1);
	td_must(!chdir("/tmp"), "chdir");
	for (i = 0; i < 21; i++) {
		mkdir(name, 0700);
		td_must(!chdir(name), "chdir");
	}
	fd = open("file", O_RDWR | O_CREAT, 0600);
	td_must(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED,
		"mmap");
	close(fd);
}

/* "NAME --sleep FD NR_THREADS NR_MAPPINGS DEEP [...]" */
static void sleep_main(char **argv)
{
	unsigned int nr_threads = atoi(argv[3]);

	td_ready_fd = atoi(argv[2]);
	td_start_threads(&nr_threads);
	map_many(atoi(argv[4]));
	if (atoi(argv[5]))
		map_deep_file();
	td_ready();
	for (;;)
		pause();
}

/* A program of its own shares no memory with us that we would write to. */
static void run_file(const char *path, const struct program *program)
{
	char numbers[4][12], *text = NULL;

	snprintf(numbers[0], sizeof(numbers[0]), "%d", td_ready_fd);
	snprintf(numbers[1], sizeof(numbers[1]), "%u", program->nr_threads);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", program->nr_mappings);
	snprintf(numbers[3], sizeof(numbers[3]), "%u", program->deep);
	if (program->arg_len) {
		text = malloc(program->arg_len + 1);
		td_must(text, "malloc");
		memset(text, 'x', program->arg_len);
		text[program->arg_len] = 0;
	}
	execl(path, "sleeper", "--sleep", numbers[0], numbers[1], numbers[2],
	      numbers[3], text, NULL);
	td_must(false, "execl");
}

static void run_program(const void *program)
{
	run_file("/proc/self/exe", program);
}

/* --- failures one by one ----------------------------------------------- */

FIXTURE(request)
{
	__u64	groups;		/* all there are */
	pid_t	pid;
};

FIXTURE_VARIANT(request)
{
	__u16	flags;
	__u64	strategy;
};

FIXTURE_VARIANT_ADD(request, of_one)
{
	.flags = NLM_F_DUMP,
	.strategy = TASK_DIAG_DUMP_ONE,
};

FIXTURE_VARIANT_ADD(request, of_all)
{
	.flags = NLM_F_DUMP,
	.strategy = TASK_DIAG_DUMP_ALL,
};

FIXTURE_VARIANT_ADD(request, of_all_threads)
{
	.flags = NLM_F_DUMP,
	.strategy = TASK_DIAG_DUMP_ALL_THREAD,
};

FIXTURE_VARIANT_ADD(request, of_children)
{
	.flags = NLM_F_DUMP,
	.strategy = TASK_DIAG_DUMP_CHILDREN,
};

FIXTURE_VARIANT_ADD(request, of_threads)
{
	.flags = NLM_F_DUMP,
	.strategy = TASK_DIAG_DUMP_THREAD,
};

FIXTURE_VARIANT_ADD(request, without_dump)
{
	.strategy = TASK_DIAG_DUMP_ONE,
};

static __u64 all_groups(void)
{
	struct query query = {
		.cmd = TASK_DIAG_CMD_HEADER,
		.recv_size = 32768,
	};
	struct td_props_answer *answer = ask_well(&query);
	__u64 groups = answer->rest->header.show_flags;

	td_free_props(answer);
	return groups;
}

FIXTURE_SETUP(request)
{
	static const struct program program = {
		.nr_threads = 2, .nr_mappings = 4, .arg_len = 100,
	};

	self->groups = all_groups();
	if (!(variant->flags & NLM_F_DUMP))
		self->groups &= ~TD_LONG_GROUPS;
	self->pid = td_spawn_sleeper(run_program, &program);
	ASSERT_LT(0, self->pid);
	ASSERT_LT(0, td_spawn_zombie(NULL, NULL));
}

FIXTURE_TEARDOWN(request)
{
	set("failslab/probability", "0");
	td_kill_children();
}

/* @pid is for the strategies on one process; the children are our own. */
static struct query dump_query(__u64 strategy, __u64 show_flags, __u32 pid)
{
	return (struct query){
		.cmd = TASK_DIAG_CMD_GET,
		.flags = NLM_F_DUMP,
		.strategy = strategy,
		.show_flags = show_flags,
		.pid = strategy == TASK_DIAG_DUMP_CHILDREN ? getpid() : pid,
		.recv_size = 32768,
	};
}

TEST_F_TIMEOUT(request, request_survives_the_failure_of_any_allocation, DEADLINE_S)
{
	struct query query = dump_query(variant->strategy, 0, self->pid);
	__u64 bit;

	query.flags = variant->flags;
	try_faults(_metadata, &query, ONE_FAILS);
	query.show_flags = self->groups;
	try_faults_of_groups(_metadata, &query);
	for (bit = 1; bit; bit <<= 1) {
		query.show_flags = self->groups & bit;
		if (!query.show_flags)
			continue;
		/* A dump starts alike with any group, and walks later. */
		try_faults_from(_metadata, &query, ONE_FAILS,
				query.flags & NLM_F_DUMP ? 1 : 0);
	}
	/* With flags for which more is allocated */
	if (query.flags & NLM_F_DUMP) {
		query.show_flags = BIT(FILES) | BIT(FD);
		query.req_flags = TASK_DIAG_FILE_PATHS | TASK_DIAG_FD_KINDS;
		try_faults_from(_metadata, &query, ONE_FAILS, 1);
		query.req_flags = 0;
	}
	/* Who never receives more than this gets no second, smaller try. */
	query.recv_size = 2048;
	query.show_flags = BIT(BASE);
	try_faults(_metadata, &query, ONE_FAILS);
	log_counts(_metadata);
	EXPECT_LT(0, counts.errors);
}

TEST_F_TIMEOUT(request, request_survives_the_failure_of_all_allocations, DEADLINE_S)
{
	struct query query = dump_query(variant->strategy, 0, self->pid);

	query.flags = variant->flags;
	ASSERT_TRUE(set("failslab/probability", "100"));
	try_faults(_metadata, &query, REST_FAILS);
	query.show_flags = self->groups;
	try_faults(_metadata, &query, REST_FAILS);
	query.recv_size = 2048;
	query.show_flags = BIT(BASE);
	try_faults(_metadata, &query, REST_FAILS);
	log_counts(_metadata);
	EXPECT_LT(0, counts.errors);
}

FIXTURE(failures)
{
	__u64	groups;		/* all there are */
};

FIXTURE_SETUP(failures)
{
	self->groups = all_groups();
}

FIXTURE_TEARDOWN(failures)
{
	set("failslab/probability", "0");
	set("fail_page_alloc/probability", "0");
	td_kill_children();
}

TEST_F(failures, header_survives_the_failure_of_any_allocation)
{
	struct query query = {
		.cmd = TASK_DIAG_CMD_HEADER,
		.recv_size = 32768,
	};

	try_faults(_metadata, &query, ONE_FAILS);
	ASSERT_TRUE(set("failslab/probability", "100"));
	try_faults(_metadata, &query, REST_FAILS);
	log_counts(_metadata);
	EXPECT_LT(0, counts.errors);
}

/* With a selection, of which it keeps a copy */
static void begin_subscribe(struct td_sock *sock, struct td_msg *msg)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(BASE) | BIT(EXE) | BIT(CGROUP),
		.dump_strategy = TASK_DIAG_DUMP_ALL,
	};
	const __u32 pid = getpid();

	td_begin_subscribe(sock, msg, 1 << TASK_DIAG_EVENT_COMM, &req);
	td_put(msg, TASK_DIAG_SELECT_PIDS, &pid, sizeof(pid));
}

TEST_F(failures, subscription_survives_the_failure_of_any_allocation)
{
	struct fault fault;
	struct td_events seen = {};
	struct td_sock sock;
	unsigned int nr_errors = 0;
	struct td_msg msg;
	int sent, error;

	open_fault(&fault, ONE_FAILS);
	do {
		ASSERT_EQ(0, td_open(&sock));
		begin_subscribe(&sock, &msg);
		arm(&fault, 0);
		sent = td_send(&sock, &msg);
		disarm(&fault, 0);
		td_free_events(&seen);
		td_drain(&sock, &seen);
		/* The kernel can do without some allocations. */
		if (seen.acked) {
			EXPECT_TRUE(!seen.error || seen.error == ENOMEM)
				TH_LOG("%d", seen.error);
		} else {
			EXPECT_TRUE(sent || seen.nr_full);
		}
		nr_errors += seen.error == ENOMEM;

		/* Without an answer the subscription may exist nevertheless. */
		begin_subscribe(&sock, &msg);
		error = td_send_subscribe(&sock, &seen, &msg);
		EXPECT_TRUE(!error || (error == EBUSY && !seen.nr_full))
			TH_LOG("allocation %u: %d", fault.step, error);
		EXPECT_EQ(0, prctl(PR_SET_NAME, "other"));
		td_free_events(&seen);
		td_drain(&sock, &seen);
		EXPECT_EQ(1, seen.nr);
		td_close(&sock);
	} while (fault.injected && ++fault.step < ANY_NUMBER);
	TH_LOG("%u allocations, %u errors", fault.step, nr_errors);
	EXPECT_LT(0, nr_errors);
	td_free_events(&seen);
	close(fault.fd);
}

/* What happens to the task happens, and the subscriber knows what he misses. */
TEST_F(failures, events_lost_by_failed_allocations_are_counted)
{
	struct td_events seen = {};
	unsigned int nr_lost = 0;
	struct fault fault;
	struct td_sock sock;
	struct td_msg msg;

	ASSERT_EQ(0, td_open(&sock));
	begin_subscribe(&sock, &msg);
	ASSERT_EQ(0, td_send_subscribe(&sock, &seen, &msg));
	open_fault(&fault, ONE_FAILS);
	do {
		arm(&fault, 0);
		EXPECT_EQ(0, prctl(PR_SET_NAME, "one"));
		disarm(&fault, 0);
		EXPECT_EQ(0, prctl(PR_SET_NAME, "two"));
		td_free_events(&seen);
		td_drain(&sock, &seen);
		EXPECT_STREQ("", seen.broken.broken);
		ASSERT_LE(1, seen.nr);
		EXPECT_EQ(2, seen.nr + seen.list[0].event.lost);
		nr_lost += seen.list[0].event.lost;
	} while (fault.injected && ++fault.step < ANY_NUMBER);
	TH_LOG("%u allocations, %u events lost", fault.step, nr_lost);
	EXPECT_LT(0, nr_lost);
	EXPECT_LT(nr_lost, fault.step);
	td_free_events(&seen);
	td_close(&sock);
	close(fault.fd);
}

/* Its numbers do not fit in the first buffer. */
TEST_F_TIMEOUT(failures, dump_of_many_threads_survives_failed_allocations, DEADLINE_S)
{
	static const struct program program = { .nr_threads = 100 };
	pid_t pid = td_spawn_sleeper(run_program, &program);
	struct query query = dump_query(TASK_DIAG_DUMP_THREAD, 0, pid);

	ASSERT_LT(0, pid);
	try_faults(_metadata, &query, ONE_FAILS);
	log_counts(_metadata);
	EXPECT_LT(0, counts.errors);
}

/* The root of the hierarchy, or 0 if there is none */
static int open_cgroup(void)
{
	static const char path[] = "/sys/fs/cgroup";
	struct statfs fs;

	if (statfs(path, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		return 0;
	return open(path, O_PATH | O_DIRECTORY);
}

TEST_F_TIMEOUT(failures, dump_of_a_cgroup_survives_failed_allocations, DEADLINE_S)
{
	struct query query = dump_query(TASK_DIAG_DUMP_ALL, BIT(CGROUP), 0);

	query.cgroup_fd = open_cgroup();
	if (!query.cgroup_fd)
		SKIP(return, "this needs cgroup2 on /sys/fs/cgroup");
	ASSERT_LT(0, query.cgroup_fd);
	ASSERT_LT(0, td_spawn_sleeper(NULL, NULL));
	try_faults(_metadata, &query, ONE_FAILS);
	ASSERT_TRUE(set("failslab/probability", "100"));
	try_faults(_metadata, &query, REST_FAILS);
	log_counts(_metadata);
	EXPECT_LT(0, counts.errors);
	close(query.cgroup_fd);
}

static void try_long_answer(struct __test_metadata *_metadata, __u64 groups,
			    const struct program *program, size_t recv_size,
			    unsigned int nr_msgs)
{
	pid_t pid = td_spawn_sleeper(run_program, program);
	struct query query = dump_query(TASK_DIAG_DUMP_ONE, groups, pid);
	struct td_props_answer *answer;
	const struct td_group *group;

	ASSERT_LT(0, pid);
	query.recv_size = recv_size;
	answer = ask_well(&query);
	ASSERT_EQ(1, answer->nr_tasks);
	group = &answer->tasks[0].groups[TASK_DIAG_VMA_STAT];
	EXPECT_LT(program->nr_mappings * sizeof(struct task_diag_vma_stat),
		  group->len);
	group = &answer->tasks[0].groups[TASK_DIAG_CMDLINE];
	EXPECT_LT(program->arg_len, group->len);
	EXPECT_LE(nr_msgs, answer->tasks[0].nr_msgs);
	td_free_props(answer);

	try_faults_of_groups(_metadata, &query);
	log_counts(_metadata);
	EXPECT_LT(0, counts.errors);
}

TEST_F_TIMEOUT(failures, long_answer_survives_failed_allocations, DEADLINE_S)
{
	static const struct program program = {
		.nr_mappings = 300, .deep = true, .arg_len = 128 * 1024 - 1,
	};

	try_long_answer(_metadata, self->groups, &program, 32768, 8);
}

TEST_F_TIMEOUT(failures, answer_in_many_messages_survives_failed_allocations, DEADLINE_S)
{
	static const struct program program = {
		.nr_mappings = 20, .deep = true, .arg_len = 30000,
	};

	try_long_answer(_metadata, self->groups, &program, 4096, 10);
}

/* --- what is left allocated ------------------------------------------ */

/* Objects in use of one slab cache, or pages of one kind */
struct usage {
	char		name[40];
	unsigned long	nr;
	unsigned long	per_slab;
};

struct usages {
	struct usage	*list;
	size_t		nr;
	size_t		max;
};

/* The files that shrink caches; to open one each time would fill others. */
static int shrink_fds[1000];
static size_t nr_shrink_fds;

static void open_caches(void)
{
	char path[300];
	struct dirent *entry;
	DIR *dir;

	dir = opendir("/sys/kernel/slab");
	td_must(dir, "/sys/kernel/slab");
	while ((entry = readdir(dir)) && nr_shrink_fds < ARRAY_SIZE(shrink_fds)) {
		/* Links are other names of what is merged. */
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink",
			 entry->d_name);
		shrink_fds[nr_shrink_fds] = open(path, O_WRONLY);
		td_must(shrink_fds[nr_shrink_fds++] >= 0, path);
	}
	closedir(dir);
}

static void add_usages(struct usages *usages, const char *path,
		       const char *format, unsigned long per_slab)
{
	FILE *file = fopen(path, "r");
	struct usage usage;
	char line[256];

	td_must(file, path);
	while (fgets(line, sizeof(line), file)) {
		usage.per_slab = per_slab;
		if (sscanf(line, format, usage.name, &usage.nr,
			   &usage.per_slab) < 2)
			continue;
		usages->list = td_grow(usages->list, usages->nr, &usages->max,
				       sizeof(usage));
		usages->list[usages->nr++] = usage;
	}
	fclose(file);
}

static struct usages count_usages(void)
{
	struct usages usages = {};
	size_t i;

	/* What RCU is about to free counts as well. */
	syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	for (i = 0; i < nr_shrink_fds; i++)
		td_must(pwrite(shrink_fds[i], "1", 1, 0) == 1, "shrink");
	add_usages(&usages, "/proc/slabinfo", "%39s %lu %*u %*u %lu", 0);
	/* What is too large for a cache, in KiB */
	add_usages(&usages, "/proc/meminfo", "%39[SUnreclaim]: %lu", 500);
	add_usages(&usages, "/proc/meminfo", "%39[VmallocUsed]: %lu", 500);
	return usages;
}

/* Says what has grown by more than @slabs slabs. */
static const char *grown(const struct usages *before, unsigned int slabs)
{
	struct usages now = count_usages();
	const struct usage *a, *b;
	size_t i, k;

	begin_diff();
	for (i = 0; i < now.nr; i++) {
		b = &now.list[i];
		/*
		 * Addresses of stacks are kept until there are very many, and
		 * kmemleak, which has a say of its own, counts them again. The
		 * pool of debugobjects grows with what others use.
		 */
		if (!strcmp(b->name, "vmap_area") ||
		    !strcmp(b->name, "kmemleak_object") ||
		    !strcmp(b->name, "debug_objects_cache"))
			continue;
		for (k = 0; k < before->nr; k++) {
			a = &before->list[k];
			if (strcmp(a->name, b->name) ||
			    b->nr <= a->nr + slabs * b->per_slab)
				continue;
			differs("%s from %lu to %lu; ", b->name, a->nr, b->nr);
		}
	}
	free(now.list);
	return diff.text;
}

/* Workers of the kernel may have to free something first. */
static const char *stays_grown(const struct usages *before, unsigned int slabs)
{
	double deadline = td_now() + TD_DEADLINE_S;

	while (grown(before, slabs)[0] && td_now() < deadline)
		usleep(100000);
	return diff.text;
}

/*
 * Only failures: each one, with the dumps that continue after it, or all of a
 * call, with the dumps closed. Returns the number of failures.
 */
static unsigned int let_fail(const struct query *query, enum mode mode)
{
	unsigned int injected = 0;
	struct outcome outcome;
	struct fault fault;
	struct td_sock sock;

	open_fault(&fault, mode);
	open_sock(&sock, query);
	do {
		fault.step = 0;
		do {
			fault.reached = false;
			fault.injected = false;
			outcome = ask(&sock, query, &fault);
			if (outcome.error && mode == ONE_FAILS) {
				go_on(&sock, &outcome);
			} else if (outcome.error) {
				td_close(&sock);
				open_sock(&sock, query);
			}
			injected += fault.injected;
			fault.step++;
			td_free_props(outcome.answer);
		} while (fault.injected && mode == ONE_FAILS);
		fault.call++;
	} while (fault.reached);
	td_close(&sock);
	close(fault.fd);
	return injected;
}

static void map_for_many_messages(const void *unused)
{
	map_many(100);
}

/* In a child, which has credentials of its own. Returns the number of failures. */
static unsigned int let_fail_in_child(struct __test_metadata *_metadata,
				      const struct query *query)
{
	unsigned int nr = 0;
	int fds[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		nr = let_fail(query, ONE_FAILS) + let_fail(query, REST_FAILS);
		_exit(write(fds[1], &nr, sizeof(nr)) != sizeof(nr));
	}
	close(fds[1]);
	EXPECT_EQ(sizeof(nr), read(fds[0], &nr, sizeof(nr)));
	close(fds[0]);
	EXPECT_EQ(0, td_wait(pid));
	return nr;
}

/* At least so many, and no further ones after so many seconds */
#define LEAST_ROUNDS	100
#define ROUNDS_S	60

/*
 * Every strategy, plain requests, and a cgroup in turn, with an own requester
 * and an own task for each round, lest all references be to one. Returns how
 * many rounds it was.
 */
static unsigned int let_rounds_fail(struct __test_metadata *_metadata,
				    unsigned int nr_rounds)
{
	const __u64 groups = BIT(CGROUP) | BIT(EXE) | BIT(VMA) | BIT(CWD) |
			     NEED_PAGES | BIT(BASE);
	double deadline = td_now() + ROUNDS_S;
	int cgroup_fd = open_cgroup();
	struct query query;
	unsigned int i, nr;
	__u64 strategy;
	pid_t pid;

	for (i = 0; i < nr_rounds && (i < LEAST_ROUNDS || td_now() < deadline); i++) {
		pid = td_spawn(map_for_many_messages, NULL);
		ASSERT_LT(0, pid);
		strategy = i % (TASK_DIAG_DUMP_MAX + 3);
		if (strategy <= TASK_DIAG_DUMP_MAX) {
			query = dump_query(strategy, groups, pid);
		} else if (strategy > TASK_DIAG_DUMP_MAX + 1) {
			query = dump_query(TASK_DIAG_DUMP_ALL, groups, 0);
			query.cgroup_fd = cgroup_fd;
		} else {
			query = dump_query(TASK_DIAG_DUMP_ONE,
					   groups & ~TD_LONG_GROUPS, pid);
			query.flags = 0;
		}
		query.recv_size = 4096;
		nr = let_fail_in_child(_metadata, &query);
		EXPECT_LT(0, nr);
		counts.injected += nr;
		td_kill_children();
	}
	if (cgroup_fd)
		close(cgroup_fd);
	return i;
}

TEST_F_TIMEOUT(failures, failed_allocations_leak_nothing, TD_FOREVER_S)
{
	struct usages before;
	unsigned int nr;

	if (access("/proc/slabinfo", R_OK))
		SKIP(return, "this needs CONFIG_SLUB_DEBUG");
	ASSERT_TRUE(set("failslab/probability", "100"));
	/* A slab that a processor keeps counts as full: let but one do so. */
	td_stay_on_cpu(sched_getcpu());
	open_caches();
	/* What is made once and stays shall be there. */
	let_rounds_fail(_metadata, 12);
	before = count_usages();
	nr = let_rounds_fail(_metadata, 300);
	/* One object leaked in each is more than two slabs. */
	EXPECT_LE(LEAST_ROUNDS, nr);
	EXPECT_STREQ("", stays_grown(&before, 2));
	TH_LOG("%u failures in %u rounds", counts.injected, nr);
	free(before.list);
}

/* A dump that pauses in the middle of a task holds what a leak would. */
TEST_F_TIMEOUT(failures, leaks_are_noticed, DEADLINE_S)
{
	struct query query = dump_query(TASK_DIAG_DUMP_ONE, BIT(VMA_STAT), 0);
	struct td_sock socks[60];
	struct usages before;
	unsigned int i;
	pid_t pid;

	if (access("/proc/slabinfo", R_OK))
		SKIP(return, "this needs CONFIG_SLUB_DEBUG");
	/* A slab that a processor keeps counts as full: let but one do so. */
	td_stay_on_cpu(sched_getcpu());
	open_caches();
	query.recv_size = 4096;
	for (i = 0; i < ARRAY_SIZE(socks); i++)
		open_sock(&socks[i], &query);
	before = count_usages();
	for (i = 0; i < ARRAY_SIZE(socks); i++) {
		pid = td_spawn(NULL, NULL);
		ASSERT_LT(0, pid);
		query.pid = pid;
		ASSERT_EQ(0, send_query(&socks[i], &query, NULL));
		/* The header; the next message is the first of the task. */
		ASSERT_LT(0, recv(socks[i].fd, socks[i].buf, socks[i].size, 0));
		td_kill_children();
	}
	usleep(100000);
	grown(&before, 2);
	EXPECT_NE(NULL, strstr(diff.text, "task_struct"))
		TH_LOG("%s", diff.text);
	EXPECT_NE(NULL, strstr(diff.text, "mm_struct"));
	EXPECT_NE(NULL, strstr(diff.text, "skbuff_head_cache"));
	for (i = 0; i < ARRAY_SIZE(socks); i++)
		td_close(&socks[i]);
	EXPECT_STREQ("", stays_grown(&before, 2));
	free(before.list);
}

static void run_busy_program(const void *program)
{
	run_file(BUSY "/sleeper", program);
}

/* A file system can be unmounted only when nobody refers to a file in it. */
TEST_F_TIMEOUT(failures, failed_allocations_keep_no_executable_busy, DEADLINE_S)
{
	static const struct program program = { .nr_threads = 2 };
	unsigned int injected = 0, i;
	struct query query;
	double deadline;
	pid_t pid;
	int err;

	ASSERT_EQ(0, mkdir(BUSY, 0700));
	ASSERT_EQ(0, mount("taskdiag", BUSY, "tmpfs", 0, NULL));
	td_copy_program(BUSY "/sleeper", 0700);
	pid = td_spawn_sleeper(run_busy_program, &program);
	ASSERT_LT(0, pid);

	ASSERT_TRUE(set("failslab/probability", "100"));
	for (i = 0; i < 20; i++) {
		query = dump_query(i % 2 ? TASK_DIAG_DUMP_ONE :
					   TASK_DIAG_DUMP_THREAD,
				   self->groups, pid);
		injected += let_fail(&query, ONE_FAILS);
		injected += let_fail(&query, REST_FAILS);
	}
	EXPECT_LT(20, injected);
	EXPECT_EQ(-1, umount(BUSY));
	EXPECT_EQ(EBUSY, errno);
	td_kill_children();
	/* Its end is in the hands of a worker of the kernel. */
	deadline = td_now() + TD_DEADLINE_S;
	do {
		usleep(10000);
		err = umount(BUSY) ? errno : 0;
	} while (err == EBUSY && td_now() < deadline);
	EXPECT_EQ(0, err);
	TH_LOG("%u failures", injected);
}

/* --- failures while tasks come and go ---------------------------------- */

#define RACE_S		8
#define RACE_PROCESSES	2

/* Shared by the processes that send requests */
struct race {
	unsigned int	requests;
	unsigned int	errors;
	unsigned int	groups;	/* answers that lack a group for want of memory */
	unsigned int	wrong;
};

static struct race *race;
static struct query race_queries[8];
static struct td_props_answer *race_good[ARRAY_SIZE(race_queries)];
static unsigned int nr_race_queries;
static pthread_mutex_t race_lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned int count(unsigned int *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* "NAME --again": starts another thread, and calls exec again */
static void again_main(void)
{
	unsigned int nr_threads = 1;

	td_start_threads(&nr_threads);
	execl("/proc/self/exe", "again", "--again", NULL);
	td_must(false, "execl");
}

static void exec_again_and_again(const void *unused)
{
	td_ready();
	execl("/proc/self/exe", "again", "--again", NULL);
	td_must(false, "execl");
}

static void fork_again_and_again(const void *unused)
{
	unsigned int i, nr_threads = 3;
	pid_t pid;

	td_ready();
	for (i = 0;; i++) {
		pid = fork();
		if (!pid) {
			if (i % 4 == 0)
				execl("/proc/self/exe", "exit", "--exit", NULL);
			if (i % 4 == 1)
				td_start_threads(&nr_threads);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void add_race_query(__u64 strategy, __u64 show_flags, __u32 pid)
{
	struct query *query = &race_queries[nr_race_queries];

	*query = dump_query(strategy, show_flags, pid);
	race_good[nr_race_queries++] = ask_well(query);
}

/* @steady is a task that sleeps during the race. */
static void judge_race(const struct outcome *outcome,
		       const struct td_props_answer *good, __u32 steady)
{
	const struct td_props_answer *answer = outcome->answer;
	const struct td_props *good_task = td_find_props(good, steady);
	const struct td_props *task;
	bool lacks_group = false;
	size_t i;
	__u16 k;

	if (outcome->error) {
		count(&race->errors);
		/* Tasks may end, and one with ONE is all there is. */
		if (outcome->error != ENOMEM && outcome->error != ENOBUFS &&
		    (outcome->error != ESRCH || good_task))
			differs("%s", strerror(outcome->error));
		return;
	}
	differs_from_whole(answer);
	for (i = 0; i < answer->nr_tasks; i++) {
		task = &answer->tasks[i];
		for (k = 0; k < TD_MAX_GROUPS; k++) {
			if (!(task->failed & 1ULL << k))
				continue;
			if (task->groups[k].error == -ENOMEM)
				lacks_group = true;
			if (!may_fail(1ULL << k, task->groups[k].error) &&
			    task->groups[k].error != -EAGAIN &&
			    task->groups[k].error != -ESRCH)
				differs("group %u of %u has error %d; ", k,
					task->pid, task->groups[k].error);
		}
	}
	if (lacks_group)
		count(&race->groups);
	if (!good_task)
		return;
	/* Its pages are mapped by others that come and go. */
	task = td_find_props(answer, steady);
	other_bytes[0] = 0;
	if (task)
		compare_task(task, good_task, BIT(VMA_STAT) | BIT(MEM_ROLLUP));
	else
		differs("%u is absent; ", steady);
	differs("%s", other_bytes);
}

/* As a client should, it retries with a new socket after an error. */
static void *ask_in_race(void *arg)
{
	double deadline = td_now() + RACE_S;
	const __u32 *steady = arg;
	unsigned int i = gettid();
	struct outcome outcome;
	bool is_open = false;
	struct td_sock sock;
	struct fault fault;

	open_fault(&fault, SOME_FAIL);
	while (td_now() < deadline) {
		i = (i + 1) % nr_race_queries;
		if (!is_open)
			open_sock(&sock, &race_queries[i]);
		outcome = ask(&sock, &race_queries[i], &fault);
		count(&race->requests);

		pthread_mutex_lock(&race_lock);
		begin_diff();
		judge_race(&outcome, race_good[i], *steady);
		if (diff.len && count(&race->wrong) <= 10)
			fprintf(stderr, "# strategy %llu, show_flags 0x%llx: %s\n",
				race_queries[i].strategy,
				race_queries[i].show_flags, diff.text);
		pthread_mutex_unlock(&race_lock);

		is_open = !outcome.error;
		if (!is_open)
			td_close(&sock);
		td_free_props(outcome.answer);
	}
	if (is_open)
		td_close(&sock);
	close(fault.fd);
	return NULL;
}

static int race_process(__u32 steady)
{
	pthread_t thread;

	thread = td_new_thread(ask_in_race, &steady);
	ask_in_race(&steady);
	pthread_join(thread, NULL);
	return KSFT_PASS;
}

TEST_F_TIMEOUT(failures, dumps_during_churn_survive_failed_allocations, DEADLINE_S)
{
	static const struct program program = { .nr_threads = 1 };
	pid_t pids[RACE_PROCESSES], steady, changer, forker;
	const __u64 groups = self->groups;
	unsigned long failures;
	struct usages before;
	unsigned int i;

	race = td_share(sizeof(*race));
	steady = td_spawn_sleeper(run_program, &program);
	ASSERT_LT(0, steady);
	open_caches();
	before = count_usages();
	changer = td_spawn(exec_again_and_again, NULL);
	ASSERT_LT(0, changer);
	forker = td_spawn(fork_again_and_again, NULL);
	ASSERT_LT(0, forker);
	add_race_query(TASK_DIAG_DUMP_ALL, groups, 0);
	add_race_query(TASK_DIAG_DUMP_ONE, groups, changer);
	add_race_query(TASK_DIAG_DUMP_ALL_THREAD, groups, 0);
	add_race_query(TASK_DIAG_DUMP_THREAD, groups, changer);
	add_race_query(TASK_DIAG_DUMP_CHILDREN, groups, 0);
	add_race_query(TASK_DIAG_DUMP_ALL_THREAD, BIT(BASE), 0);
	add_race_query(TASK_DIAG_DUMP_THREAD, groups, forker);
	add_race_query(TASK_DIAG_DUMP_ONE, groups, steady);

	ASSERT_TRUE(set("failslab/times", "1000000000"));
	ASSERT_TRUE(set("fail_page_alloc/times", "1000000000"));
	ASSERT_TRUE(set("failslab/space", "0"));
	ASSERT_TRUE(set("failslab/probability", "10"));
	ASSERT_TRUE(set("fail_page_alloc/probability", "10"));
	for (i = 0; i < RACE_PROCESSES; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			_exit(race_process(steady));
	}
	for (i = 0; i < RACE_PROCESSES; i++)
		EXPECT_EQ(KSFT_PASS, td_wait(pids[i]));
	EXPECT_TRUE(set("failslab/probability", "0"));
	EXPECT_TRUE(set("fail_page_alloc/probability", "0"));
	failures = nr_failures();

	EXPECT_EQ(0, race->wrong);
	EXPECT_LT(0, failures);
	EXPECT_LT(0, race->errors);
	EXPECT_LT(0, race->groups);
	EXPECT_LT(race->errors + race->groups, race->requests);
	TH_LOG("%u requests, %lu failures: %u errors, %u lacked a group",
	       race->requests, failures, race->errors, race->groups);
	for (i = 0; i < nr_race_queries; i++)
		td_free_props(race_good[i]);
	td_kill_children();
	EXPECT_STREQ("", stays_grown(&before, 2 * get_nprocs()));
}

/* --- the program ------------------------------------------------------- */

/* The process that all tests run in, if there is one by now */
static pid_t inner_pid;

static void stop(int sig)
{
	if (inner_pid > 0)
		kill(inner_pid, SIGKILL);
}

/* In a pid namespace of its own, with /tmp and /proc for that */
static int inner_main(int argc, char **argv)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	td_must(td_private_tmp() && !mount("proc", "/proc", "proc", 0, NULL),
		"mount");
	return td_main(argc, argv);
}

int main(int argc, char **argv)
{
	int status = -1;

	if (argc > 5 && !strcmp(argv[1], "--sleep"))
		sleep_main(argv);
	if (argc > 1 && !strcmp(argv[1], "--again"))
		again_main();
	if (argc > 1 && !strcmp(argv[1], "--exit"))
		return 0;
	if (geteuid())
		return td_main(argc, argv);
	if (access("/proc/self/fail-nth", F_OK) ||
	    access(DEBUGFS "failslab", F_OK) ||
	    access(DEBUGFS "fail_page_alloc", F_OK)) {
		ksft_print_header();
		ksft_exit_skip("this needs %s, %s, %s, %s and debugfs on %s\n",
			       "CONFIG_FAULT_INJECTION",
			       "CONFIG_FAULT_INJECTION_DEBUG_FS",
			       "CONFIG_FAILSLAB", "CONFIG_FAIL_PAGE_ALLOC",
			       DEBUGFS);
	}
	/* fail-nth counts these as well. */
	if (!access(DEBUGFS "fail_usercopy", F_OK)) {
		ksft_print_header();
		ksft_exit_skip("this needs CONFIG_FAULT_INJECTION_USERCOPY to be off\n");
	}

	/* However the tests end, the settings are restored. */
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	td_must(!unshare(CLONE_NEWPID), "unshare");
	if (change_settings()) {
		inner_pid = fork();
		if (!inner_pid)
			return inner_main(argc, argv);
		if (inner_pid > 0)
			status = td_wait(inner_pid);
	} else {
		perror("# " DEBUGFS);
	}
	restore_settings();
	return status < 0 ? KSFT_FAIL : status;
}
