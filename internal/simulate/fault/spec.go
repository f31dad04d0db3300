package fault

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/internal/simulate/flags"
)

// Help says on a command line what [Parse] reads.
const Help = `A fault is KIND[,key=value...]:

  delay        answers after wait=2s
  status       answers code=503 and does nothing, as a proxy in front of the
               server does, or from=server as that itself would
  lost_reply   does what was asked and cuts the connection
  late_change  cuts the connection when the client gives up, or after hold=5s,
               and does what was asked late=1s later
  reset        cuts the connection and does nothing
  all          each of them now and then, as "sepwatch demo --faults" has them

All but the last also take method=POST, path=incidents/*/comments (the end of a
path), one_in=10 (strikes about every tenth such request), after=5 (lets so
many such requests pass first) and times=3 (ends after so many strikes).`

// Parse reads switches as they are written on a command line: a kind and what
// else there is to say, "status,method=POST,path=incidents,code=500,times=2",
// or "all", which is [All].
func Parse(text string) ([]Switch, error) {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	which := []flags.Key[Switch]{
		flags.OneOf("method", func(s *Switch) *string { return &s.Method }, methods...),
		{Name: "path", Want: "the end of a path, such as incidents/*/comments", Set: func(s *Switch, text string) bool {
			s.Path = text
			return strings.Trim(text, "/") != ""
		}},
		flags.Count("one_in", func(s *Switch) *int { return &s.OneIn }),
		flags.Count("after", func(s *Switch) *int { return &s.After }),
		flags.Count("times", func(s *Switch) *int { return &s.Remaining }),
	}
	kind := func(k Kind, own ...flags.Key[Switch]) flags.Kind[Switch] {
		return flags.Kind[Switch]{Name: string(k), Make: func() []Switch { return []Switch{{Kind: k}} }, Keys: slices.Concat(own, which)}
	}
	wait := flags.Duration("wait", func(s *Switch) *time.Duration { return &s.Wait })
	wait.Needed = true
	return flags.Spec(text, []flags.Kind[Switch]{
		kind(Delay, wait),
		kind(Status, flags.Key[Switch]{Name: "code", Want: "a status from 400 to 599", Set: func(s *Switch, text string) bool {
			n, err := strconv.Atoi(text)
			s.Code = n
			return err == nil && n >= 400 && n <= 599
		}}, flags.Key[Switch]{Name: "from", Want: "proxy or server", Set: func(s *Switch, text string) bool {
			s.FromServer = text == "server"
			return s.FromServer || text == "proxy"
		}}),
		kind(LostReply),
		kind(LateChange,
			flags.Duration("hold", func(s *Switch) *time.Duration { return &s.Hold }),
			flags.Duration("late", func(s *Switch) *time.Duration { return &s.Late })),
		kind(Reset),
		{Name: "all", Make: All},
	})
}
