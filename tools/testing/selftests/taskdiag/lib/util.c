// SPDX-License-Identifier: GPL-2.0
/* Children that fail, files, sets of pids, and what differs */
#include "taskdiag.h"

void td_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "# %d: %s: %s\n", getpid(), what, strerror(errno));
	_exit(KSFT_FAIL);
}

void *td_grow(void *array, size_t nr, size_t *max, size_t size)
{
	if (nr < *max)
		return array;
	*max = *max ? 2 * *max : 64;
	array = realloc(array, *max * size);
	td_must(array, "realloc");
	return array;
}

static double td_seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

double td_now(void)
{
	return td_seconds(CLOCK_MONOTONIC);
}

double td_cpu_time(void)
{
	return td_seconds(CLOCK_THREAD_CPUTIME_ID);
}

unsigned int td_env_number(const char *name, unsigned int otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

double td_patience(void)
{
	return td_env_number("TD_PATIENCE", 1);
}

void td_read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = 0;

	if (fd >= 0) {
		len = read(fd, text, size - 1);
		close(fd);
	}
	text[len > 0 ? len : 0] = 0;
}

char *td_read_whole(const char *path, size_t *len)
{
	size_t max = 65536;
	char *text = malloc(max);
	ssize_t got = 1;
	int fd = open(path, O_RDONLY);

	td_must(text, "malloc");
	*len = 0;
	while (fd >= 0 && got > 0) {
		if (max - *len < 4096)
			text = td_grow(text, max, &max, 1);
		got = read(fd, text + *len, max - *len - 1);
		if (got > 0)
			*len += got;
	}
	if (fd >= 0)
		close(fd);
	text[*len] = 0;
	return text;
}

bool td_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	return !close(fd) && ok;
}

void td_read_choice(const char *path, char *choice, size_t size)
{
	char text[256], *word;

	td_read_file(path, text, sizeof(text));
	word = strchr(text, '[');
	snprintf(choice, size, "%.*s", word ? (int)strcspn(word + 1, "]") : 0,
		 word ? word + 1 : "");
}

void td_set_add(struct td_set *set, __u32 pid)
{
	set->pids = td_grow(set->pids, set->nr, &set->max, sizeof(*set->pids));
	set->pids[set->nr++] = pid;
}

static int td_cmp_pid(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

void td_set_sort(struct td_set *set)
{
	if (set->nr)
		qsort(set->pids, set->nr, sizeof(*set->pids), td_cmp_pid);
}

bool td_set_has(const struct td_set *set, __u32 pid)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->pids[i] == pid)
			return true;
	return false;
}

void td_set_free(struct td_set *set)
{
	free(set->pids);
	*set = (struct td_set){};
}

const char *td_set_diff(const struct td_set *expected,
			const struct td_set *seen)
{
	size_t e = 0, s = 0, len = 0;
	static char text[512];

	text[0] = 0;
	while ((e < expected->nr || s < seen->nr) && len < sizeof(text) - 32) {
		__u32 want = e < expected->nr ? expected->pids[e] : ~0U;
		__u32 have = s < seen->nr ? seen->pids[s] : ~0U;

		if (want == have) {
			e++;
			s++;
		} else if (want < have) {
			len += sprintf(text + len, "lacks %u; ", want);
			e++;
		} else {
			bool twice = s && seen->pids[s - 1] == have;

			len += sprintf(text + len, "%s %u; ",
				       twice ? "twice" : "excess", have);
			s++;
		}
	}
	return text;
}

struct diff diff;

void begin_diff(void)
{
	diff.len = 0;
	diff.text[0] = 0;
}

void differs(const char *fmt, ...)
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

void expect(__u32 pid, const char *what, __u64 here, __u64 there)
{
	if (here != there)
		differs("%u %s: %llu instead of %llu; ", pid, what, here,
			there);
}
