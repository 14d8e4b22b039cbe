/* What the C files of this package share among themselves. */
#ifndef TILECAST_AV_COMMON_H
#define TILECAST_AV_COMMON_H

#include <libavcodec/avcodec.h>

/* Between these the thread's log lines are gathered in err. */
void tc_log_begin(char *err);
void tc_log_end(void);
/* Puts "what: the code's meaning" in front of the log lines in err. */
void tc_explain(char *err, const char *what, int code);

/* Opens ctx with options (key=value lines); an option nobody knew is an error. */
int tc_open_with(AVCodecContext *ctx, const AVCodec *codec, const char *options, char *err);

#endif
