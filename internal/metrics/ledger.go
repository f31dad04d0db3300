package metrics

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// updates are the figures about the ledger's commits.
type updates struct {
	duration *prometheus.HistogramVec
	failures prometheus.Counter
}

func newUpdates(b *book) updates {
	return updates{
		duration: b.histogram(figure{
			name: "sepwatch_ledger_commit_duration_seconds", unit: "seconds",
			help:  "How long commits to the ledger took, the wait for their turn included. Its count is that of the commits, failed ones too.",
			alert: "`histogram_quantile(0.99, rate(sepwatch_ledger_commit_duration_seconds_bucket[15m])) > 1`: a slow disk or database slows everything.",
		}, []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30}),
		failures: b.counter(figure{
			name: "sepwatch_ledger_commit_failures_total", unit: "commits",
			help:  "Commits to the ledger that failed. One that found its lease taken by another node is not among them.",
			alert: "`increase(sepwatch_ledger_commit_failures_total[15m]) > 0`: a full disk, a database that is away; the log says.",
		}).WithLabelValues(),
	}
}

// Updated tells of one commit to the ledger (see [ledger.Options.OnUpdate]).
func (u updates) Updated(d time.Duration, err error) {
	u.duration.WithLabelValues().Observe(d.Seconds())
	if err != nil && !errors.Is(err, ledger.ErrLeaseLost) {
		u.failures.Inc()
	}
}

func askBacklog(b *book, o Options) {
	b.ask(func(set []setter) {
		up, pieces, tasks, age := set[0], set[1], set[2], set[3]
		backlog, err := o.Backlog()
		up(truth(err == nil))
		if err != nil {
			return // figures of some time ago would pass for those of now
		}
		pieces(float64(backlog.PiecesParked))
		for kind, t := range backlog.Tasks {
			tasks(float64(t.Due), string(kind), "due")
			tasks(float64(t.Waiting), string(kind), "waiting")
			tasks(float64(t.Leased), string(kind), "leased")
			tasks(float64(t.Parked), string(kind), "parked")
			oldest := 0.0
			if !t.Oldest.IsZero() {
				oldest = since(o.Now(), t.Oldest)
			}
			age(oldest, string(kind))
		}
	}, figure{
		name: "sepwatch_ledger_up", unit: "1 or 0",
		help:  "Whether the ledger gave the figures of this section in time. They are left out where it did not, and are otherwise at most 5 seconds old.",
		alert: "`sepwatch_ledger_up == 0` for 5 minutes.",
	}, figure{
		name: "sepwatch_pieces_parked", unit: "pieces",
		help:  "Artifacts, notes and rows that Resilient refused for good.",
		alert: "`sepwatch_pieces_parked > 0`: a person decides.",
	}, figure{
		name: "sepwatch_tasks", labels: []string{"kind", "state"}, unit: "tasks",
		help:  "Tasks that are not done, by kind (read a mail, deliver an incident, respond with an action) and state: due, waiting for their time, leased to a worker, or parked until a person retries them.",
		alert: "`sepwatch_tasks{state=\"parked\"} > 0`: a person decides.",
	}, figure{
		name: "sepwatch_task_oldest_due_age_seconds", labels: []string{"kind"}, unit: "seconds",
		help:  "How long the oldest task that is due or leased has been due; 0 where there is none. A task that failed is due anew at its next attempt.",
		alert: "`sepwatch_task_oldest_due_age_seconds > 300`: alerts wait.",
	})
}
