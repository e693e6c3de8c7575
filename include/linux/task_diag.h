/* SPDX-License-Identifier: GPL-2.0 */
/*
 * task_diag: between the core, which walks and decides who may see what
 * (kernel/taskdiag.c), and the groups' fillers (fs/proc/task_diag_attrs.c)
 */
#ifndef _LINUX_TASK_DIAG_H
#define _LINUX_TASK_DIAG_H

#include <linux/types.h>
#include <uapi/linux/task_diag.h>

struct pid;
struct pid_namespace;
struct task_struct;

/**
 * struct task_diag_group - a group of properties
 * @attr: attribute number
 * @size: bytes of the payload's struct
 */
struct task_diag_group {
	u16	attr;
	u16	size;
};

extern const struct task_diag_group task_diag_groups[];
extern const unsigned int task_diag_nr_groups;

void task_diag_fill_base(struct task_diag_base *base, struct task_struct *task,
			 const struct pid *pid, u32 nr,
			 struct pid_namespace *ns);

#endif /* _LINUX_TASK_DIAG_H */
