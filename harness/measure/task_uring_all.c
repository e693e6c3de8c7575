// SPDX-License-Identifier: GPL-2.0
/*
 * Reads /proc/PID/stat of all processes through io_uring, many of them with one
 * system call.
 *
 * What makes it cheap, as measured: each file replaces the one before in its
 * slot of registered files, so that none is closed; and a read hands nothing to
 * the kernel's worker threads if the file is O_NONBLOCK and the buffer gets full.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <liburing.h>

#include "baseline.h"
#include "procfs.h"

/* Tasks that are read with one system call */
#define BATCH	128

/*
 * The fields that are wanted end before: a pid and three others of ten digits at
 * most, a name of 63 bytes and a state. The whole text is longer.
 */
#define STAT_SIZE	128

/* Of the request that opens a file: only a failure has its user_data. */
#define FAILED_OPEN	BATCH

static struct tool_options opts;
static unsigned long tasks;

static struct io_uring ring;
static int proc;
static unsigned int nr_queued;
static char paths[BATCH][PROCFS_PATH_SIZE];
static char bufs[BATCH][STAT_SIZE + 1];

static void check_ring(const char *what, int err)
{
	if (err < 0) {
		errno = -err;
		die(what);
	}
}

/* --- a batch of tasks -------------------------------------------------- */

static void queue_requests(unsigned int slot)
{
	struct io_uring_sqe *sqe;

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_openat_direct(sqe, proc, paths[slot], O_RDONLY | O_NONBLOCK,
				    0, slot);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
	io_uring_sqe_set_data64(sqe, FAILED_OPEN);

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, slot, bufs[slot], STAT_SIZE, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data64(sqe, slot);
}

static void finish_request(const struct io_uring_cqe *cqe)
{
	char *buf;

	if (cqe->res < 0) {
		errno = -cqe->res;
		if (!procfs_gone())
			die(cqe->user_data == FAILED_OPEN ? "open" : "read");
		return;
	}
	buf = bufs[cqe->user_data];
	/* Ends the number that a full buffer would cut */
	buf[cqe->res] = '\0';
	tasks += procfs_show_stat(buf, cqe->res, &opts);
}

/* Each task gives one completion: of its read, or of the open that failed. */
static void read_batch(void)
{
	struct io_uring_cqe *cqe;
	unsigned int head, i;
	unsigned int nr = 0;

	for (i = 0; i < nr_queued; i++)
		queue_requests(i);
	while (nr < nr_queued) {
		procfs_syscalls++;
		check_ring("io_uring_enter",
			   io_uring_submit_and_wait(&ring, nr_queued - nr));
		i = 0;
		io_uring_for_each_cqe(&ring, head, cqe) {
			finish_request(cqe);
			i++;
		}
		io_uring_cq_advance(&ring, i);
		nr += i;
	}
	nr_queued = 0;
}

static void queue_task(int dir, const char *name)
{
	proc = dir;
	MAKE_PATH(paths[nr_queued], name, "/stat");
	if (++nr_queued == BATCH)
		read_batch();
}

/* --- the command line -------------------------------------------------- */

static const struct tool tool = {
	.usage =
	"usage: task_uring_all [--only-pids | --quiet | --bench]\n"
	"Shows all processes, read from /proc/PID/stat through io_uring.\n\n"
	TOOL_USAGE
	"\nExit status: 0; 1 if procfs could not be read; 2 for wrong usage.\n",
};

int main(int argc, char **argv)
{
	unsigned long long start;

	parse_tool_options(argc, argv, &tool, &opts);
	check_ring("io_uring_setup",
		   io_uring_queue_init(2 * BATCH, &ring,
				       IORING_SETUP_SINGLE_ISSUER |
				       IORING_SETUP_DEFER_TASKRUN));
	check_ring("IORING_REGISTER_RING_FDS", io_uring_register_ring_fd(&ring));
	check_ring("IORING_REGISTER_FILES2",
		   io_uring_register_files_sparse(&ring, BATCH));
	if (shows_tasks(&opts) && !opts.pids)
		puts("    PID    PPID     SID    PGID S COMM");

	start = now_ns();
	procfs_walk(false, queue_task, read_batch);
	print_result(&opts, tasks, procfs_syscalls, now_ns() - start);
	io_uring_queue_exit(&ring);
	return finish_output() ? 1 : 0;
}
