/* SPDX-License-Identifier: GPL-2.0 */
/* Between task_bpf_all and its BPF program; needs __u64, __u32 and __u8. */
#ifndef TASKDIAG_TASK_BPF_ALL_H
#define TASKDIAG_TASK_BPF_ALL_H

#define TASK_BPF_COMM_LEN	16

/*
 * struct task_diag_base once more: the program gets its types from the kernel
 * that it runs on, which need not have task_diag.
 */
struct task_bpf_base {
	__u32 tgid;
	__u32 pid;
	__u32 ppid;
	__u32 tpid;
	__u32 sid;
	__u32 pgid;
	__u8 state;
	__u8 pad[3];
	__u8 comm[TASK_BPF_COMM_LEN];
	__u32 pad2;
	__u64 id;
};

#endif /* TASKDIAG_TASK_BPF_ALL_H */
