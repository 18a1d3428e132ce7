// The portable form of the 16-bit dot product.
#ifndef ADIT_DOT16_H
#define ADIT_DOT16_H

#include <stdint.h>

typedef uint32_t adit_quad __attribute__((ext_vector_type(4)));
typedef int32_t adit_signed_quad __attribute__((ext_vector_type(4)));

/// acc + a.low * b.low + a.high * b.high on each pair of signed 16-bit halves.
static inline adit_quad adit_dot16(adit_quad acc, adit_quad a, adit_quad b) {
    const adit_signed_quad low = ((adit_signed_quad)(a << 16) >> 16) * ((adit_signed_quad)(b << 16) >> 16);
    const adit_signed_quad high = ((adit_signed_quad)a >> 16) * ((adit_signed_quad)b >> 16);
    return acc + (adit_quad)low + (adit_quad)high;
}

#endif
