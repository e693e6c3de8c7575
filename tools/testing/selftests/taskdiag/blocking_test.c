// SPDX-License-Identifier: GPL-2.0
/*
 * Nobody stops a dump, and a dump stops nobody: thousands of requests, memory and
 * locks that keep readers waiting, crowds of hidden tasks, readers that do not
 * read. Nor does the kernel keep what it should free.
 *
 * Environment: TD_TASKS, how many hidden tasks there are in a crowd (3000);
 * TD_PATIENCE, see td_patience().
 */
#include "lib/fixture_attack.h"

#include <linux/fuse.h>
#include <sys/resource.h>
#include <sys/uio.h>

/* Of mappings and their pages */
#define VMA_GROUPS	(BIT(VMA) | BIT(VMA_STAT) | BIT(MEM_ROLLUP))
/* What a task without memory lacks */
#define MM_GROUPS	(VMA_GROUPS | BIT(MEM) | BIT(MM_MAP) | BIT(EXE) | \
			 BIT(CMDLINE) | BIT(ENVIRON))
/* What some tasks lack: only workers have NAME. */
#define RARE_GROUPS	(BIT(NAME) | BIT(GROUPS) | BIT(LABEL) | BIT(AUTOGROUP))

/* Whether the child ends within that time; then *@status says how. */
static bool ends_within(pid_t pid, double seconds, int *status)
{
	double deadline = td_now() + seconds;

	while (!waitpid(pid, status, WNOHANG)) {
		if (td_now() > deadline)
			return false;
		usleep(1000);
	}
	return true;
}

static bool dies_at_once(pid_t pid)
{
	int status;

	return !kill(pid, SIGKILL) && ends_within(pid, td_patience(), &status) &&
	       WIFSIGNALED(status);
}

/* Seconds that a request of another process to another family takes */
static double ask_other_family(void)
{
	double start = td_now();
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);

	td_must(fd >= 0 && td_family(fd, TASK_DIAG_GENL_NAME) > 0, "CTRL_CMD_GETFAMILY");
	close(fd);
	return td_now() - start;
}

/* The longest such time until the child ends, or until the time is over */
static double ask_other_family_while(pid_t pid, double seconds)
{
	double deadline = td_now() + seconds, longest = 0, took;
	siginfo_t info = {};

	do {
		took = ask_other_family();
		if (took > longest)
			longest = took;
		usleep(1000);
		waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
	} while (!info.si_pid && td_now() < deadline);
	return longest;
}

/* --- thousands of requests in one datagram ----------------------------- */

struct flood_answers {
	unsigned int nr_tasks;		/* about oneself */
	unsigned int nr_errors;
	int error;			/* the last one */
	unsigned int nr_overruns;	/* ENOBUFS of recv() */
	bool in_order;
	bool done;			/* NLMSG_DONE came */
	int done_error;			/* and said this, or 0 */
};

static void count_message(struct flood_answers *answers,
			  const struct nlmsghdr *nlh, __u32 *last)
{
	const struct nlattr *attr;

	if (nlh->nlmsg_seq < *last)
		answers->in_order = false;
	*last = nlh->nlmsg_seq;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		answers->nr_errors++;
		answers->error = -((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
	} else if (nlh->nlmsg_type == NLMSG_DONE) {
		answers->done = true;
		answers->done_error = -*(int *)NLMSG_DATA(nlh);
	} else {
		attr = NLMSG_DATA(nlh) + GENL_HDRLEN;
		if (attr->nla_type == TASK_DIAG_PID &&
		    *(__u32 *)((void *)attr + NLA_HDRLEN) == getpid())
			answers->nr_tasks++;
	}
}

/* What is in the queue */
static struct flood_answers recv_flood(const struct td_sock *sock)
{
	struct flood_answers answers = { .in_order = true };
	const struct nlmsghdr *nlh;
	__u32 last = 0;
	ssize_t len;

	for (;;) {
		len = recv(sock->fd, sock->buf, sock->size, MSG_DONTWAIT);
		if (len < 0 && errno == ENOBUFS) {
			answers.nr_overruns++;
			continue;
		}
		if (len < 0)
			return answers;
		for (nlh = (void *)sock->buf; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len))
			count_message(&answers, nlh, &last);
	}
}

static void expect_served(struct __test_metadata *_metadata,
			  struct td_sock *sock)
{
	struct td_answer *answer;

	answer = td_get(sock, 0, TASK_DIAG_DUMP_ONE, BIT(BASE), 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(1, answer->nr_tasks);
	td_free(answer);
}

TEST_F(attack, thousands_of_requests_get_their_answers)
{
	static struct td_flood flood;
	struct flood_answers answers;
	int size = 64 << 20;

	td_make_flood(&self->sock, &flood, TD_FLOOD_REQUESTS, 0, BIT(BASE), 0);
	/* As many answers as there is room for, and that there was no more */
	ASSERT_TRUE(td_send_flood(&self->sock, &flood));
	answers = recv_flood(&self->sock);
	EXPECT_TRUE(answers.in_order);
	EXPECT_LT(0, answers.nr_tasks);
	EXPECT_GT(TD_FLOOD_REQUESTS, answers.nr_tasks);
	EXPECT_EQ(1, answers.nr_overruns);
	expect_served(_metadata, &self->sock);

	ASSERT_EQ(0, setsockopt(self->sock.fd, SOL_SOCKET, SO_RCVBUFFORCE,
				&size, sizeof(size)));
	td_make_flood(&self->sock, &flood, TD_FLOOD_REQUESTS, 0, BIT(BASE), 0);
	ASSERT_TRUE(td_send_flood(&self->sock, &flood));
	answers = recv_flood(&self->sock);
	EXPECT_TRUE(answers.in_order);
	EXPECT_EQ(TD_FLOOD_REQUESTS, answers.nr_tasks);
	EXPECT_EQ(0, answers.nr_errors);
	EXPECT_EQ(0, answers.nr_overruns);
	expect_served(_metadata, &self->sock);
}

/*
 * If a dump were walked when it starts, this short one would end immediately, and
 * all the others would be walked within the same system call.
 */
TEST_F(attack, thousands_of_dumps_in_a_datagram_start_one)
{
	static struct td_flood flood;
	struct flood_answers answers;
	int size = 64 << 20;

	ASSERT_EQ(0, setsockopt(self->sock.fd, SOL_SOCKET, SO_RCVBUFFORCE,
				&size, sizeof(size)));
	td_make_flood(&self->sock, &flood, TD_FLOOD_REQUESTS, NLM_F_DUMP, BIT(BASE), 0);
	ASSERT_TRUE(td_send_flood(&self->sock, &flood));
	answers = recv_flood(&self->sock);
	EXPECT_EQ(TD_FLOOD_REQUESTS - 1, answers.nr_errors);
	EXPECT_EQ(EBUSY, answers.error);
	EXPECT_EQ(1, answers.nr_tasks);
	EXPECT_TRUE(answers.done);
	expect_served(_metadata, &self->sock);
}

static void be_alices_threads(const void *nr)
{
	td_become(TD_ALICE);
	td_start_threads(nr);
}

/* Of more threads than these it needs a dump. */
static const unsigned int nr_flooded_threads = 63;

static pid_t start_flooding(__u64 groups, pid_t of, unsigned int *sent)
{
	static struct td_flood flood;
	struct td_sock sock;
	pid_t child;

	child = fork();
	if (child)
		return child;
	td_become(TD_ALICE);
	td_must(!td_open(&sock), "td_open");
	td_make_flood(&sock, &flood, TD_FLOOD_REQUESTS, 0,
		      groups & (BIT(TIMES) | BIT(STAT) | BIT(IO)), of);
	for (;;) {
		td_must(td_send_flood(&sock, &flood), "send");
		__atomic_add_fetch(sent, 1, __ATOMIC_RELEASE);
	}
}

TEST_F(attack, thousands_of_requests_stop_no_other_family)
{
	pid_t child, other;
	unsigned int sent;

	other = td_spawn(be_alices_threads, &nr_flooded_threads);
	ASSERT_LT(0, other);
	child = start_flooding(self->groups, other, &sent);
	EXPECT_GT(td_patience(), ask_other_family_while(child, 3));
	EXPECT_TRUE(dies_at_once(child));
}

/* Seconds that the process, which may be a zombie, has run */
static double cpu_time_of(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	td_must(!clock_getcpuclockid(pid, &clock) && !clock_gettime(clock, &ts),
		"clock_getcpuclockid");
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* A requester that is killed in the middle of them does not handle the rest. */
TEST_F_TIMEOUT(attack, thousands_of_requests_can_be_killed, 600)
{
	/* On a slow kernel there is time for the first few alone. */
	static const double moments[] = { 0, .3, .6, .9, .2, .5, .8, .1, .4, .7 };
	const double end = td_now() + 60;
	double for_one, killed_at, goes_on = 0;
	unsigned int *sent, i;
	pid_t child, other;
	siginfo_t info;

	sent = td_share(sizeof(*sent));
	other = td_spawn(be_alices_threads, &nr_flooded_threads);
	ASSERT_LT(0, other);
	for (i = 0; i < ARRAY_SIZE(moments) && td_now() < end; i++) {
		*sent = 0;
		child = start_flooding(self->groups, other, sent);
		while (!__atomic_load_n(sent, __ATOMIC_ACQUIRE))
			usleep(1000);
		for_one = cpu_time_of(child);
		usleep(for_one * moments[i] * 1000000);
		killed_at = cpu_time_of(child);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(0, waitid(P_PID, child, &info, WEXITED | WNOWAIT));
		goes_on += (cpu_time_of(child) - killed_at) / for_one;
		waitpid(child, NULL, 0);
	}
	/* If nothing checked for the signal, half of one on average, or more. */
	EXPECT_GT(i / 4.0, goes_on);
	munmap(sent, sizeof(*sent));
}

/* --- pages that take long to walk -------------------------------------- */

/*
 * Maps so many pages of one file that smaps_rollup takes @seconds, or as many as
 * there is room for.
 */
static void map_pages(double seconds)
{
	const size_t size = 64 << 20;
	int fd = memfd_create("pages", 0);
	char text[4096];
	unsigned int i;
	double start;
	void *pages;

	td_must(fd >= 0 && !ftruncate(fd, size), "memfd_create");
	for (i = 0; i < 64; i++) {
		pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_POPULATE, fd, 0);
		if (pages == MAP_FAILED)
			break;
		start = td_now();
		td_read_file("/proc/self/smaps_rollup", text, sizeof(text));
		if (td_now() - start >= seconds)
			break;
	}
	td_must(i, "mmap");
	close(fd);
}

static void ask_for_rollup(struct td_sock *sock)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(MEM_ROLLUP),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};

	td_send_get(sock, NLM_F_DUMP, &req);
}

static void *receive_for_ever(void *arg)
{
	const struct td_sock *sock = arg;
	char buf[8192];

	for (;;)
		recv(sock->fd, buf, sizeof(buf), 0);
	return NULL;
}

/* Whether it holds for a process whose pages take long, and its open socket */
static void expect_during_long_walk(struct __test_metadata *_metadata,
				    bool (*holds)(struct td_sock *sock))
{
	struct td_sock sock;
	pid_t child;
	int status;

	child = fork();
	if (!child) {
		td_become(TD_ALICE);
		map_pages(3 * td_patience());
		td_must(!td_open(&sock), "td_open");
		_exit(holds(&sock) ? KSFT_PASS : KSFT_FAIL);
	}
	ASSERT_LT(0, child);
	/* What is left of it would disturb the tests that follow. */
	ASSERT_TRUE(ends_within(child, 250, &status)) {
		kill(child, SIGKILL);
	}
	EXPECT_EQ(0, status);
}

static bool is_told_at_once(struct td_sock *sock)
{
	double start, longest = 0, end = td_now() + 4 * td_patience();

	td_new_thread(receive_for_ever, sock);
	while (td_now() < end) {
		start = td_now();
		ask_for_rollup(sock);
		if (td_now() - start > longest)
			longest = td_now() - start;
		usleep(1000);
	}
	return longest < td_patience();
}

/* The second request on a socket waits for a part of the walk at most. */
TEST_F_TIMEOUT(attack, long_walk_keeps_nobody_waiting, 300)
{
	if (!(self->groups & BIT(MEM_ROLLUP)))
		SKIP(return, "needs CONFIG_PROC_PAGE_MONITOR");
	expect_during_long_walk(_metadata, is_told_at_once);
}

static bool receivers_die_at_once(struct td_sock *sock)
{
	unsigned int i;
	pid_t other;

	/* The one that is killed walks, or waits for it: that is chance. */
	for (i = 0; i < 5; i++) {
		other = fork();
		if (!other)
			receive_for_ever(sock);
		ask_for_rollup(sock);
		usleep(100000);
		ask_for_rollup(sock);
		usleep(100000);
		if (other < 0 || !dies_at_once(other))
			return false;
	}
	return true;
}

/* Nor does it keep the receiver of the next part alive. */
TEST_F_TIMEOUT(attack, long_walk_can_be_killed, 300)
{
	if (!(self->groups & BIT(MEM_ROLLUP)))
		SKIP(return, "needs CONFIG_PROC_PAGE_MONITOR");
	expect_during_long_walk(_metadata, receivers_die_at_once);
}

/* Reads smaps_rollup; returns the processor time that it took. */
static double read_rollup(void)
{
	double start = td_cpu_time();
	char text[4096];

	td_read_file("/proc/self/smaps_rollup", text, sizeof(text));
	return td_cpu_time() - start;
}

/*
 * Maps so many huge pages, of which none is there, that a walk takes @seconds, or
 * as many as there is room for. Returns what it takes.
 */
static double map_absent_pages(double seconds)
{
	size_t size = 1UL << (sizeof(long) == 8 ? 40 : 28);
	void *pages = NULL, *more;
	double took = 0;

	for (; took < seconds; size *= 2) {
		more = mmap(NULL, size, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			    MAP_HUGETLB, -1, 0);
		if (more == MAP_FAILED)
			break;
		/* One mapping: a walk may pause between two. */
		if (pages)
			munmap(pages, size / 2);
		pages = more;
		took = read_rollup();
	}
	return took;
}

/* No part of it takes long, compared with all of it. */
TEST_F_TIMEOUT(attack, walk_over_absent_pages_pauses, 300)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(MEM_ROLLUP),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};
	double took, start, all = 0, longest = 0;
	struct td_props_answer *answer;
	bool more;

	if (!(self->groups & BIT(MEM_ROLLUP)))
		SKIP(return, "needs CONFIG_PROC_PAGE_MONITOR");
	took = map_absent_pages(0.4);
	/* A part takes 10 milliseconds, by a clock that may be as coarse. */
	if (took < 0.08)
		SKIP(return, "walk of %.3f s: no hugetlb, or little room", took);
	answer = td_start_props(&self->sock, NLM_F_DUMP, &req);
	do {
		start = td_cpu_time();
		more = td_recv_props(&self->sock, answer);
		took = td_cpu_time() - start;
		all += took;
		if (took > longest)
			longest = took;
	} while (more);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_EQ(BIT(MEM_ROLLUP), answer->tasks[0].has);
	EXPECT_GT(all / 2, longest);
	td_free_props(answer);
}

/* --- arguments that never end ------------------------------------------ */

/* Any user can, by PR_SET_MM_MAP, whose layout is another in 32 bits. */
static void become_endless(const void *unused)
{
	const size_t size = 1UL << (sizeof(long) == 8 ? 40 : 28);
	unsigned long start;
	void *bytes;

	bytes = mmap(NULL, size, PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	td_must(bytes != MAP_FAILED, "mmap");
	start = (unsigned long)bytes;
	td_must(!prctl(PR_SET_MM, PR_SET_MM_ARG_START, start, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ARG_END, start + size, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ENV_START, start, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ENV_END, start + size, 0, 0),
		"PR_SET_MM");
	td_become(TD_ALICE);
}

TEST_F(attack, endless_arguments_end)
{
	const __u64 groups = BIT(CMDLINE) | BIT(ENVIRON);
	struct td_props_answer *answer;
	const struct td_props *task;
	pid_t pid;

	pid = td_spawn(become_endless, NULL);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL,
			      groups, 0);
	EXPECT_STREQ("", td_props_whole(answer));
	task = td_find_props(answer, pid);
	ASSERT_NE(NULL, task);
	EXPECT_EQ(groups, task->failed);
	EXPECT_EQ(-E2BIG, task->groups[TASK_DIAG_CMDLINE].error);
	EXPECT_EQ(-E2BIG, task->groups[TASK_DIAG_ENVIRON].error);
	td_free_props(answer);
}

/* --- a dump that nobody can receive any more --------------------------- */

/*
 * A dump of one process refers to its number, hence to its pid namespace; in the
 * middle of that process's groups to more. Whether another pid namespace can be
 * created shows when that is freed.
 */
FIXTURE(dropped)
{
	struct td_sock sock;
	pid_t init;		/* of the pid namespace */
};

FIXTURE_VARIANT(dropped)
{
	bool received;		/* a part of the process's groups */
	bool cycle;		/* the queue that it lies in lies in itself */
};

FIXTURE_VARIANT_ADD(dropped, in_a_dead_queue)
{
};

FIXTURE_VARIANT_ADD(dropped, in_a_cycle)
{
	.cycle = true,
};

FIXTURE_VARIANT_ADD(dropped, amid_a_task_in_a_dead_queue)
{
	.received = true,
};

FIXTURE_VARIANT_ADD(dropped, amid_a_task_in_a_cycle)
{
	.received = true,
	.cycle = true,
};

/* Returns the first process in it, or -1. */
static pid_t make_pid_namespace(void)
{
	pid_t pid = td_clone(CLONE_NEWPID);

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* In a user namespace with room for one pid namespace */
FIXTURE_SETUP(dropped)
{
	struct task_diag_pid req = { .dump_strategy = TASK_DIAG_DUMP_ONE };
	struct td_props_answer *answer = td_new_props();

	td_unshare_user(0);
	ASSERT_TRUE(td_write_file("/proc/sys/user/max_pid_namespaces", "1"));
	self->init = make_pid_namespace();
	ASSERT_LT(0, self->init);
	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, 4096);
	req.show_flags = td_all_groups(&self->sock);
	req.pid = self->init;
	ASSERT_EQ(0, td_send_get(&self->sock, NLM_F_DUMP, &req));
	if (variant->received) {
		while (!answer->nr_tasks)
			ASSERT_TRUE(td_recv_props(&self->sock, answer));
		ASSERT_TRUE(answer->tasks[0].more);
	}
	td_free_props(answer);
	ASSERT_EQ(0, kill(self->init, SIGKILL));
	ASSERT_EQ(self->init, waitpid(self->init, NULL, 0));
}

FIXTURE_TEARDOWN(dropped)
{
}

TEST_F(dropped, dropped_dump_keeps_nothing)
{
	double deadline = td_now() + TD_DEADLINE_S;
	int pair[2], fds[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fds[0] = self->sock.fd;
	fds[1] = pair[1];
	td_send_fds(pair[0], fds, variant->cycle ? 2 : 1);
	td_close(&self->sock);

	/* It is the dump that is waited for. */
	usleep(300000);
	ASSERT_EQ(-1, make_pid_namespace());
	ASSERT_EQ(ENOSPC, errno);

	/* The second one's end starts the search for cycles. */
	close(pair[1]);
	close(pair[0]);
	do {
		usleep(10000);
		pid = make_pid_namespace();
	} while (pid < 0 && td_now() < deadline);
	ASSERT_LT(0, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- memory that sleeps ------------------------------------------------ */

/*
 * A file system of FUSE whose only file is never read: a reader sleeps, with the
 * page locked. Opened with O_APPEND it is one to which the page cache does not
 * apply: to map it, the kernel waits for that page, with the mmap lock held for
 * writing. A task that shares that memory and calls exec waits for the mmap lock,
 * with its exec_update_lock held for writing.
 */
#define FUSE_MOUNT	"/tmp/fuse"
#define FUSE_FILE	FUSE_MOUNT "/never"
#define FUSE_SIZE	65536

struct fuse_request {
	struct fuse_in_header in;
	char args[FUSE_MIN_READ_BUFFER];
};

static void fuse_answer(int fd, const struct fuse_request *req, int error,
			const void *data, size_t len)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + len,
		.error = error,
		.unique = req->in.unique,
	};
	struct iovec iov[] = { { &out, sizeof(out) }, { (void *)data, len } };

	td_must(writev(fd, iov, 2) > 0, "fuse");
}

static struct fuse_attr fuse_attr(__u64 node)
{
	struct fuse_attr attr = {
		.ino = node,
		.size = node == FUSE_ROOT_ID ? 0 : FUSE_SIZE,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
		.blksize = 4096,
	};

	return attr;
}

static void fuse_serve_one(int fd, const struct fuse_request *req,
			   bool *reading)
{
	const struct fuse_open_in *open_in = (const void *)req->args;
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
	};
	struct fuse_attr_out attr = {
		.attr_valid = TD_FOREVER_S,
		.attr = fuse_attr(req->in.nodeid),
	};
	struct fuse_entry_out entry = {
		.nodeid = FUSE_ROOT_ID + 1,
		.entry_valid = TD_FOREVER_S,
		.attr_valid = TD_FOREVER_S,
		.attr = fuse_attr(FUSE_ROOT_ID + 1),
	};
	struct fuse_open_out open_out = {};

	switch (req->in.opcode) {
	case FUSE_INIT:
		fuse_answer(fd, req, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		fuse_answer(fd, req, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		fuse_answer(fd, req, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		if (open_in->flags & O_APPEND)
			open_out.open_flags = FOPEN_DIRECT_IO;
		fuse_answer(fd, req, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_READ:
		__atomic_store_n(reading, true, __ATOMIC_RELEASE);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		fuse_answer(fd, req, -EOPNOTSUPP, NULL, 0);
	}
}

static void fuse_serve(int fd, bool *reading)
{
	static struct fuse_request req;

	while (read(fd, &req, sizeof(req)) > 0)
		fuse_serve_one(fd, &req, reading);
}

FIXTURE(sleeping)
{
	struct td_sock sock;
	__u64 groups;
	pid_t server;
	pid_t holder;		/* of an mmap lock */
	int exec;		/* a byte, and one that shares that mm does it */
	struct busy *busy;	/* shared */
};

#define MAX_BUSY	4

struct busy {
	struct {
		const char *name;
		__u32 pid;
		__u64 groups;	/* that sleep */
	} tasks[MAX_BUSY];
	unsigned int nr;
	pid_t execer;
	bool reading;		/* FUSE got a request for a page */
};

static void add_busy(struct busy *busy, const char *name, pid_t pid,
		     __u64 groups)
{
	busy->tasks[busy->nr].name = name;
	busy->tasks[busy->nr].pid = pid;
	busy->tasks[busy->nr++].groups = groups;
}

FIXTURE_SETUP(sleeping)
{
	char options[80];
	int fd;

	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, td_open(&self->sock));
	self->groups = td_all_groups(&self->sock);
	self->busy = td_share(sizeof(*self->busy));
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		SKIP(return, "/dev/fuse: %s", strerror(errno));
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	ASSERT_EQ(0, mkdir(FUSE_MOUNT, 0755));
	ASSERT_EQ(0, mount("taskdiag", FUSE_MOUNT, "fuse", 0, options));
	self->server = td_fork();
	if (!self->server) {
		fuse_serve(fd, &self->busy->reading);
		_exit(0);
	}
	close(fd);
}

/* The end of the server lets all of them continue, so that they can die. */
FIXTURE_TEARDOWN(sleeping)
{
	if (self->server > 0) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
	td_kill_children();
	td_close(&self->sock);
}

/* Makes @area what the caller's arguments and environment are. */
static void map_unread_file(const void *unused)
{
	int fd = open(FUSE_FILE, O_RDWR);
	char *area = mmap(NULL, FUSE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			  fd, 0);

	td_must(fd >= 0 && area != MAP_FAILED, FUSE_FILE);
	td_move_strings(area, 8192, area + 8192, 8192);
}

static void wait_for_handler(const void *unused)
{
	char *area = td_map_for_handler(FUSE_SIZE, 0);

	td_move_strings(area, 8192, area + 8192, 8192);
}

static void *read_in_thread(void *arg)
{
	static char byte;

	return (void *)pread(*(int *)arg, &byte, 1, 0);
}

/* Shares the memory: nothing here may need the C library's state. */
static int exec_when_told(void *arg)
{
	char path[] = "/bin/true", *argv[] = { path, NULL }, byte;

	/* Later a fault on anything that this needs would wait for the lock. */
	execve("", argv, argv + 1);
	if (read(*(int *)arg, &byte, 1) == 1)
		execve(path, argv, argv + 1);
	return 1;
}

struct holder {
	int tell;
	struct busy *busy;
};

/* Ready, but for the lock that it is about to take for good */
static void hold_mmap_lock(const void *arg)
{
	static char stack[16384];
	const struct holder *holder = arg;
	static int fd, direct, tell;
	char *strings;

	/* No mapping has the environment, so none has a lock for it. */
	strings = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	td_must(strings != MAP_FAILED, "mmap");
	td_move_strings(strings, 512, strings + 8192, 8192);
	munmap(strings + 8192, 8192);
	fd = open(FUSE_FILE, O_RDONLY);
	direct = open(FUSE_FILE, O_RDONLY | O_APPEND);
	td_must(fd >= 0 && direct >= 0, FUSE_FILE);
	tell = holder->tell;
	holder->busy->execer = clone(exec_when_told, stack + sizeof(stack),
				     CLONE_VM | SIGCHLD, &tell);
	td_must(holder->busy->execer > 0, "clone");
	td_new_thread(read_in_thread, &fd);
	while (!__atomic_load_n(&holder->busy->reading, __ATOMIC_ACQUIRE))
		usleep(1000);
	td_ready();
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, direct, 0);
}

static void start_holder(struct __test_metadata *_metadata,
			 FIXTURE_DATA(sleeping) *self)
{
	struct holder holder = { .busy = self->busy };
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	self->exec = fds[1];
	holder.tell = fds[0];
	self->holder = td_spawn(hold_mmap_lock, &holder);
	ASSERT_LT(0, self->holder);
	ASSERT_TRUE(td_wait_state(self->holder, 0, 'D'));
	add_busy(self->busy, "holds its mmap lock", self->holder,
		 BIT(ENVIRON) |
		 (td_has_vma_locks() ? 0 : VMA_GROUPS | BIT(CMDLINE)));
}

/* Not by procfs, which would sleep as well. */
static bool wait_for_exec(struct td_sock *sock, pid_t pid)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct td_props_answer *answer;
	unsigned int nr_busy = 0;

	/* Again and again, as any exec has that lock for a while. */
	while (nr_busy < 10 && td_now() < deadline) {
		usleep(50000);
		answer = td_get_props(sock, 0, TASK_DIAG_DUMP_ONE, BIT(MEM),
				      pid);
		if (answer->nr_tasks && answer->tasks[0].failed)
			nr_busy++;
		else
			nr_busy = 0;
		td_free_props(answer);
	}
	return nr_busy == 10;
}

static void start_execer(struct __test_metadata *_metadata,
			 FIXTURE_DATA(sleeping) *self)
{
	ASSERT_EQ(1, write(self->exec, "", 1));
	ASSERT_TRUE(wait_for_exec(&self->sock, self->busy->execer));
	add_busy(self->busy, "sleeps in exec", self->busy->execer,
		 self->groups & MM_GROUPS);
}

static void expect_busy(struct __test_metadata *_metadata, struct busy *busy,
			const struct td_props_answer *answer)
{
	const struct td_props *task;
	unsigned int i, group;

	EXPECT_STREQ("", td_props_whole(answer));
	for (i = 0; i < busy->nr; i++) {
		task = td_find_props(answer, busy->tasks[i].pid);
		ASSERT_NE(NULL, task);
		EXPECT_EQ(busy->tasks[i].groups, task->failed)
			TH_LOG("%s", busy->tasks[i].name);
		for (group = 0; group < TD_MAX_GROUPS; group++)
			if (task->failed & 1ULL << group)
				EXPECT_TRUE(task->groups[group].error == -EAGAIN ||
					    task->groups[group].error == -EFAULT);
	}
}

/* Returns the process that does it. */
static pid_t dump_in_child(struct __test_metadata *_metadata,
			   FIXTURE_DATA(sleeping) *self, bool for_ever)
{
	struct td_props_answer *answer;
	struct td_sock sock;
	pid_t pid = fork();

	if (pid)
		return pid;
	td_must(!td_open(&sock), "td_open");
	do {
		answer = td_get_props(&sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL,
				      self->groups, 0);
		expect_busy(_metadata, self->busy, answer);
		td_free_props(answer);
	} while (for_ever);
	_exit(KSFT_PASS);
}

static long times_slept(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static void expect_no_stop(struct __test_metadata *_metadata,
			   FIXTURE_DATA(sleeping) *self)
{
	struct td_props_answer *answer;
	unsigned int i;
	long slept;
	int status;
	pid_t pid;

	pid = dump_in_child(_metadata, self, false);
	EXPECT_GT(td_patience(), ask_other_family_while(pid, TD_DEADLINE_S));
	ASSERT_TRUE(ends_within(pid, 0.1, &status));
	EXPECT_EQ(0, status);

	pid = dump_in_child(_metadata, self, true);
	EXPECT_GT(td_patience(), ask_other_family_while(pid, 1));
	EXPECT_TRUE(dies_at_once(pid));

	/* Within genetlink's locks, where even a short sleep is too long */
	for (i = 0; i < self->busy->nr; i++) {
		pid = fork();
		if (!pid) {
			slept = times_slept();
			answer = td_get_props(&self->sock, 0,
					      TASK_DIAG_DUMP_ONE,
					      self->groups & ~TD_LONG_GROUPS,
					      self->busy->tasks[i].pid);
			EXPECT_EQ(slept, times_slept());
			EXPECT_STREQ("", td_props_whole(answer));
			EXPECT_EQ(1, answer->nr_tasks);
			_exit(0);
		}
		EXPECT_GT(td_patience(), ask_other_family_while(pid, TD_DEADLINE_S));
		ASSERT_TRUE(ends_within(pid, 0.1, &status));
		EXPECT_EQ(0, status);
	}
}

TEST_F(sleeping, dump_does_not_wait_for_pages_that_never_come)
{
	pid_t pid;

	pid = td_spawn_sleeper(map_unread_file, NULL);
	ASSERT_LT(0, pid);
	add_busy(self->busy, "file of FUSE", pid, 0);
	pid = td_spawn_sleeper(wait_for_handler, NULL);
	ASSERT_LT(0, pid);
	add_busy(self->busy, "userfaultfd", pid, BIT(CMDLINE) | BIT(ENVIRON));
	expect_no_stop(_metadata, self);
}

TEST_F(sleeping, dump_does_not_wait_for_a_held_lock)
{
	start_holder(_metadata, self);
	expect_no_stop(_metadata, self);
	start_execer(_metadata, self);
	expect_no_stop(_metadata, self);
}

static __u64 status_number(const char *status, const char *name, int base)
{
	const char *line = strstr(status, name);

	td_must(line, name);
	return strtoull(line + strlen(name), NULL, base);
}

/* All that needs no address space is as procfs has it. */
TEST_F(sleeping, stuck_exec_hides_only_the_address_space)
{
	const struct td_props *task;
	struct td_props_answer *answer;
	struct task_diag_signal signal;
	struct task_diag_cred cred;
	struct task_diag_sched sched;
	char status[8192];
	pid_t pid;

	start_holder(_metadata, self);
	start_execer(_metadata, self);
	pid = self->busy->execer;
	ASSERT_LT(0, proc_read("/proc", pid, 0, "status", status,
			       sizeof(status)));
	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
			      self->groups, pid);
	ASSERT_STREQ("", td_props_whole(answer));
	task = td_find_props(answer, pid);
	ASSERT_NE(NULL, task);
	EXPECT_EQ(self->groups & MM_GROUPS, task->failed);
	EXPECT_EQ(self->groups & ~MM_GROUPS & ~RARE_GROUPS,
		  task->has & ~RARE_GROUPS);
	memcpy(&cred, task->groups[TASK_DIAG_CRED].data, sizeof(cred));
	memcpy(&sched, task->groups[TASK_DIAG_SCHED].data, sizeof(sched));
	memcpy(&signal, task->groups[TASK_DIAG_SIGNAL].data, sizeof(signal));
	EXPECT_EQ(status_number(status, "Uid:", 10), cred.uid);
	EXPECT_EQ(status_number(status, "CapBnd:", 16), cred.cap_bounding);
	EXPECT_EQ(status_number(status, "SigBlk:", 16), signal.blocked);
	EXPECT_EQ(status_number(status, "Threads:", 10), sched.nr_threads);
	td_free_props(answer);
}

/* --- a cgroup whose owner holds its lock ----------------------------- */

#define CGROUP	"/sys/fs/cgroup/taskdiag_attack"

/* A move waits for an RCU grace period, within cgroup_mutex. */
static void move_for_ever(const void *unused)
{
	static const char * const procs[] = {
		CGROUP "/cgroup.procs", "/sys/fs/cgroup/cgroup.procs",
	};
	unsigned int i;

	td_ready();
	for (i = 0;; i++) {
		td_must(td_write_file(procs[i % 2], "0"), procs[i % 2]);
		/* Soon after, the next would not have to. */
		usleep(20000);
	}
}

TEST_F(attack, cgroup_path_does_not_wait_for_cgroup_locks)
{
	struct td_props_answer *answer;
	long slept = 0;
	double end;

	ASSERT_TRUE(!mkdir(CGROUP, 0755) || errno == EEXIST);
	ASSERT_LT(0, td_spawn(move_for_ever, NULL));
	end = td_now() + 2;
	while (td_now() < end) {
		slept -= times_slept();
		answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
				      BIT(CGROUP), 0);
		slept += times_slept();
		EXPECT_STREQ("", td_props_whole(answer));
		EXPECT_EQ(BIT(CGROUP), answer->tasks[0].has);
		td_free_props(answer);
	}
	EXPECT_EQ(0, slept);
	td_kill_children();
	EXPECT_EQ(0, rmdir(CGROUP));
}

/* --- a crowd that is hidden -------------------------------------------- */

static int sleep_for_ever(void *unused)
{
	for (;;)
		pause();
	return 0;
}

/*
 * Bare tasks, which share the memory of their parent, and even its one stack
 * for them: they all sleep at the same place in it.
 */
static void start_crowd(const void *arg)
{
	unsigned int nr = *(const unsigned int *)arg;
	static char stack[4096];
	int fds[2];
	pid_t pid;
	char byte;

	td_must(!pipe(fds), "pipe");
	/* The first process of a pid namespace takes all others with it. */
	pid = td_clone(CLONE_NEWPID);
	td_must(pid >= 0, "clone");
	if (pid) {
		close(fds[1]);
		td_must(read(fds[0], &byte, 1) == 1, "crowd");
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (nr--) {
		pid = clone(sleep_for_ever, stack + sizeof(stack),
			    CLONE_VM | SIGCHLD, NULL);
		td_must(pid > 0, "clone");
	}
	td_must(write(fds[1], "", 1) == 1, "write");
	for (;;)
		pause();
}

FIXTURE(hidden)
{
	struct td_sock sock;
};

FIXTURE_SETUP(hidden)
{
}

FIXTURE_TEARDOWN(hidden)
{
	td_kill_children();
}

/* Alice's dump, of herself and of a task that was forked after the crowd */
static struct td_answer *dump_behind_crowd(struct td_sock *sock,
					   unsigned int round)
{
	return td_dump(sock, round % 2 ? TASK_DIAG_DUMP_ALL_THREAD :
		       TASK_DIAG_DUMP_ALL, BIT(BASE), 0);
}

struct counts {
	size_t nr_tasks;
	unsigned int nr_datagrams;
};

static void count_in_child(struct __test_metadata *_metadata, pid_t last,
			   struct counts *counts)
{
	struct td_answer *answer;
	struct td_sock sock;
	unsigned int i;

	td_become(TD_ALICE);
	td_must(!td_open(&sock), "td_open");
	for (i = 0; i < 2; i++) {
		answer = dump_behind_crowd(&sock, i);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_EQ(1, td_count(answer, last));
		EXPECT_EQ(1, td_count(answer, getpid()));
		counts[i].nr_tasks = answer->nr_tasks;
		counts[i].nr_datagrams = answer->nr_datagrams -
					 answer->nr_progress;
		td_free(answer);
	}
	_exit(0);
}

/* Whether a signal aborted the socket's dump, as its last message shows */
static bool was_interrupted(int fd)
{
	static __u32 buf[16384];
	struct td_sock sock = {
		.fd = fd,
		.buf = (char *)buf,
		.size = sizeof(buf),
	};

	return recv_flood(&sock).done_error == EINTR;
}

TEST_F_TIMEOUT(hidden, hidden_crowd_leaves_no_trace, TD_FOREVER_S)
{
	const unsigned int sizes[] = { 10, td_env_number("TD_TASKS", 3000) };
	static const uid_t alice = TD_ALICE;
	unsigned int i, nr_interrupted = 0;
	struct counts *counts;
	pid_t child, last;
	double deadline;
	int fds[2], fd;
	char max[16];

	/* By default it goes by the size of memory. */
	snprintf(max, sizeof(max), "%u", sizes[1] + 10000);
	ASSERT_TRUE(td_write_file("/proc/sys/kernel/threads-max", max));
	counts = td_share(4096);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		td_kill_children();
		ASSERT_LT(0, td_spawn(start_crowd, &sizes[i]));
		last = td_spawn(td_become_user, &alice);
		ASSERT_LT(0, last);
		child = fork();
		if (!child)
			count_in_child(_metadata, last, counts + 2 * i);
		EXPECT_EQ(0, td_wait(child));
	}
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(2, counts[i].nr_tasks);
		EXPECT_EQ(counts[i].nr_tasks, counts[2 + i].nr_tasks);
		EXPECT_EQ(counts[i].nr_datagrams, counts[2 + i].nr_datagrams);
	}

	ASSERT_EQ(0, pipe(fds));
	deadline = td_now() + TD_DEADLINE_S;
	for (i = 0; i < 5 || (!nr_interrupted && td_now() < deadline); i++) {
		child = fork();
		if (!child) {
			td_become(TD_ALICE);
			td_must(!td_open(&self->sock), "td_open");
			fd = self->sock.fd;
			td_must(write(fds[1], &fd, sizeof(fd)) == sizeof(fd),
				"write");
			for (;;)
				td_free(dump_behind_crowd(&self->sock, i));
		}
		ASSERT_EQ(sizeof(fd), read(fds[0], &fd, sizeof(fd)));
		fd = td_get_fd(child, fd);
		ASSERT_LE(0, fd);
		usleep(50000 + 7000 * (i % 10));
		EXPECT_TRUE(dies_at_once(child));
		nr_interrupted += was_interrupted(fd);
		close(fd);
	}
	EXPECT_LT(0, nr_interrupted);
}

static void spin_on_cpu(const void *unused)
{
	td_stay_on_cpu(0);
	td_ready();
	for (;;)
		;
}

/*
 * In what spin_on_cpu() leaves of the processor, the walk to the one task that
 * alice sees takes longer than a datagram may.
 */
TEST_F_TIMEOUT(hidden, walk_past_a_hidden_crowd_shows_progress, TD_FOREVER_S)
{
	/* More than a fast machine walks past within a tick */
	const unsigned int size = 3 * td_env_number("TD_TASKS", 3000);
	static const uid_t alice = TD_ALICE;
	const double deadline = td_now() + 100;
	struct td_answer *answer;
	pid_t child, last;

	ASSERT_TRUE(td_write_file("/proc/sys/kernel/threads-max", "20000"));
	ASSERT_LT(0, td_spawn(start_crowd, &size));
	last = td_spawn(td_become_user, &alice);
	ASSERT_LT(0, last);
	ASSERT_LT(0, td_spawn(spin_on_cpu, NULL));
	child = fork();
	if (!child) {
		td_become(TD_ALICE);
		td_must(!td_open(&self->sock), "td_open");
		td_stay_on_cpu(0);
		td_must(!setpriority(PRIO_PROCESS, 0, 19), "nice");
		do {
			answer = dump_behind_crowd(&self->sock, 0);
			EXPECT_STREQ("", td_whole(answer));
			EXPECT_EQ(1, td_count(answer, last));
		} while (!answer->nr_progress && td_now() < deadline);
		EXPECT_LT(0, answer->nr_progress);
		_exit(!answer->nr_progress);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* --- a dump that nobody reads ------------------------------------------ */

#define NR_UNREAD	60

TEST_F(attack, unread_dumps_cost_others_nothing)
{
	struct td_props_answer *unread = td_new_props();
	struct td_answer *answer;
	struct task_diag_pid req = {
		.dump_strategy = TASK_DIAG_DUMP_CHILDREN,
		.show_flags = self->groups,
	};
	struct td_sock other;
	unsigned int i;
	int size = 1;

	for (i = 0; i < NR_UNREAD; i++)
		ASSERT_LT(0, td_spawn(NULL, NULL));
	ASSERT_EQ(0, setsockopt(self->sock.fd, SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	ASSERT_EQ(0, td_send_get(&self->sock, NLM_F_DUMP, &req));
	/* In the middle of a task, as a rule */
	while (unread->nr_tasks < 5)
		ASSERT_TRUE(td_recv_props(&self->sock, unread));

	EXPECT_GT(td_patience(), ask_other_family());
	ASSERT_EQ(0, td_open(&other));
	answer = td_dump(&other, TASK_DIAG_DUMP_CHILDREN, BIT(BASE), 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(NR_UNREAD, answer->nr_tasks);
	td_free(answer);
	td_close(&other);

	/* The tasks that it was to report can change, and end. */
	for (i = 0; i < NR_UNREAD - 1; i++)
		EXPECT_TRUE(dies_at_once(td_children.pids[i]));
	while (td_recv_props(&self->sock, unread))
		;
	EXPECT_STREQ("", td_props_whole(unread));
	EXPECT_NE(NULL, td_find_props(unread, td_children.pids[i]));
	EXPECT_GT(NR_UNREAD, unread->nr_tasks);
	td_free_props(unread);
	expect_served(_metadata, &self->sock);
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
