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
 * @base: the task, which td_mirror_find() copies
 * @next: in the same bucket, with a higher id
 * @round: the last dump that had it, or after whose start an event reported it
 * @ended: it has ended while that dump is still being received
 * @named: since that dump began, only COMM has shown this thread
 * @leaderless: a process whose leader has ended, or is ending, in that dump
 */
struct entry {
	struct task_diag_base base;
	struct entry *next;
	unsigned int round;
	bool ended;
	bool named;
	bool leaderless;
};

/**
 * struct td_mirror - see libtask_diag.h
 * @td: the handle
 * @req: what dumps ask for
 * @round: number of the last dump
 * @dumping: that dump has not ended yet
 * @stale: another dump must follow: since that one began, events were lost or
 *	could not be applied, or nothing tells whether a task has ended
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
static struct entry **place(struct td_mirror *mirror, __u64 id)
{
	struct entry **at = &mirror->buckets[id % NR_BUCKETS];

	while (*at && (*at)->base.id < id)
		at = &(*at)->next;
	return at;
}

static struct entry *find(const struct td_mirror *mirror, __u64 id)
{
	struct entry *entry = mirror->buckets[id % NR_BUCKETS];

	while (entry && entry->base.id != id)
		entry = entry->next;
	return entry;
}

/* Finds the entry of an id, or makes one that predates the last dump. */
static struct entry *get(struct td_mirror *mirror, __u64 id)
{
	struct entry **at = place(mirror, id), *entry = *at;

	if (entry && entry->base.id == id)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry) {
		td__fail(mirror->td, -ENOMEM, "malloc");
		return NULL;
	}
	entry->base.id = id;
	entry->round = mirror->round - 1;
	entry->next = *at;
	*at = entry;
	return entry;
}

static void drop(struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	free(entry);
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
		at = place(mirror, id);
		if (*at && (*at)->base.id == id)
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
	bool named = false;

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	if (of_threads(mirror) && event->type == TASK_DIAG_EVENT_COMM) {
		/* A thread may rename a thread that has ended, or is ending. */
		if (is_dead(&base))
			return 0;
		entry = find(mirror, event->id);
		if (!entry && !mirror->dumping) {
			mirror->stale = true;
			return 0;
		}
		named = !entry || entry->named || entry->round != mirror->round;
	}
	entry = get(mirror, event->id);
	if (!entry)
		return -ENOMEM;
	if (entry->ended && !took_over)
		return 0;
	base.id = event->id;
	entry->base = base;
	entry->ended = false;
	entry->named = named;
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

static bool is_ending(const struct task_diag_base *base,
		      const struct task_diag_sched *sched)
{
	return is_dead(base) || sched->flags & PF_EXITING;
}

static int add_dumped(struct td_mirror *mirror, const struct td_task *task)
{
	struct task_diag_sched sched;
	struct task_diag_base base;
	struct entry *entry;
	bool ends;

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	td_group(task, TASK_DIAG_SCHED, &sched, sizeof(sched));
	/* Perhaps it is ending: another dump decides. */
	if (td_failed(task) & TASK_DIAG_SHOW_SCHED) {
		mirror->stale = true;
		entry = find(mirror, base.id);
		if (entry)
			entry->round = mirror->round;
		return 0;
	}
	/* For an ending task, EXIT may have come already. */
	ends = is_ending(&base, &sched);
	if (ends && (of_threads(mirror) || sched.nr_threads < 2))
		return 0;
	entry = get(mirror, base.id);
	if (!entry)
		return -ENOMEM;
	entry->named = false;
	entry->leaderless = ends;
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
	/* If the dump lacks a thread that ended during it, the EXIT is here. */
	return ret ? ret : apply_events(mirror, 0);
}

/*
 * Whether a process whose leader ends lives on in another thread. nr_threads
 * does not tell, as a traced thread counts until its tracer has waited for it.
 * No events are applied in this time, so the EXIT of a thread that this finds
 * alive is still to come.
 *
 * A thread may begin after the kernel has noted which there are, and live on
 * alone. It counts, unless it makes up for one that was shown and then released.
 * So the last two dumps must show the same.
 */
static bool lives_on(struct td_mirror *mirror, const struct entry *process)
{
	const struct task_diag_pid req = {
		.show_flags = mirror->req.show_flags,
		.dump_strategy = TASK_DIAG_DUMP_THREAD,
		.pid = process->base.pid,
		.id = process->base.id,
	};
	struct task_diag_sched sched;
	struct task_diag_base base;
	const struct td_task *task;
	__u64 sum = 0, before;
	__u32 ended, counted;
	int ret;

	do {
		before = sum;
		sum = 0;
		ended = 0;
		counted = 0;
		ret = td_dump(mirror->td, &req, sizeof(req));
		while (!ret && (ret = td_next(mirror->td, &task)) > 0) {
			ret = 0;
			if (td_group(task, TASK_DIAG_SCHED, &sched, sizeof(sched)))
				continue;
			td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
			if (!is_ending(&base, &sched))
				return true;
			ended++;
			counted = sched.nr_threads;
			sum = sum * 31 + base.id + counted;
		}
	} while (!ret && sum != before);
	if (ret == -ESRCH)
		return false;
	if (ret)
		mirror->stale = true;
	return ret || ended < counted;
}

/* Whether an entry stays after a complete dump */
static bool stays(struct td_mirror *mirror, const struct entry *entry)
{
	if (entry->round != mirror->round)
		return false;
	/* A thread that became visible, or one that ended before the dump */
	if (entry->named)
		mirror->stale = true;
	return !entry->named &&
	       (!entry->leaderless || lives_on(mirror, entry));
}

/* Removes ended tasks and, after a complete dump, those that it lacks. */
static void sweep(struct td_mirror *mirror, bool whole)
{
	struct entry **at;
	size_t i;

	for (i = 0; i < NR_BUCKETS; i++) {
		at = &mirror->buckets[i];
		while (*at) {
			if ((*at)->ended || (whole && !stays(mirror, *at)))
				drop(at);
			else
				at = &(*at)->next;
		}
	}
}

/* Selections are for a request of the caller's. */
static int refuse_selections(struct td_mirror *mirror)
{
	return td__is_selecting(mirror->td) ?
	       td__fail(mirror->td, -EINVAL, "a mirror has no selections") : 0;
}

int td_mirror_dump(struct td_mirror *mirror)
{
	int err;

	err = refuse_selections(mirror);
	/* Where the dump differs from events before a loss, the dump is right. */
	if (!err)
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
	/* The caller must not go on with this answer, or take it for another. */
	td_stop(mirror->td);
	return err ? err : mirror->stale;
}

/* --- the mirror ---------------------------------------------------------- */

static int begin(struct td_mirror *mirror)
{
	/* From FORK to CRED */
	const __u32 events = (2U << TASK_DIAG_EVENT_CRED) - 2;
	int err;

	err = refuse_selections(mirror);
	if (!err)
		err = td_subscribe(mirror->td, &mirror->req, sizeof(mirror->req),
				   events);
	if (err)
		return err;
	mirror->req.show_flags |= TASK_DIAG_SHOW_SCHED;
	return td_mirror_dump(mirror);
}

int td_mirror_open(struct td_mirror **mirror, struct td_handle *td,
		   __u64 strategy)
{
	int ret;

	*mirror = calloc(1, sizeof(**mirror));
	if (!*mirror)
		return td__fail(td, -ENOMEM, "malloc");
	(*mirror)->td = td;
	(*mirror)->req.show_flags = TASK_DIAG_SHOW_BASE;
	(*mirror)->req.dump_strategy = strategy;
	ret = begin(*mirror);
	if (ret < 0) {
		td_mirror_close(*mirror);
		*mirror = NULL;
	}
	return ret;
}

void td_mirror_close(struct td_mirror *mirror)
{
	if (!mirror)
		return;
	td__end_events(mirror->td, -ENOTCONN);
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

static void copy_base(struct task_diag_base *to, size_t size,
		      const struct entry *entry)
{
	td__copy(to, size, entry ? &entry->base : NULL,
		 entry ? sizeof(entry->base) : 0);
}

int td_mirror_find(const struct td_mirror *mirror, __u64 id,
		   struct task_diag_base *base, size_t size)
{
	const struct entry *entry = find(mirror, id);

	copy_base(base, size, entry);
	return entry ? 0 : -ESRCH;
}

int td_mirror_next(const struct td_mirror *mirror, __u64 id,
		   struct task_diag_base *base, size_t size)
{
	size_t i = id % NR_BUCKETS;
	const struct entry *entry = mirror->buckets[i];

	while (entry && entry->base.id <= id)
		entry = entry->next;
	while (!entry && ++i < NR_BUCKETS)
		entry = mirror->buckets[i];
	copy_base(base, size, entry);
	return !!entry;
}

__u64 td_mirror_lost(const struct td_mirror *mirror)
{
	return mirror->lost;
}
