/* SPDX-License-Identifier: Apache-2.0
 *
 * few - OpenSSL with what TLS needs, and no more.
 *
 * For each certificate that it reads OpenSSL 3.0 tries all forms that a public key may have with
 * all kinds of keys that it knows, 40 times 17, some by name: 80 to 150 us, where the certificate
 * itself takes a few. This is a library context (OSSL_LIB_CTX(3)) with OpenSSL's own algorithms,
 * all but those which no certificate and no handshake of TLS asks for; there it takes a third of
 * that.
 *
 * It is only had where OpenSSL's configuration asks for nothing but the algorithms that are there
 * by default, so that what an administrator says of providers or FIPS counts as ever; and only with
 * OpenSSL 3.0 and 3.1, as others look for keys in another way. What is left of that configuration,
 * such as least protocols and security levels, counts in every context.
 */
#pragma once

#include <stdbool.h>

struct ossl_lib_ctx_st;

/* Before the first TLS context is made, and before kdf_use(). */
void few_use(void);

/* For contexts of TLS; NULL, which is OpenSSL's for all of the process: see above. */
struct ossl_lib_ctx_st *few_context(void);

/* Is that OpenSSL (as OPENSSL_VERSION_NUMBER) one for which this is meant? */
bool few_fits(unsigned long version);
