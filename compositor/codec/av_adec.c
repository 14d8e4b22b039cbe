#include "av.h"
#include "av_common.h"

#include <stdio.h>
#include <string.h>

#include <libswresample/swresample.h>

enum { RATE = 48000, MAX_PAIRS = RATE }; /* no packet speaks longer than a second */

static int open_decoder(tc_adec *d, const char *name, const uint8_t *extra, int extra_size, char *err) {
    const AVCodec *codec = avcodec_find_decoder_by_name(name);
    if (!codec) {
        char what[128];
        snprintf(what, sizeof what, "this libavcodec has no decoder %s", name);
        tc_explain(err, what, 0);
        return AVERROR_DECODER_NOT_FOUND;
    }
    d->ctx = avcodec_alloc_context3(codec);
    if (!d->ctx)
        return AVERROR(ENOMEM);
    d->ctx->thread_count = 1;
    d->ctx->sample_rate = RATE;
    d->ctx->request_sample_fmt = AV_SAMPLE_FMT_FLT;
    d->ctx->flags |= AV_CODEC_FLAG_LOW_DELAY;
    av_channel_layout_default(&d->ctx->ch_layout, 2);
    if (extra_size > 0) {
        d->ctx->extradata = av_mallocz(extra_size + AV_INPUT_BUFFER_PADDING_SIZE);
        if (!d->ctx->extradata)
            return AVERROR(ENOMEM);
        memcpy(d->ctx->extradata, extra, extra_size);
        d->ctx->extradata_size = extra_size;
    }
    return tc_open_with(d->ctx, codec, "", err);
}

tc_adec *tc_adec_open(const char *names, const uint8_t *extra, int extra_size, char *err) {
    tc_adec *d = av_mallocz(sizeof *d);
    if (!d)
        return NULL;
    d->pkt = av_packet_alloc();
    d->frame = av_frame_alloc();
    char list[128];
    snprintf(list, sizeof list, "%s", names);
    int ret = AVERROR(ENOMEM);
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name && ret < 0 && d->pkt && d->frame; name = strtok_r(NULL, ",", &rest)) {
        avcodec_free_context(&d->ctx);
        tc_log_begin(err);
        ret = open_decoder(d, name, extra, extra_size, err);
        tc_log_end();
    }
    if (ret >= 0)
        return d;
    tc_adec_close(d);
    return NULL;
}

static int reserve(tc_adec *d, int pairs) {
    if (pairs > MAX_PAIRS)
        return AVERROR_INVALIDDATA;
    if (pairs <= d->cap)
        return 0;
    float *out = av_realloc(d->out, sizeof(float) * 2 * pairs);
    if (!out)
        return AVERROR(ENOMEM);
    d->out = out;
    d->cap = pairs;
    return 0;
}

/* resampler makes d->swr fit d->frame: to 48 kHz floats, mono staying mono so that
 * it can be doubled at its own level, everything else mixed to stereo. */
static int resampler(tc_adec *d) {
    AVFrame *f = d->frame;
    int key[3] = {f->format, f->sample_rate, f->ch_layout.nb_channels};
    if (d->swr && !memcmp(key, d->swr_key, sizeof key))
        return 0;
    swr_free(&d->swr);
    AVChannelLayout to;
    av_channel_layout_default(&to, key[2] == 1 ? 1 : 2);
    int ret = swr_alloc_set_opts2(&d->swr, &to, AV_SAMPLE_FMT_FLT, RATE, &f->ch_layout, f->format, f->sample_rate, 0, NULL);
    if (ret >= 0)
        ret = swr_init(d->swr);
    if (ret < 0)
        swr_free(&d->swr);
    memcpy(d->swr_key, key, sizeof key);
    return ret;
}

/* append adds d->frame to the n pairs in d->out; the new number. */
static int append(tc_adec *d, int n) {
    AVFrame *f = d->frame;
    int ret;
    if (f->nb_samples <= 0 || f->nb_samples > MAX_PAIRS || f->sample_rate <= 0)
        return AVERROR_INVALIDDATA;
    if (f->format == AV_SAMPLE_FMT_FLT && f->sample_rate == RATE && f->ch_layout.nb_channels == 2) {
        if ((ret = reserve(d, n + f->nb_samples)) < 0)
            return ret;
        memcpy(d->out + 2 * n, f->data[0], sizeof(float) * 2 * f->nb_samples);
        return n + f->nb_samples;
    }
    if ((ret = resampler(d)) < 0)
        return ret;
    int room = swr_get_out_samples(d->swr, f->nb_samples);
    if (room < 0 || (ret = reserve(d, n + room)) < 0)
        return room < 0 ? room : ret;
    float *to = d->out + 2 * n;
    int got = swr_convert(d->swr, (uint8_t *[]){(uint8_t *)to}, room, (const uint8_t **)f->extended_data, f->nb_samples);
    if (got < 0)
        return got;
    if (f->ch_layout.nb_channels == 1)
        for (int i = got - 1; i >= 0; i--)
            to[2 * i] = to[2 * i + 1] = to[i];
    return n + got;
}

int tc_adec_decode(tc_adec *d, const uint8_t *data, int size) {
    int n = 0;
    int ret = av_new_packet(d->pkt, size);
    if (ret < 0)
        return ret;
    memcpy(d->pkt->data, data, size);
    ret = avcodec_send_packet(d->ctx, d->pkt);
    av_packet_unref(d->pkt);
    while (ret >= 0) {
        ret = avcodec_receive_frame(d->ctx, d->frame);
        if (ret == AVERROR(EAGAIN))
            return n;
        if (ret >= 0)
            ret = n = append(d, n);
        av_frame_unref(d->frame);
    }
    avcodec_flush_buffers(d->ctx);
    return ret;
}

void tc_adec_close(tc_adec *d) {
    swr_free(&d->swr);
    av_frame_free(&d->frame);
    av_packet_free(&d->pkt);
    avcodec_free_context(&d->ctx);
    av_free(d->out);
    av_free(d);
}
