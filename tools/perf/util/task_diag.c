// SPDX-License-Identifier: GPL-2.0
/*
 * Synthesizes the events of tasks from what the kernel's task_diag tells of
 * them, see Documentation/accounting/taskdiag.rst.
 *
 * The events are those that /proc gives. A process for which that is not sure
 * is left to /proc: one that task_diag does not show, or could not read, and one
 * with a name that the files under /proc do not show as it is.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <api/fs/fs.h>
#include <linux/ctype.h>
#include <linux/genetlink.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/netlink.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <linux/zalloc.h>

#include "debug.h"
#include "event.h"
#include "machine.h"
#include "mutex.h"
#include "synthetic-events.h"
#include "task_diag.h"
#include "util.h"

/* What the kernel fills at a time, at most */
#define PART_SIZE	32768

/**
 * struct buffer - messages on whole tasks
 * @data: the messages
 * @len: their bytes
 * @size: bytes there is room for
 */
struct buffer {
	char *data;
	size_t len;
	size_t size;
};

/**
 * struct task - what the messages on one task tell
 * @base: in every message that asked for it
 * @name: of kernel workers more than @base has room for
 * @name_len: bytes in it
 * @nr_threads: threads in its process
 * @ns: namespaces, zero for one that it is not in
 * @left: to /proc
 * @at: its messages
 * @end: where they end
 */
struct task {
	struct task_diag_base base;
	char name[TASK_DIAG_COMM_LEN];
	size_t name_len;
	u32 nr_threads;
	struct perf_ns_link_info ns[NR_NAMESPACES];
	bool left;
	const char *at;
	const char *end;
};

/**
 * struct thread_info - a thread that is not its process's leader
 * @tid: its number
 * @tgid: its process
 * @next: index of the next one of the same process, or NO_THREAD
 * @left: to /proc, and its process with it
 * @comm: its name, as an event has it
 */
struct thread_info {
	pid_t tid;
	pid_t tgid;
	u32 next;
	bool left;
	char comm[TASK_DIAG_COMM_LEN];
};

#define NO_THREAD	UINT_MAX

/**
 * struct thread_table - threads that are not leaders
 * @all: threads in the order of the dump
 * @ns: namespaces of each, if they are wanted
 * @nr: number of threads
 * @size: number there is room for
 * @seen: tasks that the dump told of, with leaders
 * @first: index of the first one of the processes with the same hash
 * @bits: of the hash
 */
struct thread_table {
	struct thread_info *all;
	struct perf_ns_link_info (*ns)[NR_NAMESPACES];
	u32 nr;
	u32 size;
	u32 seen;
	u32 *first;
	unsigned int bits;
};

/**
 * struct worker - synthesizes a part of the processes
 * @td: whose
 * @synth: its own
 * @buf: what it received last
 * @pids: processes that it synthesized, ascending
 * @nr_pids: how many
 * @max_pids: how many there is room for
 * @thread: that runs it
 */
struct worker {
	struct task_diag *td;
	struct task_synth synth;
	struct buffer buf;
	pid_t *pids;
	size_t nr_pids;
	size_t max_pids;
	pthread_t thread;
};

/**
 * struct task_diag - a connection
 * @fd: its socket
 * @family: message type
 * @seq: sequence number of the last request
 * @done: its answer is complete
 * @err: why it broke off, and the connection is of no more use
 * @lock: who receives, where there are several workers
 * @threads: all threads, or those of @leader
 * @workers: who synthesized all tasks
 * @nr_workers: how many
 * @buf: what was received last
 * @leader: the last process of a thread map
 * @unlisted: it has threads that are not in @threads yet
 * @next: where in @threads the map's next thread probably is
 */
struct task_diag {
	int fd;
	u16 family;
	u32 seq;
	bool done;
	int err;
	struct mutex lock; /* of fd, seq, done and err */
	struct thread_table threads;
	struct worker *workers;
	int nr_workers;
	struct buffer buf;
	pid_t leader;
	bool unlisted;
	u32 next;
};

/* --- netlink ------------------------------------------------------------ */

static const struct genlmsghdr *genl_header(const struct nlmsghdr *nlh)
{
	return NLMSG_DATA(nlh);
}

static const struct nlattr *first_attr(const struct nlmsghdr *nlh)
{
	return (const void *)((const char *)genl_header(nlh) + GENL_HDRLEN);
}

static const struct nlattr *next_attr(const struct nlattr *attr)
{
	return (const void *)((const char *)attr + NLA_ALIGN(attr->nla_len));
}

/* Is all of @attr in the message? */
static bool attr_ok(const struct nlattr *attr, const struct nlmsghdr *nlh)
{
	ptrdiff_t left = (const char *)nlh + nlh->nlmsg_len - (const char *)attr;

	return left >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN &&
	       attr->nla_len <= left;
}

static u16 attr_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

static const char *attr_data(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static size_t attr_len(const struct nlattr *attr)
{
	return attr->nla_len - NLA_HDRLEN;
}

/* Structs grow at their end: what this kernel does not have is zero. */
static void copy_struct(void *to, size_t to_size, const void *from, size_t from_size)
{
	if (from_size < to_size)
		memset(to + from_size, 0, to_size - from_size);
	memcpy(to, from, min(to_size, from_size));
}

static int request(struct task_diag *td, u16 type, u8 cmd, u16 flags,
		   u16 attr, const void *data, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		struct nlattr attr;
		char data[NLA_ALIGN(sizeof(struct task_diag_pid))];
	} msg = {
		.nlh = {
			.nlmsg_len = offsetof(typeof(msg), data) + NLA_ALIGN(len),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
			.nlmsg_seq = ++td->seq,
		},
		.genl = { .cmd = cmd, .version = 1 },
		.attr = { .nla_len = NLA_HDRLEN + len, .nla_type = attr },
	};

	memcpy(msg.data, data, len);
	td->done = false;
	if (sendto(td->fd, &msg, msg.nlh.nlmsg_len, 0,
		   (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

/* Receives a datagram behind what the buffer has; returns its length. */
static ssize_t receive_part(struct task_diag *td, struct buffer *buf)
{
	struct sockaddr_nl from;
	socklen_t from_len;
	ssize_t len;

	if (buf->size - buf->len < PART_SIZE) {
		size_t size = buf->size * 2 + PART_SIZE;
		char *data = realloc(buf->data, size);

		if (!data)
			return -ENOMEM;
		buf->data = data;
		buf->size = size;
	}
	/* Anybody may send to this socket: only port 0 is the kernel. */
	do {
		from_len = sizeof(from);
		len = recvfrom(td->fd, buf->data + buf->len, buf->size - buf->len,
			       MSG_TRUNC, (struct sockaddr *)&from, &from_len);
	} while (len < 0 ? errno == EINTR : from.nl_pid != 0);

	if (len < 0)
		return -errno;
	if ((size_t)len > buf->size - buf->len)
		return -EMSGSIZE;
	return len;
}

static int find_family(struct task_diag *td)
{
	const struct nlmsghdr *nlh;
	const struct nlattr *attr;
	ssize_t len;
	int err;

	err = request(td, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, CTRL_ATTR_FAMILY_NAME,
		      TASK_DIAG_GENL_NAME, sizeof(TASK_DIAG_GENL_NAME));
	if (err)
		return err;
	len = receive_part(td, &td->buf);
	if (len < 0)
		return len;

	nlh = (const void *)td->buf.data;
	if (!NLMSG_OK(nlh, (size_t)len) || nlh->nlmsg_type != GENL_ID_CTRL)
		return -ENOENT;
	for (attr = first_attr(nlh); attr_ok(attr, nlh); attr = next_attr(attr)) {
		if (attr_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    attr_len(attr) >= sizeof(td->family))
			memcpy(&td->family, attr_data(attr), sizeof(td->family));
	}
	return td->family ? 0 : -ENOENT;
}

/* Asks for a dump, which receive() gives. */
static int ask(struct task_diag *td, u64 strategy, u64 show_flags, u32 flags, pid_t pid)
{
	struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = strategy,
		.pid = pid,
		.flags = flags,
	};

	return request(td, td->family, TASK_DIAG_CMD_GET, NLM_F_DUMP,
		       TASK_DIAG_REQUEST, &req, sizeof(req));
}

static bool goes_on(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	for (attr = first_attr(nlh); attr_ok(attr, nlh); attr = next_attr(attr)) {
		if (attr_type(attr) == TASK_DIAG_MORE)
			return true;
	}
	return false;
}

/*
 * Looks at the messages of a datagram; what is behind them is for nobody else.
 * @more tells whether the last task goes on in the next one.
 *
 * Returns the bytes before the end of the answer.
 */
static ssize_t check_part(struct task_diag *td, const char *data, size_t len, bool *more)
{
	const struct nlmsghdr *nlh, *last = NULL;
	size_t at;

	for (at = 0; at < len; at += NLMSG_ALIGN(nlh->nlmsg_len)) {
		nlh = (const void *)(data + at);
		if (!NLMSG_OK(nlh, len - at) || nlh->nlmsg_seq != td->seq ||
		    nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
			return -EBADMSG;
		/* Both begin with the errno. */
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR) {
			int err = *(const int *)NLMSG_DATA(nlh);

			td->done = true;
			if (err)
				return err;
			break;
		}
		if (nlh->nlmsg_type != td->family)
			return -EBADMSG;
		if (genl_header(nlh)->cmd == TASK_DIAG_CMD_GET)
			last = nlh;
	}
	if (last)
		*more = goes_on(last);
	return min(at, len);
}

/* Receives the next messages, on whole tasks; none at the end of the answer. */
static int receive(struct task_diag *td, struct buffer *buf)
{
	bool more = false;
	ssize_t len;

	buf->len = 0;
	while (!td->done && (more || !buf->len)) {
		len = receive_part(td, buf);
		if (len < 0)
			return len;
		len = check_part(td, buf->data + buf->len, len, &more);
		if (len < 0)
			return len;
		buf->len += len;
	}
	return more ? -EBADMSG : 0;
}

/* --- a task ------------------------------------------------------------- */

#define BYTES(byte)	(0x0101010101010101ULL * (byte))

static bool is_plain_word(const char *bytes)
{
	u64 word, line;

	memcpy(&word, bytes, sizeof(word));
	line = word ^ BYTES('\n');
	return !((word | ((line - BYTES(1)) & ~line)) & BYTES(0x80));
}

/*
 * Does the last column of /proc/PID/maps show the name as it is, and does perf
 * read it so? A newline is escaped there, and a byte above 127 is taken for the
 * end of the file.
 */
static bool is_plain_path(const char *name, size_t len)
{
	char word[sizeof(u64)] = {};
	size_t at;

	if (len < sizeof(word)) {
		memcpy(word, name, len);
		return is_plain_word(word);
	}
	for (at = 0; at + sizeof(word) <= len; at += sizeof(word)) {
		if (!is_plain_word(name + at))
			return false;
	}
	return is_plain_word(name + len - sizeof(word));
}

/*
 * Copies a name for an event. Returns whether /proc/PID/status shows it as it is
 * and perf reads it so: blanks in front are skipped there, or the whole line.
 */
static bool copy_comm(char *comm, const char *name, size_t len)
{
	size_t i;

	if (!len || isspace(*name))
		return false;
	len = min(len, (size_t)TASK_DIAG_COMM_LEN - 1);
	for (i = 0; i < len; i++) {
		if (name[i] == '\n' || name[i] == '\\')
			return false;
		comm[i] = name[i];
	}
	memset(comm + len, 0, TASK_DIAG_COMM_LEN - len);
	return true;
}

static int ns_index(u32 type)
{
	switch (type) {
	case CLONE_NEWNET:
		return NET_NS_INDEX;
	case CLONE_NEWUTS:
		return UTS_NS_INDEX;
	case CLONE_NEWIPC:
		return IPC_NS_INDEX;
	case CLONE_NEWPID:
		return PID_NS_INDEX;
	case CLONE_NEWUSER:
		return USER_NS_INDEX;
	case CLONE_NEWNS:
		return MNT_NS_INDEX;
	case CLONE_NEWCGROUP:
		return CGROUP_NS_INDEX;
	default:
		return -1;
	}
}

static void read_ns(struct task *task, const struct nlattr *attr)
{
	struct task_diag_ns ns;
	int i;

	copy_struct(&ns, sizeof(ns), attr_data(attr), attr_len(attr));
	i = ns_index(ns.type);
	if (i < 0 || ns.for_children)
		return;
	task->ns[i].dev = ns.dev;
	task->ns[i].ino = ns.ino;
}

/* The struct says where the part of the name is that goes on to the end. */
static bool read_vma(struct task_diag_vma *vma, const struct nlattr *attr)
{
	copy_struct(vma, sizeof(*vma), attr_data(attr), attr_len(attr));
	return vma->name_at && vma->name_at <= attr_len(attr) &&
	       !(vma->flags & TASK_DIAG_VMA_LONG_NAME);
}

/*
 * Does perf make the same event of a mapping whether /proc or task_diag reports
 * it? A long path may leave no room for the ids that follow it in the event.
 */
static bool is_plain_mapping(const struct nlattr *attr)
{
	const size_t room_for_ids = 256;
	struct task_diag_vma vma;

	return read_vma(&vma, attr) && vma.name_len < PATH_MAX - room_for_ids &&
	       is_plain_path(attr_data(attr) + vma.name_at, attr_len(attr) - vma.name_at);
}

static void read_attr(struct task *task, const struct nlattr *attr)
{
	const char *data = attr_data(attr);
	size_t len = attr_len(attr);
	struct task_diag_sched sched;

	switch (attr_type(attr)) {
	case TASK_DIAG_VMA:
		if (!is_plain_mapping(attr))
			task->left = true;
		break;
	case TASK_DIAG_BASE:
		copy_struct(&task->base, sizeof(task->base), data, len);
		break;
	case TASK_DIAG_NAME:
		len = min(len, sizeof(task->name) - task->name_len);
		memcpy(task->name + task->name_len, data, len);
		task->name_len += len;
		break;
	case TASK_DIAG_SCHED:
		copy_struct(&sched, sizeof(sched), data, len);
		task->nr_threads = sched.nr_threads;
		break;
	case TASK_DIAG_NS:
		read_ns(task, attr);
		break;
	case TASK_DIAG_ERROR:
		task->left = true;
		break;
	default:
		break;
	}
}

static u32 message_pid(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr = first_attr(nlh);
	u32 pid;

	if (genl_header(nlh)->cmd != TASK_DIAG_CMD_GET || !attr_ok(attr, nlh) ||
	    attr_type(attr) != TASK_DIAG_PID || attr_len(attr) < sizeof(pid))
		return 0;
	memcpy(&pid, attr_data(attr), sizeof(pid));
	return pid;
}

static const char *message_end(const struct nlmsghdr *nlh)
{
	return (const char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len);
}

/* Reads the messages from @task->end to @end on one task; is there one? */
static bool next_task(struct task *task, const char *end)
{
	const struct nlmsghdr *nlh;
	const struct nlattr *attr;
	u32 pid = 0, next;

	task->name_len = 0;
	task->left = false;
	memset(task->ns, 0, sizeof(task->ns));
	for (; task->end < end; task->end = message_end(nlh)) {
		nlh = (const void *)task->end;
		next = message_pid(nlh);
		if (!next)
			continue;
		if (!pid) {
			pid = next;
			task->at = task->end;
		} else if (next != pid) {
			break;
		}
		for (attr = first_attr(nlh); attr_ok(attr, nlh); attr = next_attr(attr))
			read_attr(task, attr);
	}
	return pid;
}

/* --- its events --------------------------------------------------------- */

static u64 show_flags(const struct task_synth *synth, bool leaders)
{
	u64 show = TASK_DIAG_SHOW_BASE;

	if (perf_event__wants_namespaces(synth->tool))
		show |= TASK_DIAG_SHOW_NS;
	if (!leaders)
		return show;
	show |= TASK_DIAG_SHOW_NAME;
	if (synth->needs_mmap)
		show |= TASK_DIAG_SHOW_VMA;
	return show;
}

static u32 vma_flags(const struct task_synth *synth)
{
	return synth->needs_mmap && !synth->mmap_data ? TASK_DIAG_ONLY_VMA_EXEC : 0;
}

static int emit_namespaces(struct task_synth *synth, pid_t tid, pid_t tgid,
			   const struct perf_ns_link_info *ns)
{
	if (!perf_event__wants_namespaces(synth->tool))
		return 0;

	memcpy(perf_event__init_namespaces(synth->namespaces_event, synth->machine), ns,
	       NR_NAMESPACES * sizeof(*ns));
	return perf_event__emit_namespaces(synth->tool, synth->namespaces_event, tid, tgid,
					   synth->process, synth->machine);
}

static int emit_comm(struct task_synth *synth, pid_t tid, pid_t tgid, const char *comm)
{
	union perf_event *event = synth->comm_event;

	memset(&event->comm, 0, sizeof(event->comm));
	memcpy(event->comm.comm, comm, TASK_DIAG_COMM_LEN);
	perf_event__fill_comm(event, tid, tgid, synth->machine);
	return perf_tool__process_synth_event(synth->tool, event, synth->machine,
					      synth->process);
}

static int emit_fork(struct task_synth *synth, pid_t tid, pid_t tgid, pid_t ppid)
{
	return perf_event__emit_fork(synth->tool, synth->fork_event, tid, tgid, ppid,
				     synth->process, synth->machine);
}

static void fill_mmap2(union perf_event *event, const struct task_diag_vma *vma)
{
	event->mmap2.start = vma->start;
	event->mmap2.len = vma->end - vma->start;
	event->mmap2.pgoff = vma->pgoff;
	event->mmap2.maj = vma->dev_major;
	event->mmap2.min = vma->dev_minor;
	event->mmap2.ino = vma->ino;
	/* Not the generation: that of a file is unknown where /proc is read. */
	event->mmap2.ino_generation = 0;
	event->mmap2.prot = (vma->flags & TASK_DIAG_VMA_READ ? PROT_READ : 0) |
			    (vma->flags & TASK_DIAG_VMA_WRITE ? PROT_WRITE : 0) |
			    (vma->flags & TASK_DIAG_VMA_EXEC ? PROT_EXEC : 0);
	event->mmap2.flags = vma->flags & TASK_DIAG_VMA_SHARED ? MAP_SHARED : MAP_PRIVATE;
}

/* Copies the part of the mapping's name in @attr; is the name complete? */
static bool copy_name(union perf_event *event, const struct task_diag_vma *vma,
		      const char *part, size_t len)
{
	const size_t max = sizeof(event->mmap2.filename) - 1;
	const size_t end = vma->name_off + len;

	if (vma->name_off < max)
		memcpy(event->mmap2.filename + vma->name_off, part,
		       min(len, max - vma->name_off));
	event->mmap2.filename[min(end, max)] = '\0';
	return end >= vma->name_len;
}

/* @named is the last attribute with a name, which later mappings may share. */
static int emit_mmap(struct task_synth *synth, const struct task *task,
		     const struct nlattr *attr, const struct nlattr **named)
{
	union perf_event *event = synth->mmap_event;
	struct task_diag_vma vma, first;

	if (!read_vma(&vma, attr))
		return 0;
	if (!(vma.flags & TASK_DIAG_VMA_SAME_NAME))
		*named = attr;
	if (!*named || !read_vma(&first, *named) ||
	    !copy_name(event, &first, attr_data(*named) + first.name_at,
		       attr_len(*named) - first.name_at))
		return 0;
	fill_mmap2(event, &vma);
	if (!perf_event__wants_mmap2(event, synth->machine, synth->mmap_data))
		return 0;
	return perf_event__emit_mmap2(synth->tool, event, task->base.pid, task->base.tgid,
				      synth->process, synth->machine);
}

static int emit_mmaps(struct task_synth *synth, const struct task *task)
{
	const struct nlattr *attr, *named = NULL;
	const struct nlmsghdr *nlh;
	const char *at;
	int err;

	for (at = task->at; at < task->end; at = message_end(nlh)) {
		nlh = (const void *)at;
		for (attr = first_attr(nlh); attr_ok(attr, nlh); attr = next_attr(attr)) {
			if (attr_type(attr) != TASK_DIAG_VMA)
				continue;
			err = emit_mmap(synth, task, attr, &named);
			if (err)
				return err;
		}
	}
	return 0;
}

/* --- all threads but leaders -------------------------------------------- */

static bool grow_threads(struct thread_table *threads, bool namespaces)
{
	u32 size = threads->size * 2 + 1024;
	struct perf_ns_link_info (*ns)[NR_NAMESPACES];
	struct thread_info *all;

	all = realloc(threads->all, size * sizeof(*all));
	if (!all)
		return false;
	threads->all = all;
	if (namespaces) {
		ns = realloc(threads->ns, size * sizeof(*ns));
		if (!ns)
			return false;
		threads->ns = ns;
	}
	threads->size = size;
	return true;
}

static bool add_thread(struct thread_table *threads, const struct task *task,
		       bool namespaces)
{
	struct thread_info *thread;

	threads->seen++;
	if (task->base.pid == task->base.tgid)
		return true;
	if (threads->nr == threads->size && !grow_threads(threads, namespaces))
		return false;
	if (namespaces)
		memcpy(threads->ns[threads->nr], task->ns, sizeof(task->ns));

	thread = &threads->all[threads->nr++];
	thread->tid = task->base.pid;
	thread->tgid = task->base.tgid;
	thread->left = task->left ||
		       !copy_comm(thread->comm, (const char *)task->base.comm,
				  strnlen((const char *)task->base.comm,
					  sizeof(task->base.comm)));
	return true;
}

static int list_threads(struct task_diag *td, const struct task_synth *synth,
			u64 strategy, pid_t pid)
{
	const bool namespaces = perf_event__wants_namespaces(synth->tool);
	struct task task;
	int err;

	td->threads.nr = 0;
	td->threads.seen = 0;
	err = ask(td, strategy, show_flags(synth, false), 0, pid);
	if (err)
		return err;
	do {
		err = receive(td, &td->buf);
		if (err)
			return err;
		task.end = td->buf.data;
		while (next_task(&task, td->buf.data + td->buf.len)) {
			if (!add_thread(&td->threads, &task, namespaces))
				return -ENOMEM;
		}
	} while (td->buf.len);
	return 0;
}

static u32 *hash_slot(struct thread_table *threads, pid_t tgid)
{
	return &threads->first[hash_32(tgid, threads->bits)];
}

/* Chains the threads of each process, in their order. */
static int hash_threads(struct thread_table *threads)
{
	u32 i, *slot;

	threads->bits = ilog2(threads->nr | 1) + 1;
	threads->first = malloc(sizeof(u32) << threads->bits);
	if (!threads->first)
		return -ENOMEM;
	memset(threads->first, 0xff, sizeof(u32) << threads->bits);
	for (i = threads->nr; i--; ) {
		slot = hash_slot(threads, threads->all[i].tgid);
		threads->all[i].next = *slot;
		*slot = i;
	}
	return 0;
}

/* --- all processes ------------------------------------------------------ */

static bool has_odd_thread(struct thread_table *threads, pid_t tgid)
{
	u32 i;

	for (i = *hash_slot(threads, tgid); i != NO_THREAD; i = threads->all[i].next) {
		if (threads->all[i].tgid == tgid && threads->all[i].left)
			return true;
	}
	return false;
}

static int emit_threads(struct task_diag *td, struct task_synth *synth, pid_t tgid)
{
	struct thread_table *threads = &td->threads;
	u32 i;

	for (i = *hash_slot(threads, tgid); i != NO_THREAD; i = threads->all[i].next) {
		struct thread_info *thread = &threads->all[i];

		if (thread->tgid != tgid)
			continue;
		if (emit_fork(synth, thread->tid, tgid, tgid) ||
		    emit_namespaces(synth, thread->tid, tgid,
				    threads->ns ? threads->ns[i] : NULL) ||
		    emit_comm(synth, thread->tid, tgid, thread->comm))
			return -1;
	}
	return 0;
}

static int emit_process(struct task_diag *td, struct task_synth *synth,
			const struct task *task)
{
	const pid_t tgid = task->base.tgid;
	char comm[TASK_DIAG_COMM_LEN];

	if (task->left || !copy_comm(comm, task->name, task->name_len) ||
	    has_odd_thread(&td->threads, tgid))
		return task_synth__proc_process(synth, tgid);

	if (emit_fork(synth, tgid, tgid, task->base.ppid) ||
	    emit_namespaces(synth, tgid, tgid, task->ns) ||
	    emit_comm(synth, tgid, tgid, comm) ||
	    emit_mmaps(synth, task))
		return -1;
	return emit_threads(td, synth, tgid);
}

static bool note_pid(struct worker *worker, pid_t pid)
{
	if (worker->nr_pids == worker->max_pids) {
		size_t max = worker->max_pids * 2 + 1024;
		pid_t *pids = realloc(worker->pids, max * sizeof(*pids));

		if (!pids)
			return false;
		worker->pids = pids;
		worker->max_pids = max;
	}
	worker->pids[worker->nr_pids++] = pid;
	return true;
}

static void set_error(struct task_diag *td, int err)
{
	mutex_lock(&td->lock);
	if (!td->err)
		td->err = err;
	mutex_unlock(&td->lock);
}

/* One worker receives what follows while others make events of the last. */
static bool receive_next(struct worker *worker)
{
	struct task_diag *td = worker->td;
	bool ok;

	mutex_lock(&td->lock);
	if (!td->err)
		td->err = receive(td, &worker->buf);
	ok = !td->err && worker->buf.len;
	mutex_unlock(&td->lock);
	return ok;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct task_diag *td = worker->td;
	struct task task;

	while (receive_next(worker)) {
		task.end = worker->buf.data;
		while (next_task(&task, worker->buf.data + worker->buf.len)) {
			if (!note_pid(worker, task.base.pid)) {
				set_error(td, -ENOMEM);
				return NULL;
			}
			/* As with /proc, a failure does not stop the others. */
			emit_process(td, &worker->synth, &task);
		}
	}
	return NULL;
}

/* The first worker is the caller's thread, so that there is always one. */
static void run_workers(struct task_diag *td)
{
	int i, started;

	for (started = 1; started < td->nr_workers; started++) {
		struct worker *worker = &td->workers[started];

		if (pthread_create(&worker->thread, NULL, work, worker))
			break;
	}
	work(&td->workers[0]);
	for (i = 1; i < started; i++)
		pthread_join(td->workers[i].thread, NULL);
}

/*
 * Does task_diag show all tasks? Those whose memory the user may not look at are
 * in /proc, but not here.
 */
static bool saw_all(const struct task_diag *td)
{
	unsigned int all;
	char *loadavg;
	size_t size;
	bool found;

	if (procfs__read_str("loadavg", &loadavg, &size))
		return false;
	found = sscanf(loadavg, "%*s %*s %*s %*u/%u", &all) == 1;
	free(loadavg);
	return found && all == td->threads.seen;
}

int task_diag__synthesize_threads(struct task_diag *td, const struct perf_tool *tool,
				  perf_event__handler_t process, struct machine *machine,
				  bool needs_mmap, bool mmap_data, int nr_workers)
{
	const struct task_synth *synth;
	bool all;

	if (!td)
		return -ENOENT;
	nr_workers = max(nr_workers, 1);
	td->workers = calloc(nr_workers, sizeof(*td->workers));
	if (!td->workers)
		return -ENOMEM;
	for (; td->nr_workers < nr_workers; td->nr_workers++) {
		struct worker *worker = &td->workers[td->nr_workers];

		worker->td = td;
		if (task_synth__init(&worker->synth, tool, process, machine,
				     needs_mmap, mmap_data))
			return -ENOMEM;
	}

	/*
	 * Threads first: what is to be kept of one is little, and each process
	 * then comes with its threads, after its leader.
	 */
	synth = &td->workers[0].synth;
	td->err = list_threads(td, synth, TASK_DIAG_DUMP_ALL_THREAD, 0);
	all = saw_all(td);
	if (!td->err)
		td->err = hash_threads(&td->threads);
	if (!td->err)
		td->err = ask(td, TASK_DIAG_DUMP_ALL, show_flags(synth, true), vma_flags(synth), 0);
	if (!td->err)
		run_workers(td);
	if (td->err)
		pr_debug("task_diag failed, reading /proc: %s\n", strerror(-td->err));
	return td->err ?: all ? 0 : -EACCES;
}

static int compare_pids(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

bool task_diag__has_process(const struct task_diag *td, pid_t pid)
{
	int i;

	for (i = 0; td && i < td->nr_workers; i++) {
		const struct worker *worker = &td->workers[i];

		if (worker->nr_pids && bsearch(&pid, worker->pids, worker->nr_pids,
					       sizeof(pid), compare_pids))
			return true;
	}
	return false;
}

/* --- a thread map ------------------------------------------------------- */

static const struct thread_info *find_thread(struct task_diag *td, pid_t tid)
{
	const struct thread_table *threads = &td->threads;
	u32 i;

	for (i = 0; i < threads->nr; i++) {
		/* A map has the threads of a process in the order of the dump. */
		const struct thread_info *thread = &threads->all[td->next++ % threads->nr];

		if (thread->tid == tid)
			return thread;
	}
	return NULL;
}

static int emit_thread(struct task_diag *td, struct task_synth *synth,
		       const struct thread_info *thread)
{
	const struct perf_ns_link_info *ns = NULL;

	if (thread->left)
		return 1;
	if (td->threads.ns)
		ns = td->threads.ns[thread - td->threads.all];
	if (emit_comm(synth, thread->tid, thread->tgid, thread->comm) ||
	    emit_namespaces(synth, thread->tid, thread->tgid, ns))
		return -1;
	return 0;
}

static int emit_leader(struct task_synth *synth, const struct task *task)
{
	const pid_t tgid = task->base.tgid;
	char comm[TASK_DIAG_COMM_LEN];

	if (task->left || !copy_comm(comm, task->name, task->name_len))
		return 1;
	if (emit_comm(synth, tgid, tgid, comm) ||
	    emit_namespaces(synth, tgid, tgid, task->ns) ||
	    emit_mmaps(synth, task))
		return -1;
	return 0;
}

/* Returns 1 if @pid is no process, or no visible one. */
static int synthesize_leader(struct task_diag *td, struct task_synth *synth, pid_t pid)
{
	struct task task;
	int ret = 1;
	int err;

	err = ask(td, TASK_DIAG_DUMP_ONE, show_flags(synth, true) | TASK_DIAG_SHOW_SCHED,
		  vma_flags(synth), pid);
	while (!err) {
		err = receive(td, &td->buf);
		if (err || !td->buf.len)
			break;
		task.end = td->buf.data;
		if (!next_task(&task, td->buf.data + td->buf.len))
			continue;
		ret = emit_leader(synth, &task);
		td->leader = pid;
		td->unlisted = task.nr_threads > 1;
		td->threads.nr = 0;
	}
	if (err && err != -ESRCH)
		td->err = err;
	return ret;
}

int task_diag__synthesize_thread(struct task_diag *td, struct task_synth *synth,
				 pid_t tid)
{
	const struct thread_info *thread;

	if (!td || td->err)
		return 1;
	if (td->unlisted) {
		td->unlisted = false;
		td->err = list_threads(td, synth, TASK_DIAG_DUMP_THREAD, td->leader);
		if (td->err)
			return 1;
		td->next = 0;
	}
	thread = find_thread(td, tid);
	if (thread)
		return emit_thread(td, synth, thread);
	return synthesize_leader(td, synth, tid);
}

/* ------------------------------------------------------------------------ */

struct task_diag *task_diag__open(struct machine *machine)
{
	struct task_diag *td;
	int err;

	if (!task_diag_enabled || !machine__is_host(machine))
		return NULL;
	td = zalloc(sizeof(*td));
	if (!td)
		return NULL;
	mutex_init(&td->lock);

	td->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	err = td->fd < 0 ? -errno : find_family(td);
	if (err) {
		pr_debug("task_diag is not there, reading /proc: %s\n", strerror(-err));
		task_diag__close(td);
		return NULL;
	}
	return td;
}

void task_diag__close(struct task_diag *td)
{
	int i;

	if (!td)
		return;
	for (i = 0; i < td->nr_workers; i++) {
		task_synth__exit(&td->workers[i].synth);
		free(td->workers[i].buf.data);
		free(td->workers[i].pids);
	}
	free(td->workers);
	free(td->threads.all);
	free(td->threads.ns);
	free(td->threads.first);
	free(td->buf.data);
	if (td->fd >= 0)
		close(td->fd);
	mutex_destroy(&td->lock);
	free(td);
}
