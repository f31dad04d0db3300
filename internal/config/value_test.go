package config

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{
		"1B": 1, "512KiB": 512 << 10, "64MiB": 64 << 20, "1 GiB": 1 << 30, "2TiB": 2 << 40,
		"9223372036854775807B": math.MaxInt64,
	} {
		got, ok := parseSize(text)
		require.True(t, ok, text)
		require.Equal(t, want, got)
		again, ok := parseSize(got.String())
		require.True(t, ok, got.String())
		require.Equal(t, got, again)
	}
	for _, text := range []string{"", "B", "64", "64MB", "64M", "0B", "-1B", "1.5GiB", "64mib", "9223372036854775808B", "8388608TiB", "MiB"} {
		_, ok := parseSize(text)
		require.False(t, ok, text)
	}
}

func TestLength(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "1.5s": 1500 * time.Millisecond,
		"14d": 14 * day, "1d12h": 36 * time.Hour, "1d0s": day, "0d5m": 5 * time.Minute, "106751d": 106_751 * day,
	} {
		got, ok := parseLength(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
		again, ok := parseLength(lengthText(got))
		require.True(t, ok, lengthText(got))
		require.Equal(t, got, again)
	}
	for length, want := range map[time.Duration]string{
		14 * day: "14d", day + 12*time.Hour: "1d12h", day + time.Minute: "1d1m", time.Hour: "1h", 90 * time.Minute: "1h30m", time.Millisecond: "1ms",
	} {
		require.Equal(t, want, lengthText(length))
	}
	for _, text := range []string{"", "d", "14", "0d", "0s", "-1d", "1d-2h", "1.5d", "1d1d", "2h1d", "14 d", "14D", "106752d", "106751d24h", "99999999999999999999d"} {
		_, ok := parseLength(text)
		require.False(t, ok, text)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Start{"now": StartNow, "all": StartAll, "14d": Start(14 * day), "36h": Start(36 * time.Hour)} {
		got, problem := parseStart(text)
		require.Nil(t, problem, text)
		require.Equal(t, want, got)
		again, problem := parseStart(got.String())
		require.Nil(t, problem)
		require.Equal(t, got, again)
	}
	for text, remedy := range map[string]string{
		"soon": "one of now, all, or how long ago a mail may have arrived, such as 14d",
		"al":   "all (all of them: now, all), or how long",
		"0d":   "one of now, all, or how long", "-14d": "or how long", "14": "or how long", "two weeks": "or how long", "": "or how long",
	} {
		_, problem := parseStart(text)
		require.NotNil(t, problem, text)
		require.Contains(t, problem.remedy, remedy, text)
	}
}

func TestMailboxURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want MailboxURL
		fail string
	}{
		{"imaps://user@mail.example.com/INBOX", MailboxURL{IMAPS, "user", "mail.example.com", 993, "INBOX"}, ""},
		{"imaps://a%40b.com@mail.example.com:1993/INBOX/SEPM%20alerts", MailboxURL{IMAPS, "a@b.com", "mail.example.com", 1993, "INBOX/SEPM alerts"}, ""},
		{"imaps://DOMAIN%5Cuser@[2001:db8::1]/INBOX", MailboxURL{IMAPS, `DOMAIN\user`, "2001:db8::1", 993, "INBOX"}, ""},
		{"imap://u@mail.example.com/INBOX", MailboxURL{IMAP, "u", "mail.example.com", 143, "INBOX"}, ""},
		{"imap://u@localhost:1143/INBOX", MailboxURL{IMAP, "u", "localhost", 1143, "INBOX"}, ""},
		{"imap+insecure://u@localhost/INBOX", MailboxURL{IMAPInsecure, "u", "localhost", 143, "INBOX"}, ""},
		{"imap+insecure://u@[::1]:1143/INBOX", MailboxURL{IMAPInsecure, "u", "::1", 1143, "INBOX"}, ""},
		{"imap+insecure://u@127.0.0.9/INBOX", MailboxURL{IMAPInsecure, "u", "127.0.0.9", 143, "INBOX"}, ""},
		{"imap+insecure://u@mail.example.com/INBOX", MailboxURL{}, "imap+insecure:// is for loopback hosts only"},
		{"imap+insecure://u@localhost.example.com/INBOX", MailboxURL{}, "imap+insecure:// is for loopback hosts only"},
		{"imaps://u:hunter2@mail.example.com/INBOX", MailboxURL{}, "holds a password"},
		{"imaps://u:hunter2/x@mail.example.com/INBOX", MailboxURL{}, "is not the URL of a mailbox"},
		{"imaps://mail.example.com/INBOX", MailboxURL{}, "names no user"},
		{"imaps://u@mail.example.com", MailboxURL{}, "names no folder"},
		{"imaps://u@mail.example.com/", MailboxURL{}, "names no folder"},
		{"imaps://u@:993/INBOX", MailboxURL{}, "names no host"},
		{"imaps://u@h:0/INBOX", MailboxURL{}, "has a port"},
		{"imaps://u@h:65536/INBOX", MailboxURL{}, "has a port"},
		{"imaps://u@h/INBOX%0d%0aLOGOUT", MailboxURL{}, "has a control character"},
		{"imaps://u@h/INBOX?x=1", MailboxURL{}, "is not the URL of a mailbox"},
		{"pop3://u@h/INBOX", MailboxURL{}, `has the scheme "pop3"`},
		{"mail.example.com", MailboxURL{}, "is not the URL of a mailbox"},
	}
	for _, tt := range tests {
		got, problem := parseMailboxURL(tt.text)
		if tt.fail != "" {
			require.NotNil(t, problem, tt.text)
			require.Contains(t, problem.problem, tt.fail)
			require.NotContains(t, problem.problem+problem.remedy, "hunter2")
			continue
		}
		require.Nil(t, problem, tt.text)
		require.Equal(t, tt.want, got)
		again, problem := parseMailboxURL(got.String())
		require.Nil(t, problem, got.String())
		require.Equal(t, got, again)
	}
	require.Equal(t, "[::1]:1143", MailboxURL{Host: "::1", Port: 1143}.Address())
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want, fail string }{
		{"https://sepm.example.com", "https://sepm.example.com:8446", ""},
		{"https://sepm.example.com:443/", "https://sepm.example.com:443", ""},
		{"https://[2001:db8::1]", "https://[2001:db8::1]:8446", ""},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080", ""},
		{"http://sepm.example.com", "", "http:// is for loopback hosts only"},
		{"https://sepm.example.com/sepm/api/v1", "", "has a path"},
		{"https://u:hunter2@sepm.example.com", "", "holds a user"},
		{"https://h:99999", "", "has a port"},
		{"ftp://h", "", `has the scheme "ftp"`},
		{"sepm.example.com", "", "is not the URL of a server"},
		{"https://h?x", "", "is not the URL of a server"},
	}
	for _, tt := range tests {
		got, problem := parseBaseURL(tt.text, "8446")
		if tt.fail != "" {
			require.NotNil(t, problem, tt.text)
			require.Contains(t, problem.problem, tt.fail)
			require.NotContains(t, problem.problem+problem.remedy, "hunter2")
			continue
		}
		require.Nil(t, problem, tt.text)
		require.Equal(t, tt.want, got)
	}
}

func TestDomain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"*.sepmdomain.com", "SEPM-SERVER", "a_b", "xn--mnchen-3ya.de", "a.b.c"} {
		require.True(t, isDomain(text), text)
	}
	for _, text := range []string{"", "*", "*.", "*.*.com", "a..b", ".a", "a.", "-a", "a-", "a b", "münchen.de", "a/b", string(make([]byte, 64))} {
		require.False(t, isDomain(text), text)
	}
}

func TestNearestWord(t *testing.T) {
	t.Parallel()
	words := []string{"mailboxes", "alerts", "whitelist", "sepm"}
	require.Contains(t, OneOf("mailbox", words), "mailboxes (all of them:")
	require.Contains(t, OneOf("ALERTS", words), "alerts (")
	require.Contains(t, OneOf("spem", words), "sepm (")
	require.Equal(t, "one of mailboxes, alerts, whitelist, sepm", OneOf("listen", words))
	require.Equal(t, 1, distance("spem", "sepm"))
	require.Equal(t, 3, distance("kitten", "sitting"))
}
