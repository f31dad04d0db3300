package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

// Found is what a probe learned of a mailbox.
type Found struct {
	// Mails is the number of mails in the folder.
	Mails uint32
	// Idle says that the server announces mail by itself; without it mail is
	// found by polling.
	Idle bool
	// Flag is the flag that is set to committed mails, as the options ask for
	// it. It is empty where the options want none, and where the server does
	// not say that it can be set: some say so only to who may write.
	Flag string
	// Moves says that committed mails can be moved as the options ask for it.
	Moves bool
}

// Probe connects, logs in and opens the folder as a [Watcher] with these
// options would, but read-only, and disconnects. It takes no longer than
// CommandTimeout in all, and changes nothing, but a wrong password counts as
// one attempt at the account. A failure is an [*Error] or a mistake in the
// options.
func Probe(ctx context.Context, o Options) (Found, error) {
	w, err := New(o, nil)
	if err != nil {
		return Found{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, w.o.CommandTimeout, silence(w.o.CommandTimeout))
	defer cancel()
	s := &session{w: w, readOnly: true}
	defer s.close()
	selected, err := s.open(ctx)
	if err != nil {
		return Found{}, err
	}
	if o.Move != "" {
		err := s.do(ctx, fmt.Sprintf("look for folder %q", o.Move), func() error {
			_, err := s.client.Status(o.Move, &imap.StatusOptions{UIDNext: true}).Wait()
			return err
		})
		if err != nil {
			return Found{}, s.hintFolder(ctx, o.Move, err)
		}
	}
	return Found{Mails: selected.NumMessages, Idle: s.canIdle, Flag: string(s.marks.flag), Moves: s.marks.folder != ""}, nil
}

// LoginRefused says whether err is the refusal of a user and a password, which
// are not to be tried again soon: that could lock the account.
func LoginRefused(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.lane == laneLogin
}
