// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties that are paths: program, working and root
 * directory
 *
 * Working and root directory are read without a reference: to drop the last one on
 * a mount is to unmount it.
 */
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include "internal.h"
#include "task_diag_attrs.h"

int task_diag_fill_exe(struct sk_buff *skb, struct task_diag_task *t)
{
	struct file *exe;
	char *buf, *path;
	int err;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, TASK_DIAG_EXE);
	exe = get_mm_exe_file(t->mm);
	if (!exe)
		return -ENODATA;
	buf = task_diag_buf(t);
	path = buf ? d_path_from(&exe->f_path, t->root, buf, PATH_MAX) :
		     ERR_PTR(-ENOMEM);
	err = PTR_ERR_OR_ZERO(path);
	if (!err)
		err = task_diag_put_whole(skb, t, TASK_DIAG_EXE,
					  &(struct task_diag_value) {
						.data = path,
						.len = strlen(path),
					  });
	fput(exe);
	return err;
}

static int task_diag_put_fs_path(struct sk_buff *skb, struct task_diag_task *t,
				 u16 attr, bool root)
{
	char *buf, *path;
	int err;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, attr);
	buf = task_diag_buf(t);
	if (!buf)
		return -ENOMEM;
	path = proc_fs_path(t->task, root, t->root, buf, PATH_MAX);
	err = PTR_ERR_OR_ZERO(path);
	if (!err)
		err = task_diag_put_whole(skb, t, attr,
					  &(struct task_diag_value) {
						.data = path,
						.len = strlen(path),
					  });
	return err == -ENOENT ? -ENODATA : err;
}

int task_diag_fill_cwd(struct sk_buff *skb, struct task_diag_task *t)
{
	return task_diag_put_fs_path(skb, t, TASK_DIAG_CWD, false);
}

int task_diag_fill_root(struct sk_buff *skb, struct task_diag_task *t)
{
	return task_diag_put_fs_path(skb, t, TASK_DIAG_ROOT, true);
}
