/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/*
 * libtask_diag - tasks and their properties, as the kernel's task_diag reports
 * them
 *
 *	struct task_diag_pid req = { .show_flags = TASK_DIAG_SHOW_BASE };
 *	const struct td_task *task;
 *	struct task_diag_base base;
 *	struct td_handle *td;
 *	int err;
 *
 *	if (td_open(&td) || td_dump(td, &req, sizeof(req)))
 *		errx(1, "%s", td_error(td));
 *	while ((err = td_next(td, &task)) > 0) {
 *		td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
 *		printf("%u %c\n", base.pid, base.state);
 *	}
 *	if (err)
 *		errx(1, "%s", td_error(td));
 *	td_close(td);
 *
 * <linux/task_diag.h> declares the groups, strategies, flags and structs, and
 * describes each field. Functions that can fail return a negative errno.
 *
 * The library has no global state. Only one thread at a time may use a handle;
 * threads that send requests concurrently need one each. Any thread of a
 * process may use it, as long as it shares its credentials with the others, as
 * threads do unless one of them changes its own, even to the same values.
 *
 * A child after fork() cannot continue the answer that its parent was
 * receiving: in the child td_next() returns -EPERM and leaves the parent's
 * answer alone. The child's next request uses a socket of its own. The child
 * does not get the events that its parent subscribed to either: td_event()
 * returns -EPERM.
 *
 * Memory: a handle holds about 40 KiB and the values of one task, see
 * td_set_limit(), and as much again with a subscription. The library allocates
 * memory for a task only if its values need more than those of any task before.
 * td_collect() holds the whole answer, up to a limit of its own.
 */
#ifndef __LIBTASK_DIAG_H
#define __LIBTASK_DIAG_H

#include <stddef.h>
#include <linux/task_diag.h>
#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* A connection to task_diag, and the answer to a request */
struct td_handle;

/*
 * A complete task of an answer or of an event. The task, and all pointers into
 * it, are valid until one of these is called with the handle that it came from:
 * td_close(); for a task of an answer td_next(), td_count(), td_collect(),
 * td_dump(), td_get(), td_subscribe() or td_stop(), or td_mirror_open(),
 * td_mirror_update() or td_mirror_dump() of a mirror that uses the handle; for a
 * task of an event td_event(), td_subscribe(), td_mirror_open() or
 * td_mirror_close().
 */
struct td_task;

/* All tasks, kept up to date by events */
struct td_mirror;

/* --- the connection ----------------------------------------------------- */

/**
 * td_open() - connect to task_diag
 * @td: set to the new handle, for td_error() and td_close() also after an error,
 *	or to NULL if there is no memory for one
 *
 * Return: 0, or a negative errno: -ENOENT if the kernel was built without
 * CONFIG_TASK_DIAG, -EPERM if the sysctl kernel.task_diag denies it to the
 * caller, -ENOMEM, or what socket(2) and the like returned.
 */
int td_open(struct td_handle **td);

/**
 * td_close() - end an answer, disconnect, and free all memory
 * @td: the handle, or NULL
 */
void td_close(struct td_handle *td);

/**
 * td_error() - why the last call with this handle failed
 * @td: the handle, or NULL
 *
 * Return: a text for people, including the kernel's text if it refused a
 * request; valid until the next call with the handle.
 */
const char *td_error(const struct td_handle *td);

/**
 * td_header() - what the kernel supports
 * @td: a handle that td_open() connected
 * @header: filled
 * @size: sizeof(*@header)
 */
void td_header(const struct td_handle *td, struct task_diag_header *header,
	       size_t size);

/**
 * td_set_limit() - limit the memory for the values of one task
 * @td: the handle
 * @bytes: the limit; 64 MiB until it is set, 1 GiB at most
 *
 * A group that exceeds the limit is reported as one that could not be read,
 * with -E2BIG. Only mappings, open files, arguments and environment can become
 * that long.
 */
void td_set_limit(struct td_handle *td, size_t bytes);

/* --- requests ------------------------------------------------------------ */

/**
 * td_select() - restrict the next td_dump() or td_subscribe() to some of the tasks
 * @td: the handle
 * @attr: TASK_DIAG_SELECT_*, see &enum task_diag_attr; each of them once
 * @data: its payload, which is copied: for STATES a string with its zero byte,
 *	for CGROUP a __u64, for DESCENDANTS nothing
 * @len: its length in bytes
 *
 * The kernel reports only tasks that all selections choose. The selections
 * apply to one request; the handle forgets them after it. td_get() with a
 * selection fails with -EINVAL.
 *
 * Return: 0 or a negative errno. After an error the next request fails with the
 * same errno, so it never reports tasks that should not be selected.
 */
int td_select(struct td_handle *td, unsigned int attr, const void *data,
	      size_t len);

/**
 * td_select_u32() - td_select() with a number
 * @td: the handle
 * @attr: TASK_DIAG_SELECT_UID, EUID, SID, TTY, KTHREADS or CGROUP_FD
 * @value: the number
 *
 * Return: 0 or a negative errno, as td_select().
 */
static inline int td_select_u32(struct td_handle *td, unsigned int attr,
				__u32 value)
{
	return td_select(td, attr, &value, sizeof(value));
}

/**
 * td_select_pids() - td_select() with processes or threads, in this order
 * @td: the handle
 * @pids: their numbers in the caller's pid namespace
 * @ids: the id of each as in struct task_diag_base, or 0 for any; NULL for any
 * @nr: how many, 1 to %TASK_DIAG_PIDS_MAX
 *
 * For %TASK_DIAG_DUMP_ALL and %TASK_DIAG_DUMP_ALL_THREAD. Tasks that do not
 * exist or that the caller may not see are left out.
 *
 * Return: 0 or a negative errno, as td_select().
 */
static inline int td_select_pids(struct td_handle *td, const __u32 *pids,
				 const __u64 *ids, size_t nr)
{
	int err = td_select(td, TASK_DIAG_SELECT_PIDS, pids,
			    nr * sizeof(*pids));

	if (err || !ids)
		return err;
	return td_select(td, TASK_DIAG_SELECT_IDS, ids, nr * sizeof(*ids));
}

/**
 * td_dump() - ask for tasks, which td_next() then returns
 * @td: the handle; a previous answer is dropped
 * @req: strategy, groups and flags; see &struct task_diag_pid
 * @size: sizeof(*@req)
 *
 * Return: 0, or a negative errno. The section "How to react to an errno" of
 * Documentation/accounting/taskdiag.rst lists those of the kernel, such as
 * -ESRCH if there is no process @req->pid that the caller may see.
 */
int td_dump(struct td_handle *td, const struct task_diag_pid *req, size_t size);

/**
 * td_next() - the next task of td_dump()
 * @td: the handle
 * @task: set to the task, or to NULL
 *
 * Receives when it has to, and retries after a signal.
 *
 * Return: 1 if there is a task, 0 after the last one, or a negative errno if
 * the answer ended early; further calls return the same. Besides the kernel's
 * own errors there are
 *
 * * -ECANCELED: td_stop(), td_get(), td_subscribe() or a call for a mirror has
 *   dropped the answer
 * * -EPERM: the dump belongs to another process, see fork() above, or the
 *   caller's credentials have changed
 * * -EINTR, after the last task: the kernel reports that the answer is
 *   inconsistent
 * * -ENOBUFS, -ENOMEM: a part was lost; retry
 * * -EMSGSIZE: a datagram was longer than the buffer, which has grown; retry
 * * -EBADMSG: a message is malformed
 */
int td_next(struct td_handle *td, const struct td_task **task);

/**
 * td_count() - receive an answer to its end, and count its tasks
 * @td: the handle, after td_dump()
 * @nr: set to the number of tasks that td_next() has not returned yet,
 *	including a last one that is incomplete
 *
 * This costs less than td_next() for each of them, because it reads no values.
 *
 * Return: 0, or a negative errno if the answer ended early, as td_next().
 */
int td_count(struct td_handle *td, size_t *nr);

/**
 * td_collect() - receive all of an answer before td_next() returns the first task
 * @td: the handle, after td_dump()
 * @limit: about how many bytes the answer may have, or SIZE_MAX. With arguments,
 *	environment, mappings or open files users decide how long it is.
 * @nr: set to the number of tasks, including a last one that is incomplete
 *
 * For a caller that must know first whether the answer is complete, or that
 * wants the tasks in another order, see td_seek(). The answer stays in memory
 * until the next request, td_stop() or td_close().
 *
 * Return: 0, or a negative errno if the answer ended early, as td_next(), or
 * -E2BIG if it exceeded @limit. In that case td_next() returns the tasks that
 * came before, and then the same errno.
 */
int td_collect(struct td_handle *td, size_t limit, size_t *nr);

/**
 * td_tell() - the position in an answer
 * @td: the handle, after td_collect()
 *
 * Return: the position of the task that td_next() returns next, for td_seek()
 */
size_t td_tell(const struct td_handle *td);

/**
 * td_seek() - continue at another position in an answer
 * @td: the handle, after td_collect(); otherwise td_seek() does nothing
 * @position: what td_tell() returned since then
 */
void td_seek(struct td_handle *td, size_t position);

/**
 * td_get() - ask for one process
 * @td: the handle; a previous answer is dropped
 * @req: as for td_dump(), but the strategy is always %TASK_DIAG_DUMP_ONE
 * @size: sizeof(*@req)
 * @task: set to the process, or to NULL
 *
 * Takes one message each way, or a dump if a group is not reported in any other
 * way, or the answer does not fit in one message.
 *
 * Return: 0 or a negative errno, as td_dump() and td_next().
 */
int td_get(struct td_handle *td, const struct task_diag_pid *req, size_t size,
	   const struct td_task **task);

/**
 * td_stop() - drop an answer
 * @td: the handle
 *
 * Frees what the kernel keeps for it, if it has not ended. The next request does
 * so anyway.
 */
void td_stop(struct td_handle *td);

/* --- events -------------------------------------------------------------- */

/**
 * td_subscribe() - ask for events from now on, which td_event() then returns
 * @td: the handle; its previous subscription ends, and a previous answer is
 *	dropped, even if the call fails
 * @req: groups and flags, and %TASK_DIAG_DUMP_ALL for events of processes or
 *	%TASK_DIAG_DUMP_ALL_THREAD for those of threads
 * @size: sizeof(*@req)
 * @events: mask of 1 << &enum task_diag_event_type
 *
 * td_header() reports which groups and events a subscription may have.
 * td_select() restricts the subscription to some of the tasks, but not by
 * %TASK_DIAG_SELECT_STATES.
 *
 * Events report everything that happens after this function returns; td_dump()
 * and td_get() with the same handle neither lose events nor end the
 * subscription. So a caller that subscribes before it dumps misses nothing;
 * td_mirror_open() does so.
 *
 * The subscription belongs to the calling thread: it ends with td_close(), and
 * when this thread ends, calls exec, or changes its credentials.
 *
 * Return: 0, or a negative errno as td_dump(), such as -EOPNOTSUPP if the
 * kernel has no subscriptions, or none with one of the groups, and -EUSERS if
 * the user has too many.
 */
int td_subscribe(struct td_handle *td, const struct task_diag_pid *req,
		 size_t size, __u32 events);

/**
 * td_event() - the next event of td_subscribe()
 * @td: the handle
 * @task: set to the task that the event is about, or to NULL
 * @timeout: how long to wait if there is none, in milliseconds: 0 for not at
 *	all, -1 for ever
 *
 * td_group() with %TASK_DIAG_EVENT copies the struct task_diag_event. The other
 * groups are those of @req, with their values at the moment of the event; a
 * group that did not fit is reported as one that could not be read, with
 * -E2BIG.
 *
 * Return: 1 if there is one, or a negative errno:
 *
 * * -EAGAIN: no event arrived in this time
 * * -ENOBUFS: events were lost because they were not received fast enough;
 *   later events can still be received. The field @lost of the next event, if
 *   there is one, counts the lost ones.
 * * -EPERM, after the last event: the subscription has ended, see
 *   td_subscribe()
 * * -ENOTCONN: there is no subscription
 * * -EINTR: a signal interrupted the wait
 * * -EBADMSG, -ENOMEM: a message is malformed, or there is no memory to read
 *   it; it is skipped
 */
int td_event(struct td_handle *td, const struct td_task **task, int timeout);

/**
 * td_fd() - the file descriptor of the subscription
 * @td: the handle
 *
 * For poll(2), after td_event() returned -EAGAIN or td_mirror_update() 0, and for
 * setsockopt(2) with SO_RCVBUF, which sets how many bytes of events may wait. It
 * has no other use.
 *
 * Return: the descriptor, or -1 without a subscription.
 */
int td_fd(const struct td_handle *td);

/* --- a mirror: all tasks, kept up to date by events ----------------------- */

/**
 * td_mirror_open() - subscribe to events, and read the tasks
 * @mirror: set to the mirror, or to NULL after an error
 * @td: a handle, whose previous subscription ends. Until td_mirror_close() the
 *	mirror uses it: between calls for the mirror, the caller may use td_dump()
 *	and td_get() with it, but not td_subscribe() and td_event(): events of the
 *	caller's own take another handle.
 * @strategy: %TASK_DIAG_DUMP_ALL or %TASK_DIAG_DUMP_ALL_THREAD
 *
 * The mirror has the live tasks that the caller may see, and no zombies.
 *
 * This, td_mirror_dump(), and a td_mirror_update() that reads the tasks again
 * drop an answer that the caller was receiving, and fail with -EINVAL if
 * td_select() was called for the next request.
 *
 * Return: 0; 1 if the mirror is not current yet, see td_mirror_update(); or a
 * negative errno, as td_subscribe() and td_next(), for which td_error() with
 * the handle says why.
 */
int td_mirror_open(struct td_mirror **mirror, struct td_handle *td,
		   __u64 strategy);

/**
 * td_mirror_close() - free a mirror, and end its subscription; the handle stays
 * @mirror: the mirror, or NULL; before td_close() of its handle
 */
void td_mirror_close(struct td_mirror *mirror);

/**
 * td_mirror_update() - apply the events that have arrived
 * @mirror: the mirror
 * @timeout: how long to wait for the first, as for td_event()
 *
 * If events were lost, it reads all tasks again.
 *
 * Return: 0, even if there was no event; 1 if the mirror is not current yet; or
 * a negative errno: as td_event(), or as td_next() if the tasks could not be
 * read again, which the next call retries.
 *
 * 1 means that events were lost during the call, or that the mirror does not know
 * whether a task has ended. Then only another call makes it current, perhaps
 * without an event: wait for td_fd() with poll(2) only after 0.
 */
int td_mirror_update(struct td_mirror *mirror, int timeout);

/**
 * td_mirror_dump() - read all tasks again
 * @mirror: the mirror
 *
 * No event reports that a task becomes hidden from the caller or visible to it.
 * This call finds both.
 *
 * Return: as td_mirror_update().
 */
int td_mirror_dump(struct td_mirror *mirror);

/**
 * td_mirror_find() - a task of a mirror by its id
 * @mirror: the mirror
 * @id: its id as in struct task_diag_base
 * @base: where to copy it, as the last message reported it. Ids, number and name
 *	are current; state and parent may have changed.
 * @size: sizeof(*@base), as for td_group()
 *
 * Return: 0, or -ESRCH if the mirror does not have it.
 */
int td_mirror_find(const struct td_mirror *mirror, __u64 id,
		   struct task_diag_base *base, size_t size);

/**
 * td_mirror_next() - the tasks of a mirror, in no particular order
 * @mirror: the mirror
 * @id: the one before, even if the mirror no longer has it; 0 for the first
 * @base: where to copy the next one, as for td_mirror_find()
 * @size: sizeof(*@base)
 *
 * Return: 1 if there is one, 0 after the last.
 */
int td_mirror_next(const struct td_mirror *mirror, __u64 id,
		   struct task_diag_base *base, size_t size);

/**
 * td_mirror_lost() - how many events were lost so far
 * @mirror: the mirror
 *
 * Return: their number, as far as events have reported it.
 */
__u64 td_mirror_lost(const struct td_mirror *mirror);

/* --- tasks --------------------------------------------------------------- */

/**
 * td_pid() - the number of a task
 * @task: the task, or NULL
 *
 * Return: the process or, for strategies over threads, the thread, in the
 * caller's pid namespace; 0 for NULL.
 */
__u32 td_pid(const struct td_task *task);

/**
 * td_process() - the values of a task's whole process
 * @task: the task, or NULL
 *
 * Return: a task with the groups STAT, TIMES, IO and SIGNAL of the process, as
 * far as the request asked for them with %TASK_DIAG_WITH_PROCESS. Only the leader
 * has it, or, in the event that the process ended, its last thread. Otherwise
 * NULL, which counts as a task without groups.
 */
const struct td_task *td_process(const struct td_task *task);

/**
 * td_failed() - the groups of a task that could not be read
 * @task: the task, or NULL
 *
 * Return: mask of TASK_DIAG_SHOW_*; td_group() returns the errno of each.
 */
__u64 td_failed(const struct td_task *task);

/**
 * td_task_dup() - copy a task, to keep it
 * @task: the task
 *
 * Return: the copy, which belongs to no handle; or NULL if there is no memory.
 */
struct td_task *td_task_dup(const struct td_task *task);

/**
 * td_task_free() - free a copy
 * @task: what td_task_dup() returned, or NULL
 */
void td_task_free(struct td_task *task);

/* --- groups -------------------------------------------------------------- */

/**
 * td_group() - the struct of a group
 * @task: the task
 * @attr: the group's attribute, such as %TASK_DIAG_BASE, or %TASK_DIAG_EVENT
 * @to: where to copy it; for a list, its first element
 * @size: bytes there: sizeof(*@to). Fields beyond it are left out, fields that
 *	the kernel lacks are zero, and after an error all bytes are zero.
 *
 * Return: 0; -ENODATA if the task has no such group, or the request did not ask
 * for it; or the negative errno with which it could not be read: -EAGAIN and
 * others from the kernel, -E2BIG also if it exceeds the limit, -ENOMEM,
 * -EBADMSG.
 */
int td_group(const struct td_task *task, unsigned int attr, void *to,
	     size_t size);

/**
 * td_bytes() - the bytes of a group
 * @task: the task
 * @attr: a group of bytes or of u32 (CMDLINE, ENVIRON, EXE, NAME, LABEL, CWD,
 *	ROOT, WCHAN, GROUPS), or %TASK_DIAG_CGROUP for the path. For other
 *	groups that are not a list, @data is the struct as the kernel sent it.
 * @data: set to the bytes, aligned to 4, without a terminating zero byte; after
 *	an error to an empty string
 * @len: set to their number
 *
 * Return: 0 or a negative errno as td_group(), or -EINVAL for a list, for which
 * td_item() is.
 */
int td_bytes(const struct td_task *task, unsigned int attr, const char **data,
	     size_t *len);

/**
 * td_gids() - the supplementary groups, TASK_DIAG_GROUPS
 * @task: the task
 * @gids: set to an array of them, in the caller's user namespace
 * @nr: set to their number
 *
 * Return: 0 or a negative errno, as td_group().
 */
static inline int td_gids(const struct td_task *task, const __u32 **gids,
			  size_t *nr)
{
	const char *data;
	int err = td_bytes(task, TASK_DIAG_GROUPS, &data, nr);

	*gids = (const __u32 *)(const void *)data;
	*nr /= sizeof(**gids);
	return err;
}

/**
 * td_cpus() - the processors that a task may run on, of TASK_DIAG_AFFINITY
 * @task: the task
 * @mask: filled: processor n is bit n % 32 of @mask[n / 32]
 * @nr: number of its elements
 *
 * Return: how many processors the kernel has numbers for, which may be more
 * than @mask has bits; or a negative errno, as td_group().
 */
int td_cpus(const struct td_task *task, __u32 *mask, size_t nr);

/**
 * td_mems() - the memory nodes that a task may take memory from, likewise
 * @task: the task
 * @mask: filled
 * @nr: number of its elements
 *
 * Return: as td_cpus(); 0 if the kernel does not support memory nodes.
 */
int td_mems(const struct td_task *task, __u32 *mask, size_t nr);

/* --- lists --------------------------------------------------------------- */

/**
 * struct td_item - an element of a list: zero it, then call td_item()
 * @text: name of a mapping (VMA), path of an open file (FILES), letters of
 *	VmFlags (VMA_STAT), without a terminating zero byte
 * @text_len: its length, 0 if there is none
 * @data: the element as the kernel sent it
 * @len: its length
 * @next: where td_item() continues
 *
 * As td_item() is a function, C++ needs the word struct, too.
 */
struct td_item {
	const char *text;
	size_t text_len;
	const char *data;
	size_t len;
	size_t next;
};

/**
 * td_item() - the next element of a list
 * @task: the task
 * @attr: a group that is a list: VMA, VMA_STAT, FILES, NS, NSPID, LIMITS
 * @item: the previous element, or zero for the first; set to the next one
 * @to: where to copy its struct
 * @size: bytes there: sizeof(*@to), as for td_group()
 *
 * Return: 1 if there is one, 0 after the last, or a negative errno as td_group().
 */
int td_item(const struct td_task *task, unsigned int attr, struct td_item *item,
	    void *to, size_t size);

/**
 * td_pages() - the page counters of a mapping
 * @item: an element of %TASK_DIAG_VMA_STAT
 * @pages: filled, as td_group() does
 * @size: sizeof(*@pages)
 *
 * Return: 0 or -ENODATA.
 */
int td_pages(const struct td_item *item, struct task_diag_pages *pages,
	     size_t size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* __LIBTASK_DIAG_H */
