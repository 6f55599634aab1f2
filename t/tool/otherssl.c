/* SPDX-License-Identifier: Apache-2.0
 *
 * otherssl - OpenSSL says that it is a version yet to come. For LD_PRELOAD.
 */
unsigned long OpenSSL_version_num(void);

unsigned long OpenSSL_version_num(void)
{
    return 0x3f000000L;
}
