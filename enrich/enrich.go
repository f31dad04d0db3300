// Package enrich holds the actions: what sepwatch looks up in SEPM, and does
// there, for an incident.
//
// An action is a resumable plan. It may read SEPM as it goes; every request
// that changes something it gives back as a call, to be guarded, recorded and
// sent by the pipeline, and it is asked again with the answer, until it gives
// its effects. It never writes to Resilient.
package enrich

import (
	"context"
	"iter"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// SEPM is what actions read. [sepclient.Client] implements it.
type SEPM interface {
	Computers(ctx context.Context, q sepclient.ComputerQuery) iter.Seq2[sepclient.Computer, error]
}

// Action is one thing that can be done for an incident.
type Action interface {
	// Def describes the action.
	Def() incident.ActionDef
	// Next says what the run needs next. It decides from the run alone, so
	// that a run goes on after a crash where its last answer was recorded.
	Next(ctx context.Context, sepm SEPM, run incident.Run, now time.Time) (incident.Step, error)
}

// Actions are all actions by name.
func Actions() map[string]Action {
	all := make(map[string]Action)
	for _, a := range []Action{endpointDetails{}} {
		all[a.Def().Name] = a
	}
	return all
}
