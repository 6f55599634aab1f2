/* SPDX-License-Identifier: Apache-2.0
 *
 * ktls - what is sent in TLS is encrypted by the kernel (Linux: Documentation/networking/tls.rst).
 *
 * A context that offloads (tls.h) has OpenSSL give the kernel the keys once a handshake is over,
 * where kernel, OpenSSL and the cipher have it; else TLS is as ever. From then on conn.c writes to
 * the socket as if it were in the clear, past SSL_write(): that keeps the place of what could not
 * go out, and sends what stands there by the time it is tried again (OpenSSL issue 21202), and all
 * sessions gather their bytes in one place. Messages of TLS itself are OpenSSL's still.
 *
 * New keys cannot be had: OpenSSL 3.0 would go on with the old ones. Who asks for some hears
 * nothing more; it may still be heard out.
 *
 * What is read stays with OpenSSL. With TLS 1.2 it would let the kernel decrypt, too; but then it
 * takes all that one call gives for one record, and we read several (tls.h).
 */
#pragma once

#include <stdbool.h>

/* Does this kernel have it? Found out once, over loopback. Where it is a module, that is loaded
 * then, which takes CAP_NET_ADMIN: ask before privileges are given up. */
bool ktls_is_there(void);
