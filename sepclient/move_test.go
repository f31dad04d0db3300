package sepclient

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMoveComputers(t *testing.T) {
	one, two := Move{"HW1", "G1"}, Move{"HW2", "G2"}
	for _, tt := range []struct {
		name    string
		moves   []Move
		status  int
		answer  string
		classes []Class // of each move
		class   Class
		failure string
	}{
		{name: "one, 200", moves: []Move{one}, status: 200, answer: `[{"responseCode":"200","responseMessage":"OK"}]`, classes: []Class{""}},
		{
			name: "two, 207", moves: []Move{one, two}, status: 207,
			answer: `[{"responseCode":200,"responseMessage":"OK"},{"responseCode":"410","responseMessage":"no such computer"}]`, classes: []Class{"", NotFound},
		},
		{
			name: "every other answer is no success", moves: []Move{one, two, {"HW3", "G"}, {"HW4", "G"}, {"HW5", "G"}}, status: 207,
			answer:  `[{"responseCode":"409"},{"responseCode":"500"},{"responseMessage":"OK"},{"responseCode":"OK"},{"responseCode":"204"}]`,
			classes: []Class{Conflict, Ambiguous, Ambiguous, Ambiguous, Ambiguous},
		},
		{name: "fewer answers than moves", moves: []Move{one, two}, status: 200, answer: `[{"responseCode":"200"}]`, class: Ambiguous, failure: "answered for 1 computers in place of 2"},
		{name: "no answers", moves: []Move{one}, status: 200, class: Ambiguous, failure: "not what SEPM's API promises"},
		{name: "an object", moves: []Move{one}, status: 200, answer: `{"errorCode":"400"}`, class: Ambiguous, failure: "not what SEPM's API promises"},
		{name: "conflict", moves: []Move{one}, status: 409, class: Conflict, failure: `move computers "HW1" (PATCH /computers): 409`},
		{name: "another success", moves: []Move{one, two}, status: 202, class: Ambiguous, failure: `move computers "2 computers"`},
		{name: "no hardware key", moves: []Move{{"", "G"}}, class: Permanent, failure: "needs a hardware key and a group"},
		{name: "no group", moves: []Move{one, {"HW2", ""}}, class: Permanent, failure: "needs a hardware key and a group"},
		{name: "twice", moves: []Move{one, {"hw1", "G2"}}, class: Permanent, failure: `moved twice, to "G1" and "G2"`},
		{name: "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body string
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				data, _ := io.ReadAll(r.Body)
				body = r.Method + " " + r.URL.Path + " " + string(data)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.answer)
			})
			moved, err := s.client(t).MoveComputers(t.Context(), tt.moves...)
			require.Equal(t, tt.status == 0, body == "", "a mistake of the caller is not sent")
			if tt.class != "" {
				requireError(t, err, tt.class, tt.failure)
				require.Empty(t, moved)
				return
			}
			require.NoError(t, err)
			var classes []Class
			for i, m := range moved {
				require.Equal(t, tt.moves[i], m.Move)
				classes = append(classes, classOf(m.Err))
				if m.Err != nil {
					require.ErrorContains(t, m.Err, m.HardwareKey)
				}
			}
			require.Equal(t, tt.classes, classes)
			if len(tt.moves) == 1 {
				require.Equal(t, `PATCH /sepm/api/v1/computers [{"group":{"id":"G1"},"hardwareKey":"HW1"}]`, body)
			}
		})
	}
}
