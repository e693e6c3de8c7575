/* SPDX-License-Identifier: GPL-2.0 */
/* A socket to request groups of children from, which are then compared */
#ifndef TASKDIAG_FIXTURE_GROUPS_H
#define TASKDIAG_FIXTURE_GROUPS_H

#include "harness.h"

FIXTURE(groups)
{
	struct td_sock sock;
};

FIXTURE_SETUP(groups)
{
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(groups)
{
	td_kill_children();
	td_close(&self->sock);
}

#endif /* TASKDIAG_FIXTURE_GROUPS_H */
