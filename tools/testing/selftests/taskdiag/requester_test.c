// SPDX-License-Identifier: GPL-2.0
/*
 * A dump belongs to the process that requested it, with the credentials that it
 * had then. Another process that receives or sends on the socket, by mistake or
 * because it was tricked into that, gets and gives away nothing.
 */
#include "lib/harness.h"

#include <linux/io_uring.h>
#include <sys/capability.h>

#define EPERM_OPENED	"socket was opened with other credentials"
#define EPERM_STARTED	"dump was started with other credentials"
#define EPERM_SENDER	"sender acts with overridden credentials"

/* Arguments: copies standard input to output; the same, but must be root */
#define CAT		"cat"
#define CAT_AS_ROOT	"cat-as-root"
#define HELPER		"/tmp/helper"

/* --- sending ----------------------------------------------------------- */

FIXTURE(sender)
{
	struct td_sock sock;
};

FIXTURE_VARIANT(sender)
{
	__u8 cmd;
	__u16 flags;
	__u64 strategy;
};

FIXTURE_VARIANT_ADD(sender, of_one)
{
	.cmd = TASK_DIAG_CMD_GET,
	.strategy = TASK_DIAG_DUMP_ONE,
};

FIXTURE_VARIANT_ADD(sender, of_all)
{
	.cmd = TASK_DIAG_CMD_GET,
	.flags = NLM_F_DUMP,
	.strategy = TASK_DIAG_DUMP_ALL,
};

FIXTURE_VARIANT_ADD(sender, of_header)
{
	.cmd = TASK_DIAG_CMD_HEADER,
};

FIXTURE_SETUP(sender)
{
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(sender)
{
	td_kill_children();
	td_close(&self->sock);
}

static void make_request(struct td_sock *sock, struct td_msg *msg,
			 const FIXTURE_VARIANT(sender) *variant)
{
	struct task_diag_pid req = { .dump_strategy = variant->strategy };

	if (variant->cmd == TASK_DIAG_CMD_GET)
		td_request_get(sock, msg, variant->flags, &req);
	else
		td_request(sock, msg, variant->cmd, variant->flags);
}

static void expect_eperm(struct __test_metadata *_metadata,
			 struct td_answer *answer, const char *text)
{
	EXPECT_STREQ("", answer->broken);
	EXPECT_EQ(EPERM, answer->error);
	EXPECT_STREQ(text, answer->text);
	EXPECT_EQ(0, answer->nr_tasks);
	EXPECT_FALSE(answer->has_header);
	td_free(answer);
}

static void expect_whole(struct __test_metadata *_metadata,
			 struct td_answer *answer)
{
	EXPECT_STREQ("", td_whole(answer));
	td_free(answer);
}

/* Names no address, as a write() would. */
static int send_unnamed(struct td_sock *sock, const struct td_msg *msg)
{
	return write(sock->fd, msg, msg->nlh.nlmsg_len) < 0 ? -errno : 0;
}

/* One request with the kernel's address, one without */
static void expect_named_only(struct __test_metadata *_metadata,
			      struct td_sock *sock,
			      const FIXTURE_VARIANT(sender) *variant)
{
	struct td_msg msg;

	make_request(sock, &msg, variant);
	EXPECT_EQ(0, send_unnamed(sock, &msg));
	expect_eperm(_metadata, td_recv_all(sock), EPERM_OPENED);

	make_request(sock, &msg, variant);
	expect_whole(_metadata, td_exchange(sock, &msg));
}

static int connect_to_kernel(const struct td_sock *sock)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return connect(sock->fd, (void *)&kernel, sizeof(kernel)) ? -errno : 0;
}

TEST_F(sender, opener_of_the_socket_need_not_name_the_kernel)
{
	struct td_msg msg;

	make_request(&self->sock, &msg, variant);
	ASSERT_EQ(0, send_unnamed(&self->sock, &msg));
	expect_whole(_metadata, td_recv_all(&self->sock));

	ASSERT_EQ(0, connect_to_kernel(&self->sock));
	make_request(&self->sock, &msg, variant);
	ASSERT_EQ(0, send_unnamed(&self->sock, &msg));
	expect_whole(_metadata, td_recv_all(&self->sock));
}

TEST_F(sender, sender_with_other_ids_must_name_the_kernel)
{
	ASSERT_EQ(0, connect_to_kernel(&self->sock));
	ASSERT_EQ(0, setresuid(TD_ALICE, TD_ALICE, TD_ALICE));
	expect_named_only(_metadata, &self->sock, variant);
}

TEST_F(sender, sender_with_more_rights_must_name_the_kernel)
{
	ASSERT_EQ(0, setresuid(TD_ALICE, TD_ALICE, 0));
	td_close(&self->sock);
	ASSERT_EQ(0, td_open(&self->sock));
	ASSERT_EQ(0, setresuid(0, 0, 0));
	expect_named_only(_metadata, &self->sock, variant);
}

TEST_F(sender, heir_of_the_socket_must_name_the_kernel)
{
	pid_t child = fork();

	if (!child) {
		expect_named_only(_metadata, &self->sock, variant);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

static int recv_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	td_must(recvmsg(sock, &msg, 0) == 1, "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Forked before the socket is opened, so that it gets no copy but this. */
TEST_F(sender, receiver_of_the_socket_must_name_the_kernel)
{
	struct td_sock sock;
	int pair[2];
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = fork();
	if (!child) {
		td_become(TD_ALICE);
		td_must(read(pair[1], &sock, sizeof(sock)) == sizeof(sock),
			"read");
		sock.fd = recv_fd(pair[1]);
		td_set_recv_size(&sock, 32768);
		expect_named_only(_metadata, &sock, variant);
		_exit(0);
	}
	ASSERT_EQ(0, td_open(&sock));
	free(sock.buf);
	sock.buf = NULL;
	ASSERT_EQ(sizeof(sock), write(pair[0], &sock, sizeof(sock)));
	td_send_fds(pair[0], &sock.fd, 1);
	EXPECT_EQ(0, td_wait(child));
}

/* --- continuing another's dump --------------------------------------- */

#define NR_CHILDREN	60	/* more than a portion of 4096 bytes */

FIXTURE(dump)
{
	struct td_sock sock;
	struct td_answer *answer;
};

FIXTURE_VARIANT(dump)
{
	/* Makes the caller another one; may continue in another process. */
	void (*change)(void);
	__u64 strategy;
};

/* The parent ends as its child does. */
static void go_on_in(pid_t child)
{
	if (child)
		_exit(child > 0 ? td_wait(child) : KSFT_FAIL);
}

static void go_on_in_child(void)
{
	go_on_in(fork());
}

static void go_on_in_pid_namespace(void)
{
	td_must(!unshare(CLONE_NEWPID), "unshare");
	go_on_in(fork());
}

static void go_on_with_shared_files(void)
{
	go_on_in(td_clone(CLONE_FILES | CLONE_FS));
}

static void go_on_as_alice(void)
{
	td_become(TD_ALICE);
}

static void go_on_with_effective_alice(void)
{
	td_must(!seteuid(TD_ALICE), "seteuid");
}

static void go_on_with_other_group(void)
{
	td_must(!setresgid(TD_BOB, TD_BOB, TD_BOB), "setresgid");
}

static void go_on_with_other_groups(void)
{
	static const gid_t group = TD_BOB;

	td_must(!setgroups(1, &group), "setgroups");
}

static void go_on_without_capability(void)
{
	cap_t caps = cap_from_text("=ep cap_net_raw-ep");

	td_must(caps && !cap_set_proc(caps), "cap_set_proc");
	cap_free(caps);
}

static void go_on_in_user_namespace(void)
{
	td_unshare_user(0);
}

FIXTURE_VARIANT_ADD(dump, of_all_in_child)
{
	.change = go_on_in_child,
	.strategy = TASK_DIAG_DUMP_ALL,
};

FIXTURE_VARIANT_ADD(dump, of_all_thread_in_child)
{
	.change = go_on_in_child,
	.strategy = TASK_DIAG_DUMP_ALL_THREAD,
};

FIXTURE_VARIANT_ADD(dump, of_children_in_child)
{
	.change = go_on_in_child,
	.strategy = TASK_DIAG_DUMP_CHILDREN,
};

FIXTURE_VARIANT_ADD(dump, of_threads_in_child)
{
	.change = go_on_in_child,
	.strategy = TASK_DIAG_DUMP_THREAD,
};

FIXTURE_VARIANT_ADD(dump, in_pid_namespace)
{
	.change = go_on_in_pid_namespace,
};

FIXTURE_VARIANT_ADD(dump, in_child_with_shared_files)
{
	.change = go_on_with_shared_files,
};

FIXTURE_VARIANT_ADD(dump, as_alice)
{
	.change = go_on_as_alice,
};

FIXTURE_VARIANT_ADD(dump, with_effective_alice)
{
	.change = go_on_with_effective_alice,
};

FIXTURE_VARIANT_ADD(dump, with_other_group)
{
	.change = go_on_with_other_group,
};

FIXTURE_VARIANT_ADD(dump, with_other_groups)
{
	.change = go_on_with_other_groups,
};

FIXTURE_VARIANT_ADD(dump, without_capability)
{
	.change = go_on_without_capability,
};

FIXTURE_VARIANT_ADD(dump, in_user_namespace)
{
	.change = go_on_in_user_namespace,
};

/* Several portions of each strategy */
FIXTURE_SETUP(dump)
{
	static const unsigned int nr_threads = NR_CHILDREN;
	unsigned int i;

	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, 4096);
	self->answer = td_new_answer();
	for (i = 0; i < NR_CHILDREN; i++)
		ASSERT_LT(0, td_spawn(NULL, NULL));
	if (variant->strategy == TASK_DIAG_DUMP_THREAD)
		td_start_threads(&nr_threads);
}

FIXTURE_TEARDOWN(dump)
{
	td_kill_children();
}

/*
 * One datagram waits already: what the requester had filled. Nothing
 * but the end comes after it.
 */
static void expect_end(struct __test_metadata *_metadata,
		       FIXTURE_DATA(dump) *self)
{
	size_t before;

	ASSERT_TRUE(td_recv(&self->sock, self->answer))
		TH_LOG("%s", td_whole(self->answer));
	before = self->answer->nr_tasks;
	ASSERT_FALSE(td_recv(&self->sock, self->answer));
	EXPECT_STREQ("", self->answer->broken);
	EXPECT_EQ(EPERM, self->answer->error);
	EXPECT_STREQ(EPERM_STARTED, self->answer->text);
	EXPECT_EQ(before, self->answer->nr_tasks);
}

static void run_changed(struct __test_metadata *_metadata,
			FIXTURE_DATA(dump) *self,
			const FIXTURE_VARIANT(dump) *variant)
{
	pid_t child = fork();

	if (child) {
		EXPECT_EQ(0, td_wait(child));
		return;
	}
	/* The socket and the dump are this child's own. */
	td_must(!td_start_dump(&self->sock, variant->strategy, getppid()),
		"send");
	td_must(td_recv(&self->sock, self->answer), "recv");
	variant->change();
	expect_end(_metadata, self);
	_exit(0);
}

TEST_F(dump, dump_ends_for_another_requester)
{
	run_changed(_metadata, self, variant);
}

/* Not even the first part was filled by the requester. */
TEST_F(dump, dump_that_nobody_read_ends_for_another_requester)
{
	struct td_answer *answer = self->answer;
	pid_t child = fork();

	if (child) {
		EXPECT_EQ(0, td_wait(child));
		return;
	}
	td_must(!td_start_dump(&self->sock, variant->strategy, getppid()),
		"send");
	variant->change();
	ASSERT_TRUE(td_recv(&self->sock, answer));
	EXPECT_TRUE(answer->has_header);
	EXPECT_FALSE(td_recv(&self->sock, answer));
	EXPECT_STREQ("", answer->broken);
	EXPECT_EQ(EPERM, answer->error);
	EXPECT_STREQ(EPERM_STARTED, answer->text);
	EXPECT_EQ(0, answer->nr_tasks);

	/* As what it is now, it may send a new request. */
	answer = td_dump(&self->sock, TASK_DIAG_DUMP_ONE, 0, 0);
	expect_whole(_metadata, answer);
	_exit(0);
}

/* --- the same requester ------------------------------------------------ */

FIXTURE(thread)
{
	struct td_sock sock;
	struct td_answer *answer;
};

FIXTURE_SETUP(thread)
{
	unsigned int i;

	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, 4096);
	self->answer = td_new_answer();
	for (i = 0; i < NR_CHILDREN; i++)
		ASSERT_LT(0, td_spawn(NULL, NULL));
	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_CHILDREN, 0));
	ASSERT_TRUE(td_recv(&self->sock, self->answer));
}

FIXTURE_TEARDOWN(thread)
{
	td_kill_children();
	td_close(&self->sock);
}

static void *recv_in_thread(void *arg)
{
	FIXTURE_DATA(thread) *self = arg;

	while (td_recv(&self->sock, self->answer))
		;
	return NULL;
}

TEST_F(thread, another_thread_of_the_requester_continues)
{
	ASSERT_EQ(0, pthread_join(td_new_thread(recv_in_thread, self), NULL));
	EXPECT_STREQ("", td_whole(self->answer));
	EXPECT_EQ(NR_CHILDREN, self->answer->nr_tasks);
}

static void *recv_as_alice_in_thread(void *arg)
{
	td_must(!syscall(SYS_setresuid, TD_ALICE, TD_ALICE, TD_ALICE),
		"setresuid");
	return recv_in_thread(arg);
}

TEST_F(thread, thread_with_ids_of_its_own_does_not_continue)
{
	pthread_t thread;

	thread = td_new_thread(recv_as_alice_in_thread, self);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_STREQ("", self->answer->broken);
	EXPECT_EQ(EPERM, self->answer->error);
	EXPECT_GT(NR_CHILDREN, self->answer->nr_tasks);
}

/* --- programs that read and write for others --------------------------- */

FIXTURE(helper)
{
	struct td_sock sock;
	const char *argument;
	pid_t hidden;		/* root's */
	pid_t visible;		/* alice's, and many more like it before */
};

FIXTURE_VARIANT(helper)
{
	mode_t mode;
	const char *argument;
};

FIXTURE_VARIANT_ADD(helper, set_uid)
{
	.mode = 04755,
	.argument = CAT_AS_ROOT,
};

FIXTURE_VARIANT_ADD(helper, set_gid)
{
	.mode = 02755,
	.argument = CAT,
};

FIXTURE_VARIANT_ADD(helper, ordinary)
{
	.mode = 0755,
	.argument = CAT,
};

FIXTURE_SETUP(helper)
{
	static const uid_t alice = TD_ALICE;
	unsigned int i;

	ASSERT_TRUE(td_private_tmp());
	td_copy_program(HELPER, variant->mode);
	self->argument = variant->argument;
	/* Three portions */
	for (i = 0; i < 2 * NR_CHILDREN; i++) {
		self->visible = td_spawn(td_become_user, &alice);
		ASSERT_LT(0, self->visible);
	}
	for (i = 0; i < 10; i++) {
		self->hidden = td_spawn(NULL, NULL);
		ASSERT_LT(0, self->hidden);
	}
}

FIXTURE_TEARDOWN(helper)
{
	td_kill_children();
}

static void exec_helper(FIXTURE_DATA(helper) *self, int in, int out)
{
	dup2(in, 0);
	dup2(out, 1);
	execl(HELPER, HELPER, self->argument, NULL);
	_exit(KSFT_FAIL);
}

/* Runs the helper between the two; returns its pid. */
static pid_t run_helper(FIXTURE_DATA(helper) *self, int in, int out)
{
	pid_t pid = fork();

	if (!pid)
		exec_helper(self, in, out);
	return pid;
}

/* Until there is nothing, for as long as the socket's timeout says */
static int cat(void)
{
	char buf[4096];
	ssize_t len;

	while ((len = read(0, buf, sizeof(buf))) > 0)
		if (write(1, buf, len) != len)
			return KSFT_FAIL;
	return len && errno != EAGAIN ? KSFT_FAIL : KSFT_PASS;
}

static bool set_short_timeout(const struct td_sock *sock)
{
	struct timeval timeout = { .tv_usec = 300000 };

	return !setsockopt(sock->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
			   sizeof(timeout));
}

/* What the helper has read comes through a socket that keeps datagrams. */
static void recv_from_helper(const struct td_sock *sock,
			     struct td_answer *answer, int fd)
{
	ssize_t len;

	while ((len = recv(fd, sock->buf, sock->size, 0)) > 0)
		td_parse_datagram(sock, answer, len);
}

static void expect_no_secret(struct __test_metadata *_metadata,
			     FIXTURE_DATA(helper) *self,
			     const struct td_answer *answer, pid_t helper)
{
	EXPECT_EQ(0, td_count(answer, 1));
	EXPECT_EQ(0, td_count(answer, self->hidden));
	EXPECT_EQ(0, td_count(answer, helper));
}

/* After @received datagrams that alice takes herself */
static void read_by_helper(struct __test_metadata *_metadata,
			   FIXTURE_DATA(helper) *self, unsigned int received)
{
	struct td_answer *answer = td_new_answer();
	unsigned int i;
	size_t nr_before;
	pid_t helper;
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_ALL, 0));
	for (i = 0; i < received; i++)
		ASSERT_TRUE(td_recv(&self->sock, answer));
	nr_before = answer->nr_tasks;
	helper = run_helper(self, self->sock.fd, pair[1]);
	close(pair[1]);
	recv_from_helper(&self->sock, answer, pair[0]);
	close(pair[0]);
	EXPECT_EQ(0, td_wait(helper));

	EXPECT_STREQ("", answer->broken);
	EXPECT_TRUE(answer->has_header);
	EXPECT_EQ(EPERM, answer->error);
	EXPECT_STREQ(EPERM_STARTED, answer->text);
	expect_no_secret(_metadata, self, answer, helper);
	/* One that alice had filled was waiting: the first has no tasks. */
	EXPECT_EQ(received + 2, answer->nr_datagrams);
	EXPECT_EQ(!received, nr_before == answer->nr_tasks);
	td_free(answer);
}

static void read_by_helper_often(struct __test_metadata *_metadata,
				 FIXTURE_DATA(helper) *self)
{
	unsigned int received;

	ASSERT_TRUE(set_short_timeout(&self->sock));
	for (received = 0; received < 3; received++)
		read_by_helper(_metadata, self, received);
}

/* Calls @fn in a child that is alice, so that she opens the socket. */
static void run_as_alice(struct __test_metadata *_metadata,
			 FIXTURE_DATA(helper) *self,
			 void (*fn)(struct __test_metadata *_metadata,
				    FIXTURE_DATA(helper) *self))
{
	pid_t child = fork();

	if (!child) {
		td_become(TD_ALICE);
		td_must(!td_open(&self->sock), "td_open");
		td_set_recv_size(&self->sock, 4096);
		fn(_metadata, self);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

TEST_F(helper, set_uid_helper_reads_nothing_for_others)
{
	run_as_alice(_metadata, self, read_by_helper_often);
}

/* The requester becomes the helper: the same process, other credentials. */
TEST_F(helper, helper_reads_nothing_requested_before_its_exec)
{
	struct td_answer *answer = td_new_answer();
	struct td_sock sock;
	int pair[2];
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	child = fork();
	if (!child) {
		td_become(TD_ALICE);
		td_must(!td_open(&sock), "td_open");
		td_must(set_short_timeout(&sock), "SO_RCVTIMEO");
		td_must(!td_start_dump(&sock, TASK_DIAG_DUMP_ALL, 0), "send");
		td_must(write(pair[1], &sock, sizeof(sock)) == sizeof(sock),
			"write");
		exec_helper(self, sock.fd, pair[1]);
	}
	close(pair[1]);
	ASSERT_EQ(sizeof(sock), read(pair[0], &sock, sizeof(sock)));
	sock.buf = NULL;
	td_set_recv_size(&sock, 4096);
	recv_from_helper(&sock, answer, pair[0]);
	EXPECT_EQ(0, td_wait(child));

	EXPECT_STREQ("", answer->broken);
	EXPECT_TRUE(answer->has_header);
	EXPECT_EQ(EPERM, answer->error);
	EXPECT_STREQ(EPERM_STARTED, answer->text);
	EXPECT_EQ(0, answer->nr_tasks);
	td_free(answer);
}

static void write_by_helper(struct __test_metadata *_metadata,
			    FIXTURE_DATA(helper) *self)
{
	struct task_diag_pid reqs[] = {
		{ .dump_strategy = TASK_DIAG_DUMP_ONE },
		{ .dump_strategy = TASK_DIAG_DUMP_ONE, .pid = self->hidden },
		{ .dump_strategy = TASK_DIAG_DUMP_ONE },
		{ .dump_strategy = TASK_DIAG_DUMP_ALL },
	};
	static const __u16 flags[] = { 0, 0, NLM_F_DUMP, NLM_F_DUMP };
	struct td_msg msg;
	unsigned int i;
	int fds[2];

	ASSERT_EQ(0, connect_to_kernel(&self->sock));
	for (i = 0; i < ARRAY_SIZE(reqs); i++) {
		td_request_get(&self->sock, &msg, flags[i], &reqs[i]);
		ASSERT_EQ(0, pipe(fds));
		ASSERT_EQ(msg.nlh.nlmsg_len,
			  write(fds[1], &msg, msg.nlh.nlmsg_len));
		close(fds[1]);
		EXPECT_EQ(0, td_wait(run_helper(self, fds[0],
						self->sock.fd)));
		close(fds[0]);
		expect_eperm(_metadata, td_recv_all(&self->sock), EPERM_OPENED);
	}
}

TEST_F(helper, set_uid_helper_writes_nothing_for_others)
{
	run_as_alice(_metadata, self, write_by_helper);
}

static void use_after_helper(struct __test_metadata *_metadata,
			     FIXTURE_DATA(helper) *self)
{
	struct td_answer *answer;
	struct td_msg msg;

	ASSERT_TRUE(set_short_timeout(&self->sock));
	read_by_helper(_metadata, self, 1);
	write_by_helper(_metadata, self);
	td_request(&self->sock, &msg, TASK_DIAG_CMD_HEADER, 0);
	expect_whole(_metadata, td_exchange(&self->sock, &msg));
	answer = td_dump(&self->sock, TASK_DIAG_DUMP_ALL, 0, 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(1, td_count(answer, self->visible));
	expect_no_secret(_metadata, self, answer, 0);
	td_free(answer);
}

TEST_F(helper, helper_leaves_the_socket_usable)
{
	run_as_alice(_metadata, self, use_after_helper);
}

/* Not by mistake, but by hand: a socket passed to a process of root */
TEST_F(helper, root_gets_nothing_from_the_dump_of_a_user)
{
	struct td_answer *answer = td_new_answer();
	struct td_sock sock;
	int pair[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = fork();
	if (!child) {
		td_become(TD_ALICE);
		td_must(!td_open(&sock), "td_open");
		td_must(!td_start_dump(&sock, TASK_DIAG_DUMP_ALL, 0), "send");
		td_must(write(pair[1], &sock, sizeof(sock)) == sizeof(sock),
			"write");
		td_send_fds(pair[1], &sock.fd, 1);
		/* Alive until root has received */
		td_must(read(pair[1], &byte, 1) == 1, "read");
		_exit(0);
	}
	ASSERT_EQ(sizeof(sock), read(pair[0], &sock, sizeof(sock)));
	sock.fd = recv_fd(pair[0]);
	sock.buf = NULL;
	td_set_recv_size(&sock, 4096);
	while (td_recv(&sock, answer))
		;
	EXPECT_STREQ("", answer->broken);
	EXPECT_TRUE(answer->has_header);
	EXPECT_EQ(EPERM, answer->error);
	EXPECT_EQ(0, answer->nr_tasks);
	ASSERT_EQ(1, write(pair[0], "", 1));
	EXPECT_EQ(0, td_wait(child));
	td_free(answer);
	td_close(&sock);
}

/* --- overridden credentials -------------------------------------------- */

/* An io_uring with one entry, and root as a personality */
FIXTURE(ring)
{
	struct td_sock sock;
	struct io_uring_params params;
	struct io_uring_sqe *sqe;
	char *rings;
	int fd;
	int root;
};

FIXTURE_SETUP(ring)
{
	self->fd = syscall(SYS_io_uring_setup, 1, &self->params);
	if (self->fd < 0)
		SKIP(return, "io_uring_setup: %s", strerror(errno));
	self->rings = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			   MAP_SHARED, self->fd, IORING_OFF_SQ_RING);
	ASSERT_NE(MAP_FAILED, self->rings);
	ASSERT_TRUE(self->params.features & IORING_FEAT_SINGLE_MMAP);
	self->sqe = mmap(NULL, sizeof(*self->sqe), PROT_READ | PROT_WRITE,
			 MAP_SHARED, self->fd, IORING_OFF_SQES);
	ASSERT_NE(MAP_FAILED, self->sqe);
	self->root = syscall(SYS_io_uring_register, self->fd,
			     IORING_REGISTER_PERSONALITY, NULL, 0);
	ASSERT_LT(0, self->root);
	td_become(TD_ALICE);
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(ring)
{
	td_close(&self->sock);
}

/* Carries out what is in the entry; returns its result. */
static int ring_run(FIXTURE_DATA(ring) *self)
{
	const struct io_uring_params *p = &self->params;
	__u32 *tail = (void *)self->rings + p->sq_off.tail;
	__u32 *array = (void *)self->rings + p->sq_off.array;
	__u32 *head = (void *)self->rings + p->cq_off.head;
	struct io_uring_cqe *cqes = (void *)self->rings + p->cq_off.cqes;
	int res;

	array[*tail & (p->sq_entries - 1)] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, self->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return -errno;
	res = cqes[*head & (p->cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

static int ring_send(FIXTURE_DATA(ring) *self, struct td_msg *msg,
		     int personality, __u8 flags)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec iov = { msg, msg->nlh.nlmsg_len };
	struct msghdr hdr = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	*self->sqe = (struct io_uring_sqe) {
		.opcode = IORING_OP_SENDMSG,
		.flags = flags,
		.fd = self->sock.fd,
		.addr = (unsigned long)&hdr,
		.len = 1,
		.personality = personality,
	};
	return ring_run(self);
}

/* To the end */
static struct td_answer *ring_recv(FIXTURE_DATA(ring) *self, int personality,
				   __u8 flags)
{
	struct td_answer *answer = td_new_answer();
	int len;

	while (!answer->ended && !answer->broken[0]) {
		*self->sqe = (struct io_uring_sqe) {
			.opcode = IORING_OP_RECV,
			.flags = flags,
			.fd = self->sock.fd,
			.addr = (unsigned long)self->sock.buf,
			.len = self->sock.size,
			.personality = personality,
		};
		len = ring_run(self);
		if (len < 0)
			td_broken(answer, "io_uring: %s", strerror(-len));
		else
			td_parse_datagram(&self->sock, answer, len);
	}
	return answer;
}

TEST_F(ring, io_uring_of_the_requester_continues)
{
	static const __u8 flags[] = { 0, IOSQE_ASYNC };
	struct task_diag_pid req = { .dump_strategy = TASK_DIAG_DUMP_ALL };
	struct td_answer *answer;
	struct td_msg msg;
	unsigned int i;

	/* In the caller, and in a thread that the kernel makes for it */
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		td_request_get(&self->sock, &msg, NLM_F_DUMP, &req);
		ASSERT_EQ(msg.nlh.nlmsg_len,
			  ring_send(self, &msg, 0, flags[i]));
		answer = ring_recv(self, 0, flags[i]);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_EQ(1, td_count(answer, getpid()));
		EXPECT_EQ(0, td_count(answer, 1));
		td_free(answer);
	}
}

TEST_F(ring, foreign_personality_cannot_request)
{
	struct task_diag_pid req = { .dump_strategy = TASK_DIAG_DUMP_ONE };
	static const __u16 flags[] = { 0, NLM_F_DUMP };
	struct td_msg msg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		td_request_get(&self->sock, &msg, flags[i], &req);
		ASSERT_EQ(msg.nlh.nlmsg_len,
			  ring_send(self, &msg, self->root, 0));
		expect_eperm(_metadata, td_recv_all(&self->sock), EPERM_SENDER);
	}
	td_request(&self->sock, &msg, TASK_DIAG_CMD_HEADER, 0);
	ASSERT_EQ(msg.nlh.nlmsg_len, ring_send(self, &msg, self->root, 0));
	expect_eperm(_metadata, td_recv_all(&self->sock), EPERM_SENDER);
}

TEST_F(ring, foreign_personality_cannot_receive)
{
	struct td_answer *answer;

	ASSERT_EQ(0, td_start_dump(&self->sock, TASK_DIAG_DUMP_ALL, 0));
	answer = ring_recv(self, self->root, 0);
	EXPECT_STREQ("", answer->broken);
	EXPECT_TRUE(answer->has_header);
	EXPECT_EQ(EPERM, answer->error);
	EXPECT_STREQ(EPERM_STARTED, answer->text);
	EXPECT_EQ(0, answer->nr_tasks);
	td_free(answer);
}

/* --- network namespaces ------------------------------------------------ */

FIXTURE(netns)
{
	pid_t pid;	/* root of a user namespace with its own network */
};

FIXTURE_VARIANT(netns)
{
	uid_t owner;
};

FIXTURE_VARIANT_ADD(netns, of_alice)
{
	.owner = TD_ALICE,
};

FIXTURE_VARIANT_ADD(netns, of_root)
{
	.owner = 0,
};

static void make_network(const void *owner)
{
	const uid_t uid = *(const uid_t *)owner;

	if (uid)
		td_become(uid);
	td_unshare_user(CLONE_NEWNET);
}

FIXTURE_SETUP(netns)
{
	self->pid = td_spawn(make_network, &variant->owner);
	ASSERT_LT(0, self->pid);
}

FIXTURE_TEARDOWN(netns)
{
	td_kill_children();
}

static int join(pid_t pid, const char *name, int type)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || setns(fd, type) ? -errno : 0;
}

/* Its owner learns nothing there, see disclosure_test. */
TEST_F(netns, network_of_an_inner_user_namespace_is_served)
{
	struct td_answer *answer;
	struct td_sock sock;

	ASSERT_EQ(0, join(self->pid, "net", CLONE_NEWNET));
	ASSERT_EQ(0, td_open(&sock));
	expect_whole(_metadata, td_dump(&sock, TASK_DIAG_DUMP_ONE, 0, 0));
	expect_whole(_metadata, td_get(&sock, 0, TASK_DIAG_DUMP_ONE, 0, 0));
	answer = td_dump(&sock, TASK_DIAG_DUMP_ALL, 0, 0);
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_EQ(1, td_count(answer, self->pid));
	td_free(answer);
	td_close(&sock);
}

/* Root of the user namespace may send requests there, for what it may see. */
TEST_F(netns, network_serves_the_user_namespace_that_owns_it)
{
	struct td_answer *answer;
	struct td_sock sock;
	pid_t child;

	child = fork();
	if (!child) {
		make_network(&variant->owner);
		td_must(!td_open(&sock), "td_open");
		expect_whole(_metadata,
			     td_dump(&sock, TASK_DIAG_DUMP_ONE, 0, 0));
		answer = td_dump(&sock, TASK_DIAG_DUMP_ALL, 0, 0);
		EXPECT_STREQ("", td_whole(answer));
		EXPECT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(1, td_count(answer, getpid()));
		td_free(answer);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

TEST_F(netns, network_of_the_same_user_namespace_is_served)
{
	struct td_sock sock;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, td_open(&sock));
	expect_whole(_metadata, td_dump(&sock, TASK_DIAG_DUMP_ALL, 0, 0));
}

TEST_F(netns, network_of_an_outer_user_namespace_is_served)
{
	struct td_sock sock;
	pid_t child;

	child = fork();
	if (!child) {
		if (variant->owner)
			td_become(variant->owner);
		td_unshare_user(0);
		td_must(!td_open(&sock), "td_open");
		expect_whole(_metadata,
			     td_dump(&sock, TASK_DIAG_DUMP_ALL, 0, 0));
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* A process that joins the user namespace as well may send requests there. */
TEST_F(netns, network_is_served_when_its_user_namespace_is_joined)
{
	struct td_sock sock;
	pid_t child;

	child = fork();
	if (!child) {
		td_must(!join(self->pid, "user", CLONE_NEWUSER), "join user");
		td_must(!join(self->pid, "net", CLONE_NEWNET), "join net");
		td_must(!td_open(&sock), "td_open");
		expect_whole(_metadata,
			     td_dump(&sock, TASK_DIAG_DUMP_ONE, 0, 0));
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* --- the sysctl -------------------------------------------------------- */

#define SYSCTL		"/proc/sys/kernel/task_diag"

FIXTURE(sysctl)
{
	char value[4];
};

FIXTURE_SETUP(sysctl)
{
	td_read_file(SYSCTL, self->value, sizeof(self->value));
}

FIXTURE_TEARDOWN(sysctl)
{
	td_write_file(SYSCTL, self->value);
}

/* All requests that there are, of a child after @become() */
static void expect_all(struct __test_metadata *_metadata,
		       void (*become)(void), const char *denied)
{
	struct td_answer *answers[4];
	struct td_sock sock;
	struct td_msg msg;
	unsigned int i;
	pid_t child;

	child = fork();
	if (!child) {
		become();
		td_must(!td_open(&sock), "td_open");
		answers[0] = td_get(&sock, 0, TASK_DIAG_DUMP_ONE, 0, 0);
		answers[1] = td_dump(&sock, TASK_DIAG_DUMP_ONE, 0, 0);
		answers[2] = td_dump(&sock, TASK_DIAG_DUMP_ALL, 0, 0);
		td_request(&sock, &msg, TASK_DIAG_CMD_HEADER, 0);
		answers[3] = td_exchange(&sock, &msg);
		for (i = 0; i < ARRAY_SIZE(answers); i++) {
			if (denied)
				expect_eperm(_metadata, answers[i], denied);
			else
				expect_whole(_metadata, answers[i]);
		}
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

static void stay_root(void)
{
}

static void become_alice(void)
{
	td_become(TD_ALICE);
}

static void become_root_of_user_namespace(void)
{
	td_become(TD_ALICE);
	td_unshare_user(0);
}

static void become_root_of_container(void)
{
	pid_t child;

	td_become(TD_ALICE);
	td_unshare_user(CLONE_NEWPID);
	child = fork();
	td_must(child >= 0, "fork");
	if (child)
		_exit(td_wait(child));
}

TEST_F(sysctl, sysctl_of_0_allows_everyone)
{
	EXPECT_STREQ("0\n", self->value);
	expect_all(_metadata, stay_root, NULL);
	expect_all(_metadata, become_alice, NULL);
	expect_all(_metadata, become_root_of_user_namespace, NULL);
}

TEST_F(sysctl, sysctl_of_1_wants_the_capability)
{
	static const char denied[] = "denied by sysctl kernel.task_diag = 1";

	ASSERT_TRUE(td_write_file(SYSCTL, "1"));
	expect_all(_metadata, stay_root, NULL);
	expect_all(_metadata, become_alice, denied);
	/* It shares the pid namespace of the tasks that this is to protect. */
	expect_all(_metadata, become_root_of_user_namespace, denied);
	expect_all(_metadata, become_root_of_container, NULL);
}

TEST_F(sysctl, sysctl_of_2_denies_everyone)
{
	static const char denied[] = "denied by sysctl kernel.task_diag = 2";

	ASSERT_TRUE(td_write_file(SYSCTL, "2"));
	expect_all(_metadata, stay_root, denied);
	expect_all(_metadata, become_alice, denied);
	expect_all(_metadata, become_root_of_container, denied);
}

TEST_F(sysctl, sysctl_has_no_other_value)
{
	EXPECT_FALSE(td_write_file(SYSCTL, "3"));
	EXPECT_FALSE(td_write_file(SYSCTL, "-1"));
}

TEST_F(sysctl, sysctl_lets_a_dump_finish)
{
	struct td_answer *answer = td_new_answer();
	struct td_sock sock;

	ASSERT_EQ(0, td_open(&sock));
	ASSERT_EQ(0, td_start_dump(&sock, TASK_DIAG_DUMP_ALL, 0));
	ASSERT_TRUE(td_write_file(SYSCTL, "2"));
	while (td_recv(&sock, answer))
		;
	EXPECT_STREQ("", td_whole(answer));
	EXPECT_LT(0, answer->nr_tasks);
	td_free(answer);
	td_close(&sock);
}

/* --- Yama -------------------------------------------------------------- */

#define PTRACE_SCOPE	"/proc/sys/kernel/yama/ptrace_scope"

FIXTURE(yama)
{
	char scope[4];
	int fd;		/* of a file that children have open, too */
};

FIXTURE_SETUP(yama)
{
	td_read_file(PTRACE_SCOPE, self->scope, sizeof(self->scope));
	self->fd = open("/dev/null", O_RDONLY);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(yama)
{
	td_kill_children();
	if (self->scope[0])
		td_write_file(PTRACE_SCOPE, self->scope);
}

/* The errno of alice who takes a file of the process; -1 if a signal ends her */
static int take_file_as_alice(pid_t pid, int fd)
{
	pid_t child = fork();

	if (child)
		return td_wait(child);
	td_become(TD_ALICE);
	_exit(td_get_fd(pid, fd) >= 0 ? 0 : errno);
}

/* Neither is the other's child, which Yama reports without a lock of the task. */
TEST_F(yama, yama_denies_without_a_splat)
{
	static const uid_t alice = TD_ALICE;
	pid_t pid;

	if (!self->scope[0])
		SKIP(return, "no Yama: CONFIG_SECURITY_YAMA, lsm=yama");
	if (!td_write_file(PTRACE_SCOPE, "0"))
		SKIP(return, "ptrace_scope stays %s", self->scope);
	pid = td_spawn(td_become_user, &alice);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, take_file_as_alice(pid, self->fd));
	ASSERT_TRUE(td_write_file(PTRACE_SCOPE, "1"));
	EXPECT_EQ(EPERM, take_file_as_alice(pid, self->fd));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], CAT))
		return cat();
	if (argc == 2 && !strcmp(argv[1], CAT_AS_ROOT))
		return geteuid() ? KSFT_FAIL : cat();
	return td_main(argc, argv);
}
