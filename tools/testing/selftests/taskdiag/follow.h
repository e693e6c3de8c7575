/* SPDX-License-Identifier: GPL-2.0 */
/* Waiting for events, and a mirror that they keep up to date */
#ifndef TASKDIAG_FOLLOW_H
#define TASKDIAG_FOLLOW_H

#include <stdbool.h>
#include <linux/types.h>

struct td_handle;

void begin_to_follow(void);
int wait_for_event(int fd, unsigned long long until_ns);
int follow_in_mirror(struct td_handle *handle, __u64 strategy,
		     unsigned long long until_ns, bool json);

#endif /* TASKDIAG_FOLLOW_H */
