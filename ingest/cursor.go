package ingest

import (
	"maps"
	"slices"
	"time"
)

// cursor is the place in the mailbox while it moves, and what is known about
// mails that the server did not give. It does no I/O.
type cursor struct {
	state State
	pace  Backoff
	// failed outlives a connection, because a mail that breaks the decoder
	// takes the connection with it.
	failed map[uint32]failedFetch
}

// failedFetch is the record of a UID that was asked for in vain.
type failedFetch struct {
	attempts int
	due      time.Time
}

// take starts from a stored state. Failures are forgotten when the UIDs are
// no longer the same.
func (c *cursor) take(s State) {
	if s.UIDValidity != c.state.UIDValidity || c.failed == nil {
		c.failed = map[uint32]failedFetch{}
	}
	c.state = s
	c.state.Holes = slices.Clone(s.Holes)
	slices.Sort(c.state.Holes)
}

// reset starts again in a mailbox with another validity.
func (c *cursor) reset(validity, mark uint32, holes []uint32) {
	c.state.UIDValidity, c.state.Mark, c.state.Holes = validity, mark, holes
	c.failed = map[uint32]failedFetch{}
}

// suspect says whether uid failed before. Such a UID is asked for alone, so
// that it cannot hold up others.
func (c *cursor) suspect(uid uint32) bool {
	_, ok := c.failed[uid]
	return ok
}

// fail records that uid was asked for in vain. The first time it is due again
// at once, alone; from then on with growing pauses.
func (c *cursor) fail(uid uint32, now time.Time) {
	f := c.failed[uid]
	f.attempts++
	f.due = now
	if f.attempts > 1 {
		f.due = now.Add(c.pace.after(f.attempts - 2))
	}
	c.failed[uid] = f
}

// advance moves the mark to the end of asked, the next UIDs of the mailbox in
// ascending order. Those that were not got become holes: large ones, which
// are still to be asked for, and failed ones. A mail that the mark has passed
// before, as the server gives mails in an order of its own, fills its hole.
func (c *cursor) advance(asked []uint32, got []Mail, large []uint32, now time.Time) {
	for _, m := range got {
		if m.UID <= c.state.Mark {
			c.fill(m.UID)
		}
	}
	for _, uid := range asked {
		if slices.ContainsFunc(got, func(m Mail) bool { return m.UID == uid }) {
			delete(c.failed, uid)
			continue
		}
		if !slices.Contains(large, uid) && !c.suspect(uid) { // a suspect was not asked for
			c.fail(uid, now)
		}
		c.state.Holes = append(c.state.Holes, uid)
	}
	if len(asked) > 0 {
		c.state.Mark = max(c.state.Mark, asked[len(asked)-1])
	}
}

// fill closes a hole.
func (c *cursor) fill(uid uint32) {
	delete(c.failed, uid)
	c.state.Holes = slices.DeleteFunc(slices.Clone(c.state.Holes), func(h uint32) bool { return h == uid })
}

// keep drops the holes that are no longer in the mailbox.
func (c *cursor) keep(exists func(uint32) bool) {
	c.state.Holes = slices.DeleteFunc(slices.Clone(c.state.Holes), func(uid uint32) bool { return !exists(uid) })
	maps.DeleteFunc(c.failed, func(uid uint32, _ failedFetch) bool { return !exists(uid) })
}

// dueHoles returns the holes to ask for now.
func (c *cursor) dueHoles(now time.Time) []uint32 {
	var due []uint32
	for _, uid := range c.state.Holes {
		if !c.failed[uid].due.After(now) {
			due = append(due, uid)
		}
	}
	return due
}

// untilHole returns how long it is until the next hole is due, at most d.
func (c *cursor) untilHole(now time.Time, d time.Duration) time.Duration {
	for _, uid := range c.state.Holes {
		d = min(d, c.failed[uid].due.Sub(now))
	}
	return max(d, 0)
}

// snapshot is the state as it may be handed to the sink.
func (c *cursor) snapshot() State {
	s := c.state
	s.Holes = slices.Clone(c.state.Holes)
	return s
}
