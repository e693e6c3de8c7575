// SPDX-License-Identifier: GPL-2.0
/*
 * Shows what taskstats reports of all tasks: one request for each of them, many
 * with a system call. It takes CAP_NET_ADMIN.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>
#include <linux/taskstats.h>
#include <netlink/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>

#include "baseline.h"
#include "procfs.h"

/* Tasks that are asked for with one system call */
#define BATCH	64

/* Of the socket's buffer: room for their answers, as the kernel counts it */
#define BUFFER_SIZE	(BATCH * 2048)

/* More than struct taskstats and what is around it take */
#define ANSWER_SIZE	1024

/**
 * struct request - a message to taskstats
 * @nlh: the header of netlink
 * @genl: the header of generic netlink
 * @attr: the header of TASKSTATS_CMD_ATTR_PID
 * @pid: the task
 */
struct request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	struct nlattr attr;
	__u32 pid;
};

static struct tool_options opts;
static unsigned long tasks;

static int sock;
static unsigned int nr_queued;
static struct request requests[BATCH];
static char answers[BATCH][ANSWER_SIZE];
static struct iovec iovecs[BATCH];
static struct mmsghdr messages[BATCH];

/* --- a batch of tasks -------------------------------------------------- */

static void show_stats(const struct taskstats *stats)
{
	tasks++;
	if (!shows_tasks(&opts))
		return;
	printf("%7u", stats->ac_pid);
	if (!opts.pids) {
		printf(" %12llu %12llu ", (unsigned long long)stats->ac_utime,
		       (unsigned long long)stats->ac_stime);
		print_escaped(stats->ac_comm,
			      strnlen(stats->ac_comm, sizeof(stats->ac_comm)), 0);
	}
	putchar('\n');
}

/* TASKSTATS_TYPE_AGGR_PID with TASKSTATS_TYPE_PID and the struct inside */
static void parse_answer(const char *answer, size_t len)
{
	const struct nlmsghdr *nlh = (const void *)answer;
	const struct nlmsgerr *error = NLMSG_DATA(nlh);
	const char *pos = (const char *)NLMSG_DATA(nlh) + GENL_HDRLEN + NLA_HDRLEN;
	const char *end = answer + len;
	const struct nlattr *attr;

	if (nlh->nlmsg_type == NLMSG_ERROR) {
		errno = -error->error;
		if (!procfs_gone())
			die("taskstats");
		return;
	}
	for (; pos + NLA_HDRLEN <= end; pos += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)pos;
		if (attr->nla_type == TASKSTATS_TYPE_STATS) {
			show_stats((const void *)(pos + NLA_HDRLEN));
			return;
		}
		if (attr->nla_len < NLA_HDRLEN)
			break;
	}
	errno = EBADMSG;
	die("taskstats");
}

static void ask_batch(void)
{
	unsigned int nr = 0;
	int ret, i;

	if (!nr_queued)
		return;
	procfs_syscalls++;
	if (send(sock, requests, nr_queued * sizeof(requests[0]), 0) < 0)
		die("send");
	while (nr < nr_queued) {
		procfs_syscalls++;
		ret = recvmmsg(sock, messages, nr_queued - nr, 0, NULL);
		if (ret < 0)
			die("recvmmsg");
		for (i = 0; i < ret; i++)
			parse_answer(answers[i], messages[i].msg_len);
		nr += ret;
	}
	nr_queued = 0;
}

static void queue_task(int dir, const char *name)
{
	(void)dir;
	requests[nr_queued].pid = strtoul(name, NULL, 10);
	if (++nr_queued == BATCH)
		ask_batch();
}

/* --- the socket -------------------------------------------------------- */

static void check_netlink(const char *what, int err)
{
	if (err < 0) {
		fprintf(stderr, "task_stats_all: %s: %s\n", what, nl_geterror(err));
		exit(1);
	}
}

static void prepare_messages(int family)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		requests[i] = (struct request){
			.nlh = {
				.nlmsg_len = sizeof(requests[i]),
				.nlmsg_type = family,
				.nlmsg_flags = NLM_F_REQUEST,
			},
			.genl = {
				.cmd = TASKSTATS_CMD_GET,
				.version = TASKSTATS_GENL_VERSION,
			},
			.attr = {
				.nla_len = NLA_HDRLEN + sizeof(requests[i].pid),
				.nla_type = TASKSTATS_CMD_ATTR_PID,
			},
		};
		iovecs[i].iov_base = answers[i];
		iovecs[i].iov_len = sizeof(answers[i]);
		messages[i].msg_hdr.msg_iov = &iovecs[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static struct nl_sock *connect_taskstats(void)
{
	struct nl_sock *nl = nl_socket_alloc();
	int family;

	if (!nl)
		die("nl_socket_alloc");
	check_netlink("genl_connect", genl_connect(nl));
	check_netlink("SO_RCVBUF", nl_socket_set_buffer_size(nl, BUFFER_SIZE, 0));
	family = genl_ctrl_resolve(nl, TASKSTATS_GENL_NAME);
	check_netlink("no taskstats", family);
	prepare_messages(family);
	sock = nl_socket_get_fd(nl);
	return nl;
}

/* --- the command line -------------------------------------------------- */

static const struct option options[] = {
	{ "threads", no_argument, NULL, OPTION_THREADS },
};

static const struct tool tool = {
	.usage =
	"usage: task_stats_all [--threads] [--only-pids | --quiet | --bench]\n"
	"Shows the processor time of all processes' first threads: one request to\n"
	"taskstats for each pid in /proc. Needs CAP_NET_ADMIN.\n\n"
	"  --threads       all threads\n"
	TOOL_USAGE
	"\nExit status: 0; 1 if the kernel refused; 2 for wrong usage.\n",
	.options = options,
	.nr_options = ARRAY_SIZE(options),
};

int main(int argc, char **argv)
{
	unsigned long long start;
	struct nl_sock *nl;

	parse_tool_options(argc, argv, &tool, &opts);
	nl = connect_taskstats();
	if (shows_tasks(&opts) && !opts.pids)
		puts("    PID     USER(us)   SYSTEM(us) COMM");
	start = now_ns();
	procfs_walk(opts.threads, queue_task, ask_batch);
	print_result(&opts, tasks, procfs_syscalls, now_ns() - start);
	nl_socket_free(nl);
	return finish_output() ? 1 : 0;
}
