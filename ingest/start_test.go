package ingest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

const day = 24 * time.Hour

// stoppedClock shows one time. Its pauses are real.
type stoppedClock struct{ now time.Time }

func (c stoppedClock) Now() time.Time                       { return c.now }
func (stoppedClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// lastTwoWeeks reads what arrived in the 14 days before arrival.
func lastTwoWeeks(s mailServer) ingest.Options {
	o := s.options()
	o.Start = ingest.Start(14 * day)
	o.Clock = stoppedClock{arrival}
	return o
}

// appendAged delivers mails that arrived so long before arrival.
func appendAged(t *testing.T, s mailServer, ages ...time.Duration) {
	t.Helper()
	for i, age := range ages {
		s.appendAt(t, arrival.Add(-age), mail(i+1))
	}
}

func TestStartSomeTimeBack(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		appendAged(t, s, 20*day, 14*day+time.Second, 14*day, day, 15*day, 2*time.Hour, 100*day, 13*day)
		l := newLedger()
		o := lastTwoWeeks(s)
		w, stop := run(t, o, l)
		committed(t, l, 4)
		eventually(t, func() bool { return w.Health().Holes == 0 && l.now().Mark == 8 }, "nothing is left over")
		validity := l.now().UIDValidity
		require.True(t, l.has(validity, 3, 4, 6, 8))

		// What comes later is read, however old it says it is.
		s.appendAt(t, arrival.Add(-50*day), mail(9))
		committed(t, l, 5)
		require.True(t, l.has(validity, 3, 4, 6, 8, 9))
		l.requireKept(t)

		// A mailbox that is rebuilt is read in whole.
		s.rebuild(t)
		committed(t, l, 5+9)
		stop()
		require.True(t, l.has(l.now().UIDValidity, 1, 2, 3, 4, 5, 6, 7, 8, 9))
		l.requireKept(t)
	})
}

// The place outlives the watcher that found it: the next one reads the same
// mails, whatever the time is by then and whatever the start.
func TestStartSomeTimeBackGoesOnAfterARestart(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		appendAged(t, s, 20*day, 3*day, 2*day, 15*day, day)
		l := newLedger()
		l.onCommit = func(mails []ingest.Mail) {
			if len(mails) > 0 {
				l.set(func(l *ledger) { l.failing = errDiskFull })
			}
		}
		_, stop := run(t, lastTwoWeeks(s), l)
		eventually(t, func() bool { return l.now().Mark == 4 }, "the place is committed before any mail")
		stop()
		require.Zero(t, l.count())
		require.Equal(t, []uint32{2, 3}, l.now().Holes, "young ones among the old")

		l.set(func(l *ledger) { l.failing, l.onCommit = nil, nil })
		o := lastTwoWeeks(s)
		o.Start, o.Clock = ingest.Now, stoppedClock{arrival.Add(365 * day)}
		_, stop = run(t, o, l)
		committed(t, l, 3)
		stop()
		require.True(t, l.has(l.now().UIDValidity, 2, 3, 5))
		require.Empty(t, l.now().Holes)
		l.requireKept(t)
	})
}

func TestStartSomeTimeBackWhereNothingIsThatYoungOrOld(t *testing.T) {
	for name, tc := range map[string]struct {
		ages       []time.Duration
		mark, read uint32
	}{
		"empty":     {nil, 0, 0},
		"all old":   {[]time.Duration{20 * day, 15 * day, 30 * day}, 3, 0},
		"all young": {[]time.Duration{2 * day, 0, day}, 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			onServers(t, func(t *testing.T, s mailServer) {
				appendAged(t, s, tc.ages...)
				l := newLedger()
				_, stop := run(t, lastTwoWeeks(s), l)
				eventually(t, func() bool { return l.now().UIDValidity != 0 && l.now().Mark == tc.mark }, "placed")
				require.EqualValues(t, tc.read, l.count())
				s.appendAt(t, arrival, mail(9))
				committed(t, l, int(tc.read)+1)
				stop()
				l.requireKept(t)
			})
		})
	}
}

// A server dates mails in a zone of its own, and SEARCH goes by the date that
// it shows there.
func TestStartSomeTimeBackInOtherZones(t *testing.T) {
	s := standIn(t, mailbox.Options{})
	from := time.Date(2024, 2, 3, 0, 30, 0, 0, time.UTC)
	west, east := time.FixedZone("west", -11*60*60), time.FixedZone("east", 14*60*60)
	for _, when := range []time.Time{
		from.Add(-15 * time.Minute).In(east), // the day itself there, and too old
		from.Add(15 * time.Minute).In(west),  // the day before there, and young
		from.Add(-15 * time.Minute).In(west),
		from.Add(15 * time.Minute).In(east),
	} {
		s.appendAt(t, when, mail(1))
	}
	o := s.options()
	o.Start, o.Clock = ingest.Start(14*day), stoppedClock{from.Add(14 * day)}
	l := newLedger()
	_, stop := run(t, o, l)
	committed(t, l, 2)
	stop()
	require.True(t, l.has(l.now().UIDValidity, 2, 4))
	l.requireKept(t)
}

// A server that refuses to tell the dates is asked again: nothing is guessed.
func TestStartSomeTimeBackIsNotGuessed(t *testing.T) {
	s := standIn(t, mailbox.Options{})
	appendAged(t, s, 20*day, day)
	s.SetFaults(mailbox.Rule{Kind: mailbox.Status, Command: "FETCH", Limit: 3}, mailbox.Rule{Kind: mailbox.Reset, Command: "SEARCH", Limit: 3})
	l := newLedger()
	_, stop := run(t, lastTwoWeeks(s), l)
	committed(t, l, 1)
	stop()
	require.True(t, l.has(l.now().UIDValidity, 2))
	l.requireKept(t)
}
