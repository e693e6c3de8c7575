// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: properties of tasks over generic netlink
 *
 * A request names a set of tasks and groups of their properties; the answer is
 * one message per task. See Documentation/accounting/taskdiag.rst.
 *
 * A requester learns nothing of a task that a /proc mounted with hidepid=2
 * would hide from it. Netlink makes this hard: recvmsg() produces the next part
 * of a dump in the context of its caller, which may be a set-uid program that
 * inherited the socket. So a dump belongs to the credentials that it was
 * requested with, see task_diag_same_requester().
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/nsproxy.h>
#include <linux/param.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <linux/task_diag.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include "taskdiag.h"

/* Number of pids that one RCU section looks at */
#define TASK_DIAG_RCU_BATCH	64

/**
 * struct task_diag_cursor - where the walk is
 * @target: the process that the strategies on one process start from; holds a
 *	reference
 * @next: where it continues: a pid number, or an index in @nrs; for ONE, whether
 *	it is complete
 * @nrs: pid numbers of the tasks, if the walk goes over a list: @tids, or
 *	that of the request
 * @nr_nrs: length of @nrs
 * @tids: TASK_DIAG_DUMP_THREAD: the threads, as pid numbers
 */
struct task_diag_cursor {
	struct pid		*target;
	unsigned int		next;
	const u32		*nrs;
	unsigned int		nr_nrs;
	u32			*tids;
};

/**
 * struct task_diag_held - the task whose groups are being reported
 * @t: the task, or none if @t.task is NULL; holds a reference. @t.at_once,
 *	@t.until and @t.buf are set in both cases
 * @exec_id: its exec id when the walk met it, to notice an exec
 * @id: the identity that it had then, which changes earlier in an exec by a
 *	thread
 * @left: the rows of task_diag_groups[], as bits, that are still to be filled
 * @mm: the mm that its groups come from, once it continues in another message;
 *	holds a reference on the structure alone (mmgrab()), so that an unread
 *	dump keeps no memory
 */
struct task_diag_held {
	struct task_diag_task	t;
	u64			exec_id;
	u64			id;
	u64			left;
	struct mm_struct	*mm;
};

/**
 * struct task_diag_dump - one dump, or one plain request
 * @query: what was asked for, and by whom: see task_diag_same_requester()
 * @cursor: where its walk is
 * @held: the task that the walk stopped at, until all its groups are reported
 * @header_sent: the first datagram was sent
 *
 * A dump's is allocated when it starts, and freed in its .done, which may run in
 * any task. In between it is used under the socket's nl_cb_mutex only.
 */
struct task_diag_dump {
	struct task_diag_query	query;
	struct task_diag_cursor	cursor;
	struct task_diag_held	held;
	bool			header_sent;
};

/**
 * struct task_diag_run - the messages that one step of a walk writes
 * @at: where the next message goes, in the skb's tail room
 * @end: end of the writable room
 * @ns: the requester's pid namespace
 * @kin: if set, only children or threads of this process are reported
 * @readable: a leader found to be readable in this RCU section, or NULL
 * @cred: the credentials with which the task that is held was checked; holds a
 *	reference
 */
struct task_diag_run {
	void			*at;
	const void		*end;
	struct pid_namespace	*ns;
	struct task_struct	*kin;
	struct task_struct	*readable;
	const struct cred	*cred;
};

/**
 * enum task_diag_walk_result - how a visit, or a step of the walk, ended
 * @TASK_DIAG_WALK_CONTINUE: the walk continues with the next pid
 * @TASK_DIAG_WALK_HELD: the walk stopped at a task whose groups must follow
 * @TASK_DIAG_WALK_FULL: the skb is full, the walk continues in another one
 * @TASK_DIAG_WALK_END: the walk is complete
 * @TASK_DIAG_WALK_GONE: the process that it starts from has ended or is hidden
 * @TASK_DIAG_WALK_ENDLESS: it met tasks again and again, as somebody moves them
 */
enum task_diag_walk_result {
	TASK_DIAG_WALK_CONTINUE,
	TASK_DIAG_WALK_HELD,
	TASK_DIAG_WALK_FULL,
	TASK_DIAG_WALK_END,
	TASK_DIAG_WALK_GONE,
	TASK_DIAG_WALK_ENDLESS,
};

/* cb->ctx has no room for a dump: it holds a pointer. */
static struct task_diag_dump **task_diag_ctx(struct netlink_callback *cb)
{
	return (struct task_diag_dump **)cb->ctx;
}

/* --- the request ------------------------------------------------------- */

/*
 * Time budget of a datagram: netlink holds a mutex of the socket while it is
 * made, and other requests wait for that mutex under genetlink's locks.
 */
#define TASK_DIAG_STEP_TIME	max(HZ / 100, 1)

static u64 task_diag_supported(void)
{
	unsigned int i;
	u64 mask = 0;

	for (i = 0; i < task_diag_nr_groups; i++) {
		if (!task_diag_groups[i].missing)
			mask |= BIT_ULL(task_diag_groups[i].attr);
	}
	return mask;
}

/* Checks that this kernel knows and supports each of the show flags. */
static int task_diag_check_groups(u64 show_flags, const struct nlattr *attr,
				  struct netlink_ext_ack *extack)
{
	const struct task_diag_group *group;
	unsigned int i;

	for (i = 0; i < task_diag_nr_groups; i++) {
		group = &task_diag_groups[i];
		if (!(show_flags & BIT_ULL(group->attr)))
			continue;
		show_flags &= ~BIT_ULL(group->attr);
		if (!group->missing)
			continue;
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"group %s: this kernel was built without %s",
					group->name, group->missing);
		return -EOPNOTSUPP;
	}
	if (show_flags) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"show_flags has unknown bits 0x%llx",
					show_flags);
		return -EINVAL;
	}
	return 0;
}

/* All flags that a request may set */
static u32 task_diag_known_flags(void)
{
	u32 flags = TASK_DIAG_WITH_PROCESS;
	unsigned int i;

	for (i = 0; i < task_diag_nr_groups; i++)
		flags |= task_diag_groups[i].flags;
	return flags;
}

static int task_diag_check_flags(const struct task_diag_query *query,
				 const struct nlattr *attr,
				 struct netlink_ext_ack *extack)
{
	const struct task_diag_pid *req = &query->req;
	u32 unused = req->flags;
	unsigned int i;

	if (req->flags & ~task_diag_known_flags()) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"flags has unknown bits 0x%x",
					req->flags & ~task_diag_known_flags());
		return -EINVAL;
	}
	if (task_diag_per_thread(query))
		unused &= ~TASK_DIAG_WITH_PROCESS;
	for (i = 0; i < task_diag_nr_groups; i++) {
		if (req->show_flags & BIT_ULL(task_diag_groups[i].attr))
			unused &= ~task_diag_groups[i].flags;
	}
	if (unused & TASK_DIAG_WITH_PROCESS) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "TASK_DIAG_WITH_PROCESS: dump_strategy is not over threads");
		return -EINVAL;
	}
	if (unused) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"flags 0x%x need groups that are not in show_flags",
					unused);
		return -EINVAL;
	}
	return 0;
}

/* The rule of copy_struct_from_user(), for a struct in kernel memory. */
static int task_diag_copy_req(struct task_diag_pid *req,
			      const struct nlattr *attr,
			      struct netlink_ext_ack *extack)
{
	size_t len = nla_len(attr);

	if (len < TASK_DIAG_PID_SIZE_VER0) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"struct task_diag_pid is %zu bytes, at least %d needed",
					len, TASK_DIAG_PID_SIZE_VER0);
		return -EINVAL;
	}
	if (len > sizeof(*req) &&
	    memchr_inv(nla_data(attr) + sizeof(*req), 0, len - sizeof(*req))) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "struct task_diag_pid has fields that this kernel does not know");
		return -E2BIG;
	}
	nla_memcpy(req, attr, sizeof(*req));
	return 0;
}

/**
 * task_diag_parse() - read a query from a request
 * @query: where to store it, all zero
 * @attrs: attributes of the request
 * @extack: where to report an error
 *
 * Return: 0 or a negative errno. In both cases the caller must call
 * task_diag_free_select() in the end, and keep @attrs until then.
 */
int task_diag_parse(struct task_diag_query *query, struct nlattr **attrs,
		    struct netlink_ext_ack *extack)
{
	struct task_diag_pid *req = &query->req;
	const struct nlattr *attr = attrs[TASK_DIAG_REQUEST];
	int err;

	if (!attr) {
		NL_SET_ERR_ATTR_MISS(extack, NULL, TASK_DIAG_REQUEST);
		NL_SET_ERR_MSG(extack, "TASK_DIAG_REQUEST is missing");
		return -EINVAL;
	}
	err = task_diag_copy_req(req, attr, extack);
	if (err)
		return err;

	err = task_diag_check_groups(req->show_flags, attr, extack);
	if (err)
		return err;
	if (req->dump_strategy > TASK_DIAG_DUMP_MAX) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"dump_strategy %llu is unknown",
					req->dump_strategy);
		return -EINVAL;
	}
	err = task_diag_check_flags(query, attr, extack);
	if (err)
		return err;
	return task_diag_parse_select(&query->select, attrs, req->dump_strategy,
				      extack);
}

/**
 * task_diag_plan() - derive the rows and costs from the request
 * @query: the query
 */
void task_diag_plan(struct task_diag_query *query)
{
	const struct task_diag_group *group;
	unsigned int i;

	for (i = 0; i < task_diag_nr_groups; i++) {
		group = &task_diag_groups[i];
		if (group->phase == TASK_DIAG_PHASE_RCU ||
		    !(query->req.show_flags & BIT_ULL(group->attr)))
			continue;
		query->rows |= BIT_ULL(i);
		if (group->phase == TASK_DIAG_PHASE_MM)
			query->mm_rows |= BIT_ULL(i);
		if (group->uses_mm)
			query->own_mm_rows |= BIT_ULL(i);
		query->costs |= BIT(query->req.flags & group->flags ?
				    TASK_DIAG_COST_MANY : group->cost);
	}
}

/* --- who may see what -------------------------------------------------- */

/*
 * current's credentials decide what it may see, once for each task that the
 * walk meets. That is sound only while current is, and acts as, the process
 * that sent the request. Fork, exec and every change of credentials make a new
 * struct cred, which cannot get the address of one that is still referenced;
 * only threads share theirs. So this one comparison means: the same process,
 * hence the same pid namespace, with unchanged credentials, hence the same user
 * namespace.
 */
static bool task_diag_same_requester(const struct cred *cred)
{
	return current_cred() == cred && current_real_cred() == cred;
}

/* kernel.task_diag: who may ask: 0 all, 1 with CAP_SYS_PTRACE, 2 nobody */
static int sysctl_task_diag;

/**
 * task_diag_is_allowed() - whether kernel.task_diag lets current ask
 * @ns: pid namespace of the requester
 *
 * The capability must be held in the user namespace that owns @ns. Any user can
 * create a user namespace and has all capabilities there, but still shares the
 * pid namespace with others.
 *
 * Return: true if current may ask.
 */
bool task_diag_is_allowed(const struct pid_namespace *ns)
{
	const int allowed = READ_ONCE(sysctl_task_diag);

	return !allowed ||
	       (allowed == 1 && ns_capable_noaudit(ns->user_ns, CAP_SYS_PTRACE));
}

/**
 * task_diag_check_requester() - whether a request is answered at all
 * @skb: the request
 * @extack: where to report why not
 *
 * Return: 0 or -EPERM.
 */
int task_diag_check_requester(const struct sk_buff *skb,
			      struct netlink_ext_ack *extack)
{
	const struct netlink_skb_parms *parms = &NETLINK_CB(skb);
	const struct cred *cred = current_cred();

	/* An error may disclose that a task exists. */
	extack->no_tap = true;

	if (!task_diag_same_requester(cred)) {
		NL_SET_ERR_MSG(extack, "sender acts with overridden credentials");
		return -EPERM;
	}

	/*
	 * A program may be tricked into a write() of bytes that it did not
	 * choose to a descriptor that it did not open. One that set the
	 * kernel's address did so on purpose, as in __netlink_ns_capable().
	 */
	if (!(parms->flags & NETLINK_SKB_DST) &&
	    parms->sk->sk_socket->file->f_cred != cred) {
		NL_SET_ERR_MSG(extack, "socket was opened with other credentials");
		return -EPERM;
	}

	if (!task_diag_is_allowed(task_active_pid_ns(current))) {
		NL_SET_ERR_MSG_FMT(extack, "denied by sysctl kernel.task_diag = %d",
				   READ_ONCE(sysctl_task_diag));
		return -EPERM;
	}
	return 0;
}

/*
 * The rule of procfs with hidepid=2, which looks a thread up in its leader's
 * directory. Under RCU, for the leader, and with @task still hashed. *@readable
 * is a leader that was found to be readable in the same RCU section, or NULL:
 * the check of its other threads skips the leader.
 */
static bool task_diag_may_read(struct task_struct *task,
			       struct task_struct **readable)
{
	const unsigned int mode = TASK_DIAG_PTRACE_MODE;
	struct task_struct *leader = READ_ONCE(task->group_leader);

	if (!ptrace_may_access(task, mode))
		return false;
	if (leader != task && leader != *readable &&
	    !ptrace_may_access(leader, mode))
		return false;
	*readable = leader;
	return true;
}

/* --- the answer -------------------------------------------------------- */

/* A reply that nlmon devices do not show. */
static struct sk_buff *task_diag_new_reply(void)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (skb)
		NETLINK_CB(skb).flags |= NETLINK_SKB_NO_TAP;
	return skb;
}

/**
 * task_diag_init_template() - make the fixed part of all messages of a query
 * @query: the query
 * @cmd: command of the messages
 * @portid: port id of the requester
 * @seq: sequence number of the request
 * @flags: NLM_F_*
 */
void task_diag_init_template(struct task_diag_query *query, u8 cmd, u32 portid,
			     u32 seq, u16 flags)
{
	bool base = query->req.show_flags & TASK_DIAG_SHOW_BASE;
	struct task_diag_msg *msg = &query->template;

	*msg = (struct task_diag_msg) {
		.nlh = {
			.nlmsg_len = base ? sizeof(*msg) :
				offsetof(struct task_diag_msg, base_attr),
			.nlmsg_type = task_diag_family.id,
			.nlmsg_flags = flags,
			.nlmsg_seq = seq,
			.nlmsg_pid = portid,
		},
		.genl = {
			.cmd = cmd,
			.version = task_diag_family.version,
		},
		.pid_attr = {
			.nla_len = nla_attr_size(sizeof(msg->pid)),
			.nla_type = TASK_DIAG_PID,
		},
		.base_attr = {
			.nla_len = nla_attr_size(sizeof(msg->base)),
			.nla_type = TASK_DIAG_BASE,
		},
	};
}

/*
 * Every reservation leaves room for TASK_DIAG_MORE: the message in which a
 * group turns out not to fit must announce that another one follows.
 */
#define TASK_DIAG_SPARE		nla_total_size(0)

/**
 * task_diag_room() - longest payload that fits in the message
 * @skb: the message
 *
 * Return: the longest payload that task_diag_reserve() has room for.
 */
unsigned int task_diag_room(const struct sk_buff *skb)
{
	int room = skb_tailroom(skb) - TASK_DIAG_SPARE - NLA_HDRLEN;

	return room > 0 ? round_down(room, NLA_ALIGNTO) : 0;
}

/**
 * task_diag_reserve() - append an attribute to the message
 * @skb: the message
 * @attr: attribute number
 * @len: length of the payload
 *
 * Return: the payload, all of which the caller must write, or NULL if it does
 * not fit.
 */
void *task_diag_reserve(struct sk_buff *skb, u16 attr, unsigned int len)
{
	const unsigned int total = nla_total_size(len);
	struct nlattr *nla;

	if (skb_tailroom(skb) < total + TASK_DIAG_SPARE)
		return NULL;
	/* An inlined __nla_reserve(): this runs very often. */
	nla = __skb_put(skb, total);
	nla->nla_type = attr;
	nla->nla_len = nla_attr_size(len);
	/* The caller overwrites all of this but the padding. */
	if (total > nla->nla_len)
		memset((void *)nla + total - NLA_ALIGNTO, 0, NLA_ALIGNTO);
	return nla_data(nla);
}

/**
 * task_diag_shorten() - make the last attribute shorter
 * @skb: the message
 * @start: where the attribute begins
 * @len: new length of its payload; 0 removes the attribute
 */
void task_diag_shorten(struct sk_buff *skb, unsigned int start, unsigned int len)
{
	struct nlattr *nla = (struct nlattr *)(skb->data + start);

	skb_trim(skb, start + (len ? nla_total_size(len) : 0));
	if (!len)
		return;
	nla->nla_len = nla_attr_size(len);
	memset(nla_data(nla) + len, 0, nla_padlen(len));
}

/**
 * task_diag_is_empty() - whether the message has just the pid of the task
 * @skb: the message
 *
 * Return: true if what does not fit now will not fit the next message either.
 */
bool task_diag_is_empty(const struct sk_buff *skb)
{
	return skb->len == offsetof(struct task_diag_msg, base_attr);
}

/**
 * task_diag_forget() - free the value that was being reported in parts
 * @t: the task
 */
void task_diag_forget(struct task_diag_task *t)
{
	/* Most groups keep nothing, and this runs after each of them. */
	if (!t->kept.head)
		return;
	kvfree(t->kept.head);
	memset(&t->kept, 0, sizeof(t->kept));
	t->part = 0;
}

/*
 * pid_nr_ns() without a call where it is not needed: BASE consists of pids.
 * Sets *@released if the task that had @pid was released.
 */
static __always_inline u32 task_diag_nr(struct pid *pid,
					struct pid_namespace *ns,
					bool *released)
{
	if (unlikely(!pid)) {
		*released = true;
		return 0;
	}
	return ns == &init_pid_ns ? pid->numbers[0].nr : pid_nr_ns(pid, ns);
}

/*
 * ->parent and ->ptrace change one after the other, so that a real parent may look
 * like a tracer.
 */
static noinline struct task_struct *task_diag_tracer_locked(struct task_struct *task)
{
	guard(read_lock)(&tasklist_lock);
	return ptrace_parent(task);
}

static __always_inline struct task_struct *task_diag_tracer(struct task_struct *task)
{
	struct task_struct *tracer = ptrace_parent(task);

	if (likely(!tracer))
		return NULL;
	/* It may have become the real parent just before. */
	smp_rmb();
	return tracer == rcu_access_pointer(task->real_parent) ?
	       task_diag_tracer_locked(task) : tracer;
}

/*
 * Fills all of BASE for @task, whose pid is @pid, @nr in @ns. Returns false if
 * the task, its parent or its tracer was released concurrently.
 */
static __always_inline bool task_diag_fill_base(struct task_diag_msg *msg,
						struct task_struct *task,
						const struct pid *pid, u32 nr,
						char state,
						struct pid_namespace *ns)
{
	struct task_struct *parent = rcu_dereference(task->real_parent);
	struct task_struct *tracer = task_diag_tracer(task);
	struct pid *tgid = task_tgid(task);
	struct pid *pgid = task_pgrp(task);
	struct pid *sid = task_session(task);
	bool released = false;

	/* In most tasks some of the ids are equal: look each up only once. */
	msg->base.pid = nr;
	msg->base.tgid = tgid == pid ? nr : task_diag_nr(tgid, ns, &released);
	msg->base.pgid = pgid == tgid ? msg->base.tgid :
					task_diag_nr(pgid, ns, &released);
	msg->base.sid = sid == pgid ? msg->base.pgid :
				      task_diag_nr(sid, ns, &released);
	msg->base.ppid = task_diag_nr(task_tgid(parent), ns, &released);
	msg->base.tpid = tracer ? task_diag_nr(task_pid(tracer), ns, &released) : 0;
	msg->base.state = state;
	memset(msg->base.pad, 0, sizeof(msg->base.pad));
	msg->base.pad2 = 0;
	msg->base.id = pid->ino;

	BUILD_BUG_ON(sizeof(msg->base.comm) != sizeof(task->comm));
	/* The last byte is always zero, see get_task_comm(). */
	data_race(memcpy(msg->base.comm, task->comm, sizeof(msg->base.comm)));
	return !released;
}

/*
 * Under the RCU section in which @task was found by @pid and checked with
 * @cred. Returns -EMSGSIZE if not even this part of the message fits, and
 * -ESTALE if the pid no longer belongs to that task, or the task has other
 * credentials. A dump of BASE does nothing else per task. The fast path knows
 * @ns at compile time.
 */
static __always_inline int task_diag_put_task(struct task_diag_run *run,
					      const struct task_diag_query *query,
					      struct task_struct *task,
					      const struct cred *cred,
					      const struct pid *pid, u32 nr,
					      char state,
					      struct pid_namespace *ns)
{
	const struct task_diag_msg *template = &query->template;
	struct task_diag_msg *msg = run->at;

	BUILD_BUG_ON(sizeof(*msg) != NLMSG_ALIGN(sizeof(*msg)));

	if (run->at + template->nlh.nlmsg_len > run->end)
		return -EMSGSIZE;
	memcpy(msg, template, offsetof(struct task_diag_msg, pid));
	msg->pid = nr;
	if (query->req.show_flags & TASK_DIAG_SHOW_BASE) {
		msg->base_attr = template->base_attr;
		if (unlikely(!task_diag_fill_base(msg, task, pid, nr, state, ns)))
			return -ESTALE;
	}
	/*
	 * All reads come before this. It pairs with commit_creds(), which
	 * drops the old credentials, a full barrier, before the task runs with
	 * the new ones.
	 */
	smp_rmb();
	if (unlikely(!pid_alive(task) ||
		     rcu_access_pointer(task->real_cred) != cred))
		return -ESTALE;
	return 0;
}

/**
 * task_diag_put_first() - append a message with all but its groups
 * @skb: the skb to append to
 * @query: the query, with its template
 * @task: the task. Under RCU.
 * @cred: its credentials, with which it was checked
 * @pid: its pid
 * @nr: number of @pid in @ns
 * @ns: pid namespace of the requester
 *
 * Return: 0, -EMSGSIZE if it does not fit, or -ESTALE if @pid is no longer that
 * task's, the task has other credentials, or its parent was just released.
 */
int task_diag_put_first(struct sk_buff *skb, const struct task_diag_query *query,
			struct task_struct *task, const struct cred *cred,
			const struct pid *pid, u32 nr, struct pid_namespace *ns)
{
	struct task_diag_run run = {
		.at = skb_tail_pointer(skb),
		.end = skb_end_pointer(skb) - TASK_DIAG_SPARE,
	};
	int err;

	err = task_diag_put_task(&run, query, task, cred, pid, nr,
				 task_state_to_char(task), ns);
	if (!err)
		__skb_put(skb, query->template.nlh.nlmsg_len);
	return err;
}

/**
 * task_diag_put_error() - append an error in place of a group
 * @skb: the message
 * @attr: attribute number of the group
 * @error: why it cannot be read
 *
 * Return: 0, or -EMSGSIZE if the error does not fit.
 */
int task_diag_put_error(struct sk_buff *skb, u16 attr, int error)
{
	struct task_diag_error *entry;

	entry = task_diag_reserve(skb, TASK_DIAG_ERROR, sizeof(*entry));
	if (!entry)
		return -EMSGSIZE;
	entry->attr = attr;
	entry->error = error;
	return 0;
}

static int task_diag_put_header(struct sk_buff *skb, u32 portid, u32 seq,
				int flags)
{
	struct task_diag_header header = {
		.show_flags = task_diag_supported(),
		.dump_strategies = GENMASK_ULL(TASK_DIAG_DUMP_MAX, 0),
		.page_size = PAGE_SIZE,
		.clk_tck = USER_HZ,
		.flags = task_diag_known_flags(),
		.events = task_diag_event_types(),
		.event_show_flags = task_diag_event_groups(),
	};
	void *hdr;

	hdr = genlmsg_put(skb, portid, seq, &task_diag_family, flags,
			  TASK_DIAG_CMD_HEADER);
	if (!hdr)
		return -EMSGSIZE;
	if (nla_put(skb, TASK_DIAG_HEADER, sizeof(header), &header)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* --- the groups of one task -------------------------------------------- */

/*
 * Holds the task for task_diag_put_groups(), and its credentials in @run.
 * Returns -ESTALE if it no longer has @cred, with which it was checked.
 */
static int task_diag_hold_task(struct task_diag_run *run,
			       struct task_diag_dump *dump,
			       struct task_struct *task,
			       const struct cred *cred,
			       const struct pid *pid, u32 nr)
{
	const struct task_diag_query *query = &dump->query;
	struct task_diag_held *held = &dump->held;

	/* Perhaps it was released in the meantime. */
	if (!pid_alive(task))
		return -ESTALE;
	run->cred = get_cred_rcu(cred);
	if (!run->cred)
		return -ESTALE;
	held->t = (struct task_diag_task) {
		.task = get_task_struct(task),
		.nr = nr,
		.per_thread = task_diag_per_thread(query),
		/* Also of a leader that is losing @pid in an exec by a thread */
		.with_process = query->req.flags & TASK_DIAG_WITH_PROCESS &&
				task_tgid(task) == pid,
		.at_once = held->t.at_once,
		.pid_ns = run->ns,
		.user_ns = query->cred->user_ns,
		.cgroup_ns = current->nsproxy->cgroup_ns,
		.boottime = timens_add_boottime_ns(0),
		.flags = query->req.flags,
		.until = held->t.until,
		.gfp = GFP_KERNEL,
		.buf = held->t.buf,
	};
	held->left = query->rows;
	held->exec_id = READ_ONCE(task->self_exec_id);
	held->id = pid->ino;
	return 0;
}

static void task_diag_drop_task(struct task_diag_held *held)
{
	if (!held->t.task)
		return;
	put_task_struct(held->t.task);
	held->t.task = NULL;
	task_diag_forget(&held->t);
	if (held->mm)
		mmdrop(held->mm);
	held->mm = NULL;
}

/* Whether the task lives, has called no exec, and may be read. */
static bool task_diag_goes_on(const struct task_diag_held *held)
{
	struct task_struct *task = held->t.task, *readable = NULL;
	const struct pid *pid;

	guard(rcu)();
	pid = task_pid(task);
	return pid && pid->ino == held->id &&
	       held->exec_id == READ_ONCE(task->self_exec_id) &&
	       task_diag_may_read(task, &readable);
}

/*
 * Repeats the check of a task that must be the same as before, and have the same
 * credentials.
 */
static bool task_diag_may_still_read(const struct task_diag_held *held,
				     const struct cred *cred)
{
	/* As in task_diag_put_task() */
	smp_rmb();
	return rcu_access_pointer(held->t.task->real_cred) == cred &&
	       task_diag_goes_on(held);
}

/*
 * The check after the groups of the task itself, which takes the mm if @rows that
 * come from it follow. Exec installs the new mm before the new credentials, hence
 * the lock. The dump must not wait for it, as the task may sleep in exec as
 * long as it likes: *@mm_err is -EAGAIN if the lock is taken.
 */
static bool task_diag_check_after(struct task_diag_held *held, u64 rows,
				  const struct cred *cred, int *mm_err)
{
	struct rw_semaphore *lock = &held->t.task->signal->exec_update_lock;
	const bool locked = rows && down_read_trylock(lock);
	const bool same = task_diag_may_still_read(held, cred);

	*mm_err = -EAGAIN;
	if (locked && same) {
		/* Not mm_access(): it skips the check for the requester's own mm. */
		held->t.mm = get_task_mm(held->t.task);
		*mm_err = held->mm && held->mm != held->t.mm ? -ESRCH : 0;
	}
	if (locked)
		up_read(lock);
	return same;
}

/* Appends the value of the whole process, next to that of its leader. */
static int task_diag_put_process(struct sk_buff *skb, struct task_diag_task *t,
				 const struct task_diag_group *group)
{
	struct task_struct *task = t->task;
	struct nlattr *nest;
	int err;

	if (skb_tailroom(skb) < NLA_HDRLEN + TASK_DIAG_SPARE)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, TASK_DIAG_PROCESS);
	t->per_thread = false;
	/* Otherwise it is the leader; no reference is held on another. */
	if (t->group_dead)
		t->task = task->group_leader;
	err = group->fill(skb, t);
	t->task = task;
	t->per_thread = true;
	if (err == -ENODATA) {
		nla_nest_cancel(skb, nest);
		return 0;
	}
	if (err && err != -EMSGSIZE)
		err = task_diag_put_error(skb, group->attr, err);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

/**
 * task_diag_put_group() - append a group of a task
 * @skb: the message
 * @t: the task
 * @group: the group
 *
 * Return: 0 if the group is complete, or -EMSGSIZE or -EINPROGRESS.
 */
int task_diag_put_group(struct sk_buff *skb, struct task_diag_task *t,
			const struct task_diag_group *group)
{
	const unsigned int before = skb->len;
	int err;

	if (group->phase == TASK_DIAG_PHASE_MM && !t->mm)
		return 0;
	err = group->fill(skb, t);
	if (!err && group->per_process && t->with_process) {
		err = task_diag_put_process(skb, t, group);
		if (err)
			skb_trim(skb, before);
	}
	if (!err || err == -EMSGSIZE || err == -EINPROGRESS)
		return err;
	if (err == -ENODATA)
		return 0;
	return task_diag_put_error(skb, group->attr, err);
}

static void task_diag_next_group(struct task_diag_held *held)
{
	held->left &= held->left - 1;
	held->t.pos = 0;
	held->t.names = 0;
	task_diag_forget(&held->t);
}

/* Appends the groups of @rows that are left, as far as they fit. */
static void task_diag_put_rows(struct sk_buff *skb, struct task_diag_held *held,
			       u64 rows)
{
	const struct task_diag_group *group;
	int err;

	for (; held->left & rows; task_diag_next_group(held)) {
		group = &task_diag_groups[__ffs64(held->left)];
		err = task_diag_put_group(skb, &held->t, group);
		if (err == -EMSGSIZE && !held->t.at_once && task_diag_is_empty(skb)) {
			/* What does not fit an empty skb of a dump will never fit. */
			WARN_ONCE(1, "task_diag: group %s does not fit\n", group->name);
			err = task_diag_put_error(skb, group->attr, err);
		}
		if (err)
			return;
	}
}

/* Appends an error for each group that is left, as far as they fit. */
static void task_diag_put_errors(struct sk_buff *skb,
				 struct task_diag_held *held, int error)
{
	const struct task_diag_group *group;

	for (; held->left; task_diag_next_group(held)) {
		group = &task_diag_groups[__ffs64(held->left)];
		if (task_diag_put_error(skb, group->attr, error))
			return;
	}
}

/* Why task_diag_may_still_read() failed: perhaps it may be read again. */
static int task_diag_why_not(const struct task_diag_held *held)
{
	return task_diag_goes_on(held) ? -EAGAIN : -ESRCH;
}

/*
 * Appends the groups that are left, as far as they fit. Those that come from the
 * task itself are replaced by errors if the check after them fails.
 */
static void task_diag_put_groups(struct sk_buff *skb,
				 struct task_diag_held *held,
				 const struct task_diag_query *query,
				 const struct cred *cred)
{
	const unsigned int before = skb->len;
	const u64 left = held->left;
	struct mm_struct *mm = NULL;
	int mm_err;

	/* Keeps the mmput() that fillers do from being the last one. */
	if (left & query->own_mm_rows)
		mm = get_task_mm(held->t.task);
	task_diag_put_rows(skb, held, ~query->mm_rows);
	if (mm)
		mmput_async(mm);

	if (!task_diag_check_after(held, left & query->mm_rows, cred, &mm_err)) {
		skb_trim(skb, before);
		held->left = left;
		task_diag_forget(&held->t);
		task_diag_put_errors(skb, held, task_diag_why_not(held));
	} else if (!(held->left & ~query->mm_rows)) {
		if (mm_err)
			task_diag_put_errors(skb, held, mm_err);
		else
			task_diag_put_rows(skb, held, query->mm_rows);
	}

	if (!held->t.mm)
		return;
	if (held->left && !held->mm) {
		mmgrab(held->t.mm);
		held->mm = held->t.mm;
	}
	/* This may be the last user, and exit_mmap() may take long. */
	mmput_async(held->t.mm);
	held->t.mm = NULL;
}

/* Ends the message at @start. If groups are left, another one follows. */
static enum task_diag_walk_result
task_diag_end_message(struct sk_buff *skb, struct task_diag_held *held,
		      unsigned int start)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(skb->data + start);

	if (held->left)
		nla_put_flag(skb, TASK_DIAG_MORE);
	else
		task_diag_drop_task(held);
	nlh->nlmsg_len = skb->len - start;
	return held->left ? TASK_DIAG_WALK_FULL : TASK_DIAG_WALK_CONTINUE;
}

/*
 * Appends a message that continues with the task that is held. It is the first
 * one of its skb, which has room for it.
 */
static enum task_diag_walk_result
task_diag_put_rest(struct sk_buff *skb, struct task_diag_dump *dump)
{
	const unsigned int len = offsetof(struct task_diag_msg, base_attr);
	struct task_diag_held *held = &dump->held;
	const struct cred *cred;
	struct task_diag_msg *msg;

	msg = __skb_put(skb, len);
	memcpy(msg, &dump->query.template, offsetof(struct task_diag_msg, pid));
	msg->pid = held->t.nr;

	/* The requester may have left the one of the message before. */
	held->t.cgroup_ns = current->nsproxy->cgroup_ns;
	cred = get_task_cred(held->t.task);
	if (task_diag_may_still_read(held, cred))
		task_diag_put_groups(skb, held, &dump->query, cred);
	else
		task_diag_put_errors(skb, held, task_diag_why_not(held));
	put_cred(cred);
	return task_diag_end_message(skb, held, 0);
}

/* --- the walk ---------------------------------------------------------- */

/*
 * One step of a walk happens in one RCU section, looks at no more than
 * TASK_DIAG_RCU_BATCH pids, and ends early at a task with groups, which must be
 * filled outside of it.
 */

/* Whether @task is a child or a thread of @kin, as the strategy demands. */
static bool task_diag_is_kin(const struct task_diag_query *query,
			     struct task_struct *task, struct task_struct *kin)
{
	if (query->req.dump_strategy == TASK_DIAG_DUMP_CHILDREN)
		task = rcu_dereference(task->real_parent);
	return same_thread_group(task, kin);
}

/* Looks that process up again. False if it was released or is hidden by now. */
static bool task_diag_find_kin(struct task_diag_run *run,
			       const struct task_diag_cursor *cursor)
{
	run->kin = pid_task(cursor->target, PIDTYPE_TGID);
	return run->kin && task_diag_may_read(run->kin, &run->readable);
}

/* Whether the children of @process may have moved to another parent. */
static bool task_diag_has_ended(const struct task_struct *process)
{
	const struct task_struct *thread;

	/* Pairs with tasklist_lock, under which find_alive_thread() asks the same. */
	smp_rmb();
	for_each_thread(process, thread) {
		if (!(READ_ONCE(thread->flags) & PF_EXITING))
			return false;
	}
	return true;
}

/* Reports the task that has @pid, if there is one and the caller may see it. */
static enum task_diag_walk_result
task_diag_visit(struct task_diag_run *run, struct task_diag_dump *dump,
		struct pid *pid, u32 nr, enum pid_type type)
{
	struct task_struct *task, *released = NULL;
	const struct cred *cred;
	char state;
	int err;

	/*
	 * In an exec another task may take over the pid of the one found. That
	 * happens under an earlier hold of tasklist_lock than the one under
	 * which this one loses it, so the smp_rmb() below makes it visible.
	 */
	do {
		task = pid_task(pid, type);
		if (!task || task == released ||
		    (run->kin && !task_diag_is_kin(&dump->query, task, run->kin)))
			return TASK_DIAG_WALK_CONTINUE;
		/* The check uses these credentials, or newer ones. */
		cred = __task_cred(task);
		if (!task_diag_may_read(task, &run->readable))
			return TASK_DIAG_WALK_CONTINUE;
		/* A task that ends writes exit_state plainly. */
		state = data_race(task_state_to_char(task));
		if (unlikely(dump->query.select.filters) &&
		    !task_diag_selects(&dump->query.select, task, cred, state, run->ns)) {
			/* Perhaps because the task is losing @pid. */
			smp_rmb();
			if (pid_task(pid, type) == task)
				return TASK_DIAG_WALK_CONTINUE;
			err = -ESTALE;
			continue;
		}
		err = task_diag_put_task(run, &dump->query, task, cred, pid, nr,
					 state, run->ns);
		if (!err && unlikely(task_pid(task) != pid)) {
			/* Its state may be from after an exec took @pid away. */
			smp_rmb();
			if (pid_task(pid, type) != task)
				err = -ESTALE;
		}
		if (dump->query.rows && !err)
			err = task_diag_hold_task(run, dump, task, cred, pid, nr);
		if (!err) {
			run->at += dump->query.template.nlh.nlmsg_len;
			return dump->query.rows ? TASK_DIAG_WALK_HELD : TASK_DIAG_WALK_CONTINUE;
		}
		/* As in task_diag_put_task(): now pid_task() finds another. */
		smp_rmb();
		if (!pid_alive(task))
			released = task;
	} while (unlikely(err == -ESTALE));
	return TASK_DIAG_WALK_FULL;
}

/* Whether task_diag_visit_fast() does all that this walk needs for each task */
static bool task_diag_is_fast(const struct task_diag_run *run,
			      const struct task_diag_query *query)
{
	return !query->rows && !query->select.filters && !run->kin &&
	       run->ns == &init_pid_ns;
}

/* task_diag_visit() for BASE or pids alone, unless @pid changes concurrently */
static __always_inline enum task_diag_walk_result
task_diag_visit_fast(struct task_diag_run *run, struct task_diag_dump *dump,
		     struct pid *pid, u32 nr, enum pid_type type)
{
	struct task_struct *task = pid_task(pid, type);
	const struct cred *cred;
	char state;

	if (!task)
		return TASK_DIAG_WALK_CONTINUE;
	cred = __task_cred(task);
	if (!task_diag_may_read(task, &run->readable))
		return TASK_DIAG_WALK_CONTINUE;
	/* As in task_diag_visit() */
	state = data_race(task_state_to_char(task));
	if (unlikely(task_diag_put_task(run, &dump->query, task, cred, pid, nr,
					state, &init_pid_ns) ||
		     task_pid(task) != pid))
		return task_diag_visit(run, dump, pid, nr, type);
	run->at += dump->query.template.nlh.nlmsg_len;
	return TASK_DIAG_WALK_CONTINUE;
}

static enum task_diag_walk_result
task_diag_walk_pids(struct task_diag_run *run, struct task_diag_dump *dump)
{
	struct task_diag_cursor *cursor = &dump->cursor;
	const u64 strategy = dump->query.req.dump_strategy;
	const enum pid_type type = strategy == TASK_DIAG_DUMP_ALL_THREAD ?
				   PIDTYPE_PID : PIDTYPE_TGID;
	const unsigned int level = run->ns->level;
	struct pid *pids[TASK_DIAG_RCU_BATCH] __uninitialized;
	unsigned int budget = ARRAY_SIZE(pids), max, nr_pids, i;
	enum task_diag_walk_result result;
	bool fast;
	u32 nr;

	if (strategy == TASK_DIAG_DUMP_CHILDREN) {
		if (!task_diag_find_kin(run, cursor))
			return TASK_DIAG_WALK_GONE;
		/* The children of a dead process have another parent. */
		if (!cursor->next && READ_ONCE(run->kin->exit_state) &&
		    thread_group_empty(run->kin))
			return TASK_DIAG_WALK_END;
	}

	fast = task_diag_is_fast(run, &dump->query);
	/* A step ends at the first task that has groups to fill. */
	for (max = dump->query.rows ? 1 : budget; budget; max = min(2 * max, budget)) {
		nr_pids = find_ge_pids(&cursor->next, run->ns, pids, max);
		for (i = 0; i < nr_pids; i++) {
			nr = pids[i]->numbers[level].nr;
			/* A dump of many tasks spends most of its time here. */
			result = fast ?
				 task_diag_visit_fast(run, dump, pids[i], nr, type) :
				 task_diag_visit(run, dump, pids[i], nr, type);
			if (result != TASK_DIAG_WALK_CONTINUE) {
				cursor->next = result == TASK_DIAG_WALK_HELD ? nr + 1 : nr;
				return result;
			}
		}
		if (nr_pids < max)
			break;
		budget -= nr_pids;
	}
	if (!budget)
		return TASK_DIAG_WALK_CONTINUE;
	/* Its children may have moved away before the walk reached them. */
	if (run->kin && task_diag_has_ended(run->kin))
		return TASK_DIAG_WALK_GONE;
	return TASK_DIAG_WALK_END;
}

/* Visits the tasks of a list, as far as they still exist. */
static enum task_diag_walk_result
task_diag_walk_list(struct task_diag_run *run, struct task_diag_dump *dump)
{
	struct task_diag_cursor *cursor = &dump->cursor;
	const enum pid_type type = dump->query.req.dump_strategy == TASK_DIAG_DUMP_ALL ?
				   PIDTYPE_TGID : PIDTYPE_PID;
	unsigned int budget = TASK_DIAG_RCU_BATCH;
	enum task_diag_walk_result result;
	struct pid *pid;
	u64 id;
	u32 nr;

	if (cursor->target && cursor->next < cursor->nr_nrs &&
	    !task_diag_find_kin(run, cursor))
		return TASK_DIAG_WALK_GONE;

	for (; cursor->next < cursor->nr_nrs; cursor->next++) {
		if (!budget--)
			return TASK_DIAG_WALK_CONTINUE;
		nr = cursor->nrs[cursor->next];
		id = task_diag_selected_id(&dump->query.select, cursor->next);
		pid = find_pid_ns(nr, run->ns);
		if (!pid || (id && pid->ino != id))
			continue;
		result = task_diag_visit(run, dump, pid, nr, type);
		if (result == TASK_DIAG_WALK_HELD)
			cursor->next++;
		if (result != TASK_DIAG_WALK_CONTINUE)
			return result;
	}
	/* Without the process, none of its threads was found. */
	if (cursor->target && !pid_task(cursor->target, PIDTYPE_TGID))
		return TASK_DIAG_WALK_GONE;
	return TASK_DIAG_WALK_END;
}

static enum task_diag_walk_result
task_diag_walk_cgroup(struct task_diag_run *run, struct task_diag_dump *dump)
{
	struct task_diag_cgroup_walk *walk = dump->query.select.walk;
	const enum pid_type type = dump->query.select.per_thread ? PIDTYPE_PID :
							     PIDTYPE_TGID;
	unsigned int budget = TASK_DIAG_RCU_BATCH;
	enum task_diag_walk_result result;
	struct task_struct *task;
	struct pid *pid;
	u32 nr;

	/* css_task_iter_next() may step over many threads to find a process. */
	while (budget-- && !need_resched()) {
		/* Tasks that leave a cgroup and come back are its last. */
		if (!walk->task) {
			if (!walk->max)
				return TASK_DIAG_WALK_ENDLESS;
			walk->max--;
		}
		task = walk->css ? task_diag_cgroup_task(walk) : NULL;
		if (!task) {
			if (!task_diag_cgroup_next(&dump->query.select))
				return TASK_DIAG_WALK_END;
			continue;
		}
		/* So are new ones. */
		pid = task->start_time > walk->time ||
		      task_diag_leaves_cgroup(&dump->query.select, task) ?
		      NULL : task_pid(task);
		nr = pid_nr_ns(pid, run->ns);
		result = nr ? task_diag_visit(run, dump, pid, nr, type) :
			      TASK_DIAG_WALK_CONTINUE;
		if (result != TASK_DIAG_WALK_FULL)
			walk->task = NULL;
		if (result != TASK_DIAG_WALK_CONTINUE)
			return result;
	}
	return TASK_DIAG_WALK_CONTINUE;
}

static enum task_diag_walk_result
task_diag_walk_one(struct task_diag_run *run, struct task_diag_dump *dump)
{
	struct task_diag_cursor *cursor = &dump->cursor;
	enum task_diag_walk_result result;
	const void *start = run->at;

	if (cursor->next)
		return TASK_DIAG_WALK_END;
	result = task_diag_visit(run, dump, cursor->target,
				 pid_nr_ns(cursor->target, run->ns), PIDTYPE_TGID);
	if (result != TASK_DIAG_WALK_FULL)
		cursor->next = 1;
	if (result == TASK_DIAG_WALK_CONTINUE)
		result = run->at == start ? TASK_DIAG_WALK_GONE : TASK_DIAG_WALK_END;
	return result;
}

static enum task_diag_walk_result
task_diag_walk_tasks(struct task_diag_run *run, struct task_diag_dump *dump)
{
	if (dump->query.req.dump_strategy == TASK_DIAG_DUMP_ONE)
		return task_diag_walk_one(run, dump);
	if (dump->cursor.nrs)
		return task_diag_walk_list(run, dump);
	if (dump->query.select.walk)
		return task_diag_walk_cgroup(run, dump);
	return task_diag_walk_pids(run, dump);
}

/* One step: what is left of the task that is held, or of the walk. */
static enum task_diag_walk_result
task_diag_step(struct sk_buff *skb, struct task_diag_dump *dump)
{
	const unsigned int start = skb->len;
	struct task_diag_run run = {
		.at = skb_tail_pointer(skb),
		.end = skb_end_pointer(skb) - TASK_DIAG_SPARE,
		.ns = task_active_pid_ns(current),
	};
	enum task_diag_walk_result result;

	if (dump->held.t.task)
		return task_diag_put_rest(skb, dump);

	rcu_read_lock();
	result = task_diag_walk_tasks(&run, dump);
	rcu_read_unlock();
	__skb_put(skb, run.at - (void *)skb_tail_pointer(skb));

	if (result != TASK_DIAG_WALK_HELD)
		return result;
	task_diag_put_groups(skb, &dump->held, &dump->query, run.cred);
	put_cred(run.cred);
	return task_diag_end_message(skb, &dump->held, start);
}

/*
 * The thread list cannot be walked in steps: a thread on which a step ended may
 * be released by the next, and its links with it. So list the numbers first,
 * in one RCU section that does no more per thread than thread_group_cputime().
 */
static int task_diag_list_threads(struct task_diag_cursor *cursor)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct task_struct *leader, *task;
	unsigned int max = 64, nr;
	u32 *tids, tid, first;

	for (;; max = nr + nr / 8) {
		tids = kvmalloc_array(max, sizeof(*tids), GFP_KERNEL_ACCOUNT);
		if (!tids)
			return -ENOMEM;

		nr = 0;
		rcu_read_lock();
		leader = pid_task(cursor->target, PIDTYPE_TGID);
		if (leader) {
			for_each_thread(leader, task) {
				tid = task_pid_nr_ns(task, ns);
				/* An exec gives the pid to another thread. */
				if (nr && tid == first)
					continue;
				if (!nr)
					first = tid;
				if (nr < max)
					tids[nr] = tid;
				nr++;
			}
		}
		rcu_read_unlock();

		if (nr <= max)
			break;
		kvfree(tids);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	cursor->tids = tids;
	cursor->nrs = tids;
	cursor->nr_nrs = nr;
	return 0;
}

/* --- the family -------------------------------------------------------- */

/* The pid in the request; NULL if its number belongs to another task by now. */
static struct pid *task_diag_find_pid(const struct task_diag_pid *req)
{
	struct pid *pid = req->pid ? find_vpid(req->pid) : task_tgid(current);

	return pid && req->id && pid->ino != req->id ? NULL : pid;
}

static struct pid *task_diag_get_target(const struct task_diag_pid *req)
{
	enum pid_type type = req->dump_strategy == TASK_DIAG_DUMP_THREAD ?
			     PIDTYPE_PID : PIDTYPE_TGID;
	struct task_struct *task, *readable = NULL;

	guard(rcu)();
	task = pid_task(task_diag_find_pid(req), type);
	if (!task || !task_diag_may_read(task, &readable))
		return NULL;
	return get_pid(task_tgid(task));
}

/* Hidden or missing: the answer must not differ. */
static int task_diag_no_task(struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG(extack, "no such process");
	return -ESRCH;
}

static bool task_diag_has_few_threads(struct pid *target)
{
	struct task_struct *task;

	guard(rcu)();
	task = pid_task(target, PIDTYPE_TGID);
	return !task || get_nr_threads(task) <= TASK_DIAG_FEW_THREADS;
}

/* The errno of a step that ends a datagram, or the dump */
static int task_diag_walk_error(enum task_diag_walk_result result,
				struct netlink_ext_ack *extack)
{
	if (result == TASK_DIAG_WALK_GONE)
		return task_diag_no_task(extack);
	if (result == TASK_DIAG_WALK_ENDLESS) {
		NL_SET_ERR_MSG(extack, "tasks move between cgroups all the time");
		return -EAGAIN;
	}
	return result == TASK_DIAG_WALK_FULL ? -EMSGSIZE : 0;
}

static void task_diag_dump_free(struct task_diag_dump *dump)
{
	task_diag_drop_task(&dump->held);
	kvfree(dump->cursor.tids);
	task_diag_free_select(&dump->query.select);
	put_pid(dump->cursor.target);
	put_cred(dump->query.cred);
	kfree(dump);
}

static int task_diag_start(struct netlink_callback *cb)
{
	const struct genl_dumpit_info *info = genl_dumpit_info(cb);
	struct task_diag_dump *dump;
	int err;

	cb->no_tap = true;
	err = task_diag_check_requester(cb->skb, cb->extack);
	if (err)
		return err;

	/*
	 * Not charged: at the limit of a memory cgroup, a charge would reclaim
	 * memory under genetlink's locks.
	 */
	dump = kzalloc_obj(*dump, GFP_KERNEL);
	if (!dump)
		return -ENOMEM;
	dump->query.cred = get_current_cred();

	err = task_diag_parse(&dump->query, info->info.attrs, cb->extack);
	if (err)
		goto free;
	err = task_diag_start_select(&dump->query.select,
				     dump->query.req.dump_strategy);
	if (err)
		goto free;

	task_diag_plan(&dump->query);
	dump->cursor.nrs = dump->query.select.pids;
	dump->cursor.nr_nrs = dump->query.select.nr_pids;
	switch (dump->query.req.dump_strategy) {
	case TASK_DIAG_DUMP_ONE:
	case TASK_DIAG_DUMP_CHILDREN:
	case TASK_DIAG_DUMP_THREAD:
		dump->cursor.target = task_diag_get_target(&dump->query.req);
		if (!dump->cursor.target) {
			err = task_diag_no_task(cb->extack);
			goto free;
		}
	}

	task_diag_init_template(&dump->query, TASK_DIAG_CMD_GET,
				NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, NLM_F_MULTI);
	*task_diag_ctx(cb) = dump;
	return 0;

free:
	task_diag_dump_free(dump);
	return err;
}

/*
 * A datagram without a task, since netlink takes an empty one for the end of
 * the dump. Only at the start of the dump and between two tasks.
 */
static int task_diag_put_progress(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	return task_diag_put_header(skb, NETLINK_CB(cb->skb).portid,
				    cb->nlh->nlmsg_seq, NLM_F_MULTI) ?: skb->len;
}

static int task_diag_put_tasks(struct sk_buff *skb, struct netlink_callback *cb,
			       struct task_diag_dump *dump)
{
	enum task_diag_walk_result result;
	bool idle = false;
	unsigned int len;
	int err;

	if (!task_diag_same_requester(dump->query.cred)) {
		NL_SET_ERR_MSG(cb->extack, "dump was started with other credentials");
		return -EPERM;
	}
	dump->held.t.until = jiffies + TASK_DIAG_STEP_TIME;

	/*
	 * The first call runs within sendmsg() and genetlink's locks, which
	 * stop other families: it must not walk.
	 */
	if (!dump->header_sent) {
		dump->header_sent = true;
		return task_diag_put_progress(skb, cb);
	}

	if (dump->query.req.dump_strategy == TASK_DIAG_DUMP_THREAD && !dump->cursor.tids) {
		err = task_diag_list_threads(&dump->cursor);
		if (err)
			return err;
	}

	/* Groups other than BASE may take long; so may many hidden tasks. */
	for (;;) {
		if (time_after(jiffies, dump->held.t.until) &&
		    (idle || (dump->query.rows && skb->len)))
			return skb->len ?: task_diag_put_progress(skb, cb);
		len = skb->len;
		result = task_diag_step(skb, dump);
		idle = skb->len == len;
		if (result != TASK_DIAG_WALK_CONTINUE) {
			err = task_diag_walk_error(result, cb->extack);
			/* Only an empty datagram has room for any text. */
			return err && skb->len ? -EMSGSIZE : err;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static int task_diag_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct task_diag_dump *dump = *task_diag_ctx(cb);
	int err;

	err = task_diag_put_tasks(skb, cb, dump);
	kfree(dump->held.t.buf);
	dump->held.t.buf = NULL;
	return err;
}

static int task_diag_done(struct netlink_callback *cb)
{
	task_diag_dump_free(*task_diag_ctx(cb));
	return 0;
}

static int task_diag_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct task_diag_dump dump = {
		.query.cred = current_cred(),
		.held.t.at_once = true,
	};
	enum task_diag_walk_result result;
	struct sk_buff *reply;
	int err;

	/* One datagram may hold thousands of requests. */
	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	err = task_diag_check_requester(skb, info->extack);
	if (err)
		return err;
	err = task_diag_parse(&dump.query, info->attrs, info->extack);
	if (err)
		goto free;
	err = -EINVAL;
	if (dump.query.req.dump_strategy != TASK_DIAG_DUMP_ONE) {
		NL_SET_ERR_MSG(info->extack,
			       "dump_strategy needs NLM_F_DUMP");
		goto free;
	}
	/* This runs under genetlink's locks, like the start of a dump. */
	task_diag_plan(&dump.query);
	if (dump.query.costs & BIT(TASK_DIAG_COST_MANY)) {
		NL_SET_ERR_MSG(info->extack,
			       "mappings and open files may take long to read: ask with NLM_F_DUMP");
		goto free;
	}

	dump.cursor.target = task_diag_get_target(&dump.query.req);
	if (!dump.cursor.target) {
		err = task_diag_no_task(info->extack);
		goto free;
	}

	err = -EMSGSIZE;
	if (dump.query.costs & BIT(TASK_DIAG_COST_THREADS) &&
	    !task_diag_has_few_threads(dump.cursor.target)) {
		NL_SET_ERR_MSG(info->extack,
			       "process has many threads: ask with NLM_F_DUMP");
		goto free;
	}

	err = -ENOMEM;
	reply = task_diag_new_reply();
	if (!reply)
		goto free;

	task_diag_init_template(&dump.query, TASK_DIAG_CMD_GET, info->snd_portid,
				info->snd_seq, 0);
	result = task_diag_step(reply, &dump);
	task_diag_drop_task(&dump.held);
	err = task_diag_walk_error(result, info->extack);
	if (!err) {
		err = genlmsg_reply(reply, info);
		goto free;
	}
	nlmsg_free(reply);
	if (err == -EMSGSIZE)
		NL_SET_ERR_MSG(info->extack,
			       "task does not fit in one message: ask with NLM_F_DUMP");
free:
	kfree(dump.held.t.buf);
	put_pid(dump.cursor.target);
	task_diag_free_select(&dump.query.select);
	return err;
}

static int task_diag_header_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	int err;

	err = task_diag_check_requester(skb, info->extack);
	if (err)
		return err;

	reply = task_diag_new_reply();
	if (!reply)
		return -ENOMEM;
	err = task_diag_put_header(reply, info->snd_portid, info->snd_seq, 0);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return genlmsg_reply(reply, info);
}

/* NLA_BINARY accepts any length: the parsers give more precise errors. */
static const struct nla_policy task_diag_policy[] = {
	[TASK_DIAG_REQUEST] = { .type = NLA_BINARY },
	[TASK_DIAG_SELECT_PIDS] = { .type = NLA_BINARY },
	[TASK_DIAG_SELECT_IDS] = { .type = NLA_BINARY },
	[TASK_DIAG_SELECT_CGROUP] = { .type = NLA_U64 },
	[TASK_DIAG_SELECT_CGROUP_FD] = { .type = NLA_U32 },
	[TASK_DIAG_SELECT_DESCENDANTS] = { .type = NLA_FLAG },
	[TASK_DIAG_SELECT_UID] = { .type = NLA_U32 },
	[TASK_DIAG_SELECT_EUID] = { .type = NLA_U32 },
	[TASK_DIAG_SELECT_SID] = { .type = NLA_U32 },
	[TASK_DIAG_SELECT_TTY] = { .type = NLA_U32 },
	[TASK_DIAG_SELECT_STATES] = { .type = NLA_NUL_STRING, .len = 16 },
	[TASK_DIAG_SELECT_KTHREADS] = NLA_POLICY_MAX(NLA_U32, 1),
	[TASK_DIAG_EVENTS] = { .type = NLA_U32 },
};

static const struct nla_policy task_diag_header_policy[] = {
	[TASK_DIAG_REQUEST] = { .type = NLA_REJECT },
};

static const struct genl_split_ops task_diag_ops[] = {
	{
		.cmd		= TASK_DIAG_CMD_GET,
		.flags		= GENL_CMD_CAP_DO,
		.policy		= task_diag_policy,
		.maxattr	= TASK_DIAG_SELECT_KTHREADS,
		.doit		= task_diag_get_doit,
	},
	{
		.cmd		= TASK_DIAG_CMD_GET,
		.flags		= GENL_CMD_CAP_DUMP,
		.policy		= task_diag_policy,
		.maxattr	= TASK_DIAG_SELECT_KTHREADS,
		.start		= task_diag_start,
		.dumpit		= task_diag_get_dumpit,
		.done		= task_diag_done,
	},
	{
		.cmd		= TASK_DIAG_CMD_HEADER,
		.flags		= GENL_CMD_CAP_DO,
		.policy		= task_diag_header_policy,
		.maxattr	= TASK_DIAG_REQUEST,
		.doit		= task_diag_header_doit,
	},
	{
		.cmd		= TASK_DIAG_CMD_SUBSCRIBE,
		.flags		= GENL_CMD_CAP_DO,
		.policy		= task_diag_policy,
		.maxattr	= TASK_DIAG_EVENTS,
		.doit		= task_diag_subscribe_doit,
	},
};

struct genl_family task_diag_family __ro_after_init = {
	.name		= TASK_DIAG_GENL_NAME,
	.version	= TASK_DIAG_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.split_ops	= task_diag_ops,
	.n_split_ops	= ARRAY_SIZE(task_diag_ops),
	.sock_priv_size	= sizeof(struct task_diag_subscription *),
	.sock_priv_destroy = task_diag_unsubscribe,
};

static struct ctl_table task_diag_sysctls[] = {
	{
		.procname	= "task_diag",
		.data		= &sysctl_task_diag,
		.maxlen		= sizeof(sysctl_task_diag),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_TWO,
	},
};

static int __init task_diag_init(void)
{
	register_sysctl_init("kernel", task_diag_sysctls);
	return genl_register_family(&task_diag_family);
}
late_initcall(task_diag_init);
