package sepclient

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Move is a computer to put into another group.
type Move struct {
	// HardwareKey is the computer's [Computer.HardwareKey], not its id. SEPM
	// may hang where two records share one (A10).
	HardwareKey string
	GroupID     string
}

// Moved is what became of one [Move].
type Moved struct {
	Move
	// Err is why it was not moved, an [*Error]; nil where it was.
	Err error
}

// MoveComputers moves computers, all in one request, and says of each whether
// it was moved. Its error is that of the request; then no computer was moved,
// unless the error is Ambiguous.
func (c *Client) MoveComputers(ctx context.Context, moves ...Move) ([]Moved, error) {
	type group struct {
		ID string `json:"id"`
	}
	type item struct {
		Group       group  `json:"group"`
		HardwareKey string `json:"hardwareKey"`
	}
	r := request{
		op: "move computers", method: http.MethodPatch, path: "/computers",
		success: []int{http.StatusOK, http.StatusMultiStatus},
	}
	body := make([]item, 0, len(moves))
	groups := make(map[string]string, len(moves))
	for _, m := range moves {
		r.subject = m.HardwareKey
		key := strings.ToUpper(m.HardwareKey)
		switch other, again := groups[key]; {
		case m.HardwareKey == "" || m.GroupID == "":
			return nil, r.fail(Permanent, "a move needs a hardware key and a group", nil)
		case again:
			return nil, r.fail(Permanent, fmt.Sprintf("the computer is moved twice, to %q and %q", other, m.GroupID), nil)
		}
		groups[key] = m.GroupID
		body = append(body, item{group{m.GroupID}, m.HardwareKey})
	}
	if len(moves) == 0 {
		return nil, nil
	}
	if len(moves) > 1 {
		r.subject = fmt.Sprintf("%d computers", len(moves))
	}
	var answers []bulkResponse
	r.body, r.into = body, &answers
	if err := c.do(ctx, r); err != nil {
		return nil, err
	}
	if len(answers) != len(moves) {
		return nil, r.fail(Ambiguous, fmt.Sprintf("SEPM answered for %d computers in place of %d", len(answers), len(moves)), nil)
	}
	moved := make([]Moved, len(moves))
	for i, m := range moves {
		r.subject = m.HardwareKey
		moved[i] = Moved{m, answers[i].err(r)}
	}
	return moved, nil
}

// bulkResponse is the answer for one object of several (A10).
type bulkResponse struct {
	Code    text `json:"responseCode"`
	Message text `json:"responseMessage"`
}

func (b bulkResponse) err(r request) error {
	status, err := strconv.Atoi(string(b.Code))
	if err == nil && status == http.StatusOK {
		return nil
	}
	class := Ambiguous
	if err == nil {
		class = classOfStatus(status, r.read)
	}
	e := r.fail(class, firstOf(b.Message, "SEPM gives no reason"), nil)
	e.Status, e.Code = status, string(b.Code)
	return e
}
