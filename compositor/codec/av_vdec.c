#include "av.h"
#include "av_common.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

static int open_decoder(tc_vdec *d, const AVCodec *codec, int64_t max_pixels, char *err) {
    avcodec_free_context(&d->ctx);
    d->ctx = avcodec_alloc_context3(codec);
    if (!d->ctx)
        return AVERROR(ENOMEM);
    d->ctx->thread_count = 1;
    d->ctx->flags |= AV_CODEC_FLAG_LOW_DELAY;
    d->ctx->max_pixels = max_pixels;
    return tc_open_with(d->ctx, codec, strcmp(codec->name, "libdav1d") ? "" : "max_frame_delay=1", err);
}

static int open_named(tc_vdec *d, const char *name, int64_t max_pixels, char *err) {
    const AVCodec *codec = avcodec_find_decoder_by_name(name);
    if (!codec) {
        char what[128];
        snprintf(what, sizeof what, "this libavcodec has no decoder %s", name);
        tc_explain(err, what, 0);
        return AVERROR_DECODER_NOT_FOUND;
    }
    return open_decoder(d, codec, max_pixels, err);
}

tc_vdec *tc_vdec_open(const char *names, int64_t max_pixels, char *err) {
    tc_vdec *d = av_mallocz(sizeof *d);
    if (!d)
        return NULL;
    d->pkt = av_packet_alloc();
    d->frame = av_frame_alloc();
    char list[128];
    snprintf(list, sizeof list, "%s", names);
    int ret = AVERROR(ENOMEM);
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name && ret < 0 && d->pkt && d->frame; name = strtok_r(NULL, ",", &rest)) {
        tc_log_begin(err);
        ret = open_named(d, name, max_pixels, err);
        tc_log_end();
    }
    if (ret >= 0)
        return d;
    tc_vdec_close(d);
    return NULL;
}

int tc_vdec_limit(tc_vdec *d, int64_t max_pixels) {
    char err[TC_ERR] = "";
    return open_decoder(d, d->ctx->codec, max_pixels, err);
}

int tc_vdec_reopen(tc_vdec *d) { return tc_vdec_limit(d, d->ctx->max_pixels); }

/* limited_601 reports whether f can be shown as it is: tagged BT.601 limited, or not at all. */
static int limited_601(const AVFrame *f) {
    if (f->format != AV_PIX_FMT_YUV420P || f->color_range == AVCOL_RANGE_JPEG)
        return 0;
    if (f->linesize[0] <= 0 || f->linesize[1] <= 0 || f->linesize[1] != f->linesize[2])
        return 0;
    return f->colorspace == AVCOL_SPC_UNSPECIFIED || f->colorspace == AVCOL_SPC_SMPTE170M ||
           f->colorspace == AVCOL_SPC_BT470BG || f->colorspace == AVCOL_SPC_RESERVED;
}

static void describe(tc_picture *p, AVFrame *f, int64_t at) {
    p->frame = f;
    p->y = f->data[0], p->u = f->data[1], p->v = f->data[2];
    p->stride_y = f->linesize[0], p->stride_c = f->linesize[1];
    p->w = f->width, p->h = f->height;
    p->convert = !limited_601(f);
    p->at = f->pts == AV_NOPTS_VALUE ? at : f->pts;
}

/* receive moves every picture that is ready to d->out. */
static int receive(tc_vdec *d, int64_t at, int *n) {
    for (;;) {
        int ret = avcodec_receive_frame(d->ctx, d->frame);
        if (ret == AVERROR(EAGAIN))
            return 0;
        if (ret < 0)
            return ret;
        if (d->frame->decode_error_flags || d->frame->flags & AV_FRAME_FLAG_CORRUPT || *n == TC_OUT)
            return AVERROR_INVALIDDATA;
        AVFrame *next = av_frame_alloc();
        if (!next)
            return AVERROR(ENOMEM);
        describe(&d->out[(*n)++], d->frame, at);
        d->frame = next;
    }
}

int tc_vdec_decode(tc_vdec *d, const uint8_t *data, int size, int64_t at, int key) {
    int n = 0;
    int ret = av_new_packet(d->pkt, size);
    if (ret < 0)
        return ret;
    memcpy(d->pkt->data, data, size);
    d->pkt->pts = d->pkt->dts = at;
    if (key)
        d->pkt->flags |= AV_PKT_FLAG_KEY;
    ret = avcodec_send_packet(d->ctx, d->pkt);
    av_packet_unref(d->pkt);
    if (ret >= 0)
        ret = receive(d, at, &n);
    if (ret >= 0)
        return n;
    while (n > 0)
        av_frame_free(&d->out[--n].frame);
    av_frame_unref(d->frame);
    avcodec_flush_buffers(d->ctx);
    return ret;
}

/* matrix is the swscale name of f's colour matrix. */
static int matrix(const AVFrame *f) {
    switch (f->colorspace) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_SMPTE240M:
    case AVCOL_SPC_BT2020_NCL:
        return f->colorspace;
    case AVCOL_SPC_BT2020_CL:
        return SWS_CS_BT2020;
    default:
        return SWS_CS_ITU601;
    }
}

static int full_range(const AVFrame *f) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(f->format);
    return f->color_range == AVCOL_RANGE_JPEG || (desc && (desc->flags & AV_PIX_FMT_FLAG_RGB)) ||
           f->format == AV_PIX_FMT_YUVJ420P || f->format == AV_PIX_FMT_YUVJ422P || f->format == AV_PIX_FMT_YUVJ444P;
}

/* The ranges are set before init: set later, swscale skips them at 1:1. */
static struct SwsContext *open_sws(const int key[5]) {
    struct SwsContext *s = sws_alloc_context();
    if (!s)
        return NULL;
    const int *to = sws_getCoefficients(SWS_CS_ITU601);
    int ok = av_opt_set_int(s, "srcw", key[0], 0) >= 0 && av_opt_set_int(s, "srch", key[1], 0) >= 0 &&
             av_opt_set_int(s, "dstw", key[0], 0) >= 0 && av_opt_set_int(s, "dsth", key[1], 0) >= 0 &&
             av_opt_set_int(s, "src_format", key[2], 0) >= 0 && av_opt_set_int(s, "dst_format", AV_PIX_FMT_YUV420P, 0) >= 0 &&
             av_opt_set_int(s, "src_range", key[3], 0) >= 0 && av_opt_set_int(s, "dst_range", 0, 0) >= 0 &&
             av_opt_set_int(s, "sws_flags", SWS_BILINEAR | SWS_ACCURATE_RND, 0) >= 0 && sws_init_context(s, NULL, NULL) >= 0;
    if (ok)
        sws_setColorspaceDetails(s, sws_getCoefficients(key[4]), key[3], to, 0, 0, 1 << 16, 1 << 16);
    if (!ok)
        sws_freeContext(s), s = NULL;
    return s;
}

int tc_vdec_convert(tc_vdec *d, AVFrame *f, uint8_t *y, uint8_t *u, uint8_t *v, int stride_y, int stride_c) {
    int key[5] = {f->width, f->height, f->format, full_range(f), matrix(f)};
    if (!d->sws || memcmp(key, d->sws_key, sizeof key)) {
        sws_freeContext(d->sws);
        d->sws = open_sws(key);
        if (!d->sws)
            return AVERROR(EINVAL);
        memcpy(d->sws_key, key, sizeof key);
    }
    uint8_t *const dst[4] = {y, u, v};
    const int stride[4] = {stride_y, stride_c, stride_c};
    int ret = sws_scale(d->sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, dst, stride);
    return ret < 0 ? ret : 0;
}

void tc_frame_free(AVFrame *f) { av_frame_free(&f); }

void tc_vdec_close(tc_vdec *d) {
    sws_freeContext(d->sws);
    av_frame_free(&d->frame);
    av_packet_free(&d->pkt);
    avcodec_free_context(&d->ctx);
    av_free(d);
}
