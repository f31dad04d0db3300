package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/sepclient"
)

// Rehearsal is how a run would begin.
type Rehearsal struct {
	incident.Step
	// Requests are those that the step's call would send.
	Requests []sepclient.Withheld
}

// Rehearse decides the first step of a run on an incident as the pipeline
// would. It asks SEPM, and changes nothing there; warn is as for [WithSEPM].
func Rehearse(ctx context.Context, c *config.Config, l *ledger.Ledger, a enrich.Action, run incident.Run, on int64, warn func(error)) (Rehearsal, error) {
	at := slices.IndexFunc(c.SEPM, func(m config.SEPM) bool { return m.Name == run.Server })
	if at < 0 {
		return Rehearsal{}, fmt.Errorf("no SEPM named %q is configured under sepm", run.Server)
	}
	entry := c.SEPM[at]
	var r Rehearsal
	dry := func(w sepclient.Withheld) { r.Requests = append(r.Requests, w) }
	err := withSEPM(ctx, c, entry, dry, warn, func(client *sepclient.Client) (err error) {
		r.Step, err = a.Next(ctx, enrich.Plan{
			Server: enrich.Server{Reader: client, Limits: limits(entry), Name: entry.Name},
			Run:    run, Now: time.Now(),
			Case: func(ctx context.Context) (of enrich.Case, err error) {
				err = l.View(ctx, func(tx ledger.Tx) error {
					of, err = pipeline.CaseOf(tx, on)
					return err
				})
				return of, err
			},
		})
		if err != nil || r.Call == nil {
			return err
		}
		_, _, err = enrich.Send(ctx, client, *r.Call, false)
		if errors.Is(err, sepclient.ErrWithheld) {
			return nil
		}
		return err
	})
	return r, err
}
