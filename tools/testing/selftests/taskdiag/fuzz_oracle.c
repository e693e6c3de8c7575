// SPDX-License-Identifier: GPL-2.0
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

/* Above every pid_max */
#define FUZZ_PID_LIMIT	(4U * 1024 * 1024)

struct fuzz_world *fuzz_world;
unsigned long fuzz_nr_judged;

/* --- groups ------------------------------------------------------------ */

#define BIT(nr)		(1ULL << (nr))

/* Groups whose length depends on the task */
#define FUZZ_VARIABLE	(TASK_DIAG_SHOW_CMDLINE | TASK_DIAG_SHOW_ENVIRON | \
			 TASK_DIAG_SHOW_GROUPS | TASK_DIAG_SHOW_CGROUP |  \
			 TASK_DIAG_SHOW_EXE | TASK_DIAG_SHOW_NSPID |	  \
			 TASK_DIAG_SHOW_NAME | TASK_DIAG_SHOW_NS | FUZZ_LONG)

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
	if (req->flags & ~FUZZ_FLAGS)
		refuse(want, EINVAL, at, "flags has unknown bits 0x%x",
		       req->flags & ~FUZZ_FLAGS);
	if (req->flags & FUZZ_FLAGS &&
	    !(req->show_flags & (TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT)))
		refuse(want, EINVAL, at,
		       "flags choose among mappings, but no group has them");
	if (req->dump_strategy > TASK_DIAG_DUMP_MAX)
		refuse(want, EINVAL, at, "dump_strategy %llu is unknown",
		       req->dump_strategy);
}

static void check_get(struct fuzz_want *want, const struct nlattr *attr,
		      __u32 at)
{
	if (!attr) {
		if (!want->error)
			want->missing_attr = TASK_DIAG_REQUEST;
		refuse(want, EINVAL, 0, "TASK_DIAG_REQUEST is missing");
		return;
	}
	check_struct(want, attr, at);
	if (want->kind == FUZZ_WANT_ONE) {
		if (want->req.dump_strategy != TASK_DIAG_DUMP_ONE)
			refuse(want, EINVAL, 0,
			       "dump_strategy gives many tasks: ask with NLM_F_DUMP");
		if (want->req.show_flags & FUZZ_LONG)
			refuse(want, EINVAL, 0,
			       "mappings may take long to read: ask with NLM_F_DUMP");
	}
	if (!want->error)
		check_target(want);
}

/* The rules of genetlink for a family with strict validation. */
static const struct nlattr *check_attrs(struct fuzz_want *want,
					const struct nlmsghdr *nlh, __u32 *at)
{
	int left = nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr = (void *)nlh + NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *found = NULL;
	__u32 offset;
	__u16 type;

	while (left >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN &&
	       attr->nla_len <= left) {
		type = attr->nla_type & NLA_TYPE_MASK;
		offset = (void *)attr - (void *)nlh;
		if (!type || type > TASK_DIAG_REQUEST)
			refuse(want, EINVAL, offset, "Unknown attribute type");
		if (type != TASK_DIAG_REQUEST)
			refuse(want, EINVAL, offset, "Unsupported attribute");
		if (attr->nla_type & NLA_F_NESTED)
			refuse(want, EINVAL, offset,
			       "NLA_F_NESTED not expected");
		if (want->kind == FUZZ_WANT_HEADER)
			refuse(want, EINVAL, offset,
			       "Attribute failed policy validation");
		if (type == TASK_DIAG_REQUEST) {
			found = attr;
			*at = offset;
		}
		left -= NLA_ALIGN(attr->nla_len);
		attr = (void *)attr + NLA_ALIGN(attr->nla_len);
	}
	if (left > 0)
		refuse(want, EINVAL, 0,
		       "bytes leftover after parsing attributes");
	return found;
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
	const struct nlattr *attr;
	__u32 at = 0;

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
		attr = check_attrs(want, nlh, &at);
		check_asker(want, sock, named);
		if (want->kind != FUZZ_WANT_HEADER)
			check_get(want, attr, at);
	}

	if (want->error)
		want->kind = FUZZ_WANT_ACK;
	else if (want->kind == FUZZ_WANT_ACK)
		want->finished = !(nlh->nlmsg_flags & NLM_F_ACK);
	want->answered = want->kind == FUZZ_WANT_ACK;
	sock->queued += want->answered ? !want->finished :
			want->kind == FUZZ_WANT_DUMP ? 1 :
			1 + !!(nlh->nlmsg_flags & NLM_F_ACK);
	if (sock->small || sock->queued > FUZZ_ROOM)
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

/* --- what a message about a task is like ------------------------------- */

static bool per_thread(const struct fuzz_want *want)
{
	return want->req.dump_strategy == TASK_DIAG_DUMP_ALL_THREAD ||
	       want->req.dump_strategy == TASK_DIAG_DUMP_THREAD;
}

static bool judge_base(struct fuzz_want *want,
		       const struct task_diag_base *base)
{
	const size_t len = strnlen((char *)base->comm, sizeof(base->comm));
	const struct fuzz_task *task = find_task(want->pid);

	want->tgid = base->tgid;
	if (want->asker.uid && (base->ppid == 2 || base->pid == 2))
		return false;
	return base->pid == want->pid && base->tgid &&
	       (per_thread(want) || base->tgid == base->pid) &&
	       all_zero(base->pad, sizeof(base->pad)) && !base->pad2 &&
	       base->id && (!task || !task->id || base->id == task->id) &&
	       base->state && strchr("RSDTtXZPI", base->state) &&
	       len < sizeof(base->comm) &&
	       all_zero(base->comm + len, sizeof(base->comm) - len);
}

static bool judge_cred(const struct fuzz_want *want,
		       const struct task_diag_cred *cred)
{
	const uid_t uid = want->asker.uid;

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

static bool judge_cgroup(const struct task_diag_cgroup *cgroup,
			 const struct nlattr *attr)
{
	return cgroup->path_at == sizeof(*cgroup) && !cgroup->pad &&
	       cgroup->path_off <= cgroup->path_len &&
	       payload_len(attr) - sizeof(*cgroup) <=
	       cgroup->path_len - cgroup->path_off;
}

static bool judge_ns(const struct task_diag_ns *ns)
{
	return ns->ino && ns->type && ns->for_children <= 1 && !ns->pad;
}

static bool judge_limit(const struct task_diag_limit *limit)
{
	return limit->resource < RLIM_NLIMITS && !limit->pad;
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
		return !((struct task_diag_sched *)data)->pad;
	case TASK_DIAG_CGROUP:
		return judge_cgroup(data, attr);
	case TASK_DIAG_NS:
		return judge_ns(data);
	case TASK_DIAG_OOM:
		return ((struct task_diag_oom *)data)->oom_score <= 2000;
	case TASK_DIAG_FD:
		return !((struct task_diag_fd *)data)->pad;
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
			     TASK_DIAG_SHOW_NSPID | TASK_DIAG_SHOW_LIMITS);
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
	[TASK_DIAG_FD] = sizeof(struct task_diag_fd),
	[TASK_DIAG_MEM_ROLLUP] = sizeof(struct task_diag_mem_rollup),
	[TASK_DIAG_MM_MAP] = sizeof(struct task_diag_mm_map),
};

static bool has_right_length(const struct nlattr *attr)
{
	const size_t size = sizes[attr->nla_type];

	switch (attr->nla_type) {
	case TASK_DIAG_VMA:
	case TASK_DIAG_VMA_STAT:
	case TASK_DIAG_CGROUP:
		return payload_len(attr) >= size;
	case TASK_DIAG_GROUPS:
		return payload_len(attr) % sizeof(__u32) == 0;
	}
	return !size || payload_len(attr) == size;
}

static void judge_group(struct fuzz_want *want, const struct nlattr *attr)
{
	const __u16 group = attr->nla_type;
	const char *name = group_names[group] ?: "?";

	if (!has_right_length(attr))
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
}

static void judge_error(struct fuzz_want *want,
			const struct task_diag_error *error)
{
	const __u64 bit = error->attr < 64 ? BIT(error->attr) : 0;

	if (!(bit & want->req.show_flags) ||
	    bit & TASK_DIAG_SHOW_BASE || bit & want->errors)
		fuzz_wrong("%u has an error for attribute %u", want->pid,
			   error->attr);
	if (error->error != -EAGAIN && error->error != -ESRCH &&
	    error->error != -EFAULT && error->error != -ENAMETOOLONG)
		fuzz_wrong("%u has error %d for attribute %u", want->pid,
			   error->error, error->attr);
	want->errors |= bit;
}

static void judge_attr(struct fuzz_want *want, const struct nlattr *attr)
{
	const size_t len = payload_len(attr);

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
	} else if (attr->nla_type < 64 && want->req.show_flags & BIT(attr->nla_type)) {
		judge_group(want, attr);
	} else {
		fuzz_wrong("attribute %u of %zu bytes was not asked for",
			   attr->nla_type, len);
	}
}

/* A task that lives and sleeps has all groups, or an error for each. */
static void judge_whole_task(const struct fuzz_want *want)
{
	const struct fuzz_task *task = find_task(want->pid);
	__u64 must = want->req.show_flags;

	if (want->req.flags)
		must &= ~(TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT);
	if (!task || task->zombie)
		must &= TASK_DIAG_SHOW_BASE;
	must &= ~(want->groups | want->errors);
	if (must)
		fuzz_wrong("%u lacks groups 0x%llx", want->pid, must);
}

static void judge_sight(const struct fuzz_want *want, __u32 pid)
{
	const struct fuzz_task *task = find_task(pid);

	if (task && !sees(&want->asker, task))
		fuzz_wrong("%u, a task of user %u, is shown to user %u", pid,
			   task->uid, want->asker.uid);
}

/* Whether it is this one's turn, and that it is told of but once. */
static void judge_pid(struct fuzz_want *want, __u32 pid)
{
	const struct fuzz_task *task = find_task(pid);
	const __u64 strategy = want->req.dump_strategy;
	__u64 bit;

	if ((strategy == TASK_DIAG_DUMP_ALL ||
	     strategy == TASK_DIAG_DUMP_ALL_THREAD) &&
	    want->nr_tasks && pid <= want->pid)
		fuzz_wrong("%u comes after %u", pid, want->pid);
	if (strategy == TASK_DIAG_DUMP_ONE && want->req.pid &&
	    pid != want->req.pid)
		fuzz_wrong("%u was not asked for", pid);
	if (!task)
		return;

	bit = BIT(task - fuzz_world->tasks);
	if (want->tasks_seen & bit)
		fuzz_wrong("%u comes twice", pid);
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
	}
	if (!sock->ext_ack) {
		if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
			fuzz_wrong("NLMSG_ERROR has attributes that nobody wants");
	} else if (nlh->nlmsg_flags & NLM_F_ACK_TLVS || text[0]) {
		judge_extack(want, nlh, pos, text,
			     text == want->text ? want->bad_attr : 0,
			     text == want->text ? want->missing_attr : 0);
	}
	/* It runs all the same, from when there is room. */
	want->finished = want->kind != FUZZ_WANT_DUMP ||
			 err->error != -ENOBUFS;
}

static void judge_tasks_seen(const struct fuzz_want *want)
{
	const __u64 strategy = want->req.dump_strategy;
	const __u32 pid = want->req.pid ?: want->asker.pid;
	const struct fuzz_task *target = find_task(pid), *task;
	unsigned int nr = 0;
	bool due;
	size_t i;

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
		nr++;
		if (!(want->tasks_seen & BIT(i)))
			fuzz_wrong("%u is missing", task->pid);
	}
	if (strategy == TASK_DIAG_DUMP_ONE)
		nr = 1;
	else if (!target || target->zombie ||
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
	sock->nr_wants = 0;
	sock->queued = 0;
	sock->torn = false;
	sock->may_lose = false;
}
