// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: which tasks a request chooses
 *
 * The selections come after the check whether the requester may see a task, so
 * they disclose nothing of hidden tasks.
 */
#include <linux/bits.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kdev_t.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <linux/tty.h>
#include <linux/unaligned.h>
#include <linux/user_namespace.h>
#include <net/netlink.h>
#include "taskdiag_select.h"

#define BY(what)	BIT(TASK_DIAG_SELECT_##what - TASK_DIAG_SELECT_PIDS)
#define BY_CGROUP	(BY(CGROUP) | BY(CGROUP_FD))
#define BY_LAST		TASK_DIAG_SELECT_KTHREADS

/* --- the request ------------------------------------------------------- */

/* All states that a task can be in: those of task_index_to_char() */
static const char task_diag_states[] = "RSDTtXZPI";

static u64 task_diag_state_bit(char state)
{
	/* They are letters: 64 to 127. */
	return BIT_ULL(state & 63);
}

static int task_diag_parse_states(struct task_diag_select *select,
				  const struct nlattr *attr,
				  struct netlink_ext_ack *extack)
{
	const char *state;

	for (state = nla_data(attr); *state; state++) {
		if (!strchr(task_diag_states, *state)) {
			NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
						"unknown state 0x%x, must be one of %s",
						(u8)*state, task_diag_states);
			return -EINVAL;
		}
		select->states |= task_diag_state_bit(*state);
	}
	return 0;
}

static int task_diag_parse_pids(struct task_diag_select *select,
				struct nlattr **attrs, u64 strategy,
				struct netlink_ext_ack *extack)
{
	const struct nlattr *pids = attrs[TASK_DIAG_SELECT_PIDS];
	const struct nlattr *ids = attrs[TASK_DIAG_SELECT_IDS];

	if (!pids) {
		if (!ids)
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, ids,
				    "TASK_DIAG_SELECT_IDS needs TASK_DIAG_SELECT_PIDS");
		return -EINVAL;
	}
	if (strategy != TASK_DIAG_DUMP_ALL &&
	    strategy != TASK_DIAG_DUMP_ALL_THREAD) {
		NL_SET_ERR_MSG_ATTR(extack, pids,
				    "TASK_DIAG_SELECT_PIDS needs TASK_DIAG_DUMP_ALL or TASK_DIAG_DUMP_ALL_THREAD");
		return -EINVAL;
	}
	select->nr_pids = nla_len(pids) / sizeof(*select->pids);
	if (nla_len(pids) % sizeof(*select->pids) || !select->nr_pids ||
	    select->nr_pids > TASK_DIAG_PIDS_MAX) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, pids,
					"TASK_DIAG_SELECT_PIDS takes 1 to %d u32, not %d bytes",
					TASK_DIAG_PIDS_MAX, nla_len(pids));
		return -EINVAL;
	}
	if (ids && nla_len(ids) != select->nr_pids * sizeof(u64)) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, ids,
					"TASK_DIAG_SELECT_IDS takes a u64 for each of %u pids, not %d bytes",
					select->nr_pids, nla_len(ids));
		return -EINVAL;
	}
	select->pids = nla_data(pids);
	select->ids = ids ? nla_data(ids) : NULL;
	return 0;
}

static u32 task_diag_u32(const struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static int task_diag_parse_uid(kuid_t *uid, const struct nlattr *attr,
			       struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	*uid = make_kuid(current_user_ns(), nla_get_u32(attr));
	if (uid_valid(*uid))
		return 0;
	NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
				"user %u is not mapped in the user namespace",
				nla_get_u32(attr));
	return -EINVAL;
}

/**
 * task_diag_selected_id() - the id that one of the pids must have
 * @select: with @select->pids
 * @i: index of the pid
 *
 * Return: the id, or 0 for any.
 */
u64 task_diag_selected_id(const struct task_diag_select *select, unsigned int i)
{
	return select->ids ? get_unaligned((const u64 *)select->ids + i) : 0;
}

#ifdef CONFIG_CGROUPS
static int task_diag_parse_cgroup(struct task_diag_select *select,
				  struct nlattr **attrs,
				  struct netlink_ext_ack *extack)
{
	const struct nlattr *id = attrs[TASK_DIAG_SELECT_CGROUP];
	const struct nlattr *fd = attrs[TASK_DIAG_SELECT_CGROUP_FD];
	struct cgroup *cgroup;

	if (id && fd) {
		NL_SET_ERR_MSG_ATTR(extack, fd,
				    "TASK_DIAG_SELECT_CGROUP and _CGROUP_FD exclude each other");
		return -EINVAL;
	}
	if (!id && !fd) {
		if (!attrs[TASK_DIAG_SELECT_DESCENDANTS])
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, attrs[TASK_DIAG_SELECT_DESCENDANTS],
				    "TASK_DIAG_SELECT_DESCENDANTS needs a cgroup");
		return -EINVAL;
	}
	cgroup = id ? cgroup_get_from_id(nla_get_u64(id)) :
		      cgroup_get_from_fd(nla_get_u32(fd));
	if (IS_ERR(cgroup)) {
		NL_SET_ERR_MSG_ATTR(extack, id ?: fd, "no such cgroup");
		return PTR_ERR(cgroup);
	}
	select->cgroup = cgroup;
	return 0;
}

/**
 * task_diag_leaves_cgroup() - ask if a task no longer counts as in its cgroup
 * @select: the selection
 * @task: the task. Under RCU.
 *
 * As cgroup.procs, cgroup.threads: no dead tasks but leaders of living ones.
 *
 * Return: whether those files leave it out.
 */
bool task_diag_leaves_cgroup(const struct task_diag_select *select,
			     const struct task_struct *task)
{
	return select->per_thread ? READ_ONCE(task->flags) & PF_EXITING :
				    !atomic_read(&task->signal->live);
}

static bool task_diag_in_cgroup(const struct task_diag_select *select,
				struct task_struct *task)
{
	struct cgroup *cgroup;

	if (!select->dead && task_diag_leaves_cgroup(select, task))
		return false;
	cgroup = task_diag_cgroup_of(task);
	if (!cgroup)
		return false;
	return select->by & BY(DESCENDANTS) ?
	       cgroup_is_descendant(cgroup, select->cgroup) :
	       cgroup == select->cgroup;
}

static void task_diag_enter_cgroup(struct task_diag_select *select,
				   struct cgroup_subsys_state *css)
{
	select->walk->css = css;
	css_task_iter_start(css, select->per_thread ? 0 : CSS_TASK_ITER_PROCS,
			    &select->walk->it);
}

static void task_diag_leave_cgroup(struct task_diag_cgroup_walk *walk)
{
	css_task_iter_end(&walk->it);
	css_put(walk->css);
	walk->css = NULL;
	walk->task = NULL;
}

static int task_diag_start_cgroup(struct task_diag_select *select)
{
	/* The cgroup has a link to it, so it must not move. */
	select->walk = kzalloc_obj(*select->walk, GFP_KERNEL);
	if (!select->walk)
		return -ENOMEM;
	select->walk->time = ktime_get_ns();
	select->walk->max = 2 * (READ_ONCE(nr_threads) +
				 READ_ONCE(select->cgroup->nr_descendants)) + 1024;
	css_get(&select->cgroup->self);
	task_diag_enter_cgroup(select, &select->cgroup->self);
	return 0;
}

/**
 * task_diag_cgroup_task() - the task that a walk over a cgroup is at
 * @walk: the walk; clear @walk->task to advance to the next one
 *
 * Return: the task, of which the walk holds a reference, or NULL if the cgroup
 * has no more of them.
 */
struct task_struct *task_diag_cgroup_task(struct task_diag_cgroup_walk *walk)
{
	if (!walk->task)
		walk->task = css_task_iter_next(&walk->it);
	return walk->task;
}

/**
 * task_diag_cgroup_next() - advance to the next cgroup
 * @select: with @select->walk. Under RCU.
 *
 * Return: false if there is none.
 */
bool task_diag_cgroup_next(struct task_diag_select *select)
{
	struct task_diag_cgroup_walk *walk = select->walk;
	struct cgroup_subsys_state *next = NULL;

	if (!walk->css)
		return false;
	if (select->by & BY(DESCENDANTS)) {
		next = walk->css;
		do {
			next = css_next_descendant_pre(next, &select->cgroup->self);
		} while (next && !css_tryget(next));
	}
	task_diag_leave_cgroup(walk);
	if (next)
		task_diag_enter_cgroup(select, next);
	return next;
}

static void task_diag_free_cgroup(struct task_diag_select *select)
{
	if (select->walk && select->walk->css)
		task_diag_leave_cgroup(select->walk);
	kfree(select->walk);
	if (select->cgroup)
		cgroup_put(select->cgroup);
}
#else
static int task_diag_parse_cgroup(struct task_diag_select *select,
				  struct nlattr **attrs,
				  struct netlink_ext_ack *extack)
{
	if (!(select->by & (BY_CGROUP | BY(DESCENDANTS))))
		return 0;
	NL_SET_ERR_MSG(extack,
		       "cgroups: this kernel was built without CONFIG_CGROUPS");
	return -EOPNOTSUPP;
}

static bool task_diag_in_cgroup(const struct task_diag_select *select,
				struct task_struct *task)
{
	return false;
}

static int task_diag_start_cgroup(struct task_diag_select *select)
{
	return 0;
}

static void task_diag_free_cgroup(struct task_diag_select *select)
{
}
#endif /* CONFIG_CGROUPS */

/**
 * task_diag_parse_select() - read the selections from a request
 * @select: where to store them, all zero
 * @attrs: attributes of the request, to be kept until task_diag_free_select(),
 *	which the caller must call after an error, too
 * @strategy: &enum task_diag_dump_strategy of the request
 * @extack: where to report an error
 *
 * Return: 0 or a negative errno.
 */
int task_diag_parse_select(struct task_diag_select *select,
			   struct nlattr **attrs, u64 strategy,
			   struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = NULL;
	unsigned int i;
	int err;

	for (i = TASK_DIAG_SELECT_PIDS; i <= BY_LAST; i++) {
		if (!attrs[i])
			continue;
		select->by |= BIT(i - TASK_DIAG_SELECT_PIDS);
		attr = attrs[i];
	}
	if (!attr)
		return 0;
	if (strategy == TASK_DIAG_DUMP_ONE) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "TASK_DIAG_SELECT_*: dump_strategy is of one process");
		return -EINVAL;
	}
	select->per_thread = strategy == TASK_DIAG_DUMP_ALL_THREAD ||
			     strategy == TASK_DIAG_DUMP_THREAD;

	err = task_diag_parse_pids(select, attrs, strategy, extack);
	if (err)
		return err;
	err = task_diag_parse_uid(&select->uid, attrs[TASK_DIAG_SELECT_UID],
				  extack);
	if (err)
		return err;
	err = task_diag_parse_uid(&select->euid, attrs[TASK_DIAG_SELECT_EUID],
				  extack);
	if (err)
		return err;
	select->sid = task_diag_u32(attrs[TASK_DIAG_SELECT_SID]);
	select->tty = task_diag_u32(attrs[TASK_DIAG_SELECT_TTY]);
	select->kthreads = task_diag_u32(attrs[TASK_DIAG_SELECT_KTHREADS]);
	if (attrs[TASK_DIAG_SELECT_STATES]) {
		err = task_diag_parse_states(select,
					     attrs[TASK_DIAG_SELECT_STATES],
					     extack);
		if (err)
			return err;
	}
	err = task_diag_parse_cgroup(select, attrs, extack);
	if (err)
		return err;

	select->filters = select->by &
			  ~(BY(PIDS) | BY(IDS) | BY(DESCENDANTS));
	return 0;
}

/**
 * task_diag_start_select() - prepare a dump of the selected tasks
 * @select: the selections
 * @strategy: &enum task_diag_dump_strategy of the request
 *
 * Return: 0 or a negative errno.
 */
int task_diag_start_select(struct task_diag_select *select, u64 strategy)
{
	/* The tasks of a list are looked up, those of a cgroup walked. */
	if (!select->cgroup || select->pids || strategy == TASK_DIAG_DUMP_THREAD ||
	    strategy == TASK_DIAG_DUMP_CHILDREN)
		return 0;
	select->filters &= ~BY_CGROUP;
	return task_diag_start_cgroup(select);
}

/**
 * task_diag_free_select() - release what task_diag_parse_select() took
 * @select: the selections
 */
void task_diag_free_select(struct task_diag_select *select)
{
	task_diag_free_cgroup(select);
}

/* --- the tasks --------------------------------------------------------- */

static u32 task_diag_tty(struct task_struct *task)
{
	unsigned long flags;
	u32 nr = 0;

	if (!lock_task_sighand(task, &flags))
		return 0;
	if (task->signal->tty)
		nr = new_encode_dev(tty_devnum(task->signal->tty));
	unlock_task_sighand(task, &flags);
	return nr;
}

/**
 * task_diag_selects() - whether a task passes all filters of a request
 * @select: the selections, with filters
 * @task: the task, which the requester may see. Under RCU.
 * @cred: its credentials
 * @state: its state, as task_state_to_char() returns it
 * @ns: pid namespace of the requester
 *
 * Return: true if it does.
 */
bool task_diag_selects(const struct task_diag_select *select,
		       struct task_struct *task, const struct cred *cred,
		       char state, struct pid_namespace *ns)
{
	const u32 by = select->filters;

	if (by & BY(UID) && !uid_eq(cred->uid, select->uid))
		return false;
	if (by & BY(EUID) && !uid_eq(cred->euid, select->euid))
		return false;
	if (by & BY(STATES) && !(select->states & task_diag_state_bit(state)))
		return false;
	if (by & BY(KTHREADS) &&
	    !!(READ_ONCE(task->flags) & PF_KTHREAD) != select->kthreads)
		return false;
	if (by & BY(SID) && task_session_nr_ns(task, ns) != select->sid)
		return false;
	if (by & BY_CGROUP && !task_diag_in_cgroup(select, task))
		return false;
	return !(by & BY(TTY)) || task_diag_tty(task) == select->tty;
}
