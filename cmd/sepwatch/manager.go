package main

import (
	"context"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-systemd/v22/daemon"
)

// manager is the service manager (systemd) as far as it listens: it gets
// notices of what the daemon does (sd_notify(3)).
type manager struct{ logger *slog.Logger }

// ready says that the start or a reload has ended.
func (m manager) ready(status string) { m.tell(daemon.SdNotifyReady, statusLine(status)) }

func (m manager) reloading() {
	// The time is for Type=notify-reload.
	m.tell(daemon.SdNotifyReloading, strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n"), statusLine("reloads the configuration"))
}

func (m manager) stopping() {
	m.tell(daemon.SdNotifyStopping, statusLine("stops: requests under way come to their end"))
}

// statusLine keeps a text to its line: the next one would be another notice.
func statusLine(text string) string {
	return "STATUS=" + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

func (m manager) tell(notice ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(notice, "\n")); err != nil {
		m.logger.Warn("the service manager did not take a notice", "notice", notice[0], "error", err)
	}
}

// watchdog tells the service manager until ctx ends that the daemon is alive,
// twice in each interval that it asks for, and says nothing while it is not:
// then it is started anew.
func (m manager) watchdog(ctx context.Context, alive func() error) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		m.logger.Warn("no notices to the watchdog", "error", err)
	}
	if interval == 0 {
		return
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := alive(); err != nil {
				m.logger.Error("no notice to the watchdog", "error", err)
				continue
			}
			m.tell(daemon.SdNotifyWatchdog)
		}
	}
}
