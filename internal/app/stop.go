package app

import (
	"fmt"
	"time"
)

// stopTimeout is how long a stop takes at most, whatever hangs. It is the sum
// of what the pipeline takes (8 s for the requests under way and 1 s to record
// what they did; the watchers release their mailboxes meanwhile), of
// logoutTimeout, and of a moment for the ledger to close: less than 10 s.
const stopTimeout = 9800 * time.Millisecond

// Stop ends the work, lets requests under way come to their end, and closes
// the clients and the ledger. An error says that something hung: it is left
// alone, and the process should end. What is not recorded then is looked up
// after the next start.
func (a *App) Stop() error {
	late := a.opts.Clock.After(stopTimeout)
	a.changing.Lock()
	if a.phase == started {
		a.end()
		for _, w := range a.watches {
			w.stop()
		}
	} else if a.server != nil && a.phase == made {
		a.server.close()
	}
	a.phase = stopping
	a.changing.Unlock()

	// Nobody waits for it when it is late: then it is stuck.
	ended := make(chan error, 1)
	go func() {
		a.running.Wait()
		a.backlog.wait()
		a.leave(a.settings.Load())
		ended <- a.ledger.Close()
	}()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("close the ledger: %w", err)
		}
		return nil
	case <-late:
		return fmt.Errorf("not all work has ended in %v: what was not recorded is looked up after the next start", stopTimeout)
	}
}
