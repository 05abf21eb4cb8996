/* A stand-in for NVIDIA's driver library over ordinary memory, so that the Python packages on top of
   it can be called for real on machines without a GPU. Streams are queues that run when they are
   waited for; a captured stream's queue becomes a graph. Counts what is not freed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int CUresult;
enum { OK = 0, INVALID = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_CONTEXT = 201, MISSING = 500,
       NOT_SUPPORTED = 801 };
typedef struct copy { void *target; const void *source; size_t bytes; } copy;
typedef struct queue { copy items[64]; int count; int capturing; } queue;

static __thread int current_depth;
static long live;                       /* allocations, streams, graphs and retained contexts */
static int context;

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}
long stand_in_live(void) { return live; }
int stand_in_depth(void) { return current_depth; }

CUresult cuInit(unsigned flags) { return number("STAND_IN_INIT", OK); }
CUresult cuDriverGetVersion(int *version) { *version = number("STAND_IN_VERSION", 12060); return OK; }
CUresult cuDeviceGetCount(int *count) { *count = number("STAND_IN_DEVICES", 1); return OK; }
CUresult cuDeviceGet(int *device, int ordinal) { *device = ordinal; return OK; }
CUresult cuDeviceGetName(char *name, int size, int device) { snprintf(name, size, "Stand-in"); return OK; }
CUresult cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)8 << 30; return OK; }
CUresult cuDeviceGetAttribute(int *value, int which, int device) {
    *value = which == 75 ? 8 : which == 76 ? 7 : 0;
    return OK;
}
CUresult cuDevicePrimaryCtxRetain(void **made, int device) { *made = &context; return OK; }
CUresult cuDevicePrimaryCtxRelease_v2(int device) { return OK; }
CUresult cuCtxPushCurrent_v2(void *given) {
    if (given != &context) return INVALID_CONTEXT;
    current_depth++;
    return OK;
}
CUresult cuCtxPopCurrent_v2(void **popped) {
    if (!current_depth) return INVALID_CONTEXT;
    current_depth--;
    if (popped) *popped = &context;
    return OK;
}
CUresult cuCtxDetach(void *given) {     /* the driver refuses it for a primary context */
    fprintf(stderr, "a primary context was detached instead of released\n");
    return INVALID_CONTEXT;
}
CUresult cuCtxGetCurrent(void **found) { *found = current_depth ? &context : NULL; return OK; }
CUresult cuCtxGetDevice(int *device) { *device = 0; return current_depth ? OK : INVALID_CONTEXT; }

static CUresult take(void **made, size_t bytes) {
    if (!current_depth) return INVALID_CONTEXT;
    if (bytes > (size_t)number("STAND_IN_MEMORY", 1 << 30)) return OUT_OF_MEMORY;
    *made = malloc(bytes ? bytes : 1);
    memset(*made, 255, bytes);
    live++;
    return OK;
}
static CUresult give(void *memory) {
    if (!current_depth) return INVALID_CONTEXT;
    free(memory);
    live--;
    return OK;
}
CUresult cuMemAlloc_v2(uint64_t *address, size_t bytes) { return take((void **)address, bytes); }
CUresult cuMemFree_v2(uint64_t address) { return give((void *)address); }
CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned flags) { return take(address, bytes); }
CUresult cuMemFreeHost(void *address) { return give(address); }

CUresult cuStreamCreate(void **stream, unsigned flags) {
    if (!current_depth) return INVALID_CONTEXT;
    if (flags != 1) return INVALID;     /* CU_STREAM_NON_BLOCKING is what we ask for */
    *stream = calloc(1, sizeof(queue));
    live++;
    return OK;
}
CUresult cuStreamDestroy_v2(void *stream) { return give(stream); }
static CUresult put(queue *stream, void *target, const void *source, size_t bytes) {
    if (!current_depth) return INVALID_CONTEXT;
    if (!stream || stream->count == 64) return INVALID;
    stream->items[stream->count++] = (copy){target, source, bytes};
    return OK;
}
CUresult cuMemcpyHtoDAsync_v2(uint64_t target, const void *source, size_t bytes, void *stream) {
    return put(stream, (void *)target, source, bytes);
}
CUresult cuMemcpyDtoHAsync_v2(void *target, uint64_t source, size_t bytes, void *stream) {
    return put(stream, target, (void *)source, bytes);
}
CUresult cuStreamSynchronize(void *given) {
    queue *stream = given;
    if (!current_depth) return INVALID_CONTEXT;
    if (stream->capturing) return INVALID;
    for (int i = 0; i < stream->count; i++)
        memcpy(stream->items[i].target, stream->items[i].source, stream->items[i].bytes);
    stream->count = 0;
    return OK;
}
CUresult cuStreamBeginCapture_v2(void *given, int mode) {
    queue *stream = given;
    if (mode != 1 || stream->count) return INVALID;   /* 1: thread-local */
    stream->capturing = 1;
    return OK;
}
CUresult cuStreamEndCapture(void *given, void **graph) {
    queue *stream = given;
    queue *made = malloc(sizeof(queue));
    *made = *stream;
    made->capturing = 0;
    stream->count = stream->capturing = 0;
    *graph = made;
    live++;
    return OK;
}
CUresult cuGraphInstantiateWithFlags(void **made, void *graph, unsigned long long flags) {
    *made = malloc(sizeof(queue));
    memcpy(*made, graph, sizeof(queue));
    live++;
    return OK;
}
CUresult cuGraphDestroy(void *graph) { return give(graph); }
CUresult cuGraphExecDestroy(void *graph) { return give(graph); }
CUresult cuGraphLaunch(void *given, void *target) {
    queue *graph = given, *stream = target;
    for (int i = 0; i < graph->count; i++) {
        CUresult done = put(stream, graph->items[i].target, graph->items[i].source, graph->items[i].bytes);
        if (done) return done;
    }
    return OK;
}
CUresult cuGetErrorName(CUresult error, const char **text) { *text = "CUDA_ERROR_STAND_IN"; return OK; }
CUresult cuGetErrorString(CUresult error, const char **text) { *text = "stand-in"; return OK; }

/* The packages ask for the plain name and a version; the newest that stands here is what they get. */
static CUresult find(const char *name, void **found) {
    char versioned[128];
    snprintf(versioned, sizeof versioned, "%s_v2", name);
    *found = dlsym(RTLD_DEFAULT, versioned);
    if (!strcmp(name, "cuGraphInstantiate")) *found = (void *)cuGraphInstantiateWithFlags;
    if (!*found) {
        Dl_info own;
        dladdr((void *)find, &own);
        void *self = dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
        *found = dlsym(self, versioned);
        if (!*found) *found = dlsym(self, name);
    }
    return *found ? OK : MISSING;
}
CUresult cuGetProcAddress(const char *name, void **found, int version, uint64_t flags) {
    return find(name, found);
}
CUresult cuGetProcAddress_v2(const char *name, void **found, int version, uint64_t flags, int *status) {
    CUresult done = find(name, found);
    if (status) *status = done ? 1 : 0;
    return done;
}
