package ingest

import (
	"context"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

// Probed is what a mailbox offers.
type Probed struct {
	// Messages is the number of mails in the folder.
	Messages uint32
	// Idle says that the server announces mail by itself; without it mail is
	// found by polling.
	Idle bool
	// Flags says that committed mails can be flagged, and Moves that they can
	// be moved, as the options ask for it.
	Flags, Moves bool
}

// Probe connects, logs in and opens the folder as a [Watcher] with these
// options would, changes nothing, and disconnects. A failure is an [*Error].
func Probe(ctx context.Context, o Options) (Probed, error) {
	w, err := New(o, nil)
	if err != nil {
		return Probed{}, err
	}
	s := &session{w: w}
	defer s.close()
	selected, err := s.open(ctx)
	if err != nil {
		return Probed{}, err
	}
	if o.Move != "" {
		err := s.do(ctx, fmt.Sprintf("look for folder %q", o.Move), func() error {
			_, err := s.client.Status(o.Move, &imap.StatusOptions{UIDNext: true}).Wait()
			return err
		})
		if err != nil {
			return Probed{}, s.hintFolder(ctx, o.Move, err)
		}
	}
	return Probed{Messages: selected.NumMessages, Idle: s.canIdle, Flags: s.marks.flag != "", Moves: s.marks.folder != ""}, nil
}
