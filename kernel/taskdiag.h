/* SPDX-License-Identifier: GPL-2.0 */
/* task_diag: shared by dumps (taskdiag.c) and events (taskdiag_event.c) */
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

/* The most threads that a plain request or an event looks at */
#define TASK_DIAG_FEW_THREADS	64

/* Mode of the check who may see a task, see task_diag_may_read() */
#define TASK_DIAG_PTRACE_MODE	(PTRACE_MODE_READ_FSCREDS | PTRACE_MODE_NOAUDIT)

/**
 * struct task_diag_msg - all of a message that is written without a lock
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
 * @cred: the requester's; holds a reference, except in a plain request
 * @rows: the rows of task_diag_groups[], as bits, to fill for each task beyond
 *	BASE
 * @mm_rows: those of @rows that need the task's mm
 * @own_mm_rows: those of @rows that take and release the mm by themselves
 * @costs: their costs, as bits, see enum task_diag_cost
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

/* Whether the query asks for threads, not for processes */
static inline bool task_diag_per_thread(const struct task_diag_query *query)
{
	return query->req.dump_strategy == TASK_DIAG_DUMP_ALL_THREAD ||
	       query->req.dump_strategy == TASK_DIAG_DUMP_THREAD;
}

extern struct genl_family task_diag_family;

int task_diag_check_requester(const struct sk_buff *skb,
			      struct netlink_ext_ack *extack);
bool task_diag_is_allowed(const struct pid_namespace *ns);

int task_diag_parse(struct task_diag_query *query, struct nlattr **attrs,
		    struct netlink_ext_ack *extack);
void task_diag_plan(struct task_diag_query *query);
void task_diag_init_template(struct task_diag_query *query, u8 cmd, u32 portid,
			     u32 seq, u16 flags);

int task_diag_put_first(struct sk_buff *skb, const struct task_diag_query *query,
			struct task_struct *task, const struct cred *cred,
			const struct pid *pid, u32 nr, struct pid_namespace *ns);
int task_diag_put_group(struct sk_buff *skb, struct task_diag_task *t,
			const struct task_diag_group *group);
int task_diag_put_error(struct sk_buff *skb, u16 attr, int error);

/**
 * struct task_diag_subscription - the events that a socket subscribed to
 * @audience: its audience; owned by its last subscription
 * @node: in @audience
 * @closed: in the list of those whose socket was closed
 * @ucounts: where it is counted
 * @query: groups, selections and subscriber; holds a reference on @query.cred
 * @events: types of the events, a mask of BIT(&enum task_diag_event_type)
 * @sock: the socket; holds a reference
 * @thread: the thread that subscribed; holds a reference
 * @root: its root directory; holds a reference
 * @cgroup_ns: its cgroup namespace; holds a reference
 * @boottime: its time namespace's offset of CLOCK_BOOTTIME
 * @pids: TASK_DIAG_SELECT_PIDS in ascending order, or NULL
 * @lost: messages that were lost since the last one that was sent
 * @ended: it is over: that thread ended, or has other credentials
 *
 * Generic netlink's private memory of the socket is a pointer to it.
 */
struct task_diag_subscription {
	struct task_diag_audience	*audience;
	struct hlist_node		node;
	struct llist_node		closed;
	struct ucounts			*ucounts;
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
