/* SPDX-License-Identifier: GPL-2.0 */
/*
 * task_diag: interface between the core, which walks and checks permissions
 * (kernel/taskdiag.c), and the groups' fillers (fs/proc/task_diag_*.c)
 */
#ifndef _LINUX_TASK_DIAG_H
#define _LINUX_TASK_DIAG_H

#include <linux/jump_label_ratelimit.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <uapi/linux/task_diag.h>

struct cgroup;
struct cgroup_namespace;
struct cred;
struct mm_struct;
struct path;
struct pid_namespace;
struct sk_buff;
struct task_struct;
struct user_namespace;

/**
 * struct task_diag_value - a value that may be longer than a message
 * @head: struct in front of each part, or NULL
 * @head_len: its length
 * @off_at: offset in @head of the u32 that says where in @data a part belongs
 * @data: the value
 * @len: its length
 */
struct task_diag_value {
	void			*head;
	unsigned int		head_len;
	unsigned int		off_at;
	const void		*data;
	unsigned int		len;
};

/**
 * struct task_diag_task - the task whose groups are being filled
 * @task: the task; a reference is held
 * @nr: its pid in @pid_ns
 * @per_thread: give values of the thread, not of its whole process
 * @with_process: it is a leader, and the request asks for its process's values
 *	too
 * @at_once: neither wait for a lock that is taken nor continue in another
 *	message: this is a plain request, under genetlink's locks, or an event
 * @mm: its memory, or NULL; held by mmget() while a filler runs
 * @pid_ns: the requester's pid namespace
 * @user_ns: the requester's user namespace
 * @cgroup_ns: the requester's cgroup namespace
 * @boottime: offset of the requester's time namespace to CLOCK_BOOTTIME
 * @root: the requester's root directory, or NULL if that is current's
 * @group_dead: the task is the last thread of its process and is exiting
 * @flags: &enum task_diag_flag of the request
 * @until: when the message is to end, in jiffies
 * @gfp: how a filler allocates memory
 * @pos: where a group that comes in parts continues; 0 at its start, afterwards
 *	for the filler's own use
 * @names: bytes of names that were reported for such a group
 * @vmas: how many more mappings such a group may walk over
 * @kept: a value that is being reported in parts, if @kept.data is set: a copy,
 *	because its source may change
 * @part: how much of @kept was reported
 * @buf: for task_diag_buf(); freed at the end of the datagram
 */
struct task_diag_task {
	struct task_struct	*task;
	u32			nr;
	bool			per_thread;
	bool			with_process;
	bool			at_once;
	struct mm_struct	*mm;
	struct pid_namespace	*pid_ns;
	struct user_namespace	*user_ns;
	struct cgroup_namespace	*cgroup_ns;
	u64			boottime;
	const struct path	*root;
	bool			group_dead;
	u32			flags;
	unsigned long		until;
	gfp_t			gfp;
	u64			pos;
	u32			names;
	u32			vmas;
	struct task_diag_value	kept;
	u32			part;
	char			*buf;
};

/**
 * enum task_diag_phase - the conditions under which a filler runs
 * @TASK_DIAG_PHASE_RCU: in the RCU section of the walk: BASE, which the core
 *	fills by itself
 * @TASK_DIAG_PHASE_EXEC: between two permission checks; if an exec or new
 *	credentials came in between, the core discards what was filled
 * @TASK_DIAG_PHASE_MM: after that, with an mm that belongs to what was checked;
 *	not called for a task without an mm. The filler must not use anything of
 *	the task that an exec of a privileged program would change.
 */
enum task_diag_phase {
	TASK_DIAG_PHASE_RCU,
	TASK_DIAG_PHASE_EXEC,
	TASK_DIAG_PHASE_MM,
};

/**
 * enum task_diag_cost - what the time of a filler is proportional to
 * @TASK_DIAG_COST_CONST: nothing, or it has a small limit
 * @TASK_DIAG_COST_THREADS: the threads of the process. A plain request, which
 *	runs under genetlink's locks, gets the group only for few threads.
 * @TASK_DIAG_COST_MANY: mappings, pages or open files. Only a dump gets the
 *	group.
 */
enum task_diag_cost {
	TASK_DIAG_COST_CONST,
	TASK_DIAG_COST_THREADS,
	TASK_DIAG_COST_MANY,
};

/**
 * struct task_diag_group - a group of properties
 * @name: name, as in TASK_DIAG_<name>
 * @attr: attribute number
 * @phase: conditions under which @fill runs
 * @cost: what the time of @fill is proportional to
 * @flags: &enum task_diag_flag that apply to @fill; with any of them the group
 *	costs %TASK_DIAG_COST_MANY
 * @per_process: the value of a process differs from that of its leader
 * @uses_mm: @fill takes the task's mm by itself and releases it
 * @no_event: no event has the group: it may take long, or a security module
 *	makes no check if the task is current, as it is in an event
 * @missing: the option that the group needs and this kernel was built without,
 *	or NULL
 * @fill: appends the group's attributes with task_diag_reserve(). It must not
 *	wait for anything that another user may delay. Returns 0 if the group is
 *	complete; -EMSGSIZE if the rest, from @pos on, needs another message;
 *	-EINPROGRESS if it does because the time is up; -ENODATA if the group
 *	does not apply to this task; another negative errno if it could not be
 *	read, which the requester gets as TASK_DIAG_ERROR
 */
struct task_diag_group {
	const char		*name;
	u16			attr;
	enum task_diag_phase	phase;
	enum task_diag_cost	cost;
	u32			flags;
	bool			per_process;
	bool			uses_mm;
	bool			no_event;
	const char		*missing;
	int (*fill)(struct sk_buff *skb, struct task_diag_task *t);
};

/* In the order of the phases, and no more than 64 */
extern const struct task_diag_group task_diag_groups[];
extern const unsigned int task_diag_nr_groups;

unsigned int task_diag_room(const struct sk_buff *skb);
void *task_diag_reserve(struct sk_buff *skb, u16 attr, unsigned int len);
void task_diag_shorten(struct sk_buff *skb, unsigned int start, unsigned int len);
bool task_diag_is_empty(const struct sk_buff *skb);
void task_diag_forget(struct task_diag_task *t);
struct cgroup *task_diag_cgroup_of(struct task_struct *task);

#ifdef CONFIG_TASK_DIAG
extern struct static_key_false_deferred task_diag_subscribed;

void __task_diag_fork(struct task_struct *task);
void __task_diag_exec(u64 old_id);
void __task_diag_exit(struct task_struct *task, bool group_dead);
void __task_diag_comm(struct task_struct *task);
void __task_diag_creds(const struct cred *old);

/**
 * task_diag_fork() - report a new task to subscribers
 * @task: the task, which has not run yet
 *
 * May sleep to allocate memory, like the following functions.
 */
static inline void task_diag_fork(struct task_struct *task)
{
	if (static_branch_unlikely(&task_diag_subscribed.key))
		__task_diag_fork(task);
}

/**
 * task_diag_exec() - report to subscribers that current began another program
 * @old_id: identity that current had before, see struct task_diag_base
 */
static inline void task_diag_exec(u64 old_id)
{
	if (static_branch_unlikely(&task_diag_subscribed.key))
		__task_diag_exec(old_id);
}

/**
 * task_diag_exec_failed() - report to subscribers that current became the
 *	leader
 * @old_id: identity that current had before, see struct task_diag_base
 *
 * A thread takes the leader's place before the last step of exec that can fail;
 * a failure there ends the process. For subscribers this is an exec.
 */
static inline void task_diag_exec_failed(u64 old_id)
{
	if (task_pid(current)->ino != old_id)
		task_diag_exec(old_id);
}

/**
 * task_diag_exit() - report to subscribers that current ends
 * @task: current, with its exit code, its mm, its files and its namespaces
 * @group_dead: its process ends with it
 */
static inline void task_diag_exit(struct task_struct *task, bool group_dead)
{
	if (static_branch_unlikely(&task_diag_subscribed.key))
		__task_diag_exit(task, group_dead);
}

/**
 * task_diag_comm() - report a new name to subscribers
 * @task: a thread of current's process
 */
static inline void task_diag_comm(struct task_struct *task)
{
	if (static_branch_unlikely(&task_diag_subscribed.key))
		__task_diag_comm(task);
}

/**
 * task_diag_creds() - report current's new credentials to subscribers
 * @old: those that it had before
 */
static inline void task_diag_creds(const struct cred *old)
{
	if (static_branch_unlikely(&task_diag_subscribed.key))
		__task_diag_creds(old);
}
#else
static inline void task_diag_fork(struct task_struct *task) { }
static inline void task_diag_exec(u64 old_id) { }
static inline void task_diag_exec_failed(u64 old_id) { }
static inline void task_diag_exit(struct task_struct *task, bool group_dead) { }
static inline void task_diag_comm(struct task_struct *task) { }
static inline void task_diag_creds(const struct cred *old) { }
#endif /* CONFIG_TASK_DIAG */

#endif /* _LINUX_TASK_DIAG_H */
