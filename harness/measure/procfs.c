// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/types.h>
#include <sys/syscall.h>

#include "baseline.h"
#include "procfs.h"

/* What getdents64() gives; not every C library has it. */
struct dirent64_header {
	__u64 d_ino;
	__s64 d_off;
	__u16 d_reclen;
	__u8 d_type;
	char d_name[];
};

/**
 * struct stat_fields - the first fields of /proc/PID/stat
 * @pid: task
 * @comm: its name, in the buffer that was read
 * @comm_len: how long the name is
 * @state: one letter
 * @ppid: parent
 * @pgid: process group
 * @sid: session
 */
struct stat_fields {
	unsigned int pid;
	const char *comm;
	size_t comm_len;
	char state;
	unsigned int ppid;
	unsigned int pgid;
	unsigned int sid;
};

unsigned long procfs_syscalls;

/* What to call for each thread of a process */
static procfs_fn thread_fn;

/**
 * procfs_gone() - whether errno says that the task ended meanwhile
 */
bool procfs_gone(void)
{
	return errno == ENOENT || errno == ESRCH;
}

/**
 * procfs_open() - open what belongs to a task
 * @dir: where @path starts
 * @path: what to open
 * @flags: for openat()
 *
 * Return: a descriptor, or -1 if the task is gone.
 */
int procfs_open(int dir, const char *path, int flags)
{
	int fd;

	procfs_syscalls++;
	fd = openat(dir, path, flags);
	if (fd < 0 && !procfs_gone())
		die(path);
	return fd;
}

void procfs_close(int fd)
{
	procfs_syscalls++;
	close(fd);
}

/* Calls @fn for each entry of the open directory @dir that is a number. */
static void walk_numbers(int dir, void *buf, size_t size, procfs_fn fn)
{
	const struct dirent64_header *entry;
	long len, pos;

	for (;;) {
		procfs_syscalls++;
		len = syscall(SYS_getdents64, dir, buf, size);
		if (len < 0 && !procfs_gone())
			die("getdents64");
		if (len <= 0)
			return;
		for (pos = 0; pos < len; pos += entry->d_reclen) {
			entry = (const void *)((char *)buf + pos);
			if (isdigit(entry->d_name[0]))
				fn(dir, entry->d_name);
		}
	}
}

static void walk_threads(int dir, const char *name)
{
	static __u64 buf[8192];
	char path[PROCFS_PATH_SIZE];
	int fd;

	MAKE_PATH(path, name, "/task");
	fd = procfs_open(dir, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return;
	walk_numbers(fd, buf, sizeof(buf), thread_fn);
	procfs_close(fd);
}

/**
 * procfs_walk() - find all tasks
 * @threads: threads, not processes
 * @fn: called for each
 * @flush: if not %NULL, called at the end, for what @fn put off
 */
void procfs_walk(bool threads, procfs_fn fn, void (*flush)(void))
{
	static __u64 buf[8192];
	int dir;

	dir = procfs_open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		die("/proc");
	thread_fn = fn;
	walk_numbers(dir, buf, sizeof(buf), threads ? walk_threads : fn);
	if (flush)
		flush();
	procfs_close(dir);
}

static unsigned int parse_number(const char **pos)
{
	unsigned int n = 0;

	while (isdigit(**pos))
		n = n * 10 + *(*pos)++ - '0';
	return n;
}

/* "PID (COMM) S PPID PGID SID ...", and COMM may hold any of these itself */
static bool parse_stat(const char *buf, size_t len, struct stat_fields *f)
{
	const char *pos = buf, *close = memrchr(buf, ')', len);

	f->pid = parse_number(&pos);
	if (!close || buf + len - close < 5 || pos + 2 > close)
		return false;
	f->comm = pos + 2;
	f->comm_len = close - f->comm;
	f->state = close[2];
	pos = close + 4;
	f->ppid = parse_number(&pos);
	pos++;
	f->pgid = parse_number(&pos);
	pos++;
	f->sid = parse_number(&pos);
	return true;
}

/**
 * procfs_show_stat() - parse the stat of a task, and show what it says
 * @buf: what was read, with a zero byte behind
 * @len: length of that
 * @opts: how to show it
 *
 * Return: whether it was that of a task.
 */
bool procfs_show_stat(const char *buf, size_t len, const struct tool_options *opts)
{
	struct stat_fields f;

	if (!parse_stat(buf, len, &f))
		return false;
	if (!shows_tasks(opts))
		return true;
	if (opts->pids) {
		printf("%u\n", f.pid);
		return true;
	}
	printf("%7u %7u %7u %7u %c ", f.pid, f.ppid, f.sid, f.pgid, f.state);
	print_escaped(f.comm, f.comm_len, 0);
	putchar('\n');
	return true;
}
