package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// watch catches up, and again each time that there is something to look for.
func (s *session) watch(ctx context.Context) error {
	announced := false
	for {
		if err := s.catchUp(ctx, announced); err != nil {
			return err
		}
		s.caughtUp = true
		var err error
		if announced, err = s.wait(ctx); err != nil {
			return err
		}
	}
}

// wait returns when the server announced mail (true), or when it is time to
// look (false).
func (s *session) wait(ctx context.Context) (bool, error) {
	o := &s.w.o
	d := s.w.cursor.untilHole(o.Clock.Now(), o.Poll)
	select {
	case <-s.announced:
		return true, nil
	default:
	}
	if !s.canIdle {
		return s.sleep(ctx, d)
	}
	var idle *imapclient.IdleCommand
	if err := s.do(ctx, "start IDLE", func() (err error) {
		idle, err = s.client.Idle()
		return err
	}); err != nil {
		if isStatus(err) {
			s.w.o.Logger.Warn("the server refuses IDLE: polling only", "error", err)
			s.canIdle = false
			return false, nil
		}
		return false, err
	}
	announced, err := s.sleep(ctx, min(d, o.IdleRestart))
	if err != nil {
		s.conn.Close() // ends the IDLE too
		idle.Close()
		return false, err
	}
	return announced, s.do(ctx, "end IDLE", func() error {
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	})
}

func (s *session) sleep(ctx context.Context, d time.Duration) (announced bool, err error) {
	select {
	case <-s.announced:
		return true, nil
	case <-s.w.o.Clock.After(d):
		return false, nil
	case <-s.client.Closed():
		return false, s.w.fail("wait for mail", errors.New("the server closed the connection"))
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
