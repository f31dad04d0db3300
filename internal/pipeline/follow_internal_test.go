package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
)

// TestPollsOutlastNoLease: one whose lease ran out would be begun again, and
// again, and what it found be dropped every time.
func TestPollsOutlastNoLease(t *testing.T) {
	t.Parallel()
	entry := func(perMinute int) *enrich.Entry { return &enrich.Entry{Limits: enrich.Limits{PerMinute: perMinute}} }
	for _, test := range []struct {
		sepm   *enrich.Servers
		lasts  time.Duration // 4,000 requests
		atMost time.Duration
	}{
		{nil, 0, time.Hour},
		{&enrich.Servers{Entries: []*enrich.Entry{entry(0)}}, 0, time.Hour},
		{&enrich.Servers{Entries: []*enrich.Entry{entry(45)}}, 4000 * time.Minute / 34, 2 * time.Hour},
		{&enrich.Servers{Entries: []*enrich.Entry{entry(0), entry(8)}}, 4000 * time.Minute / 6, 12 * time.Hour},
	} {
		lease := followLease(&Settings{SEPM: test.sepm})
		require.GreaterOrEqual(t, lease, test.lasts)
		require.LessOrEqual(t, lease, test.atMost)
	}
}
