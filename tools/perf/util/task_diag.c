// SPDX-License-Identifier: GPL-2.0
/*
 * Synthesizes the events of tasks from what the kernel's task_diag reports, see
 * Documentation/accounting/taskdiag.rst.
 *
 * The events are those that /proc gives, and mappings have the names that the
 * kernel's own events give them. /proc provides the events of a process that
 * task_diag does not show, and those of a task whose name /proc/PID/status shows
 * in another form. Nothing here opens a file that a process can make its reader
 * wait for: maps, or a link in ns.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <api/fs/fs.h>
#include <libtask_diag.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/zalloc.h>

#include "debug.h"
#include "event.h"
#include "machine.h"
#include "mutex.h"
#include "namespaces.h"
#include "synthetic-events.h"
#include "task_diag.h"

/* How often to retry a contended process, and after how long */
#define TRIES		100
#define TRY_AFTER_US	5000

struct pid_list {
	pid_t *pids;
	size_t nr;
};

/**
 * struct task_diag - a connection
 * @handle: that of the library
 * @lock: held by a worker, or a thread that reads /proc, to use the connection
 * @nr_workers: how many there are
 * @err: why no more processes are received, or 0
 * @processes: those that were synthesized, in ascending order
 * @busy: those that had a group which could not be read
 * @tries: how often to retry the next of these
 * @nr_listed: number of threads in the answer, all of one process
 * @first: position of the first of them
 */
struct task_diag {
	struct td_handle *handle;
	struct mutex lock; /* of handle, err, processes, busy and tries */
	int nr_workers;
	int err;
	struct pid_list processes;
	struct pid_list busy;
	int tries;
	size_t nr_listed;
	size_t first;
};

/**
 * struct worker - synthesizes a part of the processes
 * @td: the connection
 * @synth: the worker's own
 * @copy: copy of the process that it synthesizes, if there are several workers
 * @thread: the thread that runs it
 */
struct worker {
	struct task_diag *td;
	struct task_synth synth;
	struct td_task *copy;
	pthread_t thread;
};

/* --- the events of a task ----------------------------------------------- */

static struct task_diag_pid request(const struct task_synth *synth, u64 strategy, pid_t pid)
{
	struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE,
		.dump_strategy = strategy,
		.pid = pid,
	};

	if (perf_event__wants_namespaces(synth->tool))
		req.show_flags |= TASK_DIAG_SHOW_NS;
	if (strategy == TASK_DIAG_DUMP_ALL_THREAD || strategy == TASK_DIAG_DUMP_THREAD)
		return req;
	req.show_flags |= TASK_DIAG_SHOW_NAME;
	if (synth->needs_mmap)
		req.show_flags |= TASK_DIAG_SHOW_VMA;
	if (synth->needs_mmap && !synth->mmap_data)
		req.flags = TASK_DIAG_ONLY_VMA_EXEC;
	return req;
}

/*
 * Does /proc/PID/status show the name unchanged, and does perf read it so? The
 * reader of that file skips leading blanks, or the whole line.
 */
static bool is_plain_name(const char *name, size_t len)
{
	return len && !isspace(*name) && !memchr(name, '\n', len) && !memchr(name, '\\', len);
}

/* Could a group not be read for a reason that may pass? */
static bool is_busy(const struct td_task *task)
{
	static const struct {
		u64 flag;
		unsigned int attr;
	} groups[] = {
		{ TASK_DIAG_SHOW_VMA, TASK_DIAG_VMA },
		{ TASK_DIAG_SHOW_NS, TASK_DIAG_NS },
	};
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!(td_failed(task) & groups[i].flag))
			continue;
		err = td_group(task, groups[i].attr, NULL, 0);
		/* It is in execve() or was a moment ago, or a mapping is changing. */
		if (err == -EAGAIN || err == -ESRCH || err == -ENOMEM)
			return true;
	}
	return false;
}

static int emit_comm(struct task_synth *synth, const struct td_task *task,
		     const struct task_diag_base *base)
{
	union perf_event *event = synth->comm_event;
	const char *name;
	size_t len;

	/* A kernel worker, which is a process, has a name too long for BASE. */
	if (td_bytes(task, TASK_DIAG_NAME, &name, &len)) {
		name = (const char *)base->comm;
		len = strnlen(name, sizeof(base->comm));
	}
	if (!is_plain_name(name, len))
		return perf_event__synthesize_comm(synth->tool, event, base->pid, synth->process,
						   synth->machine) < 0 ? -1 : 0;

	memset(&event->comm, 0, sizeof(event->comm));
	memcpy(event->comm.comm, name, min(len, sizeof(event->comm.comm) - 1));
	perf_event__fill_comm(event, base->pid, base->tgid, synth->machine);
	return perf_tool__process_synth_event(synth->tool, event, synth->machine,
					      synth->process);
}

static int emit_namespaces(struct task_synth *synth, const struct td_task *task,
			   const struct task_diag_base *base)
{
	static const u32 types[NR_NAMESPACES] = {
		[NET_NS_INDEX] = CLONE_NEWNET,
		[UTS_NS_INDEX] = CLONE_NEWUTS,
		[IPC_NS_INDEX] = CLONE_NEWIPC,
		[PID_NS_INDEX] = CLONE_NEWPID,
		[USER_NS_INDEX] = CLONE_NEWUSER,
		[MNT_NS_INDEX] = CLONE_NEWNS,
		[CGROUP_NS_INDEX] = CLONE_NEWCGROUP,
	};
	struct perf_ns_link_info *links;
	struct td_item item = {};
	struct task_diag_ns ns;
	int i;

	if (!perf_event__wants_namespaces(synth->tool) || td_failed(task) & TASK_DIAG_SHOW_NS)
		return 0;

	links = perf_event__init_namespaces(synth->namespaces_event, synth->machine);
	while (td_item(task, TASK_DIAG_NS, &item, &ns, sizeof(ns)) > 0) {
		for (i = 0; i < NR_NAMESPACES; i++) {
			if (types[i] != ns.type || ns.for_children)
				continue;
			links[i].dev = ns.dev;
			links[i].ino = ns.ino;
		}
	}
	return perf_event__emit_namespaces(synth->tool, synth->namespaces_event, base->pid,
					   base->tgid, synth->process, synth->machine);
}

static void fill_mmap2(union perf_event *event, const struct task_diag_vma *vma)
{
	event->mmap2.start = vma->start;
	event->mmap2.len = vma->end - vma->start;
	event->mmap2.pgoff = vma->pgoff;
	event->mmap2.maj = vma->dev_major;
	event->mmap2.min = vma->dev_minor;
	event->mmap2.ino = vma->ino;
	/* Without the generation of the file, which /proc does not have. */
	event->mmap2.ino_generation = 0;
	event->mmap2.prot = (vma->flags & TASK_DIAG_VMA_READ ? PROT_READ : 0) |
			    (vma->flags & TASK_DIAG_VMA_WRITE ? PROT_WRITE : 0) |
			    (vma->flags & TASK_DIAG_VMA_EXEC ? PROT_EXEC : 0);
	event->mmap2.flags = vma->flags & TASK_DIAG_VMA_SHARED ? MAP_SHARED : MAP_PRIVATE;
}

/* Sets the name to what the kernel's own event would have, see perf_event_mmap_event(). */
static void fill_filename(union perf_event *event, const struct task_diag_vma *vma,
			  const struct td_item *item)
{
	static const char too_long[] = "//toolong";
	const char *name = item->text;
	size_t len = item->text_len;

	if (vma->flags & TASK_DIAG_VMA_LONG_NAME || len >= sizeof(event->mmap2.filename)) {
		name = too_long;
		len = strlen(too_long);
	}
	memcpy(event->mmap2.filename, name, len);
	event->mmap2.filename[len] = '\0';
}

static int emit_mmaps(struct task_synth *synth, const struct td_task *task,
		      const struct task_diag_base *base)
{
	union perf_event *event = synth->mmap_event;
	struct td_item item = {};
	struct task_diag_vma vma;
	int err = 0;

	if (base->pid != base->tgid)
		return 0;
	if (td_failed(task) & TASK_DIAG_SHOW_VMA) {
		pr_debug("no mappings of process %u: %s\n", base->pid,
			 strerror(-td_group(task, TASK_DIAG_VMA, NULL, 0)));
		return 0;
	}

	while (!err && td_item(task, TASK_DIAG_VMA, &item, &vma, sizeof(vma)) > 0) {
		fill_mmap2(event, &vma);
		if (!perf_event__wants_mmap2(event, synth->machine, synth->mmap_data))
			continue;
		fill_filename(event, &vma, &item);
		err = perf_event__emit_mmap2(synth->tool, event, base->pid, base->tgid,
					     synth->process, synth->machine);
	}
	return err;
}

/* --- all tasks ---------------------------------------------------------- */

/* As with /proc, a failure does not stop the others. */
static void synthesize_task(struct task_synth *synth, const struct td_task *task)
{
	struct task_diag_base base;

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	if (!perf_event__emit_fork(synth->tool, synth->fork_event, base.pid, base.tgid,
				   base.ppid, synth->process, synth->machine) &&
	    !emit_namespaces(synth, task, &base) &&
	    !emit_comm(synth, task, &base))
		emit_mmaps(synth, task, &base);
}

static bool add_pid(struct pid_list *list, pid_t pid)
{
	const size_t step = 1024;
	pid_t *pids;

	if (list->nr % step == 0) {
		pids = realloc(list->pids, (list->nr + step) * sizeof(*pids));
		if (!pids)
			return false;
		list->pids = pids;
	}
	list->pids[list->nr++] = pid;
	return true;
}

static const struct td_task *next_process(struct worker *worker)
{
	struct task_diag *td = worker->td;
	const struct td_task *task = NULL;
	int ret = 0;

	td_task_free(worker->copy);
	worker->copy = NULL;

	mutex_lock(&td->lock);
	if (!td->err)
		ret = td_next(td->handle, &task);
	/* Other workers receive the next process while this one is read. */
	if (ret > 0 && td->nr_workers > 1) {
		worker->copy = td_task_dup(task);
		task = worker->copy;
	}
	if (ret > 0 && (!task || (is_busy(task) && !add_pid(&td->busy, td_pid(task))) ||
			!add_pid(&td->processes, td_pid(task)))) {
		task = NULL;
		ret = -ENOMEM;
	}
	if (ret < 0)
		td->err = ret;
	mutex_unlock(&td->lock);
	return task;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	const struct td_task *task;

	while ((task = next_process(worker))) {
		if (!is_busy(task))
			synthesize_task(&worker->synth, task);
	}
	return NULL;
}

/* The first worker is the caller's thread, so that there is always one. */
static void run_workers(struct worker *workers, int nr)
{
	int i, started;

	for (started = 1; started < nr; started++) {
		if (pthread_create(&workers[started].thread, NULL, work, &workers[started]))
			break;
	}
	work(&workers[0]);
	for (i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
}

/* Retries a contended process; of several, later ones less often. */
static int get_process(struct task_diag *td, const struct task_diag_pid *req,
		       const struct td_task **task)
{
	int i, err;

	for (i = 0; i <= td->tries; i++) {
		err = td_get(td->handle, req, sizeof(*req), task);
		if (err || !is_busy(*task))
			return err;
		usleep(TRY_AFTER_US);
	}
	td->tries /= 2;
	return 0;
}

static int synthesize_processes(struct task_diag *td, struct worker *workers)
{
	struct task_synth *synth = &workers[0].synth;
	struct task_diag_pid req = request(synth, TASK_DIAG_DUMP_ALL, 0);
	const struct td_task *task;
	size_t i;
	int err;

	td->err = td_dump(td->handle, &req, sizeof(req));
	if (!td->err)
		run_workers(workers, td->nr_workers);
	for (i = 0; i < td->busy.nr; i++) {
		req = request(synth, TASK_DIAG_DUMP_ONE, td->busy.pids[i]);
		err = get_process(td, &req, &task);
		if (!err)
			synthesize_task(synth, task);
		else if (err != -ESRCH)
			task_synth__proc_process(synth, td->busy.pids[i],
						 TASK_SYNTH_LEADER | TASK_SYNTH_PRIVATE);
	}
	return td->err;
}

/*
 * Asks for the threads after the processes, so that a thread that was created
 * in between has its events. A process that was created in between is left to
 * /proc with all its threads, like one that task_diag does not show. Sets @nr
 * to the number of tasks that are not left to /proc.
 */
static int synthesize_other_threads(struct task_diag *td, struct task_synth *synth, size_t *nr)
{
	struct task_diag_pid req = request(synth, TASK_DIAG_DUMP_ALL_THREAD, 0);
	const struct td_task *task;
	struct task_diag_base base;
	bool has_process = false;
	pid_t tgid = 0;
	size_t i, all;
	int err;

	*nr = 0;
	err = td_dump(td->handle, &req, sizeof(req));
	if (!err)
		err = td_collect(td->handle, SIZE_MAX, &all);
	if (err) {
		for (i = 0; i < td->processes.nr; i++)
			task_synth__proc_process(synth, td->processes.pids[i],
						 TASK_SYNTH_THREADS | TASK_SYNTH_PRIVATE);
		return err;
	}

	while (td_next(td->handle, &task) > 0) {
		td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
		if ((pid_t)base.tgid != tgid) {
			tgid = base.tgid;
			has_process = task_diag__has_process(td, tgid);
		}
		if (!has_process)
			continue;
		++*nr;
		if (base.pid != base.tgid)
			synthesize_task(synth, task);
	}
	return 0;
}

/* The number of tasks, and the pid of the last one that was created */
static bool read_loadavg(size_t *nr, pid_t *last)
{
	char *loadavg;
	size_t size;
	bool found;

	if (procfs__read_str("loadavg", &loadavg, &size))
		return false;
	found = sscanf(loadavg, "%*s %*s %*s %*u/%zu %d", nr, last) == 2;
	free(loadavg);
	return found;
}

/*
 * Returns 0 if these are all tasks: /proc may have others, whose memory the
 * caller may not read. It has none if task_diag reported as many tasks as there
 * were before the first request, and none was created since.
 */
static int synthesize_all(struct task_diag *td, struct worker *workers)
{
	size_t before, after, nr;
	pid_t last, last_after;
	int err, err2;
	bool all;

	all = read_loadavg(&before, &last);
	err = synthesize_processes(td, workers);
	err2 = synthesize_other_threads(td, &workers[0].synth, &nr);
	if (err || err2) {
		pr_debug("task_diag failed, reading /proc: %s\n", strerror(-(err ?: err2)));
		return err ?: err2;
	}
	all = all && nr == before && read_loadavg(&after, &last_after) && last_after == last;
	return all ? 0 : -EACCES;
}

int task_diag__synthesize_threads(struct task_diag *td, const struct perf_tool *tool,
				  perf_event__handler_t process, struct machine *machine,
				  bool needs_mmap, bool mmap_data, int nr_workers)
{
	struct worker *workers;
	int i, err = -ENOMEM;

	if (!td)
		return -ENOENT;
	nr_workers = max(nr_workers, 1);
	workers = calloc(nr_workers, sizeof(*workers));
	if (!workers)
		return -ENOMEM;
	for (i = 0; i < nr_workers; i++) {
		workers[i].td = td;
		if (task_synth__init(&workers[i].synth, tool, process, machine,
				     needs_mmap, mmap_data))
			break;
	}
	td->nr_workers = i;
	if (td->nr_workers)
		err = synthesize_all(td, workers);
	while (i--)
		task_synth__exit(&workers[i].synth);
	free(workers);
	return err;
}

static int compare_pids(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

bool task_diag__has_process(const struct task_diag *td, pid_t pid)
{
	return td && td->processes.nr &&
	       bsearch(&pid, td->processes.pids, td->processes.nr, sizeof(pid), compare_pids);
}

int task_diag__synthesize_process(struct task_diag *td, struct task_synth *synth, pid_t pid)
{
	struct task_diag_pid req = request(synth, TASK_DIAG_DUMP_ONE, pid);
	const struct td_task *task;
	int err;

	if (!td)
		return -ENOENT;
	/* The task is part of the connection. */
	mutex_lock(&td->lock);
	err = td->err ?: get_process(td, &req, &task);
	if (!err)
		synthesize_task(synth, task);
	mutex_unlock(&td->lock);
	return err;
}

/* --- a thread map ------------------------------------------------------- */

/* A map has the threads of a process in the order of the answer. */
static const struct td_task *find_thread(struct task_diag *td, pid_t tid)
{
	const struct td_task *task;
	struct task_diag_base base;
	size_t i;

	for (i = 0; i < td->nr_listed; i++) {
		if (td_next(td->handle, &task) <= 0) {
			td_seek(td->handle, td->first);
			td_next(td->handle, &task);
		}
		td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
		/* This answer has the leader without its mappings. */
		if ((pid_t)base.pid == tid && base.pid != base.tgid)
			return task;
	}
	return NULL;
}

static const struct td_task *list_threads(struct task_diag *td, const struct task_synth *synth,
					  pid_t tid)
{
	struct task_diag_pid req = request(synth, TASK_DIAG_DUMP_THREAD, tid);

	if (td_dump(td->handle, &req, sizeof(req)) ||
	    td_collect(td->handle, SIZE_MAX, &td->nr_listed)) {
		td->nr_listed = 0;
		return NULL;
	}
	td->first = td_tell(td->handle);
	return find_thread(td, tid);
}

int task_diag__synthesize_thread(struct task_diag *td, struct task_synth *synth,
				 pid_t tid)
{
	struct task_diag_pid req = request(synth, TASK_DIAG_DUMP_ONE, tid);
	const struct td_task *task;
	struct task_diag_base base;

	if (!td)
		return 1;
	task = find_thread(td, tid);
	if (!task) {
		td->nr_listed = 0;
		get_process(td, &req, &task);
	}
	if (!task)
		task = list_threads(td, synth, tid);
	if (!task)
		return 1;

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	if (emit_comm(synth, task, &base) || emit_namespaces(synth, task, &base) ||
	    emit_mmaps(synth, task, &base))
		return -1;
	return 0;
}

/* ------------------------------------------------------------------------ */

/* The kernel answers in perf's own pid namespace: is /proc of the same? */
static bool proc_is_ours(void)
{
	/* perf is not in /proc of a namespace below or beside its own. */
	return !access("/proc/self", F_OK) && nsinfo__is_in_root_namespace();
}

struct task_diag *task_diag__open_host(void)
{
	struct task_diag *td;

	if (!task_diag_enabled || !proc_is_ours())
		return NULL;
	td = zalloc(sizeof(*td));
	if (!td)
		return NULL;
	mutex_init(&td->lock);
	td->tries = TRIES;
	if (td_open(&td->handle)) {
		pr_debug("task_diag is not there, reading /proc: %s\n", td_error(td->handle));
		task_diag__close(td);
		return NULL;
	}
	return td;
}

struct task_diag *task_diag__open(struct machine *machine)
{
	return machine__is_host(machine) ? task_diag__open_host() : NULL;
}

void task_diag__close(struct task_diag *td)
{
	if (!td)
		return;
	td_close(td->handle);
	free(td->processes.pids);
	free(td->busy.pids);
	mutex_destroy(&td->lock);
	free(td);
}

struct td_handle *task_diag__handle(struct task_diag *td)
{
	return td->handle;
}

/* --- what perf asks about one process ------------------------------------ */

/* The callers have no connection of their own, and ask about many processes. */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static struct task_diag *shared_td;
static bool shared_failed;

static void read_nsinfo(const struct td_task *task, struct task_diag_nsinfo *info)
{
	struct task_diag_nspid nspid;
	struct task_diag_base base;
	struct td_item item = {};
	struct task_diag_ns ns;
	int levels = 0;

	info->mnt_ino = 0;
	while (td_item(task, TASK_DIAG_NS, &item, &ns, sizeof(ns)) > 0) {
		if (ns.type == CLONE_NEWNS)
			info->mnt_ino = ns.ino;
	}

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	info->tgid = base.tgid;
	info->nstgid = base.tgid;
	item = (struct td_item){};
	while (td_item(task, TASK_DIAG_NSPID, &item, &nspid, sizeof(nspid)) > 0) {
		info->nstgid = nspid.tgid;
		levels++;
	}
	info->in_pidns = levels > 1;
}

/* With the lock. The task is valid until the next call. */
static int get_shared(u64 show_flags, pid_t pid, const struct td_task **task)
{
	const struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = pid,
	};

	if (!shared_td && !shared_failed) {
		shared_td = task_diag__open_host();
		shared_failed = !shared_td;
	}
	return shared_td ? get_process(shared_td, &req, task) : -ENOENT;
}

int task_diag__nsinfo(pid_t pid, struct task_diag_nsinfo *info)
{
	const struct td_task *task;
	int err;

	pthread_mutex_lock(&shared_lock);
	err = get_shared(TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_NS | TASK_DIAG_SHOW_NSPID, pid,
			 &task);
	if (!err)
		read_nsinfo(task, info);
	pthread_mutex_unlock(&shared_lock);
	return err;
}

bool task_diag__may_wait(pid_t pid)
{
	const struct td_task *task;
	bool waits;
	int err;

	pthread_mutex_lock(&shared_lock);
	err = get_shared(TASK_DIAG_SHOW_EXE, pid, &task);
	waits = !err && td_group(task, TASK_DIAG_EXE, NULL, 0) == -EAGAIN;
	pthread_mutex_unlock(&shared_lock);
	return waits || err == -ESRCH;
}

void task_diag__exit_shared(void)
{
	pthread_mutex_lock(&shared_lock);
	task_diag__close(shared_td);
	shared_td = NULL;
	pthread_mutex_unlock(&shared_lock);
}
