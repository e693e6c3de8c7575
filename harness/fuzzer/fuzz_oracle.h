/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel must answer to whatever task_diag_fuzz sends and does
 *
 * fuzz_sent() reads a datagram as netlink, genetlink and task_diag do, and notes
 * what each message in it wants. fuzz_received() holds what arrives against
 * that, and fuzz_drained() what has not arrived.
 */
#ifndef TASKDIAG_FUZZ_ORACLE_H
#define TASKDIAG_FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/cdefs.h>
#include <sys/types.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/task_diag.h>
#include <linux/types.h>

#include "kselftest.h"

/* Groups that are read from mappings and pages */
#define FUZZ_MEMORY	(TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT | \
			 TASK_DIAG_SHOW_MEM_ROLLUP)
/* Groups that a plain request may not ask for */
#define FUZZ_LONG	(FUZZ_MEMORY | TASK_DIAG_SHOW_FILES)
#define FUZZ_ONLY_VMA	(TASK_DIAG_ONLY_VMA_EXEC | TASK_DIAG_ONLY_VMA_FILE)
#define FUZZ_FLAGS	(FUZZ_ONLY_VMA | TASK_DIAG_ONLY_SOCKETS | \
			 TASK_DIAG_FILE_PATHS | TASK_DIAG_FD_KINDS | \
			 TASK_DIAG_WITH_PROCESS)

/* Selections, as bits, and how many of them there are */
#define FUZZ_SELECT(what) \
	(1U << (TASK_DIAG_SELECT_##what - TASK_DIAG_SELECT_PIDS))
#define FUZZ_SELECT_CGROUP	(FUZZ_SELECT(CGROUP) | FUZZ_SELECT(CGROUP_FD))
#define FUZZ_NR_SELECTS	(TASK_DIAG_SELECT_KTHREADS - TASK_DIAG_SELECT_PIDS + 1)

#define FUZZ_MAX_TASKS	64
#define FUZZ_MAX_CGROUPS	8
#define FUZZ_UNKNOWN	(-1)	/* instead of an index */

/**
 * struct fuzz_task - a task that lives, as it is, as long as the fuzzer
 * @tgid: its process
 * @pid: itself
 * @ppid: the parent
 * @uid: its user
 * @zombie: it has ended, and nobody waits for it
 * @kthread: it is a kernel thread
 * @state: the letter, or 0 if that changes, and what it has open as well
 * @cgroup: which of the world's, or FUZZ_UNKNOWN
 * @sid: its session
 * @tty: its terminal, or 0
 * @id: its identity
 */
struct fuzz_task {
	__u32	tgid;
	__u32	pid;
	__u32	ppid;
	uid_t	uid;
	bool	zombie;
	bool	kthread;
	char	state;
	int	cgroup;
	__u32	sid;
	__u32	tty;
	__u64	id;
};

/**
 * struct fuzz_cgroup - a cgroup that stays
 * @id: its id
 * @fd: its directory, open by this number in everybody who sends
 * @parent: which of the world's, or FUZZ_UNKNOWN
 * @gone: it was removed before
 * @path: as TASK_DIAG_CGROUP has it
 */
struct fuzz_cgroup {
	__u64	id;
	__u32	fd;
	int	parent;
	bool	gone;
	char	path[64];
};

/* What is so for all sockets */
struct fuzz_world {
	__u16			family;
	struct task_diag_header	header;
	struct fuzz_task	tasks[FUZZ_MAX_TASKS];
	size_t			nr_tasks;
	struct fuzz_cgroup	cgroups[FUZZ_MAX_CGROUPS];
	int			nr_cgroups;
	int			moving;		/* within it, or FUZZ_UNKNOWN */
};

extern struct fuzz_world *fuzz_world;

/**
 * struct fuzz_asker - who sends or receives
 * @cred: the same for those who have the same credentials
 * @pid: its process
 * @uid: its user
 * @inside: it is in a user namespace of its own, and sees only itself
 */
struct fuzz_asker {
	int	cred;
	__u32	pid;
	uid_t	uid;
	bool	inside;
};

/**
 * struct fuzz_select - which tasks a request chooses
 * @by: how: bits FUZZ_SELECT()
 * @pids: FUZZ_SELECT(PIDS); allocated
 * @ids: FUZZ_SELECT(IDS), or NULL
 * @nr_pids: how many
 * @at: how many of them the answer has passed
 * @uid: FUZZ_SELECT(UID)
 * @euid: FUZZ_SELECT(EUID)
 * @sid: FUZZ_SELECT(SID)
 * @tty: FUZZ_SELECT(TTY)
 * @kthreads: FUZZ_SELECT(KTHREADS)
 * @states: FUZZ_SELECT(STATES)
 * @cgroup: which of the world's, or FUZZ_UNKNOWN
 */
struct fuzz_select {
	__u32	by;
	__u32	*pids;
	__u64	*ids;
	size_t	nr_pids;
	size_t	at;
	__u32	uid;
	__u32	euid;
	__u32	sid;
	__u32	tty;
	__u32	kthreads;
	char	states[20];
	int	cgroup;
};

enum fuzz_want_kind {
	FUZZ_WANT_ACK,
	FUZZ_WANT_HEADER,
	FUZZ_WANT_ONE,
	FUZZ_WANT_DUMP,
};

/* What one message is to be answered with, and how far that has come */
struct fuzz_want {
	enum fuzz_want_kind	kind;
	struct nlmsghdr		nlh;
	struct fuzz_asker	asker;
	struct task_diag_pid	req;
	struct fuzz_select	select;
	bool			answered;	/* but for NLM_F_ACK */
	bool			finished;

	/* Why it must be refused, or 0 */
	int			error;
	char			text[128];
	__u32			bad_attr;
	__u32			missing_attr;
	bool			may_be_gone;	/* ESRCH is right as well */
	bool			may_be_busy;	/* so is EBUSY */
	__u32			may_lack_cgroup; /* ENOENT, of this offset */

	/* Of a dump */
	bool			header_seen;
	bool			disowned;	/* others went on with it */
	long			disowned_left;	/* datagrams made before that */
	unsigned int		nr_tasks;
	__u64			tasks_seen;	/* of fuzz_world->tasks */
	__u32			pid;		/* the task it is at */
	__u32			tgid;		/* its process, if known */
	bool			more;
	__u64			groups;		/* of that task */
	__u64			errors;
	int			last_group;
	__u64			last_vma[2];	/* ends: of VMA, of VMA_STAT */
	bool			resumed;	/* it may have had a message */
	unsigned int		nr_attrs;	/* of this message, so far */
	__u64			processes;	/* groups, of the process too */
	const struct nlattr	*own;		/* what is due to have one */
	__u32			nr_files;
	__s64			last_fd;
	struct task_diag_file	file;		/* the last one */
	bool			file_cut;	/* lacks a part of its path */
	__s64			open_fds;	/* as FD says, or -1 */
};

struct fuzz_sock {
	int			fd;
	__u32			portid;
	int			cred;		/* of who opened it */
	bool			ext_ack;
	bool			cap_ack;
	bool			small;		/* SO_RCVBUF */
	bool			may_lose;	/* answers, until it is empty */
	bool			torn;		/* parts were not received */
	long			queued;		/* no fewer datagrams */
	struct fuzz_want	*wants;
	size_t			nr_wants;
	size_t			max_wants;
};

/* Says what is wrong; the first call counts. */
__printf(1, 2) void fuzz_wrong(const char *fmt, ...);

void fuzz_sent(struct fuzz_sock *sock, const struct fuzz_asker *asker,
	       const void *data, size_t len, bool named);
void fuzz_about_to_receive(struct fuzz_sock *sock,
			   const struct fuzz_asker *asker);
void fuzz_received(struct fuzz_sock *sock, const void *data, size_t len);
void fuzz_lost(struct fuzz_sock *sock);
void fuzz_drained(struct fuzz_sock *sock);
void fuzz_forget(struct fuzz_sock *sock);

/* Messages about tasks that were judged */
extern unsigned long fuzz_nr_judged;

#endif /* TASKDIAG_FUZZ_ORACLE_H */
