package pipeline

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// change is what a job leaves in the ledger. It is plain data, since the
// transaction that writes it may run more than once.
type change struct {
	outcome ledger.Outcome
	remotes []ledger.Remote
	pieces  []ledger.PieceResult
	settled []settlement
	intents []ledger.Intent
	runs    []ledger.Run
	put     []ledger.Piece
	rows    []ledger.IncidentRow
	started []ledger.Command
	follow  []ledger.Command
	want    []int64 // incidents to deliver
	// succeeded are incidents that people have closed or deleted in Resilient.
	succeeded []int64
	mails     []read
}

// settlement closes an intent with what came of it.
type settlement struct {
	intent  int64
	outcome string
}

// save writes changes in one transaction. Those whose task was taken over by
// another worker write nothing.
func save(tx ledger.Tx, changes []change) (saved, error) {
	if len(changes) == 0 {
		return saved{}, nil
	}
	outcomes := make([]ledger.Outcome, len(changes))
	for i, c := range changes {
		outcomes[i] = c.outcome
	}
	lost, err := tx.Finish(outcomes)
	if err != nil {
		return saved{}, err
	}
	var all change
	settled := make(map[string][]int64)
	for _, c := range changes {
		if lost[c.outcome.Task.ID] {
			continue
		}
		all.remotes = append(all.remotes, c.remotes...)
		all.pieces = append(all.pieces, c.pieces...)
		all.intents = append(all.intents, c.intents...)
		all.runs = append(all.runs, c.runs...)
		all.put = append(all.put, c.put...)
		all.rows = append(all.rows, c.rows...)
		all.started = append(all.started, c.started...)
		all.follow = append(all.follow, c.follow...)
		all.want = append(all.want, c.want...)
		all.succeeded = append(all.succeeded, c.succeeded...)
		all.mails = append(all.mails, c.mails...)
		for _, s := range c.settled {
			settled[s.outcome] = append(settled[s.outcome], s.intent)
		}
	}
	if err := all.write(tx, settled); err != nil {
		return saved{}, err
	}
	opened, err := keep(tx, all.mails)
	if err != nil {
		return saved{}, err
	}
	return saved{mails: all.mails, opened: opened}, tx.Want(ledger.TaskDeliver, all.want...)
}

// write writes all but the mails; settled are the settled intents by outcome.
func (c change) write(tx ledger.Tx, settled map[string][]int64) error {
	if err := tx.SetRemotes(c.remotes); err != nil {
		return err
	}
	if err := tx.SetPieces(c.pieces); err != nil {
		return err
	}
	for outcome, ids := range settled {
		if err := tx.SettleIntents(ids, outcome); err != nil {
			return err
		}
	}
	if _, err := tx.AddIntents(c.intents); err != nil {
		return err
	}
	if err := tx.SetRuns(c.runs); err != nil {
		return err
	}
	if err := tx.PutPieces(c.put); err != nil {
		return err
	}
	if err := tx.PutRows(c.rows); err != nil {
		return err
	}
	if err := tx.AddCommands(c.started); err != nil {
		return err
	}
	if err := tx.SetCommands(c.follow); err != nil {
		return err
	}
	return tx.Succeed(c.succeeded)
}

// guarded turns a panic in a job into a parked task, so that one poisoned
// record stops neither the others nor the daemon.
func (j job) guarded(ctx context.Context) (c change) {
	defer func() {
		if r := recover(); r != nil {
			c = change{outcome: ledger.Outcome{
				Task: j.task, Park: true, Failed: true,
				Error: fmt.Sprintf("panic: %v\n%s", r, debug.Stack()),
			}}
		}
	}()
	return j.do(ctx)
}
