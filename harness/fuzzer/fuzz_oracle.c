// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <linux/taskstats.h>

#include "fuzz_oracle.h"

/* Answers of this number fit in a socket's default SO_RCVBUF. */
#define FUZZ_ROOM	8

/* Above this length their requests do not, if the answers have them. */
#define FUZZ_LONG_REQUEST	4096

/* Above every pid_max */
#define FUZZ_PID_LIMIT	(4U * 1024 * 1024)

#define FUZZ_PF_KTHREAD	0x00200000
#define FUZZ_SYMBOL_MAX	512	/* KSYM_NAME_LEN */

struct fuzz_world *fuzz_world;
unsigned long fuzz_nr_judged;

/* --- groups ------------------------------------------------------------ */

#define BIT(nr)		(1ULL << (nr))

/* Groups whose length depends on the task */
#define FUZZ_VARIABLE	(TASK_DIAG_SHOW_CMDLINE | TASK_DIAG_SHOW_ENVIRON | \
			 TASK_DIAG_SHOW_GROUPS | TASK_DIAG_SHOW_CGROUP |  \
			 TASK_DIAG_SHOW_EXE | TASK_DIAG_SHOW_NSPID |	  \
			 TASK_DIAG_SHOW_NAME | TASK_DIAG_SHOW_NS |	  \
			 TASK_DIAG_SHOW_LABEL | TASK_DIAG_SHOW_CWD |	  \
			 TASK_DIAG_SHOW_ROOT | TASK_DIAG_SHOW_WCHAN | FUZZ_LONG)

/* Groups that a process has another value of than its leader */
#define FUZZ_PER_PROCESS (TASK_DIAG_SHOW_STAT | TASK_DIAG_SHOW_TIMES | \
			  TASK_DIAG_SHOW_IO | TASK_DIAG_SHOW_SIGNAL)

/* Groups that a task can be without */
#define FUZZ_OPTIONAL	(TASK_DIAG_SHOW_LABEL | TASK_DIAG_SHOW_AUTOGROUP)

/* The groups that each flag is of */
static const struct {
	__u32 flags;
	__u64 groups;
} flags_of_groups[] = {
	{ FUZZ_ONLY_VMA, TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT },
	{ TASK_DIAG_ONLY_SOCKETS, TASK_DIAG_SHOW_FILES },
	{ TASK_DIAG_FILE_PATHS, TASK_DIAG_SHOW_FILES },
	{ TASK_DIAG_FD_KINDS, TASK_DIAG_SHOW_FD },
};

static const char * const group_names[64] = {
	[TASK_DIAG_BASE] = "BASE",
	[TASK_DIAG_CRED] = "CRED",
	[TASK_DIAG_STAT] = "STAT",
	[TASK_DIAG_VMA] = "VMA",
	[TASK_DIAG_VMA_STAT] = "VMA_STAT",
	[TASK_DIAG_CMDLINE] = "CMDLINE",
	[TASK_DIAG_TIMES] = "TIMES",
	[TASK_DIAG_SCHED] = "SCHED",
	[TASK_DIAG_MEM] = "MEM",
	[TASK_DIAG_SIGNAL] = "SIGNAL",
	[TASK_DIAG_GROUPS] = "GROUPS",
	[TASK_DIAG_IO] = "IO",
	[TASK_DIAG_NAME] = "NAME",
	[TASK_DIAG_CGROUP] = "CGROUP",
	[TASK_DIAG_NS] = "NS",
	[TASK_DIAG_NSPID] = "NSPID",
	[TASK_DIAG_EXE] = "EXE",
	[TASK_DIAG_ENVIRON] = "ENVIRON",
	[TASK_DIAG_OOM] = "OOM",
	[TASK_DIAG_LIMITS] = "LIMITS",
	[TASK_DIAG_FD] = "FD",
	[TASK_DIAG_MEM_ROLLUP] = "MEM_ROLLUP",
	[TASK_DIAG_MM_MAP] = "MM_MAP",
	[TASK_DIAG_FILES] = "FILES",
	[TASK_DIAG_LABEL] = "LABEL",
	[TASK_DIAG_CWD] = "CWD",
	[TASK_DIAG_ROOT] = "ROOT",
	[TASK_DIAG_WCHAN] = "WCHAN",
	[TASK_DIAG_AUTOGROUP] = "AUTOGROUP",
	[TASK_DIAG_IOPRIO] = "IOPRIO",
	[TASK_DIAG_AFFINITY] = "AFFINITY",
};

static const void *payload(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static size_t payload_len(const struct nlattr *attr)
{
	return attr->nla_len - NLA_HDRLEN;
}

static bool all_zero(const void *data, size_t len)
{
	const char *bytes = data;

	while (len--)
		if (*bytes++)
			return false;
	return true;
}

/* --- what a request wants ---------------------------------------------- */

static __printf(4, 5) void refuse(struct fuzz_want *want, int error,
				  __u32 bad_attr, const char *fmt, ...)
{
	va_list args;

	if (want->error)
		return;
	want->error = error;
	want->bad_attr = bad_attr;
	va_start(args, fmt);
	vsnprintf(want->text, sizeof(want->text), fmt, args);
	va_end(args);
}

static bool sees(const struct fuzz_asker *asker, const struct fuzz_task *task)
{
	if (task->tgid == asker->pid)
		return true;
	return !asker->inside && (!asker->uid || task->uid == asker->uid);
}

static const struct fuzz_task *find_task(__u32 pid)
{
	size_t i;

	for (i = 0; i < fuzz_world->nr_tasks; i++)
		if (fuzz_world->tasks[i].pid == pid)
			return &fuzz_world->tasks[i];
	return NULL;
}

static bool per_thread(const struct fuzz_want *want)
{
	return want->req.dump_strategy == TASK_DIAG_DUMP_ALL_THREAD ||
	       want->req.dump_strategy == TASK_DIAG_DUMP_THREAD;
}

static bool for_process(const struct fuzz_want *want)
{
	return want->req.dump_strategy == TASK_DIAG_DUMP_ONE ||
	       want->req.dump_strategy == TASK_DIAG_DUMP_CHILDREN;
}

static void check_target(struct fuzz_want *want)
{
	const __u32 pid = want->req.pid ?: want->asker.pid;
	const struct fuzz_task *task = find_task(pid);
	bool gone;

	if (!for_process(want) &&
	    want->req.dump_strategy != TASK_DIAG_DUMP_THREAD)
		return;
	if (pid == want->asker.pid) {
		want->may_be_gone = want->req.id;
		return;
	}
	want->may_be_gone = !task;
	if (!task)
		gone = pid >= FUZZ_PID_LIMIT - 2;
	else
		gone = !sees(&want->asker, task) ||
		       (for_process(want) && task->pid != task->tgid) ||
		       (want->req.id && want->req.id != task->id);
	if (gone)
		refuse(want, ESRCH, 0, "no such process");
}

static void check_show_flags(struct fuzz_want *want, __u32 at)
{
	const __u64 has = fuzz_world->header.show_flags;
	__u64 unknown = want->req.show_flags & ~has;
	unsigned int bit;

	for (bit = 0; bit < ARRAY_SIZE(group_names); bit++)
		if (unknown & BIT(bit) && group_names[bit]) {
			/* Which is named first, and what it needs, is untold. */
			refuse(want, EOPNOTSUPP, at, "group ");
			return;
		}
	if (unknown)
		refuse(want, EINVAL, at, "show_flags has unknown bits 0x%llx",
		       unknown);
}

static void check_flags(struct fuzz_want *want, __u32 at)
{
	const struct task_diag_pid *req = &want->req;
	__u32 unused = req->flags;
	size_t i;

	if (req->flags & ~FUZZ_FLAGS)
		refuse(want, EINVAL, at, "flags has unknown bits 0x%x",
		       req->flags & ~FUZZ_FLAGS);
	if (per_thread(want))
		unused &= ~TASK_DIAG_WITH_PROCESS;
	for (i = 0; i < ARRAY_SIZE(flags_of_groups); i++)
		if (req->show_flags & flags_of_groups[i].groups)
			unused &= ~flags_of_groups[i].flags;
	if (unused & TASK_DIAG_WITH_PROCESS)
		refuse(want, EINVAL, at,
		       "TASK_DIAG_WITH_PROCESS: dump_strategy is not over threads");
	if (unused)
		refuse(want, EINVAL, at,
		       "flags 0x%x need groups that are not in show_flags",
		       unused);
}

static void check_struct(struct fuzz_want *want, const struct nlattr *attr,
			 __u32 at)
{
	const size_t len = payload_len(attr);
	struct task_diag_pid *req = &want->req;

	if (len < TASK_DIAG_PID_SIZE_VER0) {
		refuse(want, EINVAL, at,
		       "struct task_diag_pid is %zu bytes, at least 20 needed",
		       len);
		return;
	}
	if (len > sizeof(*req) &&
	    !all_zero(payload(attr) + sizeof(*req), len - sizeof(*req)))
		refuse(want, E2BIG, at,
		       "struct task_diag_pid has fields that this kernel does not know");
	memcpy(req, payload(attr), len < sizeof(*req) ? len : sizeof(*req));
	check_show_flags(want, at);
	if (req->dump_strategy > TASK_DIAG_DUMP_MAX)
		refuse(want, EINVAL, at, "dump_strategy %llu is unknown",
		       req->dump_strategy);
	check_flags(want, at);
}

/* The attributes of a request */
struct request {
	const struct nlmsghdr	*nlh;
	const struct nlattr	*attrs[TASK_DIAG_ATTR_MAX + 1];
};

static __u32 offset_of(const struct request *request, const struct nlattr *attr)
{
	return (void *)attr - (void *)request->nlh;
}

static __u32 u32_of(const struct nlattr *attr)
{
	return attr ? *(const __u32 *)payload(attr) : 0;
}

static void check_pids(struct fuzz_want *want, const struct request *request)
{
	const struct nlattr *pids = request->attrs[TASK_DIAG_SELECT_PIDS];
	const struct nlattr *ids = request->attrs[TASK_DIAG_SELECT_IDS];
	const __u64 strategy = want->req.dump_strategy;
	size_t len, nr;

	if (ids && !pids)
		refuse(want, EINVAL, offset_of(request, ids),
		       "TASK_DIAG_SELECT_IDS needs TASK_DIAG_SELECT_PIDS");
	if (!pids)
		return;
	if (strategy != TASK_DIAG_DUMP_ALL &&
	    strategy != TASK_DIAG_DUMP_ALL_THREAD)
		refuse(want, EINVAL, offset_of(request, pids),
		       "TASK_DIAG_SELECT_PIDS needs TASK_DIAG_DUMP_ALL or TASK_DIAG_DUMP_ALL_THREAD");
	len = payload_len(pids);
	nr = len / sizeof(__u32);
	if (len % sizeof(__u32) || !nr || nr > TASK_DIAG_PIDS_MAX)
		refuse(want, EINVAL, offset_of(request, pids),
		       "TASK_DIAG_SELECT_PIDS takes 1 to %d u32, not %zu bytes",
		       TASK_DIAG_PIDS_MAX, len);
	if (ids && payload_len(ids) != nr * sizeof(__u64))
		refuse(want, EINVAL, offset_of(request, ids),
		       "TASK_DIAG_SELECT_IDS takes a u64 for each of %zu pids, not %zu bytes",
		       nr, payload_len(ids));
}

static void check_user(struct fuzz_want *want, const struct request *request,
		       __u16 type, __u32 *uid)
{
	const struct nlattr *attr = request->attrs[type];

	*uid = u32_of(attr);
	if (attr && (want->asker.inside ? *uid != 0 : *uid == (__u32)-1))
		refuse(want, EINVAL, offset_of(request, attr),
		       "user %u is not mapped in the user namespace", *uid);
}

static void check_states(struct fuzz_want *want, const struct request *request)
{
	const struct nlattr *attr = request->attrs[TASK_DIAG_SELECT_STATES];
	static const char states[] = "RSDTtXZPI";
	const unsigned char *state;

	if (!attr || want->error)
		return;
	for (state = payload(attr); *state; state++)
		if (!strchr(states, *state))
			refuse(want, EINVAL, offset_of(request, attr),
			       "unknown state 0x%x, must be one of %s",
			       *state, states);
	snprintf(want->select.states, sizeof(want->select.states), "%s",
		 (const char *)payload(attr));
}

/* Returns a cgroup's index, FUZZ_UNKNOWN, or the error for one that is none. */
static int find_cgroup(const struct nlattr *id_attr,
		       const struct nlattr *fd_attr)
{
	const struct fuzz_cgroup *cgroup;
	__u64 id = 0;
	int i;

	if (id_attr)
		memcpy(&id, payload(id_attr), sizeof(id));
	for (i = 0; i < fuzz_world->nr_cgroups; i++) {
		cgroup = &fuzz_world->cgroups[i];
		if (id_attr ? cgroup->id == id : cgroup->fd == u32_of(fd_attr))
			return cgroup->gone ? -ENOENT : i;
	}
	if (!id_attr)
		return -EBADF;
	/* Ids go up from 1; on 32-bit kernels with a generation. */
	return !(__u32)id || (__u32)id >> 20 || id >> 33 ? -ENOENT :
							   FUZZ_UNKNOWN;
}

static_assert(ENOENT > -FUZZ_UNKNOWN && EBADF > -FUZZ_UNKNOWN,
	      "an error is no FUZZ_UNKNOWN");

static void check_cgroup(struct fuzz_want *want, const struct request *request)
{
	const struct nlattr *id = request->attrs[TASK_DIAG_SELECT_CGROUP];
	const struct nlattr *fd = request->attrs[TASK_DIAG_SELECT_CGROUP_FD];
	const struct nlattr *below =
		request->attrs[TASK_DIAG_SELECT_DESCENDANTS];
	int cgroup;

	if (!id && !fd && !below)
		return;
	if (!(fuzz_world->header.show_flags & TASK_DIAG_SHOW_CGROUP)) {
		refuse(want, EOPNOTSUPP, 0,
		       "cgroups: this kernel was built without CONFIG_CGROUPS");
		return;
	}
	if (id && fd)
		refuse(want, EINVAL, offset_of(request, fd),
		       "TASK_DIAG_SELECT_CGROUP and _CGROUP_FD exclude each other");
	if (!id && !fd)
		refuse(want, EINVAL, offset_of(request, below),
		       "TASK_DIAG_SELECT_DESCENDANTS needs a cgroup");
	if (want->error)
		return;
	cgroup = find_cgroup(id, fd);
	if (cgroup >= 0)
		want->select.cgroup = cgroup;
	else if (cgroup == FUZZ_UNKNOWN)
		want->may_lack_cgroup = offset_of(request, id);
	else
		refuse(want, -cgroup, offset_of(request, id ?: fd),
		       "no such cgroup");
}

static void *copy_of(const struct nlattr *attr)
{
	void *copy = malloc(payload_len(attr));

	if (!copy)
		abort();
	return memcpy(copy, payload(attr), payload_len(attr));
}

static void check_select(struct fuzz_want *want, const struct request *request)
{
	const struct nlattr * const *attrs = request->attrs;
	struct fuzz_select *select = &want->select;
	const struct nlattr *last = NULL;
	unsigned int i;

	select->cgroup = FUZZ_UNKNOWN;
	for (i = 0; i < FUZZ_NR_SELECTS; i++) {
		if (!attrs[TASK_DIAG_SELECT_PIDS + i])
			continue;
		select->by |= 1U << i;
		last = attrs[TASK_DIAG_SELECT_PIDS + i];
	}
	if (last && want->req.dump_strategy == TASK_DIAG_DUMP_ONE)
		refuse(want, EINVAL, offset_of(request, last),
		       "TASK_DIAG_SELECT_*: dump_strategy is of one process");
	if (!last || want->error)
		return;
	check_pids(want, request);
	check_user(want, request, TASK_DIAG_SELECT_UID, &select->uid);
	check_user(want, request, TASK_DIAG_SELECT_EUID, &select->euid);
	check_states(want, request);
	check_cgroup(want, request);
	select->sid = u32_of(attrs[TASK_DIAG_SELECT_SID]);
	select->tty = u32_of(attrs[TASK_DIAG_SELECT_TTY]);
	select->kthreads = u32_of(attrs[TASK_DIAG_SELECT_KTHREADS]);
	if (want->error || !(select->by & FUZZ_SELECT(PIDS)))
		return;
	select->pids = copy_of(attrs[TASK_DIAG_SELECT_PIDS]);
	select->nr_pids = payload_len(attrs[TASK_DIAG_SELECT_PIDS]) /
			  sizeof(*select->pids);
	if (select->by & FUZZ_SELECT(IDS))
		select->ids = copy_of(attrs[TASK_DIAG_SELECT_IDS]);
}

static void check_get(struct fuzz_want *want, const struct request *request)
{
	const struct nlattr *attr = request->attrs[TASK_DIAG_REQUEST];

	if (!attr) {
		if (!want->error)
			want->missing_attr = TASK_DIAG_REQUEST;
		refuse(want, EINVAL, 0, "TASK_DIAG_REQUEST is missing");
		return;
	}
	check_struct(want, attr, offset_of(request, attr));
	check_select(want, request);
	if (want->kind == FUZZ_WANT_ONE) {
		if (want->req.dump_strategy != TASK_DIAG_DUMP_ONE)
			refuse(want, EINVAL, 0,
			       "dump_strategy needs NLM_F_DUMP");
		if (want->req.show_flags & FUZZ_LONG ||
		    want->req.flags & TASK_DIAG_FD_KINDS)
			refuse(want, EINVAL, 0,
			       "mappings and open files may take long to read: ask with NLM_F_DUMP");
	}
	if (!want->error)
		check_target(want);
}

/* Lengths that genetlink checks, plus 1 */
static const size_t select_sizes[TASK_DIAG_ATTR_MAX + 1] = {
	[TASK_DIAG_SELECT_CGROUP] = sizeof(__u64) + 1,
	[TASK_DIAG_SELECT_CGROUP_FD] = sizeof(__u32) + 1,
	[TASK_DIAG_SELECT_UID] = sizeof(__u32) + 1,
	[TASK_DIAG_SELECT_EUID] = sizeof(__u32) + 1,
	[TASK_DIAG_SELECT_SID] = sizeof(__u32) + 1,
	[TASK_DIAG_SELECT_TTY] = sizeof(__u32) + 1,
	[TASK_DIAG_SELECT_KTHREADS] = sizeof(__u32) + 1,
};

#define FUZZ_STATES_MAX	16	/* letters, before their zero */

/* What is wrong with a string of letters, or 0 */
static int check_string(const char *string, size_t len)
{
	const size_t first = len < FUZZ_STATES_MAX + 1 ? len :
							 FUZZ_STATES_MAX + 1;

	if (!memchr(string, 0, first))
		return -EINVAL;
	len -= !string[len - 1];
	return len > FUZZ_STATES_MAX ? -ERANGE : 0;
}

/* The rules of genetlink for an attribute of a family with strict validation */
static void check_attr(struct fuzz_want *want, const struct nlattr *attr,
		       __u32 at)
{
	const __u16 type = attr->nla_type & NLA_TYPE_MASK;
	const bool header = want->kind == FUZZ_WANT_HEADER;
	const size_t len = payload_len(attr);
	int error = header ? -EINVAL : 0;

	if (!type || type > (header ? TASK_DIAG_REQUEST : TASK_DIAG_SELECT_KTHREADS)) {
		refuse(want, EINVAL, at, "Unknown attribute type");
		return;
	}
	if (type < TASK_DIAG_REQUEST || type == TASK_DIAG_PROCESS)
		refuse(want, EINVAL, at, "Unsupported attribute");
	if (select_sizes[type] && len != select_sizes[type] - 1)
		refuse(want, EINVAL, at, "invalid attribute length");
	if (attr->nla_type & NLA_F_NESTED)
		refuse(want, EINVAL, at, "NLA_F_NESTED not expected");
	if (type == TASK_DIAG_SELECT_DESCENDANTS && len)
		error = -ERANGE;
	if (type == TASK_DIAG_SELECT_STATES)
		error = check_string(payload(attr), len);
	if (error)
		refuse(want, -error, at, "Attribute failed policy validation");
	if (type == TASK_DIAG_SELECT_KTHREADS && !want->error &&
	    u32_of(attr) > 1)
		refuse(want, ERANGE, at, "integer out of range");
}

/* Of attributes that come twice, the last counts. */
static void check_attrs(struct fuzz_want *want, struct request *request)
{
	const struct nlmsghdr *nlh = request->nlh;
	const struct nlattr *attr = (void *)nlh + NLMSG_LENGTH(GENL_HDRLEN);
	int left = nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
	__u16 type;

	while (left >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN &&
	       attr->nla_len <= left) {
		type = attr->nla_type & NLA_TYPE_MASK;
		check_attr(want, attr, offset_of(request, attr));
		if (type <= TASK_DIAG_ATTR_MAX)
			request->attrs[type] = attr;
		left -= NLA_ALIGN(attr->nla_len);
		attr = (void *)attr + NLA_ALIGN(attr->nla_len);
	}
	if (left > 0)
		refuse(want, EINVAL, 0,
		       "bytes leftover after parsing attributes");
}

static void check_genl_header(struct fuzz_want *want,
			      const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	bool dump = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	__u16 flags = nlh->nlmsg_flags & ~(dump ? NLM_F_DUMP : 0);

	if (genl->reserved)
		refuse(want, EINVAL, 0,
		       "genlmsghdr.reserved field is not 0");
	if (flags & ~(NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO))
		refuse(want, EINVAL, 0,
		       "ambiguous or reserved bits set in nlmsg_flags");
	if (genl->cmd == TASK_DIAG_CMD_GET)
		want->kind = dump ? FUZZ_WANT_DUMP : FUZZ_WANT_ONE;
	else if (genl->cmd == TASK_DIAG_CMD_HEADER && !dump)
		want->kind = FUZZ_WANT_HEADER;
	else
		refuse(want, EOPNOTSUPP, 0, "%s", "");
}

static void check_asker(struct fuzz_want *want, const struct fuzz_sock *sock,
			bool named)
{
	if (!named && sock->cred != want->asker.cred)
		refuse(want, EPERM, 0,
		       "socket was opened with other credentials");
}

static bool dump_goes_on(const struct fuzz_sock *sock)
{
	size_t i;

	for (i = 0; i < sock->nr_wants; i++)
		if (sock->wants[i].kind == FUZZ_WANT_DUMP &&
		    !sock->wants[i].finished)
			return true;
	return false;
}

static struct fuzz_want *add_want(struct fuzz_sock *sock)
{
	struct fuzz_want *want;

	if (sock->nr_wants == sock->max_wants) {
		sock->max_wants = sock->max_wants ? 2 * sock->max_wants : 16;
		sock->wants = realloc(sock->wants, sock->max_wants *
						   sizeof(*sock->wants));
		if (!sock->wants)
			abort();
	}
	want = &sock->wants[sock->nr_wants++];
	memset(want, 0, sizeof(*want));
	return want;
}

static void want_answer(struct fuzz_sock *sock, const struct fuzz_asker *asker,
			const struct nlmsghdr *nlh, bool named)
{
	const bool busy = dump_goes_on(sock);
	struct fuzz_want *want = add_want(sock);
	struct request request = { .nlh = nlh };

	want->nlh = *nlh;
	want->asker = *asker;
	want->last_group = -1;
	if (nlh->nlmsg_flags & NLM_F_REQUEST &&
	    nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
		if (nlh->nlmsg_type != fuzz_world->family)
			refuse(want, ENOENT, 0, "%s", "");
		else if (nlh->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
			refuse(want, EINVAL, 0, "%s", "");
		else
			check_genl_header(want, nlh);
	}
	if (want->kind != FUZZ_WANT_ACK && !want->error) {
		want->may_be_busy = busy && want->kind == FUZZ_WANT_DUMP;
		check_attrs(want, &request);
		check_asker(want, sock, named);
		if (want->kind != FUZZ_WANT_HEADER && !want->error)
			check_get(want, &request);
	}

	if (want->error)
		want->kind = FUZZ_WANT_ACK;
	else if (want->kind == FUZZ_WANT_ACK)
		want->finished = !(nlh->nlmsg_flags & NLM_F_ACK);
	want->answered = want->kind == FUZZ_WANT_ACK;
	sock->queued += want->answered ? !want->finished :
			want->kind == FUZZ_WANT_DUMP ? 1 :
			1 + !!(nlh->nlmsg_flags & NLM_F_ACK);
	/* An error can come with all of the request. */
	if (sock->small || sock->queued > FUZZ_ROOM ||
	    (!sock->cap_ack && nlh->nlmsg_len > FUZZ_LONG_REQUEST))
		sock->may_lose = true;
}

/**
 * fuzz_sent() - note what the datagram that was sent wants
 * @sock: where
 * @asker: who sent it
 * @data: the datagram
 * @len: its length
 * @named: with the kernel's address
 */
void fuzz_sent(struct fuzz_sock *sock, const struct fuzz_asker *asker,
	       const void *data, size_t len, bool named)
{
	const struct nlmsghdr *nlh = data;
	size_t step = 0;

	for (; step <= len; nlh = (void *)nlh + step) {
		len -= step;
		if (len < NLMSG_HDRLEN || nlh->nlmsg_len < NLMSG_HDRLEN ||
		    nlh->nlmsg_len > len)
			break;
		want_answer(sock, asker, nlh, named);
		step = NLMSG_ALIGN(nlh->nlmsg_len);
	}
}

/* --- which tasks are selected ------------------------------------------ */

enum verdict {
	NO,
	MAYBE,
	YES,
};

static bool selects_by(const struct fuzz_want *want, __u32 what)
{
	return want->select.by & what;
}

/* Whether the tasks come as the cgroup has them, in no order */
static bool walks_cgroup(const struct fuzz_want *want)
{
	return selects_by(want, FUZZ_SELECT_CGROUP) && !want->select.nr_pids &&
	       (want->req.dump_strategy == TASK_DIAG_DUMP_ALL ||
		want->req.dump_strategy == TASK_DIAG_DUMP_ALL_THREAD);
}

static bool is_within(int cgroup, int other)
{
	while (cgroup != other && cgroup != FUZZ_UNKNOWN)
		cgroup = fuzz_world->cgroups[cgroup].parent;
	return cgroup == other;
}

static enum verdict is_in_cgroup(const struct fuzz_want *want,
				 const struct fuzz_task *task)
{
	const int cgroup = want->select.cgroup;
	bool is;

	if (task->state == 'Z')
		return NO;
	if (cgroup == FUZZ_UNKNOWN || task->cgroup == FUZZ_UNKNOWN)
		return MAYBE;
	is = selects_by(want, FUZZ_SELECT(DESCENDANTS)) ?
	     is_within(task->cgroup, cgroup) : task->cgroup == cgroup;
	return is ? YES : NO;
}

static enum verdict is_in_state(const struct fuzz_want *want, char state)
{
	if (!want->select.states[0])
		return NO;
	if (!state)
		return MAYBE;
	return strchr(want->select.states, state) ? YES : NO;
}

/* Whether a task that stays as it is passes all that is not a list of pids */
static enum verdict passes(const struct fuzz_want *want,
			   const struct fuzz_task *task)
{
	const struct fuzz_select *select = &want->select;
	enum verdict in_cgroup = YES, in_state = YES;

	if (selects_by(want, FUZZ_SELECT(UID)) && task->uid != select->uid)
		return NO;
	if (selects_by(want, FUZZ_SELECT(EUID)) && task->uid != select->euid)
		return NO;
	if (selects_by(want, FUZZ_SELECT(SID)) && task->sid != select->sid)
		return NO;
	if (selects_by(want, FUZZ_SELECT(TTY)) && task->tty != select->tty)
		return NO;
	if (selects_by(want, FUZZ_SELECT(KTHREADS)) &&
	    task->kthread != select->kthreads)
		return NO;
	if (selects_by(want, FUZZ_SELECT_CGROUP))
		in_cgroup = is_in_cgroup(want, task);
	if (selects_by(want, FUZZ_SELECT(STATES)))
		in_state = is_in_state(want, task->state);
	return in_cgroup < in_state ? in_cgroup : in_state;
}

/* Whether an entry of the list is of the task with @pid, which has @id or 0 */
static bool is_listed(const struct fuzz_select *select, size_t at, __u32 pid,
		      __u64 id)
{
	const __u64 wants_id = select->ids ? select->ids[at] : 0;

	return select->pids[at] == pid && (!wants_id || !id || wants_id == id);
}

/* The list has come past an entry, whose task was not reported. */
static void judge_passed(const struct fuzz_want *want, size_t at)
{
	const struct fuzz_task *task = find_task(want->select.pids[at]);

	if (task && sees(&want->asker, task) &&
	    (per_thread(want) || task->pid == task->tgid) &&
	    is_listed(&want->select, at, task->pid, task->id) &&
	    passes(want, task) == YES)
		fuzz_wrong("%u, number %zu of the list, is missing", task->pid,
			   at);
}

/* The next entry of the list that @pid can be the answer to */
static void judge_listed(struct fuzz_want *want, __u32 pid)
{
	const struct fuzz_task *task = find_task(pid);
	struct fuzz_select *select = &want->select;

	while (select->at < select->nr_pids) {
		if (is_listed(select, select->at++, pid, task ? task->id : 0))
			return;
		judge_passed(want, select->at - 1);
	}
	fuzz_wrong("%u is not the next of the list", pid);
}

/* Its id may show that it is the answer to a later entry with its pid. */
static bool judge_listed_id(struct fuzz_want *want,
			    const struct task_diag_base *base)
{
	struct fuzz_select *select = &want->select;

	while (!is_listed(select, select->at - 1, base->pid, base->id)) {
		judge_passed(want, select->at - 1);
		if (++select->at > select->nr_pids)
			return false;
	}
	return true;
}

/* A session of its own is what it can have got since then. */
static bool judge_selected_base(struct fuzz_want *want,
				const struct task_diag_base *base)
{
	const struct fuzz_select *select = &want->select;

	if (selects_by(want, FUZZ_SELECT(STATES)) &&
	    is_in_state(want, base->state) != YES)
		return false;
	if (selects_by(want, FUZZ_SELECT(SID)) && base->sid != select->sid &&
	    (find_task(base->pid) || base->sid != base->tgid))
		return false;
	/* A helper of the kernel in user mode is a child of kthreadd, too. */
	if (selects_by(want, FUZZ_SELECT(KTHREADS)) && select->kthreads &&
	    base->ppid != 2 && base->pid != 2)
		return false;
	return !selects_by(want, FUZZ_SELECT(IDS)) || want->resumed ||
	       judge_listed_id(want, base);
}

/* Between two messages it can get new credentials. */
static bool judge_selected_cred(const struct fuzz_want *want,
				const struct task_diag_cred *cred)
{
	if (want->resumed)
		return true;
	return (!selects_by(want, FUZZ_SELECT(UID)) ||
		cred->uid == want->select.uid) &&
	       (!selects_by(want, FUZZ_SELECT(EUID)) ||
		cred->euid == want->select.euid);
}

static bool is_path_within(const char *path, size_t len, int cgroup)
{
	const char *above = fuzz_world->cgroups[cgroup].path;
	const size_t above_len = strlen(above);

	return len >= above_len && !memcmp(path, above, above_len) &&
	       (len == above_len || path[above_len] == '/' ||
		path[above_len] == ' ' || above[above_len - 1] == '/');
}

/* Tasks move within one of the cgroups, but they do not leave it. */
static bool judge_selected_cgroup(const struct fuzz_want *want,
				  const struct task_diag_cgroup *cgroup,
				  size_t len)
{
	const struct fuzz_task *task = find_task(want->pid);
	const char *path = (const char *)(cgroup + 1);
	const int selected = want->select.cgroup;

	if (task && task->cgroup != FUZZ_UNKNOWN && task->state != 'Z' &&
	    cgroup->id != fuzz_world->cgroups[task->cgroup].id)
		return false;
	if (!selects_by(want, FUZZ_SELECT_CGROUP) || selected == FUZZ_UNKNOWN ||
	    cgroup->path_off || cgroup->id == fuzz_world->cgroups[selected].id)
		return true;
	len -= sizeof(*cgroup);
	if (!task && fuzz_world->moving != FUZZ_UNKNOWN &&
	    is_path_within(path, len, fuzz_world->moving))
		return true;
	return selects_by(want, FUZZ_SELECT(DESCENDANTS)) &&
	       is_path_within(path, len, selected);
}

/* --- what a message about a task is like ------------------------------- */

static bool judge_steady_base(const struct fuzz_task *task,
			      const struct task_diag_base *base)
{
	return base->tgid == task->tgid && base->ppid == task->ppid &&
	       base->sid == task->sid && (!task->id || base->id == task->id) &&
	       (!task->state || base->state == task->state);
}

static bool judge_base(struct fuzz_want *want,
		       const struct task_diag_base *base)
{
	const size_t len = strnlen((char *)base->comm, sizeof(base->comm));
	const struct fuzz_task *task = find_task(want->pid);

	want->tgid = base->tgid;
	if (want->asker.uid && (base->ppid == 2 || base->pid == 2))
		return false;
	if (task && !judge_steady_base(task, base))
		return false;
	if (!judge_selected_base(want, base)) {
		fuzz_wrong("%u, state %c, session %u, parent %u, was not selected",
			   want->pid, base->state, base->sid, base->ppid);
		return false;
	}
	return base->pid == want->pid && base->tgid &&
	       (per_thread(want) || base->tgid == base->pid) &&
	       all_zero(base->pad, sizeof(base->pad)) && !base->pad2 &&
	       base->id && base->state && strchr("RSDTtXZPI", base->state) &&
	       len < sizeof(base->comm) &&
	       all_zero(base->comm + len, sizeof(base->comm) - len);
}

static bool judge_cred(const struct fuzz_want *want,
		       const struct task_diag_cred *cred)
{
	const uid_t uid = want->asker.uid;

	if (!judge_selected_cred(want, cred))
		fuzz_wrong("%u, a task of users %u and %u, was not selected",
			   want->pid, cred->uid, cred->euid);

	/* Everybody sees himself, with all of his threads. */
	if (uid && !want->asker.inside && want->tgid &&
	    want->tgid != want->asker.pid &&
	    (cred->uid != uid || cred->euid != uid || cred->suid != uid))
		fuzz_wrong("%u, a task of users %u, %u, %u, is shown to user %u",
			   want->pid, cred->uid, cred->euid, cred->suid, uid);
	return all_zero(cred->pad, sizeof(cred->pad)) && cred->seccomp <= 2 &&
	       cred->no_new_privs <= 1;
}

static bool judge_vma(struct fuzz_want *want, const struct task_diag_vma *vma,
		      size_t len)
{
	const size_t part = len - vma->name_at;
	bool ok;

	/* The next one, or the next part of its name */
	ok = vma->name_at == sizeof(*vma) && !vma->pad &&
	     vma->start < vma->end && vma->name_off <= vma->name_len &&
	     part <= vma->name_len - vma->name_off && vma->flags < 64 &&
	     (vma->flags < TASK_DIAG_VMA_SAME_NAME || !vma->name_len) &&
	     vma->start >= (vma->name_off ? 0 : want->last_vma[0]);
	if (vma->name_off + part == vma->name_len)
		want->last_vma[0] = vma->end;
	if (want->req.flags & TASK_DIAG_ONLY_VMA_EXEC &&
	    !(vma->flags & TASK_DIAG_VMA_EXEC))
		ok = false;
	return ok;
}

static bool judge_vma_stat(struct fuzz_want *want,
			   const struct task_diag_vma_stat *stat, size_t len)
{
	bool ok;

	ok = stat->start < stat->end && stat->start >= want->last_vma[1] &&
	     stat->thp_eligible <= 1 && stat->pages_at == sizeof(*stat) &&
	     stat->pages_len == sizeof(struct task_diag_pages) &&
	     stat->vm_flags_at == stat->pages_at + stat->pages_len &&
	     stat->vm_flags_len == len - stat->vm_flags_at &&
	     !(stat->vm_flags_len % 2);
	want->last_vma[1] = stat->end;
	return ok;
}

static bool judge_cgroup(const struct fuzz_want *want,
			 const struct task_diag_cgroup *cgroup, size_t len)
{
	if (!judge_selected_cgroup(want, cgroup, len))
		fuzz_wrong("%u, in cgroup %llu, was not selected", want->pid,
			   cgroup->id);
	return cgroup->path_at == sizeof(*cgroup) && !cgroup->pad &&
	       cgroup->path_off <= cgroup->path_len &&
	       len - sizeof(*cgroup) <= cgroup->path_len - cgroup->path_off;
}

static bool judge_ns(const struct task_diag_ns *ns)
{
	return ns->ino && ns->type && ns->for_children <= 1 && !ns->pad;
}

static bool judge_limit(const struct task_diag_limit *limit)
{
	return limit->resource < RLIM_NLIMITS && !limit->pad;
}

static bool judge_sched(const struct fuzz_want *want,
			const struct task_diag_sched *sched)
{
	const bool kthread = sched->flags & FUZZ_PF_KTHREAD;

	if (selects_by(want, FUZZ_SELECT(KTHREADS)) &&
	    kthread != want->select.kthreads)
		fuzz_wrong("%u, with flags 0x%x, was not selected", want->pid,
			   sched->flags);
	return !sched->pad;
}

/* Others than the steady ones may get a terminal, or lose it. */
static bool judge_signal(const struct fuzz_want *want,
			 const struct task_diag_signal *signal)
{
	const struct fuzz_task *task = find_task(want->pid);

	return signal->core_dumping <= 1 &&
	       (!task || task->zombie || signal->tty_nr == task->tty);
}

static bool judge_fd(struct fuzz_want *want, const struct task_diag_fd *fd)
{
	const struct fuzz_task *task = find_task(want->pid);
	__u64 sum = 0;
	size_t i;

	want->open_fds = fd->open_fds;
	if (fd->pad || fd->open_fds > fd->max_fds || fd->umask > 0777)
		return false;
	if (!(want->req.flags & TASK_DIAG_FD_KINDS))
		return true;
	for (i = 0; i < ARRAY_SIZE(fd->kinds); i++)
		sum += fd->kinds[i];
	/* Tables of others change between the count and the sum. */
	return task && task->state ? sum == fd->open_fds : sum <= INT_MAX;
}

/* A path whose text follows from what else is reported */
static bool judge_path(const struct task_diag_file *file, const char *path)
{
	char text[40] = "";

	if (file->kind == TASK_DIAG_FILE_SOCKET)
		snprintf(text, sizeof(text), "socket:[%llu]", file->ino);
	else if (file->kind == TASK_DIAG_FILE_PIPE)
		snprintf(text, sizeof(text), "pipe:[%llu]", file->ino);
	return !text[0] || (file->path_len == strlen(text) &&
			    !memcmp(path, text, file->path_len));
}

/* Where the file's place is: after the last one, or as its next part */
static bool judge_file_order(const struct fuzz_want *want,
			     const struct task_diag_file *file)
{
	const struct task_diag_file *last = &want->file;

	if (!want->file_cut)
		return file->fd > want->last_fd &&
		       (!file->path_off || want->resumed);
	return file->fd == last->fd && file->ino == last->ino &&
	       file->kind == last->kind && file->pos == last->pos &&
	       file->path_len == last->path_len &&
	       file->path_off == last->path_off;
}

static bool judge_file(struct fuzz_want *want,
		       const struct task_diag_file *file, size_t len)
{
	const __u32 flags = want->req.flags;
	const char *path = (const char *)(file + 1);
	const size_t part = len - sizeof(*file);
	const bool special = file->kind == TASK_DIAG_FILE_CHR ||
			     file->kind == TASK_DIAG_FILE_BLK;

	if (file->path_at != sizeof(*file) || file->pad ||
	    file->kind >= TASK_DIAG_FILE_KINDS || file->fd > INT_MAX ||
	    (!special && (file->rdev_major || file->rdev_minor)) ||
	    file->path_len >= PATH_MAX || file->path_off > file->path_len ||
	    part > file->path_len - file->path_off || memchr(path, 0, part))
		return false;
	if (!(flags & TASK_DIAG_FILE_PATHS) && file->path_len)
		return false;
	if (flags & TASK_DIAG_ONLY_SOCKETS &&
	    file->kind != TASK_DIAG_FILE_SOCKET)
		return false;
	if (!judge_file_order(want, file))
		return false;

	want->nr_files += !want->file_cut;
	want->last_fd = file->fd;
	want->file = *file;
	want->file.path_off += part;
	want->file_cut = want->file.path_off < file->path_len;
	/* What an empty message has room for is not cut. */
	if (want->file_cut && !file->path_off && want->nr_attrs > 1)
		return false;
	return !(flags & TASK_DIAG_FILE_PATHS) || part < file->path_len ||
	       judge_path(file, path);
}

static bool judge_mask(const __u32 *mask, __u32 nr)
{
	return nr % 32 == 0 || !(mask[nr / 32] >> (nr % 32));
}

static bool judge_affinity(const struct task_diag_affinity *affinity,
			   size_t len)
{
	static __u32 cpus, mems;	/* of the kernel, as once reported */
	const __u64 cpus_len = ((__u64)affinity->cpus + 31) / 32 * 4;
	const __u64 mems_len = ((__u64)affinity->mems + 31) / 32 * 4;
	const void *data = affinity;

	if (!cpus) {
		cpus = affinity->cpus;
		mems = affinity->mems;
	}
	return affinity->cpus && affinity->cpus == cpus &&
	       affinity->mems == mems &&
	       affinity->cpus_at == sizeof(*affinity) &&
	       affinity->mems_at == affinity->cpus_at + cpus_len &&
	       affinity->mems_at + mems_len == len &&
	       !all_zero(data + affinity->cpus_at, cpus_len) &&
	       judge_mask(data + affinity->cpus_at, affinity->cpus) &&
	       judge_mask(data + affinity->mems_at, affinity->mems);
}

static bool judge_autogroup(const struct task_diag_autogroup *autogroup)
{
	return !autogroup->pad && autogroup->nice >= -20 &&
	       autogroup->nice <= 19;
}

/* The name of a directory, or a part of it */
static bool judge_directory(const struct fuzz_want *want, __u16 group,
			    const char *path, size_t len)
{
	const bool first = !(want->groups & BIT(group)) && !want->resumed;

	return len && len < PATH_MAX && !memchr(path, 0, len) &&
	       (!first || path[0] == '/' || path[0] == '(');
}

static bool judge_content(struct fuzz_want *want, const struct nlattr *attr)
{
	/* Payloads are less aligned than their structs. */
	static __u64 copy[8192];
	const size_t len = payload_len(attr);
	const void *data = copy;

	memcpy(copy, payload(attr), len);
	switch (attr->nla_type) {
	case TASK_DIAG_BASE:
		return judge_base(want, data);
	case TASK_DIAG_CRED:
		return judge_cred(want, data);
	case TASK_DIAG_STAT:
		return ((struct taskstats *)data)->version ==
		       TASKSTATS_VERSION;
	case TASK_DIAG_VMA:
		return judge_vma(want, data, len);
	case TASK_DIAG_VMA_STAT:
		return judge_vma_stat(want, data, len);
	case TASK_DIAG_SCHED:
		return judge_sched(want, data);
	case TASK_DIAG_SIGNAL:
		return judge_signal(want, data);
	case TASK_DIAG_CGROUP:
		return judge_cgroup(want, data, len);
	case TASK_DIAG_NS:
		return judge_ns(data);
	case TASK_DIAG_OOM:
		return ((struct task_diag_oom *)data)->oom_score <= 2000;
	case TASK_DIAG_FD:
		return judge_fd(want, data);
	case TASK_DIAG_FILES:
		return judge_file(want, data, len);
	case TASK_DIAG_AFFINITY:
		return judge_affinity(data, len);
	case TASK_DIAG_AUTOGROUP:
		return judge_autogroup(data);
	case TASK_DIAG_IOPRIO:
		return !((struct task_diag_ioprio *)data)->pad;
	case TASK_DIAG_CWD:
	case TASK_DIAG_ROOT:
		return judge_directory(want, attr->nla_type, data, len);
	case TASK_DIAG_WCHAN:
		return len && len < FUZZ_SYMBOL_MAX && !memchr(data, 0, len);
	case TASK_DIAG_LABEL:
		return len;
	case TASK_DIAG_MM_MAP:
		return !((struct task_diag_mm_map *)data)->pad;
	case TASK_DIAG_NAME:
		return len < 64 && !memchr(data, 0, len);
	case TASK_DIAG_EXE:
		return !memchr(data, 0, len);
	case TASK_DIAG_LIMITS:
		return judge_limit(data);
	}
	return true;
}

/* Groups whose parts are to be joined, and lists */
static bool comes_in_parts(__u16 group)
{
	return BIT(group) & (TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT |
			     TASK_DIAG_SHOW_CMDLINE | TASK_DIAG_SHOW_ENVIRON |
			     TASK_DIAG_SHOW_GROUPS | TASK_DIAG_SHOW_CGROUP |
			     TASK_DIAG_SHOW_EXE | TASK_DIAG_SHOW_NS |
			     TASK_DIAG_SHOW_NSPID | TASK_DIAG_SHOW_LIMITS |
			     TASK_DIAG_SHOW_FILES | TASK_DIAG_SHOW_LABEL |
			     TASK_DIAG_SHOW_CWD | TASK_DIAG_SHOW_ROOT);
}

/* Of structs, with what follows some of them */
static const size_t sizes[64] = {
	[TASK_DIAG_BASE] = sizeof(struct task_diag_base),
	[TASK_DIAG_CRED] = sizeof(struct task_diag_cred),
	[TASK_DIAG_STAT] = sizeof(struct taskstats),
	[TASK_DIAG_VMA] = sizeof(struct task_diag_vma),
	[TASK_DIAG_VMA_STAT] = sizeof(struct task_diag_vma_stat),
	[TASK_DIAG_TIMES] = sizeof(struct task_diag_times),
	[TASK_DIAG_SCHED] = sizeof(struct task_diag_sched),
	[TASK_DIAG_MEM] = sizeof(struct task_diag_mem),
	[TASK_DIAG_SIGNAL] = sizeof(struct task_diag_signal),
	[TASK_DIAG_IO] = sizeof(struct task_diag_io),
	[TASK_DIAG_CGROUP] = sizeof(struct task_diag_cgroup),
	[TASK_DIAG_NS] = sizeof(struct task_diag_ns),
	[TASK_DIAG_NSPID] = sizeof(struct task_diag_nspid),
	[TASK_DIAG_OOM] = sizeof(struct task_diag_oom),
	[TASK_DIAG_LIMITS] = sizeof(struct task_diag_limit),
	[TASK_DIAG_FD] = offsetof(struct task_diag_fd, kinds),
	[TASK_DIAG_MEM_ROLLUP] = sizeof(struct task_diag_mem_rollup),
	[TASK_DIAG_MM_MAP] = sizeof(struct task_diag_mm_map),
	[TASK_DIAG_FILES] = sizeof(struct task_diag_file),
	[TASK_DIAG_AUTOGROUP] = sizeof(struct task_diag_autogroup),
	[TASK_DIAG_IOPRIO] = sizeof(struct task_diag_ioprio),
	[TASK_DIAG_AFFINITY] = sizeof(struct task_diag_affinity),
};

static bool has_right_length(const struct fuzz_want *want,
			     const struct nlattr *attr)
{
	size_t size = sizes[attr->nla_type];

	switch (attr->nla_type) {
	case TASK_DIAG_VMA:
	case TASK_DIAG_VMA_STAT:
	case TASK_DIAG_CGROUP:
	case TASK_DIAG_FILES:
	case TASK_DIAG_AFFINITY:
		return payload_len(attr) >= size;
	case TASK_DIAG_FD:
		if (want->req.flags & TASK_DIAG_FD_KINDS)
			size = sizeof(struct task_diag_fd);
		break;
	case TASK_DIAG_GROUPS:
		return payload_len(attr) % sizeof(__u32) == 0;
	}
	return !size || payload_len(attr) == size;
}

static void judge_group(struct fuzz_want *want, const struct nlattr *attr)
{
	const __u16 group = attr->nla_type;
	const char *name = group_names[group] ?: "?";

	if (!has_right_length(want, attr))
		fuzz_wrong("%s has %zu bytes", name, payload_len(attr));
	else if (!judge_content(want, attr))
		fuzz_wrong("%s of %u holds what cannot be", name, want->pid);
	if (want->groups & BIT(group) &&
	    (!comes_in_parts(group) || want->last_group != group))
		fuzz_wrong("%s of %u comes twice", name, want->pid);
	if (want->errors & BIT(group))
		fuzz_wrong("%s of %u comes after its error", name, want->pid);
	want->groups |= BIT(group);
	want->last_group = group;
	if (BIT(group) & FUZZ_PER_PROCESS)
		want->own = attr;
}

static bool is_right_error(int error)
{
	return error == -EAGAIN || error == -ESRCH || error == -EFAULT ||
	       error == -ENAMETOOLONG;
}

static void judge_error(struct fuzz_want *want,
			const struct task_diag_error *error)
{
	const __u64 bit = error->attr < 64 ? BIT(error->attr) : 0;

	if (!(bit & want->req.show_flags) ||
	    bit & TASK_DIAG_SHOW_BASE || bit & want->errors)
		fuzz_wrong("%u has an error for attribute %u", want->pid,
			   error->attr);
	if (!is_right_error(error->error))
		fuzz_wrong("%u has error %d for attribute %u", want->pid,
			   error->error, error->attr);
	want->errors |= bit;
	if (bit & TASK_DIAG_SHOW_FILES)
		want->file_cut = false;
}

/* Sums over threads are no less than what the leader adds to them. */
static bool judge_sums(__u16 group, const struct nlattr *own,
		       const struct nlattr *whole)
{
	struct task_diag_times times[2];
	struct task_diag_io io[2];

	if (group == TASK_DIAG_IO) {
		memcpy(&io[0], payload(own), sizeof(io[0]));
		memcpy(&io[1], payload(whole), sizeof(io[1]));
		return io[0].rchar <= io[1].rchar &&
		       io[0].wchar <= io[1].wchar &&
		       io[0].syscr <= io[1].syscr &&
		       io[0].syscw <= io[1].syscw;
	}
	if (group != TASK_DIAG_TIMES)
		return true;
	memcpy(&times[0], payload(own), sizeof(times[0]));
	memcpy(&times[1], payload(whole), sizeof(times[1]));
	return times[0].min_flt <= times[1].min_flt &&
	       times[0].maj_flt <= times[1].maj_flt &&
	       times[0].start_time == times[1].start_time;
}

/* TASK_DIAG_PROCESS, right after @own: the same group, of the whole process */
static void judge_process(struct fuzz_want *want, const struct nlattr *own,
			  const struct nlattr *nest)
{
	const struct fuzz_task *task = find_task(want->pid);
	const struct nlattr *whole = payload(nest);
	const size_t len = payload_len(nest);
	struct task_diag_error error;

	if (!(want->req.flags & TASK_DIAG_WITH_PROCESS) || !own) {
		fuzz_wrong("%u has a TASK_DIAG_PROCESS that was not asked for",
			   want->pid);
		return;
	}
	if (task && task->pid != task->tgid)
		fuzz_wrong("%u, which is no leader, has a TASK_DIAG_PROCESS",
			   want->pid);
	if (len < NLA_HDRLEN || whole->nla_len < NLA_HDRLEN ||
	    NLA_ALIGN((size_t)whole->nla_len) != len) {
		fuzz_wrong("TASK_DIAG_PROCESS of %u does not hold one attribute",
			   want->pid);
		return;
	}
	want->processes |= BIT(own->nla_type);
	if (whole->nla_type == TASK_DIAG_ERROR &&
	    payload_len(whole) == sizeof(error)) {
		memcpy(&error, payload(whole), sizeof(error));
		if (error.attr != own->nla_type || !is_right_error(error.error))
			fuzz_wrong("TASK_DIAG_PROCESS of %u has error %d of %u",
				   want->pid, error.error, error.attr);
	} else if (whole->nla_type != own->nla_type ||
		   whole->nla_len != own->nla_len ||
		   !judge_content(want, whole) ||
		   !judge_sums(own->nla_type, own, whole)) {
		fuzz_wrong("TASK_DIAG_PROCESS of %u after %s holds what cannot be",
			   want->pid, group_names[own->nla_type]);
	}
}

static void judge_attr(struct fuzz_want *want, const struct nlattr *attr)
{
	const struct nlattr *own = want->own;
	const size_t len = payload_len(attr);

	want->own = NULL;
	want->nr_attrs++;
	if (want->file_cut && attr->nla_type != TASK_DIAG_FILES &&
	    attr->nla_type != TASK_DIAG_ERROR &&
	    attr->nla_type != TASK_DIAG_MORE)
		fuzz_wrong("attribute %u comes in the middle of a path",
			   attr->nla_type);

	if (!all_zero(payload(attr) + len, NLA_ALIGN(len) - len))
		fuzz_wrong("attribute %u is not padded with zeroes",
			   attr->nla_type);
	if (want->more) {
		fuzz_wrong("attribute %u comes after TASK_DIAG_MORE",
			   attr->nla_type);
	} else if (attr->nla_type == TASK_DIAG_MORE && !len &&
		   want->kind == FUZZ_WANT_DUMP) {
		want->more = true;
	} else if (attr->nla_type == TASK_DIAG_ERROR &&
		   len == sizeof(struct task_diag_error)) {
		judge_error(want, payload(attr));
	} else if (attr->nla_type == (TASK_DIAG_PROCESS | NLA_F_NESTED)) {
		judge_process(want, own, attr);
	} else if (attr->nla_type < 64 && want->req.show_flags & BIT(attr->nla_type)) {
		judge_group(want, attr);
	} else {
		fuzz_wrong("attribute %u of %zu bytes was not asked for",
			   attr->nla_type, len);
	}
}

/*
 * The leader alone has the process's value too, of all such groups. Which task
 * that is while a thread calls exec, is decided but once for each.
 */
static void judge_processes(const struct fuzz_want *want,
			    const struct fuzz_task *task)
{
	const __u64 due = want->groups & FUZZ_PER_PROCESS;
	bool leader = want->processes;
	__u64 missing;

	if (task)
		leader = want->req.flags & TASK_DIAG_WITH_PROCESS &&
			 task->pid == task->tgid;
	missing = (leader ? due : 0) ^ want->processes;
	/* The user of a leader that ends meanwhile may no longer know of it. */
	if (want->asker.uid && !(want->processes & TASK_DIAG_SHOW_IO))
		missing &= ~TASK_DIAG_SHOW_IO;
	if (missing)
		fuzz_wrong("%u has groups 0x%llx, TASK_DIAG_PROCESS of 0x%llx",
			   want->pid, due, want->processes);
}

/* A task that lives and sleeps has all groups, or an error for each. */
static void judge_whole_task(const struct fuzz_want *want)
{
	const struct fuzz_task *task = find_task(want->pid);
	__u64 must = want->req.show_flags & ~FUZZ_OPTIONAL;

	if (want->req.flags & FUZZ_ONLY_VMA)
		must &= ~(TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT);
	if (want->req.flags & TASK_DIAG_ONLY_SOCKETS)
		must &= ~TASK_DIAG_SHOW_FILES;
	if (!task || task->zombie)
		must &= TASK_DIAG_SHOW_BASE;
	must &= ~(want->groups | want->errors);
	if (must)
		fuzz_wrong("%u lacks groups 0x%llx", want->pid, must);
	judge_processes(want, task);
	if (want->file_cut)
		fuzz_wrong("%u lacks the rest of a path", want->pid);
	if (task && task->state && want->groups & TASK_DIAG_SHOW_FILES &&
	    !(want->errors & TASK_DIAG_SHOW_FILES) && want->open_fds >= 0 &&
	    !(want->req.flags & TASK_DIAG_ONLY_SOCKETS) &&
	    want->nr_files != want->open_fds)
		fuzz_wrong("%u has %u files, not %lld", want->pid,
			   want->nr_files, want->open_fds);
}

static void judge_sight(const struct fuzz_want *want, __u32 pid)
{
	const struct fuzz_task *task = find_task(pid);

	if (task && !sees(&want->asker, task))
		fuzz_wrong("%u, a task of user %u, is shown to user %u", pid,
			   task->uid, want->asker.uid);
}

/* Whether it is this one's turn, and that it is reported but once. */
static void judge_pid(struct fuzz_want *want, __u32 pid)
{
	const struct fuzz_task *task = find_task(pid);
	const __u64 strategy = want->req.dump_strategy;
	__u64 bit;

	if (want->select.nr_pids)
		judge_listed(want, pid);
	else if ((strategy == TASK_DIAG_DUMP_ALL ||
		  strategy == TASK_DIAG_DUMP_ALL_THREAD) &&
		 !walks_cgroup(want) && want->nr_tasks && pid <= want->pid)
		fuzz_wrong("%u comes after %u", pid, want->pid);
	if (strategy == TASK_DIAG_DUMP_ONE && want->req.pid &&
	    pid != want->req.pid)
		fuzz_wrong("%u was not asked for", pid);
	if (!task)
		return;

	bit = BIT(task - fuzz_world->tasks);
	if (want->tasks_seen & bit && !want->select.nr_pids)
		fuzz_wrong("%u comes twice", pid);
	if (passes(want, task) == NO)
		fuzz_wrong("%u was not selected", pid);
	if (!per_thread(want) && task->pid != task->tgid)
		fuzz_wrong("%u is no process", pid);
	want->tasks_seen |= bit;
}

static const struct nlattr *next_attr(const struct nlmsghdr *nlh, size_t *pos)
{
	const struct nlattr *attr = (const void *)nlh + *pos;
	const size_t left = nlh->nlmsg_len - *pos;

	if (*pos >= nlh->nlmsg_len)
		return NULL;
	if (left < NLA_HDRLEN || attr->nla_len < NLA_HDRLEN ||
	    attr->nla_len > left) {
		fuzz_wrong("%zu bytes are no attribute", left);
		return NULL;
	}
	*pos += NLA_ALIGN(attr->nla_len);
	return attr;
}

static void begin_task(struct fuzz_want *want, __u32 pid)
{
	want->pid = pid;
	want->tgid = per_thread(want) ? 0 : pid;
	want->nr_tasks++;
	want->more = false;
	want->groups = 0;
	want->errors = 0;
	want->last_group = -1;
	memset(want->last_vma, 0, sizeof(want->last_vma));
	want->processes = 0;
	want->nr_files = 0;
	want->last_fd = -1;
	want->file_cut = false;
	want->open_fds = -1;
}

static void judge_task(const struct fuzz_sock *sock, struct fuzz_want *want,
		       const struct nlmsghdr *nlh)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr = next_attr(nlh, &pos);
	__u32 pid;

	fuzz_nr_judged++;
	if (!attr || attr->nla_type != TASK_DIAG_PID ||
	    payload_len(attr) != sizeof(pid)) {
		fuzz_wrong("a task does not start with its pid");
		return;
	}
	if (want->disowned && want->disowned_left < 0)
		fuzz_wrong("a task is shown after others went on with the dump");
	if (want->kind == FUZZ_WANT_DUMP && !want->header_seen && !sock->torn)
		fuzz_wrong("a task comes before the header");

	pid = *(const __u32 *)payload(attr);
	judge_sight(want, pid);
	want->resumed = sock->torn || want->more;
	want->nr_attrs = 0;
	want->own = NULL;
	if (sock->torn) {
		begin_task(want, pid);
	} else if (want->more) {
		if (pid != want->pid)
			fuzz_wrong("%u comes amid %u", pid, want->pid);
		want->more = false;
	} else {
		judge_pid(want, pid);
		begin_task(want, pid);
	}
	while ((attr = next_attr(nlh, &pos)))
		judge_attr(want, attr);
	if (!want->more && !sock->torn)
		judge_whole_task(want);
}

static void judge_header(const struct nlmsghdr *nlh)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr = next_attr(nlh, &pos);

	if (!attr || attr->nla_type != TASK_DIAG_HEADER ||
	    payload_len(attr) != sizeof(fuzz_world->header) ||
	    memcmp(payload(attr), &fuzz_world->header,
		   sizeof(fuzz_world->header))) {
		fuzz_wrong("the header is another than before");
		return;
	}
	if (pos < nlh->nlmsg_len)
		fuzz_wrong("the header has more than it should");
}

/* --- what the end is like ---------------------------------------------- */

static void judge_extack(const struct fuzz_want *want,
			 const struct nlmsghdr *nlh, size_t pos,
			 const char *text, __u32 bad_attr, __u32 missing_attr)
{
	__u32 has_bad_attr = 0, has_missing_attr = 0;
	const struct nlattr *attr;
	const char *has = "";

	while ((attr = next_attr(nlh, &pos))) {
		switch (attr->nla_type) {
		case NLMSGERR_ATTR_MSG:
			has = payload(attr);
			if (!payload_len(attr) || has[payload_len(attr) - 1])
				has = "?";
			break;
		case NLMSGERR_ATTR_OFFS:
			has_bad_attr = *(const __u32 *)payload(attr);
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			has_missing_attr = *(const __u32 *)payload(attr);
			break;
		}
	}
	/* Of "group " only this much is known. */
	if (strcmp(text, "group ") ? strcmp(has, text) :
				     strncmp(has, text, strlen(text)))
		fuzz_wrong("seq %u: the kernel says \"%s\", not \"%s\"",
			   want->nlh.nlmsg_seq, has, text);
	if (has_bad_attr != bad_attr || has_missing_attr != missing_attr)
		fuzz_wrong("the kernel blames offset %u and attribute %u, not %u and %u",
			   has_bad_attr, has_missing_attr, bad_attr,
			   missing_attr);
}

/* The errors that are right besides the one that is sure; their texts */
static const char *other_error(const struct fuzz_sock *sock,
			       const struct fuzz_want *want, int error)
{
	if (error == EBUSY && want->may_be_busy)
		return "";
	if (error == ENOENT && want->may_lack_cgroup)
		return "no such cgroup";
	if (want->error)
		return NULL;
	if (error == ESRCH && want->may_be_gone)
		return "no such process";
	if (error == EMSGSIZE && want->kind == FUZZ_WANT_ONE &&
	    want->req.show_flags & FUZZ_VARIABLE)
		return "task does not fit in one message: ask with NLM_F_DUMP";
	if ((error == EAGAIN || error == ENOBUFS) && sock->may_lose)
		return "";
	return NULL;
}

static void judge_nlmsgerr(struct fuzz_sock *sock, struct fuzz_want *want,
			   const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t pos = NLMSG_LENGTH(sizeof(*err));
	const char *text = want->text;
	__u32 bad_attr = want->bad_attr;
	bool capped;

	if (nlh->nlmsg_len < pos) {
		fuzz_wrong("NLMSG_ERROR of %u bytes", nlh->nlmsg_len);
		return;
	}
	capped = !err->error || sock->cap_ack;
	if (nlh->nlmsg_flags & ~NLM_F_ACK_TLVS & ~(capped ? NLM_F_CAPPED : 0))
		fuzz_wrong("NLMSG_ERROR has flags 0x%x", nlh->nlmsg_flags);
	if (memcmp(&err->msg, &want->nlh, sizeof(err->msg)))
		fuzz_wrong("NLMSG_ERROR is of another request");
	if (!capped)
		pos += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;

	/* The answer before it may be what was not received. */
	if (sock->torn && !err->error && want->kind != FUZZ_WANT_DUMP)
		want->answered = true;
	if (-err->error != want->error || !want->answered) {
		text = other_error(sock, want, -err->error);
		if (!text) {
			fuzz_wrong("seq %u: error %d, not %d (%s)",
				   nlh->nlmsg_seq, -err->error, want->error,
				   want->text);
			return;
		}
		bad_attr = -err->error == ENOENT ? want->may_lack_cgroup : 0;
	}
	if (!sock->ext_ack) {
		if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
			fuzz_wrong("NLMSG_ERROR has attributes that nobody wants");
	} else if (nlh->nlmsg_flags & NLM_F_ACK_TLVS || text[0]) {
		judge_extack(want, nlh, pos, text, bad_attr,
			     text == want->text ? want->missing_attr : 0);
	}
	/* It runs all the same, from when there is room. */
	want->finished = want->kind != FUZZ_WANT_DUMP ||
			 err->error != -ENOBUFS;
}

static void judge_list_seen(const struct fuzz_want *want)
{
	size_t i;

	for (i = want->select.at; i < want->select.nr_pids; i++)
		judge_passed(want, i);
}

static void judge_tasks_seen(const struct fuzz_want *want)
{
	const __u64 strategy = want->req.dump_strategy;
	const __u32 pid = want->req.pid ?: want->asker.pid;
	const struct fuzz_task *target = find_task(pid), *task;
	enum verdict verdict;
	bool due, sure = true;
	unsigned int nr = 0;
	size_t i;

	if (want->select.nr_pids) {
		judge_list_seen(want);
		return;
	}
	for (i = 0; i < fuzz_world->nr_tasks; i++) {
		task = &fuzz_world->tasks[i];
		switch (strategy) {
		case TASK_DIAG_DUMP_ALL_THREAD:
			due = true;
			break;
		case TASK_DIAG_DUMP_ALL:
			due = task->pid == task->tgid;
			break;
		case TASK_DIAG_DUMP_CHILDREN:
			due = task->ppid == pid && task->pid == task->tgid;
			break;
		case TASK_DIAG_DUMP_THREAD:
			due = target && task->tgid == target->tgid;
			break;
		default:
			due = task->pid == pid;
		}
		if (!due || !sees(&want->asker, task))
			continue;
		verdict = passes(want, task);
		sure &= verdict != MAYBE;
		nr += verdict == YES;
		if (verdict == YES && !(want->tasks_seen & BIT(i)))
			fuzz_wrong("%u is missing", task->pid);
	}
	if (strategy == TASK_DIAG_DUMP_ONE)
		nr = 1;
	else if (!target || target->zombie || !sure ||
		 strategy == TASK_DIAG_DUMP_ALL ||
		 strategy == TASK_DIAG_DUMP_ALL_THREAD)
		return;
	if (want->nr_tasks != nr)
		fuzz_wrong("%u tasks, not %u", want->nr_tasks, nr);
}

static void judge_done(struct fuzz_sock *sock, struct fuzz_want *want,
		       const struct nlmsghdr *nlh)
{
	const int error = *(const int *)NLMSG_DATA(nlh);
	size_t pos = NLMSG_LENGTH(sizeof(error));
	const char *text = "";

	if (want->kind != FUZZ_WANT_DUMP) {
		fuzz_wrong("NLMSG_DONE is no answer to a plain request");
		return;
	}
	if (nlh->nlmsg_len < pos ||
	    (nlh->nlmsg_flags & ~NLM_F_ACK_TLVS) != NLM_F_MULTI) {
		fuzz_wrong("NLMSG_DONE of %u bytes has flags 0x%x",
			   nlh->nlmsg_len, nlh->nlmsg_flags);
		return;
	}
	want->finished = true;
	want->answered = true;
	if (error == -EPERM && want->disowned)
		text = "dump was started with other credentials";
	else if (error == -ESRCH && want->may_be_gone)
		text = "no such process";
	else if (error)
		fuzz_wrong("seq %u: the dump ends with %d%s", nlh->nlmsg_seq,
			   error, want->disowned ? ", disowned" : "");
	else if (want->more && !sock->torn)
		fuzz_wrong("the dump ends amid %u", want->pid);
	else if (!sock->torn)
		judge_tasks_seen(want);

	/* They are left out where there is no room. */
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && nlh->nlmsg_len > pos)
		judge_extack(want, nlh, NLMSG_ALIGN(pos), text, 0, 0);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && !sock->ext_ack)
		fuzz_wrong("NLMSG_DONE has attributes that nobody wants");
}

/* --- datagrams --------------------------------------------------------- */

static void judge_message(struct fuzz_sock *sock, struct fuzz_want *want,
			  const struct nlmsghdr *nlh)
{
	const bool dump = want->kind == FUZZ_WANT_DUMP;
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);

	if (nlh->nlmsg_type != fuzz_world->family ||
	    nlh->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN) ||
	    nlh->nlmsg_flags != (dump ? NLM_F_MULTI : 0) ||
	    nlh->nlmsg_len % NLMSG_ALIGNTO) {
		fuzz_wrong("a message of type %u, %u bytes, flags 0x%x",
			   nlh->nlmsg_type, nlh->nlmsg_len, nlh->nlmsg_flags);
		return;
	}
	if (genl->version != TASK_DIAG_GENL_VERSION || genl->reserved)
		fuzz_wrong("a message of version %u", genl->version);
	if (want->answered)
		fuzz_wrong("a second answer to one request");

	if (genl->cmd == TASK_DIAG_CMD_HEADER &&
	    (want->kind == FUZZ_WANT_HEADER || dump)) {
		judge_header(nlh);
		want->header_seen = true;
	} else if (genl->cmd == TASK_DIAG_CMD_GET &&
		   (dump || want->kind == FUZZ_WANT_ONE)) {
		judge_task(sock, want, nlh);
	} else {
		fuzz_wrong("a message of command %u", genl->cmd);
	}
	want->answered = !dump;
	want->finished = !dump && !(want->nlh.nlmsg_flags & NLM_F_ACK);
}

static struct fuzz_want *find_want(const struct fuzz_sock *sock,
				   const struct nlmsghdr *nlh)
{
	size_t i;

	for (i = 0; i < sock->nr_wants; i++)
		if (!sock->wants[i].finished &&
		    sock->wants[i].nlh.nlmsg_seq == nlh->nlmsg_seq)
			return &sock->wants[i];
	return NULL;
}

/**
 * fuzz_about_to_receive() - note who goes on with the dumps
 * @sock: of this socket
 * @asker: who will receive, or look at what there is to be received
 */
void fuzz_about_to_receive(struct fuzz_sock *sock,
			   const struct fuzz_asker *asker)
{
	struct fuzz_want *want;
	bool dump = false;
	size_t i;

	for (i = 0; i < sock->nr_wants; i++) {
		want = &sock->wants[i];
		if (want->kind != FUZZ_WANT_DUMP || want->finished)
			continue;
		dump = true;
		if (want->disowned || want->asker.cred == asker->cred)
			continue;
		want->disowned = true;
		/* Without room the dump adds nothing, and may be gone on with. */
		want->disowned_left = sock->may_lose ? INT_MAX : sock->queued;
	}
	/* It makes the dump add one. */
	sock->queued += dump;
}

static void count_datagram(struct fuzz_sock *sock)
{
	size_t i;

	sock->queued--;
	for (i = 0; i < sock->nr_wants; i++)
		sock->wants[i].disowned_left--;
}

/**
 * fuzz_received() - hold a datagram of the kernel against what is wanted
 * @sock: where it came from
 * @data: the datagram
 * @len: its length
 */
void fuzz_received(struct fuzz_sock *sock, const void *data, size_t len)
{
	const struct nlmsghdr *nlh = data;
	struct fuzz_want *want;

	count_datagram(sock);
	if (!len)
		fuzz_wrong("an empty datagram");
	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		want = find_want(sock, nlh);
		if (!want) {
			if (!sock->torn)
				fuzz_wrong("seq %u, type %u: nobody asked",
					   nlh->nlmsg_seq, nlh->nlmsg_type);
			continue;
		}
		if (nlh->nlmsg_pid != sock->portid)
			fuzz_wrong("a message for port %u", nlh->nlmsg_pid);
		if (nlh->nlmsg_type == NLMSG_ERROR)
			judge_nlmsgerr(sock, want, nlh);
		else if (nlh->nlmsg_type == NLMSG_DONE)
			judge_done(sock, want, nlh);
		else
			judge_message(sock, want, nlh);
	}
	if (len)
		fuzz_wrong("%zu bytes are no message", len);
}

/**
 * fuzz_lost() - note that a part of a datagram was not received
 * @sock: where
 */
void fuzz_lost(struct fuzz_sock *sock)
{
	count_datagram(sock);
	sock->torn = true;
	sock->may_lose = true;
}

/**
 * fuzz_drained() - note that there is nothing more to receive
 * @sock: where
 */
void fuzz_drained(struct fuzz_sock *sock)
{
	const struct fuzz_want *want;
	size_t i;

	for (i = 0; i < sock->nr_wants; i++) {
		want = &sock->wants[i];
		if (!want->finished && !sock->may_lose)
			fuzz_wrong("seq %u, kind %d: no answer%s",
				   want->nlh.nlmsg_seq, want->kind,
				   want->answered ? " to the end" : "");
	}
	fuzz_forget(sock);
	sock->queued = 0;
	sock->torn = false;
	sock->may_lose = false;
}

/**
 * fuzz_forget() - note that no answer to what was sent is to be judged
 * @sock: where
 */
void fuzz_forget(struct fuzz_sock *sock)
{
	size_t i;

	for (i = 0; i < sock->nr_wants; i++) {
		free(sock->wants[i].select.pids);
		free(sock->wants[i].select.ids);
	}
	sock->nr_wants = 0;
}
