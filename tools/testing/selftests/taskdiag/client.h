/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client of task_diag
 *
 * Requests go out through libnl; answers are received here, into one buffer
 * that serves again and again, and handed to a callback where they lie:
 * nothing is allocated or copied for a message.
 *
 *	struct td_client client;
 *	struct task_diag_pid req = { .show_flags = TASK_DIAG_SHOW_BASE };
 *
 *	if (td_connect(&client, TD_BUFFER_SIZE) ||
 *	    td_request(&client, TASK_DIAG_CMD_GET, NLM_F_DUMP, &req) ||
 *	    td_receive(&client, callback, arg))
 *		fprintf(stderr, "%s\n", client.error);
 *	td_disconnect(&client);
 */
#ifndef TASKDIAG_CLIENT_H
#define TASKDIAG_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/cdefs.h>
#include <sys/types.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/task_diag.h>
#include <linux/types.h>

struct nl_sock;

/* The kernel fills no more than 32 KiB at a time. */
#define TD_BUFFER_SIZE	65536

/**
 * struct td_client - a socket to task_diag
 * @sock: libnl's
 * @fd: its descriptor
 * @family: message type of the family
 * @seq: sequence number of the last request
 * @buf: what was received last
 * @buf_size: its size
 * @syscalls: system calls that requests and their answers took
 * @error: why the last call failed
 */
struct td_client {
	struct nl_sock *sock;
	int fd;
	__u16 family;
	__u32 seq;
	char *buf;
	size_t buf_size;
	unsigned long syscalls;
	char error[256];
};

/**
 * struct td_selection - an attribute of a request, such as TASK_DIAG_SELECT_*
 * @attr: which one
 * @data: its payload
 * @len: how long that is
 */
struct td_selection {
	__u16 attr;
	const void *data;
	int len;
};

/**
 * typedef td_message_fn - what td_receive() calls for each message
 * @nlh: the message, in the client's buffer; at least td_genl() of it is there
 * @arg: the caller's own
 *
 * Return: 0 to go on, or a negative number that ends td_receive() with it. Of the
 * answer to a plain request 0 is the end, and %TD_GO_ON goes on.
 */
typedef int (*td_message_fn)(const struct nlmsghdr *nlh, void *arg);

int td_connect(struct td_client *client, size_t buf_size);
void td_disconnect(struct td_client *client);
int td_request(struct td_client *client, __u8 cmd, int flags,
	       const struct task_diag_pid *req);
int td_request_selected(struct td_client *client, __u8 cmd, int flags,
			const struct task_diag_pid *req,
			const struct td_selection *selections, size_t nr);

/* What td_receive() is made of */
#define TD_GO_ON	1
ssize_t td_receive_part(struct td_client *client);
int td_rare_message(struct td_client *client, const struct nlmsghdr *nlh,
		    td_message_fn fn, void *arg);
int td_bad_length(struct td_client *client);

static inline const struct genlmsghdr *td_genl(const struct nlmsghdr *nlh)
{
	return (const void *)((const char *)nlh + NLMSG_HDRLEN);
}

static inline __u16 td_attr_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

static inline const void *td_attr_data(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static inline size_t td_attr_len(const struct nlattr *attr)
{
	return attr->nla_len - NLA_HDRLEN;
}

/* Is all of the attribute at @attr in front of @end? */
static inline bool td_attr_ok(const struct nlattr *attr, const void *end)
{
	ptrdiff_t left = (const char *)end - (const char *)attr;

	return left >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN &&
	       attr->nla_len <= left;
}

static inline const struct nlattr *td_attr_next(const struct nlattr *attr)
{
	return (const void *)((const char *)attr + NLA_ALIGN(attr->nla_len));
}

static inline const struct nlattr *td_first_attr(const struct nlmsghdr *nlh)
{
	return (const void *)((const char *)td_genl(nlh) + GENL_HDRLEN);
}

static inline const void *td_end(const struct nlmsghdr *nlh)
{
	return (const char *)nlh + nlh->nlmsg_len;
}

/**
 * td_pid() - which task a message is about
 * @nlh: the message
 *
 * Return: its TASK_DIAG_PID, or 0 if this is no message about a task.
 */
static inline __u32 td_pid(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr = td_first_attr(nlh);

	if ((td_genl(nlh)->cmd != TASK_DIAG_CMD_GET &&
	     td_genl(nlh)->cmd != TASK_DIAG_CMD_EVENT) ||
	    nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN + sizeof(__u32) ||
	    attr->nla_type != TASK_DIAG_PID ||
	    attr->nla_len != NLA_HDRLEN + sizeof(__u32))
		return 0;
	return *(const __u32 *)td_attr_data(attr);
}

/*
 * The step from message to message costs as much again as counting it: the
 * usual message is recognised at once, and all else left to td_rare_message().
 */
static __always_inline int td_walk(struct td_client *client, ssize_t len,
				   td_message_fn fn, void *arg)
{
	const struct nlmsghdr *nlh = (const void *)client->buf;
	const __u16 flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
	const __u16 family = client->family;
	const __u32 seq = client->seq;
	size_t step;
	int ret;

	for (; len >= NLMSG_HDRLEN; len -= step) {
		if (nlh->nlmsg_len > (size_t)len)
			return td_bad_length(client);
		step = NLMSG_ALIGN(nlh->nlmsg_len);
		if (nlh->nlmsg_type == family && nlh->nlmsg_seq == seq &&
		    (nlh->nlmsg_flags & flags) == NLM_F_MULTI &&
		    nlh->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN) {
			ret = fn(nlh, arg);
			if (ret)
				return ret;
		} else {
			ret = td_rare_message(client, nlh, fn, arg);
			if (ret != TD_GO_ON)
				return ret;
		}
		nlh = (const void *)((const char *)nlh + step);
	}
	return TD_GO_ON;
}

/**
 * td_receive() - receive the answer to the last request
 * @client: where from
 * @fn: called for each message but the one that marks the end
 * @arg: for @fn
 *
 * The answer to a dump ends with NLMSG_DONE, that to a plain request is one
 * message. What does not come from the kernel, or does not answer this request,
 * is ignored.
 *
 * Inline, so that @fn becomes a part of the loop.
 *
 * Return: 0 after the whole answer; the negative number that @fn returned; a
 * negative errno, the kernel's if it sent one, with the reason in
 * @client->error.
 */
static __always_inline int td_receive(struct td_client *client,
				      td_message_fn fn, void *arg)
{
	ssize_t len;
	int ret;

	do {
		len = td_receive_part(client);
		if (len < 0)
			return len;
		ret = td_walk(client, len, fn, arg);
	} while (ret == TD_GO_ON);
	return ret;
}

#endif /* TASKDIAG_CLIENT_H */
