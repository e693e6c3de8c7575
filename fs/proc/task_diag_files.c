// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties that a task has from its open files and
 * from where it is in the file system
 *
 * No reference is taken on a file, a directory or a mount: whoever puts the last
 * one closes the file, or unmounts.
 */
#include <linux/anon_inodes.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <net/netlink.h>
#include "../mount.h"
#include "internal.h"
#include "task_diag_attrs.h"

/* Descriptors that are looked at under one hold of the locks; with their paths */
#define TASK_DIAG_FILES_BATCH	64
#define TASK_DIAG_PATHS_BATCH	8

static const struct {
	const char *name;
	enum task_diag_file_kind kind;
} task_diag_anon_kinds[] = {
	{ "[eventfd]", TASK_DIAG_FILE_EVENTFD },
	{ "[eventpoll]", TASK_DIAG_FILE_EPOLL },
	{ "[signalfd]", TASK_DIAG_FILE_SIGNALFD },
	{ "[timerfd]", TASK_DIAG_FILE_TIMERFD },
	{ "inotify", TASK_DIAG_FILE_INOTIFY },
	{ "[fanotify]", TASK_DIAG_FILE_FANOTIFY },
	{ "[pidfd]", TASK_DIAG_FILE_PIDFD },
	{ "[io_uring]", TASK_DIAG_FILE_IO_URING },
	{ "[perf_event]", TASK_DIAG_FILE_PERF_EVENT },
	{ "[userfaultfd]", TASK_DIAG_FILE_USERFAULTFD },
	{ "btf", TASK_DIAG_FILE_BPF },
};

/* The name of such a file never changes, nor can a user choose it. */
static enum task_diag_file_kind task_diag_anon_kind(const struct file *file)
{
	const char *name = file->f_path.dentry->d_name.name;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(task_diag_anon_kinds); i++) {
		if (!strcmp(name, task_diag_anon_kinds[i].name))
			return task_diag_anon_kinds[i].kind;
	}
	return strstarts(name, "bpf") ? TASK_DIAG_FILE_BPF :
					TASK_DIAG_FILE_OTHER;
}

static bool task_diag_is_memfd(const struct file *file)
{
	return file->f_path.mnt->mnt_flags & MNT_INTERNAL &&
	       strstarts(file->f_path.dentry->d_name.name, "memfd:");
}

static enum task_diag_file_kind task_diag_file_kind(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	switch (inode->i_sb->s_magic) {
	case ANON_INODE_FS_MAGIC:
		return task_diag_anon_kind(file);
	case NSFS_MAGIC:
		return TASK_DIAG_FILE_NS;
	case PID_FS_MAGIC:
		return TASK_DIAG_FILE_PIDFD;
	case PIPEFS_MAGIC:
		return TASK_DIAG_FILE_PIPE;
	case SOCKFS_MAGIC:
		return TASK_DIAG_FILE_SOCKET;
	}
	switch (inode->i_mode & S_IFMT) {
	case S_IFREG:
		return task_diag_is_memfd(file) ? TASK_DIAG_FILE_MEMFD :
						  TASK_DIAG_FILE_REG;
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

/* Attributes are aligned to 4 bytes, less than what 64-bit fields need on some. */
struct task_diag_file_payload {
	struct task_diag_file info;
} __packed __aligned(NLA_ALIGNTO);

/**
 * struct task_diag_files - a walk over open files
 * @skb: the message
 * @t: the task; @t.pos is the next descriptor
 * @kinds: where to count the files by kind, or NULL to report them
 * @payload: what is told of a file that did not fit an empty message
 * @path: the same, with its path
 * @buf: room for a path, or NULL
 * @keep: there is such a file
 */
struct task_diag_files {
	struct sk_buff		*skb;
	struct task_diag_task	*t;
	u32			*kinds;
	struct task_diag_file_payload payload;
	struct task_diag_value	path;
	char			*buf;
	bool			keep;
};

static void task_diag_fill_file(struct task_diag_file_payload *to,
				const struct file *file,
				enum task_diag_file_kind kind, u32 fd, u32 flags,
				unsigned int path_len)
{
	const struct inode *inode = file_inode(file);
	const dev_t rdev = kind == TASK_DIAG_FILE_CHR ||
			   kind == TASK_DIAG_FILE_BLK ? inode->i_rdev : 0;

	to->info.ino = inode->i_ino;
	to->info.pos = file->f_pos;
	to->info.fd = fd;
	to->info.kind = kind;
	to->info.flags = flags;
	to->info.mnt_id = real_mount(file->f_path.mnt)->mnt_id;
	to->info.dev_major = MAJOR(inode->i_sb->s_dev);
	to->info.dev_minor = MINOR(inode->i_sb->s_dev);
	to->info.rdev_major = MAJOR(rdev);
	to->info.rdev_minor = MINOR(rdev);
	to->info.path_len = path_len;
	to->info.path_off = 0;
	to->info.path_at = sizeof(to->info);
	to->info.pad = 0;
}

/* Reports or counts a file. Under task_lock() and file_lock. */
static int task_diag_put_file(struct task_diag_files *walk,
			      const struct file *file, u32 flags)
{
	const enum task_diag_file_kind kind = task_diag_file_kind(file);
	struct task_diag_file_payload *to;
	const u32 fd = walk->t->pos;
	unsigned int len = 0;
	const char *path;

	if (walk->kinds) {
		walk->kinds[kind]++;
		return 0;
	}
	if (walk->t->flags & TASK_DIAG_ONLY_SOCKETS &&
	    kind != TASK_DIAG_FILE_SOCKET)
		return 0;
	if (walk->buf) {
		path = d_path(&file->f_path, walk->buf, PATH_MAX);
		if (!IS_ERR(path))
			len = walk->buf + PATH_MAX - 1 - path;
	}
	to = task_diag_reserve(walk->skb, TASK_DIAG_FILES, sizeof(*to) + len);
	if (to) {
		task_diag_fill_file(to, file, kind, fd, flags, len);
		if (len)
			memcpy(to + 1, path, len);
		return 0;
	}
	/* Not kept here: that allocates, and locks of the task are held. */
	walk->keep = task_diag_is_empty(walk->skb);
	if (walk->keep) {
		task_diag_fill_file(&walk->payload, file, kind, fd, flags, len);
		walk->path = (struct task_diag_value) {
			.head = &walk->payload,
			.head_len = sizeof(walk->payload),
			.off_at = offsetof(struct task_diag_file, path_off),
			.data = len ? path : "",
			.len = len,
		};
	}
	return -EMSGSIZE;
}

/* Returns 1 if there may be more of them. Under task_lock() and file_lock. */
static int task_diag_walk_table(struct task_diag_files *walk,
				struct files_struct *files)
{
	unsigned int budget = walk->buf ? TASK_DIAG_PATHS_BATCH :
					  TASK_DIAG_FILES_BATCH;
	struct fdtable *fdt = files_fdtable(files);
	struct file *file;
	unsigned int fd;
	u32 flags;
	int err;

	while (budget--) {
		fd = find_next_bit(fdt->open_fds, fdt->max_fds, walk->t->pos);
		if (fd >= fdt->max_fds)
			return 0;
		/* One that is still being opened has no file. */
		file = files_lookup_fd_locked(files, fd);
		if (file) {
			flags = file->f_flags;
			if (close_on_exec(fd, files))
				flags |= O_CLOEXEC;
			walk->t->pos = fd;
			err = task_diag_put_file(walk, file, flags);
			if (err)
				return err;
		}
		walk->t->pos = fd + 1;
	}
	return 1;
}

static int task_diag_walk_files(struct task_diag_files *walk)
{
	struct task_struct *task = walk->t->task;
	struct files_struct *files;
	int err;

	for (;;) {
		/* A list that was begun must not look complete. */
		err = walk->t->pos ? -ESRCH : -ENODATA;
		task_lock(task);
		files = task->files;
		if (files) {
			spin_lock(&files->file_lock);
			err = task_diag_walk_table(walk, files);
			spin_unlock(&files->file_lock);
		}
		task_unlock(task);
		if (err <= 0)
			return err;
		if (fatal_signal_pending(current))
			return -EAGAIN;
		if (time_after(jiffies, walk->t->until))
			return -EINPROGRESS;
		cond_resched();
	}
}

int task_diag_fill_files(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_diag_files walk = { .skb = skb, .t = t };
	int err;

	if (t->kept.data) {
		err = task_diag_put_kept(skb, t, TASK_DIAG_FILES);
		if (err)
			return err;
		t->pos++;
		task_diag_forget(t);
	}
	if (t->flags & TASK_DIAG_FILE_PATHS) {
		walk.buf = kmalloc(PATH_MAX, GFP_KERNEL_ACCOUNT);
		if (!walk.buf)
			return -ENOMEM;
	}
	err = task_diag_walk_files(&walk);
	if (walk.keep)
		err = task_diag_keep(skb, t, TASK_DIAG_FILES, &walk.path);
	kfree(walk.buf);
	return err;
}

/* Counts go on in the next message if the time is up. */
static int task_diag_count_files(struct task_diag_task *t,
				 struct task_diag_fd *info)
{
	struct task_diag_files walk = { .t = t };
	int err;

	if (!t->kept.head)
		t->kept.head = kzalloc(sizeof(info->kinds), GFP_KERNEL_ACCOUNT);
	if (!t->kept.head)
		return -ENOMEM;
	walk.kinds = t->kept.head;
	err = task_diag_walk_files(&walk);
	if (err)
		return err;
	memcpy(info->kinds, walk.kinds, sizeof(info->kinds));
	return 0;
}

int task_diag_fill_fd(struct sk_buff *skb, struct task_diag_task *t)
{
	struct task_struct *task = t->task;
	struct task_diag_fd info;
	unsigned int len = offsetof(struct task_diag_fd, kinds);
	struct fdtable *fdt;
	int err, umask;

	memset(&info, 0, sizeof(info));
	if (t->flags & TASK_DIAG_FD_KINDS) {
		len = sizeof(info);
		/* Before the count, which may be long */
		if (task_diag_room(skb) < len)
			return -EMSGSIZE;
		err = task_diag_count_files(t, &info);
		if (err)
			return err;
	}
	task_lock(task);
	if (!task->files) {
		task_unlock(task);
		return -ENODATA;
	}
	rcu_read_lock();
	fdt = files_fdtable(task->files);
	info.open_fds = bitmap_weight(fdt->open_fds, fdt->max_fds);
	info.max_fds = fdt->max_fds;
	rcu_read_unlock();
	umask = proc_umask(task);
	if (umask >= 0)
		info.umask = umask;
	task_unlock(task);

	return task_diag_put(skb, TASK_DIAG_FD, &info, len);
}

static int task_diag_put_fs_path(struct sk_buff *skb, struct task_diag_task *t,
				 u16 attr, bool root)
{
	char *buf, *path;
	int err;

	if (t->kept.data)
		return task_diag_put_kept(skb, t, attr);
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	path = proc_fs_path(t->task, root, buf, PATH_MAX);
	err = PTR_ERR_OR_ZERO(path);
	if (!err)
		err = task_diag_put_whole(skb, t, attr,
					  &(struct task_diag_value) {
						.data = path,
						.len = strlen(path),
					  });
	kfree(buf);
	return err == -ENOENT ? -ENODATA : err;
}

int task_diag_fill_cwd(struct sk_buff *skb, struct task_diag_task *t)
{
	return task_diag_put_fs_path(skb, t, TASK_DIAG_CWD, false);
}

int task_diag_fill_root(struct sk_buff *skb, struct task_diag_task *t)
{
	return task_diag_put_fs_path(skb, t, TASK_DIAG_ROOT, true);
}
