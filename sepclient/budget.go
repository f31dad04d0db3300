package sepclient

import (
	"context"
	"net/http"
)

// Lane says who waits for a request: of what a [Budget] allows, some is kept
// for those who wait in person.
type Lane int

// The lanes, the last one first in line.
const (
	// Routine is what is looked up by itself.
	Routine Lane = iota
	// Following is how commands stand.
	Following
	// Urgent is what a person waits for, or what contains an attack.
	Urgent
)

// Budget bounds the requests to one SEPM, which refuses what goes beyond its
// throttle (A4). It is safe for concurrent use.
type Budget interface {
	// Take waits until one more request may be sent. Its error is ctx's, or
	// says why there is no budget to be had; nothing is sent then.
	Take(ctx context.Context, lane Lane) error
	// Refused says that SEPM has refused a request as one too many: until its
	// throttle's window has passed nothing is to be sent.
	Refused(ctx context.Context) error
}

// In is the same client, with the same login, for requests of a lane. A client
// is made in [Routine].
func (c *Client) In(lane Lane) *Client {
	in := *c
	in.lane = lane
	return &in
}

// maxRefusals is how often one request may be refused as one too many before
// its caller is told.
const maxRefusals = 3

// afford waits until the request may be sent.
func (c *Client) afford(ctx context.Context, r request) error {
	if c.options.Budget == nil {
		return nil
	}
	if err := c.options.Budget.Take(ctx, c.lane); err != nil {
		return r.fail(Throttled, "waiting for its turn among the requests to SEPM: "+err.Error(), err)
	}
	return nil
}

// refused reports whether SEPM has refused the request as one too many, and it
// is to be sent once more: it was not looked at.
func (c *Client) refused(ctx context.Context, status, times int) (bool, error) {
	if status != http.StatusTooManyRequests || c.options.Budget == nil || times == maxRefusals {
		return false, nil
	}
	return true, c.options.Budget.Refused(ctx)
}
