// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/taskstats.h>

#include "fake.h"

/* A message without a sequence number gets that of the request it answers. */
#define SEQ_OF_REQUEST	0

#define MAX_DATAGRAMS	512
#define MAX_REQUESTS	64

/**
 * struct datagram - what one recvfrom() returns
 * @answers: number of the request; for events, how many answers come before
 * @port: sender
 * @err: errno with which recvfrom() fails instead
 * @claim: the length that it claims, if that exceeds @len
 * @len: bytes at @data
 * @data: malloc()ed, so that a read beyond its end is noticed
 */
struct datagram {
	unsigned int answers;
	__u32 port;
	int err;
	size_t claim;
	size_t len;
	char *data;
};

/* Answers, and datagrams for the socket of a subscription */
static struct datagram queue[MAX_DATAGRAMS], event_queue[MAX_DATAGRAMS];
static unsigned int queued, next, events_queued, next_event;
static struct datagram *last;
static int event_fd = -1;
static __u32 event_seq;
static unsigned int answers;
static __u32 seqs[MAX_REQUESTS];
static size_t message_at;

char fake_request[65536];
size_t fake_request_len;
unsigned int fake_requests;
unsigned int fake_sockets;
unsigned int fake_received;
bool fake_no_memory;
int fake_socket_errno;
int fake_send_errno;
static bool old_kernel;
int fake_timeout;

/* --- what a test queues -------------------------------------------------- */

/* Forgets everything. */
void fake_reset(void)
{
	while (queued)
		free(queue[--queued].data);
	while (events_queued)
		free(event_queue[--events_queued].data);
	memset(queue, 0, sizeof(queue));
	memset(event_queue, 0, sizeof(event_queue));
	next = 0;
	next_event = 0;
	event_fd = -1;
	answers = 0;
	fake_requests = 0;
	fake_request_len = 0;
	fake_sockets = 0;
	fake_received = 0;
	fake_no_memory = false;
	fake_socket_errno = 0;
	fake_send_errno = 0;
	old_kernel = false;
	fake_timeout = 0;
}

void fake_datagram(void)
{
	if (queued == MAX_DATAGRAMS)
		abort();
	last = &queue[queued++];
	*last = (struct datagram) { .answers = answers };
}

void fake_answer(void)
{
	answers++;
	fake_datagram();
}

/* What follows is for the subscription, after everything queued before. */
void fake_event_datagram(void)
{
	if (events_queued == MAX_DATAGRAMS)
		abort();
	last = &event_queue[events_queued++];
	*last = (struct datagram) { .answers = queued };
}

void fake_from(__u32 port)
{
	last->port = port;
}

/* The datagram is cut; it had @len bytes. */
void fake_longer(size_t len)
{
	last->claim = len;
}

/* recvfrom() fails instead of returning it. */
void fake_errno(int err)
{
	last->err = err;
}

void fake_raw(const void *data, size_t len)
{
	struct datagram *dg = last;

	dg->data = realloc(dg->data, dg->len + len);
	if (!dg->data && dg->len + len)
		abort();
	if (len)
		memcpy(dg->data + dg->len, data, len);
	dg->len += len;
}

/* Sets the message's length to what it has so far. */
static void set_length(void)
{
	struct nlmsghdr *nlh = (void *)(last->data + message_at);

	nlh->nlmsg_len = last->len - message_at;
}

static void put_header(__u16 type, __u16 flags)
{
	struct nlmsghdr nlh = {
		.nlmsg_type = type,
		.nlmsg_flags = flags,
		.nlmsg_seq = SEQ_OF_REQUEST,
	};

	message_at = last->len;
	fake_raw(&nlh, sizeof(nlh));
	set_length();
}

void fake_message(__u16 type, __u16 flags, __u8 cmd)
{
	struct genlmsghdr genl = { .cmd = cmd, .version = 1 };

	put_header(type, flags);
	fake_raw(&genl, sizeof(genl));
	set_length();
}

void fake_task(__u32 pid)
{
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_GET);
	fake_put(TASK_DIAG_PID, &pid, sizeof(pid));
}

void fake_event(__u32 pid, const struct task_diag_event *event)
{
	fake_message(FAKE_FAMILY, 0, TASK_DIAG_CMD_EVENT);
	fake_put(TASK_DIAG_PID, &pid, sizeof(pid));
	if (event)
		fake_put(TASK_DIAG_EVENT, event, sizeof(*event));
}

void fake_put(__u16 attr, const void *data, size_t len)
{
	static const char pad[NLA_ALIGNTO];
	struct nlattr nla = { .nla_len = NLA_HDRLEN + len, .nla_type = attr };

	fake_raw(&nla, sizeof(nla));
	fake_raw(data, len);
	fake_raw(pad, NLA_ALIGN(len) - len);
	set_length();
}

/* A struct and the data after it, without the padding after these */
void fake_put_up_to(__u16 attr, const void *data, const void *end)
{
	fake_put(attr, data, (const char *)end - (const char *)data);
}

void fake_flag(__u16 attr)
{
	fake_put(attr, NULL, 0);
}

/* The value of a group for the whole process */
void fake_process(__u16 attr, const void *data, size_t len)
{
	struct nlattr nla = { .nla_len = NLA_HDRLEN + len, .nla_type = attr };
	char buf[1024];

	memcpy(buf, &nla, sizeof(nla));
	memcpy(buf + sizeof(nla), data, len);
	fake_put(TASK_DIAG_PROCESS | NLA_F_NESTED, buf, nla.nla_len);
}

void fake_group_error(__u32 attr, int err)
{
	struct task_diag_error error = { .attr = attr, .error = err };

	fake_put(TASK_DIAG_ERROR, &error, sizeof(error));
}

static void put_end(__u16 type, int err, const char *text, const void *copy,
		    size_t len)
{
	__u16 flags = text ? NLM_F_ACK_TLVS : 0;

	put_header(type, flags | (type == NLMSG_DONE ? NLM_F_MULTI : 0));
	fake_raw(&err, sizeof(err));
	fake_raw(copy, len);
	set_length();
	if (text)
		fake_put(NLMSGERR_ATTR_MSG, text, strlen(text) + 1);
}

void fake_done(int err, const char *text)
{
	put_end(NLMSG_DONE, err, text, NULL, 0);
}

/* Includes a copy of the request, which the kernel sends by default. */
void fake_error(int err, const char *text)
{
	char copy[64] = {};
	struct nlmsghdr nlh = { .nlmsg_len = sizeof(copy) };

	memcpy(copy, &nlh, sizeof(nlh));
	put_end(NLMSG_ERROR, err, text, copy, sizeof(copy));
}

static void put_header_of_family(void)
{
	const __u16 family = FAKE_FAMILY;
	struct task_diag_header header = {
		.show_flags = 0x1234567890ULL,
		.page_size = FAKE_PAGE_SIZE,
		.events = 2 * (1U << TASK_DIAG_EVENT_MAX) - 2,
		.event_show_flags = 0x1234567890ULL,
	};

	fake_answer();
	fake_message(GENL_ID_CTRL, 0, CTRL_CMD_NEWFAMILY);
	fake_put(CTRL_ATTR_FAMILY_NAME, TASK_DIAG_GENL_NAME,
		 sizeof(TASK_DIAG_GENL_NAME));
	fake_put(CTRL_ATTR_FAMILY_ID, &family, sizeof(family));
	fake_answer();
	fake_message(FAKE_FAMILY, 0, TASK_DIAG_CMD_HEADER);
	fake_put(TASK_DIAG_HEADER, &header, old_kernel ?
		 offsetof(struct task_diag_header, events) : sizeof(header));
}

/* The answers to td_open() */
void fake_start(void)
{
	fake_reset();
	put_header_of_family();
}

/* The same for a kernel without subscriptions */
void fake_start_old(void)
{
	fake_reset();
	old_kernel = true;
	put_header_of_family();
}

/* Something of each kind, in two tasks, the first of which is split */
void fake_rich_answer(void)
{
	static const char strings[] = "a\0bc\0def";
	struct {
		struct task_diag_vma vma;
		char name[6];
	} vma = {
		.vma = {
			.start = 0x1000,
			.end = 0x2000,
			.name_len = 6,
			.name_at = offsetof(typeof(vma), name),
		},
		.name = "/a/b/c",
	};
	struct {
		struct task_diag_vma_stat stat;
		struct task_diag_pages pages;
		char letters[4];
	} stat = {
		.stat = {
			.start = 0x1000,
			.pages_at = offsetof(typeof(stat), pages),
			.pages_len = sizeof(stat.pages),
			.vm_flags_at = offsetof(typeof(stat), letters),
			.vm_flags_len = 4,
		},
		.pages.rss = 0x3000,
		.letters = "rdwr",
	};
	struct {
		struct task_diag_file file;
		char path[3];
	} file = {
		.file = {
			.fd = 3,
			.path_len = 3,
			.path_at = offsetof(typeof(file), path),
		},
		.path = "/f ",
	};
	struct {
		struct task_diag_affinity info;
		__u32 cpus[2];
		__u32 mems;
	} affinity = {
		.info = {
			.cpus = 33,
			.cpus_at = offsetof(typeof(affinity), cpus),
			.mems = 1,
			.mems_at = offsetof(typeof(affinity), mems),
		},
		.cpus = { 5, 1 },
		.mems = 1,
	};
	struct {
		struct task_diag_cgroup cgroup;
		char path[4];
	} cgroup = {
		.cgroup = {
			.id = 77,
			.path_len = 4,
			.path_at = offsetof(typeof(cgroup), path),
		},
		.path = "/c/d",
	};
	struct task_diag_base base = { .pid = 1, .state = 'S', .comm = "init" };
	struct task_diag_ns ns = { .ino = 1 };
	struct task_diag_limit limit = { .soft = 1 };
	const __u32 gids[3] = { 1, 2, 3 };
	struct taskstats taskstats = { .version = 1 };
	struct task_diag_times times = { .utime = 1000 };

	fake_answer();
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_HEADER);

	fake_datagram();
	fake_task(1);
	fake_put(TASK_DIAG_BASE, &base, sizeof(base));
	fake_put(TASK_DIAG_STAT, &taskstats, sizeof(taskstats));
	fake_put(TASK_DIAG_TIMES, &times, sizeof(times));
	fake_process(TASK_DIAG_TIMES, &times, sizeof(times));
	fake_put(TASK_DIAG_GROUPS, gids, sizeof(gids));
	fake_put_up_to(TASK_DIAG_CGROUP, &cgroup, cgroup.path + 4);
	fake_put(TASK_DIAG_NS, &ns, sizeof(ns));
	fake_put(TASK_DIAG_NS, &ns, sizeof(ns));
	fake_put(TASK_DIAG_LIMITS, &limit, sizeof(limit));
	fake_put_up_to(TASK_DIAG_AFFINITY, &affinity, &affinity.mems + 1);
	fake_put(TASK_DIAG_CMDLINE, strings, sizeof(strings));
	fake_flag(TASK_DIAG_MORE);
	fake_datagram();
	fake_task(1);
	fake_put(TASK_DIAG_CMDLINE, strings, sizeof(strings));
	fake_put_up_to(TASK_DIAG_VMA, &vma, vma.name + 6);
	fake_flag(TASK_DIAG_MORE);
	fake_task(1);
	vma.vma.name_off = 4;
	fake_put_up_to(TASK_DIAG_VMA, &vma, vma.name + 4);
	vma.vma.flags = TASK_DIAG_VMA_SAME_NAME;
	vma.vma.name_off = 0;
	fake_put(TASK_DIAG_VMA, &vma, sizeof(vma.vma));
	fake_put_up_to(TASK_DIAG_VMA_STAT, &stat, stat.letters + 4);
	fake_put_up_to(TASK_DIAG_VMA_STAT, &stat, stat.letters + 4);
	fake_put_up_to(TASK_DIAG_FILES, &file, file.path + 3);
	fake_put_up_to(TASK_DIAG_FILES, &file, file.path + 3);
	fake_group_error(TASK_DIAG_ENVIRON, -EFAULT);
	fake_put(63, "later", 5);
	fake_put(200, "later", 5);

	fake_task(2);
	base.pid = 2;
	fake_put(TASK_DIAG_BASE, &base, sizeof(base));
	fake_done(0, NULL);
}

/* Events of each kind during a dump, and an answer to td_subscribe() */
void fake_rich_events(void)
{
	struct task_diag_base base = { .pid = 1, .state = 'R', .comm = "event", .id = 1 };
	struct task_diag_event event = { .id = 1, .tgid = 1, .exit_code = 256 };
	struct task_diag_times times = { .utime = 1000 };
	__u32 type;

	fake_answer();
	fake_error(0, NULL);
	fake_event_datagram();
	for (type = 1; type <= TASK_DIAG_EVENT_MAX; type++) {
		event.type = type;
		event.old_id = type == TASK_DIAG_EVENT_EXEC ? 7 : 0;
		fake_event(1, &event);
		fake_put(TASK_DIAG_BASE, &base, sizeof(base));
	}
	fake_rich_answer();
	fake_event_datagram();
	fake_errno(ENOBUFS);
	fake_event_datagram();
	event.type = TASK_DIAG_EVENT_EXIT;
	event.lost = 3;
	fake_event(2, &event);
	fake_put(TASK_DIAG_CMDLINE, "a\0b", 4);
	fake_group_error(TASK_DIAG_ENVIRON, -EMSGSIZE);
	fake_process(TASK_DIAG_TIMES, &times, sizeof(times));
	fake_rich_answer();
	fake_event_datagram();
	fake_errno(EPERM);
}

/* --- as bytes ------------------------------------------------------------ */

#define NEW_ANSWER	1
#define OF_EVENTS	2
#define NO_BUFFERS	4
#define NO_PERMISSION	8

struct saved {
	__u16 len;
	__u8 port;
	__u8 flags;
};

static size_t save(char *to, size_t size, const struct datagram *dg, __u8 flags)
{
	struct saved saved = {
		.len = dg->len,
		.port = dg->port,
		.flags = flags,
	};

	if (dg->err)
		saved.flags |= dg->err == ENOBUFS ? NO_BUFFERS : NO_PERMISSION;
	if (sizeof(saved) + dg->len > size)
		abort();
	memcpy(to, &saved, sizeof(saved));
	if (dg->len)
		memcpy(to + sizeof(saved), dg->data, dg->len);
	return sizeof(saved) + dg->len;
}

size_t fake_save(char *to, size_t size)
{
	unsigned int i, event = 0, answer = 0;
	size_t len = 0;

	for (i = 0; i <= queued; i++) {
		for (; event < events_queued && event_queue[event].answers <= i; event++)
			len += save(to + len, size - len, &event_queue[event],
				    OF_EVENTS);
		if (i == queued)
			break;
		len += save(to + len, size - len, &queue[i],
			    queue[i].answers != answer ? NEW_ANSWER : 0);
		answer = queue[i].answers;
	}
	return len;
}

void fake_load(const char *from, size_t len)
{
	struct saved saved;

	while (len >= sizeof(saved) && queued < MAX_DATAGRAMS &&
	       events_queued < MAX_DATAGRAMS) {
		memcpy(&saved, from, sizeof(saved));
		from += sizeof(saved);
		len -= sizeof(saved);
		if (saved.flags & NEW_ANSWER)
			answers++;
		if (saved.flags & OF_EVENTS)
			fake_event_datagram();
		else
			fake_datagram();
		fake_from(saved.port);
		if (saved.flags & (NO_BUFFERS | NO_PERMISSION))
			fake_errno(saved.flags & NO_BUFFERS ? ENOBUFS : EPERM);
		if (saved.len > len)
			saved.len = len;
		fake_raw(from, saved.len);
		from += saved.len;
		len -= saved.len;
	}
}

/* --- what the library calls ---------------------------------------------- */

/* What was queued for an old socket disappears with it. */
int __wrap_socket(int domain, int type, int protocol)
{
	if (domain != AF_NETLINK || type != (SOCK_RAW | SOCK_CLOEXEC) ||
	    protocol != NETLINK_GENERIC)
		abort();
	if (fake_socket_errno) {
		errno = fake_socket_errno;
		return -1;
	}
	while (next < queued && queue[next].answers <= fake_requests)
		next++;
	fake_sockets++;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	const struct sockaddr_nl *to = msg->msg_name;
	const struct nlmsghdr *nlh = (const void *)fake_request;
	size_t i;

	if (fd < 0 || flags || msg->msg_namelen != sizeof(*to) ||
	    to->nl_family != AF_NETLINK || to->nl_pid || to->nl_groups)
		abort();
	if (fake_send_errno) {
		errno = fake_send_errno;
		return -1;
	}
	fake_request_len = 0;
	for (i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *iov = &msg->msg_iov[i];

		if (iov->iov_len > sizeof(fake_request) - fake_request_len) {
			errno = EMSGSIZE;
			return -1;
		}
		if (iov->iov_len)
			memcpy(fake_request + fake_request_len, iov->iov_base,
			       iov->iov_len);
		fake_request_len += iov->iov_len;
	}
	if (nlh->nlmsg_len != fake_request_len)
		abort();
	if (nlh->nlmsg_type == FAKE_FAMILY &&
	    ((const struct genlmsghdr *)NLMSG_DATA(nlh))->cmd ==
	    TASK_DIAG_CMD_SUBSCRIBE) {
		event_fd = fd;
		event_seq = nlh->nlmsg_seq;
	}
	if (fake_requests < MAX_REQUESTS - 1)
		seqs[++fake_requests] = nlh->nlmsg_seq;
	return fake_request_len;
}

static void set_seqs(char *buf, size_t len, __u32 seq)
{
	struct nlmsghdr nlh;
	size_t at;

	for (at = 0; at + sizeof(nlh) <= len; at += NLMSG_ALIGN(nlh.nlmsg_len)) {
		memcpy(&nlh, buf + at, sizeof(nlh));
		if (nlh.nlmsg_seq == SEQ_OF_REQUEST)
			nlh.nlmsg_seq = seq;
		memcpy(buf + at, &nlh, sizeof(nlh));
		if (nlh.nlmsg_len < sizeof(nlh) || nlh.nlmsg_len > len - at)
			break;
	}
}

static struct datagram *event_there(void)
{
	struct datagram *dg = &event_queue[next_event];

	return next_event < events_queued && dg->answers <= next ? dg : NULL;
}

int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	/* The test harness waits for its children. */
	if (nr != 1 || fds->fd != event_fd)
		return __real_poll(fds, nr, timeout);
	if (fds->events != POLLIN || !timeout)
		abort();
	fake_timeout = timeout;
	if (event_there())
		return 1;
	if (timeout > 0)
		return 0;
	/* The kernel would let the caller wait. */
	errno = EINTR;
	return -1;
}

ssize_t __wrap_recvfrom(int fd, void *buf, size_t size, int flags,
			struct sockaddr *from, socklen_t *from_len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const bool of_events = flags & MSG_DONTWAIT;
	struct datagram *dg = of_events ? event_there() : &queue[next];
	size_t len;

	if (fd < 0 || (flags & ~MSG_DONTWAIT) != MSG_TRUNC ||
	    *from_len < sizeof(kernel) || (of_events && fd != event_fd))
		abort();
	if (of_events) {
		if (!dg) {
			errno = EAGAIN;
			return -1;
		}
		next_event++;
	} else {
		/* The kernel would let the caller wait. */
		if (next == queued || dg->answers > fake_requests) {
			errno = EIO;
			return -1;
		}
		next++;
	}
	fake_received++;
	if (dg->err) {
		errno = dg->err;
		return -1;
	}
	kernel.nl_pid = dg->port;
	memcpy(from, &kernel, sizeof(kernel));
	*from_len = sizeof(kernel);
	len = dg->len < size ? dg->len : size;
	if (len)
		memcpy(buf, dg->data, len);
	set_seqs(buf, len, of_events ? event_seq : seqs[dg->answers]);
	return dg->claim ? dg->claim : dg->len;
}

void *__wrap_malloc(size_t size)
{
	return fake_no_memory ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return fake_no_memory ? NULL : __real_calloc(nr, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fake_no_memory ? NULL : __real_realloc(old, size);
}

/* --- reading ------------------------------------------------------------- */

static unsigned long add_up(const char *data, size_t len)
{
	unsigned long sum = len;

	while (len--)
		sum = sum * 31 + (unsigned char)data[len];
	return sum;
}

unsigned long read_task(const struct td_task *task)
{
	struct task_diag_pages pages;
	struct td_item item;
	__u32 mask[4];
	unsigned long sum = 0;
	unsigned int attr;
	const char *data;
	char buf[160];
	size_t len;

	if (!task)
		return 0;
	for (attr = 0; attr <= TASK_DIAG_EVENT; attr++) {
		if (!td_group(task, attr, buf, sizeof(buf)))
			sum += add_up(buf, sizeof(buf));
		sum += td_group(task, attr, buf, 3);
		sum += td_bytes(task, attr, &data, &len);
		sum += add_up(data, len);
		memset(&item, 0, sizeof(item));
		while (td_item(task, attr, &item, buf, sizeof(buf)) > 0) {
			sum += add_up(item.text, item.text_len);
			sum += add_up(item.data, item.len);
			td_pages(&item, &pages, sizeof(pages));
			sum += pages.rss + pages.swap_pss;
		}
	}
	sum += td_cpus(task, mask, 4);
	sum += add_up((char *)mask, sizeof(mask));
	sum += td_mems(task, mask, 1);
	sum += add_up((char *)mask, sizeof(mask[0]));
	sum += td_failed(task);
	return sum + td_pid(task) + read_task(td_process(task));
}

int read_all(struct td_handle *td)
{
	const struct td_task *task;
	struct td_task *copy;
	int ret;

	while ((ret = td_next(td, &task)) > 0) {
		copy = td_task_dup(task);
		if (!copy || read_task(copy) != read_task(task))
			abort();
		td_task_free(copy);
	}
	return ret;
}
