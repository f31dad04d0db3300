package app

import (
	"context"
	"errors"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/sepclient"
)

// Rehearsal is how a run would begin.
type Rehearsal struct {
	incident.Step
	// Requests are those that the step's call would send.
	Requests []sepclient.Withheld
}

// Rehearse decides the first step of a run as the pipeline would; of is what
// the ledger holds of its incident. It asks SEPM, and changes nothing there;
// warn is as for [WithSEPM].
func Rehearse(ctx context.Context, c *config.Config, a enrich.Action, run incident.Run, of enrich.Case, warn func(error)) (Rehearsal, error) {
	entry, err := SEPMNamed(c, run.Server)
	if err != nil {
		return Rehearsal{}, err
	}
	var r Rehearsal
	dry := func(w sepclient.Withheld) { r.Requests = append(r.Requests, w) }
	err = withSEPM(ctx, c, entry, dry, warn, func(client *sepclient.Client) (err error) {
		r.Step, err = a.Next(ctx, enrich.Plan{
			Server: enrich.Server{Reader: client, Limits: Limits(entry), Name: entry.Name},
			Run:    run, Now: time.Now(),
			Case: func(context.Context) (enrich.Case, error) { return of, nil },
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
