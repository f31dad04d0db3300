package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/config"
)

// Level and format change for loggers that were made before.
func TestLogFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	l := newLog(&out, config.Log{Level: slog.LevelWarn, Format: config.LogText})
	derived := l.With("mailbox", "soc").WithGroup("g")
	derived.Info("unseen")
	derived.Warn("seen", "a", 1)
	l.use(config.Log{Level: slog.LevelDebug, Format: config.LogJSON})
	derived.Debug("seen too", "a", 2)
	lines := strings.Split(out.String(), "\n")
	require.Len(t, lines, 3)
	require.Contains(t, lines[0], `level=WARN msg=seen mailbox=soc g.a=1`)
	require.Contains(t, lines[1], `"level":"DEBUG","msg":"seen too","mailbox":"soc","g":{"a":2}}`)
}
