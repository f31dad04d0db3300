package mailbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]mailbox.Rule{
		"status": {Kind: mailbox.Status},
		"delay,command=FETCH,delay=50ms,uids=1+22+3,one_in=4,times=9": {
			Kind: mailbox.Delay, Command: "FETCH", Delay: 50 * time.Millisecond, UIDs: []uint32{1, 22, 3}, OneIn: 4, Limit: 9},
		"late_change,command=STORE":    {Kind: mailbox.LateChange, Command: "STORE"},
		"reset,bytes=500,spread=8000":  {Kind: mailbox.Reset, Bytes: 500, Spread: 8000},
		"omit,uids=2":                  {Kind: mailbox.Omit, Command: "FETCH", UIDs: []uint32{2}},
		"garble,command=IDLE,one_in=3": {Kind: mailbox.Garble, Command: "IDLE", OneIn: 3},
	} {
		got, err := mailbox.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, []mailbox.Rule{want}, got, text)
	}
	all, err := mailbox.Parse("all")
	require.NoError(t, err)
	require.Equal(t, mailbox.All(), all)

	for text, want := range map[string]string{
		"garbel":                      `there is no kind "garbel": want one of delay, status, lost_reply, late_change, reset, omit, garble, all`,
		"delay":                       "delay needs delay=: a time such as 500ms or 2s",
		"omit":                        "omit needs uids=: UIDs such as 1+2+3",
		"omit,uids=1+0":               `uids="1+0": want UIDs such as 1+2+3`,
		"omit,uids=1,2":               `omit takes no key "2": want one of uids, command, one_in, times`,
		"status,command=fetch":        `command="fetch": want one of LOGIN, SELECT, LIST, SEARCH, FETCH, STORE, COPY, MOVE, EXPUNGE, IDLE`,
		"reset,bytes=9e9":             `bytes="9e9": want a number from 1 up`,
		"status,bytes=1":              `status takes no key "bytes": want one of command, uids, one_in, times`,
		"reset,bytes=999999999999999": `bytes="999999999999999": want a number from 1 up`,
	} {
		_, err := mailbox.Parse(text)
		require.EqualError(t, err, want)
	}
}
