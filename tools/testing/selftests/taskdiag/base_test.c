// SPDX-License-Identifier: GPL-2.0
/*
 * The group BASE: ids, tracers, sessions, parents and names. groups_test has it for
 * tasks in every state.
 */
#include "lib/harness.h"

#include <sys/ptrace.h>

FIXTURE(base)
{
	struct td_sock sock;
};

FIXTURE_SETUP(base)
{
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(base)
{
	td_kill_children();
	td_close(&self->sock);
}

/* Of a process as a plain request gives it; with state 0 if it gives none */
static struct task_diag_base base_of(struct td_sock *sock, pid_t pid)
{
	struct task_diag_base base = {};
	struct td_answer *answer;

	answer = td_get(sock, 0, TASK_DIAG_DUMP_ONE, TASK_DIAG_SHOW_BASE, pid);
	if (!td_whole(answer)[0] && answer->nr_tasks == 1)
		base = answer->tasks[0].base;
	td_free(answer);
	return base;
}

TEST_F(base, caller_is_running)
{
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", getpid()));
	EXPECT_EQ('R', base_of(&self->sock, getpid()).state);
}

/* --- identity ---------------------------------------------------------- */

/* A 32-bit kernel has inode numbers of its own for pidfds. */
static bool is_64_bit_kernel(void)
{
	struct utsname name;

	td_must(!uname(&name), "uname");
	return sizeof(long) == 8 || !strcmp(name.machine, "x86_64");
}

TEST_F(base, id_is_the_inode_number_of_a_pidfd)
{
	static const __u64 strategies[] = {
		TASK_DIAG_DUMP_ALL, TASK_DIAG_DUMP_ALL_THREAD,
		TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_DUMP_THREAD,
	};
	static const unsigned int nr_threads = 3;
	struct td_answer *answer;
	unsigned int i, nr;
	__u64 ino;
	size_t j;

	if (!is_64_bit_kernel())
		SKIP(return, "a 32-bit kernel");
	ASSERT_LT(0, td_spawn(td_start_threads, &nr_threads));
	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		answer = td_dump(&self->sock, strategies[i],
				 TASK_DIAG_SHOW_BASE, 0);
		EXPECT_STREQ("", td_whole(answer));
		for (nr = 0, j = 0; j < answer->nr_tasks; j++) {
			ino = td_pidfd_ino(answer->tasks[j].pid);
			/* It may have ended. */
			if (!ino)
				continue;
			EXPECT_EQ(ino, answer->tasks[j].base.id);
			nr++;
		}
		EXPECT_LT(0, nr);
		td_free(answer);
	}
	EXPECT_EQ(td_pidfd_ino(getpid()), base_of(&self->sock, getpid()).id);
}

/* A child with the number of the one that has ended, or -1 */
static pid_t spawn_with_pid(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t child = syscall(SYS_clone3, &args, sizeof(args));

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return child;
}

static void expect_by_id(struct __test_metadata *_metadata,
			 struct td_sock *sock, __u64 strategy, __u32 pid,
			 __u64 id, int error)
{
	static const __u16 flags[] = { NLM_F_DUMP, 0 };
	const struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE,
		.dump_strategy = strategy,
		.pid = pid,
		.id = id,
	};
	struct td_answer *answer;
	struct td_msg msg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!flags[i] && strategy != TASK_DIAG_DUMP_ONE)
			continue;
		td_request_get(sock, &msg, flags[i], &req);
		answer = td_exchange(sock, &msg);
		EXPECT_STREQ("", answer->broken);
		EXPECT_EQ(error, answer->error);
		EXPECT_STREQ(error ? "no such process" : "", answer->text);
		if (error || strategy != TASK_DIAG_DUMP_CHILDREN)
			EXPECT_EQ(!error, answer->nr_tasks);
		td_free(answer);
	}
}

static const __u64 by_pid[] = {
	TASK_DIAG_DUMP_ONE, TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_DUMP_THREAD,
};

TEST_F(base, id_of_a_reused_pid_is_another)
{
	unsigned int i;
	pid_t pid, next;
	__u64 id, new;

	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	id = base_of(&self->sock, pid).id;
	EXPECT_LT(0, id);
	for (i = 0; i < ARRAY_SIZE(by_pid); i++)
		expect_by_id(_metadata, &self->sock, by_pid[i], pid, id, 0);
	td_kill_children();
	for (i = 0; i < ARRAY_SIZE(by_pid); i++)
		expect_by_id(_metadata, &self->sock, by_pid[i], pid, id, ESRCH);

	next = spawn_with_pid(pid);
	ASSERT_EQ(pid, next);
	td_set_add(&td_children, pid);
	new = base_of(&self->sock, pid).id;
	EXPECT_LT(0, new);
	EXPECT_NE(id, new);
	for (i = 0; i < ARRAY_SIZE(by_pid); i++) {
		expect_by_id(_metadata, &self->sock, by_pid[i], pid, id, ESRCH);
		expect_by_id(_metadata, &self->sock, by_pid[i], pid, new, 0);
		expect_by_id(_metadata, &self->sock, by_pid[i], pid, 0, 0);
	}
}

TEST_F(base, id_may_be_that_of_any_thread_for_its_threads)
{
	static const unsigned int nr_threads = 1;
	struct td_answer *answer;
	size_t i, j;
	pid_t pid;

	pid = td_spawn(td_start_threads, &nr_threads);
	ASSERT_LT(0, pid);
	answer = td_dump(&self->sock, TASK_DIAG_DUMP_THREAD,
			 TASK_DIAG_SHOW_BASE, pid);
	ASSERT_EQ(2, answer->nr_tasks);
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 2; j++) {
			struct task_diag_pid req = {
				.dump_strategy = TASK_DIAG_DUMP_THREAD,
				.pid = answer->tasks[i].pid,
				.id = answer->tasks[j].base.id,
			};
			struct td_answer *threads;
			struct td_msg msg;

			td_request_get(&self->sock, &msg, NLM_F_DUMP, &req);
			threads = td_exchange(&self->sock, &msg);
			EXPECT_EQ(i == j ? 0 : ESRCH, threads->error);
			EXPECT_EQ(i == j ? 2 : 0, threads->nr_tasks);
			td_free(threads);
		}
	}
	td_free(answer);
}

/* pid 0 is the caller, which knows its id. */
TEST_F(base, id_of_the_caller_is_looked_at_too)
{
	const __u64 id = base_of(&self->sock, getpid()).id;

	expect_by_id(_metadata, &self->sock, TASK_DIAG_DUMP_ONE, 0, id, 0);
	expect_by_id(_metadata, &self->sock, TASK_DIAG_DUMP_ONE, 0, id + 1,
		     ESRCH);
	expect_by_id(_metadata, &self->sock, TASK_DIAG_DUMP_ONE, 0,
		     id | 1ULL << 63, ESRCH);
}

/* --- tracers ----------------------------------------------------------- */

TEST_F(base, traced_process_has_its_tracer)
{
	struct task_diag_base base;
	pid_t pid;

	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	ASSERT_TRUE(td_wait_state(pid, 0, 'S'));
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", pid));
	EXPECT_EQ(getpid(), base_of(&self->sock, pid).tpid);

	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", pid));
	base = base_of(&self->sock, pid);
	EXPECT_EQ('t', base.state);
	EXPECT_EQ(getpid(), base.tpid);

	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	EXPECT_EQ(0, base_of(&self->sock, pid).tpid);
}

struct traced {
	pid_t		pid;
	pthread_barrier_t seized;
	pthread_barrier_t seen;
};

static void *trace_in_thread(void *arg)
{
	struct traced *traced = arg;

	if (ptrace(PTRACE_SEIZE, traced->pid, NULL, NULL))
		traced->pid = -1;
	pthread_barrier_wait(&traced->seized);
	pthread_barrier_wait(&traced->seen);
	return (void *)(long)gettid();
}

TEST_F(base, tracer_is_a_thread)
{
	struct traced traced;
	pthread_t thread;
	pid_t tracer;
	void *tid;

	traced.pid = td_spawn_sleeper(NULL, NULL);
	ASSERT_LT(0, traced.pid);
	ASSERT_EQ(0, pthread_barrier_init(&traced.seized, NULL, 2));
	ASSERT_EQ(0, pthread_barrier_init(&traced.seen, NULL, 2));
	thread = td_new_thread(trace_in_thread, &traced);
	pthread_barrier_wait(&traced.seized);
	ASSERT_LT(0, traced.pid);

	tracer = base_of(&self->sock, traced.pid).tpid;
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", traced.pid));
	pthread_barrier_wait(&traced.seen);
	ASSERT_EQ(0, pthread_join(thread, &tid));
	EXPECT_EQ((long)tid, tracer);
	EXPECT_NE(getpid(), tracer);
}

static void trace_for_ever(const void *tracee)
{
	const pid_t pid = *(const pid_t *)tracee;

	td_ready();
	for (;;)
		td_must(!ptrace(PTRACE_SEIZE, pid, NULL, NULL) &&
			!ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) &&
			waitpid(pid, NULL, __WALL) == pid &&
			!ptrace(PTRACE_DETACH, pid, NULL, NULL), "ptrace");
}

TEST_F(base, tracer_is_never_a_parent_that_does_not_trace)
{
	const double end = td_now() + td_env_number("TD_SECONDS", 5);
	pid_t pid, tracer, seen;
	unsigned int nr = 0;

	pid = td_spawn_sleeper(NULL, NULL);
	ASSERT_LT(0, pid);
	tracer = td_spawn(trace_for_ever, &pid);
	ASSERT_LT(0, tracer);
	while (td_now() < end || !nr) {
		seen = base_of(&self->sock, pid).tpid;
		if (seen)
			ASSERT_EQ(tracer, seen);
		nr += !!seen;
	}
	TH_LOG("traced %u times", nr);
}

/* --- sessions, process groups, parents --------------------------------- */

static void lead_session(const void *unused)
{
	td_must(setsid() > 0, "setsid");
}

TEST_F(base, session_leader_leads_its_group)
{
	pid_t pid;

	pid = td_spawn_sleeper(lead_session, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", pid));
	EXPECT_EQ(pid, base_of(&self->sock, pid).sid);
	EXPECT_EQ(pid, base_of(&self->sock, pid).pgid);
}

TEST_F(base, process_group_outlives_its_leader)
{
	pid_t leader, member;

	leader = td_spawn_sleeper(NULL, NULL);
	member = td_spawn_sleeper(NULL, NULL);
	ASSERT_LT(0, leader);
	ASSERT_LT(0, member);
	ASSERT_EQ(0, setpgid(leader, leader));
	ASSERT_EQ(0, setpgid(member, leader));

	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", leader));
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", member));
	EXPECT_EQ(leader, base_of(&self->sock, member).pgid);
	EXPECT_EQ(getsid(0), base_of(&self->sock, member).sid);

	/* The group outlives its leader. */
	ASSERT_EQ(0, kill(leader, SIGKILL));
	ASSERT_EQ(leader, waitpid(leader, NULL, 0));
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", member));
	EXPECT_EQ(leader, base_of(&self->sock, member).pgid);
}

static void fork_and_end(const void *child)
{
	int fds[2];
	char byte;
	pid_t pid;

	td_must(!pipe(fds), "pipe");
	pid = fork();
	if (!pid) {
		close(fds[0]);
		td_must(write(fds[1], "", 1) == 1, "write");
		for (;;)
			pause();
	}
	td_must(read(fds[0], &byte, 1) == 1, "read");
	*(pid_t *)child = pid;
	td_ready();
	_exit(0);
}

TEST_F(base, orphan_has_a_new_parent)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct task_diag_base base;
	pid_t *child, parent;

	child = td_share(sizeof(*child));
	parent = td_spawn(fork_and_end, child);
	ASSERT_LT(0, parent);
	td_set_add(&td_children, *child);
	ASSERT_EQ(0, td_wait(parent));
	ASSERT_TRUE(td_wait_state(*child, 0, 'S'));
	do {
		base = base_of(&self->sock, *child);
	} while (base.ppid == parent && td_now() < deadline);
	EXPECT_NE(parent, base.ppid);
	EXPECT_LT(0, base.ppid);
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", *child));
}

/* --- names ------------------------------------------------------------- */

TEST_F(base, process_has_any_name_that_it_gives_itself)
{
	static const char * const names[] = {
		"", "a", "fourteen bytes", "fifteen bytes..", ") R 1 2 3 (x",
		" lead and trail ", "new\nline\ttab", "back\\slash \"'",
		"\x01\x02\x7f\x80\xff\xfe", "\xc3\xa4\xe2\x82\xac", "((()",
	};
	struct task_diag_base base;
	char padded[16];
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		pid = td_spawn_sleeper(td_set_name, names[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", td_check_process(&self->sock, "/proc", pid));
		memset(padded, 0, sizeof(padded));
		memcpy(padded, names[i], strnlen(names[i], 15));
		base = base_of(&self->sock, pid);
		EXPECT_EQ(0, memcmp(padded, base.comm, sizeof(padded)));
	}
}

TEST_F(base, name_too_long_is_cut)
{
	struct task_diag_base base;
	pid_t pid;

	pid = td_spawn_sleeper(td_set_name, "sixteen bytes...and more");
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", pid));
	base = base_of(&self->sock, pid);
	EXPECT_EQ(0, memcmp("sixteen bytes..", base.comm, 16));
}

/* Nothing of a longer name is left after the end of a shorter one. */
TEST_F(base, name_is_filled_up_with_zeroes)
{
	char padded[16] = "ab";
	struct task_diag_base base;

	ASSERT_EQ(0, prctl(PR_SET_NAME, "fifteen bytes.."));
	ASSERT_EQ(0, prctl(PR_SET_NAME, "ab"));
	base = base_of(&self->sock, getpid());
	EXPECT_EQ(0, memcmp(padded, base.comm, sizeof(padded)));
}

static const char * const two_names[] = { "AAAAAAAAAAAAAAA", "bbbbbbbbbbb" };

static void alternate_names(const void *unused)
{
	td_must(!prctl(PR_SET_NAME, two_names[0]), "PR_SET_NAME");
	td_ready();
	for (;;) {
		prctl(PR_SET_NAME, two_names[1]);
		prctl(PR_SET_NAME, two_names[0]);
	}
}

/* The kernel writes names without a lock: a reader may see a part of each. */
TEST_F(base, name_that_changes_is_of_the_two_and_terminated)
{
	unsigned int seen[2] = {}, foreign = 0, n;
	double start = td_now(), now;
	struct task_diag_base base;
	char padded[2][16] = {};
	pid_t pid;

	memcpy(padded[0], two_names[0], strlen(two_names[0]));
	memcpy(padded[1], two_names[1], strlen(two_names[1]));
	pid = td_spawn(alternate_names, NULL);
	ASSERT_LT(0, pid);
	/* For a second, and until both were seen */
	do {
		now = td_now();
		ASSERT_GT(start + TD_DEADLINE_S, now);
		base = base_of(&self->sock, pid);
		for (n = 0; n < 2; n++)
			seen[n] += !memcmp(base.comm, padded[n], sizeof(padded[n]));
		for (n = 0; n < sizeof(base.comm); n++)
			foreign += base.comm[n] != padded[0][n] &&
				   base.comm[n] != padded[1][n];
		ASSERT_EQ(0, base.comm[15]);
	} while (now < start + 1 || seen[0] < 5 || seen[1] < 5);
	EXPECT_EQ(0, foreign);
}

/* --- threads ----------------------------------------------------------- */

static void *named_thread(void *name)
{
	prctl(PR_SET_NAME, name);
	return td_sleep_in_thread(NULL);
}

static void start_named_threads(const void *unused)
{
	static const char * const names[] = { "first", "second", ") X (" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		td_new_thread(named_thread, names[i]);
}

TEST_F(base, threads_have_names_of_their_own)
{
	unsigned int i, named = 0;
	struct td_answer *answer;
	struct td_set tids;
	pid_t pid;

	pid = td_spawn_sleeper(start_named_threads, NULL);
	ASSERT_LT(0, pid);
	tids = proc_tids("/proc", pid);
	ASSERT_EQ(4, tids.nr);
	for (i = 0; i < tids.nr; i++)
		ASSERT_TRUE(td_wait_state(pid, tids.pids[i], 'S'));

	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", pid));
	EXPECT_STREQ("", td_check_threads(&self->sock, "/proc", pid));
	answer = td_dump(&self->sock, TASK_DIAG_DUMP_ALL_THREAD,
			 TASK_DIAG_SHOW_BASE, 0);
	EXPECT_STREQ("", td_whole(answer));
	for (i = 0; i < answer->nr_tasks; i++) {
		const struct task_diag_base *base = &answer->tasks[i].base;

		if (base->tgid != pid)
			continue;
		EXPECT_STREQ("", td_base_diff("/proc", pid, base->pid, base));
		named += !strcmp((const char *)base->comm, "second");
	}
	EXPECT_EQ(1, named);
	td_free(answer);
}

/* --- the whole system -------------------------------------------------- */

/*
 * The state may change during the comparison, and tasks may be forked or end. The
 * name of a kernel thread is longer in procfs.
 */
static bool same_but_state(const struct task_diag_base *task_diag,
			   const struct task_diag_base *procfs,
			   const char *proc_name)
{
	struct task_diag_base a = *task_diag, b = *procfs;
	size_t len = strlen((char *)a.comm);

	a.state = 0;
	b.state = 0;
	b.id = a.id;
	memset(a.comm, 0, sizeof(a.comm));
	memset(b.comm, 0, sizeof(b.comm));
	return !memcmp(&a, &b, sizeof(a)) &&
	       !strncmp((char *)task_diag->comm, proc_name, len);
}

TEST_F(base, base_of_every_task_equals_procfs)
{
	static const __u64 strategies[] = {
		TASK_DIAG_DUMP_ALL, TASK_DIAG_DUMP_ALL_THREAD,
	};
	struct td_answer *answer;
	struct task_diag_base base;
	unsigned int i, k, compared;
	char name[80];

	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		compared = 0;
		answer = td_dump(&self->sock, strategies[i],
				 TASK_DIAG_SHOW_BASE, 0);
		EXPECT_STREQ("", td_whole(answer));
		for (k = 0; k < answer->nr_tasks; k++) {
			const struct task_diag_base *seen;

			seen = &answer->tasks[k].base;
			if (proc_base("/proc", seen->tgid, seen->pid, &base,
				      name))
				continue;
			compared++;
			EXPECT_TRUE(same_but_state(seen, &base, name))
				TH_LOG("%s", td_base_diff("/proc", seen->tgid,
							  seen->pid, seen));
		}
		EXPECT_LT(answer->nr_tasks / 2, compared);
		td_free(answer);
	}
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
