// SPDX-License-Identifier: GPL-2.0
/*
 * Reads from procfs what task_diag gives, in the cheapest way that procfs has:
 * the fewest system calls, one buffer and no stdio on the way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "baseline.h"
#include "procfs.h"

/**
 * struct task_file - a file of a task
 * @name: in the task's directory
 * @partly: a read gives a part of it, however large the buffer; of the others
 *	one that leaves room in the buffer gave all
 */
static const struct task_file {
	const char *name;
	bool partly;
} task_files[] = {
	{ "cmdline", false },
	{ "maps", true },
	{ "stat", false },
	{ "statm", false },
	{ "status", false },
};

static struct tool_options opts;

/* What to read of a task; by default the fields of stat */
static struct {
	bool given;
	size_t nr;
	const struct task_file *file[ARRAY_SIZE(task_files)];
} files;

static bool query_maps;
static bool pidfds;
static bool fds;
/* The only process, if not all */
static const char *only_pid;

static unsigned long tasks;

/* --- the fields of stat ------------------------------------------------ */

static void read_stat(int dir, const char *name)
{
	char path[PROCFS_PATH_SIZE], buf[1024];
	ssize_t len;
	int fd;

	MAKE_PATH(path, name, "/stat");
	fd = procfs_open(dir, path, O_RDONLY);
	if (fd < 0)
		return;
	procfs_syscalls++;
	len = read(fd, buf, sizeof(buf) - 1);
	if (len < 0 && !procfs_gone())
		die(path);
	procfs_close(fd);
	if (len <= 0)
		return;
	/* Ends the number that a full buffer would cut */
	buf[len] = '\0';
	tasks += procfs_show_stat(buf, len, &opts);
}

/* --- files as they are ------------------------------------------------- */

static void show_task(const char *name)
{
	tasks++;
	if (shows_tasks(&opts) && (opts.pids || !files.nr))
		puts(name);
}

/* Returns whether the task still had that file. */
static bool read_file(int dir, const char *path, bool partly)
{
	static char buf[65536];
	ssize_t len;
	int fd;

	fd = procfs_open(dir, path, O_RDONLY);
	if (fd < 0)
		return false;
	do {
		procfs_syscalls++;
		len = read(fd, buf, sizeof(buf));
		if (len < 0 && !procfs_gone())
			die(path);
		if (len > 0 && shows_tasks(&opts) && !opts.pids)
			fwrite(buf, 1, len, stdout);
	} while (partly ? len > 0 : len == sizeof(buf));
	procfs_close(fd);
	return len >= 0;
}

/* Opening the task's directory first costs more than four paths through /proc. */
static void read_files(int dir, const char *name)
{
	char path[PROCFS_PATH_SIZE], *end;
	size_t i;

	end = stpcpy(path, name);
	*end++ = '/';
	for (i = 0; i < files.nr; i++) {
		stpcpy(end, files.file[i]->name);
		if (!read_file(dir, path, files.file[i]->partly))
			return;
	}
	show_task(name);
}

/* --- mappings, asked for one by one ------------------------------------ */

static void show_mapping(const struct procmap_query *query, const char *name)
{
	static const char flags[] = "rwx";
	unsigned int i;

	printf("%llx-%llx ", (unsigned long long)query->vma_start,
	       (unsigned long long)query->vma_end);
	for (i = 0; i < 3; i++)
		putchar(query->vma_flags >> i & 1 ? flags[i] : '-');
	printf("%c %llx %x:%x %llu ",
	       query->vma_flags & PROCMAP_QUERY_VMA_SHARED ? 's' : 'p',
	       (unsigned long long)query->vma_offset, query->dev_major,
	       query->dev_minor, (unsigned long long)query->inode);
	if (query->vma_name_size)
		print_escaped(name, query->vma_name_size - 1, 0);
	putchar('\n');
}

static void query_mappings(int dir, const char *name)
{
	char path[PROCFS_PATH_SIZE], vma_name[PATH_MAX];
	struct procmap_query query = {
		.size = sizeof(query),
		.query_flags = PROCMAP_QUERY_COVERING_OR_NEXT_VMA,
		.vma_name_size = sizeof(vma_name),
		.vma_name_addr = (uintptr_t)vma_name,
	};
	int fd;

	MAKE_PATH(path, name, "/maps");
	fd = procfs_open(dir, path, O_RDONLY);
	if (fd < 0)
		return;
	for (;;) {
		procfs_syscalls++;
		if (ioctl(fd, PROCMAP_QUERY, &query))
			break;
		if (shows_tasks(&opts) && !opts.pids)
			show_mapping(&query, vma_name);
		query.query_addr = query.vma_end;
		query.vma_name_size = sizeof(vma_name);
	}
	/* There is none further up, or none at all. */
	if (!procfs_gone())
		die("PROCMAP_QUERY");
	procfs_close(fd);
	show_task(name);
}

/* --- what each open file is --------------------------------------------- */

static void read_fds(int dir, const char *name)
{
	char path[PROCFS_PATH_SIZE], target[PATH_MAX];
	struct dirent *entry;
	ssize_t len;
	DIR *stream;
	int fd;

	MAKE_PATH(path, name, "/fd");
	fd = procfs_open(dir, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return;
	stream = fdopendir(fd);
	if (!stream)
		die(path);
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		procfs_syscalls++;
		len = readlinkat(fd, entry->d_name, target, sizeof(target));
		if (len < 0 || !shows_tasks(&opts) || opts.pids)
			continue;
		printf("%s ", entry->d_name);
		print_escaped(target, len, 0);
		putchar('\n');
	}
	closedir(stream);
	procfs_syscalls++;
	show_task(name);
}

/* --- what a descriptor of the process shows ----------------------------- */

/* The first version, as <linux/pidfd.h> cannot be had beside <fcntl.h> */
struct pidfd_info {
	__u64 mask;
	__u64 cgroupid;
	__u32 pid;
	__u32 tgid;
	__u32 ppid;
	__u32 ids[8];
	__s32 exit_code;
};

#define PIDFD_GET_INFO	_IOWR(0xff, 11, struct pidfd_info)

static void ask_pidfd(int dir, const char *name)
{
	struct pidfd_info info = {};
	int fd;

	(void)dir;
	procfs_syscalls++;
	fd = syscall(SYS_pidfd_open, atoi(name), 0);
	if (fd < 0) {
		if (!procfs_gone())
			die("pidfd_open");
		return;
	}
	procfs_syscalls++;
	if (!ioctl(fd, PIDFD_GET_INFO, &info)) {
		tasks++;
		if (shows_tasks(&opts))
			printf(opts.pids ? "%u\n" : "%7u %7u\n", info.pid,
			       info.ppid);
	} else if (!procfs_gone()) {
		fprintf(stderr, "task_proc_all: this kernel lacks PIDFD_GET_INFO, see --help\n");
		exit(3);
	}
	procfs_close(fd);
}

/* --- the command line -------------------------------------------------- */

enum { OPTION_FILES = OPTION_OWN, OPTION_QUERY_MAPS, OPTION_FDS, OPTION_PIDFDS,
	OPTION_PID };

static const struct option options[] = {
	{ "threads", no_argument, NULL, OPTION_THREADS },
	{ "pid", required_argument, NULL, OPTION_PID },
	{ "files", required_argument, NULL, OPTION_FILES },
	{ "query-maps", no_argument, NULL, OPTION_QUERY_MAPS },
	{ "fds", no_argument, NULL, OPTION_FDS },
	{ "pidfds", no_argument, NULL, OPTION_PIDFDS },
};

static bool parse_file(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(task_files); i++) {
		if (!strcmp(name, task_files[i].name)) {
			if (files.nr == ARRAY_SIZE(files.file))
				return false;
			files.file[files.nr++] = &task_files[i];
			return true;
		}
	}
	return false;
}

/* A list of files with commas in between, or "none" */
static bool parse_files(char *list)
{
	char *name;

	files.given = true;
	files.nr = 0;
	if (!strcmp(list, "none"))
		return true;
	while ((name = strsep(&list, ","))) {
		if (!parse_file(name))
			return false;
	}
	return true;
}

static bool parse_own(int option)
{
	switch (option) {
	case OPTION_FILES:
		return parse_files(optarg);
	case OPTION_QUERY_MAPS:
		query_maps = true;
		return true;
	case OPTION_FDS:
		fds = true;
		return true;
	case OPTION_PIDFDS:
		pidfds = true;
		return true;
	case OPTION_PID:
		only_pid = optarg;
		return strspn(optarg, "0123456789") == strlen(optarg) &&
		       *optarg && strlen(optarg) <= 10;
	}
	return false;
}

static const struct tool tool = {
	.usage =
	"usage: task_proc_all [--threads | --pid PID]\n"
	"                     [--files LIST | --query-maps | --fds | --pidfds]\n"
	"                     [--only-pids | --quiet | --bench]\n"
	"Shows all processes, read from procfs: some fields of /proc/PID/stat.\n\n"
	"  --threads       all threads, from /proc/PID/task/TID\n"
	"  --pid PID       this process alone\n"
	"  --files LIST    read these files, and show them as they are: none, or with\n"
	"                  commas of cmdline, maps, stat, statm, status\n"
	"  --query-maps    ask for each mapping with the ioctl PROCMAP_QUERY\n"
	"  --fds           read the link of each open file\n"
	"  --pidfds        open a descriptor of each process, and ask it with the ioctl\n"
	"                  PIDFD_GET_INFO: pid, parent, users, groups and cgroup\n"
	TOOL_USAGE
	"\nExit status: 0; 1 if procfs could not be read; 2 for wrong usage; 3 if this\n"
	"kernel lacks PIDFD_GET_INFO, which Linux 6.13 brought.\n",
	.options = options,
	.nr_options = ARRAY_SIZE(options),
	.parse = parse_own,
};

static void read_one(procfs_fn fn)
{
	int dir;

	dir = procfs_open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		die("/proc");
	fn(dir, only_pid);
	procfs_close(dir);
	if (!tasks)
		die(only_pid);
}

int main(int argc, char **argv)
{
	procfs_fn fn = read_stat;
	unsigned long long start;

	parse_tool_options(argc, argv, &tool, &opts);
	if ((opts.threads && (only_pid || pidfds)) ||
	    files.given + query_maps + fds + pidfds > 1)
		tool_bad_usage(&tool);
	if (files.given)
		fn = read_files;
	else if (query_maps)
		fn = query_mappings;
	else if (fds)
		fn = read_fds;
	else if (pidfds)
		fn = ask_pidfd;
	else if (shows_tasks(&opts) && !opts.pids)
		puts("    PID    PPID     SID    PGID S COMM");

	start = now_ns();
	if (only_pid)
		read_one(fn);
	else
		procfs_walk(opts.threads, fn, NULL);
	print_result(&opts, tasks, procfs_syscalls, now_ns() - start);
	return finish_output() ? 1 : 0;
}
