#pragma once
#include <sodium.h>
#include <sys/prctl.h>
#include <unistd.h>

/// prctl(2) takes variable arguments, which Swift can't call. 0 when the process may no longer be dumped or traced by its equals.
static inline int adit_forbid_dumps(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/// The environment's entries, `NAME=value` each, ended by NULL: Swift can't read the C variable itself, which is not safe between threads.
static inline char **adit_environment(void) {
    extern char **environ;
    return environ;
}
