// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * A mirror: all live tasks, by id.
 *
 * The subscription exists before a dump begins, so the dump has a task, or an
 * event reports it, or both. If both do, the event is right, whichever arrives
 * first, because it reports a change that may have come after the dump. So
 * while the mirror receives a dump, it notes the ids that events report,
 * including those of tasks that ended. Ids are never reused, so it can forget
 * them after the dump.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* A bit of struct task_diag_sched.flags: the task is exiting */
#define PF_EXITING	0x00000004

#define NR_BUCKETS	4096

/**
 * struct entry - an id
 * @base: the task, which td_mirror_find() returns
 * @next: in the same bucket
 * @round: the last dump that had it, or after whose start an event reported it
 * @ended: it has ended while that dump is still being received
 */
struct entry {
	struct task_diag_base base;
	struct entry *next;
	unsigned int round;
	bool ended;
};

/**
 * struct td_mirror - see libtask_diag.h
 * @td: the handle
 * @req: what dumps ask for
 * @round: number of the last dump
 * @dumping: that dump has not ended yet
 * @stale: events were lost, or could not be applied, since that dump began
 * @lost: events that were lost
 * @buckets: the entries, by the lowest bits of their ids, which are consecutive
 *	numbers
 */
struct td_mirror {
	struct td_handle *td;
	struct task_diag_pid req;
	unsigned int round;
	bool dumping;
	bool stale;
	__u64 lost;
	struct entry *buckets[NR_BUCKETS];
};

/* --- entries ------------------------------------------------------------- */

/* The link to the entry of an id, or where to link a new one */
static struct entry **find(struct td_mirror *mirror, __u64 id)
{
	struct entry **at = &mirror->buckets[id % NR_BUCKETS];

	while (*at && (*at)->base.id != id)
		at = &(*at)->next;
	return at;
}

/* Finds the entry of an id, or makes one that predates the last dump. */
static struct entry *get(struct td_mirror *mirror, __u64 id)
{
	struct entry **at = find(mirror, id);

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return NULL;
		(*at)->base.id = id;
		(*at)->round = mirror->round - 1;
	}
	return *at;
}

static void drop(struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	free(entry);
}

/* Removes ended tasks and, after a complete dump, those that it lacks. */
static void sweep(struct td_mirror *mirror, bool whole)
{
	struct entry **at;
	size_t i;

	for (i = 0; i < NR_BUCKETS; i++) {
		at = &mirror->buckets[i];
		while (*at) {
			if ((*at)->ended || (whole && (*at)->round != mirror->round))
				drop(at);
			else
				at = &(*at)->next;
		}
	}
}

/* --- events -------------------------------------------------------------- */

static int bury(struct td_mirror *mirror, __u64 id)
{
	struct entry **at, *entry;

	if (mirror->dumping) {
		entry = get(mirror, id);
		if (!entry)
			return -ENOMEM;
		entry->ended = true;
		entry->round = mirror->round;
	} else {
		at = find(mirror, id);
		if (*at)
			drop(at);
	}
	return 0;
}

static bool of_threads(const struct td_mirror *mirror)
{
	return mirror->req.dump_strategy == TASK_DIAG_DUMP_ALL_THREAD;
}

static bool is_dead(const struct task_diag_base *base)
{
	return base->state == 'Z' || base->state == 'X';
}

static int change(struct td_mirror *mirror, const struct td_task *task,
		  const struct task_diag_event *event, bool took_over)
{
	struct task_diag_base base;
	struct entry *entry;

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	if (of_threads(mirror) && event->type == TASK_DIAG_EVENT_COMM) {
		/* A thread may rename a thread that has ended, or is ending. */
		if (is_dead(&base))
			return 0;
		if (!mirror->dumping && !*find(mirror, event->id)) {
			mirror->stale = true;
			return 0;
		}
	}
	entry = get(mirror, event->id);
	if (!entry)
		return -ENOMEM;
	if (entry->ended && !took_over)
		return 0;
	base.id = event->id;
	entry->base = base;
	entry->ended = false;
	entry->round = mirror->round;
	return 0;
}

static int apply(struct td_mirror *mirror, const struct td_task *task)
{
	struct task_diag_event event;
	bool took_over;
	int err = 0;

	td_group(task, TASK_DIAG_EVENT, &event, sizeof(event));
	if (event.lost) {
		mirror->lost += event.lost;
		mirror->stale = true;
	}
	if (event.type == TASK_DIAG_EVENT_EXIT)
		return bury(mirror, event.id);
	/*
	 * A thread that calls exec takes over the id of its leader, which has
	 * ended.
	 */
	took_over = event.type == TASK_DIAG_EVENT_EXEC && event.old_id &&
		    event.old_id != event.id;
	if (took_over)
		err = bury(mirror, event.old_id);
	return err ? err : change(mirror, task, &event, took_over);
}

/* Waits for the first event, then applies all that have arrived. */
static int apply_events(struct td_mirror *mirror, int timeout)
{
	const struct td_task *task;
	int ret;

	for (;;) {
		ret = td_event(mirror->td, &task, timeout);
		if (ret > 0)
			ret = apply(mirror, task);
		if (ret == -EAGAIN)
			return 0;
		if (ret < 0 && ret != -EINTR)
			mirror->stale = true;
		if (ret < 0 && ret != -ENOBUFS)
			return ret;
		timeout = 0;
	}
}

/* --- dumps --------------------------------------------------------------- */

static int add_dumped(struct td_mirror *mirror, const struct td_task *task)
{
	struct task_diag_sched sched;
	struct task_diag_base base;
	struct entry *entry;
	bool ends;

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	td_group(task, TASK_DIAG_SCHED, &sched, sizeof(sched));
	/* For an exiting task, EXIT may have come already. */
	ends = is_dead(&base) || sched.flags & PF_EXITING;
	/* A process may live on without its leader: the next dump decides. */
	if (ends && (of_threads(mirror) || sched.nr_threads < 2))
		return 0;
	if (ends && !*find(mirror, base.id))
		mirror->stale = true;
	entry = get(mirror, base.id);
	if (!entry)
		return -ENOMEM;
	if (entry->round != mirror->round) {
		entry->base = base;
		entry->round = mirror->round;
	}
	return 0;
}

static int receive_dump(struct td_mirror *mirror)
{
	const struct td_task *task;
	int ret;

	ret = td_dump(mirror->td, &mirror->req, sizeof(mirror->req));
	while (!ret) {
		/* Apply events in between, so that few of them have to wait. */
		if (td__is_between_parts(mirror->td))
			ret = apply_events(mirror, 0);
		if (ret)
			break;
		ret = td_next(mirror->td, &task);
		if (ret <= 0)
			break;
		ret = add_dumped(mirror, task);
	}
	return ret;
}

int td_mirror_dump(struct td_mirror *mirror)
{
	int err;

	/* Where the dump differs from events before a loss, the dump is right. */
	err = apply_events(mirror, 0);
	if (err)
		return err;
	mirror->stale = false;
	mirror->round++;
	mirror->dumping = true;
	err = receive_dump(mirror);
	mirror->dumping = false;
	if (err)
		mirror->stale = true;
	sweep(mirror, !err);
	return err;
}

/* --- the mirror ---------------------------------------------------------- */

static int begin(struct td_mirror *mirror)
{
	/* From FORK to CRED */
	const __u32 events = (2U << TASK_DIAG_EVENT_CRED) - 2;
	int err;

	if (td__is_selecting(mirror->td))
		return -EINVAL;
	err = td_subscribe(mirror->td, &mirror->req, sizeof(mirror->req), events);
	if (err)
		return err;
	mirror->req.show_flags |= TASK_DIAG_SHOW_SCHED;
	return td_mirror_dump(mirror);
}

int td_mirror_open(struct td_mirror **mirror, struct td_handle *td,
		   __u64 strategy)
{
	int err;

	*mirror = calloc(1, sizeof(**mirror));
	if (!*mirror)
		return -ENOMEM;
	(*mirror)->td = td;
	(*mirror)->req.show_flags = TASK_DIAG_SHOW_BASE;
	(*mirror)->req.dump_strategy = strategy;
	err = begin(*mirror);
	if (err) {
		td_mirror_close(*mirror);
		*mirror = NULL;
	}
	return err;
}

void td_mirror_close(struct td_mirror *mirror)
{
	if (!mirror)
		return;
	/* No entry is of this round, so all are removed. */
	mirror->round++;
	sweep(mirror, true);
	free(mirror);
}

int td_mirror_update(struct td_mirror *mirror, int timeout)
{
	int err = mirror->stale ? 0 : apply_events(mirror, timeout);

	return !err && mirror->stale ? td_mirror_dump(mirror) : err;
}

const struct task_diag_base *td_mirror_find(struct td_mirror *mirror, __u64 id)
{
	const struct entry *entry = *find(mirror, id);

	return entry ? &entry->base : NULL;
}

const struct task_diag_base *td_mirror_next(struct td_mirror *mirror,
					    const struct task_diag_base *task)
{
	const struct entry *entry = (const void *)task;
	size_t i = 0;

	if (entry && entry->next)
		return &entry->next->base;
	if (entry)
		i = task->id % NR_BUCKETS + 1;
	for (; i < NR_BUCKETS; i++) {
		if (mirror->buckets[i])
			return &mirror->buckets[i]->base;
	}
	return NULL;
}

__u64 td_mirror_lost(const struct td_mirror *mirror)
{
	return mirror->lost;
}
