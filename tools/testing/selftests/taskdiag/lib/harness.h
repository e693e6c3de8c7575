/* SPDX-License-Identifier: GPL-2.0 */
/* What each test program starts from: the harness of kselftest, and the library */
#ifndef TASKDIAG_HARNESS_H
#define TASKDIAG_HARNESS_H

/* The harness compares whatever types it is given, and jumps out of tests. */
#pragma GCC diagnostic ignored "-Wsign-compare"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

#include "../../kselftest_harness.h"
#include "taskdiag.h"

/* Seconds: an emulated debug kernel is slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120
#define TD_FOREVER_S		600	/* for tests of any length */

/* Runs the tests, or skips all of them without what each of them needs. */
static inline int td_main(int argc, char **argv)
{
	struct td_sock sock;
	int err;

	if (geteuid()) {
		ksft_print_header();
		ksft_exit_skip("run as root\n");
	}
	err = td_open(&sock);
	if (err == -ENOENT || err == -EPROTONOSUPPORT) {
		ksft_print_header();
		ksft_exit_skip("the kernel has no task_diag\n");
	}
	td_close(&sock);
	return test_harness_run(argc, argv);
}

#endif /* TASKDIAG_HARNESS_H */
