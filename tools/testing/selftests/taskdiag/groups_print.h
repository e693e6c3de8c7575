/* SPDX-License-Identifier: GPL-2.0 */
/* How the groups of properties look, as text and as JSON */
#ifndef TASKDIAG_GROUPS_PRINT_H
#define TASKDIAG_GROUPS_PRINT_H

#include <stdbool.h>
#include <stdio.h>

struct td_task;

/* Attributes from 1 to 63 are groups. */
#define NR_GROUPS	64

const char *group_name(unsigned int attr);
bool find_group(const char *name, unsigned int *attr);
void print_group_names(FILE *to, const char *indent);

void print_group(const struct td_task *task, unsigned int attr);
void print_json_group(const struct td_task *task, unsigned int attr);

#endif /* TASKDIAG_GROUPS_PRINT_H */
