package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/resilient"
	"github.com/sepwatch/sepwatch/rules"
	"github.com/sepwatch/sepwatch/sepclient"
)

// settings are one snapshot of what the pipeline works with, and the clients
// that end with it.
type settings struct {
	pipeline.Settings
	sepm    *sepclient.Client
	lookups *enrich.Lookups // on sepm
}

func newSettings(c *config.Config, clock Clock, logger *slog.Logger) (*settings, error) {
	reader, accept, err := Reading(c)
	if err != nil {
		return nil, err
	}
	s := &settings{Settings: pipeline.Settings{Rules: accept, Read: reader.Read}}
	soar, err := resilient.New(resilient.Options{
		URL: c.Resilient.URL, ResourcePrefix: c.Resilient.ResourcePrefix, Org: c.Resilient.Org,
		KeyID: c.Resilient.APIKeyID, KeySecret: c.Resilient.APIKeySecret.Reveal(),
		RootCAs: pool(c.Resilient.CA), Timeout: c.Resilient.Timeout,
		Now: clock.Now, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	s.Resilient = soar
	if len(c.SEPM) == 0 {
		return s, nil
	}
	m := c.SEPM[0]
	s.sepm, err = sepclient.New(sepclient.Options{
		URL: m.URL, Username: m.Username, Password: m.Password.Reveal(), Domain: m.Domain,
		RootCAs: pool(m.CA), Timeout: m.Timeout, Now: clock.Now, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	s.lookups = enrich.NewLookups(s.sepm, clock)
	s.SEPM = s.lookups
	return s, nil
}

// Reading makes the reader and the rules of a configuration, which is all
// that reading a mail takes.
func Reading(c *config.Config) (*parse.Reader, *rules.Rules, error) {
	cidrs := make([]string, len(c.Whitelist.CIDRs))
	for i, prefix := range c.Whitelist.CIDRs {
		cidrs[i] = prefix.String()
	}
	whitelist, err := parse.NewWhitelist(cidrs, c.Whitelist.Domains)
	if err != nil {
		return nil, nil, fmt.Errorf("whitelist: %w", err)
	}
	return parse.NewReader(parse.Options{Whitelist: whitelist}),
		rules.New(rules.Options{From: c.Alerts.From, Subjects: c.Alerts.Subjects, Lookups: len(c.SEPM) > 0}), nil
}

// close ends the lookups and logs the clients out.
func (s *settings) close(ctx context.Context, logger *slog.Logger) {
	if s.sepm == nil {
		return
	}
	s.lookups.Close()
	if err := s.sepm.Close(ctx); err != nil {
		logger.Debug("SEPM log-out failed; the token runs out by itself", "error", err)
	}
}

func newWatcher(m config.Mailbox, sink ingest.Sink, opts Options) (*ingest.Watcher, error) {
	mode := ingest.Implicit
	if !m.URL.TLS {
		mode = ingest.None
	}
	return ingest.New(ingest.Options{
		Name: m.Name, Address: m.URL.Address(), TLS: mode,
		Username: m.URL.User, Password: m.Password.Reveal(), Folder: m.URL.Folder,
		RootCAs: pool(m.CA), Start: ingest.Start(m.Start),
		Flag: ingest.Flag(m.After.Flag), Move: m.After.Move,
		Poll: m.Poll, MaxSize: int64(m.MaxSize),
		Clock: opts.Clock, Logger: opts.Logger,
	}, sink)
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
