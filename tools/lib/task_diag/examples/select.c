// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * select UID [STATES]: processor time of the threads of a user, and of their
 * processes; with letters such as RD, only of threads in one of these states.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libtask_diag.h>

static double seconds(const struct task_diag_times *times)
{
	return (times->utime + times->stime) / 1e9;
}

static void print_thread(const struct td_task *task)
{
	struct task_diag_times times;
	struct task_diag_base base;

	td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
	td_group(task, TASK_DIAG_TIMES, &times, sizeof(times));
	printf("%7u %7u %c %9.2f", base.tgid, base.pid, base.state,
	       seconds(&times));
	/* Only for a leader */
	if (!td_group(td_process(task), TASK_DIAG_TIMES, &times, sizeof(times)))
		printf(" %9.2f", seconds(&times));
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_TIMES,
		.dump_strategy = TASK_DIAG_DUMP_ALL_THREAD,
		.flags = TASK_DIAG_WITH_PROCESS,
	};
	const struct td_task *task;
	struct td_handle *td;
	int ret;

	if (argc < 2)
		errx(2, "usage: select UID [STATES]");
	if (td_open(&td))
		errx(1, "%s", td_error(td));
	/* If one of these fails, td_dump() fails too. */
	td_select_u32(td, TASK_DIAG_SELECT_UID, strtoul(argv[1], NULL, 10));
	if (argc > 2)
		td_select(td, TASK_DIAG_SELECT_STATES, argv[2],
			  strlen(argv[2]) + 1);
	if (td_dump(td, &req, sizeof(req)))
		errx(1, "%s", td_error(td));
	printf("   TGID     TID S      TIME   PROCESS\n");
	while ((ret = td_next(td, &task)) > 0)
		print_thread(task);
	if (ret)
		errx(1, "%s", td_error(td));
	td_close(td);
	return 0;
}
