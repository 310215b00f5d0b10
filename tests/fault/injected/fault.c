/* Counts what a process and its children change or start, and lets the N-th of these go wrong.
 *
 * Loaded with LD_PRELOAD; does nothing unless FAULT_STATE names a file of four words: how many operations there were,
 * at which one the fault is, the process that is killed with its group, and the kind of operation that was hit.
 * FAULT_KIND: "kill" ends the whole group before the operation; "after" ends it after half of it or all of it;
 * "enospc" lets this operation and everything later that needs space fail; "eio" lets this one fail.
 * "interrupt" is Ctrl-C on a terminal, "impatient" is many of them, "terminate" is SIGTERM to the first process alone.
 * Only what is below FAULT_BELOW counts, and every start of a program.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, RENAME, LINK, SYMLINK, UNLINK, MKDIR, SYNC, EXEC, READ };
struct state { long count, at, leader, hit; };
static volatile struct state *state;
static const char *below;
static size_t below_length;
static int kind; /* 'k', 'a', 's', 'i', 'c', 'm' or 't' */

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULT_STATE"), *wanted = getenv("FAULT_KIND");
    below = getenv("FAULT_BELOW");
    if (!path || !wanted || !below) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *found = mmap(0, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (found == MAP_FAILED) return;
    below_length = strlen(below);
    kind = !strcmp(wanted, "kill") ? 'k' : !strcmp(wanted, "after") ? 'a' : !strcmp(wanted, "enospc") ? 's'
        : !strcmp(wanted, "interrupt") ? 'c' : !strcmp(wanted, "impatient") ? 'm' : !strcmp(wanted, "terminate") ? 't' : 'i';
    state = found;
    if (!state->leader) state->leader = getpid();
}

static void end_all(void)
{
    kill(-(pid_t)state->leader, SIGKILL);
    if (getpgrp() == state->leader) for (;;) pause();
}

static int inside(const char *path)
{
    return path && (path[0] != '/' || !strncmp(path, below, below_length));
}

static int inside_file(int file)
{
    char name[64] = "/proc/self/fd/", path[4096];
    struct stat found;
    int at = 24, digits = file;
    if (fstat(file, &found) || !S_ISREG(found.st_mode)) return 0;
    name[at] = 0;
    do { name[--at] = '0' + digits % 10; digits /= 10; } while (digits);
    memmove(name + 14, name + at, 25 - at);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}

/* What to do with an operation: 0 go on, 1 it is the one, -1 it fails. */
static int look(int operation, int counts)
{
    if (!state || !counts || (operation == READ && kind != 'i')) return 0;
    long number = __sync_add_and_fetch(&state->count, 1);
    if (number == state->at) {
        state->hit = operation;
        if (kind == 'k') { end_all(); return 0; }
        if (kind == 'a') return 1;
        if (kind == 'c') { kill(-(pid_t)state->leader, SIGINT); return 0; }
        if (kind == 't') { kill((pid_t)state->leader, SIGTERM); return 0; }
        if (kind == 'm') { kill(-(pid_t)state->leader, SIGINT); return 0; }
        if (operation == EXEC || (kind == 's' && operation == UNLINK)) return 0;
        errno = kind == 's' ? ENOSPC : EIO;
        return -1;
    }
    if (kind == 'm' && state->at && number > state->at && number < state->at + 20)
        kill((pid_t)state->leader, number % 2 ? SIGINT : SIGTERM);
    if (kind == 's' && state->at && number > state->at && operation != UNLINK && operation != EXEC && operation != RENAME
        && operation != SYNC) {
        errno = ENOSPC;
        return -1;
    }
    return 0;
}

#define AROUND(operation, counts, call) \
    int judged = look(operation, counts); \
    if (judged < 0) return -1; \
    int result = call; \
    if (judged) { int kept = errno; end_all(); errno = kept; } \
    return result

#define OPENER(name, first_parameter, first, path_counts) \
    int name(first_parameter const char *path, int flags, ...) \
    { \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        static int (*real)(first_parameter const char *, int, ...); \
        if (!real) real = dlsym(RTLD_NEXT, #name); \
        int writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT; \
        AROUND(OPEN, writes && path_counts, real(first path, flags, mode)); \
    }
#define NONE
#define COMMA ,
OPENER(open, NONE, NONE, inside(path))
OPENER(open64, NONE, NONE, inside(path))
OPENER(openat, int folder COMMA, folder COMMA, inside(path))
OPENER(openat64, int folder COMMA, folder COMMA, inside(path))

ssize_t write(int file, const void *data, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    int judged = state ? look(WRITE, inside_file(file)) : 0;
    if (judged < 0) return -1;
    ssize_t written = real(file, data, judged && size > 1 ? size / 2 : size);
    if (judged) end_all();
    return written;
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    int judged = state ? look(WRITE, inside_file(file)) : 0;
    if (judged < 0) return -1;
    ssize_t written = real(file, data, judged && size > 1 ? size / 2 : size, at);
    if (judged) end_all();
    return written;
}

ssize_t read(int file, void *data, size_t size)
{
    REAL(ssize_t, "read", int, void *, size_t);
    if (state && kind == 'i' && look(READ, inside_file(file)) < 0) return -1;
    return real(file, data, size);
}

int rename(const char *old, const char *new)
{ REAL(int, "rename", const char *, const char *); AROUND(RENAME, inside(new), real(old, new)); }
int renameat(int a, const char *old, int b, const char *new)
{ REAL(int, "renameat", int, const char *, int, const char *); AROUND(RENAME, inside(new), real(a, old, b, new)); }
int link(const char *old, const char *new)
{ REAL(int, "link", const char *, const char *); AROUND(LINK, inside(new), real(old, new)); }
int linkat(int a, const char *old, int b, const char *new, int flags)
{ REAL(int, "linkat", int, const char *, int, const char *, int); AROUND(LINK, inside(new), real(a, old, b, new, flags)); }
int symlink(const char *target, const char *path)
{ REAL(int, "symlink", const char *, const char *); AROUND(SYMLINK, inside(path), real(target, path)); }
int unlink(const char *path)
{ REAL(int, "unlink", const char *); AROUND(UNLINK, inside(path), real(path)); }
int unlinkat(int folder, const char *path, int flags)
{ REAL(int, "unlinkat", int, const char *, int); AROUND(UNLINK, inside(path), real(folder, path, flags)); }
int rmdir(const char *path)
{ REAL(int, "rmdir", const char *); AROUND(UNLINK, inside(path), real(path)); }
int mkdir(const char *path, mode_t mode)
{ REAL(int, "mkdir", const char *, mode_t); AROUND(MKDIR, inside(path), real(path, mode)); }
int mkdirat(int folder, const char *path, mode_t mode)
{ REAL(int, "mkdirat", int, const char *, mode_t); AROUND(MKDIR, inside(path), real(folder, path, mode)); }
int fsync(int file)
{ REAL(int, "fsync", int); AROUND(SYNC, inside_file(file), real(file)); }
int execve(const char *path, char *const arguments[], char *const environment[])
{
    REAL(int, "execve", const char *, char *const[], char *const[]);
    if (look(EXEC, access(path, X_OK) == 0)) end_all();
    return real(path, arguments, environment);
}
