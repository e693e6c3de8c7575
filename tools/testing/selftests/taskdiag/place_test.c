// SPDX-License-Identifier: GPL-2.0
/* The groups NS, NSPID and CGROUP: where a task is, as procfs says it */
#include "lib/harness.h"

#include <sys/mman.h>
#include <sys/sysmacros.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x80
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP	0x02000000
#endif

/* --- NS ---------------------------------------------------------------- */

static const struct {
	const char	*link;
	__u32		type;
	__u32		for_children;
} namespaces[] = {
	{ "net", CLONE_NEWNET, 0 },
	{ "uts", CLONE_NEWUTS, 0 },
	{ "ipc", CLONE_NEWIPC, 0 },
	{ "pid", CLONE_NEWPID, 0 },
	{ "pid_for_children", CLONE_NEWPID, 1 },
	{ "user", CLONE_NEWUSER, 0 },
	{ "mnt", CLONE_NEWNS, 0 },
	{ "cgroup", CLONE_NEWCGROUP, 0 },
	{ "time", CLONE_NEWTIME, 0 },
	{ "time_for_children", CLONE_NEWTIME, 1 },
};

/* As the header says, and as the kernel's new_encode_dev() does it */
static dev_t decode_dev(__u32 dev)
{
	return makedev((dev & 0xfff00) >> 8,
		       (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

static const struct task_diag_ns *find_ns(const struct td_group *group,
					  unsigned int which)
{
	const struct task_diag_ns *ns = (void *)group->data;
	size_t i;

	for (i = 0; i < group->len / sizeof(*ns); i++)
		if (ns[i].type == namespaces[which].type &&
		    ns[i].for_children == namespaces[which].for_children)
			return &ns[i];
	return NULL;
}

/* Compares with the links in the directory ns; returns how many there are. */
static unsigned int check_ns(const struct td_group *group, __u32 pid, __u32 tid)
{
	const struct task_diag_ns *ns;
	unsigned int i, nr = 0;
	struct stat st;
	char path[80];

	for (i = 0; i < ARRAY_SIZE(namespaces); i++) {
		snprintf(path, sizeof(path), "/proc/%u/task/%u/ns/%s", pid,
			 tid ?: pid, namespaces[i].link);
		ns = find_ns(group, i);
		if (stat(path, &st)) {
			if (ns)
				differs("%s is not there; ", path);
			continue;
		}
		nr++;
		if (!ns || ns->ino != st.st_ino ||
		    decode_dev(ns->dev) != st.st_dev || ns->pad)
			differs("%s: %llx:%llu instead of %llx:%llu; ", path,
				ns ? (__u64)decode_dev(ns->dev) : 0,
				ns ? ns->ino : 0, (__u64)st.st_dev,
				(__u64)st.st_ino);
	}
	if (group->len != nr * sizeof(*ns) || group->nr_parts != nr)
		differs("%u: NS has %zu bytes for %u links; ", pid, group->len,
			nr);
	return nr;
}

/* --- NSPID ------------------------------------------------------------- */

static void check_ids(const struct td_group *group, const char *status,
		      const char *key, size_t offset)
{
	size_t size = sizeof(struct task_diag_nspid), nr = group->len / size, i;
	const char *at = strstr(status, key);
	char *end;

	if (!at) {
		differs("no %s; ", key);
		return;
	}
	at += strlen(key);
	for (i = 0; *at && *at != '\n'; i++) {
		__u32 id = strtoul(at, &end, 10);

		if (i < nr &&
		    *(__u32 *)(group->data + i * size + offset) != id)
			differs("%s %u at level %zu; ", key, id, i);
		at = end;
	}
	expect(0, "levels of NSPID", nr, i);
}

static void check_nspid(const struct td_group *group, __u32 pid, __u32 tid)
{
	char status[4096];

	if (proc_read("/proc", pid, tid, "status", status, sizeof(status)) <= 0)
		differs("status of %u; ", pid);
	check_ids(group, status, "\nNSpid:",
		  offsetof(struct task_diag_nspid, pid));
	check_ids(group, status, "\nNStgid:",
		  offsetof(struct task_diag_nspid, tgid));
	check_ids(group, status, "\nNSpgid:",
		  offsetof(struct task_diag_nspid, pgid));
	check_ids(group, status, "\nNSsid:",
		  offsetof(struct task_diag_nspid, sid));
}

/* --- CGROUP ------------------------------------------------------------ */

/* Joins the parts of a path, each of which has its offset. */
static void join_cgroup(const struct td_group *group, struct task_diag_cgroup *to,
			char *path, size_t size)
{
	const size_t head = sizeof(*to);
	struct task_diag_cgroup next;
	size_t pos = head, len = 0;

	path[0] = 0;
	memset(to, 0, sizeof(*to));
	if (group->len < head)
		return;
	memcpy(to, group->data, head);
	if (to->path_off || to->path_len >= size || to->path_at != head ||
	    group->len != group->nr_parts * head + to->path_len) {
		differs("CGROUP has %zu bytes in %u parts for %u at %u; ",
			group->len, group->nr_parts, to->path_len,
			to->path_off);
		return;
	}
	while (len < to->path_len) {
		memcpy(&next, group->data + pos,
		       group->len - pos < head ? group->len - pos : head);
		if (len && group->len - pos >= head && next.id == to->id &&
		    next.path_len == to->path_len && next.path_off == len)
			pos += head;
		path[len++] = group->data[pos++];
	}
	path[len] = 0;
	if (pos != group->len)
		differs("CGROUP has parts that do not fit together; ");
}

static void check_cgroup(const struct td_group *group, __u32 pid, __u32 tid)
{
	struct task_diag_cgroup cgroup;
	char text[8192], path[8192];
	const char *line;

	join_cgroup(group, &cgroup, path, sizeof(path));
	/* As if there were a line before the first */
	text[0] = '\n';
	if (proc_read("/proc", pid, tid, "cgroup", text + 1,
		      sizeof(text) - 1) < 0)
		text[1] = 0;
	line = strstr(text, "\n0::");
	if (!line) {
		differs("/proc/%u/cgroup has no line of hierarchy 0; ", pid);
		return;
	}
	line += strlen("\n0::");
	if (strlen(path) != strcspn(line, "\n") ||
	    memcmp(path, line, strlen(path)))
		differs("%u CGROUP %.100s, procfs %.100s; ", pid, path, line);
}

/* --- where a task is --------------------------------------------------- */

#define WHERE	(BIT(NS) | BIT(NSPID) | BIT(CGROUP))

static void check_where(const struct td_props_answer *answer, __u64 groups,
			__u32 pid, __u32 tid)
{
	const struct td_props *task = td_find_props(answer, tid ?: pid);

	differs("%s", td_props_whole(answer));
	if (!task || task->has != groups || task->failed) {
		differs("%u has groups 0x%llx of 0x%llx, failed 0x%llx; ", pid,
			task ? task->has : 0, groups, task ? task->failed : 0);
		return;
	}
	if (groups & BIT(NS))
		check_ns(&task->groups[TASK_DIAG_NS], pid, tid);
	if (groups & BIT(NSPID))
		check_nspid(&task->groups[TASK_DIAG_NSPID], pid, tid);
	if (groups & BIT(CGROUP))
		check_cgroup(&task->groups[TASK_DIAG_CGROUP], pid, tid);
}

static __u64 supported(struct td_sock *sock)
{
	struct td_answer *answer = td_dump(sock, TASK_DIAG_DUMP_ONE, 0, 0);
	__u64 groups = answer->header.show_flags;

	td_free(answer);
	return groups;
}

/* By all strategies, with buffers of two sizes */
static const char *place_differs(__u32 pid)
{
	static const size_t sizes[] = { 4096, 65536 };
	struct td_set tids = proc_tids("/proc", pid);
	struct td_props_answer *answer;
	struct td_sock sock;
	unsigned int i;
	__u64 groups;
	size_t thread;

	begin_diff();
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		td_must(!td_open(&sock), "td_open");
		td_set_recv_size(&sock, sizes[i]);
		groups = WHERE & supported(&sock);
		answer = td_get_props(&sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
				      groups, pid);
		check_where(answer, groups, pid, 0);
		td_free_props(answer);
		answer = td_get_props(&sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL,
				      groups, 0);
		check_where(answer, groups, pid, 0);
		td_free_props(answer);
		answer = td_get_props(&sock, NLM_F_DUMP, TASK_DIAG_DUMP_THREAD,
				      groups, pid);
		for (thread = 0; thread < tids.nr; thread++)
			check_where(answer, groups, pid, tids.pids[thread]);
		td_free_props(answer);
		td_close(&sock);
	}
	td_set_free(&tids);
	return diff.text;
}

FIXTURE(where)
{
	struct td_sock sock;
};

FIXTURE_SETUP(where)
{
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(where)
{
	td_kill_children();
	td_close(&self->sock);
}

TEST_F(where, place_of_a_process_equals_procfs)
{
	pid_t pid;

	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", place_differs(pid));
}

TEST_F(where, place_of_every_thread_equals_procfs)
{
	static const unsigned int nr = 3;
	pid_t pid;

	pid = td_spawn(td_start_threads, &nr);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", place_differs(pid));
}

TEST_F(where, place_of_a_kernel_thread_equals_procfs)
{
	EXPECT_STREQ("", place_differs(2));
}

TEST_F(where, place_of_a_zombie_equals_procfs)
{
	pid_t pid;

	pid = td_spawn_zombie(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", place_differs(pid));
}

/* In new namespaces of every kind that the kernel has, with a child of its own */
static void unshare_all(const void *unused)
{
	static const int kinds[] = {
		CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET,
		CLONE_NEWCGROUP, CLONE_NEWPID, CLONE_NEWTIME,
	};
	unsigned int i;
	pid_t pid;

	td_unshare_user(0);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		td_must(!unshare(kinds[i]) || errno == EINVAL, "unshare");
	/* The namespace of pids gets its first process. */
	pid = td_fork();
	td_must(pid >= 0, "fork");
	if (!pid) {
		td_ready();
		for (;;)
			pause();
	}
	td_must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	close(td_ready_fd);
	td_ready_fd = -1;
}

static __u32 only_child(__u32 pid)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/%u/task/%u/children", pid, pid);
	td_read_file(path, text, sizeof(text));
	return strtoul(text, NULL, 10);
}

TEST_F(where, namespaces_of_its_own_equal_procfs)
{
	struct task_diag_ns own[16], ours[16];
	size_t len, i;
	__u32 child;
	pid_t pid;
	bool same;

	pid = td_spawn(unshare_all, NULL);
	ASSERT_LT(0, pid);
	child = only_child(pid);
	EXPECT_STREQ("", place_differs(pid));
	if (child)
		EXPECT_STREQ("", place_differs(child));

	len = td_get_bytes(&self->sock, TASK_DIAG_DUMP_ONE, pid, TASK_DIAG_NS,
			   own, sizeof(own));
	ASSERT_GE(sizeof(own), len);
	EXPECT_EQ(len, td_get_bytes(&self->sock, TASK_DIAG_DUMP_ONE, getpid(),
				    TASK_DIAG_NS, ours, sizeof(ours)));
	for (i = 0; i < len / sizeof(own[0]); i++) {
		ASSERT_EQ(ours[i].type, own[i].type);
		/* Only children get these. */
		same = !own[i].for_children &&
		       (own[i].type == CLONE_NEWPID ||
			own[i].type == CLONE_NEWTIME);
		EXPECT_EQ(same, ours[i].ino == own[i].ino)
			TH_LOG("type 0x%x", own[i].type);
	}
}

/* A namespace of pids that has no process yet */
static void unshare_pids(const void *unused)
{
	td_must(!unshare(CLONE_NEWPID), "unshare");
}

TEST_F(where, pid_namespace_for_children_may_not_exist_yet)
{
	pid_t pid;

	pid = td_spawn(unshare_pids, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", place_differs(pid));
}

/* --- in nested pid namespaces ------------------------------------------ */

/* @levels of them, one in the other, every second one with a session */
static void nest(const void *levels)
{
	unsigned int left;
	pid_t pid;

	for (left = *(const unsigned int *)levels; left; left--) {
		td_must(!unshare(CLONE_NEWPID), "unshare");
		pid = fork();
		td_must(pid >= 0, "fork");
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pid) {
			close(td_ready_fd);
			for (;;)
				pause();
		}
		if (left & 1)
			td_must(setsid() > 0, "setsid");
	}
}

/* Of @pid and its descendants, each of which has one child */
static const char *family_differs(__u32 pid, unsigned int generations)
{
	const char *text = "";

	while (generations-- && !text[0]) {
		if (!pid)
			return "a child is missing";
		text = place_differs(pid);
		pid = only_child(pid);
	}
	return text;
}

TEST_F(where, numbers_in_nested_pid_namespaces_equal_procfs)
{
	static const unsigned int levels = 5;
	struct task_diag_nspid ids[8];
	__u32 pid, i;

	pid = td_spawn(nest, &levels);
	ASSERT_LT(0, (int)pid);
	if (!only_child(pid))
		SKIP(return, "no /proc/PID/task/TID/children");
	EXPECT_STREQ("", family_differs(pid, levels + 1));
	for (i = 0; i < levels; i++)
		pid = only_child(pid);
	EXPECT_EQ((levels + 1) * sizeof(ids[0]),
		  td_get_bytes(&self->sock, TASK_DIAG_DUMP_ONE, pid,
			       TASK_DIAG_NSPID, ids, sizeof(ids)));
	EXPECT_EQ(pid, ids[0].pid);
	EXPECT_EQ(1, ids[levels].pid);
	EXPECT_EQ(1, ids[levels].tgid);
}

/* The same, seen from the first of them */
static const char *inner_view_differs(void)
{
	static const unsigned int levels = 3;
	pid_t pid;

	td_must(!unshare(CLONE_NEWPID | CLONE_NEWNS), "unshare");
	pid = fork();
	if (pid)
		return td_wait(pid) ? "see above" : "";
	td_children = (struct td_set){};
	td_must(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		!mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
	pid = td_spawn(nest, &levels);
	td_must(pid > 0, "td_spawn");
	begin_diff();
	/* Its own session is outside. */
	if (!place_differs(getpid())[0])
		family_differs(pid, levels + 1);
	if (diff.len)
		fprintf(stderr, "# %s\n", diff.text);
	td_kill_children();
	_exit(diff.len ? KSFT_FAIL : KSFT_PASS);
}

TEST_F(where, numbers_seen_from_an_inner_pid_namespace_equal_procfs)
{
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(inner_view_differs));
}

/* --- in control groups ------------------------------------------------- */

#define CGROUPS	"/tmp/cgroup"

FIXTURE(cgroup)
{
	struct td_sock sock;
	char top[64];		/* of what is made here */
	char path[4096];	/* of the group that is compared */
};

FIXTURE_SETUP(cgroup)
{
	ASSERT_EQ(0, td_open(&self->sock));
	if (!(supported(&self->sock) & BIT(CGROUP)))
		SKIP(return, "the kernel was built without CGROUPS");
	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, mkdir(CGROUPS, 0700));
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		SKIP(return, "no cgroup2: %s", strerror(errno));
	snprintf(self->top, sizeof(self->top), CGROUPS "/taskdiag.%d",
		 getpid());
	ASSERT_EQ(0, mkdir(self->top, 0700));
	snprintf(self->path, sizeof(self->path), "%s", self->top);
}

static void remove_groups(const char *top, char *path)
{
	while (strlen(path) >= strlen(top)) {
		rmdir(path);
		*strrchr(path, '/') = 0;
	}
}

FIXTURE_TEARDOWN(cgroup)
{
	td_kill_children();
	if (self->path[0])
		remove_groups(self->top, self->path);
	td_close(&self->sock);
}

static bool add_group(char *path, const char *name)
{
	strcat(path, "/");
	strcat(path, name);
	return !mkdir(path, 0700);
}

static bool write_pid(const char *path, const char *file, __u32 pid)
{
	char to[4200], number[16];

	snprintf(to, sizeof(to), "%s/%s", path, file);
	snprintf(number, sizeof(number), "%u", pid);
	return td_write_file(to, number);
}

static __u64 id_of(struct td_sock *sock, __u32 pid)
{
	struct task_diag_cgroup cgroup[300];

	td_get_bytes(sock, TASK_DIAG_DUMP_ONE, pid, TASK_DIAG_CGROUP, cgroup,
		     sizeof(cgroup));
	return cgroup[0].id;
}

/* What its file handle holds: an inode number has but half of it on 32 bits. */
static __u64 id_by_handle(const char *path)
{
	struct {
		struct file_handle handle;
		__u64 id;
	} group = { .handle.handle_bytes = sizeof(group.id) };
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, path, &group.handle, &mount_id, 0))
		return 0;
	return group.id;
}

TEST_F(cgroup, cgroup_has_an_id_and_a_path)
{
	__u64 id;
	pid_t pid;

	ASSERT_TRUE(add_group(self->path, "in ner\xff"));
	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(write_pid(self->path, "cgroup.procs", pid));
	EXPECT_STREQ("", place_differs(pid));
	id = id_by_handle(self->path);
	ASSERT_NE(0, id);
	EXPECT_EQ(id, id_of(&self->sock, pid));

	/* A dead task stays in it. */
	kill(pid, SIGKILL);
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	EXPECT_STREQ("", place_differs(pid));
	EXPECT_EQ(id, id_of(&self->sock, pid));
}

TEST_F(cgroup, long_path_of_a_cgroup_comes_in_parts)
{
	struct td_props_answer *answer;
	const struct td_props *task;
	struct td_sock small;
	char name[256];
	size_t left;
	pid_t pid;

	memset(name, 'c', sizeof(name));
	name[200] = 0;
	while (strlen(self->path) + 201 < 4000)
		ASSERT_TRUE(add_group(self->path, name));
	/* What fits a page is not cut; files in there need a path, too. */
	name[200] = 'c';
	left = 4074 - strlen(self->path);
	name[left < 255 ? left : 255] = 0;
	ASSERT_TRUE(add_group(self->path, name));
	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(write_pid(self->path, "cgroup.procs", pid));
	EXPECT_STREQ("", place_differs(pid));

	/* A fresh one: the kernel fits datagrams to the largest recv. */
	ASSERT_EQ(0, td_open(&small));
	td_set_recv_size(&small, 4096);
	answer = td_get_props(&small, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
			      BIT(CGROUP) | BIT(STAT), pid);
	task = td_find_props(answer, pid);
	ASSERT_NE(NULL, task);
	EXPECT_LT(1, task->groups[TASK_DIAG_CGROUP].nr_parts);
	begin_diff();
	check_cgroup(&task->groups[TASK_DIAG_CGROUP], pid, 0);
	EXPECT_STREQ("", diff.text);
	td_free_props(answer);
	td_close(&small);
}

TEST_F(cgroup, zombie_keeps_its_removed_cgroup)
{
	struct td_props_answer *answer;
	const struct td_group *group;
	__u64 id;
	pid_t pid;

	ASSERT_TRUE(add_group(self->path, "removed"));
	pid = td_spawn(NULL, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(write_pid(self->path, "cgroup.procs", pid));
	id = id_of(&self->sock, pid);
	kill(pid, SIGKILL);
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	ASSERT_EQ(0, rmdir(self->path));
	*strrchr(self->path, '/') = 0;
	EXPECT_STREQ("", place_differs(pid));
	EXPECT_EQ(id, id_of(&self->sock, pid));

	answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE, BIT(CGROUP),
			      pid);
	ASSERT_NE(NULL, td_find_props(answer, pid));
	group = &td_find_props(answer, pid)->groups[TASK_DIAG_CGROUP];
	ASSERT_LT(strlen("/removed (deleted)"), group->len);
	EXPECT_STREQ("/removed (deleted)",
		     group->data + group->len - strlen("/removed (deleted)"));
	td_free_props(answer);
}

/* With the thread's number where its leader is, in a threaded group */
TEST_F(cgroup, thread_may_be_in_another_cgroup)
{
	static const unsigned int nr = 1;
	struct td_set tids;
	char type[4200];
	pid_t pid;

	pid = td_spawn(td_start_threads, &nr);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(write_pid(self->path, "cgroup.procs", pid));
	ASSERT_TRUE(add_group(self->path, "threaded"));
	snprintf(type, sizeof(type), "%s/cgroup.type", self->path);
	ASSERT_TRUE(td_write_file(type, "threaded"));
	tids = proc_tids("/proc", pid);
	ASSERT_EQ(2, tids.nr);
	ASSERT_TRUE(write_pid(self->path, "cgroup.threads", tids.pids[1]));
	EXPECT_STREQ("", place_differs(pid));
	td_set_free(&tids);
}

static void fork_in_group(const void *path)
{
	pid_t pid;

	td_must(write_pid(path, "cgroup.procs", getpid()), "move");
	td_ready();
	for (;;) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

/* fork() gives it a number first, and then puts it into its parent's group. */
TEST_F(cgroup, new_task_is_never_in_the_root)
{
	const double end = td_now() + td_env_number("TD_SECONDS", 5);
	struct td_props_answer *answer;
	const struct td_props *task;
	unsigned int seen = 0;
	__u64 id;
	pid_t pid;
	size_t i;

	pid = td_spawn(fork_in_group, self->path);
	ASSERT_LT(0, pid);
	id = id_of(&self->sock, pid);
	while (td_now() < end || seen < 10) {
		answer = td_get_props(&self->sock, NLM_F_DUMP,
				      TASK_DIAG_DUMP_CHILDREN, BIT(CGROUP), pid);
		ASSERT_STREQ("", td_props_whole(answer));
		for (i = 0; i < answer->nr_tasks; i++) {
			task = &answer->tasks[i];
			if (!(task->has & BIT(CGROUP)))
				continue;
			ASSERT_EQ(id, ((struct task_diag_cgroup *)
				       task->groups[TASK_DIAG_CGROUP].data)->id);
			seen++;
		}
		td_free_props(answer);
	}
	TH_LOG("%u new tasks", seen);
}

#define OTHER_HIERARCHY	"/tmp/taskdiag_hierarchy"

static void move_elsewhere(const void *unused)
{
	static const char *const groups[] = {
		OTHER_HIERARCHY "/group", OTHER_HIERARCHY,
	};
	unsigned int i;

	for (i = 0; ; i++) {
		td_must(write_pid(groups[i % 2], "tasks", getpid()), "move");
		if (i == 2)
			td_ready();
	}
}

/* While it moves between groups of another hierarchy, the root seems not to have it. */
TEST_F(cgroup, task_in_the_root_group_has_it_while_it_moves_elsewhere)
{
	const double end = td_now() + td_env_number("TD_SECONDS", 5);
	struct td_props_answer *answer;
	pid_t pid;

	mkdir(OTHER_HIERARCHY, 0755);
	if (mount("none", OTHER_HIERARCHY, "cgroup", 0, "none,name=taskdiag"))
		SKIP(return, "no hierarchies of version 1");
	mkdir(OTHER_HIERARCHY "/group", 0755);
	pid = td_spawn(move_elsewhere, NULL);
	ASSERT_LT(0, pid);
	while (td_now() < end && !_metadata->exit_code) {
		answer = td_get_props(&self->sock, 0, TASK_DIAG_DUMP_ONE,
				      BIT(CGROUP), pid);
		ASSERT_STREQ("", td_props_whole(answer));
		EXPECT_EQ(BIT(CGROUP), answer->tasks[0].has & BIT(CGROUP));
		td_free_props(answer);
	}
	td_kill_children();
	rmdir(OTHER_HIERARCHY "/group");
	umount2(OTHER_HIERARCHY, MNT_DETACH);
	rmdir(OTHER_HIERARCHY);
}

static __u32 to_judge[3];

static const char *view_in_namespace(void)
{
	unsigned int i;

	td_must(!unshare(CLONE_NEWCGROUP), "unshare");
	for (i = 0; i < ARRAY_SIZE(to_judge); i++)
		if (place_differs(to_judge[i])[0])
			break;
	return diff.text;
}

static char inner_group[4096];

static const char *view_from_inside(void)
{
	td_must(write_pid(inner_group, "cgroup.procs", getpid()), "move");
	return view_in_namespace();
}

/* Below: a path from there. Outside: one with "/.." in it. */
TEST_F(cgroup, cgroup_path_starts_at_the_readers_namespace)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(to_judge); i++)
		to_judge[i] = td_spawn(NULL, NULL);
	ASSERT_TRUE(add_group(self->path, "middle"));
	ASSERT_TRUE(write_pid(self->path, "cgroup.procs", to_judge[0]));
	snprintf(inner_group, sizeof(inner_group), "%s", self->path);
	ASSERT_TRUE(add_group(self->path, "below"));
	ASSERT_TRUE(write_pid(self->path, "cgroup.procs", to_judge[1]));
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(view_from_inside));
}

/* The task has so many supplementary groups that CGROUP is in a later message. */
static const char *leave_namespace_amid_a_task(void)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(GROUPS) | BIT(CGROUP),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = to_judge[0],
	};
	struct td_props_answer *answer;
	const struct td_props *task;
	struct td_sock sock;

	begin_diff();
	td_must(write_pid(inner_group, "cgroup.procs", getpid()), "move");
	td_must(!unshare(CLONE_NEWCGROUP), "unshare");
	td_must(!td_open(&sock), "td_open");
	td_set_recv_size(&sock, 4096);
	answer = td_start_props(&sock, NLM_F_DUMP, &req);
	while (!answer->nr_tasks)
		td_must(td_recv_props(&sock, answer), "recv");
	/* Nobody else is in that namespace. */
	td_must(write_pid(CGROUPS, "cgroup.procs", getpid()), "move back");
	td_must(!unshare(CLONE_NEWCGROUP), "unshare again");
	while (td_recv_props(&sock, answer))
		;
	task = td_find_props(answer, to_judge[0]);
	td_must(task && task->nr_msgs > 1 && task->has & BIT(CGROUP), "CGROUP");
	check_cgroup(&task->groups[TASK_DIAG_CGROUP], to_judge[0], 0);
	return diff.text;
}

static void join_many_groups(const void *unused)
{
	static gid_t gids[10000];

	td_must(!setgroups(ARRAY_SIZE(gids), gids), "setgroups");
}

TEST_F(cgroup, cgroup_namespace_can_be_left_within_a_task)
{
	to_judge[0] = td_spawn_sleeper(join_many_groups, NULL);
	ASSERT_LT(0, to_judge[0]);
	ASSERT_TRUE(add_group(self->path, "middle"));
	ASSERT_TRUE(write_pid(self->path, "cgroup.procs", to_judge[0]));
	snprintf(inner_group, sizeof(inner_group), "%s", self->path);
	EXPECT_EQ(KSFT_PASS, td_judge_in_child(leave_namespace_amid_a_task));
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
