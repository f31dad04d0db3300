package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// startedBy is who starts an action by this program. Under sudo it is who
// called that, since sepwatch's own user may read the ledger alone.
func startedBy() string {
	name := os.Getenv("SUDO_USER")
	if name == "" {
		if who, err := user.Current(); err == nil {
			name = who.Username
		}
	}
	if name == "" {
		name = "somebody"
	}
	return "cli:" + name
}

// start starts the run, waits for its end, and prints what it has left.
func (s *actionStart) start(ctx context.Context, cmd *cobra.Command, c *config.Config, l *ledger.Ledger, input map[string]string) error {
	started := startedRun{ledger: l}
	key := s.Name + "\x1fcli\x1f" + rand.Text() // every start is one of its own
	err := l.Update(ctx, func(tx ledger.Tx) error {
		run, err := s.runOf(cmd, c, tx, input)
		if err != nil {
			return err
		}
		if started.before, err = versions(tx, s.incident); err != nil {
			return err
		}
		started.run = ledger.Run{Incident: s.incident, Key: key, Run: run, Status: ledger.RunWaiting}
		started.run.ID, err = tx.StartRun(started.run)
		return err
	})
	if err != nil {
		return err
	}
	look := fmt.Sprintf("\"sepwatch incident show -c %s %d\"", s.path, s.incident)
	if s.noWait {
		if !s.json {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "Run %d: %s is started; %s shows how it ends\n", started.run.ID, s.Name, look)
			return err
		}
		return started.print(ctx, cmd.OutOrStdout(), true)
	}
	say := func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch:", text) }
	end, err := awaitEnd(ctx, started.standing, say)
	if err != nil {
		return fmt.Errorf("%w: run %d goes on, and nobody waits for it any more; %s shows how it ends", err, started.run.ID, look)
	}
	return errors.Join(started.print(ctx, cmd.OutOrStdout(), s.json), end.failure(s.Name))
}

// startedRun is a run that was started here.
type startedRun struct {
	ledger *ledger.Ledger
	run    ledger.Run
	// before are the versions of the incident's pieces when it was started.
	before map[int64]int64
}

// versions are those of an incident's pieces, by the pieces' ids.
func versions(tx ledger.Tx, in int64) (map[int64]int64, error) {
	pieces, err := tx.Pieces([]int64{in})
	if err != nil {
		return nil, err
	}
	found := make(map[int64]int64, len(pieces))
	for _, p := range pieces {
		found[p.ID] = p.Version
	}
	return found, nil
}

// standing is where a run stands, with its task.
type standing struct {
	run  ledger.Run
	task ledger.TaskView
}

// failure is why the run has not come to a good end, nil where it has.
func (s standing) failure(action string) error {
	switch {
	case s.run.Status == ledger.RunFailed:
		return fmt.Errorf("%s failed: %s", action, visible(s.run.Error))
	case s.run.Status == ledger.RunWaiting:
		return fmt.Errorf("%s was given up: %s", action, visible(s.task.Error))
	}
	return nil
}

func (s startedRun) standing(ctx context.Context) (now standing, err error) {
	err = s.ledger.View(ctx, func(tx ledger.Tx) error {
		runs, err := tx.Runs([]int64{s.run.ID})
		if err != nil {
			return err
		}
		tasks, err := tx.TasksOf(ledger.TaskRespond, []int64{s.run.ID})
		if err != nil {
			return err
		}
		if len(runs) == 0 {
			return fmt.Errorf("run %d: %w", s.run.ID, ledger.ErrNotFound)
		}
		now = standing{runs[0], tasks[s.run.ID]}
		return nil
	})
	return now, err
}

const (
	// lookEvery is how often the ledger is asked for the end of a run.
	lookEvery = 250 * time.Millisecond
	// patience is after how long it is remarked that a run has not ended.
	patience = 10 * time.Second
)

// awaitEnd waits until a run has ended or was given up, and says what is in
// the way meanwhile. Its error is that it cannot, or that ctx has ended.
func awaitEnd(ctx context.Context, look func(context.Context) (standing, error), say func(string)) (standing, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	late := time.After(patience)
	problem := ""
	for {
		now, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return now, errors.New("interrupted")
		case err != nil:
			return now, err
		case now.run.Status != ledger.RunWaiting || now.task.Parked:
			return now, nil
		case now.task.Error != problem:
			if problem = now.task.Error; problem != "" {
				say("not yet, and it is tried again: " + visible(problem))
			}
		}
		select {
		case <-late:
			switch {
			case problem != "":
			case now.task.Epoch == 0:
				say("nobody has taken it up yet: it waits for a running \"sepwatch run\" on this ledger, and for SEPM where that cannot be asked")
			default:
				say("not yet: where SEPM cannot be used it waits for that; the daemon's log and /readyz say so")
			}
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// print prints the run and what it has left, as they are now.
func (s startedRun) print(ctx context.Context, out io.Writer, asJSON bool) error {
	ended, err := s.read(context.WithoutCancel(ctx)) // what has come to its end is told
	switch {
	case err != nil:
		return err
	case asJSON:
		return printJSON(out, ended)
	}
	return ended.print(out)
}
