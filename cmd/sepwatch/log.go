package main

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/sepwatch/sepwatch/internal/config"
)

// logger is one whose level and format a reload changes, also for the
// loggers that were made of it.
type logger struct {
	*slog.Logger
	level slog.LevelVar
	json  atomic.Bool
}

func newLog(w io.Writer, c config.Log) *logger {
	l := new(logger)
	l.use(c)
	opts := &slog.HandlerOptions{Level: &l.level}
	l.Logger = slog.New(logHandler{&l.json, slog.NewTextHandler(w, opts), slog.NewJSONHandler(w, opts)})
	return l
}

// use takes on a configuration.
func (l *logger) use(c config.Log) {
	l.level.Set(c.Level)
	l.json.Store(c.Format == config.LogJSON)
}

// logHandler keeps a handler of each format ready.
type logHandler struct {
	useJSON    *atomic.Bool
	text, json slog.Handler
}

func (h logHandler) now() slog.Handler {
	if h.useJSON.Load() {
		return h.json
	}
	return h.text
}

func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.now().Enabled(ctx, level)
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error { return h.now().Handle(ctx, r) }

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.useJSON, h.text.WithAttrs(attrs), h.json.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.useJSON, h.text.WithGroup(name), h.json.WithGroup(name)}
}
