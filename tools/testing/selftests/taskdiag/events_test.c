// SPDX-License-Identifier: GPL-2.0
/*
 * Subscriptions: what subscribers get about a task that begins, changes or ends,
 * compared with what its parent, procfs and system calls report. Which subscribers
 * get it is in hidepid_test.c.
 */
#include <linux/acct.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/taskstats.h>
#include <poll.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/harness.h"

#define EVENT(type)	(1U << TASK_DIAG_EVENT_##type)

FIXTURE(events)
{
	struct td_sock sock;
	struct td_events seen;
	__u32 mine;
};

FIXTURE_SETUP(events)
{
	ASSERT_EQ(0, td_open(&self->sock));
	self->mine = getpid();
}

FIXTURE_TEARDOWN(events)
{
	td_kill_children();
	td_free_events(&self->seen);
	td_close(&self->sock);
}

/* Forks a child that runs @child, and waits for its end. */
static pid_t run(int (*child)(const void *arg), const void *arg, int *status)
{
	pid_t pid = fork();

	if (!pid)
		_exit(child(arg));
	if (pid < 0 || waitpid(pid, status, __WALL) != pid)
		return -1;
	return pid;
}

static int do_nothing(const void *unused)
{
	return 0;
}

static __u64 boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Takes all that the socket was sent, of which nothing may be broken. */
#define TAKE_EVENTS()	do {					\
	td_drain(&self->sock, &self->seen);			\
	EXPECT_STREQ("", self->seen.broken.broken);		\
} while (0)

/* --- fork, exec, exit -------------------------------------------------- */

static int exec_true(const void *unused)
{
	execl("/bin/sh", "a shell", "-c", "exit 7", NULL);
	return 127;
}

TEST_F(events, events_report_the_life_of_a_process)
{
	const __u64 groups = BIT(BASE) | BIT(CMDLINE) | BIT(EXE) | BIT(TIMES);
	static const char arguments[] = "a shell\0-c\0exit 7";
	const struct td_event *born, *became, *ended;
	__u64 before = boottime(), my_id = td_pidfd_ino(self->mine);
	const struct nlattr *attr;
	struct task_diag_base base;
	char exe[PATH_MAX] = {};
	int status;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL, groups));
	pid = run(exec_true, NULL, &status);
	TAKE_EVENTS();
	ASSERT_STREQ("fork,exec,exit", td_story(&self->seen, pid));
	born = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_FORK);
	became = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXEC);
	ended = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT);

	EXPECT_LE(before, born->event.time);
	EXPECT_LE(born->event.time, became->event.time);
	EXPECT_LE(became->event.time, ended->event.time);
	EXPECT_GE(boottime(), ended->event.time);

	EXPECT_EQ(pid, born->event.tgid);
	EXPECT_EQ(self->mine, born->event.ppid);
	EXPECT_EQ(my_id, born->event.parent_id);
	EXPECT_NE(0, born->event.id);
	EXPECT_EQ(born->event.id, became->event.id);
	EXPECT_EQ(born->event.id, became->event.old_id);
	EXPECT_EQ(born->event.id, ended->event.id);
	EXPECT_EQ(SIGCHLD, ended->event.exit_signal);
	EXPECT_EQ(status, ended->event.exit_code);
	EXPECT_EQ(7, WEXITSTATUS(ended->event.exit_code));
	EXPECT_EQ(TASK_DIAG_EVENT_LAST, ended->event.flags);
	EXPECT_EQ(0, ended->event.lost);

	ASSERT_TRUE(td_event_group(born, TASK_DIAG_BASE, &base, sizeof(base)));
	EXPECT_EQ(pid, base.pid);
	EXPECT_EQ(self->mine, base.ppid);
	EXPECT_EQ(born->event.id, base.id);
	EXPECT_STREQ("events_test", (char *)base.comm);
	ASSERT_TRUE(td_event_group(became, TASK_DIAG_BASE, &base, sizeof(base)));
	EXPECT_STREQ("sh", (char *)base.comm);

	attr = td_event_attr(became, TASK_DIAG_CMDLINE);
	ASSERT_NE(NULL, attr);
	EXPECT_EQ(sizeof(arguments), td_attr_len(attr));
	EXPECT_EQ(0, memcmp(arguments, (void *)attr + NLA_HDRLEN,
			    sizeof(arguments)));
	ASSERT_NE(NULL, realpath("/bin/sh", exe));
	attr = td_event_attr(ended, TASK_DIAG_EXE);
	ASSERT_NE(NULL, attr);
	EXPECT_EQ(strlen(exe), td_attr_len(attr));
	EXPECT_EQ(0, memcmp(exe, (void *)attr + NLA_HDRLEN, strlen(exe)));
}

static int die_of_signal(const void *unused)
{
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
	return 1;
}

TEST_F(events, exit_event_has_the_signal_that_ended_the_process)
{
	const struct td_event *ended;
	int status;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				  TASK_DIAG_DUMP_ALL, 0));
	pid = run(die_of_signal, NULL, &status);
	TAKE_EVENTS();
	ASSERT_STREQ("exit", td_story(&self->seen, pid));
	ended = &self->seen.list[0];
	EXPECT_EQ(status, ended->event.exit_code);
	EXPECT_EQ(SIGTERM, WTERMSIG(ended->event.exit_code));
}

TEST_F(events, events_are_only_those_requested)
{
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXEC),
				  TASK_DIAG_DUMP_ALL, 0));
	pid = run(exec_true, NULL, NULL);
	TAKE_EVENTS();
	EXPECT_STREQ("exec", td_story(&self->seen, pid));
}

/* Of any length, up to what fits no message, and with the groups after them */
TEST_F(events, events_have_arguments_of_any_length)
{
	static const char variables[] = "ONE=1\0TWO=two";
	char *const environment[] = { "ONE=1", "TWO=two", NULL };
	const __u64 groups = BIT(CMDLINE) | BIT(ENVIRON) | BIT(EXE);
	unsigned int len, longest = 0, shortest_error = ~0U;
	const struct td_event *event;
	const struct nlattr *attr;
	char *argument;
	int status;
	pid_t pid;

	argument = malloc(70000);
	ASSERT_NE(NULL, argument);
	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXEC),
				  TASK_DIAG_DUMP_ALL, groups));
	for (len = 16; len < 66000; len += len > 31000 && len < 32800 ? 12 : 1500) {
		memset(argument, 'a', len);
		argument[len] = 0;
		pid = fork();
		if (!pid) {
			execle("/bin/true", "true", argument, NULL, environment);
			_exit(127);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		td_drain(&self->sock, &self->seen);
		event = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXEC);
		ASSERT_NE(NULL, event)
			TH_LOG("%u bytes", len);
		attr = td_event_attr(event, TASK_DIAG_CMDLINE);
		if (attr) {
			EXPECT_EQ(len + 6, td_attr_len(attr));
			longest = len;
		} else {
			EXPECT_EQ(-E2BIG, td_event_error(event, TASK_DIAG_CMDLINE));
			if (len < shortest_error)
				shortest_error = len;
		}
		attr = td_event_attr(event, TASK_DIAG_ENVIRON);
		if (attr) {
			EXPECT_EQ(sizeof(variables), td_attr_len(attr));
			EXPECT_EQ(0, memcmp(variables, attr + 1, sizeof(variables)));
		} else {
			EXPECT_EQ(-E2BIG, td_event_error(event, TASK_DIAG_ENVIRON));
		}
		EXPECT_TRUE(td_event_attr(event, TASK_DIAG_EXE) ||
			    td_event_error(event, TASK_DIAG_EXE) == -E2BIG);
		td_free_events(&self->seen);
	}
	EXPECT_LT(30000, longest);
	EXPECT_LT(longest, shortest_error);
	free(argument);
}

/* --- threads ------------------------------------------------------------- */

static void *end_thread(void *tid)
{
	*(__u32 *)tid = syscall(SYS_gettid);
	return NULL;
}

/* In shared memory: the tids of the threads of a child */
static __u32 *tids;

static int start_two_threads(const void *unused)
{
	pthread_t threads[2];
	int i;

	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, end_thread, &tids[i]);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static void *wait_and_exit(void *unused)
{
	/* The leader is a zombie then. */
	td_wait_state(getpid(), getpid(), 'Z');
	tids[0] = syscall(SYS_gettid);
	syscall(SYS_exit, 3);
	return unused;
}

static int end_leader_first(const void *unused)
{
	td_new_thread(wait_and_exit, NULL);
	syscall(SYS_exit, 5);
	return 0;
}

static int leave_to_thread(void *(*start)(void *arg))
{
	td_new_thread(start, NULL);
	for (;;)
		pause();
	return 0;
}

static void *exec_in_thread(void *unused)
{
	tids[0] = syscall(SYS_gettid);
	tids[1] = td_pidfd_ino(tids[0]);
	exec_true(NULL);
	return unused;
}

/* That the program cannot be mapped shows when the old one is gone. */
static void *exec_without_memory(void *unused)
{
	const struct rlimit nothing = {};
	char *const none[] = { NULL };

	tids[0] = syscall(SYS_gettid);
	td_must(!setrlimit(RLIMIT_AS, &nothing), "RLIMIT_AS");
	execle("/bin/sh", "a shell", NULL, none);
	return unused;
}

static int exec_from_thread(const void *unused)
{
	return leave_to_thread(exec_in_thread);
}

static int fail_from_thread(const void *unused)
{
	return leave_to_thread(exec_without_memory);
}

FIXTURE(threads)
{
	struct td_sock sock;
	struct td_events seen;
};

FIXTURE_SETUP(threads)
{
	ASSERT_EQ(0, td_open(&self->sock));
	tids = td_share(4096);
}

FIXTURE_TEARDOWN(threads)
{
	td_free_events(&self->seen);
	td_close(&self->sock);
}

TEST_F(threads, subscribers_to_threads_get_events_of_threads)
{
	const struct td_event *event;
	int i;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL_THREAD, 0));
	pid = run(start_two_threads, NULL, NULL);
	TAKE_EVENTS();
	EXPECT_STREQ("fork,exit", td_story(&self->seen, pid));
	for (i = 0; i < 2; i++) {
		ASSERT_STREQ("fork,exit", td_story(&self->seen, tids[i]));
		event = td_find_event(&self->seen, tids[i], TASK_DIAG_EVENT_EXIT);
		EXPECT_EQ(pid, event->event.tgid);
		EXPECT_EQ(getpid(), event->event.ppid);
		EXPECT_EQ(-1, event->event.exit_signal);
		EXPECT_EQ(0, event->event.flags);
	}
	event = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT);
	EXPECT_EQ(TASK_DIAG_EVENT_LAST, event->event.flags);
}

TEST_F(threads, subscribers_to_processes_get_none_of_threads)
{
	int i;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL, 0));
	pid = run(start_two_threads, NULL, NULL);
	TAKE_EVENTS();
	EXPECT_STREQ("fork,exit", td_story(&self->seen, pid));
	for (i = 0; i < 2; i++)
		EXPECT_STREQ("", td_story(&self->seen, tids[i]));
}

static int name_a_crowd(const void *unused)
{
	static const unsigned int more = 64;

	td_start_threads(&more);
	td_must(!prctl(PR_SET_NAME, "crowd"), "prctl");
	return 0;
}

/* The sums over so many would take too long for the task that reports itself. */
TEST_F(threads, events_of_many_threads_have_no_sums)
{
	const struct td_event *event;
	struct task_diag_error error;
	struct task_diag_times times;
	int status;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen,
				  EVENT(COMM) | EVENT(EXIT), TASK_DIAG_DUMP_ALL,
				  BIT(TIMES)));
	pid = run(name_a_crowd, NULL, &status);
	ASSERT_EQ(0, status);
	TAKE_EVENTS();
	event = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_COMM);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(NULL, td_event_attr(event, TASK_DIAG_TIMES));
	ASSERT_TRUE(td_event_group(event, TASK_DIAG_ERROR, &error, sizeof(error)));
	EXPECT_EQ(TASK_DIAG_TIMES, error.attr);
	EXPECT_EQ(-EAGAIN, error.error);
	/* The end of the process has them. */
	event = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT);
	ASSERT_NE(NULL, event);
	EXPECT_TRUE(td_event_group(event, TASK_DIAG_TIMES, &times, sizeof(times)));
}

TEST_F(threads, last_thread_ends_the_process)
{
	const __u64 groups = BIT(CMDLINE) | BIT(EXE) | BIT(MEM) | BIT(STAT);
	const struct td_event *event;
	struct task_diag_mem mem;
	struct taskstats stats;
	struct stat exe;
	int status;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				  TASK_DIAG_DUMP_ALL, groups));
	pid = run(end_leader_first, NULL, &status);
	TAKE_EVENTS();
	ASSERT_STREQ("exit", td_story(&self->seen, pid));
	event = &self->seen.list[0];
	EXPECT_EQ(status, event->event.exit_code);
	EXPECT_EQ(SIGCHLD, event->event.exit_signal);
	EXPECT_EQ(TASK_DIAG_EVENT_LAST, event->event.flags);
	EXPECT_NE(NULL, td_event_attr(event, TASK_DIAG_CMDLINE));
	EXPECT_NE(NULL, td_event_attr(event, TASK_DIAG_EXE));
	ASSERT_TRUE(td_event_group(event, TASK_DIAG_MEM, &mem, sizeof(mem)));
	EXPECT_LT(0, mem.rss_anon);
	ASSERT_TRUE(td_event_group(event, TASK_DIAG_STAT, &stats, sizeof(stats)));
	EXPECT_EQ(mem.hiwater_vm / 1024, stats.hiwater_vm);
	EXPECT_LT(0, stats.hiwater_rss);
	ASSERT_EQ(0, stat("/proc/self/exe", &exe));
	EXPECT_EQ(exe.st_ino, stats.ac_exe_inode);
}

static void *crash(void *unused)
{
	raise(SIGSEGV);
	return NULL;
}

/* The leader ends while the core is being written, or after that. */
static int crash_in_thread(const void *unused)
{
	const struct rlimit limit = { 1 << 20, 1 << 20 };

	td_must(!setrlimit(RLIMIT_CORE, &limit), "setrlimit");
	td_must(!chdir("/tmp"), "chdir");
	pthread_join(td_new_thread(crash, NULL), NULL);
	return 0;
}

TEST_F(threads, exit_code_is_that_of_wait_after_a_core)
{
	const struct td_event *event;
	int status, i;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
					  TASK_DIAG_DUMP_ALL, 0));
		pid = run(crash_in_thread, NULL, &status);
		if (WTERMSIG(status) != SIGSEGV || !WCOREDUMP(status))
			SKIP(return, "no core: status 0x%x", status);
		td_drain(&self->sock, &self->seen);
		event = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT);
		ASSERT_NE(NULL, event);
		EXPECT_EQ(status, event->event.exit_code);
		td_close(&self->sock);
		ASSERT_EQ(0, td_open(&self->sock));
	}
}

static pid_t ending;

static void *end_at_once(void *unused)
{
	__atomic_store_n(&ending, gettid(), __ATOMIC_RELEASE);
	return NULL;
}

/* Sets the names of threads that are ending. */
static int name_ending_threads(const void *unused)
{
	const double end = td_now() + 5;
	pthread_t thread;
	char path[64];
	pid_t tid;
	int i;

	while (td_now() < end) {
		ending = 0;
		thread = td_new_thread(end_at_once, NULL);
		do {
			tid = __atomic_load_n(&ending, __ATOMIC_ACQUIRE);
		} while (!tid);
		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
		for (i = 0; i < 100 && td_write_file(path, "ending"); i++)
			;
		pthread_join(thread, NULL);
	}
	return 0;
}

TEST_F(threads, names_of_threads_that_end_do_no_harm)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(COMM),
				  TASK_DIAG_DUMP_ALL_THREAD, BIT(BASE)));
	pid = run(name_ending_threads, NULL, &status);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, status);
	TAKE_EVENTS();
	EXPECT_LT(0, self->seen.nr);
}

TEST_F(threads, thread_that_calls_exec_takes_the_leaders_place)
{
	const struct td_event *born, *leader, *became, *ended;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL_THREAD, BIT(BASE)));
	pid = run(exec_from_thread, NULL, NULL);
	TAKE_EVENTS();
	EXPECT_STREQ("fork,exit,exec,exit", td_story(&self->seen, pid));
	ASSERT_STREQ("fork", td_story(&self->seen, tids[0]));
	leader = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_FORK);
	born = td_find_event(&self->seen, tids[0], TASK_DIAG_EVENT_FORK);
	became = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXEC);
	ASSERT_NE(NULL, became);
	EXPECT_EQ(tids[1], (__u32)born->event.id);
	EXPECT_EQ(born->event.id, became->event.old_id);
	EXPECT_EQ(leader->event.id, became->event.id);
	/* The old leader was not the last thread. */
	ended = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT);
	EXPECT_EQ(0, ended->event.flags);
	ended = td_nth_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT, 1);
	ASSERT_NE(NULL, ended);
	EXPECT_EQ(TASK_DIAG_EVENT_LAST, ended->event.flags);
	EXPECT_EQ(7, WEXITSTATUS(ended->event.exit_code));
}

TEST_F(threads, thread_whose_exec_fails_late_is_the_leader_by_then)
{
	const struct td_event *born, *became, *ended;
	int status;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL_THREAD, BIT(BASE)));
	pid = run(fail_from_thread, NULL, &status);
	EXPECT_EQ(SIGSEGV, WTERMSIG(status));
	TAKE_EVENTS();
	EXPECT_STREQ("fork,exit,exec,exit", td_story(&self->seen, pid));
	ASSERT_STREQ("fork", td_story(&self->seen, tids[0]));
	born = td_find_event(&self->seen, tids[0], TASK_DIAG_EVENT_FORK);
	became = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXEC);
	EXPECT_EQ(born->event.id, became->event.old_id);
	ended = td_nth_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT, 1);
	EXPECT_EQ(became->event.id, ended->event.id);
}

TEST_F(threads, process_stays_one_when_a_thread_calls_exec)
{
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL, BIT(BASE)));
	pid = run(exec_from_thread, NULL, NULL);
	TAKE_EVENTS();
	EXPECT_STREQ("fork,exec,exit", td_story(&self->seen, pid));
}

/* The sums of a process come with its last thread, whichever that is. */
static void check_sums(struct __test_metadata *_metadata,
		       const struct td_events *seen, __u32 last, __u32 other)
{
	const struct nlattr *attr, *inner;
	const struct td_event *event;
	struct task_diag_times times, sum = {};

	event = td_find_event(seen, other, TASK_DIAG_EVENT_EXIT);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(NULL, td_event_attr(event, TASK_DIAG_PROCESS));
	ASSERT_TRUE(td_event_group(event, TASK_DIAG_TIMES, &times, sizeof(times)));
	sum = times;

	event = td_find_event(seen, last, TASK_DIAG_EVENT_EXIT);
	ASSERT_NE(NULL, event);
	ASSERT_TRUE(td_event_group(event, TASK_DIAG_TIMES, &times, sizeof(times)));
	sum.min_flt += times.min_flt;
	attr = td_event_attr(event, TASK_DIAG_PROCESS);
	ASSERT_NE(NULL, attr);
	inner = (void *)attr + NLA_HDRLEN;
	EXPECT_EQ(TASK_DIAG_TIMES, inner->nla_type);
	memcpy(&times, (void *)inner + NLA_HDRLEN, sizeof(times));
	EXPECT_EQ(sum.min_flt, times.min_flt);
	EXPECT_LT(0, times.min_flt);
}

TEST_F(threads, last_event_has_the_sums_of_the_process)
{
	struct task_diag_pid req = {
		.show_flags = BIT(TIMES),
		.dump_strategy = TASK_DIAG_DUMP_ALL_THREAD,
		.flags = TASK_DIAG_WITH_PROCESS,
	};
	struct td_msg msg;
	pid_t pid;

	td_begin_subscribe(&self->sock, &msg, EVENT(EXIT), &req);
	ASSERT_EQ(0, td_send_subscribe(&self->sock, &self->seen, &msg));
	pid = run(end_leader_first, NULL, NULL);
	TAKE_EVENTS();
	check_sums(_metadata, &self->seen, tids[0], pid);
}

/* --- names and credentials ------------------------------------------------- */

static int take_names(const void *unused)
{
	td_must(!prctl(PR_SET_NAME, "one"), "PR_SET_NAME");
	td_must(td_write_file("/proc/self/comm", "two"), "comm");
	return 0;
}

TEST_F(events, events_report_new_names)
{
	struct task_diag_base base;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL, BIT(BASE)));
	pid = run(take_names, NULL, NULL);
	TAKE_EVENTS();
	ASSERT_STREQ("fork,comm,comm,exit", td_story(&self->seen, pid));
	td_event_group(td_nth_event(&self->seen, pid, TASK_DIAG_EVENT_COMM, 0),
		       TASK_DIAG_BASE, &base, sizeof(base));
	EXPECT_STREQ("one", (char *)base.comm);
	td_event_group(td_nth_event(&self->seen, pid, TASK_DIAG_EVENT_COMM, 1),
		       TASK_DIAG_BASE, &base, sizeof(base));
	EXPECT_STREQ("two", (char *)base.comm);
}

static int change_ids(const void *unused)
{
	/* Changes nothing, and so is no event. */
	td_must(!setresuid(0, 0, 0), "setresuid");
	td_must(!setresgid(TD_BOB, TD_BOB, TD_BOB), "setresgid");
	td_must(!setresuid(TD_ALICE, TD_ALICE, TD_ALICE), "setresuid");
	return 0;
}

TEST_F(events, events_report_new_credentials)
{
	struct task_diag_cred cred;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL, BIT(CRED)));
	pid = run(change_ids, NULL, NULL);
	TAKE_EVENTS();
	ASSERT_STREQ("fork,cred,cred,exit", td_story(&self->seen, pid));
	td_event_group(td_nth_event(&self->seen, pid, TASK_DIAG_EVENT_CRED, 0),
		       TASK_DIAG_CRED, &cred, sizeof(cred));
	EXPECT_EQ(TD_BOB, cred.gid);
	EXPECT_EQ(0, cred.uid);
	td_event_group(td_nth_event(&self->seen, pid, TASK_DIAG_EVENT_CRED, 1),
		       TASK_DIAG_CRED, &cred, sizeof(cred));
	EXPECT_EQ(TD_ALICE, cred.uid);
	EXPECT_EQ(0, cred.cap_effective);
}

/* --- who gets events ------------------------------------------------- */

static int exec_set_uid(const void *path)
{
	execl(path, "set-uid", "secret", NULL);
	return 127;
}

TEST_F(events, events_of_a_set_uid_program_are_hidden)
{
	int status;
	pid_t watcher, pid;

	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, system("cp /bin/true /tmp/set-uid && chmod 4755 /tmp/set-uid"));
	watcher = fork();
	if (!watcher) {
		td_become(TD_ALICE);
		td_must(!td_open(&self->sock), "td_open");
		td_must(!td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				      TASK_DIAG_DUMP_ALL, BIT(CMDLINE)),
			"subscribe");
		pid = run(exec_set_uid, "/tmp/set-uid", &status);
		td_drain(&self->sock, &self->seen);
		_exit(strcmp(td_story(&self->seen, pid), "fork") || status);
	}
	EXPECT_EQ(0, td_wait(watcher));
}

/* The socket's subscription is over with the credentials that made it. */
TEST_F(events, events_end_when_the_subscriber_drops_privileges)
{
	pid_t pid = fork();

	if (!pid) {
		td_must(!td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				      TASK_DIAG_DUMP_ALL, 0), "subscribe");
		td_become(TD_ALICE);
		pid = run(do_nothing, NULL, NULL);
		td_drain(&self->sock, &self->seen);
		_exit(self->seen.end != EPERM || strcmp("", td_story(&self->seen, pid)));
	}
	EXPECT_EQ(0, td_wait(pid));
}

/* What happens from then on is not looked up by the user that it was. */
TEST_F(events, events_end_when_the_subscriber_becomes_another_user)
{
	pid_t pid = fork();

	if (!pid) {
		td_must(!setresuid(TD_ALICE, TD_ALICE, TD_BOB), "setresuid");
		td_must(!td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				      TASK_DIAG_DUMP_ALL, 0), "subscribe");
		td_must(!setresuid(TD_BOB, TD_BOB, TD_BOB), "setresuid");
		run(do_nothing, NULL, NULL);
		td_drain(&self->sock, &self->seen);
		_exit(self->seen.end != EPERM);
	}
	EXPECT_EQ(0, td_wait(pid));
}

TEST_F(events, events_end_when_the_subscriber_ends)
{
	pid_t pid = fork();

	if (!pid)
		_exit(td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				   TASK_DIAG_DUMP_ALL, 0));
	EXPECT_EQ(0, td_wait(pid));
	pid = run(do_nothing, NULL, NULL);
	td_drain(&self->sock, &self->seen);
	EXPECT_EQ(EPERM, self->seen.end);
	td_drain(&self->sock, &self->seen);
	EXPECT_STREQ("", td_story(&self->seen, pid));
}

TEST_F(events, events_end_when_the_subscriber_calls_exec)
{
	int fds[2];
	pid_t pid, other;
	char byte;

	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		td_must(!td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				      TASK_DIAG_DUMP_ALL, 0), "subscribe");
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(127);
	}
	close(fds[1]);
	ASSERT_EQ(0, read(fds[0], &byte, 1));
	other = run(do_nothing, NULL, NULL);
	td_drain(&self->sock, &self->seen);
	EXPECT_EQ(EPERM, self->seen.end);
	td_drain(&self->sock, &self->seen);
	EXPECT_STREQ("", td_story(&self->seen, other));
	EXPECT_STREQ("", td_story(&self->seen, pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Its own end is not subscribed to, and nobody else is of its user. */
TEST_F(events, events_end_with_the_only_task_of_a_user)
{
	pid_t pid = fork();

	if (!pid) {
		td_become(TD_ALICE);
		_exit(td_subscribe(&self->sock, &self->seen, EVENT(FORK),
				   TASK_DIAG_DUMP_ALL, 0));
	}
	EXPECT_EQ(0, td_wait(pid));
	td_drain(&self->sock, &self->seen);
	EXPECT_EQ(EPERM, self->seen.end);
}

static void *subscribe_and_exec(void *sock)
{
	struct td_events seen = {};

	td_must(!td_subscribe(sock, &seen, EVENT(EXIT), TASK_DIAG_DUMP_ALL, 0),
		"subscribe");
	execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(127);
}

/* It has the pid of the first thread then, and an exec is not subscribed to. */
TEST_F(events, events_end_when_a_thread_that_subscribed_calls_exec)
{
	struct pollfd poller = { .fd = self->sock.fd, .events = POLLIN };
	int status, fds[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		td_become(TD_ALICE);
		td_new_thread(subscribe_and_exec, &self->sock);
		td_sleep_in_thread(NULL);
	}
	close(fds[1]);
	ASSERT_EQ(0, read(fds[0], &byte, 1));
	/* Exec closes files before it changes the credentials. */
	EXPECT_EQ(1, poll(&poller, 1, TD_DEADLINE_S * 1000));
	td_drain(&self->sock, &self->seen);
	EXPECT_EQ(EPERM, self->seen.end);
	/* That was not its end. */
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

/* The child of the subscriber reads the event of another child. */
TEST_F(events, events_are_the_subscribers_whoever_reads_them)
{
	pid_t pid, reader;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				  TASK_DIAG_DUMP_ALL, 0));
	pid = run(do_nothing, NULL, NULL);
	reader = fork();
	if (!reader) {
		td_drain(&self->sock, &self->seen);
		_exit(strcmp("exit", td_story(&self->seen, pid)));
	}
	EXPECT_EQ(0, td_wait(reader));
}

TEST_F(events, events_stop_when_the_sysctl_denies_them)
{
	static const char path[] = "/proc/sys/kernel/task_diag";
	char before[8];
	pid_t pid;

	td_read_file(path, before, sizeof(before));
	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				  TASK_DIAG_DUMP_ALL, 0));
	ASSERT_TRUE(td_write_file(path, "2"));
	pid = run(do_nothing, NULL, NULL);
	ASSERT_TRUE(td_write_file(path, before));
	td_drain(&self->sock, &self->seen);
	EXPECT_STREQ("", td_story(&self->seen, pid));
	pid = run(do_nothing, NULL, NULL);
	td_drain(&self->sock, &self->seen);
	EXPECT_STREQ("exit", td_story(&self->seen, pid));
}

/* --- in the subscriber's numbers --------------------------------------------- */

TEST_F(events, events_have_the_numbers_of_the_subscribers_pid_namespace)
{
	const struct td_event *event;
	struct task_diag_cred cred;
	int ready[2], done[2];
	pid_t inner, outer, child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(done));
	inner = td_clone(CLONE_NEWUSER | CLONE_NEWPID);
	if (!inner) {
		td_must(!td_open(&self->sock), "td_open");
		td_must(!td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				      TASK_DIAG_DUMP_ALL, BIT(CRED)), "subscribe");
		/* Its user 0 is not mapped yet: it has none. */
		child = run(do_nothing, NULL, NULL);
		td_must(write(ready[1], "", 1) == 1, "write");
		td_must(read(done[0], &byte, 1) == 1, "read");
		td_drain(&self->sock, &self->seen);
		event = td_find_event(&self->seen, child, TASK_DIAG_EVENT_EXIT);
		td_must(child == 2 && event, "exit");
		td_must(event->event.tgid == 2 && event->event.ppid == 1, "pids");
		td_event_group(event, TASK_DIAG_CRED, &cred, sizeof(cred));
		td_must(cred.uid == 65534, "uid");
		/* Nothing of what is outside */
		_exit(self->seen.nr != 2);
	}
	ASSERT_LT(0, inner);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	outer = run(do_nothing, NULL, NULL);
	EXPECT_LT(0, outer);
	ASSERT_EQ(1, write(done[1], "", 1));
	EXPECT_EQ(0, td_wait(inner));
}

/* --- selections ---------------------------------------------------------------- */

static int become_alice(const void *unused)
{
	td_become(TD_ALICE);
	return 0;
}

/* To those of processes of alice */
static int subscribe_to_alice(FIXTURE_DATA(events) *self, __u32 events)
{
	struct task_diag_pid req = { .dump_strategy = TASK_DIAG_DUMP_ALL };
	const __u32 uid = TD_ALICE;
	struct td_msg msg;

	td_begin_subscribe(&self->sock, &msg, events, &req);
	td_put(&msg, TASK_DIAG_SELECT_UID, &uid, sizeof(uid));
	return td_send_subscribe(&self->sock, &self->seen, &msg);
}

TEST_F(events, events_can_be_of_one_user)
{
	pid_t pid, other;

	ASSERT_EQ(0, subscribe_to_alice(self, EVENT(FORK) | EVENT(EXIT)));
	pid = run(become_alice, NULL, NULL);
	other = run(do_nothing, NULL, NULL);
	TAKE_EVENTS();
	EXPECT_STREQ("exit", td_story(&self->seen, pid));
	EXPECT_STREQ("", td_story(&self->seen, other));
}

TEST_F(events, events_can_be_of_some_pids)
{
	struct task_diag_pid req = { .dump_strategy = TASK_DIAG_DUMP_ALL };
	pid_t pids[4], i;
	__u32 wanted[5];
	__u64 ids[5];
	struct td_msg msg;

	for (i = 0; i < 4; i++) {
		pids[i] = td_spawn_sleeper(NULL, NULL);
		ASSERT_LT(0, pids[i]);
	}
	wanted[0] = pids[3];
	wanted[1] = pids[1];
	wanted[2] = pids[0];
	/* The same pid before and after it was used again */
	wanted[3] = pids[1];
	wanted[4] = pids[1];
	ids[0] = 0;
	ids[1] = td_pidfd_ino(pids[1]);
	ids[2] = ids[1];
	ids[3] = ids[1] - 1;
	ids[4] = ids[1] + 1;
	td_begin_subscribe(&self->sock, &msg, EVENT(EXIT), &req);
	td_put(&msg, TASK_DIAG_SELECT_PIDS, wanted, sizeof(wanted));
	td_put(&msg, TASK_DIAG_SELECT_IDS, ids, sizeof(ids));
	ASSERT_EQ(0, td_send_subscribe(&self->sock, &self->seen, &msg));
	td_kill_children();
	TAKE_EVENTS();
	EXPECT_EQ(2, self->seen.nr);
	EXPECT_STREQ("exit", td_story(&self->seen, pids[3]));
	EXPECT_STREQ("exit", td_story(&self->seen, pids[1]));
}

#define CGROUPS	"/tmp/taskdiag-cgroups"

static int join_cgroup(const void *unused)
{
	td_must(td_write_file(CGROUPS "/taskdiag-events/cgroup.procs", "0"), "join");
	return run(do_nothing, NULL, NULL) < 0;
}

TEST_F(events, events_can_be_of_a_cgroup)
{
	struct task_diag_pid req = { .dump_strategy = TASK_DIAG_DUMP_ALL };
	struct td_msg msg;
	pid_t pid, other;
	int status;
	__u32 fd;

	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, mkdir(CGROUPS, 0700));
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		SKIP(return, "no cgroup2: %s", strerror(errno));
	ASSERT_EQ(0, mkdir(CGROUPS "/taskdiag-events", 0700));
	fd = open(CGROUPS "/taskdiag-events", O_RDONLY);
	td_begin_subscribe(&self->sock, &msg, EVENT(FORK) | EVENT(EXIT), &req);
	td_put(&msg, TASK_DIAG_SELECT_CGROUP_FD, &fd, sizeof(fd));
	ASSERT_EQ(0, td_send_subscribe(&self->sock, &self->seen, &msg));
	pid = run(join_cgroup, NULL, &status);
	EXPECT_EQ(0, status);
	other = run(do_nothing, NULL, &status);
	TAKE_EVENTS();
	EXPECT_STREQ("exit", td_story(&self->seen, pid));
	EXPECT_STREQ("", td_story(&self->seen, other));
	/* Its child as well, from its birth on */
	EXPECT_EQ(3, self->seen.nr);
	close(fd);
	rmdir(CGROUPS "/taskdiag-events");
}

/* --- what is refused ------------------------------------------------------------- */

#define OF_ALL	"events need TASK_DIAG_DUMP_ALL or TASK_DIAG_DUMP_ALL_THREAD"

TEST_F(events, wrong_subscriptions_are_refused_by_name)
{
	static const struct {
		struct task_diag_pid req;
		__u32 events;
		int error;
		const char *text;
	} bad[] = {
		{ { .dump_strategy = TASK_DIAG_DUMP_ALL }, 0, EINVAL,
		  "TASK_DIAG_EVENTS 0x0: must be bits of 0x3e" },
		{ { .dump_strategy = TASK_DIAG_DUMP_ALL }, 0x41, EINVAL,
		  "TASK_DIAG_EVENTS 0x41: must be bits of 0x3e" },
		{ { .dump_strategy = TASK_DIAG_DUMP_ONE }, 2, EINVAL,
		  OF_ALL },
		{ { .dump_strategy = TASK_DIAG_DUMP_ALL, .show_flags = BIT(VMA) },
		  2, EOPNOTSUPP, "group VMA is not available in events" },
		{ { .dump_strategy = TASK_DIAG_DUMP_ALL, .show_flags = BIT(FILES) },
		  2, EOPNOTSUPP, "group FILES is not available in events" },
		{ { .dump_strategy = TASK_DIAG_DUMP_ALL, .show_flags = BIT(LABEL) },
		  2, EOPNOTSUPP, "group LABEL is not available in events" },
		{ { .dump_strategy = TASK_DIAG_DUMP_ALL, .show_flags = BIT(WCHAN) },
		  2, EOPNOTSUPP, "group WCHAN is not available in events" },
		{ { .dump_strategy = TASK_DIAG_DUMP_ALL, .show_flags = BIT(FD),
		    .flags = TASK_DIAG_FD_KINDS },
		  2, EOPNOTSUPP, "TASK_DIAG_FD_KINDS is not available in events" },
		{ { .dump_strategy = TASK_DIAG_DUMP_ALL, .show_flags = 1ULL << 60 },
		  2, EINVAL, "show_flags has unknown bits 0x1000000000000000" },
	};
	struct task_diag_pid req = { .dump_strategy = TASK_DIAG_DUMP_ALL };
	struct td_msg msg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		td_begin_subscribe(&self->sock, &msg, bad[i].events, &bad[i].req);
		EXPECT_EQ(bad[i].error,
			  td_send_subscribe(&self->sock, &self->seen, &msg));
		EXPECT_STREQ(bad[i].text, self->seen.text);
	}
	td_request(&self->sock, &msg, TASK_DIAG_CMD_SUBSCRIBE, NLM_F_ACK);
	td_put(&msg, TASK_DIAG_REQUEST, &req, sizeof(req));
	EXPECT_EQ(EINVAL, td_send_subscribe(&self->sock, &self->seen, &msg));
	EXPECT_STREQ("TASK_DIAG_EVENTS is missing", self->seen.text);

	td_begin_subscribe(&self->sock, &msg, 2, &req);
	td_put(&msg, TASK_DIAG_SELECT_STATES, "R", 2);
	EXPECT_EQ(EOPNOTSUPP, td_send_subscribe(&self->sock, &self->seen, &msg));
	EXPECT_STREQ("TASK_DIAG_SELECT_STATES is not available in events",
		     self->seen.text);

	/* None of these left a subscription. */
	EXPECT_EQ(0, td_subscribe(&self->sock, &self->seen, 2, TASK_DIAG_DUMP_ALL, 0));
	EXPECT_EQ(EBUSY, td_subscribe(&self->sock, &self->seen, 2,
				      TASK_DIAG_DUMP_ALL, 0));
	EXPECT_STREQ("socket already has a subscription", self->seen.text);
}

/* Opens a socket and subscribes with it; returns the errno, positive. */
static int open_subscription(struct td_sock *sock, struct td_events *seen)
{
	td_must(!td_open(sock), "td_open");
	return td_subscribe(sock, seen, EVENT(EXIT), TASK_DIAG_DUMP_ALL, 0);
}

static int subscribe_with_another_fsuid(const void *unused)
{
	struct td_events seen = {};
	struct td_sock sock;
	int err;

	setfsuid(TD_ALICE);
	td_set_caps(0, 0, 0);
	err = open_subscription(&sock, &seen);
	td_must(!strcmp(seen.text, "euid and fsuid differ"), seen.text);
	return err;
}

/* Root as alice, without capabilities */
static int watch_own_thread_with_another_euid(const void *unused)
{
	struct td_events seen = {};
	struct td_sock sock;
	pid_t tid = 0;

	td_must(!seteuid(TD_ALICE), "seteuid");
	td_set_caps(0, 0, 0);
	td_must(!td_open(&sock), "td_open");
	td_must(!td_subscribe(&sock, &seen, EVENT(FORK) | EVENT(EXIT),
			      TASK_DIAG_DUMP_ALL_THREAD, 0), seen.text);
	pthread_join(td_new_thread(end_thread, &tid), NULL);
	td_drain(&sock, &seen);
	td_must(!strcmp("fork,exit", td_story(&seen, tid)),
		td_story(&seen, tid));
	return 0;
}

TEST_F(events, subscribers_get_events_of_their_own_threads)
{
	int status;

	ASSERT_LT(0, run(watch_own_thread_with_another_euid, NULL, &status));
	EXPECT_EQ(0, status);
}

TEST_F(events, subscribers_without_the_capability_have_one_user)
{
	int status;

	ASSERT_LT(0, run(subscribe_with_another_fsuid, NULL, &status));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
}

#define OF_A_USER	1024	/* user.max_task_diag_subscriptions */
#define TOO_MANY	"more subscriptions than user.max_task_diag_subscriptions"

static int open_one(const void *uid)
{
	struct td_events seen = {};
	struct td_sock sock;

	if (uid)
		td_become_user(uid);
	return open_subscription(&sock, &seen);
}

static int open_one_as_root(const void *unused)
{
	td_unshare_user(0);
	return open_one(NULL);
}

/* Alice takes as many as she gets, and says on the pipe @ready when she has them. */
static void take_all(int ready)
{
	static struct td_sock socks[OF_A_USER + 1];
	struct td_events seen = {};
	int status, i, err = 0;

	td_become(TD_ALICE);
	for (i = 0; i < OF_A_USER; i++) {
		err = open_subscription(&socks[i], &seen);
		td_must(!err, "subscribe");
	}
	td_must(open_subscription(&socks[i], &seen) == EUSERS, "one too many");
	td_must(!strcmp(seen.text, TOO_MANY), seen.text);
	run(open_one, NULL, &status);
	td_must(WEXITSTATUS(status) == EUSERS, "one too many of another process");
	run(open_one_as_root, NULL, &status);
	td_must(WEXITSTATUS(status) == EUSERS, "one too many of her namespace");
	/* A socket that is closed soon makes room for another one. */
	td_close(&socks[0]);
	for (i = 0; i < 100; i++) {
		err = open_subscription(&socks[0], &seen);
		if (err != EUSERS)
			break;
		td_close(&socks[0]);
		usleep(100000);
	}
	td_must(!err, "subscribe again");
	td_must(write(ready, "", 1) == 1, "write");
	pause();
}

TEST_F(events, subscriptions_of_a_user_are_limited)
{
	static const struct rlimit limit = { OF_A_USER + 64, OF_A_USER + 64 };
	static const uid_t bob = TD_BOB;
	int status, ready[2];
	pid_t alice;
	char byte;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ASSERT_EQ(0, pipe(ready));
	alice = fork();
	if (!alice) {
		take_all(ready[1]);
		_exit(1);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	/* Others have their own. */
	ASSERT_LT(0, run(open_one, &bob, &status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				  TASK_DIAG_DUMP_ALL, 0));
	kill(alice, SIGKILL);
	td_wait(alice);
}

/* --- a receive buffer that is full ------------------------------------------------ */

static void run_many(unsigned int nr)
{
	while (nr--)
		run(do_nothing, NULL, NULL);
}

/* Sets a filter of the socket that lets through @bytes of each datagram. */
static int set_filter(const struct td_sock *sock, __u32 bytes)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, bytes) };
	struct sock_fprog filter = { .len = 1, .filter = code };

	return setsockopt(sock->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			  sizeof(filter));
}

static int remove_filter(const struct td_sock *sock)
{
	int unused = 0;

	return setsockopt(sock->fd, SOL_SOCKET, SO_DETACH_FILTER, &unused,
			  sizeof(unused));
}

TEST_F(events, lost_events_are_counted)
{
	static const unsigned int nr = 400;
	__u64 lost = 0;
	int small = 1;
	size_t i;

	ASSERT_EQ(0, setsockopt(self->sock.fd, SOL_SOCKET, SO_RCVBUF, &small,
				sizeof(small)));
	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				  TASK_DIAG_DUMP_ALL, BIT(BASE) | BIT(STAT)));
	run_many(nr);
	td_drain(&self->sock, &self->seen);
	EXPECT_EQ(1, self->seen.nr_full);
	EXPECT_GT(nr, self->seen.nr);
	/* The count is not lost with an event that the filter drops. */
	ASSERT_EQ(0, set_filter(&self->sock, 0));
	run(do_nothing, NULL, NULL);
	ASSERT_EQ(0, remove_filter(&self->sock));
	/* The next one says how many. */
	run(do_nothing, NULL, NULL);
	TAKE_EVENTS();
	for (i = 0; i < self->seen.nr; i++)
		lost += self->seen.list[i].event.lost;
	EXPECT_LT(0, lost);
	EXPECT_LE(nr + 1, self->seen.nr + lost);
}

TEST_F(events, events_pass_the_sockets_filter)
{
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				  TASK_DIAG_DUMP_ALL, 0));
	ASSERT_EQ(0, set_filter(&self->sock, 0xffffffff));
	pid = run(do_nothing, NULL, NULL);
	TAKE_EVENTS();
	EXPECT_STREQ("exit", td_story(&self->seen, pid));

	ASSERT_EQ(0, set_filter(&self->sock, 0));
	pid = run(do_nothing, NULL, NULL);
	td_drain(&self->sock, &self->seen);
	EXPECT_STREQ("", td_story(&self->seen, pid));
	/* The subscriber did not want it: it is not lost. */
	ASSERT_EQ(0, remove_filter(&self->sock));
	pid = run(do_nothing, NULL, NULL);
	td_drain(&self->sock, &self->seen);
	ASSERT_STREQ("exit", td_story(&self->seen, pid));
	EXPECT_EQ(0, td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT)->event.lost);
}

static int fork_for_a_while(const void *unused)
{
	const double end = td_now() + 5;

	while (td_now() < end)
		run(do_nothing, NULL, NULL);
	return 0;
}

TEST_F(events, sockets_can_be_closed_while_events_are_sent)
{
	struct td_events seen = {};
	struct td_sock sock;
	unsigned int nr = 0;
	int status, i;
	pid_t pids[2];

	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(fork_for_a_while(NULL));
	}
	while (!waitpid(pids[0], &status, WNOHANG)) {
		ASSERT_EQ(0, td_open(&sock));
		i = td_subscribe(&sock, &seen, TD_ALL_EVENTS, TASK_DIAG_DUMP_ALL,
				 BIT(BASE) | BIT(CMDLINE));
		/* Those that were closed lately still count. */
		if (i != EUSERS)
			ASSERT_EQ(0, i);
		td_close(&sock);
		nr++;
	}
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, td_wait(pids[1]));
	EXPECT_LT(10, nr);
	td_free_events(&seen);
}

TEST_F(events, events_that_wait_share_datagrams)
{
	static const unsigned int nr = 400;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, EVENT(EXIT),
				  TASK_DIAG_DUMP_ALL, BIT(BASE)));
	run_many(nr);
	TAKE_EVENTS();
	EXPECT_EQ(0, self->seen.nr_full);
	EXPECT_LE(nr, self->seen.nr);
	EXPECT_GT(self->seen.nr / 10, self->seen.datagrams);
}

/* A reader may have made room for what it has seen. */
TEST_F(events, datagram_that_was_measured_stays_as_long)
{
	pid_t first, second;
	ssize_t len;

	ASSERT_EQ(0, subscribe_to_alice(self, EVENT(EXIT)));
	first = run(become_alice, NULL, NULL);
	len = recv(self->sock.fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	ASSERT_LT(0, len);
	second = run(become_alice, NULL, NULL);
	/* A longer one would not be whole; both are of equal length. */
	td_set_recv_size(&self->sock, len);
	td_free_events(&self->seen);
	TAKE_EVENTS();
	EXPECT_EQ(2, self->seen.datagrams);
	EXPECT_EQ(2, self->seen.nr);
	EXPECT_STREQ("exit", td_story(&self->seen, first));
	EXPECT_STREQ("exit", td_story(&self->seen, second));
}

/* --- traces that the subscriber leaves in the task ---------------------------------- */

#define PF_SUPERPRIV	0x00000100

static int read_own_flags(const void *unused)
{
	unsigned int flags = 0;
	char text[512];

	prctl(PR_SET_NAME, "told");
	td_read_file("/proc/self/stat", text, sizeof(text));
	td_must(sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %u",
		       &flags) == 1, "stat");
	return flags & PF_SUPERPRIV ? 1 : 0;
}

/* The flag is of the use of a privilege since the fork. */
static int read_flags_of_alice(const void *unused)
{
	int status;

	td_become(TD_ALICE);
	run(read_own_flags, NULL, &status);
	return WEXITSTATUS(status);
}

TEST_F(events, events_leave_no_trace_of_the_subscribers_privileges)
{
	const __u64 groups = BIT(BASE) | BIT(SCHED) | BIT(STAT);
	struct task_diag_sched sched;
	const struct td_event *event;
	unsigned int nr = 0;
	struct taskstats stats;
	int status;
	pid_t pid;

	ASSERT_EQ(0, td_subscribe(&self->sock, &self->seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL, groups));
	pid = run(read_flags_of_alice, NULL, &status);
	EXPECT_EQ(0, status);
	td_drain(&self->sock, &self->seen);
	EXPECT_STREQ("fork,cred,cred,cred,exit", td_story(&self->seen, pid));
	for (event = self->seen.list;
	     event < self->seen.list + self->seen.nr; event++) {
		if (event->event.ppid != pid ||
		    event->event.type == TASK_DIAG_EVENT_FORK)
			continue;
		ASSERT_TRUE(td_event_group(event, TASK_DIAG_SCHED, &sched,
					   sizeof(sched)));
		EXPECT_EQ(0, sched.flags & PF_SUPERPRIV);
		if (td_event_group(event, TASK_DIAG_STAT, &stats, sizeof(stats)))
			EXPECT_EQ(0, stats.ac_flag & ASU);
		nr++;
	}
	/* comm and exit */
	EXPECT_EQ(2, nr);
}

#define HUGE_PAGES	"/sys/kernel/mm/transparent_hugepage/enabled"

static pid_t find_khugepaged(void)
{
	struct td_set pids = proc_pids("/proc");
	char name[80];
	pid_t pid = 0;
	size_t i;

	for (i = 0; i < pids.nr && !pid; i++)
		if (proc_read("/proc", pids.pids[i], 0, "comm", name,
			      sizeof(name)) > 0 && !strcmp(name, "khugepaged\n"))
			pid = pids.pids[i];
	td_set_free(&pids);
	return pid;
}

/* To what it may see by the capability alone */
static void subscribe_with_the_capability(const void *sock)
{
	const __u64 capability = 1ULL << CAP_SYS_PTRACE;
	const struct task_diag_pid req = {
		.show_flags = BIT(STAT),
		.dump_strategy = TASK_DIAG_DUMP_ALL_THREAD,
		.flags = TASK_DIAG_WITH_PROCESS,
	};
	struct td_events seen = {};
	struct td_msg msg;

	td_must(!prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
	td_become(TD_ALICE);
	td_set_caps(capability, capability, 0);
	td_begin_subscribe((void *)sock, &msg, EVENT(EXIT), &req);
	td_must(!td_send_subscribe((void *)sock, &seen, &msg), seen.text);
}

/*
 * To see the I/O of a kernel thread, which has no memory, takes the capability.
 * khugepaged is one that ends when it is not needed.
 */
TEST_F(events, statistics_leave_no_trace_of_the_subscribers_privileges)
{
	const struct nlattr *attr, *inner;
	struct taskstats own, whole = {};
	const struct td_event *event;
	char before[16];
	pid_t pid;

	td_read_choice(HUGE_PAGES, before, sizeof(before));
	if (!before[0])
		SKIP(return, "no CONFIG_TRANSPARENT_HUGEPAGE");
	pid = find_khugepaged();
	if (!pid)
		SKIP(return, "no khugepaged");
	ASSERT_LT(0, td_spawn(subscribe_with_the_capability, &self->sock));
	ASSERT_TRUE(td_write_file(HUGE_PAGES, "never"));
	TAKE_EVENTS();
	EXPECT_TRUE(td_write_file(HUGE_PAGES, before));
	event = td_find_event(&self->seen, pid, TASK_DIAG_EVENT_EXIT);
	if (!event)
		SKIP(return, "khugepaged goes on");
	ASSERT_TRUE(td_event_group(event, TASK_DIAG_STAT, &own, sizeof(own)));
	EXPECT_EQ(0, own.ac_flag & ASU);
	attr = td_event_attr(event, TASK_DIAG_PROCESS);
	ASSERT_NE(NULL, attr);
	inner = (void *)attr + NLA_HDRLEN;
	ASSERT_EQ(TASK_DIAG_STAT, inner->nla_type);
	ASSERT_LE(sizeof(whole), td_attr_len(inner));
	memcpy(&whole, (void *)inner + NLA_HDRLEN, sizeof(whole));
	EXPECT_EQ(pid, whole.ac_pid);
	EXPECT_EQ(0, whole.ac_flag & ASU);
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
