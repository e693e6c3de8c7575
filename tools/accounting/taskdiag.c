// SPDX-License-Identifier: GPL-2.0
/* Number, parent, state and memory of each process: task_diag without a library. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/task_diag.h>

static int fd, more, family = GENL_ID_CTRL;	/* more: the next message is on the same task */

static void ask(int cmd, int flags, int attr, const void *data, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		struct nlattr attr;
		char data[64];
	} msg = {
		.nlh = { .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN + NLA_HDRLEN + NLA_ALIGN(len)),
			 .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST | flags },
		.genl = { .cmd = cmd, .version = 1 },
		.attr = { .nla_len = NLA_HDRLEN + len, .nla_type = attr },
	};

	memcpy(msg.data, data, len);
	if (sendto(fd, &msg, msg.nlh.nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) < 0)
		err(1, "sendto");
}

static void note_family(int type, const void *data, size_t len)
{
	if (type == CTRL_ATTR_FAMILY_ID && len == sizeof(__u16))
		family = *(const __u16 *)data;
}

static void tell(int type, const void *data, size_t len)
{
	struct task_diag_base base = {};	/* the kernel's may be shorter, or longer */
	struct task_diag_mem mem = {};

	if (type == TASK_DIAG_PID && !more) {
		printf("\n%7u ", *(const __u32 *)data);
	} else if (type == TASK_DIAG_BASE) {
		memcpy(&base, data, len < sizeof(base) ? len : sizeof(base));
		printf("%7u %c ", base.ppid, base.state);
	} else if (type == TASK_DIAG_MEM) {
		memcpy(&mem, data, len < sizeof(mem) ? len : sizeof(mem));
		printf("%llu", (mem.rss_anon + mem.rss_file + mem.rss_shmem) / 1024ULL);
	} else if (type == TASK_DIAG_ERROR) {
		printf("?");
	}
	more = type == TASK_DIAG_MORE || (more && type != TASK_DIAG_PID);
}

static void answer(void (*each)(int type, const void *data, size_t len))
{
	for (;;) {
		static __u32 buf[8192];
		struct sockaddr_nl from = {};
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_TRUNC, (void *)&from, &size);
		unsigned int len = n;

		if (n < 0 ? errno == EINTR : from.nl_pid != 0)
			continue;	/* no answer yet, or not from the kernel */
		if (n < 0 || len > sizeof(buf))	/* ENOBUFS: retry on another socket */
			errx(1, "recvfrom: %s", n < 0 ? strerror(errno) : "cut off");
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
				if (!*(int *)NLMSG_DATA(h))
					return;
				errx(1, "the kernel: %s", strerror(-*(int *)NLMSG_DATA(h)));
			}
			for (const struct nlattr *a = NLMSG_DATA(h) + GENL_HDRLEN;
			     (void *)a < (void *)h + h->nlmsg_len;
			     a = (void *)a + NLA_ALIGN(a->nla_len))
				each(a->nla_type & NLA_TYPE_MASK, a + 1, a->nla_len - NLA_HDRLEN);
			if (!(h->nlmsg_flags & NLM_F_MULTI))
				return;
		}
	}
}

int main(void)
{
	struct task_diag_pid all = { .show_flags = TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_MEM };

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		err(1, "socket");
	ask(CTRL_CMD_GETFAMILY, 0, CTRL_ATTR_FAMILY_NAME, TASK_DIAG_GENL_NAME, 10);
	answer(note_family);
	ask(TASK_DIAG_CMD_GET, NLM_F_DUMP, TASK_DIAG_REQUEST, &all, sizeof(all));
	answer(tell);
	return putchar('\n') < 0;
}
