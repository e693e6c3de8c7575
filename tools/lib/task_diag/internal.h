/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/*
 * request.c receives messages, task.c joins the messages about one task and
 * reads its values, mirror.c updates tasks as events change them.
 */
#ifndef __TD_INTERNAL_H
#define __TD_INTERNAL_H

#include <stdbool.h>
#include <string.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "libtask_diag.h"

/* Attributes below are groups. */
#define TD_GROUPS	64

/**
 * struct td_task - a task, or the values of a leader's process
 * @pid: its number
 * @is_process: these are the values of the process
 * @present: mask of the groups that the task has; bit 0 is for %TASK_DIAG_EVENT
 * @failed: mask of those that could not be read
 * @first: for each present group, where in @data the header of its first value
 *	is
 * @last: where the header of its last value is
 * @error: for each group that failed, the negative errno
 * @data: values of both the task and its process, see task.c
 * @len: their length
 * @process: the values of the process, or NULL
 */
struct td_task {
	__u32 pid;
	bool is_process;
	__u64 present;
	__u64 failed;
	__u32 first[TD_GROUPS];
	__u32 last[TD_GROUPS];
	int error[TD_GROUPS];
	const char *data;
	size_t len;
	const struct td_task *process;
};

/**
 * struct td_store - the task that is being received, and the memory for its
 *	values
 * @task: the task
 * @process: the values of its process
 * @data: the records, which grow with the longest task so far
 * @len: their length
 * @size: size of @data
 * @limit: the most memory that the values may take
 */
struct td_store {
	struct td_task task;
	struct td_task process;
	char *data;
	size_t len;
	size_t size;
	size_t limit;
};

void td__begin_task(struct td_store *store);
int td__add_message(struct td_store *store, const struct nlmsghdr *nlh);
bool td__continues(const struct nlmsghdr *nlh);
const struct td_task *td__end_task(struct td_store *store);
const struct td_task *td__usual_task(struct td_store *store,
				     const struct nlmsghdr *nlh);
void td__trim_store(struct td_store *store);

int td__fail(struct td_handle *td, int err, const char *why);
bool td__is_between_parts(const struct td_handle *td);
bool td__is_selecting(const struct td_handle *td);
void td__end_events(struct td_handle *td, int result);

/* Callers loop until a negative errno, so accept nothing else as one. */
static inline bool td__is_errno(int err)
{
	return err < 0 && err >= -4095;
}

/* Structs grow at their end: fields that the sender lacks are zero. */
static inline void td__copy(void *to, size_t size, const void *from, size_t len)
{
	if (len > size)
		len = size;
	if (len)
		memcpy(to, from, len);
	if (size > len)
		memset((char *)to + len, 0, size - len);
}

static inline const struct nlattr *td__first_attr(const struct nlmsghdr *nlh)
{
	return (const void *)((const char *)nlh + NLMSG_LENGTH(GENL_HDRLEN));
}

static inline const struct nlattr *td__next_attr(const struct nlattr *attr)
{
	return (const void *)((const char *)attr + NLA_ALIGN(attr->nla_len));
}

/* Is all of the attribute at @attr before @end? */
static inline bool td__attr_ok(const struct nlattr *attr, const void *end)
{
	ptrdiff_t left = (const char *)end - (const char *)attr;

	return left >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN &&
	       attr->nla_len <= left;
}

static inline unsigned int td__attr_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

static inline const char *td__attr_data(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static inline size_t td__attr_len(const struct nlattr *attr)
{
	return attr->nla_len - sizeof(*attr);
}

static inline const char *td__message_end(const struct nlmsghdr *nlh)
{
	return (const char *)nlh + nlh->nlmsg_len;
}

/* The end of the pid with which each message about a task begins */
#define TD_PID_END	(NLMSG_LENGTH(GENL_HDRLEN) + NLA_HDRLEN + sizeof(__u32))

/* This pid, or 0 if there is none */
static inline __u32 td__message_pid(const struct nlmsghdr *nlh)
{
	const struct nlattr *nla = td__first_attr(nlh);

	if (nlh->nlmsg_len < TD_PID_END || nla->nla_type != TASK_DIAG_PID ||
	    nla->nla_len != NLA_HDRLEN + sizeof(__u32))
		return 0;
	return *(const __u32 *)(const void *)td__attr_data(nla);
}

#endif /* __TD_INTERNAL_H */
