// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel makes of a request: each malformed one is refused with a
 * reason, and a good one is answered with what it requested.
 */
#include "lib/harness.h"

#define ATTR_OFFSET	NLMSG_LENGTH(GENL_HDRLEN)

FIXTURE(request)
{
	struct td_sock sock;
	struct task_diag_pid req;
};

FIXTURE_VARIANT(request)
{
	__u16 flags;
};

FIXTURE_VARIANT_ADD(request, plain)
{
	.flags = 0,
};

FIXTURE_VARIANT_ADD(request, dump)
{
	.flags = NLM_F_DUMP,
};

FIXTURE_SETUP(request)
{
	ASSERT_EQ(0, td_open(&self->sock));
	self->req.dump_strategy = TASK_DIAG_DUMP_ONE;
}

FIXTURE_TEARDOWN(request)
{
	td_kill_children();
	td_close(&self->sock);
}

/* A request that is good but for its struct, which is these bytes */
static struct td_answer *ask_bytes(struct td_sock *sock, __u16 flags,
				   const void *bytes, size_t len)
{
	struct td_msg msg;

	td_request(sock, &msg, TASK_DIAG_CMD_GET, flags);
	td_put(&msg, TASK_DIAG_REQUEST, bytes, len);
	return td_exchange(sock, &msg);
}

static struct td_answer *ask(FIXTURE_DATA(request) *self,
			     const FIXTURE_VARIANT(request) *variant)
{
	return ask_bytes(&self->sock, variant->flags, &self->req,
			 sizeof(self->req));
}

static void expect_refused(struct __test_metadata *_metadata,
			   struct td_answer *answer, int error,
			   const char *text, __u32 bad_attr)
{
	EXPECT_STREQ("", answer->broken);
	EXPECT_EQ(error, answer->error);
	EXPECT_STREQ(text, answer->text);
	EXPECT_EQ(bad_attr, answer->bad_attr);
	EXPECT_EQ(0, answer->nr_tasks);
	EXPECT_FALSE(answer->has_header);
	td_free(answer);
}

static void expect_one(struct __test_metadata *_metadata,
		       struct td_answer *answer, __u32 pid)
{
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(1, answer->nr_tasks) {
		td_free(answer);
		return;
	}
	EXPECT_EQ(pid, answer->tasks[0].pid);
	td_free(answer);
}

TEST_F(request, request_shorter_than_the_first_version_is_refused)
{
	char text[80];
	size_t len;

	for (len = 0; len < TASK_DIAG_PID_SIZE_VER0; len++) {
		snprintf(text, sizeof(text),
			 "struct task_diag_pid is %zu bytes, at least 20 needed",
			 len);
		expect_refused(_metadata,
			       ask_bytes(&self->sock, variant->flags,
					 &self->req, len),
			       EINVAL, text, ATTR_OFFSET);
	}
}

TEST_F(request, short_request_is_filled_up_with_zeroes)
{
	size_t len;

	/* The rest of the struct is not zero: it must not be looked at. */
	for (len = TASK_DIAG_PID_SIZE_VER0; len < sizeof(self->req); len++) {
		self->req.flags = 0;
		self->req.id = 0;
		memset((char *)&self->req + len, 0xff, sizeof(self->req) - len);
		expect_one(_metadata,
			   ask_bytes(&self->sock, variant->flags, &self->req,
				     len),
			   getpid());
	}
}

TEST_F(request, long_request_with_a_zero_tail_is_accepted)
{
	static const size_t lens[] = { 32, 33, 36, 40, 41, 64, 1000, 8000 };
	char bytes[8000] = {};
	unsigned int i;

	memcpy(bytes, &self->req, sizeof(self->req));
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		expect_one(_metadata,
			   ask_bytes(&self->sock, variant->flags, bytes,
				     lens[i]),
			   getpid());
}

TEST_F(request, long_request_with_anything_in_its_tail_is_refused)
{
	char bytes[48] = {};
	size_t pos;

	memcpy(bytes, &self->req, sizeof(self->req));
	for (pos = sizeof(self->req); pos < sizeof(bytes); pos++) {
		bytes[pos] = 1;
		expect_refused(_metadata,
			       ask_bytes(&self->sock, variant->flags, bytes,
					 sizeof(bytes)),
			       E2BIG,
			       "struct task_diag_pid has fields that this kernel does not know",
			       ATTR_OFFSET);
		bytes[pos] = 0;
	}
}

#define EVERY_GROUP	((1ULL << (TASK_DIAG_AFFINITY + 1)) - 2)
#define FLAGS		(2 * TASK_DIAG_WITH_PROCESS - 1)

TEST_F(request, unknown_show_flag_is_refused_and_named)
{
	unsigned int bit;
	char text[80];

	for (bit = 0; bit < 64; bit++) {
		if (EVERY_GROUP & (1ULL << bit))
			continue;
		self->req.show_flags = TASK_DIAG_SHOW_BASE | 1ULL << bit;
		snprintf(text, sizeof(text),
			 "show_flags has unknown bits 0x%llx", 1ULL << bit);
		expect_refused(_metadata, ask(self, variant), EINVAL, text,
			       ATTR_OFFSET);
	}

	self->req.show_flags = ~EVERY_GROUP | TASK_DIAG_SHOW_BASE;
	snprintf(text, sizeof(text), "show_flags has unknown bits 0x%llx",
		 ~EVERY_GROUP);
	expect_refused(_metadata, ask(self, variant), EINVAL, text,
		       ATTR_OFFSET);
}

TEST_F(request, unknown_strategy_is_refused)
{
	static const __u64 strategies[] = {
		TASK_DIAG_DUMP_MAX + 1, 63, 64, 1ULL << 31, 1ULL << 32,
		(1ULL << 32) + TASK_DIAG_DUMP_ONE, ~0ULL,
	};
	unsigned int i;
	char text[80];

	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		self->req.dump_strategy = strategies[i];
		snprintf(text, sizeof(text), "dump_strategy %llu is unknown",
			 strategies[i]);
		expect_refused(_metadata, ask(self, variant), EINVAL, text,
			       ATTR_OFFSET);
	}
}

TEST_F(request, unknown_flag_is_refused_and_named)
{
	__u32 half = 0;
	unsigned int bit;
	char text[80];

	for (bit = 0; bit < 32; bit++) {
		if (FLAGS & 1U << bit)
			continue;
		self->req.flags = 1U << bit;
		snprintf(text, sizeof(text), "flags has unknown bits 0x%x",
			 1U << bit);
		expect_refused(_metadata, ask(self, variant), EINVAL, text,
			       ATTR_OFFSET);
	}
	/* A part of the field is as good as the whole */
	memset(&self->req.flags, 0x40, sizeof(self->req.flags));
	self->req.flags |= FLAGS;
	memset(&half, 0x40, 2);
	snprintf(text, sizeof(text), "flags has unknown bits 0x%x", half);
	expect_refused(_metadata,
		       ask_bytes(&self->sock, variant->flags, &self->req,
				 offsetof(struct task_diag_pid, flags) + 2),
		       EINVAL, text, ATTR_OFFSET);
}

TEST_F(request, flag_without_its_group_is_refused)
{
	const __u64 others = TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_CRED |
			     TASK_DIAG_SHOW_SCHED;
	unsigned int flags;
	char text[80];

	for (flags = 1; flags < TASK_DIAG_WITH_PROCESS; flags++) {
		snprintf(text, sizeof(text),
			 "flags 0x%x need groups that are not in show_flags", flags);
		self->req.flags = flags;
		self->req.show_flags = 0;
		expect_refused(_metadata, ask(self, variant), EINVAL, text,
			       ATTR_OFFSET);
		self->req.show_flags = others;
		expect_refused(_metadata, ask(self, variant), EINVAL, text,
			       ATTR_OFFSET);
	}

	/* What is left over is named. */
	self->req.flags = TASK_DIAG_ONLY_VMA_EXEC | TASK_DIAG_FD_KINDS;
	self->req.show_flags = TASK_DIAG_SHOW_FD;
	expect_refused(_metadata, ask(self, variant), EINVAL,
		       "flags 0x1 need groups that are not in show_flags",
		       ATTR_OFFSET);

	self->req.flags = TASK_DIAG_WITH_PROCESS;
	expect_refused(_metadata, ask(self, variant), EINVAL,
		       "TASK_DIAG_WITH_PROCESS: dump_strategy is not over threads",
		       ATTR_OFFSET);
}

/* A selection that is wrong, and where the reason points to */
static const struct {
	__u64 strategy;
	__u16 attr[2];
	const void *data[2];
	size_t len[2];
	unsigned int bad;
	int error;
	const char *text;
} wrong_selections[] = {
	{ TASK_DIAG_DUMP_CHILDREN, { TASK_DIAG_SELECT_PIDS }, { "\1\0\0" }, { 4 }, 0,
	  EINVAL, "TASK_DIAG_SELECT_PIDS needs TASK_DIAG_DUMP_ALL or TASK_DIAG_DUMP_ALL_THREAD" },
	{ TASK_DIAG_DUMP_THREAD, { TASK_DIAG_SELECT_PIDS }, { "\1\0\0" }, { 4 }, 0,
	  EINVAL, "TASK_DIAG_SELECT_PIDS needs TASK_DIAG_DUMP_ALL or TASK_DIAG_DUMP_ALL_THREAD" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_PIDS }, { "" }, { 0 }, 0,
	  EINVAL, "TASK_DIAG_SELECT_PIDS takes 1 to 1024 u32, not 0 bytes" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_PIDS }, { "\1\0\0" }, { 3 }, 0,
	  EINVAL, "TASK_DIAG_SELECT_PIDS takes 1 to 1024 u32, not 3 bytes" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_IDS }, { "1234567" }, { 8 }, 0,
	  EINVAL, "TASK_DIAG_SELECT_IDS needs TASK_DIAG_SELECT_PIDS" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_PIDS, TASK_DIAG_SELECT_IDS },
	  { "\1\0\0", "123" }, { 4, 4 }, 1,
	  EINVAL, "TASK_DIAG_SELECT_IDS takes a u64 for each of 1 pids, not 4 bytes" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_CGROUP, TASK_DIAG_SELECT_CGROUP_FD },
	  { "\1\0\0\0\0\0\0", "\0\0\0" }, { 8, 4 }, 1,
	  EINVAL, "TASK_DIAG_SELECT_CGROUP and _CGROUP_FD exclude each other" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_DESCENDANTS }, { "" }, { 0 }, 0,
	  EINVAL, "TASK_DIAG_SELECT_DESCENDANTS needs a cgroup" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_CGROUP }, { "\377\377\377\377\377\377\377" },
	  { 8 }, 0, ENOENT, "no such cgroup" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_CGROUP_FD }, { "\0\0\0" }, { 4 }, 0,
	  EBADF, "no such cgroup" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_CGROUP_FD }, { "\377\377\377\377" }, { 4 }, 0,
	  EBADF, "no such cgroup" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_UID }, { "\377\377\377\377" }, { 4 }, 0,
	  EINVAL, "user 4294967295 is not mapped in the user namespace" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_EUID }, { "\377\377\377\377" }, { 4 }, 0,
	  EINVAL, "user 4294967295 is not mapped in the user namespace" },
	{ TASK_DIAG_DUMP_ALL, { TASK_DIAG_SELECT_STATES }, { "RQ" }, { 3 }, 0,
	  EINVAL, "unknown state 0x51, must be one of RSDTtXZPI" },
	{ TASK_DIAG_DUMP_ONE, { TASK_DIAG_SELECT_UID }, { "\0\0\0" }, { 4 }, 0,
	  EINVAL, "TASK_DIAG_SELECT_*: dump_strategy is of one process" },
};

static bool is_about_cgroups(__u16 attr)
{
	return attr >= TASK_DIAG_SELECT_CGROUP &&
	       attr <= TASK_DIAG_SELECT_DESCENDANTS;
}

TEST_F(request, wrong_selection_is_refused_and_named)
{
	const bool has_cgroups = td_all_groups(&self->sock) &
				 TASK_DIAG_SHOW_CGROUP;
	unsigned int i, nr, at = 0;
	struct td_msg msg;

	for (i = 0; i < ARRAY_SIZE(wrong_selections); i++) {
		if (!has_cgroups && is_about_cgroups(wrong_selections[i].attr[0]))
			continue;
		self->req.dump_strategy = wrong_selections[i].strategy;
		td_request_get(&self->sock, &msg, variant->flags, &self->req);
		for (nr = 0; nr < 2 && wrong_selections[i].attr[nr]; nr++) {
			if (nr == wrong_selections[i].bad)
				at = msg.nlh.nlmsg_len;
			td_put(&msg, wrong_selections[i].attr[nr],
			       wrong_selections[i].data[nr],
			       wrong_selections[i].len[nr]);
		}
		expect_refused(_metadata, td_exchange(&self->sock, &msg),
			       wrong_selections[i].error,
			       wrong_selections[i].text, at);
	}
}

TEST_F(request, cgroups_that_the_kernel_lacks_are_refused_by_name)
{
	struct td_msg msg;
	__u64 id = 1;

	if (td_all_groups(&self->sock) & TASK_DIAG_SHOW_CGROUP)
		SKIP(return, "this kernel has CONFIG_CGROUPS");
	self->req.dump_strategy = TASK_DIAG_DUMP_ALL;
	td_request_get(&self->sock, &msg, variant->flags, &self->req);
	td_put(&msg, TASK_DIAG_SELECT_CGROUP, &id, sizeof(id));
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EOPNOTSUPP,
		       "cgroups: this kernel was built without CONFIG_CGROUPS", 0);
}

TEST_F(request, too_many_pids_are_refused)
{
	__u32 pids[TASK_DIAG_PIDS_MAX + 1] = { 1 };
	struct td_msg msg;
	char text[80];

	snprintf(text, sizeof(text),
		 "TASK_DIAG_SELECT_PIDS takes 1 to 1024 u32, not %zu bytes",
		 sizeof(pids));
	self->req.dump_strategy = TASK_DIAG_DUMP_ALL;
	td_request_get(&self->sock, &msg, variant->flags, &self->req);
	td_put(&msg, TASK_DIAG_SELECT_PIDS, pids, sizeof(pids));
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EINVAL, text,
		       ATTR_OFFSET + NLA_HDRLEN + sizeof(self->req));
}

TEST_F(request, selection_out_of_range_is_refused)
{
	struct td_msg msg;
	__u32 two = 2;

	self->req.dump_strategy = TASK_DIAG_DUMP_ALL;
	td_request_get(&self->sock, &msg, variant->flags, &self->req);
	td_put(&msg, TASK_DIAG_SELECT_KTHREADS, &two, sizeof(two));
	expect_refused(_metadata, td_exchange(&self->sock, &msg), ERANGE,
		       "integer out of range",
		       ATTR_OFFSET + NLA_HDRLEN + sizeof(self->req));
}

TEST_F(request, missing_attribute_is_named)
{
	struct td_answer *answer;
	struct td_msg msg;

	td_request(&self->sock, &msg, TASK_DIAG_CMD_GET, variant->flags);
	answer = td_exchange(&self->sock, &msg);
	EXPECT_EQ(TASK_DIAG_REQUEST, answer->missing_attr);
	expect_refused(_metadata, answer, EINVAL,
		       "TASK_DIAG_REQUEST is missing", 0);
}

TEST_F(request, unknown_attribute_is_refused)
{
	static const __u16 types[] = { 0, TASK_DIAG_ATTR_MAX + 1, 0x3fff };
	struct td_msg msg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		td_request_get(&self->sock, &msg, variant->flags, &self->req);
		td_put(&msg, types[i], &self->req, sizeof(self->req));
		expect_refused(_metadata, td_exchange(&self->sock, &msg),
			       EINVAL, "Unknown attribute type",
			       ATTR_OFFSET + NLA_HDRLEN + sizeof(self->req));
	}
}

TEST_F(request, attribute_of_answers_is_refused)
{
	struct td_msg msg;
	__u16 type;

	for (type = 1; type <= TASK_DIAG_PROCESS; type++) {
		if (type == TASK_DIAG_REQUEST)
			continue;
		td_request_get(&self->sock, &msg, variant->flags, &self->req);
		td_put(&msg, type, &self->req, sizeof(self->req));
		expect_refused(_metadata, td_exchange(&self->sock, &msg),
			       EINVAL, "Unsupported attribute",
			       ATTR_OFFSET + NLA_HDRLEN + sizeof(self->req));
	}
}

TEST_F(request, attribute_that_claims_to_be_nested_is_refused)
{
	struct td_msg msg;

	td_request(&self->sock, &msg, TASK_DIAG_CMD_GET, variant->flags);
	td_put(&msg, TASK_DIAG_REQUEST | NLA_F_NESTED, &self->req,
	       sizeof(self->req));
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EINVAL,
		       "NLA_F_NESTED not expected", ATTR_OFFSET);
}

TEST_F(request, bytes_after_the_attributes_are_refused)
{
	struct td_msg msg;
	unsigned int rest;

	for (rest = 1; rest <= 4; rest++) {
		td_request_get(&self->sock, &msg, variant->flags, &self->req);
		msg.nlh.nlmsg_len += rest;
		expect_refused(_metadata, td_exchange(&self->sock, &msg),
			       EINVAL,
			       "bytes leftover after parsing attributes", 0);
	}
}

TEST_F(request, message_without_genetlink_header_is_refused)
{
	struct td_msg msg;

	td_request(&self->sock, &msg, TASK_DIAG_CMD_GET, variant->flags);
	msg.nlh.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN - 1;
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EINVAL, "",
		       0);
}

TEST_F(request, genetlink_reserved_must_be_zero)
{
	struct td_msg msg;

	td_request_get(&self->sock, &msg, variant->flags, &self->req);
	msg.genl.reserved = 0x100;
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EINVAL,
		       "genlmsghdr.reserved field is not 0", 0);
}

/* A kernel has all others. */
static const struct {
	unsigned int	attr;
	const char	*name;
	const char	*option;
} optional_groups[] = {
	{ TASK_DIAG_STAT, "STAT", "TASKSTATS" },
	{ TASK_DIAG_VMA, "VMA", "MMU" },
	{ TASK_DIAG_VMA_STAT, "VMA_STAT", "PROC_PAGE_MONITOR" },
	{ TASK_DIAG_IO, "IO", "TASK_IO_ACCOUNTING" },
	{ TASK_DIAG_CGROUP, "CGROUP", "CGROUPS" },
	{ TASK_DIAG_MEM_ROLLUP, "MEM_ROLLUP", "PROC_PAGE_MONITOR" },
	{ TASK_DIAG_LABEL, "LABEL", "SECURITY" },
	{ TASK_DIAG_WCHAN, "WCHAN", "KALLSYMS" },
	{ TASK_DIAG_AUTOGROUP, "AUTOGROUP", "SCHED_AUTOGROUP" },
	{ TASK_DIAG_IOPRIO, "IOPRIO", "BLOCK" },
};

/* Another configuration of the kernel lacks most of them. */
TEST_F(request, group_that_the_kernel_lacks_is_refused_by_name)
{
	struct td_answer *answer;
	unsigned int i;
	char text[100];
	__u64 has, all;

	answer = td_dump(&self->sock, TASK_DIAG_DUMP_ONE, 0, 0);
	ASSERT_STREQ("", td_whole(answer));
	has = answer->header.show_flags;
	td_free(answer);
	EXPECT_EQ(0, has & ~EVERY_GROUP);

	all = EVERY_GROUP;
	for (i = 0; i < ARRAY_SIZE(optional_groups); i++) {
		all &= ~(1ULL << optional_groups[i].attr);
		if (has & 1ULL << optional_groups[i].attr)
			continue;
		self->req.show_flags = TASK_DIAG_SHOW_BASE |
				       1ULL << optional_groups[i].attr;
		snprintf(text, sizeof(text),
			 "group %s: this kernel was built without CONFIG_%s",
			 optional_groups[i].name, optional_groups[i].option);
		expect_refused(_metadata, ask(self, variant), EOPNOTSUPP, text,
			       ATTR_OFFSET);
	}
	EXPECT_EQ(all, has & all);
}

TEST_F(request, unknown_netlink_flag_is_refused)
{
	const __u16 known = NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO;
	struct td_msg msg;
	unsigned int bit;

	for (bit = 0; bit < 16; bit++) {
		if ((known | variant->flags) & (1 << bit))
			continue;
		td_request_get(&self->sock, &msg, variant->flags | 1 << bit,
			       &self->req);
		expect_refused(_metadata, td_exchange(&self->sock, &msg),
			       EINVAL,
			       "ambiguous or reserved bits set in nlmsg_flags",
			       0);
	}
}

TEST_F(request, unknown_command_is_refused)
{
	static const __u8 commands[] = { 0, TASK_DIAG_CMD_EVENT,
				       TASK_DIAG_CMD_MAX + 1, 255 };
	struct td_msg msg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		td_request_get(&self->sock, &msg, variant->flags, &self->req);
		msg.genl.cmd = commands[i];
		expect_refused(_metadata, td_exchange(&self->sock, &msg),
			       EOPNOTSUPP, "", 0);
	}
}

TEST_F(request, pid_0_is_the_caller)
{
	expect_one(_metadata, ask(self, variant), getpid());
}

struct thread_request {
	struct td_sock *sock;
	__u16 flags;
};

static void *ask_in_thread(void *arg)
{
	const struct thread_request *req = arg;

	return td_get(req->sock, req->flags, TASK_DIAG_DUMP_ONE, 0, 0);
}

TEST_F(request, pid_0_of_a_thread_is_its_process)
{
	struct thread_request req = { &self->sock, variant->flags };
	void *answer;

	ASSERT_EQ(0, pthread_join(td_new_thread(ask_in_thread, &req), &answer));
	expect_one(_metadata, answer, getpid());
}

TEST_F(request, pid_of_nobody_is_no_such_process)
{
	__u32 pids[] = { TD_NO_PID, 0x7fffffff, 0x80000000, 0xffffffff, 0 };
	unsigned int i;

	pids[4] = td_spawn(NULL, NULL);
	ASSERT_LT(0, (int)pids[4]);
	td_kill_children();

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		self->req.pid = pids[i];
		expect_refused(_metadata, ask(self, variant), ESRCH,
			       "no such process", 0);
	}
}

TEST_F(request, thread_that_leads_no_process_is_no_process)
{
	static const unsigned int nr_threads = 1;
	struct td_set tids;
	pid_t pid;

	pid = td_spawn(td_start_threads, &nr_threads);
	ASSERT_LT(0, pid);
	tids = proc_tids("/proc", pid);
	ASSERT_EQ(2, tids.nr);
	self->req.pid = tids.pids[0] == pid ? tids.pids[1] : tids.pids[0];
	expect_refused(_metadata, ask(self, variant), ESRCH, "no such process",
		       0);
}

TEST_F(request, acknowledgement_comes_once)
{
	struct td_answer *answer;
	char byte;

	answer = td_get(&self->sock, variant->flags | NLM_F_ACK,
			TASK_DIAG_DUMP_ONE, 0, 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(1, answer->nr_tasks);
	/* NLMSG_DONE is that of a dump. */
	if (!variant->flags) {
		answer->end_len = 0;
		EXPECT_FALSE(td_recv(&self->sock, answer));
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_LT(0, answer->end_len);
	}
	td_free(answer);
	EXPECT_EQ(-1, recv(self->sock.fd, &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
}

/* Attributes, pads, flags, ports and sequence numbers: td_parse() judges. */
TEST_F(request, each_message_has_what_was_requested)
{
	static const __u64 show[] = { 0, TASK_DIAG_SHOW_BASE };
	struct td_answer *answer;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(show); i++) {
		answer = td_get(&self->sock, variant->flags, TASK_DIAG_DUMP_ONE,
				show[i], 0);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(!!show[i], answer->tasks[0].has_base);
		td_free(answer);
	}
}

TEST_F(request, strategy_with_many_tasks_needs_a_dump)
{
	static const __u64 many[] = {
		TASK_DIAG_DUMP_ALL, TASK_DIAG_DUMP_ALL_THREAD,
		TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_DUMP_THREAD,
	};
	struct td_answer *answer;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(many); i++) {
		answer = td_get(&self->sock, variant->flags, many[i], 0, 0);
		if (variant->flags) {
			EXPECT_STREQ("", td_whole(answer));
			td_free(answer);
		} else {
			expect_refused(_metadata, answer, EINVAL,
				       "dump_strategy needs NLM_F_DUMP",
				       0);
		}
	}
}

/* A failed dump leaves no state that the next one would find. */
TEST_F(request, good_request_follows_a_bad_one)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		self->req.pid = TD_NO_PID;
		expect_refused(_metadata, ask(self, variant), ESRCH,
			       "no such process", 0);
		self->req.pid = getpid();
		expect_one(_metadata, ask(self, variant), getpid());
	}
}

TEST_F(request, requests_in_one_datagram_are_answered_one_by_one)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct td_answer *answer;
	struct td_msg msg;
	char pair[256];
	size_t len;

	td_request_get(&self->sock, &msg, variant->flags, &self->req);
	len = msg.nlh.nlmsg_len;
	memcpy(pair, &msg, len);
	memcpy(pair + len, &msg, len);
	ASSERT_LT(0, sendto(self->sock.fd, pair, 2 * len, 0, (void *)&kernel,
			    sizeof(kernel)));

	/* One dump at a time: it is the second that is refused first. */
	answer = td_new_answer();
	while (td_recv(&self->sock, answer) && !answer->error)
		;
	if (variant->flags) {
		EXPECT_STREQ("", answer->broken);
		EXPECT_EQ(EBUSY, answer->error);
		answer->ended = false;
		answer->error = 0;
		while (td_recv(&self->sock, answer))
			;
	}
	EXPECT_EQ(1, answer->nr_tasks);
	EXPECT_STREQ("", td_whole(answer));
	td_free(answer);

	if (!variant->flags)
		expect_one(_metadata, td_recv_all(&self->sock), getpid());
}

/* --- the header -------------------------------------------------------- */

FIXTURE(header)
{
	struct td_sock sock;
};

FIXTURE_SETUP(header)
{
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(header)
{
	td_close(&self->sock);
}

/* Groups that events never have */
#define NO_EVENT	(TASK_DIAG_SHOW_VMA | TASK_DIAG_SHOW_VMA_STAT |		\
			 TASK_DIAG_SHOW_MEM_ROLLUP | TASK_DIAG_SHOW_FILES |	\
			 TASK_DIAG_SHOW_LABEL | TASK_DIAG_SHOW_WCHAN)

static void expect_header(struct __test_metadata *_metadata,
			  const struct td_answer *answer)
{
	const struct task_diag_header *header = &answer->header;

	EXPECT_STREQ("", td_whole(answer));
	EXPECT_TRUE(answer->has_header);
	EXPECT_EQ(0x1f, header->dump_strategies);
	EXPECT_EQ(sysconf(_SC_PAGESIZE), header->page_size);
	EXPECT_EQ(sysconf(_SC_CLK_TCK), header->clk_tck);
	EXPECT_EQ(FLAGS, header->flags);
	EXPECT_EQ(0x3e, header->events);
	EXPECT_EQ(0, header->event_show_flags & ~header->show_flags);
	EXPECT_EQ(0, header->event_show_flags & NO_EVENT);
	EXPECT_TRUE(header->event_show_flags & TASK_DIAG_SHOW_CMDLINE);
	EXPECT_EQ(0, header->show_flags & ~EVERY_GROUP);
	EXPECT_TRUE(header->show_flags & TASK_DIAG_SHOW_BASE);
}

TEST_F(header, header_reports_what_the_kernel_supports)
{
	struct td_answer *answer;
	struct td_msg msg;

	td_request(&self->sock, &msg, TASK_DIAG_CMD_HEADER, 0);
	answer = td_exchange(&self->sock, &msg);
	expect_header(_metadata, answer);
	EXPECT_EQ(0, answer->nr_tasks);
	td_free(answer);
}

TEST_F(header, header_comes_first_in_a_dump)
{
	struct td_answer *answer;

	answer = td_dump(&self->sock, TASK_DIAG_DUMP_ONE, 0, 0);
	expect_header(_metadata, answer);
	EXPECT_EQ(1, answer->nr_tasks);
	td_free(answer);
}

TEST_F(header, header_takes_no_attribute)
{
	struct task_diag_pid req = { .dump_strategy = TASK_DIAG_DUMP_ONE };
	struct td_msg msg;

	td_request_get(&self->sock, &msg, 0, &req);
	msg.genl.cmd = TASK_DIAG_CMD_HEADER;
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EINVAL,
		       "Attribute failed policy validation", ATTR_OFFSET);

	td_request(&self->sock, &msg, TASK_DIAG_CMD_HEADER, 0);
	td_put(&msg, TASK_DIAG_BASE, &req, sizeof(req));
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EINVAL,
		       "Unsupported attribute", ATTR_OFFSET);

	td_request(&self->sock, &msg, TASK_DIAG_CMD_HEADER, 0);
	td_put(&msg, TASK_DIAG_REQUEST + 1, &req, sizeof(req));
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EINVAL,
		       "Unknown attribute type", ATTR_OFFSET);
}

TEST_F(header, header_is_no_dump)
{
	struct td_msg msg;

	td_request(&self->sock, &msg, TASK_DIAG_CMD_HEADER, NLM_F_DUMP);
	expect_refused(_metadata, td_exchange(&self->sock, &msg), EOPNOTSUPP,
		       "", 0);
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
