package sepclient

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// OnlineStatus is how many clients are connected to SEPM (A17).
type OnlineStatus struct {
	Online, Offline int
	// Other are counts by a status that is neither, as SEPM calls it.
	Other       map[string]int
	LastUpdated time.Time
}

// OnlineStatus asks how many clients are connected.
func (c *Client) OnlineStatus(ctx context.Context) (OnlineStatus, error) {
	var answer struct {
		Updated number `json:"lastUpdated"`
		Counts  *[]struct {
			Status  text   `json:"status"`
			Clients number `json:"clientsCount"`
		} `json:"clientCountStatsList"`
	}
	r := request{op: "count clients", method: http.MethodGet, path: "/stats/client/onlinestatus", read: true, into: &answer}
	if err := c.do(ctx, r); err != nil {
		return OnlineStatus{}, err
	}
	if answer.Counts == nil {
		return OnlineStatus{}, r.fail(Temporary, "the answer has no counts", nil)
	}
	out := OnlineStatus{LastUpdated: answer.Updated.time()}
	for _, n := range *answer.Counts {
		switch clients := n.Clients.or(0); strings.ToUpper(string(n.Status)) {
		case "ONLINE":
			out.Online += clients
		case "OFFLINE":
			out.Offline += clients
		default:
			if out.Other == nil {
				out.Other = make(map[string]int)
			}
			out.Other[string(n.Status)] += clients
		}
	}
	return out, nil
}
