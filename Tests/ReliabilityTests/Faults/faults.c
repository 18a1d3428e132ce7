// Faults at durable steps, put into an unchanged program with LD_PRELOAD.
//
// A durable step is a call that changes what a file under ADIT_FAULTS_UNDER holds or what of it has reached the disk: write, pwrite,
// ftruncate, fsync, fdatasync, rename, link, unlink. Steps are counted from the moment ADIT_FAULTS_ARM exists (from the start where it is
// not set); at step ADIT_FAULTS_AT the fault ADIT_FAULTS_ACTION happens:
//
//   count          nothing; every step is written to ADIT_FAULTS_LOG
//   kill-before    SIGKILL in place of the step
//   kill-after     the step, then SIGKILL
//   torn           of a write the first part, at a random byte, then SIGKILL; of any other step nothing
//   short          of a write the first part only, told honestly; nothing else is wrong
//   enospc, eio    writes fail for ADIT_FAULTS_MS milliseconds; with enospc some take a part before they fail
//   eio-sync       syncs fail for ADIT_FAULTS_MS milliseconds, and what they should have written never reaches the disk, as Linux has it:
//                  the next sync succeeds and says nothing. At ADIT_FAULTS_CUT_MS (0: never) the power is cut.
//   cut-all        power cut: every byte that no sync has written is as it was, then SIGKILL
//   cut-some       the same for a random choice of 512-byte sectors, sizes and names
//
// How a power cut is made: the shim keeps what each sector held at its file's last sync. A name that was given by rename or link
// since its folder's last sync may be taken back.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum action { COUNT, KILL_BEFORE, KILL_AFTER, TORN, SHORT, ENOSPC_FOR, EIO_FOR, EIO_SYNC, CUT_ALL, CUT_SOME };
enum { SECTOR = 512 };

static const char *const names[] = {"count", "kill-before", "kill-after", "torn", "short", "enospc", "eio", "eio-sync", "cut-all", "cut-some"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char under[PATH_MAX];
static size_t under_length;
static const char *arm_path;
static int log_descriptor = -1;
static enum action action = COUNT;
static long at = -1, steps, window_ms = 1, cut_ms;
static uint64_t seed;
static int armed, enabled, failing, keeps_sectors;
static int64_t failing_until, cut_at;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t draw(void) { return seed = mix(seed); }

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("ADIT_FAULTS_UNDER");
    if (!folder || !realpath(folder, under)) return;
    under_length = strlen(under);
    const char *text = getenv("ADIT_FAULTS_ACTION");
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (!strcmp(text, names[i])) action = (enum action)i;
    if ((text = getenv("ADIT_FAULTS_AT"))) at = atol(text);
    if ((text = getenv("ADIT_FAULTS_MS"))) window_ms = atol(text);
    if ((text = getenv("ADIT_FAULTS_CUT_MS"))) cut_ms = atol(text);
    if ((text = getenv("ADIT_FAULTS_SEED"))) seed = strtoull(text, NULL, 10);
    if ((text = getenv("ADIT_FAULTS_LOG"))) log_descriptor = open(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    arm_path = getenv("ADIT_FAULTS_ARM");
    armed = arm_path == NULL;
    keeps_sectors = action == CUT_ALL || action == CUT_SOME || (action == EIO_SYNC && cut_ms);
    enabled = 1;
}

/// The program hides its memory from debuggers, which for all but root closes /proc/self to itself.
int prctl(int option, ...) {
    va_list list;
    va_start(list, option);
    unsigned long a = va_arg(list, unsigned long), b = va_arg(list, unsigned long), c = va_arg(list, unsigned long), d = va_arg(list, unsigned long);
    va_end(list);
    return option == PR_SET_DUMPABLE ? 0 : (int)syscall(SYS_prctl, option, a, b, c, d);
}

// ---- which files count

/// Whether the path is one of ours; SQLite's shared memory is no promise to anybody, and lock files hold nothing.
static int ours(const char *path) {
    if (strncmp(path, under, under_length) || path[under_length] != '/') return 0;
    size_t length = strlen(path);
    return !(length > 4 && !strcmp(path + length - 4, "-shm"));
}

static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return ours(path);
}

static int absolute(const char *path, char *full) {
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX) return 0;
        strcpy(full, path);
    } else {
        if (!getcwd(full, PATH_MAX) || strlen(full) + strlen(path) + 2 > PATH_MAX) return 0;
        strcat(full, "/");
        strcat(full, path);
    }
    return ours(full);
}

// ---- what the disk would hold after a power cut

struct file {
    dev_t device;
    ino_t node;
    int64_t synced_size;
    /// Opened once and never closed: closing any descriptor of a file gives up the process's POSIX locks on it.
    int own;
};
struct sector {
    int file, lost, used;
    int64_t number;
    unsigned char before[SECTOR];
};
struct name {
    char from[PATH_MAX], to[PATH_MAX];
    int is_link;
};

static struct file *files;
static int file_count;
static struct sector *sectors;
static size_t sector_room, sector_count;
static struct name *given;
static int given_count;

static int file_of(int descriptor, struct stat *info) {
    if (fstat(descriptor, info) || !S_ISREG(info->st_mode)) return -1;
    for (int i = 0; i < file_count; i++)
        if (files[i].device == info->st_dev && files[i].node == info->st_ino) return i;
    struct file *more = realloc(files, sizeof *files * (size_t)(file_count + 1));
    if (!more) return -1;
    files = more;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    int own = open(link, O_RDWR | O_CLOEXEC);
    if (own < 0) return -1;
    files[file_count] = (struct file){.device = info->st_dev, .node = info->st_ino, .synced_size = info->st_size, .own = own};
    return file_count++;
}

static struct sector *slot(struct sector *table, size_t room, int file, int64_t number) {
    size_t i = mix(((uint64_t)file << 48) ^ (uint64_t)number) & (room - 1);
    while (table[i].used && (table[i].file != file || table[i].number != number)) i = (i + 1) & (room - 1);
    return &table[i];
}

static void grow(void) {
    size_t room = sector_room ? sector_room * 2 : 4096;
    struct sector *table = calloc(room, sizeof *table);
    if (!table) abort();
    for (size_t i = 0; i < sector_room; i++)
        if (sectors[i].used) *slot(table, room, sectors[i].file, sectors[i].number) = sectors[i];
    free(sectors);
    sectors = table;
    sector_room = room;
}

/// Keeps what the sectors of [from, to) held at the last sync, before they change.
static void remember(int descriptor, int64_t from, int64_t to) {
    struct stat info;
    int file = file_of(descriptor, &info);
    if (file < 0 || to <= from) return;
    for (int64_t number = from / SECTOR; number <= (to - 1) / SECTOR; number++) {
        if ((sector_count + 1) * 2 > sector_room) grow();
        struct sector *s = slot(sectors, sector_room, file, number);
        if (s->used) {
            s->lost = 0;
            continue;
        }
        *s = (struct sector){.file = file, .number = number, .used = 1};
        sector_count++;
        if (number * SECTOR < info.st_size && syscall(SYS_pread64, files[file].own, s->before, SECTOR, number * SECTOR) < 0) abort();
    }
}

/// A sync that worked settles the file's sectors; one that failed loses them for good.
static void settle(int descriptor, const char *path, int worked) {
    struct stat info;
    if (!fstat(descriptor, &info) && S_ISDIR(info.st_mode)) {
        if (!worked) return;
        size_t length = strlen(path);
        int kept = 0;
        for (int i = 0; i < given_count; i++) {
            const char *last = strrchr(given[i].to, '/');
            int inside = last && (size_t)(last - given[i].to) == length && !strncmp(given[i].to, path, length);
            if (!inside) given[kept++] = given[i];
        }
        given_count = kept;
        return;
    }
    int file = file_of(descriptor, &info);
    if (file < 0) return;
    struct sector *old = sectors;
    size_t room = sector_room;
    if (worked) files[file].synced_size = info.st_size;
    if (!old) return;
    if (!worked) {
        for (size_t i = 0; i < room; i++)
            if (old[i].used && old[i].file == file) old[i].lost = 1;
        return;
    }
    sectors = calloc(room, sizeof *sectors);
    if (!sectors) abort();
    sector_count = 0;
    for (size_t i = 0; i < room; i++)
        if (old[i].used && (old[i].file != file || old[i].lost)) {
            *slot(sectors, room, old[i].file, old[i].number) = old[i];
            sector_count++;
        }
    free(old);
}

static void give_name(const char *from, const char *to, int is_link) {
    struct name *more = realloc(given, sizeof *given * (size_t)(given_count + 1));
    if (!more) return;
    given = more;
    given[given_count].is_link = is_link;
    snprintf(given[given_count].from, PATH_MAX, "%s", from);
    snprintf(given[given_count++].to, PATH_MAX, "%s", to);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void cut(int all) {
    for (int f = 0; f < file_count; f++) {
        int descriptor = files[f].own;
        struct stat info;
        if (fstat(descriptor, &info)) continue;
        int shrink = all || draw() & 1;
        for (size_t i = 0; i < sector_room; i++) {
            struct sector *s = &sectors[i];
            if (!s->used || s->file != f || (!s->lost && !all && draw() & 1)) continue;
            int64_t start = s->number * SECTOR;
            int64_t end = info.st_size > files[f].synced_size ? info.st_size : files[f].synced_size;
            if (start < end) syscall(SYS_pwrite64, descriptor, s->before, end - start < SECTOR ? end - start : SECTOR, start);
        }
        if (shrink && files[f].synced_size < info.st_size) syscall(SYS_ftruncate, descriptor, files[f].synced_size);
    }
    for (int i = given_count - 1; i >= 0; i--) {
        if (!all && draw() & 1) continue;
        if (given[i].is_link)
            syscall(SYS_unlink, given[i].to);
        else
            syscall(SYS_rename, given[i].to, given[i].from);
    }
    die();
}

// ---- steps

static void note(const char *call, const char *path, int64_t offset, int64_t length, const char *what) {
    if (log_descriptor < 0) return;
    char line[PATH_MAX + 128];
    int n = snprintf(line, sizeof line, "%ld %s %s %lld %lld %s\n", steps, call, strlen(path) > under_length ? path + under_length + 1 : ".", (long long)offset, (long long)length, what);
    if (n > 0) syscall(SYS_write, log_descriptor, line, n);
}

/// Counts a step. True where it is the one; a kill before it happens here.
static int step(const char *call, const char *path, int64_t offset, int64_t length, int is_sync, int is_write) {
    if (!armed) {
        if (access(arm_path, F_OK)) return 0;
        armed = 1;
    }
    steps++;
    if (cut_at && now_ms() >= cut_at) {
        note(call, path, offset, length, "cut");
        cut(draw() & 1);
    }
    if (failing && now_ms() >= failing_until) {
        failing = 0;
        note(call, path, offset, length, "cleared");
    }
    int is_it = steps == at;
    // Faults that only syncs, or only writes, can have wait for the next of them.
    if ((action == EIO_SYNC && !is_sync) || ((action == ENOSPC_FOR || action == EIO_FOR || action == SHORT) && !is_write)) {
        if (is_it) at++;
        is_it = 0;
    }
    if (is_it || action == COUNT) note(call, path, offset, length, action == COUNT ? "" : names[action]);
    if (!is_it) return 0;
    switch (action) {
    case KILL_BEFORE: die(); break;
    case CUT_ALL: if (!is_write) cut(1); break;
    case CUT_SOME: if (!is_write) cut(0); break;
    case TORN: if (!is_write) die(); break;
    case ENOSPC_FOR: case EIO_FOR: case EIO_SYNC:
        failing = 1;
        failing_until = now_ms() + window_ms;
        if (cut_ms) cut_at = now_ms() + window_ms + cut_ms;
        break;
    default: break;
    }
    return 1;
}

static void after(int is_it) {
    if (!is_it) return;
    if (action == KILL_AFTER) die();
    if (action == CUT_ALL) cut(1);
    if (action == CUT_SOME) cut(0);
}

typedef ssize_t (*writer)(int, const void *, size_t, off64_t);

static ssize_t plain_write(int d, const void *bytes, size_t count, off64_t offset) {
    (void)offset;
    return syscall(SYS_write, d, bytes, count);
}

static ssize_t placed_write(int d, const void *bytes, size_t count, off64_t offset) { return syscall(SYS_pwrite64, d, bytes, count, offset); }

static ssize_t written(const char *call, int d, const void *bytes, size_t count, off64_t offset, writer put) {
    char path[PATH_MAX];
    if (!enabled || count == 0 || !path_of(d, path)) return put(d, bytes, count, offset);
    pthread_mutex_lock(&lock);
    int64_t start = offset;
    if (put == plain_write) {
        int flags = fcntl(d, F_GETFL);
        struct stat info;
        start = flags >= 0 && flags & O_APPEND && !fstat(d, &info) ? info.st_size : lseek(d, 0, SEEK_CUR);
    }
    int is_it = step(call, path, start, (int64_t)count, 0, 1);
    ssize_t result;
    int problem = 0;
    if (keeps_sectors) remember(d, start, start + (int64_t)count);
    if (is_it && action == TORN) {
        put(d, bytes, draw() % count, offset);
        die();
    }
    if (failing && (action == ENOSPC_FOR || action == EIO_FOR)) {
        size_t part = action == ENOSPC_FOR && count > 1 && draw() % 3 == 0 ? draw() % count : 0;
        result = part ? put(d, bytes, part, offset) : -1;
        problem = action == ENOSPC_FOR ? ENOSPC : EIO;
    } else {
        result = put(d, bytes, is_it && action == SHORT && count > 1 ? 1 + draw() % (count - 1) : count, offset);
        problem = errno;
    }
    after(is_it);
    pthread_mutex_unlock(&lock);
    errno = problem;
    return result;
}

ssize_t write(int d, const void *bytes, size_t count) { return written("write", d, bytes, count, -1, plain_write); }
ssize_t pwrite(int d, const void *bytes, size_t count, off_t offset) { return written("pwrite", d, bytes, count, offset, placed_write); }
ssize_t pwrite64(int d, const void *bytes, size_t count, off64_t offset) { return written("pwrite", d, bytes, count, offset, placed_write); }

static int truncated(int d, off64_t length) {
    char path[PATH_MAX];
    if (!enabled || !path_of(d, path)) return (int)syscall(SYS_ftruncate, d, length);
    pthread_mutex_lock(&lock);
    struct stat info;
    int is_it = step("ftruncate", path, length, 0, 0, 0);
    if (keeps_sectors && !fstat(d, &info) && info.st_size > length) remember(d, length, info.st_size);
    int result = (int)syscall(SYS_ftruncate, d, length);
    int problem = errno;
    after(is_it);
    pthread_mutex_unlock(&lock);
    errno = problem;
    return result;
}

int ftruncate(int d, off_t length) { return truncated(d, length); }
int ftruncate64(int d, off64_t length) { return truncated(d, length); }

static int synced(const char *call, int d, long number) {
    char path[PATH_MAX] = "";
    // The folder itself is ours too.
    if (!enabled || (!path_of(d, path) && strcmp(path, under))) return (int)syscall(number, d);
    pthread_mutex_lock(&lock);
    int is_it = step(call, path, 0, 0, 1, 0);
    int result, problem = 0;
    if (failing && action == EIO_SYNC) {
        if (keeps_sectors) settle(d, path, 0);
        result = -1;
        problem = EIO;
    } else {
        result = (int)syscall(number, d);
        problem = errno;
        if (keeps_sectors && result == 0) settle(d, path, 1);
    }
    after(is_it);
    pthread_mutex_unlock(&lock);
    errno = problem;
    return result;
}

int fsync(int d) { return synced("fsync", d, SYS_fsync); }
int fdatasync(int d) { return synced("fdatasync", d, SYS_fdatasync); }

static int named(const char *call, const char *from, const char *to, int is_link) {
    char origin[PATH_MAX], target[PATH_MAX];
    long number = is_link ? SYS_link : SYS_rename;
    if (!enabled || !absolute(from, origin) || !absolute(to, target)) return (int)syscall(number, from, to);
    pthread_mutex_lock(&lock);
    int is_it = step(call, target, 0, 0, 0, 0);
    int is_new = access(target, F_OK) != 0;
    int result = (int)syscall(number, from, to);
    int problem = errno;
    if (keeps_sectors && result == 0 && is_new) give_name(origin, target, is_link);
    after(is_it);
    pthread_mutex_unlock(&lock);
    errno = problem;
    return result;
}

int rename(const char *from, const char *to) { return named("rename", from, to, 0); }
int link(const char *from, const char *to) { return named("link", from, to, 1); }

int unlink(const char *path) {
    char full[PATH_MAX];
    if (!enabled || !absolute(path, full)) return (int)syscall(SYS_unlink, path);
    pthread_mutex_lock(&lock);
    int is_it = step("unlink", full, 0, 0, 0, 0);
    int result = (int)syscall(SYS_unlink, path);
    int problem = errno;
    after(is_it);
    pthread_mutex_unlock(&lock);
    errno = problem;
    return result;
}
