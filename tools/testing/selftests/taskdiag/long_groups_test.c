// SPDX-License-Identifier: GPL-2.0
/*
 * Groups of any length: arguments, environment and supplementary groups come
 * whole, however they are split among messages, or end as in procfs where they
 * cannot be read, and with the task.
 */
#include "lib/counterparts.h"
#include "lib/fixture_groups.h"

#include <sys/mman.h>
#include <sys/wait.h>

/* --- supplementary groups ---------------------------------------------- */

static void join_groups(const void *arg)
{
	unsigned int i, nr = *(const unsigned int *)arg;
	gid_t *gids = calloc(nr + 1, sizeof(*gids));

	td_must(gids, "calloc");
	for (i = 0; i < nr; i++)
		gids[i] = 3000 + 3 * i;
	td_must(!setgroups(nr, gids), "setgroups");
}

TEST_F(groups, supplementary_groups_of_any_number_equal_procfs)
{
	static const unsigned int numbers[] = { 0, 1, 1000, 5000, 65536 };
	static const size_t recv_sizes[] = { 4096, 65536 };
	struct td_props_answer *answer;
	struct td_group *group;
	struct td_sock sock;
	unsigned int i, s;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		pid = td_spawn_sleeper(join_groups, &numbers[i]);
		ASSERT_LT(0, pid);
		for (s = 0; s < ARRAY_SIZE(recv_sizes); s++) {
			ASSERT_EQ(0, td_open(&sock));
			td_set_recv_size(&sock, recv_sizes[s]);
			EXPECT_STREQ("", process_differs(&sock, pid));
			answer = td_get_props(&sock, NLM_F_DUMP,
					      TASK_DIAG_DUMP_ONE, BIT(GROUPS),
					      pid);
			ASSERT_EQ(1, answer->nr_tasks);
			group = &answer->tasks[0].groups[TASK_DIAG_GROUPS];
			EXPECT_EQ(numbers[i] * sizeof(__u32), group->len);
			EXPECT_LE(group->len / recv_sizes[s], group->nr_parts);
			EXPECT_EQ(group->nr_parts, answer->tasks[0].nr_msgs);
			td_free_props(answer);
			td_close(&sock);
		}
	}
}

/* --- arguments and environment ----------------------------------------- */

/*
 * This program as "NAME --sleep FD BYTES [...]": says on FD that it is there,
 * and sleeps. Before that it overwrites its arguments, as setproctitle() does,
 * up to BYTES past their end; 0 leaves them alone.
 */
static void sleep_main(int argc, char **argv)
{
	char *end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
	int past = atoi(argv[3]);

	td_ready_fd = atoi(argv[2]);
	if (past)
		memset(argv[0], 't', end + past - argv[0]);
	td_ready();
	for (;;)
		pause();
}

struct program {
	char	past[8];
	size_t	arg_len;	/* of one more argument */
	size_t	env_len;	/* of the only variable */
};

static char *long_text(size_t len, const char *start)
{
	char *text;
	size_t i;

	if (!len)
		return NULL;
	text = calloc(1, len + 1);
	td_must(text, "calloc");
	for (i = 0; i < len; i++)
		text[i] = 'A' + i % 57;
	memcpy(text, start, strlen(start));
	return text;
}

static void run_program(const void *arg)
{
	const struct program *program = arg;
	char *env[2] = { long_text(program->env_len, "VAR="), NULL };
	char fd[12];

	snprintf(fd, sizeof(fd), "%d", td_ready_fd);
	execle("/proc/self/exe", "sleeper", "--sleep", fd, program->past,
	       long_text(program->arg_len, "arg"), NULL, env);
	td_must(false, "execle");
}

static const struct program big_program = {
	.past = "0", .arg_len = 128 * 1024 - 1, .env_len = 100 * 1024,
};

TEST_F(groups, any_arguments_and_environment_equal_procfs)
{
	static const struct program programs[] = {
		{ "0", 0, 0 }, { "0", 10, 0 }, { "0", 10, 10 },
		{ "0", 4096, 4096 }, { "0", 6000, 3000 },
		{ "1", 0, 500 }, { "50", 10, 500 }, { "50", 5000, 500 },
		{ "-1", 0, 500 }, { "-5", 10, 500 }, { "501", 10, 500 },
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		pid = td_spawn_sleeper(run_program, &programs[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid))
			TH_LOG("program %u", i);
	}
}

FIXTURE(recv_size)
{
	struct td_sock sock;
};

FIXTURE_VARIANT(recv_size)
{
	size_t size;
};

FIXTURE_VARIANT_ADD(recv_size, page)
{
	.size = 4096,
};

FIXTURE_VARIANT_ADD(recv_size, kib_12)
{
	.size = 12288,
};

FIXTURE_VARIANT_ADD(recv_size, kib_64)
{
	.size = 65536,
};

/* The kernel remembers the largest recv of a socket: each has its own. */
FIXTURE_SETUP(recv_size)
{
	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, variant->size);
}

FIXTURE_TEARDOWN(recv_size)
{
	td_kill_children();
	td_close(&self->sock);
}

TEST_F(recv_size, parts_of_long_groups_join_to_the_whole)
{
	struct td_props_answer *answer;
	const struct td_props *task;
	pid_t pid;

	pid = td_spawn_sleeper(run_program, &big_program);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));

	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
			      ALL_GROUPS, pid);
	ASSERT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	task = &answer->tasks[0];
	EXPECT_LT(128 * 1024, task->groups[TASK_DIAG_CMDLINE].len);
	EXPECT_EQ(100 * 1024 + 1, task->groups[TASK_DIAG_ENVIRON].len);
	EXPECT_LE(228 * 1024 / 32768, task->nr_msgs);
	if (variant->size == 4096)
		EXPECT_LE(228 / 4, task->nr_msgs);
	td_free_props(answer);
}

/* Tasks that do not fit are split, between others that fit. */
TEST_F(recv_size, tasks_that_are_split_among_many_are_whole)
{
	struct td_props_answer *answer;
	pid_t pids[9];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = td_spawn_sleeper(i % 3 == 1 ? run_program : NULL,
					   &big_program);
		ASSERT_LT(0, pids[i]);
	}
	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_CHILDREN,
			      ALL_GROUPS, 0);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(ARRAY_SIZE(pids), answer->nr_tasks);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		EXPECT_EQ(pids[i], answer->tasks[i].pid);
		EXPECT_EQ(groups_of_self(), answer->tasks[i].has);
		if (i % 3 == 1)
			EXPECT_LT(4, answer->tasks[i].nr_msgs);
	}
	td_free_props(answer);
	EXPECT_STREQ("", process_differs(&self->sock, pids[0]));
	EXPECT_STREQ("", process_differs(&self->sock, pids[4]));
}

TEST_F(groups, groups_that_fit_come_in_one_message)
{
	static const struct program small = { "0", 10, 10 };
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(run_program, &small);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE, ALL_GROUPS,
			      pid);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_EQ(1, answer->tasks[0].nr_msgs);
	EXPECT_EQ(groups_of_self(), answer->tasks[0].has);
	td_free_props(answer);
}

TEST_F(groups, groups_that_do_not_fit_need_a_dump)
{
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(run_program, &big_program);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE, ALL_GROUPS,
			      pid);
	EXPECT_EQ(EMSGSIZE, answer->rest->error);
	EXPECT_STREQ("task does not fit in one message: ask with NLM_F_DUMP",
		     answer->rest->text);
	EXPECT_EQ(0, answer->nr_tasks);
	td_free_props(answer);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
}

#define NR_MANY_GIDS	20000

static void join_many_groups(const void *unused)
{
	static gid_t gids[NR_MANY_GIDS];
	unsigned int i;

	for (i = 0; i < NR_MANY_GIDS; i++)
		gids[i] = i;
	td_must(!setgroups(NR_MANY_GIDS, gids), "setgroups");
}

/* A warning of the kernel sets a bit in it. */
static unsigned long kernel_taint(void)
{
	char text[32];

	td_read_file("/proc/sys/kernel/tainted", text, sizeof(text));
	return strtoul(text, NULL, 10);
}

/* Without BASE, so that the message is empty when the group does not fit */
TEST_F(groups, group_that_does_not_fit_alone_makes_no_warning)
{
	const unsigned long before = kernel_taint();
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(join_many_groups, NULL);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE, BIT(GROUPS),
			      pid);
	EXPECT_EQ(EMSGSIZE, answer->rest->error);
	EXPECT_STREQ("task does not fit in one message: ask with NLM_F_DUMP",
		     answer->rest->text);
	td_free_props(answer);
	EXPECT_EQ(before, kernel_taint());
}

TEST_F(groups, sums_over_many_threads_need_a_dump)
{
	static const __u64 sums[] = { BIT(TIMES), BIT(STAT), BIT(OOM),
				      BIT(IO) };
	static const unsigned int few = 63, many = 64;
	struct td_props_answer *answer;
	pid_t pid_of_few, pid_of_many;
	unsigned int i;

	pid_of_few = td_spawn(td_start_threads, &few);
	pid_of_many = td_spawn(td_start_threads, &many);
	ASSERT_LT(0, pid_of_few);
	ASSERT_LT(0, pid_of_many);
	for (i = 0; i < ARRAY_SIZE(sums); i++) {
		answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
				      sums[i], pid_of_many);
		EXPECT_EQ(EMSGSIZE, answer->rest->error);
		EXPECT_STREQ("process has many threads: ask with NLM_F_DUMP",
			     answer->rest->text);
		EXPECT_EQ(0, answer->nr_tasks);
		td_free_props(answer);

		answer = td_get_props(&self->sock, NLM_F_DUMP,
				      TASK_DIAG_DUMP_ONE, sums[i], pid_of_many);
		EXPECT_EQ(1, answer->nr_tasks);
		td_free_props(answer);

		answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
				      sums[i], pid_of_few);
		EXPECT_EQ(1, answer->nr_tasks);
		td_free_props(answer);
	}
	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
			      BIT(BASE) | BIT(CRED), pid_of_many);
	EXPECT_EQ(1, answer->nr_tasks);
	td_free_props(answer);
}

/*
 * Arguments and environment anywhere: @arg bytes, @gap more, @env bytes, all
 * letters but for zeroes at @nul, of which 0 ends the list. Negative ones count
 * from the end of the arguments.
 */
struct title {
	int	arg;
	int	gap;
	int	env;
	int	nul[4];
};

#define TITLE_START	1000	/* in the middle of a page */

static void set_title(const void *arg)
{
	const struct title *title = arg;
	char *area = td_map(8 * 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *text = area + TITLE_START;
	int i;

	for (i = 0; i < 7 * 4096; i++)
		text[i] = 'a' + i % 26;
	for (i = 0; i < ARRAY_SIZE(title->nul) && title->nul[i]; i++)
		text[title->nul[i] + (title->nul[i] < 0 ? title->arg : 0)] = 0;
	td_move_strings(text, title->arg, text + title->arg + title->gap,
			title->env);
}

TEST_F(groups, any_title_equals_procfs)
{
	static const struct title titles[] = {
		{ 10, 0, 20, { 4, -1 } },	/* no title: two arguments */
		{ 10, 0, 20, { 15 } },		/* runs into the environment */
		{ 10, 0, 20, { 10 } },		/* its zero byte is there */
		{ 10, 0, 20, {} },			/* fills the environment */
		{ 10, 0, 20, { 3 } },		/* ends before the arguments */
		{ 10, 5, 20, { 12 } },		/* no environment after it */
		{ 10, 0, 0, {} },			/* no environment at all */
		{ 5000, 0, 20, {} },		/* more than a page */
		{ 5000, 0, 20, { 4500 } },	/* and ends in the second */
		{ 5000, 0, 20, { 100 } },
		{ 4096, 0, 20, {} }, { 4096, 0, 20, { 4096 } },
		{ 4095, 0, 20, {} }, { 4095, 0, 20, { 4096 } },
		{ 2000, 0, 5000, {} }, { 2000, 0, 5000, { 5000 } },
		{ 12000, 0, 6000, { -1 } },	/* no title, but long */
		{ 0, 0, 20, {} }, { 0, 0, 0, {} }, { 1, 0, 1, {} }, { 1, 0, 1, { -1 } },
	};
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(titles); i++) {
		pid = td_spawn_sleeper(set_title, &titles[i]);
		ASSERT_LT(0, pid);
		EXPECT_STREQ("", process_differs(&self->sock, pid))
			TH_LOG("title %u", i);
	}
}

/* Arguments without a zero byte at their end are a title, which ends with one. */
static void set_title_before_a_hole(const void *unused)
{
	char *area = td_map(4 * 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memset(area, 't', 4 * 4096);
	area[100] = 0;
	area[12003] = 'T';
	td_move_strings(area, 12004, area + 12004, 20);
	td_must(!mprotect(area + 4096, 4096, PROT_NONE), "mprotect");
}

/* Whether they fit a message or not */
TEST_F(recv_size, title_before_a_hole_equals_procfs)
{
	char title[200];
	pid_t pid;

	pid = td_spawn_sleeper(set_title_before_a_hole, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
	EXPECT_EQ(101, td_get_bytes(&self->sock, TASK_DIAG_DUMP_ONE, pid,
				    TASK_DIAG_CMDLINE, title, sizeof(title)));
}

/* Pages that were never touched are read as zeroes. */
static void use_untouched_pages(const void *unused)
{
	char *area = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	td_move_strings(area, 8192, area + 8192, 8192);
}

TEST_F(groups, untouched_arguments_equal_procfs)
{
	pid_t pid;

	pid = td_spawn_sleeper(use_untouched_pages, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
}

/* --- groups that cannot be read now ------------------------------------ */

/* A handler, which never does, is to fill all pages but the first @arg. */
static void wait_for_handler(const void *arg)
{
	size_t present = *(const unsigned int *)arg * 4096;
	char *area = td_map_for_handler(4 * 4096, present);

	td_move_strings(area, 8192, area + 8192, 8192);
}

static void map_file(const void *unused)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *area = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);

	td_must(area != MAP_FAILED, "mmap");
	td_move_strings(area, 4096, area + 4096, 4096);
}

/* CMDLINE and ENVIRON fail, without a wait, and all others are there. */
static void expect_absent_pages(struct __test_metadata *_metadata,
				struct td_sock *sock, pid_t pid)
{
	struct td_props_answer *answer;
	const struct td_props *task;
	double start = td_now();

	answer = td_get_props(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE, ALL_GROUPS,
			      pid);
	EXPECT_GT(td_patience(), td_now() - start);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	task = &answer->tasks[0];
	EXPECT_EQ(STRINGS, task->failed);
	EXPECT_EQ(-EFAULT, task->groups[TASK_DIAG_CMDLINE].error);
	EXPECT_EQ(-EFAULT, task->groups[TASK_DIAG_ENVIRON].error);
	td_free_props(answer);
}

TEST_F(groups, arguments_behind_userfaultfd_are_not_in_memory)
{
	static const unsigned int present[] = { 0, 1 };
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(present); i++) {
		pid = td_spawn_sleeper(wait_for_handler, &present[i]);
		ASSERT_LT(0, pid);
		expect_absent_pages(_metadata, &self->sock, pid);
		EXPECT_STREQ("", process_fails(&self->sock, pid, STRINGS));
	}
}

/* procfs has nothing of arguments in a file, either. */
TEST_F(groups, arguments_in_a_file_are_absent)
{
	pid_t pid;

	pid = td_spawn_sleeper(map_file, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
}

/* What becomes of the pages @first up to @end of four with arguments */
struct unreadable {
	unsigned int first;
	unsigned int end;
	bool unmapped;
	size_t len;		/* what is left to be read */
};

static void make_unreadable(const void *arg)
{
	const struct unreadable *pages = arg;
	char *area = mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *first = area + pages->first * 4096;
	size_t len = (pages->end - pages->first) * 4096;

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', 6 * 4096);
	area[4 * 4096 - 1] = 0;
	/* Of its own, for what comes before not to grow */
	td_must(!mprotect(area + 5 * 4096, 4096, PROT_NONE), "mprotect");
	td_move_strings(area, 4 * 4096, area + 4 * 4096, 4096);
	if (pages->unmapped)
		td_must(!munmap(first, len), "munmap");
	else
		td_must(!mprotect(first, len, PROT_NONE), "mprotect");
}

static void have_arguments(const void *unused)
{
	char *area = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', 4096);
	area[999] = 0;
	td_move_strings(area, 1000, area + 1000, 500);
}

TEST_F(groups, strings_that_fit_a_message_are_not_cut)
{
	static const __u16 groups[] = {
		TASK_DIAG_CMDLINE, TASK_DIAG_ENVIRON, TASK_DIAG_EXE,
	};
	struct td_props_answer *answer;
	const struct td_group *group;
	unsigned int i, k, nr = 0;

	for (i = 0; i < 30; i++)
		ASSERT_LT(0, td_spawn_sleeper(have_arguments, NULL));
	td_set_recv_size(&self->sock, 4096);
	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL,
			      STRINGS | BIT(EXE), 0);
	EXPECT_STREQ("", td_props_whole(answer));
	for (i = 0; i < answer->nr_tasks; i++) {
		for (k = 0; k < ARRAY_SIZE(groups); k++) {
			group = &answer->tasks[i].groups[groups[k]];
			if (!group->len || group->len > 3000)
				continue;
			EXPECT_EQ(1, group->nr_parts);
			nr++;
		}
	}
	EXPECT_LE(90, nr);
	td_free_props(answer);
}

TEST_F(groups, strings_that_cannot_be_read_end_as_in_procfs)
{
	static const struct unreadable cases[] = {
		{ 0, 4, true, 0 },
		{ 0, 4, false, 0 },
		{ 1, 2, true, 4096 },
		{ 2, 3, false, 8192 },
		{ 3, 4, false, 12288 },
	};
	struct td_props_answer *answer;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pid = td_spawn_sleeper(make_unreadable, &cases[i]);
		ASSERT_LT(0, pid);
		answer = td_get_props(&self->sock, NLM_F_DUMP,
				      TASK_DIAG_DUMP_ONE, STRINGS, pid);
		EXPECT_STREQ("", td_props_whole(answer));
		ASSERT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(0, answer->tasks[0].failed);
		EXPECT_EQ(cases[i].len,
			  answer->tasks[0].groups[TASK_DIAG_CMDLINE].len)
			TH_LOG("case %u", i);
		EXPECT_EQ(4096, answer->tasks[0].groups[TASK_DIAG_ENVIRON].len);
		td_free_props(answer);
		EXPECT_STREQ("", process_differs(&self->sock, pid))
			TH_LOG("case %u", i);
	}
}

/*
 * A stack with a hole in it: procfs makes it grow there, and reads zeroes. This
 * test does not read procfs, which may leave a backtrace in the kernel's log.
 */
static void unmap_amid_stack(const void *unused)
{
	char *area = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', 8 * 4096);
	area[6 * 4096 - 1] = 0;
	td_move_strings(area, 6 * 4096, area + 6 * 4096, 2 * 4096);
	td_must(!munmap(area + 2 * 4096, 4096), "munmap");
}

TEST_F(groups, arguments_below_a_hole_in_the_stack_equal_procfs)
{
	struct td_props_answer *answer;
	struct td_group *args;
	pid_t pid;

	pid = td_spawn_sleeper(unmap_amid_stack, NULL);
	ASSERT_LT(0, pid);
	answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
			      STRINGS, pid);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_EQ(0, answer->tasks[0].failed);
	args = &answer->tasks[0].groups[TASK_DIAG_CMDLINE];
	ASSERT_EQ(6 * 4096, args->len);
	EXPECT_EQ('x', args->data[2 * 4096 - 1]);
	EXPECT_EQ(0, args->data[2 * 4096]);
	EXPECT_EQ(0, args->data[3 * 4096 - 1]);
	EXPECT_EQ('x', args->data[3 * 4096]);
	td_free_props(answer);
}

static void *map_and_unmap(void *unused)
{
	char *area;

	for (;;) {
		area = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		td_must(area != MAP_FAILED, "mmap");
		*area = 1;
		munmap(area, 65536);
	}
	return NULL;
}

static void start_mappers(const void *unused)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		td_new_thread(map_and_unmap, NULL);
}

static unsigned int count_failed(struct td_sock *sock, __u64 groups, pid_t pid,
				 unsigned int rounds)
{
	struct td_props_answer *answer;
	unsigned int failed = 0;

	while (rounds--) {
		answer = td_get_props(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
				      groups, pid);
		failed += answer->nr_tasks != 1 || answer->tasks[0].failed;
		td_free_props(answer);
	}
	return failed;
}

/* At most one in twenty, where procfs would wait for its turn */
TEST_F(groups, arguments_of_a_process_that_maps_all_the_time_are_read)
{
	pid_t pid;

	if (!td_has_vma_locks())
		SKIP(return, "32-bit kernels have no CONFIG_PER_VMA_LOCK");
	pid = td_spawn_sleeper(start_mappers, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, count_failed(&self->sock, STRINGS, pid, 300));
	EXPECT_GE(5, count_failed(&self->sock, BIT(VMA), pid, 100));
	EXPECT_GE(5, count_failed(&self->sock, BIT(MEM_ROLLUP), pid, 100));
	EXPECT_GE(5, count_failed(&self->sock, BIT(VMA_STAT), pid, 100));
}

/* Starts a dump of a process, and receives its first part. */
static struct td_props_answer *begin_task(struct td_sock *sock, pid_t pid,
					  __u64 groups)
{
	struct task_diag_pid req = {
		.show_flags = groups,
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = pid,
	};
	struct td_props_answer *answer;

	td_set_recv_size(sock, 4096);
	answer = td_start_props(sock, NLM_F_DUMP, &req);
	while (!answer->nr_tasks && td_recv_props(sock, answer))
		;
	return answer;
}

/*
 * Expects of a task whose first part was received that the rest is gone. One
 * recv more is on its way already: the kernel is ahead by it.
 */
static void expect_gone(struct __test_metadata *_metadata, struct td_sock *sock,
			struct td_props_answer *answer)
{
	const struct td_props *task;

	while (td_recv_props(sock, answer))
		;
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	task = &answer->tasks[0];
	EXPECT_EQ(STRINGS, task->failed);
	EXPECT_EQ(-ESRCH, task->groups[TASK_DIAG_CMDLINE].error);
	EXPECT_EQ(-ESRCH, task->groups[TASK_DIAG_ENVIRON].error);
	EXPECT_EQ(groups_of_self() & ~BIT(ENVIRON), task->has);
	td_free_props(answer);
}

TEST_F(groups, end_of_the_task_ends_its_answer)
{
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(run_program, &big_program);
	ASSERT_LT(0, pid);
	answer = begin_task(&self->sock, pid, ALL_GROUPS);
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_TRUE(answer->tasks[0].more);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	expect_gone(_metadata, &self->sock, answer);

	/* The same with one that is reaped. */
	pid = td_spawn_sleeper(run_program, &big_program);
	ASSERT_LT(0, pid);
	answer = begin_task(&self->sock, pid, ALL_GROUPS);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	expect_gone(_metadata, &self->sock, answer);
}

/* Sleeps with long arguments until a signal, then runs something else. */
static void run_again(int sig)
{
	execl("/proc/self/exe", "again", NULL);
	_exit(1);
}

static void exec_on_signal(const void *unused)
{
	char *area = td_map(40 * 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	signal(SIGUSR1, run_again);
	area[20 * 4096 - 1] = 0;
	td_move_strings(area, 20 * 4096, area + 20 * 4096, 20 * 4096);
}

/* Makes the task that exec_on_signal() prepared do so, and waits for it. */
static bool calls_exec(pid_t pid)
{
	double deadline = td_now() + TD_DEADLINE_S;
	char text[64] = "";

	td_must(!kill(pid, SIGUSR1), "kill");
	while (strcmp(text, "again") && td_now() < deadline)
		proc_read("/proc", pid, 0, "cmdline", text, sizeof(text));
	return !strcmp(text, "again");
}

TEST_F(groups, exec_ends_the_answer_for_the_task)
{
	struct td_props_answer *answer;
	pid_t pid;

	pid = td_spawn_sleeper(exec_on_signal, NULL);
	ASSERT_LT(0, pid);
	answer = begin_task(&self->sock, pid, ALL_GROUPS);
	ASSERT_EQ(1, answer->nr_tasks);
	ASSERT_TRUE(calls_exec(pid));
	expect_gone(_metadata, &self->sock, answer);
}

static void join_groups_and_exec_on_signal(const void *nr)
{
	join_groups(nr);
	exec_on_signal(NULL);
}

/* Nor is anything left of one that needs no memory. */
TEST_F(groups, exec_ends_a_long_list)
{
	static const unsigned int nr = 65536;
	struct td_props_answer *answer;
	const struct td_props *task;
	pid_t pid;

	pid = td_spawn_sleeper(join_groups_and_exec_on_signal, &nr);
	ASSERT_LT(0, pid);
	answer = begin_task(&self->sock, pid, BIT(CRED) | BIT(GROUPS));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_TRUE(answer->tasks[0].more);
	ASSERT_TRUE(calls_exec(pid));
	while (td_recv_props(&self->sock, answer))
		;
	EXPECT_STREQ("", td_props_whole(answer));
	task = td_find_props(answer, pid);
	ASSERT_NE(NULL, task);
	EXPECT_EQ(BIT(GROUPS), task->failed);
	EXPECT_EQ(-ESRCH, task->groups[TASK_DIAG_GROUPS].error);
	td_free_props(answer);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "--sleep"))
		sleep_main(argc, argv);
	if (!strcmp(argv[0], "again"))
		for (;;)
			pause();
	return td_main(argc, argv);
}
