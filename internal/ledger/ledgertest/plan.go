package ledgertest

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// Planner is an engine that says how it runs a statement.
type Planner struct {
	ledger.Engine
	// Run runs a statement past the ledger; Blob is the type of bytes in it.
	Run  func(statement string)
	Blob string
	// Explain gives the lines of a plan.
	Explain func(conn ledger.Conn, statement string, args []any) ([]string, error)
	// Scan and Sort match a line that reads a whole table, and one that sorts.
	Scan, Sort *regexp.Regexp
}

// ExercisePlans asks that looking into a big ledger costs what is looked at:
// a whole table is read only for a search in texts, and where a database may
// prefer that to many looks into an index, and only what is few is sorted.
func ExercisePlans(t *testing.T, planner Planner) {
	for _, statement := range many {
		planner.Run(strings.NewReplacer("{{blob}}", planner.Blob, "{{long}}", strings.Repeat("long ", 100)).Replace(statement))
	}
	planned := &planned{Planner: planner}
	l := ledger.Attach(planned, ledger.ReadOnly, ledger.Options{})
	page := ledger.Page{Before: 18_000, Limit: 50}
	for name, test := range map[string]struct {
		scans, sorts bool
		list         func(tx ledger.Tx) (int, error)
		found        int
	}{
		"mails": {false, false, mailsOf(ledger.MailFilter{}, page), 50},
		"mails of a span": {false, false, mailsOf(ledger.MailFilter{
			Since: time.Unix(16_000, 0), Until: time.Unix(17_500, 0)}, page), 50},
		"mails by words":     {true, true, mailsOf(ledger.MailFilter{Subject: "host-", From: "SEPM"}, page), 50},
		"quarantined mails":  {false, false, mailsOf(ledger.MailFilter{Status: ledger.MailQuarantined}, page), 17},
		"incidents":          {false, false, incidentsOf(ledger.IncidentFilter{}, page), 50},
		"open incidents":     {false, false, incidentsOf(ledger.IncidentFilter{Status: incident.Open}, page), 50},
		"incidents by event": {true, true, incidentsOf(ledger.IncidentFilter{Computer: "host-12345", Risk: "trojan"}, page), 1},
		"undelivered":        {true, false, incidentsOf(ledger.IncidentFilter{Undelivered: true}, page), 8},
		"parked incidents":   {false, true, incidentsOf(ledger.IncidentFilter{Parked: true}, page), 4},
		"tasks":              {false, true, tasksOf(ledger.TaskFilter{}), 30},
		"due tasks":          {false, true, tasksOf(ledger.TaskFilter{Due: true, Kind: ledger.TaskRead}), 5},
		"parked tasks":       {false, true, tasksOf(ledger.TaskFilter{Parked: true}), 15},
		"one incident's":     {false, true, one, 3},
		"commands":           {false, false, commandsOf(ledger.CommandFilter{}, page), 50},
		"open commands":      {false, false, commandsOf(ledger.CommandFilter{Open: true}, page), 17},
		"newest":             {false, false, func(tx ledger.Tx) (int, error) { n, err := tx.Newest(); return int(n.Task), err }, 60_000},
	} {
		planned.plans = nil
		require.Equal(t, test.found, view(t, l, test.list), name)
		require.NotEmpty(t, planned.plans)
		for _, plan := range planned.plans {
			for _, line := range plan {
				scans, sorts := planner.Scan.MatchString(line), planner.Sort.MatchString(line)
				require.False(t, scans && !test.scans || sorts && !test.sorts, "%s: %s\n%s", name, line, strings.Join(plan, "\n"))
			}
		}
	}
}

func mailsOf(f ledger.MailFilter, page ledger.Page) func(ledger.Tx) (int, error) {
	return func(tx ledger.Tx) (int, error) { mails, err := tx.ListMails(f, page); return len(mails), err }
}

func incidentsOf(f ledger.IncidentFilter, page ledger.Page) func(ledger.Tx) (int, error) {
	return func(tx ledger.Tx) (int, error) {
		incidents, err := tx.ListIncidents(f, page)
		return len(incidents), err
	}
}

func commandsOf(f ledger.CommandFilter, page ledger.Page) func(ledger.Tx) (int, error) {
	return func(tx ledger.Tx) (int, error) {
		commands, err := tx.ListCommands(f, page)
		return len(commands), err
	}
}

func tasksOf(f ledger.TaskFilter) func(ledger.Tx) (int, error) {
	return func(tx ledger.Tx) (int, error) {
		tasks, err := tx.ListTasks(f, ledger.Page{Limit: 50})
		return len(tasks), err
	}
}

// one reads what belongs to one incident.
func one(tx ledger.Tx) (int, error) {
	events, err := tx.NewestEvents(16_000, 50)
	if err != nil {
		return 0, err
	}
	if _, err := tx.FirstEvent(16_000); err != nil {
		return 0, err
	}
	runs, err := tx.RunsOf(16_000)
	if err != nil {
		return 0, err
	}
	if _, err := tx.CountPieces([]int64{16_000}); err != nil {
		return 0, err
	}
	tasks, err := tx.TasksOf(ledger.TaskDeliver, []int64{16_000})
	return len(events) + len(runs) + len(tasks), err
}

// planned keeps the plan of each statement that it runs.
type planned struct {
	Planner
	plans [][]string
}

func (p *planned) View(ctx context.Context, f func(ledger.Conn) error) error {
	return p.Engine.View(ctx, func(conn ledger.Conn) error { return f(planning{conn, p}) })
}

type planning struct {
	ledger.Conn
	planned *planned
}

func (c planning) Run(statement string, lists [][]any, each func(int, ledger.Row) error) error {
	plan, err := c.planned.Explain(c.Conn, statement, lists[0])
	if err != nil {
		return err
	}
	c.planned.plans = append(c.planned.plans, plan)
	return c.Conn.Run(statement, lists, each)
}

// many fills a ledger with 20,000 mails, as many incidents with an event, six
// pieces and a run each, and their tasks. All is done but for a few.
var many = []string{
	`INSERT INTO mail (mailbox, uid_validity, uid, content, sha256, size, internal_date, received, status, kind, message_id, reason, subject, sender)
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
	SELECT 'soc', 1, i, CAST('sum ' || i AS {{blob}}), 'sum ' || i, 3000, CAST(i AS BIGINT) * 1000000, CAST(i AS BIGINT) * 1000000, CASE WHEN i % 1000 = 0 THEN 'quarantined' ELSE 'parsed' END,
		'single_risk', '<' || i || '@sepm>', '', 'Single Risk Event: machine HOST-' || i || ' infected', 'sepm@example.com' FROM n`,
	`INSERT INTO incident (status, remote_id, seen, told, last_seen, created, delivered, key_hash, key, body)
	SELECT CASE WHEN id % 2 = 0 THEN 'open' ELSE 'closed' END, 2000 + id, 1, 1, received, received, received, CAST('key ' || id AS {{blob}}), 'key ' || id,
		'{"key":"key","name":"SEP: Trojan on HOST-' || id || '","description":"{{long}}","discovered":"0001-01-01T00:00:00Z","trust":{"proven":false}}' FROM mail`,
	`INSERT INTO event (mail, ordinal, incident, digest, body)
	SELECT id, 0, id, 'key ' || id, '{"risk":"Trojan","file_path":"{{long}}","computer":"HOST-' || id || '"}' FROM mail`,
	`INSERT INTO piece (incident, kind, key_hash, version, delivered, remote_id, parked, key, error, body)
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6)
	SELECT id, 'artifact', CAST('key ' || i AS {{blob}}), 1, CASE WHEN id % 2000 = 0 THEN 0 ELSE 1 END, i, id % 4000 = 0, 'key', '', '{}' FROM incident, n`,
	`INSERT INTO run (incident, key_hash, status, action, key, error, body, pending, answers)
	SELECT id, CAST('key' AS {{blob}}), 'done', 'endpoint_details', 'key', '', '{}', '', '' FROM incident`,
	`INSERT INTO command (incident, run, kind, state, is_open, started, body)
	SELECT incident, id, 'scan', 'completed', id % 1000 = 0, id * 1000000, '{}' FROM run`,
	`INSERT INTO task (kind, key, wanted, done, due_at, attempts, owner, node, lease_until, epoch, parked, urgent, error)
	SELECT kinds.kind, id, 1, CASE WHEN id % 2000 = 0 THEN 0 ELSE 1 END, 0, 0, '', '', 0, 1, id % 4000 = 0, FALSE, ''
	FROM mail, (SELECT 'read' AS kind UNION SELECT 'deliver' UNION SELECT 'respond') AS kinds`,
}
