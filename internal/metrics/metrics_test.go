package metrics

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/parse"
)

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// figures has a value for everything that is asked for.
func figures() Options {
	return Options{
		Version: "v1",
		Now:     func() time.Time { return now },
		Mailboxes: func() []Mailbox {
			return []Mailbox{
				{"soc", ingest.Health{Connected: true, LastRoundTrip: now.Add(-90 * time.Second), Holes: 2}},
				{"new", ingest.Health{}},
			}
		},
		Gates: func() []pipeline.Gate { return []pipeline.Gate{{System: "resilient"}, {System: "sepm", Failures: 3}} },
		Backlog: func() (ledger.Backlog, error) {
			return ledger.Backlog{PiecesParked: 7, Tasks: map[ledger.TaskKind]ledger.TaskBacklog{
				ledger.TaskDeliver: {Due: 1, Waiting: 2, Leased: 3, Parked: 4, Oldest: now.Add(-time.Minute)},
				ledger.TaskRead:    {},
			}}, nil
		},
	}
}

// filled has a value for everything else too.
func filled(o Options) *Metrics {
	m := New(o)
	m.MailReceived("soc", now.Add(-2*time.Second), now)
	m.MailReceived("soc", time.Time{}, now)
	m.MailReceived("soc", now.Add(time.Hour), now) // a clock that is ahead
	m.MailRead(ledger.MailParsed, parse.SingleRisk)
	m.IncidentsOpened(2)
	m.IncidentDelivered(700 * time.Millisecond)
	m.IncidentDelivered(-time.Second) // the clock was set back
	m.PieceDelivered(ledger.PieceRow)
	m.RunEnded("endpoint_details", ledger.RunFailed)
	m.Request("sepm")("list computers", 200, 20*time.Millisecond)
	m.Request("sepm")("list computers", 0, time.Second)
	m.Request("resilient")("create incident", 503, time.Second)
	m.Updated(time.Millisecond, nil)
	m.Updated(time.Millisecond, fmt.Errorf("take mailbox: %w", ledger.ErrLeaseLost))
	m.Updated(time.Second, errors.New("disk full"))
	m.Reloaded(true, now)
	m.Reloaded(false, now.Add(time.Hour))
	return m
}

// scrape gives the lines of sepwatch's own figures, without comments.
func scrape(t *testing.T, m *Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 200, w.Code)
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "sepwatch_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestValues(t *testing.T) {
	t.Parallel()
	lines := scrape(t, filled(figures()))
	for _, want := range []string{
		`sepwatch_incident_lag_seconds_bucket{le="0.5"} 1`,
		`sepwatch_incident_lag_seconds_bucket{le="1"} 2`,
		`sepwatch_incident_lag_seconds_count 2`,
		`sepwatch_mail_lag_seconds_bucket{mailbox="soc",le="0.05"} 1`,
		`sepwatch_mail_lag_seconds_bucket{mailbox="soc",le="2.5"} 2`,
		`sepwatch_mail_lag_seconds_count{mailbox="soc"} 2`,
		`sepwatch_mails_received_total{mailbox="soc"} 3`,
		`sepwatch_mails_read_total{kind="single_risk",status="parsed"} 1`,
		`sepwatch_incidents_opened_total 2`,
		`sepwatch_pieces_delivered_total{kind="artifact"} 0`,
		`sepwatch_pieces_delivered_total{kind="row"} 1`,
		`sepwatch_runs_total{action="endpoint_details",status="failed"} 1`,
		`sepwatch_mailbox_round_trip_age_seconds{mailbox="soc"} 90`,
		`sepwatch_mailbox_round_trip_age_seconds{mailbox="new"} 0`,
		`sepwatch_mailbox_connected{mailbox="soc"} 1`,
		`sepwatch_mailbox_connected{mailbox="new"} 0`,
		`sepwatch_mailbox_holes{mailbox="soc"} 2`,
		`sepwatch_ledger_up 1`,
		`sepwatch_pieces_parked 7`,
		`sepwatch_tasks{kind="deliver",state="due"} 1`,
		`sepwatch_tasks{kind="deliver",state="waiting"} 2`,
		`sepwatch_tasks{kind="deliver",state="leased"} 3`,
		`sepwatch_tasks{kind="deliver",state="parked"} 4`,
		`sepwatch_tasks{kind="read",state="parked"} 0`,
		`sepwatch_task_oldest_due_age_seconds{kind="deliver"} 60`,
		`sepwatch_task_oldest_due_age_seconds{kind="read"} 0`,
		`sepwatch_ledger_commit_duration_seconds_count 3`,
		`sepwatch_ledger_commit_failures_total 1`,
		`sepwatch_requests_total{operation="list computers",status="2xx",system="sepm"} 1`,
		`sepwatch_requests_total{operation="list computers",status="0",system="sepm"} 1`,
		`sepwatch_requests_total{operation="create incident",status="5xx",system="resilient"} 1`,
		`sepwatch_request_duration_seconds_count{operation="list computers",system="sepm"} 2`,
		`sepwatch_gate_open{system="resilient"} 1`,
		`sepwatch_gate_open{system="sepm"} 0`,
		`sepwatch_gate_failures{system="sepm"} 3`,
		`sepwatch_start_time_seconds 1.770091506e+09`,
		`sepwatch_config_last_reload_successful 0`,
		`sepwatch_config_last_reload_success_timestamp_seconds 1.770091506e+09`,
	} {
		require.Contains(t, lines, want)
	}
	require.Regexp(t, `(?m)^sepwatch_build_info\{goversion="go[^"]+",version="v1"\} 1$`, strings.Join(lines, "\n"))
}

// A ledger that does not answer is seen, and hides none of the other figures.
func TestBacklogFails(t *testing.T) {
	t.Parallel()
	o := figures()
	o.Backlog = func() (ledger.Backlog, error) { return ledger.Backlog{}, errors.New("no answer") }
	text := strings.Join(scrape(t, filled(o)), "\n")
	require.Contains(t, text, "sepwatch_ledger_up 0")
	require.NotContains(t, text, "sepwatch_tasks{")
	require.NotContains(t, text, "sepwatch_pieces_parked")
	require.Contains(t, text, "sepwatch_gate_open")
}

func TestNamesFollowPrometheus(t *testing.T) {
	t.Parallel()
	problems, err := testutil.GatherAndLint(filled(figures()).book.registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// TestEveryFigureIsDescribed holds the reference to what is scraped, and each
// figure to have a value in these tests.
func TestEveryFigureIsDescribed(t *testing.T) {
	t.Parallel()
	m := filled(figures())
	described := make(map[string]string) // kind by name
	for _, s := range m.book.sections {
		for _, e := range s.entries {
			require.NotContains(t, described, e.name)
			described[e.name] = e.kind
			require.NotEmpty(t, e.unit, e.name)
			require.Regexp(t, `\.$`, e.help, e.name)
			named := regexp.MustCompile(`sepwatch_[a-z_]+`).FindAllString(e.alert, -1)
			for _, name := range named {
				require.Contains(t, []string{e.name, e.name + "_bucket", "sepwatch_task_oldest_due_age_seconds"}, name)
			}
		}
	}
	families, err := m.book.registry.Gather()
	require.NoError(t, err)
	scraped := make(map[string]string)
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "sepwatch_") {
			scraped[f.GetName()] = strings.ToLower(f.GetType().String())
		}
	}
	require.Equal(t, described, scraped)
	all := slices.Collect(maps.Keys(scraped))
	require.Greater(t, len(all), 20)
}
