/* SPDX-License-Identifier: Apache-2.0
 *
 * gcm - OpenSSL's AES-GCM, which knows how long the IV of TLS is.
 *
 * For each record OpenSSL 3.0 asks its provider for that, which looks for seven names among what is
 * asked: 500 of a record's 6,900 instructions. TLS knows one length, 12 bytes (RFC 8446, 5.3; RFC
 * 5288, 3). So this is the same cipher, function by function, but that question is answered at
 * once, and another length is refused. What is asked and answered is what providers promise each
 * other (provider-cipher(7)); who wishes for nothing has OpenSSL's own.
 */
#pragma once

struct ossl_algorithm_st;

/* For kdf.c, once: AES-GCM of `theirs`, the ciphers of OpenSSL's provider, as ours. Contexts are
 * made with the context of that provider. NULL: they are not as they are expected. */
const struct ossl_algorithm_st *gcm_offer(const struct ossl_algorithm_st *theirs);
