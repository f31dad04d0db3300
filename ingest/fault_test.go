package ingest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

// A mail that the server does not give is a hole: the rest arrives without
// it, and it is asked for until it is given or gone.
func TestMailThatIsNotGiven(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault mailbox.Rule
	}{
		{"refused", mailbox.Rule{Kind: mailbox.Status}},
		{"left out of the answer", mailbox.Rule{Kind: mailbox.Omit}},
		{"breaks the decoder", mailbox.Rule{Kind: mailbox.Garble}},
		{"breaks the connection", mailbox.Rule{Kind: mailbox.Reset}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const n = 40
			s := standIn(t, mailbox.Options{})
			s.append(t, mails(1, n)...)
			tc.fault.Command, tc.fault.UIDs = "FETCH", []uint32{7, 23}
			s.SetFaults(tc.fault)
			o := s.options()
			o.BatchMails = 8
			o.Poll = 10 * time.Millisecond
			l := newLedger()
			w, stop := run(t, o, l)
			committed(t, l, n-2)
			eventually(t, func() bool { return slices.Equal(l.now().Holes, []uint32{7, 23}) }, "both are holes")
			require.EqualValues(t, n, l.now().Mark)
			eventually(t, func() bool { return w.Health().Holes == 2 }, "health shows them")
			stop()

			s.expunge(t, 23) // by somebody else, for good
			_, stop = run(t, o, l)
			eventually(t, func() bool { return slices.Equal(l.now().Holes, []uint32{7}) }, "the expunged one is dropped")
			s.SetFaults()
			committed(t, l, n-1)
			eventually(t, func() bool { return len(l.now().Holes) == 0 }, "the last hole is closed")
			stop()
			require.Equal(t, string(mail(7)), string(l.mails[position{l.now().UIDValidity, 7}].Raw))
			l.requireKept(t)
		})
	}
}

// Each mail is committed exactly once, whatever the connection does.
func TestStorms(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rules []mailbox.Rule
		o     mailbox.Options
		move  bool
	}{
		{name: "cut within the answers", rules: []mailbox.Rule{{Kind: mailbox.Reset, Bytes: 500, Spread: 8000}}},
		{name: "cut within the answers, plain", o: mailbox.Options{Plain: true}, rules: []mailbox.Rule{{Kind: mailbox.Reset, Bytes: 500, Spread: 8000}}},
		{name: "any command is cut or refused", rules: []mailbox.Rule{{Kind: mailbox.Reset, OneIn: 6}, {Kind: mailbox.Status, OneIn: 6}}},
		{name: "replies are lost", move: true, rules: []mailbox.Rule{{Kind: mailbox.LostReply, Command: "STORE", OneIn: 3}, {Kind: mailbox.LostReply, Command: "MOVE", OneIn: 3}}},
		{name: "copies lose replies", move: true, o: mailbox.Options{NoMove: true}, rules: []mailbox.Rule{{Kind: mailbox.LostReply, OneIn: 5}}},
		{name: "changes come late", move: true, rules: []mailbox.Rule{
			{Kind: mailbox.LateChange, Command: "STORE", OneIn: 3, Delay: 3 * time.Millisecond},
			{Kind: mailbox.LateChange, Command: "MOVE", OneIn: 3, Delay: 3 * time.Millisecond}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const n = 120
			tc.o.Seed = 1
			s := standIn(t, tc.o)
			s.append(t, mails(1, n/2)...)
			s.SetFaults(tc.rules...)
			o := s.options()
			o.BatchMails = 8
			o.Poll = 5 * time.Millisecond
			if tc.move {
				o.Move = mailbox.Processed
			}
			l := newLedger()
			_, stop := run(t, o, l)
			for i := n/2 + 1; i <= n; i++ { // while it storms
				s.append(t, mail(i))
				if i%5 == 0 {
					eventually(t, func() bool { return l.count() >= i-10 }, "it keeps up")
				}
			}
			committed(t, l, n)
			stop()
			require.NotEmpty(t, s.Injected())
			l.requireKept(t)
			var got []string
			for _, m := range l.mails {
				got = append(got, string(m.Raw))
			}
			require.ElementsMatch(t, asStrings(mails(1, n)), got, "every mail whole, none twice")
		})
	}
}

func TestRefusedCopyLosesNoMail(t *testing.T) {
	s := standIn(t, mailbox.Options{NoMove: true})
	s.append(t, mails(1, 3)...)
	s.SetFaults(mailbox.Rule{Kind: mailbox.Status, Command: "COPY"})
	o := s.options()
	o.Move = mailbox.Processed
	l := newLedger()
	_, stop := run(t, o, l)
	committed(t, l, 3)
	eventually(t, func() bool { return s.Injected()[mailbox.Status] > 0 }, "refused")
	s.append(t, mail(4))
	committed(t, l, 4)
	stop()
	require.Len(t, s.messages(t, mailbox.Inbox), 4)
}

func TestFencedWatcherStopsAndComesBack(t *testing.T) {
	s := standIn(t, mailbox.Options{})
	l := newLedger()
	var log logged
	o := s.options()
	o.Logger = log.logger()
	w, stop := run(t, o, l)
	eventually(t, func() bool { return w.Health().Connected }, "connected")
	l.fence()
	s.append(t, mails(1, 5)...)
	eventually(t, func() bool { return strings.Contains(w.Health().LastError, ingest.ErrFenced.Error()) }, "fenced")
	eventually(t, func() bool { return s.Connections() == 0 }, "it lets the mailbox go")
	require.True(t, w.Health().Standby)
	require.Zero(t, l.count())
	for _, m := range s.messages(t, mailbox.Inbox) {
		require.Empty(t, m.Flags, "what another watcher holds is not touched")
	}

	l.set(func(l *ledger) { l.takeError = nil })
	committed(t, l, 5)
	require.False(t, w.Health().Standby)
	stop()
	l.requireKept(t)
	require.Empty(t, log.warnings(), "standing by is no failure")
}

func TestFencedReleaseIsNoError(t *testing.T) {
	s := standIn(t, mailbox.Options{})
	l := newLedger()
	w, stop := run(t, s.options(), l)
	eventually(t, func() bool { return w.Health().Connected }, "connected")
	l.fence()
	stop() // Run returns nil
}

func TestServerRestart(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		l := newLedger()
		w, _ := run(t, s.options(), l)
		eventually(t, func() bool { return w.Health().Connected }, "connected")
		switch s := s.(type) {
		case standInServer:
			s.Disconnect()
		case interface{ Restart() }:
			s.Restart()
		}
		s.append(t, mails(1, 3)...)
		committed(t, l, 3)
		l.requireKept(t)
	})
}

// Each failure is one line that says where, what, why and what to do.
func TestFailuresSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*ingest.Options)
		want   []string
	}{
		{"wrong password", func(o *ingest.Options) { o.Password = "wrong-secret" },
			[]string{"log in", "uthentication", "check user name and password"}},
		{"untrusted certificate", func(o *ingest.Options) { o.RootCAs = nil },
			[]string{"start TLS", "unknown authority", "in ca_file", "set fingerprints: [sha256:"}},
		{"unreachable host", func(o *ingest.Options) { o.Address = "127.0.0.1:1" },
			[]string{"connect", "refused", "check host and port"}},
		{"no such folder", func(o *ingest.Options) { o.Folder = "Alerts" },
			[]string{"open folder", "Alerts", "INBOX", "Processed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onServers(t, func(t *testing.T, s mailServer) {
				var log logged
				o := s.options()
				o.Reconnect, o.LoginRetry = ingest.Backoff{Min: time.Hour, Max: time.Hour}, ingest.Backoff{Min: time.Hour, Max: time.Hour}
				o.Logger = log.logger()
				tc.change(&o)
				w, _ := run(t, o, newLedger())
				eventually(t, func() bool { return len(log.warnings()) > 0 }, "a warning")
				lines := log.warnings()
				require.Len(t, lines, 1)
				for _, want := range append(tc.want, "mailbox=soc", "host="+o.Address, "retry_in=") {
					require.Contains(t, lines[0], want)
				}
				require.NotContains(t, lines[0], o.Password)
				health := w.Health()
				require.False(t, health.Connected)
				for _, want := range tc.want {
					require.Contains(t, strings.ReplaceAll(health.LastError, `"`, ``), strings.ReplaceAll(want, `"`, ``))
				}
			})
		})
	}
	t.Run("not TLS", func(t *testing.T) {
		s := standIn(t, mailbox.Options{Plain: true})
		o := s.options()
		o.TLS = ingest.Implicit
		w, _ := run(t, o, newLedger())
		eventually(t, func() bool { return strings.Contains(w.Health().LastError, "does not speak TLS") }, "hint")
	})
}

func TestOptionsAreChecked(t *testing.T) {
	valid := ingest.Options{Name: "soc", Address: "mail.example.com:993", Username: "u", Password: "p"}
	_, err := ingest.New(valid, newLedger())
	require.NoError(t, err)
	for want, change := range map[string]func(*ingest.Options){
		"name is empty":      func(o *ingest.Options) { o.Name = "" },
		"want host:port":     func(o *ingest.Options) { o.Address = "mail.example.com" },
		"user name is empty": func(o *ingest.Options) { o.Username = "" },
		"TLS is off":         func(o *ingest.Options) { o.TLS = ingest.None },
		"TLS mode":           func(o *ingest.Options) { o.TLS = "ssl" },
		"fingerprints without": func(o *ingest.Options) {
			o.Address, o.TLS, o.Fingerprints = "localhost:143", ingest.None, make([]connect.Fingerprint, 1)
		},
		"start is negative":      func(o *ingest.Options) { o.Start = -1 },
		`flag "green"`:           func(o *ingest.Options) { o.Flag = "green" },
		"being watched":          func(o *ingest.Options) { o.Move = "INBOX" },
		"idle restart":           func(o *ingest.Options) { o.IdleRestart = time.Hour },
		"batch mails is negativ": func(o *ingest.Options) { o.BatchMails = -1 },
	} {
		o := valid
		change(&o)
		_, err := ingest.New(o, newLedger())
		require.ErrorContains(t, err, want)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "127.8.8.8", "[::1]"} {
		o := valid
		o.Address, o.TLS = host+":143", ingest.None
		_, err := ingest.New(o, newLedger())
		require.NoError(t, err, host)
	}
	two := valid
	two.Name, two.Username = "", ""
	_, err = ingest.New(two, newLedger())
	require.Contains(t, fmt.Sprint(err), "name is empty")
	require.Contains(t, fmt.Sprint(err), "user name is empty")
}
