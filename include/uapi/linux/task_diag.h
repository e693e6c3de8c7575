/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * task_diag - properties of tasks over generic netlink
 *
 * One request names a set of tasks (dump_strategy) and groups of properties
 * (show_flags); the answer is one message per task. A subscription also names
 * events; the kernel sends a message whenever one of them happens to such a
 * task. See Documentation/accounting/taskdiag.rst.
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
 *	%TASK_DIAG_REQUEST; response: one task, or a part of it
 * @TASK_DIAG_CMD_HEADER: request: what this kernel supports; response: the
 *	same, also the first message of every dump, and another between two tasks
 *	if the dump finds nothing to report for some time
 * @TASK_DIAG_CMD_SUBSCRIBE: request: report events from now on, described by
 *	%TASK_DIAG_REQUEST and %TASK_DIAG_EVENTS, until the socket is closed, or
 *	the thread that subscribed ends, calls exec or changes its credentials
 * @TASK_DIAG_CMD_EVENT: sent to a subscriber: one event
 */
enum task_diag_cmd {
	TASK_DIAG_CMD_UNSPEC,
	TASK_DIAG_CMD_GET,
	TASK_DIAG_CMD_HEADER,
	TASK_DIAG_CMD_SUBSCRIBE,
	TASK_DIAG_CMD_EVENT,

	/* private: */
	__TASK_DIAG_CMD_MAX
};

#define TASK_DIAG_CMD_MAX	(__TASK_DIAG_CMD_MAX - 1)

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
 * struct task_diag_pid - payload of %TASK_DIAG_REQUEST, not of %TASK_DIAG_PID
 * @show_flags: groups of properties, a mask of TASK_DIAG_SHOW_*; 0 asks for
 *	pids alone
 * @dump_strategy: one of &enum task_diag_dump_strategy
 * @pid: process, or for %TASK_DIAG_DUMP_THREAD any of its threads, to start
 *	from, in the caller's pid namespace; 0 is the caller; ignored by strategies
 *	that start from none
 * @flags: &enum task_diag_flag
 * @id: id of the process or thread @pid, as in struct task_diag_base, or 0 for
 *	any: if @pid now has another id, there is no such process; strategies
 *	that ignore @pid ignore it too
 *
 * May grow at the end. The kernel pads a shorter struct, of at least
 * %TASK_DIAG_PID_SIZE_VER0 bytes, with zeroes, and refuses a longer one unless
 * the part that it does not know is zero.
 */
struct task_diag_pid {
	__aligned_u64	show_flags;
	__aligned_u64	dump_strategy;
	__u32		pid;
	__u32		flags;
	__aligned_u64	id;
};

#define TASK_DIAG_PID_SIZE_VER0	20	/* up to and including @pid */

/**
 * enum task_diag_flag - bits of struct task_diag_pid.flags
 * @TASK_DIAG_ONLY_VMA_EXEC: VMA and VMA_STAT report executable mappings only
 * @TASK_DIAG_ONLY_VMA_FILE: they report mappings of files only
 * @TASK_DIAG_ONLY_SOCKETS: FILES reports sockets only
 * @TASK_DIAG_FILE_PATHS: FILES reports paths
 * @TASK_DIAG_FD_KINDS: FD counts descriptors by kind, and looks at each of them
 *	for that
 * @TASK_DIAG_WITH_PROCESS: the message of a thread group's leader has the values
 *	of the whole process as well, in %TASK_DIAG_PROCESS; of the EXIT events,
 *	only that of the last thread has them
 *
 * The first two together restrict the groups to executable mappings of files.
 * Each of them needs VMA or VMA_STAT; the next two need FILES,
 * %TASK_DIAG_FD_KINDS needs FD, and %TASK_DIAG_WITH_PROCESS needs a strategy
 * over threads.
 */
enum task_diag_flag {
	TASK_DIAG_ONLY_VMA_EXEC	= 1,
	TASK_DIAG_ONLY_VMA_FILE	= 2,
	TASK_DIAG_ONLY_SOCKETS	= 4,
	TASK_DIAG_FILE_PATHS	= 8,
	TASK_DIAG_FD_KINDS	= 16,
	TASK_DIAG_WITH_PROCESS	= 32
};

/**
 * enum task_diag_attr - attributes of requests and responses
 * @TASK_DIAG_UNSPEC: not used
 * @TASK_DIAG_BASE: struct task_diag_base
 * @TASK_DIAG_CRED: struct task_diag_cred
 * @TASK_DIAG_STAT: struct taskstats, see linux/taskstats.h
 * @TASK_DIAG_VMA: struct task_diag_vma and a part of the mapping's name, one or
 *	more for each mapping
 * @TASK_DIAG_VMA_STAT: struct task_diag_vma_stat and what it refers to, one for
 *	each mapping
 * @TASK_DIAG_CMDLINE: bytes, /proc/PID/cmdline
 * @TASK_DIAG_TIMES: struct task_diag_times
 * @TASK_DIAG_SCHED: struct task_diag_sched
 * @TASK_DIAG_MEM: struct task_diag_mem
 * @TASK_DIAG_SIGNAL: struct task_diag_signal
 * @TASK_DIAG_GROUPS: array of u32, the supplementary groups
 * @TASK_DIAG_IO: struct task_diag_io
 * @TASK_DIAG_NAME: bytes without a terminating zero, what /proc/PID/comm shows:
 *	for kernel threads and workers more than BASE has room for
 * @TASK_DIAG_CGROUP: struct task_diag_cgroup and a part of the path
 * @TASK_DIAG_NS: struct task_diag_ns, one for each namespace
 * @TASK_DIAG_NSPID: struct task_diag_nspid, one for each pid namespace from the
 *	caller's inwards to the task's own
 * @TASK_DIAG_EXE: bytes without a terminating zero, the path of the executable
 *	as the link /proc/PID/exe reads
 * @TASK_DIAG_ENVIRON: bytes, /proc/PID/environ
 * @TASK_DIAG_OOM: struct task_diag_oom
 * @TASK_DIAG_LIMITS: struct task_diag_limit, one for each RLIMIT_*
 * @TASK_DIAG_FD: struct task_diag_fd
 * @TASK_DIAG_MEM_ROLLUP: struct task_diag_mem_rollup
 * @TASK_DIAG_MM_MAP: struct task_diag_mm_map
 * @TASK_DIAG_FILES: struct task_diag_file and a part of the path, one or more for
 *	each open file descriptor
 * @TASK_DIAG_LABEL: bytes, /proc/PID/attr/current: the security module's label
 * @TASK_DIAG_CWD: bytes without a terminating zero, the working directory as the
 *	link /proc/PID/cwd reads
 * @TASK_DIAG_ROOT: the same for the root directory (root)
 * @TASK_DIAG_WCHAN: bytes without a terminating zero, /proc/PID/wchan: the
 *	function in which the task sleeps, or the digit 0
 * @TASK_DIAG_AUTOGROUP: struct task_diag_autogroup
 * @TASK_DIAG_IOPRIO: struct task_diag_ioprio
 * @TASK_DIAG_AFFINITY: struct task_diag_affinity and the masks that it refers to
 * @TASK_DIAG_PID: u32, the task in the caller's pid namespace: the process for
 *	strategies over processes, the thread for strategies over threads; in
 *	every %TASK_DIAG_CMD_GET and %TASK_DIAG_CMD_EVENT message, first
 * @TASK_DIAG_ERROR: struct task_diag_error, one for each group that was asked
 *	for and could not be read now
 * @TASK_DIAG_MORE: flag, the next message continues the same task
 * @TASK_DIAG_HEADER: struct task_diag_header
 * @TASK_DIAG_REQUEST: struct task_diag_pid; in every %TASK_DIAG_CMD_GET and
 *	%TASK_DIAG_CMD_SUBSCRIBE request
 * @TASK_DIAG_PROCESS: nested, a group with the value of the whole process, next
 *	to that of its leader: see %TASK_DIAG_WITH_PROCESS
 * @TASK_DIAG_SELECT_PIDS: array of u32, up to %TASK_DIAG_PIDS_MAX: only these
 *	processes, or threads for %TASK_DIAG_DUMP_ALL_THREAD, in this order
 * @TASK_DIAG_SELECT_IDS: array of u64, the id of each of %TASK_DIAG_SELECT_PIDS
 *	as in struct task_diag_base, or 0 for any: leaves out a task whose pid
 *	now has another id
 * @TASK_DIAG_SELECT_CGROUP: u64, id of a cgroup as in struct task_diag_cgroup:
 *	only its tasks, without zombies; %TASK_DIAG_DUMP_ALL and
 *	%TASK_DIAG_DUMP_ALL_THREAD report them in no particular order, unless
 *	%TASK_DIAG_SELECT_PIDS gives one
 * @TASK_DIAG_SELECT_CGROUP_FD: u32, the same by a file descriptor of its
 *	directory
 * @TASK_DIAG_SELECT_DESCENDANTS: flag, also the tasks of the cgroups below that
 * @TASK_DIAG_SELECT_UID: u32, only tasks of this real user
 * @TASK_DIAG_SELECT_EUID: u32, only tasks of this effective user
 * @TASK_DIAG_SELECT_SID: u32, only tasks with this session, as
 *	struct task_diag_base.sid
 * @TASK_DIAG_SELECT_TTY: u32, only tasks with this controlling terminal, as
 *	struct task_diag_signal.tty_nr, or 0 for none
 * @TASK_DIAG_SELECT_STATES: string of up to 16 letters, with a zero byte: only
 *	tasks in one of these states, see struct task_diag_base.state
 * @TASK_DIAG_SELECT_KTHREADS: u32, 0 for no kernel threads, 1 for these only
 * @TASK_DIAG_EVENTS: u32, mask of 1 << &enum task_diag_event_type; in every
 *	%TASK_DIAG_CMD_SUBSCRIBE request
 * @TASK_DIAG_EVENT: struct task_diag_event; in every %TASK_DIAG_CMD_EVENT message
 *
 * The attributes SELECT_* go into requests, next to %TASK_DIAG_REQUEST. They
 * need a strategy over many tasks, and they combine: the kernel reports only
 * tasks that all of them choose. Their pids are in the caller's pid namespace,
 * their users in its user namespace. %TASK_DIAG_SELECT_PIDS needs
 * %TASK_DIAG_DUMP_ALL or %TASK_DIAG_DUMP_ALL_THREAD.
 *
 * Attribute n from 1 to 63 is a group of properties, and 1ULL << n its show
 * flag; further groups take a second mask at the end of struct task_diag_pid. A
 * group of bytes, or of an array of u32, may come in several
 * attributes, of one message or of several; the reader joins their payloads in
 * order.
 *
 * Structs may grow at their end. For a struct that begins an attribute's
 * payload, a reader takes the smaller of the payload's length and its own
 * sizeof, and takes the rest as zero. Fields of the struct have the offset,
 * from the payload's start, of what follows it: never use a sizeof. Payloads
 * are aligned to 4 bytes: copy a struct, do not cast a pointer to it.
 */
enum task_diag_attr {
	TASK_DIAG_UNSPEC,
	TASK_DIAG_BASE = 1,
	TASK_DIAG_CRED = 2,
	TASK_DIAG_STAT = 3,
	TASK_DIAG_VMA = 4,
	TASK_DIAG_VMA_STAT = 5,
	TASK_DIAG_CMDLINE = 6,
	TASK_DIAG_TIMES = 7,
	TASK_DIAG_SCHED = 8,
	TASK_DIAG_MEM = 9,
	TASK_DIAG_SIGNAL = 10,
	TASK_DIAG_GROUPS = 11,
	TASK_DIAG_IO = 12,
	TASK_DIAG_NAME = 13,
	TASK_DIAG_CGROUP = 14,
	TASK_DIAG_NS = 15,
	TASK_DIAG_NSPID = 16,
	TASK_DIAG_EXE = 17,
	TASK_DIAG_ENVIRON = 18,
	TASK_DIAG_OOM = 19,
	TASK_DIAG_LIMITS = 20,
	TASK_DIAG_FD = 21,
	TASK_DIAG_MEM_ROLLUP = 22,
	TASK_DIAG_MM_MAP = 23,
	TASK_DIAG_FILES = 24,
	TASK_DIAG_LABEL = 25,
	TASK_DIAG_CWD = 26,
	TASK_DIAG_ROOT = 27,
	TASK_DIAG_WCHAN = 28,
	TASK_DIAG_AUTOGROUP = 29,
	TASK_DIAG_IOPRIO = 30,
	TASK_DIAG_AFFINITY = 31,

	TASK_DIAG_PID = 64,
	TASK_DIAG_ERROR = 65,
	TASK_DIAG_MORE = 66,
	TASK_DIAG_HEADER = 67,
	TASK_DIAG_REQUEST = 68,
	TASK_DIAG_PROCESS = 69,
	TASK_DIAG_SELECT_PIDS = 70,
	TASK_DIAG_SELECT_IDS = 71,
	TASK_DIAG_SELECT_CGROUP = 72,
	TASK_DIAG_SELECT_CGROUP_FD = 73,
	TASK_DIAG_SELECT_DESCENDANTS = 74,
	TASK_DIAG_SELECT_UID = 75,
	TASK_DIAG_SELECT_EUID = 76,
	TASK_DIAG_SELECT_SID = 77,
	TASK_DIAG_SELECT_TTY = 78,
	TASK_DIAG_SELECT_STATES = 79,
	TASK_DIAG_SELECT_KTHREADS = 80,
	TASK_DIAG_EVENTS = 81,
	TASK_DIAG_EVENT = 82,

	/* private: */
	__TASK_DIAG_ATTR_MAX
};

#define TASK_DIAG_ATTR_MAX	(__TASK_DIAG_ATTR_MAX - 1)

#define TASK_DIAG_SHOW_BASE	_BITULL(TASK_DIAG_BASE)
#define TASK_DIAG_SHOW_CRED	_BITULL(TASK_DIAG_CRED)
#define TASK_DIAG_SHOW_STAT	_BITULL(TASK_DIAG_STAT)
#define TASK_DIAG_SHOW_VMA	_BITULL(TASK_DIAG_VMA)
#define TASK_DIAG_SHOW_VMA_STAT	_BITULL(TASK_DIAG_VMA_STAT)
#define TASK_DIAG_SHOW_CMDLINE	_BITULL(TASK_DIAG_CMDLINE)
#define TASK_DIAG_SHOW_TIMES	_BITULL(TASK_DIAG_TIMES)
#define TASK_DIAG_SHOW_SCHED	_BITULL(TASK_DIAG_SCHED)
#define TASK_DIAG_SHOW_MEM	_BITULL(TASK_DIAG_MEM)
#define TASK_DIAG_SHOW_SIGNAL	_BITULL(TASK_DIAG_SIGNAL)
#define TASK_DIAG_SHOW_GROUPS	_BITULL(TASK_DIAG_GROUPS)
#define TASK_DIAG_SHOW_IO	_BITULL(TASK_DIAG_IO)
#define TASK_DIAG_SHOW_NAME	_BITULL(TASK_DIAG_NAME)
#define TASK_DIAG_SHOW_CGROUP	_BITULL(TASK_DIAG_CGROUP)
#define TASK_DIAG_SHOW_NS	_BITULL(TASK_DIAG_NS)
#define TASK_DIAG_SHOW_NSPID	_BITULL(TASK_DIAG_NSPID)
#define TASK_DIAG_SHOW_EXE	_BITULL(TASK_DIAG_EXE)
#define TASK_DIAG_SHOW_ENVIRON	_BITULL(TASK_DIAG_ENVIRON)
#define TASK_DIAG_SHOW_OOM	_BITULL(TASK_DIAG_OOM)
#define TASK_DIAG_SHOW_LIMITS	_BITULL(TASK_DIAG_LIMITS)
#define TASK_DIAG_SHOW_FD	_BITULL(TASK_DIAG_FD)
#define TASK_DIAG_SHOW_MEM_ROLLUP _BITULL(TASK_DIAG_MEM_ROLLUP)
#define TASK_DIAG_SHOW_MM_MAP	_BITULL(TASK_DIAG_MM_MAP)
#define TASK_DIAG_SHOW_FILES	_BITULL(TASK_DIAG_FILES)
#define TASK_DIAG_SHOW_LABEL	_BITULL(TASK_DIAG_LABEL)
#define TASK_DIAG_SHOW_CWD	_BITULL(TASK_DIAG_CWD)
#define TASK_DIAG_SHOW_ROOT	_BITULL(TASK_DIAG_ROOT)
#define TASK_DIAG_SHOW_WCHAN	_BITULL(TASK_DIAG_WCHAN)
#define TASK_DIAG_SHOW_AUTOGROUP _BITULL(TASK_DIAG_AUTOGROUP)
#define TASK_DIAG_SHOW_IOPRIO	_BITULL(TASK_DIAG_IOPRIO)
#define TASK_DIAG_SHOW_AFFINITY	_BITULL(TASK_DIAG_AFFINITY)

#define TASK_DIAG_PIDS_MAX	1024

/**
 * struct task_diag_header - what this kernel supports
 * @show_flags: mask of the TASK_DIAG_SHOW_* flags that a request may set
 * @dump_strategies: mask of 1ULL << &enum task_diag_dump_strategy
 * @page_size: bytes in a page
 * @clk_tck: clock ticks per second, the unit of most times in procfs
 * @flags: mask of &enum task_diag_flag that a request may set
 * @events: mask of 1 << &enum task_diag_event_type that a subscription may set
 * @event_show_flags: those of @show_flags that a subscription may set
 */
struct task_diag_header {
	__aligned_u64	show_flags;
	__aligned_u64	dump_strategies;
	__u32		page_size;
	__u32		clk_tck;
	__u32		flags;
	__u32		events;
	__aligned_u64	event_show_flags;
};

/**
 * enum task_diag_event_type - what happened to a task
 * @TASK_DIAG_EVENT_UNSPEC: not used
 * @TASK_DIAG_EVENT_FORK: it was created, and has not run yet
 * @TASK_DIAG_EVENT_EXEC: it began another program
 * @TASK_DIAG_EVENT_EXIT: it ended, and its parent does not know yet; a process
 *	ends with its last thread
 * @TASK_DIAG_EVENT_COMM: it got another name, other than by an exec, and
 *	other than workers of io_uring, which name themselves; for a process, its
 *	leader did
 * @TASK_DIAG_EVENT_CRED: its users, groups, capabilities or user namespace
 *	changed, other than by an exec; setgroups() counts even if it sets the
 *	same groups; for a process, those of its leader
 */
enum task_diag_event_type {
	TASK_DIAG_EVENT_UNSPEC,
	TASK_DIAG_EVENT_FORK,
	TASK_DIAG_EVENT_EXEC,
	TASK_DIAG_EVENT_EXIT,
	TASK_DIAG_EVENT_COMM,
	TASK_DIAG_EVENT_CRED,

	/* private: */
	__TASK_DIAG_EVENT_MAX
};

#define TASK_DIAG_EVENT_MAX	(__TASK_DIAG_EVENT_MAX - 1)

/**
 * enum task_diag_event_flag - bits of struct task_diag_event.flags
 * @TASK_DIAG_EVENT_LAST: with %TASK_DIAG_EVENT_EXIT: the process ends: all other
 *	threads have begun to end, though events of theirs may still follow
 */
enum task_diag_event_flag {
	TASK_DIAG_EVENT_LAST = 1
};

/**
 * struct task_diag_event - %TASK_DIAG_EVENT
 * @type: &enum task_diag_event_type
 * @flags: &enum task_diag_event_flag
 * @time: when it happened: CLOCK_BOOTTIME of the subscriber's time namespace, in
 *	nanoseconds
 * @id: identity of the task, as in struct task_diag_base
 * @parent_id: identity of the parent process; 0 if it is hidden from the
 *	subscriber
 * @old_id: with %TASK_DIAG_EVENT_EXEC: identity that the thread had before; it
 *	differs from @id if a thread other than the leader called exec and took
 *	the leader's place, and then ends without an event of its own
 * @lost: messages to this subscriber that were lost since the previous one,
 *	because its receive buffer was full or no memory was left
 * @tgid: process
 * @ppid: parent process, as in struct task_diag_base
 * @exit_code: with %TASK_DIAG_EVENT_EXIT: the status that wait() returns: see
 *	WIFEXITED() and others in <sys/wait.h>
 * @exit_signal: signal that the parent receives at the end, or -1 for a thread
 *	other than the leader (stat: 38)
 */
struct task_diag_event {
	__u32		type;
	__u32		flags;
	__aligned_u64	time;
	__aligned_u64	id;
	__aligned_u64	parent_id;
	__aligned_u64	old_id;
	__aligned_u64	lost;
	__u32		tgid;
	__u32		ppid;
	__s32		exit_code;
	__s32		exit_signal;
};

/**
 * struct task_diag_error - a group that could not be read
 * @attr: the group's attribute
 * @error: negative errno: -EAGAIN if the task was contended, or changed while it
 *	was read; -EFAULT if one of its pages is not in memory; -ESRCH if it ended,
 *	called exec or became hidden; -E2BIG if the group is longer than the kernel
 *	reports; -ENAMETOOLONG if a path is; -ENOMEM; or the errno of a security
 *	module
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
 * @comm: name, terminated and padded with zero bytes (stat: 2, but kernel
 *	threads and workers show a longer name there)
 * @pad2: zero
 * @id: identity of @pid, never given to another task until the next boot: on
 *	64-bit kernels the inode number of a pidfd
 *
 * Numbers are in the caller's pid namespace; 0 for a task outside of it. A task
 * that takes over a number in execve() takes over its @id as well.
 */
struct task_diag_base {
	__u32		tgid;
	__u32		pid;
	__u32		ppid;
	__u32		tpid;
	__u32		sid;
	__u32		pgid;
	__u8		state;
	__u8		pad[3];
	__u8		comm[TASK_DIAG_COMM_LEN];
	__u32		pad2;
	__aligned_u64	id;
};

/**
 * struct task_diag_cred - %TASK_DIAG_CRED
 * @uid: real user (status: Uid, 1st)
 * @euid: effective user (Uid, 2nd)
 * @suid: saved user (Uid, 3rd)
 * @fsuid: file-system user (Uid, 4th)
 * @gid: real group (status: Gid, 1st)
 * @egid: effective group (Gid, 2nd)
 * @sgid: saved group (Gid, 3rd)
 * @fsgid: file-system group (Gid, 4th)
 * @loginuid: user that logged in, or 4294967295 (loginuid)
 * @sessionid: audit session, or 4294967295 (sessionid)
 * @cap_inheritable: inheritable capabilities (status: CapInh)
 * @cap_permitted: permitted capabilities (CapPrm)
 * @cap_effective: effective capabilities (CapEff)
 * @cap_bounding: capability bounding set (CapBnd)
 * @cap_ambient: ambient capabilities (CapAmb)
 * @seccomp_filters: seccomp filters attached (status: Seccomp_filters)
 * @seccomp: seccomp mode (status: Seccomp)
 * @no_new_privs: 0 or 1 (status: NoNewPrivs)
 * @pad: zero
 *
 * Ids are in the caller's user namespace; an id that is not mapped there is
 * reported as the overflow id, or in @loginuid as 4294967295, as in procfs.
 */
struct task_diag_cred {
	__u32		uid;
	__u32		euid;
	__u32		suid;
	__u32		fsuid;
	__u32		gid;
	__u32		egid;
	__u32		sgid;
	__u32		fsgid;
	__u32		loginuid;
	__u32		sessionid;
	__aligned_u64	cap_inheritable;
	__aligned_u64	cap_permitted;
	__aligned_u64	cap_effective;
	__aligned_u64	cap_bounding;
	__aligned_u64	cap_ambient;
	__u32		seccomp_filters;
	__u8		seccomp;
	__u8		no_new_privs;
	__u8		pad[2];
};

/**
 * enum task_diag_vma_flag - bits of struct task_diag_vma.flags
 * @TASK_DIAG_VMA_READ: readable (maps: r)
 * @TASK_DIAG_VMA_WRITE: writable (w)
 * @TASK_DIAG_VMA_EXEC: executable (x)
 * @TASK_DIAG_VMA_SHARED: shared (s; p without)
 * @TASK_DIAG_VMA_SAME_NAME: it has the name of the mapping before it in the same
 *	message, which is not repeated
 * @TASK_DIAG_VMA_LONG_NAME: its name is longer than 1 MiB and not reported
 */
enum task_diag_vma_flag {
	TASK_DIAG_VMA_READ	= 1,
	TASK_DIAG_VMA_WRITE	= 2,
	TASK_DIAG_VMA_EXEC	= 4,
	TASK_DIAG_VMA_SHARED	= 8,
	TASK_DIAG_VMA_SAME_NAME	= 16,
	TASK_DIAG_VMA_LONG_NAME	= 32
};

/**
 * struct task_diag_vma - %TASK_DIAG_VMA
 * @start: first address (maps: 1); of a mapping that was merged with one already
 *	reported, where the rest of it begins
 * @end: address after the last
 * @pgoff: where in the file @start is, bytes (maps: 3)
 * @ino: inode number of the file, or 0 (maps: 5)
 * @dev_major: major number of the file's device (maps: 4)
 * @dev_minor: minor number
 * @generation: generation of the inode (not in procfs)
 * @flags: &enum task_diag_vma_flag (maps: 2)
 * @name_len: length of the whole name
 * @name_off: where in the name the bytes at @name_at belong
 * @name_at: where in the payload they begin; they extend to its end
 * @pad: zero
 *
 * The name is what maps shows in its last column, unescaped and without a
 * terminating zero: a path, followed by " (deleted)" if the file was removed,
 * or a name in brackets such as [heap], or nothing. It is absent if one of the
 * flags says so.
 */
struct task_diag_vma {
	__aligned_u64	start;
	__aligned_u64	end;
	__aligned_u64	pgoff;
	__aligned_u64	ino;
	__u32		dev_major;
	__u32		dev_minor;
	__u32		generation;
	__u32		flags;
	__u32		name_len;
	__u32		name_off;
	__u32		name_at;
	__u32		pad;
};

/**
 * struct task_diag_pages - page counters of a mapping, or of all mappings
 * @rss: resident (smaps: Rss)
 * @pss: each page divided by the number of its users (Pss)
 * @pss_dirty: dirty part of that (Pss_Dirty)
 * @pss_anon: anonymous part (smaps_rollup: Pss_Anon)
 * @pss_file: part of files (smaps_rollup: Pss_File)
 * @pss_shmem: shared memory's part (smaps_rollup: Pss_Shmem)
 * @pss_locked: locked part (Locked)
 * @shared_clean: clean pages with several users (Shared_Clean)
 * @shared_dirty: dirty pages with several users (Shared_Dirty)
 * @private_clean: clean pages of this task alone (Private_Clean)
 * @private_dirty: dirty pages of this task alone (Private_Dirty)
 * @referenced: marked as accessed (Referenced)
 * @anonymous: of no file (Anonymous)
 * @ksm: merged by KSM (KSM)
 * @lazyfree: marked by MADV_FREE (LazyFree)
 * @anon_huge: anonymous huge pages (AnonHugePages)
 * @shmem_huge: huge pages of shared memory (ShmemPmdMapped)
 * @file_huge: huge pages of files (FilePmdMapped)
 * @shared_hugetlb: hugetlb pages with several users (Shared_Hugetlb)
 * @private_hugetlb: hugetlb pages of this task alone (Private_Hugetlb)
 * @swap: swapped out (Swap)
 * @swap_pss: each swapped page divided by the number of its users (SwapPss)
 *
 * All values are in bytes; smaps shows them divided by 1024. The unique set
 * size is @private_clean + @private_dirty.
 */
struct task_diag_pages {
	__aligned_u64	rss;
	__aligned_u64	pss;
	__aligned_u64	pss_dirty;
	__aligned_u64	pss_anon;
	__aligned_u64	pss_file;
	__aligned_u64	pss_shmem;
	__aligned_u64	pss_locked;
	__aligned_u64	shared_clean;
	__aligned_u64	shared_dirty;
	__aligned_u64	private_clean;
	__aligned_u64	private_dirty;
	__aligned_u64	referenced;
	__aligned_u64	anonymous;
	__aligned_u64	ksm;
	__aligned_u64	lazyfree;
	__aligned_u64	anon_huge;
	__aligned_u64	shmem_huge;
	__aligned_u64	file_huge;
	__aligned_u64	shared_hugetlb;
	__aligned_u64	private_hugetlb;
	__aligned_u64	swap;
	__aligned_u64	swap_pss;
};

/**
 * struct task_diag_vma_stat - %TASK_DIAG_VMA_STAT
 * @start: first address of the mapping, as in struct task_diag_vma
 * @end: address after the last
 * @kernel_page_size: bytes per page in the kernel (smaps: KernelPageSize)
 * @mmu_page_size: bytes per page in the page tables (MMUPageSize)
 * @thp_eligible: 1 if it may get huge pages (THPeligible)
 * @protection_key: memory protection key, or 0 (ProtectionKey)
 * @pages_at: where in the payload a struct task_diag_pages begins
 * @pages_len: its length
 * @vm_flags_at: where in the payload two letters for each flag begin, as in
 *	VmFlags but without blanks
 * @vm_flags_len: their number
 */
struct task_diag_vma_stat {
	__aligned_u64	start;
	__aligned_u64	end;
	__aligned_u64	kernel_page_size;
	__aligned_u64	mmu_page_size;
	__u32		thp_eligible;
	__u32		protection_key;
	__u32		pages_at;
	__u32		pages_len;
	__u32		vm_flags_at;
	__u32		vm_flags_len;
};

/**
 * struct task_diag_mem_rollup - %TASK_DIAG_MEM_ROLLUP
 * @pages: of all mappings together (smaps_rollup)
 */
struct task_diag_mem_rollup {
	struct task_diag_pages	pages;
};

/**
 * struct task_diag_times - %TASK_DIAG_TIMES
 * @utime: time in user mode, ns (stat: 14)
 * @stime: time in the kernel, ns (stat: 15)
 * @cutime: user time of children that were waited for, ns (stat: 16)
 * @cstime: kernel time of children that were waited for, ns (stat: 17)
 * @gtime: time spent running a guest, ns (stat: 43)
 * @cgtime: guest time of children that were waited for, ns (stat: 44)
 * @start_time: start, ns since boot in the caller's time namespace (stat: 22)
 * @min_flt: page faults without I/O (stat: 10)
 * @cmin_flt: those of children that were waited for (stat: 11)
 * @maj_flt: page faults with I/O (stat: 12)
 * @cmaj_flt: those of children that were waited for (stat: 13)
 *
 * For strategies over processes, utime, stime, gtime, min_flt and maj_flt are
 * those of the whole process, including its dead threads, as in /proc/PID/stat.
 * For strategies over threads, they are those of the thread, as in
 * /proc/PID/task/TID/stat. The values of children are the process's. procfs
 * shows times in ticks of 1 s / clk_tck, rounded down.
 */
struct task_diag_times {
	__aligned_u64	utime;
	__aligned_u64	stime;
	__aligned_u64	cutime;
	__aligned_u64	cstime;
	__aligned_u64	gtime;
	__aligned_u64	cgtime;
	__aligned_u64	start_time;
	__aligned_u64	min_flt;
	__aligned_u64	cmin_flt;
	__aligned_u64	maj_flt;
	__aligned_u64	cmaj_flt;
};

/**
 * struct task_diag_sched - %TASK_DIAG_SCHED
 * @run_time: time on a processor, ns (schedstat: 1)
 * @run_delay: time waiting for a processor, ns (schedstat: 2)
 * @pcount: times that it got a processor (schedstat: 3)
 * @nvcsw: voluntary context switches (status: voluntary_ctxt_switches)
 * @nivcsw: involuntary ones (status: nonvoluntary_ctxt_switches)
 * @prio: priority (stat: 18)
 * @nice: nice value, -20 to 19 (stat: 19)
 * @policy: scheduling policy, SCHED_* (stat: 41)
 * @rt_priority: real-time priority (stat: 40)
 * @cpu: processor that it runs on, or ran on last (stat: 39)
 * @nr_threads: threads in its process (stat: 20; status: Threads)
 * @flags: PF_* flags of the kernel (stat: 9); 0x200000 is a kernel thread
 *	(status: Kthread)
 * @exit_signal: signal for the parent at its end, or -1 for a thread that is
 *	not its process's leader (stat: 38)
 * @numa_group: NUMA group, or 0 (status: Ngid)
 * @pad: zero
 *
 * All values are those of one task: for strategies over processes, of the
 * leader, as in /proc/PID. @run_time, @run_delay and @pcount are 0 unless the
 * kernel keeps them (CONFIG_SCHED_INFO).
 */
struct task_diag_sched {
	__aligned_u64	run_time;
	__aligned_u64	run_delay;
	__aligned_u64	pcount;
	__aligned_u64	nvcsw;
	__aligned_u64	nivcsw;
	__s32		prio;
	__s32		nice;
	__u32		policy;
	__u32		rt_priority;
	__u32		cpu;
	__u32		nr_threads;
	__u32		flags;
	__s32		exit_signal;
	__u32		numa_group;
	__u32		pad;
};

/**
 * struct task_diag_mem - %TASK_DIAG_MEM
 * @total_vm: size of all mappings (status: VmSize; statm: 1; stat: 23)
 * @hiwater_vm: peak size (VmPeak)
 * @hiwater_rss: peak resident size (VmHWM)
 * @rss_anon: resident anonymous memory (RssAnon)
 * @rss_file: resident file mappings (RssFile)
 * @rss_shmem: resident shared memory (RssShmem)
 * @data: private writable mappings, without stacks (VmData)
 * @stack: stacks (VmStk)
 * @text: code of the executable (VmExe)
 * @lib: other code (VmLib)
 * @locked: locked in memory (VmLck)
 * @pinned: pinned in memory (VmPin)
 * @pgtables: page tables (VmPTE)
 * @swap: swapped-out anonymous memory (VmSwap)
 * @hugetlb: hugetlb pages (HugetlbPages)
 *
 * All values are in bytes; status shows them divided by 1024, statm by the page
 * size. Absent for a task without memory of its own: kernel threads and
 * zombies.
 */
struct task_diag_mem {
	__aligned_u64	total_vm;
	__aligned_u64	hiwater_vm;
	__aligned_u64	hiwater_rss;
	__aligned_u64	rss_anon;
	__aligned_u64	rss_file;
	__aligned_u64	rss_shmem;
	__aligned_u64	data;
	__aligned_u64	stack;
	__aligned_u64	text;
	__aligned_u64	lib;
	__aligned_u64	locked;
	__aligned_u64	pinned;
	__aligned_u64	pgtables;
	__aligned_u64	swap;
	__aligned_u64	hugetlb;
};

/**
 * struct task_diag_signal - %TASK_DIAG_SIGNAL
 * @pending: signals pending for the thread (status: SigPnd)
 * @shared_pending: for the process (ShdPnd)
 * @blocked: blocked by the thread (SigBlk)
 * @ignored: ignored (SigIgn)
 * @caught: caught (SigCgt)
 * @queued: signals queued for the real user id (SigQ, before the slash)
 * @queue_limit: the most that may be (SigQ, after the slash)
 * @tty_nr: device number of the controlling terminal, or 0 (stat: 7): its major
 *	number in bits 8 to 19, its minor number in bits 0 to 7 and 20 to 31
 * @tty_pgrp: foreground process group of that terminal; -1 without a terminal, 0
 *	if it has none in the caller's pid namespace (stat: 8)
 * @exit_code: how it ended, in the form that waitpid(2) reports; for a stopped
 *	process the signal that stopped it, until the parent has waited for that
 *	(stat: 52)
 * @core_dumping: 1 while the kernel writes a core of it (status: CoreDumping)
 *
 * Signal n is bit n - 1. Fails with -ESRCH for a task that is past all signals.
 */
struct task_diag_signal {
	__aligned_u64	pending;
	__aligned_u64	shared_pending;
	__aligned_u64	blocked;
	__aligned_u64	ignored;
	__aligned_u64	caught;
	__aligned_u64	queued;
	__aligned_u64	queue_limit;
	__u32		tty_nr;
	__s32		tty_pgrp;
	__s32		exit_code;
	__u32		core_dumping;
};

/**
 * struct task_diag_io - %TASK_DIAG_IO
 * @rchar: bytes read by system calls (io: rchar)
 * @wchar: bytes written by system calls (wchar)
 * @syscr: reading system calls (syscr)
 * @syscw: writing system calls (syscw)
 * @read_bytes: bytes read from storage (read_bytes)
 * @write_bytes: bytes written to storage (write_bytes)
 * @cancelled_write_bytes: dirty bytes that were truncated before they were
 *	written (cancelled_write_bytes)
 *
 * For strategies over processes, the values are those of the whole process,
 * including its dead threads and the children that it waited for; for strategies
 * over threads, those of the thread. Absent for a task without memory of its
 * own, unless the caller owns its file io or has CAP_SYS_PTRACE. Needs
 * CONFIG_TASK_IO_ACCOUNTING.
 */
struct task_diag_io {
	__aligned_u64	rchar;
	__aligned_u64	wchar;
	__aligned_u64	syscr;
	__aligned_u64	syscw;
	__aligned_u64	read_bytes;
	__aligned_u64	write_bytes;
	__aligned_u64	cancelled_write_bytes;
};

/**
 * struct task_diag_cgroup - %TASK_DIAG_CGROUP
 * @id: id of the control group of the unified hierarchy: on 64-bit kernels the
 *	inode number of its directory, whose lower half that is on 32-bit kernels
 * @path_len: length of the whole path
 * @path_off: where in the path the bytes at @path_at belong
 * @path_at: where in the payload they begin; they extend to its end
 * @pad: zero
 *
 * The path is that in the line of hierarchy 0 in /proc/PID/cgroup, without a
 * terminating zero. It ends in " (deleted)" if the control group was removed.
 */
struct task_diag_cgroup {
	__aligned_u64	id;
	__u32		path_len;
	__u32		path_off;
	__u32		path_at;
	__u32		pad;
};

/**
 * struct task_diag_ns - %TASK_DIAG_NS, of one namespace
 * @ino: inode number of the namespace (in brackets in the links in ns)
 * @dev: device number of its file system, encoded as
 *	struct task_diag_signal.tty_nr
 * @type: which one: a CLONE_NEW* flag
 * @for_children: 1 if the task's future children get it (ns/pid_for_children,
 *	ns/time_for_children), 0 if the task itself is in it
 * @pad: zero
 */
struct task_diag_ns {
	__aligned_u64	ino;
	__u32		dev;
	__u32		type;
	__u32		for_children;
	__u32		pad;
};

/**
 * struct task_diag_nspid - %TASK_DIAG_NSPID, in one pid namespace
 * @pid: thread (status: NSpid)
 * @tgid: process (NStgid)
 * @pgid: process group (NSpgid)
 * @sid: session (NSsid)
 */
struct task_diag_nspid {
	__u32	pid;
	__u32	tgid;
	__u32	pgid;
	__u32	sid;
};

/**
 * struct task_diag_oom - %TASK_DIAG_OOM
 * @oom_score: how likely the OOM killer takes it, 0 to 2000 (oom_score)
 * @oom_score_adj: its adjustment, -1000 to 1000 (oom_score_adj)
 */
struct task_diag_oom {
	__u32	oom_score;
	__s32	oom_score_adj;
};

/**
 * struct task_diag_limit - %TASK_DIAG_LIMITS, of one resource
 * @soft: soft limit (limits: Soft Limit)
 * @hard: hard limit (limits: Hard Limit)
 * @resource: RLIMIT_*
 * @pad: zero
 *
 * In the units of setrlimit(2); all ones means unlimited.
 */
struct task_diag_limit {
	__aligned_u64	soft;
	__aligned_u64	hard;
	__u32		resource;
	__u32		pad;
};

/**
 * enum task_diag_file_kind - the kind of an open file
 * @TASK_DIAG_FILE_OTHER: none of the following
 * @TASK_DIAG_FILE_REG: regular file
 * @TASK_DIAG_FILE_DIR: directory
 * @TASK_DIAG_FILE_CHR: character device
 * @TASK_DIAG_FILE_BLK: block device
 * @TASK_DIAG_FILE_FIFO: named pipe
 * @TASK_DIAG_FILE_PIPE: pipe(2)
 * @TASK_DIAG_FILE_SOCKET: socket(2)
 * @TASK_DIAG_FILE_SYMLINK: symbolic link, opened with O_PATH
 * @TASK_DIAG_FILE_MEMFD: memfd_create(2)
 * @TASK_DIAG_FILE_EVENTFD: eventfd(2)
 * @TASK_DIAG_FILE_EPOLL: epoll_create(2)
 * @TASK_DIAG_FILE_SIGNALFD: signalfd(2)
 * @TASK_DIAG_FILE_TIMERFD: timerfd_create(2)
 * @TASK_DIAG_FILE_INOTIFY: inotify_init(2)
 * @TASK_DIAG_FILE_FANOTIFY: fanotify_init(2)
 * @TASK_DIAG_FILE_PIDFD: pidfd_open(2)
 * @TASK_DIAG_FILE_NS: namespace
 * @TASK_DIAG_FILE_IO_URING: io_uring_setup(2)
 * @TASK_DIAG_FILE_PERF_EVENT: perf_event_open(2)
 * @TASK_DIAG_FILE_BPF: anything of bpf(2)
 * @TASK_DIAG_FILE_USERFAULTFD: userfaultfd(2)
 */
enum task_diag_file_kind {
	TASK_DIAG_FILE_OTHER,
	TASK_DIAG_FILE_REG,
	TASK_DIAG_FILE_DIR,
	TASK_DIAG_FILE_CHR,
	TASK_DIAG_FILE_BLK,
	TASK_DIAG_FILE_FIFO,
	TASK_DIAG_FILE_PIPE,
	TASK_DIAG_FILE_SOCKET,
	TASK_DIAG_FILE_SYMLINK,
	TASK_DIAG_FILE_MEMFD,
	TASK_DIAG_FILE_EVENTFD,
	TASK_DIAG_FILE_EPOLL,
	TASK_DIAG_FILE_SIGNALFD,
	TASK_DIAG_FILE_TIMERFD,
	TASK_DIAG_FILE_INOTIFY,
	TASK_DIAG_FILE_FANOTIFY,
	TASK_DIAG_FILE_PIDFD,
	TASK_DIAG_FILE_NS,
	TASK_DIAG_FILE_IO_URING,
	TASK_DIAG_FILE_PERF_EVENT,
	TASK_DIAG_FILE_BPF,
	TASK_DIAG_FILE_USERFAULTFD
};

#define TASK_DIAG_FILE_KINDS	(TASK_DIAG_FILE_USERFAULTFD + 1)

/**
 * struct task_diag_fd - %TASK_DIAG_FD
 * @open_fds: open file descriptors (fd: its size in bytes, as stat(2) reports
 *	it)
 * @max_fds: descriptors that its table has room for (status: FDSize)
 * @umask: permissions that files it creates lack (status: Umask)
 * @pad: zero
 * @kinds: how many are of each &enum task_diag_file_kind, with
 *	%TASK_DIAG_FD_KINDS; zero without. More kinds make it longer, so it stays
 *	the last.
 *
 * Absent for a task without files: zombies.
 */
struct task_diag_fd {
	__u32	open_fds;
	__u32	max_fds;
	__u32	umask;
	__u32	pad;
	__u32	kinds[TASK_DIAG_FILE_KINDS];
};

/**
 * struct task_diag_file - %TASK_DIAG_FILES, of one open file descriptor
 * @ino: inode number (fdinfo: ino; of a socket also in the link's text)
 * @pos: position (fdinfo: pos)
 * @fd: the descriptor
 * @kind: &enum task_diag_file_kind
 * @flags: how it was opened (fdinfo: flags)
 * @mnt_id: mount (fdinfo: mnt_id)
 * @dev_major: major number of the file system's device, as maps shows it
 * @dev_minor: minor number
 * @rdev_major: major number of the device that a special file stands for, or 0
 * @rdev_minor: minor number
 * @path_len: length of the whole path, with %TASK_DIAG_FILE_PATHS; 0 without,
 *	or if it is too long for readlink(2) on the link in fd
 * @path_off: where in the path the bytes at @path_at belong
 * @path_at: where in the payload they begin; they extend to its end
 * @pad: zero
 *
 * Descriptors come in ascending order. The path is what the link in fd reads,
 * without a terminating zero. Absent for a task without files: zombies.
 */
struct task_diag_file {
	__aligned_u64	ino;
	__s64		pos;
	__u32		fd;
	__u32		kind;
	__u32		flags;
	__u32		mnt_id;
	__u32		dev_major;
	__u32		dev_minor;
	__u32		rdev_major;
	__u32		rdev_minor;
	__u32		path_len;
	__u32		path_off;
	__u32		path_at;
	__u32		pad;
};

/**
 * struct task_diag_autogroup - %TASK_DIAG_AUTOGROUP
 * @id: number of the group (autogroup: /autogroup-N)
 * @nice: its nice value (autogroup: nice)
 * @pad: zero
 *
 * Absent where the file autogroup is empty.
 */
struct task_diag_autogroup {
	__aligned_u64	id;
	__s32		nice;
	__u32		pad;
};

/**
 * struct task_diag_ioprio - %TASK_DIAG_IOPRIO
 * @ioprio: I/O priority, as ioprio_get(2) returns it: class and level, see
 *	<linux/ioprio.h>
 * @pad: zero
 */
struct task_diag_ioprio {
	__u32	ioprio;
	__u32	pad;
};

/**
 * struct task_diag_affinity - %TASK_DIAG_AFFINITY
 * @cpus: processors that the kernel has numbers for
 * @cpus_at: where in the payload the mask of those that the task may run on
 *	begins (status: Cpus_allowed)
 * @mems: memory nodes that the kernel has numbers for; 0 without
 *	CONFIG_CPUSETS
 * @mems_at: where the mask of those that it may take memory from begins
 *	(status: Mems_allowed)
 *
 * A mask is an array of u32, as long as @cpus or @mems bits need: bit n is bit
 * n % 32 of element n / 32.
 */
struct task_diag_affinity {
	__u32	cpus;
	__u32	cpus_at;
	__u32	mems;
	__u32	mems_at;
};

/**
 * struct task_diag_mm_map - %TASK_DIAG_MM_MAP
 * @start_code: start of the executable's code (stat: 26)
 * @end_code: its end (stat: 27)
 * @start_data: start of its data (stat: 45)
 * @end_data: its end (stat: 46)
 * @start_brk: start of the heap (stat: 47)
 * @start_stack: start of the stack (stat: 28)
 * @arg_start: start of the arguments (stat: 48)
 * @arg_end: their end (stat: 49)
 * @env_start: start of the environment (stat: 50)
 * @env_end: its end (stat: 51)
 * @untag_mask: bits of an address that are no tag (status: untag_mask)
 * @thp_enabled: 1 unless PR_SET_THP_DISABLE forbids huge pages, or the kernel has
 *	none (status: THP_enabled)
 * @pad: zero
 *
 * Most fields are those of struct prctl_mm_map. Absent for a task without
 * memory of its own: kernel threads and zombies.
 */
struct task_diag_mm_map {
	__aligned_u64	start_code;
	__aligned_u64	end_code;
	__aligned_u64	start_data;
	__aligned_u64	end_data;
	__aligned_u64	start_brk;
	__aligned_u64	start_stack;
	__aligned_u64	arg_start;
	__aligned_u64	arg_end;
	__aligned_u64	env_start;
	__aligned_u64	env_end;
	__aligned_u64	untag_mask;
	__u32		thp_enabled;
	__u32		pad;
};

#endif /* _UAPI_LINUX_TASK_DIAG_H */
