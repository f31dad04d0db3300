package ledger

import (
	"fmt"
	"time"
)

// Budget is how many requests a server may get, from all nodes together.
type Budget struct {
	// Server names it.
	Server string
	// PerMinute is how many it may get in any minute, at least 1.
	PerMinute int
}

// pace is the shape of a budget: so many requests at once, and then one after
// each interval.
type pace struct {
	burst    int
	interval time.Duration
}

// pace lets a fifth come at once. It takes that off the rest, so that no minute
// has more than PerMinute.
func (b Budget) pace() pace {
	burst := max(1, b.PerMinute/5)
	return pace{burst, interval(time.Minute / time.Duration(max(1, b.PerMinute-burst)))}
}

// most is the pace of those requests that nobody waits for in person: a quarter
// is kept for the others.
func (p pace) most() pace { return pace{max(1, p.burst*3/4), interval(p.interval * 4 / 3)} }

// interval is no shorter, and as the ledger stores it.
func interval(d time.Duration) time.Duration { return d.Truncate(time.Microsecond) + time.Microsecond }

// take is the moment up to which the pace is used up, after one request more at
// now, and where that is too early the moment from which it is not. (It is the
// generic cell rate algorithm.)
func (p pace) take(used, now time.Time) (until, again time.Time) {
	ahead := time.Duration(p.burst)*p.interval + time.Minute
	if used.Before(now) || used.After(now.Add(ahead)) { // the clock was put back
		used = now
	}
	until = used.Add(p.interval)
	if at := until.Add(-time.Duration(p.burst) * p.interval); at.After(now) {
		again = at
	}
	return until, again
}

// Spend takes one request from the budget. Where there is none left it changes
// nothing and returns when to ask again. Requests that a person waits for, or
// that contain an attack, come from the whole of it, others from three quarters.
func (tx Tx) Spend(b Budget, first bool) (again time.Time, err error) {
	anyAt, restAt, paused, err := tx.budget(b.Server)
	if err != nil {
		return time.Time{}, err
	}
	now := stored(tx.now)
	if paused.After(now) {
		return paused, nil
	}
	p := b.pace()
	anyAt, again = p.take(anyAt, now)
	if !first {
		var later time.Time
		if restAt, later = p.most().take(restAt, now); later.After(again) {
			again = later
		}
	}
	if !again.IsZero() {
		return again, nil
	}
	return time.Time{}, tx.setBudget(b.Server, anyAt, restAt, paused)
}

// Pause keeps every request from the server for a while: it has refused one.
// A pause that lasts longer already stays.
func (tx Tx) Pause(server string, d time.Duration) error {
	anyAt, restAt, paused, err := tx.budget(server)
	if err != nil {
		return err
	}
	if until := tx.now.Add(d); until.After(paused) {
		paused = until
	}
	return tx.setBudget(server, anyAt, restAt, paused)
}

func (tx Tx) budget(server string) (anyAt, restAt, paused time.Time, err error) {
	err = tx.query(`SELECT any_at, rest_at, paused FROM budget WHERE server = $1`, [][]any{{server}},
		func(_ int, row Row) error {
			var micros [3]int64
			err := row.Scan(&micros[0], &micros[1], &micros[2])
			anyAt, restAt, paused = timeOf(micros[0]), timeOf(micros[1]), timeOf(micros[2])
			return err
		})
	if err != nil {
		err = fmt.Errorf("read the budget of %q: %w", server, err)
	}
	return anyAt, restAt, paused, err
}

func (tx Tx) setBudget(server string, anyAt, restAt, paused time.Time) error {
	err := tx.query(`
		INSERT INTO budget (server, any_at, rest_at, paused) VALUES ($1, $2, $3, $4)
		ON CONFLICT (server) DO UPDATE
		SET any_at = excluded.any_at, rest_at = excluded.rest_at, paused = excluded.paused`,
		[][]any{{server, micros(anyAt), micros(restAt), micros(paused)}}, nil)
	if err != nil {
		return fmt.Errorf("write the budget of %q: %w", server, err)
	}
	return nil
}
