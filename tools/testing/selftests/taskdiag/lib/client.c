// SPDX-License-Identifier: GPL-2.0
/* A socket, its requests, and their answers with no group but BASE */
#include "taskdiag.h"

void td_begin(struct td_msg *msg, __u16 type, __u8 cmd, __u16 flags, __u32 seq)
{
	memset(msg, 0, sizeof(*msg));
	msg->nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	msg->nlh.nlmsg_type = type;
	msg->nlh.nlmsg_flags = NLM_F_REQUEST | flags;
	msg->nlh.nlmsg_seq = seq;
	msg->genl.cmd = cmd;
	msg->genl.version = TASK_DIAG_GENL_VERSION;
}

void td_put(struct td_msg *msg, __u16 type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)msg + NLMSG_ALIGN(msg->nlh.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((void *)attr + NLA_HDRLEN, data, len);
	msg->nlh.nlmsg_len = (void *)attr + NLA_ALIGN(attr->nla_len) -
			     (void *)msg;
}

void td_request(struct td_sock *sock, struct td_msg *msg, __u8 cmd, __u16 flags)
{
	td_begin(msg, sock->family, cmd, flags, ++sock->seq);
	sock->dump = (flags & NLM_F_DUMP) == NLM_F_DUMP;
	sock->show_flags = 0;
}

void td_request_get(struct td_sock *sock, struct td_msg *msg, __u16 flags,
		    const struct task_diag_pid *req)
{
	td_request(sock, msg, TASK_DIAG_CMD_GET, flags);
	td_put(msg, TASK_DIAG_REQUEST, req, sizeof(*req));
	sock->show_flags = req->show_flags;
}

int td_send(struct td_sock *sock, const struct td_msg *msg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(sock->fd, msg, msg->nlh.nlmsg_len, 0, (void *)&kernel,
		      sizeof(kernel)) < 0 ? -errno : 0;
}

int td_family(int fd, const char *name)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct td_msg msg;
	struct nlattr *attr;
	ssize_t len, pos;

	td_begin(&msg, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, 1);
	td_put(&msg, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	if (sendto(fd, &msg, msg.nlh.nlmsg_len, 0, (void *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	/*
	 * The kernel fits its datagrams to the largest recv that a socket has
	 * seen: do not spoil that here.
	 */
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

int td_open(struct td_sock *sock)
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

	family = td_family(sock->fd, TASK_DIAG_GENL_NAME);
	if (family < 0)
		return family;
	sock->family = family;
	return 0;
}

void td_close(struct td_sock *sock)
{
	close(sock->fd);
	free(sock->buf);
}

void td_set_recv_size(struct td_sock *sock, size_t size)
{
	sock->size = size;
	sock->buf = realloc(sock->buf, size);
	td_must(sock->buf, "realloc");
}

void td_broken(struct td_answer *answer, const char *fmt, ...)
{
	va_list args;

	if (answer->broken[0])
		return;
	va_start(args, fmt);
	vsnprintf(answer->broken, sizeof(answer->broken), fmt, args);
	va_end(args);
}

size_t td_attr_len(const struct nlattr *attr)
{
	return attr->nla_len - NLA_HDRLEN;
}

const struct nlattr *td_next_attr(struct td_answer *answer,
				  const struct nlmsghdr *nlh, size_t *pos)
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

void td_parse_end(struct td_answer *answer, const struct nlmsghdr *nlh)
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

__u32 td_parse_pid(const struct td_sock *sock, struct td_answer *answer,
		   const struct nlmsghdr *nlh, size_t *pos)
{
	const struct nlattr *attr = td_next_attr(answer, nlh, pos);
	__u32 pid = 0;

	if (sock->dump && !answer->has_header)
		td_broken(answer, "task before the header");
	if (attr && attr->nla_type == TASK_DIAG_PID &&
	    td_attr_len(attr) == sizeof(pid))
		pid = *(__u32 *)((void *)attr + NLA_HDRLEN);
	if (!pid)
		td_broken(answer, "task that does not start with its pid");
	return pid;
}

/* The pid, then the groups that were requested, each once, and nothing else. */
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

	task->pid = td_parse_pid(sock, answer, nlh, &pos);
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

void td_parse(const struct td_sock *sock, struct td_answer *answer,
	      const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);

	if (answer->ended && nlh->nlmsg_type != NLMSG_ERROR)
		td_broken(answer, "message after the end");
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
	else if (genl->cmd != TASK_DIAG_CMD_GET)
		td_broken(answer, "message of command %u", genl->cmd);
	else if (answer->props)
		td_parse_props(sock, answer->props, nlh);
	else
		td_parse_task(sock, answer, nlh);
	if (!sock->dump)
		answer->ended = true;
}

void td_make_flood(struct td_sock *sock, struct td_flood *flood,
		   unsigned int nr, __u16 flags, __u64 show_flags, pid_t pid)
{
	struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = pid,
	};
	struct td_msg msg;
	unsigned int i;

	flood->first = sock->seq + 1;
	flood->len = 0;
	for (i = 0; i < nr; i++) {
		td_request_get(sock, &msg, flags, &req);
		memcpy(flood->bytes + flood->len, &msg, msg.nlh.nlmsg_len);
		flood->len += msg.nlh.nlmsg_len;
	}
}

bool td_send_flood(const struct td_sock *sock, const struct td_flood *flood)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int size = sizeof(flood->bytes);

	/* The system's limit is higher than what a socket starts with. */
	td_must(!setsockopt(sock->fd, SOL_SOCKET, SO_SNDBUF, &size,
			    sizeof(size)), "SO_SNDBUF");
	return sendto(sock->fd, flood->bytes, flood->len, 0, (void *)&kernel,
		      sizeof(kernel)) == (ssize_t)flood->len;
}

struct td_answer *td_new_answer(void)
{
	struct td_answer *answer = calloc(1, sizeof(*answer));

	td_must(answer, "calloc");
	return answer;
}

void td_free(struct td_answer *answer)
{
	free(answer->tasks);
	free(answer);
}

void td_parse_datagram(const struct td_sock *sock, struct td_answer *answer,
		       size_t len)
{
	const struct nlmsghdr *nlh = (void *)sock->buf;

	answer->nr_datagrams++;
	if (!len || len > sock->size) {
		td_broken(answer, "datagram of %zu bytes", len);
		return;
	}
	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
		td_parse(sock, answer, nlh);
	if (len)
		td_broken(answer, "%zu bytes are no message", len);
}

bool td_recv(const struct td_sock *sock, struct td_answer *answer)
{
	struct iovec iov = { .iov_base = sock->buf, .iov_len = sock->size };
	struct sockaddr_nl from = {};
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t len = recvmsg(sock->fd, &msg, MSG_TRUNC);

	if (len < 0) {
		td_broken(answer, "recvmsg: %s", strerror(errno));
		return false;
	}
	if (from.nl_pid)
		td_broken(answer, "datagram from port %u", from.nl_pid);
	td_parse_datagram(sock, answer, len);
	return !answer->ended && !answer->broken[0];
}

struct td_answer *td_recv_all(const struct td_sock *sock)
{
	struct td_answer *answer = td_new_answer();

	while (td_recv(sock, answer))
		;
	return answer;
}

struct td_answer *td_exchange(struct td_sock *sock, const struct td_msg *msg)
{
	struct td_answer *answer;
	int err = td_send(sock, msg);

	if (!err)
		return td_recv_all(sock);
	answer = td_new_answer();
	td_broken(answer, "sendto: %s", strerror(-err));
	return answer;
}

int td_send_get(struct td_sock *sock, __u16 flags,
		const struct task_diag_pid *req)
{
	struct td_msg msg;

	td_request_get(sock, &msg, flags, req);
	return td_send(sock, &msg);
}

struct td_answer *td_get(struct td_sock *sock, __u16 flags, __u64 strategy,
			 __u64 show_flags, __u32 pid)
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

struct td_answer *td_dump(struct td_sock *sock, __u64 strategy,
			  __u64 show_flags, __u32 pid)
{
	return td_get(sock, NLM_F_DUMP, strategy, show_flags, pid);
}

int td_start_dump(struct td_sock *sock, __u64 strategy, __u32 pid)
{
	struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE,
		.dump_strategy = strategy,
		.pid = pid,
	};

	return td_send_get(sock, NLM_F_DUMP, &req);
}

const struct td_task *td_find(const struct td_answer *answer, __u32 pid)
{
	size_t i;

	for (i = 0; i < answer->nr_tasks; i++)
		if (answer->tasks[i].pid == pid)
			return &answer->tasks[i];
	return NULL;
}

size_t td_count(const struct td_answer *answer, __u32 pid)
{
	size_t i, count = 0;

	for (i = 0; i < answer->nr_tasks; i++)
		count += answer->tasks[i].pid == pid;
	return count;
}

__u64 td_all_groups(struct td_sock *sock)
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

const char *td_whole(const struct td_answer *answer)
{
	static char text[400];

	if (answer->broken[0] || (!answer->error && answer->ended))
		return answer->broken;
	snprintf(text, sizeof(text), "error %d (%s), %s", answer->error,
		 answer->text, answer->ended ? "ended" : "not ended");
	return text;
}

struct td_set td_pids(const struct td_answer *answer)
{
	struct td_set set = {};
	size_t i;

	for (i = 0; i < answer->nr_tasks; i++)
		td_set_add(&set, answer->tasks[i].pid);
	td_set_sort(&set);
	return set;
}

const char *td_ascending(const struct td_answer *answer)
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
