// SPDX-License-Identifier: GPL-2.0
/*
 * A library to preload: a kernel of the future, whose structs are longer
 *
 * Puts bytes that no program knows at the end of each struct in an answer of
 * task_diag, and corrects what refers to bytes after them. A client that reads
 * structs as Documentation/accounting/taskdiag.rst says sees no difference.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/task_diag.h>

#define EXTRA		8
#define EXTRA_BYTE	0xa5

/* An answer does not get twice as long. */
#define FACTOR		2

struct output {
	char *at;
	size_t len;
};

static void put(struct output *out, const void *data, size_t len)
{
	memcpy(out->at + out->len, data, len);
	out->len += len;
}

static void put_byte(struct output *out, int byte, size_t count)
{
	memset(out->at + out->len, byte, count);
	out->len += count;
}

static void add_u32(char *payload, size_t at, __u32 more)
{
	__u32 value;

	memcpy(&value, payload + at, sizeof(value));
	value += more;
	memcpy(payload + at, &value, sizeof(value));
}

static __u32 get_u32(const char *payload, size_t at)
{
	__u32 value;

	memcpy(&value, payload + at, sizeof(value));
	return value;
}

/* A struct whose u32 at @at is the offset of the bytes after it */
static void put_referring(struct output *out, const char *payload, size_t len,
			  size_t at)
{
	const __u32 end = get_u32(payload, at);
	char *to = out->at + out->len;

	put(out, payload, end);
	put_byte(out, EXTRA_BYTE, EXTRA);
	put(out, payload + end, len - end);
	add_u32(to, at, EXTRA);
}

static void put_vma_stat(struct output *out, const char *payload, size_t len)
{
	const __u32 pages = get_u32(payload, offsetof(struct task_diag_vma_stat,
						      pages_at));
	const __u32 letters = get_u32(payload,
				      offsetof(struct task_diag_vma_stat,
					       vm_flags_at));
	char *to = out->at + out->len;

	put(out, payload, pages);
	put_byte(out, EXTRA_BYTE, EXTRA);
	put(out, payload + pages, letters - pages);
	put_byte(out, EXTRA_BYTE, EXTRA);
	put(out, payload + letters, len - letters);
	add_u32(to, offsetof(struct task_diag_vma_stat, pages_at), EXTRA);
	add_u32(to, offsetof(struct task_diag_vma_stat, pages_len), EXTRA);
	add_u32(to, offsetof(struct task_diag_vma_stat, vm_flags_at),
		2 * EXTRA);
}

static void put_affinity(struct output *out, const char *payload, size_t len)
{
	char *to = out->at + out->len;

	put_referring(out, payload, len,
		      offsetof(struct task_diag_affinity, cpus_at));
	add_u32(to, offsetof(struct task_diag_affinity, mems_at), EXTRA);
}

static void put_attrs(struct output *out, const char *at, size_t len);

static void put_payload(struct output *out, __u16 type, const char *payload,
			size_t len)
{
	switch (type) {
	case TASK_DIAG_VMA:
		put_referring(out, payload, len,
			      offsetof(struct task_diag_vma, name_at));
		return;
	case TASK_DIAG_CGROUP:
		put_referring(out, payload, len,
			      offsetof(struct task_diag_cgroup, path_at));
		return;
	case TASK_DIAG_FILES:
		put_referring(out, payload, len,
			      offsetof(struct task_diag_file, path_at));
		return;
	case TASK_DIAG_VMA_STAT:
		put_vma_stat(out, payload, len);
		return;
	case TASK_DIAG_AFFINITY:
		put_affinity(out, payload, len);
		return;
	case TASK_DIAG_PROCESS:
		put_attrs(out, payload, len);
		return;
	case TASK_DIAG_FD:
		/* Without counts it is cut before its end. */
		put(out, payload, len);
		if (len > offsetof(struct task_diag_fd, kinds))
			put_byte(out, EXTRA_BYTE, EXTRA);
		return;
	case TASK_DIAG_CMDLINE:
	case TASK_DIAG_GROUPS:
	case TASK_DIAG_NAME:
	case TASK_DIAG_LABEL:
	case TASK_DIAG_CWD:
	case TASK_DIAG_ROOT:
	case TASK_DIAG_WCHAN:
	case TASK_DIAG_EXE:
	case TASK_DIAG_ENVIRON:
	case TASK_DIAG_PID:
	case TASK_DIAG_MORE:
		put(out, payload, len);
		return;
	}
	put(out, payload, len);
	put_byte(out, EXTRA_BYTE, EXTRA);
}

static void put_attr(struct output *out, const struct nlattr *attr)
{
	struct nlattr head = *attr;
	const size_t start = out->len;

	out->len += NLA_HDRLEN;
	put_payload(out, attr->nla_type & NLA_TYPE_MASK, (const char *)attr + NLA_HDRLEN,
		    attr->nla_len - NLA_HDRLEN);
	head.nla_len = out->len - start;
	memcpy(out->at + start, &head, sizeof(head));
	put_byte(out, 0, NLA_ALIGN(head.nla_len) - head.nla_len);
}

static void put_attrs(struct output *out, const char *at, size_t len)
{
	const struct nlattr *attr;
	size_t pos;

	for (pos = 0; pos < len; pos += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)(at + pos);
		put_attr(out, attr);
	}
}

/* A message about a task begins with its pid, the header is all of its own. */
static bool is_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	if (nlh->nlmsg_type <= GENL_ID_CTRL ||
	    nlh->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN) + NLA_HDRLEN)
		return false;
	attr = (const void *)((const char *)nlh + NLMSG_LENGTH(GENL_HDRLEN));
	return attr->nla_type == TASK_DIAG_PID ||
	       attr->nla_type == TASK_DIAG_HEADER;
}

static void put_message(struct output *out, const struct nlmsghdr *nlh)
{
	const size_t start = out->len;
	const size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	struct nlmsghdr head = *nlh;

	if (!is_ours(nlh)) {
		put(out, nlh, nlh->nlmsg_len);
		put_byte(out, 0, NLMSG_ALIGN(nlh->nlmsg_len) - nlh->nlmsg_len);
		return;
	}
	put(out, nlh, pos);
	put_attrs(out, (const char *)nlh + pos, nlh->nlmsg_len - pos);
	head.nlmsg_len = out->len - start;
	memcpy(out->at + start, &head, sizeof(head));
}

static bool is_genetlink(int fd)
{
	int domain = 0, protocol = -1;
	socklen_t len = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       domain == AF_NETLINK &&
	       !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) &&
	       protocol == NETLINK_GENERIC;
}

static ssize_t next_recvmsg(int fd, struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int fd, struct msghdr *msg, int flags);

	if (!next)
		next = (ssize_t (*)(int, struct msghdr *, int))
			dlsym(RTLD_NEXT, "recvmsg");
	return next(fd, msg, flags);
}

/* Spreads a datagram over the caller's buffers, as much of it as fits. */
static size_t scatter(const struct msghdr *msg, const char *data, size_t len)
{
	size_t done = 0, i, part;

	for (i = 0; i < msg->msg_iovlen && done < len; i++) {
		part = msg->msg_iov[i].iov_len;
		if (part > len - done)
			part = len - done;
		memcpy(msg->msg_iov[i].iov_base, data + done, part);
		done += part;
	}
	return done;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	const struct nlmsghdr *nlh;
	struct output out = {};
	struct msghdr inner = *msg;
	size_t size = 0, i, left;
	struct iovec iov;
	ssize_t len;

	if (!is_genetlink(fd))
		return next_recvmsg(fd, msg, flags);
	for (i = 0; i < msg->msg_iovlen; i++)
		size += msg->msg_iov[i].iov_len;
	iov.iov_len = size / FACTOR;
	iov.iov_base = malloc(iov.iov_len + 1);
	out.at = malloc(size + EXTRA);
	if (!iov.iov_base || !out.at)
		abort();
	inner.msg_iov = &iov;
	inner.msg_iovlen = 1;
	len = next_recvmsg(fd, &inner, flags & ~MSG_TRUNC);
	msg->msg_namelen = inner.msg_namelen;
	msg->msg_controllen = inner.msg_controllen;
	msg->msg_flags = inner.msg_flags;
	/* Half of a buffer is too little: as if all of it were. */
	if (len > 0 && inner.msg_flags & MSG_TRUNC && flags & MSG_TRUNC) {
		len = size + 1;
	} else if (len > 0) {
		nlh = iov.iov_base;
		for (left = len; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
			put_message(&out, nlh);
		len = scatter(msg, out.at, out.len);
	}
	free(iov.iov_base);
	free(out.at);
	return len;
}

ssize_t recvfrom(int fd, void *buf, size_t size, int flags,
		 struct sockaddr *from, socklen_t *from_len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_name = from,
		.msg_namelen = from_len ? *from_len : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t len = recvmsg(fd, &msg, flags);

	if (len >= 0 && from_len)
		*from_len = msg.msg_namelen;
	return len;
}

ssize_t recv(int fd, void *buf, size_t size, int flags)
{
	return recvfrom(fd, buf, size, flags, NULL, NULL);
}

/* What a program calls that was built with checks of its buffers */
ssize_t __recv_chk(int fd, void *buf, size_t size, size_t room, int flags)
{
	if (size > room)
		abort();
	return recv(fd, buf, size, flags);
}

ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags,
		       struct sockaddr *from, socklen_t *from_len)
{
	if (size > room)
		abort();
	return recvfrom(fd, buf, size, flags, from, from_len);
}
