// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/types.h>

#include "output.h"

/**
 * die() - end a tool because of errno
 * @what: what failed
 */
noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	exit(1);
}

unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/**
 * print_bench() - the result of --bench, one line of JSON
 * @tasks: how many tasks were read
 * @syscalls: system calls that took
 * @ns: nanoseconds that took
 */
void print_bench(unsigned long tasks, unsigned long syscalls,
		 unsigned long long ns)
{
	printf("{\"tasks\":%lu,\"syscalls\":%lu,\"ns\":%llu}\n", tasks,
	       syscalls, ns);
}

/**
 * print_escaped() - print bytes that a task chose, safe for a terminal
 * @bytes: what to print
 * @len: how many
 * @width: fill up with blanks to this width
 *
 * Printable ASCII appears as it is, a backslash twice, and every other byte as
 * \xHH. So the text can be taken back to the bytes, and neither control
 * characters nor what Unicode has of them reach the terminal.
 */
void print_escaped(const void *bytes, size_t len, int width)
{
	const unsigned char *s = bytes;
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '\\')
			width -= printf("\\\\");
		else if (s[i] >= ' ' && s[i] < 0x7f)
			width -= printf("%c", s[i]);
		else
			width -= printf("\\x%02x", s[i]);
	}
	if (width > 0)
		printf("%*s", width, "");
}

/* Returns the length of the UTF-8 character at @s, or 0 if there is none. */
static size_t decode_utf8(const unsigned char *s, size_t len, __u32 *c)
{
	static const __u32 smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;

	*c = *s;
	if (*s < 0x80)
		return 1;
	if (*s < 0xc0 || *s >= 0xf8)
		return 0;
	n = 2 + (*s >= 0xe0) + (*s >= 0xf0);
	if (n > len)
		return 0;

	*c = *s & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	/* Too long a form, a surrogate, beyond the end */
	if (*c < smallest[n] || (*c >= 0xd800 && *c < 0xe000) || *c > 0x10ffff)
		return 0;
	return n;
}

/**
 * print_json_string() - print bytes that a task chose, as a JSON string
 * @bytes: what to print
 * @len: how many
 *
 * JSON is text, and a task's name is bytes. What is UTF-8 appears as it is,
 * control characters (C0, DEL and C1) as \u00XX, and a byte 0xXX that is part
 * of no UTF-8 character as \udcXX: a lone surrogate, which UTF-8 cannot give.
 * This is what Python calls surrogateescape; with
 * json.loads(text).encode(errors="surrogateescape") it gives the bytes back.
 */
void print_json_string(const void *bytes, size_t len)
{
	const unsigned char *s = bytes, *end = s + len;
	__u32 c;
	size_t n;

	putchar('"');
	for (; s < end; s += n) {
		n = decode_utf8(s, end - s, &c);
		if (!n) {
			n = 1;
			printf("\\udc%02x", *s);
		} else if (c < ' ' || (c >= 0x7f && c < 0xa0)) {
			printf("\\u%04x", c);
		} else if (c == '"' || c == '\\') {
			printf("\\%c", c);
		} else {
			fwrite(s, 1, n, stdout);
		}
	}
	putchar('"');
}

/**
 * print_base() - print the columns BASE_COLUMNS of a table
 * @base: their values
 */
void print_base(const struct task_diag_base *base)
{
	printf(" %7u %7u %7u %7u %7u %c ", base->tgid, base->ppid, base->tpid,
	       base->sid, base->pgid, base->state);
	print_escaped(base->comm,
		      strnlen((const char *)base->comm, sizeof(base->comm)),
		      TASK_DIAG_COMM_LEN - 1);
}

/**
 * finish_output() - find out whether all that was printed got out
 *
 * Return: 0 or, after a message, -1.
 */
int finish_output(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "write error: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}
