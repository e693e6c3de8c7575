// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * For libFuzzer: whatever the kernel answers, the library reads it.
 *
 *	mkdir corpus && TD_SEED=corpus/seed tests/fuzz
 *	tests/fuzz -max_total_time=120 corpus
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

/* What libFuzzer calls */
int test_input(const char *data, size_t size) __asm__("LLVMFuzzerTestOneInput");
int initialize(int *argc, char ***argv) __asm__("LLVMFuzzerInitialize");

/* Bits of an input's first byte */
#define GET_FIRST	1
#define SMALL_LIMIT	2
#define OPEN_TOO	4
#define SUBSCRIBE	8
#define MIRROR		16
#define COLLECT		32

/* Reads until there are no more events. */
static void read_events(struct td_handle *td)
{
	const struct td_task *task;
	int ret;

	do {
		ret = td_event(td, &task, 0);
		read_task(task);
	} while (ret > 0 || ret == -EBADMSG || ret == -ENOBUFS);
}

/* Reads all tasks but the first twice, then counts them. */
static void read_collected(struct td_handle *td)
{
	const struct td_task *task;
	size_t nr, second;

	td_collect(td, SIZE_MAX, &nr);
	td_next(td, &task);
	second = td_tell(td);
	read_all(td);
	td_seek(td, second);
	read_all(td);
	td_seek(td, second);
	td_count(td, &nr);
}

static void read_mirror(struct td_handle *td, __u64 strategy)
{
	struct task_diag_base base = {}, found;
	struct td_mirror *mirror;
	int i;

	if (td_mirror_open(&mirror, td, strategy) < 0)
		return;
	for (i = 0; i < 4; i++)
		td_mirror_update(mirror, 0);
	while (td_mirror_next(mirror, base.id, &base, sizeof(base))) {
		if (td_mirror_find(mirror, base.id, &found, sizeof(found)) ||
		    memcmp(&base, &found, sizeof(base)))
			abort();
	}
	td_mirror_close(mirror);
}

int test_input(const char *data, size_t size)
{
	struct task_diag_pid req = {};
	const struct td_task *task;
	struct td_handle *td;
	size_t nr;

	if (!size)
		return 0;
	if (*data & OPEN_TOO)
		fake_reset();
	else
		fake_start();
	fake_load(data + 1, size - 1);
	if (!td_open(&td)) {
		if (*data & SMALL_LIMIT)
			td_set_limit(td, 256);
		if (*data & MIRROR)
			read_mirror(td, *data & GET_FIRST ?
				    TASK_DIAG_DUMP_ALL_THREAD : TASK_DIAG_DUMP_ALL);
		if (*data & SUBSCRIBE && !td_subscribe(td, &req, sizeof(req), 62))
			read_events(td);
		if (*data & GET_FIRST && !td_get(td, &req, sizeof(req), &task))
			read_task(task);
		if (*data & COLLECT && !td_dump(td, &req, sizeof(req)))
			read_collected(td);
		if (!td_dump(td, &req, sizeof(req)))
			read_all(td);
		read_events(td);
		if (!td_dump(td, &req, sizeof(req)) && td_next(td, &task) > 0) {
			read_task(task);
			td_count(td, &nr);
		}
	}
	td_close(td);
	return 0;
}

/* Writes an initial input, if the environment asks for it. */
int initialize(int *argc, char ***argv)
{
	const char *path = getenv("TD_SEED");
	static char seed[65536];
	FILE *file;
	size_t len;

	(void)argc;
	(void)argv;
	if (!path)
		return 0;
	fake_reset();
	fake_rich_events();
	seed[0] = SUBSCRIBE;
	len = fake_save(seed + 1, sizeof(seed) - 1);
	file = fopen(path, "w");
	if (!file || fwrite(seed, 1, len + 1, file) != len + 1 || fclose(file))
		exit(1);
	exit(0);
}
