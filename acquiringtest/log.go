package acquiringtest

import "log/slog"

// loggers write the same record in the forms of slog's own handlers.
func loggers() ([]*slog.Logger, *logBuffer) {
	b := &logBuffer{}
	return []*slog.Logger{slog.New(slog.NewTextHandler(b, nil)), slog.New(slog.NewJSONHandler(b, nil))}, b
}
