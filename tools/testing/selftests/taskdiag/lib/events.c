// SPDX-License-Identifier: GPL-2.0
/* Subscriptions: the events that a socket was sent */
#include "taskdiag.h"

const struct nlattr *td_event_attr(const struct td_event *event, __u16 type)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	struct td_answer unused = {};
	const struct nlattr *attr;

	while ((attr = td_next_attr(&unused, event->nlh, &pos)))
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
	return NULL;
}

bool td_event_group(const struct td_event *event, __u16 type, void *to,
		    size_t size)
{
	const struct nlattr *attr = td_event_attr(event, type);

	memset(to, 0, size);
	if (!attr)
		return false;
	memcpy(to, (void *)attr + NLA_HDRLEN,
	       td_attr_len(attr) < size ? td_attr_len(attr) : size);
	return true;
}

int td_event_error(const struct td_event *event, __u16 type)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	const struct task_diag_error *error;
	struct td_answer unused = {};
	const struct nlattr *attr;

	while ((attr = td_next_attr(&unused, event->nlh, &pos))) {
		error = (void *)attr + NLA_HDRLEN;
		if (attr->nla_type == TASK_DIAG_ERROR && error->attr == type)
			return error->error;
	}
	return 0;
}

static void td_parse_event(struct td_events *events, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	struct td_answer *broken = &events->broken;
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr;
	struct td_event *event;

	if (genl->cmd != TASK_DIAG_CMD_EVENT || nlh->nlmsg_flags) {
		td_broken(broken, "command %u, flags 0x%x", genl->cmd,
			  nlh->nlmsg_flags);
		return;
	}
	events->list = td_grow(events->list, events->nr, &events->max,
			       sizeof(*event));
	event = &events->list[events->nr++];
	event->nlh = malloc(nlh->nlmsg_len);
	td_must(event->nlh, "malloc");
	memcpy(event->nlh, nlh, nlh->nlmsg_len);

	attr = td_next_attr(broken, nlh, &pos);
	if (!attr || attr->nla_type != TASK_DIAG_PID)
		td_broken(broken, "event that does not start with the pid");
	event->pid = attr ? *(__u32 *)((void *)attr + NLA_HDRLEN) : 0;
	attr = td_event_attr(event, TASK_DIAG_EVENT);
	if (!event->pid || !attr || td_attr_len(attr) != sizeof(event->event))
		td_broken(broken, "event of %u without TASK_DIAG_EVENT", event->pid);
	else
		memcpy(&event->event, (void *)attr + NLA_HDRLEN, sizeof(event->event));
	while (td_next_attr(broken, nlh, &pos))
		;
}

void td_drain(struct td_sock *sock, struct td_events *events)
{
	struct td_answer *answer;
	struct nlmsghdr *nlh;
	ssize_t ret;
	size_t len;

	for (;;) {
		ret = recv(sock->fd, sock->buf, sock->size, MSG_DONTWAIT | MSG_TRUNC);
		if (ret < 0 && errno == EAGAIN)
			return;
		if (ret < 0 && errno == ENOBUFS) {
			events->nr_full++;
			continue;
		}
		if (ret < 0) {
			events->end = errno;
			return;
		}
		len = ret;
		if (len > sock->size) {
			td_broken(&events->broken, "datagram of %zu bytes", len);
			return;
		}
		events->datagrams++;
		for (nlh = (void *)sock->buf; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type != NLMSG_ERROR) {
				td_parse_event(events, nlh);
				continue;
			}
			answer = td_new_answer();
			td_parse_end(answer, nlh);
			events->acked = true;
			events->error = answer->error;
			snprintf(events->text, sizeof(events->text), "%s",
				 answer->text);
			td_free(answer);
		}
	}
}

void td_free_events(struct td_events *events)
{
	while (events->nr)
		free(events->list[--events->nr].nlh);
	free(events->list);
	memset(events, 0, sizeof(*events));
}

int td_send_subscribe(struct td_sock *sock, struct td_events *events,
		      const struct td_msg *msg)
{
	int err = td_send(sock, msg);

	td_free_events(events);
	if (err)
		return -err;
	td_drain(sock, events);
	return events->acked ? events->error : EPROTO;
}

void td_begin_subscribe(struct td_sock *sock, struct td_msg *msg, __u32 mask,
			const struct task_diag_pid *req)
{
	td_request(sock, msg, TASK_DIAG_CMD_SUBSCRIBE, NLM_F_ACK);
	td_put(msg, TASK_DIAG_REQUEST, req, sizeof(*req));
	td_put(msg, TASK_DIAG_EVENTS, &mask, sizeof(mask));
}

int td_subscribe(struct td_sock *sock, struct td_events *events, __u32 mask,
		 __u64 strategy, __u64 show_flags)
{
	struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = strategy,
	};
	struct td_msg msg;

	td_begin_subscribe(sock, &msg, mask, &req);
	return td_send_subscribe(sock, events, &msg);
}

const struct td_event *td_nth_event(const struct td_events *events, __u32 pid,
				    __u32 type, size_t nth)
{
	size_t i;

	for (i = 0; i < events->nr; i++)
		if (events->list[i].pid == pid &&
		    events->list[i].event.type == type && !nth--)
			return &events->list[i];
	return NULL;
}

const struct td_event *td_find_event(const struct td_events *events, __u32 pid,
				     __u32 type)
{
	return td_nth_event(events, pid, type, 0);
}

const char *td_story(const struct td_events *events, __u32 pid)
{
	static const char *const names[] = { "?", "fork", "exec", "exit", "comm", "cred" };
	static char text[256];
	size_t i, len = 0;

	text[0] = 0;
	for (i = 0; i < events->nr && len < sizeof(text) - 8; i++)
		if (events->list[i].pid == pid)
			len += sprintf(text + len, "%s%s", len ? "," : "",
				       names[events->list[i].event.type]);
	return text;
}
