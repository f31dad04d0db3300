package mailbox

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/internal/simulate/flags"
)

// Help says on a command line what [Parse] reads.
const Help = `A fault is KIND[,key=value...]:

  delay        answers after delay=2s
  status       answers NO and does nothing
  lost_reply   does what was asked and cuts the connection
  late_change  cuts the connection and does what was asked after delay=1s
  reset        cuts the connection and does nothing; with bytes=500, each new
               connection after so many sent bytes and up to spread=1000 more
  omit         leaves uids=1+2+3 out of the answer to a FETCH
  garble       puts a line that is not IMAP before the answer
  all          most of them now and then, as "sepwatch demo --faults" has them

All but the last also take command=FETCH and uids=1+2+3 (commands that name
one), one_in=10 (strikes about every tenth such command) and times=3 (ends after
so many strikes).`

// Parse reads rules as they are written on a command line: a kind and what
// else there is to say, "status,command=STORE,times=2", or "all", which is
// [All].
func Parse(text string) ([]Rule, error) {
	commands := []string{"LOGIN", "SELECT", "LIST", "SEARCH", "FETCH", "STORE", "COPY", "MOVE", "EXPUNGE", "IDLE"}
	command := flags.OneOf("command", func(r *Rule) *string { return &r.Command }, commands...)
	uids := flags.Key[Rule]{Name: "uids", Want: "UIDs such as 1+2+3", Set: func(r *Rule, text string) bool {
		for part := range strings.SplitSeq(text, "+") {
			uid, err := strconv.ParseUint(part, 10, 32)
			if err != nil || uid == 0 {
				return false
			}
			r.UIDs = append(r.UIDs, uint32(uid))
		}
		return true
	}}
	rate := []flags.Key[Rule]{
		flags.Count("one_in", func(r *Rule) *int { return &r.OneIn }),
		flags.Count("times", func(r *Rule) *int { return &r.Limit }),
	}
	kind := func(k Kind, own ...flags.Key[Rule]) flags.Kind[Rule] {
		return flags.Kind[Rule]{Name: string(k), Make: func() []Rule { return []Rule{{Kind: k}} }, Keys: slices.Concat(own, rate)}
	}
	delay := flags.Duration("delay", func(r *Rule) *time.Duration { return &r.Delay })
	needed := func(k flags.Key[Rule]) flags.Key[Rule] {
		k.Needed = true
		return k
	}
	omit := kind(Omit, needed(uids), command)
	omit.Make = func() []Rule { return []Rule{{Kind: Omit, Command: "FETCH"}} }
	return flags.Spec(text, []flags.Kind[Rule]{
		kind(Delay, needed(delay), command, uids),
		kind(Status, command, uids),
		kind(LostReply, command, uids),
		kind(LateChange, delay, command, uids),
		kind(Reset, command, uids,
			flags.Count("bytes", func(r *Rule) *int64 { return &r.Bytes }),
			flags.Count("spread", func(r *Rule) *int64 { return &r.Spread })),
		omit,
		kind(Garble, command, uids),
		{Name: "all", Make: All},
	})
}
