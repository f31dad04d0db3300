package enrich

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

const (
	// statusPage is how many endpoints SEPM gives in one answer about a command.
	statusPage = 200
	// A command is asked for after firstPoll, and less and less often up to
	// lastPoll. One that timed out is asked for every latePoll for lateFor.
	firstPoll, lastPoll = 10 * time.Second, 5 * time.Minute
	latePoll, lateFor   = 30 * time.Minute, 72 * time.Hour
	// lostAfter is how long SEPM has to know nothing of a command before that
	// counts: while it starts or is upgraded, it answers 404 too.
	lostAfter = time.Hour
)

// Followed is where a command stands.
type Followed struct {
	incident.Command
	Effects []incident.Effect
	// Next is when to ask again; zero where it has ended.
	Next time.Time
}

// Follow asks SEPM how a command stands, and says what that leaves on the
// incident: the same effects for the same state, however often it is asked.
// Others are commands of the same incident, as far as they are known: which was
// the last one on an endpoint decides what its row says.
func Follow(ctx context.Context, on Server, c incident.Command, now time.Time, others ...incident.Command) (Followed, error) {
	f, err := look(ctx, on, c, now, others)
	var forgotten *Mistake
	switch {
	case errors.As(err, &forgotten):
		return Lost(c, err, now), nil
	case err != nil:
		return Followed{}, err
	}
	next := f.next()
	if next.IsZero() || f.Progress.State != f.before.State {
		f.report = f.Progress.State != incident.CommandFollowed && f.news()
	}
	if f.report {
		f.Progress.Reported = f.Progress.Completed
	}
	return Followed{Command: f.Command, Effects: f.effects(), Next: next}, nil
}

// look asks SEPM how a command stands now. One that SEPM has told about and
// tells nothing about any more is a [*Mistake]: what was known of it stays.
func look(ctx context.Context, on Server, c incident.Command, now time.Time, others []incident.Command) (*follow, error) {
	excluded, named := make(map[string]bool, len(c.Others)), make(map[string]bool, len(c.Computers))
	for _, id := range c.Others {
		excluded[id] = true
	}
	for _, t := range c.Computers {
		named[t.ID] = true
	}
	f := &follow{
		Server: on, Command: c, others: others, before: c.Progress, progress: NewProgress(excluded),
		heard: make(map[string]heard), now: now,
	}
	ended := make(map[string]incident.EndpointResult)
	for _, id := range c.IDs {
		for s, err := range f.progress.Walk(ctx, on, id) {
			if err != nil {
				return nil, err
			}
			f.hear(s, named[s.ComputerID])
			if named[s.ComputerID] && s.State.Final() {
				ended[s.ComputerID] = f.heard[s.ComputerID].EndpointResult
			}
		}
	}
	f.Progress = f.counted(ended)
	if known := c.Progress.Total + c.Progress.Excluded; known > 0 && f.Progress.Total+f.Progress.Excluded == 0 {
		return nil, mistake("SEPM lists none of the %s of command %s any more", amount(known, "endpoint"), c.IDs[0])
	}
	return f, f.confirm(ctx)
}

// Lost is where a command stands that SEPM refuses to tell about. That is no
// end for a while, since SEPM may not know a command yet that it has just
// taken, and may not answer for what it knows while it starts.
func Lost(c incident.Command, err error, now time.Time) Followed {
	heard := c.Started
	if c.Progress.Polled.After(heard) {
		heard = c.Progress.Polled
	}
	if silent := now.Sub(heard); silent < lostAfter {
		return Followed{Command: c, Next: now.Add(min(max(silent/4, firstPoll), lastPoll))}
	}
	effects := lostQuarantine(c)
	c.Progress.State, c.Progress.Polled = incident.CommandEnded, now
	effects = append(effects, incident.Effect{Note: &incident.Note{
		Key: "command lost: " + c.IDs[0],
		Text: fmt.Sprintf("<b>%s</b>: SEPM does not tell any more how the command %s stands, so its end is not known: %s",
			incident.EscapeHTML(c.Action), incident.EscapeHTML(c.IDs[0]), incident.EscapeHTML(err.Error())),
	}})
	if column := statusColumn(c.Kind); column != "" {
		for key := range rowsOf(c) {
			effects = append(effects, setCells(key, map[string]string{column: wordUnexpected}))
		}
	}
	return Followed{Command: c, Effects: effects}
}

// follow is one look at a command.
type follow struct {
	Server
	incident.Command
	others   []incident.Command
	before   incident.CommandProgress
	progress *Progress
	// heard is what the endpoints said that the command names, or that found
	// something, and isolation what SEPM was asked about now, by their ids;
	// latest is when one of all ended last.
	heard     map[string]heard
	isolation map[string]string
	latest    time.Time
	now       time.Time
	// report is whether it has come to an end, or to one for the time being,
	// that is to be told in a note and files.
	report bool
}

// heard is what an endpoint has said of a command.
type heard struct {
	incident.EndpointResult
	state sepclient.CommandState
	// whole is whether it told all that it found.
	whole  bool
	fileID string
}

// hear keeps what an endpoint says.
func (f *follow) hear(s sepclient.CommandStatus, named bool) {
	if s.State.Final() && s.Updated.After(f.latest) {
		f.latest = s.Updated
	}
	if !named && (s.Result == nil || len(s.Result.Matches) == 0) {
		return
	}
	f.heard[s.ComputerID] = heard{
		EndpointResult: endpointResult(s), state: s.State, whole: s.Result != nil && s.Result.Err == nil, fileID: s.FileID,
	}
}

// counted is the progress in the command's own terms.
func (f *follow) counted(ended map[string]incident.EndpointResult) incident.CommandProgress {
	c := f.progress.Counts()
	p := incident.CommandProgress{
		State: incident.CommandFollowed, Polled: f.now, Polls: f.before.Polls + 1, Reported: f.before.Reported,
		Pages: len(f.IDs) + (c.Total+c.Excluded)/statusPage,
		Total: c.Total, Waiting: c.Waiting, Running: c.Received + c.InProgress, Completed: c.Completed,
		Rejected: c.Rejected, Cancelled: c.Cancelled, Failed: c.Error, Excluded: c.Excluded,
		Matches: c.Matches, MatchedOn: c.Matched,
	}
	if len(ended) > 0 {
		p.Ended = ended
	}
	switch f.overall() {
	case StateCompleted:
		p.State = incident.CommandEnded
	case StateTimedout:
		p.State = incident.CommandTimedOut
	}
	return p
}

// deadline is when the command times out. Clients fetch commands when they
// report, so it leaves them time for that.
func (f *follow) deadline() time.Time {
	return f.Started.Add(max(f.ScanTimeout, 3*f.Heartbeat))
}

// overall is the state in the guide's words. SEPM's list moves while endpoints
// answer, and a walk over its pages may miss one: a list that has become shorter
// is no end until it has been read again.
func (f *follow) overall() OverallState {
	timedOut := !f.now.Before(f.deadline())
	state := f.progress.State(timedOut)
	c := f.progress.Counts()
	shorter := c.Total+c.Excluded < f.before.Total+f.before.Excluded
	switch {
	case state != StateCompleted || !shorter || f.before.State == incident.CommandEnded:
		return state
	case timedOut:
		return StateTimedout
	}
	return StateInProgress
}

// next is when to ask again, zero for never.
func (f *follow) next() time.Time {
	switch f.Progress.State {
	case incident.CommandEnded:
		if isQuarantine(f.Kind) && f.before.State != incident.CommandEnded && f.unconfirmed() > 0 {
			return f.now.Add(f.Heartbeat)
		}
		return time.Time{}
	case incident.CommandTimedOut:
		if f.now.Before(f.deadline().Add(lateFor)) {
			return f.now.Add(latePoll)
		}
		return time.Time{}
	}
	pause := min(max(f.now.Sub(f.Started)/4, firstPoll), lastPoll)
	if f.PerMinute > 0 {
		// Polls leave three quarters of the budget to others.
		pause = max(pause, time.Duration(f.Progress.Pages)*4*time.Minute/time.Duration(f.PerMinute))
	}
	if next := f.now.Add(pause); next.Before(f.deadline()) {
		return next
	}
	return f.deadline()
}

// news reports whether there is anything to report that was not.
func (f *follow) news() bool {
	return f.Progress.State != f.before.State || f.Progress.Completed != f.Progress.Reported
}

// effects are what the state leaves on the incident.
func (f *follow) effects() []incident.Effect {
	switch f.Kind {
	case incident.Quarantining, incident.Unquarantining, eitherQuarantine:
		return f.quarantine()
	case incident.Scanning:
		return f.scan()
	case incident.Remediation:
		return f.remediation()
	case incident.Upload:
		return f.upload()
	default:
		return f.plain()
	}
}

// plain tells the end of a command that finds nothing.
func (f *follow) plain() []incident.Effect {
	if !f.report {
		return nil
	}
	return f.end()
}

// note is a note on the end of the command. Its text is HTML.
func (f *follow) note(format string, args ...any) incident.Effect {
	return incident.Effect{Note: &incident.Note{
		Key:  fmt.Sprintf("command %s: %s, %d completed", f.IDs[0], f.Progress.State, f.Progress.Completed),
		Text: fmt.Sprintf(format, args...),
	}}
}

// summary says on how many endpoints the command has ended, and how.
func (f *follow) summary() string {
	p := f.Progress
	text := fmt.Sprintf("completed on %d of %s", p.Completed, amount(p.Total, "endpoint"))
	for _, part := range []struct {
		n    int
		what string
	}{
		{p.Waiting + p.Running, "have not answered"}, {p.Rejected, "rejected it"}, {p.Cancelled, "were cancelled"},
		{p.Failed, "failed"}, {p.Excluded, "others, not Windows, were not counted"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf("; %d %s", part.n, part.what)
		}
	}
	if p.State == incident.CommandTimedOut {
		text += fmt.Sprintf(". It timed out after %v; answers that come within %v still count", max(f.ScanTimeout, 3*f.Heartbeat), lateFor)
	}
	return text
}

// amount is a number of things in words.
func amount(n int, thing string) string {
	return amountOf(n, thing, thing+"s")
}

func amountOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// started is the command of a plan whose calls have started it.
func (p Plan) started(kind incident.CommandKind) *incident.Command {
	return &incident.Command{
		Kind: kind, IDs: commandIDs(p.Answers), Server: p.Run.Server, Action: p.Run.Action, By: p.By,
		Why: p.Input["reason"], Started: p.Answers[0].At, Progress: incident.CommandProgress{State: incident.CommandFollowed},
	}
}
