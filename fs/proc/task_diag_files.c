// SPDX-License-Identifier: GPL-2.0
/*
 * task_diag: the groups of properties from a task's open files
 *
 * Take no reference on a file: whoever puts the last one closes it.
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

/* Descriptors looked at under one hold of the locks; a path counts for more */
#define TASK_DIAG_FILES_BATCH	64
#define TASK_DIAG_PATH_COST	8

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

/* The name of such a file never changes, and users cannot choose it. */
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

static enum task_diag_file_kind task_diag_kind_of(const struct file *file)
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

/* Attributes are aligned to 4 bytes; some architectures need 8 for u64. */
struct task_diag_file_payload {
	struct task_diag_file info;
} __packed __aligned(NLA_ALIGNTO);

/* Directories that are remembered, unless their paths are longer */
#define TASK_DIAG_DIRS		4
#define TASK_DIAG_DIR_LEN	232

/**
 * struct task_diag_dir - a directory whose path serves for the files in it
 * @path: the directory; @path.dentry is NULL if none is remembered
 * @rename_seq: sequence of rename_lock when it had this path
 * @mount_seq: the same of mount_lock
 * @len: length of @name
 * @name: the path, with a slash at its end
 */
struct task_diag_dir {
	struct path	path;
	unsigned int	rename_seq;
	unsigned int	mount_seq;
	unsigned int	len;
	char		name[TASK_DIAG_DIR_LEN];
};

/**
 * struct task_diag_paths - buffers for the paths of files
 * @dirs: their directories; valid only while the locks are held, since the
 *	files hold the references on these
 * @next: index in @dirs of the next one to replace
 * @buf: a path
 */
struct task_diag_paths {
	struct task_diag_dir	dirs[TASK_DIAG_DIRS];
	unsigned int		next;
	char			buf[PATH_MAX];
};

/**
 * struct task_diag_files - a walk over open files
 * @skb: the message
 * @t: the task; @t.pos is the next descriptor
 * @kinds: where to count the files by kind, or NULL to report them
 * @payload: the struct of a file that did not fit an empty message
 * @path: @payload and the path
 * @paths: room for paths, or NULL
 * @root: current's root directory, to compare with; holds no reference
 * @budget: how much more to look at under this hold of the locks
 * @keep: there is such a file
 */
struct task_diag_files {
	struct sk_buff		*skb;
	struct task_diag_task	*t;
	u32			*kinds;
	struct task_diag_file_payload payload;
	struct task_diag_value	path;
	struct task_diag_paths	*paths;
	struct path		root;
	int			budget;
	bool			keep;
};

static void task_diag_forget_dirs(struct task_diag_paths *paths)
{
	unsigned int i;

	for (i = 0; i < TASK_DIAG_DIRS; i++)
		paths->dirs[i].path.dentry = NULL;
}

static struct task_diag_dir *task_diag_find_dir(struct task_diag_paths *paths,
						const struct path *path)
{
	struct task_diag_dir *dir;

	for (dir = paths->dirs; dir < paths->dirs + TASK_DIAG_DIRS; dir++) {
		if (dir->path.dentry == path->dentry->d_parent &&
		    dir->path.mnt == path->mnt)
			return dir;
	}
	return NULL;
}

/* Makes room for another directory, whose path the caller then looks up. */
static struct task_diag_dir *task_diag_new_dir(struct task_diag_paths *paths)
{
	struct task_diag_dir *dir;

	dir = &paths->dirs[paths->next++ % TASK_DIAG_DIRS];
	dir->path.dentry = NULL;
	dir->mount_seq = read_seqbegin(&mount_lock);
	dir->rename_seq = read_seqbegin(&rename_lock);
	return dir;
}

/* Whether its path is that of its directory followed by its name. */
static bool task_diag_is_in_dir(const struct path *path, const struct path *root)
{
	const struct dentry *dentry = path->dentry;

	return dentry != path->mnt->mnt_root && !path_equal(path, root) &&
	       !(dentry->d_op && dentry->d_op->d_dname);
}

static bool task_diag_dir_has_changed(const struct task_diag_dir *dir)
{
	return read_seqretry(&rename_lock, dir->rename_seq) ||
	       read_seqretry(&mount_lock, dir->mount_seq);
}

/* Returns the length of the path in @buf, or 0 if d_path() must make it. */
static unsigned int task_diag_path_in_dir(const struct task_diag_dir *dir,
					  const struct path *path, char *buf)
{
	struct dentry *dentry = path->dentry;
	unsigned int len = 0;

	memcpy(buf, dir->name, dir->len);
	spin_lock(&dentry->d_lock);
	if (dentry->d_parent == dir->path.dentry && !d_unlinked(dentry) &&
	    dir->len + dentry->d_name.len < PATH_MAX) {
		len = dir->len + dentry->d_name.len;
		memcpy(buf + dir->len, dentry->d_name.name, dentry->d_name.len);
	}
	spin_unlock(&dentry->d_lock);
	return task_diag_dir_has_changed(dir) ? 0 : len;
}

/* Remembers the directory of the file at @path, whose path is @name. */
static void task_diag_note_dir(struct task_diag_dir *dir,
			       const struct path *path, const char *name,
			       unsigned int len)
{
	struct dentry *dentry = path->dentry;

	spin_lock(&dentry->d_lock);
	dir->path.mnt = path->mnt;
	dir->path.dentry = dentry->d_parent;
	dir->len = len - dentry->d_name.len;
	/* Deleted files, and files that no root leads to, have other names. */
	if (len <= dentry->d_name.len || dir->len > TASK_DIAG_DIR_LEN ||
	    d_unlinked(dentry) ||
	    memcmp(name + dir->len, dentry->d_name.name, dentry->d_name.len))
		dir->path.dentry = NULL;
	spin_unlock(&dentry->d_lock);
	if (dir->path.dentry)
		memcpy(dir->name, name, dir->len);
	if (task_diag_dir_has_changed(dir))
		dir->path.dentry = NULL;
}

/* Returns the length of a path, or 0 if it is too long. */
static unsigned int task_diag_file_path(struct task_diag_files *walk,
					const struct path *path,
					const char **name)
{
	struct task_diag_paths *paths = walk->paths;
	const bool in_dir = task_diag_is_in_dir(path, &walk->root);
	struct task_diag_dir *dir;
	unsigned int len = 0;

	dir = in_dir ? task_diag_find_dir(paths, path) : NULL;
	if (dir)
		len = task_diag_path_in_dir(dir, path, paths->buf);
	*name = paths->buf;
	if (len)
		return len;

	walk->budget -= TASK_DIAG_PATH_COST;
	dir = in_dir ? task_diag_new_dir(paths) : NULL;
	*name = d_path(path, paths->buf, PATH_MAX);
	if (IS_ERR(*name))
		return 0;
	len = paths->buf + PATH_MAX - 1 - *name;
	if (dir)
		task_diag_note_dir(dir, path, *name, len);
	return len;
}

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
	const enum task_diag_file_kind kind = task_diag_kind_of(file);
	struct task_diag_file_payload *to;
	const u32 fd = walk->t->pos;
	const char *path = "";
	unsigned int len = 0;

	if (walk->kinds) {
		walk->kinds[kind]++;
		return 0;
	}
	if (walk->t->flags & TASK_DIAG_ONLY_SOCKETS &&
	    kind != TASK_DIAG_FILE_SOCKET)
		return 0;
	if (walk->paths)
		len = task_diag_file_path(walk, &file->f_path, &path);
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

/* Returns 1 if more files may follow. Under task_lock() and file_lock. */
static int task_diag_walk_table(struct task_diag_files *walk,
				struct files_struct *files)
{
	struct fdtable *fdt = files_fdtable(files);
	struct file *file;
	unsigned int fd;
	u32 flags;
	int err;

	walk->budget = TASK_DIAG_FILES_BATCH;
	if (walk->paths)
		task_diag_forget_dirs(walk->paths);
	while (walk->budget-- > 0) {
		fd = find_next_bit(fdt->open_fds, fdt->max_fds, walk->t->pos);
		if (fd >= fdt->max_fds)
			return 0;
		/* A descriptor that is still being opened has no file. */
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
		/* A list that has begun must not look complete. */
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
		walk.paths = kzalloc_obj(*walk.paths, GFP_KERNEL);
		if (!walk.paths)
			return -ENOMEM;
		get_fs_root(current->fs, &walk.root);
		path_put(&walk.root);
	}
	err = task_diag_walk_files(&walk);
	if (walk.keep)
		err = task_diag_keep(skb, t, TASK_DIAG_FILES, &walk.path);
	kfree(walk.paths);
	return err;
}

/* Counting continues in the next message if the time is up. */
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
		/* Checked before the count, which may take long. */
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
	spin_lock(&task->files->file_lock);
	fdt = files_fdtable(task->files);
	info.open_fds = bitmap_weight(fdt->open_fds, fdt->max_fds);
	info.max_fds = fdt->max_fds;
	spin_unlock(&task->files->file_lock);
	umask = proc_umask(task);
	if (umask >= 0)
		info.umask = umask;
	task_unlock(task);

	return task_diag_put(skb, TASK_DIAG_FD, &info, len);
}
