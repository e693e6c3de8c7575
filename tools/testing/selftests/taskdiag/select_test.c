// SPDX-License-Identifier: GPL-2.0
/*
 * Which tasks the TASK_DIAG_SELECT_* of a request choose, against what procfs,
 * control groups and system calls say of them.
 */
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/harness.h"

#define CGROUPS	"/tmp/taskdiag-cgroups"

/* A request, to which the tests add selections */
struct selection {
	struct td_msg msg;
	struct task_diag_pid req;
};

FIXTURE(select)
{
	struct td_sock sock;
	struct selection by;
	__u32 mine;
	pid_t sleeper;
};

static void start(struct td_sock *sock, struct selection *by, __u64 strategy,
		  __u32 pid)
{
	by->req = (struct task_diag_pid) {
		.dump_strategy = strategy,
		.pid = pid,
		.show_flags = TASK_DIAG_SHOW_BASE,
	};
	td_request_get(sock, &by->msg, NLM_F_DUMP, &by->req);
}

static void by_u32(struct selection *by, __u16 attr, __u32 value)
{
	td_put(&by->msg, attr, &value, sizeof(value));
}

static void by_u64(struct selection *by, __u16 attr, __u64 value)
{
	td_put(&by->msg, attr, &value, sizeof(value));
}

static void by_pids(struct selection *by, const __u32 *pids, size_t nr)
{
	td_put(&by->msg, TASK_DIAG_SELECT_PIDS, pids, nr * sizeof(*pids));
}

/* The pids of the answer, sorted, which must have come to a good end */
static struct td_set chosen(struct __test_metadata *_metadata,
			    struct td_sock *sock, struct selection *by)
{
	struct td_answer *answer = td_exchange(sock, &by->msg);
	struct td_set set = td_pids(answer);

	EXPECT_STREQ("", td_whole(answer));
	td_free(answer);
	td_set_sort(&set);
	return set;
}

#define EXPECT_CHOSEN(_by, ...)						\
	do {								\
		__u32 pids_[] = { 0, ##__VA_ARGS__ };			\
		struct td_set want_ = {}, set_;				\
		size_t i_;						\
									\
		for (i_ = 1; i_ < ARRAY_SIZE(pids_); i_++)		\
			td_set_add(&want_, pids_[i_]);			\
		td_set_sort(&want_);					\
		set_ = chosen(_metadata, &self->sock, _by);		\
		EXPECT_STREQ("", td_set_diff(&want_, &set_));		\
		td_set_free(&set_);					\
		td_set_free(&want_);					\
	} while (0)

FIXTURE_SETUP(select)
{
	ASSERT_EQ(0, td_open(&self->sock));
	self->mine = getpid();
	self->sleeper = td_spawn_sleeper(NULL, NULL);
	ASSERT_LT(0, self->sleeper);
}

FIXTURE_TEARDOWN(select)
{
	td_kill_children();
	td_close(&self->sock);
}

/* --- by pid ------------------------------------------------------------ */

TEST_F(select, pids_come_in_the_order_of_the_list)
{
	const __u32 pids[] = { self->mine, self->sleeper, TD_NO_PID, 1, self->mine };
	static const unsigned int told[] = { 0, 1, 3, 4 };
	struct td_answer *answer;
	unsigned int i;

	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, pids, ARRAY_SIZE(pids));
	answer = td_exchange(&self->sock, &self->by.msg);
	EXPECT_EQ(0, answer->error);
	EXPECT_EQ(ARRAY_SIZE(told), answer->nr_tasks);
	for (i = 0; i < ARRAY_SIZE(told) && i < answer->nr_tasks; i++)
		EXPECT_EQ(pids[told[i]], answer->tasks[i].pid);
	td_free(answer);
}

TEST_F(select, pids_that_nobody_has_give_an_empty_answer)
{
	const __u32 pids[] = { TD_NO_PID, 0 };

	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, pids, ARRAY_SIZE(pids));
	EXPECT_CHOSEN(&self->by);
}

TEST_F(select, pids_of_threads_need_a_strategy_over_threads)
{
	struct td_set tids;
	__u32 tid;

	td_new_thread(td_sleep_in_thread, NULL);
	tids = proc_tids("/proc", self->mine);
	ASSERT_EQ(2, tids.nr);
	tid = tids.pids[tids.pids[0] == self->mine];
	td_set_free(&tids);

	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, &tid, 1);
	EXPECT_CHOSEN(&self->by);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL_THREAD, 0);
	by_pids(&self->by, &tid, 1);
	EXPECT_CHOSEN(&self->by, tid);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL_THREAD, 0);
	by_pids(&self->by, &self->mine, 1);
	EXPECT_CHOSEN(&self->by, self->mine);
}

TEST_F(select, tasks_with_another_id_are_left_out)
{
	const __u32 pids[] = { self->mine, self->sleeper, 1 };
	__u64 ids[] = { td_pidfd_ino(self->mine), 0, td_pidfd_ino(1) };

	if (sizeof(long) < 8)
		SKIP(return, "a pidfd's inode number is not the id on 32 bits");
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, pids, ARRAY_SIZE(pids));
	td_put(&self->by.msg, TASK_DIAG_SELECT_IDS, ids, sizeof(ids));
	EXPECT_CHOSEN(&self->by, self->mine, self->sleeper, 1);

	ids[0]++;
	ids[1] = ids[2];
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, pids, ARRAY_SIZE(pids));
	td_put(&self->by.msg, TASK_DIAG_SELECT_IDS, ids, sizeof(ids));
	EXPECT_CHOSEN(&self->by, 1);
}

/* In many datagrams */
TEST_F(select, as_many_pids_as_are_allowed_all_come)
{
	__u32 pids[TASK_DIAG_PIDS_MAX];
	struct td_answer *answer;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = i % 3 ? self->mine : (__u32)self->sleeper;
	td_set_recv_size(&self->sock, 4096);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, pids, ARRAY_SIZE(pids));
	answer = td_exchange(&self->sock, &self->by.msg);
	EXPECT_EQ(0, answer->error);
	EXPECT_EQ(ARRAY_SIZE(pids), answer->nr_tasks);
	for (i = 0; i < ARRAY_SIZE(pids) && i < answer->nr_tasks; i++) {
		if (answer->tasks[i].pid != pids[i])
			break;
	}
	EXPECT_EQ(ARRAY_SIZE(pids), i);
	td_free(answer);
}

/* --- by control group -------------------------------------------------- */

FIXTURE(cgroups)
{
	struct td_sock sock;
	struct selection by;
	__u32 above[3];
	__u32 below;
	__u64 id;
	int fd;
};

static bool move(const char *group, __u32 pid)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), CGROUPS "/%s/cgroup.procs", group);
	snprintf(text, sizeof(text), "%u", pid);
	return td_write_file(path, text);
}

FIXTURE_SETUP(cgroups)
{
	struct stat st;
	unsigned int i;

	ASSERT_EQ(0, td_open(&self->sock));
	mkdir(CGROUPS, 0755);
	ASSERT_EQ(0, mount("none", CGROUPS, "cgroup2", 0, NULL));
	mkdir(CGROUPS "/td", 0755);
	mkdir(CGROUPS "/td/below", 0755);
	mkdir(CGROUPS "/td/empty", 0755);
	for (i = 0; i < ARRAY_SIZE(self->above); i++) {
		self->above[i] = td_spawn_sleeper(NULL, NULL);
		ASSERT_TRUE(move("td", self->above[i]));
	}
	self->below = td_spawn_sleeper(td_start_threads, &(int){ 3 });
	ASSERT_TRUE(move("td/below", self->below));
	ASSERT_EQ(0, stat(CGROUPS "/td", &st));
	self->id = st.st_ino;
	self->fd = open(CGROUPS "/td", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

/* A control group can be removed once its last task was freed. */
static bool remove_groups(void)
{
	const double end = td_now() + TD_DEADLINE_S;

	while (td_now() < end) {
		rmdir(CGROUPS "/td/below");
		rmdir(CGROUPS "/td/empty");
		if (!rmdir(CGROUPS "/td") || errno == ENOENT)
			return true;
		usleep(10000);
	}
	return false;
}

FIXTURE_TEARDOWN(cgroups)
{
	if (!self->sock.buf)
		return;
	td_kill_children();
	close(self->fd);
	td_close(&self->sock);
	EXPECT_TRUE(remove_groups());
	umount2(CGROUPS, MNT_DETACH);
}

TEST_F(cgroups, cgroup_has_the_processes_of_cgroup_procs)
{
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	EXPECT_CHOSEN(&self->by, self->above[0], self->above[1], self->above[2]);

	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_CGROUP_FD, self->fd);
	EXPECT_CHOSEN(&self->by, self->above[0], self->above[1], self->above[2]);
}

TEST_F(cgroups, cgroup_has_those_of_its_descendants_if_requested)
{
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	td_put(&self->by.msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
	EXPECT_CHOSEN(&self->by, self->above[0], self->above[1], self->above[2],
		      self->below);
}

TEST_F(cgroups, cgroup_has_the_threads_of_cgroup_threads)
{
	struct td_set want = proc_tids("/proc", self->below), set;
	unsigned int i;

	ASSERT_LT(1, want.nr);
	for (i = 0; i < ARRAY_SIZE(self->above); i++)
		td_set_add(&want, self->above[i]);
	td_set_sort(&want);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL_THREAD, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_CGROUP_FD, self->fd);
	td_put(&self->by.msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
	set = chosen(_metadata, &self->sock, &self->by);
	EXPECT_STREQ("", td_set_diff(&want, &set));
	td_set_free(&set);
	td_set_free(&want);
}

TEST_F(cgroups, cgroup_chooses_among_pids_children_and_threads)
{
	const __u32 pids[] = { 1, self->above[1], self->below };
	struct td_set want = proc_tids("/proc", self->below), set;

	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, pids, ARRAY_SIZE(pids));
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	EXPECT_CHOSEN(&self->by, self->above[1]);

	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, getpid());
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	EXPECT_CHOSEN(&self->by, self->above[0], self->above[1], self->above[2]);

	start(&self->sock, &self->by, TASK_DIAG_DUMP_THREAD, self->below);
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	EXPECT_CHOSEN(&self->by);

	td_set_sort(&want);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_THREAD, self->below);
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	td_put(&self->by.msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
	set = chosen(_metadata, &self->sock, &self->by);
	EXPECT_STREQ("", td_set_diff(&want, &set));
	td_set_free(&set);
	td_set_free(&want);
}

/* Neither by a walk nor among others */
TEST_F(cgroups, cgroup_has_no_zombies)
{
	ASSERT_EQ(0, kill(self->above[2], SIGKILL));
	ASSERT_TRUE(td_wait_state(self->above[2], self->above[2], 'Z'));
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	EXPECT_CHOSEN(&self->by, self->above[0], self->above[1]);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, getpid());
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	EXPECT_CHOSEN(&self->by, self->above[0], self->above[1]);
}

TEST_F(cgroups, cgroup_without_tasks_gives_an_empty_answer)
{
	struct stat st;

	ASSERT_EQ(0, stat(CGROUPS "/td/empty", &st));
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, st.st_ino);
	EXPECT_CHOSEN(&self->by);
}

TEST_F(cgroups, removed_cgroup_gives_an_empty_answer)
{
	struct td_answer *answer;
	int fd;

	fd = open(CGROUPS "/td/empty", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rmdir(CGROUPS "/td/empty"));
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_CGROUP_FD, fd);
	answer = td_exchange(&self->sock, &self->by.msg);
	EXPECT_EQ(0, answer->nr_tasks);
	/* The kernel may not find it any more: then it says so. */
	if (answer->error)
		EXPECT_STREQ("no such cgroup", answer->text);
	td_free(answer);
	close(fd);
}

static void come_and_go(void)
{
	pid_t pid;

	for (;;) {
		pid = fork();
		if (!pid) {
			move("td", getpid());
			move("td/below", getpid());
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* Tasks that stay are reported once, whatever others do concurrently. */
TEST_F(cgroups, cgroup_under_churn_loses_nobody)
{
	const double end = td_now() + td_env_number("TD_SECONDS", 5);
	struct td_answer *answer;
	unsigned int i;
	pid_t churn;

	churn = td_fork();
	if (!churn)
		come_and_go();
	td_set_recv_size(&self->sock, 4096);
	do {
		start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
		by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
		td_put(&self->by.msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
		answer = td_exchange(&self->sock, &self->by.msg);
		EXPECT_EQ(0, answer->error);
		for (i = 0; i < ARRAY_SIZE(self->above); i++)
			EXPECT_EQ(1, td_count(answer, self->above[i]));
		EXPECT_EQ(1, td_count(answer, self->below));
		EXPECT_EQ(0, td_count(answer, getpid()));
		td_free(answer);
	} while (td_now() < end && !_metadata->exit_code);
	kill(churn, SIGKILL);
	waitpid(churn, NULL, 0);
}

/* The owner of a control group must not keep a dump of it from ending. */
TEST_F(cgroups, cgroup_whose_tasks_come_back_ends_with_an_error)
{
	struct td_answer *answer = td_new_answer();
	unsigned int i, moved = 0, nr_datagrams = 0;

	/* More than a datagram has room for */
	for (i = 0; i < 150; i++)
		ASSERT_TRUE(move("td", td_spawn_sleeper(NULL, NULL)));
	td_set_recv_size(&self->sock, 4096);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, TASK_DIAG_SHOW_BASE);
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	ASSERT_EQ(0, td_send(&self->sock, &self->by.msg));
	while (td_recv(&self->sock, answer)) {
		ASSERT_GT(500, ++nr_datagrams);
		for (; moved < answer->nr_tasks; moved++) {
			ASSERT_TRUE(move("td/empty", answer->tasks[moved].base.pid));
			ASSERT_TRUE(move("td", answer->tasks[moved].base.pid));
		}
	}
	EXPECT_EQ(EAGAIN, answer->error);
	EXPECT_STREQ("tasks move between cgroups all the time", answer->text);
	td_free(answer);
}

/* An unread dump holds its place in them: it must not hold them for ever. */
TEST_F(cgroups, cgroup_of_an_unread_dump_can_be_removed)
{
	struct td_sock other;
	unsigned int i;
	pid_t extra[200];

	for (i = 0; i < ARRAY_SIZE(extra); i++) {
		extra[i] = td_spawn_sleeper(NULL, NULL);
		ASSERT_TRUE(move("td", extra[i]));
	}
	ASSERT_EQ(0, td_open(&other));
	td_set_recv_size(&other, 4096);
	start(&other, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u64(&self->by, TASK_DIAG_SELECT_CGROUP, self->id);
	td_put(&self->by.msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
	ASSERT_EQ(0, td_send(&other, &self->by.msg));
	/* The header, and the first tasks */
	ASSERT_LT(0, recv(other.fd, other.buf, 4096, 0));
	ASSERT_LT(0, recv(other.fd, other.buf, 4096, 0));
	td_kill_children();
	EXPECT_TRUE(remove_groups());
	td_close(&other);
}

/* --- by what a task is ------------------------------------------------- */

TEST_F(select, user_is_the_real_or_the_effective_one)
{
	const __u32 alice = td_spawn_sleeper(td_become_user, &(uid_t){ TD_ALICE });

	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_UID, TD_ALICE);
	EXPECT_CHOSEN(&self->by, alice);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_EUID, TD_ALICE);
	EXPECT_CHOSEN(&self->by, alice);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_UID, 0);
	EXPECT_CHOSEN(&self->by, self->sleeper);
}

static void only_effectively_alice(const void *arg)
{
	(void)arg;
	td_must(!setresuid(0, TD_ALICE, 0), "setresuid");
}

TEST_F(select, real_and_effective_users_are_told_apart)
{
	const __u32 both = td_spawn_sleeper(only_effectively_alice, NULL);

	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_EUID, TD_ALICE);
	EXPECT_CHOSEN(&self->by, both);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_UID, TD_ALICE);
	EXPECT_CHOSEN(&self->by);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_UID, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_EUID, TD_ALICE);
	EXPECT_CHOSEN(&self->by, both);
}

static void in_session(const void *arg)
{
	(void)arg;
	td_must(setsid() > 0, "setsid");
}

TEST_F(select, sessions_are_told_apart)
{
	const __u32 leader = td_spawn_sleeper(in_session, NULL);

	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_SID, leader);
	EXPECT_CHOSEN(&self->by, leader);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_SID, getsid(0));
	EXPECT_CHOSEN(&self->by, self->sleeper);
}

static void on_terminal(const void *arg)
{
	td_must(setsid() > 0 && !ioctl(*(const int *)arg, TIOCSCTTY, 0),
		"TIOCSCTTY");
}

TEST_F(select, terminals_are_told_apart)
{
	int master, slave;
	struct stat st;
	__u32 there;

	ASSERT_EQ(0, openpty(&master, &slave, NULL, NULL, NULL));
	ASSERT_EQ(0, fstat(slave, &st));
	there = td_spawn_sleeper(on_terminal, &slave);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_TTY,
	       major(st.st_rdev) << 8 | minor(st.st_rdev));
	EXPECT_CHOSEN(&self->by, there);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	by_u32(&self->by, TASK_DIAG_SELECT_TTY, 0);
	EXPECT_CHOSEN(&self->by, self->sleeper);
	close(slave);
	close(master);
}

TEST_F(select, states_are_told_apart)
{
	const __u32 stopped = td_spawn_sleeper(NULL, NULL);
	const __u32 zombie = td_spawn_sleeper(NULL, NULL);

	ASSERT_EQ(0, kill(stopped, SIGSTOP));
	ASSERT_EQ(0, kill(zombie, SIGKILL));
	ASSERT_TRUE(td_wait_state(stopped, stopped, 'T'));
	ASSERT_TRUE(td_wait_state(zombie, zombie, 'Z'));
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	td_put(&self->by.msg, TASK_DIAG_SELECT_STATES, "T", 2);
	EXPECT_CHOSEN(&self->by, stopped);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	td_put(&self->by.msg, TASK_DIAG_SELECT_STATES, "Z", 2);
	EXPECT_CHOSEN(&self->by, zombie);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	td_put(&self->by.msg, TASK_DIAG_SELECT_STATES, "ZTS", 4);
	EXPECT_CHOSEN(&self->by, zombie, stopped, self->sleeper);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_CHILDREN, 0);
	td_put(&self->by.msg, TASK_DIAG_SELECT_STATES, "", 1);
	EXPECT_CHOSEN(&self->by);
}

TEST_F(select, kernel_threads_are_told_apart)
{
	const __u32 pids[] = { self->mine, 2 };

	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, pids, ARRAY_SIZE(pids));
	by_u32(&self->by, TASK_DIAG_SELECT_KTHREADS, 1);
	EXPECT_CHOSEN(&self->by, 2);
	start(&self->sock, &self->by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&self->by, pids, ARRAY_SIZE(pids));
	by_u32(&self->by, TASK_DIAG_SELECT_KTHREADS, 0);
	EXPECT_CHOSEN(&self->by, self->mine);
}

/* --- who may see whom -------------------------------------------------- */

/* What alice gets, of herself, of bob and of nobody; 0 if all is as it must be */
static int hidden_stay_hidden(__u32 alice, __u32 bob)
{
	static const __u16 attrs[] = {
		TASK_DIAG_SELECT_UID, TASK_DIAG_SELECT_EUID
	};
	struct td_answer *answer, *none;
	struct selection by;
	struct td_sock sock;
	unsigned int i;
	int bad = 0;

	td_become(TD_ALICE);
	td_must(!td_open(&sock), "td_open");

	start(&sock, &by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&by, (__u32[]){ bob, 1, 2, alice }, 4);
	answer = td_exchange(&sock, &by.msg);
	bad |= answer->error || answer->nr_tasks != 1 ||
	       answer->tasks[0].pid != alice;
	td_free(answer);

	/* One that is hidden, and one that nobody has */
	start(&sock, &by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&by, &bob, 1);
	answer = td_exchange(&sock, &by.msg);
	start(&sock, &by, TASK_DIAG_DUMP_ALL, 0);
	by_pids(&by, &(__u32){ TD_NO_PID }, 1);
	none = td_exchange(&sock, &by.msg);
	bad |= (answer->error != none->error || answer->nr_tasks ||
		none->nr_tasks) << 1;
	td_free(answer);
	td_free(none);

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		start(&sock, &by, TASK_DIAG_DUMP_ALL, 0);
		by_u32(&by, attrs[i], TD_BOB);
		answer = td_exchange(&sock, &by.msg);
		bad |= (answer->error || answer->nr_tasks) << 2;
		td_free(answer);
	}
	start(&sock, &by, TASK_DIAG_DUMP_ALL, 0);
	by_u32(&by, TASK_DIAG_SELECT_KTHREADS, 1);
	answer = td_exchange(&sock, &by.msg);
	bad |= (answer->error || answer->nr_tasks) << 3;
	td_free(answer);
	start(&sock, &by, TASK_DIAG_DUMP_ALL, 0);
	by_u64(&by, TASK_DIAG_SELECT_CGROUP, 1);
	td_put(&by.msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
	answer = td_exchange(&sock, &by.msg);
	for (i = 0; i < answer->nr_tasks; i++)
		bad |= (answer->tasks[i].pid == bob) << 4;
	bad |= (answer->error || !td_count(answer, alice)) << 5;
	td_free(answer);
	td_close(&sock);
	return bad;
}

TEST_F(select, hidden_tasks_stay_hidden)
{
	__u32 alice, bob;
	pid_t child;

	alice = td_spawn_sleeper(td_become_user, &(uid_t){ TD_ALICE });
	bob = td_spawn_sleeper(td_become_user, &(uid_t){ TD_BOB });
	child = td_fork();
	if (!child)
		_exit(hidden_stay_hidden(alice, bob));
	EXPECT_EQ(0, td_wait(child));
}

/* In a pid namespace of its own: 0 if it sees itself alone, as 1 */
static int sees_its_namespace(int fd)
{
	struct td_answer *answer;
	struct selection by;
	struct td_sock sock;
	int bad;

	td_must(!td_open(&sock), "td_open");
	start(&sock, &by, TASK_DIAG_DUMP_ALL, 0);
	by_u32(&by, TASK_DIAG_SELECT_CGROUP_FD, fd);
	td_put(&by.msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
	answer = td_exchange(&sock, &by.msg);
	bad = answer->error || answer->nr_tasks != 1 ||
	      answer->tasks[0].pid != 1;
	td_free(answer);
	start(&sock, &by, TASK_DIAG_DUMP_ALL, 0);
	by_u32(&by, TASK_DIAG_SELECT_SID, 0);
	answer = td_exchange(&sock, &by.msg);
	bad |= (answer->error || answer->nr_tasks != 1) << 1;
	td_free(answer);
	td_close(&sock);
	return bad;
}

TEST_F(cgroups, cgroup_shows_nobody_outside_of_the_pid_namespace)
{
	pid_t child;

	child = td_clone(CLONE_NEWPID);
	ASSERT_LE(0, child);
	if (!child) {
		td_must(move("td", 0), "cgroup.procs");
		_exit(sees_its_namespace(self->fd));
	}
	EXPECT_EQ(0, td_wait(child));
}

/* --- values of the process beside its leader's ------------------------- */

static const struct nlattr *find_attr(const void *at, size_t len, __u16 type,
				      __u16 after)
{
	const struct nlattr *attr;
	bool seen = !after;

	for (; len >= NLA_HDRLEN; at += NLA_ALIGN(attr->nla_len),
	     len -= NLA_ALIGN(attr->nla_len)) {
		attr = at;
		if (seen && attr->nla_type == type)
			return attr;
		if (attr->nla_type == after)
			seen = true;
	}
	return NULL;
}

static void *spin_in_thread(void *unused)
{
	const double end = td_now() + 0.2;

	while (td_now() < end)
		;
	return unused;
}

TEST_F(select, leaders_have_values_of_their_process)
{
	struct task_diag_times own, whole;
	const struct nlattr *attr, *inner;
	struct task_diag_pid req = {
		.dump_strategy = TASK_DIAG_DUMP_THREAD,
		.show_flags = TASK_DIAG_SHOW_TIMES,
		.flags = TASK_DIAG_WITH_PROCESS,
	};
	unsigned int nested = 0, messages = 0;
	struct nlmsghdr *nlh;
	struct td_msg msg;
	ssize_t len;

	ASSERT_EQ(0, pthread_join(td_new_thread(spin_in_thread, NULL), NULL));
	ASSERT_TRUE(td_wait_threads_gone(self->mine));
	td_new_thread(td_sleep_in_thread, NULL);
	td_request_get(&self->sock, &msg, NLM_F_DUMP, &req);
	ASSERT_EQ(0, td_send(&self->sock, &msg));
	for (;;) {
		len = recv(self->sock.fd, self->sock.buf, self->sock.size, 0);
		ASSERT_LT(0, len);
		for (nlh = (void *)self->sock.buf; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			const void *attrs = (void *)nlh + NLMSG_LENGTH(GENL_HDRLEN);
			const size_t room = nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
			__u32 pid;

			if (nlh->nlmsg_type == NLMSG_DONE)
				goto done;
			attr = find_attr(attrs, room, TASK_DIAG_PID, 0);
			if (!attr)
				continue;
			messages++;
			memcpy(&pid, (void *)attr + NLA_HDRLEN, sizeof(pid));
			attr = find_attr(attrs, room,
					 TASK_DIAG_PROCESS | NLA_F_NESTED,
					 TASK_DIAG_TIMES);
			EXPECT_EQ(pid == self->mine, !!attr);
			if (!attr)
				continue;
			nested++;
			inner = (void *)attr + NLA_HDRLEN;
			EXPECT_EQ(TASK_DIAG_TIMES, inner->nla_type);
			EXPECT_EQ(attr->nla_len - NLA_HDRLEN, inner->nla_len);
			memcpy(&whole, (void *)inner + NLA_HDRLEN, sizeof(whole));
			attr = find_attr(attrs, room, TASK_DIAG_TIMES, 0);
			memcpy(&own, (void *)attr + NLA_HDRLEN, sizeof(own));
			/* The thread that is gone used a fifth of a second. */
			EXPECT_LT(own.utime + own.stime + 100000000ULL,
				  whole.utime + whole.stime);
			EXPECT_EQ(own.start_time, whole.start_time);
		}
	}
done:
	EXPECT_EQ(1, nested);
	EXPECT_EQ(2, messages);
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
