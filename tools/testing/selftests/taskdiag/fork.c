// SPDX-License-Identifier: GPL-2.0
/*
 * Makes many tasks that do nothing, for tests and benchmarks to look at.
 *
 * A task must cost little: the program is static and dirties few pages, the
 * processes are forked off one by one by the same parent, and their threads are
 * bare clones with a quarter of a page of stack. Each process still has its own
 * address space, as real ones do.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/*
 * What clone(), a thread and pause() need; there are no signal handlers, and
 * in a static program no lazy binding.
 */
#define STACK_SIZE	1024

/* Room that the rest of the system gets in pid_max and threads-max */
#define OTHER_TASKS	16384

/* Room for a process's own mappings in max_map_count */
#define OTHER_MAPPINGS	64

/* Room for a process's own descriptors in RLIMIT_NOFILE and nr_open */
#define OTHER_FILES	64

static struct {
	unsigned long processes;
	unsigned long threads;
	unsigned long mappings;
	unsigned long files;
	unsigned long sockets;
	int ready_fd;
	char **command;
} opts = {
	.processes = 1,
	.threads = 1,
	.ready_fd = STDOUT_FILENO,
};

/**
 * struct shared - one page, mapped by all processes
 * @running: tasks that run
 * @wanted: tasks that shall run
 * @done: futex: 1 if that is so, or if @error
 * @error: errno of the first failure in a process
 */
struct shared {
	unsigned long running;
	unsigned long wanted;
	unsigned int done;
	int error;
};

static struct shared *shared;
/* The parent's only: a thing less for fork() to copy */
static pid_t *pids;
static char *stacks;

static noreturn void die(const char *what)
{
	fprintf(stderr, "fork: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- in the processes -------------------------------------------------- */

static void report_done(void)
{
	__atomic_store_n(&shared->done, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &shared->done, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static noreturn void sleep_forever(void)
{
	if (__atomic_add_fetch(&shared->running, 1, __ATOMIC_RELAXED) ==
	    shared->wanted)
		report_done();
	for (;;)
		pause();
}

static int thread(void *unused)
{
	(void)unused;
	sleep_forever();
}

static noreturn void fail_process(int error)
{
	shared->error = error;
	report_done();
	_exit(1);
}

/* Of a file and of none in turn: neighbours of one kind would become one. */
static void make_mappings(void)
{
	const int fd = opts.mappings ? open("/proc/self/exe", O_RDONLY) : -1;
	const int flags[] = { MAP_PRIVATE, MAP_PRIVATE | MAP_ANONYMOUS };
	unsigned long i;

	for (i = 0; i < opts.mappings; i++) {
		if (mmap(NULL, 1, PROT_READ, flags[i % 2], i % 2 ? -1 : fd, 0) ==
		    MAP_FAILED)
			fail_process(errno);
	}
	if (fd >= 0)
		close(fd);
}

static void open_files(void)
{
	unsigned long i;

	for (i = 0; i < opts.files; i++) {
		if (open("/proc/self/exe", O_RDONLY) < 0)
			fail_process(errno);
	}
	for (i = 0; i < opts.sockets; i++) {
		if (socket(AF_UNIX, SOCK_DGRAM, 0) < 0)
			fail_process(errno);
	}
}

static noreturn void process(pid_t parent)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			  CLONE_THREAD | CLONE_SYSVSEM;
	unsigned long i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before. */
	if (getppid() != parent)
		_exit(1);

	make_mappings();
	open_files();
	for (i = 1; i < opts.threads; i++) {
		if (clone(thread, stacks + i * STACK_SIZE, flags, NULL) < 0)
			fail_process(errno);
	}
	sleep_forever();
}

/* --- in the parent ----------------------------------------------------- */

static void *map(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* Makes the number in @path at least @wanted. */
static void raise_sysctl(const char *path, unsigned long wanted)
{
	unsigned long now;
	FILE *file = fopen(path, "r");

	if (!file || fscanf(file, "%lu", &now) != 1)
		die(path);
	fclose(file);
	if (now >= wanted)
		return;

	file = fopen(path, "w");
	if (!file || fprintf(file, "%lu\n", wanted) < 0 || fclose(file)) {
		fprintf(stderr, "fork: %s is %lu, and %lu are needed: %s\n",
			path, now, wanted, strerror(errno));
		exit(1);
	}
}

static void raise_limit(int resource, const char *name, unsigned long wanted)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		die(name);
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	if (setrlimit(resource, &limit)) {
		fprintf(stderr, "fork: %s does not allow %lu: %s\n", name,
			wanted, strerror(errno));
		exit(1);
	}
}

static void raise_limits(unsigned long tasks)
{
	raise_sysctl("/proc/sys/kernel/pid_max", tasks + OTHER_TASKS);
	raise_sysctl("/proc/sys/kernel/threads-max", tasks + OTHER_TASKS);
	if (opts.mappings)
		raise_sysctl("/proc/sys/vm/max_map_count",
			     opts.mappings + OTHER_MAPPINGS);

	if (opts.files + opts.sockets)
		raise_sysctl("/proc/sys/fs/nr_open",
			     opts.files + opts.sockets + OTHER_FILES);
	raise_limit(RLIMIT_NPROC, "RLIMIT_NPROC", tasks + OTHER_TASKS);
	raise_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE",
		    opts.files + opts.sockets + OTHER_FILES);
}

/* Ends the first @nr processes. */
static void end_processes(unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < nr; i++)
		waitpid(pids[i], NULL, 0);
}

static noreturn void give_up(unsigned long nr, int error)
{
	end_processes(nr);
	fprintf(stderr, "fork: cannot make %lu processes of %lu threads: %s\n",
		opts.processes, opts.threads, strerror(error));
	if (error == EAGAIN)
		fprintf(stderr, "fork: is pids.max of the control group too low?\n");
	exit(1);
}

static void start_processes(void)
{
	const struct timespec second = { .tv_sec = 1 };
	const pid_t parent = getpid();
	unsigned long i;
	pid_t pid;

	for (i = 0; i < opts.processes; i++) {
		pid = fork();
		if (!pid)
			process(parent);
		if (pid < 0)
			give_up(i, errno);
		pids[i] = pid;
	}
	while (!__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE)) {
		syscall(SYS_futex, &shared->done, FUTEX_WAIT, 0, &second, NULL, 0);
		/* One that the system killed will never run. */
		if (waitpid(-1, NULL, WNOHANG) > 0 && !shared->error)
			give_up(opts.processes, ENOMEM);
	}
	if (shared->error)
		give_up(opts.processes, shared->error);
}

static int run_command(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		give_up(opts.processes, errno);
	if (!pid) {
		execvp(opts.command[0], opts.command);
		fprintf(stderr, "fork: %s: %s\n", opts.command[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void wait_for_signal(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (write(opts.ready_fd, "ready\n", 6) != 6)
		perror("fork: cannot tell that all is ready");
	sigwait(&set, &sig);
}

/* --- the command line -------------------------------------------------- */

static void print_usage(FILE *to)
{
	fputs("usage: fork [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
	      "Makes many sleeping tasks. When all of them run, it runs COMMAND and then ends\n"
	      "them; without COMMAND it prints \"ready\" and waits for SIGTERM, SIGINT or SIGHUP.\n"
	      "They end with it, however it ends.\n\n"
	      "  --processes N  that many processes (1)\n"
	      "  --threads M    with M threads each, the first one included (1)\n"
	      "  --mappings M   and M mappings more than they need (0)\n"
	      "  --files M      and M open files (0)\n"
	      "  --sockets M    and M sockets (0)\n"
	      "  --ready-fd FD  print \"ready\" there (1)\n"
	      "  --help         this text\n\n"
	      "Raises RLIMIT_NPROC, RLIMIT_NOFILE, kernel.pid_max, kernel.threads-max,\n"
	      "vm.max_map_count and fs.nr_open if need be, and leaves them so.\n\n"
	      "Exit status: COMMAND's, or 0; 1 if not all tasks could be made; 2 for wrong usage.\n",
	      to);
}

static noreturn void bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "fork: %s '%s'\n", what, value);
	print_usage(stderr);
	exit(2);
}

static unsigned long number(const char *what, const char *value,
			    unsigned long min)
{
	/* No more fit into pid_max. */
	const unsigned long max = 1UL << 22;
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || n < min || n > max)
		bad_usage(what, value);
	return n;
}

static void parse_options(int argc, char **argv)
{
	enum { PROCESSES, THREADS, MAPPINGS, OPEN_FILES, SOCKETS, READY_FD, HELP };
	static const struct option options[] = {
		{ "processes", required_argument, NULL, PROCESSES },
		{ "threads", required_argument, NULL, THREADS },
		{ "mappings", required_argument, NULL, MAPPINGS },
		{ "files", required_argument, NULL, OPEN_FILES },
		{ "sockets", required_argument, NULL, SOCKETS },
		{ "ready-fd", required_argument, NULL, READY_FD },
		{ "help", no_argument, NULL, HELP },
		{}
	};
	bool ready_given = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (opt) {
		case PROCESSES:
			opts.processes = number("no number of processes:", optarg, 1);
			break;
		case THREADS:
			opts.threads = number("no number of threads:", optarg, 1);
			break;
		case MAPPINGS:
			opts.mappings = number("no number of mappings:", optarg, 0);
			break;
		case OPEN_FILES:
			opts.files = number("no number of files:", optarg, 0);
			break;
		case SOCKETS:
			opts.sockets = number("no number of sockets:", optarg, 0);
			break;
		case READY_FD:
			opts.ready_fd = number("no descriptor:", optarg, 0);
			ready_given = true;
			break;
		case HELP:
			print_usage(stdout);
			exit(fflush(stdout) ? 1 : 0);
		default:
			print_usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		if (strcmp(argv[optind - 1], "--"))
			bad_usage("put -- before the command", argv[optind]);
		if (ready_given)
			bad_usage("--ready-fd is of no use with a command:", argv[optind]);
		opts.command = argv + optind;
	}
}

int main(int argc, char **argv)
{
	int status = 0;

	parse_options(argc, argv);
	raise_limits(opts.processes * opts.threads);

	shared = map(sizeof(*shared), MAP_SHARED);
	shared->wanted = opts.processes * opts.threads;
	pids = map(opts.processes * sizeof(*pids), MAP_PRIVATE);
	madvise(pids, opts.processes * sizeof(*pids), MADV_DONTFORK);
	/* Thread i's ends where i * STACK_SIZE does: they grow downwards. */
	stacks = map(opts.threads * STACK_SIZE, MAP_PRIVATE);

	start_processes();
	if (opts.command)
		status = run_command();
	else
		wait_for_signal();
	end_processes(opts.processes);
	return status;
}
