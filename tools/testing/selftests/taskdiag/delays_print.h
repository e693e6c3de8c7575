/* SPDX-License-Identifier: GPL-2.0 */
/* The group STAT in the layout of tools/accounting/getdelays */
#ifndef TASKDIAG_DELAYS_PRINT_H
#define TASKDIAG_DELAYS_PRINT_H

#include <stddef.h>

void print_delays(const void *data, size_t len);

#endif /* TASKDIAG_DELAYS_PRINT_H */
