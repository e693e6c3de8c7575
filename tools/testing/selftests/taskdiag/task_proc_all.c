// SPDX-License-Identifier: GPL-2.0
/*
 * Reads from procfs what task_diag gives with --show base, in the cheapest way
 * that procfs has: the fewest system calls and no stdio on the way.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "output.h"

static struct {
	bool threads;
	bool quiet;
	bool bench;
	bool pids;
} opts;

static unsigned long syscalls, tasks;

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

static noreturn void die(const char *what)
{
	fprintf(stderr, "task_proc_all: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- one task ---------------------------------------------------------- */

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

static void show_task(const struct stat_fields *f)
{
	tasks++;
	if (opts.quiet || opts.bench)
		return;
	if (opts.pids) {
		printf("%u\n", f->pid);
		return;
	}
	printf("%7u %7u %7u %7u %c ", f->pid, f->ppid, f->sid, f->pgid, f->state);
	print_escaped(f->comm, f->comm_len, 0);
	putchar('\n');
}

/* A task that ended meanwhile is none. */
static bool gone(void)
{
	return errno == ENOENT || errno == ESRCH;
}

/* Appends @suffix, of which sizeof() is known, to the name of a task. */
#define MAKE_PATH(path, name, suffix) \
	memcpy(stpcpy(path, name), suffix, sizeof(suffix))

static void read_task(int dir, const char *name)
{
	char path[32], buf[1024];
	struct stat_fields fields;
	ssize_t len;
	int fd;

	MAKE_PATH(path, name, "/stat");
	syscalls++;
	fd = openat(dir, path, O_RDONLY);
	if (fd < 0) {
		if (gone())
			return;
		die(path);
	}
	syscalls++;
	len = read(fd, buf, sizeof(buf) - 1);
	if (len < 0 && !gone())
		die(path);
	syscalls++;
	close(fd);
	if (len <= 0)
		return;
	/* Ends the number that a full buffer would cut */
	buf[len] = '\0';
	if (parse_stat(buf, len, &fields))
		show_task(&fields);
}

/* --- all of them ------------------------------------------------------- */

typedef void (*entry_fn)(int dir, const char *name);

/* Calls @fn for each entry of the open directory @dir that is a number. */
static void walk_numbers(int dir, void *buf, size_t size, entry_fn fn)
{
	const struct dirent64_header *entry;
	long len, pos;

	for (;;) {
		syscalls++;
		len = syscall(SYS_getdents64, dir, buf, size);
		if (len < 0 && !gone())
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

static void read_threads(int dir, const char *name)
{
	static __u64 buf[8192];
	char path[32];
	int fd;

	MAKE_PATH(path, name, "/task");
	syscalls++;
	fd = openat(dir, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0) {
		if (gone())
			return;
		die(path);
	}
	walk_numbers(fd, buf, sizeof(buf), read_task);
	syscalls++;
	close(fd);
}

static void read_all(void)
{
	static __u64 buf[8192];
	int dir;

	syscalls++;
	dir = open("/proc", O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		die("/proc");
	walk_numbers(dir, buf, sizeof(buf),
		     opts.threads ? read_threads : read_task);
	syscalls++;
	close(dir);
}

/* --- the command line -------------------------------------------------- */

static void print_usage(FILE *to)
{
	fputs("usage: task_proc_all [--threads] [--pids | --quiet | --bench]\n"
	      "Shows all processes, read from /proc/PID/stat.\n\n"
	      "  --threads  all threads, from /proc/PID/task/TID/stat\n"
	      "  --pids     pids alone, one a line\n"
	      "  --quiet    the number of tasks\n"
	      "  --bench    the number of tasks, and the system calls and the nanoseconds\n"
	      "             that reading them took\n"
	      "  --help     this text\n\n"
	      "Exit status: 0; 1 if procfs could not be read; 2 for wrong usage.\n", to);
}

static void parse_options(int argc, char **argv)
{
	enum { THREADS, PIDS, QUIET, BENCH, HELP };
	static const struct option options[] = {
		{ "threads", no_argument, NULL, THREADS },
		{ "pids", no_argument, NULL, PIDS },
		{ "quiet", no_argument, NULL, QUIET },
		{ "bench", no_argument, NULL, BENCH },
		{ "help", no_argument, NULL, HELP },
		{}
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case THREADS:
			opts.threads = true;
			break;
		case PIDS:
			opts.pids = true;
			break;
		case QUIET:
			opts.quiet = true;
			break;
		case BENCH:
			opts.bench = true;
			break;
		case HELP:
			print_usage(stdout);
			exit(finish_output() ? 1 : 0);
		default:
			print_usage(stderr);
			exit(2);
		}
	}
	if (optind < argc || opts.pids + opts.quiet + opts.bench > 1) {
		print_usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	unsigned long long start;

	parse_options(argc, argv);
	if (!opts.quiet && !opts.bench && !opts.pids)
		puts("    PID    PPID     SID    PGID S COMM");
	start = now_ns();
	read_all();
	if (opts.bench)
		print_bench(tasks, syscalls, now_ns() - start);
	else if (opts.quiet)
		printf("%lu\n", tasks);
	return finish_output() ? 1 : 0;
}
