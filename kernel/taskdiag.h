/* SPDX-License-Identifier: GPL-2.0 */
/* task_diag: what dumps (taskdiag.c) and subscriptions (taskdiag_event.c) share */
#ifndef _KERNEL_TASKDIAG_H
#define _KERNEL_TASKDIAG_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/netlink.h>
#include <linux/path.h>
#include <linux/ptrace.h>
#include <linux/task_diag.h>
#include <net/genetlink.h>
#include "taskdiag_select.h"

struct cgroup_namespace;
struct cred;
struct pid;
struct pid_namespace;
struct sk_buff;
struct sock;
struct task_diag_audience;
struct task_diag_pid_id;
struct task_struct;

/* For which a plain request does not look at more threads, nor does an event */
#define TASK_DIAG_FEW_THREADS	64

/* The check of who may see a task, see task_diag_may_read() */
#define TASK_DIAG_PTRACE_MODE	(PTRACE_MODE_READ_FSCREDS | PTRACE_MODE_NOAUDIT)

/**
 * struct task_diag_msg - a message with all that can be in it without a lock
 * @nlh: netlink header
 * @genl: generic-netlink header
 * @pid_attr: header of TASK_DIAG_PID
 * @pid: its payload
 * @base_attr: header of TASK_DIAG_BASE
 * @base: its payload
 *
 * The layout is always the same, so a message is a copy of the query's template
 * with the values written over it. Netlink aligns messages to 4 bytes, less than
 * what 64-bit fields need on some architectures.
 */
struct task_diag_msg {
	struct nlmsghdr		nlh;
	struct genlmsghdr	genl;
	struct nlattr		pid_attr;
	u32			pid;
	struct nlattr		base_attr;
	struct task_diag_base	base;
} __packed __aligned(NLMSG_ALIGNTO);

/**
 * struct task_diag_query - what was asked for, and by whom
 * @req: the request
 * @select: which tasks it chooses
 * @cred: who asked; holds a reference, but of a plain request
 * @rows: the rows of task_diag_groups[], as bits, that are to be filled for each
 *	task, beyond BASE
 * @mm_rows: those of them for which the task's mm is needed
 * @own_mm_rows: those of @rows that take and release the mm by themselves
 * @costs: what they cost, as bits, see enum task_diag_cost
 * @template: see struct task_diag_msg
 */
struct task_diag_query {
	struct task_diag_pid	req;
	struct task_diag_select	select;
	const struct cred	*cred;
	u64			rows;
	u64			mm_rows;
	u64			own_mm_rows;
	unsigned int		costs;
	struct task_diag_msg	template;
};

extern struct genl_family task_diag_family;

int task_diag_check_requester(const struct sk_buff *skb,
			      struct netlink_ext_ack *extack);
bool task_diag_is_allowed(const struct pid_namespace *ns);

int task_diag_parse(struct task_diag_query *query, struct nlattr **attrs,
		    struct netlink_ext_ack *extack);
void task_diag_plan(struct task_diag_query *query);
bool task_diag_per_thread(const struct task_diag_query *query);
void task_diag_init_template(struct task_diag_query *query, u8 cmd, u32 portid,
			     u32 seq, u16 flags);

int task_diag_put_first(struct sk_buff *skb, const struct task_diag_query *query,
			struct task_struct *task, const struct cred *cred,
			const struct pid *pid, u32 nr, struct pid_namespace *ns);
int task_diag_put_group(struct sk_buff *skb, struct task_diag_task *t,
			const struct task_diag_group *group, int err);

/**
 * struct task_diag_subscription - what a socket wants to be told
 * @audience: those who see the same tasks, or NULL if there is no subscription
 * @node: among them
 * @query: what, and who is told; holds a reference on @query.cred
 * @events: of what, a mask of BIT(&enum task_diag_event_type)
 * @sock: the socket
 * @thread: the thread that asked; holds a reference
 * @root: its root directory; holds a reference
 * @cgroup_ns: its cgroup namespace; holds a reference
 * @boottime: its time namespace's offset of CLOCK_BOOTTIME
 * @pids: TASK_DIAG_SELECT_PIDS in ascending order, or NULL
 * @lost: messages that were lost since the last one that was sent
 * @ended: it is over, as that thread is, or has other credentials
 *
 * Generic netlink's private memory of the socket, which it frees when the socket
 * is closed.
 */
struct task_diag_subscription {
	struct task_diag_audience	*audience;
	struct hlist_node		node;
	struct task_diag_query		query;
	u32				events;
	struct sock			*sock;
	struct pid			*thread;
	struct path			root;
	struct cgroup_namespace		*cgroup_ns;
	u64				boottime;
	struct task_diag_pid_id		*pids;
	atomic64_t			lost;
	atomic_t			ended;
};

u64 task_diag_event_groups(void);
u32 task_diag_event_types(void);
int task_diag_subscribe_doit(struct sk_buff *skb, struct genl_info *info);
void task_diag_unsubscribe(void *priv);

#endif /* _KERNEL_TASKDIAG_H */
