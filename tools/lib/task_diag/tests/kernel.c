// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * The library on a kernel with task_diag: its reports equal the files under
 * /proc. Most tests need root.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../libtask_diag.h"
#include "kselftest_harness.h"

#define SHOW(group)	TASK_DIAG_SHOW_##group
#define USER		12345

/* More of each than a message holds */
#define NR_ARGS		20000
#define ENV_LEN		100000
#define NR_MAPPINGS	600
#define NR_FILES	600
#define NR_GIDS		20000
#define NR_THREADS	70

/* --- /proc --------------------------------------------------------------- */

static char file[1 << 22];

/* Reads /proc/PID/@name, and puts a zero byte after it. */
static ssize_t read_file(pid_t pid, const char *name)
{
	char path[64];
	ssize_t n, len = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, file + len, sizeof(file) - 1 - len)) > 0)
		len += n;
	close(fd);
	file[len] = 0;
	return n < 0 ? -errno : len;
}

/* The text after @key in status, or in another file that was read */
static const char *after(const char *key)
{
	const char *at = strstr(file, key);

	return at ? at + strlen(key) : "";
}

static unsigned long number_after(const char *key)
{
	return strtoul(after(key), NULL, 10);
}

static bool link_is(pid_t pid, const char *name, const char *text, size_t len)
{
	char path[64], link[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, link, sizeof(link));
	return n >= 0 && (size_t)n == len && !memcmp(link, text, len);
}

/* --- other processes ----------------------------------------------------- */

/*
 * Starts a process that calls @prepare, and then sleeps. It stops to signal that
 * it is ready, because a pipe would be one of its files.
 */
static pid_t start(void (*prepare)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prepare();
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return -1;
	kill(pid, SIGCONT);
	return pid;
}

/* kill() would take -1, which start() may return, for all processes. */
static void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void prepare_nothing(void)
{
}

static void prepare_user(void)
{
	if (setresuid(USER, USER, USER) || prctl(PR_SET_DUMPABLE, 1))
		_exit(1);
}

static void prepare_session(void)
{
	setsid();
}

static void *sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void prepare_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (i = 0; i < NR_THREADS; i++) {
		if (pthread_create(&thread, &attr, sleeper, NULL))
			_exit(1);
	}
}

/* Mappings that cannot be merged, of files with long names and of none */
static void prepare_mappings(void)
{
	char name[200];
	int i, fd;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 4096 * NR_MAPPINGS))
		_exit(1);
	for (i = 0; i < NR_MAPPINGS; i++) {
		char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | (i % 3 ? 0 : MAP_ANONYMOUS),
				i % 3 ? fd : -1, 0);

		if (at == MAP_FAILED || mprotect(at, 4096, PROT_READ))
			_exit(1);
		if (i % 5 == 0)
			at[4096] = 1;
	}
}

static void prepare_files(void)
{
	const struct rlimit limit = { 2 * NR_FILES, 2 * NR_FILES };
	int i, fd, pair[2];

	setrlimit(RLIMIT_NOFILE, &limit);
	for (i = 0; i < NR_FILES; i++) {
		fd = i % 2 ? memfd_create("a file with a name that is not short", 0) :
			     open("/dev/null", O_RDWR);
		if (fd < 0 || (i % 2 && lseek(fd, i, SEEK_SET) != i))
			_exit(1);
	}
	if (pipe(pair) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		_exit(1);
}

static void prepare_groups(void)
{
	gid_t *gids = malloc(NR_GIDS * sizeof(*gids));
	int i;

	for (i = 0; gids && i < NR_GIDS; i++)
		gids[i] = 100 + i;
	if (!gids || setgroups(NR_GIDS, gids))
		_exit(1);
}

/* A program with many arguments and a long environment */
static pid_t start_program(void)
{
	static char *args[NR_ARGS + 3], *env[2];
	static char variable[ENV_LEN] = "LONG=";
	char seen[64];
	pid_t pid;
	int i;

	memset(variable + 5, 'e', sizeof(variable) - 6);
	env[0] = variable;
	args[0] = "sleep";
	args[1] = "10000";
	for (i = 0; i < NR_ARGS; i++)
		args[i + 2] = "0";
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execve("/bin/sleep", args, env);
		_exit(1);
	}
	/* Wait until it is that program, and asleep. */
	for (i = 0; i < 1000; i++) {
		snprintf(seen, sizeof(seen), "(sleep) S");
		if (read_file(pid, "stat") > 0 && strstr(file, seen))
			break;
		usleep(10000);
	}
	return pid;
}

/* --- the library --------------------------------------------------------- */

FIXTURE(kernel)
{
	struct td_handle *td;
	struct task_diag_pid req;
	const struct td_task *task;
	pid_t other;
};

FIXTURE_SETUP(kernel)
{
	int err = td_open(&self->td);

	if (err == -ENOENT)
		SKIP(return, "%s", td_error(self->td));
	ASSERT_EQ(err, 0) TH_LOG("%s", td_error(self->td));
	memset(&self->req, 0, sizeof(self->req));
	self->req.show_flags = TASK_DIAG_SHOW_BASE;
	self->req.dump_strategy = TASK_DIAG_DUMP_ALL;
	self->task = NULL;
	self->other = 0;
}

FIXTURE_TEARDOWN(kernel)
{
	td_close(self->td);
	stop(self->other);
}

static int dump(FIXTURE_DATA(kernel) *self)
{
	return td_dump(self->td, &self->req, sizeof(self->req));
}

static int get(FIXTURE_DATA(kernel) *self, pid_t pid, __u64 show)
{
	self->req.pid = pid;
	self->req.show_flags = show;
	return td_get(self->td, &self->req, sizeof(self->req), &self->task);
}

static int next(FIXTURE_DATA(kernel) *self)
{
	return td_next(self->td, &self->task);
}

#define MUST(call) do {							\
	const int err = call;						\
									\
	ASSERT_EQ(err, 0) TH_LOG("%s", td_error(self->td));		\
} while (0)

TEST_F(kernel, header_has_the_units_of_proc)
{
	struct task_diag_header header;

	td_header(self->td, &header, sizeof(header));
	EXPECT_EQ(header.page_size, sysconf(_SC_PAGESIZE));
	EXPECT_EQ(header.clk_tck, sysconf(_SC_CLK_TCK));
	EXPECT_TRUE(header.show_flags & TASK_DIAG_SHOW_BASE);
	EXPECT_TRUE(header.dump_strategies & 1 << TASK_DIAG_DUMP_ALL);
}

/* All but those that began or ended during the dump, and exactly once */
TEST_F(kernel, dump_has_all_processes_of_proc)
{
	static unsigned char seen[1 << 22];
	struct task_diag_base base;
	struct dirent *entry;
	DIR *dir;
	int ret;

	dir = opendir("/proc");
	ASSERT_NE(dir, NULL);
	while ((entry = readdir(dir)))
		seen[atoi(entry->d_name)] |= 1;
	MUST(dump(self));
	while ((ret = next(self)) > 0) {
		const __u32 pid = td_pid(self->task);

		EXPECT_EQ(seen[pid] & 2, 0);
		EXPECT_TRUE(seen[pid] & 1);
		seen[pid] |= 2;
		EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base,
				   sizeof(base)), 0);
		EXPECT_EQ(base.pid, pid);
		EXPECT_GT(read_file(pid, "status"), 0);
		EXPECT_EQ(base.ppid, number_after("PPid:"));
		EXPECT_EQ(base.tpid, number_after("TracerPid:"));
	}
	EXPECT_EQ(ret, 0) TH_LOG("%s", td_error(self->td));
	rewinddir(dir);
	while ((entry = readdir(dir)))
		EXPECT_NE(seen[atoi(entry->d_name)] & 3, atoi(entry->d_name) ? 1 : 0);
	closedir(dir);
}

TEST_F(kernel, arguments_and_environment_are_joined)
{
	static const struct {
		unsigned int attr;
		const char *name;
		size_t min;
	} groups[] = {
		{ TASK_DIAG_CMDLINE, "cmdline", 2 * NR_ARGS },
		{ TASK_DIAG_ENVIRON, "environ", ENV_LEN },
	};
	const char *data;
	size_t i, len;
	bool dumped;

	self->other = start_program();
	ASSERT_GT(self->other, 0);
	for (dumped = false; ; dumped = true) {
		if (dumped) {
			self->req.dump_strategy = TASK_DIAG_DUMP_ONE;
			MUST(dump(self));
			ASSERT_EQ(next(self), 1);
		} else {
			MUST(get(self, self->other, SHOW(BASE) | SHOW(CMDLINE) |
				 SHOW(ENVIRON) | SHOW(EXE) | SHOW(CWD) | SHOW(ROOT) | SHOW(NAME)));
		}
		EXPECT_EQ(td_pid(self->task), self->other);
		for (i = 0; i < ARRAY_SIZE(groups); i++) {
			ASSERT_EQ(td_bytes(self->task, groups[i].attr, &data, &len), 0);
			ASSERT_EQ(read_file(self->other, groups[i].name), len);
			EXPECT_GE(len, groups[i].min);
			EXPECT_EQ(memcmp(data, file, len), 0);
		}
		EXPECT_EQ(td_bytes(self->task, TASK_DIAG_EXE, &data, &len), 0);
		EXPECT_TRUE(link_is(self->other, "exe", data, len));
		EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CWD, &data, &len), 0);
		EXPECT_TRUE(link_is(self->other, "cwd", data, len));
		EXPECT_EQ(td_bytes(self->task, TASK_DIAG_ROOT, &data, &len), 0);
		EXPECT_TRUE(link_is(self->other, "root", data, len));
		EXPECT_EQ(td_bytes(self->task, TASK_DIAG_NAME, &data, &len), 0);
		EXPECT_EQ(len, 5);
		EXPECT_EQ(memcmp(data, "sleep", 5), 0);
		if (dumped)
			break;
	}
	EXPECT_EQ(next(self), 0);
}

/* Of all processes, backwards */
TEST_F(kernel, a_collected_answer_has_the_same_tasks_in_any_order)
{
	static size_t positions[1 << 16];
	static __u32 pids[1 << 16];
	const char *data;
	size_t nr, i, len;
	int found = 0;

	self->other = start_program();
	ASSERT_GT(self->other, 0);
	self->req.show_flags |= TASK_DIAG_SHOW_CMDLINE;
	MUST(dump(self));
	MUST(td_collect(self->td, SIZE_MAX, &nr));
	ASSERT_GT(nr, 1);
	ASSERT_LE(nr, ARRAY_SIZE(pids));
	for (i = 0; i < nr; i++) {
		positions[i] = td_tell(self->td);
		ASSERT_EQ(next(self), 1);
		EXPECT_EQ(td_failed(self->task), 0);
		pids[i] = td_pid(self->task);
	}
	EXPECT_EQ(next(self), 0);
	while (i--) {
		td_seek(self->td, positions[i]);
		ASSERT_EQ(next(self), 1);
		ASSERT_EQ(td_pid(self->task), pids[i]);
		if (pids[i] != self->other)
			continue;
		ASSERT_EQ(td_bytes(self->task, TASK_DIAG_CMDLINE, &data, &len), 0);
		ASSERT_EQ(read_file(self->other, "cmdline"), len);
		EXPECT_EQ(memcmp(data, file, len), 0);
		found++;
	}
	EXPECT_EQ(found, 1);
}

/* One space for several: how many precede a name depends on the kernel's word size. */
static void squeeze(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] != ' ' || text[1] != ' ')
			*to++ = *text;
	}
	*to = 0;
}

/* A line in the format of /proc/PID/maps, after squeeze() */
static void print_vma(char *to, size_t size, const struct task_diag_vma *vma,
		      const struct td_item *item)
{
	int len;

	len = snprintf(to, size, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ",
		       vma->start, vma->end,
		       vma->flags & TASK_DIAG_VMA_READ ? 'r' : '-',
		       vma->flags & TASK_DIAG_VMA_WRITE ? 'w' : '-',
		       vma->flags & TASK_DIAG_VMA_EXEC ? 'x' : '-',
		       vma->flags & TASK_DIAG_VMA_SHARED ? 's' : 'p', vma->pgoff,
		       vma->dev_major, vma->dev_minor, vma->ino);
	snprintf(to + len, size - len, "%.*s", (int)item->text_len, item->text);
}

TEST_F(kernel, mappings_are_those_of_maps_and_smaps)
{
	struct task_diag_vma_stat stat;
	struct task_diag_pages pages;
	struct td_item vmas = {}, stats = {};
	struct task_diag_vma vma;
	char line[8192], *maps, *at, *end;
	int nr = 0;

	self->other = start(prepare_mappings);
	ASSERT_GT(self->other, 0);
	MUST(get(self, self->other, SHOW(VMA) | SHOW(VMA_STAT)));
	ASSERT_GT(read_file(self->other, "maps"), 0);
	squeeze(file);
	maps = strdup(file);
	ASSERT_NE(maps, NULL);
	ASSERT_GT(read_file(self->other, "smaps"), 0);
	squeeze(file);
	for (at = maps; *at; at = end + 1, nr++) {
		end = strchr(at, '\n');
		*end = 0;
		/* Two lists can be read at the same time. */
		ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &vmas, &vma,
				  sizeof(vma)), 1);
		print_vma(line, sizeof(line), &vma, &vmas);
		EXPECT_STREQ(line, at);
		if (td_item(self->task, TASK_DIAG_VMA_STAT, &stats, &stat,
			    sizeof(stat)) != 1) {
			/* smaps ends before [vsyscall]. */
			EXPECT_EQ(end[1], 0);
			continue;
		}
		EXPECT_EQ(stat.start, vma.start);
		EXPECT_EQ(stat.end, vma.end);
		EXPECT_EQ(td_pages(&stats, &pages, sizeof(pages)), 0);
		/* The whole line, with the same name, at its place in smaps */
		strcat(line, "\n");
		ASSERT_NE(strstr(file, line), NULL);
		memmove(file, strstr(file, line), strlen(strstr(file, line)) + 1);
		EXPECT_EQ(pages.rss, number_after("\nRss:") * 1024);
		EXPECT_EQ(pages.anonymous, number_after("\nAnonymous:") * 1024);
		EXPECT_EQ(stat.kernel_page_size,
			  number_after("\nKernelPageSize:") * 1024);
		ASSERT_GE(stats.text_len, 2);
		EXPECT_EQ(memcmp(stats.text, after("\nVmFlags: "), 2), 0);
	}
	EXPECT_EQ(td_item(self->task, TASK_DIAG_VMA, &vmas, &vma, sizeof(vma)), 0);
	EXPECT_GE(nr, NR_MAPPINGS);
	free(maps);
}

TEST_F(kernel, files_are_those_of_fd)
{
	struct task_diag_file info;
	struct task_diag_fd fd;
	struct td_item item = {};
	unsigned int nr = 0;
	char name[64];

	self->other = start(prepare_files);
	ASSERT_GT(self->other, 0);
	self->req.flags = TASK_DIAG_FILE_PATHS | TASK_DIAG_FD_KINDS;
	MUST(get(self, self->other, SHOW(FILES) | SHOW(FD)));
	while (td_item(self->task, TASK_DIAG_FILES, &item, &info, sizeof(info)) > 0) {
		snprintf(name, sizeof(name), "fd/%u", info.fd);
		EXPECT_TRUE(link_is(self->other, name, item.text, item.text_len));
		snprintf(name, sizeof(name), "fdinfo/%u", info.fd);
		ASSERT_GT(read_file(self->other, name), 0);
		EXPECT_EQ(info.pos, number_after("pos:"));
		EXPECT_EQ(info.ino, number_after("ino:"));
		EXPECT_EQ(info.mnt_id, number_after("mnt_id:"));
		EXPECT_EQ(info.flags, strtoul(after("flags:"), NULL, 8));
		nr++;
	}
	EXPECT_GE(nr, NR_FILES);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_FD, &fd, sizeof(fd)), 0);
	EXPECT_EQ(fd.open_fds, nr);
	EXPECT_GE(fd.kinds[TASK_DIAG_FILE_MEMFD], NR_FILES / 2);

	/* With less memory than that, only the list is left out. */
	td_set_limit(self->td, 20000);
	memset(&item, 0, sizeof(item));
	MUST(get(self, self->other, SHOW(FILES) | SHOW(FD)));
	EXPECT_EQ(td_item(self->task, TASK_DIAG_FILES, &item, NULL, 0), -E2BIG);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_FD, &fd, sizeof(fd)), 0);
	EXPECT_EQ(fd.open_fds, nr);
}

TEST_F(kernel, lists_and_masks_are_those_of_system_calls)
{
	struct task_diag_limit limit;
	struct task_diag_nspid nspid;
	struct task_diag_cgroup cgroup;
	struct task_diag_ns ns;
	struct td_item item = {};
	const __u32 *gids;
	struct rlimit rlim;
	const char *path;
	__u32 mask[256];
	cpu_set_t set;
	char link[64];
	bool found = false;
	size_t nr, i;
	int cpus;

	self->other = start(prepare_groups);
	ASSERT_GT(self->other, 0);
	MUST(get(self, self->other, SHOW(BASE) | SHOW(LIMITS) | SHOW(NSPID) |
		 SHOW(NS) | SHOW(GROUPS) | SHOW(AFFINITY) | SHOW(CGROUP)));

	EXPECT_EQ(td_gids(self->task, &gids, &nr), 0);
	ASSERT_EQ(nr, NR_GIDS);
	for (i = 0; i < nr; i++)
		ASSERT_EQ(gids[i], 100 + i);

	for (i = 0; td_item(self->task, TASK_DIAG_LIMITS, &item, &limit,
			    sizeof(limit)) > 0; i++) {
		EXPECT_EQ(prlimit(self->other, limit.resource, NULL, &rlim), 0);
		EXPECT_EQ(limit.soft, rlim.rlim_cur);
		EXPECT_EQ(limit.hard, rlim.rlim_max);
	}
	EXPECT_EQ(i, RLIM_NLIMITS);

	memset(&item, 0, sizeof(item));
	EXPECT_EQ(td_item(self->task, TASK_DIAG_NSPID, &item, &nspid,
			  sizeof(nspid)), 1);
	EXPECT_EQ(nspid.pid, self->other);

	memset(&item, 0, sizeof(item));
	while (td_item(self->task, TASK_DIAG_NS, &item, &ns, sizeof(ns)) > 0) {
		if (ns.type != CLONE_NEWUTS)
			continue;
		snprintf(link, sizeof(link), "uts:[%llu]", ns.ino);
		EXPECT_TRUE(link_is(self->other, "ns/uts", link, strlen(link)));
		found = true;
	}
	EXPECT_TRUE(found);

	EXPECT_EQ(sched_getaffinity(self->other, sizeof(set), &set), 0);
	cpus = td_cpus(self->task, mask, ARRAY_SIZE(mask));
	EXPECT_GT(cpus, 0);
	/* The system call leaves out those that are not online. */
	for (i = 0; i < (size_t)cpus && i < CPU_SETSIZE; i++)
		EXPECT_GE(mask[i / 32] >> i % 32 & 1, !!CPU_ISSET(i, &set));
	ASSERT_GT(read_file(self->other, "status"), 0);
	/* A longer mask has commas. */
	if (cpus <= 32)
		EXPECT_EQ(mask[0], strtoul(after("\nCpus_allowed:"), NULL, 16));
	EXPECT_GE(td_mems(self->task, mask, ARRAY_SIZE(mask)), 0);

	ASSERT_GT(read_file(self->other, "cgroup"), 0);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_CGROUP, &cgroup, sizeof(cgroup)), 0);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CGROUP, &path, &nr), 0);
	EXPECT_EQ(nr, cgroup.path_len);
	if (strstr(file, "0::"))
		EXPECT_EQ(strncmp(after("0::"), path, nr), 0);
}

static unsigned long utime_ticks(pid_t pid)
{
	const char *at;
	int i;

	if (read_file(pid, "stat") < 0)
		return 0;
	at = strrchr(file, ')');
	for (i = 0; at && i < 12; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoul(at, NULL, 10) : 0;
}

static int burnt;

static void *burner(void *arg)
{
	struct timespec now;
	int i;

	do {
		for (i = 0; i < 100000; i++)
			__atomic_fetch_add((int *)arg, 1, __ATOMIC_RELAXED);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (!now.tv_sec && now.tv_nsec < 200000000);
	__atomic_store_n(&burnt, 1, __ATOMIC_RELEASE);
	return sleeper(NULL);
}

static void prepare_burner(void)
{
	static int n;
	pthread_t thread;

	if (pthread_create(&thread, NULL, burner, &n))
		_exit(1);
	while (!__atomic_load_n(&burnt, __ATOMIC_ACQUIRE))
		usleep(1000);
}

TEST_F(kernel, process_has_the_sums_and_its_leader_its_own)
{
	struct task_diag_times leader, process, thread;
	struct task_diag_base base;
	unsigned long ticks;
	int tasks = 0;

	self->other = start(prepare_burner);
	ASSERT_GT(self->other, 0);
	ticks = utime_ticks(self->other);
	self->req.dump_strategy = TASK_DIAG_DUMP_THREAD;
	self->req.pid = self->other;
	self->req.flags = TASK_DIAG_WITH_PROCESS;
	self->req.show_flags = SHOW(BASE) | SHOW(TIMES) | SHOW(IO);
	MUST(dump(self));
	while (next(self) > 0) {
		const struct td_task *sums = td_process(self->task);

		tasks++;
		EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base,
				   sizeof(base)), 0);
		EXPECT_EQ(base.tgid, self->other);
		if (base.pid != base.tgid) {
			EXPECT_EQ(sums, NULL);
			EXPECT_EQ(td_group(self->task, TASK_DIAG_TIMES, &thread,
					   sizeof(thread)), 0);
			continue;
		}
		EXPECT_EQ(td_group(self->task, TASK_DIAG_TIMES, &leader,
				   sizeof(leader)), 0);
		EXPECT_EQ(td_group(sums, TASK_DIAG_TIMES, &process,
				   sizeof(process)), 0);
		EXPECT_NE(td_group(sums, TASK_DIAG_IO, NULL, 0), -ENODATA);
		EXPECT_EQ(td_group(sums, TASK_DIAG_BASE, NULL, 0), -ENODATA);
	}
	ASSERT_EQ(tasks, 2);
	/* The process may still be running. */
	EXPECT_GE(process.utime / (1000000000 / sysconf(_SC_CLK_TCK)), ticks);
	EXPECT_LE(process.utime / (1000000000 / sysconf(_SC_CLK_TCK)),
		  utime_ticks(self->other));
	EXPECT_GT(process.utime + process.stime, leader.utime + leader.stime);
}

/* --- requests ------------------------------------------------------------ */

TEST_F(kernel, selections)
{
	struct task_diag_base base;
	__u32 pids[3] = { 0, 1, 0 };
	__u64 ids[3] = { 0, ~0ULL, 0 };
	int seen = 0, ret;

	self->other = start(prepare_user);
	ASSERT_GT(self->other, 0);
	ASSERT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, USER), 0);
	ASSERT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_EUID, USER), 0);
	ASSERT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_KTHREADS, 0), 0);
	ASSERT_EQ(td_select(self->td, TASK_DIAG_SELECT_STATES, "SDR", 4), 0);
	MUST(dump(self));
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), self->other);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base)), 0);
	EXPECT_EQ(next(self), 0);

	/* In this order; no task has that id. */
	pids[0] = self->other;
	ids[0] = base.id;
	pids[2] = getpid();
	ASSERT_EQ(td_select_pids(self->td, pids, ids, 3), 0);
	MUST(dump(self));
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), self->other);
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), getpid());
	EXPECT_EQ(next(self), 0);

	/* The selections applied only to those requests. */
	MUST(dump(self));
	while ((ret = next(self)) > 0)
		seen++;
	EXPECT_EQ(ret, 0);
	EXPECT_GT(seen, 3);
}

TEST_F(kernel, selection_of_a_session_and_of_kernel_threads)
{
	struct task_diag_sched sched;
	struct task_diag_base base;
	int ret, nr = 0;

	self->other = start(prepare_session);
	ASSERT_GT(self->other, 0);
	ASSERT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_SID, self->other), 0);
	ASSERT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_TTY, 0), 0);
	MUST(dump(self));
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base)), 0);
	EXPECT_EQ(base.sid, self->other);
	EXPECT_EQ(next(self), 0);

	ASSERT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_KTHREADS, 1), 0);
	self->req.show_flags = SHOW(SCHED);
	MUST(dump(self));
	while ((ret = next(self)) > 0) {
		EXPECT_EQ(td_group(self->task, TASK_DIAG_SCHED, &sched,
				   sizeof(sched)), 0);
		EXPECT_TRUE(sched.flags & 0x200000);
		nr++;
	}
	EXPECT_EQ(ret, 0);
	EXPECT_GT(nr, 5);
}

TEST_F(kernel, selection_of_a_cgroup)
{
	struct task_diag_cgroup cgroup;
	bool found = false;
	int ret;

	MUST(get(self, 0, SHOW(CGROUP)));
	ASSERT_EQ(td_group(self->task, TASK_DIAG_CGROUP, &cgroup, sizeof(cgroup)), 0);
	ASSERT_EQ(td_select(self->td, TASK_DIAG_SELECT_CGROUP, &cgroup.id,
			    sizeof(cgroup.id)), 0);
	ASSERT_EQ(td_select(self->td, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0), 0);
	MUST(dump(self));
	while ((ret = next(self)) > 0)
		found |= td_pid(self->task) == (__u32)getpid();
	EXPECT_EQ(ret, 0);
	EXPECT_TRUE(found);

	ASSERT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_CGROUP_FD, 0), 0);
	EXPECT_LT(dump(self), 0);
	EXPECT_NE(strstr(td_error(self->td), "cgroup"), NULL)
		TH_LOG("%s", td_error(self->td));
}

TEST_F(kernel, get_of_one_process)
{
	struct task_diag_base base;

	self->other = start(prepare_threads);
	ASSERT_GT(self->other, 0);
	MUST(get(self, 0, SHOW(BASE)));
	EXPECT_EQ(td_pid(self->task), getpid());
	MUST(get(self, self->other, SHOW(BASE)));
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base)), 0);
	/* More threads than a plain request looks at */
	MUST(get(self, self->other, SHOW(TIMES) | SHOW(BASE)));
	EXPECT_EQ(td_group(self->task, TASK_DIAG_TIMES, NULL, 0), 0);
	self->req.id = base.id;
	MUST(get(self, self->other, SHOW(BASE)));
	self->req.id = base.id + 1;
	EXPECT_EQ(get(self, self->other, SHOW(BASE)), -ESRCH);
	EXPECT_EQ(get(self, self->other, SHOW(VMA)), -ESRCH);
	self->req.id = 0;
	EXPECT_EQ(get(self, 4000000, SHOW(BASE)), -ESRCH);
	EXPECT_STREQ(td_error(self->td), "no such process: No such process");
	MUST(get(self, self->other, SHOW(BASE)));
}

TEST_F(kernel, refusals_come_with_the_kernels_text)
{
	self->req.flags = TASK_DIAG_FILE_PATHS;
	EXPECT_EQ(dump(self), -EINVAL);
	EXPECT_NE(strstr(td_error(self->td), "not in show_flags"), NULL)
		TH_LOG("%s", td_error(self->td));
	self->req.flags = 0;
	self->req.show_flags = 1ULL << 63;
	EXPECT_EQ(dump(self), -EINVAL);
	EXPECT_NE(strstr(td_error(self->td), "unknown bits"), NULL);
	EXPECT_EQ(get(self, 0, 1ULL << 63), -EINVAL);
	EXPECT_NE(strstr(td_error(self->td), "unknown bits"), NULL);
	ASSERT_EQ(td_select(self->td, TASK_DIAG_SELECT_PIDS, NULL, 0), 0);
	self->req.show_flags = 0;
	EXPECT_EQ(dump(self), -EINVAL);
	MUST(dump(self));
}

static void start_many(pid_t *pids, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		pids[i] = start(prepare_nothing);
}

static void stop_many(pid_t *pids, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		stop(pids[i]);
}

#define MANY	40
/* So much of each that they need several datagrams */
#define MUCH	(SHOW(BASE) | SHOW(ENVIRON) | SHOW(VMA) | SHOW(LIMITS))

TEST_F(kernel, an_answer_may_be_given_up)
{
	pid_t pids[MANY];
	int i;

	start_many(pids, MANY);
	for (i = 0; i < 20; i++) {
		self->req.show_flags = MUCH;
		self->req.pid = 0;
		MUST(dump(self));
		ASSERT_EQ(next(self), 1);
		ASSERT_EQ(next(self), 1);
		if (i % 3 == 0) {
			td_stop(self->td);
		} else if (i % 3 == 1) {
			MUST(get(self, pids[3], SHOW(BASE)));
			EXPECT_EQ(td_pid(self->task), pids[3]);
		}
	}
	stop_many(pids, MANY);
}

TEST_F(kernel, a_child_does_not_disturb)
{
	pid_t pids[MANY], child;
	int status, ret, seen = 0;

	start_many(pids, MANY);
	self->req.show_flags = MUCH;
	MUST(dump(self));
	ASSERT_EQ(next(self), 1);
	child = fork();
	if (!child) {
		if (next(self) != -EPERM)
			_exit(1);
		if (get(self, 0, SHOW(BASE)) || td_pid(self->task) != (__u32)getpid())
			_exit(2);
		self->req.show_flags = MUCH;
		if (dump(self) || next(self) != 1)
			_exit(3);
		_exit(0);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	while ((ret = next(self)) > 0)
		seen++;
	EXPECT_EQ(ret, 0) TH_LOG("%s", td_error(self->td));
	EXPECT_GE(seen, MANY);
	stop_many(pids, MANY);
}

TEST_F(kernel, other_credentials_end_the_answer)
{
	pid_t pids[MANY];
	int ret;

	start_many(pids, MANY);
	self->req.show_flags = MUCH;
	MUST(dump(self));
	ASSERT_EQ(next(self), 1);
	ASSERT_EQ(setresgid(USER, USER, USER), 0);
	while ((ret = next(self)) > 0)
		;
	EXPECT_EQ(ret, -EPERM);
	EXPECT_NE(strstr(td_error(self->td), "other credentials"), NULL)
		TH_LOG("%s", td_error(self->td));
	MUST(dump(self));
	EXPECT_EQ(next(self), 1);
	stop_many(pids, MANY);
}

/* A user sees only their own processes. */
TEST_F(kernel, a_user_is_shown_his_own_processes)
{
	pid_t child;
	int status;

	self->other = start(prepare_user);
	ASSERT_GT(self->other, 0);
	child = fork();
	if (!child) {
		prepare_user();
		self->req.pid = 0;
		if (dump(self) || next(self) != 1 ||
		    td_pid(self->task) != (__u32)self->other || next(self) != 1 ||
		    td_pid(self->task) != (__u32)getpid() || next(self))
			_exit(1);
		_exit(get(self, getppid(), SHOW(BASE)) == -ESRCH ? 0 : 2);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

static void set_sysctl(const char *value)
{
	int fd = open("/proc/sys/kernel/task_diag", O_WRONLY);

	if (fd < 0 || write(fd, value, 1) != 1)
		abort();
	close(fd);
}

TEST_F(kernel, the_sysctl_denies)
{
	struct td_handle *td;

	set_sysctl("2");
	EXPECT_EQ(td_open(&td), -EPERM);
	EXPECT_NE(strstr(td_error(td), "sysctl kernel.task_diag = 2"), NULL)
		TH_LOG("%s", td_error(td));
	td_close(td);
	EXPECT_EQ(dump(self), -EPERM);
	set_sysctl("0");
	MUST(dump(self));
}

static void *dump_often(void *arg)
{
	struct task_diag_pid req = { .show_flags = MUCH };
	const struct td_task *task;
	struct td_handle *td;
	long i, tasks = 0;

	(void)arg;
	for (i = 0; i < 5; i++) {
		if (td_open(&td) || td_dump(td, &req, sizeof(req)))
			return NULL;
		while (td_next(td, &task) > 0)
			tasks += !td_group(task, TASK_DIAG_BASE, NULL, 0);
		td_close(td);
	}
	return (void *)tasks;
}

TEST_F(kernel, threads_with_a_handle_each)
{
	pthread_t threads[4];
	void *ret;
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, dump_often, NULL), 0);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(pthread_join(threads[i], &ret), 0);
		EXPECT_GT((long)ret, 5);
	}
}

/* --- events -------------------------------------------------------------- */

#define ALL_EVENTS	((2U << TASK_DIAG_EVENT_CRED) - 2)
#define WAIT_MS		10000

static int subscribe(FIXTURE_DATA(kernel) *self, __u32 events)
{
	return td_subscribe(self->td, &self->req, sizeof(self->req), events);
}

/* Waits for this event of this task; skips those of others. */
static bool comes(FIXTURE_DATA(kernel) *self, pid_t pid, __u32 type,
		  struct task_diag_event *event)
{
	while (td_event(self->td, &self->task, WAIT_MS) > 0) {
		td_group(self->task, TASK_DIAG_EVENT, event, sizeof(*event));
		if (td_pid(self->task) == (__u32)pid && event->type == type)
			return true;
	}
	return false;
}

#define EXPECT_COMES(pid, which)	\
	ASSERT_TRUE(comes(self, pid, TASK_DIAG_EVENT_##which, &event))

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The id of a task, which must exist */
static __u64 id_of(FIXTURE_DATA(kernel) *self, pid_t pid)
{
	struct task_diag_base base;
	struct task_diag_pid req = {
		.show_flags = SHOW(BASE),
		.pid = pid,
	};
	const struct td_task *task;

	if (td_get(self->td, &req, sizeof(req), &task) ||
	    td_group(task, TASK_DIAG_BASE, &base, sizeof(base)))
		abort();
	return base.id;
}

TEST_F(kernel, events_of_a_process)
{
	const __u64 own_id = id_of(self, getpid()), start = now_ns();
	struct task_diag_event event;
	struct task_diag_times times;
	struct task_diag_base base;
	const char *args;
	__u64 id, time;
	pid_t child;
	int status;
	size_t len;

	self->req.show_flags = SHOW(BASE) | SHOW(TIMES) | SHOW(CMDLINE);
	MUST(subscribe(self, ALL_EVENTS));
	child = fork();
	if (!child) {
		prctl(PR_SET_NAME, "named");
		if (setresuid(USER, USER, USER))
			_exit(1);
		execl("/bin/sh", "sh", "-c", "exit 3", NULL);
		_exit(1);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);

	EXPECT_COMES(child, FORK);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base)), 0);
	id = event.id;
	time = event.time;
	EXPECT_NE(id, 0);
	EXPECT_EQ(base.id, id);
	EXPECT_EQ(base.pid, child);
	EXPECT_EQ(event.tgid, child);
	EXPECT_EQ(event.ppid, getpid());
	EXPECT_EQ(event.parent_id, own_id);
	EXPECT_EQ(event.lost, 0);
	EXPECT_GE(event.time, start);

	EXPECT_COMES(child, COMM);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base)), 0);
	EXPECT_STREQ((char *)base.comm, "named");
	EXPECT_COMES(child, CRED);
	EXPECT_EQ(event.id, id);

	EXPECT_COMES(child, EXEC);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(event.old_id, id);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CMDLINE, &args, &len), 0);
	ASSERT_EQ(len, sizeof("sh\0-c\0exit 3"));
	EXPECT_EQ(memcmp(args, "sh\0-c\0exit 3", len), 0);

	EXPECT_COMES(child, EXIT);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(event.flags, TASK_DIAG_EVENT_LAST);
	EXPECT_EQ(event.exit_code, status);
	EXPECT_EQ(event.exit_signal, SIGCHLD);
	EXPECT_GE(event.time, time);
	EXPECT_LE(event.time, now_ns());
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CMDLINE, &args, &len), 0);
	EXPECT_EQ(len, sizeof("sh\0-c\0exit 3"));
	EXPECT_EQ(td_group(self->task, TASK_DIAG_TIMES, &times, sizeof(times)), 0);
	EXPECT_GE(times.start_time, start);
	EXPECT_LE(times.start_time, event.time);
}

static void *exec_true(void *arg)
{
	(void)arg;
	execl("/bin/true", "true", NULL);
	return NULL;
}

/* A thread that is not the leader calls exec. */
static void exec_in_a_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_true, NULL);
	for (;;)
		pause();
}

TEST_F(kernel, events_of_threads)
{
	struct task_diag_event event;
	__u64 leader, thread;
	pid_t child, tid;
	int status;

	self->req.dump_strategy = TASK_DIAG_DUMP_ALL_THREAD;
	MUST(subscribe(self, ALL_EVENTS));
	child = fork();
	if (!child)
		exec_in_a_thread();
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	EXPECT_COMES(child, FORK);
	leader = event.id;
	do {
		ASSERT_EQ(td_event(self->td, &self->task, WAIT_MS), 1);
		td_group(self->task, TASK_DIAG_EVENT, &event, sizeof(event));
	} while (event.tgid != (__u32)child || event.type != TASK_DIAG_EVENT_FORK);
	tid = td_pid(self->task);
	thread = event.id;
	EXPECT_NE(tid, child);
	EXPECT_NE(thread, leader);
	EXPECT_EQ(event.exit_signal, -1);
	EXPECT_COMES(child, EXIT);
	EXPECT_EQ(event.id, leader);
	EXPECT_EQ(event.flags, 0);
	EXPECT_COMES(child, EXEC);
	EXPECT_EQ(event.id, leader);
	EXPECT_EQ(event.old_id, thread);
	EXPECT_COMES(child, EXIT);
	EXPECT_EQ(event.id, leader);
	EXPECT_EQ(event.flags, TASK_DIAG_EVENT_LAST);
}

TEST_F(kernel, events_during_a_dump_are_not_lost)
{
	struct task_diag_event event;
	pid_t pids[MANY];
	int i, ret;

	MUST(subscribe(self, ALL_EVENTS));
	start_many(pids, MANY);
	self->req.show_flags = MUCH;
	MUST(dump(self));
	ASSERT_EQ(next(self), 1);
	stop_many(pids, MANY);
	for (i = 0; i < MANY; i++)
		EXPECT_COMES(pids[i], FORK);
	while ((ret = next(self)) > 0)
		;
	EXPECT_EQ(ret, 0) TH_LOG("%s", td_error(self->td));
	for (i = 0; i < MANY; i++) {
		EXPECT_COMES(pids[i], EXIT);
		EXPECT_EQ(event.exit_code, SIGKILL);
	}
}

TEST_F_TIMEOUT(kernel, events_that_find_no_room_are_counted, 300)
{
	const int size = 1;
	struct task_diag_event event;
	pid_t pids[MANY];
	__u64 lost = 0;
	int i, nr = 0, ret;

	MUST(subscribe(self, 1U << TASK_DIAG_EVENT_EXIT));
	ASSERT_EQ(setsockopt(td_fd(self->td), SOL_SOCKET, SO_RCVBUF, &size,
			     sizeof(size)), 0);
	for (i = 0; i < 10; i++) {
		start_many(pids, MANY);
		stop_many(pids, MANY);
	}
	EXPECT_EQ(td_event(self->td, &self->task, 0), -ENOBUFS);
	start_many(pids, 1);
	while ((ret = td_event(self->td, &self->task, 0)) > 0)
		nr++;
	EXPECT_TRUE(ret == -EAGAIN || ret == -ENOBUFS) TH_LOG("%d", ret);
	stop_many(pids, 1);
	while ((ret = td_event(self->td, &self->task, WAIT_MS)) > 0) {
		td_group(self->task, TASK_DIAG_EVENT, &event, sizeof(event));
		lost += event.lost;
		nr++;
		if (td_pid(self->task) == (__u32)pids[0])
			break;
	}
	EXPECT_EQ(ret, 1) TH_LOG("%s", td_error(self->td));
	EXPECT_GT(lost, 0);
	EXPECT_GE(nr + lost, 10 * MANY + 1);
}

static FIXTURE_DATA(kernel) *of_thread;

static void *subscribe_and_end(void *arg)
{
	(void)arg;
	return (void *)(long)subscribe(of_thread, ALL_EVENTS);
}

TEST_F(kernel, a_subscription_ends_with_its_thread)
{
	pthread_t thread;
	void *err;
	int ret;

	of_thread = self;
	ASSERT_EQ(pthread_create(&thread, NULL, subscribe_and_end, NULL), 0);
	ASSERT_EQ(pthread_join(thread, &err), 0);
	ASSERT_EQ((long)err, 0);
	while ((ret = td_event(self->td, &self->task, WAIT_MS)) > 0)
		;
	EXPECT_EQ(ret, -EPERM);
	EXPECT_EQ(td_event(self->td, &self->task, -1), -EPERM);
	MUST(subscribe(self, ALL_EVENTS));
}

TEST_F(kernel, a_subscription_ends_with_its_credentials)
{
	int ret;

	MUST(subscribe(self, ALL_EVENTS));
	ASSERT_EQ(setresgid(USER, USER, USER), 0);
	while ((ret = td_event(self->td, &self->task, WAIT_MS)) > 0)
		;
	EXPECT_EQ(ret, -EPERM);
}

TEST_F(kernel, a_child_does_not_take_events)
{
	struct task_diag_event event;
	pid_t child;
	int status;

	MUST(subscribe(self, ALL_EVENTS));
	child = fork();
	if (!child) {
		if (td_event(self->td, &self->task, -1) != -EPERM)
			_exit(1);
		if (get(self, 0, SHOW(BASE)) || subscribe(self, ALL_EVENTS))
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	EXPECT_COMES(child, FORK);
	EXPECT_COMES(child, EXIT);
}

TEST_F(kernel, events_of_selected_tasks_alone)
{
	struct task_diag_event event;
	int i;

	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, USER), 0);
	MUST(subscribe(self, 1U << TASK_DIAG_EVENT_EXIT));
	for (i = 0; i < 3; i++)
		stop(start(prepare_nothing));
	self->other = start(prepare_user);
	stop(self->other);
	ASSERT_EQ(td_event(self->td, &self->task, WAIT_MS), 1);
	EXPECT_EQ(td_pid(self->task), self->other);
	td_group(self->task, TASK_DIAG_EVENT, &event, sizeof(event));
	EXPECT_EQ(event.type, TASK_DIAG_EVENT_EXIT);
	self->other = 0;
	EXPECT_EQ(td_event(self->td, &self->task, 0), -EAGAIN);
}

TEST_F(kernel, subscriptions_are_refused_with_the_kernels_text)
{
	struct task_diag_header header;

	td_header(self->td, &header, sizeof(header));
	EXPECT_EQ(header.events & ALL_EVENTS, ALL_EVENTS);
	EXPECT_EQ(header.event_show_flags & ~header.show_flags, 0);
	EXPECT_TRUE(header.event_show_flags & SHOW(BASE));
	self->req.dump_strategy = TASK_DIAG_DUMP_ONE;
	EXPECT_EQ(subscribe(self, ALL_EVENTS), -EINVAL);
	self->req.dump_strategy = TASK_DIAG_DUMP_ALL;
	self->req.show_flags = SHOW(VMA);
	if (!(header.event_show_flags & SHOW(VMA)))
		EXPECT_EQ(subscribe(self, ALL_EVENTS), -EOPNOTSUPP);
	self->req.show_flags = 0;
	EXPECT_EQ(subscribe(self, 1U << 31), -EINVAL);
	EXPECT_NE(strcmp(td_error(self->td), "task_diag: Invalid argument"), 0);
	EXPECT_EQ(td_event(self->td, &self->task, 0), -ENOTCONN);
	MUST(subscribe(self, ALL_EVENTS));
}

/* --- mirrors ------------------------------------------------------------- */

/* Forks, and lets threads call exec, until it is killed. */
static void prepare_storm(void)
{
	pid_t child, pids[8];
	int i;

	child = fork();
	if (child)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		for (i = 0; i < 8; i++) {
			pids[i] = fork();
			if (!pids[i] && i == 3)
				exec_in_a_thread();
			if (!pids[i])
				_exit(0);
		}
		for (i = 0; i < 8; i++)
			waitpid(pids[i], NULL, 0);
	}
}

static bool is_dead(const struct task_diag_base *base)
{
	return base->state == 'Z' || base->state == 'X';
}

/* Differences between a mirror and a dump, while nothing happens */
static int differences(FIXTURE_DATA(kernel) *self, struct td_mirror *mirror)
{
	int ret, differ = 0, in_dump = 0;
	struct task_diag_base base;

	self->req.show_flags = SHOW(BASE);
	if (dump(self))
		return -1;
	while ((ret = next(self)) > 0) {
		td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base));
		if (is_dead(&base))
			continue;
		in_dump++;
		differ += td_mirror_find(mirror, base.id, NULL, 0) != 0;
	}
	base.id = 0;
	while (td_mirror_next(mirror, base.id, &base, sizeof(base)))
		in_dump--;
	return ret ? ret : differ + abs(in_dump);
}

/* Kernel workers start and end, so compare a few times. */
static int settle(FIXTURE_DATA(kernel) *self, struct td_mirror *mirror)
{
	int i, differ = -1;

	for (i = 0; i < 50 && differ; i++) {
		usleep(10000);
		if (td_mirror_update(mirror, 0) < 0)
			return -1;
		differ = differences(self, mirror);
	}
	return differ;
}

/* A call for a mirror that may leave it out of date */
#define MAY(call) do {							\
	const int ret = call;						\
									\
	ASSERT_GE(ret, 0) TH_LOG("%s", td_error(self->td));		\
} while (0)

TEST_F_TIMEOUT(kernel, a_mirror_stays_what_a_dump_is, 600)
{
	const __u64 strategies[] = { TASK_DIAG_DUMP_ALL, TASK_DIAG_DUMP_ALL_THREAD };
	struct td_mirror *mirror;
	int i, round;
	__u64 end;

	for (i = 0; i < 2; i++) {
		self->req.dump_strategy = strategies[i];
		/* It begins during the storm. */
		for (round = 0; round < 5; round++) {
			self->other = start(prepare_storm);
			ASSERT_GT(self->other, 0);
			MAY(td_mirror_open(&mirror, self->td, strategies[i]));
			for (end = now_ns() + 1000000000; now_ns() < end;)
				MAY(td_mirror_update(mirror, 100));
			stop(self->other);
			self->other = 0;
			EXPECT_EQ(settle(self, mirror), 0)
				TH_LOG("strategy %llu, round %d", strategies[i], round);
			td_mirror_close(mirror);
		}
	}
}

/* More events than there is room for */
TEST_F_TIMEOUT(kernel, a_mirror_that_loses_events_finds_out, 300)
{
	struct td_mirror *mirror;
	const int size = 1;
	int i;

	MAY(td_mirror_open(&mirror, self->td, TASK_DIAG_DUMP_ALL));
	ASSERT_EQ(setsockopt(td_fd(self->td), SOL_SOCKET, SO_RCVBUF, &size,
			     sizeof(size)), 0);
	self->other = start(prepare_storm);
	ASSERT_GT(self->other, 0);
	for (i = 0; i < 60 && !td_mirror_lost(mirror); i++) {
		sleep(1);
		MAY(td_mirror_update(mirror, 0));
	}
	stop(self->other);
	self->other = 0;
	EXPECT_EQ(settle(self, mirror), 0);
	EXPECT_GT(td_mirror_lost(mirror), 0);
	td_mirror_close(mirror);
}

static void *end_of_leader(void *leader)
{
	pthread_join(*(pthread_t *)leader, NULL);
	raise(SIGSTOP);
	return sleeper(NULL);
}

/* Its leader ends, and another thread signals that start() may go on. */
static void prepare_end_of_leader(void)
{
	static pthread_t leader;
	pthread_t thread;

	leader = pthread_self();
	if (pthread_create(&thread, NULL, end_of_leader, &leader))
		_exit(1);
	pthread_exit(NULL);
}

/* It lives without its leader, but not if all threads are zombies. */
TEST_F(kernel, a_mirror_has_a_process_as_long_as_a_thread_lives)
{
	struct td_mirror *mirror;
	pid_t thread;
	__u64 id;

	self->other = start(prepare_end_of_leader);
	ASSERT_GT(self->other, 0);
	id = id_of(self, self->other);
	MAY(td_mirror_open(&mirror, self->td, TASK_DIAG_DUMP_ALL));
	EXPECT_EQ(td_mirror_find(mirror, id, NULL, 0), 0);

	self->req.dump_strategy = TASK_DIAG_DUMP_THREAD;
	self->req.pid = self->other;
	MUST(dump(self));
	ASSERT_EQ(next(self), 1);
	ASSERT_EQ(next(self), 1);
	thread = td_pid(self->task);
	/* It counts until its tracer has waited for it. */
	ASSERT_EQ(ptrace(PTRACE_SEIZE, thread, 0, 0), 0);
	ASSERT_EQ(kill(self->other, SIGKILL), 0);
	ASSERT_EQ(waitid(P_PID, thread, NULL, WEXITED | WNOWAIT | __WALL), 0);
	MAY(td_mirror_update(mirror, 0));
	EXPECT_EQ(td_mirror_find(mirror, id, NULL, 0), -ESRCH);
	MAY(td_mirror_dump(mirror));
	EXPECT_EQ(td_mirror_find(mirror, id, NULL, 0), -ESRCH);
	td_mirror_close(mirror);
	EXPECT_EQ(waitpid(thread, NULL, __WALL), thread);
}

TEST_HARNESS_MAIN
