// SPDX-License-Identifier: GPL-2.0
/* What procfs says, and what differs from it */
#include "taskdiag.h"

#include <ctype.h>

/* The numbers that are names in the directory and can be looked up there. */
static int proc_list(const char *path, struct td_set *set)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!isdigit(entry->d_name[0]))
			continue;
		/* With hidepid=2, a directory of threads lists hidden ones. */
		if (fstatat(dirfd(dir), entry->d_name, &st, 0))
			continue;
		td_set_add(set, strtoul(entry->d_name, NULL, 10));
	}
	closedir(dir);
	td_set_sort(set);
	return 0;
}

struct td_set proc_pids(const char *proc)
{
	struct td_set set = {};

	proc_list(proc, &set);
	return set;
}

void proc_add_tids(const char *proc, __u32 pid, struct td_set *set)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%u/task", proc, pid);
	proc_list(path, set);
}

struct td_set proc_tids(const char *proc, __u32 pid)
{
	struct td_set set = {};

	proc_add_tids(proc, pid, &set);
	return set;
}

struct td_set proc_all_tids(const char *proc)
{
	struct td_set pids = proc_pids(proc), tids = {};
	size_t i;

	for (i = 0; i < pids.nr; i++)
		proc_add_tids(proc, pids.pids[i], &tids);
	td_set_free(&pids);
	td_set_sort(&tids);
	return tids;
}

ssize_t proc_read(const char *proc, __u32 pid, __u32 tid, const char *file,
		  char *buf, size_t size)
{
	char path[160];
	ssize_t len;
	int fd;

	if (tid)
		snprintf(path, sizeof(path), "%s/%u/task/%u/%s", proc, pid, tid,
			 file);
	else
		snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, file);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	else
		buf[len] = 0;
	close(fd);
	return len;
}

static __u32 proc_status_number(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line ? strtoul(line + strlen(name), NULL, 10) : ~0U;
}

int proc_base(const char *proc, __u32 pid, __u32 tid,
	      struct task_diag_base *base, char name[80])
{
	char stat[1024], status[4096];
	char *open, *close, state;
	ssize_t len;

	len = proc_read(proc, pid, tid, "stat", stat, sizeof(stat));
	if (len < 0)
		return len;
	len = proc_read(proc, pid, tid, "status", status, sizeof(status));
	if (len < 0)
		return len;

	memset(base, 0, sizeof(*base));
	open = strchr(stat, '(');
	close = strrchr(stat, ')');
	if (!open || !close ||
	    sscanf(close, ") %c %u %u %u", &state, &base->ppid, &base->pgid,
		   &base->sid) != 4)
		return -EPROTO;
	base->pid = strtoul(stat, NULL, 10);
	base->state = state;
	snprintf(name, 80, "%.*s", (int)(close - open - 1), open + 1);
	memcpy(base->comm, name, strnlen(name, sizeof(base->comm) - 1));

	base->tgid = proc_status_number(status, "\nTgid:\t");
	base->tpid = proc_status_number(status, "\nTracerPid:\t");
	if (base->ppid != proc_status_number(status, "\nPPid:\t"))
		return -EPROTO;
	return 0;
}

const char *td_base_diff(const char *proc, __u32 pid, __u32 tid,
			 const struct task_diag_base *seen)
{
	struct task_diag_base base;
	static char text[600];
	char name[80];
	int err = proc_base(proc, pid, tid, &base, name);

	if (err) {
		snprintf(text, sizeof(text), "%s/%u: %s", proc, pid,
			 strerror(-err));
		return text;
	}
	base.id = seen->id;
	/* Names of kernel threads are longer in procfs. */
	if (!memcmp(&base, seen, sizeof(base)))
		return "";
	snprintf(text, sizeof(text),
		 "procfs: tgid %u pid %u ppid %u tpid %u sid %u pgid %u %c (%s), task_diag: tgid %u pid %u ppid %u tpid %u sid %u pgid %u %c (%.16s)",
		 base.tgid, base.pid, base.ppid, base.tpid, base.sid, base.pgid,
		 base.state, name, seen->tgid, seen->pid, seen->ppid,
		 seen->tpid, seen->sid, seen->pgid, seen->state, seen->comm);
	return text;
}

/* The process by a plain request and by a dump, against procfs. */
static const char *td_process_diff(struct td_sock *sock, const char *proc,
				   __u32 pid)
{
	static const __u16 flags[] = { 0, NLM_F_DUMP };
	struct td_answer *answer;
	static char text[700];
	const char *diff;
	unsigned int i;

	text[0] = 0;
	for (i = 0; i < ARRAY_SIZE(flags) && !text[0]; i++) {
		answer = td_get(sock, flags[i], TASK_DIAG_DUMP_ONE,
				TASK_DIAG_SHOW_BASE, pid);
		diff = td_whole(answer);
		if (!diff[0] && answer->nr_tasks != 1)
			diff = "not one task";
		if (!diff[0])
			diff = td_base_diff(proc, pid, 0,
					    &answer->tasks[0].base);
		snprintf(text, sizeof(text), "%s", diff);
		td_free(answer);
	}
	return text;
}

/* All threads of the process against procfs. */
static const char *td_threads_diff(struct td_sock *sock, const char *proc,
				   __u32 pid)
{
	struct td_answer *answer = td_dump(sock, TASK_DIAG_DUMP_THREAD,
					   TASK_DIAG_SHOW_BASE, pid);
	struct td_set tids = proc_tids(proc, pid), seen = td_pids(answer);
	const char *diff = td_whole(answer);
	static char text[700];
	size_t i;

	if (!diff[0])
		diff = td_set_diff(&tids, &seen);
	for (i = 0; i < answer->nr_tasks && !diff[0]; i++)
		diff = td_base_diff(proc, pid, answer->tasks[i].pid,
				    &answer->tasks[i].base);
	snprintf(text, sizeof(text), "%s", diff);
	td_set_free(&tids);
	td_set_free(&seen);
	td_free(answer);
	return text;
}

/* Tries again for a while, as a task may still be about to fall asleep. */
static const char *td_settles(const char *(*differs)(struct td_sock *sock,
						     const char *proc, __u32 pid),
			      struct td_sock *sock, const char *proc, __u32 pid)
{
	const char *diff = differs(sock, proc, pid);
	unsigned int i;

	for (i = 0; i < 10 && diff[0]; i++) {
		usleep(20000);
		diff = differs(sock, proc, pid);
	}
	return diff;
}

const char *td_check_process(struct td_sock *sock, const char *proc, __u32 pid)
{
	return td_settles(td_process_diff, sock, proc, pid);
}

const char *td_check_threads(struct td_sock *sock, const char *proc, __u32 pid)
{
	return td_settles(td_threads_diff, sock, proc, pid);
}

const char *td_check_all(struct td_sock *sock, const char *proc, __u64 strategy)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct td_set before, after, seen;
	struct td_answer *answer;
	static char text[600];
	const char *diff;
	bool still;

	do {
		before = strategy == TASK_DIAG_DUMP_ALL ? proc_pids(proc) :
							  proc_all_tids(proc);
		answer = td_dump(sock, strategy, 0, 0);
		after = strategy == TASK_DIAG_DUMP_ALL ? proc_pids(proc) :
							 proc_all_tids(proc);
		still = !td_set_diff(&before, &after)[0];
		seen = td_pids(answer);
		diff = td_whole(answer);
		if (!diff[0])
			diff = td_ascending(answer);
		if (!diff[0])
			diff = td_set_diff(&before, &seen);
		snprintf(text, sizeof(text), "%s", diff);
		td_set_free(&before);
		td_set_free(&after);
		td_set_free(&seen);
		td_free(answer);
		if (still)
			return text;
	} while (td_now() < deadline);
	return "procfs did not hold still";
}
