/* Pictures are three planes that the caller owns; chroma is (w+1)/2 by (h+1)/2.
 * Nothing here keeps a pointer, allocates (tc_alloc aside) or writes outside dst. */
#ifndef TILECAST_PIXELS_H
#define TILECAST_PIXELS_H

#include <stddef.h>
#include <stdint.h>

/* n bytes aligned to 64, or NULL; the caller gives them back to tc_free with the same n. What is large comes from the
 * system and goes back to it at once, whatever lies beside it. */
void *tc_alloc(size_t n);
void tc_free(void *mem, size_t n);

void tc_fill(uint8_t *y, uint8_t *u, uint8_t *v, int sy, int sc, int w, int h, int cy, int cu, int cv);

void tc_copy(uint8_t *dy, uint8_t *du, uint8_t *dv, int dsy, int dsc,
             const uint8_t *y, const uint8_t *u, const uint8_t *v, int sy, int sc, int w, int h);

/* tc_reach is how far one call of tc_scale should shrink at most: 7, or 2 where only libyuv can do it, whose boxes of
 * other sizes are slow and round down. */
int tc_reach(void);

/* tc_scale stretches at any ratio within reach, 2 or what tc_reach says; with 2 it leaves it to libyuv. */
void tc_scale(uint8_t *dy, uint8_t *du, uint8_t *dv, int dsy, int dsc, int dw, int dh,
              const uint8_t *y, const uint8_t *u, const uint8_t *v, int sy, int sc, int w, int h, int reach);

/* d = d * keep / 255 + pix, one plane of w by h. */
void tc_blend(uint8_t *d, int stride, const uint8_t *pix, const uint8_t *keep, int stride_pix, int w, int h);

#endif
