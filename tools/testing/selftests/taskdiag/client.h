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
 *	if (td_open(&client, TD_BUFFER_SIZE) ||
 *	    td_request(&client, TASK_DIAG_CMD_GET, NLM_F_DUMP, &req) ||
 *	    td_receive(&client, callback, arg))
 *		fprintf(stderr, "%s\n", client.error);
 *	td_close(&client);
 */
#ifndef TASKDIAG_CLIENT_H
#define TASKDIAG_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/task_diag.h>

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
	uint16_t family;
	uint32_t seq;
	char *buf;
	size_t buf_size;
	unsigned long syscalls;
	char error[256];
};

/**
 * typedef td_message_fn - what td_receive() calls for each message
 * @nlh: the message, in the client's buffer; at least td_genl() of it is there
 * @arg: the caller's own
 *
 * Return: 0 to go on, or a negative number that ends td_receive() with it.
 */
typedef int (*td_message_fn)(const struct nlmsghdr *nlh, void *arg);

int td_open(struct td_client *client, size_t buf_size);
void td_close(struct td_client *client);
int td_request(struct td_client *client, uint8_t cmd, int flags,
	       const struct task_diag_pid *req);
int td_receive(struct td_client *client, td_message_fn fn, void *arg);

static inline const struct genlmsghdr *td_genl(const struct nlmsghdr *nlh)
{
	return (const void *)((const char *)nlh + NLMSG_HDRLEN);
}

static inline uint16_t td_attr_type(const struct nlattr *attr)
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

/* The attributes from @first on, which end at @end */
#define td_for_each_attr(attr, first, end) \
	for ((attr) = (first); td_attr_ok(attr, end); \
	     (attr) = td_attr_next(attr))

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
static inline uint32_t td_pid(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr = td_first_attr(nlh);

	if (td_genl(nlh)->cmd != TASK_DIAG_CMD_GET ||
	    nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN + sizeof(uint32_t) ||
	    td_attr_type(attr) != TASK_DIAG_PID ||
	    attr->nla_len != NLA_HDRLEN + sizeof(uint32_t))
		return 0;
	return *(const uint32_t *)td_attr_data(attr);
}

#endif /* TASKDIAG_CLIENT_H */
