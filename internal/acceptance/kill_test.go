package acceptance

import (
	"os"
	"testing"
	"time"

	"github.com/sepwatch/sepwatch/internal/realparts"
)

// TestKill delivers alerts while the daemon is killed with SIGKILL at random
// moments: every alert arrives, and once.
func TestKill(t *testing.T) {
	ledgers := map[string]struct {
		ledger func(t *testing.T) string
		// keyField is whether Resilient has the custom field; without it
		// incidents are found again by their marker.
		keyField bool
	}{
		"sqlite":   {func(*testing.T) string { return "path: ledger.db" }, true},
		"postgres": {func(t *testing.T) string { return `postgres: "` + realparts.Postgres(t) + `"` }, false},
	}
	rounds := 1
	if os.Getenv("SEPWATCH_SOAK") != "" {
		rounds = 10
	}
	for name, tt := range ledgers {
		t.Run(name, func(t *testing.T) {
			for range rounds {
				killTwentyTimes(t, tt.keyField, tt.ledger(t))
			}
		})
	}
}

func killTwentyTimes(t *testing.T, keyField bool, ledger string) {
	const alerts, kills = 500, 20
	w := newWorld(t, alerts, keyField, ledger)
	for i := range kills {
		w.run()
		// Mails arrive while it starts, works and dies.
		for _, c := range w.fleet[i*alerts/kills : (i+1)*alerts/kills] {
			w.mail.Append(time.Now(), alert(c))
			w.pause(20 * time.Millisecond)
		}
		w.pause(500 * time.Millisecond)
		w.kill()
	}
	w.finish()
	w.requireEachOnce()
}
