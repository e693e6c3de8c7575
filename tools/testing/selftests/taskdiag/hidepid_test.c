// SPDX-License-Identifier: GPL-2.0
/*
 * Every requester sees the tasks that procfs mounted with hidepid=2 would show, and
 * cannot distinguish a hidden one from one that does not exist.
 */
#include "lib/harness.h"

#include <linux/taskstats.h>
#include <sys/capability.h>

/* --- the population ---------------------------------------------------- */

struct person {
	char		name[40];
	uid_t		uids[3];		/* real, effective, saved */
	gid_t		gids[3];
	bool		undumpable;
	const char	*caps;			/* cap_from_text(3) */
	void		(*more)(void);
	bool		alice_sees;
};

#define ALL_ALICE	{ TD_ALICE, TD_ALICE, TD_ALICE }
#define ALL_BOB		{ TD_BOB, TD_BOB, TD_BOB }

static void set_caps(const char *text)
{
	cap_t caps = cap_from_text(text);

	td_must(caps, "cap_from_text");
	td_must(!cap_set_proc(caps), "cap_set_proc");
	cap_free(caps);
}

static void make_user_namespace(void)
{
	td_unshare_user(0);
}

/* Ready as a zombie: its parent does not reap it. */
static void end(void)
{
	td_ready();
	_exit(0);
}

static void set_ids_of_thread(uid_t id)
{
	/* The C library would change all threads. */
	td_must(!syscall(SYS_setresgid, id, id, id), "setresgid");
	td_must(!syscall(SYS_setresuid, id, id, id), "setresuid");
	td_must(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

static void *become_alice_in_thread(void *unused)
{
	set_ids_of_thread(TD_ALICE);
	td_ready();
	return td_sleep_in_thread(unused);
}

static void start_thread_that_is_alice(void)
{
	td_new_thread(become_alice_in_thread, NULL);
	for (;;)
		pause();
}

static void leave_thread_that_is_root(void)
{
	static const unsigned int nr_threads = 1;

	td_start_threads(&nr_threads);
	set_ids_of_thread(TD_ALICE);
}

/* Lives as long as the caller, which may not be allowed to signal it. */
static void fork_sleeper(uid_t uid)
{
	int ready[2], alive[2];
	char byte;

	td_must(!pipe(ready) && !pipe(alive), "pipe");
	if (!fork()) {
		close(td_ready_fd);
		close(alive[1]);
		td_become(uid);
		td_must(write(ready[1], "", 1) == 1, "write");
		_exit(read(alive[0], &byte, 1));
	}
	td_must(read(ready[0], &byte, 1) == 1, "read");
}

/* Two of the children have the user of their parent. */
static void start_family(void)
{
	fork_sleeper(TD_ALICE);
	fork_sleeper(TD_BOB);
	fork_sleeper(TD_ALICE);
	td_become(TD_ALICE);
}

static const struct person people[] = {
	{
		.name = "alice",
		.uids = ALL_ALICE, .gids = ALL_ALICE,
		.alice_sees = true,
	}, {
		.name = "undumpable alice",
		.uids = ALL_ALICE, .gids = ALL_ALICE,
		.undumpable = true,
	}, {
		.name = "alice that ended",
		.uids = ALL_ALICE, .gids = ALL_ALICE,
		.more = end,
		.alice_sees = true,
	}, {
		.name = "alice with another real uid",
		.uids = { TD_BOB, TD_ALICE, TD_ALICE }, .gids = ALL_ALICE,
	}, {
		.name = "alice with another effective uid",
		.uids = { TD_ALICE, TD_BOB, TD_ALICE }, .gids = ALL_ALICE,
	}, {
		.name = "alice with another saved uid",
		.uids = { TD_ALICE, TD_ALICE, 0 }, .gids = ALL_ALICE,
	}, {
		.name = "alice with another real gid",
		.uids = ALL_ALICE, .gids = { TD_BOB, TD_ALICE, TD_ALICE },
	}, {
		.name = "alice with another effective gid",
		.uids = ALL_ALICE, .gids = { TD_ALICE, TD_BOB, TD_ALICE },
	}, {
		.name = "alice with another saved gid",
		.uids = ALL_ALICE, .gids = { TD_ALICE, TD_ALICE, 0 },
	}, {
		.name = "alice with a capability",
		.uids = ALL_ALICE, .gids = ALL_ALICE,
		.caps = "cap_net_raw=ep",
	}, {
		.name = "alice's user namespace",
		.uids = ALL_ALICE, .gids = ALL_ALICE,
		.more = make_user_namespace,
		.alice_sees = true,
	}, {
		.name = "bob",
		.uids = ALL_BOB, .gids = ALL_BOB,
	}, {
		.name = "bob in alice's group",
		.uids = ALL_BOB, .gids = ALL_ALICE,
	}, {
		.name = "root",
	}, {
		.name = "undumpable root",
		.undumpable = true,
	}, {
		.name = "root without capabilities",
		.caps = "=",
	}, {
		.name = "root that ended",
		.more = end,
	}, {
		.name = "root with alice's thread",
		.more = start_thread_that_is_alice,
	}, {
		.name = "alice with root's thread",
		.more = leave_thread_that_is_root,
		.alice_sees = true,
	}, {
		.name = "alice's family",
		.more = start_family,
		.alice_sees = true,
	},
};

/* Where a task writes after its subscribers got its new name */
static int told_fds[2] = { -1, -1 };

/* An event of the thread's own making */
static void take_name(int sig)
{
	syscall(SYS_prctl, PR_SET_NAME, "told", 0, 0, 0);
	if (write(told_fds[1], "", 1) != 1)
		_exit(KSFT_FAIL);
}

static void become_person(const void *arg)
{
	const struct person *p = arg;

	signal(SIGUSR1, take_name);
	td_must(!setgroups(0, NULL), "setgroups");
	td_must(!setresgid(p->gids[0], p->gids[1], p->gids[2]), "setresgid");
	td_must(!prctl(PR_SET_KEEPCAPS, !!p->caps), "PR_SET_KEEPCAPS");
	td_must(!setresuid(p->uids[0], p->uids[1], p->uids[2]), "setresuid");
	if (p->caps)
		set_caps(p->caps);
	td_must(!prctl(PR_SET_DUMPABLE, !p->undumpable), "PR_SET_DUMPABLE");
	if (p->more)
		p->more();
}

static void spawn_people(struct __test_metadata *_metadata, pid_t *pids)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(people); i++) {
		pids[i] = td_spawn(become_person, &people[i]);
		ASSERT_LT(0, pids[i])
			TH_LOG("%s", people[i].name);
	}
}

/* --- every requester ------------------------------------------------- */

FIXTURE(hidepid)
{
	pid_t pids[ARRAY_SIZE(people)];
	struct td_sock sock;	/* the requester's own */
};

FIXTURE_VARIANT(hidepid)
{
	void (*become)(void);
	bool landlock;
};

static void become_root(void)
{
}

static void become_root_without_ptrace(void)
{
	set_caps("=ep cap_sys_ptrace-ep");
}

static void become_root_without_effective_ptrace(void)
{
	set_caps("=ep cap_sys_ptrace-e");
}

static void become_root_that_acts_as_alice(void)
{
	td_must(!setresgid(-1, TD_ALICE, -1), "setresgid");
	td_must(!setresuid(-1, TD_ALICE, -1), "setresuid");
}

static void become_alice(void)
{
	td_become(TD_ALICE);
}

static void become_alice_with_ptrace(void)
{
	td_must(!prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
	td_become(TD_ALICE);
	set_caps("cap_sys_ptrace=ep");
}

static void become_alice_as_root_of_user_namespace(void)
{
	td_become(TD_ALICE);
	td_unshare_user(0);
}

static void become_root_of_user_namespace(void)
{
	td_unshare_user(0);
}

static void become_alice_in_landlock(void)
{
	td_become(TD_ALICE);
	td_enter_landlock();
}

FIXTURE_VARIANT_ADD(hidepid, root)
{
	.become = become_root,
};

FIXTURE_VARIANT_ADD(hidepid, root_without_ptrace)
{
	.become = become_root_without_ptrace,
};

FIXTURE_VARIANT_ADD(hidepid, root_without_effective_ptrace)
{
	.become = become_root_without_effective_ptrace,
};

FIXTURE_VARIANT_ADD(hidepid, root_that_acts_as_alice)
{
	.become = become_root_that_acts_as_alice,
};

FIXTURE_VARIANT_ADD(hidepid, root_of_user_namespace)
{
	.become = become_root_of_user_namespace,
};

FIXTURE_VARIANT_ADD(hidepid, root_in_landlock)
{
	.become = td_enter_landlock,
	.landlock = true,
};

FIXTURE_VARIANT_ADD(hidepid, alice)
{
	.become = become_alice,
};

FIXTURE_VARIANT_ADD(hidepid, alice_with_ptrace)
{
	.become = become_alice_with_ptrace,
};

FIXTURE_VARIANT_ADD(hidepid, alice_as_root_of_user_namespace)
{
	.become = become_alice_as_root_of_user_namespace,
};

FIXTURE_VARIANT_ADD(hidepid, alice_in_landlock)
{
	.become = become_alice_in_landlock,
	.landlock = true,
};

FIXTURE_SETUP(hidepid)
{
	if (variant->landlock && !td_has_landlock())
		SKIP(return, "landlock is off: %s", strerror(errno));
	ASSERT_TRUE(td_private_tmp() && td_mount_hidepid());
	ASSERT_EQ(0, pipe(told_fds));
	spawn_people(_metadata, self->pids);
}

FIXTURE_TEARDOWN(hidepid)
{
	td_kill_children();
}

typedef void (*check_fn)(struct __test_metadata *_metadata,
			 FIXTURE_DATA(hidepid) *self);

/* Calls @check in a process that is the variant's requester. */
static void check_as(struct __test_metadata *_metadata,
		     FIXTURE_DATA(hidepid) *self,
		     const FIXTURE_VARIANT(hidepid) *variant, check_fn check)
{
	pid_t child = fork();

	if (!child) {
		variant->become();
		td_must(!td_open(&self->sock), "td_open");
		check(_metadata, self);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

static bool shown(__u32 pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), HIDEPID "/%u", pid);
	return !stat(path, &st);
}

static void check_all(struct __test_metadata *_metadata,
		      FIXTURE_DATA(hidepid) *self)
{
	EXPECT_STREQ("", td_check_all(&self->sock, HIDEPID,
				      TASK_DIAG_DUMP_ALL));
}

TEST_F(hidepid, all_is_what_procfs_shows)
{
	check_as(_metadata, self, variant, check_all);
}

static void check_all_thread(struct __test_metadata *_metadata,
			     FIXTURE_DATA(hidepid) *self)
{
	EXPECT_STREQ("", td_check_all(&self->sock, HIDEPID,
				      TASK_DIAG_DUMP_ALL_THREAD));
}

TEST_F(hidepid, all_thread_is_what_procfs_shows)
{
	check_as(_metadata, self, variant, check_all_thread);
}

/* An answer with the tasks, or that there is no such process. */
static void expect_pids_or_esrch(struct __test_metadata *_metadata,
				 struct td_answer *answer, bool visible,
				 const struct td_set *pids, const char *name)
{
	struct td_set seen = td_pids(answer), none = {};

	EXPECT_STREQ("", answer->broken);
	EXPECT_EQ(visible ? 0 : ESRCH, answer->error)
		TH_LOG("%s", name);
	EXPECT_STREQ(visible ? "" : "no such process", answer->text);
	if (!visible)
		pids = &none;
	EXPECT_STREQ("", td_set_diff(pids, &seen))
		TH_LOG("%s", name);
	td_set_free(&seen);
	td_free(answer);
}

static void check_one(struct __test_metadata *_metadata,
		      FIXTURE_DATA(hidepid) *self)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(people); i++) {
		__u32 pid = self->pids[i];
		struct td_set one = { .pids = &pid, .nr = 1 };

		expect_pids_or_esrch(_metadata,
				     td_get(&self->sock, 0, TASK_DIAG_DUMP_ONE,
					    TASK_DIAG_SHOW_BASE, pid),
				     shown(pid), &one, people[i].name);
		expect_pids_or_esrch(_metadata,
				     td_dump(&self->sock, TASK_DIAG_DUMP_ONE,
					     TASK_DIAG_SHOW_BASE, pid),
				     shown(pid), &one, people[i].name);
	}
}

TEST_F(hidepid, one_is_what_procfs_shows)
{
	check_as(_metadata, self, variant, check_one);
}

/* By each of their numbers, hidden ones too. */
static void check_thread(struct __test_metadata *_metadata,
			 FIXTURE_DATA(hidepid) *self)
{
	struct td_set all, visible;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(people); i++) {
		all = proc_tids("/proc", self->pids[i]);
		visible = proc_tids(HIDEPID, self->pids[i]);
		for (k = 0; k < all.nr; k++)
			expect_pids_or_esrch(_metadata,
					     td_dump(&self->sock,
						     TASK_DIAG_DUMP_THREAD,
						     TASK_DIAG_SHOW_BASE,
						     all.pids[k]),
					     td_set_has(&visible, all.pids[k]),
					     &visible, people[i].name);
		td_set_free(&all);
		td_set_free(&visible);
	}
}

TEST_F(hidepid, thread_is_what_procfs_shows)
{
	check_as(_metadata, self, variant, check_thread);
}

static void check_children(struct __test_metadata *_metadata,
			   FIXTURE_DATA(hidepid) *self)
{
	struct td_set all = proc_pids("/proc"), visible = {};
	const pid_t family = self->pids[ARRAY_SIZE(people) - 1];
	struct task_diag_base base;
	char name[80];
	size_t i, nr_children = 0;

	for (i = 0; i < all.nr; i++) {
		if (proc_base("/proc", all.pids[i], 0, &base, name) ||
		    base.ppid != family)
			continue;
		nr_children++;
		if (shown(all.pids[i]))
			td_set_add(&visible, all.pids[i]);
	}
	EXPECT_EQ(3, nr_children);
	expect_pids_or_esrch(_metadata,
			     td_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN,
				     TASK_DIAG_SHOW_BASE, family),
			     shown(family), &visible, "alice's family");
	td_set_free(&all);
	td_set_free(&visible);
}

TEST_F(hidepid, children_are_what_procfs_shows)
{
	check_as(_metadata, self, variant, check_children);
}

/* Whether procfs lets the caller know what the process read and wrote. */
static bool reads_io(__u32 pid)
{
	char path[64], byte;
	bool reads;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/io", pid);
	fd = open(path, O_RDONLY);
	reads = fd >= 0 && read(fd, &byte, 1) == 1;
	if (fd >= 0)
		close(fd);
	return reads;
}

static bool has_ptrace(void)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	td_must(caps, "cap_get_proc");
	cap_get_flag(caps, CAP_SYS_PTRACE, CAP_EFFECTIVE, &value);
	cap_free(caps);
	return value == CAP_SET;
}

/* Each one here has written at least one byte. */
static void expect_io(struct __test_metadata *_metadata, struct td_sock *sock,
		      __u64 strategy, __u32 pid, bool told, const char *name)
{
	struct td_props_answer *answer;
	const struct td_props *task;
	struct taskstats stats = {};

	answer = td_get_props(sock, NLM_F_DUMP, strategy,
			      TASK_DIAG_SHOW_IO | TASK_DIAG_SHOW_STAT, pid);
	task = td_find_props(answer, pid);
	EXPECT_STREQ("", td_props_whole(answer))
		TH_LOG("%s", name);
	EXPECT_TRUE(task && task->has & TASK_DIAG_SHOW_STAT)
		TH_LOG("%s", name);
	if (task) {
		EXPECT_EQ(told, !!(task->has & TASK_DIAG_SHOW_IO))
			TH_LOG("%s", name);
		td_copy_part(&task->groups[TASK_DIAG_STAT], 0, &stats,
			     sizeof(stats));
		EXPECT_EQ(told, stats.write_char && stats.write_syscalls)
			TH_LOG("%s", name);
	}
	td_free_props(answer);
}

static void check_io(struct __test_metadata *_metadata,
		     FIXTURE_DATA(hidepid) *self)
{
	const bool may_trace = has_ptrace();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(people); i++)
		if (shown(self->pids[i]))
			expect_io(_metadata, &self->sock, TASK_DIAG_DUMP_ONE,
				  self->pids[i],
				  may_trace || reads_io(self->pids[i]),
				  people[i].name);
}

TEST_F(hidepid, io_is_reported_to_whom_procfs_shows_it)
{
	check_as(_metadata, self, variant, check_io);
}

static void check_myself(struct __test_metadata *_metadata,
			 FIXTURE_DATA(hidepid) *self)
{
	EXPECT_STREQ("", td_check_process(&self->sock, "/proc", getpid()));
}

/* Of the people that have not ended, or of all their threads */
static struct td_set living(const pid_t *pids, bool threads)
{
	struct td_set set = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(people); i++) {
		if (people[i].more == end)
			continue;
		if (threads)
			proc_add_tids("/proc", pids[i], &set);
		else
			td_set_add(&set, pids[i]);
	}
	td_set_sort(&set);
	return set;
}

/* Subscribes, and says which events came until the pipe is closed. */
static void check_events(struct __test_metadata *_metadata,
			 FIXTURE_DATA(hidepid) *self, int ready, int done,
			 bool threads)
{
	struct td_set asked = living(self->pids, threads), want = {}, told = {};
	const __u64 strategy = threads ? TASK_DIAG_DUMP_ALL_THREAD :
					 TASK_DIAG_DUMP_ALL;
	struct td_events seen = {};
	struct td_set shown;
	size_t i;
	char byte;

	ASSERT_EQ(0, td_subscribe(&self->sock, &seen, 1 << TASK_DIAG_EVENT_COMM,
				  strategy, TASK_DIAG_SHOW_BASE));
	td_must(write(ready, "", 1) == 1, "write");
	td_must(!read(done, &byte, 1), "read");
	td_drain(&self->sock, &seen);
	EXPECT_STREQ("", seen.broken.broken);
	for (i = 0; i < seen.nr; i++)
		td_set_add(&told, seen.list[i].pid);
	shown = threads ? proc_all_tids(HIDEPID) : proc_pids(HIDEPID);
	for (i = 0; i < asked.nr; i++)
		if (td_set_has(&shown, asked.pids[i]))
			td_set_add(&want, asked.pids[i]);
	td_set_sort(&told);
	EXPECT_STREQ("", td_set_diff(&want, &told));
}

static void let_all_tell(struct __test_metadata *_metadata,
			 FIXTURE_DATA(hidepid) *self,
			 const FIXTURE_VARIANT(hidepid) *variant, bool threads)
{
	struct td_set asked = living(self->pids, threads);
	int ready[2], done[2];
	pid_t child;
	size_t i;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(done));
	child = fork();
	if (!child) {
		close(done[1]);
		close(ready[0]);
		variant->become();
		td_must(!td_open(&self->sock), "td_open");
		check_events(_metadata, self, ready[1], done[0], threads);
		_exit(0);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	for (i = 0; i < asked.nr; i++) {
		ASSERT_EQ(0, syscall(SYS_tkill, asked.pids[i], SIGUSR1));
		ASSERT_EQ(1, read(told_fds[0], &byte, 1));
	}
	close(done[1]);
	EXPECT_EQ(0, td_wait(child));
	td_set_free(&asked);
}

TEST_F(hidepid, events_are_of_what_procfs_shows)
{
	let_all_tell(_metadata, self, variant, false);
}

TEST_F(hidepid, events_of_threads_are_of_what_procfs_shows)
{
	let_all_tell(_metadata, self, variant, true);
}

TEST_F(hidepid, caller_always_sees_itself)
{
	check_as(_metadata, self, variant, check_myself);
}

/* --- an ordinary user -------------------------------------------------- */

FIXTURE(alice)
{
	pid_t pids[ARRAY_SIZE(people)];
	struct td_sock sock;
};

FIXTURE_SETUP(alice)
{
	ASSERT_TRUE(td_private_tmp() && td_mount_hidepid());
	spawn_people(_metadata, self->pids);
}

FIXTURE_TEARDOWN(alice)
{
	td_kill_children();
}

/* In a child of the test; exits with it. */
static void alice_opens(struct td_sock *sock)
{
	td_become(TD_ALICE);
	td_must(!td_open(sock), "td_open");
	td_set_recv_size(sock, 4096);
}

/* What the other tests take procfs's word for */
TEST_F(alice, alice_sees_what_the_table_says)
{
	struct td_answer *answer;
	unsigned int i;
	pid_t child;

	child = fork();
	if (!child) {
		alice_opens(&self->sock);
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_ALL, 0, 0);
		EXPECT_STREQ("", td_whole(answer));
		for (i = 0; i < ARRAY_SIZE(people); i++)
			EXPECT_EQ(people[i].alice_sees,
				  td_count(answer, self->pids[i]))
				TH_LOG("%s", people[i].name);
		EXPECT_EQ(0, td_count(answer, 1));
		EXPECT_EQ(0, td_count(answer, getppid()));
		EXPECT_EQ(1, td_count(answer, getpid()));
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

static void *look_at_own_leader(void *metadata)
{
	struct __test_metadata *_metadata = metadata;
	const __u32 pid = getpid();
	struct td_sock sock;

	td_must(td_wait_state(pid, 0, 'Z'), "the leader to end");
	td_must(!td_open(&sock), "td_open");
	expect_io(_metadata, &sock, TASK_DIAG_DUMP_ONE, pid, reads_io(pid),
		  "the process");
	expect_io(_metadata, &sock, TASK_DIAG_DUMP_THREAD, pid, reads_io(pid),
		  "the leader");
	_exit(0);
}

/* ptrace_may_access() lets a thread see its leader, dumpable or not. */
TEST_F(alice, thread_sees_of_its_ended_leader_what_procfs_shows)
{
	int dumpable, null = open("/dev/null", O_WRONLY);
	pid_t child;

	for (dumpable = 0; dumpable < 2; dumpable++) {
		child = fork();
		if (!child) {
			td_become(TD_ALICE);
			td_must(!prctl(PR_SET_DUMPABLE, dumpable),
				"PR_SET_DUMPABLE");
			td_must(write(null, "", 1) == 1, "write");
			td_new_thread(look_at_own_leader, _metadata);
			syscall(SYS_exit, 0);
		}
		EXPECT_EQ(0, td_wait(child))
			TH_LOG("dumpable: %d", dumpable);
	}
	close(null);
}

TEST_F(alice, threads_of_others_are_hidden)
{
	struct td_answer *answer;
	struct td_set tids;
	unsigned int i, k;
	pid_t child;

	child = fork();
	if (!child) {
		alice_opens(&self->sock);
		answer = td_dump(&self->sock, TASK_DIAG_DUMP_ALL_THREAD, 0, 0);
		EXPECT_STREQ("", td_whole(answer));
		for (i = 0; i < ARRAY_SIZE(people); i++) {
			/* Two people have a thread: neither is to be seen. */
			tids = proc_tids("/proc", self->pids[i]);
			for (k = 0; k < tids.nr; k++)
				EXPECT_EQ(tids.pids[k] == self->pids[i] &&
					  people[i].alice_sees,
					  td_count(answer, tids.pids[k]))
					TH_LOG("%s", people[i].name);
			td_set_free(&tids);
		}
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* The message that refuses, without what the requester made different */
static size_t refusal(struct td_sock *sock, __u16 flags, __u64 strategy,
		      __u32 pid, char *bytes, size_t size)
{
	const size_t pid_pos = NLMSG_LENGTH(sizeof(struct nlmsgerr)) +
			       GENL_HDRLEN + NLA_HDRLEN +
			       offsetof(struct task_diag_pid, pid);
	struct td_answer *answer;
	struct nlmsghdr *nlh;
	size_t len;

	answer = td_get(sock, flags, strategy, TASK_DIAG_SHOW_BASE, pid);
	len = answer->end_len;
	if (answer->broken[0] || answer->error != ESRCH || len > size ||
	    answer->nr_datagrams != 1)
		len = 0;
	memset(bytes, 0, size);
	memcpy(bytes, answer->end, len);
	nlh = (void *)bytes;
	nlh->nlmsg_seq = 0;
	((struct nlmsgerr *)NLMSG_DATA(nlh))->msg.nlmsg_seq = 0;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		memset(bytes + pid_pos, 0, sizeof(pid));
	td_free(answer);
	return len;
}

static void expect_same_refusal(struct __test_metadata *_metadata,
				struct td_sock *sock, __u32 hidden)
{
	static const struct {
		__u16 flags;
		__u64 strategy;
	} ways[] = {
		{ 0, TASK_DIAG_DUMP_ONE },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ONE },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_THREAD },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_CHILDREN },
	};
	char missing_bytes[1024], hidden_bytes[1024];
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		len = refusal(sock, ways[i].flags, ways[i].strategy, TD_NO_PID,
			      missing_bytes, sizeof(missing_bytes));
		EXPECT_LT(NLMSG_LENGTH(sizeof(struct nlmsgerr)), len);
		EXPECT_EQ(len, refusal(sock, ways[i].flags, ways[i].strategy,
				       hidden, hidden_bytes,
				       sizeof(hidden_bytes)));
		EXPECT_EQ(0, memcmp(missing_bytes, hidden_bytes, len));
	}
}

TEST_F(alice, hidden_task_looks_like_a_missing_one)
{
	unsigned int i;
	pid_t child;
	int off = 0;

	child = fork();
	if (!child) {
		alice_opens(&self->sock);
		for (i = 0; i < ARRAY_SIZE(people); i++)
			if (!people[i].alice_sees)
				expect_same_refusal(_metadata, &self->sock,
						    self->pids[i]);
		expect_same_refusal(_metadata, &self->sock, 1);
		expect_same_refusal(_metadata, &self->sock, 2);

		/* With the request in the refusal */
		ASSERT_EQ(0, setsockopt(self->sock.fd, SOL_NETLINK,
					NETLINK_CAP_ACK, &off, sizeof(off)));
		expect_same_refusal(_metadata, &self->sock, 1);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* --- a crowd ----------------------------------------------------------- */

#define NR_CROWD	320

FIXTURE(crowd)
{
	struct td_sock sock;
	pid_t last;		/* alice's, forked after all the others */
	int tell, told;		/* makes her undumpable; she is */
};

FIXTURE_VARIANT(crowd)
{
	uid_t uid;
};

FIXTURE_VARIANT_ADD(crowd, of_root)
{
	.uid = 0,
};

FIXTURE_VARIANT_ADD(crowd, of_alice)
{
	.uid = TD_ALICE,
};

struct pipes {
	int tell[2], told[2];
};

static void hide_when_told(const void *arg)
{
	const struct pipes *pipes = arg;
	char byte;

	td_become(TD_ALICE);
	td_ready();
	td_must(read(pipes->tell[0], &byte, 1) == 1, "read");
	td_must(!prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
	td_must(write(pipes->told[1], "", 1) == 1, "write");
}

FIXTURE_SETUP(crowd)
{
	struct pipes pipes;
	unsigned int i;

	ASSERT_EQ(0, pipe(pipes.tell));
	ASSERT_EQ(0, pipe(pipes.told));
	self->tell = pipes.tell[1];
	self->told = pipes.told[0];
	for (i = 0; i < NR_CROWD; i++)
		ASSERT_LT(0, td_spawn(td_become_user, &variant->uid));
	self->last = td_spawn(hide_when_told, &pipes);
	ASSERT_LT(0, self->last);
}

FIXTURE_TEARDOWN(crowd)
{
	td_kill_children();
}

TEST_F(crowd, task_that_hides_during_the_dump_is_hidden)
{
	const size_t nr = variant->uid == TD_ALICE ? NR_CROWD : 0;
	struct td_answer *answer;
	pid_t child;
	char byte;

	child = fork();
	if (!child) {
		alice_opens(&self->sock);
		answer = td_new_answer();
		ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_ALL, 0));
		/* The kernel is one portion of the crowd ahead. */
		while (answer->nr_tasks < nr / 3)
			ASSERT_TRUE(td_recv(&self->sock, answer));
		ASSERT_EQ(1, write(self->tell, "", 1));
		ASSERT_EQ(1, read(self->told, &byte, 1));
		while (td_recv(&self->sock, answer))
			;
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_EQ(nr + 1, answer->nr_tasks);
		EXPECT_EQ(0, td_count(answer, self->last));
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
