#include "pixels.h"

#include <stdlib.h>

#include <libyuv.h>

void *tc_alloc(size_t n) {
    void *mem = NULL;
    return posix_memalign(&mem, 64, n) ? NULL : mem;
}

void tc_fill(uint8_t *y, uint8_t *u, uint8_t *v, int sy, int sc, int w, int h, int cy, int cu, int cv) {
    SetPlane(y, sy, w, h, cy);
    SetPlane(u, sc, (w + 1) / 2, (h + 1) / 2, cu);
    SetPlane(v, sc, (w + 1) / 2, (h + 1) / 2, cv);
}

void tc_copy(uint8_t *dy, uint8_t *du, uint8_t *dv, int dsy, int dsc,
             const uint8_t *y, const uint8_t *u, const uint8_t *v, int sy, int sc, int w, int h) {
    CopyPlane(y, sy, dy, dsy, w, h);
    CopyPlane(u, sc, du, dsc, (w + 1) / 2, (h + 1) / 2);
    CopyPlane(v, sc, dv, dsc, (w + 1) / 2, (h + 1) / 2);
}

void tc_scale(uint8_t *dy, uint8_t *du, uint8_t *dv, int dsy, int dsc, int dw, int dh,
              const uint8_t *y, const uint8_t *u, const uint8_t *v, int sy, int sc, int w, int h) {
    I420Scale(y, sy, u, sc, v, sc, w, h, dy, dsy, du, dsc, dv, dsc, dw, dh, kFilterBox);
}
