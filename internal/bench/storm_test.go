package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// connecting is how many requests a connect to Resilient takes: the session, the
// constants and the types.
const connecting = 3

// addRow and attachMail are how a counter calls the requests that add a row and
// an attachment.
const (
	addRow     = "POST row_data"
	attachMail = "POST attachments"
)

// measureAlerts measures the whole way of many alerts, each on a computer of
// its own: from the start of the daemon until the last endpoint row stands at
// the stand-in for Resilient.
func measureAlerts(tb testing.TB, s scale, got figures) {
	got["alerts_per_second"] = deliver(tb, s.alerts, settings{})
	got["alerts_per_second_attached"] = deliver(tb, s.alerts, settings{attach: true})
	got["alerts_per_second_postgres"] = deliver(tb, s.alerts, settings{postgres: true})
}

func deliver(tb testing.TB, n int, s settings) float64 {
	tb.Helper()
	fleet := sepm.Fleet(1, n)
	platform := soar.New(soar.Options{KeyField: true})
	server := count(platform)
	mail := realparts.Dovecot(tb)
	mail.Append(time.Time{}, alerts(n, fleet)...)
	fetchAll(tb, mail, n)
	s.soar, s.sepm = server, sepm.New(sepm.Options{Computers: fleet})
	d := newDaemon(tb, mail, s)
	d.run()
	took := d.until(func() bool { return server.of(addRow) >= n && (!s.attach || server.of(attachMail) >= n) })
	d.stop()
	requireEach(tb, platform, n)
	return float64(n) / took.Seconds()
}

// requireEach asserts that all is there once: a figure counts only then.
func requireEach(tb testing.TB, platform *soar.Server, n int) {
	tb.Helper()
	incidents := platform.Incidents()
	require.Len(tb, incidents, n)
	for _, inc := range incidents {
		require.Len(tb, inc.Rows, 1, inc.Name)
		require.Len(tb, inc.Artifacts, 6, inc.Name)
		require.Empty(tb, inc.Notes, inc.Name)
	}
}

// measureStorm counts the requests of many alerts on few computers of a large
// fleet.
func measureStorm(tb testing.TB, s scale, got figures) {
	fleet := sepm.Fleet(1, s.fleet)
	platform := soar.New(soar.Options{KeyField: true})
	soarHTTP, sepmHTTP := count(platform), count(sepm.New(sepm.Options{Computers: fleet}))
	mail := realparts.Dovecot(tb)
	step := s.fleet / s.computers // the computers stand all over the fleet
	var computers []sepm.Computer
	for i := range s.computers {
		computers = append(computers, fleet[i*step])
	}
	mail.Append(time.Time{}, alerts(s.storm, computers)...)
	d := newDaemon(tb, mail, settings{soar: soarHTTP, sepm: sepmHTTP})
	d.run()
	d.until(func() bool { return soarHTTP.of(addRow) >= s.storm })
	d.stop()
	requireEach(tb, platform, s.storm)
	got["sepm_requests_per_alert"] = float64(sepmHTTP.total()) / float64(s.storm)
	got["resilient_requests_per_incident"] = float64(soarHTTP.total()-connecting) / float64(s.storm)
}
