package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/postgres"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/resilient"
	"github.com/sepwatch/sepwatch/sepclient"
)

func probeMailbox(ctx context.Context, m config.Mailbox, timeout time.Duration) (string, error) {
	opts := mailboxOptions(m, systemClock{}, silent())
	opts.CommandTimeout = timeout
	found, err := ingest.Probe(ctx, opts)
	if err != nil {
		return "", err
	}
	says := []string{"folder " + m.URL.Folder, fmt.Sprintf("%d mails", found.Mails)}
	if found.Idle {
		says = append(says, "IDLE")
	} else {
		says = append(says, fmt.Sprintf("no IDLE, so it is looked at every %v", m.Poll))
	}
	switch {
	case m.After.Flag == config.FlagNone:
	case found.Flag == "":
		says = append(says, "whether mails can be flagged shows with the first one")
	case m.After.Flag == config.FlagAuto:
		says = append(says, fmt.Sprintf("keyword %s can be set", found.Flag))
	default:
		says = append(says, fmt.Sprintf("flag %s can be set", found.Flag))
	}
	if m.After.Move != "" {
		if !found.Moves {
			var unfit misfit
			unfit.add("the server cannot move mails: it has neither MOVE nor UIDPLUS", "leave after.move out")
			return "", unfit.err()
		}
		says = append(says, fmt.Sprintf("mails can be moved to %q", m.After.Move))
	}
	return strings.Join(says, ", "), nil
}

func probeSEPM(ctx context.Context, m config.SEPM, timeout time.Duration) (string, error) {
	opts := sepmOptions(m, systemClock{}, silent())
	opts.Timeout = min(opts.Timeout, timeout)
	client, err := sepclient.New(opts)
	if err != nil {
		return "", err
	}
	defer logOut(ctx, client.Close)
	found, err := client.Probe(ctx)
	if err != nil {
		return "", err
	}
	says := []string{"version " + found.Product}
	if found.Domain != "" {
		domain := "domain " + found.Domain
		if len(found.Domains) > 1 {
			domain += fmt.Sprintf(" (one of %s)", strings.Join(found.Domains, ", "))
		}
		says = append(says, domain)
	}
	if found.Role != "" {
		says = append(says, found.Role)
	}
	if found.Rights != nil {
		says = append(says, found.Rights.String())
	}
	if found.Computers < 0 {
		return strings.Join(append(says, "may list computers"), ", "), nil
	}
	return strings.Join(append(says, fmt.Sprintf("%d computers", found.Computers)), ", "), nil
}

// logOut logs out even where the time is up, but does not wait for longer.
func logOut(ctx context.Context, logout func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = logout(ctx) // the login runs out by itself
}

func probeResilient(ctx context.Context, r config.Resilient, timeout time.Duration, lookups bool) (string, error) {
	opts := resilientOptions(r, systemClock{}, silent())
	opts.Timeout = min(opts.Timeout, timeout)
	client, err := resilient.New(opts)
	if err != nil {
		return "", err
	}
	defer logOut(ctx, client.Close)
	found, err := client.Probe(ctx)
	if err != nil {
		return "", err
	}
	if err := unfitResilient(found, lookups); err != nil {
		return "", err
	}
	says := []string{fmt.Sprintf("org %s (%d)", found.OrgName, found.OrgID)}
	if found.Version != "" {
		says = append(says, "version "+found.Version)
	}
	if found.HasKeyField {
		says = append(says, "key field installed")
	} else {
		says = append(says, fmt.Sprintf("no key field %s, so the key stands in the description", incident.KeyField))
	}
	tables := len(incident.Tables())
	says = append(says, fmt.Sprintf("tables %d of %d", tables-len(found.Missing), tables))
	for _, f := range found.OpenOnClose {
		says = append(says, fmt.Sprintf("closing an incident takes %q (%s), which resilient.close_fields does not fill", f.Label, f.Name))
	}
	if found.MayCreate != nil {
		says = append(says, "may create incidents, whether it may edit them shows with the first one")
	} else {
		says = append(says, "whether it may create and edit incidents shows with the first one")
	}
	return strings.Join(says, ", "), nil
}

// unfitResilient says what keeps sepwatch from bringing incidents, and the
// rows of its lookups where there are any, to the organization.
func unfitResilient(found resilient.Found, lookups bool) error {
	var unfit misfit
	for _, u := range slices.Concat(found.Unfit, found.UnfitToClose) {
		unfit.add(u.Problem, u.Remedy)
	}
	if found.MayCreate != nil && !*found.MayCreate {
		unfit.add(found.Caller+" may not create incidents", `give it the permission "Other: Create Incidents"`)
	}
	for _, t := range found.Missing {
		if lookups && t.Name == incident.TableEndpoints {
			unfit.add(fmt.Sprintf("the data table %q (%s) is not installed, and its rows wait for it", t.Label, t.Name), "install the app fn_sep, which brings the tables")
		}
	}
	return unfit.err()
}

// ledgerPlace names the ledger without a password.
func ledgerPlace(l config.Ledger) string {
	if url := l.Postgres; url != "" {
		place, err := postgres.Place(url.Reveal())
		if err != nil {
			return "postgres" // the probe says why
		}
		return "postgres " + place
	}
	return "sqlite " + l.Path
}

func probeLedger(ctx context.Context, c *config.Config) (string, error) {
	found, held, err := inspectLedger(ctx, c)
	if err != nil {
		return "", err
	}
	switch {
	case found.Version == 0:
		return "it will be made at the first start", nil
	case found.Version < found.Known:
		return fmt.Sprintf("version %d, which the next start brings to %d%s", found.Version, found.Known, held), nil
	}
	return fmt.Sprintf("version %d, %d mails%s", found.Version, found.Mails, held), nil
}

// inspectLedger inspects the ledger; held says who has it, if anybody.
func inspectLedger(ctx context.Context, c *config.Config) (found ledger.Inspection, held string, err error) {
	if url := c.Ledger.Postgres; url != "" {
		node, err := nodeName("", c)
		if err != nil {
			return found, "", err
		}
		if found, err = postgres.Inspect(ctx, url.Reveal(), node); found.Held {
			held = fmt.Sprintf(", in use by a sepwatch that runs as node %s", node)
		}
		return found, held, err
	}
	if found, err = sqlite.Inspect(ctx, c.Ledger.Path); found.Held {
		held = ", in use by a sepwatch that runs"
	}
	return found, held, err
}
