/* SPDX-License-Identifier: GPL-2.0 */
/* For tests that compare with taskstats: a socket to its family */
#ifndef __TASKDIAG_TASKSTATS_SOCKET_H
#define __TASKDIAG_TASKSTATS_SOCKET_H

#include "taskdiag.h"

#include <linux/taskstats.h>

static int taskstats_open(struct td_sock *sock)
{
	const struct nlattr *attr;
	struct td_answer *answer;
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	struct td_msg msg;
	int err = td_open(sock);

	if (err)
		return err;
	td_begin(&msg, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, 1);
	td_put(&msg, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME,
	       sizeof(TASKSTATS_GENL_NAME));
	err = td_send(sock, &msg);
	if (err || recv(sock->fd, sock->buf, sock->size, 0) < 0)
		return err ?: -errno;
	if (((struct nlmsghdr *)sock->buf)->nlmsg_type == NLMSG_ERROR)
		return -ENOENT;
	answer = td_new_answer();
	while ((attr = td_next_attr(answer, (void *)sock->buf, &pos)))
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			sock->family = *(__u16 *)((void *)attr + NLA_HDRLEN);
	td_free(answer);
	return 0;
}

/* Of all threads and processes that end */
static bool taskstats_listen(struct td_sock *sock)
{
	struct td_msg msg;
	char cpus[32];

	snprintf(cpus, sizeof(cpus), "0-%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	td_begin(&msg, sock->family, TASKSTATS_CMD_GET, NLM_F_ACK, ++sock->seq);
	td_put(&msg, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, cpus, strlen(cpus) + 1);
	return !td_send(sock, &msg) && recv(sock->fd, sock->buf, sock->size, 0) > 0 &&
	       !((struct nlmsgerr *)NLMSG_DATA(sock->buf))->error;
}

#endif /* __TASKDIAG_TASKSTATS_SOCKET_H */
