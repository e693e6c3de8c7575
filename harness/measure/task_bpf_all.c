// SPDX-License-Identifier: GPL-2.0
/* Shows all tasks, as a BPF iterator gives them. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "baseline.h"
#include "task_bpf_all.h"
#include "task_bpf_all.skel.h"

static_assert(sizeof(struct task_bpf_base) == sizeof(struct task_diag_base),
	      "task_bpf_base and task_diag_base differ");

static struct tool_options opts;
static unsigned long syscalls, tasks;

/* --- the BPF program --------------------------------------------------- */

static const char *missing(int err)
{
	if (err == EPERM || err == EACCES)
		return "CAP_BPF and CAP_PERFMON are needed";
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return "no /sys/kernel/btf/vmlinux: does the kernel lack CONFIG_DEBUG_INFO_BTF=y?";
	return "does the kernel lack CONFIG_BPF_SYSCALL=y or CONFIG_BPF_EVENTS=y?";
}

static noreturn void die_bpf(const char *what, int err)
{
	fprintf(stderr, "task_bpf_all: %s: %s\ntask_bpf_all: %s\n", what,
		strerror(err), missing(err));
	exit(1);
}

/* missing() says it in fewer words; TASK_BPF_DEBUG gives all of them. */
static int print_libbpf(enum libbpf_print_level level, const char *format,
			va_list args)
{
	(void)level;
	if (!getenv("TASK_BPF_DEBUG"))
		return 0;
	return vfprintf(stderr, format, args);
}

static struct task_bpf_all *load_program(void)
{
	struct task_bpf_all *skel;

	libbpf_set_print(print_libbpf);
	skel = task_bpf_all__open();
	if (!skel)
		die_bpf("cannot open the BPF program", errno);
	skel->bss->threads = opts.threads;
	if (task_bpf_all__load(skel))
		die_bpf("cannot load the BPF program", errno);
	if (task_bpf_all__attach(skel))
		die_bpf("cannot attach the BPF program", errno);
	return skel;
}

/* --- its output -------------------------------------------------------- */

static void show_tasks(const struct task_diag_base *base, size_t nr)
{
	size_t i;

	tasks += nr;
	if (!shows_tasks(&opts))
		return;
	for (i = 0; i < nr; i++) {
		if (opts.pids) {
			printf("%u\n", base[i].pid);
			continue;
		}
		printf("%7u ", base[i].pid);
		print_base(&base[i]);
		putchar('\n');
	}
}

/* A read gives whole structs: the iterator keeps back one that does not fit. */
static void read_all(int link)
{
	static struct task_diag_base buf[4096];
	ssize_t len;
	int fd;

	syscalls++;
	fd = bpf_iter_create(link);
	if (fd < 0)
		die("bpf_iter_create");
	do {
		syscalls++;
		len = read(fd, buf, sizeof(buf));
		if (len > 0)
			show_tasks(buf, len / sizeof(buf[0]));
		/* EAGAIN: many tasks in a row that gave nothing */
	} while (len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR)));
	if (len < 0)
		die("read");
	syscalls++;
	close(fd);
}

/* --- the command line -------------------------------------------------- */

static const struct option options[] = {
	{ "threads", no_argument, NULL, OPTION_THREADS },
};

static const struct tool tool = {
	.usage =
	"usage: task_bpf_all [--threads] [--only-pids | --quiet | --bench]\n"
	"Shows all processes, read with a BPF iterator. Needs CAP_BPF and CAP_PERFMON.\n"
	"The time that --bench prints begins when the program is loaded.\n\n"
	"  --threads       all threads\n"
	TOOL_USAGE
	"\nTASK_BPF_DEBUG=1 in the environment shows libbpf's messages.\n\n"
	"Exit status: 0; 1 if the kernel refused; 2 for wrong usage.\n",
	.options = options,
	.nr_options = ARRAY_SIZE(options),
};

int main(int argc, char **argv)
{
	struct task_bpf_all *skel;
	unsigned long long start;

	parse_tool_options(argc, argv, &tool, &opts);
	skel = load_program();
	if (shows_tasks(&opts) && !opts.pids)
		puts("    PID " BASE_COLUMNS);
	start = now_ns();
	read_all(bpf_link__fd(skel->links.task_bpf_all));
	print_result(&opts, tasks, syscalls, now_ns() - start);
	task_bpf_all__destroy(skel);
	return finish_output() ? 1 : 0;
}
