// SPDX-License-Identifier: GPL-2.0
/*
 * Pid namespaces: the caller sees the tasks of its own and of those below it, with
 * the numbers that they have in its own.
 */
#include "lib/harness.h"

#include <sys/ptrace.h>

/*
 * A pid namespace "outer" in the test's one, and "inner" in that. The init of
 * each waits for commands: functions of this program that it is to call.
 */
struct space {
	pid_t	init;		/* as the test sees it */
	int	call;		/* where it gets commands */
	int	reply;		/* and says that they are carried out */
};

FIXTURE(pidns)
{
	struct td_sock sock;
	struct space outer;
	struct space inner;
};

typedef void (*space_fn)(struct __test_metadata *_metadata);

static void space_run(struct __test_metadata *_metadata, int call, int reply)
{
	space_fn fn;

	td_must(!unshare(CLONE_NEWNS), "unshare");
	td_must(!mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
	td_must(write(reply, "", 1) == 1, "write");
	while (read(call, &fn, sizeof(fn)) == sizeof(fn)) {
		fn(_metadata);
		td_must(write(reply, "", 1) == 1, "write");
	}
	_exit(0);
}

/* Calls @fn in the namespace's init. */
static bool space_call(struct space *space, space_fn fn)
{
	char byte;

	return write(space->call, &fn, sizeof(fn)) == sizeof(fn) &&
	       read(space->reply, &byte, 1) == 1;
}

/* Makes the init of a new namespace, child of the caller. */
static pid_t space_clone(struct __test_metadata *_metadata, int fds[4])
{
	pid_t pid;

	pid = td_clone(CLONE_NEWPID);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		space_run(_metadata, fds[0], fds[3]);
	}
	return pid;
}

/* Made by the test, used two namespaces below */
static int inner_fds[4];

static void make_inner(struct __test_metadata *_metadata)
{
	td_must(space_clone(_metadata, inner_fds) == 2, "clone");
}

static bool space_pipes(struct space *space, int fds[4])
{
	if (pipe(fds) || pipe(fds + 2))
		return false;
	space->call = fds[1];
	space->reply = fds[2];
	return true;
}

static pid_t child_of(pid_t parent)
{
	struct td_set pids = proc_pids("/proc");
	struct task_diag_base base;
	char name[80];
	pid_t pid = -1;
	size_t i;

	for (i = 0; i < pids.nr; i++)
		if (!proc_base("/proc", pids.pids[i], 0, &base, name) &&
		    base.ppid == parent)
			pid = pids.pids[i];
	td_set_free(&pids);
	return pid;
}

FIXTURE_SETUP(pidns)
{
	int fds[4];
	char byte;

	ASSERT_EQ(0, td_open(&self->sock));
	ASSERT_TRUE(td_private_tmp());
	ASSERT_TRUE(space_pipes(&self->outer, fds));
	ASSERT_TRUE(space_pipes(&self->inner, inner_fds));

	self->outer.init = space_clone(_metadata, fds);
	ASSERT_LT(0, self->outer.init);
	td_set_add(&td_children, self->outer.init);
	ASSERT_EQ(1, read(self->outer.reply, &byte, 1));

	ASSERT_TRUE(space_call(&self->outer, make_inner));
	ASSERT_EQ(1, read(self->inner.reply, &byte, 1));
	self->inner.init = child_of(self->outer.init);
	ASSERT_LT(0, self->inner.init);
}

FIXTURE_TEARDOWN(pidns)
{
	td_kill_children();
	td_close(&self->sock);
}

/* --- called in a namespace --------------------------------------------- */

static void start_child_with_thread(struct __test_metadata *_metadata)
{
	static const unsigned int nr_threads = 1;

	EXPECT_LT(0, td_spawn_sleeper(td_start_threads, &nr_threads));
}

static void expect_procfs_here(struct __test_metadata *_metadata)
{
	struct td_sock sock;
	struct td_set pids;
	size_t i;

	ASSERT_EQ(0, td_open(&sock));
	EXPECT_STREQ("", td_check_all(&sock, "/proc", TASK_DIAG_DUMP_ALL));
	EXPECT_STREQ("", td_check_all(&sock, "/proc",
				      TASK_DIAG_DUMP_ALL_THREAD));
	pids = proc_pids("/proc");
	for (i = 0; i < pids.nr; i++) {
		EXPECT_STREQ("", td_check_process(&sock, "/proc",
						  pids.pids[i]));
		EXPECT_STREQ("", td_check_threads(&sock, "/proc",
						  pids.pids[i]));
	}
	td_set_free(&pids);
	td_close(&sock);
}

static void expect_init_without_parent(struct __test_metadata *_metadata)
{
	struct td_answer *answer;
	struct td_sock sock;

	ASSERT_EQ(0, td_open(&sock));
	answer = td_get(&sock, 0, TASK_DIAG_DUMP_ONE, TASK_DIAG_SHOW_BASE, 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(1, answer->tasks[0].pid);
	EXPECT_EQ(1, answer->tasks[0].base.tgid);
	EXPECT_EQ(0, answer->tasks[0].base.ppid);
	EXPECT_EQ(0, answer->tasks[0].base.sid);
	EXPECT_EQ(0, answer->tasks[0].base.pgid);
	EXPECT_EQ(0, answer->tasks[0].base.tpid);
	td_free(answer);
	td_close(&sock);
}

/* Only init and what it started; nothing of above, by any number. */
static void expect_nobody_from_outside(struct __test_metadata *_metadata)
{
	struct td_answer *answer;
	struct td_sock sock;
	__u32 pid, max;

	ASSERT_EQ(0, td_open(&sock));
	answer = td_dump(&sock, TASK_DIAG_DUMP_ALL_THREAD, 0, 0);
	EXPECT_STREQ("", td_whole(answer));
	ASSERT_LT(0, answer->nr_tasks);
	max = answer->tasks[answer->nr_tasks - 1].pid;
	EXPECT_GT(100, max);
	td_free(answer);

	for (pid = max + 1; pid < max + 300; pid++) {
		answer = td_get(&sock, 0, TASK_DIAG_DUMP_ONE, 0, pid);
		ASSERT_EQ(ESRCH, answer->error);
		td_free(answer);
	}
	td_close(&sock);
}

static void expect_traced_by_nobody(struct __test_metadata *_metadata)
{
	struct td_answer *answer;
	struct td_sock sock;

	ASSERT_EQ(0, td_open(&sock));
	answer = td_get(&sock, 0, TASK_DIAG_DUMP_ONE, TASK_DIAG_SHOW_BASE, 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(0, answer->tasks[0].base.tpid);
	EXPECT_STREQ("", td_check_process(&sock, "/proc", 1));
	td_free(answer);
	td_close(&sock);
}

static void lead_session(struct __test_metadata *_metadata)
{
	EXPECT_EQ(1, setsid());
}

static void start_group_of_child(struct __test_metadata *_metadata)
{
	pid_t pid;

	pid = td_spawn_sleeper(NULL, NULL);
	EXPECT_LT(0, pid);
	EXPECT_EQ(0, setpgid(pid, pid));
}

/* --- the tests --------------------------------------------------------- */

TEST_F(pidns, child_sees_what_its_own_procfs_shows)
{
	ASSERT_TRUE(space_call(&self->outer, start_child_with_thread));
	ASSERT_TRUE(space_call(&self->inner, start_child_with_thread));
	ASSERT_TRUE(space_call(&self->outer, expect_procfs_here));
	ASSERT_TRUE(space_call(&self->inner, expect_procfs_here));
}

TEST_F(pidns, parent_and_session_outside_the_pid_namespace_are_0)
{
	ASSERT_TRUE(space_call(&self->outer, expect_init_without_parent));
	ASSERT_TRUE(space_call(&self->inner, expect_init_without_parent));
}

TEST_F(pidns, session_and_group_inside_the_pid_namespace_have_numbers)
{
	ASSERT_TRUE(space_call(&self->outer, start_group_of_child));
	ASSERT_TRUE(space_call(&self->outer, lead_session));
	ASSERT_TRUE(space_call(&self->outer, start_child_with_thread));
	ASSERT_TRUE(space_call(&self->outer, expect_procfs_here));
	ASSERT_TRUE(space_call(&self->inner, expect_procfs_here));
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc",
					  self->outer.init));
}

TEST_F(pidns, tasks_outside_the_pid_namespace_are_no_such_process)
{
	ASSERT_TRUE(space_call(&self->inner, expect_nobody_from_outside));
}

TEST_F(pidns, parent_sees_nested_tasks_by_its_own_numbers)
{
	struct td_answer *answer;
	pid_t pids[4];
	unsigned int i;

	ASSERT_TRUE(space_call(&self->inner, start_child_with_thread));
	pids[0] = self->outer.init;
	pids[1] = self->inner.init;
	pids[2] = child_of(self->inner.init);
	pids[3] = getpid();
	ASSERT_LT(0, pids[2]);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		EXPECT_STREQ("", td_check_process(&self->sock, "/proc",
						  pids[i]));
		EXPECT_STREQ("", td_check_threads(&self->sock, "/proc",
						  pids[i]));
	}
	EXPECT_STREQ("", td_check_all(&self->sock, "/proc",
				      TASK_DIAG_DUMP_ALL));
	EXPECT_STREQ("", td_check_all(&self->sock, "/proc",
				      TASK_DIAG_DUMP_ALL_THREAD));

	answer = td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN, 0,
			 self->inner.init);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(1, answer->nr_tasks);
	EXPECT_EQ(1, td_count(answer, pids[2]));
	td_free(answer);
}

TEST_F(pidns, tracer_outside_the_pid_namespace_is_0)
{
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->inner.init, NULL, NULL));
	ASSERT_TRUE(space_call(&self->inner, expect_traced_by_nobody));
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc",
					  self->inner.init));

	/* Else nobody could reap it, and its namespaces would not end. */
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->inner.init, NULL, NULL));
	ASSERT_EQ(self->inner.init, waitpid(self->inner.init, NULL, __WALL));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->inner.init, NULL, NULL));
}

/* setns() is about children: the caller keeps its own namespace, and its view. */
TEST_F(pidns, namespace_for_children_changes_nothing_for_the_caller)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", self->inner.init);
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, setns(fd, CLONE_NEWPID));
	EXPECT_STREQ("", td_check_all(&self->sock, "/proc",
				      TASK_DIAG_DUMP_ALL));
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", getpid()));
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
