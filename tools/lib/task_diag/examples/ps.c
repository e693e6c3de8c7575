// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/* Number, parent, state, resident memory and arguments of each process */
#include <err.h>
#include <stdio.h>
#include <libtask_diag.h>

static void print_arguments(const struct td_task *task)
{
	const char *args;
	size_t i, len;

	/* A kernel thread has none; an error means a page is not in memory. */
	if (td_bytes(task, TASK_DIAG_CMDLINE, &args, &len) &&
	    td_bytes(task, TASK_DIAG_NAME, &args, &len))
		return;
	for (i = 0; i < len; i++)
		putchar(args[i] >= ' ' && args[i] <= '~' ? args[i] : ' ');
}

int main(void)
{
	struct task_diag_pid req = {
		.show_flags = TASK_DIAG_SHOW_BASE | TASK_DIAG_SHOW_MEM |
			      TASK_DIAG_SHOW_CMDLINE | TASK_DIAG_SHOW_NAME,
		.dump_strategy = TASK_DIAG_DUMP_ALL,
	};
	const struct td_task *task;
	struct task_diag_base base;
	struct task_diag_mem mem;
	struct td_handle *td;
	int ret;

	if (td_open(&td) || td_dump(td, &req, sizeof(req)))
		errx(1, "%s", td_error(td));
	printf("    PID    PPID S  RSS/KiB COMMAND\n");
	while ((ret = td_next(td, &task)) > 0) {
		td_group(task, TASK_DIAG_BASE, &base, sizeof(base));
		/* Zero for a task without memory of its own */
		td_group(task, TASK_DIAG_MEM, &mem, sizeof(mem));
		printf("%7u %7u %c %8llu ", base.pid, base.ppid, base.state,
		       (mem.rss_anon + mem.rss_file + mem.rss_shmem) / 1024);
		print_arguments(task);
		putchar('\n');
	}
	if (ret)
		errx(1, "%s", td_error(td));
	td_close(td);
	return 0;
}
