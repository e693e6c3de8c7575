// SPDX-License-Identifier: GPL-2.0
#include <stdint.h>

#include "syscalls.h"

unsigned long syscalls;
size_t receive_size = SIZE_MAX;

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	syscalls++;
	return __real_sendmsg(fd, msg, flags);
}

ssize_t __wrap_recvfrom(int fd, void *buf, size_t size, int flags,
			struct sockaddr *from, socklen_t *from_len)
{
	const size_t room = size < receive_size ? size : receive_size;
	ssize_t len;

	syscalls++;
	len = __real_recvfrom(fd, buf, room, flags, from, from_len);
	/* A datagram that was cut off is longer than what the caller has room for. */
	return len > (ssize_t)room ? (ssize_t)size + 1 : len;
}
