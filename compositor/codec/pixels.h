/* Pictures are three planes that the caller owns; chroma is (w+1)/2 by (h+1)/2.
 * Nothing here keeps a pointer, allocates (tc_alloc aside) or writes outside dst. */
#ifndef TILECAST_PIXELS_H
#define TILECAST_PIXELS_H

#include <stddef.h>
#include <stdint.h>

/* 64-byte aligned memory for the caller to free(), or NULL. */
void *tc_alloc(size_t n);

void tc_fill(uint8_t *y, uint8_t *u, uint8_t *v, int sy, int sc, int w, int h, int cy, int cu, int cv);

void tc_copy(uint8_t *dy, uint8_t *du, uint8_t *dv, int dsy, int dsc,
             const uint8_t *y, const uint8_t *u, const uint8_t *v, int sy, int sc, int w, int h);

void tc_scale(uint8_t *dy, uint8_t *du, uint8_t *dv, int dsy, int dsc, int dw, int dh,
              const uint8_t *y, const uint8_t *u, const uint8_t *v, int sy, int sc, int w, int h);

/* d = d * keep / 255 + pix, one plane of w by h. */
void tc_blend(uint8_t *d, int stride, const uint8_t *pix, const uint8_t *keep, int stride_pix, int w, int h);

#endif
