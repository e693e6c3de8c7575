// SPDX-License-Identifier: GPL-2.0
/*
 * FILES and the counts of FD equal what /proc/PID/fd, fdinfo and stat(2) show
 * of each open file, and CWD and ROOT what the links of that name read, even if
 * the task changes in the meantime.
 *
 * Environment: TD_SECONDS, how long each race takes (5); TD_FILES, how many
 * files a task with very many has open (1000000); TD_PATIENCE, see td_patience().
 */
#include "lib/harness.h"

#include <limits.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/io_uring.h>
#include <linux/ioprio.h>
#include <linux/perf_event.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <netinet/in.h>

#define PATHS		TASK_DIAG_FILE_PATHS
#define SOCKETS		TASK_DIAG_ONLY_SOCKETS
#define KINDS		TASK_DIAG_FD_KINDS

#define FD_NUMBER	200	/* where a child has the file that matters */
#define ODD_NAME	"odd\n \\012\t\x01\xff"

static double seconds_of_race(void)
{
	return td_env_number("TD_SECONDS", 5);
}

static unsigned int very_many(void)
{
	return td_env_number("TD_FILES", 1000000);
}

/* --- what task_diag reports -------------------------------------------- */

struct open_file {
	struct task_diag_file	info;
	char			*path;	/* NULL if it has none */
	size_t			len;	/* of it, so far */
	unsigned int		nr_parts;
};

struct open_files {
	struct open_file	*all;
	size_t			nr;
	size_t			max;
};

static struct open_file *add_file(struct open_files *files)
{
	struct open_file *file;

	files->all = td_grow(files->all, files->nr, &files->max,
			     sizeof(*files->all));
	file = &files->all[files->nr++];
	memset(file, 0, sizeof(*file));
	return file;
}

static void free_files(struct open_files *files)
{
	size_t i;

	for (i = 0; i < files->nr; i++)
		free(files->all[i].path);
	free(files->all);
	*files = (struct open_files){};
}

static void add_path(struct open_file *file, const char *bytes, size_t len)
{
	if (!len)
		return;
	file->path = realloc(file->path, file->len + len + 1);
	td_must(file->path, "realloc");
	memcpy(file->path + file->len, bytes, len);
	file->len += len;
	file->path[file->len] = 0;
}

/* The parts of one file differ in nothing but where in the path they are. */
static bool same_file(struct task_diag_file a, const struct task_diag_file *b)
{
	a.path_off = b->path_off;
	return !memcmp(&a, b, sizeof(a));
}

static void join_part(struct open_files *files, const char *data, size_t len)
{
	struct open_file *file = NULL;
	struct task_diag_file info;

	if (len < sizeof(info)) {
		differs("a file of %zu bytes; ", len);
		return;
	}
	memcpy(&info, data, sizeof(info));
	len -= sizeof(info);
	if (info.path_at != sizeof(info) || info.pad)
		differs("%u has its path at %u, a pad of %u; ", info.fd,
			info.path_at, info.pad);
	if (files->nr)
		file = &files->all[files->nr - 1];
	if (file && file->len < file->info.path_len) {
		if (!same_file(info, &file->info))
			differs("%u is aborted at byte %zu of its path; ",
				file->info.fd, file->len);
	} else {
		if (file && file->info.fd >= info.fd)
			differs("%u comes after %u; ", info.fd, file->info.fd);
		file = add_file(files);
		file->info = info;
	}
	if (info.path_off != file->len || file->len + len > info.path_len ||
	    (!len && info.path_len))
		differs("%u has %zu bytes of its path at %u of %u; ", info.fd,
			len, info.path_off, info.path_len);
	add_path(file, data + sizeof(info), len);
	file->nr_parts++;
}

/* An answer, and what it has of one task */
struct listing {
	struct td_props_answer	*answer;
	const struct td_props	*task;		/* NULL if it is not there */
	struct open_files	files;
};

static void join_files(struct listing *listing)
{
	const struct td_group *group = &listing->task->groups[TASK_DIAG_FILES];
	struct open_files *files = &listing->files;
	const struct open_file *last;
	unsigned int i;
	size_t end;

	for (i = 0; i < group->nr_parts; i++) {
		end = group->len;
		if (i + 1 < group->nr_parts)
			end = group->parts[i + 1];
		join_part(files, group->data + group->parts[i],
			  end - group->parts[i]);
	}
	last = files->nr ? &files->all[files->nr - 1] : NULL;
	if (last && last->len < last->info.path_len &&
	    !(listing->task->failed & BIT(FILES)))
		differs("%u has %zu bytes of its path; ", last->info.fd,
			last->len);
}

/* Receives the rest; returns the longest time that a datagram took. */
static double receive(struct td_sock *sock, struct td_props_answer *answer)
{
	double begin, longest = 0;
	bool more = !answer->rest->broken[0] && !answer->rest->ended;

	while (more) {
		begin = td_now();
		more = td_recv_props(sock, answer);
		if (td_now() - begin > longest)
			longest = td_now() - begin;
	}
	return longest;
}

/* Joins what the answer has of the task @nr. What is wrong goes to diff. */
static struct listing list_of(struct td_props_answer *answer, __u32 nr)
{
	struct listing listing = { .answer = answer };

	differs("%s", td_props_whole(answer));
	listing.task = td_find_props(answer, nr);
	if (listing.task)
		join_files(&listing);
	else
		differs("%u is not in the answer; ", nr);
	return listing;
}

static struct listing get_listing(struct td_sock *sock,
				  const struct task_diag_pid *req, __u32 nr)
{
	return list_of(td_ask_props(sock, NLM_F_DUMP, req), nr);
}

static void free_listing(struct listing *listing)
{
	free_files(&listing->files);
	td_free_props(listing->answer);
}

static const struct open_file *find_file(const struct open_files *files,
					 __u32 fd)
{
	size_t i;

	for (i = 0; i < files->nr; i++)
		if (files->all[i].info.fd == fd)
			return &files->all[i];
	return NULL;
}

/* --- what procfs says -------------------------------------------------- */

static const struct {
	const char *start;	/* of what the link reads */
	__u32 kind;
} kinds_by_link[] = {
	{ "pipe:[", TASK_DIAG_FILE_PIPE },
	{ "socket:[", TASK_DIAG_FILE_SOCKET },
	{ "/memfd:", TASK_DIAG_FILE_MEMFD },
	{ "anon_inode:[eventfd]", TASK_DIAG_FILE_EVENTFD },
	{ "anon_inode:[eventpoll]", TASK_DIAG_FILE_EPOLL },
	{ "anon_inode:[signalfd]", TASK_DIAG_FILE_SIGNALFD },
	{ "anon_inode:[timerfd]", TASK_DIAG_FILE_TIMERFD },
	{ "anon_inode:inotify", TASK_DIAG_FILE_INOTIFY },
	{ "anon_inode:[fanotify]", TASK_DIAG_FILE_FANOTIFY },
	{ "anon_inode:[pidfd]", TASK_DIAG_FILE_PIDFD },
	{ "anon_inode:[io_uring]", TASK_DIAG_FILE_IO_URING },
	{ "anon_inode:[perf_event]", TASK_DIAG_FILE_PERF_EVENT },
	{ "anon_inode:bpf", TASK_DIAG_FILE_BPF },
	{ "anon_inode:btf", TASK_DIAG_FILE_BPF },
	{ "anon_inode:[userfaultfd]", TASK_DIAG_FILE_USERFAULTFD },
	{ "anon_inode:", TASK_DIAG_FILE_OTHER },
	{ "cgroup:[", TASK_DIAG_FILE_NS },
	{ "ipc:[", TASK_DIAG_FILE_NS },
	{ "mnt:[", TASK_DIAG_FILE_NS },
	{ "net:[", TASK_DIAG_FILE_NS },
	{ "pid:[", TASK_DIAG_FILE_NS },
	{ "time:[", TASK_DIAG_FILE_NS },
	{ "user:[", TASK_DIAG_FILE_NS },
	{ "uts:[", TASK_DIAG_FILE_NS },
};

static __u32 kind_of(const struct open_file *file, unsigned int mode)
{
	unsigned int i;

	for (i = 0; file->path && i < ARRAY_SIZE(kinds_by_link); i++)
		if (!strncmp(file->path, kinds_by_link[i].start,
			     strlen(kinds_by_link[i].start)))
			return kinds_by_link[i].kind;
	switch (mode & S_IFMT) {
	case S_IFREG:
		return TASK_DIAG_FILE_REG;
	case S_IFDIR:
		return TASK_DIAG_FILE_DIR;
	case S_IFCHR:
		return TASK_DIAG_FILE_CHR;
	case S_IFBLK:
		return TASK_DIAG_FILE_BLK;
	case S_IFIFO:
		return TASK_DIAG_FILE_FIFO;
	case S_IFLNK:
		return TASK_DIAG_FILE_SYMLINK;
	}
	return TASK_DIAG_FILE_OTHER;
}

static void read_fdinfo(const char *path, struct task_diag_file *info)
{
	char text[4096], *line;
	unsigned long long ino;
	long long pos;

	td_read_file(path, text, sizeof(text));
	line = strstr(text, "\nino:");
	if (sscanf(text, "pos: %lld flags: %o mnt_id: %u", &pos, &info->flags,
		   &info->mnt_id) != 3 ||
	    !line || sscanf(line, " ino: %llu", &ino) != 1) {
		differs("%s: %.40s; ", path, text);
		return;
	}
	info->pos = pos;
	info->ino = ino;
}

static void read_file(const char *dir, struct open_file *file)
{
	struct task_diag_file *info = &file->info;
	char path[160], link[PATH_MAX];
	struct statx st = {};
	ssize_t len;

	snprintf(path, sizeof(path), "%s/fdinfo/%u", dir, info->fd);
	read_fdinfo(path, info);
	snprintf(path, sizeof(path), "%s/fd/%u", dir, info->fd);
	/* A path longer than PATH_MAX cannot be read. */
	len = readlink(path, link, sizeof(link));
	if (len < 0 && errno != ENAMETOOLONG)
		differs("%s: %s; ", path, strerror(errno));
	if (len > 0)
		add_path(file, link, len);
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &st))
		differs("%s: %s; ", path, strerror(errno));
	info->kind = kind_of(file, st.stx_mode);
	info->dev_major = st.stx_dev_major;
	info->dev_minor = st.stx_dev_minor;
	info->rdev_major = st.stx_rdev_major;
	info->rdev_minor = st.stx_rdev_minor;
}

static int cmp_fd(const void *a, const void *b)
{
	const struct open_file *x = a, *y = b;

	return x->info.fd < y->info.fd ? -1 : x->info.fd > y->info.fd;
}

/* Of the thread @tid of @pid, or with 0 of the process */
static struct open_files proc_files(__u32 pid, __u32 tid)
{
	struct open_files files = {};
	struct dirent *entry;
	char dir[80], path[120];
	DIR *fds;

	snprintf(dir, sizeof(dir), tid ? "/proc/%u/task/%u" : "/proc/%u", pid,
		 tid);
	snprintf(path, sizeof(path), "%s/fd", dir);
	fds = opendir(path);
	if (!fds) {
		differs("%s: %s; ", path, strerror(errno));
		return files;
	}
	while ((entry = readdir(fds)))
		if (isdigit(entry->d_name[0]))
			add_file(&files)->info.fd =
				strtoul(entry->d_name, NULL, 10);
	closedir(fds);
	if (files.nr)
		qsort(files.all, files.nr, sizeof(*files.all), cmp_fd);
	for (size_t i = 0; i < files.nr; i++)
		read_file(dir, &files.all[i]);
	return files;
}

/* --- the comparison ---------------------------------------------------- */

/* A struct's member comes last, as offsetof() has it. */
#define FIELD(...) \
	{ #__VA_ARGS__, offsetof(struct task_diag_file, __VA_ARGS__), \
	  sizeof(((struct task_diag_file *)0)->__VA_ARGS__) }

/* All but those that lead to the path: see join_part() */
static const struct {
	const char *name;
	size_t offset;
	size_t size;
} fields[] = {
	FIELD(ino), FIELD(pos), FIELD(fd), FIELD(kind), FIELD(flags),
	FIELD(mnt_id), FIELD(dev_major), FIELD(dev_minor), FIELD(rdev_major),
	FIELD(rdev_minor),
};

static __u64 value_of(const struct open_file *file, unsigned int field)
{
	const void *value = (void *)&file->info + fields[field].offset;

	return fields[field].size == sizeof(__u64) ? *(__u64 *)value :
						     *(__u32 *)value;
}

static void check_file(const struct open_file *seen,
		       const struct open_file *proc, __u32 flags)
{
	const size_t len = flags & PATHS ? proc->len : 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (value_of(seen, i) != value_of(proc, i))
			differs("%u.%s: procfs %llu, task_diag %llu; ",
				proc->info.fd, fields[i].name,
				value_of(proc, i), value_of(seen, i));
	if (seen->info.path_len != len || seen->len != len ||
	    (len && memcmp(seen->path, proc->path, len)))
		differs("%u: procfs %zu %.40s, task_diag %u %.40s; ",
			proc->info.fd, len, proc->path ?: "",
			seen->info.path_len, seen->path ?: "");
}

static void check_files(const struct open_files *seen,
			const struct open_files *proc, __u32 flags)
{
	size_t s = 0, p;

	for (p = 0; p < proc->nr; p++) {
		if (flags & SOCKETS &&
		    proc->all[p].info.kind != TASK_DIAG_FILE_SOCKET)
			continue;
		if (s == seen->nr) {
			differs("lacks %u; ", proc->all[p].info.fd);
			return;
		}
		check_file(&seen->all[s++], &proc->all[p], flags);
	}
	if (s < seen->nr)
		differs("excess %u; ", seen->all[s].info.fd);
}

/* Without KINDS, FD ends before the counts by kind. */
static void check_counts(const struct td_group *group,
			 const struct open_files *proc, __u32 flags)
{
	size_t len = offsetof(struct task_diag_fd, kinds), p;
	__u32 kinds[TASK_DIAG_FILE_KINDS] = {};
	struct task_diag_fd fd = {};
	unsigned int i;

	if (flags & KINDS)
		len = sizeof(fd);
	if (group->nr_parts != 1 || group->len != len) {
		differs("FD has %zu bytes in %u parts; ", group->len,
			group->nr_parts);
		return;
	}
	memcpy(&fd, group->data, len);
	if (fd.open_fds != proc->nr)
		differs("procfs has %zu files, FD %u; ", proc->nr, fd.open_fds);
	if (!(flags & KINDS))
		return;
	for (p = 0; p < proc->nr; p++)
		kinds[proc->all[p].info.kind]++;
	for (i = 0; i < TASK_DIAG_FILE_KINDS; i++)
		if (fd.kinds[i] != kinds[i])
			differs("procfs has %u files of kind %u, FD %u; ",
				kinds[i], i, fd.kinds[i]);
}

/* One way to request the task @nr, compared with procfs */
static void compare(struct td_sock *sock, __u64 strategy, __u32 pid, __u32 nr,
		    __u32 flags, const struct open_files *proc)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(FD) | BIT(FILES),
		.dump_strategy = strategy,
		.pid = pid,
		.flags = flags,
	};
	struct listing listing = get_listing(sock, &req, nr);

	if (listing.task) {
		if (listing.task->failed)
			differs("%u failed at 0x%llx; ", nr,
				listing.task->failed);
		check_files(&listing.files, proc, flags);
		check_counts(&listing.task->groups[TASK_DIAG_FD], proc, flags);
	}
	free_listing(&listing);
	if (diff.len)
		differs("strategy %llu, flags 0x%x", strategy, flags);
}

/* Every combination */
static const __u32 all_flags[] = {
	0, PATHS, SOCKETS, KINDS, PATHS | SOCKETS, PATHS | KINDS,
	SOCKETS | KINDS, PATHS | SOCKETS | KINDS,
};

/* Asks by strategies over processes, or over threads if there is a @tid. */
static const char *files_differ(struct td_sock *sock, __u32 pid, __u32 tid)
{
	static const __u64 strategies[][2] = {
		{ TASK_DIAG_DUMP_ONE, TASK_DIAG_DUMP_ALL },
		{ TASK_DIAG_DUMP_THREAD, TASK_DIAG_DUMP_ALL_THREAD },
	};
	struct open_files proc;
	unsigned int i;

	begin_diff();
	proc = proc_files(pid, tid);
	for (i = 0; i < ARRAY_SIZE(all_flags) && !diff.len; i++) {
		compare(sock, strategies[!!tid][0], pid, tid ?: pid,
			all_flags[i], &proc);
		if (!diff.len)
			compare(sock, strategies[!!tid][1], 0, tid ?: pid,
				all_flags[i], &proc);
	}
	free_files(&proc);
	return diff.text;
}

/* CWD and ROOT: the bytes of the link, or the error of readlink(2) */
static void check_link(const struct td_props *task, __u16 attr,
		       const char *path)
{
	const struct td_group *group = &task->groups[attr];
	char link[PATH_MAX];
	ssize_t len;
	int err;

	len = readlink(path, link, sizeof(link));
	err = len < 0 ? -errno : 0;
	if (err == -ENOENT)
		err = 0;
	if (group->error != err)
		differs("%s: readlink %s, task_diag %s; ", path, strerror(-err),
			strerror(-group->error));
	if (len < 0)
		len = 0;
	if (group->len != (size_t)len ||
	    (len && memcmp(group->data, link, len)))
		differs("%s: %.*s, task_diag %.*s; ", path, (int)len, link,
			(int)group->len, group->data ?: "");
}

static void compare_places(struct td_sock *sock, __u16 nl_flags, __u64 strategy,
			   __u32 pid, __u32 tgid, __u32 nr)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(CWD) | BIT(ROOT),
		.dump_strategy = strategy,
		.pid = pid,
	};
	struct td_props_answer *answer = td_ask_props(sock, nl_flags, &req);
	const struct td_props *task = td_find_props(answer, nr);
	char path[80];

	differs("%s", td_props_whole(answer));
	if (task) {
		snprintf(path, sizeof(path), "/proc/%u/task/%u/cwd", tgid, nr);
		check_link(task, TASK_DIAG_CWD, path);
		snprintf(path, sizeof(path), "/proc/%u/task/%u/root", tgid, nr);
		check_link(task, TASK_DIAG_ROOT, path);
	} else {
		differs("%u is not in the answer; ", nr);
	}
	td_free_props(answer);
	if (diff.len)
		differs("strategy %llu, flags 0x%x", strategy, nl_flags);
}

/* Asks for the thread @tid, or with 0 for the process and its leader. */
static const char *places_differ(struct td_sock *sock, __u32 pid, __u32 tid,
				 bool fits)
{
	begin_diff();
	if (!tid && fits)
		compare_places(sock, 0, TASK_DIAG_DUMP_ONE, pid, pid, pid);
	if (!tid && !diff.len)
		compare_places(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE, pid, pid,
			       pid);
	if (!tid && !diff.len)
		compare_places(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL, 0, pid,
			       pid);
	if (!diff.len)
		compare_places(sock, NLM_F_DUMP, TASK_DIAG_DUMP_THREAD, pid,
			       pid, tid ?: pid);
	if (!diff.len)
		compare_places(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ALL_THREAD, 0,
			       pid, tid ?: pid);
	return diff.text;
}

FIXTURE(files)
{
	struct td_sock sock;
};

/* tmpfs: some file systems report a device of their own to stat(2). */
FIXTURE_SETUP(files)
{
	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(files)
{
	td_kill_children();
	td_close(&self->sock);
}

/* --- the kinds --------------------------------------------------------- */

#define FILE_FLAGS	(O_RDWR | O_CREAT)

static int open_regular(void)
{
	return open("/tmp/regular", FILE_FLAGS, 0644);
}

static int open_deleted(void)
{
	int fd = open("/tmp/deleted", FILE_FLAGS, 0644);

	unlink("/tmp/deleted");
	return fd;
}

static int open_unnamed(void)
{
	return open("/tmp", O_RDWR | O_TMPFILE, 0644);
}

static int open_named_like_memfd(void)
{
	return open("/tmp/memfd:x", FILE_FLAGS, 0644);
}

static int open_deleted_like_memfd(void)
{
	int fd = open("/tmp/memfd:y", FILE_FLAGS, 0644);

	unlink("/tmp/memfd:y");
	return fd;
}

static int open_of_procfs(void)
{
	return open("/proc/self/status", O_RDONLY);
}

static int open_directory(void)
{
	return open("/tmp", O_RDONLY | O_DIRECTORY);
}

static int open_deleted_directory(void)
{
	int fd;

	td_must(!mkdir("/tmp/dir", 0755), "mkdir");
	fd = open("/tmp/dir", O_RDONLY | O_DIRECTORY);
	rmdir("/tmp/dir");
	return fd;
}

static int open_null(void)
{
	return open("/dev/null", O_WRONLY);
}

static int open_terminal(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	td_must(fd >= 0 && !grantpt(fd) && !unlockpt(fd), "pty");
	return open(ptsname(fd), O_RDWR | O_NOCTTY);
}

static int open_block(void)
{
	return open("/dev/loop0", O_RDONLY);
}

static int open_fifo(void)
{
	td_must(!mkfifo("/tmp/fifo", 0600), "mkfifo");
	return open("/tmp/fifo", O_RDWR | O_NONBLOCK);
}

static int open_path_of_fifo(void)
{
	td_must(!mkfifo("/tmp/unopened", 0600), "mkfifo");
	return open("/tmp/unopened", O_PATH);
}

static int open_pipe(void)
{
	int fds[2];

	return pipe2(fds, O_CLOEXEC | O_DIRECT) ? -1 : fds[0];
}

static int open_tcp(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int open_udp(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

static int open_unix(void)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) ? -1 : fds[1];
}

static int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

/* The node that a socket is bound to */
static int open_path_of_socket(void)
{
	const struct sockaddr_un addr = { AF_UNIX, "/tmp/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	td_must(!bind(fd, (void *)&addr, sizeof(addr)), "bind");
	return open("/tmp/socket", O_PATH);
}

static int open_symlink(void)
{
	td_must(!symlink("/dev/null", "/tmp/link"), "symlink");
	return open("/tmp/link", O_PATH | O_NOFOLLOW);
}

static int open_memfd(void)
{
	return memfd_create("x", MFD_CLOEXEC);
}

static int open_huge_memfd(void)
{
	return memfd_create("x", MFD_HUGETLB);
}

static int open_eventfd(void)
{
	return eventfd(3, EFD_NONBLOCK);
}

static int open_epoll(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static int open_signalfd(void)
{
	sigset_t set;

	sigfillset(&set);
	return signalfd(-1, &set, 0);
}

static int open_timerfd(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
}

static int open_inotify(void)
{
	return inotify_init1(IN_NONBLOCK);
}

static int open_fanotify(void)
{
	return fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
}

static int open_pidfd(void)
{
	return syscall(SYS_pidfd_open, getpid(), 0);
}

static int open_pidfd_of_init(void)
{
	return syscall(SYS_pidfd_open, 1, O_NONBLOCK);
}

static int open_net_namespace(void)
{
	return open("/proc/self/ns/net", O_RDONLY);
}

static int open_user_namespace(void)
{
	return open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
}

static int open_io_uring(void)
{
	struct io_uring_params params = {};

	return syscall(SYS_io_uring_setup, 1, &params);
}

static int open_perf_event(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static int call_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int open_bpf_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};

	return call_bpf(BPF_MAP_CREATE, &attr);
}

/* Loads a program that returns 1. */
static int load_bpf(__u32 type)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (unsigned long)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.license = (unsigned long)"GPL",
	};

	return call_bpf(BPF_PROG_LOAD, &attr);
}

static int open_bpf_prog(void)
{
	return load_bpf(BPF_PROG_TYPE_SOCKET_FILTER);
}

/* Attaches a program to a cgroup without tasks. */
static int open_bpf_link(void)
{
	static const char cgroup[] = "/sys/fs/cgroup/taskdiag_files";
	union bpf_attr attr = {
		.link_create.prog_fd = load_bpf(BPF_PROG_TYPE_CGROUP_SKB),
		.link_create.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int fd, err;

	if (mkdir(cgroup, 0755) && errno != EEXIST)
		return -1;
	attr.link_create.target_fd = open(cgroup, O_RDONLY | O_CLOEXEC);
	fd = call_bpf(BPF_LINK_CREATE, &attr);
	err = errno;
	rmdir(cgroup);
	errno = err;
	return fd;
}

/* Loads a description of the type int. */
static int open_btf(void)
{
	const struct {
		struct btf_header	header;
		struct btf_type		type;
		__u32			encoding;
		char			strings[5];
	} btf = {
		.header = {
			.magic = BTF_MAGIC,
			.version = BTF_VERSION,
			.hdr_len = sizeof(btf.header),
			.type_len = sizeof(btf.type) + sizeof(btf.encoding),
			.str_off = sizeof(btf.type) + sizeof(btf.encoding),
			.str_len = sizeof(btf.strings),
		},
		.type = {
			.name_off = 1,
			.info = BTF_KIND_INT << 24,
			.size = 4,
		},
		.encoding = BTF_INT_SIGNED << 24 | 32,
		.strings = "\0int",
	};
	union bpf_attr attr = {
		.btf = (unsigned long)&btf,
		.btf_size = offsetof(typeof(btf), strings) +
			    sizeof(btf.strings),
	};

	return call_bpf(BPF_BTF_LOAD, &attr);
}

static int open_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, O_CLOEXEC);
}

static int open_fs_context(void)
{
	return syscall(SYS_fsopen, "tmpfs", 0);
}

/* Opens the file of @fd a second time, by its link in procfs. */
static int open_anew(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static int open_memfd_anew(void)
{
	return open_anew(open_memfd(), O_RDONLY);
}

static int open_pipe_anew(void)
{
	return open_anew(open_pipe(), O_RDWR);
}

static int open_path_of_eventfd(void)
{
	return open_anew(open_eventfd(), O_PATH);
}

static int open_path_of_pidfd(void)
{
	return open_anew(open_pidfd(), O_PATH);
}

static const struct {
	const char *name;
	int (*open)(void);
	__u32 kind;
} kinds[] = {
	{ "regular", open_regular, TASK_DIAG_FILE_REG },
	{ "deleted", open_deleted, TASK_DIAG_FILE_REG },
	{ "unnamed", open_unnamed, TASK_DIAG_FILE_REG },
	{ "named like memfd", open_named_like_memfd, TASK_DIAG_FILE_REG },
	{ "deleted like memfd", open_deleted_like_memfd, TASK_DIAG_FILE_REG },
	{ "of procfs", open_of_procfs, TASK_DIAG_FILE_REG },
	{ "directory", open_directory, TASK_DIAG_FILE_DIR },
	{ "deleted directory", open_deleted_directory, TASK_DIAG_FILE_DIR },
	{ "null", open_null, TASK_DIAG_FILE_CHR },
	{ "terminal", open_terminal, TASK_DIAG_FILE_CHR },
	{ "block", open_block, TASK_DIAG_FILE_BLK },
	{ "fifo", open_fifo, TASK_DIAG_FILE_FIFO },
	{ "path of fifo", open_path_of_fifo, TASK_DIAG_FILE_FIFO },
	{ "pipe", open_pipe, TASK_DIAG_FILE_PIPE },
	{ "tcp", open_tcp, TASK_DIAG_FILE_SOCKET },
	{ "udp", open_udp, TASK_DIAG_FILE_SOCKET },
	{ "unix", open_unix, TASK_DIAG_FILE_SOCKET },
	{ "netlink", open_netlink, TASK_DIAG_FILE_SOCKET },
	{ "path of socket", open_path_of_socket, TASK_DIAG_FILE_OTHER },
	{ "symlink", open_symlink, TASK_DIAG_FILE_SYMLINK },
	{ "memfd", open_memfd, TASK_DIAG_FILE_MEMFD },
	{ "huge memfd", open_huge_memfd, TASK_DIAG_FILE_MEMFD },
	{ "eventfd", open_eventfd, TASK_DIAG_FILE_EVENTFD },
	{ "epoll", open_epoll, TASK_DIAG_FILE_EPOLL },
	{ "signalfd", open_signalfd, TASK_DIAG_FILE_SIGNALFD },
	{ "timerfd", open_timerfd, TASK_DIAG_FILE_TIMERFD },
	{ "inotify", open_inotify, TASK_DIAG_FILE_INOTIFY },
	{ "fanotify", open_fanotify, TASK_DIAG_FILE_FANOTIFY },
	{ "pidfd", open_pidfd, TASK_DIAG_FILE_PIDFD },
	{ "pidfd of init", open_pidfd_of_init, TASK_DIAG_FILE_PIDFD },
	{ "net namespace", open_net_namespace, TASK_DIAG_FILE_NS },
	{ "user namespace", open_user_namespace, TASK_DIAG_FILE_NS },
	{ "io uring", open_io_uring, TASK_DIAG_FILE_IO_URING },
	{ "perf event", open_perf_event, TASK_DIAG_FILE_PERF_EVENT },
	{ "bpf map", open_bpf_map, TASK_DIAG_FILE_BPF },
	{ "bpf prog", open_bpf_prog, TASK_DIAG_FILE_BPF },
	{ "bpf link", open_bpf_link, TASK_DIAG_FILE_BPF },
	{ "btf", open_btf, TASK_DIAG_FILE_BPF },
	{ "userfaultfd", open_userfaultfd, TASK_DIAG_FILE_USERFAULTFD },
	{ "fs context", open_fs_context, TASK_DIAG_FILE_OTHER },
	{ "memfd anew", open_memfd_anew, TASK_DIAG_FILE_MEMFD },
	{ "pipe anew", open_pipe_anew, TASK_DIAG_FILE_PIPE },
	{ "path of eventfd", open_path_of_eventfd, TASK_DIAG_FILE_EVENTFD },
	{ "path of pidfd", open_path_of_pidfd, TASK_DIAG_FILE_PIDFD },
};

#define KIND_FD(nr)	(FD_NUMBER + (nr))

static void open_all_kinds(const void *arg)
{
	int *errors = (void *)arg, fd;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fd = kinds[i].open();
		errors[i] = fd < 0 ? errno : 0;
		if (fd >= 0)
			td_must(dup2(fd, KIND_FD(i)) == KIND_FD(i), "dup2");
	}
}

TEST_F(files, files_of_every_kind_are_what_procfs_shows)
{
	int *errors = td_share(sizeof(*errors) * ARRAY_SIZE(kinds));
	struct task_diag_pid req = {
		.show_flags = BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};
	const struct open_file *file;
	struct listing listing;
	char lacks[400] = "";
	unsigned int i;
	pid_t pid;

	pid = td_spawn_sleeper(open_all_kinds, errors);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));
	EXPECT_STREQ("", files_differ(&self->sock, pid, pid));

	/* files_differ() derives the kind from the link. */
	begin_diff();
	req.pid = pid;
	listing = get_listing(&self->sock, &req, pid);
	EXPECT_STREQ("", diff.text);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		file = find_file(&listing.files, KIND_FD(i));
		EXPECT_EQ(!errors[i], !!file);
		if (file) {
			EXPECT_EQ(kinds[i].kind, file->info.kind)
				TH_LOG("%s", kinds[i].name ?: "");
			continue;
		}
		snprintf(lacks + strlen(lacks), sizeof(lacks) - strlen(lacks),
			 "%s: %s; ", kinds[i].name, strerror(errors[i]));
	}
	free_listing(&listing);
	if (lacks[0] && !_metadata->exit_code)
		SKIP(return, "but for %s", lacks);
}

TEST(every_byte_of_a_file_is_compared)
{
	char seen[sizeof(struct task_diag_file)] = {};
	const size_t path = offsetof(struct task_diag_file, path_len);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		memset(seen + fields[i].offset, 1, fields[i].size);
	for (i = 0; i < sizeof(seen); i++)
		EXPECT_EQ(i < path, seen[i])
			TH_LOG("byte %u", i);
}

TEST(every_kind_of_file_is_tried)
{
	bool tried[TASK_DIAG_FILE_KINDS] = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		tried[kinds[i].kind] = true;
	for (i = 0; i < TASK_DIAG_FILE_KINDS; i++)
		EXPECT_TRUE(tried[i])
			TH_LOG("kind %u", i);
}

/* --- processes and threads --------------------------------------------- */

static void open_some(const void *unused)
{
	td_must(open_tcp() >= 0 || errno == EAFNOSUPPORT, "TCP");
	td_must(open_regular() >= 0 && open_null() >= 0 && open_pipe() >= 0 &&
		open_unix() >= 0 && open_eventfd() >= 0 && open_memfd() >= 0 &&
		open_directory() >= 0 && open_deleted() >= 0, "open");
}

TEST_F(files, files_of_a_process_are_what_procfs_shows)
{
	pid_t pid;

	pid = td_spawn_sleeper(open_some, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));
	EXPECT_STREQ("", files_differ(&self->sock, pid, pid));
}

static void close_all(const void *unused)
{
	td_ready();
	syscall(SYS_close_range, 0, ~0U, 0);
}

TEST_F(files, process_without_files_has_no_list)
{
	struct open_files none = {};
	char path[40];
	pid_t pid;

	pid = td_spawn(close_all, NULL);
	ASSERT_LT(0, pid);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	for (unsigned int i = 0; i < 1000; i++) {
		begin_diff();
		none = proc_files(pid, 0);
		if (!none.nr)
			break;
		free_files(&none);
		usleep(1000);
	}
	ASSERT_EQ(0, none.nr);
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));
}

static void set_flags(const void *unused)
{
	int fd = open("/tmp/flags", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	int flags[] = {
		O_RDONLY, O_WRONLY | O_APPEND, O_RDWR | O_NONBLOCK,
		O_RDONLY | O_CLOEXEC, O_WRONLY | O_SYNC, O_RDONLY | O_NOATIME,
		O_PATH, O_PATH | O_CLOEXEC, O_RDWR | O_DSYNC | O_CLOEXEC,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		td_must(open("/tmp/flags", flags[i]) >= 0, "open");
	/* O_CLOEXEC belongs to a descriptor: of one open file, one has it. */
	td_must(dup3(fd, FD_NUMBER, 0) == FD_NUMBER &&
		dup3(fd, FD_NUMBER + 1, O_CLOEXEC) == FD_NUMBER + 1, "dup3");
	fd = open("/tmp/flags", O_RDWR);
	td_must(!fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK), "F_SETFL");
	td_must(!fcntl(fd, F_SETFD, FD_CLOEXEC), "F_SETFD");
	fd = open("/tmp/flags", O_RDWR | O_CLOEXEC);
	td_must(!fcntl(fd, F_SETFD, 0), "F_SETFD");
}

TEST_F(files, files_have_the_flags_that_they_were_opened_with)
{
	struct task_diag_pid req = {
		.show_flags = BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};
	const struct open_file *cleared, *set;
	struct listing listing;
	pid_t pid;

	pid = td_spawn_sleeper(set_flags, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));

	begin_diff();
	req.pid = pid;
	listing = get_listing(&self->sock, &req, pid);
	EXPECT_STREQ("", diff.text);
	cleared = find_file(&listing.files, FD_NUMBER);
	set = find_file(&listing.files, FD_NUMBER + 1);
	ASSERT_NE(NULL, cleared);
	ASSERT_NE(NULL, set);
	EXPECT_EQ(0, cleared->info.flags & O_CLOEXEC);
	EXPECT_EQ(O_CLOEXEC, set->info.flags & O_CLOEXEC);
	EXPECT_EQ(cleared->info.ino, set->info.ino);
	free_listing(&listing);
}

static const __u64 far_away = 0x123456789abULL;

static void seek(const void *unused)
{
	int fd = open_regular();

	td_must(lseek64(fd, far_away, SEEK_SET) == far_away, "lseek");
	td_must(dup2(fd, FD_NUMBER) == FD_NUMBER, "dup2");
	/* Only this file takes positions with the highest bit set. */
	fd = open("/proc/self/mem", O_RDONLY);
	lseek64(fd, 0xffffffff81000000ULL, SEEK_SET);
	fd = open_directory();
	lseek64(fd, 3, SEEK_SET);
}

TEST_F(files, files_have_positions_beyond_4_gib)
{
	struct task_diag_pid req = {
		.show_flags = BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};
	const struct open_file *file;
	struct listing listing;
	pid_t pid;

	pid = td_spawn_sleeper(seek, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));

	begin_diff();
	req.pid = pid;
	listing = get_listing(&self->sock, &req, pid);
	EXPECT_STREQ("", diff.text);
	file = find_file(&listing.files, FD_NUMBER);
	ASSERT_NE(NULL, file);
	EXPECT_EQ(far_away, file->info.pos);
	free_listing(&listing);
}

static __u32 *shared_tid;

static void *unshare_files(void *unused)
{
	td_must(!unshare(CLONE_FILES | CLONE_FS), "unshare");
	td_must(!chdir("/proc"), "chdir");
	close(open_null());
	td_must(dup2(open_unix(), FD_NUMBER) == FD_NUMBER, "dup2");
	*shared_tid = syscall(SYS_gettid);
	td_ready();
	return td_sleep_in_thread(NULL);
}

static void start_thread_with_other_files(const void *unused)
{
	td_must(dup2(open_null(), FD_NUMBER + 1) >= 0, "dup2");
	td_new_thread(unshare_files, NULL);
	/* The thread says when they are ready. */
	for (;;)
		pause();
}

TEST_F(files, files_of_a_thread_are_its_own)
{
	struct task_diag_pid req = {
		.show_flags = BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_THREAD,
	};
	struct listing listing;
	pid_t pid;

	shared_tid = td_share(sizeof(*shared_tid));
	pid = td_spawn_sleeper(start_thread_with_other_files, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(td_wait_state(pid, *shared_tid, 'S'));
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));
	EXPECT_STREQ("", files_differ(&self->sock, pid, pid));
	EXPECT_STREQ("", files_differ(&self->sock, pid, *shared_tid));
	EXPECT_STREQ("", places_differ(&self->sock, pid, 0, true));
	EXPECT_STREQ("", places_differ(&self->sock, pid, *shared_tid, true));

	begin_diff();
	req.pid = pid;
	listing = get_listing(&self->sock, &req, pid);
	EXPECT_EQ(NULL, find_file(&listing.files, FD_NUMBER));
	free_listing(&listing);
	listing = get_listing(&self->sock, &req, *shared_tid);
	EXPECT_NE(NULL, find_file(&listing.files, FD_NUMBER));
	free_listing(&listing);
	EXPECT_STREQ("", diff.text);
}

static void leave_threads(const void *unused)
{
	static const unsigned int nr_threads = 1;

	td_start_threads(&nr_threads);
	td_ready();
	syscall(SYS_exit, 0);
}

/* Expects the task, by every strategy, to have all groups but @absent. */
static void expect_absent(struct __test_metadata *_metadata,
			  struct td_sock *sock, __u32 pid, __u64 absent)
{
	static const __u64 strategies[] = {
		TASK_DIAG_DUMP_ONE, TASK_DIAG_DUMP_ALL, TASK_DIAG_DUMP_THREAD,
		TASK_DIAG_DUMP_ALL_THREAD,
	};
	struct task_diag_pid req = {
		.show_flags = BIT(FD) | BIT(FILES) | BIT(CWD) | BIT(ROOT),
	};
	struct td_props_answer *answer;
	const struct td_props *task;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		for (k = 0; k < ARRAY_SIZE(all_flags); k++) {
			req.dump_strategy = strategies[i];
			req.pid = i % 2 ? 0 : pid;
			req.flags = all_flags[k];
			answer = td_ask_props(sock, NLM_F_DUMP, &req);
			EXPECT_STREQ("", td_props_whole(answer));
			task = td_find_props(answer, pid);
			ASSERT_NE(NULL, task);
			EXPECT_EQ(req.show_flags & ~absent, task->has);
			EXPECT_EQ(0, task->failed);
			td_free_props(answer);
		}
	}
}

TEST_F(files, zombies_have_no_files)
{
	struct td_set tids;
	pid_t pid;

	pid = td_spawn_zombie(open_some, NULL);
	ASSERT_LT(0, pid);
	expect_absent(_metadata, &self->sock, pid,
		      BIT(FD) | BIT(FILES) | BIT(CWD) | BIT(ROOT));

	/* Where the zombie leads a thread, the thread still has its files. */
	pid = td_spawn(leave_threads, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(td_wait_state(pid, 0, 'Z'));
	expect_absent(_metadata, &self->sock, pid,
		      BIT(FD) | BIT(FILES) | BIT(CWD) | BIT(ROOT));
	tids = proc_tids("/proc", pid);
	ASSERT_EQ(2, tids.nr);
	EXPECT_STREQ("", files_differ(&self->sock, pid, tids.pids[1]));
	EXPECT_STREQ("", places_differ(&self->sock, pid, tids.pids[1], true));
	td_set_free(&tids);
}

/* They have a table without open files. */
TEST_F(files, kernel_threads_have_no_files)
{
	expect_absent(_metadata, &self->sock, 2, BIT(FILES));
	EXPECT_STREQ("", places_differ(&self->sock, 2, 0, true));
}

/* --- paths ------------------------------------------------------------- */

/* Creates a name of @len bytes in all below @base, and what is above it. */
static int open_at_depth(const char *base, size_t len, int flags)
{
	size_t left = len - strlen(base), part;
	int fd = open(base, O_PATH | O_DIRECTORY), below;
	char name[NAME_MAX + 1];

	for (;;) {
		left--;		/* The slash */
		part = left;
		if (left > NAME_MAX)
			part = left - 2 < NAME_MAX ? left - 2 : NAME_MAX;
		left -= part;
		memset(name, left ? 'd' : 'n', part);
		name[part] = 0;
		if (!left)
			break;
		td_must(!mkdirat(fd, name, 0755) || errno == EEXIST, "mkdirat");
		below = openat(fd, name, O_PATH | O_DIRECTORY);
		close(fd);
		fd = below;
	}
	if (flags & O_DIRECTORY) {
		td_must(!mkdirat(fd, name, 0755) || errno == EEXIST, "mkdirat");
		below = openat(fd, name, flags);
	} else {
		below = openat(fd, name, flags, 0644);
	}
	td_must(below >= 0, "openat");
	close(fd);
	return below;
}

static void open_odd_names(const void *unused)
{
	static const char * const names[] = {
		("/tmp/" ODD_NAME), "/tmp/gone (deleted)", "/tmp/pipe:[1]",
		"/tmp/\xc3\xa9\x80", "/tmp/ ",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		td_must(open(names[i], FILE_FLAGS, 0644) >= 0, names[i]);
	/* Components of the greatest length */
	open_at_depth("/tmp", 4 + 1 + NAME_MAX, FILE_FLAGS);
	open_at_depth("/tmp", 4 + 5 * (1 + NAME_MAX), FILE_FLAGS);
	unlink(names[0]);
	td_must(open("/", O_PATH) >= 0, "/");
}

TEST_F(files, files_with_any_name_have_that_path)
{
	pid_t pid;

	pid = td_spawn_sleeper(open_odd_names, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));
}

/* Directories of which each has files of the same names */
static const char * const dirs[] = {
	"/tmp/a", "/tmp/b", "/tmp/a/a", "/tmp/c", "/tmp/bound", "/tmp/d",
	"/tmp/renamed", "/tmp/left/inside",
};

static void open_in(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	td_must(open(path, flags, 0644) >= 0, path);
}

static void open_in_directories(const void *unused)
{
	char name[16], path[NAME_MAX + 16];
	unsigned int i, file;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (!strcmp(dirs[i], "/tmp/left/inside"))
			td_must(!mkdir("/tmp/left", 0755) &&
				!mount("/tmp/left", "/tmp/left", NULL, MS_BIND,
				       NULL), "mount");
		td_must(!mkdir(dirs[i], 0755), dirs[i]);
	}
	td_must(!mount("/tmp/a", "/tmp/bound", NULL, MS_BIND, NULL), "mount");
	for (file = 0; file < 40; file++) {
		snprintf(name, sizeof(name), "%u", file);
		for (i = 0; i < ARRAY_SIZE(dirs); i++)
			open_in(dirs[i], name, FILE_FLAGS);
		/* In turn and one after the other */
		for (i = 0; i < 3; i++)
			open_in("/tmp/c", name, O_PATH);
	}
	td_must(!unlink("/tmp/b/3") && !unlink("/tmp/b/30"), "unlink");
	td_must(!rename("/tmp/renamed", "/tmp/now"), "rename");
	td_must(!rename("/tmp/c/5", "/tmp/d/moved"), "rename");
	/* Out of what is mounted there */
	td_must(!umount2("/tmp/bound", MNT_DETACH), "umount");

	memset(path, 'd', sizeof(path));
	memcpy(path, "/tmp/", 5);
	path[5 + NAME_MAX] = 0;
	td_must(!mkdir(path, 0755), path);
	for (file = 0; file < 9; file++) {
		snprintf(name, sizeof(name), "%u", file);
		open_in(path, name, FILE_FLAGS);
		open_in("/tmp", name, FILE_FLAGS);
		open_in("/", "tmp", O_PATH);
		open_in("/", "proc", O_PATH);
		open_in("/tmp", "left", O_PATH);
		open_in("/proc/self", "stat", O_RDONLY);
	}
}

/* Moves a directory out of what is mounted, below which no root leads there. */
static void open_and_leave(const void *unused)
{
	int root;

	open_in_directories(NULL);
	root = open("/tmp/d", O_PATH);
	td_must(!mount("/tmp/left", "/tmp/a", NULL, MS_BIND, NULL), "mount");
	open_in("/tmp/a/inside", "1", O_PATH);
	open_in("/tmp/a/inside", "2", O_PATH);
	td_must(!umount2("/tmp/left", MNT_DETACH) &&
		!renameat(AT_FDCWD, "/tmp/left/inside", root, "outside"),
		"renameat");
}

TEST_F(files, files_in_one_directory_have_paths_of_their_own)
{
	pid_t pid;

	pid = td_spawn_sleeper(open_in_directories, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));
}

TEST_F(files, files_moved_out_of_their_mount_have_the_path_of_the_link)
{
	pid_t pid;

	pid = td_spawn_sleeper(open_and_leave, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));
}

#define NR_BESIDE	50
#define RENAMED_FD	200

static void open_in_one_directory(void)
{
	char name[16];
	unsigned int i;
	int fd;

	td_must(!mkdir("/tmp/one", 0755), "mkdir");
	for (i = 0; i < NR_BESIDE; i++) {
		snprintf(name, sizeof(name), "%u", i);
		open_in("/tmp/one", name, FILE_FLAGS);
	}
	fd = open("/tmp/one/old", FILE_FLAGS, 0644);
	td_must(dup2(fd, RENAMED_FD) == RENAMED_FD && !close(fd), "dup2");
}

/* Never is there /tmp/one/new. */
static void *rename_for_ever(void *unused)
{
	for (;;)
		td_must(!rename("/tmp/one", "/tmp/two") &&
			!rename("/tmp/two/old", "/tmp/two/new") &&
			!rename("/tmp/two/new", "/tmp/two/old") &&
			!rename("/tmp/two", "/tmp/one"), "rename");
	return NULL;
}

static void start_renaming(const void *unused)
{
	open_in_one_directory();
	td_new_thread(rename_for_ever, NULL);
}

TEST_F(files, no_file_has_a_path_that_never_was)
{
	static const char * const paths[] = {
		"/tmp/one/old", "/tmp/two/old", "/tmp/two/new",
	};
	const double end = td_now() + seconds_of_race();
	struct task_diag_pid req = {
		.show_flags = BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.flags = PATHS,
	};
	unsigned int rounds, i, seen[ARRAY_SIZE(paths)] = {};
	const struct open_file *file;
	struct listing listing;

	req.pid = td_spawn(start_renaming, NULL);
	ASSERT_LT(0, req.pid);
	for (rounds = 0; rounds < 50 || td_now() < end; rounds++) {
		begin_diff();
		listing = get_listing(&self->sock, &req, req.pid);
		ASSERT_STREQ("", diff.text);
		file = find_file(&listing.files, RENAMED_FD);
		ASSERT_NE(NULL, file);
		for (i = 0; i < ARRAY_SIZE(paths); i++) {
			if (!strcmp(file->path ?: "", paths[i]))
				break;
		}
		ASSERT_GT(ARRAY_SIZE(paths), i)
			TH_LOG("%s", file->path ?: "");
		seen[i]++;
		free_listing(&listing);
	}
	TH_LOG("%u, %u and %u of each", seen[0], seen[1], seen[2]);
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		EXPECT_LT(0, seen[i]);
}

/* With a zero at the end a path has PATH_MAX bytes at most. */
static const size_t path_lens[] = {
	1000, 2000, 3000, 3500, 3700, 3800, 3900, 4000, 4090, PATH_MAX - 2,
	PATH_MAX - 1, PATH_MAX, PATH_MAX + 1, 6000,
};

static void open_long_names(const void *unused)
{
	char link[40], path[PATH_MAX] = "";
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(path_lens); i++)
		td_must(dup2(open_at_depth("/tmp", path_lens[i], FILE_FLAGS),
			     FD_NUMBER + i) >= 0, "dup2");
	/* The mark of a deleted file makes it too long. */
	fd = open_at_depth("/tmp", PATH_MAX - 5, FILE_FLAGS);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	td_must(readlink(link, path, sizeof(path)) == PATH_MAX - 5 &&
		!unlink(path), "unlink");
	td_must(open_null() >= 0, "open");
}

static void expect_long_paths(struct __test_metadata *_metadata,
			      const struct open_files *files, size_t recv_size)
{
	const struct open_file *file;
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(path_lens); i++) {
		len = path_lens[i] < PATH_MAX ? path_lens[i] : 0;
		file = find_file(files, FD_NUMBER + i);
		ASSERT_NE(NULL, file);
		EXPECT_EQ(len, file->len);
		if (file->len + sizeof(file->info) > recv_size)
			EXPECT_LT(1, file->nr_parts);
		if (file->len < recv_size / 2)
			EXPECT_EQ(1, file->nr_parts);
	}
}

TEST_F(files, long_paths_of_files_come_in_parts)
{
	static const size_t recv_sizes[] = { 4096, 8192, 32768 };
	struct task_diag_pid req = {
		.show_flags = BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.flags = PATHS,
	};
	struct listing listing;
	struct td_sock sock;
	unsigned int i;
	pid_t pid;

	pid = td_spawn_sleeper(open_long_names, NULL);
	ASSERT_LT(0, pid);
	req.pid = pid;
	for (i = 0; i < ARRAY_SIZE(recv_sizes); i++) {
		ASSERT_EQ(0, td_open(&sock));
		td_set_recv_size(&sock, recv_sizes[i]);
		EXPECT_STREQ("", files_differ(&sock, pid, 0));
		begin_diff();
		listing = get_listing(&sock, &req, pid);
		EXPECT_STREQ("", diff.text);
		expect_long_paths(_metadata, &listing.files, recv_sizes[i]);
		free_listing(&listing);
		td_close(&sock);
	}
}

static void enter_jail(void)
{
	td_must(!mkdir("/tmp/jail", 0755) && !mkdir("/tmp/jail/dir", 0755) &&
		!mkdir("/tmp/jail/proc", 0755), "mkdir");
	td_must(!mount("proc", "/tmp/jail/proc", "proc", 0, NULL), "mount");
	td_must(!chroot("/tmp/jail"), "chroot");
}

/*
 * One file is in what becomes the requester's root directory, and that directory
 * is open after a file beside it.
 */
static void open_within_and_without(const void *unused)
{
	td_must(!mkdir("/tmp/jail", 0755) && !mkdir("/tmp/jail/dir", 0755),
		"mkdir");
	td_must(open("/tmp/jail/dir/file", FILE_FLAGS, 0644) >= 0 &&
		open("/tmp/file", FILE_FLAGS, 0644) >= 0 &&
		open("/tmp/jail", O_RDONLY | O_DIRECTORY) >= 0, "open");
	td_must(!chdir("/tmp/jail/dir"), "chdir");
}

/* Paths begin where the requester's own root directory is. */
TEST_F(files, paths_of_files_start_at_the_requesters_root)
{
	struct td_sock sock;
	pid_t pid, child;

	pid = td_spawn_sleeper(open_within_and_without, NULL);
	ASSERT_LT(0, pid);
	child = fork();
	if (!child) {
		td_must(!td_open(&sock), "td_open");
		td_must(!mkdir("/tmp/jail/proc", 0755), "mkdir");
		td_must(!mount("proc", "/tmp/jail/proc", "proc", 0, NULL),
			"mount");
		td_must(!chroot("/tmp/jail") && !chdir("/"), "chroot");
		EXPECT_STREQ("", files_differ(&sock, pid, 0));
		EXPECT_STREQ("", places_differ(&sock, pid, 0, true));
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* --- where a task is --------------------------------------------------- */

static void stay(void)
{
}

static void go_to_root(void)
{
	td_must(!chdir("/"), "chdir");
}

static void go_to_deleted(void)
{
	td_must(!mkdir("/tmp/here", 0755) && !chdir("/tmp/here") &&
		!rmdir("/tmp/here"), "chdir");
}

static void go_to_odd_name(void)
{
	td_must(!mkdir("/tmp/" ODD_NAME, 0755) && !chdir("/tmp/" ODD_NAME),
		"chdir");
}

static void go_into_jail(void)
{
	enter_jail();
	td_must(!chdir("/dir"), "chdir");
}

static void stay_outside_of_jail(void)
{
	td_must(!chdir("/tmp"), "chdir");
	enter_jail();
}

static void go_into_deleted_jail(void)
{
	td_must(!mkdir("/tmp/jail", 0755) && !chdir("/tmp/jail") &&
		!rmdir("/tmp/jail") && !chroot("."), "chroot");
}

static void enter_mount_namespace(void)
{
	td_must(!unshare(CLONE_NEWNS), "unshare");
	td_must(!mkdir("/tmp/there", 0755), "mkdir");
	td_must(!mount("taskdiag", "/tmp/there", "tmpfs", 0, NULL), "mount");
}

static void go_to_mount_namespace(void)
{
	enter_mount_namespace();
	td_must(!mkdir("/tmp/there/dir", 0755) && !chdir("/tmp/there/dir"),
		"chdir");
}

/* Neither the old root directory nor the requester leads there. */
static void go_to_new_root(void)
{
	enter_mount_namespace();
	td_must(!mkdir("/tmp/there/dir", 0755) && !chdir("/tmp/there"),
		"chdir");
	td_must(!syscall(SYS_pivot_root, ".", "."), "pivot_root");
	td_must(!umount2(".", MNT_DETACH) && !chdir("/dir"), "umount2");
}

static void go_to_what_is_no_longer_mounted(void)
{
	enter_mount_namespace();
	td_must(!mkdir("/tmp/there/dir", 0755) && !chdir("/tmp/there/dir") &&
		!umount2("/tmp/there", MNT_DETACH), "umount2");
}

static void go_down(size_t len)
{
	int fd = open_at_depth("/tmp", len, O_PATH | O_DIRECTORY);

	td_must(!fchdir(fd), "fchdir");
	close(fd);
}

static void go_to_long_name(void)
{
	go_down(PATH_MAX - 1);
}

static void go_to_longer_name(void)
{
	go_down(PATH_MAX);
}

static void make_long_name_root(void)
{
	go_down(3000);
	td_must(!chroot("."), "chroot");
}

FIXTURE(place)
{
	struct td_sock sock;
	pid_t pid;
};

FIXTURE_VARIANT(place)
{
	void (*go)(void);
	const char *cwd;	/* NULL: what procfs says */
	const char *root;
	int error;		/* of CWD */
	bool is_long;		/* a plain reply has no room */
};

FIXTURE_VARIANT_ADD(place, of_the_parent)
{
	.go = stay,
	.root = "/",
};

FIXTURE_VARIANT_ADD(place, root)
{
	.go = go_to_root,
	.cwd = "/",
	.root = "/",
};

FIXTURE_VARIANT_ADD(place, deleted)
{
	.go = go_to_deleted,
	.cwd = "/tmp/here (deleted)",
	.root = "/",
};

FIXTURE_VARIANT_ADD(place, of_odd_name)
{
	.go = go_to_odd_name,
	.cwd = "/tmp/" ODD_NAME,
	.root = "/",
};

FIXTURE_VARIANT_ADD(place, in_chroot)
{
	.go = go_into_jail,
	.cwd = "/tmp/jail/dir",
	.root = "/tmp/jail",
};

FIXTURE_VARIANT_ADD(place, out_of_chroot)
{
	.go = stay_outside_of_jail,
	.cwd = "/tmp",
	.root = "/tmp/jail",
};

FIXTURE_VARIANT_ADD(place, deleted_chroot)
{
	.go = go_into_deleted_jail,
	.cwd = "/tmp/jail (deleted)",
	.root = "/tmp/jail (deleted)",
};

FIXTURE_VARIANT_ADD(place, in_a_mount_namespace)
{
	.go = go_to_mount_namespace,
	.cwd = "/tmp/there/dir",
	.root = "/",
};

FIXTURE_VARIANT_ADD(place, in_a_pivoted_root)
{
	.go = go_to_new_root,
	.cwd = "/dir",
	.root = "/",
};

FIXTURE_VARIANT_ADD(place, that_is_unmounted)
{
	.go = go_to_what_is_no_longer_mounted,
	.cwd = "/dir",
	.root = "/",
};

FIXTURE_VARIANT_ADD(place, of_long_name)
{
	.go = go_to_long_name,
	.is_long = true,
};

FIXTURE_VARIANT_ADD(place, of_name_too_long)
{
	.go = go_to_longer_name,
	.error = -ENAMETOOLONG,
};

FIXTURE_VARIANT_ADD(place, with_long_root)
{
	.go = make_long_name_root,
	.is_long = true,
};

static void go(const void *arg)
{
	void (* const *step)(void) = arg;

	(*step)();
}

FIXTURE_SETUP(place)
{
	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, td_open(&self->sock));
	self->pid = td_spawn_sleeper(go, &variant->go);
	ASSERT_LT(0, self->pid);
}

FIXTURE_TEARDOWN(place)
{
	td_kill_children();
	td_close(&self->sock);
}

TEST_F(place, cwd_and_root_are_what_the_links_read)
{
	struct task_diag_pid req = {
		.show_flags = BIT(CWD) | BIT(ROOT),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = self->pid,
	};
	struct td_props_answer *answer;
	const struct td_props *task;

	EXPECT_STREQ("", places_differ(&self->sock, self->pid, 0,
				       !variant->is_long));
	answer = td_ask_props(&self->sock, NLM_F_DUMP, &req);
	task = td_find_props(answer, self->pid);
	ASSERT_NE(NULL, task);
	EXPECT_EQ(variant->error, task->groups[TASK_DIAG_CWD].error);
	EXPECT_EQ(0, task->groups[TASK_DIAG_ROOT].error);
	if (variant->cwd)
		EXPECT_STREQ(variant->cwd, task->groups[TASK_DIAG_CWD].data);
	if (variant->root)
		EXPECT_STREQ(variant->root, task->groups[TASK_DIAG_ROOT].data);
	td_free_props(answer);
}

/* The longest come in parts, which join to the whole. */
TEST_F(place, cwd_and_root_are_the_same_in_small_datagrams)
{
	struct td_sock sock;

	ASSERT_EQ(0, td_open(&sock));
	td_set_recv_size(&sock, 4096);
	EXPECT_STREQ("", places_differ(&sock, self->pid, 0, !variant->is_long));
	td_close(&sock);
}

/* --- requests ---------------------------------------------------------- */

static void expect_refused(struct __test_metadata *_metadata,
			   struct td_sock *sock, __u64 show_flags, __u32 flags)
{
	const struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.flags = flags,
	};
	struct td_props_answer *answer = td_ask_props(sock, 0, &req);

	EXPECT_EQ(EINVAL, answer->rest->error);
	EXPECT_STREQ("mappings and open files may take long to read: ask with NLM_F_DUMP",
		     answer->rest->text);
	EXPECT_EQ(0, answer->nr_tasks);
	td_free_props(answer);
}

TEST_F(files, lists_of_files_need_a_dump)
{
	struct task_diag_pid req = {
		.show_flags = BIT(BASE) | BIT(FD) | BIT(CWD) | BIT(ROOT),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};
	struct td_props_answer *answer;

	expect_refused(_metadata, &self->sock, BIT(FILES), 0);
	expect_refused(_metadata, &self->sock, BIT(FILES) | BIT(BASE), PATHS);
	expect_refused(_metadata, &self->sock, BIT(FILES), SOCKETS);
	expect_refused(_metadata, &self->sock, BIT(FD), KINDS);
	expect_refused(_metadata, &self->sock, BIT(FD) | BIT(CWD), KINDS);

	answer = td_ask_props(&self->sock, 0, &req);
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_EQ(req.show_flags, answer->tasks[0].has);
	td_free_props(answer);
}

/* --- very many, and far apart ------------------------------------------ */

/* Raises how many files a process may have open; returns how many it may. */
static rlim_t allow_files(rlim_t nr)
{
	struct rlimit limit = { nr, nr };
	char text[32];

	td_read_file("/proc/sys/fs/nr_open", text, sizeof(text));
	if (strtoull(text, NULL, 10) < nr) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)nr);
		td_write_file("/proc/sys/fs/nr_open", text);
	}
	if (!setrlimit(RLIMIT_NOFILE, &limit))
		return nr;
	td_must(!getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	td_must(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	return limit.rlim_cur;
}

static unsigned long available_mib(void)
{
	char text[4096], *line;

	td_read_file("/proc/meminfo", text, sizeof(text));
	line = strstr(text, "\nMemAvailable:");
	return line ? strtoul(line + 14, NULL, 10) / 1024 : 0;
}

struct table {
	unsigned int nr_files;
	unsigned int last;	/* the highest descriptor */
	int error;		/* why there are no more */
};

FIXTURE(table)
{
	struct td_sock sock;
	char nr_open[32];	/* to be restored */
	struct table *table;	/* the child's */
};

FIXTURE_SETUP(table)
{
	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, td_open(&self->sock));
	self->table = td_share(sizeof(*self->table));
	td_read_file("/proc/sys/fs/nr_open", self->nr_open,
		     sizeof(self->nr_open));
}

FIXTURE_TEARDOWN(table)
{
	td_kill_children();
	td_close(&self->sock);
	td_write_file("/proc/sys/fs/nr_open", self->nr_open);
}

#define ENOUGH_FILES	200000
#define LONG_ENOUGH_S	60	/* to open more */

static void fill_table(const void *arg)
{
	struct table *table = (void *)arg;
	unsigned int nr = very_many();
	double deadline = td_now() + LONG_ENOUGH_S;
	int fd = open_regular();

	/* The table grows by steps. */
	nr = allow_files(nr + 1024) - 1024;
	while (table->nr_files < nr) {
		table->last = FD_NUMBER + table->nr_files;
		if (dup2(fd, table->last) < 0) {
			table->error = errno;
			break;
		}
		table->nr_files++;
		if (table->nr_files >= ENOUGH_FILES && td_now() > deadline)
			break;
	}
}

/* The end of the list is what fill_table() opened. */
static const char *full_table_differs(const struct open_files *files,
				      const struct table *table, __u32 flags)
{
	const size_t first = files->nr - table->nr_files;
	const struct open_file *file;
	size_t i;

	if (files->nr < table->nr_files)
		differs("%zu files; ", files->nr);
	for (i = 0; i < table->nr_files && !diff.len; i++) {
		file = &files->all[first + i];
		if (file->info.fd != FD_NUMBER + i ||
		    file->info.ino != files->all[first].info.ino ||
		    file->info.kind != TASK_DIAG_FILE_REG ||
		    (flags & PATHS &&
		     strcmp(file->path ?: "", "/tmp/regular")))
			differs("%zu is %u, %llu, %s; ", FD_NUMBER + i,
				file->info.fd, file->info.ino,
				file->path ?: "");
	}
	return diff.text;
}

/* The list is complete, and no datagram takes long. */
static void expect_full_table(struct __test_metadata *_metadata,
			      struct td_sock *sock, pid_t pid,
			      const struct table *table, __u32 flags)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(FD) | BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = pid,
		.flags = flags,
	};
	struct td_props_answer *answer = td_start_props(sock, NLM_F_DUMP, &req);
	struct task_diag_fd fd = {};
	const struct td_group *group;
	struct listing listing;

	EXPECT_GT(td_patience(), receive(sock, answer));
	begin_diff();
	listing = list_of(answer, pid);
	EXPECT_STREQ("", diff.text);
	ASSERT_NE(NULL, listing.task);
	EXPECT_EQ(0, listing.task->failed);
	group = &listing.task->groups[TASK_DIAG_FD];
	ASSERT_GE(sizeof(fd), group->len);
	memcpy(&fd, group->data, group->len);
	EXPECT_LE(table->nr_files, fd.open_fds);
	if (flags & KINDS)
		EXPECT_LE(table->nr_files, fd.kinds[TASK_DIAG_FILE_REG]);
	if (flags & SOCKETS) {
		EXPECT_GT(FD_NUMBER, listing.files.nr);
	} else {
		EXPECT_EQ(fd.open_fds, listing.files.nr);
		EXPECT_STREQ("", full_table_differs(&listing.files, table,
						    flags));
	}
	free_listing(&listing);
}

TEST_F_TIMEOUT(table, a_million_files_come_whole, TD_FOREVER_S)
{
	pid_t pid;

	/* The table needs some of it, and the test's list of it more. */
	if (available_mib() < 600)
		SKIP(return, "%lu MiB of memory", available_mib());
	pid = td_spawn(fill_table, self->table);
	ASSERT_LT(0, pid);
	if (self->table->nr_files < ENOUGH_FILES)
		SKIP(return, "%u files: %s", self->table->nr_files,
		     strerror(self->table->error));
	TH_LOG("%u files", self->table->nr_files);
	expect_full_table(_metadata, &self->sock, pid, self->table, 0);
	expect_full_table(_metadata, &self->sock, pid, self->table,
			  PATHS | KINDS);
	expect_full_table(_metadata, &self->sock, pid, self->table,
			  SOCKETS | KINDS);
}

/* Two, of which one is as high as the limit allows */
static void open_far_apart(const void *arg)
{
	struct table *table = (void *)arg;
	rlim_t nr = allow_files(2 * very_many());

	table->last = nr - 1;
	if (dup2(open_unix(), table->last) < 0 || dup2(open_null(), nr / 2) < 0)
		table->error = errno;
}

TEST_F(table, table_of_files_with_gaps_comes_whole)
{
	static const __u32 flags[] = { PATHS, SOCKETS | KINDS };
	struct task_diag_pid req = {
		.show_flags = BIT(FILES) | BIT(FD),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};
	struct td_props_answer *answer;
	struct listing listing;
	unsigned int i;
	pid_t pid;

	pid = td_spawn_sleeper(open_far_apart, self->table);
	ASSERT_LT(0, pid);
	if (self->table->error)
		SKIP(return, "dup2: %s", strerror(self->table->error));
	EXPECT_STREQ("", files_differ(&self->sock, pid, 0));
	req.pid = pid;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		req.flags = flags[i];
		answer = td_start_props(&self->sock, NLM_F_DUMP, &req);
		EXPECT_GT(td_patience(), receive(&self->sock, answer));
		begin_diff();
		listing = list_of(answer, pid);
		EXPECT_STREQ("", diff.text);
		EXPECT_NE(NULL, find_file(&listing.files,
					  self->table->last));
		free_listing(&listing);
	}
}

/* --- a process that opens and closes all the time ---------------------- */

#define NR_STABLE	64
#define NR_CHURNERS	4

static __u32 stable_fd(unsigned int nr)
{
	return 50 + nr * 37;
}

/* At numbers between the stable ones and, at times, beyond the table's end */
static void *open_and_close(void *arg)
{
	static int (* const opens[])(void) = {
		open_regular, open_null, open_unix, open_pipe, open_eventfd,
		open_memfd,
	};
	unsigned int seed = (unsigned long)arg, i;
	int fds[8], to;

	for (;;) {
		for (i = 0; i < ARRAY_SIZE(fds); i++)
			fds[i] = opens[rand_r(&seed) % ARRAY_SIZE(opens)]();
		to = 3000 + rand_r(&seed) % 8000;
		dup2(fds[0], to);
		for (i = 0; i < ARRAY_SIZE(fds); i++)
			close(fds[i]);
		if (rand_r(&seed) % 2)
			close(to);
	}
	return NULL;
}

/* The second ends of pipes and socket pairs would fill the table. */
static void *close_the_rest(void *unused)
{
	unsigned int i;

	for (;;) {
		for (i = 0; i < NR_STABLE; i++)
			syscall(SYS_close_range, stable_fd(i) + 1,
				stable_fd(i + 1) - 1, 0);
		usleep(1000);
	}
	return NULL;
}

static void start_churn(const void *unused)
{
	int fd = open("/tmp/stable", FILE_FLAGS, 0644);
	unsigned long i;

	allow_files(16384);
	for (i = 0; i < NR_STABLE; i++)
		td_must(dup2(fd, stable_fd(i)) == stable_fd(i), "dup2");
	for (i = 0; i < NR_CHURNERS; i++)
		td_new_thread(open_and_close, (void *)i);
	td_new_thread(close_the_rest, NULL);
}

/* The stable ones are listed, and no file that nobody opened. */
static const char *churn_differs(struct td_sock *sock, pid_t pid, __u32 flags,
				 __u64 ino, size_t *nr)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(FD) | BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = pid,
		.flags = flags,
	};
	const struct open_file *file;
	struct listing listing;
	unsigned int i, mode;

	begin_diff();
	listing = get_listing(sock, &req, pid);
	if (listing.task && listing.task->failed)
		differs("failed at 0x%llx; ", listing.task->failed);
	*nr = listing.files.nr;
	for (i = 0; i < NR_STABLE; i++) {
		file = find_file(&listing.files, stable_fd(i));
		if (!file)
			differs("lacks %u; ", stable_fd(i));
		else if (file->info.ino != ino ||
			 file->info.kind != TASK_DIAG_FILE_REG ||
			 (flags & PATHS &&
			  strcmp(file->path ?: "", "/tmp/stable")))
			differs("%u is %u %llu %s; ", stable_fd(i),
				file->info.kind, file->info.ino,
				file->path ?: "");
	}
	for (i = 0; i < listing.files.nr; i++) {
		file = &listing.files.all[i];
		/* What else they open has a kind by its link. */
		mode = S_IFCHR;
		if (file->info.kind == TASK_DIAG_FILE_REG)
			mode = S_IFREG;
		/* One that the runner of the tests left open */
		if (file->info.kind == TASK_DIAG_FILE_FIFO)
			mode = S_IFIFO;
		if (flags & PATHS && file->info.fd > STDERR_FILENO &&
		    file->info.kind != kind_of(file, mode))
			differs("%u of kind %u is %s; ", file->info.fd,
				file->info.kind, file->path ?: "");
	}
	free_listing(&listing);
	return diff.text;
}

TEST_F(files, files_that_stay_open_come_while_others_change)
{
	const double end = td_now() + seconds_of_race();
	unsigned int rounds, changes = 0;
	size_t nr, last = 0;
	struct stat st;
	pid_t pid;

	pid = td_spawn(start_churn, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, stat("/tmp/stable", &st));
	for (rounds = 0; rounds < 10 || td_now() < end; rounds++) {
		td_set_recv_size(&self->sock, rounds < 5 ? 4096 : 32768);
		ASSERT_STREQ("", churn_differs(&self->sock, pid,
					       rounds % 2 ? PATHS : 0,
					       st.st_ino, &nr));
		changes += nr != last;
		last = nr;
	}
	EXPECT_LT(3, changes);
	TH_LOG("%u lists, %u of them of another length", rounds, changes);
}

/* --- a process that ends or calls exec in the middle of a list --------- */

#define NR_BEFORE	1000
#define NR_AFTER	500

static void open_times(const char *path, unsigned int nr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	td_must(fd >= 0, path);
	while (--nr)
		td_must(fcntl(fd, F_DUPFD_CLOEXEC, 100) >= 0,
			"F_DUPFD_CLOEXEC");
}

static void exec_after(int sig)
{
	execl("/proc/self/exe", "after", NULL);
	_exit(KSFT_FAIL);
}

static void open_before(const void *unused)
{
	allow_files(4096);
	signal(SIGUSR1, exec_after);
	open_times("/tmp/before", NR_BEFORE);
}

/* The new program */
static int run_after(void)
{
	open_times("/tmp/after", NR_AFTER);
	td_must(!mkdir("/tmp/after-exec", 0777), "mkdir");
	pause();
	return KSFT_FAIL;
}

static bool wait_for_path(const char *path)
{
	const double deadline = td_now() + TD_DEADLINE_S;

	while (access(path, F_OK)) {
		if (td_now() > deadline)
			return false;
		usleep(1000);
	}
	return true;
}

/* Starts a dump of the process, and receives the first part of its files. */
static struct td_props_answer *begin_files(struct td_sock *sock, pid_t pid,
					   __u32 flags)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(FILES) | BIT(CWD),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = pid,
		.flags = flags,
	};
	struct td_props_answer *answer;

	td_set_recv_size(sock, 4096);
	answer = td_start_props(sock, NLM_F_DUMP, &req);
	while (!answer->nr_tasks && td_recv_props(sock, answer))
		;
	return answer;
}

FIXTURE(begun)
{
	struct td_sock sock;
	pid_t pid;
	struct td_props_answer *answer;
};

FIXTURE_VARIANT(begun)
{
	__u32 flags;
};

FIXTURE_VARIANT_ADD(begun, without_paths)
{
};

FIXTURE_VARIANT_ADD(begun, with_paths)
{
	.flags = PATHS,
};

FIXTURE_SETUP(begun)
{
	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, td_open(&self->sock));
	self->pid = td_spawn_sleeper(open_before, NULL);
	ASSERT_LT(0, self->pid);
	self->answer = begin_files(&self->sock, self->pid, variant->flags);
	ASSERT_EQ(1, self->answer->nr_tasks);
	ASSERT_TRUE(self->answer->tasks[0].more);
}

FIXTURE_TEARDOWN(begun)
{
	td_kill_children();
	td_close(&self->sock);
}

/*
 * The list has no files but those of before, and ends with an error. The kernel
 * is ahead of the requester, so some parts still come.
 */
static void expect_cut(struct __test_metadata *_metadata,
		       FIXTURE_DATA(begun) *self)
{
	const struct open_file *file;
	struct listing listing;
	struct stat before;
	size_t i;

	ASSERT_EQ(0, stat("/tmp/before", &before));
	receive(&self->sock, self->answer);
	begin_diff();
	listing = list_of(self->answer, self->pid);
	EXPECT_STREQ("", diff.text);
	ASSERT_NE(NULL, listing.task);
	EXPECT_EQ(BIT(FILES), listing.task->failed & BIT(FILES));
	EXPECT_EQ(-ESRCH, listing.task->groups[TASK_DIAG_FILES].error);
	EXPECT_GT(NR_BEFORE, listing.files.nr);
	for (i = 0; i < listing.files.nr; i++) {
		file = &listing.files.all[i];
		if (file->info.fd >= 100)
			EXPECT_EQ(before.st_ino, file->info.ino);
	}
	free_listing(&listing);
}

TEST_F(begun, list_of_files_says_that_the_process_ended)
{
	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	ASSERT_TRUE(td_wait_state(self->pid, 0, 'Z'));
	expect_cut(_metadata, self);
}

TEST_F(begun, list_of_files_says_that_the_process_was_reaped)
{
	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
	expect_cut(_metadata, self);
}

TEST_F(begun, list_of_files_says_that_the_process_called_exec)
{
	ASSERT_EQ(0, kill(self->pid, SIGUSR1));
	ASSERT_TRUE(wait_for_path("/tmp/after-exec"));
	expect_cut(_metadata, self);
	/* A new request gets the new program's files. */
	EXPECT_STREQ("", files_differ(&self->sock, self->pid, 0));
}

static void hide(int sig)
{
	prctl(PR_SET_DUMPABLE, 0);
}

static void open_before_as_alice(const void *unused)
{
	open_before(NULL);
	signal(SIGUSR2, hide);
	td_become(TD_ALICE);
}

/* A new request finds no such process. */
TEST_F(files, list_of_files_ends_when_the_process_becomes_undumpable)
{
	struct td_props_answer *answer;
	struct listing listing;
	struct td_sock sock;
	char path[40];
	struct stat st;
	pid_t pid, child;

	pid = td_spawn_sleeper(open_before_as_alice, NULL);
	ASSERT_LT(0, pid);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	child = fork();
	if (!child) {
		td_become(TD_ALICE);
		td_must(!td_open(&sock), "td_open");
		answer = begin_files(&sock, pid, 0);
		ASSERT_EQ(1, answer->nr_tasks);
		EXPECT_TRUE(answer->tasks[0].more);
		td_must(!kill(pid, SIGUSR2), "kill");
		/* Then its files in procfs belong to root. */
		do {
			td_must(!stat(path, &st), "stat");
		} while (st.st_uid);
		receive(&sock, answer);
		begin_diff();
		listing = list_of(answer, pid);
		EXPECT_STREQ("", diff.text);
		EXPECT_EQ(-ESRCH, listing.task->groups[TASK_DIAG_FILES].error);
		EXPECT_GT(NR_BEFORE, listing.files.nr);
		free_listing(&listing);
		answer = begin_files(&sock, pid, 0);
		EXPECT_EQ(ESRCH, answer->rest->error);
		td_free_props(answer);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* Changes its credentials at any pace: each call does, even to the same values. */
static void change_credentials(const void *unused)
{
	unsigned int i, wait;

	allow_files(4096);
	open_times("/tmp/many", 3000);
	td_ready();
	for (i = 0;; i++) {
		prctl(PR_SET_KEEPCAPS, i & 1);
		for (wait = i % 500; wait; wait--)
			getppid();
	}
}

/* What was read before a change is not shown, but can be read again. */
TEST_F(files, task_that_changes_its_credentials_is_contended)
{
	static const __u16 groups[] = { TASK_DIAG_CRED, TASK_DIAG_FILES };
	const double end = td_now() + 1;
	struct td_props_answer *answer;
	unsigned int i, k, nr_busy = 0;
	const struct td_props *task;
	pid_t pid;

	pid = td_spawn(change_credentials, NULL);
	ASSERT_LT(0, pid);
	td_set_recv_size(&self->sock, 4096);
	for (i = 0; i < 50 || td_now() < end; i++) {
		answer = td_get_props(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
				      BIT(CRED) | BIT(FILES), pid);
		ASSERT_STREQ("", td_props_whole(answer));
		ASSERT_EQ(1, answer->nr_tasks);
		task = &answer->tasks[0];
		EXPECT_EQ(BIT(CRED) | BIT(FILES), task->has | task->failed);
		for (k = 0; k < ARRAY_SIZE(groups); k++)
			if (task->failed & 1ULL << groups[k])
				ASSERT_EQ(-EAGAIN, task->groups[groups[k]].error);
		nr_busy += !!task->failed;
		td_free_props(answer);
	}
	TH_LOG("%u dumps, %u of them contended", i, nr_busy);
	EXPECT_LT(0, nr_busy);
}

/* In turn two programs, each with files of its own */
static int run_in_turn(const char *name, const char *next)
{
	char path[40];

	snprintf(path, sizeof(path), "/tmp/%s-file", name);
	srandom(getpid() + time(NULL));
	open_times(path, NR_AFTER);
	usleep(random() % 20000);
	execl("/proc/self/exe", next, NULL);
	return KSFT_FAIL;
}

static void become_one_of_two(const void *unused)
{
	allow_files(4096);
	td_ready();
	execl("/proc/self/exe", "this", NULL);
}

static const char *mixture(struct td_sock *sock, pid_t pid, unsigned int *of)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(FILES),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.pid = pid,
		.flags = PATHS,
	};
	bool this = false, that = false;
	struct listing listing;
	const char *path;
	size_t i;

	begin_diff();
	listing = get_listing(sock, &req, pid);
	for (i = 0; i < listing.files.nr; i++) {
		path = listing.files.all[i].path ?: "";
		this |= !strcmp(path, "/tmp/this-file");
		that |= !strcmp(path, "/tmp/that-file");
	}
	of[0] += this;
	of[1] += that;
	of[2] += listing.task && listing.task->failed;
	if (this && that)
		differs("%zu files of both; ", listing.files.nr);
	free_listing(&listing);
	return diff.text;
}

TEST_F(files, list_of_files_is_never_of_two_programs)
{
	const double end = td_now() + seconds_of_race();
	const double deadline = td_now() + 60;
	unsigned int of[3] = {}, rounds = 0;
	struct td_sock sock;
	pid_t pid;

	pid = td_spawn(become_one_of_two, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(wait_for_path("/tmp/that-file"));
	ASSERT_EQ(0, td_open(&sock));
	td_set_recv_size(&sock, 4096);
	while (td_now() < end ||
	       ((!of[0] || !of[1] || !of[2]) && td_now() < deadline)) {
		ASSERT_STREQ("", mixture(&sock, pid, of));
		rounds++;
	}
	EXPECT_LT(0, of[0]);
	EXPECT_LT(0, of[1]);
	EXPECT_LT(0, of[2]);
	TH_LOG("%u lists, %u of this, %u of that, %u with an error", rounds,
	       of[0], of[1], of[2]);
	td_close(&sock);
}

/* --- a dump keeps nothing open ----------------------------------------- */

struct holder {
	int fd;		/* it has many duplicates of this */
	int dir;	/* its working directory, or -1 */
	int go;		/* with a byte it closes all and leaves */
};

static void close_when_told(const void *arg)
{
	const struct holder *holder = arg;
	unsigned int i;
	char byte;

	allow_files(4096);
	if (holder->dir >= 0)
		td_must(!fchdir(holder->dir), "fchdir");
	for (i = 0; i < NR_BEFORE; i++)
		td_must(fcntl(holder->fd, F_DUPFD, FD_NUMBER) >= 0, "F_DUPFD");
	td_ready();
	td_must(read(holder->go, &byte, 1) == 1, "read");
	td_must(!chdir("/"), "chdir");
	syscall(SYS_close_range, 0, ~0U, 0);
}

/* Whether the pipe has no writer any more */
static bool ends_at_once(int fd)
{
	struct timeval timeout = { .tv_sec = td_patience() };
	fd_set fds;
	char byte;

	FD_ZERO(&fds);
	FD_SET(fd, &fds);
	return select(fd + 1, &fds, NULL, NULL, &timeout) == 1 &&
	       !read(fd, &byte, 1);
}

TEST_F(files, dump_keeps_no_file_open)
{
	static const __u32 flags[] = { 0, PATHS, SOCKETS };
	struct td_props_answer *answer;
	struct holder holder;
	int fds[2], go[2];
	struct td_sock sock;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
		ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
		holder = (struct holder){ fds[1], -1, go[0] };
		pid = td_spawn_sleeper(close_when_told, &holder);
		ASSERT_LT(0, pid);
		close(fds[1]);

		ASSERT_EQ(0, td_open(&sock));
		answer = begin_files(&sock, pid, flags[i]);
		ASSERT_EQ(1, answer->nr_tasks);
		EXPECT_EQ(flags[i] != SOCKETS, answer->tasks[0].more);
		ASSERT_EQ(1, write(go[1], "", 1));
		EXPECT_TRUE(ends_at_once(fds[0]));
		if (flags[i] != SOCKETS)
			receive(&sock, answer);
		td_free_props(answer);
		td_close(&sock);
		close(fds[0]);
		close(go[0]);
		close(go[1]);
		td_kill_children();
	}
}

#define MOUNT	"/tmp/mount"

static bool unmounts(void)
{
	const double deadline = td_now() + td_patience();

	while (umount(MOUNT)) {
		if (errno != EBUSY || td_now() > deadline)
			return false;
		usleep(1000);
	}
	return true;
}

/* A part of a long path, or of the working directory's, was sent. */
TEST_F(files, dump_keeps_nothing_mounted)
{
	static const __u64 groups[] = {
		BIT(FILES) | BIT(CWD), BIT(CWD) | BIT(ROOT),
	};
	struct task_diag_pid req = {
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};
	struct td_props_answer *answer;
	struct holder holder;
	struct td_sock sock;
	unsigned int i;
	int go[2];

	ASSERT_EQ(0, mkdir(MOUNT, 0755));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	holder.go = go[0];
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		ASSERT_EQ(0, mount("taskdiag", MOUNT, "tmpfs", 0, NULL));
		holder.dir = open_at_depth(MOUNT, PATH_MAX - 1,
					   O_PATH | O_DIRECTORY);
		holder.fd = open_at_depth(MOUNT, 4050, FILE_FLAGS);
		req.pid = td_spawn_sleeper(close_when_told, &holder);
		ASSERT_LT(0, (pid_t)req.pid);
		close(holder.dir);
		close(holder.fd);

		ASSERT_EQ(0, td_open(&sock));
		td_set_recv_size(&sock, 4096);
		req.show_flags = groups[i];
		req.flags = groups[i] & BIT(FILES) ? PATHS : 0;
		answer = td_start_props(&sock, NLM_F_DUMP, &req);
		while (!answer->nr_tasks)
			ASSERT_TRUE(td_recv_props(&sock, answer));
		EXPECT_TRUE(answer->tasks[0].more);
		EXPECT_EQ(-1, umount(MOUNT));
		EXPECT_EQ(EBUSY, errno);
		ASSERT_EQ(1, write(go[1], "", 1));
		EXPECT_TRUE(unmounts());
		receive(&sock, answer);
		EXPECT_STREQ("", td_props_whole(answer));
		td_free_props(answer);
		td_close(&sock);
		td_kill_children();
		umount2(MOUNT, MNT_DETACH);
	}
}

/* --- an ordinary user -------------------------------------------------- */

static void open_as_alice(const void *unused)
{
	td_become(TD_ALICE);
	open_some(NULL);
	td_must(!chdir("/tmp"), "chdir");
}

static void open_as_bob(const void *unused)
{
	td_become(TD_BOB);
	td_must(open_unix() >= 0 && open_null() >= 0, "open");
}

static void hide_as_alice(const void *unused)
{
	td_become(TD_ALICE);
	td_must(!prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
}

static void open_as_root(const void *unused)
{
	td_must(open_unix() >= 0 && open_null() >= 0, "open");
}

static const struct person {
	const char *name;
	void (*setup)(const void *arg);
	bool shown;
} people[] = {
	{ "alice", open_as_alice, true },
	{ "undumpable alice", hide_as_alice, false },
	{ "bob", open_as_bob, false },
	{ "root", open_as_root, false },
};

#define NEW_GROUPS	(BIT(FD) | BIT(FILES) | BIT(CWD) | BIT(ROOT) | \
			 BIT(LABEL) | BIT(WCHAN) | BIT(AUTOGROUP) | \
			 BIT(IOPRIO) | BIT(AFFINITY))

static void expect_own(struct __test_metadata *_metadata, struct td_sock *sock,
		       const pid_t *pids)
{
	struct task_diag_pid req = {
		.show_flags = NEW_GROUPS & td_all_groups(sock),
		.dump_strategy = TASK_DIAG_DUMP_ALL,
		.flags = PATHS | KINDS,
	};
	struct td_props_answer *answer = td_ask_props(sock, NLM_F_DUMP, &req);
	struct td_set all = proc_pids(HIDEPID);
	unsigned int i;
	size_t t;

	EXPECT_STREQ("", td_props_whole(answer));
	for (t = 0; t < answer->nr_tasks; t++)
		EXPECT_TRUE(td_set_has(&all, answer->tasks[t].pid));
	for (i = 0; i < ARRAY_SIZE(people); i++)
		EXPECT_EQ(people[i].shown, !!td_find_props(answer, pids[i]))
			TH_LOG("%s", people[i].name ?: "");
	td_free_props(answer);
	td_set_free(&all);

	req.dump_strategy = TASK_DIAG_DUMP_ONE;
	for (i = 0; i < ARRAY_SIZE(people); i++) {
		req.pid = pids[i];
		answer = td_ask_props(sock, NLM_F_DUMP, &req);
		EXPECT_EQ(people[i].shown ? 0 : ESRCH, answer->rest->error)
			TH_LOG("%s", people[i].name ?: "");
		EXPECT_EQ(people[i].shown, answer->nr_tasks);
		td_free_props(answer);
		if (!people[i].shown)
			continue;
		EXPECT_STREQ("", files_differ(sock, pids[i], 0));
		EXPECT_STREQ("", places_differ(sock, pids[i], 0, true));
	}
}

TEST_F(files, files_of_others_are_hidden_from_an_ordinary_user)
{
	pid_t pids[ARRAY_SIZE(people)], child;
	struct td_sock sock;
	unsigned int i;

	ASSERT_TRUE(td_mount_hidepid());
	for (i = 0; i < ARRAY_SIZE(people); i++) {
		pids[i] = td_spawn_sleeper(people[i].setup, NULL);
		ASSERT_LT(0, pids[i]);
	}
	child = fork();
	if (!child) {
		td_become(TD_ALICE);
		td_must(!td_open(&sock), "td_open");
		expect_own(_metadata, &sock, pids);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* --- exec of a set-uid program in a loop ------------------------------- */

/*
 * A process of alice is in turn an ordinary program and a set-uid one, whose
 * files, directories and I/O priority are marked. The kernel counts the files that
 * both have in two parts; in between, on the only processor, the task continues.
 */
#define PUBLIC		"/tmp/public"
#define SECRET		"/tmp/s3cret"
#define MARK		"s3cret"
#define MARKED_DIR	"/tmp/s3cret-dir"
#define SHARED_FILES	100
#define MARKED_FILES	200
#define MARKED_IOPRIO	IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)
#define MARKED_GROUPS	(BIT(FILES) | BIT(FD) | BIT(CWD) | BIT(ROOT) | \
			 BIT(IOPRIO))

#define EXEC_FD		100	/* gets a byte for each exec */

static void sleep_a_little(void)
{
	usleep(random() % 2000);
}

static int run_public(void)
{
	srandom(getpid() + time(NULL));
	sleep_a_little();
	execl(SECRET, MARK, NULL);
	return KSFT_FAIL;
}

static int run_secret(void)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* SIGPIPE ends it, with the test. */
	if (write(EXEC_FD, "", 1) < 0 && errno != EAGAIN)
		return KSFT_FAIL;
	srandom(getpid() + time(NULL));
	td_must(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, MARKED_IOPRIO),
		"ioprio_set");
	open_times(MARKED_DIR "/file", MARKED_FILES);
	td_must(!chdir(MARKED_DIR) && !chroot(MARKED_DIR), "chroot");
	sleep_a_little();
	/* Long enough for root to find the marks */
	if (!(random() % 32))
		usleep(50000);

	/* The next program would inherit these. */
	td_must(!fchdir(root) && !chroot("."), "chroot");
	td_must(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
			 IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 0)),
		"ioprio_set");
	td_must(!setresuid(TD_ALICE, TD_ALICE, TD_ALICE), "setresuid");
	execl(PUBLIC, "public", NULL);
	return KSFT_FAIL;
}

static void become_victim(const void *exec_fd)
{
	const int fd = open("/dev/null", O_RDONLY);
	unsigned int i;

	for (i = 0; i < SHARED_FILES; i++)
		td_must(dup(fd) >= 0, "dup");
	/* The requesters outnumber it. */
	td_must(!setpriority(PRIO_PROCESS, 0, -20), "setpriority");
	td_must(dup2(*(const int *)exec_fd, EXEC_FD) == EXEC_FD, "dup2");
	td_must(!chdir("/"), "chdir");
	td_become(TD_ALICE);
	td_ready();
	execl(PUBLIC, "public", NULL);
}

/* Groups that report what only the set-uid program has */
static __u64 secrets_of(const struct td_props *task)
{
	const struct td_group *groups = task->groups;
	struct task_diag_ioprio ioprio = {};
	struct task_diag_fd fd = {};
	__u64 found = 0;
	unsigned int i;

	for (i = 0; i < TD_MAX_GROUPS; i++)
		if (groups[i].len && memmem(groups[i].data, groups[i].len, MARK,
					    strlen(MARK)))
			found |= 1ULL << i;
	if (task->has & BIT(FD)) {
		memcpy(&fd, groups[TASK_DIAG_FD].data,
		       groups[TASK_DIAG_FD].len);
		if (fd.open_fds >= SHARED_FILES + MARKED_FILES ||
		    fd.kinds[TASK_DIAG_FILE_REG] >= MARKED_FILES)
			found |= BIT(FD);
	}
	if (task->has & BIT(IOPRIO)) {
		memcpy(&ioprio, groups[TASK_DIAG_IOPRIO].data, sizeof(ioprio));
		if (ioprio.ioprio == MARKED_IOPRIO)
			found |= BIT(IOPRIO);
	}
	return found;
}

static struct td_props_answer *ask_as_alice(struct td_sock *sock,
					    const struct td_race *race,
					    unsigned int round)
{
	static const __u64 strategies[] = {
		TASK_DIAG_DUMP_ONE, TASK_DIAG_DUMP_THREAD, TASK_DIAG_DUMP_ALL,
		TASK_DIAG_DUMP_ALL_THREAD,
	};
	struct task_diag_pid req = {
		.show_flags = race->groups,
		.dump_strategy = strategies[round / 8 % 4],
		.pid = race->victims[0],
		.flags = PATHS | (round / 32 % 2 ? KINDS : 0),
	};

	/* A list takes several messages, each with a check of its own. */
	if (round % 8) {
		req.show_flags &= ~BIT(FILES);
		req.dump_strategy = TASK_DIAG_DUMP_ONE;
		req.flags = KINDS;
	}
	return td_ask_props(sock, NLM_F_DUMP, &req);
}

TEST_F_TIMEOUT(files, files_of_a_set_uid_program_stay_hidden, TD_FOREVER_S)
{
	struct td_race *race;
	int exec_fd;

	td_stay_on_cpu(0);
	td_copy_program(PUBLIC, 0755);
	td_copy_program(SECRET, 04755);
	ASSERT_EQ(0, mkdir(MARKED_DIR, 0755));
	race = td_new_race(&exec_fd);
	race->victims[0] = td_spawn(become_victim, &exec_fd);
	ASSERT_LT(0, (pid_t)race->victims[0]);

	race->forks = race->victims[0];
	race->enough_execs = 40;
	race->flags = PATHS | KINDS;
	race->groups = td_all_groups(&self->sock) & NEW_GROUPS;
	race->wanted = td_all_groups(&self->sock) & MARKED_GROUPS;
	race->ask = ask_as_alice;
	race->secrets_of = secrets_of;
	EXPECT_STREQ("", td_run_race(race, seconds_of_race()));
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], "after"))
		return run_after();
	if (!strcmp(argv[0], "this"))
		return run_in_turn("this", "that");
	if (!strcmp(argv[0], "that"))
		return run_in_turn("that", "this");
	if (!strcmp(argv[0], "public"))
		return run_public();
	if (!strcmp(argv[0], MARK))
		return run_secret();
	return td_main(argc, argv);
}
