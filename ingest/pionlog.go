package ingest

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs sends what the WebRTC library has to say to our log, at debug level:
// what matters of it we learn from states and errors.
type pionLogs struct{ log *slog.Logger }

func (p pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{p.log.With("pion", scope)}
}

type pionLog struct{ log *slog.Logger }

func (pionLog) Trace(string)                   {}
func (pionLog) Tracef(string, ...any)          {}
func (pionLog) Debug(string)                   {}
func (pionLog) Debugf(string, ...any)          {}
func (pionLog) Info(string)                    {}
func (pionLog) Infof(string, ...any)           {}
func (l pionLog) Warn(msg string)              { l.log.Debug(msg) }
func (l pionLog) Warnf(f string, args ...any)  { l.log.Debug(fmt.Sprintf(f, args...)) }
func (l pionLog) Error(msg string)             { l.log.Debug(msg) }
func (l pionLog) Errorf(f string, args ...any) { l.log.Debug(fmt.Sprintf(f, args...)) }
