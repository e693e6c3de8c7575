// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * Processes that end: number, life time and processor time in seconds, status,
 * arguments
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <libtask_diag.h>

static void print_arguments(const struct td_task *task)
{
	const char *args;
	size_t i, len;

	/* A kernel thread, and what it forked, have none. */
	if (td_bytes(task, TASK_DIAG_CMDLINE, &args, &len) || !len)
		td_bytes(task, TASK_DIAG_NAME, &args, &len);
	for (i = 0; i < len; i++)
		putchar(args[i] >= ' ' && args[i] <= '~' ? args[i] : ' ');
}

static void print_end(const struct td_task *task)
{
	struct task_diag_event event;
	struct task_diag_times times;

	td_group(task, TASK_DIAG_EVENT, &event, sizeof(event));
	td_group(task, TASK_DIAG_TIMES, &times, sizeof(times));
	if (event.lost)
		printf("%llu events were lost\n", event.lost);
	printf("%7u %10.3f %10.3f ", td_pid(task),
	       (event.time - times.start_time) / 1e9,
	       (times.utime + times.stime) / 1e9);
	if (WIFSIGNALED(event.exit_code))
		printf("signal %-3d ", WTERMSIG(event.exit_code));
	else
		printf("%10d ", WEXITSTATUS(event.exit_code));
	print_arguments(task);
	putchar('\n');
	fflush(stdout);
}

int main(void)
{
	struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_TIMES | TASK_DIAG_SHOW_CMDLINE |
			      TASK_DIAG_SHOW_NAME,
		.dump_strategy = TASK_DIAG_DUMP_ALL,
	};
	const struct td_task *task;
	struct td_handle *td;
	int ret;

	if (td_open(&td) ||
	    td_subscribe(td, &req, sizeof(req), 1 << TASK_DIAG_EVENT_EXIT))
		errx(1, "%s", td_error(td));
	printf("    PID       LIFE        CPU     STATUS COMMAND\n");
	fflush(stdout);
	/* The next event reports how many were lost. */
	while ((ret = td_event(td, &task, -1)) > 0 || ret == -ENOBUFS) {
		if (ret > 0)
			print_end(task);
	}
	errx(1, "%s", td_error(td));
}
