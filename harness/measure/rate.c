// SPDX-License-Identifier: GPL-2.0
/*
 * How often one processor can do something in a given time: for benchmarks of
 * what dumps cost those who do not ask for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>
#include <libtask_diag.h>

#include "output.h"

#define NS_PER_S	1000000000ULL

static struct {
	unsigned long cpu;
	bool pin;
	unsigned long long start;
	unsigned long long ns;
} opts = {
	.ns = NS_PER_S,
};

/* --- what can be done -------------------------------------------------- */

static struct td_handle *td;

static void fork_and_exit(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0)
		die("fork");
	if (waitpid(pid, NULL, 0) < 0)
		die("waitpid");
}

static void spin(void)
{
	unsigned int i;

	for (i = 0; i < 100000; i++)
		__asm__ __volatile__("");
}

static int zero_fd;

static void open_zero(void)
{
	zero_fd = open("/dev/zero", O_RDONLY);
	if (zero_fd < 0)
		die("/dev/zero");
}

static void read_zero(void)
{
	static char buf[65536];

	if (read(zero_fd, buf, sizeof(buf)) != sizeof(buf))
		die("/dev/zero");
}

static noreturn void die_of_task_diag(void)
{
	fprintf(stderr, "rate: %s\n", td_error(td));
	exit(1);
}

static void dump(void)
{
	static const struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE,
		.dump_strategy = TASK_DIAG_DUMP_ALL,
	};
	size_t nr;

	if (td_dump(td, &req, sizeof(req)) || td_count(td, &nr))
		die_of_task_diag();
}

static void open_client(void)
{
	if (td_open(&td))
		die_of_task_diag();
}

static const struct job {
	const char *name;
	void (*prepare)(void);
	void (*once)(void);
} jobs[] = {
	{ "fork", NULL, fork_and_exit },
	{ "spin", NULL, spin },
	{ "zero", open_zero, read_zero },
	{ "dump", open_client, dump },
};

static const struct job *job;

/* --- the command line -------------------------------------------------- */

static const char usage[] =
	"usage: rate [OPTION]... fork|spin|zero|dump\n"
	"Does one thing again and again, and prints how often and how long as JSON.\n\n"
	"  fork         start a process that ends at once, and wait for it\n"
	"  spin         run through an empty loop\n"
	"  zero         read from /dev/zero: kernel code that shares nothing\n"
	"  dump         ask task_diag for BASE of all processes\n\n"
	"  --cpu N      on this processor alone\n"
	"  --start NS   not before CLOCK_MONOTONIC shows this\n"
	"  --ns NS      as long (1000000000)\n"
	"  --help       this text\n\n"
	"Exit status: 0; 1 if it failed; 2 for wrong usage.\n";

static noreturn void bad_usage(void)
{
	fputs(usage, stderr);
	exit(2);
}

static unsigned long long number(const char *value)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno)
		bad_usage();
	return n;
}

static void parse_options(int argc, char **argv)
{
	enum { CPU, START, NS, HELP };
	static const struct option options[] = {
		{ "cpu", required_argument, NULL, CPU },
		{ "start", required_argument, NULL, START },
		{ "ns", required_argument, NULL, NS },
		{ "help", no_argument, NULL, HELP },
		{}
	};
	int option;
	size_t i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case CPU:
			opts.cpu = number(optarg);
			opts.pin = true;
			break;
		case START:
			opts.start = number(optarg);
			break;
		case NS:
			opts.ns = number(optarg);
			break;
		case HELP:
			fputs(usage, stdout);
			exit(finish_output() ? 1 : 0);
		default:
			bad_usage();
		}
	}
	for (i = 0; optind == argc - 1 && i < ARRAY_SIZE(jobs); i++) {
		if (!strcmp(argv[optind], jobs[i].name))
			job = &jobs[i];
	}
	if (!job || opts.cpu >= CPU_SETSIZE)
		bad_usage();
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(opts.cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void wait_for_start(void)
{
	const struct timespec ts = {
		.tv_sec = opts.start / NS_PER_S,
		.tv_nsec = opts.start % NS_PER_S,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

int main(int argc, char **argv)
{
	unsigned long long start, now;
	unsigned long nr = 0;

	parse_options(argc, argv);
	if (opts.pin)
		pin();
	if (job->prepare)
		job->prepare();
	wait_for_start();
	start = now_ns();
	do {
		job->once();
		nr++;
		now = now_ns();
	} while (now - start < opts.ns);
	printf("{\"count\":%lu,\"ns\":%llu}\n", nr, now - start);
	return finish_output() ? 1 : 0;
}
