// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to learn of processes that end, and how many ends are lost: by
 * task_diag, taskstats, or the proc connector with the files under /proc. For
 * benchmarks.
 */
#include "lib/taskdiag.h"

#include <getopt.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <stdnoreturn.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct td_sock sock;
static char buf[65536];
static unsigned long told, full;
static pid_t crowd;

/* --- the listeners ----------------------------------------------------------- */

static void no_listener(void)
{
}

static void listen_task_diag(__u64 show_flags)
{
	struct td_events seen = {};

	td_must(!td_open(&sock), "td_open");
	td_must(!td_subscribe(&sock, &seen, 1 << TASK_DIAG_EVENT_EXIT,
			      TASK_DIAG_DUMP_ALL, show_flags), "subscribe");
}

static void listen_ends(void)
{
	listen_task_diag(0);
}

static void listen_stat(void)
{
	listen_task_diag(TASK_DIAG_SHOW_STAT);
}

static void listen_stat_and_arguments(void)
{
	listen_task_diag(TASK_DIAG_SHOW_STAT | TASK_DIAG_SHOW_CMDLINE);
}

/* Of another user, who sees none of those that end here */
static void listen_as_crowd(void)
{
	struct rlimit files = { 4096, 4096 };
	struct td_events seen = {};
	struct td_sock one;
	unsigned int i;
	int fds[2];
	char byte;

	td_must(!pipe(fds), "pipe");
	td_must(!setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE");
	crowd = td_fork();
	if (!crowd) {
		td_become(TD_ALICE);
		for (i = 0; i < 1000; i++) {
			td_must(!td_open(&one), "td_open");
			td_must(!td_subscribe(&one, &seen, TD_ALL_EVENTS,
					      TASK_DIAG_DUMP_ALL,
					      TASK_DIAG_SHOW_STAT), "subscribe");
		}
		td_must(write(fds[1], "", 1) == 1, "write");
		pause();
	}
	close(fds[1]);
	td_must(read(fds[0], &byte, 1) == 1, "crowd");
}

static void listen_taskstats(void)
{
	td_must(!taskstats_open(&sock) && taskstats_listen(&sock), "taskstats");
}

static void listen_connector(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	struct {
		struct nlmsghdr nlh;
		struct cn_msg cn;
		enum proc_cn_mcast_op op;
	} msg = {
		.nlh = { .nlmsg_len = sizeof(msg), .nlmsg_type = NLMSG_DONE },
		.cn = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(msg.op) },
		.op = PROC_CN_MCAST_LISTEN,
	};

	sock.fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR);
	td_must(sock.fd >= 0 && !bind(sock.fd, (void *)&addr, sizeof(addr)) &&
		write(sock.fd, &msg, sizeof(msg)) == sizeof(msg), "proc connector");
}

/* --- what they receive --------------------------------------------------------- */

static void count_messages(ssize_t left)
{
	struct nlmsghdr *nlh = (void *)buf;
	size_t len = left;

	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
		told += nlh->nlmsg_type == sock.family;
}

static void read_whole(pid_t pid, const char *file)
{
	static char text[8192];
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return;
	td_must(read(fd, text, sizeof(text)) >= 0, path);
	close(fd);
}

/* What the event lacks is read while the parent has not reaped the process. */
static void read_files(ssize_t unused)
{
	const struct cn_msg *cn = NLMSG_DATA(buf);
	struct proc_event event;

	memcpy(&event, cn->data, cn->len < sizeof(event) ? cn->len : sizeof(event));
	if (event.what != PROC_EVENT_EXIT)
		return;
	told++;
	read_whole(event.event_data.exit.process_pid, "stat");
	read_whole(event.event_data.exit.process_pid, "cmdline");
}

static const struct listener {
	const char *name;
	void (*listen)(void);
	void (*receive)(ssize_t len);
} listeners[] = {
	{ "none", no_listener, NULL },
	{ "task_diag", listen_ends, count_messages },
	{ "task_diag+stat", listen_stat, count_messages },
	{ "task_diag+stat+cmdline", listen_stat_and_arguments, count_messages },
	{ "taskstats", listen_taskstats, count_messages },
	{ "connector", listen_connector, read_files },
	{ "crowd", listen_as_crowd, NULL },
};

static void receive(const struct listener *listener)
{
	ssize_t len;

	if (!listener->receive)
		return;
	for (;;) {
		len = recv(sock.fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (len >= 0)
			listener->receive(len);
		else if (errno == ENOBUFS)
			full++;
		else
			return;
	}
}

/* --- the processes --------------------------------------------------------------- */

static void end_one_by_one(const struct listener *listener, unsigned long nr)
{
	siginfo_t info;
	pid_t pid;

	while (nr--) {
		pid = fork();
		if (!pid)
			_exit(0);
		td_must(pid > 0, "fork");
		td_must(!waitid(P_PID, pid, &info, WEXITED | WNOWAIT), "waitid");
		receive(listener);
		td_must(waitpid(pid, NULL, 0) == pid, "waitpid");
	}
}

static void end_at_once(const struct listener *listener, unsigned long nr)
{
	unsigned long i;
	int fds[2];
	char byte;

	td_must(!pipe(fds), "pipe");
	for (i = 0; i < nr; i++) {
		pid_t pid = fork();

		td_must(pid >= 0, "fork");
		if (!pid) {
			close(fds[1]);
			_exit(read(fds[0], &byte, 1));
		}
	}
	/* What others did meanwhile does not count. */
	receive(listener);
	told = 0;
	close(fds[1]);
	/* Not for the crowd */
	for (i = 0; i < nr; i++)
		td_must(waitpid(-1, NULL, 0) > 0, "waitpid");
	receive(listener);
}

static noreturn void help(int status)
{
	size_t i;

	fprintf(status ? stderr : stdout,
		"usage: ends [--listener NAME] [--number N] [--at-once]\n"
		"Lets N processes (1000) end, one by one or at once, and prints as JSON how many\n"
		"ends the listener received, how often its receive buffer was full, and how\n"
		"many nanoseconds each process took. NAME is one of:");
	for (i = 0; i < ARRAY_SIZE(listeners); i++)
		fprintf(status ? stderr : stdout, " %s", listeners[i].name);
	fputc('\n', status ? stderr : stdout);
	exit(status);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "listener", required_argument, NULL, 'l' },
		{ "number", required_argument, NULL, 'n' },
		{ "at-once", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const struct listener *listener = &listeners[0];
	unsigned long nr = 1000;
	bool at_once = false;
	double start, end;
	size_t i;
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'l':
			for (i = 0; i < ARRAY_SIZE(listeners); i++)
				if (!strcmp(optarg, listeners[i].name))
					break;
			if (i == ARRAY_SIZE(listeners))
				help(2);
			listener = &listeners[i];
			break;
		case 'n':
			nr = strtoul(optarg, NULL, 10);
			if (!nr)
				help(2);
			break;
		case 'a':
			at_once = true;
			break;
		case 'h':
			help(0);
		default:
			help(2);
		}
	}
	if (optind < argc)
		help(2);

	listener->listen();
	/* Caches and lists get their size. */
	end_one_by_one(listener, 100);
	told = 0;
	full = 0;
	start = td_now();
	if (at_once)
		end_at_once(listener, nr);
	else
		end_one_by_one(listener, nr);
	end = td_now();
	printf("{\"listener\": \"%s\", \"number\": %lu, ", listener->name, nr);
	printf("\"told\": %lu, \"full\": %lu, \"ns\": %.0f}\n", told, full,
	       (end - start) * 1e9 / nr);
	/* Its subscriptions are over before the next crowd comes. */
	if (crowd) {
		kill(crowd, SIGKILL);
		waitpid(crowd, NULL, 0);
	}
	return 0;
}
