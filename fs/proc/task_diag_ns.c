// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties that report what a task belongs to:
 * control group, namespaces, a security label
 */
#include <linux/cgroup.h>
#include <linux/init.h>
#include <linux/kdev_t.h>
#include <linux/kernfs.h>
#include <linux/mnt_namespace.h>
#include <linux/nsproxy.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include "task_diag_attrs.h"

#ifdef CONFIG_CGROUPS
static int task_diag_put_cgroup(struct sk_buff *skb, struct task_diag_task *t,
				u64 id, const char *path)
{
	struct task_diag_cgroup info;

	memset(&info, 0, sizeof(info));
	info.id = id;
	info.path_at = sizeof(info);
	info.path_len = strlen(path);
	return task_diag_put_whole(skb, t, TASK_DIAG_CGROUP,
				   &(struct task_diag_value) {
					.head = &info,
					.head_len = sizeof(info),
					.off_at = offsetof(struct task_diag_cgroup, path_off),
					.data = path,
					.len = info.path_len,
				   });
}

/**
 * task_diag_cgroup_of() - the cgroup of a task
 * @task: the task. Under RCU.
 *
 * Return: the cgroup in the default hierarchy, or NULL if cgroup_post_fork() has
 * not put a new task into its cgroup yet.
 */
struct cgroup *task_diag_cgroup_of(struct task_struct *task)
{
	struct cgroup *cgroup = task_dfl_cgroup(task);
	unsigned long flags;
	bool linked;

	if (cgroup != &cgrp_dfl_root.cgrp)
		return cgroup;
	/* A new task, or one that css_set_move_task() is moving, seems to be there. */
	spin_lock_irqsave(&css_set_lock, flags);
	linked = !list_empty(&task->cg_list);
	cgroup = task_dfl_cgroup(task);
	spin_unlock_irqrestore(&css_set_lock, flags);
	if (!linked && cgroup == &cgrp_dfl_root.cgrp &&
	    !(READ_ONCE(task->flags) & PF_EXITING))
		return NULL;
	return cgroup;
}

int task_diag_fill_cgroup(struct sk_buff *skb, struct task_diag_task *t)
{
	struct cgroup *cgroup, *root;
	char *path;
	int err;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, TASK_DIAG_CGROUP);
	path = task_diag_buf(t);
	if (!path)
		return -ENOMEM;

	rcu_read_lock();
	do {
		cgroup = task_diag_cgroup_of(t->task);
	} while (cgroup && !cgroup_tryget(cgroup));
	rcu_read_unlock();
	if (!cgroup)
		return -EAGAIN;

	/*
	 * As cgroup_path_ns(), but without cgroup_mutex, in which the owner of
	 * a cgroup can sleep: the default hierarchy does not need it.
	 */
	root = t->cgroup_ns->root_cset->dfl_cgrp;
	err = kernfs_path_from_node(cgroup->kn, root->kn, path, PATH_MAX);
	if (err == -E2BIG)
		err = -ENAMETOOLONG;
	if (err >= 0) {
		/* A zombie may outlive its cgroup. */
		if (!(cgroup->self.flags & CSS_ONLINE))
			strcat(path, TASK_DIAG_DELETED);
		err = task_diag_put_cgroup(skb, t, cgroup_id(cgroup), path);
	}
	cgroup_put(cgroup);
	return err;
}
#endif

static const struct {
	const struct proc_ns_operations *ops;
	u32 type;
	u32 for_children;
} task_diag_namespaces[] = {
#ifdef CONFIG_NET_NS
	{ &netns_operations, CLONE_NEWNET },
#endif
#ifdef CONFIG_UTS_NS
	{ &utsns_operations, CLONE_NEWUTS },
#endif
#ifdef CONFIG_IPC_NS
	{ &ipcns_operations, CLONE_NEWIPC },
#endif
#ifdef CONFIG_PID_NS
	{ &pidns_operations, CLONE_NEWPID },
	{ &pidns_for_children_operations, CLONE_NEWPID, 1 },
#endif
#ifdef CONFIG_USER_NS
	{ &userns_operations, CLONE_NEWUSER },
#endif
	{ &mntns_operations, CLONE_NEWNS },
#ifdef CONFIG_CGROUPS
	{ &cgroupns_operations, CLONE_NEWCGROUP },
#endif
#ifdef CONFIG_TIME_NS
	{ &timens_operations, CLONE_NEWTIME },
	{ &timens_for_children_operations, CLONE_NEWTIME, 1 },
#endif
};

static dev_t task_diag_nsfs_dev __ro_after_init;

/* The inodes of all namespaces are on one file system: look at one, once. */
static int __init task_diag_ns_init(void)
{
	struct path path;
	int err;

	err = ns_get_path(&path, current, &mntns_operations);
	if (err)
		return err;
	task_diag_nsfs_dev = path.dentry->d_sb->s_dev;
	path_put(&path);
	return 0;
}
late_initcall(task_diag_ns_init);

/* Putting the last reference on a mount namespace unmounts: take none. */
static unsigned int task_diag_mntns_ino(struct task_struct *task)
{
	unsigned int ino = 0;

	task_lock(task);
	if (task->nsproxy)
		ino = from_mnt_ns(task->nsproxy->mnt_ns)->inum;
	task_unlock(task);
	return ino;
}

static unsigned int task_diag_ns_ino(struct task_struct *task,
				     const struct proc_ns_operations *ops)
{
	struct ns_common *ns;
	unsigned int ino;

	if (ops == &mntns_operations)
		return task_diag_mntns_ino(task);
	ns = ops->get(task);
	if (!ns)
		return 0;
	ino = ns->inum;
	ops->put(ns);
	return ino;
}

int task_diag_fill_ns(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_ns info[ARRAY_SIZE(task_diag_namespaces)];
	const struct proc_ns_operations *ops;
	unsigned int i, ino, nr = 0;

	memset(info, 0, sizeof(info));
	for (i = 0; i < ARRAY_SIZE(task_diag_namespaces); i++) {
		ops = task_diag_namespaces[i].ops;
		ino = task_diag_ns_ino(t->task, ops);
		if (!ino)
			continue;
		info[nr].ino = ino;
		info[nr].dev = new_encode_dev(task_diag_nsfs_dev);
		info[nr].type = task_diag_namespaces[i].type;
		info[nr].for_children = task_diag_namespaces[i].for_children;
		nr++;
	}
	return task_diag_put_list(skb, TASK_DIAG_NS, info, sizeof(info[0]), nr);
}

int task_diag_fill_nspid(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_nspid info[MAX_PID_NS_LEVEL + 1];
	struct task_struct *task = t->task;
	struct pid_namespace *ns;
	unsigned int nr = 0, level;
	struct pid *pid;

	memset(info, 0, sizeof(info));
	rcu_read_lock();
	pid = task_pid(task);
	for (level = t->pid_ns->level; pid && level <= pid->level; level++) {
		ns = pid->numbers[level].ns;
		info[nr].pid = task_pid_nr_ns(task, ns);
		info[nr].tgid = task_tgid_nr_ns(task, ns);
		info[nr].pgid = task_pgrp_nr_ns(task, ns);
		info[nr].sid = task_session_nr_ns(task, ns);
		nr++;
	}
	rcu_read_unlock();
	if (!nr)
		return -ESRCH;
	return task_diag_put_list(skb, TASK_DIAG_NSPID, info, sizeof(info[0]),
				  nr);
}

#ifdef CONFIG_SECURITY
int task_diag_fill_label(struct sk_buff *skb, struct task_diag_task *t)
{
	char *label = NULL;
	int len, err;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, TASK_DIAG_LABEL);
	len = security_getprocattr(t->task, LSM_ID_UNDEF, "current", &label);
	/* No security module has a label. */
	if (!len || len == -EINVAL || len == -EOPNOTSUPP)
		err = -ENODATA;
	else if (len < 0)
		err = len;
	else
		err = task_diag_put_whole(skb, t, TASK_DIAG_LABEL,
					  &(struct task_diag_value) {
						.data = label,
						.len = len,
					  });
	kfree(label);
	return err;
}
#endif
