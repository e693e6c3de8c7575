// SPDX-License-Identifier: GPL-2.0
/*
 * Many concurrent dumps while tasks are forked and end, change programs, mappings
 * and namespaces, and memory is short. Reports of the kernel are in its log; this
 * test checks that no answer is malformed, lacks a task that is there, or has one
 * that is hidden.
 *
 * Environment: TD_SECONDS, for how long (5); TD_THREADS, how many threads dump in
 * each of 4 processes (16).
 */
#include "lib/harness.h"

#include <assert.h>
#include <sys/resource.h>

#define NR_DUMPERS	4	/* processes, every other one an ordinary user's */
#define NR_STILL	8	/* tasks of each user that stay as they are */
#define LIMIT		"25165824"	/* bytes of memory for half of them */
#define BALLAST		(32 << 20)	/* bytes that one of those touches */
#define SWAP		(64 << 20)
#define CGROUP		"/sys/fs/cgroup/taskdiag_stress"
#define FOREVER_S	3600	/* of the harness, for tests of any length */
#define PATIENCE_S	600	/* for a slow machine to have done all at least once */

struct stress {
	double		deadline;
	__u64		groups;
	__u32		still[2][NR_STILL];	/* root's, the user's */
	unsigned long	nr_whole, nr_dropped, nr_tasks, nr_busy;
	unsigned long	nr_no_memory;
	unsigned long	rounds[8];		/* of each storm */
	char		wrong[200];
};

static struct stress *stress;

static void count(unsigned long *counter, unsigned long by)
{
	__atomic_add_fetch(counter, by, __ATOMIC_RELAXED);
}

/* --- storms ------------------------------------------------------------ */

/* A child that does what @fn does and exits. */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void fork_and_exit(void)
{
	pid_t pids[8];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(0);
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		if (pids[i] > 0)
			waitpid(pids[i], NULL, 0);
}

static void *exec_in_thread(void *unused)
{
	execl("/bin/true", "true", NULL);
	_exit(1);
	return unused;
}

/* The threads end, and the one that called exec becomes the leader. */
static void become_program(void)
{
	const unsigned int nr = 3;
	pthread_t thread;

	td_start_threads(&nr);
	if (!pthread_create(&thread, NULL, exec_in_thread, NULL))
		pthread_join(thread, NULL);
}

static void exec_from_thread(void)
{
	in_child(become_program);
}

static void map_and_unmap(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	static char *areas[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(areas); i++) {
		areas[i] = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (areas[i] == MAP_FAILED)
			continue;
		areas[i][0] = 1;
		/* In three mappings now */
		mprotect(areas[i] + page, page, PROT_READ);
	}
	for (i = 0; i < ARRAY_SIZE(areas); i++)
		if (areas[i] != MAP_FAILED)
			munmap(areas[i], 4 * page);
}

/* The first child is the namespace's init, which waits for all others in it. */
static void enter_namespaces(void)
{
	if (!unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS |
		     CLONE_NEWIPC | CLONE_NEWCGROUP))
		in_child(fork_and_exit);
}

static void make_namespaces(void)
{
	in_child(enter_namespaces);
}

static void make_network_namespace(void)
{
	if (unshare(CLONE_NEWNET))
		usleep(1000);
}

static void enter_network_namespace(void)
{
	in_child(make_network_namespace);
}

static void change_names_and_ids(void)
{
	setpgid(0, 0);
	prctl(PR_SET_NAME, "one-name-or");
	prctl(PR_SET_NAME, "quite-another");
	setresuid(0, TD_ALICE, 0);
	setresuid(0, 0, 0);
	setsid();
}

static void change_self(void)
{
	in_child(change_names_and_ids);
}

static void touch_memory(void)
{
	static char *area;
	static size_t pos;
	unsigned int i;

	if (!area) {
		td_must(td_write_file(CGROUP "/cgroup.procs", "0"), "cgroup.procs");
		area = mmap(NULL, BALLAST, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		td_must(area != MAP_FAILED, "mmap");
	}
	for (i = 0; i < 256; i++, pos = (pos + 4096) % BALLAST)
		area[pos]++;
}

static const struct storm {
	const char *name;
	void (*fn)(void);
} storms[] = {
	{ "fork and exit", fork_and_exit },
	{ "exec from a thread", exec_from_thread },
	{ "map and unmap", map_and_unmap },
	{ "namespaces", make_namespaces },
	{ "network namespaces", enter_network_namespace },
	{ "names and ids", change_self },
	{ "memory", touch_memory },
};

static_assert(ARRAY_SIZE(storms) <= ARRAY_SIZE(((struct stress *)0)->rounds),
	      "each has its counter");

static void blow(const void *arg)
{
	const struct storm *storm = arg;

	/* As much time as all the dumpers have together */
	td_must(!setpriority(PRIO_PROCESS, 0, -15), "setpriority");
	td_ready();
	for (;;) {
		storm->fn();
		count(&stress->rounds[storm - storms], 1);
	}
}

/* --- dumpers ----------------------------------------------------------- */

struct dumper {
	unsigned int	nr;
	unsigned int	nr_threads;
	bool		user;		/* an ordinary one, to whom root's tasks are hidden */
	bool		poor;		/* of memory */
};

static __printf(1, 2) void wrong(const char *format, ...)
{
	va_list args;

	/* The first one to come by */
	if (__atomic_exchange_n(&stress->wrong[0], '!', __ATOMIC_RELAXED))
		return;
	va_start(args, format);
	vsnprintf(stress->wrong + 1, sizeof(stress->wrong) - 1, format, args);
	va_end(args);
}

static const char *check_hidden(const struct td_props_answer *answer)
{
	const struct task_diag_cred *cred;
	const struct td_props *task;
	unsigned int i;
	size_t nr;

	for (i = 0; i < NR_STILL; i++)
		if (td_find_props(answer, stress->still[0][i]))
			return "a task of root's that the user may not see";
	for (nr = 0; nr < answer->nr_tasks; nr++) {
		task = &answer->tasks[nr];
		if (!(task->has & TASK_DIAG_SHOW_CRED))
			continue;
		cred = (void *)task->groups[TASK_DIAG_CRED].data;
		if (cred->uid != TD_ALICE || cred->euid != TD_ALICE ||
		    cred->suid != TD_ALICE)
			return "the credentials of somebody else";
	}
	return "";
}

static const char *check_still(const struct td_props_answer *answer, bool user)
{
	unsigned int i;
	size_t nr, seen;

	for (i = 0; i < NR_STILL; i++) {
		seen = 0;
		for (nr = 0; nr < answer->nr_tasks; nr++)
			seen += answer->tasks[nr].pid == stress->still[user][i];
		if (seen != 1)
			return seen ? "a task twice" : "a task is missing";
	}
	return "";
}

static void judge(const struct dumper *dumper, const struct td_props_answer *answer,
		  const struct task_diag_pid *req)
{
	const struct td_answer *rest = answer->rest;
	const char *what = rest->broken;
	size_t nr;

	if (dumper->poor && (strstr(what, "Cannot allocate memory") ||
			     strstr(what, "No buffer space") ||
			     rest->error == ENOMEM)) {
		count(&stress->nr_no_memory, 1);
		return;
	}
	if (!what[0] && dumper->user)
		what = check_hidden(answer);
	if (!what[0] && rest->error && (rest->error != ESRCH || !req->pid))
		what = "an error";
	if (!what[0] && !rest->error && req->dump_strategy != TASK_DIAG_DUMP_ONE &&
	    !req->pid)
		what = check_still(answer, dumper->user);
	if (what[0])
		wrong("%s: %s; error %d (%s), strategy %llu, pid %u, flags %llx",
		      dumper->user ? "user" : "root", what, rest->error, rest->text,
		      (unsigned long long)req->dump_strategy, req->pid,
		      (unsigned long long)req->show_flags);
	count(&stress->nr_whole, 1);
	count(&stress->nr_tasks, answer->nr_tasks);
	for (nr = 0; nr < answer->nr_tasks; nr++)
		count(&stress->nr_busy, !!answer->tasks[nr].failed);
}

/* A pid that may well be some task's of the storms */
static __u32 any_pid(unsigned int *seed)
{
	return stress->still[1][NR_STILL - 1] + rand_r(seed) % 3000;
}

/* With all below it: another walk over the same tasks, zombies aside */
static void select_root_cgroup(struct td_msg *msg)
{
	const __u64 id = 1;

	td_put(msg, TASK_DIAG_SELECT_CGROUP, &id, sizeof(id));
	td_put(msg, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0);
}

static void dump_once(const struct dumper *dumper, unsigned int *seed)
{
	struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_CRED,
		.dump_strategy = rand_r(seed) % (TASK_DIAG_DUMP_MAX + 1),
	};
	struct td_props_answer *answer;
	unsigned int left = ~0U;
	struct td_sock sock;
	struct td_msg msg;

	/* All groups of all tasks now and then, as that takes its time */
	if (!(rand_r(seed) % 8))
		req.show_flags |= stress->groups;
	else
		req.show_flags |= (((__u64)rand_r(seed) << 31) | rand_r(seed)) &
				  stress->groups;
	if (req.dump_strategy != TASK_DIAG_DUMP_ALL &&
	    req.dump_strategy != TASK_DIAG_DUMP_ALL_THREAD)
		req.pid = any_pid(seed);
	if (req.show_flags & TASK_DIAG_SHOW_FILES)
		req.flags |= TASK_DIAG_FILE_PATHS;
	if (req.show_flags & TASK_DIAG_SHOW_FD && rand_r(seed) % 2)
		req.flags |= TASK_DIAG_FD_KINDS;
	if (!(rand_r(seed) % 3))
		left = rand_r(seed) % 4;

	if (td_open(&sock)) {
		if (!dumper->poor)
			wrong("no socket: %s", strerror(errno));
		return;
	}
	td_set_recv_size(&sock, rand_r(seed) % 2 ? 32768 : 8192);
	answer = td_new_props();
	td_request_get(&sock, &msg, NLM_F_DUMP, &req);
	if (req.dump_strategy != TASK_DIAG_DUMP_ONE && !(rand_r(seed) % 4)) {
		select_root_cgroup(&msg);
		/* A thread that calls execve() takes over the leader's number. */
		answer->may_repeat = true;
	}
	if (td_send(&sock, &msg)) {
		if (!dumper->poor)
			wrong("no request: %s", strerror(errno));
	} else {
		while (left && td_recv_props(&sock, answer))
			left--;
		if (left)
			judge(dumper, answer, &req);
		else
			count(&stress->nr_dropped, 1);
	}
	td_free_props(answer);
	td_close(&sock);
}

static bool is_over(void)
{
	const double late = td_now() - stress->deadline;
	unsigned int i;

	if (late < 0 || late > PATIENCE_S)
		return late > 0;
	for (i = 0; i < ARRAY_SIZE(storms); i++)
		if (!stress->rounds[i])
			return false;
	return stress->nr_whole && stress->nr_dropped;
}

static void *dump_in_thread(void *arg)
{
	const struct dumper *dumper = arg;
	unsigned int seed = syscall(SYS_gettid);

	while (!is_over())
		dump_once(dumper, &seed);
	return NULL;
}

/* A process whose threads dump */
static pid_t start_dumper(unsigned int nr)
{
	struct dumper dumper = {
		.nr = nr,
		.nr_threads = td_env_number("TD_THREADS", 16),
		.user = nr % 2,
		.poor = nr / 2,
	};
	pthread_t threads[dumper.nr_threads];
	unsigned int i;
	pid_t pid = fork();

	if (pid)
		return pid;
	if (dumper.poor)
		td_must(td_write_file(CGROUP "/cgroup.procs", "0"), "cgroup.procs");
	if (dumper.user)
		td_become(TD_ALICE);
	for (i = 0; i < dumper.nr_threads; i++)
		threads[i] = td_new_thread(dump_in_thread, &dumper);
	for (i = 0; i < dumper.nr_threads; i++)
		pthread_join(threads[i], NULL);
	_exit(KSFT_PASS);
}

/* --- the test ---------------------------------------------------------- */

FIXTURE(stress) {
	struct td_storage swap;
	struct td_sock sock;
};

FIXTURE_SETUP(stress)
{
	const uid_t alice = TD_ALICE;
	unsigned int i;

	self->swap.fd = -1;
	ASSERT_EQ(0, td_open(&self->sock));
	stress = td_share(sizeof(*stress));
	stress->groups = td_all_groups(&self->sock);
	ASSERT_STREQ("", td_open_storage(&self->swap, SWAP));
	ASSERT_STREQ("", td_start_swap(&self->swap, SWAP));
	ASSERT_TRUE(!mkdir(CGROUP, 0755) || errno == EEXIST);
	td_write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	ASSERT_TRUE(td_write_file(CGROUP "/memory.max", LIMIT)) {
		TH_LOG("no limit of memory: CONFIG_MEMCG, and cgroup2 on /sys/fs/cgroup");
	}
	for (i = 0; i < NR_STILL; i++) {
		stress->still[0][i] = td_spawn_sleeper(NULL, NULL);
		stress->still[1][i] = td_spawn_sleeper(td_become_user, &alice);
		ASSERT_LT(0, (pid_t)stress->still[0][i]);
		ASSERT_LT(0, (pid_t)stress->still[1][i]);
	}
}

FIXTURE_TEARDOWN(stress)
{
	td_kill_children();
	rmdir(CGROUP);
	td_close_storage(&self->swap);
	td_close(&self->sock);
}

TEST_F_TIMEOUT(stress, concurrent_dumps_survive_churn_and_little_memory, FOREVER_S)
{
	pid_t dumpers[NR_DUMPERS];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(storms); i++)
		ASSERT_LT(0, td_spawn(blow, &storms[i]));
	stress->deadline = td_now() + td_env_number("TD_SECONDS", 5);
	for (i = 0; i < NR_DUMPERS; i++)
		dumpers[i] = start_dumper(i);
	for (i = 0; i < NR_DUMPERS; i++)
		EXPECT_EQ(KSFT_PASS, td_wait(dumpers[i]));

	EXPECT_STREQ("", stress->wrong);
	for (i = 0; i < ARRAY_SIZE(storms); i++) {
		EXPECT_LT(0, stress->rounds[i])
			TH_LOG("no %s", storms[i].name);
		TH_LOG("%lu rounds: %s", stress->rounds[i], storms[i].name);
	}
	EXPECT_LT(0, stress->nr_whole);
	EXPECT_LT(0, stress->nr_dropped);
	TH_LOG("%lu dumps of %lu tasks, %lu of them busy; %lu dropped, %lu without memory",
	       stress->nr_whole, stress->nr_tasks, stress->nr_busy,
	       stress->nr_dropped, stress->nr_no_memory);

	/* And all is as it was */
	td_kill_children();
	EXPECT_STREQ("", td_check_all(&self->sock, "/proc", TASK_DIAG_DUMP_ALL));
	EXPECT_STREQ("", td_check_all(&self->sock, "/proc",
				      TASK_DIAG_DUMP_ALL_THREAD));
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
