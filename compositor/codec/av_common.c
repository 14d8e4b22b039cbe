#include "av.h"
#include "av_common.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/dict.h>
#include <libavutil/log.h>

static _Thread_local char *sink;

static void on_log(void *obj, int level, const char *fmt, va_list args) {
    if (!sink || level > AV_LOG_ERROR)
        return;
    (void)obj;
    char line[TC_ERR];
    vsnprintf(line, sizeof line, fmt, args);
    line[strcspn(line, "\r\n")] = 0;
    size_t have = strlen(sink);
    snprintf(sink + have, TC_ERR - have, "%s%s", have ? "; " : "", line);
}

void tc_log_init(void) { av_log_set_callback(on_log); }

void tc_log_begin(char *err) {
    err[0] = 0;
    sink = err;
}

void tc_log_end(void) { sink = NULL; }

void tc_strerror(int code, char *buf, int n) { av_strerror(code, buf, n); }

void tc_explain(char *err, const char *what, int code) {
    char lines[TC_ERR], meaning[128] = "";
    snprintf(lines, sizeof lines, "%s", err);
    if (code)
        av_strerror(code, meaning, sizeof meaning);
    int n = snprintf(err, TC_ERR, "%s%s%s", what, code ? ": " : "", meaning);
    if (lines[0] && n < TC_ERR)
        snprintf(err + n, TC_ERR - n, " (%s)", lines);
}

int tc_open_with(AVCodecContext *ctx, const AVCodec *codec, const char *options, char *err) {
    AVDictionary *dict = NULL;
    char what[TC_ERR];
    int ret = av_dict_parse_string(&dict, options, "=", "\n", 0);
    if (ret >= 0)
        ret = avcodec_open2(ctx, codec, &dict);
    if (ret < 0) {
        snprintf(what, sizeof what, "%s does not open", codec->name);
        tc_explain(err, what, ret);
    } else {
        const AVDictionaryEntry *left = av_dict_get(dict, "", NULL, AV_DICT_IGNORE_SUFFIX);
        if (left) {
            ret = AVERROR_OPTION_NOT_FOUND;
            err[0] = 0;
            snprintf(what, sizeof what, "%s has no option %s", codec->name, left->key);
            tc_explain(err, what, 0);
        }
    }
    av_dict_free(&dict);
    return ret;
}
