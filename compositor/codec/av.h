/* A thin layer over libavcodec, on the API that FFmpeg 5.1 to 8 share.
 *
 * Who owns what: data that goes in belongs to the caller and is not kept. What
 * comes out, unless said otherwise, belongs to the object and lasts until the next
 * call on it. Each object is used by one thread at a time; frames may be freed by
 * any thread, also after their decoder. Errors are negative AVERROR codes, tc_open
 * functions put words into err (TC_ERR bytes) and return NULL. */
#ifndef TILECAST_AV_H
#define TILECAST_AV_H

#include <stdint.h>

struct AVFrame;

enum { TC_OUT = 16, TC_ERR = 512 };

/* Sends libav's log to the err of the tc_open call that it is about, else nowhere. */
void tc_log_init(void);
/* Describes an error code in buf, n bytes. */
void tc_strerror(int code, char *buf, int n);

/* --- video decoder --- */

typedef struct tc_picture {
    struct AVFrame *frame;   /* owned by the caller once tc_vdec_decode returned it */
    const uint8_t *y, *u, *v;
    int stride_y, stride_c, w, h;
    int convert;             /* not I420 BT.601 limited: tc_vdec_convert first */
    int64_t at;
} tc_picture;

typedef struct tc_vdec {
    tc_picture out[TC_OUT];
    struct AVCodecContext *ctx;
    struct AVPacket *pkt;
    struct AVFrame *frame;
    struct SwsContext *sws;
    int sws_key[5];          /* what sws was made for: w, h, format, range, matrix */
} tc_vdec;

/* names: decoders to try, separated by commas. */
tc_vdec *tc_vdec_open(const char *names, int64_t max_pixels, char *err);
/* Forgets everything about the stream, the colour tags of earlier parameter sets too. */
int tc_vdec_reopen(tc_vdec *d);
/* The same with another max_pixels. After an error only tc_vdec_close may follow. */
int tc_vdec_limit(tc_vdec *d, int64_t max_pixels);
/* Decodes one access unit; the number of pictures in d->out, whose frames are now
 * the caller's to free with tc_frame_free. After an error the decoder is flushed. */
int tc_vdec_decode(tc_vdec *d, const uint8_t *data, int size, int64_t at, int key);
/* Converts f to I420 BT.601 limited in the caller's planes, which have 64 bytes to
 * spare behind them, because swscale rounds rows up. f stays the caller's. */
int tc_vdec_convert(tc_vdec *d, struct AVFrame *f, uint8_t *y, uint8_t *u, uint8_t *v, int stride_y, int stride_c);
void tc_vdec_close(tc_vdec *d);
void tc_frame_free(struct AVFrame *f);

/* --- audio decoder: 48 kHz, stereo, interleaved floats --- */

typedef struct tc_adec {
    float *out;
    int cap;                 /* frames (pairs of samples) that out has room for */
    struct AVCodecContext *ctx;
    struct AVPacket *pkt;
    struct AVFrame *frame;
    struct SwrContext *swr;
    int swr_key[3];          /* what swr was made for: format, rate, channels */
} tc_adec;

tc_adec *tc_adec_open(const char *names, const uint8_t *extra, int extra_size, char *err);
/* The number of pairs in d->out. */
int tc_adec_decode(tc_adec *d, const uint8_t *data, int size);
void tc_adec_close(tc_adec *d);

/* --- encoders --- */

typedef struct tc_packet {
    const uint8_t *data;
    int size, key;
    int64_t pts;
} tc_packet;

enum { TC_I420, TC_NV12, TC_VAAPI }; /* how an encoder wants its pictures */

typedef struct tc_venc_config {
    const char *name;
    const char *options;     /* key=value lines */
    int w, h, rate_num, rate_den, gop, global_header, input;
    int bt709;               /* what pictures are coded in; else BT.601 */
    int copy;                /* the encoder may keep its input beyond the call */
    int64_t bit_rate, max_rate, buffer;
} tc_venc_config;

typedef struct tc_enc {
    tc_packet out[TC_OUT];
    struct AVCodecContext *ctx;
    struct AVFrame *frame;   /* what is sent */
    struct AVFrame *staging; /* video: an own copy or NV12 in main memory, where needed */
    struct AVPacket *pkt[TC_OUT];
    const uint8_t *extra;
    int extra_size, frame_size, input, copy;
} tc_enc;

tc_enc *tc_venc_open(const tc_venc_config *cfg, char *err);
/* Encodes a picture of the caller's, or with y == NULL flushes: call it until it
 * returns 0. The number of packets in e->out. */
int tc_venc_encode(tc_enc *e, const uint8_t *y, const uint8_t *u, const uint8_t *v, int stride_y, int stride_c, int64_t pts, int key);
/* From the next picture on, in encoders that can. */
void tc_venc_rate(tc_enc *e, int64_t bit_rate, int64_t max_rate, int64_t buffer);

/* planar: the encoder takes one plane per channel, not interleaved samples. quality: to hold, 0: it keeps to its bit rate itself. */
tc_enc *tc_aenc_open(const char *name, const char *options, int64_t bit_rate, int frame_size, int planar, int quality, char *err);
/* Encodes frame_size pairs of the caller's, or with samples == NULL flushes as above. bit_rate: for this
 * block, where a quality is held. */
int tc_aenc_encode(tc_enc *e, const float *samples, int64_t pts, int64_t bit_rate);
void tc_enc_close(tc_enc *e);

#endif
