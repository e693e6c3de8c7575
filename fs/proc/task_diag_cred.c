// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties from a task's credentials
 */
#include <linux/audit.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/skbuff.h>
#include <linux/task_diag.h>
#include <linux/user_namespace.h>
#include "task_diag_attrs.h"

int task_diag_fill_cred(struct sk_buff *skb, struct task_diag_task *t)
{
	const struct cred *cred = get_task_cred(t->task);
	struct user_namespace *ns = t->user_ns;
	struct task_diag_cred info;

	memset(&info, 0, sizeof(info));
	/* In most tasks each four are equal: look them up only once. */
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

int task_diag_fill_groups(struct sk_buff *skb, struct task_diag_task *t)
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
