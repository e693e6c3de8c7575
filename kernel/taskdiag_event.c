// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: subscriptions to what happens to tasks
 *
 * A task reports itself, or its new child, in its own context at that moment:
 * what the event reports still exists, and no lock is held. It is as if the
 * subscriber had sent a request: the same check decides whether it may see the
 * task, with its credentials, and the same functions fill in the groups, with
 * numbers of its namespaces. No task fails because of a subscriber, or waits for
 * it to read: an event that cannot be sent is counted.
 *
 * A task looks up only subscriptions that may see it. A subscriber with
 * CAP_SYS_PTRACE in its user namespace sees all tasks in it and below; any
 * other sees tasks of its own user, and those in user namespaces that it owns.
 * So the subscriptions of unprivileged users cost nobody but themselves.
 */
#include <linux/bsearch.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/filter.h>
#include <linux/fs_struct.h>
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/jump_label_ratelimit.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/srcu.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include "taskdiag.h"

/* user.max_task_diag_subscriptions, unless it is set */
#define TASK_DIAG_SUBSCRIPTIONS_MAX	1024

/*
 * Room for most events, and for the largest. Events that share a datagram take
 * no more than the first.
 */
#define TASK_DIAG_EVENT_SIZE		NLMSG_DEFAULT_SIZE
#define TASK_DIAG_EVENT_SIZE_MAX	SKB_WITH_OVERHEAD(32768)

/*
 * One attempt to reclaim memory, no OOM killer and no reserves: the task should
 * not have to pay for a subscriber.
 */
#define TASK_DIAG_EVENT_GFP		(GFP_KERNEL | __GFP_NOWARN |		\
					 __GFP_NORETRY | __GFP_NOMEMALLOC)

DEFINE_STATIC_KEY_DEFERRED_FALSE(task_diag_subscribed, HZ);

/* Changed under the lock, read under SRCU. */
static DEFINE_HASHTABLE(task_diag_audiences, 8);
static DEFINE_MUTEX(task_diag_subscribe_lock);
DEFINE_STATIC_SRCU(task_diag_srcu);

/* Subscriptions of sockets that were closed */
static LLIST_HEAD(task_diag_closed);

/**
 * struct task_diag_audience - the subscriptions that see the same tasks
 * @node: in task_diag_audiences
 * @ns: user namespace of the subscribers; held by their credentials
 * @uid: their user, or INVALID_UID if they have CAP_SYS_PTRACE there
 * @subscriptions: the subscriptions
 */
struct task_diag_audience {
	struct hlist_node	node;
	struct user_namespace	*ns;
	kuid_t			uid;
	struct hlist_head	subscriptions;
};

/* An element of TASK_DIAG_SELECT_PIDS with that of TASK_DIAG_SELECT_IDS */
struct task_diag_pid_id {
	u32	nr;
	u64	id;
};

/**
 * struct task_diag_occasion - what happens to a task
 * @event: the part that is the same for all subscribers
 * @task: the task; for a process its leader
 * @process: subscribers to events of processes get it
 * @thread: subscribers to events of threads get it
 * @group_dead: the last thread of the process ends
 */
struct task_diag_occasion {
	struct task_diag_event	event;
	struct task_struct	*task;
	bool			process;
	bool			thread;
	bool			group_dead;
};

/* --- what can be asked for ---------------------------------------------- */

static bool task_diag_in_events(const struct task_diag_group *group)
{
	return !group->missing && !group->no_event &&
	       group->cost != TASK_DIAG_COST_MANY;
}

/**
 * task_diag_event_groups() - the groups that events can have
 *
 * Return: a mask of TASK_DIAG_SHOW_*.
 */
u64 task_diag_event_groups(void)
{
	unsigned int i;
	u64 mask = 0;

	for (i = 0; i < task_diag_nr_groups; i++) {
		if (task_diag_in_events(&task_diag_groups[i]))
			mask |= BIT_ULL(task_diag_groups[i].attr);
	}
	return mask;
}

/**
 * task_diag_event_types() - the events that can be subscribed to
 *
 * Return: a mask of BIT(&enum task_diag_event_type).
 */
u32 task_diag_event_types(void)
{
	return GENMASK(TASK_DIAG_EVENT_MAX, TASK_DIAG_EVENT_FORK);
}

/* --- who may see what ---------------------------------------------------- */

/* NULL if the subscribing thread ended or has other credentials. Under RCU. */
static struct task_struct *
task_diag_subscriber(const struct task_diag_subscription *sub)
{
	struct task_struct *task = pid_task(sub->thread, PIDTYPE_PID);

	if (!task || READ_ONCE(task->flags) & PF_EXITING ||
	    rcu_access_pointer(task->real_cred) != sub->query.cred)
		return NULL;
	return task;
}

static bool task_diag_is_over(const struct task_diag_subscription *sub)
{
	guard(rcu)();
	return !task_diag_subscriber(sub);
}

/*
 * task_diag_may_read() for @subscriber, with whose credentials current acts.
 * Under RCU.
 */
static bool task_diag_may_be_sent(struct task_struct *subscriber,
				  struct task_struct *task)
{
	const unsigned int mode = TASK_DIAG_PTRACE_MODE | PTRACE_MODE_NOSELF;
	struct task_struct *leader = READ_ONCE(task->group_leader);

	if (same_thread_group(subscriber, task))
		return true;
	return ptrace_may_access(task, mode) &&
	       (leader == task || ptrace_may_access(leader, mode));
}

/* --- one message ---------------------------------------------------------- */

static int task_diag_compare_pids(const void *a, const void *b)
{
	const struct task_diag_pid_id *one = a, *other = b;

	if (one->nr != other->nr)
		return one->nr < other->nr ? -1 : 1;
	return one->id < other->id ? -1 : one->id > other->id;
}

static bool task_diag_has_pid(const struct task_diag_subscription *sub, u32 nr,
			      u64 id)
{
	const struct task_diag_pid_id key = { .nr = nr, .id = id };

	return bsearch(&key, sub->pids, sub->query.select.nr_pids, sizeof(key),
		       task_diag_compare_pids);
}

/*
 * Whether the task is in the subscriber's pid namespace and among its pids: what
 * can be seen before anything is spent on the event.
 */
static bool task_diag_is_selected(const struct task_diag_subscription *sub,
				  struct task_struct *task)
{
	struct pid *pid;
	u32 nr;

	guard(rcu)();
	pid = task_pid(task);
	nr = pid_nr_ns(pid, ns_of_pid(sub->thread));
	return nr && (!sub->pids || task_diag_has_pid(sub, nr, pid->ino) ||
		      task_diag_has_pid(sub, nr, 0));
}

static int task_diag_put_event(struct sk_buff *skb,
			       const struct task_diag_event *event)
{
	void *payload = task_diag_reserve(skb, TASK_DIAG_EVENT, sizeof(*event));

	if (!payload)
		return -EMSGSIZE;
	memcpy(payload, event, sizeof(*event));
	return 0;
}

/* Completes the event for @sub. @task has @pid, unless it was released since. */
static void task_diag_fill_event(struct task_diag_event *event,
				 const struct task_diag_subscription *sub,
				 struct task_struct *subscriber,
				 struct task_struct *task, const struct pid *pid,
				 struct pid_namespace *ns)
{
	struct task_struct *parent;
	struct pid *ppid;

	/* A parent that ends has no pid any more, and the task another parent. */
	do {
		parent = rcu_dereference(task->real_parent);
		ppid = task_tgid(parent);
	} while (!ppid && pid_alive(task));

	event->time += sub->boottime;
	event->id = pid->ino;
	event->tgid = task_tgid_nr_ns(task, ns);
	event->exit_signal = task->exit_signal;
	event->ppid = pid_nr_ns(ppid, ns);
	event->parent_id = event->ppid &&
			   task_diag_may_be_sent(subscriber, parent) ? ppid->ino : 0;
}

/*
 * The mm of an event's task. For current's process it is that of current, as
 * the leader may have ended. A kernel thread may borrow the mm of another task.
 */
static struct mm_struct *task_diag_event_mm(struct task_struct *task)
{
	if (same_thread_group(current, task))
		task = current;
	return task->flags & PF_KTHREAD ? NULL : task->mm;
}

/* If the leader ended, the mm is current's: check current, too. Under RCU. */
static bool task_diag_may_be_sent_mm(struct task_struct *subscriber,
				     struct task_struct *task)
{
	return current == task || !same_thread_group(current, task) ||
	       task_diag_may_be_sent(subscriber, current);
}

/*
 * Appends the message without its groups, sets up @t for these, and sets *@cred
 * to the credentials with which the task was checked. Returns -ENOENT if there
 * is nothing to report, and -EPERM if the subscription is over. Under RCU.
 */
static int task_diag_begin_event(struct sk_buff *skb,
				 const struct task_diag_subscription *sub,
				 const struct task_diag_occasion *occasion,
				 u64 lost, struct task_diag_task *t,
				 const struct cred **cred)
{
	const struct task_diag_select *select = &sub->query.select;
	struct pid_namespace *ns = ns_of_pid(sub->thread);
	struct task_diag_event event = occasion->event;
	struct task_struct *task = occasion->task;
	struct pid *pid = task_pid(task);
	const u32 nr = pid_nr_ns(pid, ns);
	struct task_struct *subscriber;
	int err;

	if (!nr)
		return -ENOENT;
	subscriber = task_diag_subscriber(sub);
	if (!subscriber)
		return -EPERM;
	do {
		*cred = __task_cred(task);
		if (!task_diag_is_allowed(ns) ||
		    !task_diag_may_be_sent(subscriber, task) ||
		    (select->filters &&
		     !task_diag_selects(select, task, *cred,
					task_state_to_char(task), ns)))
			return -ENOENT;
		err = task_diag_put_first(skb, &sub->query, task, *cred, pid, nr,
					  ns);
		if (err == -ESTALE && !pid_alive(task))
			return -ENOENT;
	} while (err == -ESTALE);
	if (err)
		return err;

	event.lost = lost;
	task_diag_fill_event(&event, sub, subscriber, task, pid, ns);
	*t = (struct task_diag_task) {
		.task = task,
		.nr = nr,
		.per_thread = task_diag_per_thread(&sub->query),
		.with_process = sub->query.req.flags & TASK_DIAG_WITH_PROCESS &&
				(event.type == TASK_DIAG_EVENT_EXIT ?
				 occasion->group_dead : thread_group_leader(task)),
		.at_once = true,
		.mm = task_diag_event_mm(task),
		.pid_ns = ns,
		.user_ns = sub->query.cred->user_ns,
		.cgroup_ns = sub->cgroup_ns,
		.boottime = sub->boottime,
		.root = &sub->root,
		.gfp = TASK_DIAG_EVENT_GFP,
		.group_dead = occasion->group_dead,
		.flags = sub->query.req.flags,
		.buf = t->buf,
	};
	if (t->mm && !task_diag_may_be_sent_mm(subscriber, task))
		t->mm = NULL;
	return task_diag_put_event(skb, &event);
}

/* Whether the subscriber may have what was read of the task. */
static bool task_diag_may_still_be_sent(const struct task_diag_subscription *sub,
					const struct task_diag_task *t)
{
	struct task_struct *subscriber;

	guard(rcu)();
	subscriber = task_diag_subscriber(sub);
	return subscriber && task_diag_may_be_sent(subscriber, t->task) &&
	       (!t->mm || task_diag_may_be_sent_mm(subscriber, t->task));
}

/*
 * ns_capable() in a check sets PF_SUPERPRIV on current, which used no privilege of
 * its own. @used is the flag that current had before.
 */
static void task_diag_unmark(unsigned int used)
{
	if (!used)
		current->flags &= ~PF_SUPERPRIV;
}

/*
 * Appends the groups of the task. If @longest, the message cannot grow: a group
 * that does not fit, or leaves no room for the errors of those after it,
 * becomes an error.
 */
static int task_diag_put_event_groups(struct sk_buff *skb,
				      const struct task_diag_query *query,
				      struct task_diag_task *t, bool longest,
				      unsigned int used)
{
	const bool many = (!t->per_thread || t->with_process) && !t->group_dead &&
			  get_nr_threads(t->task) > TASK_DIAG_FEW_THREADS;
	const struct task_diag_group *group;
	unsigned int before;
	u64 rows;
	int err;

	for (rows = query->rows; rows; rows &= rows - 1) {
		group = &task_diag_groups[__ffs64(rows)];
		before = skb->len;
		t->pos = 0;
		t->names = 0;
		task_diag_unmark(used);
		if (many && group->cost == TASK_DIAG_COST_THREADS)
			err = task_diag_put_error(skb, group->attr, -EAGAIN);
		else
			err = task_diag_put_group(skb, t, group);
		if (longest && (err || skb_tailroom(skb) < hweight64(rows) *
				nla_total_size(sizeof(struct task_diag_error)))) {
			skb_trim(skb, before);
			err = task_diag_put_error(skb, group->attr, -E2BIG);
		}
		if (err)
			return -EMSGSIZE;
	}
	return 0;
}

static struct sk_buff *task_diag_make_event(const struct task_diag_subscription *sub,
					    const struct task_diag_occasion *occasion,
					    u64 lost, unsigned int size)
{
	const unsigned int used = current->flags & PF_SUPERPRIV;
	struct task_struct *task = occasion->task;
	struct task_diag_task t = { .task = task };
	const struct cred *cred;
	struct sk_buff *skb;
	int err;

	skb = alloc_skb(size, TASK_DIAG_EVENT_GFP);
	if (!skb) {
		err = task_diag_may_still_be_sent(sub, &t) ? -ENOMEM : -ENOENT;
		task_diag_unmark(used);
		return ERR_PTR(err);
	}
	rcu_read_lock();
	err = task_diag_begin_event(skb, sub, occasion, lost, &t, &cred);
	if (!err && !get_cred_rcu(cred))
		err = -ENOBUFS;
	rcu_read_unlock();
	if (!err) {
		err = task_diag_put_event_groups(skb, &sub->query, &t,
						 size == TASK_DIAG_EVENT_SIZE_MAX,
						 used);
		/* As in task_diag_put_task(). Another thread's may change. */
		smp_rmb();
		if (!err && rcu_access_pointer(task->real_cred) != cred)
			err = -ENOBUFS;
		put_cred(cred);
	}
	if (!err && sub->query.rows && !task_diag_may_still_be_sent(sub, &t))
		err = -ENOENT;
	task_diag_unmark(used);
	kfree(t.buf);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	nlmsg_hdr(skb)->nlmsg_len = skb->len;
	NETLINK_CB(skb).flags |= NETLINK_SKB_NO_TAP;
	return skb;
}

/* --- the socket ----------------------------------------------------------- */

/* Whether @skb, in the queue of a socket, has events of task_diag. */
static bool task_diag_has_events(const struct sk_buff *skb)
{
	const struct genlmsghdr *genl = nlmsg_data(nlmsg_hdr(skb));

	return !NETLINK_CB(skb).portid &&
	       nlmsg_hdr(skb)->nlmsg_type == task_diag_family.id &&
	       genl->cmd == TASK_DIAG_CMD_EVENT;
}

/*
 * Appends the message to the last datagram in the socket's queue, if it has
 * room: so the receive buffer holds many more events. Not to the first one, as
 * a reader may have asked for its length with MSG_PEEK.
 */
static bool task_diag_append(struct sock *sk, const struct sk_buff *skb)
{
	struct sk_buff_head *queue = &sk->sk_receive_queue;
	struct sk_buff *last;
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&queue->lock, flags);
	last = skb_peek_tail(queue);
	fits = last && last != skb_peek(queue) && task_diag_has_events(last) &&
	       skb_tailroom(last) >= skb->len &&
	       last->len + skb->len <= TASK_DIAG_EVENT_SIZE;
	if (fits)
		skb_put_data(last, skb->data, skb->len);
	spin_unlock_irqrestore(&queue->lock, flags);
	return fits;
}

static int task_diag_send_event(const struct task_diag_subscription *sub,
				struct sk_buff *skb)
{
	struct sock *sk = sub->sock;
	long timeout = 0;
	int err;

	/*
	 * Not netlink_unicast(): it would trim the room for more events, and look
	 * the socket up by a number that is another one's once @sk is closed.
	 */
	skb_reset_network_header(skb);
	skb_reset_mac_header(skb);
	if (sk_filter(sk, skb)) {
		kfree_skb(skb);
		return -ENOENT;
	}
	if (!rcu_access_pointer(sk->sk_filter) && task_diag_append(sk, skb)) {
		consume_skb(skb);
		return 0;
	}
	sock_hold(sk);
	err = netlink_attachskb(sk, skb, &timeout, NULL);
	return err ?: netlink_sendskb(sk, skb);
}

static void task_diag_set_error(struct sock *sk, int error)
{
	WRITE_ONCE(sk->sk_err, error);
	sk_error_report(sk);
}

static void task_diag_end(struct task_diag_subscription *sub)
{
	if (!atomic_xchg(&sub->ended, 1))
		task_diag_set_error(sub->sock, EPERM);
}

/* Reports to one subscriber, with whose credentials current acts. */
static void task_diag_emit_one(struct task_diag_subscription *sub,
			       const struct task_diag_occasion *occasion)
{
	const u64 lost = atomic64_xchg(&sub->lost, 0);
	unsigned int size = TASK_DIAG_EVENT_SIZE;
	struct sk_buff *skb;
	int err;

	for (;;) {
		skb = task_diag_make_event(sub, occasion, lost, size);
		err = PTR_ERR_OR_ZERO(skb);
		if (err != -EMSGSIZE || size == TASK_DIAG_EVENT_SIZE_MAX)
			break;
		size = min(2 * size, TASK_DIAG_EVENT_SIZE_MAX);
	}
	if (!err)
		err = task_diag_send_event(sub, skb);
	if (err >= 0)
		return;
	if (err == -ENOENT) {
		atomic64_add(lost, &sub->lost);
		return;
	}
	atomic64_add(lost + 1, &sub->lost);
	if (err == -EPERM) {
		task_diag_end(sub);
		return;
	}
	/* After -EAGAIN, netlink itself has set this. */
	if (err != -EAGAIN)
		task_diag_set_error(sub->sock, ENOBUFS);
	/* The socket has one error: that must not replace the last one. */
	if (atomic_read(&sub->ended))
		task_diag_set_error(sub->sock, EPERM);
}

static void task_diag_emit_as(struct task_diag_subscription *sub,
			      const struct task_diag_occasion *occasion)
{
	const struct cred *old = override_creds(sub->query.cred);

	task_diag_emit_one(sub, occasion);
	revert_creds(old);
}

/* --- the subscribers ------------------------------------------------------- */

static struct hlist_head *task_diag_bucket(const struct user_namespace *ns,
					   kuid_t uid)
{
	const unsigned long key = (unsigned long)ns + __kuid_val(uid);

	return &task_diag_audiences[hash_long(key, HASH_BITS(task_diag_audiences))];
}

static struct task_diag_audience *task_diag_find_audience(struct user_namespace *ns,
							  kuid_t uid)
{
	struct task_diag_audience *audience;

	hlist_for_each_entry_srcu(audience, task_diag_bucket(ns, uid), node,
				  srcu_read_lock_held(&task_diag_srcu) ||
				  lockdep_is_held(&task_diag_subscribe_lock)) {
		if (audience->ns == ns && uid_eq(audience->uid, uid))
			return audience;
	}
	return NULL;
}

/* Whether a thread of the process of @task subscribed. */
static bool task_diag_is_own(const struct task_diag_subscription *sub,
			     struct task_struct *task)
{
	struct task_struct *subscriber;

	guard(rcu)();
	subscriber = pid_task(sub->thread, PIDTYPE_PID);
	return subscriber && same_thread_group(subscriber, task);
}

/* Reports to those with this user, or if @own is set to the task's process only. */
static void task_diag_emit_audience(struct user_namespace *ns, kuid_t uid,
				    const struct task_diag_occasion *occasion,
				    bool own)
{
	struct task_diag_audience *audience = task_diag_find_audience(ns, uid);
	struct task_diag_subscription *sub;

	if (!audience)
		return;
	hlist_for_each_entry_srcu(sub, &audience->subscriptions, node,
				  srcu_read_lock_held(&task_diag_srcu)) {
		if (sub->events & BIT(occasion->event.type) &&
		    (task_diag_per_thread(&sub->query) ? occasion->thread :
							 occasion->process) &&
		    !atomic_read(&sub->ended) &&
		    (!own || task_diag_is_own(sub, occasion->task)) &&
		    task_diag_is_selected(sub, occasion->task))
			task_diag_emit_as(sub, occasion);
	}
}

/*
 * Ends the subscriptions that current made with @cred, which it no longer has,
 * or with which it ends. Now, as no later event may come that would wake their
 * readers.
 */
static void task_diag_end_with(const struct cred *cred)
{
	const kuid_t uids[] = { INVALID_UID, cred->euid };
	struct task_diag_audience *audience;
	struct task_diag_subscription *sub;
	unsigned int i;
	int idx;

	idx = srcu_read_lock(&task_diag_srcu);
	for (i = 0; i < ARRAY_SIZE(uids); i++) {
		audience = task_diag_find_audience(cred->user_ns, uids[i]);
		if (!audience)
			continue;
		hlist_for_each_entry_srcu(sub, &audience->subscriptions, node,
					  srcu_read_lock_held(&task_diag_srcu)) {
			/* Threads share credentials. */
			if (sub->query.cred == cred && task_diag_is_over(sub))
				task_diag_end(sub);
		}
	}
	srcu_read_unlock(&task_diag_srcu, idx);
}

/*
 * A subscriber that sees the task without the capability has its user, or owns
 * a user namespace that the task is in. One with the capability has it in one
 * of these, or further out. See __ptrace_may_access() and cap_capable().
 */
static void task_diag_emit(const struct task_diag_occasion *occasion)
{
	const struct cred *cred = get_task_cred(occasion->task);
	struct user_namespace *ns;
	kuid_t uid = cred->uid;
	int idx;

	idx = srcu_read_lock(&task_diag_srcu);
	/* A subscriber sees its own process, although its uid may be another. */
	if (!uid_eq(cred->euid, uid))
		task_diag_emit_audience(cred->user_ns, cred->euid, occasion, true);
	for (ns = cred->user_ns; ns; ns = ns->parent) {
		task_diag_emit_audience(ns, INVALID_UID, occasion, false);
		task_diag_emit_audience(ns, uid, occasion, false);
		uid = ns->owner;
	}
	srcu_read_unlock(&task_diag_srcu, idx);
	put_cred(cred);
}

/* Reports @task as a thread and, if it is a leader, as a process. */
static void task_diag_emit_of(u32 type, struct task_struct *task, u64 old_id)
{
	task_diag_emit(&(struct task_diag_occasion) {
		.event.type = type,
		.event.time = ktime_get_boottime_ns(),
		.event.old_id = old_id,
		.task = task,
		.process = thread_group_leader(task),
		.thread = true,
	});
}

void __task_diag_fork(struct task_struct *task)
{
	task_diag_emit_of(TASK_DIAG_EVENT_FORK, task, 0);
}

void __task_diag_exec(u64 old_id)
{
	task_diag_emit_of(TASK_DIAG_EVENT_EXEC, current, old_id);
}

void __task_diag_comm(struct task_struct *task)
{
	task_diag_emit_of(TASK_DIAG_EVENT_COMM, task, 0);
}

static bool task_diag_same_cred(const struct cred *a, const struct cred *b)
{
	return uid_eq(a->uid, b->uid) && uid_eq(a->euid, b->euid) &&
	       uid_eq(a->suid, b->suid) && uid_eq(a->fsuid, b->fsuid) &&
	       gid_eq(a->gid, b->gid) && gid_eq(a->egid, b->egid) &&
	       gid_eq(a->sgid, b->sgid) && gid_eq(a->fsgid, b->fsgid) &&
	       a->group_info == b->group_info && a->user_ns == b->user_ns &&
	       a->cap_inheritable.val == b->cap_inheritable.val &&
	       a->cap_permitted.val == b->cap_permitted.val &&
	       a->cap_effective.val == b->cap_effective.val &&
	       a->cap_bset.val == b->cap_bset.val &&
	       a->cap_ambient.val == b->cap_ambient.val;
}

void __task_diag_creds(const struct cred *old)
{
	task_diag_end_with(old);
	if (!current->in_execve && !task_diag_same_cred(old, current_cred()))
		task_diag_emit_of(TASK_DIAG_EVENT_CRED, current, 0);
}

/* As in wait_task_zombie() */
static int task_diag_process_exit_code(const struct task_struct *leader)
{
	const struct signal_struct *sig = leader->signal;

	return sig->flags & SIGNAL_GROUP_EXIT ? sig->group_exit_code :
						leader->exit_code;
}

void __task_diag_exit(struct task_struct *task, bool group_dead)
{
	struct task_struct *leader = task->group_leader;
	struct task_diag_occasion occasion = {
		.event.type = TASK_DIAG_EVENT_EXIT,
		.event.time = ktime_get_boottime_ns(),
		.event.flags = group_dead ? TASK_DIAG_EVENT_LAST : 0,
		.event.exit_code = group_dead && leader == task ?
				   task_diag_process_exit_code(leader) :
				   task->exit_code,
		.task = task,
		.process = group_dead && leader == task,
		.thread = true,
		.group_dead = group_dead,
	};

	task_diag_end_with(current_real_cred());
	task_diag_emit(&occasion);
	if (!group_dead || leader == task)
		return;
	occasion.event.exit_code = task_diag_process_exit_code(leader);
	occasion.task = leader;
	occasion.process = true;
	occasion.thread = false;
	task_diag_emit(&occasion);
}

/* --- subscribing ----------------------------------------------------------- */

static int task_diag_check_events(const struct task_diag_query *query,
				  struct nlattr **attrs,
				  struct netlink_ext_ack *extack)
{
	const struct nlattr *request = attrs[TASK_DIAG_REQUEST];
	const struct nlattr *events = attrs[TASK_DIAG_EVENTS];
	const u64 strategy = query->req.dump_strategy;
	const struct task_diag_group *group;
	unsigned int i;
	u32 mask;

	if (!events) {
		NL_SET_ERR_ATTR_MISS(extack, NULL, TASK_DIAG_EVENTS);
		NL_SET_ERR_MSG(extack, "TASK_DIAG_EVENTS is missing");
		return -EINVAL;
	}
	mask = nla_get_u32(events);
	if (!mask || mask & ~task_diag_event_types()) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, events,
					"TASK_DIAG_EVENTS 0x%x: must be bits of 0x%x",
					mask, task_diag_event_types());
		return -EINVAL;
	}
	if (strategy != TASK_DIAG_DUMP_ALL &&
	    strategy != TASK_DIAG_DUMP_ALL_THREAD) {
		NL_SET_ERR_MSG_ATTR(extack, request,
				    "events need TASK_DIAG_DUMP_ALL or TASK_DIAG_DUMP_ALL_THREAD");
		return -EINVAL;
	}
	for (i = 0; i < task_diag_nr_groups; i++) {
		group = &task_diag_groups[i];
		if (!(query->req.show_flags & BIT_ULL(group->attr)) ||
		    task_diag_in_events(group))
			continue;
		NL_SET_ERR_MSG_ATTR_FMT(extack, request,
					"group %s is not available in events",
					group->name);
		return -EOPNOTSUPP;
	}
	if (query->costs & BIT(TASK_DIAG_COST_MANY)) {
		NL_SET_ERR_MSG_ATTR(extack, request,
				    "TASK_DIAG_FD_KINDS is not available in events");
		return -EOPNOTSUPP;
	}
	if (attrs[TASK_DIAG_SELECT_STATES]) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[TASK_DIAG_SELECT_STATES],
				    "TASK_DIAG_SELECT_STATES is not available in events");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Copies the pids, as the request is freed. */
static int task_diag_copy_pids(struct task_diag_subscription *sub)
{
	struct task_diag_select *select = &sub->query.select;
	unsigned int i;

	if (!select->pids)
		return 0;
	sub->pids = kcalloc(select->nr_pids, sizeof(*sub->pids), GFP_KERNEL);
	if (!sub->pids)
		return -ENOMEM;
	for (i = 0; i < select->nr_pids; i++) {
		sub->pids[i].nr = select->pids[i];
		sub->pids[i].id = task_diag_selected_id(select, i);
	}
	select->pids = NULL;
	select->ids = NULL;
	sort(sub->pids, select->nr_pids, sizeof(*sub->pids),
	     task_diag_compare_pids, NULL);
	return 0;
}

/* The user whose tasks the subscriber may see, see task_diag_emit() */
static int task_diag_audience_uid(kuid_t *uid, const struct cred *cred,
				  struct netlink_ext_ack *extack)
{
	*uid = INVALID_UID;
	if (ns_capable_noaudit(cred->user_ns, CAP_SYS_PTRACE))
		return 0;
	*uid = cred->euid;
	if (uid_eq(cred->euid, cred->fsuid))
		return 0;
	NL_SET_ERR_MSG(extack, "euid and fsuid differ");
	return -EPERM;
}

static void task_diag_free_subscription(struct task_diag_subscription *sub)
{
	kfree(sub->audience);
	kfree(sub->pids);
	task_diag_free_select(&sub->query.select);
	put_cgroup_ns(sub->cgroup_ns);
	path_put(&sub->root);
	put_pid(sub->thread);
	put_cred(sub->query.cred);
	dec_ucount(sub->ucounts, UCOUNT_TASK_DIAG_SUBSCRIPTIONS);
	sock_put(sub->sock);
	kfree(sub);
}

/*
 * Returns a subscription by current, with an audience of its own, or an error
 * pointer. Generic netlink's locks are held: no memory is charged to a control
 * group, as reclaiming some in it may take long.
 */
static struct task_diag_subscription *
task_diag_new_subscription(const struct task_diag_query *query,
			   struct sk_buff *skb, struct genl_info *info)
{
	const struct cred *cred = query->cred;
	struct task_diag_subscription *sub;
	struct ucounts *ucounts;
	kuid_t uid;
	int err;

	err = task_diag_audience_uid(&uid, cred, info->extack);
	if (err)
		return ERR_PTR(err);
	ucounts = inc_ucount(cred->user_ns, cred->euid,
			     UCOUNT_TASK_DIAG_SUBSCRIPTIONS);
	if (!ucounts) {
		NL_SET_ERR_MSG(info->extack,
			       "more subscriptions than user.max_task_diag_subscriptions");
		return ERR_PTR(-EUSERS);
	}
	sub = kzalloc_obj(*sub, GFP_KERNEL);
	if (!sub)
		goto dec_ucount;
	sub->audience = kzalloc_obj(*sub->audience, GFP_KERNEL);
	if (!sub->audience)
		goto free;
	sub->audience->ns = cred->user_ns;
	sub->audience->uid = uid;
	sub->query = *query;
	if (task_diag_copy_pids(sub))
		goto free;
	sub->ucounts = ucounts;
	sub->events = nla_get_u32(info->attrs[TASK_DIAG_EVENTS]);
	sub->boottime = timens_add_boottime_ns(0);
	task_diag_init_template(&sub->query, TASK_DIAG_CMD_EVENT,
				info->snd_portid, info->snd_seq, 0);

	sub->sock = NETLINK_CB(skb).sk;
	sock_hold(sub->sock);
	sub->thread = get_pid(task_pid(current));
	get_cred(cred);
	get_fs_root(current->fs, &sub->root);
	sub->cgroup_ns = current->nsproxy->cgroup_ns;
	get_cgroup_ns(sub->cgroup_ns);
	return sub;
free:
	kfree(sub->audience);
	kfree(sub);
dec_ucount:
	dec_ucount(ucounts, UCOUNT_TASK_DIAG_SUBSCRIPTIONS);
	return ERR_PTR(-ENOMEM);
}

/* Puts the subscription where events find it. Under the lock. */
static void task_diag_publish(struct task_diag_subscription *sub)
{
	struct task_diag_audience *own = sub->audience, *audience;

	audience = task_diag_find_audience(own->ns, own->uid);
	if (audience) {
		sub->audience = audience;
		kfree(own);
	} else {
		hlist_add_head_rcu(&own->node, task_diag_bucket(own->ns, own->uid));
	}
	hlist_add_head_rcu(&sub->node, &sub->audience->subscriptions);
	static_branch_inc(&task_diag_subscribed.key);
}

/**
 * task_diag_subscribe_doit() - handle TASK_DIAG_CMD_SUBSCRIBE
 * @skb: the request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int task_diag_subscribe_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct task_diag_query query = { .cred = current_cred() };
	struct task_diag_subscription *sub, **slot;
	bool taken;
	int err;

	err = task_diag_check_requester(skb, info->extack);
	if (err)
		return err;
	err = task_diag_parse(&query, info->attrs, info->extack);
	if (err)
		goto free;
	task_diag_plan(&query);
	err = task_diag_check_events(&query, info->attrs, info->extack);
	if (err)
		goto free;
	query.select.dead = true;

	slot = genl_sk_priv_get(&task_diag_family, NETLINK_CB(skb).sk);
	err = PTR_ERR_OR_ZERO(slot);
	if (err)
		goto free;
	sub = task_diag_new_subscription(&query, skb, info);
	err = PTR_ERR_OR_ZERO(sub);
	if (err)
		goto free;

	mutex_lock(&task_diag_subscribe_lock);
	taken = *slot;
	if (!taken) {
		*slot = sub;
		task_diag_publish(sub);
	}
	mutex_unlock(&task_diag_subscribe_lock);
	if (!taken)
		return 0;
	NL_SET_ERR_MSG(info->extack, "socket already has a subscription");
	task_diag_free_subscription(sub);
	return -EBUSY;
free:
	task_diag_free_select(&query.select);
	return err;
}

/* An event may be under way to a socket that was closed. */
static void task_diag_free_closed(struct work_struct *work)
{
	struct llist_node *closed = llist_del_all(&task_diag_closed);
	struct task_diag_subscription *sub, *next;

	synchronize_srcu_expedited(&task_diag_srcu);
	llist_for_each_entry_safe(sub, next, closed, closed)
		task_diag_free_subscription(sub);
}

static DECLARE_WORK(task_diag_free_work, task_diag_free_closed);

/**
 * task_diag_unsubscribe() - end the subscription of a socket
 * @priv: the private memory of a socket that is being closed: a pointer to its
 *	struct task_diag_subscription, or NULL
 *
 * Waits for no event, because generic netlink's locks are held.
 */
void task_diag_unsubscribe(void *priv)
{
	struct task_diag_subscription *sub = *(struct task_diag_subscription **)priv;

	if (!sub)
		return;
	mutex_lock(&task_diag_subscribe_lock);
	hlist_del_rcu(&sub->node);
	/* The last one takes the audience with it. */
	if (hlist_empty(&sub->audience->subscriptions))
		hash_del_rcu(&sub->audience->node);
	else
		sub->audience = NULL;
	mutex_unlock(&task_diag_subscribe_lock);
	static_branch_slow_dec_deferred(&task_diag_subscribed);

	if (llist_add(&sub->closed, &task_diag_closed))
		schedule_work(&task_diag_free_work);
}

static int __init task_diag_event_init(void)
{
	init_user_ns.ucount_max[UCOUNT_TASK_DIAG_SUBSCRIPTIONS] =
		TASK_DIAG_SUBSCRIPTIONS_MAX;
	return 0;
}
late_initcall(task_diag_event_init);
