// SPDX-License-Identifier: GPL-2.0
/* taskstats, as far as tests compare with it */
#include "taskdiag.h"

#include <linux/taskstats.h>

int taskstats_open(struct td_sock *sock)
{
	int family = td_open(sock);

	if (!family)
		family = td_family(sock->fd, TASKSTATS_GENL_NAME);
	if (family < 0)
		return family;
	sock->family = family;
	return 0;
}

bool taskstats_listen(struct td_sock *sock)
{
	struct td_msg msg;
	char cpus[32];

	snprintf(cpus, sizeof(cpus), "0-%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	td_begin(&msg, sock->family, TASKSTATS_CMD_GET, NLM_F_ACK, ++sock->seq);
	td_put(&msg, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, cpus, strlen(cpus) + 1);
	return !td_send(sock, &msg) && recv(sock->fd, sock->buf, sock->size, 0) > 0 &&
	       !((struct nlmsgerr *)NLMSG_DATA(sock->buf))->error;
}
