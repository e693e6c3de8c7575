// SPDX-License-Identifier: GPL-2.0
#include <linux/taskstats.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "delays_print.h"
#include "output.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct delay - a reason to wait
 * @name: what getdelays calls it
 * @count: where in struct taskstats it is how often that was
 * @total: where in struct taskstats it is how long in all, in nanoseconds
 * @run: whether the times that the task ran stand in between
 */
struct delay {
	const char *name;
	size_t count;
	size_t total;
	bool run;
};

#define DELAY(_name, _delay, ...)					\
	{								\
		.name = _name,						\
		.count = offsetof(struct taskstats, _delay##_count),	\
		.total = offsetof(struct taskstats, _delay##_delay_total), \
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

/* The name takes its room from the first column. */
#define NAME_WIDTH	6
#define WIDTH		15

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

static void print_delay(const struct delay *delay, const struct taskstats *stats)
{
	const unsigned long long count = number_at(stats, delay->count);
	const unsigned long long total = number_at(stats, delay->total);

	printf("%s%*s", delay->name,
	       NAME_WIDTH + WIDTH - (int)strlen(delay->name), "count");
	if (delay->run) {
		print_title("real total");
		print_title("virtual total");
	}
	print_title("delay total");
	print_title("delay average");

	printf("\n%*s", NAME_WIDTH, "");
	print_number(count);
	if (delay->run) {
		print_number(stats->cpu_run_real_total);
		print_number(stats->cpu_run_virtual_total);
	}
	print_number(total);
	printf("%*.3fms\n", WIDTH, (double)total / 1000000 / (count ? count : 1));
}

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
	       (unsigned long long)stats.read_bytes,
	       (unsigned long long)stats.write_bytes,
	       (unsigned long long)stats.cancelled_write_bytes);

	printf("\n\nTask   ");
	print_title("voluntary");
	print_title("nonvoluntary");
	printf("\n       ");
	print_number(stats.nvcsw);
	print_number(stats.nivcsw);
	putchar('\n');
}
