/* SPDX-License-Identifier: GPL-2.0 */
/* How the groups of properties look, as text and as JSON */
#ifndef TASKDIAG_GROUPS_PRINT_H
#define TASKDIAG_GROUPS_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Attributes from 1 to 63 are groups. */
#define NR_GROUPS	64

/**
 * struct bytes - what was joined from parts
 * @data: the bytes
 * @len: how many
 * @size: room for them
 * @last: where the last element of a list begins, if join_group() needs it
 */
struct bytes {
	char *data;
	size_t len;
	size_t size;
	size_t last;
};

void add_bytes(struct bytes *bytes, const void *data, size_t len);

const char *group_name(unsigned int attr);
bool find_group(const char *name, unsigned int *attr);
void print_group_names(FILE *to, const char *indent);

void join_group(unsigned int attr, struct bytes *joined, const void *data,
		size_t len);
void print_group(unsigned int attr, const struct bytes *joined);
void print_json_group(unsigned int attr, const struct bytes *joined);

#endif /* TASKDIAG_GROUPS_PRINT_H */
