package ledgertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
)

// everything is a page that holds all that these tests add.
var everything = ledger.Page{Limit: 1000}

func testListMails(t *testing.T, b *bundle) {
	var ids []int64
	for _, mailbox := range []string{"soc", "SOC", "other"} {
		m := mails(mailbox)[0]
		m.Mailbox = mailbox
		ids = append(ids, addMails(t, b.Ledger, []ledger.NewMail{m})[0].ID)
		b.clock.advance(time.Hour)
	}
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.SetMails([]ledger.MailResult{
			{ID: ids[0], Status: ledger.MailParsed, Kind: parse.SingleRisk, Subject: "100% of PC_1 !", From: "Sepm@Example.com"},
			{ID: ids[1], Status: ledger.MailQuarantined, Reason: "too big", Subject: "100 of PCx1", From: "sepm@example.com"},
		})
	})
	first := b.clock.Now().Add(-3 * time.Hour)
	for name, test := range map[string]struct {
		filter ledger.MailFilter
		want   []int // indexes of ids
	}{
		"all":                  {ledger.MailFilter{}, []int{2, 1, 0}},
		"status":               {ledger.MailFilter{Status: ledger.MailReceived}, []int{2}},
		"quarantined":          {ledger.MailFilter{Status: ledger.MailQuarantined}, []int{1}},
		"mailbox":              {ledger.MailFilter{Mailbox: "SOC"}, []int{1}},
		"kind":                 {ledger.MailFilter{Kind: parse.SingleRisk}, []int{0}},
		"since":                {ledger.MailFilter{Since: first.Add(time.Hour)}, []int{2, 1}},
		"until":                {ledger.MailFilter{Until: first.Add(time.Hour)}, []int{0}},
		"span":                 {ledger.MailFilter{Since: first.Add(time.Microsecond), Until: first.Add(2 * time.Hour)}, []int{1}},
		"from":                 {ledger.MailFilter{From: "SEPM@"}, []int{1, 0}},
		"subject":              {ledger.MailFilter{Subject: "of pc"}, []int{1, 0}},
		"a wildcard is a sign": {ledger.MailFilter{Subject: "0% of"}, []int{0}},
		"and so is another":    {ledger.MailFilter{Subject: "pc_1"}, []int{0}},
		"and the escape":       {ledger.MailFilter{Subject: "1 !"}, []int{0}},
		"all of it":            {ledger.MailFilter{Subject: "100", From: "sepm", Status: ledger.MailParsed, Mailbox: "soc"}, []int{0}},
		"nothing":              {ledger.MailFilter{Subject: "100", Mailbox: "other"}, nil},
	} {
		var want, got []int64
		for _, i := range test.want {
			want = append(want, ids[i])
		}
		for _, m := range view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Mail, error) { return tx.ListMails(test.filter, everything) }) {
			got = append(got, m.ID)
		}
		require.Equal(t, want, got, name)
	}
	require.ErrorContains(t, b.View(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.ListMails(ledger.MailFilter{Status: "'; --"}, everything)
		return err
	}), "no status")
}

// testListPages pages through a list that grows meanwhile.
func testListPages(t *testing.T, b *bundle) {
	var keys []string
	for i := range 7 {
		keys = append(keys, string(rune('a'+i)))
	}
	ids := addIncidents(t, b.Ledger, keys...)
	var got []int64
	page := ledger.Page{Limit: 3}
	for {
		found := view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Incident, error) {
			return tx.ListIncidents(ledger.IncidentFilter{Status: incident.Open}, page)
		})
		for _, in := range found {
			got = append(got, in.ID)
			page.Before = in.ID
		}
		if len(found) < page.Limit {
			break
		}
		addIncidents(t, b.Ledger, "new since "+found[0].Key)
	}
	for i, id := range ids {
		require.Equal(t, id, got[len(ids)-1-i], "newest first, each once")
	}
	require.Len(t, got, len(ids))
	newest := view(t, b.Ledger, ledger.Tx.Newest)
	require.Equal(t, ledger.Newest{Incident: ids[6] + 2}, newest)
	require.Empty(t, view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Incident, error) {
		return tx.ListIncidents(ledger.IncidentFilter{}, ledger.Page{})
	}), "none asked for")
}

func testListIncidents(t *testing.T, b *bundle) {
	added := addMails(t, b.Ledger, mails("one", "two", "three"))
	ids := addIncidents(t, b.Ledger, "first", "second", "third")
	b.clock.advance(time.Hour)
	ids = append(ids, addIncidents(t, b.Ledger, "fourth")...)
	do(t, b.Ledger, func(tx ledger.Tx) error {
		events := []ledger.Event{
			{Mail: added[0].ID, Incident: ids[0], Event: parse.Event{Risk: "Trojan.Gen", Computer: "PC_1"}},
			{Mail: added[0].ID, Ordinal: 1, Incident: ids[0], Event: parse.Event{Risk: "EICAR", Computer: `"computer":"PCx1"`}},
			{Mail: added[1].ID, Incident: ids[1], Event: parse.Event{Risk: "trojan.gen", Computer: "pcx1", Extra: map[string]string{"risk": "<&>"}}},
			{Mail: added[2].ID, Incident: ids[2], Event: parse.Event{Risk: `R<&>\"Ü%`, Computer: "警报"}},
		}
		if err := tx.PutEvents(events); err != nil {
			return err
		}
		if err := tx.Succeed(ids[1:2]); err != nil {
			return err
		}
		if err := tx.PutPieces([]ledger.Piece{
			piece(ids[0], ledger.PieceNote, "n", `1`), piece(ids[0], ledger.PieceNote, "m", `1`),
			piece(ids[2], ledger.PieceNote, "n", `1`),
		}); err != nil {
			return err
		}
		var remotes []ledger.Remote
		for i, id := range ids[:3] {
			remotes = append(remotes, ledger.Remote{Incident: id, RemoteID: 2100 + int64(i), Delivered: b.clock.Now()})
		}
		return tx.SetRemotes(remotes)
	})
	pieces := pieces(t, b, ids...)
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.SetPieces([]ledger.PieceResult{{ID: pieces[0].ID, Delivered: 1}, {ID: pieces[1].ID, Parked: true, Error: "400"}})
	})
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Want(ledger.TaskDeliver, ids[3]) })
	finish(t, b.Ledger, ledger.Outcome{Task: claimOne(t, b.Ledger), Failed: true, Park: true, Error: "400"})

	for name, test := range map[string]struct {
		filter ledger.IncidentFilter
		want   []int // indexes of ids
	}{
		"all":                      {ledger.IncidentFilter{}, []int{3, 2, 1, 0}},
		"open":                     {ledger.IncidentFilter{Status: incident.Open}, []int{3, 2, 0}},
		"closed":                   {ledger.IncidentFilter{Status: incident.Closed}, []int{1}},
		"since":                    {ledger.IncidentFilter{Since: b.clock.Now()}, []int{3}},
		"until":                    {ledger.IncidentFilter{Until: b.clock.Now()}, []int{2, 1, 0}},
		"computer":                 {ledger.IncidentFilter{Computer: "pc_1"}, []int{0}},
		"another computer":         {ledger.IncidentFilter{Computer: "PCX1"}, []int{1}},
		"not half a name":          {ledger.IncidentFilter{Computer: "pc"}, nil},
		"not an ASCII name":        {ledger.IncidentFilter{Computer: "警报"}, []int{2}},
		"risk":                     {ledger.IncidentFilter{Risk: "TROJAN.GEN"}, []int{1, 0}},
		"a risk of special signs":  {ledger.IncidentFilter{Risk: `r<&>\"Ü%`}, []int{2}},
		"risk and computer":        {ledger.IncidentFilter{Risk: "trojan.gen", Computer: "PC_1"}, []int{0}},
		"of two events":            {ledger.IncidentFilter{Risk: "eicar", Computer: "PC_1"}, nil},
		"in Resilient":             {ledger.IncidentFilter{RemoteID: 2101}, []int{1}},
		"undelivered":              {ledger.IncidentFilter{Undelivered: true}, []int{3, 2, 0}},
		"parked":                   {ledger.IncidentFilter{Parked: true}, []int{3, 0}},
		"parked, held":             {ledger.IncidentFilter{Parked: true, RemoteID: 2100}, []int{0}},
		"undelivered of the past":  {ledger.IncidentFilter{Undelivered: true, Until: b.clock.Now()}, []int{2, 0}},
		"open, undelivered, later": {ledger.IncidentFilter{Status: incident.Open, Undelivered: true, Since: b.clock.Now()}, []int{3}},
	} {
		var want, got []int64
		for _, i := range test.want {
			want = append(want, ids[i])
		}
		for _, in := range view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Incident, error) { return tx.ListIncidents(test.filter, everything) }) {
			got = append(got, in.ID)
		}
		require.Equal(t, want, got, name)
	}
	require.ErrorContains(t, b.View(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.ListIncidents(ledger.IncidentFilter{Status: "opne"}, everything)
		return err
	}), "no status")
	require.Equal(t, map[int64]ledger.PieceCounts{
		ids[0]: {All: 2, Parked: 1}, ids[1]: {}, ids[2]: {All: 1, Pending: 1},
	}, view(t, b.Ledger, func(tx ledger.Tx) (map[int64]ledger.PieceCounts, error) { return tx.CountPieces(ids[:3]) }))
}

// testPartsOfIncident looks up what belongs to one incident.
func testPartsOfIncident(t *testing.T, b *bundle) {
	added := addMails(t, b.Ledger, mails("one", "two"))
	ids := addIncidents(t, b.Ledger, "first", "second")
	var events []ledger.Event
	for _, m := range added {
		for ordinal := range 2 {
			events = append(events, ledger.Event{Mail: m.ID, Ordinal: ordinal, Incident: ids[0], Event: parse.Event{Risk: "r"}})
		}
	}
	runs := []ledger.Run{{Incident: ids[0], Key: "a"}, {Incident: ids[1], Key: "a"}, {Incident: ids[0], Key: "b"}}
	do(t, b.Ledger, func(tx ledger.Tx) error {
		if err := tx.PutEvents(events); err != nil {
			return err
		}
		return tx.PutRuns(runs)
	})
	newest := view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Event, error) { return tx.NewestEvents(ids[0], 3) })
	require.Len(t, newest, 3)
	for i, e := range newest {
		require.Equal(t, [2]any{events[3-i].Mail, events[3-i].Ordinal}, [2]any{e.Mail, e.Ordinal})
	}
	require.Empty(t, view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Event, error) { return tx.NewestEvents(ids[1], 3) }))
	first := view(t, b.Ledger, func(tx ledger.Tx) (ledger.Event, error) { return tx.FirstEvent(ids[0]) })
	require.Equal(t, [2]any{events[0].Mail, events[0].Ordinal}, [2]any{first.Mail, first.Ordinal})
	require.Zero(t, view(t, b.Ledger, func(tx ledger.Tx) (ledger.Event, error) { return tx.FirstEvent(ids[1]) }))
	found := view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Run, error) { return tx.RunsOf(ids[0]) })
	require.Equal(t, []string{"a", "b"}, []string{found[0].Key, found[1].Key})
	require.Len(t, found, 2)
	tasks := view(t, b.Ledger, func(tx ledger.Tx) (map[int64]ledger.TaskView, error) {
		return tx.TasksOf(ledger.TaskRespond, []int64{found[0].ID, found[1].ID, 999})
	})
	require.Len(t, tasks, 2)
	require.Equal(t, found[1].ID, tasks[found[1].ID].Key)

	update(t, b.Ledger, take("a"))
	do(t, b.Ledger, func(tx ledger.Tx) error { _, err := tx.TakeMailbox("Alpha", "a", lease); return err })
	names := view(t, b.Ledger, ledger.Tx.MailboxNames)
	require.Len(t, names, 2)
	require.Equal(t, "Alpha", names[0])
}

func testListTasks(t *testing.T, b *bundle) {
	in := addIncidents(t, b.Ledger, "k")[0]
	putPieces(t, b, piece(in, ledger.PieceNote, "n", `1`))
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.SetPieces([]ledger.PieceResult{{ID: 1, Parked: true, Error: "400"}})
	})
	// Deliveries by key: the incident's is done but for its piece.
	const due, waiting, parked, done, working = 11, 12, 13, 14, 15
	for _, key := range []int64{in, due, waiting, parked, done, working} {
		want(t, b.Ledger, key)
		task := claimOne(t, b.Ledger)
		switch key {
		case in, done:
			finish(t, b.Ledger, ledger.Outcome{Task: task, Done: true})
		case due:
			finish(t, b.Ledger, ledger.Outcome{Task: task, Failed: true, Error: "down", Again: b.clock.Now().Add(time.Second)})
		case waiting:
			finish(t, b.Ledger, ledger.Outcome{Task: task, Again: b.clock.Now().Add(2 * time.Second)})
		case parked:
			finish(t, b.Ledger, ledger.Outcome{Task: task, Failed: true, Park: true, Error: "400"})
		}
	}
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, due) })
	b.clock.advance(time.Second)

	type seen struct {
		kind  ledger.TaskKind
		key   int64
		state ledger.TaskState
	}
	read := seen{ledger.TaskRead, due, ledger.StateDue}
	deliver := func(key int64, state ledger.TaskState) seen { return seen{ledger.TaskDeliver, key, state} }
	for name, test := range map[string]struct {
		filter ledger.TaskFilter
		want   []seen
	}{
		"all": {ledger.TaskFilter{}, []seen{read, deliver(working, ledger.StateWorking), deliver(parked, ledger.StateParked),
			deliver(waiting, ledger.StateWaiting), deliver(due, ledger.StateDue), deliver(in, ledger.StateParked)}},
		"kind":         {ledger.TaskFilter{Kind: ledger.TaskRead}, []seen{read}},
		"key":          {ledger.TaskFilter{Key: due}, []seen{read, deliver(due, ledger.StateDue)}},
		"kind and key": {ledger.TaskFilter{Kind: ledger.TaskDeliver, Key: due}, []seen{deliver(due, ledger.StateDue)}},
		"due":          {ledger.TaskFilter{Due: true}, []seen{read, deliver(working, ledger.StateWorking), deliver(due, ledger.StateDue)}},
		"parked":       {ledger.TaskFilter{Parked: true}, []seen{deliver(parked, ledger.StateParked), deliver(in, ledger.StateParked)}},
		"parked reads": {ledger.TaskFilter{Parked: true, Kind: ledger.TaskRead}, nil},
		"both":         {ledger.TaskFilter{Parked: true, Due: true}, nil},
		"done":         {ledger.TaskFilter{Key: done}, nil},
	} {
		var got []seen
		for _, task := range view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.TaskView, error) { return tx.ListTasks(test.filter, everything) }) {
			got = append(got, seen{task.Kind, task.Key, task.State(b.clock.Now())})
		}
		require.Equal(t, test.want, got, name)
	}
	all := view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.TaskView, error) { return tx.ListTasks(ledger.TaskFilter{}, everything) })
	require.Equal(t, "alpha", all[1].Node)
	require.Equal(t, lease-time.Second, all[1].LeaseUntil.Sub(b.clock.Now()))
	require.Equal(t, 1, all[5].ParkedPieces)
	require.Equal(t, "down", all[4].Error)
	require.Equal(t, 1, all[4].Attempts)

	byID := view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.TaskView, error) { return tx.Tasks([]int64{all[0].ID, all[5].ID, 999}) })
	require.Equal(t, []ledger.TaskView{all[5], all[0]}, byID)
	require.ErrorContains(t, b.View(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.ListTasks(ledger.TaskFilter{Kind: "raed"}, everything)
		return err
	}), "no kind")
}
