/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * task_diag - properties of tasks over generic netlink
 *
 * One request names a set of tasks (dump_strategy) and groups of properties
 * (show_flags); the answer is one message per task. See
 * Documentation/accounting/taskdiag.rst.
 */
#ifndef _UAPI_LINUX_TASK_DIAG_H
#define _UAPI_LINUX_TASK_DIAG_H

#include <linux/const.h>
#include <linux/types.h>

#define TASK_DIAG_GENL_NAME	"task_diag"
#define TASK_DIAG_GENL_VERSION	1

/**
 * enum task_diag_cmd - commands of the family
 * @TASK_DIAG_CMD_UNSPEC: not used
 * @TASK_DIAG_CMD_GET: request: properties of tasks, described by
 *	%TASK_DIAG_CMD_ATTR_GET; response: one task, or a part of it
 * @TASK_DIAG_CMD_HEADER: request: what this kernel supports; response: that,
 *	also the first message of every dump
 */
enum task_diag_cmd {
	TASK_DIAG_CMD_UNSPEC,
	TASK_DIAG_CMD_GET,
	TASK_DIAG_CMD_HEADER,

	/* private: */
	__TASK_DIAG_CMD_MAX
};

#define TASK_DIAG_CMD_MAX	(__TASK_DIAG_CMD_MAX - 1)

/**
 * enum task_diag_cmd_attr - attributes of a request
 * @TASK_DIAG_CMD_ATTR_UNSPEC: not used
 * @TASK_DIAG_CMD_ATTR_GET: struct task_diag_pid
 */
enum task_diag_cmd_attr {
	TASK_DIAG_CMD_ATTR_UNSPEC,
	TASK_DIAG_CMD_ATTR_GET,

	/* private: */
	__TASK_DIAG_CMD_ATTR_MAX
};

#define TASK_DIAG_CMD_ATTR_MAX	(__TASK_DIAG_CMD_ATTR_MAX - 1)

/**
 * enum task_diag_dump_strategy - which tasks
 * @TASK_DIAG_DUMP_ALL: every process, one message per thread group
 * @TASK_DIAG_DUMP_ONE: the process @pid
 * @TASK_DIAG_DUMP_ALL_THREAD: every thread
 * @TASK_DIAG_DUMP_CHILDREN: all children of the process @pid
 * @TASK_DIAG_DUMP_THREAD: all threads of the process that @pid, any of its
 *	threads, belongs to
 */
enum task_diag_dump_strategy {
	TASK_DIAG_DUMP_ALL,
	TASK_DIAG_DUMP_ONE,
	TASK_DIAG_DUMP_ALL_THREAD,
	TASK_DIAG_DUMP_CHILDREN,
	TASK_DIAG_DUMP_THREAD,

	/* private: */
	__TASK_DIAG_DUMP_MAX
};

#define TASK_DIAG_DUMP_MAX	(__TASK_DIAG_DUMP_MAX - 1)

/**
 * struct task_diag_pid - payload of %TASK_DIAG_CMD_ATTR_GET
 * @show_flags: groups of properties, a mask of TASK_DIAG_SHOW_*; 0 asks for
 *	pids alone
 * @dump_strategy: one of &enum task_diag_dump_strategy
 * @pid: process or thread that the per-task strategies start from, in the
 *	caller's pid namespace; 0 is the caller; ignored by the others
 * @reserved: must be zero
 *
 * May grow at the end. The kernel takes a shorter one, from
 * %TASK_DIAG_PID_SIZE_VER0 bytes, as if filled up with zeroes, and refuses a
 * longer one unless the part that it does not know is zero.
 */
struct task_diag_pid {
	__aligned_u64	show_flags;
	__aligned_u64	dump_strategy;
	__u32		pid;
	__u32		reserved;
};

#define TASK_DIAG_PID_SIZE_VER0	20	/* up to and with @pid */

/**
 * enum task_diag_attr - attributes of a response
 * @TASK_DIAG_UNSPEC: not used
 * @TASK_DIAG_BASE: struct task_diag_base
 * @TASK_DIAG_PID: u32, the task in the caller's pid namespace: the process for
 *	strategies over processes, the thread for strategies over threads; in
 *	every %TASK_DIAG_CMD_GET message, first
 * @TASK_DIAG_ERROR: struct task_diag_error, one for each group that was asked
 *	for and could not be read now
 * @TASK_DIAG_MORE: flag, the next message goes on with the same task
 * @TASK_DIAG_HEADER: struct task_diag_header
 * @TASK_DIAG_GROUP_SIZE: array of struct task_diag_group_size
 *
 * Attribute n from 1 to 63 is a group of properties, and 1ULL << n its show
 * flag.
 */
enum task_diag_attr {
	TASK_DIAG_UNSPEC,
	TASK_DIAG_BASE,

	TASK_DIAG_PID = 64,
	TASK_DIAG_ERROR,
	TASK_DIAG_MORE,
	TASK_DIAG_HEADER,
	TASK_DIAG_GROUP_SIZE,

	/* private: */
	__TASK_DIAG_ATTR_MAX
};

#define TASK_DIAG_ATTR_MAX	(__TASK_DIAG_ATTR_MAX - 1)

#define TASK_DIAG_SHOW_BASE	_BITULL(TASK_DIAG_BASE)

/**
 * struct task_diag_header - what this kernel supports
 * @show_flags: mask of the TASK_DIAG_SHOW_* flags that a request may set
 * @dump_strategies: mask of 1ULL << &enum task_diag_dump_strategy
 * @page_size: bytes in a page
 * @clk_tck: clock ticks per second, the unit in which procfs shows the times
 *	that task_diag gives in nanoseconds
 */
struct task_diag_header {
	__aligned_u64	show_flags;
	__aligned_u64	dump_strategies;
	__u32		page_size;
	__u32		clk_tck;
};

/**
 * struct task_diag_group_size - size of one group on this kernel
 * @attr: the group's attribute
 * @size: bytes of its struct, for a list of one element; 0 for plain bytes
 *
 * Structs grow at the end only: a reader takes min(length, sizeof).
 */
struct task_diag_group_size {
	__u32	attr;
	__u32	size;
};

/**
 * struct task_diag_error - a group that could not be read
 * @attr: the group's attribute
 * @error: negative errno: -EAGAIN the task was busy, -ESRCH it went away
 */
struct task_diag_error {
	__u32	attr;
	__s32	error;
};

#define TASK_DIAG_COMM_LEN	16

/**
 * struct task_diag_base - %TASK_DIAG_BASE
 * @tgid: process (status: Tgid)
 * @pid: thread; equals @tgid for strategies over processes (status: Pid)
 * @ppid: parent process (stat: 4, status: PPid)
 * @tpid: thread that traces this one with ptrace, or 0 (status: TracerPid)
 * @sid: session (stat: 6)
 * @pgid: process group (stat: 5)
 * @state: one letter, as in /proc/PID/stat: R S D T t X Z P I
 * @pad: zero
 * @comm: name, terminated and filled up with zero bytes (stat: 2, but kernel
 *	threads and workers show a longer name there)
 *
 * Numbers are in the caller's pid namespace; 0 for a task outside of it.
 */
struct task_diag_base {
	__u32	tgid;
	__u32	pid;
	__u32	ppid;
	__u32	tpid;
	__u32	sid;
	__u32	pgid;
	__u8	state;
	__u8	pad[3];
	__u8	comm[TASK_DIAG_COMM_LEN];
};

#endif /* _UAPI_LINUX_TASK_DIAG_H */
