// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/* The connection to task_diag: requests, and the messages that answer them */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"

/* Not in every C library */
#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

/* The kernel fills no more than this at a time. */
#define BUFFER_SIZE	32768
#define BUFFER_MAX	(1024 * 1024)

/* Room for a longer struct task_diag_pid or task_diag_header of the future */
#define STRUCT_MAX	256

#define LIMIT_DEFAULT	(64UL * 1024 * 1024)
#define LIMIT_MAX	(1024UL * 1024 * 1024)

/*
 * Groups that the kernel reports only in a dump. It may refuse a plain request
 * for other groups too; td_get() then tries a dump.
 */
#define DUMP_GROUPS	(TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT |	\
			 TASK_DIAG_SHOW_MEM_ROLLUP | TASK_DIAG_SHOW_FILES)

/**
 * struct channel - a socket, and what it receives
 * @fd: the socket, or -1 if there is none
 * @seq: sequence number of the last request and of every message that answers
 *	it
 * @buf: the last datagram that was received, or all of an answer
 * @buf_size: its size
 * @longest: length of the longest datagram that it must have room for
 * @at: where in @buf the next message begins
 * @end: where the contents of @buf end
 * @store: the task that the messages are about
 */
struct channel {
	int fd;
	__u32 seq;
	char *buf;
	size_t buf_size;
	size_t longest;
	size_t at;
	size_t end;
	struct td_store store;
};

/**
 * struct td_handle - see libtask_diag.h
 * @answers: of requests; the next request opens the socket if there is none
 * @events: of the subscription
 * @events_result: why there are no more events, or 0
 * @family: message type of the family
 * @ours: a byte in a page of its own, which is 0 in a child after fork()
 * @header: what the kernel supports
 * @header_len: its length
 * @type: message type of the last request and of its answer
 * @many: the answer has any number of messages, and a message that ends it
 * @active: the answer has not ended yet
 * @keep: the received part of the answer stays in the buffer, see td_collect()
 * @limit: of that part, in bytes
 * @whole: the buffer has all of the answer
 * @inconsistent: the kernel reported that the answer is inconsistent
 * @result: how the answer ended
 * @select: selections of the next request, as attributes
 * @select_len: their length
 * @select_err: why one of them is missing
 * @error: why the last call failed
 *
 * After fork() the child has a copy of the handle and shares the sockets, whose
 * answers are for the parent: the child closes its descriptors without
 * receiving.
 *
 * Events have a socket of their own, because the handle closes the socket for
 * requests whenever it drops an answer. So events wait on a socket on which the
 * kernel counts the lost ones; a dump does not lose events, and events do not
 * delay a dump. With two sockets the order between events and the tasks of a
 * dump is unknown. This is no loss: on one socket, too, a datagram of tasks may
 * come after the event that one of them ended. It is enough that the kernel
 * acknowledged the subscription before a dump begins.
 */
struct td_handle {
	struct channel answers;
	struct channel events;
	int events_result;
	__u16 family;
	char *ours;
	char header[STRUCT_MAX];
	size_t header_len;
	__u16 type;
	bool many;
	bool active;
	bool keep;
	size_t limit;
	bool whole;
	bool inconsistent;
	int result;
	char *select;
	size_t select_len;
	int select_err;
	char error[256];
};

/* --- errors -------------------------------------------------------------- */

/**
 * td__fail() - note for td_error() why a call fails
 * @td: the handle
 * @err: negative errno
 * @why: what failed
 *
 * Return: @err.
 */
int td__fail(struct td_handle *td, int err, const char *why)
{
	errno = -err;
	snprintf(td->error, sizeof(td->error), "%.200s: %m", why);
	return err;
}

static int end_answer(struct td_handle *td, int result)
{
	td->active = false;
	td->result = result;
	return result;
}

static void close_socket(struct td_handle *td)
{
	if (td->answers.fd >= 0)
		close(td->answers.fd);
	td->answers.fd = -1;
}

/* Close the socket, so that the rest of this answer does not follow later. */
static int give_up(struct td_handle *td, int err)
{
	close_socket(td);
	return end_answer(td, err);
}

static int bad_answer(struct td_handle *td, const char *why)
{
	return give_up(td, td__fail(td, -EBADMSG, why));
}

/* There are no more events, for the reason @result. The last one stays valid. */
static void close_events(struct td_handle *td, int result)
{
	if (td->events.fd >= 0)
		close(td->events.fd);
	td->events.fd = -1;
	td->events_result = result;
}

/**
 * td__end_events() - end the subscription, if there is one
 * @td: the handle
 * @result: why there are no more events
 */
void td__end_events(struct td_handle *td, int result)
{
	close_events(td, result);
	free(td->events.buf);
	td->events.buf = NULL;
	td->events.at = 0;
	td->events.end = 0;
}

/* --- the socket ---------------------------------------------------------- */

static int open_socket(struct td_handle *td)
{
	int on = 1;

	close_socket(td);
	td->answers.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (td->answers.fd < 0)
		return td__fail(td, -errno, "cannot open a netlink socket");
	/* Error texts, but no copies of the request; neither is required */
	setsockopt(td->answers.fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(td->answers.fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*td->ours = 1;
	return 0;
}

/* Sends a request with the selections and, unless @attr is 0, one attribute. */
static int ask(struct td_handle *td, __u16 type, __u8 cmd, __u16 flags,
	       __u16 attr, const void *data, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		struct nlattr attr;
		char data[STRUCT_MAX];
	} msg = {};
	struct iovec iov[2] = {
		{ .iov_base = &msg },
		{ .iov_base = td->select, .iov_len = td->select_len },
	};
	struct msghdr hdr = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = iov,
		.msg_iovlen = 2,
	};
	int err;

	td_stop(td);
	td->error[0] = 0;
	if (len > sizeof(msg.data))
		return end_answer(td, td__fail(td, -E2BIG, "struct task_diag_pid"));
	if (td->answers.fd < 0) {
		err = open_socket(td);
		if (err)
			return end_answer(td, err);
	}

	td->type = type;
	td->many = flags & (NLM_F_DUMP | NLM_F_ACK);
	iov[0].iov_len = offsetof(typeof(msg), attr);
	if (attr) {
		iov[0].iov_len = offsetof(typeof(msg), data) + NLA_ALIGN(len);
		msg.attr.nla_len = NLA_HDRLEN + len;
		msg.attr.nla_type = attr;
		memcpy(msg.data, data, len);
	}
	msg.nlh.nlmsg_len = iov[0].iov_len + iov[1].iov_len;
	msg.nlh.nlmsg_type = type;
	msg.nlh.nlmsg_flags = NLM_F_REQUEST | flags;
	msg.nlh.nlmsg_seq = ++td->answers.seq;
	msg.genl.cmd = cmd;
	msg.genl.version = TASK_DIAG_GENL_VERSION;

	while (sendmsg(td->answers.fd, &hdr, 0) < 0) {
		if (errno != EINTR)
			return give_up(td, td__fail(td, -errno,
						    "cannot send a request"));
	}
	td->active = true;
	td->keep = false;
	td->whole = false;
	td->inconsistent = false;
	td->result = 0;
	td->answers.at = 0;
	td->answers.end = 0;
	return 0;
}

/* The part of the datagram beyond the buffer is lost; make the next one fit. */
static void note_length(struct channel *channel, size_t len)
{
	if (len > channel->longest && len <= BUFFER_MAX)
		channel->longest = len;
}

/* Makes room for another datagram after the buffer's contents. */
static int make_room(struct channel *channel)
{
	size_t size = channel->end + channel->longest;
	char *buf;

	if (size <= channel->buf_size)
		return 0;
	if (size < channel->buf_size * 2)
		size = channel->buf_size * 2;
	buf = realloc(channel->buf, size);
	if (!buf)
		return -ENOMEM;
	channel->buf = buf;
	channel->buf_size = size;
	return 0;
}

/*
 * Receives a datagram after the buffer's contents. Returns its length, which
 * may exceed the room for it, or a negative errno.
 */
static ssize_t receive(struct channel *channel, int flags)
{
	struct sockaddr_nl from = {};
	socklen_t from_len;
	size_t room;
	ssize_t len;

	if (make_room(channel))
		return -ENOMEM;
	room = channel->buf_size - channel->end;
	/* Anybody may send to this socket: only port 0 is the kernel. */
	do {
		from_len = sizeof(from);
		len = recvfrom(channel->fd, channel->buf + channel->end, room,
			       MSG_TRUNC | flags, (struct sockaddr *)&from,
			       &from_len);
	} while (len < 0 ? errno == EINTR : from.nl_pid != 0);
	return len < 0 ? -errno : len;
}

/* Returns 1, or how the answer ended. */
static int receive_datagram(struct td_handle *td)
{
	struct channel *answers = &td->answers;
	ssize_t len;

	if (td->whole)
		return end_answer(td, td->result);
	answers->end = td->keep ? NLMSG_ALIGN(answers->end) : 0;
	if (td->keep && answers->end > td->limit)
		return give_up(td, td__fail(td, -E2BIG, "the answer is too long"));
	len = receive(answers, 0);
	if (len < 0)
		return give_up(td, td__fail(td, len, "cannot receive"));
	if ((size_t)len > answers->buf_size - answers->end) {
		note_length(answers, len);
		return give_up(td, td__fail(td, -EMSGSIZE,
					    "a part of the answer was cut off"));
	}
	if (!len)
		return bad_answer(td, "an empty datagram");
	answers->at = answers->end;
	answers->end += len;
	return 1;
}

/* --- messages ------------------------------------------------------------ */

/* The kernel's text is an attribute after the first @skip bytes of the payload. */
static void read_text(struct td_handle *td, const struct nlmsghdr *nlh,
		      size_t skip, int err)
{
	const struct nlattr *attr;
	char text[200];

	td__fail(td, err, "task_diag");
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    skip > nlh->nlmsg_len - NLMSG_HDRLEN)
		return;
	attr = (const void *)((const char *)NLMSG_DATA(nlh) + skip);
	for (; td__attr_ok(attr, td__message_end(nlh)); attr = td__next_attr(attr)) {
		if (td__attr_type(attr) != NLMSGERR_ATTR_MSG)
			continue;
		td__copy(text, sizeof(text) - 1, td__attr_data(attr),
			 td__attr_len(attr));
		text[sizeof(text) - 1] = 0;
		td__fail(td, err, text);
	}
}

/*
 * NLMSG_DONE and NLMSG_ERROR begin with the errno. In NLMSG_ERROR a copy of the
 * request or of its header follows.
 */
static int read_end(struct td_handle *td, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *nlerr = NLMSG_DATA(nlh);
	size_t skip = sizeof(nlerr->error);
	int err;

	if (nlh->nlmsg_type == NLMSG_ERROR)
		skip = sizeof(*nlerr);
	if (nlh->nlmsg_len < NLMSG_HDRLEN + skip)
		return bad_answer(td, "no errno at the end");
	err = nlerr->error;
	if (err && !td__is_errno(err))
		return bad_answer(td, "no errno at the end");
	if (!err && td->inconsistent)
		return end_answer(td, td__fail(td, -EINTR,
					       "the answer is inconsistent"));
	if (nlh->nlmsg_type == NLMSG_ERROR && !(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN((size_t)nlerr->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (err)
		read_text(td, nlh, skip, err);
	return end_answer(td, err);
}

/* Returns 1 if there is a message, 0 at the end of the answer, or its errno. */
static int next_message(struct td_handle *td, const struct nlmsghdr **message)
{
	const struct nlmsghdr *nlh;
	size_t left;
	int ret;

	while (td->active) {
		if (td->answers.at >= td->answers.end) {
			ret = receive_datagram(td);
			if (ret <= 0)
				return ret;
		}
		nlh = (const void *)(td->answers.buf + td->answers.at);
		left = td->answers.end - td->answers.at;
		if (left < NLMSG_HDRLEN || nlh->nlmsg_len < NLMSG_HDRLEN ||
		    nlh->nlmsg_len > left)
			return bad_answer(td, "a message of a wrong length");
		td->answers.at += NLMSG_ALIGN(nlh->nlmsg_len);
		if (nlh->nlmsg_seq != td->answers.seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			td->inconsistent = true;

		switch (nlh->nlmsg_type) {
		case NLMSG_NOOP:
			continue;
		case NLMSG_DONE:
		case NLMSG_ERROR:
			return read_end(td, nlh);
		case NLMSG_OVERRUN:
			return give_up(td, td__fail(td, -ENOBUFS,
						    "a part of the answer was lost"));
		default:
			break;
		}
		if (nlh->nlmsg_type != td->type ||
		    nlh->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
			return bad_answer(td, "a message of another type");
		if (!td->many)
			end_answer(td, 0);
		*message = nlh;
		return 1;
	}
	/* What dropped the answer succeeded, and left no text. */
	return td->result == -ECANCELED ?
	       td__fail(td, td->result, "the answer was dropped") : td->result;
}

static __u8 command(const struct nlmsghdr *nlh)
{
	return ((const struct genlmsghdr *)NLMSG_DATA(nlh))->cmd;
}

/*
 * Copies the attribute @attr from the answer to a plain request. Returns its
 * length or a negative errno.
 */
static int get_attr(struct td_handle *td, unsigned int attr, void *to,
		    size_t size)
{
	const struct nlmsghdr *nlh;
	const struct nlattr *at;
	int err;

	err = next_message(td, &nlh);
	if (err < 0)
		return err;
	for (at = err ? td__first_attr(nlh) : NULL;
	     at && td__attr_ok(at, td__message_end(nlh)); at = td__next_attr(at)) {
		if (td__attr_type(at) != attr)
			continue;
		td__copy(to, size, td__attr_data(at), td__attr_len(at));
		return td__attr_len(at);
	}
	return bad_answer(td, "an attribute is missing");
}

/* --- the connection ------------------------------------------------------ */

static int find_family(struct td_handle *td)
{
	int ret;

	ret = ask(td, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, CTRL_ATTR_FAMILY_NAME,
		  TASK_DIAG_GENL_NAME, sizeof(TASK_DIAG_GENL_NAME));
	if (!ret)
		ret = get_attr(td, CTRL_ATTR_FAMILY_ID, &td->family,
			       sizeof(td->family));
	if (ret == -ENOENT)
		snprintf(td->error, sizeof(td->error), "%s",
			 "this kernel has no task_diag: it needs CONFIG_TASK_DIAG=y");
	return ret;
}

static int get_header(struct td_handle *td)
{
	int ret;

	ret = ask(td, td->family, TASK_DIAG_CMD_HEADER, 0, 0, NULL, 0);
	if (!ret)
		ret = get_attr(td, TASK_DIAG_HEADER, td->header,
			       sizeof(td->header));
	if (ret < 0)
		return ret;
	td->header_len = (size_t)ret < sizeof(td->header) ? (size_t)ret :
							    sizeof(td->header);
	return 0;
}

static int connect_family(struct td_handle *td)
{
	void *page;
	int err;

	td->answers.longest = BUFFER_SIZE;
	td->answers.buf_size = BUFFER_SIZE;
	td->answers.buf = malloc(td->answers.buf_size);
	if (!td->answers.buf)
		return td__fail(td, -ENOMEM, "malloc");
	/* Do not compare getpid(): a child may have its parent's number. */
	page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (page == MAP_FAILED)
		return td__fail(td, -errno, "mmap");
	td->ours = page;
	if (madvise(page, 1, MADV_WIPEONFORK))
		return td__fail(td, -errno, "MADV_WIPEONFORK");

	err = find_family(td);
	if (err < 0)
		return err;
	return get_header(td);
}

int td_open(struct td_handle **td)
{
	*td = calloc(1, sizeof(**td));
	if (!*td)
		return -ENOMEM;
	(*td)->answers.fd = -1;
	(*td)->answers.store.limit = LIMIT_DEFAULT;
	(*td)->events.fd = -1;
	(*td)->events_result = -ENOTCONN;
	(*td)->events.store.limit = LIMIT_DEFAULT;
	return connect_family(*td);
}

void td_close(struct td_handle *td)
{
	if (!td)
		return;
	close_socket(td);
	td__end_events(td, 0);
	if (td->ours)
		munmap(td->ours, 1);
	free(td->answers.buf);
	free(td->select);
	free(td->answers.store.data);
	free(td->events.store.data);
	free(td);
}

const char *td_error(const struct td_handle *td)
{
	return td ? td->error : "no memory";
}

void td_header(const struct td_handle *td, struct task_diag_header *header,
	       size_t size)
{
	td__copy(header, size, td->header, td->header_len);
}

void td_set_limit(struct td_handle *td, size_t bytes)
{
	td->answers.store.limit = bytes < LIMIT_MAX ? bytes : LIMIT_MAX;
	td->events.store.limit = td->answers.store.limit;
}

/* --- requests ------------------------------------------------------------ */

static bool has_selection(const struct td_handle *td, unsigned int attr)
{
	const struct nlattr *at;
	size_t pos;

	for (pos = 0; pos < td->select_len; pos += NLA_ALIGN(at->nla_len)) {
		at = (const void *)(td->select + pos);
		if (at->nla_type == attr)
			return true;
	}
	return false;
}

static int add_selection(struct td_handle *td, unsigned int attr,
			 const void *data, size_t len)
{
	struct nlattr *at;
	char *select;

	if (attr > USHRT_MAX || len > USHRT_MAX - NLA_HDRLEN)
		return td__fail(td, -E2BIG, "a selection");
	if (has_selection(td, attr))
		return td__fail(td, -EEXIST, "two selections of one kind");
	select = realloc(td->select, td->select_len + NLA_HDRLEN + NLA_ALIGN(len));
	if (!select)
		return td__fail(td, -ENOMEM, "malloc");
	td->select = select;
	at = (void *)(select + td->select_len);
	at->nla_len = NLA_HDRLEN + len;
	at->nla_type = attr;
	td__copy(at + 1, NLA_ALIGN(len), data, len);
	td->select_len += NLA_HDRLEN + NLA_ALIGN(len);
	return 0;
}

int td_select(struct td_handle *td, unsigned int attr, const void *data,
	      size_t len)
{
	int err = add_selection(td, attr, data, len);

	if (err && !td->select_err)
		td->select_err = err;
	return err;
}

static int start_dump(struct td_handle *td, const void *req, size_t size)
{
	const struct nlmsghdr *nlh;
	int ret;

	ret = ask(td, td->family, TASK_DIAG_CMD_GET, NLM_F_DUMP,
		  TASK_DIAG_REQUEST, req, size);
	if (ret)
		return ret;
	/* The first message: the header, or the error if the kernel refused */
	ret = next_message(td, &nlh);
	if (ret > 0 && command(nlh) == TASK_DIAG_CMD_GET)
		td->answers.at = 0;
	return ret < 0 ? ret : 0;
}

/* Selections are for one request, whether it succeeds or not. */
static int forget_selections(struct td_handle *td, int ret)
{
	td->select_len = 0;
	td->select_err = 0;
	return ret;
}

/* Begins a request, unless it would lack a selection. */
static int begin(struct td_handle *td)
{
	td_stop(td);
	if (!td->select_err)
		return 0;
	return end_answer(td, td__fail(td, td->select_err, "a selection is missing"));
}

int td_dump(struct td_handle *td, const struct task_diag_pid *req, size_t size)
{
	int err = begin(td);

	if (!err)
		err = start_dump(td, req, size);
	return forget_selections(td, err);
}

/* Where the next message begins */
static const struct nlmsghdr *here(const struct td_handle *td)
{
	return (const void *)(td->answers.buf + td->answers.at);
}

static const struct nlmsghdr *after(const struct nlmsghdr *nlh)
{
	return (const void *)((const char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));
}

/*
 * Cheaply recognises the usual message of a dump; next_message() handles all
 * others. Returns its pid, or 0 if @nlh is not a usual message.
 */
static inline __u32 usual_pid(const struct td_handle *td, const struct nlmsghdr *nlh,
			      const char *end)
{
	const ptrdiff_t left = end - (const char *)nlh;

	if (left < (ptrdiff_t)TD_PID_END || nlh->nlmsg_len > (size_t)left ||
	    nlh->nlmsg_type != td->type || nlh->nlmsg_flags != NLM_F_MULTI ||
	    nlh->nlmsg_seq != td->answers.seq || command(nlh) != TASK_DIAG_CMD_GET)
		return 0;
	return td__message_pid(nlh);
}

/* Returns NULL if the next message is not a usual one. */
static const struct nlmsghdr *usual_message(const struct td_handle *td)
{
	const char *end = td->answers.buf + td->answers.end;

	return td->active && usual_pid(td, here(td), end) ? here(td) : NULL;
}

/* Returns 1 if there is one, 0 at the end of the answer, or its errno. */
static int next_task_message(struct td_handle *td, const struct nlmsghdr **message)
{
	int ret;

	*message = usual_message(td);
	if (*message) {
		td->answers.at += NLMSG_ALIGN((*message)->nlmsg_len);
		return 1;
	}
	do {
		ret = next_message(td, message);
	} while (ret > 0 && command(*message) != TASK_DIAG_CMD_GET);
	return ret;
}

/* Receives the next task. Returns 1, 0 at the end, or a negative errno. */
static int receive_task(struct td_handle *td)
{
	const struct nlmsghdr *nlh;
	int ret, more = 0;

	td__begin_task(&td->answers.store);
	do {
		ret = next_task_message(td, &nlh);
		if (!ret && more)
			return bad_answer(td, "it ends in the middle of a task");
		if (ret <= 0)
			return ret;
		more = td__add_message(&td->answers.store, nlh);
		if (more < 0)
			return bad_answer(td, "a message about a task");
	} while (more);
	return 1;
}

/* The next task, if it is one usual message, or NULL */
static const struct td_task *usual_task(struct td_handle *td)
{
	const struct nlmsghdr *nlh = usual_message(td);
	const struct td_task *task;

	task = nlh ? td__usual_task(&td->answers.store, nlh) : NULL;
	if (task)
		td->answers.at += NLMSG_ALIGN(nlh->nlmsg_len);
	return task;
}

static int not_ours(struct td_handle *td)
{
	return give_up(td, td__fail(td, -EPERM, "another process asked, before fork()"));
}

int td_next(struct td_handle *td, const struct td_task **task)
{
	int ret;

	*task = NULL;
	if (td->active && !*td->ours)
		return not_ours(td);
	if (td->active && (td->answers.at < td->answers.end ||
			   receive_datagram(td) > 0)) {
		*task = usual_task(td);
		if (*task)
			return 1;
	}
	ret = receive_task(td);
	if (ret > 0)
		*task = td__end_task(&td->answers.store);
	return ret;
}

int td_count(struct td_handle *td, size_t *nr)
{
	const struct nlmsghdr *nlh, *at, *before = NULL;
	__u32 pid, last = 0;
	const char *end;
	size_t tasks = 0;
	bool more;
	int ret;

	*nr = 0;
	if (td->active && !*td->ours)
		return not_ours(td);
	for (;;) {
		/* The next datagram may overwrite that message. */
		more = before && td__continues(before);
		ret = next_task_message(td, &nlh);
		if (ret <= 0)
			break;
		pid = td__message_pid(nlh);
		tasks += pid != last || !more;
		before = nlh;
		last = pid;

		end = td->answers.buf + td->answers.end;
		for (at = here(td); (pid = usual_pid(td, at, end)); at = after(at)) {
			if (pid != last || !td__continues(before))
				tasks++;
			before = at;
			last = pid;
		}
		td->answers.at = (const char *)at - td->answers.buf;
	}
	*nr = tasks;
	return ret;
}

int td_collect(struct td_handle *td, size_t limit, size_t *nr)
{
	const size_t start = td->answers.at;
	int ret;

	if (!td->active || !*td->ours)
		return td_count(td, nr);
	td->keep = true;
	td->limit = limit;
	ret = td_count(td, nr);
	td->whole = true;
	td_seek(td, start);
	return ret;
}

size_t td_tell(const struct td_handle *td)
{
	return td->answers.at;
}

void td_seek(struct td_handle *td, size_t position)
{
	if (!td->whole)
		return;
	td->answers.at = position;
	td->active = true;
}

/*
 * Drops the rest of the answer. Often its end has arrived already, and the socket
 * can stay open.
 */
static void drop_answer(struct td_handle *td)
{
	const struct nlmsghdr *nlh;

	while (td->active && td->answers.at < td->answers.end &&
	       next_message(td, &nlh) > 0)
		;
	if (td->active)
		close_socket(td);
	end_answer(td, -ECANCELED);
}

static int get_plain(struct td_handle *td, const void *req, size_t size)
{
	int err = ask(td, td->family, TASK_DIAG_CMD_GET, 0, TASK_DIAG_REQUEST,
		      req, size);

	return err ? err : receive_task(td);
}

static int get_dump(struct td_handle *td, const void *req, size_t size)
{
	int err = start_dump(td, req, size);

	return err ? err : receive_task(td);
}

int td_get(struct td_handle *td, const struct task_diag_pid *req, size_t size,
	   const struct td_task **task)
{
	const __u64 strategy = TASK_DIAG_DUMP_ONE;
	char one[STRUCT_MAX];
	int ret = begin(td);

	*task = NULL;
	if (!ret && (size < TASK_DIAG_PID_SIZE_VER0 || size > sizeof(one)))
		ret = end_answer(td, td__fail(td, size > sizeof(one) ? -E2BIG : -EINVAL,
					      "struct task_diag_pid"));
	if (!ret) {
		memcpy(one, req, size);
		memcpy(one + offsetof(struct task_diag_pid, dump_strategy),
		       &strategy, sizeof(strategy));
		ret = req->show_flags & DUMP_GROUPS ? -EMSGSIZE :
						      get_plain(td, one, size);
		if (ret == -EMSGSIZE || ret == -EINVAL)
			ret = get_dump(td, one, size);
		if (!ret)
			ret = bad_answer(td, "it is about no task");
	}
	if (ret > 0) {
		*task = td__end_task(&td->answers.store);
		drop_answer(td);
	}
	return forget_selections(td, ret > 0 ? 0 : ret);
}

/* Frees the memory that a collected answer took. */
static void trim_buffer(struct channel *channel)
{
	char *buf = channel->buf_size > BUFFER_MAX ?
		    realloc(channel->buf, channel->longest) : NULL;

	if (buf) {
		channel->buf = buf;
		channel->buf_size = channel->longest;
	}
}

void td_stop(struct td_handle *td)
{
	/* A child's copies of the descriptors; the sockets stay its parent's. */
	if (td->ours && !*td->ours) {
		close_socket(td);
		if (td->events.fd >= 0)
			close_events(td, -EPERM);
		td->active = false;
	}
	if (td->whole)
		td->active = false;
	drop_answer(td);
	td->whole = false;
	td__trim_store(&td->answers.store);
	trim_buffer(&td->answers);
}

/* --- events -------------------------------------------------------------- */

/**
 * td__is_between_parts() - whether all received parts of an answer are read
 * @td: the handle
 */
bool td__is_between_parts(const struct td_handle *td)
{
	return td->answers.at >= td->answers.end;
}

/**
 * td__is_selecting() - whether the next request has selections
 * @td: the handle
 */
bool td__is_selecting(const struct td_handle *td)
{
	return td->select_len || td->select_err;
}

/*
 * Events that come before the acknowledgment are skipped: a dump that begins
 * after it finds what they report.
 */
static int subscribe(struct td_handle *td, const void *req, size_t size)
{
	struct channel *events = &td->events;
	struct task_diag_header header;
	struct td_store store;
	const struct nlmsghdr *nlh;
	char *buf;
	int ret;

	td_header(td, &header, sizeof(header));
	if (!header.events)
		return end_answer(td, td__fail(td, -EOPNOTSUPP,
					       "this kernel has no subscriptions"));
	ret = ask(td, td->family, TASK_DIAG_CMD_SUBSCRIBE, NLM_F_ACK,
		  TASK_DIAG_REQUEST, req, size);
	if (!ret) {
		do {
			ret = next_message(td, &nlh);
		} while (ret > 0);
	}
	if (ret)
		return ret;

	buf = malloc(BUFFER_SIZE);
	if (!buf)
		return give_up(td, td__fail(td, -ENOMEM, "malloc"));
	td->events_result = 0;
	store = events->store;
	*events = td->answers;
	events->store = store;
	td->answers.fd = -1;
	td->answers.buf = buf;
	td->answers.buf_size = BUFFER_SIZE;
	td->answers.at = 0;
	td->answers.end = 0;
	/* There is none for td_next(), as after other requests. */
	end_answer(td, -ECANCELED);
	return 0;
}

int td_subscribe(struct td_handle *td, const struct task_diag_pid *req,
		 size_t size, __u32 events)
{
	int err;

	td_select(td, TASK_DIAG_EVENTS, &events, sizeof(events));
	err = begin(td);
	td__end_events(td, -ENOTCONN);
	if (!err)
		err = subscribe(td, req, size);
	return forget_selections(td, err);
}

int td_fd(const struct td_handle *td)
{
	return td->events.fd;
}

static int no_event(struct td_handle *td)
{
	switch (td->events_result) {
	case 0:
		return td__fail(td, -EAGAIN, "no event");
	case -ENOTCONN:
		return td__fail(td, -ENOTCONN, "no subscription");
	default:
		return td__fail(td, td->events_result, "the subscription has ended");
	}
}

static int receive_events(struct td_handle *td, int timeout)
{
	struct channel *events = &td->events;
	struct pollfd poll_fd = { .fd = events->fd, .events = POLLIN };
	ssize_t len;

	events->end = 0;
	for (;;) {
		len = receive(events, MSG_DONTWAIT);
		if (len == -EPERM && !td->events_result) {
			/* The events that came before can still be read. */
			td->events_result = len;
			continue;
		}
		if (len != -EAGAIN || td->events_result || !timeout)
			break;
		if (poll(&poll_fd, 1, timeout) < 0)
			return td__fail(td, -errno, "cannot wait for an event");
		if (timeout > 0)
			timeout = 0;
	}
	if (len == -EAGAIN || len == -EPERM)
		return no_event(td);
	if (len == -ENOBUFS)
		return td__fail(td, len, "events were lost");
	if (len < 0)
		return td__fail(td, len, "cannot receive");
	if ((size_t)len > events->buf_size) {
		note_length(events, len);
		return td__fail(td, -ENOBUFS, "events were cut off");
	}
	events->at = 0;
	events->end = len;
	return 0;
}

static bool is_event(const struct td_handle *td, const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_type == td->family &&
	       nlh->nlmsg_seq == td->events.seq &&
	       nlh->nlmsg_len >= NLMSG_LENGTH(GENL_HDRLEN) &&
	       command(nlh) == TASK_DIAG_CMD_EVENT;
}

/* Returns 0, or a negative errno if there is no *@task. */
static int read_event(struct td_store *store, const struct nlmsghdr *nlh,
		      const struct td_task **task)
{
	int err;

	*task = td__usual_task(store, nlh);
	if (!*task) {
		td__begin_task(store);
		if (td__add_message(store, nlh))
			return -EBADMSG;
		*task = td__end_task(store);
	}
	err = td_group(*task, TASK_DIAG_EVENT, NULL, 0);
	if (err)
		*task = NULL;
	return err == -ENODATA ? -EBADMSG : err;
}

int td_event(struct td_handle *td, const struct td_task **task, int timeout)
{
	struct channel *events = &td->events;
	const struct nlmsghdr *nlh;
	size_t left;
	int err;

	*task = NULL;
	if (events->fd >= 0 && !*td->ours)
		td__end_events(td, -EPERM);
	if (events->fd < 0)
		return no_event(td);
	do {
		if (events->at >= events->end) {
			err = receive_events(td, timeout);
			if (err)
				return err;
		}
		nlh = (const void *)(events->buf + events->at);
		left = events->end - events->at;
		if (left < NLMSG_HDRLEN || nlh->nlmsg_len < NLMSG_HDRLEN ||
		    nlh->nlmsg_len > left) {
			events->at = events->end;
			return td__fail(td, -EBADMSG, "an event of a wrong length");
		}
		events->at += NLMSG_ALIGN(nlh->nlmsg_len);
	} while (!is_event(td, nlh));

	err = read_event(&events->store, nlh, task);
	return err ? td__fail(td, err, "a message about an event") : 1;
}
