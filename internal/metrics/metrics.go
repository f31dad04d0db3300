// Package metrics holds what sepwatch measures of itself: each figure with
// its meaning, from which docs/metrics.md is generated, and the registry from
// which they are scraped.
//
// No label ever holds what a mail or a server said: the series are bounded by
// the configuration and the code.
package metrics

import (
	"cmp"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
)

//go:generate go test -run ^TestGenerated$ . -update

// Options say where the figures come from. All but Version are required.
type Options struct {
	// Version is the program's.
	Version string
	Now     func() time.Time
	// Mailboxes, Gates and Backlog are asked at each scrape, by several at
	// once, and answer in a bounded time.
	Mailboxes func() []Mailbox
	Gates     func() []pipeline.Gate
	Backlog   func() (ledger.Backlog, error)
}

// Mailbox is a mailbox that is watched.
type Mailbox struct {
	// Name is its name in the configuration.
	Name string
	ingest.Health
}

// Metrics are the figures of one daemon. Its methods are safe for concurrent
// use.
type Metrics struct {
	book *book
	observer
	requests
	updates
	reloads
}

// New makes the figures on a registry of their own.
func New(o Options) *Metrics {
	b := &book{registry: prometheus.NewRegistry()}
	m := &Metrics{book: b}
	b.section("From mail to incident")
	m.observer = newObserver(b)
	b.section("Mailboxes")
	askMailboxes(b, o)
	b.section("Tasks")
	askBacklog(b, o)
	b.section("Ledger")
	m.updates = newUpdates(b)
	b.section("SEPM and Resilient")
	m.requests = newRequests(b)
	askGates(b, o)
	b.section("Process")
	process(b, o)
	m.reloads = newReloads(b)
	return m
}

// maxScrapes is how many scrapes run at once; more are told to come later.
const maxScrapes = 4

// Handler serves the figures in the format that the scraper asks for.
func (m *Metrics) Handler(logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.book.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// One figure that fails does not hide the others.
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	})
}

func process(b *book, o Options) {
	b.gauge(figure{
		name: "sepwatch_build_info", labels: []string{"version", "goversion"}, unit: "1",
		help: "Always 1; the labels say which sepwatch this is and which Go built it.",
	}).WithLabelValues(cmp.Or(o.Version, "unknown"), runtime.Version()).Set(1)
	b.gauge(figure{
		name: "sepwatch_start_time_seconds", unit: "Unix time",
		help:  "When this sepwatch was started.",
		alert: "`changes(sepwatch_start_time_seconds[1h]) > 3`: it does not stay up.",
	}).WithLabelValues().Set(seconds(o.Now()))
	b.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// reloads are the figures about the configuration.
type reloads struct{ successful, at prometheus.Gauge }

func newReloads(b *book) reloads {
	return reloads{
		successful: b.gauge(figure{
			name: "sepwatch_config_last_reload_successful", unit: "1 or 0",
			help:  "Whether the configuration was good when it was last loaded. After a bad one the one before stays in use.",
			alert: "`sepwatch_config_last_reload_successful == 0`: what is written in the file is not what runs.",
		}).WithLabelValues(),
		at: b.gauge(figure{
			name: "sepwatch_config_last_reload_success_timestamp_seconds", unit: "Unix time",
			help: "When the configuration that is in use was loaded.",
		}).WithLabelValues(),
	}
}

// Reloaded tells that the configuration was loaded at a time, and is in use
// where ok says so.
func (r reloads) Reloaded(ok bool, at time.Time) {
	r.successful.Set(truth(ok))
	if ok {
		r.at.Set(seconds(at))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds is a time as Prometheus has it.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// since is an age in seconds, never below 0 where a clock was set back.
func since(now, then time.Time) float64 { return max(0, now.Sub(then).Seconds()) }
