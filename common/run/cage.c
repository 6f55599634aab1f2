/* SPDX-License-Identifier: Apache-2.0 */
#include "run/cage.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP(name) (UINT64_C(1) << (name))

/* CAP_NET_RAW: SO_BINDTODEVICE on kernels before 5.7. CAP_CHOWN: a reload may make folders
 * and the session table anew. */
#define KEPT                                                                                    \
    (CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_SETUID) | CAP(CAP_SETGID) | \
     CAP(CAP_KILL) | CAP(CAP_NET_RAW) | CAP(CAP_CHOWN))

static int find_group(const char *group, struct cage *out, char *why, size_t size)
{
    const struct group *g = getgrnam(group);

    if (!g) {
        snprintf(why, size, "group %s: no such group on this machine", group);
        return -1;
    }
    out->gid = g->gr_gid;
    return 0;
}

int cage_find(const char *user, const char *group, struct cage *out, char *why, size_t size)
{
    const struct passwd *p;
    struct cage found = {.uid = geteuid(), .gid = getegid()};

    if (*user) {
        p = getpwnam(user);
        if (!p) {
            snprintf(
                why, size,
                "user %s: no such user on this machine; make it (useradd -r %s) or set another",
                user, user);
            return -1;
        }
        found = (struct cage){.uid = p->pw_uid, .gid = p->pw_gid, .moves = geteuid() == 0};
    }
    if (*group && find_group(group, &found, why, size) != 0)
        return -1;
    if (!found.moves)
        found = (struct cage){.uid = geteuid(), .gid = getegid()};
    *out = found;
    return 0;
}

static int get_capabilities(uint64_t *permitted)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct words[2];

    if (syscall(SYS_capget, &head, words) != 0)
        return -1;
    *permitted = words[0].permitted | (uint64_t)words[1].permitted << 32;
    return 0;
}

/* These and no others, now and to be had; none for programs that we might run. */
static int set_capabilities(uint64_t set)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct words[2] = {
        {.effective = (uint32_t)set, .permitted = (uint32_t)set},
        {.effective = (uint32_t)(set >> 32), .permitted = (uint32_t)(set >> 32)},
    };

    /* Kernels without ambient capabilities have none to clear. */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return -1;
    return (int)syscall(SYS_capset, &head, words);
}

/* What is not in the bounding set cannot come back through any program. */
static int bound_capabilities(uint64_t set)
{
    for (unsigned long c = 0; c < 64; c++) {
        if (set & CAP(c))
            continue;
        if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
            return errno == EINVAL ? 0 : -1; /* beyond the last that this kernel knows */
    }
    return 0;
}

static int fail(char *why, size_t size, const char *what)
{
    snprintf(why, size, "cannot %s: %s", what, strerror(errno));
    return -1;
}

int cage_master(char *why, size_t size)
{
    uint64_t had;

    if (get_capabilities(&had) != 0)
        return fail(why, size, "read our capabilities");
    if (had & CAP(CAP_SETPCAP) && bound_capabilities(KEPT) != 0)
        return fail(why, size, "bound capabilities");
    if (set_capabilities(had & KEPT) != 0)
        return fail(why, size, "give up capabilities");
    return 0;
}

int cage_child(const struct cage *c, char *why, size_t size)
{
    uint64_t had;

    if (get_capabilities(&had) != 0)
        return fail(why, size, "read our capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(why, size, "forbid new privileges");
    if (c->moves) {
        if (c->net_raw && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
            return fail(why, size, "keep a capability");
        if (setgroups(1, &c->gid) != 0 || setresgid(c->gid, c->gid, c->gid) != 0)
            return fail(why, size, "become the group");
        if (setresuid(c->uid, c->uid, c->uid) != 0)
            return fail(why, size, "become the user");
    }
    if (set_capabilities(c->net_raw ? had & CAP(CAP_NET_RAW) : 0) != 0)
        return fail(why, size, "give up capabilities");
    if (c->moves && c->uid != 0 && setuid(0) == 0) {
        snprintf(why, size, "root came back after it was given up");
        return -1;
    }
    return 0;
}

void cage_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* private keys would be in it */
    umask(0007);
}
