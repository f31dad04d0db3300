package ingest

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// Whatever a server gives, leaves out and expunges, in whatever order the
// watcher restarts: a mail that is in the mailbox and up to the mark was
// committed or is a hole, and never both.
func TestCursorLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cursor{pace: Backoff{time.Second, time.Minute}}
		c.take(State{UIDValidity: 1})
		now := epoch
		there, done := map[uint32]bool{}, map[uint32]bool{}
		next := uint32(1)
		stored := c.snapshot()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0: // mails arrive; UIDs may have gaps
				for range rapid.IntRange(1, 10).Draw(t, "arrive") {
					there[next] = true
					next += rapid.Uint32Range(1, 3).Draw(t, "gap")
				}
			case 1: // somebody expunges
				for _, uid := range above(there, 0) {
					if uid%3 == rapid.Uint32Range(0, 2).Draw(t, "expunge") {
						delete(there, uid)
					}
				}
			case 2: // a restart
				c = cursor{pace: c.pace}
				c.take(stored)
			case 3: // a hole is asked for
				for _, uid := range c.dueHoles(now) {
					if there[uid] && rapid.Bool().Draw(t, "given") {
						c.fill(uid)
						done[uid] = true
						stored = c.snapshot()
					} else {
						c.fail(uid, now)
					}
				}
			case 4: // the connection is lost over a mail
				if uids := above(there, c.state.Mark); len(uids) > 0 {
					c.fail(uids[0], now)
				}
			default: // a look and a batch
				c.keep(func(uid uint32) bool { return there[uid] })
				uids := above(there, c.state.Mark)
				uids = uids[:min(len(uids), 4)]
				var got []Mail
				var large []uint32
				for _, uid := range uids {
					switch {
					case c.suspect(uid):
					case rapid.Bool().Draw(t, "given"):
						got = append(got, Mail{UID: uid})
						done[uid] = true
					case rapid.Bool().Draw(t, "large"):
						large = append(large, uid)
					}
				}
				for _, uid := range c.snapshot().Holes { // given late, out of order
					if there[uid] && rapid.Bool().Draw(t, "late") {
						got = append(got, Mail{UID: uid})
						done[uid] = true
					}
				}
				c.advance(uids, got, large, now)
				stored = c.snapshot()
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)

			if !slices.IsSorted(stored.Holes) {
				t.Fatalf("holes are not ascending: %v", stored.Holes)
			}
			for uid := range there {
				hole := slices.Contains(stored.Holes, uid)
				if uid <= stored.Mark && done[uid] == hole {
					t.Fatalf("mail %d: committed %v, hole %v, state %+v", uid, done[uid], hole, stored)
				}
				if uid > stored.Mark && (done[uid] || hole) {
					t.Fatalf("mail %d above the mark: committed %v, hole %v", uid, done[uid], hole)
				}
			}
		}
	})
}

func above(there map[uint32]bool, mark uint32) []uint32 {
	uids := slices.Sorted(maps.Keys(there))
	return slices.DeleteFunc(uids, func(uid uint32) bool { return uid <= mark })
}

func TestFailedFetchIsDueLaterAndLater(t *testing.T) {
	c := cursor{pace: Backoff{10 * time.Second, 40 * time.Second}}
	c.take(State{UIDValidity: 1, Mark: 9, Holes: []uint32{5}})
	require.Equal(t, []uint32{5}, c.dueHoles(epoch), "after a restart at once")
	for _, want := range []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 40 * time.Second} {
		c.fail(5, epoch)
		require.Equal(t, want, c.untilHole(epoch, time.Hour))
		require.Empty(t, c.dueHoles(epoch.Add(want-1)))
		require.Equal(t, []uint32{5}, c.dueHoles(epoch.Add(want)))
	}
	require.Equal(t, time.Second, c.untilHole(epoch, time.Second), "at most as asked")
	c.take(State{UIDValidity: 2, Mark: 9, Holes: []uint32{5}})
	require.False(t, c.suspect(5), "another UID 5")
}

func TestSnapshotsAreIndependent(t *testing.T) {
	c := cursor{}
	c.take(State{UIDValidity: 1, Mark: 9, Holes: []uint32{5, 7}})
	before := c.snapshot()
	c.fill(5)
	c.advance([]uint32{10}, nil, nil, epoch)
	require.Equal(t, []uint32{5, 7}, before.Holes)
	require.Equal(t, []uint32{7, 10}, c.snapshot().Holes)
}

func TestQueueGivesUIDsAboveTheMark(t *testing.T) {
	for name, tc := range map[string]struct {
		ranges imap.UIDSet
		after  uint32
		want   []uint32
	}{
		"nothing":                       {},
		"the last mail though below n":  {ranges: imap.UIDSet{{Start: 9, Stop: 9}}, after: 9},
		"holes are not new":             {ranges: imap.UIDSet{{Start: 2, Stop: 3}, {Start: 8, Stop: 11}}, after: 9, want: []uint32{10, 11}},
		"in several pieces":             {ranges: imap.UIDSet{{Start: 1, Stop: 2}, {Start: 5, Stop: 5}, {Start: 7, Stop: 9}}, want: []uint32{1, 2, 5, 7, 8, 9}},
		"the end of the numbers":        {ranges: imap.UIDSet{{Start: ^imap.UID(0) - 1, Stop: ^imap.UID(0)}}, want: []uint32{^uint32(0) - 1, ^uint32(0)}},
		"nothing after the last number": {ranges: imap.UIDSet{{Start: 1, Stop: ^imap.UID(0)}}, after: ^uint32(0)},
	} {
		t.Run(name, func(t *testing.T) {
			q := uidQueue{ranges: tc.ranges, after: tc.after}
			var got []uint32
			for {
				uids := q.next(2)
				require.LessOrEqual(t, len(uids), 2)
				if len(uids) == 0 {
					break
				}
				got = append(got, uids...)
			}
			require.Equal(t, tc.want, got)
		})
	}
	hostile := uidQueue{ranges: imap.UIDSet{{Start: 1, Stop: ^imap.UID(0)}}}
	require.Len(t, hostile.next(512), 512, "a range is not spread out")
}

func TestBackoff(t *testing.T) {
	b := Backoff{time.Second, 5 * time.Second}
	for n, want := range []time.Duration{1, 2, 4, 5, 5} {
		require.Equal(t, want*time.Second, b.after(n))
	}
	require.Equal(t, 5*time.Second, b.after(1<<40), "and ends")
	l := lane{pace: b}
	for range 3 {
		l.next()
	}
	last := l.next()
	require.True(t, last >= 2500*time.Millisecond && last <= 5*time.Second, last)
	l.reset()
	require.LessOrEqual(t, l.next(), time.Second)
}
