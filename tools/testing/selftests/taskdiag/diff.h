/* SPDX-License-Identifier: GPL-2.0 */
/* For tests that compare much at once and then say all that differs */
#ifndef __TASKDIAG_DIFF_H
#define __TASKDIAG_DIFF_H

#include "taskdiag.h"

#include <stdarg.h>
#include <stdio.h>

/* What is wrong, all of it, in the order in which it was found */
static struct {
	char	text[2000];
	size_t	len;
} diff;

static void begin_diff(void)
{
	diff.len = 0;
	diff.text[0] = 0;
}

static __printf(1, 2) void differs(const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(diff.text + diff.len, sizeof(diff.text) - diff.len, fmt,
			args);
	va_end(args);
	if (len < (int)(sizeof(diff.text) - diff.len))
		diff.len += len;
}

#endif /* __TASKDIAG_DIFF_H */
