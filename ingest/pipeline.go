package ingest

import "context"

// pipeline commits one batch while the session fetches the next one, so two
// are in memory at most.
type pipeline struct {
	s *session
	// used is set once something was committed.
	used bool

	running chan error
	uids    []uint32
}

// submit waits for the batch before, and starts the commit of this one with
// the cursor as it is now. It has to be followed by wait.
func (p *pipeline) submit(ctx context.Context, mails []Mail) error {
	if err := p.wait(); err != nil {
		return err
	}
	p.used = true
	p.running = make(chan error, 1)
	for _, m := range mails {
		p.uids = append(p.uids, m.UID)
	}
	go func(done chan<- error, state State) {
		done <- p.s.commit(ctx, state, mails)
	}(p.running, p.s.w.cursor.snapshot())
	return nil
}

// wait waits for the running commit, and only then lets the mails be marked
// in the mailbox.
func (p *pipeline) wait() error {
	if p.running == nil {
		return nil
	}
	p.s.committing.Store(true)
	err := <-p.running
	p.s.committing.Store(false)
	p.running = nil
	if err == nil {
		p.s.committed = p.s.committed || len(p.uids) > 0
		p.s.w.unmarked = append(p.s.w.unmarked, p.uids...)
	}
	p.uids = p.uids[:0]
	return err
}
