package ingest_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

func TestCatchesUpInBatches(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		const n = 300
		s.append(t, mails(1, n)...)
		o := s.options()
		o.BatchMails, o.BatchBytes = 16, 2000
		largest := 0
		l := newLedger()
		l.onCommit = func(mails []ingest.Mail) { largest = max(largest, len(mails)) }
		w, stop := run(t, o, l)
		committed(t, l, n)
		stop()
		l.requireKept(t)
		require.LessOrEqual(t, largest, 16)
		require.Greater(t, largest, 1)
		require.EqualValues(t, n, l.now().Mark)
		require.Empty(t, l.now().Holes)
		require.False(t, l.held, "the lease is released")
		for i, p := range l.order {
			require.EqualValues(t, i+1, p.uid, "oldest first")
			got := l.mails[p]
			require.Equal(t, string(mail(i+1)), string(got.Raw))
			require.Equal(t, fmt.Sprintf("%d@sepm.example.com", i+1), got.MessageID)
			require.True(t, got.InternalDate.Equal(arrival))
			require.EqualValues(t, len(got.Raw), got.Size)
			require.False(t, got.Truncated)
		}
		require.False(t, w.Health().Connected)
	})
}

func TestIdleAnnouncesMail(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		l := newLedger()
		w, _ := run(t, s.options(), l)
		eventually(t, func() bool { return w.Health().Connected }, "connected")
		for n := 1; n <= 3; n++ { // no poll is due for an hour
			s.append(t, mail(n))
			committed(t, l, n)
		}
		l.requireKept(t)
	})
}

func TestStartNowLeavesOldMail(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		s.append(t, mails(1, 5)...)
		o := s.options()
		o.Start = ingest.Now
		l := newLedger()
		_, stop := run(t, o, l)
		eventually(t, func() bool { return l.now().Mark == 5 }, "the place is committed before any mail comes")
		stop()
		s.append(t, mails(6, 7)...) // while nobody watches

		_, stop = run(t, o, l)
		committed(t, l, 2)
		stop()
		require.True(t, l.has(l.now().UIDValidity, 6, 7))
		l.requireKept(t)
	})
}

func TestRestartGoesOnWhereItStopped(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		l := newLedger()
		for round := range 5 {
			s.append(t, mails(round*20+1, round*20+20)...)
			o := s.options()
			o.BatchMails = 4
			_, stop := run(t, o, l)
			// Stopped in the middle, and in the last round at the end.
			want := round*20 + 10
			if round == 4 {
				want = 100
			}
			eventually(t, func() bool { return l.count() >= want }, "some mails")
			stop()
		}
		require.Equal(t, 100, l.count())
		l.requireKept(t)
	})
}

func TestRebuiltMailboxIsReadAgain(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		s.append(t, mails(1, 10)...)
		l := newLedger()
		var log logged
		o := s.options()
		o.Logger = log.logger()
		w, _ := run(t, o, l)
		committed(t, l, 10)
		before := l.now().UIDValidity

		s.rebuild(t)
		committed(t, l, 20)
		after := l.now().UIDValidity
		require.NotEqual(t, before, after)
		require.True(t, l.has(after, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
		require.Contains(t, fmt.Sprint(log.warnings()), "rebuilt")
		eventually(t, func() bool { return w.Health().Connected && w.Health().LastError == "" }, "healthy again")
		l.requireKept(t)
	})
}

func TestExpungedMailIsNoHole(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		s.append(t, mails(1, 9)...)
		_ = s.messages(t, mailbox.Inbox) // UIDs are given now
		s.expunge(t, 2, 3, 9)
		l := newLedger()
		_, stop := run(t, s.options(), l)
		committed(t, l, 6)
		stop()
		require.True(t, l.has(l.now().UIDValidity, 1, 4, 5, 6, 7, 8))
		require.Empty(t, l.now().Holes)
		l.requireKept(t)
	})
}

func TestLargeMailIsCut(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		large := append(mail(2), bytes.Repeat([]byte("0123456789abcde\n"), 20_000)...)
		s.append(t, mail(1), large, mail(3))
		o := s.options()
		o.MaxSize = 100_000
		l := newLedger()
		_, stop := run(t, o, l)
		committed(t, l, 3)
		stop()
		validity := l.now().UIDValidity
		got := l.mails[position{validity, 2}]
		require.True(t, got.Truncated)
		require.Len(t, got.Raw, 100_000)
		require.Greater(t, got.Size, int64(300_000))
		require.Equal(t, "2@sepm.example.com", got.MessageID)
		for _, uid := range []uint32{1, 3} {
			whole := l.mails[position{validity, uid}]
			require.False(t, whole.Truncated)
			require.Equal(t, string(mail(int(uid))), string(whole.Raw))
		}
	})
}

func TestMailLargerThanABatch(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		large := append(mail(2), bytes.Repeat([]byte("0123456789abcd\r\n"), 5_000)...)
		s.append(t, mail(1), large, mail(3))
		o := s.options()
		o.BatchBytes = 2000
		l := newLedger()
		_, stop := run(t, o, l)
		committed(t, l, 3)
		stop()
		got := l.mails[position{l.now().UIDValidity, 2}]
		require.Equal(t, string(large), string(got.Raw))
		require.False(t, got.Truncated)
		require.Empty(t, l.now().Holes)
		l.requireKept(t)
	})
}

func TestFlagsAfterCommit(t *testing.T) {
	for _, tc := range []struct {
		flag ingest.Flag
		want []imap.Flag
	}{
		{ingest.FlagAuto, []imap.Flag{ingest.Keyword}},
		{ingest.FlagSeen, []imap.Flag{`\seen`}},
		{ingest.FlagNone, nil},
	} {
		t.Run(string(tc.flag), func(t *testing.T) {
			onServers(t, func(t *testing.T, s mailServer) {
				s.append(t, mails(1, 3)...)
				o := s.options()
				o.Flag = tc.flag
				l := newLedger()
				_, stop := run(t, o, l)
				committed(t, l, 3)
				want := map[uint32][]imap.Flag{1: tc.want, 2: tc.want, 3: tc.want}
				if tc.want != nil {
					eventually(t, func() bool { return fmt.Sprint(flags(t, s)) == fmt.Sprint(want) }, "flags")
				}
				stop()
				require.Equal(t, want, flags(t, s))
			})
		})
	}
}

func TestMovesAfterCommit(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		testMoves(t, s, true)
	})
	t.Run("by copy", func(t *testing.T) {
		testMoves(t, standIn(t, mailbox.Options{NoMove: true}), true)
	})
	t.Run("not at all", func(t *testing.T) {
		testMoves(t, standIn(t, mailbox.Options{NoMove: true, NoUIDPlus: true}), false)
	})
}

func testMoves(t *testing.T, s mailServer, moves bool) {
	all := mails(1, 10)
	s.append(t, all...)
	o := s.options()
	o.Move = mailbox.Processed
	l := newLedger()
	w, stop := run(t, o, l)
	committed(t, l, 10)
	if moves {
		eventually(t, func() bool { return len(s.messages(t, mailbox.Inbox)) == 0 }, "moved")
	} else {
		eventually(t, func() bool { return len(flags(t, s)[10]) == 1 }, "flagged")
	}
	// What was moved away is not missed, and what comes later is read.
	s.append(t, mail(11))
	committed(t, l, 11)
	require.Zero(t, w.Health().Holes)
	stop()
	if moves {
		require.Subset(t, raws(s.messages(t, mailbox.Processed)), asStrings(all))
	} else {
		require.Len(t, s.messages(t, mailbox.Inbox), 11)
		require.Empty(t, s.messages(t, mailbox.Processed))
	}
	l.requireKept(t)
}

func asStrings(all [][]byte) (s []string) {
	for _, raw := range all {
		s = append(s, string(raw))
	}
	return s
}

func TestNothingIsTouchedBeforeTheCommit(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		s.append(t, mails(1, 5)...)
		o := s.options()
		o.Flag, o.Move = ingest.FlagSeen, mailbox.Processed
		l := newLedger()
		attempts := make(chan int, 1000)
		l.failing = errDiskFull
		l.onCommit = func(mails []ingest.Mail) { attempts <- len(mails) }
		w, stop := run(t, o, l)
		for range 10 { // the first ones carry the place only
			<-attempts
		}
		require.Empty(t, s.messages(t, mailbox.Processed))
		for uid, flags := range flags(t, s) {
			require.Empty(t, flags, "mail %d", uid)
		}
		require.Zero(t, l.count())
		require.Contains(t, w.Health().LastError, "disk is full")

		l.set(func(l *ledger) { l.failing, l.onCommit = nil, nil })
		committed(t, l, 5)
		eventually(t, func() bool { return len(s.messages(t, mailbox.Processed)) == 5 }, "moved now")
		stop()
		l.requireKept(t)
	})
}

// A commit that fails in the middle of a long answer ends the session, and
// the next one goes on from what was committed.
func TestFailedCommitInTheMiddle(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		const n = 400
		s.append(t, mails(1, n)...)
		o := s.options()
		o.BatchMails = 10
		l := newLedger()
		commits := 0
		l.onCommit = func([]ingest.Mail) {
			commits++
			l.set(func(l *ledger) {
				l.failing = nil
				if commits%7 == 0 {
					l.failing = errDiskFull
				}
			})
		}
		_, stop := run(t, o, l)
		committed(t, l, n)
		stop()
		l.requireKept(t)
		require.Greater(t, commits, n/10)
	})
}
