// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netlink/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "client.h"

/* Not in every C library */
#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

static int __attribute__((format(printf, 3, 4)))
fail(struct td_client *client, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(client->error, sizeof(client->error), format, args);
	va_end(args);
	return err;
}

static int connect_family(struct td_client *client)
{
	int family, on = 1, err;

	err = genl_connect(client->sock);
	if (err)
		return fail(client, -EPROTO, "cannot open a netlink socket: %s",
			    nl_geterror(err));

	family = genl_ctrl_resolve(client->sock, TASK_DIAG_GENL_NAME);
	if (family == -NLE_OBJ_NOTFOUND)
		return fail(client, -EOPNOTSUPP,
			    "this kernel has no task_diag: it needs CONFIG_TASK_DIAG=y");
	if (family < 0)
		return fail(client, -EPROTO, "cannot resolve the family %s: %s",
			    TASK_DIAG_GENL_NAME, nl_geterror(family));
	client->family = family;

	/* The kernel's words on what is wrong with a request */
	client->fd = nl_socket_get_fd(client->sock);
	if (setsockopt(client->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)))
		return fail(client, -errno, "NETLINK_EXT_ACK: %s", strerror(errno));
	return 0;
}

/**
 * td_open() - connect to task_diag
 * @client: what to set up
 * @buf_size: bytes to receive at a time, %TD_BUFFER_SIZE if in doubt
 *
 * Return: 0 or a negative number, with the reason in @client->error; td_close()
 * is for the first case only.
 */
int td_open(struct td_client *client, size_t buf_size)
{
	int err;

	memset(client, 0, sizeof(*client));
	client->buf_size = buf_size;
	client->buf = malloc(buf_size);
	client->sock = nl_socket_alloc();
	if (!client->buf || !client->sock)
		err = fail(client, -ENOMEM, "no memory for a buffer of %zu bytes",
			   buf_size);
	else
		err = connect_family(client);
	if (err)
		td_close(client);
	return err;
}

/**
 * td_close() - the end of td_open()
 * @client: what td_open() set up
 */
void td_close(struct td_client *client)
{
	if (client->sock)
		nl_socket_free(client->sock);
	free(client->buf);
}

/**
 * td_request() - send a request
 * @client: where to
 * @cmd: TASK_DIAG_CMD_*
 * @flags: %NLM_F_DUMP, or 0 for a plain request
 * @req: payload of TASK_DIAG_CMD_ATTR_GET, or %NULL for none
 *
 * Return: 0 or a negative number, with the reason in @client->error.
 */
int td_request(struct td_client *client, uint8_t cmd, int flags,
	       const struct task_diag_pid *req)
{
	struct nl_msg *msg = nlmsg_alloc();
	int err = -NLE_NOMEM;

	if (!msg)
		goto out;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, client->family, 0,
			 flags, cmd, TASK_DIAG_GENL_VERSION))
		goto free;
	if (req) {
		err = nla_put(msg, TASK_DIAG_CMD_ATTR_GET, sizeof(*req), req);
		if (err)
			goto free;
	}
	nl_complete_msg(client->sock, msg);
	/* The answer tells its end itself: an ACK would only be one more. */
	nlmsg_hdr(msg)->nlmsg_flags &= ~NLM_F_ACK;
	client->seq = nlmsg_hdr(msg)->nlmsg_seq;

	client->syscalls++;
	err = nl_send(client->sock, msg);
free:
	nlmsg_free(msg);
out:
	if (err < 0)
		return fail(client, -EIO, "cannot send the request: %s",
			    nl_geterror(err));
	return 0;
}

/* Anybody may send to our address: only port 0 is the kernel. */
static ssize_t receive_from_kernel(struct td_client *client)
{
	struct sockaddr_nl from;
	socklen_t from_len;
	ssize_t len;

	do {
		from_len = sizeof(from);
		client->syscalls++;
		/* With MSG_TRUNC the length is the message's, not ours. */
		len = recvfrom(client->fd, client->buf, client->buf_size,
			       MSG_TRUNC, (struct sockaddr *)&from, &from_len);
	} while (len < 0 ? errno == EINTR : from.nl_pid != 0);

	if (len < 0)
		return fail(client, -errno, "cannot receive: %s", strerror(errno));
	if ((size_t)len > client->buf_size)
		return fail(client, -EMSGSIZE,
			    "%zd bytes do not fit into a buffer of %zu: make it larger",
			    len, client->buf_size);
	return len;
}

/*
 * NLMSG_DONE and NLMSG_ERROR start with the errno; the kernel's text for it is
 * among the attributes behind, in an error after a copy of the request.
 */
static int end_of_answer(struct td_client *client, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *nlerr = NLMSG_DATA(nlh);
	const struct nlattr *attr;
	size_t skip = sizeof(nlerr->error);
	int err;

	if (nlh->nlmsg_type == NLMSG_ERROR)
		skip = sizeof(*nlerr);
	if (nlh->nlmsg_len < NLMSG_HDRLEN + skip)
		return fail(client, -EBADMSG, "the answer's end is cut off");
	err = nlerr->error;
	if (!err)
		return 0;

	if (nlh->nlmsg_type == NLMSG_ERROR && !(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(nlerr->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		attr = (const void *)((const char *)nlerr + skip);
		td_for_each_attr(attr, attr, td_end(nlh)) {
			if (td_attr_type(attr) == NLMSGERR_ATTR_MSG)
				return fail(client, err, "%s (%.*s)", strerror(-err),
					    (int)td_attr_len(attr),
					    (const char *)td_attr_data(attr));
		}
	}
	return fail(client, err, "%s", strerror(-err));
}

#define GO_ON	1

/* A message that is not just the next one of a dump */
static int rare_message(struct td_client *client, const struct nlmsghdr *nlh,
			td_message_fn fn, void *arg)
{
	/* Left over from a request before */
	if (nlh->nlmsg_seq != client->seq)
		return GO_ON;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		return fail(client, -EINTR, "what is dumped changed in between: ask again");

	switch (nlh->nlmsg_type) {
	case NLMSG_DONE:
	case NLMSG_ERROR:
		return end_of_answer(client, nlh);
	case NLMSG_NOOP:
		return GO_ON;
	case NLMSG_OVERRUN:
		return fail(client, -ENOBUFS, "a part of the answer is lost");
	}
	if (nlh->nlmsg_type != client->family ||
	    nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return fail(client, -EBADMSG, "unexpected message of type %u",
			    nlh->nlmsg_type);
	return fn(nlh, arg);
}

static int walk_messages(struct td_client *client, size_t len,
			 td_message_fn fn, void *arg)
{
	const char *pos = client->buf, *end = pos + len;
	const uint16_t flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
	const uint16_t family = client->family;
	const uint32_t seq = client->seq;
	const struct nlmsghdr *nlh;
	int ret;

	for (; end - pos >= NLMSG_HDRLEN; pos += NLMSG_ALIGN(nlh->nlmsg_len)) {
		nlh = (const void *)pos;
		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > end - pos)
			return fail(client, -EBADMSG, "a message is cut off");

		if (nlh->nlmsg_type == family && nlh->nlmsg_seq == seq &&
		    (nlh->nlmsg_flags & flags) == NLM_F_MULTI &&
		    nlh->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN) {
			ret = fn(nlh, arg);
			if (ret)
				return ret;
			continue;
		}
		ret = rare_message(client, nlh, fn, arg);
		if (ret != GO_ON)
			return ret;
	}
	return GO_ON;
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
 * Return: 0 after the whole answer; the negative number that @fn returned; a
 * negative errno, the kernel's if it sent one, with the reason in
 * @client->error.
 */
int td_receive(struct td_client *client, td_message_fn fn, void *arg)
{
	ssize_t len;
	int ret;

	do {
		len = receive_from_kernel(client);
		if (len < 0)
			return len;
		ret = walk_messages(client, len, fn, arg);
	} while (ret == GO_ON);
	return ret;
}
