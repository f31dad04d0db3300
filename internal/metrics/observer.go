package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/parse"
)

var _ pipeline.Observer = (*Metrics)(nil)

// lags are from what nobody notices to what everybody does.
func lags() []float64 {
	return []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}
}

// observer are the figures about what the pipeline does.
type observer struct {
	incidentLag *prometheus.HistogramVec
	mailLag     *prometheus.HistogramVec
	received    *prometheus.CounterVec
	read        *prometheus.CounterVec
	opened      *prometheus.CounterVec
	pieces      *prometheus.CounterVec
	runs        *prometheus.CounterVec
}

func newObserver(b *book) observer {
	o := observer{
		incidentLag: b.histogram(figure{
			name: "sepwatch_incident_lag_seconds", unit: "seconds",
			help:  "From the moment a mail was received, which is its commit in the ledger, until Resilient holds the incident that it opened. Its count is that of the incidents delivered.",
			alert: "`histogram_quantile(0.99, rate(sepwatch_incident_lag_seconds_bucket[15m])) > 60`. What has not arrived yet is not in it: see `sepwatch_task_oldest_due_age_seconds`.",
		}, lags()),
		mailLag: b.histogram(figure{
			name: "sepwatch_mail_lag_seconds", labels: []string{"mailbox"}, unit: "seconds",
			help: "From the mail's arrival at the mailbox server, by that server's clock and to the second, until it was received. Mail that was there before the first start counts with its age.",
		}, lags()),
		received: b.counter(figure{
			name: "sepwatch_mails_received_total", labels: []string{"mailbox"}, unit: "mails",
			help:  "New mails that were committed to the ledger.",
			alert: "`increase(sepwatch_mails_received_total[1d]) == 0` where SEPM sends mail every day: it may send no more.",
		}),
		read: b.counter(figure{
			name: "sepwatch_mails_read_total", labels: []string{"status", "kind"}, unit: "mails",
			help:  "Mails read, by what became of them (parsed, partial, unparsed, ignored, rejected, quarantined) and by the kind of SEPM's notification.",
			alert: "`increase(sepwatch_mails_read_total{status=~\"partial|unparsed|quarantined\"}[1h]) > 0`: mails that sepwatch does not understand, or could not read.",
		}),
		opened: b.counter(figure{
			name: "sepwatch_incidents_opened_total", unit: "incidents",
			help: "Incidents that mails opened in the ledger, to be delivered to Resilient.",
		}),
		pieces: b.counter(figure{
			name: "sepwatch_pieces_delivered_total", labels: []string{"kind"}, unit: "pieces",
			help: "Artifacts, notes and rows that Resilient took, with an incident's create or by themselves. A row that was updated counts again.",
		}),
		runs: b.counter(figure{
			name: "sepwatch_runs_total", labels: []string{"action", "status"}, unit: "runs",
			help:  "Actions that ended, done or failed.",
			alert: "`increase(sepwatch_runs_total{status=\"failed\"}[1h]) > 0`; the incident has a note that says why.",
		}),
	}
	// What has not happened is 0, so that the first time is an increase.
	o.opened.WithLabelValues()
	o.incidentLag.WithLabelValues()
	for _, kind := range []ledger.PieceKind{ledger.PieceArtifact, ledger.PieceNote, ledger.PieceRow} {
		o.pieces.WithLabelValues(string(kind))
	}
	return o
}

func (o observer) MailReceived(mailbox string, arrived, received time.Time) {
	o.received.WithLabelValues(mailbox).Inc()
	if !arrived.IsZero() {
		o.mailLag.WithLabelValues(mailbox).Observe(since(received, arrived))
	}
}

func (o observer) MailRead(status ledger.MailStatus, kind parse.Kind) {
	o.read.WithLabelValues(string(status), string(kind)).Inc()
}

func (o observer) IncidentsOpened(n int) { o.opened.WithLabelValues().Add(float64(n)) }

func (o observer) IncidentDelivered(after time.Duration) {
	o.incidentLag.WithLabelValues().Observe(max(0, after.Seconds()))
}

func (o observer) PieceDelivered(kind ledger.PieceKind) { o.pieces.WithLabelValues(string(kind)).Inc() }

func (o observer) RunEnded(action string, status ledger.RunStatus) {
	o.runs.WithLabelValues(action, string(status)).Inc()
}
