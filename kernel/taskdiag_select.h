/* SPDX-License-Identifier: GPL-2.0 */
/* task_diag: the TASK_DIAG_SELECT_* of a request */
#ifndef _KERNEL_TASKDIAG_SELECT_H
#define _KERNEL_TASKDIAG_SELECT_H

#include <linux/cgroup.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct cred;
struct netlink_ext_ack;
struct nlattr;
struct pid_namespace;
struct task_struct;

/**
 * struct task_diag_cgroup_walk - a walk over the tasks of a cgroup
 * @css: the cgroup whose tasks are walked now, with a reference held, or NULL
 *	at the end
 * @it: position among its tasks
 * @task: the next task, if it was fetched; @it holds a reference
 * @time: when the walk began, as in task_struct.start_time
 * @max: how many more tasks and cgroups it may meet
 */
struct task_diag_cgroup_walk {
	struct cgroup_subsys_state	*css;
#ifdef CONFIG_CGROUPS
	struct css_task_iter		it;
#endif
	struct task_struct		*task;
	u64				time;
	unsigned int			max;
};

/**
 * struct task_diag_select - which tasks a request chooses
 * @by: the attributes of the request, as bits from TASK_DIAG_SELECT_PIDS on
 * @filters: those of @by that task_diag_selects() checks
 * @pids: TASK_DIAG_SELECT_PIDS, in the request
 * @ids: TASK_DIAG_SELECT_IDS, in the request, or NULL
 * @nr_pids: number of @pids
 * @per_thread: select threads, not processes
 * @dead: tasks that end are still in their cgroup
 * @kthreads: TASK_DIAG_SELECT_KTHREADS
 * @cgroup: TASK_DIAG_SELECT_CGROUP or _CGROUP_FD; holds a reference
 * @uid: TASK_DIAG_SELECT_UID
 * @euid: TASK_DIAG_SELECT_EUID
 * @sid: TASK_DIAG_SELECT_SID
 * @tty: TASK_DIAG_SELECT_TTY
 * @states: TASK_DIAG_SELECT_STATES, see task_diag_state_bit()
 * @walk: the walk over @cgroup, if that is where the tasks come from
 */
struct task_diag_select {
	u32				by;
	u32				filters;
	const u32			*pids;
	const void			*ids;
	unsigned int			nr_pids;
	bool				per_thread;
	bool				dead;
	bool				kthreads;
	struct cgroup			*cgroup;
	kuid_t				uid;
	kuid_t				euid;
	u32				sid;
	u32				tty;
	u64				states;
	struct task_diag_cgroup_walk	*walk;
};

int task_diag_parse_select(struct task_diag_select *select,
			   struct nlattr **attrs, u64 strategy,
			   struct netlink_ext_ack *extack);
int task_diag_start_select(struct task_diag_select *select, u64 strategy);
void task_diag_free_select(struct task_diag_select *select);

u64 task_diag_selected_id(const struct task_diag_select *select, unsigned int i);
bool task_diag_selects(const struct task_diag_select *select,
		       struct task_struct *task, const struct cred *cred,
		       char state, struct pid_namespace *ns);

#ifdef CONFIG_CGROUPS
struct task_struct *task_diag_cgroup_task(struct task_diag_cgroup_walk *walk);
bool task_diag_cgroup_next(struct task_diag_select *select);
bool task_diag_leaves_cgroup(const struct task_diag_select *select,
			     const struct task_struct *task);
#else
static inline struct task_struct *task_diag_cgroup_task(struct task_diag_cgroup_walk *walk)
{
	return NULL;
}

static inline bool task_diag_cgroup_next(struct task_diag_select *select)
{
	return false;
}

static inline bool task_diag_leaves_cgroup(const struct task_diag_select *select,
					   const struct task_struct *task)
{
	return false;
}
#endif

#endif /* _KERNEL_TASKDIAG_SELECT_H */
