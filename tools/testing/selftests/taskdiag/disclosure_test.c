// SPDX-License-Identifier: GPL-2.0
/*
 * What callers must not learn: of a set-uid program, of tasks that are not
 * dumpable, of what memory held before, of the answers to others, and of what a
 * sandbox keeps from them.
 *
 * Environment: TD_SECONDS, how long to race with exec (10).
 */
#include "lib/fixture_attack.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <linux/taskstats.h>
#include <net/if.h>
#include <sys/resource.h>

/* --- exec of a set-uid program in a loop ------------------------------- */

/*
 * Two processes of alice are in turn an ordinary program and a set-uid one; a
 * third makes children that become the latter. That one has its mark on all
 * that it is: name, path, arguments, environment, mappings, I/O.
 */
#define PUBLIC		"/tmp/public"
#define SECRET		"/tmp/s3cret"
#define MARK		"s3cret"
#define SECRET_AREA	0x5ec2e000UL
#define SECRET_WCHAR	0x40000000UL
#define EXEC_FD		100	/* gets a byte for each exec */

#define ALTERNATES	"alternates"
#define FORKS		"forks"

/*
 * The name of its file is no secret, and exec gives it to the task before the
 * credentials. The name that the program gives itself is one, but in BASE, which
 * is not checked again.
 */
#define MARKED_GROUPS	(BIT(CRED) | BIT(STAT) | BIT(NAME) | BIT(IO) | \
			 BIT(EXE) | BIT(CMDLINE) | BIT(ENVIRON) | BIT(VMA) | \
			 BIT(VMA_STAT) | BIT(MM_MAP))

static void sleep_a_little(void)
{
	usleep(random() % 2000);
}

static int run_public(char *role)
{
	char * const argv[] = { MARK "-argument", role, NULL };
	char * const envp[] = { MARK "=environment", NULL };
	bool forks = !strcmp(role, FORKS);

	srandom(getpid() + time(NULL));
	/* Else the I/O of its children would become its own. */
	signal(SIGCHLD, forks ? SIG_IGN : SIG_DFL);
	for (;;) {
		/* SIGPIPE ends it, with the test. */
		if (write(EXEC_FD, "", 1) < 0 && errno != EAGAIN)
			return KSFT_FAIL;
		sleep_a_little();
		if (!forks || !fork())
			break;
		waitpid(-1, NULL, 0);
	}
	execve(SECRET, argv, envp);
	return KSFT_FAIL;
}

static int run_secret(char *role)
{
	char * const argv[] = { "public", role, NULL };
	char * const envp[] = { NULL };
	char *area = mmap((void *)SECRET_AREA, 65536, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			  -1, 0);
	int fd = open("/dev/null", O_WRONLY);

	td_must(area != MAP_FAILED && fd >= 0, "secret");
	td_must(!prctl(PR_SET_NAME, MARK "-name"), "PR_SET_NAME");
	srandom(getpid());
	memcpy(area, MARK "-title", sizeof(MARK "-title"));
	td_must(!prctl(PR_SET_MM, PR_SET_MM_ARG_START, area, 0, 0), "ARG_START");
	td_must(!prctl(PR_SET_MM, PR_SET_MM_ARG_END, area + 64, 0, 0),
		"ARG_END");
	if (!strcmp(role, FORKS)) {
		/* Nobody reads these bytes. */
		td_must(write(fd, area, SECRET_WCHAR) > 0, "write");
		sleep_a_little();
		return KSFT_PASS;
	}
	close(fd);
	sleep_a_little();
	td_must(!setresuid(TD_ALICE, TD_ALICE, TD_ALICE), "setresuid");
	execve(PUBLIC, argv, envp);
	return KSFT_FAIL;
}

struct victim {
	char *role;
	int exec_fd;
};

static void become_victim(const void *arg)
{
	const struct victim *victim = arg;
	char * const argv[] = { "public", victim->role, NULL };
	char * const envp[] = { NULL };

	/* There are more requesters, which must not keep it from running. */
	td_must(!setpriority(PRIO_PROCESS, 0, -10), "setpriority");
	td_become(TD_ALICE);
	td_must(dup2(victim->exec_fd, EXEC_FD) == EXEC_FD, "dup2");
	td_ready();
	execve(PUBLIC, argv, envp);
	td_must(false, PUBLIC);
}

static bool is_alices(const struct td_group *group)
{
	struct task_diag_cred cred;

	memcpy(&cred, group->data, sizeof(cred));
	return cred.uid == TD_ALICE && cred.euid == TD_ALICE &&
	       cred.suid == TD_ALICE && cred.fsuid == TD_ALICE &&
	       cred.gid == TD_ALICE && cred.egid == TD_ALICE &&
	       cred.sgid == TD_ALICE && cred.fsgid == TD_ALICE &&
	       !cred.cap_permitted && !cred.cap_effective;
}

static bool in_secret_area(__u64 address)
{
	return address >= SECRET_AREA && address < SECRET_AREA + 65536;
}

/* Groups that disclose what only the set-uid program has */
static __u64 secrets_of(const struct td_props *task)
{
	const struct td_group *groups = task->groups;
	struct task_diag_vma_stat vma;
	struct task_diag_mm_map map;
	struct task_diag_io io;
	struct taskstats stat;
	const char *mark;
	__u64 found = 0;
	unsigned int i;

	for (i = 0; i < TD_MAX_GROUPS; i++) {
		mark = (BIT(NAME) | BIT(STAT)) >> i & 1 ? MARK "-name" : MARK;
		if (i != TASK_DIAG_BASE &&
		    memmem(groups[i].data, groups[i].len, mark, strlen(mark)))
			found |= 1ULL << i;
	}

	if (task->has & BIT(CRED) && !is_alices(&groups[TASK_DIAG_CRED]))
		found |= BIT(CRED);
	if (task->has & BIT(STAT)) {
		memcpy(&stat, groups[TASK_DIAG_STAT].data, sizeof(stat));
		if (stat.ac_uid != TD_ALICE || stat.write_char >= SECRET_WCHAR)
			found |= BIT(STAT);
	}
	if (task->has & BIT(IO)) {
		memcpy(&io, groups[TASK_DIAG_IO].data, sizeof(io));
		if (io.wchar >= SECRET_WCHAR)
			found |= BIT(IO);
	}
	if (task->has & BIT(MM_MAP)) {
		memcpy(&map, groups[TASK_DIAG_MM_MAP].data, sizeof(map));
		if (in_secret_area(map.arg_start))
			found |= BIT(MM_MAP);
	}
	for (i = 0; i < groups[TASK_DIAG_VMA_STAT].nr_parts; i++) {
		td_copy_part(&groups[TASK_DIAG_VMA_STAT], i, &vma, sizeof(vma));
		if (in_secret_area(vma.start))
			found |= BIT(VMA_STAT);
	}
	return found;
}

static struct td_props_answer *ask_as_alice(struct td_sock *sock,
					    const struct td_race *race,
					    unsigned int round)
{
	const __u64 strategy = round % (TASK_DIAG_DUMP_MAX + 1);
	__u32 pid = race->victims[round / 5 % ARRAY_SIZE(race->victims)];

	if (strategy == TASK_DIAG_DUMP_CHILDREN)
		pid = race->forks;
	if (strategy == TASK_DIAG_DUMP_ONE && round / 10 % 2)
		return td_get_props(sock, 0, strategy,
				    race->groups & ~TD_LONG_GROUPS, pid);
	return td_get_props(sock, NLM_F_DUMP, strategy, race->groups, pid);
}

/* The credentials in the answer, if it has them, are alice's. */
static void check_credentials(const void *answer)
{
	const struct nlattr *attr = NLMSG_DATA(answer) + GENL_HDRLEN +
				    NLA_HDRLEN + sizeof(__u32);
	const struct td_group group = { .data = (char *)attr + NLA_HDRLEN };
	const struct nlmsghdr *nlh = answer;

	if (nlh->nlmsg_type == NLMSG_ERROR || attr->nla_type != TASK_DIAG_CRED ||
	    is_alices(&group))
		return;
	fprintf(stderr, "# an answer has other credentials\n");
	_exit(KSFT_FAIL);
}

/* The kernel is busy with little else than these when a victim calls exec. */
static void ask_for_credentials(struct td_race *race, struct td_sock *sock)
{
	static struct td_flood flood;
	char answer[256];
	unsigned int round;

	for (round = 0; td_goes_on(race); round++) {
		td_make_flood(sock, &flood, 64, 0, BIT(CRED),
			      race->victims[round % ARRAY_SIZE(race->victims)]);
		td_must(td_send_flood(sock, &flood), "send");
		while (recv(sock->fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
			check_credentials(answer);
	}
}

TEST_F_TIMEOUT(attack, exec_shows_nothing_of_a_set_uid_program, TD_FOREVER_S)
{
	struct victim victim = { .role = ALTERNATES };
	struct td_race *race = td_new_race(&victim.exec_fd);
	unsigned int i;

	td_copy_program(PUBLIC, 0755);
	td_copy_program(SECRET, 04755);
	for (i = 0; i < ARRAY_SIZE(race->victims); i++) {
		race->victims[i] = td_spawn(become_victim, &victim);
		ASSERT_LT(0, (pid_t)race->victims[i]);
	}
	victim.role = FORKS;
	race->forks = td_spawn(become_victim, &victim);
	ASSERT_LT(0, (pid_t)race->forks);

	race->enough_execs = 10;
	race->groups = self->groups;
	race->wanted = self->groups & MARKED_GROUPS;
	race->ask = ask_as_alice;
	race->secrets_of = secrets_of;
	race->flood = ask_for_credentials;
	EXPECT_STREQ("", td_run_race(race, td_env_number("TD_SECONDS", 10)));
}

/* --- tasks that are not dumpable --------------------------------------- */

static void show(const void *unused)
{
	td_become(TD_ALICE);
}

static void hide(const void *unused)
{
	td_become(TD_ALICE);
	td_must(!prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
}

/* Not dumpable because of what it has been */
static void stop_being_root(const void *unused)
{
	td_must(!setresgid(TD_ALICE, TD_ALICE, TD_ALICE), "setresgid");
	td_must(!setresuid(TD_ALICE, TD_ALICE, TD_ALICE), "setresuid");
}

/* A zombie that leads a thread with the memory */
static void hide_behind_leader(const void *unused)
{
	static const unsigned int nr_threads = 1;

	hide(NULL);
	td_start_threads(&nr_threads);
	td_ready();
	syscall(SYS_exit, 0);
}

static void hide_real_root(const void *unused)
{
	td_must(!setresuid(0, TD_ALICE, TD_ALICE), "setresuid");
}

static const struct person {
	const char *name;
	void (*setup)(const void *arg);
	bool shown;
} people[] = {
	{ "undumpable", hide, false },
	{ "was root", stop_being_root, false },
	{ "leader that ended", hide_behind_leader, false },
	{ "really root", hide_real_root, false },
	{ "dumpable", show, true },
};

/* What alice sees is what procfs shows her, and what the table says. */
static void expect_hidden(struct __test_metadata *_metadata,
			  struct td_sock *sock, __u64 groups, const pid_t *pids)
{
	struct td_props_answer *answer;
	unsigned int i;

	EXPECT_STREQ("", td_check_all(sock, HIDEPID, TASK_DIAG_DUMP_ALL));
	EXPECT_STREQ("", td_check_all(sock, HIDEPID,
				      TASK_DIAG_DUMP_ALL_THREAD));
	answer = td_get_props(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL, groups, 0);
	EXPECT_STREQ("", td_props_whole(answer));
	for (i = 0; i < ARRAY_SIZE(people); i++)
		EXPECT_EQ(people[i].shown, !!td_find_props(answer, pids[i]))
			TH_LOG("%s", people[i].name ?: "");
	td_free_props(answer);
	for (i = 0; i < ARRAY_SIZE(people); i++) {
		answer = td_get_props(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
				      groups, pids[i]);
		EXPECT_EQ(people[i].shown ? 0 : ESRCH, answer->rest->error)
			TH_LOG("%s", people[i].name ?: "");
		EXPECT_EQ(people[i].shown, answer->nr_tasks);
		td_free_props(answer);
	}
}

/* Before and after they become zombies, which have no memory to check. */
TEST_F(attack, undumpable_tasks_are_hidden)
{
	pid_t pids[ARRAY_SIZE(people)], child;
	struct td_sock sock;
	int ask[2], go[2];
	unsigned int i;
	char byte;

	ASSERT_TRUE(td_mount_hidepid());
	for (i = 0; i < ARRAY_SIZE(people); i++) {
		pids[i] = td_spawn(people[i].setup, NULL);
		ASSERT_LT(0, pids[i]);
		if (people[i].setup == hide_behind_leader)
			ASSERT_TRUE(td_wait_state(pids[i], 0, 'Z'));
	}
	ASSERT_EQ(0, pipe(ask));
	ASSERT_EQ(0, pipe(go));
	child = fork();
	if (!child) {
		td_become(TD_ALICE);
		td_must(!td_open(&sock), "td_open");
		expect_hidden(_metadata, &sock, self->groups, pids);
		td_must(write(ask[1], "", 1) == 1, "write");
		td_must(read(go[0], &byte, 1) == 1, "read");
		expect_hidden(_metadata, &sock, self->groups, pids);
		_exit(0);
	}
	ASSERT_EQ(1, read(ask[0], &byte, 1));
	for (i = 0; i < ARRAY_SIZE(people); i++) {
		ASSERT_EQ(0, kill(pids[i], SIGKILL));
		ASSERT_TRUE(td_wait_state(pids[i], 0, 'Z'));
	}
	ASSERT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(0, td_wait(child));
}

/* --- memory that was something else before ----------------------------- */

/*
 * Bytes that have no meaning. They disclose something only of a kernel that leaves
 * in memory what was there before: boot with "slub_debug=P init_on_alloc=0"
 * for a byte that was not written to have a value other than zero. Small
 * datagrams come from slabs, large ones do not.
 */
struct unused {
	const char *name;
	unsigned int attr;
	size_t start, end;
	size_t size;		/* of an element */
};

/* Of a struct's member, which comes last, as offsetof() has it */
#define END_OF(type, ...) \
	(offsetof(struct type, __VA_ARGS__) + \
	 sizeof(((struct type *)NULL)->__VA_ARGS__))
#define PAD(group, type, ...)						\
	{								\
		.name = #group "." #__VA_ARGS__,			\
		.attr = TASK_DIAG_##group,				\
		.start = offsetof(struct type, __VA_ARGS__),		\
		.end = END_OF(type, __VA_ARGS__),			\
	}
#define HOLE(group, type, after, ...)					\
	{								\
		.name = #group " after " #__VA_ARGS__,			\
		.attr = TASK_DIAG_##group,				\
		.start = END_OF(type, __VA_ARGS__),			\
		.end = offsetof(struct type, after),			\
	}

static const struct unused unused[] = {
	PAD(BASE, task_diag_base, pad),
	PAD(BASE, task_diag_base, pad2),
	PAD(CRED, task_diag_cred, pad),
	PAD(SCHED, task_diag_sched, pad),
	PAD(NS, task_diag_ns, pad),
	PAD(LIMITS, task_diag_limit, pad),
	PAD(CGROUP, task_diag_cgroup, pad),
	PAD(VMA, task_diag_vma, pad),
	PAD(FD, task_diag_fd, pad),
	PAD(FILES, task_diag_file, pad),
	PAD(AUTOGROUP, task_diag_autogroup, pad),
	PAD(IOPRIO, task_diag_ioprio, pad),
	PAD(MM_MAP, task_diag_mm_map, pad),
	HOLE(STAT, taskstats, ac_exitcode, version),
	HOLE(STAT, taskstats, cpu_count, ac_nice),
	PAD(STAT, taskstats, ac_pad),
	HOLE(STAT, taskstats, ac_uid, ac_pad),
	HOLE(STAT, taskstats, ac_etime, ac_btime),
	HOLE(STAT, taskstats, ac_tgetime, ac_tgid),
};

/* Text that is filled up with zeroes */
#define TEXT	PAD

static const struct unused texts[] = {
	TEXT(BASE, task_diag_base, comm),
	TEXT(STAT, taskstats, ac_comm),
};

/* Says what of the group is not zero. */
static const char *not_zero(const struct td_props *task,
			    const struct unused *what, bool text)
{
	const struct td_group *group = &task->groups[what->attr];
	static char diff[200];
	unsigned int part;
	char *data;
	size_t i;

	for (part = 0; part < group->nr_parts; part++) {
		data = group->data + group->parts[part];
		i = what->start;
		while (text && i < what->end && data[i])
			i++;
		for (; i < what->end; i++) {
			if (!data[i])
				continue;
			snprintf(diff, sizeof(diff), "%u: %s has 0x%02x at %zu",
				 task->pid, what->name, (__u8)data[i], i);
			return diff;
		}
	}
	return "";
}

static const char *props_not_zero(const struct td_props *task)
{
	const char *diff = "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unused) && !diff[0]; i++)
		diff = not_zero(task, &unused[i], false);
	for (i = 0; i < ARRAY_SIZE(texts) && !diff[0]; i++)
		diff = not_zero(task, &texts[i], true);
	return diff;
}

/* td_get_props() looks at the padding of attributes. */
static void expect_zeroes(struct __test_metadata *_metadata,
			  struct td_props_answer *answer)
{
	size_t i;

	EXPECT_STREQ("", td_props_whole(answer));
	EXPECT_LT(0, answer->nr_tasks);
	for (i = 0; i < answer->nr_tasks; i++)
		EXPECT_STREQ("", props_not_zero(&answer->tasks[i]));
	td_free_props(answer);
}

/* Any length of a name gets its padding. */
TEST_F_TIMEOUT(attack, answers_have_nothing_that_memory_held_before, 300)
{
	static const char * const names[] = { "a", "ab", "abc", "abcd" };
	static const size_t sizes[] = { 4096, 8192, 32768 };
	struct td_sock sock;
	__u64 strategy;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, td_open(&sock));
		td_set_recv_size(&sock, sizes[i]);
		for (strategy = 0; strategy <= TASK_DIAG_DUMP_MAX; strategy++)
			expect_zeroes(_metadata,
				      td_get_props(&sock, NLM_F_DUMP, strategy,
						   self->groups, getppid()));
		td_close(&sock);
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		pid = td_spawn(td_set_name, names[i]);
		ASSERT_LT(0, pid);
		expect_zeroes(_metadata,
			      td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
					   self->groups & ~TD_LONG_GROUPS, pid));
	}
}

/* --- sandboxes --------------------------------------------------------- */

/*
 * Alice outside of the requester's sandbox, its child in it, and a child that
 * entered another sandbox below.
 */
FIXTURE(sandbox)
{
	pid_t outside;
};

FIXTURE_VARIANT(sandbox)
{
	void (*enter)(void);
	bool sees_outside;
	bool landlock;
};

static void filter_system_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = ARRAY_SIZE(filter),
		.filter = filter,
	};

	td_gain_nothing();
	td_must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), "SECCOMP");
}

static void enter_two_landlocks(void)
{
	td_enter_landlock();
	td_enter_landlock();
}

static void enter_user_namespace(void)
{
	td_unshare_user(0);
}

static void enter_network_too(void)
{
	td_unshare_user(CLONE_NEWNET);
}

FIXTURE_VARIANT_ADD(sandbox, of_no_new_privs)
{
	.enter = td_gain_nothing,
	.sees_outside = true,
};

FIXTURE_VARIANT_ADD(sandbox, of_seccomp)
{
	.enter = filter_system_calls,
	.sees_outside = true,
};

FIXTURE_VARIANT_ADD(sandbox, of_landlock)
{
	.enter = td_enter_landlock,
	.landlock = true,
};

FIXTURE_VARIANT_ADD(sandbox, of_two_landlocks)
{
	.enter = enter_two_landlocks,
	.landlock = true,
};

FIXTURE_VARIANT_ADD(sandbox, of_user_namespace)
{
	.enter = enter_user_namespace,
};

FIXTURE_VARIANT_ADD(sandbox, of_user_and_network_namespace)
{
	.enter = enter_network_too,
};

FIXTURE_SETUP(sandbox)
{
	static const uid_t alice = TD_ALICE;

	if (variant->landlock && !td_has_landlock())
		SKIP(return, "landlock is off: %s", strerror(errno));
	ASSERT_TRUE(td_private_tmp());
	ASSERT_TRUE(td_mount_hidepid());
	self->outside = td_spawn(td_become_user, &alice);
	ASSERT_LT(0, self->outside);
}

FIXTURE_TEARDOWN(sandbox)
{
	td_kill_children();
}

static void enter_once_more(const void *enter)
{
	void (*const *fn)(void) = enter;

	(*fn)();
}

static void ask_in_sandbox(struct __test_metadata *_metadata,
			   FIXTURE_DATA(sandbox) *self,
			   const FIXTURE_VARIANT(sandbox) *variant)
{
	struct td_props_answer *answer;
	struct td_sock sock;
	pid_t inside, below;

	inside = td_spawn(NULL, NULL);
	below = td_spawn(enter_once_more, &variant->enter);
	td_must(inside > 0 && below > 0, "td_spawn");
	td_must(!td_open(&sock), "td_open");
	EXPECT_STREQ("", td_check_all(&sock, HIDEPID, TASK_DIAG_DUMP_ALL));
	EXPECT_STREQ("", td_check_all(&sock, HIDEPID,
				      TASK_DIAG_DUMP_ALL_THREAD));
	answer = td_get_props(&sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL,
			      td_all_groups(&sock), 0);
	EXPECT_STREQ("", td_props_whole(answer));
	EXPECT_NE(NULL, td_find_props(answer, getpid()));
	EXPECT_NE(NULL, td_find_props(answer, inside));
	EXPECT_NE(NULL, td_find_props(answer, below));
	EXPECT_EQ(variant->sees_outside,
		  !!td_find_props(answer, self->outside));
	EXPECT_EQ(NULL, td_find_props(answer, getppid()));
	td_free_props(answer);

	answer = td_get_props(&sock, 0, TASK_DIAG_DUMP_ONE, BIT(CRED),
			      self->outside);
	EXPECT_EQ(variant->sees_outside ? 0 : ESRCH, answer->rest->error);
	td_free_props(answer);
	td_kill_children();
}

TEST_F(sandbox, sandbox_keeps_its_requester_inside)
{
	pid_t child = fork();

	if (!child) {
		/* The fixture's children are not this one's to end. */
		td_set_free(&td_children);
		td_become(TD_ALICE);
		variant->enter();
		ask_in_sandbox(_metadata, self, variant);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* --- netlink messages are sniffed --------------------------------------- */

#define SNIFFER		"sniffer"

/* What an nlmon device showed */
struct sniffed {
	unsigned int nr_requests;	/* to task_diag */
	unsigned int nr_answers;	/* of task_diag */
	unsigned int nr_ends;		/* NLMSG_DONE or NLMSG_ERROR */
	unsigned int nr_others;		/* answers of another family */
};

FIXTURE(sniffer)
{
	pid_t pid;
	int ask, tell;		/* pipes to it */
};

FIXTURE_VARIANT(sniffer)
{
	void (*become)(void);
};

static void own_network(void)
{
	td_become(TD_ALICE);
	td_unshare_user(CLONE_NEWNET);
}

/* In the requester's network namespace, with these two capabilities alone */
static void keep_network_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {};

	td_must(!prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
	td_become(65534);
	data[0].permitted = 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW;
	data[0].effective = data[0].permitted;
	td_must(!syscall(SYS_capset, &header, data), "capset");
}

FIXTURE_VARIANT_ADD(sniffer, that_owns_the_network)
{
	.become = own_network,
};

FIXTURE_VARIANT_ADD(sniffer, with_network_capabilities)
{
	.become = keep_network_capabilities,
};

/* One that shows all netlink messages of the network namespace */
static void make_nlmon(void)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg info;
		struct nlattr name;
		char name_text[8];
		struct nlattr link;
		struct nlattr kind;
		char kind_text[8];
	} msg = {
		.nlh = {
			.nlmsg_len = sizeof(msg),
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
				       NLM_F_CREATE | NLM_F_EXCL,
		},
		.info = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
		.name = { NLA_HDRLEN + 8, IFLA_IFNAME },
		.name_text = SNIFFER,
		.link = { 2 * NLA_HDRLEN + 8, IFLA_LINKINFO },
		.kind = { NLA_HDRLEN + 6, IFLA_INFO_KIND },
		.kind_text = "nlmon",
	};
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
		char rest[512];
	} ack;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	td_must(fd >= 0 && send(fd, &msg, sizeof(msg), 0) == sizeof(msg) &&
		recv(fd, &ack, sizeof(ack), 0) > 0, "rtnetlink");
	errno = -ack.err.error;
	td_must(!errno, "nlmon");
	close(fd);
}

static int open_sniffer(void)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(SNIFFER),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	td_must(fd >= 0 && !bind(fd, (void *)&addr, sizeof(addr)), "AF_PACKET");
	return fd;
}

static struct sniffed sniff(int fd, int family)
{
	struct sniffed sniffed = {};
	const struct nlmsghdr *nlh;
	static char buf[65536];
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		for (nlh = (void *)buf; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_ERROR ||
			    nlh->nlmsg_type == NLMSG_DONE)
				sniffed.nr_ends++;
			else if (nlh->nlmsg_type != family)
				sniffed.nr_others +=
					!(nlh->nlmsg_flags & NLM_F_REQUEST);
			else if (nlh->nlmsg_flags & NLM_F_REQUEST)
				sniffed.nr_requests++;
			else
				sniffed.nr_answers++;
		}
	}
	return sniffed;
}

struct sniffer {
	int ask, tell;
	void (*become)(void);
};

/* Writes what was sniffed, once for each byte that it reads. */
static void start_sniffer(const void *arg)
{
	const struct sniffer *sniffer = arg;
	struct sniffed sniffed;
	struct td_sock sock;
	char byte;
	int fd;

	sniffer->become();
	make_nlmon();
	fd = open_sniffer();
	td_must(!td_open(&sock), "td_open");
	sniff(fd, sock.family);
	td_ready();
	for (;;) {
		td_must(read(sniffer->ask, &byte, 1) == 1, "read");
		sniffed = sniff(fd, sock.family);
		td_must(write(sniffer->tell, &sniffed, sizeof(sniffed)) ==
			sizeof(sniffed), "write");
	}
}

FIXTURE_SETUP(sniffer)
{
	struct sniffer sniffer = { .become = variant->become };
	int ask[2], tell[2];
	char path[64];
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, pipe(ask));
	ASSERT_EQ(0, pipe(tell));
	sniffer.ask = ask[0];
	sniffer.tell = tell[1];
	self->ask = ask[1];
	self->tell = tell[0];
	self->pid = td_spawn(start_sniffer, &sniffer);
	ASSERT_LT(0, self->pid);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", self->pid);
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, setns(fd, CLONE_NEWNET));
	close(fd);
}

FIXTURE_TEARDOWN(sniffer)
{
	td_kill_children();
}

static struct sniffed ask_sniffer(FIXTURE_DATA(sniffer) *self)
{
	struct sniffed sniffed = {};

	td_must(write(self->ask, "", 1) == 1, "write");
	td_must(read(self->tell, &sniffed, sizeof(sniffed)) == sizeof(sniffed),
		"read");
	return sniffed;
}

TEST_F(sniffer, sniffer_sees_no_answer)
{
	const __u64 groups = BIT(BASE);
	const __u32 missing = 0x7ffffff0;
	struct td_events seen = {};
	struct td_answer *answer;
	struct sniffed sniffed;
	struct td_sock sock;
	struct td_msg msg;
	unsigned int i;
	pid_t pid;

	ASSERT_EQ(0, td_open(&sock));
	td_set_recv_size(&sock, 4096);
	for (i = 0; i <= TASK_DIAG_DUMP_MAX; i++) {
		answer = td_dump(&sock, i, groups, 0);
		EXPECT_STREQ("", answer->broken);
		EXPECT_EQ(0, answer->error);
		td_free(answer);
	}
	answer = td_get(&sock, 0, TASK_DIAG_DUMP_ONE, groups, 0);
	EXPECT_EQ(1, answer->nr_tasks);
	td_free(answer);
	td_request(&sock, &msg, TASK_DIAG_CMD_HEADER, 0);
	answer = td_exchange(&sock, &msg);
	EXPECT_TRUE(answer->has_header);
	td_free(answer);
	for (; i <= TASK_DIAG_DUMP_MAX + 2; i++) {
		answer = td_get(&sock, i & 1 ? NLM_F_DUMP : 0,
				TASK_DIAG_DUMP_ONE, groups, missing);
		EXPECT_EQ(ESRCH, answer->error);
		td_free(answer);
	}
	EXPECT_EQ(0, td_subscribe(&sock, &seen, TD_ALL_EVENTS,
				  TASK_DIAG_DUMP_ALL, groups));
	pid = fork();
	if (!pid)
		_exit(0);
	EXPECT_EQ(0, td_wait(pid));
	td_drain(&sock, &seen);
	EXPECT_STREQ("fork,exit", td_story(&seen, pid));
	td_free_events(&seen);

	sniffed = ask_sniffer(self);
	EXPECT_EQ(i + 3, sniffed.nr_requests);
	EXPECT_EQ(0, sniffed.nr_answers);
	EXPECT_EQ(0, sniffed.nr_ends);
	/* The sniffer works: it saw the answer with the family's id. */
	EXPECT_EQ(1, sniffed.nr_others);
	td_close(&sock);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[0], "public"))
		return run_public(argv[1]);
	if (argc == 2 && !strcmp(argv[0], MARK "-argument"))
		return run_secret(argv[1]);
	return td_main(argc, argv);
}
