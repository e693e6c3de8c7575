/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of task_diag share: requests, answers, what procfs reports, and
 * processes to request.
 *
 * Functions that compare return a string, "" if nothing differs: a test then reads
 * EXPECT_STREQ("", ...) and a failure shows what is wrong.
 */
#ifndef TASKDIAG_H
#define TASKDIAG_H

#include "../../kselftest.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/task_diag.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* The show flag of a group */
#define BIT(group)	TASK_DIAG_SHOW_##group

#define TD_DEADLINE_S	20	/* for what must happen, but need not immediately */
#define TD_NO_PID	0x3ffffe	/* a pid that nobody has */
#define TD_ALICE	10001	/* an ordinary user, and her group */
#define TD_BOB		10002	/* another one */

/* --- util.c ------------------------------------------------------------ */

/* Ends a child that a test relies on unless @ok; @what is what failed. */
void td_must(bool ok, const char *what);

/* Makes room for another element; @max is how many there is room for. */
void *td_grow(void *array, size_t nr, size_t *max, size_t size);

/* Seconds since some point in the past */
double td_now(void);

/* Seconds of processor time of the calling thread */
double td_cpu_time(void);

/* A number of the environment, @otherwise without one */
unsigned int td_env_number(const char *name, unsigned int otherwise);

/*
 * Seconds: what happens immediately has happened by then. TD_PATIENCE of the
 * environment, or 1.
 */
double td_patience(void);

/* Reads the start of a file; "" if there is no such file. */
void td_read_file(const char *path, char *text, size_t size);

/* Reads all of it, or "" if there is no such file; for free(). */
char *td_read_whole(const char *path, size_t *len);

/* Writes to a file that exists; says whether it took all of it. */
bool td_write_file(const char *path, const char *text);

/* Reads which of the words in a file is in brackets; "" without such a file. */
void td_read_choice(const char *path, char *choice, size_t size);

struct td_set {
	__u32	*pids;
	size_t	nr;
	size_t	max;
};

void td_set_add(struct td_set *set, __u32 pid);
void td_set_sort(struct td_set *set);
bool td_set_has(const struct td_set *set, __u32 pid);
void td_set_free(struct td_set *set);

/*
 * Both sorted. Says what @seen lacks of @expected, what it has in excess, and
 * what it has twice.
 */
const char *td_set_diff(const struct td_set *expected,
			const struct td_set *seen);

/* What differs, all of it, in the order in which it was found */
extern struct diff {
	char	text[2000];
	size_t	len;
} diff;
void begin_diff(void);
__printf(1, 2) void differs(const char *fmt, ...);
/* Adds what differs of @pid, if these two do. */
void expect(__u32 pid, const char *what, __u64 here, __u64 there);

/* --- client.c: requests and their answers ------------------------------ */

struct td_sock {
	int	fd;
	__u32	portid;
	__u16	family;
	char	*buf;		/* where answers are received */
	size_t	size;		/* with this many bytes to a recv */
	/* What was requested last */
	__u32	seq;
	__u64	show_flags;
	bool	dump;
};

struct td_msg {
	struct nlmsghdr		nlh;
	struct genlmsghdr	genl;
	char			attrs[16384];
};

struct td_task {
	__u32			pid;
	bool			has_base;
	struct task_diag_base	base;
};

struct td_answer {
	char		broken[160];	/* what no answer may be like */
	unsigned int	nr_datagrams;

	bool				has_header;
	struct task_diag_header		header;
	unsigned int			nr_progress;	/* more headers */

	struct td_props_answer	*props;	/* takes the tasks, if not NULL */
	struct td_task		*tasks;
	size_t			nr_tasks;
	size_t			max_tasks;

	/* The end: NLMSG_DONE, NLMSG_ERROR, or the answer to a plain request */
	bool		ended;
	int		error;		/* positive */
	char		text[160];	/* of the extack */
	__u32		bad_attr;	/* offset */
	__u32		missing_attr;	/* type */
	char		end[8192];	/* the message itself */
	size_t		end_len;
};

/* Returns 0 or -errno; -ENOENT if the kernel has no task_diag. */
int td_open(struct td_sock *sock);
void td_close(struct td_sock *sock);

/* The id of a family of generic netlink, or -errno */
int td_family(int fd, const char *name);

/* Each recv() takes @size bytes from now on. */
void td_set_recv_size(struct td_sock *sock, size_t size);

/* Starts a message of any family, and adds an attribute to it. */
void td_begin(struct td_msg *msg, __u16 type, __u8 cmd, __u16 flags, __u32 seq);
void td_put(struct td_msg *msg, __u16 type, const void *data, size_t len);

/* Starts a request to task_diag: the answer is judged by what it asks for. */
void td_request(struct td_sock *sock, struct td_msg *msg, __u8 cmd,
		__u16 flags);
void td_request_get(struct td_sock *sock, struct td_msg *msg, __u16 flags,
		    const struct task_diag_pid *req);

/* Names the kernel's address. Returns 0 or -errno. */
int td_send(struct td_sock *sock, const struct td_msg *msg);
int td_send_get(struct td_sock *sock, __u16 flags,
		const struct task_diag_pid *req);

/* Starts a dump of BASE without receiving any of it. */
int td_start_dump(struct td_sock *sock, __u64 strategy, __u32 pid);

/* Many requests in one datagram */
#define TD_FLOOD_REQUESTS	4000

struct td_flood {
	size_t len;
	__u32 first;	/* sequence number */
	char bytes[TD_FLOOD_REQUESTS * 64];
};

/* @nr requests for the same task */
void td_make_flood(struct td_sock *sock, struct td_flood *flood,
		   unsigned int nr, __u16 flags, __u64 show_flags, pid_t pid);
bool td_send_flood(const struct td_sock *sock, const struct td_flood *flood);

struct td_answer *td_new_answer(void);
void td_free(struct td_answer *answer);

/* Records what is wrong with an answer; the first record stays. */
__printf(2, 3) void td_broken(struct td_answer *answer, const char *fmt, ...);

/* The attribute at @pos of @nlh, moving @pos after it; NULL after the last. */
const struct nlattr *td_next_attr(struct td_answer *answer,
				  const struct nlmsghdr *nlh, size_t *pos);
size_t td_attr_len(const struct nlattr *attr);

/* The pid that a task starts with; moves @pos after it. */
__u32 td_parse_pid(const struct td_sock *sock, struct td_answer *answer,
		   const struct nlmsghdr *nlh, size_t *pos);

/* Add to the answer a message, the end, or all @len bytes in sock->buf. */
void td_parse(const struct td_sock *sock, struct td_answer *answer,
	      const struct nlmsghdr *nlh);
void td_parse_end(struct td_answer *answer, const struct nlmsghdr *nlh);
void td_parse_datagram(const struct td_sock *sock, struct td_answer *answer,
		       size_t len);

/* Adds one datagram. Returns whether there is more to receive. */
bool td_recv(const struct td_sock *sock, struct td_answer *answer);

/* All of the answer: to what was sent, or is sent now */
struct td_answer *td_recv_all(const struct td_sock *sock);
struct td_answer *td_exchange(struct td_sock *sock, const struct td_msg *msg);
struct td_answer *td_get(struct td_sock *sock, __u16 flags, __u64 strategy,
			 __u64 show_flags, __u32 pid);
struct td_answer *td_dump(struct td_sock *sock, __u64 strategy,
			  __u64 show_flags, __u32 pid);

/* All groups that the kernel has */
__u64 td_all_groups(struct td_sock *sock);

/* Groups that a plain request may not ask for */
#define TD_LONG_GROUPS	(BIT(VMA) | BIT(VMA_STAT) | BIT(MEM_ROLLUP) | BIT(FILES))

/* The first of the tasks with the pid, NULL if there is none; how many there are */
const struct td_task *td_find(const struct td_answer *answer, __u32 pid);
size_t td_count(const struct td_answer *answer, __u32 pid);

/* Says whether something is wrong with the answer to a good request. */
const char *td_whole(const struct td_answer *answer);

/* The pids of the tasks, sorted */
struct td_set td_pids(const struct td_answer *answer);

/* ALL and ALL_THREAD come by ascending pid, hence each once. */
const char *td_ascending(const struct td_answer *answer);

/* --- groups.c: groups of tasks, joined from the messages they came in --- */

#define TD_MAX_GROUPS	64

/* One group of one task */
struct td_group {
	char		*data;		/* the payloads, one after the other */
	size_t		len;
	size_t		*parts;		/* where in it each of them begins */
	unsigned int	nr_parts;	/* attributes that it came in */
	size_t		max_parts;
	int		error;		/* of TASK_DIAG_ERROR, negative */
};

struct td_props {
	__u32		pid;
	__u64		has;		/* groups that came */
	__u64		failed;		/* groups that TASK_DIAG_ERROR names */
	unsigned int	nr_msgs;
	bool		more;		/* TASK_DIAG_MORE in the last message */
	struct td_group	groups[TD_MAX_GROUPS];
};

struct td_props_answer {
	struct td_answer *rest;		/* what is not about a task */
	struct td_props	*tasks;
	size_t		nr_tasks;
	size_t		max_tasks;
	bool		may_repeat;	/* a task may come twice in a row */
};

struct td_props_answer *td_new_props(void);
void td_free_props(struct td_props_answer *answer);

/* Adds a message about a task: its pid, then its groups or a part of them. */
void td_parse_props(const struct td_sock *sock, struct td_props_answer *answer,
		    const struct nlmsghdr *nlh);

/* Adds one datagram. Returns whether there is more to receive. */
bool td_recv_props(const struct td_sock *sock, struct td_props_answer *answer);

/* Sends a request; its answer is to be received. */
struct td_props_answer *td_start_props(struct td_sock *sock, __u16 flags,
				       const struct task_diag_pid *req);

/* Sends a request, and receives all of its answer. */
struct td_props_answer *td_ask_props(struct td_sock *sock, __u16 flags,
				     const struct task_diag_pid *req);

struct td_props_answer *td_get_props(struct td_sock *sock, __u16 flags,
				     __u64 strategy, __u64 show_flags,
				     __u32 pid);

/* Like td_whole(); a task that was begun must have come to its end as well. */
const char *td_props_whole(const struct td_props_answer *answer);

const struct td_props *td_find_props(const struct td_props_answer *answer,
				     __u32 pid);

/* Copies up to @size bytes of a group of the task @nr; returns its whole length. */
size_t td_get_bytes(struct td_sock *sock, __u64 strategy, __u32 nr, __u16 attr,
		    void *bytes, size_t size);

/* Copies what there is of part @nr, up to @size bytes; returns its length. */
size_t td_copy_part(const struct td_group *group, unsigned int nr, void *to,
		    size_t size);

/* --- events.c: what a socket subscribed to ------------------------------ */

#define TD_ALL_EVENTS	(2 * (1U << TASK_DIAG_EVENT_MAX) - 2)

struct td_event {
	__u32			pid;
	struct task_diag_event	event;
	struct nlmsghdr		*nlh;	/* a copy of the message */
};

struct td_events {
	struct td_event	*list;
	size_t		nr, max;
	unsigned int	datagrams;
	bool		acked;
	int		error;		/* of the request, positive */
	char		text[160];	/* of its extack */
	unsigned int	nr_full;	/* how often the receive buffer was full */
	int		end;		/* errno with which the subscription ended */
	struct td_answer broken;	/* .broken: what no message may be like */
};

/* Starts a request for the events of @mask, with the groups of @req. */
void td_begin_subscribe(struct td_sock *sock, struct td_msg *msg, __u32 mask,
			const struct task_diag_pid *req);

/*
 * Sends a request made by td_begin_subscribe(). Returns its errno, positive; what
 * is wrong is in events->text.
 */
int td_send_subscribe(struct td_sock *sock, struct td_events *events,
		      const struct td_msg *msg);

/* Both of these */
int td_subscribe(struct td_sock *sock, struct td_events *events, __u32 mask,
		 __u64 strategy, __u64 show_flags);

/* Takes all that waits in the socket. */
void td_drain(struct td_sock *sock, struct td_events *events);
void td_free_events(struct td_events *events);

/* The @nth event of the type of a task, from 0; NULL if there is none */
const struct td_event *td_nth_event(const struct td_events *events, __u32 pid,
				    __u32 type, size_t nth);
const struct td_event *td_find_event(const struct td_events *events, __u32 pid,
				     __u32 type);

/* The first attribute of the type, or NULL. Its payload is aligned to 4 bytes. */
const struct nlattr *td_event_attr(const struct td_event *event, __u16 type);

/* Copies a group's struct. Returns whether the event has it. */
bool td_event_group(const struct td_event *event, __u16 type, void *to,
		    size_t size);

/* The error for a group; 0 if there is none */
int td_event_error(const struct td_event *event, __u16 type);

/* The types of the events of a task, in their order: "fork,exec,exit" */
const char *td_story(const struct td_events *events, __u32 pid);

/* --- taskstats.c: a socket to the family of that name ------------------- */

/* Like td_open() */
int taskstats_open(struct td_sock *sock);

/* Subscribes to all threads and processes that end. */
bool taskstats_listen(struct td_sock *sock);

/* --- compare.c: what procfs says, and what differs from it -------------- */

/* The processes in the procfs mounted on @proc, sorted like all that follow */
struct td_set proc_pids(const char *proc);

/* The threads of one process or of all */
void proc_add_tids(const char *proc, __u32 pid, struct td_set *set);
struct td_set proc_tids(const char *proc, __u32 pid);
struct td_set proc_all_tids(const char *proc);

/*
 * Reads a file of a process, or with @tid of its thread. Terminates what it read,
 * which may hold zeroes; returns its length or -errno.
 */
ssize_t proc_read(const char *proc, __u32 pid, __u32 tid, const char *file,
		  char *buf, size_t size);

/*
 * What procfs says that BASE should be: of the thread @tid of @pid, or with 0
 * of the process. @name is the name as procfs shows it. Returns 0 or -errno.
 */
int proc_base(const char *proc, __u32 pid, __u32 tid,
	      struct task_diag_base *base, char name[80]);

/* Says in what @seen differs from what procfs says. */
const char *td_base_diff(const char *proc, __u32 pid, __u32 tid,
			 const struct task_diag_base *seen);

/* Compare a process by a plain request and by a dump, or all of its threads. */
const char *td_check_process(struct td_sock *sock, const char *proc, __u32 pid);
const char *td_check_threads(struct td_sock *sock, const char *proc, __u32 pid);

/*
 * All that a dump shows against all that procfs does. The system may move: what
 * counts is a dump with procfs the same before and after.
 */
const char *td_check_all(struct td_sock *sock, const char *proc,
			 __u64 strategy);

/* --- processes.c: processes to request ------------------------------- */

/*
 * Forks a child that ends with its parent, also where that ends before the child
 * gets to say so. The parent of a namespace's first process is 0 to it.
 */
pid_t td_fork(void);

/* fork() with CLONE_ flags: clone(2) has another order on each architecture. */
pid_t td_clone(__u64 flags);

/* Returns the child's exit status, or -1 if a signal ended it. */
int td_wait(pid_t pid);

/* A copy of the file descriptor @fd of the process, or -1 */
int td_get_fd(pid_t pid, int fd);

/* Sends copies of @nr file descriptors, at most 2, over a unix socket. */
void td_send_fds(int sock, const int *fds, unsigned int nr);

/* The inode number of a pidfd of the process or thread; 0 if it is gone */
__u64 td_pidfd_ino(__u32 pid);

/* Where a child says that it is ready */
extern int td_ready_fd;

/* From now on the child lives as long as its parent does. */
void td_ready(void);

/*
 * Forks a child that runs @setup and sleeps. Returns its pid once it is ready:
 * when @setup has returned or has called td_ready(); or -1.
 */
pid_t td_spawn(void (*setup)(const void *arg), const void *arg);

/* A child that sleeps, as procfs shows as well */
pid_t td_spawn_sleeper(void (*setup)(const void *arg), const void *arg);

/* One that was killed, and all of whose threads are gone */
pid_t td_spawn_zombie(void (*setup)(const void *arg), const void *arg);

/* What td_spawn() made; ends and reaps them. */
extern struct td_set td_children;
void td_kill_children(void);

/* Waits until the leader is the only thread: others are joined before that. */
bool td_wait_threads_gone(__u32 pid);

/* Waits until procfs says that the task is in the state. */
bool td_wait_state(__u32 pid, __u32 tid, char state);

/* A setup: sleeps in *@arg more threads than the first one. */
void td_start_threads(const void *arg);
void *td_sleep_in_thread(void *unused);

/* Fails the test if there is no thread. */
pthread_t td_new_thread(void *(*run)(void *arg), const void *arg);

/* A setup: the name of the calling thread */
void td_set_name(const void *name);

/* Copies the program that runs, for an exec. */
void td_copy_program(const char *path, mode_t mode);

/*
 * Runs @judge in a child, whatever it does to itself, and prints what it says.
 * Returns KSFT_PASS if that is "".
 */
int td_judge_in_child(const char *(*judge)(void));

/* The calling thread */
void td_stay_on_cpu(int cpu);

/* Reads 1000 bytes in 20 calls, and writes 3000 in 30. */
void td_read_and_write(void);

/* --- race.c: exec of a set-uid program in a loop --------------------------- */

/*
 * Victims, which are processes of alice, run an ordinary program and a set-uid one
 * in turn. What the latter has or is bears marks.
 */
struct td_race {
	__u32 victims[2];
	__u32 forks;		/* has children that become the set-uid program */
	int enough_execs;
	__u32 flags;		/* of requests for @wanted */
	__u64 groups;		/* that alice asks for */
	__u64 wanted;		/* groups with marks */
	/* The request number @round of alice */
	struct td_props_answer *(*ask)(struct td_sock *sock,
				       const struct td_race *race,
				       unsigned int round);
	/* Groups that disclose a mark */
	__u64 (*secrets_of)(const struct td_props *task);
	/* What another requester does, or NULL */
	void (*flood)(struct td_race *race, struct td_sock *sock);
	/* The rest belongs to race.c. */
	int exec_fd;
	double end;		/* not before this, nor before it showed enough */
	double deadline;
	unsigned long nr_shown;	/* of the first victim */
	unsigned long nr_busy;
	unsigned long nr_refused;
	__u64 found;		/* by root */
};

/*
 * In shared memory; fails the test if there is none. A victim writes a byte to
 * *@exec_fd at each exec, which fails once the test has ended.
 */
struct td_race *td_new_race(int *exec_fd);

/* Whether requesters go on. A slow machine gets more time. */
bool td_goes_on(const struct td_race *race);

/*
 * Dumps as alice, who must never find a mark, and as root, who must find each.
 * Says what went wrong.
 */
const char *td_run_race(struct td_race *race, unsigned int seconds);

/* --- sandbox.c: users, namespaces, mounts, Landlock --------------------- */

#define HIDEPID	"/tmp/hidepid"

/* An ordinary user, who may look at her own processes; the second is a setup. */
void td_become(uid_t uid);
void td_become_user(const void *uid);

/* Makes the caller root of a user namespace, and of @more namespaces. */
void td_unshare_user(int more);

/* A private tmpfs on /tmp, where set-uid programs work. */
bool td_private_tmp(void);

/* A procfs with hidepid=2 on HIDEPID, which is on a private /tmp */
bool td_mount_hidepid(void);

/* Capabilities as the kernel has them: libcap changes others as well. */
void td_set_caps(__u64 effective, __u64 permitted, __u64 inheritable);

/* Sets no_new_privs. */
void td_gain_nothing(void);

/* Is Landlock among the booted security modules? errno says why not. */
bool td_has_landlock(void);
/* A domain of its own that denies nothing but what all domains do */
void td_enter_landlock(void);

/* --- memory.c ----------------------------------------------------------- */

/* With CONFIG_PER_VMA_LOCK mappings are read without the lock of all of them. */
bool td_has_vma_locks(void);

/* Moves where the process has its arguments and environment. */
void td_move_strings(char *arg, size_t arg_len, char *env, size_t env_len);

/* Zeroed memory in which a child can report */
void *td_share(size_t size);

/* Memory that was written to; td_touch_memory() unmaps it again. */
char *td_map(size_t size, int flags, int fd);
void td_touch_memory(size_t size);

/* Memory whose first @present bytes are there; a handler never fills the rest. */
char *td_map_for_handler(size_t size, size_t present);

/* Swaps out what nobody else maps. */
void td_page_out(char *start, size_t len);

/* A setup: half of its megabyte is swapped out. */
void td_swap_out(const void *unused);

/* A block device in memory */
struct td_storage {
	int	fd;
	bool	swaps;
	char	path[32];
};

/* A loop device over @size bytes of memory; returns "", or what failed. */
const char *td_open_storage(struct td_storage *storage, size_t size);

/* Makes it swap space of @size bytes. */
const char *td_start_swap(struct td_storage *storage, size_t size);
void td_close_storage(struct td_storage *storage);

#endif /* TASKDIAG_H */
