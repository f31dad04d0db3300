package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/metrics"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/resilient"
	"github.com/sepwatch/sepwatch/rules"
	"github.com/sepwatch/sepwatch/sepclient"
)

// settings are one snapshot of what the pipeline works with, and what it was
// made of.
type settings struct {
	pipeline.Settings
	config *config.Config
	// soar and sepm are the clients in Settings; sepm is nil without a SEPM.
	soar, sepm *client
}

// allowAll lets every call pass that an action makes: people start actions, and
// what rules start changes nothing.
func allowAll(incident.Run, incident.Call) error { return nil }

// client is a client of a remote system. Settings that say the same of the
// system share it, with its login; it is closed with the last of them.
type client struct {
	system string
	users  atomic.Int32
	close  func(context.Context) error
}

// newSettings makes settings of a configuration. Clients that it leaves as
// they were are those of before, which is nil at the start.
func newSettings(c *config.Config, before *settings, opts Options, figures *metrics.Metrics, l *ledger.Ledger) (*settings, error) {
	reader, accept, err := Reading(c)
	if err != nil {
		return nil, err
	}
	s := &settings{config: c}
	s.Rules, s.Read, s.MailboxLease = accept, reader.Read, mailboxLease(c.Mailboxes)
	s.AttachMail = pipeline.AttachMail(c.Resilient.AttachMail)
	s.Allow = allowAll
	if before != nil && len(config.Changed(before.config.Resilient, c.Resilient)) == 0 {
		s.Resilient, s.soar = before.Resilient, before.soar
	} else if err := s.newResilient(c.Resilient, opts, figures); err != nil {
		return nil, err
	}
	if before != nil && len(config.Changed(before.config.SEPM, c.SEPM)) == 0 && sameOrder(before.config.SEPM, c.SEPM) {
		s.SEPM, s.sepm = before.SEPM, before.sepm
	} else if err := s.newSEPM(c.SEPM, opts, figures, l); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *settings) newResilient(c config.Resilient, opts Options, figures *metrics.Metrics) error {
	o := resilientOptions(c, opts.Clock, opts.Logger)
	o.OnRequest = figures.Request("resilient")
	soar, err := resilient.New(o)
	if err != nil {
		return err
	}
	s.Resilient = soar
	s.soar = &client{system: "Resilient", close: soar.Close}
	return nil
}

func (s *settings) newSEPM(c []config.SEPM, opts Options, figures *metrics.Metrics, l *ledger.Ledger) error {
	if len(c) == 0 {
		return nil
	}
	var clients []*sepclient.Client
	var entries []*enrich.Entry
	var shared []*enrich.Lookups
	for _, m := range c {
		o := sepmOptions(m, opts.Clock, opts.Logger)
		o.OnRequest, o.Budget = figures.Request("sepm"), budget(m, opts, l)
		manager, err := sepclient.New(o)
		if err != nil {
			return fmt.Errorf("sepm[%s]: %w", m.Name, err)
		}
		clients = append(clients, manager)
		lookups := enrich.NewLookups(manager, opts.Clock)
		shared = append(shared, lookups)
		entries = append(entries, &enrich.Entry{
			Name: m.Name, Limits: Limits(m),
			Routine: lookups.Share(manager), Following: manager.In(sepclient.Following), Urgent: manager.In(sepclient.Urgent),
		})
	}
	choose, err := chooser(c)
	if err != nil {
		return err
	}
	s.SEPM = &enrich.Servers{Entries: entries, Choose: choose}
	s.sepm = &client{system: "SEPM", close: func(ctx context.Context) error {
		var errs []error
		for i, m := range clients {
			shared[i].Close()
			errs = append(errs, m.Close(ctx))
		}
		return errors.Join(errs...)
	}}
	return nil
}

// chooser says which entry an alert is looked up at, by its Domain and Server.
func chooser(c []config.SEPM) (func(domain, server string) string, error) {
	servers := make([]sepclient.Server, len(c))
	for i, m := range c {
		servers[i] = sepclient.Server{Name: m.Name, URL: m.URL, Domain: m.Domain}
	}
	choice, err := sepclient.NewServers(servers...)
	if err != nil {
		return nil, err
	}
	return func(domain, server string) string { return choice.Choose(domain, server).Name }, nil
}

// Limits are what actions and functions keep to at a SEPM.
func Limits(m config.SEPM) enrich.Limits {
	return enrich.Limits{
		Results: m.ResultsLimit, ScanTimeout: m.ScanTimeout, Heartbeat: m.Heartbeat, AllowGroupTargets: m.AllowGroupTargets,
		PerMinute: m.RequestsPerMinute, Timeout: m.Timeout,
	}
}

// budget is that of a SEPM, nil where it has no bound. Entries of one server
// share it.
func budget(m config.SEPM, opts Options, l *ledger.Ledger) sepclient.Budget {
	if m.RequestsPerMinute == 0 {
		return nil
	}
	server := m.URL
	if u, err := url.Parse(m.URL); err == nil {
		server = u.Host
	}
	return &pipeline.Budget{
		Ledger: l, Clock: opts.Clock, Logger: opts.Logger,
		Budget: ledger.Budget{Server: server, PerMinute: m.RequestsPerMinute},
	}
}

// sameOrder reports whether the managers stand in the same order, in which the
// first is the one that is asked.
func sameOrder(was, is []config.SEPM) bool {
	return slices.EqualFunc(was, is, func(a, b config.SEPM) bool { return a.Name == b.Name })
}

func resilientOptions(r config.Resilient, clock Clock, logger *slog.Logger) resilient.Options {
	return resilient.Options{
		URL: r.URL, ResourcePrefix: r.ResourcePrefix, Org: r.Org,
		KeyID: r.APIKeyID, KeySecret: r.APIKeySecret.Reveal(), Email: r.Email, Password: r.Password.Reveal(),
		Fields: r.Fields, CloseFields: r.CloseFields, RequestsPerMinute: r.RequestsPerMinute,
		RootCAs: pool(r.CA), Fingerprints: r.Fingerprints, AllowCNOnly: r.TLS.AllowCNOnly,
		Certificate: r.TLS.Certificate, Key: []byte(r.TLS.Key.Reveal()),
		Proxy: r.Proxy, Timeout: r.Timeout,
		Now: clock.Now, Logger: logger,
	}
}

func sepmOptions(m config.SEPM, clock Clock, logger *slog.Logger) sepclient.Options {
	return sepclient.Options{
		URL: m.URL, Username: m.Username, Password: m.Password.Reveal(), Domain: m.Domain,
		EscapeCredentials: m.EscapeCredentials,
		RootCAs:           pool(m.CA), Fingerprints: m.Fingerprints, AllowCNOnly: m.TLS.AllowCNOnly,
		Certificate: m.TLS.Certificate, Key: []byte(m.TLS.Key.Reveal()),
		Proxy: m.Proxy, Timeout: m.Timeout, Now: clock.Now, Logger: logger,
	}
}

// Reading makes the reader and the rules of a configuration, which is all
// that reading a mail takes.
func Reading(c *config.Config) (*parse.Reader, *rules.Rules, error) {
	entries := []parse.WhitelistEntries{{Networks: c.Whitelist.CIDRs, Domains: c.Whitelist.Domains}}
	for _, only := range c.Whitelist.Only {
		list := parse.WhitelistEntries{Networks: only.CIDRs, Domains: only.Domains}
		for _, t := range only.Types {
			list.Types = append(list.Types, incident.ArtifactType(t))
		}
		entries = append(entries, list)
	}
	whitelist, err := parse.NewWhitelist(entries...)
	if err != nil {
		return nil, nil, err
	}
	words := parse.English()
	for i, data := range c.Alerts.Labels {
		if words, err = words.With(c.Alerts.LabelsFile[i], data); err != nil {
			return nil, nil, fmt.Errorf("alerts.labels: %w", err)
		}
	}
	zone, err := parse.ParseZone(c.Alerts.TimeZone)
	if err != nil {
		return nil, nil, fmt.Errorf("alerts.time_zone: %w", err)
	}
	open := make([]parse.Kind, len(c.Alerts.Open))
	for i, kind := range c.Alerts.Open {
		open[i] = parse.Kind(kind)
	}
	return parse.NewReader(parse.Options{Whitelist: whitelist, Vocabulary: words, Zone: zone}),
		rules.New(rules.Options{
			From: c.Alerts.From, Subjects: c.Alerts.Subjects, Open: open, IgnoreUnknown: c.Alerts.Unknown == config.UnknownIgnore,
			Lookups: len(c.SEPM) > 0,
		}), nil
}

// mailboxLease outlasts two polls of the laziest watcher.
func mailboxLease(mailboxes []config.Mailbox) time.Duration {
	lease := 2 * time.Minute
	for _, m := range mailboxes {
		lease = max(lease, 2*m.Poll)
	}
	return lease
}

// pool makes the pool of trusted certificates; nil means the system's. The
// configuration has checked that the PEM holds one.
func pool(pem []byte) *x509.CertPool {
	if pem == nil {
		return nil
	}
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(pem)
	return p
}

// use puts settings in the place of the current ones, if there are any, whose
// clients are closed when no step works with them any more.
func (a *App) use(s *settings) {
	for _, c := range []*client{s.soar, s.sepm} {
		if c != nil {
			c.users.Add(1)
		}
	}
	if old := a.settings.Swap(s); old != nil {
		old.Retire(func() { a.running.Go(func() { a.leave(old) }) })
	}
}

// logoutTimeout is how long SEPM or Resilient may take for a log-out. A login
// that it did not end runs out by itself.
const logoutTimeout = 500 * time.Millisecond

// leave closes the clients of settings that no other settings share.
func (a *App) leave(s *settings) {
	ctx, cancel := context.WithTimeout(context.Background(), logoutTimeout)
	defer cancel()
	for _, c := range []*client{s.soar, s.sepm} {
		if c == nil || c.users.Add(-1) > 0 {
			continue
		}
		if err := c.close(ctx); err != nil {
			a.opts.Logger.Debug(c.system+" log-out failed; the login runs out by itself", "error", err)
		}
	}
}
