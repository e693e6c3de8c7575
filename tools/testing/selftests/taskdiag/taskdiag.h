/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of task_diag share: requests, answers, what procfs says, and
 * processes to ask about.
 *
 * Helpers that judge return a string, "" if all is well: a test then reads
 * EXPECT_STREQ("", ...) and a failure says what is wrong.
 */
#ifndef TASKDIAG_H
#define TASKDIAG_H

/*
 * The harness compares whatever types it is given, and jumps out of tests. No
 * test uses all that is here.
 */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

#include "../kselftest_harness.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/task_diag.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#define TD_DEADLINE_S	20	/* for what must happen, but need not at once */
#define TD_NO_PID	0x3ffffe	/* a pid that nobody has */
#define TD_ALICE	10001	/* an ordinary user, and her group */
#define TD_BOB		10002	/* another one */

/* --- small things ------------------------------------------------------ */

/* In a child that a test relies on. */
static void td_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "# %d: %s: %s\n", getpid(), what, strerror(errno));
	_exit(KSFT_FAIL);
}

static void *td_grow(void *array, size_t nr, size_t *max, size_t size)
{
	if (nr < *max)
		return array;
	*max = *max ? 2 * *max : 64;
	array = realloc(array, *max * size);
	td_must(array, "realloc");
	return array;
}

static double td_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Returns the child's exit status, or -1 if a signal ended it. */
static int td_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* fork() with CLONE_ flags: clone(2) has another order on each architecture. */
static pid_t td_clone(__u64 flags)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

	return syscall(SYS_clone3, &args, sizeof(args));
}

/* The inode number of a pidfd of the process or thread; 0 if it is gone */
static __u64 td_pidfd_ino(__u32 pid)
{
	int fd = syscall(SYS_pidfd_open, pid, O_EXCL /* PIDFD_THREAD */);
	struct statx st = {};

	if (fd < 0)
		return 0;
	td_must(!statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st), "statx");
	close(fd);
	return st.stx_ino;
}

static unsigned int td_env_number(const char *name, unsigned int otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

/* --- sets of pids ------------------------------------------------------ */

struct td_set {
	__u32	*pids;
	size_t	nr;
	size_t	max;
};

static void td_set_add(struct td_set *set, __u32 pid)
{
	set->pids = td_grow(set->pids, set->nr, &set->max, sizeof(*set->pids));
	set->pids[set->nr++] = pid;
}

static int td_cmp_pid(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

static void td_set_sort(struct td_set *set)
{
	if (set->nr)
		qsort(set->pids, set->nr, sizeof(*set->pids), td_cmp_pid);
}

static bool td_set_has(const struct td_set *set, __u32 pid)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->pids[i] == pid)
			return true;
	return false;
}

static void td_set_free(struct td_set *set)
{
	free(set->pids);
	*set = (struct td_set){};
}

/*
 * Both sorted. Says what @seen lacks of @expected, what it has in excess, and
 * what it has twice.
 */
static const char *td_set_diff(const struct td_set *expected,
			       const struct td_set *seen)
{
	size_t e = 0, s = 0, len = 0;
	static char text[512];

	text[0] = 0;
	while ((e < expected->nr || s < seen->nr) && len < sizeof(text) - 32) {
		__u32 want = e < expected->nr ? expected->pids[e] : ~0U;
		__u32 have = s < seen->nr ? seen->pids[s] : ~0U;

		if (want == have) {
			e++;
			s++;
		} else if (want < have) {
			len += sprintf(text + len, "lacks %u; ", want);
			e++;
		} else {
			bool twice = s && seen->pids[s - 1] == have;

			len += sprintf(text + len, "%s %u; ",
				       twice ? "twice" : "excess", have);
			s++;
		}
	}
	return text;
}

/* --- a socket and its requests ----------------------------------------- */

struct td_sock {
	int	fd;
	__u32	portid;
	__u16	family;
	char	*buf;		/* where answers are received */
	size_t	size;		/* with this many bytes to a recv */
	/* What was asked last */
	__u32	seq;
	__u64	show_flags;
	bool	dump;
};

struct td_msg {
	struct nlmsghdr		nlh;
	struct genlmsghdr	genl;
	char			attrs[16384];
};

static void td_begin(struct td_msg *msg, __u16 type, __u8 cmd, __u16 flags,
		     __u32 seq)
{
	memset(msg, 0, sizeof(*msg));
	msg->nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	msg->nlh.nlmsg_type = type;
	msg->nlh.nlmsg_flags = NLM_F_REQUEST | flags;
	msg->nlh.nlmsg_seq = seq;
	msg->genl.cmd = cmd;
	msg->genl.version = TASK_DIAG_GENL_VERSION;
}

static void td_put(struct td_msg *msg, __u16 type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)msg + NLMSG_ALIGN(msg->nlh.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((void *)attr + NLA_HDRLEN, data, len);
	msg->nlh.nlmsg_len = (void *)attr + NLA_ALIGN(attr->nla_len) -
			     (void *)msg;
}

/* A request to task_diag: the answer is judged by what it asks for. */
static void td_request(struct td_sock *sock, struct td_msg *msg, __u8 cmd,
		       __u16 flags)
{
	td_begin(msg, sock->family, cmd, flags, ++sock->seq);
	sock->dump = (flags & NLM_F_DUMP) == NLM_F_DUMP;
	sock->show_flags = 0;
}

static void td_request_get(struct td_sock *sock, struct td_msg *msg,
			   __u16 flags, const struct task_diag_pid *req)
{
	td_request(sock, msg, TASK_DIAG_CMD_GET, flags);
	td_put(msg, TASK_DIAG_REQUEST, req, sizeof(*req));
	sock->show_flags = req->show_flags;
}

/* Names the kernel's address. Returns 0 or -errno. */
static int td_send(struct td_sock *sock, const struct td_msg *msg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(sock->fd, msg, msg->nlh.nlmsg_len, 0, (void *)&kernel,
		      sizeof(kernel)) < 0 ? -errno : 0;
}

/* Names no address, as a write() would. */
static int td_send_unnamed(struct td_sock *sock, const struct td_msg *msg)
{
	return write(sock->fd, msg, msg->nlh.nlmsg_len) < 0 ? -errno : 0;
}

/*
 * Returns the family's id or -errno. The kernel fits its datagrams to the
 * largest recv that a socket has seen: do not spoil that here.
 */
static int td_family(int fd)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct td_msg msg;
	struct nlattr *attr;
	ssize_t len, pos;

	td_begin(&msg, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, 1);
	td_put(&msg, CTRL_ATTR_FAMILY_NAME, TASK_DIAG_GENL_NAME,
	       sizeof(TASK_DIAG_GENL_NAME));
	if (sendto(fd, &msg, msg.nlh.nlmsg_len, 0, (void *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	len = recv(fd, &msg, 2048, 0);
	if (len < 0)
		return -errno;
	if (msg.nlh.nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(&msg.nlh))->error;

	for (pos = NLMSG_LENGTH(GENL_HDRLEN); pos < len;
	     pos += NLA_ALIGN(attr->nla_len)) {
		attr = (void *)&msg + pos;
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(__u16 *)((void *)attr + NLA_HDRLEN);
	}
	return -ENOENT;
}

/* Returns 0 or -errno; -ENOENT if the kernel has no task_diag. */
static int td_open(struct td_sock *sock)
{
	struct timeval timeout = { .tv_sec = TD_DEADLINE_S };
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	socklen_t addr_len = sizeof(addr);
	int family, on = 1;

	memset(sock, 0, sizeof(*sock));
	sock->size = 32768;
	sock->buf = malloc(sock->size);
	sock->fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (!sock->buf || sock->fd < 0 ||
	    bind(sock->fd, (void *)&addr, sizeof(addr)) ||
	    getsockname(sock->fd, (void *)&addr, &addr_len) ||
	    setsockopt(sock->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) ||
	    setsockopt(sock->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on,
		       sizeof(on)) ||
	    setsockopt(sock->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)))
		return -errno;
	sock->portid = addr.nl_pid;

	family = td_family(sock->fd);
	if (family < 0)
		return family;
	sock->family = family;
	return 0;
}

static void td_close(struct td_sock *sock)
{
	close(sock->fd);
	free(sock->buf);
}

static void td_set_recv_size(struct td_sock *sock, size_t size)
{
	sock->size = size;
	sock->buf = realloc(sock->buf, size);
	td_must(sock->buf, "realloc");
}

/* --- answers ----------------------------------------------------------- */

struct td_task {
	__u32			pid;
	bool			has_base;
	struct task_diag_base	base;
};

struct td_answer {
	char		broken[160];	/* what no answer may be like */
	unsigned int	nr_datagrams;

	bool				has_header;
	struct task_diag_header		header;
	unsigned int			nr_progress;	/* more headers */

	struct td_task	*tasks;
	size_t		nr_tasks;
	size_t		max_tasks;

	/* The end: NLMSG_DONE, NLMSG_ERROR, or the answer to a plain request */
	bool		ended;
	int		error;		/* positive */
	char		text[160];	/* of the extack */
	__u32		bad_attr;	/* offset */
	__u32		missing_attr;	/* type */
	char		end[8192];	/* the message itself */
	size_t		end_len;
};

static __printf(2, 3) void td_broken(struct td_answer *answer,
				     const char *fmt, ...)
{
	va_list args;

	if (answer->broken[0])
		return;
	va_start(args, fmt);
	vsnprintf(answer->broken, sizeof(answer->broken), fmt, args);
	va_end(args);
}

static size_t td_attr_len(const struct nlattr *attr)
{
	return attr->nla_len - NLA_HDRLEN;
}

/*
 * The attribute at @pos of @nlh, moving @pos behind it; NULL behind the last.
 */
static const struct nlattr *td_next_attr(struct td_answer *answer,
					 const struct nlmsghdr *nlh,
					 size_t *pos)
{
	const struct nlattr *attr = (void *)nlh + *pos;
	size_t left = nlh->nlmsg_len - *pos;

	if (*pos >= nlh->nlmsg_len)
		return NULL;
	if (left < NLA_HDRLEN || attr->nla_len < NLA_HDRLEN ||
	    attr->nla_len > left) {
		td_broken(answer, "%zu bytes are no attribute", left);
		return NULL;
	}
	*pos += NLA_ALIGN(attr->nla_len);
	return attr;
}

static void td_parse_extack(struct td_answer *answer,
			    const struct nlmsghdr *nlh, size_t pos)
{
	const struct nlattr *attr;
	const void *data;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	while ((attr = td_next_attr(answer, nlh, &pos))) {
		data = (void *)attr + NLA_HDRLEN;
		switch (attr->nla_type) {
		case NLMSGERR_ATTR_MSG:
			snprintf(answer->text, sizeof(answer->text), "%.*s",
				 (int)td_attr_len(attr), (char *)data);
			break;
		case NLMSGERR_ATTR_OFFS:
			answer->bad_attr = *(__u32 *)data;
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			answer->missing_attr = *(__u32 *)data;
			break;
		}
	}
}

static void td_parse_end(struct td_answer *answer, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t pos = NLMSG_LENGTH(sizeof(int));

	/* The code comes first in both. */
	answer->error = -err->error;
	answer->ended = true;
	answer->end_len = nlh->nlmsg_len;
	if (answer->end_len > sizeof(answer->end))
		answer->end_len = sizeof(answer->end);
	memcpy(answer->end, nlh, answer->end_len);

	if (nlh->nlmsg_type == NLMSG_ERROR) {
		pos = NLMSG_LENGTH(sizeof(*err));
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			pos += err->msg.nlmsg_len - sizeof(err->msg);
	} else if ((nlh->nlmsg_flags & ~NLM_F_ACK_TLVS) != NLM_F_MULTI) {
		td_broken(answer, "NLMSG_DONE with flags 0x%x",
			  nlh->nlmsg_flags);
	}
	td_parse_extack(answer, nlh, NLMSG_ALIGN(pos));
}

static void td_parse_header(struct td_answer *answer,
			    const struct nlmsghdr *nlh)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr;
	const void *data;

	if (!answer->has_header && answer->nr_tasks)
		td_broken(answer, "header that is not the first message");
	answer->nr_progress += answer->has_header;
	answer->has_header = true;
	while ((attr = td_next_attr(answer, nlh, &pos))) {
		data = (void *)attr + NLA_HDRLEN;
		if (attr->nla_type == TASK_DIAG_HEADER &&
		    td_attr_len(attr) == sizeof(answer->header)) {
			memcpy(&answer->header, data, sizeof(answer->header));
		} else {
			td_broken(answer, "header has attribute %u, %zu bytes",
				  attr->nla_type, td_attr_len(attr));
		}
	}
}

static void td_parse_base(struct td_answer *answer, struct td_task *task,
			  const struct nlattr *attr)
{
	static const __u8 zero[sizeof(task->base.pad)];

	if (td_attr_len(attr) != sizeof(task->base)) {
		td_broken(answer, "BASE has %zu bytes", td_attr_len(attr));
		return;
	}
	task->has_base = true;
	memcpy(&task->base, (void *)attr + NLA_HDRLEN, sizeof(task->base));
	if (memcmp(task->base.pad, zero, sizeof(zero)) || task->base.pad2)
		td_broken(answer, "BASE of %u has a pad that is not zero",
			  task->pid);
	if (task->base.pid != task->pid)
		td_broken(answer, "BASE of %u says pid %u", task->pid,
			  task->base.pid);
}

/* The pid, then the groups that were asked for, each once, and nothing else. */
static void td_parse_task(const struct td_sock *sock, struct td_answer *answer,
			  const struct nlmsghdr *nlh)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr;
	struct td_task *task;
	__u64 seen = 0, bit;

	answer->tasks = td_grow(answer->tasks, answer->nr_tasks,
				&answer->max_tasks, sizeof(*task));
	task = &answer->tasks[answer->nr_tasks++];
	memset(task, 0, sizeof(*task));

	if (sock->dump && !answer->has_header)
		td_broken(answer, "task before the header");
	attr = td_next_attr(answer, nlh, &pos);
	if (!attr || attr->nla_type != TASK_DIAG_PID ||
	    td_attr_len(attr) != sizeof(__u32)) {
		td_broken(answer, "task that does not start with its pid");
		return;
	}
	task->pid = *(__u32 *)((void *)attr + NLA_HDRLEN);
	if (!task->pid)
		td_broken(answer, "task with pid 0");

	while ((attr = td_next_attr(answer, nlh, &pos))) {
		bit = attr->nla_type < 64 ? 1ULL << attr->nla_type : 0;
		if (!(bit & sock->show_flags) || (bit & seen))
			td_broken(answer, "attribute %u of %u is not asked for",
				  attr->nla_type, task->pid);
		seen |= bit;
		if (attr->nla_type == TASK_DIAG_BASE)
			td_parse_base(answer, task, attr);
	}
	if (seen != sock->show_flags)
		td_broken(answer, "%u has groups 0x%llx instead of 0x%llx",
			  task->pid, seen, sock->show_flags);
}

static void td_parse(const struct td_sock *sock, struct td_answer *answer,
		     const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);

	if (answer->ended && nlh->nlmsg_type != NLMSG_ERROR)
		td_broken(answer, "message behind the end");
	if (nlh->nlmsg_seq != sock->seq)
		td_broken(answer, "answers %u instead of %u", nlh->nlmsg_seq,
			  sock->seq);
	if (nlh->nlmsg_pid != sock->portid)
		td_broken(answer, "is to port %u instead of %u", nlh->nlmsg_pid,
			  sock->portid);

	if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR) {
		td_parse_end(answer, nlh);
		return;
	}
	if (nlh->nlmsg_type != sock->family)
		td_broken(answer, "message of type %u", nlh->nlmsg_type);
	if (nlh->nlmsg_flags != (sock->dump ? NLM_F_MULTI : 0))
		td_broken(answer, "message with flags 0x%x", nlh->nlmsg_flags);
	if (genl->version != TASK_DIAG_GENL_VERSION || genl->reserved)
		td_broken(answer, "genetlink version %u, reserved %u",
			  genl->version, genl->reserved);
	if (genl->cmd == TASK_DIAG_CMD_HEADER)
		td_parse_header(answer, nlh);
	else if (genl->cmd == TASK_DIAG_CMD_GET)
		td_parse_task(sock, answer, nlh);
	else
		td_broken(answer, "message of command %u", genl->cmd);
	if (!sock->dump)
		answer->ended = true;
}

static struct td_answer *td_new_answer(void)
{
	struct td_answer *answer = calloc(1, sizeof(*answer));

	td_must(answer, "calloc");
	return answer;
}

static void td_free(struct td_answer *answer)
{
	free(answer->tasks);
	free(answer);
}

/* The messages in sock->buf, @len bytes. */
static void td_parse_datagram(const struct td_sock *sock,
			      struct td_answer *answer, size_t len)
{
	const struct nlmsghdr *nlh = (void *)sock->buf;

	answer->nr_datagrams++;
	if (!len)
		td_broken(answer, "empty datagram");
	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
		td_parse(sock, answer, nlh);
	if (len)
		td_broken(answer, "%zu bytes are no message", len);
}

/* One datagram. Returns whether there is more to receive. */
static bool td_recv(const struct td_sock *sock, struct td_answer *answer)
{
	struct iovec iov = { .iov_base = sock->buf, .iov_len = sock->size };
	struct sockaddr_nl from = {};
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t len = recvmsg(sock->fd, &msg, 0);

	if (len < 0) {
		td_broken(answer, "recvmsg: %s", strerror(errno));
		return false;
	}
	if (from.nl_pid)
		td_broken(answer, "datagram from port %u", from.nl_pid);
	if (msg.msg_flags & MSG_TRUNC)
		td_broken(answer, "datagram longer than %zu bytes", sock->size);
	td_parse_datagram(sock, answer, len);
	return !answer->ended && !answer->broken[0];
}

static struct td_answer *td_recv_all(const struct td_sock *sock)
{
	struct td_answer *answer = td_new_answer();

	while (td_recv(sock, answer))
		;
	return answer;
}

static struct td_answer *td_exchange(struct td_sock *sock,
				     const struct td_msg *msg)
{
	struct td_answer *answer;
	int err = td_send(sock, msg);

	if (!err)
		return td_recv_all(sock);
	answer = td_new_answer();
	td_broken(answer, "sendto: %s", strerror(-err));
	return answer;
}

static int td_send_get(struct td_sock *sock, __u16 flags,
		       const struct task_diag_pid *req)
{
	struct td_msg msg;

	td_request_get(sock, &msg, flags, req);
	return td_send(sock, &msg);
}

static struct td_answer *td_get(struct td_sock *sock, __u16 flags,
				__u64 strategy, __u64 show_flags, __u32 pid)
{
	struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = strategy,
		.pid = pid,
	};
	struct td_msg msg;

	td_request_get(sock, &msg, flags, &req);
	return td_exchange(sock, &msg);
}

static struct td_answer *td_dump(struct td_sock *sock, __u64 strategy,
				 __u64 show_flags, __u32 pid)
{
	return td_get(sock, NLM_F_DUMP, strategy, show_flags, pid);
}

/* Starts a dump of BASE without receiving any of it. */
static int td_start_dump(struct td_sock *sock, __u64 strategy, __u32 pid)
{
	struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE,
		.dump_strategy = strategy,
		.pid = pid,
	};

	return td_send_get(sock, NLM_F_DUMP, &req);
}

static const struct td_task *td_find(const struct td_answer *answer, __u32 pid)
{
	size_t i;

	for (i = 0; i < answer->nr_tasks; i++)
		if (answer->tasks[i].pid == pid)
			return &answer->tasks[i];
	return NULL;
}

static size_t td_count(const struct td_answer *answer, __u32 pid)
{
	size_t i, count = 0;

	for (i = 0; i < answer->nr_tasks; i++)
		count += answer->tasks[i].pid == pid;
	return count;
}

/* All groups that the kernel has */
static __u64 td_all_groups(struct td_sock *sock)
{
	struct td_answer *answer;
	struct td_msg msg;
	__u64 groups;

	td_request(sock, &msg, TASK_DIAG_CMD_HEADER, 0);
	answer = td_exchange(sock, &msg);
	groups = answer->header.show_flags;
	td_free(answer);
	return groups;
}

/* Says whether something is wrong with the answer to a good request. */
static const char *td_whole(const struct td_answer *answer)
{
	static char text[400];

	if (answer->broken[0] || (!answer->error && answer->ended))
		return answer->broken;
	snprintf(text, sizeof(text), "error %d (%s), %s", answer->error,
		 answer->text, answer->ended ? "ended" : "not ended");
	return text;
}

static struct td_set td_pids(const struct td_answer *answer)
{
	struct td_set set = {};
	size_t i;

	for (i = 0; i < answer->nr_tasks; i++)
		td_set_add(&set, answer->tasks[i].pid);
	td_set_sort(&set);
	return set;
}

/* ALL and ALL_THREAD come by ascending pid, hence each once. */
static const char *td_ascending(const struct td_answer *answer)
{
	static char text[64];
	size_t i;

	for (i = 1; i < answer->nr_tasks; i++) {
		if (answer->tasks[i - 1].pid < answer->tasks[i].pid)
			continue;
		snprintf(text, sizeof(text), "%u comes before %u",
			 answer->tasks[i - 1].pid, answer->tasks[i].pid);
		return text;
	}
	return "";
}

/* --- groups of tasks, joined from the messages that they came in ------- */

#define TD_MAX_GROUPS	64

/* One group of one task */
struct td_group {
	char		*data;		/* the payloads, one after the other */
	size_t		len;
	size_t		*parts;		/* where in it each of them begins */
	unsigned int	nr_parts;	/* attributes that it came in */
	size_t		max_parts;
	int		error;		/* of TASK_DIAG_ERROR, negative */
};

struct td_props {
	__u32		pid;
	__u64		has;		/* groups that came */
	__u64		failed;		/* groups that TASK_DIAG_ERROR names */
	unsigned int	nr_msgs;
	bool		more;		/* TASK_DIAG_MORE in the last message */
	struct td_group	groups[TD_MAX_GROUPS];
};

struct td_props_answer {
	struct td_answer *rest;		/* what is not about a task */
	struct td_props	*tasks;
	size_t		nr_tasks;
	size_t		max_tasks;
	bool		may_repeat;	/* a task may come twice in a row */
};

static struct td_props_answer *td_new_props(void)
{
	struct td_props_answer *answer = calloc(1, sizeof(*answer));

	td_must(answer, "calloc");
	answer->rest = td_new_answer();
	return answer;
}

static void td_free_props(struct td_props_answer *answer)
{
	size_t task, group;

	for (task = 0; task < answer->nr_tasks; task++) {
		for (group = 0; group < TD_MAX_GROUPS; group++) {
			free(answer->tasks[task].groups[group].data);
			free(answer->tasks[task].groups[group].parts);
		}
	}
	free(answer->tasks);
	td_free(answer->rest);
	free(answer);
}

/* The task that a message is about, which goes on with the one before or not */
static struct td_props *td_props_of(struct td_props_answer *answer, __u32 pid)
{
	struct td_props *task = NULL;

	if (answer->nr_tasks)
		task = &answer->tasks[answer->nr_tasks - 1];
	if (task && task->more) {
		if (task->pid != pid)
			td_broken(answer->rest, "%u comes before the end of %u",
				  pid, task->pid);
		return task;
	}
	if (task && task->pid == pid && !answer->may_repeat)
		td_broken(answer->rest, "%u goes on without TASK_DIAG_MORE",
			  pid);
	answer->tasks = td_grow(answer->tasks, answer->nr_tasks,
				&answer->max_tasks, sizeof(*task));
	task = &answer->tasks[answer->nr_tasks++];
	memset(task, 0, sizeof(*task));
	task->pid = pid;
	return task;
}

static void td_add_part(struct td_group *group, const void *data, size_t len)
{
	group->parts = td_grow(group->parts, group->nr_parts, &group->max_parts,
			       sizeof(*group->parts));
	group->parts[group->nr_parts] = group->len;
	group->data = realloc(group->data, group->len + len + 1);
	td_must(group->data, "realloc");
	memcpy(group->data + group->len, data, len);
	group->len += len;
	group->data[group->len] = 0;
	group->nr_parts++;
}

/* Copies what there is of part @nr, up to @size bytes; returns its length. */
static size_t td_copy_part(const struct td_group *group, unsigned int nr,
			   void *to, size_t size)
{
	size_t at = group->parts[nr], end = group->len;

	if (nr + 1 < group->nr_parts)
		end = group->parts[nr + 1];
	memset(to, 0, size);
	memcpy(to, group->data + at, end - at < size ? end - at : size);
	return end - at;
}

static void td_parse_group_error(const struct td_sock *sock,
				 struct td_props_answer *answer,
				 struct td_props *task, const void *data)
{
	const struct task_diag_error *entry = data;
	__u64 bit = entry->attr < 64 ? 1ULL << entry->attr : 0;

	if (!(bit & sock->show_flags) || bit & task->failed)
		td_broken(answer->rest, "%u has an error for attribute %u",
			  task->pid, entry->attr);
	if (entry->error >= 0)
		td_broken(answer->rest, "%u has error %d", task->pid,
			  entry->error);
	if (!bit)
		return;
	task->failed |= bit;
	task->groups[entry->attr].error = entry->error;
}

static void td_parse_prop(const struct td_sock *sock,
			  struct td_props_answer *answer, struct td_props *task,
			  const struct nlattr *attr)
{
	const char *data = (void *)attr + NLA_HDRLEN;
	size_t len = td_attr_len(attr), i;

	for (i = len; i < NLA_ALIGN(len); i++)
		if (data[i])
			td_broken(answer->rest, "attribute %u is padded with %d",
				  attr->nla_type, data[i]);
	if (task->more) {
		td_broken(answer->rest, "TASK_DIAG_MORE of %u is not the last",
			  task->pid);
	} else if (attr->nla_type == TASK_DIAG_MORE && !len) {
		task->more = true;
	} else if (attr->nla_type == TASK_DIAG_ERROR &&
		   len == sizeof(struct task_diag_error)) {
		td_parse_group_error(sock, answer, task, data);
	} else if (attr->nla_type < 64 &&
		   sock->show_flags & (1ULL << attr->nla_type)) {
		task->has |= 1ULL << attr->nla_type;
		td_add_part(&task->groups[attr->nla_type], data, len);
	} else {
		td_broken(answer->rest, "attribute %u of %u is not asked for",
			  attr->nla_type, task->pid);
	}
}

/* A message about a task: its pid, then its groups or a part of them. */
static void td_parse_props(const struct td_sock *sock,
			   struct td_props_answer *answer,
			   const struct nlmsghdr *nlh)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr;
	struct td_props *task;

	if (nlh->nlmsg_seq != sock->seq || nlh->nlmsg_pid != sock->portid ||
	    nlh->nlmsg_flags != (sock->dump ? NLM_F_MULTI : 0))
		td_broken(answer->rest, "message with seq %u, port %u, flags 0x%x",
			  nlh->nlmsg_seq, nlh->nlmsg_pid, nlh->nlmsg_flags);
	if (sock->dump && !answer->rest->has_header)
		td_broken(answer->rest, "task before the header");
	attr = td_next_attr(answer->rest, nlh, &pos);
	if (!attr || attr->nla_type != TASK_DIAG_PID ||
	    td_attr_len(attr) != sizeof(__u32)) {
		td_broken(answer->rest, "task that does not start with its pid");
		return;
	}
	task = td_props_of(answer, *(__u32 *)((void *)attr + NLA_HDRLEN));
	task->nr_msgs++;
	task->more = false;
	while ((attr = td_next_attr(answer->rest, nlh, &pos)))
		td_parse_prop(sock, answer, task, attr);
	if (!sock->dump)
		answer->rest->ended = true;
}

/* One datagram. Returns whether there is more to receive. */
static bool td_recv_props(const struct td_sock *sock,
			  struct td_props_answer *answer)
{
	const struct nlmsghdr *nlh = (void *)sock->buf;
	struct td_answer *rest = answer->rest;
	const struct genlmsghdr *genl;
	ssize_t received;
	size_t len;

	received = recv(sock->fd, sock->buf, sock->size, MSG_TRUNC);
	if (received <= 0 || received > (ssize_t)sock->size) {
		td_broken(rest, "recv gives %zd: %s", received, strerror(errno));
		return false;
	}
	rest->nr_datagrams++;
	for (len = received; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		genl = NLMSG_DATA(nlh);
		if (nlh->nlmsg_type == sock->family &&
		    genl->cmd == TASK_DIAG_CMD_GET)
			td_parse_props(sock, answer, nlh);
		else
			td_parse(sock, rest, nlh);
	}
	if (len)
		td_broken(rest, "%zu bytes are no message", len);
	return !rest->ended && !rest->broken[0];
}

static struct td_props_answer *td_get_props(struct td_sock *sock, __u16 flags,
					    __u64 strategy, __u64 show_flags,
					    __u32 pid)
{
	struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = strategy,
		.pid = pid,
	};
	struct td_props_answer *answer = td_new_props();
	int err = td_send_get(sock, flags, &req);

	if (err)
		td_broken(answer->rest, "sendto: %s", strerror(-err));
	else
		while (td_recv_props(sock, answer))
			;
	return answer;
}

/* Like td_whole(); a task that was begun must have come to its end as well. */
static const char *td_props_whole(const struct td_props_answer *answer)
{
	const char *diff = td_whole(answer->rest);

	if (!diff[0] && answer->nr_tasks &&
	    answer->tasks[answer->nr_tasks - 1].more)
		diff = "the answer ends amid a task";
	return diff;
}

static const struct td_props *td_find_props(const struct td_props_answer *answer,
					    __u32 pid)
{
	size_t i;

	for (i = 0; i < answer->nr_tasks; i++)
		if (answer->tasks[i].pid == pid)
			return &answer->tasks[i];
	return NULL;
}

/* --- procfs ------------------------------------------------------------ */

/* The numbers that are names in the directory and can be looked up there. */
static int proc_list(const char *path, struct td_set *set)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!isdigit(entry->d_name[0]))
			continue;
		/* With hidepid=2, a directory of threads lists hidden ones. */
		if (fstatat(dirfd(dir), entry->d_name, &st, 0))
			continue;
		td_set_add(set, strtoul(entry->d_name, NULL, 10));
	}
	closedir(dir);
	td_set_sort(set);
	return 0;
}

static struct td_set proc_pids(const char *proc)
{
	struct td_set set = {};

	proc_list(proc, &set);
	return set;
}

static void proc_add_tids(const char *proc, __u32 pid, struct td_set *set)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%u/task", proc, pid);
	proc_list(path, set);
}

static struct td_set proc_tids(const char *proc, __u32 pid)
{
	struct td_set set = {};

	proc_add_tids(proc, pid, &set);
	return set;
}

static struct td_set proc_all_tids(const char *proc)
{
	struct td_set pids = proc_pids(proc), tids = {};
	size_t i;

	for (i = 0; i < pids.nr; i++)
		proc_add_tids(proc, pids.pids[i], &tids);
	td_set_free(&pids);
	td_set_sort(&tids);
	return tids;
}

/* Terminates what it read, which may hold zeroes; returns its length. */
static ssize_t proc_read(const char *proc, __u32 pid, __u32 tid,
			 const char *file, char *buf, size_t size)
{
	char path[160];
	ssize_t len;
	int fd;

	if (tid)
		snprintf(path, sizeof(path), "%s/%u/task/%u/%s", proc, pid, tid,
			 file);
	else
		snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, file);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	else
		buf[len] = 0;
	close(fd);
	return len;
}

static __u32 proc_status_number(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line ? strtoul(line + strlen(name), NULL, 10) : ~0U;
}

/*
 * What procfs says that BASE should be: of the thread @tid of @pid, or with 0
 * of the process. @name is the name as procfs shows it. Returns 0 or -errno.
 */
static int proc_base(const char *proc, __u32 pid, __u32 tid,
		     struct task_diag_base *base, char name[80])
{
	char stat[1024], status[4096];
	char *open, *close, state;
	ssize_t len;

	len = proc_read(proc, pid, tid, "stat", stat, sizeof(stat));
	if (len < 0)
		return len;
	len = proc_read(proc, pid, tid, "status", status, sizeof(status));
	if (len < 0)
		return len;

	memset(base, 0, sizeof(*base));
	open = strchr(stat, '(');
	close = strrchr(stat, ')');
	if (!open || !close ||
	    sscanf(close, ") %c %u %u %u", &state, &base->ppid, &base->pgid,
		   &base->sid) != 4)
		return -EPROTO;
	base->pid = strtoul(stat, NULL, 10);
	base->state = state;
	snprintf(name, 80, "%.*s", (int)(close - open - 1), open + 1);
	memcpy(base->comm, name, strnlen(name, sizeof(base->comm) - 1));

	base->tgid = proc_status_number(status, "\nTgid:\t");
	base->tpid = proc_status_number(status, "\nTracerPid:\t");
	if (base->ppid != proc_status_number(status, "\nPPid:\t"))
		return -EPROTO;
	return 0;
}

/* Says in what @seen differs from what procfs says. */
static const char *td_base_diff(const char *proc, __u32 pid, __u32 tid,
				const struct task_diag_base *seen)
{
	struct task_diag_base base;
	static char text[600];
	char name[80];
	int err = proc_base(proc, pid, tid, &base, name);

	if (err) {
		snprintf(text, sizeof(text), "%s/%u: %s", proc, pid,
			 strerror(-err));
		return text;
	}
	base.id = seen->id;
	/* Names of kernel threads are longer in procfs. */
	if (!memcmp(&base, seen, sizeof(base)))
		return "";
	snprintf(text, sizeof(text),
		 "procfs: tgid %u pid %u ppid %u tpid %u sid %u pgid %u %c (%s), task_diag: tgid %u pid %u ppid %u tpid %u sid %u pgid %u %c (%.16s)",
		 base.tgid, base.pid, base.ppid, base.tpid, base.sid, base.pgid,
		 base.state, name, seen->tgid, seen->pid, seen->ppid,
		 seen->tpid, seen->sid, seen->pgid, seen->state, seen->comm);
	return text;
}

/* The process by a plain request and by a dump, against procfs. */
static const char *td_process_diff(struct td_sock *sock, const char *proc,
				   __u32 pid)
{
	static const __u16 flags[] = { 0, NLM_F_DUMP };
	struct td_answer *answer;
	static char text[700];
	const char *diff;
	unsigned int i;

	text[0] = 0;
	for (i = 0; i < ARRAY_SIZE(flags) && !text[0]; i++) {
		answer = td_get(sock, flags[i], TASK_DIAG_DUMP_ONE,
				TASK_DIAG_SHOW_BASE, pid);
		diff = td_whole(answer);
		if (!diff[0] && answer->nr_tasks != 1)
			diff = "not one task";
		if (!diff[0])
			diff = td_base_diff(proc, pid, 0,
					    &answer->tasks[0].base);
		snprintf(text, sizeof(text), "%s", diff);
		td_free(answer);
	}
	return text;
}

/* All threads of the process against procfs. */
static const char *td_threads_diff(struct td_sock *sock, const char *proc,
				   __u32 pid)
{
	struct td_answer *answer = td_dump(sock, TASK_DIAG_DUMP_THREAD,
					   TASK_DIAG_SHOW_BASE, pid);
	struct td_set tids = proc_tids(proc, pid), seen = td_pids(answer);
	const char *diff = td_whole(answer);
	static char text[700];
	size_t i;

	if (!diff[0])
		diff = td_set_diff(&tids, &seen);
	for (i = 0; i < answer->nr_tasks && !diff[0]; i++)
		diff = td_base_diff(proc, pid, answer->tasks[i].pid,
				    &answer->tasks[i].base);
	snprintf(text, sizeof(text), "%s", diff);
	td_set_free(&tids);
	td_set_free(&seen);
	td_free(answer);
	return text;
}

/* Tries again for a while, as a task may still be about to fall asleep. */
static const char *td_settles(const char *(*differs)(struct td_sock *sock,
						     const char *proc, __u32 pid),
			      struct td_sock *sock, const char *proc, __u32 pid)
{
	const char *diff = differs(sock, proc, pid);
	unsigned int i;

	for (i = 0; i < 10 && diff[0]; i++) {
		usleep(20000);
		diff = differs(sock, proc, pid);
	}
	return diff;
}

static const char *td_check_process(struct td_sock *sock, const char *proc,
				    __u32 pid)
{
	return td_settles(td_process_diff, sock, proc, pid);
}

static const char *td_check_threads(struct td_sock *sock, const char *proc,
				    __u32 pid)
{
	return td_settles(td_threads_diff, sock, proc, pid);
}

/*
 * All that a dump shows against all that procfs does. The system may move: what
 * counts is a dump with procfs the same before and after.
 */
static const char *td_check_all(struct td_sock *sock, const char *proc,
				__u64 strategy)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct td_set before, after, seen;
	struct td_answer *answer;
	static char text[600];
	const char *diff;
	bool still;

	do {
		before = strategy == TASK_DIAG_DUMP_ALL ? proc_pids(proc) :
							  proc_all_tids(proc);
		answer = td_dump(sock, strategy, 0, 0);
		after = strategy == TASK_DIAG_DUMP_ALL ? proc_pids(proc) :
							 proc_all_tids(proc);
		still = !td_set_diff(&before, &after)[0];
		seen = td_pids(answer);
		diff = td_whole(answer);
		if (!diff[0])
			diff = td_ascending(answer);
		if (!diff[0])
			diff = td_set_diff(&before, &seen);
		snprintf(text, sizeof(text), "%s", diff);
		td_set_free(&before);
		td_set_free(&after);
		td_set_free(&seen);
		td_free(answer);
		if (still)
			return text;
	} while (td_now() < deadline);
	return "procfs did not hold still";
}

/* --- processes to ask about -------------------------------------------- */

/*
 * Forks a child that ends with its parent, also where that ends before the child
 * gets to say so. The parent of a namespace's first process is 0 to it.
 */
static pid_t td_fork(void)
{
	const pid_t parent = getpid();
	pid_t pid = fork();

	if (!pid) {
		td_must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
		if (getppid() && getppid() != parent)
			_exit(0);
	}
	return pid;
}

/* Where a child says that it is ready */
static int td_ready_fd = -1;
static struct td_set td_children;

/* From now on the child lives as long as its parent does. */
static void td_ready(void)
{
	td_must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	td_must(write(td_ready_fd, "", 1) == 1, "write to the parent");
	close(td_ready_fd);
	td_ready_fd = -1;
}

/*
 * Forks a child that runs @setup and sleeps. Returns its pid once it is ready:
 * when @setup has returned or has called td_ready(); or -1.
 */
static pid_t td_spawn(void (*setup)(const void *arg), const void *arg)
{
	int fds[2];
	pid_t pid;
	char byte;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		close(fds[0]);
		td_ready_fd = fds[1];
		if (setup)
			setup(arg);
		if (td_ready_fd >= 0)
			td_ready();
		for (;;)
			pause();
	}
	close(fds[1]);
	if (pid > 0)
		td_set_add(&td_children, pid);
	if (read(fds[0], &byte, 1) != 1)
		pid = -1;
	close(fds[0]);
	return pid;
}

/* Ends and reaps what td_spawn() made. */
static void td_kill_children(void)
{
	size_t i;

	for (i = 0; i < td_children.nr; i++)
		kill(td_children.pids[i], SIGKILL);
	for (i = 0; i < td_children.nr; i++)
		waitpid(td_children.pids[i], NULL, __WALL);
	td_set_free(&td_children);
}

/* Waits until procfs says that the task is in the state. */
static bool td_wait_state(__u32 pid, __u32 tid, char state)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct task_diag_base base;
	char name[80];

	do {
		if (!proc_base("/proc", pid, tid, &base, name) &&
		    base.state == state)
			return true;
		usleep(1000);
	} while (td_now() < deadline);
	return false;
}

/* A child that sleeps, and is seen to. */
static pid_t td_spawn_sleeper(void (*setup)(const void *arg), const void *arg)
{
	pid_t pid = td_spawn(setup, arg);

	if (pid > 0 && !td_wait_state(pid, 0, 'S'))
		return -1;
	return pid;
}

static void *td_sleep_in_thread(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* A setup: sleeps in *@arg threads beside the first one. */
static void td_start_threads(const void *arg)
{
	unsigned int nr = *(const unsigned int *)arg;
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 32768);
	while (nr--)
		td_must(!pthread_create(&thread, &attr, td_sleep_in_thread,
					NULL), "pthread_create");
}

/* The calling thread */
static void td_stay_on_cpu(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	td_must(!sched_setaffinity(0, sizeof(cpus), &cpus), "affinity");
}

/* An ordinary user, who may look at her own processes. */
static void td_become(uid_t uid)
{
	td_must(!setgroups(0, NULL), "setgroups");
	td_must(!setresgid(uid, uid, uid), "setresgid");
	td_must(!setresuid(uid, uid, uid), "setresuid");
	td_must(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

static void td_become_user(const void *uid)
{
	td_become(*(const uid_t *)uid);
}

/* With CONFIG_PER_VMA_LOCK mappings are read without the lock of all of them. */
static bool td_has_vma_locks(void)
{
	struct utsname kernel;

	return !uname(&kernel) && strcmp(kernel.machine, "i686");
}

/* "" if there is no such file */
static void td_read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = 0;

	if (fd >= 0) {
		len = read(fd, text, size - 1);
		close(fd);
	}
	text[len > 0 ? len : 0] = 0;
}

static bool td_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	return !close(fd) && ok;
}

/* Makes the caller root of a user namespace, and of @more namespaces. */
static void td_unshare_user(int more)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[32];

	td_must(!unshare(CLONE_NEWUSER | more), "unshare");
	td_must(td_write_file("/proc/self/setgroups", "deny"), "setgroups");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	td_must(td_write_file("/proc/self/uid_map", map), "uid_map");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	td_must(td_write_file("/proc/self/gid_map", map), "gid_map");
}

/* A tmpfs of one's own on /tmp, where set-uid programs work. */
static bool td_private_tmp(void)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("taskdiag", "/tmp", "tmpfs", 0, "mode=1777");
}

/* --- the program ------------------------------------------------------- */

static int td_main(int argc, char **argv)
{
	struct td_sock sock;
	int err;

	if (geteuid()) {
		ksft_print_header();
		ksft_exit_skip("run as root\n");
	}
	err = td_open(&sock);
	if (err == -ENOENT || err == -EPROTONOSUPPORT) {
		ksft_print_header();
		ksft_exit_skip("the kernel has no task_diag\n");
	}
	td_close(&sock);
	return test_harness_run(argc, argv);
}

#endif /* TASKDIAG_H */
