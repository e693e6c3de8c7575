// SPDX-License-Identifier: GPL-2.0
/*
 * What tasks have in memory, read from storage and swapped out equals procfs, and
 * a request reads nothing in.
 */
#include "lib/counterparts.h"
#include "lib/fixture_groups.h"

#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/uio.h>

/* --- memory ------------------------------------------------------------ */

/* Pages that io_uring keeps are pinned. */
static void pin(char *area, size_t size)
{
	struct iovec iov = { .iov_base = area, .iov_len = size };
	struct io_uring_params params = {};
	int fd;

	fd = syscall(SYS_io_uring_setup, 1, &params);
	td_must(fd >= 0, "io_uring_setup");
	td_must(!syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS,
			 &iov, 1), "io_uring_register");
}

static void use_memory(const void *unused)
{
	td_touch_memory(9 << 20);
	td_map(1 << 20, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	td_map(2 << 20, MAP_SHARED | MAP_ANONYMOUS, -1);
	td_must(!mlock(td_map(40960, MAP_PRIVATE | MAP_ANONYMOUS, -1), 40960),
		"mlock");
	/* With CAP_IPC_LOCK io_uring charges nothing. */
	td_set_caps(0, 0, 0);
	pin(td_map(20480, MAP_PRIVATE | MAP_ANONYMOUS, -1), 20480);
}

TEST_F(groups, memory_of_every_kind_equals_procfs)
{
	struct task_diag_mem mem;
	pid_t pid;

	pid = td_spawn_sleeper(use_memory, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	mem = PROCESS(&self->sock, pid, MEM, mem);
	EXPECT_LE(mem.total_vm + (4 << 20), mem.hiwater_vm);
	EXPECT_LE(mem.rss_anon + mem.rss_file + mem.rss_shmem + (4 << 20),
		  mem.hiwater_rss);
	EXPECT_LE(1 << 20, mem.rss_anon);
	EXPECT_LE(2 << 20, mem.rss_shmem);
	EXPECT_LE(4096, mem.rss_file);
	EXPECT_EQ(40960, mem.locked);
	EXPECT_EQ(20480, mem.pinned);
	EXPECT_LE(4096, mem.pgtables);
}

static void use_huge_page(const void *unused)
{
	td_map(2 << 20, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
}

static void make_code_writable(const void *unused)
{
	unsigned long start, end;
	char line[PATH_MAX + 100];
	FILE *maps = fopen("/proc/self/maps", "r");

	td_must(maps, "maps");
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx r-xp", &start, &end) == 2 &&
		    strstr(line, "r-xp") && strchr(line, '/'))
			td_must(!mprotect((void *)start, end - start,
					  PROT_READ | PROT_WRITE | PROT_EXEC),
				"mprotect");
	fclose(maps);
}

/* Code that can be written to is code to statm, not to status. */
TEST_F(groups, task_with_writable_code_equals_procfs)
{
	struct task_diag_mm_map map;
	unsigned long text;
	char statm[256];
	pid_t pid;

	pid = td_spawn_sleeper(make_code_writable, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	map = PROCESS(&self->sock, pid, MM_MAP, mm_map);
	ASSERT_LT(0, proc_read("/proc", pid, 0, "statm", statm, sizeof(statm)));
	td_must(sscanf(statm, "%*u %*u %*u %lu", &text) == 1, "statm");
	EXPECT_EQ(text, (map.end_code + 4095) / 4096 - map.start_code / 4096);
}

TEST_F(groups, huge_pages_equal_procfs)
{
	static const char nr_hugepages[] = "/proc/sys/vm/nr_hugepages";
	char before[16];
	size_t len;
	pid_t pid;
	char *text;

	text = td_read_whole(nr_hugepages, &len);
	snprintf(before, sizeof(before), "%s", text);
	free(text);
	if (!len || !td_write_file(nr_hugepages, "2"))
		SKIP(return, "no huge pages");
	pid = td_spawn_sleeper(use_huge_page, NULL);
	EXPECT_LT(0, pid);
	EXPECT_STREQ("", process_differs(&self->sock, pid));
	EXPECT_EQ(2 << 20, PROCESS(&self->sock, pid, MEM, mem).hugetlb);
	EXPECT_TRUE(td_write_file(nr_hugepages, before));
}

/* --- storage ----------------------------------------------------------- */

#define STORAGE_SIZE	(16 << 20)

FIXTURE(storage)
{
	struct td_sock sock;
	struct td_storage storage;
};

FIXTURE_SETUP(storage)
{
	self->storage.fd = -1;
	ASSERT_EQ(0, td_open(&self->sock));
	ASSERT_STREQ("", td_open_storage(&self->storage, STORAGE_SIZE));
}

FIXTURE_TEARDOWN(storage)
{
	td_kill_children();
	td_close_storage(&self->storage);
	td_close(&self->sock);
}

/* Reads 32 KiB at least, writes 64, and takes back 16 before they are out. */
static void use_storage(const void *path)
{
	const __u64 range[] = { 8 << 20, 16384 };
	int fd = open(path, O_RDWR);
	static char buf[65536];

	td_must(fd >= 0 && pread(fd, buf, 32768, 4 << 20) == 32768 &&
		pwrite(fd, buf, 49152, 0) == 49152 && !fsync(fd) &&
		pwrite(fd, buf, range[1], range[0]) == (ssize_t)range[1] &&
		!ioctl(fd, BLKZEROOUT, range), path);
}

TEST_F(storage, storage_that_a_process_uses_is_counted)
{
	struct task_diag_io io;
	pid_t pid;

	/* With its last descriptor here what is dirty would be written. */
	pid = td_spawn_sleeper(use_storage, self->storage.path);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	io = PROCESS(&self->sock, pid, IO, io);
	EXPECT_LE(32768, io.read_bytes);
	EXPECT_EQ(65536, io.write_bytes);
	EXPECT_EQ(16384, io.cancelled_write_bytes);
}

TEST_F(storage, swapped_out_memory_is_counted)
{
	struct task_diag_mem mem;
	pid_t pid;

	ASSERT_STREQ("", td_start_swap(&self->storage, STORAGE_SIZE));
	pid = td_spawn_sleeper(td_swap_out, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	mem = PROCESS(&self->sock, pid, MEM, mem);
	EXPECT_EQ(1 << 19, mem.swap);
	EXPECT_LE(1 << 19, mem.rss_anon);
}

#define CGROUP	"/sys/fs/cgroup/taskdiag_groups"

static void swap_out_environment(const void *unused)
{
	char *area;

	td_must(td_write_file(CGROUP "/cgroup.procs", "0"), "cgroup.procs");
	area = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', 8192);
	td_move_strings(area, 4096, area + 4096, 4096);
	td_page_out(area + 4096, 4096);
}

/* Neither kind of request reads the page, which would be charged to the cgroup. */
static void expect_untouched(struct __test_metadata *_metadata,
			     struct td_sock *sock, pid_t pid)
{
	static const __u16 flags[] = { 0, NLM_F_DUMP };
	struct td_props_answer *answer;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		answer = td_get_props(sock, flags[i % 2], TASK_DIAG_DUMP_ONE,
				      BIT(ENVIRON), pid);
		EXPECT_STREQ("", td_props_whole(answer));
		ASSERT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(-EFAULT,
			  answer->tasks[0].groups[TASK_DIAG_ENVIRON].error);
		td_free_props(answer);
		usleep(20000);
	}
}

TEST_F(storage, swapped_out_environment_stays_swapped_out)
{
	char before[1024], after[1024], path[64];
	struct task_diag_mem mem;
	pid_t pid;

	td_write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	ASSERT_TRUE(!mkdir(CGROUP, 0755) || errno == EEXIST);
	if (access(CGROUP "/memory.reclaim", W_OK))
		SKIP(return, "no cgroup2 with memory.reclaim: CONFIG_MEMCG");
	ASSERT_STREQ("", td_start_swap(&self->storage, STORAGE_SIZE));
	pid = td_spawn_sleeper(swap_out_environment, NULL);
	ASSERT_LT(0, pid);
	/* What was written out is still cached, until that is. */
	td_write_file(CGROUP "/memory.reclaim", "1M");
	mem = PROCESS(&self->sock, pid, MEM, mem);
	EXPECT_LT(0, mem.swap);
	td_read_file(CGROUP "/memory.events", before, sizeof(before));
	expect_untouched(_metadata, &self->sock, pid);
	td_read_file(CGROUP "/memory.events", after, sizeof(after));
	EXPECT_STREQ(before, after);
	EXPECT_EQ(mem.swap, PROCESS(&self->sock, pid, MEM, mem).swap);

	/* procfs reads it in. */
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	td_read_file(path, after, sizeof(after));
	EXPECT_STREQ("", task_differs(&self->sock, pid, 0));
	td_kill_children();
	rmdir(CGROUP);
}

int main(int argc, char **argv)
{
	return td_main(argc, argv);
}
