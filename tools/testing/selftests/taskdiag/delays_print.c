// SPDX-License-Identifier: GPL-2.0
#include <linux/taskstats.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "delays_print.h"
#include "output.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct delay - a reason to wait
 * @name: what getdelays calls it
 * @count: where in struct taskstats it is how often that was
 * @total: where in struct taskstats it is how long in all, in nanoseconds
 * @max: where in struct taskstats the longest one is
 * @min: where in struct taskstats the shortest one is
 * @max_ts: where in struct taskstats the time is when the longest one ended
 * @run: whether the times that the task ran stand in between
 */
struct delay {
	const char *name;
	size_t count;
	size_t total;
	size_t max;
	size_t min;
	size_t max_ts;
	bool run;
};

#define DELAY(_name, _delay, ...)					\
	{								\
		.name = _name,						\
		.count = offsetof(struct taskstats, _delay##_count),	\
		.total = offsetof(struct taskstats, _delay##_delay_total), \
		.max = offsetof(struct taskstats, _delay##_delay_max),	\
		.min = offsetof(struct taskstats, _delay##_delay_min),	\
		.max_ts = offsetof(struct taskstats, _delay##_delay_max_ts), \
		__VA_ARGS__						\
	}

static const struct delay delays[] = {
	DELAY("CPU", cpu, .run = true),
	DELAY("IO", blkio),
	DELAY("SWAP", swapin),
	DELAY("RECLAIM", freepages),
	DELAY("THRASHING", thrashing),
	DELAY("COMPACT", compact),
	DELAY("WPCOPY", wpcopy),
	DELAY("IRQ", irq),
};

#define NAME_WIDTH	10
#define WIDTH		15
#define TIME_WIDTH	23	/* two less than its title */

static void print_title(const char *title)
{
	printf("%*s", WIDTH, title);
}

static void print_number(unsigned long long number)
{
	printf("%*llu", WIDTH, number);
}

static unsigned long long number_at(const struct taskstats *stats, size_t offset)
{
	__u64 n;

	memcpy(&n, (const char *)stats + offset, sizeof(n));
	return n;
}

/* As wide as its title */
static void print_ms(unsigned long long ns)
{
	printf("%*.6fms", WIDTH - 2, (double)ns / 1000000);
}

static void print_time(const struct taskstats *stats, size_t offset)
{
	struct __kernel_timespec ts;
	char text[32] = "N/A";
	struct tm tm;
	time_t sec;

	memcpy(&ts, (const char *)stats + offset, sizeof(ts));
	sec = ts.tv_sec;
	if ((ts.tv_sec || ts.tv_nsec) && localtime_r(&sec, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	printf("%*s", TIME_WIDTH, text);
}

/* Versions before 16 lack max and min, those before 17 the time of the max. */
static void print_delay(const struct delay *delay, const struct taskstats *stats)
{
	const unsigned long long count = number_at(stats, delay->count);
	const unsigned long long total = number_at(stats, delay->total);

	printf("%-*s", NAME_WIDTH, delay->name);
	print_title("count");
	if (delay->run) {
		print_title("real total");
		print_title("virtual total");
	}
	print_title("delay total");
	print_title("delay average");
	if (stats->version >= 16) {
		print_title("delay max");
		print_title("delay min");
	}
	if (stats->version >= 17)
		printf("%*s", TIME_WIDTH + 2, "delay max timestamp");

	printf("\n%*s", NAME_WIDTH, "");
	print_number(count);
	if (delay->run) {
		print_number(stats->cpu_run_real_total);
		print_number(stats->cpu_run_virtual_total);
	}
	print_number(total);
	printf("%*.3fms", WIDTH, (double)total / 1000000 / (count ? count : 1));
	if (stats->version >= 16) {
		print_ms(number_at(stats, delay->max));
		print_ms(number_at(stats, delay->min));
	}
	if (stats->version >= 17)
		print_time(stats, delay->max_ts);
	putchar('\n');
}

/* As TASKSTATS_CMD_ATTR_PID has it */
#define ROUNDED		~1023ULL

/**
 * print_delays() - print what getdelays -d -i -q prints below a task's number
 * @data: what the kernel gave as struct taskstats
 * @len: how much that is
 *
 * But for the task's name, which getdelays leaves to the terminal as it is.
 */
void print_delays(const void *data, size_t len)
{
	struct taskstats stats = {};
	size_t i;

	memcpy(&stats, data, len < sizeof(stats) ? len : sizeof(stats));

	printf("\n\n");
	for (i = 0; i < ARRAY_SIZE(delays); i++)
		print_delay(&delays[i], &stats);

	print_escaped(stats.ac_comm, strnlen(stats.ac_comm, sizeof(stats.ac_comm)), 0);
	printf(": read=%llu, write=%llu, cancelled_write=%llu\n",
	       stats.read_bytes & ROUNDED, stats.write_bytes & ROUNDED,
	       stats.cancelled_write_bytes & ROUNDED);

	printf("\n\nTask   ");
	print_title("voluntary");
	print_title("nonvoluntary");
	printf("\n       ");
	print_number(stats.nvcsw);
	print_number(stats.nivcsw);
	putchar('\n');
}
