/* SPDX-License-Identifier: Apache-2.0
 *
 * sts - what a domain's MTA-STS policy demands (RFC 8461), as a fact for decide().
 */
#pragma once

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };
