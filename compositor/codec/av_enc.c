#include "av.h"
#include "av_common.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/hwcontext.h>
#include <libyuv.h>

static tc_enc *alloc(void) {
    tc_enc *e = av_mallocz(sizeof *e);
    if (!e)
        return NULL;
    int ok = (e->frame = av_frame_alloc()) && (e->staging = av_frame_alloc());
    for (int i = 0; ok && i < TC_OUT; i++)
        ok = (e->pkt[i] = av_packet_alloc()) != NULL;
    if (!ok)
        tc_enc_close(e), e = NULL;
    return e;
}

/* context finds the encoder and gives e its codec context. */
static const AVCodec *context(tc_enc *e, const char *name, char *err) {
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    char what[128];
    if (!codec) {
        snprintf(what, sizeof what, "this libavcodec has no encoder %s", name);
        tc_explain(err, what, 0);
        return NULL;
    }
    e->ctx = avcodec_alloc_context3(codec);
    if (!e->ctx)
        return NULL;
    e->ctx->thread_count = 1;
    return codec;
}

static void rates(AVCodecContext *c, int64_t bit_rate, int64_t max_rate, int64_t buffer) {
    c->bit_rate = bit_rate;
    c->rc_max_rate = max_rate;
    c->rc_buffer_size = (int)buffer;
}

/* surfaces gives a VAAPI encoder a device and a pool of frames to upload into. */
static int surfaces(AVCodecContext *c, char *err) {
    AVBufferRef *device = NULL, *frames = NULL;
    int ret = av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_VAAPI, NULL, NULL, 0);
    if (ret >= 0 && !(frames = av_hwframe_ctx_alloc(device)))
        ret = AVERROR(ENOMEM);
    if (ret >= 0) {
        AVHWFramesContext *f = (AVHWFramesContext *)frames->data;
        f->format = AV_PIX_FMT_VAAPI;
        f->sw_format = AV_PIX_FMT_NV12;
        f->width = c->width;
        f->height = c->height;
        f->initial_pool_size = 8;
        ret = av_hwframe_ctx_init(frames);
    }
    if (ret >= 0) {
        c->hw_frames_ctx = frames;
        frames = NULL;
    } else
        tc_explain(err, "no VAAPI device", ret);
    av_buffer_unref(&frames);
    av_buffer_unref(&device);
    return ret;
}

/* stage prepares the picture in main memory that planes are copied to. */
static int stage(tc_enc *e) {
    if (!e->copy && e->input == TC_I420)
        return 0;
    e->staging->format = e->input == TC_I420 ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_NV12;
    e->staging->width = e->ctx->width;
    e->staging->height = e->ctx->height;
    return av_frame_get_buffer(e->staging, 0);
}

static int open_video(tc_enc *e, const tc_venc_config *cfg, char *err) {
    const AVCodec *codec = context(e, cfg->name, err);
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    AVCodecContext *c = e->ctx;
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_NV12, AV_PIX_FMT_VAAPI};
    c->pix_fmt = formats[cfg->input];
    c->width = cfg->w;
    c->height = cfg->h;
    c->time_base = (AVRational){cfg->rate_den, cfg->rate_num};
    c->framerate = (AVRational){cfg->rate_num, cfg->rate_den};
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->gop_size = cfg->gop;
    c->max_b_frames = 0;
    c->color_primaries = cfg->bt709 ? AVCOL_PRI_BT709 : AVCOL_PRI_SMPTE170M;
    c->color_trc = cfg->bt709 ? AVCOL_TRC_BT709 : AVCOL_TRC_SMPTE170M;
    c->colorspace = cfg->bt709 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    c->color_range = AVCOL_RANGE_MPEG;
    c->flags |= AV_CODEC_FLAG_CLOSED_GOP | AV_CODEC_FLAG_LOW_DELAY;
    if (cfg->global_header)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    rates(c, cfg->bit_rate, cfg->max_rate, cfg->buffer);
    e->input = cfg->input;
    e->copy = cfg->copy;
    int ret = cfg->input == TC_VAAPI ? surfaces(c, err) : 0;
    if (ret >= 0)
        ret = tc_open_with(c, codec, cfg->options, err);
    return ret < 0 ? ret : stage(e);
}

tc_enc *tc_venc_open(const tc_venc_config *cfg, char *err) {
    tc_enc *e = alloc();
    if (!e)
        return NULL;
    tc_log_begin(err);
    int ret = open_video(e, cfg, err);
    tc_log_end();
    if (ret < 0) {
        tc_enc_close(e);
        return NULL;
    }
    e->extra = e->ctx->extradata;
    e->extra_size = e->ctx->extradata_size;
    return e;
}

/* nobody frees memory that is only lent for one call. */
static void nobody(void *opaque, uint8_t *data) { (void)opaque, (void)data; }

/* lend makes e->frame the caller's planes themselves. */
static int lend(tc_enc *e, const uint8_t *y, const uint8_t *u, const uint8_t *v, int stride_y, int stride_c) {
    AVFrame *f = e->frame;
    f->format = AV_PIX_FMT_YUV420P;
    f->width = e->ctx->width;
    f->height = e->ctx->height;
    f->data[0] = (uint8_t *)y, f->data[1] = (uint8_t *)u, f->data[2] = (uint8_t *)v;
    f->linesize[0] = stride_y, f->linesize[1] = f->linesize[2] = stride_c;
    f->buf[0] = av_buffer_create(f->data[0], (size_t)stride_y * f->height, nobody, NULL, AV_BUFFER_FLAG_READONLY);
    return f->buf[0] ? 0 : AVERROR(ENOMEM);
}

/* upload makes e->frame a copy of the caller's planes, in the layout the encoder wants. */
static int upload(tc_enc *e, const uint8_t *y, const uint8_t *u, const uint8_t *v, int stride_y, int stride_c) {
    AVFrame *s = e->staging;
    int ret = av_frame_make_writable(s);
    if (ret < 0)
        return ret;
    if (e->input == TC_I420)
        I420Copy(y, stride_y, u, stride_c, v, stride_c, s->data[0], s->linesize[0], s->data[1], s->linesize[1],
                 s->data[2], s->linesize[2], s->width, s->height);
    else
        I420ToNV12(y, stride_y, u, stride_c, v, stride_c, s->data[0], s->linesize[0], s->data[1], s->linesize[1], s->width, s->height);
    if (e->input != TC_VAAPI)
        return av_frame_ref(e->frame, s);
    ret = av_hwframe_get_buffer(e->ctx->hw_frames_ctx, e->frame, 0);
    return ret < 0 ? ret : av_hwframe_transfer_data(e->frame, s, 0);
}

/* send passes on e->frame, or the wish to flush. */
static int send(tc_enc *e, int flush) {
    int ret = avcodec_send_frame(e->ctx, flush ? NULL : e->frame);
    av_frame_unref(e->frame);
    return flush && ret == AVERROR_EOF ? 0 : ret;
}

/* receive fills e->out with the packets that are ready; their number. */
static int receive(tc_enc *e) {
    int n = 0;
    while (n < TC_OUT) {
        AVPacket *p = e->pkt[n];
        int ret = avcodec_receive_packet(e->ctx, p);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            break;
        if (ret < 0)
            return ret;
        e->out[n++] = (tc_packet){p->data, p->size, p->flags & AV_PKT_FLAG_KEY, p->pts};
    }
    return n;
}

static int give(tc_enc *e, const uint8_t *y, const uint8_t *u, const uint8_t *v, int stride_y, int stride_c, int64_t pts, int key) {
    int own = e->copy || e->input != TC_I420;
    int ret = own ? upload(e, y, u, v, stride_y, stride_c) : lend(e, y, u, v, stride_y, stride_c);
    AVFrame *f = e->frame;
    f->pts = pts;
    f->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    f->color_primaries = e->ctx->color_primaries;
    f->color_trc = e->ctx->color_trc;
    f->colorspace = e->ctx->colorspace;
    f->color_range = AVCOL_RANGE_MPEG;
    f->sample_aspect_ratio = (AVRational){1, 1};
    return ret;
}

int tc_venc_encode(tc_enc *e, const uint8_t *y, const uint8_t *u, const uint8_t *v, int stride_y, int stride_c, int64_t pts, int key) {
    int ret = y ? give(e, y, u, v, stride_y, stride_c, pts, key) : 0;
    AVBufferRef *lent = NULL;
    if (ret >= 0 && y && !e->copy && e->input == TC_I420 && !(lent = av_buffer_ref(e->frame->buf[0])))
        ret = AVERROR(ENOMEM);
    if (ret >= 0)
        ret = send(e, !y);
    av_frame_unref(e->frame);
    if (ret >= 0)
        ret = receive(e);
    if (lent && av_buffer_get_ref_count(lent) > 1)
        ret = AVERROR_BUG; /* it kept what was lent: this encoder needs copy */
    av_buffer_unref(&lent);
    return ret;
}

void tc_venc_rate(tc_enc *e, int64_t bit_rate, int64_t max_rate, int64_t buffer) {
    rates(e->ctx, bit_rate, max_rate, buffer);
}

static int open_audio(tc_enc *e, const char *name, const char *options, int64_t bit_rate, int frame_size, int planar, int quality, char *err) {
    const AVCodec *codec = context(e, name, err);
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    AVCodecContext *c = e->ctx;
    c->sample_fmt = planar ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_FLT;
    c->sample_rate = 48000;
    c->time_base = (AVRational){1, 48000};
    c->bit_rate = bit_rate;
    c->global_quality = quality;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&c->ch_layout, 2);
    int ret = tc_open_with(c, codec, options, err);
    if (ret < 0)
        return ret;
    if (quality) /* not before: how much of the treble is kept depends on the rate */
        c->flags |= AV_CODEC_FLAG_QSCALE;
    if (c->frame_size != frame_size) {
        tc_explain(err, "the audio encoder wants another frame size", 0);
        return AVERROR(EINVAL);
    }
    AVFrame *f = e->staging;
    f->format = c->sample_fmt;
    f->sample_rate = c->sample_rate;
    f->nb_samples = frame_size;
    if ((ret = av_channel_layout_copy(&f->ch_layout, &c->ch_layout)) < 0)
        return ret;
    return av_frame_get_buffer(f, 0);
}

tc_enc *tc_aenc_open(const char *name, const char *options, int64_t bit_rate, int frame_size, int planar, int quality, char *err) {
    tc_enc *e = alloc();
    if (!e)
        return NULL;
    tc_log_begin(err);
    int ret = open_audio(e, name, options, bit_rate, frame_size, planar, quality, err);
    tc_log_end();
    if (ret < 0) {
        tc_enc_close(e);
        return NULL;
    }
    e->frame_size = frame_size;
    e->extra = e->ctx->extradata;
    e->extra_size = e->ctx->extradata_size;
    return e;
}

int tc_aenc_encode(tc_enc *e, const float *samples, int64_t pts, int64_t bit_rate) {
    int ret = 0;
    if (e->ctx->flags & AV_CODEC_FLAG_QSCALE)
        e->ctx->bit_rate = bit_rate;
    if (samples) {
        AVFrame *f = e->staging;
        if ((ret = av_frame_make_writable(f)) < 0)
            return ret;
        if (f->format == AV_SAMPLE_FMT_FLT)
            memcpy(f->data[0], samples, sizeof(float) * 2 * e->frame_size);
        else
            for (int i = 0; i < e->frame_size; i++)
                ((float *)f->data[0])[i] = samples[2 * i], ((float *)f->data[1])[i] = samples[2 * i + 1];
        f->pts = pts;
        ret = av_frame_ref(e->frame, f);
    }
    if (ret >= 0)
        ret = send(e, !samples);
    return ret < 0 ? ret : receive(e);
}

void tc_enc_close(tc_enc *e) {
    for (int i = 0; i < TC_OUT; i++)
        av_packet_free(&e->pkt[i]);
    av_frame_free(&e->frame);
    av_frame_free(&e->staging);
    avcodec_free_context(&e->ctx);
    av_free(e);
}
