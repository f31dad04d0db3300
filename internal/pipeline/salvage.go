package pipeline

import (
	"context"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// salvageAfter is how often a commit may fail before its changes are tried
// one by one.
const salvageAfter = 3

// salvage commits changes one by one, so that one that the ledger refuses
// does not keep the others from being recorded. The refused one's task is
// parked with the reason. It returns the changes that could not be recorded
// because the ledger takes nothing at all.
func (s *stage) salvage(ctx context.Context, changes []change) (left []change) {
	for _, c := range changes {
		err := s.saveOne(ctx, c)
		if err == nil {
			continue
		}
		parked := change{outcome: ledger.Outcome{
			Task: c.outcome.Task, Park: true, Failed: true, Error: "the ledger refused its result: " + err.Error(),
		}}
		// The ledger works, and still refuses this one.
		if s.saveOne(ctx, change{}) == nil && s.saveOne(ctx, c) != nil && s.saveOne(ctx, parked) == nil {
			s.Logger.Error("result refused by the ledger; its task is parked",
				"stage", s.kind, "task", c.outcome.Task.ID, "key", c.outcome.Task.Key, "error", err)
			continue
		}
		left = append(left, c)
	}
	return left
}

func (s *stage) saveOne(ctx context.Context, c change) error {
	s.pulse.turned(s.Clock.Now(), stuckAfter)
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	var written saved
	err := s.Ledger.Update(ctx, func(tx ledger.Tx) (err error) {
		if c.outcome.Task.ID == 0 {
			_, err := tx.Counts() // does it answer?
			return err
		}
		written, err = save(tx, []change{c})
		return err
	})
	if err == nil {
		s.tell(written)
	}
	return err
}
