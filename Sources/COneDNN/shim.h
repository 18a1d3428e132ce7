// The types of oneDNN, and those of the functions that are looked up at run time (dlsym). Nothing is linked: a machine without the
// library still runs the program. The declarations are oneDNN's own, so that no signature can be copied wrongly; version 2 of the
// interface (libdnnl.so.2).
#pragma once
#include <dnnl.h>

#define ADIT_DNNL(name) typedef __typeof__(&dnnl_##name) adit_dnnl_##name

ADIT_DNNL(version);
ADIT_DNNL(get_effective_cpu_isa);
ADIT_DNNL(engine_create);
ADIT_DNNL(stream_create);
ADIT_DNNL(stream_wait);
ADIT_DNNL(memory_desc_init_by_strides);
ADIT_DNNL(memory_desc_init_by_tag);
ADIT_DNNL(memory_desc_get_size);
ADIT_DNNL(memory_create);
ADIT_DNNL(memory_destroy);
ADIT_DNNL(memory_set_data_handle);
ADIT_DNNL(primitive_attr_create);
ADIT_DNNL(primitive_attr_destroy);
ADIT_DNNL(primitive_attr_set_scratchpad_mode);
ADIT_DNNL(primitive_desc_create);
ADIT_DNNL(primitive_desc_destroy);
ADIT_DNNL(primitive_desc_query);
ADIT_DNNL(primitive_desc_query_md);
ADIT_DNNL(reorder_primitive_desc_create);
ADIT_DNNL(primitive_create);
ADIT_DNNL(primitive_destroy);
ADIT_DNNL(primitive_execute);
ADIT_DNNL(matmul_desc_init);
ADIT_DNNL(dilated_convolution_forward_desc_init);
ADIT_DNNL(sgemm);
ADIT_DNNL(gemm_s8s8s32);

#undef ADIT_DNNL

/// OpenMP's, which oneDNN is built on: how many threads the calling thread's next parallel regions have.
typedef void (*adit_omp_set_num_threads)(int count);
