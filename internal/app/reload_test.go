package app

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/fault"
)

// What a reload does not change is not touched: sessions, logins and tokens.
func TestReloadTouchesOnlyWhatHasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.load(), nil)
	w.watched(2)
	w.send("sepm@example.com", "HOST-1")
	w.delivered(1)
	before := w.soar.Calls()["GET /session"]

	require.NoError(t, w.app.Reload(w.load("sepm@example.com", "other@example.com")))
	w.send("other@example.com", "HOST-2")
	w.delivered(2)
	require.Equal(t, 2, w.logins(), "mailbox sessions go on")
	require.Equal(t, 1, w.sepm.Calls()["POST /identity/authenticate"], "the token goes on")
	require.Zero(t, w.sepm.Calls()["POST /identity/logout"])
	require.Equal(t, before, w.soar.Calls()["GET /session"], "Resilient stays connected")
	require.Contains(t, w.log.String(), `msg="configuration reloaded" changed=alerts.from`)

	require.NoError(t, w.app.Reload(w.load("sepm@example.com", "other@example.com")))
	require.Contains(t, w.log.String(), `msg="configuration reloaded" changed=nothing`)
	w.stop()
	require.Equal(t, 1, w.sepm.Calls()["POST /identity/logout"], "the last settings log out")
}

func TestReloadOfMailboxes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.load(), nil)
	w.watched(2)
	require.Equal(t, 2, w.leases("mailbox"))

	// One changed, one removed, one added.
	require.NoError(t, w.app.Reload(w.load("poll: 1m}\n  - {name: second", "poll: 2m}\n  - {name: third")))
	w.watched(4)
	require.Contains(t, w.log.String(), `changed="mailboxes[soc].poll, mailboxes[third] added, mailboxes[second] removed"`)
	w.eventually(func() bool { return w.mail.Connections() == 2 }, "the old sessions end")
	w.eventually(func() bool { return w.leases("mailbox") == 2 }, "the lease of the removed one ends")
	require.NotContains(t, w.log.String(), "level=WARN", "every lease was released before it was taken again")
	w.send("sepm@example.com", "HOST-1")
	w.delivered(1)

	// Back again: the old place in the mailbox is kept.
	require.NoError(t, w.app.Reload(w.load()))
	w.watched(6)
	w.send("sepm@example.com", "HOST-2")
	w.delivered(2)
}

// A password whose file has other content is tried at once, although the
// refused login would be tried again only after 15 s or more.
func TestReloadTriesANewPasswordAtOnce(t *testing.T) {
	t.Parallel()
	for file, sign := range map[string]string{
		"imap": "mailbox cannot be watched",
		"sepm": "SEPM cannot be used",
		"soar": "Resilient cannot be used",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			right := w.files[file]
			w.files[file] = "wrong"
			w.start(w.load(), nil)
			w.send("sepm@example.com", "HOST-1")
			w.eventually(func() bool { return strings.Contains(w.log.String(), sign) }, "the password is refused")
			w.files[file] = right
			require.NoError(t, w.app.Reload(w.load()))
			w.delivered(1)
		})
	}
}

// A step works with its settings to its end: SEPM is logged out of when the
// last one has ended.
func TestReloadLeavesStepsUnderWayAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.load(), nil)
	w.sepmFaults.On(fault.Switch{Kind: fault.Delay, Path: "computers", Wait: time.Hour, Remaining: 1})
	w.send("sepm@example.com", "HOST-1")
	w.eventually(func() bool { return w.sepmFaults.Counts()[fault.Delay] == 1 }, "a lookup is under way")

	require.NoError(t, w.app.Reload(w.load("username: admin, password_file: sepm, ca_file: http.pem, timeout: 30s", "username: admin, password_file: sepm, ca_file: http.pem, timeout: 29s")))
	w.send("sepm@example.com", "HOST-2")
	w.eventually(func() bool { return w.sepm.Calls()["POST /identity/authenticate"] == 2 }, "the new client logs in")
	require.Zero(t, w.sepm.Calls()["POST /identity/logout"], "the old token is in use")

	w.sepmFaults.Flush()
	w.delivered(2)
	w.eventually(func() bool { return w.sepm.Calls()["POST /identity/logout"] == 1 }, "the old client logs out")
	require.Equal(t, 2, w.sepm.Calls()["GET /computers"], "no lookup had to be repeated")
}

func TestReloadRefusesWhatTakesARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.load(), nil)
	w.watched(2)
	before := w.app.settings.Load()
	err := w.app.Reload(w.load("ledger.db", "other.db", "node: one", "node: two", "sepm@example.com", "other@example.com", "poll: 1m", "poll: 2m"))
	require.ErrorContains(t, err, "ledger.path has changed, which takes a restart")
	require.ErrorContains(t, err, "node has changed, which takes a restart")
	require.Same(t, before, w.app.settings.Load())
	require.Equal(t, 2, w.logins())
}

// A configuration that cannot be made anything of changes nothing, and is no
// user of the clients.
func TestReloadThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.load(), nil)
	w.watched(2)
	err := w.app.Reload(w.load("poll: 1m}\nalerts", "after: {move: Processed}}\nalerts", "sepm@example.com", "other@example.com"))
	require.ErrorContains(t, err, `mailbox "second"`)
	w.send("sepm@example.com", "HOST-1")
	w.delivered(1)
	require.Equal(t, 2, w.logins())
	w.stop()
	require.Equal(t, 1, w.sepm.Calls()["POST /identity/logout"])
}

// A server that accepts and then says nothing keeps a watcher in its connect.
func TestReloadsWhileAWatcherIsStuck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	stuck := w.load(w.mail.Address()+"/INBOX", silent.Addr().String()+"/INBOX")
	w.start(stuck, nil)
	conn, err := silent.Accept()
	require.NoError(t, err)
	defer conn.Close()
	w.watched(1)

	require.NoError(t, w.app.Reload(w.load()))
	require.NoError(t, w.app.Reload(stuck))
	require.NoError(t, w.app.Reload(w.load()))
	w.watched(2)
	w.send("sepm@example.com", "HOST-1")
	w.delivered(1)
}

// A mailbox's next watcher begins when the last one has ended, and others do
// not wait for it.
func TestWatcherWaitsForItsPredecessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.load("- {name: soc", "- {name: first"), nil)
	w.watched(2)
	predecessor := make(chan struct{})
	w.app.ended["soc"] = predecessor
	require.NoError(t, w.app.Reload(w.load()))
	for n, poll := range []string{"2m", "3m", "4m"} {
		require.NoError(t, w.app.Reload(w.load("poll: 1m}\nalerts", "poll: "+poll+"}\nalerts")))
		w.watched(3 + n)
	}
	require.NotContains(t, w.log.String(), "mailbox=soc")
	close(predecessor)
	w.watched(6)
	require.Contains(t, w.log.String(), "mailbox=soc")
}

func TestReloadOutsideOfTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, err := New(t.Context(), Options{Config: w.load()})
	require.NoError(t, err)
	require.Error(t, a.Reload(w.load()))
	require.NoError(t, a.Stop())
	require.Error(t, a.Reload(w.load()))

	// Many at once, and a stop among them.
	w.start(w.load(), nil)
	var reloads sync.WaitGroup
	for range 8 {
		reloads.Go(func() { _ = w.app.Reload(w.load("poll: 1m", "poll: 2m")) })
		reloads.Go(func() { _ = w.app.Reload(w.load()) })
	}
	require.NoError(t, w.app.Stop())
	reloads.Wait()
	w.app = nil
	require.Zero(t, w.leases("mailbox"))
	require.Zero(t, w.mail.Connections())
}

func TestMailboxLeaseFollowsTheLaziestPoll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.load(), nil)
	require.Equal(t, 2*time.Minute, w.app.settings.Load().MailboxLease)
	require.NoError(t, w.app.Reload(w.load("poll: 1m}\nalerts", "poll: 7m}\nalerts")))
	require.Equal(t, 14*time.Minute, w.app.settings.Load().MailboxLease)
}
