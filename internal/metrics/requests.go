package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests are the figures about requests to SEPM and Resilient.
type requests struct {
	count    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newRequests(b *book) requests {
	return requests{
		count: b.counter(figure{
			name: "sepwatch_requests_total", labels: []string{"system", "operation", "status"}, unit: "requests",
			help:  "Requests sent to SEPM and Resilient, by what they were for and the class of the HTTP status (2xx to 5xx), which is 0 where no answer came.",
			alert: "`sum by (system) (rate(sepwatch_requests_total{status=~\"0|4xx|5xx\"}[15m])) / sum by (system) (rate(sepwatch_requests_total[15m])) > 0.1`.",
		}),
		duration: b.histogram(figure{
			name: "sepwatch_request_duration_seconds", labels: []string{"system", "operation"}, unit: "seconds",
			help: "How long requests took, with their answers; those that got none count with the time that was waited.",
		}, []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}),
	}
}

// Request gives what is to be told of each request to a system: the
// operation's fixed name, the HTTP status (0 where there was no answer) and
// the time it took.
func (r requests) Request(system string) func(op string, status int, d time.Duration) {
	return func(op string, status int, d time.Duration) {
		class := "0"
		if status > 0 {
			class = strconv.Itoa(status/100) + "xx"
		}
		r.count.WithLabelValues(system, op, class).Inc()
		r.duration.WithLabelValues(system, op).Observe(d.Seconds())
	}
}

func askGates(b *book, o Options) {
	b.ask(func(set []setter) {
		open, failures := set[0], set[1]
		for _, g := range o.Gates() {
			open(truth(g.Failures == 0), g.System)
			failures(float64(g.Failures), g.System)
		}
	}, figure{
		name: "sepwatch_gate_open", labels: []string{"system"}, unit: "1 or 0",
		help:  "0 from the moment a system could not be used until it answers again. Meanwhile what is due for it waits, and nothing is lost.",
		alert: "`sepwatch_gate_open == 0` for 10 minutes: the log and /readyz say what is wrong.",
	}, figure{
		name: "sepwatch_gate_failures", labels: []string{"system"}, unit: "failures",
		help: "How often in a row a system could not be used.",
	})
}
