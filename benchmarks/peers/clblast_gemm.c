/* CLBlast from C on one OpenCL device: CLBlastSgemm on random numbers that lie in its memory.
 *
 * usage: clblast_gemm DEVICE N, DEVICE the place of the device among all devices of all platforms. Says the device's name, then serves
 * standard input: "kernel MS" runs for MS milliseconds and answers {"best_ns", "runs"}. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <clblast_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static cl_device_id find(int wanted) {
    cl_platform_id platforms[16];
    cl_uint count = 0;
    if (clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS) return NULL;
    for (cl_uint i = 0; i < count && i < 16; i++) {
        cl_device_id devices[64];
        cl_uint there = 0;
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 64, devices, &there) != CL_SUCCESS) continue;
        if (wanted < (int)there) return devices[wanted];
        wanted -= (int)there;
    }
    return NULL;
}

static cl_mem random_numbers(cl_context context, size_t count) {
    float *host = malloc(count * 4);
    unsigned seed = 12345;
    for (size_t i = 0; host && i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        host[i] = (float)(seed >> 8) * 0x1p-23f - 1;
    }
    cl_mem buffer = host ? clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, count * 4, host, NULL) : NULL;
    free(host);
    return buffer;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int n = atoi(argv[2]);
    cl_device_id device = find(atoi(argv[1]));
    if (!device || n < 1 || n > 16384) return 2;
    char name[256] = "";
    clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name - 1, name, NULL);
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, NULL);
    size_t count = (size_t)n * n;
    cl_mem a = random_numbers(context, count), b = random_numbers(context, count), c = random_numbers(context, count);
    if (!queue || !a || !b || !c) return 1;
    for (int warm = 0; warm < 2; warm++) {
        if (CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo, n, n, n, 1, a, 0, n, b, 0, n, 0, c, 0, n, &queue, NULL)) return 1;
        clFinish(queue);
    }
    printf("{\"ready\":\"CLBlast on %s\"}\n", name);
    fflush(stdout);
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        long ms = 0;
        if (sscanf(line, "kernel %ld", &ms) != 1) return 2;
        long long start = now_ns(), best = 1LL << 62;
        int runs = 0;
        do {
            long long begin = now_ns();
            CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo, n, n, n, 1, a, 0, n, b, 0, n, 0, c, 0, n, &queue, NULL);
            clFinish(queue);
            long long took = now_ns() - begin;
            if (took < best) best = took;
            runs++;
        } while (now_ns() - start < ms * 1000000LL);
        printf("{\"best_ns\":%lld,\"runs\":%d}\n", best, runs);
        fflush(stdout);
    }
    return 0;
}
