// Package ledgertest holds what every engine of the ledger promises, as tests
// that each engine runs on itself.
package ledgertest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// Place opens the ledger of one database, which is empty at first. Called
// again it opens the same database.
type Place func(options ledger.Options) (*ledger.Ledger, error)

// Exercise runs the whole contract of [ledger.Ledger]; fresh gives each test
// a place of its own.
func Exercise(t *testing.T, fresh func(t *testing.T) Place) {
	for name, test := range map[string]func(*testing.T, *bundle){
		"mailbox/take":               testTakeMailbox,
		"mailbox/fence":              testMailboxFence,
		"mailbox/release":            testReleaseMailbox,
		"mail/add":                   testAddMails,
		"mail/position":              testMailPosition,
		"mail/duplicate":             testMailDuplicate,
		"mail/raw":                   testRaw,
		"mail/set":                   testSetMails,
		"mail/hostile":               testHostileMail,
		"event":                      testEvents,
		"incident":                   testIncidents,
		"incident/one open a key":    testOneOpenIncidentAKey,
		"incident/delivery":          testRemotes,
		"incident/sightings":         testSightings,
		"piece/versions":             testPieceVersions,
		"piece/order":                testPieceOrder,
		"piece/delivery":             testPieceDelivery,
		"intent":                     testIntents,
		"run":                        testRuns,
		"start run":                  testStartRun,
		"command":                    testCommands,
		"rows are merged":            testPutRows,
		"keys of any length":         testLongKeys,
		"task/claim":                 testClaim,
		"mail/unread":                testUnread,
		"task/order":                 testClaimOrder,
		"task/wanted while at work":  testWantedWhileAtWork,
		"task/outcomes":              testOutcomes,
		"task/park":                  testPark,
		"task/retry its pieces":      testRetryPieces,
		"task/lost lease":            testLostLease,
		"task/every one once":        testEveryTaskOnce,
		"task/backlog":               testBacklog,
		"piece/parked":               testPiecesParked,
		"due":                        testDue,
		"counts":                     testCounts,
		"list/mails":                 testListMails,
		"list/incidents":             testListIncidents,
		"list/tasks":                 testListTasks,
		"budget":                     testBudget,
		"budget/holds":               testBudgetHolds,
		"incident/succession":        testSuccession,
		"list/pages":                 testListPages,
		"list/parts of an incident":  testPartsOfIncident,
		"update/rollback":            testRollback,
		"update/swallowed error":     testSwallowedError,
		"update/run again":           testConcurrentUpdates,
		"update/cancelled":           testCancelled,
		"update/observed":            testUpdateObserved,
		"view/writes fail":           testViewIsReadOnly,
		"view/snapshot":              testViewIsASnapshot,
		"tx/over":                    testTxIsOver,
		"reopen/keeps":               testReopenKeeps,
		"reopen/releases its leases": testReopenReleases,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, newBundle(t, fresh(t)))
		})
	}
}

// bundle is one test's ledger and clock.
type bundle struct {
	*ledger.Ledger
	clock *clock
	place Place
}

func newBundle(t *testing.T, place Place) *bundle {
	b := &bundle{place: place, clock: &clock{now: time.Date(2026, 2, 3, 4, 5, 6, 789_000, time.UTC)}}
	b.Ledger = b.open(t, "alpha")
	return b
}

// open opens the ledger as a node and closes it when the test ends.
func (b *bundle) open(t *testing.T, node string) *ledger.Ledger {
	t.Helper()
	l, err := b.place(ledger.Options{Now: b.clock.Now, Node: node})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// clock stands still until it is advanced.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// update returns what f gives in a committed transaction.
func update[T any](t *testing.T, l *ledger.Ledger, f func(ledger.Tx) (T, error)) T {
	t.Helper()
	var got T
	require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) (err error) {
		got, err = f(tx)
		return err
	}))
	return got
}

// view returns what f reads.
func view[T any](t *testing.T, l *ledger.Ledger, f func(ledger.Tx) (T, error)) T {
	t.Helper()
	var got T
	require.NoError(t, l.View(t.Context(), func(tx ledger.Tx) (err error) {
		got, err = f(tx)
		return err
	}))
	return got
}

// do commits f, or fails the test.
func do(t *testing.T, l *ledger.Ledger, f func(ledger.Tx) error) {
	t.Helper()
	require.NoError(t, l.Update(t.Context(), f))
}

func mails(raws ...string) []ledger.NewMail {
	var all []ledger.NewMail
	for i, raw := range raws {
		all = append(all, ledger.NewMail{
			Position:     ledger.Position{Mailbox: "soc", UIDValidity: 7, UID: uint32(i + 1)},
			MessageID:    "<" + raw + "@sepm>",
			InternalDate: time.Date(2026, 2, 3, 4, 0, i, 0, time.UTC),
			Raw:          []byte(raw),
		})
	}
	return all
}

func addMails(t *testing.T, l *ledger.Ledger, mails []ledger.NewMail) []ledger.AddedMail {
	t.Helper()
	return update(t, l, func(tx ledger.Tx) ([]ledger.AddedMail, error) { return tx.AddMails(mails) })
}

// addIncidents opens an incident for each key and returns their ids.
func addIncidents(t *testing.T, l *ledger.Ledger, keys ...string) []int64 {
	t.Helper()
	var add []ledger.Incident
	for _, key := range keys {
		add = append(add, ledger.Incident{Incident: incident.Incident{Key: key, Name: "name of " + key}})
	}
	var ids []int64
	for _, in := range update(t, l, func(tx ledger.Tx) ([]ledger.Incident, error) { return tx.AddIncidents(add) }) {
		ids = append(ids, in.ID)
	}
	return ids
}
