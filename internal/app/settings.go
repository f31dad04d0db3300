package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"

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
	sepm *sepclient.Client
}

func newSettings(c *config.Config, clock Clock, logger *slog.Logger) (*settings, error) {
	reader, accept, err := Reading(c)
	if err != nil {
		return nil, err
	}
	s := &settings{Settings: pipeline.Settings{Rules: accept, Read: reader.Read}}
	soar, err := resilient.New(resilientOptions(c.Resilient, clock, logger))
	if err != nil {
		return nil, err
	}
	s.Resilient = soar
	if len(c.SEPM) == 0 {
		return s, nil
	}
	s.sepm, err = sepclient.New(sepmOptions(c.SEPM[0], clock, logger))
	if err != nil {
		return nil, err
	}
	s.SEPM = s.sepm
	return s, nil
}

func resilientOptions(r config.Resilient, clock Clock, logger *slog.Logger) resilient.Options {
	return resilient.Options{
		URL: r.URL, ResourcePrefix: r.ResourcePrefix, Org: r.Org,
		KeyID: r.APIKeyID, KeySecret: r.APIKeySecret.Reveal(),
		RootCAs: pool(r.CA), Fingerprints: r.Fingerprints, Proxy: r.Proxy, Timeout: r.Timeout,
		Now: clock.Now, Logger: logger,
	}
}

func sepmOptions(m config.SEPM, clock Clock, logger *slog.Logger) sepclient.Options {
	return sepclient.Options{
		URL: m.URL, Username: m.Username, Password: m.Password.Reveal(), Domain: m.Domain,
		RootCAs: pool(m.CA), Fingerprints: m.Fingerprints, Proxy: m.Proxy,
		Timeout: m.Timeout, Now: clock.Now, Logger: logger,
	}
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

// close logs the clients out.
func (s *settings) close(ctx context.Context, logger *slog.Logger) {
	if s.sepm == nil {
		return
	}
	if err := s.sepm.Close(ctx); err != nil {
		logger.Debug("SEPM log-out failed; the token runs out by itself", "error", err)
	}
}

func mailboxOptions(m config.Mailbox, clock Clock, logger *slog.Logger) ingest.Options {
	mode := ingest.Implicit
	switch m.URL.Scheme {
	case config.IMAP:
		mode = ingest.StartTLS
	case config.IMAPInsecure:
		mode = ingest.None
	}
	return ingest.Options{
		Name: m.Name, Address: m.URL.Address(), TLS: mode,
		Username: m.URL.User, Password: m.Password.Reveal(), Folder: m.URL.Folder,
		RootCAs: pool(m.CA), Fingerprints: m.Fingerprints, Proxy: m.Proxy,
		Start: ingest.Start(m.Start),
		Flag:  ingest.Flag(m.After.Flag), Move: m.After.Move,
		Poll: m.Poll, MaxSize: int64(m.MaxSize),
		Clock: clock, Logger: logger,
	}
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
