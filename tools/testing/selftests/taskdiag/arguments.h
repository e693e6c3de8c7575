/* SPDX-License-Identifier: GPL-2.0 */
/* For tests of where a process has its arguments and environment */
#ifndef __TASKDIAG_ARGUMENTS_H
#define __TASKDIAG_ARGUMENTS_H

#include "taskdiag.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static void td_move_strings(char *arg, size_t arg_len, char *env,
			    size_t env_len)
{
	/* Downward first: none may end before it starts. */
	td_must(!prctl(PR_SET_MM, PR_SET_MM_ARG_START, arg, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ARG_END, arg + arg_len, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ENV_START, env, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ENV_END, env + env_len, 0, 0),
		"PR_SET_MM");
}

/* Memory of which all but the first bytes come when a handler likes: never. */
static char *td_map_for_handler(size_t size, size_t present)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {};
	char *area;
	int fd;

	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', present);
	range.range.start = (unsigned long)area;
	range.range.len = size;
	range.mode = UFFDIO_REGISTER_MODE_MISSING;
	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	td_must(fd >= 0, "userfaultfd");
	td_must(!ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
	td_must(!ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	return area;
}

#endif /* __TASKDIAG_ARGUMENTS_H */
