#include "pixels.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libyuv.h>

/* What has so many bytes is large. */
#define LARGE (128 << 10)

void *tc_alloc(size_t n) {
    void *mem = NULL;
    if (n < LARGE)
        return posix_memalign(&mem, 64, n) ? NULL : mem;
    mem = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mem == MAP_FAILED ? NULL : mem;
}

void tc_free(void *mem, size_t n) {
    if (n < LARGE)
        free(mem);
    else
        munmap(mem, n);
}

void tc_fill(uint8_t *y, uint8_t *u, uint8_t *v, int sy, int sc, int w, int h, int cy, int cu, int cv) {
    SetPlane(y, sy, w, h, cy);
    SetPlane(u, sc, (w + 1) / 2, (h + 1) / 2, cu);
    SetPlane(v, sc, (w + 1) / 2, (h + 1) / 2, cv);
}

/* copy_plane has the rows to come fetched: they are in none of the near caches. */
static void copy_plane(uint8_t *restrict dst, int dst_stride, const uint8_t *restrict src, int stride, int w, int h) {
    for (int y = 0; y < h; y++, dst += dst_stride, src += stride) {
        const uint8_t *soon = y + 2 < h ? src + 2 * (ptrdiff_t)stride : src;
        int x = 0;
        for (; x + 64 <= w; x += 64) {
            __builtin_prefetch(soon + x);
            memcpy(dst + x, src + x, 64);
        }
        memcpy(dst + x, src + x, w - x);
    }
}

void tc_copy(uint8_t *dy, uint8_t *du, uint8_t *dv, int dsy, int dsc,
             const uint8_t *y, const uint8_t *u, const uint8_t *v, int sy, int sc, int w, int h) {
    copy_plane(dy, dsy, y, sy, w, h);
    copy_plane(du, dsc, u, sc, (w + 1) / 2, (h + 1) / 2);
    copy_plane(dv, dsc, v, sc, (w + 1) / 2, (h + 1) / 2);
}

__attribute__((optimize("O3"))) void tc_blend(uint8_t *restrict d, int stride, const uint8_t *restrict pix,
                                              const uint8_t *restrict keep, int stride_pix, int w, int h) {
    for (int y = 0; y < h; y++, d += stride, pix += stride_pix, keep += stride_pix)
        for (int x = 0; x < w; x++) {
            uint16_t v = d[x] * keep[x] + 128;
            v = (uint16_t)(v + (v >> 8)) >> 8;
            v += pix[x];
            d[x] = v > 255 ? 255 : v;
        }
}
