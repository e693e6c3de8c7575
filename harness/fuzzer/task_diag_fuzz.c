// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag_fuzz: requests of all kinds, by clients that behave in all ways
 *
 * An input is a list of steps: to send a request, good or spoilt, to receive a
 * part of an answer, to hand the socket to somebody else, to change a task that
 * is asked about, and so on. What comes back must be what fuzz_oracle.c expects.
 *
 * Where the kernel has KCOV, inputs that reach something new become the corpus
 * from which further ones are made, and what is not needed for that is taken out
 * of them. Without options this is a test, of the corpus that is installed with
 * it and some inputs beyond.
 */
#include "lib/taskdiag.h"

#include <assert.h>
#include <ftw.h>
#include <getopt.h>
#include <linux/capability.h>
#include <linux/kcov.h>
#include <linux/magic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "fuzz_oracle.h"

#define MAX_STEPS	16
#define MAX_BYTES	65536
#define NR_SOCKS	4
#define MAX_JOBS	16
#define MAX_CORPUS	4096
#define NR_PCS		16384	/* slots */
#define KCOV_SIZE	1048576
#define STUCK_S		300	/* no input takes this long */
/* Of the test, whichever ends first */
#define TEST_REQUESTS	20000
#define TEST_S		120

static unsigned long seed = 1;
static unsigned long max_requests;
static double max_seconds;
static unsigned int nr_jobs = 2;
static const char *keep_file, *pcs_file;

/* --- inputs ------------------------------------------------------------ */

enum fuzz_op {
	OP_SEND,
	OP_RECEIVE,
	OP_OPEN,
	OP_CLOSE,
	OP_OPTION,
	OP_CREDENTIALS,
	OP_PUPPET,
	OP_RACE,
	NR_OPS
};

struct fuzz_step {
	__u8	op;		/* enum fuzz_op */
	__u8	sock;		/* which socket */
	__u8	by;		/* enum fuzz_actor */
	__u8	how;		/* flags of the step */
	__u8	strategy:3;
	__u8	spoil:5;	/* enum fuzz_spoil */
	__u8	pid;		/* whom to ask about */
	__u16	arg;		/* for @how or @spoil */
	__u64	show_flags;
	__u8	flags;		/* of the request */
	__u8	select_spoil;	/* see enum select_spoil */
	__u16	selects;	/* FUZZ_SELECT() */
	__u32	select_seed;	/* of what they hold */
};

static_assert(sizeof(struct fuzz_step) == 24, "the corpus has these");

struct fuzz_input {
	unsigned int		nr_steps;
	struct fuzz_step	steps[MAX_STEPS];
};

/* Who does a step */
enum fuzz_actor {
	BY_SELF,
	BY_THREAD,
	BY_CHILD,
	/* Helpers, that the socket is passed to */
	BY_ROOT,
	BY_OTHER,
	BY_INSIDE,
	NR_ACTORS
};

/* OP_SEND: flags in how */
#define SEND_PLAIN	1	/* no dump */
#define SEND_ACK	2
#define SEND_UNNAMED	4	/* without the kernel's address */
#define SEND_HEADER	8
#define SEND_ECHO	16
#define SEND_TO_USER	32	/* to another of the sockets */

enum fuzz_spoil {
	SPOIL_NOT,
	SPOIL_SIZE,		/* the struct has @arg bytes */
	SPOIL_TAIL,		/* and what is behind the known ones is not 0 */
	SPOIL_ATTR_LEN,
	SPOIL_MESSAGE_LEN,
	SPOIL_COMMAND,
	SPOIL_GENL_RESERVED,
	SPOIL_FLAGS,
	SPOIL_TYPE,
	SPOIL_ATTR_TYPE,
	SPOIL_SECOND_ATTR,
	SPOIL_TWICE,
	SPOIL_CUT,
	SPOIL_REST,		/* bytes behind the attributes */
	SPOIL_REQ_FLAGS,
	SPOIL_STRATEGY,
	SPOIL_BYTE,
	SPOIL_NO_ATTR,
	SPOIL_COPIES,		/* many requests in one datagram */
	SPOIL_PORT,
	SPOIL_ID,
	NR_SPOILS
};

/* How the selection of number @select_spoil % FUZZ_NR_SELECTS is spoilt */
enum select_spoil {
	SELECT_SPOIL_NOT,
	SELECT_SPOIL_LEN,	/* any short length */
	SELECT_SPOIL_LONGER,	/* with what follows not zero */
	SELECT_SPOIL_SHORTER,
	SELECT_SPOIL_EMPTY,
	SELECT_SPOIL_FULL,	/* all bits are set */
	SELECT_SPOIL_NESTED,
	SELECT_SPOIL_ORDER,	/* the flag for the network's byte order */
	SELECT_SPOIL_TYPE,
	SELECT_SPOIL_TWICE,	/* with two values */
	SELECT_SPOIL_FIRST,	/* in front of TASK_DIAG_REQUEST */
	NR_SELECT_SPOILS
};

/* --- what the jobs share ----------------------------------------------- */

struct fuzz_job {
	uid_t			uid;
	unsigned long		requests;
	unsigned long		judged;
	unsigned long		inputs;
	unsigned long		replayed;
	double			last;		/* when it began an input */
	struct fuzz_input	input;		/* that one */
	char			wrong[256];	/* the first thing that was */
	unsigned int		nr_kept;
};

struct fuzz_kept {
	struct fuzz_input	input;
	unsigned int		nr_pcs;
};

static struct fuzz_shared {
	struct fuzz_world	world;
	struct fuzz_job		jobs[MAX_JOBS];
	bool			stop;
	__u32			children[8];	/* of a family being made */
	__u32			storm;		/* a pid of now */
	unsigned int		nr_pcs;
	__u64			pcs[NR_PCS];
} *shared;

static struct fuzz_job *job;
static struct fuzz_input corpus[MAX_CORPUS];
static unsigned int nr_corpus;

void fuzz_wrong(const char *fmt, ...)
{
	va_list args;

	if (job->wrong[0])
		return;
	va_start(args, fmt);
	vsnprintf(job->wrong, sizeof(job->wrong), fmt, args);
	va_end(args);
}

static const char *job_name(uid_t uid)
{
	return uid == TD_ALICE ? "alice" : uid == TD_BOB ? "bob" : "root";
}

static void print_input(FILE *file, uid_t uid, const struct fuzz_input *input)
{
	const unsigned char *bytes = (void *)input->steps;
	size_t i;

	fprintf(file, "%s ", job_name(uid));
	for (i = 0; i < input->nr_steps * sizeof(*input->steps); i++)
		fprintf(file, "%02x", bytes[i]);
	fprintf(file, "\n");
}

/* Takes a line for the user @uid. */
static bool scan_input(const char *line, uid_t uid, struct fuzz_input *input)
{
	unsigned char *bytes = (void *)input->steps;
	size_t nr = 0, len = strlen(job_name(uid));
	unsigned int byte;

	if (strncmp(line, job_name(uid), len) || line[len] != ' ')
		return false;
	for (line += len + 1; nr < sizeof(input->steps) &&
	     sscanf(line, "%2x", &byte) == 1; line += 2)
		bytes[nr++] = byte;
	input->nr_steps = nr / sizeof(*input->steps);
	return input->nr_steps > 0;
}

static void read_corpus(const char *path, uid_t uid)
{
	FILE *file = fopen(path, "r");
	char line[2 * sizeof(struct fuzz_input) + 16];

	td_must(file, path);
	while (fgets(line, sizeof(line), file))
		if (nr_corpus < MAX_CORPUS &&
		    scan_input(line, uid, &corpus[nr_corpus]))
			nr_corpus++;
	fclose(file);
}

/* --- randomness -------------------------------------------------------- */

static __u64 random_state;

static __u64 random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static unsigned int below(unsigned int limit)
{
	return (random_bits() >> 32) % limit;
}

static bool one_in(unsigned int nr)
{
	return !below(nr);
}

static __u64 random_show_flags(void)
{
	const __u64 has = shared->world.header.show_flags;

	switch (below(10)) {
	case 0:
		return 0;
	case 1:
	case 2:
		return TASK_DIAG_SHOW_BASE;
	case 3:
		return has & ~FUZZ_LONG;
	case 4:
		return has;
	case 5:
		return random_bits() & has;
	case 6:
		return one_in(4) ? random_bits() : 1ULL << below(64);
	default:
		return TASK_DIAG_SHOW_BASE |
		       (2ULL << below(TASK_DIAG_AFFINITY)) |
		       (2ULL << below(TASK_DIAG_AFFINITY));
	}
}

static __u8 random_flags(const struct fuzz_step *step)
{
	__u8 flags = 0;

	if (one_in(16))
		return random_bits();
	if (step->show_flags & TASK_DIAG_SHOW_FILES)
		flags |= below(4) * TASK_DIAG_ONLY_SOCKETS;
	if (step->show_flags & TASK_DIAG_SHOW_FD)
		flags |= below(2) * TASK_DIAG_FD_KINDS;
	if (step->show_flags & FUZZ_MEMORY & ~TASK_DIAG_SHOW_MEM_ROLLUP)
		flags |= one_in(4) ? below(4) : 0;
	if (step->strategy == TASK_DIAG_DUMP_THREAD ||
	    step->strategy == TASK_DIAG_DUMP_ALL_THREAD)
		flags |= below(2) * TASK_DIAG_WITH_PROCESS;
	return one_in(16) ? flags ^ 1 << below(8) : flags;
}

/* Most of them such as go together, in requests that are good otherwise */
static void random_selects(struct fuzz_step *step)
{
	static const __u8 strategies[] = {
		TASK_DIAG_DUMP_ALL, TASK_DIAG_DUMP_ALL_THREAD,
		TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_DUMP_THREAD,
	};

	if (!one_in(16))
		step->strategy = strategies[below(ARRAY_SIZE(strategies))];
	if (!one_in(8)) {
		step->how &= ~SEND_PLAIN;
		step->spoil = SPOIL_NOT;
		step->pid |= 32;
	}
	step->select_seed = random_bits();
	do {
		step->selects |= 1 << below(FUZZ_NR_SELECTS);
	} while (one_in(4));
	if (step->selects & FUZZ_SELECT(IDS) && !one_in(8))
		step->selects |= FUZZ_SELECT(PIDS);
	if (step->selects & FUZZ_SELECT(DESCENDANTS) && !one_in(8))
		step->selects |= one_in(2) ? FUZZ_SELECT(CGROUP) :
					     FUZZ_SELECT(CGROUP_FD);
	if (step->selects & FUZZ_SELECT(PIDS) && !one_in(8))
		step->strategy = one_in(2) ? TASK_DIAG_DUMP_ALL :
					     TASK_DIAG_DUMP_ALL_THREAD;
	if (one_in(4))
		step->select_spoil = random_bits();
}

static bool asks_for_all(const struct fuzz_step *step)
{
	return step->op % NR_OPS == OP_SEND &&
	       !(step->selects & (FUZZ_SELECT(PIDS) | FUZZ_SELECT_CGROUP)) &&
	       (step->strategy == TASK_DIAG_DUMP_ALL ||
		step->strategy == TASK_DIAG_DUMP_ALL_THREAD);
}

/* All of all tasks takes long, their memory most of all. */
static void spare_memory(struct fuzz_step *step)
{
	if (asks_for_all(step) && !one_in(32))
		step->show_flags &= ~FUZZ_MEMORY;
}

static void random_send(struct fuzz_step *step)
{
	static const __u8 strategies[] = {
		TASK_DIAG_DUMP_ONE, TASK_DIAG_DUMP_ONE, TASK_DIAG_DUMP_ONE,
		TASK_DIAG_DUMP_ONE, TASK_DIAG_DUMP_ONE, TASK_DIAG_DUMP_THREAD,
		TASK_DIAG_DUMP_THREAD, TASK_DIAG_DUMP_CHILDREN,
		TASK_DIAG_DUMP_CHILDREN, TASK_DIAG_DUMP_ALL,
		TASK_DIAG_DUMP_ALL_THREAD,
	};

	step->strategy = strategies[below(ARRAY_SIZE(strategies))];
	step->pid = one_in(4) ? 0 : below(one_in(4) ? 32 : 256);
	step->show_flags = random_show_flags();
	step->how = one_in(3) ? SEND_PLAIN : 0;
	if (one_in(4))
		step->how |= SEND_ACK;
	if (one_in(5))
		step->how |= SEND_UNNAMED;
	if (one_in(16))
		step->how |= 1 << below(8);
	if (one_in(3))
		step->spoil = below(NR_SPOILS);
	if (one_in(2))
		random_selects(step);
	spare_memory(step);
	if (asks_for_all(step) && !one_in(4))
		step->show_flags &= TASK_DIAG_SHOW_BASE;
	step->flags = random_flags(step);
}

static struct fuzz_step random_step(void)
{
	static const __u8 ops[] = {
		OP_SEND, OP_SEND, OP_SEND, OP_SEND, OP_SEND, OP_SEND, OP_SEND,
		OP_SEND, OP_SEND, OP_SEND, OP_SEND, OP_SEND, OP_SEND, OP_SEND,
		OP_RECEIVE, OP_RECEIVE, OP_RECEIVE, OP_RECEIVE, OP_RECEIVE,
		OP_RECEIVE, OP_OPEN, OP_CLOSE, OP_OPTION, OP_CREDENTIALS,
		OP_PUPPET, OP_PUPPET, OP_RACE,
	};
	struct fuzz_step step = {
		.op = ops[below(ARRAY_SIZE(ops))],
		.sock = one_in(3) ? below(NR_SOCKS) : 0,
		.by = one_in(8) ? below(NR_ACTORS) : BY_SELF,
		.how = below(256),
		.arg = one_in(2) ? below(64) : below(1 << 16),
	};

	if (step.op == OP_SEND)
		random_send(&step);
	/* The length of the buffer */
	if (step.op == OP_RECEIVE && !one_in(4))
		step.arg = one_in(2) ? 32768 : 4096;
	return step;
}

static void random_input(struct fuzz_input *input)
{
	unsigned int i;

	input->nr_steps = 1 + below(one_in(8) ? MAX_STEPS : 6);
	for (i = 0; i < input->nr_steps; i++)
		input->steps[i] = random_step();
}

static void mutate_step(struct fuzz_step *step)
{
	switch (below(12)) {
	case 0:
		step->show_flags ^= 1ULL << below(64);
		break;
	case 1:
		step->show_flags = random_show_flags();
		break;
	case 2:
		step->pid = below(256);
		break;
	case 3:
		step->arg ^= 1 << below(16);
		break;
	case 4:
		step->how ^= 1 << below(8);
		break;
	case 5:
		step->by = below(NR_ACTORS);
		break;
	case 6:
		step->strategy = below(TASK_DIAG_DUMP_MAX + 1);
		break;
	case 7:
		step->flags ^= 1 << below(8);
		break;
	case 8:
		step->selects ^= 1 << below(FUZZ_NR_SELECTS);
		break;
	case 9:
		step->select_seed = random_bits();
		break;
	case 10:
		step->select_spoil = random_bits();
		break;
	default:
		*step = random_step();
	}
}

static void mutate_input(struct fuzz_input *input)
{
	unsigned int times = 1 + below(4), at, other;
	struct fuzz_input *donor;

	while (times--) {
		at = below(input->nr_steps);
		switch (below(4)) {
		case 0:
			if (input->nr_steps == MAX_STEPS)
				break;
			memmove(&input->steps[at + 1], &input->steps[at],
				(input->nr_steps - at) * sizeof(*input->steps));
			input->steps[at] = random_step();
			input->nr_steps++;
			break;
		case 1:
			donor = &corpus[below(nr_corpus)];
			other = below(donor->nr_steps);
			input->steps[at] = donor->steps[other];
			break;
		default:
			mutate_step(&input->steps[at]);
		}
	}
	for (at = 0; at < input->nr_steps; at++)
		spare_memory(&input->steps[at]);
}

/* --- coverage ---------------------------------------------------------- */

static unsigned long *kcov;
static __u64 input_pcs[NR_PCS];		/* a hash table */
static __u64 new_pcs[NR_PCS];
static unsigned int nr_new_pcs;

static void open_kcov(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, KCOV_SIZE))
		return;
	kcov = mmap(NULL, KCOV_SIZE * sizeof(*kcov), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	td_must(kcov != MAP_FAILED, "mmap of KCOV");
	td_must(!ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), "KCOV_ENABLE");
}

/* Returns whether @pc is new to the table. */
static bool add_pc(__u64 *table, __u64 pc)
{
	unsigned int at = (pc * 0x9e3779b97f4a7c15ULL) % NR_PCS;
	__u64 has;

	for (;; at = (at + 1) % NR_PCS) {
		has = __sync_val_compare_and_swap(&table[at], 0, pc);
		if (!has || has == pc)
			return !has;
	}
}

static bool has_pc(const __u64 *table, __u64 pc)
{
	unsigned int at = (pc * 0x9e3779b97f4a7c15ULL) % NR_PCS;

	for (; table[at]; at = (at + 1) % NR_PCS)
		if (table[at] == pc)
			return true;
	return false;
}

/* What system calls reached since the last time */
static void collect_pcs(void)
{
	unsigned long i, nr;

	if (!kcov)
		return;
	nr = __atomic_load_n(&kcov[0], __ATOMIC_RELAXED);
	for (i = 1; i <= nr && i < KCOV_SIZE; i++)
		add_pc(input_pcs, kcov[i]);
	__atomic_store_n(&kcov[0], 0, __ATOMIC_RELAXED);
}

/* --- who does it ------------------------------------------------------- */

enum fuzz_call_kind {
	CALL_SEND,
	CALL_RECEIVE,
	CALL_OPEN,
};

/* A system call that anybody may do; helpers and children have this, too. */
static struct fuzz_call {
	enum fuzz_call_kind	kind;
	int			fd;
	int			flags;
	bool			named;
	__u32			to;		/* port, if named */
	size_t			size;
	ssize_t			ret;		/* or -errno */
	int			msg_flags;
	__u32			from;
	__u32			pid;		/* who did it */
	char			data[MAX_BYTES];
} *call;

static struct fuzz_asker self;
static struct fuzz_asker helpers[NR_ACTORS];
static int helper_fds[NR_ACTORS];
static int last_cred;

static int open_netlink(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd >= 0)
		bind(fd, (void *)&addr, sizeof(addr));
	return fd;
}

static void do_call(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	struct iovec iov = { .iov_base = call->data, .iov_len = call->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	call->pid = getpid();
	if (call->named || call->kind == CALL_RECEIVE) {
		msg.msg_name = &addr;
		msg.msg_namelen = sizeof(addr);
	}
	switch (call->kind) {
	case CALL_SEND:
		addr.nl_pid = call->to;
		call->ret = sendmsg(call->fd, &msg, call->flags);
		break;
	case CALL_RECEIVE:
		call->ret = recvmsg(call->fd, &msg, call->flags | MSG_DONTWAIT);
		call->msg_flags = msg.msg_flags;
		call->from = addr.nl_pid;
		break;
	case CALL_OPEN:
		call->ret = open_netlink();
		break;
	}
	if (call->ret < 0)
		call->ret = -errno;
}

static void *do_call_in_thread(void *unused)
{
	do_call();
	return unused;
}

static void pass_fd(int sock, int fd)
{
	union {
		struct cmsghdr cmsg;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.cmsg.cmsg_level = SOL_SOCKET;
		control.cmsg.cmsg_type = SCM_RIGHTS;
		control.cmsg.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.cmsg), &fd, sizeof(fd));
	}
	td_must(sendmsg(sock, &msg, MSG_NOSIGNAL) == 1, "sendmsg of a socket");
}

/* Returns the descriptor, or -1 if none came. */
static int take_fd(int sock)
{
	union {
		struct cmsghdr cmsg;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		_exit(0);
	if (msg.msg_controllen)
		memcpy(&fd, CMSG_DATA(&control.cmsg), sizeof(fd));
	return fd;
}

static void __noreturn be_helper(int sock)
{
	int opened;

	for (;;) {
		call->fd = take_fd(sock);
		do_call();
		opened = call->kind == CALL_OPEN ? call->ret : -1;
		if (call->fd >= 0)
			close(call->fd);
		pass_fd(sock, opened);
		if (opened >= 0)
			close(opened);
	}
}

/* Before the job becomes whom it is for. */
static void start_helper(enum fuzz_actor who)
{
	uid_t uid = who == BY_ROOT ? 0 : job->uid == TD_BOB ? TD_ALICE : TD_BOB;
	int socks[2];

	td_must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks),
		"socketpair");
	helpers[who] = (struct fuzz_asker){
		.cred = -(int)who,
		.pid = td_fork(),
		.uid = uid,
		.inside = who == BY_INSIDE,
	};
	if (!helpers[who].pid) {
		close(socks[0]);
		if (uid)
			td_become(uid);
		if (who == BY_INSIDE)
			td_unshare_user(CLONE_NEWNET);
		be_helper(socks[1]);
	}
	close(socks[1]);
	helper_fds[who] = socks[0];
}

/* Does the call on @fd; returns who did it, and takes a socket that it opened. */
static struct fuzz_asker call_by(enum fuzz_actor who, int fd)
{
	struct fuzz_asker asker = self;
	pthread_t thread;
	int opened;
	pid_t pid;

	call->fd = fd;
	if (kcov)
		__atomic_store_n(&kcov[0], 0, __ATOMIC_RELAXED);
	switch (who) {
	case BY_THREAD:
		td_must(!pthread_create(&thread, NULL, do_call_in_thread, NULL),
			"pthread_create");
		pthread_join(thread, NULL);
		break;
	case BY_CHILD:
		asker.cred = ++last_cred;
		pid = fork();
		td_must(pid >= 0, "fork");
		if (!pid) {
			do_call();
			_exit(0);
		}
		asker.pid = pid;
		waitpid(pid, NULL, 0);
		break;
	case BY_ROOT:
	case BY_OTHER:
	case BY_INSIDE:
		asker = helpers[who];
		pass_fd(helper_fds[who], fd);
		opened = take_fd(helper_fds[who]);
		if (call->kind == CALL_OPEN)
			call->ret = opened;
		break;
	default:
		do_call();
		collect_pcs();
	}
	return asker;
}

/* --- the puppet, a task that changes while it is asked about ------------ */

enum fuzz_puppet_act {
	PUPPET_THREADS,
	PUPPET_EXEC,
	PUPPET_EXEC_IN_THREAD,
	PUPPET_MAP,
	PUPPET_UNMAP,
	PUPPET_TITLE,
	PUPPET_LEADER_ENDS,
	PUPPET_END,
	PUPPET_GROUPS,
	PUPPET_DUMPABLE,
	PUPPET_CHILD_INSIDE,
	PUPPET_NAMESPACES,
	PUPPET_TERMINAL,
	PUPPET_HIDE_ARGUMENTS,
	PUPPET_STOP,
	PUPPET_FILES,
	PUPPET_CLOSE,
	PUPPET_DEEP,
	PUPPET_CGROUP,
	NR_PUPPET_ACTS
};

static int self_exe;
static pid_t puppet_pid;
static int puppet_fd;
static bool puppet_stopped;
static char **puppet_argv;
static void *puppet_maps;

#define PUPPET_NR_MAPS	100

/* Tasks move within it, and puppets make cgroups of their own there. */
#define CGROUP_MOUNT	"/sys/fs/cgroup"
#define CGROUP		CGROUP_MOUNT "/taskdiag_fuzz"

static void __noreturn be_puppet(int fd);

static void puppet_cgroup(char dir[64], pid_t pid)
{
	snprintf(dir, 64, CGROUP "/puppet.%d", pid);
}

static void puppet_exec(unsigned int size)
{
	static char text[100000];
	char fd[16];
	char *argv[5] = { "task_diag_fuzz", "--puppet", fd, text, NULL };
	char *envp[2] = { text, NULL };

	snprintf(fd, sizeof(fd), "%d", puppet_fd);
	memset(text, 'x', size % sizeof(text));
	text[size % sizeof(text)] = 0;
	syscall(SYS_execveat, self_exe, "", argv, envp, AT_EMPTY_PATH);
	_exit(KSFT_FAIL);
}

static void *puppet_exec_in_thread(void *unused)
{
	puppet_exec(64);
	return unused;
}

static void *puppet_go_on(void *unused)
{
	be_puppet(puppet_fd);
	return unused;
}

/* On another stack, as the first one may lie in the same page. */
static void *puppet_hide_arguments(void *unused)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	mprotect((void *)((unsigned long)puppet_argv[0] & -page), page,
		 PROT_NONE);
	return puppet_go_on(unused);
}

static void puppet_map(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	unsigned int i;

	if (puppet_maps)
		return;
	puppet_maps = mmap(NULL, PUPPET_NR_MAPS * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	td_must(puppet_maps != MAP_FAILED, "mmap");
	for (i = 0; i < PUPPET_NR_MAPS; i += 2)
		mprotect(puppet_maps + i * page, page, PROT_READ);
}

static void take_terminal(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	setsid();
	if (fd >= 0 && !grantpt(fd) && !unlockpt(fd))
		open(ptsname(fd), O_RDWR);
}

static void puppet_take_groups(unsigned int nr)
{
	gid_t *gids = calloc(nr, sizeof(*gids));
	unsigned int i;

	for (i = 0; i < nr; i++)
		gids[i] = i;
	/* Only root may. */
	setgroups(nr, gids);
	free(gids);
}

static void puppet_fork_inside(void)
{
	pid_t pid;

	unshare(CLONE_NEWPID);
	pid = td_fork();
	if (!pid) {
		usleep(200000);
		_exit(0);
	}
}

static void puppet_close_files(void)
{
	syscall(SYS_close_range, puppet_fd + 1, ~0U, 0);
}

/* Of many kinds, and @nr more of one; not as many as there may be */
static void puppet_open_files(unsigned int nr)
{
	sigset_t signals;
	int pair[2], fd;

	puppet_close_files();
	sigemptyset(&signals);
	fd = eventfd(0, EFD_CLOEXEC);
	while (fd >= 0 && nr--)
		fcntl(fd, nr & 1 ? F_DUPFD : F_DUPFD_CLOEXEC, 0);
	epoll_create1(0);
	signalfd(-1, &signals, 0);
	timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	inotify_init1(0);
	syscall(SYS_memfd_create, "fuzz", 0);
	syscall(SYS_pidfd_open, getpid(), 0);
	socket(AF_UNIX, SOCK_STREAM, 0);
	socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	syscall(SYS_userfaultfd, O_CLOEXEC);
	syscall(SYS_fanotify_init, 0, 0);
	open("/proc/self/ns/mnt", O_RDONLY);
	open("/proc/self/exe", O_PATH | O_NOFOLLOW);
	open("/dev/null", O_RDWR | O_APPEND);
	open("/", O_DIRECTORY);
	syscall(SYS_pipe2, pair, O_CLOEXEC);
}

#define DEEP		"/tmp/taskdiag_fuzz"
#define PUPPET_DEPTH	16

/*
 * Into a directory whose path no message of 4 KiB has room for, with a file in
 * it. They are removed again, and stay as long as the puppet is there.
 */
static void puppet_go_deep(void)
{
	int fds[PUPPET_DEPTH + 1];
	char name[252], top[64];
	unsigned int i;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	snprintf(top, sizeof(top), DEEP "/%d", getpid());
	mkdir(top, 0700);
	fds[0] = open(top, O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < PUPPET_DEPTH && fds[i] >= 0; i++) {
		mkdirat(fds[i], name, 0700);
		fds[i + 1] = openat(fds[i], name, O_DIRECTORY | O_CLOEXEC);
	}
	if (i == PUPPET_DEPTH && fds[i] >= 0 && !fchdir(fds[i])) {
		open("file", O_RDWR | O_CREAT, 0600);
		unlink("file");
	}
	while (i--) {
		if (fds[i + 1] >= 0)
			close(fds[i + 1]);
		unlinkat(fds[i], name, AT_REMOVEDIR);
	}
	if (fds[0] >= 0)
		close(fds[0]);
	rmdir(top);
}

/* Between cgroups; one of them comes and goes. */
static void puppet_move(unsigned int arg)
{
	char dir[64], procs[96];

	puppet_cgroup(dir, getpid());
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	switch (arg % 4) {
	case 0:
		td_write_file(CGROUP "/cgroup.procs", "0");
		break;
	case 1:
		td_write_file(CGROUP "/below/cgroup.procs", "0");
		break;
	case 2:
		mkdir(dir, 0755);
		td_write_file(procs, "0");
		break;
	case 3:
		td_write_file(CGROUP "/cgroup.procs", "0");
		rmdir(dir);
		break;
	}
}

static void puppet_act(enum fuzz_puppet_act act, unsigned int arg)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	pthread_t thread;

	switch (act) {
	case PUPPET_THREADS:
		pthread_create(&thread, NULL, td_sleep_in_thread, NULL);
		pthread_create(&thread, NULL, td_sleep_in_thread, NULL);
		break;
	case PUPPET_EXEC:
		puppet_exec(arg);
		break;
	case PUPPET_EXEC_IN_THREAD:
		/* There are none for who is about to enter a pid namespace. */
		if (!pthread_create(&thread, NULL, puppet_exec_in_thread, NULL))
			pause();
		break;
	case PUPPET_MAP:
		puppet_map();
		break;
	case PUPPET_UNMAP:
		if (puppet_maps)
			munmap(puppet_maps, PUPPET_NR_MAPS * page);
		puppet_maps = NULL;
		break;
	case PUPPET_TITLE:
		memset(puppet_argv[0], 't', strlen(puppet_argv[0]) + 1 + arg % 64);
		break;
	case PUPPET_LEADER_ENDS:
		/* Without pthread_exit(), which loads a library */
		if (!pthread_create(&thread, NULL, puppet_go_on, NULL))
			syscall(SYS_exit, 0);
		break;
	case PUPPET_END:
		_exit(0);
	case PUPPET_GROUPS:
		puppet_take_groups(arg);
		break;
	case PUPPET_DUMPABLE:
		prctl(PR_SET_DUMPABLE, arg & 1);
		break;
	case PUPPET_CHILD_INSIDE:
		puppet_fork_inside();
		break;
	case PUPPET_NAMESPACES:
		unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP);
		break;
	case PUPPET_TERMINAL:
		take_terminal();
		break;
	case PUPPET_HIDE_ARGUMENTS:
		if (!pthread_create(&thread, NULL, puppet_hide_arguments, NULL))
			pause();
		break;
	case PUPPET_FILES:
		puppet_open_files(arg % 600);
		break;
	case PUPPET_CLOSE:
		puppet_close_files();
		break;
	case PUPPET_DEEP:
		puppet_go_deep();
		break;
	case PUPPET_CGROUP:
		puppet_move(arg);
		break;
	default:
		break;
	}
}

/* Says that the last act is over, and waits for the next. */
static void be_puppet(int fd)
{
	__u16 order[2];

	puppet_fd = fd;
	for (;;) {
		if (write(fd, "", 1) != 1 ||
		    read(fd, order, sizeof(order)) != sizeof(order))
			_exit(0);
		puppet_act(order[0], order[1]);
	}
}

static void start_puppet(void)
{
	int socks[2];

	td_must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks), "socketpair");
	puppet_pid = td_fork();
	td_must(puppet_pid >= 0, "fork");
	if (!puppet_pid) {
		dup2(self_exe, 3);
		dup2(socks[1], 4);
		self_exe = 3;
		syscall(SYS_close_range, 5, ~0U, 0);
		be_puppet(4);
	}
	close(socks[1]);
	puppet_fd = socks[0];
	fcntl(puppet_fd, F_SETFD, FD_CLOEXEC);
	puppet_stopped = false;
}

static void end_puppet(void)
{
	char dir[64];

	kill(puppet_pid, SIGKILL);
	waitpid(puppet_pid, NULL, 0);
	close(puppet_fd);
	puppet_cgroup(dir, puppet_pid);
	rmdir(dir);
}

static void order_puppet(enum fuzz_puppet_act act, __u16 arg)
{
	struct timeval patience = { .tv_sec = 5 };
	__u16 order[] = { act, arg };
	char byte;

	if (puppet_stopped || act == PUPPET_STOP) {
		kill(puppet_pid, puppet_stopped ? SIGCONT : SIGSTOP);
		puppet_stopped = !puppet_stopped;
		if (act == PUPPET_STOP)
			return;
	}
	setsockopt(puppet_fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	/* The first byte says that it is ready for this, */
	if (recv(puppet_fd, &byte, 1, 0) != 1 ||
	    send(puppet_fd, order, sizeof(order), MSG_NOSIGNAL) < 0) {
		end_puppet();
		start_puppet();
		return;
	}
	/* and a second one that it is done, which is to be seen next time. */
	if (act != PUPPET_END)
		recv(puppet_fd, &byte, 1, MSG_PEEK);
}

/* --- requests ---------------------------------------------------------- */

static struct fuzz_sock socks[NR_SOCKS];
static __u32 last_seq;
static int other_fds[2];	/* of no cgroup, but a directory and a file */

static __u32 choose_pid(__u8 choice)
{
	const struct fuzz_world *world = &shared->world;
	const __u32 others[] = {
		0, self.pid, puppet_pid, puppet_pid, shared->storm,
		shared->storm + 1, TD_NO_PID, 0x7fffffff, 0x80000000,
		0xffffffff, helpers[BY_ROOT].pid, helpers[BY_OTHER].pid,
		helpers[BY_INSIDE].pid, 3,
	};

	if (choice < ARRAY_SIZE(others))
		return others[choice];
	if (choice < 32)
		return puppet_pid;
	return world->tasks[choice % world->nr_tasks].pid;
}

/* What a selection holds: the same numbers come from the same seed. */
static __u32 select_random(const struct fuzz_step *step, __u32 salt)
{
	__u32 x = step->select_seed + salt * 0x9e3779b9;

	x = (x ^ x >> 16) * 0x85ebca6b;
	x = (x ^ x >> 13) * 0xc2b2ae35;
	return x ^ x >> 16;
}

static unsigned int nr_select_pids(const struct fuzz_step *step)
{
	const __u32 x = select_random(step, 0);

	switch (x % 16) {
	case 0:
		return TASK_DIAG_PIDS_MAX;
	case 1:
		return TASK_DIAG_PIDS_MAX + 1;
	case 2:
		return (x >> 8) % 8192;
	default:
		return 1 + (x >> 8) % 12;
	}
}

static __u32 select_pid(const struct fuzz_step *step, unsigned int i)
{
	const __u32 x = select_random(step, i + 100);

	/* Those that live most of all, and often the same */
	return choose_pid((x >> 8) % 64 + (x % 4 ? 32 : 0));
}

static __u64 select_id(const struct fuzz_step *step, unsigned int i)
{
	const struct fuzz_world *world = &shared->world;
	const __u32 pid = select_pid(step, i);
	const __u32 x = select_random(step, ~i);
	size_t task;

	if (x % 8 < 2)
		return x % 8 ? 0 : x;
	for (task = 0; task < world->nr_tasks; task++)
		if (world->tasks[task].pid == pid)
			return world->tasks[task].id;
	return i < 16 ? td_pidfd_ino(pid) : 0;
}

static __u64 select_cgroup(__u32 x)
{
	const struct fuzz_world *world = &shared->world;

	if (!world->nr_cgroups || x % 8 == 0)
		return x >> 8 & 1 ? (x >> 8) % 256 : (__u64)x << (x % 33);
	return world->cgroups[(x >> 8) % world->nr_cgroups].id;
}

static __u32 select_cgroup_fd(__u32 x)
{
	const struct fuzz_world *world = &shared->world;
	const __u32 others[] = {
		0, -1, self_exe, socks[0].fd, 0x10000, x, other_fds[0],
		other_fds[1],
	};

	if (!world->nr_cgroups || x % 8 == 0)
		return others[(x >> 8) % ARRAY_SIZE(others)];
	return world->cgroups[(x >> 8) % world->nr_cgroups].fd;
}

static __u32 select_uid(__u32 x)
{
	static const __u32 uids[] = {
		0, TD_ALICE, TD_BOB, 65534, -1,
	};

	return x % 16 ? uids[(x >> 8) % ARRAY_SIZE(uids)] : x;
}

static size_t select_states(char *data, __u32 x)
{
	static const char * const states[] = {
		"S", "Z", "RS", "RSDTtXZPI", "I", "", "T", "SSSSSSSSSSSSSSSS",
		"ZZZZZZZZZZZZZZZZZ", "SRz", "RDI", "tX",
	};
	const char *text = states[(x >> 8) % ARRAY_SIZE(states)];

	memcpy(data, text, strlen(text) + 1);
	return strlen(text) + 1;
}

static size_t put_u32(void *data, __u32 value)
{
	memcpy(data, &value, sizeof(value));
	return sizeof(value);
}

static size_t put_u64(void *data, __u64 value)
{
	memcpy(data, &value, sizeof(value));
	return sizeof(value);
}

/* Returns the length of what is @data then. */
static size_t fill_select(const struct fuzz_step *step, __u16 type, void *data)
{
	const struct fuzz_world *world = &shared->world;
	const __u32 x = select_random(step, type);
	const struct fuzz_task *task = &world->tasks[(x >> 8) %
						     world->nr_tasks];
	unsigned int nr = nr_select_pids(step), i;
	size_t len = 0;

	switch (type) {
	case TASK_DIAG_SELECT_PIDS:
		for (i = 0; i < nr; i++)
			len += put_u32(data + len, select_pid(step, i));
		return len;
	case TASK_DIAG_SELECT_IDS:
		nr += x % 16 == 0;
		for (i = 0; i < nr && len < MAX_BYTES / 2; i++)
			len += put_u64(data + len, select_id(step, i));
		return len;
	case TASK_DIAG_SELECT_CGROUP:
		return put_u64(data, select_cgroup(x));
	case TASK_DIAG_SELECT_CGROUP_FD:
		return put_u32(data, select_cgroup_fd(x));
	case TASK_DIAG_SELECT_DESCENDANTS:
		return 0;
	case TASK_DIAG_SELECT_UID:
	case TASK_DIAG_SELECT_EUID:
		return put_u32(data, select_uid(x));
	case TASK_DIAG_SELECT_SID:
		return put_u32(data, x % 8 ? task->sid : choose_pid(x >> 8));
	case TASK_DIAG_SELECT_TTY:
		return put_u32(data, x % 8 ? task->tty : x >> 8);
	case TASK_DIAG_SELECT_STATES:
		return select_states(data, x);
	default:
		return put_u32(data, x % 16 ? x >> 8 & 1 : x >> 8);
	}
}

static void put_attr(struct td_msg *msg, __u16 type, const void *data,
		     size_t len)
{
	char *to = (void *)msg + NLMSG_ALIGN(msg->nlh.nlmsg_len);
	struct nlattr attr = { .nla_len = NLA_HDRLEN + len, .nla_type = type };

	/* Others find no more room. */
	if (to + NLA_HDRLEN + NLA_ALIGN(len) > (char *)msg + MAX_BYTES)
		return;
	memset(to, 0, NLA_HDRLEN + NLA_ALIGN(len));
	memcpy(to, &attr, sizeof(attr));
	memcpy(to + NLA_HDRLEN, data, len);
	msg->nlh.nlmsg_len = to - (char *)msg + NLA_HDRLEN + NLA_ALIGN(len);
}

static void put_select(struct td_msg *msg, const struct fuzz_step *step,
		       __u16 type, enum select_spoil spoil)
{
	struct fuzz_step other = *step;
	static char data[MAX_BYTES];
	size_t len;

	len = fill_select(step, type, data);
	memset(data + len, spoil == SELECT_SPOIL_LONGER, 16);
	switch (spoil) {
	case SELECT_SPOIL_LEN:
		len = step->select_seed % 24;
		break;
	case SELECT_SPOIL_LONGER:
		len += 1 + step->select_seed % 8;
		break;
	case SELECT_SPOIL_SHORTER:
		len -= len ? 1 : 0;
		break;
	case SELECT_SPOIL_EMPTY:
		len = 0;
		break;
	case SELECT_SPOIL_FULL:
		memset(data, 0xff, len);
		break;
	case SELECT_SPOIL_NESTED:
		type |= NLA_F_NESTED;
		break;
	case SELECT_SPOIL_ORDER:
		type |= NLA_F_NET_BYTEORDER;
		break;
	case SELECT_SPOIL_TYPE:
		type += FUZZ_NR_SELECTS;
		break;
	case SELECT_SPOIL_TWICE:
		other.select_seed = ~step->select_seed;
		put_select(msg, &other, type, SELECT_SPOIL_NOT);
		break;
	default:
		break;
	}
	put_attr(msg, type, data, len);
}

/* In front of TASK_DIAG_REQUEST, or behind it */
static void put_selects(struct td_msg *msg, const struct fuzz_step *step,
			bool first)
{
	const unsigned int spoilt = step->select_spoil % FUZZ_NR_SELECTS;
	enum select_spoil spoil;
	unsigned int i;
	bool leads;

	for (i = 0; i < FUZZ_NR_SELECTS; i++) {
		spoil = i == spoilt ? step->select_spoil / FUZZ_NR_SELECTS %
				      NR_SELECT_SPOILS : SELECT_SPOIL_NOT;
		leads = spoil == SELECT_SPOIL_FIRST;
		if (step->selects & 1U << i && leads == first)
			put_select(msg, step, TASK_DIAG_SELECT_PIDS + i, spoil);
	}
}

/* One message at @msg, which has MAX_BYTES; returns its length. */
static size_t build_message(struct td_msg *msg, const struct fuzz_step *step,
			    unsigned int copy)
{
	const __u8 cmd = step->how & SEND_HEADER ? TASK_DIAG_CMD_HEADER :
						   TASK_DIAG_CMD_GET;
	__u16 flags = (step->how & SEND_PLAIN ? 0 : NLM_F_DUMP) |
		      (step->how & SEND_ACK ? NLM_F_ACK : 0) |
		      (step->how & SEND_ECHO ? NLM_F_ECHO : 0);
	struct {
		struct task_diag_pid pid;
		char tail[4096];
	} req = {
		.pid = {
			.show_flags = step->show_flags,
			.flags = step->flags,
			.dump_strategy = step->strategy,
			.pid = choose_pid(step->pid),
		},
	};
	size_t len = sizeof(req.pid), least;
	const __u16 arg = step->arg;
	struct nlattr *attr;

	/* Copies differ. */
	if (copy)
		req.pid.dump_strategy += copy % 3;
	if (copy & 4)
		flags ^= NLM_F_DUMP;
	switch (step->spoil) {
	case SPOIL_TAIL:
		memset(req.tail, arg >> 8, sizeof(req.tail));
		len = arg % 80;
		break;
	case SPOIL_SIZE:
		len = arg % (arg & 1 ? 64 : sizeof(req));
		break;
	case SPOIL_REQ_FLAGS:
		req.pid.flags = arg;
		break;
	case SPOIL_ID:
		/* The right one, or one beside it */
		req.pid.id = td_pidfd_ino(req.pid.pid) + arg % 2;
		break;
	case SPOIL_STRATEGY:
		req.pid.dump_strategy = arg & 1 ? arg : (__u64)arg << 32;
		break;
	}
	td_begin(msg, shared->world.family, cmd, flags, ++last_seq);
	if (step->spoil == SPOIL_NO_ATTR ||
	    (step->how & SEND_HEADER && step->spoil == SPOIL_NOT))
		return msg->nlh.nlmsg_len;

	put_selects(msg, step, true);
	attr = (void *)msg + msg->nlh.nlmsg_len;
	put_attr(msg, TASK_DIAG_REQUEST, &req, len);
	put_selects(msg, step, false);
	least = msg->nlh.nlmsg_len;
	switch (step->spoil) {
	case SPOIL_ATTR_LEN:
		attr->nla_len = arg;
		break;
	case SPOIL_MESSAGE_LEN:
		msg->nlh.nlmsg_len = arg;
		break;
	case SPOIL_COMMAND:
		msg->genl.cmd = arg;
		/* The oracle knows no events, which would come amid the answers. */
		if (msg->genl.cmd == TASK_DIAG_CMD_SUBSCRIBE)
			msg->genl.cmd = TASK_DIAG_CMD_EVENT;
		msg->genl.version = arg >> 8;
		break;
	case SPOIL_GENL_RESERVED:
		msg->genl.reserved = arg;
		break;
	case SPOIL_FLAGS:
		msg->nlh.nlmsg_flags ^= arg;
		break;
	case SPOIL_TYPE:
		/* Not to another family */
		msg->nlh.nlmsg_type = arg & 1 ? arg % NLMSG_MIN_TYPE :
						arg | 0x8000;
		break;
	case SPOIL_ATTR_TYPE:
		attr->nla_type = arg;
		break;
	case SPOIL_SECOND_ATTR:
		put_attr(msg, arg, &req, sizeof(req.pid));
		break;
	case SPOIL_TWICE:
		put_attr(msg, TASK_DIAG_REQUEST, &req, arg % 80);
		break;
	case SPOIL_REST:
		memset((void *)msg + msg->nlh.nlmsg_len, arg >> 8, arg % 32);
		msg->nlh.nlmsg_len += arg % 32;
		break;
	case SPOIL_PORT:
		msg->nlh.nlmsg_pid = arg;
		break;
	}
	/* What is cut off by a wrong length is sent all the same. */
	return least > msg->nlh.nlmsg_len || step->spoil == SPOIL_MESSAGE_LEN ?
	       least : msg->nlh.nlmsg_len;
}

static size_t build_datagram(const struct fuzz_step *step)
{
	unsigned int copies = step->spoil == SPOIL_COPIES ?
			      2 + step->arg % 60 : 1;
	size_t len = 0, part, at;
	static union {
		struct td_msg msg;
		char room[MAX_BYTES + 64];	/* for SPOIL_REST */
	} one;
	unsigned int i;

	for (i = 0; i < copies; i++) {
		part = build_message(&one.msg, step, i);
		if (len + NLMSG_ALIGN(part) > MAX_BYTES)
			break;
		memcpy(call->data + len, &one, part);
		len += NLMSG_ALIGN(part);
	}
	if (step->spoil == SPOIL_CUT)
		len = step->arg % (len + 1);
	at = step->arg % (len ?: 1);
	/* But for the type, and the number that answers are known by */
	if (step->spoil == SPOIL_BYTE && (at < 4 || at >= 12 || at / 2 == 3))
		call->data[at] ^= step->arg >> 8;
	return len;
}

/* --- steps ------------------------------------------------------------- */

static void set_option(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

static void close_sock(struct fuzz_sock *sock)
{
	if (sock->fd >= 0)
		close(sock->fd);
	collect_pcs();
	sock->fd = -1;
	fuzz_forget(sock);
}

static void open_sock(struct fuzz_sock *sock, enum fuzz_actor who, __u8 how)
{
	struct sockaddr_nl addr;
	socklen_t len = sizeof(addr);
	struct fuzz_asker asker;

	close_sock(sock);
	/* A child's would be gone with it. */
	if (who == BY_CHILD)
		who = BY_SELF;
	call->kind = CALL_OPEN;
	asker = call_by(who, -1);
	td_must(call->ret >= 0, "socket");
	*sock = (struct fuzz_sock){
		.fd = call->ret,
		.cred = asker.cred,
		.ext_ack = !(how & 1),
		.cap_ack = !(how & 2),
		.wants = sock->wants,
		.max_wants = sock->max_wants,
	};
	td_must(!getsockname(sock->fd, (void *)&addr, &len), "getsockname");
	sock->portid = addr.nl_pid;
	set_option(sock->fd, SOL_NETLINK, NETLINK_EXT_ACK, sock->ext_ack);
	set_option(sock->fd, SOL_NETLINK, NETLINK_CAP_ACK, sock->cap_ack);
}

static struct fuzz_sock *the_sock(const struct fuzz_step *step)
{
	struct fuzz_sock *sock = &socks[step->sock % NR_SOCKS];

	if (sock->fd < 0)
		open_sock(sock, BY_SELF, 0);
	return sock;
}

static void step_send(const struct fuzz_step *step)
{
	struct fuzz_sock *sock = the_sock(step);
	struct fuzz_asker asker;
	bool to_user = step->how & SEND_TO_USER;
	size_t before;

	call->kind = CALL_SEND;
	/* Its queue may be full, and nobody is to read from it. */
	call->flags = to_user ? MSG_DONTWAIT : 0;
	call->size = build_datagram(step);
	call->named = !(step->how & SEND_UNNAMED) || to_user;
	call->to = to_user ? socks[(step->sock + 1) % NR_SOCKS].portid : 0;
	asker = call_by(step->by % NR_ACTORS, sock->fd);
	asker.pid = call->pid;
	before = sock->nr_wants;
	if (call->ret == (ssize_t)call->size && !call->to)
		fuzz_sent(sock, &asker, call->data, call->size, call->named);
	else if (call->ret >= 0 && !call->to)
		fuzz_wrong("sendmsg of %zu bytes returns %zd", call->size,
			   call->ret);
	else if (call->ret < 0 && !call->to && call->ret != -EMSGSIZE &&
		 call->ret != -ENODATA)
		fuzz_wrong("sendmsg: %s", strerror(-call->ret));
	job->requests += sock->nr_wants - before;
}

/* Returns whether there may be more. */
static bool receive(struct fuzz_sock *sock, enum fuzz_actor who, size_t size,
		    int flags)
{
	struct fuzz_asker asker = who >= BY_ROOT ? helpers[who] : self;

	call->kind = CALL_RECEIVE;
	call->size = size < sizeof(call->data) ? size : sizeof(call->data);
	call->flags = flags;
	call->named = true;
	if (who == BY_CHILD)
		asker.cred = last_cred + 1;
	fuzz_about_to_receive(sock, &asker);
	call_by(who, sock->fd);

	if (call->ret == -EAGAIN) {
		fuzz_drained(sock);
		return false;
	}
	if (call->ret == -ENOBUFS) {
		if (!sock->may_lose)
			fuzz_wrong("there was room, and yet: ENOBUFS");
		return true;
	}
	/* Of two that receive at once, netlink may tell one that there is no dump. */
	if (call->ret == -EINVAL && sock->torn)
		return true;
	if (call->ret < 0)
		fuzz_wrong("recvmsg: %s", strerror(-call->ret));
	else if (call->from || flags & MSG_PEEK)
		return true;
	else if (call->msg_flags & MSG_TRUNC)
		fuzz_lost(sock);
	else
		fuzz_received(sock, call->data, call->ret);
	return !job->wrong[0];
}

static void step_receive(const struct fuzz_step *step)
{
	struct fuzz_sock *sock = the_sock(step);
	unsigned int times = 1 + step->how % 8;
	int flags = (step->how & 64 ? MSG_TRUNC : 0) |
		    ((step->how & 0x98) == 0x98 ? MSG_PEEK : 0);

	while (times-- && receive(sock, step->by % NR_ACTORS, step->arg,
				  flags))
		;
}

/* Children that are about to close a socket, and to end */
static struct td_set late_closers;

static void step_close(const struct fuzz_step *step)
{
	struct fuzz_sock *sock = &socks[step->sock % NR_SOCKS];
	int pair[2];
	pid_t pid;

	if (sock->fd < 0)
		return;
	switch (step->how % 4) {
	case 1:
		/* In flight, in a queue that nobody reads */
		td_must(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair),
			"socketpair");
		pass_fd(pair[0], sock->fd);
		close_sock(sock);
		close(pair[0]);
		close(pair[1]);
		break;
	case 2:
		/* The last to close it is another. */
		pid = fork();
		td_must(pid >= 0, "fork");
		if (!pid) {
			usleep(step->arg % 1024);
			_exit(0);
		}
		td_set_add(&late_closers, pid);
		break;
	}
	close_sock(sock);
}

static void step_option(const struct fuzz_step *step)
{
	static const int options[] = {
		NETLINK_GET_STRICT_CHK, NETLINK_NO_ENOBUFS, NETLINK_PKTINFO,
		NETLINK_BROADCAST_ERROR, NETLINK_LISTEN_ALL_NSID,
	};
	struct fuzz_sock *sock = the_sock(step);
	int value = step->arg & 1;

	switch (step->how % 8) {
	case 0:
		/* An answer that was made before is not to be judged by it. */
		if (sock->nr_wants)
			break;
		sock->ext_ack = value;
		set_option(sock->fd, SOL_NETLINK, NETLINK_EXT_ACK, value);
		break;
	case 1:
		if (sock->nr_wants)
			break;
		sock->cap_ack = value;
		set_option(sock->fd, SOL_NETLINK, NETLINK_CAP_ACK, value);
		break;
	case 2:
		/* As little as there can be */
		set_option(sock->fd, SOL_SOCKET, SO_RCVBUF, 1);
		sock->small = true;
		sock->may_lose = true;
		break;
	case 3:
		set_option(sock->fd, SOL_SOCKET, SO_SNDBUF, 1);
		break;
	case 4:
		set_option(sock->fd, SOL_SOCKET, SO_PASSCRED, value);
		break;
	default:
		set_option(sock->fd, SOL_NETLINK,
			   options[step->arg / 2 % ARRAY_SIZE(options)], value);
	}
}

/* Root acts for the user @uid, or for itself again. */
static void act_for(uid_t uid)
{
	td_must(!seteuid(0) && !setegid(uid) && !seteuid(uid), "seteuid");
	self.uid = uid;
	self.cred = ++last_cred;
}

/* New credentials, with the same or with another meaning. */
static void step_credentials(const struct fuzz_step *step)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (!job->uid && step->how & 1) {
		act_for(self.uid ? 0 : TD_ALICE);
		return;
	}
	td_must(!syscall(SYS_capget, &header, data) &&
		!syscall(SYS_capset, &header, data), "capset");
	self.cred = ++last_cred;
}

static void *receive_in_thread(void *arg)
{
	int fd = *(int *)arg, i;
	char buf[4096];

	for (i = 0; i < 20; i++)
		recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	return arg;
}

/* Others use the socket meanwhile: what arrives where, nobody knows. */
static void step_race(const struct fuzz_step *step)
{
	struct fuzz_sock *sock = the_sock(step);
	pthread_t threads[2];
	int fd = sock->fd;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		td_must(!pthread_create(&threads[i], NULL, receive_in_thread,
					&fd), "pthread_create");
	if (step->how & 1) {
		close_sock(sock);
	} else {
		sock->torn = true;
		sock->may_lose = true;
		step_send(step);
		sock->queued += 100;
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

static void run_step(const struct fuzz_step *step)
{
	switch (step->op % NR_OPS) {
	case OP_SEND:
		step_send(step);
		break;
	case OP_RECEIVE:
		step_receive(step);
		break;
	case OP_OPEN:
		open_sock(&socks[step->sock % NR_SOCKS], step->by % NR_ACTORS,
			  step->how);
		break;
	case OP_CLOSE:
		step_close(step);
		break;
	case OP_OPTION:
		step_option(step);
		break;
	case OP_CREDENTIALS:
		step_credentials(step);
		break;
	case OP_PUPPET:
		order_puppet(step->how % NR_PUPPET_ACTS, step->arg);
		break;
	case OP_RACE:
		step_race(step);
		break;
	}
}

static void run_input(const struct fuzz_input *input)
{
	unsigned int i, limit;

	job->last = td_now();
	job->input = *input;
	if (kcov)
		memset(input_pcs, 0, sizeof(input_pcs));
	for (i = 0; i < input->nr_steps && !job->wrong[0]; i++)
		run_step(&input->steps[i]);
	for (i = 0; i < NR_SOCKS; i++) {
		limit = 64;
		while (socks[i].fd >= 0 && limit-- && !job->wrong[0] &&
		       receive(&socks[i], BY_SELF, 32768, 0))
			;
		close_sock(&socks[i]);
	}
	if (self.uid != job->uid)
		act_for(job->uid);
	while (late_closers.nr)
		waitpid(late_closers.pids[--late_closers.nr], NULL, 0);
	job->judged = fuzz_nr_judged;
	job->inputs++;
}

/* --- the corpus -------------------------------------------------------- */

/* The PCs of the last input that nothing had reached before */
static void find_new_pcs(void)
{
	unsigned int i;

	nr_new_pcs = 0;
	for (i = 0; i < NR_PCS; i++)
		if (input_pcs[i] && add_pc(shared->pcs, input_pcs[i])) {
			new_pcs[nr_new_pcs++] = input_pcs[i];
			__sync_fetch_and_add(&shared->nr_pcs, 1);
		}
}

static bool still_reaches(const struct fuzz_input *input)
{
	unsigned int i;

	if (!input->nr_steps)
		return false;
	run_input(input);
	for (i = 0; i < nr_new_pcs; i++)
		if (!has_pc(input_pcs, new_pcs[i]))
			return false;
	return !job->wrong[0];
}

static void try_without(struct fuzz_input *input, unsigned int at)
{
	struct fuzz_input less = *input;

	less.nr_steps--;
	memmove(&less.steps[at], &less.steps[at + 1],
		(less.nr_steps - at) * sizeof(*less.steps));
	if (still_reaches(&less))
		*input = less;
}

static void try_simpler(struct fuzz_input *input, unsigned int at)
{
	struct fuzz_input less = *input;

	less.steps[at].spoil = SPOIL_NOT;
	less.steps[at].select_spoil = 0;
	less.steps[at].by = BY_SELF;
	less.steps[at].arg = 0;
	if (memcmp(&less, input, sizeof(less)) && still_reaches(&less))
		*input = less;
}

/* Takes out of it what is not needed for what it reached first. */
static void minimise(struct fuzz_input *input)
{
	unsigned int at;

	for (at = input->nr_steps; at-- && !job->wrong[0];)
		try_without(input, at);
	for (at = 0; at < input->nr_steps && !job->wrong[0]; at++)
		try_simpler(input, at);
	memset(&input->steps[input->nr_steps], 0,
	       (MAX_STEPS - input->nr_steps) * sizeof(*input->steps));
}

static void keep_input(const struct fuzz_input *input)
{
	struct fuzz_input kept = *input;

	if (still_reaches(&kept))
		minimise(&kept);
	else
		kept = *input;
	if (nr_corpus < MAX_CORPUS)
		corpus[nr_corpus++] = kept;
}

/* What a smaller corpus lacks is left out: from the last, which reaches most. */
static void write_corpus(FILE *file)
{
	static __u64 reached[NR_PCS];
	unsigned int i, pc;
	bool needed;

	for (i = nr_corpus; i-- && !job->wrong[0];) {
		run_input(&corpus[i]);
		needed = false;
		for (pc = 0; pc < NR_PCS; pc++)
			if (input_pcs[pc] && add_pc(reached, input_pcs[pc]))
				needed = true;
		if (needed) {
			print_input(file, job->uid, &corpus[i]);
			job->nr_kept++;
		}
	}
	fclose(file);
}

/* --- jobs -------------------------------------------------------------- */

static bool go_on(unsigned long requests, double end)
{
	return !shared->stop && !job->wrong[0] &&
	       (!max_seconds || td_now() < end) &&
	       (!requests || job->requests < requests);
}

static void fuzz(unsigned int number, FILE *keep)
{
	const double end = td_now() + max_seconds;
	const unsigned long requests = max_requests / nr_jobs;
	struct fuzz_input input;
	unsigned int i;

	for (i = 0; i < nr_corpus && !job->wrong[0]; i++) {
		run_input(&corpus[i]);
		find_new_pcs();
		job->replayed++;
	}
	if (!max_requests && !max_seconds)
		return;
	random_state = (seed * 0x9e3779b97f4a7c15ULL) ^ (number + 1);
	while (go_on(requests, end)) {
		if (nr_corpus && one_in(2)) {
			input = corpus[below(nr_corpus)];
			mutate_input(&input);
		} else {
			random_input(&input);
		}
		run_input(&input);
		if (!kcov)
			continue;
		find_new_pcs();
		if (nr_new_pcs && !job->wrong[0])
			keep_input(&input);
	}
	if (keep && !job->wrong[0])
		write_corpus(keep);
}

/* A process of its own */
static void be_job(unsigned int number)
{
	FILE *keep = NULL;
	char path[256];
	unsigned int i;

	signal(SIGPIPE, SIG_IGN);
	call = mmap(NULL, sizeof(*call), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	td_must(call != MAP_FAILED, "mmap");
	if (shared->world.nr_cgroups)
		td_must(td_write_file(CGROUP "/cgroup.procs", "0"),
			"cgroup.procs");
	start_helper(BY_ROOT);
	start_helper(BY_OTHER);
	start_helper(BY_INSIDE);
	open_kcov();
	/* Where an ordinary user may not write */
	if (keep_file) {
		snprintf(path, sizeof(path), "%s.%u", keep_file, number);
		keep = fopen(path, "w");
		td_must(keep, path);
	}
	if (job->uid)
		td_become(job->uid);
	self = (struct fuzz_asker){ .pid = getpid(), .uid = job->uid };
	start_puppet();
	for (i = 0; i < NR_SOCKS; i++)
		socks[i].fd = -1;
	fuzz(number, keep);
	end_puppet();
	_exit(0);
}

/* --- the tasks that are there all the time ----------------------------- */

/* The cgroup, or FUZZ_UNKNOWN if it is none of the world's */
static int cgroup_of(__u32 pid)
{
	const struct fuzz_world *world = &shared->world;
	char text[4096];
	const char *line;
	int i;

	if (proc_read("/proc", pid, 0, "cgroup", text, sizeof(text)) < 0)
		return FUZZ_UNKNOWN;
	/* Unless there are others, which come first, it is the only line. */
	line = strncmp(text, "0::", 3) ? strstr(text, "\n0::") : text - 1;
	for (i = 0; line && i < world->nr_cgroups; i++)
		if (!world->cgroups[i].gone &&
		    !strncmp(line + 4, world->cgroups[i].path,
			     strcspn(line + 4, "\n")) &&
		    strcspn(line + 4, "\n") == strlen(world->cgroups[i].path))
			return i;
	return FUZZ_UNKNOWN;
}

/* @state: the letter that it keeps, or 0 if that and what it has may change */
static void add_task(__u32 tgid, __u32 pid, __u32 ppid, uid_t uid, char state)
{
	struct fuzz_world *world = &shared->world;
	struct fuzz_task task = {
		.tgid = tgid,
		.pid = pid,
		.ppid = ppid,
		.uid = uid,
		.zombie = state != 'S',
		.kthread = pid == 2,
		.state = state,
		.cgroup = state ? cgroup_of(pid) : FUZZ_UNKNOWN,
		.id = td_pidfd_ino(pid),
	};
	char text[1024], *close;

	td_must(world->nr_tasks < FUZZ_MAX_TASKS, "room for a task");
	td_must(!state || td_wait_state(tgid, pid, state), "state of a task");
	td_must(proc_read("/proc", tgid, pid, "stat", text, sizeof(text)) > 0,
		"stat");
	close = strrchr(text, ')');
	td_must(close && sscanf(close, ") %*c %*u %*u %u %u", &task.sid,
				&task.tty) == 2, "session and terminal");
	world->tasks[world->nr_tasks++] = task;
}

static void be_family(const void *uid)
{
	static const unsigned int nr_threads = 3;
	siginfo_t info;
	unsigned int i;
	pid_t pid;

	/* Root's stay in the session. */
	td_become(*(const uid_t *)uid);
	if (geteuid() == TD_ALICE)
		setsid();
	else if (geteuid())
		take_terminal();
	for (i = 0; i < 3; i++) {
		pid = td_fork();
		td_must(pid >= 0, "fork");
		if (!pid) {
			if (i == 2)
				_exit(0);
			for (;;)
				pause();
		}
		shared->children[i] = pid;
	}
	td_must(!waitid(P_PID, pid, &info, WEXITED | WNOWAIT), "waitid");
	td_start_threads(&nr_threads);
}

static void move_to(const char *cgroup, __u32 pid)
{
	char path[96], text[12];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(text, sizeof(text), "%u", pid);
	td_must(td_write_file(path, text), path);
}

/* In the cgroup, or in none of the world's */
static void start_family(uid_t uid, const char *cgroup)
{
	pid_t pid = td_spawn(be_family, &uid);
	struct td_set tids;
	size_t i;

	td_must(pid > 0, "start of a family");
	if (cgroup && shared->world.nr_cgroups) {
		move_to(cgroup, pid);
		/* No more the one that has ended */
		for (i = 0; i < 2; i++)
			move_to(cgroup, shared->children[i]);
	}
	tids = proc_tids("/proc", pid);
	for (i = 0; i < tids.nr; i++)
		add_task(pid, tids.pids[i], getpid(), uid, 'S');
	td_set_free(&tids);
	for (i = 0; i < 3; i++)
		add_task(shared->children[i], shared->children[i], pid, uid,
			 i == 2 ? 'Z' : 'S');
}

static void *end_in_thread(void *unused)
{
	if (one_in(2))
		_exit(0);
	return unused;
}

static void be_weather(void)
{
	char *argv[3] = { "task_diag_fuzz", "--nothing", NULL };
	pthread_t thread;

	switch (below(3)) {
	case 0:
		syscall(SYS_execveat, self_exe, "", argv, argv, AT_EMPTY_PATH);
		break;
	case 1:
		pthread_create(&thread, NULL, end_in_thread, NULL);
		pthread_create(&thread, NULL, end_in_thread, NULL);
		break;
	}
	_exit(0);
}

/* Tasks come and go, but leave most of the time to those who ask for them. */
static void be_storm(const void *uid)
{
	double start;
	pid_t pid;

	if (shared->world.nr_cgroups)
		td_must(td_write_file(CGROUP "/cgroup.procs", "0"),
			"cgroup.procs");
	td_become(*(const uid_t *)uid);
	td_ready();
	for (;;) {
		start = td_now();
		random_state = start * 1e9;
		pid = fork();
		if (!pid)
			be_weather();
		shared->storm = pid;
		waitpid(pid, NULL, 0);
		usleep(9e6 * (td_now() - start));
	}
}

/* --- the program ------------------------------------------------------- */

static void get_header(void)
{
	struct fuzz_world *world = &shared->world;
	struct td_answer *answer;
	struct td_sock sock;
	struct td_msg msg;

	if (td_open(&sock))
		ksft_exit_skip("the kernel has no task_diag\n");
	td_request(&sock, &msg, TASK_DIAG_CMD_HEADER, 0);
	answer = td_exchange(&sock, &msg);
	td_must(answer->has_header, "header");
	world->family = sock.family;
	world->header = answer->header;
	td_free(answer);
	td_close(&sock);
}

static __u64 cgroup_id(const char *path)
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + sizeof(__u64)];
	} of = { .handle = { .handle_bytes = sizeof(__u64) } };
	int mount;
	__u64 id;

	td_must(!name_to_handle_at(AT_FDCWD, path, &of.handle, &mount, 0) &&
		of.handle.handle_bytes == sizeof(id), path);
	memcpy(&id, of.bytes + sizeof(of.handle), sizeof(id));
	return id;
}

/* Makes it, if it is not there. Returns which it is. */
static int add_cgroup(const char *path, int parent)
{
	struct fuzz_world *world = &shared->world;
	struct fuzz_cgroup *cgroup = &world->cgroups[world->nr_cgroups];

	td_must(!mkdir(path, 0755) || errno == EEXIST, path);
	*cgroup = (struct fuzz_cgroup){
		.id = cgroup_id(path),
		.fd = open(path, O_PATH | O_DIRECTORY),
		.parent = parent,
	};
	td_must((int)cgroup->fd >= 0, path);
	path += strlen(CGROUP_MOUNT);
	snprintf(cgroup->path, sizeof(cgroup->path), "%s", *path ? path : "/");
	return world->nr_cgroups++;
}

/* Some with tasks, of which some move; an empty one; and one that is gone */
static void make_cgroups(void)
{
	struct fuzz_world *world = &shared->world;
	struct statfs fs;
	int root, gone;

	world->moving = FUZZ_UNKNOWN;
	if (statfs(CGROUP_MOUNT, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC ||
	    access(CGROUP_MOUNT, W_OK))
		return;
	root = add_cgroup(CGROUP_MOUNT, FUZZ_UNKNOWN);
	world->moving = add_cgroup(CGROUP, root);
	add_cgroup(CGROUP "/below", world->moving);
	add_cgroup(CGROUP "/empty", world->moving);
	gone = add_cgroup(CGROUP "/gone", world->moving);
	td_must(!rmdir(CGROUP "/gone"), "rmdir of a cgroup");
	world->cgroups[gone].gone = true;
	/* Everybody may make others in it, and may go there. */
	td_must(!chmod(CGROUP, 0777) &&
		!chmod(CGROUP "/cgroup.procs", 0666) &&
		!chmod(CGROUP "/below/cgroup.procs", 0666), "chmod");
}

static int remove_file(const char *path, const struct stat *st, int type,
		       struct FTW *at)
{
	return remove(path);
}

/* What puppets left that were ended while they made it */
static void remove_deep(void)
{
	nftw(DEEP, remove_file, 64, FTW_DEPTH | FTW_PHYS);
}

/* Once nobody is left in them, which may take a moment. */
static void remove_cgroups(void)
{
	const double deadline = td_now() + TD_DEADLINE_S;
	DIR *dir = opendir(CGROUP);
	struct dirent *entry;

	if (!shared->world.nr_cgroups || !dir)
		return;
	do {
		rewinddir(dir);
		while ((entry = readdir(dir)))
			if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
				unlinkat(dirfd(dir), entry->d_name,
					 AT_REMOVEDIR);
		if (!rmdir(CGROUP))
			break;
		usleep(20000);
	} while (td_now() < deadline);
	closedir(dir);
}

static void set_up(void)
{
	static const uid_t uids[] = { 0, TD_ALICE, TD_BOB };
	static const char * const cgroups[] = {
		CGROUP, CGROUP "/below", NULL,
	};
	unsigned int i;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	td_must(shared != MAP_FAILED, "mmap");
	fuzz_world = &shared->world;
	self_exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	td_must(self_exe >= 0, "/proc/self/exe");
	other_fds[0] = open("/", O_PATH | O_DIRECTORY);
	other_fds[1] = open(CGROUP_MOUNT "/cgroup.procs", O_PATH);
	td_must((!mkdir(DEEP, 0700) || errno == EEXIST) && !chmod(DEEP, 01777),
		DEEP);
	get_header();
	make_cgroups();

	/* Others start processes there, and they need not sleep. */
	add_task(1, 1, 0, 0, 0);
	add_task(2, 2, 0, 0, 0);
	for (i = 0; i < ARRAY_SIZE(uids); i++)
		start_family(uids[i], cgroups[i]);
	for (i = 0; i < 2; i++)
		td_must(td_spawn(be_storm, &uids[i]) > 0, "start of a storm");
	for (i = 0; i < nr_jobs; i++)
		shared->jobs[i].uid = uids[i % ARRAY_SIZE(uids)];
}

static void start_job(unsigned int number, pid_t *pid, const char *corpus_file)
{
	job = &shared->jobs[number];
	job->last = td_now();
	*pid = td_fork();
	td_must(*pid >= 0, "fork");
	if (*pid)
		return;
	if (corpus_file)
		read_corpus(corpus_file, job->uid);
	be_job(number);
}

static void print_proc(pid_t pid, __u32 tid, const char *name)
{
	char text[4096], *line, *rest = text;
	ssize_t len = proc_read("/proc", pid, tid, name, text, sizeof(text));

	while (len > 0 && (line = strsep(&rest, "\n")) && *line)
		ksft_print_msg("%u %s: %s\n", tid, name, line);
}

/* In which system call it is stuck */
static void print_where(pid_t pid)
{
	struct td_set tids = proc_tids("/proc", pid);
	size_t i;

	for (i = 0; i < tids.nr; i++) {
		print_proc(pid, tids.pids[i], "syscall");
		print_proc(pid, tids.pids[i], "stack");
	}
	td_set_free(&tids);
}

/* Waits for the job to end, or to be stuck. Says now and then where all are. */
static void watch(unsigned int number, pid_t pid)
{
	struct fuzz_job *watched = &shared->jobs[number];
	static double began;
	static unsigned int minutes;
	unsigned long requests;
	unsigned int i;
	int status;

	job = watched;
	if (!began)
		began = td_now();
	while (!waitpid(pid, &status, WNOHANG)) {
		if (td_now() - watched->last > STUCK_S) {
			fuzz_wrong("stuck");
			print_where(pid);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
		}
		if (td_now() - began > 60 * (minutes + 1)) {
			requests = 0;
			for (i = 0; i < nr_jobs; i++)
				requests += shared->jobs[i].requests;
			ksft_print_msg("%u min: %lu requests\n", ++minutes,
				       requests);
			fflush(stdout);
		}
		usleep(20000);
	}
	if (status)
		fuzz_wrong("ended with status 0x%x", status);
	if (watched->wrong[0])
		shared->stop = true;
}

static void report(const struct fuzz_job *done)
{
	if (done->wrong[0]) {
		ksft_print_msg("%s\n", done->wrong);
		ksft_print_msg("input: ");
		print_input(stdout, done->uid, &done->input);
	}
	ksft_test_result(!done->wrong[0],
			 "%s: %lu inputs of the corpus, %lu requests in %lu inputs, %lu messages about tasks\n",
			 job_name(done->uid), done->replayed, done->requests,
			 done->inputs, done->judged);
	if (done->nr_kept)
		ksft_print_msg("%u inputs kept\n", done->nr_kept);
}

static void write_pcs(void)
{
	FILE *file = fopen(pcs_file, "w");
	unsigned int i;

	td_must(file, pcs_file);
	for (i = 0; i < NR_PCS; i++)
		if (shared->pcs[i])
			fprintf(file, "%llx\n", shared->pcs[i]);
	fclose(file);
}

static void help(void)
{
	printf("usage: task_diag_fuzz [OPTION]...\n"
	       "\n"
	       "Sends requests to task_diag, and judges the answers. Without options a test.\n"
	       "\n"
	       "  --requests N   end after N requests\n"
	       "  --time S       end after S seconds\n"
	       "  --seed N       start of the random numbers (1)\n"
	       "  --jobs N       processes, in turn of root and two ordinary users (2)\n"
	       "  --corpus FILE  inputs to start from, and to make others of\n"
	       "  --keep FILE    write the inputs that reach all that was reached to FILE.0\n"
	       "                 and so on, one for each job; needs KCOV\n"
	       "  --pcs FILE     write the addresses reached; needs KCOV\n"
	       "  --replay FILE  run these inputs, and no others\n");
}

static const char *installed_corpus(void)
{
	static char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);

	td_must(len > 0, "/proc/self/exe");
	path[len] = 0;
	return strcat(path, ".corpus");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "requests", required_argument, NULL, 'n' },
		{ "time", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "corpus", required_argument, NULL, 'c' },
		{ "keep", required_argument, NULL, 'k' },
		{ "pcs", required_argument, NULL, 'p' },
		{ "replay", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	const char *corpus_file = NULL;
	pid_t pids[MAX_JOBS];
	bool replay = false;
	unsigned int i;
	int option;

	puppet_argv = argv;
	/* Only started by itself */
	if (argc > 1 && !strcmp(argv[1], "--nothing"))
		return 0;
	if (argc > 2 && !strcmp(argv[1], "--puppet")) {
		self_exe = 3;
		be_puppet(atoi(argv[2]));
	}

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			max_requests = strtoul(optarg, NULL, 0);
			break;
		case 't':
			max_seconds = strtod(optarg, NULL);
			break;
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'j':
			nr_jobs = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			replay = true;
			corpus_file = optarg;
			break;
		case 'c':
			corpus_file = optarg;
			break;
		case 'k':
			keep_file = optarg;
			break;
		case 'p':
			pcs_file = optarg;
			break;
		case 'h':
			help();
			return 0;
		default:
			help();
			return 2;
		}
	}
	if (optind < argc || !nr_jobs || nr_jobs > MAX_JOBS) {
		help();
		return 2;
	}
	ksft_print_header();
	if (geteuid())
		ksft_exit_skip("run as root\n");
	if (argc == 1)
		corpus_file = installed_corpus();
	if (!replay && !max_requests && !max_seconds) {
		max_requests = TEST_REQUESTS;
		max_seconds = TEST_S;
	}

	set_up();
	ksft_set_plan(nr_jobs);
	for (i = 0; i < nr_jobs; i++)
		start_job(i, &pids[i], corpus_file);
	for (i = 0; i < nr_jobs; i++)
		watch(i, pids[i]);
	for (i = 0; i < nr_jobs; i++)
		report(&shared->jobs[i]);
	if (shared->nr_pcs)
		ksft_print_msg("KCOV: %u addresses reached\n", shared->nr_pcs);
	if (pcs_file)
		write_pcs();
	td_kill_children();
	remove_deep();
	remove_cgroups();
	ksft_finished();
}
