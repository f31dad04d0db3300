package metrics

func askMailboxes(b *book, o Options) {
	started := o.Now()
	b.ask(func(set []setter) {
		age, connected, holes := set[0], set[1], set[2]
		for _, m := range o.Mailboxes() {
			answered := m.LastRoundTrip
			if answered.IsZero() {
				answered = started
			}
			age(since(o.Now(), answered), m.Name)
			connected(truth(m.Connected), m.Name)
			holes(float64(m.Holes), m.Name)
		}
	}, figure{
		name: "sepwatch_mailbox_round_trip_age_seconds", labels: []string{"mailbox"}, unit: "seconds",
		help:  "How long ago the mailbox server last answered; before its first answer, how long ago sepwatch was started. While all is well it stays below the mailbox's `poll`.",
		alert: "`min by (mailbox) (sepwatch_mailbox_round_trip_age_seconds) > 300`: nobody looks into the mailbox. Of several nodes one watches a mailbox and the others stand by, hence the minimum.",
	}, figure{
		name: "sepwatch_mailbox_connected", labels: []string{"mailbox"}, unit: "1 or 0",
		help: "Whether this node has the mailbox open. A connection that died may go unnoticed for a while.",
	}, figure{
		name: "sepwatch_mailbox_holes", labels: []string{"mailbox"}, unit: "mails",
		help:  "Mails that the server lists and has not given so far; they are asked for again and again.",
		alert: "`sepwatch_mailbox_holes > 0` for an hour: the log says which.",
	})
}
