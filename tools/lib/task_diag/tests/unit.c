// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/* How the library reads the answers of a fake kernel */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "kselftest_harness.h"

#define LONG_NAME	100000

/* By default, tests end without a check for leaks. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define leaks()		__lsan_do_recoverable_leak_check()
#else
#define leaks()		0
#endif

/* --- opening ------------------------------------------------------------- */

TEST(open_names_the_option_that_the_kernel_lacks)
{
	struct td_handle *td;

	fake_reset();
	fake_answer();
	fake_error(-ENOENT, NULL);
	EXPECT_EQ(td_open(&td), -ENOENT);
	EXPECT_NE(strstr(td_error(td), "CONFIG_TASK_DIAG"), NULL);
	td_close(td);
}

TEST(open_says_what_the_kernel_says)
{
	struct td_handle *td;

	fake_reset();
	fake_answer();
	fake_message(GENL_ID_CTRL, 0, CTRL_CMD_NEWFAMILY);
	fake_put(CTRL_ATTR_FAMILY_ID, &(__u16){ FAKE_FAMILY }, sizeof(__u16));
	fake_answer();
	fake_error(-EPERM, "denied by sysctl");
	EXPECT_EQ(td_open(&td), -EPERM);
	EXPECT_STREQ(td_error(td), "denied by sysctl: Operation not permitted");
	td_close(td);
}

TEST(open_without_answer)
{
	struct td_handle *td;

	fake_reset();
	fake_answer();
	fake_errno(ENOBUFS);
	EXPECT_EQ(td_open(&td), -ENOBUFS);
	EXPECT_NE(strstr(td_error(td), "cannot receive"), NULL);
	td_close(td);
}

TEST(open_of_a_nameless_family)
{
	struct td_handle *td;

	fake_reset();
	fake_answer();
	fake_message(GENL_ID_CTRL, 0, CTRL_CMD_NEWFAMILY);
	fake_put(CTRL_ATTR_FAMILY_NAME, "x", 2);
	EXPECT_EQ(td_open(&td), -EBADMSG);
	td_close(td);
}

TEST(no_handle_is_closed_and_has_an_error)
{
	struct td_handle *td;

	fake_no_memory = true;
	EXPECT_EQ(td_open(&td), -ENOMEM);
	EXPECT_EQ(td, NULL);
	fake_no_memory = false;
	td_close(NULL);
	EXPECT_STREQ(td_error(NULL), "no memory");
}

TEST(header_of_another_length)
{
	struct {
		struct task_diag_header header;
		char later[8];
	} header;
	struct td_handle *td;

	fake_start();
	ASSERT_EQ(td_open(&td), 0);
	td_header(td, &header.header, sizeof(header));
	EXPECT_EQ(header.header.page_size, FAKE_PAGE_SIZE);
	EXPECT_EQ(header.later[7], 0);
	memset(&header, 0xff, sizeof(header));
	td_header(td, &header.header, 8);
	EXPECT_EQ(header.header.show_flags, 0x1234567890ULL);
	EXPECT_EQ(header.header.page_size, 0xffffffff);
	td_close(td);
}

/* --- a connection -------------------------------------------------------- */

FIXTURE(td)
{
	struct td_handle *td;
	struct task_diag_pid req;
	const struct td_task *task;
};

FIXTURE_SETUP(td)
{
	fake_start();
	ASSERT_EQ(td_open(&self->td), 0);
	EXPECT_EQ(fake_sockets, 1);
	self->req = (struct task_diag_pid) {
		.show_flags = TASK_DIAG_SHOW_BASE,
		.pid = 5,
		.id = 55,
	};
	self->task = NULL;
}

FIXTURE_TEARDOWN(td)
{
	td_close(self->td);
	self->td = NULL;
	EXPECT_EQ(leaks(), 0);
}

static int dump(FIXTURE_DATA(td) *self)
{
	return td_dump(self->td, &self->req, sizeof(self->req));
}

static int get(FIXTURE_DATA(td) *self)
{
	return td_get(self->td, &self->req, sizeof(self->req), &self->task);
}

static int next(FIXTURE_DATA(td) *self)
{
	return td_next(self->td, &self->task);
}

/* Begins an answer with the header, as the kernel does. */
static void answer(void)
{
	fake_answer();
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_HEADER);
	fake_datagram();
}

/* An answer with these tasks, up to 0 */
static void answer_with(const __u32 *pids)
{
	answer();
	for (; *pids; pids++)
		fake_task(*pids);
	fake_done(0, NULL);
}

/* An answer with tasks 1 to @nr, each in a datagram of its own of @len bytes and more */
static void answer_with_long(__u32 nr, size_t len)
{
	static const char name[25000];
	__u32 i;

	answer();
	for (i = 1; i <= nr; i++) {
		fake_task(i);
		fake_put(TASK_DIAG_NAME, name, len);
		fake_datagram();
	}
	fake_done(0, NULL);
}

/* The answer to a plain request */
static void plain_answer(__u32 pid)
{
	fake_answer();
	fake_message(FAKE_FAMILY, 0, TASK_DIAG_CMD_GET);
	fake_put(TASK_DIAG_PID, &pid, sizeof(pid));
}

/* One message, which @self->task is then about */
#define DUMP_ONE() do {							\
	fake_done(0, NULL);						\
	ASSERT_EQ(dump(self), 0) TH_LOG("%s", td_error(self->td));	\
	ASSERT_EQ(next(self), 1) TH_LOG("%s", td_error(self->td));	\
} while (0)

static int subscribe(FIXTURE_DATA(td) *self)
{
	return td_subscribe(self->td, &self->req, sizeof(self->req),
			    1U << TASK_DIAG_EVENT_EXIT);
}

/* The kernel's acknowledgment of the next request */
static void acknowledge(void)
{
	fake_answer();
	fake_error(0, NULL);
}

#define SUBSCRIBE() do {						\
	acknowledge();							\
	ASSERT_EQ(subscribe(self), 0) TH_LOG("%s", td_error(self->td));	\
} while (0)

/* --- requests ------------------------------------------------------------ */

static const struct nlattr *request_attr(unsigned int type)
{
	size_t at = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr;

	for (; at < fake_request_len; at += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)(fake_request + at);
		if (attr->nla_type == type)
			return attr;
	}
	return NULL;
}

static bool asked(unsigned int type, const void *data, size_t len)
{
	const struct nlattr *attr = request_attr(type);

	return attr && attr->nla_len == NLA_HDRLEN + len &&
	       (!len || !memcmp(attr + 1, data, len));
}

TEST_F(td, request_is_what_the_caller_says)
{
	const struct nlmsghdr *nlh = (const void *)fake_request;
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);

	answer_with((__u32[]){ 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(nlh->nlmsg_type, FAKE_FAMILY);
	EXPECT_EQ(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	EXPECT_EQ(genl->cmd, TASK_DIAG_CMD_GET);
	EXPECT_EQ(genl->version, TASK_DIAG_GENL_VERSION);
	EXPECT_TRUE(asked(TASK_DIAG_REQUEST, &self->req, sizeof(self->req)));
}

TEST_F(td, request_of_another_length)
{
	struct {
		struct task_diag_pid req;
		__u64 later;
	} longer = { .later = 7 };

	answer_with((__u32[]){ 0 });
	ASSERT_EQ(td_dump(self->td, &longer.req, sizeof(longer)), 0);
	EXPECT_TRUE(asked(TASK_DIAG_REQUEST, &longer, sizeof(longer)));
	answer_with((__u32[]){ 0 });
	ASSERT_EQ(td_dump(self->td, &self->req, TASK_DIAG_PID_SIZE_VER0), 0);
	EXPECT_TRUE(asked(TASK_DIAG_REQUEST, &self->req, TASK_DIAG_PID_SIZE_VER0));
	EXPECT_EQ(td_dump(self->td, &self->req, 257), -E2BIG);
	EXPECT_EQ(next(self), -E2BIG);
	EXPECT_EQ(td_get(self->td, &self->req, 257, &self->task), -E2BIG);
	EXPECT_EQ(td_get(self->td, &self->req, 8, &self->task), -EINVAL);
}

TEST_F(td, selections_go_with_one_request)
{
	const __u32 pids[] = { 1, 2, 3 };
	const __u64 ids[] = { 11, 0, 33 }, cgroup = 9;

	EXPECT_EQ(td_select_pids(self->td, pids, ids, 3), 0);
	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 1000), 0);
	EXPECT_EQ(td_select(self->td, TASK_DIAG_SELECT_CGROUP, &cgroup, 8), 0);
	EXPECT_EQ(td_select(self->td, TASK_DIAG_SELECT_DESCENDANTS, NULL, 0), 0);
	EXPECT_EQ(td_select(self->td, TASK_DIAG_SELECT_STATES, "R", 2), 0);
	answer_with((__u32[]){ 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_TRUE(asked(TASK_DIAG_SELECT_PIDS, pids, sizeof(pids)));
	EXPECT_TRUE(asked(TASK_DIAG_SELECT_IDS, ids, sizeof(ids)));
	EXPECT_TRUE(asked(TASK_DIAG_SELECT_UID, &(__u32){ 1000 }, 4));
	EXPECT_TRUE(asked(TASK_DIAG_SELECT_CGROUP, &cgroup, 8));
	EXPECT_TRUE(asked(TASK_DIAG_SELECT_DESCENDANTS, NULL, 0));
	EXPECT_TRUE(asked(TASK_DIAG_SELECT_STATES, "R", 2));

	answer_with((__u32[]){ 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(request_attr(TASK_DIAG_SELECT_UID), NULL);
}

TEST_F(td, no_request_without_a_selection_that_failed)
{
	static const char much[70000];
	const unsigned int requests = fake_requests;

	EXPECT_EQ(td_select(self->td, TASK_DIAG_SELECT_PIDS, much, sizeof(much)),
		  -E2BIG);
	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 1), 0);
	EXPECT_EQ(dump(self), -E2BIG);
	EXPECT_EQ(next(self), -E2BIG);

	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 1), 0);
	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 2), -EEXIST);
	EXPECT_EQ(get(self), -EEXIST);

	fake_no_memory = true;
	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_SID, 1), -ENOMEM);
	fake_no_memory = false;
	EXPECT_EQ(dump(self), -ENOMEM);
	EXPECT_EQ(fake_requests, requests);

	answer_with((__u32[]){ 0 });
	EXPECT_EQ(dump(self), 0);
	EXPECT_EQ(request_attr(TASK_DIAG_SELECT_UID), NULL);
}

/* --- answers ------------------------------------------------------------- */

TEST_F(td, dump_of_several_tasks)
{
	answer();
	fake_task(1);
	fake_task(2);
	fake_datagram();
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_HEADER);
	fake_datagram();
	fake_message(FAKE_FAMILY, NLM_F_MULTI, 99);
	fake_task(3);
	fake_datagram();
	fake_done(0, NULL);

	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 1);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 2);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 3);
	EXPECT_EQ(next(self), 0);
	EXPECT_EQ(self->task, NULL);
	EXPECT_EQ(next(self), 0);
	EXPECT_STREQ(td_error(self->td), "");
}

TEST_F(td, dump_without_a_header)
{
	fake_answer();
	fake_task(1);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 1);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, refusal_comes_at_once_with_the_kernels_text)
{
	fake_answer();
	fake_error(-EINVAL, "flags has unknown bits");
	EXPECT_EQ(dump(self), -EINVAL);
	EXPECT_STREQ(td_error(self->td),
		     "flags has unknown bits: Invalid argument");
	EXPECT_EQ(next(self), -EINVAL);

	answer_with((__u32[]){ 1, 0 });
	EXPECT_EQ(dump(self), 0);
	EXPECT_STREQ(td_error(self->td), "");
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(fake_sockets, 1);
}

TEST_F(td, error_in_done_ends_the_answer)
{
	answer();
	fake_task(1);
	fake_done(-ESRCH, "no such process");
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), -ESRCH);
	EXPECT_STREQ(td_error(self->td), "no such process: No such process");
	EXPECT_EQ(next(self), -ESRCH);
	EXPECT_EQ(fake_sockets, 1);
}

TEST_F(td, error_without_a_text)
{
	answer();
	fake_done(-EPERM, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EPERM);
	EXPECT_STREQ(td_error(self->td), "task_diag: Operation not permitted");
}

TEST_F(td, text_that_is_too_long_is_cut)
{
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	answer();
	fake_done(-EPERM, text);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EPERM);
	EXPECT_LT(strlen(td_error(self->td)), 256);
	EXPECT_NE(strstr(td_error(self->td), "not permitted"), NULL);
}

TEST_F(td, foreign_and_stale_messages_are_ignored)
{
	const struct nlmsghdr stale = {
		.nlmsg_len = sizeof(stale),
		.nlmsg_type = NLMSG_DONE,
		.nlmsg_seq = 77777,
	};

	answer();
	fake_from(4444);
	fake_task(66);
	fake_done(0, NULL);
	fake_datagram();
	fake_raw(&stale, sizeof(stale));
	fake_message(NLMSG_NOOP, 0, 0);
	fake_task(1);
	fake_datagram();
	fake_from(1);
	fake_raw("xx", 2);
	fake_longer(1000000);
	fake_datagram();
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 1);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, a_signal_does_not_end_the_answer)
{
	fake_answer();
	fake_errno(EINTR);
	fake_datagram();
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_HEADER);
	fake_datagram();
	fake_errno(EINTR);
	fake_datagram();
	fake_task(1);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, what_was_lost_is_an_error_and_another_socket_follows)
{
	answer();
	fake_task(1);
	fake_datagram();
	fake_errno(ENOBUFS);
	fake_datagram();
	fake_task(2);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), -ENOBUFS);
	EXPECT_EQ(next(self), -ENOBUFS);

	answer();
	fake_message(NLMSG_OVERRUN, 0, 0);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(fake_sockets, 2);
	EXPECT_EQ(next(self), -ENOBUFS);

	answer_with((__u32[]){ 3, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(fake_sockets, 3);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 3);
}

TEST_F(td, no_socket_and_no_sending)
{
	answer();
	fake_datagram();
	ASSERT_EQ(dump(self), 0);
	td_stop(self->td);
	fake_socket_errno = EMFILE;
	EXPECT_EQ(dump(self), -EMFILE);
	EXPECT_NE(strstr(td_error(self->td), "socket"), NULL);
	EXPECT_EQ(next(self), -EMFILE);
	EXPECT_EQ(get(self), -EMFILE);
	fake_socket_errno = 0;
	fake_send_errno = ENOBUFS;
	EXPECT_EQ(dump(self), -ENOBUFS);
	EXPECT_EQ(next(self), -ENOBUFS);
	fake_send_errno = 0;
	answer_with((__u32[]){ 0 });
	EXPECT_EQ(dump(self), 0);
	EXPECT_EQ(fake_sockets, 3);
}

TEST_F(td, a_cut_datagram_is_an_error_and_the_next_one_fits)
{
	static const char name[40000];

	answer();
	fake_task(1);
	fake_put(TASK_DIAG_NAME, name, sizeof(name));
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EMSGSIZE);

	answer();
	fake_task(1);
	fake_put(TASK_DIAG_NAME, name, sizeof(name));
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, a_cut_datagram_that_no_memory_is_for)
{
	answer();
	fake_raw("xx", 2);
	fake_longer(2000000000);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EMSGSIZE);
	answer();
	fake_raw("xx", 2);
	fake_longer(50000);
	ASSERT_EQ(dump(self), 0);
	fake_no_memory = true;
	EXPECT_EQ(next(self), -EMSGSIZE);
	fake_no_memory = false;
	answer_with((__u32[]){ 3, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
}

TEST_F(td, an_inconsistent_answer_says_so_after_its_tasks)
{
	answer();
	fake_task(1);
	fake_message(FAKE_FAMILY, NLM_F_MULTI | NLM_F_DUMP_INTR, 99);
	fake_task(2);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), -EINTR);
	answer_with((__u32[]){ 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, an_answer_may_be_given_up)
{
	answer_with((__u32[]){ 1, 2, 3, 0 });
	answer_with((__u32[]){ 4, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	/* The end of the answer has arrived. */
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(fake_sockets, 1);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 4);

	answer();
	fake_task(5);
	fake_datagram();
	fake_task(6);
	fake_done(0, NULL);
	answer_with((__u32[]){ 7, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	/* The end has not arrived. */
	td_stop(self->td);
	EXPECT_EQ(next(self), -ECANCELED);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(fake_sockets, 2);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 7);
}

#define EXPECT_DROPPED() do {						\
	EXPECT_EQ(next(self), -ECANCELED);				\
	EXPECT_EQ(self->task, NULL);					\
	EXPECT_STREQ(td_error(self->td),				\
		     "the answer was dropped: Operation canceled");	\
} while (0)

TEST_F(td, an_answer_that_another_request_dropped_is_not_complete)
{
	size_t nr;
	int i;

	for (i = 0; i < 4; i++) {
		answer();
		fake_task(1);
		fake_datagram();
		fake_task(2);
		fake_done(0, NULL);
		ASSERT_EQ(dump(self), 0);
		EXPECT_EQ(next(self), 1);
		if (i == 0) {
			plain_answer(5);
			ASSERT_EQ(get(self), 0);
			EXPECT_EQ(td_pid(self->task), 5);
		} else if (i == 1) {
			self->req.show_flags = TASK_DIAG_SHOW_VMA;
			answer();
			fake_task(5);
			fake_datagram();
			fake_done(0, NULL);
			ASSERT_EQ(get(self), 0);
			EXPECT_EQ(td_pid(self->task), 5);
		} else if (i == 2) {
			SUBSCRIBE();
		} else {
			td_stop(self->td);
		}
		EXPECT_DROPPED();
		EXPECT_EQ(td_collect(self->td, SIZE_MAX, &nr), -ECANCELED);
		EXPECT_EQ(nr, 0);
	}
	answer_with((__u32[]){ 3, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, a_child_cannot_continue_but_begin)
{
	pid_t child;
	int status;

	answer();
	fake_task(1);
	fake_datagram();
	fake_task(2);
	fake_datagram();
	fake_done(0, NULL);
	answer_with((__u32[]){ 7, 0 });
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		const unsigned int received = fake_received;

		if (next(self) != -EPERM || self->task ||
		    !strstr(td_error(self->td), "fork") || next(self) != -EPERM ||
		    fake_received != received || fake_sockets != 1)
			_exit(1);
		if (dump(self) || fake_sockets != 2 || next(self) != 1 ||
		    td_pid(self->task) != 7 || next(self))
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 2);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, a_child_begins_without_receiving)
{
	pid_t child;
	int status;

	answer();
	fake_task(1);
	fake_datagram();
	fake_done(0, NULL);
	answer_with((__u32[]){ 7, 0 });
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		const unsigned int received = fake_received;

		td_stop(self->td);
		if (next(self) != -ECANCELED || fake_received != received)
			_exit(1);
		if (dump(self) || next(self) != 1 || td_pid(self->task) != 7)
			_exit(2);
		/* A child of the child does, too. */
		child = fork();
		if (!child)
			_exit(next(self) == -EPERM ? 0 : 3);
		if (waitpid(child, &status, 0) != child || status || next(self))
			_exit(4);
		_exit(0);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

/* --- answers that are counted -------------------------------------------- */

static int count(FIXTURE_DATA(td) *self, size_t nr)
{
	size_t counted = 999;
	const int ret = td_count(self->td, &counted);

	return counted == nr ? ret : -EDOM;
}

/* Three tasks, the second of which comes twice and once in two messages */
static void answer_with_three(void)
{
	const struct {
		struct nlmsghdr nlh;
		char byte;
	} unaligned = {
		.nlh = { .nlmsg_len = NLMSG_HDRLEN + 1, .nlmsg_type = NLMSG_NOOP },
	};

	answer();
	fake_task(1);
	fake_task(2);
	fake_put(TASK_DIAG_CMDLINE, "a", 1);
	fake_flag(TASK_DIAG_MORE);
	fake_datagram();
	fake_task(2);
	fake_put(TASK_DIAG_CMDLINE, "b", 1);
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_HEADER);
	fake_raw(&unaligned, unaligned.nlh.nlmsg_len);
	fake_datagram();
	/* Once more, as in a list of pids with duplicates */
	fake_task(2);
	fake_done(0, NULL);
}

TEST_F(td, tasks_are_counted_to_the_end)
{
	answer_with_three();
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(count(self, 3), 0);
	EXPECT_EQ(next(self), 0);
	EXPECT_EQ(count(self, 0), 0);

	/* The remaining ones */
	answer_with_three();
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(count(self, 2), 0);
	EXPECT_EQ(next(self), 0);

	/* The same task again, and one that continues, in one datagram */
	answer();
	fake_task(1);
	fake_task(1);
	fake_flag(TASK_DIAG_MORE);
	fake_task(1);
	fake_task(2);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(count(self, 3), 0);
}

TEST_F(td, an_answer_that_ends_early_is_counted_up_to_there)
{
	answer();
	fake_task(1);
	fake_datagram();
	fake_task(2);
	fake_done(-EPERM, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(count(self, 2), -EPERM);
	EXPECT_EQ(count(self, 0), -EPERM);
	EXPECT_EQ(next(self), -EPERM);

	fake_answer();
	fake_error(-EINVAL, "no");
	EXPECT_EQ(dump(self), -EINVAL);
	EXPECT_EQ(count(self, 0), -EINVAL);
}

/* --- answers that are collected ------------------------------------------ */

static int collect(FIXTURE_DATA(td) *self, size_t nr)
{
	size_t collected = 999;
	const int ret = td_collect(self->td, SIZE_MAX, &collected);

	return collected == nr ? ret : -EDOM;
}

TEST_F(td, collected_tasks_come_in_any_order)
{
	size_t positions[3];
	const char *data;
	size_t len;
	int i;

	answer_with_three();
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(collect(self, 3), 0);
	for (i = 0; i < 3; i++) {
		positions[i] = td_tell(self->td);
		ASSERT_EQ(next(self), 1);
		EXPECT_EQ(td_pid(self->task), i ? 2 : 1);
	}
	EXPECT_EQ(next(self), 0);
	EXPECT_EQ(next(self), 0);

	td_seek(self->td, positions[1]);
	ASSERT_EQ(next(self), 1);
	ASSERT_EQ(td_bytes(self->task, TASK_DIAG_CMDLINE, &data, &len), 0);
	EXPECT_EQ(len, 2);
	EXPECT_EQ(memcmp(data, "ab", 2), 0);
	td_seek(self->td, positions[0]);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 1);
	td_seek(self->td, positions[2]);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), 0);
	td_seek(self->td, positions[1]);
	EXPECT_EQ(count(self, 2), 0);

	/* The socket can stay open. */
	td_seek(self->td, positions[0]);
	answer_with((__u32[]){ 7, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 7);
	EXPECT_EQ(next(self), 0);
	EXPECT_EQ(fake_sockets, 1);
}

TEST_F(td, what_was_collected_before_an_error)
{
	const int errors[] = { -ENOBUFS, -EPERM, -EBADMSG, -EINTR };
	size_t i, position;

	for (i = 0; i < 4; i++) {
		answer();
		fake_task(1);
		if (errors[i] == -EINTR)
			fake_message(FAKE_FAMILY, NLM_F_MULTI | NLM_F_DUMP_INTR, 99);
		fake_datagram();
		fake_task(2);
		fake_datagram();
		if (errors[i] == -ENOBUFS)
			fake_errno(ENOBUFS);
		else if (errors[i] == -EBADMSG)
			fake_raw("xx", 2);
		else
			fake_done(errors[i] == -EPERM ? -EPERM : 0, NULL);
		ASSERT_EQ(dump(self), 0);
		EXPECT_EQ(collect(self, 2), errors[i]);
		position = td_tell(self->td);
		ASSERT_EQ(next(self), 1);
		EXPECT_EQ(td_pid(self->task), 1);
		ASSERT_EQ(next(self), 1);
		EXPECT_EQ(td_pid(self->task), 2);
		EXPECT_EQ(next(self), errors[i]);
		EXPECT_EQ(next(self), errors[i]);
		td_seek(self->td, position);
		EXPECT_EQ(next(self), 1);
		EXPECT_EQ(next(self), 1);
		EXPECT_EQ(next(self), errors[i]);
	}
}

TEST_F(td, a_task_that_is_not_whole_is_counted_but_not_returned)
{
	answer();
	fake_task(1);
	fake_task(2);
	fake_flag(TASK_DIAG_MORE);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(collect(self, 2), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), -EBADMSG);
	EXPECT_EQ(next(self), -EBADMSG);
}

TEST_F(td, nothing_to_collect_and_nowhere_to_go)
{
	EXPECT_EQ(collect(self, 0), 0);
	td_seek(self->td, 4);
	EXPECT_EQ(next(self), 0);

	fake_answer();
	fake_error(-EINVAL, "no");
	EXPECT_EQ(dump(self), -EINVAL);
	EXPECT_EQ(collect(self, 0), -EINVAL);
	EXPECT_EQ(next(self), -EINVAL);

	answer_with((__u32[]){ 1, 2, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	td_seek(self->td, 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_pid(self->task), 2);
	EXPECT_EQ(next(self), 0);

	answer_with((__u32[]){ 1, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(collect(self, 1), 0);
	td_stop(self->td);
	td_seek(self->td, 0);
	EXPECT_EQ(next(self), -ECANCELED);
}

/* More than the library keeps for the next request */
TEST_F(td, a_long_answer_is_collected)
{
	static const char name[25000];
	__u32 i;

	answer_with_long(100, sizeof(name));
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(collect(self, 100), 0);
	for (i = 1; i <= 100; i++) {
		ASSERT_EQ(next(self), 1);
		EXPECT_EQ(td_pid(self->task), i);
	}
	EXPECT_EQ(next(self), 0);

	answer_with((__u32[]){ 1, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);

	fake_answer();
	fake_task(1);
	fake_put(TASK_DIAG_NAME, name, sizeof(name));
	fake_datagram();
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	fake_no_memory = true;
	EXPECT_EQ(collect(self, 1), -ENOMEM);
	fake_no_memory = false;
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), -ENOMEM);
}

TEST_F(td, an_answer_that_exceeds_the_limit_is_not_collected)
{
	size_t nr;
	__u32 i;

	answer_with_long(9, 10000);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(td_collect(self->td, 50000, &nr), -E2BIG);
	EXPECT_EQ(nr, 5);
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(next(self), 1);
		EXPECT_EQ(td_pid(self->task), i);
	}
	EXPECT_EQ(next(self), -E2BIG);

	/* The limit is of one answer. */
	answer_with((__u32[]){ 1, 2, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(collect(self, 2), 0);
	EXPECT_EQ(next(self), 1);
}

TEST_F(td, a_datagram_that_is_cut_while_others_are_kept)
{
	static const char name[70000];
	int i;

	for (i = 0; i < 2; i++) {
		answer();
		fake_task(1);
		fake_put(TASK_DIAG_NAME, name, 30000);
		fake_datagram();
		fake_task(2);
		fake_put(TASK_DIAG_NAME, name, 60000);
		fake_done(0, NULL);
		ASSERT_EQ(dump(self), 0);
		EXPECT_EQ(collect(self, i + 1), i ? 0 : -EMSGSIZE);
		EXPECT_EQ(next(self), 1);
		EXPECT_EQ(td_pid(self->task), 1);
		EXPECT_EQ(next(self), i ? 1 : -EMSGSIZE);
	}
}

TEST_F(td, a_child_cannot_collect)
{
	pid_t child;
	int status;

	answer();
	fake_task(1);
	fake_datagram();
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		_exit(collect(self, 0) != -EPERM || next(self) != -EPERM);
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(collect(self, 1), 0);
}

/* --- plain requests ------------------------------------------------------ */

TEST_F(td, get_is_one_message)
{
	const struct nlmsghdr *nlh = (const void *)fake_request;

	self->req.dump_strategy = TASK_DIAG_DUMP_ALL;
	plain_answer(5);
	plain_answer(6);
	ASSERT_EQ(get(self), 0);
	EXPECT_EQ(td_pid(self->task), 5);
	EXPECT_EQ(nlh->nlmsg_flags, NLM_F_REQUEST);
	self->req.dump_strategy = TASK_DIAG_DUMP_ONE;
	EXPECT_TRUE(asked(TASK_DIAG_REQUEST, &self->req, sizeof(self->req)));
	ASSERT_EQ(get(self), 0);
	EXPECT_EQ(td_pid(self->task), 6);
	EXPECT_EQ(fake_sockets, 1);
}

TEST_F(td, get_that_is_refused)
{
	fake_answer();
	fake_error(-ESRCH, "no such process");
	EXPECT_EQ(get(self), -ESRCH);
	EXPECT_EQ(self->task, NULL);
	EXPECT_STREQ(td_error(self->td), "no such process: No such process");
	plain_answer(6);
	EXPECT_EQ(get(self), 0);
}

TEST_F(td, get_of_much_is_a_dump)
{
	const int errors[] = { -EMSGSIZE, -EINVAL };
	size_t i;

	for (i = 0; i < 2; i++) {
		fake_answer();
		fake_error(errors[i], "ask with NLM_F_DUMP");
		answer();
		fake_task(5);
		fake_put(TASK_DIAG_CMDLINE, "a", 1);
		fake_flag(TASK_DIAG_MORE);
		fake_datagram();
		fake_task(5);
		fake_put(TASK_DIAG_CMDLINE, "b", 1);
		fake_done(0, NULL);
		ASSERT_EQ(get(self), 0);
		EXPECT_EQ(td_pid(self->task), 5);
	}
	EXPECT_EQ(fake_sockets, 1);

	self->req.show_flags = TASK_DIAG_SHOW_VMA;
	answer_with((__u32[]){ 5, 0 });
	plain_answer(6);
	ASSERT_EQ(get(self), 0);
	EXPECT_EQ(td_pid(self->task), 5);
	self->req.show_flags = 0;
	ASSERT_EQ(get(self), 0);
	EXPECT_EQ(td_pid(self->task), 6);
	EXPECT_EQ(fake_sockets, 1);
}

TEST_F(td, get_that_is_wrong_by_dump_as_well)
{
	fake_answer();
	fake_error(-EINVAL, "first");
	fake_answer();
	fake_error(-EINVAL, "second");
	EXPECT_EQ(get(self), -EINVAL);
	EXPECT_STREQ(td_error(self->td), "second: Invalid argument");
}

TEST_F(td, get_without_a_task)
{
	fake_answer();
	fake_message(FAKE_FAMILY, 0, TASK_DIAG_CMD_HEADER);
	EXPECT_EQ(get(self), -EBADMSG);
	fake_answer();
	fake_error(0, NULL);
	EXPECT_EQ(get(self), -EBADMSG);
	self->req.show_flags = TASK_DIAG_SHOW_VMA;
	answer_with((__u32[]){ 0 });
	EXPECT_EQ(get(self), -EBADMSG);
}

/* --- groups -------------------------------------------------------------- */

TEST_F(td, structs_of_other_lengths)
{
	struct {
		struct task_diag_base base;
		char later[8];
	} base = { .base = { .pid = 1, .ppid = 2, .id = 3 }, .later = "later" };
	struct task_diag_base ours;
	const char *data;
	size_t len;

	answer();
	fake_task(1);
	fake_put(TASK_DIAG_BASE, &base, sizeof(base));
	fake_task(2);
	fake_put(TASK_DIAG_BASE, &base, 12);
	DUMP_ONE();
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &ours, sizeof(ours)), 0);
	EXPECT_EQ(memcmp(&ours, &base, sizeof(ours)), 0);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_BASE, &data, &len), 0);
	EXPECT_EQ(len, sizeof(base));
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &ours, sizeof(ours)), 0);
	EXPECT_EQ(ours.ppid, 2);
	EXPECT_EQ(ours.id, 0);
}

TEST_F(td, groups_that_are_absent_or_failed)
{
	struct task_diag_mem mem;
	const char *data;
	size_t len;

	answer();
	fake_task(1);
	fake_group_error(TASK_DIAG_MEM, -EAGAIN);
	fake_group_error(4444, -EAGAIN);
	/* No caller must take these for success, or for another element. */
	fake_group_error(TASK_DIAG_VMA, 1);
	fake_group_error(TASK_DIAG_CRED, 0);
	DUMP_ONE();
	EXPECT_EQ(td_item(self->task, TASK_DIAG_VMA, &(struct td_item){}, NULL, 0),
		  -EBADMSG);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_CRED, NULL, 0), -EBADMSG);
	memset(&mem, 0xff, sizeof(mem));
	EXPECT_EQ(td_group(self->task, TASK_DIAG_MEM, &mem, sizeof(mem)), -EAGAIN);
	EXPECT_EQ(mem.swap, 0);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, NULL, 0), -ENODATA);
	EXPECT_EQ(td_group(self->task, 64, NULL, 0), -EINVAL);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_MEM, &data, &len), -EAGAIN);
	EXPECT_EQ(len, 0);
	EXPECT_STREQ(data, "");
	EXPECT_EQ(td_item(self->task, TASK_DIAG_MEM, &(struct td_item){}, NULL, 0),
		  -EAGAIN);
	EXPECT_EQ(td_cpus(self->task, NULL, 0), -ENODATA);
	EXPECT_EQ(td_process(self->task), NULL);
	EXPECT_EQ(td_group(NULL, TASK_DIAG_TIMES, NULL, 0), -ENODATA);
	EXPECT_EQ(td_failed(self->task), TASK_DIAG_SHOW_MEM | TASK_DIAG_SHOW_VMA |
					 TASK_DIAG_SHOW_CRED);
	EXPECT_EQ(td_failed(NULL), 0);
}

TEST(null_is_a_task_without_groups)
{
	const char *data;
	__u32 mask = 1;
	size_t len;

	EXPECT_EQ(td_pid(NULL), 0);
	EXPECT_EQ(td_process(NULL), NULL);
	EXPECT_EQ(td_failed(NULL), 0);
	EXPECT_EQ(td_group(NULL, TASK_DIAG_BASE, NULL, 0), -ENODATA);
	EXPECT_EQ(td_bytes(NULL, TASK_DIAG_NAME, &data, &len), -ENODATA);
	EXPECT_EQ(td_cpus(NULL, &mask, 1), -ENODATA);
	EXPECT_EQ(mask, 0);
}

TEST_F(td, parts_before_an_error_are_thrown_away)
{
	const char *data;
	size_t len;

	answer();
	fake_task(1);
	fake_put(TASK_DIAG_CMDLINE, "a", 1);
	fake_put(TASK_DIAG_EXE, "/x", 2);
	fake_flag(TASK_DIAG_MORE);
	fake_task(1);
	fake_group_error(TASK_DIAG_CMDLINE, -EFAULT);
	fake_put(TASK_DIAG_CMDLINE, "b", 1);
	DUMP_ONE();
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CMDLINE, &data, &len), -EFAULT);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_EXE, &data, &len), 0);
	EXPECT_EQ(len, 2);
}

TEST_F(td, bytes_are_joined_over_attributes_messages_and_datagrams)
{
	const __u32 gids[] = { 10, 20, 30 };
	const __u32 *joined;
	const char *data;
	size_t len;

	answer();
	fake_task(1);
	fake_put(TASK_DIAG_CMDLINE, "ab", 2);
	fake_put(TASK_DIAG_CMDLINE, "c", 1);
	fake_flag(TASK_DIAG_MORE);
	fake_task(1);
	fake_flag(TASK_DIAG_MORE);
	fake_task(1);
	fake_put(TASK_DIAG_CMDLINE, "", 0);
	fake_put(TASK_DIAG_CMDLINE, "de", 3);
	fake_put(TASK_DIAG_GROUPS, gids, 8);
	fake_flag(TASK_DIAG_MORE);
	fake_datagram();
	fake_task(1);
	fake_put(TASK_DIAG_GROUPS, gids + 2, 4);
	/* No kernel does this, but none promises not to. */
	fake_put(TASK_DIAG_CMDLINE, "fghijklmnopq", 12);
	fake_put(TASK_DIAG_NAME, "", 0);
	DUMP_ONE();
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CMDLINE, &data, &len), 0);
	EXPECT_EQ(len, 18);
	EXPECT_EQ(memcmp(data, "abcde\0fghijklmnopq", 18), 0);
	EXPECT_EQ(td_gids(self->task, &joined, &len), 0);
	EXPECT_EQ(len, 3);
	EXPECT_EQ(memcmp(joined, gids, sizeof(gids)), 0);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_NAME, &data, &len), 0);
	EXPECT_EQ(len, 0);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_EXE, &data, &len), -ENODATA);
}

/* A struct and the data after it, each perhaps longer than today */
static void put_vma(__u64 start, __u32 flags, const char *name, size_t len,
		    size_t off, size_t part, size_t gap)
{
	struct task_diag_vma vma = {
		.start = start,
		.flags = flags,
		.name_len = len,
		.name_off = off,
		.name_at = sizeof(vma) + gap,
	};
	char buf[sizeof(vma) + 64 + 60000];

	memcpy(buf, &vma, sizeof(vma));
	memset(buf + sizeof(vma), 0xa5, gap);
	memcpy(buf + sizeof(vma) + gap, name + off, part);
	fake_put(TASK_DIAG_VMA, buf, sizeof(vma) + gap + part);
}

TEST_F_TIMEOUT(td, names_of_mappings, 120)
{
	char *name = malloc(LONG_NAME);
	struct task_diag_vma vma;
	struct td_item item;
	size_t i, off;

	ASSERT_NE(name, NULL);
	memset(name, 'n', LONG_NAME);
	name[0] = '/';
	name[LONG_NAME - 1] = 'e';
	for (i = 0; i < 2; i++) {
		const size_t gap = i ? 24 : 0;

		memset(&item, 0, sizeof(item));
		answer();
		fake_task(1);
		put_vma(1, 0, "/lib", 4, 0, 4, gap);
		put_vma(2, TASK_DIAG_VMA_SAME_NAME, "", 0, 0, 0, gap);
		put_vma(3, TASK_DIAG_VMA_LONG_NAME, "", 0, 0, 0, gap);
		put_vma(4, 0, "", 0, 0, 0, gap);
		for (off = 0; off < LONG_NAME; off += 20000) {
			put_vma(5, TASK_DIAG_VMA_EXEC, name, LONG_NAME, off,
				20000, gap);
			fake_flag(TASK_DIAG_MORE);
			fake_datagram();
			fake_task(1);
		}
		put_vma(6, TASK_DIAG_VMA_SAME_NAME, "", 0, 0, 0, gap);
		DUMP_ONE();
		ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma,
				  sizeof(vma)), 1);
		EXPECT_EQ(vma.start, 1);
		EXPECT_EQ(item.text_len, 4);
		EXPECT_EQ(memcmp(item.text, "/lib", 4), 0);
		ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma,
				  sizeof(vma)), 1);
		EXPECT_EQ(vma.start, 2);
		EXPECT_EQ(item.text_len, 4);
		EXPECT_EQ(memcmp(item.text, "/lib", 4), 0);
		ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma,
				  sizeof(vma)), 1);
		EXPECT_EQ(vma.start, 3);
		EXPECT_EQ(item.text_len, 0);
		ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma,
				  sizeof(vma)), 1);
		EXPECT_EQ(vma.start, 4);
		EXPECT_EQ(item.text_len, 0);
		ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma,
				  sizeof(vma)), 1);
		EXPECT_EQ(vma.start, 5);
		EXPECT_EQ(vma.flags, TASK_DIAG_VMA_EXEC);
		ASSERT_EQ(item.text_len, LONG_NAME);
		EXPECT_EQ(memcmp(item.text, name, LONG_NAME), 0);
		ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma,
				  sizeof(vma)), 1);
		EXPECT_EQ(vma.start, 6);
		ASSERT_EQ(item.text_len, LONG_NAME);
		EXPECT_EQ(memcmp(item.text, name, LONG_NAME), 0);
		EXPECT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma,
				  sizeof(vma)), 0);
		EXPECT_EQ(vma.start, 0);
		EXPECT_EQ(next(self), 0);
	}
	free(name);
}

TEST_F(td, a_name_that_changed_between_its_parts)
{
	struct task_diag_vma vma;
	struct td_item item = {};

	answer();
	fake_task(1);
	put_vma(1, 0, "/abcdef", 7, 0, 7, 0);
	fake_put(TASK_DIAG_EXE, "/x", 2);
	put_vma(1, 0, "/abXYZ", 6, 3, 3, 0);
	fake_task(2);
	put_vma(1, 0, "/abcdef", 7, 0, 2, 0);
	put_vma(1, 0, "/abcdef", 7, 3, 4, 0);
	fake_task(3);
	put_vma(1, 0, "/abcdef", 7, 3, 4, 0);
	DUMP_ONE();
	ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma, sizeof(vma)), 1);
	EXPECT_EQ(item.text_len, 6);
	EXPECT_EQ(memcmp(item.text, "/abXYZ", 6), 0);
	EXPECT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma, sizeof(vma)), 0);
	memset(&item, 0, sizeof(item));
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, NULL, 0), -EBADMSG);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, NULL, 0), -EBADMSG);
}

TEST_F(td, the_first_name_is_nobody_elses)
{
	struct task_diag_vma vma;
	struct td_item item = {};

	answer();
	fake_task(1);
	put_vma(1, TASK_DIAG_VMA_SAME_NAME, "", 0, 0, 0, 0);
	DUMP_ONE();
	ASSERT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, &vma, sizeof(vma)), 1);
	EXPECT_NE(item.text, NULL);
	EXPECT_EQ(item.text_len, 0);
}

TEST_F(td, rich_answer)
{
	struct task_diag_affinity affinity;
	struct task_diag_vma_stat stat;
	struct task_diag_cgroup cgroup;
	struct task_diag_pages pages;
	struct task_diag_times times;
	struct td_item item = {};
	struct task_diag_file file;
	struct task_diag_ns ns;
	__u32 mask[3];
	const char *data;
	size_t len;

	fake_rich_answer();
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_CGROUP, &cgroup, sizeof(cgroup)), 0);
	EXPECT_EQ(cgroup.id, 77);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CGROUP, &data, &len), 0);
	ASSERT_EQ(len, 4);
	EXPECT_EQ(memcmp(data, "/c/d", 4), 0);

	EXPECT_EQ(td_item(self->task, TASK_DIAG_NS, &item, &ns, sizeof(ns)), 1);
	EXPECT_EQ(ns.ino, 1);
	EXPECT_EQ(td_item(self->task, TASK_DIAG_NS, &item, &ns, sizeof(ns)), 1);
	EXPECT_EQ(td_item(self->task, TASK_DIAG_NS, &item, &ns, sizeof(ns)), 0);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_NS, &data, &len), -EINVAL);

	EXPECT_EQ(td_group(self->task, TASK_DIAG_AFFINITY, &affinity,
			   sizeof(affinity)), 0);
	EXPECT_EQ(affinity.cpus, 33);
	memset(mask, 0xff, sizeof(mask));
	EXPECT_EQ(td_cpus(self->task, mask, 3), 33);
	EXPECT_EQ(mask[0], 5);
	EXPECT_EQ(mask[1], 1);
	EXPECT_EQ(mask[2], 0);
	memset(mask, 0xff, sizeof(mask));
	EXPECT_EQ(td_cpus(self->task, mask, 1), 33);
	EXPECT_EQ(mask[0], 5);
	EXPECT_EQ(mask[1], 0xffffffff);
	EXPECT_EQ(td_mems(self->task, mask, 3), 1);
	EXPECT_EQ(mask[0], 1);
	EXPECT_EQ(mask[1], 0);

	memset(&item, 0, sizeof(item));
	EXPECT_EQ(td_item(self->task, TASK_DIAG_VMA_STAT, &item, &stat,
			  sizeof(stat)), 1);
	EXPECT_EQ(stat.start, 0x1000);
	ASSERT_EQ(item.text_len, 4);
	EXPECT_EQ(memcmp(item.text, "rdwr", 4), 0);
	EXPECT_EQ(td_pages(&item, &pages, sizeof(pages)), 0);
	EXPECT_EQ(pages.rss, 0x3000);
	EXPECT_EQ(td_pages(&(struct td_item){}, &pages, sizeof(pages)), -ENODATA);
	EXPECT_EQ(pages.rss, 0);

	memset(&item, 0, sizeof(item));
	EXPECT_EQ(td_item(self->task, TASK_DIAG_FILES, &item, &file, sizeof(file)), 1);
	EXPECT_EQ(file.fd, 3);
	ASSERT_EQ(item.text_len, 3);
	EXPECT_EQ(memcmp(item.text, "/f ", 3), 0);

	memset(&item, 0, sizeof(item));
	EXPECT_EQ(td_item(self->task, TASK_DIAG_VMA, &item, NULL, 0), 1);
	EXPECT_EQ(item.text_len, 8);
	EXPECT_EQ(memcmp(item.text, "/a/b/a/b", 8), 0);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_ENVIRON, NULL, 0), -EFAULT);
	EXPECT_EQ(td_bytes(self->task, 63, &data, &len), 0);
	EXPECT_EQ(len, 5);

	ASSERT_NE(td_process(self->task), NULL);
	EXPECT_EQ(td_pid(td_process(self->task)), 1);
	EXPECT_EQ(td_group(td_process(self->task), TASK_DIAG_TIMES, &times,
			   sizeof(times)), 0);
	EXPECT_EQ(times.utime, 1000);
	EXPECT_EQ(td_group(td_process(self->task), TASK_DIAG_BASE, NULL, 0),
		  -ENODATA);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(td_process(self->task), NULL);
	EXPECT_EQ(next(self), 0);
}

/* A task of one message is read in place, any other is copied. */
TEST_F(td, in_place_or_copied_it_is_the_same)
{
	struct task_diag_base base = { .pid = 1, .comm = "name" };
	struct task_diag_ns ns = { .ino = 5 };
	struct td_item item = {};
	unsigned long sums[2];
	int i, nr = 0;

	answer();
	for (i = 0; i < 2; i++) {
		fake_task(1);
		fake_put(TASK_DIAG_NS, &ns, sizeof(ns));
		fake_put(TASK_DIAG_BASE, &base, sizeof(base));
		fake_put(TASK_DIAG_CMDLINE, "a\0b", 4);
		put_vma(1, 0, "/lib", 4, 0, 4, 8);
		put_vma(2, TASK_DIAG_VMA_SAME_NAME, "", 0, 0, 0, 8);
		fake_put(TASK_DIAG_NS, &ns, sizeof(ns));
		if (i)
			fake_flag(TASK_DIAG_MORE);
	}
	fake_task(1);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(next(self), 1);
		sums[i] = read_task(self->task);
	}
	EXPECT_EQ(sums[0], sums[1]);
	while (td_item(self->task, TASK_DIAG_NS, &item, &ns, sizeof(ns)) > 0)
		nr += ns.ino;
	EXPECT_EQ(nr, 10);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, values_of_the_process_and_of_its_leader)
{
	struct task_diag_error error = { TASK_DIAG_STAT, -EAGAIN };
	struct task_diag_io of_leader = { .rchar = 11 };
	struct task_diag_io of_process = { .rchar = 22 }, got;
	const struct td_task *process;
	struct td_item item = {};

	answer();
	fake_task(1);
	fake_process(TASK_DIAG_IO, &of_process, sizeof(of_process));
	fake_put(TASK_DIAG_IO, &of_leader, sizeof(of_leader));
	fake_put(TASK_DIAG_STAT, "stat", 4);
	fake_flag(TASK_DIAG_MORE);
	fake_task(1);
	fake_process(TASK_DIAG_ERROR, &error, sizeof(error));
	DUMP_ONE();
	process = td_process(self->task);
	ASSERT_NE(process, NULL);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_IO, &got, sizeof(got)), 0);
	EXPECT_EQ(got.rchar, 11);
	EXPECT_EQ(td_group(process, TASK_DIAG_IO, &got, sizeof(got)), 0);
	EXPECT_EQ(got.rchar, 22);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_STAT, NULL, 0), 0);
	EXPECT_EQ(td_group(process, TASK_DIAG_STAT, NULL, 0), -EAGAIN);
	EXPECT_EQ(td_item(process, TASK_DIAG_IO, &item, NULL, 0), 1);
	EXPECT_EQ(td_item(process, TASK_DIAG_IO, &item, NULL, 0), 0);
	EXPECT_EQ(td_process(process), NULL);
}

TEST_F(td, a_copy_outlives_its_handle)
{
	struct td_task *copy;
	unsigned long sum;

	fake_rich_answer();
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	sum = read_task(self->task);
	copy = td_task_dup(self->task);
	ASSERT_NE(copy, NULL);
	td_close(self->td);
	self->td = NULL;
	EXPECT_EQ(read_task(copy), sum);
	fake_no_memory = true;
	EXPECT_EQ(td_task_dup(copy), NULL);
	fake_no_memory = false;
	td_task_free(copy);
	td_task_free(NULL);
}

TEST_F(td, two_handles_do_not_mix)
{
	const struct td_task *other_task;
	struct td_handle *other;
	struct task_diag_base base = { .pid = 1 };

	answer();
	fake_task(1);
	fake_put(TASK_DIAG_BASE, &base, sizeof(base));
	DUMP_ONE();
	fake_start();
	ASSERT_EQ(td_open(&other), 0);
	answer();
	fake_task(2);
	base.pid = 2;
	fake_put(TASK_DIAG_BASE, &base, sizeof(base));
	fake_done(0, NULL);
	ASSERT_EQ(td_dump(other, &self->req, sizeof(self->req)), 0);
	ASSERT_EQ(td_next(other, &other_task), 1);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base)), 0);
	EXPECT_EQ(base.pid, 1);
	EXPECT_EQ(td_group(other_task, TASK_DIAG_BASE, &base, sizeof(base)), 0);
	EXPECT_EQ(base.pid, 2);
	EXPECT_EQ(next(self), 0);
	td_close(other);
}

/* --- limits -------------------------------------------------------------- */

static void answer_with_much(size_t nr)
{
	static const char bytes[30000];
	struct task_diag_base base = { .pid = 1 };
	size_t i;

	answer();
	fake_task(1);
	fake_put(TASK_DIAG_BASE, &base, sizeof(base));
	fake_put(TASK_DIAG_NS, "before", 6);
	for (i = 0; i < nr; i++) {
		fake_put(TASK_DIAG_ENVIRON, bytes, sizeof(bytes));
		fake_flag(TASK_DIAG_MORE);
		fake_datagram();
		fake_task(1);
	}
	fake_put(TASK_DIAG_NS, "after", 5);
	fake_put(TASK_DIAG_EXE, "/x", 2);
	fake_done(0, NULL);
}

TEST_F(td, a_group_that_is_too_long_is_left_out_alone)
{
	struct task_diag_base base;
	struct td_item item = {};
	const char *data;
	size_t len;

	td_set_limit(self->td, 100000);
	answer_with_much(3);
	answer_with_much(50);
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_ENVIRON, &data, &len), 0);
	EXPECT_EQ(len, 90000);
	EXPECT_EQ(next(self), 0);

	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_ENVIRON, &data, &len), -E2BIG);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base)), 0);
	EXPECT_EQ(base.pid, 1);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_EXE, &data, &len), 0);
	EXPECT_EQ(td_item(self->task, TASK_DIAG_NS, &item, NULL, 0), 1);
	EXPECT_EQ(memcmp(item.data, "before", item.len), 0);
	EXPECT_EQ(td_item(self->task, TASK_DIAG_NS, &item, NULL, 0), 1);
	EXPECT_EQ(memcmp(item.data, "after", item.len), 0);
	EXPECT_EQ(td_item(self->task, TASK_DIAG_NS, &item, NULL, 0), 0);
	EXPECT_EQ(next(self), 0);
}

TEST_F(td, no_memory_for_a_group)
{
	struct task_diag_base base;
	const char *data;
	size_t len;

	answer_with_much(3);
	answer();
	fake_task(1);
	ASSERT_EQ(dump(self), 0);
	fake_no_memory = true;
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_BASE, &base, sizeof(base)), -ENOMEM);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_ENVIRON, &data, &len), -ENOMEM);
	EXPECT_EQ(next(self), 0);
	fake_no_memory = false;
}

/* Alternating pieces are moved to the end each time. */
TEST_F(td, two_groups_in_turn_up_to_the_limit)
{
	static const char bytes[4000];
	const char *data;
	size_t len;
	int i;

	td_set_limit(self->td, 50000);
	answer();
	for (i = 0; i < 20; i++) {
		fake_task(1);
		fake_put(TASK_DIAG_CMDLINE, bytes, sizeof(bytes));
		fake_put(TASK_DIAG_EXE, bytes, 10);
		if (i < 19)
			fake_flag(TASK_DIAG_MORE);
		fake_datagram();
	}
	DUMP_ONE();
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CMDLINE, &data, &len), -E2BIG);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_EXE, &data, &len), 0);
	EXPECT_EQ(len, 200);
}

/* Memory that few tasks need is not kept, which leaks() does not check. */
TEST_F(td, a_large_task_between_small_ones)
{
	const char *data;
	size_t len;
	int i;

	for (i = 0; i < 2; i++) {
		answer_with_much(100);
		answer_with((__u32[]){ 1, 0 });
		ASSERT_EQ(dump(self), 0);
		ASSERT_EQ(next(self), 1);
		EXPECT_EQ(td_bytes(self->task, TASK_DIAG_ENVIRON, &data, &len), 0);
		EXPECT_EQ(len, 3000000);
		ASSERT_EQ(dump(self), 0);
		ASSERT_EQ(next(self), 1);
	}
}

TEST_F(td, a_limit_may_become_smaller)
{
	const char *data;
	size_t len;

	answer_with_much(3);
	answer_with_much(3);
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	td_set_limit(self->td, 50000);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_ENVIRON, &data, &len), 0);
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(next(self), 1);
	EXPECT_EQ(td_bytes(self->task, TASK_DIAG_ENVIRON, &data, &len), -E2BIG);
}

/* --- events -------------------------------------------------------------- */

static int event(FIXTURE_DATA(td) *self)
{
	return td_event(self->td, &self->task, 0);
}

/* An event of this type; task @pid has the id 100 + @pid */
static void put_event(__u32 type, __u32 pid)
{
	struct task_diag_event info = {
		.type = type,
		.id = 100 + pid,
		.tgid = pid,
	};

	fake_event(pid, &info);
}

static bool is_event(const struct td_task *task, __u32 type, __u32 pid)
{
	struct task_diag_event info;

	return !td_group(task, TASK_DIAG_EVENT, &info, sizeof(info)) &&
	       td_pid(task) == pid && info.type == type &&
	       info.id == 100 + pid && info.tgid == pid;
}

#define EXPECT_EVENT(type, pid) do {					\
	ASSERT_EQ(event(self), 1) TH_LOG("%s", td_error(self->td));	\
	EXPECT_TRUE(is_event(self->task, TASK_DIAG_EVENT_##type, pid));	\
} while (0)

TEST_F(td, subscription_is_what_the_caller_says)
{
	const struct nlmsghdr *nlh = (const void *)fake_request;
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);

	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 1000), 0);
	SUBSCRIBE();
	EXPECT_EQ(nlh->nlmsg_type, FAKE_FAMILY);
	EXPECT_EQ(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	EXPECT_EQ(genl->cmd, TASK_DIAG_CMD_SUBSCRIBE);
	EXPECT_TRUE(asked(TASK_DIAG_REQUEST, &self->req, sizeof(self->req)));
	EXPECT_TRUE(asked(TASK_DIAG_EVENTS, &(__u32){ 8 }, 4));
	EXPECT_TRUE(asked(TASK_DIAG_SELECT_UID, &(__u32){ 1000 }, 4));
	EXPECT_GE(td_fd(self->td), 0);

	answer_with((__u32[]){ 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(request_attr(TASK_DIAG_EVENTS), NULL);
	EXPECT_EQ(request_attr(TASK_DIAG_SELECT_UID), NULL);
}

TEST_F(td, subscription_that_is_refused)
{
	fake_answer();
	fake_error(-EOPNOTSUPP, "no events with VMA");
	EXPECT_EQ(subscribe(self), -EOPNOTSUPP);
	EXPECT_NE(strstr(td_error(self->td), "no events with VMA"), NULL);
	EXPECT_EQ(td_fd(self->td), -1);
	EXPECT_EQ(event(self), -ENOTCONN);
	EXPECT_EQ(self->task, NULL);
	EXPECT_EQ(strncmp(td_error(self->td), "no subscription: ", 17), 0);
	SUBSCRIBE();
	EXPECT_EQ(fake_sockets, 1);
}

TEST_F(td, no_subscription_without_a_selection_that_failed)
{
	const unsigned int requests = fake_requests;

	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 1), 0);
	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 2), -EEXIST);
	EXPECT_EQ(subscribe(self), -EEXIST);
	EXPECT_EQ(fake_requests, requests);
	EXPECT_EQ(td_subscribe(self->td, &self->req, 257, 8), -E2BIG);
	EXPECT_EQ(event(self), -ENOTCONN);
	SUBSCRIBE();
	EXPECT_EQ(request_attr(TASK_DIAG_SELECT_UID), NULL);
}

TEST_F(td, subscription_to_a_kernel_that_has_none)
{
	td_close(self->td);
	fake_start_old();
	ASSERT_EQ(td_open(&self->td), 0);
	EXPECT_EQ(subscribe(self), -EOPNOTSUPP);
	EXPECT_NE(strstr(td_error(self->td), "this kernel has no subscriptions"),
		  NULL);
	EXPECT_EQ(fake_requests, 2);
	answer_with((__u32[]){ 1, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
}

TEST_F(td, subscription_whose_acknowledgment_is_lost)
{
	fake_answer();
	fake_errno(ENOBUFS);
	EXPECT_EQ(subscribe(self), -ENOBUFS);
	EXPECT_EQ(event(self), -ENOTCONN);
	SUBSCRIBE();
	EXPECT_EQ(fake_sockets, 2);
}

TEST_F(td, subscription_without_memory)
{
	acknowledge();
	fake_no_memory = true;
	EXPECT_EQ(subscribe(self), -ENOMEM);
	fake_no_memory = false;
	SUBSCRIBE();
	EXPECT_EQ(event(self), -EAGAIN);
}

TEST_F(td, events_follow_the_acknowledgment)
{
	fake_answer();
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	put_event(TASK_DIAG_EVENT_EXIT, 2);
	fake_datagram();
	fake_error(0, NULL);
	put_event(TASK_DIAG_EVENT_EXIT, 3);
	ASSERT_EQ(subscribe(self), 0);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_FORK, 4);
	put_event(TASK_DIAG_EVENT_EXEC, 5);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_CRED, 6);
	EXPECT_EVENT(EXIT, 3);
	EXPECT_EVENT(FORK, 4);
	EXPECT_EVENT(EXEC, 5);
	EXPECT_EVENT(CRED, 6);
	EXPECT_EQ(event(self), -EAGAIN);
	EXPECT_EQ(self->task, NULL);
	EXPECT_EQ(event(self), -EAGAIN);
	EXPECT_EQ(fake_timeout, 0);
}

TEST_F(td, an_event_has_groups_and_errors)
{
	struct task_diag_event info = {
		.type = TASK_DIAG_EVENT_EXIT,
		.flags = TASK_DIAG_EVENT_LAST,
		.id = 0x1122334455667788ULL,
		.exit_signal = -1,
	}, got;
	struct task_diag_times times = { .utime = 11 }, got_times;
	const char *data;
	struct td_task *copy;
	int i;
	size_t len;

	SUBSCRIBE();
	fake_event_datagram();
	/* u64 at odd multiples of 4: in place and, with an error, as a copy */
	for (i = 0; i < 2; i++) {
		fake_event(5, NULL);
		fake_put(TASK_DIAG_NAME, "x", 1);
		if (i)
			fake_group_error(TASK_DIAG_ENVIRON, -EMSGSIZE);
		fake_put(TASK_DIAG_EVENT, &info, sizeof(info));
		fake_put(TASK_DIAG_CMDLINE, "a\0b", 4);
		fake_put(TASK_DIAG_TIMES, &times, sizeof(times));
		fake_process(TASK_DIAG_TIMES, &times, sizeof(times));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(event(self), 1);
		EXPECT_EQ(td_pid(self->task), 5);
		EXPECT_EQ(td_group(self->task, TASK_DIAG_EVENT, &got, sizeof(got)), 0);
		EXPECT_EQ(memcmp(&got, &info, sizeof(got)), 0);
		EXPECT_EQ(td_bytes(self->task, TASK_DIAG_EVENT, &data, &len), 0);
		EXPECT_EQ(len, sizeof(info));
		EXPECT_EQ(td_group(self->task, 0, NULL, 0), -EINVAL);
		EXPECT_EQ(td_group(self->task, TASK_DIAG_ENVIRON, NULL, 0),
			  i ? -EMSGSIZE : -ENODATA);
		EXPECT_EQ(td_bytes(self->task, TASK_DIAG_CMDLINE, &data, &len), 0);
		EXPECT_EQ(len, 4);
		EXPECT_EQ(td_group(td_process(self->task), TASK_DIAG_TIMES,
				   &got_times, sizeof(got_times)), 0);
		EXPECT_EQ(got_times.utime, 11);
		copy = td_task_dup(self->task);
		ASSERT_NE(copy, NULL);
		EXPECT_EQ(read_task(copy), read_task(self->task));
		td_task_free(copy);
	}
}

TEST_F(td, a_task_of_a_dump_has_no_event)
{
	answer();
	fake_task(1);
	fake_put(0, "nothing", 7);
	fake_group_error(0, -EAGAIN);
	DUMP_ONE();
	EXPECT_EQ(td_group(self->task, TASK_DIAG_EVENT, NULL, 0), -ENODATA);
	EXPECT_EQ(td_group(self->task, 0, NULL, 0), -EINVAL);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_PID, NULL, 0), -EINVAL);
}

TEST_F(td, events_of_other_lengths)
{
	struct {
		struct task_diag_event event;
		char later[8];
	} info = {
		.event = { .type = TASK_DIAG_EVENT_EXIT, .id = 3, .exit_code = 9 },
		.later = "later",
	};
	struct task_diag_event got;

	SUBSCRIBE();
	fake_event_datagram();
	fake_event(1, NULL);
	fake_put(TASK_DIAG_EVENT, &info, sizeof(info));
	fake_event(2, NULL);
	fake_put(TASK_DIAG_EVENT, &info, offsetof(struct task_diag_event, time));
	ASSERT_EQ(event(self), 1);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_EVENT, &got, sizeof(got)), 0);
	EXPECT_EQ(memcmp(&got, &info, sizeof(got)), 0);
	ASSERT_EQ(event(self), 1);
	EXPECT_EQ(td_group(self->task, TASK_DIAG_EVENT, &got, sizeof(got)), 0);
	EXPECT_EQ(got.type, TASK_DIAG_EVENT_EXIT);
	EXPECT_EQ(got.id, 0);
	EXPECT_EQ(got.exit_code, 0);
}

TEST_F(td, events_and_a_dump_do_not_mix)
{
	const struct td_task *task;

	SUBSCRIBE();
	answer();
	fake_task(1);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_FORK, 7);
	put_event(TASK_DIAG_EVENT_EXIT, 8);
	fake_datagram();
	fake_task(2);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 7);
	fake_datagram();
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	ASSERT_EQ(td_next(self->td, &task), 1);
	EXPECT_EVENT(FORK, 7);
	EXPECT_EQ(td_pid(task), 1);
	ASSERT_EQ(td_next(self->td, &task), 1);
	EXPECT_TRUE(is_event(self->task, TASK_DIAG_EVENT_FORK, 7));
	EXPECT_EVENT(EXIT, 8);
	EXPECT_EVENT(EXIT, 7);
	EXPECT_EQ(td_pid(task), 2);
	EXPECT_EQ(td_next(self->td, &task), 0);
	EXPECT_EQ(event(self), -EAGAIN);
	EXPECT_EQ(td_next(self->td, &task), 0);
}

TEST_F(td, a_subscription_outlives_answers)
{
	SUBSCRIBE();
	answer();
	fake_task(1);
	fake_datagram();
	fake_errno(ENOBUFS);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(next(self), -ENOBUFS);
	answer();
	fake_task(1);
	fake_datagram();
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	td_stop(self->td);
	answer_with((__u32[]){ 2, 0 });
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), 1);
	EXPECT_EQ(fake_sockets, 4);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	EXPECT_EVENT(EXIT, 1);
}

TEST_F(td, one_subscription_ends_the_other)
{
	SUBSCRIBE();
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	put_event(TASK_DIAG_EVENT_EXIT, 2);
	EXPECT_EVENT(EXIT, 1);
	SUBSCRIBE();
	EXPECT_EQ(event(self), -EAGAIN);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 3);
	EXPECT_EVENT(EXIT, 3);
}

TEST_F(td, lost_events_are_told_and_others_follow)
{
	struct task_diag_event info = { .type = TASK_DIAG_EVENT_EXIT, .lost = 5 };

	SUBSCRIBE();
	fake_event_datagram();
	fake_errno(ENOBUFS);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	fake_event_datagram();
	fake_event(2, &info);
	EXPECT_EQ(event(self), -ENOBUFS);
	EXPECT_EQ(self->task, NULL);
	EXPECT_NE(strstr(td_error(self->td), "lost"), NULL);
	EXPECT_EVENT(EXIT, 1);
	ASSERT_EQ(event(self), 1);
	info.lost = 0;
	EXPECT_EQ(td_group(self->task, TASK_DIAG_EVENT, &info, sizeof(info)), 0);
	EXPECT_EQ(info.lost, 5);
	EXPECT_EQ(event(self), -EAGAIN);
}

TEST_F(td, cut_events_are_lost_and_the_next_ones_fit)
{
	static const char name[40000];
	int i;

	SUBSCRIBE();
	for (i = 0; i < 2; i++) {
		fake_event_datagram();
		put_event(TASK_DIAG_EVENT_EXIT, 1);
		fake_put(TASK_DIAG_NAME, name, sizeof(name));
	}
	EXPECT_EQ(event(self), -ENOBUFS);
	EXPECT_EVENT(EXIT, 1);
}

TEST_F(td, the_end_of_a_subscription_follows_its_events)
{
	SUBSCRIBE();
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	fake_event_datagram();
	fake_errno(EPERM);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 2);
	EXPECT_EVENT(EXIT, 1);
	EXPECT_EVENT(EXIT, 2);
	EXPECT_EQ(event(self), -EPERM);
	EXPECT_NE(strstr(td_error(self->td), "has ended"), NULL);
	EXPECT_EQ(td_event(self->td, &self->task, -1), -EPERM);
	EXPECT_EQ(fake_timeout, 0);
	fake_event_datagram();
	fake_errno(EPERM);
	EXPECT_EQ(event(self), -EPERM);
	SUBSCRIBE();
	EXPECT_EQ(event(self), -EAGAIN);
}

TEST_F(td, an_error_of_the_socket)
{
	SUBSCRIBE();
	fake_event_datagram();
	fake_errno(EINTR);
	fake_event_datagram();
	fake_errno(EFAULT);
	EXPECT_EQ(event(self), -EFAULT);
	EXPECT_NE(strstr(td_error(self->td), "cannot receive"), NULL);
	EXPECT_EQ(event(self), -EAGAIN);
}

TEST_F(td, waiting_for_an_event)
{
	SUBSCRIBE();
	EXPECT_EQ(td_event(self->td, &self->task, 50), -EAGAIN);
	EXPECT_EQ(fake_timeout, 50);
	/* From somebody else */
	fake_event_datagram();
	fake_from(77);
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	EXPECT_EQ(td_event(self->td, &self->task, -1), -EINTR);
	EXPECT_EQ(fake_timeout, -1);
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 2);
	fake_timeout = 0;
	EXPECT_EQ(td_event(self->td, &self->task, -1), 1);
	EXPECT_EQ(fake_timeout, 0);
}

TEST_F(td, other_messages_are_no_events)
{
	const struct nlmsghdr stale = {
		.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
		.nlmsg_type = FAKE_FAMILY,
		.nlmsg_seq = 77777,
	};
	const struct genlmsghdr genl = { .cmd = TASK_DIAG_CMD_EVENT };

	SUBSCRIBE();
	fake_event_datagram();
	fake_raw(&stale, sizeof(stale));
	fake_raw(&genl, sizeof(genl));
	fake_task(1);
	fake_message(FAKE_FAMILY + 1, 0, TASK_DIAG_CMD_EVENT);
	fake_error(-EINVAL, "later");
	fake_done(0, NULL);
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	EXPECT_EVENT(EXIT, 1);
	EXPECT_EQ(event(self), -EAGAIN);
}

TEST_F(td, events_that_make_no_sense)
{
	const struct nlmsghdr bad[] = {
		{ .nlmsg_len = 3, .nlmsg_type = FAKE_FAMILY },
		{ .nlmsg_len = 17, .nlmsg_type = FAKE_FAMILY },
		{ .nlmsg_len = 0xffffffff, .nlmsg_type = FAKE_FAMILY },
	};
	size_t i;

	SUBSCRIBE();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fake_event_datagram();
		fake_raw(&bad[i], sizeof(bad[i]));
		EXPECT_EQ(event(self), -EBADMSG) TH_LOG("%zu", i);
		EXPECT_EQ(event(self), -EAGAIN);
	}
	fake_event_datagram();
	EXPECT_EQ(event(self), -EBADMSG);
	fake_event_datagram();
	fake_raw("x", 1);
	EXPECT_EQ(event(self), -EBADMSG);
	/* The events after it in the same datagram are read. */
	fake_event_datagram();
	fake_event(1, NULL);
	put_event(TASK_DIAG_EVENT_EXIT, 0);
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	fake_flag(TASK_DIAG_MORE);
	fake_message(FAKE_FAMILY, 0, TASK_DIAG_CMD_EVENT);
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(event(self), -EBADMSG);
		EXPECT_EQ(self->task, NULL);
	}
	EXPECT_EVENT(EXIT, 1);
}

TEST_F(td, no_memory_for_an_event)
{
	SUBSCRIBE();
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	fake_group_error(TASK_DIAG_ENVIRON, -EMSGSIZE);
	put_event(TASK_DIAG_EVENT_EXIT, 2);
	fake_no_memory = true;
	EXPECT_EQ(event(self), -ENOMEM);
	EXPECT_EVENT(EXIT, 2);
	fake_no_memory = false;
}

TEST_F(td, no_subscription_yet)
{
	EXPECT_EQ(event(self), -ENOTCONN);
	EXPECT_EQ(td_fd(self->td), -1);
}

/* As in its parent: td_dump() and td_stop() leave the event alone. */
TEST_F(td, a_child_keeps_the_last_event)
{
	const struct td_task *last;
	pid_t child;
	int status;

	SUBSCRIBE();
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	answer_with((__u32[]){ 7, 0 });
	EXPECT_EVENT(EXIT, 1);
	last = self->task;
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		if (dump(self) || next(self) != 1 ||
		    !is_event(last, TASK_DIAG_EVENT_EXIT, 1))
			_exit(1);
		td_stop(self->td);
		if (td_fd(self->td) != -1 || !is_event(last, TASK_DIAG_EVENT_EXIT, 1))
			_exit(2);
		/* Nothing is freed twice, or not at all. */
		SUBSCRIBE();
		td_close(self->td);
		_exit(leaks() ? 3 : 0);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

TEST_F(td, a_child_has_no_subscription)
{
	pid_t child;
	int i, status;

	SUBSCRIBE();
	fake_event_datagram();
	put_event(TASK_DIAG_EVENT_EXIT, 1);
	put_event(TASK_DIAG_EVENT_EXIT, 2);
	answer_with((__u32[]){ 7, 0 });
	EXPECT_EVENT(EXIT, 1);
	for (i = 0; i < 2; i++) {
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			if (i && (event(self) != -EPERM || fake_received != 4))
				_exit(1);
			if (dump(self) || next(self) != 1 || td_pid(self->task) != 7)
				_exit(2);
			/* The same after a request opened the child a socket */
			_exit(event(self) == -EPERM && td_fd(self->td) < 0 ? 0 : 3);
		}
		ASSERT_EQ(waitpid(child, &status, 0), child);
		EXPECT_EQ(status, 0);
	}
	EXPECT_EVENT(EXIT, 2);
}

/* --- mirrors ------------------------------------------------------------- */

FIXTURE(mirror)
{
	struct td_handle *td;
	struct td_mirror *mirror;
};

FIXTURE_SETUP(mirror)
{
	fake_start();
	ASSERT_EQ(td_open(&self->td), 0);
	self->mirror = NULL;
}

FIXTURE_TEARDOWN(mirror)
{
	td_mirror_close(self->mirror);
	td_close(self->td);
	self->mirror = NULL;
	self->td = NULL;
	EXPECT_EQ(leaks(), 0);
}

static void put_base(__u64 id, const char *name, char state)
{
	struct task_diag_base base = { .pid = id, .id = id, .state = state };

	memcpy(base.comm, name, strlen(name));
	fake_put(TASK_DIAG_BASE, &base, sizeof(base));
}

static void put_dumped(__u64 id, const char *name)
{
	fake_task(id);
	put_base(id, name, 'S');
}

/* A task of a process with @nr_threads, in a state that is Z if it has ended */
static void put_thread(__u64 id, char state, __u32 nr_threads)
{
	struct task_diag_sched sched = { .nr_threads = nr_threads };

	fake_task(id);
	put_base(id, "thread", state);
	fake_put(TASK_DIAG_SCHED, &sched, sizeof(sched));
}

/* A task that the kernel lost while it read its groups */
static void put_unknown(__u64 id, int err)
{
	fake_task(id);
	put_base(id, "unknown", 'R');
	fake_group_error(TASK_DIAG_SCHED, err);
}

static void put_change(__u32 type, __u64 id, __u64 old_id, const char *name)
{
	struct task_diag_event info = { .type = type, .id = id, .old_id = old_id };

	fake_event_datagram();
	fake_event(id, &info);
	put_base(id, name, 'R');
}

static void put_fork(__u64 id)
{
	put_change(TASK_DIAG_EVENT_FORK, id, 0, "fork");
}

static void put_exit(__u64 id)
{
	put_change(TASK_DIAG_EVENT_EXIT, id, 0, "exit");
}

static void put_loss(__u64 id, __u64 lost)
{
	struct task_diag_event info = {
		.type = TASK_DIAG_EVENT_FORK,
		.id = id,
		.lost = lost,
	};

	fake_event_datagram();
	fake_event(id, &info);
	put_base(id, "loss", 'R');
}

static int open_mirror(FIXTURE_DATA(mirror) *self, __u64 strategy)
{
	return td_mirror_open(&self->mirror, self->td, strategy);
}

/* Whether it has these tasks, up to 0, and no others */
static bool mirror_has(FIXTURE_DATA(mirror) *self, const __u64 *ids)
{
	struct task_diag_base base = {};
	size_t nr = 0;

	for (; *ids; ids++, nr++) {
		if (td_mirror_find(self->mirror, *ids, &base, sizeof(base)) ||
		    base.id != *ids || base.pid != *ids)
			return false;
	}
	base.id = 0;
	while (td_mirror_next(self->mirror, base.id, &base, sizeof(base)))
		nr--;
	return !nr;
}

#define EXPECT_HAS(...)	\
	EXPECT_TRUE(mirror_has(self, (const __u64[]){ __VA_ARGS__, 0 }))
#define EXPECT_HAS_NOTHING()	\
	EXPECT_TRUE(mirror_has(self, (const __u64[]){ 0 }))

static bool is_named(FIXTURE_DATA(mirror) *self, __u64 id, const char *name)
{
	struct task_diag_base base;

	return !td_mirror_find(self->mirror, id, &base, sizeof(base)) &&
	       !strcmp((const char *)base.comm, name);
}

#define OPEN_MIRROR(strategy)	\
	ASSERT_EQ(open_mirror(self, TASK_DIAG_DUMP_##strategy), 0)

static void answer_with_two(void)
{
	answer();
	put_dumped(1, "one");
	put_dumped(2, "two");
	fake_done(0, NULL);
}

/* A mirror with the tasks 1 and 2 */
#define OPEN_SMALL_MIRROR(strategy) do {				\
	acknowledge();							\
	answer_with_two();						\
	OPEN_MIRROR(strategy);						\
} while (0)

static int update(FIXTURE_DATA(mirror) *self)
{
	return td_mirror_update(self->mirror, 0);
}

TEST_F(mirror, events_change_it)
{
	OPEN_SMALL_MIRROR(ALL);
	EXPECT_HAS(1, 2);
	put_fork(4097);
	put_fork(8193);
	put_exit(2);
	/* A task that it could not see, and one that it does not know */
	put_change(TASK_DIAG_EVENT_CRED, 5, 0, "cred");
	put_exit(77);
	put_change(TASK_DIAG_EVENT_COMM, 1, 0, "other");
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1, 5, 4097, 8193);
	EXPECT_TRUE(is_named(self, 1, "other"));
	put_exit(4097);
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1, 5, 8193);
	EXPECT_EQ(td_mirror_lost(self->mirror), 0);
	EXPECT_EQ(td_mirror_update(self->mirror, 70), 0);
	EXPECT_EQ(fake_timeout, 70);
}

TEST_F(mirror, tasks_are_copied)
{
	struct {
		struct task_diag_base base;
		char later[8];
	} longer;
	struct task_diag_base base;

	OPEN_SMALL_MIRROR(ALL);
	memset(&longer, 0xff, sizeof(longer));
	EXPECT_EQ(td_mirror_find(self->mirror, 2, &longer.base, sizeof(longer)), 0);
	EXPECT_EQ(longer.base.id, 2);
	EXPECT_EQ(longer.later[7], 0);
	memset(&base, 0xff, sizeof(base));
	EXPECT_EQ(td_mirror_next(self->mirror, 1, &base, 8), 1);
	EXPECT_EQ(base.pid, 2);
	EXPECT_EQ(base.ppid, 0xffffffff);
	EXPECT_EQ(td_mirror_find(self->mirror, 3, &base, sizeof(base)), -ESRCH);
	EXPECT_EQ(base.id, 0);
	base.id = 2;
	EXPECT_EQ(td_mirror_next(self->mirror, 2, &base, sizeof(base)), 0);
	EXPECT_EQ(base.id, 0);
	EXPECT_EQ(td_mirror_find(self->mirror, 1, NULL, 0), 0);
}

/* Also if tasks end in between, and in any order of their FORKs */
TEST_F(mirror, tasks_follow_each_other)
{
	const __u64 ids[] = { 4097, 20481, 3, 4099 };
	struct task_diag_base base = {};
	size_t i;

	OPEN_SMALL_MIRROR(ALL);
	put_exit(2);
	put_fork(20481);
	put_fork(4097);
	put_fork(8193);
	put_fork(4099);
	put_fork(3);
	EXPECT_EQ(update(self), 0);
	EXPECT_EQ(td_mirror_next(self->mirror, 0, &base, sizeof(base)), 1);
	EXPECT_EQ(base.id, 1);
	put_exit(1);
	put_exit(8193);
	EXPECT_EQ(update(self), 0);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(td_mirror_next(self->mirror, base.id, &base,
					 sizeof(base)), 1);
		EXPECT_EQ(base.id, ids[i]);
	}
	EXPECT_EQ(td_mirror_next(self->mirror, base.id, &base, sizeof(base)), 0);
	/* None of these is there. */
	EXPECT_EQ(td_mirror_next(self->mirror, 8193, &base, sizeof(base)), 1);
	EXPECT_EQ(base.id, 20481);
	EXPECT_EQ(td_mirror_next(self->mirror, 2, &base, sizeof(base)), 1);
	EXPECT_EQ(base.id, 3);
	EXPECT_EQ(td_mirror_next(self->mirror, 4095, &base, sizeof(base)), 0);
}

TEST_F(mirror, events_during_a_dump_are_right)
{
	acknowledge();
	answer();
	put_dumped(11, "gone soon");
	put_dumped(12, "gone soon");
	put_dumped(14, "old");
	fake_event_datagram();
	fake_errno(EINTR);
	put_fork(10);
	put_exit(11);
	put_exit(12);
	put_exit(13);
	put_change(TASK_DIAG_EVENT_COMM, 14, 0, "new");
	put_change(TASK_DIAG_EVENT_COMM, 15, 0, "new");
	put_fork(16);
	put_exit(16);
	fake_datagram();
	put_dumped(13, "gone before");
	put_dumped(15, "old");
	put_dumped(16, "short");
	put_dumped(17, "stays");
	fake_done(0, NULL);
	OPEN_MIRROR(ALL);
	EXPECT_HAS(10, 14, 15, 17);
	EXPECT_TRUE(is_named(self, 14, "new"));
	EXPECT_TRUE(is_named(self, 15, "new"));
}

TEST_F(mirror, ids_are_remembered_no_longer_than_a_dump)
{
	acknowledge();
	answer();
	put_dumped(4, "four");
	put_exit(5);
	fake_datagram();
	put_dumped(5, "five");
	fake_done(0, NULL);
	OPEN_MIRROR(ALL);
	EXPECT_HAS(4);
	/* No kernel does this: it shows that the mirror keeps nothing. */
	put_fork(5);
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(4, 5);
}

/* A thread other than the leader calls exec: before, during and after a dump. */
TEST_F(mirror, exec_takes_over_an_id)
{
	OPEN_SMALL_MIRROR(ALL_THREAD);
	put_exit(1);
	put_change(TASK_DIAG_EVENT_EXEC, 1, 2, "exec");
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1);
	EXPECT_TRUE(is_named(self, 1, "exec"));

	answer();
	put_dumped(1, "before");
	put_dumped(3, "thread");
	put_exit(1);
	put_change(TASK_DIAG_EVENT_EXEC, 1, 3, "exec");
	put_fork(4);
	put_exit(4);
	/* Not the name of another thread */
	put_change(TASK_DIAG_EVENT_EXEC, 4, 4, "dead");
	fake_datagram();
	put_dumped(1, "old");
	put_dumped(3, "thread");
	fake_done(0, NULL);
	EXPECT_EQ(td_mirror_dump(self->mirror), 0);
	EXPECT_HAS(1);
	EXPECT_TRUE(is_named(self, 1, "exec"));
	put_exit(1);
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS_NOTHING();
}

/* Another thread may have set it between its last event and its end. */
TEST_F(mirror, name_of_an_ended_thread_does_not_bring_it_back)
{
	OPEN_SMALL_MIRROR(ALL_THREAD);
	put_exit(2);
	put_change(TASK_DIAG_EVENT_COMM, 2, 0, "late");
	answer();
	put_dumped(1, "one");
	put_dumped(3, "was hidden");
	fake_done(0, NULL);
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1, 3);
}

/* Its EXIT comes before the dump, or was lost, and the name during the dump. */
TEST_F(mirror, name_during_a_dump_does_not_bring_a_thread_back)
{
	int i;

	OPEN_SMALL_MIRROR(ALL_THREAD);
	for (i = 0; i < 2; i++) {
		if (i)
			put_loss(7, 1);
		else
			put_exit(2);
		answer();
		put_dumped(1, "one");
		put_change(TASK_DIAG_EVENT_COMM, 2, 0, "late");
		/* Not the dump, but FORK shows that it lives. */
		put_fork(5 + i);
		put_change(TASK_DIAG_EVENT_COMM, 5 + i, 0, "new");
		fake_datagram();
		fake_done(0, NULL);
		EXPECT_EQ(i ? update(self) : td_mirror_dump(self->mirror), 1);
		EXPECT_HAS(1, 5 + i);
		EXPECT_TRUE(is_named(self, 5 + i, "new"));
		answer_with_two();
		EXPECT_EQ(update(self), 0);
		EXPECT_HAS(1, 2);
	}
	/* The dump shows that it lives, before or after its name does. */
	answer();
	put_dumped(1, "old");
	fake_event_datagram();
	fake_errno(EINTR);
	put_change(TASK_DIAG_EVENT_COMM, 1, 0, "new");
	put_change(TASK_DIAG_EVENT_COMM, 2, 0, "new");
	put_change(TASK_DIAG_EVENT_COMM, 3, 0, "new");
	fake_datagram();
	put_dumped(2, "old");
	put_dumped(3, "old");
	fake_done(0, NULL);
	EXPECT_EQ(td_mirror_dump(self->mirror), 0);
	EXPECT_HAS(1, 2, 3);
	EXPECT_TRUE(is_named(self, 3, "new"));
}

TEST_F(mirror, has_no_dead)
{
	struct task_diag_sched sched = { .nr_threads = 1, .flags = 4 };	/* PF_EXITING */
	struct task_diag_event info = { .type = TASK_DIAG_EVENT_COMM, .id = 9 };

	acknowledge();
	answer();
	put_thread(1, 'Z', 1);
	fake_task(2);
	put_base(2, "dead", 'X');
	put_dumped(3, "lives");
	fake_task(4);
	put_base(4, "ending", 'R');
	fake_put(TASK_DIAG_SCHED, &sched, sizeof(sched));
	fake_done(0, NULL);
	OPEN_MIRROR(ALL);
	EXPECT_HAS(3);
	/* Another thread of its process named the leader, which has ended. */
	fake_event_datagram();
	fake_event(9, &info);
	put_base(9, "named", 'Z');
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(3, 9);
	td_mirror_close(self->mirror);

	acknowledge();
	answer();
	put_thread(3, 'Z', 2);
	put_dumped(4, "thread");
	fake_done(0, NULL);
	OPEN_MIRROR(ALL_THREAD);
	EXPECT_HAS(4);
	fake_event_datagram();
	fake_event(9, &info);
	put_base(9, "named", 'Z');
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(4);
}

/* SCHED, which tells whether a task is ending, may be what could not be read. */
TEST_F(mirror, a_task_that_may_be_ending_is_for_the_next_dump)
{
	const int errors[] = { -ESRCH, -EAGAIN };
	int i;

	for (i = 0; i < 2; i++) {
		td_mirror_close(self->mirror);
		OPEN_SMALL_MIRROR(ALL_THREAD);
		put_exit(2);
		answer();
		put_unknown(1, errors[i]);
		put_unknown(2, errors[i]);
		put_change(TASK_DIAG_EVENT_COMM, 3, 0, "late");
		fake_datagram();
		put_unknown(3, errors[i]);
		fake_done(0, NULL);
		EXPECT_EQ(td_mirror_dump(self->mirror), 1);
		/* No EXIT of 1 has come, so it has not ended before the dump. */
		EXPECT_HAS(1);
		answer();
		put_dumped(2, "two");
		fake_done(0, NULL);
		EXPECT_EQ(update(self), 0);
		EXPECT_HAS(2);
	}
}

/* An answer about the threads of the process 3 that are in these states */
static void answer_with_threads(const char *states, __u32 nr_threads)
{
	__u64 id = 3;

	answer();
	for (; *states; states++)
		put_thread(id++, *states, nr_threads);
	fake_done(0, NULL);
}

/* The dump has the process 3, whose leader has ended and which counts 2 threads. */
#define DUMP_LEADERLESS(...) do {					\
	answer();							\
	put_dumped(1, "one");						\
	put_thread(3, 'Z', 2);						\
	fake_done(0, NULL);						\
	__VA_ARGS__;							\
	EXPECT_EQ(td_mirror_dump(self->mirror), 0);			\
} while (0)

TEST_F(mirror, a_process_without_its_leader_lives_on_in_a_thread)
{
	const struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_SCHED,
		.dump_strategy = TASK_DIAG_DUMP_THREAD,
		.pid = 3,
		.id = 3,
	};

	OPEN_SMALL_MIRROR(ALL);
	DUMP_LEADERLESS(answer_with_threads("ZS", 2));
	EXPECT_TRUE(asked(TASK_DIAG_REQUEST, &req, sizeof(req)));
	EXPECT_HAS(1, 3);
	/* Another thread of it is hidden from the caller. */
	DUMP_LEADERLESS(answer_with_threads("Z", 2); answer_with_threads("Z", 2));
	EXPECT_HAS(1, 3);
	/* A thread begins during the dumps, and lives on alone. */
	DUMP_LEADERLESS(answer_with_threads("ZZ", 2); answer_with_threads("ZZZ", 3);
			answer_with_threads("ZZS", 3));
	EXPECT_HAS(1, 3);
	/* So does another thread, but after the kernel noted which there are. */
	DUMP_LEADERLESS(answer_with_threads("ZZ", 3); answer_with_threads("ZZ", 3));
	EXPECT_HAS(1, 3);
	/* What EXIT reports during the dump needs no questions. */
	answer();
	put_thread(3, 'Z', 2);
	put_exit(3);
	fake_datagram();
	fake_done(0, NULL);
	EXPECT_EQ(td_mirror_dump(self->mirror), 0);
	EXPECT_HAS_NOTHING();
}

/* Ended threads count until their tracers have waited for them. */
TEST_F(mirror, a_process_whose_threads_have_all_ended_is_dead)
{
	int i;

	OPEN_SMALL_MIRROR(ALL);
	/* The process is new in the mirror, or its EXIT was lost. */
	for (i = 0; i < 2; i++) {
		DUMP_LEADERLESS(answer_with_threads("ZZ", 2);
				answer_with_threads("ZZ", 2));
		EXPECT_HAS(1);
		put_fork(3);
		EXPECT_EQ(update(self), 0);
	}
	/* Its tracer waits between the dumps, */
	DUMP_LEADERLESS(answer_with_threads("ZZ", 2); answer_with_threads("Z", 1);
			answer_with_threads("Z", 1));
	EXPECT_HAS(1);
	/* and then its parent does. */
	DUMP_LEADERLESS(answer_with_threads("ZZ", 2); fake_answer();
			fake_error(-ESRCH, "no such process"));
	EXPECT_HAS(1);
	EXPECT_EQ(update(self), 0);

	/* The answer is lost: the next dump decides. */
	answer();
	put_thread(3, 'Z', 2);
	fake_done(0, NULL);
	fake_answer();
	fake_errno(ENOBUFS);
	EXPECT_EQ(td_mirror_dump(self->mirror), 1);
	answer_with_two();
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1, 2);
}

TEST_F(mirror, lost_events_are_found_by_a_dump)
{
	OPEN_SMALL_MIRROR(ALL);
	put_fork(3);
	/* The ends of 3 and 2, and the start of 4, are lost. */
	put_loss(5, 3);
	answer();
	put_dumped(1, "one");
	put_dumped(4, "four");
	put_dumped(5, "five");
	fake_done(0, NULL);
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1, 4, 5);
	EXPECT_EQ(td_mirror_lost(self->mirror), 3);

	/* The error precedes older events, which do not override the dump. */
	fake_event_datagram();
	fake_errno(ENOBUFS);
	put_fork(6);
	put_fork(7);
	answer();
	put_dumped(1, "one");
	put_dumped(7, "seven");
	put_fork(8);
	fake_datagram();
	fake_done(0, NULL);
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1, 7, 8);
}

/* There is no event to wait for, so the caller has to know. */
TEST_F(mirror, events_that_a_dump_loses_are_found_by_the_next)
{
	acknowledge();
	answer();
	put_dumped(1, "one");
	put_loss(2, 1);
	fake_datagram();
	fake_done(0, NULL);
	EXPECT_EQ(open_mirror(self, TASK_DIAG_DUMP_ALL), 1);
	EXPECT_HAS(1, 2);
	answer();
	put_dumped(2, "two");
	fake_event_datagram();
	fake_errno(ENOBUFS);
	fake_datagram();
	fake_done(0, NULL);
	EXPECT_EQ(update(self), 1);
	EXPECT_HAS(2);
	answer();
	put_dumped(3, "three");
	put_loss(4, 1);
	fake_datagram();
	fake_done(0, NULL);
	EXPECT_EQ(td_mirror_dump(self->mirror), 1);
	EXPECT_HAS(3, 4);
	answer_with((__u32[]){ 0 });
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS_NOTHING();
	/* There is nothing else. */
	EXPECT_EQ(update(self), 0);
}

TEST_F(mirror, a_dump_that_fails_takes_nothing_away)
{
	OPEN_SMALL_MIRROR(ALL);
	answer();
	put_dumped(3, "three");
	put_exit(2);
	fake_datagram();
	fake_done(-EAGAIN, "busy");
	EXPECT_EQ(td_mirror_dump(self->mirror), -EAGAIN);
	EXPECT_HAS(1, 3);
	fake_answer();
	fake_error(-EPERM, "denied");
	EXPECT_EQ(update(self), -EPERM);
	EXPECT_HAS(1, 3);
	answer();
	put_dumped(4, "four");
	fake_done(0, NULL);
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(4);
}

TEST_F(mirror, a_task_that_became_hidden_is_found_by_a_dump)
{
	OPEN_SMALL_MIRROR(ALL);
	/* An event from before the dump does not override it. */
	put_fork(9);
	answer();
	put_dumped(2, "two");
	put_dumped(3, "visible now");
	fake_done(0, NULL);
	EXPECT_EQ(td_mirror_dump(self->mirror), 0);
	EXPECT_HAS(2, 3);
}

TEST_F(mirror, a_dump_drops_the_callers_answer)
{
	struct task_diag_pid req = {};
	const struct td_task *task;
	int i;

	OPEN_SMALL_MIRROR(ALL);
	for (i = 0; i < 3; i++) {
		answer();
		fake_task(1);
		if (i)
			put_loss(4, 1);
		else
			put_fork(3);
		fake_datagram();
		fake_task(2);
		fake_done(0, NULL);
		answer();
		put_dumped(1, "one");
		fake_datagram();
		fake_done(i == 1 ? 0 : -EAGAIN, NULL);
		ASSERT_EQ(td_dump(self->td, &req, sizeof(req)), 0);
		EXPECT_EQ(td_next(self->td, &task), 1);
		EXPECT_EQ(update(self), i < 2 ? 0 : -EAGAIN);
		if (!i) {
			/* It took no dump. */
			EXPECT_HAS(1, 2, 3);
			EXPECT_EQ(td_pid(task), 1);
			EXPECT_EQ(td_next(self->td, &task), 1);
			EXPECT_EQ(td_next(self->td, &task), 0);
			EXPECT_EQ(td_mirror_dump(self->mirror), -EAGAIN);
		}
		EXPECT_EQ(td_next(self->td, &task), -ECANCELED);
		EXPECT_EQ(task, NULL);
	}
}

TEST_F(mirror, a_dump_does_not_take_the_callers_selections)
{
	struct task_diag_pid req = {};

	OPEN_SMALL_MIRROR(ALL);
	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 1000), 0);
	EXPECT_EQ(td_mirror_dump(self->mirror), -EINVAL);
	EXPECT_STREQ(td_error(self->td),
		     "a mirror has no selections: Invalid argument");
	put_fork(3);
	EXPECT_EQ(update(self), 0);
	put_loss(4, 1);
	EXPECT_EQ(update(self), -EINVAL);
	EXPECT_HAS(1, 2, 3, 4);
	answer_with((__u32[]){ 1, 0 });
	EXPECT_EQ(td_dump(self->td, &req, sizeof(req)), 0);
	EXPECT_TRUE(asked(TASK_DIAG_SELECT_UID, &(__u32){ 1000 }, 4));
	answer_with_two();
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1, 2);
	EXPECT_EQ(request_attr(TASK_DIAG_SELECT_UID), NULL);
}

static bool has_subscription(struct td_handle *td)
{
	const struct td_task *task;

	return td_event(td, &task, 0) != -ENOTCONN || td_fd(td) != -1;
}

TEST_F(mirror, its_subscription_ends_with_it)
{
	OPEN_SMALL_MIRROR(ALL);
	EXPECT_GE(td_fd(self->td), 0);
	td_mirror_close(self->mirror);
	EXPECT_FALSE(has_subscription(self->td));

	acknowledge();
	fake_answer();
	fake_error(-ENOMEM, "no dump");
	EXPECT_EQ(open_mirror(self, TASK_DIAG_DUMP_ALL), -ENOMEM);
	EXPECT_EQ(self->mirror, NULL);
	EXPECT_STREQ(td_error(self->td), "no dump: Cannot allocate memory");
	EXPECT_FALSE(has_subscription(self->td));
}

TEST_F(mirror, its_subscription_ends)
{
	OPEN_SMALL_MIRROR(ALL);
	fake_event_datagram();
	fake_errno(EPERM);
	put_exit(1);
	EXPECT_EQ(update(self), -EPERM);
	EXPECT_HAS(2);
	EXPECT_EQ(update(self), -EPERM);
	EXPECT_EQ(td_mirror_dump(self->mirror), -EPERM);
	EXPECT_HAS(2);
}

TEST_F(mirror, a_signal_is_no_loss)
{
	OPEN_SMALL_MIRROR(ALL);
	EXPECT_EQ(td_mirror_update(self->mirror, -1), -EINTR);
	EXPECT_EQ(update(self), 0);
}

TEST_F(mirror, that_cannot_be)
{
	EXPECT_EQ(td_select_u32(self->td, TASK_DIAG_SELECT_UID, 1), 0);
	EXPECT_EQ(open_mirror(self, TASK_DIAG_DUMP_ALL), -EINVAL);
	EXPECT_EQ(self->mirror, NULL);
	EXPECT_STREQ(td_error(self->td),
		     "a mirror has no selections: Invalid argument");
	answer_with((__u32[]){ 0 });
	EXPECT_EQ(td_dump(self->td, &(struct task_diag_pid){}, 32), 0);

	fake_answer();
	fake_error(-EUSERS, "too many");
	EXPECT_EQ(open_mirror(self, TASK_DIAG_DUMP_ALL), -EUSERS);
	acknowledge();
	fake_answer();
	fake_error(-EPERM, "denied");
	EXPECT_EQ(open_mirror(self, TASK_DIAG_DUMP_ALL), -EPERM);
	EXPECT_NE(strstr(td_error(self->td), "denied"), NULL);
	fake_no_memory = true;
	EXPECT_EQ(open_mirror(self, TASK_DIAG_DUMP_ALL), -ENOMEM);
	fake_no_memory = false;
	EXPECT_STREQ(td_error(self->td), "malloc: Cannot allocate memory");
	EXPECT_EQ(self->mirror, NULL);
	td_mirror_close(NULL);
}

TEST_F(mirror, without_memory_is_read_anew)
{
	OPEN_SMALL_MIRROR(ALL);
	put_fork(3);
	answer();
	put_dumped(1, "one");
	put_dumped(4, "four");
	fake_done(0, NULL);
	answer();
	put_dumped(1, "one");
	put_dumped(4, "four");
	fake_done(0, NULL);
	fake_no_memory = true;
	EXPECT_EQ(update(self), -ENOMEM);
	EXPECT_STREQ(td_error(self->td), "malloc: Cannot allocate memory");
	EXPECT_EQ(update(self), -ENOMEM);
	EXPECT_STREQ(td_error(self->td), "malloc: Cannot allocate memory");
	EXPECT_HAS(1, 2);
	fake_no_memory = false;
	EXPECT_EQ(update(self), 0);
	EXPECT_HAS(1, 4);
}

static unsigned int seed = 1;

static unsigned int any(unsigned int max)
{
	return rand_r(&seed) % max;
}

#define MODEL_IDS	40

/* Tasks of a model, and the next one to create */
static bool lives[MODEL_IDS];
static __u64 model_next;
/* Others name threads that have ended, and dumps have these as they end. */
static bool model_dies;

/* One change and its event; another thread's exec is an end and two ids. */
static void change_model(void)
{
	const __u64 id = 1 + any(model_next), other = 1 + any(model_next);

	if (any(3) && model_next < MODEL_IDS - 1) {
		lives[model_next] = true;
		put_fork(model_next++);
	} else if (id >= model_next || !lives[id]) {
		if (model_dies && id < model_next && any(2))
			put_change(TASK_DIAG_EVENT_COMM, id, 0, "late");
	} else if (any(2) && other != id && other < model_next && lives[other]) {
		put_exit(id);
		if (any(2))
			put_change(TASK_DIAG_EVENT_COMM, other, 0, "comm");
		put_change(TASK_DIAG_EVENT_EXEC, id, other, "exec");
		lives[other] = false;
	} else if (any(2)) {
		put_change(TASK_DIAG_EVENT_COMM, id, 0, "comm");
	} else {
		put_exit(id);
		lives[id] = false;
	}
}

/* A dump: each task as it is at some time, received at a later time */
static void dump_model(void)
{
	__u64 part[MODEL_IDS];
	bool alive[MODEL_IDS];
	__u64 id, end = 1;
	size_t i, nr;

	fake_answer();
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_HEADER);
	while (end < MODEL_IDS) {
		id = end;
		end += 1 + any(6);
		for (nr = 0; id < end && id < MODEL_IDS; id++) {
			alive[nr] = lives[id];
			if (lives[id] || (model_dies && id < model_next && any(2)))
				part[nr++] = id;
			if (!any(3))
				change_model();
		}
		while (any(2))
			change_model();
		fake_datagram();
		fake_message(NLMSG_NOOP, 0, 0);
		for (i = 0; i < nr; i++) {
			if (model_dies && !any(4))
				put_unknown(part[i], -ESRCH);
			else if (alive[i])
				put_dumped(part[i], "dump");
			else
				put_thread(part[i], 'Z', 1);
		}
	}
	fake_done(0, NULL);
}

/* The result of a call for the mirror or, if that wants one, of another dump */
static int settle(FIXTURE_DATA(mirror) *self, int ret)
{
	if (!ret || !model_dies)
		return ret;
	/* A request found no answer. */
	if (ret == -EIO)
		fake_answer();
	model_dies = false;
	dump_model();
	ret = update(self);
	model_dies = true;
	return ret;
}

/*
 * In any order, the mirror finally equals the model. This takes another dump
 * only if threads are dying.
 */
TEST_F_TIMEOUT(mirror, is_a_model_of_the_kernel, 240)
{
	struct task_diag_base base;
	int round, i, ret;
	__u64 id;

	for (round = 0; round < 6000; round++) {
		td_mirror_close(self->mirror);
		td_close(self->td);
		fake_start();
		ASSERT_EQ(td_open(&self->td), 0);
		memset(lives, 0, sizeof(lives));
		model_next = 1;
		model_dies = round % 2;
		acknowledge();
		/* Tasks older than the subscription, and any losses */
		for (i = any(20); i; i--)
			lives[model_next++] = any(2);
		dump_model();
		ret = open_mirror(self, TASK_DIAG_DUMP_ALL_THREAD);
		ASSERT_EQ(settle(self, ret), 0);
		for (i = any(20); i; i--)
			change_model();
		ASSERT_EQ(settle(self, update(self)), 0);
		if (any(2)) {
			for (i = any(10); i && model_next < MODEL_IDS - 1; i--) {
				lives[1 + any(model_next - 1 + !(model_next - 1))] = false;
				lives[model_next++] = any(2);
			}
			fake_event_datagram();
			fake_errno(ENOBUFS);
			dump_model();
			ASSERT_EQ(settle(self, update(self)), 0);
			ASSERT_EQ(settle(self, update(self)), 0);
		}
		for (id = 1; id < MODEL_IDS; id++) {
			ret = td_mirror_find(self->mirror, id, &base, sizeof(base));
			ASSERT_EQ(ret, lives[id] ? 0 : -ESRCH)
				TH_LOG("round %d, id %llu", round, id);
		}
	}
}

/* --- nonsense ------------------------------------------------------------ */

TEST_F(td, the_answer_ends_in_a_task)
{
	answer();
	fake_task(1);
	fake_flag(TASK_DIAG_MORE);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EBADMSG);
	EXPECT_EQ(self->task, NULL);
	answer();
	fake_task(1);
	fake_flag(TASK_DIAG_MORE);
	fake_done(-EPERM, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EPERM);
}

TEST_F(td, another_task_in_a_task)
{
	answer();
	fake_task(1);
	fake_flag(TASK_DIAG_MORE);
	fake_task(2);
	fake_done(0, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EBADMSG);
}

TEST_F(td, messages_that_make_no_sense)
{
	const struct nlmsghdr bad[] = {
		{ .nlmsg_len = 3, .nlmsg_type = FAKE_FAMILY },
		{ .nlmsg_len = 17, .nlmsg_type = FAKE_FAMILY },
		{ .nlmsg_len = 0xffffffff, .nlmsg_type = FAKE_FAMILY },
		{ .nlmsg_len = 16, .nlmsg_type = FAKE_FAMILY },
		{ .nlmsg_len = 16, .nlmsg_type = FAKE_FAMILY + 1 },
		{ .nlmsg_len = 16, .nlmsg_type = NLMSG_DONE },
		{ .nlmsg_len = 16, .nlmsg_type = NLMSG_ERROR },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		answer();
		fake_raw(&bad[i], sizeof(bad[i]));
		ASSERT_EQ(dump(self), 0) TH_LOG("%zu", i);
		EXPECT_EQ(next(self), -EBADMSG) TH_LOG("%zu", i);
		EXPECT_EQ(next(self), -EBADMSG);
	}
	answer();
	fake_raw("x", 1);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EBADMSG);
	answer();
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EBADMSG);
	answer();
	fake_done(5, NULL);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EBADMSG);
	/* No pid, a short one, and 0 */
	answer();
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_GET);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EBADMSG);
	answer();
	fake_message(FAKE_FAMILY, NLM_F_MULTI, TASK_DIAG_CMD_GET);
	fake_put(TASK_DIAG_PID, "x", 2);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EBADMSG);
	answer();
	fake_task(0);
	ASSERT_EQ(dump(self), 0);
	EXPECT_EQ(next(self), -EBADMSG);
}

/* Changes every byte of an answer, and cuts it at every place. */
TEST_F_TIMEOUT(td, no_answer_makes_it_crash, 300)
{
	static char good[65536], bad[65536];
	struct td_mirror *mirror;
	size_t len, at, cut;
	int i, ret;

	fake_reset();
	fake_rich_events();
	len = fake_save(good, sizeof(good));
	td_close(self->td);
	for (at = 0; at < len; at++) {
		for (i = 0; i < 4; i++) {
			memcpy(bad, good, len);
			bad[at] = i ? (char)any(256) : (char)0xff;
			if (i > 1)
				bad[any(len)] = any(256);
			cut = i == 3 ? at : len;
			fake_start();
			fake_load(bad, cut);
			ASSERT_EQ(td_open(&self->td), 0);
			if (any(2))
				td_set_limit(self->td, any(2000));
			if (any(2)) {
				subscribe(self);
			} else if (td_mirror_open(&mirror, self->td, any(3)) >= 0) {
				td_mirror_update(mirror, 0);
				td_mirror_close(mirror);
			}
			if (!dump(self))
				read_all(self->td);
			do {
				ret = td_event(self->td, &self->task, 0);
				read_task(self->task);
			} while (ret > 0 || ret == -EBADMSG || ret == -ENOBUFS);
			td_close(self->td);
		}
	}
	self->td = NULL;
}

TEST_HARNESS_MAIN
