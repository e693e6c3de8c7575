// SPDX-License-Identifier: GPL-2.0
/* Number and arguments of each process: task_diag over libnl-3. */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <linux/task_diag.h>

/* Others chose these bytes: a terminal must not get them as they are. */
static void print(const char *bytes, int len)
{
	for (; len-- > 0; bytes++)
		putchar(!*bytes ? ' ' : *bytes < ' ' || *bytes > '~' ? '?' : *bytes);
}

/* Anybody may send to our address. */
static int on_arrival(struct nl_msg *msg, void *arg)
{
	(void)arg;
	return nlmsg_get_src(msg)->nl_pid ? NL_SKIP : NL_OK;
}

static int on_message(struct nl_msg *msg, void *arg)
{
	const struct genlmsghdr *genl = genlmsg_hdr(nlmsg_hdr(msg));
	struct task_diag_base base = {};	/* the kernel's may be shorter, or longer */
	int left, *more = arg;
	struct nlattr *attr;

	if (genl->cmd != TASK_DIAG_CMD_GET)
		return NL_SKIP;		/* the header */
	/* nla_parse() would keep one of those that repeat. */
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), left) {
		switch (nla_type(attr)) {
		case TASK_DIAG_PID:
			if (!*more)	/* else it goes on with the same task */
				printf("\n%7u ", nla_get_u32(attr));
			*more = 0;
			break;
		case TASK_DIAG_BASE:
			nla_memcpy(&base, attr, sizeof(base));
			printf("%c ", base.state);
			break;
		case TASK_DIAG_CMDLINE:	/* a piece: the next one follows it */
			print(nla_data(attr), nla_len(attr));
			break;
		case TASK_DIAG_ERROR:
			printf("(busy)");
			break;
		case TASK_DIAG_MORE:
			*more = 1;
		}
	}
	return NL_OK;
}

/* The errno with which a dump ended: libnl does not look at it. */
static int on_end(struct nl_msg *msg, void *arg)
{
	*(int *)arg = *(int *)nlmsg_data(nlmsg_hdr(msg));
	return NL_STOP;
}

int main(void)
{
	struct task_diag_pid all = { .show_flags = TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_CMDLINE };
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc();
	int family, ret, more = 0, end = 0;

	if (!sock || !msg)
		errx(1, "no memory");
	ret = genl_connect(sock);
	if (ret < 0)
		errx(1, "genl_connect: %s", nl_geterror(ret));
	family = genl_ctrl_resolve(sock, TASK_DIAG_GENL_NAME);
	if (family < 0)
		errx(1, "no task_diag, is CONFIG_TASK_DIAG set? %s", nl_geterror(family));
	nl_socket_set_msg_buf_size(sock, 32768);	/* no datagram is longer */
	nl_socket_modify_cb(sock, NL_CB_MSG_IN, NL_CB_CUSTOM, on_arrival, NULL);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, &more);
	nl_socket_modify_cb(sock, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &end);

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_DUMP,
		    TASK_DIAG_CMD_GET, TASK_DIAG_GENL_VERSION);
	nla_put(msg, TASK_DIAG_REQUEST, sizeof(all), &all);
	ret = nl_send_auto(sock, msg);
	if (ret >= 0)		/* asks again after EINTR */
		ret = nl_recvmsgs_default(sock);
	if (ret < 0 || end < 0)	/* the dump may go on: try again on another socket */
		errx(1, "the answer broke off: %s", ret < 0 ? nl_geterror(ret) : strerror(-end));
	putchar('\n');
	nlmsg_free(msg);
	nl_socket_free(sock);
	return 0;
}
