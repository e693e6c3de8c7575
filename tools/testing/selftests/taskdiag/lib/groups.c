// SPDX-License-Identifier: GPL-2.0
/* Answers with any groups, joined from the messages that each task came in */
#include "taskdiag.h"

struct td_props_answer *td_new_props(void)
{
	struct td_props_answer *answer = calloc(1, sizeof(*answer));

	td_must(answer, "calloc");
	answer->rest = td_new_answer();
	answer->rest->props = answer;
	return answer;
}

void td_free_props(struct td_props_answer *answer)
{
	size_t task, group;

	for (task = 0; task < answer->nr_tasks; task++) {
		for (group = 0; group < TD_MAX_GROUPS; group++) {
			free(answer->tasks[task].groups[group].data);
			free(answer->tasks[task].groups[group].parts);
		}
	}
	free(answer->tasks);
	td_free(answer->rest);
	free(answer);
}

/* The task of a message, which may continue that of the message before */
static struct td_props *td_props_of(struct td_props_answer *answer, __u32 pid)
{
	struct td_props *task = NULL;

	if (answer->nr_tasks)
		task = &answer->tasks[answer->nr_tasks - 1];
	if (task && task->more) {
		if (task->pid != pid)
			td_broken(answer->rest, "%u comes before the end of %u",
				  pid, task->pid);
		return task;
	}
	if (task && task->pid == pid && !answer->may_repeat)
		td_broken(answer->rest, "%u goes on without TASK_DIAG_MORE",
			  pid);
	answer->tasks = td_grow(answer->tasks, answer->nr_tasks,
				&answer->max_tasks, sizeof(*task));
	task = &answer->tasks[answer->nr_tasks++];
	memset(task, 0, sizeof(*task));
	task->pid = pid;
	return task;
}

static void td_add_part(struct td_group *group, const void *data, size_t len)
{
	group->parts = td_grow(group->parts, group->nr_parts, &group->max_parts,
			       sizeof(*group->parts));
	group->parts[group->nr_parts] = group->len;
	group->data = realloc(group->data, group->len + len + 1);
	td_must(group->data, "realloc");
	memcpy(group->data + group->len, data, len);
	group->len += len;
	group->data[group->len] = 0;
	group->nr_parts++;
}

size_t td_copy_part(const struct td_group *group, unsigned int nr, void *to,
		    size_t size)
{
	size_t at = group->parts[nr], end = group->len;

	if (nr + 1 < group->nr_parts)
		end = group->parts[nr + 1];
	memset(to, 0, size);
	memcpy(to, group->data + at, end - at < size ? end - at : size);
	return end - at;
}

static void td_parse_group_error(const struct td_sock *sock,
				 struct td_props_answer *answer,
				 struct td_props *task, const void *data)
{
	const struct task_diag_error *entry = data;
	__u64 bit = entry->attr < 64 ? 1ULL << entry->attr : 0;

	if (!(bit & sock->show_flags) || bit & task->failed)
		td_broken(answer->rest, "%u has an error for attribute %u",
			  task->pid, entry->attr);
	if (entry->error >= 0)
		td_broken(answer->rest, "%u has error %d", task->pid,
			  entry->error);
	if (!bit)
		return;
	task->failed |= bit;
	task->groups[entry->attr].error = entry->error;
}

static void td_parse_prop(const struct td_sock *sock,
			  struct td_props_answer *answer, struct td_props *task,
			  const struct nlattr *attr)
{
	const char *data = (void *)attr + NLA_HDRLEN;
	size_t len = td_attr_len(attr), i;

	for (i = len; i < NLA_ALIGN(len); i++)
		if (data[i])
			td_broken(answer->rest, "attribute %u is padded with %d",
				  attr->nla_type, data[i]);
	if (task->more) {
		td_broken(answer->rest, "TASK_DIAG_MORE of %u is not the last",
			  task->pid);
	} else if (attr->nla_type == TASK_DIAG_MORE && !len) {
		task->more = true;
	} else if (attr->nla_type == TASK_DIAG_ERROR &&
		   len == sizeof(struct task_diag_error)) {
		td_parse_group_error(sock, answer, task, data);
	} else if (attr->nla_type < 64 &&
		   sock->show_flags & (1ULL << attr->nla_type)) {
		task->has |= 1ULL << attr->nla_type;
		td_add_part(&task->groups[attr->nla_type], data, len);
	} else {
		td_broken(answer->rest, "attribute %u of %u is not asked for",
			  attr->nla_type, task->pid);
	}
}

void td_parse_props(const struct td_sock *sock, struct td_props_answer *answer,
		    const struct nlmsghdr *nlh)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr;
	struct td_props *task;

	task = td_props_of(answer, td_parse_pid(sock, answer->rest, nlh, &pos));
	task->nr_msgs++;
	task->more = false;
	while ((attr = td_next_attr(answer->rest, nlh, &pos)))
		td_parse_prop(sock, answer, task, attr);
}

bool td_recv_props(const struct td_sock *sock, struct td_props_answer *answer)
{
	return td_recv(sock, answer->rest);
}

struct td_props_answer *td_start_props(struct td_sock *sock, __u16 flags,
				       const struct task_diag_pid *req)
{
	struct td_props_answer *answer = td_new_props();
	int err = td_send_get(sock, flags, req);

	if (err)
		td_broken(answer->rest, "sendto: %s", strerror(-err));
	return answer;
}

struct td_props_answer *td_ask_props(struct td_sock *sock, __u16 flags,
				     const struct task_diag_pid *req)
{
	struct td_props_answer *answer = td_start_props(sock, flags, req);

	while (!answer->rest->broken[0] && td_recv_props(sock, answer))
		;
	return answer;
}

struct td_props_answer *td_get_props(struct td_sock *sock, __u16 flags,
				     __u64 strategy, __u64 show_flags,
				     __u32 pid)
{
	struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = strategy,
		.pid = pid,
	};

	return td_ask_props(sock, flags, &req);
}

const char *td_props_whole(const struct td_props_answer *answer)
{
	const char *diff = td_whole(answer->rest);

	if (!diff[0] && answer->nr_tasks &&
	    answer->tasks[answer->nr_tasks - 1].more)
		diff = "the answer ends in the middle of a task";
	return diff;
}

const struct td_props *td_find_props(const struct td_props_answer *answer,
				     __u32 pid)
{
	size_t i;

	for (i = 0; i < answer->nr_tasks; i++)
		if (answer->tasks[i].pid == pid)
			return &answer->tasks[i];
	return NULL;
}

size_t td_get_bytes(struct td_sock *sock, __u64 strategy, __u32 nr, __u16 attr,
		    void *bytes, size_t size)
{
	struct td_props_answer *answer;
	const struct td_props *task;
	size_t len = 0;

	memset(bytes, 0, size);
	answer = td_get_props(sock, NLM_F_DUMP, strategy, 1ULL << attr, nr);
	task = td_find_props(answer, nr);
	if (!td_props_whole(answer)[0] && task && task->groups[attr].len) {
		len = task->groups[attr].len;
		memcpy(bytes, task->groups[attr].data, len < size ? len : size);
	}
	td_free_props(answer);
	return len;
}
