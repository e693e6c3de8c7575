/* SPDX-License-Identifier: GPL-2.0 */
/* What libtask_diag calls in place of the C library's, by --wrap of the linker */
#ifndef TASKDIAG_SYSCALLS_H
#define TASKDIAG_SYSCALLS_H

#include <sys/socket.h>
#include <sys/types.h>

/* How many requests and their answers took */
extern unsigned long syscalls;

/* Receive no more at a time */
extern size_t receive_size;

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_recvfrom(int fd, void *buf, size_t size, int flags,
			struct sockaddr *from, socklen_t *from_len);
ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_recvfrom(int fd, void *buf, size_t size, int flags,
			struct sockaddr *from, socklen_t *from_len);

#endif /* TASKDIAG_SYSCALLS_H */
