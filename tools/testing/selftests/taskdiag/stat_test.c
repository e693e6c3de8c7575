// SPDX-License-Identifier: GPL-2.0
/*
 * The group STAT: of threads what taskstats answers, of processes what procfs sums
 * up.
 */
#include "lib/harness.h"

#include <linux/taskstats.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#define DEADLINE_S	60	/* an emulated debug kernel is slow */
#define DELAYACCT	"/proc/sys/kernel/task_delayacct"

/* --- what is wrong ----------------------------------------------------- */

static void expect_between(__u32 pid, const char *what, __u64 here, __u64 low,
			   __u64 high)
{
	if (here < low || here > high)
		differs("%u %s: %llu not from %llu to %llu; ", pid, what, here,
			low, high);
}

/* --- children ---------------------------------------------------------- */

/*
 * Whether none of its threads runs: what a task's /proc/PID/syscall says is
 * "running" until it has been switched away from.
 */
static bool off_cpu(__u32 pid)
{
	struct td_set tids = proc_tids("/proc", pid);
	bool off = true;
	char text[256];
	size_t i;

	for (i = 0; i < tids.nr && off; i++)
		off = proc_read("/proc", pid, tids.pids[i], "syscall", text,
				sizeof(text)) > 0 &&
		      strncmp(text, "running", 7);
	td_set_free(&tids);
	return off;
}

/*
 * Stops a child, so that only time changes for it. Its parent is notified before
 * the last thread is off its CPU.
 */
static bool stop(pid_t pid)
{
	double deadline = td_now() + DEADLINE_S;

	if (kill(pid, SIGSTOP) || waitpid(pid, NULL, WUNTRACED) != pid)
		return false;
	while (!off_cpu(pid)) {
		if (td_now() > deadline)
			return false;
		usleep(1000);
	}
	return true;
}

static pid_t spawn_stopped(void (*setup)(const void *arg), const void *arg)
{
	pid_t pid = td_spawn(setup, arg);

	return pid > 0 && stop(pid) ? pid : -1;
}

/* Shared with children, who count here what their ended threads did */
struct counts {
	bool	wanted;
	long	nvcsw;
	long	nivcsw;
	long	minflt;
};

static struct counts *ended;

/* Touched before the fork, so that a child gets copies */
static char copied[4 << 20];

/* Some of all that is counted: time, faults, reads, writes, switches */
static void work(void)
{
	double end = td_cpu_time() + 0.03;
	struct rusage usage;

	td_read_and_write();
	td_touch_memory(64 * 4096);
	/* A sleep that is over before it begins is no switch. */
	do {
		usleep(1000);
		getrusage(RUSAGE_THREAD, &usage);
	} while (usage.ru_nvcsw < 5);
	while (td_cpu_time() < end)
		getppid();

	getrusage(RUSAGE_THREAD, &usage);
	__sync_fetch_and_add(&ended->nvcsw, usage.ru_nvcsw);
	__sync_fetch_and_add(&ended->nivcsw, usage.ru_nivcsw);
	__sync_fetch_and_add(&ended->minflt, usage.ru_minflt);
}

static void *work_and_end(void *unused)
{
	work();
	return unused;
}

static void *work_and_sleep(void *barrier)
{
	work();
	prctl(PR_SET_NAME, "worker");
	pthread_barrier_wait(barrier);
	return td_sleep_in_thread(NULL);
}

/* Two threads that end and, if @nr says so, as many that stay */
static void start_workers(const void *nr)
{
	static pthread_barrier_t worked;
	unsigned int count = *(const unsigned int *)nr, i;
	struct counts dead;

	for (i = 0; i < 2; i++)
		pthread_join(td_new_thread(work_and_end, NULL), NULL);
	dead = *ended;
	pthread_barrier_init(&worked, NULL, count + 1);
	for (i = 0; i < count; i++)
		td_new_thread(work_and_sleep, &worked);
	pthread_barrier_wait(&worked);
	*ended = dead;
}

static void *switch_and_end(void *unused)
{
	struct rusage usage;

	do {
		usleep(1);
		getrusage(RUSAGE_THREAD, &usage);
	} while (usage.ru_nvcsw < 100);
	__sync_fetch_and_add(&ended->nvcsw, usage.ru_nvcsw);
	/* Time for a reader to notice that before the end */
	usleep(5000);
	return unused;
}

static void *just_end(void *unused)
{
	return unused;
}

typedef void *(*thread_fn)(void *);

/* One thread after the other that does what @fn points to, once it is wanted */
static void *end_threads(void *fn)
{
	while (!__atomic_load_n(&ended->wanted, __ATOMIC_ACQUIRE))
		usleep(1000);
	for (;;)
		pthread_join(td_new_thread(*(thread_fn *)fn, NULL), NULL);
	return NULL;
}

/* Threads that end on request, and @nr others that sleep */
static void start_ending_threads(const void *nr)
{
	static thread_fn fn = switch_and_end;

	td_start_threads(nr);
	td_new_thread(end_threads, &fn);
}

/* One ends in less time than it takes to look at @nr that sleep. */
static void keep_ending_threads(const void *nr)
{
	static thread_fn fn = just_end;
	unsigned int i;

	td_start_threads(nr);
	for (i = 0; i < 4; i++)
		td_new_thread(end_threads, &fn);
}

static void just_work(const void *unused)
{
	work();
}

static void reap_worker(const void *unused)
{
	pid_t pid = fork();

	td_must(pid >= 0, "fork");
	if (!pid) {
		work();
		_exit(0);
	}
	td_must(!td_wait(pid), "wait");
}

static void copy_pages(const void *unused)
{
	size_t i;

	for (i = 0; i < sizeof(copied); i += 4096)
		copied[i]++;
}

/* --- taskstats --------------------------------------------------------- */

/*
 * What the taskstats command says of a thread (TASKSTATS_CMD_ATTR_PID) or of a
 * process. Returns the size, which grows with the kernel, or -errno.
 */
static int taskstats_get(struct td_sock *sock, __u16 cmd_attr, __u32 pid,
			 void *stats, size_t size)
{
	struct nlmsghdr *nlh = (void *)sock->buf;
	struct nlattr *attr, *end;
	struct td_msg msg;
	size_t len;
	int err;

	td_begin(&msg, sock->family, TASKSTATS_CMD_GET, 0, ++sock->seq);
	td_put(&msg, cmd_attr, &pid, sizeof(pid));
	err = td_send(sock, &msg);
	if (err)
		return err;
	if (recv(sock->fd, sock->buf, sock->size, 0) < 0)
		return -errno;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;

	/* In TASKSTATS_TYPE_AGGR_*, after the pid and perhaps padding */
	attr = NLMSG_DATA(nlh) + GENL_HDRLEN;
	end = (void *)nlh + nlh->nlmsg_len;
	for (; attr < end; attr = (void *)attr + NLA_ALIGN(attr->nla_len)) {
		if (attr->nla_type == TASKSTATS_TYPE_AGGR_PID ||
		    attr->nla_type == TASKSTATS_TYPE_AGGR_TGID)
			break;
	}
	end = (void *)attr + attr->nla_len;
	for (attr++; attr < end; attr = (void *)attr + NLA_ALIGN(attr->nla_len)) {
		if (attr->nla_type != TASKSTATS_TYPE_STATS)
			continue;
		len = td_attr_len(attr);
		memset(stats, 0, size);
		memcpy(stats, (void *)attr + NLA_HDRLEN, len < size ? len : size);
		return len;
	}
	return -EPROTO;
}

/* As large as one may become; the kernel's may be longer than the header's. */
union stats {
	struct taskstats	here;
	char			bytes[1024];
};

/* Returns the size, 0 if the group is not there. */
static size_t stat_of(struct td_sock *sock, __u16 flags, __u64 strategy,
		      __u32 nr, __u32 pid, union stats *stats)
{
	struct td_props_answer *answer;
	const struct td_props *task;
	size_t len = 0;

	memset(stats, 0, sizeof(*stats));
	answer = td_get_props(sock, flags, strategy, BIT(STAT), nr);
	differs("%s", td_props_whole(answer));
	task = td_find_props(answer, pid);
	if (!task)
		differs("%u is not in the answer; ", pid);
	else if (!(task->has & BIT(STAT)) ||
		 task->groups[TASK_DIAG_STAT].len > sizeof(*stats))
		differs("%u has no STAT, failed 0x%llx; ", pid, task->failed);
	else
		len = task->groups[TASK_DIAG_STAT].len;
	if (len)
		memcpy(stats, task->groups[TASK_DIAG_STAT].data, len);
	td_free_props(answer);
	return len;
}

/* Takes out what changes by itself. */
static void still(union stats *stats)
{
	stats->here.ac_etime = 0;
	stats->here.ac_tgetime = 0;
	stats->here.ac_btime = 0;
	stats->here.ac_btime64 = 0;
}

/* As TASKSTATS_CMD_ATTR_PID rounds what STAT has exactly */
static void round_io(struct taskstats *stats)
{
	stats->read_char &= ~1023ULL;
	stats->write_char &= ~1023ULL;
	stats->read_syscalls &= ~1023ULL;
	stats->write_syscalls &= ~1023ULL;
	stats->read_bytes &= ~1023ULL;
	stats->write_bytes &= ~1023ULL;
	stats->cancelled_write_bytes &= ~1023ULL;
}

static void compare_bytes(__u32 tid, const union stats *here, size_t len,
			  const union stats *there, int there_len)
{
	size_t i;

	expect(tid, "size of STAT", len, there_len);
	for (i = 0; i < len; i++) {
		if (here->bytes[i] == there->bytes[i])
			continue;
		differs("%u STAT byte %zu: 0x%llx instead of 0x%llx; ", tid, i,
			*(__u64 *)&here->bytes[i & ~7UL],
			*(__u64 *)&there->bytes[i & ~7UL]);
		return;
	}
}

/*
 * The thread by one strategy. It may not have come to rest: what counts is
 * taskstats the same before and after.
 */
static void compare_thread(struct td_sock *sock, struct td_sock *taskstats,
			   __u64 strategy, __u32 tid)
{
	double deadline = td_now() + DEADLINE_S;
	union stats before, after, here;
	int before_len, after_len;
	bool rest;
	size_t len;

	do {
		before_len = taskstats_get(taskstats, TASKSTATS_CMD_ATTR_PID,
					   tid, &before, sizeof(before));
		len = stat_of(sock, NLM_F_DUMP, strategy, tid, tid, &here);
		after_len = taskstats_get(taskstats, TASKSTATS_CMD_ATTR_PID,
					  tid, &after, sizeof(after));
		if (diff.len || before_len < 0 || after_len < 0) {
			differs("taskstats gives %d; ", before_len);
			return;
		}
		expect_between(tid, "ac_etime", here.here.ac_etime,
			       before.here.ac_etime, after.here.ac_etime);
		expect_between(tid, "ac_tgetime", here.here.ac_tgetime,
			       before.here.ac_tgetime, after.here.ac_tgetime);
		/* From the time of day in seconds, and the age in whole ones */
		expect_between(tid, "ac_btime", here.here.ac_btime,
			       before.here.ac_btime - 1,
			       before.here.ac_btime + 1);
		expect(tid, "ac_btime64", here.here.ac_btime64,
		       here.here.ac_btime);
		still(&before);
		still(&after);
		still(&here);
		rest = !memcmp(&before, &after, sizeof(before));
	} while (!rest && td_now() < deadline);
	if (!rest)
		differs("%u did not hold still; ", tid);
	round_io(&here.here);
	compare_bytes(tid, &here, len, &before, before_len);
}

static const char *threads_differ(struct td_sock *sock,
				  struct td_sock *taskstats, __u32 pid)
{
	struct td_set tids = proc_tids("/proc", pid);
	size_t i;

	begin_diff();
	for (i = 0; i < tids.nr && !diff.len; i++) {
		compare_thread(sock, taskstats, TASK_DIAG_DUMP_THREAD,
			       tids.pids[i]);
		compare_thread(sock, taskstats, TASK_DIAG_DUMP_ALL_THREAD,
			       tids.pids[i]);
	}
	if (!tids.nr)
		differs("%u has no threads", pid);
	td_set_free(&tids);
	return diff.text;
}

FIXTURE(stat)
{
	struct td_sock sock;
	struct td_sock taskstats;
	char delayacct[4];
};

FIXTURE_SETUP(stat)
{
	int err;

	ended = td_share(4096);
	ASSERT_EQ(0, td_open(&self->sock));
	err = taskstats_open(&self->taskstats);
	if (err == -ENOENT)
		SKIP(return, "the kernel was built without TASKSTATS");
	ASSERT_EQ(0, err);
	/* Counted for tasks that are forked after it was turned on. */
	td_read_file(DELAYACCT, self->delayacct, sizeof(self->delayacct));
	td_write_file(DELAYACCT, "1");
}

FIXTURE_TEARDOWN(stat)
{
	td_kill_children();
	td_write_file(DELAYACCT, self->delayacct);
	td_close(&self->taskstats);
	td_close(&self->sock);
}

/* --- STAT of threads and processes that end ----------------------------- */

/* What a taskstats listener was sent of one thread, or one process */
struct exit_record {
	__u32		pid;
	bool		process;
	union stats	stats;
	int		len;
};

struct exit_records {
	struct exit_record	*list;
	size_t			nr, max;
};

static void add_record(struct exit_records *records, const struct nlattr *aggr)
{
	const struct nlattr *attr = aggr + 1;
	const struct nlattr *end = (void *)aggr + aggr->nla_len;
	struct exit_record *record;

	records->list = td_grow(records->list, records->nr, &records->max,
				sizeof(*record));
	record = &records->list[records->nr++];
	memset(record, 0, sizeof(*record));
	record->process = aggr->nla_type == TASKSTATS_TYPE_AGGR_TGID;
	for (; attr < end; attr = (void *)attr + NLA_ALIGN(attr->nla_len)) {
		switch (attr->nla_type) {
		case TASKSTATS_TYPE_PID:
		case TASKSTATS_TYPE_TGID:
			record->pid = *(__u32 *)(attr + 1);
			break;
		case TASKSTATS_TYPE_STATS:
			record->len = td_attr_len(attr);
			memcpy(&record->stats, attr + 1, record->len);
		}
	}
}

static void drain_taskstats(struct td_sock *sock, struct exit_records *records)
{
	const struct nlmsghdr *nlh = (void *)sock->buf;
	const struct nlattr *attr;
	struct td_answer broken = {};
	size_t pos;

	while (recv(sock->fd, sock->buf, sock->size, MSG_DONTWAIT) > 0) {
		pos = NLMSG_LENGTH(GENL_HDRLEN);
		while ((attr = td_next_attr(&broken, nlh, &pos)))
			if (attr->nla_type == TASKSTATS_TYPE_AGGR_PID ||
			    attr->nla_type == TASKSTATS_TYPE_AGGR_TGID)
				add_record(records, attr);
	}
}

struct stats_field {
	const char	*name;
	size_t		offset;
};

#define FIELD(field)	{ #field, offsetof(struct taskstats, field) }

static const struct stats_field delays[] = {
	FIELD(cpu_count), FIELD(cpu_delay_total),
	FIELD(blkio_count), FIELD(blkio_delay_total),
	FIELD(swapin_count), FIELD(swapin_delay_total),
	FIELD(freepages_count), FIELD(freepages_delay_total),
	FIELD(thrashing_count), FIELD(thrashing_delay_total),
	FIELD(compact_count), FIELD(compact_delay_total),
	FIELD(wpcopy_count), FIELD(wpcopy_delay_total),
};

/* Times and their integrals grow until the task is off its CPU for the last time. */
static const struct stats_field growing[] = {
	FIELD(cpu_run_real_total), FIELD(cpu_run_virtual_total),
	FIELD(ac_utime), FIELD(ac_stime),
	FIELD(ac_utimescaled), FIELD(ac_stimescaled),
	FIELD(cpu_scaled_run_real_total),
	FIELD(coremem), FIELD(virtmem),
};

#define TIME_SLACK	100000000ULL	/* of an emulated machine, ns or us */

static __u64 *field_of(union stats *stats, const struct stats_field *field)
{
	return (void *)stats->bytes + field->offset;
}

static void compare_thread_record(union stats *here, size_t len,
				  struct exit_record *record)
{
	__u64 *mine, *theirs;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(growing); i++) {
		mine = field_of(here, &growing[i]);
		theirs = field_of(&record->stats, &growing[i]);
		expect_between(record->pid, growing[i].name, *theirs, *mine,
			       *mine + TIME_SLACK);
		*mine = *theirs;
	}
	still(here);
	still(&record->stats);
	round_io(&here->here);
	compare_bytes(record->pid, here, len, &record->stats, record->len);
}

static void compare_process_record(union stats *here, struct exit_record *record)
{
	const __u64 there = record->stats.here.cpu_run_virtual_total;
	size_t i;

	/* It adds up what was charged to each thread at its last tick. */
	expect_between(record->pid, "time of the process",
		       here->here.cpu_run_virtual_total + TIME_SLACK, there,
		       there + 2 * TIME_SLACK);
	/* But for times, that of taskstats has nothing else. */
	for (i = 0; i < ARRAY_SIZE(delays); i++)
		expect(record->pid, delays[i].name, *field_of(here, &delays[i]),
		       *field_of(&record->stats, &delays[i]));
	expect(record->pid, "nvcsw", here->here.nvcsw, record->stats.here.nvcsw);
	expect(record->pid, "nivcsw", here->here.nivcsw, record->stats.here.nivcsw);
	if (here->here.ac_pid != record->pid || !here->here.ac_minflt ||
	    !here->here.read_syscalls)
		differs("%u: the record of the process is not complete; ", record->pid);
}

static bool copy_stat(const struct nlattr *attr, union stats *stats, size_t *len)
{
	if (!attr || attr->nla_type != TASK_DIAG_STAT)
		return false;
	*len = td_attr_len(attr);
	memset(stats, 0, sizeof(*stats));
	memcpy(stats, (void *)attr + NLA_HDRLEN, *len);
	return true;
}

/*
 * Returns false if the task was preempted between the two: then all counters may
 * have changed.
 */
static bool compare_record(const struct td_events *seen, struct exit_record *record)
{
	const struct nlattr *attr;
	const struct td_event *event = NULL;
	union stats here;
	size_t i, len;

	for (i = 0; i < seen->nr; i++)
		if (record->process ?
		    seen->list[i].event.tgid == record->pid &&
		    seen->list[i].event.flags & TASK_DIAG_EVENT_LAST :
		    seen->list[i].pid == record->pid)
			event = &seen->list[i];
	if (!event) {
		differs("%u: no event; ", record->pid);
		return true;
	}
	attr = td_event_attr(event, record->process ? TASK_DIAG_PROCESS : TASK_DIAG_STAT);
	if (attr && record->process)
		attr = (void *)attr + NLA_HDRLEN;
	if (!copy_stat(attr, &here, &len)) {
		differs("%u: no STAT in the event; ", record->pid);
		return true;
	}
	if (here.here.cpu_count != record->stats.here.cpu_count ||
	    here.here.nvcsw + here.here.nivcsw !=
	    record->stats.here.nvcsw + record->stats.here.nivcsw)
		return false;
	if (record->process)
		compare_process_record(&here, record);
	else
		compare_thread_record(&here, len, record);
	return true;
}

static void work_a_little(void)
{
	unsigned int i;
	char buf[100], *area;
	int zero = open("/dev/zero", O_RDONLY);

	for (i = 0; i < 20; i++)
		td_must(read(zero, buf, sizeof(buf)) == sizeof(buf), "read");
	close(zero);
	area = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	td_must(area != MAP_FAILED, "mmap");
	for (i = 0; i < 8; i++)
		area[i * 4096] = 1;
	munmap(area, 8 * 4096);
}

static void *work_a_little_in_thread(void *unused)
{
	work_a_little();
	return unused;
}

static void end_after_threads(unsigned int nr)
{
	pthread_t thread;

	work_a_little();
	while (nr--) {
		thread = td_new_thread(work_a_little_in_thread, NULL);
		pthread_join(thread, NULL);
	}
	_exit(3);
}

TEST_F_TIMEOUT(stat, stat_of_exit_events_equals_taskstats, 600)
{
	struct task_diag_pid req = {
		.show_flags = BIT(STAT),
		.dump_strategy = TASK_DIAG_DUMP_ALL_THREAD,
		.flags = TASK_DIAG_WITH_PROCESS,
	};
	const unsigned int nr = td_env_number("TD_EXITS", 300);
	unsigned int i, preempted = 0, processes = 0, ends = 0;
	struct exit_records records = {};
	struct td_events seen = {};
	struct td_msg msg;
	size_t j;
	pid_t pid;

	begin_diff();
	td_begin_subscribe(&self->sock, &msg, 1 << TASK_DIAG_EVENT_EXIT, &req);
	ASSERT_EQ(0, td_send_subscribe(&self->sock, &seen, &msg));
	ASSERT_TRUE(taskstats_listen(&self->taskstats));
	for (i = 0; ends < nr && !diff.len; i++) {
		pid = fork();
		if (!pid)
			end_after_threads(i % 4);
		EXPECT_EQ(3, td_wait(pid));
		td_drain(&self->sock, &seen);
		records.nr = 0;
		drain_taskstats(&self->taskstats, &records);
		for (j = 0; j < records.nr; j++) {
			if (!td_find_event(&seen, records.list[j].pid,
					   TASK_DIAG_EVENT_EXIT))
				continue;	/* of another program */
			preempted += !compare_record(&seen, &records.list[j]);
			processes += records.list[j].process;
			ends++;
		}
		EXPECT_LT(i % 4, records.nr);
		td_free_events(&seen);
	}
	EXPECT_STREQ("", diff.text);
	EXPECT_EQ(0, seen.nr_full);
	EXPECT_LT(nr / 10, processes);
	EXPECT_GT(nr / 2, preempted);
	TH_LOG("%u records, %u of processes, %u not compared", ends, processes,
	       preempted);
	free(records.list);
}

/* --- STAT of threads --------------------------------------------------- */

TEST_F(stat, stat_of_threads_equals_taskstats)
{
	static const unsigned int nr = 2;
	pid_t pid;

	pid = spawn_stopped(start_workers, &nr);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", threads_differ(&self->sock, &self->taskstats, pid));
}

static void be_alice_and_nice(const void *unused)
{
	struct sched_param param = {};

	work();
	td_must(nice(7) == 7, "nice");
	td_must(!sched_setscheduler(0, SCHED_BATCH, &param), "SCHED_BATCH");
	td_become(TD_ALICE);
}

TEST_F(stat, stat_of_another_user_equals_taskstats)
{
	union stats stats;
	pid_t pid;

	pid = spawn_stopped(be_alice_and_nice, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", threads_differ(&self->sock, &self->taskstats, pid));
	stat_of(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_THREAD, pid, pid,
		&stats);
	EXPECT_EQ(TD_ALICE, stats.here.ac_uid);
	EXPECT_EQ(TD_ALICE, stats.here.ac_gid);
	EXPECT_EQ(7, stats.here.ac_nice);
	EXPECT_EQ(SCHED_BATCH, stats.here.ac_sched);
	EXPECT_EQ(getpid(), stats.here.ac_ppid);
}

TEST_F(stat, stat_of_zombies_and_kernel_threads_equals_taskstats)
{
	pid_t pid;

	pid = td_spawn_zombie(just_work, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", threads_differ(&self->sock, &self->taskstats, pid));
	EXPECT_STREQ("", threads_differ(&self->sock, &self->taskstats, 2));
}

/* --- STAT of processes ------------------------------------------------- */

/* Files under /proc/PID, or under a thread of it */
struct proc {
	char	stat[1024];
	char	status[4096];
	char	io[512];
	char	schedstat[128];
};

static bool read_proc(struct proc *proc, __u32 pid, __u32 tid)
{
	memset(proc, 0, sizeof(*proc));
	return proc_read("/proc", pid, tid, "stat", proc->stat,
			 sizeof(proc->stat)) > 0 &&
	       proc_read("/proc", pid, tid, "status", proc->status,
			 sizeof(proc->status)) > 0 &&
	       proc_read("/proc", pid, tid, "io", proc->io,
			 sizeof(proc->io)) > 0 &&
	       proc_read("/proc", pid, tid, "schedstat", proc->schedstat,
			 sizeof(proc->schedstat)) > 0;
}

/* The @nr'th word of stat, as proc(5) counts them, from the 3rd on */
static __u64 stat_word(const struct proc *proc, unsigned int nr)
{
	const char *word = strrchr(proc->stat, ')') + 2;

	for (; nr > 3; nr--)
		word = strchr(word, ' ') + 1;
	return strtoull(word, NULL, 10);
}

/* What follows @key at the start of a line */
static __u64 line_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && strncmp(text, key, len)) {
		text = strchr(text, '\n');
		text += !!text;
	}
	return text ? strtoull(text + len, NULL, 10) : 0;
}

static void check_io(const struct taskstats *stats, const struct proc *proc,
		     __u32 pid)
{
	expect(pid, "read_char", stats->read_char,
	       line_value(proc->io, "rchar:"));
	expect(pid, "write_char", stats->write_char,
	       line_value(proc->io, "wchar:"));
	expect(pid, "read_syscalls", stats->read_syscalls,
	       line_value(proc->io, "syscr:"));
	expect(pid, "write_syscalls", stats->write_syscalls,
	       line_value(proc->io, "syscw:"));
	expect(pid, "read_bytes", stats->read_bytes,
	       line_value(proc->io, "read_bytes:"));
	expect(pid, "write_bytes", stats->write_bytes,
	       line_value(proc->io, "write_bytes:"));
	expect(pid, "cancelled_write_bytes", stats->cancelled_write_bytes,
	       line_value(proc->io, "cancelled_write_bytes:"));
}

static void check_identity(const struct taskstats *stats,
			   const struct proc *proc, __u32 pid)
{
	const char *name = strchr(proc->stat, '(') + 1;
	size_t len = strrchr(proc->stat, ')') - name;

	if (strlen(stats->ac_comm) != len || memcmp(stats->ac_comm, name, len))
		differs("%u ac_comm: %s; ", pid, stats->ac_comm);
	expect(pid, "ac_pid", stats->ac_pid, pid);
	expect(pid, "ac_tgid", stats->ac_tgid, pid);
	expect(pid, "ac_ppid", stats->ac_ppid, stat_word(proc, 4));
	expect(pid, "ac_uid", stats->ac_uid, line_value(proc->status, "Uid:"));
	expect(pid, "ac_gid", stats->ac_gid, line_value(proc->status, "Gid:"));
	expect(pid, "ac_nice", (__s8)stats->ac_nice, stat_word(proc, 19));
	expect(pid, "ac_sched", stats->ac_sched, stat_word(proc, 41));
}

static void check_age(const struct taskstats *stats, const struct proc *proc,
		      __u32 pid)
{
	const __u64 tick = 1000000000 / sysconf(_SC_CLK_TCK);
	struct timespec now, real;
	__u64 start;

	clock_gettime(CLOCK_BOOTTIME, &now);
	clock_gettime(CLOCK_REALTIME, &real);
	start = stat_word(proc, 22) * tick;
	expect_between(pid, "ac_etime", stats->ac_etime * 1000, 0,
		       now.tv_sec * 1000000000ULL + now.tv_nsec - start);
	expect(pid, "ac_tgetime", stats->ac_tgetime, stats->ac_etime);
	start /= 1000000000;
	expect_between(pid, "ac_btime", stats->ac_btime,
		       real.tv_sec - now.tv_sec + start - 2,
		       real.tv_sec - now.tv_sec + start + 2);
	expect(pid, "ac_btime64", stats->ac_btime64, stats->ac_btime);
}

/* Whether the kernel measures the times in stat exactly: VIRT_CPU_ACCOUNTING_NATIVE. */
static bool has_exact_times(void)
{
	struct utsname name;

	uname(&name);
	return !strncmp(name.machine, "s390", 4) || !strncmp(name.machine, "ppc", 3);
}

/*
 * Without exact times procfs shows them scaled to the time on a processor, which is
 * exact, as the split into user and kernel time is not. Exact ones lack what the host
 * took away.
 */
static void check_times(const struct taskstats *stats, const struct proc *proc,
			__u32 pid)
{
	const __u64 tick = 1000000000 / sysconf(_SC_CLK_TCK);
	__u64 ticks = stat_word(proc, 14) + stat_word(proc, 15);

	/* Each of the two is rounded down. */
	expect_between(pid, "cpu_run_virtual_total / tick",
		       stats->cpu_run_virtual_total / tick, ticks,
		       has_exact_times() ? ~0ULL : ticks + 1);
	expect(pid, "cpu_run_real_total",
	       stats->cpu_run_real_total / 1000 / 10,
	       (stats->ac_utime + stats->ac_stime + 1) / 10);
	expect(pid, "ac_utimescaled", stats->ac_utimescaled, stats->ac_utime);
	expect(pid, "ac_stimescaled", stats->ac_stimescaled, stats->ac_stime);
	expect(pid, "ac_minflt", stats->ac_minflt, stat_word(proc, 10));
	expect(pid, "ac_majflt", stats->ac_majflt, stat_word(proc, 12));
}

/* What procfs has of single threads only */
static void check_sums(const struct taskstats *stats, __u32 pid)
{
	__u64 nvcsw = ended->nvcsw, nivcsw = ended->nivcsw;
	struct td_set tids = proc_tids("/proc", pid);
	__u64 pcount = 0, run_delay = 0, run = 0, count;
	unsigned long long words[3];
	struct proc thread;
	size_t i;

	for (i = 0; i < tids.nr; i++) {
		if (!read_proc(&thread, pid, tids.pids[i]) ||
		    sscanf(thread.schedstat, "%llu %llu %llu", &words[0],
			   &words[1], &words[2]) != 3) {
			differs("/proc/%u/task/%u; ", pid, tids.pids[i]);
			break;
		}
		run += words[0];
		run_delay += words[1];
		pcount += words[2];
		nvcsw += line_value(thread.status, "voluntary_ctxt_switches:");
		nivcsw += line_value(thread.status,
				     "nonvoluntary_ctxt_switches:");
	}
	td_set_free(&tids);
	/* The ended threads went on a little after they had counted. */
	count = ended->nvcsw ? 100 : 0;
	expect_between(pid, "nvcsw", stats->nvcsw, nvcsw, nvcsw + count);
	expect_between(pid, "nivcsw", stats->nivcsw, nivcsw, nivcsw + count);
	if (!ended->nvcsw) {
		expect(pid, "cpu_run_virtual_total",
		       stats->cpu_run_virtual_total, run);
		expect(pid, "cpu_count", stats->cpu_count, pcount);
		expect(pid, "cpu_delay_total", stats->cpu_delay_total,
		       run_delay);
		return;
	}
	expect_between(pid, "cpu_count", stats->cpu_count,
		       pcount + ended->nvcsw, ~0ULL);
	expect_between(pid, "cpu_run_virtual_total",
		       stats->cpu_run_virtual_total, run + 60000000, ~0ULL);
	if (stats->cpu_delay_total < run_delay)
		differs("%u cpu_delay_total; ", pid);
}

/* The delays of the process, ended threads included, as taskstats has them */
static void check_delays(const union stats *stats, struct td_sock *taskstats,
			 __u32 pid)
{
	union stats tgid;
	unsigned int i;
	int len;

	len = taskstats_get(taskstats, TASKSTATS_CMD_ATTR_TGID, pid, &tgid,
			    sizeof(tgid));
	if (len < 0)
		differs("taskstats gives %d for the process %u; ", len, pid);
	for (i = 0; i < ARRAY_SIZE(delays); i++)
		expect(pid, delays[i].name,
		       *(__u64 *)(stats->bytes + delays[i].offset),
		       *(__u64 *)(tgid.bytes + delays[i].offset));
}

/* What cannot be summed is the leader's. */
static const struct stats_field leaders[] = {
	FIELD(coremem), FIELD(virtmem), FIELD(hiwater_rss),
	FIELD(hiwater_vm), FIELD(ac_exe_dev), FIELD(ac_exe_inode),
};

/*
 * Device and inode of the executable, which is mapped, from /proc/PID/maps. On
 * overlayfs and btrfs stat(2) reports another device.
 */
static bool find_exe(__u32 pid, dev_t *dev, __u64 *ino)
{
	char path[32], exe[PATH_MAX], line[PATH_MAX + 128];
	unsigned int major, minor;
	bool found = false;
	ssize_t len;
	FILE *file;
	int pos;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	len = readlink(path, exe, sizeof(exe) - 1);
	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	file = fopen(path, "r");
	if (len < 0 || !file)
		goto out;
	exe[len] = 0;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		found = sscanf(line, "%*s %*s %*s %x:%x %llu %n", &major,
			       &minor, ino, &pos) == 3 &&
			!strcmp(line + pos, exe);
	}
	if (found)
		*dev = makedev(major, minor);
	else if (len > 0)
		differs("no mapping of %s in %s; ", exe, path);
out:
	if (file)
		fclose(file);
	return found;
}

static void check_leader(const union stats *stats, struct td_sock *taskstats,
			 const struct proc *proc, __u32 pid)
{
	union stats leader;
	dev_t dev;
	__u64 ino;
	unsigned int i;

	if (taskstats_get(taskstats, TASKSTATS_CMD_ATTR_PID, pid, &leader,
			  sizeof(leader)) < 0)
		differs("taskstats fails for %u; ", pid);
	for (i = 0; i < ARRAY_SIZE(leaders); i++)
		expect(pid, leaders[i].name,
		       *(__u64 *)(stats->bytes + leaders[i].offset),
		       *(__u64 *)(leader.bytes + leaders[i].offset));
	expect(pid, "version", stats->here.version, leader.here.version);
	expect(pid, "ac_exitcode", stats->here.ac_exitcode,
	       leader.here.ac_exitcode);
	expect(pid, "ac_flag", stats->here.ac_flag, leader.here.ac_flag);
	expect(pid, "hiwater_vm", stats->here.hiwater_vm,
	       line_value(proc->status, "VmPeak:"));
	if (find_exe(pid, &dev, &ino)) {
		expect(pid, "ac_exe_inode", stats->here.ac_exe_inode, ino);
		/* As stat(2) encodes it */
		expect(pid, "major of ac_exe_dev",
		       major(stats->here.ac_exe_dev), major(dev));
		expect(pid, "minor of ac_exe_dev",
		       minor(stats->here.ac_exe_dev), minor(dev));
	}
}

/* @pid holds still: it is stopped, or dead. */
static const char *process_differs(struct td_sock *sock,
				   struct td_sock *taskstats, __u32 pid,
				   bool zombie)
{
	static const struct {
		__u16	flags;
		__u64	strategy;
	} ways[] = {
		{ 0, TASK_DIAG_DUMP_ONE },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ONE },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ALL },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_CHILDREN },
	};
	union stats stats;
	struct proc proc;
	unsigned int i;

	begin_diff();
	for (i = 0; i < ARRAY_SIZE(ways) && !diff.len; i++) {
		stat_of(sock, ways[i].flags, ways[i].strategy,
			ways[i].strategy == TASK_DIAG_DUMP_CHILDREN ?
			getpid() : pid, pid, &stats);
		if (!read_proc(&proc, pid, 0)) {
			differs("/proc/%u", pid);
			break;
		}
		check_io(&stats.here, &proc, pid);
		check_identity(&stats.here, &proc, pid);
		check_age(&stats.here, &proc, pid);
		check_times(&stats.here, &proc, pid);
		check_sums(&stats.here, pid);
		check_leader(&stats, taskstats, &proc, pid);
		/* It counts no process that had but one thread and is dead. */
		if (!zombie)
			check_delays(&stats, taskstats, pid);
		if (diff.len)
			differs("strategy %llu, flags 0x%x",
				ways[i].strategy, ways[i].flags);
	}
	return diff.text;
}

TEST_F(stat, stat_of_a_process_of_one_thread_equals_procfs)
{
	union stats stats;
	pid_t pid;

	pid = spawn_stopped(just_work, NULL);
	ASSERT_LT(0, pid);
	memset(ended, 0, sizeof(*ended));
	EXPECT_STREQ("", process_differs(&self->sock, &self->taskstats, pid,
					 false));
	stat_of(&self->sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, &stats);
	EXPECT_LE(64, stats.here.ac_minflt);
	EXPECT_LE(3000, stats.here.write_char);
	EXPECT_LE(1000, stats.here.read_char);
	EXPECT_LE(30000000, stats.here.cpu_run_virtual_total);
	EXPECT_LE(5, stats.here.nvcsw);
	EXPECT_LE(5, stats.here.cpu_count);
}

/*
 * Off by default, and in the kernel only with TASK_DELAY_ACCT. Where the clock
 * is coarse most delays last no time, and those are not counted.
 */
TEST_F(stat, delays_are_counted)
{
	double deadline = td_now() + DEADLINE_S;
	union stats stats;
	pid_t pid;

	if (access(DELAYACCT, F_OK))
		SKIP(return, "the kernel was built without TASK_DELAY_ACCT");
	memset(copied, 1, sizeof(copied));
	do {
		pid = spawn_stopped(copy_pages, NULL);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", threads_differ(&self->sock, &self->taskstats,
						pid));
		memset(ended, 0, sizeof(*ended));
		EXPECT_STREQ("", process_differs(&self->sock, &self->taskstats,
						 pid, false));
		stat_of(&self->sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, &stats);
		td_kill_children();
	} while (!stats.here.wpcopy_count && td_now() < deadline);
	EXPECT_LE(1, stats.here.wpcopy_count);
	EXPECT_LE(1, stats.here.wpcopy_delay_total);
}

TEST_F(stat, stat_of_a_process_counts_its_threads_and_ended_threads)
{
	static const unsigned int nr = 2;
	union stats whole, thread;
	pid_t pid;

	pid = spawn_stopped(start_workers, &nr);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(&self->sock, &self->taskstats, pid,
					 false));
	stat_of(&self->sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, &whole);
	stat_of(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_THREAD, pid, pid,
		&thread);
	EXPECT_LE(4 * 3000, whole.here.write_char);
	EXPECT_LE(4 * 1000, whole.here.read_char);
	EXPECT_LE(thread.here.ac_minflt + 4 * 64, whole.here.ac_minflt);
	EXPECT_LE(thread.here.cpu_run_virtual_total + 4 * 30000000,
		  whole.here.cpu_run_virtual_total);
	EXPECT_LE(thread.here.nvcsw + 4 * 5, whole.here.nvcsw);
}

/* What one hands on when it ends is on either side of an instant. */
TEST_F(stat, stat_loses_nothing_when_a_thread_ends)
{
	static const unsigned int nr = 500;
	const long enough = 1000;
	double end, deadline;
	union stats stats;
	__u64 before;
	long nvcsw;
	pid_t pid;

	memset(ended, 0, sizeof(*ended));
	pid = td_spawn(start_ending_threads, &nr);
	ASSERT_LT(0, pid);
	begin_diff();
	stat_of(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE, pid, pid, &stats);
	before = stats.here.cpu_count;
	__atomic_store_n(&ended->wanted, true, __ATOMIC_RELEASE);
	end = td_now() + 3;
	deadline = end + DEADLINE_S;
	do {
		nvcsw = __atomic_load_n(&ended->nvcsw, __ATOMIC_ACQUIRE);
		stat_of(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE, pid, pid,
			&stats);
		ASSERT_STREQ("", diff.text);
		ASSERT_LE(before + nvcsw, stats.here.cpu_count);
	} while (td_now() < end || (nvcsw < enough && td_now() < deadline));
	EXPECT_LE(enough, nvcsw);
}

/* Rather than to keep interrupts off while very many are summed up */
TEST_F(stat, stat_of_a_process_whose_many_threads_end_may_be_contended)
{
	static const unsigned int nr = 2000;
	const double deadline = td_now() + DEADLINE_S;
	struct td_props_answer *answer;
	const struct td_props *task;
	bool busy = false;
	pid_t pid;

	memset(ended, 0, sizeof(*ended));
	ended->wanted = true;
	pid = td_spawn(keep_ending_threads, &nr);
	ASSERT_LT(0, pid);
	while (!busy && td_now() < deadline) {
		answer = td_get_props(&self->sock, NLM_F_DUMP,
				      TASK_DIAG_DUMP_ONE, BIT(STAT), pid);
		task = td_find_props(answer, pid);
		ASSERT_NE(NULL, task);
		busy = task->failed & BIT(STAT);
		if (busy)
			EXPECT_EQ(-EAGAIN, task->groups[TASK_DIAG_STAT].error);
		td_free_props(answer);
	}
	EXPECT_TRUE(busy);
}

#define NR_SMALL_READS	700

static void read_little(const void *unused)
{
	int fd = open("/dev/zero", O_RDONLY);
	char bytes[100];
	unsigned int i;

	for (i = 0; i < NR_SMALL_READS; i++)
		td_must(read(fd, bytes, sizeof(bytes)) == sizeof(bytes), "read");
}

TEST_F(stat, stat_of_a_thread_is_as_exact_as_of_its_process)
{
	union stats whole, thread;
	pid_t pid;

	pid = spawn_stopped(read_little, NULL);
	ASSERT_LT(0, pid);
	begin_diff();
	stat_of(&self->sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, &whole);
	stat_of(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_THREAD, pid, pid,
		&thread);
	EXPECT_STREQ("", diff.text);
	if (!whole.here.read_syscalls)
		SKIP(return, "needs CONFIG_TASK_XACCT");
	EXPECT_LE(NR_SMALL_READS, whole.here.read_syscalls);
	EXPECT_EQ(whole.here.read_syscalls, thread.here.read_syscalls);
	EXPECT_EQ(whole.here.read_char, thread.here.read_char);
	EXPECT_EQ(whole.here.write_syscalls, thread.here.write_syscalls);
	EXPECT_EQ(whole.here.write_char, thread.here.write_char);
}

/* Their I/O alone is handed on to it, as /proc/PID/io shows. */
TEST_F(stat, stat_of_a_process_leaves_out_its_children)
{
	union stats stats;
	pid_t pid;

	pid = spawn_stopped(reap_worker, NULL);
	ASSERT_LT(0, pid);
	memset(ended, 0, sizeof(*ended));
	EXPECT_STREQ("", process_differs(&self->sock, &self->taskstats, pid,
					 false));
	stat_of(&self->sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, &stats);
	EXPECT_LE(3000, stats.here.write_char);
}

TEST_F(stat, stat_of_a_zombie_equals_procfs)
{
	static const unsigned int nr = 2;
	pid_t pid;

	/* On another processor a zombie might still be making its last switch. */
	td_stay_on_cpu(sched_getcpu());
	pid = td_spawn_zombie(just_work, NULL);
	ASSERT_LT(0, pid);
	memset(ended, 0, sizeof(*ended));
	EXPECT_STREQ("", process_differs(&self->sock, &self->taskstats, pid,
					 true));
	td_kill_children();

	pid = td_spawn_zombie(start_workers, &nr);
	ASSERT_LT(0, pid);
	/* Now those that stayed have ended as well. */
	EXPECT_STREQ("", process_differs(&self->sock, &self->taskstats, pid,
					 true));
}

TEST_F(stat, stat_of_a_zombie_has_its_exit_code)
{
	union stats stats;
	pid_t pid;

	pid = td_spawn_zombie(NULL, NULL);
	ASSERT_LT(0, pid);
	stat_of(&self->sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, &stats);
	EXPECT_EQ(SIGKILL, stats.here.ac_exitcode);
}

/* --- the longest and the shortest delay of a process -------------------- */

struct extremes {
	const char	*name;
	size_t		max;
	size_t		min;
	size_t		max_ts;
};

#define EXTREMES(delay)							\
	{								\
		#delay,							\
		offsetof(struct taskstats, delay##_delay_max),		\
		offsetof(struct taskstats, delay##_delay_min),		\
		offsetof(struct taskstats, delay##_delay_max_ts),	\
	}

static const struct extremes extremes[] = {
	EXTREMES(cpu), EXTREMES(blkio), EXTREMES(swapin), EXTREMES(freepages),
	EXTREMES(thrashing), EXTREMES(compact), EXTREMES(wpcopy), EXTREMES(irq),
};

/* An early thread copies most pages, a later one a page, the last one none. */
static const unsigned int nr_copies[] = { 1000, 1, 0 };

static pthread_barrier_t has_copied;
static char *next_page;

static void *copy_and_wait(void *nr)
{
	const unsigned int *count = nr;
	unsigned int i;

	for (i = 0; i < *count; i++, next_page += 4096)
		next_page[0]++;
	pthread_barrier_wait(&has_copied);
	while (!__atomic_load_n(&ended->wanted, __ATOMIC_ACQUIRE))
		usleep(1000);
	return NULL;
}

static void start_copiers(const void *unused)
{
	unsigned int i;

	next_page = copied;
	pthread_barrier_init(&has_copied, NULL, 2);
	for (i = 0; i < ARRAY_SIZE(nr_copies); i++) {
		td_new_thread(copy_and_wait, &nr_copies[i]);
		pthread_barrier_wait(&has_copied);
	}
}

/* The STAT of each thread, in the order in which they were created */
static unsigned int stats_of_threads(struct td_sock *sock, __u32 pid,
				     union stats *stats, unsigned int max)
{
	struct td_set tids = proc_tids("/proc", pid);
	unsigned int i, nr = tids.nr;

	for (i = 0; i < nr && i < max; i++)
		stat_of(sock, NLM_F_DUMP, TASK_DIAG_DUMP_THREAD, pid,
			tids.pids[i], &stats[i]);
	td_set_free(&tids);
	return nr;
}

/* What a process has whose threads are these */
static void combine(const union stats *threads, unsigned int nr,
		    union stats *whole)
{
	const struct extremes *e;
	const union stats *thread;
	__u64 *max, *min, here;

	memset(whole, 0, sizeof(*whole));
	for (e = extremes; e < extremes + ARRAY_SIZE(extremes); e++) {
		max = (void *)whole->bytes + e->max;
		min = (void *)whole->bytes + e->min;
		for (thread = threads; thread < threads + nr; thread++) {
			here = *(__u64 *)(thread->bytes + e->max);
			if (here > *max) {
				*max = here;
				memcpy(whole->bytes + e->max_ts,
				       thread->bytes + e->max_ts,
				       sizeof(struct __kernel_timespec));
			}
			here = *(__u64 *)(thread->bytes + e->min);
			if (here && (!*min || here < *min))
				*min = here;
		}
	}
}

static void compare_extremes(__u32 pid, const union stats *here,
			     const union stats *there)
{
	const struct extremes *e;
	char name[40];

	for (e = extremes; e < extremes + ARRAY_SIZE(extremes); e++) {
		snprintf(name, sizeof(name), "%s_delay_max", e->name);
		expect(pid, name, *(__u64 *)(here->bytes + e->max),
		       *(__u64 *)(there->bytes + e->max));
		snprintf(name, sizeof(name), "%s_delay_min", e->name);
		expect(pid, name, *(__u64 *)(here->bytes + e->min),
		       *(__u64 *)(there->bytes + e->min));
		if (memcmp(here->bytes + e->max_ts, there->bytes + e->max_ts,
			   sizeof(struct __kernel_timespec)))
			differs("%u %s_delay_max_ts; ", pid, e->name);
	}
}

/* Compares STAT and TASKSTATS_CMD_ATTR_TGID of the process with @want. */
static const char *extremes_differ(struct td_sock *sock,
				   struct td_sock *taskstats, __u32 pid,
				   const union stats *want)
{
	union stats stats;
	int len;

	begin_diff();
	stat_of(sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, &stats);
	compare_extremes(pid, &stats, want);
	len = taskstats_get(taskstats, TASKSTATS_CMD_ATTR_TGID, pid, &stats,
			    sizeof(stats));
	if (len < 0)
		differs("taskstats gives %d; ", len);
	else
		compare_extremes(pid, &stats, want);
	return diff.text;
}

TEST_F(stat, process_has_the_extreme_delays_of_its_threads)
{
	union stats threads[1 + ARRAY_SIZE(nr_copies)], want, whole;
	const unsigned int nr = ARRAY_SIZE(threads);
	double deadline = td_now() + DEADLINE_S;
	__u64 max, ends;
	pid_t pid;

	if (access(DELAYACCT, F_OK))
		SKIP(return, "the kernel was built without TASK_DELAY_ACCT");
	memset(copied, 1, sizeof(copied));
	do {
		td_kill_children();
		pid = spawn_stopped(start_copiers, NULL);
		ASSERT_LT(0, pid);
		ASSERT_EQ(nr, stats_of_threads(&self->sock, pid, threads, nr));
		combine(threads, nr, &want);
		EXPECT_STREQ("", extremes_differ(&self->sock, &self->taskstats,
						 pid, &want));
		/* The longest is to be of a thread in between. */
		max = want.here.wpcopy_delay_max;
		ends = threads[0].here.wpcopy_delay_max;
		if (ends < threads[nr - 1].here.wpcopy_delay_max)
			ends = threads[nr - 1].here.wpcopy_delay_max;
	} while (ends >= max && td_now() < deadline);
	ASSERT_LT(ends, max);

	/* The delays of threads that have ended are kept. */
	__atomic_store_n(&ended->wanted, true, __ATOMIC_RELEASE);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	ASSERT_TRUE(td_wait_threads_gone(pid));
	ASSERT_TRUE(stop(pid));
	stat_of(&self->sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, &whole);
	EXPECT_STREQ("", extremes_differ(&self->sock, &self->taskstats, pid,
					 &whole));
	EXPECT_LE(max, whole.here.wpcopy_delay_max);
	EXPECT_LT(0, whole.here.wpcopy_delay_min);
	EXPECT_GE(want.here.wpcopy_delay_min, whole.here.wpcopy_delay_min);
}

/* --- an unprivileged user ---------------------------------------------- */

static pid_t of_root;

static const char *alice_sees_hers(void)
{
	struct td_props_answer *answer;
	struct td_sock sock, taskstats;
	const struct taskstats *stats;
	pid_t first, second;
	union stats refused;
	size_t i;

	begin_diff();
	td_become(TD_ALICE);
	first = td_spawn(NULL, NULL);
	second = td_spawn(just_work, NULL);
	td_must(first > 0 && second > 0, "td_spawn");
	td_must(!td_open(&sock) && !taskstats_open(&taskstats), "td_open");
	if (taskstats_get(&taskstats, TASKSTATS_CMD_ATTR_PID, first, &refused,
			  sizeof(refused)) != -EPERM)
		differs("taskstats needs no CAP_NET_ADMIN; ");
	answer = td_get_props(&sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL, BIT(STAT),
			      0);
	differs("%s", td_props_whole(answer));
	if (!td_find_props(answer, first) || !td_find_props(answer, second) ||
	    !td_find_props(answer, getpid()))
		differs("she does not see hers; ");
	if (td_find_props(answer, of_root))
		differs("she sees root's; ");
	for (i = 0; i < answer->nr_tasks; i++) {
		stats = (void *)answer->tasks[i].groups[TASK_DIAG_STAT].data;
		if (!stats || stats->ac_uid != TD_ALICE ||
		    stats->ac_pid != answer->tasks[i].pid)
			differs("%u is not right; ", answer->tasks[i].pid);
	}
	td_free_props(answer);
	td_close(&sock);
	td_close(&taskstats);
	return diff.text;
}

TEST_F(stat, stat_of_own_tasks_needs_no_privilege)
{
	of_root = td_spawn(NULL, NULL);
	ASSERT_LT(0, of_root);
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(alice_sees_hers));
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
