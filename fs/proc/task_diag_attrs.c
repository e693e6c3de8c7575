// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties
 *
 * Every value here has a twin in a file under /proc/PID, and is read the way
 * that file reads it.
 */
#include <linux/acct.h>
#include <linux/audit.h>
#include <linux/bitmap.h>
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/iocontext.h>
#include <linux/ioprio.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/mnt_namespace.h>
#include <linux/nodemask.h>
#include <linux/nsproxy.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/proc_ns.h>
#include <linux/ptrace.h>
#include <linux/sched/autogroup.h>
#include <linux/sched/cputime.h>
#include <linux/sched/numa_balancing.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/seccomp.h>
#include <linux/security.h>
#include <linux/skbuff.h>
#include <linux/task_diag.h>
#include <linux/task_io_accounting_ops.h>
#include <linux/taskstats_kern.h>
#include <linux/tty.h>
#include <linux/user_namespace.h>
#include <net/netlink.h>
#include "internal.h"
#include "task_diag_attrs.h"

int task_diag_put(struct sk_buff *skb, u16 attr, const void *data,
		  unsigned int len)
{
	void *payload = task_diag_reserve(skb, attr, len);

	if (!payload)
		return -EMSGSIZE;
	memcpy(payload, data, len);
	return 0;
}

/* Appends the next part of the value that is kept. */
int task_diag_put_kept(struct sk_buff *skb, struct task_diag_task *t, u16 attr)
{
	struct task_diag_value *value = &t->kept;
	const unsigned int room = task_diag_room(skb);
	unsigned int part;
	void *payload;

	if (room <= value->head_len)
		return -EMSGSIZE;
	part = min(value->len - t->part, room - value->head_len);
	payload = task_diag_reserve(skb, attr, value->head_len + part);
	if (!payload)
		return -EMSGSIZE;
	if (value->head_len)
		*(u32 *)(value->head + value->off_at) = t->part;
	memcpy(payload, value->head, value->head_len);
	memcpy(payload + value->head_len, value->data + t->part, part);
	t->part += part;
	return t->part < value->len ? -EMSGSIZE : 0;
}

static void task_diag_copy_value(void *to, const struct task_diag_value *value)
{
	memcpy(to, value->head, value->head_len);
	memcpy(to + value->head_len, value->data, value->len);
}

/* Appends the first part of a value that did not fit an empty message. */
int task_diag_keep(struct sk_buff *skb, struct task_diag_task *t, u16 attr,
		   const struct task_diag_value *value)
{
	void *copy;

	if (t->at_once || !task_diag_is_empty(skb))
		return -EMSGSIZE;
	copy = kvmalloc(value->head_len + value->len, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	task_diag_copy_value(copy, value);
	t->kept = *value;
	t->kept.head = copy;
	t->kept.data = copy + value->head_len;
	return task_diag_put_kept(skb, t, attr);
}

/* Appends a value; keeps what not even an empty message holds. */
int task_diag_put_whole(struct sk_buff *skb, struct task_diag_task *t, u16 attr,
			const struct task_diag_value *value)
{
	void *payload = task_diag_reserve(skb, attr,
					  value->head_len + value->len);

	if (!payload)
		return task_diag_keep(skb, t, attr, value);
	task_diag_copy_value(payload, value);
	return 0;
}

/*
 * Appends an attribute for each of @nr elements of @size bytes: all of them or,
 * if that needs another message, none.
 */
static int task_diag_put_list(struct sk_buff *skb, u16 attr, const void *list,
			      unsigned int size, unsigned int nr)
{
	unsigned int i;

	if (task_diag_room(skb) + NLA_HDRLEN < nr * nla_total_size(size))
		return -EMSGSIZE;
	for (i = 0; i < nr; i++)
		task_diag_put(skb, attr, list + i * size, size);
	return 0;
}

static int task_diag_fill_cred(struct sk_buff *skb, struct task_diag_task *t)
{
	const struct cred *cred = get_task_cred(t->task);
	struct user_namespace *ns = t->user_ns;
	struct task_diag_cred info;

	memset(&info, 0, sizeof(info));
	/* In most tasks each four are one: look that up but once. */
	info.uid = from_kuid_munged(ns, cred->uid);
	info.euid = uid_eq(cred->euid, cred->uid) ?
		info.uid : from_kuid_munged(ns, cred->euid);
	info.suid = uid_eq(cred->suid, cred->uid) ?
		info.uid : from_kuid_munged(ns, cred->suid);
	info.fsuid = uid_eq(cred->fsuid, cred->uid) ?
		info.uid : from_kuid_munged(ns, cred->fsuid);
	info.gid = from_kgid_munged(ns, cred->gid);
	info.egid = gid_eq(cred->egid, cred->gid) ?
		info.gid : from_kgid_munged(ns, cred->egid);
	info.sgid = gid_eq(cred->sgid, cred->gid) ?
		info.gid : from_kgid_munged(ns, cred->sgid);
	info.fsgid = gid_eq(cred->fsgid, cred->gid) ?
		info.gid : from_kgid_munged(ns, cred->fsgid);
	info.loginuid = from_kuid(ns, audit_get_loginuid(t->task));
	info.sessionid = audit_get_sessionid(t->task);
	info.cap_inheritable = cred->cap_inheritable.val;
	info.cap_permitted = cred->cap_permitted.val;
	info.cap_effective = cred->cap_effective.val;
	info.cap_bounding = cred->cap_bset.val;
	info.cap_ambient = cred->cap_ambient.val;
	put_cred(cred);
#ifdef CONFIG_SECCOMP_FILTER
	info.seccomp_filters = atomic_read(&t->task->seccomp.filter_count);
#endif
	info.seccomp = seccomp_mode(&t->task->seccomp);
	info.no_new_privs = task_no_new_privs(t->task);

	return task_diag_put(skb, TASK_DIAG_CRED, &info, sizeof(info));
}

static void task_diag_copy_groups(u32 *gids, const struct group_info *groups,
				  struct user_namespace *ns)
{
	unsigned int i;

	for (i = 0; i < groups->ngroups; i++)
		gids[i] = from_kgid_munged(ns, groups->gid[i]);
}

static int task_diag_fill_groups(struct sk_buff *skb, struct task_diag_task *t)
{
	const struct group_info *groups;
	const struct cred *cred;
	unsigned int len;
	int err = 0;
	u32 *gids;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, TASK_DIAG_GROUPS);
	cred = get_task_cred(t->task);
	groups = cred->group_info;
	len = groups->ngroups * sizeof(*gids);
	gids = task_diag_reserve(skb, TASK_DIAG_GROUPS, len);
	if (gids) {
		task_diag_copy_groups(gids, groups, t->user_ns);
		goto put;
	}
	err = -EMSGSIZE;
	if (t->at_once || !task_diag_is_empty(skb))
		goto put;
	err = -ENOMEM;
	gids = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!gids)
		goto put;
	task_diag_copy_groups(gids, groups, t->user_ns);
	t->kept = (struct task_diag_value) {
		.head = gids,
		.data = gids,
		.len = len,
	};
	err = task_diag_put_kept(skb, t, TASK_DIAG_GROUPS);
put:
	put_cred(cred);
	return err;
}

/* What is counted when a thread ends, and so is summed under stats_lock */
static void task_diag_sum_threads(struct task_diag_times *info,
				  struct task_struct *task, bool per_thread)
{
	struct signal_struct *sig = task->signal;
	struct task_struct *t;

	guard(rcu)();
	scoped_seqlock_read(&sig->stats_lock, ss_lock_irqsave) {
		info->cutime = sig->cutime;
		info->cstime = sig->cstime;
		info->cgtime = sig->cgtime;
		info->cmin_flt = sig->cmin_flt;
		info->cmaj_flt = sig->cmaj_flt;
		if (per_thread)
			continue;
		info->min_flt = sig->min_flt;
		info->maj_flt = sig->maj_flt;
		info->gtime = sig->gtime;
		__for_each_thread(sig, t) {
			info->min_flt += t->min_flt;
			info->maj_flt += t->maj_flt;
			info->gtime += task_gtime(t);
		}
	}
}

static int task_diag_fill_times(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	struct task_diag_times info;
	u64 utime, stime;

	memset(&info, 0, sizeof(info));
	task_diag_sum_threads(&info, task, t->per_thread);
	if (t->per_thread) {
		task_cputime_adjusted(task, &utime, &stime);
		info.min_flt = task->min_flt;
		info.maj_flt = task->maj_flt;
		info.gtime = task_gtime(task);
	} else {
		thread_group_cputime_adjusted(task, &utime, &stime);
	}
	info.utime = utime;
	info.stime = stime;
	info.start_time = task->start_boottime + t->boottime;

	return task_diag_put(skb, TASK_DIAG_TIMES, &info, sizeof(info));
}

#ifdef CONFIG_TASKSTATS
/*
 * Whether the caller, who may see the task, may know what it read and wrote. Of
 * one without an mm that is up to the owner of its file io, which has mode 0400.
 */
static bool task_diag_may_read_io(const struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	bool may_read;
	kuid_t uid;
	kgid_t gid;

	/* In an event that of the last thread serves the leader, too. */
	if (t->mm || READ_ONCE(task->mm))
		return true;
	task_dump_owner(task, S_IFREG | 0400, &uid, &gid);
	if (uid_eq(uid, current_fsuid()))
		return true;
	rcu_read_lock();
	may_read = ns_capable_noaudit(__task_cred(task)->user_ns,
				      CAP_SYS_PTRACE);
	rcu_read_unlock();
	return may_read;
}

static void task_diag_hide_io(struct taskstats *info)
{
	info->read_char = 0;
	info->write_char = 0;
	info->read_syscalls = 0;
	info->write_syscalls = 0;
	info->read_bytes = 0;
	info->write_bytes = 0;
	info->cancelled_write_bytes = 0;
}

/* What taskstats has of the mm, of which a leader that ended first has none */
static void task_diag_stat_of_mm(struct taskstats *info, struct mm_struct *mm)
{
	struct file *exe = get_mm_exe_file(mm);

	info->hiwater_rss = get_mm_hiwater_rss(mm) << (PAGE_SHIFT - 10);
	info->hiwater_vm = get_mm_hiwater_vm(mm) << (PAGE_SHIFT - 10);
	if (!exe)
		return;
	info->ac_exe_dev = huge_encode_dev(file_inode(exe)->i_sb->s_dev);
	info->ac_exe_inode = file_inode(exe)->i_ino;
	fput(exe);
}

static int task_diag_fill_stat(struct sk_buff *skb, struct task_diag_task *t)
{
	struct taskstats info;
	int err = 0;

	if (t->per_thread)
		taskstats_fill_task(t->user_ns, t->pid_ns, t->task, &info);
	else
		err = taskstats_fill_process(t->user_ns, t->pid_ns, t->task,
					     &info);
	if (err)
		return err;
	if (t->mm && !t->task->mm)
		task_diag_stat_of_mm(&info, t->mm);
	if (t->group_dead)
		info.ac_flag |= AGROUP;
	if (!task_diag_may_read_io(t))
		task_diag_hide_io(&info);
	return task_diag_put(skb, TASK_DIAG_STAT, &info, sizeof(info));
}
#else
#define task_diag_fill_stat NULL
#endif

static int task_diag_fill_sched(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	struct task_diag_sched info;

	memset(&info, 0, sizeof(info));
#ifdef CONFIG_SCHED_INFO
	info.run_time = task->se.sum_exec_runtime;
	info.run_delay = task->sched_info.run_delay;
	info.pcount = task->sched_info.pcount;
#endif
	info.nvcsw = task->nvcsw;
	info.nivcsw = task->nivcsw;
	info.prio = task_prio(task);
	info.nice = task_nice(task);
	info.policy = task->policy;
	info.rt_priority = task->rt_priority;
	info.cpu = task_cpu(task);
	info.nr_threads = get_nr_threads(task);
	info.flags = task->flags;
	info.exit_signal = task->exit_signal;
	info.numa_group = task_numa_group_id(task);

	return task_diag_put(skb, TASK_DIAG_SCHED, &info, sizeof(info));
}

static u64 task_diag_sigset(const sigset_t *set)
{
	return set->sig[0] |
	       (_NSIG_WORDS > 1 ? (u64)set->sig[_NSIG_WORDS - 1] << 32 : 0);
}

static int task_diag_fill_signal(struct sk_buff *skb, struct task_diag_task *t)
{
	struct signal_struct *sig = t->task->signal;
	sigset_t ignored = {}, caught = {};
	struct task_diag_signal info;
	unsigned long flags;
	struct pid *pgrp;

	memset(&info, 0, sizeof(info));
	info.tty_pgrp = -1;

	if (!lock_task_sighand(t->task, &flags))
		return -ESRCH;
	if (sig->tty) {
		pgrp = tty_get_pgrp(sig->tty);
		info.tty_pgrp = pid_nr_ns(pgrp, t->pid_ns);
		put_pid(pgrp);
		info.tty_nr = new_encode_dev(tty_devnum(sig->tty));
	}
	collect_sigign_sigcatch(t->task, &ignored, &caught);
	info.pending = task_diag_sigset(&t->task->pending.signal);
	info.shared_pending = task_diag_sigset(&sig->shared_pending.signal);
	info.blocked = task_diag_sigset(&t->task->blocked);
	info.ignored = task_diag_sigset(&ignored);
	info.caught = task_diag_sigset(&caught);
	rcu_read_lock();
	info.queued = get_rlimit_value(task_ucounts(t->task),
				       UCOUNT_RLIMIT_SIGPENDING);
	rcu_read_unlock();
	info.queue_limit = task_rlimit(t->task, RLIMIT_SIGPENDING);
	info.exit_code = t->task->exit_code;
	if (!t->per_thread &&
	    sig->flags & (SIGNAL_GROUP_EXIT | SIGNAL_STOP_STOPPED))
		info.exit_code = sig->group_exit_code;
	info.core_dumping = !!sig->core_state;
	unlock_task_sighand(t->task, &flags);

	return task_diag_put(skb, TASK_DIAG_SIGNAL, &info, sizeof(info));
}

static int task_diag_fill_limits(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_limit info[RLIM_NLIMITS];
	const struct rlimit *rlim;
	unsigned long flags;
	unsigned int i;

	memset(info, 0, sizeof(info));
	if (!lock_task_sighand(t->task, &flags))
		return -ESRCH;
	for (i = 0; i < RLIM_NLIMITS; i++) {
		rlim = &t->task->signal->rlim[i];
		info[i].resource = i;
		info[i].soft = rlim->rlim_cur == RLIM_INFINITY ?
			       RLIM64_INFINITY : rlim->rlim_cur;
		info[i].hard = rlim->rlim_max == RLIM_INFINITY ?
			       RLIM64_INFINITY : rlim->rlim_max;
	}
	unlock_task_sighand(t->task, &flags);

	return task_diag_put_list(skb, TASK_DIAG_LIMITS, info, sizeof(info[0]),
				  ARRAY_SIZE(info));
}

static int task_diag_fill_name(struct sk_buff *skb, struct task_diag_task *t)
{
	char name[PROC_TASK_COMM_LEN];

	proc_task_comm(name, sizeof(name), t->task);
	return task_diag_put(skb, TASK_DIAG_NAME, name, strlen(name));
}

static int task_diag_fill_oom(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_oom info;

	memset(&info, 0, sizeof(info));
	info.oom_score = proc_oom_points(t->task);
	info.oom_score_adj = t->task->signal->oom_score_adj;
	return task_diag_put(skb, TASK_DIAG_OOM, &info, sizeof(info));
}

#ifdef CONFIG_TASK_IO_ACCOUNTING
static int task_diag_fill_io(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_io_accounting acct;
	struct task_diag_io info;

	if (!task_diag_may_read_io(t))
		return -ENODATA;
	memset(&info, 0, sizeof(info));
	proc_sum_ioac(t->task, &acct, !t->per_thread);
	info.rchar = acct.rchar;
	info.wchar = acct.wchar;
	info.syscr = acct.syscr;
	info.syscw = acct.syscw;
	info.read_bytes = acct.read_bytes;
	info.write_bytes = acct.write_bytes;
	info.cancelled_write_bytes = acct.cancelled_write_bytes;
	return task_diag_put(skb, TASK_DIAG_IO, &info, sizeof(info));
}
#else
#define task_diag_fill_io NULL
#endif

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

static int task_diag_fill_cgroup(struct sk_buff *skb, struct task_diag_task *t)
{
	static const char deleted[] = " (deleted)";
	struct cgroup *cgroup, *root;
	char *path;
	int err;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, TASK_DIAG_CGROUP);
	path = kmalloc(PATH_MAX + sizeof(deleted), GFP_KERNEL);
	if (!path)
		return -ENOMEM;

	rcu_read_lock();
	do {
		cgroup = task_dfl_cgroup(t->task);
	} while (!cgroup_tryget(cgroup));
	rcu_read_unlock();

	/*
	 * As cgroup_path_ns(), but without cgroup_mutex, in which whoever owns
	 * a cgroup can sleep: the default hierarchy does not need it.
	 */
	root = t->cgroup_ns->root_cset->dfl_cgrp;
	err = kernfs_path_from_node(cgroup->kn, root->kn, path, PATH_MAX);
	if (err == -E2BIG)
		err = -ENAMETOOLONG;
	if (err >= 0) {
		/* A zombie may outlive it. */
		if (!(cgroup->self.flags & CSS_ONLINE))
			strcat(path, deleted);
		err = task_diag_put_cgroup(skb, t, cgroup_id(cgroup), path);
	}
	cgroup_put(cgroup);
	kfree(path);
	return err;
}
#else
#define task_diag_fill_cgroup NULL
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

/* All namespaces' inodes are on one file system: ask any of them once. */
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

/* Whoever puts the last reference on mounts unmounts them: take none. */
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

static int task_diag_fill_ns(struct sk_buff *skb, struct task_diag_task *t)
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

static int task_diag_fill_nspid(struct sk_buff *skb, struct task_diag_task *t)
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
static int task_diag_fill_label(struct sk_buff *skb, struct task_diag_task *t)
{
	char *label = NULL;
	int len, err;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, TASK_DIAG_LABEL);
	len = security_getprocattr(t->task, LSM_ID_UNDEF, "current", &label);
	/* No module gives any. */
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
#else
#define task_diag_fill_label NULL
#endif

#ifdef CONFIG_KALLSYMS
static int task_diag_fill_wchan(struct sk_buff *skb, struct task_diag_task *t)
{
	const unsigned long wchan = get_wchan(t->task);
	char name[KSYM_NAME_LEN];

	if (!wchan || lookup_symbol_name(wchan, name))
		strscpy(name, "0");
	return task_diag_put(skb, TASK_DIAG_WCHAN, name, strlen(name));
}
#else
#define task_diag_fill_wchan NULL
#endif

#ifdef CONFIG_SCHED_AUTOGROUP
static int task_diag_fill_autogroup(struct sk_buff *skb,
				    struct task_diag_task *t)
{
	struct task_diag_autogroup info;
	unsigned long id;
	int nice;

	if (!proc_sched_autogroup(t->task, &id, &nice))
		return -ENODATA;
	memset(&info, 0, sizeof(info));
	info.id = id;
	info.nice = nice;
	return task_diag_put(skb, TASK_DIAG_AUTOGROUP, &info, sizeof(info));
}
#else
#define task_diag_fill_autogroup NULL
#endif

#ifdef CONFIG_BLOCK
static int task_diag_fill_ioprio(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	struct task_diag_ioprio info;
	int err;

	err = security_task_getioprio(task);
	if (err)
		return err;
	memset(&info, 0, sizeof(info));
	task_lock(task);
	info.ioprio = task->io_context ? task->io_context->ioprio :
					 IOPRIO_DEFAULT;
	task_unlock(task);
	return task_diag_put(skb, TASK_DIAG_IOPRIO, &info, sizeof(info));
}
#else
#define task_diag_fill_ioprio NULL
#endif

static int task_diag_fill_affinity(struct sk_buff *skb,
				   struct task_diag_task *t)
{
	const unsigned int cpus_len = BITS_TO_U32(nr_cpu_ids) * sizeof(u32);
	struct task_diag_affinity info;
	unsigned int mems_len = 0;
	void *payload;

	memset(&info, 0, sizeof(info));
	info.cpus = nr_cpu_ids;
	info.cpus_at = sizeof(info);
	info.mems_at = sizeof(info) + cpus_len;
#ifdef CONFIG_CPUSETS
	info.mems = MAX_NUMNODES;
	mems_len = BITS_TO_U32(MAX_NUMNODES) * sizeof(u32);
#endif
	payload = task_diag_reserve(skb, TASK_DIAG_AFFINITY,
				    sizeof(info) + cpus_len + mems_len);
	if (!payload)
		return -EMSGSIZE;
	memcpy(payload, &info, sizeof(info));
	bitmap_to_arr32(payload + info.cpus_at, cpumask_bits(&t->task->cpus_mask),
			info.cpus);
#ifdef CONFIG_CPUSETS
	bitmap_to_arr32(payload + info.mems_at, t->task->mems_allowed.bits,
			info.mems);
#endif
	return 0;
}

#define TASK_DIAG_GROUP(_name, _phase, _missing, _fill, ...)	\
	{							\
		.name = #_name,					\
		.attr = TASK_DIAG_##_name,			\
		.phase = TASK_DIAG_PHASE_##_phase,		\
		.missing = _missing,				\
		.fill = _fill,					\
		__VA_ARGS__					\
	}
#define TASK_DIAG_ONLY_VMA	(TASK_DIAG_ONLY_VMA_EXEC | TASK_DIAG_ONLY_VMA_FILE)
#define TASK_DIAG_NEEDS(option)	\
	(IS_ENABLED(CONFIG_##option) ? NULL : "CONFIG_" #option)

/* MIPS has 128. */
#define TASK_DIAG_NEEDS_64_SIGNALS	(_NSIG <= 64 ? NULL : "a limit of 64 signals")

const struct task_diag_group task_diag_groups[] = {
	TASK_DIAG_GROUP(BASE, RCU, NULL, NULL),
	TASK_DIAG_GROUP(CRED, EXEC, NULL, task_diag_fill_cred),
	TASK_DIAG_GROUP(STAT, EXEC, TASK_DIAG_NEEDS(TASKSTATS),
			task_diag_fill_stat, .per_process = true,
			.cost = TASK_DIAG_COST_THREADS, .uses_mm = true),
	TASK_DIAG_GROUP(TIMES, EXEC, NULL, task_diag_fill_times,
			.per_process = true, .cost = TASK_DIAG_COST_THREADS),
	TASK_DIAG_GROUP(SCHED, EXEC, NULL, task_diag_fill_sched),
	TASK_DIAG_GROUP(SIGNAL, EXEC, TASK_DIAG_NEEDS_64_SIGNALS,
			task_diag_fill_signal, .per_process = true),
	TASK_DIAG_GROUP(GROUPS, EXEC, NULL, task_diag_fill_groups),
	TASK_DIAG_GROUP(IO, EXEC, TASK_DIAG_NEEDS(TASK_IO_ACCOUNTING),
			task_diag_fill_io, .per_process = true,
			.cost = TASK_DIAG_COST_THREADS),
	TASK_DIAG_GROUP(NAME, EXEC, NULL, task_diag_fill_name),
	TASK_DIAG_GROUP(CGROUP, EXEC, TASK_DIAG_NEEDS(CGROUPS),
			task_diag_fill_cgroup),
	TASK_DIAG_GROUP(NS, EXEC, NULL, task_diag_fill_ns),
	TASK_DIAG_GROUP(NSPID, EXEC, NULL, task_diag_fill_nspid),
	TASK_DIAG_GROUP(OOM, EXEC, NULL, task_diag_fill_oom,
			.cost = TASK_DIAG_COST_THREADS),
	TASK_DIAG_GROUP(LIMITS, EXEC, NULL, task_diag_fill_limits),
	TASK_DIAG_GROUP(FD, EXEC, NULL, task_diag_fill_fd,
			.flags = TASK_DIAG_FD_KINDS),
	TASK_DIAG_GROUP(FILES, EXEC, NULL, task_diag_fill_files,
			.cost = TASK_DIAG_COST_MANY,
			.flags = TASK_DIAG_ONLY_SOCKETS | TASK_DIAG_FILE_PATHS),
	TASK_DIAG_GROUP(LABEL, EXEC, TASK_DIAG_NEEDS(SECURITY),
			task_diag_fill_label, .no_event = true),
	TASK_DIAG_GROUP(CWD, EXEC, NULL, task_diag_fill_cwd),
	TASK_DIAG_GROUP(ROOT, EXEC, NULL, task_diag_fill_root),
	TASK_DIAG_GROUP(WCHAN, EXEC, TASK_DIAG_NEEDS(KALLSYMS),
			task_diag_fill_wchan, .no_event = true),
	TASK_DIAG_GROUP(AUTOGROUP, EXEC, TASK_DIAG_NEEDS(SCHED_AUTOGROUP),
			task_diag_fill_autogroup),
	TASK_DIAG_GROUP(IOPRIO, EXEC, TASK_DIAG_NEEDS(BLOCK),
			task_diag_fill_ioprio),
	TASK_DIAG_GROUP(AFFINITY, EXEC, NULL, task_diag_fill_affinity),
	TASK_DIAG_GROUP(MEM, MM, NULL, task_diag_fill_mem),
	TASK_DIAG_GROUP(MEM_ROLLUP, MM, TASK_DIAG_NEEDS(PROC_PAGE_MONITOR),
			task_diag_fill_mem_rollup,
			.cost = TASK_DIAG_COST_MANY),
	TASK_DIAG_GROUP(MM_MAP, MM, NULL, task_diag_fill_mm_map),
	TASK_DIAG_GROUP(EXE, MM, NULL, task_diag_fill_exe),
	TASK_DIAG_GROUP(CMDLINE, MM, NULL, task_diag_fill_cmdline),
	TASK_DIAG_GROUP(ENVIRON, MM, NULL, task_diag_fill_environ),
	TASK_DIAG_GROUP(VMA, MM, NULL, task_diag_fill_vma,
			.cost = TASK_DIAG_COST_MANY,
			.flags = TASK_DIAG_ONLY_VMA),
	TASK_DIAG_GROUP(VMA_STAT, MM, TASK_DIAG_NEEDS(PROC_PAGE_MONITOR),
			task_diag_fill_vma_stat,
			.cost = TASK_DIAG_COST_MANY,
			.flags = TASK_DIAG_ONLY_VMA),
};

const unsigned int task_diag_nr_groups = ARRAY_SIZE(task_diag_groups);
