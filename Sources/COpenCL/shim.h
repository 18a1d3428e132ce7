// OpenCL's types and constants, and the functions that are looked up at run time (dlsym) in libOpenCL and libclblast. Nothing is
// linked: a machine without a loader, a driver or CLBlast builds and runs.
//
// Sources: Khronos' CL/cl.h, held to version 1.2, which every driver in use has; CLBlast's clblast_c.h, 1.5 and 1.6.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// Before every CL header: without it the newest version is meant, and half of the functions below count as deprecated.
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#define ADIT_CL_FUNCTIONS(X)                                                                                                           \
    X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo) X(clCreateContext) X(clReleaseContext)               \
    X(clCreateCommandQueue) X(clReleaseCommandQueue) X(clFlush) X(clFinish) X(clCreateBuffer) X(clReleaseMemObject)                    \
    X(clCreateProgramWithSource) X(clCreateProgramWithBinary) X(clBuildProgram) X(clGetProgramInfo) X(clGetProgramBuildInfo)           \
    X(clReleaseProgram) X(clCreateKernel) X(clReleaseKernel) X(clSetKernelArg) X(clEnqueueNDRangeKernel) X(clEnqueueReadBuffer)        \
    X(clEnqueueWriteBuffer) X(clEnqueueMapBuffer) X(clEnqueueUnmapMemObject) X(clEnqueueBarrierWithWaitList) X(clWaitForEvents)        \
    X(clReleaseEvent)

#define ADIT_CL_MEMBER(name) __typeof__(name) *_Nonnull name;
/// Every function of OpenCL's that is used, by its own name.
typedef struct {
    ADIT_CL_FUNCTIONS(ADIT_CL_MEMBER)
} adit_cl;

void *dlsym(void *handle, const char *symbol);

/// Fills the table from an open library; gives the name of the first function that is missing, or NULL.
static inline const char *_Nullable adit_cl_load(void *_Nonnull handle, adit_cl *_Nonnull table) {
#define ADIT_CL_FIND(name)                                                                                                             \
    {                                                                                                                                  \
        void *found = dlsym(handle, #name);                                                                                            \
        if (!found) return #name;                                                                                                      \
        *(void **)(void *)&table->name = found;                                                                                        \
    }
    ADIT_CL_FUNCTIONS(ADIT_CL_FIND)
#undef ADIT_CL_FIND
    return NULL;
}

// CLBlast's constants, by names of our own: its header is not needed.
enum { adit_clblast_row_major = 101, adit_clblast_no_transpose = 111, adit_clblast_transpose = 112 };
enum { adit_clblast_single = 32, adit_clblast_double = 64 };

typedef cl_int (*adit_clblast_sgemm)(int layout, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, float alpha, cl_mem a,
    size_t offset_a, size_t lda, cl_mem b, size_t offset_b, size_t ldb, float beta, cl_mem c, size_t offset_c, size_t ldc,
    cl_command_queue *queue, cl_event *event);
typedef cl_int (*adit_clblast_dgemm)(int layout, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha, cl_mem a,
    size_t offset_a, size_t lda, cl_mem b, size_t offset_b, size_t ldb, double beta, cl_mem c, size_t offset_c, size_t ldc,
    cl_command_queue *queue, cl_event *event);
typedef cl_int (*adit_clblast_sgemm_batched)(int layout, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, float alpha,
    cl_mem a, size_t offset_a, size_t lda, size_t stride_a, cl_mem b, size_t offset_b, size_t ldb, size_t stride_b, float beta, cl_mem c,
    size_t offset_c, size_t ldc, size_t stride_c, size_t count, cl_command_queue *queue, cl_event *event);
typedef cl_int (*adit_clblast_dgemm_batched)(int layout, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha,
    cl_mem a, size_t offset_a, size_t lda, size_t stride_a, cl_mem b, size_t offset_b, size_t ldb, size_t stride_b, double beta, cl_mem c,
    size_t offset_c, size_t ldc, size_t stride_c, size_t count, cl_command_queue *queue, cl_event *event);
typedef cl_int (*adit_clblast_override)(cl_device_id device, const char *kernel, int precision, size_t count, const char *const *names,
    const size_t *values);
typedef cl_int (*adit_clblast_clear)(void);
