package mailbox_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const timeout = 10 * time.Second

func start(t *testing.T, o mailbox.Options) *mailbox.Server {
	t.Helper()
	s, err := mailbox.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// dial connects and logs in; announced receives the counts that the server
// announces.
func dial(t *testing.T, s *mailbox.Server) (c *imapclient.Client, announced <-chan uint32) {
	t.Helper()
	news := make(chan uint32, 100)
	options := &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				news <- *data.NumMessages
			}
		},
	}}
	var err error
	if s.CAPEM() == nil {
		c, err = imapclient.DialInsecure(s.Address(), options)
	} else {
		pool := x509.NewCertPool()
		require.True(t, pool.AppendCertsFromPEM(s.CAPEM()))
		options.TLSConfig = &tls.Config{RootCAs: pool}
		c, err = imapclient.DialTLS(s.Address(), options)
	}
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(); <-c.Closed() })
	require.NoError(t, c.Login(mailbox.Username, mailbox.Password).Wait())
	return c, news
}

func opened(t *testing.T, s *mailbox.Server) *imapclient.Client {
	t.Helper()
	c, _ := dial(t, s)
	_, err := c.Select(mailbox.Inbox, nil).Wait()
	require.NoError(t, err)
	return c
}

func mail(n int) []byte {
	return fmt.Appendf(nil, "Message-ID: <%d@test>\r\nSubject: mail %d\r\n\r\nbody %d\r\n", n, n, n)
}

func appendMails(t *testing.T, s *mailbox.Server, n int) {
	t.Helper()
	for i := 1; i <= n; i++ {
		uid, err := s.Append(mail(i), time.Time{})
		require.NoError(t, err)
		require.EqualValues(t, i, uid)
	}
}

func uids(nums ...imap.UID) imap.UIDSet { return imap.UIDSetNum(nums...) }

var seen = &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}

func TestServesMailOverTLSAndPlain(t *testing.T) {
	for _, o := range []mailbox.Options{{}, {Plain: true}} {
		t.Run(fmt.Sprintf("plain=%v", o.Plain), func(t *testing.T) {
			s := start(t, o)
			when := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
			_, err := s.Append(mail(1), when)
			require.NoError(t, err)

			c, _ := dial(t, s)
			folders, err := c.List("", "*", nil).Collect()
			require.NoError(t, err)
			require.Len(t, folders, 2)
			selected, err := c.Select(mailbox.Inbox, nil).Wait()
			require.NoError(t, err)
			require.EqualValues(t, 1, selected.NumMessages)

			messages, err := s.Messages(mailbox.Inbox)
			require.NoError(t, err)
			require.Len(t, messages, 1)
			require.Equal(t, mail(1), messages[0].Raw)
			require.True(t, messages[0].Date.Equal(when))
			require.Empty(t, messages[0].Flags, "looking does not change flags")
		})
	}
}

func TestAnnouncesMailThatCameBeforeAndDuringIdle(t *testing.T) {
	s := start(t, mailbox.Options{})
	c, announced := dial(t, s)
	_, err := c.Select(mailbox.Inbox, nil).Wait()
	require.NoError(t, err)
	appendMails(t, s, 1) // the session does not idle yet

	idle, err := c.Idle()
	require.NoError(t, err)
	require.EqualValues(t, 1, receive(t, announced))
	_, err = s.Append(mail(2), time.Time{})
	require.NoError(t, err)
	require.EqualValues(t, 2, receive(t, announced))
	require.NoError(t, idle.Close())
	require.NoError(t, idle.Wait())
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(timeout):
		t.Fatal("nothing was announced")
		panic("unreachable")
	}
}

func TestCapabilitiesCanBeTakenAway(t *testing.T) {
	all := []imap.Cap{imap.CapIdle, imap.CapMove, imap.CapUIDPlus}
	for _, tc := range []struct {
		name    string
		options mailbox.Options
		missing imap.Cap
	}{
		{"nothing", mailbox.Options{}, ""},
		{"IDLE", mailbox.Options{NoIdle: true}, imap.CapIdle},
		{"MOVE", mailbox.Options{NoMove: true}, imap.CapMove},
		{"UIDPLUS", mailbox.Options{NoUIDPlus: true}, imap.CapUIDPlus},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := dial(t, start(t, tc.options))
			asked, err := c.Capability().Wait()
			require.NoError(t, err)
			for _, caps := range []imap.CapSet{c.Caps(), asked} {
				for _, want := range all {
					require.Equal(t, want != tc.missing, caps.Has(want), want)
				}
			}
		})
	}
}

func TestRebuildChangesValidityAndKeepsMails(t *testing.T) {
	s := start(t, mailbox.Options{})
	appendMails(t, s, 3)
	require.NoError(t, s.Expunge(mailbox.Inbox, 1))
	before := opened(t, s)
	validity, err := before.Select(mailbox.Inbox, nil).Wait()
	require.NoError(t, err)

	require.NoError(t, s.Rebuild())
	receive(t, before.Closed())
	c, _ := dial(t, s)
	selected, err := c.Select(mailbox.Inbox, nil).Wait()
	require.NoError(t, err)
	require.NotEqual(t, validity.UIDValidity, selected.UIDValidity)
	messages, err := s.Messages(mailbox.Inbox)
	require.NoError(t, err)
	require.Len(t, messages, 2)
	require.EqualValues(t, 1, messages[0].UID)
	require.Equal(t, mail(2), messages[0].Raw)
}

func TestCommandFaults(t *testing.T) {
	store := func(c *imapclient.Client) error { return c.Store(uids(1), seen, nil).Close() }
	move := func(c *imapclient.Client) error {
		_, err := c.Move(uids(1), mailbox.Processed).Wait()
		return err
	}
	for _, tc := range []struct {
		name    string
		rule    mailbox.Rule
		command func(*imapclient.Client) error
		cut     bool
		flagged bool
		moved   bool
	}{
		{name: "status changes nothing", rule: mailbox.Rule{Kind: mailbox.Status, Command: "STORE"}, command: store},
		{name: "lost reply to STORE", rule: mailbox.Rule{Kind: mailbox.LostReply, Command: "STORE"}, command: store, cut: true, flagged: true},
		{name: "lost reply to MOVE", rule: mailbox.Rule{Kind: mailbox.LostReply, Command: "MOVE"}, command: move, cut: true, moved: true},
		{name: "reset before STORE", rule: mailbox.Rule{Kind: mailbox.Reset, Command: "STORE"}, command: store, cut: true},
		{name: "late STORE", rule: mailbox.Rule{Kind: mailbox.LateChange, Command: "STORE", Delay: time.Millisecond}, command: store, cut: true, flagged: true},
		{name: "late MOVE", rule: mailbox.Rule{Kind: mailbox.LateChange, Command: "MOVE", Delay: time.Millisecond}, command: move, cut: true, moved: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := start(t, mailbox.Options{})
			appendMails(t, s, 2)
			c := opened(t, s)
			s.SetFaults(tc.rule)
			require.Error(t, tc.command(c))
			require.Equal(t, map[mailbox.Kind]int{tc.rule.Kind: 1}, s.Injected())
			if tc.cut {
				receive(t, c.Closed())
			} else {
				require.NoError(t, c.Noop().Wait(), "the connection lives on")
			}
			require.Eventually(t, func() bool {
				inbox, err := s.Messages(mailbox.Inbox)
				require.NoError(t, err)
				flagged := len(inbox) > 0 && inbox[0].UID == 1 && len(inbox[0].Flags) == 1
				return flagged == tc.flagged && (len(inbox) == 1) == tc.moved
			}, timeout, time.Millisecond)
			moved, err := s.Messages(mailbox.Processed)
			require.NoError(t, err)
			require.Equal(t, tc.moved, len(moved) == 1)

			s.SetFaults()
			again := opened(t, s)
			require.NoError(t, tc.command(again), "faults are over")
		})
	}
}

func TestRefusesLogin(t *testing.T) {
	s := start(t, mailbox.Options{Plain: true})
	s.SetFaults(mailbox.Rule{Kind: mailbox.Status, Command: "LOGIN", Limit: 1})
	c, err := imapclient.DialInsecure(s.Address(), nil)
	require.NoError(t, err)
	defer func() { c.Close(); <-c.Closed() }()
	var status *imap.Error
	require.ErrorAs(t, c.Login(mailbox.Username, mailbox.Password).Wait(), &status)
	require.Equal(t, imap.ResponseCodeAuthenticationFailed, status.Code)
	require.Error(t, c.Login(mailbox.Username, "wrong").Wait())
	require.NoError(t, c.Login(mailbox.Username, mailbox.Password).Wait(), "the limit is used up")
}

func TestFaultsOfFetch(t *testing.T) {
	s := start(t, mailbox.Options{})
	appendMails(t, s, 3)
	fetch := func(c *imapclient.Client, want ...imap.UID) ([]imap.UID, error) {
		found, err := c.Fetch(uids(want...), &imap.FetchOptions{UID: true}).Collect()
		var got []imap.UID
		for _, m := range found {
			got = append(got, m.UID)
		}
		return got, err
	}
	c := opened(t, s)
	s.SetFaults(
		mailbox.Rule{Kind: mailbox.Omit, Command: "FETCH", UIDs: []uint32{2}},
		mailbox.Rule{Kind: mailbox.Status, Command: "FETCH", UIDs: []uint32{3}},
	)
	got, err := fetch(c, 1, 2)
	require.NoError(t, err)
	require.Equal(t, []imap.UID{1}, got)
	_, err = fetch(c, 1, 3)
	require.Error(t, err)
	got, err = fetch(c, 1)
	require.NoError(t, err)
	require.Equal(t, []imap.UID{1}, got, "rules with UIDs leave others alone")

	s.SetFaults(mailbox.Rule{Kind: mailbox.Garble, Command: "FETCH"})
	_, err = fetch(c, 1)
	require.Error(t, err)
	receive(t, c.Closed())
}

func TestCutsAfterBytes(t *testing.T) {
	for _, plain := range []bool{true, false} {
		s := start(t, mailbox.Options{Plain: plain})
		_, err := s.Append(append(mail(1), bytes.Repeat([]byte("x"), 100_000)...), time.Time{})
		require.NoError(t, err)
		s.SetFaults(mailbox.Rule{Kind: mailbox.Reset, Bytes: 50_000})
		c := opened(t, s)
		msg := c.Fetch(uids(1), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{Peek: true}}}).Next()
		require.NotNil(t, msg)
		var got int
		for item := msg.Next(); got == 0; item = msg.Next() {
			if body, ok := item.(imapclient.FetchItemDataBodySection); ok {
				// Not Collect: after a cut it reads beside the client's reader.
				raw, _ := io.ReadAll(body.Literal)
				got = len(raw)
				break
			}
		}
		require.Positive(t, got)
		require.Less(t, got, 50_000)
		receive(t, c.Closed())
		require.Equal(t, 1, s.Injected()[mailbox.Reset])
	}
}

func TestOddsAreSeeded(t *testing.T) {
	strikes := func(seed uint64) (struck []bool) {
		s := start(t, mailbox.Options{Seed: seed, Plain: true})
		s.SetFaults(mailbox.Rule{Kind: mailbox.Status, Command: "SEARCH", OneIn: 3})
		c := opened(t, s)
		for range 60 {
			_, err := c.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
			struck = append(struck, err != nil)
		}
		return struck
	}
	first := strikes(7)
	require.Equal(t, first, strikes(7))
	require.NotEqual(t, first, strikes(8))
	require.Contains(t, first, true)
	require.Contains(t, first, false)
}

func TestCloseDoesNotWaitForDelays(t *testing.T) {
	s, err := mailbox.New(mailbox.Options{Plain: true})
	require.NoError(t, err)
	appendMails(t, s, 1)
	c := opened(t, s)
	s.SetFaults(mailbox.Rule{Kind: mailbox.Delay, Delay: time.Hour})
	done := make(chan error, 1)
	go func() { done <- c.Store(uids(1), seen, nil).Close() }()
	require.Eventually(t, func() bool { return s.Injected()[mailbox.Delay] == 1 }, timeout, time.Millisecond)
	require.NoError(t, s.Close())
	require.Error(t, receive(t, done))
	require.Error(t, s.Close(), "closed twice")
}
