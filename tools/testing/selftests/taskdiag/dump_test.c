// SPDX-License-Identifier: GPL-2.0
/*
 * Which tasks a dump reports, whatever happens concurrently, and that it continues
 * where it stopped, in whatever portions it is received.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <pty.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "lib/harness.h"

#define EXEC_LOOP	"exec-loop"

static const __u64 all_strategies[] = {
	TASK_DIAG_DUMP_ALL, TASK_DIAG_DUMP_ALL_THREAD,
};

/* --- which tasks ------------------------------------------------------- */

#define NR_PROCESSES	12
#define NR_THREADS	4	/* of each, apart from the first */

FIXTURE(strategy)
{
	struct td_sock sock;
	pid_t pids[NR_PROCESSES];
};

/* Frozen: stopped, with threads */
FIXTURE_SETUP(strategy)
{
	static const unsigned int nr_threads = NR_THREADS;
	unsigned int i;

	ASSERT_EQ(0, td_open(&self->sock));
	for (i = 0; i < NR_PROCESSES; i++) {
		self->pids[i] = td_spawn(td_start_threads, &nr_threads);
		ASSERT_LT(0, self->pids[i]);
		ASSERT_EQ(0, kill(self->pids[i], SIGSTOP));
		ASSERT_EQ(self->pids[i],
			  waitpid(self->pids[i], NULL, WUNTRACED));
	}
}

FIXTURE_TEARDOWN(strategy)
{
	td_kill_children();
	td_close(&self->sock);
}

TEST_F(strategy, all_is_every_process_of_procfs)
{
	EXPECT_STREQ("", td_check_all(&self->sock, "/proc",
				      TASK_DIAG_DUMP_ALL));
}

TEST_F(strategy, all_thread_is_every_thread_of_procfs)
{
	EXPECT_STREQ("", td_check_all(&self->sock, "/proc",
				      TASK_DIAG_DUMP_ALL_THREAD));
}

TEST_F(strategy, pid_is_ignored_where_all_tasks_are_requested)
{
	struct td_answer *answer;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all_strategies); i++) {
		answer = td_dump(&self->sock, all_strategies[i], 0, TD_NO_PID);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_EQ(1, td_count(answer, self->pids[0]));
		td_free(answer);
	}
}

TEST_F(strategy, one_is_the_process_with_the_pid)
{
	struct td_answer *answer;
	unsigned int i;

	for (i = 0; i < NR_PROCESSES; i++) {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_ONE, 0,
				 self->pids[i]);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(self->pids[i], answer->tasks[0].pid);
		td_free(answer);
	}
}

TEST_F(strategy, thread_is_all_threads_of_a_process_by_any_of_them)
{
	struct td_set tids = proc_tids("/proc", self->pids[0]), seen;
	struct td_answer *answer;
	size_t i;

	ASSERT_EQ(NR_THREADS + 1, tids.nr);
	for (i = 0; i < tids.nr; i++) {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_THREAD, 0,
				 tids.pids[i]);
		seen = td_pids(answer);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_STREQ("", td_set_diff(&tids, &seen));
		td_set_free(&seen);
		td_free(answer);
	}
}

TEST_F(strategy, thread_of_pid_0_is_the_caller)
{
	struct td_set tids = proc_tids("/proc", getpid()), seen;
	struct td_answer *answer;

	answer = td_dump(&self->sock, TASK_DIAG_DUMP_THREAD, 0, 0);
	seen = td_pids(answer);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_STREQ("", td_set_diff(&tids, &seen));
	td_free(answer);
}

/* From the parent's field in every process's status */
static struct td_set proc_children(__u32 parent)
{
	struct td_set pids = proc_pids("/proc"), children = {};
	struct task_diag_base base;
	char name[80];
	size_t i;

	for (i = 0; i < pids.nr; i++)
		if (!proc_base("/proc", pids.pids[i], 0, &base, name) &&
		    base.ppid == parent)
			td_set_add(&children, pids.pids[i]);
	td_set_free(&pids);
	return children;
}

TEST_F(strategy, children_are_those_whose_parent_is_the_process)
{
	__u32 parents[] = { 0, getpid(), self->pids[0] };
	struct td_set children, seen;
	struct td_answer *answer;
	unsigned int i;

	/* A dead child is one until it is reaped. */
	ASSERT_EQ(0, kill(self->pids[1], SIGKILL));
	ASSERT_TRUE(td_wait_state(self->pids[1], 0, 'Z'));
	for (i = 0; i < ARRAY_SIZE(parents); i++) {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN, 0,
				 parents[i]);
		children = proc_children(parents[i] ?: getpid());
		seen = td_pids(answer);
		EXPECT_EQ(parents[i] == self->pids[0] ? 0 : NR_PROCESSES,
			  children.nr);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_STREQ("", td_set_diff(&children, &seen));
		td_set_free(&children);
		td_set_free(&seen);
		td_free(answer);
	}
}

struct forked {
	pthread_barrier_t	done;
	pid_t			pid;
};

static void *fork_in_thread(void *arg)
{
	struct forked *forked = arg;

	forked->pid = td_fork();
	if (!forked->pid) {
		for (;;)
			pause();
	}
	pthread_barrier_wait(&forked->done);
	/* The child dies with this thread. */
	return td_sleep_in_thread(NULL);
}

TEST_F(strategy, child_of_a_thread_is_its_process_s_child)
{
	struct td_answer *answer;
	struct forked forked;

	ASSERT_EQ(0, pthread_barrier_init(&forked.done, NULL, 2));
	td_new_thread(fork_in_thread, &forked);
	pthread_barrier_wait(&forked.done);
	ASSERT_LT(0, forked.pid);
	answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN, 0, 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(NR_PROCESSES + 1, answer->nr_tasks);
	EXPECT_EQ(1, td_count(answer, forked.pid));
	td_free(answer);
	kill(forked.pid, SIGKILL);
}

/* --- while others come and go ------------------------------------------ */

FIXTURE(churn)
{
	struct td_sock sock;
	pid_t stable[NR_PROCESSES];
	pid_t storm;
};

static void fork_storm(const void *unused)
{
	pid_t pid;

	td_ready();
	for (;;) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

FIXTURE_SETUP(churn)
{
	static const unsigned int nr_threads = NR_THREADS;
	unsigned int i;

	ASSERT_EQ(0, td_open(&self->sock));
	/* Small portions: more of the storm between them */
	td_set_recv_size(&self->sock, 4096);
	self->storm = td_spawn(fork_storm, NULL);
	ASSERT_LT(0, self->storm);
	for (i = 0; i < NR_PROCESSES; i++) {
		self->stable[i] = td_spawn(td_start_threads, &nr_threads);
		ASSERT_LT(0, self->stable[i]);
	}
	ASSERT_LT(0, td_spawn(fork_storm, NULL));
}

FIXTURE_TEARDOWN(churn)
{
	td_kill_children();
	td_close(&self->sock);
}

/* For so long, and until there was enough of it, however slow the kernel */
static bool enough(double start, double seconds, unsigned int nr_dumps,
		   unsigned int passing)
{
	return td_now() > start + seconds && nr_dumps >= 10 && passing >= 10;
}

/*
 * Whether the storm was caught in the act. A task that is being released has
 * lost its session and its group before its parent.
 */
static unsigned int nr_passing(struct __test_metadata *_metadata,
			       FIXTURE_DATA(churn) *self,
			       const struct td_answer *answer)
{
	const pid_t session = getsid(0), group = getpgid(0);
	const struct task_diag_base *base;
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < answer->nr_tasks; i++) {
		base = &answer->tasks[i].base;
		if (base->ppid != self->storm)
			continue;
		EXPECT_EQ(session, base->sid);
		EXPECT_EQ(group, base->pgid);
		count++;
	}
	return count;
}

TEST_F(churn, all_has_every_process_that_stays_once)
{
	struct td_answer *answer;
	unsigned int i, k, passing = 0;
	double start = td_now();

	for (i = 0; !enough(start, 2, i, passing); i++) {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_ALL,
				 TASK_DIAG_SHOW_BASE, 0);
		ASSERT_STREQ("", td_whole(answer));
		ASSERT_STREQ("", td_ascending(answer));
		for (k = 0; k < NR_PROCESSES; k++)
			ASSERT_EQ(1, td_count(answer, self->stable[k]));
		ASSERT_EQ(1, td_count(answer, getpid()));
		ASSERT_EQ(1, td_count(answer, 1));
		passing += nr_passing(_metadata, self, answer);
		td_free(answer);
	}
}

/* What is released while it is looked at: there is but one at a time. */
TEST_F(churn, no_child_is_partially_released)
{
	struct td_answer *answer;
	unsigned int i, passing = 0;
	double start = td_now();

	for (i = 0; !enough(start, 8, i, passing); i++) {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
				 TASK_DIAG_SHOW_BASE, self->storm);
		ASSERT_STREQ("", td_whole(answer));
		passing += nr_passing(_metadata, self, answer);
		td_free(answer);
	}
}

TEST_F(churn, all_thread_has_every_thread_that_stays_once)
{
	struct td_set stable = {};
	struct td_answer *answer;
	unsigned int i, k, passing = 0;
	double start;

	for (k = 0; k < NR_PROCESSES; k++)
		proc_add_tids("/proc", self->stable[k], &stable);
	ASSERT_EQ(NR_PROCESSES * (NR_THREADS + 1), stable.nr);

	start = td_now();
	for (i = 0; !enough(start, 2, i, passing); i++) {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_ALL_THREAD,
				 TASK_DIAG_SHOW_BASE, 0);
		ASSERT_STREQ("", td_whole(answer));
		ASSERT_STREQ("", td_ascending(answer));
		for (k = 0; k < stable.nr; k++)
			ASSERT_EQ(1, td_count(answer, stable.pids[k]));
		passing += nr_passing(_metadata, self, answer);
		td_free(answer);
	}
}

static void *end_at_once(void *unused)
{
	return unused;
}

/* What stays of a process whose other children and threads come and go */
struct staying {
	pid_t	children[80];
	pid_t	threads[81];
};

static void children_and_threads(const void *shared)
{
	static const unsigned int nr_threads = 80;
	struct staying *staying = (void *)shared;
	struct td_set threads = {};
	pthread_t thread;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(staying->children); i++) {
		pid = td_fork();
		if (!pid) {
			for (;;)
				pause();
		}
		staying->children[i] = pid;
	}
	td_start_threads(&nr_threads);
	proc_add_tids("/proc", getpid(), &threads);
	td_must(threads.nr == ARRAY_SIZE(staying->threads), "threads in /proc");
	memcpy(staying->threads, threads.pids, sizeof(staying->threads));
	td_ready();
	for (;;) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
		if (!pthread_create(&thread, NULL, end_at_once, NULL))
			pthread_join(thread, NULL);
	}
}

TEST_F(churn, children_and_threads_that_stay_come_once)
{
	struct td_answer *children, *threads;
	unsigned int i, k, passing = 0;
	struct staying *staying;
	double start;
	pid_t parent;

	staying = td_share(sizeof(*staying));
	parent = td_spawn(children_and_threads, staying);
	ASSERT_LT(0, parent);

	start = td_now();
	for (i = 0; !enough(start, 2, i, passing); i++) {
		children = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
				   TASK_DIAG_SHOW_BASE, parent);
		threads = td_dump(&self->sock, TASK_DIAG_DUMP_THREAD,
				  TASK_DIAG_SHOW_BASE, parent);
		ASSERT_STREQ("", td_whole(children));
		ASSERT_STREQ("", td_ascending(children));
		ASSERT_STREQ("", td_whole(threads));
		for (k = 0; k < ARRAY_SIZE(staying->children); k++)
			ASSERT_EQ(1, td_count(children, staying->children[k]));
		for (k = 0; k < children->nr_tasks; k++)
			ASSERT_EQ(parent, children->tasks[k].base.ppid);
		for (k = 0; k < ARRAY_SIZE(staying->threads); k++)
			ASSERT_EQ(1, td_count(threads, staying->threads[k]));
		/* How many more is open: a thread is joined before it is gone. */
		passing += children->nr_tasks - ARRAY_SIZE(staying->children) +
			   threads->nr_tasks - ARRAY_SIZE(staying->threads);
		for (k = 0; k < threads->nr_tasks; k++) {
			ASSERT_EQ(1, td_count(threads, threads->tasks[k].pid));
			ASSERT_EQ(parent, threads->tasks[k].base.tgid);
		}
		td_free(children);
		td_free(threads);
	}
}

static void *exec_in_thread(void *unused)
{
	execl("/proc/self/exe", "dump_test", EXEC_LOOP, NULL);
	return unused;
}

/* Executes itself again and again, never from the first thread. */
static int exec_loop(void)
{
	td_new_thread(exec_in_thread, NULL);
	td_sleep_in_thread(NULL);
	return KSFT_FAIL;
}

static void start_exec_loop(const void *unused)
{
	td_ready();
	exec_loop();
}

/* A thread that does exec takes over its leader's pid. */
TEST_F(churn, process_is_never_lost_in_an_exec_by_a_thread)
{
	struct td_answer *answer;
	double start = td_now();
	unsigned int i;
	pid_t pid;

	pid = td_spawn(start_exec_loop, NULL);
	ASSERT_LT(0, pid);
	for (i = 0; !enough(start, 2, i, i); i++) {
		answer = td_dump(&self->sock, all_strategies[i % 2],
				 TASK_DIAG_SHOW_BASE, 0);
		ASSERT_STREQ("", td_whole(answer));
		ASSERT_STREQ("", td_ascending(answer));
		ASSERT_EQ(1, td_count(answer, pid));
		ASSERT_EQ(pid, td_find(answer, pid)->base.tgid);
		td_free(answer);

		answer = td_get(&self->sock, 0, TASK_DIAG_DUMP_ONE,
				TASK_DIAG_SHOW_BASE, pid);
		ASSERT_STREQ("", td_whole(answer));
		ASSERT_EQ(pid, answer->tasks[0].base.tgid);
		ASSERT_EQ(getpid(), answer->tasks[0].base.ppid);
		td_free(answer);

		answer = td_dump(&self->sock, TASK_DIAG_DUMP_THREAD, 0, pid);
		ASSERT_STREQ("", td_whole(answer));
		ASSERT_EQ(1, td_count(answer, pid));
		td_free(answer);
	}
}

/* --- a process that a thread keeps executing --------------------------- */

/*
 * The process keeps its pid and its terminal, whichever task is its leader. A dump
 * that is to have it this often looks at it in the middle of many an exec.
 */
#define NR_LOOKS	TASK_DIAG_PIDS_MAX

FIXTURE(exec)
{
	struct td_sock sock;
	int master, terminal;
	pid_t pid;
	__u32 looks[NR_LOOKS];
};

static void start_exec_loop_on(const void *terminal)
{
	const int fd = *(const int *)terminal;

	td_must(setsid() > 0 && (fd < 0 || !ioctl(fd, TIOCSCTTY, 0)),
		"TIOCSCTTY");
	start_exec_loop(NULL);
}

FIXTURE_SETUP(exec)
{
	unsigned int i;

	ASSERT_EQ(0, td_open(&self->sock));
	if (openpty(&self->master, &self->terminal, NULL, NULL, NULL))
		self->terminal = -1;
	self->pid = td_spawn(start_exec_loop_on, &self->terminal);
	ASSERT_LT(0, self->pid);
	for (i = 0; i < NR_LOOKS; i++)
		self->looks[i] = self->pid;
}

FIXTURE_TEARDOWN(exec)
{
	td_kill_children();
	td_close(&self->sock);
}

/* A request for the process, again and again */
static void begin_looks(FIXTURE_DATA(exec) *self, struct td_msg *msg,
			const struct task_diag_pid *req)
{
	td_request_get(&self->sock, msg, NLM_F_DUMP, req);
	td_put(msg, TASK_DIAG_SELECT_PIDS, self->looks, sizeof(self->looks));
}

/* Chooses the process by @attr besides, and finds it whenever it looks. */
static void expect_always_chosen(struct __test_metadata *_metadata,
				 FIXTURE_DATA(exec) *self, double seconds,
				 __u16 attr, const void *value, size_t len)
{
	const struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE,
		.dump_strategy = TASK_DIAG_DUMP_ALL,
	};
	struct td_answer *answer;
	double start = td_now();
	struct td_msg msg;
	unsigned int i;

	for (i = 0; !enough(start, seconds, i, i); i++) {
		begin_looks(self, &msg, &req);
		td_put(&msg, attr, value, len);
		answer = td_exchange(&self->sock, &msg);
		ASSERT_STREQ("", td_whole(answer));
		ASSERT_EQ(NR_LOOKS, td_count(answer, self->pid));
		td_free(answer);
	}
}

/* All states but that of a task which is being released */
TEST_F(exec, process_has_a_state_in_an_exec_by_a_thread)
{
	static const char states[] = "RSDTtZPI";

	/* In 2 s, one in four runs would meet the moment. */
	expect_always_chosen(_metadata, self, 12, TASK_DIAG_SELECT_STATES,
			     states, sizeof(states));
}

/* The leader that it loses is, but with another number. */
TEST_F(exec, process_is_never_dead_in_an_exec_by_a_thread)
{
	const struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE,
		.dump_strategy = TASK_DIAG_DUMP_ALL,
	};
	struct td_answer *answer;
	double start = td_now();
	struct td_msg msg;
	unsigned int i;
	size_t k;

	for (i = 0; !enough(start, 12, i, i); i++) {
		begin_looks(self, &msg, &req);
		answer = td_exchange(&self->sock, &msg);
		ASSERT_STREQ("", td_whole(answer));
		for (k = 0; k < answer->nr_tasks; k++)
			ASSERT_NE('X', answer->tasks[k].base.state);
		td_free(answer);
	}
}

TEST_F(exec, thread_has_its_own_number_in_an_exec_by_a_thread)
{
	const struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_NSPID,
		.dump_strategy = TASK_DIAG_DUMP_ALL_THREAD,
	};
	struct td_props_answer *answer;
	struct task_diag_nspid own;
	double start = td_now();
	unsigned int i, nr = 0;
	struct td_msg msg;
	size_t k;

	for (i = 0; !enough(start, 5, i, i); i++) {
		begin_looks(self, &msg, &req);
		ASSERT_EQ(0, td_send(&self->sock, &msg));
		answer = td_new_props();
		answer->may_repeat = true;
		while (td_recv_props(&self->sock, answer))
			;
		ASSERT_STREQ("", td_props_whole(answer));
		for (k = 0; k < answer->nr_tasks; k++) {
			if (!(answer->tasks[k].has & BIT(NSPID)))
				continue;
			td_copy_part(&answer->tasks[k].groups[TASK_DIAG_NSPID], 0,
				     &own, sizeof(own));
			ASSERT_EQ(answer->tasks[k].pid, own.pid);
			nr++;
		}
		td_free_props(answer);
	}
	EXPECT_LT(0, nr);
}

TEST_F(exec, process_has_its_terminal_in_an_exec_by_a_thread)
{
	struct stat st;
	__u32 tty;

	if (self->terminal < 0)
		SKIP(return, "no terminal: CONFIG_UNIX98_PTYS");
	ASSERT_EQ(0, fstat(self->terminal, &st));
	tty = major(st.st_rdev) << 8 | minor(st.st_rdev);
	expect_always_chosen(_metadata, self, 2, TASK_DIAG_SELECT_TTY, &tty,
			     sizeof(tty));
}

/* How many messages have values of the thread, and how many the sums as well */
struct sums {
	unsigned int own;
	unsigned int whole;
	unsigned int dumps;	/* that came to their end */
};

/* Adds those of one datagram. Returns whether there is more to receive. */
static bool count_sums(const struct td_sock *sock, struct sums *sums)
{
	const struct nlmsghdr *nlh = (void *)sock->buf;
	struct td_answer unused = {};
	const struct nlattr *attr;
	bool own, whole, more;
	ssize_t len;
	size_t pos;

	len = recv(sock->fd, sock->buf, sock->size, 0);
	more = len > 0;
	for (; more && NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		if (nlh->nlmsg_type != sock->family) {
			sums->dumps += nlh->nlmsg_type == NLMSG_DONE;
			return false;
		}
		pos = NLMSG_LENGTH(GENL_HDRLEN);
		own = false;
		whole = false;
		while ((attr = td_next_attr(&unused, nlh, &pos))) {
			own |= attr->nla_type == TASK_DIAG_TIMES;
			whole |= attr->nla_type ==
				 (TASK_DIAG_PROCESS | NLA_F_NESTED);
		}
		sums->own += own;
		sums->whole += whole;
	}
	return more;
}

TEST_F(exec, process_has_its_sums_in_an_exec_by_a_thread)
{
	const struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_TIMES,
		.dump_strategy = TASK_DIAG_DUMP_ALL_THREAD,
		.flags = TASK_DIAG_WITH_PROCESS,
	};
	double start = td_now();
	struct sums sums = {};
	struct td_msg msg;
	unsigned int i;

	for (i = 0; !enough(start, 2, i, i); i++) {
		begin_looks(self, &msg, &req);
		ASSERT_EQ(0, td_send(&self->sock, &msg));
		while (count_sums(&self->sock, &sums))
			;
		ASSERT_EQ(i + 1, sums.dumps);
		ASSERT_EQ(sums.own, sums.whole);
	}
	EXPECT_LT(0, sums.own);
}

/* --- in portions ------------------------------------------------------- */

FIXTURE(portions)
{
	struct td_sock sock;
	pid_t parent;		/* of so many processes, with as many threads */
	struct td_set children;
	struct td_set threads;
};

FIXTURE_VARIANT(portions)
{
	size_t recv_size;
	unsigned int nr;	/* children and threads: enough for several */
};

FIXTURE_VARIANT_ADD(portions, of_4096)
{
	.recv_size = 4096,
	.nr = 120,
};

FIXTURE_VARIANT_ADD(portions, of_8192)
{
	.recv_size = 8192,
	.nr = 120,
};

FIXTURE_VARIANT_ADD(portions, of_16384)
{
	.recv_size = 16384,
	.nr = 250,
};

FIXTURE_VARIANT_ADD(portions, of_32768)
{
	.recv_size = 32768,
	.nr = 250,
};

FIXTURE_VARIANT_ADD(portions, of_65536)
{
	.recv_size = 65536,
	.nr = 250,
};

FIXTURE_VARIANT_ADD(portions, of_1048576)
{
	.recv_size = 1048576,
	.nr = 250,
};

static void many_children_and_threads(const void *nr)
{
	unsigned int i;
	pid_t pid;

	/* In this order: a fork copies the threads' stacks. */
	for (i = 0; i < *(const unsigned int *)nr; i++) {
		pid = td_fork();
		if (pid)
			continue;
		for (;;)
			pause();
	}
	td_start_threads(nr);
}

FIXTURE_SETUP(portions)
{
	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, variant->recv_size);
	self->parent = td_spawn(many_children_and_threads, &variant->nr);
	ASSERT_LT(0, self->parent);
	self->children = proc_children(self->parent);
	ASSERT_EQ(variant->nr, self->children.nr);
	self->threads = proc_tids("/proc", self->parent);
	ASSERT_EQ(variant->nr + 1, self->threads.nr);
}

FIXTURE_TEARDOWN(portions)
{
	td_kill_children();
	td_close(&self->sock);
}

/* The largest number of datagrams after the header */
static unsigned int datagrams_for(size_t nr_tasks, size_t recv_size)
{
	const size_t task = NLMSG_LENGTH(GENL_HDRLEN) + NLA_HDRLEN +
			    sizeof(__u32) + NLA_HDRLEN +
			    sizeof(struct task_diag_base);

	/* The kernel makes none longer than 32768 bytes with its overhead. */
	if (recv_size > 32768)
		recv_size = 32768;
	return nr_tasks / ((recv_size - 512) / task) + 2;
}

TEST_F(portions, small_datagrams_have_all_tasks_together)
{
	struct td_answer *answer;
	struct td_set seen;

	EXPECT_STREQ("", td_check_all(&self->sock, "/proc",
				      TASK_DIAG_DUMP_ALL));
	EXPECT_STREQ("", td_check_all(&self->sock, "/proc",
				      TASK_DIAG_DUMP_ALL_THREAD));

	answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
			 TASK_DIAG_SHOW_BASE, self->parent);
	seen = td_pids(answer);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_STREQ("", td_set_diff(&self->children, &seen));
	td_set_free(&seen);
	td_free(answer);

	answer = td_dump(&self->sock, TASK_DIAG_DUMP_THREAD,
			 TASK_DIAG_SHOW_BASE, self->parent);
	seen = td_pids(answer);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_STREQ("", td_set_diff(&self->threads, &seen));
	td_set_free(&seen);
	td_free(answer);
}

TEST_F(portions, datagrams_are_filled)
{
	struct td_answer *answer;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all_strategies); i++) {
		answer = td_dump(&self->sock, all_strategies[i],
				 TASK_DIAG_SHOW_BASE, 0);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_GE(1 + datagrams_for(answer->nr_tasks,
					    variant->recv_size),
			  answer->nr_datagrams);
		td_free(answer);
	}
}

/* --- a socket ---------------------------------------------------------- */

FIXTURE(sock)
{
	struct td_sock sock;
};

FIXTURE_SETUP(sock)
{
	unsigned int i;

	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, 4096);
	/* Enough for a dump of several portions */
	for (i = 0; i < 150; i++)
		ASSERT_LT(0, td_spawn(NULL, NULL));
}

FIXTURE_TEARDOWN(sock)
{
	td_kill_children();
	td_close(&self->sock);
}

/* The first answer is made under a lock of all generic netlink. */
TEST_F(sock, header_comes_first_and_alone)
{
	struct td_answer *answer = td_new_answer();

	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_ALL, 0));
	EXPECT_TRUE(td_recv(&self->sock, answer));
	EXPECT_STREQ("", answer->broken);
	EXPECT_TRUE(answer->has_header);
	EXPECT_EQ(0, answer->nr_tasks);
	EXPECT_TRUE(td_recv(&self->sock, answer));
	EXPECT_LT(0, answer->nr_tasks);
	while (td_recv(&self->sock, answer))
		;
	EXPECT_STREQ("", td_whole(answer));
	td_free(answer);
}

TEST_F(sock, socket_has_one_dump_at_a_time)
{
	struct td_answer *answer = td_new_answer(), *busy = td_new_answer();
	__u32 seq;

	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN, 0));
	seq = self->sock.seq;
	ASSERT_TRUE(td_recv(&self->sock, answer));
	ASSERT_TRUE(td_recv(&self->sock, answer));

	/* One portion of the first is under way before the refusal. */
	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_ALL, 0));
	self->sock.seq = seq;
	ASSERT_TRUE(td_recv(&self->sock, answer));
	self->sock.seq = seq + 1;
	EXPECT_FALSE(td_recv(&self->sock, busy));
	EXPECT_STREQ("", busy->broken);
	EXPECT_EQ(EBUSY, busy->error);
	EXPECT_EQ(0, busy->nr_tasks);

	self->sock.seq = seq;
	while (td_recv(&self->sock, answer))
		;
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(150, answer->nr_tasks);
	td_free(answer);
	td_free(busy);
}

TEST_F(sock, dumps_of_several_sockets_do_not_mix)
{
	static const __u64 strategies[] = {
		TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_DUMP_THREAD,
		TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_DUMP_ALL,
	};
	static const unsigned int nr_threads = 150;
	size_t nr[] = { 150, 151, 150, 0 };
	struct td_answer *answers[4];
	struct td_sock socks[4];
	unsigned int i, left;

	td_start_threads(&nr_threads);
	nr[3] = proc_pids("/proc").nr;
	for (i = 0; i < ARRAY_SIZE(socks); i++) {
		ASSERT_EQ(0, td_open(&socks[i]));
		td_set_recv_size(&socks[i], 4096);
		answers[i] = td_new_answer();
		ASSERT_EQ(0, td_start_dump(&socks[i], strategies[i], 0));
	}
	do {
		left = 0;
		for (i = 0; i < ARRAY_SIZE(socks); i++)
			if (!answers[i]->ended)
				left += td_recv(&socks[i], answers[i]);
	} while (left);

	for (i = 0; i < ARRAY_SIZE(socks); i++) {
		EXPECT_STREQ("", td_whole(answers[i]));
		EXPECT_EQ(nr[i], answers[i]->nr_tasks);
		EXPECT_LT(3, answers[i]->nr_datagrams);
		td_free(answers[i]);
		td_close(&socks[i]);
	}
}

TEST_F(sock, socket_takes_the_next_dump_after_the_last)
{
	struct td_answer *answer;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
				 TASK_DIAG_SHOW_BASE, 0);
		ASSERT_STREQ("", td_whole(answer));
		ASSERT_EQ(150, answer->nr_tasks);
		td_free(answer);
	}
}

/* A leak shows in kmemleak, a use after free in KASAN. */
TEST_F(sock, socket_can_be_closed_in_the_middle_of_a_dump)
{
	static const __u64 strategies[] = {
		TASK_DIAG_DUMP_ALL, TASK_DIAG_DUMP_ALL_THREAD,
		TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_DUMP_THREAD,
		TASK_DIAG_DUMP_ONE,
	};
	struct td_answer *answer;
	struct td_sock sock;
	unsigned int i, nr;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, td_open(&sock));
		td_set_recv_size(&sock, 4096);
		answer = td_new_answer();
		ASSERT_EQ(0, td_start_dump(&sock, strategies[i % 5], 0));
		for (nr = i % 4; nr && td_recv(&sock, answer); nr--)
			;
		ASSERT_STREQ("", answer->broken);
		td_free(answer);
		td_close(&sock);
	}
	answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN, 0, 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(150, answer->nr_tasks);
	td_free(answer);
}

TEST_F(sock, socket_can_be_closed_by_another_process)
{
	struct td_answer *answer;
	struct td_sock sock;
	pid_t child;

	ASSERT_EQ(0, td_open(&sock));
	child = fork();
	if (!child) {
		answer = td_new_answer();
		ASSERT_EQ(0, td_start_dump(&sock, TASK_DIAG_DUMP_ALL, 0));
		ASSERT_TRUE(td_recv(&sock, answer));
		_exit(0);
	}
	ASSERT_EQ(0, td_wait(child));
	td_close(&sock);
}

TEST_F(sock, dump_needs_no_large_receive_buffer)
{
	struct td_answer *answer;
	int size = 1;

	ASSERT_EQ(0, setsockopt(self->sock.fd, SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
			 TASK_DIAG_SHOW_BASE, 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(150, answer->nr_tasks);
	EXPECT_LT(3, answer->nr_datagrams);
	td_free(answer);
}

/* --- many threads ------------------------------------------------------ */

#define NR_MANY_THREADS	2000

TEST_F(sock, process_has_thousands_of_threads)
{
	static const unsigned int nr_threads = NR_MANY_THREADS;
	struct td_answer *answer;
	struct td_set tids, seen;
	unsigned int i;
	pid_t pid;

	pid = td_spawn(td_start_threads, &nr_threads);
	ASSERT_LT(0, pid);
	tids = proc_tids("/proc", pid);
	ASSERT_EQ(NR_MANY_THREADS + 1, tids.nr);

	for (i = 0; i < 2; i++) {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_THREAD,
				 TASK_DIAG_SHOW_BASE, tids.pids[i * 1000]);
		seen = td_pids(answer);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_STREQ("", td_set_diff(&tids, &seen));
		td_set_free(&seen);
		td_free(answer);
		td_set_recv_size(&self->sock, 32768);
	}
}

/* Threads may die, and their process, while they are listed. */
TEST_F(sock, dump_ends_when_the_threads_have_ended)
{
	static const unsigned int nr_threads = 500;
	struct td_answer *answer = td_new_answer();
	pid_t pid;

	pid = td_spawn(td_start_threads, &nr_threads);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_THREAD, pid));
	ASSERT_TRUE(td_recv(&self->sock, answer));
	ASSERT_TRUE(td_recv(&self->sock, answer));
	td_kill_children();
	while (td_recv(&self->sock, answer))
		;
	EXPECT_STREQ("", answer->broken);
	EXPECT_EQ(ESRCH, answer->error);
	EXPECT_LT(0, answer->nr_tasks);
	EXPECT_GT(nr_threads + 1, answer->nr_tasks);
	td_free(answer);
}

TEST_F(sock, dump_of_the_threads_of_an_ended_process_fails)
{
	struct td_answer *answer = td_new_answer();
	pid_t pid;

	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_THREAD, pid));
	/* The kernel has made no more than the header. */
	td_kill_children();
	while (td_recv(&self->sock, answer))
		;
	EXPECT_STREQ("", answer->broken);
	EXPECT_TRUE(answer->has_header);
	EXPECT_EQ(ESRCH, answer->error);
	EXPECT_EQ(0, answer->nr_tasks);
	td_free(answer);
}

/* --- a parent that ends ------------------------------------------------- */

#define NR_OF_PARENT	400	/* more than some datagrams of 4096 bytes */

FIXTURE(parent)
{
	struct td_sock sock;
	pid_t pid;
};

static void start_children(const void *nr)
{
	unsigned int i;

	for (i = 0; i < *(const unsigned int *)nr; i++) {
		while (!td_fork())
			pause();
	}
}

FIXTURE_SETUP(parent)
{
	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, 4096);
	self->pid = td_spawn(start_children, &(unsigned int){ NR_OF_PARENT });
	ASSERT_LT(0, self->pid);
}

FIXTURE_TEARDOWN(parent)
{
	td_kill_children();
	td_close(&self->sock);
}

static void end_parent(pid_t pid)
{
	siginfo_t info;

	td_must(!kill(pid, SIGKILL) &&
		!waitid(P_PID, pid, &info, WEXITED | WNOWAIT), "waitid");
}

static void expect_broken_off(struct __test_metadata *_metadata,
			      FIXTURE_DATA(parent) *self, bool reaped)
{
	struct td_answer *answer = td_new_answer();
	unsigned int i;

	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
				   self->pid));
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(td_recv(&self->sock, answer));
	if (reaped)
		td_kill_children();
	else
		end_parent(self->pid);
	while (td_recv(&self->sock, answer))
		;
	EXPECT_STREQ("", answer->broken);
	EXPECT_LT(0, answer->nr_tasks);
	EXPECT_GT(NR_OF_PARENT, answer->nr_tasks);
	EXPECT_EQ(ESRCH, answer->error);
	EXPECT_STREQ("no such process", answer->text);
	td_free(answer);
}

TEST_F(parent, children_of_a_reaped_parent_end_with_an_error)
{
	expect_broken_off(_metadata, self, true);
}

TEST_F(parent, children_of_a_parent_that_ends_end_with_an_error)
{
	expect_broken_off(_metadata, self, false);
}

TEST_F(parent, zombie_has_no_children)
{
	struct td_answer *answer;

	end_parent(self->pid);
	answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_SHOW_BASE,
			 self->pid);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(0, answer->nr_tasks);
	td_free(answer);
}

static void use_memory_and_fork(const void *child)
{
	const size_t size = 256 << 20;
	pid_t pid = fork();

	while (!pid)
		pause();
	*(pid_t *)child = pid;
	td_must(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		     MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED, "mmap");
}

static __u32 parent_of(struct td_sock *sock, pid_t pid)
{
	struct td_answer *answer;
	__u32 ppid = 0;

	answer = td_get(sock, 0, TASK_DIAG_DUMP_ONE, TASK_DIAG_SHOW_BASE, pid);
	td_must(answer->nr_tasks == 1, "td_get");
	ppid = answer->tasks[0].base.ppid;
	td_free(answer);
	return ppid;
}

/* Its memory is freed first, and only then do its children move. */
TEST_F(sock, parent_that_is_ending_has_its_children)
{
	pid_t *child = td_share(sizeof(*child));
	struct td_answer *answer;
	unsigned int nr = 0;
	bool is_parent;
	pid_t pid;

	pid = td_spawn(use_memory_and_fork, child);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	do {
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
				 TASK_DIAG_SHOW_BASE, pid);
		is_parent = parent_of(&self->sock, *child) == pid;
		if (is_parent && answer->error != ESRCH) {
			EXPECT_STREQ("", td_whole(answer));
			ASSERT_EQ(1, answer->nr_tasks);
		}
		nr += is_parent;
		td_free(answer);
	} while (is_parent);
	TH_LOG("%u dumps", nr);
	kill(*child, SIGKILL);
	munmap(child, sizeof(*child));
}

#define NR_SECCOMP_FILTERS	2000
#define NR_OF_THREADED		8

/* It takes long to end, after it began to: each filter is freed. */
static void *have_filters(void *ready)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog prog = { .len = 1, .filter = &allow };
	unsigned int i;

	td_must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	for (i = 0; i < NR_SECCOMP_FILTERS; i++)
		td_must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog),
			"a seccomp filter");
	*(atomic_bool *)ready = true;
	return td_sleep_in_thread(NULL);
}

static void fork_and_start_thread(const void *unused)
{
	atomic_bool ready = false;

	start_children(&(unsigned int){ NR_OF_THREADED });
	td_new_thread(have_filters, &ready);
	while (!ready)
		usleep(1000);
}

/* Its children move when the last thread of it has begun to end. */
TEST_F_TIMEOUT(sock, parent_whose_thread_takes_long_to_end_has_its_children, 300)
{
	struct td_answer *answer;
	siginfo_t info = {};
	unsigned int i;
	bool ended;
	pid_t pid;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	for (i = 0; i < 10; i++) {
		pid = td_spawn(fork_and_start_thread, NULL);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		do {
			answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
					 TASK_DIAG_SHOW_BASE, pid);
			info.si_pid = 0;
			ASSERT_EQ(0, waitid(P_PID, pid, &info,
					    WEXITED | WNOHANG | WNOWAIT));
			ended = info.si_pid || answer->error == ESRCH;
			if (!ended) {
				EXPECT_STREQ("", td_whole(answer));
				ASSERT_EQ(NR_OF_THREADED, answer->nr_tasks);
			}
			td_free(answer);
		} while (!ended);
		td_kill_children();
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], EXEC_LOOP))
		return exec_loop();
	return td_main(argc, argv);
}
