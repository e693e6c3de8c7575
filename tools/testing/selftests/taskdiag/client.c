// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
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

static int fail(struct td_client *client, int err, const char *what,
		const char *why)
{
	snprintf(client->error, sizeof(client->error), "%s: %s", what, why);
	return err;
}

static int connect_family(struct td_client *client)
{
	int family, on = 1, err;

	err = genl_connect(client->sock);
	if (err)
		return fail(client, -EPROTO, "cannot open a netlink socket",
			    nl_geterror(err));

	family = genl_ctrl_resolve(client->sock, TASK_DIAG_GENL_NAME);
	if (family == -NLE_OBJ_NOTFOUND)
		return fail(client, -EOPNOTSUPP, "this kernel has no task_diag",
			    "it needs CONFIG_TASK_DIAG=y");
	if (family < 0)
		return fail(client, -EPROTO, "cannot resolve the family task_diag",
			    nl_geterror(family));
	client->family = family;

	/* The kernel's words on what is wrong with a request */
	client->fd = nl_socket_get_fd(client->sock);
	if (setsockopt(client->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)))
		return fail(client, -errno, "NETLINK_EXT_ACK", strerror(errno));
	return 0;
}

/**
 * td_connect() - connect to task_diag
 * @client: what to set up
 * @buf_size: bytes to receive at a time, %TD_BUFFER_SIZE if in doubt
 *
 * Return: 0 or a negative number, with the reason in @client->error; td_disconnect()
 * is for the first case only.
 */
int td_connect(struct td_client *client, size_t buf_size)
{
	int err;

	memset(client, 0, sizeof(*client));
	client->buf_size = buf_size;
	client->buf = malloc(buf_size);
	client->sock = nl_socket_alloc();
	if (!client->buf || !client->sock)
		err = fail(client, -ENOMEM, "no memory", strerror(ENOMEM));
	else
		err = connect_family(client);
	if (err)
		td_disconnect(client);
	return err;
}

/**
 * td_disconnect() - the end of td_connect()
 * @client: what td_connect() set up
 */
void td_disconnect(struct td_client *client)
{
	if (client->sock)
		nl_socket_free(client->sock);
	free(client->buf);
}

/* Room for a request with the longest list of pids */
#define REQUEST_SIZE	16384

static int send_request(struct td_client *client, __u8 cmd, int flags,
			const struct task_diag_pid *req,
			const struct td_selection *selections, size_t nr)
{
	struct nl_msg *msg = nlmsg_alloc_size(REQUEST_SIZE);
	int err = -NLE_NOMEM;
	size_t i;

	if (!msg)
		goto out;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, client->family, 0,
			 flags, cmd, TASK_DIAG_GENL_VERSION))
		goto free;
	if (req) {
		err = nla_put(msg, TASK_DIAG_REQUEST, sizeof(*req), req);
		if (err)
			goto free;
	}
	for (i = 0; i < nr; i++) {
		err = nla_put(msg, selections[i].attr, selections[i].len,
			      selections[i].data);
		if (err)
			goto free;
	}
	nl_complete_msg(client->sock, msg);
	/* The answer tells its end itself: an ACK would only be one more. */
	if (!(flags & NLM_F_ACK))
		nlmsg_hdr(msg)->nlmsg_flags &= ~NLM_F_ACK;
	client->seq = nlmsg_hdr(msg)->nlmsg_seq;

	client->syscalls++;
	err = nl_send(client->sock, msg);
free:
	nlmsg_free(msg);
out:
	if (err < 0)
		return fail(client, -EIO, "cannot send the request",
			    nl_geterror(err));
	return 0;
}

/**
 * td_request() - send a request
 * @client: where to
 * @cmd: TASK_DIAG_CMD_*
 * @flags: %NLM_F_DUMP, or 0 for a plain request
 * @req: payload of TASK_DIAG_REQUEST, or %NULL for none
 *
 * Return: 0 or a negative number, with the reason in @client->error.
 */
int td_request(struct td_client *client, __u8 cmd, int flags,
	       const struct task_diag_pid *req)
{
	return send_request(client, cmd, flags, req, NULL, 0);
}

/**
 * td_request_selected() - send a request that chooses among tasks
 * @client: where to
 * @cmd: TASK_DIAG_CMD_*
 * @flags: %NLM_F_DUMP, %NLM_F_ACK for a subscription, or 0 for a plain request
 * @req: payload of TASK_DIAG_REQUEST
 * @selections: what chooses, and other attributes
 * @nr: how many these are
 *
 * Return: 0 or a negative number, with the reason in @client->error.
 */
int td_request_selected(struct td_client *client, __u8 cmd, int flags,
			const struct task_diag_pid *req,
			const struct td_selection *selections, size_t nr)
{
	return send_request(client, cmd, flags, req, selections, nr);
}

/**
 * td_receive_part() - receive the next part of an answer
 * @client: where from
 *
 * For td_receive(). Anybody may send to our address: only port 0 is the kernel.
 *
 * Return: bytes in @client->buf, or a negative errno.
 */
ssize_t td_receive_part(struct td_client *client)
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
		return fail(client, -errno, "cannot receive", strerror(errno));
	if ((size_t)len > client->buf_size)
		return fail(client, -EMSGSIZE, "a message is cut off",
			    "the buffer is too small");
	return len;
}

/*
 * NLMSG_DONE and NLMSG_ERROR start with the errno; the kernel's text for it is
 * among the attributes behind, in an error after a copy of the request.
 */
static int end_of_answer(struct td_client *client, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *nlerr = NLMSG_DATA(nlh);
	const char *why = "the kernel does not say why";
	const struct nlattr *attr;
	size_t skip = sizeof(nlerr->error);
	int err;

	if (nlh->nlmsg_type == NLMSG_ERROR)
		skip = sizeof(*nlerr);
	if (nlh->nlmsg_len < NLMSG_HDRLEN + skip)
		return fail(client, -EBADMSG, "the answer is malformed",
			    "no errno at its end");
	err = nlerr->error;
	if (!err)
		return 0;

	if (nlh->nlmsg_type == NLMSG_ERROR && !(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(nlerr->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		attr = (const void *)((const char *)nlerr + skip);
		for (; td_attr_ok(attr, td_end(nlh)); attr = td_attr_next(attr)) {
			/* A string, ended by a zero byte */
			if (td_attr_type(attr) == NLMSGERR_ATTR_MSG)
				why = td_attr_data(attr);
		}
	}
	return fail(client, err, strerror(-err), why);
}

/**
 * td_rare_message() - look at a message that is not just the next one of a dump
 * @client: where it came from
 * @nlh: the message
 * @fn: called if it is the answer to a plain request, or an event
 * @arg: for @fn
 *
 * For td_receive().
 *
 * Return: %TD_GO_ON, or what td_receive() shall return.
 */
int td_rare_message(struct td_client *client, const struct nlmsghdr *nlh,
		    td_message_fn fn, void *arg)
{
	if (nlh->nlmsg_len < NLMSG_HDRLEN)
		return td_bad_length(client);
	/* Left over from a request before */
	if (nlh->nlmsg_seq != client->seq)
		return TD_GO_ON;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		return fail(client, -EINTR, "the answer is inconsistent",
			    "tasks changed meanwhile");

	switch (nlh->nlmsg_type) {
	case NLMSG_DONE:
	case NLMSG_ERROR:
		return end_of_answer(client, nlh);
	case NLMSG_NOOP:
		return TD_GO_ON;
	case NLMSG_OVERRUN:
		return fail(client, -ENOBUFS, "a part of the answer is lost",
			    strerror(ENOBUFS));
	}
	if (nlh->nlmsg_type != client->family ||
	    nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return fail(client, -EBADMSG, "the answer is malformed",
			    "a message of another type");
	return fn(nlh, arg);
}

/**
 * td_bad_length() - a message claims a length that cannot be
 * @client: where it came from
 *
 * For td_receive().
 *
 * Return: what td_receive() shall return.
 */
int td_bad_length(struct td_client *client)
{
	return fail(client, -EBADMSG, "the answer is malformed", "a wrong length");
}
