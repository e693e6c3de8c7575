/* SPDX-License-Identifier: GPL-2.0 */
/* A request for all groups there are, and files of its own in /tmp */
#ifndef TASKDIAG_FIXTURE_ATTACK_H
#define TASKDIAG_FIXTURE_ATTACK_H

#include "harness.h"

FIXTURE(attack)
{
	struct td_sock sock;
	__u64 groups;
};

FIXTURE_SETUP(attack)
{
	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, td_open(&self->sock));
	self->groups = td_all_groups(&self->sock);
	ASSERT_EQ(BIT(BASE), self->groups & BIT(BASE));
}

FIXTURE_TEARDOWN(attack)
{
	td_kill_children();
	td_close(&self->sock);
}

#endif /* TASKDIAG_FIXTURE_ATTACK_H */
