package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/remote"
	"github.com/sepwatch/sepwatch/sepclient"
)

// Probe is what there is to say of one of the parts that a configuration
// names. Its texts are one printable line each.
type Probe struct {
	// Name is what was probed: mailbox, SEPM, Resilient or ledger; Target
	// says which one, as the configuration calls it.
	Name   string `json:"name"`
	Target string `json:"target"`
	// OK is whether sepwatch can work with it. If so, Found says what was
	// found; if not, Problem says what is wrong and Remedy what to do about it.
	OK      bool   `json:"ok"`
	Found   string `json:"found"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

// probing is a probe before it is made.
type probing struct {
	name, target string
	// address is where it is, empty where the target says that.
	address string
	// account, where it is not empty, is what is logged in to. Those that
	// share one are probed one after the other.
	account string
	// run returns what it found, within the time-out.
	run func(context.Context) (found string, err error)
}

// ProbeAll probes all parts that the configuration names, each within the
// time-out, and reports them in the configuration's order, each as soon as it
// is known. A system gets no wrong password twice, and nothing is changed
// anywhere.
func ProbeAll(ctx context.Context, c *config.Config, timeout time.Duration, report func(Probe)) {
	all := probings(c, timeout)
	accounts := map[string][]int{}
	made := make([]chan Probe, len(all))
	for i, p := range all {
		made[i] = make(chan Probe, 1)
		if p.account == "" {
			p.account = fmt.Sprint(i)
		}
		accounts[p.account] = append(accounts[p.account], i)
	}
	var running sync.WaitGroup
	for _, indexes := range accounts {
		running.Go(func() {
			var refused error
			for _, i := range indexes {
				found, err := "", refused
				if refused == nil {
					found, err = all[i].run(ctx)
				}
				if ingest.LoginRefused(err) || sepclient.LoginRefused(err) {
					refused = err
				}
				made[i] <- all[i].outcome(found, err)
			}
		})
	}
	for i := range made {
		report(<-made[i])
	}
	running.Wait()
}

func (p probing) outcome(found string, err error) Probe {
	problem, remedy := explain(err)
	switch {
	case err == nil && p.address != "":
		found = p.address + ", " + found
	case !strings.Contains(problem, p.address):
		problem = p.address + ": " + problem
	}
	return Probe{
		Name: p.name, Target: remote.Printable(p.target), OK: err == nil,
		Found: remote.Printable(found), Problem: remote.Printable(problem), Remedy: remote.Printable(remedy),
	}
}

// probings are the probes of a configuration, in its order.
func probings(c *config.Config, timeout time.Duration) []probing {
	within := func(run func(context.Context) (string, error)) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return run(ctx)
		}
	}
	var all []probing
	for _, m := range c.Mailboxes {
		all = append(all, probing{
			name: "mailbox", target: m.Name, address: m.URL.Address(), account: m.URL.User + " at " + m.URL.Address(),
			run: func(ctx context.Context) (string, error) { return probeMailbox(ctx, m, timeout) },
		})
	}
	for _, m := range c.SEPM {
		all = append(all, probing{
			name: "SEPM", target: m.Name, address: m.URL, account: m.Username + " at " + m.URL,
			run: within(func(ctx context.Context) (string, error) { return probeSEPM(ctx, m, timeout) }),
		})
	}
	return append(all,
		probing{name: "Resilient", target: c.Resilient.Org, address: c.Resilient.URL, run: within(func(ctx context.Context) (string, error) {
			return probeResilient(ctx, c.Resilient, timeout, len(c.SEPM) > 0)
		})},
		probing{name: "ledger", target: ledgerPlace(c.Ledger), run: within(func(ctx context.Context) (string, error) {
			return probeLedger(ctx, c)
		})})
}

// misfit is a part that answers and that sepwatch cannot work with.
type misfit struct{ problems, remedies []string }

func (m *misfit) Error() string { return strings.Join(m.problems, "; ") }

// add notes one thing that is wrong.
func (m *misfit) add(problem, remedy string) {
	m.problems = append(m.problems, problem)
	m.remedies = append(m.remedies, remedy)
}

// err is m as an error, nil where nothing is wrong.
func (m *misfit) err() error {
	if len(m.problems) == 0 {
		return nil
	}
	return m
}

// explain parts an error into what is wrong and what to do about it.
func explain(err error) (problem, remedy string) {
	var (
		mailbox *ingest.Error
		request *remote.Error
		flaw    *ledger.Flaw
		unfit   *misfit
	)
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &mailbox):
		return fmt.Sprintf("%s: %v", mailbox.Doing, mailbox.Err), mailbox.Hint
	case errors.As(err, &request):
		return request.Problem(), request.Hint
	case errors.As(err, &flaw):
		return flaw.Problem, flaw.Hint
	case errors.As(err, &unfit):
		return unfit.Error(), strings.Join(unfit.remedies, "; ")
	}
	return err.Error(), ""
}

// silent is the log of a probe, whose outcome says it all.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
