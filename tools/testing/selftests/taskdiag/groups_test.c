// SPDX-License-Identifier: GPL-2.0
/*
 * Every field of every group equals the file under /proc/PID that shows it, for
 * tasks in every condition. memory_test has those that are about memory, and
 * long_groups_test groups of any length.
 */
#include "lib/counterparts.h"
#include "lib/fixture_groups.h"

#include <linux/filter.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* --- the table itself -------------------------------------------------- */

/* A field that nobody compares would be found here. */
TEST(every_byte_of_every_struct_is_compared)
{
	char seen[TD_MAX_GROUPS][512] = {};
	unsigned int i, byte;

	mark_compared(seen);
	memset(&seen[TASK_DIAG_BASE][offsetof(struct task_diag_base, comm)], 1,
	       TASK_DIAG_COMM_LEN);
	/* This one in base_test */
	memset(&seen[TASK_DIAG_BASE][offsetof(struct task_diag_base, id)], 1,
	       sizeof(__u64));
	for (i = 0; i < TD_MAX_GROUPS; i++)
		for (byte = 0; byte < group_size(i); byte++)
			EXPECT_EQ(1, seen[i][byte])
				TH_LOG("group %u, byte %u", i, byte);
}

TEST_F(groups, kernel_has_all_groups)
{
	struct td_answer *answer;

	answer = td_dump(&self->sock, TASK_DIAG_DUMP_ONE, 0, 0);
	ASSERT_STREQ("", td_whole(answer));
	EXPECT_EQ(ALL_GROUPS, answer->header.show_flags & ALL_GROUPS);
	EXPECT_EQ(sysconf(_SC_CLK_TCK), answer->header.clk_tck);
	EXPECT_EQ(sysconf(_SC_PAGESIZE), answer->header.page_size);
	td_free(answer);
}

/* --- processes and threads --------------------------------------------- */

TEST_F(groups, sleeping_process_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_sleeper(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
}

TEST_F(groups, stopped_process_equals_procfs)
{
	pid_t pid;

	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_TRUE(td_wait_state(pid, 0, 'T'));
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(SIGSTOP, PROCESS(&self->sock, pid, SIGNAL, signal).exit_code);
}

static void wait_for_vfork(const void *unused)
{
	const pid_t parent = getpid();

	td_ready();
	/* The child has the parent's stack: it makes system calls only. */
	if (!vfork()) {
		syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		/* The parent, killed as it waits, may have been faster. */
		while (syscall(SYS_getppid) == parent)
			syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
		syscall(SYS_exit, 0);
	}
	_exit(0);
}

TEST_F(groups, process_in_uninterruptible_sleep_equals_procfs)
{
	pid_t pid;

	pid = td_spawn(wait_for_vfork, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(td_wait_state(pid, 0, 'D'));
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
}

TEST_F(groups, zombie_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_zombie(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, ZOMBIE_LACKS));
	EXPECT_EQ(SIGKILL, PROCESS(&self->sock, pid, SIGNAL, signal).exit_code);
}

static void end_with_7(const void *unused)
{
	td_ready();
	_exit(7);
}

TEST_F(groups, zombie_that_ended_by_itself_has_its_exit_code)
{
	pid_t pid;

	pid = td_spawn(end_with_7, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	EXPECT_STREQ("", task_differs(&self->sock, pid, ZOMBIE_LACKS));
	EXPECT_EQ(7 << 8, PROCESS(&self->sock, pid, SIGNAL, signal).exit_code);
}

static const char core_pattern[] = "/proc/sys/kernel/core_pattern";

/* The helper does not read the core, so that dumping it does not end. */
static void dump_core(const void *unused)
{
	static const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	td_must(!setrlimit(RLIMIT_CORE, &limit), "RLIMIT_CORE");
	td_ready();
	abort();
}

TEST_F(groups, process_that_dumps_core_equals_procfs)
{
	char *pattern;
	size_t len;
	pid_t pid;
	int fd;

	pattern = td_read_whole(core_pattern, &len);
	fd = open(core_pattern, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(17, pwrite(fd, "|/usr/bin/sleep 5", 17, 0));
	pid = td_spawn(dump_core, NULL);
	EXPECT_LT(0, pid);
	/* Full pipe */
	EXPECT_TRUE(td_wait_state(pid, 0, 'S'));
	EXPECT_EQ(len, pwrite(fd, pattern, len, 0));
	close(fd);
	free(pattern);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(1, PROCESS(&self->sock, pid, SIGNAL, signal).core_dumping);
}

static void set_umask(const void *unused)
{
	umask(0137);
}

TEST_F(groups, umask_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_sleeper(set_umask, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(0137, PROCESS(&self->sock, pid, FD, fd).umask);
}

static void forbid_huge_pages(const void *unused)
{
	td_must(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "PR_SET_THP_DISABLE");
}

TEST_F(groups, process_without_huge_pages_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_sleeper(forbid_huge_pages, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(0, PROCESS(&self->sock, pid, MM_MAP, mm_map).thp_enabled);
	pid = td_spawn_sleeper(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(1, PROCESS(&self->sock, pid, MM_MAP, mm_map).thp_enabled);
}

TEST_F(groups, processes_with_any_name_equal_procfs)
{
	static const char * const names[] = {
		"", "fifteen bytes..", ") R 1 2 (x", "new\nline\ttab", "\x01\xff",
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		pid = td_spawn_sleeper(td_set_name, names[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
	}
}

static pthread_mutex_t io_lock = PTHREAD_MUTEX_INITIALIZER;

/* A file that is on no tmpfs, so that its pages can be dropped */
static void fault_with_io(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat st;
	void *page;

	td_must(fd >= 0 && !fstat(fd, &st), "/proc/self/exe");
	/*
	 * Its last page is of its symbols, which nobody maps. One at a time, or
	 * one finds what another has read in.
	 */
	pthread_mutex_lock(&io_lock);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd,
		    (st.st_size - 1) & ~4095L);
	td_must(page != MAP_FAILED && !madvise(page, 4096, MADV_POPULATE_READ),
		"mmap");
	munmap(page, 4096);
	pthread_mutex_unlock(&io_lock);
	close(fd);
}

/* Some of all that is counted: 3 ticks, 64 faults, 20 reads, 30 writes */
static void work(void)
{
	double end = td_cpu_time() + 0.03;

	td_read_and_write();
	td_touch_memory(64 * 4096);
	fault_with_io();
	while (td_cpu_time() < end)
		getppid();
}

static void *work_and_end(void *unused)
{
	work();
	return unused;
}

static void *work_and_sleep(void *barrier)
{
	prctl(PR_SET_NAME, "worker");
	work();
	pthread_barrier_wait(barrier);
	return td_sleep_in_thread(NULL);
}

static void start_workers(const void *unused)
{
	static pthread_barrier_t worked;
	unsigned int i;

	pthread_barrier_init(&worked, NULL, 3);
	for (i = 0; i < 2; i++)
		pthread_join(td_new_thread(work_and_end, NULL), NULL);
	for (i = 0; i < 2; i++)
		td_new_thread(work_and_sleep, &worked);
	pthread_barrier_wait(&worked);
}

TEST_F(groups, process_counts_its_threads_and_dead_threads)
{
	struct task_diag_times whole, thread;
	struct task_diag_io io, thread_io;
	pid_t pid;

	pid = td_spawn_sleeper(start_workers, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	whole = PROCESS(&self->sock, pid, TIMES, times);
	thread = THREAD(&self->sock, pid, TIMES, times);
	EXPECT_LE(thread.utime + thread.stime + 4 * 20000000,
		  whole.utime + whole.stime);
	EXPECT_LE(thread.min_flt + 4 * 64, whole.min_flt);
	EXPECT_LE(thread.maj_flt + 4, whole.maj_flt);

	io = PROCESS(&self->sock, pid, IO, io);
	thread_io = THREAD(&self->sock, pid, IO, io);
	EXPECT_LE(thread_io.wchar + 4 * 3000, io.wchar);
	EXPECT_LE(thread_io.rchar + 4 * 1000, io.rchar);
	EXPECT_LE(thread_io.syscw + 4 * 30, io.syscw);
	EXPECT_LE(thread_io.syscr + 4 * 20, io.syscr);
}

static void start_workers_and_end(const void *unused)
{
	start_workers(NULL);
	td_ready();
	syscall(SYS_exit, 0);
}

TEST_F(groups, zombie_leader_and_its_threads_equal_procfs)
{
	pid_t pid;

	pid = td_spawn(start_workers_and_end, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	EXPECT_STREQ("", task_differs(&self->sock, pid, ZOMBIE_LACKS));
	EXPECT_LE(80000000, PROCESS(&self->sock, pid, TIMES, times).utime +
			    PROCESS(&self->sock, pid, TIMES, times).stime);
}

static void reap_workers(const void *unused)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		/* Nobody unlocks what another thread holds at a fork. */
		pthread_mutex_lock(&io_lock);
		pid = fork();
		pthread_mutex_unlock(&io_lock);
		if (!pid) {
			work();
			_exit(0);
		}
		td_must(td_wait(pid) == 0, "wait");
	}
}

TEST_F(groups, process_counts_children_that_it_waited_for)
{
	struct task_diag_times times, thread;
	pid_t pid;

	pid = td_spawn_sleeper(reap_workers, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	times = PROCESS(&self->sock, pid, TIMES, times);
	EXPECT_LE(40000000, times.cutime + times.cstime);
	EXPECT_LE(2 * 64, times.cmin_flt);
	EXPECT_LE(2, times.cmaj_flt);
	EXPECT_LE(2 * 3000, PROCESS(&self->sock, pid, IO, io).wchar);
	thread = THREAD(&self->sock, pid, TIMES, times);
	EXPECT_EQ(times.cmin_flt, thread.cmin_flt);
}

/* A kernel thread whose name starts like that and has at least so many bytes */
static pid_t find_kthread(const char *name, size_t len)
{
	struct td_set pids = proc_pids("/proc");
	pid_t found = -1;
	char text[80];
	size_t i;

	for (i = 0; i < pids.nr && found < 0; i++)
		if (!proc_read("/proc", pids.pids[i], 0, "cmdline", text,
			       sizeof(text)) &&
		    proc_read("/proc", pids.pids[i], 0, "comm", text,
			      sizeof(text)) > (ssize_t)len &&
		    !strncmp(text, name, strlen(name)))
			found = pids.pids[i];
	td_set_free(&pids);
	return found;
}

TEST_F(groups, kernel_threads_equal_procfs)
{
	/* Such as have little to do: others do not hold still. */
	static const struct {
		const char	*name;
		size_t		len;
	} kthreads[] = {
		{ "kthreadd", 8 }, { "kworker/R-", 16 }, { "cpuhp/0", 7 },
		{ "rcu_tasks", 16 }, { "oom_reaper", 10 },
	};
	unsigned int i, found = 0;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(kthreads); i++) {
		pid = find_kthread(kthreads[i].name, kthreads[i].len);
		if (pid < 0)
			continue;
		found++;
		EXPECT_STREQ("", task_differs(&self->sock, pid, NO_MEMORY));
	}
	EXPECT_LT(2, found);
	EXPECT_LT(0, find_kthread("kworker/R-", 16));
}

/* Workers are busy at times: one of them will hold still. */
TEST_F(groups, worker_has_its_long_name)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct td_props_answer *answer;
	const struct td_group *group;
	char comm[80] = "", name[80];
	ssize_t len;
	pid_t pid;

	do {
		pid = find_kthread("kworker/", 18);
		ASSERT_LT(0, pid);
		len = proc_read("/proc", pid, 0, "comm", comm, sizeof(comm));
		answer = td_get_props(&self->sock, NLM_F_DUMP,
				      TASK_DIAG_DUMP_ONE, BIT(NAME), pid);
		name[0] = 0;
		if (answer->nr_tasks == 1) {
			group = &answer->tasks[0].groups[TASK_DIAG_NAME];
			snprintf(name, sizeof(name), "%.*s\n", (int)group->len,
				 group->data);
		}
		td_free_props(answer);
	} while (strcmp(comm, name) && td_now() < deadline);
	EXPECT_STREQ(comm, name);
	EXPECT_LT(16, len);
}

/* --- credentials ------------------------------------------------------- */

#define CAP(name)	(1ULL << CAP_##name)
#define CAPS_PERMITTED	(CAP(CHOWN) | CAP(KILL) | \
			 CAP(SYS_TIME) | CAP(BPF))
#define CAPS_INHERITED	(CAP(CHOWN) | CAP(SYS_TIME) | \
			 CAP(WAKE_ALARM))

static void filter_system_calls(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { .len = 1, .filter = &allow };

	td_must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "NO_NEW_PRIVS");
	td_must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), "SECCOMP");
	td_must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), "SECCOMP");
}

static void be_everyone(const void *unused)
{
	td_must(td_write_file("/proc/self/loginuid", "4321"), "loginuid");
	td_must(!prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT), "PR_CAPBSET_DROP");
	td_must(!prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
	td_must(!setresgid(2001, 2002, 2003), "setresgid");
	td_must(!setresuid(1001, 1002, 1003), "setresuid");
	td_set_caps(CAPS_PERMITTED | CAP(SETUID) | CAP(SETGID),
		    CAPS_PERMITTED | CAP(SETUID) | CAP(SETGID) |
		    CAPS_INHERITED, CAPS_INHERITED);
	setfsgid(2004);
	setfsuid(1004);
	td_set_caps(CAP(KILL), CAPS_PERMITTED, CAPS_INHERITED);
	td_must(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0),
		"PR_CAP_AMBIENT_RAISE");
	filter_system_calls();
}

TEST_F(groups, credentials_that_all_differ_equal_procfs)
{
	struct task_diag_cred cred;
	pid_t pid;

	pid = td_spawn_sleeper(be_everyone, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	cred = PROCESS(&self->sock, pid, CRED, cred);
	EXPECT_EQ(1001, cred.uid);
	EXPECT_EQ(1002, cred.euid);
	EXPECT_EQ(1003, cred.suid);
	EXPECT_EQ(1004, cred.fsuid);
	EXPECT_EQ(2001, cred.gid);
	EXPECT_EQ(2002, cred.egid);
	EXPECT_EQ(2003, cred.sgid);
	EXPECT_EQ(2004, cred.fsgid);
	EXPECT_EQ(4321, cred.loginuid);
	EXPECT_NE(~0U, cred.sessionid);
	EXPECT_EQ(CAPS_INHERITED, cred.cap_inheritable);
	EXPECT_EQ(CAPS_PERMITTED, cred.cap_permitted);
	EXPECT_EQ(CAP(KILL), cred.cap_effective);
	EXPECT_EQ(0, cred.cap_bounding & CAP(SYS_BOOT));
	EXPECT_NE(0, cred.cap_bounding);
	EXPECT_EQ(CAP(CHOWN), cred.cap_ambient);
	EXPECT_EQ(1, cred.no_new_privs);
	EXPECT_EQ(SECCOMP_MODE_FILTER, cred.seccomp);
	EXPECT_EQ(2, cred.seccomp_filters);
}

/* --- threads that differ from their process ---------------------------- */

static void handle(int sig)
{
}

/* The system calls change the thread alone; the library's change all. */
static void *be_another(void *barrier)
{
	sigset_t set;

	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	prctl(PR_SET_NAME, "another");
	td_must(!syscall(SYS_setpriority, PRIO_PROCESS, 0, 5), "setpriority");
	td_must(!syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), "tgkill");
	td_must(!syscall(SYS_setresgid, 2005, 2006, 2007), "setresgid");
	td_must(!syscall(SYS_setresuid, 1005, 1006, 1007), "setresuid");
	filter_system_calls();
	pthread_barrier_wait(barrier);
	return td_sleep_in_thread(NULL);
}

static void start_another(const void *unused)
{
	static pthread_barrier_t ready;

	pthread_barrier_init(&ready, NULL, 2);
	td_new_thread(be_another, &ready);
	pthread_barrier_wait(&ready);
}

TEST_F(groups, thread_has_values_of_its_own)
{
	struct td_set tids;
	pid_t pid, tid;

	pid = td_spawn_sleeper(start_another, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	tids = proc_tids("/proc", pid);
	ASSERT_EQ(2, tids.nr);
	tid = tids.pids[1];
	EXPECT_EQ(1006, THREAD(&self->sock, tid, CRED, cred).euid);
	EXPECT_EQ(0, PROCESS(&self->sock, pid, CRED, cred).euid);
	EXPECT_EQ(5, THREAD(&self->sock, tid, SCHED, sched).nice);
	EXPECT_EQ(-1, THREAD(&self->sock, tid, SCHED, sched).exit_signal);
	EXPECT_EQ(SIGCHLD, PROCESS(&self->sock, pid, SCHED, sched).exit_signal);
	EXPECT_EQ(1ULL << (SIGUSR1 - 1),
		  THREAD(&self->sock, tid, SIGNAL, signal).pending);
	EXPECT_EQ(0, PROCESS(&self->sock, pid, SIGNAL, signal).pending);
	td_set_free(&tids);
}

/* --- signals, terminal, scheduling, limits ----------------------------- */

static __u64 sig_bit(int sig)
{
	return 1ULL << (sig - 1);
}

static void set_signals(const void *unused)
{
	union sigval value = {};
	sigset_t set;
	int i;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMAX);
	td_must(!sigprocmask(SIG_SETMASK, &set, NULL), "sigprocmask");
	signal(SIGHUP, SIG_IGN);
	signal(SIGRTMIN + 5, SIG_IGN);
	signal(SIGTERM, handle);
	signal(SIGRTMAX - 1, handle);
	td_must(!syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), "tgkill");
	td_must(!kill(getpid(), SIGUSR2), "kill");
	for (i = 0; i < 7; i++)
		td_must(!sigqueue(getpid(), SIGRTMAX, value), "sigqueue");
}

TEST_F(groups, signals_equal_procfs)
{
	struct task_diag_signal signal;
	pid_t pid;

	pid = td_spawn_sleeper(set_signals, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	signal = PROCESS(&self->sock, pid, SIGNAL, signal);
	EXPECT_EQ(sig_bit(SIGUSR1), signal.pending);
	EXPECT_EQ(sig_bit(SIGUSR2) | sig_bit(SIGRTMAX), signal.shared_pending);
	EXPECT_EQ(sig_bit(SIGUSR1) | sig_bit(SIGUSR2) | sig_bit(SIGRTMAX),
		  signal.blocked);
	EXPECT_EQ(sig_bit(SIGHUP) | sig_bit(SIGRTMIN + 5),
		  signal.ignored & (sig_bit(SIGHUP) | sig_bit(SIGRTMIN + 5) |
				    sig_bit(SIGTERM)));
	EXPECT_EQ(sig_bit(SIGTERM) | sig_bit(SIGRTMAX - 1),
		  signal.caught & (sig_bit(SIGTERM) | sig_bit(SIGRTMAX - 1) |
				   sig_bit(SIGHUP)));
	EXPECT_LE(9, signal.queued);
	EXPECT_EQ(0, signal.tty_nr);
	EXPECT_EQ(-1, signal.tty_pgrp);
}

static void open_terminal(const void *unused)
{
	int master, slave;

	td_must(setsid() > 0, "setsid");
	master = posix_openpt(O_RDWR | O_NOCTTY);
	td_must(master >= 0 && !grantpt(master) && !unlockpt(master), "ptmx");
	slave = open(ptsname(master), O_RDWR);
	td_must(slave >= 0, "pts");
	td_must(tcgetpgrp(slave) == getpid(), "tcgetpgrp");
}

TEST_F(groups, terminal_equals_procfs)
{
	struct task_diag_signal signal;
	pid_t pid;

	pid = td_spawn_sleeper(open_terminal, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	signal = PROCESS(&self->sock, pid, SIGNAL, signal);
	EXPECT_EQ(136, signal.tty_nr >> 8 & 0xfff);
	EXPECT_EQ(pid, signal.tty_pgrp);
}

struct policy {
	int	policy;
	int	priority;
	int	nice;
};

static void set_policy(const void *arg)
{
	const struct policy *policy = arg;
	struct sched_param param = { .sched_priority = policy->priority };

	while (td_cpu_time() < 0.01)
		getppid();
	td_must(!setpriority(PRIO_PROCESS, 0, policy->nice), "setpriority");
	td_must(!sched_setscheduler(0, policy->policy, &param),
		"sched_setscheduler");
}

TEST_F(groups, tasks_with_any_policy_equal_procfs)
{
	static const struct policy policies[] = {
		{ SCHED_OTHER, 0, -20 }, { SCHED_OTHER, 0, 19 },
		{ SCHED_BATCH, 0, 7 }, { SCHED_IDLE, 0, 0 },
		{ SCHED_FIFO, 7, -3 }, { SCHED_RR, 99, 4 },
		{ SCHED_FIFO | SCHED_RESET_ON_FORK, 1, 0 },
	};
	struct task_diag_sched sched;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		pid = td_spawn_sleeper(set_policy, &policies[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
		sched = PROCESS(&self->sock, pid, SCHED, sched);
		EXPECT_EQ(policies[i].policy & ~SCHED_RESET_ON_FORK,
			  sched.policy);
		EXPECT_EQ(policies[i].priority, sched.rt_priority);
		EXPECT_EQ(policies[i].nice, sched.nice);
		EXPECT_LT(0, sched.pcount);
		EXPECT_LT(0, sched.run_time);
	}
}

static void lead_session(const void *nice)
{
	td_must(setsid() > 0, "setsid");
	if (nice)
		td_must(td_write_file("/proc/self/autogroup", nice),
			"autogroup");
}

TEST_F(groups, autogroup_equals_procfs)
{
	struct task_diag_autogroup first, second;
	pid_t pids[2];

	pids[0] = td_spawn_sleeper(lead_session, "-7");
	ASSERT_LT(0, pids[0]);
	pids[1] = td_spawn_sleeper(lead_session, "19");
	ASSERT_LT(0, pids[1]);
	EXPECT_STREQ("", task_differs(&self->sock, pids[0], 0));
	EXPECT_STREQ("", task_differs(&self->sock, pids[1], 0));
	first = PROCESS(&self->sock, pids[0], AUTOGROUP, autogroup);
	second = PROCESS(&self->sock, pids[1], AUTOGROUP, autogroup);
	EXPECT_EQ(-7, first.nice);
	EXPECT_EQ(19, second.nice);
	EXPECT_NE(first.id, second.id);
}

static void set_ioprio(int ioprio)
{
	td_must(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, ioprio),
		"ioprio_set");
}

/* IOPRIO is what was set, or 0, and not what the nice value implies. */
static void be_nice_to_storage(const void *ioprio)
{
	td_must(!setpriority(PRIO_PROCESS, 0, 5), "setpriority");
	if (*(const int *)ioprio)
		set_ioprio(*(const int *)ioprio);
}

TEST_F(groups, any_io_priority_is_reported)
{
	const int ioprios[] = {
		0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 3),
		IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 0),
		IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7),
		IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0),
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(ioprios); i++) {
		pid = td_spawn_sleeper(be_nice_to_storage, &ioprios[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
		EXPECT_EQ(ioprios[i],
			  PROCESS(&self->sock, pid, IOPRIO, ioprio).ioprio);
	}
}

static void *sleep_with_ioprio_and_cpu(void *unused)
{
	set_ioprio(IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
	td_stay_on_cpu(0);
	td_ready();
	return td_sleep_in_thread(NULL);
}

static void start_thread_with_ioprio_and_cpu(const void *unused)
{
	set_ioprio(IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 2));
	td_new_thread(sleep_with_ioprio_and_cpu, NULL);
	/* The thread says when they are ready. */
	for (;;)
		pause();
}

/* The mask of up to 64 processors or memory nodes that a task may use */
static __u64 get_mask(struct td_sock *sock, __u64 strategy, __u32 nr, bool mems)
{
	char bytes[sizeof(struct task_diag_affinity) + 256];
	struct task_diag_affinity info;
	__u32 words[2] = {}, bits, at;
	size_t len;

	len = td_get_bytes(sock, strategy, nr, TASK_DIAG_AFFINITY, bytes,
			   sizeof(bytes));
	memcpy(&info, bytes, sizeof(info));
	bits = mems ? info.mems : info.cpus;
	at = mems ? info.mems_at : info.cpus_at;
	if (len && at <= sizeof(bytes) - sizeof(words))
		memcpy(words, bytes + at, bits > 32 ? 8 : bits ? 4 : 0);
	return words[0] | (__u64)words[1] << 32;
}

TEST_F(groups, thread_has_its_own_io_priority_and_processors)
{
	struct task_diag_ioprio ioprio;
	struct td_set tids;
	__u64 all;
	pid_t pid;

	pid = td_spawn_sleeper(start_thread_with_ioprio_and_cpu, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	tids = proc_tids("/proc", pid);
	ASSERT_EQ(2, tids.nr);
	ioprio = THREAD(&self->sock, tids.pids[0], IOPRIO, ioprio);
	EXPECT_EQ(IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 2), ioprio.ioprio);
	ioprio = THREAD(&self->sock, tids.pids[1], IOPRIO, ioprio);
	EXPECT_EQ(IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0), ioprio.ioprio);
	EXPECT_EQ(1, get_mask(&self->sock, TASK_DIAG_DUMP_THREAD, tids.pids[1],
			      false));
	all = get_mask(&self->sock, TASK_DIAG_DUMP_THREAD, tids.pids[0], false);
	/* It has those that are not online, too. */
	EXPECT_LE(sysconf(_SC_NPROCESSORS_ONLN), __builtin_popcountll(all));
	td_set_free(&tids);
}

static void stay_on(const void *cpu)
{
	td_stay_on_cpu(*(const int *)cpu);
}

TEST_F(groups, tasks_on_one_processor_equal_procfs)
{
	int cpu, nr = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t pid;

	for (cpu = 0; cpu < nr && cpu < 4; cpu++) {
		pid = td_spawn_sleeper(stay_on, &cpu);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
		EXPECT_EQ(1ULL << cpu, get_mask(&self->sock, TASK_DIAG_DUMP_ONE,
						pid, false));
	}
}

#define CPUSET		"/sys/fs/cgroup/taskdiag_cpuset"
#define CONTROLLERS	"/sys/fs/cgroup/cgroup.subtree_control"

static void join_cpuset(const void *unused)
{
	td_must(td_write_file(CPUSET "/cgroup.procs", "0"), "cgroup.procs");
}

TEST_F(groups, task_in_a_cpuset_equals_procfs)
{
	char before[256] = "";
	pid_t pid;

	td_read_file(CONTROLLERS, before, sizeof(before));
	if (!td_write_file(CONTROLLERS, "+cpuset"))
		SKIP(return, "no cpusets: %s", strerror(errno));
	ASSERT_TRUE(!mkdir(CPUSET, 0755) || errno == EEXIST);
	EXPECT_TRUE(td_write_file(CPUSET "/cpuset.cpus", "0"));
	EXPECT_TRUE(td_write_file(CPUSET "/cpuset.mems", "0"));
	pid = td_spawn_sleeper(join_cpuset, NULL);
	EXPECT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(1, get_mask(&self->sock, TASK_DIAG_DUMP_ONE, pid, false));
	EXPECT_EQ(1, get_mask(&self->sock, TASK_DIAG_DUMP_ONE, pid, true));
	td_kill_children();
	rmdir(CPUSET);
	if (!strstr(before, "cpuset"))
		td_write_file(CONTROLLERS, "-cpuset");
}

static void sleep_in_nanosleep(void)
{
	for (;;)
		sleep(1000);
}

static void sleep_in_read(void)
{
	int fds[2];
	char byte;

	td_must(!pipe(fds) && read(fds[0], &byte, 1) < 0, "read");
}

static void sleep_in_poll(void)
{
	poll(NULL, 0, -1);
}

static void sleep_in_wait(void)
{
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	wait(NULL);
}

static void sleep_in_futex(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&mutex);
	pthread_mutex_lock(&mutex);
}

static void sleep_somewhere(const void *arg)
{
	void (* const *fall_asleep)(void) = arg;

	td_ready();
	(*fall_asleep)();
}

TEST_F(groups, tasks_that_sleep_anywhere_equal_procfs)
{
	static void (* const places[])(void) = {
		sleep_in_nanosleep, sleep_in_read, sleep_in_poll, sleep_in_wait,
		sleep_in_futex,
	};
	char wchan[2][128];
	unsigned int i;
	pid_t pid;

	memset(wchan, 0, sizeof(wchan));
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		pid = td_spawn_sleeper(sleep_somewhere, &places[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid));
		EXPECT_LT(0, td_get_bytes(&self->sock, TASK_DIAG_DUMP_ONE, pid,
					  TASK_DIAG_WCHAN, wchan[i % 2],
					  sizeof(wchan[0]) - 1));
		EXPECT_STRNE(wchan[0], wchan[1]);
	}
}

/* The caller runs while it sends the request. */
TEST_F(groups, caller_gets_all_groups_of_itself)
{
	static const __u16 flags[] = { 0, NLM_F_DUMP };
	struct td_props_answer *answer;
	const struct td_group *wchan;
	char text[64];
	unsigned int i;

	td_read_file("/proc/self/wchan", text, sizeof(text));
	EXPECT_STREQ("0", text);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		answer = td_get_props(&self->sock, flags[i], TASK_DIAG_DUMP_ONE,
				      ALL_GROUPS, 0);
		EXPECT_STREQ("", td_props_whole(answer));
		ASSERT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(groups_of_self(), answer->tasks[0].has);
		wchan = &answer->tasks[0].groups[TASK_DIAG_WCHAN];
		EXPECT_STREQ("0", wchan->data);
		td_free_props(answer);
	}
}

/* Each limit has its own numbers, as far as the kernel lets it. */
static void set_limits(const void *unused)
{
	struct rlimit limit;
	int i;

	for (i = 0; i < RLIM_NLIMITS; i++) {
		limit.rlim_cur = 0x10000000 + i;
		limit.rlim_max = 0x20000000 + i;
		if (i == RLIMIT_NOFILE) {
			limit.rlim_cur = 100;
			limit.rlim_max = 200;
		} else if (i == RLIMIT_CORE || i == RLIMIT_CPU) {
			limit.rlim_max = RLIM_INFINITY;
		} else if (i == RLIMIT_AS || i == RLIMIT_DATA) {
			limit.rlim_cur = (1ULL << 40) + i;
			limit.rlim_max = (1ULL << 41) + i;
		}
		td_must(!setrlimit(i, &limit), "setrlimit");
	}
	td_must(td_write_file("/proc/self/oom_score_adj", "-321"),
		"oom_score_adj");
}

TEST_F(groups, limits_equal_procfs)
{
	struct task_diag_oom oom;
	pid_t pid;

	pid = td_spawn_sleeper(set_limits, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	oom = PROCESS(&self->sock, pid, OOM, oom);
	EXPECT_EQ(-321, oom.oom_score_adj);
	EXPECT_LT(0, oom.oom_score);
}

static void change_limits(const void *unused)
{
	const struct rlimit low = { 1, 2 }, high = { 10, 20 };

	td_must(!setrlimit(RLIMIT_CORE, &high), "setrlimit");
	td_ready();
	for (;;)
		td_must(!setrlimit(RLIMIT_CORE, &low) &&
			!setrlimit(RLIMIT_CORE, &high), "setrlimit");
}

TEST_F(groups, soft_and_hard_limit_are_of_one_moment)
{
	const double end = td_now() + td_env_number("TD_SECONDS", 5);
	struct task_diag_limit limits[RLIM_NLIMITS];
	unsigned int nr[2] = {};
	pid_t pid;

	pid = td_spawn(change_limits, NULL);
	ASSERT_LT(0, pid);
	while (td_now() < end || !nr[0] || !nr[1]) {
		td_get_bytes(&self->sock, TASK_DIAG_DUMP_ONE, pid,
			     TASK_DIAG_LIMITS, limits, sizeof(limits));
		ASSERT_EQ(limits[RLIMIT_CORE].hard,
			  2 * limits[RLIMIT_CORE].soft);
		nr[limits[RLIMIT_CORE].soft == 1]++;
	}
	TH_LOG("%u and %u of each", nr[0], nr[1]);
}

static void set_oom_score_adj(const void *text)
{
	td_must(td_write_file("/proc/self/oom_score_adj", text),
		"oom_score_adj");
}

TEST_F(groups, oom_scores_equal_procfs)
{
	pid_t first, last;

	first = td_spawn_sleeper(set_oom_score_adj, "1000");
	last = td_spawn_sleeper(set_oom_score_adj, "-1000");
	ASSERT_LT(0, first);
	ASSERT_LT(0, last);
	EXPECT_STREQ("", process_differs(&self->sock, first));
	EXPECT_STREQ("", process_differs(&self->sock, last));
	EXPECT_LT(1000, PROCESS(&self->sock, first, OOM, oom).oom_score);
	EXPECT_EQ(0, PROCESS(&self->sock, last, OOM, oom).oom_score);
}

static void open_many(const void *unused)
{
	struct rlimit limit = { 1024, 1024 };
	int i, fd;

	td_must(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	for (i = 0; i < 300; i++) {
		fd = open("/dev/null", O_RDONLY);
		td_must(fd >= 0, "open");
	}
	for (i = fd; i > fd - 280; i -= 2)
		close(i);
}

TEST_F(groups, open_files_are_counted)
{
	struct task_diag_fd fd;
	pid_t pid;

	pid = td_spawn_sleeper(open_many, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	fd = PROCESS(&self->sock, pid, FD, fd);
	EXPECT_LE(160, fd.open_fds);
	EXPECT_LE(300, fd.max_fds);
}

#define HIGH_FD	60000

/* Moves a file, and so has one or two more. */
static void move_file(const void *low)
{
	struct rlimit limit = { HIGH_FD + 1, HIGH_FD + 1 };
	int fd = *(const int *)low;

	td_must(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	td_must(dup2(0, fd) == fd, "dup2");
	td_ready();
	for (;;)
		td_must(dup2(fd, HIGH_FD) == HIGH_FD && !close(fd) &&
			dup2(HIGH_FD, fd) == fd && !close(HIGH_FD), "dup2");
}

TEST_F(groups, count_of_open_files_is_of_one_moment)
{
	const double end = td_now() + td_env_number("TD_SECONDS", 5);
	unsigned int least = ~0U, most = 0, count;
	const int low = 40;
	pid_t pid;

	pid = td_spawn(move_file, &low);
	ASSERT_LT(0, pid);
	while (td_now() < end || least == most) {
		count = PROCESS(&self->sock, pid, FD, fd).open_fds;
		if (count < least)
			least = count;
		if (count > most)
			most = count;
	}
	EXPECT_EQ(least + 1, most);
}

/* --- other readers, other namespaces ----------------------------------- */

/* Compares children of this process: a plain one, and one with threads. */
static const char *own_children_differ(void)
{
	static const unsigned int nr_threads = 2;
	struct td_sock sock;
	const char *text;
	pid_t plain, threads;

	td_must(!td_open(&sock), "td_open");
	plain = td_spawn_sleeper(NULL, NULL);
	threads = td_spawn_sleeper(td_start_threads, &nr_threads);
	td_must(plain > 0 && threads > 0, "td_spawn");
	text = task_differs(&sock, plain, 0);
	if (!text[0])
		text = task_differs(&sock, threads, 0);
	td_close(&sock);
	return text;
}

static const char *user_sees_his_own(void)
{
	td_become(TD_ALICE);
	return own_children_differ();
}

TEST(ordinary_user_gets_the_same_values)
{
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(user_sees_his_own));
}

static void map_to_user(const void *unused)
{
	static const gid_t gids[] = { TD_ALICE, TD_BOB };

	td_must(!setgroups(2, gids), "setgroups");
	td_unshare_user(0);
}

TEST_F(groups, ids_are_those_of_the_readers_user_namespace)
{
	pid_t pid;

	pid = td_spawn_sleeper(map_to_user, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	EXPECT_EQ(0, PROCESS(&self->sock, pid, CRED, cred).uid);
}

static const char *groups_overflow(void)
{
	struct td_props_answer *answer;
	const char *text = "GROUPS has no overflow ids";
	struct td_sock sock;
	__u32 *gids;

	map_to_user(NULL);
	td_must(!td_open(&sock), "td_open");
	answer = td_get_props(&sock, 0, TASK_DIAG_DUMP_ONE, BIT(GROUPS), 0);
	gids = (void *)answer->tasks[0].groups[TASK_DIAG_GROUPS].data;
	if (gids && gids[0] == 65534 && gids[1] == 65534)
		text = own_children_differ();
	td_free_props(answer);
	return text;
}

static const char *ids_overflow(void)
{
	struct task_diag_cred cred;
	struct td_sock sock;

	td_must(!unshare(CLONE_NEWUSER), "unshare");
	td_must(!td_open(&sock), "td_open");
	cred = PROCESS(&sock, getpid(), CRED, cred);
	if (cred.uid != 65534 || cred.fsuid != 65534 || cred.egid != 65534)
		return "CRED has no overflow ids";
	return own_children_differ();
}

TEST(ids_that_a_user_namespace_lacks_are_overflow_ids)
{
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(groups_overflow));
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(ids_overflow));
}

#define TIME_OFFSET_S	1000000

/* In a time namespace of its own; the parent's start is the same event. */
static const char *start_time_is_shifted(void)
{
	struct task_diag_times outside, inside;
	struct td_sock sock;
	int fds[2];
	pid_t pid;

	td_must(!pipe(fds), "pipe");
	td_must(!td_open(&sock), "td_open");
	outside = PROCESS(&sock, getppid(), TIMES, times);
	td_must(!unshare(CLONE_NEWTIME), "unshare");
	td_must(td_write_file("/proc/self/timens_offsets",
			      "boottime 1000000 0"), "timens_offsets");
	pid = fork();
	if (pid)
		return td_wait(pid) ? "see above" : "";
	/* The socket was opened outside: the dump belongs to the requester. */
	td_children = (struct td_set){};
	td_must(!td_open(&sock), "td_open");
	inside = PROCESS(&sock, parent_of(getppid()), TIMES, times);
	td_must(inside.start_time ==
		outside.start_time + TIME_OFFSET_S * 1000000000ULL,
		"start_time");
	fprintf(stderr, "%s", own_children_differ());
	td_kill_children();
	_exit(diff.len ? KSFT_FAIL : KSFT_PASS);
}

TEST(start_time_is_of_the_readers_time_namespace)
{
	if (access("/proc/self/timens_offsets", W_OK))
		SKIP(return, "no time namespaces");
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(start_time_is_shifted));
}

static void start_session_below(const void *unused)
{
	pid_t pid;

	td_must(!unshare(CLONE_NEWPID), "unshare");
	pid = td_fork();
	if (!pid) {
		open_terminal(NULL);
		td_ready();
		for (;;)
			pause();
	}
	td_must(pid > 0, "fork");
	/* It is the child that says that all is ready. */
	td_must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	close(td_ready_fd);
	td_ready_fd = -1;
}

static const char *pid_namespace_agrees(void)
{
	pid_t pid;

	td_must(!unshare(CLONE_NEWPID | CLONE_NEWNS), "unshare");
	pid = fork();
	if (pid)
		return td_wait(pid) ? "see above" : "";
	td_children = (struct td_set){};
	td_must(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		!mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
	fprintf(stderr, "%s", own_children_differ());
	td_kill_children();
	_exit(diff.len ? KSFT_FAIL : KSFT_PASS);
}

TEST_F(groups, task_in_another_pid_namespace_equals_procfs)
{
	struct td_set children;
	pid_t pid;
	char path[80];
	char *text;
	size_t len;

	pid = td_spawn(start_session_below, NULL);
	ASSERT_LT(0, pid);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	text = td_read_whole(path, &len);
	children = (struct td_set){};
	td_set_add(&children, strtoul(text, NULL, 10));
	free(text);
	ASSERT_LT(0, children.pids[0]);
	EXPECT_STREQ("", task_differs(&self->sock, children.pids[0], 0));
	EXPECT_EQ(children.pids[0],
		  PROCESS(&self->sock, children.pids[0], SIGNAL, signal)
		  .tty_pgrp);
	td_set_free(&children);
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(pid_namespace_agrees));
}

/* --- tasks that run ---------------------------------------------------- */

static void *run_for_ever(void *unused)
{
	for (;;) {
		td_touch_memory(16 * 4096);
		fault_with_io();
	}
	return unused;
}

static void keep_running(const void *unused)
{
	int null;

	null = open("/dev/null", O_WRONLY);
	td_must(null >= 0, "open");
	td_new_thread(run_for_ever, NULL);
	td_ready();
	for (;;) {
		/* What a thread did must not be lost, nor counted twice. */
		pthread_join(td_new_thread(work_and_end, NULL), NULL);
		reap_workers(NULL);
		td_must(write(null, "running", 7) == 7, "write");
	}
}

TEST_F(groups, running_process_is_within_what_procfs_says)
{
	struct query query = { .flags = NLM_F_DUMP };
	const double deadline = td_now() + TD_DEADLINE_S;
	__u64 sum, last = 0;
	unsigned int i, grew = 0;
	pid_t pid;

	pid = td_spawn(keep_running, NULL);
	ASSERT_LT(0, pid);
	query.pid = pid;
	query.tgid = pid;
	begin_diff();
	/* At times it may not have had a processor in between. */
	for (i = 0; !diff.len && (i < 30 ||
				  (grew <= 5 && td_now() < deadline)); i++) {
		query.strategy = TASK_DIAG_DUMP_ONE;
		query.tid = 0;
		sum = check_running(&self->sock, &query);
		grew += sum > last;
		last = sum;
		query.strategy = TASK_DIAG_DUMP_THREAD;
		query.tid = pid;
		check_running(&self->sock, &query);
	}
	EXPECT_STREQ("", diff.text);
	EXPECT_LT(5, grew);
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
